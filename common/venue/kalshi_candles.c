/* kalshi_candles - Kalshi's candlesticks of a span of time: GET /markets/candlesticks.
 *
 * Facts: docs.kalshi.com (trade-api v2, "Batch Get Market Candlesticks") of 2026: start_ts and end_ts in seconds are
 * both required and are about the candles' ends, end_period_ts is where one ends, prices are of YES in dollars, null
 * where nothing was traded, period_interval is 1, 60 or 1440 minutes, a reply has 10,000 at most (by the span that is
 * asked for). The request for one market alone wants its series, too, which no rule derives from the ticker; this one
 * does not. As others have measured: ends are whole multiples of the interval; a minute in which neither the book nor
 * the tape moved has no candle, one in which only quotes moved has one without prices; of a ticker that is not known
 * there is no word. A day ends at midnight in New York, which is none of our days: not offered.
 *
 * No number of trades, and nothing that says what mean_dollars is the mean of: trades and quote_volume stay 0.
 */
#include "common/venue/kalshi_candles.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/venue/wire.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define ROWS_MAX 10000 /* of a reply, by the span */

const char *const kalshi_intervals[] = {"1m", "1h", NULL};

static int64_t length_of(const char *interval)
{
	static const int64_t lengths[] = {MINUTE, 60 * MINUTE};

	for (size_t i = 0; interval != NULL && kalshi_intervals[i] != NULL; i++)
		if (strcmp(kalshi_intervals[i], interval) == 0)
			return lengths[i];
	return 0;
}

/* Those that begin from .. to, by their ends: behind the beginning of the first, up to the end of the last. */
int kalshi_candles_path(const struct venue_request *r, struct buf *out)
{
	int64_t length = length_of(r->interval);

	if (r->n != 1 || length == 0 || r->from <= 0 || r->to < r->from || r->to > INT64_MAX - length)
		return ERR_ARG;
	int64_t first = (r->from + length - 1) / length * length, end = r->to / length * length + length;
	if (first >= end || (end - first) / length > ROWS_MAX)
		return ERR_ARG;
	return buf_printf(out,
			  "/trade-api/v2/markets/candlesticks?market_tickers=%s&start_ts=%" PRId64 "&end_ts=%" PRId64
			  "&period_interval=%" PRId64,
			  r->markets[0]->raw, first / SECOND + 1, end / SECOND, length / MINUTE);
}

/* ---- one candle ---- */

enum { OPEN, HIGH, LOW, CLOSE, PRICES };

struct reading { /* what wire_list hands on is the first of it */
	struct wire w;
	int64_t length, last; /* of a candle; end of the one before */
};

static void read_prices(struct json *j, struct wire_member p[PRICES])
{
	static const char *const names[PRICES] = {"open_dollars", "high_dollars", "low_dollars", "close_dollars"};

	for (int i = 0; i < PRICES; i++)
		p[i].name = names[i];
	wire_members(j, p, PRICES);
}

static void read_outer(struct json *j, struct wire_member p[PRICES], struct json_str *ret_end,
		       struct json_str *ret_volume)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "end_period_ts") && kind == JSON_NUMBER)
			json_number(j, ret_end);
		else if (json_str_is(key, "volume_fp") && kind == JSON_STRING)
			json_string(j, ret_volume);
		else if (json_str_is(key, "price") && kind == JSON_OBJECT)
			read_prices(j, p);
		else
			json_skip(j);
	}
}

static bool has_traded(const struct wire_member p[PRICES])
{
	bool any = false;

	for (int i = 0; i < PRICES; i++)
		any = any || p[i].text.len > 0;
	return any;
}

static void read_row(struct wire *w, struct json *j)
{
	struct reading *r = (struct reading *)(void *)w;
	struct wire_member p[PRICES] = {{.name = ""}};
	struct json_str end = {"", 0, false}, volume = {"", 0, false};
	struct venue_message m = {.kind = VENUE_KLINE};
	struct venue_kline *k = &m.kline;
	uint64_t end_s;

	read_outer(j, p, &end, &volume);
	wire_note(w, j->err);
	wire_demand(w, end.len > 0 && volume.len > 0);
	end_s = w->err == 0 ? wire_id(w, end) : 0;
	wire_demand(w, end_s > 0 && end_s < INT64_MAX / SECOND);
	if (w->err != 0)
		return;
	k->close_at = (int64_t)end_s * SECOND;
	k->open_at = k->close_at - r->length;
	wire_demand(w, k->close_at % r->length == 0 && (!w->silent || k->close_at > r->last));
	r->last = k->close_at; /* the first, silent walk looks at the order */
	k->volume = wire_qty(w, volume);
	if (!has_traded(p)) {
		wire_demand(w, k->volume == 0);
		return;
	}
	wire_demand(w, wire_all_there(p, PRICES));
	k->open = wire_price(w, p[OPEN].text);
	k->high = wire_price(w, p[HIGH].text);
	k->low = wire_price(w, p[LOW].text);
	k->close = wire_price(w, p[CLOSE].text);
	wire_demand(w, k->low > 0 && k->low <= k->open && k->low <= k->close);
	wire_demand(w, k->high >= k->open && k->high >= k->close);
	wire_give(w, &m);
}

/* ---- the reply ---- */

/* The candles of the market that was asked for; at NULL where there is no word of it. */
static void find_candles(const struct venue_market *market, struct json_str markets, struct json_str *ret_list)
{
	struct json_str key, list, ticker;
	struct json j;

	json_init(&j, markets.at, markets.len);
	json_array(&j);
	while (json_item(&j)) {
		list = ticker = (struct json_str){NULL, 0, false};
		json_object(&j);
		while (json_key(&j, &key))
			if (json_str_is(key, "market_ticker") && json_peek(&j) == JSON_STRING)
				json_string(&j, &ticker);
			else if (json_str_is(key, "candlesticks") && json_peek(&j) == JSON_ARRAY)
				json_raw(&j, &list);
			else
				json_skip(&j);
		if (ticker.at != NULL && json_str_is(ticker, market->raw))
			*ret_list = list;
	}
}

int kalshi_decode_candles(const struct venue_input *in, struct venue_output *out)
{
	struct reading r = {.w = {.out = out, .market = in->market}, .length = length_of(in->interval)};
	struct json_str markets, list = {NULL, 0, false};
	int rc = r.length > 0 ? wire_part(in, "markets", JSON_ARRAY, &markets) : ERR_ARG;

	if (rc < 0)
		return rc;
	find_candles(in->market, markets, &list);
	if (list.at == NULL)
		return ERR_NOT_FOUND;
	wire_list(&r.w, list, read_row);
	return r.w.err;
}
