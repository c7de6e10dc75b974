/* bench_decode - goal G1: Binance's frames decoded, ours against a bare hand cursor, cJSON and simdjson.
 *
 * Frames are recorded ones where NIGHTJAR_CAPTURES has them (the first of a day of BTCUSDT: depth,
 * bookTicker, trade), else made alike. All decoders add up the same numbers of every frame; the
 * sums must agree. Prints ns a frame (median of the repeats) and the median of the paired ratios,
 * and the instructions that ours takes for a frame. A library that was not installed when this was built is named and
 * skipped. Exits 1 where a goal is missed.
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
#include "tests/bench/instructions.h"
#include "tests/bench/rival.h"
#include "tests/golden/capture.h"

extern const struct venue venue_binance_spot;

#define FRAMES_MAX 6651
#define REPEATS_MAX 31
#define LEVELS 5001
#define INSTRUCTIONS_GOAL 2600

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
	size_t len = strlen(text);
	char *copy = calloc(1, len + RIVAL_ROOM);
	must(copy != NULL);
	memcpy(copy, text, len);
	frame[n_frames] = (struct text){copy, len};
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

/* By its name callgrind finds it. */
static __attribute__((noinline)) uint64_t run_ours(void)
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

/* Levels are kept first, as ours are. */
static const char *bare_levels(const char *p, struct level *at, uint64_t *ret_sum)
{
	uint64_t all = 0;
	uint32_t n = 0;

	p++;
	while (*p == '[') {
		p = cursor_fixed(p + 2, RIVAL_PRICE_SCALE, &at[n].price);
		p = cursor_fixed(p + 2, RIVAL_QTY_SCALE, &at[n].qty);
		n++;
		p += 1 + (p[1] == ',');
	}
	for (uint32_t i = 0; i < n; i++)
		all += (uint64_t)at[i].price * 3 + (uint64_t)at[i].qty;
	*ret_sum += all;
	return p + 1;
}

/* The members of the inner object, each by its one letter. */
static void bare_members(const char *p, struct decoded *b)
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
			p = *p == '[' ? bare_levels(p, levels, &b->levels)
				      : cursor_fixed(p + 1, RIVAL_PRICE_SCALE, &b->value[0]);
			break;
		case 'a':
			p = *p == '[' ? bare_levels(p, levels + LEVELS, &b->levels)
				      : cursor_fixed(p + 1, RIVAL_PRICE_SCALE, &b->value[2]);
			break;
		case 'B':
		case 'q':
			p = cursor_fixed(p + 1, RIVAL_QTY_SCALE, &b->value[1]);
			break;
		case 'A':
			p = cursor_fixed(p + 1, RIVAL_QTY_SCALE, &b->value[3]);
			break;
		case 'p':
			p = cursor_fixed(p + 1, RIVAL_PRICE_SCALE, &b->value[0]);
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

static uint64_t run_bare(void)
{
	sum = 0;
	for (uint32_t i = 0; i < n_frames; i++) {
		struct decoded d = {.event = 0};
		bare_members(strchr(frame[i].at + 11, '{') + 1, &d);
		sum += decoded_sum(&d);
	}
	return sum;
}

/* ---- the others ---- */

#define RIVAL(name) extern const struct rival rival_##name;
#define RIVAL_ABSENT(name, package)
#include "rivals.def"
#undef RIVAL
#undef RIVAL_ABSENT

static const struct {
	const struct rival *rival; /* NULL: it was not installed */
	const char *name, *package;
} rivals[] = {
#define RIVAL(name) {&rival_##name, #name, ""},
#define RIVAL_ABSENT(name, package) {NULL, name, package},
#include "rivals.def"
#undef RIVAL
#undef RIVAL_ABSENT
};

static const struct rival *rival;

static uint64_t run_rival(void)
{
	sum = 0;
	for (uint32_t i = 0; i < n_frames; i++) {
		struct decoded d;
		rival->decode(frame[i].at, frame[i].len, &d);
		sum += decoded_sum(&d);
	}
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

/* The goals of ratios, each a line of its own. */
static bool contest_bare(void)
{
	double ours[REPEATS_MAX], bare[REPEATS_MAX], ratio[REPEATS_MAX];

	for (int i = 0; i < repeats; i++) {
		uint64_t a, b;
		ours[i] = time_ns(run_ours, &a);
		bare[i] = time_ns(run_bare, &b);
		must(a == b);
		ratio[i] = ours[i] / bare[i];
	}
	double slower = median(ratio);
	bool good = slower <= 1.25;
	printf("G1 decode %u frames of %zu bytes: ours %5.0f ns  bare cursor %5.0f ns a frame | %.2fx "
	       "[%.2f..%.2f] goal <= 1.25 | %s\n",
	       n_frames, bytes / n_frames, median(ours), median(bare), slower, ratio[0], ratio[repeats - 1],
	       good ? "ok" : "MISSED");
	return good;
}

static bool contest_rival(const struct rival *r)
{
	double ours[REPEATS_MAX], theirs[REPEATS_MAX], ratio[REPEATS_MAX];

	rival = r;
	for (int i = 0; i < repeats; i++) {
		uint64_t a, b;
		ours[i] = time_ns(run_ours, &a);
		theirs[i] = time_ns(run_rival, &b);
		must(a == b);
		ratio[i] = theirs[i] / ours[i];
	}
	double faster = median(ratio);
	bool good = faster >= r->goal;
	printf("G1 decode, %s: ours %5.0f ns  theirs %5.0f ns a frame | %.2fx faster [%.2f..%.2f] goal >= %.1f | %s\n",
	       r->name, median(ours), median(theirs), faster, ratio[0], ratio[repeats - 1], r->goal,
	       good ? "ok" : "MISSED");
	return good;
}

static bool contest_rivals(void)
{
	bool good = true;

	for (size_t i = 0; i < ARRAY_LEN(rivals); i++)
		if (rivals[i].rival != NULL)
			good &= contest_rival(rivals[i].rival);
		else
			printf("#\tG1: %s was not installed (%s): skipped\n", rivals[i].name, rivals[i].package);
	return good;
}

static bool count_instructions(void)
{
	const char *how = "the processor's counter";
	uint64_t n = instructions_counted(run_ours);

	if (n == 0) {
		how = "callgrind";
		n = instructions_by_callgrind("run_ours", "--ours");
	}
	if (n == 0) {
		printf("#\tG1: instructions: the kernel grants no counter, and callgrind does not run: skipped\n");
		return true;
	}
	n /= n_frames;
	bool good = n <= INSTRUCTIONS_GOAL;
	printf("G1 decode, instructions: ours %llu instructions a frame (%s) | %llu goal <= %d | %s\n",
	       (unsigned long long)n, how, (unsigned long long)n, INSTRUCTIONS_GOAL, good ? "ok" : "MISSED");
	return good;
}

int main(int argc, char **argv)
{
	bool good;

	if (argc > 1 && strcmp(argv[1], "--quick") == 0)
		repeats = 7;
	must(venue_market_init(&venue_binance_spot, "BTCUSDT", 7, &market) == 0);
	market.price_scale = RIVAL_PRICE_SCALE;
	must(market.qty_scale == RIVAL_QTY_SCALE && side_buy == 1 && side_sell == 2);
	must(strmap_init(&markets, 64, 4) == 0 && strmap_put(&markets, "BTCUSDT", 7) != NULL);
	if (!record())
		make();
	if (argc > 1 && strcmp(argv[1], "--ours") == 0) { /* for counting instructions */
		run_ours();
		return 0;
	}
	good = contest_bare();
	good &= contest_rivals();
	good &= count_instructions();
	return good ? 0 : 1;
}
