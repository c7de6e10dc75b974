/* trend - samples in a ring, slopes over at most 60 of them. */
#include "services/watchdog/trend.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

enum { POINTS_MAX = 60, POINTS_MIN = 10 };

int trend_init(struct trend *t)
{
	*t = (struct trend){.at = calloc(TREND_SAMPLES, sizeof(struct trend_sample))};
	return t->at ? 0 : ERR_NOMEM;
}

void trend_fini(struct trend *t)
{
	free(t->at);
	*t = (struct trend){0};
}

void trend_restarted(struct trend *t)
{
	t->n = 0;
}

void trend_add(struct trend *t, const struct trend_sample *s)
{
	t->at[t->next] = *s;
	t->next = (t->next + 1) % TREND_SAMPLES;
	t->n += t->n < TREND_SAMPLES;
	t->taken++;
}

/* The sample so many minutes before the newest one. */
static const struct trend_sample *ago(const struct trend *t, uint32_t minutes)
{
	return &t->at[(t->next + TREND_SAMPLES - 1 - minutes) % TREND_SAMPLES];
}

struct trend_sample trend_last(const struct trend *t)
{
	return t->n ? *ago(t, 0) : (struct trend_sample){{0}};
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int64_t trend_slope(const struct trend *t, enum trend_row row, uint32_t minutes)
{
	static int64_t slope[POINTS_MAX * (POINTS_MAX - 1) / 2];
	uint32_t n = t->n < minutes ? t->n : minutes;
	uint32_t step = (n + POINTS_MAX - 1) / POINTS_MAX;
	size_t pairs = 0;
	if (n < POINTS_MIN)
		return 0;
	for (uint32_t newer = 0; newer < n; newer += step)
		for (uint32_t older = newer + step; older < n; older += step) {
			int64_t rise = (int64_t)ago(t, newer)->value[row] - (int64_t)ago(t, older)->value[row];
			slope[pairs++] = rise * TREND_HOUR / (int64_t)(older - newer);
		}
	qsort(slope, pairs, sizeof slope[0], by_value);
	return slope[pairs / 2];
}
