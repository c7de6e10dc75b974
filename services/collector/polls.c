/* polls - instruments that have no stream: asked for their candles when one has closed, each on its own.
 *
 *   (start) --instruments known, or POLL_WAIT_NS--> DUE
 *   DUE --due, and the venue's budget allows it--> ASKED
 *   ASKED --the awaited candle is there--> DUE, candles_delay after the end of the next interval
 *   ASKED --a good answer without it--> DUE after 1, 2, 4 s; then the interval is taken for an idle one, which is
 *           healthy: DUE as if it had come
 *   ASKED --no answer, or none that can be read--> DUE after 1, 2, 4 s, then twice as long each time, up to 5 minutes
 *
 * Where the venue has no candle for an interval without a trade (klines_sparse), how far it is known is where the last
 * answered span ended, and the last intervals are asked for once more: their candles may come late. Where it has prices
 * alone (klines_are_prices), the awaited one is the first at the interval's end or behind it.
 *
 * Whoever is behind asks for everything since the last candle it has, so that nothing is missing afterwards. When one
 * fails and others are answered, that one is in trouble; when nobody is answered, the feed is lost. Each change of a
 * due time is published (event candle_due).
 */
#include <string.h>

#include "common/base/err.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL
#define POLL_WAIT_NS (10 * SECOND) /* for the instruments' scales */
#define POLL_RETRIES 3             /* after 1, 2, 4 s */
#define POLL_BACKOFF_MAX_NS (300 * SECOND)
#define POLL_ROWS_MAX 1000
#define POLL_LATE 2 /* intervals */

static int64_t retry_delay(uint32_t failures)
{
	int64_t delay = SECOND;

	for (uint32_t i = 1; i < failures && delay < POLL_BACKOFF_MAX_NS; i++)
		delay *= 2;
	return delay < POLL_BACKOFF_MAX_NS ? delay : POLL_BACKOFF_MAX_NS;
}

/* End of the last interval that is over. */
static int64_t last_end(const struct collector_core *c)
{
	return candle_open(c->now, c->set.candles_only_ns);
}

static void publish(struct collector_core *c, const struct market *m, const char *reason)
{
	struct event *ev = begin(c, EVENT_candle_due, m, 0);

	ev->candle_due.instrument = m->venue.symbol;
	event_set_name(ev->candle_due.interval, c->set.kline_interval);
	ev->candle_due.due_at = m->klines_at;
	ev->candle_due.answered_at = m->poll.good_at;
	ev->candle_due.candle_at = m->kline_open_at;
	ev->candle_due.failures = m->poll.failures;
	event_set_name(ev->candle_due.reason, reason);
	emit(c);
}

static void set_due(struct collector_core *c, struct market *m, int64_t at, const char *reason)
{
	m->klines_at = at;
	arm(c, at);
	publish(c, m, reason);
}

void polls_start(struct collector_core *c)
{
	for (uint32_t i = 0; c->set.candles_only_ns > 0 && i < c->set.n_markets; i++) {
		if (!is_used(&c->markets[i]))
			continue;
		c->markets[i].klines_request = 0;
		set_due(c, &c->markets[i], after(c->now, POLL_WAIT_NS), "starting");
	}
}

void polls_on_instruments(struct collector_core *c)
{
	for (uint32_t i = 0; c->set.candles_only_ns > 0 && i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		bool began = m->klines_request != 0 || m->poll.good_at != 0 || m->poll.failures > 0;
		if (is_used(m) && !began && m->klines_at > c->now)
			set_due(c, m, c->now, "starting");
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Up to where the newest one reaches: a price is of one moment. */
static int64_t reached(const struct collector_core *c, const struct market *m)
{
	if (m->kline_open_at == 0 || c->set.venue->klines_are_prices)
		return m->kline_open_at;
	return candle_end(m->kline_open_at, c->set.candles_only_ns);
}

static void fill_span(const struct collector_core *c, struct market *m, struct venue_request *r)
{
	struct poll *p = &m->poll;
	bool prices = c->set.venue->klines_are_prices;
	int64_t length = c->set.candles_only_ns, late = p->known - POLL_LATE * length;
	int64_t warm = r->limit > 2 ? r->limit : 2, most = c->set.venue->klines_span_ns;

	p->from = m->kline_open_at != 0 ? reached(c, m) + prices : p->end - warm * length;
	p->from = p->known != 0 && late > p->from ? late : p->from;
	p->to = after(p->from, POLL_ROWS_MAX * length);
	p->to = most > 0 ? earlier(p->to, after(p->from, most)) : p->to;
	p->to = earlier(p->to, prices ? after(c->now, 1) : p->end);
	if (p->from >= p->to) /* another clock's candle: the awaited one is asked for all the same */
		p->from = p->to - length;
	r->from = p->from;
	r->to = p->to - 1;
	r->limit = (uint32_t)((p->to - p->from + length - 1) / length);
}

/* What has closed since the last candle; at the start as much as strategies need to be warm. */
void polls_fill(struct collector_core *c, struct market *m, struct venue_request *r)
{
	m->poll.end = last_end(c);
	if (c->set.venue->klines_sparse) {
		fill_span(c, m, r);
		return;
	}
	if (m->kline_open_at == 0) {
		r->limit = r->limit > 2 ? r->limit : 2;
		return;
	}
	r->from = candle_end(m->kline_open_at, c->set.candles_only_ns);
	int64_t rows = (c->now - r->from) / c->set.candles_only_ns + 2;
	r->limit = (uint32_t)(rows < 2 ? 2 : rows < POLL_ROWS_MAX ? rows : POLL_ROWS_MAX);
}

/* ---- who fails ---- */

static struct connection *feed_of(struct collector_core *c, const struct market *m)
{
	return connection_of(c, m, VENUE_KLINE_STREAM);
}

static void tell_good(struct collector_core *c, struct market *m)
{
	struct connection *conn = feed_of(c, m);

	m->poll.failures = 0;
	m->poll.good_at = c->polled_at = conn->frame_at = c->now;
	core_feed(c, conn, feed_live, NULL);
	ledger_follow(c, conn);
	ledger_see(c, conn);
	ledger_on_klines(c, m, m->kline_oldest);
	if (m->troubled)
		depth_trouble(c, m, NULL);
}

/* Others were answered since: it is this one alone. */
static void lose_market(struct collector_core *c, struct market *m)
{
	struct gap g = {.market = m,
			.on = feed_of(c, m),
			.stream = "kline",
			.cause = gap_cause_disconnect,
			.from = m->poll.good_at != 0 ? m->poll.good_at : m->poll.failed_at};

	if (!m->kline_blind.open) {
		m->kline_blind = (struct blind){.open = true, .cause = (uint8_t)g.cause, .from = g.from};
		emit_blind(c, &g);
	}
	if (!m->troubled)
		depth_trouble(c, m, "its candles cannot be had from the venue");
}

static void tell_bad(struct collector_core *c, struct market *m)
{
	struct connection *conn = feed_of(c, m);

	if (m->poll.failures++ == 0)
		m->poll.failed_at = c->now;
	if (m->poll.failures <= POLL_RETRIES)
		return;
	if (c->polled_at >= m->poll.failed_at) {
		lose_market(c, m);
		return;
	}
	ledger_go_blind(c, conn, gap_cause_disconnect);
	ledger_lose_streams(c, conn);
	core_feed(c, conn, feed_lost, "no candles from the venue");
}

/* One of the future, by a clock that is ahead, comes again when it is none any more. */
void polls_on_price(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	if (!c->set.venue->klines_are_prices || msg->time <= m->kline_open_at || msg->time > c->now) {
		c->count.ignored++;
		return;
	}
	m->kline_open_at = msg->time;
	struct event *ev = begin(c, EVENT_mark, m, msg->time);
	ev->mark = (struct ev_mark){.instrument = m->venue.symbol,
				    .price_scale = VENUE_MARK_SCALE,
				    .cash_scale = VENUE_RATE_SCALE,
				    .mark = msg->mark.price};
	emit(c);
}

void polls_answered(struct collector_core *c, struct market *m, int rc, int64_t before)
{
	bool there = m->kline_open_at != 0 && reached(c, m) >= m->poll.end;
	bool moved = m->kline_open_at > before;

	if (rc < 0) {
		tell_bad(c, m);
		set_due(c, m, after(c->now, retry_delay(m->poll.failures)), "no answer");
		return;
	}
	if (c->set.venue->klines_sparse) {
		m->kline_oldest = m->poll.from; /* all from there on is known */
		m->poll.known = earlier(m->poll.to, m->poll.end);
		moved = m->poll.known < m->poll.end;
	}
	tell_good(c, m);
	if (!there && moved) {
		m->poll.empty = 0;
		set_due(c, m, c->now, "far behind");
	} else if (!there && m->poll.empty < POLL_RETRIES) {
		set_due(c, m, after(c->now, retry_delay(++m->poll.empty)), "no candle yet");
	} else {
		int64_t next = after(candle_end(m->poll.end, c->set.candles_only_ns), c->set.candles_delay_ns);
		m->poll.empty = 0;
		set_due(c, m, next > c->now ? next : c->now, there ? "on time" : "idle");
	}
}
