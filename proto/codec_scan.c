/* codec_scan - packed events as bytes: measured, compared, stamped and split. */
#include "proto/codec.h"
#include "proto/topic.h"
#include "proto/wire.h"

#define DEPTH_MAX 8 /* the event's own array is the first */
#define ELEMENTS_MAX 200000

/* What one msgpack head says: bytes of the value without its children, and how many children
 * follow. */
struct head {
	uint64_t size;
	uint64_t children;
};

static uint64_t big_endian(const uint8_t *at, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | at[i];
	return v;
}

static bool is_number(const uint8_t *at)
{
	if (*at == 0xca)
		return (big_endian(at + 1, 4) & 0x7f800000) != 0x7f800000;
	if (*at == 0xcb)
		return (big_endian(at + 1, 8) & 0x7ff0000000000000) != 0x7ff0000000000000;
	return true;
}

/* Codes 0xc0 to 0xdf: bytes of the number behind the code; whether it is a length, a count or the
 * value. */
enum use { USE_NONE, USE_VALUE, USE_LENGTH, USE_ARRAY, USE_MAP, USE_REFUSED };
static const struct form {
	uint8_t bytes, use;
} forms[32] = {
	[0x00] = {0, USE_NONE},    [0x01] = {0, USE_REFUSED}, [0x02] = {0, USE_NONE},
	[0x03] = {0, USE_NONE},    [0x04] = {1, USE_LENGTH},  [0x05] = {2, USE_LENGTH},
	[0x06] = {4, USE_LENGTH},  [0x07] = {0, USE_REFUSED}, [0x08] = {0, USE_REFUSED},
	[0x09] = {0, USE_REFUSED}, [0x0a] = {4, USE_VALUE},   [0x0b] = {8, USE_VALUE},
	[0x0c] = {1, USE_VALUE},   [0x0d] = {2, USE_VALUE},   [0x0e] = {4, USE_VALUE},
	[0x0f] = {8, USE_VALUE},   [0x10] = {1, USE_VALUE},   [0x11] = {2, USE_VALUE},
	[0x12] = {4, USE_VALUE},   [0x13] = {8, USE_VALUE},   [0x14] = {0, USE_REFUSED},
	[0x15] = {0, USE_REFUSED}, [0x16] = {0, USE_REFUSED}, [0x17] = {0, USE_REFUSED},
	[0x18] = {0, USE_REFUSED}, [0x19] = {1, USE_LENGTH},  [0x1a] = {2, USE_LENGTH},
	[0x1b] = {4, USE_LENGTH},  [0x1c] = {2, USE_ARRAY},   [0x1d] = {4, USE_ARRAY},
	[0x1e] = {2, USE_MAP},     [0x1f] = {4, USE_MAP},
};

static int long_head(const uint8_t *at, size_t len, struct head *h)
{
	const struct form *f = &forms[*at & 0x1f];

	if (f->use == USE_REFUSED)
		return ERR_TYPE;
	if (len < 1u + f->bytes)
		return ERR_TRUNCATED;
	if (!is_number(at))
		return ERR_TYPE;
	uint64_t n = f->use == USE_VALUE ? 0 : big_endian(at + 1, f->bytes);
	*h = (struct head){1u + f->bytes, 0};
	if (f->use == USE_LENGTH)
		h->size += n;
	else if (f->use == USE_ARRAY)
		h->children = n;
	else if (f->use == USE_MAP)
		h->children = 2 * n;
	return 0;
}

static int read_head(const uint8_t *at, size_t len, struct head *h)
{
	if (len == 0)
		return ERR_TRUNCATED;
	uint8_t byte = *at;
	if (byte >= 0xc0 && byte <= 0xdf)
		return long_head(at, len, h);
	*h = (struct head){1, 0};
	if (byte >= 0xa0 && byte <= 0xbf)
		h->size += byte & 0x1f;
	else if (byte >= 0x90 && byte <= 0x9f)
		h->children = byte & 0x0f;
	else if (byte >= 0x80 && byte <= 0x8f)
		h->children = 2u * (byte & 0x0f);
	return 0;
}

/* Bytes of a value where its first byte tells them all and there is nothing to check: integers, short texts, true,
 * false, nil. 0: read_head has to look. */
#define X4(n) n, n, n, n
#define X16(n) X4(n), X4(n), X4(n), X4(n)
static const uint8_t flat_bytes[256] = {
	X16(1), X16(1), X16(1), X16(1), X16(1), X16(1), X16(1), X16(1), /* 0x00: integers to 127 */
	X16(0), X16(0),                                                 /* 0x80: maps, arrays */
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,          /* 0xa0: texts to 31 bytes */
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	1, 0, 1, 1, X4(0), X4(0), 2, 3, 5, 9,                           /* 0xc0: nil, booleans; 0xcc: unsigned */
	2, 3, 5, 9, X4(0), X4(0), X4(0),                                /* 0xd0: signed */
	X16(1), X16(1),                                                 /* 0xe0: integers from -32 */
};
#undef X4
#undef X16

/* Steps over flat values, at most *count of them, and takes them off it; stops at the first that is something else or
 * cut off. Most of an event is such values: this is what makes measuring cheap. */
static size_t skip_flat_run(const uint8_t *at, size_t len, uint64_t *count)
{
	size_t used = 0;
	uint64_t left = *count;

	while (left > 0 && used < len) {
		size_t n = flat_bytes[at[used]];
		if (n == 0 || n > len - used)
			break;
		used += n;
		left--;
	}
	*count = left;
	return used;
}

/* The stack holds, by depth, the children still to come; what is inside an event begins one level
 * down. */
static int measure(const uint8_t *at, size_t len, size_t first_depth, size_t *ret_len)
{
	uint64_t open[DEPTH_MAX];
	size_t depth = first_depth, used = 0, elements = 0;

	do {
		struct head h;
		int rc = read_head(at + used, len - used, &h);
		if (rc < 0)
			return rc;
		if (h.size > len - used || h.children > len - used - h.size)
			return ERR_TRUNCATED;
		used += (size_t)h.size;
		elements += (size_t)h.children;
		if (elements > ELEMENTS_MAX)
			return ERR_TOO_LONG;
		if (depth > first_depth)
			open[depth - 1]--;
		if (h.children > 0) {
			if (depth == DEPTH_MAX)
				return ERR_DEPTH;
			open[depth++] = h.children;
		}
		if (depth > first_depth)
			used += skip_flat_run(at + used, len - used, &open[depth - 1]);
		while (depth > first_depth && open[depth - 1] == 0)
			depth--;
	} while (depth > first_depth);
	*ret_len = used;
	return 0;
}

int codec_measure(const uint8_t *at, size_t len, size_t *ret_len)
{
	return measure(at, len, 0, ret_len);
}

int wire_measure_inside(const uint8_t *at, size_t len, size_t *ret_len)
{
	return measure(at, len, 1, ret_len);
}

/* Skips flat values (numbers and texts, what an envelope holds). */
static const uint8_t *skip_flat(const uint8_t *at, const uint8_t *end, int count)
{
	for (; count > 0; count--) {
		struct head h;
		if (read_head(at, (size_t)(end - at), &h) < 0 || h.children > 0 ||
		    h.size > (size_t)(end - at))
			return NULL;
		at += h.size;
	}
	return at;
}

/* The parts of packed bytes around epoch and ts_sent. */
struct parts {
	const uint8_t *epoch, *seq, *sent, *rest;
};

static bool find_parts(const uint8_t *at, const uint8_t *end, struct parts *p)
{
	uint32_t count;
	int err;
	const uint8_t *first = wire_get_array(at, end, &count, &err);

	if (first == NULL || count < 9)
		return false;
	p->epoch = skip_flat(first, end, 3);
	p->seq = p->epoch != NULL ? skip_flat(p->epoch, end, 1) : NULL;
	p->sent = p->seq != NULL ? skip_flat(p->seq, end, 4) : NULL;
	p->rest = p->sent != NULL ? skip_flat(p->sent, end, 1) : NULL;
	return p->rest != NULL;
}

int codec_stamp_sent(uint8_t *at, size_t len, int64_t ts_sent)
{
	struct parts p;

	if (!find_parts(at, at + len, &p) || *p.sent != 0xd3)
		return ERR_TYPE;
	wire_store64(at + (p.sent - at) + 1, (uint64_t)ts_sent);
	return 0;
}

static bool same(const uint8_t *a, const uint8_t *a_end, const uint8_t *b, const uint8_t *b_end)
{
	return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

bool codec_same_result(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct parts pa, pb;

	return find_parts(a, a + a_len, &pa) && find_parts(b, b + b_len, &pb) &&
	       same(a, pa.epoch, b, pb.epoch) && same(pa.seq, pa.sent, pb.seq, pb.sent) &&
	       same(pa.rest, a + a_len, pb.rest, b + b_len);
}

int codec_split(const uint8_t *frame, size_t len, const char **ret_topic, size_t *ret_topic_len,
		const uint8_t **ret_body, size_t *ret_body_len)
{
	size_t max = len < TOPIC_MAX ? len : TOPIC_MAX;
	const uint8_t *nul = max > 0 ? memchr(frame, '\0', max) : NULL;

	if (nul == NULL)
		return ERR_SYNTAX;
	*ret_topic = (const char *)frame;
	*ret_topic_len = (size_t)(nul - frame);
	*ret_body = nul + 1;
	*ret_body_len = len - *ret_topic_len - 1;
	return 0;
}
