/* sign - signatures of requests by a key that is kept in a file. */
#include "common/io/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"

#define BITS_MIN 2048
#define BITS_MAX 8192
#define SECURE_HEAP 131072 /* bytes; a key takes a few hundred */
#define SECURE_MIN 32      /* smallest piece of it */
#define PEM_BEGIN "-----BEGIN"

struct sign_key {
	enum sign_kind kind;
	EVP_PKEY *key;
	char *secret; /* of an HMAC, in the secure heap */
	size_t len;
};

static int check_file(int fd, const char *path, char *reason, size_t cap)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(reason, cap, "%s is no file", path);
		return ERR_NOT_FOUND;
	}
	if ((st.st_mode & 077) == 0 && (st.st_uid == geteuid() || st.st_uid == 0))
		return 0;
	snprintf(reason, cap, "%s can be read by others: chmod 600 it, and make sure that it is ours", path);
	return ERR_REFUSED;
}

static int read_file(const char *path, char *text, size_t *ret_len, char *reason, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		snprintf(reason, cap, "%s cannot be read: %s", path, strerror(errno));
		return ERR_NOT_FOUND;
	}
	int rc = check_file(fd, path, reason, cap);
	if (!rc && fs_read_at(fd, text, SIGN_FILE_MAX, 0, ret_len)) {
		snprintf(reason, cap, "%s cannot be read: %s", path, strerror(errno));
		rc = ERR_NOT_FOUND;
	}
	close(fd);
	return rc;
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *text, int size, int writing, void *ctx)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int parse_pem(struct sign_key *k, const char *text, size_t len)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	k->key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
	BIO_free(in);
	int bits = k->key && EVP_PKEY_is_a(k->key, "RSA") ? EVP_PKEY_get_bits(k->key) : 0;
	k->kind = bits >= BITS_MIN && bits <= BITS_MAX ? SIGN_RSA : SIGN_ED25519;
	return k->kind == SIGN_RSA || (k->key && EVP_PKEY_is_a(k->key, "ED25519")) ? 0 : ERR_CORRUPT;
}

static int parse_secret(struct sign_key *k, const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len < SIGN_SECRET_MIN || len > SIGN_SECRET_MAX)
		return ERR_CORRUPT;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return ERR_CORRUPT;
	k->secret = OPENSSL_secure_malloc(len);
	if (!k->secret)
		return ERR_NOMEM;
	memcpy(k->secret, text, len);
	k->len = len;
	k->kind = SIGN_HMAC;
	return 0;
}

static int parse(struct sign_key *k, const char *text, size_t len)
{
	bool pem = len > sizeof PEM_BEGIN && memcmp(text, PEM_BEGIN, sizeof PEM_BEGIN - 1) == 0;
	return pem ? parse_pem(k, text, len) : parse_secret(k, text, len);
}

int sign_key_open(const char *path, struct sign_key **ret_key, char *reason, size_t cap)
{
	/* Where memory cannot be locked OpenSSL takes its usual heap, and wipes it all the same. */
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN);
	char text[SIGN_FILE_MAX];
	size_t len = 0;
	struct sign_key *k = calloc(1, sizeof *k);
	if (!k) {
		snprintf(reason, cap, "out of memory");
		return ERR_NOMEM;
	}
	int rc = read_file(path, text, &len, reason, cap);
	if (!rc && (rc = parse(k, text, len)) != 0)
		snprintf(reason, cap,
			 "%s holds neither a private key in PEM without a passphrase (RSA of %d to %d bits, Ed25519) "
			 "nor one line with the secret of an HMAC (%d to %d characters without spaces)",
			 path, BITS_MIN, BITS_MAX, SIGN_SECRET_MIN, SIGN_SECRET_MAX);
	explicit_bzero(text, sizeof text);
	if (rc) {
		sign_key_close(k);
		return rc;
	}
	*ret_key = k;
	return 0;
}

void sign_key_close(struct sign_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	OPENSSL_secure_clear_free(k->secret, k->len);
	free(k);
}

enum sign_kind sign_key_kind(const struct sign_key *k)
{
	return k->kind;
}

static bool set_pss(EVP_PKEY_CTX *pkey)
{
	return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(pkey, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int sign_pkey(const struct sign_key *k, bool pss, const void *text, size_t len, char out[SIGN_TEXT_MAX])
{
	const EVP_MD *md = k->kind == SIGN_RSA ? EVP_sha256() : NULL; /* Ed25519 has a digest of its own */
	unsigned char raw[BITS_MAX / 8];
	size_t n = sizeof raw;
	EVP_PKEY_CTX *pkey = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, &pkey, md, NULL, k->key) == 1 && (!pss || set_pss(pkey)) &&
		    EVP_DigestSign(ctx, raw, &n, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return ERR_NOMEM;
	EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
	return 0;
}

static int sign_hmac(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	size_t n = 0;
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, k->secret, k->len, text, len, raw, sizeof raw, &n))
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

int sign_rsa_pss(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX])
{
	return k->kind == SIGN_RSA ? sign_pkey(k, true, text, len, out) : ERR_ARG;
}

int sign_by_key(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX])
{
	if (k->kind == SIGN_HMAC)
		return sign_hmac(k, text, len, out);
	return sign_pkey(k, false, text, len, out);
}
