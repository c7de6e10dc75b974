/* gateway_clock - the venue's time, by which requests are stamped: measured against a clock that nobody can set. */
#include "services/executor/gateway.h"

#define EVERY INT64_C(60000000000)
#define AGAIN INT64_C(2000000000)

static bool is_worn(const struct gateway *g, int64_t now)
{
	return offset_worn(&g->clock.offset, now - g->clock.at) > GATEWAY_CLOCK_MAX;
}

bool gateway_clock_next(struct gateway *g, int64_t now, struct gateway_request *ret)
{
	struct gateway_clock *c = &g->clock;
	if (c->known && is_worn(g, now)) {
		c->known = false;
		gateway_trouble(g, "The venue has not told its time for too long.");
	}
	if (c->asked || now < c->due)
		return false;
	*ret = (struct gateway_request){.ask = GATEWAY_ASK_TIME, .at = now};
	ret->question.symbol = ret->question.client_id = "";
	c->asked = true;
	return true;
}

/* The answer is of a moment between question and now. */
void gateway_clock_reply(struct gateway *g, int64_t now, const struct gateway_request *q, const struct gateway_reply *a)
{
	struct gateway_clock *c = &g->clock;
	struct offset_sample s = {.sent = q->at, .received = now, .cut = OFFSET_MS};
	c->asked = false;
	c->due = now + AGAIN;
	if (a->status != 200 || offset_read(a->body.at, a->body.len, g->set.venue->time_key, &s.venue) != 0) {
		if (!c->known)
			gateway_trouble(g, "The venue does not tell its time (status %d).", a->status);
		return;
	}
	struct offset o = offset_of(&s);
	if (c->known)
		o = offset_join(&c->offset, &o, now - c->at);
	if (o.known > GATEWAY_CLOCK_MAX) {
		if (!c->known)
			gateway_trouble(g, "The venue takes too long to tell its time.");
		return;
	}
	bool news = !c->known;
	c->offset = o;
	c->at = now;
	c->due = now + EVERY;
	c->known = true;
	g->counters.clock_told++;
	if (news)
		gateway_trouble_over(g);
}

/* What was measured before is forgotten: this machine slept, say, and the clock stood. */
void gateway_clock_off(struct gateway *g)
{
	g->counters.clock_refused++;
	g->clock.known = false;
	g->clock.due = 0;
	gateway_trouble(g, "The venue refuses our time (its window is %lld ms): it is asked for its own again.",
			(long long)(g->set.window_ns / OFFSET_MS));
}

int64_t gateway_venue_time(const struct gateway *g, int64_t now)
{
	return now - g->clock.offset.ns;
}
