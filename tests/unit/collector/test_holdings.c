/* test_holdings - our account at the venue: rounds, streams, corrections, staleness, refusals, all by a clock of our
 * own and with the venue's own texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/fixed.h"
#include "services/collector/holdings.h"

#define S 1000000000LL
#define T0 (1700000000LL * S)

static struct holdings h;
static int64_t now;
static char said[4096]; /* events and alerts, a line each */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t len = strlen(said);
	va_list args;
	va_start(args, format);
	vsnprintf(said + len, sizeof said - len, format, args);
	va_end(args);
}

static void on_emit(void *ctx, struct event *ev)
{
	char a[FIXED_TEXT_MAX], b[FIXED_TEXT_MAX];
	(void)ctx;
	assert_int_equal(ev->ts_recv, now);
	assert_int_equal(ev->origin, origin_simulated);
	if (ev->id == EVENT_account_balance) {
		const struct ev_account_balance *e = &ev->account_balance;
		fixed_format(a, sizeof a, e->total, e->cash_scale);
		fixed_format(b, sizeof b, e->locked, e->cash_scale);
		assert_string_equal(e->account, "mine");
		say("%s %s %s %s\n", e->asset, a, b, enum_text(enum_learned(), e->learned));
	} else if (ev->id == EVENT_account_position) {
		const struct ev_account_position *e = &ev->account_position;
		fixed_format(a, sizeof a, e->qty, e->qty_scale);
		fixed_format(b, sizeof b, e->avg_price, e->price_scale);
		assert_true(strcmp(e->venue, "BINANCE-PERP") == 0 || strcmp(e->venue, "KALSHI") == 0);
		say("%s%s %s at %s %s\n", e->instrument.s, e->leg, a, b, enum_text(enum_learned(), e->learned));
	} else {
		assert_int_equal(ev->id, EVENT_account_state);
		say("%s > %s streamed %d\n", enum_text(enum_account_state(), ev->account_state.before),
		    enum_text(enum_account_state(), ev->account_state.state), ev->account_state.streamed);
	}
}

/* As the runtime does: once for each change. */
static struct {
	const char *rule;
	bool raised;
} rules[] = {{"account_unread", false},    {"account_refused", false}, {"account_clock", false},
	     {"account_withdraws", false}, {"account_differs", false}};

static void on_alert(void *ctx, enum severity severity, bool raised, const char *rule, const char *text)
{
	(void)ctx;
	(void)severity;
	assert_true(text[0] != '\0' && strlen(text) < EVENT_TEXT_MAX - 1);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (strcmp(rules[i].rule, rule) != 0)
			continue;
		if (rules[i].raised != raised)
			say("%s %s\n", raised ? "ALERT" : "resolved", rule);
		rules[i].raised = raised;
		return;
	}
	fail_msg("%s is no rule", rule);
}

static const struct sink sink = {.emit = on_emit};

static void make(const char *venue, bool withdrawals)
{
	struct holdings_settings set = {.account = "mine",
					.venue = venue_find(venue, strlen(venue)),
					.every_ns = 60 * S,
					.stale_ns = 180 * S,
					.withdrawals = withdrawals};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i].raised = false;
	now = T0;
	said[0] = '\0';
	holdings_init(&h, &set, on_alert, NULL);
	assert_int_equal(holdings_due(&h), CORE_NEVER);
	holdings_start(&h, now, &sink);
}

static void told(const char *text)
{
	assert_string_equal(said, text);
	said[0] = '\0';
}

/* The next question within `ns`, at its time; the clock is moved as the shell does, ten times a second. */
static int asked_within(int64_t ns)
{
	struct holdings_question q;
	for (int64_t end = now + ns;; now += S / 10) {
		if (holdings_next(&h, now, &q, &sink))
			return (int)q.ask;
		if (now >= end)
			return -1;
	}
}

static void answer(int status, const char *body)
{
	struct holdings_answer a = {
		.status = status, .body = body, .len = body ? strlen(body) : 0, .origin = origin_simulated};
	holdings_on_answer(&h, now, &a, &sink);
}

static void hear(enum holdings_word word, const char *text)
{
	assert_int_equal(holdings_on_event(&h, now, text, strlen(text), &sink), word);
}

#define READER "{\"createTime\":1,\"enableReading\":true,\"enableWithdrawals\":false}"
#define SUBSCRIBED "{\"id\":\"account\",\"status\":200,\"result\":{\"subscriptionId\":0}}"
#define BALANCES(time, rows) "{\"updateTime\":" #time ",\"balances\":[" rows "]}"
#define ROW(asset, free, locked) "{\"asset\":\"" asset "\",\"free\":\"" free "\",\"locked\":\"" locked "\"}"
#define TOLD(time, rows)                                                                                               \
	"{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",\"E\":" #time ",\"u\":" #time             \
	",\"B\":[" rows "]}}"
#define PART(asset, free, locked) "{\"a\":\"" asset "\",\"f\":\"" free "\",\"l\":\"" locked "\"}"

/* A first round, the stream, and a round behind it: from here on one is checked against the other. */
static void settle(void)
{
	make("BINANCE", false);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_RIGHTS);
	answer(200, READER);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1000, ROW("BTC", "1.50000000", "0.50000000") "," ROW("USDT", "100.00", "0")));
	told("BTC 2.0 0.5 polled\nUSDT 100 0 polled\nunknown > known streamed 0\n");
	hear(HOLDINGS_SUBSCRIBED, SUBSCRIBED);
	told("known > known streamed 1\n");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1000, ROW("BTC", "1.50000000", "0.50000000") "," ROW("USDT", "100.00", "0")));
	told("");
}

static void rounds(void **state)
{
	(void)state;
	settle();
	assert_int_equal(asked_within(59 * S), -1);
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "100", "0")));
	told(""); /* nothing has changed */
	assert_int_equal(h.counters.polls, 4);
}

static void streamed(void **state)
{
	(void)state;
	settle();
	hear(HOLDINGS_GO_ON, TOLD(2000, PART("BTC", "1.0", "0.5") "," PART("ETH", "3.0", "0.0")));
	told("BTC 1.5 0.5 streamed\nETH 3 0 streamed\n");
	hear(HOLDINGS_GO_ON, TOLD(2000, PART("BTC", "1.0", "0.5"))); /* twice */
	hear(HOLDINGS_GO_ON, TOLD(1500, PART("BTC", "9.0", "0.5"))); /* older */
	told("");
	assert_int_equal(h.counters.late, 1);
	hear(HOLDINGS_GO_ON, TOLD(2500, PART("ETH", "0.0", "0.0")));
	told("ETH 0 0 streamed\n");
	hear(HOLDINGS_GO_ON, "{\"subscriptionId\":0,\"event\":{\"e\":\"brandNew\",\"E\":3000}}");
	assert_int_equal(h.counters.unknown, 1);
}

/* A reply from before what the stream has told since. */
static void old_polls(void **state)
{
	(void)state;
	settle();
	hear(HOLDINGS_GO_ON, TOLD(5000, PART("BTC", "7.0", "0.0")));
	told("BTC 7 0 streamed\n");
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "100", "0")));
	assert_int_equal(asked_within(20 * S), -1);
	told("");
	assert_int_equal(h.counters.late, 1);
	/* An asset of which that reply knows nothing yet. */
	hear(HOLDINGS_GO_ON, TOLD(5500, PART("XRP", "2", "0")));
	told("XRP 2 0 streamed\n");
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(5000, ROW("BTC", "7.0", "0") "," ROW("USDT", "100", "0")));
	assert_int_equal(asked_within(20 * S), -1);
	told("");
	assert_int_equal(h.counters.late, 2);
	/* Told while the question was under way: the time is the same, the stream's word is the later one. */
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	hear(HOLDINGS_GO_ON, TOLD(6000, PART("DOGE", "4", "0")));
	answer(200, BALANCES(6000, ROW("BTC", "7.0", "0") "," ROW("USDT", "100", "0") "," ROW("XRP", "2", "0")));
	assert_int_equal(asked_within(20 * S), -1);
	told("DOGE 4 0 streamed\n");
}

/* What the stream should have told and did not. */
static void corrected(void **state)
{
	(void)state;
	settle();
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(9000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "40", "0")));
	told("");
	/* It may still be on its way. */
	now += 2 * S;
	hear(HOLDINGS_GO_ON, TOLD(9000, PART("USDT", "40", "0")));
	told("USDT 40 0 streamed\n");
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(9500, ROW("USDT", "30", "0"))); /* and BTC is gone */
	told("");
	assert_int_equal(asked_within(6 * S), -1);
	told("BTC 0 0 corrected\nALERT account_differs\nUSDT 30 0 corrected\n");
	assert_int_equal(h.counters.corrections, 2);
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(9500, ROW("USDT", "30", "0")));
	told("resolved account_differs\n");
}

/* After the stream was away the next round says what has changed, and it is nobody's fault. */
static void reconnected(void **state)
{
	(void)state;
	settle();
	holdings_on_stream_lost(&h, now, &sink);
	told("known > known streamed 0\n");
	holdings_on_stream_lost(&h, now, &sink);
	told("");
	hear(HOLDINGS_SUBSCRIBED, SUBSCRIBED);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(9000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "40", "0")));
	told("known > known streamed 1\nUSDT 40 0 polled\n");
	assert_int_equal(h.counters.corrections, 0);
}

/* A difference without a total: ask, soon and once. */
static void asks_soon(void **state)
{
	(void)state;
	settle();
	hear(HOLDINGS_GO_ON, "{\"subscriptionId\":0,\"event\":{\"e\":\"balanceUpdate\",\"E\":1,\"a\":\"BTC\","
			     "\"d\":\"1\"}}");
	hear(HOLDINGS_GO_ON, "{\"subscriptionId\":0,\"event\":{\"e\":\"balanceUpdate\",\"E\":2,\"a\":\"BTC\","
			     "\"d\":\"1\"}}");
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "100", "0")));
	assert_int_equal(asked_within(50 * S), -1);
	hear(HOLDINGS_RECONNECT, "{\"event\":{\"e\":\"eventStreamTerminated\",\"E\":1}}");
	hear(HOLDINGS_RECONNECT, "{\"status\":400,\"error\":{\"code\":-1022,\"msg\":\"no\"}}");
}

static void unanswered(void **state)
{
	int questions = 0;
	(void)state;
	settle();
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(0, NULL);
	answer(200, BALANCES(1, "")); /* nobody asked */
	assert_int_equal(asked_within(3 * S), VENUE_ACCOUNT_BALANCES);
	answer(503, "<html>");
	told("");
	assert_int_equal(asked_within(5 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, "{\"balances\":[");
	told("ALERT account_unread\n"); /* one */
	for (int64_t end = now + 600 * S; now < end; questions++) {
		int q = asked_within(600 * S);
		if (q < 0)
			break;
		answer(0, NULL);
	}
	told("known > stale streamed 1\n");
	assert_in_range(questions, 8, 16); /* once a minute, not more */
	assert_true(asked_within(61 * S) >= 0);
	answer(200, BALANCES(1000, ROW("BTC", "1.5", "0.5") "," ROW("USDT", "100", "0")));
	told("resolved account_unread\nstale > known streamed 1\n");
}

static void limited(void **state)
{
	struct holdings_answer a = {
		.status = 429, .body = "{\"code\":-1003,\"msg\":\"Way too many\"}", .retry_after_ns = 120 * S,
		.origin = origin_simulated};
	(void)state;
	settle();
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	a.len = strlen(a.body);
	holdings_on_answer(&h, now, &a, &sink);
	assert_int_equal(asked_within(119 * S), -1);
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_BALANCES);
	a.status = 418;
	a.retry_after_ns = 0; /* it does not say: a minute */
	holdings_on_answer(&h, now, &a, &sink);
	assert_int_equal(asked_within(59 * S), -1);
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_BALANCES);
}

/* A key that is refused is not tried in a storm, and people hear of it once. */
static void refused(void **state)
{
	int questions = 0;
	(void)state;
	make("BINANCE", false);
	for (int64_t end = now + 6 * 3600 * S; now < end; questions++) {
		if (asked_within(end - now) < 0)
			break;
		answer(401, "{\"code\":-2015,\"msg\":\"Invalid API-key, IP, or permissions for action.\"}");
	}
	told("ALERT account_refused\nunknown > refused streamed 0\n");
	assert_in_range(questions, 5, 12);
	assert_true(asked_within(3601 * S) == VENUE_ACCOUNT_RIGHTS);
	answer(200, READER);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	answer(200, BALANCES(1, ""));
	told("resolved account_refused\nrefused > known streamed 0\n");
}

static void bad_signature(void **state)
{
	(void)state;
	make("BINANCE", false);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_RIGHTS);
	answer(400, "{\"code\":-1022,\"msg\":\"Signature for this request is not valid.\"}");
	told("ALERT account_refused\nunknown > refused streamed 0\n");
	assert_int_equal(asked_within(299 * S), -1);
}

#define TAKER "{\"createTime\":1,\"enableReading\":true,\"enableWithdrawals\":true}"

static void withdrawals(void **state)
{
	(void)state;
	make("BINANCE", false);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_RIGHTS);
	answer(200, TAKER);
	told("ALERT account_withdraws\nALERT account_refused\nunknown > refused streamed 0\n");
	assert_int_equal(asked_within(299 * S), -1); /* nothing is read by it */
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_RIGHTS);
	answer(200, READER);
	told("resolved account_withdraws\n");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	make("BINANCE", true); /* put up with, but not in silence */
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_RIGHTS);
	answer(200, TAKER);
	told("ALERT account_withdraws\n");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
}

/* A test network has no such endpoint. */
static void no_rights(void **state)
{
	(void)state;
	make("BINANCE", false);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_RIGHTS);
	answer(404, "not found");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	told("");
}

/* Half of the window off: nothing is signed. */
static void clock_off(void **state)
{
	(void)state;
	settle();
	holdings_on_clock(&h, 2499 * S / 1000, 5 * S);
	assert_int_equal(asked_within(61 * S), VENUE_ACCOUNT_BALANCES);
	answer(400, "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside of the recvWindow.\"}");
	told("ALERT account_clock\n");
	assert_int_equal(asked_within(59 * S), -1);
	holdings_on_clock(&h, 2500 * S / 1000, 5 * S);
	assert_int_equal(asked_within(600 * S), -1);
	told("known > stale streamed 1\nALERT account_unread\n");
	holdings_on_clock(&h, 100 * S / 1000, 5 * S);
	told("resolved account_clock\n");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
}

/* Futures: positions, with legs; and pages. */
static void positions(void **state)
{
	(void)state;
	make("BINANCE-PERP", false);
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
	answer(200, "{\"assets\":[{\"asset\":\"USDT\",\"walletBalance\":\"-5.25\",\"updateTime\":7},{\"asset\":\"BNB\","
		    "\"walletBalance\":\"0.00000000\",\"updateTime\":0}]}");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_POSITIONS);
	answer(200, "[{\"symbol\":\"BTCUSDT\",\"positionSide\":\"LONG\",\"positionAmt\":\"0.5\","
		    "\"entryPrice\":\"100.0\","
		    "\"updateTime\":8},{\"symbol\":\"BTCUSDT\",\"positionSide\":\"SHORT\",\"positionAmt\":\"-1.5\","
		    "\"entryPrice\":\"101.50\",\"updateTime\":8}]");
	told("USDT -5.25 0.00 polled\nBTCUSDT-PERP.BINANCELONG 0.5 at 100 polled\n"
	     "BTCUSDT-PERP.BINANCESHORT -1.5 at 101.5 polled\nunknown > known streamed 0\n");
	hear(HOLDINGS_GO_ON, "{\"e\":\"ACCOUNT_UPDATE\",\"E\":9,\"T\":9,\"a\":{\"m\":\"ORDER\",\"B\":[],"
			     "\"P\":[{\"s\":\"BTCUSDT\","
			     "\"pa\":\"0\",\"ep\":\"0.0\",\"ps\":\"LONG\"}]}}");
	told("BTCUSDT-PERP.BINANCELONG 0 at 0 streamed\n");
}

#define CASH(dollars) "{\"balance\":1,\"balance_dollars\":\"" dollars "\",\"updated_ts\":1700000000}"
#define CONTRACTS(qty, cost)                                                                                           \
	"{\"cursor\":\"\",\"market_positions\":[{\"ticker\":\"KXGOLD-1\",\"position_fp\":\"" qty                \
	"\",\"market_exposure_dollars\":\"" cost "\"}]}"

/* No stream of Kalshi's tells the cash that a trade moves: that a poll finds it is nobody's fault. */
static void cash_is_asked(void **state)
{
	(void)state;
	make("KALSHI", false);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(asked_within(0), VENUE_ACCOUNT_BALANCES);
		answer(200, CASH("100.50"));
		assert_int_equal(asked_within(0), VENUE_ACCOUNT_POSITIONS);
		answer(200, CONTRACTS("-4.00", "2.2400"));
		if (i == 0)
			hear(HOLDINGS_SUBSCRIBED, "{\"id\":1,\"type\":\"subscribed\",\"msg\":{\"sid\":3}}");
	}
	said[0] = '\0';
	hear(HOLDINGS_GO_ON, "{\"type\":\"market_position\",\"sid\":3,\"msg\":{\"market_ticker\":\"KXGOLD-1\","
			     "\"position_fp\":\"-5.00\",\"position_cost_dollars\":\"2.8000\"}}");
	told("KXGOLD-1.KALSHI -5 at 0.560000 streamed\n");
	assert_int_equal(asked_within(2 * S), VENUE_ACCOUNT_BALANCES);
	answer(200, CASH("99.94"));
	told("USD 99.94 0.00 polled\n");
	assert_int_equal(asked_within(0), VENUE_ACCOUNT_POSITIONS);
	answer(200, CONTRACTS("-6.00", "3.3600"));
	assert_int_equal(asked_within(10 * S), -1);
	told("KXGOLD-1.KALSHI -6 at 0.560000 corrected\nALERT account_differs\n");
	assert_int_equal(h.counters.corrections, 1);
}

/* More than there is room for is counted; what is empty gives up its place. */
static void bounded(void **state)
{
	char text[200];
	(void)state;
	settle();
	for (int i = 0; i < HOLDINGS_MAX + 10; i++) {
		snprintf(text, sizeof text, TOLD(2000, "{\"a\":\"A%d\",\"f\":\"1\",\"l\":\"0\"}"), i);
		said[0] = '\0';
		hear(HOLDINGS_GO_ON, text);
	}
	assert_int_equal(h.n, HOLDINGS_MAX);
	assert_int_equal(h.counters.lost, 12);
	said[0] = '\0';
	hear(HOLDINGS_GO_ON, TOLD(3000, PART("A7", "0", "0") "," PART("NEW", "1", "0")));
	told("A7 0 0 streamed\nNEW 1 0 streamed\n");
	assert_int_equal(h.counters.lost, 12);
}

/* The address is barred: the next question waits, the answer to one under way does not. */
static void held_back(void **state)
{
	struct holdings_question q;
	(void)state;
	make("BINANCE", false);
	holdings_hold(&h, now + 120 * S);
	assert_false(holdings_next(&h, now + 120 * S - 1, &q, &sink));
	assert_true(holdings_next(&h, now + 120 * S, &q, &sink));
	int64_t due = holdings_due(&h);
	holdings_hold(&h, now + 3600 * S);
	assert_int_equal(holdings_due(&h), due);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds),     cmocka_unit_test(streamed),      cmocka_unit_test(old_polls),
		cmocka_unit_test(corrected),  cmocka_unit_test(reconnected),   cmocka_unit_test(asks_soon),
		cmocka_unit_test(unanswered), cmocka_unit_test(limited),       cmocka_unit_test(refused),
		cmocka_unit_test(withdrawals), cmocka_unit_test(bad_signature), cmocka_unit_test(no_rights),
		cmocka_unit_test(clock_off),  cmocka_unit_test(positions),     cmocka_unit_test(bounded),
		cmocka_unit_test(cash_is_asked), cmocka_unit_test(held_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
