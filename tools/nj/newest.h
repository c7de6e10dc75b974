/* newest - what nj orders and nj positions have alike: the newest record of each, of an account or instruments. */
#ifndef NJ_TOOLS_NJ_NEWEST_H
#define NJ_TOOLS_NJ_NEWEST_H

#include "tools/nj/database.h"
#include "tools/nj/table.h"

struct newest_options {
	const char *database, *account;
	bool all;
};
extern const struct cli_option newest_options[]; /* of a struct newest_options */

struct newest {
	struct cli *cli;
	const struct newest_options *o;
	int argc; /* instruments; none: all of them */
	char **argv;
	struct table *table;
	int64_t now; /* wall clock */
	uint64_t rows;
};

struct newest_kind {
	const struct table_column *columns;
	int (*read)(struct database *d, bool all, store_read_event_fn *fn, void *ctx);
	store_read_event_fn *row; /* ctx: the struct newest */
	const char *never, *none; /* told where there is no row, with --all and without */
};

/* Is it of the account and the instruments that were asked for? Counts it. */
bool newest_wants(struct newest *p, const char *account, const char *instrument);
/* A figure, or none. */
void newest_figure(struct table *t, bool is, int64_t value, uint8_t scale);

/* An exit code, told. */
int newest_print(struct newest *p, const struct newest_kind *kind);

#endif
