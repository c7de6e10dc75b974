/* kill_record - the kill switch's own durable record: a small file in the data's root, for the executor and for nj.
 *
 * It lies outside the executor's folder and needs neither journal nor snapshot: whatever else is lost, an executor that
 * finds it trades nothing. The file is the switch: that it is there counts, also where nobody can read it. Its lines
 * say who and why, for people.
 */
#ifndef NJ_EXECUTOR_KILL_RECORD_H
#define NJ_EXECUTOR_KILL_RECORD_H

#include <stdbool.h>

#include "proto/event.h"

#define KILL_RECORD_NAME "executor.kill" /* in run.data */

struct kill_record {
	char owner[EVENT_NAME_MAX];
	char reason[EVENT_TEXT_MAX];
};

/* Whether it is there, or cannot be told to be absent; ret_record says who and why, or what kept us from reading it. */
bool kill_record_find(const char *data, struct kill_record *ret_record);

/* Both are on disk when they return 0 (file and folder synced); errors as fs_put, errno is the call's. */
int kill_record_write(const char *data, const struct kill_record *record);
int kill_record_remove(const char *data);

#endif
