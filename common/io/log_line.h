/* log_line - one log line in a fixed buffer: key=value pairs as logfmt or JSON, every value made
 * harmless. */
#ifndef NJ_IO_LOG_LINE_H
#define NJ_IO_LOG_LINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 4096 /* bytes with the line feed: what a pipe takes in one piece (PIPE_BUF) */

struct log_line {
	char at[LOG_LINE_MAX];
	size_t len;
	bool json;
	bool cut; /* something did not fit and was shortened or left out */
};

void log_line_begin(struct log_line *l, bool json);
/* Text or number under a key; keys are ours: [a-z0-9_]. */
void log_line_text(struct log_line *l, const char *key, const char *value);
void log_line_u64(struct log_line *l, const char *key, uint64_t value);
/* Pairs as log_write takes them. */
void log_line_pairs(struct log_line *l, const char *format, va_list args);
/* Ends the line with its line feed. */
void log_line_end(struct log_line *l);

#endif
