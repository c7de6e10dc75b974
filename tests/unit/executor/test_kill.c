/* test_kill - the kill switch: what it stops, what it outlives, and its own record on disk. */
#include "desk.h"

#include <sys/stat.h>
#include <unistd.h>

#include "services/executor/kill_record.h"

static struct desk d;

static int open_book(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	desk_open(&d, &s);
	desk_book(&d);
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	desk_close(&d);
	return 0;
}

static void kill_it(void)
{
	desk_command(&d, verb_kill, "", "it buys without end", 0);
}

static void refused(void)
{
	desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_rejected, reject_killed, 0);
}

static void everything_is_cancelled_and_nothing_is_accepted(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	kill_it();
	assert_string_equal(desk_shape(&d), "tob");
	const struct ev_trading_state *t = &d.out[0].trading_state;
	assert_int_equal(t->state, trading_killed);
	assert_string_equal(t->owner, "ann");
	assert_string_equal(t->reason, "it buys without end");
	desk_expect_order(&d, order_status_cancelled, reject_killed, 0);
	desk_expect_balance(&d, "USDT", CASH(1000), 0);
	refused();
	kill_it(); /* twice is once */
	assert_int_equal(d.n, 0);
}

static void only_its_own_end_ends_it(void **state)
{
	(void)state;
	kill_it();
	desk_command(&d, verb_reset, "", "looked", 0);
	desk_command(&d, verb_resume, "", "", 0);
	desk_until(&d, d.now + 1000 * S);
	desk_book(&d);
	refused();
	desk_command(&d, verb_unkill, "other", "not this account's", 0);
	refused();
	desk_command(&d, verb_unkill, "", "mended", 0);
	assert_int_equal(desk_last(&d, EVENT_trading_state)->trading_state.before, trading_killed);
	desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
}

/* What was kept beside it shows again. */
static void a_halt_is_still_there_afterwards(void **state)
{
	(void)state;
	desk_command(&d, verb_pause, "", "lunch", 0);
	kill_it();
	desk_command(&d, verb_unkill, "", "mended", 0);
	assert_int_equal(executor_trading(d.x), trading_paused);
}

static void a_flatten_ends_and_none_begins(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 2000);
	desk_command(&d, verb_flatten, "", "going home", 0);
	kill_it();
	desk_clear(&d);
	desk_until(&d, d.now + 100 * S);
	assert_int_equal(desk_count(&d, EVENT_order), 0);
	desk_command(&d, verb_flatten, "", "going home", 0);
	desk_until(&d, d.now + 100 * S);
	assert_int_equal(desk_count(&d, EVENT_order), 0);
	assert_int_equal(executor_counters(d.x)->closing, 0);
	desk_command(&d, verb_unkill, "", "mended", 0);
	desk_until(&d, d.now + 100 * S); /* and what was stopped does not go on by itself */
	assert_int_equal(desk_count(&d, EVENT_order), 0);
}

static void reload(struct desk *to)
{
	struct executor_settings s = desk_settings();
	struct buf b;
	buf_init(&b, 1 << 24);
	assert_int_equal(executor_core.save(d.x, &b), 0);
	desk_open(to, &s);
	assert_int_equal(executor_core.load(to->x, b.at, b.len), 0);
	buf_fini(&b);
}

static void a_snapshot_has_it(void **state)
{
	(void)state;
	struct desk to;
	struct ev_trading_state t;
	kill_it();
	reload(&to);
	assert_int_equal(executor_trading(to.x), trading_killed);
	executor_describe(to.x, &t);
	assert_string_equal(t.reason, "it buys without end");
	desk_close(&to);
}

/* The journal without inputs: commands and states of trading are in it. */
static void the_journal_alone_has_it(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	struct desk to;
	kill_it();
	desk_open(&to, &s);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(to.x, &d.out[i]);
	assert_int_equal(executor_trading(to.x), trading_killed);
	desk_command(&d, verb_unkill, "", "mended", 0);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(to.x, &d.out[i]);
	assert_int_equal(executor_trading(to.x), trading_running);
	desk_close(&to);
}

static char folder[] = "/tmp/nj-kill-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	kill_record_remove(folder);
	return rmdir(folder);
}

static void a_record_says_who_and_why(void **state)
{
	(void)state;
	struct kill_record in = {"ann", "it buys\nwithout end"}, out;
	assert_false(kill_record_find(folder, &out));
	assert_int_equal(kill_record_write(folder, &in), 0);
	assert_true(kill_record_find(folder, &out));
	assert_string_equal(out.owner, "ann");
	assert_string_equal(out.reason, "it buys without end");
	assert_int_equal(kill_record_write(folder, &in), 0);
	assert_int_equal(kill_record_remove(folder), 0);
	assert_false(kill_record_find(folder, &out));
	assert_int_equal(kill_record_remove(folder), 0);
}

/* The file is the switch, whatever is in it. */
static void any_file_counts(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "\n", "ann", "\xff\xfe garbage \x01"};
	char path[100];
	struct kill_record out;
	snprintf(path, sizeof(path), "%s/" KILL_RECORD_NAME, folder);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(texts[i], f) >= 0);
		fclose(f);
		assert_true(kill_record_find(folder, &out));
		assert_true(out.owner[0] && out.reason[0]);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0); /* cannot be read at all */
	assert_true(kill_record_find(folder, &out));
	assert_true(out.reason[0]);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_is_cancelled_and_nothing_is_accepted, open_book, close_book),
		cmocka_unit_test_setup_teardown(only_its_own_end_ends_it, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_halt_is_still_there_afterwards, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_flatten_ends_and_none_begins, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_snapshot_has_it, open_book, close_book),
		cmocka_unit_test_setup_teardown(the_journal_alone_has_it, open_book, close_book),
		cmocka_unit_test_setup_teardown(a_record_says_who_and_why, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(any_file_counts, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
