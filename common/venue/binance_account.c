/* binance_account - the account of Binance spot and USD-M futures: balances, positions, the user's stream.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md, web-socket-api.md "userDataStream.subscribe.signature",
 * user-data-stream.md, errors.md); developers.binance.com for USD-M and for the rights of a key (sapi). Traps: spot has
 * no listen keys any more, its stream is subscribed to by a signature over the sorted parameters; futures still have
 * them. An outboundAccountPosition names all that may have changed; balanceUpdate and externalLockUpdate bring a
 * difference without a total, so they only say that one must ask. What a futures account can draw on moves with every
 * price, so its balance is the wallet's alone.
 */
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/account_read.h"

#define MINUTE 60000000000LL

static int64_t time_of(struct account_read *a, struct json_str text)
{
	int64_t ns = 0;

	if (text.len > 0)
		account_read_note(a, wire_time(text, &ns));
	return ns;
}

static void need(struct account_read *a, const struct wire_member *m, size_t n)
{
	account_read_note(a, wire_all_there(m, n) ? 0 : ERR_PROTOCOL);
}

/* ---- refusals ---- */

static enum venue_account_error meaning(int status, int64_t code)
{
	if (code == -1021)
		return VENUE_ACCOUNT_CLOCK;
	if (code == -1022)
		return VENUE_ACCOUNT_SIGNATURE;
	if (code == -2014 || code == -2015 || code == -1002 || status == 401)
		return VENUE_ACCOUNT_KEY;
	return VENUE_ACCOUNT_OTHER;
}

static void give_error(struct account_read *a, int status, struct json_str code, struct json_str msg)
{
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_ERROR};

	if (fixed_parse(code.at, code.len, 0, &row.code) != 0)
		row.code = status;
	wire_text(msg, row.name, sizeof row.name);
	row.error = meaning(status, row.code);
	account_read_give(a, &row);
}

static int read_error(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "code"}, {.name = "msg"}};

	wire_members(j, m, 2);
	give_error(a, 400, m[0].text, m[1].text);
	return 0;
}

/* ---- replies ---- */

static void spot_balance(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "asset"}, {.name = "free"}, {.name = "locked"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_BALANCE, .time = a->time};

	wire_members(j, m, 3);
	need(a, m, 3);
	if (a->err != 0)
		return;
	account_read_name(a, m[0].text, row.name, EVENT_NAME_MAX);
	account_read_balance(a, &row, m[1].text, m[2].text);
	account_read_give(a, &row);
}

/* The time stands before the balances, and is read in the first pass wherever it stands. */
static int spot_balances(struct account_read *a, struct json *j)
{
	struct json_str key, text = {0};
	bool has = false;

	json_object(j);
	while (a->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "updateTime") && json_scalar_text(j, &text)) {
			a->time = time_of(a, text);
		} else if (json_str_is(key, "balances")) {
			has = true;
			account_read_items(a, j, spot_balance);
		} else {
			json_skip(j);
		}
	}
	return has ? 0 : ERR_PROTOCOL;
}

static void usdm_asset(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "asset"}, {.name = "walletBalance"}, {.name = "updateTime"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_BALANCE};

	wire_members(j, m, 3);
	need(a, m, 2);
	if (a->err != 0)
		return;
	row.time = time_of(a, m[2].text);
	account_read_name(a, m[0].text, row.name, EVENT_NAME_MAX);
	account_read_decimal(a, m[1].text, &row.scale, &row.total); /* a debt is negative */
	account_read_give(a, &row);
}

static int usdm_balances(struct account_read *a, struct json *j)
{
	struct json_str key;
	bool has = false;

	json_object(j);
	while (a->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "assets")) {
			has = true;
			account_read_items(a, j, usdm_asset);
		} else {
			json_skip(j);
		}
	}
	return has ? 0 : ERR_PROTOCOL;
}

static void give_position(struct account_read *a, struct json_str text[4], int64_t time)
{
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_POSITION, .time = time};

	account_read_name(a, text[0], row.name, sizeof row.name);
	if (!json_str_is(text[1], "BOTH"))
		account_read_name(a, text[1], row.leg, sizeof row.leg);
	account_read_decimal(a, text[2], &row.scale, &row.qty);
	account_read_decimal(a, text[3], &row.price_scale, &row.avg_price);
	account_read_give(a, &row);
}

static void usdm_position(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "symbol"},
				  {.name = "positionSide"},
				  {.name = "positionAmt"},
				  {.name = "entryPrice"},
				  {.name = "updateTime"}};

	wire_members(j, m, 5);
	need(a, m, 4);
	if (a->err == 0)
		give_position(a, (struct json_str[]){m[0].text, m[1].text, m[2].text, m[3].text},
			      time_of(a, m[4].text));
}

static int usdm_positions(struct account_read *a, struct json *j)
{
	account_read_items(a, j, usdm_position);
	return 0;
}

static int rights(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "enableReading"},
				  {.name = "enableWithdrawals"},
				  {.name = "enableInternalTransfer"},
				  {.name = "permitsUniversalTransfer"},
				  {.name = "enableSpotAndMarginTrading"},
				  {.name = "enableFutures"},
				  {.name = "createTime"}};

	wire_members(j, m, sizeof m / sizeof m[0]);
	account_read_note(a, m[6].text.len > 0 ? 0 : ERR_PROTOCOL); /* of flags only truth is told */
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_MAY,
					.reads = m[0].truth,
					.withdraws = m[1].truth || m[2].truth || m[3].truth,
					.trades = m[4].truth || m[5].truth};
	account_read_give(a, &row);
	return 0;
}

static int listen_key(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "listenKey"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_LISTEN_KEY};

	wire_members(j, m, 1);
	account_read_name(a, m[0].text, row.name, sizeof row.name);
	for (const char *c = row.name; *c != '\0'; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z')))
			account_read_note(a, ERR_PROTOCOL); /* it goes into a path */
	account_read_give(a, &row);
	return 0;
}

typedef int reader(struct account_read *a, struct json *j);

static int reply_by(reader *const readers[VENUE_ACCOUNT_ASKS], enum venue_account_ask ask, int status,
		    struct json_str body, venue_account_fn fn, void *ctx)
{
	if (status == 200)
		return account_read_twice(body, readers[ask], fn, ctx);
	int rc = account_read_twice(body, read_error, fn, ctx);
	if (rc != 0) { /* a gateway's page, or nothing */
		struct account_read a = {.fn = fn, .ctx = ctx};
		static const struct json_str none = {"", 0, false};
		give_error(&a, status, none, none);
	}
	return 0;
}

static int spot_reply(enum venue_account_ask ask, int status, struct json_str body, venue_account_fn fn, void *ctx)
{
	static reader *const readers[VENUE_ACCOUNT_ASKS] = {rights, spot_balances, NULL, NULL};

	return reply_by(readers, ask, status, body, fn, ctx);
}

static int usdm_reply(enum venue_account_ask ask, int status, struct json_str body, venue_account_fn fn, void *ctx)
{
	static reader *const readers[VENUE_ACCOUNT_ASKS] = {rights, usdm_balances, usdm_positions, listen_key};

	return reply_by(readers, ask, status, body, fn, ctx);
}

/* ---- the stream ---- */

static void streamed_balance(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "a"}, {.name = "f"}, {.name = "l"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_BALANCE, .time = a->time};

	wire_members(j, m, 3);
	need(a, m, 3);
	if (a->err != 0)
		return;
	account_read_name(a, m[0].text, row.name, EVENT_NAME_MAX);
	account_read_balance(a, &row, m[1].text, m[2].text);
	account_read_give(a, &row);
}

static void streamed_wallet(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "a"}, {.name = "wb"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_BALANCE, .time = a->time};

	wire_members(j, m, 2);
	need(a, m, 2);
	if (a->err != 0)
		return;
	account_read_name(a, m[0].text, row.name, EVENT_NAME_MAX);
	account_read_decimal(a, m[1].text, &row.scale, &row.total);
	account_read_give(a, &row);
}

static void streamed_position(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "s"}, {.name = "ps"}, {.name = "pa"}, {.name = "ep"}};

	wire_members(j, m, 4);
	need(a, m, 4);
	if (a->err == 0)
		give_position(a, (struct json_str[]){m[0].text, m[1].text, m[2].text, m[3].text}, a->time);
}

static void read_update(struct account_read *a, struct json *j)
{
	struct json_str key;

	json_object(j);
	while (a->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "B"))
			account_read_items(a, j, streamed_wallet);
		else if (json_str_is(key, "P"))
			account_read_items(a, j, streamed_position);
		else
			json_skip(j);
	}
}

static bool is_one_of(struct json_str text, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_str_is(text, *names))
			return true;
	return false;
}

/* What an event's name says by itself. */
static void give_kind(struct account_read *a, struct json_str event)
{
	static const char *const changed[] = {"balanceUpdate", "externalLockUpdate", "MARGIN_CALL", NULL};
	static const char *const ended[] = {"eventStreamTerminated", "listenKeyExpired", "serverShutdown", NULL};
	static const char *const known[] = {"outboundAccountPosition", "ACCOUNT_UPDATE",        "executionReport",
					    "listStatus",              "ORDER_TRADE_UPDATE",    "ACCOUNT_CONFIG_UPDATE",
					    "TRADE_LITE",              "STRATEGY_UPDATE",       "GRID_UPDATE",
					    "ALGO_UPDATE",             "CONDITIONAL_ORDER_TRIGGER_REJECT", NULL};
	struct venue_account_row row = {.kind = is_one_of(event, changed) ? VENUE_ACCOUNT_CHANGED
						: is_one_of(event, ended) ? VENUE_ACCOUNT_ENDED
									  : VENUE_ACCOUNT_NOTHING};

	row.unknown = row.kind == VENUE_ACCOUNT_NOTHING && !is_one_of(event, known);
	account_read_give(a, &row);
}

/* The event itself. Its time may stand behind its rows: the first pass finds it. */
static void read_event(struct account_read *a, struct json *j)
{
	struct json_str key, text, event = {0}, changed = {0}, told = {0};

	json_object(j);
	while (a->err == 0 && json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "e") && kind == JSON_STRING)
			json_string(j, &event);
		else if ((json_str_is(key, "u") || json_str_is(key, "T")) && kind == JSON_NUMBER)
			json_number(j, &changed);
		else if (json_str_is(key, "E") && kind == JSON_NUMBER)
			json_number(j, &told);
		else if (json_str_is(key, "B") && kind == JSON_ARRAY && json_str_is(event, "outboundAccountPosition"))
			account_read_items(a, j, streamed_balance);
		else if (json_str_is(key, "a") && kind == JSON_OBJECT && json_str_is(event, "ACCOUNT_UPDATE"))
			read_update(a, j);
		else
			json_skip(j);
		/* What the rows are comes first; else they would be lost in silence. */
		if (event.len == 0 && (kind == JSON_ARRAY || kind == JSON_OBJECT))
			account_read_note(a, ERR_PROTOCOL);
	}
	text = changed.len > 0 ? changed : told;
	a->time = time_of(a, text);
	account_read_note(a, event.len > 0 ? 0 : ERR_PROTOCOL);
	if (a->err == 0)
		give_kind(a, event);
}

static void read_status(struct account_read *a, struct json_str status, struct json_str error)
{
	int64_t code = 0;
	struct json j;

	if (json_str_is(status, "200")) {
		account_read_give(a, &(struct venue_account_row){.kind = VENUE_ACCOUNT_SUBSCRIBED});
		return;
	}
	if (fixed_parse(status.at, status.len, 0, &code) != 0 || code < 0 || code > 999)
		account_read_note(a, ERR_PROTOCOL);
	struct wire_member m[] = {{.name = "code"}, {.name = "msg"}};
	json_init(&j, error.at, error.len);
	if (error.len > 0)
		wire_members(&j, m, 2);
	give_error(a, (int)code, m[0].text, m[1].text);
}

static void read_inner(struct account_read *a, struct json_str text)
{
	struct json j;

	json_init(&j, text.at, text.len);
	read_event(a, &j);
	account_read_note(a, json_finish(&j));
}

/* {"subscriptionId":0,"event":{…}}, the answer to our subscription, or on futures the event itself, perhaps within
 * {"stream":…,"data":{…}}. */
static int read_text(struct account_read *a, struct json *j)
{
	struct json_str key, whole = {j->begin, (size_t)(j->end - j->begin), false};
	struct json_str status = {0}, error = {0}, inner = {0};

	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if ((json_str_is(key, "event") || json_str_is(key, "data")) && kind == JSON_OBJECT)
			json_raw(j, &inner);
		else if (json_str_is(key, "status") && kind == JSON_NUMBER)
			json_number(j, &status);
		else if (json_str_is(key, "error") && kind == JSON_OBJECT)
			json_raw(j, &error);
		else
			json_skip(j);
	}
	if (j->err != 0)
		return j->err;
	if (inner.len == 0 && status.len > 0)
		read_status(a, status, error);
	else
		read_inner(a, inner.len > 0 ? inner : whole);
	return 0;
}

static int event(struct json_str text, venue_account_fn fn, void *ctx)
{
	return account_read_twice(text, read_text, fn, ctx);
}

/* ---- asking ---- */

static int spot_request(enum venue_account_ask ask, const char *cursor, struct buf *out, const char **ret_method)
{
	(void)cursor;
	*ret_method = "GET";
	return buf_printf(out, "%s",
			  ask == VENUE_ACCOUNT_RIGHTS ? "/sapi/v1/account/apiRestrictions"
						      : "/api/v3/account?omitZeroBalances=true");
}

static int usdm_request(enum venue_account_ask ask, const char *cursor, struct buf *out, const char **ret_method)
{
	static const char *const paths[VENUE_ACCOUNT_ASKS] = {NULL, "/fapi/v3/account", "/fapi/v3/positionRisk",
							      "/fapi/v1/listenKey"};
	(void)cursor;
	*ret_method = ask == VENUE_ACCOUNT_LISTEN ? "POST" : "GET";
	return buf_printf(out, "%s", paths[ask]);
}

static bool usdm_is_signed(enum venue_account_ask ask)
{
	return ask != VENUE_ACCOUNT_LISTEN;
}

static int spot_stream_path(const char *key, struct buf *out)
{
	(void)key;
	return buf_printf(out, "/ws-api/v3");
}

static int usdm_stream_path(const char *key, struct buf *out)
{
	return buf_printf(out, "/private/ws/%s", key);
}

/* The parameters in the order of the alphabet. */
static int subscribe_signs(const char *key_id, int64_t at_ms, int64_t window_ms, struct buf *out)
{
	return buf_printf(out, "apiKey=%s&recvWindow=%lld&timestamp=%lld", key_id, (long long)window_ms,
			  (long long)at_ms);
}

/* {"apiKey":"…","recvWindow":5000,"timestamp":…}: what was signed, written as members. */
static int subscribe(const char *text, const char *signature, struct buf *out)
{
	int rc = buf_printf(out, "{\"id\":\"account\",\"method\":\"userDataStream.subscribe.signature\",\"params\":{");

	for (const char *at = text; rc == 0 && *at != '\0';) {
		size_t name = strcspn(at, "="), value = strcspn(at + name + 1, "&");
		bool word = name == 6; /* apiKey */
		rc = buf_printf(out, "\"%.*s\":%s%.*s%s,", (int)name, at, word ? "\"" : "", (int)value, at + name + 1,
				word ? "\"" : "");
		at += name + 1 + value;
		at += *at == '&';
	}
	return rc != 0 ? rc : buf_printf(out, "\"signature\":\"%s\"}}", signature);
}

static const char *const spot_hosts[] = {"wss://ws-api.binance.com:443", NULL};
static const char *const usdm_hosts[] = {"wss://fstream.binance.com", NULL};

const struct venue_account venue_account_binance_spot = {
	.asks = 1 << VENUE_ACCOUNT_RIGHTS | 1 << VENUE_ACCOUNT_BALANCES,
	.key_header = "X-MBX-APIKEY",
	.stream_hosts = spot_hosts,
	.replies_omit_zeros = true,
	.one_time = true,
	.request = spot_request,
	.reply = spot_reply,
	.event = event,
	.stream_path = spot_stream_path,
	.subscribe_signs = subscribe_signs,
	.subscribe = subscribe,
};

const struct venue_account venue_account_binance_usdm = {
	.asks = 1 << VENUE_ACCOUNT_BALANCES | 1 << VENUE_ACCOUNT_POSITIONS | 1 << VENUE_ACCOUNT_LISTEN,
	.key_header = "X-MBX-APIKEY",
	.stream_hosts = usdm_hosts,
	.replies_omit_zeros = true,
	.listen_ns = 30 * MINUTE, /* of the 60 it is good for */
	.request = usdm_request,
	.is_signed = usdm_is_signed,
	.reply = usdm_reply,
	.event = event,
	.stream_path = usdm_stream_path,
};
