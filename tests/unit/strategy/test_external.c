/* test_external - a wish becomes an intent by the rules of a hosted strategy; what a program was told is kept. */
#include "stage.h"

#include "services/strategy/backlog.h"
#include "services/strategy/registry.h"

static struct stage st;

static int open_stage(void **state)
{
	(void)state;
	static struct strategy_core_settings s;
	strategy_core_defaults(&s);
	stage_seat(&s, "outside", registry_find("external"));
	assert_non_null(s.seat[0].strategy);
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

static struct event wish_of(enum wish_kind kind, const char *nonce)
{
	struct event ev;
	event_init(&ev, EVENT_wish);
	ev.wish.kind = (uint8_t)kind;
	event_set_name(ev.wish.strategy, "outside");
	ev.wish.side = side_buy;
	ev.wish.type = order_type_limit;
	ev.wish.tif = tif_gtc;
	ev.wish.price_scale = 2;
	ev.wish.qty_scale = 3;
	ev.wish.price = 9900;
	ev.wish.qty = 500;
	event_set_name(ev.wish.cause_source, "collector");
	ev.wish.cause_at = st.now;
	event_set_name(ev.wish.nonce, nonce);
	event_set_text(ev.wish.reason, "why not");
	return ev;
}

static const struct strategy_outcome *give(struct event *ev)
{
	stage_clear(&st);
	stage_feed(&st, ev);
	return strategy_core_outcome(st.core, "outside");
}

static void a_wish_is_an_intent_with_its_cause_and_nonce(void **state)
{
	(void)state;
	struct event ev = wish_of(wish_kind_order, "n1");
	st.now += 20 * MS;
	const struct strategy_outcome *o = give(&ev);
	assert_int_equal(o->result, 0);
	assert_int_equal(o->ordinal, 1);
	assert_int_equal(st.n, 1);
	const struct ev_intent *in = &st.out[0].intent;
	assert_string_equal(in->wish, "n1");
	assert_string_equal(in->strategy, "outside");
	assert_string_equal(in->cause_source, "collector");
	assert_int_equal(in->cause_at, st.now - 20 * MS);
	assert_int_equal(in->price, 9900);
	assert_int_equal(in->qty, 500);
	assert_string_equal(in->reason, "why not");
	assert_string_equal(in->client_order_id, o->client_order_id);
	assert_int_equal(st.out[0].ts_event, st.now);
	assert_int_equal(st.out[0].ts_recv, st.now + 50 * MS);
	assert_int_equal(in->expires_at, st.now + 50 * MS + 2 * S);
}

static void other_scales_are_converted_exactly_or_refused(void **state)
{
	(void)state;
	struct event ev = wish_of(wish_kind_order, "n1");
	ev.wish.qty_scale = 5;
	ev.wish.qty = 50000;
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.out[0].intent.qty, 500);
	ev.wish.qty = 50001;
	assert_int_equal(give(&ev)->result, ERR_INEXACT);
	ev.wish.qty_scale = 200;
	assert_int_equal(give(&ev)->result, ERR_ARG);
	assert_int_equal(st.n, 0);
}

/* A program may ask for everything that a hosted strategy may, at any scale that fits. */
static void every_kind_of_order_may_be_wished(void **state)
{
	(void)state;
	struct event ev = wish_of(wish_kind_order, "n1");
	ev.wish.link = order_link_bracket;
	ev.wish.price_scale = 3;
	ev.wish.price = 99000;
	ev.wish.target_price = 105000;
	ev.wish.stop_price = 95000;
	event_set_name(ev.wish.user_id, "mine");
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.out[0].intent.target_price, 10500);
	assert_int_equal(st.out[0].intent.stop_price, 9500);
	assert_string_equal(st.out[0].intent.user_id, "mine");
	assert_true(st.out[0].intent.target_id[0] && st.out[0].intent.stop_id[0]);
	ev = wish_of(wish_kind_replace, "n2");
	ev.wish.ordinal = 1;
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(strategy_core_outcome(st.core, "outside")->ordinal, 1);
	assert_int_equal(st.out[0].intent.kind, intent_kind_replace);
	assert_int_equal(st.out[0].intent.qty, 500);
	ev.wish.ordinal = 7;
	assert_int_equal(give(&ev)->result, ERR_NOT_FOUND);
	ev = wish_of(wish_kind_cancel_all, "n3");
	ev.wish.scope = cancel_scope_account;
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.out[0].intent.kind, intent_kind_cancel_all);
	assert_int_equal(st.out[0].intent.scope, cancel_scope_account);
	ev = wish_of(wish_kind_order, "n4");
	ev.wish.type = order_type_market;
	ev.wish.price = ev.wish.qty = 0;
	ev.wish.cash_scale = 2;
	ev.wish.amount = 15000;
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.out[0].intent.amount, 15000000000);
	ev.wish.link = 9;
	assert_int_equal(give(&ev)->result, ERR_ARG);
}

/* No data, no trade; nor on news of long ago. */
static void the_rules_of_a_hosted_strategy_hold(void **state)
{
	(void)state;
	struct event ev = wish_of(wish_kind_order, "n1");
	ev.wish.cause_at = st.now - 2 * S - 1;
	assert_int_equal(give(&ev)->result, ERR_STALE);
	ev.wish.cause_at = INT64_MIN;
	assert_int_equal(give(&ev)->result, ERR_STALE);
	ev = wish_of(wish_kind_order, "n2");
	ev.wish.side = 9;
	assert_int_equal(give(&ev)->result, ERR_ARG);
	ev = wish_of(wish_kind_order, "n3");
	ev.wish.qty = 0;
	assert_int_equal(give(&ev)->result, ERR_ARG);
	stage_state(&st, book_state_untrusted);
	ev = wish_of(wish_kind_order, "n4");
	assert_int_equal(give(&ev)->result, ERR_STALE);
	assert_int_equal(st.n, 0);
	assert_int_equal(strategy_core_counters(st.core)->wishes, 5);
	ev = wish_of(wish_kind_order, "n5");
	event_set_name(ev.wish.strategy, "nobody");
	give(&ev);
	assert_int_equal(st.n, 0);
	assert_int_equal(strategy_core_counters(st.core)->wishes, 5);
}

/* Who wrote the program reads what is wrong, not a code. */
static void a_refusal_says_what_is_wrong(void **state)
{
	(void)state;
	const struct {
		uint8_t kind, type;
		int64_t price, qty, amount;
		const char *why;
	} rows[] = {
		{wish_kind_order, order_type_limit, 10000, -1, 0, "a quantity, price or date is below 0"},
		{wish_kind_order, order_type_limit, 10000, 0, 0,
		 "it needs a qty above 0, or the amount of a purchase at market"},
		{wish_kind_order, order_type_market, 0, 5, 5, "qty or amount, not both"},
		{wish_kind_order, order_type_market, 10000, 5, 0, "an order at market has no price"},
		{wish_kind_order, order_type_limit, 0, 5, 0, "a limit order needs a price above 0"},
		{wish_kind_order, 99, 10000, 5, 0,
		 "no such side, type, tif, trigger_by or link, or a scale above 18: see nj schema"},
		{wish_kind_cancel, 0, 0, 0, 0, "the seat has no open order with this ordinal"},
		{wish_kind_replace, 0, 0, 0, 0, "the seat has no open order with this ordinal"},
		{77, 0, 0, 0, 0, "no such kind or scope: see nj schema"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct event ev = wish_of(rows[i].kind, "n");
		ev.wish.type = rows[i].type ? rows[i].type : ev.wish.type;
		ev.wish.price = rows[i].price;
		ev.wish.qty = rows[i].qty;
		ev.wish.amount = rows[i].amount;
		const struct strategy_outcome *o = give(&ev);
		assert_true(o->result < 0);
		assert_string_equal(o->why, rows[i].why);
	}
	struct event ev = wish_of(wish_kind_order, "n");
	ev.wish.cause_at = st.now - 2 * S - 1;
	assert_string_equal(give(&ev)->why, "no trusted, fresh book, or a cause that is too old");
	ev = wish_of(wish_kind_order, "n");
	assert_null(give(&ev)->why);
}

static void a_program_that_is_gone_has_nothing_open(void **state)
{
	(void)state;
	struct event ev = wish_of(wish_kind_order, "n1");
	give(&ev);
	ev = wish_of(wish_kind_order, "n2");
	give(&ev);
	ev = wish_of(wish_kind_cancel, "n3");
	ev.wish.ordinal = 1;
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.n, 1);
	assert_int_equal(give(&ev)->result, ERR_EXISTS);
	ev = wish_of(wish_kind_vacate, "");
	assert_int_equal(give(&ev)->result, 0);
	assert_int_equal(st.n, 1); /* the first is being cancelled already */
	assert_int_equal(st.out[0].intent.kind, intent_kind_cancel);
	ev.wish.kind = 77;
	assert_int_equal(give(&ev)->result, ERR_ARG);
}

/* ---- backlog ---- */

static struct event trade_at(int64_t at)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.ts_recv = at;
	snprintf(ev.source, sizeof ev.source, "collector");
	ev.trade.instrument = stage_symbol("ONE.TEST");
	return ev;
}

static void put(struct backlog *b, int64_t at)
{
	struct event ev = trade_at(at);
	assert_int_equal(backlog_put(b, at, &ev), 0);
}

static uint32_t records(const struct backlog *b, int64_t after, uint32_t limit, int64_t *ret_last)
{
	struct backlog_page page;
	struct buf out;
	buf_init(&out, 1 << 20);
	assert_int_equal(backlog_read(b, after, limit, &out, &page), 0);
	buf_fini(&out);
	*ret_last = page.last;
	return page.records;
}

static void positions_name_a_place_for_good(void **state)
{
	(void)state;
	struct backlog b;
	int64_t last;
	backlog_init(&b);
	assert_int_equal(backlog_oldest(&b, 0), CORE_NEVER);
	put(&b, 100);
	put(&b, 100); /* two inputs at one time: two positions */
	put(&b, 200);
	assert_int_equal(records(&b, 0, 2, &last), 2);
	assert_int_equal(last, 101);
	assert_int_equal(records(&b, last, 9, &last), 1);
	assert_int_equal(last, 200);
	assert_int_equal(records(&b, last, 9, &last), 0);
	assert_int_equal(last, 200);
	assert_int_equal(records(&b, 0, 9, &last), 3); /* reading takes nothing away */
	assert_int_equal(backlog_find(&b, "collector", 200), 200);
	assert_int_equal(backlog_find(&b, "executor", 200), INT64_MIN);
	assert_int_equal(backlog_oldest(&b, 100), 100);
	assert_int_equal(backlog_oldest(&b, 101), 200);
	backlog_handled(&b, 101);
	assert_int_equal(b.after, 101);
	assert_int_equal(records(&b, 0, 9, &last), 1);
	backlog_handled(&b, 5000); /* more than there is: what comes later is still to be told */
	put(&b, 300);
	assert_int_equal(records(&b, 200, 9, &last), 1);
	backlog_fini(&b);
}

static void a_full_backlog_forgets_the_oldest_and_says_so(void **state)
{
	(void)state;
	struct backlog b;
	int64_t last, at = 0;
	backlog_init(&b);
	while (!backlog_full(&b))
		put(&b, ++at);
	assert_int_equal(b.dropped, 0);
	for (int i = 0; i < 20000; i++)
		put(&b, ++at);
	assert_true(b.dropped > 1000);
	assert_int_equal(b.after, b.dropped);
	assert_int_equal(records(&b, 0, 1, &last), 1);
	assert_int_equal(last, b.after + 1);
	backlog_handled(&b, at - 1);
	assert_int_equal(records(&b, at - 1, 9, &last), 1);
	assert_int_equal(last, at);
	backlog_fini(&b);
}

static void it_is_saved_and_damage_is_refused(void **state)
{
	(void)state;
	struct backlog b, back;
	struct buf bytes;
	int64_t last;
	backlog_init(&b);
	backlog_init(&back);
	buf_init(&bytes, 1 << 20);
	for (int64_t at = 1; at <= 50; at++)
		put(&b, at);
	backlog_handled(&b, 20);
	struct packer p = {.out = &bytes};
	backlog_save(&b, &p);
	assert_int_equal(p.err, 0);
	struct unpacker u = {.at = bytes.at, .end = bytes.at + bytes.len};
	assert_int_equal(backlog_load(&back, &u), 0);
	assert_int_equal(back.after, 20);
	assert_int_equal(records(&back, 20, 99, &last), 30);
	assert_int_equal(last, 50);
	backlog_fini(&back);
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t was = bytes.at[i];
		bytes.at[i] ^= 0xff;
		backlog_init(&back);
		u = (struct unpacker){.at = bytes.at, .end = bytes.at + bytes.len};
		if (backlog_load(&back, &u) == 0)
			records(&back, 0, 99, &last);
		backlog_fini(&back);
		bytes.at[i] = was;
	}
	backlog_fini(&b);
	buf_fini(&bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_wish_is_an_intent_with_its_cause_and_nonce),
		TEST(other_scales_are_converted_exactly_or_refused),
		TEST(every_kind_of_order_may_be_wished),
		TEST(the_rules_of_a_hosted_strategy_hold),
		TEST(a_refusal_says_what_is_wrong),
		TEST(a_program_that_is_gone_has_nothing_open),
		cmocka_unit_test(positions_name_a_place_for_good),
		cmocka_unit_test(a_full_backlog_forgets_the_oldest_and_says_so),
		cmocka_unit_test(it_is_saved_and_damage_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
