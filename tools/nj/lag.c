/* lag - how far each consumer is behind each publisher, and what became of every record on the way. */
#include "tools/nj/lag.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/table.h"

static const int64_t answer_ns = 2000000000;

const struct table_column lag_columns[] = {
	{"consumer", TABLE_TEXT, "Who follows."},
	{"publisher", TABLE_TEXT, "Whom."},
	{"lane", TABLE_TEXT, "m: market data; x: facts; t: telemetry, which is said again and never repaired."},
	{"state", TABLE_TEXT, "idle, catching up, live, stalled (its queue is full)."},
	{"topics", TABLE_INT, "Topics heard of."},
	{"published", TABLE_INT, "Records since the consumer joined, all topics and epochs: last - first + 1."},
	{"handled", TABLE_INT, "Of them: taken and acted upon."},
	{"conflated", TABLE_INT, "Of them: taken, not acted upon, because a newer one was there."},
	{"dropped", TABLE_INT, "Of them: gone for good."},
	{"waiting", TABLE_INT, "Of them: in the consumer's queue."},
	{"missing", TABLE_INT, "Known to be published beyond these, being asked for."},
	{"holes", TABLE_INT, "Times something was found missing and asked for."},
	{"stalls", TABLE_INT, "Times the queue was full."},
	{"adds_up", TABLE_BOOL, "published = handled + conflated + dropped + waiting, for every topic."},
	{0},
};

struct input {
	const struct client *client;
	char publisher[EVENT_SOURCE_MAX];
	char lane;
};

/* -1: this input has no such number. */
static int64_t value_of(const struct input *in, const char *what)
{
	char name[EVENT_NAME_MAX + 16];
	snprintf(name, sizeof name, "in.%s.%c.%s", in->publisher, in->lane, what);
	return client_value(in->client, name, -1);
}

static void put_value(struct table *t, const struct input *in, const char *what, bool bad)
{
	int64_t v = value_of(in, what);
	if (v < 0)
		table_null(t);
	else
		table_int_tone(t, bad && v > 0 ? TABLE_WARN : TABLE_PLAIN, v);
}

static void put_row(struct table *t, const char *consumer, const struct input *in, bool json)
{
	static const char *const states[] = {"idle", "catching up", "live", "stalled"};
	char lane[2] = {in->lane, '\0'};
	int64_t state = value_of(in, "state"), last = value_of(in, "last");
	table_text(t, consumer);
	table_text(t, in->publisher);
	table_text(t, lane);
	table_text(t, state >= 0 && state < (int64_t)ARRAY_LEN(states) ? states[state] : NULL);
	put_value(t, in, "topics", false);
	if (in->lane == 'x')
		table_int(t, last); /* exactly once: a sequence says it all */
	else
		put_value(t, in, "published", false);
	put_value(t, in, in->lane == 'x' ? "delivered" : "handled", false);
	put_value(t, in, "conflated", !json);
	put_value(t, in, "dropped", !json);
	put_value(t, in, "waiting", false);
	put_value(t, in, "missing", !json);
	put_value(t, in, "holes", false);
	put_value(t, in, "stalls", false);
	if (in->lane == 'x')
		table_null(t);
	else
		table_bool(t, value_of(in, "unbalanced") == 0);
}

/* "in.PUBLISHER.LANE." begins the pairs of an input; the same follow each other. */
static bool read_input(const struct pair *p, struct input *in)
{
	const char *dot = strncmp(p->name, "in.", 3) == 0 ? strchr(p->name + 3, '.') : NULL;
	size_t n = dot ? (size_t)(dot - p->name - 3) : 0;
	if (n == 0 || n >= sizeof in->publisher || !dot[1] || dot[2] != '.')
		return false;
	memset(in->publisher, 0, sizeof in->publisher);
	memcpy(in->publisher, p->name + 3, n);
	in->lane = dot[1];
	return true;
}

static void put_consumer(struct cli *cli, struct table *t, const struct client *c, const char *consumer, bool *well)
{
	const struct pairs *pairs = &c->reply.reply.values;
	struct input in = {.client = c}, before = {0};
	bool json = cli->format != CLI_AS_TABLE;
	for (uint32_t i = 0; i < pairs->n; i++) {
		if (!read_input(&pairs->at[i], &in))
			continue;
		bool same = in.lane == before.lane && strcmp(in.publisher, before.publisher) == 0;
		before = in;
		if (same || (in.lane == 't' && value_of(&in, "topics") <= 0))
			continue;
		put_row(t, consumer, &in, json);
		*well = *well && value_of(&in, "unbalanced") <= 0;
	}
}

static bool is_chosen(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 0;
}

static int ask_all(struct cli *cli, struct client *c, struct table *t, int argc, char **argv)
{
	bool well = true;
	uint32_t asked = 0, answered = 0;
	for (size_t i = 0; i < services_n; i++) {
		const char *name = services_names[i];
		if (!is_chosen(name, argc, argv))
			continue;
		asked++;
		if (look_holder(c->run.bus_dir, name) == 0 || look_ask(c, name, answer_ns) != 0)
			continue;
		answered++;
		put_consumer(cli, t, c, name, &well);
	}
	if (answered == 0)
		return cli_fail(cli, CLI_NOT_RUNNING, "nobody answers: see 'nj status'");
	return answered == asked && well ? CLI_OK : CLI_DEGRADED;
}

int lag_run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct client c;
	struct table *t;
	(void)options;
	for (int i = 0; i < argc; i++)
		if (look_find(cli, argv[i]) < 0)
			return CLI_USAGE;
	int rc = look_living(cli, &c);
	if (rc)
		return rc;
	rc = table_open(cli, lag_columns, &t);
	if (!rc) {
		int asked = ask_all(cli, &c, t, argc, argv);
		rc = table_close(t);
		rc = rc ? rc : asked;
	}
	client_close(&c);
	return rc;
}
