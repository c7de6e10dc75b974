/* inbox_told - what an inbox learns from telemetry: how far its publisher is, and that it lives another life. */
#include <string.h>

#include "common/service/inbox_priv.h"

/* The first thing heard of a life of the publisher proves that the subscription is in force there. A page asked for
 * before that may lack what was sent in between, and a topic that is rarely spoken of would never show the hole: it is
 * asked for anew. */
void inbox_heard(struct inbox *in, uint64_t epoch, int64_t mono_ns)
{
	if (in->heard == epoch || in->lane != LANE_M)
		return;
	in->heard = epoch;
	if (in->state == INBOX_LIVE)
		inbox_page(in, mono_ns);
	if (in->state != INBOX_PAGING)
		return;
	in->request = 0;
	in->retry_at = mono_ns;
}

bool inbox_tail(struct inbox *in, uint64_t epoch, uint64_t x_last, int64_t mono_ns)
{
	if (in->lane != LANE_X || in->state == INBOX_IDLE || epoch < in->epoch)
		return true;
	if (in->next == 0) { /* FROM_NOW: this is now */
		in->epoch = epoch;
		in->next = x_last + 1;
	}
	if (epoch == in->epoch && in->next > x_last) {
		in->tail_at = 0;
		return true;
	}
	in->tail_x = x_last;
	if (in->state == INBOX_LIVE && in->tail_at == 0)
		in->tail_at = mono_ns;
	return false;
}

void inbox_tail_m(struct inbox *in, int64_t m_last, int64_t mono_ns)
{
	/* A part of the topics cannot tell a lost tail from what it has not asked for; its next record shows it. */
	if (in->lane != LANE_M || (in->prefixes && in->prefixes[0]))
		return;
	if (in->state != INBOX_LIVE || m_last <= in->last) {
		in->tail_at = 0;
		return;
	}
	if (in->tail_at == 0)
		in->tail_at = mono_ns;
}

void inbox_tail_topic(struct inbox *in, const struct event *tail, int64_t mono_ns)
{
	const char *topic = tail->tail.of;
	size_t n = strlen(topic);
	if (in->lane != LANE_M || in->state == INBOX_IDLE || n == 0 || !inbox_wants(in, (const uint8_t *)topic, n))
		return;
	struct account *a = accounts_get(&in->accounts, topic, n);
	struct account_tail t = {tail->epoch, tail->tail.first, tail->tail.last};
	/* It was sent behind what it speaks of: what is not here by now will not come by itself. */
	if (a && account_is_behind(&in->accounts, a, &t))
		inbox_suspect(in, mono_ns);
}

void inbox_suspect(struct inbox *in, int64_t mono_ns)
{
	if (in->lane != LANE_M || in->state != INBOX_LIVE)
		return;
	in->counters.holes++;
	inbox_page(in, mono_ns);
}

void inbox_epoch_m(struct inbox *in, uint64_t epoch, int64_t mono_ns)
{
	inbox_heard(in, epoch, mono_ns);
	if (in->lane != LANE_M || in->state != INBOX_LIVE || !in->epoch || epoch == in->epoch)
		return;
	in->counters.holes++;
	inbox_page(in, mono_ns);
}

void inbox_epoch_x(struct inbox *in, uint64_t life, int64_t mono_ns)
{
	bool again = in->life && in->life != life;
	in->life = life;
	bool follows = in->state == INBOX_LIVE || in->state == INBOX_PAGING;
	/* Also while paging: an answer of the life before may still come, and must not count. */
	if (again)
		in->verified = false;
	if (again && in->lane == LANE_X && follows && in->next > 0)
		inbox_page(in, mono_ns);
}
