/* test_ws_deflate - RFC 7692's examples, negotiation, windows kept and forgotten, bombs, damage. */
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
#include "common/io/ws_deflate.h"

#define MAX (1u << 20)

static const struct ws_deflate_params full = {.server_bits = 15, .client_bits = 15};

/* Unpacks a copy with exactly the bytes behind it that the function may borrow. */
static int unpack(struct ws_deflate *d, const void *bytes, size_t len, bool fin, struct buf *out)
{
	uint8_t *copy = malloc(len + WS_DEFLATE_TAIL);
	int rc;

	memcpy(copy, bytes, len);
	memset(copy + len, 0xee, WS_DEFLATE_TAIL);
	rc = ws_deflate_unpack(d, copy, len, fin, out);
	assert_memory_equal(copy + len, "\xee\xee\xee\xee", 4);
	free(copy);
	return rc;
}

/* 7.2.3: one block, two blocks, no compression, BFINAL, a shared window, in this order on one
 * stream. */
static void test_examples(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{"\xf2\x48\xcd\xc9\xc9\x07\x00", 7},
		{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13},
		{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},
		{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8},
		{"\xf2\x00\x11\x00\x00", 5}, /* refers into the window of the messages before */
	};
	struct ws_deflate *d;
	struct buf out;

	(void)state;
	buf_init(&out, MAX + 1);
	assert_int_equal(ws_deflate_new(&full, false, &d), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		assert_int_equal(unpack(d, rows[i].bytes, rows[i].len, true, &out), 0);
		assert_int_equal(out.len, 5);
		assert_memory_equal(out.at, "Hello", 5);
	}
	/* 7.2.3.6: an empty message is one byte. */
	buf_clear(&out);
	assert_int_equal(unpack(d, "\x00", 1, true, &out), 0);
	assert_int_equal(out.len, 0);
	ws_deflate_free(d);
	buf_fini(&out);
}

static void test_fragments_anywhere(void **state)
{
	static const uint8_t hello[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
	struct buf out;

	(void)state;
	buf_init(&out, MAX + 1);
	for (size_t cut = 0; cut <= sizeof hello; cut++) {
		struct ws_deflate *d;

		assert_int_equal(ws_deflate_new(&full, false, &d), 0);
		buf_clear(&out);
		assert_int_equal(unpack(d, hello, cut, false, &out), 0);
		assert_int_equal(unpack(d, hello + cut, sizeof hello - cut, true, &out), 0);
		assert_int_equal(out.len, 5);
		assert_memory_equal(out.at, "Hello", 5);
		ws_deflate_free(d);
	}
	buf_fini(&out);
}

/* A payload that stops inside a block is told, not delivered short. */
static void test_truncations(void **state)
{
	static const uint8_t hello[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
	struct buf out;

	(void)state;
	buf_init(&out, MAX + 1);
	for (size_t n = 0; n < sizeof hello; n++) {
		struct ws_deflate *d;

		assert_int_equal(ws_deflate_new(&full, false, &d), 0);
		buf_clear(&out);
		assert_int_equal(unpack(d, hello, n, true, &out), ERR_CORRUPT);
		ws_deflate_free(d);
	}
	buf_fini(&out);
}

static void fill(struct rng *r, uint8_t *at, size_t len)
{
	static const char words[] =
		"{\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"b\":[[\"64000.10\",\"0.5\"]]}";
	bool noise = rng_below(r, 4) == 0;

	for (size_t i = 0; i < len; i++)
		at[i] = noise ? (uint8_t)rng_u64(r)
			      : (uint8_t)words[(i + rng_below(r, 2)) % (sizeof words - 1)];
}

/* Both roles, all parameters, messages of all sizes, whole or in pieces. */
static void test_round_trips(void **state)
{
	struct rng r;
	static uint8_t text[100000];

	(void)state;
	rng_seed(&r, 7692);
	for (int i = 0; i < 60; i++) {
		struct ws_deflate_params p = {
			.server_no_context = rng_below(&r, 2),
			.client_no_context = rng_below(&r, 2),
			.server_bits = 9 + (int)rng_below(&r, 7),
			.client_bits = 9 + (int)rng_below(&r, 7),
		};
		struct ws_deflate *a, *b;
		struct buf wire, out;

		assert_int_equal(ws_deflate_new(&p, i & 1, &a), 0);
		assert_int_equal(ws_deflate_new(&p, !(i & 1), &b), 0);
		buf_init(&wire, MAX);
		buf_init(&out, MAX + 1);
		for (int k = 0; k < 20; k++) {
			size_t len = rng_below(&r, rng_below(&r, 2) ? 300 : sizeof text), cut;

			fill(&r, text, len);
			buf_clear(&wire);
			buf_fini(&out);
			buf_init(&out, len + 1); /* the longest that may be, and one */
			assert_int_equal(ws_deflate_pack(a, text, len, &wire), 0);
			cut = rng_below(&r, wire.len + 1);
			assert_int_equal(unpack(b, wire.at, cut, false, &out), 0);
			assert_int_equal(unpack(b, wire.at + cut, wire.len - cut, true, &out),
					 0);
			assert_int_equal(out.len, len);
			if (len)
				assert_memory_equal(out.at, text, len);
		}
		ws_deflate_free(a);
		ws_deflate_free(b);
		buf_fini(&wire);
		buf_fini(&out);
	}
}

static void test_window_is_kept_or_not(void **state)
{
	static const char text[] = "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":400900217,"
				   "\"s\":\"BTCUSDT\"}}";
	struct buf wire;

	(void)state;
	buf_init(&wire, MAX);
	for (int forgets = 0; forgets < 2; forgets++) {
		struct ws_deflate_params p = {
			.client_no_context = forgets, .server_bits = 15, .client_bits = 15};
		struct ws_deflate *d;
		size_t first;

		assert_int_equal(ws_deflate_new(&p, false, &d), 0);
		buf_clear(&wire);
		assert_int_equal(ws_deflate_pack(d, text, sizeof text, &wire), 0);
		first = wire.len;
		buf_clear(&wire);
		assert_int_equal(ws_deflate_pack(d, text, sizeof text, &wire), 0);
		assert_true(forgets ? wire.len == first : wire.len < first / 4);
		ws_deflate_free(d);
	}
	buf_fini(&wire);
}

static void test_bomb(void **state)
{
	uint8_t *zeros = calloc(1, 1 << 20);
	struct ws_deflate *a, *b;
	struct buf wire, out;

	(void)state;
	buf_init(&wire, 1 << 21);
	buf_init(&out, 10001);
	assert_int_equal(ws_deflate_new(&full, true, &a), 0);
	assert_int_equal(ws_deflate_new(&full, false, &b), 0);
	assert_int_equal(ws_deflate_pack(a, zeros, 10000, &wire), 0);
	assert_int_equal(unpack(b, wire.at, wire.len, true, &out), 0);
	assert_int_equal(out.len, 10000);
	buf_clear(&wire);
	buf_clear(&out);
	assert_int_equal(ws_deflate_pack(a, zeros, 1 << 20, &wire), 0);
	assert_true(wire.len < 2000);
	assert_int_equal(unpack(b, wire.at, wire.len, true, &out), ERR_TOO_LONG);
	assert_true(out.cap <= 10001);
	ws_deflate_free(a);
	ws_deflate_free(b);
	buf_fini(&wire);
	buf_fini(&out);
	free(zeros);
}

static void test_damage(void **state)
{
	struct rng r;
	int bad = 0;

	(void)state;
	rng_seed(&r, 1951);
	for (int i = 0; i < 3000; i++) {
		uint8_t bytes[64];
		size_t len = rng_below(&r, sizeof bytes);
		struct ws_deflate *d;
		struct buf out;
		int rc;

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)rng_u64(&r);
		buf_init(&out, 4097);
		assert_int_equal(ws_deflate_new(&full, false, &d), 0);
		rc = unpack(d, bytes, len, true, &out);
		assert_true(rc == 0 || rc == ERR_CORRUPT || rc == ERR_TOO_LONG);
		bad += rc != 0;
		ws_deflate_free(d);
		buf_fini(&out);
	}
	assert_true(bad > 2500);
}

/* ---- negotiation ---- */

static void test_replies(void **state)
{
	static const struct {
		const char *value;
		int rc;
		struct ws_deflate_params p;
	} rows[] = {
		{"permessage-deflate", 0, {false, false, 15, 15}},
		{"permessage-deflate; server_no_context_takeover", 0, {true, false, 15, 15}},
		{"permessage-deflate;client_no_context_takeover", 0, {false, true, 15, 15}},
		{" permessage-deflate ; client_max_window_bits = 10 ; server_max_window_bits="
		 "\"9\" ",
		 0, {false, false, 9, 10}},
		{"permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
		 0, {false, false, 8, 8}},
		{"", ERR_PROTOCOL, {0}},
		{"permessage-deflate; client_max_window_bits", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=7", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=16", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=09", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=\"9", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_no_context_takeover=1", ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
		 ERR_PROTOCOL, {0}},
		{"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
		 ERR_PROTOCOL, {0}},
		{"permessage-deflate; unknown", ERR_PROTOCOL, {0}},
		{"permessage-deflate;", ERR_PROTOCOL, {0}},
		{"permessage-deflate, permessage-deflate", ERR_PROTOCOL, {0}},
		{"permessage-deflate,", ERR_PROTOCOL, {0}},
		{"x-webkit-deflate-frame", ERR_PROTOCOL, {0}},
		{"permessage-deflate x", ERR_PROTOCOL, {0}},
		{"permessage-deflate; a; b; c; d; e; f; g; h; i; j", ERR_PROTOCOL, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_deflate_params p = {.server_bits = 99};
		int rc = ws_deflate_reply(rows[i].value, &p);

		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].value, err_name(rc));
		if (rc < 0) {
			assert_int_equal(p.server_bits, 99);
			continue;
		}
		assert_int_equal(p.server_no_context, rows[i].p.server_no_context);
		assert_int_equal(p.client_no_context, rows[i].p.client_no_context);
		assert_int_equal(p.server_bits, rows[i].p.server_bits);
		assert_int_equal(p.client_bits, rows[i].p.client_bits);
	}
}

static void test_answers(void **state)
{
	static const struct {
		const char *offers;
		int rc;
		const char *answer;
	} rows[] = {
		{WS_DEFLATE_OFFER, 0, "permessage-deflate"},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", 0,
		 "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"permessage-deflate; server_max_window_bits=10", 0,
		 "permessage-deflate; server_max_window_bits=10"},
		{"permessage-deflate; server_max_window_bits=8, permessage-deflate", 0,
		 "permessage-deflate"},
		{"permessage-deflate; odd, permessage-deflate; client_max_window_bits=11", 0,
		 "permessage-deflate"},
		{"x-other; a=b", ERR_NOT_FOUND, NULL},
		{"permessage-deflate; server_max_window_bits=8", ERR_NOT_FOUND, NULL},
		{"permessage-deflate; =", ERR_PROTOCOL, NULL},
		{",", ERR_PROTOCOL, NULL},
		{"", ERR_PROTOCOL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_deflate_params p, client;
		char answer[160] = "";
		int rc = ws_deflate_answer(rows[i].offers, &p, answer, sizeof answer);

		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].offers, err_name(rc));
		if (rc < 0)
			continue;
		assert_string_equal(answer, rows[i].answer);
		assert_int_equal(ws_deflate_reply(answer, &client), 0);
		assert_int_equal(client.server_bits, p.server_bits);
		assert_int_equal(client.client_bits, p.client_bits);
	}
}

static void test_window_of_8_bits_is_not_made(void **state)
{
	struct ws_deflate_params p = {.server_bits = 15, .client_bits = 8};
	struct ws_deflate *d;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(ws_deflate_new(&p, false, &d), 0);
	assert_int_equal(ws_deflate_pack(d, "x", 1, &out), ERR_ARG);
	assert_int_equal(out.len, 0);
	ws_deflate_free(d);
	ws_deflate_free(NULL);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_fragments_anywhere),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_window_is_kept_or_not),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_window_of_8_bits_is_not_made),
	};

	return cmocka_run_group_tests_name("ws_deflate", tests, NULL, NULL);
}
