/* backfill - klines and trades of a venue's past into the history file: in pages, resumed, verified. */
#include "tools/nj/backfill.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/venue/candles.h"

#define ROWS_MAX 1000   /* that every venue gives */
#define WINDOW_ROWS 900 /* asked for at once: months are shorter than the 31 days that stand for one */
#define WINDOW_MAX_NS (INT64_C(100) * 366 * 86400 * NS_PER_S)
#define JOB_MAX 200

/* ---- the market ---- */

static void on_instrument(void *ctx, const struct venue_message *m)
{
	struct backfill *b = ctx;

	if (m->kind != VENUE_INSTRUMENT || m->market != &b->market)
		return;
	b->market.price_scale = m->instrument->price_scale;
	b->market.qty_scale = m->instrument->qty_scale;
	b->page++;
}

int backfill_describe(struct backfill *b)
{
	const struct venue_market *markets[] = {&b->market};
	struct venue_request r = {.ask = VENUE_ASK_INSTRUMENTS, .markets = markets, .n = 1};

	b->page = 0;
	int rc = asker_ask(b->asker, &r, on_instrument, b);
	return rc ? rc : b->page > 0 ? 0 : ERR_NOT_FOUND;
}

static struct history_series series_of(const struct backfill *b)
{
	return (struct history_series){b->asker->origin, b->market.symbol.s, b->interval};
}

static void tell(const struct backfill *b, int64_t at)
{
	if (b->progress)
		b->progress(b->ctx, b, at);
}

/* A transaction begins with the first thing to write: none is open while we wait for the venue. */
static int write_begin(struct backfill *b)
{
	int rc = b->writing ? 0 : history_begin(b->history);

	b->writing = b->writing || rc == 0;
	return rc;
}

static int write_end(struct backfill *b, int rc)
{
	bool writing = b->writing;

	b->writing = false;
	if (rc == 0)
		return writing ? history_commit(b->history) : 0;
	if (writing)
		history_rollback(b->history);
	return rc;
}

static int write_progress(struct backfill *b, const char *job, int64_t next)
{
	int rc = write_begin(b);

	return rc ? rc : history_set_progress(b->history, job, b->from, next);
}

/* ---- klines ---- */

static void on_kline(void *ctx, const struct venue_message *m)
{
	struct backfill *b = ctx;
	const struct venue_kline *k = &m->kline;
	bool is_new = false;

	if (m->kind != VENUE_KLINE || b->err || k->open_at < b->from || k->close_at > b->to)
		return;
	struct ev_candle c = {.instrument = b->market.symbol,
			      .price_scale = b->market.price_scale,
			      .qty_scale = b->market.qty_scale,
			      .cash_scale = VENUE_CASH_SCALE,
			      .open_at = k->open_at,
			      .open = k->open,
			      .high = k->high,
			      .low = k->low,
			      .close = k->close,
			      .volume = k->volume,
			      .quote_volume = k->quote_volume,
			      .trades = k->trades};
	event_set_name(c.interval, b->interval);
	b->page_first = b->page == 0 || k->open_at < b->page_first ? k->open_at : b->page_first;
	b->page_last = k->open_at > b->page_last ? k->open_at : b->page_last;
	b->page++;
	b->err = write_begin(b);
	if (!b->err)
		b->err = history_put_kline(b->history, b->asker->origin, &c, &is_new);
	b->result.rows++;
	b->result.fresh += is_new;
}

/* One transaction: what came of [from, to), and how far that is. job NULL: no progress. */
static int fetch_page(struct backfill *b, int64_t from, int64_t to, const char *job)
{
	const struct venue_market *markets[] = {&b->market};
	struct venue_request r = {.ask = VENUE_ASK_KLINES,
				  .markets = markets,
				  .n = 1,
				  .limit = ROWS_MAX,
				  .interval = b->interval,
				  .from = from,
				  .to = to - 1};

	b->page = 0;
	b->page_last = 0;
	b->err = 0;
	int rc = asker_ask(b->asker, &r, on_kline, b);
	if (!rc)
		rc = b->err;
	/* A full page may not be all of a long window: the window is made shorter, and asked for again. */
	if (!rc && job && b->page < ROWS_MAX)
		rc = write_progress(b, job, to);
	return write_end(b, rc);
}

/* Windows without anything (before a listing, say) grow: the next one asks for twice as long. Not where that is no sign
 * of a listing to come, and the venue counts what might be in a window. */
static int fetch_range(struct backfill *b, int64_t from, int64_t to, const char *job)
{
	int64_t interval, rows = b->rows > 0 && b->rows < WINDOW_ROWS ? b->rows : WINDOW_ROWS;
	int rc = candle_interval(b->interval, strlen(b->interval), &interval);

	for (int64_t next = from, window = rows * interval; !rc && next < to;) {
		int64_t end = to - next < window ? to : next + window;
		rc = fetch_page(b, next, end, job);
		if (!rc && b->page >= ROWS_MAX && window > rows * interval) {
			window = rows * interval;
			continue;
		}
		bool grows = b->page == 0 && window <= WINDOW_MAX_NS / 2 && !b->asker->o.venue->klines_sparse;
		window = grows ? window * 2 : rows * interval;
		next = end;
		tell(b, next);
	}
	return rc;
}

#define HOLES_MAX 4096

struct walk {
	int64_t interval, next, end;
	struct {
		int64_t from, to;
	} hole[HOLES_MAX];
	size_t n;
	bool more; /* behind those that fit */
};

static int add_hole(struct walk *w, int64_t from, int64_t to)
{
	if (from >= to)
		return 0;
	if (w->n == HOLES_MAX) {
		w->more = true;
		return ERR_FULL;
	}
	w->hole[w->n].from = from;
	w->hole[w->n++].to = to;
	return 0;
}

static int on_row(void *ctx, int64_t from, int64_t to)
{
	struct walk *w = ctx;
	int rc = add_hole(w, w->next, from);
	int64_t end = to > 0 ? to : candle_end(from, w->interval);

	w->next = end > w->next ? end : w->next;
	return rc;
}

static int find_holes(struct backfill *b, int64_t from, struct walk *w)
{
	const struct history_series s = series_of(b);
	int64_t interval;
	int rc = candle_interval(b->interval, strlen(b->interval), &interval);

	*w = (struct walk){.interval = interval, .next = from, .end = b->to};
	if (!rc)
		rc = history_walk(b->history, &s, (int64_t[]){from, b->to}, on_row, w);
	if (rc == ERR_FULL && w->more)
		return 0;
	return rc ? rc : add_hole(w, w->next, w->end) == ERR_FULL ? 0 : rc;
}

struct count {
	int64_t interval, next;
	struct backfill_holes *holes;
};

static void count_hole(struct count *c, int64_t from, int64_t to)
{
	if (from >= to)
		return;
	c->holes->first = c->holes->n++ == 0 ? from : c->holes->first;
	c->holes->ns += to - from;
}

static int on_counted(void *ctx, int64_t from, int64_t to)
{
	struct count *c = ctx;
	int64_t end = to > 0 ? to : candle_end(from, c->interval);

	count_hole(c, c->next, from);
	c->next = end > c->next ? end : c->next;
	return 0;
}

int backfill_count_holes(struct history *h, const struct history_series *s, const int64_t range[2],
			 struct backfill_holes *ret_holes)
{
	struct count c = {.next = range[0], .holes = ret_holes};
	int rc = candle_interval(s->interval, strlen(s->interval), &c.interval);

	*ret_holes = (struct backfill_holes){0};
	if (!rc)
		rc = history_walk(h, s, range, on_counted, &c);
	if (!rc)
		count_hole(&c, c.next, range[1]);
	return rc;
}

static int record_outages(struct backfill *b, const struct walk *w)
{
	const struct history_series s = series_of(b);
	int rc = write_begin(b);

	for (size_t i = 0; !rc && i < w->n; i++) {
		rc = history_put_outage(b->history, &s, w->hole[i].from, w->hole[i].to);
		b->result.outages++;
		b->result.outage_ns += w->hole[i].to - w->hole[i].from;
	}
	return write_end(b, rc);
}

/* Each hole is asked for again; what is left then is the venue's own. */
static int verify(struct backfill *b)
{
	static struct walk w;
	int64_t from = b->from;
	int rc;

	do {
		rc = find_holes(b, from, &w);
		for (size_t i = 0; !rc && i < w.n; i++)
			rc = fetch_range(b, w.hole[i].from, w.hole[i].to, NULL);
		int64_t last = w.n > 0 ? w.hole[w.n - 1].to : b->to;
		bool more = w.more;
		if (!rc && w.n > 0) {
			int64_t to = b->to;
			b->to = last;
			rc = find_holes(b, from, &w);
			b->to = to;
		}
		if (!rc)
			rc = record_outages(b, &w);
		if (!more)
			break;
		from = last;
	} while (!rc);
	return rc;
}

static void job_name(const struct backfill *b, const char *what, char out[JOB_MAX])
{
	snprintf(out, JOB_MAX, "%s %s %s %s", enum_text(enum_origin(), b->asker->origin), what, b->market.symbol.s,
		 b->interval ? b->interval : "-");
}

int backfill_klines(struct backfill *b)
{
	char job[JOB_MAX];
	int64_t interval, next = 0;
	int rc = candle_interval(b->interval, strlen(b->interval), &interval);

	if (rc)
		return rc;
	b->from = candle_open(b->from, interval);
	b->to = candle_open(b->settled != 0 && b->settled < b->to ? b->settled : b->to, interval);
	b->result.from = b->from;
	b->result.to = b->to;
	job_name(b, "klines", job);
	rc = history_progress(b->history, job, b->from, &next);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	rc = fetch_range(b, next > b->from ? next : b->from, b->to, job);
	/* Where an interval without a trade has no kline, what is not there is no outage. */
	return rc || b->asker->o.venue->klines_sparse ? rc : verify(b);
}

/* ---- trades ---- */

static void on_trade(void *ctx, const struct venue_message *m)
{
	struct backfill *b = ctx;
	const struct venue_trade *t = &m->trade;
	bool is_new = false;

	if (m->kind != VENUE_TRADE || b->err)
		return;
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
	b->err = write_begin(b);
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
	int rc = asker_ask(b->asker, &r, on_trade, b);
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
			rc = write_progress(b, job, (int64_t)id);
		rc = write_end(b, rc);
		tell(b, b->page > 0 && b->page_last < b->to ? b->page_last : b->to);
	}
	return rc;
}

int backfill_trades(struct backfill *b)
{
	char job[JOB_MAX];
	int64_t next = 0;
	uint64_t first = 0, n = 0;

	if (b->asker->o.venue->trades_max == 0)
		return ERR_REFUSED;
	b->id_begin = 0;
	b->interval = NULL;
	b->result.from = b->from;
	b->result.to = b->to;
	int rc = find_first_id(b, &first);
	if (rc || first == 0)
		return rc;
	job_name(b, "trades", job);
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
	const struct history_series s = series_of(b);
	if (!rc && last > first)
		rc = history_count_trades(b->history, &s, (uint64_t[]){first, last - 1}, &n);
	b->result.missing = last > first ? last - first - n : 0;
	return rc;
}
