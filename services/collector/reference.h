/* reference - numbers from elsewhere, asked for over HTTP now and then: a price of CoinGecko, a temperature, anything
 * that a JSON document holds under a pointer (RFC 6901).
 *
 * Pure: it says what to ask for and takes the answers; no clock, no I/O. Each number has a schedule of its own: after a
 * good answer `every_ns` later, after a bad one 1, 2, 4 s later and then twice as long each time, up to five minutes or
 * every_ns. One that has not been answered well for stale_ns is told once as stale, and is not when it comes again.
 */
#ifndef NJ_COLLECTOR_REFERENCE_H
#define NJ_COLLECTOR_REFERENCE_H

#include "common/service/core.h"

#define REFERENCES_MAX 16
#define REFERENCE_SCALE 8
#define REFERENCE_WAIT_NS 15000000000LL /* for an answer */

struct reference {
	char name[EVENT_NAME_MAX];
	char url[240], pointer[120];
	bool asked, stale;
	int64_t due;       /* when to ask; where asked: when it is given up */
	int64_t good_at;   /* stamp of the last good answer; 0 none */
	int64_t since;     /* of the start */
	uint32_t failures; /* in a row */
	int64_t value;     /* at REFERENCE_SCALE */
	uint8_t origin;    /* enum origin of the last answer; 0: its address says */
};

struct references {
	struct reference at[REFERENCES_MAX];
	uint32_t n;
	int64_t every_ns, stale_ns;
	char key_line[140]; /* the header that holds our key of CoinGecko; empty: none */
};

/* "NAME=URL#POINTER", apart by spaces; "NAME=coingecko:bitcoin/usd" stands for that price. ERR_ARG with a reason for
 * people. */
int references_parse(const char *text, struct references *ret, char *reason, size_t cap);

/* Our key of CoinGecko, "" for none: letters, digits, '-' and '_'. ERR_ARG with a reason for people that never holds
 * it. */
int references_set_key(struct references *r, const char *key, char *reason, size_t cap);

/* The header of a request for it, or NULL: the key goes to https://api.coingecko.com and nowhere else. Lives as long as
 * `r`. */
const char *reference_header(const struct references *r, const struct reference *of);

void references_start(struct references *r, int64_t now);
int64_t references_due(const struct references *r); /* CORE_NEVER where there are none */

/* The next one that is due, or NULL; gives up what was not answered, and tells what has become stale. It counts as
 * asked. */
struct reference *references_next(struct references *r, int64_t now, const struct sink *out);

struct reference_answer {
	int status; /* of HTTP; 0: there was none */
	const char *body;
	size_t len;
	int64_t retry_after_ns; /* where the server names a time; else 0 */
	uint8_t origin;         /* enum origin where the server says that it is a simulator; else 0 */
};

/* Emits a `reference` where the answer is good; what it returns says what is wrong with it otherwise: ERR_STATUS,
 * ERR_NOT_FOUND (nothing under the pointer), the reader's errors. */
int references_on_answer(struct references *r, struct reference *of, int64_t now, const struct reference_answer *a,
			 const struct sink *out);

/* The number under a pointer of a JSON text, cut down to REFERENCE_SCALE. */
int reference_read(const char *text, size_t len, const char *pointer, int64_t *ret_value);

#endif
