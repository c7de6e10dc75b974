/* digest - SHA-256 over bytes as they come, and SHA-1 of a text, by OpenSSL. */
#include "common/io/digest.h"

#include <openssl/evp.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum { SHA256_BYTES = 32, SHA1_BYTES = 20 };

int digest_init(struct digest *d)
{
	d->state = EVP_MD_CTX_new();
	if (d->state && EVP_DigestInit_ex(d->state, EVP_sha256(), NULL) == 1)
		return 0;
	digest_fini(d);
	return ERR_NOMEM;
}

void digest_fini(struct digest *d)
{
	EVP_MD_CTX_free(d->state);
	d->state = NULL;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(d->state, bytes, len) == 1);
}

static void hex(const unsigned char *sum, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[sum[i] >> 4];
		out[2 * i + 1] = digit[sum[i] & 15];
	}
	out[2 * n] = '\0';
}

int digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX])
{
	unsigned char sum[SHA256_BYTES];
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool ok = copy && EVP_MD_CTX_copy_ex(copy, d->state) == 1 && EVP_DigestFinal_ex(copy, sum, NULL) == 1;
	EVP_MD_CTX_free(copy);
	if (!ok)
		return ERR_NOMEM;
	hex(sum, SHA256_BYTES, out);
	return 0;
}

int digest_sha1(const void *bytes, size_t len, char out[DIGEST_SHA1_HEX])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(bytes, len, sum, &n, EVP_sha1(), NULL) != 1 || n != SHA1_BYTES)
		return ERR_NOMEM;
	hex(sum, n, out);
	return 0;
}
