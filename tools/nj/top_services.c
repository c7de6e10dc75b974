/* top_services - what services say of themselves, folded from their telemetry: lag, progress, what is not stored yet.
 */
#include <string.h>

#include "common/base/check.h"
#include "tools/nj/top.h"

static struct top_service *service_of(struct top_services *s, const char *name)
{
	size_t i = 0;
	while (i < s->n && strcmp(s->at[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(s->at))
		return NULL;
	if (i == s->n) {
		memset(&s->at[i], 0, sizeof s->at[i]);
		memcpy(s->at[i].name, name, strnlen(name, sizeof s->at[i].name - 1) + 1);
		s->n++;
	}
	return &s->at[i];
}

/* Who stores lane X says how far it is with each publisher. */
static void on_acks(struct top_services *s, const struct pairs *acks)
{
	for (uint32_t i = 0; i < acks->n; i++) {
		struct top_service *t = service_of(s, acks->at[i].name);
		if (t)
			t->stored = (uint64_t)acks->at[i].value;
	}
}

static void on_heartbeat(struct top_services *s, struct top_service *t, const struct event *ev, int64_t mono_ns)
{
	const struct ev_heartbeat *h = &ev->heartbeat;
	if (t->heard_at == 0 || h->progress < t->shown_progress)
		t->shown_progress = h->progress; /* it was started again */
	t->life = h->state;
	t->progress = h->progress;
	t->x_epoch = h->x_epoch;
	t->x_last = h->x_last;
	t->rss = h->rss;
	t->errors = h->errors;
	t->heard_at = mono_ns;
	memcpy(t->note, h->note, sizeof t->note);
	if (strcmp(ev->source, "persister") == 0)
		on_acks(s, &h->acks);
}

void top_on_event(struct top_services *s, const struct event *ev, enum lane lane, int64_t mono_ns)
{
	bool telemetry = lane == LANE_M && ev->id < 0x0100;
	struct top_service *t = telemetry ? service_of(s, ev->source) : NULL;
	if (lane == LANE_M && !telemetry && ev->ts_recv > s->newest)
		s->newest = ev->ts_recv;
	if (!t)
		return;
	if (ev->id == EVENT_heartbeat)
		on_heartbeat(s, t, ev, mono_ns);
	else if (ev->id == EVENT_promise)
		t->handled = ev->promise.handled;
}

int64_t top_lag(const struct top_services *s, const struct top_service *t)
{
	bool follows = strcmp(t->name, "strategy") == 0 || strcmp(t->name, "executor") == 0;
	if (!follows || t->handled <= 0 || s->newest == 0)
		return -1;
	return s->newest > t->handled ? s->newest - t->handled : 0;
}

int64_t top_unstored(const struct top_service *t)
{
	if (t->heard_at == 0 || t->stored == 0)
		return -1;
	return t->x_last > t->stored ? (int64_t)(t->x_last - t->stored) : 0;
}
