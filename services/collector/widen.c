/* widen - markets whose real values have more decimals than their tick and lot size say.
 *
 * Orders placed under an older, finer grid rest on when the venue coarsens it: recorded snapshots
 * hold bids of 0.00212 at a tick of 0.0001. Such a text is first read without effect at wider
 * scales. If one makes it readable, everything that is kept is brought to it (exactly: only zeros
 * are appended), the instrument is published again, a live book too, and the text is read once
 * more. A market never narrows again while the core lives.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/collector/state.h"

/* How much larger every price and quantity becomes. */
struct factors {
	int64_t price, qty;
};

static bool grow(int64_t *value, int64_t factor)
{
	return !__builtin_mul_overflow(*value, factor, value);
}

static bool grow_all(int64_t *const values[], size_t n, int64_t factor)
{
	bool fits = true;

	for (size_t i = 0; i < n; i++)
		fits = grow(values[i], factor) && fits;
	return fits;
}

bool widen_instrument(struct ev_instrument *i, uint8_t price_scale, uint8_t qty_scale)
{
	struct ev_instrument wide = *i;
	int64_t *const prices[] = {&wide.tick_size, &wide.price_min, &wide.price_max, &wide.tick_1,
				   &wide.from_2,    &wide.tick_2,    &wide.from_3,    &wide.tick_3,
				   &wide.from_4,    &wide.tick_4,    &wide.from_5,    &wide.tick_5, &wide.pays};
	int64_t *const qtys[] = {&wide.lot_size, &wide.qty_min, &wide.qty_max, &wide.market_qty_max,
				 &wide.market_lot_size, &wide.market_qty_min, &wide.position_max};

	if (price_scale < i->price_scale || qty_scale < i->qty_scale)
		return false;
	if (!grow_all(prices, ARRAY_LEN(prices), fixed_pow10(price_scale - i->price_scale)) ||
	    !grow_all(qtys, ARRAY_LEN(qtys), fixed_pow10(qty_scale - i->qty_scale)))
		return false;
	wide.price_scale = price_scale;
	wide.qty_scale = qty_scale;
	*i = wide;
	return true;
}

static bool grow_levels(struct level *at, uint32_t n, const struct factors *by)
{
	bool fits = true;

	for (uint32_t i = 0; i < n; i++)
		fits = grow(&at[i].price, by->price) && grow(&at[i].qty, by->qty) && fits;
	return fits;
}

static bool grow_pending(struct buf *pending, const struct factors *by)
{
	struct pending head;
	bool fits = true;

	for (size_t at = 0; at < pending->len; at += (head.bids + head.asks) * sizeof(struct level)) {
		memcpy(&head, pending->at + at, sizeof(head));
		at += sizeof(head);
		struct level *levels = (struct level *)(void *)(pending->at + at);
		fits = grow_levels(levels, head.bids + head.asks, by) && fits;
	}
	return fits;
}

static bool grow_book(struct collector_core *c, struct book *b, const struct factors *by)
{
	struct ev_book_snapshot s = {0};
	uint64_t evicted = b->evicted;

	/* c->levels is free: what was being decoded could not be read. */
	book_to_snapshot(b, b->cap, c->levels, &s);
	if (!grow_levels(c->levels, s.bids.n, by) || !grow_levels(c->levels + b->cap, s.asks.n, by) ||
	    !grow(&s.bid_floor, by->price) || !grow(&s.ask_ceil, by->price))
		return false;
	if (book_snapshot(b, &s) < 0)
		return false;
	b->evicted = evicted;
	return true;
}

static void no_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	(void)m;
}

static bool is_readable(struct collector_core *c, struct venue_input *in)
{
	struct venue_output out = output_of(c);

	out.message = no_message;
	return c->set.venue->decode(in, &out) == 0;
}

/* Sets the first wider scales at which the text can be read; false leaves them as they were. */
static bool find_scales(struct collector_core *c, struct market *m, struct venue_input *in)
{
	const uint8_t price = m->venue.price_scale, qty = m->venue.qty_scale, wide = VENUE_SCALE_DEFAULT;
	const uint8_t tries[][2] = {{price, wide}, {wide, qty}, {wide, wide}};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		m->venue.price_scale = tries[i][0] > price ? tries[i][0] : price;
		m->venue.qty_scale = tries[i][1] > qty ? tries[i][1] : qty;
		if ((m->venue.price_scale > price || m->venue.qty_scale > qty) && is_readable(c, in))
			return true;
	}
	m->venue.price_scale = price;
	m->venue.qty_scale = qty;
	return false;
}

/* Prices that only help to find something: one that does not fit is forgotten. */
static void grow_hints(struct market *m, const struct factors *by)
{
	for (size_t i = 0; m->seal != NULL && i < SEAL_MOVED; i++)
		if (!grow(&m->seal->moved[i], by->price))
			m->seal->moved[i] = 0;
	if (m->pays != VENUE_CALLED_OFF && !grow(&m->pays, by->price))
		m->resolved = false;
}

bool widen_for(struct collector_core *c, struct market *m, struct venue_input *in)
{
	struct venue_market before = m->venue;

	if (!find_scales(c, m, in))
		return false;
	struct factors by = {fixed_pow10(m->venue.price_scale - before.price_scale),
			     fixed_pow10(m->venue.qty_scale - before.qty_scale)};
	m->price_scale_min = m->venue.price_scale;
	m->qty_scale_min = m->venue.qty_scale;
	c->count.widened++;
	candles_rescale(&m->candles, m->venue.price_scale, m->venue.qty_scale);
	grow_hints(m, &by);
	for (int i = 0; i < 5 && m->ticker.said != 0; i++) /* the four prices and the volume; the rest is cash */
		if (!grow(&m->ticker.value[i], i < 4 ? by.price : by.qty))
			m->ticker = (struct venue_ticker){0};
	bool fits = grow(&m->trade_price, by.price) && grow(&m->whole_floor, by.price) &&
		    grow(&m->whole_ceil, by.price) && grow_pending(&m->pending, &by) && grow_book(c, &m->book, &by);
	if (m->described && widen_instrument(&m->instrument, m->venue.price_scale, m->venue.qty_scale))
		tape_emit_instrument(c, m);
	if (!fits)
		depth_restart(c, m); /* what is kept cannot be brought along */
	else if (is_live(m)) {
		reach_measure(m);
		reach_publish(c, m);
	}
	return true;
}
