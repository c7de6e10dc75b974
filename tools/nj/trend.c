/* trend - what the watchdog has sampled of each service, and how fast it changes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/table.h"

#define ANSWER_NS (2 * NS_PER_S)

const struct table_column trend_columns[] = {
	{"service", TABLE_TEXT, "Whom the watchdog watches."},
	{"history", TABLE_SPAN, "How far its samples reach back: one a minute since its start, a week at most."},
	{"memory", TABLE_BYTES, "Its own: resident, without files that are mapped (nj status counts those, too)."},
	{"memory_1h", TABLE_BYTES, "Growth of it in an hour, judged by the last hour."},
	{"memory_6h", TABLE_BYTES, "The same, judged by six hours."},
	{"memory_7d", TABLE_BYTES, "The same, judged by the week."},
	{"cpu", TABLE_NUMBER, "Per cent of a core, over the last minute."},
	{"threads", TABLE_INT, "Threads."},
	{"fds", TABLE_INT, "Open descriptors."},
	{"fds_6h", TABLE_INT, "Their growth in an hour, judged by six hours."},
	{"queued", TABLE_INT, "Events that wait for their turn."},
	{"journal", TABLE_BYTES, "On disk."},
	{"journal_6h", TABLE_BYTES, "Its growth in an hour, judged by six hours."},
	{0},
};

/* The watchdog's pair "NAME.what" behind each column after the first. */
static const struct {
	const char *what;
	bool slope;
} rows[] = {
	{"samples", false}, {"anon", false},   {"memory_1h", true}, {"memory_6h", true},
	{"memory_7d", true}, {"cpu", false},   {"threads", false},  {"fds", false},
	{"fds_6h", true},   {"queued", false}, {"journal", false},  {"journal_6h", true},
};

enum { SAMPLES_FOR_A_SLOPE = 10 }; /* as the watchdog's trend has it */

static int64_t value_of(const struct client *c, const char *service, const char *what)
{
	char name[EVENT_NAME_MAX];
	snprintf(name, sizeof name, "%.20s.%s", service, what);
	return client_value(c, name, 0);
}

static void put_service(struct table *t, const struct client *c, const char *service)
{
	int64_t samples = value_of(c, service, "samples");
	char cpu[32];
	table_text(t, service);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t value = value_of(c, service, rows[i].what);
		if (rows[i].slope && samples < SAMPLES_FOR_A_SLOPE) {
			table_null(t);
		} else if (strcmp(rows[i].what, "cpu") == 0) {
			snprintf(cpu, sizeof cpu, "%" PRId64 ".%" PRId64, value / 10, value % 10);
			table_text(t, cpu);
		} else {
			table_int(t, i == 0 ? value * 60 * NS_PER_S : value);
		}
	}
}

/* One service for each pair "NAME.samples". */
static int print_services(struct cli *cli, const struct client *c, const char *only)
{
	const struct pairs *v = &c->reply.reply.values;
	struct table *t;
	int rc = table_open(cli, trend_columns, &t);
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
	int rc = look_living(cli, &c);
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
