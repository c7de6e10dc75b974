/* cli_help - help for a terminal: wrapped at 80 columns, examples at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "tools/nj/cli_print.h"
#include "tools/nj/table.h"

#define WIDTH 79
#define DOC_COLUMN 26

void cli_print_version(FILE *to)
{
	fprintf(to, "nj %s\n", NJ_VERSION);
}

const char *cli_group_title(enum cli_group group)
{
	static const char *const title[] = {
#define GROUP(name, text) text,
		CLI_GROUPS(GROUP)
#undef GROUP
	};
	must((size_t)group < ARRAY_LEN(title));
	return title[group];
}

/* C1 controls are the two bytes c2 80 to c2 9f. */
static bool is_control(const unsigned char *at, size_t n)
{
	return (n == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
	       (n == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

void cli_put_safe(FILE *to, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text);
	while (left > 0) {
		size_t n = utf8_sequence(at, left), step = n ? n : 1;
		if (n > 0 && !is_control(at, n))
			fwrite(at, 1, n, to);
		else
			for (size_t i = 0; i < step; i++)
				fprintf(to, "\\x%02x", at[i]);
		at += step;
		left -= step;
	}
}

/* Paragraphs of words from column `at` on, each line begun at `indent`; a line feed in the text
 * ends a line. */
static void put_wrapped(FILE *to, const char *text, size_t indent, size_t at)
{
	while (*text) {
		size_t word = strcspn(text, " \n");
		if (at > indent && at + 1 + word > WIDTH) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', to);
			at++;
		}
		fwrite(text, 1, word, to);
		at += word;
		text += word;
		for (; *text == ' ' || *text == '\n'; text++)
			if (*text == '\n') {
				fputc('\n', to);
				if (text[1] != '\n')
					fprintf(to, "%*s", (int)indent, "");
				at = indent;
			}
	}
	fputc('\n', to);
}

const char *cli_option_syntax(const struct cli_option *o, bool has_letter, char out[CLI_SYNTAX_MAX])
{
	char letter[5] = {'-', o->letter, ',', ' ', '\0'};
	snprintf(out, CLI_SYNTAX_MAX, "%s--%s%s%s", has_letter ? letter : "", o->name,
		 cli_takes_value(o) ? " " : "", cli_takes_value(o) ? o->arg : "");
	return out;
}

const char *cli_option_limits(const struct cli_option *o, char *out, size_t cap)
{
	size_t n = 0;
	out[0] = '\0';
	if (o->choices)
		n += (size_t)snprintf(out, cap, " One of %s.", o->choices);
	if (o->kind == CLI_INT && o->max != 0)
		n += (size_t)snprintf(out, cap, " From %" PRId64 " to %" PRId64 ".", o->min,
				      o->max);
	must(n < cap);
	if (o->fallback)
		snprintf(out + n, cap - n, " Default: %s.", o->fallback);
	return out;
}

static void put_option(void *ctx, const struct cli_option *o, bool has_letter)
{
	FILE *to = ctx;
	char syntax[CLI_SYNTAX_MAX], limits[200], doc[600];
	cli_option_syntax(o, has_letter, syntax);
	snprintf(doc, sizeof doc, "%s%s", o->doc, cli_option_limits(o, limits, sizeof limits));
	int n = fprintf(to, "  %s%s", has_letter ? "" : "    ", syntax);
	if (n > DOC_COLUMN - 2)
		fprintf(to, "\n%*s", DOC_COLUMN, "");
	else
		fprintf(to, "%*s", DOC_COLUMN - n, "");
	put_wrapped(to, doc, DOC_COLUMN, DOC_COLUMN);
}

static void put_columns(const struct table_column *c, FILE *to)
{
	if (!c || !c->name)
		return;
	fprintf(to, "\nColumns:\n");
	for (; c->name; c++) {
		int n = fprintf(to, "  %s", c->name);
		fprintf(to, "%*s", n > DOC_COLUMN - 2 ? 2 : DOC_COLUMN - n, "");
		put_wrapped(to, c->doc, DOC_COLUMN, DOC_COLUMN);
	}
}

static void put_examples(const struct cli_example *e, FILE *to)
{
	if (!e || !e->command)
		return;
	fprintf(to, "\nExamples:\n");
	for (; e->command; e++) {
		fprintf(to, "  %s\n      ", e->command);
		put_wrapped(to, e->doc, 6, 6);
	}
}

static void put_verb_help(const struct cli_verb *v, FILE *to)
{
	fprintf(to, "nj %s - %s\n\nUsage: nj %s [OPTION]...%s%s\n", v->name, v->summary, v->name,
		v->operands ? " " : "", v->operands ? v->operands : "");
	if (v->alias)
		fprintf(to, "Also: nj %s\n", v->alias);
	if (v->doc) {
		fputc('\n', to);
		put_wrapped(to, v->doc, 0, 0);
	}
	fprintf(to, "\nOptions:\n");
	cli_each_option(v, put_option, to);
	put_columns(v->columns, to);
	put_examples(v->examples, to);
}

static const struct cli_example examples[] = {
	{"nj status", "Whether every service runs, how far each is, what is wrong."},
	{"nj tap trade --count 5", "The next five trades on the bus."},
	{"nj help tap", "Everything about one verb."},
	{NULL, NULL},
};

static void put_group(const struct cli *cli, enum cli_group group, size_t width, FILE *to)
{
	bool titled = false;
	for (size_t i = 0; i < cli->n_verbs; i++) {
		const struct cli_verb *v = cli->verbs[i];
		if (v->group != group)
			continue;
		if (!titled)
			fprintf(to, "\n%s:\n", cli_group_title(group));
		titled = true;
		fprintf(to, "  %-*s  %s\n", (int)width, v->name, v->summary);
	}
}

void cli_print_help(const struct cli *cli, const struct cli_verb *verb, FILE *to)
{
	size_t width = 0;
	if (verb) {
		put_verb_help(verb, to);
		return;
	}
	for (size_t i = 0; i < cli->n_verbs; i++)
		width = strlen(cli->verbs[i]->name) > width ? strlen(cli->verbs[i]->name) : width;
	fprintf(to, "nj - %s\n\nUsage: nj [OPTION]... VERB [OPTION]...\n", CLI_TAGLINE);
	for (int group = 0; group < CLI_GROUP_COUNT; group++)
		put_group(cli, (enum cli_group)group, width, to);
	fprintf(to, "\nOptions:\n");
	cli_each_option(NULL, put_option, to);
	put_examples(examples, to);
}
