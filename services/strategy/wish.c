/* wish - what an external program asks of its seat, as an input of the core: it becomes an intent, or a refusal.
 *
 * The program stands outside; its wishes reach the core as events, journalled by the shell when they take effect
 * (external.c), so that a restart repeats them. From here on a wish is treated like one of a hosted strategy's: the
 * same checks, the same ordinals and ids, the same expiry.
 */
#include <string.h>

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

static int order(struct strategy_ctx *seat, const struct ev_wish *w, uint64_t *ret_ordinal)
{
	const struct ev_instrument *d = strategy_instrument(seat);
	struct strategy_wish wish = {.side = w->side, .type = w->type, .tif = w->tif, .reason = w->reason};
	bool known = (w->side == side_buy || w->side == side_sell) && w->type >= order_type_market &&
		     w->type <= order_type_limit && w->tif >= tif_gtc && w->tif <= tif_fok;
	if (!d)
		return ERR_NOT_FOUND;
	if (!known || w->price_scale > FIXED_SCALE_MAX || w->qty_scale > FIXED_SCALE_MAX)
		return ERR_ARG;
	if (stale(seat, w))
		return ERR_STALE;
	int rc = fixed_rescale(w->price, w->price_scale, d->price_scale, &wish.price);
	if (rc == 0)
		rc = fixed_rescale(w->qty, w->qty_scale, d->qty_scale, &wish.qty);
	return rc != 0 ? rc : strategy_order(seat, &wish, ret_ordinal);
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
	default:
		return ERR_ARG;
	}
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
	seat->outcome = (struct strategy_outcome){.result = rc, .ordinal = ordinal};
	if (ordinal != 0)
		seat_client_id(seat, ordinal, seat->outcome.client_order_id);
	return rc;
}
