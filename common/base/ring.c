/* ring - records as an 8-byte length, the payload, and padding to the next 8 bytes.
 *
 *     plain    |....[head records tail).......|         tail > head
 *     wrapped  |records tail)....[head records wrap)gap|   count > 0 and tail <= head
 *
 * A record never crosses the end: the rest stays a gap, and the record starts at 0. While the ring
 * is empty, head and tail go back to 0, so that the largest record fits.
 */
#include "common/base/ring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define ALIGN 8
#define HEADER sizeof(uint64_t)

static size_t round_up(size_t n)
{
	return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static uint64_t len_at(const struct ring *r, size_t offset)
{
	uint64_t len;

	memcpy(&len, r->at + offset, sizeof(len));
	return len;
}

int ring_init(struct ring *r, size_t cap_bytes)
{
	*r = (struct ring){0};
	if (cap_bytes > SIZE_MAX / 2)
		return ERR_NOMEM;
	r->cap = round_up(cap_bytes < ALIGN ? ALIGN : cap_bytes);
	r->wrap = r->cap;
	r->at = malloc(r->cap);
	if (!r->at) {
		*r = (struct ring){0};
		return ERR_NOMEM;
	}
	return 0;
}

void ring_fini(struct ring *r)
{
	if (!r)
		return;
	free(r->at);
	*r = (struct ring){0};
}

/* Where `size` bytes fit; the free room is behind tail, and before head where tail is behind it. */
static bool find_room(const struct ring *r, size_t size, size_t *ret_offset)
{
	bool wrapped = r->count > 0 && r->tail <= r->head;

	if (wrapped) {
		*ret_offset = r->tail;
		return size <= r->head - r->tail;
	}
	if (size <= r->cap - r->tail) {
		*ret_offset = r->tail;
		return true;
	}
	*ret_offset = 0;
	return size <= r->head;
}

int ring_reserve(struct ring *r, size_t len, uint8_t **ret_at)
{
	uint64_t len64 = len;
	size_t offset;

	r->pending = 0;
	if (len > r->cap || !find_room(r, HEADER + round_up(len), &offset))
		return ERR_FULL;
	r->pending = HEADER + round_up(len);
	r->pending_at = offset;
	memcpy(r->at + offset, &len64, sizeof(len64));
	*ret_at = r->at + offset + HEADER;
	return 0;
}

void ring_commit(struct ring *r)
{
	must(r->pending > 0);
	if (r->pending_at != r->tail)
		r->wrap = r->tail;
	r->tail = r->pending_at + r->pending;
	r->bytes += len_at(r, r->pending_at);
	r->pending = 0;
	r->count++;
	if (r->count > r->high_water)
		r->high_water = r->count;
}

int ring_push(struct ring *r, const void *bytes, size_t len)
{
	uint8_t *at;
	int rc = ring_reserve(r, len, &at);

	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(at, bytes, len);
	ring_commit(r);
	return 0;
}

const uint8_t *ring_front(const struct ring *r, size_t *ret_len)
{
	if (r->count == 0)
		return NULL;
	*ret_len = len_at(r, r->head);
	return r->at + r->head + HEADER;
}

/* An open reservation survives: where everything else is gone, the ring restarts at it. */
static void restart(struct ring *r)
{
	r->head = r->tail = r->pending > 0 ? r->pending_at : 0;
	r->wrap = r->cap;
	r->count = 0;
	r->bytes = 0;
}

void ring_pop(struct ring *r)
{
	uint64_t len;

	must(r->count > 0);
	len = len_at(r, r->head);
	r->head += HEADER + round_up(len);
	r->bytes -= len;
	if (--r->count == 0) {
		restart(r);
	} else if (r->head == r->wrap) {
		r->head = 0;
		r->wrap = r->cap;
	}
}

void ring_clear(struct ring *r)
{
	restart(r);
}
