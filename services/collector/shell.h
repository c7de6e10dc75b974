/* shell - the collector's process around its pure core: connections, requests, order of stamps, credit.
 *
 * A line is one of the core's connections, kept for the life of the process; plan.c says what each carries. Lines fail
 * and come back on their own.
 *
 * Live: every input is stamped by the clock as it comes. Replay and lockstep (the subprotocol nightjar.stamped.v1,
 * which no venue offers): frames carry their recorded stamps, replies to snapshot requests carry theirs, and the
 * frames of all lines and the replies are merged by stamp, so that the core sees exactly what was recorded, at any
 * speed and after any restart.
 */
#ifndef NJ_COLLECTOR_SHELL_H
#define NJ_COLLECTOR_SHELL_H

#include "common/base/ring.h"
#include "common/io/backoff.h"
#include "common/io/http.h"
#include "common/io/vigil.h"
#include "common/io/ws.h"
#include "common/service/runtime.h"
#include "common/venue/offset.h"
#include "services/collector/attempts.h"
#include "services/collector/auth.h"
#include "services/collector/holdings.h"
#include "services/collector/notice.h"
#include "services/collector/reference.h"
#include "services/collector/scan.h"
#include "services/collector/section.h"

#define SHELL_REQUESTS_MAX 64
#define SIMULATOR_HEADER "X-Nightjar-Simulator" /* of whoever is no venue; its value: replay, or what it plays */
#define SHELL_MARKS 256
#define SHELL_RESOLVED 64

struct asked { /* a request under way */
	struct shell *shell;
	bool used, answered;
	uint64_t id;
	enum venue_ask ask;
	int64_t asked_at; /* event time */
	int64_t at;       /* stamp of the answer (stamped mode) */
	int status;
	int64_t retry_after_ns;
	char whole[64]; /* a simulator's X-Nightjar-Whole */
	struct buf body;
};

/* Event count at a stamp: how much the lockstep consumers have not handled yet. */
struct mark {
	int64_t stamp;
	uint64_t events;
};

struct reference_call { /* of each one that may be under way */
	struct shell *shell;
	uint32_t index;
};

struct shell_counters {
	uint64_t connects, connect_failures, reconnects, http_requests, http_failures, held_high_water, credit_waits;
	uint64_t foreign_text; /* stamped mode: frames without a stamp */
	int64_t clock_offset, clock_known; /* ns, ahead of the venue; give or take */
	uint64_t clock_answers;
	int64_t data_origin, data_age; /* enum origin, 0 none; ns since its last frame */
	uint64_t sleeps;      /* of the machine */
	uint64_t dials_held; /* tries to connect that had to wait for the venue's limit */
	uint64_t rotations, rotation_failures, merged; /* merged: frames of both connections, given once */
};

/* Of the scan. */
struct markets_counters {
	uint64_t followed, found, left_out; /* now, as of the last round */
	uint64_t rounds, failures, dropped, given_up;
};

struct shell_metrics {
	struct collector_counters core;
	struct shell_counters shell;
	struct holdings_counters account;
	int64_t account_age; /* ns */
	struct markets_counters markets;
	struct collector_budget budget;
};

/* A WebSocket's end at our side: what its callbacks are called with. */
struct plug {
	struct line *line;
	struct ws *ws;
	struct loop_source *saying;
	uint32_t said; /* texts of the subscription that were sent */
	uint64_t version; /* of the core's table, as subscribed to */
};

/* The connection that is to take a line over; see rotate.c. */
struct rotation {
	struct loop_source *timer;
	bool begun, open;
	struct ring held;           /* its frames */
	uint64_t *seen;             /* owned: hashes of what the old connection brought since it opened, 0 free */
	uint32_t n_seen;
};

struct line {
	struct shell *shell;
	uint32_t number;     /* the core's connection */
	struct plug plug[2]; /* the one in use, and the one that will take over */
	uint32_t in;
	struct rotation next;
	struct loop_source *retry, *watch, *age;
	char reconnect_reason[64]; /* why the core asked for a new connection */
	struct backoff backoff;
	int64_t open_at;             /* monotonic; 0 not open */
	int64_t barred_until;        /* the venue said so (429); by the clock that counts sleep */
	uint64_t bytes;              /* of the wire, pongs included, as last looked at */
	int64_t heard_at, pinged_at; /* monotonic */
	uint8_t origin;
	bool told_live; /* live: the core knows that the connection is up; what else it brings is not for it */
	bool told_lost; /* and people that it is not */
	const char *remedy; /* while a loss is told; NULL: none */
	/* stamped */
	int64_t cursor;     /* stamp of the last frame the core has seen */
	struct ring held;   /* frames that wait for their turn */
	bool paused, ended; /* ended: the recording is at its end */
};

/* Our account at the venue (holdings_sync.c). */
struct account_link {
	struct holdings *holdings; /* owned; NULL: it is not followed */
	struct http *http;         /* owned: a client of its own, so that no request for data holds it up */
	struct ws *ws;
	struct backoff backoff;
	int64_t stream_due;  /* event time of the next try; CORE_NEVER while there is one or none is wanted */
	struct vigil vigil;  /* of the stream */
	char listen_key[SYMBOL_RAW_MAX + 1];
	int64_t listen_due;  /* event time; of the next request for it */
	bool listening;      /* it is asked for */
};

struct shell {
	struct runtime *rt;
	struct collector_section set;
	const struct venue *venue;
	struct collector_core *core;
	struct http *http;
	struct auth auth;
	struct attempts attempts;
	struct line line[COLLECTOR_CONNECTIONS_MAX];
	uint32_t n_lines;
	struct loop_source *start, *asking; /* asking: for the venue's time */
	int64_t asked_time_at;              /* wall clock; 0: nothing is under way */
	struct offset offset;               /* as last known */
	int64_t offset_at;                  /* monotonic; 0: not known */
	int64_t slept;                      /* so far, as last looked at */
	int64_t worked_at;       /* wall clock of the last frame */
	int64_t now;             /* event time of the last input */
	struct event_clock time; /* live */
	bool started;   /* collector_core_start was called, or a snapshot loaded */
	bool read_all;  /* the snapshot was of other markets: the whole journal says what was open */
	bool told_live; /* stamped: the core knows that the connections are up */
	bool ended;     /* the recording is at its end on every line */
	bool unheard;   /* polling: nobody is answered */
	struct notice notice; /* what people know of the feed */
	bool stopping, pumping;
	struct asked asked[SHELL_REQUESTS_MAX];
	struct account_link account;
	struct markets *markets; /* owned; NULL: nothing is scanned */
	char resolved[SHELL_RESOLVED][SYMBOL_RAW_MAX + 1]; /* the last of n_resolved instruments, by their raw names */
	uint64_t n_resolved;
	struct references references;
	struct reference_call reference_call[REFERENCES_MAX];
	struct mark mark[SHELL_MARKS];
	uint32_t mark_first, mark_n;
	uint64_t emitted, handled; /* events; by the slowest lockstep consumer */
	uint64_t frames_since_snapshot;
	struct sink sink;
	struct shell_counters counters;
	struct shell_metrics exported;
};

static inline struct plug *plug_of(struct line *l)
{
	return &l->plug[l->in];
}
static inline struct plug *next_plug(struct line *l)
{
	return &l->plug[!l->in];
}

/* connection.c */
#define CONNECTION_ALERT "feed_lost"
int connection_init(struct shell *s); /* with a line for each connection of the core; ERR_NOMEM */
void connection_fini(struct shell *s);
void connection_open(struct line *l);
void connection_open_all(struct shell *s);
void connection_close(struct line *l);
void connection_again(struct line *l, const char *reason, int64_t wait_ns); /* wait_ns < 0: by backoff */
void connection_reconnect(void *ctx, uint32_t connection, const char *reason);
void connection_trouble(void *ctx, const struct venue_market *m, bool on, const char *text);
void connection_unsettled(void *ctx, const struct venue_market *m, bool on);
void connection_subscription(void *ctx, uint32_t connection, bool on, const char *text);
/* Polling: there is no connection that tells people when the feed is lost, or back. */
void connection_polled(struct shell *s, const struct ev_feed_state *feed);
void connection_look(struct shell *s); /* each tick: has the feed been back for long enough to say so? */
uint32_t connection_up(const struct shell *s); /* how many are open */
uint32_t connection_wanted(const struct shell *s); /* how many there should be */
/* Markets have come or gone: lines that are wanted are opened, those with nothing left are closed. */
void connection_tend(struct shell *s);
int connection_grow(struct shell *s); /* a line for each connection of the core; they stay. ERR_NOMEM */
/* What it was connected to is long gone. Told as of the last input: no timer takes the time slept for silence. */
void connection_woken(struct line *l, const char *reason);
/* enum origin of what a server sends: `simulator` its header or NULL, base the address, own the venue's. */
uint8_t connection_origin(const struct shell *s, const char *simulator, const char *base, const char *const *own);
void connection_set_origin(struct line *l, uint8_t origin);

int connection_dial(struct plug *p); /* dial_open, for this file's callbacks */
void connection_unplug(struct plug *p);
bool connection_is_of_origin(struct plug *p); /* what answers there is what answered on the line before */

/* subscribe.c; all but the first are actions of the core. */
void subscribe_all(struct plug *p); /* from where it is; goes on by itself */
void subscribe_add(void *ctx, uint32_t connection, const struct venue_feed *feed);
void subscribe_drop(void *ctx, uint32_t connection, const struct venue_feed *feed);
void subscribe_again(void *ctx, uint32_t connection, const struct venue_feed *feed);

/* dial.c */
#define DIAL_PROTOCOL "nightjar.stamped.v1"
const char *dial_base(const struct shell *s); /* address of the stream */
void dial_init(struct shell *s);
int64_t dial_wait(struct shell *s); /* ns until the venue may be tried again; 0: now */
/* ws_open of the line's address. ERR_BUSY: not yet. */
int dial_open(struct plug *p, const struct ws_handler *handler);

/* rotate.c */
void rotate_arm(struct line *l); /* the line has just opened */
void rotate_cancel(struct line *l);
void rotate_fini(struct line *l);
void rotate_asked(void *ctx, uint32_t connection, const char *reason); /* the core's action */
void rotate_on_open(struct line *l);
void rotate_on_frame(struct line *l, const char *text, size_t len); /* of the new connection */
void rotate_on_old_frame(struct line *l, const char *text, size_t len);
void rotate_on_close(struct line *l); /* the new connection was lost */
bool rotate_take_over(struct line *l); /* the old one was lost; false: there is none to take over */

/* clocks.c */
#define CLOCKS_SLEPT_NS NS_PER_S /* less is no sleep: the clocks are not read at the same moment */
void clocks_start(struct shell *s);
void clocks_stop(struct shell *s);
void clocks_look(struct shell *s); /* has the machine slept? Each tick, and before an input that comes late */

/* requests.c */
void requests_send(void *ctx, const struct collector_request *r);
void requests_fini(struct shell *s);
int requests_get(struct shell *s, enum venue_ask ask, const char *path, http_fn fn, void *ctx); /* not the core's */
/* A reply of the venue's to whatever request: what it says of the budget, and that it refuses, is told to the core. */
void requests_budget(struct shell *s, const struct http_response *r);
bool requests_wait(struct shell *s); /* nothing may be asked now: a refusal, or the budget, says so */

/* resume.c */
void resume_from_past(struct shell *s);

/* markets.c */
int markets_new(struct shell *s, char *reason, size_t cap); /* nothing where the settings say so; ERR_ARG, ERR_NOMEM */
void markets_free(struct shell *s);
void markets_start(struct shell *s);
void markets_tick(struct shell *s);
void markets_resolved(struct shell *s, const struct symbol *instrument); /* its outcome is on record */
void markets_on_own(struct shell *s, const struct event *ev); /* of an earlier life, before the start */
void markets_save(const struct shell *s, struct packer *p);
void markets_load(struct shell *s, struct unpacker *u);
void markets_count(const struct shell *s, struct markets_counters *ret);
void markets_note(const struct shell *s, char note[EVENT_NAME_MAX]); /* adds how many */

/* reference_ask.c */
void reference_ask(struct shell *s); /* what is due */

/* holdings_sync.c */
int holdings_sync_open(struct shell *s, char *reason, size_t cap);
void holdings_sync_close(struct shell *s); /* nothing is asked any more; fine where it was never opened */
void holdings_sync_start(struct shell *s);
void holdings_sync_tick(struct shell *s);
void holdings_sync_clock(struct shell *s, const struct offset *o);
int64_t holdings_sync_age(const struct shell *s); /* ns since the last round; 0 none yet */
void holdings_sync_woken(struct shell *s); /* the machine has slept */

/* pump.c */
/* The time of an input. Live: the clock, never back; that the machine slept is told before it. */
int64_t pump_now(struct shell *s);
void pump_live_frame(struct line *l, const char *text, size_t len);
void pump_stamped_frame(struct line *l, const char *text, size_t len);
void pump_answer(struct shell *s, struct asked *a);
void pump(struct shell *s);       /* stamped: hands the core what may be handed */
void pump_after(struct shell *s); /* promise, snapshot, flush */
void pump_on_credit(void *self);
void pump_emit(void *ctx, struct event *ev);

#endif
