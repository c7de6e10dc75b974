/* test_strmap - every key finds its own value, values move only where one is removed, a full map says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/rng.h"
#include "common/base/strmap.h"
#include "common/base/symbol.h"

struct value {
	uint64_t number;
	char text[20];
};

static void test_put_and_get(void **state)
{
	struct strmap m;
	struct value *v;

	(void)state;
	assert_int_equal(strmap_init(&m, 4, sizeof(struct value)), 0);
	assert_null(strmap_get(&m, "a", 1));
	v = strmap_put(&m, "axx", 1);
	assert_non_null(v);
	assert_int_equal((uintptr_t)v % 16, 0);
	assert_int_equal(v->number, 0);
	v->number = 7;
	assert_ptr_equal(strmap_put(&m, "a", 1), v);
	assert_ptr_equal(strmap_get(&m, "a", 1), v);
	assert_null(strmap_get(&m, "ax", 2));
	assert_null(strmap_get(&m, "", 0));
	assert_non_null(strmap_put(&m, "", 0)); /* the empty text is a key like others */
	assert_non_null(strmap_get(&m, "x", 0));
	assert_int_equal(m.count, 2);
	assert_string_equal(strmap_key_at(&m, 0), "a");
	assert_ptr_equal(strmap_value_at(&m, 0), v);
	assert_string_equal(strmap_key_at(&m, 1), "");
	strmap_fini(&m);
	strmap_fini(&m);
	strmap_fini(NULL);
}

static void test_limits(void **state)
{
	char key[200];
	struct strmap m;

	(void)state;
	memset(key, 'k', sizeof(key));
	assert_int_equal(strmap_init(&m, 3, 1), 0);
	assert_non_null(strmap_put(&m, key, STRMAP_KEY_MAX - 1));
	assert_int_equal(strlen(strmap_key_at(&m, 0)), STRMAP_KEY_MAX - 1);
	assert_null(strmap_put(&m, key, STRMAP_KEY_MAX));
	assert_null(strmap_get(&m, key, STRMAP_KEY_MAX));
	assert_null(strmap_get(&m, key, SIZE_MAX));
	assert_null(strmap_put(&m, "a\0b", 3)); /* key_at could not hand it back */
	assert_non_null(strmap_put(&m, "b", 1));
	assert_non_null(strmap_put(&m, "c", 1));
	assert_null(strmap_put(&m, "d", 1));
	assert_non_null(strmap_put(&m, "c", 1)); /* full, but there already */
	assert_null(strmap_get(&m, "d", 1));
	strmap_fini(&m);
	assert_int_equal(strmap_init(&m, 0, 8), 0);
	assert_null(strmap_put(&m, "a", 1));
	assert_null(strmap_get(&m, "a", 1));
	strmap_fini(&m);
	assert_int_equal(strmap_init(&m, UINT32_MAX, 8), ERR_NOMEM);
	assert_int_equal(strmap_init(&m, 8, SIZE_MAX), ERR_NOMEM);
}

static void test_clear(void **state)
{
	struct strmap m;
	uint64_t *v;

	(void)state;
	assert_int_equal(strmap_init(&m, 2, sizeof(*v)), 0);
	v = strmap_put(&m, "long key", 8);
	*v = 5;
	strmap_clear(&m);
	assert_int_equal(m.count, 0);
	assert_null(strmap_get(&m, "long key", 8));
	v = strmap_put(&m, "lo", 2);
	assert_int_equal(*v, 0); /* what was there is gone */
	assert_string_equal(strmap_key_at(&m, 0), "lo");
	strmap_fini(&m);
}

/* Keys that fall into one slot of the table: found one by one, then inserted. */
static void test_collisions(void **state)
{
	struct strmap m;
	char key[16][16];
	int found = 0;

	(void)state;
	assert_int_equal(strmap_init(&m, 16, sizeof(int)), 0);
	for (int i = 0; found < 16; i++) {
		snprintf(key[found], sizeof(key[0]), "key%d", i);
		if ((hash_bytes(key[found], strlen(key[found])) & m.mask) == m.mask)
			found++; /* the last slot: probing goes round the end */
	}
	for (int i = 0; i < 16; i++) {
		int *v = strmap_put(&m, key[i], strlen(key[i]));

		assert_non_null(v);
		*v = i;
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(*(int *)strmap_get(&m, key[i], strlen(key[i])), i);
	strmap_fini(&m);
}

static void test_many_keys_stay_where_they_are(void **state)
{
	enum { MANY = 5000 };
	static struct value *at[MANY];
	struct strmap m;
	struct rng rng;
	char key[32];

	(void)state;
	rng_seed(&rng, 4);
	assert_int_equal(strmap_init(&m, MANY, sizeof(struct value)), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		int n = snprintf(key, sizeof(key), "trade.V%u.SYM%uUSDT", i % 7, i);

		at[i] = strmap_put(&m, key, (size_t)n);
		assert_non_null(at[i]);
		at[i]->number = i;
	}
	for (int round = 0; round < 20000; round++) {
		uint32_t i = (uint32_t)rng_below(&rng, MANY);
		int n = snprintf(key, sizeof(key), "trade.V%u.SYM%uUSDT", i % 7, i);

		assert_ptr_equal(strmap_get(&m, key, (size_t)n), at[i]);
		assert_int_equal(at[i]->number, i);
		assert_string_equal(strmap_key_at(&m, i), key); /* order of insertion */
		assert_ptr_equal(strmap_value_at(&m, i), at[i]);
	}
	strmap_fini(&m);
}

/* Put and removed at random in a map that is nearly full: what is there and what is not, after each step. */
static void test_remove(void **state)
{
	enum { KEYS = 60, ROOM = 48 };
	uint32_t there[KEYS] = {0}, n = 0;
	struct strmap m;
	struct rng rng;
	char key[16];

	(void)state;
	rng_seed(&rng, 7);
	assert_int_equal(strmap_init(&m, ROOM, sizeof(uint32_t)), 0);
	assert_false(strmap_remove(&m, "K1", 2));
	for (uint32_t round = 1; round <= 20000; round++) {
		uint32_t k = (uint32_t)rng_below(&rng, KEYS);
		size_t len = (size_t)snprintf(key, sizeof(key), "K%u", k);
		if (rng_below(&rng, 2) == 0) {
			assert_int_equal(strmap_remove(&m, key, len), there[k] != 0);
			n -= there[k] != 0;
			there[k] = 0;
		} else {
			uint32_t *v = strmap_put(&m, key, len);
			assert_int_equal(v != NULL, there[k] != 0 || n < ROOM);
			if (v == NULL)
				continue;
			assert_int_equal(*v, there[k]); /* a new one is zeroed */
			n += there[k] == 0;
			there[k] = *v = round;
		}
		assert_int_equal(m.count, n);
		for (uint32_t i = 0; i < KEYS; i++) {
			len = (size_t)snprintf(key, sizeof(key), "K%u", i);
			const uint32_t *v = strmap_get(&m, key, len);
			assert_int_equal(v != NULL ? *v : 0, there[i]);
		}
		for (uint32_t i = 0; i < n; i++)
			assert_ptr_equal(strmap_get(&m, strmap_key_at(&m, i), strlen(strmap_key_at(&m, i))),
					 strmap_value_at(&m, i));
	}
	strmap_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_and_get),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_many_keys_stay_where_they_are),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
