/* ledger - the gap ledger: every blind interval of every stream is opened once and closed once, also by another life.
 *
 * A connection:
 *     SEEING --lost, silent, our own end (ledger_go_blind): event blind, stream "all"--> BLIND
 *     BLIND --its first data (ledger_see): gap "all" of what nobody can fetch again--> SEEING
 * Streams that are made whole one by one have a gap of their own from the same moment on:
 *     depth   ends with the next snapshot (depth.c)
 *     kline   ends with the reply that brings those that closed meanwhile (ledger_on_klines)
 *     trade   ends with the next trade, whose id says what was missed (ledger_on_trade)
 * The blind of "all" opens them, too. A book or a trade stream that is lost alone opens its own.
 *
 * A process that dies says nothing. The next one reads what the last one had journalled behind its snapshot
 * (collector_core_on_own) and closes or goes on with it: a connection that was live at the end has been blind since the
 * last thing that was published, by cause restart. What it no longer follows (other settings) it cannot see again: that
 * ends where this life begins, by cause dropped, and what was missed stays missing.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/collector/state.h"

/* ---- telling ---- */

static uint32_t number_of(const struct collector_core *c, const struct gap *g)
{
	return g->on != NULL ? (uint32_t)(g->on - c->connections) : 0;
}

void emit_blind(struct collector_core *c, const struct gap *g)
{
	struct event *ev = begin(c, EVENT_blind, g->market, 0);

	if (g->on != NULL)
		ev->origin = g->on->origin;
	if (g->market != NULL)
		ev->blind.instrument = g->market->venue.symbol;
	event_set_name(ev->blind.stream, g->stream);
	ev->blind.cause = (uint8_t)g->cause;
	ev->blind.connection = number_of(c, g);
	ev->blind.from = g->from;
	ev->blind.first_missing = g->first;
	ev->blind.last_missing = g->last;
	emit(c);
}

void emit_gap(struct collector_core *c, const struct gap *g)
{
	struct event *ev = begin(c, EVENT_gap, g->market, 0);

	if (g->on != NULL)
		ev->origin = g->on->origin;
	if (g->market != NULL || g->named != NULL)
		ev->gap.instrument = g->named != NULL ? *g->named : g->market->venue.symbol;
	event_set_name(ev->gap.stream, g->stream);
	ev->gap.cause = (uint8_t)g->cause;
	ev->gap.repair = (uint8_t)g->repair;
	ev->gap.connection = number_of(c, g);
	ev->gap.from = g->from;
	ev->gap.to = g->to != 0 ? g->to : c->now;
	ev->gap.first_missing = g->first;
	ev->gap.last_missing = g->last;
	ev->gap.missing = g->missing;
	emit(c);
}

/* Ends a market's own blind interval: g says of which stream and by which repair. */
static void close_blind(struct collector_core *c, struct market *m, struct blind *b, const struct gap *g)
{
	struct gap whole = *g;

	if (!b->open)
		return;
	whole.market = m;
	whole.cause = g->cause != 0 ? g->cause : (enum gap_cause)b->cause;
	whole.from = b->from;
	whole.first = b->first;
	whole.last = b->last;
	b->open = false;
	b->to = g->to != 0 ? g->to : c->now;
	emit_gap(c, &whole);
}

/* ---- connections ---- */

/* A text that refuses something does not end what was seen until then. */
static bool is_seeing(const struct connection *conn)
{
	return conn->state == feed_live ||
	       (conn->state == feed_refused && conn->up && conn->lost_at == 0 && conn->frame_at != 0);
}

void ledger_go_blind(struct collector_core *c, struct connection *conn, enum gap_cause cause)
{
	bool seeing = is_seeing(conn);

	if (conn->lost_at == 0)
		conn->lost_at = c->now;
	if (conn->cause != 0 || !seeing)
		return;
	conn->cause = (uint8_t)cause;
	conn->blind_from = conn->frame_at;
	conn->blind_clock = conn->clock;
	emit_blind(c, &(struct gap){.on = conn, .stream = "all", .cause = cause, .from = conn->blind_from});
}

/* Opened by the record of the whole connection; one that was whole again since then needs a record of its own. */
static void open_blind(struct collector_core *c, const struct connection *conn, struct blind *b, const struct gap *g)
{
	bool later = b->to > conn->blind_from;

	if (b->open)
		return;
	*b = (struct blind){.open = true, .cause = conn->cause, .from = later ? b->to : conn->blind_from};
	if (!later || c->out == NULL) /* without an output the past is being told, that record with it */
		return;
	struct gap own = *g;
	own.on = conn;
	own.cause = (enum gap_cause)conn->cause;
	own.from = b->from;
	emit_blind(c, &own);
}

void ledger_lose_streams(struct collector_core *c, const struct connection *conn)
{
	for (uint32_t i = 0; conn->cause != 0 && i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (is_on(m, VENUE_DEPTH_STREAM, c, conn))
			open_blind(c, conn, &m->blind, &(struct gap){.market = m, .stream = "depth"});
		if (c->set.klines_limit > 0 && is_on(m, VENUE_KLINE_STREAM, c, conn))
			open_blind(c, conn, &m->kline_blind, &(struct gap){.market = m, .stream = "kline"});
	}
}

/* The connection is there again: the next trade of each of its markets will say what was missed, or the venue, asked
 * for that time. */
static void pass_on(struct collector_core *c, const struct connection *conn, int64_t to)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (!is_on(m, VENUE_TRADE_STREAM, c, conn))
			continue;
		if (m->recall != NULL)
			recall_begin(c, m,
				     &(struct gap){.market = m,
						   .on = conn,
						   .stream = "trade",
						   .cause = (enum gap_cause)conn->cause,
						   .from = conn->blind_from,
						   .to = to});
		if (!c->set.venue->trade_ids_count || m->trade_id == 0)
			continue;
		if (!m->trade_blind.open)
			m->trade_blind = (struct blind){.open = true, .cause = conn->cause, .from = conn->blind_from};
		m->trade_blind.to = to;
	}
}

void ledger_see(struct collector_core *c, struct connection *conn)
{
	if (conn->cause != 0) {
		emit_gap(c, &(struct gap){.on = conn,
					  .stream = "all",
					  .cause = (enum gap_cause)conn->cause,
					  .repair = repair_nothing,
					  .from = conn->blind_from});
		pass_on(c, conn, c->now);
	}
	conn->cause = 0;
	conn->lost_at = 0;
}

static const char *const stream_names[STREAM_BITS] = {"depth",  "trade",       "top", "kline",
							"ticker", "liquidation", "mark"};

const char *ledger_stream_name(int bit)
{
	return stream_names[bit];
}

void ledger_follow_market(struct collector_core *c, const struct connection *conn, struct market *m)
{
	char streams[EVENT_TEXT_MAX] = "";
	size_t n = 0;

	for (int bit = 0; bit < STREAM_BITS; bit++)
		if (is_on(m, (enum venue_stream)(1 << bit), c, conn))
			n += (size_t)snprintf(streams + n, sizeof(streams) - n, "%s%s", n > 0 ? "," : "",
					      stream_names[bit]);
	if (n == 0)
		return;
	m->named = true;
	struct event *ev = begin(c, EVENT_following, m, 0);
	ev->origin = conn->origin;
	ev->following.instrument = m->venue.symbol;
	ev->following.connection = (uint32_t)(conn - c->connections);
	event_set_text(ev->following.streams, streams);
	ev->following.since = c->since != 0 ? c->since : c->now;
	ev->following.joined = m->came_at;
	emit(c);
}

void ledger_follow(struct collector_core *c, struct connection *conn)
{
	for (uint32_t i = 0; !conn->told && i < c->set.n_markets; i++)
		ledger_follow_market(c, conn, &c->markets[i]);
	conn->told = true;
}

/* ---- streams that are made whole ---- */

void ledger_on_snapshot(struct collector_core *c, struct market *m)
{
	close_blind(c, m, &m->blind,
		    &(struct gap){.on = connection_of(c, m, VENUE_DEPTH_STREAM),
				  .stream = "depth",
				  .repair = repair_snapshot});
}

void ledger_on_klines(struct collector_core *c, struct market *m, int64_t oldest)
{
	bool whole = oldest != 0 && oldest <= m->kline_blind.from;

	close_blind(c, m, &m->kline_blind,
		    &(struct gap){.on = connection_of(c, m, VENUE_KLINE_STREAM),
				  .stream = "kline",
				  .repair = whole ? repair_klines : repair_nothing});
}

/* After a restart the last id may not be known: then nobody knows what was missed. */
void ledger_on_trade(struct collector_core *c, struct market *m)
{
	close_blind(c, m, &m->trade_blind,
		    &(struct gap){.on = connection_of(c, m, VENUE_TRADE_STREAM),
				  .stream = "trade",
				  .repair = m->trade_id != 0 ? repair_none_missed : repair_nothing,
				  .to = m->trade_blind.to});
}

/* ---- markets that go ---- */

static struct blind *blind_named(struct market *m, const char *stream)
{
	return strcmp(stream, "depth") == 0   ? &m->blind
	       : strcmp(stream, "kline") == 0 ? &m->kline_blind
	       : strcmp(stream, "trade") == 0 ? &m->trade_blind
					      : NULL;
}

/* What is open of it ends here: nothing will repair it. */
void ledger_drop(struct collector_core *c, struct market *m)
{
	static const struct {
		enum venue_stream stream;
		const char *name;
	} streams[] = {{VENUE_DEPTH_STREAM, "depth"}, {VENUE_KLINE_STREAM, "kline"}, {VENUE_TRADE_STREAM, "trade"}};

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct blind *b = blind_named(m, streams[i].name);
		close_blind(c, m, b,
			    &(struct gap){.on = connection_of(c, m, streams[i].stream),
					  .stream = streams[i].name,
					  .cause = gap_cause_dropped,
					  .repair = repair_nothing,
					  .to = b == &m->trade_blind ? b->to : 0});
	}
	if (!m->named)
		return; /* it has never begun */
	struct event *ev = begin(c, EVENT_following, m, 0);
	ev->following.instrument = m->venue.symbol;
	for (int i = 0; i < STREAM_BITS; i++)
		if (m->connection[i] != NO_CONNECTION)
			ev->following.connection = m->connection[i];
	ev->following.since = c->since != 0 ? c->since : c->now;
	ev->following.joined = m->came_at;
	emit(c);
}

void ledger_idle(struct collector_core *c, struct connection *conn)
{
	if (conn->cause != 0)
		emit_gap(c, &(struct gap){.on = conn,
					  .stream = "all",
					  .cause = gap_cause_dropped,
					  .repair = repair_nothing,
					  .from = conn->blind_from});
	if (conn->state != 0)
		core_feed(c, conn, feed_ended, "no market is left on it");
}

/* ---- another life ---- */

static struct market *market_named(struct collector_core *c, const struct symbol *symbol)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_used(&c->markets[i]) && symbol_equal(&c->markets[i].venue.symbol, symbol))
			return &c->markets[i];
	return NULL;
}

static bool is_orphan(const struct orphan *o, const struct symbol *instrument, const char *stream, int64_t from,
		      uint64_t first)
{
	return symbol_equal(&o->instrument, instrument) && strcmp(o->stream, stream) == 0 && o->from == from &&
	       o->first == first;
}

static void add_orphan(struct collector_core *c, const struct event *ev)
{
	const struct ev_blind *b = &ev->blind;
	struct orphan o = {.instrument = b->instrument,
			   .connection = b->connection,
			   .from = b->from,
			   .first = b->first_missing,
			   .last = b->last_missing};

	event_set_name(o.stream, b->stream);
	if (buf_append(&c->orphans, &o, sizeof(o)) != 0)
		c->count.orphans_lost++;
}

/* That life closed it itself. */
static void drop_orphan(struct collector_core *c, const struct ev_gap *g)
{
	struct orphan *all = (struct orphan *)(void *)c->orphans.at;
	size_t n = c->orphans.len / sizeof(*all);

	for (size_t i = 0; i < n; i++) {
		if (!is_orphan(&all[i], &g->instrument, g->stream, g->from, g->first_missing))
			continue;
		all[i] = all[n - 1];
		c->orphans.len -= sizeof(*all);
		return;
	}
}

static void close_orphan(struct collector_core *c, const struct orphan *o)
{
	emit_gap(c, &(struct gap){.on = &c->connections[o->connection],
				  .named = &o->instrument,
				  .stream = o->stream,
				  .cause = gap_cause_dropped,
				  .repair = repair_nothing,
				  .from = o->from,
				  .first = o->first,
				  .last = o->last,
				  .missing = o->first != 0 ? o->last - o->first + 1 : 0});
}

static void close_stream(struct collector_core *c, struct market *m, struct blind *b, enum venue_stream stream)
{
	if (connection_of(c, m, stream) != NULL)
		return;
	if (b->open)
		emit_gap(c, &(struct gap){.market = m,
					  .stream = stream_names[__builtin_ctz((unsigned)stream)],
					  .cause = gap_cause_dropped,
					  .repair = repair_nothing,
					  .from = b->from});
	b->open = false;
}

/* Nothing that this life follows is left open, nothing else is left to it. */
static void close_dropped(struct collector_core *c)
{
	for (size_t at = 0; at + sizeof(struct orphan) <= c->orphans.len; at += sizeof(struct orphan))
		close_orphan(c, (const struct orphan *)(const void *)(c->orphans.at + at));
	buf_fini(&c->orphans);
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		close_stream(c, m, &m->blind, VENUE_DEPTH_STREAM);
		close_stream(c, m, &m->kline_blind, VENUE_KLINE_STREAM);
		close_stream(c, m, &m->trade_blind, VENUE_TRADE_STREAM);
	}
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		struct connection *conn = &c->connections[i];
		if (conn->used)
			continue;
		conn->up = false;
		if (conn->cause != 0)
			emit_gap(c, &(struct gap){.on = conn,
						  .stream = "all",
						  .cause = gap_cause_dropped,
						  .repair = repair_nothing,
						  .from = conn->blind_from});
		conn->cause = 0;
		if (conn->state != 0 && conn->state != feed_ended)
			core_feed(c, conn, feed_ended, "no longer used");
	}
}

static void on_own_state(struct collector_core *c, const struct ev_feed_state *f)
{
	struct connection *conn = &c->connections[f->connection];

	conn->state = f->state;
	if (f->state == feed_lost || f->state == feed_refused || f->state == feed_connecting)
		ledger_lose_streams(c, conn);
}

static void on_own_blind(struct collector_core *c, const struct event *ev)
{
	const struct ev_blind *b = &ev->blind;
	struct market *m = market_named(c, &b->instrument);
	struct connection *conn = &c->connections[b->connection];

	if (b->instrument.s[0] == '\0') {
		conn->cause = b->cause;
		conn->blind_from = b->from;
		conn->blind_clock = conn->clock; /* of the snapshot: its candles lack all that came since */
		return;
	}
	if (m != NULL && strcmp(b->stream, "trade") == 0 && b->first_missing != 0) {
		fill_on_own_blind(c, m, ev);
		return;
	}
	struct blind *blind = m != NULL ? blind_named(m, b->stream) : NULL;
	if (blind == NULL)
		add_orphan(c, ev);
	else
		*blind = (struct blind){true, b->cause, b->from, b->from, b->first_missing, b->last_missing};
}

static void on_own_gap(struct collector_core *c, const struct event *ev)
{
	const struct ev_gap *g = &ev->gap;
	struct market *m = market_named(c, &g->instrument);
	struct connection *conn = &c->connections[g->connection];

	if (g->instrument.s[0] == '\0' && strcmp(g->stream, "all") == 0) {
		pass_on(c, conn, g->to);
		conn->cause = 0;
		return;
	}
	struct blind *blind = m != NULL ? blind_named(m, g->stream) : NULL;
	if (blind == NULL)
		drop_orphan(c, g);
	if (blind == NULL || (blind == &m->trade_blind && fill_on_own_gap(m, g)))
		return;
	blind->open = false;
	blind->to = g->to;
}

static void on_own_resolution(struct collector_core *c, const struct ev_resolution *r)
{
	struct market *m = market_named(c, &r->instrument);

	if (m == NULL)
		return;
	m->resolved = true;
	m->pays = strcmp(r->outcome, "void") == 0 ? VENUE_CALLED_OFF : r->pays;
}

/* What people were told of a market is over when that is, whichever life told them. */
static void on_own_alert(struct collector_core *c, const struct ev_alert *a)
{
	struct symbol symbol;
	struct market *m = strcmp(a->rule, COLLECTOR_MISSING_ALERT) == 0 &&
					   symbol_parse(a->subject, strlen(a->subject), &symbol) == 0
				   ? market_named(c, &symbol)
				   : NULL;

	if (m != NULL)
		m->troubled = a->state == alert_state_raised;
}

/* Of which connection an own record is; COLLECTOR_CONNECTIONS_MAX: of none. */
static uint32_t connection_in(const struct event *ev)
{
	switch (ev->id) {
	case EVENT_feed_state:
		return ev->feed_state.connection;
	case EVENT_blind:
		return ev->blind.connection;
	case EVENT_gap:
		return ev->gap.connection;
	default:
		return COLLECTOR_CONNECTIONS_MAX;
	}
}

/* The venue's klines rise: those up to the newest one that was published are not published again. */
static void on_own_candle(struct collector_core *c, const struct ev_candle *k)
{
	struct market *m = market_named(c, &k->instrument);

	if (m == NULL || !k->from_venue || strcmp(k->interval, c->set.kline_interval) != 0)
		return;
	if (k->open_at > m->kline_open_at)
		m->kline_open_at = k->open_at;
}

/* Prices in the place of klines, likewise. */
static void on_own_mark(struct collector_core *c, const struct event *ev)
{
	struct market *m = c->set.venue->klines_are_prices ? market_named(c, &ev->mark.instrument) : NULL;

	if (m != NULL && ev->ts_event > m->kline_open_at)
		m->kline_open_at = ev->ts_event;
}

void collector_core_on_own(struct collector_core *c, const struct event *ev)
{
	uint32_t n = connection_in(ev);

	if (ev->id == EVENT_following)
		table_on_own(c, &ev->following);
	if (ev->id == EVENT_venue_wait)
		asks_on_own(c, &ev->venue_wait);
	if (ev->id == EVENT_resolution)
		on_own_resolution(c, &ev->resolution);
	if (ev->id == EVENT_alert)
		on_own_alert(c, &ev->alert);
	if (ev->id == EVENT_candle)
		on_own_candle(c, &ev->candle);
	if (ev->id == EVENT_mark)
		on_own_mark(c, ev);
	if (ev->id == EVENT_trade_backfill) {
		struct market *m = market_named(c, &ev->trade_backfill.instrument);
		if (m != NULL)
			polled_on_own(m, ev);
	}
	if (ev->id == EVENT_trade) {
		struct market *m = market_named(c, &ev->trade.instrument);
		if (m != NULL)
			polled_on_own(m, ev);
		if (m == NULL || c->set.venue->trades_max == 0 || ev->ts_recv < m->trade_at)
			return;
		m->trade_id = ev->trade.trade_id;
		m->trade_at = ev->ts_recv;
		m->trade_time = ev->ts_event;
	}
	if (n >= COLLECTOR_CONNECTIONS_MAX)
		return;
	c->connections[n].origin = ev->origin;
	if (ev->id == EVENT_feed_state)
		on_own_state(c, &ev->feed_state);
	else if (ev->id == EVENT_blind)
		on_own_blind(c, ev);
	else if (ev->id == EVENT_gap)
		on_own_gap(c, ev);
}

/* The last life's requests and books are gone with it. */
static void forget(struct collector_core *c, struct market *m)
{
	m->klines_request = 0;
	m->klines_at = CORE_NEVER;
	fill_resume(c, m);
	polled_resume(c, m);
	if (c->set.venue->trades_max == 0)
		m->trade_id = 0; /* it may be older than what was published last */
}

void collector_core_resume(struct collector_core *c, int64_t now, const struct sink *out)
{
	c->now = now > c->now ? now : c->now;
	c->out = out;
	close_dropped(c);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		forget(c, &c->markets[i]);
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		struct connection *conn = &c->connections[i];
		conn->told = false;
		if (!conn->used || conn->state == 0)
			continue;
		if (conn->state == feed_live && now > conn->frame_at)
			conn->frame_at = now; /* what was published last came with some frame */
		conn->up = true;
		c->from = conn;
		close_connection(c, conn,
				 &(struct collector_change){
					 .state = feed_lost, .reason = "restarted", .cause = gap_cause_restart});
	}
	table_resume(c);
	c->from = NULL;
	c->out = NULL;
	c->due = c->now; /* the first look at the timers finds the true time */
}
