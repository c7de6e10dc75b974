/* test_table - markets that come and go: described, subscribed to, carried, dropped, and through another life. */
#include "tests/unit/collector/table_world.h"

static void comes_and_goes(void **state)
{
	(void)state;
	assert_int_equal(follow(1), 0);
	assert_int_equal(follow(1), 0); /* it is followed already */
	assert_int_equal(w.n_asked, 1);
	assert_int_equal(w.asked[0].ask, VENUE_ASK_INSTRUMENTS);
	assert_non_null(strstr(w.asked[0].path, name(1)));
	assert_false(collector_core_carries(w.rig.core, 0)); /* nothing to connect for yet */
	answer_all(200);
	assert_int_equal(w.rig.count[EVENT_instrument], 1);
	assert_true(collector_core_carries(w.rig.core, 0));
	tend();
	assert_true(w.subscribed[0][1]);
	assert_true(w.followed[1]);
	pass(SECOND);
	assert_int_equal(w.adds, 0); /* it came with the connection */
	answer_all(200);
	assert_int_equal(state_of(1), book_state_trusted);
	/* another one on the open connection: the first does not notice */
	assert_int_equal(follow(2), 0);
	pass(MS);
	book(0, 2, 30); /* nothing is taken before it was subscribed to */
	trade(0, 2);
	assert_int_equal(w.rig.count[EVENT_trade], 0);
	answer_all(200);
	pass(300 * MS);
	assert_int_equal(w.adds, 1);
	assert_true(w.subscribed[0][2]);
	book(0, 2, 30);
	trade(0, 2);
	assert_int_equal(w.rig.count[EVENT_trade], 1);
	assert_int_equal(state_of(2), book_state_trusted);
	assert_int_equal(state_of(1), book_state_trusted);
	assert_true(drop(2));
	assert_false(drop(2));
	assert_int_equal(w.dropped, 1);
	trade(0, 2); /* still on the wire */
	pass(300 * MS);
	assert_int_equal(w.rig.count[EVENT_trade], 1);
	assert_int_equal(w.removes, 1);
	assert_false(w.subscribed[0][2]);
	assert_int_equal(state_of(1), book_state_trusted);
	assert_int_equal(w.rig.count[EVENT_gap] + w.rig.count[EVENT_blind], 0);
	assert_int_equal(w.rig.n_reconnects + w.rotations, 0);
	/* the last one: the connection has nothing left */
	assert_true(drop(1));
	assert_int_equal(w.ended, 1);
	assert_int_equal(collector_core_connections(w.rig.core), 0);
	trade(0, 1);
	pass(SECOND);
	assert_int_equal(w.rig.count[EVENT_trade], 1);
	assert_int_equal(came(), 0);
}

/* A market that nobody describes is followed all the same. */
static void without_description(void **state)
{
	(void)state;
	w.check_instruments = false;
	assert_int_equal(follow(1), 0);
	answer_all(500);
	assert_false(collector_core_carries(w.rig.core, 0));
	for (int i = 0; i < 30; i++) {
		pass(SECOND);
		answer_all(500);
	}
	assert_true(collector_core_carries(w.rig.core, 0));
	tend();
	book(0, 1, 20);
	assert_int_equal(state_of(1), book_state_trusted);
	/* no answer at all */
	assert_int_equal(follow(2), 0);
	w.n_asked = 0;
	for (int i = 0; i < 60; i++, w.n_asked = 0)
		pass(SECOND);
	assert_int_equal(w.adds, 1);
}

/* What is open in the ledger when a market goes ends with it, by a cause of its own. */
static void gaps_end(void **state)
{
	(void)state;
	assert_int_equal(follow(1), 0);
	assert_int_equal(follow(2), 0);
	pass(MS);
	answer_all(200);
	tend();
	book(0, 1, 20);
	book(0, 2, 20);
	pass(SECOND);
	change(0, feed_lost);
	assert_int_equal(w.n_open, 1); /* all of the connection */
	pass(SECOND);
	assert_true(drop(1));
	assert_int_equal(w.ended_with_it, 1); /* its depth */
	assert_int_equal(w.n_open, 1);
	tend();
	book(0, 2, 20);
	assert_int_equal(w.n_open, 0);
	assert_int_equal(w.gaps[repair_nothing], 1);
	assert_int_equal(w.gaps[repair_snapshot], 1);
	/* a connection whose last market goes while it is lost */
	change(0, feed_lost);
	assert_int_equal(w.n_open, 1);
	assert_true(drop(2));
	assert_int_equal(w.n_open, 0);
	assert_int_equal(w.ended_with_it, 3);
}

static void resolves_once(void **state)
{
	(void)state;
	struct collector_outcome o = {.raw = name(1), .outcome = "Yes", .pays = 100000000, .at = T0};

	assert_false(collector_core_resolve(w.rig.core, w.now, &o, &w.rig.sink));
	assert_int_equal(follow(1), 0);
	answer_all(200);
	assert_true(collector_core_resolve(w.rig.core, w.now, &o, &w.rig.sink));
	assert_true(collector_core_resolve(w.rig.core, w.now, &o, &w.rig.sink));
	assert_int_equal(w.rig.count[EVENT_resolution], 1);
}

static void bounded(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SPARE; i++)
		assert_int_equal(follow(i), 0);
	assert_int_equal(follow(SPARE), ERR_FULL);
	pass(MS);
	answer_all(200);
	pass(SECOND);
	tend();
	assert_int_equal(collector_core_connections(w.rig.core), (SPARE + EACH - 1) / EACH);
	assert_true(drop(3)); /* its place is free, though the venue has not been told yet */
	assert_int_equal(follow(SPARE), 0);
	assert_int_equal(w.removes, 1);
	assert_int_equal(came(), SPARE);
}

/* A venue without such texts: another connection takes the place of the one that carries it. */
static void by_another_connection(void **state)
{
	(void)state;
	static const struct collector_market fixed[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
	struct collector_market row = {name(1), 0, VENUE_TRADE_STREAM};
	char text[300];

	begin_with("BINANCE", fixed, 1);
	w.up[0] = true;
	w.rig.on_event = NULL;
	w.check_instruments = false;
	rig_reply(&w.rig, w.now, 200, "{\"symbols\":[]}");
	rig_change(&w.rig, w.now, feed_live);
	assert_int_equal(collector_core_follow(w.rig.core, w.now, &row, 1, &w.rig.sink), 0);
	uint64_t before = collector_core_version(w.rig.core);
	rig_reply(&w.rig, w.now, 200, "{\"symbols\":[]}");
	assert_true(collector_core_version(w.rig.core) > before);
	pass(SECOND);
	assert_int_equal(w.rotations, 1);
	snprintf(text, sizeof(text),
		 "{\"stream\":\"901@trade\",\"data\":{\"e\":\"trade\",\"E\":%lld,\"s\":\"901\",\"t\":1,\"p\":\"1\","
		 "\"q\":\"1\",\"T\":%lld,\"m\":true,\"M\":true}}",
		 (long long)(T0 / MS), (long long)(T0 / MS));
	frame(0, text);
	assert_int_equal(w.rig.count[EVENT_trade], 0); /* of a connection that did not ask for it */
	collector_core_on_replaced(w.rig.core, w.now, 0, before, &w.rig.sink);
	pass(SECOND);
	assert_int_equal(w.rotations, 2); /* that one came too early */
	collector_core_on_replaced(w.rig.core, w.now, 0, collector_core_version(w.rig.core), &w.rig.sink);
	pass(SECOND);
	assert_int_equal(w.rotations, 2);
	frame(0, text);
	assert_int_equal(w.rig.count[EVENT_trade], 1);
	assert_int_equal(w.rig.count[EVENT_gap], 0);
	assert_false(collector_core_drop(w.rig.core, w.now, "BTCUSDT", &w.rig.sink)); /* the settings name it */
	assert_true(collector_core_drop(w.rig.core, w.now, name(1), &w.rig.sink));
	pass(SECOND);
	assert_int_equal(w.rotations, 3);
	end(NULL);
}

static void other_tables(void **state)
{
	(void)state;
	struct collector_core *core;
	struct collector_core_settings set = w.rig.set;
	const struct collector_market named[] = {{name(1), 0, ALL}};
	struct buf saved;

	assert_int_equal(follow(1), 0);
	assert_int_equal(follow(2), 0);
	buf_init(&saved, (size_t)1 << 24);
	assert_int_equal(collector_core_save(w.rig.core, &saved), 0);
	set.spare = 1;
	assert_int_equal(collector_core_new(&set, &w.rig.actions, &core), 0);
	assert_int_equal(collector_core_load(core, saved.at, saved.len), ERR_DIFFERS);
	collector_core_free(core);
	set = w.rig.set;
	set.markets = named; /* by the settings now */
	set.n_markets = 1;
	assert_int_equal(collector_core_new(&set, &w.rig.actions, &core), 0);
	assert_int_equal(collector_core_load(core, saved.at, saved.len), ERR_DIFFERS);
	collector_core_free(core);
	buf_fini(&saved);
}

static void restart(bool snapshot)
{
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(follow(i), 0);
	pass(MS);
	answer_all(200);
	tend();
	for (uint32_t i = 0; i < 5; i++)
		book(i / EACH, i, 20);
	struct collector_outcome o = {.raw = name(1), .outcome = "Yes", .pays = 0, .at = T0};
	assert_true(collector_core_resolve(w.rig.core, w.now, &o, &w.rig.sink));
	assert_true(drop(2));
	pass(SECOND);
	live_again(snapshot);
	assert_int_equal(came(), 4);
	assert_int_equal(w.n_open, 2); /* both connections, since we were away */
	assert_true(collector_core_resolve(w.rig.core, w.now, &o, &w.rig.sink));
	assert_int_equal(w.rig.count[EVENT_resolution], 1); /* once, in both lives */
	pass(MS);
	answer_all(200);
	pass(SECOND);
	tend();
	assert_true(w.followed[0] && w.followed[1] && !w.followed[2] && w.followed[3] && w.followed[4]);
	for (uint32_t i = 0; i < 5; i++)
		book(i / EACH, i, 20);
	pass(SECOND);
	answer_all(200);
	assert_int_equal(w.n_open, 0);
	assert_int_equal(state_of(0), book_state_trusted);
	assert_int_equal(state_of(2), book_state_none);
	assert_int_equal(state_of(4), book_state_trusted);
}

static void restart_from_snapshot(void **state)
{
	(void)state;
	restart(true);
}

static void restart_from_journal(void **state)
{
	(void)state;
	restart(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_and_goes, begin, end),
		cmocka_unit_test_setup_teardown(without_description, begin, end),
		cmocka_unit_test_setup_teardown(gaps_end, begin, end),
		cmocka_unit_test_setup_teardown(resolves_once, begin, end),
		cmocka_unit_test_setup_teardown(bounded, begin, end),
		cmocka_unit_test(by_another_connection),
		cmocka_unit_test_setup_teardown(other_tables, begin, end),
		cmocka_unit_test_setup_teardown(restart_from_snapshot, begin, end),
		cmocka_unit_test_setup_teardown(restart_from_journal, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
