/* test_ledger - blind intervals: opened once and closed once, also by lives that are killed; missed trades fetched. */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/rng.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000040LL * NS)
#define KEYS_MAX 4096

static const struct collector_market one[] = {{"BTCUSDT", 0, 15}};

/* ---- what the ledger says, checked as it is said ---- */

struct key {
	char instrument[sizeof(struct symbol)], stream[EVENT_NAME_MAX];
	int64_t from;
	uint64_t first;
	bool open, implied;
};

struct book_keeping {
	struct key key[KEYS_MAX];
	uint32_t n;
	uint32_t gaps[8], backfilled; /* gaps by repair */
	uint32_t outages; /* blinds of a whole connection */
	uint64_t missing;
	struct ev_gap gap;
	struct ev_blind blind;
	bool live;
};

static struct key *find(struct book_keeping *b, const char *instrument, const char *stream, int64_t from,
			uint64_t first)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct key *k = &b->key[i];
		if (strcmp(k->instrument, instrument) == 0 && strcmp(k->stream, stream) == 0 && k->from == from &&
		    k->first == first)
			return k;
	}
	return NULL;
}

static void add(struct book_keeping *b, const char *instrument, const char *stream, int64_t from, uint64_t first)
{
	assert_true(b->n < KEYS_MAX);
	struct key *k = &b->key[b->n++];
	*k = (struct key){.from = from, .first = first, .open = true};
	snprintf(k->instrument, sizeof k->instrument, "%s", instrument);
	snprintf(k->stream, sizeof k->stream, "%s", stream);
}

static void on_blind(struct book_keeping *b, const struct ev_blind *e)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->key[i].open && strcmp(b->key[i].stream, "all") == 0)
			assert_string_not_equal(e->stream, "all");
	assert_null(find(b, e->instrument.s, e->stream, e->from, e->first_missing));
	add(b, e->instrument.s, e->stream, e->from, e->first_missing);
	if (strcmp(e->stream, "all") == 0 || e->first_missing != 0 || e->stream[0] == 't')
		b->blind = *e;
	b->outages += strcmp(e->stream, "all") == 0;
}

/* Its own blind record opened it, or that of the whole connection, of the same moment. */
static void on_gap(struct book_keeping *b, const struct ev_gap *e)
{
	struct key *k = find(b, e->instrument.s, e->stream, e->from, e->first_missing);

	assert_true(e->from > 0 && e->to >= e->from);
	if (k == NULL) { /* or both ends were known when it was told */
		assert_string_not_equal(e->stream, "all");
		assert_true(find(b, "", "all", e->from, 0) != NULL || e->missing > 0);
		add(b, e->instrument.s, e->stream, e->from, e->first_missing);
		k = &b->key[b->n - 1];
	}
	if (!k->open)
		printf("closed twice: %s %s from %" PRId64 " first %" PRIu64 "\n", k->instrument, k->stream,
		       (int64_t)(k->from - T0), k->first);
	assert_true(k->open);
	k->open = false;
	b->gaps[e->repair]++;
	b->missing += e->missing;
	b->gap = *e;
}

static void keep(void *ctx, const struct event *ev)
{
	struct book_keeping *b = ctx;

	if (ev->id == EVENT_blind)
		on_blind(b, &ev->blind);
	if (ev->id == EVENT_gap)
		on_gap(b, &ev->gap);
	if (ev->id == EVENT_feed_state)
		b->live = ev->feed_state.state == feed_live;
	b->backfilled += ev->id == EVENT_trade_backfill;
}

static uint32_t still_open(const struct book_keeping *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		n += b->key[i].open;
	return n;
}

static void open_rig(struct rig *r, struct book_keeping *b)
{
	struct collector_core_settings s;

	memset(b, 0, sizeof *b);
	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.klines_limit = 5;
	s.ask_pace_ns = 0;
	snprintf(s.kline_interval, sizeof s.kline_interval, "1m");
	rig_open(r, &s);
	r->on_event = keep;
	r->ctx = b;
	collector_core_start(r->core, T0 - 1, &r->sink);
}

static void trade(struct rig *r, int64_t now, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"t\":%" PRIu64
		 ",\"p\":\"100\",\"q\":\"1\",\"T\":%lld,\"m\":true}",
		 (long long)(now / 1000000), id, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

static void agg_trade(struct rig *r, int64_t now, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"aggTrade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"a\":%" PRIu64
		 ",\"p\":\"100\",\"q\":\"1\",\"f\":%" PRIu64 ",\"l\":%" PRIu64 ",\"T\":%lld,\"m\":true}",
		 (long long)(now / 1000000), id, id, id, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

static void depth(struct rig *r, int64_t now, uint64_t first, uint64_t last)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%" PRIu64 ",\"u\":%" PRIu64
		 ",\"b\":[[\"99\",\"1\"]],\"a\":[[\"101\",\"1\"]]}",
		 (long long)(now / 1000000), first, last);
	rig_frame(r, now, text);
}

/* Rows from..to of the venue's trades, but not `without`. */
static void reply_trades(struct rig *r, int64_t now, uint64_t id, const uint64_t range[2], uint64_t without)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_byte(&text, '[');
	for (uint64_t t = range[0]; t <= range[1]; t++)
		if (t != without)
			buf_printf(&text,
				   "%s{\"id\":%" PRIu64
				   ",\"price\":\"100.00000000\",\"qty\":\"1.00000000\",\"quoteQty\":\"1\","
				   "\"time\":1700000000000,\"isBuyerMaker\":true,\"isBestMatch\":true}",
				   text.len > 1 ? "," : "", t);
	buf_byte(&text, ']');
	buf_byte(&text, 0);
	rig_reply_to(r, now, id, 200, (const char *)text.at);
	buf_fini(&text);
}

/* The newest request of a kind; its number and path. */
static int newest(const struct rig *r, enum venue_ask ask)
{
	for (uint32_t i = r->n_requests; i > 0 && i + RIG_REQUESTS > r->n_requests; i--)
		if (r->request[(i - 1) % RIG_REQUESTS].ask == ask)
			return (int)((i - 1) % RIG_REQUESTS);
	return -1;
}

/* ---- trades that were missed ---- */

static void test_filled(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	trade(&r, T0 + 2 * NS, 14);
	assert_string_equal(b.blind.stream, "trade");
	assert_int_equal(b.blind.first_missing, 11);
	assert_int_equal(b.blind.from, T0 + NS);
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_string_equal(r.path[i], "/api/v3/historicalTrades?symbol=BTCUSDT&limit=3&fromId=11");
	assert_int_equal(r.count[EVENT_gap], 0);
	reply_trades(&r, T0 + 3 * NS, r.request[i].id, (uint64_t[]){11, 1000}, 0); /* more than were asked for */
	assert_int_equal(b.backfilled, 3);
	assert_int_equal(r.count[EVENT_trade], 2); /* none of them as a live one */
	assert_int_equal(b.gaps[repair_backfill], 1);
	assert_int_equal(b.gap.missing, 0);
	assert_int_equal(b.gap.last_missing, 13);
	assert_int_equal(b.gap.to, T0 + 2 * NS);
	assert_int_equal(rig_counters(&r)->trades_filled, 3);
	/* some of them the venue does not have any more */
	trade(&r, T0 + 4 * NS, 20);
	i = newest(&r, VENUE_ASK_TRADES);
	reply_trades(&r, T0 + 5 * NS, r.request[i].id, (uint64_t[]){15, 19}, 17);
	assert_int_equal(b.gaps[repair_backfill], 2);
	assert_int_equal(b.gap.missing, 1);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

static void test_not_filled(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	trade(&r, T0 + 2 * NS, 14);
	int64_t now = T0 + 2 * NS;
	for (int n = 0; n < 4; n++) {
		assert_int_equal(r.count[EVENT_gap], 0);
		int i = newest(&r, VENUE_ASK_TRADES);
		rig_reply_to(&r, now + NS / 10, r.request[i].id, n % 2 ? 200 : 500, "[]");
		now += 5 * NS;
		rig_timers(&r, now);
	}
	assert_int_equal(b.gaps[repair_nothing], 1);
	assert_int_equal(b.gap.missing, 3);
	/* too many for one hole: on record at once */
	trade(&r, now + NS, 1000000);
	assert_int_equal(b.gaps[repair_nothing], 2);
	assert_int_equal(b.gap.missing, 1000000 - 15);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

/* ---- connections ---- */

static void test_streams(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	assert_int_equal(r.count[EVENT_following], 1);
	trade(&r, T0 + NS, 10);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	assert_string_equal(b.blind.stream, "all");
	assert_int_equal(b.blind.from, T0 + NS);
	rig_change(&r, T0 + 3 * NS, feed_connecting);
	rig_change(&r, T0 + 4 * NS, feed_live);
	assert_int_equal(r.count[EVENT_following], 1);
	rig_timers(&r, T0 + 5 * NS);
	int i = newest(&r, VENUE_ASK_KLINES);
	rig_reply_to(&r, T0 + 5 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_string_equal(b.gap.stream, "kline");
	assert_int_equal(b.gap.repair, repair_klines);
	trade(&r, T0 + 6 * NS, 11);
	assert_int_equal(b.gaps[repair_nothing], 1); /* all: tops are gone */
	assert_string_equal(b.gap.stream, "trade");
	assert_int_equal(b.gap.repair, repair_none_missed);
	assert_int_equal(b.gap.from, T0 + NS);
	assert_int_equal(b.gap.to, T0 + 6 * NS);
	depth(&r, T0 + 7 * NS, 100, 101);
	i = newest(&r, VENUE_ASK_SNAPSHOT);
	rig_reply_to(&r, T0 + 8 * NS, r.request[i].id, 200,
		     "{\"lastUpdateId\":101,\"bids\":[[\"99\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}");
	assert_string_equal(b.gap.stream, "depth");
	assert_int_equal(b.gap.repair, repair_snapshot);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

/* The venue refuses something and then goes: what was seen until then is blind from there. */
static void test_refused(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	rig_frame(&r, T0 + 2 * NS, "{\"error\":{\"code\":3,\"msg\":\"no\"},\"id\":1}");
	assert_int_equal(rig_counters(&r)->refusals, 1);
	rig_change(&r, T0 + 3 * NS, feed_lost);
	assert_int_equal(b.outages, 1);
	assert_int_equal(b.blind.from, T0 + 2 * NS);
	rig_close(&r);
}

/* Klines that come when the connection has gone again do not end its blindness. */
static void test_late_klines(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	int i = newest(&r, VENUE_ASK_KLINES);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	rig_reply_to(&r, T0 + 3 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_int_equal(r.count[EVENT_gap], 0);
	rig_change(&r, T0 + 4 * NS, feed_connecting);
	rig_change(&r, T0 + 5 * NS, feed_live);
	rig_timers(&r, T0 + 6 * NS);
	i = newest(&r, VENUE_ASK_KLINES);
	rig_reply_to(&r, T0 + 7 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_string_equal(b.gap.stream, "kline");
	assert_int_equal(b.gap.to, T0 + 7 * NS);
	rig_close(&r);
}

/* ---- lives that are killed ---- */

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
	collector_core_defaults(&s, venue_find("BINANCE-PERP", 12));
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
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_not_filled),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_late_klines),
		cmocka_unit_test(test_killed_blind),
		cmocka_unit_test(test_killed_filling),
		cmocka_unit_test(test_killed_unsure),
		cmocka_unit_test(test_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
