/* bench_cache - goal G12: the cache's writer against bare hiredis at depth 128, and how much it
 * leaves out.
 *
 * Each line: name, value, unit, ratio to its reference in the same run (1: it is the reference).
 * Needs a redis-server; without one it says so and ends.
 */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/io/cache.h"
#include "common/io/clock.h"
#include "tests/unit/io/redis_kit.h"

#define KEYS 20000
#define ROUNDS 7
#define DEPTH 128
#define VALUE 96
#define SETS 2000000
#define SYMBOLS 100

static struct redis_kit redis;
static char value[VALUE];

static double now(void)
{
	return (double)clock_mono(clock_real());
}

static void print(const char *name, double amount, const char *unit, double ratio)
{
	printf("%-34s %12.2f %-10s %8.3f\n", name, amount, unit, ratio);
}

/* The fastest that hiredis goes: AppendCommandArgv, DEPTH commands, then their replies. */
static double bare_round(redisContext *c)
{
	char key[64];
	double began = now();

	for (int i = 0; i < KEYS; i += DEPTH) {
		int n = KEYS - i < DEPTH ? KEYS - i : DEPTH;
		for (int k = 0; k < n; k++) {
			int len = snprintf(key, sizeof(key), "nj:top:SYM%d.BINANCE", i + k);
			const char *argv[] = {"SET", key, value, "PX", "10000"};
			const size_t lens[] = {3, (size_t)len, VALUE, 2, 5};
			must(redisAppendCommandArgv(c, 5, argv, lens) == REDIS_OK);
		}
		for (int k = 0; k < n; k++) {
			void *reply = NULL;
			must(redisGetReply(c, &reply) == REDIS_OK);
			freeReplyObject(reply);
		}
	}
	return (now() - began) / KEYS;
}

/* All keys changed, then written: the callers' part is measured by itself. */
static double our_round(struct cache *c, double *ret_put)
{
	char subject[64];
	double began = now();

	for (int i = 0; i < KEYS; i++) {
		snprintf(subject, sizeof(subject), "SYM%d.BINANCE", i);
		must(cache_set(c, CACHE_TOP, subject, value, VALUE) == 0);
	}
	double put = now();
	must(cache_flush(c, INT64_C(60000000000)) == 0);
	*ret_put = (put - began) / KEYS;
	return (now() - put) / KEYS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static struct cache *open_cache(int64_t flush_ns)
{
	const struct cache_options o = {.address = redis.address, .slots_max = 1 << 16,
					.flush_ns = flush_ns,
					.command_ns = 10 * NS_PER_S};
	struct cache *c;
	char reason[200];

	must(cache_open(&o, &c, reason, sizeof(reason)) == 0);
	must(cache_flush(c, 10 * NS_PER_S) == 0);
	return c;
}

static void bench_throughput(void)
{
	redisContext *bare = redisConnectUnix(redis.address + 5);
	struct cache *c = open_cache(3600 * NS_PER_S);
	double ours[ROUNDS], theirs[ROUNDS], put[ROUNDS], ratio[ROUNDS];

	must(bare && !bare->err);
	for (int i = 0; i < ROUNDS; i++) {
		theirs[i] = bare_round(bare);
		ours[i] = our_round(c, &put[i]);
		ratio[i] = theirs[i] / ours[i];
	}
	print("hiredis append, depth 128", 1e9 / median(theirs), "SET/s", 1);
	print("cache writer", 1e9 / median(ours), "SET/s", median(ratio));
	print("cache_set, caller's part", median(put), "ns", 1);
	cache_close(c);
	redisFree(bare);
}

/* A market's worth of changes on a few keys: what reaches Redis must not exceed keys times
 * flushes. */
static void bench_coalescing(void)
{
	struct cache *c = open_cache(20 * NS_PER_MS);
	char subject[SYMBOLS][32];
	double began = now();

	for (int i = 0; i < SYMBOLS; i++)
		snprintf(subject[i], sizeof(subject[i]), "SYM%d.BINANCE", i);
	for (int i = 0; i < SETS; i++)
		must(cache_set(c, CACHE_TOP, subject[i % SYMBOLS], value, VALUE) == 0);
	double put = (now() - began) / SETS;
	must(cache_flush(c, 10 * NS_PER_S) == 0);
	struct cache_counters n = cache_counters(c);
	must(n.commands <= n.flushes * SYMBOLS);
	print("cache_set while it writes", put, "ns", 1);
	print("commands for 2M sets", (double)n.commands, "SET", (double)n.commands / SETS);
	print("commands a flush", (double)n.commands / (double)n.flushes, "SET",
	      (double)n.commands / (double)n.flushes / SYMBOLS);
	cache_close(c);
}

int main(void)
{
	memset(value, 'v', sizeof(value));
	if (!redis_kit_start(&redis, NULL)) {
		redis_kit_stop(&redis);
		printf("skipped: redis-server is not installed or does not start\n");
		return 77;
	}
	bench_throughput();
	bench_coalescing();
	redis_kit_stop(&redis);
	return 0;
}
