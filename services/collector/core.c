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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/collector/state.h"

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

static uint32_t number_of(const struct collector_core *c, const struct connection *conn)
{
	return (uint32_t)(conn - c->connections);
}

void core_feed(struct collector_core *c, struct connection *conn, enum feed state, const char *reason)
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
	return (m->carried & (uint32_t)stream) != 0 && m->connection[bit_index(stream)] == number_of(c, conn);
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
	core_feed(c, conn, feed_live, NULL);
	ledger_see(c, conn);
}

void feed_heard(struct collector_core *c, const struct market *m, enum venue_stream stream)
{
	struct connection *conn = connection_of(c, m, stream);

	if (conn == NULL)
		return;
	conn->frame_at = c->now;
	alive(c, conn);
}

/* And what else is asked for. */
static void stop_books(struct collector_core *c, const struct connection *conn, const char *reason)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_DEPTH_STREAM, c, conn))
			depth_stop(c, &c->markets[i], reason);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_TRADE_STREAM, c, conn))
			polled_stop(&c->markets[i]);
}

void close_connection(struct collector_core *c, struct connection *conn, const struct collector_change *change)
{
	enum feed state = change->state;

	if (conn->up) {
		if (state != feed_ended)
			ledger_go_blind(c, conn, change->cause != 0 ? change->cause : gap_cause_disconnect);
		c->count.disconnects += state != feed_ended;
		stop_books(c, conn, state == feed_ended ? "recording ended" : "connection lost");
	}
	conn->up = false;
	tape_forget(c, conn);
	memset(conn->feeds, 0, sizeof(conn->feeds));
	ledger_lose_streams(c, conn);
	core_feed(c, conn, state, change->reason);
}

static void open_connection(struct collector_core *c, struct connection *conn, uint64_t version)
{
	if (conn->up) { /* nobody said that it had gone: we were not there */
		ledger_go_blind(c, conn, gap_cause_restart);
		ledger_lose_streams(c, conn);
		stop_books(c, conn, "restarted");
		core_feed(c, conn, feed_connecting, NULL);
	}
	conn->up = true;
	conn->frame_at = c->now;
	arm(c, after(c->now, c->set.silence_ns));
	table_on_open(c, conn, version);
	answers_expect(c, conn);
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
	ledger_go_blind(c, conn, gap_cause_silence);
	core_feed(c, conn, feed_silent, "no frame for too long");
	c->actions.reconnect(c->actions.ctx, number_of(c, conn), "silent");
}

/* ---- messages ---- */

static struct feed_seq *slot_of(struct connection *conn, uint32_t feed)
{
	for (int i = 0; i < FEEDS_MAX; i++)
		if (conn->feeds[i].seq == 0 || conn->feeds[i].feed == feed)
			return &conn->feeds[i];
	return NULL;
}

/* Which streams a subscription carries shows in what has come of it: books, or else what passes. */
static void lose_feed(struct collector_core *c, uint32_t feed, const struct gap *g)
{
	bool books = false;

	c->count.feed_gaps++;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (!is_on(m, VENUE_DEPTH_STREAM, c, c->from) || m->sid != feed)
			continue;
		depth_lose(c, m, g, "hole in the feed");
		books = true;
	}
	for (uint32_t i = 0; !books && i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_TRADE_STREAM, c, c->from))
			tape_on_fault(c, &c->markets[i]);
}

/* Sequences that span a subscription: a hole puts everything of it in doubt. */
static void check_feed(struct collector_core *c, const struct venue_message *m)
{
	struct feed_seq *slot = slot_of(c->from, m->feed);

	if (slot == NULL) { /* one that cannot be watched must not be trusted */
		c->actions.reconnect(c->actions.ctx, number_of(c, c->from), "more subscriptions than can be watched");
		return;
	}
	uint64_t before = slot->seq;
	*slot = (struct feed_seq){m->feed, m->feed_seq};
	if (before != 0 && m->feed_seq != before && m->feed_seq != before + 1)
		lose_feed(c, m->feed,
			  &(struct gap){.cause = gap_cause_sequence, .first = before + 1, .last = m->feed_seq - 1});
}

/* What is refused of one market concerns that one only. */
static void on_notice(struct collector_core *c, struct market *market, const struct venue_notice *n)
{
	char text[EVENT_TEXT_MAX];

	if (c->from == NULL)
		return;
	c->answered = n->kind == VENUE_NOTICE_ACCEPTED;
	if (n->kind == VENUE_NOTICE_SHUTDOWN)
		(c->actions.rotate != NULL ? c->actions.rotate : c->actions.reconnect)(
			c->actions.ctx, number_of(c, c->from), "the venue shuts down");
	answers_on_notice(c, c->from, n, market != NULL);
	if (n->kind != VENUE_NOTICE_REFUSED)
		return;
	c->count.refusals++;
	if (market == NULL) {
		core_feed(c, c->from, feed_refused, n->text);
		return;
	}
	snprintf(text, sizeof(text), "the venue refuses it: %.150s", n->text);
	depth_trouble(c, market, text);
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
		if (c->from != NULL)
			tape_on_trade(c, market, m);
		else
			fill_on_trade(c, market, &m->trade);
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
		if (c->from != NULL)
			tape_on_mark(c, market, m);
		else
			polls_on_price(c, market, m);
		break;
	case VENUE_LIQUIDATION:
		tape_on_liquidation(c, market, m);
		break;
	case VENUE_INSTRUMENT:
	case VENUE_TICK_SIZE:
	case VENUE_RESOLUTION:
		tape_on_catalog(c, market, m);
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
	c->count.listings += m->kind == VENUE_LISTING;
	if (m->kind == VENUE_LIMIT)
		asks_on_limit(c, &m->limit);
	if (m->kind == VENUE_NOTICE)
		on_notice(c, market, &m->notice);
	/* Answers and markets that we do not follow count, too. */
	if (c->from != NULL && m->feed_seq != 0)
		check_feed(c, m);
	if (market != NULL && c->from != NULL && market->carried == 0) { /* of an older subscription */
		c->count.ignored++;
		return;
	}
	if (market == NULL)
		return;
	if (c->from != NULL && m->kind <= VENUE_LIQUIDATION) {
		alive(c, c->from);
		if (m->time > 0 && c->from->blind_clock != 0)
			mark_candles(c, c->from, m->time);
		if (m->kind == VENUE_SNAPSHOT || m->kind == VENUE_DEPTH)
			market->sid = m->feed;
	}
	uint64_t sealed = seal_enter(c, market, m);
	dispatch(c, market, m);
	if (sealed != 0)
		seal_check(c, market, m, sealed);
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
void enter(struct collector_core *c, int64_t now, const struct sink *out)
{
	/* Polls are not repeated as of a time at which this machine was asleep: that would be a burst of requests. */
	while (c->due < now)
		collector_core_on_timer(c, c->set.candles_only_ns > 0 ? now : c->due, out);
	c->now = now > c->now ? now : c->now;
	c->out = out;
}

void leave(struct collector_core *c)
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
	if (!conn->used) { /* the last of it is gone, and its market with it */
		leave(c);
		return;
	}
	c->from = conn;
	if (!conn->up)
		open_connection(c, conn, 0);
	c->count.frames++;
	c->count.bytes += f->len;
	c->answered = false;
	int rc = decode(c, &in, &fault);
	if (rc < 0)
		on_fault(c, rc, &fault);
	if (!c->answered)
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
	if (!conn->used) {
		leave(c);
		return;
	}
	c->from = conn;
	switch (change->state) {
	case feed_connecting:
		if (conn->up)
			close_connection(c, conn,
					 &(struct collector_change){.state = feed_lost,
								    .reason = "restarted",
								    .cause = gap_cause_restart});
		core_feed(c, conn, feed_connecting, change->reason);
		break;
	case feed_live:
		open_connection(c, conn, change->version);
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
	c->since = c->now;
	asks_describe(c, now);
	polls_start(c);
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
		arm(c, answers_due(conn));
	}
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		arm(c, depth_due(c, &c->markets[i]));
	arm(c, table_due(c));
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
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		check_silence(c, &c->connections[i]);
		answers_on_timer(c, &c->connections[i]);
	}
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		depth_on_timer(c, &c->markets[i]);
	asks_on_timer(c);
	table_on_timer(c);
	asks_pump(c);
	c->out = NULL;
	find_due(c);
	must(c->due > c->now);
}
