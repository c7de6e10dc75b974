/* http_retry - a GET under the one retry policy: up to 3 repetitions after 1, 2 and 4 s.
 *
 * Repeated: names that do not resolve, connections that are not made or break, time limits, and
 * 5xx. Never: any other status (a 429 or 418 goes to the caller at once, with its Retry-After),
 * certificates, protocol errors; nor a 5xx whose Retry-After is longer than the policy would wait.
 * Each failed attempt is one log line with its number, cause and the delay to the next.
 */
#ifndef NJ_IO_HTTP_RETRY_H
#define NJ_IO_HTTP_RETRY_H

#include "common/io/http.h"

#define HTTP_RETRIES 3 /* repetitions, of HTTP_RETRIES + 1 attempts */

struct http_retry;

/* Like http_send, for GET and HEAD without a body only (ERR_ARG). The request is copied. fn gets
 * the last answer, once, never from inside a function called by the owner; what ret_retry (may be
 * NULL) points at is dead then. */
int http_retry_send(struct http *h, const struct http_request *r, http_fn fn, void *ctx,
		    struct http_retry **ret_retry);
void http_retry_cancel(struct http_retry **retry_p); /* without fn; before http_close */

/* Whether the policy repeats after this answer. */
bool http_retry_wanted(const struct http_response *r, int64_t delay_ns);

#endif
