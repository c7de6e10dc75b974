/* test_scan - markets found, kept and dropped, over a catalogue that the test makes page by page. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "services/collector/scan.h"

#define SECOND 1000000000LL
#define NOW (1784851200 * SECOND) /* 2026-07-24 */
#define MARKETS 400

/* ---- a catalogue ---- */

enum fate { OPEN, CLOSED, RESOLVED };

struct truth {
	enum fate life;
	int volume;
	int64_t ends; /* ns */
};

static struct truth truth[MARKETS];
static int n_truth;

static void add_row(struct buf *out, int i)
{
	static const char *const status[] = {"", "proposed", "resolved"};
	const struct truth *t = &truth[i];

	assert_int_equal(
		buf_printf(out,
			   "%s{\"conditionId\":\"0x%d\",\"question\":\"Q%d\",\"clobTokenIds\":\"[\\\"%d1\\\",\\\"%"
			   "d2\\\"]\","
			   "\"outcomes\":\"[\\\"Yes\\\",\\\"No\\\"]\",\"outcomePrices\":\"[\\\"1\\\",\\\"0\\\"]\","
			   "\"volume\":\"%d\",\"endDate\":\"2026-07-%02dT00:00:00Z\",\"active\":true,\"closed\":%s,"
			   "\"umaResolutionStatus\":\"%s\",\"acceptingOrders\":%s}",
			   out->len > 1 ? "," : "", i, i, 100 + i, 100 + i, t->volume,
			   24 + (int)((t->ends - NOW) / (86400 * SECOND)), t->life == OPEN ? "false" : "true",
			   status[t->life], t->life == OPEN ? "true" : "false"),
		0);
}

static uint32_t number(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	return at != NULL ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

/* As the venue answers. */
static void answer(const char *path, struct buf *out)
{
	uint32_t offset = number(path, "&offset="), limit = number(path, "limit="), at = 0;
	bool tokens = strstr(path, "clob_token_ids") != NULL;

	assert_int_equal(buf_printf(out, "["), 0);
	for (int i = 0; i < n_truth; i++) {
		char token[40];
		snprintf(token, sizeof(token), "clob_token_ids=%d1", 100 + i);
		char other[40];
		snprintf(other, sizeof(other), "clob_token_ids=%d2", 100 + i);
		bool wants_open = strstr(path, "closed=true") == NULL;
		bool named = strstr(path, token) != NULL || strstr(path, other) != NULL;
		if ((tokens && !named) || (truth[i].life == OPEN) != wants_open)
			continue;
		if (at++ >= offset && at <= offset + limit)
			add_row(out, i);
	}
	assert_int_equal(buf_printf(out, "]"), 0);
}

/* ---- who is told ---- */

static struct scan *scan;
static bool followed[MARKETS];
static uint32_t n_followed, resolves, asks;
static bool may_resolve;
static uint64_t asked;
static char path[1 << 16];

static int of(const struct venue_listing *l)
{
	return (int)strtol(l->group + 2, NULL, 10);
}

static void on_ask(void *ctx, uint64_t id, const char *p, uint32_t weight)
{
	(void)ctx;
	assert_true(p[0] == '/' && weight > 0 && strlen(p) < sizeof(path));
	strncpy(path, p, sizeof(path) - 1);
	asked = id;
	asks++;
}

static bool may_follow, adopting;

static bool on_follow(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	assert_true(!followed[of(l)] || adopting);
	assert_true(truth[of(l)].life == OPEN || adopting);
	if (!may_follow)
		return false;
	n_followed += !followed[of(l)];
	followed[of(l)] = true;
	return true;
}

static bool on_resolve(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	assert_true(followed[of(l)]);
	assert_int_equal(truth[of(l)].life, RESOLVED);
	assert_int_equal(l->outcome[0].pays, 100000000);
	resolves++;
	return may_resolve;
}

static void on_drop(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	assert_true(followed[of(l)]);
	followed[of(l)] = false;
	n_followed--;
}

static struct scan_settings set;

static void open_scan(void)
{
	const struct scan_actions actions = {NULL, on_ask, on_follow, on_resolve, on_drop};

	memset(followed, 0, sizeof(followed));
	n_followed = resolves = asks = 0;
	may_resolve = may_follow = true;
	adopting = false;
	asked = 0;
	assert_int_equal(scan_new(&set, &actions, &scan), 0);
}

/* Answers whatever is asked, until nothing is. */
static void answer_all(int64_t now)
{
	while (asked != 0) {
		struct buf page;
		uint64_t id = asked;
		asked = 0;
		buf_init(&page, 1 << 24);
		answer(path, &page);
		scan_on_reply(scan, now, id, (const char *)page.at, page.len);
		buf_fini(&page);
	}
}

static int64_t round_at(int64_t now)
{
	assert_true(scan_due(scan) <= now);
	scan_on_timer(scan, now);
	answer_all(now);
	return now;
}

static int begin(void **state)
{
	(void)state;
	scan_defaults(&set, venue_find("POLYMARKET", 10));
	set.page = 10;
	set.markets_max = 20;
	n_truth = 35;
	for (int i = 0; i < n_truth; i++)
		truth[i] = (struct truth){OPEN, 1000 - 10 * i, NOW + 86400 * SECOND};
	return 0;
}

static int end(void **state)
{
	(void)state;
	scan_free(scan);
	scan = NULL;
	return 0;
}

/* ---- tests ---- */

static void test_most_traded(void **state)
{
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_int_equal(n_followed, 20);
	for (int i = 0; i < n_truth; i++)
		assert_int_equal(followed[i], i < 20);
	assert_int_equal(scan_counters(scan)->listings, 35);
	assert_int_equal(scan_counters(scan)->left_out, 15);
	assert_int_equal(scan_counters(scan)->rounds, 1);
	assert_int_equal(asks, 4); /* 10 + 10 + 10 + 5: the short page is the last */
	assert_int_equal(scan_due(scan), NOW + set.every_ns);
	/* who has a place keeps it, however much others are traded */
	truth[30].volume = 5000;
	round_at(NOW + set.every_ns);
	assert_false(followed[30]);
	assert_int_equal(n_followed, 20);
}

/* What cannot be followed is tried again in the next round, and takes no place. */
static void test_refused(void **state)
{
	(void)state;
	open_scan();
	may_follow = false;
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_int_equal(scan_followed(scan), 0);
	assert_int_equal(scan_counters(scan)->left_out, 35);
	may_follow = true;
	round_at(NOW + set.every_ns);
	assert_int_equal(scan_followed(scan), 20);
	assert_int_equal(scan_counters(scan)->left_out, 15);
}

/* Of an earlier life: open ones keep their places before all others, what was resolved meanwhile is put on record and
 * goes, and what the venue has forgotten goes, too. */
static void test_adopts(void **state)
{
	static const int before[] = {34, 33, 5, 2, 1};
	char raw[24];

	(void)state;
	open_scan();
	adopting = true;
	truth[5].life = CLOSED;
	truth[2].life = RESOLVED;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		followed[before[i]] = true;
		n_followed++;
		for (int k = 1; k <= (before[i] == 33 ? 1 : 2); k++) { /* of 33 that life followed one only */
			snprintf(raw, sizeof(raw), "%d%d", 100 + before[i], k);
			scan_adopt(scan, raw);
		}
	}
	scan_start(scan, NOW);
	for (int failures = 0; failures < 3; failures++) { /* nobody answers: all is as it was */
		scan_on_reply(scan, NOW, asked, NULL, 0);
		assert_int_equal(scan_followed(scan), 0);
		assert_int_equal(n_followed, 5);
		scan_on_timer(scan, scan_due(scan));
	}
	answer_all(NOW + 100 * SECOND);
	assert_true(followed[34] && followed[33] && followed[5] && followed[1]);
	assert_false(followed[2]);
	assert_int_equal(resolves, 1);
	assert_int_equal(scan_followed(scan), 20);
	assert_int_equal(n_followed, 20);
	truth[5].life = RESOLVED;
	round_at(scan_due(scan));
	assert_false(followed[5]);
	assert_int_equal(resolves, 2);
}

static void on_drop_unknown(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	assert_int_equal(l->outcomes, 1);
	assert_string_equal(l->outcome[0].raw, "777");
	n_followed--;
}

static void test_adopts_unknown(void **state)
{
	const struct scan_actions actions = {NULL, on_ask, on_follow, on_resolve, on_drop_unknown};

	(void)state;
	open_scan();
	scan_free(scan);
	assert_int_equal(scan_new(&set, &actions, &scan), 0);
	n_followed = 1;
	scan_adopt(scan, "777");
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_int_equal(n_followed, 20);
	assert_int_equal(asks, 6); /* open, closed, and four pages */
}

/* The stream knows first: what the listings still call open is not taken up again, by another life neither. */
static void test_gone(void **state)
{
	(void)state;
	open_scan();
	scan_on_recorded(scan, NOW, "1031"); /* market 3, by the journal */
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_false(followed[3]);
	assert_true(followed[4]);
	scan_on_recorded(scan, NOW, "1041");
	assert_true(followed[4]);
	scan_on_recorded(scan, NOW, "1042");
	assert_false(followed[4]);
	round_at(scan_due(scan));
	assert_false(followed[4] || followed[3]);
	assert_int_equal(scan_followed(scan), 20);
	struct buf saved;
	struct packer p = {.out = &saved};
	buf_init(&saved, 1 << 20);
	scan_save(scan, &p);
	scan_free(scan);
	open_scan();
	scan_load(scan, &(struct unpacker){.at = saved.at, .end = saved.at + saved.len});
	buf_fini(&saved);
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_false(followed[4] || followed[3]);
}

static void test_filter(void **state)
{
	(void)state;
	snprintf(set.filter.tag, sizeof(set.filter.tag), "21");
	set.filter.volume_min = 900LL * 100000000;
	set.ends_within_ns = 2 * 86400 * SECOND;
	truth[3].ends = NOW + 3 * 86400 * SECOND;
	open_scan();
	scan_start(scan, NOW);
	assert_non_null(strstr(path, "&tag_id=21&volume_num_min=900&"));
	assert_non_null(strstr(path, "end_date_min=2026-07-24T00:00:00Z&end_date_max=2026-07-26T00:00:00Z"));
	answer_all(NOW); /* this venue ignores the filter: it holds all the same */
	for (int i = 0; i < n_truth; i++)
		assert_int_equal(followed[i], i <= 10 && i != 3);
	scan_free(scan);
	snprintf(set.filter.tag, sizeof(set.filter.tag), "2&1"); /* what cannot be an id is not sent */
	open_scan();
	scan_start(scan, NOW);
	assert_int_equal(asks, 0);
	assert_int_equal(scan_counters(scan)->failures, 1);
}

static void test_resolved(void **state)
{
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	truth[2].life = CLOSED; /* no outcome yet: it stays */
	truth[5].life = RESOLVED;
	int64_t now = round_at(NOW + set.every_ns);
	assert_true(followed[2]);
	assert_false(followed[5]);
	assert_int_equal(resolves, 1);
	assert_int_equal(n_followed, 19);
	now = round_at(now + set.every_ns); /* the place goes to the next one */
	assert_true(followed[20]);
	truth[2].life = RESOLVED;
	may_resolve = false; /* it cannot be put on record now */
	now = round_at(now + set.every_ns);
	assert_true(followed[2]);
	may_resolve = true;
	round_at(now + set.every_ns);
	assert_false(followed[2]);
	assert_int_equal(scan_counters(scan)->dropped, 2);
}

static void test_recorded(void **state)
{
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	truth[0].life = RESOLVED;
	scan_on_recorded(scan, NOW + 1, "1001");
	assert_true(followed[0]); /* one of two */
	scan_on_recorded(scan, NOW + 1, "1001");
	assert_true(followed[0]);
	scan_on_recorded(scan, NOW + 1, "1002");
	assert_false(followed[0]);
	assert_int_equal(resolves, 0);
	scan_on_recorded(scan, NOW + 2, "1002");
	assert_int_equal(n_followed, 19);
}

static void test_announced(void **state)
{
	(void)state;
	set.markets_max = 100;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	truth[n_truth++] = (struct truth){OPEN, 1, NOW + 86400 * SECOND};
	scan_on_announced(scan, NOW + SECOND);
	assert_int_equal(scan_due(scan), NOW + set.soon_ns);
	round_at(NOW + set.soon_ns);
	assert_true(followed[n_truth - 1]);
	assert_int_equal(scan_due(scan), NOW + set.soon_ns + set.every_ns);
	/* one that comes while a round is under way is not forgotten */
	scan_on_timer(scan, scan_due(scan));
	scan_on_announced(scan, NOW + 70 * SECOND);
	answer_all(NOW + 70 * SECOND);
	assert_true(scan_due(scan) <= NOW + 75 * SECOND);
}

static void test_failures(void **state)
{
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	scan_on_reply(scan, NOW + SECOND, asked, NULL, 0);
	assert_int_equal(scan_due(scan), NOW + SECOND + set.retry_ns);
	scan_on_timer(scan, NOW + 2 * SECOND);
	scan_on_timer(scan, NOW + 2 * SECOND + set.reply_ns); /* nothing comes */
	assert_int_equal(scan_counters(scan)->failures, 2);
	assert_int_equal(scan_due(scan), NOW + 2 * SECOND + set.reply_ns + 2 * set.retry_ns);
	uint64_t late = asked;
	scan_on_timer(scan, scan_due(scan));
	scan_on_reply(scan, NOW + 20 * SECOND, late, "[]", 2); /* to a question of before */
	assert_int_equal(scan_counters(scan)->rounds, 0);
	scan_on_reply(scan, NOW + 20 * SECOND, asked, "<html>", 6);
	assert_int_equal(scan_counters(scan)->failures, 3);
	for (int i = 0; i < 20; i++) {
		scan_on_timer(scan, scan_due(scan));
		scan_on_reply(scan, scan_due(scan) - set.reply_ns, asked, NULL, 0);
		assert_true(scan_due(scan) - (scan_due(scan) - set.every_ns) <= set.every_ns);
	}
	asked = 0;
	scan_on_timer(scan, scan_due(scan));
	answer_all(scan_due(scan) - set.reply_ns);
	assert_int_equal(n_followed, 20);
	assert_int_equal(scan_counters(scan)->rounds, 1);
}

static void test_cut(void **state)
{
	(void)state;
	set.pages_max = 2;
	set.markets_max = 100;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	assert_int_equal(n_followed, 20);
	assert_int_equal(scan_counters(scan)->rounds_cut, 1);
	/* what such a round did not see may well be open: nobody asks for its outcome */
	for (int i = 0; i < 10; i++)
		truth[i].life = CLOSED;
	asks = 0;
	round_at(NOW + set.every_ns);
	assert_int_equal(asks, 2);
	assert_int_equal(n_followed, 30);
}

static void test_given_up(void **state)
{
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	answer_all(NOW);
	truth[4].life = CLOSED;
	scan_on_timer(scan, truth[4].ends + set.linger_ns - 1);
	answer_all(truth[4].ends + set.linger_ns - 1);
	assert_true(followed[4]);
	scan_on_timer(scan, scan_due(scan));
	answer_all(scan_due(scan));
	assert_false(followed[4]);
	assert_true(scan_counters(scan)->given_up > 0);
}

static void test_nonsense(void **state)
{
	static const char page[] =
		"[{\"conditionId\":\"0x1\"},7,{\"conditionId\":\"0x2\",\"clobTokenIds\":\"[\\\"1022\\\"]\","
		"\"outcomes\":\"[\\\"Yes\\\"]\",\"active\":true,\"closed\":false}]";
	(void)state;
	open_scan();
	scan_start(scan, NOW);
	scan_on_reply(scan, NOW, asked, page, sizeof(page) - 1);
	assert_true(followed[2]);
	assert_int_equal(n_followed, 1);
	assert_true(scan_counters(scan)->misfits >= 1);
	struct scan_settings bad = set;
	struct scan *none;
	bad.venue = venue_find("BINANCE", 7);
	assert_int_equal(scan_new(&bad, &(struct scan_actions){0}, &none), ERR_ARG);
	bad = set;
	bad.markets_max = 0;
	assert_int_equal(scan_new(&bad, &(struct scan_actions){0}, &none), ERR_ARG);
}

/* Markets come, close, are resolved at random: bounds hold, nobody is followed twice, and at rest all is as it should.
 */
static void test_random(void **state)
{
	struct rng r;
	int64_t now = NOW;
	(void)state;
	rng_seed(&r, 11);
	open_scan();
	scan_start(scan, now);
	answer_all(now);
	for (int round = 0; round < 300; round++) {
		for (int k = 0; k < 5; k++) {
			struct truth *t = &truth[rng_below(&r, (uint64_t)n_truth)];
			t->life = t->life == OPEN ? CLOSED : RESOLVED;
		}
		if (n_truth < MARKETS)
			truth[n_truth++] = (struct truth){OPEN, (int)rng_below(&r, 1000),
							  NOW + (int64_t)rng_below(&r, 5) * 86400 * SECOND};
		now = round_at(scan_due(scan) > now ? scan_due(scan) : now);
		assert_true(n_followed <= 20);
		assert_int_equal(n_followed, scan_followed(scan));
	}
	for (int i = 0; i < n_truth; i++)
		truth[i].life = RESOLVED;
	for (int round = 0; round < 30; round++)
		now = round_at(scan_due(scan));
	assert_int_equal(n_followed, 0);
	assert_int_equal(scan_counters(scan)->followed, scan_counters(scan)->dropped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_most_traded),    TEST(test_refused),   TEST(test_adopts),
		TEST(test_adopts_unknown), TEST(test_filter),    TEST(test_resolved),
		TEST(test_recorded),       TEST(test_announced), TEST(test_failures),
		TEST(test_cut),            TEST(test_given_up),  TEST(test_nonsense),
		TEST(test_random),         TEST(test_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
