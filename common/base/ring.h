/* ring - a bounded first-in first-out queue of byte records in one allocation.
 *
 * Records keep their boundaries and lie contiguous, so that front() hands out a pointer without a
 * copy. Single-threaded. A full ring refuses (ERR_FULL); the caller counts what it drops. Its capacity
 * is reserved, but only about twice the most it has held at once is ever touched.
 */
#ifndef NJ_BASE_RING_H
#define NJ_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *at; /* owned */
	size_t cap;  /* bytes */
	size_t head, tail; /* offsets; head: next record out */
	size_t wrap; /* where the data ends before the gap at the end, or cap */
	size_t count; /* records held */
	size_t bytes; /* payload bytes held */
	size_t high_water; /* most records ever held */
	size_t pending, pending_at; /* size (0: none) and offset of the open reservation */
};

int ring_init(struct ring *r, size_t cap_bytes); /* ERR_NOMEM */
void ring_fini(struct ring *r);

/* Room for one record of len bytes to fill in place, 8-byte aligned; ring_commit publishes it.
 * ERR_FULL. A second reservation before the commit replaces the first; popping in between is
 * fine. */
int ring_reserve(struct ring *r, size_t len, uint8_t **ret_at);
void ring_commit(struct ring *r);
int ring_push(struct ring *r, const void *bytes, size_t len); /* reserve, copy, commit */

/* Oldest record, or NULL where empty; stays valid until ring_pop. */
const uint8_t *ring_front(const struct ring *r, size_t *ret_len);
void ring_pop(struct ring *r);
void ring_clear(struct ring *r);

#endif
