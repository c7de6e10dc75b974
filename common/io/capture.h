/* capture - reader of recorded market data, four formats, in order of its stamps.
 *
 * 1. Text, one line `<receive ns> <raw JSON>`; a line that is a REST reply (no "stream" member) is
 * http.
 * 2. JSON lines with members t (header|http|connect|send|recv), ts (seconds), data, url
 * (cryptofeed); grouped by connection in the file, sorted by stamp here within a window of 32 MiB.
 * 3. JSON lines {"recv_ms":N,"event":<raw frame>} (Kalshi's recorders).
 * 4. Bare frames that carry their time themselves, `"timestamp":"<ms>"` (Polymarket's). An empty line behind the
 * first frame is an empty frame.
 * Of 3 and 4, stamps within one millisecond are told apart by nanoseconds, in the order of the file.
 * Any may be gzip, zstd or plain. Several files are read one after another. Lines that cannot be
 * read are counted, never fatal; stamps that go back are counted and kept as they are.
 */
#ifndef NJ_IO_CAPTURE_H
#define NJ_IO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum capture_kind { CAPTURE_FRAME, CAPTURE_HTTP };

struct capture_line {
	enum capture_kind kind;
	int64_t stamp;    /* receive time, ns */
	const char *data; /* raw frame or body, unescaped; good until the next read */
	size_t len;
	const char *url;  /* http: as recorded, or "" where the format has none */
	const char *conn; /* connection name, or "" */
	const char *addr; /* url that connection was made to, or "" where the format does not say */
	uint64_t line;    /* line number in its file */
};

struct capture_counters {
	uint64_t lines, frames, http, skipped, unreadable, stamps_back;
};

struct capture;

/* paths: comma separated, played in that order. Format by content, not by name. ERR_NOT_FOUND,
 * ERR_SYNTAX with reason. */
int capture_open(const char *paths, struct capture **ret_capture, char *reason, size_t cap);
void capture_close(struct capture *c);
/* Next line; ERR_CLOSED at the end, ERR_CORRUPT where decompression fails, ERR_TRUNCATED where a
 * file ends inside its compression (a recorder that was killed): every line before was handed out.
 * Errors are final. */
int capture_next(struct capture *c, struct capture_line *ret_line);
struct capture_counters capture_counters(const struct capture *c);

#endif
