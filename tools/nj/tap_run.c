/* tap_run - a run of `nj tap`: from the bus as it comes, from a point in the past, or from a recording.
 *
 * As it comes, frames are taken off the sockets and written; who reads too slowly loses at the publisher's high-water
 * mark, which the sequences show. From the past on, past.h repairs instead.
 */
#include "tools/nj/tap_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/topic.h"
#include "tools/nj/database.h"
#include "tools/nj/names.h"
#include "tools/nj/past.h"
#include "tools/nj/signals.h"
#include "tools/nj/tap.h"

struct session {
	struct cli *cli;
	const struct tap_options *o;
	struct tap tap;
	struct client client;
	struct past past;
	struct tap_offset offset;
	bool from_past;   /* `past` feeds the tap */
	bool live;        /* client is open */
	struct ring last; /* -o -N: the last ones so far */
	char database[DATABASE_PATH_MAX];
	int signals, signal;
	struct loop_source *on_signal, *on_interval, *on_silence;
};

static const enum lane lane_m = LANE_M, lane_x = LANE_X;

/* ---- settings of the tap ---- */

static enum tap_form form_of(const struct tap_options *o)
{
	return o->stats     ? TAP_NOTHING
	       : o->headers ? TAP_HEADERS
	       : o->json    ? TAP_JSON
	       : o->pretty  ? TAP_PRETTY
	       : o->raw     ? TAP_RAW
	       : o->hexdump ? TAP_HEXDUMP
	       : o->format  ? TAP_FORMAT
	       : o->dump    ? TAP_JSON
	       : o->record  ? TAP_NOTHING
			    : TAP_PEOPLE;
}

static int choose_form(struct session *s)
{
	const struct tap_options *o = s->o;
	struct tap *t = &s->tap;
	int forms = o->json + o->pretty + o->raw + o->hexdump + (o->format != NULL);
	if (forms > 1 && !(o->stats && o->json && forms == 1))
		return cli_usage(s->cli, "--json, --pretty, --raw, --hexdump and --format exclude each other");
	if (o->headers && (o->pretty || o->raw || o->hexdump || o->format))
		return cli_usage(s->cli, "--headers-only is for people, or with --json for programs");
	t->form = form_of(o);
	if (o->translate && (t->form == TAP_RAW || t->form == TAP_NOTHING))
		return cli_usage(s->cli, "--translate needs a form that is text");
	t->headers_json = o->json;
	if (o->stats && o->json)
		s->cli->format = CLI_AS_JSONL;
	if (t->form == TAP_RAW && !o->dump && isatty(fileno(s->cli->out)))
		return cli_usage(s->cli, "raw frames are no text: send them to a file or a program, or use "
					 "--hexdump");
	return CLI_OK;
}

static int take_options(struct session *s)
{
	const struct tap_options *o = s->o;
	struct tap *t = &s->tap;
	char reason[200];
	if (o->format && tap_format_parse(o->format, &t->format, reason, sizeof reason) != 0)
		return cli_usage(s->cli, "--format: %s", reason);
	if (o->delimiter && tap_delimiter_parse(o->delimiter, &t->delimiter, reason, sizeof reason) != 0)
		return cli_usage(s->cli, "--delimiter: %s", reason);
	if (tap_offset_parse(&o->from, clock_wall(clock_real()), &s->offset, reason, sizeof reason) != 0)
		return cli_usage(s->cli, "--from: %s", reason);
	if (s->offset.from == TAP_FROM_STORED && !o->cursor)
		return cli_usage(s->cli, "--from stored needs --cursor FILE, where the position is stored");
	if (o->exit_at_end && o->from.n == 0)
		s->offset.from = TAP_FROM_BEGINNING;
	s->from_past = o->from.n > 0 || o->cursor || o->exit_at_end;
	if (o->read && s->from_past)
		return cli_usage(s->cli, "--from, --exit and --cursor are for the bus, not for a recording");
	t->has_delimiter = o->delimiter != NULL;
	t->translate = o->translate;
	t->no_newline = o->no_newline;
	t->unbuffered = o->unbuffered;
	t->count_max = o->count;
	t->sample = (uint64_t)o->sample;
	return CLI_OK;
}

static int add_filters(struct session *s, int argc, char **argv)
{
	struct tap_filters *f = &s->tap.filters;
	const struct tap_options *o = s->o;
	if ((size_t)argc + o->topics.n > ARRAY_LEN(f->only))
		return cli_usage(s->cli, "more than %zu topics", ARRAY_LEN(f->only));
	for (size_t i = 0; i < o->topics.n; i++)
		f->only[f->n_only++] = o->topics.at[i];
	for (int i = 0; i < argc; i++)
		f->only[f->n_only++] = argv[i];
	for (size_t i = 0; i < o->never.n; i++)
		f->never[f->n_never++] = o->never.at[i];
	f->telemetry = o->telemetry;
	return CLI_OK;
}

static const char *suffix_of(enum tap_form form)
{
	return form == TAP_JSON || form == TAP_PRETTY ? "json" : form == TAP_RAW ? "frame" : "txt";
}

static int open_outputs(struct session *s)
{
	const struct tap_options *o = s->o;
	int rc = o->record ? tap_writer_open(o->record, &s->tap.writer) : 0;
	if (rc)
		return cli_fail(s->cli, CLI_FAILED, "%s: %s", o->record, err_text(rc));
	bool to_files = o->dump && strcmp(o->dump, "-") != 0;
	if (o->dump && !to_files) { /* a NUL after each */
		s->tap.has_delimiter = true;
		s->tap.delimiter.text[0] = '\0';
		s->tap.delimiter.len = 1;
	}
	if (to_files)
		rc = tap_dump_open(o->dump, suffix_of(s->tap.form), &s->tap.dump);
	return rc ? cli_fail(s->cli, CLI_FAILED, "%s: %s", o->dump, err_text(rc)) : CLI_OK;
}

/* ---- the past, and what follows it ---- */

enum { LAST_BYTES = 64 << 20 };

static void flush(void *ctx)
{
	tap_flush(ctx);
}

static void show_now(struct session *s, const struct tap_frame *f)
{
	tap_on_frame(&s->tap, f);
	loop_defer(s->client.loop, flush, &s->tap);
}

/* -o -N: of what was published before only the last N that pass the filters are kept. */
static void keep_last(struct session *s, const struct tap_frame *f)
{
	uint8_t *at;
	struct tap_frame kept = *f;
	kept.followed = true;
	kept.gap = tap_follow(&s->tap, f);
	if (!tap_wants(&s->tap.filters, (const char *)f->bytes, false))
		return;
	while (s->last.count >= (size_t)s->offset.n ||
	       (ring_reserve(&s->last, sizeof kept + f->len, &at) != 0 && s->last.count > 0))
		ring_pop(&s->last);
	if (ring_reserve(&s->last, sizeof kept + f->len, &at) != 0)
		return;
	memcpy(at, &kept, sizeof kept);
	memcpy(at + sizeof kept, f->bytes, f->len);
	ring_commit(&s->last);
}

static void on_give(void *ctx, const struct tap_frame *f)
{
	struct session *s = ctx;
	if (s->offset.from == TAP_FROM_LAST && !s->past.all_reached)
		keep_last(s, f);
	else
		show_now(s, f);
}

static void on_reached(void *ctx)
{
	struct session *s = ctx;
	const uint8_t *at;
	size_t len;
	for (; (at = ring_front(&s->last, &len)) != NULL; ring_pop(&s->last)) {
		struct tap_frame f;
		memcpy(&f, at, sizeof f);
		f.bytes = at + sizeof f;
		show_now(s, &f);
	}
	if (s->cli->verbose)
		cli_note(s->cli, "caught up: %" PRIu64 " from the archive, %" PRIu64 " from the publishers",
			 s->past.counters.archived, s->past.counters.paged);
}

static void on_past_ended(void *ctx)
{
	struct session *s = ctx;
	client_stop(&s->client);
}

static void on_past_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct session *s = ctx;
	past_on_frame(&s->past, link->tag, frame, len);
}

static void on_past_reply(void *ctx, const struct event *reply, const uint8_t *page, size_t len)
{
	struct session *s = ctx;
	past_on_reply(&s->past, reply, page, len);
}

/* ---- as it comes ---- */

static void on_done(void *ctx)
{
	struct session *s = ctx;
	s->past.all_ended = true; /* what is not shown is not given either: the cursor stays before it */
	if (s->live)
		client_stop(&s->client);
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct session *s = ctx;
	const enum lane *lane = link->tag;
	struct tap_frame f = {.lane = *lane, .at = clock_wall(clock_real()), .bytes = frame, .len = len};
	tap_on_frame(&s->tap, &f);
	loop_defer(s->client.loop, flush, &s->tap);
}

static void on_signal(void *ctx, int events)
{
	struct session *s = ctx;
	(void)events;
	s->signal = signals_read(s->signals);
	if (s->signal == 0)
		return;
	client_stop(&s->client);
}

static void report(struct session *s, int64_t now, bool whole)
{
	if (s->cli->format == CLI_AS_TABLE && s->tap.stats.shown_at != s->tap.stats.since)
		fputc('\n', s->cli->out);
	tap_stats_report(&s->tap.stats, s->cli, now, (size_t)s->o->top, whole);
	tap_flush(&s->tap);
}

static void on_interval(void *ctx)
{
	struct session *s = ctx;
	report(s, clock_wall(clock_real()), false);
}

static void on_silence(void *ctx)
{
	struct session *s = ctx;
	s->on_silence = NULL;
	if (s->tap.stats.events == 0)
		cli_note(s->cli, "nothing yet; 'nj status' tells what runs");
}

/* What ZeroMQ is asked for on lane M: the literal beginnings of the filters; {NULL}, everything,
 * where there are too many or telemetry is wanted too. Lane X is always taken whole: a filter must
 * not look like a loss. */
static size_t make_prefixes(const struct tap_filters *f, char text[BUS_PREFIXES_MAX][TOPIC_MAX],
			    const char *out[BUS_PREFIXES_MAX + 1], size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n_only && f->n_only <= max && !f->telemetry; i++) {
		if (topic_prefix(f->only[i], text[n]) == 0) {
			n = 0; /* it begins with anything: everything */
			break;
		}
		out[n] = text[n];
		n++;
	}
	out[n] = NULL;
	return n;
}

static int subscribe(struct session *s)
{
	static char text[BUS_PREFIXES_MAX][TOPIC_MAX];
	const char *prefixes[BUS_PREFIXES_MAX + 1];
	static struct names names;
	bool m = s->o->lane[0] != 'x', x = s->o->lane[0] != 'm';
	struct bus_link *link;
	int rc = 0;
	s->client.on_frame = on_frame;
	s->client.ctx = s;
	names_find(&s->o->publishers, s->client.run.bus_dir, &names);
	make_prefixes(&s->tap.filters, text, prefixes, BUS_PREFIXES_MAX);
	for (size_t i = 0; !rc && i < names.n; i++) {
		if (m)
			rc = bus_subscribe(s->client.bus, names.at[i], LANE_M, prefixes, (void *)&lane_m, &link);
		if (!rc && x)
			rc = bus_subscribe(s->client.bus, names.at[i], LANE_X, NULL, (void *)&lane_x, &link);
	}
	return rc ? cli_fail(s->cli, CLI_FAILED, "cannot subscribe: %s", err_text(rc)) : CLI_OK;
}

static void set_past(struct session *s)
{
	struct past *p = &s->past;
	database_path(&s->client.run, s->database);
	p->cli = s->cli;
	p->client = &s->client;
	p->filters = &s->tap.filters;
	p->database = s->o->database ? s->o->database : s->database;
	p->cursor = s->o->cursor;
	p->pages_per_s = s->o->page_rate;
	p->exit_at_end = s->o->exit_at_end;
	p->offset = s->offset;
	p->give = on_give;
	p->reached = on_reached;
	p->ended = on_past_ended;
	p->ctx = s;
}

/* Heartbeats and tails are asked for beside the topics: they tell how far a publisher's lanes and topics reach. */
static int begin_past(struct session *s)
{
	static char text[BUS_PREFIXES_MAX][TOPIC_MAX];
	static const char *prefixes[BUS_PREFIXES_MAX + 1];
	static struct names names;
	bool m = s->o->lane[0] != 'x', x = s->o->lane[0] != 'm';
	int rc = s->offset.from == TAP_FROM_LAST ? ring_init(&s->last, LAST_BYTES) : 0;
	set_past(s);
	names_find(&s->o->publishers, s->client.run.bus_dir, &names);
	for (size_t i = 0; !rc && i < names.n; i++) {
		rc = m ? past_add(&s->past, names.at[i], LANE_M) : 0;
		if (!rc && x)
			rc = past_add(&s->past, names.at[i], LANE_X);
	}
	if (rc)
		return cli_fail(s->cli, CLI_FAILED, "%s", err_text(rc));
	rc = past_seek(&s->past);
	if (rc)
		return rc;
	size_t n = make_prefixes(&s->tap.filters, text, prefixes, BUS_PREFIXES_MAX - 2);
	if (n > 0) {
		prefixes[n] = "heartbeat.";
		prefixes[n + 1] = "tail.";
		prefixes[n + 2] = NULL;
	}
	s->client.on_frame = on_past_frame;
	s->client.on_reply = on_past_reply;
	s->client.ctx = s;
	rc = past_start(&s->past, prefixes);
	return rc ? cli_fail(s->cli, CLI_FAILED, "cannot subscribe: %s", err_text(rc)) : CLI_OK;
}

static int start_timers(struct session *s)
{
	struct loop *l = s->client.loop;
	int rc = loop_fd(l, s->signals, LOOP_IN, on_signal, s, &s->on_signal);
	if (!rc && s->o->stats && s->o->interval)
		rc = loop_timer(l, s->o->interval, s->o->interval, on_interval, s, &s->on_interval);
	if (!rc)
		rc = loop_timer(l, 3 * NS_PER_S, 0, on_silence, s, &s->on_silence);
	return rc ? cli_fail(s->cli, CLI_FAILED, "%s", err_text(rc)) : CLI_OK;
}

static int run_live(struct session *s)
{
	char reason[400] = "";
	int rc = signals_open(&s->signals);
	if (!rc)
		rc = client_open(&s->client, s->cli->config_path, s->cli->set.at, s->cli->set.n, reason, sizeof reason);
	s->live = true;
	if (rc)
		return cli_fail(s->cli,
				rc == ERR_ARG         ? CLI_USAGE
				: rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING
						      : CLI_FAILED,
				"%s", reason[0] ? reason : err_text(rc));
	rc = s->from_past ? begin_past(s) : subscribe(s);
	if (!rc)
		rc = start_timers(s);
	if (rc)
		return rc;
	if (s->o->timeout)
		client_run(&s->client, s->o->timeout);
	else
		loop_run(s->client.loop);
	loop_undefer(s->client.loop, flush, &s->tap);
	rc = s->o->cursor ? past_cursor_write(&s->past) : 0;
	return rc ? cli_fail(s->cli, CLI_FAILED, "%s: %s", s->o->cursor, err_text(rc)) : CLI_OK;
}

static void close_live(struct session *s)
{
	loop_end(&s->on_signal);
	loop_end(&s->on_interval);
	loop_end(&s->on_silence);
	past_stop(&s->past);
	ring_fini(&s->last);
	if (s->live)
		client_close(&s->client);
	if (s->signals >= 0)
		close(s->signals);
}

/* ---- a recording ---- */

static int run_recording(struct session *s)
{
	struct tap_reader r;
	struct tap_frame f;
	bool x = s->o->lane[0] != 'm', m = s->o->lane[0] != 'x';
	int rc = tap_reader_open(s->o->read, &r);
	if (rc)
		return cli_fail(s->cli, rc == ERR_SYNTAX ? CLI_DATA : CLI_FAILED, "%s: %s", s->o->read,
				rc == ERR_SYNTAX ? "no recording of nj tap" : err_text(rc));
	signal(SIGPIPE, SIG_IGN);
	s->tap.stats.since = 0;
	while (!s->tap.done && (rc = tap_reader_next(&r, &f)) > 0) {
		if (s->tap.stats.since == 0)
			s->tap.stats.since = s->tap.stats.shown_at = f.at;
		if (f.lane == LANE_X ? x : m)
			tap_on_frame(&s->tap, &f);
		s->tap.stats.shown_at = s->o->stats ? f.at : 0;
	}
	tap_reader_close(&r);
	return rc < 0 ? cli_fail(s->cli, CLI_DATA, "%s: the recording %s; what stood before is good", s->o->read,
				 rc == ERR_TRUNCATED ? "ends in the middle of a record" : "is damaged")
		      : CLI_OK;
}

/* ---- the end ---- */

static void final_report(struct session *s)
{
	struct tap_stats *st = &s->tap.stats;
	int64_t now = s->o->read ? st->shown_at : clock_wall(clock_real());
	if (s->o->read)
		st->shown_at = st->since;
	report(s, now, true);
}

/* Exit code of a tap that ran; rc of what ended it. */
static int conclude(struct session *s)
{
	const struct tap *t = &s->tap;
	const struct tap_stats *st = &t->stats;
	if (t->writer.frames || (s->cli->verbose && !s->o->stats))
		cli_note(s->cli, "%" PRIu64 " events, %" PRIu64 " frames recorded", st->events, t->writer.frames);
	if (st->missing)
		cli_note(s->cli, "%" PRIu64 " events are missing in %" PRIu64 " gaps%s", st->missing, st->gaps,
			 s->o->read || s->from_past
				 ? ""
				 : ": this tap was too slow for them; with --from they are asked for again");
	if (t->untranslated)
		cli_note(s->cli, "%" PRIu64 " events could not be translated", t->untranslated);
	if (t->malformed)
		cli_note(s->cli, "%" PRIu64 " frames could not be read", t->malformed);
	if (t->failed)
		return cli_fail(s->cli, CLI_FAILED, "%s: %s",
				s->o->record ? s->o->record
				: s->o->dump ? s->o->dump
					     : "output",
				err_text(t->failed));
	if (s->signal == SIGINT)
		return CLI_INTERRUPTED;
	if (st->missing || t->malformed || t->untranslated)
		return CLI_DATA;
	bool short_of = s->o->count ? st->events < (uint64_t)s->o->count : st->events == 0;
	bool timed_out = s->o->timeout && !t->done && !s->signal && !s->past.all_ended;
	if (timed_out && short_of)
		return cli_fail(s->cli, CLI_TIMEOUT,
				s->o->count ? "only %" PRIu64 " events came in time" : "no event came in time",
				st->events);
	return CLI_OK;
}

int tap_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct session s;
	s = (struct session){.cli = cli, .o = options, .signals = -1};
	if (tap_init(&s.tap, cli, s.o->stats, clock_wall(clock_real())) != 0)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	s.tap.on_done = on_done;
	s.tap.ctx = &s;
	int rc = choose_form(&s);
	if (!rc)
		rc = take_options(&s);
	if (!rc)
		rc = add_filters(&s, argc, argv);
	if (!rc)
		rc = open_outputs(&s);
	if (!rc)
		rc = s.o->read ? run_recording(&s) : run_live(&s);
	if (!rc && s.o->stats)
		final_report(&s);
	tap_flush(&s.tap);
	int closed = tap_writer_close(&s.tap.writer);
	s.tap.failed = s.tap.failed ? s.tap.failed : closed;
	tap_dump_close(&s.tap.dump);
	int end = rc == CLI_OK ? conclude(&s) : rc;
	close_live(&s);
	tap_fini(&s.tap);
	return end;
}
