/* connection - the collector's lines to the venue: opening, backing off, telling where data comes from.
 *
 *     CLOSED --connection_open--> CONNECTING --on_open--> OPEN --on_close--> CLOSED, again after the backoff
 *
 * Each line goes its own way through this; people hear of the venue as a whole: one alert from the first line lost
 * until all are back and stay (notice.c). Backoff: full jitter, 1 to 300 s, reset once a connection was healthy for a
 * minute; a server that names a time to wait (429, 418) is obeyed. Origin is live only for TLS to a host of the venue's
 * own list, with no simulator's header in its reply; whatever else answers is a simulator or a recording.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define HELD_MAX (16 << 20)
#define PING_NS (20 * NS_PER_S) /* of silence on the wire until we ask, where the venue names no interval */
#define PONG_MAX_NS (60 * NS_PER_S)

uint8_t connection_origin(const struct shell *s, const char *simulator, const char *base, const char *const *own)
{
	if (simulator)
		return strcmp(simulator, "replay") == 0 ? origin_replay : origin_simulated;
	return collector_section_origin(&s->set, base, own);
}

void connection_set_origin(struct line *l, uint8_t origin)
{
	if (l->origin == origin)
		return;
	l->origin = origin;
	collector_core_origin(l->shell->core, l->number, origin);
}

uint32_t connection_up(const struct shell *s)
{
	uint32_t up = 0;
	for (uint32_t i = 0; i < s->n_lines; i++)
		up += s->line[i].open_at != 0;
	return up;
}

uint32_t connection_wanted(const struct shell *s)
{
	uint32_t wanted = 0;
	for (uint32_t i = 0; i < s->n_lines; i++)
		wanted += collector_core_carries(s->core, i);
	return wanted;
}

/* ---- telling ---- */

static void tell_core(struct line *l, const struct collector_change *change)
{
	struct shell *s = l->shell;
	collector_core_on_connection(s->core, change, &s->sink);
	pump_after(s);
}

static void tell(struct line *l, enum feed state, const char *reason)
{
	int64_t now = pump_now(l->shell);
	tell_core(l, &(struct collector_change){.now = now,
						.connection = l->number,
						.state = state,
						.reason = reason,
						.version = plug_of(l)->version});
}

/* The clock that counts sleep. */
static int64_t boot_now(const struct shell *s)
{
	return clock_mono(runtime_clock(s->rt)) + clock_slept(runtime_clock(s->rt));
}

static void alert(struct shell *s, bool lost, const char *text)
{
	runtime_alert(s->rt, severity_critical, lost, CONNECTION_ALERT, s->venue->name, text);
}

/* What ends the alert is for the journal: it waits for room there. */
void connection_look(struct shell *s)
{
	char text[EVENT_TEXT_MAX];
	if (s->stopping || !outbox_has_room(runtime_outbox(s->rt)) || !notice_is_over(&s->notice, boot_now(s)))
		return;
	notice_text(&s->notice, text, sizeof text);
	alert(s, false, text);
}

/* What else ends by itself, or its reason says who must do something. */
static const char *remedy(int err)
{
	if (err == ERR_DNS)
		return "check DNS and the network";
	if (err == ERR_TLS)
		return "check collector.ca_file, the clock, who answers there";
	return err == ERR_CONNECT || err == ERR_TIMEOUT ? "check the network" : NULL;
}

static void people_lose(struct line *l, const char *reason)
{
	struct shell *s = l->shell;
	char text[EVENT_TEXT_MAX], which[40] = "";
	l->told_lost = true;
	(void)notice_lose(&s->notice, boot_now(s)); /* an alert that is raised already is not raised again */
	if (connection_wanted(s) > 1)
		snprintf(which, sizeof which, " (connection %u of %u)", l->number + 1, connection_wanted(s));
	snprintf(text, sizeof text, "%s%s: %.80s; no data, so no trades, until it is back%s%s", s->venue->name, which,
		 reason, l->remedy ? "; " : "", l->remedy ? l->remedy : "");
	alert(s, true, text);
}

static void people_regain(struct line *l)
{
	struct shell *s = l->shell;
	l->told_lost = false;
	for (uint32_t i = 0; i < s->n_lines; i++)
		if (s->line[i].told_lost)
			return;
	notice_return(&s->notice, boot_now(s));
}

static void tell_lost(struct line *l, enum feed state, const char *reason)
{
	if (l->shell->set.stamped)
		return;
	tell(l, state, reason);
	l->told_live = false;
	people_lose(l, reason);
}

/* ---- what the core has to say ---- */

void connection_trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	struct shell *s = ctx;
	char words[EVENT_TEXT_MAX];
	if (s->set.stamped)
		return;
	snprintf(words, sizeof words, "%s: %.60s%s", m->symbol.s, text, on ? "; the other instruments go on" : "");
	runtime_alert(s->rt, severity_warning, on, COLLECTOR_MISSING_ALERT, m->symbol.s, words);
}

void connection_unsettled(void *ctx, const struct venue_market *m, bool on)
{
	struct shell *s = ctx;
	char words[EVENT_TEXT_MAX];
	snprintf(words, sizeof words, "%s: %s", m->symbol.s,
		 on ? "the venue has settled it and does not say how: what is held stays as it is; look at the venue"
		    : "the venue says what it pays");
	runtime_alert(s->rt, severity_warning, on, "unsettled", m->symbol.s, words);
}

void connection_subscription(void *ctx, uint32_t connection, bool on, const char *text)
{
	struct shell *s = ctx;
	char subject[EVENT_NAME_MAX];
	snprintf(subject, sizeof subject, "%s connection %u", s->venue->name, connection);
	runtime_alert(s->rt, severity_warning, on, "subscription_failed", subject, text);
}

void connection_polled(struct shell *s, const struct ev_feed_state *feed)
{
	char text[EVENT_TEXT_MAX];
	s->unheard = feed->state != feed_live;
	if (!s->unheard) {
		notice_return(&s->notice, boot_now(s));
		return;
	}
	(void)notice_lose(&s->notice, boot_now(s));
	snprintf(text, sizeof text, "%s: %.100s; what is missed is asked for when it answers", s->venue->name,
		 feed->reason);
	alert(s, true, text);
}

/* ---- the WebSocket ---- */

void connection_unplug(struct plug *p)
{
	p->said = 0;
	loop_end(&p->saying);
	ws_free(&p->ws);
}

/* The connection is gone, or of no use any more: another takes its place, now or later. */
static void lose(struct line *l, enum feed state, const char *reason, int64_t wait_ns)
{
	if (rotate_take_over(l))
		return;
	if (!l->shell->stopping)
		tell_lost(l, state, reason);
	l->barred_until = wait_ns > 0 ? boot_now(l->shell) + wait_ns : 0;
	connection_again(l, reason, wait_ns);
}

/* Is somebody there? Apart from data, whose silence the core watches: a market may be quiet, a connection not. */
static void on_watch(void *ctx)
{
	struct line *l = ctx;
	const struct venue *v = l->shell->venue;
	struct ws *ws = plug_of(l)->ws;
	int64_t now = clock_mono(runtime_clock(l->shell->rt));
	int64_t ping_ns = v->ping_ns > 0 ? v->ping_ns : PING_NS;
	uint64_t bytes = ws_counters(ws).wire_bytes_in;
	if (bytes != l->bytes || l->paused)
		l->heard_at = now;
	l->bytes = bytes;
	if (now - l->heard_at > ping_ns + (v->pong_ns < PONG_MAX_NS ? v->pong_ns : PONG_MAX_NS)) {
		lose(l, feed_lost, "pings are not answered", -1);
		return;
	}
	if (now - l->pinged_at < ping_ns || (!v->ping_text && now - l->heard_at < ping_ns))
		return;
	l->pinged_at = now;
	int rc = v->ping_text ? ws_send(ws, v->ping_text, strlen(v->ping_text)) : ws_ping(ws, NULL, 0);
	if (rc)
		log_warn("cannot ping", "connection=%u err=%s", l->number, err_name(rc));
}

static void watch(struct line *l)
{
	l->bytes = 0;
	l->heard_at = l->pinged_at = l->open_at;
	loop_timer(runtime_loop(l->shell->rt), NS_PER_S, NS_PER_S, on_watch, l, &l->watch);
}

bool connection_is_of_origin(struct plug *p)
{
	struct shell *s = p->line->shell;
	return connection_origin(s, ws_header(p->ws, SIMULATOR_HEADER), dial_base(s), s->venue->stream_hosts) ==
	       p->line->origin;
}

static void on_open(void *ctx)
{
	struct plug *p = ctx;
	struct line *l = p->line;
	struct shell *s = l->shell;
	s->counters.connects++;
	if (p != plug_of(l)) {
		rotate_on_open(l);
		return;
	}
	l->open_at = clock_mono(runtime_clock(s->rt));
	connection_set_origin(l, connection_origin(s, ws_header(p->ws, SIMULATOR_HEADER), dial_base(s),
						   s->venue->stream_hosts));
	const char *protocol = ws_protocol(p->ws);
	log_info("connected", "url=%s connection=%u origin=%s stamped=%d", dial_base(s), l->number,
		 enum_text(enum_origin(), l->origin), s->set.stamped);
	if (s->set.stamped && strcmp(protocol, DIAL_PROTOCOL) != 0) {
		connection_again(l, "the server does not speak " DIAL_PROTOCOL, -1);
		return;
	}
	subscribe_all(p);
	if (!s->set.stamped) {
		watch(l);
		rotate_arm(l);
		l->told_live = true;
		tell(l, feed_live, NULL);
	}
	people_regain(l);
}

static void on_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct plug *p = ctx;
	struct line *l = p->line;
	(void)binary;
	l->shell->worked_at = clock_wall(runtime_clock(l->shell->rt));
	if (p != plug_of(l)) {
		rotate_on_frame(l, bytes, len);
	} else if (l->shell->set.stamped) {
		pump_stamped_frame(l, bytes, len);
	} else {
		rotate_on_old_frame(l, bytes, len);
		pump_live_frame(l, bytes, len);
	}
}

static void on_batch(void *ctx)
{
	struct line *l = ((struct plug *)ctx)->line;
	if (l->shell->set.stamped)
		pump(l->shell);
	pump_after(l->shell);
}

/* What the venue says, or what a refusal without a word means, which is the same for requests; else the backoff's. */
static int64_t wait_of(const struct line *l, struct ws *ws)
{
	const struct shell *s = l->shell;
	int64_t named = ws_retry_after_s(ws) * NS_PER_S;
	int64_t refused = s->set.stamped ? 0 : budget_refused(ws_status(ws), named, s->venue->forbidden_ns);
	return refused > 0 ? refused : named > 0 ? named : -1;
}

static void on_close(void *ctx, int code, int err, const char *reason)
{
	struct plug *p = ctx;
	struct line *l = p->line;
	int status = ws_status(p->ws);
	log_warn("connection ended", "connection=%u code=%d err=%s status=%d reason=%s", l->number, code,
		 err ? err_name(err) : "none", status, reason);
	if (p != plug_of(l)) {
		rotate_on_close(l);
		return;
	}
	if (l->open_at == 0)
		l->shell->counters.connect_failures++;
	l->remedy = remedy(err);
	bool refused = status == 429 || status == 418 || status == 403;
	lose(l, refused ? feed_refused : feed_lost, reason, wait_of(l, p->ws));
	l->remedy = NULL; /* people may not have been told: another connection took over */
}

static const struct ws_handler handler = {
	.on_open = on_open, .on_message = on_message, .on_batch = on_batch, .on_close = on_close};

int connection_dial(struct plug *p)
{
	return dial_open(p, &handler);
}

/* Nothing to connect to: books and trades are asked for. */
static void open_polled(struct line *l)
{
	log_warn("without a key books and trades are polled: no changes of the books between", "venue=%s",
		 l->shell->venue->name);
	l->open_at = clock_mono(runtime_clock(l->shell->rt));
	l->told_live = true;
	tell(l, feed_live, NULL);
	people_regain(l);
}

static void on_retry(void *ctx)
{
	struct line *l = ctx;
	l->retry = NULL;
	connection_open(l);
}

void connection_open(struct line *l)
{
	struct shell *s = l->shell;
	loop_end(&l->retry);
	if (s->stopping || !collector_core_carries(s->core, l->number))
		return;
	if (collector_section_polls(&s->set, s->venue)) {
		open_polled(l);
		return;
	}
	int64_t wait = dial_wait(s);
	if (wait > 0) {
		log_warn("connecting later: the venue allows no more tries now", "connection=%u in_ms=%lld", l->number,
			 (long long)(wait / NS_PER_MS));
		loop_timer(runtime_loop(s->rt), wait, 0, on_retry, l, &l->retry);
		return;
	}
	if (!s->set.stamped)
		tell(l, feed_connecting, NULL);
	int rc = connection_dial(plug_of(l));
	if (rc) {
		log_error("cannot connect", "url=%s connection=%u err=%s", dial_base(s), l->number, err_name(rc));
		connection_again(l, NULL, -1);
	}
}

void connection_open_all(struct shell *s)
{
	for (uint32_t i = 0; i < s->n_lines; i++)
		connection_open(&s->line[i]);
}

void connection_close(struct line *l)
{
	l->open_at = 0;
	l->paused = false;
	loop_end(&l->watch);
	loop_end(&l->age);
	rotate_cancel(l);
	connection_unplug(plug_of(l));
}

void connection_again(struct line *l, const char *reason, int64_t wait_ns)
{
	struct shell *s = l->shell;
	int64_t mono = clock_mono(runtime_clock(s->rt));
	if (l->open_at && mono - l->open_at >= s->set.healthy_ns)
		backoff_reset(&l->backoff);
	connection_close(l);
	if (s->stopping || l->ended)
		return;
	if (reason)
		log_warn("reconnecting", "connection=%u reason=%s", l->number, reason);
	s->counters.reconnects++;
	/* A frame held back may not have been seen by the core: it is asked for again. */
	ring_clear(&l->held);
	if (wait_ns < 0)
		wait_ns = s->set.stamped ? 200 * NS_PER_MS : backoff_next(&l->backoff);
	log_info("next try", "connection=%u in_ms=%lld", l->number, (long long)(wait_ns / NS_PER_MS));
	loop_end(&l->retry);
	loop_timer(runtime_loop(s->rt), wait_ns, 0, on_retry, l, &l->retry);
}

/* Closing from inside a frame's own callback would free what still runs. */
static void reconnect_now(void *ctx)
{
	struct line *l = ctx;
	if (!plug_of(l)->ws)
		return;
	tell_lost(l, feed_lost, l->reconnect_reason);
	connection_again(l, l->reconnect_reason, l->shell->set.stamped ? 0 : -1);
}

void connection_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	struct shell *s = ctx;
	must(connection < s->n_lines);
	struct line *l = &s->line[connection];
	snprintf(l->reconnect_reason, sizeof l->reconnect_reason, "%s", reason);
	loop_defer(runtime_loop(s->rt), reconnect_now, l);
}

/* Sleep may be noticed inside of a frame's own callback. */
static void renew_woken(void *ctx)
{
	struct line *l = ctx;
	struct shell *s = l->shell;
	int64_t barred = l->barred_until - boot_now(s);
	rotate_cancel(l);
	if (l->told_live) /* it was just opening */
		tell_lost(l, feed_lost, l->reconnect_reason);
	backoff_reset(&l->backoff);
	if (plug_of(l)->ws || l->retry || collector_section_polls(&s->set, s->venue))
		connection_again(l, l->reconnect_reason, barred > NS_PER_MS ? barred : NS_PER_MS);
}

void connection_woken(struct line *l, const char *reason)
{
	struct shell *s = l->shell;
	if (l->open_at && l->told_live) {
		tell_core(l, &(struct collector_change){.now = s->now,
							.connection = l->number,
							.state = feed_lost,
							.reason = reason,
							.cause = gap_cause_suspend});
		l->told_live = false;
		people_lose(l, reason);
	}
	snprintf(l->reconnect_reason, sizeof l->reconnect_reason, "%s", reason);
	loop_defer(runtime_loop(s->rt), renew_woken, l);
}

/* ---- life ---- */

static int init_line(struct shell *s, uint32_t i)
{
	struct line *l = &s->line[i];
	l->shell = s;
	l->number = i;
	l->plug[0].line = l->plug[1].line = l;
	/* Lines that fail together must not come back together. */
	uint64_t seed = (uint64_t)clock_wall(runtime_clock(s->rt)) + i;
	backoff_init(&l->backoff, s->set.backoff_min_ns, s->set.backoff_max_ns, seed);
	return ring_init(&l->held, HELD_MAX);
}

int connection_grow(struct shell *s)
{
	int rc = 0;
	while (!rc && s->n_lines < collector_core_connections(s->core)) {
		rc = init_line(s, s->n_lines);
		s->n_lines++; /* before what can fail: fini looks at all of them */
	}
	return rc;
}

static void idle(struct line *l)
{
	loop_end(&l->retry);
	connection_close(l);
	ring_clear(&l->held);
	l->told_live = false;
	l->origin = 0;
	backoff_reset(&l->backoff);
	if (l->told_lost)
		people_regain(l);
}

void connection_tend(struct shell *s)
{
	struct collector_load load[COLLECTOR_CONNECTIONS_MAX];
	int rc = connection_grow(s);
	if (rc)
		log_error("no memory for another connection", "err=%s", err_name(rc));
	if (s->start || s->stopping || s->set.candles_only)
		return; /* they are opened together, or not at all */
	collector_core_loads(s->core, load);
	for (uint32_t i = 0; i < s->n_lines; i++) {
		struct line *l = &s->line[i];
		bool busy = plug_of(l)->ws || l->retry || l->open_at;
		if (!busy && collector_core_carries(s->core, i))
			connection_open(l);
		else if (busy && load[i].markets == 0)
			idle(l);
	}
}

int connection_init(struct shell *s)
{
	dial_init(s);
	notice_init(&s->notice, s->set.alert_hold_ns);
	return connection_grow(s);
}

void connection_fini(struct shell *s)
{
	for (uint32_t i = 0; i < s->n_lines; i++) {
		struct line *l = &s->line[i];
		loop_end(&l->retry);
		connection_close(l);
		loop_undefer(runtime_loop(s->rt), reconnect_now, l);
		loop_undefer(runtime_loop(s->rt), renew_woken, l);
		rotate_fini(l);
		ring_fini(&l->held);
	}
}
