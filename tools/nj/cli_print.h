/* cli_print - what is printed from the rows of verbs: help, man pages, Markdown, completion
 * scripts. */
#ifndef NJ_TOOLS_NJ_CLI_PRINT_H
#define NJ_TOOLS_NJ_CLI_PRINT_H

#include "tools/nj/cli.h"

#define CLI_TAGLINE "see and run a Nightjar stack"

void cli_print_version(FILE *to);
void cli_print_help(const struct cli *cli, const struct cli_verb *verb,
		    FILE *to); /* verb NULL: of nj */
void cli_print_man(const struct cli *cli, const struct cli_verb *verb,
		   FILE *to); /* roff, section 1 */
void cli_print_markdown(const struct cli *cli, FILE *to); /* all verbs, one page */

/* shell: bash, zsh or fish; ERR_ARG for others. */
int cli_print_completion(const struct cli *cli, const char *shell, FILE *to);

/* Text from outside: control characters and bytes that are not UTF-8 are escaped, so that none
 * reaches a terminal. */
void cli_put_safe(FILE *to, const char *text);

const char *cli_group_title(enum cli_group group);

/* "-n, --count N" without brackets; has_letter as cli_each_option gives it. */
#define CLI_SYNTAX_MAX 96
const char *cli_option_syntax(const struct cli_option *o, bool has_letter,
			      char out[CLI_SYNTAX_MAX]);
/* "Default: 10. One of a|b." or "" */
const char *cli_option_limits(const struct cli_option *o, char *out, size_t cap);

#endif
