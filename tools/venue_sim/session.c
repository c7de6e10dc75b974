/* session - one client's life, and what faults make of the frames it should get. */
#include "tools/venue_sim/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/ws_frame.h"

#define DELAYED_MAX ((size_t)64 << 20)

static int64_t now_of(const struct session *s)
{
	return clock_mono(loop_clock(s->sim->loop));
}

static void on_bytes(void *ctx)
{
	struct session *s = ctx;

	if (s->mode == SESSION_HTTP)
		session_http(s);
	if (s->mode == SESSION_WS)
		session_ws(s);
}

static void wake_player(struct session *s)
{
	player_wake(s->stamped ? &s->player : &s->sim->player);
}

static void on_drain(void *ctx)
{
	struct session *s = ctx;

	if (s->mode == SESSION_WS)
		wake_player(s);
}

static void on_gone(void *ctx, int err)
{
	struct session *s = ctx;
	struct sim *sim = s->sim;

	log_debug("client gone", "slot=%u reason=%s", s->slot, err_name(err));
	sim_drop(sim, s);
}

static const struct conn_handler conn_handler = {on_bytes, on_drain, on_gone};

int session_new(struct sim *sim, int fd)
{
	struct session *s;
	uint32_t slot = 0;
	int rc;

	while (slot < SIM_SESSIONS_MAX && sim->session[slot] != NULL)
		slot++;
	if (slot == SIM_SESSIONS_MAX)
		return ERR_FULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NOMEM;
	s->sim = sim;
	s->slot = slot;
	streams_init(&s->streams, sim->dialect->streams_max);
	buf_init(&s->message, SESSION_MESSAGE_MAX);
	buf_init(&s->delayed, DELAYED_MAX);
	buf_init(&s->kept, DELAYED_MAX);
	rc = conn_init(&s->conn, sim->loop, fd, sim->tls);
	if (rc != 0) {
		free(s);
		return rc;
	}
	s->opened = s->heard = now_of(s);
	sim->session[slot] = s;
	sim->truth.connections++;
	conn_start(&s->conn, &conn_handler, s);
	return 0;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	player_fini(&s->player);
	conn_fini(&s->conn);
	streams_fini(&s->streams);
	buf_fini(&s->message);
	buf_fini(&s->delayed);
	buf_fini(&s->kept);
	free(s);
}

bool session_wants(const struct session *s, struct text stream)
{
	const struct dialect *d = s->sim->dialect;

	if (text_is(stream, STREAM_EVERY))
		return s->streams.n > 0;
	return streams_has(&s->streams, stream) && (d->hears == NULL || d->hears(s, stream));
}

bool session_hears(const struct session *s, struct text stream)
{
	return s->mode == SESSION_WS && s->conn.state == CONN_OPEN && session_wants(s, stream);
}

bool session_has_room(const struct session *s)
{
	return conn_has_room(&s->conn) && s->delayed.len < CONN_OUT_SOFT;
}

void session_overrun(struct session *s)
{
	log_warn("client too slow, cut", "slot=%u waiting_bytes=%zu", s->slot,
		 conn_pending(&s->conn));
	s->sim->truth.drops++;
	s->mode = SESSION_CLOSING;
	conn_reset(&s->conn);
}

void session_retry(struct session *s)
{
	if (s->mode == SESSION_HTTP && s->held)
		session_http(s);
	if (s->mode == SESSION_WS && s->conn.in.len > 0)
		session_ws(s);
}

int session_render(struct session *s, const struct feed_line *line, struct buf *out, struct text *ret_frame)
{
	int rc = 0;

	if (s->sim->dialect->render == NULL) {
		*ret_frame = s->combined ? line->raw : line->data;
		return 0;
	}
	buf_clear(out);
	rc = s->sim->dialect->render(s, line, out);
	*ret_frame = (struct text){(const char *)out->at, out->len};
	return rc;
}

void session_pass(struct session *s, const struct feed_line *line)
{
	struct text frame;

	session_render(s, line, &s->sim->rendered, &frame);
}

int session_deliver(struct session *s, const struct feed_line *line)
{
	struct frame_facts facts = {0};
	enum truth_what what = TRUTH_SENT;
	const struct fault *f = NULL;
	struct text frame;
	int rc;

	if (!session_has_room(s))
		return ERR_FULL;
	s->sim->dialect->frame(line, &facts);
	rc = session_render(s, line, &s->sim->rendered, &frame);
	if (rc == ERR_NOT_FOUND)
		return 0;
	s->sim->truth.wall = clock_wall(loop_clock(s->sim->loop));
	if (s->silent_until > now_of(s)) {
		truth_frame(&s->sim->truth, line, &facts, TRUTH_SKIPPED);
		return 0;
	}
	if (s->sim->faults.n > 0)
		f = faults_strike(&s->sim->faults, FAULT_OF_FRAMES, line->stream);
	if (rc == 0)
		rc = f != NULL ? strikes_send(s, line, f, frame, &what) : session_text(s, line->stamp, frame);
	if (f == NULL || f->kind != FAULT_reorder)
		strikes_release(s, line);
	if (what == TRUTH_UNHEARD && s->stamped)
		return ERR_FULL; /* it can still be had: the client resumes from the frame before */
	truth_frame(&s->sim->truth, line, &facts, rc == 0 ? what : TRUTH_UNHEARD);
	return 0;
}

static void release_delayed(struct session *s)
{
	s->delayed_until = 0;
	if (s->delayed.len == 0)
		return;
	conn_write(&s->conn, s->delayed.at, s->delayed.len);
	buf_clear(&s->delayed);
	wake_player(s);
}

static bool must_speak(const struct session *s)
{
	return s->sim->dialect->never_pings;
}

static int64_t idle_of(const struct session *s)
{
	return s->sim->o->idle_ns > 0 ? s->sim->o->idle_ns : s->sim->dialect->idle_ns;
}

/* A reply that comes drop by drop. */
static void drip(struct session *s)
{
	if (s->delayed.len == 0)
		return;
	conn_write(&s->conn, s->delayed.at, 1);
	buf_consume(&s->delayed, 1);
}

static void tick_ws(struct session *s, int64_t now)
{
	const struct options *o = s->sim->o;

	if (s->delayed_until != 0 && now >= s->delayed_until)
		release_delayed(s);
	if (o->rotate_ns > 0 && now - s->opened >= o->rotate_ns) {
		session_end(s, 1001, "connection life is over");
		return;
	}
	if (s->waits_for_pong && now - s->pinged >= o->pong_ns) {
		log_warn("no pong, cut", "slot=%u", s->slot);
		s->sim->truth.drops++;
		s->mode = SESSION_CLOSING;
		conn_reset(&s->conn);
		return;
	}
	if (must_speak(s) && now - s->heard >= idle_of(s)) {
		log_warn("client says nothing, cut", "slot=%u", s->slot);
		s->sim->truth.drops++;
		session_end(s, 1000, "idle");
		return;
	}
	if (!must_speak(s) && o->ping_ns > 0 && !s->waits_for_pong && now - s->heard >= o->ping_ns) {
		const char *own = s->sim->dialect->ping;
		int n = own != NULL ? snprintf(s->ping, sizeof(s->ping), "%s", own)
				    : snprintf(s->ping, sizeof(s->ping), "%lld", (long long)(now / NS_PER_MS));
		session_frame(s, WS_PING, s->ping, (size_t)n);
		s->pinged = s->heard = now;
		s->waits_for_pong = true;
	}
}

void session_tick(struct session *s, int64_t now)
{
	if (s->mode == SESSION_WS)
		tick_ws(s, now);
	if (s->drips)
		drip(s);
	if (s->mode == SESSION_HTTP && !s->held && now - s->heard > SESSION_IDLE_NS)
		conn_close(&s->conn);
	if (s->close_at != 0 && now >= s->close_at)
		conn_reset(&s->conn);
	if (s->held && now >= s->held_until)
		session_retry(s);
}
