/* command_rows - the options that reload, snapshot and log-level have in common. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct command_options, member)

const struct cli_option command_common[] = {
	{.letter = 'r',
	 .name = "reason",
	 .kind = CLI_TEXT,
	 .arg = "TEXT",
	 .offset = AT(reason),
	 .doc = "Why; journalled with the command."},
	OPTION_OWNER(AT(owner)),
	OPTION_ANSWER(AT(timeout), "Longest wait for all of them."),
	{0},
};
