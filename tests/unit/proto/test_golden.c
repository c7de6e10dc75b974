/* test_golden - the bytes of three events, lest the wire change unnoticed; work on bytes. */
#include "tests/unit/proto/samples.h"

static void set_envelope(struct event *ev, uint16_t id)
{
	event_init(ev, id);
	memcpy(ev->source, "collector", 10);
	ev->epoch = 1700000000000000000u;
	ev->seq = 70000;
	ev->origin = origin_live;
	ev->ts_event = 1700000000123456789;
	ev->ts_recv = 1700000000223456789;
	ev->ts_sent = 5;
}

static void check(const struct event *ev, const char *hex)
{
	uint8_t bytes[512];
	char text[1025];
	int n = codec_pack(ev, bytes, sizeof bytes);

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

#define ENVELOPE ENVELOPE_OF("01")
#define ENVELOPE_OF(version)                                                 \
	version "a9636f6c6c6563746f72cf17979cfe362a0000ce0001117001cf17979cfe3d85" \
	"cd15cf17979cfe437bae15d30000000000000005"

static void trade(void **state)
{
	(void)state;
	struct event ev;

	set_envelope(&ev, EVENT_trade);
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &ev.trade.instrument), 0);
	ev.trade.price_scale = 2;
	ev.trade.qty_scale = 5;
	ev.trade.price = 6183763;
	ev.trade.qty = 378;
	ev.trade.aggressor = side_buy;
	ev.trade.trade_id = 3000000000u;
	check(&ev, "dc0010cd0101" ENVELOPE "af425443555344542e42494e414e4345"
		   "0205ce005e5b53cd017a01ceb2d05e00");
}

static void book_delta(void **state)
{
	(void)state;
	static const struct level bids[] = {{6183763, 0}, {-1, 200}}, asks[] = {{-33, -129}};
	struct event ev;

	set_envelope(&ev, EVENT_book_delta);
	assert_int_equal(symbol_parse("A-PERP.B", 8, &ev.book_delta.instrument), 0);
	ev.book_delta.price_scale = 2;
	ev.book_delta.first_id = 127;
	ev.book_delta.last_id = 128;
	ev.book_delta.bids = (struct levels){bids, 2};
	ev.book_delta.asks = (struct levels){asks, 1};
	check(&ev, "dc0010cd0103" ENVELOPE "a8412d504552502e42" "02007fcc80"
		   "94ce005e5b5300ffccc8" "92d0dfd1ff7f");
}

static void command(void **state)
{
	(void)state;
	struct event ev;

	set_envelope(&ev, EVENT_command);
	ev.command.verb = verb_pause;
	event_set_name(ev.command.target, "executor");
	event_set_name(ev.command.owner, "J\xc3\xbcrgen");
	event_set_text(ev.command.reason, "maintenance of the venue, as announced");
	ev.command.until = -1;
	event_set_name(ev.command.nonce, "ab");
	ev.command.role = role_operator;
	ev.command.expires_at = 200;
	ev.command.all = true;
	check(&ev, "dc0013" "cd0403" ENVELOPE_OF("02") "06" "a86578656375746f72" "a74ac3bc7267656e"
		   "d9266d61696e74656e616e6365206f66207468652076656e75652c"
		   "20617320616e6e6f756e636564" "ff" "02" "a26162" "ccc8" "c3" "a0");
}

/* What a packer does to a broken event. */
static void refusals(void **state)
{
	(void)state;
	uint8_t bytes[512];
	struct event ev, back;
	size_t used;

	set_envelope(&ev, EVENT_trade);
	ev.source[0] = 'C';
	assert_int_equal(codec_pack(&ev, bytes, sizeof bytes), ERR_ARG);
	ev.source[0] = '\0';
	assert_int_equal(codec_pack(&ev, bytes, sizeof bytes), ERR_ARG);
	int n = codec_pack_unsent(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_int_equal(codec_unpack(bytes, (size_t)n, NULL, &back, &used), ERR_SYNTAX);
	assert_int_equal(codec_unpack_unsent(bytes, (size_t)n, NULL, &back, &used), 0);
	assert_string_equal(back.source, "");
	memset(ev.source, 'c', sizeof ev.source); /* no NUL: nothing is read behind it */
	n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_int_equal(codec_peek(bytes, (size_t)n, &back), 0);
	assert_int_equal(strlen(back.source), EVENT_SOURCE_MAX - 1);
	set_envelope(&ev, EVENT_trade);
	ev.trade.price_scale = FIXED_SCALE_MAX + 1;
	assert_int_equal(codec_pack(&ev, bytes, sizeof bytes), ERR_ARG);
	set_envelope(&ev, EVENT_book_delta);
	ev.book_delta.bids.n = EVENT_LEVELS_MAX + 1;
	assert_int_equal(codec_pack(&ev, bytes, sizeof bytes), ERR_ARG);
	ev.id = 0xfffe;
	assert_int_equal(codec_pack(&ev, bytes, sizeof bytes), ERR_ARG);
}

/* Text that is not UTF-8 goes out as question marks, so that its event arrives. */
static void repair(void **state)
{
	(void)state;
	uint8_t bytes[512];
	struct event ev, back;
	size_t used;

	set_envelope(&ev, EVENT_alert);
	memcpy(ev.alert.message, "bad \xff\xc3 text \xe4\xbe", 14); /* cut within a character */
	int n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_int_equal(codec_unpack(bytes, (size_t)n, NULL, &back, &used), 0);
	assert_string_equal(back.alert.message, "bad ?? text ??");
}

static void stamp(void **state)
{
	(void)state;
	uint8_t bytes[512], before[512];
	struct event ev, back;

	set_envelope(&ev, EVENT_trade);
	int n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	memcpy(before, bytes, (size_t)n);
	assert_int_equal(codec_stamp_sent(bytes, (size_t)n, INT64_MIN + 7), 0);
	assert_int_equal(codec_peek(bytes, (size_t)n, &back), 0);
	assert_true(back.ts_sent == INT64_MIN + 7);
	assert_true(codec_same_result(before, (size_t)n, bytes, (size_t)n));
	assert_int_equal(codec_stamp_sent(bytes, 40, 1), ERR_TYPE); /* cut short */
	assert_int_equal(codec_stamp_sent((uint8_t *)"\x93\x01\x02\x03", 4, 1), ERR_TYPE);
}

static void same_result(void **state)
{
	(void)state;
	uint8_t a[512], b[512];
	struct event ev;

	set_envelope(&ev, EVENT_trade);
	size_t a_len = (size_t)codec_pack(&ev, a, sizeof a), b_len;
	ev.epoch = 3; /* shorter on the wire */
	ev.ts_sent = 99;
	b_len = (size_t)codec_pack(&ev, b, sizeof b);
	assert_true(a_len != b_len);
	assert_true(codec_same_result(a, a_len, b, b_len));
	ev.seq++;
	b_len = (size_t)codec_pack(&ev, b, sizeof b);
	assert_false(codec_same_result(a, a_len, b, b_len));
	ev.seq--;
	ev.trade.trade_id++;
	b_len = (size_t)codec_pack(&ev, b, sizeof b);
	assert_false(codec_same_result(a, a_len, b, b_len));
	assert_false(codec_same_result(a, a_len, a, a_len - 1));
	assert_false(codec_same_result(a, 0, a, 0));
}

static void split(void **state)
{
	(void)state;
	const uint8_t frame[] = "trade.B.A\0body";
	uint8_t endless[300];
	const uint8_t *body;
	const char *topic;
	size_t topic_len, body_len;

	assert_int_equal(codec_split(frame, 14, &topic, &topic_len, &body, &body_len), 0);
	assert_int_equal(topic_len, 9);
	assert_ptr_equal(topic, frame);
	assert_int_equal(body_len, 4);
	assert_memory_equal(body, "body", 4);
	assert_int_equal(codec_split(frame, 9, &topic, &topic_len, &body, &body_len), ERR_SYNTAX);
	assert_int_equal(codec_split(frame, 0, &topic, &topic_len, &body, &body_len), ERR_SYNTAX);
	memset(endless, 'a', sizeof endless);
	endless[200] = '\0';
	assert_int_equal(codec_split(endless, sizeof endless, &topic, &topic_len, &body, &body_len),
		ERR_SYNTAX);
	endless[199] = '\0';
	assert_int_equal(codec_split(endless, sizeof endless, &topic, &topic_len, &body, &body_len),
		0);
}

/* Whoever only routes and counts sees events that he does not know, too. */
static void peek_unknown(void **state)
{
	(void)state;
	static const uint8_t unknown[] = {0x9a, 0xcd, 0x7f, 0xff, 1, 0xa1, 'a', 2, 3, 1, 4, 5, 6,
		0x91, 0xc0};
	struct event head, ev;
	size_t used;

	assert_int_equal(codec_peek(unknown, sizeof unknown, &head), 0);
	assert_int_equal(head.id, 0x7fff);
	assert_int_equal(head.seq, 3);
	assert_int_equal(codec_unpack(unknown, sizeof unknown, NULL, &ev, &used), ERR_UNKNOWN);
	assert_int_equal(used, sizeof unknown);
	assert_int_equal(codec_unpack(unknown, sizeof unknown - 1, NULL, &ev, &used),
		ERR_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trade),  cmocka_unit_test(book_delta),	 cmocka_unit_test(command),
		cmocka_unit_test(repair), cmocka_unit_test(refusals),	 cmocka_unit_test(stamp),
		cmocka_unit_test(split),  cmocka_unit_test(same_result),
			cmocka_unit_test(peek_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
