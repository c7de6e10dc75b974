/* clocks - the collector's look at its clocks: how far they are from the venue's, and whether the machine slept.
 *
 * Each minute the venue is asked for its time, or, where it has no request for that, more often for anything: the date
 * of a reply is whole seconds, and several of them narrow it down (offset_join). People are told from 250 ms and from a
 * second on, where the venue is the real one. Sleep shows where the clock that counts it has moved against the one that
 * stands meanwhile: then every connection is made anew, so every book is built anew, and what was missed is a gap on
 * record. The connections would be found dead only after as long as they may be silent, and what is in their buffers is
 * of before the sleep.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/venue/offset.h"
#include "services/collector/shell.h"

#define ASK_FIRST_NS (5 * NS_PER_S)
#define ASK_NS (60 * NS_PER_S)
#define ASK_DATE_NS (15 * NS_PER_S + 130 * NS_PER_MS) /* each time at another part of the second */

/* --- the venue's time ------------------------------------------------------------------------------------ */

static void tell_people(struct shell *s, const struct offset *o)
{
	enum offset_grade grade = s->line[0].origin == origin_live ? offset_grade(o) : OFFSET_GOOD;
	char text[EVENT_TEXT_MAX];
	snprintf(text, sizeof text, "the machine's clock is %lld ms %s that of %s; check the time service",
		 (long long)((o->ns < 0 ? -o->ns : o->ns) / NS_PER_MS), o->ns < 0 ? "behind" : "ahead of",
		 s->venue->name);
	runtime_alert(s->rt, severity_warning, grade >= OFFSET_WARN, "clock_offset", s->venue->name, text);
	runtime_alert(s->rt, severity_critical, grade >= OFFSET_FAR, "clock_far", s->venue->name, text);
}

static int read_body(const struct venue *v, const struct http_response *r, struct offset_sample *sample)
{
	sample->cut = OFFSET_MS;
	return r->status != 200 ? ERR_STATUS : offset_read(r->body, r->body_len, v->time_key, &sample->venue);
}

/* Any reply has one, refusals too. What a cache has kept is as old as it says. */
static int read_date(const struct http_response *r, struct offset_sample *sample)
{
	const char *date = http_header(r->call, "Date"), *age = http_header(r->call, "Age");
	sample->cut = OFFSET_SECOND;
	if (!date || (age && strcmp(age, "0") != 0))
		return ERR_NOT_FOUND;
	return offset_date(date, &sample->venue);
}

/* What is known from before and now together. */
static struct offset joined(struct shell *s, const struct offset_sample *sample)
{
	struct offset o = offset_of(sample);
	int64_t mono = clock_mono(runtime_clock(s->rt));
	if (sample->cut == OFFSET_SECOND && s->offset_at)
		o = offset_join(&s->offset, &o, mono - s->offset_at);
	s->offset = o;
	s->offset_at = mono;
	return o;
}

static void on_time(void *ctx, const struct http_response *r)
{
	struct shell *s = ctx;
	struct offset_sample sample = {.sent = s->asked_time_at, .received = clock_wall(runtime_clock(s->rt))};
	s->asked_time_at = 0;
	requests_budget(s, r);
	int rc = r->err;
	if (!rc)
		rc = s->venue->time_key ? read_body(s->venue, r, &sample) : read_date(r, &sample);
	if (rc) {
		log_debug("the venue does not tell its time", "status=%d err=%s", r->status, err_name(rc));
		return;
	}
	struct offset o = joined(s, &sample);
	s->counters.clock_answers++;
	s->counters.clock_offset = o.ns;
	s->counters.clock_known = o.known;
	log_debug("clock", "ahead_us=%lld known_us=%lld", (long long)(o.ns / NS_PER_US),
		  (long long)(o.known / NS_PER_US));
	tell_people(s, &o);
	holdings_sync_clock(s, &o);
}

static void on_ask(void *ctx)
{
	struct shell *s = ctx;
	if (s->asked_time_at) /* still under way: its answer would be measured by the wrong beginning */
		return;
	if (requests_wait(s)) /* the next time will do */
		return;
	s->asked_time_at = clock_wall(runtime_clock(s->rt));
	int rc = requests_get(s, VENUE_ASK_NOTHING, s->venue->time_path, on_time, s);
	if (rc == 0)
		return;
	s->asked_time_at = 0;
	log_debug("the venue cannot be asked for its time", "err=%s", err_name(rc));
}

/* --- sleep ----------------------------------------------------------------------------------------------- */

void clocks_look(struct shell *s)
{
	int64_t slept = clock_slept(runtime_clock(s->rt)), by = slept - s->slept;
	char reason[64];
	if (by < CLOCKS_SLEPT_NS)
		return;
	s->slept = slept;
	s->counters.sleeps++;
	snprintf(reason, sizeof reason, "the machine slept for %lld s", (long long)((by + NS_PER_S / 2) / NS_PER_S));
	log_warn("everything is asked for anew", "reason=%s", reason);
	for (uint32_t i = 0; i < s->n_lines; i++)
		connection_woken(&s->line[i], reason);
	holdings_sync_woken(s);
}

void clocks_start(struct shell *s)
{
	s->slept = clock_slept(runtime_clock(s->rt));
	int64_t every = s->venue->time_key ? ASK_NS : ASK_DATE_NS;
	if (s->venue->time_path)
		loop_timer(runtime_loop(s->rt), ASK_FIRST_NS, every, on_ask, s, &s->asking);
}

void clocks_stop(struct shell *s)
{
	loop_end(&s->asking);
}
