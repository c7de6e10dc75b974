/* desk - an executor's core on a table: books, trades and wishes in a line each.
 *
 * One instrument to begin with: ONE.TEST, prices with 2 decimals, quantities with 3, tick 0.01, lot
 * 0.001, at least 5 of quote an order, at most 1,000 pieces, 100 at market. Prices and quantities
 * here are written as whole cents and thousandths; cash as units of 1e-8.
 */
#ifndef NJ_TESTS_DESK_H
#define NJ_TESTS_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/codec.h"
#include "services/executor/core.h"

#define DESK_OUT_MAX 20000
#define MS INT64_C(1000000)
#define S (1000 * MS)
#define CASH(units) ((int64_t)(units) * 100000000) /* whole units of an asset */
#define CENT INT64_C(1000000)                      /* 0.01 of cash */

struct desk {
	struct executor *x;
	struct sink sink;
	struct event *out; /* what it said, since desk_clear */
	uint32_t n;
	int64_t now;
	uint64_t ordinal;
	uint8_t origin;
};

static inline void desk_take(void *ctx, struct event *ev)
{
	struct desk *d = ctx;
	must(d->n < DESK_OUT_MAX);
	d->out[d->n++] = *ev;
}

static inline struct executor_settings desk_settings(void)
{
	struct executor_settings s;
	executor_defaults(&s);
	s.balance[0].amount = CASH(1000);
	s.equity_interval_ns = 0; /* tests that want the curve ask for it */
	return s;
}

static inline void desk_open(struct desk *d, const struct executor_settings *s)
{
	*d = (struct desk){.now = 1000 * S, .origin = origin_simulated};
	d->out = calloc(DESK_OUT_MAX, sizeof(*d->out));
	assert_non_null(d->out);
	d->sink = (struct sink){d, desk_take};
	assert_int_equal(executor_new(s, &d->x), 0);
}

static inline void desk_close(struct desk *d)
{
	executor_free(d->x);
	free(d->out);
}

static inline void desk_clear(struct desk *d)
{
	d->n = 0;
}

static inline void desk_feed(struct desk *d, struct event *ev)
{
	ev->origin = d->origin;
	ev->ts_event = ev->ts_recv = d->now;
	snprintf(ev->source, sizeof(ev->source), "test");
	executor_core.on_event(d->x, d->now, ev, &d->sink);
}

/* Runs the timers that are due up to a time and stands there. */
static inline void desk_until(struct desk *d, int64_t now)
{
	for (;;) {
		int64_t due = executor_core.next_due(d->x);
		if (due > now)
			break;
		executor_core.on_timer(d->x, due, &d->sink);
	}
	d->now = now;
}

static inline struct symbol desk_symbol(const char *text)
{
	struct symbol s;
	assert_int_equal(symbol_parse(text, strlen(text), &s), 0);
	return s;
}

static inline struct event desk_definition(const char *symbol, const char *base)
{
	struct event ev;
	event_init(&ev, EVENT_instrument);
	ev.instrument.instrument = desk_symbol(symbol);
	event_set_name(ev.instrument.base, base);
	event_set_name(ev.instrument.quote, "USDT");
	ev.instrument.price_scale = 2;
	ev.instrument.qty_scale = 3;
	ev.instrument.cash_scale = 2;
	ev.instrument.tick_size = 1;
	ev.instrument.price_min = 10;
	ev.instrument.price_max = 10000000;
	ev.instrument.lot_size = 1;
	ev.instrument.qty_min = 2;
	ev.instrument.qty_max = 1000000;
	ev.instrument.market_qty_max = 100000;
	ev.instrument.notional_min = 500;
	ev.instrument.notional_max = 100000000;
	ev.instrument.trading = true;
	return ev;
}

static inline void desk_instrument(struct desk *d)
{
	struct event ev = desk_definition("ONE.TEST", "ONE");
	desk_feed(d, &ev);
}

#define LEVELS(...)                                                                                \
	{(const struct level[]){__VA_ARGS__},                                                      \
	 (uint32_t)(sizeof((const struct level[]){__VA_ARGS__}) / sizeof(struct level))}

static inline void desk_state(struct desk *d, enum book_state state)
{
	struct event ev;
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol("ONE.TEST");
	ev.book_state.state = (uint8_t)state;
	desk_feed(d, &ev);
}

static inline void desk_snapshot(struct desk *d, struct levels bids, struct levels asks)
{
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = bids;
	ev.book_snapshot.asks = asks;
	desk_feed(d, &ev);
}

/* One level's new total. */
static inline void desk_delta(struct desk *d, enum side side, int64_t price, int64_t qty)
{
	struct level l = {price, qty};
	struct event ev;
	event_init(&ev, EVENT_book_delta);
	ev.book_delta.instrument = desk_symbol("ONE.TEST");
	ev.book_delta.price_scale = 2;
	ev.book_delta.qty_scale = 3;
	if (side == side_buy)
		ev.book_delta.bids = (struct levels){&l, 1};
	else
		ev.book_delta.asks = (struct levels){&l, 1};
	desk_feed(d, &ev);
}

/* 99.00 x 1, 98.00 x 2 | 100.00 x 1, 101.00 x 2, 103.00 x 5, all of it known. */
static inline void desk_book(struct desk *d)
{
	desk_instrument(d);
	desk_snapshot(d, (struct levels)LEVELS({9900, 1000}, {9800, 2000}),
		      (struct levels)LEVELS({10000, 1000}, {10100, 2000}, {10300, 5000}));
	desk_state(d, book_state_trusted);
	desk_clear(d);
}

/* It happens after what the book shows. */
static inline void desk_trade(struct desk *d, enum side aggressor, int64_t price, int64_t qty)
{
	struct event ev;
	d->now++;
	event_init(&ev, EVENT_trade);
	ev.trade.instrument = desk_symbol("ONE.TEST");
	ev.trade.price_scale = 2;
	ev.trade.qty_scale = 3;
	ev.trade.price = price;
	ev.trade.qty = qty;
	ev.trade.aggressor = (uint8_t)aggressor;
	desk_feed(d, &ev);
}

/* An intent with the next ordinal; its id is "o" and that. Price 0: market. */
static inline struct event desk_intent(struct desk *d, enum side side, enum tif tif, int64_t price,
				       int64_t qty)
{
	struct event ev;
	event_init(&ev, EVENT_intent);
	ev.epoch = 1;
	ev.intent.kind = intent_kind_order;
	event_set_name(ev.intent.account, "paper");
	event_set_name(ev.intent.strategy, "s");
	ev.intent.ordinal = ++d->ordinal;
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%llu",
		 (unsigned long long)d->ordinal);
	ev.intent.instrument = desk_symbol("ONE.TEST");
	ev.intent.side = (uint8_t)side;
	ev.intent.type = price ? order_type_limit : order_type_market;
	ev.intent.tif = (uint8_t)tif;
	ev.intent.price_scale = 2;
	ev.intent.qty_scale = 3;
	ev.intent.price = price;
	ev.intent.qty = qty;
	ev.intent.expires_at = d->now + 2 * S;
	return ev;
}

static inline void desk_order(struct desk *d, enum side side, enum tif tif, int64_t price,
			      int64_t qty)
{
	struct event ev = desk_intent(d, side, tif, price, qty);
	desk_clear(d);
	desk_feed(d, &ev);
}

static inline void desk_cancel(struct desk *d, uint64_t ordinal)
{
	struct event ev = desk_intent(d, side_buy, tif_gtc, 0, 1);
	ev.intent.kind = intent_kind_cancel;
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)ordinal);
	desk_clear(d);
	desk_feed(d, &ev);
}

static inline struct event desk_command_of(const char *owner, enum verb verb, const char *reason, int64_t until)
{
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = (uint8_t)verb;
	ev.command.role = role_operator;
	event_set_name(ev.command.owner, owner);
	event_set_text(ev.command.reason, reason);
	ev.command.until = until;
	return ev;
}

static inline void desk_command(struct desk *d, enum verb verb, const char *target,
				const char *reason, int64_t until)
{
	struct event ev = desk_command_of("ann", verb, reason, until);
	event_set_name(ev.command.target, target);
	desk_clear(d);
	desk_feed(d, &ev);
}

/* The i-th event of a kind since desk_clear, NULL where there are not so many. */
static inline const struct event *desk_said(const struct desk *d, uint16_t id, uint32_t i)
{
	for (uint32_t k = 0; k < d->n; k++)
		if (d->out[k].id == id && i-- == 0)
			return &d->out[k];
	return NULL;
}

static inline uint32_t desk_count(const struct desk *d, uint16_t id)
{
	uint32_t n = 0;
	while (desk_said(d, id, n))
		n++;
	return n;
}

static inline const struct event *desk_last(const struct desk *d, uint16_t id)
{
	uint32_t n = desk_count(d, id);
	return n ? desk_said(d, id, n - 1) : NULL;
}

/* The kinds of what was said, in order: "ofopbbe" (order, fill, position, balance, equity,
 * trading_state t, assumption a). */
static inline const char *desk_shape(const struct desk *d)
{
	static char shape[64];
	uint32_t n = 0;
	for (; n < d->n && n < sizeof(shape) - 1; n++)
		shape[n] = d->out[n].id == EVENT_order      ? 'o'
			   : d->out[n].id == EVENT_fill     ? 'f'
			   : d->out[n].id == EVENT_position ? 'p'
			   : d->out[n].id == EVENT_balance  ? 'b'
			   : d->out[n].id == EVENT_equity   ? 'e'
			   : d->out[n].id == EVENT_assumption ? 'a'
							    : 't';
	shape[n] = '\0';
	return shape;
}

static inline void desk_expect_order(const struct desk *d, enum order_status status,
				     enum reject reject, int64_t filled)
{
	const struct event *ev = desk_last(d, EVENT_order);
	assert_non_null(ev);
	assert_string_equal(enum_text(enum_reject(), ev->order.reject),
			    enum_text(enum_reject(), (uint8_t)reject));
	assert_string_equal(enum_text(enum_order_status(), ev->order.status),
			    enum_text(enum_order_status(), (uint8_t)status));
	assert_int_equal(ev->order.filled, filled);
}

static inline void desk_expect_fill(const struct desk *d, uint32_t i, int64_t price, int64_t qty,
				    int64_t fee)
{
	const struct event *ev = desk_said(d, EVENT_fill, i);
	assert_non_null(ev);
	assert_int_equal(ev->fill.price, price);
	assert_int_equal(ev->fill.qty, qty);
	assert_int_equal(ev->fill.fee, fee);
}

static inline void desk_expect_balance(const struct desk *d, const char *asset, int64_t total,
				       int64_t locked)
{
	const struct event *found = NULL;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->out[i].id == EVENT_balance && strcmp(d->out[i].balance.asset, asset) == 0)
			found = &d->out[i];
	assert_non_null(found);
	assert_int_equal(found->balance.total, total);
	assert_int_equal(found->balance.locked, locked);
}

#endif
