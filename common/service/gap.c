/* gap - see gap.h. */
#include "common/service/gap.h"

#include <stdio.h>
#include <string.h>

void gap_set_lane(struct ev_gap *gap, const char *publisher, enum lane lane)
{
	snprintf(gap->stream, sizeof gap->stream, "bus-%s-%s", publisher, lane == LANE_M ? "m" : "x");
}

bool gap_costs_market(const struct ev_gap *gap, const char *publisher)
{
	struct ev_gap own;
	size_t len = strlen(gap->stream);
	if (len >= 2 && strcmp(gap->stream + len - 2, "-x") == 0)
		return false;
	if (!publisher[0] || strncmp(gap->stream, "bus-", 4) != 0)
		return true;
	gap_set_lane(&own, publisher, LANE_M);
	return strcmp(gap->stream, own.stream) == 0;
}
