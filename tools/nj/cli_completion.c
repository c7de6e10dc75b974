/* cli_completion - scripts that complete verbs, options and their values in bash, zsh and fish.
 *
 * The scripts are printed whole from the rows, they do not ask nj at each key: completion works at
 * once and where nothing runs. Print them again after an update.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/cli_print.h"

/* "a|b|c" as "a b c". */
static void put_words(FILE *to, const char *choices)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? ' ' : *choices, to);
}

static void put_verb_names(const struct cli *cli, FILE *to)
{
	for (size_t i = 0; i < cli->n_verbs; i++)
		fprintf(to, "%s%s", i ? " " : "", cli->verbs[i]->name);
}

static void put_operands(const struct cli *cli, const struct cli_verb *v, FILE *to)
{
	if (v->operand_choices && strcmp(v->operand_choices, CLI_VERB_NAMES) == 0)
		put_verb_names(cli, to);
	else if (v->operand_choices)
		put_words(to, v->operand_choices);
}

/* ---- bash ---- */

static void bash_option_name(void *ctx, const struct cli_option *o, bool has_letter)
{
	(void)has_letter;
	fprintf(ctx, " --%s", o->name);
}

/* What follows an option that takes a value. */
static void bash_option_value(void *ctx, const struct cli_option *o, bool has_letter)
{
	FILE *to = ctx;
	if (!cli_takes_value(o))
		return;
	fprintf(to, "\t\t--%s", o->name);
	if (has_letter)
		fprintf(to, "|-%c", o->letter);
	fputs(") ", to);
	if (o->choices) {
		fputs("COMPREPLY=($(compgen -W \"", to);
		put_words(to, o->choices);
		fputs("\" -- \"$cur\"));", to);
	} else if (o->kind == CLI_PATH) {
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"));", to);
	}
	fputs(" return;;\n", to);
}

static void bash_verb(const struct cli *cli, const struct cli_verb *v, FILE *to)
{
	fprintf(to, "\t%s%s%s)\n\t\tcase $prev in\n", v->name, v->alias ? "|" : "",
		v->alias ? v->alias : "");
	cli_each_option(v, bash_option_value, to);
	fputs("\t\tesac\n\t\twords=\"", to);
	put_operands(cli, v, to);
	fputs("\" options=\"", to);
	cli_each_option(v, bash_option_name, to);
	fputs("\";;\n", to);
}

static void bash(const struct cli *cli, FILE *to)
{
	fputs("# bash completion of nj, printed by `nj completion bash`\n"
	      "_nj() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal verb= words= options= i\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t-c|--config|-s|--set) ((i++));;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) verb=${COMP_WORDS[i]}; break;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $verb in\n"
	      "\t'')\n\t\tcase $prev in\n",
	      to);
	cli_each_option(NULL, bash_option_value, to);
	fputs("\t\tesac\n\t\twords=\"", to);
	put_verb_names(cli, to);
	fputs("\" options=\"", to);
	cli_each_option(NULL, bash_option_name, to);
	fputs("\";;\n", to);
	for (size_t i = 0; i < cli->n_verbs; i++)
		bash_verb(cli, cli->verbs[i], to);
	fputs("\tesac\n"
	      "\t[[ $cur == -* ]] && words=$options\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "}\n"
	      "complete -o default -F _nj nj\n", to);
}

/* ---- zsh ---- */

/* Inside '…' of a spec: quotes, and the signs that _arguments reads. */
static void zsh_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", to);
		else if (strchr("[]:\\", *text))
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void zsh_value(FILE *to, const struct cli_option *o)
{
	fputc(':', to);
	zsh_text(to, o->arg);
	fputc(':', to);
	if (o->choices) {
		fputc('(', to);
		put_words(to, o->choices);
		fputc(')', to);
	} else if (o->kind == CLI_PATH) {
		fputs("_files", to);
	}
}

static void zsh_option(void *ctx, const struct cli_option *o, bool has_letter)
{
	FILE *to = ctx;
	bool repeats = o->kind == CLI_LIST || o->kind == CLI_COUNTER;
	fprintf(to, " \\\n\t\t\t");
	if (has_letter && !repeats)
		fprintf(to, "'(-%c --%s)'", o->letter, o->name);
	else if (repeats)
		fputs("'*'", to);
	if (has_letter)
		fprintf(to, "{-%c,--%s}'[", o->letter, o->name);
	else
		fprintf(to, "'--%s[", o->name);
	zsh_text(to, o->doc);
	fputc(']', to);
	if (cli_takes_value(o))
		zsh_value(to, o);
	fputc('\'', to);
}

static void zsh_verb(const struct cli *cli, const struct cli_verb *v, FILE *to)
{
	fprintf(to, "\t\t%s%s%s)\n\t\t\t_arguments", v->name, v->alias ? "|" : "",
		v->alias ? v->alias : "");
	cli_each_option(v, zsh_option, to);
	if (v->operand_choices) {
		fputs(" \\\n\t\t\t'*:operand:(", to);
		put_operands(cli, v, to);
		fputs(")'", to);
	}
	fputs(";;\n", to);
}

static void zsh(const struct cli *cli, FILE *to)
{
	fputs("#compdef nj\n# zsh completion of nj, printed by `nj completion zsh`\n"
	      "_nj() {\n"
	      "\tlocal context state state_descr line\n"
	      "\ttypeset -A opt_args\n"
	      "\t_arguments -C", to);
	cli_each_option(NULL, zsh_option, to);
	fputs(" \\\n\t\t\t'1:verb:->verb' '*::operand:->rest'\n"
	      "\tcase $state in\n"
	      "\tverb)\n\t\tlocal -a verbs=(\n", to);
	for (size_t i = 0; i < cli->n_verbs; i++) {
		fprintf(to, "\t\t\t'%s:", cli->verbs[i]->name);
		zsh_text(to, cli->verbs[i]->summary);
		fputs("'\n", to);
	}
	fputs("\t\t)\n\t\t_describe verb verbs;;\n\trest)\n\t\tcase $words[1] in\n", to);
	for (size_t i = 0; i < cli->n_verbs; i++)
		zsh_verb(cli, cli->verbs[i], to);
	fputs("\t\tesac;;\n\tesac\n}\n"
	      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _nj \"$@\"; else compdef _nj "
	      "nj; fi\n",
	      to);
}

/* ---- fish ---- */

static void fish_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
}

struct fish {
	FILE *to;
	const struct cli_verb *verb; /* NULL: nj itself */
};

static void fish_head(const struct fish *f)
{
	if (f->verb)
		fprintf(f->to, "complete -c nj -n '__fish_seen_subcommand_from %s%s%s'",
			f->verb->name, f->verb->alias ? " " : "",
			f->verb->alias ? f->verb->alias : "");
	else
		fputs("complete -c nj -n __fish_use_subcommand", f->to);
}

static void fish_option(void *ctx, const struct cli_option *o, bool has_letter)
{
	const struct fish *f = ctx;
	fish_head(f);
	if (has_letter)
		fprintf(f->to, " -s %c", o->letter);
	fprintf(f->to, " -l %s", o->name);
	if (cli_takes_value(o))
		fputs(o->kind == CLI_PATH ? " -r -F" : " -x", f->to);
	if (o->choices) {
		fputs(" -a '", f->to);
		put_words(f->to, o->choices);
		fputc('\'', f->to);
	}
	fputs(" -d '", f->to);
	fish_text(f->to, o->doc);
	fputs("'\n", f->to);
}

static void fish(const struct cli *cli, FILE *to)
{
	struct fish f = {.to = to};
	fputs("# fish completion of nj, printed by `nj completion fish`\ncomplete -c nj -f\n", to);
	for (size_t i = 0; i < cli->n_verbs; i++) {
		fish_head(&f);
		fprintf(to, " -a %s -d '", cli->verbs[i]->name);
		fish_text(to, cli->verbs[i]->summary);
		fputs("'\n", to);
	}
	cli_each_option(NULL, fish_option, &f);
	for (size_t i = 0; i < cli->n_verbs; i++) {
		f.verb = cli->verbs[i];
		cli_each_option(f.verb, fish_option, &f);
		if (!f.verb->operand_choices)
			continue;
		fish_head(&f);
		fputs(" -a '", to);
		put_operands(cli, f.verb, to);
		fputs("'\n", to);
	}
}

int cli_print_completion(const struct cli *cli, const char *shell, FILE *to)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli *cli, FILE *to);
	} shells[] = {
		{"bash", bash},
		{"zsh", zsh},
		{"fish", fish},
	};
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].print(cli, to);
			return 0;
		}
	return ERR_ARG;
}
