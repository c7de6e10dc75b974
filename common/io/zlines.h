/* zlines - the text lines of a file that may be compressed; too long ones are counted. */
#ifndef NJ_IO_ZLINES_H
#define NJ_IO_ZLINES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/io/zfile.h"

#define ZLINES_LINE_MAX                                                                            \
	((size_t)32 << 20) /* bytes of one line: an exchangeInfo of all symbols is about 2 MiB */

struct zlines {
	struct zfile *file; /* owned */
	struct buf text;    /* plain bytes, from `at` not yet handed out */
	size_t at, scanned; /* scanned: no newline before it */
	uint64_t line;      /* number of the line handed out last, from 1 */
	uint64_t too_long;
	bool skipping; /* inside a line that is too long */
	bool eof;
};

/* ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
int zlines_open(struct zlines *l, const char *path);
void zlines_close(struct zlines *l); /* zeroed is fine */

/* Next line without its newline; good until the next call, and writable. ERR_CLOSED at the end,
 * ERR_CORRUPT, ERR_TRUNCATED or ERR_IO where the file cannot be read on: the lines before were all
 * handed out. */
int zlines_next(struct zlines *l, char **ret_line, size_t *ret_len);

#endif
