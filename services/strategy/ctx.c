/* ctx - what a strategy may ask and want, answered from its seat; wishes become intents. */
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
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

static int refusal(struct strategy_ctx *ctx, const struct strategy_wish *w)
{
	struct strategy_core_counters *n = &ctx->core->counters;
	int rc = 0;
	if (!ctx->view->known)
		rc = ERR_NOT_FOUND;
	else if (w->qty <= 0 || (w->type == order_type_limit ? w->price <= 0 : w->price != 0))
		rc = ERR_ARG;
	else if (!strategy_trusted(ctx))
		rc = ERR_STALE;
	else if (ctx->n_open == STRATEGY_ORDERS_MAX)
		rc = ERR_FULL;
	if (rc == ERR_STALE)
		n->refused_stale++;
	else if (rc != 0)
		n->refused_other++;
	return rc;
}

int strategy_order(struct strategy_ctx *ctx, const struct strategy_wish *w, uint64_t *ret_ordinal)
{
	int rc = refusal(ctx, w);
	if (rc != 0)
		return rc;
	struct event ev = intent_of(ctx, intent_kind_order, ctx->ordinal + 1);
	ev.intent.side = (uint8_t)w->side;
	ev.intent.type = (uint8_t)w->type;
	ev.intent.tif = (uint8_t)w->tif;
	ev.intent.price = w->price;
	ev.intent.qty = w->qty;
	ev.intent.expires_at = ev.ts_recv + ctx->core->settings.intent_expiry_ns;
	event_set_text(ev.intent.reason, w->reason ? w->reason : "");
	ctx->open[ctx->n_open++] = (struct strategy_open){
		.ordinal = ctx->ordinal,
		.price = w->price,
		.qty = w->qty,
		.asked_at = ctx->now,
		.side = (uint8_t)w->side,
		.type = (uint8_t)w->type,
		.tif = (uint8_t)w->tif,
	};
	ctx->core->counters.orders++;
	if (ret_ordinal)
		*ret_ordinal = ctx->ordinal;
	sink_emit(ctx->out, &ev);
	return 0;
}

int strategy_cancel(struct strategy_ctx *ctx, uint64_t ordinal, const char *reason)
{
	uint32_t i = 0;
	while (i < ctx->n_open && ctx->open[i].ordinal != ordinal)
		i++;
	if (i == ctx->n_open)
		return ERR_NOT_FOUND;
	if (ctx->open[i].cancelling)
		return ERR_EXISTS;
	ctx->open[i].cancelling = true;
	struct event ev = intent_of(ctx, intent_kind_cancel, ordinal);
	ev.intent.side = ctx->open[i].side;
	ev.intent.type = ctx->open[i].type;
	ev.intent.tif = ctx->open[i].tif;
	ev.intent.price = ctx->open[i].price;
	ev.intent.qty = ctx->open[i].qty;
	event_set_text(ev.intent.reason, reason ? reason : "");
	ctx->core->counters.cancels++;
	sink_emit(ctx->out, &ev);
	return 0;
}
