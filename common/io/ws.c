/* ws - the life of a WebSocket: opening, sending, closing; what arrives is understood by ws_rx.
 *
 *   CONNECTING   on_connect: UPGRADING, or finish
 *                on_deadline: finish; ws_close: CLOSING, and finish at the next turn
 *       ▼
 *   UPGRADING    on_reply: OPEN where the answer is a good 101, else finish
 *                on_deadline, lost: finish; ws_close: CLOSING, and finish at the next turn
 *       ▼
 *   OPEN         ws_close, a close frame (on_peer_close), a broken rule (fail): CLOSING
 *                lost: finish
 *       ▼
 *   CLOSING      lost (the server ended the connection), on_deadline: finish
 *       ▼
 *   CLOSED       finish released the connection and called on_close
 *
 * In CLOSING nothing is delivered and nothing sent behind the close frame; the server is given
 * close_ns to end the connection (RFC 6455 7.1.1).
 *
 * The TLS layer can hold bytes while the descriptor is silent: each turn reads until nothing is
 * left. A turn that has read TURN_BYTES goes on in the loop's next turn, so that one connection
 * cannot starve the others.
 */
#include "common/io/ws.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/utf8.h"
#include "common/io/ws_frame.h"
#include "common/io/ws_handshake.h"
#include "common/io/ws_link.h"
#include "common/io/ws_rx.h"

#define READ_BYTES (64u << 10)  /* gathered before messages are handed over */
#define TURN_BYTES (256u << 10) /* read in one turn of the loop */
#define WAITING_MAX (1u << 20)  /* bytes waiting to be sent before another message is refused */
#define SEND_MAX (1u << 20)     /* bytes of one message we send */
/* Both of them, control frames, what deflate may add. */
#define QUEUE_MAX (WAITING_MAX + SEND_MAX + (64u << 10))
#define PACK_MIN 64             /* shorter messages are not worth deflating */
#define CONTROL_MAX 125

enum state { CONNECTING, UPGRADING, OPEN, CLOSING, CLOSED };

struct ws {
	struct loop *loop;
	struct ws_handler h;
	void *ctx;
	enum state state;
	int busy;    /* entries from the loop we are inside of */
	bool doomed; /* ws_free was called in there */
	bool paused;
	int64_t close_ns;
	struct ws_link *link; /* NULL when CLOSED */
	struct loop_source *deadline, *again;
	struct ws_request request; /* what the reply is checked against: protocol, deflate, key */
	char *protocol;
	struct ws_reply reply;
	struct ws_rx rx;
	struct ws_deflate *deflate;
	struct buf packed;
	bool ended;   /* how it ends is known: the three below */
	bool give_up; /* and it ends at the next turn, without waiting for the server */
	int end_code, end_err;
	char end_reason[256];
	struct ws_counters counters;
};

/* ── end ── */

/* The first reason counts. */
static void set_end(struct ws *w, int code, int err, const char *reason, size_t len)
{
	if (w->ended)
		return;
	w->ended = true;
	w->end_code = code;
	w->end_err = err;
	len = utf8_cut(reason, len, sizeof w->end_reason - 1);
	memcpy(w->end_reason, reason, len);
	w->end_reason[len] = '\0';
}

static void release(struct ws *w)
{
	loop_end(&w->deadline);
	loop_end(&w->again);
	ws_link_free(w->link);
	w->link = NULL;
}

static void finish(struct ws *w, int code, int err, const char *reason)
{
	if (w->state == CLOSED)
		return;
	must(w->busy > 0);
	set_end(w, code, err, reason, strlen(reason));
	w->state = CLOSED;
	release(w);
	w->h.on_close(w->ctx, w->end_code, w->end_err, w->end_reason);
}

static void destroy(struct ws *w)
{
	release(w);
	ws_reply_fini(&w->reply);
	ws_rx_fini(&w->rx);
	ws_deflate_free(w->deflate);
	buf_fini(&w->packed);
	free(w->protocol);
	free(w);
}

static void leave(struct ws *w)
{
	if (--w->busy == 0 && w->doomed)
		destroy(w);
}

void ws_free(struct ws **ws_p)
{
	struct ws *w = *ws_p;

	*ws_p = NULL;
	if (!w)
		return;
	w->state = CLOSED;
	release(w);
	if (w->busy > 0)
		w->doomed = true;
	else
		destroy(w);
}

/* A timer of 0 gives the other sources their turn first. */
static void go_on_soon(struct ws *w)
{
	if (w->again)
		loop_timer_move(w->again, 0);
}

static void end_soon(struct ws *w, int code, int err, const char *reason)
{
	set_end(w, code, err, reason, strlen(reason));
	w->give_up = true;
	go_on_soon(w);
}

static void on_deadline(void *ctx)
{
	struct ws *w = ctx;

	w->busy++;
	if (w->state == CONNECTING)
		finish(w, 1006, ERR_TIMEOUT, "the connection was not made in time");
	else if (w->state == UPGRADING)
		finish(w, 1006, ERR_TIMEOUT, "the server did not answer the handshake in time");
	else
		finish(w, 1006, ERR_TIMEOUT, "the server did not answer the close frame in time");
	leave(w);
}

/* ── sending ── */

/* bits: WS_RSV1 or 0. */
static int send_frame(struct ws *w, int opcode, int bits, const void *payload, size_t len)
{
	uint8_t mask[4];
	int rc;

	if (getrandom(mask, sizeof mask, 0) != (ssize_t)sizeof mask)
		return ERR_IO;
	rc = ws_frame_append(ws_link_queue(w->link), (uint8_t)(WS_FIN | bits | opcode), mask,
			     payload, len);
	if (rc < 0)
		return rc;
	w->counters.frames_sent++;
	ws_link_flush(w->link);
	if (ws_link_broken(w->link))
		go_on_soon(w); /* to find the end by reading */
	return 0;
}

static bool deflates(struct ws *w, const void *payload, size_t len)
{
	if (!w->deflate || len < PACK_MIN)
		return false;
	buf_clear(&w->packed);
	return ws_deflate_pack(w->deflate, payload, len, &w->packed) == 0;
}

int ws_send(struct ws *w, const char *text, size_t len)
{
	int rc;

	if (w->state != OPEN)
		return ERR_CLOSED;
	if (len > SEND_MAX)
		return ERR_TOO_LONG;
	if (ws_link_waiting(w->link) >= WAITING_MAX)
		return ERR_FULL;
	if (!deflates(w, text, len))
		return send_frame(w, WS_TEXT, 0, text, len);
	rc = send_frame(w, WS_TEXT, WS_RSV1, w->packed.at, w->packed.len);
	if (rc < 0) /* the window moved on and the peer will not see it */
		end_soon(w, 1006, rc, "a compressed message could not be queued");
	return rc;
}

int ws_ping(struct ws *w, const void *payload, size_t len)
{
	if (w->state != OPEN)
		return ERR_CLOSED;
	if (len > CONTROL_MAX)
		return ERR_ARG;
	if (ws_link_waiting(w->link) >= WAITING_MAX)
		return ERR_FULL;
	return send_frame(w, WS_PING, 0, payload, len);
}

/* ── closing ── */

/* code 1005: an empty close frame. Reading goes on, the server's part is wanted. */
static void start_closing(struct ws *w, int code, const char *reason, size_t len)
{
	uint8_t payload[CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
	int rc;

	len = utf8_cut(reason, len, sizeof payload - 2);
	memcpy(payload + 2, reason, len);
	w->state = CLOSING;
	ws_resume(w);
	rc = send_frame(w, WS_CLOSE, 0, payload, code == 1005 ? 0 : 2 + len);
	loop_timer_move(w->deadline, w->close_ns);
	if (rc < 0)
		end_soon(w, 1006, rc, "no close frame could be sent");
}

void ws_close(struct ws *w, int code, const char *reason)
{
	if (w->state == OPEN) {
		must(ws_close_code_valid(code));
		start_closing(w, code, reason ? reason : "", reason ? strlen(reason) : 0);
	} else if (w->state == CONNECTING || w->state == UPGRADING) {
		w->state = CLOSING;
		end_soon(w, 1006, 0, "closed by ourselves while connecting");
	}
}

static void on_peer_close(struct ws *w, const struct ws_rx_item *it)
{
	bool answer = w->state == OPEN;

	set_end(w, it->code, answer ? ERR_CLOSED : 0, it->bytes, it->len);
	if (answer)
		start_closing(w, it->code, "", 0);
}

/* The peer broke a rule: tell it, drop what else it sends. */
static void fail(struct ws *w, int err, const char *why)
{
	set_end(w, ws_close_code(err), err, why, strlen(why));
	if (w->state == OPEN)
		start_closing(w, ws_close_code(err), why, strlen(why));
}

/* The connection ended by itself. */
static void lost(struct ws *w, int err)
{
	if (w->state == UPGRADING)
		finish(w, 1006, err, "the connection ended during the handshake");
	else
		finish(w, 1006, err,
		       err == ERR_CLOSED ? "the connection ended without a close frame"
					 : "the connection broke");
}

/* ── receiving ── */

static void on_message(struct ws *w, const struct ws_rx_item *it)
{
	w->counters.messages++;
	w->counters.bytes_in += it->len;
	w->h.on_message(w->ctx, it->bytes, it->len, it->binary);
}

static void on_ping(struct ws *w, const struct ws_rx_item *it)
{
	w->counters.pings++;
	if (ws_link_waiting(w->link) >= WAITING_MAX ||
	    send_frame(w, WS_PONG, 0, it->bytes, it->len) < 0)
		w->counters.pongs_dropped++;
	if (w->h.on_ping)
		w->h.on_ping(w->ctx);
}

/* All frames that are complete. In CLOSING only the peer's close frame still means something. */
static void deliver(struct ws *w)
{
	uint64_t before = w->counters.messages;
	struct ws_rx_item it;
	int rc = 0;

	while (w->state != CLOSED && (rc = ws_rx_next(&w->rx, &it)) == 0) {
		if (it.kind == WS_RX_CLOSE)
			on_peer_close(w, &it);
		else if (it.kind == WS_RX_PONG)
			w->counters.pongs++;
		else if (w->state == OPEN && it.kind == WS_RX_MESSAGE)
			on_message(w, &it);
		else if (w->state == OPEN)
			on_ping(w, &it);
	}
	if (rc < 0 && rc != ERR_AGAIN && rc != ERR_CLOSED)
		fail(w, rc, w->rx.why);
	if (w->counters.messages != before && w->h.on_batch && w->state != CLOSED)
		w->h.on_batch(w->ctx);
}

static void on_status(struct ws *w)
{
	char reason[128];

	snprintf(reason, sizeof reason, "the server answered HTTP %d %s", w->reply.status,
		 w->reply.phrase);
	finish(w, 1006, ERR_STATUS, reason);
}

static void on_reply(struct ws *w)
{
	size_t used = 0;
	int rc = ws_reply_parse(&w->reply, &w->request, (const char *)w->rx.in.at + w->rx.at,
				w->rx.in.len - w->rx.at, &used);

	if (rc == ERR_AGAIN)
		return;
	if (rc == 0 && w->reply.deflate)
		rc = ws_deflate_new(&w->reply.params, false, &w->deflate);
	if (rc == ERR_STATUS)
		on_status(w);
	else if (rc < 0)
		finish(w, 1006, rc, w->reply.why ? w->reply.why : err_text(rc));
	if (rc < 0)
		return;
	w->rx.at += used;
	w->rx.deflate = w->deflate;
	w->state = OPEN;
	loop_timer_move(w->deadline, LOOP_NEVER);
	w->h.on_open(w->ctx);
}

/* Behind a close frame or an error nothing has a meaning. */
static void consume(struct ws *w)
{
	if (w->state == UPGRADING)
		on_reply(w);
	if ((w->state == OPEN || w->state == CLOSING) && !w->rx.failed && !w->give_up)
		deliver(w);
	if (w->rx.failed || w->give_up)
		w->rx.at = w->rx.in.len;
}

/* Reads until READ_BYTES are there (0), nothing is left (ERR_AGAIN), or the end (ERR_CLOSED,
 * ERR_IO, ERR_NOMEM). */
static int fill(struct ws *w, size_t *ret_got)
{
	bool drained = false;
	size_t got = 0;
	int rc = 0;

	while (rc == 0 && !drained && got < READ_BYTES) {
		size_t cap, n = 0;
		uint8_t *at;

		rc = ws_rx_room(&w->rx, READ_BYTES, &at, &cap);
		if (rc == 0)
			rc = ws_link_recv(w->link, at, cap < READ_BYTES ? cap : READ_BYTES, &n,
					  &drained);
		if (rc == 0)
			ws_rx_took(&w->rx, n);
		got += n;
	}
	w->counters.wire_bytes_in += got;
	*ret_got = got;
	return drained ? ERR_AGAIN : rc;
}

static void receive(struct ws *w)
{
	size_t total = 0;
	int rc = 0;

	while (rc == 0 && w->state != CLOSED && !w->paused && total < TURN_BYTES) {
		size_t got;

		rc = fill(w, &got);
		total += got;
		if (got > 0)
			consume(w);
	}
	if (w->state == CLOSED || w->paused)
		return;
	if (rc == 0)
		go_on_soon(w);
	else if (rc != ERR_AGAIN)
		lost(w, rc);
}

static void on_ready(void *ctx)
{
	struct ws *w = ctx;

	w->busy++;
	if (w->paused && ws_link_broken(w->link))
		lost(w, ERR_IO);
	else
		receive(w);
	leave(w);
}

static void on_again(void *ctx)
{
	struct ws *w = ctx;

	if (w->give_up) {
		w->busy++;
		finish(w, 1006, ERR_IO, "given up");
		leave(w);
	} else if (w->state != CONNECTING) {
		on_ready(w);
	}
}

void ws_pause(struct ws *w)
{
	if (w->state != OPEN)
		return;
	w->paused = true;
	ws_link_watch(w->link, false);
}

void ws_resume(struct ws *w)
{
	if (!w->paused || w->state == CLOSED)
		return;
	w->paused = false;
	ws_link_watch(w->link, true);
	go_on_soon(w); /* the TLS layer may hold what the descriptor does not show */
}

/* ── opening ── */

static void on_connect(void *ctx, int err, const char *why)
{
	struct ws *w = ctx;

	w->busy++;
	if (err < 0)
		finish(w, 1006, err, why);
	else if (w->state == CONNECTING)
		w->state = UPGRADING;
	leave(w);
}

/* RFC 6455 4.1: 16 bytes nobody can guess, in base64. */
static int make_key(char out[WS_KEY_CHARS + 1])
{
	uint8_t random[16];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return ERR_IO;
	must(EVP_EncodeBlock((unsigned char *)out, random, (int)sizeof random) == WS_KEY_CHARS);
	return 0;
}

static int check_url(const struct ws_options *o, struct url *ret_url)
{
	struct url u;
	int rc = url_parse(o->url, &u);

	if (rc < 0)
		return rc;
	if (!u.web_socket)
		return ERR_SYNTAX;
	if (!u.tls && !u.loopback && !o->plain)
		return ERR_REFUSED;
	*ret_url = u;
	return 0;
}

/* The request waits in the link's queue for the connection. */
static int open_link(struct ws *w, const struct ws_options *o, const struct url *u)
{
	static const struct ws_link_handler handler = {
		.on_connect = on_connect,
		.on_ready = on_ready,
	};
	struct ws_link_options link = {
		.url = u, .ca_file = o->ca_file, .waiting_max = QUEUE_MAX,
		.connect_ns = o->connect_ns > 0 ? o->connect_ns : 10 * NS_PER_S,
	};
	int rc = ws_link_open(w->loop, &link, &handler, w, &w->link);

	if (rc < 0)
		return rc;
	rc = ws_request_pack(&w->request, ws_link_queue(w->link));
	if (rc == 0)
		rc = loop_timer(w->loop, link.connect_ns, LOOP_NEVER, on_deadline, w, &w->deadline);
	if (rc == 0)
		rc = loop_timer(w->loop, LOOP_NEVER, LOOP_NEVER, on_again, w, &w->again);
	w->request.url = NULL; /* the caller's */
	w->request.user_agent = NULL;
	w->request.headers = NULL;
	return rc;
}

static int ws_init(struct ws *w, const struct ws_options *o, const struct url *u)
{
	w->request = (struct ws_request){
		.url = u, .user_agent = o->user_agent, .headers = o->headers, .deflate = o->deflate,
	};
	ws_reply_init(&w->reply);
	ws_rx_init(&w->rx, o->message_max ? o->message_max : 1u << 20, false);
	buf_init(&w->packed, QUEUE_MAX);
	w->close_ns = o->close_ns > 0 ? o->close_ns : 2 * NS_PER_S;
	if (o->protocol && !(w->protocol = strdup(o->protocol)))
		return ERR_NOMEM;
	w->request.protocol = w->protocol;
	if (ws_request_check(&w->request) < 0)
		return ERR_ARG;
	return make_key(w->request.key);
}

int ws_open(struct loop *l, const struct ws_options *o, const struct ws_handler *h, void *ctx,
	    struct ws **ret_ws)
{
	struct url u;
	int rc = check_url(o, &u);
	struct ws *w = rc == 0 ? calloc(1, sizeof *w) : NULL;

	if (!w)
		return rc < 0 ? rc : ERR_NOMEM;
	w->loop = l;
	w->h = *h;
	w->ctx = ctx;
	rc = ws_init(w, o, &u);
	if (rc == 0)
		rc = open_link(w, o, &u);
	if (rc < 0) {
		destroy(w);
		return rc;
	}
	*ret_ws = w;
	return 0;
}

/* ── questions ── */

const char *ws_protocol(const struct ws *w)
{
	return w->reply.protocol;
}

bool ws_deflated(const struct ws *w)
{
	return w->deflate != NULL;
}

const char *ws_header(const struct ws *w, const char *name)
{
	return headers_get(&w->reply.headers, name);
}

int ws_status(const struct ws *w)
{
	return w->reply.status;
}

int64_t ws_retry_after_s(const struct ws *w)
{
	return headers_retry_after_s(ws_header(w, "Retry-After"),
				     clock_wall(loop_clock(w->loop)) / NS_PER_S);
}

struct ws_counters ws_counters(const struct ws *w)
{
	return w->counters;
}
