/* binance_tell - the generated market in Binance's words. */
#include <ctype.h>

#include "tools/venue_sim/binance.h"

#define MS INT64_C(1000000)
#define SNAPSHOT_LIMIT 5000
#define FUTURES_LIMIT 1000

int binance_tell_number(struct buf *out, fixed_wide value, int scale, int digits)
{
	char text[80]; /* 39 digits, a sign, a point, and what FIXED_SCALE_MAX twice can add */
	size_t at = sizeof(text);
	int shown = scale > digits ? scale : digits;
	bool negative = value < 0;

	if (negative)
		value = -value;
	for (int i = scale; i < shown; i++)
		text[--at] = '0';
	for (int i = 0; i < scale; i++, value /= 10)
		text[--at] = (char)('0' + (int)(value % 10));
	if (shown > 0)
		text[--at] = '.';
	do {
		text[--at] = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value > 0);
	if (negative)
		text[--at] = '-';
	return buf_append(out, text + at, sizeof(text) - at);
}

static void number(struct buf *out, const char *key, fixed_wide value, int scale)
{
	buf_printf(out, ",\"%s\":\"", key);
	binance_tell_number(out, value, scale, BINANCE_DIGITS);
	buf_byte(out, '"');
}

static void begin(struct buf *out, const struct market_spec *s, const char *channel)
{
	char lower[MARKET_SYMBOL_LEN];
	size_t i = 0;

	for (; s->symbol[i] != '\0'; i++)
		lower[i] = (char)tolower((unsigned char)s->symbol[i]);
	lower[i] = '\0';
	buf_printf(out, "{\"stream\":\"%s@%s\",\"data\":", lower, channel);
}

static int end(struct buf *out)
{
	return buf_append(out, "}}", 2);
}

int binance_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t,
		       int64_t now)
{
	begin(out, s, "trade");
	buf_printf(out, "{\"e\":\"trade\",\"E\":%lld,\"s\":\"%s\",\"t\":%llu",
		   (long long)(now / MS), s->symbol, (unsigned long long)t->id);
	number(out, "p", t->price, s->price_scale);
	number(out, "q", t->qty, s->qty_scale);
	buf_printf(out, ",\"T\":%lld,\"m\":%s,\"M\":true", (long long)(now / MS),
		   t->taker_sold ? "true" : "false");
	return end(out);
}

/* Each trade takes one price only, so each is an aggregate of itself. */
int binance_tell_agg_trade(struct buf *out, const struct market_spec *s, const struct fill *t,
			   int64_t now)
{
	unsigned long long id = t->id;

	begin(out, s, "aggTrade");
	buf_printf(out, "{\"e\":\"aggTrade\",\"E\":%lld,\"s\":\"%s\",\"a\":%llu",
		   (long long)(now / MS), s->symbol, id);
	number(out, "p", t->price, s->price_scale);
	number(out, "q", t->qty, s->qty_scale);
	buf_printf(out, ",\"f\":%llu,\"l\":%llu,\"T\":%lld,\"m\":%s,\"M\":true", id, id,
		   (long long)(now / MS), t->taker_sold ? "true" : "false");
	return end(out);
}

int binance_tell_top(struct buf *out, const struct market_spec *s, const struct quotes *q)
{
	const struct quote *bid = quotes_at(q, QUOTES_BID, 0), *ask = quotes_at(q, QUOTES_ASK, 0);

	begin(out, s, "bookTicker");
	buf_printf(out, "{\"u\":%llu,\"s\":\"%s\"", (unsigned long long)q->update_id, s->symbol);
	number(out, "b", bid->price, s->price_scale);
	number(out, "B", bid->qty, s->qty_scale);
	number(out, "a", ask->price, s->price_scale);
	number(out, "A", ask->qty, s->qty_scale);
	return end(out);
}

static void level(struct buf *out, const struct market_spec *s, bool first, int64_t price,
		  int64_t qty)
{
	buf_printf(out, "%s[\"", first ? "" : ",");
	binance_tell_number(out, price, s->price_scale, BINANCE_DIGITS);
	buf_printf(out, "\",\"");
	binance_tell_number(out, qty, s->qty_scale, BINANCE_DIGITS);
	buf_printf(out, "\"]");
}

static void changes(struct buf *out, const struct market_spec *s, const struct quotes *q,
		    enum quotes_side side)
{
	for (uint32_t i = 0; i < q->n_changed[side]; i++)
		level(out, s, i == 0, q->changed[side][i],
		      quotes_qty(q, side, q->changed[side][i]));
}

int binance_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q,
		      int64_t now)
{
	begin(out, s, "depth@100ms");
	buf_printf(out,
		   "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"%s\",\"U\":%llu,\"u\":%llu,\"b\":[",
		   (long long)(now / MS), s->symbol, (unsigned long long)q->diff_id + 1,
		   (unsigned long long)q->update_id);
	changes(out, s, q, QUOTES_BID);
	buf_printf(out, "],\"a\":[");
	changes(out, s, q, QUOTES_ASK);
	buf_byte(out, ']');
	return end(out);
}

int binance_tell_kline(struct buf *out, const struct market_spec *s, const struct market_kline *k,
		       int64_t now, bool closed)
{
	const char *interval = k->span == 1000 * MS ? "1s" : "1m";
	int cash = s->price_scale + s->qty_scale;

	begin(out, s, k->span == 1000 * MS ? "kline_1s" : "kline_1m");
	buf_printf(out,
		   "{\"e\":\"kline\",\"E\":%lld,\"s\":\"%s\",\"k\":{"
		   "\"t\":%lld,\"T\":%lld,\"s\":\"%s\",\"i\":\"%s\","
		   "\"f\":%lld,\"L\":%lld",
		   (long long)(now / MS), s->symbol, (long long)(k->open_at / MS),
		   (long long)((k->open_at + k->span) / MS - 1), s->symbol, interval,
		   k->trades > 0 ? (long long)k->first_id : -1,
		   k->trades > 0 ? (long long)k->last_id : -1);
	number(out, "o", k->open, s->price_scale);
	number(out, "c", k->close, s->price_scale);
	number(out, "h", k->high, s->price_scale);
	number(out, "l", k->low, s->price_scale);
	number(out, "v", k->volume, s->qty_scale);
	buf_printf(out, ",\"n\":%u,\"x\":%s", k->trades, closed ? "true" : "false");
	number(out, "q", k->value, cash);
	number(out, "V", k->taker_volume, s->qty_scale);
	number(out, "Q", k->taker_value, cash);
	buf_printf(out, ",\"B\":\"0\"}");
	return end(out);
}

static void whole_side(struct buf *out, const struct market_spec *s, const struct quotes *q,
		       enum quotes_side side)
{
	for (uint32_t i = 0; i < q->n[side]; i++)
		level(out, s, i == 0, quotes_at(q, side, i)->price, quotes_at(q, side, i)->qty);
}

int binance_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	(void)now;
	buf_printf(out, "{\"lastUpdateId\":%llu,\"bids\":[", (unsigned long long)q->update_id);
	whole_side(out, s, q, QUOTES_BID);
	buf_printf(out, "],\"asks\":[");
	whole_side(out, s, q, QUOTES_ASK);
	return buf_append(out, "]}", 2);
}

int binance_tell_snapshot_url(struct buf *out, const struct market_spec *s)
{
	return buf_printf(out, "/api/v3/depth?symbol=%s&limit=%d", s->symbol, SNAPSHOT_LIMIT);
}

/* ---- futures ---- */

int binance_tell_chained(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	long long ms = (long long)(now / MS);

	begin(out, s, "depth@100ms");
	buf_printf(out,
		   "{\"e\":\"depthUpdate\",\"E\":%lld,\"T\":%lld,\"s\":\"%s\","
		   "\"U\":%llu,\"u\":%llu,\"pu\":%llu,\"b\":[",
		   ms, ms, s->symbol, (unsigned long long)q->diff_id + 1, (unsigned long long)q->update_id,
		   (unsigned long long)q->diff_id);
	changes(out, s, q, QUOTES_BID);
	buf_printf(out, "],\"a\":[");
	changes(out, s, q, QUOTES_ASK);
	buf_byte(out, ']');
	return end(out);
}

int binance_tell_timed_top(struct buf *out, const struct market_spec *s, const struct quotes *q)
{
	const struct quote *bid = quotes_at(q, QUOTES_BID, 0), *ask = quotes_at(q, QUOTES_ASK, 0);

	begin(out, s, "bookTicker");
	buf_printf(out, "{\"e\":\"bookTicker\",\"u\":%llu,\"s\":\"%s\",\"ps\":\"%s\"",
		   (unsigned long long)q->update_id, s->symbol, s->symbol);
	number(out, "b", bid->price, s->price_scale);
	number(out, "B", bid->qty, s->qty_scale);
	number(out, "a", ask->price, s->price_scale);
	number(out, "A", ask->qty, s->qty_scale);
	buf_printf(out, ",\"T\":%lld,\"E\":%lld", (long long)(q->at / MS), (long long)(q->at / MS));
	return end(out);
}

int binance_tell_futures_url(struct buf *out, const struct market_spec *s)
{
	return buf_printf(out, "/fapi/v1/depth?symbol=%s&limit=%d", s->symbol, FUTURES_LIMIT);
}

int binance_tell_shutdown(struct buf *out, bool combined, int64_t now)
{
	const char *wrap = combined ? "{\"stream\":\"!serverShutdown\",\"data\":" : "";

	return buf_printf(out, "%s{\"e\":\"serverShutdown\",\"E\":%lld}%s", wrap,
			  (long long)(now / MS), combined ? "}" : "");
}
