/* metrics - named counters and gauges declared in tables: name, unit, doc; read as pairs or
 * Prometheus text. */
#ifndef NJ_IO_METRICS_H
#define NJ_IO_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/hist.h"
#include "proto/event.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HIST };

struct metric_row {
	const char *name; /* frames_total, queue_bytes, handle_seconds: Prometheus base units in the
			     name */
	enum metric_kind kind;
	const char *doc;
	size_t offset; /* of a uint64_t, int64_t, or struct hist * (nanoseconds) in the owner's
			  struct */
};

struct metrics_group {
	const struct metric_row *rows; /* ends with a row whose name is NULL */
	const void *self;
};

/* Fills pairs: histograms give _count, _p50_ns, _p99_ns, _max_ns. Returns how many, at most cap. */
uint32_t metrics_pairs(const struct metrics_group *groups, size_t n, struct pair *out,
		       uint32_t cap);

/* Prometheus text exposition, prefix "nightjar_", label service. HELP and TYPE for each. */
int metrics_prometheus(const struct metrics_group *groups, size_t n, const char *service,
		       struct buf *out);

/* Markdown table for docs/metrics.md. */
int metrics_docs(const struct metric_row *rows, const char *service, struct buf *out);

#endif
