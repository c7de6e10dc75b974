/* fuzz_mlog - arbitrary bytes as a file of the lane-M log: opened as a tool and as writer, read,
 * appended to; nothing crashes, stamps ascend, and what was appended is there.
 *
 * The first byte chooses whether the header, and how many records, get right checksums.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/le.h"
#include "common/io/mlog_priv.h"

#define FIRST 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], path[128];

static void wipe(void)
{
	int fd = -1;

	if (fs_open_dir(dir, &fd) == 0) {
		(void)fs_remove_all(fd, "", "");
		close(fd);
	}
}

static void remove_dir(void)
{
	wipe();
	rmdir(dir);
}

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/nj-fuzz-XXXXXX");
	must(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/m-%020d.njm", dir, FIRST);
	atexit(remove_dir);
}

static void seal_some(uint8_t *bytes, size_t size, unsigned n)
{
	size_t at = MLOG_HEADER;

	for (unsigned i = 0; i < n && at + MLOG_RECORD <= size; i++) {
		uint32_t commit = mlog_commit(bytes + at);
		if (commit == 0 || commit == MLOG_SEAL || commit - 1 > size - at - MLOG_RECORD)
			return;
		uint32_t crc = mlog_crc(commit, (int64_t)le_get64(bytes + at + 8),
					bytes + at + MLOG_RECORD, commit - 1);
		le_put32(bytes + at + 4, crc);
		at += mlog_record_bytes(commit - 1);
	}
}

struct seen {
	int64_t last;
	uint64_t count;
};

static bool on_record(void *ctx, int64_t stamp, const uint8_t *frame, size_t len)
{
	struct seen *s = ctx;

	must(stamp > s->last);
	for (size_t i = 0; i < len; i++)
		(void)*(volatile const uint8_t *)(frame + i); /* every byte is there to read */
	s->last = stamp;
	s->count++;
	return true;
}

static void check(bool read_only)
{
	const struct mlog_options o = {.dir = dir, .segment_bytes = 4096, .read_only = read_only};
	struct mlog *m;
	char reason[400];
	struct seen s = {0};

	must(mlog_open(&o, &m, reason, sizeof(reason)) == 0);
	int rc = mlog_read(m, 0, 0, on_record, &s);
	must(rc == 0 || rc == ERR_CORRUPT);
	must(read_only || rc != 0 || s.last == mlog_last(m));
	int64_t last = mlog_last(m);
	if (!read_only && last >= 0 && last < INT64_MAX) {
		int64_t next = last + 1;
		must(mlog_append(m, next, "appended", 8) == 0);
		s = (struct seen){.last = next - 1};
		must(mlog_read(m, next - 1, 0, on_record, &s) == 0 && s.count == 1);
	}
	mlog_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 + MLOG_HEADER || size > 1 << 15)
		return 0;
	if (!dir[0])
		make_dir();
	size_t n = size - 1;
	uint8_t *bytes = malloc(n);
	must(bytes != NULL);
	memcpy(bytes, data + 1, n);
	if (data[0] & 1)
		mlog_header_pack(bytes, n, FIRST);
	seal_some(bytes, n, data[0] >> 2);
	wipe();
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
	free(bytes);
	check(true);
	check(false);
	return 0;
}
