/* venue_words - see venue_words.h.
 *
 * Binance: "Filter failure: NAME" (error -1013) with the names of its filters, and the sentences of errors -2010 and
 * -2011, as its REST documentation lists them (errors.md: "Messages for -1010, -2010 and -2011, -2038"; filters.md).
 */
#include "services/executor/venue_words.h"

#include <string.h>

#include "common/base/check.h"

static const struct word {
	const char *venue;
	uint8_t reject;
	const char *limit, *market; /* the second, where it words orders at market in its own way */
} words[] = {
	{".BINANCE", reject_tick_size, "Filter failure: PRICE_FILTER", NULL},
	{".BINANCE", reject_price_range, "Filter failure: PRICE_FILTER", NULL},
	{".BINANCE", reject_price_band, "Filter failure: PERCENT_PRICE_BY_SIDE", NULL},
	{".BINANCE", reject_lot_size, "Filter failure: LOT_SIZE", NULL},
	{".BINANCE", reject_min_qty, "Filter failure: LOT_SIZE", NULL},
	{".BINANCE", reject_max_qty, "Filter failure: LOT_SIZE", "Filter failure: MARKET_LOT_SIZE"},
	{".BINANCE", reject_min_notional, "Filter failure: NOTIONAL", NULL},
	{".BINANCE", reject_max_notional, "Filter failure: NOTIONAL", NULL},
	{".BINANCE", reject_limit_orders, "Filter failure: MAX_NUM_ORDERS", NULL},
	{".BINANCE", reject_balance, "Account has insufficient balance for requested action.", NULL},
	{".BINANCE", reject_would_trigger, "Stop price would trigger immediately.", NULL},
	{".BINANCE", reject_post_only, "Order would immediately match and take.", NULL},
	{".BINANCE", reject_unknown_order, "Unknown order sent.", NULL},
	{".BINANCE", reject_user_id, "Duplicate order sent.", NULL},
	{".BINANCE", reject_duplicate, "Duplicate order sent.", NULL},
	{".BINANCE", reject_not_trading, "Market is closed.", NULL},
};

const char *venue_words(const struct symbol *instrument, enum reject reject, bool at_market)
{
	const char *venue = strrchr(instrument->s, '.');
	for (size_t i = 0; venue && i < ARRAY_LEN(words); i++)
		if (words[i].reject == reject && strcmp(words[i].venue, venue) == 0)
			return at_market && words[i].market ? words[i].market : words[i].limit;
	return NULL;
}
