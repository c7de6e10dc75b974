/* test_tap_format - nj tap's pure parts: tokens, escapes, filters, sequences, recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "proto/codec.h"
#include "tools/nj/tap.h"

#define TOPIC "trade.BINANCE.BTCUSDT"

static struct event trade;
static uint8_t packed[2048];
static struct tap_item item;

static int setup(void **state)
{
	(void)state;
	event_init(&trade, EVENT_trade);
	snprintf(trade.source, sizeof trade.source, "collector");
	trade.epoch = 5;
	trade.seq = 42;
	trade.origin = origin_simulated;
	trade.ts_event = 1000;
	trade.ts_recv = 2000;
	trade.ts_sent = 3000;
	snprintf(trade.trade.instrument.s, sizeof trade.trade.instrument.s, "BTCUSDT.BINANCE");
	trade.trade.price_scale = 2;
	trade.trade.price = 6183763;
	trade.trade.qty_scale = 3;
	trade.trade.qty = 1500;
	int n = codec_pack(&trade, packed, sizeof packed);
	assert_true(n > 0);
	item = (struct tap_item){.topic = TOPIC,
				 .ev = &trade,
				 .row = event_row(EVENT_trade),
				 .bytes = packed,
				 .len = (size_t)n,
				 .lane = LANE_M,
				 .now = 3000 + 250000,
				 .gap = 7};
	return 0;
}

static void expect(const char *format, const char *text)
{
	struct tap_format f;
	struct buf out;
	char reason[200] = "";
	buf_init(&out, 1 << 20);
	if (tap_format_parse(format, &f, reason, sizeof reason) != 0)
		fail_msg("%s: %s", format, reason);
	assert_int_equal(tap_format_put(&f, &item, &out), 0);
	assert_int_equal(buf_byte(&out, '\0'), 0);
	assert_string_equal((char *)out.at, text);
	buf_fini(&out);
}

static void tokens_say_what_they_stand_for(void **state)
{
	(void)state;
	char size[32];
	expect("%t", TOPIC);
	expect("%e %k %p %O %L", "trade BTCUSDT.BINANCE collector simulated m");
	expect("%o %g %T %E %l", "42 7 2000 1000 250");
	expect("100%% %o", "100% 42");
	expect("a\\tb\\n\\x41\\\\", "a\tb\nA\\");
	snprintf(size, sizeof size, "%zu", item.len);
	expect("%S", size);
	expect("%%t", "%t");
	expect("", "");
	item.lane = LANE_X;
	expect("%L", "x");
}

static void payloads_are_text_and_json(void **state)
{
	(void)state;
	struct tap_format f;
	struct buf out;
	char reason[200];
	buf_init(&out, 1 << 20);
	assert_int_equal(tap_format_parse("%s|%j", &f, reason, sizeof reason), 0);
	assert_int_equal(tap_format_put(&f, &item, &out), 0);
	assert_int_equal(buf_byte(&out, '\0'), 0);
	assert_non_null(strstr((char *)out.at, "trade BTCUSDT.BINANCE price=61837.63 qty=1.500"));
	assert_non_null(strstr((char *)out.at, "|{\"topic\":\"" TOPIC "\",\"event\":\"trade\""));
	buf_fini(&out);
}

static void what_is_no_token_is_refused_with_a_reason(void **state)
{
	(void)state;
	static const char *const bad[] = {"%z", "%", "a%", "\\q", "\\x4", "\\xzz", "\\", "\xff"};
	struct tap_format f = {.len = 3};
	char reason[300], many[2 * TAP_FORMAT_MAX];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		reason[0] = '\0';
		assert_int_equal(tap_format_parse(bad[i], &f, reason, sizeof reason), ERR_ARG);
		assert_true(reason[0] != '\0');
		assert_int_equal(f.len, 3); /* untouched */
	}
	memset(many, 'a', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	assert_int_equal(tap_format_parse(many, &f, reason, sizeof reason), ERR_ARG);
	assert_int_equal(tap_delimiter_parse("%z\\0", &f, reason, sizeof reason), 0); /* no tokens there */
	assert_int_equal(f.len, 3);
	assert_memory_equal(f.text, "%z", 3);
}

static void line_ends_are_known(void **state)
{
	(void)state;
	struct tap_format f;
	char reason[100];
	assert_int_equal(tap_format_parse("%o\\n", &f, reason, sizeof reason), 0);
	assert_true(tap_format_ends_line(&f));
	assert_int_equal(tap_format_parse("%o", &f, reason, sizeof reason), 0);
	assert_false(tap_format_ends_line(&f));
}

/* Whatever stands in a topic or a text: no control character gets out. */
static void nothing_hostile_reaches_a_terminal(void **state)
{
	(void)state;
	static int (*const put[])(const struct tap_item *it, struct buf *out) = {tap_put_json, tap_put_pretty,
										 tap_put_hexdump};
	struct buf out;
	struct tap_format f;
	char reason[100];
	buf_init(&out, 1 << 20);
	item.topic = "a\x1b]0;owned\a\r\nb";
	assert_int_equal(tap_format_parse("%t %s", &f, reason, sizeof reason), 0);
	assert_int_equal(tap_format_put(&f, &item, &out), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(put[i](&item, &out), 0);
	item.row = NULL; /* unknown events take another way */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(put[i](&item, &out), 0);
	assert_int_equal(tap_put_people(&item, true, &out), 0);
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.at[i] == '\n' || (out.at[i] >= 0x20 && out.at[i] != 0x7f));
	buf_fini(&out);
}

static void pretty_json_is_the_same_json(void **state)
{
	(void)state;
	struct buf line, pretty;
	buf_init(&line, 1 << 20);
	buf_init(&pretty, 1 << 20);
	assert_int_equal(tap_put_json(&item, &line), 0);
	assert_int_equal(tap_put_pretty(&item, &pretty), 0);
	size_t n = 0;
	bool quoted = false;
	for (size_t i = 0; i < pretty.len; i++) {
		quoted = quoted != (pretty.at[i] == '"');
		if (quoted || (pretty.at[i] != '\n' && pretty.at[i] != ' '))
			pretty.at[n++] = pretty.at[i];
	}
	assert_int_equal(n, line.len);
	assert_memory_equal(pretty.at, line.at, n);
	buf_fini(&line);
	buf_fini(&pretty);
}

static void filters_take_and_leave_out(void **state)
{
	(void)state;
	struct tap_filters f = {0};
	assert_true(tap_wants(&f, TOPIC, false));
	assert_false(tap_wants(&f, "heartbeat.executor", true));
	f.telemetry = true;
	assert_true(tap_wants(&f, "heartbeat.executor", true));
	f = (struct tap_filters){.only = {"heartbeat", "trade.*.ETHUSDT"}, .n_only = 2};
	assert_true(tap_wants(&f, "heartbeat.executor", true)); /* asked for by name */
	assert_true(tap_wants(&f, "trade.BINANCE.ETHUSDT", false));
	assert_false(tap_wants(&f, TOPIC, false));
	assert_false(tap_wants(&f, "promise.collector", true));
	f.never[f.n_never++] = "heartbeat.executor";
	assert_false(tap_wants(&f, "heartbeat.executor", true));
	assert_true(tap_wants(&f, "heartbeat.strategy", true));
}

static void sequences_show_what_is_missing(void **state)
{
	(void)state;
	struct tap_stats s;
	assert_int_equal(tap_stats_init(&s, true, 0), 0);
	static const struct {
		uint64_t epoch, seq, missing;
	} step[] = {{1, 10, 0}, {1, 11, 0}, {1, 14, 2}, {1, 13, 0}, {1, 15, 0}, {2, 1, 0}, {2, 3, 1}};
	for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
		trade.epoch = step[i].epoch;
		trade.seq = step[i].seq;
		assert_int_equal(tap_stats_follow(&s, &item), step[i].missing);
		tap_stats_count(&s, &item);
	}
	assert_int_equal(s.missing, 3);
	assert_int_equal(s.gaps, 2);
	assert_int_equal(s.duplicates, 1);
	assert_int_equal(s.restarts, 1);
	assert_int_equal(s.events, 7);
	/* Lane M counts by topic, lane X by publisher. */
	item.topic = "trade.BINANCE.ETHUSDT";
	trade.seq = 100;
	assert_int_equal(tap_stats_follow(&s, &item), 0);
	item.lane = LANE_X;
	trade.seq = 1;
	assert_int_equal(tap_stats_follow(&s, &item), 0);
	item.topic = TOPIC;
	trade.seq = 3;
	assert_int_equal(tap_stats_follow(&s, &item), 1);
	tap_stats_fini(&s);
}

/* ---- recordings ---- */

static char path[64];

static int make_path(void **state)
{
	snprintf(path, sizeof path, "/tmp/nj-tap-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	return setup(state);
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_three(void)
{
	struct tap_writer w;
	assert_int_equal(tap_writer_open(path, &w), 0);
	for (uint8_t i = 1; i <= 3; i++) {
		struct tap_frame f = {
			.lane = i == 2 ? LANE_X : LANE_M, .at = 1000 + i, .bytes = packed, .len = 10u * i};
		assert_int_equal(tap_writer_put(&w, &f), 0);
	}
	assert_int_equal(w.frames, 3);
	assert_int_equal(tap_writer_close(&w), 0);
}

static void recordings_come_back_as_they_were(void **state)
{
	(void)state;
	struct tap_reader r;
	struct tap_frame f;
	struct tap_writer w;
	write_three();
	assert_int_equal(tap_writer_open(path, &w), ERR_EXISTS); /* nothing is overwritten */
	assert_int_equal(tap_reader_open(path, &r), 0);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_int_equal(tap_reader_next(&r, &f), 1);
		assert_int_equal(f.lane, i == 2 ? LANE_X : LANE_M);
		assert_int_equal(f.at, 1000 + i);
		assert_int_equal(f.len, 10u * i);
		assert_memory_equal(f.bytes, packed, f.len);
	}
	assert_int_equal(tap_reader_next(&r, &f), 0);
	tap_reader_close(&r);
}

/* Reads a file of these bytes; the last result, and how many frames came before it. */
static int read_bytes(const uint8_t *bytes, size_t len, size_t *ret_frames)
{
	struct tap_reader r;
	struct tap_frame f;
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
	*ret_frames = 0;
	int rc = tap_reader_open(path, &r);
	if (rc)
		return rc;
	while ((rc = tap_reader_next(&r, &f)) == 1)
		++*ret_frames;
	tap_reader_close(&r);
	return rc;
}

static void damage_is_seen_and_the_rest_is_good(void **state)
{
	(void)state;
	uint8_t whole[4096], broken[4096];
	size_t frames, first = 16 + 20 + 10, second = first + 20 + 20;
	write_three();
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	size_t len = fread(whole, 1, sizeof whole, in);
	fclose(in);
	assert_int_equal(len, second + 20 + 30);
	for (size_t cut = 0; cut <= len; cut++) {
		int rc = read_bytes(whole, cut, &frames);
		bool at_end = cut == 16 || cut == first || cut == second || cut == len;
		assert_int_equal(rc, cut < 16 ? ERR_SYNTAX : at_end ? 0 : ERR_TRUNCATED);
		assert_int_equal(frames, (cut >= first) + (cut >= second) + (cut == len));
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(broken, whole, len);
		broken[i] ^= 0x55;
		int rc = read_bytes(broken, len, &frames);
		bool unused = i >= 12 && i < 16; /* reserved bytes of the header */
		assert_true(unused ? rc == 0 : rc < 0);
		assert_true(unused || frames < 3);
	}
}

#define T(f) cmocka_unit_test_setup(f, setup)
#define R(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tokens_say_what_they_stand_for),
		T(payloads_are_text_and_json),
		T(what_is_no_token_is_refused_with_a_reason),
		T(line_ends_are_known),
		T(nothing_hostile_reaches_a_terminal),
		T(pretty_json_is_the_same_json),
		T(filters_take_and_leave_out),
		T(sequences_show_what_is_missing),
		R(recordings_come_back_as_they_were),
		R(damage_is_seen_and_the_rest_is_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
