/* test_wire - the quick ways of reading numbers and levels against the plain ones, on text of every kind. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/rng.h"
#include "common/venue/digits8.h"
#include "common/venue/wire.h"
#include "tests/unit/venue/spread.h"

/* Text in memory that ends where it ends, so that a sanitizer sees a step too far. */
static struct json_str exact(const char *text)
{
	static char *last;
	size_t len = strlen(text);

	free(last);
	last = malloc(len > 0 ? len : 1);
	assert_non_null(last);
	memcpy(last, text, len);
	return (struct json_str){last, len, false};
}

static void random_decimal(struct rng *r, char *out, size_t cap)
{
	static const char bad[] = "x-+. e\"\\,:/0123456789";
	int whole = 1 + (int)rng_below(r, 9), decimals = (int)rng_below(r, 10);
	size_t n = 0;

	if (rng_below(r, 3) == 0)
		decimals = 8;
	for (int i = 0; i < whole; i++)
		out[n++] = (char)('0' + rng_below(r, 10));
	if (decimals > 0)
		out[n++] = '.';
	for (int i = 0; i < decimals; i++)
		out[n++] = (char)('0' + (rng_below(r, 2) == 0 ? 0 : rng_below(r, 10)));
	if (rng_below(r, 4) == 0)
		out[rng_below(r, n)] = bad[rng_below(r, sizeof(bad) - 1)];
	out[n] = 0;
	assert_true(n < cap);
}

static void test_decimals(void **state)
{
	(void)state;
	struct rng r;
	char text[40];

	rng_seed(&r, 3);
	for (int i = 0; i < 300000; i++) {
		int64_t a = 0, b = 0;
		int scale = (int)rng_below(&r, 12);
		random_decimal(&r, text, sizeof(text));
		int plain = fixed_parse(text, strlen(text), scale, &a);
		if (plain == 0 && a < 0)
			plain = ERR_RANGE;
		int quick = wire_decimal(exact(text), scale, &b);
		if (plain != quick || (plain == 0 && a != b))
			fail_msg("\"%s\" at %d: %s %" PRId64 ", plainly %s %" PRId64, text, scale, err_name(quick), b,
				 err_name(plain), a);
	}
	exact("");
}

static void test_integers(void **state)
{
	(void)state;
	struct rng r;
	char text[40];
	uint64_t value;

	rng_seed(&r, 4);
	for (int i = 0; i < 100000; i++) {
		uint64_t expected = rng_u64(&r) >> rng_below(&r, 64);
		snprintf(text, sizeof(text), "%" PRIu64, expected);
		assert_int_equal(wire_u64(exact(text), &value), 0);
		assert_int_equal(value, expected);
		text[rng_below(&r, strlen(text))] = "/:.-e \xb1"[rng_below(&r, 7)];
		assert_int_equal(wire_u64(exact(text), &value), ERR_TYPE);
	}
	assert_int_equal(wire_u64(exact("18446744073709551616"), &value), ERR_RANGE);
	assert_int_equal(wire_u64(exact(""), &value), ERR_TYPE);
	exact("");
}

static void test_times(void **state)
{
	(void)state;
	int64_t ns;

	assert_int_equal(wire_time(exact("1723161255208"), &ns), 0);
	assert_int_equal(ns, 1723161255208000000);
	assert_int_equal(wire_time(exact("1723161255208123"), &ns), 0);
	assert_int_equal(ns, 1723161255208123000);
	assert_int_equal(wire_time(exact("0"), &ns), 0);
	assert_int_equal(wire_time(exact("18446744073709551615"), &ns), ERR_RANGE);
	assert_int_equal(wire_time(exact("-1"), &ns), ERR_TYPE);
	exact("");
}

static int read_levels(const char *text, const struct venue_market *m, struct level *at, uint32_t max,
		       struct levels *ret_levels)
{
	struct json j;
	struct json_str s = exact(text);

	json_init(&j, s.at, s.len);
	int rc = wire_levels(&j, m, at, max, ret_levels);
	return rc == 0 ? json_finish(&j) : rc;
}

static void random_levels(struct rng *r, char *out)
{
	uint64_t rows = rng_below(r, 6), alike = rng_below(r, 2);
	size_t n = 0;
	char price[40], qty[40];

	out[n++] = '[';
	for (uint64_t i = 0; i < rows; i++) {
		random_decimal(r, price, sizeof(price));
		random_decimal(r, qty, sizeof(qty));
		if (rng_below(r, 2) == 0)
			snprintf(price, sizeof(price), "%u.%02u000000", (unsigned)rng_below(r, 100000),
				 (unsigned)rng_below(r, 100));
		if (alike) /* rows of one form, and here and there one that is not */
			snprintf(qty, sizeof(qty), "%u.%08u", (unsigned)rng_below(r, 11),
				 (unsigned)rng_below(r, 100000000));
		n += (size_t)snprintf(out + n, 100, "%s[\"%s\",\"%s\"%s]", i > 0 ? "," : "", price, qty,
				      rng_below(r, 30) == 0 ? ",7" : "");
	}
	out[n++] = ']';
	out[n] = 0;
	if (alike && rng_below(r, 3) == 0)
		out[rng_below(r, n)] = ".\",[]:\xb0 "[rng_below(r, 7)];
}

static void test_levels(void **state)
{
	(void)state;
	const struct venue_market markets[] = {{.price_scale = 2, .qty_scale = 8},
					       {.price_scale = 8, .qty_scale = 5},
					       {.price_scale = 0, .qty_scale = 0},
					       {.price_scale = 12, .qty_scale = 8}};
	struct level a[5], b[5];
	struct levels la, lb;
	struct rng r;
	char text[1000], wide[4000];
	uint32_t good = 0;

	rng_seed(&r, 5);
	for (int i = 0; i < 100000; i++) {
		const struct venue_market *m = &markets[rng_below(&r, 4)];
		random_levels(&r, text);
		spread(text, strlen(text), wide);
		int quick = read_levels(text, m, a, 5, &la), plain = read_levels(wide, m, b, 5, &lb);
		if (quick != plain)
			fail_msg("%s: %s, plainly %s", text, err_name(quick), err_name(plain));
		if (quick < 0)
			continue;
		good++;
		assert_int_equal(la.n, lb.n);
		assert_memory_equal(a, b, la.n * sizeof(a[0]));
	}
	assert_true(good > 10000);
	exact("");
}

static void test_digits(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[9] = "12345678";
		text[3] = (char)c;
		bool digit = c >= '0' && c <= '9';
		uint64_t other = (uint64_t)c << 24;
		assert_int_equal(digits8_run(digits8_load(text)).n, digit ? 8 : 3);
		assert_int_equal(digits8_upper(other), (uint64_t)(c >= 'a' && c <= 'z' ? c - 32 : c) << 24);
	}
	assert_int_equal(digits8_value(digits8_load("12345678")), 12345678);
	struct digits8_run run = digits8_run(digits8_load("123.5678"));
	assert_int_equal(run.n, 3);
	assert_int_equal(run.worth, 0x030201);
	for (size_t len = 1; len < 8; len++)
		assert_int_equal(digits8_load_short("12345678", len),
				 digits8_load("12345678") & (((uint64_t)1 << 8 * len) - 1));
	assert_int_equal(digits8_value(digits8_last(digits8_load("12345678"), 3)), 678);
}

static void test_text(void **state)
{
	(void)state;
	char out[8];

	wire_text((struct json_str){"abc\\u00e9def", 12, true}, out, sizeof(out));
	assert_string_equal(out, "abc\xc3\xa9"
				 "de");
	wire_text((struct json_str){"abcdef\\u00e9", 12, true}, out, sizeof(out)); /* not in the middle of one */
	assert_string_equal(out, "abcdef");
	wire_text((struct json_str){"\\ud800", 6, true}, out, sizeof(out));
	assert_string_equal(out, "");
}

/* ---- the reader that keeps the first error ---- */

static uint32_t given;

static void count_given(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	assert_int_equal(m->time, 7);
	given++;
}

static void read_row(struct wire *w, struct json *j)
{
	struct wire_member m[] = {{.name = "p"}, {.name = "q"}, {.name = "open"}};
	struct venue_message msg = {.kind = VENUE_TRADE};

	wire_members(j, m, 3);
	wire_demand(w, wire_all_there(m, 2) && m[2].truth);
	msg.trade.price = wire_price(w, m[0].text);
	msg.trade.qty = wire_signed(w, m[1].text, w->market->qty_scale);
	wire_give(w, &msg);
}

static int read_rows(const char *text)
{
	static const struct venue_market market = {.price_scale = 2, .qty_scale = 1};
	struct venue_output out = {.message = count_given};
	struct wire w = {.out = &out, .market = &market, .time = 7};

	given = 0;
	wire_list(&w, (struct json_str){text, strlen(text), false}, read_row);
	return w.err;
}

static void test_reader(void **state)
{
	(void)state;
	assert_int_equal(read_rows("[]"), 0);
	assert_int_equal(given, 0);
	assert_int_equal(read_rows("[{\"p\":\"1.25\",\"x\":[{}],\"q\":-3,\"open\":true},"
				   "{\"open\":true,\"q\":\"1\",\"p\":0.5}]"),
			 0);
	assert_int_equal(given, 2);
	/* the last row spoils the first one, and the first error is the one that is told */
	const char *good = "[{\"p\":\"1.25\",\"q\":\"3\",\"open\":true}";
	char text[200];
	const struct {
		const char *row;
		int rc;
	} bad[] = {
		{"{\"p\":\"1.255\",\"q\":\"x\",\"open\":true}]", ERR_INEXACT},
		{"{\"p\":\"1.25\",\"q\":\"--3\",\"open\":true}]", ERR_RANGE},
		{"{\"p\":\"1.25\",\"q\":\"3\",\"open\":false}]", ERR_PROTOCOL},
		{"{\"p\":\"1.255\"}]", ERR_PROTOCOL},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s,%s", good, bad[i].row);
		assert_int_equal(read_rows(text), bad[i].rc);
		assert_int_equal(given, 0);
	}
	assert_true(read_rows(good) < 0); /* cut */
	assert_int_equal(given, 0);
}

static void part(const char *text, int rc, const char *all)
{
	struct json_str exactly = exact(text), found;
	struct venue_input in = {.text = exactly.at, .len = exactly.len};

	assert_int_equal(wire_part(&in, "list", JSON_ARRAY, &found), rc);
	if (rc != 0)
		return;
	assert_int_equal(found.len, strlen(all));
	assert_memory_equal(found.at, all, found.len);
}

static void test_part(void **state)
{
	(void)state;
	part("{\"a\":{\"list\":[9]},\"list\":[1,[2]],\"z\":\"\"}", 0, "[1,[2]]");
	part("{\"list\":[]}", 0, "[]");
	part("{\"a\":{\"list\":[9]}}", ERR_PROTOCOL, NULL);
	part("{\"list\":{}}", ERR_PROTOCOL, NULL);
	part("{\"list\":null}", ERR_PROTOCOL, NULL);
	part("{\"list\":[1]", ERR_TRUNCATED, NULL);
	part("{\"list\":[1]}}", ERR_TRAILING, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimals), cmocka_unit_test(test_integers), cmocka_unit_test(test_times),
		cmocka_unit_test(test_levels),   cmocka_unit_test(test_digits),   cmocka_unit_test(test_text),
		cmocka_unit_test(test_reader),   cmocka_unit_test(test_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
