/* keeper - the tiny parent of a native stack: keeps the watchdog alive and nothing else.
 *
 *     RUNNING --died--> WAITING (1, 2, 4 … 60 s) --time--> RUNNING        a minute of running forgives
 *     RUNNING --exit 0--> gone;  --any exit in the first 5 s of the first start--> gone
 *     any --SIGTERM, SIGINT--> ENDING: SIGTERM to the watchdog, which drains its units --died--> gone
 *
 * It holds bus.dir/keeper.lock. As the reaper of the stack's processes it collects those whose
 * watchdog died, and when it ends it leaves none behind.
 */
#ifndef NJ_TOOLS_NJ_KEEPER_H
#define NJ_TOOLS_NJ_KEEPER_H

#include <stddef.h>

struct keeper {
	char *const *argv;   /* of the watchdog; NULL-ended, absolute program */
	const char *bus_dir;
	const char *out_path; /* stderr of the watchdog; NULL: ours */
	int lock;             /* of stack_lock: released at the end */
};

/* Blocks until the stack is gone. Returns the watchdog's exit code, 128 + signal, or 1. */
int keeper_run(const struct keeper *k);

#endif
