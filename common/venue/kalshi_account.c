/* kalshi_account - the account of Kalshi: the balance in dollars, positions of YES (negative: of NO), their stream.
 *
 * Facts: docs.kalshi.com, openapi of the trade api 3.20 (GetBalance, GetPositions) and its channel market_positions.
 * Traps: the cents of `balance` are legacy beside balance_dollars; counts are decimals of two places; updated_ts is in
 * seconds; a position says what it cost, not its average price. A streamed position moves the cash as well, which only
 * asking tells. What a refusal says beyond its status is not documented but seen: a timestamp that is too far off, and
 * a signature by another key, are told apart by `code` and `details`.
 */
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/account_read.h"
#include "common/venue/iso_time.h"

#define SECOND 1000000000LL
#define BASE "/trade-api/v2"
#define PAGE 1000

static const struct json_str none = {"", 0, false}, zero = {"0", 1, false};

static int64_t seconds(struct account_read *a, struct json_str text)
{
	uint64_t s = 0;

	if (text.len > 0)
		account_read_note(a, wire_u64(text, &s));
	if (s > INT64_MAX / SECOND)
		account_read_note(a, ERR_RANGE);
	return a->err == 0 ? (int64_t)s * SECOND : 0;
}

static int read_balance(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "balance_dollars"}, {.name = "updated_ts"}};
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_BALANCE, .name = "USD"};

	wire_members(j, m, 2);
	if (!wire_all_there(m, 2))
		return ERR_PROTOCOL;
	row.time = seconds(a, m[1].text);
	account_read_balance(a, &row, m[0].text, zero);
	account_read_give(a, &row);
	return 0;
}

/* Cost over contracts, at six decimals: what the venue itself counts in. */
static void average(struct account_read *a, struct venue_account_row *row, struct json_str cost)
{
	int64_t paid = 0, qty = row->qty < 0 ? -row->qty : row->qty;

	account_read_note(a, fixed_parse(cost.at, cost.len, 6, &paid));
	row->price_scale = 6;
	if (a->err != 0 || qty == 0)
		return;
	account_read_note(a, fixed_div(paid < 0 ? -paid : paid, 6, qty, row->scale, 6, &row->avg_price));
}

static void give_position(struct account_read *a, const struct wire_member m[3], int64_t time)
{
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_POSITION, .time = time};

	if (a->err != 0)
		return;
	account_read_name(a, m[0].text, row.name, sizeof row.name);
	account_read_decimal(a, m[1].text, &row.scale, &row.qty);
	if (a->err == 0 && row.qty == INT64_MIN)
		account_read_note(a, ERR_RANGE);
	if (a->err == 0)
		average(a, &row, m[2].text);
	account_read_give(a, &row);
}

static void read_position(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {{.name = "ticker"},
				  {.name = "position_fp"},
				  {.name = "market_exposure_dollars"},
				  {.name = "last_updated_ts"}};
	int64_t time = 0;

	wire_members(j, m, 4);
	account_read_note(a, wire_all_there(m, 3) ? 0 : ERR_PROTOCOL);
	if (a->err == 0 && m[3].text.len > 0)
		account_read_note(a, iso_time(m[3].text.at, m[3].text.len, &time));
	give_position(a, m, time);
}

static int read_positions(struct account_read *a, struct json *j)
{
	struct venue_account_row more = {.kind = VENUE_ACCOUNT_MORE};
	struct json_str key, cursor = none;
	bool has = false;

	json_object(j);
	while (a->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "market_positions")) {
			has = true;
			account_read_items(a, j, read_position);
		} else if (json_str_is(key, "cursor") && json_peek(j) == JSON_STRING) {
			json_string(j, &cursor);
		} else {
			json_skip(j);
		}
	}
	if (cursor.len > 0) {
		account_read_name(a, cursor, more.name, sizeof more.name);
		account_read_give(a, &more);
	}
	return has ? 0 : ERR_PROTOCOL;
}

static enum venue_account_error refusal(struct json_str body)
{
	struct wire_member m[] = {{.name = "code"}, {.name = "details"}};
	struct json_str key;
	struct json j;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "error") && json_peek(&j) == JSON_OBJECT)
			wire_members(&j, m, 2);
		else
			json_skip(&j);
	}
	if (json_finish(&j) != 0)
		return VENUE_ACCOUNT_KEY;
	return json_str_is(m[0].text, "header_timestamp_expired")      ? VENUE_ACCOUNT_CLOCK
	       : json_str_is(m[1].text, "INCORRECT_API_KEY_SIGNATURE") ? VENUE_ACCOUNT_SIGNATURE
								       : VENUE_ACCOUNT_KEY;
}

static int reply(enum venue_account_ask ask, int status, struct json_str body, venue_account_fn fn, void *ctx)
{
	if (status == 200)
		return account_read_twice(body, ask == VENUE_ACCOUNT_BALANCES ? read_balance : read_positions, fn, ctx);
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_ERROR, .code = status};
	row.error = status == 401 || status == 403 ? refusal(body) : VENUE_ACCOUNT_OTHER;
	fn(ctx, &row);
	return 0;
}

static void read_msg(struct account_read *a, struct json *j)
{
	struct wire_member m[] = {
		{.name = "market_ticker"}, {.name = "position_fp"}, {.name = "position_cost_dollars"}};

	wire_members(j, m, 3);
	account_read_note(a, wire_all_there(m, 3) ? 0 : ERR_PROTOCOL);
	give_position(a, m, 0);
	account_read_give(a, &(struct venue_account_row){.kind = VENUE_ACCOUNT_CHANGED});
}

static int read_text(struct account_read *a, struct json *j)
{
	struct venue_account_row row = {.kind = VENUE_ACCOUNT_NOTHING};
	struct json_str key, type = none, msg = none;

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "type") && json_peek(j) == JSON_STRING)
			json_string(j, &type);
		else if (json_str_is(key, "msg") && json_peek(j) == JSON_OBJECT)
			json_raw(j, &msg);
		else
			json_skip(j);
	}
	if (j->err != 0)
		return 0;
	if (json_str_is(type, "market_position") || json_str_is(type, "market_positions")) {
		struct json inner;
		json_init(&inner, msg.at, msg.len);
		read_msg(a, &inner);
		return json_finish(&inner);
	}
	row.kind = json_str_is(type, "subscribed") ? VENUE_ACCOUNT_SUBSCRIBED
		   : json_str_is(type, "error")    ? VENUE_ACCOUNT_ENDED
						   : VENUE_ACCOUNT_NOTHING;
	row.unknown = row.kind == VENUE_ACCOUNT_NOTHING && !json_str_is(type, "ok");
	account_read_give(a, &row);
	return 0;
}

static int event(struct json_str text, venue_account_fn fn, void *ctx)
{
	return account_read_twice(text, read_text, fn, ctx);
}

static int request(enum venue_account_ask ask, const char *cursor, struct buf *out, const char **ret_method)
{
	*ret_method = "GET";
	if (ask == VENUE_ACCOUNT_BALANCES)
		return buf_printf(out, BASE "/portfolio/balance");
	int rc = buf_printf(out, BASE "/portfolio/positions?count_filter=position&limit=%d", PAGE);
	if (rc == 0 && cursor[0] != '\0')
		rc = buf_printf(out, "&cursor=");
	return rc != 0 ? rc : venue_account_escape(cursor, out);
}

static int stream_path(const char *key, struct buf *out)
{
	(void)key;
	return buf_printf(out, "/trade-api/ws/v2");
}

static int subscribe(const char *text, const char *signature, struct buf *out)
{
	(void)text;
	(void)signature;
	return buf_printf(out, "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"market_positions\"]}}");
}

static const char *const stream_hosts[] = {
	"wss://external-api-ws.kalshi.com",
	"wss://api.elections.kalshi.com",
	NULL,
};

const struct venue_account venue_account_kalshi = {
	.asks = 1 << VENUE_ACCOUNT_BALANCES | 1 << VENUE_ACCOUNT_POSITIONS,
	.stream_hosts = stream_hosts,
	.replies_omit_zeros = true,
	.cash_is_asked = true,
	.request = request,
	.reply = reply,
	.event = event,
	.stream_path = stream_path,
	.subscribe = subscribe,
};
