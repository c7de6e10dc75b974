/* mlog - the bounded lane-M log: the last minutes of what a publisher sent, memory-mapped, never
 * synced.
 *
 * Survives the SIGKILL of its process, not a power cut. Records are (stamp, frame): stamps
 * strictly increase, a frame is what went out on the bus (topic, NUL, packed events). Files
 * `m-<first stamp>.njm` of fixed size form a ring bounded in bytes and in time. A record is
 * committed by one aligned store of its length after its CRC and payload, so that a kill in the
 * middle leaves no half record behind.
 *
 * Only a window of the newest file is mapped, everything else is read from the page cache. What
 * does not check at open (a power cut) is dropped: whole files without a header, the rest of the
 * newest file from the first bad record on. One process writes (flock); tools read beside it with
 * read_only, which sees new records with every mlog_read. Not thread-safe.
 */
#ifndef NJ_IO_MLOG_H
#define NJ_IO_MLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLOG_FRAME_MAX (1u << 20)

struct mlog_options {
	const char *dir;        /* made (0700) where missing */
	uint64_t segment_bytes; /* 0: 16 MiB */
	uint64_t cap_bytes;     /* 0: 256 MiB; whole segments are dropped, oldest first */
	int64_t keep_ns;        /* 0: 15 minutes, by stamp */
	bool read_only;         /* for tools */
};

struct mlog;

int mlog_open(const struct mlog_options *o, struct mlog **ret_log, char *reason, size_t cap);
void mlog_close(struct mlog *m);

/* stamp must be above mlog_last (ERR_ARG). ERR_TOO_LONG above MLOG_FRAME_MAX or a segment. ERR_IO,
 * ERR_NO_SPACE where a segment cannot be made: counted by the caller, the publish goes on; tried
 * again after 250 ms of stamps. */
int mlog_append(struct mlog *m, int64_t stamp, const void *frame, size_t len);

int64_t mlog_first(const struct mlog *m); /* oldest stamp there; 0 empty */
int64_t mlog_last(const struct mlog *m);  /* newest; 0 empty */
/* First stamp of the next file behind the one that `after` is in; 0 where there is none. */
int64_t mlog_next_file(const struct mlog *m, int64_t after);
uint64_t mlog_bytes(const struct mlog *m); /* on disk: whole files */

/* Records with a stamp above `after`, in order, until fn returns false or limit (0: none).
 * ERR_CORRUPT, ERR_IO (mlog_reason has file and offset): with a limit only where not even the first
 * could be read, without one always, after what is good was handed out. `frame` is good during the
 * call. */
int mlog_read(struct mlog *m, int64_t after, uint32_t limit,
	      bool (*fn)(void *ctx, int64_t stamp, const uint8_t *frame, size_t len), void *ctx);

/* The last failure in a sentence; "" where there was none. */
const char *mlog_reason(const struct mlog *m);

#endif
