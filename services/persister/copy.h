/* copy - answers replay_x for every publisher from the database: what its journal has given up, or while it is away.
 *
 * Reads on a connection of its own, which waits for nobody who writes and makes nobody wait (WAL). At most one page
 * (OUTBOX_PAGE_RECORDS, OUTBOX_PAGE_BYTES) is read for a request. Used on the loop's thread.
 */
#ifndef NJ_PERSISTER_COPY_H
#define NJ_PERSISTER_COPY_H

#include "common/base/buf.h"
#include "proto/codec.h"

struct copy;

/* The database need not exist yet; path is kept as a copy. ERR_NOMEM. */
int copy_open(const char *path, struct copy **ret_copy);
void copy_close(struct copy *c); /* NULL is fine */

/* Fills the reply and its page as the publisher itself would (replay.c); request->request.target is the publisher.
 * result: ERR_NOT_FOUND where nothing of this epoch is there, or not the first record asked for. */
void copy_answer(struct copy *c, const struct event *request, struct event *reply, struct buf *page);

struct copy_counters {
	uint64_t pages, records, errors;
};
struct copy_counters copy_counters(const struct copy *c);

#endif
