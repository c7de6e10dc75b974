/* tap_stats - what `nj tap` counts: a sequence for each stream, so that nothing is lost unseen, and
 * rates a topic.
 *
 * A stream is a topic of a publisher on lane M, a publisher on lane X. Where its epoch changes the
 * publisher began anew and nothing is missing; a sequence at or below the last is a duplicate and
 * no gap.
 */
#ifndef NJ_TOOLS_NJ_TAP_STATS_H
#define NJ_TOOLS_NJ_TAP_STATS_H

#include "common/base/hist.h"
#include "common/base/strmap.h"
#include "tools/nj/cli.h"
#include "tools/nj/tap_item.h"

#define TAP_STREAMS_MAX 8192
#define TAP_TOPICS_MAX 2048

struct tap_stream {
	uint64_t epoch, last, missing, gaps;
};

struct tap_topic {
	char source[EVENT_SOURCE_MAX];
	enum lane lane;
	uint64_t count, bytes, last, missing;
	uint64_t shown_count, shown_bytes; /* at the last report */
	int64_t last_at;                   /* wall clock of the last one; 0: only of the past */
	struct hist latency;               /* ns from ts_sent to our clock */
};

struct tap_stats {
	struct strmap streams; /* of struct tap_stream */
	struct strmap topics;  /* of struct tap_topic *; only where asked for */
	bool by_topic;
	uint64_t events, bytes, missing, gaps, restarts, duplicates;
	uint64_t uncounted;      /* of streams or topics beyond the limits */
	int64_t since, shown_at; /* ns of any one clock */
};

int tap_stats_init(struct tap_stats *s, bool by_topic, int64_t now); /* ERR_NOMEM */
void tap_stats_fini(struct tap_stats *s);

/* Looks at an event's sequence and counts it; returns how many events are missing before it. */
uint64_t tap_stats_follow(struct tap_stats *s, const struct tap_item *it);
/* Counts an event that passed the filters, by topic. */
void tap_stats_count(struct tap_stats *s, const struct tap_item *it);

/* Forgets latencies so far: the next report is of what comes. */
void tap_stats_forget(struct tap_stats *s);

/* A table of the busiest `top` topics (0: all), rates since the report before or, where whole,
 * since the start. */
int tap_stats_report(struct tap_stats *s, struct cli *cli, int64_t now, size_t top, bool whole);

#endif
