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
	free(s);
}

bool session_hears(const struct session *s, struct text stream)
{
	return s->mode == SESSION_WS && s->conn.state == CONN_OPEN &&
	       streams_has(&s->streams, stream);
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

static int send_line(struct session *s, const struct feed_line *line)
{
	return session_text(s, line->stamp, s->combined ? line->raw : line->data);
}

/* A frame that no parser may accept as what it was. */
static int send_corrupt(struct session *s, const struct feed_line *line, const char *variant)
{
	struct text whole = s->combined ? line->raw : line->data;
	char copy[4096];
	size_t n = whole.len < sizeof(copy) ? whole.len : sizeof(copy);

	if (strcmp(variant, "type") == 0) {
		int len = s->combined ? snprintf(copy, sizeof(copy),
						 "{\"stream\":\"%.*s\",\"data\":[]}",
						 (int)line->stream.len, line->stream.at)
				      : snprintf(copy, sizeof(copy), "[]");
		return session_text(s, line->stamp, (struct text){copy, (size_t)len});
	}
	if (strcmp(variant, "truncate") == 0)
		return session_text(s, line->stamp, (struct text){whole.at, whole.len / 2});
	memcpy(copy, whole.at, n);
	copy[n / 2] = '\xff';
	return session_text(s, line->stamp, (struct text){copy, n});
}

static int send_huge(struct session *s, int64_t mib)
{
	size_t n = (size_t)mib << 20;
	char *bytes = malloc(n);
	int rc;

	if (bytes == NULL)
		return ERR_NOMEM;
	memset(bytes, 'x', n);
	rc = session_text(s, -1, (struct text){bytes, n});
	free(bytes);
	return rc;
}

static void end_connection(struct session *s, const struct fault *f)
{
	s->sim->truth.drops++;
	if (f->kind == FAULT_close) {
		session_end(s, 1001, "going away");
		return;
	}
	if (f->kind == FAULT_slow_close) {
		uint8_t code[2] = {1001 >> 8, 1001 & 0xff};
		session_frame(s, WS_CLOSE, code, sizeof(code));
		s->close_at = now_of(s) + f->value * NS_PER_MS;
		s->mode = SESSION_CLOSING;
		return;
	}
	s->mode = SESSION_CLOSING;
	if (f->kind == FAULT_reset)
		conn_reset(&s->conn);
	else
		conn_close(&s->conn);
}

static void send_shutdown(struct session *s, const struct feed_line *line)
{
	struct buf event;

	buf_init(&event, 1024);
	if (s->sim->dialect->tell_shutdown(&event, s->combined, line->stamp) == 0)
		session_text(s, line->stamp, (struct text){(const char *)event.at, event.len});
	buf_fini(&event);
}

static void log_strike(const struct session *s, const struct feed_line *line, const struct fault *f)
{
	log_info("fault", "kind=%s slot=%u stream=%.*s stamp=%lld", fault_name(f->kind), s->slot,
		 (int)line->stream.len, line->stream.at, (long long)line->stamp);
}

static const uint8_t reserved[] = {0x83, 2, 'x', 'x'}; /* a whole frame of opcode 3 */

/* What a fault makes of this frame; for most the frame itself follows. */
static int strike(struct session *s, const struct feed_line *line, const struct fault *f,
		  enum truth_what *ret_what)
{
	log_strike(s, line, f);
	*ret_what = TRUTH_SENT;
	switch (f->kind) {
	case FAULT_skip: *ret_what = TRUTH_SKIPPED; return 0;
	case FAULT_silent:
		s->silent_until = now_of(s) + f->value * NS_PER_MS;
		*ret_what = TRUTH_SKIPPED;
		return 0;
	case FAULT_corrupt: *ret_what = TRUTH_CORRUPTED; return send_corrupt(s, line, f->variant);
	case FAULT_duplicate:
		truth_duplicated(&s->sim->truth, line->stream);
		send_line(s, line);
		return send_line(s, line);
	case FAULT_delay:
		s->delayed_until = now_of(s) + f->value * NS_PER_MS;
		return send_line(s, line);
	case FAULT_shutdown: send_shutdown(s, line); return send_line(s, line);
	case FAULT_bad_frame:
		session_bytes(s, reserved, sizeof(reserved));
		return send_line(s, line);
	case FAULT_huge: send_huge(s, f->value); return send_line(s, line);
	default:
		end_connection(s, f);
		*ret_what = TRUTH_UNHEARD;
		return 0;
	}
}

int session_deliver(struct session *s, const struct feed_line *line)
{
	struct frame_facts facts = {0};
	enum truth_what what = TRUTH_SENT;
	const struct fault *f = NULL;
	int rc = 0;

	if (!session_has_room(s))
		return ERR_FULL;
	s->sim->dialect->frame(line, &facts);
	if (s->silent_until > now_of(s)) {
		truth_frame(&s->sim->truth, line, &facts, TRUTH_SKIPPED);
		return 0;
	}
	if (s->sim->faults.n > 0)
		f = faults_strike(&s->sim->faults, FAULT_OF_FRAMES, line->stream);
	rc = f != NULL ? strike(s, line, f, &what) : send_line(s, line);
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
	if (o->ping_ns > 0 && !s->waits_for_pong && now - s->heard >= o->ping_ns) {
		int n = snprintf(s->ping, sizeof(s->ping), "%lld", (long long)(now / NS_PER_MS));
		session_frame(s, WS_PING, s->ping, (size_t)n);
		s->pinged = s->heard = now;
		s->waits_for_pong = true;
	}
}

void session_tick(struct session *s, int64_t now)
{
	if (s->mode == SESSION_WS)
		tick_ws(s, now);
	if (s->mode == SESSION_HTTP && !s->held && now - s->heard > SESSION_IDLE_NS)
		conn_close(&s->conn);
	if (s->close_at != 0 && now >= s->close_at)
		conn_reset(&s->conn);
	if (s->held && now >= s->held_until)
		session_retry(s);
}
