/* backfill - klines of a venue's past into the history file: in pages, resumed, verified; what trades need of it. */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/venue/candles.h"
#include "tools/nj/backfill_priv.h"

#define ROWS_MAX 1000   /* that every venue gives */
#define WINDOW_ROWS 900 /* asked for at once: months are shorter than the 31 days that stand for one */
#define WINDOW_MAX_NS (INT64_C(100) * 366 * 86400 * NS_PER_S)

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

struct history_series backfill_series(const struct backfill *b)
{
	return (struct history_series){b->asker->origin, b->market.symbol.s, b->interval};
}

void backfill_tell(const struct backfill *b, int64_t at)
{
	if (b->progress)
		b->progress(b->ctx, b, at);
}

int backfill_write_begin(struct backfill *b)
{
	int rc = b->writing ? 0 : history_begin(b->history);

	b->writing = b->writing || rc == 0;
	return rc;
}

int backfill_write_end(struct backfill *b, int rc)
{
	bool writing = b->writing;

	b->writing = false;
	if (rc == 0)
		return writing ? history_commit(b->history) : 0;
	if (writing)
		history_rollback(b->history);
	return rc;
}

int backfill_write_progress(struct backfill *b, const char *job, int64_t next)
{
	int rc = backfill_write_begin(b);

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
	b->err = backfill_write_begin(b);
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
		rc = backfill_write_progress(b, job, to);
	return backfill_write_end(b, rc);
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
		backfill_tell(b, next);
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
	const struct history_series s = backfill_series(b);
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
	const struct history_series s = backfill_series(b);
	int rc = backfill_write_begin(b);

	for (size_t i = 0; !rc && i < w->n; i++) {
		rc = history_put_outage(b->history, &s, w->hole[i].from, w->hole[i].to);
		b->result.outages++;
		b->result.outage_ns += w->hole[i].to - w->hole[i].from;
	}
	return backfill_write_end(b, rc);
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

void backfill_job(const struct backfill *b, const char *what, char out[BACKFILL_JOB_MAX])
{
	snprintf(out, BACKFILL_JOB_MAX, "%s %s %s %s", enum_text(enum_origin(), b->asker->origin), what,
		 b->market.symbol.s, b->interval ? b->interval : "-");
}

int backfill_klines(struct backfill *b)
{
	char job[BACKFILL_JOB_MAX];
	int64_t interval, next = 0;
	int rc = candle_interval(b->interval, strlen(b->interval), &interval);

	if (rc)
		return rc;
	b->from = candle_open(b->from, interval);
	b->to = candle_open(b->settled != 0 && b->settled < b->to ? b->settled : b->to, interval);
	b->result.from = b->from;
	b->result.to = b->to;
	backfill_job(b, "klines", job);
	rc = history_progress(b->history, job, b->from, &next);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	rc = fetch_range(b, next > b->from ? next : b->from, b->to, job);
	/* Where an interval without a trade has no kline, what is not there is no outage. */
	return rc || b->asker->o.venue->klines_sparse ? rc : verify(b);
}
