/* sign - signatures of requests by a key that is kept in a file.
 *
 * A key is an RSA or Ed25519 private key in PEM, or the secret of an HMAC in one line. It is read once and never
 * printed or given away; its file must belong to us (or root) and be closed to everybody else. Keys stand in OpenSSL's
 * secure heap: not in a core dump, and where the machine lets us lock memory not in the swap.
 *
 * What venues ask for:
 *   Kalshi    RSASSA-PSS with SHA-256, MGF1 of the same, a salt as long as the digest (RFC 8017, 8.1), in base64.
 *   Binance   by the kind of the key (binance-spot-api-docs, rest-api.md "SIGNED Endpoint security"): HMAC-SHA256 in
 *             small hex digits (RFC 2104), RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2) or Ed25519 (RFC 8032), both
 *             in base64, to be percent-encoded in a query.
 */
#ifndef NJ_IO_SIGN_H
#define NJ_IO_SIGN_H

#include <stddef.h>

#define SIGN_FILE_MAX 16384 /* bytes of the key's file */
#define SIGN_TEXT_MAX 1400  /* of a signature with its NUL: 8192 bits in base64 */
#define SIGN_SECRET_MIN 16  /* characters of a secret */
#define SIGN_SECRET_MAX 512

enum sign_kind { SIGN_HMAC = 1, SIGN_RSA, SIGN_ED25519 };

struct sign_key;

/* A private RSA key of 2048 to 8192 bits or an Ed25519 key in PEM, without a passphrase; or one line of 16 to 512
 * letters, digits and signs without a space, the secret of an HMAC. ERR_NOT_FOUND (it cannot be read), ERR_REFUSED
 * (others can read it), ERR_CORRUPT (no such key), ERR_NOMEM; `reason` then is a sentence for people that never holds
 * the file's content. */
int sign_key_open(const char *path, struct sign_key **ret_key, char *reason, size_t cap);
void sign_key_close(struct sign_key *k); /* NULL is fine; wipes it */
enum sign_kind sign_key_kind(const struct sign_key *k);

/* ERR_ARG: the key is none of RSA. ERR_NOMEM. */
int sign_rsa_pss(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX]);
/* By the kind of the key, as Binance asks for it. ERR_NOMEM. */
int sign_by_key(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX]);

#endif
