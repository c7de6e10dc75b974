/* play - a recording of `nj tap --record` published again, by its own times or faster.
 *
 *     WAITING ---wait over---> PLAYING ---last frame---> LINGERING ---linger over---> (end)
 *     on_wait                  on_due                    on_linger
 *
 * Stamps of events stay; the sequence, the epoch and the name are the player's, and every origin becomes `replay`: what
 * is played can pass as live nowhere. Telemetry is left out, since the player has its own.
 */
#include "tools/nj/play.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/nj/publisher.h"
#include "tools/nj/table.h"
#include "tools/nj/tap.h"

enum { BATCH_FRAMES = 200, TELEMETRY_BELOW = 0x0100 };
#define FULL_PAUSE_NS (5 * NS_PER_MS)
#define SPEED_MAX 1000000 /* times real time */

struct play {
	struct cli *cli;
	const struct play_options *o;
	struct publisher publisher;
	struct tap_filters filters;
	struct tap_reader reader;
	struct tap_frame frame; /* the next one */
	bool has_frame, over;
	int ended; /* why the recording ended: 0, or an error */
	int64_t thousandths;
	int64_t first_at, began; /* recorded wall clock, our monotonic */
	struct arena arena;
	uint64_t events, frames, left_out, unknown;
	struct loop_source *timer;
};

int play_parse_speed(const char *text, int64_t *ret_thousandths)
{
	char number[24], reason[200];
	int64_t value = 0;
	size_t len = strlen(text);
	const struct config_key key = {
		.name = "speed", .kind = CONFIG_DECIMAL, .max = SPEED_MAX * INT64_C(100000000), .size = sizeof value};
	if (strcmp(text, "max") == 0) {
		*ret_thousandths = 0;
		return 0;
	}
	if (len == 0 || len >= sizeof number)
		return ERR_ARG;
	memcpy(number, text, len + 1);
	if (number[len - 1] == 'x')
		number[len - 1] = '\0';
	if (config_parse(&key, number, &value, reason, sizeof reason) != 0 || value < 100000)
		return ERR_ARG;
	*ret_thousandths = value / 100000; /* decimals have eight places */
	return 0;
}

/* ---- frames ---- */

static void read_next(struct play *p)
{
	int rc = tap_reader_next(&p->reader, &p->frame);
	p->has_frame = rc > 0;
	p->ended = rc < 0 ? rc : 0;
}

static bool is_chosen(const struct play *p, const char *source)
{
	const struct cli_list *l = &p->o->publishers;
	bool chosen = l->n == 0;
	for (size_t i = 0; !chosen && i < l->n; i++)
		chosen = strcmp(l->at[i], source) == 0;
	return chosen;
}

static int play_event(struct play *p, const char *topic, struct event *ev)
{
	const struct event_row *row = event_row(ev->id);
	bool telemetry = row->lane == LANE_M && ev->id < TELEMETRY_BELOW;
	if (telemetry || row->lane == LANE_R || !is_chosen(p, ev->source) || !tap_wants(&p->filters, topic, false)) {
		p->left_out++;
		return 0;
	}
	ev->origin = origin_replay;
	int rc = publisher_emit(&p->publisher, ev);
	p->events += rc == 0;
	p->over = p->o->count && p->events >= (uint64_t)p->o->count;
	return rc;
}

/* Events of an unknown id are left out: a name inside them could not be made ours. */
static int play_frame(struct play *p)
{
	const char *topic;
	const uint8_t *at;
	size_t topic_len, left, used;
	struct event ev;
	int rc = codec_split(p->frame.bytes, p->frame.len, &topic, &topic_len, &at, &left);
	while (!rc && left > 0 && !p->over) {
		p->arena.used = 0;
		rc = codec_unpack(at, left, &p->arena, &ev, &used);
		if (rc == 0)
			rc = play_event(p, topic, &ev);
		else if (rc == ERR_UNKNOWN && used > 0) {
			p->unknown++;
			rc = 0;
		}
		at += used;
		left -= used;
	}
	p->frames += rc == 0;
	return rc;
}

/* ---- by the clock ---- */

static int64_t mono(const struct play *p)
{
	return clock_mono(loop_clock(p->publisher.loop));
}

/* How long until the next frame is due; 0 now. */
static int64_t due_in(const struct play *p)
{
	if (p->thousandths == 0)
		return 0;
	fixed_wide since = (fixed_wide)(p->frame.at - p->first_at) * 1000 / p->thousandths;
	fixed_wide left = p->began + since - mono(p);
	return left <= 0 ? 0 : left > LOOP_NEVER ? LOOP_NEVER : (int64_t)left;
}

static void on_linger(void *ctx)
{
	struct play *p = ctx;
	p->timer = NULL;
	loop_stop(p->publisher.loop);
}

static void after(struct play *p, int64_t ns, loop_fn fn)
{
	loop_end(&p->timer);
	if (loop_timer(p->publisher.loop, ns, 0, fn, p, &p->timer) != 0)
		loop_stop(p->publisher.loop);
}

static void on_due(void *ctx)
{
	struct play *p = ctx;
	int rc = 0;
	p->timer = NULL;
	for (int n = 0; n < BATCH_FRAMES && p->has_frame && !p->over && due_in(p) == 0; n++) {
		if (!publisher_ready(&p->publisher)) {
			after(p, FULL_PAUSE_NS, on_due);
			return;
		}
		rc = play_frame(p);
		if (rc)
			break;
		read_next(p);
	}
	publisher_flush(&p->publisher);
	if (rc) {
		p->ended = rc;
		loop_stop(p->publisher.loop);
	} else if (p->has_frame && !p->over) {
		after(p, due_in(p), on_due);
	} else {
		after(p, p->o->linger, on_linger);
	}
}

static void on_wait(void *ctx)
{
	struct play *p = ctx;
	p->began = mono(p);
	p->first_at = p->frame.at;
	on_due(p);
}

/* ---- begin and end ---- */

static int prepare(struct play *p, int argc, char **argv)
{
	const struct play_options *o = p->o;
	(void)argc;
	if (play_parse_speed(o->speed, &p->thousandths) != 0)
		return cli_usage(p->cli, "--speed %s: a factor (1, 10x, 0.5x) or max", o->speed);
	for (size_t i = 0; i < o->topics.n; i++)
		p->filters.only[p->filters.n_only++] = o->topics.at[i];
	for (size_t i = 0; i < o->never.n; i++)
		p->filters.never[p->filters.n_never++] = o->never.at[i];
	p->arena = (struct arena){.at = malloc(ARENA_SIZE), .cap = ARENA_SIZE};
	if (!p->arena.at)
		return cli_fail(p->cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	int rc = tap_reader_open(argv[0], &p->reader);
	if (rc)
		return cli_fail(p->cli, rc == ERR_SYNTAX ? CLI_DATA : CLI_FAILED, "%s: %s", argv[0],
				rc == ERR_SYNTAX ? "no recording of nj tap" : err_text(rc));
	read_next(p);
	if (!p->has_frame)
		return cli_fail(p->cli, CLI_DATA, "%s: there is nothing in it", argv[0]);
	return CLI_OK;
}

static int conclude(struct play *p, const char *file)
{
	const struct publisher *b = &p->publisher;
	char took[TABLE_SHORT_MAX];
	cli_note(p->cli, "%" PRIu64 " events played as %s in %s; left out: %" PRIu64 ", unknown: %" PRIu64, p->events,
		 b->name, table_span(p->began ? mono(p) - p->began : 0, took), p->left_out, p->unknown);
	if (b->failed || b->outbox.failed)
		return cli_fail(p->cli, CLI_FAILED, "the journal of the player: %s",
				err_text(b->failed ? b->failed : b->outbox.failed));
	if (b->signal)
		return b->signal == SIGINT ? CLI_INTERRUPTED : CLI_OK;
	if (p->ended)
		return cli_fail(p->cli, CLI_DATA, "%s: the recording %s; what stood before it was played", file,
				p->ended == ERR_TRUNCATED ? "ends in the middle of a record" : "is damaged");
	return CLI_OK;
}

int play_run(struct cli *cli, const void *options, int argc, char **argv)
{
	static struct play p;
	p = (struct play){.cli = cli, .o = options, .publisher = {.signals = -1}};
	int rc = prepare(&p, argc, argv);
	if (!rc)
		rc = publisher_open(&p.publisher, cli, p.o->as);
	if (!rc) {
		after(&p, p.o->wait, on_wait);
		loop_run(p.publisher.loop);
		rc = conclude(&p, argv[0]);
	}
	loop_end(&p.timer);
	publisher_close(&p.publisher);
	tap_reader_close(&p.reader);
	free(p.arena.at);
	return rc;
}
