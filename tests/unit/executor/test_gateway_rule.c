/* test_gateway_rule - what may be sent where, over every way there is; and which settings are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/config.h"
#include "common/service/settings.h"
#include "services/executor/gateway_rule.h"

static const char here[] = "http://127.0.0.1:9300", elsewhere[] = "https://api.binance.com";

/* The table of gateway_rule.h, written down once more and the other way round. */
static bool allowed(const struct gateway_way *w)
{
	bool live_data = w->origin == origin_live && !w->lockstep;
	bool real = w->send == GATEWAY_SEND_TESTNET || w->send == GATEWAY_SEND_LIVE;
	return w->live_mode && ((real && live_data) || (w->send == GATEWAY_SEND_SIMULATOR && w->url == here));
}

static void every_way(void **state)
{
	(void)state;
	uint32_t n = 0;
	for (int i = 0; i < 2 * 4 * 2 * 2 * 4; i++) {
		struct gateway_way w = {.live_mode = i & 1,
					.lockstep = i & 2,
					.url = i & 4 ? here : elsewhere,
					.send = (enum gateway_send)(i / 8 % 4),
					.origin = (uint8_t)(i / 32)};
		const char *why = gateway_rule_may(&w);
		assert_int_equal(why == NULL, allowed(&w));
		n += why == NULL;
	}
	/* testnet and live with either url; simulator with each origin, in lockstep or not. */
	assert_int_equal(n, 2 * 2 + 4 * 2);
}

static void no_replay_and_no_simulation_reaches_a_venue(void **state)
{
	(void)state;
	for (uint8_t origin = origin_none; origin <= origin_simulated; origin++) {
		struct gateway_way w = {true, GATEWAY_SEND_LIVE, "", origin, false};
		assert_int_equal(gateway_rule_may(&w) == NULL, origin == origin_live);
	}
}

static void only_this_machine_is_loopback(void **state)
{
	(void)state;
	static const char *const good[] = {"http://127.0.0.1:1", "http://localhost:65535/", "ws://[::1]:80", here};
	static const char *const bad[] = {"",
					  "http://127.0.0.1",
					  "https://127.0.0.1:1",
					  "http://127.0.0.1:1@api.binance.com",
					  "http://127.0.0.1:1.api.binance.com",
					  "http://127.0.0.1.api.binance.com:443",
					  "http://localhost.example:80",
					  "http://127.0.0.1:80/api",
					  "http://127.0.0.1:800000",
					  "http://127.0.0.1:",
					  elsewhere};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(gateway_rule_is_loopback(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(gateway_rule_is_loopback(bad[i]));
}

static struct executor_section section(const char *mode, const char *send)
{
	struct executor_section s = {0};
	snprintf(s.mode, sizeof(s.mode), "%s", mode);
	snprintf(s.send, sizeof(s.send), "%s", send);
	snprintf(s.key_id, sizeof(s.key_id), "abc-1");
	snprintf(s.key_file, sizeof(s.key_file), "key");
	return s;
}

static void judged(const struct executor_section *s, const char *says)
{
	char reason[EVENT_TEXT_MAX] = "";
	assert_int_equal(gateway_rule_check(s, reason, sizeof(reason)), says ? ERR_ARG : 0);
	if (says)
		assert_non_null(strstr(reason, says));
}

static void settings_that_do_not_go_together(void **state)
{
	(void)state;
	struct executor_section s = section("paper", "live");
	judged(&s, "executor.mode is paper");
	s = section("paper", "dry");
	judged(&s, NULL);
	s = section("live", "dry");
	s.key_id[0] = s.key_file[0] = '\0';
	judged(&s, NULL);
	s = section("live", "live");
	judged(&s, NULL);
	snprintf(s.venue_url, sizeof(s.venue_url), "%s", here);
	judged(&s, "simulator alone");
	s = section("live", "testnet");
	s.key_file[0] = '\0';
	judged(&s, "executor.key_file: to send it takes the file");
	s = section("live", "testnet");
	snprintf(s.key_id, sizeof(s.key_id), "a\r\nHost: b");
	judged(&s, "NIGHTJAR_EXECUTOR__KEY_ID_FILE");
	s = section("live", "simulator");
	judged(&s, "127.0.0.1:PORT");
	snprintf(s.venue_url, sizeof(s.venue_url), "%s", here);
	snprintf(s.venue_stream_url, sizeof(s.venue_stream_url), "wss://ws-api.binance.com:443");
	judged(&s, "127.0.0.1:PORT");
	snprintf(s.venue_stream_url, sizeof(s.venue_stream_url), "ws://127.0.0.1:9300");
	judged(&s, NULL);
}

/* Orders of a live account are the venue's: what is of another one is refused by the core already. */
static void a_live_account_knows_its_venue(void **state)
{
	static const char *const modes[] = {"executor.mode=paper", "executor.mode=live"};
	static struct executor_section set;
	static struct run_settings run;
	struct config_section sections[SETTINGS_SECTIONS_MAX];
	static const char *const foreign[] = {NULL};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		char reason[EVENT_TEXT_MAX] = "";
		struct executor_settings s;
		struct config_error err = {{0}};
		struct config *config;
		uint32_t n = settings_sections(&run, NULL, NULL, sections);
		sections[n++] = (struct config_section){
			.name = "executor", .keys = executor_section_keys, .self = &set};
		assert_int_equal(config_new(sections, n, foreign, &config), 0);
		assert_int_equal(config_load(config, NULL, &modes[i], 1, NULL, &err), 0);
		executor_defaults(&s);
		assert_int_equal(executor_section_core(&set, &run, &s, reason, sizeof(reason)), 0);
		assert_int_equal(s.remote, i == 1);
		assert_string_equal(s.venue, i == 1 ? "BINANCE" : "");
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way),
		cmocka_unit_test(no_replay_and_no_simulation_reaches_a_venue),
		cmocka_unit_test(only_this_machine_is_loopback),
		cmocka_unit_test(settings_that_do_not_go_together),
		cmocka_unit_test(a_live_account_knows_its_venue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
