/* journal_snapshot - state beside the records: whole files with a checksum, written by the
 * writer's thread.
 *
 *    0  magic "NJXSNAP1"   8  format u32   12  zeros   16  epoch u64   24  sequence u64
 *   32  length u64   40  CRC32C of the bytes u32   44  CRC32C of bytes 0..43 u32   48  the bytes
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"
#include "common/io/le.h"

#define HEADER 48u
#define FORMAT 1u
#define TEMP_NAME "snapshot" TEMP_SUFFIX

static const uint8_t magic[8] = {'N', 'J', 'X', 'S', 'N', 'A', 'P', '1'};

static void pack_header(uint8_t out[HEADER], uint64_t epoch, const struct snapshot_job *job)
{
	memset(out, 0, HEADER);
	memcpy(out, magic, sizeof(magic));
	le_put32(out + 8, FORMAT);
	le_put64(out + 16, epoch);
	le_put64(out + 24, job->seq);
	le_put64(out + 32, job->len);
	le_put32(out + 40, crc32c(0, job->bytes, job->len));
	le_put32(out + 44, crc32c(0, out, 44));
}

static int write_temp(const struct journal *j, const struct snapshot_job *job)
{
	uint8_t header[HEADER];

	unlinkat(j->dir_fd, TEMP_NAME, 0);
	int fd = openat(j->dir_fd, TEMP_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (fd < 0)
		return err_from_errno(errno);
	pack_header(header, j->epoch, job);
	int rc = fs_write_at(fd, header, sizeof(header), 0);
	if (!rc && job->len > 0)
		rc = fs_write_at(fd, job->bytes, job->len, HEADER);
	crash_point(CRASH_snapshot_before_sync);
	if (!rc && fsync(fd) != 0)
		rc = err_from_errno(errno);
	int errnum = errno;
	if (close(fd) != 0 && !rc)
		return err_from_errno(errno);
	errno = errnum;
	return rc;
}

/* Keeps this one and the newest before it; any that claims to be newer is left from another life.
 */
static void prune(const struct journal *j, uint64_t seq)
{
	char name[FS_NAME_MAX];
	struct fs_list l;
	bool kept = false;

	if (fs_list(j->dir_fd, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX, &l) != 0)
		return;
	for (size_t i = l.n; i-- > 0;) {
		if (l.at[i] == seq)
			continue;
		if (l.at[i] < seq && !kept) {
			kept = true;
			continue;
		}
		fs_name(name, SNAPSHOT_PREFIX, l.at[i], SNAPSHOT_SUFFIX);
		unlinkat(j->dir_fd, name, 0);
	}
	fs_list_fini(&l);
}

static int put(struct journal *j, const struct snapshot_job *job)
{
	char name[FS_NAME_MAX];
	int rc = write_temp(j, job);

	fs_name(name, SNAPSHOT_PREFIX, job->seq, SNAPSHOT_SUFFIX);
	crash_point(CRASH_snapshot_before_rename);
	if (!rc && renameat(j->dir_fd, TEMP_NAME, j->dir_fd, name) != 0)
		rc = err_from_errno(errno);
	crash_point(CRASH_snapshot_after_rename);
	if (!rc)
		rc = fs_sync_dir(j->dir_fd);
	if (rc) {
		journal_blame(j, rc, "%s/%s: the snapshot cannot be written: %s", j->dir, name,
			      strerror(errno));
		unlinkat(j->dir_fd, TEMP_NAME, 0);
		return rc;
	}
	crash_point(CRASH_snapshot_before_prune);
	prune(j, job->seq);
	return 0;
}

bool journal_snapshot_due(const struct journal *j)
{
	return j->job.bytes && !j->failed &&
	       j->job.seq <= atomic_load_explicit(&j->durable, memory_order_relaxed);
}

void journal_snapshot_write(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	struct snapshot_job job = {0};
	if (journal_snapshot_due(j)) {
		job = j->job;
		j->job = (struct snapshot_job){0};
		j->job_running = true;
	}
	pthread_mutex_unlock(&j->lock);
	if (!job.bytes)
		return;
	int rc = put(j, &job);
	free(job.bytes);
	pthread_mutex_lock(&j->lock);
	j->job_running = false;
	j->counters.snapshots += rc == 0;
	j->counters.snapshot_errors += rc != 0;
	pthread_mutex_unlock(&j->lock);
}

static int check_job(const struct journal *j, uint64_t seq, size_t len)
{
	if (j->failed)
		return j->failed;
	if (j->read_only)
		return ERR_REFUSED;
	if (len > JOURNAL_SNAPSHOT_MAX)
		return ERR_TOO_LONG;
	if (seq > j->last)
		return ERR_ARG;
	return j->job.bytes || j->job_running ? ERR_BUSY : 0;
}

int journal_snapshot(struct journal *j, uint64_t seq, const void *bytes, size_t len)
{
	pthread_mutex_lock(&j->lock);
	int rc = check_job(j, seq, len);
	uint8_t *copy = rc ? NULL : malloc(len ? len : 1);
	if (!rc && !copy)
		rc = ERR_NOMEM;
	if (!rc) {
		if (len > 0)
			memcpy(copy, bytes, len);
		j->job = (struct snapshot_job){.bytes = copy, .len = len, .seq = seq};
		pthread_cond_signal(&j->wake);
	}
	pthread_mutex_unlock(&j->lock);
	return rc;
}

static int check_header(const struct journal *j, const uint8_t header[HEADER], uint64_t seq,
			uint64_t *ret_len)
{
	uint64_t len = le_get64(header + 32);

	if (memcmp(header, magic, sizeof(magic)) != 0 || le_get32(header + 8) != FORMAT ||
	    le_get64(header + 16) != j->epoch || le_get64(header + 24) != seq ||
	    len > JOURNAL_SNAPSHOT_MAX ||
	    le_get32(header + 44) != crc32c(0, header, 44))
		return ERR_CORRUPT;
	*ret_len = len;
	return 0;
}

static int read_body(int fd, const uint8_t header[HEADER], uint64_t len, struct buf *out)
{
	size_t n, start = out->len;
	int rc = buf_reserve(out, (size_t)len);

	if (!rc)
		rc = fs_read_at(fd, out->at + start, (size_t)len, HEADER, &n);
	if (!rc && (n < len || crc32c(0, out->at + start, (size_t)len) != le_get32(header + 40)))
		rc = ERR_CORRUPT;
	if (!rc)
		out->len += (size_t)len;
	return rc;
}

static int get(const struct journal *j, uint64_t seq, struct buf *out)
{
	char name[FS_NAME_MAX];
	uint8_t header[HEADER];
	uint64_t len;
	size_t n;

	fs_name(name, SNAPSHOT_PREFIX, seq, SNAPSHOT_SUFFIX);
	int fd = openat(j->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_from_errno(errno);
	int rc = fs_read_at(fd, header, sizeof(header), 0, &n);
	if (!rc)
		rc = n < sizeof(header) ? ERR_CORRUPT : check_header(j, header, seq, &len);
	if (!rc)
		rc = read_body(fd, header, len, out);
	close(fd);
	return rc;
}

int journal_snapshot_read(struct journal *j, uint64_t *ret_seq, struct buf *out)
{
	uint64_t last = journal_durable(j), seq = 0;
	struct fs_list l;
	int rc = fs_list(j->dir_fd, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX, &l);
	int found = ERR_NOT_FOUND;

	if (rc)
		return rc;
	for (size_t i = l.n; i-- > 0 && found;) {
		seq = l.at[i];
		rc = seq <= last ? get(j, seq, out) : ERR_NOT_FOUND;
		if (rc == 0)
			found = 0;
		else if (rc == ERR_FULL || rc == ERR_NOMEM)
			/* the caller's buffer is too small for a good one: not a reason to take an
			 * older */
			break;
	}
	fs_list_fini(&l);
	if (found)
		return rc == ERR_FULL || rc == ERR_NOMEM ? rc : ERR_NOT_FOUND;
	*ret_seq = seq;
	return 0;
}
