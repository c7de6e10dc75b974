/* cli - rows to getopt_long and back into the verb's struct; everything that can be wrong with a
 * command line. */
#include "tools/nj/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/nearest.h"
#include "common/io/config.h"
#include "tools/nj/cli_print.h"

#define OPTIONS_MAX 96
#define VERBS_MAX 128
#define CODE_BASE 1000 /* getopt_long returns CODE_BASE + index for every option */

#define AT(member) offsetof(struct cli, member)

const struct cli_option cli_common_options[] = {
	{.letter = 'c',
	 .name = "config",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .offset = AT(config_path),
	 .doc = "Settings file of the stack. Default: NIGHTJAR_CONFIG, else none."},
	{.letter = 's',
	 .name = "set",
	 .kind = CLI_LIST,
	 .arg = "SECTION.KEY=VALUE",
	 .offset = AT(set),
	 .doc = "One setting, before environment and file. May be repeated."},
	{.letter = 'q',
	 .name = "quiet",
	 .kind = CLI_FLAG,
	 .offset = AT(quiet),
	 .doc = "No remarks and no progress, only data and errors."},
	{.letter = 'v',
	 .name = "verbose",
	 .kind = CLI_COUNTER,
	 .offset = AT(verbose),
	 .doc = "Tell more. May be repeated."},
	{.name = "no-color",
	 .kind = CLI_FLAG,
	 .offset = AT(no_color),
	 .doc = "No colours. Also: NO_COLOR in the environment; never where the output is no "
	 "terminal."},
	{.letter = 'h',
	 .name = "help",
	 .kind = CLI_FLAG,
	 .offset = AT(help),
	 .doc = "Print this help."},
	{0},
};

const struct cli_option cli_output_options[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = CLI_CHOICE,
	 .arg = "FORMAT",
	 .fallback = "table",
	 .choices = "table|json|jsonl|csv|tsv",
	 .offset = AT(format_name),
	 .doc = "Form of the output."},
	{.name = "json", .kind = CLI_FLAG, .offset = AT(json), .doc = "Short for --output json."},
	{.name = "no-headers",
	 .kind = CLI_FLAG,
	 .offset = AT(no_headers),
	 .doc = "No line with the column names."},
	{.name = "columns",
	 .kind = CLI_TEXT,
	 .arg = "NAME,...",
	 .offset = AT(columns),
	 .doc = "Print these columns, in this order."},
	{.name = "sort",
	 .kind = CLI_TEXT,
	 .arg = "[-]NAME",
	 .offset = AT(sort),
	 .doc = "Sort by this column; with - from large to small."},
	{0},
};

static const struct cli_option version_option[] = {
	{.letter = 'V',
	 .name = "version",
	 .kind = CLI_FLAG,
	 .offset = AT(version),
	 .doc = "Print the version."},
	{0},
};

/* ---- messages ---- */

static void tell(const struct cli *cli, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void tell(const struct cli *cli, const char *format, va_list args)
{
	char text[1024];
	vsnprintf(text, sizeof text, format, args);
	fprintf(cli->err, "nj%s%s: ", cli->verb ? " " : "", cli->verb ? cli->verb->name : "");
	cli_put_safe(cli->err, text);
	fputc('\n', cli->err);
}

int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	tell(cli, format, args);
	va_end(args);
	return code;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	tell(cli, format, args);
	va_end(args);
	bool of_verb = cli->verb && strcmp(cli->verb->name, "help") != 0;
	fprintf(cli->err, "Try 'nj help%s%s'.\n", of_verb ? " " : "", of_verb ? cli->verb->name : "");
	return CLI_USAGE;
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	if (cli->quiet)
		return;
	va_list args;
	va_start(args, format);
	tell(cli, format, args);
	va_end(args);
}

/* ---- which options are in force ---- */

/* One option and the struct it is stored in. */
struct slot {
	const struct cli_option *o;
	void *base;
	bool has_letter;
};

struct slots {
	struct slot at[OPTIONS_MAX];
	size_t n;
};

static void add_slots(struct slots *s, const struct cli_option *rows, void *base)
{
	for (const struct cli_option *o = rows; o && o->name; o++) {
		bool hidden = false, has_letter = o->letter != 0;
		for (size_t i = 0; i < s->n; i++) {
			hidden = hidden || strcmp(s->at[i].o->name, o->name) == 0;
			has_letter = has_letter &&
				     !(s->at[i].has_letter && s->at[i].o->letter == o->letter);
		}
		must(s->n < OPTIONS_MAX);
		if (!hidden)
			s->at[s->n++] = (struct slot){o, base, has_letter};
	}
}

static void collect(struct slots *s, const struct cli_verb *verb, void *options, struct cli *cli)
{
	s->n = 0;
	if (verb)
		add_slots(s, verb->options, options);
	if (verb && verb->output)
		add_slots(s, cli_output_options, cli);
	add_slots(s, cli_common_options, cli);
	if (!verb)
		add_slots(s, version_option, cli);
}

void cli_each_option(const struct cli_verb *verb,
		     void (*fn)(void *ctx, const struct cli_option *o, bool has_letter), void *ctx)
{
	struct slots s;
	collect(&s, verb, NULL, NULL);
	for (size_t i = 0; i < s.n; i++)
		fn(ctx, s.at[i].o, s.at[i].has_letter);
}

/* ---- values ---- */

static enum config_kind config_kind(enum cli_kind kind)
{
	return kind == CLI_INT	     ? CONFIG_INT
	       : kind == CLI_DUR     ? CONFIG_DUR
	       : kind == CLI_BYTES   ? CONFIG_BYTES
	       : kind == CLI_DECIMAL ? CONFIG_DECIMAL
				     : CONFIG_CHOICE;
}

static int store_checked(const struct slot *s, const char *text, char *reason, size_t cap)
{
	char choice[64];
	struct config_key key = {
		.name = s->o->name,
		.kind = config_kind(s->o->kind),
		.min = s->o->min,
		.max = s->o->max,
		.choices = s->o->choices,
		.size = sizeof choice,
	};
	if (s->o->kind == CLI_CHOICE) {
		int rc = config_parse(&key, text, choice, reason, cap);
		if (rc == 0)
			memcpy((char *)s->base + s->o->offset, &text, sizeof text);
		return rc;
	}
	key.offset = s->o->offset;
	return config_parse(&key, text, s->base, reason, cap);
}

/* text is NULL for options that take none. */
static int store(const struct slot *s, const char *text, char *reason, size_t cap)
{
	char *at = (char *)s->base + s->o->offset;
	struct cli_list *list = (void *)at;
	int64_t counter;
	switch (s->o->kind) {
	case CLI_FLAG:
		*(bool *)at = true;
		return 0;
	case CLI_COUNTER:
		memcpy(&counter, at, sizeof counter);
		counter++;
		memcpy(at, &counter, sizeof counter);
		return 0;
	case CLI_TEXT:
	case CLI_PATH:
		memcpy(at, &text, sizeof text);
		return 0;
	case CLI_LIST:
		if (list->n == CLI_LIST_MAX) {
			snprintf(reason, cap, "given more than %d times", CLI_LIST_MAX);
			return ERR_FULL;
		}
		list->at[list->n++] = text;
		return 0;
	case CLI_CHOICE:
	case CLI_INT:
	case CLI_DUR:
	case CLI_BYTES:
	case CLI_DECIMAL:
		break;
	}
	return store_checked(s, text, reason, cap);
}

static void store_defaults(const struct slots *s)
{
	char reason[256];
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].o->fallback)
			must(store(&s->at[i], s->at[i].o->fallback, reason, sizeof reason) == 0);
}

/* ---- getopt ---- */

struct spec {
	char letters[3 * OPTIONS_MAX + 3];
	struct option names[OPTIONS_MAX + 1];
};

/* stop_early: options end at the first operand, which is the verb. */
static void make_spec(struct spec *spec, const struct slots *s, bool stop_early)
{
	char *to = spec->letters;
	if (stop_early)
		*to++ = '+';
	*to++ = ':';
	memset(spec->names, 0, sizeof spec->names);
	for (size_t i = 0; i < s->n; i++) {
		const struct cli_option *o = s->at[i].o;
		spec->names[i] = (struct option){
			.name = o->name,
			.has_arg = cli_takes_value(o) ? required_argument : no_argument,
			.val = CODE_BASE + (int)i,
		};
		if (!s->at[i].has_letter)
			continue;
		*to++ = o->letter;
		if (cli_takes_value(o))
			*to++ = ':';
	}
	*to = '\0';
}

static const struct slot *slot_of(const struct slots *s, int code)
{
	if (code >= CODE_BASE)
		return &s->at[code - CODE_BASE];
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].has_letter && s->at[i].o->letter == code)
			return &s->at[i];
	return NULL;
}

static int unknown_option(const struct cli *cli, const struct slots *s, const char *arg, int letter)
{
	struct nearest n;
	char name[64];
	if (letter > 0 && letter < CODE_BASE)
		return cli_usage(cli, "there is no option -%c", letter);
	if (letter >= CODE_BASE)
		return cli_usage(cli, "option --%s takes no value", slot_of(s, letter)->o->name);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	nearest_init(&n, name);
	for (size_t i = 0; i < s->n; i++)
		nearest_offer(&n, s->at[i].o->name);
	if (nearest_get(&n))
		return cli_usage(cli, "there is no option --%s (did you mean --%s?)", name,
				 nearest_get(&n));
	return cli_usage(cli, "there is no option --%s", name);
}

/* Returns 0 and the index of the first operand, which getopt has moved behind the options. */
static int parse(struct cli *cli, const struct slots *s, int argc, char **argv, bool stop_early,
		 int *ret_operands)
{
	struct spec spec;
	make_spec(&spec, s, stop_early);
	optind = 0; /* GNU: begin anew */
	opterr = 0;
	for (;;) {
		int code = getopt_long(argc, argv, spec.letters, spec.names, NULL);
		if (code == -1)
			break;
		if (code == '?')
			return unknown_option(cli, s, argv[optind - 1], optopt);
		if (code == ':')
			return cli_usage(cli, "option %s takes a value", argv[optind - 1]);
		const struct slot *slot = slot_of(s, code);
		char reason[256];
		if (store(slot, optarg, reason, sizeof reason) != 0)
			return cli_usage(cli, "--%s: %s", slot->o->name, reason);
	}
	*ret_operands = optind;
	return 0;
}

/* ---- terminals ---- */

static bool may_color(const struct cli *cli, FILE *to)
{
	const char *no = config_env("NO_COLOR"), *term = config_env("TERM"),
		   *force = config_env("CLICOLOR_FORCE");
	if (cli->no_color || (no && no[0] != '\0'))
		return false;
	if (force && force[0] != '\0' && strcmp(force, "0") != 0)
		return true;
	int fd = fileno(to);
	return fd >= 0 && isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static size_t width_of(FILE *to)
{
	struct winsize w;
	int fd = fileno(to);
	return fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

static void settle(struct cli *cli)
{
	static const char *const names[] = {
		[CLI_AS_TABLE] = "table", [CLI_AS_JSON] = "json", [CLI_AS_JSONL] = "jsonl",
		[CLI_AS_CSV] = "csv",	  [CLI_AS_TSV] = "tsv",
	};
	cli->format = cli->json ? CLI_AS_JSON : CLI_AS_TABLE;
	for (size_t i = 0; i < ARRAY_LEN(names) && cli->format_name && !cli->json; i++)
		if (strcmp(cli->format_name, names[i]) == 0)
			cli->format = (enum cli_format)i;
	cli->color = may_color(cli, cli->out);
	cli->width = width_of(cli->out);
	cli->color_err = may_color(cli, cli->err);
	if (!cli->config_path)
		cli->config_path = config_env("NIGHTJAR_CONFIG");
}

/* ---- verbs ---- */

const struct cli_verb *cli_find(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_verbs; i++) {
		const struct cli_verb *v = cli->verbs[i];
		if (strcmp(v->name, name) == 0 || (v->alias && strcmp(v->alias, name) == 0))
			return v;
	}
	return NULL;
}

int cli_no_verb(const struct cli *cli, const char *name)
{
	struct nearest n;
	nearest_init(&n, name);
	for (size_t i = 0; i < cli->n_verbs; i++) {
		nearest_offer(&n, cli->verbs[i]->name);
		if (cli->verbs[i]->alias)
			nearest_offer(&n, cli->verbs[i]->alias);
	}
	if (nearest_get(&n))
		return cli_usage(cli, "there is no verb '%s' (did you mean '%s'?)", name,
				 nearest_get(&n));
	return cli_usage(cli, "there is no verb '%s'", name);
}

static int check_operands(const struct cli *cli, const struct cli_verb *v, int n)
{
	if (n < v->operands_min)
		return cli_usage(cli, "expected %s", v->operands ? v->operands : "more operands");
	if (v->operands_max >= 0 && n > v->operands_max)
		return cli_usage(cli,
				 v->operands_max == 0 ? "takes no operands" : "too many operands");
	return 0;
}

/* argv[0] is the verb. */
static int run_verb(struct cli *cli, const struct cli_verb *v, int argc, char **argv)
{
	struct slots s;
	int first;
	void *options = calloc(1, v->options_size ? v->options_size : 1);
	if (!options)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	cli->verb = v;
	collect(&s, v, options, cli);
	store_defaults(&s);
	int rc = parse(cli, &s, argc, argv, false, &first);
	settle(cli);
	if (rc == 0 && cli->help)
		cli_print_help(cli, v, cli->out);
	else if (rc == 0)
		rc = check_operands(cli, v, argc - first);
	if (rc == 0 && !cli->help)
		rc = v->run(cli, options, argc - first, argv + first);
	free(options);
	return rc;
}

static int by_group_and_name(const void *a, const void *b)
{
	const struct cli_verb *x = *(const struct cli_verb *const *)a,
			      *y = *(const struct cli_verb *const *)b;
	return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
				    : strcmp(x->name, y->name);
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	struct slots s;
	int first;
	collect(&s, NULL, NULL, cli);
	int rc = parse(cli, &s, argc, argv, true, &first);
	settle(cli);
	if (rc != 0)
		return rc;
	if (cli->version || cli->help) {
		cli->version ? cli_print_version(cli->out) : cli_print_help(cli, NULL, cli->out);
		return CLI_OK;
	}
	if (first == argc) {
		cli_print_help(cli, NULL, cli->err);
		return CLI_USAGE;
	}
	const struct cli_verb *v = cli_find(cli, argv[first]);
	return v ? run_verb(cli, v, argc - first, argv + first) : cli_no_verb(cli, argv[first]);
}

int cli_run(struct cli *cli, const struct cli_verb *const *verbs, size_t n, int argc, char **argv)
{
	const struct cli_verb *sorted[VERBS_MAX];
	must(n <= VERBS_MAX);
	memcpy(sorted, verbs, n * sizeof sorted[0]);
	qsort(sorted, n, sizeof sorted[0], by_group_and_name);
	cli->verbs = sorted;
	cli->n_verbs = n;
	int rc = dispatch(cli, argc, argv);
	cli->verbs = NULL;
	/* Data that did not reach its file is a failure, however well the rest went. */
	if (fflush(cli->out) != 0 && errno != EPIPE && rc == CLI_OK)
		rc = cli_fail(cli, CLI_FAILED, "output: %s", strerror(errno));
	return rc;
}

int cli_main(const struct cli_verb *const *verbs, size_t n, int argc, char **argv)
{
	struct cli cli = {.out = stdout, .err = stderr};
	return cli_run(&cli, verbs, n, argc, argv);
}
