/* kalshi_candles - GET /markets/candlesticks from the trades that were played: minutes and hours, of several markets.
 *
 * As the venue has it: the span that is asked for counts, not what there is of it; a ticker that nobody knows is left
 * out; a candle in which nobody traded has null for its prices, and the price before it. (There it exists only where a
 * quote has moved. Here it does for every minute between two trades.)
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/kalshi.h"
#include "tools/venue_sim/sim.h"

#define TICKERS_BYTES 32768
#define TICKERS_MAX 100
#define ROWS_MAX 10000
#define MINUTE_S 60

struct span { /* s */
	int64_t from, to, length;
};

static void print_price(struct buf *out, const char *lead, const struct fold_symbol *s, const int64_t *price)
{
	buf_printf(out, "%s", lead);
	if (price == NULL) {
		buf_printf(out, "null");
		return;
	}
	buf_byte(out, '"');
	binance_tell_number(out, *price, s->about->price_scale, KALSHI_PRICE_DIGITS);
	buf_byte(out, '"');
}

static void print_candle(struct buf *out, const struct fold_symbol *s, const struct candle_bar *b, int64_t end_s)
{
	bool traded = b->trades > 0;

	buf_printf(out, "{\"end_period_ts\":%" PRId64 ",\"open_interest_fp\":\"0.00\",\"price\":{", end_s);
	print_price(out, "\"close_dollars\":", s, traded ? &b->close : NULL);
	print_price(out, ",\"high_dollars\":", s, traded ? &b->high : NULL);
	print_price(out, ",\"low_dollars\":", s, traded ? &b->low : NULL);
	print_price(out, ",\"open_dollars\":", s, traded ? &b->open : NULL);
	print_price(out, ",\"previous_dollars\":", s, traded ? NULL : &b->open);
	buf_printf(out, "},\"volume_fp\":\"");
	binance_tell_number(out, b->volume, s->about->qty_scale, KALSHI_QTY_DIGITS);
	buf_printf(out, "\",\"yes_ask\":{},\"yes_bid\":{}}");
}

/* A candle is of the span where its end is. */
static void print_market(struct sim *sim, struct text ticker, const struct span *span, struct buf *out, bool comma)
{
	const struct fold_symbol *s = fold_find(&sim->live, ticker);
	struct candle_query q = {.span = span->length * 1000,
				 .from = (span->from - span->length) * 1000,
				 .to = (span->to - span->length) * 1000};
	struct buf bars;

	buf_printf(out, "%s{\"market_ticker\":\"%.*s\",\"candlesticks\":[", comma ? "," : "", (int)ticker.len,
		   ticker.at);
	buf_init(&bars, CANDLES_KEPT * sizeof(struct candle_bar));
	if (s != NULL && candles_collect(&s->minute, &q, &bars) == 0) {
		const struct candle_bar *bar = (const struct candle_bar *)(const void *)bars.at;
		size_t n = bars.len / sizeof(*bar);
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				buf_byte(out, ',');
			print_candle(out, s, &bar[i], bar[i].open_ms / 1000 + span->length);
		}
	}
	buf_fini(&bars);
	buf_printf(out, "]}");
}

static bool is_known(struct sim *sim, struct text ticker)
{
	return strmap_get(&sim->listed, ticker.at, ticker.len) != NULL || recording_symbol(&sim->rec, ticker) != NULL;
}

static bool read_span(const struct request *r, struct span *ret_span)
{
	int64_t minutes = 0;

	if (request_param_i64(r, "start_ts", -1, &ret_span->from) != 0 ||
	    request_param_i64(r, "end_ts", -1, &ret_span->to) != 0 ||
	    request_param_i64(r, "period_interval", 0, &minutes) != 0)
		return false;
	ret_span->length = minutes * MINUTE_S;
	return (minutes == 1 || minutes == 60) && ret_span->from >= 0 && ret_span->to >= ret_span->from &&
	       ret_span->to <= INT64_MAX / NS_PER_S;
}

static int64_t count(const char *tickers)
{
	int64_t n = 1;

	for (; *tickers != '\0'; tickers++)
		n += *tickers == ',';
	return n;
}

void kalshi_candles(struct sim *sim, const struct request *r, struct reply *reply)
{
	static char tickers[TICKERS_BYTES];
	struct span span;
	bool any = false;
	int n = request_param(r, "market_tickers", tickers, sizeof(tickers));

	if (n <= 0 || !read_span(r, &span)) {
		kalshi_fail(reply, 400, "bad_request", "market_tickers, start_ts, end_ts and period_interval");
		return;
	}
	if (count(tickers) > TICKERS_MAX || (span.to - span.from) / span.length > ROWS_MAX / count(tickers)) {
		kalshi_fail(reply, 400, "bad_request", "too many candlesticks are asked for");
		return;
	}
	buf_printf(&reply->body, "{\"markets\":[");
	for (char *at = tickers; at != NULL;) {
		char *comma = strchr(at, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (is_known(sim, text_of(at))) {
			print_market(sim, text_of(at), &span, &reply->body, any);
			any = true;
		}
		at = comma;
	}
	buf_printf(&reply->body, "]}");
}
