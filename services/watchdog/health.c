/* health - what a service's heartbeats say about it: alive, hung, idle for too long. */
#include "services/watchdog/health.h"

#include <string.h>

void health_init(struct health *h, int64_t mono_ns)
{
	memset(h, 0, sizeof *h);
	h->since = mono_ns;
}

void health_restarted(struct health *h, int64_t mono_ns)
{
	h->since = mono_ns;
	h->beat_at = 0;
	h->progress = 0;
	h->progress_at = mono_ns;
}

void health_on_beat(struct health *h, const struct event *ev, int64_t mono_ns)
{
	if (h->beat_at == 0 || ev->heartbeat.progress != h->progress)
		h->progress_at = mono_ns;
	h->beat_at = mono_ns;
	h->beat_wall = ev->ts_recv;
	h->last = ev->heartbeat;
	h->last.acks = h->last.ack_epochs = (struct pairs){0};
	h->progress = ev->heartbeat.progress;
	h->beats++;
}

enum health_state health_state(const struct health *h, const struct health_limits *l, int64_t mono_ns)
{
	if (h->beat_at == 0)
		return mono_ns - h->since > l->boot_ns ? HEALTH_HUNG : HEALTH_UNKNOWN;
	if (mono_ns - h->beat_at > l->dead_ns)
		return HEALTH_HUNG;
	if (h->last.silence_max > 0 && mono_ns - h->progress_at > h->last.silence_max)
		return HEALTH_IDLE;
	return HEALTH_OK;
}
