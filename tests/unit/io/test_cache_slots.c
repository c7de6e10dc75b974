/* test_cache_slots - the table behind the cache: names, conflation, queue, expiry, reuse, what is
 * put back. */
#include "tests/unit/io/journal_kit.h"

#include "common/io/cache_slots.h"
#include "common/io/clock.h"

static struct cache_slots slots;
static struct cache_batch batch;

static int setup(void **state)
{
	(void)state;
	buf_init(&batch.arena, CACHE_BATCH_BYTES + (64u << 10));
	return cache_slots_init(&slots, 64, "t");
}

static int teardown(void **state)
{
	(void)state;
	cache_slots_fini(&slots);
	buf_fini(&batch.arena);
	return 0;
}

static struct cache_slot *get(enum cache_key key, const char *subject, int64_t now)
{
	struct cache_slot *slot = NULL;
	assert_int_equal(cache_slots_get(&slots, key, subject, now, &slot), 0);
	return slot;
}

static void set(enum cache_key key, const char *subject, const char *text, int64_t now)
{
	struct cache_slot *slot = get(key, subject, now);
	assert_int_equal(cache_slot_put(slot, text, strlen(text)), 0);
	cache_slots_mark(&slots, slot);
}

static uint64_t push(const char *subject, const char *text)
{
	struct cache_slot *slot = get(CACHE_TRADES, subject, 1);
	uint64_t dropped = 0;

	assert_int_equal(cache_slot_push(&slots, slot, text, strlen(text), &dropped), 0);
	cache_slots_mark(&slots, slot);
	return dropped;
}

static uint32_t take_all(int64_t now)
{
	uint32_t n = 0, taken;

	cache_batch_clear(&batch);
	while ((taken = cache_slots_take(&slots, now, UINT32_MAX, &batch)) > 0)
		n += taken;
	return n;
}

static void assert_op(uint32_t i, const char *name, const char *bytes)
{
	const struct cache_op *op = &batch.op[i];

	assert_true(i < batch.n);
	assert_int_equal(op->name_len, strlen(name));
	assert_memory_equal(batch.arena.at + op->name, name, strlen(name));
	assert_int_equal(op->len, strlen(bytes));
	assert_memory_equal(batch.arena.at + op->bytes, bytes, strlen(bytes));
}

static void test_last_one_wins(void **state)
{
	(void)state;
	set(CACHE_TOP, "A", "one", 1);
	set(CACHE_TOP, "B", "two", 1);
	set(CACHE_TOP, "A", "three", 1);
	assert_int_equal(slots.dirty, 2);
	assert_int_equal(take_all(1), 2);
	assert_op(0, "t:top:A", "three");
	assert_op(1, "t:top:B", "two");
	assert_int_equal(take_all(1), 0);
	set(CACHE_TOP, "A", "four", 1);
	assert_int_equal(take_all(1), 1);
	assert_op(0, "t:top:A", "four");
	assert_int_equal(slots.count, 2);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "a b", "a/b", "a\x7f", "\xc3\xa4", "a\n", "{a}",
					  "*"};
	struct cache_slot *slot;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cache_slots_get(&slots, CACHE_TOP, bad[i], 1, &slot), ERR_SYNTAX);
	assert_string_equal(get(CACHE_CANDLES, "BTC-USDT_X.BINANCE:1m", 1)->name,
			    "t:candles:BTC-USDT_X.BINANCE:1m");
	slot = get(CACHE_TOP, "A", 1);
	assert_ptr_equal(slot, cache_slots_find(&slots, CACHE_TOP, "A"));
	assert_ptr_not_equal(get(CACHE_TOP, "A", 1), get(CACHE_BOOK, "A", 1));
	assert_null(cache_slots_find(&slots, CACHE_TOP, "B"));
	assert_null(cache_slots_find(&slots, CACHE_TOP, "a b"));
	struct cache_slots other;
	assert_int_equal(cache_slots_init(&other, 1, "a prefix that is longer than thirty-two"),
			 ERR_ARG);
}

static void test_list_keeps_the_newest(void **state)
{
	(void)state;
	uint64_t dropped = 0;
	char item[16];

	for (int i = 0; i < 2000; i++) {
		snprintf(item, sizeof(item), "%d", i);
		dropped += push("A", item);
	}
	assert_int_equal(dropped, 1500); /* cap of the row */
	assert_int_equal(take_all(1), 1);
	assert_int_equal(batch.op[0].items, 500);
	uint32_t len;
	memcpy(&len, batch.arena.at + batch.op[0].bytes, sizeof(len));
	assert_int_equal(len, 4);
	assert_memory_equal(batch.arena.at + batch.op[0].bytes + sizeof(len), "1500", 4);
	assert_int_equal(push("A", "x"), 0); /* the queue is empty again */
	static char big[512];
	memset(big, 'b', sizeof(big) - 1);
	dropped = 0;
	for (int i = 0; i < 200; i++)
		dropped += push("A", big);
	assert_true(dropped > 100); /* also bounded in bytes */
	assert_int_equal(take_all(1), 1);
	assert_true(batch.op[0].len <= 16u << 10);
}

static void test_counter_gathers(void **state)
{
	(void)state;
	struct cache_slot *slot = get(CACHE_WEIGHT, "A", 1);

	slot->pending += 5;
	cache_slots_mark(&slots, slot);
	slot->pending += 6;
	assert_int_equal(take_all(1), 1);
	assert_int_equal(batch.op[0].n, 11);
	assert_int_equal(slot->pending, 0);
	slot->pending = 1;
	assert_int_equal(cache_slots_put_back(&slots, &batch, 0), 0);
	assert_int_equal(slot->pending, 12);
	assert_int_equal(slots.dirty, 1);
}

/* After a connection broke: values again, unless newer ones wait; items are lost; a claim is
 * unknown. */
static void test_put_back(void **state)
{
	(void)state;
	set(CACHE_TOP, "A", "old", 1);
	set(CACHE_TOP, "B", "old", 1);
	push("A", "i");
	push("A", "k");
	set(CACHE_ALERT, "A", "token", 1);
	get(CACHE_ALERT, "A", 1)->claim = CACHE_CLAIM_PENDING;
	assert_int_equal(take_all(1), 4);
	set(CACHE_TOP, "B", "new", 1);
	/* the first had been answered */
	assert_int_equal(cache_slots_put_back(&slots, &batch, 1), 2);
	assert_int_equal(get(CACHE_ALERT, "A", 1)->claim, CACHE_CLAIM_UNKNOWN);
	assert_int_equal(take_all(1), 1);
	assert_op(0, "t:top:B", "new");
}

static void test_expiry(void **state)
{
	(void)state;
	int64_t ttl = cache_row(CACHE_TOP)->ttl_ms * NS_PER_MS;
	char subject[16];

	set(CACHE_TOP, "A", "x", 0);
	assert_int_equal(take_all(ttl - NS_PER_MS), 1);
	assert_int_equal(batch.op[0].ttl_ms, 1); /* it has lived while it waited */
	set(CACHE_TOP, "B", "x", 0);
	assert_int_equal(take_all(ttl), 1);
	assert_int_equal(batch.n, 0); /* too late to be written */
	cache_slots_tend(&slots, ttl - 1, false);
	assert_int_equal(slots.count, 2);
	cache_slots_tend(&slots, ttl, false);
	assert_int_equal(slots.count, 0);
	for (int i = 0; i < 1000; i++) { /* slots come back: subjects may change for ever */
		snprintf(subject, sizeof(subject), "S%d", i);
		set(CACHE_TOP, subject, "x", i * ttl);
		take_all(i * ttl);
		cache_slots_tend(&slots, i * ttl, false);
	}
	assert_true(slots.count <= 2);
	assert_true(slots.made <= 4);
}

static void test_full(void **state)
{
	(void)state;
	char subject[16];
	struct cache_slot *slot;

	for (int i = 0; i < 64; i++) {
		snprintf(subject, sizeof(subject), "S%d", i);
		set(CACHE_TOP, subject, "x", 1);
	}
	assert_int_equal(cache_slots_get(&slots, CACHE_TOP, "S64", 1, &slot), ERR_FULL);
	set(CACHE_TOP, "S7", "y", 1);
	assert_int_equal(take_all(1), 64);
}

/* A late answer must not find the next user of a slot. */
static void test_reused_slot(void **state)
{
	(void)state;
	set(CACHE_TOP, "A", "x", 0);
	take_all(0);
	struct cache_op op = batch.op[0];
	assert_non_null(cache_slots_of(&slots, &op));
	cache_slots_tend(&slots, INT64_MAX / 2, false);
	assert_null(cache_slots_of(&slots, &op));
	set(CACHE_TOP, "B", "y", 0);
	assert_ptr_equal(&slots.at[op.slot], cache_slots_find(&slots, CACHE_TOP, "B"));
	assert_null(cache_slots_of(&slots, &op));
}

static void test_refresh(void **state)
{
	(void)state;
	set(CACHE_TOP, "A", "x", 0);
	push("A", "i");
	take_all(0);
	cache_slots_tend(&slots, 1, false);
	assert_int_equal(slots.dirty, 0);
	get(CACHE_TOP, "A", 0)->failed = true;
	cache_slots_tend(&slots, 1, false);
	assert_int_equal(slots.dirty, 1);
	take_all(0);
	cache_slots_tend(&slots, 1, true); /* every value, no list */
	assert_int_equal(slots.dirty, 1);
}

static void test_batch_is_bounded(void **state)
{
	(void)state;
	static char big[16384];
	char subject[16];

	for (int i = 0; i < 60; i++) {
		snprintf(subject, sizeof(subject), "S%d", i);
		struct cache_slot *slot = get(CACHE_BOOK, subject, 1);
		assert_int_equal(cache_slot_put(slot, big, sizeof(big)), 0);
		cache_slots_mark(&slots, slot);
	}
	uint32_t n = take_all(1);
	assert_true(n >= 15 && n <= 17);
	assert_true(batch.arena.len <= CACHE_BATCH_BYTES + (32u << 10));
	while ((n += take_all(1)) < 60)
		;
	assert_int_equal(slots.dirty, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_last_one_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_keeps_the_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counter_gathers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batch_is_bounded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
