/* offset - how far the machine's clock is from the venue's, by asking the venue for its time. */
#ifndef NJ_COLLECTOR_OFFSET_H
#define NJ_COLLECTOR_OFFSET_H

#include <stddef.h>
#include <stdint.h>

#define OFFSET_WARN_NS INT64_C(250000000)
#define OFFSET_FAR_NS INT64_C(1000000000)

/* One question and its answer: the machine's clock when it was sent and received, and what the venue said. */
struct offset_sample {
	int64_t sent, received, venue; /* ns since 1970 */
};

struct offset {
	int64_t ns;    /* the machine's clock is ahead of the venue's by */
	int64_t known; /* give or take: half of the round trip, and what the venue rounds off */
};

enum offset_grade { OFFSET_GOOD, OFFSET_WARN, OFFSET_FAR };

struct offset offset_of(const struct offset_sample *s);
/* By what is certain of it: a slow answer proves nothing. */
enum offset_grade offset_grade(const struct offset *o);
/* A top-level number of an object, in ms, as ns. ERR_PROTOCOL where there is none; what json.h returns. */
int offset_read(const char *text, size_t len, const char *key, int64_t *ret_ns);

#endif
