/* spawn - runs a program to its end and keeps what it says. */
#include "tools/nj/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"

extern char **environ;

static int start(char *const *argv, int fd, int write_end, pid_t *ret_pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, write_end, fd);
	posix_spawn_file_actions_addopen(&fa, fd == 1 ? 2 : 1, "/dev/null", O_WRONLY, 0);
	int err = posix_spawn(ret_pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return err ? err_from_errno(err) : 0;
}

/* Reads to the end even where it no longer fits: the program must not wait for us. */
static int drain(int from, struct buf *out)
{
	char part[4096];
	ssize_t n;
	int rc = 0;
	while ((n = read(from, part, sizeof part)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && !rc)
			rc = buf_append(out, part, (size_t)n);
	return n < 0 ? ERR_IO : rc;
}

/* Reads what it writes and waits for its end. */
static int finish(int from, pid_t pid, struct buf *out, int *ret_code)
{
	int status = 0, rc = drain(from, out);
	close(from);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc && !WIFEXITED(status))
		rc = ERR_IO;
	if (!rc)
		*ret_code = WEXITSTATUS(status);
	return rc;
}

int spawn_read(char *const *argv, int fd, struct buf *out, int *ret_code)
{
	int pipes[2];
	pid_t pid;
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	int rc = start(argv, fd, pipes[1], &pid);
	close(pipes[1]);
	if (rc) {
		close(pipes[0]);
		return rc;
	}
	return finish(pipes[0], pid, out, ret_code);
}

/* ---- with input: from a file in memory, so that neither side can wait for the other ---- */

static int make_input(const void *bytes, size_t len, int *ret_fd)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	int rc = fs_write_at(fd, bytes, len, 0);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

/* A shell expects no signals blocked or ignored, whatever we did with ours. */
static int start_shell(const char *command, int input, int output, pid_t *ret_pid)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, input, 0);
	posix_spawn_file_actions_adddup2(&fa, output, 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int err = posix_spawn(ret_pid, argv[0], &fa, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return err ? err_from_errno(err) : 0;
}

int spawn_filter(const char *command, const void *bytes, size_t len, struct buf *out, int *ret_code)
{
	int pipes[2], input = -1;
	pid_t pid;
	int rc = make_input(bytes, len, &input);
	if (rc)
		return rc;
	if (pipe2(pipes, O_CLOEXEC) != 0) {
		rc = err_from_errno(errno);
		close(input);
		return rc;
	}
	rc = start_shell(command, input, pipes[1], &pid);
	close(input);
	close(pipes[1]);
	if (rc) {
		close(pipes[0]);
		return rc;
	}
	return finish(pipes[0], pid, out, ret_code);
}
