/* digest - SHA-256 over bytes as they come, to tell whether two runs agree; SHA-1 where a venue hashes. */
#ifndef NJ_IO_DIGEST_H
#define NJ_IO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_MAX 65 /* with its NUL */

struct digest {
	void *state; /* owned */
};

int digest_init(struct digest *d); /* ERR_NOMEM */
void digest_fini(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Of everything so far, in lower-case hex; more may be added afterwards. ERR_NOMEM. */
int digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX]);

#define DIGEST_SHA1_HEX 41 /* with its NUL */

/* SHA-1 of a text in lower-case hex, because a venue's own protocol says so; nothing here relies on its strength.
 * ERR_NOMEM. */
int digest_sha1(const void *bytes, size_t len, char out[DIGEST_SHA1_HEX]);

#endif
