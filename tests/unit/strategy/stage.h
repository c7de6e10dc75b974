/* stage - a strategy core on a table: market events and answers in a line each. */
#ifndef NJ_TESTS_STAGE_H
#define NJ_TESTS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/codec.h"
#include "services/strategy/core.h"

#define STAGE_OUT_MAX 4000
#define MS INT64_C(1000000)
#define S (1000 * MS)

struct stage {
	struct strategy_core *core;
	struct sink sink;
	struct event *out; /* intents since stage_clear */
	uint32_t n;
	int64_t now;
	uint8_t origin;
	struct event last; /* what was fed last */
};

static inline void stage_take(void *ctx, struct event *ev)
{
	struct stage *s = ctx;
	must(s->n < STAGE_OUT_MAX);
	s->out[s->n++] = *ev;
}

static inline struct symbol stage_symbol(const char *text)
{
	struct symbol s;
	assert_int_equal(symbol_parse(text, strlen(text), &s), 0);
	return s;
}

static inline void stage_seat(struct strategy_core_settings *s, const char *name,
			      const struct strategy *strategy)
{
	struct strategy_seat *seat = &s->seat[s->n_seats++];
	event_set_name(seat->name, name);
	event_set_name(seat->account, "paper");
	seat->strategy = strategy;
	seat->instrument = stage_symbol("ONE.TEST");
}

static inline void stage_set(struct strategy_core_settings *s, const char *name, const char *value)
{
	struct strategy_seat *seat = &s->seat[s->n_seats - 1];
	event_set_name(seat->setting[seat->n_settings].name, name);
	event_set_name(seat->setting[seat->n_settings++].value, value);
}

static inline void stage_open(struct stage *s, const struct strategy_core_settings *with)
{
	char why[EVENT_TEXT_MAX] = "";
	*s = (struct stage){.now = 1000 * S, .origin = origin_replay};
	s->out = calloc(STAGE_OUT_MAX, sizeof(*s->out));
	assert_non_null(s->out);
	s->sink = (struct sink){s, stage_take};
	assert_int_equal(strategy_core_new(with, why, &s->core), 0);
	assert_string_equal(why, "");
}

static inline void stage_close(struct stage *s)
{
	strategy_core_free(s->core);
	free(s->out);
}

static inline void stage_clear(struct stage *s)
{
	s->n = 0;
}

static inline void stage_feed(struct stage *s, struct event *ev)
{
	ev->origin = s->origin;
	ev->ts_event = ev->ts_recv = s->now;
	snprintf(ev->source, sizeof(ev->source), "collector");
	s->last = *ev;
	strategy_core.on_event(s->core, s->now, ev, &s->sink);
}

static inline struct event stage_definition(void)
{
	struct event ev;
	event_init(&ev, EVENT_instrument);
	ev.instrument.instrument = stage_symbol("ONE.TEST");
	event_set_name(ev.instrument.base, "ONE");
	event_set_name(ev.instrument.quote, "USDT");
	ev.instrument.price_scale = 2;
	ev.instrument.qty_scale = 3;
	ev.instrument.tick_size = 5;
	ev.instrument.lot_size = 10;
	ev.instrument.trading = true;
	return ev;
}

static inline void stage_instrument(struct stage *s)
{
	struct event ev = stage_definition();
	stage_feed(s, &ev);
}

static inline void stage_state(struct stage *s, enum book_state state)
{
	struct event ev;
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = stage_symbol("ONE.TEST");
	ev.book_state.state = (uint8_t)state;
	stage_feed(s, &ev);
}

/* 99.00 x 1, 98.00 x 2 | 100.00 x 1, 101.00 x 2. */
static inline void stage_snapshot(struct stage *s)
{
	static const struct level bids[] = {{9900, 1000}, {9800, 2000}},
				  asks[] = {{10000, 1000}, {10100, 2000}};
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = stage_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){bids, 2};
	ev.book_snapshot.asks = (struct levels){asks, 2};
	stage_feed(s, &ev);
}

static inline void stage_book(struct stage *s)
{
	stage_instrument(s);
	stage_snapshot(s);
	stage_state(s, book_state_trusted);
	stage_clear(s);
}

static inline void stage_delta(struct stage *s, enum side side, int64_t price, int64_t qty)
{
	struct level l = {price, qty};
	struct event ev;
	event_init(&ev, EVENT_book_delta);
	ev.book_delta.instrument = stage_symbol("ONE.TEST");
	ev.book_delta.price_scale = 2;
	ev.book_delta.qty_scale = 3;
	*(side == side_buy ? &ev.book_delta.bids : &ev.book_delta.asks) = (struct levels){&l, 1};
	stage_feed(s, &ev);
}

static inline void stage_candle(struct stage *s, int64_t close)
{
	struct event ev;
	event_init(&ev, EVENT_candle);
	ev.candle.instrument = stage_symbol("ONE.TEST");
	event_set_name(ev.candle.interval, "1s");
	ev.candle.price_scale = 2;
	ev.candle.qty_scale = 3;
	ev.candle.open_at = s->now;
	ev.candle.close = close;
	ev.candle.complete = true;
	s->now += S;
	stage_feed(s, &ev);
}

/* The executor's words about an intent. */
static inline void stage_answer(struct stage *s, const struct event *intent,
				enum order_status status, int64_t filled)
{
	const struct ev_intent *in = &intent->intent;
	struct event ev;
	event_init(&ev, EVENT_order);
	event_set_name(ev.order.account, in->account);
	event_set_name(ev.order.strategy, in->strategy);
	event_set_name(ev.order.client_order_id, in->client_order_id);
	ev.order.instrument = in->instrument;
	ev.order.side = in->side;
	ev.order.type = in->type;
	ev.order.status = (uint8_t)status;
	ev.order.price_scale = in->price_scale;
	ev.order.qty_scale = in->qty_scale;
	ev.order.price = in->price;
	ev.order.qty = in->qty;
	ev.order.filled = filled;
	ev.order.intent_ordinal = in->ordinal;
	stage_feed(s, &ev);
}

static inline void stage_fill(struct stage *s, const struct event *intent, int64_t qty)
{
	const struct ev_intent *in = &intent->intent;
	struct event ev;
	event_init(&ev, EVENT_fill);
	event_set_name(ev.fill.account, in->account);
	event_set_name(ev.fill.strategy, in->strategy);
	event_set_name(ev.fill.client_order_id, in->client_order_id);
	ev.fill.instrument = in->instrument;
	ev.fill.side = in->side;
	ev.fill.price_scale = in->price_scale;
	ev.fill.qty_scale = in->qty_scale;
	ev.fill.price = 10000;
	ev.fill.qty = qty;
	stage_feed(s, &ev);
}

#endif
