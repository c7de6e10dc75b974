/* look - what nj can find out about the services of a stack: locks, status replies, heartbeats. */
#ifndef NJ_TOOLS_NJ_LOOK_H
#define NJ_TOOLS_NJ_LOOK_H

#include <sys/types.h>

#include "tools/nj/cli.h"
#include "tools/nj/client.h"
#include "tools/nj/services.h"

struct look_service {
	const char *name;
	pid_t pid;      /* holder of its lock; 0: it does not run */
	int64_t uptime; /* ns; 0 unknown */
	bool answered;  /* its status is below */
	char version[EVENT_TEXT_MAX];
	struct pair pairs[EVENT_PAIRS_MAX];
	uint32_t n_pairs;
	uint32_t beats;           /* heard while looking */
	struct ev_heartbeat beat; /* the last one, without its pairs */
	uint64_t first_progress;
	int64_t first_at, last_at; /* monotonic, of the first and the last heartbeat */
};

struct look {
	struct client client;
	struct look_service at[SERVICES_MAX]; /* services_n of them, as services_names */
	int64_t wall; /* when it was taken */
};

enum look_state { LOOK_STOPPED, LOOK_SILENT, LOOK_STARTING, LOOK_RUNNING, LOOK_IDLE, LOOK_ILL };

/* Looks at all services; takes two and a half heartbeats. ret_look is big: static or from the heap.
 * CLI_OK, or an exit code, told. */
int look_take(const struct cli *cli, struct look *ret_look);
void look_fini(struct look *l);

/* Index of a service of services_names, or -1 (told, with what there is). Reads the settings. */
int look_find(const struct cli *cli, const char *name);

/* SILENT: alive, but neither answers nor beats. IDLE: no work for longer than it calls normal. ILL:
 * says of itself that it cannot do its work (a lost database, no connection, safe mode). */
enum look_state look_state(const struct look *l, const struct look_service *s);
const char *look_state_text(const struct look *l, const struct look_service *s); /* of life where it runs */

int64_t look_value(const struct look_service *s, const char *name, int64_t fallback);
/* Work a second in thousandths; -1 unknown. */
int64_t look_rate(const struct look_service *s);

/* The same without a look: asks one service for its status. 0: client.reply is filled. */
int look_ask(struct client *c, const char *service, int64_t timeout_ns);

/* Opens a client by the common options; CLI_OK, or an exit code, told. */
int look_client(const struct cli *cli, struct client *ret_client);

/* Whether nobody at all holds a lock of this bus; over tcp that cannot be seen: false. */
bool look_deserted(const struct client *c);
#define LOOK_DESERTED "nothing runs on the bus at %s: 'nj up' starts a stack" /* bus_dir */
/* As look_client, for verbs that somebody must answer: CLI_NOT_RUNNING, told, where the bus is deserted. */
int look_living(const struct cli *cli, struct client *ret_client);

/* Holder of bus_dir/NAME.lock, 0: nobody. */
pid_t look_holder(const char *bus_dir, const char *name);
/* Since its process was started, in ns; 0 unknown. */
int64_t look_uptime(pid_t pid);

#endif
