/* ws_link - libcurl's CONNECT_ONLY: it connects, then bytes go through its TLS layer.
 *
 * After the multi interface reports the handle done, the descriptor is ours to watch, and
 * curl_easy_send and curl_easy_recv work until CURLE_AGAIN. The handle stays in the multi: taken
 * out, libcurl would close the connection.
 */
#include "common/io/ws_link.h"

#include <stdlib.h>

#include "common/base/err.h"
#include "common/io/http_multi.h"

struct ws_link {
	struct loop *loop;
	struct ws_link_handler h;
	void *ctx;
	struct http_multi *curl;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
	struct loop_source *io;
	bool tls, readable, broken;
	/* OpenSSL wants a send repeated with the same bytes: what was once tried stays there. */
	struct buf sending, queued;
	size_t sent; /* of sending */
};

size_t ws_link_waiting(const struct ws_link *k)
{
	return k->sending.len - k->sent + k->queued.len;
}

bool ws_link_broken(const struct ws_link *k)
{
	return k->broken;
}

struct buf *ws_link_queue(struct ws_link *k)
{
	return &k->queued;
}

/* A broken link is always readable: reading it finds the end. */
static void watch(struct ws_link *k)
{
	int events = (k->readable || k->broken ? LOOP_IN : 0) |
		     (ws_link_waiting(k) > 0 ? LOOP_OUT : 0);

	if (k->io && loop_fd_events(k->io, events) < 0)
		k->broken = true;
}

void ws_link_watch(struct ws_link *k, bool readable)
{
	k->readable = readable;
	watch(k);
}

static void swap_queued(struct ws_link *k)
{
	struct buf b = k->sending;

	k->sending = k->queued;
	k->queued = b;
	buf_clear(&k->queued);
	k->sent = 0;
}

static void drop_all(struct ws_link *k)
{
	k->broken = true;
	buf_clear(&k->queued);
	k->sent = k->sending.len;
}

void ws_link_flush(struct ws_link *k)
{
	while (k->io && !k->broken && ws_link_waiting(k) > 0) {
		size_t n = 0;
		CURLcode rc;

		if (k->sent == k->sending.len)
			swap_queued(k);
		rc = curl_easy_send(k->easy, k->sending.at + k->sent, k->sending.len - k->sent, &n);
		if (rc == CURLE_AGAIN)
			break;
		k->sent += n;
		if (rc != CURLE_OK)
			k->broken = true;
	}
	if (k->broken)
		drop_all(k);
	watch(k);
}

int ws_link_recv(struct ws_link *k, void *at, size_t cap, size_t *ret_n, bool *ret_drained)
{
	size_t n = 0;
	CURLcode rc = curl_easy_recv(k->easy, at, cap, &n);

	if (rc == CURLE_AGAIN)
		return k->broken ? ERR_IO : ERR_AGAIN;
	if (rc != CURLE_OK)
		return ERR_IO;
	if (n == 0)
		return ERR_CLOSED;
	*ret_n = n;
	/* The kernel gave less than was asked for; TLS hands out a record a call, may hold more. */
	*ret_drained = !k->tls && n < cap && !k->broken;
	return 0;
}

static void on_io(void *ctx, int events)
{
	struct ws_link *k = ctx;

	if (events & (LOOP_OUT | LOOP_ERR))
		ws_link_flush(k);
	if ((events & (LOOP_IN | LOOP_ERR)) || k->broken)
		k->h.on_ready(k->ctx);
}

static void on_connected(void *ctx, CURL *easy, CURLcode code)
{
	struct ws_link *k = ctx;
	curl_socket_t fd = CURL_SOCKET_BAD;
	int rc = http_multi_err(code);

	if (rc == 0 && (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
			fd == CURL_SOCKET_BAD))
		rc = ERR_IO;
	if (rc == 0)
		rc = loop_fd(k->loop, fd, LOOP_IN, on_io, k, &k->io);
	if (rc == 0)
		ws_link_flush(k);
	k->h.on_connect(k->ctx, rc, k->error[0] ? k->error : curl_easy_strerror(code));
}

static int open_easy(struct ws_link *k, const struct ws_link_options *o)
{
	struct curl_common common = {
		.url = o->url,
		.ca_file = o->ca_file,
		.connect_ns = o->connect_ns,
		.error = k->error,
	};
	int rc = http_multi_easy(&common, &k->easy);

	if (rc < 0)
		return rc;
	curl_easy_setopt(k->easy, CURLOPT_CONNECT_ONLY, 1L);
	/* A proxy must not read what follows. */
	curl_easy_setopt(k->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	return http_multi_add(k->curl, k->easy);
}

int ws_link_open(struct loop *l, const struct ws_link_options *o, const struct ws_link_handler *h,
		 void *ctx, struct ws_link **ret_link)
{
	struct ws_link *k = calloc(1, sizeof *k);
	int rc;

	if (!k)
		return ERR_NOMEM;
	k->loop = l;
	k->h = *h;
	k->ctx = ctx;
	k->tls = o->url->tls;
	k->readable = true;
	buf_init(&k->sending, o->waiting_max);
	buf_init(&k->queued, o->waiting_max);
	rc = http_multi_new(l, 1, on_connected, k, &k->curl);
	if (rc == 0)
		rc = open_easy(k, o);
	if (rc < 0) {
		ws_link_free(k);
		return rc;
	}
	*ret_link = k;
	return 0;
}

void ws_link_free(struct ws_link *k)
{
	if (!k)
		return;
	loop_end(&k->io); /* before the descriptor is closed */
	if (k->easy) {
		http_multi_remove(k->curl, k->easy);
		curl_easy_cleanup(k->easy);
	}
	http_multi_free(k->curl);
	buf_fini(&k->sending);
	buf_fini(&k->queued);
	free(k);
}
