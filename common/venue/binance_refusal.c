/* binance_refusal - what Binance spot's answers other than 200 mean: refused, absent, or nobody knows.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md "HTTP Return Codes", "General API Information" about -1007;
 * errors.md; user-data-stream.md "Order Reject Reason", "Order Expiry Reason"). A 5xx is no failure: it is not known
 * what became of the request. Of the codes of the server itself (-10xx) only those count as refusals that say that
 * nothing was done; what they mean by a new one cannot be known.
 */
#include "common/venue/binance_refusal.h"

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/wire.h"

/* Why an order was refused (msg), and on the stream rejected (r) or ended (eR). */
static const struct word {
	const char *words;
	uint8_t reject;
} words[] = {
	{"Filter failure: PRICE_FILTER", reject_tick_size},
	{"Filter failure: LOT_SIZE", reject_lot_size},
	{"Filter failure: MARKET_LOT_SIZE", reject_lot_size},
	{"Filter failure: MIN_NOTIONAL", reject_min_notional},
	{"Filter failure: NOTIONAL", reject_min_notional},
	{"Filter failure: PERCENT_PRICE", reject_price_band},
	{"Filter failure: PERCENT_PRICE_BY_SIDE", reject_price_band},
	{"Filter failure: MAX_NUM_ORDERS", reject_limit_orders},
	{"Filter failure: MAX_NUM_ALGO_ORDERS", reject_limit_triggers},
	{"Filter failure: EXCHANGE_MAX_NUM_ORDERS", reject_limit_orders},
	{"Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS", reject_limit_triggers},
	{"Filter failure: MAX_POSITION", reject_max_position},
	{"Filter failure: TRAILING_DELTA", reject_trail},
	{"Account has insufficient balance for requested action.", reject_balance},
	{"INSUFFICIENT_BALANCES", reject_balance},
	{"Market is closed.", reject_not_trading},
	{"Order would trigger immediately.", reject_would_trigger},
	{"STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY", reject_would_trigger},
	{"Order would immediately match and take.", reject_post_only},
	{"WOULD_MATCH_IMMEDIATELY", reject_post_only},
	{"Duplicate order sent.", reject_duplicate},
	{"Unknown order sent.", reject_unknown_order},
	{"Invalid symbol.", reject_unknown_instrument},
	{"UNFILLED_FOK_ORDER_EXPIRED", reject_not_fillable},
	{"INSUFFICIENT_LIQUIDITY", reject_depth},
	{"EXECUTION_RULE_PRICE_RANGE_EXCEEDED", reject_price_band},
};

uint8_t binance_reject_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].words, text) == 0)
			return words[i].reject;
	return reject_none;
}

/* ---- answers other than 200 ---- */

static enum venue_orders_kind server_code(int64_t code, enum venue_orders_refusal *ret)
{
	static const struct {
		int16_t code;
		enum venue_orders_refusal refusal;
	} rows[] = {
		{-1002, VENUE_ORDERS_REFUSED_KEY},   {-1003, VENUE_ORDERS_REFUSED_RATE},
		{-1010, VENUE_ORDERS_REFUSED_ORDER}, {-1013, VENUE_ORDERS_REFUSED_ORDER},
		{-1014, VENUE_ORDERS_REFUSED_ORDER}, {-1015, VENUE_ORDERS_REFUSED_RATE},
		{-1016, VENUE_ORDERS_REFUSED_VENUE}, {-1020, VENUE_ORDERS_REFUSED_ORDER},
		{-1021, VENUE_ORDERS_REFUSED_CLOCK}, {-1022, VENUE_ORDERS_REFUSED_SIGNATURE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code) {
			*ret = rows[i].refusal;
			return VENUE_ORDERS_REFUSED;
		}
	return VENUE_ORDERS_UNKNOWN;
}

/* What a status says by itself: a gate in front of the venue, which let nothing through. */
static enum venue_orders_kind bare_status(int status, enum venue_orders_refusal *ret)
{
	*ret = status == 401 ? VENUE_ORDERS_REFUSED_KEY : VENUE_ORDERS_REFUSED_RATE;
	return status == 401 || status == 403 || status == 418 || status == 429 ? VENUE_ORDERS_REFUSED
										: VENUE_ORDERS_UNKNOWN;
}

static bool asks_of_one(enum venue_orders_ask ask)
{
	return ask == VENUE_ORDERS_CANCEL || ask == VENUE_ORDERS_CANCEL_ALL || ask == VENUE_ORDERS_QUERY;
}

static bool is_absent(const struct venue_orders_row *row)
{
	return row->code == -2013 || row->code == -2026 || (row->code == -2011 && row->reject == reject_unknown_order);
}

/* Of a venue's word: a 4xx with its code. */
static enum venue_orders_kind judge(enum venue_orders_ask ask, int status, struct venue_orders_row *row)
{
	row->refusal = VENUE_ORDERS_REFUSED_ORDER;
	if (strstr(row->words, "execution status unknown") != NULL)
		return VENUE_ORDERS_UNKNOWN;
	if (status == 418 || status == 429) {
		row->refusal = VENUE_ORDERS_REFUSED_RATE;
		return VENUE_ORDERS_REFUSED;
	}
	if (row->code > -1100 && row->code <= -1000 && server_code(row->code, &row->refusal) != VENUE_ORDERS_REFUSED)
		return VENUE_ORDERS_UNKNOWN;
	if (row->refusal != VENUE_ORDERS_REFUSED_ORDER)
		return VENUE_ORDERS_REFUSED;
	if (asks_of_one(ask) && is_absent(row))
		return VENUE_ORDERS_ABSENT;
	if (row->code == -2014 || row->code == -2015)
		row->refusal = VENUE_ORDERS_REFUSED_KEY;
	else if (row->reject == reject_duplicate)
		row->refusal = VENUE_ORDERS_REFUSED_DUPLICATE;
	else if (row->reject == reject_not_trading)
		row->refusal = VENUE_ORDERS_REFUSED_VENUE;
	return VENUE_ORDERS_REFUSED;
}

static int read_error(struct json_str body, struct venue_orders_row *row)
{
	struct wire_member m[] = {{.name = "code"}, {.name = "msg"}};
	struct json j;

	json_init(&j, body.at, body.len);
	wire_members(&j, m, 2);
	int rc = json_finish(&j);
	if (rc == 0)
		rc = fixed_parse(m[0].text.at, m[0].text.len, 0, &row->code);
	if (rc == 0)
		wire_text(m[1].text, row->words, sizeof(row->words));
	return rc == 0 && row->code >= 0 ? ERR_PROTOCOL : rc;
}

void binance_refusal(enum venue_orders_ask ask, int status, struct json_str body, struct venue_orders_row *row)
{
	int rc = read_error(body, row);

	row->kind = VENUE_ORDERS_UNKNOWN;
	row->reject = rc == 0 ? binance_reject_of(row->words) : reject_none;
	if (rc != 0) {
		row->code = status;
		row->kind = bare_status(status, &row->refusal);
	} else if (status >= 400 && status < 500) {
		row->kind = judge(ask, status, row);
	}
	if (row->kind != VENUE_ORDERS_REFUSED)
		row->refusal = VENUE_ORDERS_REFUSED_ORDER;
}
