/* top - the bus at a glance, again and again: in place on a terminal, block after block elsewhere, or JSON by the line.
 */
#include "tools/nj/top.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/names.h"
#include "tools/nj/signals.h"
#include "tools/nj/table.h"
#include "tools/nj/tap.h"

enum { ROWS_DEFAULT = 20, HEAD_ROWS = 7 }; /* the title, headings and empty lines around the tables */

struct top {
	struct cli *cli;
	const struct top_options *o;
	struct client client;
	struct tap tap; /* counts; writes nothing */
	struct top_services services;
	struct arena arena;
	struct names names;
	int signals, signal, failed;
	bool terminal;
	int64_t reports, shown_at; /* monotonic */
	uint64_t shown_events, shown_bytes;
	struct loop_source *on_signal, *on_interval;
};

static const enum lane lane_m = LANE_M, lane_x = LANE_X;

/* ---- frames ---- */

static void fold(struct top *t, const uint8_t *frame, size_t len, enum lane lane)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event ev;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0)
		return;
	for (; left > 0; body += used, left -= used) {
		t->arena.used = 0;
		if (codec_unpack(body, left, &t->arena, &ev, &used) != 0)
			return;
		top_on_event(&t->services, &ev, lane, clock_mono(clock_real()));
	}
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct top *t = ctx;
	const enum lane *lane = link->tag;
	const struct tap_frame f = {.lane = *lane, .at = clock_wall(clock_real()), .bytes = frame, .len = len};
	fold(t, frame, len, *lane);
	tap_on_frame(&t->tap, &f);
}

/* ---- one picture ---- */

const struct table_column top_columns[] = {
	{"service", TABLE_TEXT, "Who."},
	{"state", TABLE_TEXT, "Where it is in its life; silent: no heartbeat for three seconds."},
	{"progress", TABLE_NUMBER, "Useful work a second."},
	{"lag", TABLE_SPAN, "Event time its core is behind the newest market event."},
	{"x_last", TABLE_ID, "Last durable record of its lane X."},
	{"unstored", TABLE_INT, "Records of its lane X that are not in the database yet."},
	{"memory", TABLE_BYTES, "Resident."},
	{"errors", TABLE_INT, "Errors logged since its start."},
	{"note", TABLE_TEXT, "What it says of itself."},
	{0},
};

#define SILENT_NS (3 * NS_PER_S)

static void put_optional(struct table *table, int64_t value)
{
	value >= 0 ? table_int(table, value) : table_null(table);
}

static void put_service(struct top *t, struct table *table, struct top_service *s, int64_t ns)
{
	char rate[32];
	bool silent = clock_mono(clock_real()) - s->heard_at >= SILENT_NS;
	uint64_t tenths = ns > 0 ? (uint64_t)((double)(s->progress - s->shown_progress) * 1e10 / (double)ns + 0.5) : 0;
	snprintf(rate, sizeof rate, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	table_text(table, s->name);
	table_tone(table,
		   silent                    ? TABLE_BAD
		   : s->life == life_running ? TABLE_GOOD
					     : TABLE_WARN,
		   silent ? "silent" : enum_text(enum_life(), s->life));
	table_text(table, rate);
	put_optional(table, top_lag(&t->services, s));
	table_int(table, (int64_t)s->x_last);
	put_optional(table, top_unstored(s));
	table_int(table, (int64_t)s->rss);
	table_int(table, (int64_t)s->errors);
	table_text(table, s->note);
	s->shown_progress = s->progress;
}

static int put_services(struct top *t, int64_t ns)
{
	struct table *table;
	size_t heard = 0;
	int rc = table_open(t->cli, top_columns, &table);
	if (rc)
		return rc;
	for (size_t i = 0; i < t->services.n; i++)
		if (t->services.at[i].heard_at) {
			put_service(t, table, &t->services.at[i], ns);
			heard++;
		}
	rc = table_close(table);
	if (heard == 0 && !t->o->json)
		fprintf(t->cli->out, "No service is heard on the bus at %s yet; 'nj status' tells what runs.\n",
			t->client.run.bus_dir);
	return rc;
}

static size_t rows_of(const struct top *t)
{
	struct winsize w;
	if (t->o->rows >= 0)
		return (size_t)t->o->rows;
	if (!t->terminal || ioctl(fileno(t->cli->out), TIOCGWINSZ, &w) != 0 || w.ws_row == 0)
		return ROWS_DEFAULT;
	size_t taken = HEAD_ROWS + t->services.n;
	return w.ws_row > taken + 1 ? w.ws_row - taken : 1;
}

static void put_title(struct top *t, int64_t now, int64_t ns)
{
	const struct tap_stats *st = &t->tap.stats;
	char at[32], bytes[TABLE_SHORT_MAX], rate[TABLE_SHORT_MAX], missing[TABLE_SHORT_MAX];
	double seconds = (double)ns / 1e9;
	int64_t events = seconds > 0 ? (int64_t)((double)(st->events - t->shown_events) / seconds + 0.5) : 0;
	int64_t volume = seconds > 0 ? (int64_t)((double)(st->bytes - t->shown_bytes) / seconds) : 0;
	if (t->o->json) {
		fprintf(t->cli->out,
			"{\"at\":\"%s\",\"events_rate\":%" PRId64 ",\"bytes_rate\":%" PRId64 ",\"missing\":%" PRIu64
			",\"malformed\":%" PRIu64 ",\"services\":",
			clock_rfc3339(now, at), events, volume, st->missing, t->tap.malformed);
		return;
	}
	fprintf(t->cli->out, "%.19sZ  %s events/s  %s/s  %s missing\n\n", clock_rfc3339(now, at),
		table_thousands(events, rate), table_bytes(volume, bytes),
		table_thousands((int64_t)st->missing, missing));
}

static int put_picture(struct top *t)
{
	int64_t now = clock_wall(clock_real()), mono = clock_mono(clock_real()), ns = mono - t->shown_at;
	put_title(t, now, ns);
	int rc = put_services(t, ns);
	fputs(t->o->json ? ",\"topics\":" : "\n", t->cli->out);
	if (!rc)
		rc = tap_stats_report(&t->tap.stats, t->cli, now, rows_of(t), false);
	fputs(t->o->json ? "}" : "", t->cli->out);
	tap_stats_forget(&t->tap.stats);
	t->shown_at = mono;
	t->shown_events = t->tap.stats.events;
	t->shown_bytes = t->tap.stats.bytes;
	return rc;
}

/* As a terminal wants it: every line ends with what was there before, and so does the picture. */
static void write_in_place(FILE *to, const char *text, size_t len)
{
	fputs(len ? "\033[H" : "", to);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			fputs("\033[K", to);
		fputc(text[i], to);
	}
	fputs("\033[J", to);
}

static void write_picture(struct top *t, const char *text, size_t len)
{
	FILE *to = t->cli->out;
	if (t->o->json) {
		for (size_t i = 0; i < len; i++)
			if (text[i] != '\n') /* between rows only: texts are escaped */
				fputc(text[i], to);
		fputc('\n', to);
	} else if (t->terminal) {
		write_in_place(to, text, len);
	} else {
		fputs(t->reports ? "\n" : "", to);
		fwrite(text, 1, len, to);
	}
	errno = 0;
	if (fflush(to) != 0) {
		t->failed = errno == EPIPE ? 0 : err_from_errno(errno ? errno : EIO);
		client_stop(&t->client);
	}
}

static void on_interval(void *ctx)
{
	struct top *t = ctx;
	char *text = NULL;
	size_t len = 0;
	FILE *out = t->cli->out, *memory = open_memstream(&text, &len);
	if (!memory) {
		t->failed = ERR_NOMEM;
		client_stop(&t->client);
		return;
	}
	t->cli->out = memory;
	int rc = put_picture(t);
	t->cli->out = out;
	if (fclose(memory) != 0 || rc) {
		t->failed = rc ? ERR_ARG : ERR_NOMEM;
		client_stop(&t->client);
	} else {
		write_picture(t, text, len);
	}
	free(text);
	if (++t->reports == t->o->reports || t->o->once)
		client_stop(&t->client);
}

/* ---- begin and end ---- */

static void on_signal(void *ctx, int events)
{
	struct top *t = ctx;
	(void)events;
	t->signal = signals_read(t->signals);
	if (t->signal)
		client_stop(&t->client);
}

static int start(struct top *t)
{
	struct bus_link *link;
	struct loop *l = t->client.loop;
	int rc = 0;
	names_find(&t->o->publishers, t->client.run.bus_dir, &t->names);
	t->client.on_frame = on_frame;
	t->client.ctx = t;
	for (size_t i = 0; !rc && i < t->names.n; i++) {
		rc = bus_subscribe(t->client.bus, t->names.at[i], LANE_M, NULL, (void *)&lane_m, &link);
		if (!rc)
			rc = bus_subscribe(t->client.bus, t->names.at[i], LANE_X, NULL, (void *)&lane_x, &link);
	}
	if (!rc)
		rc = loop_fd(l, t->signals, LOOP_IN, on_signal, t, &t->on_signal);
	if (!rc)
		rc = loop_timer(l, t->o->interval, t->o->interval, on_interval, t, &t->on_interval);
	return rc ? cli_fail(t->cli, CLI_FAILED, "%s", err_text(rc)) : CLI_OK;
}

static int prepare(struct top *t, int argc, char **argv)
{
	struct tap_filters *f = &t->tap.filters;
	if ((size_t)argc + t->o->topics.n > ARRAY_LEN(f->only))
		return cli_usage(t->cli, "more than %zu topics", ARRAY_LEN(f->only));
	for (size_t i = 0; i < t->o->topics.n; i++)
		f->only[f->n_only++] = t->o->topics.at[i];
	for (int i = 0; i < argc; i++)
		f->only[f->n_only++] = argv[i];
	for (size_t i = 0; i < t->o->never.n; i++)
		f->never[f->n_never++] = t->o->never.at[i];
	f->telemetry = t->o->telemetry;
	t->tap.form = TAP_NOTHING;
	t->tap.sample = UINT64_MAX;
	t->tap.quiet_gaps = true;
	t->cli->format = t->o->json ? CLI_AS_JSON : CLI_AS_TABLE;
	t->terminal = !t->o->json && isatty(fileno(t->cli->out));
	t->arena = (struct arena){.at = malloc(ARENA_SIZE), .cap = ARENA_SIZE};
	return t->arena.at ? CLI_OK : cli_fail(t->cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
}

static int conclude(const struct top *t)
{
	if (t->failed)
		return cli_fail(t->cli, CLI_FAILED, "output: %s", err_text(t->failed));
	return t->signal ? CLI_INTERRUPTED : CLI_OK;
}

int top_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct top t;
	t = (struct top){.cli = cli, .o = options, .signals = -1};
	if (tap_init(&t.tap, cli, true, clock_wall(clock_real())) != 0)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	int rc = prepare(&t, argc, argv);
	if (!rc && signals_open(&t.signals) != 0)
		rc = cli_fail(cli, CLI_FAILED, "signals cannot be taken");
	if (!rc)
		rc = look_client(cli, &t.client);
	if (!rc) {
		t.shown_at = clock_mono(clock_real());
		fputs(t.terminal ? "\033[H\033[2J" : "", cli->out);
		rc = start(&t);
		if (!rc)
			loop_run(t.client.loop);
		loop_end(&t.on_signal);
		loop_end(&t.on_interval);
		client_close(&t.client);
		rc = rc ? rc : conclude(&t);
	}
	if (t.signals >= 0)
		close(t.signals);
	free(t.arena.at);
	tap_fini(&t.tap);
	return rc;
}
