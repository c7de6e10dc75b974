/* kalshi_tell - the generated market in Kalshi's words: each change a frame; sid and seq come when it is sent. */
#include <stdio.h>
#include <time.h>

#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/kalshi.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

void kalshi_time(int64_t ns, char out[32])
{
	time_t s = (time_t)(ns / SECOND);
	struct tm t;

	gmtime_r(&s, &t);
	size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(out + n, 32 - n, ".%06uZ", (unsigned)(ns % SECOND / 1000) % 1000000);
}

static int64_t dollar(const struct market_spec *s)
{
	return s->ceiling;
}

static void price(struct buf *out, const char *before, const struct market_spec *s, int64_t value)
{
	buf_printf(out, "%s\"", before);
	binance_tell_number(out, value, s->price_scale, KALSHI_PRICE_DIGITS);
	buf_byte(out, '"');
}

static void qty(struct buf *out, const char *before, const struct market_spec *s, int64_t value)
{
	buf_printf(out, "%s\"", before);
	binance_tell_number(out, value, s->qty_scale, KALSHI_QTY_DIGITS);
	buf_byte(out, '"');
}

static void begin(struct buf *out, const char *type, const struct market_spec *s)
{
	buf_printf(out, "{\"type\":\"%s\",\"sid\":0,\"seq\":0,\"msg\":{\"market_ticker\":\"%s\"", type, s->symbol);
}

/* False where nothing has changed in the end. */
static bool one_change(struct buf *out, const struct market_spec *s, const struct quotes *q, enum quotes_side side,
		       uint32_t i)
{
	int64_t at = q->changed[side][i], delta = quotes_qty(q, side, at) - q->was[side][i];

	if (delta == 0)
		return false;
	begin(out, "orderbook_delta", s);
	price(out, ",\"price_dollars\":", s, side == QUOTES_ASK ? dollar(s) - at : at);
	qty(out, ",\"delta_fp\":", s, delta);
	buf_printf(out, ",\"side\":\"%s\"", side == QUOTES_ASK ? "no" : "yes");
	return true;
}

int kalshi_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	char when[32];

	kalshi_time(now, when);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < q->n_changed[side]; i++)
			if (one_change(out, s, q, (enum quotes_side)side, i))
				buf_printf(out, ",\"ts\":\"%s\",\"ts_ms\":%lld}}\n", when, (long long)(now / MS));
	return 0;
}

int kalshi_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now)
{
	(void)now;
	begin(out, "orderbook_snapshot", s);
	for (int side = 0; side < 2; side++) {
		buf_printf(out, ",\"%s_dollars_fp\":[", side == QUOTES_ASK ? "no" : "yes");
		for (uint32_t i = q->n[side]; i > 0; i--) {
			const struct quote *at = quotes_at(q, (enum quotes_side)side, i - 1);
			price(out, i < q->n[side] ? ",[" : "[", s, side == QUOTES_ASK ? dollar(s) - at->price :
					at->price);
			qty(out, ",", s, at->qty);
			buf_byte(out, ']');
		}
		buf_byte(out, ']');
	}
	return buf_append(out, "}}", 2);
}

int kalshi_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t, int64_t now)
{
	const char *taker = t->taker_sold ? "no" : "yes";

	begin(out, "trade", s);
	buf_printf(out, ",\"trade_id\":\"00000000-0000-4000-8000-%012llu\"", (unsigned long long)t->id);
	price(out, ",\"yes_price_dollars\":", s, t->price);
	price(out, ",\"no_price_dollars\":", s, dollar(s) - t->price);
	qty(out, ",\"count_fp\":", s, t->qty);
	return buf_printf(out,
			  ",\"taker_side\":\"%s\",\"taker_outcome_side\":\"%s\",\"taker_book_side\":\"%s\",\"ts\":%lld,"
			  "\"ts_ms\":%lld}}",
			  taker, taker, t->taker_sold ? "ask" : "bid", (long long)(now / SECOND),
					(long long)(now / MS));
}
