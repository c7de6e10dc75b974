/* verb_up - nj up: checks the settings, starts the keeper of a native stack, says what runs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/nj/client.h"
#include "tools/nj/keeper.h"
#include "tools/nj/look.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"

enum { ARGS_MAX = 2 * CLI_LIST_MAX + 16, TEXTS_MAX = 8 };
#define FEED_WAIT_NS (3 * NS_PER_S)

struct options {
	bool detach, foreground, no_redis;
	int64_t wait_ns;
};
#define AT(member) offsetof(struct options, member)

/* In the order of starting: the watchdog, then who consumes before who publishes. */
static const char *services_at(size_t i)
{
	return services_names[services_n - 1 - i];
}

struct up {
	struct cli *cli;
	const struct options *o;
	struct run_settings run;
	char bin[STACK_PATH_MAX], logs[STACK_PATH_MAX], err_path[STACK_PATH_MAX + 16];
	char program[STACK_PATH_MAX + 40];
	char text[TEXTS_MAX][STACK_PATH_MAX + 400];
	size_t n_texts;
	char *argv[ARGS_MAX];
	size_t n_args;
	bool redis;
};

/* ---- the watchdog's command line ---- */

static void arg(struct up *u, const char *text)
{
	must(u->n_args + 1 < ARGS_MAX);
	u->argv[u->n_args++] = (char *)(uintptr_t)text;
	u->argv[u->n_args] = NULL;
}

static void set(struct up *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set(struct up *u, const char *format, ...)
{
	must(u->n_texts < TEXTS_MAX);
	char *text = u->text[u->n_texts++];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof u->text[0], format, args);
	va_end(args);
	arg(u, "--set");
	arg(u, text);
}

static void common_args(struct up *u, const char *service)
{
	snprintf(u->program, sizeof u->program, "%s/nightjar-%s", u->bin, services_program(service));
	u->n_args = u->n_texts = 0;
	arg(u, u->program);
	if (services_is_collector(service)) {
		arg(u, "--name");
		arg(u, service);
	}
	if (u->cli->config_path) {
		arg(u, "--config");
		arg(u, u->cli->config_path);
	}
	for (size_t i = 0; i < u->cli->set.n; i++) {
		arg(u, "--set");
		arg(u, u->cli->set.at[i]);
	}
}

static bool in_path(const char *program)
{
	const char *path = config_env("PATH");
	char file[STACK_PATH_MAX];
	while (path && *path) {
		size_t n = strcspn(path, ":");
		snprintf(file, sizeof file, "%.*s/%s", (int)n, path, program);
		if (access(file, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/* The cache is a picture, never a decision: without one the stack trades the same. */
static void redis_args(struct up *u)
{
	if (u->run.redis_url[0])
		return;
	u->redis = !u->o->no_redis && in_path("redis-server");
	if (!u->redis) {
		cli_note(u->cli, "no cache: redis.url is empty and %s",
			 u->o->no_redis ? "--no-redis was given" : "redis-server is not installed");
		return;
	}
	set(u, "redis.url=unix:%s/redis.sock", u->run.bus_dir);
	set(u,
	    "watchdog.redis_command=redis-server --port 0 --unixsocket \"%s/redis.sock\" "
	    "--unixsocketperm 600 --save \"\" --appendonly no --maxmemory 64mb "
	    "--maxmemory-policy volatile-ttl --loglevel warning "
	    "--user default on nopass ~nj:* resetchannels +@all -@dangerous -@scripting +info",
	    u->run.bus_dir);
}

static void watchdog_args(struct up *u)
{
	common_args(u, "watchdog");
	set(u, "watchdog.supervise=true");
	set(u, "watchdog.bin=%s", u->bin);
	set(u, "log.dir=%s", u->logs);
	if (!u->o->foreground)
		set(u, "log.stderr=false");
	redis_args(u);
}

/* ---- before the start ---- */

static int check_one(struct up *u, const char *service)
{
	pid_t pid;
	int status = 0;
	common_args(u, service);
	arg(u, "--check-config");
	int err = posix_spawn(&pid, u->program, NULL, NULL, u->argv, environ);
	if (err)
		return cli_fail(u->cli, CLI_FAILED, "%s: %s", u->program, strerror(err));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return CLI_USAGE; /* it has said why */
	return CLI_OK;
}

static int check(struct up *u)
{
	int code = CLI_OK;
	for (size_t i = 0; i < services_n; i++) {
		int rc = check_one(u, services_at(i));
		code = rc ? rc : code;
	}
	return code;
}

static int refuse_second(const struct up *u)
{
	struct stack s;
	stack_scan(u->run.bus_dir, &s);
	const struct stack_member *m = stack_find(&s, STACK_KEEPER);
	m = m ? m : stack_find(&s, "watchdog");
	if (m)
		return cli_fail(u->cli, CLI_FAILED,
				"a stack runs already on the bus at %s (%s, pid %d); see it with "
				"'nj status', end it with 'nj down'",
				u->run.bus_dir, m->name, (int)m->pid);
	for (size_t i = 0; i < s.n; i++)
		cli_note(u->cli, "takes over %s, pid %d, which runs without a watchdog",
			 s.at[i].name, (int)s.at[i].pid);
	return CLI_OK;
}

static int prepare(struct up *u)
{
	int rc = stack_settings(u->cli, &u->run);
	if (rc == CLI_OK && stack_bin(u->bin) != 0)
		return cli_fail(u->cli, CLI_FAILED, "cannot tell where the programs are");
	if (rc == CLI_OK)
		rc = check(u);
	if (rc == CLI_OK)
		rc = refuse_second(u);
	if (rc != CLI_OK)
		return rc;
	stack_logs(&u->run, u->logs);
	snprintf(u->err_path, sizeof u->err_path, "%s/watchdog.err", u->logs);
	if ((rc = stack_make_dirs(u->logs)) != 0 || (rc = stack_make_dirs(u->run.data)) != 0)
		return cli_fail(u->cli, CLI_FAILED, "%s or %s cannot be made: %s", u->logs,
				u->run.data, err_text(rc));
	return CLI_OK;
}

/* ---- the keeper, in a process of its own or in this one ---- */

static int keep(struct up *u, int lock)
{
	char path[STACK_PATH_MAX + 16];
	snprintf(path, sizeof path, "%s/keeper.log", u->logs);
	struct log_options lo = {
		.service = STACK_KEEPER, .level = LOG_INFO, .file = path, .file_only = !u->o->foreground};
	log_open(&lo);
	struct keeper k = {.argv = u->argv,
			   .bus_dir = u->run.bus_dir,
			   .out_path = u->o->foreground ? NULL : u->err_path,
			   .lock = lock};
	int code = keeper_run(&k);
	log_close();
	return code;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR);
	setsid();
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

/* ---- waiting until it works ---- */

static const struct table_column columns[] = {
	{"service", TABLE_TEXT, "Name of the service or helper."},
	{"state", TABLE_TEXT, "State of its life."},
	{"pid", TABLE_ID, "Process."},
	{0},
};

struct seen {
	const char *state;
	int64_t pid;
	bool well;
};

static struct seen look(struct client *c, const char *name)
{
	struct event request;
	client_request_init(&request, verb_status);
	if (client_ask(c, name, &request, NS_PER_S) != 0)
		return (struct seen){.state = "no answer"};
	int64_t life = client_value(c, "life", life_boot);
	return (struct seen){.state = enum_text(enum_life(), (uint8_t)life),
			     .pid = client_value(c, "pid", 0),
			     .well = life == life_running};
}

static int64_t mono(void)
{
	return clock_mono(clock_real());
}

static bool wait_watchdog(const struct up *u, pid_t keeper, int64_t end)
{
	struct stack s;
	do {
		stack_scan(u->run.bus_dir, &s);
		if (stack_find(&s, "watchdog"))
			return true;
		stack_pause(30);
	} while (mono() < end && (keeper == 0 || waitpid(keeper, NULL, WNOHANG) == 0));
	return false;
}

static bool keeper_lives(const struct up *u)
{
	struct stack s;
	stack_scan(u->run.bus_dir, &s);
	return stack_find(&s, STACK_KEEPER) != NULL;
}

/* The last error in a log, as it stands there. */
static void show_error(const struct up *u, const char *service)
{
	char path[STACK_PATH_MAX + 64], line[2048], last[2048] = "";
	snprintf(path, sizeof path, "%s/%s.log", u->logs, service);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, "level=error") || strstr(line, "\"error\""))
			memcpy(last, line, sizeof last);
	if (f)
		fclose(f);
	if (last[0])
		fprintf(u->cli->err, "  %s", last);
}

static void wait_services(const struct up *u, struct client *c,
			  struct seen seen[SERVICES_MAX], int64_t end)
{
	while (keeper_lives(u)) {
		size_t well = 0;
		for (size_t i = 0; i < services_n; i++) {
			if (!seen[i].well)
				seen[i] = look(c, services_at(i));
			well += seen[i].well;
		}
		if (well == services_n || mono() >= end)
			return;
		stack_pause(50);
	}
}

static int tell(struct up *u, const struct seen seen[SERVICES_MAX])
{
	struct table *t;
	struct stack s;
	size_t well = 0;
	int rc = table_open(u->cli, columns, &t);
	if (rc != 0)
		return rc;
	stack_scan(u->run.bus_dir, &s);
	const struct stack_member *redis = stack_find(&s, "redis");
	for (size_t i = 0; i < services_n; i++) {
		table_text(t, services_at(i));
		table_tone(t, seen[i].well ? TABLE_GOOD : TABLE_BAD, seen[i].state);
		seen[i].pid ? table_int(t, seen[i].pid) : table_null(t);
		well += seen[i].well;
	}
	if (redis) {
		table_text(t, "redis");
		table_tone(t, TABLE_GOOD, "running");
		table_int(t, redis->pid);
	}
	rc = table_close(t);
	for (size_t i = 0; i < services_n && well < services_n; i++)
		if (!seen[i].well)
			show_error(u, services_at(i));
	if (rc == CLI_OK && !keeper_lives(u))
		return cli_fail(u->cli, CLI_FAILED, "the watchdog ended again; see %s", u->logs);
	if (rc == CLI_OK && well < services_n)
		rc = cli_fail(u->cli, CLI_DEGRADED,
			      "%zu of %zu services run; the watchdog goes on trying. Logs: %s", well,
			      services_n, u->logs);
	return rc;
}

/* Whether there is data is another question than whether all runs. A venue is asked for a few seconds at most. */
static void tell_feed(const struct up *u)
{
	static struct look l;
	size_t lost = 0;
	int64_t end = mono() + FEED_WAIT_NS;
	do {
		if (look_take(u->cli, &l) != CLI_OK)
			return;
		lost = 0;
		while (services_is_collector(services_names[lost]) &&
		       strcmp(l.at[lost].beat.note, "no connection") != 0)
			lost++;
		look_fini(&l);
	} while (services_is_collector(services_names[lost]) && mono() < end);
	if (services_is_collector(services_names[lost])) {
		cli_note(u->cli, "no connection to the venue yet: the collector goes on trying, and nothing is traded "
				 "until it is there; 'nj logs %s' tells why",
			 services_names[lost]);
		return;
	}
	for (size_t i = 0; i < lost; i++)
		if (l.at[i].beat.note[0])
			cli_note(u->cli, "market data: %s%s%s", lost > 1 ? services_names[i] : "", lost > 1 ? ": " : "",
				 l.at[i].beat.note);
}

static int wait_until_running(struct up *u, pid_t keeper)
{
	struct client c;
	char reason[400] = "";
	struct seen seen[SERVICES_MAX] = {{0}};
	int64_t end = mono() + u->o->wait_ns;
	const char *flags[CLI_LIST_MAX];
	memcpy(flags, u->cli->set.at, sizeof flags);
	if (!wait_watchdog(u, keeper, end)) {
		show_error(u, "watchdog");
		return cli_fail(u->cli, CLI_FAILED, "the watchdog does not start; see %s", u->logs);
	}
	if (client_open(&c, u->cli->config_path, flags, u->cli->set.n, reason, sizeof reason) != 0) {
		client_close(&c);
		return cli_fail(u->cli, CLI_FAILED, "%s", reason);
	}
	wait_services(u, &c, seen, end);
	client_close(&c);
	int rc = tell(u, seen);
	fflush(u->cli->out); /* what follows stands behind the table, also where both go into one pipe */
	if (rc == CLI_OK)
		cli_note(u->cli, "runs; bus %s, data %s, logs %s", u->run.bus_dir, u->run.data,
			 u->logs);
	if (rc == CLI_OK && !u->cli->quiet)
		tell_feed(u);
	return rc;
}

/* The keeper takes the place of this process; a child waits and tells. */
static int run_here(struct up *u, int lock)
{
	fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		return cli_fail(u->cli, CLI_FAILED, "fork: %s", strerror(errno));
	if (child == 0) {
		close(lock);
		int rc = wait_until_running(u, 0);
		fflush(NULL);
		_exit(rc);
	}
	return keep(u, lock) == 0 ? CLI_OK : CLI_FAILED;
}

static int run_behind(struct up *u, int lock)
{
	fflush(NULL);
	pid_t keeper = fork();
	if (keeper < 0)
		return cli_fail(u->cli, CLI_FAILED, "fork: %s", strerror(errno));
	if (keeper == 0) {
		leave_terminal();
		dprintf(lock, "%d\n", (int)getpid());
		_exit(keep(u, lock));
	}
	close(lock);
	return wait_until_running(u, keeper);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct up *u = calloc(1, sizeof *u);
	int lock, rc = u ? CLI_OK : CLI_FAILED;
	(void)argc;
	(void)argv;
	if (rc != CLI_OK)
		return rc;
	u->cli = cli;
	u->o = options;
	rc = prepare(u);
	if (rc == CLI_OK) {
		int err = stack_lock(u->run.bus_dir, STACK_KEEPER, &lock);
		if (err == ERR_BUSY)
			rc = refuse_second(u);
		if (err != 0 && rc == CLI_OK)
			rc = cli_fail(cli, CLI_FAILED, "%s: %s", u->run.bus_dir, err_text(err));
	}
	if (rc == CLI_OK) {
		watchdog_args(u);
		rc = u->o->foreground ? run_here(u, lock) : run_behind(u, lock);
	}
	free(u);
	return rc;
}

static const struct cli_option options[] = {
	{.letter = 'd',
	 .name = "detach",
	 .kind = CLI_FLAG,
	 .offset = AT(detach),
	 .doc = "Return once everything runs; this is the default."},
	{.letter = 'f',
	 .name = "foreground",
	 .kind = CLI_FLAG,
	 .offset = AT(foreground),
	 .doc = "Stay; Ctrl-C or SIGTERM ends the stack. For systemd and containers."},
	{.name = "wait",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "15s",
	 .offset = AT(wait_ns),
	 .doc = "How long to wait until every service runs."},
	{.name = "no-redis",
	 .kind = CLI_FLAG,
	 .offset = AT(no_redis),
	 .doc = "Start no Redis where redis.url is empty."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj up --config deploy/nightjar.conf", "Start the services and wait for them."},
	{"nj up --foreground --set log.level=debug", "Stay, and log more."},
	{0},
};

const struct cli_verb verb_up = {
	.name = "up",
	.group = CLI_OPERATE_GROUP,
	.summary = "Start a native stack",
	.doc = "Checks the settings of every service, starts a tiny parent that keeps the watchdog "
	       "alive, and through it the services, and waits until they run.\n\n"
	       "Files go where bus.dir and run.data say; logs into log.dir, by default the directory "
	       "logs beside the bus. Where redis.url is empty and redis-server is installed, a Redis "
	       "of the stack's own is started on a socket beside the bus.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.output = true,
	.run = run,
};
