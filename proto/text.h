/* text - what may stand in a `name` or `text` field: UTF-8, cut at a boundary, repaired. */
#ifndef NJ_PROTO_TEXT_H
#define NJ_PROTO_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Replaces every byte that is not part of a valid sequence by '?'. */
void text_repair(uint8_t *at, size_t len);

/* Copies text into a field of cap <= EVENT_TEXT_MAX bytes: repaired, cut at a boundary, the rest
 * zeroed. */
void text_set(char *field, size_t cap, const char *text);

#endif
