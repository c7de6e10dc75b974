/* writer - the thread that owns the store: takes records in batches, commits, tries again until it has succeeded.
 *
 *     IDLE --records, or the interval is over--> WRITING --committed--> IDLE (acknowledged marks move, eventfd)
 *     WRITING --locked, full, any error--> WAITING (100 ms to 2 s) --> WRITING, with the same records
 *
 * The queue in front is bounded in bytes; full is ERR_FULL: the caller leaves the record with its publisher, whose
 * journal has it. Nothing is ever dropped here.
 */
#ifndef NJ_PERSISTER_WRITER_H
#define NJ_PERSISTER_WRITER_H

#include "common/io/clock.h"
#include "services/persister/store.h"

#define WRITER_PUBLISHERS_MAX 16

struct writer;

struct writer_status {
	uint64_t taken, written, commits, rows, duplicates, retries;
	uint64_t queued_bytes;
	int error;             /* what WAITING waits for; 0 none */
	char reason[160];
	int64_t error_since;   /* monotonic; 0 none */
	bool corrupt;          /* the database is damaged: stop, quarantine, start again */
};

int writer_start(struct store *store, const struct clock *clock, int64_t interval_ns, size_t queue_bytes,
		 struct writer **ret_writer);
/* Writes what is queued, for at most wait_ns, and ends the thread. The store stays open. */
void writer_stop(struct writer *w, int64_t wait_ns);

int writer_put(struct writer *w, enum lane lane, const char *topic, const uint8_t *bytes, size_t len);
/* Lane-X sequence of a publisher that is committed: what the persister acknowledges. 0 none. */
uint64_t writer_acked(struct writer *w, const char *publisher);
/* Names of all acknowledged publishers with their sequences, and with the epochs these count in; returns how many. */
uint32_t writer_acks(struct writer *w, struct pair *ret_acks, struct pair *ret_epochs, uint32_t cap);
/* What an earlier process had committed of a publisher: acknowledged again, so that who waits for it is not left to. */
void writer_resume(struct writer *w, const char *publisher, uint64_t epoch, uint64_t seq);
struct writer_status writer_status(struct writer *w);
bool writer_has_room(struct writer *w);

#endif
