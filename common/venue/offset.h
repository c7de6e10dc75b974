/* offset - how far the machine's clock is from the venue's, by asking the venue for its time. */
#ifndef NJ_VENUE_OFFSET_H
#define NJ_VENUE_OFFSET_H

#include <stddef.h>
#include <stdint.h>

#define OFFSET_MS INT64_C(1000000)
#define OFFSET_SECOND INT64_C(1000000000)
#define OFFSET_WARN_NS INT64_C(250000000)
#define OFFSET_FAR_NS INT64_C(1000000000)

/* One question and its answer: a clock of the machine when it was sent and received, and what the venue said. */
struct offset_sample {
	int64_t sent, received; /* ns of that clock: of the day, or one that nobody sets */
	int64_t venue;          /* ns since 1970 */
	int64_t cut;            /* ns that the venue rounds down to: OFFSET_MS, OFFSET_SECOND */
};

struct offset {
	int64_t ns;    /* the machine's clock is ahead of the venue's by */
	int64_t known; /* give or take: half of the round trip, and what the venue rounds off */
};

enum offset_grade { OFFSET_GOOD, OFFSET_WARN, OFFSET_FAR };

struct offset offset_of(const struct offset_sample *s);
/* Give or take how much, so much time later: clocks drift apart. */
int64_t offset_worn(const struct offset *o, int64_t apart);
/* What two answers say together, so much time apart: in whole seconds one is good to half of one, several that come at
 * different parts of the second to far less. Where they contradict each other a clock was set: the newer one. */
struct offset offset_join(const struct offset *older, const struct offset *newer, int64_t apart);
/* By what is certain of it: a slow answer proves nothing. */
enum offset_grade offset_grade(const struct offset *o);
/* A top-level number of an object, in ms, as ns. ERR_PROTOCOL where there is none; what json.h returns. */
int offset_read(const char *text, size_t len, const char *key, int64_t *ret_ns);
/* The header Date of a reply, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), whole seconds. ERR_SYNTAX,
 * ERR_RANGE. */
int offset_date(const char *text, int64_t *ret_ns);

#endif
