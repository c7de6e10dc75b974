/* unit - one supervised process: its own process group, started, watched, ended as a whole. */
#include "services/watchdog/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"

enum {
	OUT_MAX = 1 << 20, /* bytes of a unit's output file at its start; larger is moved aside */
	LOCK_FD = 9        /* where an inherited lock is in the child */
};

extern char **environ;

static void set_state(struct unit *u, enum unit_state state)
{
	if (u->state == state)
		return;
	u->state = state;
	u->handler->changed(u->ctx, u);
}

const char *unit_state_text(enum unit_state s)
{
	static const char *const text[] = {"STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING"};
	return text[s];
}

int64_t unit_backoff_ns(uint32_t failures)
{
	if (failures <= UNIT_FAST_TRIES)
		return 200 * NS_PER_MS;
	uint32_t n = failures - UNIT_FAST_TRIES - 1;
	int64_t delay = n > 6 ? 60 * NS_PER_S : NS_PER_S << n;
	return delay < 60 * NS_PER_S ? delay : 60 * NS_PER_S;
}

void unit_init(struct unit *u, const char *name, const char *command, struct loop *l,
	       const struct unit_handler *h, void *ctx)
{
	memset(u, 0, sizeof *u);
	event_set_name(u->name, name);
	snprintf(u->command, sizeof u->command, "%s", command);
	u->loop = l;
	u->handler = h;
	u->ctx = ctx;
	u->pidfd = -1;
	u->stop_grace_ns = 10 * NS_PER_S;
}

static void forget(struct unit *u)
{
	loop_end(&u->watch);
	loop_end(&u->timer);
	if (u->pidfd >= 0)
		close(u->pidfd);
	u->pidfd = -1;
	u->pid = 0;
}

void unit_fini(struct unit *u)
{
	forget(u);
}

static void on_retry(void *ctx)
{
	struct unit *u = ctx;
	u->timer = NULL;
	if (u->state == UNIT_BACKOFF && unit_start(u) != 0)
		log_error("cannot start", "unit=%s", u->name);
}

static void back_off(struct unit *u)
{
	u->failures++;
	set_state(u, UNIT_BACKOFF);
	int64_t delay = unit_backoff_ns(u->failures);
	u->retry_at = clock_mono(loop_clock(u->loop)) + delay;
	loop_timer(u->loop, delay, 0, on_retry, u, &u->timer);
}

/* The group may outlive its leader: nothing of it must. */
static void end_group(const struct unit *u)
{
	if (u->pid > 1)
		kill(-u->pid, SIGKILL);
}

static void describe_death(struct unit *u)
{
	siginfo_t si = {0};
	snprintf(u->last_death, sizeof u->last_death, "gone");
	if (u->adopted || waitid(P_PID, (id_t)u->pid, &si, WEXITED | WNOHANG) != 0 || si.si_pid == 0)
		return;
	if (si.si_code == CLD_EXITED)
		snprintf(u->last_death, sizeof u->last_death, "exit %d", si.si_status);
	else
		snprintf(u->last_death, sizeof u->last_death, "signal %d", si.si_status);
}

static void on_gone(void *ctx, int events)
{
	struct unit *u = ctx;
	(void)events;
	enum unit_state was = u->state;
	describe_death(u);
	end_group(u);
	forget(u);
	if (was == UNIT_STOPPING) {
		set_state(u, UNIT_STOPPED);
		if (u->again) {
			u->again = false;
			unit_start(u);
		}
		return;
	}
	u->deaths++;
	back_off(u);
	u->handler->died(u->ctx, u, u->last_death);
}

static int watch(struct unit *u)
{
	u->pidfd = (int)syscall(SYS_pidfd_open, u->pid, 0);
	if (u->pidfd < 0)
		return err_from_errno(errno);
	fcntl(u->pidfd, F_SETFD, FD_CLOEXEC);
	return loop_fd(u->loop, u->pidfd, LOOP_IN, on_gone, u, &u->watch);
}

/* What programs say without a log of their own must not fill the disk over many starts. */
static void keep_short(const char *path)
{
	struct stat st;
	char old[sizeof((struct unit *)0)->out_path + 2];
	if (stat(path, &st) != 0 || st.st_size < OUT_MAX)
		return;
	snprintf(old, sizeof old, "%s.1", path);
	if (rename(path, old) != 0)
		log_warn("output not moved aside", "file=%s reason=%s", path, strerror(errno));
}

static int redirect(posix_spawn_file_actions_t *fa, const struct unit *u)
{
	if (u->out_path[0] == '\0')
		return 0;
	keep_short(u->out_path);
	int rc = posix_spawn_file_actions_addopen(fa, 1, u->out_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(fa, 1, 2);
	return rc ? ERR_NOMEM : 0;
}

/* A program that knows no locks inherits one, so that a watchdog that comes back finds it. Returns
 * the descriptor; -1: none needed. */
static int take_lock(const struct unit *u)
{
	if (u->lock_path[0] == '\0')
		return -1;
	int fd = open(u->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	log_warn("no lock", "unit=%s file=%s reason=%s", u->name, u->lock_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void sign_lock(int fd, pid_t pid)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%d\n", (int)pid);
	if (fd < 0)
		return;
	if (pid > 0 && (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n))
		log_warn("lock not signed", "reason=%s", strerror(errno));
	close(fd); /* the child's copy holds it */
}

static int spawn(struct unit *u, char **argv)
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
	int rc = redirect(&fa, u), lock = take_lock(u);
	if (!rc && lock >= 0 && posix_spawn_file_actions_adddup2(&fa, lock, LOCK_FD) != 0)
		rc = ERR_NOMEM;
	int err = rc ? 0 : posix_spawnp(&u->pid, argv[0], &fa, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	sign_lock(lock, rc || err ? 0 : u->pid);
	if (err) {
		u->pid = 0;
		log_error("cannot spawn", "unit=%s program=%s reason=%s", u->name, argv[0], strerror(err));
		return err_from_errno(err);
	}
	return rc;
}

static void on_started(void *ctx)
{
	struct unit *u = ctx;
	u->timer = NULL;
	if (u->state == UNIT_STARTING)
		set_state(u, UNIT_RUNNING);
}

size_t unit_split(char *line, char *argv[UNIT_ARGS_MAX + 1])
{
	size_t n = 0;
	char *from = line, *to = line;
	while (*from && n < UNIT_ARGS_MAX) {
		bool quoted = false;
		from += strspn(from, " ");
		if (*from == '\0')
			break;
		argv[n++] = to;
		for (; *from && (quoted || *from != ' '); from++)
			if (*from == '"')
				quoted = !quoted;
			else
				*to++ = *from;
		bool more = *from != '\0';
		*to++ = '\0';
		from += more;
	}
	argv[n] = NULL;
	return n;
}

int unit_start(struct unit *u)
{
	char line[sizeof u->command], *argv[UNIT_ARGS_MAX + 1];
	if (u->pid)
		return ERR_EXISTS;
	loop_end(&u->timer);
	memcpy(line, u->command, sizeof line);
	if (unit_split(line, argv) == 0)
		return ERR_ARG;
	u->adopted = false;
	u->starts++;
	u->started_at = clock_mono(loop_clock(u->loop));
	set_state(u, UNIT_STARTING);
	int rc = spawn(u, argv);
	if (!rc)
		rc = watch(u);
	if (rc) {
		snprintf(u->last_death, sizeof u->last_death, "cannot start");
		back_off(u);
		u->handler->died(u->ctx, u, u->last_death);
		return rc;
	}
	return loop_timer(u->loop, NS_PER_S, 0, on_started, u, &u->timer);
}

int unit_adopt(struct unit *u, const char *lock_path)
{
	char text[32] = "";
	int fd = open(lock_path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return ERR_NOT_FOUND;
	bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
	bool read_ok = held && pread(fd, text, sizeof text - 1, 0) > 0;
	close(fd);
	pid_t pid = read_ok ? (pid_t)strtol(text, NULL, 10) : 0;
	if (pid <= 1)
		return ERR_NOT_FOUND;
	u->pid = pid;
	u->adopted = true;
	u->started_at = clock_mono(loop_clock(u->loop));
	int rc = watch(u);
	if (rc) {
		forget(u);
		return ERR_NOT_FOUND;
	}
	set_state(u, UNIT_RUNNING);
	return 0;
}

static void on_grace_over(void *ctx)
{
	struct unit *u = ctx;
	u->timer = NULL;
	log_warn("did not stop in time: killed", "unit=%s", u->name);
	end_group(u);
}

void unit_stop(struct unit *u)
{
	u->again = false;
	loop_end(&u->timer);
	if (!u->pid) {
		set_state(u, UNIT_STOPPED);
		return;
	}
	set_state(u, UNIT_STOPPING);
	/* The leader first: it tells its helpers itself; what is left is ended with the group. */
	kill(u->pid, SIGTERM);
	kill(u->pid, SIGCONT);
	loop_timer(u->loop, u->stop_grace_ns, 0, on_grace_over, u, &u->timer);
}

void unit_restart(struct unit *u)
{
	u->failures = 0;
	if (!u->pid) {
		unit_start(u);
		return;
	}
	unit_stop(u);
	u->again = true;
}

void unit_kill(struct unit *u)
{
	end_group(u);
}

void unit_alive(struct unit *u)
{
	if (u->state == UNIT_STARTING) {
		loop_end(&u->timer);
		set_state(u, UNIT_RUNNING);
	}
	if (u->failures && clock_mono(loop_clock(u->loop)) - u->started_at > 60 * NS_PER_S)
		u->failures = 0;
}
