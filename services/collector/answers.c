/* answers - has the venue answered each text that subscribes to something?
 *
 * A text that gets lost, or that a venue drops without a word, leaves its streams blind, and nothing else would show
 * it: books ask for their snapshots again, trades and candles only stay away. So answers are counted:
 *
 *     opened --all came, none refused--> told: over
 *     opened --answer_ns passed, some are missing (answers_on_timer)--> the first time a new connection; after that
 *                                               people are told, and it is left as it is: its data may flow
 *     opened --a refusal that names no market (answers_on_notice)--> people are told
 *
 * A refusal is an answer. What names a market is that market's (depth_trouble).
 */
#include <stdio.h>

#include "services/collector/state.h"

#define SECOND 1000000000LL

static uint32_t number_of(const struct collector_core *c, const struct connection *conn)
{
	return (uint32_t)(conn - c->connections);
}

/* That it is over is said each time: people may have been told by a life before this one. */
static void tell(struct collector_core *c, struct connection *conn, bool on, const char *text)
{
	if (on && conn->answers.told)
		return;
	conn->answers.told = on;
	if (c->actions.subscription != NULL)
		c->actions.subscription(c->actions.ctx, number_of(c, conn), on, text);
}

void answers_expect(struct collector_core *c, struct connection *conn)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	const struct venue *v = c->set.venue;
	struct answers *a = &conn->answers;
	struct venue_feed feed;

	a->had = 0;
	a->due = 0;
	a->refused = false;
	a->by = CORE_NEVER;
	if (c->set.answer_ns == 0 || v->stream_answers == NULL)
		return;
	collector_core_feed(c, number_of(c, conn), markets, &feed);
	a->due = v->stream_answers(&feed);
	/* Texts go out as fast as the venue takes them. */
	int64_t sending = a->due * SECOND / (c->set.messages_per_s > 1 ? c->set.messages_per_s - 1 : 1);
	if (a->due > 0)
		a->by = after(after(c->now, c->set.answer_ns), sending);
	arm(c, a->by);
}

void answers_on_notice(struct collector_core *c, struct connection *conn, const struct venue_notice *n, bool named)
{
	struct answers *a = &conn->answers;
	char text[EVENT_TEXT_MAX];

	a->had += n->answers;
	if (n->kind == VENUE_NOTICE_REFUSED && !named) {
		a->refused = true;
		snprintf(text, sizeof(text), "the venue refuses a subscription: %.120s", n->text);
		tell(c, conn, true, text);
	}
	if (a->by == CORE_NEVER || a->had < a->due)
		return;
	a->by = CORE_NEVER;
	a->missed = 0;
	if (!a->refused)
		tell(c, conn, false, "the venue has answered every subscription");
}

int64_t answers_due(const struct connection *conn)
{
	return conn->up && conn->answers.due > 0 ? conn->answers.by : CORE_NEVER;
}

void answers_on_timer(struct collector_core *c, struct connection *conn)
{
	struct answers *a = &conn->answers;
	char text[EVENT_TEXT_MAX];

	if (answers_due(conn) > c->now)
		return;
	a->by = CORE_NEVER;
	if (a->refused) /* perhaps of all of it, in one answer: told already */
		return;
	c->count.unanswered += a->due - a->had;
	snprintf(text, sizeof(text), "%u of %u subscriptions were not answered", a->due - a->had, a->due);
	if (a->missed++ == 0)
		c->actions.reconnect(c->actions.ctx, number_of(c, conn), text);
	else
		tell(c, conn, true, text);
}
