/* polled - trades of markets without a stream: asked for over and over, each published once.
 *
 *     (none) --open (polled_start)--> DUE --paced (polled_ask)--> ASKED --page (polled_on_reply)--> DUE, a poll later
 *     ASKED --no answer, or none that can be read--> DUE, later each time; after POLLED_FAILURES blind, on record
 *
 * A page has the newest trades down to a margin before the newest one that is known, all in the venue's time: trades
 * may be listed late, and what has been published is known by its key. A full page that does not reach back to there
 * leaves a gap on record. The first page of all only shows where the past ends. The first one behind a loss or a
 * restart has trades of the time when nobody was here: they are trade_backfill, as those that a stream has missed
 * (recall.c). Where an earlier life had published trades behind its last snapshot their keys are gone with it: then the
 * time is a gap, so that nothing is published twice.
 */
#include <string.h>

#include "services/collector/state.h"

#define SECOND 1000000000LL
#define POLLED_MARGIN_NS (10 * SECOND)
#define POLLED_CLOCK_NS (2 * SECOND) /* behind a request's time all trades are taken to be listed: candles close */
#define POLLED_FAILURES 4

static void due_in(struct collector_core *c, struct market *m, int64_t ns)
{
	m->fill_request = 0;
	m->fill_at = after(c->now, ns);
	arm(c, m->fill_at);
}

static void go_blind(struct collector_core *c, struct market *m, enum gap_cause cause)
{
	int64_t good_at = m->polled->good_at, told = m->trade_blind.to; /* no time is told twice */
	struct gap g = {.market = m,
			.on = connection_of(c, m, VENUE_TRADE_STREAM),
			.stream = "trade",
			.cause = cause,
			.from = good_at > told ? good_at : told};

	if (m->trade_blind.open || good_at == 0)
		return;
	m->trade_blind = (struct blind){.open = true, .cause = (uint8_t)cause, .from = g.from};
	emit_blind(c, &g);
}

void polled_start(struct collector_core *c, struct market *m)
{
	struct polled *p = m->polled;

	if (p == NULL)
		return;
	const struct connection *conn = connection_of(c, m, VENUE_TRADE_STREAM);
	go_blind(c, m, conn->cause != 0 ? (enum gap_cause)conn->cause : gap_cause_restart);
	if (p->stale || c->set.fill_max == 0) {
		p->begun = p->stale = false;
		p->newest = 0;
		p->n_seen = 0;
	}
	p->opened = true;
	p->live_from = c->now;
	m->fill_failures = 0;
	due_in(c, m, 0);
}

void polled_stop(struct market *m)
{
	if (m->polled == NULL)
		return;
	m->fill_request = 0;
	m->fill_at = CORE_NEVER;
}

void polled_on_own(struct market *m, const struct event *ev)
{
	if (m->polled != NULL && ev->ts_recv > m->polled->read_at)
		m->polled->stale = true;
}

/* Without a snapshot of a life that followed it nobody knows when it was asked for last: within the longest silence. */
void polled_resume(struct collector_core *c, struct market *m)
{
	struct polled *p = m->polled;

	if (p == NULL || p->good_at != 0 || !m->named)
		return;
	p->stale = true;
	p->good_at = c->now > c->set.silence_ns ? c->now - c->set.silence_ns : 1;
}

static void failed(struct collector_core *c, struct market *m)
{
	if (++m->fill_failures == POLLED_FAILURES)
		go_blind(c, m, gap_cause_disconnect);
	due_in(c, m, asks_retry_delay(m->fill_failures));
}

void polled_ask(struct collector_core *c, struct market *m)
{
	const struct venue_market *markets[] = {&m->venue};
	struct polled *p = m->polled;

	p->since = p->newest > POLLED_MARGIN_NS ? p->newest - POLLED_MARGIN_NS : 0;
	struct venue_request r = {.ask = VENUE_ASK_TRADES,
				  .markets = markets,
				  .n = 1,
				  .limit = c->set.venue->recall_max,
				  .from = p->since};
	m->fill_at = CORE_NEVER;
	m->fill_asked_at = c->now;
	m->fill_request = asks_id(c, m);
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, m->fill_request) < 0)
		failed(c, m);
}

void polled_on_timer(struct collector_core *c, struct market *m)
{
	failed(c, m);
}

/* ---- a page ---- */

/* A page that needed more decimals is read again from its beginning. */
void polled_on_trade(struct collector_core *c, const struct market *m, const struct venue_trade *t)
{
	struct trade_page *page = c->page;

	if (page->price_scale != m->venue.price_scale || page->qty_scale != m->venue.qty_scale)
		*page = (struct trade_page){.price_scale = m->venue.price_scale,
					    .qty_scale = m->venue.qty_scale,
					    .oldest = INT64_MAX,
					    .row = page->row};
	if (page->n == c->set.venue->recall_max)
		return;
	page->row[page->n++] = *t;
	page->oldest = t->at < page->oldest ? t->at : page->oldest;
}

static bool is_known(struct polled *p, const struct venue_trade *t)
{
	for (uint32_t i = 0; i < p->n_seen; i++)
		if (p->seen[i].key == t->key)
			return true;
	if (p->n_seen == POLLED_SEEN)
		memmove(p->seen, p->seen + 1, (--p->n_seen) * sizeof(p->seen[0]));
	p->seen[p->n_seen++] = (struct polled_seen){t->at, t->key};
	return false;
}

/* What is older will not be looked at again. */
static void forget_old(struct polled *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->n_seen; i++)
		if (p->seen[i].at >= p->newest - POLLED_MARGIN_NS)
			p->seen[kept++] = p->seen[i];
	p->n_seen = kept;
}

static void take(struct collector_core *c, struct market *m, const struct venue_trade *t)
{
	struct polled *p = m->polled;
	bool old = p->opened && t->at < p->live_from;

	if (t->at < p->since || is_known(p, t))
		return;
	if (old && p->begun) {
		c->count.trades_filled++;
		fill_emit(c, m, t);
	} else if (!old) {
		tape_on_trade(c, m, &(struct venue_message){.kind = VENUE_TRADE, .trade = *t});
	}
	/* One from the future must not hide what comes until then. */
	int64_t at = t->at < c->now ? t->at : c->now;
	p->newest = at > p->newest ? at : p->newest;
}

/* What was not seen between two pages, or while nobody was there. */
static void tell_gap(struct collector_core *c, struct market *m, bool whole)
{
	const struct polled *p = m->polled;

	if (!whole && p->begun)
		go_blind(c, m, gap_cause_sequence);
	if (!m->trade_blind.open)
		return;
	struct gap g = {.market = m,
			.on = connection_of(c, m, VENUE_TRADE_STREAM),
			.stream = "trade",
			.cause = (enum gap_cause)m->trade_blind.cause,
			.repair = !whole      ? repair_nothing
				  : p->opened ? repair_backfill
					      : repair_none_missed,
			.from = m->trade_blind.from,
			.to = p->opened ? p->live_from : c->now};
	m->trade_blind.open = false;
	m->trade_blind.to = g.to;
	c->count.trade_gaps += !whole;
	emit_gap(c, &g);
	if (g.repair != repair_none_missed)
		candles_on_gap(&m->candles, m->trade_time != 0 ? m->trade_time : g.from, g.to);
}

void polled_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *reply)
{
	struct venue_input in = {.ask = VENUE_ASK_TRADES, .market = &m->venue, .limit = c->set.venue->recall_max};
	struct polled *p = m->polled;

	m->fill_request = 0;
	c->page->n = 0;
	c->page->oldest = INT64_MAX;
	if (asks_read(c, reply, &in) < 0) {
		failed(c, m);
		return;
	}
	bool full = c->page->n == c->set.venue->recall_max;
	feed_heard(c, m, VENUE_TRADE_STREAM);
	tell_gap(c, m, p->begun && !(full && c->page->oldest > p->newest));
	for (uint32_t i = c->page->n; i > 0; i--) /* the oldest first */
		take(c, m, &c->page->row[i - 1]);
	forget_old(p);
	p->begun = true;
	p->opened = false;
	p->good_at = m->fill_asked_at;
	p->read_at = c->now;
	m->fill_failures = 0;
	tape_on_known(c, m, p->good_at - POLLED_CLOCK_NS);
	due_in(c, m, c->set.poll_ns);
}
