/* tap - frames in, events out; bytes are never trusted, what cannot be read is counted. */
#include "tools/nj/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "proto/topic.h"
#include "tools/nj/spawn.h"

enum { LINE_MAX_BYTES = 8 << 20, WARNINGS_MAX = 100, TELEMETRY_BELOW = 0x0100 };

int tap_init(struct tap *t, struct cli *cli, bool by_topic, int64_t now)
{
	memset(t, 0, sizeof *t);
	t->cli = cli;
	buf_init(&t->line, LINE_MAX_BYTES);
	buf_init(&t->other, LINE_MAX_BYTES);
	t->arena = (struct arena){.at = malloc(ARENA_SIZE), .cap = ARENA_SIZE};
	rng_seed(&t->rng, (uint64_t)now);
	return t->arena.at ? tap_stats_init(&t->stats, by_topic, now) : ERR_NOMEM;
}

void tap_fini(struct tap *t)
{
	tap_stats_fini(&t->stats);
	buf_fini(&t->line);
	buf_fini(&t->other);
	free(t->arena.at);
	t->arena.at = NULL;
}

static void stop(struct tap *t)
{
	t->done = true;
	if (t->on_done)
		t->on_done(t->ctx);
}

/* ---- filters ---- */

bool tap_wants(const struct tap_filters *f, const char *topic, bool telemetry)
{
	bool wanted = f->n_only == 0 ? !telemetry || f->telemetry : telemetry && f->telemetry;
	for (size_t i = 0; !wanted && i < f->n_only; i++)
		wanted = topic_matches(f->only[i], topic);
	for (size_t i = 0; wanted && i < f->n_never; i++)
		wanted = !topic_matches(f->never[i], topic);
	return wanted;
}

static bool is_sampled(struct tap *t)
{
	static const uint64_t all = UINT64_C(10000000000); /* 100 % at the scale of decimals */
	return t->sample >= all || rng_below(&t->rng, all) < t->sample;
}

/* ---- output ---- */

static int put_item(struct tap *t, const struct tap_item *it)
{
	switch (t->form) {
	case TAP_JSON:
		return tap_put_json(it, &t->line);
	case TAP_PRETTY:
		return tap_put_pretty(it, &t->line);
	case TAP_FORMAT:
		return tap_format_put(&t->format, it, &t->line);
	case TAP_HEXDUMP:
		return tap_put_hexdump(it, &t->line);
	case TAP_HEADERS:
		return tap_put_headers(it, t->headers_json, &t->line);
	case TAP_PEOPLE:
		return tap_put_people(it, t->cli->color, &t->line);
	case TAP_RAW:
	case TAP_NOTHING:
		break;
	}
	return 0;
}

static void dump_line(struct tap *t)
{
	t->failed = tap_dump_put(&t->dump, t->line.at, t->line.len);
	if (t->failed)
		stop(t);
}

static void write_line(struct tap *t)
{
	if (t->dump.dir) {
		dump_line(t);
		return;
	}
	bool ends = t->no_newline || t->form == TAP_RAW || (t->form == TAP_FORMAT && tap_format_ends_line(&t->format));
	FILE *to = t->cli->out;
	fwrite(t->line.at, 1, t->line.len, to);
	if (t->has_delimiter)
		fwrite(t->delimiter.text, 1, t->delimiter.len, to);
	else if (!ends)
		fputc('\n', to);
	if (t->unbuffered)
		tap_flush(t);
}

void tap_flush(struct tap *t)
{
	/* A reader that has gone (head, less) is no failure. */
	if ((fflush(t->cli->out) != 0 || ferror(t->cli->out)) && !t->done) {
		if (errno != EPIPE)
			t->failed = err_from_errno(errno ? errno : EIO);
		stop(t);
	}
}

/* Takes the line's place; a line feed at its end is ours to write. */
static bool translate(struct tap *t)
{
	int code = 0;
	buf_clear(&t->other);
	int rc = spawn_filter(t->translate, t->line.at, t->line.len, &t->other, &code);
	if (rc || code) {
		if (t->untranslated++ == 0)
			cli_note(t->cli, "--translate: %s, exit code %d; what fails is left out",
				 rc ? err_text(rc) : "it failed", code);
		return false;
	}
	struct buf before = t->line;
	t->line = t->other;
	t->other = before;
	if (t->line.len > 0 && t->line.at[t->line.len - 1] == '\n')
		t->line.len--;
	return true;
}

static void show(struct tap *t, const struct tap_item *it)
{
	tap_stats_count(&t->stats, it);
	if (t->form != TAP_NOTHING && t->form != TAP_RAW) {
		buf_clear(&t->line);
		if (put_item(t, it) != 0)
			t->malformed++;
		else if (!t->translate || translate(t))
			write_line(t);
	}
	if (t->count_max && t->stats.events >= (uint64_t)t->count_max)
		stop(t);
}

static void warn_of_gap(struct tap *t, const struct tap_item *it)
{
	if (t->warned++ < WARNINGS_MAX)
		cli_note(t->cli, "missing %" PRIu64 " event%s of %s%s before #%" PRIu64, it->gap,
			 it->gap == 1 ? "" : "s", it->lane == LANE_X ? "lane X of " : "",
			 it->lane == LANE_X ? it->ev->source : it->topic, it->ev->seq);
	if (t->warned == WARNINGS_MAX)
		cli_note(t->cli, "further gaps are only counted");
}

/* ---- frames ---- */

struct frame {
	const struct tap_frame *f;
	const char *topic;
	const uint8_t *at;
	size_t left;
	bool taken; /* some of it was shown */
};

/* Reads the next event of the frame. 0, or the error after which nothing of the frame can be read.
 */
static int next_event(struct tap *t, struct frame *fr, struct event *ev, struct tap_item *it)
{
	size_t used = 0;
	t->arena.used = 0;
	int rc = codec_unpack(fr->at, fr->left, &t->arena, ev, &used);
	bool unknown = rc == ERR_UNKNOWN && used > 0;
	if (unknown)
		rc = codec_peek(fr->at, fr->left, ev);
	if (rc)
		return rc;
	*it = (struct tap_item){.topic = fr->topic,
				.ev = ev,
				.row = unknown ? NULL : event_row(ev->id),
				.bytes = fr->at,
				.len = used,
				.lane = fr->f->lane,
				.now = fr->f->past ? 0 : fr->f->at};
	fr->at += used;
	fr->left -= used;
	return 0;
}

static void take(struct tap *t, struct frame *fr, struct tap_item *it)
{
	bool telemetry = it->lane == LANE_M && it->ev->id < TELEMETRY_BELOW;
	bool wanted = tap_wants(&t->filters, it->topic, telemetry);
	it->gap = fr->f->followed ? fr->f->gap : tap_stats_follow(&t->stats, it);
	if (it->gap && !t->quiet_gaps && (wanted || it->lane == LANE_X))
		warn_of_gap(t, it);
	if (!wanted || !is_sampled(t))
		return;
	fr->taken = true;
	show(t, it);
}

static void keep_frame(struct tap *t, const struct tap_frame *f)
{
	if (t->form == TAP_RAW) {
		buf_clear(&t->line);
		if (buf_append(&t->line, f->bytes, f->len) == 0)
			write_line(t);
	}
	if (!t->writer.f)
		return;
	t->failed = tap_writer_put(&t->writer, f);
	if (t->failed)
		stop(t);
}

uint64_t tap_follow(struct tap *t, const struct tap_frame *f)
{
	struct frame fr = {.f = f};
	struct event head;
	size_t topic_len;
	if (codec_split(f->bytes, f->len, &fr.topic, &topic_len, &fr.at, &fr.left) != 0 ||
	    codec_peek(fr.at, fr.left, &head) != 0)
		return 0;
	const struct tap_item it = {.topic = fr.topic, .ev = &head, .lane = f->lane};
	return tap_stats_follow(&t->stats, &it);
}

void tap_on_frame(struct tap *t, const struct tap_frame *f)
{
	struct frame fr = {.f = f};
	struct event ev;
	struct tap_item it;
	size_t topic_len;
	if (t->done)
		return;
	if (codec_split(f->bytes, f->len, &fr.topic, &topic_len, &fr.at, &fr.left) != 0) {
		t->malformed++;
		return;
	}
	while (fr.left > 0 && !t->done) {
		if (next_event(t, &fr, &ev, &it) != 0) {
			t->malformed++;
			break;
		}
		take(t, &fr, &it);
	}
	if (fr.taken)
		keep_frame(t, f);
}
