/* test_shell - the shell around the core, in process: sleep comes before what it delayed, answers after the call. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/ws_frame.h"
#include "tests/unit/collector/shell_world.h"
#include "tests/unit/io/peer.h"

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

struct refusal {
	const char *status;
	int64_t waits_ns; /* -1: as the backoff has it */
};

static void refuse(struct peer_conn *p, void *ctx)
{
	const struct refusal *r = ctx;
	char head[4096];
	if (peer_head(p, head, sizeof head))
		peer_printf(p, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", r->status);
	peer_drain(p);
}

/* Who is refused and not told for how long does not come again within a second, as the backoff would have it. */
static void a_refused_handshake_waits_as_a_refused_request_does(void **state)
{
	static struct refusal rows[] = {{"429 Slow", 60 * NS_PER_S},
					{"418 Banned\r\nRetry-After: 7", 7 * NS_PER_S},
					{"418 Banned", 60 * NS_PER_S},
					{"503 Away", -1}};
	struct world *w = *state;
	struct line *l = &w->s.line[0];
	dial_init(&w->s);
	w->s.started = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct peer peer;
		char url[64];
		peer_start(&peer, refuse, &rows[i]);
		snprintf(url, sizeof url, "ws://127.0.0.1:%u", peer.port);
		try_again(w, url, "");
		int64_t now = clock_mono(&w->clock.clock);
		assert_int_equal(l->barred_until, rows[i].waits_ns < 0 ? 0 : now + rows[i].waits_ns);
		clock_sim_advance(&w->clock, 30 * NS_PER_S);
		peer_stop(&peer);
	}
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
		cmocka_unit_test_setup_teardown(tries_are_counted_in_the_window_of_the_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(a_feed_that_cannot_be_had_is_one_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_handshake_waits_as_a_refused_request_does, setup, teardown),
		cmocka_unit_test_setup_teardown(a_certificate_of_somebody_else_is_told_with_what_to_do, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_an_earlier_life_has_raised_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_that_cannot_begin_is_answered_later, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
