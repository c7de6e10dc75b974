/* iso_time - dates and times as venues' replies write them, made into nanoseconds since 1970. */
#ifndef NJ_VENUE_ISO_TIME_H
#define NJ_VENUE_ISO_TIME_H

#include <stddef.h>
#include <stdint.h>

/* "2026-07-24T00:01:29.141988Z", "2026-07-24 00:00:16+00", "2026-07-24T02:30:00+02:30", "2026-07-24" (its first
 * instant): RFC 3339 and what databases print. Without a zone it is UTC. Digits behind the ninth of a second are cut.
 * Years 1970 to 2261. ERR_SYNTAX, ERR_RANGE. */
int iso_time(const char *text, size_t len, int64_t *ret_ns);

/* Writes "2026-07-24T00:01:29Z", whole seconds, cut; ns must not be negative. */
void iso_time_text(int64_t ns, char out[21]);

#endif
