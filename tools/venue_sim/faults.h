/* faults - misbehaviour on command: which frame or request it strikes, how often, and with what.
 *
 * Faults of frames count the frames of their stream (all streams where none is named) that are
 * about to be sent to any client; they strike after `after` of them, `count` times. Faults of
 * requests count requests by their path, of snapshots those of a symbol, of subscriptions texts that
 * subscribe. Text form:
 * KIND@AFTER[:STREAM][*COUNT][=VALUE]; VALUE is ms, a status or a variant.
 */
#ifndef NJ_SIM_FAULTS_H
#define NJ_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "tools/venue_sim/streams.h"

#define FAULTS_MAX 64

/* FAULT(name, where, default value in ms, doc) */
#define FAULT_KINDS(FAULT)                                                                         \
	FAULT(drop, FAULT_OF_FRAMES, 0,                                                            \
	      "end the TCP connection without a close frame, after what was sent")                 \
	FAULT(reset, FAULT_OF_FRAMES, 0, "reset the TCP connection; what was sent may be lost")    \
	FAULT(close, FAULT_OF_FRAMES, 0, "close properly, code 1001")                              \
	FAULT(slow_close, FAULT_OF_FRAMES, 5000,                                                   \
	      "send a close frame, then leave the connection open for VALUE ms")                   \
	FAULT(skip, FAULT_OF_FRAMES, 0, "leave the frame out")                                     \
	FAULT(duplicate, FAULT_OF_FRAMES, 0, "send the frame twice")                               \
	FAULT(delay, FAULT_OF_FRAMES, 1000, "hold the frame and all behind it for VALUE ms")       \
	FAULT(corrupt, FAULT_OF_FRAMES, 0,                                                         \
	      "VALUE truncate, utf8 or type: cut JSON, a bad byte, an array for an object")        \
	FAULT(silent, FAULT_OF_FRAMES, 10000, "send no frame for VALUE ms, answer pings")          \
	FAULT(shutdown, FAULT_OF_FRAMES, 0, "send a serverShutdown event before the frame")        \
	FAULT(bad_frame, FAULT_OF_FRAMES, 0, "send a WebSocket frame with a reserved opcode")      \
	FAULT(huge, FAULT_OF_FRAMES, 0, "send a text frame of VALUE MiB (8) before the frame")     \
	FAULT(reorder, FAULT_OF_FRAMES, 0, "send the frame behind the next one of its stream")     \
	FAULT(hostile, FAULT_OF_FRAMES, 0,                                                         \
	      "VALUE deep, exponent, negative, overflow, levels or symbol: such a frame instead")  \
	FAULT(no_seq, FAULT_OF_FRAMES, 0, "KALSHI: leave out the frame's sequence number")         \
	FAULT(overflow, FAULT_OF_FRAMES, 0,                                                        \
	      "KALSHI: error 25 instead of the frame; its subscription is dead")                   \
	FAULT(wrong_hash, FAULT_OF_FRAMES, 0, "POLYMARKET: a hash that is not the book's")         \
	FAULT(restart, FAULT_OF_FRAMES, 0,                                                         \
	      "BYBIT: a snapshot with u = 1 instead of the frame; ids go on from there")           \
	FAULT(refuse_subscribe, FAULT_OF_SUBSCRIPTIONS, 0,                                         \
	      "refuse a request to subscribe in the venue's words")                                \
	FAULT(http, FAULT_OF_REQUESTS, 0,                                                          \
	      "VALUE redirect, headers, chunks, garbage, cut or drip: such a reply")               \
	FAULT(no_pong, FAULT_OF_PINGS, 0, "do not answer a ping")                                  \
	FAULT(status, FAULT_OF_REQUESTS, 0, "answer with status VALUE (429) and Retry-After")      \
	FAULT(wrong_snapshot, FAULT_OF_SNAPSHOTS, 0,                                               \
	      "VALUE old or crossed: an old id, sides that cross; KALSHI no_seq, POLYMARKET wrong_hash")

enum fault_where { FAULT_OF_FRAMES, FAULT_OF_PINGS, FAULT_OF_REQUESTS, FAULT_OF_SNAPSHOTS, FAULT_OF_SUBSCRIPTIONS };

enum fault_kind {
#define FAULT(name, where, value, doc) FAULT_##name,
	FAULT_KINDS(FAULT)
#undef FAULT
		FAULT_KIND_COUNT
};

struct fault {
	enum fault_kind kind;
	char stream[STREAM_NAME_MAX]; /* stream, or symbol of requests; empty: any */
	uint64_t after, count, seen, struck;
	int64_t value;       /* ms, MiB or status */
	int64_t retry_after; /* s */
	char variant[16];
};

struct faults {
	struct fault at[FAULTS_MAX];
	uint32_t n;
	uint64_t struck;
};

/* Comma separated text form; ERR_ARG with a reason, ERR_FULL. */
int faults_parse(struct faults *f, const char *list, char *reason, size_t cap);
/* A JSON object: fault, and of count, after_frames, stream or symbol, variant, ms, mib or status,
 * retry_after what is needed; {"fault":"clear"} ends them all. ERR_ARG with a reason, ERR_FULL. */
int faults_parse_json(struct faults *f, struct text body, char *reason, size_t cap);
void faults_clear(struct faults *f);

/* Counts one frame, ping, request or snapshot of this name; the fault that strikes it, or NULL. */
const struct fault *faults_strike(struct faults *f, enum fault_where where, struct text name);

const char *fault_name(enum fault_kind kind);
void faults_help(FILE *out);
void faults_print(const struct faults *f, struct buf *out); /* JSON array */

#endif
