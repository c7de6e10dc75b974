/* verb_version - nj version: which build this is. */
#include "tools/nj/cli.h"
#include "tools/nj/table.h"

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"version", TABLE_TEXT, "Version of Nightjar."},
		{"compiler", TABLE_TEXT, "Compiler of this program."},
		{"build", TABLE_TEXT, "Kind of build: Release, RelWithDebInfo, Debug."},
		{0},
	};
	(void)options;
	(void)argc;
	(void)argv;
	struct table *t;
	int rc = table_open(cli, columns, &t);
	if (rc != 0)
		return rc;
	table_text(t, NJ_VERSION);
	table_text(t, NJ_COMPILER);
	table_text(t, NJ_BUILD);
	return table_close(t);
}

static const struct cli_example examples[] = {
	{"nj version --json", "For scripts and bug reports."},
	{0},
};

const struct cli_verb verb_version = {
	.name = "version", .group = CLI_SETUP_GROUP, .summary = "Print the version and the build",
	.examples = examples, .output = true, .run = run,
};
