/* iofail - a library for LD_PRELOAD that makes the Nth file operation of a program fail, or kills
 * it right there.
 *
 *   IOFAIL_PATH   only files whose path contains this text (needed: without it nothing happens);
 *                 what has no path has the name "descriptor"
 *   IOFAIL_CALLS  comma-separated names; empty: all of open write fdatasync fsync rename unlink
 *                 fallocate ftruncate read flock mkdir stat mmap (pwrite is a write, pread a read,
 *                 openat an open …); without a path: socket accept send recv eventfd epoll timerfd
 *                 thread
 *   IOFAIL_NTH    which of the matching operations, from 1; 0: none, only count
 *   IOFAIL_COUNT  how many in a row from there on (1); 0: all
 *   IOFAIL_ERRNO  number to fail with (5, EIO)
 *   IOFAIL_SHORT  a failing write first takes so many bytes; the next one fails
 *   IOFAIL_KILL   1: SIGKILL before the operation instead of failing it
 *   IOFAIL_LOG    file that gets a line "call path" for each operation that failed; last "count N"
 *
 * The names of the environment are read once, at the first operation. Thread-safe.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PATH_ROOM 1024

struct plan {
	const char *path, *calls, *log;
	long nth, count, error, cut;
	bool kill;
};

static struct plan plan;
static atomic_long seen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static long number(const char *name, long fallback)
{
	const char *text = getenv(name);
	return text && *text ? strtol(text, NULL, 10) : fallback;
}

static void read_plan(void)
{
	plan.path = getenv("IOFAIL_PATH");
	plan.calls = getenv("IOFAIL_CALLS");
	plan.log = getenv("IOFAIL_LOG");
	plan.nth = number("IOFAIL_NTH", 0);
	plan.count = number("IOFAIL_COUNT", 1);
	plan.error = number("IOFAIL_ERRNO", EIO);
	plan.cut = number("IOFAIL_SHORT", 0);
	plan.kill = number("IOFAIL_KILL", 0) != 0;
}

/* By system calls alone: this must not come back to ourselves. */
static void log_line(const char *call, const char *path)
{
	char line[PATH_ROOM + 64];

	if (!plan.log)
		return;
	int n = snprintf(line, sizeof(line), "%s %s\n", call, path);
	long fd = syscall(SYS_openat, AT_FDCWD, plan.log,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	syscall(SYS_write, (int)fd, line, (size_t)n);
	syscall(SYS_close, (int)fd);
}

__attribute__((destructor)) static void report(void)
{
	char count[32];

	snprintf(count, sizeof(count), "%ld", atomic_load(&seen));
	log_line("count", count);
}

static bool is_listed(const char *call)
{
	size_t n = strlen(call);

	if (!plan.calls || !*plan.calls)
		return true;
	for (const char *at = plan.calls; (at = strstr(at, call)) != NULL; at += n)
		if ((at == plan.calls || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

/* Whether this operation is to fail. Counts it where it matches. */
static bool due(const char *call, const char *path)
{
	pthread_once(&once, read_plan);
	if (!plan.path || !strstr(path, plan.path) || !is_listed(call))
		return false;
	long i = atomic_fetch_add(&seen, 1) + 1;
	if (plan.nth == 0 || i < plan.nth || (plan.count > 0 && i >= plan.nth + plan.count))
		return false;
	log_line(call, path);
	if (plan.kill)
		kill(getpid(), SIGKILL);
	return true;
}

static void path_of(int fd, const char *name, char out[PATH_ROOM])
{
	char link[64];
	ssize_t n = 0;

	if (fd != AT_FDCWD && (!name || name[0] != '/')) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, out, PATH_ROOM - 1);
		n = n < 0 ? 0 : n;
	}
	snprintf(out + n, (size_t)(PATH_ROOM - n), "%s%s", n && name ? "/" : "", name ? name : "");
}

static bool fails(const char *call, int fd, const char *name)
{
	char path[PATH_ROOM];
	int saved = errno;

	path_of(fd, name, path);
	bool yes = due(call, path);
	errno = yes ? (int)plan.error : saved;
	return yes;
}

/* The next definition of a function; through memcpy because ISO C does not turn objects into
 * functions. */
#define NEXT(type, name) \
	static type next; \
	if (!next) { \
		void *found = dlsym(RTLD_NEXT, name); \
		memcpy(&next, &found, sizeof(next)); \
	}

typedef int openat_fn(int, const char *, int, ...);
typedef int open_fn(const char *, int, ...);
typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t pread_fn(int, void *, size_t, off_t);
typedef ssize_t read_fn(int, void *, size_t);
typedef int fd_fn(int);
typedef int rename_fn(const char *, const char *);
typedef int renameat_fn(int, const char *, int, const char *);
typedef int unlink_fn(const char *);
typedef int unlinkat_fn(int, const char *, int);
typedef int fallocate_fn(int, int, off_t, off_t);
typedef int ftruncate_fn(int, off_t);

static mode_t mode_of(int flags, va_list args)
{
	return (flags & (O_CREAT | O_TMPFILE)) ? (mode_t)va_arg(args, int) : 0;
}

#define OPEN(symbol) \
	int symbol(const char *name, int flags, ...) \
	{ \
		va_list args; \
		va_start(args, flags); \
		mode_t mode = mode_of(flags, args); \
		va_end(args); \
		NEXT(open_fn *, #symbol) \
		return fails("open", AT_FDCWD, name) ? -1 : next(name, flags, mode); \
	}

#define OPENAT(symbol) \
	int symbol(int dir, const char *name, int flags, ...) \
	{ \
		va_list args; \
		va_start(args, flags); \
		mode_t mode = mode_of(flags, args); \
		va_end(args); \
		NEXT(openat_fn *, #symbol) \
		return fails("open", dir, name) ? -1 : next(dir, name, flags, mode); \
	}

#define PWRITE(symbol) \
	ssize_t symbol(int fd, const void *bytes, size_t len, off_t offset) \
	{ \
		NEXT(pwrite_fn *, #symbol) \
		if (!fails("write", fd, NULL)) \
			return next(fd, bytes, len, offset); \
		if (plan.cut <= 0 || len <= (size_t)plan.cut) \
			return -1; \
		atomic_fetch_sub(&seen, 1); /* the rest of it is the same operation and fails */ \
		size_t part = (size_t)plan.cut; \
		plan.cut = 0; \
		return next(fd, bytes, part, offset); \
	}

#define PREAD(symbol) \
	ssize_t symbol(int fd, void *bytes, size_t len, off_t offset) \
	{ \
		NEXT(pread_fn *, #symbol) \
		return fails("read", fd, NULL) ? -1 : next(fd, bytes, len, offset); \
	}

#define FALLOCATE(symbol) \
	int symbol(int fd, int mode, off_t offset, off_t len) \
	{ \
		NEXT(fallocate_fn *, #symbol) \
		return fails("fallocate", fd, NULL) ? -1 : next(fd, mode, offset, len); \
	}

#define FTRUNCATE(symbol) \
	int symbol(int fd, off_t len) \
	{ \
		NEXT(ftruncate_fn *, #symbol) \
		return fails("ftruncate", fd, NULL) ? -1 : next(fd, len); \
	}

#define ON_FD(symbol) \
	int symbol(int fd) \
	{ \
		NEXT(fd_fn *, #symbol) \
		return fails(#symbol, fd, NULL) ? -1 : next(fd); \
	}

#if defined(_FILE_OFFSET_BITS)
#error "with _FILE_OFFSET_BITS the headers rename what is to be replaced here"
#endif

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PWRITE(pwrite)
PWRITE(pwrite64)
PREAD(pread)
PREAD(pread64)
FALLOCATE(fallocate)
FALLOCATE(fallocate64)
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)
ON_FD(fsync)
ON_FD(fdatasync)

ssize_t write(int fd, const void *bytes, size_t len)
{
	NEXT(write_fn *, "write")
	return fails("write", fd, NULL) ? -1 : next(fd, bytes, len);
}

ssize_t read(int fd, void *bytes, size_t len)
{
	NEXT(read_fn *, "read")
	return fails("read", fd, NULL) ? -1 : next(fd, bytes, len);
}

int rename(const char *from, const char *to)
{
	NEXT(rename_fn *, "rename")
	return fails("rename", AT_FDCWD, to) ? -1 : next(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	NEXT(renameat_fn *, "renameat")
	return fails("rename", to_dir, to) ? -1 : next(from_dir, from, to_dir, to);
}

int unlink(const char *name)
{
	NEXT(unlink_fn *, "unlink")
	return fails("unlink", AT_FDCWD, name) ? -1 : next(name);
}

int unlinkat(int dir, const char *name, int flags)
{
	NEXT(unlinkat_fn *, "unlinkat")
	return fails("unlink", dir, name) ? -1 : next(dir, name, flags);
}

typedef int flock_fn(int, int);
typedef int mkdir_fn(const char *, mode_t);
typedef int mkdirat_fn(int, const char *, mode_t);
typedef int stat_fn(int, struct stat *);
typedef int stat64_fn(int, struct stat64 *);
typedef void *mmap_fn(void *, size_t, int, int, int, off_t);

int flock(int fd, int operation)
{
	NEXT(flock_fn *, "flock")
	return fails("flock", fd, NULL) ? -1 : next(fd, operation);
}

int mkdir(const char *name, mode_t mode)
{
	NEXT(mkdir_fn *, "mkdir")
	return fails("mkdir", AT_FDCWD, name) ? -1 : next(name, mode);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	NEXT(mkdirat_fn *, "mkdirat")
	return fails("mkdir", dir, name) ? -1 : next(dir, name, mode);
}

int fstat(int fd, struct stat *st)
{
	NEXT(stat_fn *, "fstat")
	return fails("stat", fd, NULL) ? -1 : next(fd, st);
}

int fstat64(int fd, struct stat64 *st)
{
	NEXT(stat64_fn *, "fstat64")
	return fails("stat", fd, NULL) ? -1 : next(fd, st);
}

#define MMAP(symbol) \
	void *symbol(void *at, size_t len, int protection, int flags, int fd, off_t offset) \
	{ \
		NEXT(mmap_fn *, #symbol) \
		return fd >= 0 && fails("mmap", fd, NULL) ? MAP_FAILED \
							  : next(at, len, protection, flags, fd, offset); \
	}

MMAP(mmap)
MMAP(mmap64)

/* ---- Without a path. */

static bool denies(const char *call)
{
	int saved = errno;
	bool yes = due(call, "descriptor");
	errno = yes ? (int)plan.error : saved;
	return yes;
}

typedef int two_fn(int, int);
typedef int three_fn(int, int, int);
typedef int accept_fn(int, __SOCKADDR_ARG, socklen_t *);
typedef int accept4_fn(int, __SOCKADDR_ARG, socklen_t *, int);
typedef ssize_t send_fn(int, const void *, size_t, int);
typedef ssize_t recv_fn(int, void *, size_t, int);
typedef int eventfd_fn(unsigned, int);
typedef int thread_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int socket(int domain, int type, int protocol)
{
	NEXT(three_fn *, "socket")
	return denies("socket") ? -1 : next(domain, type, protocol);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
	NEXT(accept_fn *, "accept")
	return denies("accept") ? -1 : next(fd, address, len);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
	NEXT(accept4_fn *, "accept4")
	return denies("accept") ? -1 : next(fd, address, len, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	NEXT(send_fn *, "send")
	return denies("send") ? -1 : next(fd, bytes, len, flags);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
	NEXT(recv_fn *, "recv")
	return denies("recv") ? -1 : next(fd, bytes, len, flags);
}

int eventfd(unsigned count, int flags)
{
	NEXT(eventfd_fn *, "eventfd")
	return denies("eventfd") ? -1 : next(count, flags);
}

int epoll_create1(int flags)
{
	NEXT(fd_fn *, "epoll_create1")
	return denies("epoll") ? -1 : next(flags);
}

int timerfd_create(int clock, int flags)
{
	NEXT(two_fn *, "timerfd_create")
	return denies("timerfd") ? -1 : next(clock, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	NEXT(thread_fn *, "pthread_create")
	return denies("thread") ? errno : next(thread, attr, start, arg);
}
