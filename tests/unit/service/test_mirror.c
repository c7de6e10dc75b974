/* test_mirror - everything that is shown in Redis arrives there, under its key and with a TTL. Needs redis-server. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/service/mirror.h"

static char dir[] = "/tmp/nj-mirror-XXXXXX", address[80];
static pid_t redis;

static void nap(void)
{
	struct timespec ts = {.tv_nsec = 20000000};
	nanosleep(&ts, NULL);
}

static int start_redis(void **state)
{
	(void)state;
	char sock[64];
	if (!mkdtemp(dir))
		return -1;
	snprintf(sock, sizeof sock, "%s/r.sock", dir);
	snprintf(address, sizeof address, "unix:%s", sock);
	redis = fork();
	if (redis == 0) {
		fclose(stdout);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", dir,
		       (char *)0);
		_exit(77);
	}
	for (int i = 0; i < 500 && access(sock, F_OK) != 0; i++) {
		nap();
		if (waitpid(redis, NULL, WNOHANG) == redis) {
			printf("skipped: redis-server is not installed\n");
			exit(77);
		}
	}
	return 0;
}

static int stop_redis(void **state)
{
	(void)state;
	kill(redis, SIGKILL);
	waitpid(redis, NULL, 0);
	char sock[64];
	snprintf(sock, sizeof sock, "%s/r.sock", dir);
	unlink(sock);
	rmdir(dir);
	return 0;
}

/* The widest event of a kind: every text at its limit, every number long. */
static void fill(struct event *ev, uint16_t id)
{
	event_init(ev, id);
	memcpy(ev->source, "collector", 10);
	ev->origin = origin_simulated;
	ev->epoch = ev->seq = UINT64_MAX / 2;
	ev->ts_event = ev->ts_recv = ev->ts_sent = INT64_C(1795319866700843909);
	const struct event_row *row = event_row(id);
	for (uint16_t i = 0; i < row->n_fields; i++) {
		const struct field_row *f = &row->fields[i];
		char *at = (char *)ev + offsetof(struct event, trade) + f->offset;
		switch (f->kind) {
		case KIND_symbol:
			assert_int_equal(symbol_parse("1000000BABYDOGEUSDT-PERP.BINANCE_FUTURES", 40,
						      (struct symbol *)(void *)at),
					 0);
			break;
		case KIND_name:
			event_set_name(at, "BINANCE");
			break;
		case KIND_text:
			event_set_text(at, "the server closed the connection");
			break;
		case KIND_u8:
			*at = 8;
			break;
		case KIND_enumeration:
			*at = 1;
			break;
		case KIND_flag:
			*at = 1;
			break;
		case KIND_u32:
			memcpy(at, &(uint32_t){4000000000u}, 4);
			break;
		default:
			if (f->kind != KIND_pairs && f->kind != KIND_levels)
				memcpy(at, &(int64_t){INT64_C(1234567890123456789)}, 8);
		}
	}
}

static void every_kind_arrives(void **state)
{
	(void)state;
	static const uint16_t ids[] = {EVENT_top,    EVENT_ticker,     EVENT_mark,     EVENT_trade, EVENT_liquidation,
				       EVENT_candle, EVENT_feed_state, EVENT_position, EVENT_equity};
	static const char *const keys[] = {"nj:top:*",          "nj:ticker:*",  "nj:mark:*", "nj:trades:*",
					   "nj:liquidations:*", "nj:candles:*", "nj:feed:*", "nj:position:*",
					   "nj:equity:*",       "nj:health:*"};
	struct mirror m;
	char reason[200] = "";
	struct event ev;
	assert_int_equal(mirror_open(&m, address, "", reason, sizeof reason), 0);
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		fill(&ev, ids[i]);
		mirror_on_event(&m, &ev);
	}
	fill(&ev, EVENT_heartbeat);
	mirror_on_heartbeat(&m, "collector", &ev);
	mirror_flush(&m, INT64_MAX / 2);
	assert_int_equal(m.refused, 0);
	assert_int_equal(cache_flush(m.cache, INT64_C(10000000000)), 0);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		char command[200];
		snprintf(command, sizeof command,
			 "k=$(redis-cli -s %s/r.sock --scan --pattern '%s'); "
			 "[ -n \"$k\" ] && [ $(redis-cli -s %s/r.sock pttl \"$k\") -gt 0 ]",
			 dir, keys[i], dir);
		FILE *f = popen(command, "r");
		assert_non_null(f);
		if (pclose(f) != 0)
			fail_msg("%s is not there, or has no TTL", keys[i]);
	}
	mirror_close(&m);
}

static void without_a_cache_it_costs_nothing(void **state)
{
	(void)state;
	struct mirror m;
	struct event ev;
	char reason[200] = "";
	assert_int_equal(mirror_open(&m, "", "", reason, sizeof reason), 0);
	fill(&ev, EVENT_top);
	mirror_on_event(&m, &ev);
	mirror_flush(&m, 1);
	assert_null(m.cache);
	mirror_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_arrives),
					   cmocka_unit_test(without_a_cache_it_costs_nothing)};
	return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
