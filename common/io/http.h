/* http - HTTP client over libcurl on the loop: time limits everywhere, TLS verified, no redirects,
 * bodies bounded.
 */
#ifndef NJ_IO_HTTP_H
#define NJ_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"

struct http;
struct http_call;

#define HTTP_WAITING_MAX 256 /* requests in line */

/* Copied by http_send; nothing of it needs to live on. */
struct http_request {
	const char *method; /* NULL: GET */
	const char *url;    /* https://; http:// only to loopback or where plain is set */
	/* NULL-ended "Name: value", or NULL; none that frames the message */
	const char *const *headers;
	const void *body;   /* copied */
	size_t body_len;
	size_t body_max;    /* of the reply; 0: 32 MiB; more is ERR_TOO_LONG */
	int64_t connect_ns; /* 0: 3 s for DNS, TCP and TLS */
	int64_t total_ns;   /* 0: 10 s for everything, from when the request leaves the line */
	bool plain;         /* allow http:// to other hosts */
	/* On a connection that is reused and dies unanswered, libcurl sends a request a second
	 * time. A POST or PATCH therefore gets a connection of its own, unless `repeatable` says
	 * that the server tells repetitions apart; `fresh` wants one for any request. */
	bool repeatable, fresh;
};

struct http_response {
	/* 0, or ERR_TIMEOUT, ERR_DNS, ERR_CONNECT (TCP, or a TLS handshake that failed), ERR_TLS
	 * (the certificate), ERR_TOO_LONG, ERR_PROTOCOL, ERR_IO (the connection broke), ERR_NOMEM.
	 * A status of 400 or 500 is no error. */
	int err;
	int status;       /* of the reply, redirects included; 0 where none came */
	const char *body; /* good during the call; NUL-terminated for convenience */
	size_t body_len;
	int64_t retry_after_s; /* of the header, seconds from now, at most a week; -1 none */
	int64_t total_ns;      /* time it took since it left the line */
	/* Sentence for the log where err is set, else ""; never the URL's path or query. */
	const char *reason;
	struct http_call *call; /* for http_header */
};

typedef void (*http_fn)(void *ctx, const struct http_response *r);

struct http_options {
	const char *ca_file;    /* NULL: the system's */
	const char *user_agent;
	int concurrent_max; /* 0: 8; further requests wait in line, at most 256, then ERR_FULL */
};

/* ERR_ARG (a user agent that cannot be sent), ERR_NOMEM. Options are copied. */
int http_open(struct loop *l, const struct http_options *o, struct http **ret_http);
void http_close(struct http *h); /* open calls end without fn; NULL is fine */
struct loop *http_loop(const struct http *h);

/* fn runs exactly once, never from inside a function called by the owner. ret_call may be NULL;
 * what it points at is dead when fn is called. ERR_FULL; ERR_SYNTAX (URL; user names and passwords
 * in it too), ERR_REFUSED (http:// to another host), ERR_ARG (method or header lines cannot be
 * sent), ERR_NOMEM: without fn. */
int http_send(struct http *h, const struct http_request *r, http_fn fn, void *ctx,
	      struct http_call **ret_call);
void http_cancel(struct http_call **call_p); /* without fn; nulls; *call_p may be NULL */

struct http_counters {
	uint64_t requests;    /* sent */
	uint64_t connections; /* made for them; the rest reused one */
	uint64_t failures;    /* ended with err */
	uint64_t refused;     /* ERR_FULL */
};
struct http_counters http_counters(const struct http *h);

/* Header of the reply by case-insensitive name, or NULL; only inside fn. */
const char *http_header(const struct http_call *call, const char *name);

/* The one retry policy: the nth retry (from 1) waits 1, 2, 4 s; 0 where all 3 are used up. */
int64_t http_retry_delay_ns(int nth);

#endif
