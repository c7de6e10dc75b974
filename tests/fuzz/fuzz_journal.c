/* fuzz_journal - arbitrary bytes as a segment: scanning never crashes, never takes long, and
 * whatever it serves has its checksum; the same bytes as a file are opened and read.
 *
 * The first byte chooses how: a header is made right (or not), and up to a few records are sealed
 * where the bytes say, so that the fuzzer gets behind the checksums.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/journal.h"
#include "common/io/journal_format.h"

#define EPOCH 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], path[128];

static void remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/nj-fuzz-XXXXXX");
	must(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/x-%020d.njj", dir, 1);
	atexit(remove_dir);
}

/* Gives the first `n` claimed records right sums, as far as they lie within. */
static void seal_some(uint8_t *bytes, size_t size, unsigned n)
{
	size_t at = SEGMENT_HEADER;

	for (uint32_t i = 0; i < n && at + RECORD_HEADER <= size; i++) {
		size_t need = record_bytes(record_claim(bytes + at));
		if (need > size - at || need > RECORD_BYTES_MAX)
			return;
		record_seal(bytes + at, EPOCH, i % 3);
		at += need;
	}
}

static void check_scan(const uint8_t *bytes, size_t size, uint64_t epoch)
{
	struct segment_verdict v;
	struct record r;
	size_t at = SEGMENT_HEADER;
	uint64_t seq = 0;

	segment_scan(bytes, size, epoch, 1, NULL, NULL, &v);
	must(v.end <= size && v.end + v.torn <= size);
	while (at < v.end) {
		must(record_check(bytes + at, size - at, epoch, &r) == 0 && r.seq == ++seq);
		at += record_bytes(r.len);
	}
	must(at == v.end && seq == v.last);
	must(v.tail != TAIL_CLEAN || v.torn == 0);
}

struct count {
	uint64_t next;
};

static bool on_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	struct count *c = ctx;

	must(seq == c->next++);
	for (size_t i = 0; i < len; i++)
		(void)*(volatile const uint8_t *)(bytes + i); /* every byte is there to read */
	return true;
}

static void check_file(const uint8_t *bytes, size_t size)
{
	const struct journal_options o = {.dir = dir, .read_only = true};
	struct count c = {1};
	struct journal *j;
	char reason[300] = "";
	uint64_t next;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
	int rc = journal_open(&o, &j, reason, sizeof(reason));
	if (rc) {
		must((rc == ERR_CORRUPT || rc == ERR_NOT_FOUND) && reason[0]);
		return;
	}
	must(journal_read(j, 1, 0, on_record, &c, &next) == 0);
	must(c.next == journal_durable(j) + 1);
	journal_close(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 + SEGMENT_HEADER || size > 1 << 16)
		return 0;
	if (!dir[0])
		make_dir();
	uint8_t how = data[0];
	size_t n = size - 1;
	uint8_t *bytes = malloc(n);
	must(bytes != NULL);
	memcpy(bytes, data + 1, n);
	if (how & 1)
		segment_header_pack(bytes, EPOCH, 1);
	if (how & 2)
		seal_some(bytes, n, how >> 4);
	check_scan(bytes, n, EPOCH);
	check_file(bytes, n);
	free(bytes);
	return 0;
}
