/* http_multi - libcurl names descriptors (on_curl_socket) and one timer (on_curl_timer).
 *
 * The loop reports both back with curl_multi_socket_action; what has ended is then read and handed
 * to the owner (pump).
 */
#include "common/io/http_multi.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define POLL_NS (10 * NS_PER_MS) /* where a descriptor cannot be watched */

struct http_multi {
	struct loop *loop;
	CURLM *multi;
	struct loop_source *timer;
	http_multi_fn done;
	void *ctx;
	int blind; /* descriptors that could not be watched: everything is polled meanwhile */
	bool pumping, doomed; /* freed inside pump: the rest happens at its end */
};

struct watch {
	struct http_multi *owner;
	struct loop_source *source;
	curl_socket_t fd;
};

static struct watch blind; /* stands for a watch that is none */

static void destroy(struct http_multi *c)
{
	curl_multi_cleanup(c->multi);
	loop_end(&c->timer);
	free(c);
}

static void pump(struct http_multi *c, curl_socket_t fd, int bits)
{
	int running, left;
	CURLMsg *m;

	must(!c->pumping);
	c->pumping = true;
	if (c->blind > 0) {
		curl_multi_perform(c->multi, &running);
		loop_timer_move(c->timer, POLL_NS);
	} else {
		curl_multi_socket_action(c->multi, fd, bits, &running);
	}
	while (!c->doomed && (m = curl_multi_info_read(c->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			c->done(c->ctx, m->easy_handle, m->data.result);
	c->pumping = false;
	if (c->doomed)
		destroy(c);
}

static void on_timer(void *ctx)
{
	pump(ctx, CURL_SOCKET_TIMEOUT, 0);
}

/* The watch may be gone when pump returns. */
static void on_fd(void *ctx, int events)
{
	struct watch *w = ctx;
	int bits = (events & LOOP_IN ? CURL_CSELECT_IN : 0) |
		   (events & LOOP_OUT ? CURL_CSELECT_OUT : 0) |
		   (events & LOOP_ERR ? CURL_CSELECT_ERR : 0);

	pump(w->owner, w->fd, bits);
}

static int on_curl_timer(CURLM *multi, long ms, void *ctx)
{
	struct http_multi *c = ctx;
	int64_t after_ns = ms < 0 ? LOOP_NEVER : ms * NS_PER_MS;

	(void)multi;
	loop_timer_move(c->timer, c->blind > 0 && after_ns > POLL_NS ? POLL_NS : after_ns);
	return 0;
}

static void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_end(&w->source);
	free(w);
}

static struct watch *watch_new(struct http_multi *c, curl_socket_t fd, int events)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->owner = c;
	w->fd = fd;
	if (loop_fd(c->loop, fd, events, on_fd, w, &w->source) < 0) {
		free(w);
		return NULL;
	}
	return w;
}

/* An error told to libcurl would end all transfers, for good: rather poll. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http_multi *c = ctx;
	struct watch *w = socket_ctx;
	int events = (what & CURL_POLL_IN ? LOOP_IN : 0) | (what & CURL_POLL_OUT ? LOOP_OUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w == &blind)
			c->blind--;
		else
			watch_free(w);
		w = NULL;
	} else if (w == &blind || (w && loop_fd_events(w->source, events) == 0)) {
		return 0;
	} else {
		watch_free(w);
		w = watch_new(c, fd, events);
	}
	if (!w && what != CURL_POLL_REMOVE) {
		w = &blind;
		c->blind++;
		loop_timer_move(c->timer, POLL_NS);
	}
	curl_multi_assign(c->multi, fd, w);
	return 0;
}

/* OpenSSL writes to sockets without MSG_NOSIGNAL in libcurl before 7.88: a peer that hangs up must
 * not end us. */
static void start_curl(void)
{
	struct sigaction old;

	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int http_multi_new(struct loop *l, long connections_max, http_multi_fn done, void *ctx,
		  struct http_multi **ret_multi)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_multi *c = calloc(1, sizeof *c);

	pthread_once(&once, start_curl);
	if (!c)
		return ERR_NOMEM;
	c->loop = l;
	c->done = done;
	c->ctx = ctx;
	c->multi = curl_multi_init();
	if (!c->multi || loop_timer(l, LOOP_NEVER, LOOP_NEVER, on_timer, c, &c->timer) < 0) {
		destroy(c);
		return ERR_NOMEM;
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, connections_max);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*ret_multi = c;
	return 0;
}

void http_multi_free(struct http_multi *c)
{
	if (!c)
		return;
	if (c->pumping)
		c->doomed = true;
	else
		destroy(c);
}

int http_multi_add(struct http_multi *c, CURL *easy)
{
	return curl_multi_add_handle(c->multi, easy) == CURLM_OK ? 0 : ERR_NOMEM;
}

void http_multi_remove(struct http_multi *c, CURL *easy)
{
	curl_multi_remove_handle(c->multi, easy);
}

/* ── one handle ── */

static void set_protocols(CURL *e, bool tls)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
#else
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else closing a handle waits for its resolver thread: getaddrinfo can hold it minutes. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_tls(CURL *e, const char *ca_file)
{
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L); /* HTTP/1.1 is all we speak */
	if (ca_file) {
		curl_easy_setopt(e, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

/* From the parts that were checked, so that no second parser can see another host. */
static int set_url(CURL *e, const struct url *u)
{
	struct buf text;
	int rc;

	buf_init(&text, URL_MAX + URL_HOST_MAX + 32);
	rc = buf_printf(&text, "%s://", u->tls ? "https" : "http");
	if (rc == 0)
		rc = url_host(u, &text);
	if (rc == 0)
		rc = url_target(u, &text);
	if (rc == 0)
		rc = buf_byte(&text, 0);
	if (rc == 0 && curl_easy_setopt(e, CURLOPT_URL, (const char *)text.at) != CURLE_OK)
		rc = ERR_NOMEM;
	buf_fini(&text);
	return rc;
}

static long ms_of(int64_t ns)
{
	int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;

	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

int http_multi_easy(const struct curl_common *c, CURL **ret_easy)
{
	CURL *e = curl_easy_init();
	int rc;

	if (!e)
		return ERR_NOMEM;
	rc = set_url(e, c->url);
	if (rc < 0) {
		curl_easy_cleanup(e);
		return rc;
	}
	c->error[0] = '\0';
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	set_protocols(e, c->url->tls);
	set_tls(e, c->ca_file);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms_of(c->connect_ns));
	if (c->total_ns > 0)
		curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms_of(c->total_ns));
	if (c->url->loopback)
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	*ret_easy = e;
	return 0;
}

static const struct {
	CURLcode code;
	int err;
} errors[] = {
	{CURLE_OK, 0},
	{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
	{CURLE_COULDNT_RESOLVE_HOST, ERR_DNS},
	{CURLE_COULDNT_RESOLVE_PROXY, ERR_DNS},
	{CURLE_COULDNT_CONNECT, ERR_CONNECT},
	{CURLE_SSL_CONNECT_ERROR, ERR_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, ERR_TLS},
	{CURLE_SSL_CACERT_BADFILE, ERR_TLS},
	{CURLE_SSL_CERTPROBLEM, ERR_TLS},
	{CURLE_SSL_CIPHER, ERR_TLS},
	{CURLE_SSL_ISSUER_ERROR, ERR_TLS},
	{CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_TLS},
	{CURLE_SSL_INVALIDCERTSTATUS, ERR_TLS},
	{CURLE_FILESIZE_EXCEEDED, ERR_TOO_LONG},
	{CURLE_OUT_OF_MEMORY, ERR_NOMEM},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL},
	{CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL},
	{CURLE_BAD_CONTENT_ENCODING, ERR_PROTOCOL},
	{CURLE_TOO_MANY_REDIRECTS, ERR_PROTOCOL},
	{CURLE_BAD_FUNCTION_ARGUMENT, ERR_ARG},
	{CURLE_URL_MALFORMAT, ERR_ARG},
};

int http_multi_err(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].code == code)
			return errors[i].err;
	return ERR_IO;
}
