/* truth - what the simulator really did with each stream, to check a client against. */
#ifndef NJ_SIM_TRUTH_H
#define NJ_SIM_TRUTH_H

#include "common/base/buf.h"
#include "common/base/strmap.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/feed.h"

#define TRUTH_STREAMS_MAX 8192
#define TRUTH_BLINDS_MAX 4096

enum truth_what { TRUTH_SENT, TRUTH_SKIPPED, TRUTH_CORRUPTED, TRUTH_UNHEARD };

struct truth_stream {
	char name[STRMAP_KEY_MAX];
	uint64_t frames; /* that came by, sent or not */
	uint64_t sent, skipped, corrupted, unheard, duplicated, reordered;
	uint64_t first_id, last_id; /* of frames sent whole */
	int64_t first_stamp, last_stamp;
	int64_t blind; /* index of the interval that is open, or -1 */
	bool wanted;   /* somebody has been subscribed to it */
};

struct truth_blind { /* frames in a row that no client got whole */
	char stream[STRMAP_KEY_MAX];
	enum truth_what why;
	uint64_t frames, first_id, last_id;
	int64_t from, to; /* stamps of the first and last of them */
	int64_t from_wall, to_wall; /* when they were due, by the clock */
};

struct truth {
	struct strmap streams;
	struct buf blinds;
	uint64_t blinds_left; /* that found no room */
	uint64_t connections, refused, drops;
	uint64_t subscriptions_refused;
	int64_t wall; /* the clock, set before truth_frame */
};

int truth_init(struct truth *t); /* ERR_NOMEM */
void truth_fini(struct truth *t);

void truth_wanted(struct truth *t, struct text stream);
/* One frame of the feed; facts may be zeroed. */
void truth_frame(struct truth *t, const struct feed_line *line, const struct frame_facts *facts,
		 enum truth_what what);
void truth_duplicated(struct truth *t, struct text stream);
void truth_reordered(struct truth *t, struct text stream);
/* Was the stream ever subscribed to? */
bool truth_is_wanted(const struct truth *t, struct text stream);

void truth_print(const struct truth *t, struct buf *out); /* JSON members, without braces */

#endif
