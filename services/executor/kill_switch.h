/* kill_switch - keeps the executor's core and the kill switch's record at one: the part of its shell.
 *
 *                 core is killed: the record is written
 *        OFF -------------------------------------------> ON
 *         |  ^                                             |  ^
 *         |  +---------------------------------------------+  |
 *         |        core is alive: the record is removed       |
 *         |                                                   | core is killed
 *         +--------------------> TURNING ---------------------+
 *           the record is there: a command is decided
 *
 * The core learns of a record that it does not know of (its journal was lost, somebody gave nj kill while it was down)
 * by a journalled command. From a start with a record until that command, no input that is not of the journal is taken
 * in. A record that cannot be written or removed is tried again; until it is gone, a restart would kill again.
 */
#ifndef NJ_EXECUTOR_KILL_SWITCH_H
#define NJ_EXECUTOR_KILL_SWITCH_H

#include "common/service/runtime.h"
#include "services/executor/house.h"
#include "services/executor/kill_record.h"

enum kill_state { KILL_OFF, KILL_TURNING, KILL_ON };

struct kill_switch {
	struct runtime *rt;
	struct house *house;
	enum kill_state state;
	bool decided; /* TURNING: the command is journalled */
	bool warned;  /* that the record cannot be written or removed */
};

/* At the start, before anything is loaded. */
void kill_switch_init(struct kill_switch *k, struct runtime *rt, struct house *house);
/* May inputs be applied? */
bool kill_switch_ready(const struct kill_switch *k);
/* Once running: brings record and core together. Often. */
void kill_switch_keep(struct kill_switch *k);

#endif
