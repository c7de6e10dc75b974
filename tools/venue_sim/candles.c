/* candles - klines built from the trades that were played. */
#include "tools/venue_sim/candles.h"

static struct candle_bar *newest(struct candle_ring *c)
{
	return &c->bar[c->at];
}

static void begin(struct candle_ring *c, int64_t open_ms, int64_t price)
{
	if (c->n > 0)
		c->at = (c->at + 1) % CANDLES_KEPT;
	if (c->n < CANDLES_KEPT)
		c->n++;
	*newest(c) = (struct candle_bar){
		.open_ms = open_ms, .open = price, .high = price, .low = price, .close = price};
}

static void fill_up_to(struct candle_ring *c, int64_t open_ms)
{
	int64_t missing = (open_ms - newest(c)->open_ms) / c->span_ms - 1;

	if (missing >= CANDLES_KEPT) { /* a hole longer than what is kept */
		c->n = c->at = 0;
		return;
	}
	for (; missing > 0; missing--)
		begin(c, newest(c)->open_ms + c->span_ms, newest(c)->close);
}

void candles_add(struct candle_ring *c, const struct candle_fill *t)
{
	int64_t open_ms = t->time_ms - t->time_ms % c->span_ms;
	fixed_wide value = (fixed_wide)t->price * t->qty;

	if (c->n > 0 && open_ms > newest(c)->open_ms)
		fill_up_to(c, open_ms);
	if (c->n == 0 || open_ms > newest(c)->open_ms)
		begin(c, open_ms, t->price);
	struct candle_bar *b = newest(c);
	if (b->trades++ == 0)
		b->open = b->high = b->low = t->price;
	b->high = t->price > b->high ? t->price : b->high;
	b->low = t->price < b->low ? t->price : b->low;
	b->close = t->price;
	b->volume += t->qty;
	b->value += value;
	b->taker_volume += t->taker_sold ? 0 : t->qty;
	b->taker_value += t->taker_sold ? 0 : value;
}

const struct candle_bar *candles_at(const struct candle_ring *c, uint32_t i)
{
	return &c->bar[(c->at + CANDLES_KEPT - i) % CANDLES_KEPT];
}

void candle_merge(struct candle_bar *into, const struct candle_bar *from)
{
	if (from->trades > 0) {
		if (into->trades == 0) {
			into->high = into->low = from->open;
			into->open = from->open;
		}
		into->high = from->high > into->high ? from->high : into->high;
		into->low = from->low < into->low ? from->low : into->low;
		into->close = from->close;
	}
	into->trades += from->trades;
	into->volume += from->volume;
	into->taker_volume += from->taker_volume;
	into->value += from->value;
	into->taker_value += from->taker_value;
}

int candles_collect(const struct candle_ring *c, const struct candle_query *q, struct buf *bars)
{
	struct candle_bar *last = NULL;
	int rc = 0;

	for (uint32_t i = c->n; rc == 0 && i > 0; i--) {
		struct candle_bar b = *candles_at(c, i - 1);
		b.open_ms = b.open_ms - (b.open_ms - q->offset) % q->span;
		if (b.open_ms < q->from || b.open_ms > q->to)
			continue;
		if (last != NULL && last->open_ms == b.open_ms) {
			candle_merge(last, &b);
			continue;
		}
		rc = buf_append(bars, &b, sizeof(b));
		last = (struct candle_bar *)(void *)(bars->at + bars->len) - 1;
	}
	return rc;
}
