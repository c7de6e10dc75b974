/* test_polls_prices - polling a venue that tells prices of the past and no candles (Polymarket), on a simulated clock:
 * each price once, by its own time, none made up; and each asked for within the span that the venue allows.
 */
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define HOUR (3600 * NS)
#define DAY (24 * HOUR)
#define T0 (1700006400LL * NS + 20 * NS) /* twenty seconds into an hour */
#define BEHIND (6 * NS)                  /* a point's time, behind the full hour */

static const struct collector_market one[] = {{"1234567890", 0, VENUE_KLINE_STREAM}};

static struct {
	int status;
	bool silent; /* no points */
	bool ahead;  /* one more point, of tomorrow */
	uint32_t answered, asked;
} sim;

static struct {
	uint32_t marks, others, lost, gaps, repaired;
	int64_t last, due;
	char reason[EVENT_NAME_MAX];
} seen;

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_mark) {
		assert_string_equal(ev->mark.instrument.s, "1234567890.POLYMARKET");
		assert_int_equal(ev->ts_event % HOUR, BEHIND);
		assert_true(ev->ts_event > seen.last && ev->ts_event <= ev->ts_recv);
		assert_true(seen.last == 0 || ev->ts_event == seen.last + HOUR);
		assert_int_equal(ev->mark.mark, ev->ts_event / HOUR % 1000 * 100000);
		assert_int_equal(ev->mark.price_scale, 8);
		assert_int_equal(ev->mark.index + ev->mark.settle + ev->mark.funding_rate + ev->mark.funding_at, 0);
		seen.last = ev->ts_event;
		seen.marks++;
	} else if (ev->id == EVENT_candle_due) {
		seen.due = ev->candle_due.due_at;
		snprintf(seen.reason, sizeof(seen.reason), "%s", ev->candle_due.reason);
	} else if (ev->id == EVENT_feed_state) {
		seen.lost += ev->feed_state.state == feed_lost;
	} else if (ev->id == EVENT_gap && strcmp(ev->gap.stream, "kline") == 0) {
		seen.gaps++;
		seen.repaired += ev->gap.repair == repair_klines;
	} else {
		seen.others += ev->id == EVENT_candle || ev->id == EVENT_trade;
	}
}

static int64_t number_in(const char *path, const char *key)
{
	const char *at = strstr(path, key);
	assert_non_null(at);
	return strtoll(at + strlen(key), NULL, 10);
}

/* A point an hour, as of six seconds behind it. */
static void answer(struct rig *r, int64_t now, uint32_t n)
{
	static char body[100000];
	const char *path = r->path[n % RIG_REQUESTS];
	struct collector_reply reply = {.now = now + NS / 20, .id = r->request[n % RIG_REQUESTS].id, .status = 500};

	if (strstr(path, "/prices-history?market=1234567890&") == NULL) {
		collector_core_on_reply(r->core, &reply, &r->sink);
		return;
	}
	int64_t from = number_in(path, "startTs=") * NS, to = number_in(path, "endTs=") * NS;
	sim.asked++;
	assert_int_equal(number_in(path, "fidelity="), 60);
	assert_true(from <= to);
	assert_true(to - from <= 14 * DAY);
	assert_true(to <= now + NS / 20);
	size_t len = (size_t)snprintf(body, sizeof(body), "{\"history\":[");
	const char *comma = "";
	for (int64_t at = from / HOUR * HOUR + BEHIND; !sim.silent && at <= to; at += HOUR) {
		if (at < from)
			continue;
		len += (size_t)snprintf(body + len, sizeof(body) - len, "%s{\"t\":%lld,\"p\":0.%03d}", comma,
					(long long)(at / NS), (int)(at / HOUR % 1000));
		comma = ",";
	}
	if (sim.ahead)
		len += (size_t)snprintf(body + len, sizeof(body) - len, "%s{\"t\":%lld,\"p\":0.999}", comma,
					(long long)((now + DAY) / NS));
	len += (size_t)snprintf(body + len, sizeof(body) - len, "]}");
	reply.status = sim.status;
	reply.body = body;
	reply.len = len;
	collector_core_on_reply(r->core, &reply, &r->sink);
}

static int64_t run(struct rig *r, int64_t now, int64_t until)
{
	for (;;) {
		while (sim.answered < r->n_requests)
			answer(r, now, sim.answered++);
		int64_t due = collector_core_next_due(r->core);
		if (due > until)
			return until;
		now = due > now ? due : now;
		collector_core_on_timer(r->core, now, &r->sink);
	}
}

static void open_rig(struct rig *r, int64_t delay)
{
	struct collector_core_settings s;

	memset(&sim, 0, sizeof(sim));
	memset(&seen, 0, sizeof(seen));
	sim.status = 200;
	collector_core_defaults(&s, venue_find("POLYMARKET", 10));
	s.markets = one;
	s.n_markets = 1;
	s.candles_only_ns = HOUR;
	s.candles_delay_ns = delay;
	s.klines_limit = 48;
	s.describe_ns = 0;
	s.ask_pace_ns = NS / 1000;
	snprintf(s.kline_interval, sizeof(s.kline_interval), "1h");
	rig_open(r, &s);
	r->on_event = watch;
	collector_core_start(r->core, T0, &r->sink);
}

/* One price an hour, asked for once where it is there by then, else when it is: nothing else is published. */
static void test_on_time(void **state)
{
	(void)state;
	for (int early = 0; early < 2; early++) {
		struct rig r;
		open_rig(&r, early ? 2 * NS : 15 * NS);
		run(&r, T0, T0 + 48 * HOUR);
		assert_int_equal(seen.marks, 48 + 1 + 48);
		assert_int_equal(seen.others + seen.lost + seen.gaps, 0);
		assert_string_equal(seen.reason, "on time");
		assert_int_equal(seen.due, T0 / HOUR * HOUR + 49 * HOUR + (early ? 2 * NS : 15 * NS));
		assert_int_equal(sim.asked, early ? 1 + 48 * 4 : 1 + 48); /* at 2, 3, 5 and 9 seconds, or at 15 */
		rig_close(&r);
	}
}

/* No price for days is idle; one of the future is left until it is none; then all of what was missed comes. */
static void test_idle_and_ahead(void **state)
{
	(void)state;
	struct rig r;
	int64_t now;

	open_rig(&r, 15 * NS);
	now = run(&r, T0, T0 + 5 * HOUR);
	uint32_t before = seen.marks;
	sim.silent = true;
	sim.ahead = true;
	now = run(&r, now, T0 + 9 * HOUR + 30 * NS);
	assert_string_equal(seen.reason, "idle");
	assert_int_equal(seen.marks, before);
	assert_int_equal(seen.lost + seen.gaps, 0);
	sim.ahead = sim.silent = false;
	seen.last = 0; /* what it never told is no hole in what it tells */
	run(&r, now, T0 + 12 * HOUR);
	assert_int_equal(seen.marks, before + 2 + 4); /* of the two intervals that may come late, and those since */
	rig_close(&r);
}

/* Nobody is answered for forty days: all is asked for afterwards, fourteen days at once. Another life goes on from what
 * the log has. */
static void test_outage(void **state)
{
	(void)state;
	struct rig r;
	int64_t now;

	open_rig(&r, 15 * NS);
	now = run(&r, T0, T0 + 5 * HOUR);
	sim.status = 503;
	now = run(&r, now, T0 + 40 * DAY);
	assert_int_equal(seen.lost, 1);
	sim.status = 200;
	now = run(&r, now, T0 + 40 * DAY + 2 * HOUR);
	assert_int_equal(seen.marks, 48 + 1 + 40 * 24 + 2);
	assert_int_equal(seen.gaps, 1);
	assert_int_equal(seen.repaired, 1);
	assert_int_equal(seen.others, 0);

	struct event told = {.id = EVENT_mark, .ts_event = seen.last, .ts_recv = now};
	struct collector_core_settings s = r.set;
	told.mark.instrument = *(const struct symbol *)&(struct symbol){"1234567890.POLYMARKET"};
	collector_core_free(r.core);
	assert_int_equal(collector_core_new(&s, &r.actions, &r.core), 0);
	collector_core_on_own(r.core, &told);
	collector_core_resume(r.core, now, &r.sink);
	uint32_t before = seen.marks;
	collector_core_start(r.core, now + HOUR, &r.sink);
	run(&r, now + HOUR, now + 2 * HOUR);
	assert_int_equal(seen.marks, before + 2);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_time),
		cmocka_unit_test(test_idle_and_ahead),
		cmocka_unit_test(test_outage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
