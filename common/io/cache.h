/* cache - what others may look at, in Redis: conflated, bounded, every key with a TTL, and never
 * waited for.
 *
 * Calls only copy into a table of slots (one a key); a thread of its own writes what has changed,
 * pipelined, a few times a second. Whatever Redis does (dead, hanging, full, hostile, flushed)
 * costs the picture, never the caller: no call here waits for the network, cache_flush and the
 * tools' functions excepted.
 *
 *   VALUE   the last one wins; written again after a reconnect and once a minute while its TTL runs
 *   LIST    items gather between two writes; where Redis is away the oldest fall out, counted
 *   COUNTER additions gather; after a broken connection one may be counted twice, never lost
 *   CLAIM   is asked once a TTL; CACHE_CLAIM_UNKNOWN where Redis is silent: the caller goes on
 *
 * The keys are rows of cache_keys.def; there is no other way to name one. Nothing that decides
 * reads from here. Any thread may call; one cache has one writer thread.
 */
#ifndef NJ_IO_CACHE_H
#define NJ_IO_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define CACHE_SUBJECT_MAX 120 /* [A-Za-z0-9_.:-] */

enum cache_kind { CACHE_VALUE, CACHE_LIST, CACHE_COUNTER, CACHE_CLAIM };

enum cache_key {
#define CACHE_KEY(name, kind, pattern, ttl_ms, cap, bytes_max, owner, reader, doc) CACHE_##name,
#include "common/io/cache_keys.def"
#undef CACHE_KEY
	CACHE_KEYS
};

struct cache_row {
	const char *name, *pattern;
	enum cache_kind kind;
	int64_t ttl_ms;      /* > 0 */
	uint32_t cap;        /* items of a list */
	uint32_t bytes_max;  /* of a value or an item */
	const char *owner, *reader, *doc;
};

const struct cache_row *cache_row(enum cache_key key);
/* The row of a whole key as cache_scan names it; NULL where it is none of ours. prefix NULL: "nj". */
const struct cache_row *cache_row_of(const char *key, const char *prefix);
/* Redis's name of the type that a row's keys have. */
const char *cache_type(const struct cache_row *row);

struct cache_options {
	const char *address;  /* "host:port" or "unix:/path" */
	const char *user;     /* NULL or "": the default user */
	const char *password; /* NULL or "": none; a secret, copied and wiped at the end */
	const char *prefix;   /* NULL: "nj"; in front of every key, with a colon */
	int database;
	uint32_t slots_max;   /* 0: 4096 keys */
	int64_t connect_ns;   /* 0: 250 ms */
	int64_t command_ns;   /* 0: 500 ms without a byte; a batch has four times as long in all */
	int64_t flush_ns;     /* 0: 250 ms between two writes */
};

struct cache_counters {
	uint64_t sets;       /* calls that were taken */
	uint64_t coalesced;  /* of them, values that replaced one that had not been written yet */
	uint64_t flushes, commands; /* batches answered, commands in them */
	uint64_t errors;     /* error replies */
	/* of them: Redis is full; somebody else's type stood there and was deleted */
	uint64_t oom, wrong_type;
	uint64_t connects, connect_failures, disconnects, timeouts;
	/* list items and new keys for which there was no room, items lost with a connection */
	uint64_t dropped;
	uint64_t refused;    /* subjects or bytes that are not allowed */
	uint64_t slots;      /* keys held now */
	bool connected;
};

struct cache;

/* Does not connect by itself: the thread does. ERR_ARG with a reason where an option is unusable;
 * ERR_NOMEM. */
int cache_open(const struct cache_options *o, struct cache **ret_cache, char *reason, size_t cap);
/* Writes what is left if Redis answers, waits for the thread two seconds at most; NULL is fine. */
void cache_close(struct cache *c);

/* ERR_SYNTAX (subject), ERR_TOO_LONG, ERR_FULL (no slot is free). The kind must be the row's. */
int cache_set(struct cache *c, enum cache_key key, const char *subject, const void *bytes,
	      size_t len);
int cache_push(struct cache *c, enum cache_key key, const char *subject, const void *bytes,
	       size_t len);
int cache_add(struct cache *c, enum cache_key key, const char *subject, int64_t n);

/* Last total that Redis has told, and how old that is; what is not written yet is added.
 * ERR_NOT_FOUND before. */
int cache_total(struct cache *c, enum cache_key key, const char *subject, int64_t *ret_total,
		int64_t *ret_age_ns);

enum cache_claim {
	CACHE_CLAIM_PENDING, /* asked, not answered */
	CACHE_CLAIM_OURS,
	CACHE_CLAIM_TAKEN,
	CACHE_CLAIM_UNKNOWN /* Redis does not answer, or no room */
};
/* Asks for the key with our token where that has not been done within its TTL, and tells how it
 * stands. */
enum cache_claim cache_claim(struct cache *c, enum cache_key key, const char *subject,
			     const char *token);

/* Writes now and waits until everything set before is written; ERR_TIMEOUT. For tests, benches and
 * tools. */
int cache_flush(struct cache *c, int64_t timeout_ns);

struct cache_counters cache_counters(struct cache *c);
/* Last failure of the connection or of a command in a sentence; "" where there was none. */
void cache_reason(struct cache *c, char *out, size_t cap);

/* Markdown table of the keys for docs/cache.md. */
int cache_docs(struct buf *out);

/* ---- For tools: these connect by themselves and wait. */

struct cache_found {
	const char *key, *type;
	int64_t ttl_ms; /* -1: it has none, which is an error of whoever made it */
};
/* Every key with our prefix, until fn returns false; ERR_CONNECT, ERR_TIMEOUT, ERR_REFUSED
 * (password) … */
int cache_scan(const struct cache_options *o, bool (*fn)(void *ctx, const struct cache_found *f),
	       void *ctx,
	       char *reason, size_t cap);
struct cache_server {
	char version[24], policy[24]; /* "": it does not say */
	int64_t memory_max;           /* bytes; 0 no limit, -1: it does not say */
	bool config, scripts, modules; /* we, and whoever else connects as we do, may use them */
};
/* What a server says of itself and lets us do; changes nothing. Errors as cache_scan. */
int cache_server(const struct cache_options *o, struct cache_server *ret_server, char *reason,
		 size_t cap);

/* A value, or a list's items one a line, of a whole key as cache_scan names it; ERR_NOT_FOUND. */
int cache_get(const struct cache_options *o, const char *key, struct buf *out, char *reason,
	      size_t cap);

#endif
