/* bench_base - decimals, JSON and checksums against the bare loops that do no more than they must.
 *
 * Each line: name, value, unit, ratio to its reference in the same run (1: it is the reference).
 * Pairs are interleaved, and the least of the rounds counts: other work only ever adds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/crc.h"
#include "common/base/fixed.h"
#include "common/base/hash.h"
#include "common/base/hist.h"
#include "common/base/json.h"
#include "common/base/rng.h"
#include "common/base/utf8.h"

#define ROUNDS 15
#define FRAMES 512
#define FRAME_MAX 256

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile uint64_t sink; /* keeps results from being optimised away */

/* ---- decimals ---- */

#define NUMBERS 1024
static struct {
	char text[24];
	size_t len;
} number[NUMBERS];

static void make_numbers(void)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (int i = 0; i < NUMBERS; i++)
		number[i].len = (size_t)snprintf(number[i].text, sizeof(number[i].text),
						 "%u.%02u000000",
						 50000 + (unsigned)rng_below(&rng, 49999),
						 (unsigned)rng_below(&rng, 100));
}

static void run_fixed_parse(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NUMBERS; i++) {
		int64_t value = 0;

		must(fixed_parse(number[i].text, number[i].len, 8, &value) == 0);
		sum += (uint64_t)value;
	}
	sink = sum;
}

static void run_strtod(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NUMBERS; i++)
		sum += (uint64_t)strtod(number[i].text, NULL);
	sink = sum;
}

/* The loop of performance.md: no checks, a terminated text. */
static int64_t bare_decimal(const char **at_p)
{
	const char *at = *at_p;
	int64_t value = 0;
	int decimals = 8;

	for (; *at != '.'; at++)
		value = value * 10 + (*at - '0');
	for (at++; *at != '"'; at++, decimals--)
		value = value * 10 + (*at - '0');
	for (; decimals > 0; decimals--)
		value *= 10;
	*at_p = at;
	return value;
}

static void run_bare_decimal(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NUMBERS; i++) {
		const char *at = number[i].text;

		number[i].text[number[i].len] = '"';
		sum += (uint64_t)bare_decimal(&at);
		number[i].text[number[i].len] = 0;
	}
	sink = sum;
}

static void run_format(void)
{
	char out[FIXED_TEXT_MAX];
	uint64_t sum = 0;

	for (int i = 0; i < NUMBERS; i++)
		sum += fixed_format(out, sizeof(out), 5000012345678 + i * 7919, 8);
	sink = sum;
}

static void run_snprintf(void)
{
	char out[FIXED_TEXT_MAX];
	uint64_t sum = 0;

	for (int i = 0; i < NUMBERS; i++)
		sum += (uint64_t)snprintf(out, sizeof(out), "%.8f", 50000.12345678 + i);
	sink = sum;
}

/* ---- JSON ---- */

struct trade {
	int64_t event, time, price, qty;
	uint64_t id;
	bool maker;
};

static struct {
	char text[FRAME_MAX]; /* zeros behind the text stop the bare cursor */
	size_t len;
} frame[FRAMES];

static void make_frames(void)
{
	struct rng rng;

	rng_seed(&rng, 2);
	for (int i = 0; i < FRAMES; i++) {
		uint64_t time = 1723075202394 + rng_below(&rng, 99999);
		uint64_t order = 28273945611 + rng_below(&rng, 99999);

		frame[i].len = (size_t)snprintf(frame[i].text, FRAME_MAX,
			"{\"e\":\"trade\",\"E\":%" PRIu64 ",\"s\":\"BTCUSDT\",\"t\":%" PRIu64
			",\"p\":\"%u.%02u000000\",\"q\":\"0.%05u000\",\"b\":%" PRIu64
			",\"a\":%" PRIu64 ",\"T\":%" PRIu64 ",\"m\":%s,\"M\":true}",
			time + 1, 3722345621 + rng_below(&rng, 99999),
			50000 + (unsigned)rng_below(&rng, 49999), (unsigned)rng_below(&rng, 100),
			(unsigned)rng_below(&rng, 100000), order, order + 3, time,
			rng_below(&rng, 2) ? "true" : "false");
	}
}

static uint64_t checksum(const struct trade *t)
{
	return hash_mix((uint64_t)t->event ^ (uint64_t)t->price * 3 ^ (uint64_t)t->qty * 5 ^
			(uint64_t)t->time * 7 ^ t->id * 11 ^ (uint64_t)t->maker);
}

static int parse_trade(const char *text, size_t len, struct trade *t)
{
	struct json_str key;
	struct json j;

	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &key)) {
		switch (key.len == 1 ? *key.at : 0) {
		case 'E':
			json_i64(&j, &t->event);
			break;
		case 't':
			json_u64(&j, &t->id);
			break;
		case 'p':
			json_fixed(&j, 8, &t->price);
			break;
		case 'q':
			json_fixed(&j, 8, &t->qty);
			break;
		case 'T':
			json_i64(&j, &t->time);
			break;
		case 'm':
			json_bool(&j, &t->maker);
			break;
		default:
			json_skip(&j);
		}
	}
	return json_finish(&j);
}

static void run_json(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < FRAMES; i++) {
		struct trade t = {0};

		must(parse_trade(frame[i].text, frame[i].len, &t) == 0);
		sum += checksum(&t);
	}
	sink = sum;
}

static void run_json_skip(void)
{
	for (int i = 0; i < FRAMES; i++) {
		struct json j;

		json_init(&j, frame[i].text, frame[i].len);
		json_skip(&j);
		must(json_finish(&j) == 0);
	}
}

static int64_t bare_integer(const char **at_p)
{
	const char *at = *at_p;
	int64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	*at_p = at;
	return value;
}

static const char *bare_skip(const char *at)
{
	if (*at == '"') {
		for (at++; *at != '"'; at++)
			;
		return at + 1;
	}
	while (*at != ',' && *at != '}')
		at++;
	return at;
}

/* The limit: trusts the text, knows that keys have one letter, checks only what steers it. */
static void bare_trade(const char *at, struct trade *t)
{
	for (at++; *at == '"'; at += *at == ',') {
		char key = at[1];

		at += 4;
		switch (key) {
		case 'E':
			t->event = bare_integer(&at);
			break;
		case 't':
			t->id = (uint64_t)bare_integer(&at);
			break;
		case 'p':
			at++;
			t->price = bare_decimal(&at);
			at++;
			break;
		case 'q':
			at++;
			t->qty = bare_decimal(&at);
			at++;
			break;
		case 'T':
			t->time = bare_integer(&at);
			break;
		case 'm':
			t->maker = *at == 't';
			at = bare_skip(at);
			break;
		default:
			at = bare_skip(at);
		}
	}
}

static void run_bare_cursor(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < FRAMES; i++) {
		struct trade t = {0};

		bare_trade(frame[i].text, &t);
		sum += checksum(&t);
	}
	sink = sum;
}

/* ---- bytes ---- */

#define BLOCK 65536
static uint8_t block[BLOCK];

static void run_crc(void)
{
	sink = crc32c(0, block, BLOCK);
}

static void run_crc_portable(void)
{
	sink = crc32c_portable(0, block, BLOCK);
}

static void run_utf8(void)
{
	sink = utf8_valid(block, BLOCK);
}

static void run_hist(void)
{
	static struct hist h;

	for (uint64_t i = 0; i < NUMBERS; i++)
		hist_record(&h, hash_mix(i) >> 40);
	sink = h.count;
}

/* ---- measuring ---- */

struct side {
	const char *name, *unit;
	void (*run)(void);
	double units; /* a call */
};

static double least(void (*run)(void), double best)
{
	double start = now_ns(), took;

	for (int i = 0; i < 20; i++)
		run();
	took = (now_ns() - start) / 20;
	return best == 0 || took < best ? took : best;
}

static void print(const struct side *s, double ns, double ratio)
{
	double value = strcmp(s->unit, "GB/s") == 0 ? s->units / ns : ns / s->units;

	printf("%s %.2f %s %.3f\n", s->name, value, s->unit, ratio);
}

/* The ratio is ours to the reference in time, for every unit: below 1 is faster. */
static void compare(const struct side *ours, const struct side *reference)
{
	double a = 0, b = 0;

	for (int i = 0; i < ROUNDS; i++) {
		a = least(ours->run, a);
		b = least(reference->run, b);
	}
	print(ours, a, a / ours->units / (b / reference->units));
	print(reference, b, 1);
}

int main(void)
{
	static const struct side pairs[][2] = {
		{{"fixed_parse", "ns/number", run_fixed_parse, NUMBERS},
		 {"strtod", "ns/number", run_strtod, NUMBERS}},
		{{"fixed_parse_vs_bare", "ns/number", run_fixed_parse, NUMBERS},
		 {"bare_decimal", "ns/number", run_bare_decimal, NUMBERS}},
		{{"fixed_format", "ns/number", run_format, NUMBERS},
		 {"snprintf_f", "ns/number", run_snprintf, NUMBERS}},
		{{"json_trade", "ns/frame", run_json, FRAMES},
		 {"bare_cursor", "ns/frame", run_bare_cursor, FRAMES}},
		{{"json_skip", "ns/frame", run_json_skip, FRAMES},
		 {"bare_cursor", "ns/frame", run_bare_cursor, FRAMES}},
		{{"crc32c", "GB/s", run_crc, BLOCK},
		 {"crc32c_table", "GB/s", run_crc_portable, BLOCK}},
		{{"utf8_valid_ascii", "GB/s", run_utf8, BLOCK}, {"crc32c", "GB/s", run_crc, BLOCK}},
		{{"hist_record", "ns/value", run_hist, NUMBERS},
		 {"strtod", "ns/number", run_strtod, NUMBERS}},
	};
	struct trade ours = {0}, bare = {0};

	make_numbers();
	make_frames();
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < FRAMES; i++) {
		must(parse_trade(frame[i].text, frame[i].len, &ours) == 0);
		bare_trade(frame[i].text, &bare);
		must(checksum(&ours) == checksum(&bare));
	}
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		compare(&pairs[i][0], &pairs[i][1]);
	return 0;
}
