/* stats - see stats.h. */
#include "services/executor/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fixed.h"
#include "services/executor/money.h"
#include "services/executor/quotes.h"

#define DAY_NS INT64_C(86400000000000)
#define YEAR_DAYS 365.0

void stats_init(struct stats *s, stats_day_fn *on_day, void *ctx)
{
	memset(s, 0, sizeof(*s));
	s->on_day = on_day;
	s->ctx = ctx;
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;
	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : -INT64_MAX;
}

static struct stats_row *row_of(struct stats *s, const char *account, enum stats_scope scope, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->row[i].scope == scope && strcmp(s->row[i].name, name) == 0 &&
		    strcmp(s->row[i].account, account) == 0)
			return &s->row[i];
	if (s->n == STATS_ROWS_MAX) {
		s->left_out++;
		return NULL;
	}
	struct stats_row *r = &s->row[s->n++];
	r->scope = scope;
	event_set_name(r->account, account);
	snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

/* ---- days ---- */

static double ratio(int64_t a, int64_t b)
{
	return (double)a / (double)b;
}

/* Welford: one day's return joins mean and squares. */
static void note_return(struct stats_curve *c, double value)
{
	double off = value - c->mean;
	c->days++;
	c->mean += off / (double)c->days;
	c->square += off * (value - c->mean);
	c->below += value < 0 ? value * value : 0;
}

static void end_day(struct stats *s, struct stats_row *r)
{
	struct stats_curve *c = &r->curve;
	struct stats_day d = {.scope = r->scope, .account = r->account, .name = r->name,
			      .day = r->day, .sums = &r->today,
			      .has_worth = c->any, .open = c->day_open, .close = c->last};
	if (!r->open)
		return;
	if (c->any && c->day_open > 0 && r->scope == STATS_ACCOUNT)
		note_return(c, ratio(c->last, c->day_open) - 1);
	if (s->on_day)
		s->on_day(s->ctx, &d);
	c->day_open = c->last;
	memset(&r->today, 0, sizeof(r->today));
	r->open = false;
}

static void begin_day(struct stats *s, struct stats_row *r, int64_t at)
{
	int64_t day = at / DAY_NS;
	if (r->open && r->day != day)
		end_day(s, r);
	r->day = day;
	r->open = true;
}

void stats_end(struct stats *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		end_day(s, &s->row[i]);
}

/* ---- sums ---- */

static void add_fill(struct stats_sums *u, const struct ev_fill *f, int64_t value)
{
	u->fills++;
	u->traded = plus(u->traded, value);
	u->realised = plus(u->realised, f->realised);
	u->fees = plus(u->fees, f->fee);
	u->wins += f->realised > 0;
	u->defeats += f->realised < 0;
	if (f->realised > 0)
		u->gains = plus(u->gains, f->realised);
	if (f->realised < 0)
		u->losses = plus(u->losses, -f->realised);
}

/* An amount of what a fill was paid in, as it counted in the account's asset then. Records of before there was a rate
 * are of accounts with one asset. */
static int64_t counted(const struct ev_fill *f, bool by_rate, int64_t amount)
{
	int64_t value;
	if (!by_rate)
		return amount;
	if (fixed_mul(amount, CASH_SCALE, f->rate, RATE_SCALE, CASH_SCALE, &value) == 0)
		return value;
	return amount > 0 ? INT64_MAX : -INT64_MAX;
}

/* Is it of an asset that is not the account's own? */
static bool is_foreign(struct stats *s, const struct ev_fill *f)
{
	const struct stats_row *r = row_of(s, f->account, STATS_ACCOUNT, f->account);
	return r && r->asset[0] && strcmp(r->asset, f->fee_asset) != 0;
}

/* What the strategy holds of the instrument. */
static void hold(struct stats *s, struct stats_row *const row[], const struct ev_fill *f)
{
	uint32_t i = 0;
	int64_t qty;
	if (fixed_rescale(f->qty, f->qty_scale, CASH_SCALE, &qty) != 0)
		return;
	while (i < s->n_holdings && (s->holding[i].strategy != row[STATS_STRATEGY] ||
				     s->holding[i].instrument != row[STATS_INSTRUMENT]))
		i++;
	if (i == STATS_HOLDINGS_MAX) {
		s->left_out++;
		return;
	}
	struct stats_holding *h = &s->holding[i];
	if (i == s->n_holdings) {
		*h = (struct stats_holding){row[STATS_ACCOUNT], row[STATS_STRATEGY], row[STATS_INSTRUMENT], 0};
		s->n_holdings++;
	}
	h->qty = plus(h->qty, f->side == side_buy ? qty : -qty);
	if (h->qty == 0)
		*h = s->holding[--s->n_holdings];
}

static void on_fill(struct stats *s, const struct event *ev)
{
	struct event in_own = *ev;
	struct ev_fill *f = &in_own.fill;
	struct rated what = {f->price, f->qty, f->price_scale, f->qty_scale};
	const char *names[] = {f->account, f->strategy, f->instrument.s};
	struct stats_row *row[STATS_INSTRUMENT + 1] = {NULL};
	int64_t value;
	if (money_cost(what, &value) != 0)
		return;
	bool by_rate = f->rate != 0 || is_foreign(s, f);
	value = counted(f, by_rate, value);
	f->fee = counted(f, by_rate, f->fee);
	f->realised = counted(f, by_rate, f->realised);
	s->unvalued += by_rate && f->rate == 0;
	for (int scope = STATS_ACCOUNT; scope <= STATS_INSTRUMENT; scope++) {
		struct stats_row *r = row_of(s, f->account, (enum stats_scope)scope, names[scope]);
		if (!r)
			continue;
		begin_day(s, r, ev->ts_event);
		add_fill(&r->all, f, value);
		add_fill(&r->today, f, value);
		r->flow = plus(r->flow, plus(f->side == side_buy ? -value : value, -f->fee));
		row[scope] = r;
	}
	if (row[STATS_ACCOUNT] && row[STATS_STRATEGY] && row[STATS_INSTRUMENT])
		hold(s, row, f);
}

static void on_funding(struct stats *s, const struct event *ev)
{
	const struct ev_funding *f = &ev->funding;
	const char *names[] = {f->account, f->strategy, f->instrument.s};
	for (int scope = STATS_ACCOUNT; scope <= STATS_INSTRUMENT; scope++) {
		struct stats_row *r = row_of(s, f->account, (enum stats_scope)scope, names[scope]);
		if (!r)
			continue;
		begin_day(s, r, ev->ts_event);
		r->all.funding = plus(r->all.funding, f->amount);
		r->today.funding = plus(r->today.funding, f->amount);
		r->flow = plus(r->flow, f->amount);
	}
}

/* ---- the curve ---- */

static void begin_curve(struct stats_curve *c, int64_t at, int64_t worth)
{
	*c = (struct stats_curve){.first = worth,
				  .last = worth,
				  .peak = worth,
				  .first_at = at,
				  .last_at = at,
				  .day_open = worth,
				  .any = true};
}

/* The worth until now was that of the last point, and so was what of it was not cash. */
static void pass_time(struct stats_curve *c, int64_t at, int64_t exposed)
{
	double span = (double)(at - c->last_at);
	c->span_ns += span;
	c->worth_ns += span * (double)c->last;
	c->exposed_ns += span * (double)exposed;
}

static void pass_point(struct stats_curve *c, int64_t at, int64_t worth)
{
	c->last = worth;
	c->last_at = at;
	c->peak = worth > c->peak ? worth : c->peak;
	if (c->peak > 0 && ratio(c->peak - worth, c->peak) > c->drawdown)
		c->drawdown = ratio(c->peak - worth, c->peak);
}

static void on_valuation(struct stats *s, const struct event *ev)
{
	const struct ev_valuation *e = &ev->valuation;
	struct stats_row *r = row_of(s, e->account, STATS_INSTRUMENT, e->instrument.s);
	if (!r)
		return;
	r->mark.price = e->price;
	r->mark.scale = e->price_scale;
	r->mark.rate = e->rate;
	r->mark.marked = e->marked && e->price > 0 && e->rate > 0;
}

/* False: what it is worth is not known, or does not fit. */
static bool holding_value(const struct stats_holding *h, int64_t *ret_value)
{
	const struct stats_row *m = h->instrument;
	int64_t quote;
	return m->mark.marked && fixed_mul(h->qty, CASH_SCALE, m->mark.price, m->mark.scale, CASH_SCALE, &quote) == 0 &&
	       fixed_mul(quote, CASH_SCALE, m->mark.rate, RATE_SCALE, CASH_SCALE, ret_value) == 0;
}

/* A row's result; false where not all that it holds is marked. */
static bool result_of(const struct stats *s, const struct stats_row *r, int64_t *ret_result)
{
	int64_t value;
	*ret_result = r->flow;
	for (uint32_t i = 0; i < s->n_holdings; i++) {
		const struct stats_holding *h = &s->holding[i];
		if (h->strategy != r && h->instrument != r)
			continue;
		if (!holding_value(h, &value))
			return false;
		*ret_result = plus(*ret_result, value);
	}
	return true;
}

/* Strategies and instruments of the account, at a point at which all positions were valued. */
static void on_whole(struct stats *s, const struct stats_row *account, int64_t at)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct stats_row *r = &s->row[i];
		int64_t result;
		if (r->scope == STATS_ACCOUNT || strcmp(r->account, account->account) != 0 ||
		    !result_of(s, r, &result))
			continue;
		if (!r->curve.any)
			begin_curve(&r->curve, at, 0);
		begin_day(s, r, at);
		pass_point(&r->curve, at, result);
		if (s->on_point)
			s->on_point(s->ctx, r);
	}
}

/* Since then it says what is held, gross. Before, what was not cash stands for that: of spot the same. */
#define EQUITY_SAYS_EXPOSED 4

static int64_t exposed_of(const struct event *ev)
{
	const struct ev_equity *e = &ev->equity;
	return ev->version >= EQUITY_SAYS_EXPOSED ? e->exposed : e->equity - e->cash;
}

static void on_report(struct stats *s, const struct ev_venue_report *e)
{
	struct stats_row *r = e->says == venue_says_funds ? row_of(s, e->account, STATS_ACCOUNT, e->account) : NULL;
	if (r)
		r->funded = true;
}

/* What the trades since the last point brought goes with it: a second's, where points come each second. */
static void move_base(struct stats_curve *c, int64_t by)
{
	c->first = plus(c->first, by);
	c->peak = plus(c->peak, by);
	c->day_open = plus(c->day_open, by);
}

/* A fresh account says what it is worth at the beginning of event time, in 1970, before any market: that is where its
 * curve begins, and no time of it. */
static void on_worth(struct stats *s, struct stats_row *r, const struct event *ev)
{
	const struct ev_equity *e = &ev->equity;
	struct stats_curve *c = &r->curve;
	int64_t at = ev->ts_event;
	if (!c->any) {
		begin_curve(c, at, e->equity);
		r->exposed = exposed_of(ev);
		r->funded = false;
		return;
	}
	begin_day(s, r, at);
	if (c->first_at < DAY_NS && c->last_at == c->first_at && at - c->first_at > DAY_NS)
		c->first_at = c->last_at = at;
	if (at > c->last_at)
		pass_time(c, at, r->exposed);
	if (r->funded)
		move_base(c, plus(e->equity, -c->last));
	r->funded = false;
	pass_point(c, at, e->equity);
	r->exposed = exposed_of(ev);
}

static void on_equity(struct stats *s, const struct event *ev)
{
	const struct ev_equity *e = &ev->equity;
	struct stats_row *r = row_of(s, e->account, STATS_ACCOUNT, e->account);
	if (!r)
		return;
	event_set_name(r->asset, e->asset);
	if (e->marked) {
		on_worth(s, r, ev);
		if (s->on_point)
			s->on_point(s->ctx, r);
	}
	if (e->whole)
		on_whole(s, r, ev->ts_event);
}

void stats_on_event(struct stats *s, const struct event *ev)
{
	if (ev->id == EVENT_fill)
		on_fill(s, ev);
	else if (ev->id == EVENT_equity)
		on_equity(s, ev);
	else if (ev->id == EVENT_valuation)
		on_valuation(s, ev);
	else if (ev->id == EVENT_funding)
		on_funding(s, ev);
	else if (ev->id == EVENT_venue_report)
		on_report(s, &ev->venue_report);
}

/* ---- figures ---- */

static double over(double a, double b)
{
	return b > 0 ? a / b : (double)NAN;
}

static double calmar(const struct stats_curve *c)
{
	double years = c->span_ns / (double)DAY_NS / YEAR_DAYS;
	if (c->first <= 0 || c->last <= 0 || years <= 0)
		return (double)NAN;
	return over(pow(ratio(c->last, c->first), 1 / years) - 1, c->drawdown);
}

static void account_figures(const struct stats_row *r, struct stats_figures *f)
{
	const struct stats_curve *c = &r->curve;
	double n = (double)c->days, root = sqrt(YEAR_DAYS);
	f->total = c->first > 0 ? ratio(c->last, c->first) - 1 : (double)NAN;
	f->drawdown = c->drawdown;
	f->sharpe = n < 2 ? (double)NAN : over(c->mean * root, sqrt(c->square / (n - 1)));
	f->sortino = n < 2 ? (double)NAN : over(c->mean * root, sqrt(c->below / n));
	f->calmar = n < 2 ? (double)NAN : calmar(c);
	f->exposure = over(c->exposed_ns, c->worth_ns);
	f->turnover = over((double)r->all.traded * c->span_ns, c->worth_ns);
}

struct stats_figures stats_figures(const struct stats_row *r)
{
	const double no = (double)NAN;
	struct stats_figures f = {no, no, no, no, no, no, no, no, no};
	f.win_rate = over((double)r->all.wins, (double)(r->all.wins + r->all.defeats));
	f.profit_factor = over((double)r->all.gains, (double)r->all.losses);
	if (r->scope == STATS_ACCOUNT && r->curve.any)
		account_figures(r, &f);
	return f;
}
