/* save - the collector core's state as bytes, and back: it goes on as if nothing had happened.
 *
 * Everything that decides about later outputs is in it, the counters too. Settings are not: the
 * core it is loaded into is made with the same ones, and what must agree is checked.
 */
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/book_save.h"
#include "services/collector/state.h"

#define FORMAT 12

/* ---- one walk for both directions ----
 *
 * Each number that is saved is named once; `io` either packs it or replaces it. */
struct io {
	struct packer *p;   /* saving */
	struct unpacker *u; /* loading */
};

static void io_i64(struct io *io, int64_t *v)
{
	if (io->p != NULL)
		pack_i64(io->p, *v);
	else
		*v = unpack_i64(io->u);
}

static void io_u64(struct io *io, uint64_t *v)
{
	if (io->p != NULL)
		pack_u64(io->p, *v);
	else
		*v = unpack_u64(io->u);
}

static void io_u32(struct io *io, uint32_t *v)
{
	uint64_t wide = *v;

	io_u64(io, &wide);
	if (io->u != NULL && io->u->err == 0 && wide > UINT32_MAX)
		io->u->err = ERR_RANGE;
	*v = (uint32_t)wide;
}

static void io_u8(struct io *io, uint8_t *v)
{
	uint32_t wide = *v;

	io_u32(io, &wide);
	if (io->u != NULL && io->u->err == 0 && wide > UINT8_MAX)
		io->u->err = ERR_RANGE;
	*v = (uint8_t)wide;
}

static void io_flag(struct io *io, bool *v)
{
	if (io->p != NULL)
		pack_bool(io->p, *v);
	else
		*v = unpack_bool(io->u);
}

static void io_connection(struct io *io, struct connection *conn)
{
	io_flag(io, &conn->used);
	io_flag(io, &conn->up);
	io_flag(io, &conn->told);
	io_u8(io, &conn->state);
	io_u8(io, &conn->origin);
	io_u8(io, &conn->cause);
	io_i64(io, &conn->frame_at);
	io_i64(io, &conn->lost_at);
	io_i64(io, &conn->blind_from);
	io_i64(io, &conn->clock);
	io_i64(io, &conn->blind_clock);
	io_i64(io, &conn->candles_due);
	for (int i = 0; i < FEEDS_MAX; i++) {
		io_u32(io, &conn->feeds[i].feed);
		io_u64(io, &conn->feeds[i].seq);
	}
}

static void io_text(struct io *io, char *text, size_t cap)
{
	if (io->p != NULL)
		pack_str(io->p, text);
	else
		unpack_str(io->u, text, cap);
}

static void io_seal(struct io *io, struct seal *s)
{
	io_text(io, s->known.group, sizeof(s->known.group));
	io_text(io, s->known.tick, sizeof(s->known.tick));
	io_text(io, s->known.order_min, sizeof(s->known.order_min));
	io_text(io, s->known.last, sizeof(s->known.last));
	io_flag(io, &s->known.has_last);
	io_u8(io, &s->known.neg_risk);
	io_text(io, s->hash, sizeof(s->hash));
	io_i64(io, &s->time);
	io_i64(io, &s->doubt_at);
	io_i64(io, &s->met_at);
	io_flag(io, &s->overdue);
	io_u32(io, &s->losses);
	for (int i = 0; i < SEAL_LASTS; i++)
		io_text(io, s->lasts[i], sizeof(s->lasts[i]));
	for (int i = 0; i < SEAL_MOVED; i++)
		io_i64(io, &s->moved[i]);
	io_u32(io, &s->next_last);
	io_u32(io, &s->next_moved);
	s->next_last %= SEAL_LASTS;
	s->next_moved %= SEAL_MOVED;
}

static void io_blind(struct io *io, struct blind *b)
{
	io_flag(io, &b->open);
	io_u8(io, &b->cause);
	io_i64(io, &b->from);
	io_i64(io, &b->to);
	io_u64(io, &b->first);
	io_u64(io, &b->last);
}

static void io_holes(struct io *io, struct market *m)
{
	io_u32(io, &m->n_holes);
	if (m->n_holes > HOLES_MAX) {
		io->u->err = ERR_RANGE;
		m->n_holes = 0;
	}
	for (uint32_t i = 0; i < m->n_holes; i++) {
		struct hole *h = &m->hole[i];
		io_u8(io, &h->cause);
		io_i64(io, &h->from);
		io_i64(io, &h->to);
		io_u64(io, &h->first);
		io_u64(io, &h->last);
		io_u64(io, &h->next);
		io_u64(io, &h->got);
	}
	io_u32(io, &m->fill_failures);
	io_i64(io, &m->fill_at);
	io_i64(io, &m->fill_asked_at);
	io_u64(io, &m->fill_request);
}

/* What was said last, and when candles are asked for. */
static void io_told(struct io *io, struct market *m)
{
	io_u32(io, &m->ticker.said);
	for (int i = 0; i < VENUE_TICKER_VALUES; i++)
		io_i64(io, &m->ticker.value[i]);
	io_u32(io, &m->mark.said);
	for (int i = 0; i < VENUE_MARK_VALUES; i++)
		io_i64(io, &m->mark.value[i]);
	io_i64(io, &m->poll.end);
	io_i64(io, &m->poll.good_at);
	io_i64(io, &m->poll.failed_at);
	io_u32(io, &m->poll.failures);
	io_u32(io, &m->poll.empty);
}

static void io_polled(struct io *io, struct polled *p)
{
	io_flag(io, &p->begun);
	io_flag(io, &p->opened);
	io_i64(io, &p->live_from);
	io_i64(io, &p->newest);
	io_i64(io, &p->since);
	io_i64(io, &p->good_at);
	io_i64(io, &p->read_at);
	io_u32(io, &p->n_seen);
	if (p->n_seen > POLLED_SEEN) {
		io->u->err = ERR_RANGE;
		p->n_seen = 0;
	}
	for (uint32_t i = 0; i < p->n_seen; i++) {
		io_i64(io, &p->seen[i].at);
		io_u64(io, &p->seen[i].key);
	}
}

static void io_market(struct io *io, struct market *m)
{
	uint8_t sync = (uint8_t)m->sync;

	io_u8(io, &m->venue.price_scale);
	io_u8(io, &m->venue.qty_scale);
	io_u8(io, &m->price_scale_min);
	io_u8(io, &m->qty_scale_min);
	io_flag(io, &m->described);
	io_u8(io, &sync);
	io_u8(io, &m->state);
	io_flag(io, &m->fresh);
	io_flag(io, &m->seen);
	io_flag(io, &m->troubled);
	io_u32(io, &m->sid);
	io_u32(io, &m->pending_n);
	io_u64(io, &m->pending_first);
	io_u64(io, &m->pending_last);
	io_i64(io, &m->ask_at);
	io_i64(io, &m->asked_at);
	io_u64(io, &m->request);
	io_i64(io, &m->klines_at);
	io_i64(io, &m->klines_asked_at);
	io_u64(io, &m->klines_request);
	io_i64(io, &m->kline_open_at);
	io_u32(io, &m->failures);
	io_i64(io, &m->depth_at);
	io_i64(io, &m->crossed_at);
	io_blind(io, &m->blind);
	io_blind(io, &m->trade_blind);
	io_blind(io, &m->kline_blind);
	io_i64(io, &m->own.bid);
	io_i64(io, &m->own.ask);
	io_i64(io, &m->told.bid);
	io_i64(io, &m->told.ask);
	io_i64(io, &m->snapshot_at);
	io_u64(io, &m->trade_id);
	io_i64(io, &m->trade_at);
	io_i64(io, &m->trade_time);
	io_i64(io, &m->trade_price);
	io_flag(io, &m->trade_broken);
	io_holes(io, m);
	io_u64(io, &m->top_id);
	io_told(io, m);
	io_flag(io, &m->resolved);
	io_i64(io, &m->pays);
	if (m->seal != NULL)
		io_seal(io, m->seal);
	if (m->polled != NULL)
		io_polled(io, m->polled);
	m->sync = (enum sync)sync;
}

/* How it stands to its connections. */
static void io_place(struct io *io, struct market *m)
{
	io_u8(io, &m->join);
	if (m->join == JOIN_NONE)
		return;
	io_text(io, m->venue.raw, sizeof(m->venue.raw));
	io_flag(io, &m->came);
	io_flag(io, &m->named);
	io_i64(io, &m->came_at);
	io_u64(io, &m->version);
	io_u32(io, &m->streams);
	io_u32(io, &m->carried);
	for (int i = 0; i < STREAM_BITS; i++)
		io_u32(io, &m->connection[i]);
}

static void io_core(struct io *io, struct collector_core *c)
{
	io_i64(io, &c->now);
	io_i64(io, &c->since);
	io_u64(io, &c->requests);
	io_i64(io, &c->ask_clock);
	io_i64(io, &c->ask_pace_ns);
	io_u32(io, &c->ask_burst);
	io_i64(io, &c->blocked_until);
	io_i64(io, &c->describe_at);
	io_i64(io, &c->described_at);
	io_u64(io, &c->describe_request);
	io_u32(io, &c->describe_failures);
	io_i64(io, &c->polled_at);
	io_u32(io, &c->describe_first);
	io_u32(io, &c->describe_next);
	io_flag(io, &c->describe_closed);
	io_u64(io, &c->version);
	io_i64(io, &c->join_at);
	io_i64(io, &c->settle_at);
	io_i64(io, &c->join_asked_at);
	io_u64(io, &c->join_request);
	io_u32(io, &c->join_failures);
	for (size_t i = 0; i < sizeof(c->count) / sizeof(uint64_t); i++)
		io_u64(io, (uint64_t *)&c->count + i);
}

_Static_assert(sizeof(struct collector_counters) % sizeof(uint64_t) == 0, "counters are walked as uint64_t");

/* ---- saving ---- */

static void save_market(struct packer *p, struct market *m)
{
	struct io io = {.p = p};
	struct event instrument;

	io_place(&io, m);
	if (!is_used(m))
		return;
	io_market(&io, m);
	event_init(&instrument, EVENT_instrument);
	instrument.instrument = m->instrument;
	pack_event(p, &instrument);
	pack_bin(p, m->pending.at, m->pending.len);
	book_save(&m->book, p);
	candles_save(&m->candles, p);
}

int collector_core_save(const struct collector_core *c, struct buf *out)
{
	struct packer p = {.out = out};
	struct io io = {.p = &p};
	/* The walk reads only while it packs. */
	struct collector_core *walked = (struct collector_core *)(uintptr_t)c;

	pack_u64(&p, FORMAT);
	pack_str(&p, c->set.venue->name);
	pack_u64(&p, c->set.n_markets);
	pack_bool(&p, c->page != NULL); /* trades are polled: more is kept of each market */
	io_core(&io, walked);
	for (int i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++)
		io_connection(&io, &walked->connections[i]);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		save_market(&p, &walked->markets[i]);
	return p.err;
}

/* ---- loading ---- */

/* The kept updates as bytes: their lengths must add up. */
static bool is_pending_sound(const struct market *m)
{
	size_t at = 0;
	uint32_t n = 0;

	for (; at + sizeof(struct pending) <= m->pending.len; n++) {
		struct pending head;
		memcpy(&head, m->pending.at + at, sizeof(head));
		if (head.bids > m->pending.len || head.asks > m->pending.len)
			return false;
		at += sizeof(head) + ((size_t)head.bids + head.asks) * sizeof(struct level);
	}
	return at == m->pending.len && n == m->pending_n;
}

static bool is_market_sound(const struct market *m)
{
	return m->venue.price_scale <= FIXED_SCALE_MAX && m->venue.qty_scale <= FIXED_SCALE_MAX &&
	       m->sync <= SYNC_RENEWING && m->state <= book_state_untrusted && is_pending_sound(m);
}

static bool is_place_sound(const struct market *m)
{
	for (int i = 0; i < STREAM_BITS; i++) {
		bool on = m->connection[i] < COLLECTOR_CONNECTIONS_MAX, wanted = (m->streams >> i & 1) != 0;
		if ((on && !wanted) || (!on && m->connection[i] != NO_CONNECTION) ||
		    (wanted && !on && m->join != JOIN_LEAVING))
			return false;
	}
	return m->join <= JOIN_LEAVING && m->streams >> STREAM_BITS == 0 && (m->carried & ~m->streams) == 0;
}

static bool is_as_set(const struct market *m, const struct market *was)
{
	return was->join == JOIN_READY && !was->came && strcmp(was->venue.raw, m->venue.raw) == 0 &&
	       memcmp(was->connection, m->connection, sizeof(was->connection)) == 0;
}

/* The settings' markets are as they were; those that came are made anew. */
static int load_place(struct collector_core *c, struct unpacker *u, uint32_t slot)
{
	struct io io = {.u = u};
	struct market *m = &c->markets[slot], was = {.join = JOIN_NONE};

	io_place(&io, &was);
	if (u->err != 0)
		return u->err;
	if (slot < c->n_fixed) {
		m->named = was.named;
		return is_as_set(m, &was) ? 0 : ERR_DIFFERS;
	}
	if (was.join == JOIN_NONE)
		return 0;
	if (!is_place_sound(&was))
		return ERR_CORRUPT;
	if (!was.came)
		return ERR_DIFFERS;
	size_t len = strlen(was.venue.raw);
	int rc = 0;
	if (was.join == JOIN_LEAVING)
		rc = venue_market_init(c->set.venue, was.venue.raw, len, &m->venue);
	else if (strmap_get(&c->by_name, was.venue.raw, len) != NULL)
		rc = ERR_CORRUPT;
	else
		rc = table_make(c, was.venue.raw, slot);
	if (rc < 0)
		return rc;
	m->join = was.join;
	m->came = was.came;
	m->named = was.named;
	m->came_at = was.came_at;
	m->version = was.version;
	m->streams = was.streams;
	m->carried = was.carried;
	memcpy(m->connection, was.connection, sizeof(was.connection));
	return 0;
}

static int load_market(struct collector_core *c, struct unpacker *u, uint32_t slot)
{
	struct market *m = &c->markets[slot];
	struct io io = {.u = u};
	struct event instrument;
	int rc = load_place(c, u, slot);

	if (rc < 0 || !is_used(m))
		return rc;
	io_market(&io, m);
	event_init(&instrument, EVENT_instrument);
	unpack_event(u, NULL, &instrument);
	if (u->err == 0 && instrument.id != EVENT_instrument)
		return ERR_CORRUPT;
	m->instrument = instrument.instrument;
	struct blob pending = unpack_bin(u);
	buf_clear(&m->pending);
	if (u->err == 0)
		u->err = buf_append(&m->pending, pending.at, pending.n);
	if (u->err != 0)
		return u->err;
	rc = book_load(&m->book, u);
	if (rc == 0)
		rc = candles_load(&m->candles, u);
	if (rc == 0 && !is_market_sound(m))
		return ERR_CORRUPT;
	return rc;
}

int collector_core_load(struct collector_core *c, const uint8_t *at, size_t len)
{
	struct unpacker u = {.at = at, .end = at + len};
	struct io io = {.u = &u};
	char venue[SYMBOL_VENUE_MAX + 1] = "";
	uint64_t slots;
	int rc = 0;

	if (unpack_u64(&u) != FORMAT)
		return u.err != 0 ? u.err : ERR_DIFFERS;
	unpack_str(&u, venue, sizeof(venue));
	slots = unpack_u64(&u);
	bool polled = unpack_bool(&u);
	if (strcmp(venue, c->set.venue->name) != 0 || slots < c->n_fixed || slots > c->n_slots ||
	    polled != (c->page != NULL))
		return u.err != 0 ? u.err : ERR_DIFFERS;
	c->set.n_markets = (uint32_t)slots;
	io_core(&io, c);
	for (int i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++)
		io_connection(&io, &c->connections[i]);
	for (uint32_t i = 0; rc == 0 && i < c->set.n_markets; i++)
		rc = load_market(c, &u, i);
	if (rc == 0 && (u.err != 0 || u.at != u.end))
		rc = u.err != 0 ? u.err : ERR_TRAILING;
	c->due = c->now; /* the first look at the timers finds the true time */
	return rc;
}
