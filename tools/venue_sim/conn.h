/* conn - one accepted TCP connection: bytes in and out, TLS or not, bounded, never blocking.
 *
 *     OPEN --conn_close--> FLUSHING --all written--> LINGERING --the peer's end--> GONE
 *     FLUSHING, LINGERING --5 s after conn_close--> GONE
 *     OPEN, FLUSHING, LINGERING --error, conn_reset--> GONE
 *
 * on_gone is called once, from the loop and never from inside a call of ours; conn_fini may be
 * called at any time.
 */
#ifndef NJ_SIM_CONN_H
#define NJ_SIM_CONN_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/io/loop.h"
#include "tools/venue_sim/tls.h"

#define CONN_IN_MAX ((size_t)256 * 1024)
#define CONN_OUT_SOFT ((size_t)1024 * 1024)     /* a player pauses above it */
#define CONN_OUT_MAX ((size_t)64 * 1024 * 1024) /* one reply or one oversized frame still fits */
#define CONN_SEND_BUFFER (128 * 1024) /* the kernel's, so that a slow client is felt soon */

struct conn_handler {
	void (*on_bytes)(void *ctx); /* conn->in has grown; take with buf_consume */
	void (*on_drain)(void *ctx); /* output that was above CONN_OUT_SOFT is below half of it */
	void (*on_gone)(void *ctx, int err);
};

enum conn_state { CONN_OPEN, CONN_FLUSHING, CONN_LINGERING, CONN_GONE };

struct conn {
	struct loop *loop;
	struct loop_source *source, *timer;
	int fd;
	struct tls *tls; /* owned; NULL: plain */
	enum conn_state state;
	int err;
	struct buf in, out;
	size_t out_at;  /* written so far */
	bool high;      /* output was above CONN_OUT_SOFT */
	bool peer_done; /* the peer has ended its half */
	bool blocked;   /* the socket took no more */
	const struct conn_handler *h;
	void *ctx;
};

/* Takes the descriptor (also on failure). */
int conn_init(struct conn *c, struct loop *l, int fd, struct tls_server *tls);
void conn_start(struct conn *c, const struct conn_handler *h, void *ctx);
void conn_fini(struct conn *c);

/* Queues bytes; written when the running callback has returned. ERR_CLOSED, ERR_FULL above
 * CONN_OUT_MAX. */
int conn_write(struct conn *c, const void *bytes, size_t len);
/* The buffer itself, to append to; follow with conn_kick. */
struct buf *conn_out(struct conn *c);
void conn_kick(struct conn *c);

static inline size_t conn_pending(const struct conn *c)
{
	return c->out.len - c->out_at;
}
static inline bool conn_has_room(const struct conn *c)
{
	return conn_pending(c) < CONN_OUT_SOFT;
}

void conn_close(struct conn *c); /* after what is queued */
void conn_reset(struct conn *c); /* at once, the peer sees a reset */

#endif
