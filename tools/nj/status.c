/* status - what runs, whether it works, and how far it is: as a table, as JSON, one service at
 * length. */
#include "tools/nj/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/nj/cli_print.h"
#include "tools/nj/logs.h"
#include "tools/nj/look.h"
#include "tools/nj/table.h"
#include "tools/nj/table_text.h"

enum { LOG_LINES = 5 }; /* below each service at length */

/* ---- the short table ---- */

const struct table_column status_columns[] = {
	{"service", TABLE_TEXT, "Who."},
	{"state", TABLE_TEXT, "Where it is in its life; idle: no work for longer than it calls normal."},
	{"pid", TABLE_ID, "Process id."},
	{"uptime", TABLE_SPAN, "Since its start."},
	{"last_work", TABLE_SPAN, "Since it last did something useful."},
	{"x_last", TABLE_ID, "Number of the last fact that it has written down and published (lane X)."},
	{"rate", TABLE_NUMBER, "Useful work a second, now."},
	{"memory", TABLE_BYTES, "Resident, shared pages included."},
	{"errors", TABLE_INT, "Errors logged since its start."},
	{"data", TABLE_TEXT, "Whose data the collector brings: live, replay, simulated, none."},
	{"data_age", TABLE_SPAN, "Since the last of it."},
	{"note", TABLE_TEXT, "What it says of itself: connected, running, paused, or what is wrong."},
	{0},
};

static enum table_tone tone_of(enum look_state state)
{
	return state == LOOK_RUNNING                          ? TABLE_GOOD
	       : state == LOOK_STARTING || state == LOOK_IDLE ? TABLE_WARN
							      : TABLE_BAD;
}

static const char *rate_text(const struct look_service *s, char out[32])
{
	int64_t rate = look_rate(s);
	if (rate < 0)
		return NULL;
	snprintf(out, 32, "%" PRId64 ".%" PRId64, rate / 1000, rate % 1000 / 100);
	return out;
}

static int64_t last_work(const struct look *l, const struct look_service *s)
{
	int64_t age = s->beats && s->beat.worked_at ? l->wall - s->beat.worked_at : -1;
	return age < 0 && s->beats && s->beat.worked_at ? 0 : age;
}

static void put_known(struct table *t, bool known, int64_t value)
{
	if (known)
		table_int(t, value);
	else
		table_null(t);
}

static int64_t errors_of(const struct look_service *s)
{
	return s->beats ? (int64_t)s->beat.errors : look_value(s, "errors", 0);
}

/* Of a service that brings data in: its name; NULL of others. */
static const char *data_text(const struct look_service *s)
{
	int64_t origin = look_value(s, "collector_data_origin", -1);
	return origin < 0 ? NULL : origin == 0 ? "none" : enum_text(enum_origin(), (uint8_t)origin);
}

static int64_t data_age(const struct look_service *s)
{
	return look_value(s, "collector_data_origin", 0) > 0 ? look_value(s, "collector_data_age_ns", -1) : -1;
}

static void put_row(struct table *t, const struct look *l, const struct look_service *s)
{
	char rate[32];
	table_text(t, s->name);
	table_tone(t, tone_of(look_state(l, s)), look_state_text(l, s));
	put_known(t, s->pid != 0, s->pid);
	put_known(t, s->uptime != 0, s->uptime);
	put_known(t, last_work(l, s) >= 0, last_work(l, s));
	put_known(t, s->answered, look_value(s, "x_last", 0));
	table_text(t, rate_text(s, rate));
	put_known(t, s->beats != 0, (int64_t)s->beat.rss);
	put_known(t, s->answered || s->beats, errors_of(s));
	table_text(t, data_text(s));
	put_known(t, data_age(s) >= 0, data_age(s));
	if (look_state(l, s) == LOOK_ILL)
		table_tone(t, TABLE_BAD, s->beat.note);
	else
		table_text(t, s->beats ? s->beat.note : NULL);
}

static int print_table(struct cli *cli, const struct look *l, const bool *chosen)
{
	struct table *t;
	int rc = table_open(cli, status_columns, &t);
	for (size_t i = 0; rc == CLI_OK && i < services_n; i++)
		if (chosen[i])
			put_row(t, l, &l->at[i]);
	return rc ? rc : table_close(t);
}

/* ---- JSON: everything, exactly ---- */

static void json_time(FILE *to, const char *name, int64_t wall)
{
	char text[32];
	if (wall)
		fprintf(to, ",\"%s\":\"%s\"", name, clock_rfc3339(wall, text));
	else
		fprintf(to, ",\"%s\":null", name);
}

static void json_beat(FILE *to, const struct look_service *s)
{
	int64_t rate = look_rate(s);
	fprintf(to, ",\"progress\":%" PRIu64, s->beat.progress);
	if (rate >= 0)
		fprintf(to, ",\"rate\":%" PRId64 ".%03" PRId64, rate / 1000, rate % 1000);
	json_time(to, "worked_at", s->beat.worked_at);
	json_time(to, "m_last", s->beat.m_last);
	fprintf(to,
		",\"silence_max_ns\":%" PRId64 ",\"rss_bytes\":%" PRIu64 ",\"errors\":%" PRIu64
		",\"journal_bytes\":%" PRIu64 ",\"note\":",
		s->beat.silence_max, s->beat.rss, s->beat.errors, s->beat.x_offset);
	table_put_json(to, s->beat.note);
}

static void json_service(FILE *to, const struct look *l, const struct look_service *s)
{
	fprintf(to, "{\"service\":\"%s\",\"state\":\"%s\",\"well\":%s,\"pid\":", s->name, look_state_text(l, s),
		look_state(l, s) == LOOK_RUNNING ? "true" : "false");
	fprintf(to, s->pid ? "%d" : "null", (int)s->pid);
	fprintf(to, ",\"uptime_ns\":%" PRId64, s->uptime);
	json_time(to, "at", l->wall);
	if (s->answered) {
		fputs(",\"version\":", to);
		table_put_json(to, s->version);
	}
	if (s->beats)
		json_beat(to, s);
	if (data_text(s))
		fprintf(to, ",\"data\":\"%s\"", data_text(s));
	if (data_age(s) >= 0)
		fprintf(to, ",\"data_age_ns\":%" PRId64, data_age(s));
	fputs(",\"values\":{", to);
	for (uint32_t i = 0; i < s->n_pairs; i++) {
		fputs(i ? "," : "", to);
		table_put_json(to, s->pairs[i].name);
		fprintf(to, ":%" PRId64, s->pairs[i].value);
	}
	fputs("}}", to);
}

static void print_json(const struct cli *cli, const struct look *l, const bool *chosen)
{
	bool lines = cli->format == CLI_AS_JSONL, first = true;
	fputs(lines ? "" : "[", cli->out);
	for (size_t i = 0; i < services_n; i++) {
		if (!chosen[i])
			continue;
		fputs(first ? "" : lines ? "\n" : ",\n ", cli->out);
		json_service(cli->out, l, &l->at[i]);
		first = false;
	}
	fputs(lines ? "\n" : "]\n", cli->out);
}

/* ---- one service at length, as systemctl does ---- */

static const char *input_state(int64_t state)
{
	static const char *const text[] = {"idle", "catching up", "live", "stalled"};
	return state >= 0 && state < (int64_t)ARRAY_LEN(text) ? text[state] : "?";
}

/* "in.PUBLISHER.LANE.state" starts an input's pairs. */
static void print_input(FILE *to, const struct look_service *s, const char *prefix)
{
	char name[EVENT_NAME_MAX + 16], held[TABLE_SHORT_MAX], queued[TABLE_SHORT_MAX], input[32];
	snprintf(name, sizeof name, "%s.delivered", prefix);
	table_thousands(look_value(s, name, 0), held);
	snprintf(name, sizeof name, "%s.queued", prefix);
	table_thousands(look_value(s, name, 0), queued);
	snprintf(name, sizeof name, "%s.state", prefix);
	const char *state = input_state(look_value(s, name, -1));
	snprintf(name, sizeof name, "%s.holes", prefix);
	snprintf(input, sizeof input, "%.28s", prefix + 3);
	fprintf(to, "           %-12s %-11s %s taken, %s waiting, %" PRId64 " holes\n", input, state, held, queued,
		look_value(s, name, 0));
}

static void print_inputs(FILE *to, const struct look_service *s)
{
	bool first = true;
	for (uint32_t i = 0; i < s->n_pairs; i++) {
		char prefix[EVENT_NAME_MAX];
		size_t n = strlen(s->pairs[i].name);
		if (strncmp(s->pairs[i].name, "in.", 3) != 0 || n < 7 ||
		    strcmp(s->pairs[i].name + n - 6, ".state") != 0)
			continue;
		snprintf(prefix, sizeof prefix, "%.*s", (int)(n - 6), s->pairs[i].name);
		if (first)
			fputs("   Inputs:\n", to);
		first = false;
		print_input(to, s, prefix);
	}
}

static const char *color_of(enum look_state state)
{
	return state == LOOK_RUNNING ? "\033[1;32m" : tone_of(state) == TABLE_WARN ? "\033[1;33m" : "\033[1;31m";
}

static void print_work(FILE *to, const struct look *l, const struct look_service *s)
{
	char count[TABLE_SHORT_MAX], age[TABLE_SHORT_MAX], rate[32], size[TABLE_SHORT_MAX];
	const char *r = rate_text(s, rate);
	if (!s->beats)
		return;
	fprintf(to, "     Work: %s done", table_thousands((int64_t)s->beat.progress, count));
	if (r)
		fprintf(to, ", %s a second", r);
	if (last_work(l, s) >= 0)
		fprintf(to, ", the last %s ago", table_span(last_work(l, s), age));
	fprintf(to, "\n   Memory: %s\n", table_bytes((int64_t)s->beat.rss, size));
	fprintf(to, "  Journal: #%" PRIu64 " durable, %s\n", s->beat.x_last,
		table_bytes((int64_t)s->beat.x_offset, size));
}

static void print_block(const struct cli *cli, const struct look *l, const struct look_service *s)
{
	char up[TABLE_SHORT_MAX];
	FILE *to = cli->out;
	enum look_state state = look_state(l, s);
	const char *on = cli->color ? color_of(state) : "", *off = cli->color ? "\033[0m" : "";
	fprintf(to, "%s●%s %s\n    State: %s%s%s", on, off, s->name, on, look_state_text(l, s), off);
	if (s->beats && s->beat.note[0] && strcmp(s->beat.note, look_state_text(l, s)) != 0) {
		fputs(" (", to);
		cli_put_safe(to, s->beat.note);
		fputc(')', to);
	}
	if (s->uptime)
		fprintf(to, " for %s", table_span(s->uptime, up));
	fputc('\n', to);
	if (s->pid)
		fprintf(to, " Main PID: %d (nightjar-%s %s)\n", (int)s->pid, s->name, s->answered ? s->version : "");
	print_work(to, l, s);
	if (data_text(s))
		fprintf(to, "     Data: %s", data_text(s));
	if (data_age(s) >= 0)
		fprintf(to, ", the last %s ago", table_span(data_age(s), up));
	if (data_text(s))
		fputc('\n', to);
	if (s->answered || s->beats)
		fprintf(to, "   Errors: %" PRId64 "\n", errors_of(s));
	print_inputs(to, s);
}

/* ---- the verb ---- */

static int choose(const struct cli *cli, int argc, char **argv, bool chosen[SERVICES_MAX])
{
	for (size_t i = 0; i < SERVICES_MAX; i++)
		chosen[i] = argc == 0;
	for (int i = 0; i < argc; i++) {
		int at = look_find(cli, argv[i]);
		if (at < 0)
			return CLI_USAGE;
		chosen[at] = true;
	}
	return CLI_OK;
}

/* As look_exit, of the chosen ones. */
static int exit_of(const struct look *l, const bool *chosen)
{
	size_t n = 0, well = 0, down = 0;
	for (size_t i = 0; i < services_n; i++) {
		n += chosen[i];
		well += chosen[i] && look_state(l, &l->at[i]) == LOOK_RUNNING;
		down += chosen[i] && look_state(l, &l->at[i]) == LOOK_STOPPED;
	}
	return well == n ? CLI_OK : down == n ? CLI_NOT_RUNNING : CLI_DEGRADED;
}

/* What people ask next, where not all is well. */
static void advise(const struct cli *cli, const struct look *l, const bool *chosen)
{
	size_t i = 0, lost = 0;
	fflush(cli->out); /* behind the table, also where both go into one pipe */
	while (i < services_n && !(chosen[i] && look_state(l, &l->at[i]) == LOOK_STOPPED))
		i++;
	while (services_is_collector(services_names[lost]) &&
	       !(chosen[lost] && strcmp(l->at[lost].beat.note, "no connection") == 0))
		lost++;
	if (look_deserted(&l->client))
		cli_note(cli, LOOK_DESERTED, l->client.run.bus_dir);
	else if (i < services_n && strcmp(l->at[i].name, "watchdog") == 0)
		cli_note(cli, "the watchdog does not run, and nothing is started again: 'nj up' starts it, 'nj logs "
			 "watchdog' and 'nj logs keeper' tell why it ended");
	else if (i < services_n)
		cli_note(cli, "%s does not run: 'nj ps' tells when it is tried again, 'nj logs %s' why it ended",
			 l->at[i].name, l->at[i].name);
	else if (services_is_collector(services_names[lost]))
		cli_note(cli,
			 "no data from the venue, so no trades; the collector goes on trying ('nj logs %s' tells why "
			 "it cannot)",
			 services_names[lost]);
}

int status_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct look l;
	bool chosen[SERVICES_MAX];
	(void)options;
	int rc = choose(cli, argc, argv, chosen);
	if (!rc)
		rc = look_take(cli, &l);
	if (rc)
		return rc;
	bool json = cli->format == CLI_AS_JSON || cli->format == CLI_AS_JSONL;
	if (json && !cli->columns)
		print_json(cli, &l, chosen);
	else if (argc == 0 || cli->format != CLI_AS_TABLE || cli->columns)
		rc = print_table(cli, &l, chosen);
	for (size_t i = 0, n = 0; argc > 0 && cli->format == CLI_AS_TABLE && !cli->columns && i < services_n; i++) {
		if (!chosen[i])
			continue;
		fputs(n++ ? "\n" : "", cli->out);
		print_block(cli, &l, &l.at[i]);
		logs_tail(cli, &l.client.run, l.at[i].name, LOG_LINES);
	}
	if (!rc)
		advise(cli, &l, chosen);
	look_fini(&l);
	return rc ? rc : exit_of(&l, chosen);
}
