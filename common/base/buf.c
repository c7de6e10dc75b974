/* buf - growth by doubling up to the maximum; one spare byte behind cap takes printf's NUL. */
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define FIRST_CAP 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	if (!b)
		return;
	free(b->at);
	*b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

static int grow(struct buf *b, size_t need)
{
	size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
	uint8_t *at;

	if (cap < FIRST_CAP)
		cap = FIRST_CAP < b->max ? FIRST_CAP : b->max;
	if (cap < need)
		cap = need;
	if (cap == SIZE_MAX)
		return ERR_NOMEM;
	at = realloc(b->at, cap + 1);
	if (!at)
		return ERR_NOMEM;
	b->at = at;
	b->cap = cap;
	return 0;
}

int buf_reserve(struct buf *b, size_t n)
{
	if (n <= b->cap - b->len && b->at)
		return 0;
	if (n > b->max - b->len)
		return ERR_FULL;
	return grow(b, b->len + n);
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
	int rc = buf_reserve(b, n);

	if (rc < 0)
		return rc;
	if (n > 0)
		memcpy(b->at + b->len, bytes, n);
	b->len += n;
	return 0;
}

int buf_byte(struct buf *b, uint8_t byte)
{
	int rc = buf_reserve(b, 1);

	if (rc < 0)
		return rc;
	b->at[b->len++] = byte;
	return 0;
}

/* ERR_FULL where there is too little room, with the length that is needed. */
__attribute__((format(printf, 2, 0)))
static int print(struct buf *b, const char *format, va_list args, size_t *ret_need)
{
	size_t room = b->cap - b->len;
	int n = vsnprintf((char *)b->at + b->len, room + 1, format, args);

	if (n < 0)
		return ERR_ARG;
	*ret_need = (size_t)n;
	if ((size_t)n > room)
		return ERR_FULL;
	b->len += (size_t)n;
	return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	size_t need = 0;
	int rc = buf_reserve(b, 0);

	if (rc < 0)
		return rc;
	va_start(args, format);
	va_copy(again, args);
	rc = print(b, format, args, &need);
	if (rc == ERR_FULL) {
		rc = buf_reserve(b, need);
		if (rc == 0)
			rc = print(b, format, again, &need);
	}
	va_end(again);
	va_end(args);
	return rc;
}

void buf_consume(struct buf *b, size_t n)
{
	must(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->at, b->at + n, b->len);
}
