/* rotate - a line's connection replaced by a new one before the venue ends it, without losing a message.
 *
 *     NONE --old enough, or the venue shuts down (begin)--> OPENING --rotate_on_open--> OVERLAP
 *     OPENING --failed (rotate_on_close)--> NONE, again after a while
 *     OPENING --the old one is lost--> NONE, and the line is made anew as always
 *     OVERLAP --OVERLAP_NS, the old one is lost, or no room (rotate_take_over)--> NONE, on the new one
 *
 * While both are open the core gets the old one's frames; the new one's are held. By the time the new one takes over,
 * what it began with has long come on the old one, however far the two are apart. Then what is held is given to the
 * core, without the texts that the old one brought too; what is the same in other words the core knows by its ids.
 * So nothing is lost, nothing is given twice, and nobody is told of a gap, as there was none. For venues only whose ids
 * are their own (venue.mergeable), which are all that state an age (venue.life_ns; the conformance test holds them to
 * it): where a connection begins with snapshots, or trades have no ids, there is nothing to merge by. Such a connection
 * has no age; one that ends all the same is made anew, with a gap on record and its trades back-filled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define MARGIN_NS (600 * NS_PER_S) /* before the venue's own end */
#define SPREAD_NS (20 * NS_PER_S)  /* lines do not rotate at the same time */
#define OVERLAP_NS (3 * NS_PER_S)
#define AGAIN_NS (30 * NS_PER_S) /* after a failure */
#define HELD_MAX (8 << 20)
#define SEEN_MAX (1u << 16) /* hashes; a power of two */

static void on_age(void *ctx);

static bool can_rotate(const struct shell *s)
{
	return !s->set.stamped && s->venue->mergeable;
}

void rotate_arm(struct line *l)
{
	struct shell *s = l->shell;
	int64_t age = s->set.rotate_ns;
	if (age == 0)
		age = s->venue->life_ns - MARGIN_NS - (int64_t)l->number * SPREAD_NS;
	loop_end(&l->age);
	if (can_rotate(s) && age > 0)
		loop_timer(runtime_loop(s->rt), age, 0, on_age, l, &l->age);
}

/* --- what both brought ---------------------------------------------------------------------------------- */

/* Where the hash is, or could be. */
static uint64_t *find(struct rotation *r, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (SEEN_MAX - 1);
	while (r->seen[at] != 0 && r->seen[at] != hash)
		at = (at + 1) & (SEEN_MAX - 1);
	return &r->seen[at];
}

static uint64_t hash_of(const void *text, size_t len)
{
	uint64_t hash = hash_bytes(text, len);
	return hash ? hash : 1;
}

void rotate_on_old_frame(struct line *l, const char *text, size_t len)
{
	struct rotation *r = &l->next;
	if (!r->open || r->n_seen >= SEEN_MAX / 2)
		return; /* what is not remembered is known by its ids, or told twice */
	uint64_t hash = hash_of(text, len), *at = find(r, hash);
	r->n_seen += *at == 0;
	*at = hash;
}

/* --- the new connection --------------------------------------------------------------------------------- */

static void reset(struct rotation *r)
{
	loop_end(&r->timer);
	ring_fini(&r->held);
	free(r->seen);
	*r = (struct rotation){0};
}

void rotate_cancel(struct line *l)
{
	connection_unplug(next_plug(l));
	reset(&l->next);
}

static void begin(struct line *l, const char *reason)
{
	struct rotation *r = &l->next;
	if (r->begun || !l->open_at)
		return;
	int rc = ring_init(&r->held, HELD_MAX);
	r->seen = calloc(SEEN_MAX, sizeof *r->seen);
	if (!r->seen)
		rc = ERR_NOMEM;
	if (!rc)
		rc = connection_dial(next_plug(l));
	r->begun = true;
	log_info("rotating", "connection=%u reason=%s", l->number, reason);
	if (rc)
		rotate_on_close(l);
}

static void on_age(void *ctx)
{
	struct line *l = ctx;
	l->age = NULL;
	begin(l, "its age");
}

void rotate_on_close(struct line *l)
{
	struct shell *s = l->shell;
	log_warn("the connection that was to take over failed", "connection=%u", l->number);
	s->counters.rotation_failures++;
	rotate_cancel(l);
	loop_end(&l->age);
	loop_timer(runtime_loop(s->rt), AGAIN_NS, 0, on_age, l, &l->age);
}

static void on_overlap(void *ctx)
{
	struct line *l = ctx;
	l->next.timer = NULL;
	rotate_take_over(l);
}

void rotate_on_open(struct line *l)
{
	if (!connection_is_of_origin(next_plug(l))) {
		log_error("another server answers than before", "connection=%u", l->number);
		rotate_on_close(l);
		return;
	}
	l->next.open = true;
	subscribe_all(next_plug(l));
	loop_timer(runtime_loop(l->shell->rt), OVERLAP_NS, 0, on_overlap, l, &l->next.timer);
}

/* Without room for more the old one has to go: what is held has come since long before. */
void rotate_on_frame(struct line *l, const char *text, size_t len)
{
	if (ring_push(&l->next.held, text, len) == 0)
		return;
	log_warn("the overlap of two connections is cut short", "connection=%u frames=%zu", l->number,
		 l->next.held.count);
	rotate_take_over(l);
	pump_live_frame(l, text, len);
}

static uint64_t give_held(struct line *l)
{
	struct rotation *r = &l->next;
	const uint8_t *at;
	uint64_t same = 0;
	size_t len;
	while ((at = ring_front(&r->held, &len)) != NULL) {
		if (*find(r, hash_of(at, len)) != 0)
			same++;
		else
			pump_live_frame(l, (const char *)at, len);
		ring_pop(&r->held);
	}
	return same;
}

bool rotate_take_over(struct line *l)
{
	struct shell *s = l->shell;
	if (!l->next.open || s->stopping)
		return false;
	connection_unplug(plug_of(l));
	l->in = !l->in;
	l->open_at = l->heard_at = clock_mono(runtime_clock(s->rt));
	size_t held = l->next.held.count;
	collector_core_on_replaced(s->core, pump_now(s), l->number, plug_of(l)->version, &s->sink);
	uint64_t same = give_held(l);
	reset(&l->next);
	s->counters.rotations++;
	s->counters.merged += same;
	log_info("rotated", "connection=%u held=%zu same=%llu", l->number, held, (unsigned long long)same);
	rotate_arm(l);
	pump_after(s);
	return true;
}

static void rotate_now(void *ctx)
{
	struct line *l = ctx;
	begin(l, l->reconnect_reason);
}

/* From inside a frame of the old connection. */
void rotate_asked(void *ctx, uint32_t connection, const char *reason)
{
	struct shell *s = ctx;
	struct line *l = &s->line[connection];
	if (!can_rotate(s)) {
		connection_reconnect(ctx, connection, reason);
		return;
	}
	if (l->next.begun)
		return;
	snprintf(l->reconnect_reason, sizeof l->reconnect_reason, "%s", reason);
	loop_defer(runtime_loop(s->rt), rotate_now, l);
}

void rotate_fini(struct line *l)
{
	rotate_cancel(l);
	loop_undefer(runtime_loop(l->shell->rt), rotate_now, l);
}
