/* memory - telemetry into samples, samples into slopes, slopes into alerts. */
#include "services/watchdog/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/io/clock.h"

enum { KIB = 1024 };
static const int64_t sample_ns = 60 * NS_PER_S;

int memory_init(struct memory *m, int64_t mono_ns)
{
	*m = (struct memory){.sampled_at = mono_ns};
	return trend_init(&m->trend);
}

void memory_fini(struct memory *m)
{
	trend_fini(&m->trend);
}

void memory_restarted(struct memory *m, int64_t mono_ns)
{
	struct trend trend = m->trend;
	trend_restarted(&trend);
	*m = (struct memory){.trend = trend, .sampled_at = mono_ns};
}

static void on_metrics(struct memory *m, const struct pairs *values)
{
	m->queued = 0;
	for (uint32_t i = 0; i < values->n; i++) {
		const char *name = values->at[i].name, *dot = strrchr(name, '.');
		int64_t value = values->at[i].value;
		if (strcmp(name, "process_cpu_ns_total") == 0)
			m->cpu_ns = (uint64_t)value;
		else if (strcmp(name, "process_open_fds") == 0)
			m->fds = (uint32_t)value;
		else if (strcmp(name, "process_threads") == 0)
			m->threads = (uint32_t)value;
		else if (strncmp(name, "in.", 3) == 0 && dot && strcmp(dot, ".queued") == 0)
			m->queued += (uint32_t)value;
	}
}

static void on_hello(struct memory *m, uint32_t pid, int64_t mono_ns)
{
	if (m->pid && m->pid != pid)
		memory_restarted(m, mono_ns);
	m->pid = pid;
}

void memory_on_telemetry(struct memory *m, const struct event *ev, int64_t mono_ns)
{
	if (ev->id == EVENT_hello)
		on_hello(m, ev->hello.pid, mono_ns);
	if (ev->id == EVENT_metrics)
		on_metrics(m, &ev->metrics.values);
	if (ev->id != EVENT_heartbeat)
		return;
	m->rss = ev->heartbeat.rss;
	m->anon = ev->heartbeat.anon ? ev->heartbeat.anon : ev->heartbeat.rss; /* an older service does not say */
	m->journal = ev->heartbeat.x_offset;
}

static uint32_t kib(uint64_t bytes)
{
	return bytes / KIB < UINT32_MAX ? (uint32_t)(bytes / KIB) : UINT32_MAX;
}

/* Thousandths of a core since the last sample. */
static uint32_t cpu_share(const struct memory *m, int64_t span_ns)
{
	if (!m->sampled_cpu_ns || m->cpu_ns < m->sampled_cpu_ns)
		return 0;
	return (uint32_t)((m->cpu_ns - m->sampled_cpu_ns) * 1000 / (uint64_t)span_ns);
}

void memory_sample(struct memory *m, int64_t mono_ns)
{
	int64_t span = mono_ns - m->sampled_at;
	if (span < sample_ns || m->rss == 0)
		return;
	struct trend_sample s = {.value = {[TREND_MEMORY] = kib(m->anon),
					   [TREND_CPU] = cpu_share(m, span),
					   [TREND_FDS] = m->fds,
					   [TREND_THREADS] = m->threads,
					   [TREND_QUEUED] = m->queued,
					   [TREND_JOURNAL] = kib(m->journal)}};
	m->sampled_at = mono_ns;
	m->sampled_cpu_ns = m->cpu_ns;
	trend_add(&m->trend, &s);
	m->growth = trend_slope(&m->trend, TREND_MEMORY, TREND_HOUR) * KIB;
	/* Over less than six hours a start would look like one. */
	m->creep = m->trend.n < TREND_SIX_HOURS ? 0 : trend_slope(&m->trend, TREND_MEMORY, TREND_SIX_HOURS) * KIB;
}

void memory_judge(const struct memory *m, const struct memory_limits *l, const char *name,
		  const struct memory_alerts *to)
{
	char text[EVENT_TEXT_MAX];
	uint64_t mib = m->rss >> 20;
	snprintf(text, sizeof text, "%s holds %" PRIu64 " MiB", name, mib);
	to->tell(to->ctx, severity_warning, m->rss > (uint64_t)l->rss_max, "memory_high", name, text);
	snprintf(text, sizeof text, "%s grows by %" PRId64 " MiB an hour and holds %" PRIu64 " MiB", name,
		 m->growth >> 20, mib);
	to->tell(to->ctx, severity_warning, m->growth > l->growth_max, "memory_growth", name, text);
	to->tell(to->ctx, severity_critical, m->growth > l->runaway_max, "memory_runaway", name, text);
	snprintf(text, sizeof text, "%s has grown for six hours by %" PRId64 " KiB an hour and holds %" PRIu64 " MiB",
		 name, m->creep >> 10, mib);
	to->tell(to->ctx, severity_warning, m->creep > l->creep_max, "memory_creep", name, text);
}

void memory_judge_stack(uint64_t rss, const struct memory_limits *l, const struct memory_alerts *to)
{
	char text[EVENT_TEXT_MAX];
	snprintf(text, sizeof text, "all services together hold %" PRIu64 " MiB", rss >> 20);
	to->tell(to->ctx, severity_critical, rss > (uint64_t)l->stack_max, "stack_memory_high", "stack", text);
}

uint32_t memory_pairs(const struct memory *m, const char *name, struct pair *p, uint32_t n)
{
	const struct trend *t = &m->trend;
	struct trend_sample last = trend_last(t);
	const struct {
		const char *what;
		int64_t value;
	} row[] = {
		{"anon", (int64_t)m->anon},
		{"samples", t->n},
		{"memory_1h", m->growth},
		{"memory_6h", trend_slope(t, TREND_MEMORY, TREND_SIX_HOURS) * KIB},
		{"memory_7d", trend_slope(t, TREND_MEMORY, TREND_SAMPLES) * KIB},
		{"cpu", last.value[TREND_CPU]},
		{"fds", m->fds},
		{"fds_6h", trend_slope(t, TREND_FDS, TREND_SIX_HOURS)},
		{"threads", m->threads},
		{"queued", m->queued},
		{"journal", (int64_t)m->journal},
		{"journal_6h", trend_slope(t, TREND_JOURNAL, TREND_SIX_HOURS) * KIB},
	};
	for (size_t i = 0; i < ARRAY_LEN(row) && n < EVENT_PAIRS_MAX; i++) {
		snprintf(p[n].name, sizeof p[n].name, "%.20s.%s", name, row[i].what);
		p[n++].value = row[i].value;
	}
	return n;
}
