/* test_perpetuals - a position in recorded perpetuals: Bybit's linear BTCUSDT, its book, its mark prices, its funding.
 *
 * Bought at the first book that can be trusted, valued by each mark price, sold at the last book; bought again and held
 * to the venue's next funding. The figures are worked out here from the recorded mark prices and the fills alone.
 */
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"
#include "tests/golden/rig.h"

#include "common/base/fixed.h"
#include "services/executor/core.h"
#include "services/executor/mark.h"

#define QTY 5000000 /* 0.05 */

static struct collector_market market = {"BTCUSDT", 0, 0};

static struct watched {
	struct rig rig;
	struct executor *x;
	int64_t now, cost, fees, realised, funded, unrealised;
	struct ev_mark mark;
	struct ev_position position;
	uint32_t marks, equities, told;
	bool open, asked;
} w;

static int64_t value(int64_t qty, const struct ev_mark *m)
{
	int64_t v;
	assert_int_equal(fixed_mul(qty, 8, m->mark, m->price_scale, 8, &v), 0);
	return v;
}

static void hear(void *ctx, struct event *ev)
{
	(void)ctx;
	int64_t cost;
	if (ev->id == EVENT_fill) {
		assert_int_equal(ev->fill.qty_scale, 8);
		assert_int_equal(fixed_mul(ev->fill.price, ev->fill.price_scale, ev->fill.qty, 8, 8, &cost), 0);
		w.cost += ev->fill.side == side_buy ? cost : -cost;
		w.fees += ev->fill.fee;
		w.realised += ev->fill.realised;
	}
	if (ev->id == EVENT_position)
		w.position = ev->position;
	if (ev->id == EVENT_funding) {
		int64_t amount;
		const struct ev_mark *m = &w.mark;
		assert_int_equal(fixed_mul(value(QTY, m), 8, m->funding_rate, m->cash_scale, 8, &amount), 0);
		assert_int_equal(ev->funding.amount, -amount);
		w.funded += ev->funding.amount;
	}
	if (ev->id == EVENT_equity) {
		w.equities++;
		w.unrealised = ev->equity.unrealised;
		if (w.marks > 0 && w.position.qty != 0)
			assert_int_equal(ev->equity.unrealised, value(w.position.qty, &w.mark) - w.cost - w.realised);
		assert_int_equal(ev->equity.cash, INT64_C(1000000000000) + w.realised - w.fees + w.funded);
		assert_int_equal(ev->equity.equity, ev->equity.cash + ev->equity.unrealised);
	}
}

static const struct sink sink = {NULL, hear};

static void timers(int64_t until)
{
	for (int64_t due; (due = executor_core.next_due(w.x)) < until;)
		executor_core.on_timer(w.x, due, &sink);
}

static void trade(enum side side)
{
	struct event ev;
	event_init(&ev, EVENT_intent);
	ev.epoch = 1;
	ev.origin = origin_replay;
	ev.ts_event = ev.ts_recv = w.now;
	ev.intent.kind = intent_kind_order;
	event_set_name(ev.intent.account, "paper");
	event_set_name(ev.intent.strategy, "s");
	ev.intent.ordinal = ++w.told;
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%u", w.told);
	assert_int_equal(symbol_parse("BTCUSDT-PERP.BYBIT", 18, &ev.intent.instrument), 0);
	ev.intent.side = (uint8_t)side;
	ev.intent.type = order_type_market;
	ev.intent.tif = tif_ioc;
	ev.intent.qty_scale = 8;
	ev.intent.qty = QTY;
	executor_core.on_event(w.x, w.now, &ev, &sink);
}

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	timers(ev->ts_recv);
	w.now = ev->ts_recv;
	if (ev->id == EVENT_mark) {
		w.mark = ev->mark;
		w.marks++;
	}
	executor_core.on_event(w.x, w.now, ev, &sink);
	bool trusted = ev->id == EVENT_book_state && ev->book_state.state == book_state_trusted;
	w.asked = w.asked || trusted;
}

static void open_feed(int64_t now, const char *instruments)
{
	struct collector_core_settings set;
	struct executor_settings s;
	executor_defaults(&s);
	s.mark = MARK_VENUE;
	s.equity_interval_ns = INT64_C(1000000000);
	assert_int_equal(executor_new(&s, &w.x), 0);
	collector_core_defaults(&set, venue_find("BYBIT-PERP", 10));
	market.streams = VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_MARK_STREAM;
	set.markets = &market;
	set.n_markets = 1;
	set.origin = origin_replay;
	rig_open(&w.rig, &set);
	w.rig.on_event = watch;
	collector_core_start(w.rig.core, now, &w.rig.sink);
	rig_reply(&w.rig, now, 200, instruments);
	rig_change(&w.rig, now + 1, feed_live);
	w.open = true;
}

static void feed(const struct cryptofeed *l)
{
	static const char linear[] = "category=linear";
	if (json_str_is(l->kind, "http") && memmem(l->url.at, l->url.len, linear, sizeof(linear) - 1))
		open_feed(l->at, l->data);
	else if (json_str_is(l->kind, "recv") && json_str_is(l->conn, "BYBIT.ws.2") && w.open)
		rig_frame(&w.rig, l->at, l->data);
	if (w.asked && w.marks > 0 && w.told == 0)
		trade(side_buy);
}

static void test_bybit(void **state)
{
	(void)state;
	struct capture c = {0};
	char *text;
	if (capture_open("bybit/BYBIT.jsonl.zst", &c) != 0)
		skip();
	while ((text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		feed(&l);
		free(l.data);
	}
	assert_int_equal(w.position.qty, QTY);
	assert_int_equal(w.position.margin, w.cost / 5);
	/* All of 10,000 stands for some 3,000: there is no price at which that is liquidated. */
	assert_int_equal(w.position.liquidation, 0);
	assert_true(w.marks > 10 && w.equities > 10 && w.unrealised != 0);
	trade(side_sell);
	assert_int_equal(w.position.qty, 0);
	assert_int_equal(w.cost, -w.realised);
	/* Held until the venue's next funding, at the rate and price that were heard last. */
	trade(side_buy);
	assert_true(w.mark.funding_at > w.now && w.mark.funding_rate != 0 && w.funded == 0);
	timers(w.mark.funding_at + 1);
	assert_int_equal(w.position.funding, w.funded);
	assert_true(w.funded != 0 && (w.funded < 0) == (w.mark.funding_rate > 0));
	printf("Bybit: %u mark prices, %u points of the curve\n", w.marks, w.equities);
	executor_free(w.x);
	rig_close(&w.rig);
	capture_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bybit)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
