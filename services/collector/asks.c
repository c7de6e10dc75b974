/* asks - the requests the core makes: snapshots of books, paced, and the instruments.
 *
 * Pacing (the virtual scheduling form of a leaky bucket): ask_clock is the time by which all
 * requests made so far are paid for, each costing ask_pace_ns; one may be made while ask_clock is
 * less than ask_burst - 1 paces ahead of now. A refusal of any request to the venue, also the clock's
 * or the account's, blocks all of them (budget_refused); so does a reply by which the budget of this
 * address is nearly used. Where snapshots come on the stream, subscribing a market anew takes the place
 * of the request, under the same pace.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL
#define TROUBLE_FAILURES 4 /* in a row: people are told */
#define RETRY_FIRST_NS (SECOND / 4)
#define RETRY_MAX_NS (30 * SECOND)
#define BLOCK_MAX_NS (3 * 86400 * SECOND) /* the longest ban there is */
#define MISFIT_NS (60 * SECOND)           /* between requests for instruments after misfits */

int64_t asks_retry_delay(uint32_t failures)
{
	int64_t delay = RETRY_FIRST_NS;

	for (uint32_t i = 1; i < failures && delay < RETRY_MAX_NS; i++)
		delay *= 2;
	return delay < RETRY_MAX_NS ? delay : RETRY_MAX_NS;
}

/* Earliest time at which pacing allows one more request. */
static int64_t allowed_at(const struct collector_core *c)
{
	int64_t paid = c->ask_clock - (int64_t)(c->ask_burst - 1) * c->ask_pace_ns;

	return paid > c->blocked_until ? paid : c->blocked_until;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Ids carry the market's number + 1, so that a reply finds it; 0 stands for the instruments. */
uint64_t asks_id(struct collector_core *c, const struct market *m)
{
	return ++c->requests << 16 | (m != NULL ? m->index + 1 : 0);
}

/* What the venue's file says, which for some is not verified, or the settings. */
static uint32_t weight_of(const struct collector_core *c, enum venue_ask ask, uint32_t said)
{
	uint32_t set = ask == VENUE_ASK_SNAPSHOT ? c->set.snapshot_weight
		       : ask == VENUE_ASK_KLINES ? c->set.klines_weight
						 : 0;
	return set > 0 ? set : said;
}

int asks_send(struct collector_core *c, const struct venue_request *r, uint64_t id)
{
	uint32_t weight = 0;

	buf_clear(&c->path);
	int rc = c->set.venue->request(r, &c->path, &weight);
	if (rc == 0)
		rc = buf_byte(&c->path, 0);
	if (rc < 0)
		return rc;
	weight = weight_of(c, r->ask, weight);
	c->count.requests++;
	c->ask_clock = later(c->ask_clock, c->now) + c->ask_pace_ns;
	c->actions.request(c->actions.ctx,
			   &(struct collector_request){
				   .id = id, .ask = r->ask, .path = (const char *)c->path.at, .weight = weight});
	return 0;
}

/* ---- snapshots ---- */

void asks_failed(struct collector_core *c, struct market *m)
{
	if (m->sync == SYNC_RENEWING && c->set.poll_ns == 0) {
		reach_later(c, m);
		return;
	}
	if (m->sync == SYNC_RENEWING) { /* polled: what we have grows old, and is stale in the end */
		m->sync = SYNC_LIVE;
		m->request = 0;
		m->ask_at = after(c->now, asks_retry_delay(++m->failures));
		arm(c, m->ask_at);
		return;
	}
	m->failures++;
	m->request = 0;
	m->sync = SYNC_WAITING;
	m->ask_at = after(c->now, asks_retry_delay(m->failures));
	arm(c, m->ask_at);
	if (m->failures == TROUBLE_FAILURES)
		depth_trouble(c, m, "its order book cannot be had from the venue");
}

/* On the stream: the one market is subscribed to anew. Nothing of it has come yet: then its other streams, too; a venue
 * may have refused all of a text because of one name in it. */
static int ask_again(struct collector_core *c, struct market *m)
{
	const struct venue_market *markets[] = {&m->venue};
	uint32_t connection = m->connection[__builtin_ctz(VENUE_DEPTH_STREAM)];
	struct venue_feed feed = {.markets = markets, .n = 1, .streams = VENUE_DEPTH_STREAM, .sid = m->sid};

	if (c->set.venue->stream_again == NULL)
		return ERR_NOT_FOUND;
	for (int bit = 0; bit < STREAM_BITS && !m->seen; bit++)
		if (m->connection[bit] == connection)
			feed.streams |= 1u << bit;
	if ((feed.streams & VENUE_KLINE_STREAM) && c->set.kline_interval[0] != '\0')
		feed.kline_interval = c->set.kline_interval;
	c->count.resubscriptions++;
	c->ask_clock = later(c->ask_clock, c->now) + c->ask_pace_ns;
	if (c->actions.again != NULL)
		c->actions.again(c->actions.ctx, connection, &feed);
	return 0;
}

static void ask_snapshot(struct collector_core *c, struct market *m)
{
	const struct venue_market *markets[] = {&m->venue};
	struct venue_request r = {
		.ask = VENUE_ASK_SNAPSHOT,
		.markets = markets,
		.n = 1,
		.limit = c->set.snapshot_limit,
	};

	m->request = asks_id(c, m);
	m->sync = m->sync == SYNC_LIVE ? SYNC_RENEWING : SYNC_ASKED;
	m->asked_at = c->now;
	m->ask_at = CORE_NEVER;
	if (m->sync == SYNC_ASKED)
		depth_announce(c, m, book_state_syncing, in_stream(c) ? "subscribed anew" : "asked for a snapshot");
	arm(c, after(c->now, c->set.reply_ns));
	if ((in_stream(c) ? ask_again(c, m) : asks_send(c, &r, m->request)) < 0)
		asks_failed(c, m);
}

static bool may_ask(const struct market *m)
{
	return m->sync == SYNC_WAITING || m->sync == SYNC_LIVE;
}

static bool has_asked(const struct market *m)
{
	return m->sync == SYNC_ASKED || m->sync == SYNC_RENEWING;
}

/* Books that cannot be used come before those that only see less and less; then who has waited longest. */
static bool goes_before(const struct market *a, const struct market *b)
{
	return a->sync != b->sync ? a->sync == SYNC_WAITING : a->ask_at < b->ask_at;
}

/* The market whose turn it is, NULL where none is due. */
static struct market *next_waiting(struct collector_core *c)
{
	struct market *next = NULL;

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (may_ask(m) && m->ask_at <= c->now && (next == NULL || goes_before(m, next)))
			next = m;
	}
	return next;
}

/* ---- instruments ---- */

void asks_describe(struct collector_core *c, int64_t at)
{
	c->describe_at = at;
	arm(c, at);
}

/* As many as the venue takes in one request, from the part that is next. */
static void ask_instruments(struct collector_core *c)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	uint32_t most = c->set.venue->describe_max, first = c->describe_first;
	struct venue_request r = {
		.ask = VENUE_ASK_INSTRUMENTS, .markets = markets, .closed = c->describe_closed};

	uint32_t i = first;
	for (; i < c->set.n_markets && (most == 0 || r.n < most); i++)
		if (c->markets[i].join == JOIN_READY)
			markets[r.n++] = &c->markets[i].venue;
	c->describe_next = i;
	c->describe_at = CORE_NEVER;
	if (r.n == 0) { /* none at all, or no more */
		c->describe_first = 0;
		c->describe_closed = false;
		if (c->set.describe_ns > 0)
			asks_describe(c, after(c->now, c->set.describe_ns));
		return;
	}
	if (c->describe_whole)
		r.n = 0;
	c->describe_request = asks_id(c, NULL);
	c->described_at = c->now;
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, c->describe_request) < 0)
		c->describe_request = 0;
}

static void describe_failed(struct collector_core *c)
{
	c->describe_request = 0;
	asks_describe(c, after(c->now, asks_retry_delay(++c->describe_failures)));
}

void asks_on_misfit(struct collector_core *c)
{
	if (c->describe_request == 0 && c->described_at != 0 && c->describe_at > after(c->described_at, MISFIT_NS))
		asks_describe(c, later(c->now, after(c->described_at, MISFIT_NS)));
}

/* ---- klines: what closed before the stream began ---- */

void asks_klines(struct collector_core *c, struct market *m)
{
	m->klines_at = c->now;
	arm(c, c->now);
}

/* On a connection they are given up until the next one: the stream brings what closes from now on. */
static void klines_done(struct collector_core *c, struct market *m, int rc, int64_t before)
{
	const struct connection *conn = connection_of(c, m, VENUE_KLINE_STREAM);

	m->klines_request = 0;
	if (c->set.candles_only_ns > 0)
		polls_answered(c, m, rc, before);
	else if (conn != NULL && conn->up) /* else it goes on, and they are asked for again when it is */
		ledger_on_klines(c, m, rc == 0 ? m->kline_oldest : 0);
}

static void ask_klines(struct collector_core *c, struct market *m)
{
	const struct venue_market *markets[] = {&m->venue};
	struct venue_request r = {.ask = VENUE_ASK_KLINES,
				  .markets = markets,
				  .n = 1,
				  .limit = c->set.klines_limit,
				  .interval = c->set.kline_interval};

	if (c->set.candles_only_ns > 0)
		polls_fill(c, m, &r);
	m->klines_at = CORE_NEVER;
	m->klines_asked_at = c->now;
	m->klines_request = asks_id(c, m);
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, m->klines_request) < 0)
		klines_done(c, m, ERR_ARG, m->kline_open_at);
}

/* Who has waited longest: nobody's failures are in the way of the others. */
static struct market *next_without_klines(struct collector_core *c)
{
	struct market *next = NULL;

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (m->klines_at <= c->now && (next == NULL || m->klines_at < next->klines_at))
			next = m;
	}
	return next;
}

static struct market *next_with_holes(struct collector_core *c)
{
	struct market *next = NULL;

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (m->fill_at <= c->now && (next == NULL || m->fill_at < next->fill_at))
			next = m;
	}
	return next;
}

/* Polled trades take turns with polled books; what fills holes waits for all else. */
static bool trades_go_before(const struct market *trades, const struct market *book)
{
	return trades != NULL && trades->polled != NULL && book->sync != SYNC_WAITING && trades->fill_at < book->ask_at;
}

/* ---- time ---- */

void asks_pump(struct collector_core *c)
{
	while (c->now >= allowed_at(c)) {
		struct market *m, *holes = next_with_holes(c);
		if (c->describe_at <= c->now)
			ask_instruments(c);
		else if (c->join_at <= c->now)
			table_ask(c);
		else if ((m = next_waiting(c)) != NULL && !trades_go_before(holes, m))
			ask_snapshot(c, m);
		else if ((m = next_without_klines(c)) != NULL)
			ask_klines(c, m);
		else if (holes != NULL)
			fill_ask(c, holes);
		else
			return;
	}
}

int64_t asks_due(const struct collector_core *c)
{
	int64_t ask = c->describe_at < c->join_at ? c->describe_at : c->join_at, due = CORE_NEVER;

	if (c->describe_request != 0)
		due = after(c->described_at, c->set.reply_ns);
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		const struct market *m = &c->markets[i];
		if (may_ask(m) && m->ask_at < ask)
			ask = m->ask_at;
		if (has_asked(m) && after(m->asked_at, c->set.reply_ns) < due)
			due = after(m->asked_at, c->set.reply_ns);
		if (m->klines_at < ask)
			ask = m->klines_at;
		if (m->fill_at < ask)
			ask = m->fill_at;
		if (fill_due(c, m) < due)
			due = fill_due(c, m);
		if (m->klines_request != 0 && after(m->klines_asked_at, c->set.reply_ns) < due)
			due = after(m->klines_asked_at, c->set.reply_ns);
	}
	if (ask != CORE_NEVER)
		ask = later(ask, allowed_at(c));
	return ask < due ? ask : due;
}

void asks_on_timer(struct collector_core *c)
{
	if (c->describe_request != 0 && c->now >= after(c->described_at, c->set.reply_ns)) {
		c->count.replies_failed++;
		describe_failed(c);
	}
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (has_asked(m) && c->now >= after(m->asked_at, c->set.reply_ns)) {
			c->count.replies_failed++;
			asks_failed(c, m);
		}
		if (m->klines_request != 0 && c->now >= after(m->klines_asked_at, c->set.reply_ns)) {
			c->count.replies_failed++;
			klines_done(c, m, ERR_TIMEOUT, m->kline_open_at);
		}
		fill_on_timer(c, m);
	}
}

/* ---- replies ---- */

void asks_on_limit(struct collector_core *c, const struct venue_limit *limit)
{
	const struct venue_market *markets[] = {&c->markets[0].venue};
	struct venue_request r = {
		.ask = VENUE_ASK_SNAPSHOT,
		.markets = markets,
		.n = 1,
		.limit = c->set.snapshot_limit,
	};
	uint32_t weight = 0;

	/* Replies tell the weight of one window only. */
	if (limit->weighted && limit->limit > 0 && limit->window_ns == c->budget.window_ns && c->set.weight_limit == 0)
		c->budget.limit = limit->limit;
	if (c->set.candles_only_ns > 0) /* nothing else is asked for often */
		r = (struct venue_request){.ask = VENUE_ASK_KLINES,
					   .markets = markets,
					   .n = 1,
					   .limit = c->set.klines_limit,
					   .from = c->set.candles_only_ns,
					   .to = c->set.candles_only_ns,
					   .interval = c->set.kline_interval};
	buf_clear(&c->path);
	if (!limit->weighted || limit->limit == 0 || c->set.venue->request(&r, &c->path, &weight) < 0 || weight == 0)
		return;
	weight = weight_of(c, r.ask, weight);
	/* Half of the budget is ours; the rest is for whoever shares the address. */
	uint64_t most = c->set.weight_limit > 0 ? c->set.weight_limit : limit->limit;
	uint64_t snapshots = most / 2 / weight;
	if (snapshots == 0)
		snapshots = 1;
	int64_t pace = limit->window_ns / (int64_t)snapshots;
	c->ask_pace_ns = later(c->set.ask_pace_ns, pace);
	c->ask_burst = snapshots < c->set.ask_burst ? (uint32_t)snapshots : c->set.ask_burst;
}

bool collector_core_on_status(struct collector_core *c, int64_t now, int status, int64_t retry_after_ns)
{
	int64_t wait = budget_refused(status, retry_after_ns, c->set.venue->forbidden_ns);

	if (wait == 0)
		return false;
	wait = wait < BLOCK_MAX_NS ? wait : BLOCK_MAX_NS;
	c->blocked_until = later(c->blocked_until, after(now, wait));
	return true;
}

int64_t collector_core_blocked(const struct collector_core *c)
{
	return c->blocked_until;
}

void collector_core_name(const struct collector_core *c, char ret_name[EVENT_NAME_MAX])
{
	char name[EVENT_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s", c->set.venue->name, c->set.venue->suffix);
	event_set_name(ret_name, name);
}

void asks_on_own(struct collector_core *c, const struct ev_venue_wait *w)
{
	char name[EVENT_NAME_MAX];

	collector_core_name(c, name);
	if (strcmp(w->venue, name) == 0) /* the settings may have named another then */
		c->blocked_until = later(c->blocked_until, w->until);
}

void collector_core_on_budget(struct collector_core *c, int64_t now, const struct budget_said *said)
{
	if (said->used >= 0)
		c->told.used = (uint64_t)said->used;
	int64_t until = budget_hold(&c->budget, said, now);
	if (until <= c->blocked_until)
		return;
	c->blocked_until = c->told.held_until = until;
	c->told.holds++;
}

/* 0 where the reply was read to its end. */
int asks_read(struct collector_core *c, const struct collector_reply *r, struct venue_input *in)
{
	struct venue_fault fault;

	c->count.replies++;
	if (collector_core_on_status(c, c->now, r->status, r->retry_after_ns) || r->status != 200) {
		c->count.replies_failed++;
		return ERR_STATUS;
	}
	in->text = r->body;
	in->len = r->len;
	int rc = decode(c, in, &fault);
	if (rc == ERR_BUSY) { /* a refusal, too, whatever the status */
		c->count.replies_failed++;
		c->blocked_until = later(c->blocked_until, after(c->now, c->set.venue->weight_ns));
		return ERR_STATUS;
	}
	c->count.malformed += rc < 0;
	return rc;
}

/* The next part of the markets; behind the last one those that no longer trade, where they are asked for apart. */
static bool has_more_parts(struct collector_core *c)
{
	c->describe_first = c->describe_next;
	while (c->describe_first < c->set.n_markets && c->markets[c->describe_first].join != JOIN_READY)
		c->describe_first++;
	if (c->describe_first < c->set.n_markets)
		return true;
	c->describe_first = 0;
	c->describe_closed = c->set.venue->closed_apart && !c->describe_closed;
	return c->describe_closed;
}

static void on_instruments(struct collector_core *c, const struct collector_reply *r)
{
	struct venue_input in = {.ask = VENUE_ASK_INSTRUMENTS};

	c->describe_request = 0;
	if (asks_read(c, r, &in) < 0) {
		/* Binance refuses a list for one name that it does not know (-1121): nobody pays for a neighbour. */
		if (r->status == 400 && c->set.n_markets > 1 && c->set.venue->describe_whole)
			c->describe_whole = true;
		c->count.instruments_bad++;
		describe_failed(c);
		return;
	}
	c->describe_failures = 0;
	polls_on_instruments(c);
	if (has_more_parts(c))
		asks_describe(c, c->now);
	else if (c->set.describe_ns > 0)
		asks_describe(c, after(c->now, c->set.describe_ns));
}

/* "FLOOR-CEIL", as the simulator says where a book is whole; 0 where it names no limit. */
static void read_whole(struct market *m, const char *text)
{
	const char *dash = text != NULL ? strchr(text, '-') : NULL;

	m->whole_floor = m->whole_ceil = 0;
	if (dash == NULL)
		return;
	(void)fixed_parse(text, (size_t)(dash - text), m->venue.price_scale, &m->whole_floor);
	(void)fixed_parse(dash + 1, strlen(dash + 1), m->venue.price_scale, &m->whole_ceil);
}

void asks_on_reply(struct collector_core *c, const struct collector_reply *r)
{
	uint32_t slot = (uint32_t)(r->id & 0xffff);
	struct market *m = slot > 0 && slot <= c->set.n_markets ? &c->markets[slot - 1] : NULL;

	if (r->id != 0 && r->id == c->describe_request) {
		on_instruments(c, r);
		return;
	}
	if (r->id != 0 && r->id == c->join_request) {
		table_on_reply(c, r);
		return;
	}
	if (m != NULL && r->id == m->klines_request) {
		struct venue_input in = {.ask = VENUE_ASK_KLINES,
					 .market = &m->venue,
					 .limit = c->set.klines_limit,
					 .interval = c->set.kline_interval};
		int64_t before = m->kline_open_at;
		m->klines_request = 0;
		m->kline_oldest = 0;
		klines_done(c, m, asks_read(c, r, &in), before); /* what failed is counted there */
		return;
	}
	if (m != NULL && r->id == m->fill_request) {
		fill_on_reply(c, m, r);
		return;
	}
	if (m == NULL || r->id != m->request || !has_asked(m)) {
		c->count.replies_unasked++;
		return;
	}
	struct venue_input in = {.ask = VENUE_ASK_SNAPSHOT, .market = &m->venue, .limit = c->set.snapshot_limit};
	read_whole(m, r->whole);
	if (asks_read(c, r, &in) < 0)
		asks_failed(c, m);
	else if (c->set.poll_ns > 0)
		feed_heard(c, m, VENUE_DEPTH_STREAM);
}
