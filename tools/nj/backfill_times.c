/* backfill_times - trades of a venue's past by their time, where their ids do not count.
 *
 * Windows of time, rising: what is done is on record with each. A window comes newest first, page by page from its end
 * to its beginning. A venue that cuts times to seconds gives the rows where two pages meet twice: a row that is there
 * stays as it is. More trades within one such second than a page holds cannot be had: the second is on record as an
 * outage. Nobody can tell whether a trade is missing otherwise.
 */
#include "common/base/err.h"
#include "tools/nj/backfill_priv.h"

#define WINDOW_FIRST_NS (6 * INT64_C(3600) * NS_PER_S)
#define WINDOW_MIN_NS (60 * NS_PER_S)
#define WINDOW_MAX_NS (INT64_C(366) * 86400 * NS_PER_S)
#define PAGES_MANY 20 /* more of one window than a run that was ended should have to ask for again */

static void on_trade(void *ctx, const struct venue_message *m)
{
	struct backfill *b = ctx;
	const struct venue_trade *t = &m->trade;
	bool is_new = false;

	if (m->kind != VENUE_TRADE || b->err)
		return;
	b->page_first = b->page == 0 || t->at < b->page_first ? t->at : b->page_first;
	b->page++;
	if (t->at < b->from || t->at >= b->to)
		return;
	const struct ev_trade row = {.instrument = b->market.symbol,
				     .price_scale = b->market.price_scale,
				     .qty_scale = b->market.qty_scale,
				     .price = t->price,
				     .qty = t->qty,
				     .aggressor = t->aggressor,
				     .trade_id = t->key & INT64_MAX};
	b->err = backfill_write_begin(b);
	if (!b->err)
		b->err = history_put_trade(b->history, b->asker->origin, &row, t->at, &is_new);
	b->result.rows += is_new || t->at < b->page_last; /* not those of the page before once more */
	b->result.fresh += is_new;
}

static int ask(struct backfill *b, int64_t from, int64_t to, uint32_t rows)
{
	const struct venue_market *markets[] = {&b->market};
	struct venue_request r = {
		.ask = VENUE_ASK_TRADES, .markets = markets, .n = 1, .limit = rows, .from = from, .to = to};

	b->page = 0;
	b->err = 0;
	int rc = asker_ask(b->asker, &r, on_trade, b);
	return backfill_write_end(b, rc ? rc : b->err);
}

/* The second before `end` has more than a page holds, or the venue's word on where a page ends was not ours. */
static int give_up(struct backfill *b, int64_t end)
{
	const struct history_series s = {b->asker->origin, b->market.symbol.s, "trades"};
	int rc = backfill_write_begin(b);

	if (!rc)
		rc = history_put_outage(b->history, &s, end - NS_PER_S, end);
	b->result.outages++;
	b->result.outage_ns += NS_PER_S;
	return backfill_write_end(b, rc);
}

/* *ret_pages: how many it took. Both ends are whole seconds. */
static int fetch_window(struct backfill *b, int64_t from, int64_t to, uint32_t rows, uint32_t *ret_pages)
{
	int rc = 0;

	b->page_last = INT64_MAX;
	for (*ret_pages = 0; !rc && to > from; ++*ret_pages) {
		rc = ask(b, from, to - 1, rows);
		if (rc || b->page < rows)
			return rc;
		/* All of the second that the page ends in is asked for again. */
		int64_t end = b->page_first - b->page_first % NS_PER_S + NS_PER_S;
		b->page_last = b->page_first;
		if (end >= to) {
			rc = give_up(b, to);
			end = to - NS_PER_S;
		}
		to = end;
	}
	return rc;
}

int backfill_trades_by_time(struct backfill *b)
{
	uint32_t max = b->asker->o.venue->recall_max, rows = b->rows > 0 && b->rows < max ? b->rows : max, pages;
	char job[BACKFILL_JOB_MAX];
	int64_t next = 0;

	b->interval = NULL;
	b->from -= b->from % NS_PER_S;
	b->to = b->settled != 0 && b->settled < b->to ? b->settled : b->to;
	b->to -= b->to % NS_PER_S;
	b->result.from = b->from;
	b->result.to = b->to;
	backfill_job(b, "trades", job);
	int rc = history_progress(b->history, job, b->from, &next);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	next = next > b->from ? next : b->from;
	rc = 0;
	for (int64_t window = WINDOW_FIRST_NS; !rc && next < b->to;) {
		int64_t end = b->to - next < window ? b->to : next + window;
		rc = fetch_window(b, next, end, rows, &pages);
		if (!rc)
			rc = backfill_write_progress(b, job, end);
		rc = backfill_write_end(b, rc);
		if (pages > PAGES_MANY && window > WINDOW_MIN_NS)
			window /= 2;
		else if (pages <= 1 && b->page < rows / 2 && window < WINDOW_MAX_NS / 2)
			window *= 2;
		next = end;
		backfill_tell(b, next);
	}
	return rc;
}
