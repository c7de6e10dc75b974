/* test_runaway - strategies run away in seeded worlds, and no limit is ever exceeded by a single order.
 *
 * Floods of orders of every kind at every price, by three strategies on two instruments, with cancels, replacements,
 * pauses, kills, and restarts through a snapshot in between. In every other world the second instrument is an event
 * contract, whose short end is contracts of NO, in every fourth a perpetual. The judge knows nothing of the executor's:
 * it keeps positions from the fills and open orders from the order events that were published, and the world's own
 * books. What is held is judged at every fill, what it could become after every step (in the middle of one, orders
 * that are linked have not followed each other yet), and what an order may do when it is accepted.
 */
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
	int64_t budget[STRATEGIES];                                      /* as last told; 0 none */
	int64_t times[TIMES], times_of_a[TIMES];                         /* of accepted orders */
	uint32_t n_times, n_times_of_a;
	uint8_t trading;
	bool by_timer;
	int64_t now;
	uint64_t accepted, fills, restarts, sales_of_no_yes, refused[256];
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

/* amount * twice / 2 as whole units of 1e-8 of quote, in 128 bits; rounded down: an honest limit is not that near. */
static fixed_wide worth(int market, int64_t amount, int64_t twice)
{
	return (fixed_wide)amount * twice / 2 / fixed_pow10(j.w.m[market].def.price_scale);
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

/* What an order is worth at least. Who sells more than all the YES that can be there buys NO. YES is what is held, and
 * what stands beside NO that open purchases have locked; of less, it may be the YES that is sold. */
static fixed_wide order_worth(const struct seen *s, int64_t amount)
{
	struct ends e = ends_of(-1, s->market);
	int64_t against = s->is.side == side_sell ? e.longs : -e.shorts;
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
	assert_false(j.by_timer);
	assert_int_equal(j.trading, trading_running);
	j.accepted++;
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
	else if (ev->id == EVENT_allocation)
		j.budget[who_is(ev->allocation.strategy)] = ev->allocation.budget;
	else if (ev->id == EVENT_trading_state)
		j.trading = ev->trading_state.state;
}

/* ---- the flood ---- */

static void id_of(char out[EVENT_NAME_MAX], int who, uint64_t ordinal)
{
	snprintf(out, EVENT_NAME_MAX, "%s%llu", names[who], (unsigned long long)ordinal);
}

static int64_t near(struct world_market *m, int64_t reach)
{
	return world_price(m, m->touch + (int32_t)world_roll(&j.w, 2 * reach + 1) - (int32_t)reach);
}

static void set_type(struct world_market *m, struct ev_intent *in)
{
	bool has_price = in->type == order_type_limit || in->type == order_type_stop_limit ||
			 in->type == order_type_take_profit_limit;
	bool triggered = in->type > order_type_limit && in->type != order_type_trailing_stop;
	if (has_price)
		in->price = near(m, world_roll(&j.w, 10) ? 6 : 30);
	if (triggered) {
		bool up = (in->side == side_buy) == (in->type <= order_type_stop_limit);
		in->trigger_price =
			world_price(m, m->touch + (int32_t)(up ? 2 : -3) * (int32_t)(1 + world_roll(&j.w, 3)));
		in->trigger_by = (uint8_t)(1 + world_roll(&j.w, 2));
	}
	if (in->type == order_type_trailing_stop)
		in->trail_bp = 1 + (uint32_t)world_roll(&j.w, 50);
	in->tif = in->type == order_type_market ? tif_ioc : world_roll(&j.w, 4) ? tif_gtc : tif_gtd;
	if (in->type == order_type_limit && world_roll(&j.w, 4) == 0)
		in->tif = (uint8_t)(tif_ioc + world_roll(&j.w, 2));
	if (in->tif == tif_gtd)
		in->good_until = j.w.now + world_roll(&j.w, 5 * S) + 1;
	in->post_only = in->type == order_type_limit && in->tif == tif_gtc && world_roll(&j.w, 8) == 0;
}

static void set_link(struct world_market *m, struct ev_intent *in, int who)
{
	int32_t up = in->side == side_buy ? 1 : -1;
	if (in->type == order_type_limit && in->tif == tif_gtc && world_roll(&j.w, 6) == 0) {
		in->link = order_link_oco;
		in->stop_price = in->price + up * (4 + world_roll(&j.w, 20)) * m->def.tick_size;
		id_of(in->stop_id, who, ++j.w.ordinal[who]);
	} else if (in->type <= order_type_limit && world_roll(&j.w, 5) == 0) {
		int64_t from = in->price != 0 ? in->price : world_price(m, m->touch);
		in->link = order_link_bracket;
		in->reduce_only = false;
		in->target_price = from + up * (2 + world_roll(&j.w, 4)) * m->def.tick_size;
		in->stop_price = from - up * (2 + world_roll(&j.w, 4)) * m->def.tick_size;
		id_of(in->target_id, who, ++j.w.ordinal[who]);
		id_of(in->stop_id, who, ++j.w.ordinal[who]);
	}
}

static void wish_order(struct world_market *m, struct ev_intent *in, int who)
{
	in->kind = intent_kind_order;
	in->side = (uint8_t)(1 + world_roll(&j.w, 2));
	in->type = (uint8_t)(world_roll(&j.w, 2) ? 1 + world_roll(&j.w, 2) : 1 + world_roll(&j.w, 7));
	in->qty = world_qty(&j.w, m) * (1 + world_roll(&j.w, 3));
	if (world_roll(&j.w, 10) == 0)
		in->qty *= 5;
	if (is_contract(m == &j.w.m[1])) /* many that fit */
		in->qty = 5 * (1 + in->qty / 40);
	in->reduce_only = world_roll(&j.w, 8) == 0;
	set_type(m, in);
	if (in->type == order_type_market && in->side == side_buy && !in->reduce_only && world_roll(&j.w, 4) == 0) {
		in->amount = CASH(1 + world_roll(&j.w, 1000));
		in->cash_scale = 8;
		in->qty = 0;
	}
	if (in->amount == 0)
		set_link(m, in, who);
}

static void wish_other(struct world_market *m, struct ev_intent *in, int who)
{
	int64_t what = world_roll(&j.w, 20);
	const struct seen *s = j.n > 0 ? &j.open[world_roll(&j.w, j.n)] : NULL;
	id_of(in->client_order_id, who, 1 + (uint64_t)world_roll(&j.w, (int64_t)in->ordinal));
	if (s && world_roll(&j.w, 4)) {
		event_set_name(in->client_order_id, s->id);
		event_set_name(in->strategy, names[s->who]);
		in->ordinal = s->who == who ? in->ordinal : ++j.w.ordinal[s->who];
		in->instrument = j.w.m[s->market].def.instrument;
		m = &j.w.m[s->market];
		in->price_scale = m->def.price_scale;
		in->qty_scale = m->def.qty_scale;
	}
	in->kind = what == 0 ? intent_kind_cancel_all : what < 8 ? intent_kind_cancel : intent_kind_replace;
	if (in->kind == intent_kind_cancel_all) {
		in->scope = (uint8_t)(1 + world_roll(&j.w, 2));
	} else if (in->kind == intent_kind_replace) {
		in->price = world_roll(&j.w, 2) ? near(m, 8) : 0;
		in->qty = world_roll(&j.w, 2) ? world_qty(&j.w, m) * (1 + world_roll(&j.w, 6)) : 0;
	}
}

static void flood(struct event *ev)
{
	int who = (int)world_roll(&j.w, STRATEGIES);
	struct world_market *m = &j.w.m[world_roll(&j.w, WORLD_MARKETS)];
	event_init(ev, EVENT_intent);
	ev->epoch = 1;
	struct ev_intent *in = &ev->intent;
	event_set_name(in->account, "paper");
	event_set_name(in->strategy, names[who]);
	in->ordinal = ++j.w.ordinal[who];
	id_of(in->client_order_id, who, in->ordinal);
	in->instrument = m->def.instrument;
	in->price_scale = m->def.price_scale;
	in->qty_scale = m->def.qty_scale;
	in->expires_at = j.w.now + 2 * S;
	if (world_roll(&j.w, 5))
		wish_order(m, in, who);
	else
		wish_other(m, in, who);
}

static void command(struct event *ev)
{
	static const uint8_t verbs[] = {verb_pause, verb_kill,	 verb_resume, verb_reset, verb_unkill, verb_resume,
					verb_reset, verb_unkill, verb_resume, verb_reset, verb_unkill, verb_unkill};
	event_init(ev, EVENT_command);
	event_set_name(ev->command.owner, "ann");
	ev->command.role = role_operator;
	ev->command.verb = verbs[world_roll(&j.w, ARRAY_LEN(verbs))];
	ev->command.until = ev->command.verb == verb_pause ? j.w.now + world_roll(&j.w, S) : 0;
}

/* What the world's books say: usable ones with two sides have a mid. */
static void look_at_books(void)
{
	for (int i = 0; i < WORLD_MARKETS; i++) {
		const struct world_market *m = &j.w.m[i];
		int32_t bid = -1, ask = SLOTS;
		for (int32_t k = 0; k < SLOTS; k++) {
			bid = m->qty[0][k] ? k : bid;
			ask = m->qty[1][k] && k < ask ? k : ask;
		}
		if (m->state == book_state_trusted && m->has_book && bid >= 0 && ask < SLOTS && bid < ask)
			j.mark[i] = world_price(m, bid) + world_price(m, ask);
	}
}

/* What is held at the start: enough for all that the limits allow, but no YES, so that sales buy NO. */
static void set_balances(struct executor_settings *s, bool contract)
{
	static const char *const assets[] = {"USDT", "ONE", "TWO"};
	static const int64_t amounts[] = {CASH(100000), CASH(1000), CASH(100000)};
	s->n_balances = contract ? 2 : 3;
	for (uint32_t i = 0; i < s->n_balances; i++) {
		event_set_name(s->balance[i].asset, assets[i]);
		s->balance[i].amount = amounts[i];
	}
}

static struct executor_settings settings(bool contract)
{
	struct executor_settings s;
	char why[EVENT_TEXT_MAX];
	executor_defaults(&s);
	set_balances(&s, contract);
	s.allocation = (struct allocation_settings){
		.method = allocation_method_fixed, .every_ns = 10 * S, .window = 3, .leverage = 1};
	assert_int_equal(allocation_parse(&s.allocation, BUDGETS, why, sizeof(why)), 0);
	s.open_orders_max = OPEN_MAX;
	s.limit[LIMIT_ORDER_QTY] = order_qty[1];
	s.limit[LIMIT_ORDER_NOTIONAL] = CASH(ORDER_WORTH);
	s.limit[LIMIT_POSITION_QTY] = position[1];
	s.limit[LIMIT_POSITION_NOTIONAL] = CASH(POSITION_WORTH);
	s.limit[LIMIT_GROSS] = CASH(GROSS);
	s.limit[LIMIT_NET] = CASH(NET);
	s.limit[LIMIT_COLLAR] = COLLAR;
	s.limit[LIMIT_SECOND] = SECOND_MAX;
	s.limit[LIMIT_MINUTE] = MINUTE_MAX;
	s.guard.cooldown_ns = 20 * MS;
	s.guard.stops_max = 3;
	s.guard.stops_within_ns = 5 * S;
	s.guard.stops_pause_ns = S / 2;
	s.guard.day_loss_max = CASH(60);
	static const char limits[] = "gross_max@a=500,orders_second_max@a=3,open_orders_max@b=5,"
				     "order_qty_max@ONE.TEST=4,position_qty_max@ONE.TEST=5";
	int n = limits_parse(limits, s.scope, why, sizeof(why));
	assert_int_equal(n, 3);
	s.n_scopes = (uint32_t)n;
	return s;
}

static void restart(const struct executor_settings *s)
{
	struct executor *y = NULL;
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	assert_int_equal(executor_core.save(j.x, &bytes), 0);
	assert_int_equal(executor_new(s, &y), 0);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), 0);
	executor_free(j.x);
	j.x = y;
	j.restarts++;
	buf_fini(&bytes);
}

static void run_timers(const struct sink *sink, int64_t to)
{
	j.by_timer = true;
	for (int64_t due; (due = executor_core.next_due(j.x)) < to;) {
		j.now = due;
		executor_core.on_timer(j.x, due, sink);
		judge_positions();
	}
	j.by_timer = false;
}

/* As the world has it, with books that can be used for most of the time. */
static void market(struct event *ev)
{
	struct world_market was[WORLD_MARKETS];
	memcpy(was, j.w.m, sizeof(was));
	for (;;) {
		world_happens(&j.w, ev);
		bool bad = ev->id == EVENT_book_state && ev->book_state.state != book_state_trusted;
		bad = bad && world_roll(&j.w, 8);
		if (ev->id != EVENT_intent && ev->id != EVENT_command && !bad)
			return;
		memcpy(j.w.m, was, sizeof(was));
	}
}

static void happen(struct event *ev)
{
	int64_t what = world_roll(&j.w, 1000);
	if (what < 15)
		command(ev);
	else if (what < 600)
		flood(ev);
	else
		market(ev);
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = j.w.now;
	snprintf(ev->source, sizeof(ev->source), "world");
}

static void run(uint64_t seed, int events)
{
	bool contract = seed % 2 == 0;
	struct executor_settings s = settings(contract);
	struct sink sink = {NULL, on_output};
	uint64_t totals[] = {j.accepted, j.fills, j.restarts, j.sales_of_no_yes}, refused[256];
	memcpy(refused, j.refused, sizeof(refused));
	j = (struct judge){
		.accepted = totals[0], .fills = totals[1], .restarts = totals[2], .sales_of_no_yes = totals[3]};
	memcpy(j.refused, refused, sizeof(refused));
	assert_int_equal(executor_new(&s, &j.x), 0);
	world_init(&j.w, seed);
	if (contract || seed % 4 == 1)
		j.w.m[1].def.kind = contract ? instrument_kind_event : instrument_kind_perpetual;
	for (int i = 0; i < events + WORLD_MARKETS; i++) {
		struct event ev;
		j.w.now += 1 + world_roll(&j.w, world_roll(&j.w, 100) ? 40 * MS : 3 * S);
		run_timers(&sink, j.w.now);
		if (i < WORLD_MARKETS)
			world_instrument(&j.w, &j.w.m[i], &ev);
		else
			happen(&ev);
		ev.origin = origin_simulated;
		ev.ts_event = ev.ts_recv = j.now = j.w.now;
		look_at_books();
		executor_core.on_event(j.x, j.now, &ev, &sink);
		assert_int_equal(executor_open_orders(j.x), j.n);
		judge_positions();
		if (world_roll(&j.w, 300) == 0)
			restart(&s);
	}
	executor_free(j.x);
}

static void bites(enum reject reject, uint64_t least)
{
	print_message("%-18s %llu\n", enum_text(enum_reject(), (uint8_t)reject), (unsigned long long)j.refused[reject]);
	assert_true(j.refused[reject] >= least);
}

static void no_limit_is_ever_exceeded(void **state)
{
	(void)state;
	const char *only = getenv("NJ_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1, last = only ? first : 30;
	for (uint64_t seed = first; seed <= last; seed++)
		run(seed, 6000);
	print_message("accepted %llu fills %llu restarts %llu bought NO %llu\n", (unsigned long long)j.accepted,
		      (unsigned long long)j.fills, (unsigned long long)j.restarts,
		      (unsigned long long)j.sales_of_no_yes);
	if (only)
		return;
	assert_true(j.accepted > 3000 && j.fills > 1000 && j.restarts > 100 && j.sales_of_no_yes > 100);
	bites(reject_risk_qty, 50);
	bites(reject_risk_notional, 50);
	bites(reject_risk_position, 50);
	bites(reject_risk_gross, 50);
	bites(reject_risk_net, 50);
	bites(reject_risk_budget, 50);
	bites(reject_risk_rate, 50);
	bites(reject_risk_open_orders, 20);
	bites(reject_risk_collar, 50);
	bites(reject_risk_cooldown, 20);
	bites(reject_risk_stops, 20);
	bites(reject_killed, 20);
	bites(reject_halted, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_limit_is_ever_exceeded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
