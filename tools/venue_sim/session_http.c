/* session_http - the HTTP side of a session: one request after another, each with its reply. */
#include "common/base/err.h"
#include "common/io/log.h"
#include "tools/venue_sim/hostile.h"
#include "tools/venue_sim/session.h"

static void write_reply(struct session *s, const struct reply *reply, bool keep_alive)
{
	if (reply_write(reply, sim_origin(s->sim), keep_alive, conn_out(&s->conn)) != 0)
		keep_alive = false;
	conn_kick(&s->conn);
	if (!keep_alive)
		conn_close(&s->conn);
}

static void refuse(struct session *s, int err)
{
	struct reply reply;

	reply_init(&reply);
	reply.status = err == ERR_TOO_LONG ? 431 : err == ERR_UNKNOWN ? 501 : 400;
	buf_printf(&reply.body, "{\"code\":-1000,\"msg\":\"%s\"}", err_text(err));
	write_reply(s, &reply, false);
	reply_fini(&reply);
}

/* A fault of requests, or the venue's own answer. False: it has been written already. */
static bool answer(struct session *s, const struct request *r, struct text body, struct reply *reply)
{
	struct sim *sim = s->sim;
	const struct fault *f;

	if (control_rest(sim, r, body, reply))
		return true;
	f = reply->again ? NULL : faults_strike(&sim->faults, FAULT_OF_REQUESTS, r->path);
	if (f == NULL) {
		sim->dialect->rest(sim, r, reply);
		return true;
	}
	log_info("fault", "kind=%s value=%lld%s path=%.*s", fault_name(f->kind), (long long)f->value, f->variant,
		 (int)r->path.len, r->path.at);
	if (f->kind == FAULT_http && hostile_reply(s, f->variant))
		return false;
	sim->dialect->refuse(reply, (int)f->value, f->retry_after);
	return true;
}

static void hold(struct session *s, int64_t now)
{
	if (!s->held)
		s->held_until = now + SESSION_HOLD_NS;
	s->held = true;
}

/* False where the request waits. */
static bool serve(struct session *s, const struct request *r, struct text body)
{
	int64_t now = clock_mono(loop_clock(s->sim->loop));
	struct reply reply;
	bool done;

	reply_init(&reply);
	reply.again = s->held;
	reply.final = s->held && now >= s->held_until;
	if (request_has_token(r, "upgrade", "websocket")) {
		if (session_upgrade(s, r, &reply) != 0)
			write_reply(s, &reply, false);
		reply_fini(&reply);
		return true;
	}
	bool written = !answer(s, r, body, &reply);
	done = written || reply.lost || reply.status != 0;
	if (reply.lost)
		conn_reset(&s->conn);
	else if (written)
		s->heard = now;
	else if (done)
		write_reply(s, &reply, r->keep_alive);
	else
		hold(s, now);
	s->held = !done;
	reply_fini(&reply);
	return done;
}

void session_http(struct session *s)
{
	struct buf *in = &s->conn.in;
	struct request r;

	while (s->mode == SESSION_HTTP && s->conn.state == CONN_OPEN && in->len > 0) {
		int rc = request_parse((const char *)in->at, in->len, &r);
		if (rc == ERR_AGAIN)
			return;
		if (rc != 0) {
			refuse(s, rc);
			return;
		}
		if (in->len < r.head_len + r.body_len)
			return;
		struct text body = {(const char *)in->at + r.head_len, r.body_len};
		if (!serve(s, &r, body))
			return;
		s->heard = clock_mono(loop_clock(s->sim->loop));
		if (s->conn.state == CONN_OPEN)
			buf_consume(in, r.head_len + r.body_len);
	}
}
