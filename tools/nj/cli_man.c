/* cli_man - the same rows as manual pages (roff with the man macros) and as one Markdown page. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/nj/cli_print.h"
#include "tools/nj/table.h"

/* ---- roff ---- */

/* A hyphen is a minus that can be copied; a dot or quote at the begin of a line would be a request.
 */
static void put_roff(FILE *to, const char *text)
{
	bool begin = true;
	for (; *text; text++) {
		if (begin && (*text == '.' || *text == '\''))
			fputs("\\&", to);
		begin = *text == '\n';
		if (*text == '-')
			fputs("\\-", to);
		else if (*text == '\\')
			fputs("\\e", to);
		else if (text[0] == '\n' && text[1] == '\n')
			fputs("\n.PP", to);
		else
			fputc(*text, to);
	}
}

static void put_roff_line(FILE *to, const char *text)
{
	put_roff(to, text);
	fputc('\n', to);
}

static void put_roff_option(void *ctx, const struct cli_option *o, bool has_letter)
{
	FILE *to = ctx;
	char limits[200];
	fprintf(to, ".TP\n");
	if (has_letter)
		fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", to);
	put_roff(to, o->name);
	fputs("\\fR", to);
	if (cli_takes_value(o)) {
		fputs(" \\fI", to);
		put_roff(to, o->arg);
		fputs("\\fR", to);
	}
	fputc('\n', to);
	put_roff(to, o->doc);
	put_roff_line(to, cli_option_limits(o, limits, sizeof limits));
}

static void put_roff_examples(const struct cli_example *e, FILE *to)
{
	if (!e || !e->command)
		return;
	fputs(".SH EXAMPLES\n", to);
	for (; e->command; e++) {
		fputs(".TP\n\\fB", to);
		put_roff(to, e->command);
		fputs("\\fR\n", to);
		put_roff_line(to, e->doc);
	}
}

static void put_roff_columns(const struct table_column *c, FILE *to)
{
	if (!c || !c->name)
		return;
	fputs(".SH COLUMNS\n", to);
	for (; c->name; c++) {
		fputs(".TP\n\\fB", to);
		put_roff(to, c->name);
		fputs("\\fR\n", to);
		put_roff_line(to, c->doc);
	}
}

static void put_roff_exits(FILE *to)
{
	static const struct { int code; const char *doc; } exits[] = {
#define EXIT(name, code, doc) {code, doc},
		CLI_EXITS(EXIT)
#undef EXIT
	};
	fputs(".SH EXIT STATUS\n", to);
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
		fprintf(to, ".TP\n%d\n", exits[i].code);
		put_roff_line(to, exits[i].doc);
	}
}

static void put_roff_head(FILE *to, const char *name, const char *summary)
{
	char title[64];
	size_t n = 0;
	for (; name[n] && n + 1 < sizeof title; n++)
		title[n] = (char)toupper((unsigned char)name[n]);
	title[n] = '\0';
	fputs(".TH \"", to);
	put_roff(to, title);
	fprintf(to, "\" 1 \"\" \"Nightjar %s\" \"Nightjar\"\n.SH NAME\n", NJ_VERSION);
	put_roff(to, name);
	fputs(" \\- ", to);
	put_roff_line(to, summary);
	fputs(".SH SYNOPSIS\n", to);
}

static void put_verb_man(const struct cli_verb *v, FILE *to)
{
	char name[64];
	snprintf(name, sizeof name, "nj-%s", v->name);
	put_roff_head(to, name, v->summary);
	fputs("\\fBnj ", to);
	put_roff(to, v->name);
	fputs("\\fR [\\fIOPTION\\fR]...", to);
	if (v->operands) {
		fputs(" \\fI", to);
		put_roff(to, v->operands);
		fputs("\\fR", to);
	}
	fputs("\n.SH DESCRIPTION\n", to);
	put_roff_line(to, v->doc ? v->doc : v->summary);
	fputs(".SH OPTIONS\n", to);
	cli_each_option(v, put_roff_option, to);
	put_roff_columns(v->columns, to);
	put_roff_exits(to);
	put_roff_examples(v->examples, to);
	fputs(".SH SEE ALSO\n\\fBnj\\fR(1)\n", to);
}

static const struct { const char *name, *doc;
} environment[] = {
	{"NIGHTJAR_CONFIG", "Settings file where --config is not given."},
	{"NIGHTJAR_SECTION__KEY", "One setting: NIGHTJAR_BUS__DIR is bus.dir. Secrets also by "
				  "NIGHTJAR_SECTION__KEY_FILE, which names a file."},
	{"NO_COLOR, CLICOLOR_FORCE, TERM",
	 "No colours where NO_COLOR is set or TERM is dumb; colours also into "
	 "pipes where CLICOLOR_FORCE is set."},
};

void cli_print_man(const struct cli *cli, const struct cli_verb *verb, FILE *to)
{
	if (verb) {
		put_verb_man(verb, to);
		return;
	}
	put_roff_head(to, "nj", CLI_TAGLINE);
	fputs("\\fBnj\\fR [\\fIOPTION\\fR]... \\fIVERB\\fR [\\fIOPTION\\fR]...\n.SH VERBS\n", to);
	for (size_t i = 0; i < cli->n_verbs; i++) {
		const struct cli_verb *v = cli->verbs[i];
		if (i == 0 || cli->verbs[i - 1]->group != v->group)
			fprintf(to, ".SS %s\n", cli_group_title(v->group));
		fputs(".TP\n\\fBnj\\-", to);
		put_roff(to, v->name);
		fputs("\\fR(1)\n", to);
		put_roff_line(to, v->summary);
	}
	fputs(".SH OPTIONS\n", to);
	cli_each_option(NULL, put_roff_option, to);
	put_roff_exits(to);
	fputs(".SH ENVIRONMENT\n", to);
	for (size_t i = 0; i < sizeof environment / sizeof environment[0]; i++) {
		fputs(".TP\n", to);
		put_roff_line(to, environment[i].name);
		put_roff_line(to, environment[i].doc);
	}
}

/* ---- Markdown ---- */

/* In a table cell a bar ends it; elsewhere < would begin a tag. */
static void put_md(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<*_", *text))
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void put_md_option(void *ctx, const struct cli_option *o, bool has_letter)
{
	FILE *to = ctx;
	char syntax[CLI_SYNTAX_MAX], limits[200];
	fprintf(to, "| `%s` | ", cli_option_syntax(o, has_letter, syntax));
	put_md(to, o->doc);
	put_md(to, cli_option_limits(o, limits, sizeof limits));
	fputs(" |\n", to);
}

static void put_md_verb(const struct cli_verb *v, FILE *to)
{
	fprintf(to, "### nj %s\n\n", v->name);
	put_md(to, v->summary);
	fprintf(to, ".\n\n    nj %s [OPTION]...%s%s\n\n", v->name, v->operands ? " " : "",
		v->operands ? v->operands : "");
	if (v->doc) {
		put_md(to, v->doc);
		fputs("\n\n", to);
	}
	fputs("| option | meaning |\n|---|---|\n", to);
	cli_each_option(v, put_md_option, to);
	if (v->columns)
		fputs("\n| column | meaning |\n|---|---|\n", to);
	for (const struct table_column *c = v->columns; c && c->name; c++) {
		fprintf(to, "| `%s` | ", c->name);
		put_md(to, c->doc);
		fputs(" |\n", to);
	}
	for (const struct cli_example *e = v->examples; e && e->command; e++) {
		fprintf(to, "\n`%s`: ", e->command);
		put_md(to, e->doc);
		fputc('\n', to);
	}
	fputc('\n', to);
}

void cli_print_markdown(const struct cli *cli, FILE *to)
{
	fprintf(to, "# nj: " CLI_TAGLINE "\n\nPrinted by `nj help --markdown`.\n\n");
	for (size_t i = 0; i < cli->n_verbs; i++) {
		if (i == 0 || cli->verbs[i - 1]->group != cli->verbs[i]->group)
			fprintf(to, "## %s\n\n", cli_group_title(cli->verbs[i]->group));
		put_md_verb(cli->verbs[i], to);
	}
	fputs("## Exit codes\n\n| code | meaning |\n|---|---|\n", to);
#define EXIT(name, code, doc) fprintf(to, "| %d | %s |\n", code, doc);
	CLI_EXITS(EXIT)
#undef EXIT
}
