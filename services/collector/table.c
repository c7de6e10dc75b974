/* table - markets that come and go while the collector's core runs.
 *
 *     (none) --collector_core_follow--> WANTED
 *     WANTED --its description is asked for (table_ask)--> ASKED
 *     ASKED --it has come, or cannot be had (table_on_reply, failed)--> READY
 *           --no answer (failed)--> WANTED, later
 *     READY: subscribed to with the others when its connection opens (table_on_open); on one that is open by a text of
 *         its own (table_settle, venue.stream_add), else by another connection in its place (rotate.c,
 *         collector_core_on_replaced). `carried` says that it is: only then its data is taken.
 *     WANTED, ASKED, READY --collector_core_drop--> LEAVING: nothing goes by its name any more
 *     LEAVING --the venue is told (table_settle)--> (none), the slot is free; at once where nothing was subscribed to
 * Those that the settings name are READY from the beginning and never leave.
 *
 * Changes are gathered for a moment, so that a round of a scan costs a text or two of each connection, not one for each
 * market: venues count what we send.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/collector/state.h"

#define SETTLE_NS 250000000LL
#define JOIN_TRIES 3 /* for the descriptions of newcomers; then they go without */

/* ---- slots ---- */

void table_blank(struct market *m, uint32_t slot)
{
	*m = (struct market){.index = slot, .ask_at = CORE_NEVER, .klines_at = CORE_NEVER, .fill_at = CORE_NEVER};
	for (int i = 0; i < STREAM_BITS; i++)
		m->connection[i] = NO_CONNECTION;
}

int table_make(struct collector_core *c, const char *raw, uint32_t slot)
{
	struct market *m = &c->markets[slot];
	size_t len = strlen(raw);
	int rc = venue_market_init(c->set.venue, raw, len, &m->venue);

	if (rc == 0)
		rc = candles_init(&m->candles, c->set.intervals, c->set.n_intervals, c->set.candle_grace_ns);
	if (rc == 0)
		rc = book_init(&m->book, c->set.book_levels);
	if (rc < 0)
		return rc;
	candles_rescale(&m->candles, m->venue.price_scale, m->venue.qty_scale);
	buf_init(&m->pending, c->set.pending_bytes);
	if (c->set.venue->seal_text != NULL && (m->seal = calloc(1, sizeof(*m->seal))) == NULL) {
		book_fini(&m->book);
		return ERR_NOMEM;
	}
	bool recalls = c->set.venue->recall_max > 0 && c->set.poll_ns == 0;
	if (recalls && (m->recall = calloc(1, sizeof(*m->recall))) == NULL) {
		book_fini(&m->book);
		free(m->seal);
		m->seal = NULL;
		return ERR_NOMEM;
	}
	bool polls = c->set.venue->recall_max > 0 && c->set.poll_ns > 0;
	if (polls && (m->polled = calloc(1, sizeof(*m->polled))) == NULL) {
		book_fini(&m->book);
		free(m->seal);
		m->seal = NULL;
		return ERR_NOMEM;
	}
	uint32_t *index = strmap_put(&c->by_name, raw, len);
	must(index != NULL);
	*index = slot;
	m->join = JOIN_READY;
	if (slot >= c->set.n_markets)
		c->set.n_markets = slot + 1;
	return 0;
}

int table_put(struct market *m, const struct collector_market *row)
{
	if ((m->streams & row->streams) != 0)
		return ERR_ARG;
	m->streams |= row->streams;
	for (int i = 0; i < STREAM_BITS; i++)
		if (row->streams & 1u << i)
			m->connection[i] = row->connection;
	return 0;
}

void table_clear(struct collector_core *c, struct market *m)
{
	if (is_used(m))
		strmap_remove(&c->by_name, m->venue.raw, strlen(m->venue.raw));
	c->found = NULL;
	book_fini(&m->book);
	buf_fini(&m->pending);
	free(m->seal);
	free(m->recall);
	free(m->polled);
	table_blank(m, m->index);
	while (c->set.n_markets > c->n_fixed && c->markets[c->set.n_markets - 1].join == JOIN_NONE)
		c->set.n_markets--;
}

static uint32_t number_of(const struct collector_core *c, const struct connection *conn)
{
	return (uint32_t)(conn - c->connections);
}

/* Its streams that belong on a connection. */
static uint32_t streams_on(const struct market *m, uint32_t connection)
{
	uint32_t streams = 0;

	for (int i = 0; i < STREAM_BITS; i++)
		if (m->connection[i] == connection)
			streams |= 1u << i;
	return streams;
}

static struct market *find(const struct collector_core *c, const char *raw, size_t len)
{
	const uint32_t *index = strmap_get(&c->by_name, raw, len);

	return index != NULL ? &c->markets[*index] : NULL;
}

/* n_slots: there is none. */
static uint32_t free_slot(struct collector_core *c)
{
	uint32_t i = c->n_fixed;

	while (i < c->n_slots && c->markets[i].join != JOIN_NONE)
		i++;
	return i;
}

/* ---- connections ---- */

static bool has_markets(const struct collector_core *c, uint32_t connection)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_used(&c->markets[i]) && streams_on(&c->markets[i], connection) != 0)
			return true;
	return false;
}

/* The last market has gone from a connection: so does what was known of it. The shell closes it. */
static void idle_connections(struct collector_core *c)
{
	for (uint32_t n = 0; n < COLLECTOR_CONNECTIONS_MAX; n++) {
		struct connection *conn = &c->connections[n];
		if (!conn->used || has_markets(c, n))
			continue;
		conn->used = false;
		if (c->out == NULL) /* the past is being told: what it leaves open ends when this life begins */
			continue;
		ledger_idle(c, conn);
		*conn = (struct connection){
			.origin = conn->origin, .candles_due = INT64_MAX, .answers.by = CORE_NEVER};
		for (uint32_t i = c->n_fixed; i < c->set.n_markets; i++) {
			struct market *m = &c->markets[i];
			if (m->join == JOIN_LEAVING && streams_on(m, n) == m->streams)
				table_clear(c, m);
		}
	}
}

static void settle_soon(struct collector_core *c)
{
	if (c->settle_at == CORE_NEVER)
		c->settle_at = after(c->now, SETTLE_NS);
	arm(c, c->settle_at);
}

/* From here on its streams come on that connection. */
static void carry(struct collector_core *c, struct connection *conn, struct market *m)
{
	uint32_t streams = streams_on(m, number_of(c, conn)) & ~m->carried;

	if (streams == 0)
		return;
	m->carried |= streams;
	if (conn->told)
		ledger_follow_market(c, conn, m);
	if (streams & VENUE_DEPTH_STREAM)
		depth_start(c, m);
	if (streams & VENUE_TRADE_STREAM)
		polled_start(c, m);
	if (c->set.klines_limit > 0 && (streams & VENUE_KLINE_STREAM))
		asks_klines(c, m);
}

static bool was_in(const struct market *m, uint64_t version)
{
	return m->join == JOIN_READY && (version == 0 || m->version <= version);
}

/* What waits to leave it is not on the new subscription. */
static void forget_leaving(struct market *m, uint32_t connection)
{
	for (int i = 0; i < STREAM_BITS; i++)
		if (m->connection[i] == connection)
			m->connection[i] = NO_CONNECTION;
}

void table_on_open(struct collector_core *c, struct connection *conn, uint64_t version)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (m->join == JOIN_LEAVING)
			forget_leaving(m, number_of(c, conn));
		uint32_t streams = streams_on(m, number_of(c, conn));
		if ((m->carried & streams) == streams)
			continue;
		if (!was_in(m, version)) {
			settle_soon(c);
			continue;
		}
		m->carried |= streams;
		if (conn->told)
			ledger_follow_market(c, conn, m);
	}
	ledger_follow(c, conn);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_DEPTH_STREAM, c, conn))
			depth_start(c, &c->markets[i]);
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_TRADE_STREAM, c, conn))
			polled_start(c, &c->markets[i]);
	for (uint32_t i = 0; c->set.klines_limit > 0 && i < c->set.n_markets; i++)
		if (is_on(&c->markets[i], VENUE_KLINE_STREAM, c, conn))
			asks_klines(c, &c->markets[i]);
}

void collector_core_on_replaced(struct collector_core *c, int64_t now, uint32_t connection, uint64_t version,
				const struct sink *out)
{
	must(connection < COLLECTOR_CONNECTIONS_MAX);
	struct connection *conn = &c->connections[connection];

	enter(c, now, out);
	for (uint32_t i = 0; conn->up && i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (was_in(m, version))
			carry(c, conn, m);
		else if ((streams_on(m, connection) & ~m->carried) != 0)
			settle_soon(c); /* it has come since then */
	}
	leave(c);
}

/* ---- telling the venue ---- */

/* Those of a connection that want to be added, or removed. */
static struct venue_feed gather(const struct collector_core *c, uint32_t connection, bool leaving,
				const struct venue_market *markets[COLLECTOR_MARKETS_MAX])
{
	struct venue_feed feed = {.markets = markets, .aggregate = c->set.aggregate, .mini = c->set.mini};

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		const struct market *m = &c->markets[i];
		uint32_t streams = streams_on(m, connection);
		if (m->join != (leaving ? JOIN_LEAVING : JOIN_READY) || (streams & ~m->carried) == 0)
			continue;
		markets[feed.n++] = &m->venue;
		feed.streams |= streams;
	}
	if ((feed.streams & VENUE_KLINE_STREAM) && c->set.kline_interval[0] != '\0')
		feed.kline_interval = c->set.kline_interval;
	return feed;
}

static void replace(struct collector_core *c, uint32_t connection)
{
	(c->actions.rotate != NULL ? c->actions.rotate : c->actions.reconnect)(c->actions.ctx, connection,
									       "other markets than before");
}

/* Without a text for it what has gone comes until the connection is another one. */
static bool remove_from(struct collector_core *c, uint32_t connection)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_feed feed = gather(c, connection, true, markets);
	bool by_text = c->set.venue->stream_drop != NULL && c->actions.remove != NULL;

	if (feed.n > 0 && by_text && c->connections[connection].up)
		c->actions.remove(c->actions.ctx, connection, &feed);
	return feed.n > 0 && !by_text;
}

static bool add_to(struct collector_core *c, uint32_t connection)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_feed feed = gather(c, connection, false, markets);

	if (feed.n == 0)
		return false;
	if (c->set.venue->stream_add == NULL || c->actions.add == NULL)
		return true;
	c->actions.add(c->actions.ctx, connection, &feed);
	for (uint32_t i = 0; i < feed.n; i++) /* venue is the first member of its market */
		carry(c, &c->connections[connection],
		      &c->markets[((const struct market *)(const void *)markets[i])->index]);
	return false;
}

bool table_settle(struct collector_core *c)
{
	if (c->settle_at > c->now)
		return false;
	c->settle_at = CORE_NEVER;
	for (uint32_t n = 0; n < COLLECTOR_CONNECTIONS_MAX; n++) {
		bool other = remove_from(c, n);
		if (!c->connections[n].up)
			continue; /* it takes what there is then */
		other = add_to(c, n) || other;
		if (other)
			replace(c, n);
	}
	for (uint32_t i = c->n_fixed; i < c->n_slots; i++)
		if (c->markets[i].join == JOIN_LEAVING)
			table_clear(c, &c->markets[i]);
	return true;
}

/* ---- descriptions of newcomers ---- */

static void ready(struct collector_core *c, struct market *m)
{
	m->join = JOIN_READY;
	m->version = ++c->version;
	settle_soon(c);
}

static void failed(struct collector_core *c)
{
	bool again = ++c->join_failures < JOIN_TRIES;

	c->join_request = 0;
	for (uint32_t i = c->n_fixed; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (m->join == JOIN_ASKED && again)
			m->join = JOIN_WANTED;
		else if (m->join == JOIN_ASKED)
			ready(c, m);
	}
	c->join_at = after(c->now, asks_retry_delay(c->join_failures));
	if (!again)
		c->join_failures = 0;
	arm(c, c->join_at);
}

/* As many as the venue takes in one request. */
void table_ask(struct collector_core *c)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_request r = {.ask = VENUE_ASK_INSTRUMENTS, .markets = markets};
	uint32_t most = c->set.venue->describe_max;

	c->join_at = CORE_NEVER;
	if (c->join_request != 0)
		return; /* its answer asks for the next */
	for (uint32_t i = c->n_fixed; i < c->set.n_markets && (most == 0 || r.n < most); i++) {
		struct market *m = &c->markets[i];
		if (m->join != JOIN_WANTED)
			continue;
		m->join = JOIN_ASKED;
		markets[r.n++] = &m->venue;
	}
	if (r.n == 0)
		return;
	c->join_request = asks_id(c, NULL);
	c->join_asked_at = c->now;
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, c->join_request) < 0)
		failed(c);
}

void table_on_reply(struct collector_core *c, const struct collector_reply *r)
{
	struct venue_input in = {.ask = VENUE_ASK_INSTRUMENTS};

	if (asks_read(c, r, &in) == ERR_STATUS) {
		c->count.instruments_bad++;
		failed(c);
		return;
	}
	/* What could not be read, or is not in it, will not be another time. */
	c->join_request = 0;
	c->join_failures = 0;
	for (uint32_t i = c->n_fixed; i < c->set.n_markets; i++)
		if (c->markets[i].join == JOIN_ASKED)
			ready(c, &c->markets[i]);
	c->join_at = c->now;
	arm(c, c->now);
}

void table_on_timer(struct collector_core *c)
{
	if (c->join_request != 0 && c->now >= after(c->join_asked_at, c->set.reply_ns)) {
		c->count.replies_failed++;
		failed(c);
	}
	table_settle(c);
}

int64_t table_due(const struct collector_core *c)
{
	int64_t due = c->join_request != 0 ? after(c->join_asked_at, c->set.reply_ns) : CORE_NEVER;

	return c->settle_at < due ? c->settle_at : due;
}

/* ---- coming ---- */

static int come(struct collector_core *c, const struct collector_market *rows, uint32_t n_rows)
{
	uint32_t slot = free_slot(c);

	for (uint32_t i = 0; i < n_rows; i++)
		if (rows[i].connection >= COLLECTOR_CONNECTIONS_MAX || rows[i].streams == 0 ||
		    (rows[i].streams & ~c->set.venue->streams) != 0)
			return ERR_ARG;
	if (slot == c->n_slots && c->settle_at != CORE_NEVER) { /* who waits to leave gives way */
		c->settle_at = c->now;
		table_settle(c);
		slot = free_slot(c);
	}
	if (slot == c->n_slots)
		return ERR_FULL;
	int rc = table_make(c, rows[0].raw, slot);
	struct market *m = &c->markets[slot];
	for (uint32_t i = 0; rc == 0 && i < n_rows; i++)
		rc = table_put(m, &rows[i]);
	if (rc < 0) {
		table_clear(c, m);
		return rc;
	}
	for (uint32_t i = 0; i < n_rows; i++)
		c->connections[rows[i].connection].used = true;
	m->join = JOIN_WANTED;
	m->came = true;
	m->came_at = c->now;
	return 0;
}

int collector_core_follow(struct collector_core *c, int64_t now, const struct collector_market *rows, uint32_t n_rows,
			  const struct sink *out)
{
	int rc = n_rows > 0 && rows[0].raw != NULL ? 0 : ERR_ARG;

	enter(c, now, out);
	if (rc == 0 && find(c, rows[0].raw, strlen(rows[0].raw)) == NULL) {
		rc = come(c, rows, n_rows);
		c->count.follows += rc == 0;
		c->join_at = c->now;
		arm(c, c->now);
	}
	leave(c);
	return rc;
}

/* ---- going ---- */

/* Its name is free at once; what was subscribed to by it waits for table_settle. */
static void go(struct collector_core *c, struct market *m)
{
	struct market left;
	bool told = m->carried != 0;

	table_blank(&left, m->index);
	left.venue = m->venue;
	left.came = true;
	left.streams = m->streams;
	memcpy(left.connection, m->connection, sizeof(left.connection));
	table_clear(c, m);
	if (told && c->out != NULL) {
		left.join = JOIN_LEAVING;
		*m = left;
		if (m->index >= c->set.n_markets)
			c->set.n_markets = m->index + 1;
	}
	c->version++;
	settle_soon(c);
	idle_connections(c);
}

bool collector_core_drop(struct collector_core *c, int64_t now, const char *raw, const struct sink *out)
{
	enter(c, now, out);
	struct market *m = find(c, raw, strlen(raw));
	bool came = m != NULL && m->came;
	if (came) {
		c->count.drops++;
		depth_drop(c, m);
		fill_drop(c, m);
		ledger_drop(c, m);
		go(c, m);
	}
	leave(c);
	return came;
}

bool collector_core_resolve(struct collector_core *c, int64_t now, const struct collector_outcome *o,
			    const struct sink *out)
{
	struct venue_resolution r = {.at = o->at, .outcome = o->outcome};

	enter(c, now, out);
	struct market *m = find(c, o->raw, strlen(o->raw));
	bool good = m != NULL && fixed_rescale(o->pays, VENUE_CASH_SCALE, m->venue.price_scale, &r.price) == 0;
	if (good)
		tape_on_resolution(c, m, &r);
	leave(c);
	return good;
}

/* ---- asking ---- */

uint64_t collector_core_version(const struct collector_core *c)
{
	return c->version;
}

void collector_core_loads(const struct collector_core *c, struct collector_load load[COLLECTOR_CONNECTIONS_MAX])
{
	memset(load, 0, COLLECTOR_CONNECTIONS_MAX * sizeof(load[0]));
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		for (uint32_t n = 0; is_used(&c->markets[i]) && n < COLLECTOR_CONNECTIONS_MAX; n++) {
			uint32_t streams = streams_on(&c->markets[i], n);
			load[n].markets += streams != 0;
			load[n].streams |= streams;
		}
}

bool collector_core_carries(const struct collector_core *c, uint32_t connection)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (c->markets[i].join == JOIN_READY && streams_on(&c->markets[i], connection) != 0)
			return true;
	return false;
}

const char *collector_core_came(const struct collector_core *c, uint32_t i)
{
	for (uint32_t k = c->n_fixed; k < c->set.n_markets; k++)
		if (is_used(&c->markets[k]) && c->markets[k].came && i-- == 0)
			return c->markets[k].venue.raw;
	return NULL;
}

/* ---- another life ---- */

static uint32_t streams_named(const char *text)
{
	uint32_t streams = 0;

	for (int bit = 0; bit < STREAM_BITS; bit++) {
		const char *name = ledger_stream_name(bit), *at = strstr(text, name);
		if (at != NULL && (at == text || at[-1] == ','))
			streams |= 1u << bit;
	}
	return streams;
}

/* What came and was not dropped is followed still, whichever life said so last. */
void table_on_own(struct collector_core *c, const struct ev_following *f)
{
	char raw[SYMBOL_RAW_MAX + 1] = "";
	size_t suffix = strlen(c->set.venue->suffix), len = symbol_raw_len(&f->instrument);

	if (len <= suffix || f->connection >= COLLECTOR_CONNECTIONS_MAX)
		return;
	memcpy(raw, f->instrument.s, len - suffix);
	struct market *m = find(c, raw, len - suffix);
	if (m != NULL && !m->came)
		return;
	if (f->streams[0] == '\0') {
		if (m != NULL)
			go(c, m);
		return;
	}
	struct collector_market row = {.raw = raw, .connection = f->connection, .streams = streams_named(f->streams)};
	if (m != NULL) {
		(void)table_put(m, &row); /* its other connection, or said again by another life */
	} else if (f->joined == 0 || come(c, &row, 1) < 0) {
		return;
	}
	m = find(c, raw, len - suffix);
	m->came_at = f->joined;
	m->carried = m->streams;
	m->named = true;
	c->connections[f->connection].used = true;
}

void table_resume(struct collector_core *c)
{
	c->join_request = 0;
	c->join_failures = 0;
	c->join_at = c->now;
	c->settle_at = CORE_NEVER;
	for (uint32_t i = c->n_fixed; i < c->n_slots; i++) {
		struct market *m = &c->markets[i];
		if (m->join == JOIN_LEAVING)
			table_clear(c, m);
		if (!is_used(m) || m->described)
			continue;
		m->join = JOIN_WANTED;
		m->carried = 0;
	}
}
