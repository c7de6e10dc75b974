/* ring - records as an 8-byte length, the payload, and padding to the next 8 bytes.
 *
 *     plain    |....[head records tail).......|         tail > head
 *     wrapped  |records tail)....[head records wrap)gap|   count > 0 and tail <= head
 *
 * A record never crosses the end: the rest stays a gap, and the record starts at 0. While the ring
 * is empty, head and tail go back to 0, so that the largest record fits.
 *
 * A ring that never runs empty would walk through its whole memory however little it holds. So it
 * starts over at 0 as soon as the room there is as large as what it holds (wraps_early): what it
 * touches follows the most it has held, not its capacity. That costs no room: where it fills up
 * behind an early wrap, the part at 0 is laid behind the other one (unwrap). Each byte is moved so at
 * most once for each time that the ring was filled anew.
 */
#include "common/base/ring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define ALIGN 8
#define HEADER sizeof(uint64_t)
#define EARLY_MIN (64u << 10) /* a ring that has touched less goes on to its end */

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

static bool is_wrapped(const struct ring *r)
{
	return r->count > 0 && r->tail <= r->head;
}

/* Up to half of the capacity, so that unwrap always has room. */
static bool wraps_early(const struct ring *r, size_t size)
{
	return r->tail >= EARLY_MIN && r->tail <= r->cap / 2 && r->head >= r->tail - r->head && size <= r->head;
}

/* Lays the records at 0 behind the others. The oldest stays where it is. */
static bool unwrap(struct ring *r)
{
	if (r->tail > r->cap - r->wrap)
		return false;
	memcpy(r->at + r->wrap, r->at, r->tail);
	r->tail += r->wrap;
	r->wrap = r->cap;
	return true;
}

/* Where `size` bytes fit; the free room is behind tail, and before head where tail is behind it. */
static bool find_room(const struct ring *r, size_t size, size_t *ret_offset)
{
	if (is_wrapped(r)) {
		*ret_offset = r->tail;
		return size <= r->head - r->tail;
	}
	if (size <= r->cap - r->tail && !wraps_early(r, size)) {
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
	if (len > r->cap)
		return ERR_FULL;
	size_t size = HEADER + round_up(len);
	if (!find_room(r, size, &offset) && !(is_wrapped(r) && unwrap(r) && find_room(r, size, &offset)))
		return ERR_FULL;
	r->pending = size;
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
