/* test_sign - what is signed is verified by the public key, by the rules the venue names and no others. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/base/err.h"
#include "common/io/sign.h"

static const char text[] = "1703123456789GET/trade-api/ws/v2";
static char dir[] = "/tmp/nj-sign-XXXXXX";
static char path[64], reason[300];
static EVP_PKEY *key;

static void write_key(EVP_PKEY *k, mode_t mode, const char *passphrase)
{
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, k, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
					      (void *)(uintptr_t)passphrase),
			 1);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static bool verifies(const char *signature, const char *of, int salt)
{
	unsigned char raw[1100];
	size_t len = strlen(signature);
	int n = EVP_DecodeBlock(raw, (const unsigned char *)signature, (int)len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey = NULL;
	assert_true(n > 0);
	while (len > 0 && signature[--len] == '=')
		n--;
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pkey, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(pkey, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, salt), 1);
	bool good = EVP_DigestVerify(ctx, raw, (size_t)n, (const unsigned char *)of, strlen(of)) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static void round_trip(void **state)
{
	char one[SIGN_TEXT_MAX], other[SIGN_TEXT_MAX];
	struct sign_key *k = NULL;
	(void)state;
	write_key(key, 0600, NULL);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), 0);
	assert_int_equal(sign_rsa_pss(k, text, strlen(text), one), 0);
	assert_int_equal(sign_rsa_pss(k, text, strlen(text), other), 0);
	assert_true(verifies(one, text, 32));
	assert_true(verifies(other, text, 32));
	assert_string_not_equal(one, other); /* salted */
	assert_false(verifies(one, text, 20)); /* the salt is as long as the digest */
	assert_false(verifies(one, "1703123456790GET/trade-api/ws/v2", 32));
	sign_key_close(k);
}

static void refused(void **state)
{
	struct sign_key *k = NULL;
	(void)state;
	unlink(path);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_NOT_FOUND);
	assert_int_equal(sign_key_open(dir, &k, reason, sizeof reason), ERR_NOT_FOUND);
	write_key(key, 0640, NULL);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_REFUSED);
	assert_non_null(strstr(reason, "chmod 600"));
	write_key(key, 0600, "secret"); /* nobody is there to ask */
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_CORRUPT);
	EVP_PKEY *curve = EVP_EC_gen("P-256");
	write_key(curve, 0600, NULL);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_CORRUPT);
	EVP_PKEY_free(curve);
	FILE *f = fopen(path, "w");
	fputs("PRIVATE WORDS", f);
	fclose(f);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_CORRUPT);
	assert_null(strstr(reason, "PRIVATE"));
	assert_null(k);
	sign_key_close(NULL);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/key.pem", dir);
	key = EVP_RSA_gen(2048);
	return key ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	unlink(path);
	rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(refused)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
