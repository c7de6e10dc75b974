/* sdnotify - one datagram a call: it is rare, and the manager may have been replaced meanwhile. */
#include "common/io/sdnotify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/config.h"

/* '@' stands for the zero byte that abstract names begin with; those have no NUL behind them. */
static int address_of(const char *text, struct sockaddr_un *a, socklen_t *ret_len)
{
	size_t n = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || n < 2 || n >= sizeof a->sun_path)
		return ERR_ARG;
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(a->sun_path, text, n);
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (text[0] == '/'));
	if (text[0] == '@')
		a->sun_path[0] = '\0';
	return 0;
}

int sdnotify(const char *state)
{
	const char *text = config_env("NOTIFY_SOCKET");
	struct sockaddr_un a;
	socklen_t len = 0;
	ssize_t n;
	int fd, rc;

	if (!text || !*text)
		return ERR_NOT_FOUND;
	rc = address_of(text, &a, &len);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_from_errno(errno);
	n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&a, len);
	rc = n >= 0 ? 0 : errno == EAGAIN || errno == ENOBUFS ? ERR_AGAIN : ERR_IO;
	close(fd);
	return rc;
}

/* A number of the environment; -1 where there is none. */
static int64_t number_of(const char *name)
{
	const char *text = config_env(name);
	char *end;
	long long v;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	v = strtoll(text, &end, 10);
	return *end || errno ? -1 : v;
}

int64_t sdnotify_watchdog_ns(void)
{
	int64_t us = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");

	if (us <= 0 || us > INT64_MAX / NS_PER_US || (pid >= 0 && pid != getpid()))
		return 0;
	return us * NS_PER_US;
}
