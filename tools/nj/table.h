/* table - rows of typed cells, printed as the user asked: table, json, jsonl, csv or tsv.
 *
 * For a terminal numbers are right-aligned, ages and sizes short, times without date where they are
 * of today; for programs they are exact: RFC 3339 with nanoseconds, plain numbers. Cells are given
 * row by row, one for each column in order; what is not known is table_null. Rows are printed as
 * they come, but for table and --sort, which need all of them. Text may come from outside: it is
 * made harmless.
 */
#ifndef NJ_TOOLS_NJ_TABLE_H
#define NJ_TOOLS_NJ_TABLE_H

#include <stdint.h>

#include "tools/nj/cli.h"

#define TABLE_COLUMNS_MAX 48

enum table_kind {
	TABLE_TEXT,
	TABLE_INT,    /* int64_t; with thousands separators for people */
	TABLE_ID,     /* int64_t without them: pids, ports, sequences */
	TABLE_NUMBER, /* exact decimal text, "12.30" */
	TABLE_BYTES,  /* int64_t; "1.2 MiB" for people */
	TABLE_SPAN,   /* int64_t ns; "3m12s" for people, ns in JSON */
	TABLE_TIME,   /* int64_t wall ns; RFC 3339 */
	TABLE_BOOL
};

struct table_column {
	const char
		*name; /* key in JSON; the heading is the same in capitals; NULL ends the table */
	enum table_kind kind;
	const char *doc;
};

/* Colour of a cell in a table; never the only carrier of a meaning. */
enum table_tone { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_WARN, TABLE_DIM };

struct table;

/* CLI_OK, or CLI_USAGE where --columns or --sort name no column (the error is printed). */
int table_open(struct cli *cli, const struct table_column *columns, struct table **ret_table);
/* Prints and frees. CLI_OK, or CLI_FAILED (told) where the rows did not fit the memory limit of 256
 * MiB. */
int table_close(struct table *t);

void table_text(struct table *t, const char *text); /* also TABLE_NUMBER; NULL: as table_null */
void table_tone(struct table *t, enum table_tone tone, const char *text);
void table_int(struct table *t, int64_t value); /* TABLE_INT, _ID, _BYTES, _SPAN, _TIME */
void table_int_tone(struct table *t, enum table_tone tone, int64_t value); /* the same */
void table_fixed(struct table *t, int64_t value, int scale); /* TABLE_NUMBER: value / 10^scale */
void table_bool(struct table *t, bool value);
void table_null(struct table *t);

/* "3m12s", "1.2 MiB", "1,234,567" for other prints. */
#define TABLE_SHORT_MAX 32
const char *table_span(int64_t ns, char out[TABLE_SHORT_MAX]);
const char *table_bytes(int64_t bytes, char out[TABLE_SHORT_MAX]);
const char *table_thousands(int64_t value, char out[TABLE_SHORT_MAX]);

#endif
