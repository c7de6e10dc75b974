/* trend - a week of one service's samples by the minute, and the slopes in them. Pure: no clock, no I/O.
 *
 * A slope is that of Theil and Sen: the median of the slopes between all pairs of points. A single jump or a burst is
 * none; what rises steadily is, however noisy. Only samples since the last restart count: a new process is a new line.
 */
#ifndef NJ_WATCHDOG_TREND_H
#define NJ_WATCHDOG_TREND_H

#include <stdint.h>

#define TREND_SAMPLES (7 * 24 * 60) /* one a minute */
#define TREND_HOUR 60
#define TREND_SIX_HOURS 360

enum trend_row { TREND_MEMORY, TREND_CPU, TREND_FDS, TREND_THREADS, TREND_QUEUED, TREND_JOURNAL, TREND_ROWS };

struct trend_sample { /* memory and journal in KiB, cpu in thousandths of a core */
	uint32_t value[TREND_ROWS];
};

struct trend {
	struct trend_sample *at; /* owned: a ring */
	uint32_t next, n;        /* n: since the last restart */
	uint64_t taken;
};

int trend_init(struct trend *t); /* ERR_NOMEM */
void trend_fini(struct trend *t);
void trend_add(struct trend *t, const struct trend_sample *s);
void trend_restarted(struct trend *t);

/* The newest sample; zeros where there is none. */
struct trend_sample trend_last(const struct trend *t);

/* Units of the row an hour, over the last `minutes` (or what there is of them); 0 with fewer than 10 samples. */
int64_t trend_slope(const struct trend *t, enum trend_row row, uint32_t minutes);

#endif
