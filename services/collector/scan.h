/* scan - which of a venue's markets are followed: found by a filter, kept current, dropped when their outcome is on
 * record.
 *
 * Pure: it has no clock and no socket. What it wants it says through struct scan_actions; `now` is in ns and must not
 * fall. Memory is bounded by the settings. Not thread-safe.
 */
#ifndef NJ_COLLECTOR_SCAN_H
#define NJ_COLLECTOR_SCAN_H

#include "common/venue/venue.h"
#include "proto/codec.h"

struct scan_settings {
	const struct venue *venue;  /* has_listings */
	struct venue_filter filter; /* its ends_from and ends are set anew for each round */
	int64_t ends_within_ns;     /* only what ends so soon; 0: whenever */
	uint32_t markets_max;       /* followed at once */
	uint32_t page;              /* rows of one request */
	uint32_t pages_max;         /* of one round */
	int64_t every_ns;           /* between rounds */
	int64_t soon_ns;            /* a round for a market that was announced comes no sooner after the last one */
	int64_t reply_ns;           /* wait for a reply */
	int64_t retry_ns;           /* after the first failure, doubling up to every_ns */
	int64_t linger_ns;          /* without an outcome so long after its end: given up */
};

void scan_defaults(struct scan_settings *s, const struct venue *venue);

struct scan_actions {
	void *ctx;
	/* A GET to make; answer with scan_on_reply. The path is good during the call. */
	void (*ask)(void *ctx, uint64_t id, const char *path, uint32_t weight);
	bool (*follow)(void *ctx, const struct venue_listing *l); /* false: it cannot be; another time perhaps */
	/* Its outcome is known: put it on record, for each of its instruments. true: it is; then it is dropped. */
	bool (*resolve)(void *ctx, const struct venue_listing *l);
	void (*drop)(void *ctx, const struct venue_listing *l);
};

struct scan_counters {
	uint64_t rounds, rounds_cut; /* finished; of these with more pages than pages_max */
	uint64_t requests, failures;
	uint64_t listings, misfits; /* rows read; rows that made no sense */
	uint64_t followed, dropped, given_up;
	uint64_t left_out; /* fitting markets for which there was no place, in the last round */
};

struct scan;

/* ERR_ARG (settings that make no sense, a venue without listings), ERR_NOMEM. Actions are copied. */
int scan_new(const struct scan_settings *s, const struct scan_actions *actions, struct scan **ret_scan);
void scan_free(struct scan *s);

/* Before the start: an instrument that an earlier life followed. Its market is looked for first, open or closed, and
 * gets its place back (follow is called again); one that the venue does not know any more is dropped. */
void scan_adopt(struct scan *s, const char *raw);
void scan_start(struct scan *s, int64_t now);
/* The reply to the request `id`; text NULL: there was none, or a bad status. */
void scan_on_reply(struct scan *s, int64_t now, uint64_t id, const char *text, size_t len);
/* The stream told of a market that is new. */
void scan_on_announced(struct scan *s, int64_t now);
/* The outcome of an instrument is on record already: the stream told of it, or an earlier life (before the start). Its
 * market is not taken up again, however long the listings call it open: the last SCAN_GONE outcomes are remembered. */
#define SCAN_GONE 1024
void scan_on_recorded(struct scan *s, int64_t now, const char *raw);

/* Whose outcomes are on record, as bytes, and back before the start. Nothing else of a scan outlives it: what is
 * followed the core knows (scan_adopt). */
void scan_save(const struct scan *s, struct packer *p);
void scan_load(struct scan *s, struct unpacker *u);

int64_t scan_due(const struct scan *s); /* INT64_MAX: nothing */
void scan_on_timer(struct scan *s, int64_t now);

uint32_t scan_followed(const struct scan *s);
const struct scan_counters *scan_counters(const struct scan *s);

#endif
