/* wish - what an external program asks of its seat, as an input of the core: it becomes an intent, or a refusal.
 *
 * The program stands outside; its wishes reach the core as events, journalled by the shell when they take effect
 * (external.c), so that a restart repeats them. From here on a wish is treated like one of a hosted strategy's: the
 * same checks, the same ordinals and ids, the same expiry.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/strategy/host.h"

/* Whoever decides on something that is older than an intent may become decides on what no longer is. */
static bool stale(const struct strategy_ctx *seat, const struct ev_wish *w)
{
	int64_t age;
	if (__builtin_sub_overflow(seat->now, w->cause_at, &age))
		return true;
	return age > seat->core->settings.intent_expiry_ns;
}

static bool scaled(const struct ev_wish *w)
{
	return w->price_scale <= FIXED_SCALE_MAX && w->qty_scale <= FIXED_SCALE_MAX && w->cash_scale <= FIXED_SCALE_MAX;
}

/* Everything that has no scale. */
static struct strategy_wish terms_of(const struct ev_wish *w)
{
	return (struct strategy_wish){
		.side = w->side,
		.type = w->type,
		.tif = w->tif,
		.reason = w->reason,
		.user_id = w->user_id,
		.post_only = w->post_only,
		.reduce_only = w->reduce_only,
		.good_until = w->good_until,
		.trigger_by = w->trigger_by,
		.trail_bp = w->trail_bp,
		.link = w->link,
	};
}

static int take_prices(const struct ev_wish *w, const struct ev_instrument *d, struct strategy_wish *to)
{
	const struct {
		int64_t from, *to;
	} prices[] = {
		{w->price, &to->price},	       {w->trigger_price, &to->trigger}, {w->trail, &to->trail},
		{w->target_price, &to->target}, {w->stop_price, &to->stop},	  {w->stop_limit, &to->stop_limit},
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(prices); i++)
		rc = fixed_rescale(prices[i].from, w->price_scale, d->price_scale, prices[i].to);
	return rc;
}

static bool known(const struct ev_wish *w)
{
	return (w->side == side_buy || w->side == side_sell) && w->type >= order_type_market &&
	       w->type <= order_type_trailing_stop && w->tif >= tif_gtc && w->tif <= tif_gtd &&
	       w->trigger_by <= trigger_by_mark && w->link <= order_link_bracket;
}

static int terms(const struct ev_wish *w, const struct ev_instrument *d, struct strategy_wish *ret_wish)
{
	*ret_wish = terms_of(w);
	int rc = fixed_rescale(w->qty, w->qty_scale, d->qty_scale, &ret_wish->qty);
	if (rc == 0)
		rc = fixed_rescale(w->amount, w->cash_scale, STRATEGY_QTY_SCALE, &ret_wish->amount);
	return rc != 0 ? rc : take_prices(w, d, ret_wish);
}

static int order(struct strategy_ctx *seat, const struct ev_wish *w, uint64_t *ret_ordinal)
{
	const struct ev_instrument *d = strategy_instrument(seat);
	struct strategy_wish wish;
	if (!d)
		return ERR_NOT_FOUND;
	if (!known(w) || !scaled(w))
		return ERR_ARG;
	if (stale(seat, w))
		return ERR_STALE;
	int rc = terms(w, d, &wish);
	return rc != 0 ? rc : strategy_order(seat, &wish, ret_ordinal);
}

static int replace(struct strategy_ctx *seat, const struct ev_wish *w)
{
	const struct ev_instrument *d = strategy_instrument(seat);
	struct strategy_change to = {.reason = w->reason};
	if (!d)
		return ERR_NOT_FOUND;
	if (!scaled(w))
		return ERR_ARG;
	if (stale(seat, w))
		return ERR_STALE;
	int rc = fixed_rescale(w->price, w->price_scale, d->price_scale, &to.price);
	if (rc == 0)
		rc = fixed_rescale(w->trigger_price, w->price_scale, d->price_scale, &to.trigger);
	if (rc == 0)
		rc = fixed_rescale(w->qty, w->qty_scale, d->qty_scale, &to.qty);
	return rc != 0 ? rc : strategy_replace(seat, w->ordinal, &to);
}

static int vacate(struct strategy_ctx *seat, const struct ev_wish *w)
{
	for (uint32_t i = 0; i < seat->n_open; i++)
		if (!seat->open[i].cancelling)
			strategy_cancel(seat, seat->open[i].ordinal, w->reason);
	return 0;
}

static int obey(struct strategy_ctx *seat, const struct ev_wish *w, uint64_t *ret_ordinal)
{
	int rc;
	switch (w->kind) {
	case wish_kind_order:
		return order(seat, w, ret_ordinal);
	case wish_kind_cancel:
		rc = strategy_cancel(seat, w->ordinal, w->reason);
		if (rc == 0)
			*ret_ordinal = w->ordinal;
		return rc;
	case wish_kind_vacate:
		return vacate(seat, w);
	case wish_kind_replace:
		rc = replace(seat, w);
		if (rc == 0)
			*ret_ordinal = w->ordinal;
		return rc;
	case wish_kind_cancel_all:
		return w->scope <= cancel_scope_account ? strategy_cancel_all(seat, w->scope, w->reason) : ERR_ARG;
	default:
		return ERR_ARG;
	}
}

/* ---- a refusal, in words for who wrote the program ---- */

static const char *why_no_order(struct strategy_ctx *seat, const struct ev_wish *w, int rc)
{
	const struct ev_instrument *d = strategy_instrument(seat);
	struct strategy_wish wish;
	const char *nonsense = NULL;
	if (rc == ERR_NOT_FOUND)
		return "the seat's instrument is not known yet: no collector has told of it";
	if (rc == ERR_FULL)
		return "the seat has as many open orders as it may";
	if (rc != ERR_ARG)
		return "a price or quantity has more decimals than the instrument, or is too large";
	if (known(w) && scaled(w) && d && terms(w, d, &wish) == 0)
		nonsense = seat_nonsense(&wish);
	return nonsense ? nonsense : "no such side, type, tif, trigger_by or link, or a scale above 18: see nj schema";
}

static const char *why_no_change(const struct ev_wish *w, int rc)
{
	if (rc == ERR_NOT_FOUND)
		return "the seat has no open order with this ordinal";
	if (rc == ERR_EXISTS)
		return "it is being cancelled already";
	if (rc == ERR_ARG && w->kind == wish_kind_replace)
		return "say what changes: a price, qty or trigger_price above 0";
	return rc == ERR_ARG ? "no such kind or scope: see nj schema"
			     : "a price or quantity has more decimals than the instrument, or is too large";
}

static const char *why(struct strategy_ctx *seat, const struct ev_wish *w, int rc)
{
	if (rc == 0)
		return NULL;
	if (rc == ERR_STALE)
		return "no trusted, fresh book, or a cause that is too old";
	return w->kind == wish_kind_order ? why_no_order(seat, w, rc) : why_no_change(w, rc);
}

int wish_on_event(struct strategy_ctx *seat, int64_t now, const struct ev_wish *w, const struct sink *out)
{
	struct event cause = {.ts_recv = w->cause_at};
	uint64_t ordinal = 0;
	memcpy(cause.source, w->cause_source, sizeof(cause.source) - 1);
	seat->now = now;
	seat->cause = &cause;
	seat->out = out;
	seat->wish = w->nonce;
	int rc = obey(seat, w, &ordinal);
	seat->cause = NULL;
	seat->out = NULL;
	seat->wish = NULL;
	seat->outcome = (struct strategy_outcome){.why = why(seat, w, rc), .result = rc, .ordinal = ordinal};
	if (ordinal != 0)
		seat_client_id(seat, ordinal, seat->outcome.client_order_id);
	return rc;
}
