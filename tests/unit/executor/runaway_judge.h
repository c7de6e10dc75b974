/* runaway_judge - the limits that nothing may exceed, and who judges by them.
 *
 * The judge knows nothing of the executor's: it keeps positions from the fills and open orders from the order events
 * that were published, and the world's own books. What is held is judged at every fill, what it could become after
 * every step (in the middle of one, orders that are linked have not followed each other yet), and what an order may do
 * when it is accepted.
 */
#ifndef NJ_TESTS_RUNAWAY_JUDGE_H
#define NJ_TESTS_RUNAWAY_JUDGE_H
#include "world.h"

#include "common/base/fixed.h"

#define ORDERS 1024
#define STRATEGIES 3
#define TIMES 100000

enum { B_OPEN = 5, OPEN_MAX = 40 };
static const int64_t order_qty[WORLD_MARKETS] = {CASH(4), CASH(2000)};
static const int64_t position[WORLD_MARKETS] = {CASH(5), CASH(2500)};
#define A_GROSS 500
#define BUDGETS "b=0.0045,c=0.003" /* of some 100,000 */
#define ORDER_WORTH 450
#define POSITION_WORTH 600
#define GROSS 900
#define NET 700
#define COLLAR 12 /* bps */
#define A_SECOND 3
#define SECOND_MAX 8
#define MINUTE_MAX 60

struct seen { /* an open order, as published */
	char id[EVENT_NAME_MAX], link[EVENT_NAME_MAX];
	int who, market;
	struct ev_order is;
};

struct judge {
	struct world w;
	struct executor *x;
	struct seen open[ORDERS];
	uint32_t n;
	int64_t held[WORLD_MARKETS], held_by[STRATEGIES][WORLD_MARKETS]; /* base at 8 decimals */
	int64_t mark[WORLD_MARKETS];                                     /* best bid + best ask, last usable */
	int64_t yes, no;                                                 /* contracts of the second, as told */
	int64_t quarters[WORLD_MARKETS];                                 /* what one of its quote asset is worth */
	int64_t budget[STRATEGIES];                                      /* as last told; 0 none */
	int64_t times[TIMES], times_of_a[TIMES];                         /* of accepted orders */
	uint32_t n_times, n_times_of_a;
	uint8_t trading;
	bool by_timer, delayed;
	int64_t now;
	uint64_t accepted, fills, restarts, sales_of_no_yes, by_way, in_other, refused[256];
};

static struct judge j;

static const char *const names[STRATEGIES] = {"a", "b", "c"};

static int market_of(const struct symbol *s)
{
	for (int i = 0; i < WORLD_MARKETS; i++)
		if (symbol_equal(&j.w.m[i].def.instrument, s))
			return i;
	fail();
	return 0;
}

static int who_is(const char *name)
{
	for (int i = 0; i < STRATEGIES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	fail();
	return 0;
}

static int64_t base(int market, int64_t qty)
{
	return qty * fixed_pow10(8 - j.w.m[market].def.qty_scale);
}

/* amount * twice / 2 as whole units of 1e-8 of USDT, in 128 bits; rounded down: an honest limit is not that near. */
static fixed_wide worth(int market, int64_t amount, int64_t twice)
{
	return (fixed_wide)amount * twice * j.quarters[market] / 8 / fixed_pow10(j.w.m[market].def.price_scale);
}

static bool is_contract(int market)
{
	return j.w.m[market].def.kind == instrument_kind_event;
}

/* Of an event contract a short end is contracts of NO, each 1 less the price. */
static fixed_wide end_worth(int market, int64_t end, int64_t twice)
{
	if (end >= 0)
		return worth(market, end, twice);
	int64_t all = 2 * fixed_pow10(j.w.m[market].def.price_scale);
	return worth(market, -end, is_contract(market) ? all - twice : twice);
}

static bool is_target_of(const struct seen *t, const struct seen *stop)
{
	return t->is.leg == order_leg_target && t->link[0] && strcmp(t->link, stop->link) == 0;
}

/* A stop that shares its quantity with a target that is open, too. */
static bool is_shared(const struct seen *stop)
{
	for (uint32_t i = 0; i < j.n && stop->is.leg == order_leg_stop; i++)
		if (is_target_of(&j.open[i], stop))
			return true;
	return false;
}

struct ends {
	int64_t longs, shorts;
};

/* who -1: the account's */
static struct ends ends_of(int who, int market)
{
	int64_t held = who < 0 ? j.held[market] : j.held_by[who][market];
	struct ends e = {held, held};
	for (uint32_t i = 0; i < j.n; i++) {
		const struct seen *s = &j.open[i];
		int64_t rest = base(market, s->is.qty - s->is.filled);
		if (s->market != market || (who >= 0 && (s->who != who || s->is.reduce_only)) || is_shared(s))
			continue;
		if (s->is.side == side_buy)
			e.longs += rest;
		else
			e.shorts -= rest;
	}
	return e;
}

/* The most that may be had of a market, each end at its own price (twice). */
static fixed_wide stake(int market, struct ends e, struct ends twice)
{
	fixed_wide a = end_worth(market, e.longs, twice.longs), b = end_worth(market, e.shorts, twice.shorts);
	return a > b ? a : b;
}

/* ---- limits that hold at any time ---- */

static void judge_positions(void)
{
	for (int m = 0; m < WORLD_MARKETS; m++) {
		struct ends e = ends_of(-1, m);
		assert_true(e.longs <= position[m] && e.shorts >= -position[m]);
	}
	uint32_t of_b = 0;
	for (uint32_t i = 0; i < j.n; i++)
		of_b += j.open[i].who == 1;
	assert_true(of_b <= B_OPEN);
	assert_true(j.n <= OPEN_MAX);
}

/* ---- limits of an order that is accepted now ---- */

/* Any stretch that ends now holds no more than a full bucket and what the stretch has filled. */
static void judge_rate(const int64_t *at, uint32_t n, int64_t most, int64_t span)
{
	for (uint32_t k = 1; k <= n && k <= 3 * (uint32_t)most; k++) {
		int64_t stretch = at[n - 1] - at[n - k];
		assert_true((fixed_wide)k * span <= (fixed_wide)most * span + (fixed_wide)most * stretch);
	}
}

static void count_order(const struct seen *s)
{
	must(j.n_times < TIMES);
	j.times[j.n_times++] = j.now;
	judge_rate(j.times, j.n_times, SECOND_MAX, S);
	judge_rate(j.times, j.n_times, MINUTE_MAX, 60 * S);
	if (s->who != 0)
		return;
	j.times_of_a[j.n_times_of_a++] = j.now;
	judge_rate(j.times_of_a, j.n_times_of_a, A_SECOND, S);
}

/* Its price or the mid, the dearer one for what it trades. NO is dear where the price is low. */
static int64_t twice_of(const struct seen *s, bool no)
{
	int64_t price = s->is.price != 0 ? s->is.price : s->is.trigger_price, mark = j.mark[s->market];
	bool order = no ? price != 0 && 2 * price < mark : 2 * price > mark;
	return order ? 2 * price : mark;
}

/* An order moves one end. What stands at the other one is worth its mid; of spot both have always been taken at the
 * order's price where that is higher. */
static struct ends prices_of(const struct seen *s)
{
	struct ends dear = {twice_of(s, false), twice_of(s, is_contract(s->market))};
	if (!is_contract(s->market))
		return dear;
	if (s->is.side == side_buy)
		dear.shorts = j.mark[s->market];
	else
		dear.longs = j.mark[s->market];
	return dear;
}

static bool grew(const struct seen *s, int who, struct ends before)
{
	struct ends at = prices_of(s);
	return stake(s->market, ends_of(who, s->market), at) > stake(s->market, before, at);
}

static void judge_collar(const struct seen *s, int64_t price)
{
	int64_t mark = j.mark[s->market];
	fixed_wide bound = (fixed_wide)mark * (s->is.side == side_buy ? 10000 + COLLAR : 10000 - COLLAR);
	assert_true(s->is.side == side_buy ? (fixed_wide)2 * price * 10000 <= bound
					   : (fixed_wide)2 * price * 10000 >= bound);
}

static fixed_wide gross_of(const struct seen *s, int who)
{
	fixed_wide gross = 0;
	for (int m = 0; m < WORLD_MARKETS; m++) {
		struct ends mids = {j.mark[m], j.mark[m]};
		gross += stake(m, ends_of(who, m), m == s->market ? prices_of(s) : mids);
	}
	return gross;
}

/* Of its strategy alone: a has a limit, the others a budget. What a strategy has that only reduces cannot make its own
 * holding grow. */
static void judge_own(const struct seen *s, struct ends before)
{
	int64_t most = s->who == 0 ? CASH(A_GROSS) : j.budget[s->who];
	if (most != 0 && grew(s, s->who, before))
		assert_true(gross_of(s, s->who) <= most);
}

static void judge_sums(const struct seen *s, struct ends before)
{
	fixed_wide net = 0;
	for (int m = 0; m < WORLD_MARKETS; m++) {
		struct ends e = ends_of(-1, m), at = prices_of(s);
		int64_t end = s->is.side == side_buy ? e.longs : e.shorts;
		int64_t way = s->is.side == side_buy ? end : -end;
		int64_t twice = s->is.side == side_buy ? at.longs : at.shorts;
		fixed_wide value = end_worth(m, end, m == s->market && way > 0 ? twice : j.mark[m]);
		net += way > 0 ? value : -value;
	}
	if (grew(s, -1, before))
		assert_true(gross_of(s, -1) <= CASH(GROSS));
	assert_true(net <= CASH(NET));
}

/* What an order is worth at least. Who sells more YES than there is buys NO, and who buys more than there is NO buys
 * YES; of less, it may be either. (Both are there where open orders have locked what would be a pair.) */
static fixed_wide order_worth(const struct seen *s, int64_t amount)
{
	int64_t against = s->is.side == side_sell ? j.yes : j.no;
	fixed_wide yes = end_worth(s->market, amount, twice_of(s, false));
	if (!is_contract(s->market))
		return yes;
	fixed_wide no = end_worth(s->market, -amount, twice_of(s, true));
	if (amount > against)
		return s->is.side == side_sell ? no : yes;
	return no < yes ? no : yes;
}

/* The instrument's ends without it: the account's, and its strategy's. */
struct before {
	struct ends all, own;
};

static struct before without(int who, int market)
{
	return (struct before){ends_of(-1, market), ends_of(who, market)};
}

static void judge_order(const struct seen *s, struct before before)
{
	int64_t amount = base(s->market, s->is.qty);
	struct ends e = ends_of(-1, s->market), at = prices_of(s);
	assert_true(amount <= order_qty[s->market]);
	assert_true(order_worth(s, amount) <= CASH(ORDER_WORTH));
	if (s->is.side == side_buy && e.longs > 0)
		assert_true(end_worth(s->market, e.longs, at.longs) <= CASH(POSITION_WORTH));
	if (s->is.side == side_sell && e.shorts < 0)
		assert_true(end_worth(s->market, e.shorts, at.shorts) <= CASH(POSITION_WORTH));
	judge_sums(s, before.all);
	judge_own(s, before.own);
	if (s->is.price != 0)
		judge_collar(s, s->is.price);
}

/* ---- what was published ---- */

static struct seen *find(const char *id)
{
	for (uint32_t i = 0; i < j.n; i++)
		if (strcmp(j.open[i].id, id) == 0)
			return &j.open[i];
	return NULL;
}

static bool is_exit(const struct ev_order *e)
{
	return e->link != order_link_oco && (e->leg == order_leg_target || e->leg == order_leg_stop);
}

static void on_new(const struct ev_order *e)
{
	must(j.n < ORDERS);
	int market = market_of(&e->instrument);
	struct before before = without(who_is(e->strategy), market);
	struct seen *s = &j.open[j.n++];
	*s = (struct seen){.who = who_is(e->strategy), .market = market, .is = *e};
	event_set_name(s->id, e->client_order_id);
	event_set_name(s->link, e->link_id);
	assert_true(!j.by_timer || j.delayed); /* it arrives */
	assert_int_equal(j.trading, trading_running);
	j.accepted++;
	j.by_way += j.by_timer;
	j.in_other += j.quarters[market] != 4;
	j.sales_of_no_yes += is_contract(market) && e->side == side_sell && j.held[market] <= 0;
	bool second_of_oco = e->leg == order_leg_stop && e->link_id[0] && strcmp(e->link_id, e->client_order_id) != 0;
	if (is_exit(e) || second_of_oco)
		return;
	judge_order(s, before);
	count_order(s);
}

static bool is_over(uint8_t status)
{
	return status == order_status_filled || status == order_status_cancelled || status == order_status_expired;
}

static void on_order(const struct ev_order *e)
{
	struct seen *s = find(e->client_order_id);
	if (e->status == order_status_pending)
		return;
	if (e->status == order_status_rejected || (e->status == order_status_expired && !s)) {
		j.refused[e->reject]++;
		return;
	}
	if (!s) {
		on_new(e);
	} else if (is_over(e->status)) {
		*s = j.open[--j.n];
	} else {
		bool replaced = e->revision != s->is.revision && (e->price != s->is.price || e->qty > s->is.qty);
		struct before before = without(s->who, s->market);
		s->is = *e;
		if (replaced && !is_exit(e))
			judge_order(s, before);
	}
}

static void on_fill(const struct ev_fill *f)
{
	struct seen *s = find(f->client_order_id);
	assert_non_null(s);
	int64_t amount = base(s->market, f->side == side_buy ? f->qty : -f->qty);
	j.held[s->market] += amount;
	j.held_by[s->who][s->market] += amount;
	s->is.filled += f->qty;
	j.fills++;
	assert_true(j.held[s->market] <= position[s->market] && j.held[s->market] >= -position[s->market]);
	/* What closes may go at any price when its time has come. */
	bool closes = is_exit(&s->is) || s->is.reduce_only || s->is.type > order_type_limit ||
		      s->is.link == order_link_oco;
	if (f->liquidity == liquidity_taker && !closes)
		judge_collar(s, f->price);
}

static void on_output(void *ctx, struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_order)
		on_order(&ev->order);
	else if (ev->id == EVENT_fill)
		on_fill(&ev->fill);
	else if (ev->id == EVENT_balance && strcmp(ev->balance.asset, "TWO") == 0)
		j.yes = ev->balance.total;
	else if (ev->id == EVENT_balance && strcmp(ev->balance.asset, "!TWO") == 0)
		j.no = ev->balance.total;
	else if (ev->id == EVENT_allocation)
		j.budget[who_is(ev->allocation.strategy)] = ev->allocation.budget;
	else if (ev->id == EVENT_trading_state)
		j.trading = ev->trading_state.state;
}

#endif
