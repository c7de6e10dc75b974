/* feed - one deterministic sequence of venue lines: a recording's or the generated market's.
 *
 * Two feeds of the same source give the same lines; each reader opens its own.
 */
#ifndef NJ_SIM_FEED_H
#define NJ_SIM_FEED_H

#include <stdint.h>

#include "tools/venue_sim/market.h"
#include "tools/venue_sim/streams.h"

enum feed_kind { FEED_FRAME, FEED_REPLY };

struct feed_line { /* slices are good until the next read */
	enum feed_kind kind;
	int64_t stamp;      /* receive time, ns */
	struct text stream; /* frame: name as it is subscribed */
	struct text raw;    /* frame: with its combined-stream wrapper; reply: the body */
	struct text data;   /* frame: what the wrapper holds */
	struct text url;    /* reply, "" where unknown */
	struct text addr;   /* frame: where the recorder had connected to, "" where unknown */
};

struct feed_source {
	const struct dialect *dialect; /* that the lines are in */
	const char *capture; /* files as for capture_open, or NULL: the generated market */
	const struct market_options *market; /* used where capture is NULL */
};

struct feed_counters {
	uint64_t lines, unusable; /* unusable: no frame with a stream name */
};

struct line_feed;

/* Errors of capture_open and market_new. */
int feed_open(const struct feed_source *source, struct line_feed **ret_feed, char *reason, size_t cap);
void feed_close(struct line_feed *f); /* NULL is fine */
/* ERR_CLOSED at the end; ERR_CORRUPT, ERR_TRUNCATED, ERR_IO where it cannot be read on. */
int feed_next(struct line_feed *f, struct feed_line *ret_line);
struct feed_counters feed_counters(const struct line_feed *f);

/* Takes apart Binance's wrapper {"stream":"name","data":…} as every recorder and venue writes it;
 * false for another form. */
bool feed_split(struct text raw, struct text *ret_stream, struct text *ret_data);

#endif
