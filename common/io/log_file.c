/* log_file - rotation in small steps, each of which can be the last one this process takes.
 *
 *   NAME ──rename──► NAME.stamp ──gzip──► NAME.stamp.gz.tmp ──fsync, rename──► NAME.stamp.gz
 *     (rotate)           │                      (compress)                          │
 *                        └────────────────── unlink, once the .gz is there ◄────────┘
 *
 * The caller only renames and opens; the thread does the rest, and whatever an earlier process left
 * undone: a .tmp is removed, a stamp without .gz is compressed, a stamp with .gz is removed.
 */
#include "common/io/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/fs.h"
#include "common/io/log.h"

#define DAY_NS (INT64_C(86400) * NS_PER_S)
#define STAMP_LEN 25     /* 20261122T022000.123456789 */
#define FILES_MAX 512    /* rotated files looked at in one pass */
#define CHUNK (64 * 1024)
#define RETRY_PART 16    /* a failed rotation is tried again after this part of rotate_bytes */

struct log_file {
	char *path, *dir, *name; /* name: last component of path */
	int64_t rotate_bytes;
	int keep;
	const struct clock *clock;
	int fd;
	int64_t size, day; /* of the active file; day: days since 1970 */
	bool astray;       /* we still write to a renamed file: nobody may compress it */
	bool torn;         /* the last line was cut off by an error: begin on a new one */
	uint64_t rotations;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool work, stop;
	int rotate_err;           /* to be reported by the thread */
	char oldest[STAMP_LEN + 1]; /* stamps before it are too old */
};

/* ---- names ---- */

static void stamp_of(int64_t wall_ns, char out[STAMP_LEN + 1])
{
	char text[32], *to = out;
	clock_rfc3339(wall_ns, text);
	for (const char *at = text; *at && *at != 'Z'; at++)
		if (*at != '-' && *at != ':')
			*to++ = *at;
	*to = '\0';
	must(to - out == STAMP_LEN);
}

static bool is_stamp(const char *text)
{
	for (int i = 0; i < STAMP_LEN; i++) {
		char expect = i == 8 ? 'T' : i == 15 ? '.' : '0';
		if (expect == '0' ? text[i] < '0' || text[i] > '9' : text[i] != expect)
			return false;
	}
	return true;
}

enum state { ACTIVE, PLAIN, PACKED, HALF };

/* What a name in the directory is to us; *ret_stamp is set for all but ACTIVE, which also means
 * "not ours". */
static enum state state_of(const struct log_file *f, const char *entry, const char **ret_stamp)
{
	size_t n = strlen(f->name);
	if (strncmp(entry, f->name, n) != 0 || entry[n] != '.' || !is_stamp(entry + n + 1))
		return ACTIVE;
	const char *ending = entry + n + 1 + STAMP_LEN;
	*ret_stamp = entry + n + 1;
	if (*ending == '\0')
		return PLAIN;
	if (strcmp(ending, ".gz") == 0)
		return PACKED;
	return strcmp(ending, ".gz.tmp") == 0 ? HALF : ACTIVE;
}

static char *name_of(const struct log_file *f, const char *stamp, const char *ending)
{
	char *out;
	return asprintf(&out, "%s.%.*s%s", f->path, STAMP_LEN, stamp, ending) < 0 ? NULL : out;
}

static void remove_of(const struct log_file *f, const char *stamp, const char *ending)
{
	char *path = name_of(f, stamp, ending);
	if (path && unlink(path) != 0 && errno != ENOENT)
		log_warn("log file not removed", "file=%s error=%s", path, strerror(errno));
	free(path);
}

/* ---- the thread: compress and prune ---- */

static int copy_packed(int from, gzFile to)
{
	static _Thread_local unsigned char chunk[CHUNK];
	for (;;) {
		ssize_t n = read(from, chunk, sizeof chunk);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || gzwrite(to, chunk, (unsigned)n) != n)
			return -1;
	}
}

static int pack(int from, int to)
{
	int fd = dup(to); /* gzclose closes what it was given; `to` is still to be synced */
	if (fd < 0)
		return -1;
	gzFile gz = gzdopen(fd, "wb6");
	if (!gz) {
		close(fd);
		return -1;
	}
	int rc = copy_packed(from, gz);
	if (gzclose(gz) != Z_OK)
		rc = -1;
	return rc == 0 ? fsync(to) : rc;
}

static void sync_dir(const struct log_file *f)
{
	int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return; /* then the rename is durable a little later */
	(void)fsync(fd);
	close(fd);
}

static int pack_paths(const struct log_file *f, const char *plain, const char *half,
		      const char *packed)
{
	int from = open(plain, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -1;
	int to = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	int rc = to < 0 ? -1 : pack(from, to);
	if (to >= 0 && close(to) != 0)
		rc = -1;
	close(from);
	if (rc != 0 || rename(half, packed) != 0) {
		int cause = errno;
		unlink(half);
		errno = cause;
		return -1;
	}
	sync_dir(f);
	return unlink(plain);
}

static bool compress_one(const struct log_file *f, const char *stamp)
{
	char *plain = name_of(f, stamp, ""), *half = name_of(f, stamp, ".gz.tmp");
	char *packed = name_of(f, stamp, ".gz");
	bool done = plain && half && packed && pack_paths(f, plain, half, packed) == 0;
	if (!done)
		log_warn("log file not compressed", "file=%s.%.*s error=%s", f->path, STAMP_LEN,
			 stamp, strerror(errno));
	free(plain);
	free(half);
	free(packed);
	return done;
}

struct rotated {
	char stamp[STAMP_LEN + 1];
	bool plain, packed;
};

struct pass {
	struct rotated at[FILES_MAX];
	size_t n;
};

static struct rotated *pass_entry(struct pass *p, const char *stamp)
{
	for (size_t i = 0; i < p->n; i++)
		if (memcmp(p->at[i].stamp, stamp, STAMP_LEN) == 0)
			return &p->at[i];
	if (p->n == FILES_MAX)
		return NULL;
	struct rotated *r = &p->at[p->n++];
	*r = (struct rotated){0};
	memcpy(r->stamp, stamp, STAMP_LEN);
	return r;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct rotated *)b)->stamp, ((const struct rotated *)a)->stamp);
}

static bool list_rotated(const struct log_file *f, struct pass *p)
{
	DIR *dir = opendir(f->dir);
	if (!dir)
		return false;
	p->n = 0;
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		const char *stamp;
		enum state state = state_of(f, d->d_name, &stamp);
		if (state == HALF)
			remove_of(f, stamp, ".gz.tmp");
		struct rotated *r = state == PLAIN || state == PACKED ? pass_entry(p, stamp) : NULL;
		if (r && state == PLAIN)
			r->plain = true;
		if (r && state == PACKED)
			r->packed = true;
	}
	closedir(dir);
	qsort(p->at, p->n, sizeof p->at[0], newest_first);
	return true;
}

static void tidy_up(const struct log_file *f, const char *oldest)
{
	static _Thread_local struct pass p;
	if (!list_rotated(f, &p))
		return;
	for (size_t i = 0; i < p.n; i++) {
		struct rotated *r = &p.at[i];
		bool surplus = i >= (size_t)f->keep || strcmp(r->stamp, oldest) < 0;
		if (r->plain && (r->packed || surplus))
			remove_of(f, r->stamp, "");
		else if (r->plain)
			compress_one(f, r->stamp);
		if (r->packed && surplus)
			remove_of(f, r->stamp, ".gz");
	}
}

static void *tidy_main(void *arg)
{
	struct log_file *f = arg;
	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->work && !f->stop)
			pthread_cond_wait(&f->wake, &f->lock);
		if (!f->work)
			break; /* stopped, and nothing is left to do */
		char oldest[STAMP_LEN + 1];
		memcpy(oldest, f->oldest, sizeof oldest);
		int err = f->rotate_err;
		f->rotate_err = 0;
		f->work = false;
		pthread_mutex_unlock(&f->lock);
		if (err != 0)
			log_warn("log file not rotated", "file=%s error=%s", f->path,
				 err_text(err));
		tidy_up(f, oldest);
		pthread_mutex_lock(&f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void wake_thread(struct log_file *f, int64_t wall_ns, int rotate_err)
{
	pthread_mutex_lock(&f->lock);
	stamp_of(wall_ns - f->keep * DAY_NS, f->oldest);
	f->work = true;
	if (rotate_err != 0)
		f->rotate_err = rotate_err;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* Signals belong to the thread that reads them, never to this one. */
static int start_thread(struct log_file *f)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&f->thread, NULL, tidy_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	f->has_thread = rc == 0;
	return rc == 0 ? 0 : err_from_errno(rc);
}

/* ---- the caller's side ---- */

static int64_t day_of(int64_t wall_ns)
{
	return wall_ns / DAY_NS;
}

static int open_active(struct log_file *f)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return err_from_errno(errno);
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return ERR_IO;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->size = st.st_size;
	f->torn = false;
	/* What an earlier process left counts as of its last line, where our clock is the one of
	 * the disk. */
	bool old = st.st_size > 0 && f->clock == clock_real();
	f->day = day_of(old ? (int64_t)st.st_mtime * NS_PER_S : clock_wall(f->clock));
	return 0;
}

/* A free stamp at or just after wall_ns; ERR_EXISTS, ERR_NOMEM. */
static int free_stamp(const struct log_file *f, int64_t wall_ns, char **ret_plain)
{
	for (int i = 0; i < 1000; i++) {
		char stamp[STAMP_LEN + 1];
		stamp_of(wall_ns + i, stamp);
		char *plain = name_of(f, stamp, ""), *packed = name_of(f, stamp, ".gz");
		bool known = plain && packed;
		bool taken = known && (access(plain, F_OK) == 0 || access(packed, F_OK) == 0);
		free(packed);
		if (known && !taken) {
			*ret_plain = plain;
			return 0;
		}
		free(plain);
		if (!known)
			return ERR_NOMEM;
	}
	return ERR_EXISTS;
}

static int swap_active(struct log_file *f, int64_t wall_ns)
{
	char *plain;
	int rc = free_stamp(f, wall_ns, &plain);
	if (rc != 0)
		return rc;
	if (rename(f->path, plain) != 0) {
		rc = err_from_errno(errno);
	} else {
		rc = open_active(f);
		if (rc != 0 && rename(plain, f->path) != 0)
			f->astray = true;
	}
	free(plain);
	return rc;
}

/* Lines go on into the old file where anything fails: the log is late to rotate, never lost. */
static void rotate(struct log_file *f, int64_t wall_ns)
{
	int rc = swap_active(f, wall_ns);
	if (rc == 0)
		f->rotations++;
	else
		f->size = f->rotate_bytes - f->rotate_bytes / RETRY_PART;
	f->day = day_of(wall_ns);
	if (!f->astray)
		wake_thread(f, wall_ns, rc);
}

int log_file_write(struct log_file *f, const char *line, size_t len)
{
	int64_t now = clock_wall(f->clock);
	if (f->size > 0 && (f->size + (int64_t)len > f->rotate_bytes || day_of(now) > f->day))
		rotate(f, now);
	int rc = f->torn ? fs_write(f->fd, "\n", 1) : 0;
	if (rc == 0)
		rc = fs_write(f->fd, line, len);
	f->torn = rc != 0;
	if (rc == 0)
		f->size += (int64_t)len;
	return rc;
}

int log_file_reopen(struct log_file *f)
{
	return open_active(f);
}

uint64_t log_file_rotations(const struct log_file *f)
{
	return f->rotations;
}

static int file_init(struct log_file *f, const struct log_file_options *o)
{
	const char *slash = strrchr(o->path, '/');
	f->path = strdup(o->path);
	f->name = strdup(slash ? slash + 1 : o->path);
	f->dir = slash ? strndup(o->path, slash == o->path ? 1 : (size_t)(slash - o->path))
		       : strdup(".");
	if (!f->path || !f->name || !f->dir)
		return ERR_NOMEM;
	f->rotate_bytes = o->rotate_bytes;
	f->keep = o->keep;
	f->clock = o->clock;
	int rc = open_active(f);
	if (rc != 0)
		return rc;
	rc = start_thread(f);
	if (rc == 0)
		wake_thread(f, clock_wall(f->clock), 0);
	return rc;
}

int log_file_open(const struct log_file_options *o, struct log_file **ret_file)
{
	struct log_file *f = calloc(1, sizeof *f);
	if (!f)
		return ERR_NOMEM;
	f->fd = -1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	int rc = file_init(f, o);
	if (rc != 0) {
		log_file_close(f);
		return rc;
	}
	*ret_file = f;
	return 0;
}

void log_file_close(struct log_file *f)
{
	if (!f)
		return;
	if (f->has_thread) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_signal(&f->wake);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	if (f->fd >= 0)
		close(f->fd);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f->name);
	free(f->dir);
	free(f);
}
