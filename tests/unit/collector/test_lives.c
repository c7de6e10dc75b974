/* test_lives - the gap ledger over restarts: what a killed life left open, the next one closes, whatever it follows. */
#include "common/base/rng.h"
#include "tests/unit/collector/ledger_rig.h"

/* The next life: from the snapshot, and what was put on record since. */
static void next_life(struct rig *r, const struct buf *saved, const struct event *past)
{
	collector_core_free(r->core);
	assert_int_equal(collector_core_new(&r->set, &r->actions, &r->core), 0);
	assert_int_equal(collector_core_load(r->core, saved->at, saved->len), 0);
	for (; past->id != 0; past++)
		collector_core_on_own(r->core, past);
	collector_core_resume(r->core, r->last_at, &r->sink);
	collector_core_start(r->core, r->last_at, &r->sink);
}

struct made {
	uint32_t complete, not_complete;
};

static void count_candles(void *ctx, const struct event *ev)
{
	struct made *made = ctx;

	if (ev->id != EVENT_candle || strcmp(ev->candle.interval, "1m") != 0)
		return;
	made->complete += ev->candle.complete;
	made->not_complete += !ev->candle.complete;
}

/* Killed while it was blind: the candle that the snapshot holds lacks what came behind it. */
static void test_killed_blind(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct made made = {0, 0};
	struct event past[3];
	struct buf saved;
	struct rig r;

	open_rig(&r, &b);
	buf_init(&saved, 1 << 24);
	rig_change(&r, T0, feed_live);
	uint64_t id = 10;
	int64_t now = T0 + NS;
	for (; now <= T0 + 61 * NS; now += 2 * NS) /* a whole minute begins, and nobody is silent */
		trade(&r, now, id++);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	trade(&r, now, id);
	rig_change(&r, now + NS, feed_lost);
	assert_string_equal(b.blind.stream, "all");
	r.on_event = count_candles;
	r.ctx = &made;
	event_init(&past[0], EVENT_trade); /* from the log: the next one shows no hole */
	past[0].origin = origin_live;
	past[0].ts_recv = past[0].ts_event = now;
	past[0].trade.trade_id = id;
	assert_int_equal(symbol_make("BTCUSDT", 7, "BINANCE", &past[0].trade.instrument), 0);
	event_init(&past[1], EVENT_blind);
	past[1].origin = origin_live;
	past[1].ts_recv = now + NS;
	past[1].blind = b.blind;
	past[2].id = 0;
	next_life(&r, &saved, past);
	rig_change(&r, now + 2 * NS, feed_connecting);
	rig_change(&r, now + 3 * NS, feed_live);
	for (now += 4 * NS; now < T0 + 125 * NS; now += 2 * NS)
		trade(&r, now, ++id);
	assert_int_equal(rig_counters(&r)->trade_gaps, 0);
	assert_int_equal(made.complete, 0);
	assert_int_equal(made.not_complete, 1);
	buf_fini(&saved);
	rig_close(&r);
}

/* Killed while missed trades were being fetched: the hole ends where it was seen, not where it began. */
static void test_killed_filling(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct event past[2];
	struct buf saved;
	struct rig r;

	open_rig(&r, &b);
	buf_init(&saved, 1 << 24);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	trade(&r, T0 + 2 * NS, 14);
	event_init(&past[0], EVENT_blind);
	past[0].origin = origin_live;
	past[0].ts_recv = T0 + 2 * NS;
	past[0].blind = b.blind;
	past[1].id = 0;
	next_life(&r, &saved, past);
	rig_timers(&r, T0 + 3 * NS);
	int i = newest(&r, VENUE_ASK_TRADES);
	reply_trades(&r, T0 + 4 * NS, r.request[i].id, (uint64_t[]){11, 13}, 0);
	assert_int_equal(b.gaps[repair_backfill], 1);
	assert_int_equal(b.gap.from, T0 + NS);
	assert_int_equal(b.gap.to, T0 + 2 * NS);
	buf_fini(&saved);
	rig_close(&r);
}

/* Where trades cannot be fetched the last life's newest id is not taken for the last: nobody knows what was missed. */
static void test_killed_unsure(void **state)
{
	static const struct collector_market perp[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
	static struct book_keeping b;
	struct event none = {.id = 0};
	struct collector_core_settings s;
	struct buf saved;
	struct rig r;

	(void)state;
	memset(&b, 0, sizeof b);
	struct venue keeps_none = *venue_find("BINANCE-PERP", 12);
	keeps_none.trades_max = 0;
	collector_core_defaults(&s, &keeps_none);
	s.markets = perp;
	s.n_markets = 1;
	rig_open(&r, &s);
	r.on_event = keep;
	r.ctx = &b;
	buf_init(&saved, 1 << 24);
	collector_core_start(r.core, T0 - 1, &r.sink);
	rig_change(&r, T0, feed_live);
	agg_trade(&r, T0 + NS, 10);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	rig_change(&r, T0 + 3 * NS, feed_connecting);
	rig_change(&r, T0 + 4 * NS, feed_live);
	agg_trade(&r, T0 + 5 * NS, 10); /* seen before, and data: the trades' own blindness goes on */
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	next_life(&r, &saved, &none);
	rig_change(&r, T0 + 7 * NS, feed_connecting);
	rig_change(&r, T0 + 8 * NS, feed_live);
	agg_trade(&r, T0 + 9 * NS, 900);
	assert_int_equal(b.gaps[repair_none_missed], 0);
	assert_int_equal(still_open(&b), 0);
	buf_fini(&saved);
	rig_close(&r);
}

/* Other settings after a restart: what was open of what is no longer followed ends there. */
static void test_dropped(void **state)
{
	static const struct collector_market two[] = {{"BTCUSDT", 0, 3}, {"ETHUSDT", 1, 3}};
	static const struct collector_market less[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
	static uint8_t room[ARENA_SIZE];
	static struct book_keeping b;
	struct arena arena = {.at = room, .cap = sizeof room};
	struct collector_core_settings s;
	struct rig r;
	size_t used, len;

	(void)state;
	memset(&b, 0, sizeof b);
	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = two;
	s.n_markets = 2;
	s.ask_pace_ns = 0;
	rig_open(&r, &s);
	r.on_event = keep;
	r.ctx = &b;
	collector_core_start(r.core, T0 - 1, &r.sink);
	for (uint32_t n = 0; n < 2; n++) {
		struct collector_change open = {.now = T0, .connection = n, .state = feed_live};
		collector_core_on_connection(r.core, &open, &r.sink);
	}
	for (uint64_t id = 10; id <= 14; id += 4) { /* 11 to 13 are being fetched */
		char text[300];
		snprintf(text, sizeof text,
			 "{\"e\":\"trade\",\"E\":1700000040000,\"s\":\"ETHUSDT\",\"t\":%" PRIu64
			 ",\"p\":\"1\",\"q\":\"1\",\"T\":1700000040000,\"m\":true}",
			 id);
		struct collector_frame f = {
			.now = T0 + NS, .connection = 1, .text = text, .len = strlen(text)};
		collector_core_on_frame(r.core, &f, &r.sink);
	}
	trade(&r, T0 + 2 * NS, 10);
	depth(&r, T0 + 3 * NS, 100, 101);
	for (uint32_t n = 0; n < 2; n++) {
		struct collector_change lost = {.now = T0 + 4 * NS + n, .connection = n, .state = feed_lost};
		collector_core_on_connection(r.core, &lost, &r.sink);
	}
	/* the second connection, and the hole; what the first one's book missed is implied by it */
	assert_true(still_open(&b) == 3);
	collector_core_free(r.core);
	r.set.markets = less;
	r.set.n_markets = 1;
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	len = r.out.len;
	for (size_t at = 0; at < len; at += used) {
		struct event ev;
		arena.used = 0;
		assert_int_equal(codec_unpack(r.out.at + at, len - at, &arena, &ev, &used), 0);
		if (event_row(ev.id)->lane == LANE_X)
			collector_core_on_own(r.core, &ev);
	}
	collector_core_resume(r.core, r.last_at, &r.sink);
	assert_int_equal(still_open(&b), 1); /* the first connection's */
	assert_int_equal(b.gap.cause, gap_cause_dropped);
	assert_int_equal(b.missing, 3);
	uint32_t gaps = r.count[EVENT_gap];
	rig_change(&r, T0 + 8 * NS, feed_connecting);
	rig_change(&r, T0 + 9 * NS, feed_live);
	trade(&r, T0 + 10 * NS, 11);
	assert_int_equal(still_open(&b), 0);
	assert_true(r.count[EVENT_gap] > gaps);
	rig_close(&r);
}

/* A kline that was published behind the snapshot is not published a second time. */
static void test_killed_with_klines(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct event past = {.id = 0};
	struct buf saved;
	struct rig r;

	open_rig(&r, &b);
	buf_init(&saved, 1 << 24);
	rig_change(&r, T0, feed_live);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	event_init(&past, EVENT_candle);
	past.ts_recv = T0 + NS;
	assert_int_equal(symbol_make("BTCUSDT", 7, "BINANCE", &past.candle.instrument), 0);
	event_set_name(past.candle.interval, "1m");
	past.candle.open_at = T0 - 60 * NS;
	past.candle.from_venue = true;
	next_life(&r, &saved, (struct event[]){past, {.id = 0}});
	rig_change(&r, T0 + 2 * NS, feed_connecting);
	rig_change(&r, T0 + 3 * NS, feed_live);
	rig_timers(&r, T0 + 4 * NS);
	int i = newest(&r, VENUE_ASK_KLINES);
	rig_reply_to(&r, T0 + 5 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_int_equal(rig_counters(&r)->replies, 1);
	assert_int_equal(rig_counters(&r)->replies_failed, 0);
	assert_int_equal(r.count[EVENT_candle], 0);
	buf_fini(&saved);
	rig_close(&r);
}

struct story {
	struct rig r;
	struct book_keeping b;
	struct rng rng;
	struct buf saved;    /* the newest snapshot; empty: none */
	size_t saved_at;     /* of r.out */
	int64_t now;
	uint64_t trade_id, depth_id, asked; /* requests answered, or never to be */
	uint32_t kills;
};

static void answer(struct story *s)
{
	char text[300];

	while (s->asked < s->r.n_requests) {
		uint32_t i = (uint32_t)(s->asked++ % RIG_REQUESTS);
		uint64_t id = s->r.request[i].id;
		unsigned long long from = 0;
		if (rng_below(&s->rng, 8) == 0) {
			rig_reply_to(&s->r, s->now, id, 500, "");
		} else if (s->r.request[i].ask == VENUE_ASK_SNAPSHOT) {
			snprintf(text, sizeof text,
				 "{\"lastUpdateId\":%" PRIu64 ",\"bids\":[[\"99\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}",
				 s->depth_id);
			rig_reply_to(&s->r, s->now, id, 200, text);
		} else if (s->r.request[i].ask == VENUE_ASK_TRADES) {
			const char *at = strstr(s->r.path[i], "limit=");
			unsigned limit = 0;
			assert_int_equal(sscanf(at, "limit=%u&fromId=%llu", &limit, &from), 2);
			reply_trades(&s->r, s->now, id, (uint64_t[]){from, from + limit - 1}, 0);
		} else if (s->r.request[i].ask == VENUE_ASK_KLINES) {
			rig_reply_to(&s->r, s->now, id, 200, "[]");
		}
	}
}

/* Gives the core what the last life had said: from its log all trades, from its journal what is behind the snapshot. */
static void tell_past(struct story *s, bool trades)
{
	static uint8_t room[ARENA_SIZE];
	struct arena arena = {.at = room, .cap = sizeof room};
	size_t used;

	for (size_t at = 0; at < s->r.out.len; at += used) {
		struct event ev;
		arena.used = 0;
		assert_int_equal(codec_unpack(s->r.out.at + at, s->r.out.len - at, &arena, &ev, &used), 0);
		bool lane_x = event_row(ev.id)->lane == LANE_X && at >= s->saved_at;
		if (trades ? ev.id == EVENT_trade : lane_x)
			collector_core_on_own(s->r.core, &ev);
	}
}

static void kill(struct story *s)
{
	bool live = s->b.live;
	uint32_t outages = s->b.outages;
	int64_t last = s->r.last_at;

	s->kills++;
	collector_core_free(s->r.core);
	assert_int_equal(collector_core_new(&s->r.set, &s->r.actions, &s->r.core), 0);
	if (s->saved.len > 0)
		assert_int_equal(collector_core_load(s->r.core, s->saved.at, s->saved.len), 0);
	s->asked = s->r.n_requests;
	tell_past(s, true);
	tell_past(s, false);
	collector_core_resume(s->r.core, last, &s->r.sink);
	assert_int_equal(s->b.outages, outages + live);
	if (live) { /* it was not said before: blind since the last thing that was said */
		assert_int_equal(s->b.blind.cause, gap_cause_restart);
		assert_true(s->b.blind.from >= last && s->b.blind.from <= s->now);
	}
	s->now += (int64_t)rng_below(&s->rng, 30) * NS;
	collector_core_start(s->r.core, s->now, &s->r.sink);
}

static void step(struct story *s)
{
	s->now += 1 + (int64_t)rng_below(&s->rng, (uint64_t)NS);
	switch (rng_below(&s->rng, 24)) {
	case 0:
		rig_change(&s->r, s->now, feed_lost);
		break;
	case 1:
	case 2:
		rig_change(&s->r, s->now, feed_connecting);
		rig_change(&s->r, s->now, feed_live);
		break;
	case 3:
		kill(s);
		break;
	case 4:
		s->now += 40 * NS; /* silent */
		rig_timers(&s->r, s->now);
		break;
	case 5:
		buf_clear(&s->saved);
		assert_int_equal(collector_core_save(s->r.core, &s->saved), 0);
		s->saved_at = s->r.out.len;
		break;
	case 6:
		s->trade_id += rng_below(&s->rng, 4);
		s->depth_id += rng_below(&s->rng, 2);
		break;
	default:
		if (rng_below(&s->rng, 3) == 0) {
			trade(&s->r, s->now, ++s->trade_id);
		} else {
			depth(&s->r, s->now, s->depth_id + 1, s->depth_id + 1);
			s->depth_id++;
		}
		if (rng_below(&s->rng, 2) == 0)
			answer(s);
	}
}

/* Whatever is open is closed by a venue that works. */
static void calm(struct story *s)
{
	rig_change(&s->r, s->now + NS, feed_connecting);
	rig_change(&s->r, s->now + NS, feed_live);
	for (int i = 0; i < 100; i++) {
		s->now += 2 * NS;
		trade(&s->r, s->now, ++s->trade_id);
		depth(&s->r, s->now, s->depth_id + 1, s->depth_id + 1);
		s->depth_id++;
		answer(s);
	}
}

static void test_killed(void **state)
{
	(void)state;
	static struct story s;
	const char *only = getenv("NJ_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1, last = only ? first : 60;

	for (uint64_t seed = first; seed <= last; seed++) {
		memset(&s, 0, sizeof s);
		rng_seed(&s.rng, seed);
		open_rig(&s.r, &s.b);
		buf_init(&s.saved, 1 << 24);
		s.now = T0;
		s.trade_id = s.depth_id = 100;
		for (int i = 0; i < 600; i++)
			step(&s);
		assert_true(s.kills > 5);
		calm(&s);
		if (still_open(&s.b) > 0) {
			for (uint32_t i = 0; i < s.b.n; i++)
				if (s.b.key[i].open)
					printf("seed %" PRIu64 ": %s from %" PRId64 " was never closed\n", seed,
					       s.b.key[i].stream, (int64_t)(s.b.key[i].from - T0));
			fail();
		}
		assert_true(s.b.gaps[repair_backfill] > 0 && s.b.gaps[repair_snapshot] > 0);
		buf_fini(&s.saved);
		rig_close(&s.r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_blind),
		cmocka_unit_test(test_killed_filling),
		cmocka_unit_test(test_killed_unsure),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_killed_with_klines),
		cmocka_unit_test(test_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
