/* table_world - a collector core whose markets come and go, the venue that it talks to, and what both may believe. */
#ifndef NJ_TESTS_TABLE_WORLD_H
#define NJ_TESTS_TABLE_WORLD_H

#include <stdio.h>

#include "common/venue/book.h"
#include "services/collector/plan.h"
#include "tests/golden/rig.h"

#define MS 1000000LL
#define SECOND 1000000000LL
#define T0 (1784851200LL * SECOND)
#define ALL (VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM)
#define TOKENS 14
#define SPARE 8
#define EACH 3 /* markets of one connection */
#define ASKED_MAX 64

/* What the venue and the consumers know. */
static struct world {
	struct rig rig;
	int64_t now;
	bool up[COLLECTOR_CONNECTIONS_MAX], subscribed[COLLECTOR_CONNECTIONS_MAX][TOKENS];
	bool followed[TOKENS], described[TOKENS]; /* in this life */
	bool known[TOKENS];
	uint32_t adds, removes, rotations, ended, dropped, troubles;
	struct {
		uint64_t id;
		enum venue_ask ask;
		char path[2000];
	} asked[ASKED_MAX];
	uint32_t n_asked;
	struct ev_blind open[200]; /* not closed yet */
	uint32_t n_open;
	uint32_t gaps[8]; /* by repair */
	uint32_t ended_with_it; /* of cause dropped */
	bool check_instruments;
	struct buf journal;
} w;

static inline const char *name(uint32_t token)
{
	static char names[TOKENS][8];

	snprintf(names[token], sizeof(names[0]), "9%02u", token);
	return names[token];
}

static uint32_t token_of(const char *raw)
{
	return (uint32_t)strtoul(raw + 1, NULL, 10);
}

/* ---- actions and events ---- */

static inline void on_request(void *ctx, const struct collector_request *r)
{
	rig_request(ctx, r);
	assert_true(w.n_asked < ASKED_MAX);
	w.asked[w.n_asked].id = r->id;
	w.asked[w.n_asked].ask = r->ask;
	snprintf(w.asked[w.n_asked++].path, sizeof(w.asked[0].path), "%s", r->path);
}

static inline void on_add(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	(void)ctx;
	assert_true(w.up[connection] && feed->n > 0);
	for (uint32_t i = 0; i < feed->n; i++) {
		bool *is = &w.subscribed[connection][token_of(feed->markets[i]->raw)];
		assert_false(*is); /* nothing is said twice */
		*is = true;
	}
	w.adds++;
}

static inline void on_remove(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	(void)ctx;
	assert_true(w.up[connection] && feed->n > 0);
	for (uint32_t i = 0; i < feed->n; i++) {
		bool *is = &w.subscribed[connection][token_of(feed->markets[i]->raw)];
		assert_true(*is);
		*is = false;
	}
	w.removes++;
}

static inline void on_rotate(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	(void)connection;
	(void)reason;
	w.rotations++;
}

static inline void on_trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	(void)ctx;
	(void)m;
	assert_non_null(text);
	w.troubles += on ? 1 : 100;
}

static inline void on_gap(const struct ev_gap *g)
{
	for (uint32_t i = 0; i < w.n_open; i++) {
		const struct ev_blind *b = &w.open[i];
		if (b->connection != g->connection || b->from != g->from || strcmp(b->stream, g->stream) != 0 ||
		    !symbol_equal(&b->instrument, &g->instrument))
			continue;
		w.open[i] = w.open[--w.n_open];
		break; /* streams of a connection are opened by the record of all of it */
	}
	assert_true(g->to >= g->from);
	w.gaps[g->repair] += g->cause != gap_cause_dropped;
	w.ended_with_it += g->cause == gap_cause_dropped;
}

static uint32_t subject_of(const struct event *ev)
{
	const struct field_row *f = event_field(event_row(ev->id), "instrument", strlen("instrument"));
	const struct symbol *s = f != NULL ? event_field_at(ev, f) : NULL;

	return s != NULL && s->s[0] != '\0' ? token_of(s->s) : TOKENS;
}

static inline void on_following(const struct event *ev, uint32_t token)
{
	if (ev->following.streams[0] != '\0') {
		assert_false(w.followed[token]);
		assert_true(ev->following.joined != 0 && ev->following.joined <= ev->ts_recv);
		w.followed[token] = w.known[token] = true;
		return;
	}
	assert_true(w.known[token]);
	w.followed[token] = w.known[token] = w.described[token] = false;
	w.dropped++;
	for (uint32_t i = 0; i < w.n_open; i++)
		assert_false(symbol_equal(&w.open[i].instrument, &ev->following.instrument));
}

static inline void watch(void *ctx, const struct event *ev)
{
	uint32_t token = subject_of(ev);

	(void)ctx;
	switch (ev->id) {
	case EVENT_following:
		on_following(ev, token);
		break;
	case EVENT_blind:
		assert_true(w.n_open < 200);
		w.open[w.n_open++] = ev->blind;
		break;
	case EVENT_gap:
		on_gap(&ev->gap);
		break;
	case EVENT_feed_state:
		w.ended += ev->feed_state.state == feed_ended;
		break;
	case EVENT_instrument:
		w.described[token] = true;
		break;
	case EVENT_trade:
	case EVENT_top:
	case EVENT_book_snapshot:
	case EVENT_book_delta:
		assert_true(w.followed[token]);
		assert_true(w.described[token] || !w.check_instruments);
		break;
	default:
		break;
	}
	if (event_row(ev->id)->lane == LANE_X) {
		static uint8_t packed[EVENT_PACKED_MAX];
		int n = codec_pack(ev, packed, sizeof(packed));
		assert_int_equal(buf_append(&w.journal, packed, (size_t)n), 0);
	}
}

/* ---- doing ---- */

static inline void settings(struct collector_core_settings *s, const char *venue)
{
	collector_core_defaults(s, venue_find(venue, strlen(venue)));
	s->spare = SPARE;
	s->describe_ns = 0;
	s->stale_ns = 3600 * SECOND;
	s->ask_pace_ns = MS;
	s->silence_ns = 3600 * SECOND;
	s->book_levels = s->snapshot_limit = 50;
	s->publish_levels = 50;
	s->klines_limit = 0;
}

static inline void new_core(struct rig *r)
{
	assert_int_equal(collector_core_new(&r->set, &r->actions, &r->core), 0);
}

static inline int begin_with(const char *venue, const struct collector_market *fixed, uint32_t n)
{
	struct collector_core_settings s;
	struct rig *r = &w.rig;

	memset(&w, 0, sizeof(w));
	settings(&s, venue);
	s.markets = fixed;
	s.n_markets = n;
	r->set = s;
	r->sink = (struct sink){r, rig_emit};
	r->actions = (struct collector_actions){.ctx = r,
						.request = on_request,
						.reconnect = rig_reconnect,
						.rotate = on_rotate,
						.add = on_add,
						.remove = on_remove,
						.trouble = on_trouble};
	r->on_event = watch;
	buf_init(&r->out, (size_t)1 << 30);
	buf_init(&w.journal, (size_t)1 << 28);
	new_core(r);
	w.now = T0;
	w.check_instruments = true;
	collector_core_start(r->core, w.now, &r->sink);
	return 0;
}

static inline int begin(void **state)
{
	(void)state;
	return begin_with("POLYMARKET", NULL, 0);
}

static inline int end(void **state)
{
	(void)state;
	rig_close(&w.rig);
	buf_fini(&w.journal);
	return 0;
}

static inline void pass(int64_t ns)
{
	w.now += ns;
	rig_timers(&w.rig, w.now + 1);
}

static inline int follow(uint32_t token)
{
	struct collector_load load[COLLECTOR_CONNECTIONS_MAX];
	struct collector_market rows[COLLECTOR_GROUPS_MAX];
	struct plan plan = {.venue = w.rig.set.venue, .streams = ALL, .streams_max = 3 * EACH};
	uint32_t n;

	rig_timers(&w.rig, w.now);
	collector_core_loads(w.rig.core, load);
	assert_int_equal(plan_place(&plan, load, name(token), rows, &n), 0);
	return collector_core_follow(w.rig.core, w.now, rows, n, &w.rig.sink);
}

/* Closes a connection on which nothing is left, as the shell does. */
static inline bool drop(uint32_t token)
{
	struct collector_load load[COLLECTOR_CONNECTIONS_MAX];

	rig_timers(&w.rig, w.now);
	bool followed = collector_core_drop(w.rig.core, w.now, name(token), &w.rig.sink);
	collector_core_loads(w.rig.core, load);
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		if (load[i].markets > 0 || !w.up[i])
			continue;
		w.up[i] = false;
		memset(w.subscribed[i], 0, sizeof(w.subscribed[i]));
	}
	return followed;
}

static inline void change(uint32_t connection, enum feed state)
{
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct collector_change c = {.now = w.now, .connection = connection, .state = state, .reason = "test"};

	rig_timers(&w.rig, w.now);
	if (state == feed_live) {
		c.state = feed_connecting;
		collector_core_on_connection(w.rig.core, &c, &w.rig.sink);
		c.state = feed_live;
	}
	w.up[connection] = state == feed_live;
	memset(w.subscribed[connection], 0, sizeof(w.subscribed[connection]));
	collector_core_feed(w.rig.core, connection, markets, &feed);
	for (uint32_t i = 0; w.up[connection] && i < feed.n; i++)
		w.subscribed[connection][token_of(feed.markets[i]->raw)] = true;
	collector_core_on_connection(w.rig.core, &c, &w.rig.sink);
}

/* Opens what is wanted, as the shell does. */
static inline void tend(void)
{
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++)
		if (collector_core_carries(w.rig.core, i) && !w.up[i])
			change(i, feed_live);
}

static inline void describe(uint32_t token, char *out, size_t cap)
{
	snprintf(out, cap,
		 "{\"conditionId\":\"0x%02u\",\"question\":\"Q\",\"clobTokenIds\":\"[\\\"%s\\\"]\","
		 "\"outcomes\":\"[\\\"Yes\\\"]\",\"orderPriceMinTickSize\":0.01,\"orderMinSize\":5,"
		 "\"active\":true,\"closed\":false,\"negRisk\":false}",
		 token, name(token));
}

static inline void reply_nth(uint32_t i, int status, const char *body)
{
	uint64_t id = w.asked[i].id;

	w.asked[i] = w.asked[--w.n_asked];
	rig_reply_to(&w.rig, w.now, id, status, body);
}

/* The description of all that the request names, or a book. */
static inline void answer_nth(uint32_t i, int status)
{
	char body[8000] = "[", one[600];

	if (w.asked[i].ask == VENUE_ASK_SNAPSHOT) {
		const char *token = strstr(w.asked[i].path, "token_id=") + 9;
		snprintf(body, sizeof(body),
			 "{\"market\":\"0x1\",\"asset_id\":\"%s\",\"timestamp\":\"%lld\",\"hash\":\"\","
			 "\"bids\":[{\"price\":\"0.4\",\"size\":\"5\"}],\"asks\":[{\"price\":\"0.6\",\"size\":\"7\"}]}",
			 token, (long long)(w.now / MS));
		reply_nth(i, status, body);
		return;
	}
	for (uint32_t t = 0; t < TOKENS; t++) {
		if (strstr(w.asked[i].path, name(t)) == NULL)
			continue;
		describe(t, one, sizeof(one));
		snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s%s", body[1] != '\0' ? "," : "", one);
	}
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "]");
	reply_nth(i, status, body);
}

static inline void answer_all(int status)
{
	while (w.n_asked > 0)
		answer_nth(0, status);
}

static inline void frame(uint32_t connection, const char *text)
{
	struct collector_frame f = {.now = w.now, .connection = connection, .text = text, .len = strlen(text)};

	rig_timers(&w.rig, w.now);
	if (w.up[connection])
		collector_core_on_frame(w.rig.core, &f, &w.rig.sink);
}

static inline void book(uint32_t connection, uint32_t token, int64_t price)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "[{\"market\":\"0x1\",\"asset_id\":\"%s\",\"timestamp\":\"%lld\",\"hash\":\"\",\"bids\":"
		 "[{\"price\":\"0.%02d\",\"size\":\"5\"}],\"asks\":[{\"price\":\"0.99\",\"size\":\"5\"}],"
		 "\"event_type\":\"book\"}]",
		 name(token), (long long)(w.now / MS), (int)price);
	frame(connection, text);
}

static inline void change_level(uint32_t connection, uint32_t token, int64_t price, int64_t size)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"market\":\"0x1\",\"price_changes\":[{\"asset_id\":\"%s\",\"price\":\"0.%02d\",\"size\":\"%d\","
		 "\"side\":\"BUY\",\"hash\":\"\"}],\"timestamp\":\"%lld\",\"event_type\":\"price_change\"}",
		 name(token), (int)price, (int)size, (long long)(w.now / MS));
	frame(connection, text);
}

static inline void trade(uint32_t connection, uint32_t token)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"market\":\"0x1\",\"asset_id\":\"%s\",\"price\":\"0.5\",\"size\":\"1\",\"side\":\"BUY\","
		 "\"timestamp\":\"%lld\",\"event_type\":\"last_trade_price\"}",
		 name(token), (long long)(w.now / MS));
	frame(connection, text);
}

static inline enum book_state state_of(uint32_t token)
{
	enum book_state state = book_state_none;

	return collector_core_book(w.rig.core, name(token), &state) != NULL ? state : book_state_none;
}

static uint32_t came(void)
{
	uint32_t n = 0;

	while (collector_core_came(w.rig.core, n) != NULL)
		n++;
	return n;
}

/* ---- another life ---- */

/* Only the journal is left, or a snapshot and all of the journal: the same markets either way. */
static inline void live_again(bool snapshot)
{
	static uint8_t bytes[ARENA_SIZE];
	struct arena arena = {.cap = sizeof(bytes), .at = bytes};
	struct buf saved;

	buf_init(&saved, (size_t)1 << 24);
	assert_int_equal(collector_core_save(w.rig.core, &saved), 0);
	collector_core_free(w.rig.core);
	new_core(&w.rig);
	if (snapshot)
		assert_int_equal(collector_core_load(w.rig.core, saved.at, saved.len), 0);
	for (size_t at = 0, used = 0; !snapshot && at < w.journal.len; at += used) {
		struct event ev;
		arena.used = 0;
		assert_int_equal(codec_unpack(w.journal.at + at, w.journal.len - at, &arena, &ev, &used), 0);
		collector_core_on_own(w.rig.core, &ev);
	}
	buf_fini(&saved);
	memset(w.followed, 0, sizeof(w.followed));
	memset(w.described, 0, sizeof(w.described));
	memset(w.up, 0, sizeof(w.up));
	memset(w.subscribed, 0, sizeof(w.subscribed));
	w.check_instruments = false; /* said in the life before */
	w.n_asked = 0;
	w.now += SECOND;
	collector_core_resume(w.rig.core, w.now, &w.rig.sink);
	collector_core_start(w.rig.core, w.now, &w.rig.sink);
}

#endif
