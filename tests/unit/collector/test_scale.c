/* test_scale - hundreds of symbols in one process: level memory, no allocation once they run, and one bad symbol alone.
 *
 * This program's own malloc counts what is asked for; not under sanitizers, which have their own.
 */
#include <malloc.h>
#include <stdio.h>

#include "common/venue/book.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000000LL * NS)
#define PER_SYMBOL_MAX 262144 /* resident bytes; room for 5,000 levels a side is reserved and not touched */

enum { SYMBOLS = 500, BAD = 77, UNKNOWN = 78, ROUNDS = 20, ANSWERS_MAX = 4 * SYMBOLS };

static unsigned long allocations;
static bool counts; /* the sanitizers' own memory is beside the point */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *at, size_t n);

void *malloc(size_t n)
{
	counts = true;
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *at, size_t n)
{
	allocations++;
	return __libc_realloc(at, n);
}

#endif

static char name[SYMBOLS][24];
static struct collector_market market[SYMBOLS];

static void open_all(struct rig *r)
{
	struct collector_core_settings s;

	for (int i = 0; i < SYMBOLS; i++) {
		snprintf(name[i], sizeof(name[i]), "S%03dUSDT", i);
		market[i] = (struct collector_market){name[i], 0, 7};
	}
	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = market;
	s.n_markets = SYMBOLS;
	s.stale_ns = s.silence_ns = s.crossed_ns = 3600 * NS;
	rig_open(r, &s);
	rig_change(r, T0, feed_live);
}

static void depth(struct rig *r, int64_t now, int symbol, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"%s\",\"U\":%llu,\"u\":%llu,"
		 "\"b\":[[\"99.5\",\"%llu\"]],\"a\":[[\"101.5\",\"%llu\"]]}",
		 (long long)(now / 1000000), name[symbol], (unsigned long long)id, (unsigned long long)id,
		 (unsigned long long)id, (unsigned long long)id);
	rig_frame(r, now, text);
}

static void trade(struct rig *r, int64_t now, int symbol, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "{\"e\":\"trade\",\"E\":%lld,\"s\":\"%s\",\"t\":%llu,\"p\":\"100.5\",\"q\":\"1\","
		 "\"T\":%lld,\"m\":true,\"M\":true}",
		 (long long)(now / 1000000), name[symbol], (unsigned long long)id, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

/* Each snapshot that is asked for comes, but for the one symbol that the venue does not know. *done: answered. */
static void answer(struct rig *r, int64_t now, uint32_t *done)
{
	for (; *done < r->n_requests; ++*done) {
		uint32_t i = *done % RIG_REQUESTS;
		bool known = strstr(r->path[i], name[UNKNOWN]) == NULL;

		rig_reply_to(r, now, r->request[i].id, known ? 200 : 400,
			     known ? "{\"lastUpdateId\":100,\"bids\":[[\"100\",\"1\"]],\"asks\":[[\"101\",\"3\"]]}"
				   : "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}");
	}
}

static uint32_t trusted(const struct rig *r)
{
	uint32_t n = 0;
	enum book_state state;

	for (int i = 0; i < SYMBOLS; i++)
		n += collector_core_book(r->core, name[i], &state) != NULL && state == book_state_trusted;
	return n;
}

/* Until every book but that of the unknown symbol is trusted; the time it is then. */
static int64_t synced(struct rig *r, uint32_t *done)
{
	int64_t now = T0;

	for (int i = 0; i < SYMBOLS; i++)
		if (i != UNKNOWN) /* nothing ever comes of it */
			depth(r, ++now, i, 100);
	while (trusted(r) < SYMBOLS - 1 && *done < ANSWERS_MAX) {
		now += NS / 10;
		rig_timers(r, now);
		answer(r, now, done);
	}
	assert_int_equal(trusted(r), SYMBOLS - 1);
	return now;
}

static size_t resident(void)
{
	unsigned long all = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &pages), 2);
	fclose(f);
	return pages * 4096;
}

struct tally {
	uint64_t n;
};

static void tally(void *ctx, struct event *ev)
{
	struct tally *t = ctx;

	assert_true(ev->ts_recv > 0);
	t->n++;
}

static int64_t play(struct rig *r, int64_t now, uint64_t first, uint64_t rounds, int bad)
{
	for (uint64_t k = 0; k < rounds; k++)
		for (int i = 0; i < SYMBOLS; i++) {
			now += NS / 1000;
			if (i == bad)
				rig_frame(r, now, "{\"e\":\"depthUpdate\",\"s\":\"S077USDT\",\"b\":[[\"-1\",\"x\"]]}");
			else if (i != UNKNOWN)
				depth(r, now, i, first + k);
			if (i != UNKNOWN)
				trade(r, now, i, first + k);
		}
	return now;
}

static void hundreds_run_on_what_they_have(void **state)
{
	(void)state;
	struct rig r;
	uint32_t done = 0;
	size_t empty = resident();

	open_all(&r);
	int64_t now = synced(&r, &done);
	struct tally out = {0};
	r.sink = (struct sink){&out, tally};
	now = play(&r, now, 101, 5, -1); /* candles and tables find their size */
	size_t warm = mallinfo2().uordblks + mallinfo2().hblkhd;
	unsigned long before = allocations;
	uint64_t said = out.n;
	now = play(&r, now, 106, ROUNDS, -1);
	assert_int_equal(allocations, before);
	assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, warm);
	assert_true(out.n - said >= 2 * ROUNDS * (SYMBOLS - 1));
	assert_int_equal(trusted(&r), SYMBOLS - 1);
	size_t each = (resident() - empty) / SYMBOLS;
	assert_true(!counts || each < PER_SYMBOL_MAX);
	printf("%d symbols: %zu KiB resident each, %llu events without an allocation\n", SYMBOLS, each / 1024,
	       (unsigned long long)(out.n - said));
	rig_close(&r);
}

static void bad_ones_fail_alone(void **state)
{
	(void)state;
	struct rig r;
	uint32_t done = 0;

	open_all(&r);
	int64_t now = synced(&r, &done);
	const struct collector_counters *n = rig_counters(&r);
	uint64_t applied = n->depth_applied, resyncs = n->resyncs;
	uint32_t asked = r.n_requests;
	play(&r, now, 101, ROUNDS, BAD);
	assert_int_equal(n->depth_applied - applied, ROUNDS * (SYMBOLS - 2));
	assert_int_equal(n->malformed, ROUNDS);
	assert_true(n->resyncs - resyncs >= 1); /* its own */
	assert_int_equal(trusted(&r), SYMBOLS - 2);
	assert_true(r.n_requests - asked < 20); /* and neither of the two floods the venue */
	assert_int_equal(r.n_reconnects, 0);
	rig_close(&r);
}

/* One name that Binance does not know, and it refuses the list: then all there are is asked for. */
static void an_unknown_name_costs_no_filters(void **state)
{
	(void)state;
	static const struct collector_market two[] = {{"BTCUSDT", 0, 7}, {"BTCUSTD", 0, 7}};
	struct rig r;
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = two;
	s.n_markets = 2;
	rig_open(&r, &s);
	collector_core_start(r.core, T0, &r.sink);
	assert_string_equal(rig_last_path(&r), "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22BTCUSTD%22%5D");
	rig_reply(&r, T0 + 1, 400, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}");
	rig_timers(&r, T0 + 10 * NS);
	assert_string_equal(rig_last_path(&r), "/api/v3/exchangeInfo");
	rig_reply(&r, T0 + 10 * NS, 200,
		  "{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","
		  "\"quoteAsset\":\"USDT\",\"filters\":[{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01\","
		  "\"maxPrice\":\"1000000\","
		  "\"tickSize\":\"0.01\"},{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001\",\"maxQty\":\"9000\","
		  "\"stepSize\":\"0.00001\"}]},{\"symbol\":\"ETHUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"ETH\","
		  "\"quoteAsset\":\"USDT\",\"filters\":[]}]}");
	assert_int_equal(r.count[EVENT_instrument], 1);
	assert_int_equal(rig_counters(&r)->instruments_bad, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hundreds_run_on_what_they_have),
		cmocka_unit_test(bad_ones_fail_alone),
		cmocka_unit_test(an_unknown_name_costs_no_filters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
