/* player - plays a feed in event time against the clock, or as fast as it is taken.
 *
 *     IDLE --player_start--> PLAYING --line not taken--> STALLED --player_wake--> PLAYING
 *     PLAYING --last line--> ENDED
 *
 * At speed N line k is handed over no earlier than start + (stamp of k - first stamp) / N; what
 * came late is caught up with. The first line handed over starts the clock.
 */
#ifndef NJ_SIM_PLAYER_H
#define NJ_SIM_PLAYER_H

#include "common/io/loop.h"
#include "tools/venue_sim/feed.h"

enum player_state { PLAYER_IDLE, PLAYER_PLAYING, PLAYER_STALLED, PLAYER_ENDED };

struct player_handler {
	/* 0: taken; ERR_FULL: not taken, the same line comes again after player_wake. */
	int (*on_line)(void *ctx, const struct feed_line *line);
	/* ERR_CLOSED at the end, or what cut the recording short. */
	void (*on_end)(void *ctx, int err);
	/* A line that is passed over: it was handed over in an earlier life. NULL: nobody counts. */
	void (*on_pass)(void *ctx, const struct feed_line *line);
};

struct player {
	struct loop *loop;
	struct loop_source *timer;
	struct line_feed *feed; /* owned */
	enum player_state state;
	int64_t speed;              /* 0: as fast as it is taken */
	int64_t from;               /* lines up to this stamp are passed over */
	int64_t began, first_stamp; /* the loop's clock and the stamp of the first line */
	int64_t position;           /* stamp of the newest line taken; INT64_MIN before */
	bool clock_runs, has_line;
	struct feed_line line;
	const struct player_handler *h;
	void *ctx;
};

/* Errors of feed_open. */
int player_init(struct player *p, struct loop *l, const struct feed_source *source, int64_t speed,
		int64_t from);
void player_fini(struct player *p); /* zeroed is fine */
void player_start(struct player *p, const struct player_handler *h, void *ctx);
void player_wake(struct player *p);

#endif
