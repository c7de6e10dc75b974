/* binance_trades - GET /api/v3/historicalTrades: trades by their ids, rising.
 *
 * Facts: github binance/binance-spot-api-docs rest-api/ of July 2026 (weight 25, 1000 rows at most). isBuyerMaker: the
 * aggressor sold.
 */
#include "common/base/err.h"
#include "common/venue/binance_rest.h"
#include "common/venue/wire.h"

static void read_trade(struct wire *w, struct json *j)
{
	enum { ID, PRICE, QTY, TIME, MAKER, N };
	struct wire_member f[N] = {{.name = "id"}, {.name = "price"}, {.name = "qty"}, {.name = "time"},
				   {.name = "isBuyerMaker"}};

	wire_members(j, f, N);
	wire_note(w, j->err);
	wire_demand(w, wire_all_there(f, MAKER));
	if (w->err != 0)
		return;
	uint64_t id = wire_id(w, f[ID].text);
	struct venue_message m = {.kind = VENUE_TRADE,
				  .trade = {.at = wire_instant(w, f[TIME].text),
					    .price = wire_price(w, f[PRICE].text),
					    .qty = wire_qty(w, f[QTY].text),
					    .first_id = id,
					    .last_id = id,
					    .aggressor = f[MAKER].truth ? side_sell : side_buy}};
	wire_demand(w, id > 0 && m.trade.price > 0);
	w->time = m.trade.at;
	wire_give(w, &m);
}

int binance_decode_trades(const struct venue_input *in, struct venue_output *out)
{
	struct wire w = {.out = out, .market = in->market};

	wire_list(&w, (struct json_str){in->text, in->len, false}, read_trade);
	return w.err;
}
