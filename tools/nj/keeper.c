/* keeper - the tiny parent of a native stack: keeps the watchdog alive and nothing else. */
#include "tools/nj/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/nj/stack.h"

extern char **environ;

enum {
	BACKOFF_MAX_S = 60,
	FORGIVEN_S = 60,
	FIRST_S = 5,
	ORPHAN_GRACE_MS = 5000
};

struct state {
	const struct keeper *k;
	pid_t pid; /* of the watchdog; 0 none */
	bool ending, gone;
	int code;
	unsigned starts, failures;
	int64_t started, retry_at; /* monotonic */
};

static int64_t mono(void)
{
	return clock_mono(clock_real());
}

static int actions(posix_spawn_file_actions_t *fa, const struct keeper *k)
{
	int rc = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	if (rc == 0 && k->out_path)
		rc = posix_spawn_file_actions_addopen(fa, 2, k->out_path,
						      O_WRONLY | O_CREAT | O_APPEND, 0600);
	return rc ? rc : posix_spawn_file_actions_adddup2(fa, 2, 1);
}

static void back_off(struct state *s)
{
	unsigned shift = s->failures < 6 ? s->failures : 6;
	int64_t wait_s = (int64_t)1 << shift;
	wait_s = wait_s < BACKOFF_MAX_S ? wait_s : BACKOFF_MAX_S;
	s->failures++;
	s->retry_at = mono() + wait_s * NS_PER_S;
	log_warn("watchdog again", "in_s=%d failures=%u", (int)wait_s, s->failures);
}

static void start(struct state *s)
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t fa;
	sigset_t none;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	int err = actions(&fa, s->k);
	if (err == 0)
		err = posix_spawn(&s->pid, s->k->argv[0], &fa, &attr, s->k->argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	s->started = mono();
	s->starts++;
	if (err == 0) {
		log_info("watchdog started", "pid=%d", (int)s->pid);
		return;
	}
	s->pid = 0;
	log_error("watchdog cannot be started", "reason=%s", strerror(err));
	back_off(s);
}

/* What cannot start at first will not start a second later, and somebody waits to be told. A stack
 * that ran goes on meanwhile, and is worth trying for. */
static bool is_final(const struct state *s)
{
	return s->code == 0 || (s->starts == 1 && mono() - s->started < FIRST_S * NS_PER_S);
}

static void on_died(struct state *s, int status)
{
	bool exited = WIFEXITED(status);
	s->code = exited ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	s->pid = 0;
	if (s->ending || (exited && is_final(s))) {
		if (s->code == 0)
			log_info("the stack is down", NULL);
		else
			log_error("the watchdog gave up", "code=%d", s->code);
		s->gone = true;
		return;
	}
	log_error("watchdog died", "how=%s number=%d", exited ? "exit" : "signal",
		  exited ? s->code : WTERMSIG(status));
	if (mono() - s->started > FORGIVEN_S * NS_PER_S)
		s->failures = 0;
	back_off(s);
}

static void reap(struct state *s)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->pid)
			on_died(s, status);
}

static void end(struct state *s)
{
	s->ending = true;
	if (s->pid)
		kill(s->pid, SIGTERM);
	else
		s->gone = true;
}

/* Only where the watchdog was killed while it ended: what it supervised must not trade unwatched.
 */
static void end_orphans(const struct state *s)
{
	struct stack left;
	for (int waited = 0;; waited += 50) {
		stack_scan(s->k->bus_dir, &left);
		size_t others = left.n - (stack_find(&left, STACK_KEEPER) ? 1 : 0);
		if (others == 0)
			return;
		int sig = waited == 0 ? SIGTERM : waited >= ORPHAN_GRACE_MS ? SIGKILL : 0;
		for (size_t i = 0; sig && i < left.n; i++)
			if (strcmp(left.at[i].name, STACK_KEEPER) != 0)
				stack_signal(s->k->bus_dir, &left.at[i], sig, sig == SIGKILL);
		if (waited == 0)
			log_warn("services without a watchdog are ended", "count=%zu", others);
		if (waited >= 2 * ORPHAN_GRACE_MS)
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		stack_pause(50);
	}
}

static void turn(struct state *s, const sigset_t *signals)
{
	int64_t left = s->pid ? 10 * NS_PER_S : s->retry_at - mono();
	if (left <= 0) {
		start(s);
		return;
	}
	struct timespec ts = {.tv_sec = left / NS_PER_S, .tv_nsec = (long)(left % NS_PER_S)};
	int sig = sigtimedwait(signals, NULL, &ts);
	if (sig == SIGTERM || sig == SIGINT)
		end(s);
	else if (sig == SIGHUP && s->pid)
		kill(s->pid, SIGHUP);
	reap(s);
}

int keeper_run(const struct keeper *k)
{
	struct state s = {.k = k, .code = 1};
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		log_warn("not the reaper of the stack", "reason=%s", strerror(errno));
	start(&s);
	while (!s.gone)
		turn(&s, &signals);
	end_orphans(&s);
	close(k->lock);
	return s.code;
}
