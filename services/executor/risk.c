/* risk - see risk.h. */
#include "services/executor/risk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "services/executor/executor.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define BPS 10000
#define EXITS_MAX 2 /* of a bracket */

struct check { /* one order against the limits of one scope */
	const struct step *s;
	const struct order *o;
	const char *name;     /* of the scope; NULL: the account */
	const char *strategy; /* whose orders and holdings count; NULL: all */
	bool one_market;      /* only this instrument's count */
	const int64_t *limit;
	const struct risk_rates *rates;
	int64_t price;        /* the worst */
	int64_t amount;       /* of the base, CASH_SCALE: what is left to fill */
	struct exposure was, then; /* the instrument's, without the order and with it */
	struct exposure_prices at; /* what its ends are counted at, for what the order may make of it */
	int64_t open;         /* orders */
};

static void format(enum limit limit, int64_t value, char out[FIXED_TEXT_MAX])
{
	fixed_format_trim(out, FIXED_TEXT_MAX, value, limits_counts(limit) ? 0 : CASH_SCALE);
}

/* "What could reach 12 USDT; executor.gross_max = 10 allows no more." */
static enum reject refuse(const struct check *c, enum reject reject, enum limit limit, const char *what, int64_t actual)
{
	struct risk *r = &c->s->x->risk;
	char is[FIXED_TEXT_MAX], most[FIXED_TEXT_MAX];
	format(limit, actual, is);
	format(limit, c->limit[limit], most);
	r->reject = reject;
	snprintf(r->why, sizeof(r->why), "%s %s; executor.%s%s%s%s = %s allows no more.", what, is,
		 c->name ? "limits " : "", limits_name(limit), c->name ? "@" : "", c->name ? c->name : "", most);
	return reject;
}

/* In the account's asset; beyond every limit where nobody knows. */
static int64_t value_of(struct executor *x, const struct market *m, int64_t worth)
{
	if (quotes_value(x, m->quote, worth, &worth))
		return worth;
	x->risk.unvalued = m;
	return INT64_MAX;
}

static int64_t worth_of(struct executor *x, const struct market *m, int64_t amount, int64_t twice_price)
{
	return value_of(x, m, exposure_worth(m, amount, twice_price));
}

/* Twice the most that one can cost at an end: by the order's worst price, by the mid where that is more. Where both
 * outcomes are held the most for the other one is at the lowest price. */
static int64_t worst(const struct check *c, bool is_short)
{
	const struct market *m = c->o->market;
	int64_t twice = exposure_price(m, is_short, c->price > INT64_MAX / 2 ? INT64_MAX : 2 * c->price);
	int64_t mark = exposure_mark(m, is_short);
	return mark > twice ? mark : twice;
}

static bool over(const struct check *c, enum limit limit, int64_t value)
{
	return c->limit[limit] != 0 && value > c->limit[limit];
}

static enum reject check_size(const struct check *c)
{
	/* All of it: a replacement does not make an order larger than one may be. */
	int64_t amount = exposure_base(c->o->market, c->o->qty);
	int64_t worth = worth_of(c->s->x, c->o->market, amount, worst(c, c->o->outcome == OUTCOME_OTHER));
	if (over(c, LIMIT_ORDER_QTY, amount))
		return refuse(c, reject_risk_qty, LIMIT_ORDER_QTY, "The quantity is", amount);
	if (over(c, LIMIT_ORDER_NOTIONAL, worth))
		return refuse(c, reject_risk_notional, LIMIT_ORDER_NOTIONAL, "The order is worth up to", worth);
	return reject_none;
}

/* Basis points by which the worst price is worse than the mid, rounded up; 0 where it is not. */
static int64_t distance(const struct check *c)
{
	const struct market *m = c->o->market;
	fixed_wide worse = 2 * (fixed_wide)c->price - m->mark;
	if (m->mark == 0)
		return INT64_MAX;
	if (c->o->side == side_sell)
		worse = -worse;
	if (worse <= 0)
		return 0;
	fixed_wide bps = (worse * BPS + m->mark - 1) / m->mark;
	return bps > INT64_MAX ? INT64_MAX : (int64_t)bps;
}

static enum reject check_collar(const struct check *c)
{
	int64_t bps = distance(c);
	if (!over(c, LIMIT_COLLAR, bps))
		return reject_none;
	return refuse(c, reject_risk_collar, LIMIT_COLLAR, "Basis points from the mid to the worst price:", bps);
}

/* How the worst case of the instrument's direction changes. */
static void count_order(struct check *c)
{
	c->then = c->was;
	if (c->strategy && c->o->reduce_only)
		return;
	if (c->o->side == side_buy)
		c->then.longs = exposure_add(c->was.longs, c->amount);
	else
		c->then.shorts = exposure_add(c->was.shorts, -c->amount);
}

/* Of one outcome's contracts many can be worth less than few of the other's. */
static bool grows(const struct check *c)
{
	const struct market *m = c->o->market;
	if (outcome_both(m))
		return exposure_at_stake(m, &c->then, c->at) > exposure_at_stake(m, &c->was, c->at);
	return exposure_most(&c->then) > exposure_most(&c->was);
}

/* What the instrument's end that the order moves could be: positive where that is a holding in its direction. */
static int64_t reach(const struct check *c)
{
	return c->o->side == side_buy ? c->then.longs : -c->then.shorts;
}

static int64_t reach_price(const struct check *c)
{
	return c->o->side == side_buy ? c->at.longs : c->at.shorts;
}

static enum reject check_position(const struct check *c)
{
	int64_t amount = reach(c);
	if (amount <= 0)
		return reject_none;
	int64_t worth = worth_of(c->s->x, c->o->market, amount, reach_price(c));
	if (over(c, LIMIT_POSITION_QTY, amount))
		return refuse(c, reject_risk_position, LIMIT_POSITION_QTY, "The position could reach", amount);
	if (over(c, LIMIT_POSITION_NOTIONAL, worth))
		return refuse(c, reject_risk_position, LIMIT_POSITION_NOTIONAL, "The position could be worth", worth);
	return reject_none;
}

/* What the larger end of an instrument is worth at its mid. */
static int64_t larger_end(struct executor *x, const struct market *m)
{
	struct exposure_prices at = {exposure_mark(m, false), exposure_mark(m, true)};
	return value_of(x, m, exposure_at_stake(m, &m->exposure, at));
}

/* What the end that orders of a side move is worth at the mid: positive where that is a holding in their direction. */
static int64_t side_end(struct executor *x, const struct market *m, uint8_t side)
{
	int64_t end = side == side_buy ? m->exposure.longs : m->exposure.shorts;
	return worth_of(x, m, side == side_buy ? end : -end, exposure_mark(m, end < 0));
}

/* The other instruments, in all: the larger end of each, or the end that this order's side moves. */
static int64_t others(const struct check *c, bool gross)
{
	struct executor *x = c->s->x;
	const struct markets *ms = &x->markets;
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(ms) && !c->one_market; i++) {
		const struct market *m = markets_at(ms, i);
		if (m == c->o->market || !m->known)
			continue;
		sum = exposure_add(sum, gross ? larger_end(x, m) : side_end(x, m, c->o->side));
	}
	return sum;
}

/* With the order, in all. */
static int64_t at_stake(const struct check *c)
{
	const struct market *m = c->o->market;
	return exposure_add(value_of(c->s->x, m, exposure_at_stake(m, &c->then, c->at)), others(c, true));
}

static enum reject check_gross(const struct check *c)
{
	if (c->limit[LIMIT_GROSS] == 0 || !grows(c))
		return reject_none;
	int64_t sum = at_stake(c);
	if (!over(c, LIMIT_GROSS, sum))
		return reject_none;
	return refuse(c, reject_risk_gross, LIMIT_GROSS, "The gross exposure could reach", sum);
}

/* What lowers the other direction's exposure is counted at the mid, so that a high price makes nothing look smaller. */
static enum reject check_net(const struct check *c)
{
	if (c->limit[LIMIT_NET] == 0)
		return reject_none;
	int64_t amount = reach(c);
	int64_t twice = amount > 0 ? reach_price(c) : exposure_mark(c->o->market, c->o->side == side_buy);
	int64_t sum = exposure_add(worth_of(c->s->x, c->o->market, amount, twice), others(c, false));
	if (!over(c, LIMIT_NET, sum))
		return reject_none;
	return refuse(c, reject_risk_net, LIMIT_NET, "The net exposure could reach", sum);
}

/* Places that an order may need among the open ones: its own, and those of the exits that it brings. */
static int64_t places(const struct order *o)
{
	bool waits = o->type != order_type_limit && o->type != order_type_market;
	return (waits || order_may_rest(o) ? 1 : 0) + (o->link != order_link_none ? EXITS_MAX : 0);
}

static enum reject check_count(const struct check *c)
{
	int64_t now = c->s->now, more = places(c->o);
	if (c->o->status != order_status_none)
		return reject_none;
	if (more > 0 && over(c, LIMIT_OPEN_ORDERS, c->open + more))
		return refuse(c, reject_risk_open_orders, LIMIT_OPEN_ORDERS, "Open orders with this one:",
			      c->open + more);
	if (!throttle_allows(&c->rates->second, now, c->limit[LIMIT_SECOND], SECOND))
		return refuse(c, reject_risk_rate, LIMIT_SECOND, "Orders within a second: more than",
			      c->limit[LIMIT_SECOND]);
	if (!throttle_allows(&c->rates->minute, now, c->limit[LIMIT_MINUTE], MINUTE))
		return refuse(c, reject_risk_rate, LIMIT_MINUTE, "Orders within a minute: more than",
			      c->limit[LIMIT_MINUTE]);
	return reject_none;
}

static bool any(const int64_t limit[LIMITS])
{
	for (int i = 0; i < LIMITS; i++)
		if (limit[i] != 0)
			return true;
	return false;
}

/* Of both outcomes the end that the order does not move stays at the mid: beside an end that looked larger the other
 * could grow unseen. */
static void set_prices(struct check *c)
{
	const struct market *m = c->o->market;
	bool buys = c->o->side == side_buy, both = outcome_both(m);
	c->at.longs = both && !buys ? exposure_mark(m, false) : worst(c, false);
	c->at.shorts = both && buys ? exposure_mark(m, true) : worst(c, true);
}

static void collect(struct check *c)
{
	struct market *m = c->o->market;
	bool again = c->o->status != order_status_none;
	c->open = exposure_collect(c->s->x, c->strategy, c->one_market ? m : NULL, again ? c->o : NULL);
	c->was = m->exposure;
	set_prices(c);
	count_order(c);
}

/* A stop that fires, or an exit of a bracket: it was counted, and only closes. Nothing may keep it from that. (What is
 * being replaced is still in the table.) */
static bool closes(const struct check *c)
{
	const struct order *o = c->o;
	bool goes_on = o->status != order_status_none && !orders_find(&c->s->x->orders, o->client_order_id);
	int64_t held = exposure_base(o->market, o->market->position.qty);
	int64_t against = o->side == side_sell ? held : -held;
	return goes_on && (o->reduce_only || c->amount <= against);
}

static enum reject refuse_unvalued(struct executor *x)
{
	struct risk *r = &x->risk;
	r->reject = reject_unvalued;
	snprintf(r->why, sizeof(r->why),
		 "Limits of money hold, and what one %s is worth in %s is not known yet; executor.quotes can state it.",
		 r->unvalued->def.quote, x->settings.quote);
	return r->reject;
}

static enum reject check_scope(struct check *c)
{
	if (!any(c->limit))
		return reject_none;
	c->s->x->risk.unvalued = NULL;
	collect(c);
	if (closes(c))
		return reject_none;
	enum reject (*const checks[])(const struct check *c) = {check_size,  check_collar, check_position,
								check_gross, check_net,	   check_count};
	enum reject reject = reject_none;
	for (size_t i = 0; i < ARRAY_LEN(checks) && reject == reject_none; i++)
		reject = checks[i](c);
	bool unvalued = reject != reject_none && reject != reject_risk_rate && c->s->x->risk.unvalued;
	return unvalued ? refuse_unvalued(c->s->x) : reject;
}

/* The strategy's scope where it bears its name, else the instrument's. */
static bool falls_into(struct check *c, const struct limits_scope *scope)
{
	bool strategy = strcmp(scope->name, c->o->strategy) == 0;
	bool market = !strategy && strcmp(scope->name, c->o->market->def.instrument.s) == 0;
	c->name = scope->name;
	c->limit = scope->limit;
	c->strategy = strategy ? c->o->strategy : NULL;
	c->one_market = market;
	return strategy || market;
}

/* What the strategy has at stake, against what the portfolio manager gives it. */
static enum reject check_budget(struct check *c)
{
	struct executor *x = c->s->x;
	struct risk *r = &x->risk;
	int64_t budget, share;
	char sum_text[FIXED_TEXT_MAX], budget_text[FIXED_TEXT_MAX], share_text[FIXED_TEXT_MAX];
	if (!allocation_of(x, c->o->strategy, &budget, &share))
		return reject_none;
	*c = (struct check){.s = c->s, .o = c->o, .price = c->price, .amount = c->amount, .strategy = c->o->strategy};
	r->unvalued = NULL;
	collect(c);
	if (closes(c) || !grows(c))
		return reject_none;
	int64_t sum = at_stake(c);
	if (sum <= budget)
		return reject_none;
	if (r->unvalued)
		return refuse_unvalued(x);
	r->reject = reject_risk_budget;
	fixed_format_trim(sum_text, sizeof(sum_text), sum, CASH_SCALE);
	fixed_format_trim(budget_text, sizeof(budget_text), budget, CASH_SCALE);
	fixed_format_trim(share_text, sizeof(share_text), share, SHARE_SCALE);
	snprintf(r->why, sizeof(r->why), "The strategy could have %s at stake; its budget is %s, a share of %s "
		 "(executor.allocation = %s).", sum_text, budget_text, share_text,
		 enum_text(enum_allocation_method(), x->settings.allocation.method));
	return r->reject;
}

static int64_t seconds(int64_t ns)
{
	return (ns + SECOND - 1) / SECOND;
}

static enum reject check_guard(struct check *c)
{
	const struct executor *x = c->s->x;
	const struct guard_settings *g = &x->settings.guard;
	int64_t until;
	enum reject reject = guard_check(x, c->o->market, c->s->now, &until);
	if (reject == reject_none)
		return reject;
	collect(c);
	if (!grows(c))
		return reject_none;
	bool stops = reject == reject_risk_stops;
	struct risk *r = &c->s->x->risk;
	r->reject = reject;
	snprintf(r->why, sizeof(r->why),
		 "After %s it takes no order that could make its exposure grow, for another %" PRId64
		 " s of event time (executor.%s = %" PRId64 " s).",
		 stops ? "too many losses" : "a loss", seconds(until - c->s->now), stops ? "stops_pause" : "cooldown",
		 seconds(stops ? g->stops_pause_ns : g->cooldown_ns));
	return reject;
}

static uint64_t seal_of(const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	const int64_t terms[] = {o->side,  o->type, o->tif,	 o->post_only,
				 o->price, o->qty,  d->price_scale, d->qty_scale};
	uint64_t seal = hash_bytes(o->client_order_id, strlen(o->client_order_id));
	seal = hash_mix(seal ^ symbol_hash(&d->instrument));
	return hash_mix(seal ^ hash_bytes(terms, sizeof(terms))) | 1;
}

bool risk_pass_covers(const struct risk_pass *p, const struct order *o)
{
	return p->risk_seal != 0 && p->risk_seal == seal_of(o);
}

struct risk_pass risk_take_pass(struct executor *x, const struct order *o)
{
	struct risk_pass passed = x->risk.passed;
	x->risk.passed = (struct risk_pass){0};
	return risk_pass_covers(&passed, o) ? passed : (struct risk_pass){0};
}

static enum reject check_all(const struct step *s, const struct order *o, int64_t price)
{
	struct executor *x = s->x;
	struct check c = {.s = s, .o = o, .price = price, .limit = x->settings.limit, .rates = &x->risk.account};
	x->risk.reject = reject_none;
	if (x->mode.killed)
		return reject_killed;
	if (o->ordinal == 0)
		return reject_none;
	c.amount = exposure_base(o->market, order_rest(o));
	enum reject reject = check_guard(&c);
	if (reject == reject_none)
		reject = check_scope(&c);
	for (uint32_t i = 0; i < x->settings.n_scopes && reject == reject_none; i++) {
		c.rates = &x->risk.scope[i];
		if (falls_into(&c, &x->settings.scope[i]))
			reject = check_scope(&c);
	}
	return reject == reject_none ? check_budget(&c) : reject;
}

enum reject risk_check(const struct step *s, const struct order *o, int64_t price)
{
	enum reject reject = check_all(s, o, price);
	s->x->risk.passed = (struct risk_pass){.risk_seal = reject == reject_none ? seal_of(o) : 0};
	return reject;
}

static void take(struct risk_rates *r, const int64_t limit[LIMITS], int64_t now)
{
	throttle_take(&r->second, now, limit[LIMIT_SECOND], SECOND);
	throttle_take(&r->minute, now, limit[LIMIT_MINUTE], MINUTE);
}

void risk_on_order(struct executor *x, int64_t now, const struct order *o)
{
	struct check c = {.o = o};
	if (o->ordinal == 0)
		return;
	take(&x->risk.account, x->settings.limit, now);
	for (uint32_t i = 0; i < x->settings.n_scopes; i++)
		if (falls_into(&c, &x->settings.scope[i]))
			take(&x->risk.scope[i], x->settings.scope[i].limit, now);
}

const char *risk_text(const struct executor *x, enum reject reject)
{
	return reject != reject_none && x->risk.reject == reject ? x->risk.why : report_reject_text(reject);
}

static void save_rates(const struct risk_rates *r, struct packer *p)
{
	pack_i64(p, r->second.full_at);
	pack_i64(p, r->minute.full_at);
}

static void load_rates(struct risk_rates *r, struct unpacker *u)
{
	r->second.full_at = unpack_i64(u);
	r->minute.full_at = unpack_i64(u);
}

void risk_save(const struct executor *x, struct packer *p)
{
	save_rates(&x->risk.account, p);
	pack_array(p, 3 * x->settings.n_scopes);
	for (uint32_t i = 0; i < x->settings.n_scopes; i++) {
		pack_str(p, x->settings.scope[i].name);
		save_rates(&x->risk.scope[i], p);
	}
}

/* The settings may name other scopes than they did. */
int risk_load(struct executor *x, struct unpacker *u)
{
	load_rates(&x->risk.account, u);
	uint32_t n = unpack_array(u);
	if (u->err || n % 3 != 0)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n / 3 && !u->err; i++) {
		char name[EVENT_NAME_MAX];
		struct risk_rates rates;
		unpack_str(u, name, sizeof(name));
		load_rates(&rates, u);
		for (uint32_t k = 0; k < x->settings.n_scopes; k++)
			if (strcmp(x->settings.scope[k].name, name) == 0)
				x->risk.scope[k] = rates;
	}
	return u->err;
}
