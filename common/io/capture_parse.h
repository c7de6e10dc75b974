/* capture_parse - one line of a recording, each format, without any I/O: used by capture.c only.
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
	struct json_str data, url, conn, addr;
};

/* ERR_SYNTAX and json's errors where it cannot be read; ERR_UNKNOWN: a line that is neither frame
 * nor reply; of one that tells of a connection, conn and addr are filled all the same. */
int capture_parse_entry(const char *line, size_t len, struct capture_entry *ret_entry);

/* {"recv_ms":N,"event":…}; data points into the line. *last: stamp of the line before, 0 none; becomes this one's.
 * ERR_UNKNOWN: not of this format. */
int capture_parse_event(const char *line, size_t len, int64_t *last, struct capture_line *ret_line);

/* A frame with a "timestamp" in ms of its own, an object or a list of them; data is the line. An empty line is an
 * empty frame. ERR_UNKNOWN: it carries none. */
int capture_parse_bare(const char *line, size_t len, int64_t *last, struct capture_line *ret_line);

#endif
