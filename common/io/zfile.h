/* zfile - reads a file that may be compressed (gzip, zstd, the first file of a zip), told apart by its first bytes. */
#ifndef NJ_IO_ZFILE_H
#define NJ_IO_ZFILE_H

#include <stddef.h>
#include <stdint.h>

struct zfile;

/* ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. An empty file is plain. */
int zfile_open(const char *path, struct zfile **ret_file);
void zfile_close(struct zfile *z); /* NULL is fine */

/* Reads up to cap plain bytes; *ret_n is 0 at the end. Members and frames may follow each other.
 * ERR_CORRUPT where decompression fails, ERR_TRUNCATED where the file ends inside a member, ERR_IO.
 */
int zfile_read(struct zfile *z, void *out, size_t cap, size_t *ret_n);

/* The first bytes as they lie in the file, without consuming them. */
const uint8_t *zfile_magic(const struct zfile *z, size_t *ret_n);

#endif
