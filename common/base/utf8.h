/* utf8 - UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef NJ_BASE_UTF8_H
#define NJ_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the one valid sequence at the front of at[0..len), 1 to 4, or 0 where there is none. */
size_t utf8_sequence(const uint8_t *at, size_t len);

bool utf8_valid(const void *bytes, size_t len);

/* Largest n <= max at which a valid text of len bytes can be cut without splitting a sequence. */
size_t utf8_cut(const char *text, size_t len, size_t max);

/* Writes one code point (a surrogate or beyond U+10FFFF is a broken promise); returns its 1 to 4
 * bytes. */
size_t utf8_put(char out[4], uint32_t code);

#endif
