/* sim - the whole simulator: what is played, to whom. */
#include "tools/venue_sim/sim.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/zfile.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/session.h"

#define SCRATCH_MAX ((size_t)40 << 20)

static int read_file(const char *path, struct buf *out, char *reason, size_t cap)
{
	struct zfile *z;
	size_t n = 1;
	int rc = zfile_open(path, &z);

	if (rc != 0) {
		snprintf(reason, cap, "%s: %s", path, err_text(rc));
		return rc;
	}
	while (rc == 0 && n > 0) {
		rc = buf_reserve(out, 65536);
		if (rc == 0)
			rc = zfile_read(z, out->at + out->len, 65536, &n);
		if (rc == 0)
			out->len += n;
	}
	zfile_close(z);
	if (rc != 0)
		snprintf(reason, cap, "%s: %s", path, err_text(rc));
	return rc;
}

static bool is_info(const struct dialect *d, struct text body)
{
	struct feed_line line = {.kind = FEED_REPLY, .raw = body, .url = TEXT("")};
	struct reply_facts facts;

	return d->reply(&line, &facts) && facts.kind == REPLY_INFO;
}

/* A raw body, or the first exchangeInfo of a recording. */
static int load_info(struct sim *sim, const char *path, char *reason, size_t cap)
{
	struct feed_source source = {.dialect = sim->dialect, .capture = path};
	struct recording rec;
	int rc = read_file(path, &sim->info, reason, cap);

	if (rc != 0 ||
	    is_info(sim->dialect, (struct text){(const char *)sim->info.at, sim->info.len}))
		return rc;
	buf_clear(&sim->info);
	rc = recording_scan(&rec, &source, sim->dialect, reason, cap);
	if (rc != 0)
		return rc;
	const struct rec_reply *reply = recording_info(&rec);
	if (reply == NULL) {
		snprintf(reason, cap, "%s: holds no exchangeInfo", path);
		rc = ERR_NOT_FOUND;
	} else {
		struct text body = recording_body(&rec, reply);
		rc = buf_append(&sim->info, body.at, body.len);
	}
	recording_fini(&rec);
	return rc;
}

static int find_info(struct sim *sim, char *reason, size_t cap)
{
	const struct rec_reply *reply = recording_info(&sim->rec);

	if (sim->o->exchange_info != NULL)
		return load_info(sim, sim->o->exchange_info, reason, cap);
	if (reply == NULL)
		return 0;
	struct text body = recording_body(&sim->rec, reply);
	return buf_append(&sim->info, body.at, body.len);
}

static void log_source(const struct sim *sim)
{
	const struct recording *r = &sim->rec;

	log_info("source",
		 "origin=%s symbols=%u streams=%u frames=%" PRIu64 " unusable=%" PRIu64
		 " replies=%zu first=%" PRId64 " last=%" PRId64,
		 sim_origin(sim), r->symbols.count, r->streams.count, r->frames, r->unusable,
		 r->replies.len / sizeof(struct rec_reply), r->first_stamp, r->last_stamp);
	if (r->replies_left > 0)
		log_warn("recorded replies beyond the limit are left out", "count=%" PRIu64,
			 r->replies_left);
	if (sim->source.capture != NULL && r->end != ERR_CLOSED)
		log_error("recording is damaged, it ends early", "reason=%s", err_text(r->end));
	bool derived = sim->source.capture != NULL && sim->info.len == 0;
	for (uint32_t i = 0; derived && i < r->symbols.count; i++) {
		const struct rec_symbol *s = strmap_value_at(&r->symbols, i);
		log_warn("filters derived from the decimals seen, not recorded",
			 "symbol=%s price_decimals=%u qty_decimals=%u", s->name, s->price_scale,
			 s->qty_scale);
	}
}

static void init_source(struct sim *sim)
{
	const struct options *o = sim->o;

	sim->market = (struct market_options){.dialect = sim->dialect,
					      .symbols = o->symbols != NULL ? o->symbols : sim->dialect->symbols,
					      .seed = o->seed,
					      .start = o->start,
					      .duration = o->duration,
					      .rate = o->rate};
	if (o->start == 0)
		sim->market.start = clock_wall(loop_clock(sim->loop));
	sim->source = (struct feed_source){.dialect = sim->dialect, .capture = o->capture, .market = &sim->market};
}

static int init_parts(struct sim *sim, char *reason, size_t cap)
{
	int64_t weight = sim->dialect->weight_a_minute;
	int rc = recording_scan(&sim->rec, &sim->source, sim->dialect, reason, cap);

	if (rc == 0)
		rc = find_info(sim, reason, cap);
	if (rc == 0)
		rc = sim->dialect->index_info(sim);
	if (rc == 0)
		rc = fold_init(&sim->live, &sim->rec, sim->dialect);
	if (rc == 0)
		rc = truth_init(&sim->truth);
	if (rc == 0)
		rc = strmap_init(&sim->renumbered, RECORDING_SYMBOLS_MAX, sizeof(uint64_t));
	if (rc == 0)
		rc = player_init(&sim->player, sim->loop, &sim->source, sim->o->speed, INT64_MIN);
	if (rc != 0)
		return rc;
	asked_init(&sim->asked, &sim->source, &sim->rec, sim->dialect);
	if (sim->o->weight_limit > 0)
		weight = sim->o->weight_limit;
	else if (sim->info.len > 0 && sim->dialect->weight_limit != NULL)
		sim->dialect->weight_limit((struct text){(const char *)sim->info.at, sim->info.len},
					   &weight);
	limits_init(&sim->limits, weight);
	if (sim->o->account != NULL && sim->dialect->tell_account == NULL) {
		snprintf(reason, cap, "--account %s: the accounts of %s are not served", sim->o->account,
			 sim->dialect->name);
		return ERR_ARG;
	}
	if (sim->o->account != NULL && (rc = wallet_open(&sim->wallet, sim->o->account, reason, cap)) != 0)
		return rc;
	if (sim->o->trading && (sim->o->account == NULL || sim->dialect != &dialect_binance_spot)) {
		snprintf(reason, cap, "--trading: needs --account, and is for BINANCE alone");
		return ERR_ARG;
	}
	if (sim->o->trading && (rc = desk_binance_open(sim)) != 0)
		return rc;
	return sim->o->faults != NULL ? faults_parse(&sim->faults, sim->o->faults, reason, cap) : 0;
}

int sim_init(struct sim *sim, const struct options *o, struct loop *l, char *reason, size_t cap)
{
	int rc;

	*sim = (struct sim){.o = o, .loop = l, .dialect = dialect_find(o->venue), .listen_fd = -1};
	reason[0] = '\0';
	buf_init(&sim->info, SIM_INFO_MAX);
	buf_init(&sim->scratch, SCRATCH_MAX);
	buf_init(&sim->rendered, SCRATCH_MAX);
	init_source(sim);
	if (sim->source.capture == NULL && sim->dialect->tell_snapshot == NULL) {
		snprintf(reason, cap, "--venue %s: there is no generated market, name a recording with --capture",
			 o->venue);
		return ERR_ARG;
	}
	rc = init_parts(sim, reason, cap);
	if (rc == 0 && o->tls_cert[0] != '\0')
		rc = tls_server_new(o->tls_cert, o->tls_key, &sim->tls, reason, cap);
	if (rc != 0) {
		if (reason[0] == '\0')
			snprintf(reason, cap, "%s", err_text(rc));
		sim_fini(sim);
		return rc;
	}
	log_source(sim);
	if (sim->source.capture == NULL)
		sim_listener(sim); /* a market does not wait for anybody */
	return 0;
}

void sim_fini(struct sim *sim)
{
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		session_free(sim->session[i]);
	player_fini(&sim->player);
	fold_fini(&sim->live);
	asked_fini(&sim->asked);
	recording_fini(&sim->rec);
	truth_fini(&sim->truth);
	strmap_fini(&sim->listed);
	strmap_fini(&sim->renumbered);
	desk_close(&sim->desk);
	manners_close(&sim->manners);
	tls_server_free(sim->tls);
	buf_fini(&sim->info);
	buf_fini(&sim->scratch);
	buf_fini(&sim->rendered);
}

const char *sim_origin(const struct sim *sim)
{
	return sim->source.capture != NULL ? "replay" : "simulated";
}

int64_t sim_now(const struct sim *sim)
{
	if (sim->player.position != INT64_MIN)
		return sim->player.position;
	return sim->rec.first_stamp;
}

void sim_drop(struct sim *sim, struct session *s)
{
	sim->session[s->slot] = NULL;
	session_free(s);
	player_wake(&sim->player); /* it may have waited for this one */
	if (sim->any_ended)
		sim_ended(sim);
}

/* ---- the shared player ---- */

/* Before a frame is played at all: at full speed everybody must have room, and somebody must be
 * there. */
static int make_way(struct sim *sim, struct text stream)
{
	bool anybody = false;

	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++) {
		struct session *s = sim->session[i];
		if (s == NULL || s->stamped || s->mode != SESSION_WS || s->conn.state != CONN_OPEN)
			continue;
		anybody = true;
		if (session_has_room(s) || !session_hears(s, stream))
			continue;
		if (sim->o->speed == 0)
			return ERR_FULL;
		session_overrun(s);
	}
	return anybody || sim->o->speed != 0 ? 0 : ERR_FULL;
}

static void play_frame(struct sim *sim, const struct feed_line *line)
{
	struct frame_facts facts = {0};
	bool heard = false;

	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++) {
		struct session *s = sim->session[i];
		if (s == NULL || s->stamped || !session_hears(s, line->stream))
			continue;
		heard = session_deliver(s, line) == 0 || heard;
	}
	if (heard || !truth_is_wanted(&sim->truth, line->stream))
		return;
	sim->truth.wall = clock_wall(loop_clock(sim->loop));
	sim->dialect->frame(line, &facts);
	truth_frame(&sim->truth, line, &facts, TRUTH_UNHEARD);
}

static int on_line(void *ctx, const struct feed_line *line)
{
	struct sim *sim = ctx;

	if (line->kind == FEED_FRAME && make_way(sim, line->stream) != 0)
		return ERR_FULL;
	fold_line(&sim->live, line);
	if (line->kind == FEED_FRAME) {
		play_frame(sim, line);
		desk_binance_line(sim, line);
		return 0;
	}
	sim->player.position = line->stamp;
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL)
			session_retry(sim->session[i]); /* a snapshot may be what a held request
							   waits for */
	return 0;
}

static void on_end(void *ctx, int err)
{
	struct sim *sim = ctx;

	if (err == ERR_CLOSED)
		log_info("recording played to its end", "last=%" PRId64, sim->rec.last_stamp);
	else
		log_error("recording cut short", "reason=%s", err_text(err));
	sim_ended(sim);
}

static const struct player_handler player_handler = {on_line, on_end, NULL};

static uint32_t streams_subscribed(const struct sim *sim)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL && sim->session[i]->mode == SESSION_WS)
			n += sim->session[i]->streams.n;
	return n;
}

void sim_listener(struct sim *sim)
{
	if (sim->player.state == PLAYER_IDLE && sim->o->start_at > 0 && streams_subscribed(sim) < sim->o->start_at)
		return;
	player_start(&sim->player, &player_handler, sim);
	player_wake(&sim->player);
}

/* A stamped client leaves by itself when it has read the end marker; the others are told. */
static bool still_here(struct session *s)
{
	if (s->mode == SESSION_WS && !s->stamped && s->sim->player.state == PLAYER_ENDED)
		session_end(s, 1001, "end of the recording");
	return s->mode != SESSION_HTTP;
}

void sim_ended(struct sim *sim)
{
	bool anybody = false;

	sim->any_ended = true;
	if (!sim->o->exit_at_end)
		return;
	for (uint32_t i = 0; i < SIM_SESSIONS_MAX; i++)
		if (sim->session[i] != NULL && still_here(sim->session[i]))
			anybody = true;
	if (!anybody)
		loop_stop(sim->loop);
}
