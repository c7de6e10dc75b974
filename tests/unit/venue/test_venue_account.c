/* test_venue_account - replies and events of account endpoints, as the venues' documents show them: read exactly, or
 * refused as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/rng.h"
#include "common/venue/venue_account.h"
#include "common/venue/venue.h"

static char said[4096];

static void say(const char *text)
{
	strncat(said, text, sizeof said - strlen(said) - 1);
}

static const char *number(int64_t value, int scale)
{
	static char text[4][FIXED_TEXT_MAX];
	static int i;
	i = (i + 1) % 4;
	fixed_format(text[i], FIXED_TEXT_MAX, value, scale);
	return text[i];
}

static void on_row(void *ctx, const struct venue_account_row *r)
{
	static const char *const words[] = {"nothing", "balance", "position",   "may",   "listen",
					    "more",    "changed", "subscribed", "ended", "error"};
	char line[300];
	(void)ctx;
	snprintf(line, sizeof line, "%s%s", said[0] ? "\n" : "", words[r->kind]);
	say(line);
	line[0] = '\0';
	if (r->kind == VENUE_ACCOUNT_BALANCE)
		snprintf(line, sizeof line, " %s %s %s @%lld", r->name, number(r->total, r->scale),
			 number(r->locked, r->scale), (long long)(r->time / 1000000));
	if (r->kind == VENUE_ACCOUNT_POSITION)
		snprintf(line, sizeof line, " %s%s%s %s at %s @%lld", r->name, r->leg[0] ? "/" : "", r->leg,
			 number(r->qty, r->scale), number(r->avg_price, r->price_scale),
			 (long long)(r->time / 1000000));
	if (r->kind == VENUE_ACCOUNT_MAY)
		snprintf(line, sizeof line, "%s%s%s", r->reads ? " read" : "", r->withdraws ? " withdraw" : "",
			 r->trades ? " trade" : "");
	if (r->kind == VENUE_ACCOUNT_LISTEN_KEY || r->kind == VENUE_ACCOUNT_MORE)
		snprintf(line, sizeof line, " %s", r->name);
	if (r->kind == VENUE_ACCOUNT_ERROR)
		snprintf(line, sizeof line, " %d %lld %s", r->error, (long long)r->code, r->name);
	say(line);
	if (r->unknown)
		say(" unknown");
}

struct sample {
	const struct venue_account *venue;
	int ask; /* -1: an event */
	int status;
	const char *text, *rows;
};

#define SPOT &venue_account_binance_spot
#define USDM &venue_account_binance_usdm
#define KALSHI &venue_account_kalshi

/* Spot: rest-api.md "Account information", user-data-stream.md, web-socket-api.md "signature subscription". */
static const struct sample samples[] = {
	{SPOT, VENUE_ACCOUNT_BALANCES, 200,
	 "{\"makerCommission\":15,\"commissionRates\":{\"maker\":\"0.00150000\"},\"canTrade\":true,"
	 "\"canWithdraw\":true,"
	 "\"updateTime\":123456789,\"accountType\":\"SPOT\",\"balances\":[{\"asset\":\"BTC\","
	 "\"free\":\"4723846.89208129\","
	 "\"locked\":\"0.00000000\"},{\"asset\":\"LTC\",\"free\":\"4763368.68006011\",\"locked\":\"0.50000000\"}],"
	 "\"permissions\":[\"SPOT\"],\"uid\":354937868}",
	 "balance BTC 4723846.89208129 0.00000000 @123456789\nbalance LTC 4763369.18006011 0.50000000 @123456789"},
	/* the time behind the rows; more than eight decimals of one scale could hold */
	{SPOT, VENUE_ACCOUNT_BALANCES, 200,
	 "{\"balances\":[{\"asset\":\"PEPE\",\"free\":\"987654321098765.00\",\"locked\":\"0.10\"}],"
	 "\"updateTime\":1700000000123}",
	 "balance PEPE 987654321098765.1 0.1 @1700000000123"},
	{SPOT, VENUE_ACCOUNT_BALANCES, 200, "{\"balances\":[],\"updateTime\":1}", ""},
	{SPOT, VENUE_ACCOUNT_RIGHTS, 200,
	 "{\"ipRestrict\":false,\"createTime\":1698645219000,\"enableReading\":true,\"enableWithdrawals\":false,"
	 "\"enableInternalTransfer\":false,\"enableMargin\":false,\"enableFutures\":false,\"permitsUniversalTransfer\":"
	 "false,\"enableVanillaOptions\":false,\"enableFixApiTrade\":false,\"enableFixReadOnly\":true,"
	 "\"enableSpotAndMarginTrading\":false,\"enablePortfolioMarginTrading\":true}",
	 "may read"},
	{SPOT, VENUE_ACCOUNT_RIGHTS, 200,
	 "{\"createTime\":1,\"enableReading\":true,\"enableWithdrawals\":true,\"enableSpotAndMarginTrading\":true}",
	 "may read withdraw trade"},
	{SPOT, VENUE_ACCOUNT_BALANCES, 400,
	 "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside of the recvWindow.\"}",
	 "error 1 -1021 Timestamp for this request is outside of the recvWindow."},
	{SPOT, VENUE_ACCOUNT_BALANCES, 400, "{\"code\":-1022,\"msg\":\"Signature for this request is not valid.\"}",
	 "error 2 -1022 Signature for this request is not valid."},
	{SPOT, VENUE_ACCOUNT_BALANCES, 401, "{\"code\":-2015,\"msg\":\"Invalid API-key, IP, or permissions\"}",
	 "error 3 -2015 Invalid API-key, IP, or permissions"},
	{SPOT, VENUE_ACCOUNT_BALANCES, 503, "<html>gateway</html>", "error 0 503 "},
	{SPOT, -1, 0,
	 "{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",\"E\":1564034571105,\"u\":1564034571073,"
	 "\"B\":"
	 "[{\"a\":\"ETH\",\"f\":\"10000.000000\",\"l\":\"0.000000\"}]}}",
	 "balance ETH 10000 0 @1564034571073\nnothing"},
	{SPOT, -1, 0,
	 "{\"subscriptionId\":0,\"event\":{\"e\":\"balanceUpdate\",\"E\":1573200697110,\"a\":\"BTC\",\"d\":"
	 "\"100.00000000\",\"T\":1573200697068}}",
	 "changed"},
	{SPOT, -1, 0,
	 "{\"subscriptionId\":0,\"event\":{\"e\":\"externalLockUpdate\",\"E\":1581557507324,\"a\":\"NEO\",\"d\":"
	 "\"10.00000000\",\"T\":1581557507268}}",
	 "changed"},
	{SPOT, -1, 0,
	 "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":1499405658658,\"s\":\"ETHBTC\","
	 "\"B\":\"3.000000\","
	 "\"T\":1499405658657,\"u\":1}}",
	 "nothing"},
	{SPOT, -1, 0, "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\","
		      "\"E\":1728973001334}}", "ended"},
	{SPOT, -1, 0, "{\"subscriptionId\":0,\"event\":{\"e\":\"newThing2027\",\"E\":1728973001334}}", "nothing "
		      "unknown"},
	{SPOT, -1, 0, "{\"id\":\"account\",\"status\":200,\"result\":{\"subscriptionId\":0}}", "subscribed"},
	{SPOT, -1, 0,
	 "{\"id\":\"account\",\"status\":400,\"error\":{\"code\":-1022,\"msg\":\"Signature for this request is not "
	 "valid.\"},\"rateLimits\":[]}",
	 "error 2 -1022 Signature for this request is not valid."},
	/* USD-M: "Account Information V3", "Position Information V3", "Event: Balance and Position Update". */
	{USDM, VENUE_ACCOUNT_BALANCES, 200,
	 "{\"totalWalletBalance\":\"23.72469206\",\"assets\":[{\"asset\":\"USDT\",\"walletBalance\":\"23.72469206\","
	 "\"unrealizedProfit\":\"0.00000000\",\"availableBalance\":\"23.72469206\",\"updateTime\":1625474304765}],"
	 "\"positions\":[]}",
	 "balance USDT 23.72469206 0.00000000 @1625474304765"},
	{USDM, VENUE_ACCOUNT_POSITIONS, 200,
	 "[{\"symbol\":\"ADAUSDT\",\"positionSide\":\"BOTH\",\"positionAmt\":\"30\",\"entryPrice\":\"0.385\","
	 "\"breakEvenPrice\":\"0.385077\",\"updateTime\":1720736417660},{\"symbol\":\"COMPUSDT\","
	 "\"positionSide\":\"SHORT\","
	 "\"positionAmt\":\"-1.50\",\"entryPrice\":\"55.1\",\"updateTime\":1708943511656}]",
	 "position ADAUSDT 30 at 0.385 @1720736417660\nposition COMPUSDT/SHORT -1.5 at 55.1 @1708943511656"},
	{USDM, VENUE_ACCOUNT_LISTEN, 200, "{\"listenKey\":\"pqia91ma19a5s61cv6a81va65sdf19v8a65a1\"}",
	 "listen pqia91ma19a5s61cv6a81va65sdf19v8a65a1"},
	{USDM, -1, 0,
	 "{\"e\":\"ACCOUNT_UPDATE\",\"E\":1564745798939,\"T\":1564745798938,\"a\":{\"m\":\"ORDER\","
	 "\"B\":[{\"a\":\"USDT\","
	 "\"wb\":\"122624.12345678\",\"cw\":\"100.12345678\",\"bc\":\"50.12345678\"}],\"P\":[{\"s\":\"BTCUSDT\","
	 "\"pa\":\"0\","
	 "\"ep\":\"0.00000\",\"cr\":\"200\",\"mt\":\"isolated\",\"ps\":\"BOTH\"},{\"s\":\"BTCUSDT\",\"pa\":\"20\","
	 "\"ep\":"
	 "\"6563.66500\",\"ps\":\"LONG\"}]}}",
	 "balance USDT 122624.12345678 0.00000000 @1564745798938\nposition BTCUSDT 0 at 0 @1564745798938\n"
	 "position BTCUSDT/LONG 20 at 6563.665 @1564745798938\nnothing"},
	{USDM, -1, 0, "{\"stream\":\"key\",\"data\":{\"e\":\"listenKeyExpired\",\"E\":1576653824250}}", "ended"},
	{USDM, -1, 0, "{\"e\":\"ORDER_TRADE_UPDATE\",\"E\":1568879465651,\"T\":1568879465650,"
		      "\"o\":{\"s\":\"BTCUSDT\"}}",
	 "nothing"},
	/* Kalshi: GetBalance, GetPositions, channel market_positions. */
	{KALSHI, VENUE_ACCOUNT_BALANCES, 200,
	 "{\"balance\":10050,\"balance_dollars\":\"100.5012\",\"portfolio_value\":300,\"updated_ts\":1700000000}",
	 "balance USD 100.5012 0.0000 @1700000000000"},
	{KALSHI, VENUE_ACCOUNT_POSITIONS, 200,
	 "{\"cursor\":\"abc==\",\"market_positions\":[{\"ticker\":\"KXGOLD-1\",\"total_traded_dollars\":\"5.00\","
	 "\"position_fp\":\"-4.00\",\"market_exposure_dollars\":\"2.2400\",\"realized_pnl_dollars\":\"0\","
	 "\"last_updated_ts\":\"2026-08-05T12:00:00Z\"}],\"event_positions\":[]}",
	 "position KXGOLD-1 -4 at 0.560000 @1785931200000\nmore abc=="},
	{KALSHI, VENUE_ACCOUNT_POSITIONS, 401, "{\"error\":{}}", "error 3 401 "},
	{KALSHI, VENUE_ACCOUNT_POSITIONS, 401, "<html>", "error 3 401 "},
	{KALSHI, VENUE_ACCOUNT_BALANCES, 401,
	 "{\"error\":{\"code\":\"authentication_error\",\"details\":\"NOT_FOUND\"}}", "error 3 401 "},
	{KALSHI, VENUE_ACCOUNT_BALANCES, 401,
	 "{\"error\":{\"code\":\"authentication_error\",\"details\":\"INCORRECT_API_KEY_SIGNATURE\"}}", "error 2 401 "},
	{KALSHI, VENUE_ACCOUNT_BALANCES, 401, "{\"error\":{\"code\":\"header_timestamp_expired\"}}", "error 1 401 "},
	{KALSHI, -1, 0, "{\"id\":1,\"type\":\"subscribed\",\"msg\":{\"channel\":\"market_positions\",\"sid\":3}}",
	 "subscribed"},
	{KALSHI, -1, 0,
	 "{\"type\":\"market_position\",\"sid\":14,\"msg\":{\"user_id\":\"u\",\"market_ticker\":\"FED-23DEC-T3.00\","
	 "\"position_fp\":\"100.00\",\"position_cost_dollars\":\"50.0000\",\"realized_pnl_dollars\":\"10.0000\"}}",
	 "position FED-23DEC-T3.00 100 at 0.500000 @0\nchanged"},
};

static int run(const struct sample *s, const char *text, size_t len)
{
	struct json_str body = {text, len, false};
	said[0] = '\0';
	return s->ask < 0 ? s->venue->event(body, on_row, NULL)
			  : s->venue->reply((enum venue_account_ask)s->ask, s->status, body, on_row, NULL);
}

static void documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		assert_int_equal(run(&samples[i], samples[i].text, strlen(samples[i].text)), 0);
		assert_string_equal(said, samples[i].rows);
	}
}

/* What is cut or changed has its effect whole or not at all. */
static void spoiled(void **state)
{
	struct rng rng;
	(void)state;
	rng_seed(&rng, 7);
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		const struct sample *s = &samples[i];
		size_t len = strlen(s->text);
		char *copy = malloc(len); /* exactly: reading beyond it is seen */
		assert_non_null(copy);
		for (size_t cut = 0; cut < len; cut++) {
			char *own = malloc(cut ? cut : 1);
			assert_non_null(own);
			memcpy(own, s->text, cut);
			int rc = run(s, own, cut);
			assert_true(rc < 0 ? said[0] == '\0' : s->status >= 400);
			free(own);
		}
		for (int n = 0; n < 400; n++) {
			memcpy(copy, s->text, len);
			copy[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
			if (run(s, copy, len) < 0)
				assert_string_equal(said, "");
		}
		free(copy);
	}
}

static void refused(void **state)
{
	static const struct {
		const struct venue_account *venue;
		int ask;
		const char *text;
		int rc;
	} rows[] = {
		{SPOT, VENUE_ACCOUNT_BALANCES, "{\"updateTime\":1}", ERR_PROTOCOL},
		{SPOT, VENUE_ACCOUNT_BALANCES, "{\"balances\":[{\"asset\":\"A\",\"free\":\"1\"}]}", ERR_PROTOCOL},
		{SPOT, VENUE_ACCOUNT_BALANCES, "{\"balances\":[{\"asset\":\"A\",\"free\":\"-1\",\"locked\":\"0\"}]}",
		 ERR_RANGE},
		{SPOT, VENUE_ACCOUNT_BALANCES,
		 "{\"balances\":[{\"asset\":\"A\",\"free\":\"9223372036854775807\",\"locked\":\"1\"}]}", ERR_RANGE},
		{SPOT, VENUE_ACCOUNT_BALANCES, "{\"balances\":[{\"asset\":\"\",\"free\":\"1\",\"locked\":\"0\"}]}",
		 ERR_PROTOCOL},
		{SPOT, VENUE_ACCOUNT_RIGHTS, "{\"enableReading\":true}", ERR_PROTOCOL},
		{USDM, VENUE_ACCOUNT_LISTEN, "{\"listenKey\":\"../../x\"}", ERR_PROTOCOL},
		{SPOT, -1, "{\"event\":{\"B\":[],\"e\":\"outboundAccountPosition\"}}", ERR_PROTOCOL},
		{SPOT, -1, "{\"hello\":1}", ERR_PROTOCOL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sample s = {rows[i].venue, rows[i].ask, 200, rows[i].text, NULL};
		assert_int_equal(run(&s, s.text, strlen(s.text)), rows[i].rc);
		assert_string_equal(said, "");
	}
}

/* ---- asking ---- */

static void text_is(struct buf *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->at, text, b->len);
	buf_clear(b);
}

/* No venue can be asked for more than to say what there is. */
static void read_only(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	for (uint32_t i = 0; venue_at(i) != NULL; i++) {
		const struct venue_account *a = venue_at(i)->account;
		for (int ask = 0; a != NULL && ask < VENUE_ACCOUNT_ASKS; ask++) {
			const char *method = NULL;
			if (!(a->asks & 1U << ask))
				continue;
			assert_int_equal(a->request((enum venue_account_ask)ask, "", &out, &method), 0);
			assert_int_equal(buf_byte(&out, 0), 0);
			const char *path = (const char *)out.at;
			assert_true(strcmp(method, "GET") == 0 || strcmp(path, "/fapi/v1/listenKey") == 0);
			assert_null(strstr(path, "order"));
			assert_null(strstr(path, "withdraw"));
			buf_clear(&out);
		}
	}
	buf_fini(&out);
}

static void texts(void **state)
{
	const char *method;
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(venue_account_stamp("/api/v3/account", 1499827319559, 5000, &out), 0);
	text_is(&out, "/api/v3/account?recvWindow=5000&timestamp=1499827319559");
	assert_int_equal(venue_account_stamp("/api/v3/account?omitZeroBalances=true", 1, 5000, &out), 0);
	text_is(&out, "/api/v3/account?omitZeroBalances=true&recvWindow=5000&timestamp=1");
	assert_int_equal(venue_account_escape("a+b/c=~-_.", &out), 0);
	text_is(&out, "a%2Bb%2Fc%3D~-_.");
	assert_int_equal(venue_account_binance_spot.subscribe_signs("K1", 1747385641636, 5000, &out), 0);
	text_is(&out, "apiKey=K1&recvWindow=5000&timestamp=1747385641636");
	static const char signs[] = "apiKey=K1&recvWindow=5000&timestamp=17";
	assert_int_equal(venue_account_binance_spot.subscribe(signs, "ab+/=", &out), 0);
	text_is(&out, "{\"id\":\"account\",\"method\":\"userDataStream.subscribe.signature\","
		      "\"params\":{\"apiKey\":\"K1\","
		      "\"recvWindow\":5000,\"timestamp\":17,\"signature\":\"ab+/=\"}}");
	assert_int_equal(venue_account_binance_usdm.stream_path("abc", &out), 0);
	text_is(&out, "/private/ws/abc");
	assert_int_equal(venue_account_kalshi.request(VENUE_ACCOUNT_POSITIONS, "a=b", &out, &method), 0);
	text_is(&out, "/trade-api/v2/portfolio/positions?count_filter=position&limit=1000&cursor=a%3Db");
	/* Kalshi signs the path without its query: protocols of docs.kalshi.com, "API keys". */
	const struct venue *kalshi = venue_find("KALSHI", 6);
	assert_int_equal(kalshi->auth->text(1703123456789, "GET", "/trade-api/v2/portfolio/balance?x=1", &out), 0);
	text_is(&out, "1703123456789GET/trade-api/v2/portfolio/balance");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(documented), cmocka_unit_test(spoiled),
					   cmocka_unit_test(refused), cmocka_unit_test(read_only),
					   cmocka_unit_test(texts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
