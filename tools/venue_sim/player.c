/* player - plays a feed in event time against the clock, or as fast as it is taken. */
#include "tools/venue_sim/player.h"

#include "common/base/err.h"

#define LINES_A_TURN 512
#define SKIPS_A_TURN 8192

static void step(void *ctx);

int player_init(struct player *p, struct loop *l, const struct feed_source *source, int64_t speed,
		int64_t from)
{
	char reason[200];

	*p = (struct player){.loop = l, .speed = speed, .from = from, .position = INT64_MIN};
	return feed_open(source, &p->feed, reason, sizeof(reason));
}

void player_fini(struct player *p)
{
	if (p->loop == NULL)
		return;
	loop_undefer(p->loop, step, p);
	loop_end(&p->timer);
	feed_close(p->feed);
	*p = (struct player){0};
}

void player_start(struct player *p, const struct player_handler *h, void *ctx)
{
	if (p->state != PLAYER_IDLE)
		return;
	p->h = h;
	p->ctx = ctx;
	p->state = PLAYER_PLAYING;
	loop_defer(p->loop, step, p);
}

void player_wake(struct player *p)
{
	if (p->state != PLAYER_STALLED)
		return;
	p->state = PLAYER_PLAYING;
	loop_defer(p->loop, step, p);
}

static void on_timer(void *ctx)
{
	struct player *p = ctx;

	p->timer = NULL;
	step(p);
}

/* Time until the line at hand is due, ns; 0: now. */
static int64_t wait_of(struct player *p)
{
	int64_t now = clock_mono(loop_clock(p->loop));
	int64_t due;

	if (p->speed == 0)
		return 0;
	if (!p->clock_runs) {
		p->clock_runs = true;
		p->began = now;
		p->first_stamp = p->line.stamp;
	}
	due = p->began + (p->line.stamp - p->first_stamp) / p->speed;
	return due > now ? due - now : 0;
}

/* Makes p->line the next one to hand over. ERR_AGAIN: enough passed over for this turn. */
static int next_line(struct player *p)
{
	for (int i = 0; i < SKIPS_A_TURN; i++) {
		if (!p->has_line) {
			int rc = feed_next(p->feed, &p->line);
			if (rc != 0)
				return rc;
		}
		p->has_line = p->line.stamp > p->from;
		if (p->has_line)
			return 0;
		if (p->h->on_pass != NULL)
			p->h->on_pass(p->ctx, &p->line);
	}
	return ERR_AGAIN;
}

/* 0: go on; ERR_AGAIN: armed for later, or stalled. */
static int hand_over(struct player *p)
{
	int64_t wait = wait_of(p);

	if (wait > 0) {
		if (loop_timer(p->loop, wait, 0, on_timer, p, &p->timer) != 0)
			loop_defer(p->loop, step, p);
		return ERR_AGAIN;
	}
	if (p->h->on_line(p->ctx, &p->line) != 0) {
		p->state = PLAYER_STALLED;
		return ERR_AGAIN;
	}
	p->position = p->line.stamp;
	p->has_line = false;
	return 0;
}

static void step(void *ctx)
{
	struct player *p = ctx;
	int rc = 0;

	if (p->state != PLAYER_PLAYING || p->timer != NULL)
		return;
	for (int i = 0; i < LINES_A_TURN; i++) {
		rc = next_line(p);
		if (rc != 0)
			break;
		if (hand_over(p) != 0)
			return;
	}
	if (rc != 0 && rc != ERR_AGAIN) {
		p->state = PLAYER_ENDED;
		p->h->on_end(p->ctx, rc);
		return;
	}
	loop_defer(p->loop, step, p);
}
