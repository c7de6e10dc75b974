/* ema_cross - long while a fast moving average of closes is above a slow one, flat otherwise.
 *
 *            fast crosses above slow: entry               fast crosses below slow: exit
 *      FLAT ------------------------> LONG (maybe partly) ------------------------> FLAT
 *
 * One order at a time. An entry is tried once a cross; a limit entry that rests is cancelled after
 * cancel_after candles or at the cross back. An exit sells at market what was bought, and is tried
 * again with each candle, up to EXIT_TRIES times a cross (what a venue's filters call dust stays
 * until the next one).
 */
#include <string.h>

#include "services/strategy/strategy.h"

#define EXIT_TRIES 5
#define AHEAD_MAX INT64_C(60000000000) /* ns a candle may begin after now: clocks differ */

enum entry { ENTRY_MARKET, ENTRY_LIMIT, ENTRY_ALTERNATE };

struct params {
	int64_t fast, slow, warmup;
	int64_t qty;
	int64_t entry, tif, offset, cancel_after;
	char interval[EVENT_NAME_MAX];
};

struct state {
	struct ema fast, slow;
	int64_t candles;  /* seen */
	int64_t open_at;  /* of the last one */
	int64_t entries;  /* orders to buy, ever */
	int64_t entry_at; /* candle of the last one */
	int64_t tries;    /* exits tried since the last cross */
	bool above;       /* fast is above slow */
};

#define ROW(field, kind, value, min, max, choices, unit, doc) \
	{#field, kind, value, min, max, choices, unit, doc, offsetof(struct params, field)}

static const struct strategy_param params[] = {
	ROW(interval, PARAM_NAME, "1m", 0, 0, NULL, "", "Candles it looks at."),
	ROW(fast, PARAM_COUNT, "9", 1, INDICATOR_PERIOD_MAX, NULL, "candles",
	    "Period of the fast average."),
	ROW(slow, PARAM_COUNT, "21", 2, INDICATOR_PERIOD_MAX, NULL, "candles",
	    "Period of the slow one."),
	ROW(warmup, PARAM_COUNT, "0", 0, 100000, NULL, "candles",
	    "Before its first order; 0: slow."),
	ROW(qty, PARAM_QTY, "0.01", 1, INT64_MAX, NULL, "base", "Quantity of a full position."),
	ROW(entry, PARAM_CHOICE, "market", 0, 0, "market limit alternate", "",
	    "How it buys; alternate: market, limit, market …"),
	ROW(tif, PARAM_CHOICE, "gtc", 0, 0, "gtc ioc", "", "Time in force of limit entries."),
	ROW(offset, PARAM_COUNT, "0", -100000, 100000, NULL, "ticks",
	    "Limit price above (below: negative) the close."),
	ROW(cancel_after, PARAM_COUNT, "3", 1, 100000, NULL, "candles",
	    "Age at which a resting entry is cancelled."),
};

static const char *check(const void *at)
{
	const struct params *p = at;
	return p->fast < p->slow ? NULL : "fast must be smaller than slow";
}

static void learn(struct state *s, const struct params *p, int64_t close)
{
	int64_t value;
	if (s->candles == 0) {
		ema_init(&s->fast, (uint32_t)p->fast);
		ema_init(&s->slow, (uint32_t)p->slow);
	}
	ema_add(&s->fast, close, &value);
	ema_add(&s->slow, close, &value);
	s->candles++;
}

/* The close in whole ticks and the offset; 0, which no order may have, where that is no price. */
static int64_t limit_price(const struct strategy_ctx *ctx, const struct params *p, int64_t close)
{
	int64_t tick = strategy_tick(ctx, close);
	fixed_wide price = (fixed_wide)strategy_price(ctx, close) + (fixed_wide)p->offset * (tick > 0 ? tick : 1);
	return price > 0 && price <= INT64_MAX ? strategy_price(ctx, (int64_t)price) : 0;
}

static void enter(struct state *s, struct strategy_ctx *ctx, int64_t close)
{
	const struct params *p = strategy_params(ctx);
	int64_t held = strategy_position(ctx);
	struct strategy_wish wish = {
		.side = side_buy,
		.type = order_type_market,
		.tif = tif_ioc,
		.qty = strategy_qty(ctx, p->qty) - (held > 0 ? held : 0),
		.reason = "fast crossed above slow",
	};
	if (p->entry == ENTRY_LIMIT || (p->entry == ENTRY_ALTERNATE && s->entries % 2 != 0)) {
		wish.type = order_type_limit;
		wish.tif = p->tif == 0 ? tif_gtc : tif_ioc;
		wish.price = limit_price(ctx, p, close);
	}
	if (wish.qty <= 0 || strategy_order(ctx, &wish, NULL) != 0)
		return;
	s->entries++;
	s->entry_at = s->candles;
}

/* What it holds, in whole lots: a trade may have filled us with an odd quantity. Nothing while the instrument is
 * unknown: after a start a fill may be heard before the market is. */
static int64_t sellable(const struct strategy_ctx *ctx)
{
	const struct ev_instrument *d = strategy_instrument(ctx);
	int64_t held = strategy_position(ctx);
	if (!d)
		return 0;
	return d->lot_size > 1 ? held - held % d->lot_size : held;
}

static void leave(struct state *s, struct strategy_ctx *ctx)
{
	struct strategy_wish wish = {
		.side = side_sell,
		.type = order_type_market,
		.tif = tif_ioc,
		.qty = sellable(ctx),
		.reason = "fast crossed below slow",
	};
	if (wish.qty > 0 && s->tries < EXIT_TRIES && strategy_order(ctx, &wish, NULL) == 0)
		s->tries++;
}

/* An order is out: the only question is whether a resting entry has become pointless. */
static void reconsider(const struct state *s, struct strategy_ctx *ctx)
{
	const struct params *p = strategy_params(ctx);
	const struct strategy_open *o = strategy_open_order(ctx, 0);
	if (o->side != side_buy || o->type != order_type_limit || o->cancelling)
		return;
	if (!s->above)
		strategy_cancel(ctx, o->ordinal, "fast crossed back below slow");
	else if (s->candles - s->entry_at >= p->cancel_after)
		strategy_cancel(ctx, o->ordinal, "not filled in time");
}

static void on_candle(struct state *s, struct strategy_ctx *ctx, const struct ev_candle *c)
{
	const struct params *p = strategy_params(ctx);
	bool newer = s->candles == 0 || c->open_at > s->open_at;
	bool possible = c->close > 0 && c->open_at <= strategy_now(ctx) + AHEAD_MAX;
	bool ours = strcmp(c->interval, p->interval) == 0 && strategy_instrument(ctx);
	if (!ours || !newer || !possible)
		return;
	learn(s, p, c->close);
	s->open_at = c->open_at;
	bool above = s->fast.value > s->slow.value;
	bool crossed = above != s->above;
	s->above = above;
	if (crossed)
		s->tries = 0;
	if (strategy_open_orders(ctx) > 0)
		reconsider(s, ctx);
	else if (!above)
		leave(s, ctx);
	else if (crossed && c->complete && s->candles > (p->warmup > 0 ? p->warmup : p->slow))
		enter(s, ctx, c->close);
}

static void on_event(void *state, struct strategy_ctx *ctx, const struct event *ev)
{
	struct state *s = state;
	if (ev->id == EVENT_candle)
		on_candle(s, ctx, &ev->candle);
	else if (ev->id == EVENT_order && !s->above && strategy_open_orders(ctx) == 0)
		leave(s, ctx);
}

const struct strategy strategy_ema_cross = {
	.name = "ema_cross",
	.doc = "Long while a fast moving average of closes is above a slow one.",
	.params = params,
	.n_params = sizeof(params) / sizeof(params[0]),
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.version = 1,
	.check = check,
	.on_event = on_event,
};
