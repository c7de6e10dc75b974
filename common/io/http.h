/* http - HTTP client over libcurl's multi interface, driven by the loop: timeouts everywhere, TLS verified,
 * no redirects, bodies bounded.
 */
#ifndef NJ_IO_HTTP_H
#define NJ_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"

struct http;
struct http_call;

struct http_request {
	const char *method;        /* NULL: GET */
	const char *url;           /* https://; http:// only to loopback or where plain is set */
	const char *const *headers; /* NULL-ended "Name: value", or NULL */
	const void *body;          /* copied */
	size_t body_len;
	size_t body_max;           /* of the reply; 0: 32 MiB; more is ERR_TOO_LONG */
	int64_t connect_ns;        /* 0: 3 s */
	int64_t total_ns;          /* 0: 10 s */
	bool plain;                /* allow http:// to other hosts */
};

struct http_response {
	int err;          /* 0, or ERR_TIMEOUT, ERR_DNS, ERR_CONNECT, ERR_TLS, ERR_TOO_LONG, ERR_PROTOCOL, ERR_IO */
	int status;       /* of the reply; 0 where none came */
	const char *body; /* good during the call; NUL-terminated for convenience */
	size_t body_len;
	int64_t retry_after_s; /* of the header, seconds; -1 none */
	int64_t total_ns;      /* time it took */
	const char *reason;    /* sentence for the log where err is set */
	struct http_call *call; /* for http_header */
};

typedef void (*http_fn)(void *ctx, const struct http_response *r);

struct http_options {
	const char *ca_file;    /* NULL: the system's */
	const char *user_agent;
	int concurrent_max;     /* 0: 8; further requests wait in line, at most 256, then ERR_FULL */
};

int http_open(struct loop *l, const struct http_options *o, struct http **ret_http);
void http_close(struct http *h); /* open calls end without fn */

/* fn runs exactly once, never from inside http_send. */
int http_send(struct http *h, const struct http_request *r, http_fn fn, void *ctx, struct http_call **ret_call);
void http_cancel(struct http_call **call_p); /* without fn */

/* Header of the reply by case-insensitive name, or NULL; only inside fn. */
const char *http_header(const struct http_call *call, const char *name);

/* Pure helper, the one retry policy: nth retry (from 1) waits 1, 2, 4 s; 0 where the retries (3) are used up. */
int64_t http_retry_delay_ns(int nth);

#endif
