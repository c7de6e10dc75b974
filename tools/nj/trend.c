/* trend - what the watchdog has sampled of each service, and how fast it changes. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/table.h"

#define ANSWER_NS (2 * NS_PER_S)

/* Heading, and which of the watchdog's pairs "NAME.what" it shows (services/watchdog/memory.c). */
static const struct {
	struct table_column column;
	const char *what;
	int64_t unit;
} rows[] = {
	{{"samples", TABLE_SPAN, "How far they reach: one a minute since the service's start, a week at most."},
	 "samples",
	 60 * NS_PER_S},
	{{"memory", TABLE_BYTES, "Resident, without files that are mapped."}, "anon", 1},
	{{"memory_1h", TABLE_BYTES, "Its growth an hour, over the last hour."}, "memory_1h", 1},
	{{"memory_6h", TABLE_BYTES, "The same over six hours."}, "memory_6h", 1},
	{{"memory_7d", TABLE_BYTES, "The same over the week."}, "memory_7d", 1},
	{{"cpu", TABLE_INT, "Thousandths of a core, over the last minute."}, "cpu", 1},
	{{"threads", TABLE_INT, "Threads."}, "threads", 1},
	{{"fds", TABLE_INT, "Open descriptors."}, "fds", 1},
	{{"fds_6h", TABLE_INT, "Their growth an hour, over six hours."}, "fds_6h", 1},
	{{"queued", TABLE_INT, "Events that wait for their turn."}, "queued", 1},
	{{"journal", TABLE_BYTES, "On disk."}, "journal", 1},
	{{"journal_6h", TABLE_BYTES, "Its growth an hour, over six hours."}, "journal_6h", 1},
};

static int64_t value_of(const struct client *c, const char *service, const char *what)
{
	char name[EVENT_NAME_MAX];
	snprintf(name, sizeof name, "%.20s.%s", service, what);
	return client_value(c, name, 0);
}

static void put_service(struct table *t, const struct client *c, const char *service)
{
	table_text(t, service);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		table_int(t, value_of(c, service, rows[i].what) * rows[i].unit);
}

/* One service for each pair "NAME.samples". */
static int print_services(struct cli *cli, const struct client *c, const char *only)
{
	struct table_column columns[ARRAY_LEN(rows) + 2] = {{"service", TABLE_TEXT, "Whom the watchdog watches."}};
	const struct pairs *v = &c->reply.reply.values;
	struct table *t;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		columns[i + 1] = rows[i].column;
	int rc = table_open(cli, columns, &t);
	for (uint32_t i = 0; rc == CLI_OK && i < v->n; i++) {
		char service[EVENT_NAME_MAX];
		size_t n = strlen(v->at[i].name);
		if (n < 9 || strcmp(v->at[i].name + n - 8, ".samples") != 0)
			continue;
		snprintf(service, sizeof service, "%.*s", (int)(n - 8), v->at[i].name);
		if (!only || strcmp(only, service) == 0)
			put_service(t, c, service);
	}
	return rc ? rc : table_close(t);
}

int trend_run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct client c;
	struct event request;
	(void)options;
	if (argc > 0 && look_find(cli, argv[0]) < 0)
		return CLI_USAGE;
	int rc = look_client(cli, &c);
	if (rc)
		return rc;
	client_request_init(&request, verb_state);
	int err = client_ask(&c, "watchdog", &request, ANSWER_NS);
	rc = err ? cli_fail(cli, CLI_NOT_RUNNING, "the watchdog does not answer (%s): only it keeps samples",
			    err_text(err))
		 : print_services(cli, &c, argc > 0 ? argv[0] : NULL);
	client_close(&c);
	return rc;
}
