/* cli - the command line of nj: verbs and options are rows; parsing, help, man pages and completion
 * are printed from the rows.
 *
 * A new verb is one new file tools/nj/verb_NAME.c that defines `const struct cli_verb verb_NAME`;
 * the build finds it by its name. Data goes to cli->out, everything else to cli->err. A verb
 * returns an exit code of the table below and prints its failures through cli_fail.
 *
 *     struct options { int64_t count; const char *topic; };
 *     #define AT(member) offsetof(struct options, member)
 *     static const struct cli_option options[] = {
 *             {.letter = 'n', .name = "count", .kind = CLI_INT, .arg = "N", .fallback = "10", .min
 * = 1, .max = 1000, .doc = "Stop after N events.", .offset = AT(count)}, {0},
 *     };
 */
#ifndef NJ_TOOLS_NJ_CLI_H
#define NJ_TOOLS_NJ_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_EXITS(EXIT) \
	EXIT(OK, 0, "All went well.") \
	EXIT(FAILED, 1, "The work failed.") \
	EXIT(USAGE, 2, "The command line or the settings are wrong.") \
	EXIT(NOT_RUNNING, 3, "What was asked for does not run or cannot be reached.") \
	EXIT(DEGRADED, 4, "Only a part is well, or only a part was done.") \
	EXIT(TIMEOUT, 5, "Nothing came in time.") \
	EXIT(DATA, 6, "Data is missing or damaged.") \
	EXIT(INTERRUPTED, 130, "Ended by Ctrl-C.")

enum cli_exit {
#define EXIT(name, code, doc) CLI_##name = code,
	CLI_EXITS(EXIT)
#undef EXIT
};

#define CLI_GROUPS(GROUP) \
	GROUP(OBSERVE, "Observe") \
	GROUP(OPERATE, "Operate") \
	GROUP(DATA, "Data") \
	GROUP(TRADE, "Trade") \
	GROUP(SETUP, "Setup")

enum cli_group {
#define GROUP(name, title) CLI_##name##_GROUP,
	CLI_GROUPS(GROUP)
#undef GROUP
	CLI_GROUP_COUNT
};

enum cli_kind {
	CLI_FLAG,   /* bool */
	CLI_COUNTER, /* int64_t, one more each time */
	CLI_TEXT,   /* const char *, NULL where not given and no fallback; points into argv */
	CLI_PATH,   /* the same; completes file names */
	CLI_LIST,   /* struct cli_list: may be given repeatedly */
	CLI_CHOICE, /* const char *, one of choices */
	CLI_INT,    /* int64_t; the others as common/io/config.h */
	CLI_DUR,
	CLI_BYTES,
	CLI_DECIMAL
};

#define CLI_LIST_MAX 64

struct cli_list {
	const char *at[CLI_LIST_MAX];
	size_t n;
};

struct cli_option {
	char letter; /* 0: none. A verb's letter or name hides the common option of that name */
	const char *name;     /* long name; NULL ends the table */
	enum cli_kind kind;
	const char *arg;      /* name of the value in help: "N", "FILE" */
	const char *fallback; /* text of the default, parsed like a given one; NULL: zero */
	const char *choices;  /* "a|b|c" */
	const char *doc;      /* one or two sentences */
	int64_t min, max;     /* of numbers; both 0: none (durations and sizes: not negative) */
	size_t offset;        /* into the verb's struct */
};

struct cli_example {
	const char *command; /* "nj tap trade --count 5"; NULL ends the table */
	const char *doc;
};

struct cli;
struct table_column; /* table.h */

struct cli_verb {
	const char *name, *alias; /* alias may be NULL */
	enum cli_group group;
	const char *summary;  /* one line, without a full stop */
	const char *operands; /* "[TOPIC]..." for usage; NULL: takes none */
	const char *operand_choices; /* "a|b|c" for completion; CLI_VERB_NAMES; NULL */
	const char *doc;      /* paragraphs, separated by an empty line; may be NULL */
	const struct cli_option *options;   /* ends with {0}; may be NULL */
	const struct cli_example *examples; /* ends with {0}; may be NULL */
	const struct table_column *columns; /* of its table, for help; ends with {0}; may be NULL */
	size_t options_size;  /* of the struct that run gets */
	int operands_min, operands_max; /* max -1: any number */
	bool output;          /* prints tables: takes -o, --json, --columns … (table.h) */
	int (*run)(struct cli *cli, const void *options, int argc, char **argv); /* operands only */
};

#define CLI_VERB_NAMES "@verbs"
#define CLI_SERVICE_NAMES "collector|strategy|executor|persister|watchdog"

enum cli_format { CLI_AS_TABLE, CLI_AS_JSON, CLI_AS_JSONL, CLI_AS_CSV, CLI_AS_TSV };

/* What every verb can ask for; the first part is filled from the common options. */
struct cli {
	const char *config_path; /* --config, else NIGHTJAR_CONFIG, else NULL */
	struct cli_list set;     /* --set section.key=value */
	bool quiet, no_color, help, version;
	int64_t verbose;
	const char *format_name;
	bool json, no_headers;
	const char *columns, *sort; /* NULL where not given */

	enum cli_format format;
	bool color, color_err; /* whether cli->out and cli->err may be coloured */
	size_t width;          /* columns of the terminal that cli->out is; 0: it is none */
	FILE *out, *err;
	const struct cli_verb *verb;         /* that runs; NULL before */
	const struct cli_verb *const *verbs; /* all, sorted by group and name */
	size_t n_verbs;
};

extern const struct cli_option cli_common_options[]; /* of every verb and of nj itself */
extern const struct cli_option cli_output_options[]; /* of verbs that print tables */

/* verbs: at most 128, in any order. Returns the exit code. */
int cli_main(const struct cli_verb *const *verbs, size_t n, int argc, char **argv);
/* The same with other streams, for tests. */
int cli_run(struct cli *cli, const struct cli_verb *const *verbs, size_t n, int argc, char **argv);

const struct cli_verb *cli_find(const struct cli *cli,
				const char *name); /* by name or alias; NULL */

/* Says that there is no such verb, and which may have been meant; CLI_USAGE. */
int cli_no_verb(const struct cli *cli, const char *name);

/* "nj tap: …" and a line feed to cli->err; return code, so that `return cli_fail(cli, CLI_DATA, …)`
 * reads well. */
int cli_fail(const struct cli *cli, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* For wrong command lines: adds where help is; CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Progress and remarks on cli->err, unless --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Calls fn for each option of a verb (NULL: of nj itself) as it is in force: hidden common ones
 * left out. */
void cli_each_option(const struct cli_verb *verb,
		     void (*fn)(void *ctx, const struct cli_option *o, bool has_letter), void *ctx);

static inline bool cli_takes_value(const struct cli_option *o)
{
	return o->kind != CLI_FLAG && o->kind != CLI_COUNTER;
}

#endif
