/* zlines - text lines: one buffer that slides over the plain bytes of a file. */
#include "common/io/zlines.h"

#include <string.h>

#include "common/base/err.h"

#define CHUNK ((size_t)256 * 1024)

int zlines_open(struct zlines *l, const char *path)
{
	struct zfile *file;
	int rc = zfile_open(path, &file);

	if (rc != 0)
		return rc;
	*l = (struct zlines){.file = file};
	buf_init(&l->text, ZLINES_LINE_MAX + CHUNK);
	return 0;
}

void zlines_close(struct zlines *l)
{
	zfile_close(l->file);
	buf_fini(&l->text);
	*l = (struct zlines){0};
}

static int fill(struct zlines *l)
{
	size_t n;
	int rc;

	buf_consume(&l->text, l->at);
	l->scanned -= l->at;
	l->at = 0;
	if (l->text.len > ZLINES_LINE_MAX) {
		l->skipping = true;
		buf_clear(&l->text);
		l->scanned = 0;
	}
	rc = buf_reserve(&l->text, CHUNK);
	if (rc == 0)
		rc = zfile_read(l->file, l->text.at + l->text.len, CHUNK, &n);
	if (rc != 0)
		return rc;
	l->text.len += n;
	l->eof = n == 0;
	return 0;
}

/* The line that begins at `at` and ends at `end`; false where its beginning was thrown away. */
static bool take(struct zlines *l, size_t end, size_t next, char **ret_line, size_t *ret_len)
{
	bool whole = !l->skipping;

	l->line++;
	l->skipping = false;
	l->too_long += !whole;
	*ret_line = (char *)l->text.at + l->at;
	*ret_len = end - l->at;
	l->at = l->scanned = next;
	return whole;
}

static const uint8_t *newline(const struct zlines *l)
{
	if (l->text.len == l->scanned)
		return NULL;
	return memchr(l->text.at + l->scanned, '\n', l->text.len - l->scanned);
}

int zlines_next(struct zlines *l, char **ret_line, size_t *ret_len)
{
	for (;;) {
		const uint8_t *nl = newline(l);
		if (nl != NULL) {
			size_t end = (size_t)(nl - l->text.at);
			if (take(l, end, end + 1, ret_line, ret_len))
				return 0;
			continue;
		}
		l->scanned = l->text.len;
		if (l->eof && l->at == l->text.len && !l->skipping)
			return ERR_CLOSED;
		if (l->eof) {
			if (take(l, l->text.len, l->text.len, ret_line, ret_len))
				return 0;
			continue;
		}
		int rc = fill(l);
		if (rc != 0)
			return rc;
	}
}
