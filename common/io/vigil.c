/* vigil - see vigil.h. */
#include "common/io/vigil.h"

void vigil_open(struct vigil *v, int64_t now)
{
	*v = (struct vigil){.open = true, .heard_at = now};
}

void vigil_asked(struct vigil *v, int64_t now)
{
	v->asked = v->open;
	v->asked_at = now;
}

void vigil_answered(struct vigil *v)
{
	v->asked = false;
}

void vigil_close(struct vigil *v)
{
	*v = (struct vigil){0};
}

enum vigil_verdict vigil_look(struct vigil *v, int64_t now, uint64_t bytes)
{
	if (!v->open)
		return VIGIL_WELL;
	if (bytes != v->bytes)
		v->heard_at = now;
	v->bytes = bytes;
	if (v->asked && now - v->asked_at > VIGIL_ANSWER_NS)
		return VIGIL_UNANSWERED;
	if (now - v->heard_at > VIGIL_SILENT_NS)
		return VIGIL_SILENT;
	return now - v->heard_at > VIGIL_SILENT_NS / 3 ? VIGIL_PING : VIGIL_WELL;
}
