/* journal - an append-only log of records in segments: durable before visible, exact after any
 * crash.
 *
 * Records carry a sequence from 1 without holes and CRC32C over header and payload; segments are
 * preallocated files `x-<first sequence, 20 digits>.njj` with a header (magic, format, epoch,
 * first sequence, CRC). Appends only copy into a bounded buffer; one writer thread writes them and
 * calls fdatasync for the group (what has gathered; it waits for more only until batch_records are
 * there or batch_ns have passed), then moves the durable mark and writes to an eventfd. An error
 * of write or fdatasync is never retried on the same descriptor: the records that are not known to
 * be durable are written again from memory to a new segment; where that fails too the journal is
 * failed for good and says so.
 *
 * The next segment is preallocated ahead, so a full disk shows before it hurts: appends that would
 * need a segment which cannot be made are refused with ERR_NO_SPACE (status.blocked) until it can
 * be; what was accepted before stays in memory, not yet durable, and goes on by itself when there
 * is room.
 *
 * On open a torn tail (first record that does not check, to the end of the last segment) is cut
 * and counted; a broken record with a good one of a later group behind it had been durable:
 * ERR_CORRUPT with file and offset. The last segment is checked as a whole on open and copied to a
 * fresh file (its pages may never have reached the disk); of the others the headers are checked on
 * open and every record whenever it is read: nothing wrong is ever served. Where segments overlap,
 * the later one counts from its first sequence on. One process owns a journal directory (flock).
 * Thread-safe between the loop thread and the writer only.
 */
#ifndef NJ_IO_JOURNAL_H
#define NJ_IO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/io/clock.h"

#define JOURNAL_RECORD_MAX (1u << 20) /* bytes of one record */
#define JOURNAL_SNAPSHOT_MAX (64u << 20)
#define JOURNAL_SEGMENT_MAX (256u << 20)
#define JOURNAL_SEGMENT_MIN 4096u

struct journal_options {
	const char *dir;          /* made (0700) where missing */
	/* of a new journal: creation time in ns, already raised above every known one */
	uint64_t epoch;
	uint64_t segment_bytes;   /* 0: 16 MiB */
	/* 0: 1 GiB, at least four segments (else they are made smaller); an append beyond it is
	 * ERR_FULL until journal_trim */
	uint64_t cap_bytes;
	uint32_t batch_records;   /* 0: 64 */
	/* 0: no waiting for more: a group is what has gathered while the last one synced */
	int64_t batch_ns;
	uint64_t buffer_bytes;    /* 0: 8 MiB waiting for the writer; full is ERR_FULL */
	bool read_only;           /* for tools: no thread, no lock, no cutting */
};

struct journal;

struct journal_status {
	uint64_t epoch, first, last, durable; /* sequences; first > last where empty */
	uint64_t bytes;     /* on disk */
	uint64_t cut_bytes; /* torn tail cut at open */
	uint64_t syncs, sync_ns_max, write_errors, rotations;
	int failed; /* 0, or the error the journal died of */
	/* 0, or why no further segment can be made now; tried again four times a second */
	int blocked;
	uint64_t snapshots, snapshot_errors; /* written, failed */
};

int journal_open(const struct journal_options *o, struct journal **ret_journal, char *reason,
		 size_t cap);
void journal_close(struct journal *j); /* flushes what is buffered; NULL is fine */

/* Takes a copy; *ret_seq is the record's sequence. ERR_FULL, ERR_TOO_LONG, or what the journal
 * failed of. */
int journal_append(struct journal *j, const void *bytes, size_t len, uint64_t *ret_seq);

/* Would records of so many bytes in all be taken now? */
bool journal_has_room(const struct journal *j, size_t bytes);

/* Descriptor that becomes readable when the durable mark moved or the journal failed; journal_ack
 * clears it. */
int journal_fd(const struct journal *j);
void journal_ack(struct journal *j);
uint64_t journal_durable(const struct journal *j);
struct journal_status journal_status(const struct journal *j);

/* Blocks until everything appended so far is durable, at most timeout_ns; ERR_TIMEOUT or the
 * failure. */
int journal_flush(struct journal *j, int64_t timeout_ns);

/* Reads durable records from `from` on, in order, until fn returns false, limit records (0: no
 * limit), or the end. *ret_next is the sequence behind the last one handed to fn. ERR_NOT_FOUND
 * where `from` is trimmed away or 0; ERR_CORRUPT, ERR_IO (journal_reason has file and offset): with
 * a limit only where not even the first could be read, so that what is good can be had page by
 * page; without one always, after what is good was handed out. `bytes` is good during the call.
 * Usable on the loop thread while the writer works; fn may append but not read. */
int journal_read(struct journal *j, uint64_t from, uint32_t limit,
		 bool (*fn)(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len), void *ctx,
		 uint64_t *ret_next);

/* Deletes whole segments whose records are all at or below seq. Never the last one. They are out
 * of reach at once; the files are removed by the writer. */
int journal_trim(struct journal *j, uint64_t seq);

/* The last failure in a sentence with file and offset: of a read, a write, a snapshot; "" where
 * there was none. */
void journal_reason(struct journal *j, char *out, size_t cap);

/* Snapshots of state beside the records: `snapshot-<seq>.njs`, written by the writer thread after
 * record `seq` is durable (temp, fsync, rename, fsync of the directory), CRC inside, the two
 * newest are kept. Copies bytes. ERR_BUSY where the last one is still being written; ERR_ARG
 * beyond the last record; ERR_TOO_LONG. */
int journal_snapshot(struct journal *j, uint64_t seq, const void *bytes, size_t len);
/* Newest snapshot that checks and whose seq is not beyond the journal; ERR_NOT_FOUND. */
int journal_snapshot_read(struct journal *j, uint64_t *ret_seq, struct buf *out);

#endif
