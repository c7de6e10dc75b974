/* room - see room.h. */
#include "services/executor/room.h"

#include <string.h>

#include "services/executor/terms.h"

struct room {
	uint32_t orders, triggers;
};

/* What it needs itself: an oco is two orders, of which one waits for its trigger. */
static struct room needed(const struct order *o)
{
	struct room r = {.triggers = terms_conditional(o->type)};
	r.orders = r.triggers > 0 || order_may_rest(o);
	r.orders += o->link == order_link_oco;
	r.triggers += o->link == order_link_oco;
	return r;
}

static bool is_there(const struct executor *x, const struct order *o)
{
	return x->settings.remote ? o->stage == stage_remote : o->stage != stage_held;
}

static struct room taken(const struct executor *x, const struct market *m)
{
	struct room r = {0};
	for (uint32_t i = 0; i < x->orders.n; i++) {
		const struct order *o = &x->orders.at[i];
		if (o->market != m || !is_there(x, o))
			continue;
		r.orders++;
		r.triggers += o->stage == stage_trigger;
	}
	return r;
}

enum reject room_for_orders(const struct executor *x, const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	struct room more = needed(o);
	if (more.orders == 0 || (d->orders_max == 0 && d->triggers_max == 0))
		return reject_none;
	struct room r = taken(x, o->market);
	if (d->orders_max != 0 && r.orders + more.orders > d->orders_max)
		return reject_limit_orders;
	bool waits = more.triggers > 0 && !x->settings.remote;
	return waits && d->triggers_max != 0 && r.triggers + more.triggers > d->triggers_max ? reject_limit_triggers
											       : reject_none;
}

/* Of two orders that share a quantity one counts. */
static bool adds(const struct executor *x, const struct order *o, const struct order *to)
{
	bool shared = o->link == order_link_oco && o->leg == order_leg_stop;
	return o->side == side_buy && is_there(x, o) && !shared &&
	       strcmp(o->market->def.base, to->market->def.base) == 0 &&
	       strcmp(o->client_order_id, to->client_order_id) != 0;
}

enum reject room_for_position(const struct executor *x, const struct order *o)
{
	const struct market *m = o->market;
	if (o->side != side_buy || m->def.position_max == 0)
		return reject_none;
	const struct asset *base = account_find(&x->account, m->def.base);
	int64_t sum = exposure_add(base ? base->total : 0, exposure_base(m, order_rest(o)));
	for (uint32_t i = 0; i < x->orders.n; i++) {
		const struct order *other = &x->orders.at[i];
		if (adds(x, other, o))
			sum = exposure_add(sum, exposure_base(other->market, order_rest(other)));
	}
	return sum > exposure_base(m, m->def.position_max) ? reject_max_position : reject_none;
}
