/* http_multi - libcurl's multi interface driven by the loop, and what all our transfers share.
 *
 * The only place that knows how libcurl asks for descriptors and timers; used by ws.c and http.c.
 */
#ifndef NJ_IO_HTTP_MULTI_H
#define NJ_IO_HTTP_MULTI_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"
#include "common/io/url.h"

struct http_multi;

/* A transfer that was added has ended. May free anything, the http_multi too. */
typedef void (*http_multi_fn)(void *ctx, CURL *easy, CURLcode code);

/* connections_max: idle ones kept for reuse. ERR_NOMEM. */
int http_multi_new(struct loop *l, long connections_max, http_multi_fn done, void *ctx,
		  struct http_multi **ret_multi);
/* Every easy handle must have been removed before. NULL is fine. */
void http_multi_free(struct http_multi *c);

int http_multi_add(struct http_multi *c, CURL *easy);     /* done is never called from in here */
void http_multi_remove(struct http_multi *c, CURL *easy); /* without done */

struct curl_common {
	const struct url *url;
	const char *ca_file;    /* NULL: the system's */
	const char *user_agent; /* NULL: none */
	int64_t connect_ns, total_ns; /* total 0: none */
	char *error;            /* CURL_ERROR_SIZE bytes for libcurl's own words */
};

/* A handle that goes to c->url and nowhere else: TLS 1.2 or later, verified; HTTP/1.1; no
 * redirects, no cookies, no .netrc, no signals; no proxy for loopback addresses. ERR_NOMEM, ERR_TLS
 * (the CA file cannot be used). */
int http_multi_easy(const struct curl_common *c, CURL **ret_easy);

/* The ERR_ that stands for a CURLcode; 0 for CURLE_OK. */
int http_multi_err(CURLcode code);

#endif
