/* test_digest - SHA-256 against the vectors of FIPS 180-4, in one piece and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/io/digest.h"

static void of(const char *text, size_t step, char hex[DIGEST_HEX_MAX])
{
	struct digest d;
	size_t len = strlen(text);
	assert_int_equal(digest_init(&d), 0);
	for (size_t at = 0; at < len; at += step)
		digest_add(&d, text + at, len - at < step ? len - at : step);
	assert_int_equal(digest_hex(&d, hex), 0);
	digest_fini(&d);
}

static void vectors(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char hex[DIGEST_HEX_MAX];
	(void)state;
	of("", 1, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	of("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	for (size_t step = 1; step < 60; step += 7) {
		of(two_blocks, step, hex);
		assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	}
}

static void goes_on_after_it_was_read(void **state)
{
	struct digest d;
	char hex[DIGEST_HEX_MAX];
	(void)state;
	assert_int_equal(digest_init(&d), 0);
	digest_add(&d, "a", 1);
	assert_int_equal(digest_hex(&d, hex), 0);
	digest_add(&d, "bc", 2);
	assert_int_equal(digest_hex(&d, hex), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_fini(&d);
	digest_fini(&d); /* zeroed is fine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(goes_on_after_it_was_read)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
