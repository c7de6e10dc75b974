/* candles - klines built from the trades that were played: one ring of bars of one length. */
#ifndef NJ_SIM_CANDLES_H
#define NJ_SIM_CANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/fixed.h"

#define CANDLES_KEPT 1500

struct candle_bar { /* prices and quantities at the symbol's scales, values at both together */
	int64_t open_ms;
	int64_t open, high, low, close, volume, taker_volume;
	fixed_wide value, taker_value;
	uint32_t trades;
};

struct candle_ring {
	int64_t span_ms;
	uint32_t at, n; /* at: index of the newest */
	struct candle_bar bar[CANDLES_KEPT];
};

struct candle_fill {
	int64_t time_ms, price, qty;
	bool taker_sold;
};

/* A trade older than the newest bar is counted in the newest; bars without trades are filled with
 * the last close. */
void candles_add(struct candle_ring *c, const struct candle_fill *t);
/* i-th newest, i < n. */
const struct candle_bar *candles_at(const struct candle_ring *c, uint32_t i);
struct candle_query { /* all ms */
	int64_t span, offset; /* bars begin at offset + n * span */
	int64_t from, to;     /* of their opening */
};

/* Bars of that span, a multiple of what is kept, as struct candle_bar, oldest first. ERR_FULL, ERR_NOMEM. */
int candles_collect(const struct candle_ring *c, const struct candle_query *q, struct buf *bars);
/* Adds a later bar to one of a longer span. */
void candle_merge(struct candle_bar *into, const struct candle_bar *from);

#endif
