/* reference_ask - the requests for numbers from elsewhere: sending what is due, handing on what comes. */
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define BODY_MAX (1 << 20)

static void on_response(void *ctx, const struct http_response *r)
{
	struct reference_call *call = ctx;
	struct shell *s = call->shell;
	struct reference *of = &s->references.at[call->index];
	struct reference_answer a = {.status = r->err ? 0 : r->status,
				     .body = r->body,
				     .len = r->body_len,
				     .retry_after_ns = r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0};
	const char *simulator = r->err ? NULL : http_header(r->call, SIMULATOR_HEADER);
	if (simulator)
		a.origin = connection_origin(s, simulator, NULL, NULL);
	int rc = references_on_answer(&s->references, of, pump_now(s), &a, &s->sink);
	if (rc)
		log_warn("no reference", "name=%s failures=%u status=%d err=%s reason=%s", of->name, of->failures,
			 a.status, err_name(r->err ? r->err : rc), r->reason ? r->reason : "");
	pump_after(s);
}

void reference_ask(struct shell *s)
{
	struct reference *of;
	int64_t now = s->references.n > 0 ? pump_now(s) : 0;
	if (s->references.n == 0 || s->stopping || references_due(&s->references) > now)
		return;
	while ((of = references_next(&s->references, now, &s->sink)) != NULL) {
		struct reference_call *call = &s->reference_call[of - s->references.at];
		const char *headers[] = {reference_header(&s->references, of), NULL};
		struct http_request r = {
			.url = of->url, .headers = headers, .plain = s->set.plain, .body_max = BODY_MAX};
		*call = (struct reference_call){s, (uint32_t)(of - s->references.at)};
		int rc = http_send(s->http, &r, on_response, call, NULL);
		if (rc) /* given up like one that is not answered */
			log_warn("cannot ask for a reference", "name=%s err=%s", of->name, err_name(rc));
	}
}
