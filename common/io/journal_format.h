/* journal_format - the bytes of a journal segment: header, records, and the judgement of a damaged
 * tail.
 *
 *   Segment  0  magic "NJXJRNL1"   8  format u32   12  header length u32   16  epoch u64
 *           24  first sequence u64   32  zeros   60  CRC32C of bytes 0..59 u32   64  records
 *   Record   0  CRC32C of the epoch, then bytes 4.. to the end of the payload u32
 *            4  payload length u32   8  sequence u64
 *           16  distance to the first record of its group u32   20  zeros u32
 *           24  payload, then zeros up to a multiple of 8
 *
 * Integers are little-endian. A group is what one fdatasync made durable; a group is written only
 * when the one before it is durable. That is what tells a torn tail from corruption: behind a
 * record that does not check, a valid record of the *same* group can be there because pages reach
 * the disk in any order; a valid record of a *later* group proves that the broken record had been
 * durable.
 *
 * Pure functions over bytes; nothing here reads a file.
 */
#ifndef NJ_IO_JOURNAL_FORMAT_H
#define NJ_IO_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_HEADER 64u
#define RECORD_HEADER 24u
#define RECORD_BYTES_MAX (RECORD_HEADER + (1u << 20)) /* with JOURNAL_RECORD_MAX of payload */

void segment_header_pack(uint8_t out[SEGMENT_HEADER], uint64_t epoch, uint64_t first);
/* ERR_CORRUPT where anything is not as written. */
int segment_header_check(const uint8_t in[SEGMENT_HEADER], uint64_t *ret_epoch,
			 uint64_t *ret_first);

/* Bytes that a record with this payload takes. */
static inline size_t record_bytes(size_t len)
{
	return (RECORD_HEADER + len + 7) & ~(size_t)7;
}

struct record {
	uint64_t seq;
	uint32_t len, group; /* group: distance to its first record */
	const uint8_t *payload;
};

/* Writes everything but the group and the CRC, which only the writer knows; record_seal adds them.
 */
void record_pack(uint8_t *out, uint64_t seq, const void *bytes, size_t len);
void record_seal(uint8_t *at, uint64_t epoch, uint32_t group);

/* Length of the payload as the header claims it; needs RECORD_HEADER bytes. */
uint32_t record_claim(const uint8_t *at);

/* Checks a record in `size` bytes; ERR_TRUNCATED, ERR_CORRUPT. */
int record_check(const uint8_t *at, size_t size, uint64_t epoch, struct record *ret_record);

enum tail {
	TAIL_CLEAN,  /* zeros, or nothing, behind the last record */
	TAIL_TORN,   /* a record that was never known to be durable: to be cut */
	TAIL_CORRUPT /* a record that had been durable does not check */
};

struct segment_verdict {
	uint64_t last;       /* sequence of the last good record; first - 1 where there is none */
	size_t end;          /* offset behind it */
	enum tail tail;
	size_t torn;         /* bytes from end to the last one that is not zero */
	/* TAIL_CORRUPT: sequence of the good record behind the broken one; 0: too costly to say */
	uint64_t witness;
};

/* Reads a whole segment in memory, header included (already checked). on_record may be NULL. */
void segment_scan(const uint8_t *bytes, size_t size, uint64_t epoch, uint64_t first,
		  void (*on_record)(void *ctx, uint64_t seq, size_t offset), void *ctx,
		  struct segment_verdict *ret_verdict);

#endif
