/* test_house - several accounts in one core are, each by itself, cores of one: through a seeded world, word by word.
 *
 * Three accounts with settings of their own take the same inputs as one core, and as three. Intents of the world go to
 * each account in turn.
 */
#include "world.h"

#include "services/executor/executor.h"
#include "services/executor/house.h"

enum { ACCOUNTS = 3, PACKED_MAX = 1 << 15, STEPS = 60000 };

static const char *const names[ACCOUNTS] = {"paper", "hedge", "probe"};

struct said { /* what one account has said, as a running hash */
	uint64_t hash, n;
};

struct both {
	struct said house[ACCOUNTS], alone[ACCOUNTS];
	uint8_t speaks; /* of the step: the latest account that spoke */
	bool in_order;
};

static uint8_t place_of(const struct event *ev)
{
	const char *account = ev->id == EVENT_order	     ? ev->order.account
			      : ev->id == EVENT_fill	     ? ev->fill.account
			      : ev->id == EVENT_position     ? ev->position.account
			      : ev->id == EVENT_balance	     ? ev->balance.account
			      : ev->id == EVENT_equity	     ? ev->equity.account
			      : ev->id == EVENT_valuation    ? ev->valuation.account
			      : ev->id == EVENT_trading_state ? ev->trading_state.account
			      : ev->id == EVENT_assumption    ? ev->assumption.account
							      : "";
	for (uint8_t i = 0; i < ACCOUNTS; i++)
		if (strcmp(names[i], account) == 0)
			return i;
	fail_msg("event %04x is of no account", ev->id);
	return 0;
}

static void note(struct said *s, struct event *ev)
{
	static uint8_t bytes[PACKED_MAX];
	snprintf(ev->source, sizeof(ev->source), "executor");
	int n = codec_pack(ev, bytes, sizeof(bytes));
	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		s->hash = (s->hash ^ bytes[i]) * 1099511628211ull;
	s->n++;
}

static void on_house(void *ctx, struct event *ev)
{
	struct both *b = ctx;
	uint8_t i = place_of(ev);
	b->in_order = b->in_order && i >= b->speaks;
	b->speaks = i;
	note(&b->house[i], ev);
}

static void on_alone(void *ctx, struct event *ev)
{
	struct both *b = ctx;
	note(&b->alone[place_of(ev)], ev);
}

static void settings(struct executor_settings s[ACCOUNTS])
{
	for (int i = 0; i < ACCOUNTS; i++) {
		executor_defaults(&s[i]);
		event_set_name(s[i].account, names[i]);
	}
	s[0].limit[LIMIT_GROSS] = CASH(9000);
	s[1].taker_fee = 200000;
	s[1].guard.cooldown_ns = 200 * MS;
	s[1].guard.drawdown_max = CASH(500);
	s[2].balance[0].amount = CASH(300);
	s[2].equity_interval_ns = 3 * S;
}

static struct house *open_house(const struct executor_settings s[ACCOUNTS], uint32_t n)
{
	struct house *h = NULL;
	assert_int_equal(house_new(s, n, &h), 0);
	return h;
}

static struct house *reborn(struct house *h, const struct executor_settings s[ACCOUNTS], uint32_t n)
{
	struct buf bytes;
	buf_init(&bytes, 1 << 24);
	assert_int_equal(house_core.save(h, &bytes), 0);
	house_free(h);
	h = open_house(s, n);
	assert_int_equal(house_core.load(h, bytes.at, bytes.len), 0);
	buf_fini(&bytes);
	return h;
}

static void timers(const struct core_ops *ops, void *core, int64_t now, const struct sink *out)
{
	while (ops->next_due(core) <= now)
		ops->on_timer(core, ops->next_due(core), out);
}

static void several_are_as_each_alone(void **state)
{
	struct executor_settings s[ACCOUNTS];
	static struct world w;
	static struct both b;
	struct executor *alone[ACCOUNTS];
	struct sink to_house = {&b, on_house}, to_alone = {&b, on_alone};
	(void)state;
	settings(s);
	world_init(&w, 11);
	b.in_order = true;
	struct house *h = open_house(s, ACCOUNTS);
	for (int i = 0; i < ACCOUNTS; i++)
		assert_int_equal(executor_new(&s[i], &alone[i]), 0);
	for (int step = 0; step < STEPS; step++) {
		struct event ev;
		world_next(&w, &ev);
		if (ev.id == EVENT_intent && strcmp(ev.intent.account, "paper") == 0)
			event_set_name(ev.intent.account, names[step % ACCOUNTS]);
		while (house_core.next_due(h) <= w.now) {
			b.speaks = 0;
			house_core.on_timer(h, house_core.next_due(h), &to_house);
		}
		b.speaks = 0;
		house_core.on_event(h, w.now, &ev, &to_house);
		for (int i = 0; i < ACCOUNTS; i++) {
			timers(&executor_core, alone[i], w.now, &to_alone);
			executor_core.on_event(alone[i], w.now, &ev, &to_alone);
		}
		if (step % 10000 == 7777)
			h = reborn(h, s, ACCOUNTS);
	}
	assert_true(b.in_order);
	for (int i = 0; i < ACCOUNTS; i++) {
		assert_int_equal(b.house[i].n, b.alone[i].n);
		assert_true(b.house[i].hash == b.alone[i].hash);
		assert_true(house_at(h, (uint32_t)i)->fills > 20);
		assert_true(b.house[i].n > 1000);
		executor_free(alone[i]);
	}
	house_free(h);
}

/* ---- by hand ---- */

static struct desk d;

static void desk_of_two(struct house **ret_house)
{
	struct executor_settings s[ACCOUNTS];
	settings(s);
	*ret_house = open_house(s, 2);
	d = (struct desk){.now = 1000 * S, .origin = origin_simulated};
	d.out = calloc(DESK_OUT_MAX, sizeof(*d.out));
	d.sink = (struct sink){&d, desk_take};
}

static void feed(struct house *h, struct event *ev)
{
	ev->origin = d.origin;
	ev->ts_event = ev->ts_recv = d.now;
	snprintf(ev->source, sizeof(ev->source), "test");
	desk_clear(&d);
	house_core.on_event(h, d.now, ev, &d.sink);
}

/* 99.00 x 1 | 100.00 x 1 */
static void show_book(struct house *h)
{
	struct level bid = {9900, 1000}, ask = {10000, 1000};
	struct event ev = desk_definition("ONE.TEST", "ONE");
	feed(h, &ev);
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){&bid, 1};
	ev.book_snapshot.asks = (struct levels){&ask, 1};
	feed(h, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol("ONE.TEST");
	ev.book_state.state = book_state_trusted;
	feed(h, &ev);
}

static void buy(struct house *h, const char *account)
{
	struct event ev = desk_intent(&d, side_buy, tif_ioc, 0, 1000);
	event_set_name(ev.intent.account, account);
	feed(h, &ev);
}

static void command(struct house *h, enum verb verb, const char *target, const char *value)
{
	struct event ev = desk_command_of("ann", verb, "why", 0);
	event_set_name(ev.command.target, target);
	event_set_name(ev.command.value, value);
	feed(h, &ev);
}

static void close_two(struct house *h)
{
	house_free(h);
	free(d.out);
}

/* Both buy the only piece on offer: what one has taken is not gone for the other. */
static void each_has_its_own_book(void **state)
{
	struct house *h;
	(void)state;
	desk_of_two(&h);
	show_book(h);
	buy(h, "paper");
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	buy(h, "hedge");
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	assert_string_equal(desk_last(&d, EVENT_order)->order.account, "hedge");
	buy(h, "hedge");
	desk_expect_order(&d, order_status_rejected, reject_depth, 0);
	buy(h, "nobody");
	assert_int_equal(d.n, 0);
	close_two(h);
}

static void commands_are_for_whom_they_name(void **state)
{
	struct house *h;
	char text[EVENT_TEXT_MAX];
	(void)state;
	desk_of_two(&h);
	show_book(h);
	command(h, verb_pause, "hedge", "");
	house_say(h, "", text, sizeof(text));
	assert_string_equal(text, "paper running, hedge paused");
	house_say(h, "hedge", text, sizeof(text));
	assert_string_equal(text, "paused");
	assert_int_equal(house_trading(h), trading_paused);
	house_names(h, text, sizeof(text));
	assert_string_equal(text, "paper, hedge");
	assert_true(house_has(h, "hedge") && !house_has(h, "hedg"));
	buy(h, "paper");
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	buy(h, "hedge");
	desk_expect_order(&d, order_status_rejected, reject_paused, 0);
	close_two(h);
}

static void the_kill_switch_is_everybodys(void **state)
{
	struct house *h;
	(void)state;
	desk_of_two(&h);
	show_book(h);
	command(h, verb_kill, "hedge", "");
	assert_true(house_all_killed(h));
	assert_int_equal(desk_count(&d, EVENT_trading_state), 2);
	command(h, verb_unkill, "paper", "");
	assert_int_equal(house_trading(h), trading_running);
	close_two(h);
}

static void a_reload_leaves_an_accounts_own_settings(void **state)
{
	struct executor_settings s[ACCOUNTS];
	struct house *h;
	int64_t value;
	(void)state;
	settings(s);
	s[1].pinned = UINT64_C(1) << executor_live_place("gross_max");
	h = open_house(s, 2);
	d = (struct desk){.now = 1000 * S, .origin = origin_simulated};
	d.out = calloc(DESK_OUT_MAX, sizeof(*d.out));
	d.sink = (struct sink){&d, desk_take};
	command(h, verb_reload, "executor.gross_max", "77");
	command(h, verb_reload, "executor.net_max", "55");
	assert_int_equal(executor_live_value(house_at(h, 0), "gross_max", &value), 0);
	assert_int_equal(value, CASH(77));
	assert_int_equal(executor_live_value(house_at(h, 1), "gross_max", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(executor_live_value(house_at(h, 1), "net_max", &value), 0);
	assert_int_equal(value, CASH(55));
	close_two(h);
}

/* A state of one account, as it was before there could be several: the second begins with its own money, and with the
 * books that the first knows. */
static void a_new_account_joins(void **state)
{
	struct executor_settings s[ACCOUNTS];
	struct house *h;
	(void)state;
	settings(s);
	desk_of_two(&h);
	house_free(h);
	h = open_house(s, 1);
	show_book(h);
	buy(h, "paper");
	struct event trade, def = desk_definition("ONE.TEST", "ONE");
	def.instrument.band_by = band_by_mean;
	def.instrument.band_minutes = 1;
	feed(h, &def);
	event_init(&trade, EVENT_trade);
	trade.trade = (struct ev_trade){.instrument = desk_symbol("ONE.TEST"), .price_scale = 2, .qty_scale = 3,
					.price = 9900, .qty = 1};
	feed(h, &trade);
	h = reborn(h, s, 1);
	h = reborn(h, s, 2);
	h = reborn(h, s, 3);
	buy(h, "hedge");
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	assert_int_equal(account_find(&house_at(h, 0)->account, "ONE")->total, CASH(1));
	assert_int_equal(markets_at(&house_at(h, 0)->markets, 0)->position.qty, 1000);
	assert_int_equal(markets_at(&house_at(h, 2)->markets, 0)->position.qty, 0);
	assert_int_equal(markets_at(&house_at(h, 2)->markets, 0)->last, 9900);
	int64_t shown_at = markets_at(&house_at(h, 0)->markets, 0)->shown_at;
	assert_true(shown_at != 0);
	assert_int_equal(markets_at(&house_at(h, 2)->markets, 0)->shown_at, shown_at);
	const struct band_mean *mean = &markets_at(&house_at(h, 2)->markets, 0)->mean;
	assert_int_equal(mean->at[mean->newest % BAND_SLICES].qty, 1);
	assert_int_equal(account_find(&house_at(h, 2)->account, "USDT")->total, CASH(300));
	close_two(h);
}

static void an_account_does_not_vanish(void **state)
{
	struct executor_settings s[ACCOUNTS];
	struct house *h, *less;
	struct buf bytes;
	(void)state;
	settings(s);
	h = open_house(s, 3);
	less = open_house(s, 2);
	buf_init(&bytes, 1 << 24);
	assert_int_equal(house_core.save(h, &bytes), 0);
	assert_int_equal(house_core.load(less, bytes.at, bytes.len), ERR_DIFFERS);
	for (size_t cut = 0; cut < bytes.len; cut += 1 + bytes.len / 200) {
		house_free(less);
		less = open_house(s, 3);
		assert_true(house_core.load(less, bytes.at, cut) < 0);
	}
	buf_fini(&bytes);
	house_free(h);
	house_free(less);
}

static void its_journal_goes_back_to_each(void **state)
{
	struct executor_settings s[ACCOUNTS];
	struct house *h, *again;
	(void)state;
	settings(s);
	desk_of_two(&h);
	again = open_house(s, 2);
	show_book(h);
	show_book(again);
	buy(h, "hedge");
	for (uint32_t i = 0; i < d.n; i++)
		house_core.on_own(again, &d.out[i]);
	assert_int_equal(markets_at(&house_at(again, 1)->markets, 0)->position.qty, 1000);
	assert_int_equal(markets_at(&house_at(again, 0)->markets, 0)->position.qty, 0);
	struct event stranger = d.out[0];
	event_set_name(stranger.order.account, "gone");
	house_core.on_own(again, &stranger);
	assert_int_equal(house_counters(again)->quarantined, 1);
	house_free(again);
	close_two(h);
}

static void names_are_there_once(void **state)
{
	struct executor_settings s[ACCOUNTS];
	struct house *h = NULL;
	(void)state;
	settings(s);
	event_set_name(s[2].account, "paper");
	assert_int_equal(house_new(s, 3, &h), ERR_RANGE);
	assert_int_equal(house_new(s, 0, &h), ERR_RANGE);
	assert_int_equal(house_new(s, HOUSE_MAX + 1, &h), ERR_RANGE);
	assert_null(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_are_as_each_alone),
		cmocka_unit_test(each_has_its_own_book),
		cmocka_unit_test(commands_are_for_whom_they_name),
		cmocka_unit_test(the_kill_switch_is_everybodys),
		cmocka_unit_test(a_reload_leaves_an_accounts_own_settings),
		cmocka_unit_test(a_new_account_joins),
		cmocka_unit_test(an_account_does_not_vanish),
		cmocka_unit_test(its_journal_goes_back_to_each),
		cmocka_unit_test(names_are_there_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
