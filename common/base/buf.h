/* buf - a growing byte buffer with a hard maximum given at birth. */
#ifndef NJ_BASE_BUF_H
#define NJ_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *at; /* owned; NULL while empty and never grown */
	size_t len;
	size_t cap;
	size_t max; /* growth beyond it is ERR_FULL */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b); /* NULL and zeroed are fine; leaves it zeroed */
void buf_clear(struct buf *b); /* keeps the memory */

/* Makes room for n more bytes at at+len; ERR_FULL, ERR_NOMEM. */
int buf_reserve(struct buf *b, size_t n);
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_byte(struct buf *b, uint8_t byte);

/* Removes n bytes from the front, n <= len. */
void buf_consume(struct buf *b, size_t n);

#endif
