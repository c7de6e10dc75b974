/* test_hostile - events with any values at all: never a crash, and no intent that says nonsense. */
#include "stage.h"
#include "tests/unit/mutate.h"

#include "services/strategy/registry.h"

struct crowd {
	struct strategy_core *core;
	struct event open[64]; /* intents, the newest */
	uint64_t intents;
};

static void judge(void *ctx, struct event *ev)
{
	struct crowd *c = ctx;
	uint8_t packed[4096];
	snprintf(ev->source, sizeof(ev->source), "strategy");
	assert_int_equal(ev->id, EVENT_intent);
	assert_true(codec_pack(ev, packed, sizeof(packed)) > 0);
	assert_true(ev->intent.kind == intent_kind_cancel || ev->intent.qty > 0);
	assert_true(ev->intent.type == order_type_limit ? ev->intent.price > 0
							: ev->intent.price == 0);
	c->open[c->intents++ % 64] = *ev;
}

static void candle(struct rng *r, int64_t now, struct event *ev)
{
	event_init(ev, EVENT_candle);
	ev->candle.instrument = stage_symbol("ONE.TEST");
	event_set_name(ev->candle.interval, "1s");
	ev->candle.price_scale = 2;
	ev->candle.open_at = now;
	ev->candle.close = 10000 + (int64_t)rng_below(r, 200);
	ev->candle.complete = true;
}

static void answer(struct rng *r, const struct crowd *c, struct event *ev)
{
	uint64_t newest = c->intents > 0 ? (c->intents - 1) % 64 : 0;
	const struct ev_intent *in = &c->open[rng_below(r, 4) ? newest : rng_below(r, 64)].intent;
	bool fill = rng_below(r, 2);
	event_init(ev, fill ? EVENT_fill : EVENT_order);
	event_set_name(fill ? ev->fill.account : ev->order.account, in->account);
	event_set_name(fill ? ev->fill.strategy : ev->order.strategy, in->strategy);
	if (fill) {
		ev->fill.side = in->side;
		ev->fill.qty_scale = in->qty_scale;
		ev->fill.qty = in->qty;
		return;
	}
	event_set_name(ev->order.client_order_id, in->client_order_id);
	ev->order.intent_ordinal = in->ordinal;
	ev->order.status = (uint8_t)(1 + rng_below(r, 6));
	ev->order.filled = in->qty / 2;
}

static void book_event(struct rng *r, struct event *ev)
{
	static struct level bid, ask;
	bid = (struct level){9900 + (int64_t)rng_below(r, 50), 1000};
	ask = (struct level){10000 + (int64_t)rng_below(r, 50), 1000};
	if (rng_below(r, 2)) {
		event_init(ev, EVENT_book_snapshot);
		ev->book_snapshot.bids = (struct levels){&bid, 1};
		ev->book_snapshot.asks = (struct levels){&ask, 1};
		ev->book_snapshot.instrument = stage_symbol("ONE.TEST");
		ev->book_snapshot.price_scale = 2;
		ev->book_snapshot.qty_scale = 3;
	} else {
		event_init(ev, EVENT_book_state);
		ev->book_state.instrument = stage_symbol("ONE.TEST");
		ev->book_state.state = book_state_trusted;
	}
}

static void instrument(struct event *ev)
{
	event_init(ev, EVENT_instrument);
	ev->instrument.instrument = stage_symbol("ONE.TEST");
	ev->instrument.price_scale = 2;
	ev->instrument.qty_scale = 3;
	ev->instrument.tick_size = ev->instrument.lot_size = 1;
}

static void next(struct rng *r, const struct crowd *c, int64_t now, struct event *ev)
{
	switch (rng_below(r, 5)) {
	case 0:
	case 1:
		candle(r, now, ev);
		break;
	case 2:
		answer(r, c, ev);
		break;
	case 3:
		book_event(r, ev);
		break;
	default:
		instrument(ev);
	}
	ev->origin = origin_replay;
	if (rng_below(r, 8) == 0)
		mutate_event(r, ev);
	ev->ts_event = ev->ts_recv = now;
	snprintf(ev->source, sizeof(ev->source), "test");
}

static void nothing_breaks(void **state)
{
	(void)state;
	static const char *const entries[] = {"market", "limit", "alternate"};
	uint64_t intents = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		static struct crowd c;
		struct strategy_core_settings s;
		struct sink sink = {&c, judge};
		struct rng rng;
		struct event ev;
		memset(&c, 0, sizeof(c));
		strategy_core_defaults(&s);
		s.origin = origin_replay;
		stage_seat(&s, "e", registry_find("ema_cross"));
		stage_set(&s, "interval", "1s");
		stage_set(&s, "fast", "2");
		stage_set(&s, "slow", "4");
		stage_set(&s, "offset", seed % 2 ? "100000" : "-3");
		stage_set(&s, "entry", entries[seed % 3]);
		assert_int_equal(strategy_core_new(&s, NULL, &c.core), 0);
		rng_seed(&rng, seed);
		for (int64_t i = 0; i < 5000; i++) {
			next(&rng, &c, (1000 + i) * S, &ev);
			strategy_core.on_event(c.core, (1000 + i) * S, &ev, &sink);
		}
		intents += c.intents;
		strategy_core_free(c.core);
	}
	print_message("%llu intents\n", (unsigned long long)intents);
	assert_true(intents > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_breaks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
