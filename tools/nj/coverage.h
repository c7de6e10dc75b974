/* coverage - how much of what was followed was seen, by stream and day, folded from lane-X records. Pure.
 *
 * A stream is followed from its `following` record to the one that names no stream of its instrument, or to the next
 * life of its collector that does not name it, else to the last sign of life. It is blind where a gap of its own or of
 * its whole connection says so, and where a blind interval is still open. What was fetched afterwards, or was proved
 * not to have been missed, is repaired; the rest is missing: a book's snapshot ends its blindness and brings nothing
 * back.
 */
#ifndef NJ_TOOLS_NJ_COVERAGE_H
#define NJ_TOOLS_NJ_COVERAGE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "proto/event.h"

#define COVERAGE_SOURCES_MAX 64

struct coverage_row {
	const char *source, *instrument, *stream; /* good while the coverage is */
	uint8_t origin;
	int64_t day;      /* its begin, ns */
	int64_t followed; /* ns of it */
	int64_t blind, repaired, missing;
	uint32_t gaps;    /* blind intervals that touch it, those that overlap counted once */
	uint64_t records; /* known to stay missing, of intervals that began on it */
};

struct coverage {
	struct buf open; /* of uint32_t: numbers of the spans that have not ended */
	struct buf follows, spans; /* struct coverage_follow, struct coverage_span */
	struct {
		char name[EVENT_SOURCE_MAX];
		int64_t last; /* sign of life */
		int64_t since, begun; /* its newest life, and the first record of it */
	} source[COVERAGE_SOURCES_MAX];
	uint32_t n_sources;
	int err; /* ERR_NOMEM, ERR_FULL: what is there is not everything */
};

void coverage_init(struct coverage *c);
void coverage_fini(struct coverage *c);
/* In the order of publisher, epoch, seq. */
void coverage_on_event(struct coverage *c, const struct event *ev);
/* The source was alive at `at`: a record of lane M. */
void coverage_alive(struct coverage *c, const char *source, int64_t at);
/* After the last record: a row for each stream and day, by source, instrument, stream, day. */
typedef void coverage_fn(void *ctx, const struct coverage_row *row);
int coverage_rows(struct coverage *c, coverage_fn *fn, void *ctx); /* c->err; ERR_NOMEM */
/* Seen or repaired, in thousandths of a percent of what was followed, rounded down. */
int64_t coverage_thousandths(const struct coverage_row *row);
/* "2026-11-22" */
void coverage_day_text(int64_t day, char out[16]);

#endif
