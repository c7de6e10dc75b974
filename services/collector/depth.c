/* depth - one market's order book: a snapshot and the updates that follow it, trusted or not.
 *
 *     OFF --connection open (depth_start)--> WAITING
 *     WAITING: updates are kept. --first update, or first_ns without one; asks.c sends--> ASKED
 *     ASKED: updates are kept. --no or unusable reply (asks_failed)--> WAITING, later
 *            --snapshot older than the oldest update kept--> WAITING, later
 *            --snapshot (depth_on_snapshot): take it, apply what is kept--> LIVE
 *     LIVE --next update (apply)--> LIVE
 *          --the touch comes near the end of what is known (reach.c); asks.c sends--> RENEWING
 *          --hole, fault, too large, crossed for long (depth_lose)--> WAITING
 *     RENEWING: as LIVE, and updates are kept too. --no or unusable reply (asks_failed)--> LIVE, later
 *          --snapshot (depth_on_snapshot): take it, apply what is kept, publish the whole--> LIVE
 *          --hole and so on--> WAITING
 *     any --connection lost (depth_stop)--> OFF
 * Venues that send snapshots on the stream go from any state to LIVE with one; a book that waits for one too long, or
 * was lost, is subscribed to anew (asks.c), alone, while its connection goes on.
 *
 * What subscribers are told (book_state): untrusted on depth_lose and depth_stop, syncing when the
 * connection opens or a snapshot is asked for, then trusted; stale after stale_ns without update,
 * crossed while the best bid is at or above the best ask; each until the next good update.
 *
 * Source of the procedure: binance-spot-api-docs, "How to manage a local order book correctly".
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/collector/state.h"

#define LEVEL_PACKED_MAX 18 /* two integers of nine bytes */
#define HEAD_PACKED_MAX 512 /* topic, envelope and the other fields */

/* ---- telling ---- */

static void tell_state(struct collector_core *c, struct market *m, uint8_t before, const char *reason)
{
	struct event *ev = begin(c, EVENT_book_state, m, 0);

	ev->book_state.instrument = m->venue.symbol;
	ev->book_state.state = m->state;
	ev->book_state.before = before;
	ev->book_state.last_id = is_live(m) ? m->book.last_id : 0;
	event_set_name(ev->book_state.reason, reason);
	emit(c);
}

void depth_announce(struct collector_core *c, struct market *m, enum book_state state, const char *reason)
{
	uint8_t before = m->state;

	if (before == state)
		return;
	m->state = (uint8_t)state;
	tell_state(c, m, before, reason);
}

void depth_repeat_state(struct collector_core *c, struct market *m)
{
	tell_state(c, m, m->state, "as it stands");
}

static void emit_delta(struct collector_core *c, struct market *m, const struct ev_book_delta *d, int64_t time)
{
	struct event *ev = begin(c, EVENT_book_delta, m, time);

	ev->book_delta = *d;
	emit(c);
}

/* Trust follows from the book itself after each good update. */
static void judge(struct collector_core *c, struct market *m)
{
	arm(c, after(m->depth_at, c->set.stale_ns));
	if (seal_is_broken(m))
		return;
	if (!book_crossed(&m->book)) {
		depth_announce(c, m, book_state_trusted, m->state == book_state_syncing ? "synced" : "updated");
		return;
	}
	if (m->state != book_state_crossed) {
		m->crossed_at = c->now;
		c->count.crossed++;
		arm(c, after(c->now, c->set.crossed_ns));
	}
	depth_announce(c, m, book_state_crossed, "best bid at or above best ask");
}

void depth_trouble(struct collector_core *c, struct market *m, const char *text)
{
	bool on = text != NULL;

	if (!on && !m->troubled)
		return;
	m->troubled = on;
	if (c->actions.trouble != NULL)
		c->actions.trouble(c->actions.ctx, &m->venue, on,
				   on                           ? text
				   : c->set.candles_only_ns > 0 ? "its candles come again"
								: "its order book is whole again");
}

/* ---- beginning anew ---- */

static void drop_pending(struct market *m)
{
	m->pending_n = 0;
	buf_clear(&m->pending);
}

/* Forgets the book and waits for a snapshot. */
static void wait_for_snapshot(struct collector_core *c, struct market *m, int64_t ask_at)
{
	m->sync = SYNC_WAITING;
	m->request = 0;
	drop_pending(m);
	book_clear(&m->book);
	if (m->seal != NULL)
		seal_forget(m);
	m->ask_at = ask_at;
	arm(c, m->ask_at);
}

void depth_start(struct collector_core *c, struct market *m)
{
	m->failures = 0;
	m->seen = false;
	m->sid = 0;
	/* On the stream it comes by itself. */
	wait_for_snapshot(c, m, after(c->now, in_stream(c) ? c->set.reply_ns : c->set.first_ns));
	depth_announce(c, m, book_state_syncing, "connected");
}

void depth_stop(struct collector_core *c, struct market *m, const char *reason)
{
	if (m->sync == SYNC_OFF)
		return;
	wait_for_snapshot(c, m, CORE_NEVER);
	m->sync = SYNC_OFF;
	buf_fini(&m->pending);
	buf_init(&m->pending, c->set.pending_bytes);
	depth_announce(c, m, book_state_untrusted, reason);
}

void depth_drop(struct collector_core *c, struct market *m)
{
	if (m->troubled && c->actions.trouble != NULL)
		c->actions.trouble(c->actions.ctx, &m->venue, false, "it is no longer followed");
	if (m->state != 0)
		depth_announce(c, m, book_state_untrusted, "no longer followed");
}

static void open_blind(struct collector_core *c, struct market *m, const struct gap *g)
{
	struct gap own = *g;

	own.market = m;
	own.on = connection_of(c, m, VENUE_DEPTH_STREAM);
	own.stream = "depth";
	own.from = g->from != 0 ? g->from : m->depth_at;
	own.from = own.from > m->blind.to ? own.from : m->blind.to;
	m->blind = (struct blind){.open = true,
				  .cause = (uint8_t)g->cause,
				  .from = own.from,
				  .to = m->blind.to,
				  .first = g->first,
				  .last = g->last};
	emit_blind(c, &own);
}

void depth_lose(struct collector_core *c, struct market *m, const struct gap *g, const char *reason)
{
	if (m->sync == SYNC_OFF)
		return;
	if (!is_live(m) && in_stream(c)) { /* it has been asked for already */
		drop_pending(m);
		return;
	}
	if (!m->blind.open && is_live(m))
		open_blind(c, m, g);
	c->count.resyncs += is_live(m);
	c->count.depth_gaps += is_live(m) && g->cause == gap_cause_sequence;
	wait_for_snapshot(c, m, c->now);
	depth_announce(c, m, book_state_untrusted, reason);
	/* Without another way the next snapshot comes to who connects anew. */
	if (in_stream(c) && c->set.venue->stream_again == NULL) {
		m->ask_at = CORE_NEVER;
		reconnect_for(c, m, VENUE_DEPTH_STREAM, "a book was lost");
	}
}

/* The scales have changed: what is known is in the old ones. */
void depth_restart(struct collector_core *c, struct market *m)
{
	if (m->sync == SYNC_OFF)
		return;
	wait_for_snapshot(c, m, c->now);
	if (m->state != book_state_syncing)
		depth_announce(c, m, book_state_untrusted, "new scales");
}

void depth_on_fault(struct collector_core *c, struct market *m)
{
	depth_lose(c, m, &(struct gap){.cause = gap_cause_malformed}, "unreadable update");
}

void depth_trust_again(struct collector_core *c, struct market *m)
{
	reach_publish(c, m); /* who was told that it is untrusted waits for a whole one */
	judge(c, m);
}

/* ---- applying ---- */

/* Bytes of a msgpack integer that is not negative. */
static uint32_t packed_size(int64_t v)
{
	return v < 128 ? 1 : v < 256 ? 2 : v < 65536 ? 3 : v <= UINT32_MAX ? 5 : 9;
}

static uint32_t packed_levels(const struct levels *l)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < l->n; i++)
		size += packed_size(l->at[i].price) + packed_size(l->at[i].qty);
	return size;
}

static bool fits_an_event(const struct levels *bids, const struct levels *asks)
{
	if (bids->n > EVENT_LEVELS_MAX || asks->n > EVENT_LEVELS_MAX)
		return false;
	if ((bids->n + asks->n) * LEVEL_PACKED_MAX + HEAD_PACKED_MAX <= EVENT_PACKED_MAX)
		return true;
	return packed_levels(bids) + packed_levels(asks) + HEAD_PACKED_MAX <= EVENT_PACKED_MAX;
}

/* Turns changes into totals, in place: the levels lie in the core's own array. */
static int make_absolute(struct collector_core *c, struct market *m, const struct levels *l, enum side side)
{
	struct level *at = side == side_buy ? c->levels : c->levels + c->levels_max;

	for (uint32_t i = 0; i < l->n; i++) {
		int64_t total;
		if (__builtin_add_overflow(book_qty_at(&m->book, side, l->at[i].price), l->at[i].qty, &total) ||
		    total < 0)
			return ERR_RANGE;
		at[i] = (struct level){l->at[i].price, total};
	}
	return 0;
}

static int to_totals(struct collector_core *c, struct market *m, struct venue_depth *d)
{
	int rc = make_absolute(c, m, &d->bids, side_buy);

	if (rc == 0)
		rc = make_absolute(c, m, &d->asks, side_sell);
	d->bids.at = c->levels;
	d->asks.at = c->levels + c->levels_max;
	return rc;
}

/* Applies an update that follows the book and publishes it; false where the book was lost. */
static bool apply(struct collector_core *c, struct market *m, const struct venue_depth *update, int64_t time)
{
	struct venue_depth d = *update;

	if (!fits_an_event(&d.bids, &d.asks)) {
		c->count.depth_oversized++;
		depth_lose(c, m, &(struct gap){.cause = gap_cause_malformed}, "update too large");
		return false;
	}
	struct ev_book_delta delta = {
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.first_id = d.first_id,
		.last_id = d.last_id,
	};
	int rc = d.relative ? to_totals(c, m, &d) : 0;
	delta.bids = d.bids;
	delta.asks = d.asks;
	if (rc == 0)
		rc = book_delta(&m->book, &delta);
	if (rc < 0) {
		depth_on_fault(c, m);
		return false;
	}
	m->fresh = false;
	if (c->again)
		return true;
	m->depth_at = c->now;
	c->count.depth_applied++;
	emit_delta(c, m, &delta, time);
	return true;
}

/* GAP: the book was lost. */
static enum venue_link link_and_apply(struct collector_core *c, struct market *m, const struct venue_depth *d,
				      int64_t time)
{
	enum venue_link link = c->set.venue->link(m->book.last_id, m->fresh, d);

	if (link == VENUE_LINK_OLD && !c->again)
		c->count.depth_dropped++;
	if (link == VENUE_LINK_NEXT && !apply(c, m, d, time))
		return VENUE_LINK_GAP;
	if (link == VENUE_LINK_GAP)
		depth_lose(c, m,
			   &(struct gap){.cause = gap_cause_sequence,
					 .first = m->book.last_id + 1,
					 .last = d->first_id > 0 ? d->first_id - 1 : 0},
			   "hole in update ids");
	return link;
}

/* ---- keeping updates until the snapshot comes ---- */

static int append_pending(struct market *m, const struct venue_depth *d, int64_t time)
{
	struct pending head = {
		.time = time,
		.first_id = d->first_id,
		.last_id = d->last_id,
		.prev_id = d->prev_id,
		.bids = d->bids.n,
		.asks = d->asks.n,
		.relative = d->relative,
	};
	size_t bids = d->bids.n * sizeof(struct level), asks = d->asks.n * sizeof(struct level);
	int rc = buf_reserve(&m->pending, sizeof(head) + bids + asks);

	if (rc == 0)
		rc = buf_append(&m->pending, &head, sizeof(head));
	if (rc == 0)
		rc = buf_append(&m->pending, d->bids.at, bids);
	return rc == 0 ? buf_append(&m->pending, d->asks.at, asks) : rc;
}

/* What was kept is of no use: the snapshot is waited for with nothing in hand. One that comes on the stream comes
 * whatever we hold; one that was asked for would be too old. */
static void keep_anew(struct collector_core *c, struct market *m)
{
	if (in_stream(c))
		drop_pending(m);
	else
		wait_for_snapshot(c, m, c->now);
}

static void keep(struct collector_core *c, struct market *m, const struct venue_depth *d, int64_t time)
{
	/* A hole among the updates kept: only what follows it can be of use. */
	if (m->pending_n > 0 && c->set.venue->link(m->pending_last, false, d) != VENUE_LINK_NEXT)
		keep_anew(c, m);
	if (m->pending_n >= c->set.pending_max || append_pending(m, d, time) < 0) {
		c->count.pending_overflows++;
		keep_anew(c, m);
		if (append_pending(m, d, time) < 0)
			return; /* larger than the bound: the next one is the first */
	}
	if (m->pending_n++ == 0) {
		m->pending_first = d->first_id;
		if (m->sync == SYNC_WAITING && m->failures == 0 && m->ask_at != CORE_NEVER && !in_stream(c)) {
			m->ask_at = m->ask_at < c->now ? m->ask_at : c->now;
			arm(c, m->ask_at);
		}
	}
	m->pending_last = d->last_id;
	if (m->pending_n > c->count.pending_high_water)
		c->count.pending_high_water = m->pending_n;
}

/* For the new snapshot of a live book. What cannot be kept ends the attempt, not the book. */
static void keep_for_renewal(struct collector_core *c, struct market *m, const struct venue_depth *d, int64_t time)
{
	if (m->pending_n >= c->set.pending_max || append_pending(m, d, time) < 0) {
		c->count.pending_overflows++;
		reach_later(c, m);
		return;
	}
	if (m->pending_n++ == 0)
		m->pending_first = d->first_id;
	m->pending_last = d->last_id;
}

static void on_live_update(struct collector_core *c, struct market *m, const struct venue_depth *d, int64_t time)
{
	enum venue_link link = link_and_apply(c, m, d, time);

	if (link == VENUE_LINK_GAP)
		keep(c, m, d, time);
	if (link != VENUE_LINK_NEXT)
		return;
	if (m->sync == SYNC_RENEWING)
		keep_for_renewal(c, m, d, time);
	judge(c, m);
	reach_look(c, m);
}

void depth_on_update(struct collector_core *c, struct market *m, const struct venue_depth *d, int64_t time)
{
	switch (m->sync) {
	case SYNC_OFF:
		break;
	case SYNC_WAITING:
	case SYNC_ASKED:
		keep(c, m, d, time);
		break;
	case SYNC_LIVE:
	case SYNC_RENEWING:
		on_live_update(c, m, d, time);
		break;
	}
}

/* Applies the updates kept; false where one does not follow. */
static bool apply_pending(struct collector_core *c, struct market *m)
{
	struct buf kept = m->pending;
	size_t at = 0;
	bool good = true;

	/* Taken out: losing the book clears m->pending. */
	buf_init(&m->pending, c->set.pending_bytes);
	m->pending_n = 0;
	while (good && at < kept.len) {
		struct pending head;
		memcpy(&head, kept.at + at, sizeof(head));
		struct level *bids = (struct level *)(void *)(kept.at + at + sizeof(head));
		struct venue_depth d = {
			.first_id = head.first_id,
			.last_id = head.last_id,
			.prev_id = head.prev_id,
			.relative = head.relative != 0,
			.bids = {bids, head.bids},
			.asks = {bids + head.bids, head.asks},
		};
		good = link_and_apply(c, m, &d, head.time) != VENUE_LINK_GAP;
		at += sizeof(head) + (head.bids + head.asks) * sizeof(struct level);
	}
	buf_fini(&kept);
	return good;
}

/* ---- snapshots ---- */

static int64_t worst(const struct levels *l, bool bids)
{
	int64_t worst = l->n > 0 ? l->at[0].price : 0;

	for (uint32_t i = 1; i < l->n; i++)
		if (bids ? l->at[i].price < worst : l->at[i].price > worst)
			worst = l->at[i].price;
	return worst;
}

static int64_t best(const struct levels *l, bool bids)
{
	return worst(l, !bids);
}

/* The book stays as it was where the snapshot is unusable. */
static int take(struct market *m, const struct venue_snapshot *s)
{
	struct ev_book_snapshot whole = {
		.last_id = s->last_id,
		.bid_floor = s->bids_cut ? worst(&s->bids, true) : 0,
		.ask_ceil = s->asks_cut ? worst(&s->asks, false) : 0,
		.bids = s->bids,
		.asks = s->asks,
	};

	if (s->bids.n > 0 && s->asks.n > 0 && best(&s->bids, true) >= best(&s->asks, false))
		return ERR_PROTOCOL;
	if (m->whole_floor > whole.bid_floor)
		whole.bid_floor = m->whole_floor;
	if (m->whole_ceil > 0 && (whole.ask_ceil == 0 || m->whole_ceil < whole.ask_ceil))
		whole.ask_ceil = m->whole_ceil;
	return book_snapshot(&m->book, &whole);
}

/* A new snapshot of a live book: what was applied since is applied to it again, without a word. */
static void renew(struct collector_core *c, struct market *m)
{
	c->count.renewals++;
	m->request = 0;
	m->ask_at = CORE_NEVER;
	c->again = true;
	bool good = apply_pending(c, m);
	c->again = false;
	if (!good)
		return;
	m->sync = SYNC_LIVE;
	reach_measure(m);
	reach_publish(c, m);
	judge(c, m);
}

static void go_live(struct collector_core *c, struct market *m)
{
	m->sync = SYNC_LIVE;
	m->seen = true;
	m->request = 0;
	m->ask_at = c->set.poll_ns > 0 ? after(c->now, c->set.poll_ns) : CORE_NEVER;
	arm(c, m->ask_at);
	m->depth_at = c->now;
	if (m->seal == NULL || m->seal->losses == 0) /* else its next hash tells */
		depth_trouble(c, m, NULL);
	ledger_on_snapshot(c, m);
	reach_measure(m);
	reach_publish(c, m);
	if (!apply_pending(c, m))
		return;
	judge(c, m);
	reach_look(c, m);
}

/* Is it older than what we could bring it up to date with? */
static bool is_old(const struct collector_core *c, const struct market *m, const struct venue_snapshot *s)
{
	if (in_stream(c))
		return false;
	if (m->pending_n > 0)
		return s->last_id < m->pending_first;
	return m->sync == SYNC_RENEWING && s->last_id < m->book.last_id;
}

void depth_on_snapshot(struct collector_core *c, struct market *m, const struct venue_snapshot *s)
{
	if (m->sync == SYNC_OFF)
		return;
	struct venue_snapshot counted = *s;
	if (c->set.poll_ns > 0) { /* polled ones have no place in a sequence */
		counted.last_id = c->count.snapshots + 1;
		s = &counted;
	}
	if (is_old(c, m, s)) {
		c->count.snapshots_old++;
		asks_failed(c, m);
		return;
	}
	if (take(m, s) < 0) {
		c->count.snapshots_bad++;
		asks_failed(c, m);
		return;
	}
	c->count.snapshots++;
	m->failures = 0;
	m->fresh = true;
	m->snapshot_at = c->now;
	if (m->sync == SYNC_RENEWING && c->set.poll_ns == 0)
		renew(c, m);
	else
		go_live(c, m);
}

/* ---- time ---- */

static bool can_go_stale(const struct market *m)
{
	return is_live(m) && (m->state == book_state_trusted || m->state == book_state_crossed);
}

int64_t depth_due(const struct collector_core *c, const struct market *m)
{
	int64_t due = CORE_NEVER;

	if (can_go_stale(m))
		due = after(m->depth_at, c->set.stale_ns);
	if (is_live(m) && m->state == book_state_crossed) {
		int64_t end = after(m->crossed_at, c->set.crossed_ns);
		due = end < due ? end : due;
	}
	if (m->seal != NULL && seal_due(m) < due)
		due = seal_due(m);
	return due;
}

void depth_on_timer(struct collector_core *c, struct market *m)
{
	if (m->seal != NULL)
		seal_on_timer(c, m);
	if (is_live(m) && m->state == book_state_crossed && c->now >= after(m->crossed_at, c->set.crossed_ns)) {
		depth_lose(c, m, &(struct gap){.cause = gap_cause_sequence}, "crossed for too long");
		return;
	}
	if (can_go_stale(m) && c->now >= after(m->depth_at, c->set.stale_ns)) {
		c->count.stale++;
		depth_announce(c, m, book_state_stale, "no update for too long");
	}
}
