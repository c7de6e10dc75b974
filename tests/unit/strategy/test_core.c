/* test_core - the host: intents and their times, no data no trade, feedback, state. */
#include "stage.h"

#include "proto/order_id.h"

/* A strategy that does what the test tells it next, on the event after. */
struct puppet_state {
	uint64_t events;
	uint64_t orders;
};

static struct { /* strings on the puppet: the test's, so they are outside of its state */
	struct strategy_wish wish;
	bool want;
	uint64_t cancel;
	int rc;
	uint64_t ordinal;
	/* what it saw */
	uint32_t calls;
	uint64_t events; /* by its own count */
	uint16_t last_id;
	int64_t position;
	uint32_t open;
	struct strategy_open first;
	struct level best;
	bool has_best;
	int64_t lots;
} puppet;

static void puppet_on_event(void *state, struct strategy_ctx *ctx, const struct event *ev)
{
	struct puppet_state *s = state;
	puppet.events = ++s->events;
	puppet.calls++;
	puppet.last_id = ev->id;
	puppet.position = strategy_position(ctx);
	puppet.open = strategy_open_orders(ctx);
	if (puppet.open)
		puppet.first = *strategy_open_order(ctx, 0);
	puppet.has_best = strategy_level(ctx, side_sell, 0, &puppet.best);
	puppet.lots = strategy_qty(ctx, 123456789);
	assert_int_equal(strategy_now(ctx), ev->ts_recv);
	if (puppet.want) {
		puppet.rc = strategy_order(ctx, &puppet.wish, &puppet.ordinal);
		s->orders += puppet.rc == 0;
	}
	if (puppet.cancel)
		puppet.rc = strategy_cancel(ctx, puppet.cancel, "enough");
	puppet.want = false;
	puppet.cancel = 0;
}

static const struct strategy puppet_strategy = {
	.name = "puppet",
	.doc = "Does what it is told.",
	.state_size = sizeof(struct puppet_state),
	.version = 3,
	.wants_book = true,
	.on_event = puppet_on_event,
};

static struct stage st;

static struct strategy_core_settings settings(void)
{
	struct strategy_core_settings s;
	strategy_core_defaults(&s);
	stage_seat(&s, "p", &puppet_strategy);
	return s;
}

static int open_stage(void **state)
{
	(void)state;
	struct strategy_core_settings s = settings();
	memset(&puppet, 0, sizeof(puppet));
	stage_open(&st, &s);
	stage_book(&st);
	return 0;
}

static int close_stage(void **state)
{
	(void)state;
	stage_close(&st);
	return 0;
}

static int wish(int64_t price, int64_t qty)
{
	puppet.wish = (struct strategy_wish){
		.side = side_buy,
		.type = price ? order_type_limit : order_type_market,
		.tif = price ? tif_gtc : tif_ioc,
		.price = price,
		.qty = qty,
		.reason = "because",
	};
	puppet.want = true;
	stage_delta(&st, side_buy, 9900, 1000);
	return puppet.rc;
}

static void an_intent_says_everything(void **state)
{
	(void)state;
	char id[EVENT_NAME_MAX];
	st.now += 7;
	assert_int_equal(wish(9900, 50), 0);
	assert_int_equal(st.n, 1);
	const struct event *ev = &st.out[0];
	assert_int_equal(ev->id, EVENT_intent);
	assert_int_equal(ev->origin, origin_replay);
	assert_int_equal(ev->ts_event, st.now);
	assert_int_equal(ev->ts_recv, st.now + 50 * MS);
	assert_int_equal(ev->intent.expires_at, st.now + 50 * MS + 2 * S);
	assert_int_equal(ev->intent.kind, intent_kind_order);
	assert_string_equal(ev->intent.account, "paper");
	assert_string_equal(ev->intent.strategy, "p");
	assert_int_equal(ev->intent.ordinal, 1);
	assert_string_equal(ev->intent.instrument.s, "ONE.TEST");
	assert_int_equal(ev->intent.price_scale, 2);
	assert_int_equal(ev->intent.qty_scale, 3);
	assert_int_equal(ev->intent.price, 9900);
	assert_int_equal(ev->intent.qty, 50);
	assert_string_equal(ev->intent.cause_source, "collector");
	assert_int_equal(ev->intent.cause_at, st.now);
	assert_string_equal(ev->intent.reason, "because");
	order_id(&(struct order_id_parts){"paper", "p", "run", 1}, id);
	assert_string_equal(ev->intent.client_order_id, id);
	assert_int_equal(puppet.ordinal, 1);
}

static void a_cancel_names_its_order(void **state)
{
	(void)state;
	wish(9900, 50);
	puppet.cancel = 1;
	stage_delta(&st, side_buy, 9900, 1000);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(st.n, 2);
	assert_int_equal(st.out[1].intent.kind, intent_kind_cancel);
	assert_int_equal(st.out[1].intent.ordinal, 2);
	assert_string_equal(st.out[1].intent.client_order_id, st.out[0].intent.client_order_id);
	puppet.cancel = 1;
	stage_delta(&st, side_buy, 9900, 1000);
	assert_int_equal(puppet.rc, ERR_EXISTS);
	puppet.cancel = 2;
	stage_delta(&st, side_buy, 9900, 1000);
	assert_int_equal(puppet.rc, ERR_NOT_FOUND);
	assert_int_equal(st.n, 2);
}

static int wish_on_trade(void)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.trade.instrument = stage_symbol("ONE.TEST");
	puppet.wish = (struct strategy_wish){.side = side_buy, .type = order_type_market, .tif = tif_ioc, .qty = 10};
	puppet.want = true;
	stage_feed(&st, &ev);
	return puppet.rc;
}

static void no_data_no_trade(void **state)
{
	(void)state;
	static const enum book_state bad[] = {book_state_stale, book_state_crossed};
	for (int i = 0; i < 2; i++) {
		stage_state(&st, bad[i]);
		assert_int_equal(wish_on_trade(), ERR_STALE);
		stage_state(&st, book_state_trusted);
		assert_int_equal(wish_on_trade(), 0);
	}
	stage_state(&st, book_state_untrusted);
	assert_int_equal(wish_on_trade(), ERR_STALE);
	stage_state(&st, book_state_trusted); /* its snapshot is still to come */
	assert_int_equal(wish_on_trade(), ERR_STALE);
	stage_snapshot(&st);
	assert_int_equal(wish_on_trade(), 0);
	st.now += 5 * S;
	assert_int_equal(wish_on_trade(), 0);
	st.now += 1; /* trades alone do not say that the book is fresh */
	assert_int_equal(wish_on_trade(), ERR_STALE);
	stage_delta(&st, side_buy, 9900, 1000);
	assert_int_equal(wish_on_trade(), 0);
	stage_delta(&st, side_buy, 10000, 1); /* crossed */
	assert_int_equal(wish_on_trade(), ERR_STALE);
	assert_int_equal(strategy_core_counters(st.core)->refused_stale, 6);
}

/* A cut of two hours: not one order, whatever the strategy wants. */
static void two_hours_without_data(void **state)
{
	(void)state;
	uint64_t orders = strategy_core_counters(st.core)->orders;
	st.now += 5 * S;
	for (int i = 0; i < 7200; i++) {
		st.now += S;
		assert_int_equal(wish_on_trade(), ERR_STALE);
	}
	assert_int_equal(strategy_core_counters(st.core)->orders, orders);
}

static void cancels_need_no_data(void **state)
{
	(void)state;
	wish(9900, 50);
	stage_state(&st, book_state_untrusted);
	puppet.cancel = 1;
	stage_state(&st, book_state_untrusted);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(st.out[1].intent.kind, intent_kind_cancel);
}

static void senseless_wishes(void **state)
{
	(void)state;
	assert_int_equal(wish(9900, 0), ERR_ARG);
	assert_int_equal(wish(-1, 5), ERR_ARG);
	for (int i = 0; i < STRATEGY_ORDERS_MAX; i++)
		assert_int_equal(wish(9900, 10), 0);
	assert_int_equal(wish(9900, 10), ERR_FULL);
	assert_int_equal(strategy_core_counters(st.core)->refused_other, 3);
}

static void before_the_instrument_is_known(void **state)
{
	(void)state;
	struct strategy_core_settings s = settings();
	struct stage early;
	stage_open(&early, &s);
	puppet.wish = (struct strategy_wish){.side = side_buy, .type = order_type_market, .tif = tif_ioc, .qty = 10};
	puppet.want = true;
	stage_state(&early, book_state_trusted);
	assert_int_equal(puppet.rc, ERR_NOT_FOUND);
	assert_int_equal(puppet.lots, 0);
	stage_close(&early);
}

static void it_knows_what_it_was_told(void **state)
{
	(void)state;
	wish(9900, 50);
	struct event mine = st.out[0];
	stage_delta(&st, side_buy, 9900, 900);
	assert_int_equal(puppet.open, 1);
	assert_int_equal(puppet.first.status, order_status_none);
	assert_int_equal(puppet.first.price, 9900);
	stage_answer(&st, &mine, order_status_open, 0);
	assert_int_equal(puppet.last_id, EVENT_order);
	assert_int_equal(puppet.first.status, order_status_open);
	stage_fill(&st, &mine, 20);
	assert_int_equal(puppet.position, 20);
	stage_answer(&st, &mine, order_status_partial, 20);
	assert_int_equal(puppet.first.filled, 20);
	stage_fill(&st, &mine, 30);
	stage_answer(&st, &mine, order_status_filled, 50);
	assert_int_equal(puppet.open, 0);
	assert_int_equal(puppet.position, 50);
	mine.intent.side = side_sell;
	stage_fill(&st, &mine, 15);
	assert_int_equal(puppet.position, 35);
}

static void foreign_feedback_is_not_its_own(void **state)
{
	(void)state;
	wish(9900, 50);
	struct event other = st.out[0];
	uint32_t calls = puppet.calls;
	event_set_name(other.intent.strategy, "q");
	stage_fill(&st, &other, 50);
	stage_answer(&st, &other, order_status_filled, 50);
	assert_int_equal(puppet.calls, calls);
	other = st.out[0];
	event_set_name(other.intent.account, "another");
	stage_fill(&st, &other, 50);
	assert_int_equal(puppet.calls, calls);
	/* An earlier run's order with the same ordinal bears another id: it ends nothing of
	 * ours. */
	other = st.out[0];
	event_set_name(other.intent.client_order_id, "0123456789abcdef0123456789abcdef");
	stage_answer(&st, &other, order_status_cancelled, 0);
	assert_int_equal(puppet.open, 1);
	/* Nor does the answer to a refused cancel of it. */
	other = st.out[0];
	other.intent.ordinal = 9;
	stage_answer(&st, &other, order_status_rejected, 0);
	assert_int_equal(puppet.open, 1);
}

static void it_sees_the_book(void **state)
{
	(void)state;
	stage_delta(&st, side_sell, 10000, 0);
	assert_true(puppet.has_best);
	assert_int_equal(puppet.best.price, 10100);
	assert_int_equal(puppet.best.qty, 2000);
	stage_state(&st, book_state_untrusted);
	assert_false(puppet.has_best);
	assert_int_equal(puppet.lots, 1230); /* 1.23456789 in lots of 0.01 */
}

static void origins_are_never_mixed(void **state)
{
	(void)state;
	uint32_t calls = puppet.calls;
	st.origin = origin_simulated;
	stage_delta(&st, side_sell, 10000, 0);
	stage_state(&st, book_state_trusted);
	assert_int_equal(puppet.calls, calls);
	assert_int_equal(strategy_core_counters(st.core)->foreign_origin, 2);
	st.origin = origin_replay;
	stage_delta(&st, side_buy, 9900, 10);
	assert_int_equal(puppet.best.price, 10000);
}

static void only_its_instrument(void **state)
{
	(void)state;
	uint32_t calls = puppet.calls;
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.trade.instrument = stage_symbol("TWO.TEST");
	stage_feed(&st, &ev);
	event_init(&ev, EVENT_heartbeat);
	stage_feed(&st, &ev);
	assert_int_equal(puppet.calls, calls);
}

static void save(struct strategy_core *c, struct buf *out)
{
	buf_init(out, 1 << 20);
	assert_int_equal(strategy_core.save(c, out), 0);
}

/* Saved with an order out and another half filled; the copy answers and asks as the original
 * does. */
static void a_loaded_core_goes_on_identically(void **state)
{
	(void)state;
	struct buf bytes, again;
	struct strategy_core_settings s = settings();
	wish(9900, 50);
	wish(0, 20);
	stage_fill(&st, &st.out[1], 10);
	puppet.cancel = 1;
	stage_delta(&st, side_buy, 9900, 900);
	save(st.core, &bytes);
	struct stage copy;
	event_set_name(s.run_id, "other run");
	stage_open(&copy, &s);
	assert_int_equal(strategy_core.load(copy.core, bytes.at, bytes.len), 0);
	assert_string_equal(strategy_core_run_id(copy.core), "run"); /* ids go on as they began */
	save(copy.core, &again);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.at, bytes.at, bytes.len);
	copy.now = st.now;
	stage_clear(&st);
	wish(10000, 30);
	struct event next = st.out[0];
	puppet.want = true;
	stage_delta(&copy, side_buy, 9900, 1000);
	assert_int_equal(copy.n, 1);
	assert_memory_equal(&copy.out[0], &next, sizeof(next));
	assert_int_equal(puppet.open, 2);
	assert_true(puppet.first.cancelling);
	assert_int_equal(puppet.position, 10);
	stage_close(&copy);
	buf_fini(&bytes);
	buf_fini(&again);
}

static void a_gap_costs_the_book(void **state)
{
	(void)state;
	struct event ev;
	event_init(&ev, EVENT_gap);
	event_set_name(ev.gap.stream, "bus-executor-x");
	stage_feed(&st, &ev);
	assert_int_equal(wish_on_trade(), 0);
	event_set_name(ev.gap.stream, "bus-collector-2-m"); /* that has other markets */
	stage_feed(&st, &ev);
	assert_int_equal(wish_on_trade(), 0);
	event_set_name(ev.gap.stream, "bus-collector-m");
	stage_feed(&st, &ev);
	assert_int_equal(wish_on_trade(), ERR_STALE);
	stage_delta(&st, side_buy, 9900, 1000);
	assert_int_equal(wish_on_trade(), ERR_STALE);
	stage_snapshot(&st);
	assert_int_equal(wish_on_trade(), 0);
}

/* Its inputs are gone: the journal tells what was asked, the executor what became of it. */
static void the_journal_alone_brings_its_orders_back(void **state)
{
	(void)state;
	struct strategy_core_settings s = settings();
	struct stage back;
	wish(9900, 50);
	wish(9800, 20);
	stage_open(&back, &s);
	stage_book(&back);
	for (uint32_t i = 0; i < st.n; i++)
		strategy_core.on_own(back.core, &st.out[i]);
	back.now = st.now;
	assert_int_equal(strategy_core.next_due(back.core), CORE_NEVER);
	stage_answer(&back, &st.out[0], order_status_open, 0);
	assert_int_equal(puppet.open, 2);
	stage_fill(&back, &st.out[0], 50);
	stage_answer(&back, &st.out[0], order_status_filled, 50);
	assert_int_equal(puppet.open, 1);
	assert_int_equal(puppet.first.ordinal, 2);
	assert_int_equal(puppet.position, 50);
	puppet.wish = (struct strategy_wish){.side = side_buy, .type = order_type_market, .tif = tif_ioc, .qty = 10};
	puppet.want = true;
	stage_delta(&back, side_buy, 9900, 1000);
	assert_int_equal(puppet.rc, ERR_STALE); /* books were not listened to meanwhile */
	puppet.want = true;
	stage_snapshot(&back);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(back.out[0].intent.ordinal, 3);
	stage_close(&back);
}

/* A core with one seat and what was saved before. */
static struct strategy_core *with_seat(const char *name, const struct strategy *is, const struct buf *bytes, int rc)
{
	struct strategy_core *c = NULL;
	struct strategy_core_settings s;
	strategy_core_defaults(&s);
	if (is)
		stage_seat(&s, name, is);
	assert_int_equal(strategy_core_new(&s, NULL, &c), 0);
	assert_int_equal(strategy_core.load(c, bytes->at, bytes->len), rc);
	return c;
}

/* Another version or other parameters: the strategy begins anew; orders, position and ordinals are still its seat's. */
static void a_changed_seat_begins_anew_with_what_it_holds(void **state)
{
	(void)state;
	struct buf bytes;
	struct stage back;
	struct strategy changed = puppet_strategy;
	changed.version = 4;
	wish(9900, 50);
	wish(9800, 20);
	stage_fill(&st, &st.out[0], 50);
	save(st.core, &bytes);
	struct strategy_core_settings s;
	strategy_core_defaults(&s);
	stage_seat(&s, "p", &changed);
	stage_open(&back, &s);
	assert_int_equal(strategy_core.load(back.core, bytes.at, bytes.len), 0);
	assert_int_equal(strategy_core_anew(back.core), 1);
	assert_false(strategy_core_blind(back.core));
	back.now = st.now;
	assert_true(puppet.events > 2);
	puppet.wish = (struct strategy_wish){.side = side_buy, .type = order_type_market, .tif = tif_ioc, .qty = 10};
	puppet.want = true;
	stage_delta(&back, side_buy, 9900, 1000);
	assert_int_equal(puppet.events, 1); /* what it had counted is gone */
	assert_int_equal(puppet.position, 50);
	assert_int_equal(back.out[0].intent.ordinal, 3);
	stage_close(&back);
	buf_fini(&bytes);
}

/* A seat may go once it holds nothing; when it comes back its ordinals go on. */
static void seats_come_and_go(void **state)
{
	(void)state;
	struct buf bytes;
	wish(9900, 50);
	save(st.core, &bytes);
	strategy_core_free(with_seat("q", &puppet_strategy, &bytes, ERR_DIFFERS)); /* p has an order */
	buf_fini(&bytes);
	stage_answer(&st, &st.out[0], order_status_cancelled, 0);
	save(st.core, &bytes);
	struct strategy_core *c = with_seat("q", &puppet_strategy, &bytes, 0);
	assert_int_equal(strategy_core_anew(c), 0); /* nobody's: q is new */
	assert_false(strategy_core_blind(c));
	buf_fini(&bytes);
	save(c, &bytes);
	strategy_core_free(c);
	c = with_seat(NULL, NULL, &bytes, 0);
	buf_fini(&bytes);
	save(c, &bytes);
	strategy_core_free(c);
	c = with_seat("p", &puppet_strategy, &bytes, 0);
	assert_int_equal(strategy_core_anew(c), 1);
	assert_true(strategy_core_blind(c)); /* nobody listened to its instrument meanwhile */
	buf_fini(&bytes);
	save(c, &bytes);
	strategy_core_free(c);
	struct stage back;
	struct strategy_core_settings s = settings();
	stage_open(&back, &s);
	assert_int_equal(strategy_core.load(back.core, bytes.at, bytes.len), 0);
	stage_book(&back);
	puppet.wish = (struct strategy_wish){.side = side_buy, .type = order_type_market, .tif = tif_ioc, .qty = 10};
	puppet.want = true;
	stage_delta(&back, side_buy, 9900, 1000);
	assert_int_equal(back.out[0].intent.ordinal, 2);
	stage_close(&back);
	buf_fini(&bytes);
}

static void what_does_not_fit_is_not_loaded(void **state)
{
	(void)state;
	struct buf bytes;
	struct strategy_core *c = NULL;
	wish(9900, 50);
	save(st.core, &bytes);
	struct strategy_core_settings s = settings();
	for (size_t cut = 0; cut < bytes.len; cut++) {
		assert_int_equal(strategy_core_new(&s, NULL, &c), 0);
		assert_true(strategy_core.load(c, bytes.at, cut) < 0);
		strategy_core_free(c);
	}
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.at[i] ^= 0x55;
		assert_int_equal(strategy_core_new(&s, NULL, &c), 0);
		(void)strategy_core.load(c, bytes.at, bytes.len);
		strategy_core_free(c);
		bytes.at[i] ^= 0x55;
	}
	buf_fini(&bytes);
}

static void settings_are_checked(void **state)
{
	(void)state;
	struct strategy_core *c = NULL;
	char why[EVENT_TEXT_MAX];
	struct strategy_core_settings s = settings();
	stage_seat(&s, "p", &puppet_strategy);
	assert_int_equal(strategy_core_new(&s, why, &c), ERR_EXISTS);
	s = settings();
	stage_set(&s, "speed", "1");
	assert_int_equal(strategy_core_new(&s, why, &c), ERR_NOT_FOUND);
	assert_string_equal(why, "strategy.p: there is no parameter speed");
	s = settings();
	s.stale_ns = 0;
	assert_int_equal(strategy_core_new(&s, why, &c), ERR_RANGE);
	s = settings();
	s.seat[0].account[0] = '\0';
	assert_int_equal(strategy_core_new(&s, why, &c), ERR_RANGE);
	assert_null(c);
	strategy_core_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(an_intent_says_everything),
		TEST(a_cancel_names_its_order),
		TEST(no_data_no_trade),
		TEST(two_hours_without_data),
		TEST(cancels_need_no_data),
		TEST(senseless_wishes),
		TEST(before_the_instrument_is_known),
		TEST(it_knows_what_it_was_told),
		TEST(foreign_feedback_is_not_its_own),
		TEST(it_sees_the_book),
		TEST(origins_are_never_mixed),
		TEST(only_its_instrument),
		TEST(a_loaded_core_goes_on_identically),
		TEST(a_gap_costs_the_book),
		TEST(the_journal_alone_brings_its_orders_back),
		TEST(a_changed_seat_begins_anew_with_what_it_holds),
		TEST(seats_come_and_go),
		TEST(what_does_not_fit_is_not_loaded),
		TEST(settings_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
