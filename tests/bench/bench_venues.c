/* bench_venues - each venue's frames decoded, against a bare JSON tokenizer over the same bytes; books against plain
 * sorted arrays; what a followed instrument takes of memory.
 *
 * Frames are recorded ones where NIGHTJAR_CAPTURES has them, else the good frames of the venue's samples, again and
 * again. The tokenizer finds where each string, number and mark begins and ends, and nothing else: no grammar, no
 * UTF-8, no number is read, no market looked up. Ratios within one interleaved run are what counts; ns a frame and
 * frames a second are anchors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/base/strmap.h"
#include "common/io/usage.h"
#include "common/venue/book.h"
#include "services/collector/core.h"
#include "tests/bench/bench.h"
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"

#define FRAMES_MAX 4000
#define MARKETS_MAX 64
#define LEVELS 5001
#define DECODE_GOAL 3.0 /* times the tokenizer */
#define MEMORY_GOAL 64  /* times the bytes of the levels */

/* Of this thread alone: whoever else works on the machine is not in it. */
static int64_t cpu_now(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

struct text {
	char *at;
	size_t len;
};

static struct {
	const struct venue *venue;
	struct text frame[FRAMES_MAX];
	uint32_t n;
	size_t bytes;
	struct strmap names; /* raw name -> struct venue_market */
	struct level levels[2 * LEVELS];
	uint64_t messages;
} in;

/* ---- frames ---- */

static const struct {
	const char *venue, *sample, *capture, *conn; /* conn: of a cryptofeed recording; NULL: a line is a frame */
} sources[] = {
	{"BINANCE", "binance_spot", "binance/spot/btcusdt_20240808.gz", NULL},
	{"BINANCE-PERP", "binance_usdm", "binance/usdm/btcusdt_20240808.gz", NULL},
	{"BYBIT", "bybit_spot", "bybit/BYBIT.jsonl.zst", "BYBIT.ws.3"},
	{"BYBIT-PERP", "bybit_linear", "bybit/BYBIT.jsonl.zst", "BYBIT.ws.2"},
	{"KALSHI", "kalshi", "kalshi/events/KXGOLD15M-26AUG102130-30/2026-08-11.ndjson.gz", NULL},
	{"POLYMARKET", "polymarket", "polymarket/polymarket_ws.jsonl", NULL},
};

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	return strmap_get(&in.names, raw, len);
}

/* Every name is followed; made before anything is timed. */
static const struct venue_market *find_or_make(void *ctx, const char *raw, size_t len)
{
	struct venue_market m, *slot = strmap_get(&in.names, raw, len);
	(void)ctx;

	if (slot != NULL || venue_market_init(in.venue, raw, len, &m) != 0)
		return slot;
	slot = strmap_put(&in.names, raw, len);
	must(slot != NULL);
	*slot = m;
	return slot;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	in.messages += m->kind < VENUE_NOTICE;
}

static int decode(const struct text *t, const struct venue_market *(*finder)(void *, const char *, size_t))
{
	struct venue_output out = {.find = finder, .message = on_message, .levels = in.levels, .levels_max = LEVELS};
	struct venue_input input = {.text = t->at, .len = t->len};

	return in.venue->decode(&input, &out);
}

static void add_frame(const char *text)
{
	struct text t = {strdup(text), strlen(text)};
	uint64_t before = in.messages;

	must(t.at != NULL);
	if (in.n == FRAMES_MAX || decode(&t, find_or_make) != 0 || in.messages == before) {
		free(t.at); /* an answer, or of no use */
		return;
	}
	in.frame[in.n++] = t;
	in.bytes += t.len;
}

/* "<ns> {…}", {"recv_ms":…,"event":{…}}, or the frame itself. */
static void add_line(char *line)
{
	char *event = strstr(line, "\"event\":{");

	if (line[0] >= '0' && line[0] <= '9' && strchr(line, ' ') != NULL) {
		add_frame(strchr(line, ' ') + 1);
	} else if (strncmp(line, "{\"recv_ms\"", 10) == 0 && event != NULL) {
		line[strlen(line) - 1] = 0;
		add_frame(event + 8);
	} else {
		add_frame(line);
	}
}

static bool record(size_t i)
{
	struct capture c;
	char *line;

	if (capture_open(sources[i].capture, &c) != 0)
		return false;
	while (in.n < FRAMES_MAX && (line = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (sources[i].conn == NULL) {
			add_line(line);
			continue;
		}
		if (!cryptofeed_line(line, &l))
			continue;
		if (json_str_is(l.kind, "recv") && json_str_is(l.conn, sources[i].conn))
			add_frame(l.data);
		free(l.data);
	}
	capture_close(&c);
	return in.n > 0;
}

static void make(size_t i)
{
	static char line[1 << 16];
	char path[1024];
	const char *source = getenv("NJ_SOURCE");

	snprintf(path, sizeof(path), "%s/tests/unit/venue/samples/%s.txt", source != NULL ? source : ".",
		 sources[i].sample);
	FILE *f = fopen(path, "r");
	must(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "frame ", 6) == 0)
			add_frame(line + 6);
	}
	fclose(f);
	must(in.n > 0);
	for (uint32_t k = 0; in.n < FRAMES_MAX; k++)
		add_frame(in.frame[k].at);
}

/* ---- the tokenizer ---- */

static uint64_t tokens_of(const char *at, const char *end)
{
	uint64_t n = 0;

	while (at < end) {
		char c = *at++;
		if (c == ' ')
			continue;
		n++;
		if (c == '"') {
			while (at < end && *at != '"')
				at += 1 + (*at == '\\');
			at++;
		} else if (c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
			while (at < end && *at != ',' && *at != '}' && *at != ']')
				at++;
		}
	}
	return n;
}

/* ---- decoding ---- */

static void bench_decode(size_t i, int pairs)
{
	struct bench_pairs p = {0};
	uint64_t tokens = 0;
	char name[80];

	memset(&in, 0, sizeof(in));
	in.venue = venue_find(sources[i].venue, strlen(sources[i].venue));
	must(in.venue != NULL && strmap_init(&in.names, MARKETS_MAX, sizeof(struct venue_market)) == 0);
	bool recorded = record(i);
	if (!recorded)
		make(i);
	for (int k = 0; k < pairs; k++) {
		int64_t from = cpu_now();
		for (uint32_t f = 0; f < in.n; f++)
			must(decode(&in.frame[f], find) == 0);
		int64_t between = cpu_now();
		for (uint32_t f = 0; f < in.n; f++)
			tokens += tokens_of(in.frame[f].at, in.frame[f].at + in.frame[f].len);
		bench_add(&p, (double)(between - from) / in.n, (double)(cpu_now() - between) / in.n);
	}
	must(tokens > 0 && in.messages > 0);
	double ns = bench_share(p.ours, p.n, 0.5);
	snprintf(name, sizeof(name), "%s: %u %s frames of %zu bytes, %.2f million/s", sources[i].venue, in.n,
		 recorded ? "recorded" : "made", in.bytes / in.n, 1e3 / ns);
	bench_print(&(struct bench_goal){"G1", name, "ns", false, DECODE_GOAL}, &p);
	for (uint32_t f = 0; f < in.n; f++)
		free(in.frame[f].at);
	strmap_fini(&in.names);
}

/* ---- books ---- */

#define BOOK_LEVELS 1000
#define UPDATES 20000
#define PER_UPDATE 10

/* One side as a sorted array, the best first: found by halving, moved by memmove. */
struct plain {
	struct level at[4 * BOOK_LEVELS];
	uint32_t n;
};

static void plain_put(struct plain *s, struct level l, bool bids)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		bool before = bids ? s->at[mid].price > l.price : s->at[mid].price < l.price;
		if (before)
			low = mid + 1;
		else
			high = mid;
	}
	bool there = low < s->n && s->at[low].price == l.price;
	if (there && l.qty != 0) {
		s->at[low].qty = l.qty;
	} else if (there) {
		memmove(&s->at[low], &s->at[low + 1], (--s->n - low) * sizeof(l));
	} else if (l.qty != 0 && s->n < ARRAY_LEN(s->at)) {
		memmove(&s->at[low + 1], &s->at[low], (s->n++ - low) * sizeof(l));
		s->at[low] = l;
	}
}

static struct ev_book_delta update[UPDATES];
static struct level changed[UPDATES][PER_UPDATE];

/* Around a middle, most of them near it: a level comes, changes or goes. */
static void make_updates(void)
{
	struct rng r;

	rng_seed(&r, 7);
	for (uint32_t i = 0; i < UPDATES; i++) {
		for (int k = 0; k < PER_UPDATE; k++) {
			int64_t far = (int64_t)rng_below(&r, 1 + rng_below(&r, BOOK_LEVELS));
			bool bid = k < PER_UPDATE / 2;
			changed[i][k].price = bid ? 6000000 - 1 - far : 6000000 + far;
			changed[i][k].qty = rng_below(&r, 3) == 0 ? 0 : 1 + (int64_t)rng_below(&r, 100000);
		}
		update[i] = (struct ev_book_delta){.first_id = i + 2,
						   .last_id = i + 2,
						   .bids = {changed[i], PER_UPDATE / 2},
						   .asks = {changed[i] + PER_UPDATE / 2, PER_UPDATE / 2}};
	}
}

static void fill(struct level *bids, struct level *asks)
{
	for (int i = 0; i < BOOK_LEVELS; i++) {
		bids[i] = (struct level){6000000 - 1 - i, 1000};
		asks[i] = (struct level){6000000 + i, 1000};
	}
}

static void bench_books(int pairs)
{
	static struct plain bids, asks;
	static struct level level[2][BOOK_LEVELS];
	struct bench_pairs p = {0};
	char name[80];

	make_updates();
	fill(level[0], level[1]);
	for (int k = 0; k < pairs; k++) {
		struct book b;
		must(book_init(&b, 5000) == 0);
		struct ev_book_snapshot s = {
			.last_id = 1, .bids = {level[0], BOOK_LEVELS}, .asks = {level[1], BOOK_LEVELS}};
		must(book_snapshot(&b, &s) == 0);
		memcpy(bids.at, level[0], sizeof(level[0]));
		memcpy(asks.at, level[1], sizeof(level[1]));
		bids.n = asks.n = BOOK_LEVELS;
		int64_t from = cpu_now();
		for (uint32_t i = 0; i < UPDATES; i++)
			must(book_delta(&b, &update[i]) == 0);
		int64_t between = cpu_now();
		for (uint32_t i = 0; i < UPDATES; i++)
			for (int l = 0; l < PER_UPDATE; l++)
				plain_put(l < PER_UPDATE / 2 ? &bids : &asks, changed[i][l], l < PER_UPDATE / 2);
		bench_add(&p, (double)(between - from) / UPDATES, (double)(cpu_now() - between) / UPDATES);
		must(book_depth(&b, side_buy) == bids.n && book_depth(&b, side_sell) == asks.n);
		book_fini(&b);
	}
	snprintf(name, sizeof(name), "books: updates of %d levels, %.2f million/s, against sorted arrays", PER_UPDATE,
		 1e3 / bench_share(p.ours, p.n, 0.5));
	bench_print(&(struct bench_goal){"G9", name, "ns", false, 1.0}, &p);
}

/* ---- memory ---- */

#define SYMBOLS 200
#define KIB 1024.0

static void no_request(void *ctx, const struct collector_request *r)
{
	(void)ctx;
	(void)r;
}

static void no_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	(void)connection;
	(void)reason;
}

static void no_event(void *ctx, struct event *ev)
{
	(void)ctx;
	memcpy(ev->source, "collector", 10);
}

static size_t write_snapshot(char *text, size_t cap, const char *raw)
{
	size_t n = (size_t)snprintf(
		text, cap,
		"{\"topic\":\"orderbook.200.%s\",\"ts\":1700000000000,\"type\":\"snapshot\",\"data\":{\"u\":1,", raw);

	for (int side = 0; side < 2; side++) {
		n += (size_t)snprintf(text + n, cap - n, "\"%s\":[", side == 0 ? "b" : "a");
		for (int i = 0; i < 200; i++)
			n += (size_t)snprintf(text + n, cap - n, "%s[\"%d.5\",\"1\"]", i > 0 ? "," : "",
					      side == 0 ? 10000 - i : 10001 + i);
		n += (size_t)snprintf(text + n, cap - n, "]%s", side == 0 ? "," : "}}");
	}
	return n;
}

/* Instruments with books of 200 levels a side, against the bytes of those levels in plain arrays. */
static void bench_memory(void)
{
	static char names[SYMBOLS][20], text[1 << 15];
	static struct collector_market markets[SYMBOLS];
	struct collector_actions actions = {.request = no_request, .reconnect = no_reconnect};
	struct sink out = {NULL, no_event};
	struct collector_core_settings s;
	struct collector_core *c;
	struct usage before, after;
	struct bench_pairs p = {0};

	collector_core_defaults(&s, venue_find("BYBIT-PERP", 10));
	for (int i = 0; i < SYMBOLS; i++) {
		snprintf(names[i], sizeof(names[i]), "S%dUSDT", i);
		markets[i] = (struct collector_market){names[i], 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM};
	}
	s.markets = markets;
	s.n_markets = SYMBOLS;
	usage_read(&before);
	must(collector_core_new(&s, &actions, &c) == 0);
	int64_t now = 1700000000000000000;
	collector_core_on_connection(c, &(struct collector_change){.now = now, .state = feed_live}, &out);
	for (int i = 0; i < SYMBOLS; i++) {
		enum book_state state;
		struct collector_frame f = {.now = now += 1000, .text = text};
		f.len = write_snapshot(text, sizeof(text), names[i]);
		collector_core_on_frame(c, &f, &out);
		must(book_depth(collector_core_book(c, names[i], &state), side_buy) == 200);
	}
	usage_read(&after);
	double bytes = (double)(after.anon - before.anon) / SYMBOLS, plain = 400 * sizeof(struct level);
	bench_add(&p, bytes / KIB, plain / KIB);
	bench_print(&(struct bench_goal){"G15", "memory a symbol: 200 levels a side, against their bytes", "KiB", false,
					 MEMORY_GOAL},
		    &p);
	collector_core_free(c);
}

int main(int argc, char **argv)
{
	int pairs = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 7 : BENCH_PAIRS_MAX;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		bench_decode(i, pairs);
	bench_books(pairs);
	bench_memory();
	return 0;
}
