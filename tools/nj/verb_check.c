/* verb_check - nj check: is this service well? One line and an exit code, for health checks. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/nj/client.h"
#include "tools/nj/cli.h"

struct options {
	int64_t timeout_ns;
};

static int judge(struct cli *cli, const struct client *c, const char *name)
{
	int64_t life = client_value(c, "life", life_boot);
	const char *text = enum_text(enum_life(), (uint8_t)life);
	fprintf(cli->out, "%s: %s\n", name, text);
	return life == life_running ? CLI_OK : CLI_FAILED;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	const struct options *o = options;
	struct client c;
	struct event request;
	char reason[400] = "";
	const char *flags[CLI_LIST_MAX];
	(void)argc;
	memcpy(flags, cli->set.at, sizeof flags);
	int rc = client_open(&c, cli->config_path, flags, cli->set.n, reason, sizeof reason);
	if (rc != 0) {
		client_close(&c);
		return cli_fail(cli, rc == ERR_ARG ? CLI_USAGE : CLI_NOT_RUNNING, "%s",
				reason[0] ? reason : err_text(rc));
	}
	client_request_init(&request, verb_status);
	rc = client_ask(&c, argv[0], &request, o->timeout_ns);
	int code = rc == 0 ? judge(cli, &c, argv[0])
			   : cli_fail(cli, CLI_NOT_RUNNING, "%s does not answer", argv[0]);
	client_close(&c);
	return code;
}

static const struct cli_option options[] = {
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "1s",
	 .offset = offsetof(struct options, timeout_ns),
	 .doc = "How long to wait for its answer."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj check executor", "Exit code 0: it runs and answers."},
	{0},
};

const struct cli_verb verb_check = {
	.name = "check",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Say whether one service is well, by exit code",
	.operands = "SERVICE",
	.operand_choices = CLI_SERVICE_NAMES,
	.doc = "Exit code 0: it runs. 1: it answers and is not (yet, or any more) running. 3: it does "
	       "not answer.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
