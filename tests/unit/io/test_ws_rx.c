/* test_ws_rx - messages from any cut of the bytes, control frames between, limits, both roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/io/ws_frame.h"
#include "common/io/ws_rx.h"

/* Feeds bytes in pieces of `step` and writes each item as text, the error's name last. */
static void run(struct ws_rx *rx, const void *bytes, size_t len, size_t step, struct buf *out)
{
	const uint8_t *from = bytes;
	struct ws_rx_item it;
	int rc = ERR_AGAIN;

	while (rc == ERR_AGAIN && len > 0) {
		size_t n = step < len ? step : len, cap;
		uint8_t *at;

		assert_int_equal(ws_rx_room(rx, n, &at, &cap), 0);
		assert_true(cap >= n);
		memcpy(at, from, n);
		ws_rx_took(rx, n);
		from += n;
		len -= n;
		while ((rc = ws_rx_next(rx, &it)) == 0) {
			static const char kinds[] = "MPOC";
			char kind = kinds[it.kind];

			if (it.kind == WS_RX_MESSAGE && it.binary)
				kind = 'B';
			buf_printf(out, "%c%zu:", kind, it.len);
			buf_append(out, it.bytes, it.len);
			if (it.kind == WS_RX_CLOSE)
				buf_printf(out, "=%d", it.code);
			buf_printf(out, " ");
		}
	}
	if (rc != ERR_AGAIN) {
		assert_non_null(rx->why);
		assert_int_equal(ws_rx_next(rx, &it), rc);
		buf_printf(out, "%s", err_name(rc));
	}
	buf_byte(out, 0);
}

struct row {
	const char *bytes;
	size_t len;
	const char *expect;
};

#define ROW(bytes, expect) {bytes, sizeof(bytes) - 1, expect}

static void check_rows(const struct row *rows, size_t n, bool server, size_t max)
{
	for (size_t i = 0; i < n; i++)
		for (size_t step = 1; step <= rows[i].len; step++) {
			struct ws_rx rx;
			struct buf out;

			buf_init(&out, 1 << 20);
			ws_rx_init(&rx, max, server);
			run(&rx, rows[i].bytes, rows[i].len, step, &out);
			assert_string_equal(out.at, rows[i].expect);
			ws_rx_fini(&rx);
			buf_fini(&out);
		}
}

static void test_client(void **state)
{
	static const struct row rows[] = {
		ROW("\x81\x02hi\x82\x01!\x81\x00", "M2:hi B1:! M0: "),
		ROW("\x01\x02he\x80\x03llo", "M5:hello "),
		ROW("\x02\x01"
		    "a\x00\x00\x89\x01p\x00\x01"
		    "b\x8a\x00\x80\x01"
		    "c\x81\x01z",
		    "P1:p O0: B3:abc M1:z "),
		ROW("\x01\x00\x80\x00", "M0: "),
		ROW("\x88\x00\x81\x01x", "C0:=1005 ERR_CLOSED"),
		ROW("\x88\x02\x03\xe8", "C0:=1000 ERR_CLOSED"),
		ROW("\x88\x05\x0f\xa0why", "C3:why=4000 ERR_CLOSED"),
		ROW("\x01\x01"
		    "a\x88\x00",
		    "C0:=1005 ERR_CLOSED"), /* between fragments too */
		ROW("\x88\x01\x03", "ERR_PROTOCOL"),
		ROW("\x88\x02\x03\xe7", "ERR_PROTOCOL"), /* 999 */
		ROW("\x88\x02\x03\xec", "ERR_PROTOCOL"), /* 1004 */
		ROW("\x88\x02\x03\xed", "ERR_PROTOCOL"), /* 1005 */
		ROW("\x88\x02\x03\xee", "ERR_PROTOCOL"), /* 1006 */
		ROW("\x88\x02\x03\xf6", "C0:=1014 ERR_CLOSED"),
		ROW("\x88\x02\x03\xf7", "ERR_PROTOCOL"), /* 1015 */
		ROW("\x88\x02\x0b\xb7", "ERR_PROTOCOL"), /* 2999 */
		ROW("\x88\x02\x0b\xb8", "C0:=3000 ERR_CLOSED"),
		ROW("\x88\x02\x13\x87", "C0:=4999 ERR_CLOSED"),
		ROW("\x88\x02\x13\x88", "ERR_PROTOCOL"), /* 5000 */
		ROW("\x88\x04\x03\xe8\xed\xa0", "ERR_UTF8"),
		ROW("\x81\x01x\x81\x81\x00\x00\x00\x00x", "M1:x ERR_PROTOCOL"), /* masked */
		ROW("\xc1\x01x", "ERR_PROTOCOL"),         /* nothing was negotiated */
		ROW("\x80\x01x", "ERR_PROTOCOL"),
		ROW("\x01\x01x\x01\x01y", "ERR_PROTOCOL"),
		ROW("\x01\x01x\x81\x01y", "ERR_PROTOCOL"),
		ROW("\x01\x05"
		    "01234\x80\x05"
		    "56789",
		    "M10:0123456789 "),
		ROW("\x01\x05"
		    "01234\x80\x06"
		    "56789a",
		    "ERR_TOO_LONG"),
		ROW("\x81\x0b", "ERR_TOO_LONG"), /* before its payload came */
		ROW("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "ERR_TOO_LONG"),
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), false, 10);
}

static void test_server(void **state)
{
	static const struct row rows[] = {
		ROW("\x81\x82\x01\x02\x03\x04\x69\x6b\x89\x81\x00\x00\x00\x00p", "M2:hi P1:p "),
		ROW("\x01\x81\x01\x02\x03\x04\x69\x80\x81\x02\x03\x04\x05\x6b", "M2:hi "),
		ROW("\x81\x02hi", "ERR_PROTOCOL"),
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true, 10);
}

/* A plain message that came whole is handed out where it lies. */
static void test_in_place(void **state)
{
	struct ws_rx rx;
	struct ws_rx_item it;
	uint8_t *at;
	size_t cap;

	(void)state;
	ws_rx_init(&rx, 100, false);
	assert_int_equal(ws_rx_room(&rx, 64, &at, &cap), 0);
	memcpy(at, "\x81\x03one\x81\x03two", 10);
	ws_rx_took(&rx, 10);
	assert_int_equal(ws_rx_next(&rx, &it), 0);
	assert_ptr_equal(it.bytes, at + 2);
	assert_int_equal(ws_rx_next(&rx, &it), 0);
	assert_ptr_equal(it.bytes, at + 7);
	assert_int_equal(ws_rx_next(&rx, &it), ERR_AGAIN);
	ws_rx_fini(&rx);
	ws_rx_fini(NULL);
}

/* Memory follows what came, not what a header claims. */
static void test_memory_is_not_claimed(void **state)
{
	struct ws_rx rx;
	struct ws_rx_item it;
	uint8_t *at;
	size_t cap;

	(void)state;
	ws_rx_init(&rx, 1u << 30, false);
	assert_int_equal(ws_rx_room(&rx, 1000, &at, &cap), 0);
	memcpy(at, "\x82\x7f\x00\x00\x00\x00\x3f\xff\xff\xff", 10);
	ws_rx_took(&rx, 10);
	assert_int_equal(ws_rx_next(&rx, &it), ERR_AGAIN);
	assert_int_equal(ws_rx_room(&rx, 1000, &at, &cap), 0);
	assert_true(rx.in.cap < 10000);
	assert_int_equal(rx.message.cap, 0);
	ws_rx_fini(&rx);
}

static void append_message(struct rng *r, struct buf *wire, struct ws_deflate *pack, bool server,
			   const uint8_t *text, size_t len)
{
	uint8_t mask[4] = {(uint8_t)rng_u64(r), 9, 8, 7};
	const uint8_t *masked = server ? mask : NULL, *payload = text;
	uint8_t opcode = WS_TEXT;
	uint8_t rsv1 = pack && rng_below(r, 3) ? WS_RSV1 : 0;
	struct buf packed;

	buf_init(&packed, 1 << 20);
	if (rsv1) {
		assert_int_equal(ws_deflate_pack(pack, text, len, &packed), 0);
		payload = packed.at;
		len = packed.len;
	}
	while (rng_below(r, 3) == 0) {
		size_t n = rng_below(r, len + 1);

		assert_int_equal(ws_frame_append(wire, opcode | rsv1, masked, payload, n), 0);
		payload += n;
		len -= n;
		opcode = WS_CONT;
		rsv1 = 0;
		if (rng_below(r, 2))
			assert_int_equal(
				ws_frame_append(wire, WS_FIN | WS_PING, masked, "beat", 4), 0);
	}
	assert_int_equal(ws_frame_append(wire, WS_FIN | opcode | rsv1, masked, payload, len), 0);
	buf_fini(&packed);
}

/* Seeded conversations: fragments, pings inside them, compressed or not, masked or not, cut
 * anywhere. */
static void test_conversations(void **state)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 12};

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct ws_deflate *pack = NULL, *unpack = NULL;
		struct buf wire, sent, got;
		struct ws_rx rx;
		struct rng r;
		bool server;
		size_t pings = 0;

		rng_seed(&r, seed);
		server = rng_below(&r, 2);
		buf_init(&wire, 16 << 20);
		buf_init(&sent, 16 << 20);
		buf_init(&got, 16 << 20);
		ws_rx_init(&rx, 5000, server);
		if (rng_below(&r, 2)) {
			assert_int_equal(ws_deflate_new(&p, !server, &pack), 0);
			assert_int_equal(ws_deflate_new(&p, server, &unpack), 0);
			rx.deflate = unpack;
		}
		for (int i = 0; i < 40; i++) {
			uint8_t text[5000];
			size_t len = rng_below(&r, rng_below(&r, 4) ? 200 : 5001);

			for (size_t k = 0; k < len; k++)
				text[k] = (uint8_t)('a' + rng_below(&r, 3));
			append_message(&r, &wire, pack, server, text, len);
			buf_printf(&sent, "M%zu:", len);
			buf_append(&sent, text, len);
			buf_printf(&sent, " ");
		}
		buf_byte(&sent, 0);
		run(&rx, wire.at, wire.len, 1 + rng_below(&r, rng_below(&r, 2) ? 20 : 70000), &got);
		/* Pings are where they were; without them the messages are those that were sent. */
		for (char *at = (char *)got.at;
		     (at = memmem(at, got.len - (size_t)(at - (char *)got.at), "P4:beat ", 8));) {
			size_t rest = got.len - (size_t)(at + 8 - (char *)got.at);

			memmove(at, at + 8, rest);
			got.len -= 8;
			pings++;
		}
		assert_int_equal(got.len, sent.len);
		assert_memory_equal(got.at, sent.at, sent.len);
		ws_rx_fini(&rx);
		ws_deflate_free(pack);
		ws_deflate_free(unpack);
		buf_fini(&wire);
		buf_fini(&sent);
		buf_fini(&got);
	}
}

static void test_bomb(void **state)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 15};
	uint8_t *zeros = calloc(1, 1 << 20);
	struct ws_deflate *pack, *unpack;
	struct buf packed, wire, got;
	struct ws_rx rx;

	(void)state;
	buf_init(&packed, 1 << 21);
	buf_init(&wire, 1 << 21);
	buf_init(&got, 1 << 21);
	assert_int_equal(ws_deflate_new(&p, true, &pack), 0);
	assert_int_equal(ws_deflate_new(&p, false, &unpack), 0);
	assert_int_equal(ws_deflate_pack(pack, zeros, 1 << 20, &packed), 0);
	assert_int_equal(
		ws_frame_append(&wire, WS_FIN | WS_RSV1 | WS_TEXT, NULL, packed.at, packed.len), 0);
	ws_rx_init(&rx, 65536, false);
	rx.deflate = unpack;
	run(&rx, wire.at, wire.len, 100, &got);
	assert_string_equal(got.at, "ERR_TOO_LONG");
	assert_int_equal(ws_close_code(rx.failed), 1009);
	assert_true(rx.message.cap <= 65537);
	ws_rx_fini(&rx);
	ws_deflate_free(pack);
	ws_deflate_free(unpack);
	buf_fini(&packed);
	buf_fini(&wire);
	buf_fini(&got);
	free(zeros);
}

static void test_damaged_deflate(void **state)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 15};
	struct ws_deflate *unpack;
	struct buf got;
	struct ws_rx rx;

	(void)state;
	buf_init(&got, 1000);
	assert_int_equal(ws_deflate_new(&p, false, &unpack), 0);
	ws_rx_init(&rx, 1000, false);
	rx.deflate = unpack;
	run(&rx, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x03\xff\xff\xff", 14, 5, &got);
	assert_string_equal(got.at, "M5:Hello ERR_CORRUPT");
	ws_rx_fini(&rx);
	ws_deflate_free(unpack);
	buf_fini(&got);
}

static void test_close_codes(void **state)
{
	(void)state;
	assert_int_equal(ws_close_code(ERR_PROTOCOL), 1002);
	assert_int_equal(ws_close_code(ERR_UTF8), 1007);
	assert_int_equal(ws_close_code(ERR_CORRUPT), 1007);
	assert_int_equal(ws_close_code(ERR_TOO_LONG), 1009);
	assert_int_equal(ws_close_code(ERR_NOMEM), 1011);
	assert_false(ws_close_code_valid(0));
	assert_false(ws_close_code_valid(-1));
	assert_false(ws_close_code_valid(65535));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_memory_is_not_claimed),
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_damaged_deflate),
		cmocka_unit_test(test_close_codes),
	};

	return cmocka_run_group_tests_name("ws_rx", tests, NULL, NULL);
}
