/* test_shell - the shell around the core, in process: sleep comes before what it delayed, answers after the call. */
#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"
#include "common/io/ws_frame.h"
#include "services/collector/shell.h"
#include "tests/unit/io/peer.h"

#define T0 (INT64_C(1700000040) * NS_PER_S)
#define TOLD_MAX 64
static const char trade[] =
	"{\"e\":\"trade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"100.00\",\"q\":\"1.0\","
	"\"T\":1700000040000,\"m\":false,\"M\":true}";
static const struct collector_market one[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
static const uint16_t pubs[] = {EVENT_alert, 0};
static const struct service service = {.name = "collector", .pubs = pubs};

struct world {
	struct clock_sim clock;
	struct runtime rt;
	struct bus_hub *hub;
	struct shell s;
	char dir[64];
	struct event told[TOLD_MAX];
	uint32_t n_told;
};

static void keep(void *ctx, struct event *ev)
{
	struct world *w = ctx;
	assert_true(w->n_told < TOLD_MAX);
	w->told[w->n_told++] = *ev;
}

/* What the core asks for, from inside its own call. */
static void request(void *ctx, const struct collector_request *r)
{
	struct world *w = ctx;
	uint32_t told = w->n_told;
	uint64_t replies = collector_core_counters(w->s.core)->replies;
	requests_send(&w->s, r);
	assert_int_equal(w->n_told, told);
	assert_int_equal(collector_core_counters(w->s.core)->replies, replies);
}

static void reconnect(void *ctx, uint32_t connection, const char *reason)
{
	struct world *w = ctx;
	connection_reconnect(&w->s, connection, reason);
}

static int setup(void **state)
{
	struct world *w = *state = calloc(1, sizeof *w);
	char reason[200];
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-shell-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	clock_sim_init(&w->clock, T0);
	w->rt.s = &service;
	assert_int_equal(strmap_init(&w->rt.alerts, RUNTIME_ALERTS_MAX, 1), 0);
	assert_int_equal(loop_new(&w->clock.clock, &w->rt.loop), 0);
	assert_int_equal(bus_hub_new(&w->hub), 0);
	assert_int_equal(bus_mem_open(w->hub, &follow_bus_handler, &w->rt, &w->rt.bus), 0);
	w->rt.run.snapshot_events = INT64_MAX;
	struct outbox_options o = {.source = "collector", .dir = w->dir, .clock = &w->clock.clock};
	assert_int_equal(outbox_open(&w->rt.outbox, w->rt.bus, &o, reason, sizeof reason), 0);
	struct shell *s = &w->s;
	s->rt = &w->rt;
	s->venue = venue_find("BINANCE", strlen("BINANCE"));
	assert_non_null(s->venue);
	s->sink = (struct sink){.ctx = w, .emit = keep};
	s->set.backoff_min_ns = s->set.backoff_max_ns = 3600 * NS_PER_S;
	snprintf(s->set.stream_url, sizeof s->set.stream_url, "ws://127.0.0.1:1/");
	snprintf(s->set.rest_url, sizeof s->set.rest_url, "http://203.0.113.1");
	struct collector_core_settings set;
	collector_core_defaults(&set, s->venue);
	set.markets = one;
	set.n_markets = 1;
	set.origin = origin_simulated;
	struct collector_actions actions = {.ctx = w, .request = request, .reconnect = reconnect};
	assert_int_equal(collector_core_new(&set, &actions, &s->core), 0);
	assert_int_equal(connection_init(s), 0);
	assert_int_equal(http_open(w->rt.loop, &(struct http_options){.user_agent = "nightjar/test"}, &s->http), 0);
	return 0;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;
	connection_fini(&w->s);
	http_close(w->s.http);
	requests_fini(&w->s);
	collector_core_free(w->s.core);
	outbox_close(&w->rt.outbox);
	bus_close(&w->rt.bus);
	bus_hub_free(w->hub);
	loop_free(w->rt.loop);
	strmap_fini(&w->rt.alerts);
	assert_int_equal(nftw(w->dir, discard, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(w);
	return 0;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* What was deferred runs, and what is due. */
static void turn(struct world *w)
{
	struct loop_source *soon;
	assert_int_equal(loop_timer(w->rt.loop, 0, 0, stop, w->rt.loop, &soon), 0);
	assert_int_equal(loop_run(w->rt.loop), 0);
}

static uint32_t count(const struct world *w, uint16_t id)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < w->n_told; i++)
		n += w->told[i].id == id;
	return n;
}

static const struct event *last(const struct world *w, uint16_t id)
{
	for (uint32_t i = w->n_told; i > 0; i--)
		if (w->told[i - 1].id == id)
			return &w->told[i - 1];
	return NULL;
}

static void frame(struct world *w, int id)
{
	char text[300];
	int n = snprintf(text, sizeof text, trade, id);
	pump_live_frame(&w->s.line[0], text, (size_t)n);
}

static void be_live(struct world *w)
{
	struct line *l = &w->s.line[0];
	clocks_look(&w->s);
	connection_set_origin(l, origin_simulated);
	struct collector_change open = {.now = pump_now(&w->s), .state = feed_live};
	collector_core_on_connection(w->s.core, &open, &w->s.sink);
	l->open_at = 1;
	l->told_live = true;
	frame(w, 1);
	assert_int_equal(count(w, EVENT_trade), 1);
	w->n_told = 0;
}

/* ---- sleep ---- */

static void a_frame_after_sleep_finds_it_told(void **state)
{
	struct world *w = *state;
	be_live(w);
	int64_t before = w->s.now;
	clock_sim_sleep(&w->clock, 3600 * NS_PER_S);
	frame(w, 2);
	assert_int_equal(w->s.counters.sleeps, 1);
	assert_int_equal(collector_core_counters(w->s.core)->silences, 0);
	assert_int_equal(collector_core_counters(w->s.core)->disconnects, 1);
	assert_int_equal(count(w, EVENT_trade), 0);
	assert_int_equal(count(w, EVENT_feed_state), 1);
	const struct event *lost = last(w, EVENT_feed_state), *blind = last(w, EVENT_blind);
	assert_int_equal(lost->feed_state.state, feed_lost);
	assert_string_equal(lost->feed_state.reason, "the machine slept for 3600 s");
	assert_int_equal(lost->ts_recv, before);
	assert_int_equal(blind->blind.cause, gap_cause_suspend);
	assert_int_equal(blind->blind.from, before);
	/* The tick that comes behind it knows, and what is left in the buffers is of before. */
	clocks_look(&w->s);
	frame(w, 3);
	turn(w);
	assert_int_equal(w->s.counters.sleeps, 1);
	assert_int_equal(collector_core_counters(w->s.core)->disconnects, 1);
	assert_int_equal(count(w, EVENT_trade), 0);
}

static void lose(struct world *w, const char *reason, int64_t wait_ns)
{
	struct collector_change lost = {.now = pump_now(&w->s), .state = feed_lost, .reason = reason};
	collector_core_on_connection(w->s.core, &lost, &w->s.sink);
	w->s.line[0].told_live = false;
	connection_again(&w->s.line[0], reason, wait_ns);
	w->n_told = 0;
}

static void a_wait_that_the_venue_named_outlasts_sleep(void **state)
{
	struct world *w = *state;
	struct line *l = &w->s.line[0];
	be_live(w);
	l->barred_until = 120 * NS_PER_S; /* by the clock that counts sleep, which began at zero */
	lose(w, "too many requests", 120 * NS_PER_S);
	clock_sim_sleep(&w->clock, 60 * NS_PER_S);
	clocks_look(&w->s);
	turn(w);
	clock_sim_advance(&w->clock, NS_PER_S);
	turn(w);
	assert_int_equal(count(w, EVENT_feed_state), 0);
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	turn(w);
	assert_int_equal(last(w, EVENT_feed_state)->feed_state.state, feed_connecting);
}

static void without_such_a_wait_it_is_renewed_at_once(void **state)
{
	struct world *w = *state;
	be_live(w);
	lose(w, "gone", -1);
	clock_sim_sleep(&w->clock, 60 * NS_PER_S);
	clocks_look(&w->s);
	turn(w);
	clock_sim_advance(&w->clock, NS_PER_S);
	turn(w);
	assert_int_equal(last(w, EVENT_feed_state)->feed_state.state, feed_connecting);
}

/* The venue's address for requests, where nobody answers yet. */
static int listen_for(struct world *w)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(w->s.set.rest_url, sizeof w->s.set.rest_url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

/* A venue that never answers: the question under way is not forgotten for a later one. */
static void the_venues_time_is_asked_once_at_a_time(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);
	clocks_start(&w->s);
	clock_sim_advance(&w->clock, 5 * NS_PER_S);
	turn(w);
	assert_int_equal(w->s.counters.http_requests, 1);
	int64_t asked_at = w->s.asked_time_at;
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	turn(w);
	assert_int_equal(w->s.counters.http_requests, 1);
	assert_int_equal(w->s.asked_time_at, asked_at);
	clocks_stop(&w->s);
	close(fd);
}

/* The venue's answer to the question that is under way, until it was heard: this is another then. */
static void answer(struct world *w, int fd, const uint64_t *heard, const char *reply)
{
	char request[2048];
	uint64_t before = *heard;
	int peer = -1;
	ssize_t got = 0;

	for (int i = 0; i < 20000 && *heard == before; i++) {
		turn(w);
		(void)poll(&(struct pollfd){.fd = peer < 0 ? fd : peer, .events = POLLIN}, 1, 1);
		if (peer < 0)
			peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer < 0 || got > 0 || (got = recv(peer, request, sizeof request, 0)) <= 0)
			continue;
		assert_int_equal(send(peer, reply, strlen(reply), MSG_NOSIGNAL), strlen(reply));
	}
	assert_true(*heard != before);
	close(peer);
}

/* Its clock differs from ours by this much. Headers of its own end with CRLF, each. */
static void tell_time(struct world *w, int fd, int64_t ms, const char *headers)
{
	char body[64], reply[256];

	snprintf(body, sizeof body, "{\"serverTime\":%lld}",
		 (long long)(clock_wall(&w->clock.clock) / NS_PER_MS - ms));
	snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
		 headers, strlen(body), body);
	answer(w, fd, &w->s.counters.clock_answers, reply);
}

static bool raised(struct world *w, const char *key)
{
	const uint8_t *state = strmap_get(&w->rt.alerts, key, strlen(key));
	return state != NULL && *state != 0;
}

/* A warning from 250 ms, an alert from a second; each ends by itself, and none is about a simulator's clock. */
static void people_hear_of_a_clock_that_is_off(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t ms;
		enum origin origin;
		bool warned, alerted;
	} rows[] = {
		{0, origin_live, false, false},         {240, origin_live, false, false},
		{260, origin_live, true, false},        {-1100, origin_live, true, true},
		{-900, origin_live, true, false},       {1, origin_live, false, false},
		{9000, origin_simulated, false, false},
	};
	int fd = listen_for(w);

	clocks_start(&w->s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		w->s.line[0].origin = (uint8_t)rows[i].origin;
		clock_sim_advance(&w->clock, 60 * NS_PER_S);
		tell_time(w, fd, rows[i].ms, "");
		int64_t seen = w->s.counters.clock_offset + NS_PER_MS / 2; /* whole milliseconds mean their middle */
		assert_int_equal(seen / NS_PER_MS, rows[i].ms);
		assert_int_equal(raised(w, "clock_offset|BINANCE"), rows[i].warned);
		assert_int_equal(raised(w, "clock_far|BINANCE"), rows[i].alerted);
	}
	clocks_stop(&w->s);
	close(fd);
}

/* Weight that somebody else at this address has used: our requests wait for the next minute. The headers of a recording
 * are of another time. */
static void what_a_reply_says_of_the_budget_is_heard(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);

	clocks_start(&w->s);
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	tell_time(w, fd, 0, "X-MBX-USED-WEIGHT: 9\r\nX-MBX-USED-WEIGHT-1M: 4799\r\n");
	struct collector_budget b = collector_core_budget(w->s.core);
	assert_int_equal(b.used, 4799);
	assert_int_equal(b.limit, 6000);
	assert_int_equal(b.holds, 0);
	w->s.set.stamped = true;
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	tell_time(w, fd, 0, "X-MBX-USED-WEIGHT-1M: 5000\r\n");
	assert_int_equal(collector_core_budget(w->s.core).used, 4799);
	w->s.set.stamped = false;
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	int64_t now = clock_wall(&w->clock.clock);
	tell_time(w, fd, 0, "x-mbx-used-weight-1m: 5000\r\n");
	b = collector_core_budget(w->s.core);
	assert_int_equal(b.used, 5000);
	assert_int_equal(b.holds, 1);
	assert_int_equal(b.held_until, now - now % (60 * NS_PER_S) + 61 * NS_PER_S);
	clocks_stop(&w->s);
	close(fd);
}

/* A question by the core, as requests.c hears of its reply; what follows it is asked by requests_send, too. */
static void what_the_cores_replies_say_of_the_budget_is_heard(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);

	collector_core_start(w->s.core, pump_now(&w->s), &w->s.sink);
	assert_int_equal(w->s.counters.http_requests, 1);
	answer(w, fd, &collector_core_counters(w->s.core)->replies,
	       "HTTP/1.1 500 Trouble\r\nConnection: close\r\nX-MBX-USED-WEIGHT-1M: 4799\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(collector_core_budget(w->s.core).used, 4799);
	close(fd);
}

/* 418 to the clock's own question: for as long as it says nobody asks, the clock included. */
static void a_refusal_of_the_clocks_question_is_obeyed(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);
	uint64_t asked = 0;

	clocks_start(&w->s);
	clock_sim_advance(&w->clock, 5 * NS_PER_S);
	turn(w);
	assert_int_equal(w->s.counters.http_requests, ++asked);
	int64_t now = clock_wall(&w->clock.clock);
	answer(w, fd, (const uint64_t *)&w->s.asked_time_at,
	       "HTTP/1.1 418 Banned\r\nConnection: close\r\nRetry-After: 121\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(collector_core_blocked(w->s.core), now + 121 * NS_PER_S);
	for (int minute = 0; minute < 2; minute++) {
		clock_sim_advance(&w->clock, 60 * NS_PER_S);
		turn(w);
		assert_int_equal(w->s.counters.http_requests, asked);
	}
	collector_core_start(w->s.core, pump_now(&w->s), &w->s.sink);
	assert_int_equal(w->s.counters.http_requests, asked);
	clock_sim_advance(&w->clock, 60 * NS_PER_S);
	turn(w);
	assert_int_equal(w->s.counters.http_requests, ++asked);
	clocks_stop(&w->s);
	close(fd);
}

static void no_alert(void *ctx, enum severity severity, bool raised, const char *rule, const char *text)
{
	(void)ctx, (void)severity, (void)rule, (void)text;
	assert_false(raised);
}

static void the_account_is_not_asked_for_while_the_venue_refuses(void **state)
{
	struct world *w = *state;
	struct holdings_settings set = {
		.account = "mine", .venue = w->s.venue, .every_ns = 60 * NS_PER_S, .stale_ns = 3600 * NS_PER_S};
	struct holdings *h = w->s.account.holdings = malloc(sizeof *h);
	int64_t now = pump_now(&w->s);

	assert_non_null(h);
	holdings_init(h, &set, no_alert, NULL);
	holdings_start(h, now, &w->s.sink);
	assert_true(holdings_due(h) <= now);
	collector_core_on_status(w->s.core, now, 418, 120 * NS_PER_S);
	holdings_sync_tick(&w->s);
	assert_false(h->asked);
	assert_int_equal(holdings_due(h), now + 120 * NS_PER_S);
	holdings_sync_close(&w->s);
}

/* The scan of what a venue lists. */
static void listings_are_not_asked_for_while_the_venue_refuses(void **state)
{
	struct world *w = *state;
	struct markets_counters n;
	char reason[200];

	w->s.venue = venue_find("POLYMARKET", strlen("POLYMARKET"));
	w->s.set.scan = true;
	snprintf(w->s.set.venue, sizeof w->s.set.venue, "POLYMARKET");
	snprintf(w->s.set.streams, sizeof w->s.set.streams, "trade");
	w->s.set.scan_markets = 1;
	w->s.set.scan_every_ns = 60 * NS_PER_S;
	collector_core_on_status(w->s.core, pump_now(&w->s), 429, 120 * NS_PER_S);
	assert_int_equal(markets_new(&w->s, reason, sizeof reason), 0);
	markets_start(&w->s);
	clock_sim_advance(&w->clock, 119 * NS_PER_S);
	markets_tick(&w->s);
	markets_count(&w->s, &n);
	assert_int_equal(n.failures, 0); /* nobody has failed: it was not asked */
	assert_int_equal(w->s.counters.http_requests, 0);
	for (int i = 0; i < 3; i++) {
		clock_sim_advance(&w->clock, 10 * NS_PER_S);
		markets_tick(&w->s);
	}
	assert_true(w->s.counters.http_requests > 0);
	markets_free(&w->s);
}

/* What the venue states, half of it; a setting goes before either figure. */
static void tries_are_counted_in_the_window_of_the_settings(void **state)
{
	struct world *w = *state;

	dial_init(&w->s);
	assert_int_equal(w->s.attempts.limit, w->s.venue->attempts_max / 2);
	assert_int_equal(w->s.attempts.window_ns, w->s.venue->attempts_ns);
	w->s.set.connect_limit = 2;
	w->s.set.connect_window_ns = 10 * NS_PER_S;
	dial_init(&w->s);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dial_wait(&w->s), 0);
		attempts_note(&w->s.attempts, clock_mono(&w->clock.clock));
	}
	assert_int_equal(dial_wait(&w->s), 10 * NS_PER_S);
	clock_sim_advance(&w->clock, 9 * NS_PER_S);
	assert_int_equal(dial_wait(&w->s), NS_PER_S);
	clock_sim_advance(&w->clock, NS_PER_S);
	assert_int_equal(dial_wait(&w->s), 0);
	w->s.set.connect_limit = 0;
	w->s.set.connect_window_ns = 0;
}

/* ---- what people hear of a feed that is lost ---- */

struct alerts {
	uint32_t raised, resolved;
	char text[EVENT_TEXT_MAX]; /* of the last */
};

static bool on_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	struct alerts *seen = ctx;
	struct event ev;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len, used;
	static uint8_t room[ARENA_SIZE];
	struct arena arena = {.cap = sizeof room, .at = room};
	(void)seq;
	assert_int_equal(codec_split(bytes, len, &topic, &topic_len, &body, &body_len), 0);
	assert_int_equal(codec_unpack(body, body_len, &arena, &ev, &used), 0);
	if (ev.id != EVENT_alert)
		return true;
	assert_string_equal(ev.alert.rule, "feed_lost");
	assert_int_equal(ev.alert.severity, severity_critical);
	*(ev.alert.state == alert_state_raised ? &seen->raised : &seen->resolved) += 1;
	snprintf(seen->text, sizeof seen->text, "%s", ev.alert.message);
	return true;
}

static struct alerts alerts(struct world *w)
{
	struct alerts seen = {0};
	uint64_t next;
	assert_int_equal(journal_flush(w->rt.outbox.journal, 60 * NS_PER_S), 0);
	assert_int_equal(journal_read(w->rt.outbox.journal, 1, 0, on_record, &seen, &next), 0);
	return seen;
}

static void serve(struct peer_conn *p, void *ctx)
{
	char head[4096], key[64], accept[29];
	(void)ctx;
	if (!peer_head(p, head, sizeof head) || !peer_header(head, "Sec-WebSocket-Key", key, sizeof key))
		return;
	ws_accept_key(key, accept);
	peer_printf(p,
		    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\n",
		    accept);
	peer_drain(p);
}

/* The next try, and what becomes of it. */
static void try_again(struct world *w, const char *url, const char *ca_file)
{
	struct line *l = &w->s.line[0];
	uint64_t failures = w->s.counters.connect_failures;
	snprintf(w->s.set.stream_url, sizeof w->s.set.stream_url, "%s", url);
	snprintf(w->s.set.ca_file, sizeof w->s.set.ca_file, "%s", ca_file);
	connection_open(l);
	for (int i = 0; i < 20000 && l->open_at == 0 && w->s.counters.connect_failures == failures; i++) {
		turn(w);
		(void)poll(NULL, 0, 1);
	}
	connection_look(&w->s);
}

/* A name that nobody has, then somebody else's certificate, then the venue: one alert with the first reason and what
 * to do, and its end once the venue has stayed. The name is too long for DNS, so none is asked. */
static void a_feed_that_cannot_be_had_is_one_alert(void **state)
{
	struct world *w = *state;
	struct peer_cert own, other;
	static struct peer peer;
	char url[64];
	peer_cert_make(&own, "IP:127.0.0.1");
	peer_cert_make(&other, "DNS:example.com");
	peer_use_tls(&peer, &own);
	peer_start(&peer, serve, NULL);
	snprintf(url, sizeof url, "wss://127.0.0.1:%u", peer.port);
	notice_init(&w->s.notice, 120 * NS_PER_S);
	dial_init(&w->s);
	w->s.started = true;

	try_again(w, "wss://a-name-of-more-than-the-sixty-three-bytes-that-are-allowed-for-one-label.invalid", "");
	assert_int_equal(alerts(w).raised, 1);
	assert_non_null(strstr(alerts(w).text, "resolve host"));
	assert_non_null(strstr(alerts(w).text, "; check DNS and the network"));
	for (int i = 0; i < 3; i++) {
		clock_sim_advance(&w->clock, 30 * NS_PER_S);
		try_again(w, url, other.path);
		assert_int_equal(w->s.line[0].open_at, 0);
	}
	assert_int_equal(alerts(w).raised, 1);
	assert_int_equal(alerts(w).resolved, 0);

	clock_sim_advance(&w->clock, 30 * NS_PER_S);
	try_again(w, url, own.path);
	assert_true(w->s.line[0].open_at != 0);
	clock_sim_advance(&w->clock, 119 * NS_PER_S);
	connection_look(&w->s);
	assert_int_equal(alerts(w).resolved, 0);
	clock_sim_advance(&w->clock, NS_PER_S);
	for (int i = 0; i < 2; i++)
		connection_look(&w->s);
	assert_int_equal(alerts(w).raised, 1);
	assert_int_equal(alerts(w).resolved, 1);
	assert_string_equal(alerts(w).text, "back for 2 min 0 s; it was lost for 2 min 0 s");

	connection_close(&w->s.line[0]);
	peer_stop(&peer);
	peer_cert_free(&own);
	peer_cert_free(&other);
}

static void a_certificate_of_somebody_else_is_told_with_what_to_do(void **state)
{
	struct world *w = *state;
	struct peer_cert other;
	static struct peer peer;
	char url[64];
	peer_cert_make(&other, "DNS:example.com");
	peer_use_tls(&peer, &other);
	peer_start(&peer, serve, NULL);
	snprintf(url, sizeof url, "wss://127.0.0.1:%u", peer.port);
	dial_init(&w->s);
	w->s.started = true;
	try_again(w, url, other.path);
	assert_int_equal(alerts(w).raised, 1);
	assert_non_null(strstr(alerts(w).text, "; check collector.ca_file, the clock, who answers there"));
	peer_stop(&peer);
	peer_cert_free(&other);
}

/* What an earlier life has left open ends once the feed has stayed, and is not raised again. */
static void what_an_earlier_life_has_raised_ends(void **state)
{
	static const char *const standing[] = {CONNECTION_ALERT, NULL};
	struct service with = service;
	struct world *w = *state;
	struct ev_alert left = {.state = alert_state_raised, .rule = CONNECTION_ALERT, .subject = "BINANCE"};
	with.standing = standing;
	w->rt.s = &with;
	runtime_recall_alert(&w->rt, &left);
	w->s.set.candles_only = true;
	connection_polled(&w->s, &(struct ev_feed_state){.state = feed_lost, .reason = "no answer"});
	assert_true(w->s.unheard);
	assert_int_equal(alerts(w).raised, 0);
	connection_polled(&w->s, &(struct ev_feed_state){.state = feed_live});
	assert_false(w->s.unheard);
	connection_look(&w->s);
	assert_int_equal(alerts(w).resolved, 1);
	connection_look(&w->s);
	assert_int_equal(alerts(w).resolved, 1);
}

/* ---- requests ---- */

static void a_request_that_cannot_begin_is_answered_later(void **state)
{
	struct world *w = *state;
	collector_core_start(w->s.core, pump_now(&w->s), &w->s.sink); /* request() looks */
	assert_int_equal(collector_core_counters(w->s.core)->requests, 1);
	turn(w);
	assert_int_equal(collector_core_counters(w->s.core)->replies_failed, 1);
	for (size_t i = 0; i < SHELL_REQUESTS_MAX; i++)
		assert_false(w->s.asked[i].used);
	assert_int_equal(w->s.counters.http_failures, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_frame_after_sleep_finds_it_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wait_that_the_venue_named_outlasts_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(without_such_a_wait_it_is_renewed_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_venues_time_is_asked_once_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(people_hear_of_a_clock_that_is_off, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_reply_says_of_the_budget_is_heard, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_cores_replies_say_of_the_budget_is_heard, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_of_the_clocks_question_is_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_account_is_not_asked_for_while_the_venue_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(listings_are_not_asked_for_while_the_venue_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(tries_are_counted_in_the_window_of_the_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(a_feed_that_cannot_be_had_is_one_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(a_certificate_of_somebody_else_is_told_with_what_to_do, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_an_earlier_life_has_raised_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_that_cannot_begin_is_answered_later, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
