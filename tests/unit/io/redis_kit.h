/* redis_kit - a real redis-server on a socket of its own in a fresh folder, for tests and benches.
 */
#ifndef NJ_TESTS_REDIS_KIT_H
#define NJ_TESTS_REDIS_KIT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/cache_redis.h"

extern char **environ;

struct redis_kit {
	char dir[64], address[128];
	int port; /* 0: the unix socket only */
	pid_t pid;
};

static inline void redis_kit_pause(int ms)
{
	poll(NULL, 0, ms);
}

static inline int redis_kit_free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	close(fd);
	return ntohs(at.sin_port);
}

/* Waits until it answers (with an error as well); false where there is no redis-server. */
static inline bool redis_kit_spawn(struct redis_kit *k, const char *const *more)
{
	char socket_path[96], port[16];
	char *argv[32] = {"redis-server", "--port", port, "--unixsocket", socket_path, "--save", "",
			  "--appendonly", "no", "--daemonize", "no", "--dir", k->dir, "--bind",
			  	"127.0.0.1",
			  "--logfile", "/dev/null"};
	posix_spawn_file_actions_t quiet;
	int n = 17, rc;

	snprintf(socket_path, sizeof(socket_path), "%s/s", k->dir);
	snprintf(port, sizeof(port), "%d", k->port);
	while (more && *more)
		argv[n++] = (char *)(uintptr_t)*more++;
	argv[n] = NULL;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1 /* O_WRONLY */, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1 /* O_WRONLY */, 0);
	rc = posix_spawnp(&k->pid, "redis-server", &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (rc != 0)
		return false;
	const struct cache_options o = {.address = k->address};
	for (int i = 0; i < 500; i++, redis_kit_pause(10)) {
		struct redis_link *l;
		char reason[200];
		rc = redis_open(&o, &l, reason, sizeof(reason));
		if (rc == 0)
			redis_close(l);
		if (rc == 0 || rc == ERR_REFUSED)
			return true;
		if (waitpid(k->pid, NULL, WNOHANG) == k->pid)
			break;
	}
	k->pid = 0;
	return false;
}

static inline bool redis_kit_start(struct redis_kit *k, const char *const *more)
{
	*k = (struct redis_kit){.dir = "/tmp/nj-redis-XXXXXX"};
	must(mkdtemp(k->dir) != NULL);
	snprintf(k->address, sizeof(k->address), "unix:%s/s", k->dir);
	return redis_kit_spawn(k, more);
}

static inline void redis_kit_kill(struct redis_kit *k)
{
	if (k->pid > 0) {
		kill(k->pid, SIGCONT);
		kill(k->pid, SIGKILL);
		waitpid(k->pid, NULL, 0);
	}
	k->pid = 0;
}

static inline void redis_kit_stop(struct redis_kit *k)
{
	char path[96];

	redis_kit_kill(k);
	snprintf(path, sizeof(path), "%s/s", k->dir);
	unlink(path);
	rmdir(k->dir);
}

/* One command given as words; its reply. */
static inline struct redis_reply redis_kit_ask(const struct redis_kit *k, int argc,
					       const char **argv)
{
	const struct cache_options o = {.address = k->address};
	struct redis_reply r = {0};
	struct redis_link *l;
	char reason[200];

	must(redis_open(&o, &l, reason, sizeof(reason)) == 0);
	must(redis_command(l, argc, argv, NULL) == 0);
	redis_deadline(l, INT64_C(5000000000));
	must(redis_reply(l, &r) == 0);
	redis_close(l);
	return r;
}

#define REDIS_ASK(k, ...) \
	redis_kit_ask(k, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), \
		      (const char *[]){__VA_ARGS__})

#endif
