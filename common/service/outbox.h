/* outbox - how a service publishes: stamps, sequences, the lane-X journal before the bus, the lane-M log beside it.
 *
 * Lane X: packed, appended to the journal, sent when the journal says durable. Lane M: packed, logged, sent; events
 * of one topic that follow each other within a turn share a message. Telemetry (ids below 0x0100 on lane M) is
 * sent only: it is neither logged nor part of the publisher's strictly increasing stamps.
 *
 * Recovery: a core that was restarted from a snapshot regenerates what it had published already. As long as the
 * journal has a record for the next sequence, the regenerated event is compared with it and not published again;
 * a difference is counted and reported. Records that a shell wrote (ts_event 0: parity exceptions, commands,
 * alerts) are stepped over. Lane-M events at or before the log's last stamp are not sent again either.
 *
 * Tails say how far each logged topic goes (proto/system.def: tail). They end the last page of a replay and of last
 * values, where they say what a follower must have by then, and are sent with heartbeats, behind what they speak of.
 */
#ifndef NJ_SERVICE_OUTBOX_H
#define NJ_SERVICE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/strmap.h"
#include "common/io/bus.h"
#include "common/io/clock.h"
#include "common/io/journal.h"
#include "common/io/mlog.h"
#include "proto/codec.h"

#define OUTBOX_TOPICS_MAX 8192
#define OUTBOX_PAGE_RECORDS 500
#define OUTBOX_PAGE_BYTES (512u << 10)

struct outbox_options {
	const char *source;
	const char *dir;       /* of this service's journal and log; NULL: nothing durable (lane M only) */
	bool logged;           /* keep a lane-M log */
	uint64_t journal_cap, mlog_cap;
	int64_t mlog_keep_ns;
	uint64_t replay_rate;  /* bytes a second that pages of journal and log may take; 0: no limit */
	const struct clock *clock;
	/* A regenerated event differs from the journal's: sequence and both texts, for an alert. May be NULL. */
	void (*differs)(void *ctx, uint64_t seq, const char *was, const char *now);
	/* Somebody asked for records from here (X: sequence, M: stamp) and they cannot be read. May be NULL. */
	void (*unreadable)(void *ctx, enum lane lane, uint64_t at, int err);
	void *ctx;
};

struct outbox_counters {
	uint64_t m_events, m_frames, x_events, telemetry, verified, differing, resent_skipped;
	uint64_t unreadable; /* replay requests for what could not be read */
	uint64_t refused; /* records of the shell that the journal had no room for */
	uint64_t pack_errors, log_errors, send_errors, replay_pages, replay_records;
	uint64_t replay_deferred; /* requests beyond replay_rate: asked again later */
};

struct outbox_topic {
	uint64_t seq;   /* of its last event */
	uint64_t first; /* of its first one of this process; 0 none yet */
	uint64_t told;  /* the last that a tail has spoken of */
	bool telemetry;
};

struct outbox {
	struct outbox_options o;
	char source[EVENT_SOURCE_MAX]; /* NUL-padded, as events have it */
	struct bus *bus;
	struct journal *journal; /* owned; NULL where not durable */
	struct mlog *mlog;       /* owned; NULL where not logged */
	uint64_t m_epoch, x_epoch;
	int64_t last_stamp;      /* of a result, or of a decision that the core is given */
	int64_t last_note;       /* of any other record of the shell: the results' stamps are theirs alone */
	uint64_t x_next;         /* sequence of the next lane-X event */
	uint64_t x_sent;         /* last sequence given to the bus */
	uint64_t verify_last;    /* journal's last record at start: up to here events are compared */
	uint64_t compare_last;   /* last one of them that is to be regenerated: behind it the shell wrote */
	int64_t resend_after;    /* log's last stamp at start */
	struct strmap topics;    /* topic -> struct outbox_topic */
	uint8_t *batch;          /* owned: one frame under way */
	size_t batch_len, batch_topic;
	size_t burst;            /* bytes of lane X that one input may cause, at most */
	int failed;              /* sticky: nothing more can be published */
	int64_t replay_credit;   /* bytes that pages may still take */
	int64_t replay_at;       /* monotonic, when it was counted last */
	struct outbox_counters counters;
};

/* Opens journal and log; reason is filled on error. The bus must be bound by the caller. */
int outbox_open(struct outbox *b, struct bus *bus, const struct outbox_options *o, char *reason, size_t cap);
void outbox_close(struct outbox *b); /* flushes the journal */

/* Publishes one event. Fills in source, epoch, seq, ts_sent and a strictly increasing ts_recv (not below the one
 * given). Returns 0 or the sticky failure; an event that cannot be packed is counted and is ERR_ARG. */
int outbox_emit(struct outbox *b, struct event *ev);

/* Same for a record the shell itself makes on lane X: ts_event 0. Where the core is not given it (outbox_decides), the
 * stamps of what comes after do not depend on it. A full journal refuses it (ERR_FULL, ERR_NO_SPACE), not failing. */
int outbox_emit_shell(struct outbox *b, struct event *ev);

/* Sends the message under way; call at the end of every turn. */
void outbox_flush(struct outbox *b);

/* Topics of telemetry, NULL-ended; outbox_tail_prefix is one more, for followers of lane M. */
extern const char *const outbox_telemetry_prefixes[];
extern const char outbox_tail_prefix[];
bool outbox_is_telemetry(const char *topic, size_t len);

/* Sends tails: of the topics that have changed since they were last told, or of all. */
void outbox_send_tails(struct outbox *b, bool all);
/* Appends them all to a page of records (length, frame; again), and one without a topic that says how many there were.
 * Where they do not fit, or are not known yet, none. */
void outbox_put_tails(const struct outbox *b, struct buf *page);
/* Sequence of a topic's last event; 0 none. */
uint64_t outbox_topic_last(const struct outbox *b, const char *topic, size_t len);
/* What last values are given as of (reply.last): a follower asks the log for what comes after it. 0 while the log is
 * empty: our newest stamp may be lane X's, from before the log's first record, and would read as a gap there. */
int64_t outbox_values_stamp(const struct outbox *b);
/* Appends a record to a page. ERR_FULL, ERR_NOMEM. */
int outbox_put_record(struct buf *page, const uint8_t *frame, size_t len);

/* Sends what has become durable; call when journal_fd is readable. Returns 0 or the journal's failure. */
int outbox_durable(struct outbox *b);

/* May an input be applied: is there room for a burst of outputs? No while the disk or the journal's cap is full. */
bool outbox_ready(const struct outbox *b);
bool outbox_has_room(const struct outbox *b); /* in the journal */
/* Is it a record by which a shell decides what its core is given: command, gap, a test's event, a venue's report? */
bool outbox_decides(uint16_t id);
/* Still comparing with the journal? */
bool outbox_verifying(const struct outbox *b);
/* Steps over records of the shell that come next in the journal, up to what it decided for after `now`. */
void outbox_pass_shell(struct outbox *b, int64_t now);

/* Adds a frame to a page of a reply: length (4 bytes, little endian), frame; again. ERR_FULL at OUTBOX_PAGE_BYTES. */
int replay_page_add(struct buf *page, const uint8_t *frame, size_t len);

/* Same without clearing the descriptor: the failure, if any, shows there. */
int outbox_send_durable(struct outbox *b);

/* Reading back for others is kept to replay_rate: true where another answer may be made now; then what it cost. */
bool outbox_within_rate(struct outbox *b);
void outbox_charge(struct outbox *b, size_t bytes);

/* Answers replay_x and replay_m about this service; false where the verb is another, or the target. What is durable is
 * published first, one request reads one page at most, and beyond replay_rate the answer is ERR_BUSY: the live path
 * never waits for more than a page. */
bool outbox_on_request(struct outbox *b, const struct bus_peer *peer, const struct event *request);

/* Last stamp, sequences: for snapshots. Load sets the position that regeneration starts from. */
void outbox_save(const struct outbox *b, struct packer *p);
void outbox_load(struct outbox *b, struct unpacker *u);

/* The last record of the journal that a core made: with it regenerated (or none left) comparing is over, the shell's
 * records behind it stand. */
void outbox_compare_to(struct outbox *b, uint64_t seq);

/* Gives up comparing: the journal's own records stand, new ones are appended behind them. */
void outbox_accept_journal(struct outbox *b);

/* Takes the sequences of the log's topics and its last stamp: a live restart without regeneration. */
int outbox_resume_log(struct outbox *b);

#endif
