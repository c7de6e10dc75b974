/* test_reference - numbers from elsewhere: the list that people write, the place in a document, the schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/collector/reference.h"

#define NS 1000000000LL
#define T0 (1700000000 * NS)

static void test_list(void **state)
{
	(void)state;
	struct references r = {0};
	char reason[400] = "";

	assert_int_equal(references_parse("", &r, reason, sizeof(reason)), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(references_parse(" btc_usd=coingecko:bitcoin/usd  rain=https://w.test/v1?q=a,b#/hourly/0/mm ",
					  &r, reason, sizeof(reason)),
			 0);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.at[0].name, "btc_usd");
	assert_string_equal(r.at[0].url, "https://api.coingecko.com/api/v3/simple/price?ids=bitcoin&vs_currencies=usd");
	assert_string_equal(r.at[0].pointer, "/bitcoin/usd");
	assert_string_equal(r.at[1].url, "https://w.test/v1?q=a,b");
	assert_string_equal(r.at[1].pointer, "/hourly/0/mm");
	static const char *const bad[] = {
		"x",
		"=https://a.test#/b",
		"x=ftp://a.test#/b",
		"x=https://a.test#b",
		"X=https://a.test#/b",
		"x.y=https://a.test#/b",
		"x=coingecko:bitcoin",
		"x=coingecko:/usd",
		"a=https://a.test#/b a=https://a.test#/c",
		"a_name_that_is_much_longer_than_any_name_may_be_in_an_event_of_ours=https://a#/b"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(references_parse(bad[i], &r, reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "collector.references"));
	}
}

/* It goes to one host, over TLS; names that only look like it get nothing. */
static void test_key(void **state)
{
	(void)state;
	struct references r = {0};
	char reason[400] = "";
	static const char list[] = "a=coingecko:bitcoin/usd b=https://api.coingecko.com/api/v3/ping#/x "
				   "c=http://api.coingecko.com/api/v3/ping#/x d=https://api.coingecko.com.evil/#/x "
				   "e=https://api.coingecko.com@evil/#/x f=https://api.coingecko.com:444/#/x "
				   "g=https://evil.test/?https://api.coingecko.com/#/x";

	assert_int_equal(references_parse(list, &r, reason, sizeof(reason)), 0);
	assert_int_equal(r.n, 7);
	assert_int_equal(references_set_key(&r, "", reason, sizeof(reason)), 0);
	assert_null(reference_header(&r, &r.at[0]));
	assert_int_equal(references_set_key(&r, "CG-Abc_123", reason, sizeof(reason)), 0);
	for (uint32_t i = 0; i < r.n; i++) {
		if (i < 2)
			assert_string_equal(reference_header(&r, &r.at[i]), "x-cg-demo-api-key: CG-Abc_123");
		else
			assert_null(reference_header(&r, &r.at[i]));
	}
	char longest[200];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	const char *const bad[] = {"KEY\r\nHost: evil.test", "KEY\n", "KEY value", "KEY\xc3\xa9", longest};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(references_set_key(&r, bad[i], reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "collector.coingecko_key"));
		assert_null(strstr(reason, "KEY"));
		assert_null(reference_header(&r, &r.at[0])); /* nor is an older one sent */
	}
}

static void test_documents(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer;
		int rc;
		int64_t value;
	} cases[] = {
		{"{\"bitcoin\":{\"usd\":64321.5}}", "/bitcoin/usd", 0, 6432150000000},
		{"{\"a\":[{\"b\":1},{\"b\":\"-2.5\"}]}", "/a/1/b", 0, -250000000},
		{"{\"a/b\":{\"m~n\":3}}", "/a~1b/m~0n", 0, 300000000},
		{"{\"\\u0061\":5.1e-6}", "/a", 0, 510},
		{"7", "", 0, 700000000},
		{"{\"a\":1.234567891}", "/a", 0, 123456789},
		{"{\"a\":1}", "/b", ERR_NOT_FOUND, 0},
		{"{\"a\":1}", "/a/b", ERR_NOT_FOUND, 0},
		{"{\"a\":[1]}", "/a/1", ERR_NOT_FOUND, 0},
		{"{\"a\":[1]}", "/a/-", ERR_NOT_FOUND, 0},
		{"{\"a\":{}}", "/a", ERR_TYPE, 0},
		{"{\"a\":null}", "/a", ERR_TYPE, 0},
		{"{\"a\":\"x\"}", "/a", ERR_SYNTAX, 0},
		{"{\"a\":1e400}", "/a", ERR_RANGE, 0},
		{"{\"a\":99999999999999999999}", "/a", ERR_RANGE, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 0;
		assert_int_equal(reference_read(cases[i].text, strlen(cases[i].text), cases[i].pointer, &value),
				 cases[i].rc);
		assert_int_equal(value, cases[i].value);
	}
	int64_t value = 0;
	static const char whole[] = "{\"a\":1,\"b\":[2]}";
	for (size_t n = 0; n < strlen(whole); n++) /* what is cut is no answer, wherever the number stands */
		assert_true(reference_read(whole, n, "/a", &value) < 0);
	assert_int_equal(value, 0);
}

static struct ev_reference last;
static uint32_t told, told_stale;
static uint8_t expected_origin = origin_live;

static void emit(void *ctx, struct event *ev)
{
	(void)ctx;
	assert_int_equal(ev->id, EVENT_reference);
	assert_true(ev->ts_recv > 0 && ev->origin == expected_origin);
	last = ev->reference;
	told++;
	told_stale += ev->reference.stale;
}

static const struct sink out = {NULL, emit};

static void answer(struct references *r, struct reference *of, int64_t now, int status)
{
	static const char body[] = "{\"v\":1.5}";
	struct reference_answer a = {.status = status, .body = body, .len = sizeof(body) - 1};

	assert_int_equal(references_on_answer(r, of, now, &a, &out), status == 200 ? 0 : ERR_STATUS);
}

/* Good, then silent for ever: asked again after 1, 2, 4, 8 s and so on, told once as stale, and once as well again;
 * its neighbour does not notice. */
static void test_schedule(void **state)
{
	(void)state;
	struct references r = {.every_ns = 60 * NS, .stale_ns = 300 * NS};
	struct reference *ref;
	char reason[400];
	int64_t now = T0, asked[64];
	uint32_t n = 0, other = 0;

	assert_int_equal(references_parse("one=https://a.test#/v two=https://b.test#/v", &r, reason, sizeof(reason)),
			 0);
	assert_int_equal(references_due(&r), CORE_NEVER);
	references_start(&r, now);
	told = told_stale = 0;
	for (uint32_t steps = 0; steps < 200 && now < T0 + 700 * NS; steps++) {
		while ((ref = references_next(&r, now, &out)) != NULL) {
			if (ref == &r.at[1]) {
				answer(&r, ref, now, 200);
				other++;
				continue;
			}
			asked[n++] = now - T0;
			answer(&r, ref, now, now < T0 + 30 * NS ? 200 : 500);
		}
		assert_true(references_due(&r) > now);
		now = references_due(&r);
	}
	static const int64_t expected[] = {0, 60, 61, 63, 67, 75, 91, 123, 183, 243, 303, 363};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(asked[i], expected[i] * NS);
	assert_int_equal(other, 12);
	assert_int_equal(told_stale, 1);
	assert_true(r.at[0].stale && !r.at[1].stale);
	answer(&r, &r.at[0], now, 200);
	assert_false(last.stale);
	assert_int_equal(last.value, 150000000);
	assert_int_equal(last.answered_at, now);
	struct reference_answer wait = {.status = 429, .retry_after_ns = 1000 * NS};
	assert_int_equal(references_on_answer(&r, &r.at[0], now, &wait, &out), ERR_STATUS);
	assert_int_equal(r.at[0].due, now + 1000 * NS);
}

/* An answer that never comes is a failure after a while. */
static void test_no_answer(void **state)
{
	(void)state;
	struct references r = {.every_ns = 60 * NS, .stale_ns = 300 * NS};
	char reason[400];

	assert_int_equal(references_parse("one=https://a.test#/v", &r, reason, sizeof(reason)), 0);
	references_start(&r, T0);
	assert_ptr_equal(references_next(&r, T0, &out), &r.at[0]);
	assert_null(references_next(&r, T0 + NS, &out));
	assert_int_equal(references_due(&r), T0 + REFERENCE_WAIT_NS);
	assert_null(references_next(&r, T0 + REFERENCE_WAIT_NS, &out));
	assert_int_equal(references_due(&r), T0 + REFERENCE_WAIT_NS + NS);
	assert_ptr_equal(references_next(&r, T0 + REFERENCE_WAIT_NS + NS, &out), &r.at[0]);
}

/* Over TLS, too, who says that it is a simulator is one, also where its number grows old; until it says no more. */
static void test_simulator(void **state)
{
	(void)state;
	static const char body[] = "{\"v\":1.5}";
	struct reference_answer a = {
		.status = 200, .body = body, .len = sizeof(body) - 1, .origin = origin_simulated};
	struct references r = {.every_ns = 60 * NS, .stale_ns = 300 * NS};
	char reason[400];

	assert_int_equal(references_parse("one=https://a.test#/v", &r, reason, sizeof(reason)), 0);
	references_start(&r, T0);
	told = told_stale = 0;
	expected_origin = origin_simulated;
	assert_ptr_equal(references_next(&r, T0, &out), &r.at[0]);
	assert_int_equal(references_on_answer(&r, &r.at[0], T0 + 1, &a, &out), 0);
	for (int64_t now = T0 + NS; now < T0 + 400 * NS; now += NS)
		(void)references_next(&r, now, &out);
	assert_int_equal(told_stale, 1);
	expected_origin = origin_live;
	a.origin = 0;
	assert_int_equal(references_on_answer(&r, &r.at[0], T0 + 401 * NS, &a, &out), 0);
	assert_int_equal(told, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_documents),
					   cmocka_unit_test(test_schedule), cmocka_unit_test(test_no_answer),
					   cmocka_unit_test(test_key), cmocka_unit_test(test_simulator)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
