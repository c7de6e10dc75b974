/* sign - signatures of requests by a private RSA key that is kept in a file.
 *
 * The key is read once and never printed, copied or given away; its file must belong to us (or root) and be closed to
 * everybody else. Signatures are RSASSA-PSS with SHA-256, MGF1 of the same, and a salt as long as the digest
 * (RFC 8017, 8.1), in base64: what Kalshi asks for.
 */
#ifndef NJ_IO_SIGN_H
#define NJ_IO_SIGN_H

#include <stddef.h>

#define SIGN_FILE_MAX 16384 /* bytes of the key's file */
#define SIGN_TEXT_MAX 1400  /* of a signature with its NUL: 8192 bits in base64 */

struct sign_key;

/* A private RSA key of 2048 to 8192 bits in PEM, without a passphrase. ERR_NOT_FOUND (it cannot be read), ERR_REFUSED
 * (others can read it), ERR_CORRUPT (no such key), ERR_NOMEM; `reason` then is a sentence for people that never holds
 * the file's content. */
int sign_key_open(const char *path, struct sign_key **ret_key, char *reason, size_t cap);
void sign_key_close(struct sign_key *k); /* NULL is fine */

int sign_rsa_pss(const struct sign_key *k, const void *text, size_t len, char out[SIGN_TEXT_MAX]); /* ERR_NOMEM */

#endif
