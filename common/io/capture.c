/* capture - reader of recorded market data: files in a row, lines by their first byte.
 *
 * A stamped file is in order as its recorder wrote it and is handed out line by line, without a
 * copy. A cryptofeed file is grouped by connection, with the REST replies first: its lines are
 * collected into a window (WINDOW_BYTES, more than such files hold), sorted by stamp and handed out
 * from there. What lies further apart than a window keeps the file's order and is counted as a
 * stamp that goes back.
 */
#include "common/io/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/capture_parse.h"
#include "common/io/zlines.h"

#define FILES_MAX 64
#define WINDOW_BYTES ((size_t)32 << 20)
#define WINDOW_LINES ((size_t)1 << 18)
#define CONNECTIONS_MAX 256
#define NAME_MAX_LEN 64
#define ADDRESS_MAX 256 /* what is longer is cut: a list of streams */

struct kept { /* one line of the window; offsets into its text */
	int64_t stamp;
	uint64_t line;
	size_t data, url, conn, addr;
	uint32_t len;
	uint8_t kind;
};

struct connection { /* of a cryptofeed file: where it went */
	char name[NAME_MAX_LEN], addr[ADDRESS_MAX];
};

struct capture {
	char *paths; /* owned; commas turned into NULs */
	const char *path[FILES_MAX];
	uint32_t n_paths, next_path;
	struct zlines lines; /* of the file that is open */
	bool open;
	int err;     /* sticky: ERR_CLOSED at the end */
	bool behind; /* last_stamp is set */
	int64_t last_stamp;
	struct buf kept_text, kept_rows; /* the window */
	size_t kept_at;                  /* next row */
	struct connection connection[CONNECTIONS_MAX];
	uint32_t n_connections;
	int64_t own_stamp; /* of the last frame of a format that has milliseconds only */
	struct capture_counters counters;
};

static int check_file(const char *path, char *reason, size_t cap)
{
	struct zlines l = {0};
	char *line;
	size_t len;
	int rc = zlines_open(&l, path);

	if (rc == 0)
		rc = zlines_next(&l, &line, &len);
	if (rc == 0 && (len == 0 || (line[0] != '{' && line[0] != '[' && (line[0] < '0' || line[0] > '9'))))
		rc = ERR_SYNTAX;
	if (rc == ERR_CLOSED || rc == ERR_CORRUPT || rc == ERR_TRUNCATED)
		rc = ERR_SYNTAX;
	if (rc == ERR_SYNTAX)
		snprintf(reason, cap,
			 "%s: not a recording (gzip, zstd or plain lines of '<ns> <json>', cryptofeed objects, "
			 "recv_ms events, or frames with a timestamp)",
			 path);
	else if (rc != 0)
		snprintf(reason, cap, "%s: %s", path, err_text(rc));
	zlines_close(&l);
	return rc;
}

static int split_paths(struct capture *c, char *reason, size_t cap)
{
	char *at = c->paths;

	while (at != NULL) {
		char *comma = strchr(at, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (c->n_paths == FILES_MAX) {
			snprintf(reason, cap, "more than %d files", FILES_MAX);
			return ERR_TOO_LONG;
		}
		if (*at != '\0')
			c->path[c->n_paths++] = at;
		at = comma;
	}
	if (c->n_paths == 0) {
		snprintf(reason, cap, "no file named");
		return ERR_NOT_FOUND;
	}
	return 0;
}

int capture_open(const char *paths, struct capture **ret_capture, char *reason, size_t cap)
{
	struct capture *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return ERR_NOMEM;
	buf_init(&c->kept_text, WINDOW_BYTES + ZLINES_LINE_MAX);
	buf_init(&c->kept_rows, WINDOW_LINES * sizeof(struct kept));
	c->paths = strdup(paths);
	rc = c->paths == NULL ? ERR_NOMEM : split_paths(c, reason, cap);
	for (uint32_t i = 0; rc == 0 && i < c->n_paths; i++)
		rc = check_file(c->path[i], reason, cap);
	if (rc != 0) {
		capture_close(c);
		return rc;
	}
	*ret_capture = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	zlines_close(&c->lines);
	buf_fini(&c->kept_text);
	buf_fini(&c->kept_rows);
	free(c->paths);
	free(c);
}

/* Next raw line of whichever file; opens the next one where this is at its end. */
static int next_raw(struct capture *c, char **ret_line, size_t *ret_len)
{
	for (;;) {
		int rc;
		if (!c->open) {
			if (c->next_path == c->n_paths)
				return ERR_CLOSED;
			rc = zlines_open(&c->lines, c->path[c->next_path]);
			if (rc != 0)
				return rc;
			c->next_path++;
			c->open = true;
			c->own_stamp = 0;
		}
		uint64_t too_long = c->lines.too_long;
		rc = zlines_next(&c->lines, ret_line, ret_len);
		c->counters.unreadable += c->lines.too_long - too_long;
		if (rc != ERR_CLOSED) {
			c->counters.lines += rc == 0;
			return rc;
		}
		zlines_close(&c->lines);
		c->open = false;
		if (c->kept_rows.len > 0)
			return ERR_AGAIN; /* a window ends with its file */
	}
}

static struct kept *kept_row(const struct capture *c, size_t i)
{
	return (struct kept *)(void *)c->kept_rows.at + i;
}

static size_t kept_count(const struct capture *c)
{
	return c->kept_rows.len / sizeof(struct kept);
}

static int keep_text(struct capture *c, struct json_str s, size_t *ret_at)
{
	int rc = buf_reserve(&c->kept_text, s.len + 1);

	if (rc != 0)
		return rc;
	*ret_at = c->kept_text.len;
	int n = json_unescape(s, (char *)c->kept_text.at + c->kept_text.len, s.len + 1);
	if (n < 0)
		return n;
	c->kept_text.len += (size_t)n + 1;
	return n;
}

static struct connection *connection_of(struct capture *c, struct json_str name)
{
	for (uint32_t i = 0; i < c->n_connections; i++)
		if (json_str_is(name, c->connection[i].name))
			return &c->connection[i];
	return NULL;
}

static void remember(struct capture *c, const struct capture_entry *e)
{
	struct connection *at = connection_of(c, e->conn);

	if (e->conn.len == 0 || e->conn.len >= NAME_MAX_LEN || e->addr.len == 0)
		return;
	if (at == NULL && c->n_connections < CONNECTIONS_MAX)
		at = &c->connection[c->n_connections++];
	if (at == NULL)
		return;
	snprintf(at->name, sizeof(at->name), "%.*s", (int)e->conn.len, e->conn.at);
	snprintf(at->addr, sizeof(at->addr), "%.*s", (int)(e->addr.len < ADDRESS_MAX ? e->addr.len : ADDRESS_MAX - 1),
		 e->addr.at);
}

static struct json_str address_of(struct capture *c, struct json_str name)
{
	const struct connection *at = connection_of(c, name);

	return at != NULL ? (struct json_str){at->addr, strlen(at->addr), false} : (struct json_str){"", 0, false};
}

/* Puts one cryptofeed line into the window; leaves the window as it was on failure. */
static int keep(struct capture *c, const char *line, size_t len)
{
	struct capture_entry e;
	struct kept k = {.line = c->lines.line};
	size_t before = c->kept_text.len;
	int n = 0, rc = capture_parse_entry(line, len, &e);

	if (rc == ERR_UNKNOWN)
		remember(c, &e);
	if (rc != 0)
		return rc;
	k.stamp = e.stamp;
	k.kind = (uint8_t)e.kind;
	rc = keep_text(c, e.url, &k.url);
	if (rc >= 0)
		rc = keep_text(c, e.conn, &k.conn);
	if (rc >= 0)
		rc = keep_text(c, address_of(c, e.conn), &k.addr);
	if (rc >= 0)
		rc = n = keep_text(c, e.data, &k.data);
	k.len = n > 0 ? (uint32_t)n : 0;
	if (rc >= 0)
		rc = buf_append(&c->kept_rows, &k, sizeof(k));
	if (rc != 0)
		c->kept_text.len = before;
	return rc;
}

static int by_stamp(const void *a_p, const void *b_p)
{
	const struct kept *a = a_p, *b = b_p;

	if (a->stamp != b->stamp)
		return a->stamp < b->stamp ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

static bool window_full(const struct capture *c)
{
	return c->kept_text.len >= WINDOW_BYTES || kept_count(c) == WINDOW_LINES;
}

static void count_bad(struct capture *c, int err)
{
	if (err == ERR_UNKNOWN)
		c->counters.skipped++;
	else
		c->counters.unreadable++;
}

/* A line of whichever format. *ret_entry: it went into the window. */
static int read_line(struct capture *c, const char *line, size_t len, struct capture_line *ret_line, bool *ret_entry)
{
	static const char event[] = "{\"recv_ms\"";
	int rc;

	*ret_entry = false;
	if (len > 0 && line[0] >= '0' && line[0] <= '9') {
		rc = capture_parse_stamped(line, len, ret_line);
	} else if (len >= sizeof(event) - 1 && memcmp(line, event, sizeof(event) - 1) == 0) {
		rc = capture_parse_event(line, len, &c->own_stamp, ret_line);
	} else {
		rc = len > 0 && line[0] == '{' ? keep(c, line, len) : ERR_SYNTAX;
		*ret_entry = rc == 0;
		if (rc == ERR_SYNTAX) {
			rc = capture_parse_bare(line, len, &c->own_stamp, ret_line);
			rc = rc == ERR_UNKNOWN ? ERR_SYNTAX : rc;
		}
	}
	ret_line->line = c->lines.line;
	return rc;
}

/* Collects lines until the window is full or its file ends. A stamped line, met while nothing is
 * collected, goes straight to *ret_line. 0 with *ret_direct, or 0 with a window, or what next_raw
 * says. */
static int collect(struct capture *c, struct capture_line *ret_line, bool *ret_direct)
{
	char *line;
	size_t len;
	int rc = 0;

	c->kept_at = 0;
	buf_clear(&c->kept_text);
	buf_clear(&c->kept_rows);
	*ret_direct = false;
	while (!window_full(c)) {
		rc = next_raw(c, &line, &len);
		if (rc != 0)
			break;
		bool entry = false;
		rc = read_line(c, line, len, ret_line, &entry);
		if (rc == ERR_NOMEM)
			break;
		if (rc != 0)
			count_bad(c, rc);
		else if (!entry && kept_count(c) == 0) {
			*ret_direct = true;
			return 0;
		} else if (!entry)
			count_bad(c, ERR_SYNTAX); /* a stamped line inside a file of objects */
	}
	if (kept_count(c) == 0)
		return rc;
	if (rc != 0 && rc != ERR_AGAIN)
		c->err = rc; /* told once the window is handed out */
	qsort(c->kept_rows.at, kept_count(c), sizeof(struct kept), by_stamp);
	return 0;
}

static void from_window(struct capture *c, struct capture_line *ret_line)
{
	const struct kept *k = kept_row(c, c->kept_at++);
	const char *text = (const char *)c->kept_text.at;

	*ret_line = (struct capture_line){.kind = (enum capture_kind)k->kind,
					  .stamp = k->stamp,
					  .data = text + k->data,
					  .len = k->len,
					  .url = text + k->url,
					  .conn = text + k->conn,
					  .addr = text + k->addr,
					  .line = k->line};
}

int capture_next(struct capture *c, struct capture_line *ret_line)
{
	struct capture_line line = {0};
	bool direct = false;

	if (c->kept_at == kept_count(c)) {
		int rc = c->err != 0 ? c->err : collect(c, &line, &direct);
		if (rc != 0) {
			c->err = rc;
			return rc;
		}
	}
	if (!direct)
		from_window(c, &line);
	c->counters.frames += line.kind == CAPTURE_FRAME;
	c->counters.http += line.kind == CAPTURE_HTTP;
	c->counters.stamps_back += c->behind && line.stamp < c->last_stamp;
	c->last_stamp = line.stamp;
	c->behind = true;
	*ret_line = line;
	return 0;
}

struct capture_counters capture_counters(const struct capture *c)
{
	return c->counters;
}
