/* test_report - what nj report folds from lane-X records: span, origins, fills, feed, gaps, alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/event.h"
#include "tools/nj/report.h"

#define SECOND INT64_C(1000000000)
#define NOON (1795338000 * SECOND) /* in 2026 */

static struct report r;

static int setup(void **state)
{
	(void)state;
	report_init(&r);
	return 0;
}

static struct event at(uint16_t id, int64_t ts_recv)
{
	struct event ev;
	event_init(&ev, id);
	ev.origin = origin_simulated;
	ev.ts_recv = ts_recv;
	return ev;
}

static void feed(uint8_t state, uint32_t connection, int64_t ts_recv)
{
	struct event ev = at(EVENT_feed_state, ts_recv);
	memcpy(ev.feed_state.venue, "BINANCE", 8);
	ev.feed_state.connection = connection;
	ev.feed_state.state = state;
	report_on_event(&r, &ev);
}

static void gap(const char *stream, uint8_t cause, int64_t from, int64_t to)
{
	struct event ev = at(EVENT_gap, NOON);
	memcpy(ev.gap.stream, stream, strlen(stream) + 1);
	ev.gap.cause = cause;
	ev.gap.from = from;
	ev.gap.to = to;
	report_on_event(&r, &ev);
}

/* A fresh account is opened in 1970: nothing that a person would call the run's beginning. */
static void the_opening_is_no_part_of_the_span(void **state)
{
	(void)state;
	struct event opening = at(EVENT_balance, 10000001), first = at(EVENT_order, NOON);
	struct event last = at(EVENT_fill, NOON + 62 * SECOND);
	report_on_event(&r, &opening);
	assert_int_equal(r.first, 0);
	assert_int_equal(r.last, 0);
	report_on_event(&r, &last); /* another publisher's may come first */
	report_on_event(&r, &first);
	assert_int_equal(r.records, 3);
	assert_int_equal(r.last - r.first, 62 * SECOND);
}

static void worth(int64_t equity, bool marked)
{
	struct event ev = at(EVENT_equity, NOON);
	ev.equity.equity = equity;
	ev.equity.marked = marked;
	report_on_event(&r, &ev);
}

/* Of a live account. */
static void what_is_taken_over_is_in_the_start(void **state)
{
	(void)state;
	struct event funds = at(EVENT_venue_report, NOON);
	funds.venue_report.says = venue_says_funds;
	worth(0, true);
	worth(5, true);
	assert_false(r.account[0].was_funded);
	report_on_event(&r, &funds);
	worth(300, false);
	worth(1005, true);
	worth(1105, true);
	assert_int_equal(r.account[0].first.equity, 1000);
	assert_int_equal(r.account[0].taken, 1000);
	assert_true(r.account[0].was_funded);
	assert_int_equal(r.account[0].last.equity, 1105);
}

static void the_account_tells_the_origin(void **state)
{
	(void)state;
	struct event mine = at(EVENT_equity, NOON), none = at(EVENT_alert, NOON);
	mine.origin = origin_live;
	none.origin = origin_none;
	report_on_event(&r, &mine);
	report_on_event(&r, &none);
	feed(feed_lost, 0, NOON); /* simulated, and never came up */
	assert_int_equal(r.by_origin[origin_live], 1); /* without a fill, too */
	assert_int_equal(r.by_origin[origin_simulated], 0);
	mine.origin = 200; /* a later version's */
	report_on_event(&r, &mine);
	assert_int_equal(r.records, 4);
}

static void fills_by_liquidity_and_equity_first_and_last(void **state)
{
	(void)state;
	struct event fill = at(EVENT_fill, NOON), worth = at(EVENT_equity, NOON), order = at(EVENT_order, NOON);
	fill.fill.liquidity = liquidity_maker;
	report_on_event(&r, &fill);
	fill.fill.liquidity = liquidity_taker;
	report_on_event(&r, &fill);
	report_on_event(&r, &fill);
	assert_int_equal(r.makers, 1);
	assert_int_equal(r.takers, 2);
	order.order.status = order_status_partial;
	report_on_event(&r, &order);
	order.order.status = order_status_filled;
	report_on_event(&r, &order);
	assert_int_equal(r.partials, 1);
	assert_int_equal(r.n_accounts, 0);
	for (int64_t i = 1; i <= 3; i++) {
		worth.equity.equity = 100 * i;
		report_on_event(&r, &worth);
	}
	assert_int_equal(r.n_accounts, 1);
	assert_true(r.account[0].has_equity);
	assert_int_equal(r.account[0].first.equity, 100);
	assert_int_equal(r.account[0].last.equity, 300);
	worth.equity.marked = true; /* until then there was no market for what it was opened with */
	for (int64_t i = 4; i <= 5; i++) {
		worth.equity.equity = 100 * i;
		report_on_event(&r, &worth);
	}
	assert_int_equal(r.account[0].first.equity, 400);
	assert_int_equal(r.account[0].last.equity, 500);
}

/* What one account is worth and whether it trades says nothing of another. */
static void accounts_are_told_apart(void **state)
{
	(void)state;
	static const char *const names[] = {"paper", "hedge"};
	for (int64_t i = 0; i < 6; i++) {
		struct event worth = at(EVENT_equity, NOON + i), mode = at(EVENT_trading_state, NOON + i);
		event_set_name(worth.equity.account, names[i % 2]);
		worth.equity.equity = i % 2 ? 500 + i : 10000 + i;
		event_set_name(mode.trading_state.account, names[i % 2]);
		mode.trading_state.state = i % 2 ? trading_paused : trading_running;
		report_on_event(&r, &worth);
		report_on_event(&r, &mode);
	}
	assert_int_equal(r.n_accounts, 2);
	assert_string_equal(r.account[1].name, "hedge");
	assert_int_equal(r.account[0].first.equity, 10000);
	assert_int_equal(r.account[0].last.equity, 10004);
	assert_int_equal(r.account[1].first.equity, 501);
	assert_int_equal(r.account[1].last.equity, 505);
	assert_int_equal(r.account[0].trading.state, trading_running);
	assert_int_equal(r.account[1].trading.state, trading_paused);
	for (int i = 0; i < REPORT_ACCOUNTS_MAX; i++) {
		struct event worth = at(EVENT_equity, NOON);
		snprintf(worth.equity.account, sizeof worth.equity.account, "a%d", i);
		report_on_event(&r, &worth);
	}
	assert_int_equal(r.n_accounts, REPORT_ACCOUNTS_MAX);
}

/* Two collectors of one venue have each its own connection 0. */
static void feeds_of_one_venue_are_told_apart(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct event ev = at(EVENT_feed_state, NOON + i * SECOND);
		memcpy(ev.source, i ? "collector-2" : "collector-1", 12);
		memcpy(ev.feed_state.venue, "BINANCE", 8);
		ev.feed_state.state = i ? feed_lost : feed_live;
		report_on_event(&r, &ev);
	}
	report_end(&r, NOON + 11 * SECOND);
	assert_int_equal(r.n_feeds, 2);
	assert_int_equal(r.feed[0].live_ns, 11 * SECOND);
	assert_int_equal(r.feed[1].down_ns, 10 * SECOND);
}

static void assume(const char *account, const char *about, const char *value)
{
	struct event ev = at(EVENT_assumption, NOON);
	event_set_name(ev.assumption.account, account);
	event_set_name(ev.assumption.about, about);
	event_set_name(ev.assumption.value, value);
	report_on_event(&r, &ev);
}

static void the_newest_assumption_counts_and_changes_are_told(void **state)
{
	(void)state;
	const struct assumed *a = &r.assumed;
	char name[ASSUMED_NAME_MAX], value[ASSUMED_VALUE_MAX];
	assume("paper", "queue", "back");
	assume("paper", "fees", "0.001/0.001");
	assume("paper", "queue", "back"); /* the same again is no change */
	assert_int_equal(a->n, 2);
	assumed_name(a, 0, name);
	assumed_value(a, 0, value);
	assert_string_equal(name, "queue");
	assert_string_equal(value, "back");
	assume("paper", "queue", "share");
	assumed_value(a, 0, value);
	assert_string_equal(value, "share (changed 1 time)");
	assume("second", "queue", "through");
	assumed_name(a, 0, name);
	assert_string_equal(name, "queue (paper)");
	assumed_name(a, 2, name);
	assert_string_equal(name, "queue (second)");
	assert_false(assumed_repeats(a, 2));
	assume("second", "fees", "0.001/0.001"); /* what all rest on alike is told once, of nobody */
	assert_true(assumed_repeats(a, 3));
	assert_false(assumed_repeats(a, 1));
	assumed_name(a, 1, name);
	assert_string_equal(name, "fees");
	for (int i = 0; i < ASSUMED_MAX; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		assume("paper", name, "x");
	}
	assert_int_equal(a->n, ASSUMED_MAX);
	assert_int_equal(a->left_out, 4);
}

static void parity_is_told_by_cause(void **state)
{
	(void)state;
	struct event ev = at(EVENT_parity, NOON);
	ev.parity.cause = parity_cause_late;
	report_on_event(&r, &ev);
	ev.parity.cause = parity_cause_conflated;
	ev.parity.count = 7;
	report_on_event(&r, &ev);
	ev.parity.cause = parity_cause_unheard; /* of no input */
	report_on_event(&r, &ev);
	ev.parity.cause = 200; /* of a later version */
	report_on_event(&r, &ev);
	assert_int_equal(r.parity, 15);
	assert_int_equal(r.parity_of[parity_cause_late], 1);
	assert_int_equal(r.parity_of[parity_cause_conflated], 7);
}

static void a_feed_is_live_or_down_until_the_end(void **state)
{
	(void)state;
	feed(feed_connecting, 0, NOON);
	feed(feed_live, 0, NOON + 2 * SECOND);
	feed(feed_lost, 0, NOON + 12 * SECOND);
	feed(feed_live, 1, NOON + 5 * SECOND); /* another connection of the same venue */
	feed(feed_live, 0, NOON + 13 * SECOND);
	report_end(&r, NOON + 20 * SECOND);
	assert_int_equal(r.n_feeds, 2);
	assert_int_equal(r.feed[0].live_ns, 17 * SECOND);
	assert_int_equal(r.feed[0].down_ns, 3 * SECOND);
	assert_int_equal(r.feed[1].live_ns, 15 * SECOND);
	assert_int_equal(r.feed[1].down_ns, 0);
}

static void feeds_and_gaps_beyond_the_limit_are_counted_all_the_same(void **state)
{
	(void)state;
	char stream[8] = "a0";
	gap("trade", gap_cause_disconnect, NOON, NOON + SECOND);
	gap("trade", gap_cause_disconnect, NOON, NOON + 2 * SECOND);
	gap("trade", gap_cause_disconnect, 0, NOON); /* nobody knows since when */
	gap("trade", gap_cause_bus, NOON, NOON);
	assert_int_equal(r.n_gaps, 2);
	assert_int_equal(r.gap[0].count, 3);
	assert_int_equal(r.gap[0].blind_ns, 3 * SECOND);
	for (int i = 0; i < 2 * REPORT_GAPS_MAX; i++) {
		stream[0] = (char)('a' + i % 26);
		stream[1] = (char)('0' + i / 26);
		gap(stream, gap_cause_disconnect, NOON, NOON);
	}
	assert_int_equal(r.n_gaps, REPORT_GAPS_MAX);
	assert_int_equal(r.gaps_total, 4 + 2 * REPORT_GAPS_MAX);
	for (uint32_t i = 0; i < 2 * REPORT_FEEDS_MAX; i++)
		feed(feed_live, i, NOON);
	assert_int_equal(r.n_feeds, REPORT_FEEDS_MAX);
}

static void alerts_count_when_raised_and_parity_by_what_it_sums_up(void **state)
{
	(void)state;
	struct event alert = at(EVENT_alert, NOON), parity = at(EVENT_parity, NOON);
	struct event mode = at(EVENT_trading_state, NOON);
	alert.alert.state = alert_state_raised;
	alert.alert.severity = severity_critical;
	report_on_event(&r, &alert);
	alert.alert.state = alert_state_resolved;
	report_on_event(&r, &alert);
	alert.alert.state = alert_state_raised;
	alert.alert.severity = severity_warning;
	report_on_event(&r, &alert);
	assert_int_equal(r.alerts_critical, 1);
	assert_int_equal(r.alerts_warning, 1);
	report_on_event(&r, &parity); /* of an older version, without a count */
	parity.parity.count = 41;
	report_on_event(&r, &parity);
	assert_int_equal(r.parity, 42);
	mode.trading_state.state = trading_safe;
	report_on_event(&r, &mode);
	mode.trading_state.state = trading_running;
	report_on_event(&r, &mode);
	assert_int_equal(r.safe_entered, 1);
	assert_int_equal(r.account[0].trading.state, trading_running);
}

static void an_intent_is_as_old_as_its_cause_but_in_a_replay(void **state)
{
	(void)state;
	struct event ev = at(EVENT_intent, NOON);
	ev.intent.cause_at = NOON;
	ev.ts_sent = NOON + 700000;
	report_on_event(&r, &ev);
	ev.origin = origin_replay;
	report_on_event(&r, &ev);
	ev.origin = origin_live;
	ev.intent.cause_at = 0;
	report_on_event(&r, &ev);
	ev.intent.cause_at = ev.ts_sent + 1; /* the clock was set back between */
	report_on_event(&r, &ev);
	assert_int_equal(r.intents, 4);
	assert_int_equal(r.intent_age.count, 1);
	assert_int_equal(r.intent_age.max, 700000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_opening_is_no_part_of_the_span, setup),
		cmocka_unit_test_setup(what_is_taken_over_is_in_the_start, setup),
		cmocka_unit_test_setup(the_account_tells_the_origin, setup),
		cmocka_unit_test_setup(fills_by_liquidity_and_equity_first_and_last, setup),
		cmocka_unit_test_setup(accounts_are_told_apart, setup),
		cmocka_unit_test_setup(feeds_of_one_venue_are_told_apart, setup),
		cmocka_unit_test_setup(the_newest_assumption_counts_and_changes_are_told, setup),
		cmocka_unit_test_setup(parity_is_told_by_cause, setup),
		cmocka_unit_test_setup(a_feed_is_live_or_down_until_the_end, setup),
		cmocka_unit_test_setup(feeds_and_gaps_beyond_the_limit_are_counted_all_the_same, setup),
		cmocka_unit_test_setup(alerts_count_when_raised_and_parity_by_what_it_sums_up, setup),
		cmocka_unit_test_setup(an_intent_is_as_old_as_its_cause_but_in_a_replay, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
