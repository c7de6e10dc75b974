/* test_binance_captures - the collector core on recorded Binance data, spot and USD-M futures.
 *
 * Every book syncs and equals the venue's own bookTicker; a core restored from a snapshot goes on
 * byte for byte.
 */
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"
#include "tests/golden/rig.h"

#include "common/venue/book.h"

#define NS 1000000000LL
#define RECORDS_MAX 100000

struct top_record {
	uint64_t id;
	int64_t bid, bid_qty, ask, ask_qty;
};

/* What the book says after each depth frame, and what the venue said. */
struct witness {
	struct rig *rig;
	const char *raw;
	uint32_t n_book, n_top, crossed;
	struct top_record book[RECORDS_MAX], top[RECORDS_MAX];
};

static void watch(void *ctx, const struct event *ev)
{
	struct witness *w = ctx;

	if (ev->id == EVENT_top) {
		assert_true(w->n_top < RECORDS_MAX);
		w->top[w->n_top++] = (struct top_record){ev->top.last_id, ev->top.bid, ev->top.bid_qty, ev->top.ask,
							 ev->top.ask_qty};
	}
	if (ev->id != EVENT_book_delta)
		return;
	enum book_state state;
	const struct book *b = collector_core_book(w->rig->core, w->raw, &state);
	const struct level *bid = book_level(b, side_buy, 0), *ask = book_level(b, side_sell, 0);
	assert_true(w->n_book < RECORDS_MAX);
	w->book[w->n_book++] = (struct top_record){b->last_id, bid->price, bid->qty, ask->price, ask->qty};
	w->crossed += book_crossed(b);
}

/* Books that equal the newest bookTicker with an id at or below theirs. */
static uint32_t equal_tops(const struct witness *w)
{
	uint32_t equal = 0, t = 0;

	for (uint32_t i = 0; i < w->n_book; i++) {
		while (t + 1 < w->n_top && w->top[t + 1].id <= w->book[i].id)
			t++;
		const struct top_record *a = &w->book[i], *b = &w->top[t];
		equal += b->id <= a->id && a->bid == b->bid && a->bid_qty == b->bid_qty && a->ask == b->ask &&
			 a->ask_qty == b->ask_qty;
	}
	return equal;
}

/* The recorded exchangeInfo, or NULL: then the test is skipped. */
static char *exchange_info(const char *file)
{
	struct capture c = {0};
	char *text, *found = NULL;

	if (capture_open(file, &c) != 0)
		return NULL;
	while (found == NULL && (text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		if (l.url.len > 0 && memmem(l.url.at, l.url.len, "exchangeInfo", 12) != NULL)
			found = l.data;
		else
			free(l.data);
	}
	capture_close(&c);
	return found;
}

static void describe(struct rig *r, int64_t now, const char *info)
{
	collector_core_start(r->core, now, &r->sink);
	assert_int_equal(r->n_requests, 1);
	assert_int_equal(rig_last(r)->ask, VENUE_ASK_INSTRUMENTS);
	rig_reply(r, now, 200, info);
	assert_true(collector_core_described(r->core));
}

/* ---- BTCUSDT, two days on end ---- */

#define BTC_STREAMS (VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM)

static const struct collector_market btc[] = {{"BTCUSDT", 0, BTC_STREAMS}};

/* A recording of BTCUSDT, and what must come out of it. */
struct recorded {
	const char *venue, *info, *day[2]; /* the second day: NULL where there is none */
	uint32_t dropped, applied, equal, tops, trades;
};

static const struct recorded spot = {
	.venue = "BINANCE",
	.info = "binance/rest/BINANCE.jsonl.zst",
	.day = {"binance/spot/btcusdt_20240808.gz", "binance/spot/btcusdt_20240809.gz"},
	.dropped = 2,
	.applied = 6493,
	.equal = 6491,
	.tops = 28040 + 45134,
	.trades = 9757 + 10147,
};

static const struct recorded usdm = {
	.venue = "BINANCE-PERP",
	.info = "binance/rest/BINANCE_FUTURES.jsonl.zst",
	.day = {"binance/usdm/btcusdt_20240808.gz", NULL},
	.dropped = 4,
	.applied = 6547,
	.equal = 6547,
	.tops = 66089,
	.trades = 21313,
};

static void btc_settings(struct collector_core_settings *s, const struct recorded *what)
{
	collector_core_defaults(s, venue_find(what->venue, strlen(what->venue)));
	s->markets = btc;
	s->n_markets = 1;
	s->origin = origin_replay;
	s->reply_ns = 60 * NS; /* the recorded reply comes when it came */
	/* Between the two days the recordings pause, though not the sequence. */
	s->stale_ns = 86400 * NS;
	s->silence_ns = 86400 * NS;
}

struct feeder {
	uint32_t lines;
	uint32_t stop_after; /* 0: never */
};

static void feed_day(struct rig *r, struct capture *c, struct feeder *f)
{
	char *line;

	while ((f->stop_after == 0 || f->lines < f->stop_after) && (line = capture_line(c)) != NULL) {
		char *text;
		int64_t now = strtoll(line, &text, 10);
		assert_true(*text == ' ');
		if (strncmp(text + 1, "{\"lastUpdateId\"", 15) == 0)
			rig_reply(r, now, 200, text + 1);
		else
			rig_frame(r, now, text + 1);
		f->lines++;
	}
}

static bool open_days(const struct recorded *what, struct capture day[2])
{
	if (capture_open(what->day[0], &day[0]) != 0)
		return false;
	if (what->day[1] == NULL || capture_open(what->day[1], &day[1]) == 0)
		return true;
	capture_close(&day[0]);
	return false;
}

static void check_recorded(const struct recorded *what, const struct rig *r, const struct witness *w)
{
	const struct collector_counters *n = rig_counters(r);

	assert_int_equal(n->malformed, 0);
	assert_int_equal(n->unknown, 0);
	assert_int_equal(n->depth_dropped, what->dropped);
	assert_int_equal(n->depth_applied, what->applied);
	assert_int_equal(n->depth_gaps, 0);
	assert_int_equal(n->resyncs, 0);
	assert_int_equal(n->tops, what->tops);
	assert_int_equal(n->trades, what->trades);
	assert_int_equal(n->outliers, 0);
	assert_int_equal(w->n_book, what->applied);
	assert_int_equal(w->crossed, 0);
	assert_int_equal(equal_tops(w), what->equal);
	assert_int_equal(r->count[EVENT_book_snapshot], 1);
	assert_int_equal(r->count[EVENT_instrument], 1);
	assert_int_equal(r->count[EVENT_feed_state], 1);
	printf("%s BTCUSDT: %u of %u books equal, %llu candles, %llu late trades, %llu trade gaps\n", what->venue,
	       equal_tops(w), w->n_book, (unsigned long long)n->candles, (unsigned long long)n->trades_late,
	       (unsigned long long)n->trade_gaps);
}

static void test_recorded(const struct recorded *what)
{
	static struct witness w;
	struct capture day[2] = {0};
	struct rig r;
	struct collector_core_settings s;
	char *info = exchange_info(what->info);

	if (info == NULL || !open_days(what, day)) {
		free(info);
		skip();
	}
	btc_settings(&s, what);
	rig_open(&r, &s);
	w = (struct witness){.rig = &r, .raw = "BTCUSDT"};
	r.on_event = watch;
	r.ctx = &w;
	int64_t start = strtoll(day[0].text, NULL, 10) - NS;
	describe(&r, start, info);
	rig_change(&r, start + 1, feed_live);
	for (int i = 0; i < 2 && what->day[i] != NULL; i++) {
		feed_day(&r, &day[i], &(struct feeder){0});
		capture_close(&day[i]);
	}
	check_recorded(what, &r, &w);
	rig_close(&r);
	free(info);
}

static void test_btcusdt(void **state)
{
	(void)state;
	test_recorded(&spot);
}

static void test_btcusdt_perp(void **state)
{
	(void)state;
	test_recorded(&usdm);
}

/* The same, but after some lines the core is thrown away and restored from its saved state. */
static void run_btc(const char *info, uint32_t restart_after, struct buf *ret_out)
{
	struct capture day = {0};
	struct rig r;
	struct collector_core_settings s;
	struct feeder f = {.stop_after = restart_after};

	assert_int_equal(capture_open("binance/spot/btcusdt_20240808.gz", &day), 0);
	btc_settings(&s, &spot);
	s.stale_ns = NS / 10;
	rig_open(&r, &s);
	int64_t start = strtoll(day.text, NULL, 10) - NS;
	describe(&r, start, info);
	rig_change(&r, start + 1, feed_live);
	feed_day(&r, &day, &f);
	if (restart_after > 0) {
		struct buf saved, again;
		buf_init(&saved, 1 << 26);
		buf_init(&again, 1 << 26);
		assert_int_equal(collector_core_save(r.core, &saved), 0);
		collector_core_free(r.core);
		assert_int_equal(collector_core_new(&s, &r.actions, &r.core), 0);
		assert_int_equal(collector_core_load(r.core, saved.at, saved.len), 0);
		assert_int_equal(collector_core_save(r.core, &again), 0);
		assert_int_equal(again.len, saved.len);
		assert_memory_equal(again.at, saved.at, saved.len);
		buf_fini(&saved);
		buf_fini(&again);
		f.stop_after = 0;
		feed_day(&r, &day, &f);
	}
	*ret_out = r.out;
	collector_core_free(r.core);
	capture_close(&day);
}

/* Byte for byte; names the first event that differs. */
static void same_events(const struct buf *a, const struct buf *b)
{
	size_t at = 0, used = 0;
	struct buf text[2];

	for (; at < a->len && at < b->len; at += used) {
		assert_int_equal(codec_measure(a->at + at, a->len - at, &used), 0);
		if (at + used <= b->len && memcmp(a->at + at, b->at + at, used) == 0)
			continue;
		for (int i = 0; i < 2; i++) {
			const struct buf *from = i == 0 ? a : b;
			buf_init(&text[i], 1 << 20);
			codec_print_unknown(from->at + at, from->len - at, &text[i]);
			print_message("%.*s\n", (int)(text[i].len < 300 ? text[i].len : 300), (char *)text[i].at);
			buf_fini(&text[i]);
		}
		fail_msg("event at byte %zu differs", at);
	}
	assert_int_equal(a->len, b->len);
}

static void test_restored(void **state)
{
	(void)state;
	const uint32_t cuts[] = {1, 5, 8, 1000, 20000, 41000};
	struct buf whole, part;
	char *info = exchange_info(spot.info);

	if (info == NULL)
		skip();
	run_btc(info, 0, &whole);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		run_btc(info, cuts[i], &part);
		same_events(&part, &whole);
		buf_fini(&part);
	}
	buf_fini(&whole);
	free(info);
}

/* ---- four thin markets of 2021 with their own snapshots ---- */

struct thin {
	const char *venue, *file;
	struct collector_market market[4];
	uint32_t depths, tops, trades;
};

static const struct thin thin_spot = {
	.venue = "BINANCE",
	.file = "binance/rest/BINANCE.jsonl.zst",
	.market = {{"NKNUSDT", 0, 15}, {"BLZETH", 0, 15}, {"LRCBTC", 0, 15}, {"RUNEEUR", 0, 15}},
	.depths = 177,
	.tops = 84,
	.trades = 2,
};

static const struct thin thin_usdm = {
	.venue = "BINANCE-PERP",
	.file = "binance/rest/BINANCE_FUTURES.jsonl.zst",
	.market = {{"SUSHIUSDT", 0, 15}, {"AKROUSDT", 0, 15}, {"KEEPUSDT", 0, 15}, {"CTKUSDT", 0, 15}},
	.depths = 764,
	.tops = 613,
	.trades = 91,
};

struct later {
	int64_t at;
	char *symbol, *body;
};

static void answer(struct rig *r, struct later *l)
{
	for (uint32_t i = 0; i < r->n_requests; i++)
		if (r->request[i].ask == VENUE_ASK_SNAPSHOT && strstr(r->path[i], l->symbol) != NULL) {
			rig_reply_to(r, l->at, r->request[i].id, 200, l->body);
			return;
		}
	fail_msg("nobody asked for %s", l->symbol);
}

static void test_thin_markets(const struct thin *thin)
{
	struct capture c = {0};
	struct rig r;
	struct collector_core_settings s;
	struct later later[4];
	uint32_t n_later = 0, answered = 0;
	char *text, *info = exchange_info(thin->file);

	if (info == NULL || capture_open(thin->file, &c) != 0) {
		free(info);
		skip();
	}
	collector_core_defaults(&s, venue_find(thin->venue, strlen(thin->venue)));
	s.markets = thin->market;
	s.n_markets = 4;
	s.origin = origin_replay;
	s.first_ns = 0;
	s.reply_ns = 60 * NS;
	s.stale_ns = 60 * NS;
	rig_open(&r, &s);
	while ((text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		if (json_str_is(l.kind, "http") && n_later < 4 && strstr(text, "/depth?symbol=") != NULL) {
			char *symbol = strstr(text, "symbol=");
			later[n_later++] = (struct later){l.at, strndup(symbol, strcspn(symbol, "&")), l.data};
			continue;
		}
		if (json_str_is(l.kind, "http")) {
			describe(&r, l.at, l.data);
			r.set.venue = s.venue;
			rig_change(&r, l.at + 1, feed_live);
		} else {
			while (answered < n_later && later[answered].at <= l.at)
				answer(&r, &later[answered++]);
			rig_frame(&r, l.at, l.data);
		}
		free(l.data);
	}
	while (answered < n_later)
		answer(&r, &later[answered++]);
	const struct collector_counters *n = rig_counters(&r);
	assert_int_equal(n->snapshots_old, 0);
	assert_int_equal(n->snapshots_bad, 0);
	assert_int_equal(n->replies_unasked, 0);
	assert_int_equal(n->snapshots, 4);
	assert_int_equal(n->depth_gaps, 0);
	assert_int_equal(n->malformed, 0);
	assert_int_equal(n->unknown, 0);
	assert_int_equal(n->depth_applied + n->depth_dropped, thin->depths);
	assert_int_equal(n->tops, thin->tops);
	assert_int_equal(n->trades, thin->trades);
	assert_int_equal(n->trade_gaps, 0);
	for (int i = 0; i < 4; i++) {
		enum book_state book_state;
		assert_non_null(collector_core_book(r.core, thin->market[i].raw, &book_state));
		assert_int_equal(book_state, book_state_trusted);
	}
	for (uint32_t i = 0; i < n_later; i++) {
		free(later[i].symbol);
		free(later[i].body);
	}
	rig_close(&r);
	capture_close(&c);
	free(info);
}

static void test_thin_spot(void **state)
{
	(void)state;
	test_thin_markets(&thin_spot);
}

static void test_thin_usdm(void **state)
{
	(void)state;
	test_thin_markets(&thin_usdm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_btcusdt),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_btcusdt_perp),
		cmocka_unit_test(test_thin_spot),
		cmocka_unit_test(test_thin_usdm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
