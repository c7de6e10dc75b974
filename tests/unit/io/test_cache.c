/* test_cache - the cache against a real redis-server: TTLs, conflation, and everything that can
 * happen to it. */
#include "tests/unit/io/journal_kit.h"
#include "tests/unit/io/redis_kit.h"

#include <pthread.h>
#include <sys/un.h>

#include "common/io/cache.h"
#include "common/io/clock.h"

static struct redis_kit redis;

static int setup(void **state)
{
	(void)state;
	return redis_kit_start(&redis, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	redis_kit_stop(&redis);
	return 0;
}

static struct cache_options options(void)
{
	return (struct cache_options){.address = redis.address, .flush_ns = 20 * NS_PER_MS,
				      .connect_ns = 100 * NS_PER_MS, .command_ns = 100 * NS_PER_MS};
}

static struct cache *open_cache(void)
{
	const struct cache_options o = options();
	struct cache *c = NULL;
	char reason[200];

	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	return c;
}

static void set(struct cache *c, enum cache_key key, const char *subject, const char *text)
{
	assert_int_equal(cache_set(c, key, subject, text, strlen(text)), 0);
}

static void push(struct cache *c, enum cache_key key, const char *subject, const char *text)
{
	assert_int_equal(cache_push(c, key, subject, text, strlen(text)), 0);
}

static void flush(struct cache *c)
{
	assert_int_equal(cache_flush(c, 20 * NS_PER_S), 0);
}

static void assert_text(const char *key, const char *expected)
{
	const struct cache_options o = options();
	struct buf out;
	char reason[200];

	buf_init(&out, 1 << 20);
	int rc = cache_get(&o, key, &out, reason, sizeof(reason));
	if (!expected) {
		assert_int_equal(rc, ERR_NOT_FOUND);
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(buf_byte(&out, 0), 0);
		assert_string_equal((char *)out.at, expected);
	}
	buf_fini(&out);
}

static bool count_ttls(void *ctx, const struct cache_found *f)
{
	uint64_t *n = ctx;

	assert_true(f->ttl_ms > 0);
	assert_true(f->ttl_ms <= 86400000);
	assert_int_equal(strncmp(f->key, "nj:", 3), 0);
	(*n)++;
	return true;
}

static uint64_t keys_all_with_ttl(void)
{
	const struct cache_options o = options();
	uint64_t n = 0;
	char reason[200];

	assert_int_equal(cache_scan(&o, count_ttls, &n, reason, sizeof(reason)), 0);
	return n;
}

static void set_everything(struct cache *c, int symbols)
{
	char subject[64];

	for (int i = 0; i < symbols; i++) {
		snprintf(subject, sizeof(subject), "SYM%d.BINANCE", i);
		for (enum cache_key key = 0; key < CACHE_KEYS; key++) {
			const struct cache_row *row = cache_row(key);
			if (row->kind == CACHE_VALUE)
				set(c, key, subject, "{\"a\":1}");
			else if (row->kind == CACHE_LIST)
				push(c, key, subject, "[1,2]");
			else if (row->kind == CACHE_COUNTER)
				assert_int_equal(cache_add(c, key, subject, 3), 0);
			else
				(void)cache_claim(c, key, subject, "me");
		}
	}
}

static void test_every_key_has_a_ttl(void **state)
{
	(void)state;
	struct cache *c = open_cache();

	flush(c);
	set_everything(c, 50);
	flush(c);
	set_everything(c, 50);
	flush(c);
	assert_int_equal(keys_all_with_ttl(), 50 * CACHE_KEYS);
	assert_int_equal(cache_counters(c).errors, 0);
	cache_close(c);
}

static void test_contents(void **state)
{
	(void)state;
	struct cache *c = open_cache();
	char item[20], expected[16000] = "";
	size_t len = 0; /* of the newest 500 */
	static const char bytes[] = {0, '\r', '\n', 1, '$'};

	set(c, CACHE_TOP, "BTCUSDT.BINANCE", "one");
	set(c, CACHE_TOP, "BTCUSDT.BINANCE", "two");
	assert_int_equal(cache_set(c, CACHE_FEED, "raw", bytes, sizeof(bytes)), 0);
	set(c, CACHE_EQUITY, "paper", "");
	for (int i = 0; i < 700; i++) {
		snprintf(item, sizeof(item), "trade %d", i);
		push(c, CACHE_TRADES, "BTCUSDT.BINANCE", item);
		if (i % 90 == 0)
			flush(c);
		if (i >= 200)
			len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s\n",
						item);
	}
	flush(c);
	assert_text("nj:top:BTCUSDT.BINANCE", "two\n");
	assert_text("nj:equity:paper", "\n");
	assert_text("nj:trades:BTCUSDT.BINANCE", expected);
	assert_text("nj:top:nothing", NULL);
	assert_int_equal(REDIS_ASK(&redis, "STRLEN", "nj:feed:raw").integer, sizeof(bytes));
	assert_int_equal(cache_counters(c).dropped, 0);
	cache_close(c);
}

static void test_refused(void **state)
{
	(void)state;
	struct cache *c = open_cache();
	static char big[20000], subject[200];

	assert_int_equal(cache_set(c, CACHE_TOP, "", "x", 1), ERR_SYNTAX);
	assert_int_equal(cache_set(c, CACHE_TOP, "a b", "x", 1), ERR_SYNTAX);
	assert_int_equal(cache_set(c, CACHE_TOP, "a\nb", "x", 1), ERR_SYNTAX);
	assert_int_equal(cache_set(c, CACHE_TOP, "a*", "x", 1), ERR_SYNTAX);
	memset(subject, 'a', sizeof(subject) - 1);
	assert_int_equal(cache_set(c, CACHE_TOP, subject, "x", 1), ERR_SYNTAX);
	subject[CACHE_SUBJECT_MAX] = '\0';
	assert_int_equal(cache_set(c, CACHE_TOP, subject, "x", 1), 0);
	assert_int_equal(cache_set(c, CACHE_TOP, "a", big, 1025), ERR_TOO_LONG);
	assert_int_equal(cache_push(c, CACHE_TRADES, "a", big, 1025), ERR_TOO_LONG);
	assert_int_equal(cache_set(c, CACHE_BOOK, "a", big, 16384), 0);
	assert_int_equal(cache_counters(c).refused, 7);
	flush(c);
	assert_int_equal(keys_all_with_ttl(), 2);
	cache_close(c);
}

static void test_options(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "host", "host:", ":1", "host:0", "host:99999",
					  "host:1x", "unix:"};
	struct cache *c;
	char reason[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct cache_options o = {.address = bad[i]};
		assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "host:port"));
	}
	cache_close(NULL);
}

static void test_coalesces(void **state)
{
	(void)state;
	struct cache_options o = options();
	struct cache *c;
	char reason[200], text[32];

	o.flush_ns = 3600 * NS_PER_S;
	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	flush(c);
	struct cache_counters before = cache_counters(c);
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		set(c, CACHE_TOP, i % 2 ? "A" : "B", text);
	}
	flush(c);
	struct cache_counters after = cache_counters(c);
	uint64_t commands = after.commands - before.commands;
	assert_true(commands >= 2 && commands <= 2 * (after.flushes - before.flushes));
	assert_true(commands <= 20); /* the thread may still have been on its way */
	assert_int_equal(after.coalesced - before.coalesced, 10000 - commands);
	assert_text("nj:top:A", "9999\n");
	assert_text("nj:top:B", "9998\n");
	cache_close(c);
}

static void test_counters_and_claims(void **state)
{
	(void)state;
	struct cache *a = open_cache(), *b = open_cache();
	int64_t total = 0, age = 0;

	flush(a);
	flush(b);
	assert_int_equal(cache_total(a, CACHE_WEIGHT, "BINANCE:1", &total, &age), ERR_NOT_FOUND);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(cache_add(a, CACHE_WEIGHT, "BINANCE:1", 5), 0);
		assert_int_equal(cache_add(b, CACHE_WEIGHT, "BINANCE:1", 2), 0);
		if (i % 30 == 0)
			flush(a);
	}
	flush(a);
	flush(b);
	assert_int_equal(cache_total(b, CACHE_WEIGHT, "BINANCE:1", &total, &age), 0);
	assert_int_equal(total, 700);
	assert_true(age >= 0);
	assert_int_equal(cache_add(b, CACHE_WEIGHT, "BINANCE:1", 9), 0);
	assert_int_equal(cache_total(b, CACHE_WEIGHT, "BINANCE:1", &total, &age), 0);
	assert_true(total == 709);
	assert_int_equal(cache_claim(a, CACHE_ALERT, "feed_lost:x", "a"), CACHE_CLAIM_PENDING);
	flush(a);
	assert_int_equal(cache_claim(a, CACHE_ALERT, "feed_lost:x", "a"), CACHE_CLAIM_OURS);
	assert_int_equal(cache_claim(b, CACHE_ALERT, "feed_lost:x", "b"), CACHE_CLAIM_PENDING);
	flush(b);
	assert_int_equal(cache_claim(b, CACHE_ALERT, "feed_lost:x", "b"), CACHE_CLAIM_TAKEN);
	assert_text("nj:alert:feed_lost:x", "a\n");
	cache_close(a);
	cache_close(b);
}

static void wait_connected(struct cache *c, bool connected)
{
	for (int i = 0; i < 3000 && cache_counters(c).connected != connected; i++)
		redis_kit_pause(10);
	assert_int_equal(cache_counters(c).connected, connected);
}

static void test_killed_and_restarted(void **state)
{
	(void)state;
	struct cache *c = open_cache();
	char text[32];

	set(c, CACHE_EQUITY, "paper", "before");
	flush(c);
	redis_kit_kill(&redis);
	set(c, CACHE_TOP, "A", "0"); /* an idle connection notices nothing */
	wait_connected(c, false);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		set(c, CACHE_TOP, "A", text);
		push(c, CACHE_TRADES, "A", text);
		assert_int_equal(cache_add(c, CACHE_WEIGHT, "A", 1), 0);
	}
	assert_int_equal(cache_claim(c, CACHE_ALERT, "x", "me"), CACHE_CLAIM_UNKNOWN);
	assert_int_equal(cache_flush(c, 50 * NS_PER_MS), ERR_TIMEOUT);
	assert_true(cache_counters(c).dropped > 4000); /* of a list only the newest wait */
	assert_true(redis_kit_spawn(&redis, NULL));
	flush(c);
	assert_text("nj:top:A", "4999\n");
	/* it lost everything: what still lives is written again */
	assert_text("nj:equity:paper", "before\n");
	assert_text("nj:weight:A", "5000\n");
	assert_int_equal(REDIS_ASK(&redis, "LLEN", "nj:trades:A").integer, 500);
	assert_true(cache_counters(c).connects >= 2);
	assert_true(cache_counters(c).disconnects >= 1);
	keys_all_with_ttl();
	cache_close(c);
}

/* What cannot be said about time on a busy machine is said with counts: a caller that waited for
 * Redis even once a flush would come to a few calls only. */
static void test_hanging(void **state)
{
	(void)state;
	struct cache *c = open_cache();
	char reason[300];
	uint64_t calls = 0;
	int64_t until;

	set(c, CACHE_TOP, "A", "0");
	flush(c);
	kill(redis.pid, SIGSTOP);
	until = clock_mono(clock_real()) + 1500 * NS_PER_MS;
	while (clock_mono(clock_real()) < until) {
		set(c, CACHE_TOP, calls % 2 ? "A" : "B", "1");
		calls++;
	}
	print_message("%llu calls while Redis hung\n", (unsigned long long)calls);
	assert_true(calls > 10000);
	struct cache_counters n = cache_counters(c);
	assert_true(n.timeouts > 0);
	assert_false(n.connected);
	cache_reason(c, reason, sizeof(reason));
	assert_non_null(strstr(reason, "redis"));
	kill(redis.pid, SIGCONT);
	set(c, CACHE_TOP, "A", "after");
	flush(c);
	assert_text("nj:top:A", "after\n");
	kill(redis.pid, SIGSTOP);
	set(c, CACHE_TOP, "A", "x");
	int64_t began = clock_mono(clock_real());
	cache_close(c); /* bounded, also while it hangs */
	assert_true(clock_mono(clock_real()) - began < 10 * NS_PER_S);
}

static void test_full(void **state)
{
	(void)state;
	struct cache *c = open_cache();
	static char big[16384];
	char subject[32];

	REDIS_ASK(&redis, "CONFIG", "SET", "maxmemory", "3000000");
	REDIS_ASK(&redis, "CONFIG", "SET", "maxmemory-policy", "noeviction");
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 300; i++) {
		snprintf(subject, sizeof(subject), "S%d", i);
		assert_int_equal(cache_set(c, CACHE_BOOK, subject, big, sizeof(big)), 0);
		push(c, CACHE_TRADES, subject, "t");
		if (i % 20 == 0)
			flush(c);
	}
	flush(c);
	struct cache_counters n = cache_counters(c);
	assert_true(n.oom > 0 && n.errors >= n.oom);
	assert_true(n.connected); /* an error reply is no reason to leave */
	assert_int_equal(n.disconnects, 0);
	keys_all_with_ttl();
	REDIS_ASK(&redis, "CONFIG", "SET", "maxmemory", "0");
	set(c, CACHE_TOP, "A", "fits again");
	flush(c);
	assert_text("nj:top:A", "fits again\n");
	cache_close(c);
}

static void test_poisoned(void **state)
{
	(void)state;
	struct cache *c = open_cache();

	REDIS_ASK(&redis, "SADD", "nj:trades:A", "x"); /* without a TTL, of another type */
	REDIS_ASK(&redis, "RPUSH", "nj:top:A", "x");
	REDIS_ASK(&redis, "SET", "nj:weight:A", "not a number");
	REDIS_ASK(&redis, "HSET", "nj:weight:B", "a", "b");
	for (int i = 0; i < 3; i++) {
		push(c, CACHE_TRADES, "A", "t");
		set(c, CACHE_TOP, "A", "v");
		assert_int_equal(cache_add(c, CACHE_WEIGHT, "A", 4), 0);
		assert_int_equal(cache_add(c, CACHE_WEIGHT, "B", 5), 0);
		flush(c);
	}
	assert_text("nj:top:A", "v\n");
	assert_text("nj:trades:A", "t\nt\n"); /* the first met the stranger */
	assert_text("nj:weight:A", "12\n");
	assert_text("nj:weight:B", "15\n");
	assert_int_equal(cache_counters(c).wrong_type, 3);
	assert_int_equal(keys_all_with_ttl(), 4);
	cache_close(c);
}

static void test_flushed(void **state)
{
	(void)state;
	struct cache *c = open_cache();

	set_everything(c, 5);
	flush(c);
	REDIS_ASK(&redis, "FLUSHALL");
	set_everything(c, 5);
	flush(c);
	/* a claim stands for its TTL with us */
	assert_true(keys_all_with_ttl() >= 5 * (CACHE_KEYS - 1));
	cache_close(c);
}

static void test_password(void **state)
{
	(void)state;
	struct cache_options o = options();
	struct cache *c;
	char reason[300];

	REDIS_ASK(&redis, "CONFIG", "SET", "requirepass", "sesame");
	for (int i = 0; i < 2; i++) {
		o.password = i ? "wrong" : NULL;
		assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
		set(c, CACHE_TOP, "A", "x");
		assert_int_equal(cache_flush(c, 100 * NS_PER_MS), ERR_TIMEOUT);
		assert_false(cache_counters(c).connected);
		assert_true(cache_counters(c).connect_failures > 0);
		cache_reason(c, reason, sizeof(reason));
		assert_true(strstr(reason, "AUTH") || strstr(reason, "WRONGPASS"));
		assert_null(strstr(reason, "wrong "));
		cache_close(c);
	}
	o.password = "sesame";
	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	set(c, CACHE_TOP, "A", "x");
	flush(c);
	cache_close(c);
	o.user = "default";
	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	flush(c);
	cache_close(c);
}

static bool count_any(void *ctx, const struct cache_found *f)
{
	uint64_t *n = ctx;

	assert_string_equal(f->key, "other:top:A");
	assert_string_equal(f->type, "string");
	(*n)++;
	return true;
}

static void test_tcp(void **state)
{
	(void)state;
	char address[64];
	struct cache_options o = options();
	struct cache *c;
	char reason[200];

	redis_kit_kill(&redis);
	redis.port = redis_kit_free_port();
	assert_true(redis_kit_spawn(&redis, NULL));
	snprintf(address, sizeof(address), "127.0.0.1:%d", redis.port);
	o.address = address;
	o.database = 3;
	o.prefix = "other";
	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	set(c, CACHE_TOP, "A", "x");
	flush(c);
	cache_close(c);
	const struct cache_options look = {.address = address, .database = 3, .prefix = "other"};
	uint64_t n = 0;
	assert_int_equal(cache_scan(&look, count_any, &n, reason, sizeof(reason)), 0);
	assert_int_equal(n, 1);
}

/* ---- A server that is none. */

struct fake {
	char address[96], path[80];
	int fd;
	const char *answer;
	size_t len;
	bool endless; /* goes on with 'x' */
	int drip_ms;  /* a byte at a time */
	bool stop;
	pthread_t thread;
};

static void fake_serve(struct fake *f, int fd)
{
	static const char more[4096] = {'x'};
	char in[4096];

	if (recv(fd, in, sizeof(in), 0) <= 0)
		return;
	for (size_t i = 0; f->drip_ms && i < f->len; i++) {
		if (send(fd, f->answer + i, 1, MSG_NOSIGNAL) != 1)
			return;
		redis_kit_pause(f->drip_ms);
	}
	if (!f->drip_ms && send(fd, f->answer, f->len, MSG_NOSIGNAL) < 0)
		return;
	for (size_t sent = 0; f->endless && sent < (64u << 20); sent += sizeof(more))
		if (send(fd, more, sizeof(more), MSG_NOSIGNAL) < 0)
			return;
	while (recv(fd, in, sizeof(in), 0) > 0)
		if (!f->endless && !f->drip_ms && send(fd, f->answer, f->len, MSG_NOSIGNAL) < 0)
			return;
}

static void *fake_run(void *ctx)
{
	struct fake *f = ctx;

	for (int fd; (fd = accept(f->fd, NULL, NULL)) >= 0; close(fd))
		fake_serve(f, fd);
	return NULL;
}

static void fake_start(struct fake *f)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(f->path, sizeof(f->path), "%s/fake", redis.dir);
	snprintf(f->address, sizeof(f->address), "unix:%s", f->path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
	unlink(f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(f->fd, 16), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static void fake_stop(struct fake *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	unlink(f->path);
}

static uint64_t resident_kib(void)
{
	FILE *in = fopen("/proc/self/status", "r");
	char line[200];
	uint64_t kib = 0;

	while (in && fgets(line, sizeof(line), in))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtoull(line + 6, NULL, 10);
	if (in)
		fclose(in);
	return kib;
}

static void torment(struct fake *f)
{
	struct cache_options o = {.flush_ns = 10 * NS_PER_MS, .connect_ns = 100 * NS_PER_MS,
				  .command_ns = 50 * NS_PER_MS};
	struct cache *c;
	char reason[300];

	fake_start(f);
	o.address = f->address;
	assert_int_equal(cache_open(&o, &c, reason, sizeof(reason)), 0);
	for (int i = 0; i < 30; i++) {
		set_everything(c, 3);
		redis_kit_pause(5);
		struct cache_counters n = cache_counters(c);
		if (n.connect_failures + n.disconnects >= 2)
			break;
	}
	cache_close(c);
	fake_stop(f);
}

#define FAKE(text) {.answer = text, .len = sizeof(text) - 1}

static void test_hostile_server(void **state)
{
	(void)state;
	struct fake fakes[] = {
		FAKE("$536870912\r\n"), FAKE("*2147483647\r\n"),
			FAKE("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"),
		FAKE("garbage\r\n"), FAKE("%3\r\n"), FAKE(":99999999999999999999999\r\n"),
			FAKE("$-7\r\n"),
		FAKE("*-7\r\n"), FAKE("-ERR no\r\n"), FAKE("+PONG\r\n"),
			FAKE("+PONG\r\n-OOM x\r\n-WRONGTYPE\r\n"),
		FAKE("+PONG\r\n*2\r\n-ERR a\r\n*1\r\n$1\r\nx\r\n"), FAKE(""), FAKE("\r\n"),
			FAKE("+"),
		FAKE("+PONG\r\n+\x1b[31mred\r\n-\x07\x1b]0;x\r\n"), FAKE("*0\r\n"),
			FAKE("$0\r\n\r\n"), FAKE("*4097\r\n"),
		{.answer = "$536870912\r\n", .len = 12, .endless = true},
		{.answer = "+", .len = 1, .endless = true},
		{.answer = "+PONG PONG PONG PONG PONG PONG", .len = 30, .drip_ms = 10},
	};
	uint64_t before = resident_kib();

	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++)
		torment(&fakes[i]);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(resident_kib() < before + (32u << 10));
#else
	(void)before;
#endif
}

/* Bytes in the language of Redis, mixed by a seed. */
static void test_random_server(void **state)
{
	(void)state;
	static const char *const pieces[] = {"+PONG\r\n", "+OK\r\n", "-ERR\r\n", ":1\r\n",
					     "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n",
					     "*-1\r\n", "*5\r\n", "\r\n", "$", "*", ":", "\x80",
					     	"+QUEUED\r\n"};
	char answer[2000];
	struct rng rng;

	rng_seed(&rng, 31);
	for (int i = 0; i < 60; i++) {
		struct fake f = {.answer = answer};
		f.len = (size_t)snprintf(answer, sizeof(answer), "+PONG\r\n");
		for (int k = 0; k < 100; k++) {
			const char *piece = pieces[rng_below(&rng,
							     sizeof(pieces) / sizeof(pieces[0]))];
			f.len += (size_t)snprintf(answer + f.len, sizeof(answer) - f.len, "%s",
						  piece);
		}
		torment(&f);
	}
}

static void test_docs(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(cache_docs(&out), 0);
	assert_int_equal(buf_byte(&out, 0), 0);
	for (enum cache_key key = 0; key < CACHE_KEYS; key++) {
		const struct cache_row *row = cache_row(key);
		assert_true(row->ttl_ms > 0);
		assert_non_null(strstr((char *)out.at, row->pattern));
		assert_non_null(strstr((char *)out.at, row->doc));
	}
	buf_fini(&out);
}

int main(void)
{
	struct redis_kit probe;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_options),
		cmocka_unit_test_setup_teardown(test_every_key_has_a_ttl, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_coalesces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counters_and_claims, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_and_restarted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hanging, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poisoned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flushed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_password, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_server, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_server, setup, teardown),
	};
	if (!redis_kit_start(&probe, NULL)) {
		redis_kit_stop(&probe);
		printf("skipped: redis-server is not installed or does not start\n");
		return 77;
	}
	redis_kit_stop(&probe);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
