/* test_print - events as text: for people, as JSON, and no byte that escapes. */
#include "common/base/json.h"
#include "proto/print.h"
#include "tests/unit/proto/samples.h"

#define TEXT_MAX (1u << 20)

static struct buf out;

static int set_up(void **state)
{
	(void)state;
	buf_init(&out, TEXT_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

static void expect(const char *text)
{
	assert_int_equal(buf_byte(&out, '\0'), 0);
	assert_string_equal((char *)out.at, text);
	buf_clear(&out);
}

static void set_envelope(struct event *ev, uint16_t id)
{
	event_init(ev, id);
	memcpy(ev->source, "collector", 10);
	ev->epoch = 1700000000000000000u;
	ev->seq = 7;
	ev->origin = origin_live;
	ev->ts_event = 1700000000000000001;
	ev->ts_recv = 1700000000123456789;
}

static void for_people(void **state)
{
	(void)state;
	static const struct level bids[] = {{6183763, 378826}, {6183762, 1}};
	static const struct pair pairs[] = {{"executor", 12}, {"a b", -7}, {"c", 3}, {"d", 4},
					    {"e", 5},	      {"f", 6},	   {"g", 7}, {"h", 8}};
	struct event ev;

	set_envelope(&ev, EVENT_trade);
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &ev.trade.instrument), 0);
	ev.trade.price_scale = 2;
	ev.trade.qty_scale = 5;
	ev.trade.price = 6183763;
	ev.trade.qty = 378;
	ev.trade.aggressor = side_buy;
	ev.trade.trade_id = 3000000000u;
	assert_int_equal(codec_print(&ev, &out), 0);
	expect("2023-11-14T22:13:20.123456789Z trade BTCUSDT.BINANCE price=61837.63 qty=0.00378 "
	       "aggressor=buy trade_id=3000000000 from collector#7 live");
	set_envelope(&ev, EVENT_book_delta);
	ev.book_delta.price_scale = 2;
	ev.book_delta.qty_scale = 5;
	ev.book_delta.bids = (struct levels){bids, 2};
	assert_int_equal(codec_print(&ev, &out), 0);
	expect("2023-11-14T22:13:20.123456789Z book_delta first_id=0 last_id=0 2 bids best "
	       "61837.63x3.78826 0 asks from collector#7 live");
	set_envelope(&ev, EVENT_metrics);
	ev.metrics.values = (struct pairs){pairs, 8};
	assert_int_equal(codec_print(&ev, &out), 0);
	expect("2023-11-14T22:13:20.123456789Z metrics values={executor=12 \"a b\"=-7 c=3 d=4 e=5 "
	       "f=6 and 2 more} from collector#7 live");
	set_envelope(&ev, EVENT_command);
	ev.origin = 9;
	ev.command.verb = verb_pause;
	event_set_text(ev.command.reason, "two words \x1b[2J");
	ev.command.until = 1;
	assert_int_equal(codec_print(&ev, &out), 0);
	expect("2023-11-14T22:13:20.123456789Z command verb=pause reason=\"two words \\u001b[2J\" "
	       "until=1970-01-01T00:00:00.000000001Z all=false from collector#7 ?9");
}

static void for_programs(void **state)
{
	(void)state;
	static const struct level bids[] = {{6183763, 378826}, {-1, 0}};
	struct event ev;

	set_envelope(&ev, EVENT_book_delta);
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &ev.book_delta.instrument), 0);
	ev.book_delta.price_scale = 2;
	ev.book_delta.qty_scale = 5;
	ev.book_delta.last_id = UINT64_MAX;
	ev.book_delta.bids = (struct levels){bids, 2};
	assert_int_equal(codec_json(&ev, NULL, &out), 0);
	expect("{\"topic\":\"book.BINANCE.BTCUSDT\",\"event\":\"book_delta\","
	       "\"source\":\"collector\","
	       "\"origin\":\"live\",\"epoch\":1700000000000000000,\"seq\":7,"
	       "\"ts_event\":\"2023-11-14T22:13:20.000000001Z\","
	       "\"ts_recv\":\"2023-11-14T22:13:20.123456789Z\",\"ts_sent\":null,"
	       "\"instrument\":\"BTCUSDT.BINANCE\",\"price_scale\":2,\"qty_scale\":5,"
	       "\"first_id\":0,\"last_id\":18446744073709551615,"
	       "\"bids\":[[\"61837.63\",\"3.78826\"],[\"-0.01\",\"0.00000\"]],"
	       "\"asks\":[]}");
}

/* No control character of any kind, and UTF-8 throughout. */
static void check_harmless(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		assert_true(text->at[i] >= 0x20 && text->at[i] != 0x7f);
		if (text->at[i] == 0xc2)
			assert_true(text->at[i + 1] >= 0xa0);
	}
}

/* The keys of the object, each once; the members of the envelope first. */
static void check_keys(const struct buf *text, const struct event_row *row)
{
	static const char *const first[] = {"topic", "event", "source", "origin", "epoch",
					    "seq",   "ts_event", "ts_recv", "ts_sent"};
	struct json_str key;
	struct json j;
	size_t n = 0;

	json_init(&j, (char *)text->at, text->len);
	json_object(&j);
	while (json_key(&j, &key)) {
		const char *name = n < 9 ? first[n] : row->fields[n - 9].name;
		assert_true(json_str_is(key, name));
		json_skip(&j);
		n++;
	}
	assert_int_equal(json_finish(&j), 0);
	assert_int_equal(n, 9 + row->n_fields);
	for (size_t i = 0; i < row->n_fields; i++)
		for (size_t k = 0; k < 9; k++)
			assert_string_not_equal(row->fields[i].name, first[k]);
}

static void every_event(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 13);
	for (size_t i = 0; i < n_rows * 50; i++) {
		const struct event_row *row = &rows[i % n_rows];
		sample_make(&r, row, &s);
		assert_int_equal(codec_json(&s.ev, "a \x1b topic\xff", &out), 0);
		check_harmless(&out);
		check_keys(&out, row);
		buf_clear(&out);
		assert_int_equal(codec_print(&s.ev, &out), 0);
		check_harmless(&out);
		buf_clear(&out);
	}
}

/* F79: log injection. Everything between the quotes is text, nothing is a command to a terminal. */
static void quoting(void **state)
{
	(void)state;
	static const struct {
		const char *text, *quoted;
	} cases[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"a\"b\\c\n\t", "\"a\\\"b\\\\c\\n\\t\""},
		{"\x1b]0;title\x07", "\"\\u001b]0;title\\u0007\""},
		{"\x7f", "\"\\u007f\""},
		{"\xc2\x9b" "31m", "\"\\u009b31m\""},
		{"\xe2\x80\xae" "x", "\"\\u202ex\""},
		{"\xe2\x80\xa8", "\"\\u2028\""},
		{"\xe2\x81\xa6", "\"\\u2066\""},
		{"\xef\xbb\xbf", "\"\\ufeff\""},
		{"\xff\xc3", "\"\\ufffd\\ufffd\""},
		{"\xe4\xbe\xa1\xf0\x9f\x98\x80", "\"\xe4\xbe\xa1\xf0\x9f\x98\x80\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct printer p;
		print_begin(&p, &out);
		print_quoted(&p, cases[i].text, strlen(cases[i].text));
		assert_int_equal(print_end(&p), 0);
		expect(cases[i].quoted);
	}
}

static void times(void **state)
{
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000000Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{951782400000000000, "2000-02-29T00:00:00.000000000Z"},
		{951868799999999999, "2000-02-29T23:59:59.999999999Z"},
		{4107542400000000000, "2100-03-01T00:00:00.000000000Z"},
		{1704067199000000000, "2023-12-31T23:59:59.000000000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct printer p;
		print_begin(&p, &out);
		print_time(&p, cases[i].ns);
		assert_int_equal(print_end(&p), 0);
		expect(cases[i].text);
	}
}

static void unknown(void **state)
{
	(void)state;
	static const char value[] =
		"\x98\xcd\x7f\xff\xa3" "a\x1b" "b\x82\x01\xc0\x02\xc3\x92\xff\xc2"
		"\xc4\x02\x00\xff\xcb\x3f\xe0\0\0\0\0\0\0\x90\xcf\xff\xff\xff\xff\xff\xff\xff\xff";

	assert_int_equal(codec_print_unknown((const uint8_t *)value, sizeof value - 1, &out), 0);
	expect("[32767, \"a\\u001bb\", {1: nil, 2: true}, [-1, false], bin(00ff), 0.5, [], "
	       "18446744073709551615]");
	assert_int_equal(codec_print_unknown((const uint8_t *)value, sizeof value - 2, &out),
		ERR_TRUNCATED);
	assert_int_equal(codec_print_unknown((const uint8_t *)"\xdd\xff\xff\xff\xff", 5, &out),
		ERR_TRUNCATED);
	assert_int_equal(codec_print_unknown((const uint8_t *)"\xd4\x01\x01", 3, &out), ERR_TYPE);
	assert_int_equal(out.len, 0);
}

/* A text that does not fit is not there at all. */
static void full(void **state)
{
	(void)state;
	struct event ev;
	struct buf small;

	set_envelope(&ev, EVENT_trade);
	buf_init(&small, 60);
	assert_int_equal(buf_append(&small, "before", 6), 0);
	assert_int_equal(codec_print(&ev, &small), ERR_FULL);
	assert_int_equal(codec_json(&ev, NULL, &small), ERR_FULL);
	assert_int_equal(small.len, 6);
	ev.id = 0xfffe;
	assert_int_equal(codec_print(&ev, &small), ERR_UNKNOWN);
	assert_int_equal(codec_json(&ev, NULL, &small), ERR_UNKNOWN);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_people), cmocka_unit_test(for_programs),
			cmocka_unit_test(every_event),
		cmocka_unit_test(quoting),
			   cmocka_unit_test(times),	      cmocka_unit_test(unknown),
		cmocka_unit_test(full),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
