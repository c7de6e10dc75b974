/* test_digest - SHA-256 and SHA-1 against the vectors of FIPS 180-4, in one piece and in many. */
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

/* FIPS 180-4's vectors, and a book as Polymarket's own client library hashes one. */
static void sha1(void **state)
{
	static const char book[] =
		"{\"market\":\"0xaabbcc\",\"asset_id\":\"100\",\"timestamp\":\"123456789\","
		"\"bids\":[{\"price\":\"0.3\",\"size\":\"100\"},{\"price\":\"0.4\",\"size\":\"100\"}],"
		"\"asks\":[{\"price\":\"0.6\",\"size\":\"100\"},{\"price\":\"0.7\",\"size\":\"100\"}],"
		"\"min_order_size\":\"15\",\"tick_size\":\"0.001\",\"neg_risk\":false,\"hash\":\"\"}";
	char hex[DIGEST_SHA1_HEX];
	(void)state;
	assert_int_equal(digest_sha1("", 0, hex), 0);
	assert_string_equal(hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	assert_int_equal(digest_sha1("abc", 3, hex), 0);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(digest_sha1(book, sizeof(book) - 1, hex), 0);
	assert_string_equal(hex, "36f56998e26d9a7c553446f35b240481efb271a3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(goes_on_after_it_was_read),
					   cmocka_unit_test(sha1)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
