/* health - what a service's heartbeats say about it: alive, hung, idle for too long, growing. */
#include "services/watchdog/health.h"

#include <stdlib.h>
#include <string.h>

enum { SLOPE_SAMPLES = 60, SLOPE_MIN = 10 };
static const int64_t sample_ns = INT64_C(60000000000);

void health_init(struct health *h, int64_t mono_ns)
{
	memset(h, 0, sizeof *h);
	h->since = mono_ns;
	h->sampled_at = mono_ns;
}

void health_restarted(struct health *h, int64_t mono_ns)
{
	h->since = mono_ns;
	h->beat_at = 0;
	h->progress = 0;
	h->progress_at = mono_ns;
	h->samples = h->next = 0; /* a new process begins a new line */
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

void health_sample(struct health *h, int64_t mono_ns)
{
	if (mono_ns - h->sampled_at < sample_ns || h->beat_at == 0)
		return;
	h->sampled_at = mono_ns;
	h->rss[h->next] = h->last.rss;
	h->next = (h->next + 1) % HEALTH_SAMPLES;
	if (h->samples < HEALTH_SAMPLES)
		h->samples++;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int64_t health_growth(const struct health *h)
{
	static int64_t slope[SLOPE_SAMPLES * (SLOPE_SAMPLES - 1) / 2];
	uint32_t n = h->samples < SLOPE_SAMPLES ? h->samples : SLOPE_SAMPLES;
	uint32_t first = (h->next + HEALTH_SAMPLES - n) % HEALTH_SAMPLES;
	size_t pairs = 0;
	if (n < SLOPE_MIN)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = i + 1; k < n; k++) {
			int64_t a = (int64_t)h->rss[(first + i) % HEALTH_SAMPLES];
			int64_t b = (int64_t)h->rss[(first + k) % HEALTH_SAMPLES];
			slope[pairs++] = (b - a) * 60 / (int64_t)(k - i);
		}
	qsort(slope, pairs, sizeof slope[0], by_value);
	return slope[pairs / 2];
}
