/* bybit_rest - the v5 market endpoints: errors come with HTTP 200 and a code of their own. */
#include <inttypes.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/bybit.h"
#include "tools/venue_sim/sim.h"

#define MINUTE_MS INT64_C(60000)
#define ROWS_MAX 1000
#define LEVELS_MAX 1000

static const char *category_of(const struct sim *sim)
{
	return sim->dialect == &dialect_bybit_spot ? "spot" : "linear";
}

static void begin(const struct sim *sim, struct reply *reply)
{
	buf_printf(&reply->body, "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"category\":\"%s\",", category_of(sim));
}

static void end(const struct sim *sim, struct reply *reply)
{
	buf_printf(&reply->body, "},\"retExtInfo\":{},\"time\":%lld}", (long long)(sim_now(sim) / NS_PER_MS));
}

static void fail(struct reply *reply, int code, const char *why)
{
	reply_status(reply, 200);
	buf_printf(&reply->body, "{\"retCode\":%d,\"retMsg\":", code);
	json_quote(&reply->body, why, strlen(why));
	buf_printf(&reply->body, ",\"result\":{},\"retExtInfo\":{},\"time\":0}");
}

/* 429: too many by one's own limit, said with HTTP 200; 403: too many from this address. */
void bybit_refuse(struct reply *reply, int status, int64_t retry_after_s)
{
	if (status != 429) {
		reply_status(reply, status);
		buf_printf(&reply->body, "access too frequent");
		reply->type = "text/plain";
		return;
	}
	fail(reply, 10006, "Too many visits!");
	reply_header(reply, "X-Bapi-Limit-Status", "%d", 0);
	reply_header(reply, "X-Bapi-Limit", "%d", 600);
	reply_header(reply, "X-Bapi-Limit-Reset-Timestamp", "%lld", (long long)retry_after_s * 1000);
}

/* ---- instruments ---- */

static void unit(struct buf *out, const char *key, int scale)
{
	buf_printf(out, "\"%s\":\"", key);
	binance_tell_number(out, 1, scale, scale);
	buf_byte(out, '"');
}

/* Where no reply was recorded: derived from the decimals seen. */
static void derive(const struct sim *sim, const struct rec_symbol *s, struct buf *out)
{
	size_t n = strlen(s->name), quote = n > 4 ? 4 : n / 2;
	bool spot = sim->dialect == &dialect_bybit_spot;

	buf_printf(out,
		   "{\"symbol\":\"%s\",\"status\":\"Trading\",\"baseCoin\":\"%.*s\",\"quoteCoin\":\"%s\","
		   "\"priceFilter\":{",
		   s->name, (int)(n - quote), s->name, s->name + n - quote);
	unit(out, "tickSize", s->price_scale);
	buf_printf(out, "},\"lotSizeFilter\":{");
	unit(out, spot ? "basePrecision" : "qtyStep", s->qty_scale);
	buf_byte(out, ',');
	unit(out, "minOrderQty", s->qty_scale);
	buf_printf(out, ",\"maxOrderQty\":\"1000000\",\"%s\":\"5\"}}", spot ? "minOrderAmt" : "minNotionalValue");
}

static void one_instrument(struct sim *sim, struct text name, struct reply *reply)
{
	const struct text *listed = strmap_get(&sim->listed, name.at, name.len);
	const struct rec_symbol *seen = recording_symbol(&sim->rec, name);

	if (listed == NULL && (seen == NULL || sim->info.len > 0)) {
		fail(reply, 10001, "params error: symbol invalid");
		return;
	}
	begin(sim, reply);
	buf_printf(&reply->body, "\"list\":[");
	if (listed != NULL)
		buf_append(&reply->body, listed->at, listed->len);
	else
		derive(sim, seen, &reply->body);
	buf_printf(&reply->body, "],\"nextPageCursor\":\"\"");
	end(sim, reply);
}

static void instruments(struct sim *sim, const struct request *r, struct reply *reply)
{
	char symbol[MARKET_SYMBOL_LEN];
	int n = request_param(r, "symbol", symbol, sizeof(symbol));

	if (n >= 0) {
		one_instrument(sim, (struct text){symbol, (size_t)n}, reply);
		return;
	}
	if (sim->info.len > 0) {
		buf_append(&reply->body, sim->info.at, sim->info.len);
		return;
	}
	begin(sim, reply);
	buf_printf(&reply->body, "\"list\":[");
	for (uint32_t i = 0; i < sim->rec.symbols.count; i++) {
		if (i > 0)
			buf_byte(&reply->body, ',');
		derive(sim, strmap_value_at(&sim->rec.symbols, i), &reply->body);
	}
	buf_printf(&reply->body, "],\"nextPageCursor\":\"\"");
	end(sim, reply);
}

/* ---- market data ---- */

static void number(struct buf *out, fixed_wide value, int scale)
{
	buf_byte(out, '"');
	binance_tell_number(out, value, scale, scale);
	buf_byte(out, '"');
}

static const struct fold_symbol *symbol_of(struct sim *sim, const struct request *r, struct reply *reply)
{
	char symbol[MARKET_SYMBOL_LEN];
	int n = request_param(r, "symbol", symbol, sizeof(symbol));
	const struct fold_symbol *s = n > 0 ? fold_find(&sim->live, (struct text){symbol, (size_t)n}) : NULL;

	if (s == NULL)
		fail(reply, 10001, "params error: symbol invalid");
	return s;
}

static void print_side(struct buf *out, const struct fold_symbol *s, enum fold_side_name side, int64_t limit)
{
	for (uint32_t i = 0; i < s->book.side[side].n && i < limit; i++) {
		const struct quote *q = fold_book_at(&s->book, side, i);
		buf_printf(out, "%s[", i > 0 ? "," : "");
		number(out, q->price, s->about->price_scale);
		buf_byte(out, ',');
		number(out, q->qty, s->about->qty_scale);
		buf_byte(out, ']');
	}
}

static void orderbook(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = symbol_of(sim, r, reply);
	int64_t limit = 25;

	if (s == NULL)
		return;
	if (request_param_i64(r, "limit", 25, &limit) != 0 || limit < 1 || limit > LEVELS_MAX || !s->book.valid) {
		fail(reply, 10001, "params error: limit invalid");
		return;
	}
	begin(sim, reply);
	buf_printf(&reply->body, "\"s\":\"%s\",\"b\":[", s->about->name);
	print_side(&reply->body, s, FOLD_BID, limit);
	buf_printf(&reply->body, "],\"a\":[");
	print_side(&reply->body, s, FOLD_ASK, limit);
	buf_printf(&reply->body, "],\"ts\":%lld,\"u\":%" PRIu64 ",\"seq\":%" PRIu64,
		   (long long)(sim_now(sim) / NS_PER_MS), s->book.last_id, s->seq);
	end(sim, reply);
}

static void recent_trades(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = symbol_of(sim, r, reply);
	int64_t limit = 500;

	if (s == NULL)
		return;
	if (request_param_i64(r, "limit", 500, &limit) != 0 || limit < 1 || limit > ROWS_MAX) {
		fail(reply, 10001, "params error: limit invalid");
		return;
	}
	begin(sim, reply);
	buf_printf(&reply->body, "\"list\":[");
	for (uint32_t i = 0; i < s->trades && i < limit; i++) {
		const struct fold_trade *t = &s->trade[(s->trade_at + FOLD_TRADES_KEPT - i) % FOLD_TRADES_KEPT];
		buf_printf(&reply->body, "%s{\"execId\":\"%" PRIu64 "\",\"symbol\":\"%s\",\"price\":", i > 0 ? "," : "",
				t->id,
			   s->about->name);
		number(&reply->body, t->price, s->about->price_scale);
		buf_printf(&reply->body, ",\"size\":");
		number(&reply->body, t->qty, s->about->qty_scale);
		buf_printf(&reply->body, ",\"side\":\"%s\",\"time\":\"%" PRId64 "\",\"isBlockTrade\":false}",
			   t->taker_sold ? "Sell" : "Buy", t->time_ms);
	}
	buf_byte(&reply->body, ']');
	end(sim, reply);
}

static const struct {
	const char *name;
	int64_t minutes, offset_ms;
} intervals[] = {
	{"1", 1, 0},     {"3", 3, 0},     {"5", 5, 0},     {"15", 15, 0},   {"30", 30, 0},    {"60", 60, 0},
	{"120", 120, 0}, {"240", 240, 0}, {"360", 360, 0}, {"720", 720, 0}, {"D", 1440, 0}, {"W", 10080,
			4 * 1440 * MINUTE_MS},
};

static bool read_interval(const struct request *r, struct candle_query *q)
{
	char name[8];

	if (request_param(r, "interval", name, sizeof(name)) < 0)
		return false;
	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		if (strcmp(intervals[i].name, name) != 0)
			continue;
		q->span = intervals[i].minutes * MINUTE_MS;
		q->offset = intervals[i].offset_ms;
		return true;
	}
	return false;
}

static void print_bar(struct buf *out, const struct candle_bar *b, const struct rec_symbol *s)
{
	const int64_t prices[] = {b->open, b->high, b->low, b->close};

	buf_printf(out, "[\"%" PRId64 "\"", b->open_ms);
	for (int i = 0; i < 4; i++) {
		buf_byte(out, ',');
		number(out, prices[i], s->price_scale);
	}
	buf_byte(out, ',');
	number(out, b->volume, s->qty_scale);
	buf_byte(out, ',');
	number(out, b->value, s->price_scale + s->qty_scale);
	buf_byte(out, ']');
}

/* Newest first. */
static void klines(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = symbol_of(sim, r, reply);
	struct candle_query q = {0};
	int64_t limit = 200;
	struct buf bars;

	if (s == NULL)
		return;
	if (!read_interval(r, &q) || request_param_i64(r, "start", 0, &q.from) != 0 ||
	    request_param_i64(r, "end", INT64_MAX, &q.to) != 0 || request_param_i64(r, "limit", 200, &limit) != 0 ||
	    limit < 1 || limit > ROWS_MAX) {
		fail(reply, 10001, "params error: interval, start, end or limit invalid");
		return;
	}
	begin(sim, reply);
	buf_printf(&reply->body, "\"symbol\":\"%s\",\"list\":[", s->about->name);
	buf_init(&bars, CANDLES_KEPT * sizeof(struct candle_bar));
	if (candles_collect(&s->minute, &q, &bars) == 0) {
		const struct candle_bar *bar = (const struct candle_bar *)(const void *)bars.at;
		size_t n = bars.len / sizeof(*bar);
		for (size_t i = 0; i < n && i < (size_t)limit; i++) {
			if (i > 0)
				buf_byte(&reply->body, ',');
			print_bar(&reply->body, &bar[n - 1 - i], s->about);
		}
	}
	buf_fini(&bars);
	buf_byte(&reply->body, ']');
	end(sim, reply);
}

static void server_time(struct sim *sim, const struct request *r, struct reply *reply)
{
	long long now = (long long)sim_now(sim);

	(void)r;
	buf_printf(&reply->body,
		   "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"timeSecond\":\"%lld\",\"timeNano\":\"%lld\"},"
		   "\"retExtInfo\":{},\"time\":%lld}",
		   now / NS_PER_S, now, now / NS_PER_MS);
}

static const struct {
	const char *path;
	bool of_category;
	void (*fn)(struct sim *, const struct request *, struct reply *);
} endpoints[] = {
	{"/v5/market/time", false, server_time},      {"/v5/market/instruments-info", true, instruments},
	{"/v5/market/orderbook", true, orderbook},    {"/v5/market/kline", false, klines},
	{"/v5/market/recent-trade", true, recent_trades},
};

void bybit_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	char category[16] = "linear";
	int64_t retry = 0;

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (!text_is(r->path, endpoints[i].path))
			continue;
		if (limits_take(&sim->limits, clock_wall(loop_clock(sim->loop)), 1, &retry) != 0) {
			bybit_refuse(reply, 403, retry);
			return;
		}
		int n = request_param(r, "category", category, sizeof(category));
		if ((n < 0 && endpoints[i].of_category) ||
		    (endpoints[i].fn != server_time && strcmp(category, category_of(sim)) != 0))
			fail(reply, 10001, "params error: category invalid");
		else
			endpoints[i].fn(sim, r, reply);
		return;
	}
	reply_status(reply, 404);
	buf_printf(&reply->body, "{\"retCode\":10404,\"retMsg\":\"path not found\"}");
}
