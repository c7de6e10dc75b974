/* sign - signatures of requests by a private RSA key that is kept in a file. */
#include "common/io/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
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

struct sign_key {
	EVP_PKEY *key;
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

static EVP_PKEY *parse(const char *text, size_t len)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
	BIO_free(in);
	int bits = key && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;
	if (bits >= BITS_MIN && bits <= BITS_MAX)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

int sign_key_open(const char *path, struct sign_key **ret_key, char *reason, size_t cap)
{
	char text[SIGN_FILE_MAX];
	size_t len = 0;
	struct sign_key *k = calloc(1, sizeof *k);
	if (!k) {
		snprintf(reason, cap, "out of memory");
		return ERR_NOMEM;
	}
	int rc = read_file(path, text, &len, reason, cap);
	if (!rc && !(k->key = parse(text, len))) {
		snprintf(reason, cap, "%s holds no private RSA key of %d to %d bits in PEM, without a passphrase", path,
			 BITS_MIN, BITS_MAX);
		rc = ERR_CORRUPT;
	}
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
	free(k);
}

static bool set_up(EVP_MD_CTX *ctx, const struct sign_key *k)
{
	EVP_PKEY_CTX *pkey = NULL;
	return EVP_DigestSignInit(ctx, &pkey, EVP_sha256(), NULL, k->key) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(pkey, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int sign_rsa_pss(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX])
{
	unsigned char raw[BITS_MAX / 8];
	size_t n = sizeof raw;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && set_up(ctx, k) && EVP_DigestSign(ctx, raw, &n, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return ERR_NOMEM;
	EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
	return 0;
}
