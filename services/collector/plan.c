/* plan - which connection carries what: a venue's markets and streams spread over as few connections as it allows. */
#include "services/collector/plan.h"

#include "common/base/err.h"

struct making {
	const struct plan *plan;
	struct collector_market *rows;
	uint32_t cap, n_rows, connections;
};

static int add_group(struct making *m, uint32_t streams)
{
	const struct plan *p = m->plan;
	uint32_t most = p->venue->streams_max, each = (uint32_t)__builtin_popcount(streams);

	if (p->streams_max > 0 && p->streams_max < most)
		most = p->streams_max;
	uint32_t fit = most > each ? most / each : 1; /* markets on one connection */
	if (p->together)
		fit = p->n;
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
	static const uint32_t all[] = {UINT32_MAX, 0};
	const uint32_t *groups = p->venue->groups != NULL && !p->together ? p->venue->groups : all;
	uint32_t wanted = p->streams & p->venue->streams;
	struct making m = {.plan = p, .rows = rows, .cap = cap};
	int rc = p->n > 0 && wanted != 0 ? 0 : ERR_ARG;

	for (; rc == 0 && *groups != 0; groups++)
		if ((wanted & *groups) != 0)
			rc = add_group(&m, wanted & *groups);
	if (rc == 0)
		*ret_rows = m.n_rows;
	return rc;
}
