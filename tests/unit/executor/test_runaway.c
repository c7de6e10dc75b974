/* test_runaway - strategies run away in seeded worlds, and no limit is ever exceeded by a single order.
 *
 * Floods of orders of every kind at every price, by three strategies on two instruments, with cancels, replacements,
 * pauses, kills, and restarts through a snapshot in between. In every other world the second instrument is an event
 * contract, whose short end is contracts of NO, in every fourth a perpetual; in every third it is paid in USDC, and in
 * every third orders arrive later than they were decided. Each word of the executor's is judged (runaway_judge.h).
 */
#include "runaway_judge.h"

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
	static const char *const assets[] = {"USDT", "ONE", "USDC", "TWO"};
	static const int64_t amounts[] = {CASH(100000), CASH(1000), CASH(100000), CASH(100000)};
	s->n_balances = contract ? 3 : 4;
	for (uint32_t i = 0; i < s->n_balances; i++) {
		event_set_name(s->balance[i].asset, assets[i]);
		s->balance[i].amount = amounts[i];
	}
}

static struct executor_settings settings(bool contract, bool delayed)
{
	struct executor_settings s;
	char why[EVENT_TEXT_MAX];
	executor_defaults(&s);
	assert_int_equal(quotes_parse(s.quotes, &s.n_quotes, "USDC=1.25", why, sizeof(why)), 0);
	s.latency.model = delayed ? LATENCY_DRAWN : LATENCY_FIXED;
	assert_int_equal(latency_parse("50%=60ms 100%=900ms", &s.latency.order, why, sizeof(why)), 0);
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

/* Nothing is left of the world before but what was counted. */
static void begin(const struct judge *so_far, bool delayed)
{
	j = (struct judge){.accepted = so_far->accepted,
			   .fills = so_far->fills,
			   .restarts = so_far->restarts,
			   .sales_of_no_yes = so_far->sales_of_no_yes,
			   .by_way = so_far->by_way,
			   .in_other = so_far->in_other,
			   .quarters = {4, 4},
			   .delayed = delayed};
	memcpy(j.refused, so_far->refused, sizeof(j.refused));
}

static void run(uint64_t seed, int events)
{
	bool contract = seed % 2 == 0, delayed = seed % 3 == 1;
	struct executor_settings s = settings(contract, delayed);
	struct sink sink = {NULL, on_output};
	static struct judge so_far;
	so_far = j;
	begin(&so_far, delayed);
	assert_int_equal(executor_new(&s, &j.x), 0);
	world_init(&j.w, seed);
	if (contract || seed % 4 == 1)
		j.w.m[1].def.kind = contract ? instrument_kind_event : instrument_kind_perpetual;
	if (seed % 3 == 0) {
		event_set_name(j.w.m[1].def.quote, "USDC");
		j.quarters[1] = 5;
	}
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
	print_message("accepted %llu (%llu after a way, %llu in USDC) fills %llu restarts %llu bought NO %llu\n",
		      (unsigned long long)j.accepted, (unsigned long long)j.by_way, (unsigned long long)j.in_other,
		      (unsigned long long)j.fills, (unsigned long long)j.restarts,
		      (unsigned long long)j.sales_of_no_yes);
	if (only)
		return;
	assert_true(j.accepted > 3000 && j.fills > 1000 && j.restarts > 100 && j.sales_of_no_yes > 100);
	assert_true(j.by_way > 1000 && j.in_other > 500);
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
