/* merge - which of a recording's inputs the core gets next: frames and replies in the order of their stamps.
 *
 *     begin --replies--> live --frames and replies by stamp--> end
 *
 * The core starts with the stamp of the first frame; the connection counts as up once what it then asked for (the
 * instruments) is answered. From there on a reply comes before the first frame with a later stamp, and among equal
 * stamps after the frame. No frame passes while a reply is unknown: it could be older than that frame. Pure: shared by
 * the collector's pump and by the replay in one process.
 */
#ifndef NJ_COLLECTOR_MERGE_H
#define NJ_COLLECTOR_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum merge_turn { MERGE_NOTHING, MERGE_BEGIN, MERGE_LIVE, MERGE_ANSWER, MERGE_FRAME };

struct merge {
	bool started, told_live; /* the core has begun; it knows that the connection is up */
	bool awaiting;           /* some reply is still unknown */
	int64_t now;             /* of the core's last input */
	const int64_t *frame;    /* stamp of the next frame, NULL: none is there */
	const int64_t *answer;   /* stamp of the earliest known reply, NULL: none */
};

enum merge_turn merge_next(const struct merge *m);

/* Does a reply with this stamp and request come before the other one? */
bool merge_before(int64_t at, uint64_t id, int64_t other_at, uint64_t other_id);

/* The marker that a recording has come to its end; its stamp is as far as time goes. */
bool merge_is_end(const char *text, size_t len);

#endif
