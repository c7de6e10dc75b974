/* sparse - from a key to an offset in a file of records: one entry a stretch of bytes, so a page
 * is found quickly. */
#ifndef NJ_IO_SPARSE_H
#define NJ_IO_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#define SPARSE_STRIDE (64u << 10) /* bytes between entries */

struct sparse_entry {
	uint64_t key, offset; /* the record with this key begins at this offset */
};

struct sparse {
	struct sparse_entry *at; /* owned */
	uint32_t n, cap;
};

/* Remembers a record where the last one remembered is a stride or more before it; keys and offsets
 * ascend, others are ignored. Running out of memory only makes the index coarser. */
void sparse_add(struct sparse *s, uint64_t key, uint64_t offset);

/* The last entry with a key at or below `key`; `otherwise` where there is none. */
struct sparse_entry sparse_find(const struct sparse *s, uint64_t key,
				struct sparse_entry otherwise);
void sparse_fini(struct sparse *s);

#endif
