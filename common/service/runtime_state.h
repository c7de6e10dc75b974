/* runtime_state - the inside of the runtime, shared by its files only. */
#ifndef NJ_SERVICE_RUNTIME_STATE_H
#define NJ_SERVICE_RUNTIME_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/io/usage.h"
#include "common/service/mirror.h"
#include "common/service/runtime.h"

#define RUNTIME_FOLLOWS_MAX (COLLECTORS_MAX + 8)
#define RUNTIME_ALERTS_MAX 256
#define RUNTIME_LATER_MAX 2048                             /* requests with a nonce that have not expired */
#define RUNTIME_EXPIRY_MAX_NS (INT64_C(600) * 1000000000) /* how far ahead a request may expire */
#define RUNTIME_DECISION_MAX 8192                          /* bytes of a packed decision */
#define RUNTIME_SIDES_MAX 8

enum { SENT_MAX = 512, PEERS_TROUBLES = 4 };
struct sent {
	uint64_t seq;
	int64_t at; /* ts_recv: when it reaches the other side */
};

struct follow { /* one publisher */
	struct runtime *rt;
	char publisher[EVENT_SOURCE_MAX];
	const char *prefixes[BUS_PREFIXES_MAX + 1];
	struct inbox m, x;
	bool has_m, has_x;
	struct sequencer_input *in_m, *in_x; /* core services */
	struct accounts telemetry_accounts;
	int64_t doubted_since;               /* wall clock: what was sent before may not have come; 0 no doubt */
	uint64_t dropped_told;               /* of lane M, as parity exceptions */
	struct bus_link *telemetry;          /* where lane M itself is not followed */
	bool promised;                       /* a promise waits for the lanes to catch up */
	int64_t promise_at, quiet_at, handled;
	uint64_t promise_x, promise_seen;
	uint64_t seen;                       /* of our lane X, by this publisher */
	int64_t latency;                     /* its own, from an input to its answer */
	struct sent sent[SENT_MAX];          /* what we published on lane X and it has not seen: a ring */
	uint32_t sent_first, sent_n;
	int64_t sent_lost_at;                /* ts_recv of the oldest one the ring had no room for; 0 none */
	uint64_t sent_lost_last;             /* and the newest of them */
	bool heard;
	bool lacks_copy;                     /* people know that it waits for the persister's copy */
	bool credit;                         /* one of the lockstep consumers */
	int64_t heard_at;                    /* its last heartbeat, monotonic; 0 none, or it said goodbye */
	bool silent;
};

/* A request that changes something: carried out once, answered when the answer is true (later.c). */
enum later_state { LATER_FREE, LATER_APPLYING, LATER_SYNCING, LATER_SAVING, LATER_GIVEN };
struct later {
	uint8_t state, verb, role;
	bool waits; /* somebody waits for the answer */
	bool held;  /* the service has not told it yet */
	struct bus_peer peer;
	uint64_t id;
	char nonce[EVENT_NAME_MAX], target[EVENT_NAME_MAX];
	int64_t expires_at; /* wall clock: the nonce is remembered until then */
	int64_t until;      /* monotonic: no longer waiting for the core */
	uint64_t saved, save_errors; /* snapshots of before */
	/* the answer */
	int result;
	uint64_t seq; /* its record must be on disk; 0 none */
	uint64_t ordinal;
	char client_order_id[EVENT_NAME_MAX], message[EVENT_TEXT_MAX];
};

struct runtime {
	const struct service *s;
	const char *name;             /* publisher, lock, folder, log: place's where the stack has several of us */
	struct collectors collectors; /* of the stack */
	struct collector_place place; /* service.several: which of them we are */
	void *self, *settings;
	struct run_settings run;
	struct config *config;
	struct loop *loop;
	struct bus *bus;
	struct outbox outbox;
	struct mirror mirror;
	struct sequencer sequencer;
	struct sequencer_input *self_in; /* commands, as journalled events */
	struct follow follow[RUNTIME_FOLLOWS_MAX];
	uint32_t n_follows;
	struct strmap alerts;
	struct arena arena; /* for direct delivery */
	enum life life;
	int exit_code;
	int signals; /* signalfd */
	char dir[400];
	char run_id[EVENT_NAME_MAX];

	struct ev_promise promise; /* last one published */
	uint64_t promise_seen;
	int64_t promise_mono;
	int64_t stepped_mono; /* the last step of the core */
	int64_t wake_at;
	struct loop_source *wake, *pulse, *beat, *signal_source, *journal_source, *drain;
	bool no_snapshot; /* was there at the start */
	uint64_t recover_progress; /* when it last moved, and how far it was */
	int64_t recover_at;
	bool judged;      /* what differed in the restart is told */
	bool unheard_told; /* in this step: what the core says is said without */
	uint64_t events_since_snapshot;
	int64_t snapshot_at; /* event time of the last snapshot */
	uint64_t beat_progress; /* of the last heartbeat, and when it last moved */
	int64_t beat_worked_at;
	uint64_t refused; /* requests, for the asker's role */
	int64_t peers_at; /* peers.c: its last look */
	uint64_t peers_silent;
	struct peers_trouble {
		uint64_t last, n; /* the counter, and how many since it was quiet */
		int64_t at;       /* monotonic, of the last one; 0: quiet */
		bool raised;
	} troubles[PEERS_TROUBLES];
	uint64_t applied, core_errors, snapshots, snapshot_errors;
	uint64_t snapshot_seq, snapshot_seq_before; /* lane-X positions of the last two snapshots */
	uint64_t snapshot_failures;                 /* of the journal's, when the last one was handed in */
	bool held;               /* the journal has no room: inputs wait */
	enum { ROOM_UNKNOWN, ROOM_AMPLE, ROOM_SCARCE } nearly_full; /* what safe mode was told last (room.c) */
	struct usage usage;      /* read at usage_at, monotonic; 0 never */
	int64_t usage_at;
	uint64_t journal_errors; /* of writing, told in the log so far */
	uint64_t acked;          /* our lane X is in the persister's database up to here */
	uint64_t log_errors, log_events; /* of the lane-M log, at the last heartbeat */
	uint64_t clock_steps;    /* the wall clock jumped */
	int64_t clock_offset;    /* wall less monotonic, at the last heartbeat; 0 not yet */
	uint64_t foreign_acks;   /* acknowledgements of another epoch: not counted */
	void (*on_credit)(void *self);
	struct later later[RUNTIME_LATER_MAX];
	uint32_t later_used; /* rows in use are below */
	uint32_t later_open; /* requests without their answer */
	const struct runtime_args *args;
	/* of the request that is being answered */
	uint8_t asking_role;
	struct later *asking;
	const struct bus_peer *asking_peer;
	bool parked; /* it is answered by runtime_reply */
	struct sequencer_input *side[RUNTIME_SIDES_MAX]; /* inputs that the shell itself feeds */
	uint32_t n_sides;

	pthread_t main_thread, stall_thread;
	atomic_bool stall_stop;
	bool stall_started;
};

/* runtime_args.c */
struct runtime_args {
	const char *config_path;
	const char *flags[64];
	size_t n_flags;
	bool describe, check_config, print_config;
	const char *name; /* which of several; NULL: the service's own name */
	const char *docs; /* a page of docs/ to print; NULL none */
};
/* 0 go on; 1 done (exit 0); 2 usage error (exit 2). */
int runtime_args_parse(const struct service *s, int argc, char **argv, struct runtime_args *a);
void runtime_describe(const struct service *s);
int runtime_docs(const struct service *s, const char *page); /* runtime_docs.c; ERR_UNKNOWN */
int runtime_load_settings(struct runtime *rt, const struct runtime_args *a);
int runtime_check_settings(struct runtime *rt); /* what only the service knows of them; told on stderr */

/* follow.c */
int follow_add(struct runtime *rt, const struct service_input *input, struct follow **ret_follow);
void follow_close(struct follow *f);
void follow_telemetry(struct follow *f, const uint8_t *frame, size_t len);
void follow_start(struct runtime *rt);
void follow_poll(struct runtime *rt);
/* Market data from now on, with its last values: what is between belongs to a run that nobody repeats. */
void follow_rejoin(struct runtime *rt);
void follow_promises(struct runtime *rt);
/* Tells the sequencer which inputs have holes that are being repaired. */
void follow_mark_repairs(struct runtime *rt);
struct follow *follow_find(struct runtime *rt, const char *publisher);
/* We have published this on lane X: answers to it can come. */
void follow_on_sent(struct runtime *rt, uint64_t seq, int64_t at);
/* The outbox goes on from a snapshot (or behind the journal) without our knowing what the others have seen. */
void follow_on_resumed(struct runtime *rt);
/* Have we every lane X that answers to us, as far as its publisher's journal reaches? Before that no promise. */
bool follow_caught_up(const struct runtime *rt);
extern const struct bus_handler follow_bus_handler;

/* lag.c: appends pairs "in.PUBLISHER.LANE.WHAT" (lane t: telemetry); returns the new n. */
uint32_t lag_pairs(const struct runtime *rt, struct pair *p, uint32_t n);

/* recover.c */
int recover_load(struct runtime *rt, char *reason, size_t cap);
void recover_own_journal(struct runtime *rt);
void recover_fall_back(struct runtime *rt);
void recover_judge(struct runtime *rt);
/* Decisions that are in the journal and not yet in the core: its state is not what was decided. */
bool recover_decisions_wait(const struct runtime *rt);
/* Live: recovery that has not moved for run.recover_wait is given up; call now and then. */
void recover_watch(struct runtime *rt);

/* room.c: call with each heartbeat. */
void room_watch(struct runtime *rt);

/* later.c */
struct later *later_find(struct runtime *rt, const char *nonce);
/* The request is taken on; NULL where too many have not expired. */
struct later *later_new(struct runtime *rt, const struct bus_peer *peer, const struct event *request);
void later_drop(struct runtime *rt, struct later *l); /* refused: as if it had not been asked */
void later_repeat(struct runtime *rt, struct later *l, const struct bus_peer *peer, uint64_t id);
void later_await_core(struct runtime *rt, struct later *l);
void later_await_snapshot(struct later *l, uint64_t written, uint64_t failed);
void later_applied(struct runtime *rt, const struct event *command);
/* Answers what is true by now; `failed`: the rest, too, with that. */
void later_send(struct runtime *rt, int failed);
/* Reads the nonces of unexpired requests from our own journal. */
void later_recall(struct runtime *rt);

/* command.c: true where the request is one that changes something, and is dealt with. */
bool command_on_request(struct runtime *rt, const struct bus_peer *peer, const struct event *request);
void command_of(struct runtime *rt, const struct event *request, struct event *ret_command);

/* reload.c */
int reload_on_request(struct runtime *rt, const struct event *request, struct later *l);
void reload_after_restart(struct runtime *rt); /* what the file says now and the core does not do yet */
const char *const *reload_shared(void); /* "section.key" of what every service can change, NULL-ended */

/* process.c: what the process takes, not older than a second. */
const struct usage *process_usage(struct runtime *rt);
extern const struct metric_row process_metrics[];

/* stall.c: a thread that aborts the process with a backtrace when the loop stops turning. */
int stall_start(struct runtime *rt);
void stall_stop(struct runtime *rt);

/* runtime.c */
void runtime_set_life(struct runtime *rt, enum life life);
void runtime_on_request(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len);
extern const struct sequencer_ops runtime_core_sequencer;
void runtime_maybe_run(struct runtime *rt);

/* peers.c */
void peers_heard(struct follow *f, const struct event *heartbeat);
void peers_watch(struct runtime *rt);

/* control.c */
/* A fact of the shell that the core must know (a command, a gap): journalled with its event time, then an input.
 * ERR_BUSY while comparing with the journal, ERR_FULL where too many wait: it has not happened then. */
/* Decides that trading is in safe mode for this cause, or, with an empty reason, that this cause is over. */
int runtime_safe(struct runtime *rt, const char *cause, const char *reason);
void runtime_recall_alert(struct runtime *rt, const struct ev_alert *a); /* of our journal, oldest first */
int runtime_push_decision(struct runtime *rt, const struct event *ev); /* one that is in the journal */
int runtime_snapshot_now(struct runtime *rt); /* ERR_UNKNOWN: there is no state; ERR_BUSY: not now */
uint32_t runtime_status_pairs(struct runtime *rt, struct pair *p); /* p holds EVENT_PAIRS_MAX */

#endif
