/* test_crc - published vectors, both paths equal at every length, pieces like the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/crc.h"
#include "common/base/rng.h"

typedef uint32_t crc_fn(uint32_t crc, const void *bytes, size_t len);

static crc_fn *const paths[] = {crc32c, crc32c_portable};

/* RFC 3720 appendix B.4, and the usual check value. */
static void test_vectors(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

	(void)state;
	for (int i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	for (int p = 0; p < 2; p++) {
		assert_int_equal(paths[p](0, "123456789", 9), 0xe3069283);
		assert_int_equal(paths[p](0, zeros, 32), 0x8a9136aa);
		assert_int_equal(paths[p](0, ones, 32), 0x62a8ab43);
		assert_int_equal(paths[p](0, up, 32), 0x46dd794e);
		assert_int_equal(paths[p](0, down, 32), 0x113fdb5c);
		assert_int_equal(paths[p](0, "", 0), 0);
		assert_int_equal(paths[p](0x12345678, NULL, 0), 0x12345678);
	}
}

static void test_both_paths_agree(void **state)
{
	uint8_t bytes[600];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rng_u64(&rng);
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; start + len <= sizeof(bytes); len++) {
			uint32_t seed = (uint32_t)rng_u64(&rng);

			assert_int_equal(crc32c(seed, bytes + start, len),
					 crc32c_portable(seed, bytes + start, len));
		}
}

static void test_pieces(void **state)
{
	uint8_t bytes[100];
	uint32_t whole;

	(void)state;
	memset(bytes, 0xa7, sizeof(bytes));
	whole = crc32c(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++)
		assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof(bytes) - cut),
				 whole);
}

static void test_every_flipped_bit_shows(void **state)
{
	uint8_t bytes[64] = {0};
	uint32_t whole = crc32c(0, bytes, sizeof(bytes));

	(void)state;
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(crc32c(0, bytes, sizeof(bytes)), whole);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_both_paths_agree),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_every_flipped_bit_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
