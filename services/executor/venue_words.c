/* venue_words - see venue_words.h.
 *
 * Binance: "Filter failure: NAME" (error -1013) with the names of its filters, and the sentences of errors -2010 and
 * -2011, as its REST documentation lists them (errors.md: "Messages for -1010, -2010 and -2011, -2038"; filters.md).
 * Its futures (error-code, "40xx - Filters and other issues" and "20xx") and Bybit (v5, "Error Codes": 170xxx spot,
 * 110xxx derivatives) number theirs; Polymarket's CLOB names them (errorMsg of an order's placement); Kalshi answers
 * with a code, and details behind it (docs.kalshi.com, "Order Errors": invalid_order with "post only cross"). Its codes
 * of a repeated id (409), of a fill-or-kill order that finds too little (409) and of a price beyond its range (400) are
 * those of its answers as public programs that trade there have recorded them.
 */
#include "services/executor/venue_words.h"

#include <string.h>

#include "common/base/check.h"

static const struct word {
	const char *of; /* how the instrument ends */
	uint8_t reject;
	const char *limit, *market; /* the second, where its filter for orders at market has a name of its own */
} words[] = {
	{".BINANCE", reject_tick_size, "Filter failure: PRICE_FILTER", NULL},
	{".BINANCE", reject_price_range, "Filter failure: PRICE_FILTER", NULL},
	{".BINANCE", reject_price_band, "Filter failure: PERCENT_PRICE_BY_SIDE", NULL},
	{".BINANCE", reject_lot_size, "Filter failure: LOT_SIZE", "Filter failure: MARKET_LOT_SIZE"},
	{".BINANCE", reject_min_qty, "Filter failure: LOT_SIZE", "Filter failure: MARKET_LOT_SIZE"},
	{".BINANCE", reject_max_qty, "Filter failure: LOT_SIZE", "Filter failure: MARKET_LOT_SIZE"},
	{".BINANCE", reject_min_notional, "Filter failure: NOTIONAL", NULL},
	{".BINANCE", reject_max_notional, "Filter failure: NOTIONAL", NULL},
	{".BINANCE", reject_limit_orders, "Filter failure: MAX_NUM_ORDERS", NULL},
	{".BINANCE", reject_limit_triggers, "Filter failure: MAX_NUM_ALGO_ORDERS", NULL},
	{".BINANCE", reject_max_position, "Filter failure: MAX_POSITION", NULL},
	{".BINANCE", reject_trail, "Filter failure: TRAILING_DELTA", NULL},
	{".BINANCE", reject_balance, "Account has insufficient balance for requested action.", NULL},
	{".BINANCE", reject_would_trigger, "Stop price would trigger immediately.", NULL},
	{".BINANCE", reject_post_only, "Order would immediately match and take.", NULL},
	{".BINANCE", reject_unknown_order, "Unknown order sent.", NULL},
	{".BINANCE", reject_user_id, "Duplicate order sent.", NULL},
	{".BINANCE", reject_duplicate, "Duplicate order sent.", NULL},
	{".BINANCE", reject_not_trading, "Market is closed.", NULL},
	{"-PERP.BINANCE", reject_tick_size, "-4014 Price not increased by tick size.", NULL},
	{"-PERP.BINANCE", reject_lot_size, "-4023 Qty not increased by step size.", NULL},
	{"-PERP.BINANCE", reject_min_qty, "-4004 Quantity less than min quantity.", NULL},
	{"-PERP.BINANCE", reject_max_qty, "-4005 Quantity greater than max quantity.", NULL},
	{"-PERP.BINANCE", reject_min_notional, "-4164 MIN_NOTIONAL", NULL},
	{"-PERP.BINANCE", reject_limit_orders, "-2025 Reach max open order limit.", NULL},
	{"-PERP.BINANCE", reject_limit_triggers, "-4045 Reach max stop order limit.", NULL},
	{"-PERP.BINANCE", reject_balance, "-2019 Margin is insufficient.", NULL},
	{"-PERP.BINANCE", reject_would_trigger, "-2021 Order would immediately trigger.", NULL},
	{"-PERP.BINANCE", reject_reduce_only, "-2022 ReduceOnly Order is rejected.", NULL},
	{"-PERP.BINANCE", reject_post_only, "-5022 GTX_ORDER_REJECT", NULL},
	{"-PERP.BINANCE", reject_unknown_order, "-2011 Unknown order sent.", NULL},
	{"-PERP.BINANCE", reject_user_id, "-4116 ClientOrderId is duplicated.", NULL},
	{"-PERP.BINANCE", reject_duplicate, "-4116 ClientOrderId is duplicated.", NULL},
	{"-PERP.BINANCE", reject_not_trading, "-1122 INVALID_SYMBOL_STATUS", NULL},
	{".BYBIT", reject_tick_size, "170134 Order price decimal too long.", NULL},
	{".BYBIT", reject_lot_size, "170137 Order volume decimal too long.", NULL},
	{".BYBIT", reject_min_qty, "170136 Order quantity lower than the minimum.", NULL},
	{".BYBIT", reject_max_qty, "170135 Order quantity too large.", NULL},
	{".BYBIT", reject_min_notional, "170140 Transaction amount lower than the minimum.", NULL},
	{".BYBIT", reject_max_notional, "170124 Order amount too large.", NULL},
	{".BYBIT", reject_balance, "170131 Balance insufficient.", NULL},
	{".BYBIT", reject_unknown_order, "170143 Cannot be found on order book.", NULL},
	{".BYBIT", reject_user_id, "170141 Duplicate clientOrderId.", NULL},
	{".BYBIT", reject_duplicate, "170141 Duplicate clientOrderId.", NULL},
	{".BYBIT", reject_not_trading, "170151 The trading pair is not open yet.", NULL},
	{"-PERP.BYBIT", reject_price_band, "110003 Order price is out of permissible range.", NULL},
	{"-PERP.BYBIT", reject_price_range, "110003 Order price is out of permissible range.", NULL},
	{"-PERP.BYBIT", reject_min_notional, "110094 Notional value below the lower limit.", NULL},
	{"-PERP.BYBIT", reject_balance, "110007 Insufficient available balance.", NULL},
	{"-PERP.BYBIT", reject_reduce_only, "110017 Reduce-only rule not satisfied.", NULL},
	{"-PERP.BYBIT", reject_unknown_order, "110001 Order does not exist.", NULL},
	{"-PERP.BYBIT", reject_user_id, "110072 OrderLinkedID is duplicate.", NULL},
	{"-PERP.BYBIT", reject_duplicate, "110072 OrderLinkedID is duplicate.", NULL},
	{".POLYMARKET", reject_tick_size, "INVALID_ORDER_MIN_TICK_SIZE", NULL},
	{".POLYMARKET", reject_min_qty, "INVALID_ORDER_MIN_SIZE", NULL},
	{".POLYMARKET", reject_balance, "INVALID_ORDER_NOT_ENOUGH_BALANCE", NULL},
	{".POLYMARKET", reject_user_id, "INVALID_ORDER_DUPLICATED", NULL},
	{".POLYMARKET", reject_duplicate, "INVALID_ORDER_DUPLICATED", NULL},
	{".POLYMARKET", reject_post_only, "INVALID_POST_ONLY_ORDER", NULL},
	{".POLYMARKET", reject_not_fillable, "FOK_ORDER_NOT_FILLED_ERROR", NULL},
	{".POLYMARKET", reject_not_trading, "MARKET_NOT_READY", NULL},
	{".KALSHI", reject_balance, "insufficient_balance", NULL},
	{".KALSHI", reject_post_only, "invalid_order: post only cross", NULL},
	{".KALSHI", reject_not_fillable, "fill_or_kill_insufficient_resting_volume", NULL},
	{".KALSHI", reject_user_id, "order_already_exists", NULL},
	{".KALSHI", reject_duplicate, "order_already_exists", NULL},
	{".KALSHI", reject_price_range, "invalid_price", NULL},
};

/* Bounded above are buys, below are sells. */
static const struct {
	const char *of, *buy, *sell;
} bands[] = {
	{"-PERP.BINANCE", "-4016 Price is higher than mark price multiplier cap.",
	 "-4024 Price is lower than mark price multiplier floor."},
	{".BYBIT", "170193 Buy order price too high.", "170194 Sell order price too low."},
};

/* "-PERP.BYBIT" of BTCUSDT-PERP.BYBIT; ".BYBIT" of BTCUSDT.BYBIT. */
static const char *ending(const char *instrument)
{
	static const char perp[] = "-PERP";
	const char *venue = strrchr(instrument, '.');
	if (venue && venue - instrument >= (ptrdiff_t)sizeof perp - 1 &&
	    memcmp(venue - (sizeof perp - 1), perp, sizeof perp - 1) == 0)
		return venue - (sizeof perp - 1);
	return venue;
}

const char *venue_words(const struct symbol *instrument, enum reject reject, enum side side, bool at_market)
{
	const char *end = ending(instrument->s);
	for (size_t i = 0; end && i < ARRAY_LEN(words); i++)
		if (words[i].reject == reject && strcmp(words[i].of, end) == 0)
			return at_market && words[i].market ? words[i].market : words[i].limit;
	for (size_t i = 0; end && reject == reject_price_band && i < ARRAY_LEN(bands); i++)
		if (strcmp(bands[i].of, end) == 0)
			return side == side_buy ? bands[i].buy : bands[i].sell;
	return NULL;
}
