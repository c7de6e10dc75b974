/* journal_priv - the inside of a journal, shared by the journal_*.c files only.
 *
 * Three owners: what the loop's thread alone touches, what the writer's thread alone touches, and
 * what both touch under `lock`. A segment's file is only ever made whole under a temporary name
 * and renamed when its header and first records are durable, so a segment with a name is never
 * half made.
 */
#ifndef NJ_IO_JOURNAL_PRIV_H
#define NJ_IO_JOURNAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/io/journal.h"
#include "common/io/journal_format.h"
#include "common/io/pager.h"
#include "common/io/sparse.h"

#define JOURNAL_REASON_MAX 400
#define SEGMENT_PREFIX "x-"
#define SEGMENT_SUFFIX ".njj"
#define SNAPSHOT_PREFIX "snapshot-"
#define SNAPSHOT_SUFFIX ".njs"
#define TEMP_SUFFIX ".tmp"

struct segment {
	uint64_t first;      /* sequence of its first record */
	uint64_t bytes;      /* header and records; of an old segment the size of its file */
	uint64_t id;         /* changes when another file takes the name */
	struct sparse index; /* sequence to offset; of an old segment filled by its first reading */
};

/* Records as they will lie on disk, in order; each journal has two and swaps them. */
struct arena {
	uint8_t *at;
	size_t len, cap;
	uint64_t first; /* sequence of the first record */
	uint32_t count;
};

/* The file that is being written, or a spare one of the next. */
struct segment_file {
	int fd; /* -1: none */
	uint64_t size, end; /* bytes preallocated and used */
};

struct snapshot_job {
	uint8_t *bytes; /* owned; NULL: nothing to do */
	size_t len;
	uint64_t seq;
};

struct journal {
	/* Fixed between open and close. */
	char *dir; /* for sentences */
	int dir_fd, lock_fd, event_fd;
	uint64_t epoch, segment_bytes, cap_bytes;
	uint32_t batch_records;
	int64_t batch_ns;
	bool read_only, has_thread;
	pthread_t thread;

	/* Both threads, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake;  /* something for the writer */
	pthread_cond_t moved; /* the durable mark moved, or the journal failed */
	struct arena fill;    /* waiting for the writer */
	struct segment *segments; /* ascending; the first `dead` wait for their unlink */
	uint32_t n_segments, cap_segments, dead;
	uint64_t next_id;
	uint64_t last;        /* last sequence given out */
	uint64_t old_bytes;   /* of all living segments but the newest */
	uint64_t in_flight;   /* bytes that the writer holds */
	/* where the next record will lie in its segment, as far as known */
	uint64_t accept_end, accept_size;
	struct snapshot_job job; /* waiting for the writer */
	bool job_running;
	bool stop, flush_now;
	int failed, blocked;  /* died of; cannot make a segment because of */
	char reason[JOURNAL_REASON_MAX];
	struct journal_status counters; /* cut_bytes and everything from syncs on */

	_Atomic uint64_t durable;

	/* The writer only. */
	struct arena flight;
	struct segment_file file, spare;
	uint64_t current_first; /* of the segment in `file` */

	/* The loop's thread only. */
	struct pager pager;
	struct place {
		uint64_t id, seq, at;
	/* of the record read last and of the one behind it: where the next reading begins */
	} places[2];
};

/* journal.c: sentence kept for journal_reason; the error is handed through. Takes the lock. */
int journal_blame(struct journal *j, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* journal_segment.c. All on the writer's thread, or before it runs. */
enum place_failure { PLACE_MAKE, PLACE_WRITE };
/* A new segment from `first` that holds these sealed records, durable and named; on success it is
 * *file and the file before it is closed. *ret_failure tells where it broke: no file could be had,
 * or it could not be written. */
int segment_place(struct journal *j, uint64_t first, const uint8_t *records, size_t len,
		  enum place_failure *ret_failure);
int segment_spare(struct journal *j);
void segment_file_close(struct segment_file *f);
/* Enters a segment into the list (under the lock); one with the same first sequence is replaced. */
int segment_enter(struct journal *j, uint64_t first, uint64_t bytes);
uint64_t segment_cost(const struct journal *j); /* bytes on disk; under the lock */

/* journal_recover.c: lists, checks, cuts. */
int journal_recover(struct journal *j, uint64_t new_epoch, char *reason, size_t cap);

/* journal_writer.c */
int journal_writer_start(struct journal *j);
void journal_writer_stop(struct journal *j);

/* journal_snapshot.c: whether a snapshot waits whose record is durable (under the lock); writes it
 * (writer). */
bool journal_snapshot_due(const struct journal *j);
void journal_snapshot_write(struct journal *j);

#endif
