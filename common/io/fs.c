/* fs - file operations by descriptor, each with one way to fail. */
#include "common/io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"

#define LIST_MAX 1000000u
#define ZEROS (64u << 10)

static int from_errno(void)
{
	return err_from_errno(errno);
}

/* Closes without losing the errno that is being reported. */
static void close_quietly(int fd)
{
	int saved = errno;
	close(fd);
	errno = saved;
}

int fs_sync_dir(int dir_fd)
{
	return fsync(dir_fd) == 0 ? 0 : from_errno();
}

/* Makes one folder; a new one is synced into its parent. */
static int make_dir(char *path)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? 0 : from_errno();
	char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash == path ? 1 : slash - path),
			 path);
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return from_errno();
	int rc = fs_sync_dir(fd);
	close_quietly(fd);
	return rc;
}

int fs_open_dir(const char *path, int *ret_dir_fd)
{
	char at[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(at)) {
		errno = len ? ENAMETOOLONG : EINVAL;
		return from_errno();
	}
	memcpy(at, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (at[i] != '/' && at[i] != '\0')
			continue;
		at[i] = '\0';
		int rc = make_dir(at);
		if (rc)
			return rc;
		at[i] = i < len ? '/' : '\0';
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return from_errno();
	*ret_dir_fd = fd;
	return 0;
}

static long read_pid(int fd)
{
	char text[32] = "";
	size_t n;

	if (fs_read_at(fd, text, sizeof(text) - 1, 0, &n))
		return 0;
	return strtol(text, NULL, 10);
}

static void write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* The pid is for people; the lock itself holds without it. */
	if (ftruncate(fd, 0) == 0)
		(void)fs_write_at(fd, text, (size_t)n, 0);
}

int fs_lock(int dir_fd, int *ret_fd, long *ret_pid)
{
	int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return from_errno();
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int rc = errno == EWOULDBLOCK ? ERR_BUSY : from_errno();
		if (rc == ERR_BUSY)
			*ret_pid = read_pid(fd);
		close_quietly(fd);
		return rc;
	}
	write_pid(fd);
	*ret_fd = fd;
	return 0;
}

int fs_write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* a regular file that takes nothing is full */
			errno = n < 0 ? errno : ENOSPC;
			return from_errno();
		}
		at += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int fs_write(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			return from_errno();
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put(int dir_fd, const char *temporary, const char *name, const void *bytes, size_t len)
{
	int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return from_errno();
	int rc = fs_write_at(fd, bytes, len, 0);
	if (rc == 0 && fsync(fd) != 0)
		rc = from_errno();
	close_quietly(fd);
	if (rc == 0 && renameat(dir_fd, temporary, dir_fd, name) != 0)
		rc = from_errno();
	return rc != 0 ? rc : fs_sync_dir(dir_fd);
}

int fs_put(const char *folder, const char *name, const void *bytes, size_t len)
{
	char temporary[NAME_MAX];
	int dir_fd, n = snprintf(temporary, sizeof(temporary), "%s.new", name);
	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return from_errno();
	}
	int rc = fs_open_dir(folder, &dir_fd);
	if (rc != 0)
		return rc;
	rc = put(dir_fd, temporary, name, bytes, len);
	close_quietly(dir_fd);
	return rc;
}

int fs_read_at(int fd, void *bytes, size_t len, uint64_t offset, size_t *ret_len)
{
	uint8_t *at = bytes;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, at + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return from_errno();
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return 0;
}

static int write_zeros(int fd, uint64_t size)
{
	static const uint8_t zeros[ZEROS];

	for (uint64_t at = 0; at < size; at += ZEROS) {
		int rc = fs_write_at(fd, zeros, size - at < ZEROS ? (size_t)(size - at) : ZEROS,
				     at);
		if (rc)
			return rc;
	}
	return 0;
}

int fs_preallocate(int fd, uint64_t size)
{
	if (fallocate(fd, 0, 0, (off_t)size) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return from_errno();
	return write_zeros(fd, size);
}

/* Where the file system cannot say it otherwise: what is read is written again. */
static int write_again(int fd, uint64_t size)
{
	uint8_t bytes[ZEROS];
	size_t n;

	for (uint64_t at = 0; at < size; at += n) {
		int rc = fs_read_at(fd, bytes, size - at < ZEROS ? (size_t)(size - at) : ZEROS, at,
				    &n);
		if (!rc && n > 0)
			rc = fs_write_at(fd, bytes, n, at);
		if (rc || n == 0)
			return rc;
	}
	return 0;
}

int fs_fill_holes(int fd, uint64_t size)
{
	if (fallocate(fd, 0, 0, (off_t)size) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return from_errno();
	return write_again(fd, size);
}

int fs_size(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return from_errno();
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

void fs_name(char out[FS_NAME_MAX], const char *prefix, uint64_t number, const char *suffix)
{
	snprintf(out, FS_NAME_MAX, "%s%020" PRIu64 "%s", prefix, number, suffix);
}

/* The number of a name of the form, exactly as fs_name writes it. */
static bool parse_name(const char *name, const char *prefix, const char *suffix,
		       uint64_t *ret_number)
{
	size_t n = strlen(prefix);
	uint64_t number = 0;

	if (strncmp(name, prefix, n) != 0 || strlen(name) != n + 20 + strlen(suffix))
		return false;
	for (const char *d = name + n; d < name + n + 20; d++) {
		if (*d < '0' || *d > '9' || __builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*d - '0'), &number))
			return false;
	}
	if (strcmp(name + n + 20, suffix) != 0)
		return false;
	*ret_number = number;
	return true;
}

/* Own descriptor: closedir closes it, and the position of dir_fd must not move. */
static DIR *open_listing(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir && fd >= 0)
		close_quietly(fd);
	return dir;
}

static int list_add(struct fs_list *l, uint64_t number)
{
	if (l->n % 64 == 0) {
		uint64_t *at = realloc(l->at, (l->n + 64) * sizeof(*at));
		if (!at)
			return ERR_NOMEM;
		l->at = at;
	}
	if (l->n >= LIST_MAX)
		return ERR_FULL;
	l->at[l->n++] = number;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

int fs_list(int dir_fd, const char *prefix, const char *suffix, struct fs_list *ret_list)
{
	struct fs_list l = {0};
	const struct dirent *e;
	uint64_t number;
	int rc = 0;
	DIR *dir = open_listing(dir_fd);

	if (!dir)
		return from_errno();
	for (errno = 0; !rc && (e = readdir(dir)) != NULL; errno = 0)
		if (parse_name(e->d_name, prefix, suffix, &number))
			rc = list_add(&l, number);
	if (!rc && errno)
		rc = from_errno();
	closedir(dir);
	if (rc) {
		fs_list_fini(&l);
		return rc;
	}
	if (l.n > 1)
		qsort(l.at, l.n, sizeof(*l.at), by_number);
	*ret_list = l;
	return 0;
}

void fs_list_fini(struct fs_list *l)
{
	free(l->at);
	*l = (struct fs_list){0};
}

static bool has_ends(const char *name, const char *prefix, const char *suffix)
{
	size_t n = strlen(name), p = strlen(prefix), s = strlen(suffix);
	return n >= p + s && strncmp(name, prefix, p) == 0 && strcmp(name + n - s, suffix) == 0;
}

int fs_remove_all(int dir_fd, const char *prefix, const char *suffix)
{
	const struct dirent *e;
	DIR *dir = open_listing(dir_fd);

	if (!dir)
		return from_errno();
	while ((e = readdir(dir)) != NULL)
		if (has_ends(e->d_name, prefix, suffix))
			unlinkat(dir_fd, e->d_name, 0);
	closedir(dir);
	return 0;
}
