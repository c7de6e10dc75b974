/* test_collectors - the list of collectors: which names it makes, what it refuses, and where symbols live for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/service/collectors.h"

static struct collectors parse(const char *text)
{
	struct collectors c = {.n = 0};
	char reason[300] = "";
	if (collectors_parse(text, &c, reason, sizeof reason) != 0)
		fail_msg("%s: %s", text, reason);
	return c;
}

static void expect_names(const char *text, const char *names)
{
	struct collectors c = parse(text);
	char all[256];
	assert_string_equal(collectors_text(&c, all, sizeof all), names);
}

static void names(void **state)
{
	(void)state;
	expect_names("collector", "collector");
	expect_names("collector/1", "collector-1");
	expect_names("collector/3", "collector-1, collector-2, collector-3");
	expect_names("collector-okx,collector", "collector, collector-okx");
	expect_names("collector-b_2/2 collector-a", "collector-a, collector-b_2-1, collector-b_2-2");
	/* The order in which it is written is nobody's order. */
	struct collectors a = parse("collector/2, collector-bybit"), b = parse("collector-bybit, collector/2");
	assert_memory_equal(&a, &b, sizeof a);
}

static void places(void **state)
{
	(void)state;
	struct collectors c = parse("collector/2, collector-bybit, collector-kx/2");
	const struct collector_place *p = collectors_find(&c, "collector-2");
	assert_non_null(p);
	assert_string_equal(p->section, "");
	assert_int_equal(p->shard, 2);
	assert_int_equal(p->shards, 2);
	p = collectors_find(&c, "collector-bybit");
	assert_non_null(p);
	assert_string_equal(p->section, "bybit");
	assert_int_equal(p->shards, 1);
	p = collectors_find(&c, "collector-kx-1");
	assert_non_null(p);
	assert_string_equal(p->section, "kx");
	assert_null(collectors_find(&c, "collector"));
	assert_null(collectors_find(&c, "collector-3"));
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "no collector is named"},
		{" , ", "no collector is named"},
		{"strategy", "is no collector's name"},
		{"collectors", "is no collector's name"},
		{"collector-", "is no collector's name"},
		{"collector/0", "1 to 8"},
		{"collector/9", "1 to 8"},
		{"collector/+2", "1 to 8"},
		{"collector/2x", "1 to 8"},
		{"collector/", "1 to 8"},
		{"collector-2", "not digits alone"},
		{"collector-Bybit", "small letters"},
		{"collector-a-b", "small letters"},
		{"collector-../x", "1 to 8"},
		{"collector-polymarket", "longer than 19 letters"},
		{"collector-abcdefgh/2", "longer than 19 letters"},
		{"collector collector", "follows these symbols already"},
		{"collector/2 collector", "follows these symbols already"},
		{"collector collector/2", "follows these symbols already"},
		{"collector-a collector-a/2", "follows these symbols already"},
		{"collector/8, collector-a", "more than 8 collectors"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct collectors c = {.n = 77};
		char reason[300] = "";
		assert_int_equal(collectors_parse(rows[i].text, &c, reason, sizeof reason), ERR_ARG);
		if (!strstr(reason, rows[i].why))
			fail_msg("'%s' says: %s", rows[i].text, reason);
		assert_int_equal(c.n, 77);
	}
}

static uint32_t shard(const char *symbol, uint32_t shards)
{
	return collectors_shard(symbol, strlen(symbol), shards);
}

/* Where a symbol lives is part of what is on disk: another rule would move them all. */
static void where_symbols_live(void **state)
{
	static const struct {
		const char *symbol;
		uint32_t of[8]; /* with 1 to 8 shards */
	} rows[] = {
		{"BTCUSDT", {1, 1, 1, 1, 5, 5, 7, 7}}, {"ETHUSDT", {1, 2, 2, 2, 2, 2, 2, 2}},
		{"SOLUSDT", {1, 2, 2, 2, 2, 2, 2, 8}}, {"BNBUSDT", {1, 1, 3, 4, 4, 4, 4, 4}},
		{"XRPUSDT", {1, 1, 1, 4, 4, 4, 4, 4}}, {"DOGEUSDT", {1, 1, 3, 3, 3, 3, 3, 3}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (uint32_t n = 1; n <= 8; n++)
			assert_int_equal(shard(rows[i].symbol, n), rows[i].of[n - 1]);
}

/* A shard more takes symbols and gives none: nothing moves between those there were. Each gets a fair part. */
static void one_more(void **state)
{
	enum { SYMBOLS = 4000 };
	(void)state;
	for (uint32_t n = 1; n <= COLLECTORS_MAX; n++) {
		uint32_t of[COLLECTORS_MAX + 2] = {0};
		for (uint32_t i = 0; i < SYMBOLS; i++) {
			char symbol[24];
			snprintf(symbol, sizeof symbol, "S%uUSDT", i);
			uint32_t at = shard(symbol, n), next = shard(symbol, n + 1);
			assert_in_range(at, 1, n);
			assert_true(next == at || next == n + 1);
			of[at]++;
		}
		for (uint32_t k = 1; k <= n; k++)
			assert_in_range(of[k], SYMBOLS / n * 8 / 10, SYMBOLS / n * 12 / 10 + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(places),
		cmocka_unit_test(refused),
		cmocka_unit_test(where_symbols_live),
		cmocka_unit_test(one_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
