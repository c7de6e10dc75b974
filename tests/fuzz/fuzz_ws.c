/* fuzz_ws - any bytes as frames, handshake replies, extension headers and URLs.
 *
 * Frames in either role, deflated or not, cut anywhere. Nothing crashes, nothing grows beyond its
 * limit, what is accepted keeps its promises.
 *
 * The first byte chooses the machine, the second its options.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/utf8.h"
#include "common/io/url.h"
#include "common/io/ws_frame.h"
#include "common/io/ws_handshake.h"
#include "common/io/ws_rx.h"

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(const struct ws_rx_item *it)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < it->len; i++)
		sum = (uint8_t)(sum + (uint8_t)it->bytes[i]); /* every byte is there to read */
	must(it->len <= (it->kind == WS_RX_MESSAGE ? MESSAGE_MAX : 125));
	if (it->kind == WS_RX_CLOSE)
		must((it->code == 1005 || ws_close_code_valid(it->code)) &&
		     utf8_valid(it->bytes, it->len));
}

static int drain(struct ws_rx *rx)
{
	struct ws_rx_item it;
	int rc;

	while ((rc = ws_rx_next(rx, &it)) == 0)
		check_item(&it);
	must(rc == ERR_AGAIN || (rx->failed == rc && rx->why && ws_rx_next(rx, &it) == rc));
	must(rc == ERR_AGAIN || rc == ERR_PROTOCOL || rc == ERR_TOO_LONG || rc == ERR_UTF8 ||
	     rc == ERR_CORRUPT || rc == ERR_CLOSED);
	return rc;
}

/* options: bit 0 server, bit 1 deflate, the rest the size of a read. */
static void frames(uint8_t options, const uint8_t *at, size_t len)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 15};
	bool server = options & 1;
	size_t step = 1u + (options >> 2) * (options >> 2);
	struct ws_deflate *d = NULL;
	int rc = ERR_AGAIN;
	struct ws_rx rx;

	ws_rx_init(&rx, MESSAGE_MAX, server);
	if (options & 2)
		must(ws_deflate_new(&p, server, &d) == 0);
	rx.deflate = d;
	while (len > 0 && rc == ERR_AGAIN) {
		size_t n = step < len ? step : len, cap;
		uint8_t *room;

		must(ws_rx_room(&rx, n, &room, &cap) == 0 && cap >= n);
		memcpy(room, at, n);
		ws_rx_took(&rx, n);
		at += n;
		len -= n;
		rc = drain(&rx);
		must(rx.message.len <= MESSAGE_MAX + 1 && rx.in.cap <= 4 * MESSAGE_MAX + 4 * step);
	}
	ws_rx_fini(&rx);
	ws_deflate_free(d);
}

static void reply(uint8_t options, const uint8_t *at, size_t len)
{
	struct ws_request r = {.protocol = options & 1 ? "p.1" : NULL, .deflate = options & 2,
			       .key = "dGhlIHNhbXBsZSBub25jZQ=="};
	struct ws_reply p;
	size_t used = 0;
	int rc;

	ws_reply_init(&p);
	rc = ws_reply_parse(&p, &r, (const char *)at, len, &used);
	if (rc == 0)
		must(used >= 4 && used <= len && memcmp(at + used - 4, "\r\n\r\n", 4) == 0 &&
		     p.status == 101);
	if (rc == ERR_STATUS)
		must(p.status >= 0 && p.status <= 999 && p.status != 101);
	if (rc == ERR_PROTOCOL || rc == ERR_TOO_LONG)
		must(p.why);
	headers_retry_after_s(headers_get(&p.headers, "Retry-After"), 1700000000);
	ws_reply_fini(&p);
}

/* What we answer to an offer is something we would take as a client. */
static void extensions(const char *text)
{
	struct ws_deflate_params p, q;
	char answer[160];

	if (ws_deflate_answer(text, &p, answer, sizeof answer) == 0) {
		must(ws_deflate_reply(answer, &q) == 0);
		must(q.server_bits == p.server_bits && q.client_bits == p.client_bits);
		must(q.server_no_context == p.server_no_context &&
		     q.client_no_context == p.client_no_context);
	}
	if (ws_deflate_reply(text, &p) == 0)
		must(p.server_bits >= 8 && p.server_bits <= 15 && p.client_bits >= 8 &&
		     p.client_bits <= 15);
}

/* What was taken apart and put together again is the same URL. */
static void url(const char *text)
{
	struct url u, v;
	struct buf b;

	if (url_parse(text, &u) < 0)
		return;
	buf_init(&b, 4 * URL_MAX);
	must(buf_printf(&b, u.web_socket ? "ws%s://" : "http%s://", u.tls ? "s" : "") == 0);
	must(url_host(&u, &b) == 0 && url_target(&u, &b) == 0 && buf_byte(&b, 0) == 0);
	must(url_parse((const char *)b.at, &v) == 0);
	must(strcmp(u.host, v.host) == 0 && u.port == v.port && u.tls == v.tls &&
	     u.web_socket == v.web_socket && u.ipv6 == v.ipv6 && u.loopback == v.loopback);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 2)
		return 0;
	if (data[0] % 4 == 0)
		frames(data[1], data + 2, size - 2);
	if (data[0] % 4 == 1)
		reply(data[1], data + 2, size - 2);
	if (data[0] % 4 < 2)
		return 0;
	text = malloc(size - 1);
	must(text);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	if (data[0] % 4 == 2)
		extensions(text);
	else
		url(text);
	free(text);
	return 0;
}
