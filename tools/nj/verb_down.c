/* verb_down - nj down: asks a native stack to drain and end, then makes sure that nothing is left. */
#include <signal.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/nj/client.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"

struct options {
	int64_t timeout_ns;
};

enum { TERM_GRACE_MS = 10000, KILL_GRACE_MS = 3000 };

static const struct table_column columns[] = {
	{"service", TABLE_TEXT, "Who ran."},
	{"pid", TABLE_ID, "Its process."},
	{"ended", TABLE_TEXT, "drained: as asked; terminated: by SIGTERM; killed: by SIGKILL."},
	{0},
};

struct down {
	struct cli *cli;
	struct run_settings run;
	struct stack was, now;
	const char *how[STACK_MEMBERS_MAX]; /* of was */
};

static bool same_lives(const struct down *d, const struct stack_member *m)
{
	const struct stack_member *now = stack_find(&d->now, m->name);
	return now && now->pid == m->pid;
}

/* Marks those that have ended since; true where none is left. */
static bool settle(struct down *d, const char *how)
{
	stack_scan(d->run.bus_dir, &d->now);
	for (size_t i = 0; i < d->was.n; i++)
		if (!d->how[i] && !same_lives(d, &d->was.at[i]))
			d->how[i] = how;
	return d->now.n == 0;
}

static bool wait_gone(struct down *d, int64_t ns, const char *how)
{
	int64_t end = clock_mono(clock_real()) + ns;
	bool gone;
	while (!(gone = settle(d, how)) && clock_mono(clock_real()) < end)
		stack_pause(30);
	return gone;
}

static bool ask(struct down *d)
{
	struct client c;
	struct event request;
	char reason[200];
	const char *flags[CLI_LIST_MAX];
	memcpy(flags, d->cli->set.at, sizeof flags);
	if (!stack_find(&d->was, "watchdog"))
		return false;
	int rc = client_open(&c, d->cli->config_path, flags, d->cli->set.n, reason, sizeof reason);
	client_request_init(&request, verb_stop);
	event_set_name(request.request.target, "watchdog");
	if (rc == 0)
		rc = client_ask(&c, "watchdog", &request, 3 * NS_PER_S);
	bool taken = rc == 0 && c.reply.reply.result == 0;
	client_close(&c);
	return taken;
}

/* The keeper first: it would start the watchdog again. */
static void signal_all(struct down *d, int sig)
{
	const struct stack_member *keeper = stack_find(&d->now, STACK_KEEPER);
	if (keeper)
		stack_signal(d->run.bus_dir, keeper, sig, false);
	if (keeper && sig == SIGTERM)
		return; /* it ends the others in their order */
	for (size_t i = 0; i < d->now.n; i++)
		if (&d->now.at[i] != keeper)
			stack_signal(d->run.bus_dir, &d->now.at[i], sig, sig == SIGKILL);
}

static int end(struct down *d, int64_t timeout_ns)
{
	if (ask(d)) {
		cli_note(d->cli, "the stack drains");
		if (wait_gone(d, timeout_ns, "drained"))
			return CLI_OK;
	}
	cli_note(d->cli, "SIGTERM to what still runs");
	signal_all(d, SIGTERM);
	if (wait_gone(d, TERM_GRACE_MS * NS_PER_MS, "terminated"))
		return CLI_OK;
	cli_note(d->cli, "SIGKILL to what still runs");
	signal_all(d, SIGKILL);
	if (wait_gone(d, KILL_GRACE_MS * NS_PER_MS, "killed"))
		return CLI_DEGRADED;
	return CLI_FAILED;
}

static int tell(const struct down *d)
{
	struct table *t;
	int rc = table_open(d->cli, columns, &t);
	if (rc != CLI_OK)
		return rc;
	for (size_t i = 0; i < d->was.n; i++) {
		table_text(t, d->was.at[i].name);
		table_int(t, d->was.at[i].pid);
		table_tone(t, d->how[i] && d->how[i][0] != 'k' ? TABLE_GOOD : TABLE_BAD,
			   d->how[i] ? d->how[i] : "still there");
	}
	return table_close(t);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	const struct options *o = options;
	struct down d = {.cli = cli};
	(void)argc;
	(void)argv;
	int rc = stack_settings(cli, &d.run);
	if (rc != CLI_OK)
		return rc;
	stack_scan(d.run.bus_dir, &d.was);
	d.now = d.was;
	if (d.was.n == 0) {
		cli_note(cli, "nothing runs on the bus at %s", d.run.bus_dir);
		return CLI_OK;
	}
	rc = end(&d, o->timeout_ns);
	int told = tell(&d);
	if (rc == CLI_FAILED)
		return cli_fail(cli, rc, "%zu processes do not end", d.now.n);
	return told != CLI_OK ? told : rc;
}

static const struct cli_option options[] = {
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "30s",
	 .offset = offsetof(struct options, timeout_ns),
	 .doc = "How long the stack may drain before it is terminated."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj down", "Drain and end the stack of these settings."},
	{"nj down --timeout 2s", "The same in a hurry."},
	{0},
};

const struct cli_verb verb_down = {
	.name = "down",
	.group = CLI_OPERATE_GROUP,
	.summary = "End a native stack",
	.doc = "Asks the watchdog to end the services in reverse order; each drains what it has. "
	       "What does not end in time gets SIGTERM, then SIGKILL. Exit code 4 where something "
	       "had to be killed.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.output = true,
	.run = run,
};
