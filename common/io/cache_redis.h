/* cache_redis - one connection to Redis, blocking with deadlines: the only file that knows
 * hiredis.
 *
 * Commands are queued and sent together with the first redis_reply. Any error but an error *reply*
 * ends the connection for good: free it and open another. Replies are looked at, not kept:
 * whatever a hostile server sends, memory is bounded by REDIS_REPLY_MAX and no reply object is
 * ever built.
 */
#ifndef NJ_IO_CACHE_REDIS_H
#define NJ_IO_CACHE_REDIS_H

#include "common/io/cache.h"

#define REDIS_REPLY_MAX (1u << 20) /* bytes of one reply on the wire */
#define REDIS_ELEMENTS_MAX 4096u   /* of one array */
#define REDIS_TEXT_MAX 160

struct redis_link;

enum redis_kind { REDIS_NOTHING, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_STRING, REDIS_NIL,
		 REDIS_LIST };

struct redis_reply {
	enum redis_kind kind;
	int64_t integer;            /* of an integer, or of the first one in a list */
	/* start of a status, error or string, cut and without control characters */
	char text[REDIS_TEXT_MAX];
	uint32_t errors;            /* error replies in it, itself included */
	char error[REDIS_TEXT_MAX]; /* the first of them */
	/* set by the caller or NULL: gets (length u32, bytes) of every string in it */
	struct buf *strings;
};

/* Connects, AUTHs and SELECTs. ERR_ARG (address), ERR_CONNECT, ERR_TIMEOUT, ERR_REFUSED
 * (password). */
int redis_open(const struct cache_options *o, struct redis_link **ret_link, char *reason,
	       size_t cap);
void redis_close(struct redis_link *l);
bool redis_address_ok(const char *address);

/* queued; ERR_NOMEM */
int redis_command(struct redis_link *l, int argc, const char **argv, const size_t *lens);

/* Starts the time within which all replies of what has been queued must come. */
void redis_deadline(struct redis_link *l, int64_t ns);

/* The next reply in order; `strings` of *reply is kept. ERR_TIMEOUT, ERR_CLOSED, ERR_PROTOCOL,
 * ERR_TOO_LONG, ERR_IO. */
int redis_reply(struct redis_link *l, struct redis_reply *reply);
const char *redis_reason(const struct redis_link *l);

#endif
