/* source - a publisher for tests of lane X: a real service under the executor's name that publishes all the time.
 *
 * Every record is unlike any other (life, number): one that was seen and not durable would show as a record whose place
 * holds other bytes later. Takes a small snapshot now and then, so that this path is walked, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/service/runtime.h"

struct settings {
	int64_t every_ns, burst, snapshot_every;
};

#define AT(member) offsetof(struct settings, member)
static const struct config_key keys[] = {
	{"every", CONFIG_DUR, "3ms", NS_PER_MS, NS_PER_S, "ns", "Between bursts.", NULL, AT(every_ns), 0},
	{"burst", CONFIG_INT, "2", 0, 1000, "records", "Records in each.", NULL, AT(burst), 0},
	{"snapshot_every", CONFIG_INT, "50", 1, 1000000, "bursts", "Between snapshots.", NULL, AT(snapshot_every), 0},
	{0},
};
static const uint16_t pubs[] = {EVENT_alert, EVENT_gap, 0};

struct source {
	struct runtime *rt;
	struct settings in;
	struct loop_source *timer;
	int64_t life;
	uint64_t bursts, made;
};

static void burst(void *ctx)
{
	struct source *s = ctx;
	struct event ev;
	for (int64_t i = 0; i < s->in.burst; i++) {
		event_init(&ev, EVENT_alert);
		event_set_name(ev.alert.rule, "chaos");
		event_set_name(ev.alert.subject, "source");
		snprintf(ev.alert.message, sizeof ev.alert.message, "life %" PRId64 " record %" PRIu64 " %.*s", s->life,
			 s->made, (int)(s->made % 60), "the quick brown fox jumps over the lazy dog, again and again");
		if (runtime_emit_shell(s->rt, &ev) == 0)
			s->made++;
	}
	struct outbox *b = runtime_outbox(s->rt);
	if (++s->bursts % (uint64_t)s->in.snapshot_every == 0 && b->x_next > 1)
		(void)journal_snapshot(b->journal, b->x_next - 1, &s->made, sizeof s->made);
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	(void)reason, (void)cap;
	struct source *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	s->rt = rt;
	s->in = *(const struct settings *)settings;
	s->life = clock_wall(runtime_clock(rt));
	*ret_self = s;
	return 0;
}

static void run(void *self)
{
	struct source *s = self;
	int rc = loop_timer(runtime_loop(s->rt), s->in.every_ns, s->in.every_ns, burst, s, &s->timer);
	if (rc)
		runtime_fail(s->rt, "timer", rc);
}

static void stop(void *self)
{
	loop_end(&((struct source *)self)->timer);
}

static const struct service service = {
	.name = "executor",
	.doc = "Publishes on lane X all the time (tests).",
	.keys = keys,
	.settings_size = sizeof(struct settings),
	.pubs = pubs,
	.start = start,
	.stop = stop,
	.free = free,
	.run = run,
};
SERVICE_MAIN(service)
