/* test_venue_orders - order endpoints: parameters as the venue's documents have them, signed as they show it; replies,
 * refusals and reports read exactly; and nothing that is unknown taken for a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/sign.h"
#include "common/venue/venue.h"
#include "common/venue/venue_orders.h"

#define V (&venue_orders_binance_spot)
#define ID "0123456789abcdef0123456789abcdef"

/* ---- requests ---- */

static const char *asked(const struct venue_orders_question *q, struct venue_orders_call *ret_call)
{
	static char text[1000];
	struct buf out;
	buf_init(&out, sizeof text);
	int rc = V->request(q, &out, ret_call);
	snprintf(text, sizeof text, "%.*s", rc != 0 ? 0 : (int)out.len, out.at != NULL ? (const char *)out.at : "");
	if (rc != 0)
		snprintf(text, sizeof text, "%s", err_name(rc));
	buf_fini(&out);
	return text;
}

static void asks(struct venue_orders_question q, const char *method, uint32_t weight, const char *want)
{
	struct venue_orders_call call;
	if (q.symbol == NULL)
		q.symbol = "";
	if (q.client_id == NULL)
		q.client_id = "";
	assert_string_equal(asked(&q, &call), want);
	assert_string_equal(call.method, method);
	assert_int_equal(call.weight, weight);
	assert_int_equal(call.changes, strcmp(method, "GET") != 0);
}

/* What a test says nothing about. */
static struct venue_order usual(struct venue_order o)
{
	snprintf(o.symbol, sizeof o.symbol, "BTCUSDT");
	snprintf(o.client_id, sizeof o.client_id, ID);
	o.side = o.side ? o.side : side_buy;
	o.tif = o.tif ? o.tif : tif_gtc;
	o.price_scale = 2;
	o.qty_scale = o.cash_scale = 8;
	return o;
}

#define ORDER(...) usual((struct venue_order){__VA_ARGS__})

static const char *placed(struct venue_order o)
{
	struct venue_orders_call call;
	return asked(&(struct venue_orders_question){.ask = VENUE_ORDERS_PLACE, .order = &o}, &call);
}

#define PLACED(want, ...)                                                                                              \
	assert_string_equal(placed(ORDER(__VA_ARGS__)), "/api/v3/order?symbol=BTCUSDT&side=" want                      \
							"&newClientOrderId=" ID "&newOrderRespType=FULL")

/* rest-api.md, "New order": the types and what each must have. */
static void orders_of_each_kind(void **state)
{
	(void)state;
	PLACED("BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1", .type = order_type_limit, .qty = 100000000,
	       .price = 10);
	PLACED("SELL&type=LIMIT&timeInForce=IOC&quantity=0.00000001&price=70000", .type = order_type_limit, .qty = 1,
	       .price = 7000000, .side = side_sell, .tif = tif_ioc);
	PLACED("BUY&type=LIMIT&timeInForce=FOK&quantity=1.5&price=0.01", .type = order_type_limit, .qty = 150000000,
	       .price = 1, .tif = tif_fok);
	PLACED("BUY&type=LIMIT_MAKER&quantity=1&price=0.1", .type = order_type_limit, .qty = 100000000, .price = 10,
	       .post_only = true);
	PLACED("SELL&type=MARKET&quantity=0.5", .type = order_type_market, .qty = 50000000, .side = side_sell,
	       .tif = tif_ioc);
	PLACED("BUY&type=MARKET&quoteOrderQty=12.34", .type = order_type_market, .amount = 1234000000);
	PLACED("SELL&type=STOP_LOSS&quantity=1&stopPrice=99.5", .type = order_type_stop_market, .qty = 100000000,
	       .trigger = 9950, .side = side_sell, .trigger_by = trigger_by_last);
	PLACED("SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=99&stopPrice=99.5",
	       .type = order_type_stop_limit, .qty = 100000000, .price = 9900, .trigger = 9950, .side = side_sell);
	PLACED("BUY&type=TAKE_PROFIT&quantity=1&stopPrice=99.5", .type = order_type_take_profit, .qty = 100000000,
	       .trigger = 9950);
	PLACED("BUY&type=TAKE_PROFIT_LIMIT&timeInForce=FOK&quantity=1&price=100&stopPrice=99.5",
	       .type = order_type_take_profit_limit, .qty = 100000000, .price = 10000, .trigger = 9950, .tif = tif_fok);
	/* faqs/trailing-stop-faq.md: follows from the next trade on, or once the price has come its way */
	PLACED("SELL&type=STOP_LOSS&quantity=1&trailingDelta=100", .type = order_type_trailing_stop, .qty = 100000000,
	       .trail_bp = 100, .side = side_sell);
	PLACED("SELL&type=TAKE_PROFIT&quantity=1&stopPrice=110&trailingDelta=100", .type = order_type_trailing_stop,
	       .qty = 100000000, .trail_bp = 100, .trigger = 11000, .side = side_sell);
}

static void refuses(struct venue_order o)
{
	const char *why = NULL;
	assert_int_equal(V->takes(&o, &why), ERR_REFUSED);
	assert_true(why != NULL && strlen(why) > 20);
	assert_string_equal(placed(o), "ERR_REFUSED");
}

#define REFUSED(...) refuses(ORDER(.qty = 1, __VA_ARGS__))

static void orders_it_does_not_have(void **state)
{
	struct venue_order good = ORDER(.type = order_type_limit, .qty = 1, .price = 1);
	const char *why = "";
	(void)state;
	REFUSED(.type = 0);
	REFUSED(.type = order_type_limit, .price = 1, .tif = tif_gtd);
	REFUSED(.type = order_type_market, .tif = tif_fok);
	REFUSED(.type = order_type_market, .post_only = true);
	REFUSED(.type = order_type_limit, .price = 1, .post_only = true, .tif = tif_ioc);
	REFUSED(.type = order_type_stop_limit, .price = 1, .trigger = 1, .post_only = true);
	REFUSED(.type = order_type_stop_market, .trigger = 1, .trigger_by = trigger_by_mid);
	REFUSED(.type = order_type_trailing_stop, .trail = 5);
	REFUSED(.type = order_type_trailing_stop, .trail_bp = 5, .post_only = true);
	REFUSED(.type = order_type_limit, .price = 1, .amount = 5);
	assert_int_equal(V->takes(&good, &why), 0);
	assert_null(why);
}

#define MALFORMED(...) assert_string_equal(placed(ORDER(.type = order_type_limit, __VA_ARGS__)), "ERR_ARG")
#define WITHOUT(statement)                                                                                             \
	do {                                                                                                           \
		struct venue_order o = ORDER(.type = order_type_limit, .qty = 1, .price = 1);                          \
		assert_memory_equal(placed(o), "/api", 4);                                                             \
		statement;                                                                                             \
		assert_string_equal(placed(o), "ERR_ARG");                                                             \
	} while (0)

static void orders_that_make_no_sense(void **state)
{
	(void)state;
	MALFORMED(.qty = 1);
	MALFORMED(.price = 1);
	MALFORMED(.qty = -1, .price = 1);
	MALFORMED(.qty = 1, .price = -1);
	MALFORMED(.qty = 1, .price = 1, .trigger = 1);
	WITHOUT(o.side = 0);
	WITHOUT(o.client_id[0] = '\0');
	WITHOUT(o.client_id[1] = ' ');
	WITHOUT(memset(o.client_id, 'a', 37)); /* 36 and no more */
	WITHOUT(o.symbol[0] = '\0');
	WITHOUT(o.price_scale = 19);
	assert_string_equal(placed(ORDER(.type = order_type_stop_market, .qty = 1)), "ERR_ARG");
	assert_string_equal(placed(ORDER(.type = order_type_market, .qty = 1, .amount = 1)), "ERR_ARG");
	assert_string_equal(placed(ORDER(.type = order_type_market, .amount = -1)), "ERR_ARG");
}

#define Q(...)                                                                                                         \
	(struct venue_orders_question)                                                                                 \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

static void questions(void **state)
{
	(void)state;
	asks(Q(.ask = VENUE_ORDERS_CANCEL, .symbol = "BTCUSDT", .client_id = ID), "DELETE", 1,
	     "/api/v3/order?symbol=BTCUSDT&origClientOrderId=" ID);
	asks(Q(.ask = VENUE_ORDERS_CANCEL, .symbol = "BTCUSDT", .client_id = ID, .venue_id = 18446744073709551615u),
	     "DELETE", 1, "/api/v3/order?symbol=BTCUSDT&orderId=18446744073709551615&origClientOrderId=" ID);
	asks(Q(.ask = VENUE_ORDERS_CANCEL_ALL, .symbol = "BTCUSDT"), "DELETE", 1, "/api/v3/openOrders?symbol=BTCUSDT");
	asks(Q(.ask = VENUE_ORDERS_QUERY, .symbol = "BTCUSDT", .venue_id = 7), "GET", 4,
	     "/api/v3/order?symbol=BTCUSDT&orderId=7");
	asks(Q(.ask = VENUE_ORDERS_QUERY, .symbol = "BTCUSDT", .client_id = "a&b=c"), "GET", 4,
	     "/api/v3/order?symbol=BTCUSDT&origClientOrderId=a%26b%3Dc");
	asks(Q(.ask = VENUE_ORDERS_OPEN, .symbol = "BTCUSDT"), "GET", 6, "/api/v3/openOrders?symbol=BTCUSDT");
	asks(Q(.ask = VENUE_ORDERS_OPEN), "GET", 80, "/api/v3/openOrders");
	asks(Q(.ask = VENUE_ORDERS_FILLS, .symbol = "BTCUSDT", .venue_id = 7), "GET", 5,
	     "/api/v3/myTrades?symbol=BTCUSDT&orderId=7&fromId=0&limit=1000");
	asks(Q(.ask = VENUE_ORDERS_FILLS, .symbol = "BTCUSDT"), "GET", 20,
	     "/api/v3/myTrades?symbol=BTCUSDT&limit=1000");
	asks(Q(.ask = VENUE_ORDERS_FILLS, .symbol = "BTCUSDT", .from = 5), "GET", 20,
	     "/api/v3/myTrades?symbol=BTCUSDT&fromId=5&limit=1000");
	asks(Q(.ask = VENUE_ORDERS_QUERY, .symbol = "BTCUSDT"), "GET", 4, "ERR_ARG");
	asks(Q(.ask = VENUE_ORDERS_CANCEL, .client_id = ID), "DELETE", 1, "ERR_ARG");
	asks(Q(.ask = VENUE_ORDERS_CANCEL_ALL), "DELETE", 1, "ERR_ARG"); /* of every symbol: no such thing */
	asks(Q(.ask = VENUE_ORDERS_FILLS, .venue_id = 7), "GET", 5, "ERR_ARG");
}

/* ---- signatures ---- */

static struct sign_key *published_key(void)
{
	static const char secret[] = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j\n";
	char path[] = "/tmp/nj_orders_XXXXXX", reason[300];
	struct sign_key *k = NULL;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, secret, sizeof secret - 1) == (ssize_t)sizeof secret - 1);
	assert_int_equal(fchmod(fd, 0600) | close(fd), 0);
	assert_int_equal(sign_key_open(path, &k, reason, sizeof reason), 0);
	unlink(path);
	return k;
}

/* rest-api.md, "SIGNED Endpoint Examples for POST /api/v3/order", "HMAC Keys": a limit order in ASCII and beyond it.
 * They name no client order id and no kind of response, which ours stand behind. */
static void published_vectors(void **state)
{
	static const struct {
		const char *symbol, *signature;
	} rows[] = {
		{"LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"},
		{"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93\xef\xbc\x94\xef\xbc\x95\xef\xbc\x96",
		 "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"},
	};
	struct sign_key *k = published_key();
	char signature[SIGN_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct venue_order o = ORDER(.type = order_type_limit, .qty = 100000000, .price = 10);
		snprintf(o.symbol, sizeof o.symbol, "%s", rows[i].symbol);
		char path[1000], *ours;
		snprintf(path, sizeof path, "%s", placed(o));
		ours = strstr(path, "&newClientOrderId=" ID "&newOrderRespType=FULL");
		assert_non_null(ours);
		*ours = '\0';
		struct buf out;
		buf_init(&out, 2000);
		assert_int_equal(venue_account_stamp(path, 1499827319559, 5000, &out), 0);
		const uint8_t *query = memchr(out.at, '?', out.len);
		assert_non_null(query);
		size_t len = (size_t)(out.at + out.len - (query + 1));
		assert_int_equal(sign_by_key(k, query + 1, len, signature), 0);
		assert_string_equal(signature, rows[i].signature);
		buf_fini(&out);
	}
	sign_key_close(k);
}

/* ---- rows ---- */

static char said[8192];
static uint32_t rows;
static struct venue_orders_row last;

static void say(const char *text)
{
	strncat(said, text, sizeof said - strlen(said) - 1);
}

static const char *number(int64_t value, int scale)
{
	static char text[8][FIXED_TEXT_MAX];
	static int i;
	i = (i + 1) % 8;
	fixed_format(text[i], FIXED_TEXT_MAX, value, scale);
	return value == -1 && scale == 0 ? "?" : text[i];
}

static const char *const statuses[] = {"taken",    "open",    "partial", "filled",  "cancelled",
				       "rejected", "expired", "pending", "waiting", "triggered"};
static const char *const types[] = {
	"?", "market", "limit", "stop_market", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"};

static void say_order(const struct venue_orders_row *r, char *line, size_t cap)
{
	static const char *const tifs[] = {"-", "gtc", "ioc", "fok", "gtd"};
	snprintf(line, cap, " %s %s #%llu %s %s%s %s %s at %s/%s filled %s spent %s @%lld%s%s", r->symbol, r->client_id,
		 (unsigned long long)r->venue_id, statuses[r->status], types[r->type], r->post_only ? "!" : "",
		 tifs[r->tif], number(r->qty, r->qty_scale), number(r->price, r->price_scale),
		 number(r->trigger, r->trigger_scale), number(r->filled, r->filled_scale),
		 number(r->spent, r->spent_scale), (long long)(r->time / 1000000), r->words[0] ? ": " : "", r->words);
}

static void on_row(void *ctx, const struct venue_orders_row *r)
{
	static const char *const kinds[] = {"nothing", "order",  "fill",    "refused",
					    "unknown", "absent", "no more", "more"};
	char line[600] = "";
	(void)ctx;
	rows++;
	last = *r;
	say(said[0] ? "\n" : "");
	say(kinds[r->kind]);
	if (r->kind == VENUE_ORDERS_ORDER)
		say_order(r, line, sizeof line);
	if (r->kind == VENUE_ORDERS_FILL)
		snprintf(line, sizeof line, " %s %s #%llu trade %llu %s at %s fee %s %s %s @%lld", r->symbol,
			 r->client_id, (unsigned long long)r->venue_id, (unsigned long long)r->trade_id,
			 number(r->qty, r->qty_scale), number(r->price, r->price_scale), number(r->fee, r->fee_scale),
			 r->fee_asset, r->liquidity == liquidity_maker ? "maker" : "taker",
			 (long long)(r->time / 1000000));
	if (r->kind == VENUE_ORDERS_REFUSED || r->kind == VENUE_ORDERS_UNKNOWN || r->kind == VENUE_ORDERS_ABSENT)
		snprintf(line, sizeof line, " %d/%d %lld %s", (int)r->refusal, r->reject, (long long)r->code, r->words);
	if (r->kind == VENUE_ORDERS_MORE)
		snprintf(line, sizeof line, " %llu", (unsigned long long)r->trade_id);
	say(line);
	if (r->unknown)
		say(" (unknown)");
}

#define EVENT -1

static int told(int ask, int status, const char *text, size_t len)
{
	/* a copy that ends where its memory does */
	char *copy = malloc(len > 0 ? len : 1);
	assert_non_null(copy);
	memcpy(copy, text, len);
	said[0] = '\0';
	rows = 0;
	struct json_str body = {copy, len, false};
	int rc = ask == EVENT ? V->event(body, on_row, NULL)
			      : V->reply((enum venue_orders_ask)ask, status, body, on_row, NULL);
	free(copy);
	return rc;
}

static void says(int ask, int status, const char *text, const char *want)
{
	assert_int_equal(told(ask, status, text, strlen(text)), 0);
	assert_string_equal(said, want);
}

#define BASE "\"symbol\":\"BTCUSDT\",\"orderId\":28,\"orderListId\":-1,\"clientOrderId\":\"6gCrw2kRUAF9CvJDGP16IP\""

/* rest-api.md, "New order", the three responses. */
static void placing(void **state)
{
	(void)state;
	says(VENUE_ORDERS_PLACE, 200,
	     "{" BASE ",\"transactTime\":1507725176595,\"price\":\"0.00000000\",\"origQty\":\"10.00000000\","
	     "\"executedQty\":\"10.00000000\",\"origQuoteOrderQty\":\"0.000000\",\"cummulativeQuoteQty\":\"39987."
	     "00000000\","
	     "\"status\":\"FILLED\",\"timeInForce\":\"GTC\",\"type\":\"MARKET\",\"side\":\"SELL\",\"workingTime\":"
	     "1507725176595,"
	     "\"selfTradePreventionMode\":\"NONE\",\"fills\":[{\"price\":\"4000.00000000\",\"qty\":\"1.00000000\","
	     "\"commission\":\"4.00000000\",\"commissionAsset\":\"USDT\",\"tradeId\":56},{\"price\":\"3999.00000000\","
	     "\"qty\":\"5.00000000\",\"commission\":\"19.99500000\",\"commissionAsset\":\"USDT\",\"tradeId\":57}]}",
	     "fill BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 trade 56 1 at 4000 fee 4 USDT taker @1507725176595\n"
	     "fill BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 trade 57 5 at 3999 fee 19.995 USDT taker @1507725176595\n"
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 filled market gtc 10 at 0/0 filled 10 spent 39987 "
	     "@1507725176595");
	says(VENUE_ORDERS_PLACE, 200, "{" BASE ",\"transactTime\":1507725176595}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 taken ? - 0 at 0/0 filled ? spent ? @1507725176595");
	says(VENUE_ORDERS_PLACE, 200,
	     "{" BASE ",\"transactTime\":1,\"price\":\"0.25\",\"origQty\":\"10.5\",\"executedQty\":\"0.0\","
	     "\"cummulativeQuoteQty\":\"0.0\",\"status\":\"NEW\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT_MAKER\","
	     "\"side\":\"BUY\","
	     "\"fills\":[]}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 open limit! gtc 10.5 at 0.25/0 filled 0 spent 0 @1");
	/* it waits for its trigger, and then it does not */
	says(VENUE_ORDERS_PLACE, 200,
	     "{" BASE
	     ",\"transactTime\":1,\"status\":\"NEW\",\"type\":\"STOP_LOSS\",\"stopPrice\":\"9.5\",\"workingTime\":-1}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 waiting stop_market - 0 at 0/9.5 filled ? spent ? @1");
	says(VENUE_ORDERS_PLACE, 200,
	     "{" BASE ",\"transactTime\":1,\"status\":\"NEW\",\"type\":\"STOP_LOSS\",\"workingTime\":1507725176595}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 open stop_market - 0 at 0/0 filled ? spent ? @1");
	says(VENUE_ORDERS_PLACE, 200,
	     "{" BASE ",\"transactTime\":1,\"status\":\"EXPIRED\",\"type\":\"LIMIT\",\"timeInForce\":\"FOK\","
	     "\"expiryReason\":\"UNFILLED_FOK_ORDER_EXPIRED\"}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 expired limit fok 0 at 0/0 filled ? spent ? @1: "
	     "UNFILLED_FOK_ORDER_EXPIRED");
	says(VENUE_ORDERS_PLACE, 200, "{" BASE ",\"status\":\"PAUSED_IN_2027\",\"type\":\"DREAM\"}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 taken ? - 0 at 0/0 filled ? spent ? @0 (unknown)");
}

/* rest-api.md, "Cancel order", "Cancel All Open Orders on a Symbol", of which an order list is a part. */
#define CANCELLED(orig, id)                                                                                            \
	"{\"symbol\":\"LTCBTC\",\"origClientOrderId\":\"" orig "\",\"orderId\":" id                                    \
	",\"orderListId\":-1,\"clientOrderId\":\"cancelMyOrder1\",\"transactTime\":1684804350068,\"price\":"           \
	"\"2.00000000\",\"origQty\":\"1.00000000\",\"executedQty\":\"0.00000000\",\"cummulativeQuoteQty\":"            \
	"\"0.00000000\",\"status\":\"CANCELED\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\"}"
#define CANCELLED_ROW(orig, id)                                                                                        \
	"order LTCBTC " orig " #" id " cancelled limit gtc 1 at 2/0 filled 0 spent 0 @1684804350068"

static void cancelling(void **state)
{
	(void)state;
	says(VENUE_ORDERS_CANCEL, 200, CANCELLED("myOrder1", "4"), CANCELLED_ROW("myOrder1", "4"));
	says(VENUE_ORDERS_CANCEL, 200,
	     "{\"orderListId\":1929,\"contingencyType\":\"OCO\",\"symbol\":\"LTCBTC\",\"orders\":[],\"orderReports\":"
	     "[" CANCELLED("a", "20") "," CANCELLED("b", "21") "]}",
	     CANCELLED_ROW("a", "20") "\n" CANCELLED_ROW("b", "21"));
	says(VENUE_ORDERS_CANCEL_ALL, 200,
	     "[" CANCELLED("c", "11") ",{\"orderListId\":1929,\"orderReports\":[" CANCELLED("d", "20") "]}]",
	     CANCELLED_ROW("c", "11") "\n" CANCELLED_ROW("d", "20") "\nno more");
	says(VENUE_ORDERS_CANCEL, 400, "{\"code\":-2011,\"msg\":\"Unknown order sent.\"}",
	     "absent 0/18 -2011 Unknown order sent.");
	says(VENUE_ORDERS_CANCEL, 400,
	     "{\"code\":-2011,\"msg\":\"Order was not canceled due to cancel restrictions.\"}",
	     "refused 0/0 -2011 Order was not canceled due to cancel restrictions.");
}

/* rest-api.md, "Query order", "Current open orders", "Account trade list". */
#define QUERIED(status, more)                                                                                          \
	"{\"symbol\":\"LTCBTC\",\"orderId\":1,\"orderListId\":-1,\"clientOrderId\":\"myOrder1\",\"price\":\"0.1\","    \
	"\"origQty\":\"1.0\",\"executedQty\":\"0.5\",\"cummulativeQuoteQty\":\"0.05\",\"status\":\"" status            \
	"\",\"timeInForce\":\"GTC\",\"type\":\"STOP_LOSS_LIMIT\",\"side\":\"SELL\",\"stopPrice\":\"0.2\","             \
	"\"icebergQty\":\"0.0\",\"time\":1499827319559,\"updateTime\":1499827319560" more "}"

static void querying(void **state)
{
	(void)state;
	says(VENUE_ORDERS_QUERY, 200, QUERIED("PARTIALLY_FILLED", ",\"isWorking\":true"),
	     "order LTCBTC myOrder1 #1 partial stop_limit gtc 1 at 0.1/0.2 filled 0.5 spent 0.05 @1499827319560");
	says(VENUE_ORDERS_QUERY, 200, QUERIED("NEW", ",\"isWorking\":false,\"trailingDelta\":10"),
	     "order LTCBTC myOrder1 #1 waiting ? gtc 1 at 0.1/0.2 filled 0.5 spent 0.05 @1499827319560");
	says(VENUE_ORDERS_OPEN, 200, "[" QUERIED("NEW", ",\"isWorking\":true") "]",
	     "order LTCBTC myOrder1 #1 open stop_limit gtc 1 at 0.1/0.2 filled 0.5 spent 0.05 @1499827319560\nno more");
	says(VENUE_ORDERS_OPEN, 200, "[]", "no more");
	/* for some historical orders the venue does not know it any more */
	says(VENUE_ORDERS_QUERY, 200, "{" BASE ",\"cummulativeQuoteQty\":\"-1.00000000\",\"executedQty\":\"1\"}",
	     "order BTCUSDT 6gCrw2kRUAF9CvJDGP16IP #28 taken ? - 0 at 0/0 filled 1 spent ? @0");
	says(VENUE_ORDERS_QUERY, 400, "{\"code\":-2013,\"msg\":\"Order does not exist.\"}",
	     "absent 0/0 -2013 Order does not exist.");
	says(VENUE_ORDERS_QUERY, 400, "{\"code\":-2026,\"msg\":\"Order was canceled or expired\"}",
	     "absent 0/0 -2026 Order was canceled or expired");
	says(VENUE_ORDERS_FILLS, 200,
	     "[{\"symbol\":\"BNBBTC\",\"id\":28457,\"orderId\":100234,\"orderListId\":-1,\"price\":\"4.00000100\","
	     "\"qty\":\"12.00000000\",\"quoteQty\":\"48.000012\",\"commission\":\"10.10000000\",\"commissionAsset\":"
	     "\"BNB\","
	     "\"time\":1499865549590,\"isBuyer\":true,\"isMaker\":true,\"isBestMatch\":true}]",
	     "fill BNBBTC  #100234 trade 28457 12 at 4.000001 fee 10.1 BNB maker @1499865549590\nno more");
	says(VENUE_ORDERS_FILLS, 200, "[]", "no more");
}

/* A full page is followed by another one. */
static void pages(void **state)
{
	struct buf body;
	(void)state;
	buf_init(&body, 1 << 20);
	buf_byte(&body, '[');
	for (int i = 1000; i > 0; i--)
		buf_printf(&body,
			   "%s{\"symbol\":\"BNBBTC\",\"id\":%d,\"orderId\":1,\"price\":\"1\",\"qty\":\"1\","
			   "\"commission\":\"0\",\"commissionAsset\":\"BNB\",\"time\":1}",
			   i == 1000 ? "" : ",", 500 + i);
	assert_int_equal(buf_byte(&body, ']'), 0);
	assert_int_equal(told(VENUE_ORDERS_FILLS, 200, (const char *)body.at, body.len), 0);
	assert_int_equal(rows, 1001);
	assert_true(last.kind == VENUE_ORDERS_MORE && last.trade_id == 1501);
	buf_clear(&body);
	buf_byte(&body, '[');
	for (int i = 0; i < VENUE_ORDERS_ROWS_MAX; i++)
		buf_printf(&body, "%s{" BASE "}", i ? "," : "");
	assert_int_equal(buf_byte(&body, ']'), 0);
	assert_int_equal(told(VENUE_ORDERS_OPEN, 200, (const char *)body.at, body.len), ERR_TOO_LONG);
	assert_string_equal(said, "unknown 0/0 200 ");
	buf_fini(&body);
}

/* ---- refusals ---- */

#define NO(code, msg) "{\"code\":" #code ",\"msg\":\"" msg "\"}"

/* errors.md. */
static void refusals(void **state)
{
	static const struct {
		int status;
		const char *text, *row;
	} table[] = {
		{400, NO(-2010, "Account has insufficient balance for requested action."), "refused 0/8 "},
		{400, NO(-2010, "Order would immediately match and take."), "refused 0/50 "},
		{400, NO(-2010, "Order would trigger immediately."), "refused 0/52 "},
		{400, NO(-2010, "Duplicate order sent."), "refused 1/17 "},
		{400, NO(-2010, "Market is closed."), "refused 6/23 "},
		{400, NO(-2010, "Something new."), "refused 0/0 "},
		{400, NO(-1010, "Duplicate order sent."), "refused 1/17 "},
		{400, NO(-1013, "Filter failure: NOTIONAL"), "refused 0/6 "},
		{400, NO(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), "refused 0/53 "},
		{400, NO(-1111, "Parameter 'price' has too much precision."), "refused 0/0 "},
		{400, NO(-1121, "Invalid symbol."), "refused 0/1 "},
		{400, NO(-1021, "Timestamp for this request is outside of the recvWindow."), "refused 2/0 "},
		{400, NO(-1022, "Signature for this request is not valid."), "refused 3/0 "},
		{401, NO(-2015, "Invalid API-key, IP, or permissions for action."), "refused 4/0 "},
		{401, NO(-2014, "API-key format invalid."), "refused 4/0 "},
		{400, NO(-1002, "You are not authorized to execute this request."), "refused 4/0 "},
		{429, NO(-1003, "Too much request weight used"), "refused 5/0 "},
		{418, NO(-1003, "IP banned"), "refused 5/0 "},
		{429, NO(-1015, "Too many new orders; current limit is 10 orders per SECOND."), "refused 5/0 "},
		{403, "<html>WAF</html>", "refused 5/0 403 "},
		{429, "", "refused 5/0 429 "},
		{400, NO(-1016, "This service is no longer available."), "refused 6/0 "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		assert_int_equal(told(VENUE_ORDERS_PLACE, table[i].status, table[i].text, strlen(table[i].text)), 0);
		assert_memory_equal(said, table[i].row, strlen(table[i].row));
		assert_int_equal(rows, 1);
	}
	/* what the order that is placed cannot be */
	says(VENUE_ORDERS_PLACE, 400, NO(-2013, "Order does not exist."), "refused 0/0 -2013 Order does not exist.");
	says(VENUE_ORDERS_PLACE, 400, NO(-2011, "Unknown order sent."), "refused 0/18 -2011 Unknown order sent.");
}

/* rest-api.md, "HTTP Return Codes": 5XX is not a failure. Nothing of this may read as a refusal, to any question. */
static void nobody_knows(void **state)
{
	static const struct {
		int status;
		const char *text, *row;
	} table[] = {
		{0, "", "unknown 0/0 0 "},
		{500, "", "unknown 0/0 500 "},
		{502, "<html>bad gateway</html>", "unknown 0/0 502 "},
		{503, NO(-1008, "Server is currently overloaded"), "unknown 0/0 -1008 Server is currently overloaded"},
		{504, NO(-1007, "Timeout"), "unknown 0/0 -1007 Timeout"},
		{500, NO(-2010, "Duplicate order sent."), "unknown 0/17 -2010 Duplicate order sent."},
		{503, NO(-2013, "Order does not exist."), "unknown 0/0 -2013 Order does not exist."},
		{400, NO(-1000, "An unknown error occurred"), "unknown 0/0 -1000 An unknown error occurred"},
		{400, NO(-1001, "Internal error"), "unknown 0/0 -1001 Internal error"},
		{400, NO(-1006, "Execution status unknown."), "unknown 0/0 -1006 Execution status unknown."},
		{408, NO(-1007, "Timeout waiting"), "unknown 0/0 -1007 Timeout waiting"},
		{400, NO(-1077, "a code of 2027"), "unknown 0/0 -1077 a code of 2027"},
		{400, NO(-2999, "Send status unknown; execution status unknown."),
		 "unknown 0/0 -2999 Send status unknown; execution status unknown."},
		{400, "", "unknown 0/0 400 "},
		{400, "{\"code\":0,\"msg\":\"\"}", "unknown 0/0 400 "},
		{400, "{\"code\":-2010,\"msg\":\"cut", "unknown 0/0 400 "},
		{404, "<html>not found</html>", "unknown 0/0 404 "},
		{204, "", "unknown 0/0 204 "},
		{301, "", "unknown 0/0 301 "},
	};
	(void)state;
	for (int ask = 0; ask < VENUE_ORDERS_ASKS; ask++)
		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
			says(ask, table[i].status, table[i].text, table[i].row);
}

/* A reply to a placed order that nobody can read is no refusal either; of no other is a part believed. */
static void unreadable(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"symbol\":\"BTCUSDT\",\"orderId\":28}",
		"{\"symbol\":\"BTCUSDT\",\"clientOrderId\":\"a\",\"orderId\":\"x\"}",
		"{\"symbol\":\"BTC USDT\",\"clientOrderId\":\"a\",\"orderId\":1}",
		"{" BASE ",\"price\":\"-1\"}",
		"{" BASE ",\"executedQty\":\"-1\"}",
		"{" BASE ",\"origQty\":\"1e99\"}",
		"{" BASE ",\"fills\":[{\"price\":\"1\",\"qty\":\"1\",\"commission\":\"0\",\"commissionAsset\":\"BNB\","
		"\"tradeId\":1},"
		"{\"price\":\"1\",\"qty\":\"0\",\"commission\":\"0\",\"commissionAsset\":\"BNB\",\"tradeId\":2}]}",
		"{" BASE
		",\"fills\":[{\"price\":\"1\",\"qty\":\"1\",\"commission\":\"1\",\"tradeId\":1}]}", /* of what? */
		"{" BASE ",\"fills\":[{\"price\":\"1\",\"qty\":\"1\",\"commission\":\"0\"}]}",
		"{" BASE "} {}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(told(VENUE_ORDERS_PLACE, 200, bad[i], strlen(bad[i])) < 0);
		assert_string_equal(said, "unknown 0/0 200 ");
	}
}

/* ---- the user's stream ---- */

#define REPORT(x, state_, more)                                                                                        \
	"{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":1499405658658,\"s\":\"ETHBTC\","             \
	"\"c\":\"mUvoqJxFIILMdfAW5iGSOW\",\"S\":\"BUY\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"1.00000000\","           \
	"\"p\":\"0.10264410\",\"P\":\"0.00000000\",\"F\":\"0.00000000\",\"g\":-1,\"x\":\"" x "\",\"X\":\"" state_      \
	"\",\"i\":4293153,\"T\":1499405658657,\"v\":3,\"I\":8641984,\"M\":false,\"O\":1499405658657,"                  \
	"\"Q\":\"0.00000000\",\"W\":1499405658657,\"V\":\"NONE\"," more "}}"
#define NEVER                                                                                                          \
	"\"C\":\"\",\"r\":\"NONE\",\"l\":\"0.00000000\",\"z\":\"0.00000000\",\"L\":\"0.00000000\",\"n\":\"0\","        \
	"\"N\":null,\"t\":-1,\"w\":true,\"m\":false,\"Z\":\"0.00000000\",\"Y\":\"0.00000000\""
#define ETH(id, word, done, spent_)                                                                                    \
	"order ETHBTC " id " #4293153 " word " limit gtc 1 at 0.1026441/0 filled " done " spent " spent_               \
	" @1499405658657"
#define OURS "mUvoqJxFIILMdfAW5iGSOW"

/* user-data-stream.md, "Order Update". */
static void reports(void **state)
{
	(void)state;
	says(EVENT, 0, REPORT("NEW", "NEW", NEVER), ETH(OURS, "open", "0", "0"));
	says(EVENT, 0,
	     REPORT("TRADE", "PARTIALLY_FILLED",
		    "\"C\":\"\",\"r\":\"NONE\",\"l\":\"0.25\",\"z\":\"0.75\",\"L\":\"0.1\",\"n\":\"0.00000123\",\"N\":"
		    "\"BNB\","
		    "\"t\":77517,\"w\":true,\"m\":true,\"Z\":\"0.075\",\"Y\":\"0.025\""),
	     "fill ETHBTC " OURS " #4293153 trade 77517 0.25 at 0.1 fee 0.00000123 BNB maker @1499405658657\n" ETH(
		     OURS, "partial", "0.75", "0.075"));
	says(EVENT, 0,
	     REPORT("TRADE", "FILLED",
		    "\"C\":\"\",\"r\":\"NONE\",\"l\":\"1\",\"z\":\"1\",\"L\":\"0.1\",\"n\":\"0\",\"N\":null,"
		    "\"t\":0,\"w\":false,\"m\":false,\"Z\":\"0.1\",\"Y\":\"0.1\""),
	     "fill ETHBTC " OURS
	     " #4293153 trade 0 1 at 0.1 fee 0  taker @1499405658657\n" ETH(OURS, "filled", "1", "0.1"));
	/* a cancel has an id of its own */
	says(EVENT, 0,
	     REPORT("CANCELED", "CANCELED", "\"C\":\"myOrder1\",\"r\":\"NONE\",\"t\":-1,\"z\":\"0\",\"Z\":\"0\""),
	     ETH("myOrder1", "cancelled", "0", "0"));
	says(EVENT, 0,
	     REPORT("EXPIRED", "EXPIRED",
		    "\"C\":\"\",\"r\":\"NONE\",\"t\":-1,\"z\":\"0\",\"Z\":\"0\","
		    "\"eR\":\"INSUFFICIENT_LIQUIDITY\""),
	     ETH(OURS, "expired", "0", "0") ": INSUFFICIENT_LIQUIDITY");
	says(EVENT, 0, REPORT("TRADE_PREVENTION", "EXPIRED_IN_MATCH", "\"C\":\"\",\"t\":-1,\"z\":\"0\",\"Z\":\"0\""),
	     ETH(OURS, "expired", "0", "0"));
	says(EVENT, 0,
	     REPORT("REJECTED", "REJECTED",
		    "\"C\":\"\",\"r\":\"INSUFFICIENT_BALANCES\",\"t\":-1,\"z\":\"0\",\"Z\":\"0\""),
	     ETH(OURS, "rejected", "0", "0") ": INSUFFICIENT_BALANCES");
	says(EVENT, 0, REPORT("NEW", "SOMETHING", NEVER), ETH(OURS, "taken", "0", "0") " (unknown)");
	/* what the other reader of the stream is for */
	says(EVENT, 0, "{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",\"E\":1,\"u\":1,\"B\":[]}}",
	     "");
	says(EVENT, 0, "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":1728973001334}}", "");
	says(EVENT, 0, "{\"id\":\"account\",\"status\":200,\"result\":{\"subscriptionId\":0}}", "");
	says(EVENT, 0, "{\"subscriptionId\":0,\"event\":{\"e\":\"listStatus\",\"E\":1,\"s\":\"ETHBTC\"}}", "");
}

static void bad_reports(void **state)
{
	static const char *const bad[] = {
		"",
		"{\"event\":{\"e\":\"executionReport\"}}",
		REPORT("TRADE", "FILLED", NEVER), /* a trade without one */
		REPORT("TRADE", "FILLED", "\"t\":5,\"L\":\"0\",\"l\":\"1\",\"z\":\"1\""),
		REPORT("NEW", "NEW", "\"z\":\"x\""),
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(told(EVENT, 0, bad[i], strlen(bad[i])) < 0);
		assert_int_equal(rows, 0);
	}
}

/* Cut anywhere: an error, and of an event nothing, of a reply that nobody knows. */
static void cut(void **state)
{
	static const char text[] = REPORT("NEW", "NEW", NEVER);
	static const char body[] = QUERIED("NEW", ",\"isWorking\":true");
	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++) {
		assert_true(told(EVENT, 0, text, len) < 0);
		assert_int_equal(rows, 0);
	}
	for (size_t len = 0; len < sizeof body - 1; len++) {
		assert_true(told(VENUE_ORDERS_QUERY, 200, body, len) < 0);
		assert_string_equal(said, "unknown 0/0 200 ");
	}
}

/* ---- what the settings name ---- */

static void hosts(void **state)
{
	const struct venue *v = venue_find("BINANCE", 7);
	(void)state;
	assert_ptr_equal(v->orders, V);
	assert_ptr_equal(V->account, v->account);
	assert_string_equal(V->hosts[0].name, "live");
	assert_string_equal(V->hosts[0].rest, v->rest_hosts[0]);
	assert_string_equal(V->hosts[0].stream, v->account->stream_hosts[0]);
	assert_true(!V->hosts[0].play && V->hosts[0].rights);
	for (uint32_t i = 1; i < V->n_hosts; i++)
		assert_true(V->hosts[i].play && strcmp(V->hosts[i].name, "live") != 0);
	assert_true(V->id_max < VENUE_ORDERS_ID_MAX && V->id_max >= 32); /* ours have 32 */
	assert_null(venue_find("BINANCE-PERP", 12)->orders);
	assert_null(venue_find("KALSHI", 6)->orders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_of_each_kind),
		cmocka_unit_test(orders_it_does_not_have),
		cmocka_unit_test(orders_that_make_no_sense),
		cmocka_unit_test(questions),
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(placing),
		cmocka_unit_test(cancelling),
		cmocka_unit_test(querying),
		cmocka_unit_test(pages),
		cmocka_unit_test(refusals),
		cmocka_unit_test(nobody_knows),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(reports),
		cmocka_unit_test(bad_reports),
		cmocka_unit_test(cut),
		cmocka_unit_test(hosts),
	};
	return cmocka_run_group_tests_name("venue_orders", tests, NULL, NULL);
}
