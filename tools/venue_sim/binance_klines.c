/* binance_klines - GET /api/v3/klines from the trades that were played; long bars are merged. */
#include <inttypes.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (1440 * MINUTE_MS)
#define LIMIT 500
#define LIMIT_MAX 1000

static const struct interval {
	const char *name;
	int64_t span_ms, offset_ms; /* weeks begin on Monday, the epoch on a Thursday */
} intervals[] = {
	{"1s", 1000, 0},
	{"1m", MINUTE_MS, 0},
	{"3m", 3 * MINUTE_MS, 0},
	{"5m", 5 * MINUTE_MS, 0},
	{"15m", 15 * MINUTE_MS, 0},
	{"30m", 30 * MINUTE_MS, 0},
	{"1h", 60 * MINUTE_MS, 0},
	{"2h", 120 * MINUTE_MS, 0},
	{"4h", 240 * MINUTE_MS, 0},
	{"6h", 360 * MINUTE_MS, 0},
	{"8h", 480 * MINUTE_MS, 0},
	{"12h", 720 * MINUTE_MS, 0},
	{"1d", DAY_MS, 0},
	{"3d", 3 * DAY_MS, 0},
	{"1w", 7 * DAY_MS, 4 * DAY_MS},
};

struct query {
	const struct interval *interval;
	int64_t start, end, limit, stamp;
	bool from_start; /* the oldest rows from start on, not the newest up to end */
};

static const struct interval *find_interval(const char *name)
{
	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++)
		if (strcmp(intervals[i].name, name) == 0)
			return &intervals[i];
	return NULL;
}

static int read_query(const struct request *r, struct query *q, struct reply *reply)
{
	char name[8];

	if (request_param(r, "interval", name, sizeof(name)) < 0) {
		binance_error(reply, 400, -1102,
			      "Mandatory parameter 'interval' was not sent, "
			      "was empty/null, or malformed.");
		return ERR_ARG;
	}
	q->interval = find_interval(name);
	if (q->interval == NULL) {
		binance_error(reply, 400, -1120, "Invalid interval.");
		return ERR_ARG;
	}
	if (request_param_i64(r, "startTime", -1, &q->start) != 0 ||
	    request_param_i64(r, "endTime", INT64_MAX, &q->end) != 0 ||
	    request_param_i64(r, "limit", LIMIT, &q->limit) != 0 || q->limit == 0 ||
	    request_param_i64(r, "nj_stamp", -1, &q->stamp) != 0) {
		binance_error(reply, 400, -1100, "Illegal characters found in a parameter.");
		return ERR_ARG;
	}
	q->from_start = q->start >= 0;
	if (q->limit > LIMIT_MAX)
		q->limit = LIMIT_MAX;
	return 0;
}

static void quoted(struct buf *out, fixed_wide value, int scale)
{
	buf_printf(out, ",\"");
	binance_tell_number(out, value, scale, BINANCE_DIGITS);
	buf_byte(out, '"');
}

static void print_bar(struct buf *out, const struct candle_bar *b, int64_t span_ms,
		      const struct rec_symbol *s)
{
	int p = s->price_scale, q = s->qty_scale;

	buf_printf(out, "[%" PRId64, b->open_ms);
	quoted(out, b->open, p);
	quoted(out, b->high, p);
	quoted(out, b->low, p);
	quoted(out, b->close, p);
	quoted(out, b->volume, q);
	buf_printf(out, ",%" PRId64, b->open_ms + span_ms - 1);
	quoted(out, b->value, p + q);
	buf_printf(out, ",%u", b->trades);
	quoted(out, b->taker_volume, q);
	quoted(out, b->taker_value, p + q);
	buf_printf(out, ",\"0\"]");
}

static void print_rows(struct buf *out, const struct query *q, const struct buf *bars,
		       const struct rec_symbol *s)
{
	const struct candle_bar *bar = (const struct candle_bar *)(const void *)bars->at;
	size_t n = bars->len / sizeof(*bar), limit = (size_t)q->limit;
	size_t from = q->from_start || n <= limit ? 0 : n - limit;
	size_t to = n - from < limit ? n : from + limit;

	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_byte(out, ',');
		print_bar(out, &bar[i], q->interval->span_ms, s);
	}
}

void binance_klines(struct sim *sim, const struct request *r, struct text symbol,
		    struct reply *reply)
{
	const struct fold *fold = &sim->live;
	struct query q;
	struct buf bars;

	if (read_query(r, &q, reply) != 0)
		return;
	if (q.stamp >= 0) {
		if (asked_until(&sim->asked, q.stamp + NS_PER_MS, &fold) != 0) {
			binance_error(reply, 500, -1000, "the recording cannot be read");
			return;
		}
		reply_header(reply, "X-Nightjar-Stamp", "%" PRId64, q.stamp + NS_PER_MS);
	}
	buf_byte(&reply->body, '[');
	const struct fold_symbol *s = fold_find(fold, symbol);
	if (s != NULL) {
		buf_init(&bars, CANDLES_KEPT * sizeof(struct candle_bar));
		struct candle_query query = {q.interval->span_ms, q.interval->offset_ms, q.start, q.end};
		if (candles_collect(q.interval->span_ms < MINUTE_MS ? &s->second : &s->minute, &query, &bars) == 0)
			print_rows(&reply->body, &q, &bars, s->about);
		buf_fini(&bars);
	}
	buf_byte(&reply->body, ']');
}
