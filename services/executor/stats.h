/* stats - figures of an account, its strategies and instruments, folded from what the executor put on record.
 *
 * Fixed definitions; docs/accounting.md says them for users.
 *
 *   day        a UTC day of event time in which there was a fill, a funding or a point of the equity curve
 *   return     of the account: worth at the end over worth at the beginning, less 1; of a day likewise
 *   sharpe     mean of the days' returns over their sample standard deviation, times the root of 365; two days or more
 *   sortino    the same over the root of the mean square of the returns below 0
 *   drawdown   the largest fall of the curve below its highest point so far, as a share of that point
 *   calmar     return a year of 365 days (compounded) over the drawdown
 *   win rate   of fills that realised something, the share that gained; before fees
 *   profit factor  what they gained over what they lost
 *   exposure   mean over time of the gross worth of what was held (equity.exposed), as a share of worth: above 1 with
 *              leverage; records of before there was that (version 3) count worth less cash
 *   turnover   value of all fills over the mean over time of worth
 *
 * What a live account takes over from its venue (venue_report, funds) is no result: by what the next point differs, the
 * beginning, the highest point and the day's beginning are moved.
 *
 * Only points at which every position could be marked count. Money is exact; ratios are doubles, computed in the order
 * of the journal, so that the same journal gives the same bits. What is undefined is NAN.
 */
#ifndef NJ_EXECUTOR_STATS_H
#define NJ_EXECUTOR_STATS_H

#include <stdbool.h>

#include "proto/event.h"

#define STATS_ROWS_MAX 1024 /* accounts, strategies and instruments; what comes beyond is counted and left out */

#define STATS_HOLDINGS_MAX 1024 /* strategies times instruments that are not flat; beyond: left out */

enum stats_scope {
	STATS_ACCOUNT,
	STATS_STRATEGY,
	STATS_INSTRUMENT,
};

struct stats_sums { /* of a day, or of all of them; at CASH_SCALE */
	uint64_t fills;
	int64_t traded;           /* value of fills */
	int64_t realised, fees, funding;
	int64_t gains, losses;    /* of fills that realised something; both >= 0 */
	uint64_t wins, defeats;
};

/* Of the account: its worth. Of strategies and instruments: their result, which is what they received less what they
 * paid, fees included, and what they hold at its mark; it begins with 0. In the account's asset. */
struct stats_curve {
	int64_t first, last, peak;
	int64_t first_at, last_at;
	double drawdown;
	double worth_ns, exposed_ns, span_ns; /* integrals over time */
	int64_t day_open;
	uint64_t days;
	double mean, square, below; /* of the days' returns: mean, sum of squares about it, sum of squares below 0 */
	bool any;
};

struct stats_row {
	enum stats_scope scope;
	char account[EVENT_NAME_MAX];
	char name[sizeof(struct symbol)];
	char asset[EVENT_NAME_MAX]; /* accounts only: what it is counted in */
	struct stats_sums all, today;
	struct stats_curve curve;
	int64_t exposed;          /* accounts only: gross worth of what was held, at the last worth */
	bool funded;              /* accounts only: money came or went since then that is no result */
	int64_t flow;             /* the others: received less paid, fees included */
	struct {                  /* instruments only: the last valuation */
		int64_t price, rate;
		uint8_t scale;
		bool marked;
	} mark;
	int64_t day;              /* since 1970; of `today` */
	bool open;                /* today has something */
};

struct stats_day {
	enum stats_scope scope;
	const char *name;
	const char *account;
	int64_t day;
	const struct stats_sums *sums;
	bool has_worth;
	int64_t open, close; /* of the curve */
};
typedef void stats_day_fn(void *ctx, const struct stats_day *d);
/* A point of a row's curve, which has it already. */
typedef void stats_point_fn(void *ctx, const struct stats_row *r);

struct stats_holding {
	const struct stats_row *account;
	struct stats_row *strategy, *instrument;
	int64_t qty; /* CASH_SCALE, not 0 */
};

struct stats {
	struct stats_row row[STATS_ROWS_MAX];
	uint32_t n;
	struct stats_holding holding[STATS_HOLDINGS_MAX];
	uint32_t n_holdings;
	uint64_t left_out;
	uint64_t unvalued; /* fills whose money counts as nothing: nobody knew its rate */
	stats_day_fn *on_day;     /* NULL: nobody wants them */
	stats_point_fn *on_point; /* NULL: the same; set after stats_init */
	void *ctx;
};

struct stats_figures {
	double total, sharpe, sortino, drawdown, calmar, win_rate, profit_factor, exposure, turnover;
};

void stats_init(struct stats *s, stats_day_fn *on_day, void *ctx);
void stats_on_event(struct stats *s, const struct event *ev);
void stats_end(struct stats *s); /* the last day of each is over */

/* Of accounts all of them; of strategies and instruments win rate and profit factor. */
struct stats_figures stats_figures(const struct stats_row *r);

#endif
