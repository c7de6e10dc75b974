/* capture_parse - one line of a recording, both formats, without any I/O: used by capture.c only.
 */
#ifndef NJ_IO_CAPTURE_PARSE_H
#define NJ_IO_CAPTURE_PARSE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/json.h"
#include "common/io/capture.h"

/* `<receive ns> <raw JSON>`; data points into the line. ERR_SYNTAX. Only the stamp and, where
 * "stream" is not the first member, the outermost members are checked: what a venue sent broken is
 * replayed broken. */
int capture_parse_stamped(const char *line, size_t len, struct capture_line *ret_line);

/* A cryptofeed line as slices of it; not unescaped yet. */
struct capture_entry {
	int64_t stamp;
	enum capture_kind kind;
	struct json_str data, url, conn;
};

/* ERR_SYNTAX and json's errors where it cannot be read; ERR_UNKNOWN: a line that is neither frame
 * nor reply. */
int capture_parse_entry(const char *line, size_t len, struct capture_entry *ret_entry);

#endif
