/* test_ring - records come out as they went in, at every way of wrapping, by a list as the
 * model. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/ring.h"
#include "common/base/rng.h"

static void expect_front(const struct ring *r, const char *text)
{
	size_t len;
	const uint8_t *at = ring_front(r, &len);

	assert_non_null(at);
	assert_int_equal((uintptr_t)at % 8, 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(at, text, len);
}

static void test_first_in_first_out(void **state)
{
	struct ring r;
	size_t len = 77;

	(void)state;
	assert_int_equal(ring_init(&r, 128), 0);
	assert_null(ring_front(&r, &len));
	assert_int_equal(len, 77);
	assert_int_equal(ring_push(&r, "one", 3), 0);
	assert_int_equal(ring_push(&r, "", 0), 0);
	assert_int_equal(ring_push(&r, "three", 5), 0);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.bytes, 8);
	expect_front(&r, "one");
	ring_pop(&r);
	expect_front(&r, "");
	ring_pop(&r);
	expect_front(&r, "three");
	ring_pop(&r);
	assert_null(ring_front(&r, &len));
	assert_int_equal(r.count, 0);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(r.high_water, 3);
	ring_fini(&r);
	ring_fini(&r);
	ring_fini(NULL);
}

static void test_limits(void **state)
{
	static const uint8_t zeros[128];
	struct ring r;
	uint8_t *at = NULL;

	(void)state;
	assert_int_equal(ring_init(&r, SIZE_MAX), ERR_NOMEM);
	assert_int_equal(ring_init(&r, 64), 0);
	assert_int_equal(ring_push(&r, zeros, 57), ERR_FULL);
	assert_int_equal(ring_reserve(&r, SIZE_MAX, &at), ERR_FULL);
	assert_int_equal(ring_reserve(&r, SIZE_MAX - 7, &at), ERR_FULL);
	assert_null(at);
	assert_int_equal(ring_push(&r, zeros, 56), 0); /* the whole ring */
	assert_int_equal(ring_push(&r, zeros, 0), ERR_FULL);
	ring_pop(&r);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ring_push(&r, zeros, 0), 0);
	assert_int_equal(ring_push(&r, zeros, 0), ERR_FULL);
	ring_clear(&r);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.high_water, 8);
	assert_int_equal(ring_push(&r, zeros, 56), 0);
	ring_fini(&r);
}

static void test_gap_at_the_end(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 64), 0);
	assert_int_equal(ring_push(&r, "aaaaaaaaaaaaaaaa", 16), 0); /* 0..24 */
	assert_int_equal(ring_push(&r, "bbbbbbbbbbbbbbbb", 16), 0); /* 24..48 */
	ring_pop(&r);
	assert_int_equal(ring_push(&r, "cccccccccccccccc", 16), 0); /* 0..24, gap 48..64 */
	assert_int_equal(r.wrap, 48);
	assert_int_equal(ring_push(&r, "", 0), ERR_FULL);
	ring_pop(&r);
	expect_front(&r, "cccccccccccccccc");
	assert_int_equal(r.wrap, r.cap);
	ring_fini(&r);
}

static void test_reservations(void **state)
{
	struct ring r;
	uint8_t *first, *second;

	(void)state;
	assert_int_equal(ring_init(&r, 64), 0);
	assert_int_equal(ring_reserve(&r, 8, &first), 0);
	assert_int_equal(ring_reserve(&r, 4, &second), 0);
	assert_ptr_equal(first, second); /* the second replaces the first */
	memcpy(second, "left", 4);
	assert_int_equal(r.count, 0); /* not visible yet */
	ring_commit(&r);
	expect_front(&r, "left");
	assert_int_equal(ring_reserve(&r, 5, &second), 0);
	memcpy(second, "right", 5);
	ring_pop(&r); /* empties the ring under the open reservation */
	ring_commit(&r);
	expect_front(&r, "right");
	ring_pop(&r);
	assert_int_equal(r.bytes, 0);
	ring_fini(&r);
}

/* The model: lengths in order; each record's bytes follow from its number. */
struct model {
	size_t len[4096];
	uint32_t first, count;
	uint32_t out, in; /* numbers of the next records */
	size_t bytes;
};

static void fill(uint8_t *at, size_t len, uint32_t number)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(number * 31 + i);
}

static void expect_oldest(const struct ring *r, const struct model *m)
{
	uint8_t want[512];
	size_t len;
	const uint8_t *at = ring_front(r, &len);

	assert_non_null(at);
	assert_int_equal((uintptr_t)at % 8, 0);
	assert_true(at >= r->at && at + len <= r->at + r->cap);
	assert_int_equal(len, m->len[m->first]);
	fill(want, len, m->out);
	assert_memory_equal(at, want, len);
}

static void model_pop(struct ring *r, struct model *m)
{
	expect_oldest(r, m);
	ring_pop(r);
	m->bytes -= m->len[m->first];
	m->first = (m->first + 1) % 4096;
	m->count--;
	m->out++;
}

/* Refused only where it cannot fit: an empty ring takes all that its size allows, and otherwise the
 * free room lies in two pieces, each smaller than this record or than the one that left the gap. */
static void expect_refusal_is_due(const struct ring *r, const struct model *m, size_t len)
{
	size_t need = 8 + (len + 7) / 8 * 8, used = 0, largest = need;

	for (uint32_t i = 0; i < m->count; i++) {
		size_t size = 8 + (m->len[(m->first + i) % 4096] + 7) / 8 * 8;

		used += size;
		largest = size > largest ? size : largest;
	}
	assert_true(m->count > 0 ? r->cap - used < need + largest : r->cap < need);
}

static void model_push(struct ring *r, struct model *m, size_t len, bool pop_between)
{
	uint8_t *at;

	if (ring_reserve(r, len, &at) < 0) {
		expect_refusal_is_due(r, m, len);
		return;
	}
	if (pop_between && m->count > 0)
		model_pop(r, m);
	fill(at, len, m->in++);
	ring_commit(r);
	m->len[(m->first + m->count++) % 4096] = len;
	m->bytes += len;
}

static void run_model(uint64_t seed, size_t cap, size_t len_max)
{
	static struct model m;
	struct ring r;
	struct rng rng;
	size_t high = 0;

	memset(&m, 0, sizeof(m));
	rng_seed(&rng, seed);
	assert_int_equal(ring_init(&r, cap), 0);
	for (int i = 0; i < 4000; i++) {
		uint64_t dice = rng_below(&rng, 1000);
		uint64_t lean = i / 500 % 2 ? 300 : 650; /* now filling, now draining */

		if (dice < lean)
			model_push(&r, &m, rng_below(&rng, len_max + 1), dice % 8 == 0);
		else if (dice == 999)
			while (m.count > 0)
				model_pop(&r, &m);
		else if (m.count > 0)
			model_pop(&r, &m);
		high = m.count > high ? m.count : high;
		assert_int_equal(r.count, m.count);
		assert_int_equal(r.bytes, m.bytes);
		assert_int_equal(r.high_water, high);
	}
	ring_fini(&r);
}

static void test_against_a_model(void **state)
{
	static const size_t caps[] = {8, 16, 24, 64, 72, 120, 256, 1000, 4096, 150 << 10, 1 << 20};

	(void)state;
	for (size_t c = 0; c < sizeof(caps) / sizeof(*caps); c++)
		for (uint64_t seed = 0; seed < 12; seed++)
			run_model(seed, caps[c], seed % 3 == 0 ? 12 : seed % 3 == 1 ? 100 : 500);
}

/* Offset behind the last byte of the ring that was written. */
static size_t touched(const struct ring *r)
{
	size_t n = r->cap;

	while (n > 0 && r->at[n - 1] == 0xa5)
		n--;
	return n;
}

/* A queue that never runs empty touches about twice what it holds, not its capacity … */
static void test_touches_what_it_holds(void **state)
{
	static uint8_t record[200]; /* zeros: they show in what was painted */
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 8 << 20), 0);
	memset(r.at, 0xa5, r.cap);
	for (int i = 0; i < 500; i++)
		assert_int_equal(ring_push(&r, record, sizeof(record)), 0);
	for (int i = 0; i < 200000; i++) {
		assert_int_equal(ring_push(&r, record, sizeof(record)), 0);
		ring_pop(&r);
	}
	assert_true(touched(&r) >= 500 * 208 && touched(&r) < 3 * 501 * 208);
	ring_fini(&r);
}

/* … and holds its capacity nevertheless, from wherever it starts to fill up. */
static void test_starting_over_costs_no_room(void **state)
{
	static uint8_t record[200];
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 1 << 20), 0);
	for (int steps = 0; steps < 6000; steps += 37) {
		uint32_t in = 0, out = 0;
		size_t len;

		ring_clear(&r);
		for (int i = 0; i < 100 + steps; i++) {
			memcpy(record, &in, sizeof(in));
			in++;
			assert_int_equal(ring_push(&r, record, sizeof(record)), 0);
			if (i < 100)
				continue;
			assert_memory_equal(ring_front(&r, &len), &out, sizeof(out));
			ring_pop(&r);
			out++;
		}
		for (memcpy(record, &in, sizeof(in)); ring_push(&r, record, sizeof(record)) == 0;) {
			in++;
			memcpy(record, &in, sizeof(in));
		}
		assert_true(r.cap - r.count * 208 < 2 * 208);
		for (; r.count > 0; out++) {
			assert_memory_equal(ring_front(&r, &len), &out, sizeof(out));
			ring_pop(&r);
		}
		assert_int_equal(in, out);
	}
	ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_first_out),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_gap_at_the_end),
		cmocka_unit_test(test_reservations),
		cmocka_unit_test(test_against_a_model),
		cmocka_unit_test(test_touches_what_it_holds),
		cmocka_unit_test(test_starting_over_costs_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
