/* test_channel_captures - recorded frames of every channel beside books: each is understood, none is lost, and what
 * it says is what its text says.
 *
 * The recorded klines, tickers and trades of three venues, and the live liquidations of 2026 with their new keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/venue.h"
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"

#define MARKETS_MAX 64
#define LEVELS 5001
#define KINDS (VENUE_UNKNOWN + 1)

static struct {
	const struct venue *venue;
	struct venue_market market[MARKETS_MAX];
	uint32_t n_markets;
	struct level levels[2 * LEVELS];
	uint32_t frames[KINDS]; /* by the first message of each */
	uint32_t messages[KINDS];
	uint32_t of_frame;
	struct venue_message last;
} in;

/* Every name is a market we follow. */
static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < in.n_markets; i++)
		if (strlen(in.market[i].raw) == len && memcmp(in.market[i].raw, raw, len) == 0)
			return &in.market[i];
	assert_true(in.n_markets < MARKETS_MAX);
	struct venue_market *m = &in.market[in.n_markets];
	return venue_market_init(in.venue, raw, len, m) == 0 ? &in.market[in.n_markets++] : NULL;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	in.frames[m->kind] += in.of_frame++ == 0;
	in.messages[m->kind]++;
	in.last = *m;
}

static void begin(const char *venue)
{
	memset(&in, 0, sizeof(in));
	in.venue = venue_find(venue, strlen(venue));
	assert_non_null(in.venue);
}

static int decode(const char *text, size_t len)
{
	struct venue_output out = {.find = find, .message = on_message, .levels = in.levels, .levels_max = LEVELS};
	struct venue_input input = {.text = text, .len = len};

	in.of_frame = 0;
	return in.venue->decode(&input, &out);
}

/* Frames of one connection of a recording; false where it is absent. */
static bool play(const char *file, const char *conn)
{
	struct capture c = {0};
	char *text;

	if (capture_open(file, &c) != 0)
		return false;
	while ((text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		if (json_str_is(l.kind, "recv") && json_str_is(l.conn, conn))
			assert_int_equal(decode(l.data, strlen(l.data)), 0);
		free(l.data);
	}
	capture_close(&c);
	return true;
}

static void test_binance_spot(void **state)
{
	(void)state;
	begin("BINANCE");
	if (!play("binance/rest/BINANCE.jsonl.zst", "BINANCE.ws.1"))
		skip();
	assert_int_equal(in.messages[VENUE_DEPTH], 177);
	assert_int_equal(in.messages[VENUE_TOP], 84);
	assert_int_equal(in.messages[VENUE_TRADE], 2);
	assert_int_equal(in.messages[VENUE_KLINE], 2);
	assert_int_equal(in.messages[VENUE_UNKNOWN], 0);
}

static void test_binance_usdm(void **state)
{
	(void)state;
	begin("BINANCE-PERP");
	if (!play("binance/rest/BINANCE_FUTURES.jsonl.zst", "BINANCE_FUTURES.ws.1"))
		skip();
	assert_int_equal(in.messages[VENUE_DEPTH], 764);
	assert_int_equal(in.messages[VENUE_TOP], 613);
	assert_int_equal(in.messages[VENUE_TRADE], 91);
	assert_int_equal(in.messages[VENUE_KLINE], 67);
	assert_int_equal(in.messages[VENUE_UNKNOWN], 0);
}

static void test_bybit(void **state)
{
	(void)state;
	uint32_t tickers, klines, trades;

	begin("BYBIT-PERP");
	if (!play("bybit/BYBIT.jsonl.zst", "BYBIT.ws.2"))
		skip();
	/* A changed ticker may say something of the ticker, of the mark price, of both or of neither. */
	tickers = in.frames[VENUE_TICKER] + in.frames[VENUE_MARK] + in.frames[VENUE_IGNORED];
	klines = in.frames[VENUE_KLINE];
	trades = in.frames[VENUE_TRADE];
	assert_true(in.messages[VENUE_MARK] > 4 && in.messages[VENUE_TICKER] > 4);
	assert_int_equal(in.messages[VENUE_UNKNOWN], 0);
	uint32_t each = in.messages[VENUE_TRADE];
	begin("BYBIT");
	assert_true(play("bybit/BYBIT.jsonl.zst", "BYBIT.ws.3"));
	assert_int_equal(in.messages[VENUE_TICKER], 81);
	assert_int_equal(in.messages[VENUE_UNKNOWN] + in.messages[VENUE_IGNORED] + in.messages[VENUE_MARK], 0);
	assert_int_equal(tickers + in.frames[VENUE_TICKER], 839);
	assert_int_equal(klines + in.frames[VENUE_KLINE], 96);
	assert_int_equal(trades + in.frames[VENUE_TRADE], 120);
	assert_int_equal(each + in.messages[VENUE_TRADE], 347);
}

/* ---- liquidations: what the message says, beside a plain search in the text ---- */

static int64_t number_behind(const char *key, const char *text)
{
	const char *at = strstr(text, key);
	int64_t value = 0;

	assert_non_null(at);
	at += strlen(key);
	assert_int_equal(fixed_parse(at, strcspn(at, "\""), 8, &value), 0);
	return value;
}

static void check_liquidation(const char *frame, bool bybit)
{
	const char *inner = strstr(frame, bybit ? "\"data\":[" : "\"o\":{");
	bool sell = strstr(inner, "\"S\":\"SELL\"") != NULL;
	/* Bybit's S is the side of the position: a long one is closed by selling. */
	bool was_long = strstr(inner, "\"S\":\"Buy\"") != NULL;
	const struct venue_liquidation *l = &in.last.liquidation;

	for (const char *next = inner; bybit && (next = strstr(next + 1, "{\"T\":")) != NULL;)
		inner = next; /* the last one of them */
	assert_int_equal(in.last.kind, VENUE_LIQUIDATION);
	assert_int_equal(l->side, (bybit ? was_long : sell) ? side_sell : side_buy);
	assert_int_equal(l->price, number_behind("\"p\":\"", inner));
	assert_int_equal(l->qty, number_behind(bybit ? "\"v\":\"" : "\"q\":\"", inner));
	assert_int_equal(l->avg_price, bybit ? 0 : number_behind("\"ap\":\"", inner));
}

static uint32_t deaf; /* frames of a venue we do not know */

static void on_line(const char *line)
{
	static char frame[8192];
	struct json_str key, venue = {0}, raw = {0};
	struct json j;

	json_init(&j, line, strlen(line));
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "venue"))
			json_string(&j, &venue);
		else if (json_str_is(key, "raw"))
			json_string(&j, &raw);
		else
			json_skip(&j);
	assert_int_equal(json_finish(&j), 0);
	int len = json_unescape(raw, frame, sizeof(frame) - 1);
	assert_true(len > 0);
	frame[len] = 0;
	bool bybit = venue.len > 5 && memcmp(venue.at, "bybit", 5) == 0;
	in.venue = bybit ? venue_find("BYBIT-PERP", 10) : venue_find("BINANCE-PERP", 12);
	uint32_t unknown = in.messages[VENUE_UNKNOWN];
	assert_int_equal(decode(frame, (size_t)len), 0);
	if (json_str_is(venue, "okx"))
		deaf += in.messages[VENUE_UNKNOWN] - unknown;
	else if (strstr(frame, "iquidation") != NULL || strstr(frame, "forceOrder") != NULL)
		check_liquidation(frame, bybit);
}

static void test_liquidations(void **state)
{
	(void)state;
	struct capture c = {0};
	char *text;

	begin("BINANCE-PERP");
	if (capture_open("liquidations/live_2026.ndjson", &c) != 0)
		skip();
	uint32_t lines = 0;
	for (; (text = capture_line(&c)) != NULL; lines++)
		on_line(text);
	capture_close(&c);
	assert_int_equal(lines, 12);
	assert_int_equal(in.frames[VENUE_LIQUIDATION], 5 + 4);
	assert_int_equal(in.messages[VENUE_LIQUIDATION], 5 + 5); /* one of Bybit's tells two */
	assert_int_equal(in.messages[VENUE_TRADE], 1);
	assert_int_equal(in.messages[VENUE_TOP], 1);
	assert_int_equal(deaf, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binance_spot),
		cmocka_unit_test(test_binance_usdm),
		cmocka_unit_test(test_bybit),
		cmocka_unit_test(test_liquidations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
