/* backfill_trades - trades of a venue's past into the history file, by their ids: in pages, resumed, verified. */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/err.h"
#include "tools/nj/backfill_priv.h"

static void on_trade(void *ctx, const struct venue_message *m)
{
	struct backfill *b = ctx;
	const struct venue_trade *t = &m->trade;
	bool is_new = false;

	if (m->kind != VENUE_TRADE || b->err)
		return;
	if (t->first_id < b->id_due) { /* to ask on from there might never end */
		b->err = ERR_PROTOCOL;
		return;
	}
	b->id_due = t->last_id + 1;
	b->id_first = b->page == 0 ? t->first_id : b->id_first;
	b->id_last = t->last_id;
	b->page_first = b->page == 0 ? t->at : b->page_first;
	b->page_last = t->at;
	b->page++;
	b->id_end = b->id_end == 0 && t->at >= b->to ? t->first_id : b->id_end;
	if (b->id_begin == 0 || t->at < b->from || t->at >= b->to)
		return; /* only looked at, or outside */
	const struct ev_trade row = {.instrument = b->market.symbol,
				     .price_scale = b->market.price_scale,
				     .qty_scale = b->market.qty_scale,
				     .price = t->price,
				     .qty = t->qty,
				     .aggressor = t->aggressor,
				     .trade_id = t->last_id};
	b->err = backfill_write_begin(b);
	if (!b->err)
		b->err = history_put_trade(b->history, b->asker->origin, &row, t->at, &is_new);
	b->result.rows++;
	b->result.fresh += is_new;
}

static int ask_trades(struct backfill *b, uint64_t from_id, uint32_t limit)
{
	const struct venue_market *markets[] = {&b->market};
	struct venue_request r = {
		.ask = VENUE_ASK_TRADES, .markets = markets, .n = 1, .limit = limit, .from_id = from_id};

	b->page = 0;
	b->id_end = 0;
	b->err = 0;
	b->id_due = from_id;
	int rc = asker_ask(b->asker, &r, on_trade, b);
	if (!rc && b->err == ERR_PROTOCOL)
		snprintf(b->asker->reason, sizeof b->asker->reason,
			 "the venue gives other trades than those from number %" PRIu64 " on, rising", from_id);
	return rc ? rc : b->err;
}

/* Ids rise with time: halving finds the first at or after `from` in some thirty requests. 0: there is none. */
static int find_first_id(struct backfill *b, uint64_t *ret_id)
{
	uint64_t low = 1, high;
	int rc = ask_trades(b, 0, 1); /* the newest */

	*ret_id = 0;
	if (rc || b->page == 0 || b->page_last < b->from)
		return rc;
	for (high = b->id_last; !rc && low < high;) {
		uint64_t middle = low + (high - low) / 2;
		rc = ask_trades(b, middle, 1);
		if (!rc && b->page > 0 && b->page_first < b->from)
			low = b->id_first + 1;
		else
			high = middle;
	}
	if (!rc)
		rc = ask_trades(b, low, 1); /* ids may begin later, or leave some out */
	*ret_id = b->page > 0 ? b->id_first : 0;
	return rc;
}

static int fetch_trades(struct backfill *b, uint64_t id, const char *job)
{
	uint32_t max = b->asker->o.venue->trades_max, rows = b->rows > 0 && b->rows < max ? b->rows : max;
	int rc = 0;

	for (bool done = false; !rc && !done;) {
		rc = ask_trades(b, id, rows);
		done = b->page == 0 || b->id_end > 0;
		/* What the last page has behind `to` was not taken: a later `to` begins there. */
		id = b->id_end > 0 ? b->id_end : b->page > 0 ? b->id_last + 1 : id;
		if (!rc)
			rc = backfill_write_progress(b, job, (int64_t)id);
		rc = backfill_write_end(b, rc);
		backfill_tell(b, b->page > 0 && b->page_last < b->to ? b->page_last : b->to);
	}
	return rc;
}

int backfill_trades(struct backfill *b)
{
	char job[BACKFILL_JOB_MAX];
	int64_t next = 0;
	uint64_t first = 0, n = 0;

	if (b->asker->o.venue->trades_max == 0)
		return b->asker->o.venue->recall_max > 0 ? backfill_trades_by_time(b) : ERR_REFUSED;
	b->id_begin = 0;
	b->interval = NULL;
	b->result.from = b->from;
	b->result.to = b->to;
	int rc = find_first_id(b, &first);
	if (rc || first == 0)
		return rc;
	backfill_job(b, "trades", job);
	rc = history_progress(b->history, job, b->from, &next);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	b->id_begin = first;
	rc = fetch_trades(b, (uint64_t)next > first ? (uint64_t)next : first, job);
	/* The last page may reach behind `to`: what is counted ends with the first trade there. */
	uint64_t last = 0;
	int64_t from = b->from;
	b->from = b->to;
	b->id_begin = 0;
	if (!rc)
		rc = find_first_id(b, &last);
	b->from = from;
	if (!rc && last == 0)
		rc = history_progress(b->history, job, b->from, &next);
	last = last > 0 ? last : (uint64_t)next;
	const struct history_series s = backfill_series(b);
	if (!rc && last > first)
		rc = history_count_trades(b->history, &s, (uint64_t[]){first, last - 1}, &n);
	b->result.missing = last > first ? last - first - n : 0;
	return rc;
}
