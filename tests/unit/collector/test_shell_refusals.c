/* test_shell_refusals - one request too many, whoever's it was: nobody asks before the venue's time, nor after a kill.
 */
#include <fcntl.h>

#include "tests/unit/collector/shell_world.h"

#define REFUSED(status, after)                                                                                         \
	"HTTP/1.1 " status "\r\nConnection: close\r\nRetry-After: " after "\r\nContent-Length: 0\r\n\r\n"

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

static void start_scan(struct world *w)
{
	char reason[200];

	w->s.venue = venue_find("POLYMARKET", strlen("POLYMARKET"));
	w->s.set.scan = true;
	snprintf(w->s.set.venue, sizeof w->s.set.venue, "POLYMARKET");
	snprintf(w->s.set.streams, sizeof w->s.set.streams, "trade");
	w->s.set.scan_markets = 1;
	w->s.set.scan_every_ns = 60 * NS_PER_S;
	assert_int_equal(markets_new(&w->s, reason, sizeof reason), 0);
	markets_start(&w->s);
}

/* The scan of what a venue lists. */
static void listings_are_not_asked_for_while_the_venue_refuses(void **state)
{
	struct world *w = *state;
	struct markets_counters n;

	collector_core_on_status(w->s.core, pump_now(&w->s), 429, 120 * NS_PER_S);
	start_scan(w);
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

/* ---- what the others' refusals say ---- */

/* Nothing goes out to this venue before then, and the next life will know. */
static void expect_refused(struct world *w, uint32_t status, int64_t until)
{
	const struct event *ev = last(w, EVENT_venue_wait);

	assert_int_equal(collector_core_blocked(w->s.core), until);
	assert_non_null(ev);
	assert_int_equal(ev->venue_wait.until, until);
	assert_int_equal(ev->venue_wait.status, status);
	assert_int_equal(ev->origin, origin_simulated);
}

/* An account at this venue, with the secret of an HMAC as its key. */
static struct holdings *open_account(struct world *w, const char *venue)
{
	struct shell *s = &w->s;
	char reason[200] = "";

	s->venue = venue_find(venue, strlen(venue));
	s->set.account_sync = true;
	s->set.account_poll_ns = 60 * NS_PER_S;
	s->set.account_stale_ns = 3600 * NS_PER_S;
	s->set.account_window_ns = 5 * NS_PER_S;
	snprintf(s->set.account, sizeof s->set.account, "mine");
	snprintf(s->set.key_id, sizeof s->set.key_id, "id");
	snprintf(s->set.account_url, sizeof s->set.account_url, "ws://127.0.0.1:1");
	snprintf(s->set.key_file, sizeof s->set.key_file, "%s/secret", w->dir);
	int fd = open(s->set.key_file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "0123456789abcdef\n", 17), 17);
	close(fd);
	if (auth_init(&s->auth, &s->set, s->venue, reason, sizeof reason) ||
	    holdings_sync_open(s, reason, sizeof reason))
		fail_msg("%s", reason);
	holdings_sync_start(s);
	return s->account.holdings;
}

static void close_account(struct world *w)
{
	holdings_sync_close(&w->s);
	auth_fini(&w->s.auth);
}

static void a_refusal_of_the_account_holds_all(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);
	struct holdings *h = open_account(w, "BINANCE");
	int64_t now = pump_now(&w->s);

	holdings_sync_tick(&w->s);
	assert_true(h->asked);
	answer(w, fd, &h->counters.failures, REFUSED("418 Banned", "121"));
	expect_refused(w, 418, now + 121 * NS_PER_S);
	close_account(w);
	close(fd);
}

/* The key of the account's stream: its refusal holds all, and it is not asked for while another's does. */
static void a_refusal_of_the_listen_key_holds_all(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);
	struct holdings *h = open_account(w, "BINANCE-PERP");
	struct account_link *a = &w->s.account;
	int64_t now = pump_now(&w->s);

	h->known_at = now;
	h->due = now + 3600 * NS_PER_S;
	assert_true(requests_wait(&w->s) == false);
	holdings_sync_tick(&w->s);
	assert_true(a->listening);
	a->listen_due = 0;
	answer(w, fd, (const uint64_t *)&a->listen_due, REFUSED("429 Slow", "400"));
	expect_refused(w, 429, now + 400 * NS_PER_S);
	assert_false(a->listening);
	clock_sim_advance(&w->clock, 399 * NS_PER_S); /* its own wait is a minute */
	holdings_sync_tick(&w->s);
	assert_false(a->listening);
	clock_sim_advance(&w->clock, NS_PER_S);
	holdings_sync_tick(&w->s);
	assert_true(a->listening);
	close_account(w);
	close(fd);
}

static uint64_t listings_failed(const void *shell)
{
	struct markets_counters n;

	markets_count(shell, &n);
	return n.failures;
}

static void a_refusal_of_the_listings_holds_all(void **state)
{
	struct world *w = *state;
	int fd = listen_for(w);

	start_scan(w);
	assert_int_equal(w->s.counters.http_requests, 1);
	int64_t now = pump_now(&w->s);
	answer_by(w, fd, listings_failed, &w->s, REFUSED("429 Slow", "300"));
	expect_refused(w, 429, now + 300 * NS_PER_S);
	markets_free(&w->s);
	close(fd);
}

/* ---- the next life ---- */

/* What was refused behind the last snapshot, or where none fits, is in the journal. */
static void a_kill_forgets_no_refusal(void **state)
{
	struct world *w = *state;
	int64_t now = pump_now(&w->s);
	struct event ev;

	event_init(&ev, EVENT_venue_wait);
	event_set_name(ev.venue_wait.venue, "BINANCE-PERP"); /* what the settings named in an earlier life */
	ev.venue_wait.until = now + 900 * NS_PER_S;
	collector_core_on_own(w->s.core, &ev);
	assert_false(requests_wait(&w->s));
	event_set_name(ev.venue_wait.venue, "BINANCE");
	ev.venue_wait.until = now + 120 * NS_PER_S;
	collector_core_on_own(w->s.core, &ev);
	ev.venue_wait.until = now + 100 * NS_PER_S;
	collector_core_on_own(w->s.core, &ev);
	collector_core_resume(w->s.core, now, &w->s.sink);
	collector_core_start(w->s.core, now, &w->s.sink);
	assert_int_equal(collector_core_blocked(w->s.core), now + 120 * NS_PER_S);
	assert_true(requests_wait(&w->s));
	assert_int_equal(w->s.counters.http_requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refusal_of_the_clocks_question_is_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_account_is_not_asked_for_while_the_venue_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(listings_are_not_asked_for_while_the_venue_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_of_the_account_holds_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_of_the_listen_key_holds_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_of_the_listings_holds_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kill_forgets_no_refusal, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
