/* binance_orders - orders at Binance spot: what its replies and the user's stream say about them.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md "HTTP Return Codes", "New order", "Cancel order", "Query order",
 * "Account trade list"; user-data-stream.md "Order Update"; errors.md; enums.md; testnet/general-info.md). Traps: a 5xx
 * is no failure, nor are the codes -1006 and -1007; of the other codes of the server itself (-10xx) only those count as
 * refusals that say that nothing was done. A cancelled order's report carries the cancel's id as `c` and its own as
 * `C`. A stop order is NEW while it waits and NEW when it works: isWorking, workingTime or `w` tells them apart.
 * Reports of trades (myTrades) do not name the client order id. A trade's `t` is -1 where there is none.
 */
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/binance_order_ask.h"
#include "common/venue/binance_refusal.h"
#include "common/venue/wire.h"

#define SECOND 1000000000LL

/* One text being read. The first pass counts and checks, the second hands out. */
struct reading {
	enum venue_orders_ask ask;
	venue_orders_fn fn; /* NULL in the first pass */
	void *ctx;
	uint32_t rows;
	int err;       /* the first */
	uint64_t last; /* of FILLS: the highest trade id */
	uint32_t fills;
};

typedef void reader(struct reading *r, struct json_str text);

static void note(struct reading *r, int rc)
{
	if (rc < 0 && r->err == 0)
		r->err = rc;
}

static void demand(struct reading *r, bool condition)
{
	note(r, condition ? 0 : ERR_PROTOCOL);
}

static void give(struct reading *r, const struct venue_orders_row *row)
{
	if (++r->rows > VENUE_ORDERS_ROWS_MAX)
		note(r, ERR_TOO_LONG);
	if (r->fn != NULL && r->err == 0)
		r->fn(r->ctx, row);
}

static int read_twice(struct reading r, struct json_str text, reader *read)
{
	venue_orders_fn fn = r.fn;

	for (int pass = 0; pass < 2; pass++) {
		struct reading one = r;
		one.fn = pass == 0 ? NULL : fn;
		read(&one, text);
		if (one.err != 0)
			return one.err;
	}
	return 0;
}

/* ---- values ---- */

static void members(struct reading *r, struct json_str text, struct wire_member *m, size_t n)
{
	struct json j;

	json_init(&j, text.at, text.len);
	wire_members(&j, m, n);
	note(r, json_finish(&j));
}

/* A member that is an object or an array; len 0 where it is not there. */
static struct json_str inner(struct reading *r, struct json_str text, const char *name, enum json_kind kind)
{
	struct json_str key, found = {"", 0, false};
	struct json j;

	json_init(&j, text.at, text.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, name) && json_peek(&j) == kind)
			json_raw(&j, &found);
		else
			json_skip(&j);
	note(r, json_finish(&j));
	return found;
}

static void each(struct reading *r, struct json_str list, reader *read)
{
	struct json_str item;
	struct json j;

	json_init(&j, list.at, list.len);
	json_array(&j);
	while (r->err == 0 && json_item(&j) && json_raw(&j, &item))
		read(r, item);
	if (r->err == 0)
		note(r, json_finish(&j));
}

/* Zeros behind the point are no decimals; nothing there is 0. */
static void decimal(struct reading *r, struct json_str text, uint8_t *ret_scale, int64_t *ret_value)
{
	int scale = 0, rc = text.len > 0 ? fixed_scale_of(text.at, text.len, &scale) : 0;

	*ret_scale = 0;
	*ret_value = 0;
	if (rc == 0 && text.len > 0)
		rc = fixed_parse(text.at, text.len, scale, ret_value);
	if (rc == 0)
		*ret_scale = (uint8_t)scale;
	note(r, rc);
}

static void amount(struct reading *r, struct json_str text, uint8_t *ret_scale, int64_t *ret_value)
{
	decimal(r, text, ret_scale, ret_value);
	note(r, *ret_value < 0 ? ERR_RANGE : 0);
}

static uint64_t number(struct reading *r, struct json_str text)
{
	uint64_t value = 0;

	note(r, wire_u64(text, &value));
	return value;
}

static void name(struct reading *r, struct json_str text, char *out, size_t cap)
{
	int n = json_unescape(text, out, cap);

	note(r, n);
	demand(r, n > 0);
	for (int i = 0; i < n; i++)
		demand(r, (unsigned char)out[i] > ' ' && out[i] != 0x7f);
}

static int64_t instant(struct reading *r, struct json_str text)
{
	int64_t ns = 0;

	if (text.len > 0)
		note(r, wire_time(text, &ns));
	return ns;
}

/* ---- an order ---- */

/* The same members by their two names: of REST, of the stream. */
enum part {
	SYMBOL,
	ID,
	FORMER_ID,
	VENUE_ID,
	SIDE,
	TYPE,
	TIF,
	STATUS,
	PRICE,
	TRIGGER,
	QTY,
	FILLED,
	SPENT,
	TIME,
	TRAIL,
	WORKING,
	WORKING_TIME,
	REASON,
	EXPIRY,
	UPDATED,
	PARTS
};

static const char *const of_rest[PARTS] = {"symbol",
					   "clientOrderId",
					   "origClientOrderId",
					   "orderId",
					   "side",
					   "type",
					   "timeInForce",
					   "status",
					   "price",
					   "stopPrice",
					   "origQty",
					   "executedQty",
					   "cummulativeQuoteQty",
					   "transactTime",
					   "trailingDelta",
					   "isWorking",
					   "workingTime",
					   "rejectReason",
					   "expiryReason",
					   "updateTime"};
static const char *const of_stream[PARTS] = {"s", "c", "C", "i", "S", "o", "f", "X", "p",  "P",
					     "q", "z", "Z", "T", "d", "w", "W", "r", "eR", "E"};

static void read_parts(struct reading *r, struct json_str text, const char *const names[PARTS],
		       struct wire_member m[PARTS])
{
	for (int i = 0; i < PARTS; i++)
		m[i] = (struct wire_member){.name = names[i]};
	members(r, text, m, PARTS);
	demand(r, m[SYMBOL].text.len > 0 && m[ID].text.len > 0 && m[VENUE_ID].text.len > 0);
}

static void read_names(struct reading *r, const struct wire_member m[PARTS], struct venue_orders_row *row)
{
	const struct json_str *time = m[TIME].text.len > 0 ? &m[TIME].text : &m[UPDATED].text;

	name(r, m[SYMBOL].text, row->symbol, sizeof(row->symbol));
	name(r, m[m[FORMER_ID].text.len > 0 ? FORMER_ID : ID].text, row->client_id, sizeof(row->client_id));
	row->venue_id = number(r, m[VENUE_ID].text);
	row->time = instant(r, *time);
	row->side = json_str_is(m[SIDE].text, "BUY") ? side_buy : json_str_is(m[SIDE].text, "SELL") ? side_sell : 0;
}

static uint8_t tif_of(struct json_str text)
{
	return json_str_is(text, "GTC")   ? tif_gtc
	       : json_str_is(text, "IOC") ? tif_ioc
	       : json_str_is(text, "FOK") ? tif_fok
					  : 0;
}

static bool conditional(uint8_t type)
{
	return type != order_type_market && type != order_type_limit && type != 0;
}

static uint8_t status_of(struct json_str text, bool waits)
{
	static const struct {
		const char *name;
		uint8_t status;
	} rows[] = {
		{"NEW", order_status_open},
		{"PENDING_NEW", order_status_waiting},
		{"PARTIALLY_FILLED", order_status_partial},
		{"FILLED", order_status_filled},
		{"CANCELED", order_status_cancelled},
		{"REJECTED", order_status_rejected},
		{"EXPIRED", order_status_expired},
		{"EXPIRED_IN_MATCH", order_status_expired},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (json_str_is(text, rows[i].name))
			return i == 0 && waits ? order_status_waiting : rows[i].status;
	return 0;
}

static void read_status(struct reading *r, const struct wire_member m[PARTS], struct venue_orders_row *row)
{
	bool working = m[WORKING].truth, trails = m[TRAIL].text.len > 0;
	struct json_str began = m[WORKING_TIME].text;

	if (began.len > 0 && began.at[0] != '-')
		working = instant(r, began) > 0 || working;
	row->type = binance_order_type(m[TYPE].text, trails, &row->post_only);
	row->tif = tif_of(m[TIF].text);
	row->status = status_of(m[STATUS].text, !working && (trails || conditional(row->type)));
	row->unknown = row->status == 0 && m[STATUS].text.len > 0;
	if (row->status == order_status_rejected || row->status == order_status_expired) {
		bool expired = m[EXPIRY].text.len > 0;
		struct json_str why = m[expired ? EXPIRY : REASON].text;
		if (!json_str_is(why, "NONE"))
			wire_text(why, row->words, sizeof(row->words));
		row->reject = binance_reject_of(row->words);
	}
}

/* Of old orders the venue no longer knows what was spent: a negative number. */
static void read_amounts(struct reading *r, const struct wire_member m[PARTS], struct venue_orders_row *row)
{
	amount(r, m[PRICE].text, &row->price_scale, &row->price);
	amount(r, m[TRIGGER].text, &row->trigger_scale, &row->trigger);
	amount(r, m[QTY].text, &row->qty_scale, &row->qty);
	row->filled = row->spent = -1;
	if (m[FILLED].text.len > 0)
		amount(r, m[FILLED].text, &row->filled_scale, &row->filled);
	if (m[SPENT].text.len > 0 && m[SPENT].text.at[0] != '-')
		amount(r, m[SPENT].text, &row->spent_scale, &row->spent);
}

static void give_order(struct reading *r, const struct wire_member m[PARTS])
{
	struct venue_orders_row row = {.kind = VENUE_ORDERS_ORDER};

	read_names(r, m, &row);
	read_status(r, m, &row);
	read_amounts(r, m, &row);
	if (r->err == 0)
		give(r, &row);
}

/* ---- a fill ---- */

struct trade {
	struct json_str id, price, qty, fee, asset;
	uint8_t liquidity;
};

static void give_fill(struct reading *r, const struct trade *t, struct venue_orders_row *row)
{
	row->kind = VENUE_ORDERS_FILL;
	row->filled = row->spent = -1;
	row->liquidity = t->liquidity;
	row->trade_id = number(r, t->id);
	amount(r, t->price, &row->price_scale, &row->price);
	amount(r, t->qty, &row->qty_scale, &row->qty);
	demand(r, row->price > 0 && row->qty > 0);
	decimal(r, t->fee, &row->fee_scale, &row->fee);
	if (t->asset.len > 0)
		name(r, t->asset, row->fee_asset, sizeof(row->fee_asset));
	demand(r, t->asset.len > 0 || row->fee == 0);
	if (r->err == 0)
		give(r, row);
}

/* Of the reply to PLACE: what was filled at once, so it took. */
static void place_fills(struct reading *r, struct json_str text, const struct wire_member m[PARTS])
{
	struct json_str item, list = inner(r, text, "fills", JSON_ARRAY);
	struct json j;

	json_init(&j, list.at, list.len);
	json_array(&j);
	while (list.len > 0 && r->err == 0 && json_item(&j) && json_raw(&j, &item)) {
		struct wire_member f[] = {{.name = "price"},
					  {.name = "qty"},
					  {.name = "commission"},
					  {.name = "commissionAsset"},
					  {.name = "tradeId"}};
		struct venue_orders_row row = {0};
		members(r, item, f, 5);
		read_names(r, m, &row);
		give_fill(r, &(struct trade){f[4].text, f[0].text, f[1].text, f[2].text, f[3].text, liquidity_taker},
			  &row);
	}
}

/* Of myTrades. */
static void read_trade(struct reading *r, struct json_str text)
{
	struct wire_member m[] = {{.name = "symbol"},     {.name = "orderId"},         {.name = "time"},
				  {.name = "id"},         {.name = "price"},           {.name = "qty"},
				  {.name = "commission"}, {.name = "commissionAsset"}, {.name = "isMaker"},
				  {.name = "isBuyer"}};
	struct venue_orders_row row = {0};

	members(r, text, m, ARRAY_LEN(m));
	name(r, m[0].text, row.symbol, sizeof(row.symbol));
	row.venue_id = number(r, m[1].text);
	row.time = instant(r, m[2].text);
	row.side = m[9].truth ? side_buy : side_sell;
	give_fill(r,
		  &(struct trade){m[3].text, m[4].text, m[5].text, m[6].text, m[7].text,
				  m[8].truth ? liquidity_maker : liquidity_taker},
		  &row);
	r->fills++;
	r->last = row.trade_id > r->last ? row.trade_id : r->last;
}

/* ---- replies ---- */

static void read_single(struct reading *r, struct json_str text)
{
	struct wire_member m[PARTS];

	read_parts(r, text, of_rest, m);
	if (r->err != 0)
		return;
	if (r->ask == VENUE_ORDERS_PLACE)
		place_fills(r, text, m);
	give_order(r, m);
}

/* An order; or, where it was one of a list that ends as a whole, that list with its orders. */
static void read_order(struct reading *r, struct json_str text)
{
	struct json_str reports = inner(r, text, "orderReports", JSON_ARRAY);

	if (reports.len > 0)
		each(r, reports, read_single);
	else if (r->err == 0)
		read_single(r, text);
}

static void read_orders(struct reading *r, struct json_str text)
{
	each(r, text, read_order);
	give(r, &(struct venue_orders_row){.kind = VENUE_ORDERS_NO_MORE, .filled = -1, .spent = -1});
}

static void read_trades(struct reading *r, struct json_str text)
{
	each(r, text, read_trade);
	bool more = r->fills >= BINANCE_TRADES_MAX && r->last < UINT64_MAX;
	give(r, &(struct venue_orders_row){.kind = more ? VENUE_ORDERS_MORE : VENUE_ORDERS_NO_MORE,
					   .trade_id = more ? r->last + 1 : 0,
					   .filled = -1,
					   .spent = -1});
}

static int reply(enum venue_orders_ask ask, int status, struct json_str body, venue_orders_fn fn, void *ctx)
{
	static reader *const readers[VENUE_ORDERS_ASKS] = {read_order, read_order,  read_orders,
							   read_order, read_orders, read_trades};
	struct venue_orders_row row = {.kind = VENUE_ORDERS_UNKNOWN, .filled = -1, .spent = -1, .code = status};

	int rc = 0;

	if (status == 200)
		rc = read_twice((struct reading){.ask = ask, .fn = fn, .ctx = ctx}, body, readers[ask]);
	else
		binance_refusal(ask, status, body, &row);
	if (status != 200 || rc != 0)
		fn(ctx, &row);
	return rc;
}

/* ---- the stream ---- */

static void report_fill(struct reading *r, struct json_str text, const struct wire_member parts[PARTS])
{
	struct wire_member m[] = {{.name = "t"}, {.name = "L"}, {.name = "l"},
				  {.name = "n"}, {.name = "N"}, {.name = "m"}};
	struct venue_orders_row row = {0};

	members(r, text, m, ARRAY_LEN(m));
	read_names(r, parts, &row);
	give_fill(r,
		  &(struct trade){m[0].text, m[1].text, m[2].text, m[3].text, m[4].text,
				  m[5].truth ? liquidity_maker : liquidity_taker},
		  &row);
}

static void read_report(struct reading *r, struct json_str text)
{
	struct wire_member parts[PARTS], m[] = {{.name = "x"}};

	members(r, text, m, 1);
	read_parts(r, text, of_stream, parts);
	if (r->err != 0)
		return;
	if (json_str_is(m[0].text, "TRADE"))
		report_fill(r, text, parts);
	give_order(r, parts);
}

/* {"subscriptionId":0,"event":{…}}, an answer to a request, or the event itself. */
static void read_event(struct reading *r, struct json_str text)
{
	struct wire_member m[] = {{.name = "e"}};
	struct json_str event = inner(r, text, "event", JSON_OBJECT);

	if (r->err != 0)
		return;
	event = event.len > 0 ? event : text;
	members(r, event, m, 1);
	if (r->err == 0 && json_str_is(m[0].text, "executionReport"))
		read_report(r, event);
}

static int event(struct json_str text, venue_orders_fn fn, void *ctx)
{
	return read_twice((struct reading){.fn = fn, .ctx = ctx}, text, read_event);
}

static const struct venue_orders_host hosts[] = {
	{"live", "https://api.binance.com", "wss://ws-api.binance.com:443", false, true},
	{"testnet", "https://testnet.binance.vision", "wss://ws-api.testnet.binance.vision", true, false},
};

const struct venue_orders venue_orders_binance_spot = {
	.venue = "BINANCE",
	.account = &venue_account_binance_spot,
	.hosts = hosts,
	.n_hosts = ARRAY_LEN(hosts),
	.time_path = "/api/v3/time",
	.time_key = "serverTime",
	.id_max = BINANCE_ORDER_ID_MAX,
	.window_max_ns = 60 * SECOND,
	.settle_ns = 10 * SECOND, /* the matching engine is waited for that long: -1007 */
	.takes = binance_order_takes,
	.request = binance_order_request,
	.reply = reply,
	.event = event,
};
