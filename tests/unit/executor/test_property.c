/* test_property - seeded worlds against a plain model: money conserves, fills are real.
 *
 * The model recomputes every balance from the fills alone, keeps the open orders from the order
 * events alone, and judges each fill by the world's own picture of the book.
 */
#include "fill_judge.h"

#include "common/base/fixed.h"

#define ORDERS 512
#define RATE 100000

struct model_order {
	char id[EVENT_NAME_MAX];
	struct judged at;
	char strategy, link_id[EVENT_NAME_MAX];
	int64_t qty, filled, trigger;
	uint32_t fills;
	uint8_t type, trigger_by, leg;
	bool reduce_only;
};

#define LINKS 4096

struct model_link { /* what its legs have filled in all */
	char id[EVENT_NAME_MAX];
	int64_t entry, exits, qty; /* qty: of an oco, both together at most */
};

struct model {
	struct world w;
	struct executor *x;
	struct model_order open[ORDERS];
	uint32_t n;
	int64_t cash, base[WORLD_MARKETS], pos_cost[WORLD_MARKETS];
	int64_t bought, sold, fees, realised;
	int64_t locked_quote, locked_base[WORLD_MARKETS]; /* as last told */
	uint64_t fills, takers, makers, partials, triggered, linked, reduced;
	struct model_link link[LINKS];
	uint32_t n_links;
	int64_t held[256][WORLD_MARKETS]; /* by the first letter of the strategy */
	uint8_t trading;
	struct fill_judge by;
};

static struct world_market *market_of(struct model *o, const struct symbol *s)
{
	for (int i = 0; i < WORLD_MARKETS; i++)
		if (symbol_equal(&o->w.m[i].def.instrument, s))
			return &o->w.m[i];
	fail();
	return NULL;
}

static struct model_order *find(struct model *o, const char *id)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (strcmp(o->open[i].id, id) == 0)
			return &o->open[i];
	return NULL;
}

static struct model_link *link_of(struct model *o, const struct model_order *mo)
{
	for (uint32_t i = 0; i < o->n_links; i++)
		if (strcmp(o->link[i].id, mo->link_id) == 0)
			return &o->link[i];
	assert_true(o->n_links < LINKS);
	struct model_link *l = &o->link[o->n_links++];
	*l = (struct model_link){0};
	event_set_name(l->id, mo->link_id);
	return l;
}

/* Exits never close more than their entry has opened; one of an oco leaves the other only the rest. */
static void judge_link(struct model *o, const struct model_order *mo, int64_t qty)
{
	if (!mo->link_id[0])
		return;
	struct model_link *l = link_of(o, mo);
	if (mo->leg == order_leg_entry)
		l->entry += qty;
	else
		l->exits += qty;
	assert_true(l->exits <= (l->qty ? l->qty : l->entry));
	o->linked += mo->leg != order_leg_entry;
}

/* What may only reduce goes towards zero, and never through it. */
static void judge_holding(struct model *o, const struct model_order *mo, int64_t moved)
{
	int64_t *held = &o->held[(unsigned char)mo->strategy][mo->at.m - o->w.m], was = *held;
	*held += moved;
	if (!mo->reduce_only)
		return;
	assert_true(was > 0 ? moved < 0 && *held >= 0 : moved > 0 && *held <= 0);
	o->reduced++;
}

static void on_fill(struct model *o, const struct ev_fill *f)
{
	struct model_order *mo = find(o, f->client_order_id);
	int64_t cost, fee;
	assert_non_null(mo);
	fill_judge_on_fill(&o->by, &mo->at, f);
	assert_int_equal(fixed_mul(f->price, f->price_scale, f->qty, f->qty_scale, 8, &cost), 0);
	assert_int_equal(fixed_mul(cost, 8, RATE, 8, 8, &fee), 0);
	assert_int_equal(f->fee, fee);
	assert_int_equal(f->fill_id, ++o->fills);
	int64_t qty = f->qty * fixed_pow10(8 - f->qty_scale);
	int64_t sign = f->side == side_buy ? 1 : -1;
	o->cash -= sign * cost + fee;
	o->base[mo->at.m - o->w.m] += sign * qty;
	o->pos_cost[mo->at.m - o->w.m] += sign * cost + f->realised;
	o->realised += f->realised;
	o->fees += fee;
	mo->filled += f->qty;
	mo->fills++;
	assert_true(mo->filled <= mo->qty);
	judge_link(o, mo, f->qty);
	judge_holding(o, mo, sign * qty);
	o->takers += f->liquidity == liquidity_taker;
	o->makers += f->liquidity == liquidity_maker;
	o->partials += f->qty < mo->qty;
}

static void note(struct model *o, struct model_order *mo, const struct ev_order *e)
{
	if (mo->at.price != e->price)
		queue_judge_leave(mo->at.place);
	mo->at.price = e->price;
	mo->qty = e->qty;
	mo->trigger = e->trigger_price;
	mo->at.waits = e->status == order_status_waiting;
	mo->reduce_only = e->reduce_only;
	if (e->link == order_link_oco)
		link_of(o, mo)->qty = link_of(o, mo)->qty > e->qty ? link_of(o, mo)->qty : e->qty;
}

/* Is the price, by the world's own picture, where the order said that it would trigger? */
static void judge_trigger(const struct model *o, const struct model_order *mo)
{
	const struct world_market *m = mo->at.m;
	bool stop = mo->type == order_type_stop_market || mo->type == order_type_stop_limit;
	int64_t twice = 0;
	assert_true(fill_judge_usable(&o->by, m));
	if (mo->type == order_type_trailing_stop || mo->leg != order_leg_none)
		return; /* what it has followed is not in this picture; an exit may meet any price */
	if (mo->trigger_by != trigger_by_mid) {
		assert_int_equal(o->by.in->id, EVENT_trade);
		twice = 2 * o->by.in->trade.price;
	} else {
		int32_t bid, ask;
		fill_judge_touch(m, &bid, &ask);
		twice = world_price(m, bid) + world_price(m, ask);
	}
	bool up = (mo->at.side == side_buy) == stop;
	assert_true(up ? twice >= 2 * mo->trigger : twice <= 2 * mo->trigger);
}

static void on_accepted(struct model *o, const struct ev_order *e)
{
	struct world_market *m = market_of(o, &e->instrument);
	assert_true(fill_judge_usable(&o->by, m));
	if (e->intent_ordinal == 0) { /* the executor's own, by its timer: only safe mode is in its way */
		assert_null(o->by.in);
		assert_int_not_equal(o->trading, trading_safe);
	} else {
		assert_int_equal(o->by.in->id, EVENT_intent);
		assert_int_equal(o->trading, trading_running);
		assert_true(o->by.now <= o->by.in->intent.expires_at);
	}
	assert_true(e->qty % m->def.lot_size == 0 && e->price % m->def.tick_size == 0);
	assert_true(o->n < ORDERS);
	queue_judge_leave(o->open[o->n].at.place);
	o->open[o->n] = (struct model_order){
		.at = {.place = o->open[o->n].at.place, .m = m, .side = e->side}, .type = e->type,
		.trigger_by = e->trigger_by, .leg = e->leg, .strategy = e->strategy[0]};
	event_set_name(o->open[o->n].link_id, e->link_id);
	event_set_name(o->open[o->n].id, e->client_order_id);
	note(o, &o->open[o->n++], e);
}

/* What ends without being full must have had nothing more to take. */
static void on_ended(struct model *o, struct model_order *mo, const struct ev_order *e)
{
	bool cancel = o->by.in && o->by.in->id == EVENT_intent &&
		      (o->by.in->intent.kind == intent_kind_cancel || o->by.in->intent.kind == intent_kind_cancel_all);
	bool exhausted = e->reject == reject_none || e->reject == reject_depth;
	if (e->status == order_status_cancelled && !cancel && exhausted)
		assert_int_equal(fill_judge_slot(mo->at.m, mo->at.side, e->price), -1);
	struct queue_judge *place = mo->at.place;
	*mo = o->open[--o->n];
	o->open[o->n].at.place = place;
}

static void on_order(struct model *o, const struct ev_order *e)
{
	struct model_order *mo = find(o, e->client_order_id);
	bool date = e->status == order_status_expired && !o->by.in; /* by the timer: it had been accepted */
	if (e->status == order_status_rejected || (e->status == order_status_expired && !date)) {
		assert_int_equal(e->filled, 0);
		return;
	}
	if (!mo) {
		assert_true(e->status == order_status_open || e->status == order_status_waiting);
		on_accepted(o, e);
		return;
	}
	assert_int_equal(e->filled, mo->filled);
	if (e->status == order_status_triggered && mo->at.waits) { /* again: cut to what there is to reduce */
		judge_trigger(o, mo);
		o->triggered++;
	}
	note(o, mo, e);
	if (e->status == order_status_open || e->status == order_status_waiting || e->status == order_status_triggered)
		return;
	bool shrunk = e->status == order_status_cancelled && mo->leg != order_leg_none; /* nothing to close */
	assert_true(e->status == order_status_filled ? e->filled == e->qty : e->filled < e->qty || shrunk);
	if (e->status != order_status_partial)
		on_ended(o, mo, e);
}

static void on_balance(struct model *o, const struct ev_balance *b)
{
	assert_true(b->locked >= 0);
	assert_true(b->total >= b->locked);
	int i = strcmp(b->asset, "ONE") == 0 ? 0 : 1;
	bool quote = strcmp(b->asset, "USDT") == 0;
	assert_int_equal(b->total, quote ? o->cash : o->base[i]);
	*(quote ? &o->locked_quote : &o->locked_base[i]) = b->locked;
}

/* The stop of two that share a quantity leaves the lock to the other. */
static bool shared(const struct model *o, const struct model_order *mo)
{
	for (uint32_t i = 0; i < o->n && mo->leg == order_leg_stop; i++)
		if (o->open[i].leg == order_leg_target && strcmp(o->open[i].link_id, mo->link_id) == 0)
			return true;
	return false;
}

/* An exit that waits for its entry. */
static bool held(const struct model_order *mo)
{
	return mo->at.waits && (mo->qty == 0 || mo->type == order_type_limit);
}

/* A resting order holds what its rest can still cost, less a unit or two of rounding for each of
 * its fills. */
static void check_locks(const struct model *o)
{
	int64_t base[WORLD_MARKETS] = {0}, quote = 0, slack = 0;
	for (uint32_t i = 0; i < o->n; i++) {
		const struct model_order *mo = &o->open[i];
		int64_t rest = mo->qty - mo->filled, cost, fee;
		if (shared(o, mo) || (mo->at.waits && mo->at.side == side_buy && mo->at.price == 0) || held(mo))
			continue;
		if (mo->at.side == side_sell) {
			base[mo->at.m - o->w.m] += rest * fixed_pow10(8 - mo->at.m->def.qty_scale);
			continue;
		}
		const struct ev_instrument *d = &mo->at.m->def;
		assert_int_equal(fixed_mul(mo->at.price, d->price_scale, rest, d->qty_scale, 8, &cost), 0);
		assert_int_equal(fixed_mul(cost, 8, RATE, 8, 8, &fee), 0);
		quote += cost + fee;
		slack += 2 * mo->fills + 2;
	}
	assert_true(o->locked_quote <= quote + slack && o->locked_quote >= quote - slack);
	for (int i = 0; i < WORLD_MARKETS; i++)
		assert_int_equal(o->locked_base[i], base[i]);
}

static void on_position(struct model *o, const struct ev_position *p)
{
	int64_t i = market_of(o, &p->instrument) - o->w.m, avg = 0;
	assert_int_equal(p->qty * fixed_pow10(8 - p->qty_scale), o->base[i]);
	if (p->qty == 0)
		assert_int_equal(o->pos_cost[i], 0); /* average cost gives back all that was paid */
	else
		assert_int_equal(fixed_div(o->pos_cost[i], 8, p->qty, p->qty_scale, p->price_scale, &avg), 0);
	assert_int_equal(p->avg_price, avg);
}

static void on_output(void *ctx, struct event *ev)
{
	struct model *o = ctx;
	assert_int_equal(ev->ts_event, o->by.now);
	switch (ev->id) {
	case EVENT_order:
		on_order(o, &ev->order);
		break;
	case EVENT_fill:
		on_fill(o, &ev->fill);
		break;
	case EVENT_position:
		on_position(o, &ev->position);
		break;
	case EVENT_balance:
		on_balance(o, &ev->balance);
		break;
	case EVENT_equity:
		assert_int_equal(ev->equity.cash, o->cash);
		assert_int_equal(ev->equity.fees, o->fees);
		assert_int_equal(ev->equity.realised, o->realised);
		break;
	case EVENT_valuation: /* of a position as the last word about it has it */
		assert_int_equal(ev->valuation.rate, 1000000000000);
		break;
	case EVENT_assumption:
		assert_true(ev->assumption.text[0]);
		break;
	default:
		assert_int_equal(ev->trading_state.before, o->trading);
		o->trading = ev->trading_state.state;
	}
}

static void run_timers(struct model *o, const struct sink *sink, int64_t to)
{
	for (int64_t due; (due = executor_core.next_due(o->x)) < to;) {
		fill_judge_begin(&o->by, NULL, due);
		executor_core.on_timer(o->x, due, sink);
	}
}

static void run_world(uint64_t seed, int events, uint64_t totals[7])
{
	static struct model o;
	struct executor_settings s;
	executor_defaults(&s);
	s.queue = (uint8_t)(seed % QUEUE_MODELS);
	static struct queue_judge places[ORDERS];
	o = (struct model){.cash = s.balance[0].amount, .by.queue = s.queue};
	for (uint32_t i = 0; i < ORDERS; i++)
		o.open[i].at.place = &places[i];
	assert_int_equal(executor_new(&s, &o.x), 0);
	struct sink sink = {&o, on_output};
	world_init(&o.w, seed);
	o.w.coherent = true;
	for (int i = 0; i < events + WORLD_MARKETS; i++) {
		struct event ev;
		if (i < WORLD_MARKETS) {
			world_instrument(&o.w, &o.w.m[i], &ev);
		} else {
			world_tick(&o.w);
			run_timers(&o, &sink, o.w.now);
			world_happens(&o.w, &ev);
		}
		ev.origin = origin_simulated;
		fill_judge_begin(&o.by, &ev, o.w.now);
		executor_core.on_event(o.x, o.w.now, &ev, &sink);
		for (uint32_t k = 0; s.queue == QUEUE_BACK && k < o.n; k++)
			fill_judge_look(&o.by, &o.open[k].at, o.w.about);
		assert_int_equal(executor_open_orders(o.x), o.n);
		assert_int_equal(executor_trading(o.x), o.trading);
		assert_true(o.n <= s.open_orders_max);
		check_locks(&o);
	}
	assert_int_equal(executor_counters(o.x)->bad_books, 0);
	totals[0] += o.takers;
	totals[1] += o.makers;
	totals[2] += o.partials;
	totals[3] += executor_counters(o.x)->rejected;
	totals[4] += o.triggered;
	totals[5] += o.linked;
	totals[6] += o.reduced;
	executor_free(o.x);
}

static void worlds_hold(void **state)
{
	(void)state;
	uint64_t totals[7] = {0};
	const char *only = getenv("NJ_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1, last = only ? first : 60;
	for (uint64_t seed = first; seed <= last; seed++)
		run_world(seed, 4000, totals);
	print_message("takers %llu makers %llu partial %llu rejected %llu triggered %llu linked %llu reducing %llu\n",
		      (unsigned long long)totals[0], (unsigned long long)totals[1],
		      (unsigned long long)totals[2], (unsigned long long)totals[3],
		      (unsigned long long)totals[4], (unsigned long long)totals[5],
		      (unsigned long long)totals[6]);
	if (only)
		return;
	assert_true(totals[0] > 1000 && totals[1] > 500 && totals[2] > 1000 && totals[3] > 1000);
	assert_true(totals[4] > 500 && totals[5] > 100 && totals[6] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(worlds_hold)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
