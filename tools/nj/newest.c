/* newest - see newest.h. */
#include "tools/nj/newest.h"

#include <stddef.h>
#include <string.h>

#include "common/io/clock.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct newest_options, member)

const struct cli_option newest_options[] = {
	OPTION_DATABASE(AT(database)),
	OPTION_ACCOUNT(AT(account)),
	{.name = "all", .kind = CLI_FLAG, .offset = AT(all), .doc = "Also what is over."},
	{0},
};

bool newest_wants(struct newest *p, const char *account, const char *instrument)
{
	bool wanted = p->argc == 0;
	for (int i = 0; i < p->argc; i++)
		wanted = wanted || strcmp(p->argv[i], instrument) == 0;
	wanted = wanted && (!p->o->account || strcmp(p->o->account, account) == 0);
	p->rows += wanted;
	return wanted;
}

void newest_figure(struct table *t, bool is, int64_t value, uint8_t scale)
{
	if (is)
		table_fixed(t, value, scale);
	else
		table_null(t);
}

static int print(struct newest *p, const struct newest_kind *kind, struct database *d)
{
	int rc = table_open(p->cli, kind->columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	int told = kind->read(d, p->o->all, kind->row, p);
	rc = table_close(p->table);
	if (told == CLI_OK && p->rows == 0)
		cli_note(p->cli, "%s", p->o->all ? kind->never : kind->none);
	return told == CLI_OK ? rc : told;
}

int newest_print(struct newest *p, const struct newest_kind *kind)
{
	struct database d;
	p->now = clock_wall(clock_real());
	int rc = database_open(p->cli, p->o->database, &d);
	if (rc == CLI_OK)
		rc = print(p, kind, &d);
	database_close(&d);
	return rc;
}
