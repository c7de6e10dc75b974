/* plan - which connection carries what: a venue's markets and streams spread over as few connections as it allows. */
#include "services/collector/plan.h"

#include <string.h>

#include "common/base/err.h"

struct making {
	const struct plan *plan;
	struct collector_market *rows;
	uint32_t cap, n_rows, connections;
};

static const uint32_t *groups_of(const struct plan *p)
{
	static const uint32_t all[] = {UINT32_MAX, 0};

	return p->venue->groups != NULL && !p->together ? p->venue->groups : all;
}

/* Markets on one connection. */
static uint32_t fitting(const struct plan *p, uint32_t streams)
{
	uint32_t most = p->venue->streams_max, each = (uint32_t)__builtin_popcount(streams);

	if (p->streams_max > 0 && p->streams_max < most)
		most = p->streams_max;
	return most > each ? most / each : 1;
}

static int add_group(struct making *m, uint32_t streams)
{
	const struct plan *p = m->plan;
	uint32_t fit = p->together ? p->n : fitting(p, streams);
	uint32_t connections = (p->n + fit - 1) / fit;
	if (m->connections + connections > COLLECTOR_CONNECTIONS_MAX || m->n_rows + p->n > m->cap)
		return ERR_FULL;
	for (uint32_t i = 0; i < p->n; i++)
		m->rows[m->n_rows++] = (struct collector_market){
			.raw = p->raws[i],
			.connection = m->connections + (uint32_t)((uint64_t)i * connections / p->n),
			.streams = streams,
		};
	m->connections += connections;
	return 0;
}

int plan_make(const struct plan *p, struct collector_market *rows, uint32_t cap, uint32_t *ret_rows)
{
	const uint32_t *groups = groups_of(p);
	uint32_t wanted = p->streams & (p->venue->streams | p->asked);
	struct making m = {.plan = p, .rows = rows, .cap = cap};
	int rc = p->n > 0 && wanted != 0 ? 0 : ERR_ARG;

	for (; rc == 0 && *groups != 0; groups++)
		if ((wanted & *groups) != 0)
			rc = add_group(&m, wanted & *groups);
	if (rc == 0)
		*ret_rows = m.n_rows;
	return rc;
}

/* The first connection that carries nothing but such streams and has room, else the first that carries nothing. */
static uint32_t find_room(const struct plan *p, const struct collector_load *load, uint32_t streams)
{
	uint32_t free = COLLECTOR_CONNECTIONS_MAX;

	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		if (load[i].markets == 0)
			free = free < i ? free : i;
		else if ((load[i].streams & ~streams) == 0 && (p->together || load[i].markets < fitting(p, streams)))
			return i;
	}
	return free;
}

int plan_place(const struct plan *p, const struct collector_load load[COLLECTOR_CONNECTIONS_MAX], const char *raw,
	       struct collector_market rows[COLLECTOR_GROUPS_MAX], uint32_t *ret_rows)
{
	struct collector_load now[COLLECTOR_CONNECTIONS_MAX];
	uint32_t wanted = p->streams & (p->venue->streams | p->asked), n = 0;

	memcpy(now, load, sizeof(now));
	for (const uint32_t *group = groups_of(p); *group != 0; group++) {
		uint32_t streams = wanted & *group, i = streams != 0 ? find_room(p, now, streams) : 0;
		if (streams == 0)
			continue;
		if (i == COLLECTOR_CONNECTIONS_MAX || n == COLLECTOR_GROUPS_MAX)
			return ERR_FULL;
		rows[n++] = (struct collector_market){.raw = raw, .connection = i, .streams = streams};
		now[i] = (struct collector_load){now[i].markets + 1, now[i].streams | streams};
	}
	if (n == 0)
		return ERR_ARG;
	*ret_rows = n;
	return 0;
}
