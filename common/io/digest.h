/* digest - SHA-256 over bytes as they come, to tell whether two runs had the same results. */
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

#endif
