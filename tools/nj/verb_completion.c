/* verb_completion - nj completion: scripts for the shells. */
#include "tools/nj/cli.h"
#include "tools/nj/cli_print.h"

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	(void)options;
	(void)argc;
	if (cli_print_completion(cli, argv[0], cli->out) != 0)
		return cli_usage(cli, "there is no completion for '%s' (bash, zsh, fish)", argv[0]);
	return CLI_OK;
}

static const struct cli_example examples[] = {
	{"source <(nj completion bash)", "In this shell."},
	{"nj completion zsh > ~/.zfunc/_nj", "For all, where ~/.zfunc is in fpath."},
	{"nj completion fish > ~/.config/fish/completions/nj.fish", "For fish."},
	{0},
};

const struct cli_verb verb_completion = {
	.name = "completion",
	.group = CLI_SETUP_GROUP,
	.summary = "Print a completion script for a shell",
	.operands = "bash|zsh|fish",
	.operand_choices = "bash|zsh|fish",
	.examples = examples,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
