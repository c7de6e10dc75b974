/* test_polls - instruments without a stream, on a simulated clock: when they are asked, what a failure costs whom, and
 * that nothing is missing or twice afterwards.
 */
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define HOUR (3600 * NS)
#define T0 (1700006400LL * NS + 10 * NS) /* ten seconds into an hour */
#define MARKETS 3

static const struct collector_market three[MARKETS] = {
	{"AAA", 0, VENUE_KLINE_STREAM}, {"BBB", 0, VENUE_KLINE_STREAM}, {"CCC", 0, VENUE_KLINE_STREAM}};
static const char *const symbols[MARKETS] = {"AAA.BINANCE", "BBB.BINANCE", "CCC.BINANCE"};

/* A venue that answers 50 ms later, or does not. */
static struct {
	int status[MARKETS]; /* of its answers; 0: none at all */
	bool idle[MARKETS];  /* nobody trades: no candles */
	int64_t late;        /* a candle is there only so long after its end */
	uint32_t answered;   /* requests of the rig that have had their answer */
	uint32_t asked[MARKETS];
	int64_t at[MARKETS][400]; /* when each was asked */
	int64_t start;            /* the first candle there is */
} sim;

/* What came out. */
static struct {
	int64_t candle[MARKETS]; /* start of the newest */
	uint32_t candles[MARKETS], holes[MARKETS], gaps, opened, lost, live, troubles, calms;
	int64_t due[MARKETS], outage;
	char reason[MARKETS][EVENT_NAME_MAX];
	uint32_t failures[MARKETS];
} seen;

static int index_of(const char *symbol)
{
	for (int i = 0; i < MARKETS; i++)
		if (strcmp(symbols[i], symbol) == 0)
			return i;
	fail_msg("no such market: %s", symbol);
	return -1;
}

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_candle) {
		int i = index_of(ev->candle.instrument.s);
		assert_true(ev->candle.from_venue && ev->candle.complete);
		assert_true(ev->candle.open_at > seen.candle[i]);
		seen.holes[i] += seen.candle[i] != 0 && ev->candle.open_at != seen.candle[i] + HOUR;
		seen.candle[i] = ev->candle.open_at;
		seen.candles[i]++;
	} else if (ev->id == EVENT_candle_due) {
		int i = index_of(ev->candle_due.instrument.s);
		assert_true(ev->candle_due.due_at >= ev->ts_recv);
		assert_string_equal(ev->candle_due.interval, "1h");
		seen.due[i] = ev->candle_due.due_at;
		seen.failures[i] = ev->candle_due.failures;
		snprintf(seen.reason[i], sizeof(seen.reason[i]), "%s", ev->candle_due.reason);
	} else if (ev->id == EVENT_feed_state) {
		seen.lost += ev->feed_state.state == feed_lost;
		seen.live += ev->feed_state.state == feed_live;
		seen.outage = ev->feed_state.outage;
	} else if (ev->id == EVENT_gap) {
		bool all = strcmp(ev->gap.stream, "all") == 0;
		assert_int_equal(ev->gap.repair, all ? repair_nothing : repair_klines);
		seen.gaps += !all;
	} else if (ev->id == EVENT_blind) {
		seen.opened += strcmp(ev->blind.stream, "all") == 0;
	}
}

static void trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	(void)ctx;
	(void)m;
	assert_non_null(text);
	*(on ? &seen.troubles : &seen.calms) += 1;
}

static int64_t number_in(const char *path, const char *key)
{
	const char *at = strstr(path, key);
	return at != NULL ? strtoll(at + strlen(key), NULL, 10) : 0;
}

/* Rows as Binance has them, the open one too. */
static void answer(struct rig *r, int64_t now, uint32_t n)
{
	static char body[200000];
	const char *path = r->path[n % RIG_REQUESTS];
	if (strstr(path, "exchangeInfo") != NULL) {
		struct collector_reply reply = {.now = now, .id = r->request[n % RIG_REQUESTS].id, .status = 500};
		collector_core_on_reply(r->core, &reply, &r->sink);
		return;
	}
	int i = index_of(strstr(path, "symbol=AAA")   ? symbols[0]
			 : strstr(path, "symbol=BBB") ? symbols[1]
						      : symbols[2]);
	assert_true(sim.asked[i] < 400);
	sim.at[i][sim.asked[i]++] = now;
	if (sim.status[i] == 0)
		return;
	int64_t from = number_in(path, "startTime=") * 1000000, limit = number_in(path, "limit=");
	int64_t last = (now - sim.late) / HOUR * HOUR;
	assert_true(limit >= 2 && limit <= 1000);
	if (from == 0)
		from = last - (limit - 1) * HOUR;
	from = (from + HOUR - 1) / HOUR * HOUR;
	size_t len = (size_t)snprintf(body, sizeof(body), "[");
	for (int64_t at = from; !sim.idle[i] && at <= last && limit-- > 0; at += HOUR)
		len += (size_t)snprintf(body + len, sizeof(body) - len,
					"%s[%lld,\"1\",\"2\",\"1\",\"2\",\"3\",%lld,\"4\",5,\"0\",\"0\",\"0\"]",
					len > 1 ? "," : "", (long long)(at / 1000000),
					(long long)((at + HOUR) / 1000000 - 1));
	snprintf(body + len, sizeof(body) - len, "]");
	struct collector_reply reply = {.now = now + NS / 20,
					.id = r->request[n % RIG_REQUESTS].id,
					.status = sim.status[i],
					.body = body,
					.len = len + 1};
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
	collector_core_defaults(s, venue_find("BINANCE", 7));
	s->markets = three;
	s->n_markets = MARKETS;
	s->candles_only_ns = HOUR;
	s->candles_delay_ns = 2 * NS;
	s->klines_limit = 5;
	s->describe_ns = 0;
	snprintf(s->kline_interval, sizeof(s->kline_interval), "1h");
}

static void open_rig(struct rig *r)
{
	struct collector_core_settings s;

	memset(&sim, 0, sizeof(sim));
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < MARKETS; i++)
		sim.status[i] = 200;
	settings(&s);
	rig_open(r, &s);
	collector_core_free(r->core);
	r->actions.trouble = trouble;
	assert_int_equal(collector_core_new(&s, &r->actions, &r->core), 0);
	r->on_event = watch;
	collector_core_start(r->core, T0, &r->sink);
}

/* Two quiet days: one candle an hour of each, asked for once, right after its end. */
static void test_on_time(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	run(&r, T0, T0 + 48 * HOUR);
	for (int i = 0; i < MARKETS; i++) {
		assert_int_equal(seen.candles[i], 4 + 48); /* four to be warm */
		assert_int_equal(seen.holes[i], 0);
		assert_int_equal(sim.asked[i], 1 + 48);
		for (uint32_t k = 1; k < sim.asked[i]; k++)
			assert_in_range(sim.at[i][k] % HOUR, 2 * NS, 10 * NS);
		assert_string_equal(seen.reason[i], "on time");
		assert_int_equal(seen.due[i], (T0 / HOUR + 49) * HOUR + 2 * NS);
	}
	assert_int_equal(seen.live, 1);
	assert_int_equal(seen.lost + seen.gaps + seen.troubles, 0);
	rig_close(&r);
}

/* Nobody trades one of them, and the venue is late with all: both are healthy. */
static void test_idle_and_late(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	sim.idle[1] = true;
	sim.late = 5 * NS;
	run(&r, T0, T0 + 10 * HOUR);
	assert_int_equal(seen.candles[0], 4 + 10);
	assert_int_equal(seen.candles[1], 0);
	assert_string_equal(seen.reason[1], "idle");
	assert_int_equal(sim.asked[1], 11 * 4); /* once, and three times more */
	assert_true(sim.at[1][5] - sim.at[1][4] >= NS && sim.at[1][6] - sim.at[1][5] >= 2 * NS &&
		    sim.at[1][7] - sim.at[1][6] >= 4 * NS && sim.at[1][7] - sim.at[1][4] < 20 * NS);
	assert_int_equal(seen.lost + seen.gaps + seen.troubles, 0);
	assert_int_equal(seen.live, 1);
	rig_close(&r);
}

/* One fails for five hours: it is tried after 1, 2, 4 s, then ever more seldom; the others do not notice; it has all
 * of its candles afterwards. */
static void test_one_fails(void **state)
{
	(void)state;
	struct rig r;
	int64_t now, begin = T0 + 5 * HOUR + 60 * NS;

	open_rig(&r);
	now = run(&r, T0, begin);
	uint32_t first = sim.asked[0];
	sim.status[0] = 500;
	now = run(&r, now, begin + 5 * HOUR);
	for (int i = 1; i < MARKETS; i++) {
		assert_int_equal(seen.candles[i], 4 + 10);
		assert_int_equal(sim.asked[i], 1 + 10);
	}
	assert_int_equal(seen.candles[0], 4 + 5);
	static const int64_t wait_s[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
	for (uint32_t k = 0; k < 11; k++)
		assert_in_range(sim.at[0][first + k + 1] - sim.at[0][first + k], wait_s[k] * NS, (wait_s[k] + 5) * NS);
	assert_int_equal(seen.troubles, 1);
	assert_int_equal(seen.lost, 0);
	sim.status[0] = 200;
	run(&r, now, begin + 6 * HOUR);
	assert_int_equal(seen.candles[0], 4 + 11);
	assert_int_equal(seen.holes[0], 0);
	assert_int_equal(seen.calms, 1);
	assert_int_equal(seen.gaps, 1);
	assert_string_equal(seen.reason[0], "on time");
	rig_close(&r);
}

/* The venue is away for a night: one loss, one return, all candles there, none twice. */
static void test_all_fail(void **state)
{
	(void)state;
	struct rig r;
	int64_t now;

	open_rig(&r);
	now = run(&r, T0, T0 + 3 * HOUR);
	for (int i = 0; i < MARKETS; i++)
		sim.status[i] = i == 2 ? 0 : 503;
	now = run(&r, now, now + 9 * HOUR);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.troubles, 0);
	assert_true(seen.failures[2] > 10);
	for (int i = 0; i < MARKETS; i++)
		sim.status[i] = 200;
	run(&r, now, now + HOUR);
	assert_int_equal(seen.live, 2);
	assert_in_range(seen.outage, 8 * HOUR, 9 * HOUR + 600 * NS);
	for (int i = 0; i < MARKETS; i++) {
		assert_int_equal(seen.candles[i], 4 + 13);
		assert_int_equal(seen.holes[i], 0);
	}
	assert_int_equal(seen.gaps, MARKETS);
	assert_int_equal(seen.opened, 1);
	rig_close(&r);
}

/* 429 stops everybody for as long as it says; a process that stops and goes on asks for what it missed. */
static void test_refused_and_restored(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;
	struct buf saved;
	int64_t now;

	open_rig(&r);
	now = run(&r, T0, T0 + 2 * HOUR);
	sim.status[0] = 429;
	now = run(&r, now, T0 + 3 * HOUR);
	sim.status[0] = 200;
	now = run(&r, now, T0 + 3 * HOUR + 300 * NS);
	assert_int_equal(seen.candles[0] + seen.candles[1] + seen.candles[2], 3 * (4 + 3));
	buf_init(&saved, 1 << 22);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	collector_core_free(r.core);
	settings(&s);
	assert_int_equal(collector_core_new(&s, &r.actions, &r.core), 0);
	assert_int_equal(collector_core_load(r.core, saved.at, saved.len), 0);
	buf_fini(&saved);
	collector_core_start(r.core, now + 1500 * HOUR, &r.sink); /* further than one answer reaches */
	run(&r, now + 1500 * HOUR, now + 1501 * HOUR);
	for (int i = 0; i < MARKETS; i++) {
		assert_int_equal(seen.holes[i], 0);
		assert_int_equal(seen.candles[i], 4 + 3 + 1501);
	}
	rig_close(&r);
}

/* A hundred and twenty within seconds, as the venue's budget allows: not a second for each, nor all at once. */
static void test_budget(void **state)
{
	static struct collector_market many[120];
	static char raw[120][24];
	struct collector_core_settings s;
	struct rig r;

	(void)state;
	settings(&s);
	for (int i = 0; i < 120; i++) {
		snprintf(raw[i], sizeof(raw[i]), "M%dUSDT", i);
		many[i] = (struct collector_market){raw[i], 0, VENUE_KLINE_STREAM};
	}
	s.markets = many;
	s.n_markets = 120;
	s.ask_pace_ns = NS / 1000; /* as the section says where the venue states a budget */
	rig_open(&r, &s);
	collector_core_start(r.core, T0, &r.sink);
	rig_timers(&r, T0 + 11 * NS); /* they are asked ten seconds on, without the instruments */
	assert_in_range(r.n_requests, 10, 60);
	rig_timers(&r, T0 + 18 * NS);
	assert_true(r.n_requests >= 120);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_time),
		cmocka_unit_test(test_idle_and_late),
		cmocka_unit_test(test_one_fails),
		cmocka_unit_test(test_all_fail),
		cmocka_unit_test(test_refused_and_restored),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
