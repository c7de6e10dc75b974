/* print - text for people and JSON that no foreign byte can escape from, into a buf. */
#ifndef NJ_PROTO_PRINT_H
#define NJ_PROTO_PRINT_H

#include "common/base/buf.h"

struct printer {
	struct buf *out;
	size_t start; /* length of out at the beginning: an error takes everything back */
	int err;
};

void print_begin(struct printer *p, struct buf *out);
/* 0, or the first error; then nothing has been appended. */
int print_end(struct printer *p);

void print_text(struct printer *p, const char *text); /* our own text, as it is */
void print_bytes(struct printer *p, const char *text, size_t len);
/* Numbers and names, less than 160 bytes; more is ERR_TOO_LONG. */
void print_format(struct printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Foreign text in quotes, as a JSON string. Control characters (C0, DEL, C1), line and paragraph
 * separators and the marks that reorder bidirectional text become \uXXXX, bytes that are not UTF-8
 * become \ufffd. */
void print_quoted(struct printer *p, const char *text, size_t len);

/* Foreign text as it is where it is one plain word, else in quotes. */
void print_word(struct printer *p, const char *text, size_t len);

/* Time in ns since 1970 as RFC 3339 with nanoseconds, UTC: 2023-11-14T22:13:20.000000000Z. */
void print_time(struct printer *p, int64_t ns);

/* A scaled integer; one with a scale that base does not know as 123e-20. */
void print_fixed(struct printer *p, int64_t value, int scale);

void print_hex(struct printer *p, const uint8_t *at, size_t len);

#endif
