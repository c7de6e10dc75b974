/* bench_decode - goal G1: Binance's frames decoded, ours against a bare hand cursor.
 *
 * Frames are recorded ones where NIGHTJAR_CAPTURES has them (the first of a day of BTCUSDT: depth,
 * bookTicker, trade), else made alike. Both decoders add up the same numbers of every frame; the
 * sums must agree. Prints ns a frame (median of the repeats) and the median of the paired ratios.
 * Exits 1 where the goal is missed.
 *
 * The cursor walks what it expects: no grammar, no UTF-8, no bounds but a NUL at the end, no
 * market to look up, no doubt about the order in which values may come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "common/base/strmap.h"
#include "common/venue/venue.h"
#include "tests/bench/cursor.h"
#include "tests/golden/capture.h"

extern const struct venue venue_binance_spot;

#define FRAMES_MAX 6651
#define REPEATS_MAX 31
#define LEVELS 5001

struct text {
	char *at;
	size_t len;
};

static struct text frame[FRAMES_MAX];
static uint32_t n_frames;
static size_t bytes;
static int repeats = REPEATS_MAX;

/* ---- frames ---- */

static void add_frame(const char *text)
{
	if (n_frames == FRAMES_MAX)
		return;
	frame[n_frames] = (struct text){strdup(text), strlen(text)};
	bytes += frame[n_frames++].len;
}

static bool record(void)
{
	struct capture day;
	char *line;
	uint32_t tops = 0, depths = 0;

	if (capture_open("binance/spot/btcusdt_20240808.gz", &day) != 0)
		return false;
	/* As many bookTickers as depth updates, and the trades between them: the mix of a whole
	 * market. */
	while ((line = capture_line(&day)) != NULL && n_frames < FRAMES_MAX) {
		const char *text = strchr(line, ' ') + 1;
		bool top = strstr(text, "@bookTicker") != NULL;
		if (strncmp(text, "{\"stream\"", 9) != 0 || (top && tops > depths))
			continue;
		tops += top;
		depths += strstr(text, "@depth") != NULL;
		add_frame(text);
	}
	capture_close(&day);
	return true;
}

static void make(void)
{
	struct rng r;
	char text[4096];

	rng_seed(&r, 1);
	while (n_frames < FRAMES_MAX) {
		unsigned long long id = 50093239189ull + n_frames;
		unsigned price = 61000 + (unsigned)rng_below(&r, 1000), cents = (unsigned)rng_below(&r, 100);
		switch (n_frames % 3) {
		case 0: {
			int n = snprintf(text, sizeof(text),
					 "{\"stream\":\"btcusdt@depth@100ms\","
					 "\"data\":{\"e\":\"depthUpdate\","
					 "\"E\":1723161255208,\"s\":\"BTCUSDT\",\"U\":%llu,"
					 "\"u\":%llu,\"b\":[",
					 id, id);
			for (int side = 0; side < 2; side++) {
				for (int i = 0; i < 18; i++)
					n += snprintf(text + n, sizeof(text) - (size_t)n,
						      "%s[\"%u.%02u000000\",\"%u.%05u000\"]", i > 0 ? "," : "", price,
						      cents, (unsigned)rng_below(&r, 3),
						      (unsigned)rng_below(&r, 99999));
				n += snprintf(text + n, sizeof(text) - (size_t)n, "%s", side ? "]}}" : "],\"a\":[");
			}
			break;
		}
		case 1:
			snprintf(text, sizeof(text),
				 "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":%llu,"
				 "\"s\":\"BTCUSDT\","
				 "\"b\":\"%u.%02u000000\",\"B\":\"3.78826000\","
				 "\"a\":\"%u.99000000\",\"A\":\"1.54698000\"}}",
				 id, price, cents, price);
			break;
		default:
			snprintf(text, sizeof(text),
				 "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\","
				 "\"E\":1723161255343,"
				 "\"s\":\"BTCUSDT\",\"t\":%llu,\"p\":\"%u.%02u000000\","
				 "\"q\":\"0.02000000\","
				 "\"T\":1723161255342,\"m\":true,\"M\":true}}",
				 id, price, cents);
		}
		add_frame(text);
	}
}

/* ---- ours ---- */

static struct venue_market market;
static struct strmap markets;
static struct level levels[2 * LEVELS];
static uint64_t sum;

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	static size_t found; /* length of the last name: the collector's core remembers it, too */
	(void)ctx;
	if (found == len && memcmp(market.raw, raw, len) == 0)
		return &market;
	found = strmap_get(&markets, raw, len) != NULL ? len : 0;
	return found != 0 ? &market : NULL;
}

static void add_levels(const struct levels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		sum += (uint64_t)l->at[i].price * 3 + (uint64_t)l->at[i].qty;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	sum += (uint64_t)m->time;
	if (m->kind == VENUE_DEPTH) {
		sum += m->depth.first_id + m->depth.last_id;
		add_levels(&m->depth.bids);
		add_levels(&m->depth.asks);
	} else if (m->kind == VENUE_TRADE) {
		sum += m->trade.last_id + (uint64_t)(m->trade.at + m->trade.price * 3 + m->trade.qty) +
		       m->trade.aggressor;
	} else if (m->kind == VENUE_TOP) {
		sum += m->top.last_id + (uint64_t)(m->top.bid * 3 + m->top.bid_qty) +
		       (uint64_t)(m->top.ask * 3 + m->top.ask_qty);
	}
}

static uint64_t run_ours(void)
{
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = LEVELS};

	sum = 0;
	for (uint32_t i = 0; i < n_frames; i++) {
		struct venue_input in = {.text = frame[i].at, .len = frame[i].len};
		must(venue_binance_spot.decode(&in, &out) == 0);
	}
	return sum;
}

/* ---- the cursor ---- */

/* p is behind the opening quote; returns behind the closing one. */
static const char *bare_fixed(const char *p, int scale, int64_t *v)
{
	int64_t n = 0;

	for (; (unsigned)(*p - '0') <= 9; p++)
		n = n * 10 + (*p - '0');
	if (*p == '.')
		p++;
	for (; scale > 0; scale--) {
		n *= 10;
		if ((unsigned)(*p - '0') <= 9)
			n += *p++ - '0';
	}
	while (*p != '"')
		p++;
	*v = n;
	return p + 1;
}

static const char *bare_levels(const char *p, uint32_t *ret_n, struct level *at)
{
	uint32_t n = 0;

	p++;
	while (*p == '[') {
		p = bare_fixed(p + 2, 2, &at[n].price);
		p = bare_fixed(p + 2, 8, &at[n].qty);
		n++;
		p += 1 + (p[1] == ',');
	}
	*ret_n = n;
	return p + 1;
}

struct bare {
	uint64_t id[2], time[2];
	int64_t value[4];
	uint32_t n[2];
	char event;
	bool maker;
};

/* The members of the inner object, each by its one letter. */
static void bare_members(const char *p, struct bare *b)
{
	while (*p == '"' || *p == ',') {
		p += *p == ',';
		char key = p[1];
		p += 4;
		switch (key) {
		case 'e':
			b->event = p[1];
			p = cursor_skip(p);
			break;
		case 'E':
			p = cursor_u64(p, &b->time[0]);
			break;
		case 'T':
			p = cursor_u64(p, &b->time[1]);
			break;
		case 'U':
			p = cursor_u64(p, &b->id[0]);
			break;
		case 'u':
		case 't':
			p = cursor_u64(p, &b->id[1]);
			break;
		case 'b':
			p = *p == '[' ? bare_levels(p, &b->n[0], levels) : bare_fixed(p + 1, 2, &b->value[0]);
			break;
		case 'a':
			p = *p == '[' ? bare_levels(p, &b->n[1], levels + LEVELS) : bare_fixed(p + 1, 2, &b->value[2]);
			break;
		case 'B':
		case 'q':
			p = bare_fixed(p + 1, 8, &b->value[1]);
			break;
		case 'A':
			p = bare_fixed(p + 1, 8, &b->value[3]);
			break;
		case 'p':
			p = bare_fixed(p + 1, 2, &b->value[0]);
			break;
		case 'm':
			b->maker = *p == 't';
			p = cursor_skip(p);
			break;
		default:
			p = cursor_skip(p);
		}
	}
}

static void bare_frame(const char *text)
{
	struct bare b = {0};

	bare_members(strchr(text + 11, '{') + 1, &b);
	sum += b.time[0] * 1000000;
	if (b.event == 'd') {
		sum += b.id[0] + b.id[1];
		add_levels(&(struct levels){levels, b.n[0]});
		add_levels(&(struct levels){levels + LEVELS, b.n[1]});
	} else {
		sum += b.id[1] + b.time[1] * 1000000 + (uint64_t)(b.value[0] * 3 + b.value[1]) +
		       (uint64_t)(b.value[2] * 3 + b.value[3]);
		if (b.event == 't')
			sum += b.maker ? side_sell : side_buy;
	}
}

static uint64_t run_bare(void)
{
	sum = 0;
	for (uint32_t i = 0; i < n_frames; i++)
		bare_frame(frame[i].at);
	return sum;
}

/* ---- timing ---- */

static double time_ns(uint64_t (*run)(void), uint64_t *ret_sum)
{
	struct timespec a, b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	*ret_sum = run();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / n_frames;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, (size_t)repeats, sizeof(*v), compare);
	return v[repeats / 2];
}

int main(int argc, char **argv)
{
	double ours[REPEATS_MAX], bare[REPEATS_MAX], ratio[REPEATS_MAX];
	bool only_ours = argc > 1 && strcmp(argv[1], "--ours") == 0; /* for counting instructions */

	if (argc > 1 && strcmp(argv[1], "--quick") == 0)
		repeats = 7;
	must(venue_market_init(&venue_binance_spot, "BTCUSDT", 7, &market) == 0);
	market.price_scale = 2;
	must(strmap_init(&markets, 64, 4) == 0 && strmap_put(&markets, "BTCUSDT", 7) != NULL);
	if (!record())
		make();
	for (int i = 0; i < (only_ours ? 1 : repeats); i++) {
		uint64_t a, b;
		ours[i] = time_ns(run_ours, &a);
		bare[i] = only_ours ? 1 : time_ns(run_bare, &b);
		must(only_ours || a == b);
		ratio[i] = ours[i] / bare[i];
	}
	if (only_ours)
		return 0;
	double slower = median(ratio);
	bool good = slower <= 1.25;
	printf("G1 decode %u frames of %zu bytes: ours %5.0f ns  bare cursor %5.0f ns a frame | "
	       "%.2fx "
	       "[%.2f..%.2f] goal <= 1.25 | %s\n",
	       n_frames, bytes / n_frames, median(ours), median(bare), slower, ratio[0], ratio[repeats - 1],
	       good ? "ok" : "MISSED");
	return good ? 0 : 1;
}
