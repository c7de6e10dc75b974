/* control - the simulator's own endpoints: faults in, the truth out. */
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "tools/venue_sim/session.h"

static void bad_request(struct reply *reply, const char *why)
{
	reply_status(reply, 400);
	buf_printf(&reply->body, "{\"error\":");
	json_quote(&reply->body, why, strlen(why));
	buf_byte(&reply->body, '}');
}

static void post_fault(struct sim *sim, struct text body, struct reply *reply)
{
	char reason[200];

	if (faults_parse_json(&sim->faults, body, reason, sizeof(reason)) != 0)
		bad_request(reply, reason);
	else
		buf_printf(&reply->body, "{\"faults\":%u}", sim->faults.n);
}

/* What the venue says of its instruments from now on: markets come, end and are resolved while it runs. */
static void post_catalog(struct sim *sim, struct text body, struct reply *reply)
{
	struct buf before = sim->info;

	if (sim->dialect->index_info == NULL) {
		bad_request(reply, "this venue describes no instruments");
		return;
	}
	buf_init(&sim->info, SIM_INFO_MAX);
	int rc = buf_append(&sim->info, body.at, body.len);
	strmap_fini(&sim->listed);
	if (rc == 0)
		rc = sim->dialect->index_info(sim);
	if (rc == 0) {
		sim->catalogued = true;
		buf_fini(&before);
		buf_printf(&reply->body, "{\"listed\":%u}", sim->listed.count);
		return;
	}
	buf_fini(&sim->info);
	sim->info = before;
	strmap_fini(&sim->listed);
	(void)sim->dialect->index_info(sim); /* it was good before */
	bad_request(reply, err_text(rc));
}

static void get_truth(struct sim *sim, struct reply *reply)
{
	buf_printf(&reply->body, "{\"origin\":\"%s\",\"faults\":", sim_origin(sim));
	faults_print(&sim->faults, &reply->body);
	buf_byte(&reply->body, ',');
	truth_print(&sim->truth, &reply->body);
	buf_byte(&reply->body, '}');
}

static void print_session(const struct session *s, struct buf *out)
{
	int64_t position = s->player.position;

	buf_printf(
		out,
		"{\"slot\":%u,\"mode\":\"%s\",\"stamped\":%s,\"streams\":%u,\"waiting_bytes\":%zu",
		s->slot,
		s->mode == SESSION_HTTP ? "http"
		: s->mode == SESSION_WS ? "ws"
					: "closing",
		s->stamped ? "true" : "false", s->streams.n, conn_pending(&s->conn));
	if (s->stamped && position != INT64_MIN)
		buf_printf(out, ",\"position\":%" PRId64, position);
	buf_byte(out, '}');
}

static const char *state_name(enum player_state state)
{
	static const char *const names[] = {"idle", "playing", "stalled", "ended"};

	return names[state];
}

static void get_state(const struct sim *sim, struct reply *reply)
{
	struct buf *out = &reply->body;
	bool first = true;

	buf_printf(out, "{\"origin\":\"%s\",\"note\":", sim_origin(sim));
	json_quote(out, sim->o->origin_note, strlen(sim->o->origin_note));
	buf_printf(out,
		   ",\"player\":\"%s\",\"position\":%" PRId64 ",\"first_stamp\":%" PRId64
		   ",\"last_stamp\":%" PRId64 ",\"speed\":%" PRId64 ",\"folded\":%" PRIu64
		   ",\"fold_gaps\":%" PRIu64 ",\"fold_bad\":%" PRIu64 ",\"rewinds\":%" PRIu64
		   ",\"sessions\":[",
		   state_name(sim->player.state), sim_now(sim), sim->rec.first_stamp,
		   sim->rec.last_stamp, sim->o->speed, sim->live.lines, sim->live.gaps,
		   sim->live.bad, sim->asked.rewinds);
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++) {
		if (sim->session[i] == NULL)
			continue;
		if (!first)
			buf_byte(out, ',');
		first = false;
		print_session(sim->session[i], out);
	}
	buf_printf(out, "]}");
}

bool control_rest(struct sim *sim, const struct request *r, struct text body, struct reply *reply)
{
	bool get = text_is(r->method, "GET");

	if (!text_starts(r->path, "/nightjar/"))
		return false;
	if (wallet_control(sim, r, body, reply) || manners_control(sim, r, body, reply))
		return true;
	if (text_is(r->path, "/nightjar/fault") && text_is(r->method, "POST")) {
		post_fault(sim, body, reply);
	} else if (text_is(r->path, "/nightjar/catalog") && text_is(r->method, "POST")) {
		post_catalog(sim, body, reply);
	} else if (get && text_is(r->path, "/nightjar/truth")) {
		get_truth(sim, reply);
	} else if (get && text_is(r->path, "/nightjar/state")) {
		get_state(sim, reply);
	} else {
		reply_status(reply, 404);
		buf_printf(&reply->body, "{\"error\":\"fault (POST), catalog (POST), account, orders, truth, state\"}");
	}
	return true;
}
