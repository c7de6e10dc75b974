/* backlog - what an external program was told by its seat and has not handled yet: in order, bounded, kept.
 *
 * Each entry has a position: the event time it was applied at, or one more than the last position. Positions strictly
 * increase and come out the same when a restart applies the same inputs again, so a program asks for "everything behind
 * position P" whatever died meanwhile. What it names as handled is forgotten. A backlog that is full forgets its oldest
 * entries (live) or stops its core (lockstep: backlog_full); what is forgotten is a gap that the program is told of.
 */
#ifndef NJ_STRATEGY_BACKLOG_H
#define NJ_STRATEGY_BACKLOG_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "proto/codec.h"

#define BACKLOG_BYTES_MAX (8u << 20)

struct backlog {
	struct buf log; /* owned: entries, the oldest at head */
	size_t head;
	int64_t after;    /* everything behind this position is here */
	int64_t position; /* of the newest entry */
	uint64_t dropped;
};

void backlog_init(struct backlog *f);
void backlog_fini(struct backlog *f);

/* Appends an event that was applied at `at`. ERR_NOMEM, the codec's errors: it is a gap then. */
int backlog_put(struct backlog *f, int64_t at, const struct event *ev);
void backlog_handled(struct backlog *f, int64_t position);
bool backlog_full(const struct backlog *f); /* may the next event find no room? */

/* Event time of the oldest entry behind a position; CORE_NEVER where there is none. */
int64_t backlog_oldest(const struct backlog *f, int64_t behind);
/* Position of the event with this publisher and ts_recv, or INT64_MIN. */
int64_t backlog_find(const struct backlog *f, const char *source, int64_t ts_recv);

struct backlog_page {
	uint32_t records;
	int64_t last; /* position of the last of them, or `after` */
	bool more;
};
/* Entries behind `after`, at most `limit`: each as 4 bytes of length, lowest first, and its frame. */
int backlog_read(const struct backlog *f, int64_t after, uint32_t limit, struct buf *out,
		 struct backlog_page *ret_page);

void backlog_save(const struct backlog *f, struct packer *p);
int backlog_load(struct backlog *f, struct unpacker *u); /* ERR_CORRUPT */

#endif
