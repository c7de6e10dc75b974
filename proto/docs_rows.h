/* docs_rows - what the page and the schema say about the wire beside the event rows: kinds, envelope, lanes. */
#ifndef NJ_PROTO_DOCS_ROWS_H
#define NJ_PROTO_DOCS_ROWS_H

#include "proto/event.h"

struct docs_kind {
	const char *name, *wire, *doc;
	const char *type;      /* of the schema: bool int str bytes list */
	const char *min, *max; /* of integers: text, since none of C's types holds both ends; NULL none */
	unsigned bytes_max;    /* of str; 0: see doc */
	unsigned list_max;     /* groups of a list */
};
#define DOCS_KINDS (KIND_enumeration + 1)
extern const struct docs_kind docs_kinds[DOCS_KINDS];

struct docs_envelope {
	const char *name, *kind, *doc;
	const char *enumeration; /* NULL: none */
};
#define DOCS_ENVELOPE 9
extern const struct docs_envelope docs_envelope[DOCS_ENVELOPE];

struct docs_lane {
	const char *name;
	const char *endpoint; /* file beside the others in bus.dir */
	const char *socket;   /* ZeroMQ socket that reads it */
	const char *sequence; /* what envelope.seq counts within */
	bool lossless;
	const char *doc;
};
#define DOCS_LANES 3
extern const struct docs_lane docs_lanes[DOCS_LANES];

#define DOCS_TOPICS                                                                                                    \
	"Tokens of [A-Za-z0-9_-] with dots between. In a pattern {source} is the publisher, a field of kind symbol "   \
	"becomes VENUE.RAW, any other field its text; where a symbol is empty the topic ends before it."

const char *docs_lane_name(uint8_t lane);

#endif
