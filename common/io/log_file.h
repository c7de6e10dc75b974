/* log_file - a log file that rotates by size and by day; what is rotated is compressed beside the
 * caller.
 *
 * `NAME` is written to. `NAME.<UTC stamp>` waits for compression, `NAME.<UTC stamp>.gz` is kept.
 * One caller at a time; the compressing thread is its own affair. SIGKILL at any moment loses no
 * line and leaves no half .gz.
 */
#ifndef NJ_IO_LOG_FILE_H
#define NJ_IO_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/io/clock.h"

struct log_file;

struct log_file_options {
	const char *path;
	int64_t rotate_bytes;
	int keep; /* at most so many rotated files, none older than so many days */
	const struct clock *clock;
};

int log_file_open(const struct log_file_options *o,
		  struct log_file **ret_file); /* ERR_IO, ERR_NOMEM … */
/* Waits until what was rotated is compressed: at most `keep` files. NULL is fine. */
void log_file_close(struct log_file *f);
/* Writes one whole line; ERR_NO_SPACE, ERR_IO where it was not (fully) written. */
int log_file_write(struct log_file *f, const char *line, size_t len);
/* Opens the path anew, after another program moved the file away. */
int log_file_reopen(struct log_file *f);
uint64_t log_file_rotations(const struct log_file *f);

#endif
