/* heap - the usual sift up and down; each node knows its place, so that it can be taken from the
 * middle. */
#include "common/base/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void set(struct heap *h, size_t at, struct heap_node *node)
{
	h->node[at] = node;
	node->at = at;
}

static void sift_up(struct heap *h, size_t at, struct heap_node *node)
{
	while (at > 0 && is_before(node, h->node[(at - 1) / 2])) {
		set(h, at, h->node[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	set(h, at, node);
}

static void sift_down(struct heap *h, size_t at, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && is_before(h->node[child + 1], h->node[child]))
			child++;
		if (!is_before(h->node[child], node))
			break;
		set(h, at, h->node[child]);
		at = child;
	}
	set(h, at, node);
}

int heap_init(struct heap *h, size_t max)
{
	struct heap_node **node = calloc(max, sizeof(struct heap_node *));
	if (!node)
		return ERR_NOMEM;
	*h = (struct heap){.node = node, .max = max};
	return 0;
}

void heap_fini(struct heap *h)
{
	free(h->node);
	*h = (struct heap){0};
}

void heap_put(struct heap *h, struct heap_node *node, int64_t key)
{
	must(h->n < h->max);
	node->key = key;
	node->order = h->order++;
	h->n++;
	sift_up(h, h->n - 1, node);
}

void heap_take(struct heap *h, struct heap_node *node)
{
	must(node->at < h->n && h->node[node->at] == node);
	struct heap_node *last = h->node[--h->n];
	if (last == node)
		return;
	if (is_before(last, node))
		sift_up(h, node->at, last);
	else
		sift_down(h, node->at, last);
}

struct heap_node *heap_first(const struct heap *h)
{
	return h->n > 0 ? h->node[0] : NULL;
}
