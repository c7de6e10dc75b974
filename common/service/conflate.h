/* conflate - which events of a topic are applied without being acted upon: ranges of stamps, each used up in order.
 *
 * A range is decided where a core is behind, and put on record (event parity, cause conflated) before its first event
 * is applied. So a restart, which reads the records and the ranges of its snapshot, repeats it exactly.
 */
#ifndef NJ_SERVICE_CONFLATE_H
#define NJ_SERVICE_CONFLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/strmap.h"
#include "proto/codec.h"

#define CONFLATE_RANGES_MAX 65536u

struct conflate_range {
	int64_t from, to; /* ts_recv of its first and its last event */
	uint32_t next;    /* of the same topic, or of the free ones: index + 1 */
};

struct conflate {
	struct strmap topics;          /* "publisher|topic" -> struct conflate_topic */
	struct conflate_range *ranges; /* owned */
	uint32_t unused, free, active;
};

int conflate_init(struct conflate *c); /* ERR_NOMEM */
void conflate_fini(struct conflate *c);
void conflate_clear(struct conflate *c);

/* Behind the ranges of the topic that there are. ERR_FULL. */
int conflate_add(struct conflate *c, const char *publisher, const char *topic, int64_t from, int64_t to);

/* Takes the one added last back. */
void conflate_forget(struct conflate *c, const char *publisher, const char *topic);

/* Is the event of this stamp in a range? Ranges that end before it are used up. */
bool conflate_covers(struct conflate *c, const char *publisher, const char *topic, int64_t at);

/* The ranges that are not used up. Load: ERR_FULL, or the reader's error in u->err. */
void conflate_save(const struct conflate *c, struct packer *p);
int conflate_load(struct conflate *c, struct unpacker *u);

#endif
