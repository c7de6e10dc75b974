/* test_stats - figures worked out by hand from curves and fills of a few points. */
#include "desk.h"

#include <math.h>

#include "services/executor/stats.h"

#define DAY (86400 * S)

static struct stats stats;
static struct stats_day days[16];
static struct stats_sums sums[16];
static char names[16][64];
static uint32_t n_days;

static void note(void *ctx, const struct stats_day *d)
{
	(void)ctx;
	assert_true(n_days < ARRAY_LEN(days));
	days[n_days] = *d;
	sums[n_days] = *d->sums;
	snprintf(names[n_days], sizeof(names[0]), "%s", d->name);
	n_days++;
}

static void begin(void)
{
	n_days = 0;
	stats_init(&stats, note, NULL);
}

static void point(int64_t at, int64_t worth, int64_t cash, bool marked)
{
	struct event ev;
	event_init(&ev, EVENT_equity);
	ev.ts_event = at;
	event_set_name(ev.equity.account, "paper");
	ev.equity.equity = CASH(worth);
	ev.equity.cash = CASH(cash);
	ev.equity.exposed = CASH(worth - cash);
	ev.equity.marked = marked;
	stats_on_event(&stats, &ev);
}

/* Cash 1,000, unrealised -10, of a perpetual worth 5,000; as a program of that version said it. */
static void leveraged_point(int64_t at, uint8_t version)
{
	struct event ev;
	event_init(&ev, EVENT_equity);
	ev.ts_event = at;
	ev.version = version;
	event_set_name(ev.equity.account, "paper");
	ev.equity.equity = CASH(990);
	ev.equity.cash = CASH(1000);
	ev.equity.exposed = version > 3 ? CASH(5000) : 0;
	ev.equity.marked = true;
	stats_on_event(&stats, &ev);
}

static void fill(int64_t at, const char *strategy, int64_t realised, int64_t fee)
{
	struct event ev;
	event_init(&ev, EVENT_fill);
	ev.ts_event = at;
	event_set_name(ev.fill.account, "paper");
	event_set_name(ev.fill.strategy, strategy);
	ev.fill.instrument = desk_symbol("ONE.TEST");
	ev.fill.price_scale = 2;
	ev.fill.price = 5000;
	ev.fill.qty = 4; /* worth 200 */
	ev.fill.rate = 1000000000000; /* 1 */
	ev.fill.realised = CASH(realised);
	ev.fill.fee = CASH(fee);
	stats_on_event(&stats, &ev);
}

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static void taken_over(const char *account, enum venue_says says)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	event_set_name(ev.venue_report.account, account);
	ev.venue_report.says = (uint8_t)says;
	stats_on_event(&stats, &ev);
}

/* A live account: 1,000 of the venue, a gain of 100, a deposit of 900, a loss of 200 of 2,000. */
static void what_is_taken_over_is_no_result(void **state)
{
	(void)state;
	begin();
	point(1 * S, 0, 0, true);
	taken_over("paper", venue_says_funds);
	taken_over("another", venue_says_funds);
	point(100 * DAY, 300, 300, false); /* not all of it is marked yet */
	point(100 * DAY + S, 1000, 1000, true);
	taken_over("paper", venue_says_agreed);
	point(100 * DAY + 2 * S, 1100, 1100, true);
	taken_over("paper", venue_says_funds);
	point(101 * DAY, 2000, 2000, true);
	point(101 * DAY + S, 1800, 1800, true);
	stats_end(&stats);
	struct stats_figures f = stats_figures(&stats.row[0]);
	assert_int_equal(stats.row[0].curve.first, CASH(1900));
	assert_true(near(f.total, 1800 / 1900.0 - 1));
	assert_true(near(f.drawdown, 0.1));
	assert_int_equal(n_days, 2);
	assert_int_equal(days[0].open, CASH(1000));
	assert_int_equal(days[0].close, CASH(1100));
	assert_int_equal(days[1].open, CASH(2000));
	assert_int_equal(days[1].close, CASH(1800));
}

/* 1,000; days that end at 1,100, 990 and 1,089: returns of 0.1, -0.1, 0.1. */
static void ratios_are_as_defined(void **state)
{
	(void)state;
	begin();
	point(1 * S, 1000, 1000, true); /* the opening, in 1970 */
	point(100 * DAY, 1000, 1000, true);
	point(100 * DAY + DAY / 2, 1100, 600, true);
	point(101 * DAY, 1100, 600, true);
	point(101 * DAY + DAY / 2, 990, 990, true);
	point(102 * DAY, 5000, 0, false); /* not marked: does not count */
	point(102 * DAY + 1, 990, 990, true);
	point(103 * DAY - 1, 1089, 1089, true);
	stats_end(&stats);
	assert_int_equal(stats.n, 1);
	struct stats_figures f = stats_figures(&stats.row[0]);
	double mean = 0.1 / 3, deviation = sqrt((2 * 0.1 * 0.1 + 0.1 * 0.1 - 3 * mean * mean) / 2);
	assert_true(near(f.total, 0.089));
	assert_true(near(f.drawdown, 0.1));
	assert_true(fabs(f.sharpe - mean / deviation * sqrt(365)) < 1e-9);
	assert_true(fabs(f.sortino - mean / sqrt(0.01 / 3) * sqrt(365)) < 1e-9);
	double years = (3.0 - 1e-9 / 86400) / 365;
	assert_true(fabs(f.calmar / ((pow(1.089, 1 / years) - 1) / 0.1) - 1) < 1e-9);
	/* half a day at 1,000; a day at 1,100, 500 of it exposed; half a day at 990 and a day at 990 */
	assert_true(fabs(f.exposure - 500 / (500 + 1100 + 495 + 990.0)) < 1e-9);
	assert_int_equal(n_days, 3);
	assert_int_equal(days[1].day, 101);
	assert_int_equal(days[1].open, CASH(1100));
	assert_int_equal(days[1].close, CASH(990));
}

/* 5,000 of 990 held all the time; a record of before there was that says no more than worth less cash. */
static void a_perpetual_is_exposed_with_all_of_it(void **state)
{
	(void)state;
	for (uint8_t version = 3; version <= 4; version++) {
		begin();
		leveraged_point(100 * DAY, version);
		leveraged_point(101 * DAY, version);
		double wanted = (version > 3 ? 5000 : -10) / 990.0;
		assert_true(fabs(stats_figures(&stats.row[0]).exposure - wanted) < 1e-9);
	}
}

/* Gains of 30 and 10, a loss of 8, and a fill that only opened; two strategies. */
static void sums_are_by_scope_and_day(void **state)
{
	(void)state;
	begin();
	point(100 * DAY, 1000, 1000, true);
	fill(100 * DAY, "a", 0, 1);
	fill(100 * DAY + 1, "a", 30, 1);
	fill(101 * DAY, "b", -8, 2);
	fill(101 * DAY, "b", 10, 0);
	point(101 * DAY, 1000, 1000, true);
	stats_end(&stats);
	assert_int_equal(stats.n, 4);
	for (uint32_t i = 0; i < stats.n; i++) {
		const struct stats_row *r = &stats.row[i];
		struct stats_figures f = stats_figures(r);
		if (strcmp(r->name, "a") == 0) {
			assert_int_equal(r->all.realised, CASH(30));
			assert_true(near(f.win_rate, 1));
			assert_true(isnan(f.profit_factor) && isnan(f.sharpe));
			continue;
		}
		bool all = strcmp(r->name, "b") != 0;
		assert_true(near(f.win_rate, all ? 2.0 / 3 : 0.5));
		assert_true(near(f.profit_factor, all ? 5 : 1.25));
		assert_int_equal(r->all.fees, CASH(all ? 4 : 2));
		assert_int_equal(r->all.traded, CASH(all ? 800 : 400));
		if (r->scope == STATS_ACCOUNT)
			assert_true(near(f.turnover, 0.8));
	}
	/* The account and the instrument have two days, each strategy one. */
	assert_int_equal(n_days, 6);
	int64_t realised = 0, fees = 0;
	for (uint32_t i = 0; i < n_days; i++)
		if (days[i].scope == STATS_INSTRUMENT) {
			assert_string_equal(names[i], "ONE.TEST");
			realised += sums[i].realised;
			fees += sums[i].fees;
		}
	assert_int_equal(realised, CASH(32));
	assert_int_equal(fees, CASH(4));
}

static void what_is_undefined_is_nan(void **state)
{
	(void)state;
	begin();
	point(100 * DAY, 1000, 1000, true);
	stats_end(&stats);
	struct stats_figures f = stats_figures(&stats.row[0]);
	assert_true(isnan(f.sharpe) && isnan(f.sortino) && isnan(f.calmar) && isnan(f.win_rate));
	assert_true(isnan(f.profit_factor) && isnan(f.exposure) && isnan(f.turnover));
	assert_true(f.total >= 0 && f.total <= 0);
}

static void rows_are_bounded(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < STATS_ROWS_MAX + 10; i++) {
		char name[20];
		snprintf(name, sizeof(name), "s%d", i);
		fill(100 * DAY, name, 1, 0);
	}
	assert_int_equal(stats.n, STATS_ROWS_MAX);
	assert_int_equal(stats.left_out, 12);
}

/* ---- curves of strategies and instruments ---- */

static struct {
	enum stats_scope scope;
	char name[sizeof(struct symbol)];
	int64_t worth;
} points[16];
static uint32_t n_points;

static void note_point(void *ctx, const struct stats_row *r)
{
	(void)ctx;
	assert_true(n_points < ARRAY_LEN(points));
	points[n_points].scope = r->scope;
	snprintf(points[n_points].name, sizeof(points[0].name), "%s", r->name);
	points[n_points++].worth = r->curve.last;
}

static int64_t point_of(enum stats_scope scope, const char *name)
{
	for (uint32_t i = 0; i < n_points; i++)
		if (points[i].scope == scope && strcmp(points[i].name, name) == 0)
			return points[i].worth;
	return INT64_MIN;
}

static void trade(const char *strategy, enum side side, int64_t price, int64_t fee)
{
	struct event ev;
	event_init(&ev, EVENT_fill);
	ev.ts_event = 100 * DAY;
	event_set_name(ev.fill.account, "paper");
	event_set_name(ev.fill.strategy, strategy);
	event_set_name(ev.fill.fee_asset, "USDT");
	ev.fill.instrument = desk_symbol("ONE.TEST");
	ev.fill.side = (uint8_t)side;
	ev.fill.price = price;
	ev.fill.qty = 2;
	ev.fill.rate = 500000000000; /* a half */
	ev.fill.fee = CASH(fee);
	stats_on_event(&stats, &ev);
}

static void whole_point(int64_t price, bool marked)
{
	struct event ev;
	event_init(&ev, EVENT_valuation);
	event_set_name(ev.valuation.account, "paper");
	ev.valuation.instrument = desk_symbol("ONE.TEST");
	ev.valuation.price = price;
	ev.valuation.price_scale = 1;
	ev.valuation.rate = 500000000000;
	ev.valuation.marked = marked;
	stats_on_event(&stats, &ev);
	event_init(&ev, EVENT_equity);
	ev.ts_event = 100 * DAY + S;
	event_set_name(ev.equity.account, "paper");
	event_set_name(ev.equity.asset, "EUR");
	ev.equity.whole = true;
	n_points = 0;
	stats_on_event(&stats, &ev);
}

/* a buys 2 at 100 for a fee of 4; b sells 2 at 110 for one of 2; all counts a half. At 105.5: a has -100 - 2 + 105.5,
 * b 110 - 1 - 105.5; the instrument both. Without a mark nothing is told. */
static void results_of_strategies_and_instruments(void **state)
{
	(void)state;
	begin();
	stats.on_point = note_point;
	trade("a", side_buy, 100, 4);
	trade("b", side_sell, 110, 2);
	whole_point(1055, false);
	assert_int_equal(n_points, 0);
	whole_point(1055, true);
	assert_int_equal(n_points, 3);
	assert_int_equal(point_of(STATS_STRATEGY, "a"), 350000000);
	assert_int_equal(point_of(STATS_STRATEGY, "b"), 350000000);
	assert_int_equal(point_of(STATS_INSTRUMENT, "ONE.TEST"), 700000000);
	stats_end(&stats);
	uint32_t of_a = 0;
	while (of_a < n_days && (days[of_a].scope != STATS_STRATEGY || strcmp(names[of_a], "a") != 0))
		of_a++;
	assert_true(of_a < n_days && days[of_a].has_worth);
	assert_int_equal(days[of_a].open, 0);
	assert_int_equal(days[of_a].close, 350000000);
}

/* Accounts of the same strategies are told apart. */
static void accounts_have_rows_of_their_own(void **state)
{
	(void)state;
	begin();
	fill(100 * DAY, "a", 1, 0);
	struct event ev;
	event_init(&ev, EVENT_fill);
	event_set_name(ev.fill.account, "hedge");
	event_set_name(ev.fill.strategy, "a");
	ev.fill.instrument = desk_symbol("ONE.TEST");
	ev.fill.qty = ev.fill.price = 1;
	stats_on_event(&stats, &ev);
	assert_int_equal(stats.n, 6);
	stats_end(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_as_defined),
		cmocka_unit_test(what_is_taken_over_is_no_result),
		cmocka_unit_test(a_perpetual_is_exposed_with_all_of_it),
		cmocka_unit_test(sums_are_by_scope_and_day),
		cmocka_unit_test(what_is_undefined_is_nan),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(results_of_strategies_and_instruments),
		cmocka_unit_test(accounts_have_rows_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
