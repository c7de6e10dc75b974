/* kalshi_rest - markets, order books, trades and candlesticks of trade-api v2, without keys. */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/clock.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/kalshi.h"
#include "tools/venue_sim/sim.h"

#define TICKERS_BYTES 32768
#define TRADES_MAX 1000

static const char base[] = "/trade-api/v2/";

void kalshi_fail(struct reply *reply, int status, const char *code, const char *why)
{
	reply_status(reply, status);
	buf_printf(&reply->body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, why);
}

void kalshi_refuse(struct reply *reply, int status, int64_t retry_after_s)
{
	(void)retry_after_s; /* Kalshi does not say */
	kalshi_fail(reply, status, status == 429 ? "too_many_requests" : "service_unavailable", "try again later");
}

/* ---- markets ---- */

/* Where no object was recorded: what can be told from the frames. */
static void derive(const struct rec_symbol *s, struct buf *out)
{
	buf_printf(out,
		   "{\"ticker\":\"%s\",\"event_ticker\":\"%s\",\"market_type\":\"binary\",\"title\":\"%s\","
		   "\"status\":\"active\",\"result\":\"\",\"notional_value_dollars\":\"1.0000\","
		   "\"price_level_structure\":\"%s\","
		   "\"price_ranges\":[{\"start\":\"0.0000\",\"end\":\"1.0000\",\"step\":\"",
		   s->name, s->name, s->name, s->price_scale <= 2 ? "linear_cent" : "deci_cent");
	binance_tell_number(out, 1, s->price_scale, KALSHI_PRICE_DIGITS);
	buf_printf(out, "\"}]}");
}

static bool print_market(const struct sim *sim, struct text ticker, struct buf *out, bool comma)
{
	const struct text *listed = strmap_get(&sim->listed, ticker.at, ticker.len);
	const struct rec_symbol *seen = recording_symbol(&sim->rec, ticker);

	if (listed == NULL && seen == NULL)
		return false;
	if (comma)
		buf_byte(out, ',');
	if (listed != NULL)
		buf_append(out, listed->at, listed->len);
	else
		derive(seen, out);
	return true;
}

static void some_markets(struct sim *sim, char *tickers, struct buf *out)
{
	bool any = false;

	for (char *at = tickers; at != NULL;) {
		char *comma = strchr(at, ',');
		if (comma != NULL)
			*comma++ = '\0';
		any = print_market(sim, text_of(at), out, any) || any;
		at = comma;
	}
}

static void all_markets(struct sim *sim, struct buf *out)
{
	bool any = false;

	for (uint32_t i = 0; i < sim->rec.symbols.count; i++) {
		const struct rec_symbol *s = strmap_value_at(&sim->rec.symbols, i);
		any = print_market(sim, text_of(s->name), out, any) || any;
	}
}

static void markets(struct sim *sim, const struct request *r, struct reply *reply)
{
	static char tickers[TICKERS_BYTES];
	int n = request_param(r, "tickers", tickers, sizeof(tickers));

	if (n < 0 && n != ERR_NOT_FOUND) {
		kalshi_fail(reply, 400, "bad_request", "tickers");
		return;
	}
	buf_printf(&reply->body, "{\"markets\":[");
	if (n > 0)
		some_markets(sim, tickers, &reply->body);
	else
		all_markets(sim, &reply->body);
	buf_printf(&reply->body, "],\"cursor\":\"\"}");
}

static void market(struct sim *sim, struct text ticker, struct reply *reply)
{
	buf_printf(&reply->body, "{\"market\":");
	if (!print_market(sim, ticker, &reply->body, false)) {
		kalshi_fail(reply, 404, "not_found", "not found");
		return;
	}
	buf_byte(&reply->body, '}');
}

static void orderbook(struct sim *sim, struct text ticker, struct reply *reply)
{
	const struct fold_symbol *s = fold_find(&sim->live, ticker);

	if (s == NULL || !s->book.valid) {
		kalshi_fail(reply, 404, "not_found", "not found");
		return;
	}
	buf_printf(&reply->body, "{\"orderbook_fp\":{");
	bool any = kalshi_print_side(&reply->body, s, true, "no_dollars", "");
	kalshi_print_side(&reply->body, s, false, "yes_dollars", any ? "," : "");
	buf_printf(&reply->body, "}}");
}

/* ---- trades ---- */

static void print_trade(struct buf *out, const struct fold_symbol *s, const struct fold_trade *t, const char *lead)
{
	const char *side = t->taker_sold ? "no" : "yes";
	char when[32];

	kalshi_time(t->time_ms * NS_PER_MS, when);
	buf_printf(out,
		   "%s{\"trade_id\":\"00000000-0000-4000-8000-%012" PRIu64 "\",\"ticker\":\"%s\","
		   "\"created_time\":\"%s\",\"taker_side\":\"%s\",\"taker_outcome_side\":\"%s\","
		   "\"taker_book_side\":\"%s\",\"is_block_trade\":false,\"yes_price_dollars\":\"",
		   lead, t->id, s->about->name, when, side, side, t->taker_sold ? "ask" : "bid");
	binance_tell_number(out, t->price, s->about->price_scale, KALSHI_PRICE_DIGITS);
	buf_printf(out, "\",\"no_price_dollars\":\"");
	binance_tell_number(out, kalshi_dollar(s->about) - t->price, s->about->price_scale, KALSHI_PRICE_DIGITS);
	buf_printf(out, "\",\"count_fp\":\"");
	binance_tell_number(out, t->qty, s->about->qty_scale, KALSHI_QTY_DIGITS);
	buf_printf(out, "\"}");
}

/* Newest first; of one market, which must be named. */
static void trades(struct sim *sim, const struct request *r, struct reply *reply)
{
	char ticker[MARKET_SYMBOL_LEN];
	int64_t limit = 100, from = 0, to = INT64_MAX / NS_PER_S, rows = 0;
	int n = request_param(r, "ticker", ticker, sizeof(ticker));

	if (n <= 0 || request_param_i64(r, "limit", 100, &limit) != 0 || limit < 1 || limit > TRADES_MAX) {
		kalshi_fail(reply, 400, "bad_request", "ticker and limit");
		return;
	}
	if (request_param_i64(r, "min_ts", 0, &from) != 0 || request_param_i64(r, "max_ts", to, &to) != 0 ||
	    from < 0 || to < 0 || from > INT64_MAX / NS_PER_S || to > INT64_MAX / NS_PER_S) {
		kalshi_fail(reply, 400, "bad_request", "min_ts and max_ts");
		return;
	}
	const struct fold_symbol *s = fold_find(&sim->live, (struct text){ticker, (size_t)n});
	buf_printf(&reply->body, "{\"cursor\":\"\",\"trades\":[");
	for (uint32_t i = 0; s != NULL && i < s->trades && rows < limit; i++) {
		const struct fold_trade *t = &s->trade[(s->trade_at + FOLD_TRADES_KEPT - i) % FOLD_TRADES_KEPT];
		if (t->time_ms >= from * 1000 && t->time_ms <= to * 1000)
			print_trade(&reply->body, s, t, rows++ > 0 ? "," : "");
	}
	buf_printf(&reply->body, "]}");
}

/* TICKER, or TICKER/orderbook. */
static void of_market(struct sim *sim, struct text rest, struct reply *reply)
{
	static const char book[] = "/orderbook";
	size_t n = sizeof(book) - 1;
	bool is_book = rest.len > n && memcmp(rest.at + rest.len - n, book, n) == 0;

	if (is_book)
		orderbook(sim, (struct text){rest.at, rest.len - n}, reply);
	else
		market(sim, rest, reply);
}

void kalshi_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	static const char one[] = "markets/", portfolio[] = "portfolio/";
	struct text path = {"", 0};
	int64_t retry = 0;

	if (text_starts(r->path, base))
		path = (struct text){r->path.at + sizeof(base) - 1, r->path.len - (sizeof(base) - 1)};
	if (limits_take(&sim->limits, clock_wall(loop_clock(sim->loop)), 10, &retry) != 0)
		kalshi_refuse(reply, 429, retry);
	else if (text_is(path, "exchange/status"))
		buf_printf(&reply->body, "{\"exchange_active\":true,\"trading_active\":true}");
	else if (sim->wallet.id[0] != '\0' && text_starts(path, portfolio))
		wallet_kalshi_rest(
			sim, r,
			(struct text){path.at + sizeof(portfolio) - 1, path.len - (sizeof(portfolio) - 1)},
			reply);
	else if (text_is(path, "markets"))
		markets(sim, r, reply);
	else if (text_is(path, "markets/trades"))
		trades(sim, r, reply);
	else if (text_is(path, "markets/candlesticks"))
		kalshi_candles(sim, r, reply);
	else if (text_starts(path, one) && path.len > sizeof(one) - 1)
		of_market(sim, (struct text){path.at + sizeof(one) - 1, path.len - (sizeof(one) - 1)}, reply);
	else
		kalshi_fail(reply, 404, "not_found", "not found");
}
