/* publisher - nj as a publisher of its own: a name, a journal and a log in a temporary directory, heartbeats, replay.
 *
 * Followers see what they see of any service: hello, heartbeats, promises, sequences without holes, answers to replay
 * requests. The directory is made below run.data and removed at the end; nothing of a service is ever opened. A name
 * that is taken on this bus is refused.
 */
#ifndef NJ_TOOLS_NJ_PUBLISHER_H
#define NJ_TOOLS_NJ_PUBLISHER_H

#include "common/io/loop.h"
#include "common/service/outbox.h"
#include "common/service/settings.h"
#include "tools/nj/cli.h"
#include "tools/nj/stack.h"

struct publisher {
	struct cli *cli;
	struct run_settings run;
	struct loop *loop; /* owned */
	struct bus *bus;   /* owned */
	struct outbox outbox;
	bool has_outbox;
	char name[EVENT_SOURCE_MAX];
	char dir[STACK_PATH_MAX];
	int signals, signal; /* signal: the one that ended it, 0 none */
	int failed;          /* of the journal */
	uint64_t events, beats;
	struct loop_source *on_journal, *on_beat, *on_signal;
};

/* Takes the name and opens everything; blocks SIGINT and SIGTERM, which stop the loop. CLI_OK or an exit code, told.
 * publisher_close in any case. */
int publisher_open(struct publisher *p, struct cli *cli, const char *name);
void publisher_close(struct publisher *p); /* zeroed is fine */

/* Publishes; the source is the publisher's. 0 or the failure that ended it. */
int publisher_emit(struct publisher *p, struct event *ev);
/* After a batch: sends what is under way and promises that nothing older follows. */
void publisher_flush(struct publisher *p);
/* Is there room for more? No while the disk does not keep up. */
bool publisher_ready(const struct publisher *p);

#endif
