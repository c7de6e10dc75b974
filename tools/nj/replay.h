/* replay - a recording through collector, strategy and executor in one process, without sockets.
 *
 * The order of the collector's inputs is services/collector/merge.h's, as over the bus; requests
 * are answered at once by tools/nj/source.h.
 */
#ifndef NJ_TOOLS_NJ_REPLAY_H
#define NJ_TOOLS_NJ_REPLAY_H

#include "services/collector/section.h"
#include "tools/nj/fused.h"
#include "tools/nj/source.h"

#define REPLAY_REQUESTS_MAX 64 /* under way, as in the collector's shell */

struct replay_asked { /* a request whose answer waits for its turn */
	bool used;
	uint64_t id;
	int64_t at;
	struct source_answer answer;
};

struct replay_line { /* a connection */
	bool has_frame;
	struct source_frame frame; /* the next one */
};

struct replay {
	struct fused *fused;
	struct source *source;
	struct collector_core *core; /* owned */
	struct sink sink;
	int64_t now, first; /* event time of the core's last and first input */
	bool started, told_live;
	struct replay_line line[COLLECTOR_CONNECTIONS_MAX];
	uint32_t n_lines, ended; /* ended: so many of them */
	struct replay_asked asked[REPLAY_REQUESTS_MAX];
	uint64_t frames, requests;
	int err; /* sticky */
};

struct replay_parts {
	const struct collector_section *section; /* read by replay_open only */
	struct fused *fused;
	struct source *source;
};

/* fused and source are the caller's and must outlive it. ERR_ARG with a reason. */
int replay_open(struct replay *r, const struct replay_parts *parts, char *reason, size_t cap);
void replay_close(struct replay *r); /* zeroed and half open are fine */

/* Plays all of it. 0, or what stopped it; source_end tells whether the recording was whole. */
int replay_run(struct replay *r);

#endif
