/* ctx - what a strategy may ask and want, answered from its seat; wishes become intents. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "proto/grid.h"
#include "services/strategy/host.h"

int64_t strategy_now(const struct strategy_ctx *ctx)
{
	return ctx->now;
}

const void *strategy_params(const struct strategy_ctx *ctx)
{
	return ctx->params;
}

const struct ev_instrument *strategy_instrument(const struct strategy_ctx *ctx)
{
	return ctx->view->known ? &ctx->view->def : NULL;
}

bool strategy_trusted(const struct strategy_ctx *ctx)
{
	return view_trusted(ctx->view, ctx->now, ctx->core->settings.stale_ns);
}

bool strategy_level(const struct strategy_ctx *ctx, enum side side, uint32_t i,
		    struct level *ret_level)
{
	const struct view *v = ctx->view;
	if (!v->wants_book || !v->has_book || i >= book_depth(&v->book, side))
		return false;
	const struct level *l = book_level(&v->book, side, i);
	if (!book_known(&v->book, side, l->price))
		return false;
	*ret_level = *l;
	return true;
}

/* Towards zero: a strategy must not believe that it holds more than it does. */
static int64_t to_instrument(const struct strategy_ctx *ctx, int64_t qty)
{
	const struct view *v = ctx->view;
	if (!v->known || v->def.qty_scale > STRATEGY_QTY_SCALE)
		return 0;
	return qty / fixed_pow10(STRATEGY_QTY_SCALE - v->def.qty_scale);
}

int64_t strategy_position(const struct strategy_ctx *ctx)
{
	return to_instrument(ctx, ctx->position);
}

int64_t strategy_qty(const struct strategy_ctx *ctx, int64_t qty)
{
	int64_t lot = ctx->view->def.lot_size, v = to_instrument(ctx, qty);
	return lot > 1 ? v - v % lot : v;
}

int64_t strategy_price(const struct strategy_ctx *ctx, int64_t price)
{
	return ctx->view->known ? grid_floor(&ctx->view->def, price) : 0;
}

int64_t strategy_tick(const struct strategy_ctx *ctx, int64_t price)
{
	return ctx->view->known ? grid_tick(&ctx->view->def, price) : 0;
}

uint32_t strategy_open_orders(const struct strategy_ctx *ctx)
{
	return ctx->n_open;
}

const struct strategy_open *strategy_open_order(const struct strategy_ctx *ctx, uint32_t i)
{
	must(i < ctx->n_open);
	return &ctx->open[i];
}

/* The part that orders and cancels have in common. */
static struct event intent_of(struct strategy_ctx *ctx, enum intent_kind kind, uint64_t of)
{
	const struct strategy_core *c = ctx->core;
	struct event ev;
	event_init(&ev, EVENT_intent);
	ev.origin = c->origin;
	ev.ts_event = ctx->now;
	ev.ts_recv = ctx->now + c->settings.order_latency_ns;
	ev.intent.kind = (uint8_t)kind;
	event_set_name(ev.intent.account, ctx->account);
	event_set_name(ev.intent.strategy, ctx->name);
	ev.intent.ordinal = ++ctx->ordinal;
	seat_client_id(ctx, of, ev.intent.client_order_id);
	ev.intent.instrument = ctx->view->symbol;
	ev.intent.price_scale = ctx->view->def.price_scale;
	ev.intent.qty_scale = ctx->view->def.qty_scale;
	event_set_name(ev.intent.cause_source, ctx->cause->source);
	ev.intent.cause_at = ctx->cause->ts_recv;
	if (ctx->wish)
		event_set_name(ev.intent.wish, ctx->wish);
	return ev;
}

static bool negative(const struct strategy_wish *w)
{
	return w->price < 0 || w->qty < 0 || w->amount < 0 || w->trigger < 0 || w->trail < 0 || w->target < 0 ||
	       w->stop < 0 || w->stop_limit < 0 || w->good_until < 0;
}

static uint32_t orders_of(const struct strategy_wish *w)
{
	return 1U + (w->target > 0) + (w->stop > 0);
}

const char *seat_nonsense(const struct strategy_wish *w)
{
	if (negative(w))
		return "a quantity, price or date is below 0";
	if (w->qty == 0 && w->amount == 0)
		return "it needs a qty above 0, or the amount of a purchase at market";
	if (w->qty > 0 && w->amount > 0)
		return "qty or amount, not both";
	if (w->type == order_type_market && w->price > 0)
		return "an order at market has no price";
	if (w->type == order_type_limit && w->price == 0)
		return "a limit order needs a price above 0";
	return NULL;
}

static int refusal(struct strategy_ctx *ctx, const struct strategy_wish *w)
{
	struct strategy_core_counters *n = &ctx->core->counters;
	int rc = 0;
	if (!ctx->view->known)
		rc = ERR_NOT_FOUND;
	else if (seat_nonsense(w))
		rc = ERR_ARG;
	else if (!strategy_trusted(ctx))
		rc = ERR_STALE;
	else if (orders_of(w) > STRATEGY_ORDERS_MAX - ctx->n_open)
		rc = ERR_FULL;
	if (rc == ERR_STALE)
		n->refused_stale++;
	else if (rc != 0)
		n->refused_other++;
	return rc;
}

static void put_terms(struct ev_intent *in, const struct strategy_wish *w)
{
	in->side = (uint8_t)w->side;
	in->type = (uint8_t)w->type;
	in->tif = (uint8_t)w->tif;
	if (w->tif == tif_none)
		in->tif = w->type == order_type_market ? tif_ioc : w->good_until != 0 ? tif_gtd : tif_gtc;
	in->price = w->price;
	in->qty = w->qty;
	event_set_name(in->user_id, w->user_id ? w->user_id : "");
	in->post_only = w->post_only;
	in->reduce_only = w->reduce_only;
	in->good_until = w->good_until;
	in->cash_scale = w->amount != 0 ? STRATEGY_QTY_SCALE : 0;
	in->amount = w->amount;
	in->trigger_price = w->trigger;
	in->trigger_by = (uint8_t)w->trigger_by;
	in->trail = w->trail;
	in->trail_bp = w->trail_bp;
	in->link = (uint8_t)w->link;
	in->target_price = w->target;
	in->stop_price = w->stop;
	in->stop_limit = w->stop_limit;
	event_set_text(in->reason, w->reason ? w->reason : "");
}

int strategy_order(struct strategy_ctx *ctx, const struct strategy_wish *w, uint64_t *ret_ordinal)
{
	int rc = refusal(ctx, w);
	if (rc != 0)
		return rc;
	struct event ev = intent_of(ctx, intent_kind_order, ctx->ordinal + 1);
	uint64_t ordinal = ctx->ordinal;
	put_terms(&ev.intent, w);
	ev.intent.expires_at = ev.ts_recv + ctx->core->settings.intent_expiry_ns;
	if (w->target > 0)
		seat_client_id(ctx, ordinal + 1, ev.intent.target_id);
	if (w->stop > 0)
		seat_client_id(ctx, ordinal + orders_of(w) - 1, ev.intent.stop_id);
	seat_open(ctx, &ev);
	ctx->core->counters.orders++;
	if (ret_ordinal)
		*ret_ordinal = ordinal;
	sink_emit(ctx->out, &ev);
	return 0;
}

static struct strategy_open *find_open(struct strategy_ctx *ctx, uint64_t ordinal)
{
	for (uint32_t i = 0; i < ctx->n_open; i++)
		if (ctx->open[i].ordinal == ordinal)
			return &ctx->open[i];
	return NULL;
}

int strategy_cancel_all(struct strategy_ctx *ctx, enum cancel_scope scope, const char *reason)
{
	struct event ev = intent_of(ctx, intent_kind_cancel_all, 0);
	memset(ev.intent.client_order_id, 0, sizeof(ev.intent.client_order_id));
	ev.intent.scope = (uint8_t)scope;
	event_set_text(ev.intent.reason, reason ? reason : "");
	for (uint32_t i = 0; i < ctx->n_open; i++)
		ctx->open[i].cancelling = true;
	ctx->core->counters.cancels++;
	sink_emit(ctx->out, &ev);
	return 0;
}

int strategy_replace(struct strategy_ctx *ctx, uint64_t ordinal, const struct strategy_change *to)
{
	const struct strategy_open *o = find_open(ctx, ordinal);
	if (!o)
		return ERR_NOT_FOUND;
	if (to->price < 0 || to->qty < 0 || to->trigger < 0 || (to->price == 0 && to->qty == 0 && to->trigger == 0))
		return ERR_ARG;
	if (!strategy_trusted(ctx))
		return ERR_STALE;
	struct event ev = intent_of(ctx, intent_kind_replace, ordinal);
	ev.intent.side = o->side;
	ev.intent.type = o->type;
	ev.intent.tif = o->tif;
	ev.intent.price = to->price;
	ev.intent.qty = to->qty;
	ev.intent.trigger_price = to->trigger;
	ev.intent.expires_at = ev.ts_recv + ctx->core->settings.intent_expiry_ns;
	event_set_text(ev.intent.reason, to->reason ? to->reason : "");
	sink_emit(ctx->out, &ev);
	return 0;
}

int strategy_cancel(struct strategy_ctx *ctx, uint64_t ordinal, const char *reason)
{
	struct strategy_open *o = find_open(ctx, ordinal);
	if (!o)
		return ERR_NOT_FOUND;
	if (o->cancelling)
		return ERR_EXISTS;
	o->cancelling = true;
	struct event ev = intent_of(ctx, intent_kind_cancel, ordinal);
	ev.intent.side = o->side;
	ev.intent.type = o->type;
	ev.intent.tif = o->tif;
	ev.intent.price = o->price;
	ev.intent.qty = o->qty;
	event_set_text(ev.intent.reason, reason ? reason : "");
	ctx->core->counters.cancels++;
	sink_emit(ctx->out, &ev);
	return 0;
}
