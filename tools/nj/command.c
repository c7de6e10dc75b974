/* command - nj cancel, flatten, kill, reload, snapshot, log-level: one order to services, and what became of it.
 *
 * An order that is not answered is asked for again with the same nonce until the time is over: it is done once.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/kill_record.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"

#define ASK_NS INT64_C(2000000000)
#define AGAIN_NS INT64_C(200000000)

struct errand {
	struct cli *cli;
	const struct command_options *o;
	struct client client;
	int64_t end; /* monotonic */
};

static int64_t left(const struct errand *e)
{
	return e->end - clock_mono(loop_clock(e->client.loop));
}

static bool is_down(const struct errand *e, const char *service)
{
	return !client_far(&e->client) && look_holder(e->client.run.bus_dir, service) == 0;
}

/* Asks until there is an answer. Refused for the moment (recovering, another snapshot): a new request after a while. */
static int give(struct errand *e, const char *service, const struct event *order)
{
	struct event request = *order;
	char span[TABLE_SHORT_MAX];
	int rc = ERR_TIMEOUT;
	if (is_down(e, service))
		cli_note(e->cli, "%s does not run now: waiting for it, %s at most", service, table_span(left(e), span));
	while (left(e) > 0) {
		int64_t wait = left(e) < ASK_NS ? left(e) : ASK_NS;
		rc = client_ask(&e->client, service, &request, wait);
		if (rc == 0 && e->client.reply.reply.result != ERR_BUSY)
			return 0;
		if (rc != 0 && rc != ERR_TIMEOUT)
			return rc;
		client_run(&e->client, AGAIN_NS);
	}
	return rc == 0 ? 0 : ERR_TIMEOUT;
}

static struct event order_of(const struct errand *e, enum verb verb)
{
	struct event order;
	client_request_init(&order, verb);
	event_set_text(order.request.reason, e->o->reason ? e->o->reason : "");
	if (e->o->owner)
		event_set_name(order.request.owner, e->o->owner);
	if (e->o->account)
		event_set_name(order.request.target, e->o->account);
	order.request.expires_at = clock_wall(clock_real()) + e->o->timeout;
	return order;
}

/* Exit code of one service's answer; told. */
static int tell(const struct errand *e, const char *service, int rc)
{
	const struct ev_reply *r = &e->client.reply.reply;
	if (rc)
		return cli_fail(e->cli, rc == ERR_TIMEOUT ? CLI_NOT_RUNNING : CLI_FAILED, "%s: %s", service,
				rc != ERR_TIMEOUT ? err_text(rc)
				: is_down(e, service) ? "does not run; 'nj ps' tells why"
						      : "does not answer; 'nj status' tells how it is");
	if (r->result)
		return cli_fail(e->cli, CLI_FAILED, "%s: %s", service,
				r->message[0] ? r->message : err_text((int)r->result));
	fprintf(e->cli->out, "%s: %s\n", service, r->message);
	return CLI_OK;
}

static int open_errand(struct errand *e, struct cli *cli, const void *options)
{
	*e = (struct errand){.cli = cli, .o = options};
	int rc = look_living(cli, &e->client);
	if (rc == 0)
		e->end = clock_mono(loop_clock(e->client.loop)) + e->o->timeout;
	return rc;
}

/* Those that run, where none is named: what does not run has nothing to change. */
static int to_each(struct errand *e, const struct event *order, int argc, char **argv)
{
	bool all = argc == 0 || (argc == 1 && strcmp(argv[0], "all") == 0);
	int code = CLI_OK, asked = 0;
	for (size_t i = 0; i < services_n; i++) {
		bool named = all && look_holder(e->client.run.bus_dir, services_names[i]) > 0;
		for (int k = 0; k < argc && !all; k++)
			named = named || strcmp(argv[k], services_names[i]) == 0;
		if (!named)
			continue;
		asked++;
		int rc = give(e, services_names[i], order);
		/* A service without state of its own has no snapshot to take. */
		bool not_for_it = all && rc == 0 && e->client.reply.reply.result == ERR_UNKNOWN;
		int one = not_for_it ? CLI_OK : tell(e, services_names[i], rc);
		code = code == CLI_OK ? one : code;
	}
	return asked ? code : cli_fail(e->cli, CLI_NOT_RUNNING, "no service runs: see 'nj status'");
}

static int check_names(const struct cli *cli, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "all") != 0 && look_find(cli, argv[i]) < 0)
			return CLI_USAGE;
	return CLI_OK;
}

static int run_each(struct cli *cli, const void *options, const struct event *order, int argc, char **argv)
{
	static struct errand e;
	int rc = check_names(cli, argc, argv);
	if (!rc)
		rc = open_errand(&e, cli, options);
	if (rc)
		return rc;
	struct event base = order_of(&e, (enum verb)order->request.verb);
	memcpy(base.request.target, order->request.target, sizeof base.request.target);
	rc = to_each(&e, &base, argc, argv);
	client_close(&e.client);
	return rc;
}

int command_each(struct cli *cli, const void *options, int argc, char **argv)
{
	struct event order;
	event_init(&order, EVENT_request);
	order.request.verb = strcmp(cli->verb->name, "reload") == 0 ? verb_reload : verb_snapshot;
	return run_each(cli, options, &order, argc, argv);
}

int command_log_level(struct cli *cli, const void *options, int argc, char **argv)
{
	struct event order;
	event_init(&order, EVENT_request);
	order.request.verb = verb_log_level;
	event_set_name(order.request.target, argv[0]);
	return run_each(cli, options, &order, argc - 1, argv + 1);
}

/* Closing takes as long as the books need: the executor says how many holdings are still to be closed. */
static int wait_until_flat(struct errand *e, int64_t before)
{
	int64_t closing = -1, gone = before;
	while (left(e) > 0 && closing != 0) {
		if (look_ask(&e->client, "executor", left(e) < ASK_NS ? left(e) : ASK_NS) != 0)
			continue;
		closing = client_value(&e->client, "executor_closing", 0);
		gone = client_value(&e->client, "executor_flatten_left_total", 0);
		if (closing != 0)
			client_run(&e->client, AGAIN_NS);
	}
	if (closing != 0)
		return cli_fail(e->cli, CLI_TIMEOUT, "not flat yet: the executor goes on trying; see 'nj report'");
	if (gone > before)
		return cli_fail(e->cli, CLI_DEGRADED,
				"%" PRId64 " holdings could not be closed: 'nj tap order --lane x -o -50' tells why",
				gone - before);
	fputs("nothing is left to close\n", e->cli->out);
	return CLI_OK;
}

int command_flatten(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct errand e;
	const struct command_options *o = options;
	(void)argc;
	(void)argv;
	if (!o->reason || !o->reason[0])
		return cli_usage(cli, "give a --reason: it is journalled with the command");
	if (!o->yes)
		return cli_usage(cli, "this sells every position at market; say --yes if you mean it");
	int rc = open_errand(&e, cli, options);
	if (rc)
		return rc;
	struct event order = order_of(&e, verb_flatten);
	order.request.lease = o->lease;
	/* Where it does not answer, the order says so. */
	int64_t before = look_ask(&e.client, "executor", ASK_NS) == 0
				 ? client_value(&e.client, "executor_flatten_left_total", 0) : 0;
	rc = tell(&e, "executor", give(&e, "executor", &order));
	if (!rc && !o->no_wait)
		rc = wait_until_flat(&e, before);
	client_close(&e.client);
	return rc;
}

int command_cancel(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct errand e;
	const struct command_options *o = options;
	if (!o->reason || !o->reason[0])
		return cli_usage(cli, "give a --reason: it is journalled with the command");
	if ((argc == 1) == o->all)
		return cli_usage(cli, "name an order, an instrument, a strategy or an account, or say --all");
	if (argc == 1 && strlen(argv[0]) >= sizeof((struct ev_request *)0)->target)
		return cli_usage(cli, "'%s' is too long for a name", argv[0]);
	int rc = open_errand(&e, cli, options);
	if (rc)
		return rc;
	struct event order = order_of(&e, verb_cancel);
	if (argc == 1)
		event_set_name(order.request.target, argv[0]);
	rc = tell(&e, "executor", give(&e, "executor", &order));
	client_close(&e.client);
	return rc;
}

/* On disk before anybody is asked. */
static int put_on_record(struct cli *cli, const struct run_settings *run, const struct event *order)
{
	struct kill_record record;
	event_set_name(record.owner, order->request.owner);
	event_set_text(record.reason, order->request.reason);
	int rc = kill_record_write(run->data, &record);
	if (rc != 0) {
		cli_note(cli, "%s/" KILL_RECORD_NAME " cannot be written: %s", run->data, strerror(errno));
		return rc;
	}
	fprintf(cli->out, "the kill switch is on: %s/" KILL_RECORD_NAME "\n", run->data);
	return 0;
}

static int ask_to_kill(struct errand *e, struct event *order, bool recorded)
{
	int rc = give(e, "executor", order);
	if (rc != ERR_TIMEOUT || !recorded)
		return tell(e, "executor", rc);
	cli_note(e->cli, "the executor does not answer; it looks for the file itself, every 100 ms and at its start");
	return CLI_DEGRADED;
}

int command_kill(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct errand e;
	const struct command_options *o = options;
	struct run_settings run;
	(void)argc;
	(void)argv;
	if (!o->reason || !o->reason[0])
		return cli_usage(cli, "give a --reason: it goes on record");
	if (!o->yes)
		return cli_usage(cli, o->reset ? "this lets strategies trade again; say --yes if you mean it"
					       : "this stops all trading at once; say --yes if you mean it");
	int rc = stack_settings(cli, &run);
	if (rc)
		return rc;
	e = (struct errand){.cli = cli, .o = options};
	struct event order = order_of(&e, o->reset ? verb_unkill : verb_kill);
	bool here = strcmp(run.bus_transport, "tcp") != 0;
	bool recorded = here && !o->reset && put_on_record(cli, &run, &order) == 0;
	if (recorded && look_holder(run.bus_dir, "executor") == 0) {
		fputs("the executor does not run; it will start with it\n", cli->out);
		return CLI_OK;
	}
	rc = open_errand(&e, cli, options);
	if (rc)
		return rc;
	rc = ask_to_kill(&e, &order, recorded);
	client_close(&e.client);
	return rc;
}
