/* inbox_refusal - what an inbox makes of a publisher that does not give what it was asked: wait, ask the copy, gap. */
#include "common/base/err.h"
#include "common/service/inbox_priv.h"

static void epoch_ended(struct inbox *in, const struct ev_reply *r)
{
	/* The journal we were reading is gone: its publisher started a new one. What we had not read is missing. */
	struct inbox_gap gap = {.first = in->next};
	in->counters.gaps++;
	in->ops->gap(in->ctx, in, &gap);
	in->epoch = r->of_epoch;
	in->next = 1;
	in->last = 0;
}

static void trimmed(struct inbox *in, const struct ev_reply *r)
{
	struct inbox_gap gap = {.first = in->next, .last = r->first - 1};
	in->counters.gaps++;
	in->counters.missing += r->first - in->next;
	in->ops->gap(in->ctx, in, &gap);
	in->next = r->first;
	in->last = 0;
}

/* What the publisher no longer has, its copy may have. */
static bool turn_to_copy(struct inbox *in, const struct ev_reply *r)
{
	bool old_epoch = r->result == ERR_EPOCH && r->of_epoch > in->epoch;
	/* From next on, or only the record before it, which was to be compared. */
	bool given_up = r->result == ERR_NOT_FOUND && in->lane == LANE_X && r->first >= in->next;
	bool unreadable = r->result == ERR_CORRUPT && in->lane == LANE_X && in->unreadable != in->next;
	if (!in->copy || (!old_epoch && !given_up && !unreadable))
		return false;
	if (unreadable) /* once: where the copy has not got it either, the publisher is waited for */
		in->unreadable = in->next;
	if (in->epoch == 0)
		in->epoch = r->of_epoch;
	in->asks_copy = true;
	in->refusal.result = (int)r->result;
	in->refusal.epoch = r->of_epoch;
	in->refusal.first = r->first;
	return true;
}

void inbox_set_unserved(struct inbox *in, int err)
{
	if (in->unserved == (err != 0))
		return;
	in->unserved = err != 0;
	if (in->ops->unserved)
		in->ops->unserved(in->ctx, in, err);
}

enum { NO_ROOM_MAX = 8 }; /* some ten seconds: a receiver that is only behind has made room by then */

void inbox_lacks_state(struct inbox *in, int err)
{
	if (err == ERR_FULL && ++in->stateless < NO_ROOM_MAX)
		return;
	if (err != ERR_BUSY)
		inbox_set_unserved(in, err);
}

/* What a page request was refused with. True where asking on makes sense at once. */
bool inbox_on_refusal(struct inbox *in, const struct ev_reply *r)
{
	if (r->result == ERR_CORRUPT)
		inbox_set_unserved(in, ERR_CORRUPT);
	if (turn_to_copy(in, r))
		return true;
	switch (r->result) {
	case ERR_EPOCH:
		if (r->of_epoch > in->epoch)
			epoch_ended(in, r);
		return r->of_epoch == in->epoch;
	case ERR_NOT_FOUND:
		if (in->lane == LANE_X && r->first > in->next)
			trimmed(in, r);
		return in->lane == LANE_X && r->first == in->next;
	case ERR_GAP:
		inbox_report_gap_m(in, (int64_t)r->first, 0);
		if (r->first)
			in->last = (int64_t)r->first - 1;
		if (in->resync)
			inbox_want_state(in);
		return !in->resync;
	case ERR_BUSY: /* it keeps to its rate */
		return false;
	default:
		inbox_set_unserved(in, r->result < 0 && r->result > INT32_MIN ? (int)r->result : ERR_PROTOCOL);
		return false;
	}
}

/* Its journal is older than what we have consumed of it: a smaller epoch, or an end before our position. */
bool inbox_is_older(const struct inbox *in, const struct ev_reply *r)
{
	if (in->lane != LANE_X || !in->epoch || !r->of_epoch)
		return false;
	return r->of_epoch < in->epoch || (r->of_epoch == in->epoch && r->last + 1 < in->next);
}

void inbox_refuse(struct inbox *in, const struct event *reply)
{
	struct event head = *reply;
	head.epoch = reply->reply.of_epoch;
	head.seq = reply->reply.last;
	in->counters.refused++;
	in->ops->refused(in->ctx, in, &head);
}

/* The copy has nothing more for us: the publisher goes on, behind what neither has. */
void inbox_leave_copy(struct inbox *in)
{
	struct ev_reply r = {.result = in->refusal.result, .of_epoch = in->refusal.epoch, .first = in->refusal.first};
	in->asks_copy = false;
	if (r.result == ERR_EPOCH)
		epoch_ended(in, &r);
	else if (r.result == ERR_NOT_FOUND && r.first > in->next)
		trimmed(in, &r);
}
