/* test_answers - what subscribes to something is answered, or somebody hears of it. */
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000000LL * NS)
#define ACK "{\"success\":true,\"ret_msg\":\"\",\"conn_id\":\"x\",\"op\":\"subscribe\"}"
#define PONG "{\"success\":true,\"ret_msg\":\"pong\",\"conn_id\":\"x\",\"op\":\"ping\"}"
#define SUBSCRIBED(channel, sid)                                                                                       \
	"{\"id\":1,\"type\":\"subscribed\",\"msg\":{\"channel\":\"" channel "\",\"sid\":" sid "}}"

static struct {
	uint32_t on, off;
	char text[EVENT_TEXT_MAX];
} told;

static void on_subscription(void *ctx, uint32_t connection, bool on, const char *text)
{
	(void)ctx;
	assert_int_equal(connection, 0);
	told.on += on;
	told.off += !on;
	snprintf(told.text, sizeof(told.text), "%s", text);
}

/* n markets with all of these streams on one connection, which opens at T0. */
static void open_rig(struct rig *r, const char *venue, uint32_t n, uint32_t streams)
{
	static char names[40][12];
	struct collector_market markets[40];
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find(venue, strlen(venue)));
	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "M%u", i);
		markets[i] = (struct collector_market){.raw = names[i], .streams = streams};
	}
	s.markets = markets;
	s.n_markets = n;
	s.describe_ns = 0;
	s.silence_ns = 3600 * NS;
	s.answer_ns = 10 * NS;
	memset(&told, 0, sizeof(told));
	memset(r, 0, sizeof(*r));
	r->set = s;
	r->sink = (struct sink){r, rig_emit};
	r->actions = (struct collector_actions){.ctx = r,
						.request = rig_request,
						.reconnect = rig_reconnect,
						.subscription = on_subscription};
	buf_init(&r->out, (size_t)1 << 30);
	assert_int_equal(collector_core_new(&s, &r->actions, &r->core), 0);
	collector_core_origin(r->core, 0, origin_simulated);
	rig_change(r, T0, feed_live);
}

static void again(struct rig *r, int64_t at)
{
	rig_change(r, at, feed_lost);
	rig_change(r, at + NS, feed_live);
}

/* Fifteen topics are two texts: both must be answered, and pongs are no answers. */
static void all_answered(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 15, VENUE_TRADE_STREAM);
	rig_frame(&r, T0 + 1, ACK);
	rig_frame(&r, T0 + 2, PONG);
	rig_frame(&r, T0 + 3, ACK);
	rig_timers(&r, T0 + 60 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 0);
	assert_int_equal(r.n_reconnects, 0);
	assert_int_equal(told.on, 0);
	assert_int_equal(told.off, 1); /* a life before may have told people */
	rig_close(&r);
}

/* One of two is missing: a new connection, and where that is no better people are told; until one is whole. */
static void one_is_missing(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 15, VENUE_TRADE_STREAM);
	rig_frame(&r, T0 + 1, ACK);
	rig_frame(&r, T0 + 2, PONG);
	rig_timers(&r, T0 + 9 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 0);
	rig_timers(&r, T0 + 12 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 1);
	assert_int_equal(r.n_reconnects, 1);
	assert_int_equal(told.on, 0);
	again(&r, T0 + 20 * NS);
	rig_timers(&r, T0 + 60 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 3);
	assert_int_equal(r.n_reconnects, 1); /* its data may flow all the same */
	assert_int_equal(told.on, 1);
	assert_string_equal(told.text, "2 of 2 subscriptions were not answered");
	again(&r, T0 + 70 * NS);
	rig_timers(&r, T0 + 100 * NS);
	assert_int_equal(told.on, 1);
	again(&r, T0 + 110 * NS);
	rig_frame(&r, T0 + 112 * NS, ACK);
	assert_int_equal(told.off, 0);
	rig_frame(&r, T0 + 113 * NS, ACK);
	assert_int_equal(told.off, 1);
	rig_timers(&r, T0 + 200 * NS);
	assert_int_equal(r.n_reconnects, 1);
	rig_close(&r);
}

/* Each channel of Kalshi's one text is answered by itself. */
static void each_channel(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "KALSHI", 3, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TICKER_STREAM);
	rig_frame(&r, T0 + 1, SUBSCRIBED("orderbook_delta", "1"));
	rig_frame(&r, T0 + 1, SUBSCRIBED("trade", "2"));
	rig_timers(&r, T0 + 15 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 1);
	assert_int_equal(r.n_reconnects, 1);
	again(&r, T0 + 20 * NS);
	rig_frame(&r, T0 + 22 * NS, SUBSCRIBED("orderbook_delta", "1"));
	rig_frame(&r, T0 + 22 * NS, SUBSCRIBED("trade", "2"));
	rig_frame(&r, T0 + 22 * NS, SUBSCRIBED("ticker", "3"));
	rig_timers(&r, T0 + 60 * NS);
	assert_int_equal(rig_counters(&r)->unanswered, 1);
	assert_int_equal(told.on, 0);
	rig_close(&r);
}

/* A refusal of everything is one answer: told at once, with the venue's words; connecting anew would not help. */
static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *venue, *text, *words;
	} cases[] = {
		{"KALSHI", "{\"id\":1,\"type\":\"error\",\"msg\":{\"code\":16,\"msg\":\"Unknown market\"}}", "Unknown"},
		{"BYBIT", "{\"success\":false,\"ret_msg\":\"too many\",\"op\":\"subscribe\"}", "too many"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rig r;
		open_rig(&r, cases[i].venue, 15, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
		rig_frame(&r, T0 + 1, cases[i].text);
		assert_int_equal(told.on, 1);
		assert_non_null(strstr(told.text, cases[i].words));
		assert_int_equal(rig_counters(&r)->refusals, 1);
		uint32_t before = r.n_reconnects;
		rig_timers(&r, T0 + 11 * NS);
		assert_int_equal(r.n_reconnects, before);
		assert_int_equal(rig_counters(&r)->unanswered, 0);
		rig_close(&r);
	}
}

/* Who says nothing to a subscription, or is not watched, owes no answer. */
static void none_is_due(void **state)
{
	(void)state;
	static const char *const venues[] = {"BINANCE", "BINANCE-PERP", "POLYMARKET"};
	for (size_t i = 0; i < sizeof(venues) / sizeof(*venues); i++) {
		struct rig r;
		open_rig(&r, venues[i], 3, VENUE_TRADE_STREAM);
		rig_timers(&r, T0 + 60 * NS);
		assert_int_equal(rig_counters(&r)->unanswered, 0);
		assert_int_equal(r.n_reconnects, 0);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_answered), cmocka_unit_test(one_is_missing), cmocka_unit_test(each_channel),
		cmocka_unit_test(refused),      cmocka_unit_test(none_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
