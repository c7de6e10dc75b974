/* market - the generated market: a crowd for each symbol, told as a venue would tell it.
 *
 * The same options give the same lines, byte for byte. For each symbol: depth diffs every 100 ms,
 * trades, aggregate trades, best bid and ask, klines of 1 s and 1 m; before all of them one REST
 * depth reply, the book at the start. Stamps strictly increase over all symbols.
 */
#ifndef NJ_SIM_MARKET_H
#define NJ_SIM_MARKET_H

#include <stdint.h>

#include "common/base/fixed.h"
#include "tools/venue_sim/text.h"

#define MARKET_SYMBOLS_MAX 64
#define MARKET_SYMBOL_LEN 96 /* with its NUL; a token of Polymarket has 78 digits */

struct dialect;
struct feed_line;

struct market_options {
	const struct dialect *dialect; /* how it is told */
	const char *symbols;           /* comma separated, in capitals; digits and dashes */
	uint64_t seed;
	int64_t start;    /* event time of the first line, ns */
	int64_t duration; /* ns; 0: without an end */
	uint32_t rate;    /* actions a second and symbol; 0: 20 */
};

/* What a generated instrument looks like; tick and step are one unit of their scale. */
struct market_spec {
	char symbol[MARKET_SYMBOL_LEN];
	uint8_t price_scale, qty_scale;
	int64_t price, lots; /* where it starts, a typical quantity */
	int64_t ceiling;     /* prices stay below; 0: no limit */
};

struct market_kline {
	int64_t open_at, span; /* ns */
	int64_t open, high, low, close;
	int64_t volume, taker_volume;
	fixed_wide value, taker_value; /* price times quantity, at both scales together */
	uint64_t first_id, last_id;    /* of trades */
	uint32_t trades;
};

struct market;

/* ERR_ARG: a symbol that is empty, too long or not [A-Z0-9-]; ERR_TOO_LONG: too many; ERR_NOMEM. */
int market_new(const struct market_options *o, struct market **ret_market);
void market_free(struct market *m);
/* Next line; ERR_CLOSED where the duration is over. */
int market_next(struct market *m, struct feed_line *ret_line);

struct market_spec market_spec(struct text symbol);

#endif
