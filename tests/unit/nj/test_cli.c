/* test_cli - command lines as people type them, right and wrong, and what is printed from the rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "tools/nj/cli.h"
#include "tools/nj/cli_print.h"
#include "tools/nj/table.h"
#include "tools/nj/verbs.h"

/* ---- two verbs of our own ---- */

struct options {
	bool follow;
	int64_t count, wait, loud;
	const char *topic, *mode, *file;
	struct cli_list skip;
};

static struct options seen;
static char operands[200];

static int run_probe(struct cli *cli, const void *options, int argc, char **argv)
{
	memcpy(&seen, options, sizeof seen);
	operands[0] = '\0';
	for (int i = 0; i < argc; i++)
		snprintf(operands + strlen(operands), sizeof operands - strlen(operands), "%s|",
			 argv[i]);
	fprintf(cli->out, "data\n");
	cli_note(cli, "a remark");
	return CLI_OK;
}

static int run_failing(struct cli *cli, const void *options, int argc, char **argv)
{
	(void)options;
	(void)argc;
	(void)argv;
	return cli_fail(cli, CLI_DATA, "gap in %s", "trade\x1b[2J");
}

#define AT(member) offsetof(struct options, member)
static const struct cli_option probe_options[] = {
	{.letter = 'f', .name = "follow", .kind = CLI_FLAG, .doc = "Go on.", .offset = AT(follow)},
	{.letter = 'c',
	 .name = "count",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "10",
	 .min = 1,
	 .max = 1000,
	 .doc = "Stop after N.",
	 .offset = AT(count)},
	{.letter = 'W',
	 .name = "wait",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .doc = "At most.",
	 .offset = AT(wait)},
	{.letter = 't',
	 .name = "topic",
	 .kind = CLI_TEXT,
	 .arg = "TOPIC",
	 .doc = "Which.",
	 .offset = AT(topic)},
	{.letter = 'T',
	 .name = "skip",
	 .kind = CLI_LIST,
	 .arg = "TOPIC",
	 .doc = "Which not.",
	 .offset = AT(skip)},
	{.letter = 'm',
	 .name = "mode",
	 .kind = CLI_CHOICE,
	 .arg = "MODE",
	 .fallback = "slow",
	 .choices = "slow|fast",
	 .doc = "How: it's [a] \"test\".",
	 .offset = AT(mode)},
	{.letter = 'L', .name = "loud", .kind = CLI_COUNTER, .doc = "Louder.", .offset = AT(loud)},
	{.name = "file",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .doc = "Into a file.",
	 .offset = AT(file)},
	{0},
};
static const struct cli_example probe_examples[] = {{"nj probe -c 5", "Five."}, {0}};
static const struct table_column probe_columns[] = {
	{"what", TABLE_TEXT, "A | thing."},
	{"how_very_long_a_name_it_is", TABLE_INT, "How often."},
	{0},
};
static const struct cli_verb probe = {
	.name = "probe",
	.alias = "pr",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Try things",
	.operands = "[WHAT]...",
	.operand_choices = "alpha|beta",
	.options = probe_options,
	.doc = "First paragraph.\n\n.Second paragraph begins with a dot - and has a \\ in it.",
	.examples = probe_examples,
	.columns = probe_columns,
	.options_size = sizeof(struct options),
	.operands_max = -1,
	.run = run_probe,
};
static const struct cli_verb failing = {
	.name = "failing",
	.group = CLI_DATA_GROUP,
	.summary = "Fail",
	.operands = "A B",
	.operands_min = 2,
	.operands_max = 2,
	.output = true,
	.run = run_failing,
};

static const struct cli_verb *const mine[] = {&failing, &probe};

/* ---- one run ---- */

static char *out, *err;

static int nj(int argc, const char *const *args)
{
	char *argv[32] = {(char *)(uintptr_t)"nj"};
	size_t n_out, n_err;
	struct cli cli = {0};
	for (int i = 0; i < argc; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	free(out);
	free(err);
	cli.out = open_memstream(&out, &n_out);
	cli.err = open_memstream(&err, &n_err);
	assert_true(cli.out && cli.err);
	memset(&seen, 0x55, sizeof seen);
	int rc = cli_run(&cli, mine, ARRAY_LEN(mine), argc + 1, argv);
	fclose(cli.out);
	fclose(cli.err);
	return rc;
}

#define NJ(...)                                                                                    \
	nj((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                          \
	   (const char *[]){__VA_ARGS__})

static int teardown(void **state)
{
	(void)state;
	free(out);
	free(err);
	out = err = NULL;
	return 0;
}

/* ---- options ---- */

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(NJ("probe"), CLI_OK);
	assert_false(seen.follow);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.wait, 0);
	assert_null(seen.topic);
	assert_string_equal(seen.mode, "slow");
	assert_int_equal(seen.skip.n, 0);
	assert_string_equal(operands, "");
	assert_string_equal(out, "data\n");
	assert_string_equal(err, "nj probe: a remark\n");
}

static void all_ways_to_write_options(void **state)
{
	(void)state;
	assert_int_equal(NJ("pr", "alpha", "-fc5", "--wait=250ms", "-t", "-1h", "-T", "a", "-Tb",
			    "--mode", "fast", "-LL", "--loud", "beta", "--file", "x", "--", "-c"),
			 CLI_OK);
	assert_true(seen.follow);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.wait, 250000000);
	assert_string_equal(seen.topic, "-1h");
	assert_string_equal(seen.mode, "fast");
	assert_int_equal(seen.loud, 3);
	assert_int_equal(seen.skip.n, 2);
	assert_string_equal(seen.skip.at[1], "b");
	assert_string_equal(seen.file, "x");
	assert_string_equal(operands, "alpha|beta|-c|");
}

static void common_options_stand_before_and_after_the_verb(void **state)
{
	(void)state;
	assert_int_equal(NJ("-q", "probe"), CLI_OK);
	assert_string_equal(err, "");
	assert_int_equal(NJ("probe", "--quiet"), CLI_OK);
	assert_string_equal(err, "");
	assert_int_equal(NJ("-c", "file", "-s", "bus.dir=x", "probe", "-c", "7"),
			 CLI_OK); /* the verb's -c hides */
	assert_int_equal(seen.count, 7);
	assert_int_equal(NJ("probe", "--config", "file", "--conf", "f"), CLI_OK); /* abbreviated */
}

#define REFUSED(call, message) \
	do { \
		assert_int_equal(call, CLI_USAGE); \
		assert_string_equal(err, message); \
		assert_string_equal(out, ""); \
	} while (0)

static void wrong_command_lines(void **state)
{
	(void)state;
	REFUSED(NJ("prob"),
		"nj: there is no verb 'prob' (did you mean 'probe'?)\nTry 'nj help'.\n");
	REFUSED(NJ("xyzzy"), "nj: there is no verb 'xyzzy'\nTry 'nj help'.\n");
	REFUSED(NJ("--cofig"),
		"nj: there is no option --cofig (did you mean --config?)\nTry 'nj help'.\n");
	REFUSED(NJ("probe", "--cuont", "5"),
		"nj probe: there is no option --cuont (did you mean --count?)\nTry 'nj help "
		"probe'.\n");
	REFUSED(NJ("probe", "--cuont=5"),
		"nj probe: there is no option --cuont (did you mean --count?)\nTry 'nj help "
		"probe'.\n");
	REFUSED(NJ("probe", "-Z"), "nj probe: there is no option -Z\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "--follow=1"),
		"nj probe: option --follow takes no value\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "--count"),
		"nj probe: option --count takes a value\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "-c"), "nj probe: option -c takes a value\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "-c", "0"),
		"nj probe: --count: 0 is out of range (1 to 1000)\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "-c", "x"),
		"nj probe: --count: \"x\" is not a whole number\nTry 'nj help probe'.\n");
	REFUSED(NJ("probe", "-m", "fsat"),
		"nj probe: --mode: \"fsat\" is not one of slow|fast (did you mean fast?)\n"
		"Try 'nj help probe'.\n");
	REFUSED(NJ("failing", "a"), "nj failing: expected A B\nTry 'nj help failing'.\n");
	REFUSED(NJ("failing", "a", "b", "c"),
		"nj failing: too many operands\nTry 'nj help failing'.\n");
	REFUSED(NJ("failing", "a", "b", "-o", "xml"), "nj failing: --output: \"xml\" is not one of "
		"table|json|jsonl|csv|tsv\nTry 'nj help failing'.\n");
}

static void list_is_bounded(void **state)
{
	(void)state;
	char *argv[2 + 70 + 1] = {(char *)(uintptr_t)"nj", (char *)(uintptr_t)"probe"};
	size_t n_out, n_err;
	struct cli cli = {0};
	for (int i = 2; i < 72; i++)
		argv[i] = (char *)(uintptr_t)"-Tx";
	cli.out = open_memstream(&out, &n_out);
	cli.err = open_memstream(&err, &n_err);
	assert_int_equal(cli_run(&cli, mine, ARRAY_LEN(mine), 72, argv), CLI_USAGE);
	fclose(cli.out);
	fclose(cli.err);
	assert_non_null(strstr(err, "--skip: given more than 64 times"));
}

static void failures_are_told_once_and_harmless(void **state)
{
	(void)state;
	assert_int_equal(NJ("failing", "a", "b"), CLI_DATA);
	assert_string_equal(err, "nj failing: gap in trade\\x1b[2J\n");
}

/* ---- help ---- */

static void help_of_nj(void **state)
{
	(void)state;
	assert_int_equal(NJ("--help"), CLI_OK);
	assert_non_null(
		strstr(out, "\nObserve:\n  probe    Try things\n\nData:\n  failing  Fail\n"));
	char *help = strdup(out);
	assert_int_equal(nj(0, NULL), CLI_USAGE);
	assert_string_equal(out, "");
	assert_string_equal(err, help); /* asked for nothing: the same, but as an error */
	free(help);
	assert_int_equal(NJ("--version"), CLI_OK);
	assert_string_equal(out, "nj " NJ_VERSION "\n");
}

static void help_of_a_verb(void **state)
{
	(void)state;
	assert_int_equal(NJ("probe", "-h"), CLI_OK);
	assert_non_null(strstr(out, "Usage: nj probe [OPTION]... [WHAT]...\nAlso: nj pr\n"));
	assert_non_null(strstr(
		out, "  -c, --count N           Stop after N. From 1 to 1000. Default: 10.\n"));
	assert_non_null(
		strstr(out, "      --config FILE       Settings file")); /* without its letter */
	assert_null(strstr(out, "--output"));
	assert_non_null(strstr(out, "\nExamples:\n  nj probe -c 5\n      Five.\n"));
	assert_non_null(strstr(out, "\nColumns:\n  what                    A | thing.\n"
				    "  how_very_long_a_name_it_is  How often.\n"));
	for (const char *line = out; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_int_equal(NJ("failing", "--help"), CLI_OK); /* operands are not asked for */
	assert_non_null(strstr(out, "  -o, --output FORMAT     Form of the output. One of"));
}

/* The real verbs: nj help asks about them by name. */
static void help_of_no_verb(void **state)
{
	(void)state;
	char *argv[] = {(char *)(uintptr_t)"nj", (char *)(uintptr_t)"help", (char *)(uintptr_t)"statsu", NULL};
	size_t n_out, n_err;
	struct cli cli = {0};
	free(out);
	free(err);
	cli.out = open_memstream(&out, &n_out);
	cli.err = open_memstream(&err, &n_err);
	int rc = cli_run(&cli, verbs, verbs_count, 3, argv);
	fclose(cli.out);
	fclose(cli.err);
	REFUSED(rc, "nj help: there is no verb 'statsu' (did you mean 'status'?)\nTry 'nj help'.\n");
}

/* ---- prints for others ---- */

static struct cli cli_of(FILE *to)
{
	return (struct cli){.out = to, .err = to, .verbs = mine, .n_verbs = ARRAY_LEN(mine)};
}

/* Whether `NAME --version` works. */
static bool is_installed(const char *name)
{
	char command[80];
	snprintf(command, sizeof command, "%s --version 2>&1", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (fgetc(f) != EOF)
		;
	return pclose(f) == 0;
}

static void manual_pages_pass_groff(void **state)
{
	(void)state;
	if (!is_installed("groff")) {
		print_message("groff is not installed: skipped\n");
		skip();
	}
	for (size_t i = 0; i <= ARRAY_LEN(mine); i++) {
		/* Warnings go to a file; there must be none. */
		FILE *to = popen(
			"groff -man -ww -Tutf8 -z - >groff.err 2>&1; test ! -s groff.err; rc=$?; "
			"cat groff.err; rm -f groff.err; exit $rc",
			"w");
		assert_non_null(to);
		struct cli cli = cli_of(to);
		cli_print_man(&cli, i < ARRAY_LEN(mine) ? mine[i] : NULL, to);
		assert_int_equal(pclose(to), 0);
	}
}

static void manual_page_text(void **state)
{
	(void)state;
	size_t n;
	FILE *to = open_memstream(&out, &n);
	struct cli cli = cli_of(to);
	cli_print_man(&cli, &probe, to);
	fclose(to);
	assert_non_null(strstr(out, ".TH \"NJ\\-PROBE\" 1"));
	assert_non_null(strstr(
		out,
		"First paragraph.\n.PP\n\\&.Second paragraph begins with a dot \\- and has a \\e"));
	assert_non_null(strstr(out, "\\fB\\-c\\fR, \\fB\\-\\-count\\fR \\fIN\\fR\n"));
	assert_non_null(strstr(out, ".SH EXIT STATUS\n.TP\n0\nAll went well.\n"));
	assert_non_null(strstr(out, ".SH COLUMNS\n.TP\n\\fBwhat\\fR\nA | thing.\n"));
}

static void markdown_page(void **state)
{
	(void)state;
	size_t n;
	FILE *to = open_memstream(&out, &n);
	struct cli cli = cli_of(to);
	cli_print_markdown(&cli, to);
	fclose(to);
	assert_non_null(
		strstr(out, "### nj probe\n\nTry things.\n\n    nj probe [OPTION]... [WHAT]...\n"));
	assert_non_null(
		strstr(out, "| `-c, --count N` | Stop after N. From 1 to 1000. Default: 10. |\n"));
	assert_non_null(strstr(out, "slow\\|fast"));
	assert_non_null(strstr(out, "\n| column | meaning |\n|---|---|\n| `what` | A \\| thing. |\n"));
	assert_non_null(strstr(out, "| 6 | Data is missing or damaged. |\n"));
}

/* What bash would offer, words separated by spaces. */
static void bash_offers(const char *words, const char *expect)
{
	char command[600], got[1000] = "";
	snprintf(
		command, sizeof command,
		"bash -c 'source ./completion.bash; COMP_WORDS=(%s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
		"_nj; echo \"${COMPREPLY[@]}\"'",
		words);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(got, sizeof got, f));
	assert_int_equal(pclose(f), 0);
	got[strcspn(got, "\n")] = '\0';
	assert_string_equal(got, expect);
}

static void bash_completion_works(void **state)
{
	(void)state;
	FILE *to = fopen("completion.bash", "w");
	assert_non_null(to);
	struct cli cli = cli_of(to);
	assert_int_equal(cli_print_completion(&cli, "bash", to), 0);
	fclose(to);
	bash_offers("nj pr", "probe");
	bash_offers("nj \"\"", "failing probe");
	bash_offers("nj --verb", "--verbose");
	bash_offers("nj -c x -q pr", "probe");
	bash_offers("nj probe --co", "--count --config");
	bash_offers("nj probe --mode f", "fast");
	bash_offers("nj pr -m \"\"", "slow fast");
	bash_offers("nj probe al", "alpha");
	bash_offers("nj probe --count \"\"", "");
	bash_offers("nj failing -o js", "json jsonl");
	unlink("completion.bash");
}

static void check_with(const char *shell, const char *check)
{
	if (!is_installed(shell)) {
		print_message("%s is not installed: its syntax is not checked\n", shell);
		return;
	}
	FILE *to = popen(check, "w");
	assert_non_null(to);
	struct cli cli = cli_of(to);
	assert_int_equal(cli_print_completion(&cli, shell, to), 0);
	assert_int_equal(pclose(to), 0);
}

static void other_shells_take_their_scripts(void **state)
{
	(void)state;
	check_with("zsh", "zsh -n /dev/stdin");
	check_with("fish", "fish --no-execute /dev/stdin");
	struct cli cli = cli_of(stdout);
	assert_true(cli_print_completion(&cli, "tcsh", stdout) < 0);
}

/* ---- the verbs of this build ---- */

static void every_verb_is_complete(void **state)
{
	(void)state;
	assert_true(verbs_count >= 3);
	for (size_t i = 0; i < verbs_count; i++) {
		const struct cli_verb *v = verbs[i];
		assert_non_null(v->run);
		assert_true(strlen(v->name) > 1 && strlen(v->summary) > 5);
		assert_true(strlen(v->name) + strlen(v->summary) < 74); /* one line of help */
		assert_int_not_equal(v->summary[strlen(v->summary) - 1], '.');
		assert_true(v->operands || v->operands_max == 0);
		for (const struct cli_option *o = v->options; o && o->name; o++) {
			assert_true(strlen(o->doc) > 5);
			assert_true(!cli_takes_value(o) || o->arg);
			assert_true(o->kind != CLI_CHOICE || o->choices);
			assert_true(o->offset < v->options_size);
		}
		assert_true(!v->columns || v->columns[0].name);
		for (const struct table_column *c = v->columns; c && c->name; c++)
			assert_true(strlen(c->doc) > 2);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(v->name, verbs[k]->name);
	}
}

static void nothing(void *ctx, const struct cli_option *o, bool has_letter)
{
	(void)o;
	*(int *)ctx += has_letter;
}

static void every_option_table_can_be_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < verbs_count; i++) {
		int letters = 0;
		cli_each_option(verbs[i], nothing, &letters);
		assert_true(letters > 0);
	}
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	unsetenv("NIGHTJAR_CONFIG");
	const struct CMUnitTest tests[] = {
		T(defaults),
		T(all_ways_to_write_options),
		T(common_options_stand_before_and_after_the_verb),
		T(wrong_command_lines),
		T(list_is_bounded),
		T(failures_are_told_once_and_harmless),
		T(help_of_nj),
		T(help_of_a_verb),
		T(help_of_no_verb),
		T(manual_pages_pass_groff),
		T(manual_page_text),
		T(markdown_page),
		T(bash_completion_works),
		T(other_shells_take_their_scripts),
		T(every_verb_is_complete),
		T(every_option_table_can_be_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
