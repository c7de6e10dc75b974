/* live - the bus watched for a short while: how old market events are where, and the last price. */
#include "tools/nj/live.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/services.h"

static void on_event(struct live *l, const struct event *ev)
{
	int64_t now = clock_wall(clock_real());
	if (ev->id == EVENT_trade) {
		l->instrument = ev->trade.instrument;
		l->price = ev->trade.price;
		l->price_scale = ev->trade.price_scale;
	} else if (ev->id != EVENT_top) {
		return;
	}
	l->events++;
	l->origin = ev->origin;
	if (ev->origin != origin_replay && ev->ts_sent >= ev->ts_recv)
		hist_record(&l->in_collector, (uint64_t)(ev->ts_sent - ev->ts_recv));
	if (now >= ev->ts_sent)
		hist_record(&l->on_bus, (uint64_t)(now - ev->ts_sent));
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct live *l = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len, used;
	struct event ev;
	(void)link;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) != 0)
		return;
	while (body_len > 0) {
		l->arena.used = 0;
		int rc = codec_unpack(body, body_len, &l->arena, &ev, &used);
		if (rc != 0)
			return;
		on_event(l, &ev);
		body += used;
		body_len -= used;
	}
}

int live_watch(struct live *l, struct client *c, int64_t ns)
{
	static const char *const topics[] = {"trade.", "top.", NULL};
	struct bus_link *link;
	memset(l, 0, sizeof *l);
	l->client = c;
	hist_init(&l->in_collector);
	hist_init(&l->on_bus);
	l->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	if (!l->arena.at)
		return ERR_NOMEM;
	c->on_frame = on_frame;
	c->ctx = l;
	int rc = 0;
	for (size_t i = 0; services_is_collector(services_names[i]) && rc == 0; i++)
		rc = bus_subscribe(c->bus, services_names[i], LANE_M, topics, NULL, &link);
	if (rc == 0)
		client_run(c, ns);
	c->on_frame = NULL;
	return rc;
}

void live_fini(struct live *l)
{
	free(l->arena.at);
	l->arena.at = NULL;
}
