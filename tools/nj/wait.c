/* wait - nj wait: until services run, have ended, or have handled an event time; for scripts. */
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/stack.h"

#define POLL_MS 100

/* NULL where the condition holds for the service, else what is still missing. */
static const char *missing(struct client *c, const struct wait_options *o, const char *service)
{
	bool alive = look_holder(c->run.bus_dir, service) != 0;
	if (!alive && client_far(c))
		alive = look_ask(c, service, NS_PER_S) == 0;
	if (o->stopped)
		return alive ? "still runs" : NULL;
	if (!alive)
		return "does not run";
	if (look_ask(c, service, NS_PER_S) != 0)
		return "does not answer";
	if (client_value(c, "life", 0) != life_running)
		return "is not running yet";
	return o->handled && client_value(c, "handled", 0) < o->handled ? "has not handled it yet" : NULL;
}

static int wait_all(struct cli *cli, struct client *c, const struct wait_options *o, const char *const *names)
{
	const struct clock *clock = loop_clock(c->loop);
	int64_t end = clock_mono(clock) + o->timeout;
	for (size_t i = 0; names[i]; i++) {
		const char *what;
		while ((what = missing(c, o, names[i])) != NULL) {
			if (clock_mono(clock) >= end)
				return cli_fail(cli, CLI_TIMEOUT, "%s %s", names[i], what);
			client_run(c, POLL_MS * NS_PER_MS);
		}
	}
	return CLI_OK;
}

static bool has_handled(const char *name)
{
	return strcmp(name, "strategy") == 0 || strcmp(name, "executor") == 0;
}

/* A stack that is about to start has no bus yet: that, too, is waited for. */
static int open_bus(const struct cli *cli, const struct wait_options *o, struct client *c)
{
	char reason[400] = "";
	const char *const *set = cli->set.at;
	int64_t end = clock_mono(clock_real()) + o->timeout;
	int rc;
	while ((rc = client_open(c, cli->config_path, set, cli->set.n, reason, sizeof reason)) == ERR_NOT_FOUND) {
		client_close(c);
		if (o->stopped)
			return CLI_NOT_RUNNING;
		if (clock_mono(clock_real()) >= end)
			return cli_fail(cli, CLI_TIMEOUT, "%s", reason);
		stack_pause(POLL_MS);
	}
	if (rc == 0)
		return CLI_OK;
	client_close(c);
	return cli_fail(cli, rc == ERR_ARG ? CLI_USAGE : CLI_FAILED, "%s", reason[0] ? reason : err_text(rc));
}

int wait_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static const char *const cores[] = {"strategy", "executor", NULL};
	const struct wait_options *o = options;
	const char *given[SERVICES_MAX + 1] = {NULL};
	struct client c;
	for (int i = 0; i < argc; i++) {
		int at = look_find(cli, argv[i]);
		if (at < 0)
			return CLI_USAGE;
		if (o->handled && !has_handled(services_names[at]))
			return cli_usage(cli, "--handled is of the strategy and the executor");
		if (i < SERVICES_MAX)
			given[i] = services_names[at];
	}
	if (o->stopped && (o->running || o->handled))
		return cli_usage(cli, "--stopped excludes --running and --handled");
	int rc = open_bus(cli, o, &c);
	if (rc)
		return o->stopped && rc == CLI_NOT_RUNNING ? CLI_OK : rc;
	rc = wait_all(cli, &c, o, argc ? given : o->handled ? cores : services_names);
	client_close(&c);
	return rc;
}
