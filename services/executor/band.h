/* band - how far from the market a venue lets orders be, and what it takes for the market's price.
 *
 * The instrument says the shares and what they are of (enum band_by). A mean is kept in BAND_SLICES slices of its
 * minutes: it covers them less at most one slice, and a slice once begun is left out whole. Venues weight each trade
 * by its quantity (Binance's filters.md; "volume weighted"); where nothing was traded in that time they take the trade
 * before it, and so does this. A judgement needs no luck: the same events give the same answer, live and in a replay.
 */
#ifndef NJ_EXECUTOR_BAND_H
#define NJ_EXECUTOR_BAND_H

#include "proto/codec.h"
#include "services/executor/executor.h"

/* The instrument was announced: a mean of other minutes, or at other scales, begins anew. */
void band_define(struct market *m, bool rescaled);
/* A trade, whatever state the book is in. */
void band_on_trade(struct market *m, int64_t now, int64_t price, int64_t qty);

/* Is an order at this price (at the market's scale, above 0) within the band as of now? Where no price of the market is
 * known, there is none. */
enum reject band_check(const struct market *m, int64_t now, uint8_t side, int64_t price);

void band_save(const struct executor *x, struct packer *p);
int band_load(struct executor *x, struct unpacker *u); /* after the markets */

#endif
