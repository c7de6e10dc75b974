/* mlog_format - the bytes of the lane-M log; see mlog_priv.h. */
#include <string.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "common/io/le.h"
#include "common/io/mlog_priv.h"

#define FORMAT 1u

static const uint8_t magic[8] = {'N', 'J', 'M', 'L', 'O', 'G', '0', '1'};

void mlog_header_pack(uint8_t out[MLOG_HEADER], uint64_t size, int64_t first)
{
	memset(out, 0, MLOG_HEADER);
	memcpy(out, magic, sizeof(magic));
	le_put32(out + 8, FORMAT);
	le_put64(out + 16, size);
	le_put64(out + 24, (uint64_t)first);
	le_put32(out + 60, crc32c(0, out, 60));
}

int mlog_header_check(const uint8_t in[MLOG_HEADER], uint64_t size, int64_t first)
{
	uint8_t same[MLOG_HEADER];

	mlog_header_pack(same, size, first);
	return memcmp(in, same, sizeof(same)) == 0 ? 0 : ERR_CORRUPT;
}

uint32_t mlog_crc(uint32_t commit, int64_t stamp, const void *frame, size_t len)
{
	uint8_t head[12];

	le_put32(head, commit);
	le_put64(head + 4, (uint64_t)stamp);
	return crc32c(crc32c(0, head, sizeof(head)), frame, len);
}

uint32_t mlog_commit(const uint8_t *at)
{
	return le_get32(at);
}

int mlog_record_check(const uint8_t *at, struct mlog_record *ret_record)
{
	uint32_t commit = mlog_commit(at);
	struct mlog_record r = {
		.stamp = (int64_t)le_get64(at + 8),
		.len = commit - 1,
		.frame = at + MLOG_RECORD,
	};

	if (le_get32(at + 4) != mlog_crc(commit, r.stamp, r.frame, r.len))
		return ERR_CORRUPT;
	*ret_record = r;
	return 0;
}
