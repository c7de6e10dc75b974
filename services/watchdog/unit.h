/* unit - one supervised process: its own process group, started, watched, ended as a whole.
 *
 *     STOPPED --unit_start--> STARTING --first sign of life, or 1 s--> RUNNING
 *     STARTING, RUNNING --died--> BACKOFF --delay over--> STARTING      (3 fast tries, then 1, 2, 4 … 60 s)
 *     any --unit_stop--> STOPPING (SIGTERM, after the grace SIGKILL) --died--> STOPPED
 *
 * A watchdog that was itself restarted finds running services by the lock they hold and takes them over without a
 * restart (unit_adopt): their death is then seen through a pidfd, their exit status is not ours to know.
 */
#ifndef NJ_WATCHDOG_UNIT_H
#define NJ_WATCHDOG_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/io/loop.h"
#include "proto/event.h"

#define UNIT_ARGS_MAX 32
#define UNIT_FAST_TRIES 3

enum unit_state { UNIT_STOPPED, UNIT_STARTING, UNIT_RUNNING, UNIT_BACKOFF, UNIT_STOPPING };

struct unit;

struct unit_handler {
	/* A process ended by itself. how: "exit 1", "signal 9", "gone". */
	void (*died)(void *ctx, struct unit *u, const char *how);
	void (*changed)(void *ctx, struct unit *u);
};

struct unit {
	char name[EVENT_NAME_MAX];
	char command[500]; /* split at spaces but within "double quotes"; no shell */
	char out_path[400]; /* where stdout and stderr go; "" inherit */
	char lock_path[300]; /* lock that it holds for unit_adopt; "": it takes one itself */
	struct loop *loop;
	const struct unit_handler *handler;
	void *ctx;
	enum unit_state state;
	pid_t pid; /* 0 none; leader of its group */
	int pidfd;
	bool adopted, again; /* again: start anew once stopped */
	uint32_t failures;   /* in a row */
	uint64_t starts, deaths;
	int64_t started_at;  /* monotonic */
	int64_t retry_at;    /* monotonic; of BACKOFF */
	int64_t stop_grace_ns;
	char last_death[40];
	struct loop_source *watch, *timer;
};

void unit_init(struct unit *u, const char *name, const char *command, struct loop *l,
	       const struct unit_handler *h, void *ctx);
void unit_fini(struct unit *u); /* leaves the process alone */

int unit_start(struct unit *u);
/* Takes over a process that holds the lock file; ERR_NOT_FOUND where nobody does. */
int unit_adopt(struct unit *u, const char *lock_path);
void unit_stop(struct unit *u);
void unit_restart(struct unit *u);
/* It hangs: SIGKILL for its whole group; died follows. */
void unit_kill(struct unit *u);
/* A sign of life: STARTING becomes RUNNING; a minute of RUNNING forgives earlier failures. */
void unit_alive(struct unit *u);

/* Words of a command, in place: divided by spaces, but within double quotes. Returns how many. */
size_t unit_split(char *line, char *argv[UNIT_ARGS_MAX + 1]);

const char *unit_state_text(enum unit_state s);
int64_t unit_backoff_ns(uint32_t failures); /* delay before the next try */

#endif
