/* ws_link - the byte stream below a WebSocket: libcurl makes it, then bytes go in and out.
 *
 * Callbacks come from the loop only. Any of them may free the link.
 */
#ifndef NJ_IO_WS_LINK_H
#define NJ_IO_WS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/io/loop.h"
#include "common/io/url.h"

struct ws_link;

struct ws_link_handler {
	/* err 0: connected; else ERR_DNS, ERR_CONNECT, ERR_TLS, ERR_TIMEOUT, ERR_IO and a sentence.
	 * Once. */
	void (*on_connect)(void *ctx, int err, const char *why);
	/* Something may be there to read, or the link is broken. */
	void (*on_ready)(void *ctx);
};

struct ws_link_options {
	const struct url *url;
	const char *ca_file;
	int64_t connect_ns;
	size_t waiting_max; /* bytes of a queue that may wait to be sent */
};

int ws_link_open(struct loop *l, const struct ws_link_options *o, const struct ws_link_handler *h,
		 void *ctx, struct ws_link **ret_link);
void ws_link_free(struct ws_link *k); /* NULL is fine */

/* Whoever sends appends here, then flushes. Nothing may be removed from it. */
struct buf *ws_link_queue(struct ws_link *k);
void ws_link_flush(struct ws_link *k);
size_t ws_link_waiting(const struct ws_link *k);
/* Sending failed: nothing is sent any more; what was received can still be read. */
bool ws_link_broken(const struct ws_link *k);

/* 0 and *ret_n > 0; ERR_AGAIN (nothing there), ERR_CLOSED (the end), ERR_IO. *ret_drained: what was
 * read was all there is, so that asking again can wait for on_ready. */
int ws_link_recv(struct ws_link *k, void *at, size_t cap, size_t *ret_n, bool *ret_drained);
/* Whether on_ready is wanted for reading; at first it is. */
void ws_link_watch(struct ws_link *k, bool readable);

#endif
