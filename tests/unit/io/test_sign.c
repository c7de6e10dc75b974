/* test_sign - what is signed is verified by the public key, by the rules the venue names and no others; and the vectors
 * that Binance and the RFCs publish. */
#include <fcntl.h>
#include <inttypes.h>
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
	assert_non_null(strstr(reason, "(16 to 512 characters"));
	f = fopen(path, "w");
	fputs("tooshort\n", f); /* for a secret */
	fclose(f);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), ERR_CORRUPT);
	assert_null(strstr(reason, "tooshort"));
	assert_null(k);
	sign_key_close(NULL);
}

/* ---- published vectors ---- */

static void write_text(const char *content)
{
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void open_key(enum sign_kind kind, struct sign_key **ret_key)
{
	assert_int_equal(sign_key_open(path, ret_key, reason, sizeof reason), 0);
	assert_int_equal(sign_key_kind(*ret_key), kind);
}

/* binance-spot-api-docs: rest-api.md "HMAC Keys" and web-socket-api.md "SIGNED request example (HMAC)", each in ASCII
 * and beyond it. */
static void hmac_vectors(void **state)
{
	static const struct {
		const char *text, *signature;
	} rows[] = {
		{"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
		 "&timestamp=1499827319559",
		 "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"},
		{"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC"
		 "&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
		 "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"},
		{"apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00"
		 "&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC"
		 "&timestamp=1645423376532&type=LIMIT",
		 "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"},
		{"apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=0.10000000"
		 "&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93"
		 "\xef\xbc\x94\xef\xbc\x95\xef\xbc\x96&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
		 "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"},
	};
	char out[SIGN_TEXT_MAX];
	struct sign_key *k = NULL;
	(void)state;
	write_text("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j\n");
	open_key(SIGN_HMAC, &k);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(sign_by_key(k, rows[i].text, strlen(rows[i].text), out), 0);
		assert_string_equal(out, rows[i].signature);
	}
	assert_int_equal(sign_rsa_pss(k, text, strlen(text), out), ERR_ARG); /* Kalshi has no such keys */
	sign_key_close(k);
}

/* RFC 8032, 7.1, tests 1 to 3; the seed behind the constant head of RFC 8410, 7. */
static void ed25519_vectors(void **state)
{
	static const struct {
		const char *pem, *text;
		size_t len;
		const char *signature;
	} rows[] = {
		{"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
		 "\n-----END PRIVATE KEY-----\n",
		 "", 0,
		 "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="},
		{"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7"
		 "\n-----END PRIVATE KEY-----\n",
		 "\x72", 1,
		 "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA=="},
		{"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3"
		 "\n-----END PRIVATE KEY-----\n",
		 "\xaf\x82", 2,
		 "YpHWV97sJAJIJ+acOr4BowzlSKKEdDpEXjaA19taw6wY/5tTjRbykK5n92CYTcZZSnwV6XFu0o3AJ77O6h7ECg=="},
	};
	char out[SIGN_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sign_key *k = NULL;
		write_text(rows[i].pem);
		open_key(SIGN_ED25519, &k);
		assert_int_equal(sign_by_key(k, rows[i].text, rows[i].len, out), 0);
		assert_string_equal(out, rows[i].signature);
		assert_int_equal(sign_rsa_pss(k, text, strlen(text), out), ERR_ARG);
		sign_key_close(k);
	}
}

static bool verifies_pkcs1(EVP_PKEY *by, const char *signature, const char *of)
{
	unsigned char raw[1100];
	size_t len = strlen(signature);
	int n = EVP_DecodeBlock(raw, (const unsigned char *)signature, (int)len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_true(n > 0);
	while (len > 0 && signature[--len] == '=')
		n--;
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, by), 1);
	bool good = EVP_DigestVerify(ctx, raw, (size_t)n, (const unsigned char *)of, strlen(of)) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static void rsa_pkcs1(void **state)
{
	static const char query[] = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2"
				    "&timestamp=1668481559918&recvWindow=5000";
	char one[SIGN_TEXT_MAX], other[SIGN_TEXT_MAX];
	struct sign_key *k = NULL;
	(void)state;
	write_key(key, 0600, NULL);
	open_key(SIGN_RSA, &k);
	assert_int_equal(sign_by_key(k, query, strlen(query), one), 0);
	assert_int_equal(sign_by_key(k, query, strlen(query), other), 0);
	assert_string_equal(one, other); /* no salt */
	assert_true(verifies_pkcs1(key, one, query));
	assert_false(verifies_pkcs1(key, one, query + 1));
	assert_false(verifies(one, query, 32));
	sign_key_close(k);
}

/* ---- where a key stands ---- */

/* The secret that is looked for, turned about: so that the one we look for is nobody's but the key's. */
static const char turned[] = "k4ahTxQmW9fZ2VbN7cRs1LpE8uYd3JgKo";
#define TURNED (sizeof turned - 1)

static bool holds(const unsigned char *at, size_t len)
{
	for (size_t i = 0; i + TURNED <= len; i++) {
		size_t j = 0;
		while (j < TURNED && at[i + j] == (unsigned char)turned[TURNED - 1 - j])
			j++;
		if (j == TURNED)
			return true;
	}
	return false;
}

static bool range_holds(int mem, uintptr_t from, uintptr_t to)
{
	static unsigned char page[1 << 16];
	bool found = false;
	for (uintptr_t at = from; at < to && !found; at += sizeof page - TURNED) {
		size_t part = to - at < sizeof page ? to - at : sizeof page;
		bool own = at < (uintptr_t)page + sizeof page && (uintptr_t)page < at + part;
		ssize_t n = own ? 0 : pread(mem, page, part, (off_t)at);
		found = n > 0 && holds(page, (size_t)n);
	}
	explicit_bzero(page, sizeof page);
	return found;
}

/* Does the secret stand where a core dump would take it from: in memory that may be written and is not left out? */
static bool dump_holds(void)
{
	char line[400], rights[8];
	bool found = false;
	uintptr_t from = 0, to = 0, begin, end; /* other lines begin with hex digits, too */
	FILE *maps = fopen("/proc/self/smaps", "r");
	int mem = open("/proc/self/mem", O_RDONLY);
	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, rights) == 3) {
			from = begin;
			to = rights[1] == 'w' ? end : begin;
		}
		if (strncmp(line, "VmFlags:", 8) == 0 && !strstr(line, " dd"))
			found = found || range_holds(mem, from, to);
	}
	fclose(maps);
	close(mem);
	return found;
}

static void in_no_dump(void **state)
{
	char secret[TURNED], out[SIGN_TEXT_MAX];
	struct sign_key *k = NULL;
	(void)state;
	for (size_t i = 0; i < TURNED; i++)
		secret[i] = turned[TURNED - 1 - i];
	assert_true(dump_holds()); /* it is found where it stands */
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, secret, TURNED), TURNED);
	close(fd);
	explicit_bzero(secret, sizeof secret);
	assert_false(dump_holds());
	open_key(SIGN_HMAC, &k);
	assert_false(dump_holds());
	assert_int_equal(sign_by_key(k, text, strlen(text), out), 0);
	assert_false(dump_holds());
	sign_key_close(k);
	assert_false(dump_holds());
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),      cmocka_unit_test(refused),   cmocka_unit_test(hmac_vectors),
		cmocka_unit_test(ed25519_vectors), cmocka_unit_test(rsa_pkcs1), cmocka_unit_test(in_no_dump),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
