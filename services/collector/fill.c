/* fill - trades that were missed, fetched afterwards by their ids, where the venue allows it.
 *
 * A hole in the ids is put on record at once (blind), asked for page by page, and closed with one gap: backfill where
 * some of it was fetched; what stays missing is counted in it. What is fetched goes out as trade_backfill, an event of
 * its own: no strategy and no fill ever takes it for the market.
 *
 *     (none) --hole (fill_hole)--> WAITS --paced (fill_ask)--> ASKED --page (fill_on_reply)--> WAITS, or closed
 *     ASKED --no or unusable reply--> WAITS, later; after FILL_FAILURES of them closed
 */
#include <string.h>

#include "common/base/err.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL
#define FILL_FAILURES 4
#define FILL_RETRY_NS SECOND /* 1, 2, 4 s */

static void drop_first(struct market *m)
{
	memmove(m->hole, m->hole + 1, (--m->n_holes) * sizeof(m->hole[0]));
	m->fill_failures = 0;
}

static void close_first(struct collector_core *c, struct market *m)
{
	const struct hole hole = m->hole[0];
	uint64_t all = hole.last - hole.first + 1;

	drop_first(m);
	m->fill_at = m->n_holes > 0 ? c->now : CORE_NEVER;
	arm(c, m->fill_at);
	c->count.trades_filled += hole.got;
	emit_gap(c, &(struct gap){.market = m,
				  .on = connection_of(c, m, VENUE_TRADE_STREAM),
				  .stream = "trade",
				  .cause = (enum gap_cause)hole.cause,
				  .repair = hole.got > 0 ? repair_backfill : repair_nothing,
				  .from = hole.from,
				  .to = hole.to,
				  .first = hole.first,
				  .last = hole.last,
				  .missing = all - hole.got});
}

void fill_drop(struct collector_core *c, struct market *m)
{
	if (m->recall != NULL)
		recall_drop(m);
	polled_stop(m);
	while (m->n_holes > 0)
		close_first(c, m);
}

static bool can_fill(const struct collector_core *c, const struct market *m, const struct gap *g)
{
	return c->set.venue->trades_max > 0 && g->first != 0 && g->last >= g->first &&
	       g->last - g->first < c->set.fill_max && m->n_holes < HOLES_MAX;
}

void fill_hole(struct collector_core *c, struct market *m, const struct gap *g)
{
	if (!can_fill(c, m, g)) {
		emit_gap(c, g);
		return;
	}
	emit_blind(c, g);
	m->hole[m->n_holes++] = (struct hole){.cause = (uint8_t)g->cause,
					      .from = g->from,
					      .to = g->to,
					      .first = g->first,
					      .last = g->last,
					      .next = g->first};
	if (m->n_holes == 1)
		m->fill_at = c->now;
	arm(c, m->fill_at);
}

/* ---- another life ---- */

void fill_on_own_blind(struct collector_core *c, struct market *m, const struct event *ev)
{
	const struct ev_blind *b = &ev->blind;

	if (c->set.venue->trades_max == 0 || m->n_holes == HOLES_MAX || b->last_missing < b->first_missing)
		return;
	m->trade_blind.open = false;
	m->hole[m->n_holes++] = (struct hole){.cause = b->cause,
					      .from = b->from,
					      .to = ev->ts_recv,
					      .first = b->first_missing,
					      .last = b->last_missing,
					      .next = b->first_missing};
}

bool fill_on_own_gap(struct market *m, const struct ev_gap *g)
{
	for (uint32_t i = 0; i < m->n_holes; i++) {
		if (m->hole[i].first != g->first_missing || m->hole[i].from != g->from)
			continue;
		memmove(m->hole + i, m->hole + i + 1, (--m->n_holes - i) * sizeof(m->hole[0]));
		return true;
	}
	return false;
}

void fill_resume(struct collector_core *c, struct market *m)
{
	m->fill_request = 0;
	m->fill_failures = 0;
	m->fill_at = m->n_holes > 0 ? c->now : CORE_NEVER;
	for (uint32_t i = 0; i < m->n_holes; i++) { /* pages of before may have been published, or not */
		m->hole[i].next = m->hole[i].first;
		m->hole[i].got = 0;
	}
}

/* ---- asking ---- */

static void failed(struct collector_core *c, struct market *m)
{
	m->fill_request = 0;
	if (++m->fill_failures >= FILL_FAILURES) {
		close_first(c, m);
		return;
	}
	m->fill_at = after(c->now, FILL_RETRY_NS << (m->fill_failures - 1));
	arm(c, m->fill_at);
}

void fill_ask(struct collector_core *c, struct market *m)
{
	if (m->recall != NULL || m->polled != NULL) {
		(m->recall != NULL ? recall_ask : polled_ask)(c, m);
		return;
	}
	const struct venue_market *markets[] = {&m->venue};
	const struct hole *hole = &m->hole[0];
	uint64_t left = hole->last - hole->next + 1;
	struct venue_request r = {
		.ask = VENUE_ASK_TRADES,
		.markets = markets,
		.n = 1,
		.limit = left < c->set.venue->trades_max ? (uint32_t)left : c->set.venue->trades_max,
		.from_id = hole->next,
	};

	m->fill_at = CORE_NEVER;
	m->fill_asked_at = c->now;
	m->fill_request = asks_id(c, m);
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, m->fill_request) < 0)
		failed(c, m);
}

void fill_on_timer(struct collector_core *c, struct market *m)
{
	if (m->fill_request == 0 || c->now < after(m->fill_asked_at, c->set.reply_ns))
		return;
	c->count.replies_failed++;
	(m->recall != NULL ? recall_on_timer : m->polled != NULL ? polled_on_timer : failed)(c, m);
}

int64_t fill_due(const struct collector_core *c, const struct market *m)
{
	return m->fill_request != 0 ? after(m->fill_asked_at, c->set.reply_ns) : CORE_NEVER;
}

void fill_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *r)
{
	if (m->recall != NULL || m->polled != NULL) {
		(m->recall != NULL ? recall_on_reply : polled_on_reply)(c, m, r);
		return;
	}
	struct venue_input in = {.ask = VENUE_ASK_TRADES, .market = &m->venue, .limit = c->set.venue->trades_max};
	uint64_t next = m->hole[0].next;

	m->fill_request = 0;
	int rc = asks_read(c, r, &in);
	if (rc < 0 || m->hole[0].next == next) {
		failed(c, m);
		return;
	}
	m->fill_failures = 0;
	if (m->hole[0].next > m->hole[0].last) {
		close_first(c, m);
		return;
	}
	m->fill_at = c->now;
	arm(c, m->fill_at);
}

void fill_emit(struct collector_core *c, const struct market *m, const struct venue_trade *t)
{
	struct event *ev = begin(c, EVENT_trade_backfill, m, t->at);
	ev->trade_backfill = (struct ev_trade_backfill){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.price = t->price,
		.qty = t->qty,
		.aggressor = t->aggressor,
		.trade_id = t->last_id,
	};
	emit(c);
}

void fill_on_trade(struct collector_core *c, struct market *m, const struct venue_trade *t)
{
	if (m->recall != NULL) {
		recall_on_trade(c, m, t);
		return;
	}
	if (m->polled != NULL) {
		polled_on_trade(c, m, t);
		return;
	}
	struct hole *hole = m->n_holes > 0 ? &m->hole[0] : NULL;

	if (hole == NULL || t->first_id < hole->next)
		return;
	if (t->first_id > hole->last) { /* the venue has none of those any more */
		hole->next = hole->last + 1;
		return;
	}
	hole->next = t->last_id + 1;
	hole->got++;
	fill_emit(c, m, t);
}
