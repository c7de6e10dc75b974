/* binance_order_ask - see binance_order_ask.h.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md "New order", "Cancel order", "Query order", "Current open
 * orders", "Account trade list"; faqs/trailing-stop-faq.md). Traps: post only is a type of its own (LIMIT_MAKER)
 * without a time in force; MARKET takes none either. A trailing stop is a stop or take profit with a distance, and
 * which of the two says from which side the price must come to stopPrice before it follows: ours comes from the good
 * side, which is TAKE_PROFIT. Triggers go by the last trade. The newest trades of a symbol come without fromId, an
 * order's from its first on only with it.
 */
#include "common/venue/binance_order_ask.h"

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"

#define ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-"

static const struct order_kind {
	const char *name;
	uint8_t type;
	bool post_only, timed, limited, triggers;
} kinds[] = {
	{"MARKET", order_type_market, false, false, false, false},
	{"LIMIT", order_type_limit, false, true, true, false},
	{"LIMIT_MAKER", order_type_limit, true, false, true, false},
	{"STOP_LOSS", order_type_stop_market, false, false, false, true},
	{"STOP_LOSS_LIMIT", order_type_stop_limit, false, true, true, true},
	{"TAKE_PROFIT", order_type_take_profit, false, false, false, true},
	{"TAKE_PROFIT_LIMIT", order_type_take_profit_limit, false, true, true, true},
};

static const struct order_kind *find(uint8_t type, bool post_only)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == type && kinds[i].post_only == post_only)
			return &kinds[i];
	return NULL;
}

static const struct order_kind *kind_of(const struct venue_order *o)
{
	if (o->type == order_type_trailing_stop)
		return find(o->trigger != 0 ? order_type_take_profit : order_type_stop_market, o->post_only);
	return find(o->type, o->post_only);
}

uint8_t binance_order_type(struct json_str name, bool trails, bool *ret_post_only)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct order_kind *k = &kinds[i];
		if (!json_str_is(name, k->name))
			continue;
		*ret_post_only = k->post_only;
		return !trails ? k->type : k->limited ? 0 : order_type_trailing_stop;
	}
	*ret_post_only = false;
	return 0;
}

/* ---- what it has ---- */

static const char *lacks(const struct venue_order *o)
{
	const struct order_kind *k = kind_of(o);
	bool trails = o->type == order_type_trailing_stop, instant = o->tif == tif_ioc || o->tif == tif_fok;

	if (k == NULL)
		return o->post_only ? "Binance spot takes post only with plain limit orders alone"
				    : "Binance spot has no orders of this type";
	if (o->tif == tif_gtd)
		return "Binance spot has no orders that are good till a date";
	if (o->tif == tif_fok && !k->timed)
		return "Binance spot has fill or kill with a limit price alone";
	if (o->post_only && instant)
		return "an order that is post only cannot be immediate";
	if (k->triggers && o->trigger_by == trigger_by_mid)
		return "Binance spot triggers by the last trade alone";
	if (trails && (o->trail != 0 || o->trail_bp == 0))
		return "Binance spot takes the distance of a trailing stop in ten-thousandths alone (trail_bp)";
	if (o->amount != 0 && o->type != order_type_market)
		return "Binance spot takes an amount with market orders alone";
	return NULL;
}

int binance_order_takes(const struct venue_order *o, const char **ret_why)
{
	*ret_why = lacks(o);
	return *ret_why != NULL ? ERR_REFUSED : 0;
}

/* ---- parameters ---- */

static int put(struct buf *out, int rc, const char *name, const char *value)
{
	return rc != 0 ? rc : buf_printf(out, "&%s=%s", name, value);
}

static int put_number(struct buf *out, int rc, const char *name, uint64_t value)
{
	return rc != 0 ? rc : buf_printf(out, "&%s=%llu", name, (unsigned long long)value);
}

/* Nothing is written where it is 0. */
static int put_decimal(struct buf *out, int rc, const char *name, int64_t value, int scale)
{
	char text[FIXED_TEXT_MAX];

	if (rc != 0 || value == 0)
		return rc;
	fixed_format_trim(text, sizeof(text), value, scale);
	return put(out, rc, name, text);
}

static int begin(struct buf *out, const char *path, const char *symbol)
{
	int rc = buf_printf(out, "%s?symbol=", path);

	return rc != 0 ? rc : venue_account_escape(symbol, out);
}

static bool is_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n <= BINANCE_ORDER_ID_MAX && strspn(id, ID_CHARS) == n;
}

/* All that the order's kind needs, and nothing in it is negative. */
static bool is_sound(const struct venue_order *o, const struct order_kind *k)
{
	bool sized = o->amount == 0 ? o->qty > 0 : o->amount > 0 && o->qty == 0;
	bool triggers = o->type == order_type_trailing_stop ? o->trigger >= 0 : (o->trigger > 0) == k->triggers;

	return o->symbol[0] != '\0' && is_id(o->client_id) && (o->side == side_buy || o->side == side_sell) && sized &&
	       (o->price > 0) == k->limited && o->price >= 0 && triggers && o->trigger >= 0 &&
	       o->price_scale <= FIXED_SCALE_MAX && o->qty_scale <= FIXED_SCALE_MAX && o->cash_scale <= FIXED_SCALE_MAX;
}

static int place(const struct venue_order *o, struct buf *out)
{
	const char *why, *tif = o->tif == tif_ioc ? "IOC" : o->tif == tif_fok ? "FOK" : "GTC";
	int rc = binance_order_takes(o, &why);
	const struct order_kind *k = kind_of(o);

	if (rc != 0)
		return rc;
	if (!is_sound(o, k))
		return ERR_ARG;
	rc = begin(out, "/api/v3/order", o->symbol);
	rc = put(out, rc, "side", o->side == side_buy ? "BUY" : "SELL");
	rc = put(out, rc, "type", k->name);
	if (k->timed)
		rc = put(out, rc, "timeInForce", tif);
	rc = put_decimal(out, rc, "quantity", o->qty, o->qty_scale);
	rc = put_decimal(out, rc, "quoteOrderQty", o->amount, o->cash_scale);
	rc = put_decimal(out, rc, "price", o->price, o->price_scale);
	rc = put_decimal(out, rc, "stopPrice", o->trigger, o->price_scale);
	if (o->type == order_type_trailing_stop)
		rc = put_number(out, rc, "trailingDelta", o->trail_bp);
	rc = put(out, rc, "newClientOrderId", o->client_id);
	return put(out, rc, "newOrderRespType", "FULL");
}

static int one(const struct venue_orders_question *q, struct buf *out)
{
	if (q->symbol[0] == '\0' || (q->client_id[0] == '\0' && q->venue_id == 0))
		return ERR_ARG;
	int rc = begin(out, "/api/v3/order", q->symbol);
	if (q->venue_id != 0)
		rc = put_number(out, rc, "orderId", q->venue_id);
	if (q->client_id[0] == '\0')
		return rc;
	rc = put(out, rc, "origClientOrderId", "");
	return rc != 0 ? rc : venue_account_escape(q->client_id, out); /* it may be somebody else's */
}

static int fills(const struct venue_orders_question *q, struct buf *out)
{
	if (q->symbol[0] == '\0')
		return ERR_ARG;
	int rc = begin(out, "/api/v3/myTrades", q->symbol);
	if (q->venue_id != 0)
		rc = put_number(out, rc, "orderId", q->venue_id);
	if (q->venue_id != 0 || q->from != 0)
		rc = put_number(out, rc, "fromId", q->from);
	return put_number(out, rc, "limit", BINANCE_TRADES_MAX);
}

static int open_orders(const struct venue_orders_question *q, struct buf *out)
{
	return q->symbol[0] != '\0' ? begin(out, "/api/v3/openOrders", q->symbol)
				    : buf_printf(out, "/api/v3/openOrders");
}

int binance_order_request(const struct venue_orders_question *q, struct buf *out, struct venue_orders_call *ret_call)
{
	static const struct venue_orders_call calls[VENUE_ORDERS_ASKS] = {
		[VENUE_ORDERS_PLACE] = {"POST", 1, true},        [VENUE_ORDERS_CANCEL] = {"DELETE", 1, true},
		[VENUE_ORDERS_CANCEL_ALL] = {"DELETE", 1, true}, [VENUE_ORDERS_QUERY] = {"GET", 4, false},
		[VENUE_ORDERS_OPEN] = {"GET", 6, false},         [VENUE_ORDERS_FILLS] = {"GET", 20, false},
	};

	*ret_call = calls[q->ask];
	switch (q->ask) {
	case VENUE_ORDERS_PLACE:
		return place(q->order, out);
	case VENUE_ORDERS_CANCEL:
	case VENUE_ORDERS_QUERY:
		return one(q, out);
	case VENUE_ORDERS_CANCEL_ALL:
		return q->symbol[0] != '\0' ? open_orders(q, out) : ERR_ARG;
	case VENUE_ORDERS_OPEN:
		ret_call->weight = q->symbol[0] != '\0' ? 6 : 80;
		return open_orders(q, out);
	case VENUE_ORDERS_FILLS:
		ret_call->weight = q->venue_id != 0 ? 5 : 20;
		return fills(q, out);
	case VENUE_ORDERS_ASKS:
		break;
	}
	return ERR_ARG;
}
