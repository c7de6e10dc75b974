/* verb_help - nj help: for a terminal, as manual page, as Markdown. */
#include "tools/nj/cli.h"
#include "tools/nj/cli_print.h"

struct options {
	bool man, markdown;
};

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	const struct options *o = options;
	const struct cli_verb *v = argc > 0 ? cli_find(cli, argv[0]) : NULL;
	if (argc > 0 && !v)
		return cli_no_verb(cli, argv[0]);
	if (o->markdown)
		cli_print_markdown(cli, cli->out);
	else if (o->man)
		cli_print_man(cli, v, cli->out);
	else
		cli_print_help(cli, v, cli->out);
	return CLI_OK;
}

static const struct cli_option options[] = {
	{.name = "man", .kind = CLI_FLAG, .offset = offsetof(struct options, man),
	 .doc = "Print a manual page in roff: nj help --man | man -l -"},
	{.name = "markdown", .kind = CLI_FLAG, .offset = offsetof(struct options, markdown),
	 .doc = "Print all verbs as one Markdown page."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj help help", "This page."},
	{"nj help --man status > nj-status.1", "The manual page of one verb."},
	{0},
};

const struct cli_verb verb_help = {
	.name = "help",
	.group = CLI_SETUP_GROUP,
	.summary = "Explain nj or one of its verbs",
	.operands = "[VERB]",
	.operand_choices = CLI_VERB_NAMES,
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.operands_max = 1,
	.run = run,
};
