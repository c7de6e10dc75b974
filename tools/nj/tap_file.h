/* tap_file - a recording of bus frames as they came, to be read again by `nj tap --read`.
 *
 *     file   = header record…
 *     header = "NJTAP\r\n\x1a" (8 bytes: a text transfer that changes line ends is seen), u32
 * version 1, u32 0 record = u32 length of the frame, u32 lane (1 M, 2 X), i64 wall clock in ns when
 * it came, u32 CRC32C of these 16 bytes and the frame, frame (topic, NUL, packed events)
 *
 * Integers are little-endian. A recording that was cut short is good up to its last whole record.
 */
#ifndef NJ_TOOLS_NJ_TAP_FILE_H
#define NJ_TOOLS_NJ_TAP_FILE_H

#include <stdio.h>

#include "common/base/buf.h"
#include "proto/event.h"

struct tap_frame {
	enum lane lane;
	int64_t at;           /* wall clock, ns: when it came, of the past: when it was sent */
	const uint8_t *bytes; /* good until the next read */
	size_t len;
	bool past;     /* read again from a log or an archive */
	bool followed; /* its sequence was looked at already (tap_follow): gap says what it showed */
	uint64_t gap;
};

struct tap_writer {
	FILE *f; /* owned */
	uint64_t frames, bytes;
};
/* Makes the file anew; ERR_IO where it cannot be, ERR_EXISTS where it is there already (nothing is
 * overwritten). */
int tap_writer_open(const char *path, struct tap_writer *ret_writer);
int tap_writer_put(struct tap_writer *w, const struct tap_frame *frame); /* ERR_IO, ERR_NO_SPACE */
int tap_writer_close(struct tap_writer *w); /* whether all of it was written; zeroed is fine */

struct tap_reader {
	FILE *f; /* owned unless stdin */
	struct buf frame;
};
/* "-" is standard input. ERR_NOT_FOUND, ERR_IO, ERR_SYNTAX: no recording of ours. */
int tap_reader_open(const char *path, struct tap_reader *ret_reader);
/* 1 and the next frame; 0 at the end; ERR_TRUNCATED, ERR_CORRUPT, ERR_IO. */
int tap_reader_next(struct tap_reader *r, struct tap_frame *ret_frame);
void tap_reader_close(struct tap_reader *r);

#endif
