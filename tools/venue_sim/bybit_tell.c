/* bybit_tell - the generated market in Bybit's words; both markets write the same. */
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/bybit.h"

#define MS INT64_C(1000000)
#define FIRST_U 1000 /* 1 would mean that the service has restarted */

static void number(struct buf *out, fixed_wide value, int scale)
{
	buf_byte(out, '"');
	binance_tell_number(out, value, scale, scale);
	buf_byte(out, '"');
}

static void level(struct buf *out, const struct market_spec *s, bool first, int64_t price, int64_t qty)
{
	buf_printf(out, "%s[", first ? "" : ",");
	number(out, price, s->price_scale);
	buf_byte(out, ',');
	if (qty == 0)
		buf_printf(out, "\"0\"");
	else
		number(out, qty, s->qty_scale);
	buf_byte(out, ']');
}

int bybit_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t, int64_t now)
{
	long long ms = (long long)(now / MS);

	buf_printf(out,
		   "{\"topic\":\"publicTrade.%s\",\"type\":\"snapshot\",\"ts\":%lld,\"data\":[{\"T\":%lld,\"s\":\"%s\","
		   "\"S\":\"%s\",\"v\":",
		   s->symbol, ms, ms, s->symbol, t->taker_sold ? "Sell" : "Buy");
	number(out, t->qty, s->qty_scale);
	buf_printf(out, ",\"p\":");
	number(out, t->price, s->price_scale);
	return buf_printf(out, ",\"L\":\"ZeroPlusTick\",\"i\":\"%llu\",\"BT\":false,\"RPI\":false,\"seq\":%llu}]}",
			  (unsigned long long)t->id, (unsigned long long)t->id);
}

static void changes(struct buf *out, const struct market_spec *s, const struct quotes *q, enum quotes_side side)
{
	for (uint32_t i = 0; i < q->n_changed[side]; i++)
		level(out, s, i == 0, q->changed[side][i], quotes_qty(q, side, q->changed[side][i]));
}

static void begin_book(struct buf *out, const struct market_spec *s, const char *type, int64_t now)
{
	buf_printf(out, "{\"topic\":\"orderbook.%d.%s\",\"type\":\"%s\",\"ts\":%lld,\"data\":{\"s\":\"%s\",\"b\":[",
			BYBIT_LEVELS,
		   s->symbol, type, (long long)(now / MS), s->symbol);
}

static int end_book(struct buf *out, uint64_t u, uint64_t seq, int64_t now)
{
	return buf_printf(out, "],\"u\":%llu,\"seq\":%llu},\"cts\":%lld}", (unsigned long long)u,
			(unsigned long long)seq,
			  (long long)(now / MS));
}

int bybit_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	begin_book(out, s, "delta", now);
	changes(out, s, q, QUOTES_BID);
	buf_printf(out, "],\"a\":[");
	changes(out, s, q, QUOTES_ASK);
	return end_book(out, FIRST_U + q->diffs, q->update_id, now);
}

static void whole_side(struct buf *out, const struct market_spec *s, const struct quotes *q, enum quotes_side side)
{
	for (uint32_t i = 0; i < q->n[side]; i++)
		level(out, s, i == 0, quotes_at(q, side, i)->price, quotes_at(q, side, i)->qty);
}

/* The book starts with one telling: what the crowd had put there at the beginning. */
int bybit_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	begin_book(out, s, "snapshot", now);
	whole_side(out, s, q, QUOTES_BID);
	buf_printf(out, "],\"a\":[");
	whole_side(out, s, q, QUOTES_ASK);
	return end_book(out, FIRST_U + q->diffs - 1, q->update_id, now);
}

int bybit_tell_top(struct buf *out, const struct market_spec *s, const struct quotes *q)
{
	long long ms = (long long)(q->at / MS);

	buf_printf(out,
		   "{\"topic\":\"orderbook.1.%s\",\"ts\":%lld,\"type\":\"snapshot\","
		   "\"data\":{\"s\":\"%s\",\"b\":[",
		   s->symbol, ms, s->symbol);
	level(out, s, true, quotes_at(q, QUOTES_BID, 0)->price, quotes_at(q, QUOTES_BID, 0)->qty);
	buf_printf(out, "],\"a\":[");
	level(out, s, true, quotes_at(q, QUOTES_ASK, 0)->price, quotes_at(q, QUOTES_ASK, 0)->qty);
	return end_book(out, q->update_id, q->update_id, q->at);
}

/* Bybit has no klines of a second. */
int bybit_tell_kline(struct buf *out, const struct market_spec *s, const struct market_kline *k, int64_t now,
		     bool closed)
{
	static const char *const names[] = {"open", "close", "high", "low"};
	const int64_t values[] = {k->open, k->close, k->high, k->low};
	long long ms = (long long)(now / MS);

	if (k->span < 60000 * MS)
		return 0;
	buf_printf(out,
		   "{\"topic\":\"kline.1.%s\",\"type\":\"snapshot\",\"ts\":%lld,\"data\":[{\"start\":%lld,\"end\":%lld,"
		   "\"interval\":\"1\"",
		   s->symbol, ms, (long long)(k->open_at / MS), (long long)((k->open_at + k->span) / MS - 1));
	for (int i = 0; i < 4; i++) {
		buf_printf(out, ",\"%s\":", names[i]);
		number(out, values[i], s->price_scale);
	}
	buf_printf(out, ",\"volume\":");
	number(out, k->volume, s->qty_scale);
	buf_printf(out, ",\"turnover\":");
	number(out, k->value, s->price_scale + s->qty_scale);
	return buf_printf(out, ",\"confirm\":%s,\"timestamp\":%lld}]}", closed ? "true" : "false", ms);
}
