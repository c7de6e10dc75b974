/* tap_dump - one file for each event, 00000001.json and so on, in a directory that holds none of them yet.
 *
 * Names carry a number only: topics come from outside. Nothing is overwritten.
 */
#ifndef NJ_TOOLS_NJ_TAP_DUMP_H
#define NJ_TOOLS_NJ_TAP_DUMP_H

#include <stddef.h>
#include <stdint.h>

#define TAP_DUMP_MAX 1000000 /* files */

struct tap_dump {
	const char *dir, *suffix; /* the caller's */
	int fd;                   /* of dir */
	uint64_t files;
};

/* Makes the directory where it is missing. Errors of the file system. */
int tap_dump_open(const char *dir, const char *suffix, struct tap_dump *ret_dump);
/* ERR_EXISTS, ERR_FULL after TAP_DUMP_MAX files, ERR_NO_SPACE, ERR_IO. */
int tap_dump_put(struct tap_dump *d, const void *bytes, size_t len);
void tap_dump_close(struct tap_dump *d); /* zeroed is fine */

#endif
