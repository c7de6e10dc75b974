/* units - the watchdog's view of its units, and its orders: start, stop, restart. */
#include <inttypes.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/watchdog/unit.h"
#include "tools/nj/look.h"
#include "tools/nj/operate.h"
#include "tools/nj/table.h"

enum { UNITS_MAX = 24 };
#define ANSWER_NS (2 * NS_PER_S)
#define POLL_NS (100 * NS_PER_MS)

struct unit_view {
	char name[EVENT_NAME_MAX];
	enum unit_state state;
	int64_t pid, starts, deaths, failures, uptime_ms, beat_age_ms, retry_ms, rss;
};

struct units {
	struct unit_view at[UNITS_MAX]; /* in the order of starting */
	size_t n;
	bool supervised;
};

/* ---- asking the watchdog ---- */

static int64_t value_of(const struct client *c, const char *unit, const char *what)
{
	char name[EVENT_NAME_MAX];
	snprintf(name, sizeof name, "%.20s.%s", unit, what);
	return client_value(c, name, -1);
}

static void read_unit(const struct client *c, struct unit_view *u)
{
	u->state = (enum unit_state)value_of(c, u->name, "state");
	u->pid = value_of(c, u->name, "pid");
	u->starts = value_of(c, u->name, "starts");
	u->deaths = value_of(c, u->name, "deaths");
	u->failures = value_of(c, u->name, "failures");
	u->uptime_ms = value_of(c, u->name, "uptime_ms");
	u->beat_age_ms = value_of(c, u->name, "beat_age_ms");
	u->retry_ms = value_of(c, u->name, "retry_ms");
	u->rss = value_of(c, u->name, "rss");
}

/* One unit for each pair "NAME.state". */
static void read_units(const struct client *c, struct units *out)
{
	const struct pairs *v = &c->reply.reply.values;
	memset(out, 0, sizeof *out);
	out->supervised = client_value(c, "watchdog.supervises", 0) != 0;
	for (uint32_t i = 0; i < v->n && out->n < UNITS_MAX; i++) {
		size_t n = strlen(v->at[i].name);
		if (n < 7 || strcmp(v->at[i].name + n - 6, ".state") != 0)
			continue;
		struct unit_view *u = &out->at[out->n++];
		snprintf(u->name, sizeof u->name, "%.*s", (int)(n - 6), v->at[i].name);
		read_unit(c, u);
		if (u->state > UNIT_STOPPING)
			u->state = UNIT_STOPPED;
	}
}

static int ask_units(const struct cli *cli, struct client *c, struct units *out)
{
	struct event request;
	client_request_init(&request, verb_state);
	int rc = client_ask(c, "watchdog", &request, ANSWER_NS);
	if (rc)
		return cli_fail(cli, CLI_NOT_RUNNING,
				"the watchdog does not answer (%s); 'nj status' asks every service itself",
				err_text(rc));
	read_units(c, out);
	return CLI_OK;
}

static const struct unit_view *find(const struct units *units, const char *name)
{
	for (size_t i = 0; i < units->n; i++)
		if (strcmp(units->at[i].name, name) == 0)
			return &units->at[i];
	return NULL;
}

/* ---- ps ---- */

const struct table_column units_columns[] = {
	{"unit", TABLE_TEXT, "Supervised program."},
	{"state", TABLE_TEXT, "STOPPED STARTING RUNNING BACKOFF STOPPING; UNMANAGED: it is only watched."},
	{"pid", TABLE_ID, "Process id."},
	{"uptime", TABLE_SPAN, "Since its last start."},
	{"starts", TABLE_INT, "Times it was started."},
	{"deaths", TABLE_INT, "Times it ended by itself."},
	{"memory", TABLE_BYTES, "Resident."},
	{"beat", TABLE_SPAN, "Since its last heartbeat."},
	{"next_try", TABLE_SPAN, "BACKOFF: until it is started again."},
	{0},
};

static void put_ms(struct table *t, bool known, int64_t ms)
{
	if (known)
		table_int(t, ms * NS_PER_MS);
	else
		table_null(t);
}

static void put_pid(struct table *t, int64_t pid)
{
	if (pid > 0)
		table_int(t, pid);
	else
		table_null(t);
}

static void put_unit(struct table *t, const struct unit_view *u, bool supervised, bool near)
{
	bool managed = supervised || u->pid > 0;
	/* The watchdog counts from its own start where that is later. */
	int64_t age = near && u->pid > 0 ? look_uptime((pid_t)u->pid) / NS_PER_MS : 0;
	table_text(t, u->name);
	table_tone(t,
		   u->state == UNIT_RUNNING   ? TABLE_GOOD
		   : u->state == UNIT_BACKOFF ? TABLE_BAD
					      : TABLE_WARN,
		   managed ? unit_state_text(u->state) : "UNMANAGED");
	put_pid(t, u->pid);
	put_ms(t, u->pid > 0, age > 0 ? age : u->uptime_ms);
	table_int(t, u->starts);
	table_int(t, u->deaths);
	if (u->rss > 0 && u->pid > 0)
		table_int(t, u->rss);
	else
		table_null(t);
	put_ms(t, u->pid > 0 && u->beat_age_ms >= 0, u->beat_age_ms);
	put_ms(t, u->state == UNIT_BACKOFF && u->retry_ms >= 0, u->retry_ms);
}

static void put_watchdog(struct table *t, const char *bus_dir)
{
	pid_t pid = look_holder(bus_dir, "watchdog");
	table_text(t, "watchdog");
	table_tone(t, TABLE_GOOD, "RUNNING");
	put_pid(t, pid);
	put_ms(t, pid > 0, look_uptime(pid) / NS_PER_MS);
	for (int i = 0; i < 5; i++)
		table_null(t);
}

static int print_units(struct cli *cli, struct client *c, const struct units *units)
{
	struct table *t;
	int rc = table_open(cli, units_columns, &t);
	if (rc)
		return rc;
	put_watchdog(t, c->run.bus_dir);
	bool well = true;
	for (size_t i = 0; i < units->n; i++) {
		put_unit(t, &units->at[i], units->supervised, units->supervised && !client_far(c));
		well = well && (units->at[i].state == UNIT_RUNNING || !units->supervised);
	}
	rc = table_close(t);
	return rc ? rc : well ? CLI_OK : CLI_DEGRADED;
}

int units_ps(struct cli *cli, const void *options, int argc, char **argv)
{
	struct client c;
	struct units units;
	(void)options;
	(void)argc;
	(void)argv;
	int rc = look_living(cli, &c);
	if (rc)
		return rc;
	rc = ask_units(cli, &c, &units);
	if (!rc)
		rc = print_units(cli, &c, &units);
	client_close(&c);
	return rc;
}

/* ---- start, stop, restart ---- */

struct order {
	struct cli *cli;
	const struct units_options *o;
	struct client client;
	enum verb verb;
};

static bool is_service(const char *name)
{
	for (size_t i = 0; services_names[i]; i++)
		if (strcmp(services_names[i], name) == 0)
			return true;
	return false;
}

static bool lives(struct order *d, const char *unit)
{
	return !is_service(unit) ||
	       (look_ask(&d->client, unit, NS_PER_S / 2) == 0 && client_value(&d->client, "life", 0) == life_running);
}

/* Has the order been carried out? */
static bool is_done(struct order *d, const struct unit_view *before, const struct unit_view *now)
{
	if (d->verb == verb_stop)
		return now->state == UNIT_STOPPED;
	bool fresh = d->verb == verb_start || now->starts > before->starts;
	return fresh && now->state == UNIT_RUNNING && lives(d, now->name);
}

static int say_done(struct order *d, const struct unit_view *u, int64_t ns)
{
	char took[TABLE_SHORT_MAX];
	FILE *to = d->cli->out;
	fprintf(to, "%-10s %s", u->name, unit_state_text(u->state));
	if (u->pid > 0)
		fprintf(to, "  pid %" PRId64, u->pid);
	if (ns >= POLL_NS)
		fprintf(to, "  after %s\n", table_span(ns, took));
	else
		fputs("  already\n", to);
	fflush(to);
	return CLI_OK;
}

static int wait_for(struct order *d, const struct unit_view *before)
{
	const struct clock *clock = loop_clock(d->client.loop);
	int64_t start = clock_mono(clock), waited;
	struct units units;
	while ((waited = clock_mono(clock) - start) < d->o->timeout) {
		int rc = ask_units(d->cli, &d->client, &units);
		const struct unit_view *now = rc ? NULL : find(&units, before->name);
		if (rc || !now)
			return rc ? rc
				  : cli_fail(d->cli, CLI_FAILED, "%s is gone from the watchdog's units", before->name);
		if (is_done(d, before, now))
			return say_done(d, now, waited);
		if (now->deaths > before->deaths && d->verb != verb_stop)
			return cli_fail(d->cli, CLI_FAILED, "%s died while starting; see 'nj logs %s'", now->name,
					now->name);
		client_run(&d->client, POLL_NS);
	}
	return cli_fail(d->cli, CLI_TIMEOUT, "%s: ordered, but not done in time; see 'nj ps'", before->name);
}

static int carry_out(struct order *d, const struct unit_view *before)
{
	struct event request;
	client_request_init(&request, d->verb);
	event_set_name(request.request.target, before->name);
	int rc = client_ask(&d->client, "watchdog", &request, ANSWER_NS);
	if (rc)
		return cli_fail(d->cli, CLI_NOT_RUNNING, "the watchdog does not answer: %s", err_text(rc));
	const struct ev_reply *r = &d->client.reply.reply;
	if (r->result)
		return cli_fail(d->cli, CLI_FAILED, "%s: %s", before->name,
				r->message[0] ? r->message : err_text((int)r->result));
	if (d->o->no_wait) {
		fprintf(d->cli->out, "%-10s %s\n", before->name, r->message);
		return CLI_OK;
	}
	return wait_for(d, before);
}

/* Units that the operands name, in the watchdog's order, or against it where they are stopped. */
static int choose(struct order *d, const struct units *units, int argc, char **argv)
{
	bool chosen[UNITS_MAX] = {false};
	for (int i = 0; i < argc; i++) {
		const struct unit_view *u = find(units, argv[i]);
		bool all = strcmp(argv[i], "all") == 0;
		if (strcmp(argv[i], "watchdog") == 0)
			return cli_usage(d->cli, "the watchdog is no unit of its own: 'nj down' and 'nj up'");
		if (!u && !all)
			return cli_usage(d->cli, "there is no unit '%s'; 'nj ps' shows them", argv[i]);
		for (size_t k = 0; k < units->n; k++)
			chosen[k] = chosen[k] || all || u == &units->at[k];
	}
	for (size_t i = 0; i < units->n; i++) {
		size_t k = d->verb == verb_stop ? units->n - 1 - i : i;
		int rc = chosen[k] ? carry_out(d, &units->at[k]) : CLI_OK;
		if (rc)
			return rc;
	}
	return CLI_OK;
}

int units_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct order d;
	static struct units units;
	const char *name = cli->verb->name;
	d = (struct order){.cli = cli, .o = options};
	d.verb = strcmp(name, "start") == 0 ? verb_start : strcmp(name, "stop") == 0 ? verb_stop : verb_restart;
	int rc = look_living(cli, &d.client);
	if (rc)
		return rc;
	rc = ask_units(cli, &d.client, &units);
	if (!rc && !units.supervised)
		rc = cli_fail(cli, CLI_FAILED, "this watchdog does not supervise: ask the container engine or systemd");
	if (!rc)
		rc = choose(&d, &units, argc, argv);
	client_close(&d.client);
	return rc;
}

const struct cli_option units_options[] = {
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "30s",
	 .offset = offsetof(struct units_options, timeout),
	 .doc = "Longest wait for each; exit 5 after it."},
	{.name = "no-wait",
	 .kind = CLI_FLAG,
	 .offset = offsetof(struct units_options, no_wait),
	 .doc = "Only give the order."},
	{0},
};
