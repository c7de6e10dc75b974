/* flood - a publisher in the collector's place: best prices as fast as asked, facts at a steady pace. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/service/runtime.h"

enum { INSTRUMENTS = 20, TICK_MS = 2 };

static const uint16_t pubs[] = {EVENT_top, EVENT_feed_state, EVENT_alert, EVENT_gap, 0};

struct settings {
	int64_t rate, facts, after_ns, for_ns;
};

#define AT(member) offsetof(struct settings, member)

static const struct config_key keys[] = {
	{"rate", CONFIG_INT, "0", 0, 10000000, "1/s", "Events of lane M a second.", NULL, AT(rate), 0},
	{"facts", CONFIG_INT, "200", 0, 500, "1/s", "Events of lane X a second.", NULL, AT(facts), 0},
	{"after", CONFIG_DUR, "0s", 0, 3600 * NS_PER_S, "ns", "Lane M begins so long after the start.", NULL,
	 AT(after_ns), 0},
	{"for", CONFIG_DUR, "1s", 0, 3600 * NS_PER_S, "ns", "And lasts so long.", NULL, AT(for_ns), 0},
	{0},
};

struct flood {
	struct runtime *rt;
	struct settings set;
	struct loop_source *timer;
	int64_t began;         /* monotonic; 0: not yet */
	uint64_t sent, facts;
	struct symbol symbol[INSTRUMENTS];
};

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	(void)reason, (void)cap;
	struct flood *f = calloc(1, sizeof *f);
	must(f);
	f->rt = rt;
	f->set = *(const struct settings *)settings;
	for (int i = 0; i < INSTRUMENTS; i++) {
		char raw[8] = "AAAUSDT";
		raw[0] = (char)('A' + i);
		must(symbol_make(i == 0 ? "BTCUSDT" : raw, 7, "BINANCE", &f->symbol[i]) == 0);
	}
	*ret_self = f;
	return 0;
}

static void send_top(struct flood *f, int64_t wall)
{
	struct event ev;
	event_init(&ev, EVENT_top);
	ev.origin = origin_simulated;
	ev.ts_event = ev.ts_recv = wall;
	ev.top.instrument = f->symbol[f->sent % INSTRUMENTS]; /* each in a message of its own */
	ev.top.price_scale = ev.top.qty_scale = 2;
	ev.top.bid = 10000 + (int64_t)(f->sent % 100);
	ev.top.ask = ev.top.bid + 1;
	ev.top.bid_qty = ev.top.ask_qty = 100;
	runtime_emit(f->rt, &ev);
	f->sent++;
}

static void send_fact(struct flood *f, int64_t wall)
{
	struct event ev;
	event_init(&ev, EVENT_feed_state);
	ev.origin = origin_simulated;
	ev.ts_event = ev.ts_recv = wall;
	event_set_name(ev.feed_state.venue, "BINANCE");
	ev.feed_state.state = feed_live;
	runtime_emit(f->rt, &ev);
	f->facts++;
}

/* How many are due by now, of so many a second. */
static uint64_t due(int64_t ns, int64_t rate)
{
	return ns <= 0 ? 0 : (uint64_t)(ns / 1000 * rate / 1000000);
}

static void on_tick(void *ctx)
{
	struct flood *f = ctx;
	int64_t mono = clock_mono(runtime_clock(f->rt)), wall = clock_wall(runtime_clock(f->rt));
	int64_t on = mono - f->began - f->set.after_ns;
	uint64_t market = due(on < f->set.for_ns ? on : f->set.for_ns, f->set.rate);
	if (f->facts < due(mono - f->began, f->set.facts))
		send_fact(f, wall);
	/* What is not managed in a turn is made up for in the next. */
	for (int i = 0; i < 20000 && f->sent < market; i++)
		send_top(f, wall);
	runtime_promise(f->rt, runtime_outbox(f->rt)->last_stamp, runtime_outbox(f->rt)->last_stamp);
	outbox_flush(runtime_outbox(f->rt));
}

static void run(void *self)
{
	struct flood *f = self;
	f->began = clock_mono(runtime_clock(f->rt));
	must(loop_timer(runtime_loop(f->rt), 0, TICK_MS * NS_PER_MS, on_tick, f, &f->timer) == 0);
}

/* No last values, but where each topic stands. */
static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	const struct outbox *b = runtime_outbox(((struct flood *)self)->rt);
	if (request->request.verb != verb_state)
		return;
	outbox_flush(runtime_outbox(((struct flood *)self)->rt));
	outbox_put_tails(b, page);
	reply->reply.result = 0;
	reply->reply.of_epoch = b->m_epoch;
	reply->reply.last = (uint64_t)b->last_stamp;
}

static void stop(void *self)
{
	loop_end(&((struct flood *)self)->timer);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	hb->progress = ((struct flood *)self)->sent;
}

static const struct service service = {
	.name = "collector",
	.doc = "Floods the bus: for tests.",
	.keys = keys,
	.settings_size = sizeof(struct settings),
	.pubs = pubs,
	.logged = true,
	.start = start,
	.stop = stop,
	.free = free,
	.run = run,
	.beat = beat,
	.on_request = on_request,
};
SERVICE_MAIN(service)
