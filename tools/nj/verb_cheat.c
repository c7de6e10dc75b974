/* verb_cheat - nj cheat: what to type, by verb. */
#include "tools/nj/cli.h"

static void print_examples(struct cli *cli, const struct cli_verb *v)
{
	if (!v->examples)
		return;
	fprintf(cli->out, "# %s: %s\n", v->name, v->summary);
	for (const struct cli_example *e = v->examples; e->command; e++)
		fprintf(cli->out, "%s\n    %s\n", e->command, e->doc);
	fputc('\n', cli->out);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	(void)options;
	for (int i = 0; i < argc; i++) {
		const struct cli_verb *v = cli_find(cli, argv[i]);
		if (!v)
			return cli_usage(cli, "there is no verb '%s'", argv[i]);
		print_examples(cli, v);
	}
	for (size_t i = 0; argc == 0 && i < cli->n_verbs; i++)
		print_examples(cli, cli->verbs[i]);
	return CLI_OK;
}

static const struct cli_example examples[] = {
	{"nj cheat tap", "What can be done with nj tap."},
	{"nj cheat | less", "Of all verbs."},
	{0},
};

const struct cli_verb verb_cheat = {
	.name = "cheat",
	.group = CLI_SETUP_GROUP,
	.summary = "Show examples of verbs",
	.operands = "[VERB]...",
	.operand_choices = CLI_VERB_NAMES,
	.examples = examples,
	.operands_max = -1,
	.run = run,
};
