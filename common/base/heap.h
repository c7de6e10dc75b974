/* heap - a bounded binary heap of nodes that live in their owners' structs: the least key comes
 * first, equal keys in the order they were put.
 *
 * Put and take are O(log n) and never allocate. The owner keeps a node until it was taken.
 */
#ifndef NJ_BASE_HEAP_H
#define NJ_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t order; /* of putting, given by the heap */
	size_t at;      /* place in the heap */
};

struct heap {
	struct heap_node **node; /* owned */
	size_t n, max;
	uint64_t order; /* of the next node */
};

int heap_init(struct heap *h, size_t max); /* ERR_NOMEM */
void heap_fini(struct heap *h);            /* the nodes are their owners'; zeroed is fine */

void heap_put(struct heap *h, struct heap_node *node,
	      int64_t key); /* h->n < max, node in no heap */
void heap_take(struct heap *h, struct heap_node *node);             /* node in this heap */
/* The first node, or NULL where empty; it stays. */
struct heap_node *heap_first(const struct heap *h);

#endif
