/* stack - a native stack as the file system shows it: settings, programs, who holds which lock. */
#include "tools/nj/stack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tools/nj/services.h"

int stack_settings(const struct cli *cli, struct run_settings *ret_run)
{
	struct config_section sections[SETTINGS_SECTIONS_MAX];
	struct config_error err = {{0}};
	struct config *config = NULL;
	uint32_t n = settings_sections(ret_run, NULL, NULL, sections);
	int rc = config_new(sections, n, settings_foreign, &config);
	if (rc == 0)
		rc = config_load(config, cli->config_path, cli->set.at, cli->set.n, NULL, &err);
	config_free(config);
	if (rc == 0)
		rc = services_learn(ret_run, err.text, sizeof err.text);
	return rc == 0 ? CLI_OK
		       : cli_fail(cli, CLI_USAGE, "%s", err.text[0] ? err.text : err_text(rc));
}

int stack_bin(char out[STACK_PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, STACK_PATH_MAX);
	if (n <= 0)
		return ERR_NOT_FOUND;
	if (n >= STACK_PATH_MAX)
		return ERR_TOO_LONG;
	out[n] = '\0';
	char *slash = strrchr(out, '/');
	if (!slash || slash == out)
		return ERR_NOT_FOUND;
	*slash = '\0';
	return 0;
}

/* The pid in a lock file whose lock is held; 0: nobody lives there. The pid is looked at first: a
 * lock is tried only where a process of that number lives, so that a service that is about to start
 * does not find its lock taken by a look. */
static pid_t holder(int dir, const char *file)
{
	char text[32] = "";
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	pid_t pid = pread(fd, text, sizeof text - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
	bool lives = pid > 1 && (kill(pid, 0) == 0 || errno == EPERM);
	bool held = lives && flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return held ? pid : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct stack_member *)a)->name,
		      ((const struct stack_member *)b)->name);
}

static void scan_file(struct stack *s, int dir, const char *file)
{
	size_t n = strlen(file);
	struct stack_member m = {0};
	if (s->n == STACK_MEMBERS_MAX || n <= 5 || n - 5 >= sizeof m.name ||
	    strcmp(file + n - 5, ".lock") != 0)
		return;
	memcpy(m.name, file, n - 5);
	m.pid = holder(dir, file);
	if (m.pid)
		s->at[s->n++] = m;
}

void stack_scan(const char *bus_dir, struct stack *out)
{
	memset(out, 0, sizeof *out);
	DIR *d = opendir(bus_dir);
	if (!d)
		return;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		scan_file(out, dirfd(d), e->d_name);
	closedir(d);
	qsort(out->at, out->n, sizeof out->at[0], by_name);
}

const struct stack_member *stack_find(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	return NULL;
}

int stack_make_dirs(const char *path)
{
	char part[STACK_PATH_MAX];
	size_t n = strlen(path);
	if (n >= sizeof part)
		return ERR_TOO_LONG;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		char was = part[i];
		if (was != '/' && was != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return err_from_errno(errno);
		part[i] = was;
	}
	return 0;
}

int stack_lock(const char *bus_dir, const char *name, int *ret_fd)
{
	char path[STACK_PATH_MAX], text[32];
	int rc = stack_make_dirs(bus_dir);
	if (rc != 0)
		return rc;
	snprintf(path, sizeof path, "%s/%s.lock", bus_dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = ERR_BUSY;
	else if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		rc = ERR_IO;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

void stack_signal(const char *bus_dir, const struct stack_member *m, int sig, bool group)
{
	struct stack now;
	stack_scan(bus_dir, &now);
	const struct stack_member *same = stack_find(&now, m->name);
	if (!same || same->pid != m->pid)
		return;
	bool leads = getpgid(m->pid) == m->pid;
	kill(group && leads ? -m->pid : m->pid, sig);
	kill(m->pid, SIGCONT);
}

void stack_logs(const struct run_settings *run, char out[STACK_PATH_MAX])
{
	const char *slash = strrchr(run->bus_dir, '/');
	if (run->log_dir[0])
		snprintf(out, STACK_PATH_MAX, "%s", run->log_dir);
	else
		snprintf(out, STACK_PATH_MAX, "%.*slogs", slash ? (int)(slash - run->bus_dir) + 1 : 0, run->bus_dir);
}

void stack_pause(int ms)
{
	poll(NULL, 0, ms);
}
