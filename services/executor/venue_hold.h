/* venue_hold - until when the venue wants no request of a live account, kept over a kill.
 *
 * A life that asked on would prolong a ban. It is a file of its own, as the kill switch's: the gateway speaks to the
 * venue before the core says anything, and what it may ask is none of the core's affair.
 */
#ifndef NJ_EXECUTOR_VENUE_HOLD_H
#define NJ_EXECUTOR_VENUE_HOLD_H

#include <stdint.h>

#define VENUE_HOLD_NAME "executor.venue_hold" /* in run.data: one number, ns of the machine's clock */

/* When it is over, later than `wall`; 0: there is none. One that would be over later than the longest that is obeyed (a
 * week, http.h) from now was written by another clock, and is none. */
int64_t venue_hold_find(const char *data, int64_t wall);
/* Durable on return; errors as fs_put. */
int venue_hold_write(const char *data, int64_t until);

#endif
