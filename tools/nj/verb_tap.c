/* verb_tap - nj tap: watch what flows on the bus, record it, read a recording. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/topic.h"
#include "tools/nj/client.h"
#include "tools/nj/tap.h"

struct options {
	struct cli_list topics, never, publishers;
	int64_t count, timeout, interval, top, sample;
	const char *format, *delimiter, *lane, *record, *read;
	bool json, pretty, raw, hexdump, stats, no_newline, unbuffered, telemetry;
};

struct session {
	struct cli *cli;
	const struct options *o;
	struct tap tap;
	struct client client;
	bool live; /* client is open */
	int signals, signal;
	struct loop_source *on_signal, *on_interval, *on_silence;
};

static const enum lane lane_m = LANE_M, lane_x = LANE_X;

/* ---- settings of the tap ---- */

static int choose_form(struct session *s)
{
	const struct options *o = s->o;
	struct tap *t = &s->tap;
	char reason[200];
	int forms = o->json + o->pretty + o->raw + o->hexdump + (o->format != NULL);
	if (forms > 1 && !(o->stats && o->json && forms == 1))
		return cli_usage(s->cli, "--json, --pretty, --raw, --hexdump and --format exclude each other");
	t->form = o->json      ? TAP_JSON
		  : o->pretty  ? TAP_PRETTY
		  : o->raw     ? TAP_RAW
		  : o->hexdump ? TAP_HEXDUMP
		  : o->format  ? TAP_FORMAT
		  : o->record  ? TAP_NOTHING
			       : TAP_PEOPLE;
	if (o->stats)
		t->form = TAP_NOTHING;
	if (o->stats && o->json)
		s->cli->format = CLI_AS_JSONL;
	if (t->form == TAP_RAW && isatty(fileno(s->cli->out)))
		return cli_usage(s->cli, "raw frames are no text: send them to a file or a program, or use "
					 "--hexdump");
	if (o->format && tap_format_parse(o->format, &t->format, reason, sizeof reason) != 0)
		return cli_usage(s->cli, "--format: %s", reason);
	if (o->delimiter && tap_delimiter_parse(o->delimiter, &t->delimiter, reason, sizeof reason) != 0)
		return cli_usage(s->cli, "--delimiter: %s", reason);
	t->has_delimiter = o->delimiter != NULL;
	t->no_newline = o->no_newline;
	t->unbuffered = o->unbuffered;
	t->count_max = o->count;
	t->sample = (uint64_t)o->sample;
	return CLI_OK;
}

static int add_filters(struct session *s, int argc, char **argv)
{
	struct tap_filters *f = &s->tap.filters;
	const struct options *o = s->o;
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

static int open_record(struct session *s)
{
	if (!s->o->record)
		return CLI_OK;
	int rc = tap_writer_open(s->o->record, &s->tap.writer);
	return rc ? cli_fail(s->cli, CLI_FAILED, "%s: %s", s->o->record, err_text(rc)) : CLI_OK;
}

/* --- live
 * ------------------------------------------------------------------------------------------ */

static void on_done(void *ctx)
{
	struct session *s = ctx;
	if (s->live)
		client_stop(&s->client);
}

static void flush(void *ctx)
{
	tap_flush(ctx);
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
	struct signalfd_siginfo si;
	(void)events;
	if (read(s->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	s->signal = (int)si.ssi_signo;
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

/* Before any thread exists: every thread inherits the mask. */
static int take_signals(struct session *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_from_errno(errno) : 0;
}

/* What ZeroMQ is asked for on lane M: the literal beginnings of the filters; {NULL}, everything,
 * where there are too many or telemetry is wanted too. Lane X is always taken whole: a filter must
 * not look like a loss. */
static void make_prefixes(const struct tap_filters *f, char text[BUS_PREFIXES_MAX][TOPIC_MAX],
			  const char *out[BUS_PREFIXES_MAX + 1])
{
	size_t n = 0;
	for (size_t i = 0; i < f->n_only && f->n_only <= BUS_PREFIXES_MAX && !f->telemetry; i++) {
		topic_prefix(f->only[i], text[n]);
		out[n] = text[n];
		n++;
	}
	out[n] = NULL;
}

static int subscribe(struct session *s)
{
	static const char *const all[] = {"collector", "strategy", "executor", "persister", "watchdog"};
	static char text[BUS_PREFIXES_MAX][TOPIC_MAX];
	const char *prefixes[BUS_PREFIXES_MAX + 1];
	const char *const *names = s->o->publishers.n ? s->o->publishers.at : all;
	size_t n = s->o->publishers.n ? s->o->publishers.n : ARRAY_LEN(all);
	bool m = s->o->lane[0] != 'x', x = s->o->lane[0] != 'm';
	struct bus_link *link;
	int rc = 0;
	make_prefixes(&s->tap.filters, text, prefixes);
	for (size_t i = 0; !rc && i < n; i++) {
		if (m)
			rc = bus_subscribe(s->client.bus, names[i], LANE_M, prefixes, (void *)&lane_m, &link);
		if (!rc && x)
			rc = bus_subscribe(s->client.bus, names[i], LANE_X, NULL, (void *)&lane_x, &link);
	}
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
	int rc = take_signals(s);
	if (!rc)
		rc = client_open(&s->client, s->cli->config_path, s->cli->set.at, s->cli->set.n, reason, sizeof reason);
	s->live = true;
	if (rc)
		return cli_fail(s->cli,
				rc == ERR_ARG         ? CLI_USAGE
				: rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING
						      : CLI_FAILED,
				"%s", reason[0] ? reason : err_text(rc));
	s->client.on_frame = on_frame;
	s->client.ctx = s;
	rc = subscribe(s);
	if (!rc)
		rc = start_timers(s);
	if (rc)
		return rc;
	if (s->o->timeout)
		client_run(&s->client, s->o->timeout);
	else
		loop_run(s->client.loop);
	loop_undefer(s->client.loop, flush, &s->tap);
	return CLI_OK;
}

static void close_live(struct session *s)
{
	loop_end(&s->on_signal);
	loop_end(&s->on_interval);
	loop_end(&s->on_silence);
	if (s->live)
		client_close(&s->client);
	if (s->signals >= 0)
		close(s->signals);
}

/* --- a recording
 * ------------------------------------------------------------------------------------ */

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

/* --- the end
 * ----------------------------------------------------------------------------------------- */

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
		cli_note(s->cli, "%" PRIu64 " events are missing in %" PRIu64 " gaps", st->missing, st->gaps);
	if (t->malformed)
		cli_note(s->cli, "%" PRIu64 " frames could not be read", t->malformed);
	if (t->failed)
		return cli_fail(s->cli, CLI_FAILED, "%s: %s", s->o->record ? s->o->record : "output",
				err_text(t->failed));
	if (s->signal == SIGINT)
		return CLI_INTERRUPTED;
	if (st->missing || t->malformed)
		return CLI_DATA;
	bool short_of = s->o->count ? st->events < (uint64_t)s->o->count : st->events == 0;
	if (s->o->timeout && short_of && !t->done && !s->signal)
		return cli_fail(s->cli, CLI_TIMEOUT,
				s->o->count ? "only %" PRIu64 " events came in time" : "no event came in time",
				st->events);
	return CLI_OK;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct session s;
	s = (struct session){.cli = cli, .o = options, .signals = -1};
	if (tap_init(&s.tap, cli, s.o->stats, clock_wall(clock_real())) != 0)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	s.tap.on_done = on_done;
	s.tap.ctx = &s;
	int rc = choose_form(&s);
	if (!rc)
		rc = add_filters(&s, argc, argv);
	if (!rc)
		rc = open_record(&s);
	if (!rc)
		rc = s.o->read ? run_recording(&s) : run_live(&s);
	if (!rc && s.o->stats)
		final_report(&s);
	tap_flush(&s.tap);
	int closed = tap_writer_close(&s.tap.writer);
	s.tap.failed = s.tap.failed ? s.tap.failed : closed;
	int end = rc == CLI_OK ? conclude(&s) : rc;
	close_live(&s);
	tap_fini(&s.tap);
	return end;
}

#define AT(member) offsetof(struct options, member)

static const struct cli_option options[] = {
	{.letter = 't',
	 .name = "topic",
	 .kind = CLI_LIST,
	 .arg = "FILTER",
	 .offset = AT(topics),
	 .doc = "Show these topics; the same as an operand. May be repeated."},
	{.letter = 'T',
	 .name = "not",
	 .kind = CLI_LIST,
	 .arg = "FILTER",
	 .offset = AT(never),
	 .doc = "Leave these topics out. May be repeated."},
	{.letter = 'p',
	 .name = "publisher",
	 .kind = CLI_LIST,
	 .arg = "NAME",
	 .offset = AT(publishers),
	 .doc = "Listen to this service only. May be repeated."},
	{.name = "lane",
	 .kind = CLI_CHOICE,
	 .arg = "LANE",
	 .fallback = "all",
	 .choices = "m|x|all",
	 .offset = AT(lane),
	 .doc = "Market data (m), or facts: orders, fills, gaps, alerts (x)."},
	{.name = "telemetry",
	 .kind = CLI_FLAG,
	 .offset = AT(telemetry),
	 .doc = "Show heartbeats, promises and metrics too."},
	{.letter = 'c',
	 .name = "count",
	 .kind = CLI_INT,
	 .arg = "N",
	 .min = 1,
	 .max = 1000000000,
	 .offset = AT(count),
	 .doc = "End after N events."},
	{.letter = 'C',
	 .name = "max-count",
	 .kind = CLI_INT,
	 .arg = "N",
	 .min = 1,
	 .max = 1000000000,
	 .offset = AT(count),
	 .doc = "The same, as mosquitto_sub has it."},
	{.letter = 'W',
	 .name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .offset = AT(timeout),
	 .doc = "End after this time; exit 5 where fewer than N events came, or none."},
	{.name = "sample",
	 .kind = CLI_DECIMAL,
	 .arg = "PCT",
	 .fallback = "100",
	 .min = 0,
	 .max = 10000000000,
	 .offset = AT(sample),
	 .doc = "Take this percentage of the events, by chance."},
	{.letter = 'J', .name = "json", .kind = CLI_FLAG, .offset = AT(json), .doc = "One JSON object a line."},
	{.name = "pretty", .kind = CLI_FLAG, .offset = AT(pretty), .doc = "JSON over several lines."},
	{.letter = 'f',
	 .name = "format",
	 .kind = CLI_TEXT,
	 .arg = "FORMAT",
	 .offset = AT(format),
	 .doc = "Write events by tokens, see above."},
	{.name = "raw", .kind = CLI_FLAG, .offset = AT(raw), .doc = "Write the frames as they came; see --delimiter."},
	{.name = "hexdump",
	 .kind = CLI_FLAG,
	 .offset = AT(hexdump),
	 .doc = "Write the bytes of each event for people."},
	{.letter = 'D',
	 .name = "delimiter",
	 .kind = CLI_TEXT,
	 .arg = "TEXT",
	 .offset = AT(delimiter),
	 .doc = "Write this after each event instead of a line feed; \\n \\t \\0 \\xNN are "
		"understood."},
	{.letter = 'N',
	 .name = "no-newline",
	 .kind = CLI_FLAG,
	 .offset = AT(no_newline),
	 .doc = "No line feed after each event."},
	{.letter = 'u',
	 .name = "unbuffered",
	 .kind = CLI_FLAG,
	 .offset = AT(unbuffered),
	 .doc = "Write out after each event, not after each batch."},
	{.name = "stats",
	 .kind = CLI_FLAG,
	 .offset = AT(stats),
	 .doc = "Show counts, rates, gaps and latency by topic instead of the events."},
	{.letter = 'i',
	 .name = "interval",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "2s",
	 .offset = AT(interval),
	 .doc = "Between two reports of --stats; 0: only one, at the end."},
	{.name = "top",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "0",
	 .min = 0,
	 .max = TAP_TOPICS_MAX,
	 .offset = AT(top),
	 .doc = "Report the N busiest topics only; 0: all."},
	{.name = "record",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .offset = AT(record),
	 .doc = "Record the frames, and write nothing else unless a form is given. The file must "
		"be new."},
	{.name = "read",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .offset = AT(read),
	 .doc = "Read a recording instead of the bus; - is standard input."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj tap", "Everything but heartbeats, promises and metrics."},
	{"nj tap trade -c 5", "The next five trades of any instrument."},
	{"nj tap 'trade.*.BTCUSDT' book.BINANCE -J | jq .price", "Filters as in NATS: * one token, > all below."},
	{"nj tap --lane x -T candle", "Orders, fills, positions, gaps, alerts."},
	{"nj tap trade -f '%T %k %l us %s'", "Chosen fields: time, instrument, latency."},
	{"nj tap --stats -i 1s --top 10", "The ten busiest topics, each second."},
	{"nj tap heartbeat.collector -W 2s -q >/dev/null || echo silent", "For scripts: exit 5 where nothing came."},
	{"nj tap --record monday.njtap -W 1h", "Record an hour; later: nj tap --read monday.njtap"},
	{0},
};

const struct cli_verb verb_tap = {
	.name = "tap",
	.alias = "sub",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Watch events on the bus, record them, read a recording",
	.operands = "[TOPIC-FILTER]...",
	.doc = "A plain subscriber: it slows nobody down. Where it cannot keep up, its sequences show what is missing: "
	       "each gap is told on standard error, and the exit code is 6.\n\n"
	       "A filter is a topic or its beginning; * stands for one token, > for all below. Heartbeats, promises "
	       "and metrics are hidden unless --telemetry or a filter asks for them.\n\n"
	       "Tokens of --format: %t topic, %e event, %k instrument, %p publisher, %O origin, %L lane, %o sequence, "
	       "%g events missing before it, %T ts_recv and %E ts_event in ns, %S bytes, %l latency in us, %s the "
	       "event as text, %j as JSON, %% a percent; \\n \\t \\r \\0 \\\\ \\xNN.\n\n"
	       "A recording is a header (NJTAP, CR, LF, 0x1a, u32 version 1, u32 0), then for each frame u32 length, "
	       "u32 lane (1 M, 2 X), i64 ns when it came, u32 CRC32C of all that and the frame, and the frame as on "
	       "the bus; all little-endian.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.operands_max = -1,
	.run = run,
};
