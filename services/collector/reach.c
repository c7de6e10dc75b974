/* reach - how far a book is known on either side of the touch, and that this goes with the price.
 *
 * A snapshot knows a book down to some bid and up to some ask; what lies beyond must not be traded
 * against. When the touch has used up half of the way to one of these ends, and the book knows more
 * than was last published, the book is published anew; where its own end is that near, a new
 * snapshot is asked for (depth.c, RENEWING). The book stays trusted meanwhile.
 */
#include "services/collector/state.h"

#define RENEW_NS 10000000000LL /* at least, between two snapshots of a live book */

static const struct ev_book_snapshot *fill_snapshot(struct collector_core *c, struct market *m)
{
	struct event *ev = begin(c, EVENT_book_snapshot, m, 0);
	struct ev_book_snapshot *s = &ev->book_snapshot;

	s->instrument = m->venue.symbol;
	s->price_scale = m->venue.price_scale;
	s->qty_scale = m->venue.qty_scale;
	book_to_snapshot(&m->book, c->set.publish_levels, c->scratch, s);
	return s;
}

void reach_emit_snapshot(struct collector_core *c, struct market *m)
{
	fill_snapshot(c, m);
	emit(c);
}

/* Half way from the touch to the ends of what is known; ask_ceil as in the event. */
static struct reach reach_of(const struct book *b, int64_t bid_floor, int64_t ask_ceil)
{
	struct reach r = {0, INT64_MAX};

	if (bid_floor > 0 && book_depth(b, side_buy) > 0) {
		int64_t touch = book_level(b, side_buy, 0)->price;
		r.bid = touch - (touch - bid_floor) / 2;
	}
	if (ask_ceil > 0 && ask_ceil < INT64_MAX && book_depth(b, side_sell) > 0) {
		int64_t touch = book_level(b, side_sell, 0)->price;
		r.ask = touch + (ask_ceil - touch) / 2;
	}
	return r;
}

static bool is_beyond(const struct book *b, const struct reach *r)
{
	return (book_depth(b, side_buy) > 0 && book_level(b, side_buy, 0)->price < r->bid) ||
	       (book_depth(b, side_sell) > 0 && book_level(b, side_sell, 0)->price > r->ask);
}

void reach_publish(struct collector_core *c, struct market *m)
{
	const struct ev_book_snapshot *s = fill_snapshot(c, m);

	m->told = reach_of(&m->book, s->bid_floor, s->ask_ceil);
	emit(c);
}

void reach_measure(struct market *m)
{
	m->own = reach_of(&m->book, m->book.bid_floor, m->book.ask_ceil);
}

void reach_later(struct collector_core *c, struct market *m)
{
	m->sync = SYNC_LIVE;
	m->request = 0;
	m->pending_n = 0;
	buf_clear(&m->pending);
	m->ask_at = CORE_NEVER;
	m->snapshot_at = c->now; /* not before RENEW_NS again */
}

static void ask_anew(struct collector_core *c, struct market *m)
{
	if (m->sync != SYNC_LIVE || m->ask_at != CORE_NEVER || in_stream(c) || c->set.poll_ns > 0)
		return;
	m->ask_at = after(m->snapshot_at, RENEW_NS);
	m->ask_at = m->ask_at > c->now ? m->ask_at : c->now;
	arm(c, m->ask_at);
}

/* The venue moves the levels along with the price: known is what is there. */
static void roll(struct market *m)
{
	uint32_t bids = book_depth(&m->book, side_buy), asks = book_depth(&m->book, side_sell);

	if (m->book.bid_floor > 0 && bids > 0)
		m->book.bid_floor = book_level(&m->book, side_buy, bids - 1)->price;
	if (m->book.ask_ceil < INT64_MAX && asks > 0)
		m->book.ask_ceil = book_level(&m->book, side_sell, asks - 1)->price;
	reach_measure(m);
}

void reach_look(struct collector_core *c, struct market *m)
{
	if (c->set.venue->levels_roll && is_beyond(&m->book, &m->own))
		roll(m);
	if (is_beyond(&m->book, &m->own))
		ask_anew(c, m);
	else if (is_beyond(&m->book, &m->told))
		reach_publish(c, m);
}

