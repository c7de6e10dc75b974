/* asker - a venue's REST, one request at a time, within the budget that the venue allows.
 *
 * What replies say is used is kept below a share of the venue's limit: whoever shares the address has the
 * rest. Refusals for having asked too often (429, 418, Bybit's 403 and retCode 10006) are obeyed for as long as they
 * say; nothing is sent meanwhile, and then the same again. A wait longer than ASKER_WAIT_MAX is given back as ERR_BUSY:
 * what is there is kept, and a later run goes on.
 */
#ifndef NJ_TOOLS_NJ_ASKER_H
#define NJ_TOOLS_NJ_ASKER_H

#include "common/io/http.h"
#include "common/venue/venue.h"

#define ASKER_WAIT_MAX_NS (INT64_C(600) * 1000000000)
#define ASKER_LEVELS_MAX 16 /* of books: none is asked for */

struct asker_options {
	const struct venue *venue;
	const char *rest; /* base address; NULL: the venue's own */
	const char *ca_file;
	bool plain;
	int64_t pace_ns;       /* between requests, at least */
	uint32_t budget;       /* 1 to 100: percent of the venue's limit that may be used */
	/* Waiting for so long, because of this; may be NULL. */
	void (*waits)(void *ctx, int64_t ns, const char *why);
	void *ctx;
};

struct asker {
	struct asker_options o;
	struct loop *loop;
	struct http *http;
	uint8_t origin; /* of the last reply */
	struct budget budget;
	uint64_t requests, refused;
	const struct venue_market *market; /* of the request under way */
	void (*message)(void *ctx, const struct venue_message *m);
	void *ctx;
	struct level levels[2 * ASKER_LEVELS_MAX];
	int err;
	bool again;      /* the reply was a refusal: after the wait the same is asked again */
	int64_t wait_ns; /* before the next request */
	const char *wait_why;
	const struct venue_request *request;
	char reason[200];
};

/* ERR_NOMEM, ERR_ARG; options are copied. */
int asker_open(struct asker *a, const struct asker_options *o);
void asker_close(struct asker *a); /* zeroed is fine */

/* Asks and gives every message of the reply to fn. 0; ERR_BUSY; ERR_STATUS and what http.h and the venue's decode
 * return: a->reason says more. */
int asker_ask(struct asker *a, const struct venue_request *r,
	      void (*fn)(void *ctx, const struct venue_message *m), void *ctx);

#endif
