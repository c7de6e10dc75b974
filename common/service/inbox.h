/* inbox - follows one lane of one publisher without losing or doubling anything.
 *
 *            inbox_start                  last page, nothing buffered is beyond it
 *     IDLE ---------------> PAGING <------------------------------------+
 *                             |   \---------------------------> LIVE    |
 *                             |                                  |      | hole, lost tail (inbox_tail),
 *                             v  receiver is full                v      | receiver is full
 *                           STALLED ----- inbox_poll, room again -------+
 *
 * Lane X: exactly the next sequence is delivered; lower ones are duplicates. Lane M: stamps (ts_recv) strictly
 * increase per publisher, so a stamp is a position; per topic the sequence shows holes. Missing records are paged
 * from the publisher's replay socket; live frames meanwhile wait in a bounded buffer, and when that overflows they
 * are forgotten: the publisher's journal or log is the truth and is simply asked again. What the publisher no
 * longer has is a gap: reported once, then the inbox goes on behind it.
 *
 * Lane X has a second source, the persister's copy (inbox_copy):
 *
 *     publisher: given up [next, first) --+                           +--> has it: taken, then the publisher again
 *     publisher: has a new epoch ---------+--> the copy is asked -----+--> has not: gap, on behind it
 *     publisher: does not answer ---------+    (again until it says)  +--> does not answer: asked on, never skipped
 * Only when both have said that they do not have a record it is gone.
 *
 * A position on lane X is a sequence and the stamp of its record. Each page begins with that record: one with another
 * stamp, or a journal that ends before it, means that the publisher was set back (an old copy was restored), and it is
 * refused until that is mended, however far it has grown again. Who was started again is checked so at once.
 *
 * Each topic of lane M has an account (account.h). Its base is what the publisher says at the end of the first answer:
 * the tails of all its topics as of there. From then on a first record of a new topic has sequence 1, and whatever a
 * later answer does not bring, though its tails speak of it, is gone.
 */
#ifndef NJ_SERVICE_INBOX_H
#define NJ_SERVICE_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/ring.h"
#include "common/io/bus.h"
#include "common/service/account.h"
#include "proto/codec.h"

enum inbox_state { INBOX_IDLE, INBOX_PAGING, INBOX_LIVE, INBOX_STALLED };

enum inbox_join {
	INBOX_FROM_CURSOR, /* after the given epoch and sequence, or stamp */
	INBOX_FROM_START,  /* everything the publisher still has */
	INBOX_FROM_NOW     /* lane M: last values first (verb state), then live; lane X: from the next record on */
};

struct inbox_gap {
	uint64_t first, last; /* sequences (X) that are missing */
	int64_t from, to;     /* stamps (M): last one had, first one to come; 0 unknown */
};

struct inbox;

struct inbox_ops {
	/* One event, in order. 0, or ERR_FULL: the receiver has no room, offer it again later. `live` is false for
	 * replayed records, `state` true for last values (not part of the sequence). */
	int (*deliver)(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len,
		       bool state);
	/* Records are gone for good. */
	void (*gap)(void *ctx, struct inbox *in, const struct inbox_gap *gap);
	/* A publisher went back to a smaller epoch, its journal ends (head->seq) before what was consumed of it, or
	 * has another record at the last place that was consumed (head->seq is in->next - 1): refused, critical. */
	void (*refused)(void *ctx, struct inbox *in, const struct event *head);
	/* The publisher cannot read what we ask for (X: its journal is damaged), or cannot give its last values, or
	 * they find no room here again and again (M: ERR_FULL): asked again until it can, then err is 0. Told once
	 * each. May be NULL. */
	void (*unserved)(void *ctx, struct inbox *in, int err);
	/* After ERR_FULL: is there room again for a whole page? NULL: always. */
	bool (*room)(void *ctx, struct inbox *in);
	/* The inbox has caught up with the publisher for the first time since inbox_start. May be NULL. */
	void (*caught_up)(void *ctx, struct inbox *in);
};

struct inbox_counters {
	uint64_t received, delivered, duplicates, holes, gaps, missing, pages, paged, overflows, refused, malformed;
	uint64_t stalls, copied; /* copied: pages of the persister's copy that had records for us */
};

#define INBOX_TOPICS_MAX 8192

struct inbox {
	const struct inbox_ops *ops;
	void *ctx, *tag; /* tag: the owner's */
	struct bus *bus;
	struct bus_link *link;
	char publisher[EVENT_SOURCE_MAX];
	enum lane lane;
	const char *const *prefixes;
	enum inbox_state state;
	enum inbox_join join;
	bool was_live, wants_state;
	const char *topic; /* during deliver: of the event; a frame's, so NUL-ended */
	bool unserved; /* the publisher said that it cannot read what we need, or its last values cannot be had */
	uint32_t stateless;    /* M: answers with last values that found no room here, in a row */
	uint64_t unreadable;   /* X: it cannot read this one, and the copy was asked for it */
	bool resync; /* lane M: after a gap take the last values anew (receivers that keep books) */
	uint64_t epoch, next;  /* X: of the next record; next 0: not known yet (FROM_NOW). M: epoch 0 not known yet */
	int64_t last;          /* stamp of the last record; X: 0 not known */
	uint64_t heard;        /* M: epoch in which the subscription is known to be in force; 0 none */
	uint64_t life;         /* X: the publisher's telemetry bears it; 0 not heard yet */
	bool checks;           /* X: a page begins with the record we have, to be compared */
	bool conflict;         /* X: it was another one */
	struct accounts accounts; /* M */
	int64_t whole;            /* M: up to this stamp every topic is here or gone */
	int64_t asked_from;       /* M: where the paging under way began */
	int64_t rewind;           /* M: and where it has to begin again, for a hole that lies before; INT64_MAX */
	bool queues;              /* what is delivered waits: the receiver ends it with account_ended */
	struct account *account;  /* M: of the record being delivered; NULL where it is not part of a sequence */
	uint64_t gone;            /* M: what the tails of the answer under way show as gone */
	bool verified;         /* X: the publisher's present life has been seen to have what we have of it */
	struct ring waiting;   /* live frames while paging */
	bool overflowed;
	uint64_t request;      /* id under way; 0 none */
	int64_t retry_at;      /* monotonic: ask (again) then */
	int64_t retry_ns;
	uint64_t tail_x;       /* the publisher said it has this much */
	const char *copy;      /* X: who keeps a copy of this lane; NULL nobody */
	bool asks_copy;        /* the request under way, or the next one, is to the copy */
	struct {
		int result;            /* what the publisher refused with; 0: it was silent */
		uint64_t epoch, first; /* and where it begins now */
	} refusal;             /* why the copy is asked */
	uint32_t silent;       /* requests since the last answer */
	int64_t tail_at;       /* monotonic since when the tail is missing; 0 not */
	struct inbox_counters counters;
};

/* Subscribes. prefixes: NULL-ended, kept; NULL is everything. ERR_NOMEM. */
int inbox_open(struct inbox *in, struct bus *bus, const char *publisher, enum lane lane, const char *const *prefixes,
	       const struct inbox_ops *ops, void *ctx);
void inbox_close(struct inbox *in);

/* Lane X: what the publisher no longer has, or cannot give, is asked of this service (kept; NULL: nobody) before it is
 * a gap. Before inbox_start. */
void inbox_copy(struct inbox *in, const char *copy);
/* Records that the publisher no longer has are waited for, and who keeps the copy does not answer. */
bool inbox_lacks_copy(const struct inbox *in);

/* Begins. For FROM_CURSOR set epoch and next (X), or last (M), before. */
void inbox_start(struct inbox *in, enum inbox_join join, int64_t mono_ns);

/* A frame of this inbox's link; not telemetry (the caller takes that out). */
void inbox_on_frame(struct inbox *in, const uint8_t *frame, size_t len, int64_t mono_ns);

/* The publisher says what its lane X reaches to (heartbeat, promise, hello). True where we have all of it. */
bool inbox_tail(struct inbox *in, uint64_t epoch, uint64_t x_last, int64_t mono_ns);
/* Same for lane M: the stamp of its last record. */
void inbox_tail_m(struct inbox *in, int64_t m_last, int64_t mono_ns);

/* And for one topic (event tail): a part of the topics can tell by it that a record has not come. */
void inbox_tail_topic(struct inbox *in, const struct event *tail, int64_t mono_ns);

/* Something was lost on this link of lane M: what that was is asked for. */
void inbox_suspect(struct inbox *in, int64_t mono_ns);

/* Its telemetry bears this epoch: another one than its records so far means that it was started again, and what it sent
 * before we were connected anew is asked for. */
void inbox_epoch_m(struct inbox *in, uint64_t epoch, int64_t mono_ns);

/* Same for lane X: a publisher that was started again is asked whether it still has what we have of it. */
void inbox_epoch_x(struct inbox *in, uint64_t life, int64_t mono_ns);

/* An answer from this publisher. True where it was for this inbox. */
bool inbox_on_reply(struct inbox *in, const struct event *reply, const uint8_t *page, size_t len, int64_t mono_ns);

/* Call each few ms and after the receiver has made room: asks, asks again, resumes. Returns the monotonic time it
 * wants to be called at the latest. */
int64_t inbox_poll(struct inbox *in, int64_t mono_ns);

#endif
