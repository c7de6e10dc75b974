/* store_read - the persister's database read by others, while it is written: records, candles,
 * lanes.
 *
 * Read-only: opens no transaction that a writer would wait for. Every figure is of the moment it is
 * asked for.
 */
#ifndef NJ_PERSISTER_STORE_READ_H
#define NJ_PERSISTER_STORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

struct store_read;

/* ERR_NOT_FOUND where there is no such file, ERR_CORRUPT; reason is filled. */
int store_read_open(const char *path, struct store_read **ret_store, char *reason, size_t cap);
void store_read_close(struct store_read *s); /* NULL is fine */

/* Every lane-X record with ts_recv from `since` on, by publisher, epoch and sequence. The event is
 * valid during the call; one that cannot be decoded is counted, not given. */
typedef void store_read_event_fn(void *ctx, const struct event *ev);
int store_read_events(struct store_read *s, int64_t since, store_read_event_fn *fn, void *ctx);
uint64_t store_read_undecodable(const struct store_read *s);

/* Raw lane-X records of a publisher, as they were published, by epoch and sequence. */
struct store_range {
	const char *publisher;
	uint64_t epoch, seq;           /* from this one on */
	uint64_t stop_epoch, stop_seq; /* before this one; 0, 0: to the end */
	int64_t since;                 /* ts_recv */
	int64_t limit;                 /* rows; 0 none */
	bool backwards;                /* the newest first */
};
struct store_record {
	const char *topic; /* valid during the call */
	uint64_t epoch, seq;
	int64_t ts_recv;
	const uint8_t *body;
	size_t len;
};
typedef bool store_read_record_fn(void *ctx, const struct store_record *r); /* false: enough */
int store_read_records(struct store_read *s, const struct store_range *range, store_read_record_fn *fn, void *ctx);

/* Candles that were built from trades, by origin, instrument and interval. */
struct store_candles {
	const char *origin, *instrument, *interval; /* valid during the call */
	int64_t interval_ns;                        /* 0: the text is no duration */
	int64_t count, first, last;                 /* open_at, ns */
};
typedef void store_read_candles_fn(void *ctx, const struct store_candles *c);
int store_read_candles(struct store_read *s, store_read_candles_fn *fn, void *ctx);

/* Orders by the state they are in now. */
struct store_orders {
	const char *origin, *status, *reject; /* valid during the call */
	int64_t count;
};
typedef void store_read_orders_fn(void *ctx, const struct store_orders *o);
int store_read_orders(struct store_read *s, store_read_orders_fn *fn, void *ctx);

/* The newest record of each order that is open (all: of every order), and of each position that is not flat (all: of
 * every one), by time; of each publisher its newest epoch. The event is valid during the call. */
int store_read_last_orders(struct store_read *s, bool all, store_read_event_fn *fn, void *ctx);
int store_read_last_positions(struct store_read *s, bool all, store_read_event_fn *fn, void *ctx);

/* What is there of each publisher's lane X: without holes, count == last - first + 1. */
struct store_lane {
	const char *publisher;
	uint64_t epoch;
	int64_t count, first, last;
};
typedef void store_read_lane_fn(void *ctx, const struct store_lane *l);
int store_read_lanes(struct store_read *s, store_read_lane_fn *fn, void *ctx);

/* How far each publisher's lane M is stored: ts_recv of the newest record. */
typedef void store_read_reach_fn(void *ctx, const char *publisher, int64_t stamp);
int store_read_reach(struct store_read *s, store_read_reach_fn *fn, void *ctx);

/* Records of one publisher's epoch as they were published, from a sequence on, in order, until fn returns false.
 * from->epoch 0: the newest epoch there is. ret_lane: what is there of it (publisher is not set). ERR_NOT_FOUND:
 * nothing of this epoch. */
typedef bool store_read_frame_fn(void *ctx, uint64_t seq, const char *topic, const uint8_t *body, size_t len);
struct store_read_from {
	const char *publisher;
	uint64_t epoch, seq;
};
int store_read_frames(struct store_read *s, const struct store_read_from *from, struct store_lane *ret_lane,
		      store_read_frame_fn *fn, void *ctx);

/* SQLite's own quick_check of the whole file: ERR_CORRUPT with the first complaint in reason. Reads all of it. */
int store_read_check(struct store_read *s, char *reason, size_t cap);

#endif
