/* iolog - a library for LD_PRELOAD that writes down what a program does to the files of one folder.
 *
 *   IOLOG_DIR  the folder, without a slash at its end (needed: without it nothing happens)
 *   IOLOG_OUT  where the records go (iolog.h)
 *
 * A change is written down before it is made, a sync after it has succeeded: a replay that trusts
 * the record never believes more than the disk was told. Thread-safe.
 */
#include "tests/chaos/iolog.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATH_ROOM 1024

#if defined(_FILE_OFFSET_BITS)
#error "with _FILE_OFFSET_BITS the headers rename what is to be replaced here"
#endif

static const char *dir;
static int out = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void begin(void)
{
	const char *name = getenv("IOLOG_OUT");

	dir = getenv("IOLOG_DIR");
	if (dir && name)
		out = (int)syscall(SYS_openat, AT_FDCWD, name,
				   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

/* The name within our folder, "" for the folder itself; NULL for everything else. */
static const char *within(int fd, const char *name, char path[PATH_ROOM])
{
	char link[64];
	ssize_t n = 0;

	pthread_once(&once, begin);
	if (out < 0)
		return NULL;
	if (fd != AT_FDCWD && (!name || name[0] != '/')) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, PATH_ROOM - 1);
		n = n < 0 ? 0 : n;
	}
	snprintf(path + n, (size_t)(PATH_ROOM - n), "%s%s", n && name ? "/" : "", name ? name : "");
	size_t len = strlen(dir);
	if (strncmp(path, dir, len) != 0 || (path[len] != '\0' && path[len] != '/'))
		return NULL;
	return path[len] == '/' ? path + len + 1 : path + len;
}

static void record(struct iolog_record r, const char *path, const void *bytes)
{
	struct iovec parts[3] = {{&r, sizeof(r)},
				 {(void *)(uintptr_t)path, path ? strlen(path) : 0},
				 {(void *)(uintptr_t)bytes, bytes ? r.len : 0}};

	r.path_len = (uint32_t)parts[1].iov_len;
	pthread_mutex_lock(&lock);
	if (syscall(SYS_writev, out, parts, 3) < 0)
		abort();
	pthread_mutex_unlock(&lock);
}

static uint64_t inode(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Something happens to an open file. */
static void on_file(enum iolog_op op, int fd, uint64_t offset, const void *bytes, size_t len)
{
	char path[PATH_ROOM];
	int saved = errno;
	const char *name = within(fd, NULL, path);

	if (name && ends_in(name, ".note"))
		op = IOLOG_NOTE;
	else if (name && name[0] == '\0')
		op = IOLOG_SYNC_DIR;
	if (name && strcmp(name, "lock") != 0)
		record((struct iolog_record){.op = op, .file = inode(fd), .offset = offset,
					     .len = len},
		       NULL, bytes);
	errno = saved;
}

static void on_name(enum iolog_op op, int fd, const char *from, const char *to)
{
	char path[PATH_ROOM];
	int saved = errno;
	const char *name = within(fd, from, path);

	if (name)
		record((struct iolog_record){.op = op, .len = to ? strlen(to) : 0}, name, to);
	errno = saved;
}

static void on_create(int fd, int at, const char *name)
{
	char path[PATH_ROOM];
	int saved = errno;
	const char *inner = fd >= 0 ? within(at, name, path) : NULL;

	if (inner && strcmp(inner, "lock") != 0 && !ends_in(inner, ".note"))
		record((struct iolog_record){.op = IOLOG_CREATE, .file = inode(fd)}, inner, NULL);
	errno = saved;
}

#define NEXT(type, name) \
	static type next; \
	if (!next) { \
		void *found = dlsym(RTLD_NEXT, name); \
		memcpy(&next, &found, sizeof(next)); \
	}

typedef int openat_fn(int, const char *, int, ...);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef int fd_fn(int);
typedef int renameat_fn(int, const char *, int, const char *);
typedef int unlinkat_fn(int, const char *, int);
typedef int fallocate_fn(int, int, off_t, off_t);
typedef int ftruncate_fn(int, off_t);

#define OPENAT(symbol) \
	int symbol(int at, const char *name, int flags, ...) \
	{ \
		va_list args; \
		va_start(args, flags); \
		mode_t mode = (flags & O_CREAT) ? (mode_t)va_arg(args, int) : 0; \
		va_end(args); \
		NEXT(openat_fn *, #symbol) \
		int fd = next(at, name, flags, mode); \
		if (flags & O_CREAT) \
			on_create(fd, at, name); \
		return fd; \
	}

#define PWRITE(symbol) \
	ssize_t symbol(int fd, const void *bytes, size_t len, off_t offset) \
	{ \
		NEXT(pwrite_fn *, #symbol) \
		on_file(IOLOG_WRITE, fd, (uint64_t)offset, bytes, len); \
		return next(fd, bytes, len, offset); \
	}

#define FALLOCATE(symbol) \
	int symbol(int fd, int mode, off_t offset, off_t len) \
	{ \
		NEXT(fallocate_fn *, #symbol) \
		on_file(IOLOG_SIZE, fd, (uint64_t)(offset + len), NULL, 0); \
		return next(fd, mode, offset, len); \
	}

#define FTRUNCATE(symbol) \
	int symbol(int fd, off_t len) \
	{ \
		NEXT(ftruncate_fn *, #symbol) \
		on_file(IOLOG_SIZE, fd, (uint64_t)len, NULL, 0); \
		return next(fd, len); \
	}

#define SYNC(symbol) \
	int symbol(int fd) \
	{ \
		NEXT(fd_fn *, #symbol) \
		int rc = next(fd); \
		if (rc == 0) \
			on_file(IOLOG_SYNC, fd, 0, NULL, 0); \
		return rc; \
	}

OPENAT(openat)
OPENAT(openat64)
PWRITE(pwrite)
PWRITE(pwrite64)
FALLOCATE(fallocate)
FALLOCATE(fallocate64)
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)
SYNC(fsync)
SYNC(fdatasync)

ssize_t write(int fd, const void *bytes, size_t len)
{
	NEXT(write_fn *, "write")
	char path[PATH_ROOM];
	int saved = errno;
	const char *name = within(fd, NULL, path);

	if (name && ends_in(name, ".note"))
		on_file(IOLOG_NOTE, fd, 0, bytes, len);
	errno = saved;
	return next(fd, bytes, len);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	NEXT(renameat_fn *, "renameat")
	on_name(IOLOG_RENAME, from_dir, from, to);
	return next(from_dir, from, to_dir, to);
}

int unlinkat(int at, const char *name, int flags)
{
	NEXT(unlinkat_fn *, "unlinkat")
	on_name(IOLOG_UNLINK, at, name, NULL);
	return next(at, name, flags);
}
