/* kalshi_sign - signatures of handshakes and requests: RSA-PSS, SHA-256, salt as long as the digest, in base64. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "tools/venue_sim/kalshi.h"

#define SIGNATURE_MAX 1024 /* bytes: keys of up to 8192 bits */
#define SIGNED_MAX 512

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PUBKEY(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		fclose(f);
	return key;
}

/* Length of the signature, or -1. */
static int decode(struct text base64, unsigned char out[SIGNATURE_MAX])
{
	size_t padding = 0;

	if (base64.len == 0 || base64.len % 4 != 0 || base64.len / 4 * 3 > SIGNATURE_MAX)
		return -1;
	while (padding < 2 && base64.at[base64.len - 1 - padding] == '=')
		padding++;
	int n = EVP_DecodeBlock(out, (const unsigned char *)base64.at, (int)base64.len);
	return n < 0 ? -1 : n - (int)padding;
}

static bool verify(EVP_PKEY *key, const char *text, size_t len, const unsigned char *sig, size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of_key = NULL;
	bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, &of_key, EVP_sha256(), NULL, key) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		    EVP_DigestVerify(ctx, sig, sig_len, (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool kalshi_signed(const char *public_key_path, const struct request *r)
{
	struct text id = request_header(r, "kalshi-access-key"), at = request_header(r, "kalshi-access-timestamp"),
		    base64 = request_header(r, "kalshi-access-signature");
	unsigned char sig[SIGNATURE_MAX];
	char text[SIGNED_MAX];

	if (id.len == 0 || at.len == 0 || base64.at == NULL)
		return false;
	int n = snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)at.len, at.at, (int)r->method.len, r->method.at,
			 (int)r->path.len, r->path.at);
	int sig_len = decode(base64, sig);
	EVP_PKEY *key = n > 0 && n < (int)sizeof(text) && sig_len > 0 ? read_key(public_key_path) : NULL;
	bool good = key != NULL && verify(key, text, (size_t)n, sig, (size_t)sig_len);
	EVP_PKEY_free(key);
	return good;
}
