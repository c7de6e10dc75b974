/* capture - reading recorded market data in tests: .gz and .zst files whole, line by line. */
#ifndef NJ_TESTS_CAPTURE_H
#define NJ_TESTS_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

struct capture {
	char *text; /* owned, NUL-terminated */
	size_t len;
	char *next; /* of capture_line */
};

static inline const char *capture_path(const char *name, char *out, size_t cap)
{
	const char *root = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");

	if (root != NULL)
		snprintf(out, cap, "%s/%s", root, name);
	else
		snprintf(out, cap, "%s/../shared/captures/%s", source != NULL ? source : ".", name);
	return out;
}

static inline int capture_grow(struct capture *c, size_t *cap)
{
	if (c->len + 65536 + 1 < *cap)
		return 0;
	*cap = *cap * 2 + 262144;
	char *more = realloc(c->text, *cap);
	if (more == NULL)
		return -1;
	c->text = more;
	return 0;
}

static inline int capture_gz(struct capture *c, const char *path)
{
	size_t cap = 0;
	int n = 0;
	gzFile f = gzopen(path, "rb");

	if (f == NULL)
		return -1;
	while (capture_grow(c, &cap) == 0 && (n = gzread(f, c->text + c->len, 65536)) > 0)
		c->len += (size_t)n;
	gzclose(f);
	return n < 0 || c->text == NULL ? -1 : 0;
}

static inline int capture_zst(struct capture *c, const char *path)
{
	static char in[65536];
	size_t cap = 0, n, rc = 1;
	FILE *f = fopen(path, "rb");
	ZSTD_DStream *z = ZSTD_createDStream();

	while (f != NULL && z != NULL && (n = fread(in, 1, sizeof(in), f)) > 0) {
		ZSTD_inBuffer from = {in, n, 0};
		while (from.pos < from.size && capture_grow(c, &cap) == 0) {
			ZSTD_outBuffer to = {c->text + c->len, 65536, 0};
			rc = ZSTD_decompressStream(z, &to, &from);
			if (ZSTD_isError(rc))
				break;
			c->len += to.pos;
		}
	}
	ZSTD_freeDStream(z);
	if (f != NULL)
		fclose(f);
	return f == NULL || ZSTD_isError(rc) || c->text == NULL ? -1 : 0;
}

/* 0, or -1 where the file is not there: skip the test. */
static inline int capture_open(const char *name, struct capture *ret)
{
	char path[1024];
	struct capture c = {0};

	capture_path(name, path, sizeof(path));
	int rc = strstr(name, ".zst") != NULL ? capture_zst(&c, path) : capture_gz(&c, path);
	if (rc != 0) {
		free(c.text);
		printf("skipped: no recording at %s\n", path);
		return -1;
	}
	c.text[c.len] = 0;
	c.next = c.text;
	*ret = c;
	return 0;
}

static inline void capture_close(struct capture *c)
{
	free(c->text);
	*c = (struct capture){0};
}

/* Next line, NUL-terminated in place, without its end; NULL behind the last. */
static inline char *capture_line(struct capture *c)
{
	char *line = c->next;

	if (line == NULL || *line == 0)
		return NULL;
	char *end = strchr(line, '\n');
	if (end != NULL)
		*end = 0;
	c->next = end != NULL ? end + 1 : NULL;
	return line;
}

#endif
