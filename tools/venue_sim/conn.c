/* conn - one accepted TCP connection: the socket's readiness against two buffers. */
#include "tools/venue_sim/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define READ_SIZE ((size_t)16 * 1024)
#define WRITES_A_TURN 16
#define CLOSE_NS (5 * NS_PER_S)
#define OUT_KEEP (4 * CONN_OUT_SOFT) /* memory beyond it is given back */

static void on_io(void *ctx, int events);
static void flush(void *ctx);

static void deliver_gone(void *ctx)
{
	struct conn *c = ctx;

	if (c->h != NULL)
		c->h->on_gone(c->ctx, c->err);
}

static void gone(struct conn *c, int err)
{
	if (c->state == CONN_GONE)
		return;
	c->state = CONN_GONE;
	c->err = err;
	loop_end(&c->source);
	loop_end(&c->timer);
	loop_undefer(c->loop, flush, c);
	if (c->tls != NULL && err == 0)
		tls_end(c->tls);
	tls_free(c->tls);
	c->tls = NULL;
	close(c->fd);
	c->fd = -1;
	loop_defer(c->loop, deliver_gone, c);
}

int conn_init(struct conn *c, struct loop *l, int fd, struct tls_server *tls)
{
	int on = 1, size = CONN_SEND_BUFFER, rc = 0;

	*c = (struct conn){.loop = l, .fd = fd};
	buf_init(&c->in, CONN_IN_MAX + READ_SIZE);
	buf_init(&c->out, CONN_OUT_MAX);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (tls != NULL)
		rc = tls_new(tls, fd, &c->tls);
	if (rc == 0)
		rc = loop_fd(l, fd, LOOP_IN, on_io, c, &c->source);
	if (rc != 0)
		conn_fini(c);
	return rc;
}

void conn_start(struct conn *c, const struct conn_handler *h, void *ctx)
{
	c->h = h;
	c->ctx = ctx;
}

void conn_fini(struct conn *c)
{
	if (c->loop == NULL)
		return;
	loop_undefer(c->loop, flush, c);
	loop_undefer(c->loop, deliver_gone, c);
	loop_end(&c->source);
	loop_end(&c->timer);
	tls_free(c->tls);
	if (c->fd >= 0)
		close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	*c = (struct conn){.fd = -1};
}

static int plain_read(int fd, void *out, size_t cap, size_t *ret_n)
{
	ssize_t n = recv(fd, out, cap, 0);

	if (n > 0) {
		*ret_n = (size_t)n;
		return 0;
	}
	if (n == 0)
		return ERR_CLOSED;
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
}

static int plain_write(int fd, const void *bytes, size_t len, size_t *ret_n)
{
	ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

	if (n >= 0) {
		*ret_n = (size_t)n;
		return 0;
	}
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
}

static void watch(struct conn *c)
{
	bool in = !c->peer_done && (c->in.len < CONN_IN_MAX || c->state != CONN_OPEN);
	bool out = c->blocked || (c->tls != NULL && tls_wants_write(c->tls));

	if (c->source != NULL)
		loop_fd_events(c->source, (in ? LOOP_IN : 0) | (out ? LOOP_OUT : 0));
}

/* One read; ERR_AGAIN where there is nothing. Bytes behind our own end are thrown away. */
static int read_once(struct conn *c)
{
	size_t n = 0;
	int rc = buf_reserve(&c->in, READ_SIZE);

	if (rc != 0)
		return rc;
	uint8_t *at = c->in.at + c->in.len;
	rc = c->tls != NULL ? tls_read(c->tls, at, READ_SIZE, &n)
			    : plain_read(c->fd, at, READ_SIZE, &n);
	if (rc == 0 && c->state == CONN_OPEN)
		c->in.len += n;
	return rc;
}

/* The peer sends no more. What is owed to it is still written: it may have closed its half only. */
static void peer_ended(struct conn *c)
{
	c->peer_done = true;
	if (c->state == CONN_LINGERING || conn_pending(c) == 0)
		gone(c, c->state == CONN_OPEN ? ERR_CLOSED : 0);
	else
		conn_close(c);
}

static void read_all(struct conn *c)
{
	size_t before = c->in.len;
	int rc = 0;

	while (rc == 0 && c->in.len < CONN_IN_MAX)
		rc = read_once(c);
	if (c->in.len > before)
		c->h->on_bytes(c->ctx);
	if (c->state != CONN_OPEN)
		buf_clear(&c->in);
	if (rc == ERR_CLOSED)
		peer_ended(c);
	else if (rc != 0 && rc != ERR_AGAIN)
		gone(c, rc);
}

static void close_over(void *ctx)
{
	struct conn *c = ctx;

	c->timer = NULL;
	gone(c, 0);
}

static void all_written(struct conn *c)
{
	buf_clear(&c->out);
	c->out_at = 0;
	if (c->out.cap > OUT_KEEP) {
		buf_fini(&c->out);
		buf_init(&c->out, CONN_OUT_MAX);
	}
	if (c->state != CONN_FLUSHING)
		return;
	if (c->peer_done) {
		gone(c, 0);
		return;
	}
	c->state = CONN_LINGERING;
	if (c->tls != NULL)
		tls_end(c->tls);
	shutdown(c->fd, SHUT_WR);
}

static int write_some(struct conn *c)
{
	int rc = 0;

	for (int i = 0; rc == 0 && conn_pending(c) > 0 && i < WRITES_A_TURN; i++) {
		const uint8_t *at = c->out.at + c->out_at;
		size_t n = 0;
		rc = c->tls != NULL ? tls_write(c->tls, at, conn_pending(c), &n)
				    : plain_write(c->fd, at, conn_pending(c), &n);
		c->out_at += n;
	}
	if (c->out_at > c->out.len / 2) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
	return rc;
}

static void flush(void *ctx)
{
	struct conn *c = ctx;
	int rc;

	if (c->state == CONN_GONE || c->state == CONN_LINGERING)
		return;
	rc = write_some(c);
	if (rc != 0 && rc != ERR_AGAIN) {
		gone(c, rc);
		return;
	}
	c->blocked = conn_pending(c) > 0;
	if (!c->blocked)
		all_written(c);
	if (c->state == CONN_GONE)
		return;
	watch(c);
	c->high = c->high || !conn_has_room(c);
	if (c->high && conn_pending(c) < CONN_OUT_SOFT / 2) {
		c->high = false;
		if (c->state == CONN_OPEN)
			c->h->on_drain(c->ctx);
	}
}

static void on_io(void *ctx, int events)
{
	struct conn *c = ctx;

	(void)events; /* TLS may read in order to write, and the other way round */
	if (!c->peer_done)
		read_all(c);
	if (c->state == CONN_GONE)
		return;
	flush(c);
	if (c->state != CONN_GONE)
		watch(c);
}

int conn_write(struct conn *c, const void *bytes, size_t len)
{
	if (c->state != CONN_OPEN)
		return ERR_CLOSED;
	int rc = buf_append(&c->out, bytes, len);
	if (rc == 0)
		conn_kick(c);
	return rc;
}

struct buf *conn_out(struct conn *c)
{
	return &c->out;
}

void conn_kick(struct conn *c)
{
	c->high = c->high || !conn_has_room(c);
	if (!c->blocked)
		loop_defer(c->loop, flush, c);
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_FLUSHING;
	if (loop_timer(c->loop, CLOSE_NS, 0, close_over, c, &c->timer) != 0)
		gone(c, 0);
	else
		loop_defer(c->loop, flush, c);
}

void conn_reset(struct conn *c)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (c->state == CONN_GONE)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	gone(c, ERR_CLOSED);
}
