/* recall - trades that were missed, fetched afterwards by their time, where their ids do not count.
 *
 * Nobody can tell how many are missing, so the whole blind time is asked for, page by page from its end to its
 * beginning. At both ends the venue's clock and ours differ, and trades are on their way: the span asked for reaches
 * further, is asked for a while later, and what the stream has brought is known by its key. Where the venue does not
 * reach back to the beginning there are two gaps: what stays missing, and what was fetched.
 *
 *     (none) --the connection sees again (recall_begin)--> WAITS --RECALL_WAIT_NS, paced--> ASKED
 *     ASKED --a full page that reaches further back--> ASKED    --the last one, or no further--> (none)
 *     ASKED --no answer--> WAITS, 1, 2, 4 s; after RECALL_FAILURES of them (none)
 *
 * Not kept over a restart: the market's trade_blind is, and the next life asks for all of it.
 */
#include <string.h>

#include "services/collector/state.h"

#define SECOND 1000000000LL
#define RECALL_MARGIN_NS (2 * SECOND)
#define RECALL_WAIT_NS (5 * SECOND)
#define RECALL_FAILURES 4

static bool is_known(struct recall *r, uint64_t key)
{
	for (size_t i = 0; i < RECALL_KEYS; i++)
		if (r->key[i] == key)
			return true;
	r->key[r->next_key++ % RECALL_KEYS] = key;
	return false;
}

void recall_saw(struct market *m, const struct venue_trade *t)
{
	if (m->recall != NULL && t->key != 0)
		(void)is_known(m->recall, t->key);
}

static void later(struct collector_core *c, struct market *m, int64_t ns)
{
	m->fill_request = 0;
	m->fill_at = after(c->now, ns);
	arm(c, m->fill_at);
}

void recall_begin(struct collector_core *c, struct market *m, const struct gap *g)
{
	struct recall *r = m->recall;

	if (!m->trade_blind.open) {
		m->trade_blind = (struct blind){.open = true, .cause = (uint8_t)g->cause, .from = g->from};
		if (c->out != NULL)
			emit_blind(c, g);
	}
	m->trade_blind.to = g->to;
	if (c->out == NULL || c->set.fill_max == 0) /* the past is being told; or nobody wants them */
		return;
	if (!r->open)
		r->got = 0;
	r->open = true;
	r->since = m->trade_blind.from - (r->next_key > 0 ? RECALL_MARGIN_NS : 0);
	r->reached = after(g->to, RECALL_MARGIN_NS);
	m->fill_failures = 0;
	later(c, m, RECALL_WAIT_NS);
}

void recall_drop(struct market *m)
{
	m->recall->open = false;
	m->fill_request = 0;
	m->fill_at = CORE_NEVER;
}

/* Known from `reached` on. */
static void close_at(struct collector_core *c, struct market *m, int64_t reached)
{
	struct gap g = {.market = m,
			.on = connection_of(c, m, VENUE_TRADE_STREAM),
			.stream = "trade",
			.cause = (enum gap_cause)m->trade_blind.cause,
			.repair = repair_backfill,
			.from = m->trade_blind.from,
			.to = m->trade_blind.to};

	recall_drop(m);
	m->trade_blind.open = false;
	c->count.trades_filled += m->recall->got;
	if (reached > g.from) {
		struct gap lost = g;
		lost.repair = repair_nothing;
		lost.to = reached < g.to ? reached : g.to;
		emit_gap(c, &lost);
		g.from = lost.to;
	}
	if (g.from < g.to)
		emit_gap(c, &g);
}

static void failed(struct collector_core *c, struct market *m)
{
	if (++m->fill_failures >= RECALL_FAILURES)
		close_at(c, m, m->recall->reached);
	else
		later(c, m, SECOND << (m->fill_failures - 1));
}

void recall_ask(struct collector_core *c, struct market *m)
{
	const struct venue_market *markets[] = {&m->venue};
	struct recall *own = m->recall;
	struct venue_request r = {.ask = VENUE_ASK_TRADES,
				  .markets = markets,
				  .n = 1,
				  .limit = c->set.venue->recall_max,
				  .from = own->since,
				  .to = own->reached};

	own->rows = 0;
	own->oldest = own->reached;
	m->fill_at = CORE_NEVER;
	m->fill_asked_at = c->now;
	m->fill_request = asks_id(c, m);
	arm(c, after(c->now, c->set.reply_ns));
	if (asks_send(c, &r, m->fill_request) < 0)
		failed(c, m);
}

void recall_on_timer(struct collector_core *c, struct market *m)
{
	m->fill_request = 0;
	failed(c, m);
}

void recall_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *reply)
{
	struct recall *r = m->recall;
	struct venue_input in = {.ask = VENUE_ASK_TRADES, .market = &m->venue, .limit = c->set.venue->recall_max};

	m->fill_request = 0;
	if (asks_read(c, reply, &in) < 0) {
		failed(c, m);
		return;
	}
	m->fill_failures = 0;
	bool more = r->rows >= c->set.venue->recall_max && r->oldest > r->since;
	bool further = r->oldest < r->reached;
	r->reached = r->oldest;
	if (more && further && r->got < c->set.fill_max)
		later(c, m, 0);
	else
		close_at(c, m, more ? r->reached : 0);
}

void recall_on_trade(struct collector_core *c, struct market *m, const struct venue_trade *t)
{
	struct recall *r = m->recall;

	r->rows++;
	if (t->at < r->oldest)
		r->oldest = t->at;
	if (!r->open || t->at < r->since || t->at > r->reached || is_known(r, t->key))
		return;
	r->got++;
	fill_emit(c, m, t);
}
