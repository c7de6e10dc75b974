/* log - structured lines to stderr and optionally to a rotating file: never fails, never blocks the
 * caller long.
 *
 * Format logfmt (time level service msg key=value …) or JSON lines. Text from outside is escaped:
 * no control character reaches a terminal. The same line from the same place is written once a
 * second with the number suppressed; lines of one place that differ have an allowance of 16,
 * refilled by one a second. Files rotate at 10 MiB and at midnight UTC, 7 are kept for 7 days,
 * compressed (gzip) by a thread; log_reopen after an outside move. A line is at most 4096 bytes and
 * is cut there. The caller ignores SIGPIPE (stderr may be a pipe).
 */
#ifndef NJ_IO_LOG_H
#define NJ_IO_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/io/clock.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_options {
	const char *service;      /* name in every line */
	enum log_level level;
	bool json;
	const char *file;         /* NULL: stderr only */
	bool file_only;           /* stderr gets a line only where the file did not take it */
	int64_t rotate_bytes;     /* 0: 10 MiB */
	int keep;                 /* 0: 7 */
	const struct clock *clock; /* NULL: real */
};

/* ERR_IO or closer where the file cannot be opened: stderr goes on. Before log_open lines go to
 * stderr, too. */
int log_open(const struct log_options *o);
void log_close(void); /* waits for the compression of what was rotated; stderr goes on */
void log_reopen(void);
void log_set_level(enum log_level level);
int log_level_parse(const char *text, enum log_level *ret_level);

struct log_counters {
	uint64_t lines, suppressed, dropped, warnings, errors, rotations;
};
struct log_counters log_counters(void);

/* Where a line is written: one static object each; the limit knows it by address. */
struct log_site {
	enum log_level level;
	const char *msg;
};

/* Message is a constant; the values go into pairs: log_info("connected", "url=%s ms=%d", url, ms).
 * The second format holds key=value pairs separated by single spaces; values may contain anything
 * and are quoted. A value that should keep its spaces is a single %s conversion. NULL where there
 * are no pairs. Thread-safe. */
#define log_debug(msg, ...) LOG_LINE(LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) LOG_LINE(LOG_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) LOG_LINE(LOG_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) LOG_LINE(LOG_ERROR, msg, __VA_ARGS__)

#define LOG_LINE(level, msg, ...) \
	do { \
		static const struct log_site log_site_ = {level, msg}; \
		log_write(&log_site_, __VA_ARGS__); \
	} while (0)

/* site must live as long as the process. */
void log_write(const struct log_site *site, const char *pairs, ...)
	__attribute__((format(printf, 2, 3)));

#endif
