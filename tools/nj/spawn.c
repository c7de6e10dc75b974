/* spawn - runs a program to its end and keeps what it says. */
#include "tools/nj/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"

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

int spawn_read(char *const *argv, int fd, struct buf *out, int *ret_code)
{
	int pipes[2], status = 0;
	pid_t pid;
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	int rc = start(argv, fd, pipes[1], &pid);
	close(pipes[1]);
	if (rc) {
		close(pipes[0]);
		return rc;
	}
	rc = drain(pipes[0], out);
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc && !WIFEXITED(status))
		rc = ERR_IO;
	if (!rc)
		*ret_code = WEXITSTATUS(status);
	return rc;
}
