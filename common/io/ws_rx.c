/* ws_rx - assembles messages from frames.
 *
 *            text/binary fin                       text/binary, not final
 *   (idle) ──────────────────► message   (idle) ─────────────────────────► (open)
 *   (open) ── continuation ──► (open)    (open) ── continuation fin ─────► message, (idle)
 *
 * on_data holds both lines. A control frame (on_control) may stand anywhere and changes nothing;
 * a close frame ends it: ERR_CLOSED from then on. Every other frame fails the machine (fail).
 */
#include "common/io/ws_rx.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/utf8.h"
#include "common/io/ws_frame.h"

#define READ_MAX (256u << 10) /* bytes of one read at most, on top of the largest frame */
#define NEXT_FRAME 1          /* not an error: no item yet, go on */

/* Deflate can only grow what it cannot shrink: 5 bytes a stored block of 64 KiB, and a flush. */
static size_t frame_max(const struct ws_rx *rx)
{
	return rx->message_max + (rx->message_max >> 10) + 64;
}

void ws_rx_init(struct ws_rx *rx, size_t message_max, bool server)
{
	must(message_max > 0 && message_max <= UINT32_MAX / 2);
	*rx = (struct ws_rx){.message_max = message_max, .server = server};
	buf_init(&rx->in, frame_max(rx) + WS_FRAME_HEADER_MAX + READ_MAX + WS_DEFLATE_TAIL);
	/* One more byte, to see that it would not have been the end. */
	buf_init(&rx->message, message_max + 1);
}

void ws_rx_fini(struct ws_rx *rx)
{
	if (!rx)
		return;
	buf_fini(&rx->in);
	buf_fini(&rx->message);
	*rx = (struct ws_rx){0};
}

/* What is left of the last read moves to the front where room is short: less than a frame, once a
 * read. */
int ws_rx_room(struct ws_rx *rx, size_t want, uint8_t **ret_at, size_t *ret_cap)
{
	struct buf *in = &rx->in;
	int rc;

	if (rx->at == in->len) {
		rx->at = 0;
		in->len = 0;
	} else if (rx->at > 0 && in->cap - in->len < want + WS_DEFLATE_TAIL) {
		buf_consume(in, rx->at);
		rx->at = 0;
	}
	rc = buf_reserve(in, want + WS_DEFLATE_TAIL);
	if (rc < 0)
		return rc;
	*ret_at = in->at + in->len;
	*ret_cap = in->cap - in->len - WS_DEFLATE_TAIL;
	return 0;
}

void ws_rx_took(struct ws_rx *rx, size_t n)
{
	must(n <= rx->in.cap - rx->in.len - WS_DEFLATE_TAIL);
	rx->in.len += n;
}

static int fail(struct ws_rx *rx, int err, const char *why)
{
	rx->failed = err;
	rx->why = why;
	return err;
}

static int item(struct ws_rx_item *out, enum ws_rx_kind kind, const void *bytes, size_t len)
{
	*out = (struct ws_rx_item){.kind = kind, .bytes = bytes, .len = len};
	return 0;
}

static int on_close_frame(struct ws_rx *rx, const uint8_t *at, size_t len, struct ws_rx_item *out)
{
	int code = len >= 2 ? at[0] << 8 | at[1] : 1005;

	if (len == 1)
		return fail(rx, ERR_PROTOCOL, "a close frame holds half a code");
	if (len >= 2 && !ws_close_code_valid(code))
		return fail(rx, ERR_PROTOCOL, "a close frame holds a code that may not be sent");
	if (len > 2 && !utf8_valid(at + 2, len - 2))
		return fail(rx, ERR_UTF8, "the reason of a close frame is not UTF-8");
	rx->failed = ERR_CLOSED;
	rx->why = "the peer sent a close frame";
	item(out, WS_RX_CLOSE, len > 2 ? at + 2 : at, len > 2 ? len - 2 : 0);
	out->code = code;
	return 0;
}

static int on_control(struct ws_rx *rx, const struct ws_frame *f, const uint8_t *at,
		      struct ws_rx_item *out)
{
	if (f->opcode == WS_CLOSE)
		return on_close_frame(rx, at, f->len, out);
	return item(out, f->opcode == WS_PING ? WS_RX_PING : WS_RX_PONG, at, f->len);
}

/* One more piece onto the message. */
static int collect(struct ws_rx *rx, const struct ws_frame *f, uint8_t *at)
{
	int rc;

	if (!rx->packed) {
		if (f->len > rx->message_max - rx->message.len)
			return fail(rx, ERR_TOO_LONG, "a message is longer than its limit");
		rc = buf_append(&rx->message, at, f->len);
		return rc < 0 ? fail(rx, ERR_NOMEM, "no memory for a message") : 0;
	}
	rc = ws_deflate_unpack(rx->deflate, at, f->len, f->fin, &rx->message);
	if (rc == ERR_TOO_LONG)
		return fail(rx, rc, "a message is longer than its limit after inflating");
	if (rc == ERR_CORRUPT)
		return fail(rx, rc, "a compressed message is damaged");
	return rc < 0 ? fail(rx, ERR_NOMEM, "no memory to inflate a message") : 0;
}

static int on_data(struct ws_rx *rx, const struct ws_frame *f, uint8_t *at, struct ws_rx_item *out)
{
	int rc;

	if (rx->open != (f->opcode == WS_CONT))
		return fail(rx, ERR_PROTOCOL, rx->open ? "a message starts inside another"
						       : "a continuation continues nothing");
	if (f->opcode != WS_CONT) {
		rx->binary = f->opcode == WS_BINARY;
		rx->packed = f->rsv1;
		buf_clear(&rx->message);
	}
	if (f->opcode != WS_CONT && f->fin && !f->rsv1) {
		item(out, WS_RX_MESSAGE, at, f->len);
		out->binary = rx->binary;
		return 0;
	}
	rx->open = !f->fin;
	rc = collect(rx, f, at);
	if (rc < 0 || !f->fin)
		return rc < 0 ? rc : NEXT_FRAME;
	item(out, WS_RX_MESSAGE, rx->message.at, rx->message.len);
	out->binary = rx->binary;
	return 0;
}

/* What can be said before the payload is there: nothing oversized is ever waited for. */
static int check_frame(struct ws_rx *rx, const struct ws_frame *f)
{
	bool packed = f->opcode == WS_CONT ? rx->packed : f->rsv1;

	if (f->masked != rx->server)
		return fail(rx, ERR_PROTOCOL, rx->server ? "a client's frame is not masked"
							 : "a server's frame is masked");
	if (f->len > (packed ? frame_max(rx) : rx->message_max))
		return fail(rx, ERR_TOO_LONG, "a frame is longer than a message may be");
	return 0;
}

int ws_rx_next(struct ws_rx *rx, struct ws_rx_item *ret_item)
{
	int rc = rx->failed;

	while (rc >= 0 && rx->failed == 0) {
		uint8_t *at = rx->in.at + rx->at;
		size_t have = rx->in.len - rx->at;
		struct ws_frame f;

		if (have == 0)
			return ERR_AGAIN;
		rc = ws_frame_parse(at, have, rx->deflate != NULL, &f);
		if (rc == ERR_AGAIN)
			return rc;
		if (rc < 0)
			return fail(rx, rc, "a frame header breaks RFC 6455");
		rc = check_frame(rx, &f);
		if (rc < 0)
			return rc;
		if (have - f.header_len < f.len)
			return ERR_AGAIN;
		at += f.header_len;
		if (f.masked)
			ws_frame_mask(at, (size_t)f.len, f.mask, 0);
		rx->at += f.header_len + (size_t)f.len;
		rc = f.opcode & 8 ? on_control(rx, &f, at, ret_item)
				  : on_data(rx, &f, at, ret_item);
		if (rc == 0)
			return 0;
	}
	return rc;
}

int ws_close_code(int err)
{
	switch (err) {
	case ERR_TOO_LONG: return 1009;
	case ERR_UTF8:
	case ERR_CORRUPT: return 1007;
	case ERR_NOMEM: return 1011;
	default: return 1002;
	}
}

/* RFC 6455 7.4: 1004 is reserved, 1005, 1006 and 1015 never travel; 1012 to 1014 are registered. */
bool ws_close_code_valid(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}
