/* codec_state - the writer and reader for snapshots of cores; the first error sticks. */
#include "common/base/check.h"
#include "common/base/utf8.h"
#include "proto/codec.h"
#include "proto/wire.h"

#define EVENT_ROOM_FIRST 1024
#define EVENT_ROOM_MAX (1u << 20) /* more than the longest lists of the longest numbers */
#define BIN32_HEAD 5

/* Makes room for n more bytes; false after an error. */
static bool room(struct packer *p, size_t n)
{
	if (p->err == 0)
		p->err = buf_reserve(p->out, n);
	return p->err == 0;
}

/* Takes over the offset that a wire function returned. */
static void advance(struct packer *p, size_t n)
{
	must(n <= p->out->cap);
	p->out->len = n;
}

void pack_array(struct packer *p, uint32_t n)
{
	if (room(p, WIRE_INT_MAX))
		advance(p, wire_put_array(p->out->at, p->out->cap, p->out->len, n));
}

void pack_i64(struct packer *p, int64_t v)
{
	if (room(p, WIRE_INT_MAX))
		advance(p, wire_put_i64(p->out->at, p->out->cap, p->out->len, v));
}

void pack_u64(struct packer *p, uint64_t v)
{
	if (room(p, WIRE_INT_MAX))
		advance(p, wire_put_u64(p->out->at, p->out->cap, p->out->len, v));
}

void pack_bool(struct packer *p, bool v)
{
	if (room(p, WIRE_INT_MAX))
		advance(p, wire_put_byte(p->out->at, p->out->cap, p->out->len, v ? 0xc3 : 0xc2));
}

void pack_str(struct packer *p, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT32_MAX)
		p->err = p->err < 0 ? p->err : ERR_TOO_LONG;
	if (room(p, len + WIRE_INT_MAX))
		advance(p, wire_put_foreign(p->out->at, p->out->cap, p->out->len, text, len));
}

void pack_bin(struct packer *p, const void *at, size_t n)
{
	if (n > UINT32_MAX)
		p->err = p->err < 0 ? p->err : ERR_TOO_LONG;
	if (room(p, n + WIRE_INT_MAX))
		advance(p, wire_put_bin(p->out->at, p->out->cap, p->out->len, at, (uint32_t)n));
}

/* Packed in place, behind a head whose length is filled in afterwards. */
void pack_event(struct packer *p, const struct event *ev)
{
	for (size_t size = EVENT_ROOM_FIRST; size <= EVENT_ROOM_MAX; size *= 4) {
		if (!room(p, BIN32_HEAD + size))
			return;
		uint8_t *head = p->out->at + p->out->len;
		int n = codec_pack_unsent(ev, head + BIN32_HEAD, size);
		if (n == ERR_FULL)
			continue;
		if (n < 0) {
			p->err = n;
			return;
		}
		head[0] = 0xc6;
		for (int i = 0; i < 4; i++)
			head[1 + i] = (uint8_t)((uint32_t)n >> (24 - 8 * i));
		p->out->len += BIN32_HEAD + (size_t)n;
		return;
	}
	p->err = ERR_FULL;
}

/* Takes over the address that a wire function returned; false where it is an error, new or old. */
static bool moved(struct unpacker *u, const uint8_t *next)
{
	if (next == NULL)
		return false;
	u->at = next;
	return true;
}

uint32_t unpack_array(struct unpacker *u)
{
	uint32_t n;

	if (u->err < 0 || !moved(u, wire_get_array(u->at, u->end, &n, &u->err)))
		return 0;
	return n;
}

int64_t unpack_i64(struct unpacker *u)
{
	int64_t v = 0;

	if (u->err == 0)
		moved(u, wire_get_i64(u->at, u->end, &v, &u->err));
	return v;
}

uint64_t unpack_u64(struct unpacker *u)
{
	uint64_t v = 0;

	if (u->err == 0)
		moved(u, wire_get_u64(u->at, u->end, UINT64_MAX, &v, &u->err));
	return v;
}

bool unpack_bool(struct unpacker *u)
{
	if (u->err == 0 && u->at == u->end)
		u->err = ERR_TRUNCATED;
	if (u->err == 0 && (*u->at & 0xfe) != 0xc2)
		u->err = ERR_TYPE;
	return u->err == 0 && *u->at++ == 0xc3;
}

static int check_text(const uint8_t *at, size_t len, size_t cap)
{
	if (len >= cap)
		return ERR_TOO_LONG;
	if (memchr(at, '\0', len) != NULL)
		return ERR_RANGE;
	return utf8_valid(at, len) ? 0 : ERR_UTF8;
}

void unpack_str(struct unpacker *u, char *out, size_t cap)
{
	size_t len;
	const uint8_t *text;

	out[0] = '\0';
	if (u->err < 0 || (text = wire_get_str(u->at, u->end, &len, &u->err)) == NULL)
		return;
	u->err = check_text(text, len, cap);
	if (u->err < 0)
		return;
	memcpy(out, text, len);
	memset(out + len, 0, cap - len);
	u->at = text + len;
}

struct blob unpack_bin(struct unpacker *u)
{
	size_t len;
	const uint8_t *bytes;

	if (u->err < 0 || (bytes = wire_get_bin(u->at, u->end, &len, &u->err)) == NULL)
		return (struct blob){NULL, 0};
	u->at = bytes + len;
	return (struct blob){bytes, (uint32_t)len};
}

void unpack_event(struct unpacker *u, struct arena *arena, struct event *ev)
{
	struct blob packed = unpack_bin(u);
	size_t used;

	if (u->err < 0)
		return;
	u->err = codec_unpack_unsent(packed.at, packed.n, arena, ev, &used);
	if (u->err == 0 && used != packed.n)
		u->err = ERR_TRAILING;
}
