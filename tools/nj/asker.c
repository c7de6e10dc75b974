/* asker - a venue's REST, one request at a time, within the budget that the venue allows. */
#include "tools/nj/asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/http_retry.h"

#define PATH_MAX_LEN 4000

int asker_open(struct asker *a, const struct asker_options *o)
{
	struct http_options ho = {.ca_file = o->ca_file, .user_agent = "nightjar/" NJ_VERSION, .concurrent_max = 1};

	memset(a, 0, sizeof *a);
	a->o = *o;
	a->budget = (struct budget){o->venue->weight_limit, o->venue->weight_ns, o->budget};
	int rc = loop_new(clock_real(), &a->loop);
	return rc ? rc : http_open(a->loop, &ho, &a->http);
}

void asker_close(struct asker *a)
{
	http_close(a->http);
	loop_free(a->loop);
	a->http = NULL;
	a->loop = NULL;
}

static const char *base_of(const struct asker *a)
{
	return a->o.rest ? a->o.rest : a->o.venue->rest_hosts[0];
}

static uint8_t origin_of(const struct asker *a, const char *simulator)
{
	if (simulator)
		return strcmp(simulator, "replay") == 0 ? origin_replay : origin_simulated;
	for (const char *const *host = a->o.venue->rest_hosts; *host; host++)
		if (strcmp(*host, base_of(a)) == 0 && strncmp(*host, "https://", 8) == 0)
			return origin_live;
	return origin_simulated;
}

/* ---- what a reply says ---- */

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	const struct asker *a = ctx;
	bool same = a->market && strlen(a->market->raw) == len && memcmp(a->market->raw, raw, len) == 0;

	return same ? a->market : NULL;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	struct asker *a = ctx;

	if (m->kind == VENUE_LIMIT && m->limit.weighted && m->limit.limit > 0) {
		a->budget.limit = m->limit.limit;
		a->budget.window_ns = m->limit.window_ns;
	}
	a->message(a->ctx, m);
}

static int decode(struct asker *a, const struct http_response *r)
{
	struct venue_output out = {
		.ctx = a, .find = find, .message = on_message, .levels = a->levels, .levels_max = ASKER_LEVELS_MAX};
	struct venue_input in = {.text = r->body,
				 .len = r->body_len,
				 .ask = a->request->ask,
				 .market = a->request->n == 1 ? a->request->markets[0] : NULL,
				 .limit = a->request->limit,
				 .interval = a->request->interval};
	int rc = a->o.venue->decode(&in, &out);

	if (rc < 0)
		snprintf(a->reason, sizeof a->reason, "the reply cannot be read: %s", err_text(rc));
	return rc;
}

static const char *header(void *ctx, const char *name)
{
	return http_header(ctx, name);
}

/* More than our share of the window is used: the rest of it is waited out. */
static void look_at_budget(struct asker *a, const struct http_response *r)
{
	struct budget_said said = budget_read(&a->o.venue->budget, header, r->call);
	int64_t now = clock_wall(loop_clock(a->loop)), until = budget_hold(&a->budget, &said, now);

	if (until == 0)
		return;
	a->wait_ns = until - now;
	a->wait_why = "the share of the venue's budget is used";
}

static void refused(struct asker *a, int64_t wait_ns, const char *why)
{
	a->again = true;
	a->refused++;
	a->wait_ns = wait_ns > a->wait_ns ? wait_ns : a->wait_ns;
	a->wait_why = why;
}

static void look_at_status(struct asker *a, const struct http_response *r)
{
	int64_t said = r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0;
	int64_t wait = budget_refused(r->status, said, a->o.venue->forbidden_ns);

	if (wait > 0)
		refused(a, wait, r->status == 429 ? "the venue asks to wait" : "the venue has banned this address");
}

static void on_response(void *ctx, const struct http_response *r)
{
	struct asker *a = ctx;

	loop_stop(a->loop);
	a->err = r->err;
	if (r->err) {
		snprintf(a->reason, sizeof a->reason, "%s", r->reason);
		return;
	}
	a->origin = origin_of(a, http_header(r->call, "X-Nightjar-Simulator"));
	look_at_budget(a, r);
	look_at_status(a, r);
	if (a->again)
		return;
	if (r->status != 200) {
		a->err = ERR_STATUS;
		snprintf(a->reason, sizeof a->reason, "status %d: %.100s", r->status, r->body ? r->body : "");
		return;
	}
	a->err = decode(a, r);
	if (a->err != ERR_BUSY) /* a refusal in the reply's own words: its headers say for how long, or a window */
		return;
	a->err = 0;
	refused(a, a->wait_ns > 0 ? a->wait_ns : a->o.venue->weight_ns, "the venue asks to wait");
}

/* ---- asking ---- */

static void on_waited(void *ctx)
{
	loop_stop(((struct asker *)ctx)->loop);
}

static int wait_first(struct asker *a)
{
	struct loop_source *timer = NULL;
	int64_t ns = a->wait_ns > a->o.pace_ns ? a->wait_ns : a->o.pace_ns;

	if (ns > ASKER_WAIT_MAX_NS) {
		snprintf(a->reason, sizeof a->reason, "%s, for %lld s more: run it again then", a->wait_why,
			 (long long)(ns / NS_PER_S));
		return ERR_BUSY;
	}
	if (a->wait_ns > 0 && a->o.waits)
		a->o.waits(a->o.ctx, ns, a->wait_why);
	a->wait_ns = 0;
	if (ns == 0)
		return 0;
	int rc = loop_timer(a->loop, ns, 0, on_waited, a, &timer);
	return rc ? rc : loop_run(a->loop);
}

static int send(struct asker *a)
{
	struct buf url;
	uint32_t weight;

	buf_init(&url, PATH_MAX_LEN);
	int rc = buf_printf(&url, "%s", base_of(a));
	if (!rc)
		rc = a->o.venue->request(a->request, &url, &weight);
	if (!rc)
		rc = buf_byte(&url, 0);
	struct http_request r = {.url = (const char *)url.at, .plain = a->o.plain};
	if (!rc)
		rc = http_retry_send(a->http, &r, on_response, a, NULL);
	buf_fini(&url);
	a->requests++;
	return rc ? rc : loop_run(a->loop);
}

int asker_ask(struct asker *a, const struct venue_request *r, void (*fn)(void *ctx, const struct venue_message *m),
	      void *ctx)
{
	a->request = r;
	a->market = r->n == 1 ? r->markets[0] : NULL;
	a->message = fn;
	a->ctx = ctx;
	do {
		a->again = false;
		int rc = wait_first(a);
		if (!rc)
			rc = send(a);
		if (rc)
			return rc;
	} while (a->again);
	return a->err;
}
