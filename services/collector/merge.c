/* merge - which of a recording's inputs the core gets next: frames and replies in the order of their stamps. */
#include "services/collector/merge.h"

#include <string.h>

static enum merge_turn with_answer(const struct merge *m)
{
	if (m->frame && *m->answer >= *m->frame && m->told_live)
		return MERGE_FRAME;
	/* Without a frame one that is older than the reply may still come. */
	return !m->frame && *m->answer > m->now ? MERGE_NOTHING : MERGE_ANSWER;
}

enum merge_turn merge_next(const struct merge *m)
{
	if (!m->started)
		return m->frame ? MERGE_BEGIN : MERGE_NOTHING;
	if (m->awaiting)
		return MERGE_NOTHING;
	if (m->answer)
		return with_answer(m);
	if (!m->frame)
		return MERGE_NOTHING;
	return m->told_live ? MERGE_FRAME : MERGE_LIVE;
}

bool merge_before(int64_t at, uint64_t id, int64_t other_at, uint64_t other_id)
{
	return at != other_at ? at < other_at : id < other_id;
}

bool merge_is_end(const char *text, size_t len)
{
	static const char end[] = "{\"e\":\"nightjar.end\"";
	return len >= sizeof end - 1 && memcmp(text, end, sizeof end - 1) == 0;
}
