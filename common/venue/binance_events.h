/* binance_events - what the kinds of Binance's frames mean; spot and futures share them. */
#ifndef NJ_VENUE_BINANCE_EVENTS_H
#define NJ_VENUE_BINANCE_EVENTS_H

#include "common/venue/binance_frame.h"

/* One kind of frame by its "e". Ends with a row whose `read` is NULL; an empty name stands for frames without one,
 * which are taken for best bid and ask where they have its letters. */
struct binance_kind {
	const char *event;
	size_t len;
	enum venue_kind kind;
	/* Fills m's part of the union; errors are noted in the frame. f->market is not NULL. */
	void (*read)(struct binance_frame *f, struct venue_message *m);
};
#define BINANCE_KIND(name, kind, read) {name, sizeof(name) - 1, kind, read}

/* Decodes frames of these kinds and the replies of REST, as venue.h's decode. */
int binance_decode(const struct binance_kind *kinds, const struct venue_input *in, struct venue_output *out);

void binance_on_depth(struct binance_frame *f, struct venue_message *m);
void binance_on_trade(struct binance_frame *f, struct venue_message *m); /* trade and aggTrade */
void binance_on_top(struct binance_frame *f, struct venue_message *m);
void binance_on_kline(struct binance_frame *f, struct venue_message *m);
void binance_on_ticker(struct binance_frame *f, struct venue_message *m);
void binance_on_mark(struct binance_frame *f, struct venue_message *m);        /* markPriceUpdate */
void binance_on_liquidation(struct binance_frame *f, struct venue_message *m); /* forceOrder */

#endif
