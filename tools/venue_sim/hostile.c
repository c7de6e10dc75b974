/* hostile - frames and replies that no honest venue sends: made from honest ones. */
#include "tools/venue_sim/hostile.h"

#include <ctype.h>

#include "common/base/err.h"
#include "tools/venue_sim/session.h"

#define DEPTH 100000
#define LEVELS 1000000
#define HEADER_BYTES 1000000
#define CHUNKS 1000000

/* ---- frames ---- */

static bool is_decimal(struct text t)
{
	bool digits = false;

	for (size_t i = 0; i < t.len; i++) {
		if (!isdigit((unsigned char)t.at[i]) && t.at[i] != '.')
			return false;
		digits = digits || t.at[i] != '.';
	}
	return digits && memchr(t.at, '.', t.len) != NULL;
}

/* The nth (from 0) string of the frame that is a decimal with a point. */
static bool find_decimal(struct text frame, int nth, struct text *ret_at)
{
	const char *at = frame.at, *end = frame.at + frame.len;

	while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
		const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
		if (close == NULL)
			return false;
		struct text inner = {at + 1, (size_t)(close - at - 1)};
		if (is_decimal(inner) && nth-- == 0) {
			*ret_at = inner;
			return true;
		}
		at = close + 1;
	}
	return false;
}

static int put(struct buf *out, struct text frame, struct text old, const char *before, struct text instead)
{
	size_t head = (size_t)(old.at - frame.at);
	int rc = buf_append(out, frame.at, head);

	if (rc == 0)
		rc = buf_append(out, before, strlen(before));
	if (rc == 0)
		rc = buf_append(out, instead.at, instead.len);
	return rc != 0 ? rc : buf_append(out, old.at + old.len, frame.len - head - old.len);
}

static int deep(struct text frame, struct buf *out)
{
	int rc = 0;

	(void)frame;
	for (int i = 0; rc == 0 && i < DEPTH; i++)
		rc = buf_append(out, "{\"a\":[", 6);
	return rc;
}

static int exponent(struct text frame, struct buf *out)
{
	struct text at;

	return find_decimal(frame, 0, &at) ? put(out, frame, at, "", TEXT("1e400")) : ERR_NOT_FOUND;
}

static int negative(struct text frame, struct buf *out)
{
	struct text at;

	return find_decimal(frame, 0, &at) ? put(out, frame, at, "-", at) : ERR_NOT_FOUND;
}

static int overflow(struct text frame, struct buf *out)
{
	static const char digits[] = "999999999999999999999999999999999999999999999999999999999999.5";
	struct text at;

	return find_decimal(frame, 1, &at) ? put(out, frame, at, "", TEXT(digits)) : ERR_NOT_FOUND;
}

/* The first [..] or {..} that holds a decimal and no other bracket. */
static bool find_level(struct text frame, struct text *ret_level)
{
	struct text number;

	if (!find_decimal(frame, 0, &number))
		return false;
	const char *from = number.at, *to = number.at, *end = frame.at + frame.len;
	while (from > frame.at && *from != '[' && *from != '{')
		from--;
	while (to < end && *to != ']' && *to != '}')
		to++;
	if (to == end || from == frame.at || (from[-1] != '[' && from[-1] != ','))
		return false; /* no element of a list */
	*ret_level = (struct text){from, (size_t)(to + 1 - from)};
	return true;
}

static int levels(struct text frame, struct buf *out)
{
	struct text level;

	if (!find_level(frame, &level))
		return ERR_NOT_FOUND;
	size_t n = (HOSTILE_FRAME_MAX - frame.len) / (level.len + 1);
	size_t head = (size_t)(level.at - frame.at);
	int rc = buf_append(out, frame.at, head);
	for (size_t i = 0; rc == 0 && i < n - 1 && i < LEVELS; i++) {
		rc = buf_append(out, level.at, level.len);
		if (rc == 0)
			rc = buf_byte(out, ',');
	}
	return rc != 0 ? rc : buf_append(out, level.at, frame.len - head);
}

/* Every capital letter becomes an X: names stay well formed, and mean nobody. */
static int symbol(struct text frame, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < frame.len; i++)
		rc = buf_byte(out, (uint8_t)(isupper((unsigned char)frame.at[i]) ? 'X' : frame.at[i]));
	return rc;
}

static const struct {
	const char *name;
	int (*make)(struct text frame, struct buf *out);
} variants[] = {
	{"deep", deep},         {"exponent", exponent}, {"negative", negative},
	{"overflow", overflow}, {"levels", levels},     {"symbol", symbol},
};

int hostile_frame(const char *variant, struct text frame, struct buf *out)
{
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		if (strcmp(variants[i].name, variant) == 0)
			return variants[i].make(frame, out);
	return ERR_ARG;
}

/* ---- replies ---- */

static void redirect(struct buf *out)
{
	buf_printf(out, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/elsewhere\r\nContent-Length: 0\r\n\r\n");
}

static void headers(struct buf *out)
{
	buf_printf(out, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < HEADER_BYTES / 20; i++)
		buf_printf(out, "X-Filler-%05d: abc\r\n", i);
	buf_printf(out, "Content-Length: 2\r\n\r\n{}");
}

static void chunks(struct buf *out)
{
	buf_printf(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < CHUNKS; i++)
		buf_append(out, "1\r\n{\r\n", 6);
	buf_printf(out, "ffffffffffffffff\r\n");
}

static void garbage(struct buf *out)
{
	buf_append(out, "\x16\x03\x01\x02\0\xff\r\n\r\n{}", 12);
}

static void cut(struct buf *out)
{
	buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{\"lastUpdateId\":");
}

static const struct {
	const char *name;
	void (*make)(struct buf *out);
} replies[] = {
	{"redirect", redirect}, {"headers", headers}, {"chunks", chunks}, {"garbage", garbage}, {"cut", cut},
};

bool hostile_reply(struct session *s, const char *variant)
{
	bool drip = strcmp(variant, "drip") == 0;

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		if (strcmp(replies[i].name, drip ? "cut" : variant) != 0)
			continue;
		replies[i].make(drip ? &s->delayed : conn_out(&s->conn));
		s->drips = drip;
		conn_kick(&s->conn);
		if (!drip)
			conn_close(&s->conn);
		return true;
	}
	return false;
}
