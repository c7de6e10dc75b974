/* table_text - how single values of a table are written, for people and for programs. */
#ifndef NJ_TOOLS_NJ_TABLE_TEXT_H
#define NJ_TOOLS_NJ_TABLE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_SHOWN_MAX 512 /* bytes of a cell in a table for people; longer text ends in "..." */

/* A cell as a terminal shows it: nothing in it but printable characters; width counts them. */
struct table_shown {
	char text[TABLE_SHOWN_MAX];
	size_t width;
};

void table_show_text(const char *text, struct table_shown *out);
void table_show_head(const char *name, struct table_shown *out); /* in capitals */

/* "02:20:00.123" of the day that `now` is in, else "2026-11-21 02:20:00"; UTC. out: 32 bytes. */
const char *table_time(int64_t wall_ns, int64_t now, char out[32]);

/* Order of two decimal texts by value, whatever their scales: below, equal to or above 0. */
int table_compare_numbers(const char *a, const char *b);

void table_put_json(FILE *to, const char *text); /* with quotes */
void table_put_csv(FILE *to, const char *text);  /* RFC 4180 */
void table_put_tsv(FILE *to, const char *text);  /* tab, line feed and backslash as \t \n \\ */

#endif
