/* session_ws - the WebSocket side of a session: handshake, incoming frames, outgoing frames. */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/ws_frame.h"
#include "tools/venue_sim/session.h"

static int64_t now_of(const struct session *s)
{
	return clock_mono(loop_clock(s->sim->loop));
}

/* Where frames go: what is delayed keeps its order behind the frame that was. */
static struct buf *outlet(struct session *s)
{
	return s->delayed_until != 0 ? &s->delayed : conn_out(&s->conn);
}

int session_bytes(struct session *s, const uint8_t *bytes, size_t len)
{
	if (s->conn.state != CONN_OPEN)
		return ERR_CLOSED;
	int rc = buf_append(outlet(s), bytes, len);
	conn_kick(&s->conn);
	return rc;
}

int session_frame(struct session *s, uint8_t opcode, const void *payload, size_t len)
{
	if (s->conn.state != CONN_OPEN)
		return ERR_CLOSED;
	int rc = ws_frame_append(outlet(s), (uint8_t)(WS_FIN | opcode), NULL, payload, len);
	conn_kick(&s->conn);
	return rc;
}

int session_text(struct session *s, int64_t stamp, struct text text)
{
	struct buf *scratch = &s->sim->scratch;
	char digits[24];
	int n, rc;

	if (!s->stamped)
		return session_frame(s, WS_TEXT, text.at, text.len);
	n = snprintf(digits, sizeof(digits), "%lld ", stamp < 0 ? 0 : (long long)stamp);
	buf_clear(scratch);
	rc = buf_append(scratch, digits, (size_t)n);
	if (rc == 0)
		rc = buf_append(scratch, text.at, text.len);
	return rc != 0 ? rc : session_frame(s, WS_TEXT, scratch->at, scratch->len);
}

void session_end(struct session *s, uint16_t code, const char *why)
{
	uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
	size_t n = strlen(why);

	if (s->mode != SESSION_WS)
		return;
	memcpy(payload + 2, why, n < sizeof(payload) - 2 ? n : sizeof(payload) - 2);
	session_frame(s, WS_CLOSE, payload, 2 + n);
	s->mode = SESSION_CLOSING;
	conn_close(&s->conn);
}

/* ---- a stamped session's own player ---- */

static int on_line(void *ctx, const struct feed_line *line)
{
	struct session *s = ctx;

	if (line->kind == FEED_REPLY)
		return 0;
	if (s->mode != SESSION_WS || s->conn.state != CONN_OPEN)
		return ERR_FULL; /* stalls for good: nobody is there */
	if (!session_hears(s, line->stream))
		return 0;
	return session_deliver(s, line);
}

static void on_end(void *ctx, int err)
{
	static const char end[] = "{\"e\":\"nightjar.end\"}";
	struct session *s = ctx;
	int64_t last = s->sim->rec.last_stamp;

	if (err != ERR_CLOSED)
		log_error("recording cut short", "reason=%s", err_text(err));
	if (last < s->player.position)
		last = s->player.position;
	session_text(s, last + s->sim->o->drain_ns, TEXT(end));
	sim_ended(s->sim);
}

/* What was sent to the client before it came back has had its place in the sequences of a subscription. */
static void on_pass(void *ctx, const struct feed_line *line)
{
	struct session *s = ctx;

	if (line->kind == FEED_FRAME && session_hears(s, line->stream))
		session_pass(s, line);
}

static const struct player_handler player_handler = {on_line, on_end, on_pass};

void session_subscribed(struct session *s)
{
	for (uint32_t i = 0; i < s->streams.n; i++)
		truth_wanted(&s->sim->truth, text_of(s->streams.name[i]));
	if (s->streams.n == 0)
		return;
	if (!s->stamped)
		sim_listener(s->sim);
	else if (s->streams.n >= s->start_at)
		player_start(&s->player, &player_handler, s);
}

/* ---- handshake ---- */

static int refuse(struct reply *reply, int status, const char *why)
{
	reply_status(reply, status);
	reply->type = "text/plain";
	buf_append(&reply->body, why, strlen(why));
	return ERR_REFUSED;
}

static int check_handshake(const struct request *r, struct text key, struct reply *reply)
{
	if (!text_is(r->method, "GET") || !request_has_token(r, "connection", "upgrade"))
		return refuse(reply, 400, "bad upgrade");
	if (!text_is(request_header(r, "sec-websocket-version"), "13")) {
		reply_header(reply, "Sec-WebSocket-Version", "13");
		return refuse(reply, 426, "only version 13");
	}
	if (key.at == NULL || key.len != 24)
		return refuse(reply, 400, "bad key");
	return 0;
}

static int read_stamped(struct session *s, const struct request *r)
{
	int64_t streams = 1;

	s->stamped = request_has_token(r, "sec-websocket-protocol", SESSION_PROTOCOL);
	if (!s->stamped)
		return 0;
	if (request_param_i64(r, "from", 0, &s->from) != 0 ||
	    request_param_i64(r, "nj_streams", 1, &streams) != 0)
		return ERR_ARG;
	s->start_at = streams > 0 && streams <= UINT32_MAX ? (uint32_t)streams : 1;
	return player_init(&s->player, s->sim->loop, &s->sim->source, s->sim->o->speed, s->from);
}

static void accept_key(struct text key, char out[29])
{
	char copy[25];

	snprintf(copy, sizeof(copy), "%.*s", (int)key.len, key.at);
	ws_accept_key(copy, out);
}

int session_upgrade(struct session *s, const struct request *r, struct reply *reply)
{
	struct text key = request_header(r, "sec-websocket-key");
	struct buf *out = conn_out(&s->conn);
	char accept[29];
	int rc = check_handshake(r, key, reply);

	if (rc != 0)
		return rc;
	rc = s->sim->dialect->ws_open(s, r);
	if (rc == 0)
		rc = read_stamped(s, r);
	if (rc == ERR_REFUSED)
		return refuse(reply, 401, "the handshake's signature is missing or wrong");
	if (rc != 0)
		return refuse(reply, rc == ERR_FULL ? 400 : 404, "no such stream path");
	accept_key(key, accept);
	buf_printf(
		out,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\nX-Nightjar-Simulator: %s\r\n%s\r\n",
		accept, sim_origin(s->sim),
		s->stamped ? "Sec-WebSocket-Protocol: " SESSION_PROTOCOL "\r\n" : "");
	conn_kick(&s->conn);
	s->mode = SESSION_WS;
	s->opened = s->heard = now_of(s);
	log_debug("websocket", "slot=%u stamped=%d from=%lld streams=%u", s->slot, s->stamped,
		  (long long)s->from, s->streams.n);
	session_subscribed(s);
	return 0;
}

/* ---- incoming frames ---- */

/* The venue's limit on incoming frames of any kind, over one second. */
static bool too_many(struct session *s)
{
	uint32_t limit = s->sim->dialect->messages_a_second;
	int64_t now = now_of(s);
	bool over = limit > 0 && limit < SESSION_ARRIVALS && s->arrivals >= limit &&
		    now - s->arrival[(s->arrivals - limit) % SESSION_ARRIVALS] < NS_PER_S;

	s->arrival[s->arrivals++ % SESSION_ARRIVALS] = now;
	return over;
}

static void on_message(struct session *s, uint8_t opcode, bool fin, const uint8_t *at, size_t len)
{
	if ((opcode == WS_CONT) != s->in_message) {
		session_end(s, 1002, "fragments out of order");
		return;
	}
	if (opcode == WS_BINARY) {
		session_end(s, 1003, "text only");
		return;
	}
	if (opcode != WS_CONT)
		buf_clear(&s->message);
	if (buf_append(&s->message, at, len) != 0) {
		session_end(s, 1009, "message too long");
		return;
	}
	s->in_message = !fin;
	if (fin)
		s->sim->dialect->ws_text(
			s, (struct text){(const char *)s->message.at, s->message.len});
}

static void on_close(struct session *s, const uint8_t *at, size_t len)
{
	session_frame(s, WS_CLOSE, at, len >= 2 ? 2 : 0);
	s->mode = SESSION_CLOSING;
	conn_close(&s->conn);
}

static void on_frame(struct session *s, const struct ws_frame *f, const uint8_t *at)
{
	size_t len = (size_t)f->len;

	s->heard = now_of(s);
	if (too_many(s)) {
		log_warn("client sends too often, cut", "slot=%u", s->slot);
		s->sim->truth.drops++;
		session_end(s, 1008, "Too many requests");
		return;
	}
	switch (f->opcode) {
	case WS_PING:
		if (faults_strike(&s->sim->faults, FAULT_OF_PINGS, TEXT("")) == NULL)
			session_frame(s, WS_PONG, at, len);
		return;
	case WS_PONG:
		if (text_is((struct text){(const char *)at, len}, s->ping))
			s->waits_for_pong = false;
		return;
	case WS_CLOSE: on_close(s, at, len); return;
	default: on_message(s, f->opcode, f->fin, at, len);
	}
}

void session_ws(struct session *s)
{
	struct buf *in = &s->conn.in;
	struct ws_frame f;

	while (s->mode == SESSION_WS) {
		int rc = ws_frame_parse(in->at, in->len, false, &f);
		if (rc == ERR_AGAIN)
			return;
		if (rc != 0 || !f.masked) {
			session_end(s, 1002, "bad frame");
			return;
		}
		if (f.len > SESSION_MESSAGE_MAX) {
			session_end(s, 1009, "message too long");
			return;
		}
		if (in->len - f.header_len < f.len)
			return;
		uint8_t *at = in->at + f.header_len;
		ws_frame_mask(at, (size_t)f.len, f.mask, 0);
		on_frame(s, &f, at);
		if (s->mode == SESSION_WS)
			buf_consume(in, f.header_len + (size_t)f.len);
	}
}
