/* test_shards - what each collector of a stack follows by its settings, and which settings do not go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/collector/shards.h"

static struct collector_section section;

struct settings {
	struct config *config;
	struct collectors all;
};

static const struct config_section sections[] = {
	{.name = "collector", .keys = collector_section_keys, .self = &section, .variants = true}};

/* Settings by flags, NULL-ended; the collectors of the stack. */
static struct settings load(const char *collectors, const char *const *flags)
{
	static char *const none[] = {NULL};
	struct settings s = {.config = NULL};
	struct config_error err;
	char reason[300];
	size_t n = 0;
	while (flags[n])
		n++;
	assert_int_equal(config_new(sections, 1, NULL, &s.config), 0);
	if (config_load(s.config, NULL, flags, n, none, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(collectors_parse(collectors, &s.all, reason, sizeof reason), 0);
	return s;
}

static const struct collector_section *take(const struct settings *s, const char *name)
{
	static struct collector_section own;
	const struct collector_place *place = collectors_find(&s->all, name);
	char reason[300] = "";
	assert_non_null(place);
	if (shards_check(s->config, &s->all, reason, sizeof reason) != 0)
		fail_msg("%s", reason);
	config_variant(s->config, "collector", place->section, &own);
	shards_take(s->config, &s->all, place, &own);
	return &own;
}

static void one_has_all(void **state)
{
	static const char *const flags[] = {"collector.symbols=BTCUSDT, ETHUSDT", NULL};
	struct settings s = load("collector", flags);
	(void)state;
	assert_string_equal(take(&s, "collector")->symbols, "BTCUSDT, ETHUSDT");
	config_free(s.config);
}

static void shares(void **state)
{
	static const char *const flags[] = {"collector.symbols=BTCUSDT, ETHUSDT,BNBUSDT,,SOLUSDT ADAUSDT,", NULL};
	struct settings s = load("collector/2", flags);
	(void)state;
	assert_string_equal(take(&s, "collector-1")->symbols, "BTCUSDT,BNBUSDT,ADAUSDT");
	assert_string_equal(take(&s, "collector-2")->symbols, "ETHUSDT,SOLUSDT");
	config_free(s.config);
}

/* A subsection says what is different; the rest is as in the section. */
static void venues_beside_each_other(void **state)
{
	static const char *const flags[] = {"collector.symbols=BTCUSDT,ETHUSDT", "collector.stale=9s",
					    "collector.bybit.venue=BYBIT",       "collector.bybit.candles=1m",
					    "collector.references=a=coingecko:bitcoin/usd", NULL};
	struct settings s = load("collector, collector-bybit/2", flags);
	(void)state;
	const struct collector_section *own = take(&s, "collector");
	assert_string_equal(own->venue, "BINANCE");
	assert_string_equal(own->candles, "1s,1m");
	assert_string_equal(own->references, "a=coingecko:bitcoin/usd");
	own = take(&s, "collector-bybit-2");
	assert_string_equal(own->venue, "BYBIT");
	assert_string_equal(own->symbols, "ETHUSDT");
	assert_string_equal(own->candles, "1m");
	assert_int_equal(own->stale_ns, INT64_C(9000000000));
	assert_string_equal(own->references, ""); /* asked for once */
	config_free(s.config);
}

static void refused(void **state)
{
	static const struct {
		const char *collectors, *flags[4], *why;
	} rows[] = {
		{"collector, collector-b", {"collector.symbols=BTCUSDT,ETHUSDT", "collector.b.symbols=SOLUSDT,ETHUSDT"},
		 "ETHUSDT of BINANCE would be followed by collector and by collector-b"},
		{"collector, collector-b", {"collector.b.candles=1m"},
		 "BTCUSDT of BINANCE would be followed by collector and by collector-b"},
		{"collector/2, collector-b/2",
		 {"collector.symbols=BTCUSDT,ETHUSDT", "collector.b.symbols=BNBUSDT,SOLUSDT,ETHUSDT"},
		 "ETHUSDT of BINANCE would be followed by collector-1 and by collector-b-1"},
		{"collector, collector-f", {"collector.symbols=BTCUSDT-PERP", "collector.f.venue=BINANCE-PERP"},
		 "'BTCUSDT-PERP' of BINANCE: -PERP is what ids of BINANCE-PERP end in"},
		{"collector, collector-f", {"collector.f.venue=BYBIT-PERP", "collector.f.symbols=ETHUSDT-PERP"},
		 "'ETHUSDT-PERP' of BYBIT-PERP: -PERP is what ids of BYBIT-PERP end in"},
		{"collector/2", {"collector.symbols=BTCUSDT,BNBUSDT"},
		 "none of the 2 symbols of collector falls to collector-2"},
		{"collector, collector-b/2", {"collector.b.symbols=SOLUSDT"},
		 "none of the 1 symbols of collector.b falls to collector-b-1"},
		{"collector, collector-b",
		 {"collector.venue=POLYMARKET", "collector.scan=true", "collector.b.symbols=1"},
		 "POLYMARKET are followed by one process alone"},
		{"collector/2", {"collector.venue=POLYMARKET", "collector.scan=true"},
		 "POLYMARKET are followed by one process alone"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct settings s = load(rows[i].collectors, rows[i].flags);
		char reason[300] = "";
		assert_int_equal(shards_check(s.config, &s.all, reason, sizeof reason), ERR_ARG);
		if (!strstr(reason, rows[i].why))
			fail_msg("%s says: %s", rows[i].collectors, reason);
		config_free(s.config);
	}
}

/* The same name at another venue, or another product of it, is another market. */
static void same_name_elsewhere(void **state)
{
	static const char *const flags[] = {"collector.f.venue=BINANCE-PERP", "collector.b.venue=BYBIT", NULL};
	struct settings s = load("collector, collector-f, collector-b", flags);
	(void)state;
	assert_string_equal(take(&s, "collector-f")->symbols, "BTCUSDT");
	assert_string_equal(take(&s, "collector-b")->symbols, "BTCUSDT");
	config_free(s.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_has_all), cmocka_unit_test(shares), cmocka_unit_test(venues_beside_each_other),
		cmocka_unit_test(refused),     cmocka_unit_test(same_name_elsewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
