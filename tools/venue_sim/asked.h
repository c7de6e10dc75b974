/* asked - answers to stamped requests, from a cursor of its own through the source.
 *
 * The same request gets the same answer whenever it is asked and whatever is being played.
 */
#ifndef NJ_SIM_ASKED_H
#define NJ_SIM_ASKED_H

#include "tools/venue_sim/fold.h"

struct asked {
	const struct feed_source *source;
	const struct recording *rec;
	const struct dialect *dialect;
	struct line_feed *feed; /* owned; NULL: not begun */
	struct fold fold;
	struct feed_line ahead; /* read, but later than was asked for */
	bool has_ahead, ended;
	uint64_t rewinds;
};

void asked_init(struct asked *a, const struct feed_source *source, const struct recording *rec,
		const struct dialect *d);
void asked_fini(struct asked *a);
/* What all lines with stamp <= until add up to; good until the next call. Going back reads the
 * source again. */
int asked_until(struct asked *a, int64_t until, const struct fold **ret_fold);
/* Moves on towards `until` by at most so many lines, so that a late question need not fold hours.
 */
void asked_follow(struct asked *a, int64_t until, uint32_t lines_max);

#endif
