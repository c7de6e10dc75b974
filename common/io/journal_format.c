/* journal_format - packing, checking and scanning of journal segments; see the header for the
 * bytes. */
#include "common/io/journal_format.h"

#include <string.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "common/io/journal.h"
#include "common/io/le.h"

#define FORMAT 1u

static const uint8_t magic[8] = {'N', 'J', 'X', 'J', 'R', 'N', 'L', '1'};

enum { HEAD_FORMAT = 8, HEAD_LENGTH = 12, HEAD_EPOCH = 16, HEAD_FIRST = 24, HEAD_ZEROS = 32,
      HEAD_CRC = 60 };
enum { REC_CRC = 0, REC_LEN = 4, REC_SEQ = 8, REC_GROUP = 16, REC_ZEROS = 20 };

void segment_header_pack(uint8_t out[SEGMENT_HEADER], uint64_t epoch, uint64_t first)
{
	memset(out, 0, SEGMENT_HEADER);
	memcpy(out, magic, sizeof(magic));
	le_put32(out + HEAD_FORMAT, FORMAT);
	le_put32(out + HEAD_LENGTH, SEGMENT_HEADER);
	le_put64(out + HEAD_EPOCH, epoch);
	le_put64(out + HEAD_FIRST, first);
	le_put32(out + HEAD_CRC, crc32c(0, out, HEAD_CRC));
}

int segment_header_check(const uint8_t in[SEGMENT_HEADER], uint64_t *ret_epoch, uint64_t *ret_first)
{
	uint8_t same[SEGMENT_HEADER];
	uint64_t epoch = le_get64(in + HEAD_EPOCH), first = le_get64(in + HEAD_FIRST);

	segment_header_pack(same, epoch, first);
	if (memcmp(same, in, SEGMENT_HEADER) != 0 || first == 0)
		return ERR_CORRUPT;
	*ret_epoch = epoch;
	*ret_first = first;
	return 0;
}

void record_pack(uint8_t *out, uint64_t seq, const void *bytes, size_t len)
{
	memset(out, 0, RECORD_HEADER);
	le_put32(out + REC_LEN, (uint32_t)len);
	le_put64(out + REC_SEQ, seq);
	if (len > 0)
		memcpy(out + RECORD_HEADER, bytes, len);
	memset(out + RECORD_HEADER + len, 0, record_bytes(len) - RECORD_HEADER - len);
}

/* The epoch is part of the sum, so that a record of another journal never checks here. */
static uint32_t record_crc(const uint8_t *at, uint64_t epoch, size_t len)
{
	uint8_t seed[8];

	le_put64(seed, epoch);
	return crc32c(crc32c(0, seed, sizeof(seed)), at + REC_LEN, RECORD_HEADER - REC_LEN + len);
}

void record_seal(uint8_t *at, uint64_t epoch, uint32_t group)
{
	le_put32(at + REC_GROUP, group);
	le_put32(at + REC_CRC, record_crc(at, epoch, le_get32(at + REC_LEN)));
}

uint32_t record_claim(const uint8_t *at)
{
	return le_get32(at + REC_LEN);
}

/* What can be said without the sum: cheap enough to ask of every 8 bytes of a tail. */
static bool plausible(const uint8_t *at, size_t size)
{
	uint32_t len = le_get32(at + REC_LEN);
	uint64_t seq = le_get64(at + REC_SEQ);

	return seq > 0 && len <= JOURNAL_RECORD_MAX && record_bytes(len) <= size &&
	       le_get32(at + REC_ZEROS) == 0 && le_get32(at + REC_GROUP) < seq;
}

int record_check(const uint8_t *at, size_t size, uint64_t epoch, struct record *ret_record)
{
	if (size < RECORD_HEADER)
		return ERR_TRUNCATED;
	uint32_t len = le_get32(at + REC_LEN);
	if (!plausible(at, size) || le_get32(at + REC_CRC) != record_crc(at, epoch, len))
		return ERR_CORRUPT;
	*ret_record = (struct record){
		.seq = le_get64(at + REC_SEQ),
		.len = len,
		.group = le_get32(at + REC_GROUP),
		.payload = at + RECORD_HEADER,
	};
	return 0;
}

/* Bytes from `from` to the last one that is not zero. */
static size_t used_behind(const uint8_t *bytes, size_t size, size_t from)
{
	size_t end = size;

	while (end > from && bytes[end - 1] == 0)
		end--;
	return end - from;
}

/* Looks for a good record behind the broken one at `from`, which would have had sequence v->last +
 * 1. Checking claims costs at most a few passes over the segment: a file made to cost more is
 * called corrupt. */
static void judge_tail(const uint8_t *bytes, size_t size, uint64_t epoch, struct segment_verdict *v)
{
	uint64_t broken = v->last + 1;
	size_t budget = size * 8, until = v->end + v->torn;
	struct record r;

	v->tail = TAIL_TORN;
	for (size_t at = v->end, step; at < until && at + RECORD_HEADER <= size; at += step) {
		step = 8;
		if (le_get64(bytes + at + REC_SEQ) <= broken || !plausible(bytes + at, size - at))
			continue;
		size_t cost = record_bytes(record_claim(bytes + at));
		v->tail = cost > budget ? TAIL_CORRUPT : TAIL_TORN;
		if (v->tail == TAIL_CORRUPT)
			return;
		budget -= cost;
		if (record_check(bytes + at, size - at, epoch, &r) != 0)
			continue;
		step = cost;
		if (r.seq - r.group > broken) {
			v->tail = TAIL_CORRUPT;
			v->witness = r.seq;
			return;
		}
	}
}

void segment_scan(const uint8_t *bytes, size_t size, uint64_t epoch, uint64_t first,
		  void (*on_record)(void *ctx, uint64_t seq, size_t offset), void *ctx,
		  struct segment_verdict *ret_verdict)
{
	struct segment_verdict v = {.last = first - 1, .end = SEGMENT_HEADER};
	struct record r;

	while (record_check(bytes + v.end, size - v.end, epoch, &r) == 0 && r.seq == v.last + 1) {
		if (on_record)
			on_record(ctx, r.seq, v.end);
		v.last = r.seq;
		v.end += record_bytes(r.len);
	}
	v.torn = used_behind(bytes, size, v.end);
	if (v.torn > 0)
		judge_tail(bytes, size, epoch, &v);
	*ret_verdict = v;
}
