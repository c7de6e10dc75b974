/* source - the venue simulator without its sockets: a recording's frames, and the answers to requests.
 *
 * The very parts of tools/venue_sim read the recording and answer, so that a replay in one process
 * sees byte for byte what the collector of a replay over the bus sees: recorded snapshots, folded
 * ones, derived filters, the generated market, the marker of the end.
 */
#ifndef NJ_TOOLS_NJ_SOURCE_H
#define NJ_TOOLS_NJ_SOURCE_H

#include <stdbool.h>

#include "common/base/buf.h"

#define SOURCE_LINES_MAX 16 /* connections to it */

struct source;

struct source_options {
	const char *venue;         /* "BINANCE-PERP": whose protocol the recording is in */
	const char *capture;       /* files as for capture_open; NULL: the generated market */
	const char *exchange_info; /* file; NULL: as recorded, else derived */
	/* of the generated market */
	const char *symbols; /* comma separated */
	int64_t start, duration_s;
	int64_t seed, rate;
};

struct source_frame { /* good until the next one of its line */
	int64_t stamp;
	const char *text;
	size_t len;
};

struct source_answer {
	int status;
	int64_t stamp; /* event time it was recorded at; 0: not recorded */
	int64_t retry_after_s;
	char whole[64]; /* X-Nightjar-Whole; empty: absent */
	struct buf body; /* initialised by the caller */
};

/* Errors of the simulator, with a reason for people. */
int source_open(const struct source_options *o, struct source **ret_source, char *reason, size_t cap);
void source_close(struct source *s);

/* What a WebSocket to this path would be, from the beginning of the recording. ERR_ARG: the venue has no such path;
 * ERR_FULL, errors of feed_open. */
int source_connect(struct source *s, const char *path, uint32_t *ret_line);
/* A text of the client's: subscribe before the first frame is taken. ERR_REFUSED: the venue would refuse it. */
int source_say(struct source *s, uint32_t line, const char *text, size_t len);

bool source_is_recorded(const struct source *s);

/* Next frame of a line; the last one is the marker of the end. ERR_CLOSED behind it. */
int source_next(struct source *s, uint32_t line, struct source_frame *ret_frame);
/* What cut the recording short: ERR_CLOSED where nothing did. Known once a line has come to its end. */
int source_end(const struct source *s);

/* Which streams of the recording no line asked for, so that nobody saw their frames: the i-th from 0, of the first
 * SOURCE_UNASKED_MAX. NULL: no more. Known when all lines have come to their end. */
#define SOURCE_UNASKED_MAX 16
const char *source_unasked(const struct source *s, uint32_t i, uint64_t *ret_frames);

/* Answers a GET as the simulator would. asked_at is the event time of the question, 0 where the
 * answer does not depend on it. */
int source_ask(struct source *s, const char *path, int64_t asked_at, struct source_answer *ret_answer);

#endif
