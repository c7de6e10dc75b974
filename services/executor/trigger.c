/* trigger - see trigger.h. */
#include "services/executor/trigger.h"

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/checks.h"
#include "services/executor/link.h"
#include "services/executor/perpetual.h"
#include "services/executor/room.h"
#include "services/executor/terms.h"

/* Prices here are doubled, so that a mid between two ticks is exact. */

static int64_t price_now(const struct order *o)
{
	const struct market *m = o->market;
	if (o->trigger_by == trigger_by_mark)
		return mark_twice(m);
	return o->trigger_by == trigger_by_mid ? market_twice_mid(m) : 2 * m->last;
}

/* Up to the trigger, or down to it? */
static bool rises_to(const struct order *o)
{
	bool stop = terms_is_stop(o->type) && o->type != order_type_trailing_stop;
	return (o->side == side_buy) == stop;
}

static bool at_trigger(const struct order *o, int64_t twice)
{
	return rises_to(o) ? twice >= 2 * o->trigger : twice <= 2 * o->trigger;
}

/* Has the price turned back far enough from the best? */
static bool turned(const struct order *o, int64_t twice)
{
	bool sell = o->side == side_sell;
	fixed_wide here = (fixed_wide)twice * 10000, best = (fixed_wide)o->best * 10000;
	fixed_wide back = o->trail_bp != 0 ? (fixed_wide)o->best * o->trail_bp : (fixed_wide)o->trail * 20000;
	return sell ? here <= best - back : here >= best + back;
}

/* A trailing stop sees a price. Returns whether it fires. */
static bool follow(const struct step *s, struct order *o, int64_t twice)
{
	if (o->best == 0) {
		if (o->trigger != 0 && !at_trigger(o, twice))
			return false;
		o->best = twice;
		if (o->trigger != 0) {
			o->trigger = 0; /* from here on it follows: on record, so that a restart knows */
			report_order(s, o, reject_none, "");
		}
		return false;
	}
	bool better = o->side == side_sell ? twice > o->best : twice < o->best;
	if (better)
		o->best = twice;
	return !better && turned(o, twice);
}

static bool fires(const struct step *s, struct order *o, int64_t twice)
{
	return o->type == order_type_trailing_stop ? follow(s, o, twice) : at_trigger(o, twice);
}

bool trigger_reached(const struct order *o)
{
	int64_t twice = price_now(o);
	return o->type != order_type_trailing_stop && twice != 0 && at_trigger(o, twice);
}

static void fire(const struct step *s, struct order *o)
{
	o->status = order_status_triggered;
	report_order(s, o, reject_none, "");
	link_fired(s, o);
	taker_go_on(s, o);
	link_settle(s);
}

int trigger_reserve(struct executor *x, const struct order *o, int64_t *ret_amount)
{
	bool shared = o->leg == order_leg_stop && link_other(x, o) != NULL;
	if (shared || (!order_limited(o) && (o->side == side_buy || market_margined(o->market)))) {
		*ret_amount = 0;
		return 0;
	}
	return fills_reserve(o, order_rest(o), ret_amount);
}

static int lock(const struct step *s, struct order *o)
{
	int64_t amount;
	perpetual_claim(s->x, o);
	int rc = trigger_reserve(s->x, o, &amount);
	if (rc == 0)
		rc = fills_lock(s, o, amount);
	if (rc == 0)
		o->locked = amount;
	return rc;
}

int64_t trigger_likely_price(const struct order *o)
{
	if (o->price != 0)
		return o->price;
	return o->trigger != 0 ? o->trigger : price_now(o) / 2;
}

static void rest(const struct step *s, struct order *o)
{
	o->status = order_status_waiting;
	o->stage = stage_trigger;
	if (o->type == order_type_trailing_stop && o->trigger == 0)
		o->best = price_now(o);
	report_order(s, o, reject_none, "");
	report_balance(s, fills_locked_asset(s->x, o));
	must(orders_insert(&s->x->orders, o) == 0);
}

enum reject trigger_place(const struct step *s, struct order *o)
{
	struct executor *x = s->x;
	enum reject reject = market_usable(o->market, s->now, x->settings.stale_ns);
	if (reject == reject_none && trigger_reached(o))
		reject = reject_would_trigger;
	if (reject == reject_none)
		reject = checks_trail(o, trigger_likely_price(o));
	if (reject == reject_none)
		reject = room_for_position(x, o);
	if (reject == reject_none)
		reject = risk_check(s, o, trigger_likely_price(o));
	if (reject == reject_none && x->orders.n == x->orders.max)
		reject = reject_limit_orders;
	if (reject == reject_none && lock(s, o) != 0)
		reject = reject_balance;
	if (reject != reject_none)
		return reject;
	x->counters.orders++;
	risk_on_order(x, s->now, o);
	rest(s, o);
	return reject_none;
}

void trigger_wait(const struct step *s, struct order *o)
{
	if (trigger_reached(o)) {
		fire(s, o);
		return;
	}
	/* Where the money is not there now, it may be when it fires. */
	if (lock(s, o) != 0)
		o->locked = 0;
	rest(s, o);
}

static enum trigger_by kind_of(const struct order *o)
{
	return o->trigger_by == trigger_by_none ? trigger_by_last : (enum trigger_by)o->trigger_by;
}

/* The oldest first; each one that fires moves the others. */
static bool fire_one(const struct step *s, struct market *m, enum trigger_by by, int64_t twice)
{
	struct orders *os = &s->x->orders;
	for (uint32_t i = 0; i < os->n; i++) {
		struct order *o = &os->at[i];
		if (o->market != m || o->stage != stage_trigger || kind_of(o) != by || !fires(s, o, twice))
			continue;
		struct order fired = *o;
		orders_remove(os, i);
		fire(s, &fired);
		return true;
	}
	return false;
}

void trigger_on_trade(const struct step *s, struct market *m, int64_t price)
{
	while (m->waiting > 0 && fire_one(s, m, trigger_by_last, 2 * price))
		;
}

void trigger_on_book(const struct step *s, struct market *m)
{
	if (m->waiting == 0 || market_usable(m, s->now, s->x->settings.stale_ns) != reject_none)
		return;
	int64_t twice = market_twice_mid(m);
	while (twice != 0 && m->waiting > 0 && fire_one(s, m, trigger_by_mid, twice))
		;
}

void trigger_on_mark(const struct step *s, struct market *m)
{
	if (m->waiting == 0 || market_usable(m, s->now, s->x->settings.stale_ns) != reject_none)
		return;
	int64_t twice = mark_twice(m);
	while (twice != 0 && m->waiting > 0 && fire_one(s, m, trigger_by_mark, twice))
		;
}

void trigger_save(const struct executor *x, struct packer *p)
{
	const struct markets *ms = &x->markets;
	pack_array(p, 2 * markets_count(ms));
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		pack_str(p, strmap_key_at(&ms->map, i));
		pack_i64(p, markets_at(ms, i)->last);
	}
}

int trigger_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 2 != 0)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n / 2; i++) {
		struct symbol symbol = {0};
		unpack_str(u, symbol.s, sizeof(symbol.s));
		int64_t last = unpack_i64(u);
		struct market *m = u->err ? NULL : markets_get(&x->markets, &symbol);
		if (!m || last < 0 || last > ORDERS_PRICE_MAX)
			return u->err ? u->err : ERR_CORRUPT;
		m->last = last;
	}
	return 0;
}
