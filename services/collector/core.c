/* core - the collector's core: connections, dispatch of decoded messages, timers.
 *
 * A connection, as feed_state tells of it:
 *     (none) --connecting--> CONNECTING --open, then its first data--> LIVE
 *     LIVE --no frame for silence_ns (check_silence)--> SILENT --data (alive)--> LIVE
 *     any --lost, refused, ended (close_connection)--> LOST, REFUSED, ENDED
 *     LOST, REFUSED, ENDED --connecting--> CONNECTING
 * The first data after a loss or a silence closes the blind period: one gap for all its
 * instruments.
 */
#include "services/collector/core.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL

/* ---- emitting ---- */

/* Of the frame's connection; without one of the first that carries the market. */
static uint8_t origin_of(const struct collector_core *c, const struct market *m)
{
	if (c->from != NULL)
		return c->from->origin;
	for (int i = 0; m != NULL && i < STREAM_BITS; i++)
		if (m->connection[i] != NO_CONNECTION)
			return c->connections[m->connection[i]].origin;
	return c->set.origin;
}

struct event *begin(struct collector_core *c, uint16_t id, const struct market *m, int64_t ts_event)
{
	struct event *ev = &c->ev;

	event_init(ev, id);
	ev->origin = origin_of(c, m);
	ev->ts_recv = c->now;
	ev->ts_event = ts_event != 0 ? ts_event : c->now;
	return ev;
}

void emit(struct collector_core *c)
{
	c->count.events++;
	sink_emit(c->out, &c->ev);
}

void emit_gap(struct collector_core *c, const struct gap *g)
{
	struct event *ev = begin(c, EVENT_gap, g->market, 0);

	if (g->market != NULL)
		ev->gap.instrument = g->market->venue.symbol;
	event_set_name(ev->gap.stream, g->stream);
	ev->gap.cause = (uint8_t)g->cause;
	ev->gap.repair = (uint8_t)g->repair;
	ev->gap.from = g->from;
	ev->gap.to = c->now;
	ev->gap.first_missing = g->first;
	ev->gap.last_missing = g->last;
	emit(c);
}

static uint32_t number_of(const struct collector_core *c, const struct connection *conn)
{
	return (uint32_t)(conn - c->connections);
}

static void announce_feed(struct collector_core *c, struct connection *conn, enum feed state, const char *reason)
{
	if (conn->state == state && state != feed_refused)
		return;
	struct event *ev = begin(c, EVENT_feed_state, NULL, 0);
	ev->origin = conn->origin;
	event_set_name(ev->feed_state.venue, c->set.venue->name);
	ev->feed_state.connection = number_of(c, conn);
	ev->feed_state.state = (uint8_t)state;
	ev->feed_state.before = conn->state;
	if (state == feed_live && conn->lost_at != 0)
		ev->feed_state.outage = c->now - conn->lost_at;
	event_set_text(ev->feed_state.reason, reason != NULL ? reason : "");
	conn->state = (uint8_t)state;
	emit(c);
}

/* ---- who is where ---- */

static int bit_index(enum venue_stream stream)
{
	return __builtin_ctz((unsigned)stream);
}

struct connection *connection_of(struct collector_core *c, const struct market *m, enum venue_stream stream)
{
	uint32_t n = m->connection[bit_index(stream)];
	return n != NO_CONNECTION ? &c->connections[n] : NULL;
}

bool is_on(const struct market *m, enum venue_stream stream, const struct collector_core *c,
	   const struct connection *conn)
{
	return m->connection[bit_index(stream)] == number_of(c, conn);
}

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	struct collector_core *c = ctx;
	const struct venue_market *last = c->found;

	/* Frames of one market come in runs. */
	if (last != NULL && c->found_len == len && memcmp(last->raw, raw, len) == 0)
		return last;
	const uint32_t *index = strmap_get(&c->by_name, raw, len);
	if (index == NULL)
		return NULL;
	c->found = &c->markets[*index].venue;
	c->found_len = len;
	return c->found;
}

static struct market *market_of(struct collector_core *c, const struct venue_market *v)
{
	/* venue is the first member of its market */
	return v != NULL ? &c->markets[((const struct market *)(const void *)v)->index] : NULL;
}

/* ---- connections ---- */

/* Marks the candles that the blind period touched, once the venue's clock is known again. */
static void mark_candles(struct collector_core *c, struct connection *conn, int64_t to)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_TRADE_STREAM, c, conn))
			candles_on_gap(&c->markets[i].candles, conn->blind_clock, to);
	conn->blind_clock = 0;
}

/* Data has come: the feed is live, and what was blind no longer is. */
static void alive(struct collector_core *c, struct connection *conn)
{
	if (conn->state == feed_live)
		return;
	announce_feed(c, conn, feed_live, NULL);
	if (conn->cause != 0)
		emit_gap(c, &(struct gap){.stream = "all",
					  .cause = (enum gap_cause)conn->cause,
					  .repair = repair_nothing,
					  .from = conn->blind_from});
	conn->cause = 0;
	conn->lost_at = 0;
}

static void go_blind(struct collector_core *c, struct connection *conn, enum gap_cause cause)
{
	if (conn->lost_at == 0)
		conn->lost_at = c->now;
	if (conn->cause != 0 || conn->state != feed_live)
		return;
	conn->cause = (uint8_t)cause;
	conn->blind_from = conn->frame_at;
	conn->blind_clock = conn->clock;
}

static void stop_books(struct collector_core *c, const struct connection *conn, const char *reason)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_DEPTH_STREAM, c, conn))
			depth_stop(c, &c->markets[i], reason);
}

static void close_connection(struct collector_core *c, struct connection *conn, const struct collector_change *change)
{
	enum feed state = change->state;

	if (conn->up) {
		go_blind(c, conn, change->restart ? gap_cause_restart : gap_cause_disconnect);
		c->count.disconnects += state != feed_ended;
		stop_books(c, conn, state == feed_ended ? "recording ended" : "connection lost");
	}
	conn->up = false;
	tape_forget(c, conn);
	memset(conn->feeds, 0, sizeof(conn->feeds));
	announce_feed(c, conn, state, change->reason);
}

static void open_connection(struct collector_core *c, struct connection *conn)
{
	if (conn->up) { /* nobody said that it had gone: we were not there */
		go_blind(c, conn, gap_cause_restart);
		stop_books(c, conn, "restarted");
		announce_feed(c, conn, feed_connecting, NULL);
	}
	conn->up = true;
	conn->frame_at = c->now;
	arm(c, after(c->now, c->set.silence_ns));
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_DEPTH_STREAM, c, conn))
			depth_start(c, &c->markets[i]);
	for (uint32_t i = 0; c->set.klines_limit > 0 && i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_KLINE_STREAM, c, conn))
			asks_klines(c, &c->markets[i]);
}

void reconnect_for(struct collector_core *c, const struct market *m, enum venue_stream stream, const char *reason)
{
	c->actions.reconnect(c->actions.ctx, m->connection[bit_index(stream)], reason);
}

static void check_silence(struct collector_core *c, struct connection *conn)
{
	if (!conn->up || conn->state == feed_silent || c->now < after(conn->frame_at, c->set.silence_ns))
		return;
	c->count.silences++;
	go_blind(c, conn, gap_cause_silence);
	announce_feed(c, conn, feed_silent, "no frame for too long");
	c->actions.reconnect(c->actions.ctx, number_of(c, conn), "silent");
}

/* ---- messages ---- */

/* Sequences that span a subscription: a hole puts every book of the connection in doubt. */
static void check_feed(struct collector_core *c, const struct venue_message *m)
{
	struct feed_seq *slot = NULL;

	for (int i = 0; i < FEEDS_MAX && slot == NULL; i++)
		if (c->from->feeds[i].seq == 0 || c->from->feeds[i].feed == m->feed)
			slot = &c->from->feeds[i];
	if (slot == NULL)
		return; /* more subscriptions than we ever make */
	uint64_t before = slot->seq;
	*slot = (struct feed_seq){m->feed, m->feed_seq};
	if (before == 0 || m->feed_seq == before || m->feed_seq == before + 1)
		return;
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_DEPTH_STREAM, c, c->from))
			depth_lose(c, &c->markets[i],
				   &(struct gap){
					   .cause = gap_cause_sequence, .first = before + 1, .last = m->feed_seq - 1},
				   "hole in the feed");
}

static void on_notice(struct collector_core *c, const struct venue_notice *n)
{
	if (c->from == NULL)
		return;
	if (n->kind == VENUE_NOTICE_SHUTDOWN)
		c->actions.reconnect(c->actions.ctx, number_of(c, c->from), "the venue shuts down");
	if (n->kind != VENUE_NOTICE_REFUSED)
		return;
	c->count.refusals++;
	announce_feed(c, c->from, feed_refused, n->text);
}

static void dispatch(struct collector_core *c, struct market *market, const struct venue_message *m)
{
	switch (m->kind) {
	case VENUE_DEPTH:
		depth_on_update(c, market, &m->depth, m->time);
		break;
	case VENUE_SNAPSHOT:
		depth_on_snapshot(c, market, &m->snapshot);
		break;
	case VENUE_TRADE:
		tape_on_trade(c, market, m);
		break;
	case VENUE_TOP:
		tape_on_top(c, market, m);
		break;
	case VENUE_KLINE:
		tape_on_kline(c, market, m);
		break;
	case VENUE_TICKER:
		tape_on_ticker(c, market, m);
		break;
	case VENUE_MARK:
		tape_on_mark(c, market, m);
		break;
	case VENUE_LIQUIDATION:
		tape_on_liquidation(c, market, m);
		break;
	case VENUE_INSTRUMENT:
		tape_on_instrument(c, market, m->instrument);
		break;
	default:
		break;
	}
}

static void on_message(void *ctx, const struct venue_message *m)
{
	struct collector_core *c = ctx;
	struct market *market = market_of(c, m->market);

	c->count.ignored += m->kind == VENUE_IGNORED;
	c->count.unknown += m->kind == VENUE_UNKNOWN;
	if (m->kind == VENUE_LIMIT)
		asks_on_limit(c, &m->limit);
	if (m->kind == VENUE_NOTICE)
		on_notice(c, &m->notice);
	if (market == NULL)
		return;
	if (c->from != NULL && m->kind <= VENUE_LIQUIDATION) {
		alive(c, c->from);
		if (m->time > 0 && c->from->blind_clock != 0)
			mark_candles(c, c->from, m->time);
		if (m->feed_seq != 0)
			check_feed(c, m);
	}
	dispatch(c, market, m);
	if (c->from != NULL && m->time > 0)
		tape_on_clock(c, c->from, m->time);
}

struct venue_output output_of(struct collector_core *c)
{
	return (struct venue_output){
		.ctx = c,
		.find = find,
		.message = on_message,
		.levels = c->levels,
		.levels_max = c->levels_max,
	};
}

int decode(struct collector_core *c, struct venue_input *in, struct venue_fault *ret_fault)
{
	struct venue_output out = output_of(c);
	int rc = c->set.venue->decode(in, &out);

	if (rc == ERR_INEXACT && out.fault.market != NULL && widen_for(c, market_of(c, out.fault.market), in)) {
		out = output_of(c);
		rc = c->set.venue->decode(in, &out);
	}
	*ret_fault = out.fault;
	return rc;
}

/* A frame that could not be read: whatever it was about is no longer sure. */
static void on_fault(struct collector_core *c, int rc, const struct venue_fault *fault)
{
	struct market *m = market_of(c, fault->market);

	c->count.malformed++;
	if (rc == ERR_INEXACT || rc == ERR_RANGE) {
		c->count.misfits++;
		asks_on_misfit(c);
	}
	if (m == NULL)
		return;
	if (fault->kind == VENUE_DEPTH || fault->kind == VENUE_SNAPSHOT || fault->kind == VENUE_UNKNOWN)
		depth_on_fault(c, m);
	if (fault->kind == VENUE_TRADE || fault->kind == VENUE_UNKNOWN)
		tape_on_fault(c, m);
}

/* ---- inputs ---- */

/* Runs the timers that were due before an input. */
static void enter(struct collector_core *c, int64_t now, const struct sink *out)
{
	while (c->due < now)
		collector_core_on_timer(c, c->due, out);
	c->now = now > c->now ? now : c->now;
	c->out = out;
}

static void leave(struct collector_core *c)
{
	c->from = NULL;
	if (c->due <= c->now) /* whatever wants to be sent has armed the timer */
		asks_pump(c);
	c->out = NULL;
}

void collector_core_on_frame(struct collector_core *c, const struct collector_frame *f, const struct sink *out)
{
	must(f->connection < COLLECTOR_CONNECTIONS_MAX);
	struct connection *conn = &c->connections[f->connection];
	struct venue_input in = {.text = f->text, .len = f->len};
	struct venue_fault fault;

	enter(c, f->now, out);
	c->from = conn;
	if (!conn->up)
		open_connection(c, conn);
	c->count.frames++;
	c->count.bytes += f->len;
	int rc = decode(c, &in, &fault);
	if (rc < 0)
		on_fault(c, rc, &fault);
	conn->frame_at = c->now;
	leave(c);
}

void collector_core_on_reply(struct collector_core *c, const struct collector_reply *r, const struct sink *out)
{
	enter(c, r->now, out);
	asks_on_reply(c, r);
	leave(c);
}

void collector_core_on_connection(struct collector_core *c, const struct collector_change *change,
				  const struct sink *out)
{
	must(change->connection < COLLECTOR_CONNECTIONS_MAX);
	struct connection *conn = &c->connections[change->connection];

	enter(c, change->now, out);
	c->from = conn;
	switch (change->state) {
	case feed_connecting:
		if (conn->up)
			close_connection(
				c, conn,
				&(struct collector_change){.state = feed_lost, .reason = "restarted", .restart = true});
		announce_feed(c, conn, feed_connecting, change->reason);
		break;
	case feed_live:
		open_connection(c, conn);
		break;
	case feed_lost:
	case feed_refused:
	case feed_ended:
		close_connection(c, conn, change);
		break;
	default:
		break;
	}
	leave(c);
}

void collector_core_start(struct collector_core *c, int64_t now, const struct sink *out)
{
	enter(c, now, out);
	asks_describe(c, now);
	leave(c);
}

/* ---- timers ---- */

static void find_due(struct collector_core *c)
{
	c->due = asks_due(c);
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		const struct connection *conn = &c->connections[i];
		if (conn->up && conn->state != feed_silent)
			arm(c, after(conn->frame_at, c->set.silence_ns));
	}
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		arm(c, depth_due(c, &c->markets[i]));
}

int64_t collector_core_next_due(const struct collector_core *c)
{
	return c->due;
}

void collector_core_on_timer(struct collector_core *c, int64_t due, const struct sink *out)
{
	c->now = due > c->now ? due : c->now;
	c->out = out;
	c->due = CORE_NEVER;
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++)
		check_silence(c, &c->connections[i]);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		depth_on_timer(c, &c->markets[i]);
	asks_on_timer(c);
	asks_pump(c);
	c->out = NULL;
	find_due(c);
	must(c->due > c->now);
}

/* ---- making and asking ---- */

void collector_core_defaults(struct collector_core_settings *s, const struct venue *venue)
{
	*s = (struct collector_core_settings){
		.venue = venue,
		.origin = origin_live,
		.intervals = {SECOND, 60 * SECOND},
		.n_intervals = 2,
		.candle_grace_ns = CANDLE_GRACE_NS,
		.book_levels = 5000,
		.snapshot_limit = 1000,
		.publish_levels = 1000,
		.pending_max = 1000,
		.pending_bytes = 1 << 20,
		.stale_ns = 5 * SECOND,
		.crossed_ns = SECOND,
		.silence_ns = venue->silence_ns,
		.first_ns = SECOND,
		.reply_ns = 10 * SECOND,
		.ask_pace_ns = SECOND,
		.ask_burst = 5,
		.describe_ns = 3600 * SECOND,
	};
}

static bool settings_make_sense(const struct collector_core_settings *s)
{
	/* 18 bytes are the most that a level can take, so 1,800 a side always fit a packed event.
	 */
	bool levels = s->book_levels > 0 && s->book_levels <= 100000 && s->snapshot_limit > 0 &&
		      s->snapshot_limit <= s->book_levels && s->publish_levels > 0 && s->publish_levels <= 1800;
	bool times = s->stale_ns > 0 && s->crossed_ns > 0 && s->silence_ns > 0 && s->first_ns >= 0 && s->reply_ns > 0 &&
		     s->ask_pace_ns >= 0 && s->describe_ns >= 0;

	return s->venue != NULL && levels && times && s->ask_burst > 0 && s->pending_max > 0 && s->n_markets > 0 &&
	       s->n_markets <= COLLECTOR_MARKETS_MAX;
}

static int market_init(struct collector_core *c, const struct collector_market *row, struct market **ret_market)
{
	const uint32_t *known = strmap_get(&c->by_name, row->raw, strlen(row->raw));

	if (known != NULL) {
		*ret_market = &c->markets[*known];
		return 0;
	}
	struct market *m = &c->markets[c->set.n_markets];
	int rc = venue_market_init(c->set.venue, row->raw, strlen(row->raw), &m->venue);
	if (rc == 0)
		rc = candles_init(&m->candles, c->set.intervals, c->set.n_intervals, c->set.candle_grace_ns);
	if (rc == 0)
		rc = book_init(&m->book, c->set.book_levels);
	if (rc < 0)
		return rc;
	uint32_t *index = strmap_put(&c->by_name, row->raw, strlen(row->raw));
	must(index != NULL);
	*index = m->index = c->set.n_markets++;
	candles_rescale(&m->candles, m->venue.price_scale, m->venue.qty_scale);
	buf_init(&m->pending, c->set.pending_bytes);
	m->ask_at = m->klines_at = CORE_NEVER;
	for (int i = 0; i < STREAM_BITS; i++)
		m->connection[i] = NO_CONNECTION;
	*ret_market = m;
	return 0;
}

static int add_market(struct collector_core *c, const struct collector_market *row)
{
	struct market *m;

	if (row->raw == NULL || row->connection >= COLLECTOR_CONNECTIONS_MAX || row->streams == 0 ||
	    (row->streams & ~c->set.venue->streams) != 0)
		return ERR_ARG;
	int rc = market_init(c, row, &m);
	if (rc < 0)
		return rc;
	for (int i = 0; i < STREAM_BITS; i++) {
		if (!(row->streams & 1u << i))
			continue;
		if (m->connection[i] != NO_CONNECTION)
			return ERR_ARG;
		m->connection[i] = row->connection;
	}
	c->connections[row->connection].used = true;
	return 0;
}

static int init(struct collector_core *c, const struct collector_core_settings *s)
{
	c->markets = calloc(s->n_markets, sizeof(*c->markets));
	c->levels_max = s->book_levels + 1; /* one more than fits shows that it does not */
	c->levels = calloc(2 * (size_t)c->levels_max, sizeof(*c->levels));
	c->scratch = calloc(2 * (size_t)s->publish_levels, sizeof(*c->scratch));
	if (c->markets == NULL || c->levels == NULL || c->scratch == NULL)
		return ERR_NOMEM;
	int rc = strmap_init(&c->by_name, s->n_markets, sizeof(uint32_t));
	for (uint32_t i = 0; rc == 0 && i < s->n_markets; i++)
		rc = add_market(c, &s->markets[i]);
	return rc;
}

int collector_core_new(const struct collector_core_settings *s, const struct collector_actions *actions,
		       struct collector_core **ret_core)
{
	if (!settings_make_sense(s))
		return ERR_ARG;
	struct collector_core *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_NOMEM;
	c->set = *s;
	c->set.markets = NULL;
	c->set.n_markets = 0; /* counts the markets made */
	c->actions = *actions;
	c->due = CORE_NEVER;
	c->describe_at = CORE_NEVER;
	c->ask_pace_ns = s->ask_pace_ns;
	c->ask_burst = s->ask_burst;
	buf_init(&c->path, 1 << 16);
	for (int i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		c->connections[i].origin = s->origin;
		c->connections[i].candles_due = INT64_MAX;
	}
	int rc = init(c, s);
	if (rc < 0)
		collector_core_free(c);
	else
		*ret_core = c;
	return rc;
}

void collector_core_free(struct collector_core *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		book_fini(&c->markets[i].book);
		buf_fini(&c->markets[i].pending);
	}
	strmap_fini(&c->by_name);
	buf_fini(&c->path);
	free(c->markets);
	free(c->levels);
	free(c->scratch);
	free(c);
}

bool collector_core_described(const struct collector_core *c)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (!c->markets[i].described)
			return false;
	return true;
}

void collector_core_origin(struct collector_core *c, uint32_t connection, enum origin origin)
{
	must(connection < COLLECTOR_CONNECTIONS_MAX);
	c->connections[connection].origin = (uint8_t)origin;
}

void collector_core_dump(struct collector_core *c, const struct sink *out)
{
	c->out = out;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		c->from = connection_of(c, m, VENUE_DEPTH_STREAM);
		if (m->described)
			tape_emit_instrument(c, m);
		if (c->from == NULL || m->state == 0)
			continue;
		if (is_live(m))
			reach_emit_snapshot(c, m);
		depth_repeat_state(c, m);
	}
	c->from = NULL;
	c->out = NULL;
}

const struct collector_counters *collector_core_counters(const struct collector_core *c)
{
	return &c->count;
}

void collector_core_feed(const struct collector_core *c, uint32_t connection, const struct venue_market **markets,
			 struct venue_feed *ret_feed)
{
	struct venue_feed feed = {.markets = markets};

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		uint32_t streams = 0;
		for (int bit = 0; bit < STREAM_BITS; bit++)
			if (c->markets[i].connection[bit] == connection)
				streams |= 1u << bit;
		if (streams != 0)
			markets[feed.n++] = &c->markets[i].venue;
		feed.streams |= streams;
	}
	*ret_feed = feed;
}

const struct book *collector_core_book(const struct collector_core *c, const char *raw, enum book_state *ret_state)
{
	const uint32_t *index = strmap_get(&c->by_name, raw, strlen(raw));

	if (index == NULL)
		return NULL;
	*ret_state = (enum book_state)c->markets[*index].state;
	return &c->markets[*index].book;
}
