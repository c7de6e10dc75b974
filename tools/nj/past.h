/* past - what was published before, then what is published now, of several publishers, in the order of time.
 *
 *                  past_seek            archive has no more        the publisher has no more
 *     (nothing) -----------> ARCHIVE ----------------------> PAGING -----------------------> REACHED
 *                   \______________________________________/  \_ the publisher keeps no log: at once
 *
 * A stream is one lane of one publisher. Its past is read from the persister's database (lane X, records that the
 * publisher has given up; where the file is out of reach, as in another container, the persister is asked), then from
 * the publisher's replay socket, then its live frames go on without a seam: that part is common/service/inbox. As long
 * as some stream is not REACHED, events are given in the order of ts_recv over all of them; a publisher that does not
 * answer for three seconds is no longer waited for.
 *
 * What it may cost the publishers is bounded: so many pages a second over all streams, one request under way for
 * each. What it may cost here, too: a queue of 2 MiB a stream, and when it is full the stream is asked no further.
 */
#ifndef NJ_TOOLS_NJ_PAST_H
#define NJ_TOOLS_NJ_PAST_H

#include "common/service/inbox.h"
#include "services/persister/store_read.h"
#include "tools/nj/client.h"
#include "tools/nj/tap.h"
#include "tools/nj/tap_offset.h"

#define PAST_STREAMS_MAX (2 * BUS_PEERS_MAX)

enum past_phase { PAST_ARCHIVE, PAST_PAGING, PAST_REACHED };

struct past_stream {
	struct past *past;
	char publisher[EVENT_SOURCE_MAX];
	enum lane lane;
	enum past_phase phase;
	bool absent;   /* nobody answered when its beginning was sought */
	bool unlogged; /* lane M: the publisher keeps no log, there is only what comes */
	/* where it begins: the archive's first record; the publisher's next sequence (X), the stamp before it (M) */
	struct store_range archive;
	uint64_t epoch, next;
	int64_t after;
	struct inbox in;
	struct ring queue;
	int64_t heard_at; /* monotonic: something came of it; 0 never */
	/* the last event given */
	uint64_t given_epoch, given_seq;
	int64_t given_at;
	bool ended; /* at or behind the end that was asked for */
};

struct past_counters {
	uint64_t archived, paged, gaps;
};

struct past {
	struct cli *cli;
	struct client *client;
	const struct tap_filters *filters;
	const char *database, *cursor; /* paths; cursor NULL: positions are not kept */
	int64_t pages_per_s;
	bool exit_at_end;
	struct tap_offset offset;
	/* Called for each event, a frame of its own. */
	void (*give)(void *ctx, const struct tap_frame *frame);
	/* Everything that was published before has been given. */
	void (*reached)(void *ctx);
	void (*ended)(void *ctx); /* nothing more is wanted */
	void *ctx;

	struct past_stream stream[PAST_STREAMS_MAX];
	size_t n, turn; /* whose page is next */
	struct store_read *store;
	bool no_store;
	int64_t newest, begin, end; /* ns; end INT64_MAX: none */
	int64_t passed_at;          /* monotonic: an event at or behind the end was seen; 0 not */
	bool is_live_frame, all_reached, all_ended;
	struct loop_source *on_page;
	struct past_counters counters;
};

/* Adds a stream; the plain members above must be set. ERR_FULL. */
int past_add(struct past *p, const char *publisher, enum lane lane);

/* Finds out where each stream begins: asks the publishers, one after the other. CLI_OK or an exit code, told. */
int past_seek(struct past *p);

/* Subscribes and begins to read. prefixes: of lane M, kept. Errors of the bus. */
int past_start(struct past *p, const char *const *prefixes);
void past_stop(struct past *p); /* zeroed is fine */

/* Frames and answers of the client: link->tag is the stream. */
void past_on_frame(struct past *p, struct past_stream *s, const uint8_t *frame, size_t len);
void past_on_reply(struct past *p, const struct event *reply, const uint8_t *page, size_t len);

/* Records that a page or a lookup consists of; also used by the search. */
typedef bool past_frame_fn(void *ctx, const uint8_t *frame, size_t len);
bool past_each_frame(const uint8_t *page, size_t len, past_frame_fn *fn, void *ctx);

/* The database, opened where it is asked for first; NULL where there is none, which is told once if it is needed. */
struct store_read *past_store(struct past *p, bool needed);

/* Positions of the last tap: read into the streams, written for the next one. ERR_NOT_FOUND, ERR_SYNTAX, ERR_IO. */
int past_cursor_read(struct past *p, uint64_t found[PAST_STREAMS_MAX]);
int past_cursor_write(const struct past *p);

#endif
