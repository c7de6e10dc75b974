/* test_polls_sparse - polled candles of a venue that has none for an interval without a trade (Kalshi), on a simulated
 * clock: each once, idle hours healthy, late ones not lost, and after an absence all of them.
 */
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define HOUR (3600 * NS)
#define T0 (1700006400LL * NS + 10 * NS) /* ten seconds into an hour */
#define MARKETS 2
#define TRADED 4000 /* hours since the first */

static const struct collector_market two[MARKETS] = {{"KXA-26", 0, VENUE_KLINE_STREAM},
						     {"KXB-26", 0, VENUE_KLINE_STREAM}};
static const char *const symbols[MARKETS] = {"KXA-26.KALSHI", "KXB-26.KALSHI"};

/* A venue that answers 50 ms later, or does not. */
static struct {
	int status[MARKETS];
	bool traded[MARKETS][TRADED]; /* hour 0 begins at T0 - 3 days */
	bool quoted;                  /* candles without prices where nobody traded */
	int64_t late;                 /* a candle is there only so long after its end */
	uint32_t answered, asked[MARKETS];
} sim;

static struct {
	int64_t candle[MARKETS], due[MARKETS];
	uint32_t candles[MARKETS], gaps, repaired, lost, troubles;
	char reason[MARKETS][EVENT_NAME_MAX];
} seen;

static int64_t first_hour(void)
{
	return T0 / HOUR * HOUR - 72 * HOUR;
}

static int index_of(const char *text, const char *const names[])
{
	for (int i = 0; i < MARKETS; i++)
		if (strstr(text, names[i]) != NULL)
			return i;
	fail_msg("no such market: %s", text);
	return -1;
}

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_candle) {
		const struct ev_candle *k = &ev->candle;
		int i = index_of(k->instrument.s, symbols);
		assert_true(k->from_venue && k->complete && k->open_at > seen.candle[i] && k->volume > 0);
		assert_true(sim.traded[i][(k->open_at - first_hour()) / HOUR]);
		assert_true(k->open_at + HOUR <= ev->ts_recv);
		assert_string_equal(k->interval, "1h");
		seen.candle[i] = k->open_at;
		seen.candles[i]++;
	} else if (ev->id == EVENT_candle_due) {
		int i = index_of(ev->candle_due.instrument.s, symbols);
		seen.due[i] = ev->candle_due.due_at;
		snprintf(seen.reason[i], sizeof(seen.reason[i]), "%s", ev->candle_due.reason);
	} else if (ev->id == EVENT_feed_state) {
		seen.lost += ev->feed_state.state == feed_lost;
	} else if (ev->id == EVENT_gap && strcmp(ev->gap.stream, "kline") == 0) {
		seen.gaps++;
		seen.repaired += ev->gap.repair == repair_klines;
	}
}

static void trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	(void)ctx, (void)m, (void)text;
	seen.troubles += on;
}

static int64_t number_in(const char *path, const char *key)
{
	const char *at = strstr(path, key);
	assert_non_null(at);
	return strtoll(at + strlen(key), NULL, 10);
}

static size_t print_candle(char *at, size_t cap, int64_t end, bool traded, bool first)
{
	static const char with[] = "{\"open_dollars\":\"0.4000\",\"high_dollars\":\"0.5000\","
				   "\"low_dollars\":\"0.3000\",\"close_dollars\":\"0.4500\"},\"volume_fp\":\"7.00\"}";
	static const char without[] = "{\"open_dollars\":null,\"high_dollars\":null,\"low_dollars\":null,"
				      "\"close_dollars\":null},\"volume_fp\":\"0.00\"}";
	return (size_t)snprintf(at, cap, "%s{\"end_period_ts\":%lld,\"price\":%s", first ? "" : ",",
				(long long)(end / NS), traded ? with : without);
}

static void answer(struct rig *r, int64_t now, uint32_t n)
{
	static char body[400000];
	const char *path = r->path[n % RIG_REQUESTS];
	struct collector_reply reply = {.now = now + NS / 20, .id = r->request[n % RIG_REQUESTS].id, .status = 500};
	static const char *const raws[MARKETS] = {"KXA-26", "KXB-26"};

	if (strstr(path, "candlesticks") == NULL) {
		collector_core_on_reply(r->core, &reply, &r->sink);
		return;
	}
	int i = index_of(path, raws);
	int64_t from = number_in(path, "start_ts=") * NS, to = number_in(path, "end_ts=") * NS;
	sim.asked[i]++;
	assert_int_equal(number_in(path, "period_interval="), 60);
	assert_true(from <= to && (to - from) / HOUR < 10000 && to <= now);
	if (sim.status[i] == 0)
		return;
	size_t len = (size_t)snprintf(body, sizeof(body), "{\"markets\":[{\"market_ticker\":\"%s\",\"candlesticks\":[",
				      raws[i]);
	bool first = true;
	for (int64_t end = (from + HOUR - 1) / HOUR * HOUR; end <= to && end + sim.late <= now; end += HOUR) {
		int64_t hour = (end - HOUR - first_hour()) / HOUR;
		bool traded = hour >= 0 && hour < TRADED && sim.traded[i][hour];
		if (!traded && !sim.quoted)
			continue;
		len += print_candle(body + len, sizeof(body) - len, end, traded, first);
		first = false;
	}
	len += (size_t)snprintf(body + len, sizeof(body) - len, "]}]}");
	reply.status = sim.status[i];
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

static void settings(struct collector_core_settings *s)
{
	collector_core_defaults(s, venue_find("KALSHI", 6));
	s->markets = two;
	s->n_markets = MARKETS;
	s->candles_only_ns = HOUR;
	s->candles_delay_ns = 2 * NS;
	s->klines_limit = 48;
	s->describe_ns = 0;
	s->ask_pace_ns = NS / 1000;
	snprintf(s->kline_interval, sizeof(s->kline_interval), "1h");
}

/* The first trades in each hour whose number ends so. */
static void open_rig(struct rig *r, int every)
{
	struct collector_core_settings s;

	memset(&sim, 0, sizeof(sim));
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < MARKETS; i++)
		sim.status[i] = 200;
	for (int hour = 0; hour < TRADED; hour++)
		sim.traded[0][hour] = hour % every == 0;
	settings(&s);
	rig_open(r, &s);
	collector_core_free(r->core);
	r->actions.trouble = trouble;
	assert_int_equal(collector_core_new(&s, &r->actions, &r->core), 0);
	r->on_event = watch;
	collector_core_start(r->core, T0, &r->sink);
}

static uint32_t traded_between(int64_t from, int64_t to)
{
	uint32_t n = 0;

	for (int64_t at = from; at < to; at += HOUR)
		n += sim.traded[0][(at - first_hour()) / HOUR];
	return n;
}

/* One trades every third hour, one never: each candle once, and nobody is missed. Two days to be warm with. */
static void test_idle_is_healthy(void **state)
{
	(void)state;
	for (int quoted = 0; quoted < 2; quoted++) {
		struct rig r;
		int64_t hour = T0 / HOUR * HOUR;
		open_rig(&r, 3);
		sim.quoted = quoted;
		run(&r, T0, T0 + 48 * HOUR);
		assert_int_equal(seen.candles[0], traded_between(hour - 48 * HOUR, hour + 48 * HOUR));
		assert_int_equal(seen.candles[1], 0);
		assert_string_equal(seen.reason[1], "idle");
		assert_int_equal(seen.due[0], hour + 49 * HOUR + 2 * NS);
		assert_int_equal(seen.due[1], hour + 49 * HOUR + 2 * NS);
		assert_int_equal(sim.asked[1], 49 * 4); /* once, and after 1, 2, 4 s */
		assert_int_equal(seen.lost + seen.gaps + seen.troubles, 0);
		rig_close(&r);
	}
}

/* A minute late, when nobody waits for it any more: it comes with the next one. */
static void test_late(void **state)
{
	(void)state;
	struct rig r;
	int64_t hour = T0 / HOUR * HOUR;

	open_rig(&r, 3);
	sim.late = 60 * NS;
	run(&r, T0, T0 + 48 * HOUR);
	assert_int_equal(seen.candles[0], traded_between(hour - 48 * HOUR, hour + 47 * HOUR));
	assert_int_equal(seen.lost + seen.gaps + seen.troubles, 0);
	rig_close(&r);
}

/* Nobody is answered for a night: it is lost, back, and whole, where nobody traded, too. */
static void test_outage(void **state)
{
	(void)state;
	struct rig r;
	int64_t now, hour = T0 / HOUR * HOUR;

	open_rig(&r, 3);
	now = run(&r, T0, T0 + 5 * HOUR);
	sim.status[0] = 503;
	sim.status[1] = 0;
	now = run(&r, now, T0 + 14 * HOUR);
	assert_int_equal(seen.lost, 1);
	sim.status[0] = sim.status[1] = 200;
	run(&r, now, T0 + 16 * HOUR);
	assert_int_equal(seen.candles[0], traded_between(hour - 48 * HOUR, hour + 16 * HOUR));
	assert_int_equal(seen.gaps, MARKETS);
	assert_int_equal(seen.repaired, MARKETS);
	rig_close(&r);
}

/* Three months without a trade, and away for as long: it goes forward page by page, and does not ask again for what it
 * knows. */
static void test_far_behind(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;
	struct buf saved;
	int64_t now, hour = T0 / HOUR * HOUR;

	open_rig(&r, 2500);
	sim.traded[0][80] = true;
	now = run(&r, T0, T0 + 12 * HOUR);
	assert_int_equal(seen.candles[0], 1);
	buf_init(&saved, 1 << 22);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	collector_core_free(r.core);
	settings(&s);
	assert_int_equal(collector_core_new(&s, &r.actions, &r.core), 0);
	assert_int_equal(collector_core_load(r.core, saved.at, saved.len), 0);
	buf_fini(&saved);
	uint32_t before = sim.asked[0];
	collector_core_start(r.core, now + 3000 * HOUR, &r.sink);
	now = run(&r, now + 3000 * HOUR, now + 3000 * HOUR + 60 * NS);
	assert_in_range(sim.asked[0] - before, 4 + 3, 1 + 4 + 3); /* 3,003 hours by 998, and the retries */
	assert_int_equal(seen.candles[0], 1 + traded_between(hour + 9 * HOUR, hour + 3012 * HOUR));
	assert_int_equal(seen.candles[0], 2);
	before = sim.asked[0];
	run(&r, now, now + HOUR);
	assert_int_equal(sim.asked[0] - before, 4);
	assert_string_equal(seen.reason[0], "idle");
	rig_close(&r);
}

/* A ticker that the venue does not know: that one is in trouble, and nobody else. */
static void test_unknown(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, 1);
	sim.status[1] = 404;
	run(&r, T0, T0 + 5 * HOUR);
	assert_int_equal(seen.candles[0], 48 + 5);
	assert_int_equal(seen.troubles, 1);
	assert_int_equal(seen.lost, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_is_healthy), cmocka_unit_test(test_late),    cmocka_unit_test(test_outage),
		cmocka_unit_test(test_far_behind),      cmocka_unit_test(test_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
