/* test_ws_frame - frame headers byte by byte, RFC 6455's own examples, masking, the accept key. */
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

/* RFC 6455 5.7. */
static void test_examples(void **state)
{
	static const uint8_t plain[] = {0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};
	static const uint8_t masked[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
					 0x7f, 0x9f, 0x4d, 0x51, 0x58};
	static const uint8_t first[] = {0x01, 0x03, 0x48, 0x65, 0x6c},
			     last[] = {0x80, 0x02, 0x6c, 0x6f};
	static const uint8_t ping[] = {0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};
	static const uint8_t k256[] = {0x82, 0x7e, 0x01, 0x00},
			     k64k[] = {0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0};
	struct ws_frame f;
	uint8_t text[5];

	(void)state;
	assert_int_equal(ws_frame_parse(plain, sizeof plain, false, &f), 0);
	assert_true(f.fin && !f.rsv1 && !f.masked && f.opcode == WS_TEXT && f.len == 5 &&
		    f.header_len == 2);
	assert_int_equal(ws_frame_parse(masked, sizeof masked, false, &f), 0);
	assert_true(f.masked && f.header_len == 6 && f.len == 5);
	memcpy(text, masked + 6, 5);
	ws_frame_mask(text, 5, f.mask, 0);
	assert_memory_equal(text, "Hello", 5);
	assert_int_equal(ws_frame_parse(first, sizeof first, false, &f), 0);
	assert_true(!f.fin && f.opcode == WS_TEXT && f.len == 3);
	assert_int_equal(ws_frame_parse(last, sizeof last, false, &f), 0);
	assert_true(f.fin && f.opcode == WS_CONT && f.len == 2);
	assert_int_equal(ws_frame_parse(ping, sizeof ping, false, &f), 0);
	assert_true(f.opcode == WS_PING && f.len == 5);
	assert_int_equal(ws_frame_parse(k256, sizeof k256, false, &f), 0);
	assert_true(f.opcode == WS_BINARY && f.len == 256 && f.header_len == 4);
	assert_int_equal(ws_frame_parse(k64k, sizeof k64k, false, &f), 0);
	assert_true(f.len == 65536 && f.header_len == 10);
}

/* Every pair of first bytes against the rules of 5.2 and 5.5, written down a second time. */
static bool allowed(unsigned a, unsigned b, bool rsv1)
{
	static const bool known[16] = {[0] = true, [1] = true, [2] = true,
				       [8] = true, [9] = true, [10] = true};
	unsigned opcode = a & 15;

	if (a & 0x30 || !known[opcode])
		return false;
	if (a & 0x40 && (!rsv1 || opcode == 0 || opcode > 2))
		return false;
	return opcode < 8 || (a & 0x80 && (b & 0x7f) < 126);
}

static void test_all_first_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536 * 2; i++) {
		/* A length of 2^16 + 1 is right in the 64-bit form, one of 256 in the 16-bit form.
		 */
		uint8_t at[14] = {(uint8_t)(i >> 8), (uint8_t)i};
		bool rsv1 = i >> 16, good = allowed(at[0], at[1], rsv1);
		struct ws_frame f = {0};
		int rc;

		if ((at[1] & 0x7f) == 126)
			at[2] = 1;
		if ((at[1] & 0x7f) == 127)
			at[7] = at[9] = 1;
		rc = ws_frame_parse(at, sizeof at, rsv1, &f);
		assert_int_equal(rc, good ? 0 : ERR_PROTOCOL);
		if (!good)
			continue;
		assert_int_equal(f.opcode, at[0] & 15);
		assert_int_equal(f.fin, at[0] >> 7);
		assert_int_equal(f.rsv1, at[0] >> 6 & 1);
		assert_int_equal(f.masked, at[1] >> 7);
		assert_int_equal(f.len, (at[1] & 0x7f) < 126    ? at[1] & 0x7f
					: (at[1] & 0x7f) == 126 ? 256
								: 65537);
	}
}

static void test_lengths(void **state)
{
	static const struct {
		uint8_t at[10];
		size_t n;
		int rc;
	} rows[] = {
		{{0x82, 126, 0, 125}, 4, ERR_PROTOCOL},
		{{0x82, 126, 0, 126}, 4, 0},
		{{0x82, 126, 0xff, 0xff}, 4, 0},
		{{0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 10, ERR_PROTOCOL},
		{{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10, 0},
		{{0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 10, 0},
		{{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, 10, ERR_PROTOCOL},
	};
	struct ws_frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ws_frame_parse(rows[i].at, rows[i].n, false, &f), rows[i].rc);
}

/* Whatever is cut off: more is asked for, or the error is already known, and nothing behind the end
 * is read. */
static void test_all_truncations(void **state)
{
	static const size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
	static const uint8_t mask[4] = {1, 2, 3, 4};
	uint8_t *payload = calloc(1, 100000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens) * 2; i++) {
		struct ws_frame f = {.len = 77};
		struct buf b;

		buf_init(&b, 1 << 20);
		assert_int_equal(ws_frame_append(&b, WS_FIN | WS_TEXT, i & 1 ? mask : NULL,
						 payload, lens[i / 2]),
				 0);
		for (size_t n = 0; n < b.len - lens[i / 2]; n++) {
			uint8_t *cut = malloc(n ? n : 1);

			memcpy(cut, b.at, n);
			assert_int_equal(ws_frame_parse(cut, n, false, &f), ERR_AGAIN);
			assert_int_equal(f.len, 77);
			free(cut);
		}
		assert_int_equal(ws_frame_parse(b.at, b.len, false, &f), 0);
		assert_int_equal(f.len, lens[i / 2]);
		assert_int_equal(f.header_len + f.len, b.len);
		buf_fini(&b);
	}
	free(payload);
}

static void test_append_and_parse(void **state)
{
	static const uint8_t opcodes[] = {WS_CONT, WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING, WS_PONG};
	struct rng r;

	(void)state;
	rng_seed(&r, 6455);
	for (int i = 0; i < 2000; i++) {
		uint8_t opcode = opcodes[rng_below(&r, 6)], mask[4], payload[70000];
		bool control = opcode >= 8, masked = rng_below(&r, 2),
		     fin = control || rng_below(&r, 2);
		bool rsv1 = (opcode == WS_TEXT || opcode == WS_BINARY) && rng_below(&r, 2);
		size_t len = rng_below(&r, control ? 126 : rng_below(&r, 2) ? 300 : sizeof payload);
		uint8_t first = (uint8_t)(opcode | (fin ? WS_FIN : 0) | (rsv1 ? WS_RSV1 : 0));
		struct ws_frame f;
		struct buf b;

		for (size_t k = 0; k < len; k++)
			payload[k] = (uint8_t)rng_u64(&r);
		for (size_t k = 0; k < 4; k++)
			mask[k] = (uint8_t)rng_u64(&r);
		buf_init(&b, 1 << 20);
		assert_int_equal(
			ws_frame_append(&b, first, masked ? mask : NULL, payload, len),
			0);
		assert_int_equal(ws_frame_parse(b.at, b.len, true, &f), 0);
		assert_true(f.opcode == opcode && f.fin == fin && f.rsv1 == rsv1 &&
			    f.masked == masked);
		assert_int_equal(f.len, len);
		assert_int_equal(f.header_len + len, b.len);
		if (masked)
			ws_frame_mask(b.at + f.header_len, len, f.mask, 0);
		assert_memory_equal(b.at + f.header_len, payload, len);
		buf_fini(&b);
	}
}

static void test_append_is_bounded(void **state)
{
	uint8_t payload[200] = {0};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(ws_frame_append(&b, WS_FIN | WS_TEXT, NULL, payload, sizeof payload),
			 ERR_FULL);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

/* Masking in pieces, at any offset, is masking as a whole. */
static void test_mask_in_pieces(void **state)
{
	static const uint8_t mask[4] = {0xa1, 0x00, 0xff, 0x3c};
	uint8_t whole[67], bytewise[67];

	(void)state;
	for (size_t cut = 0; cut <= sizeof whole; cut++) {
		for (size_t i = 0; i < sizeof whole; i++) {
			whole[i] = (uint8_t)(i * 7);
			bytewise[i] = (uint8_t)(whole[i] ^ mask[i % 4]);
		}
		ws_frame_mask(whole, cut, mask, 0);
		ws_frame_mask(whole + cut, sizeof whole - cut, mask, cut);
		assert_memory_equal(whole, bytewise, sizeof whole);
	}
}

/* RFC 6455 1.3 and 4.2.2. */
static void test_accept_key(void **state)
{
	char out[29];

	(void)state;
	ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", out);
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	ws_accept_key("", out);
	assert_string_equal(out, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_all_first_bytes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_all_truncations),
		cmocka_unit_test(test_append_and_parse),
		cmocka_unit_test(test_append_is_bounded),
		cmocka_unit_test(test_mask_in_pieces),
		cmocka_unit_test(test_accept_key),
	};

	return cmocka_run_group_tests_name("ws_frame", tests, NULL, NULL);
}
