/* publisher - nj as a publisher of its own: a name, a journal and a log in a temporary directory, heartbeats, replay.
 */
#include "tools/nj/publisher.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/look.h"
#include "tools/nj/signals.h"

enum { REMOVE_FDS = 16, ALL_TAILS_BEATS = 20, STATUS_PAIRS = 4 };

/* ---- what the bus asks ---- */

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	(void)ctx, (void)link, (void)frame, (void)len; /* nothing is followed */
}

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
		     size_t page_len)
{
	(void)ctx, (void)publisher, (void)reply, (void)len, (void)page, (void)page_len; /* nothing is asked */
}

/* Last values there are none: who joins now gets what comes, or pages the log from its beginning. */
static void answer(struct publisher *p, const struct event *request, struct ev_reply *r,
		   struct pair pairs[STATUS_PAIRS])
{
	r->verb = request->request.verb;
	r->id = request->request.id;
	switch (request->request.verb) {
	case verb_status:
		event_set_text(r->message, NJ_VERSION);
		pairs[0] = (struct pair){"life", life_running};
		pairs[1] = (struct pair){"pid", getpid()};
		pairs[2] = (struct pair){"x_last", (int64_t)(p->outbox.x_next - 1)};
		pairs[3] = (struct pair){"events", (int64_t)p->events};
		r->values = (struct pairs){pairs, STATUS_PAIRS};
		break;
	case verb_state:
		r->of_epoch = p->outbox.m_epoch;
		r->last = (uint64_t)p->outbox.last_stamp;
		break;
	case verb_stop:
		event_set_text(r->message, "ending");
		loop_stop(p->loop);
		break;
	default:
		r->result = ERR_UNKNOWN;
		event_set_text(r->message, "it only publishes");
		break;
	}
}

static void on_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct publisher *p = ctx;
	struct event request, reply;
	struct pair pairs[STATUS_PAIRS];
	uint8_t out[1024];
	size_t used;
	if (!p->has_outbox || codec_unpack(bytes, len, NULL, &request, &used) != 0 || request.id != EVENT_request ||
	    outbox_on_request(&p->outbox, peer, &request))
		return;
	event_init(&reply, EVENT_reply);
	memcpy(reply.source, p->name, sizeof reply.source);
	answer(p, &request, &reply.reply, pairs);
	int n = codec_pack(&reply, out, sizeof out);
	must(n > 0);
	struct buf page;
	buf_init(&page, BUS_PAGE_MAX);
	if (request.request.verb == verb_state)
		outbox_put_tails(&p->outbox, &page);
	bus_reply(p->bus, peer, out, (size_t)n, page.at, page.len);
	buf_fini(&page);
}

static const struct bus_handler handler = {.on_frame = on_frame, .on_request = on_request, .on_reply = on_reply};

/* ---- what it says by itself ---- */

static void telemetry_init(const struct publisher *p, struct event *ev, uint16_t id)
{
	event_init(ev, id);
	ev->origin = origin_replay;
	ev->ts_recv = ev->ts_event = clock_wall(loop_clock(p->loop));
}

static void send_hello(struct publisher *p)
{
	struct event ev;
	telemetry_init(p, &ev, EVENT_hello);
	event_set_name(ev.hello.version, NJ_VERSION);
	ev.hello.x_epoch = p->outbox.x_epoch;
	ev.hello.pid = (uint32_t)getpid();
	outbox_emit(&p->outbox, &ev);
	outbox_flush(&p->outbox);
}

static void on_beat(void *ctx)
{
	struct publisher *p = ctx;
	struct event ev;
	telemetry_init(p, &ev, EVENT_heartbeat);
	ev.heartbeat.state = life_running;
	ev.heartbeat.x_epoch = p->outbox.x_epoch;
	ev.heartbeat.x_last = p->outbox.x_sent;
	ev.heartbeat.m_last = mlog_last(p->outbox.mlog);
	ev.heartbeat.progress = p->events;
	event_set_name(ev.heartbeat.note, p->cli->verb->name);
	outbox_emit(&p->outbox, &ev);
	outbox_send_tails(&p->outbox, p->beats++ % ALL_TAILS_BEATS == 0);
	outbox_flush(&p->outbox);
}

static void promise(struct publisher *p)
{
	struct event ev;
	telemetry_init(p, &ev, EVENT_promise);
	ev.promise.at = ev.promise.quiet_at = ev.promise.handled = p->outbox.last_stamp;
	ev.promise.x_last = p->outbox.x_next - 1;
	outbox_emit(&p->outbox, &ev);
}

static void on_journal(void *ctx, int events)
{
	struct publisher *p = ctx;
	(void)events;
	journal_ack(p->outbox.journal);
	int rc = outbox_durable(&p->outbox);
	if (rc && !p->failed) {
		p->failed = rc;
		loop_stop(p->loop);
	}
}

static void on_signal(void *ctx, int events)
{
	struct publisher *p = ctx;
	(void)events;
	p->signal = signals_read(p->signals);
	if (p->signal)
		loop_stop(p->loop);
}

/* ---- publishing ---- */

int publisher_emit(struct publisher *p, struct event *ev)
{
	int rc = outbox_emit(&p->outbox, ev);
	p->events += rc == 0;
	return rc;
}

void publisher_flush(struct publisher *p)
{
	promise(p);
	outbox_flush(&p->outbox);
}

bool publisher_ready(const struct publisher *p)
{
	return outbox_ready(&p->outbox);
}

/* ---- begin and end ---- */

static int take_name(struct publisher *p, const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len >= sizeof p->name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
		return cli_usage(p->cli, "'%s' is no publisher's name: [a-z0-9_-], at most 19", name);
	memcpy(p->name, name, len + 1);
	int rc = bus_bind(p->bus, name);
	if (rc == ERR_BUSY && look_holder(p->run.bus_dir, name) == getpid())
		return cli_fail(p->cli, CLI_FAILED, "another program has one of %s's three ports: see bus.peers", name);
	if (rc == ERR_BUSY)
		return cli_fail(
			p->cli, CLI_FAILED,
			"%s publishes on this bus already (pid %d); take another name with --as, or another bus "
			"with --set bus.dir=DIR",
			name, (int)look_holder(p->run.bus_dir, name));
	return rc ? cli_fail(p->cli, CLI_FAILED, "cannot publish on the bus at %s: %s", p->run.bus_dir, err_text(rc))
		  : CLI_OK;
}

static int make_dir(struct publisher *p)
{
	int rc = stack_make_dirs(p->run.data);
	if (!rc && snprintf(p->dir, sizeof p->dir, "%s/nj-%s-XXXXXX", p->run.data, p->name) >= (int)sizeof p->dir)
		rc = ERR_TOO_LONG;
	if (!rc && !mkdtemp(p->dir))
		rc = err_from_errno(errno);
	if (rc)
		p->dir[0] = '\0';
	return rc ? cli_fail(p->cli, CLI_FAILED, "run.data %s: %s", p->run.data, err_text(rc)) : CLI_OK;
}

static int open_outbox(struct publisher *p)
{
	char reason[400] = "";
	const struct outbox_options o = {.source = p->name,
					 .dir = p->dir,
					 .logged = true,
					 .journal_cap = (uint64_t)p->run.journal_cap,
					 .mlog_cap = (uint64_t)p->run.mlog_cap,
					 .mlog_keep_ns = p->run.mlog_keep_ns,
					 .replay_rate = (uint64_t)p->run.replay_rate,
					 .clock = loop_clock(p->loop)};
	int rc = outbox_open(&p->outbox, p->bus, &o, reason, sizeof reason);
	p->has_outbox = true;
	if (!rc)
		rc = loop_fd(p->loop, journal_fd(p->outbox.journal), LOOP_IN, on_journal, p, &p->on_journal);
	if (!rc)
		rc = loop_timer(p->loop, 0, p->run.heartbeat_ns, on_beat, p, &p->on_beat);
	if (!rc)
		rc = loop_fd(p->loop, p->signals, LOOP_IN, on_signal, p, &p->on_signal);
	return rc ? cli_fail(p->cli, CLI_FAILED, "%s", reason[0] ? reason : err_text(rc)) : CLI_OK;
}

int publisher_open(struct publisher *p, struct cli *cli, const char *name)
{
	char reason[400] = "";
	memset(p, 0, sizeof *p);
	p->cli = cli;
	p->signals = -1;
	int rc = stack_settings(cli, &p->run);
	if (rc)
		return rc;
	rc = signals_open(&p->signals);
	if (!rc)
		rc = loop_new(clock_real(), &p->loop);
	struct bus_zmq_options o = settings_bus(&p->run, name);
	if (!rc)
		rc = bus_zmq_open(p->loop, &o, &handler, p, &p->bus, reason, sizeof reason);
	if (rc)
		return cli_fail(cli, CLI_FAILED, "%s", reason[0] ? reason : err_text(rc));
	rc = take_name(p, name);
	if (!rc)
		rc = make_dir(p);
	if (!rc)
		rc = open_outbox(p);
	if (!rc)
		send_hello(p);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void publisher_close(struct publisher *p)
{
	loop_end(&p->on_journal);
	loop_end(&p->on_beat);
	loop_end(&p->on_signal);
	if (p->has_outbox)
		outbox_close(&p->outbox);
	bus_close(&p->bus);
	loop_free(p->loop);
	p->loop = NULL;
	if (p->dir[0])
		nftw(p->dir, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
	p->dir[0] = '\0';
	if (p->cli && p->signals >= 0)
		close(p->signals);
}
