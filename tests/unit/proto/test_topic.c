/* test_topic - topics made from events, and filters. */
#include "proto/topic.h"
#include "tests/unit/proto/samples.h"

static void expect(const struct event *ev, const char *topic)
{
	char out[TOPIC_MAX];

	memset(out, 'x', sizeof out);
	assert_int_equal(topic_of(ev, out), (int)strlen(topic));
	assert_string_equal(out, topic);
}

static void expect_error(const struct event *ev, int error)
{
	char out[TOPIC_MAX];

	assert_int_equal(topic_of(ev, out), error);
}

static void made(void **state)
{
	(void)state;
	struct event ev;

	event_init(&ev, EVENT_trade);
	assert_int_equal(symbol_parse("BTCUSDT-PERP.BINANCE", 20, &ev.trade.instrument), 0);
	expect(&ev, "trade.BINANCE.BTCUSDT-PERP");
	memset(&ev.trade.instrument, 0, sizeof ev.trade.instrument);
	expect(&ev, "trade");
	event_init(&ev, EVENT_candle);
	event_set_name(ev.candle.interval, "1m");
	assert_int_equal(symbol_parse("A.B", 3, &ev.candle.instrument), 0);
	expect(&ev, "candle.1m.B.A");
	memset(&ev.candle.instrument, 0, sizeof ev.candle.instrument);
	expect(&ev, "candle.1m");
	event_init(&ev, EVENT_gap);
	memcpy(ev.source, "collector", 10);
	expect(&ev, "gap.collector");
	event_init(&ev, EVENT_balance);
	event_set_name(ev.balance.account, "paper-1");
	expect(&ev, "balance.paper-1");
	event_init(&ev, EVENT_request);
	expect(&ev, "request");
}

static void refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a.b", "a b", "a*", ">", "\xc3\xa4", "a\nb", "../x"};
	struct event ev;

	event_init(&ev, EVENT_balance);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		event_set_name(ev.balance.account, bad[i]);
		expect_error(&ev, ERR_SYNTAX);
	}
	event_init(&ev, EVENT_gap);
	expect_error(&ev, ERR_SYNTAX); /* nobody's */
	event_init(&ev, EVENT_trade);
	memcpy(ev.trade.instrument.s, "nodot", 5);
	expect_error(&ev, ERR_SYNTAX);
	memcpy(ev.trade.instrument.s, "A.B.C", 5);
	expect_error(&ev, ERR_SYNTAX);
	memcpy(ev.trade.instrument.s, "A\n.BC", 5);
	expect_error(&ev, ERR_SYNTAX);
	ev.id = 0xfffe;
	expect_error(&ev, ERR_UNKNOWN);
}

/* Every event of a good sender has a topic, and it is made of tokens. */
static void all_events(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 12);
	for (size_t i = 0; i < n_rows * 20; i++) {
		const struct event_row *row = &rows[i % n_rows];
		char out[TOPIC_MAX];
		sample_make(&r, row, &s);
		for (size_t k = 0; k < row->n_fields; k++)
			if (row->fields[k].kind == KIND_name)
				event_set_name((char *)&s.ev.trade + row->fields[k].offset,
					"name_1");
		int n = topic_of(&s.ev, out);
		assert_true(n > 0 && out[n] == '\0' && strlen(out) == (size_t)n);
		assert_int_equal(strspn(out,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."), n);
		assert_null(strstr(out, ".."));
		assert_true(out[n - 1] != '.');
		assert_true(topic_matches(out, out));
	}
}

static void filters(void **state)
{
	(void)state;
	static const struct {
		const char *filter, *topic;
		bool matches;
	} cases[] = {
		{"", "trade.B.A", true},	     {">", "trade.B.A", true},
		{">", "", false},		     {"trade", "trade.B.A", true},
		{"trade", "trade", true},	     {"trad", "trade.B.A", false},
		{"trade", "trades.B.A", false},	     {"trade.B", "trade.B.A", true},
		{"trade.B", "trade.BIN.A", false},   {"trade.B.A", "trade.B.A", true},
		{"trade.B.A", "trade.B", false},     {"trade.B.A", "trade.B.A.C", true},
		{"trade.>", "trade.B.A", true},	     {"trade.>", "trade", false},
		{"trade.*", "trade.B.A", true},	     {"trade.*.A", "trade.B.A", true},
		{"trade.*.A", "trade.B.C", false},   {"*.B.A", "book.B.A", true},
		{"*.*.A", "book.B.A", true},	     {"*", "book", true},
		{"*", "", false},		     {"*.*.*.*", "book.B.A", false},
		{"trade.*.>", "trade.B.A", true},    {"trade.*.>", "trade.B", false},
		{"trade.B*", "trade.BIN.A", false},  {"trade.", "trade.B.A", true},
		{"trade.", "trade", true},	     {"trade.", "trades.B", false},
		{"gap.collector", "gap.collector", true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (topic_matches(cases[i].filter, cases[i].topic) != cases[i].matches)
			fail_msg("\"%s\" on \"%s\"", cases[i].filter, cases[i].topic);
}

/* What ZeroMQ subscribes to must let everything through that the filter matches. */
static void prefixes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", ""},		  {">", ""},		       {"trade", "trade"},
		{"trade.>", "trade."},	  {"trade.*.A", "trade."},     {"*.B", ""},
		{"trade.B.A", "trade.B.A"}, {"candle.1m.>", "candle.1m."}, {"trade.", "trade"},
	};
	char out[TOPIC_MAX], endless[2 * TOPIC_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(topic_prefix(cases[i][0], out), strlen(cases[i][1]));
		assert_string_equal(out, cases[i][1]);
	}
	memset(endless, 'a', sizeof endless);
	endless[sizeof endless - 1] = '\0';
	assert_int_equal(topic_prefix(endless, out), TOPIC_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),	   cmocka_unit_test(refused),  cmocka_unit_test(all_events),
		cmocka_unit_test(filters), cmocka_unit_test(prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
