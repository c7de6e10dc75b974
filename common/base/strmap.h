/* strmap - bounded map from short text to a fixed-size value, in two allocations made at the start.
 *
 * Open addressing; values do not move, so pointers to them stay good, until something is removed: then the last entry
 * takes the place of the one that goes. Until then iteration is in order of insertion.
 */
#ifndef NJ_BASE_STRMAP_H
#define NJ_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRMAP_KEY_MAX 128

struct strmap {
	uint32_t *slot;   /* owned: index + 1 of an entry, 0 empty */
	uint8_t *entry;   /* owned: hash, length and key, then value */
	size_t stride, value_size;
	uint32_t mask, count, max;
};

int strmap_init(struct strmap *m, uint32_t max, size_t value_size); /* ERR_NOMEM */
void strmap_fini(struct strmap *m);
void strmap_clear(struct strmap *m);

void *strmap_get(const struct strmap *m, const char *key, size_t len); /* NULL where absent */
/* Existing or new (zeroed) value, 16-byte aligned; NULL where full, or where the key holds a NUL or
 * is STRMAP_KEY_MAX or longer. */
void *strmap_put(struct strmap *m, const char *key, size_t len);
/* false where absent. Pointers to values are no longer good. */
bool strmap_remove(struct strmap *m, const char *key, size_t len);
const char *strmap_key_at(const struct strmap *m, uint32_t i); /* i < count */
void *strmap_value_at(const struct strmap *m, uint32_t i);

#endif
