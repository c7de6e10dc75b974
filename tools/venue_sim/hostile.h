/* hostile - frames and replies that no honest venue sends, to try clients with. */
#ifndef NJ_SIM_HOSTILE_H
#define NJ_SIM_HOSTILE_H

#include "tools/venue_sim/text.h"

#define HOSTILE_FRAME_MAX ((size_t)40 << 20)

struct buf;
struct session;

/* deep: nested without end; exponent, negative: the first decimal text of the frame becomes 1e400, or gets
 * a minus; overflow: the second becomes a number of 60 digits; levels: the first level comes a million
 * times (as often as HOSTILE_FRAME_MAX bears); symbol: names nobody has asked for. ERR_NOT_FOUND: the frame
 * holds nothing of the kind; ERR_ARG: no such variant. */
int hostile_frame(const char *variant, struct text frame, struct buf *out);

/* redirect: to another host; headers: a million bytes of them; chunks: a million of one byte, then one
 * without end; garbage: no HTTP at all; cut: less than its length; drip: a byte now and then. The reply is
 * written; false: no such variant. */
bool hostile_reply(struct session *s, const char *variant);

#endif
