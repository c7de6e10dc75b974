/* later - answers to commands that wait until what they say is true: the command's record is on disk.
 *
 *     request --runtime_decide: appended--> WAITING --durable--> "accepted and journalled"
 *                                              \--the journal fails--> its error: nobody knows whether it will be there
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"

void later_add(struct runtime *rt, const struct bus_peer *peer, const struct event *request, uint64_t seq)
{
	must(rt->n_later < RUNTIME_LATER_MAX);
	rt->later[rt->n_later++] = (struct later){
		.peer = *peer, .seq = seq, .id = request->request.id, .verb = request->request.verb};
}

static void send(struct runtime *rt, const struct later *l, int result)
{
	struct event ev;
	uint8_t out[1024];
	event_init(&ev, EVENT_reply);
	strncpy(ev.source, rt->s->name, sizeof ev.source - 1);
	ev.reply.verb = l->verb;
	ev.reply.id = l->id;
	ev.reply.result = result;
	event_set_text(ev.reply.message, result ? "written, but not known to be on disk: look before trying again"
						: "accepted and journalled");
	int n = codec_pack(&ev, out, sizeof out);
	must(n > 0);
	bus_reply(rt->bus, &l->peer, out, (size_t)n, NULL, 0);
}

void later_send(struct runtime *rt, int failed)
{
	uint64_t durable = rt->outbox.journal ? journal_durable(rt->outbox.journal) : 0;
	uint32_t n = 0;
	while (n < rt->n_later && (failed || rt->later[n].seq <= durable)) {
		send(rt, &rt->later[n], rt->later[n].seq <= durable ? 0 : failed);
		n++;
	}
	rt->n_later -= n;
	memmove(rt->later, rt->later + n, rt->n_later * sizeof rt->later[0]);
}
