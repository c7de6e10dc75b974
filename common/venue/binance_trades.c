/* binance_trades - trades by their ids, rising: GET /api/v3/historicalTrades (spot), /fapi/v1/aggTrades (USD-M).
 *
 * Facts: github binance/binance-spot-api-docs rest-api/ of July 2026 (weight 25, 1000 rows at most). isBuyerMaker: the
 * aggressor sold. USD-M's aggregates: its market-data documents (weight 20, 1000 rows at most); "a" is what fromId
 * names and what counts on the stream, so it is the row's id.
 */
#include "common/base/err.h"
#include "common/venue/binance_rest.h"
#include "common/venue/wire.h"

enum { ID, PRICE, QTY, TIME, MAKER, N };

static void read_named(struct wire *w, struct json *j, struct wire_member f[N])
{
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
	wire_demand(w, id > 0 && m.trade.price > 0 && m.trade.qty > 0);
	w->time = m.trade.at;
	wire_give(w, &m);
}

static void read_trade(struct wire *w, struct json *j)
{
	struct wire_member f[N] = {{.name = "id"}, {.name = "price"}, {.name = "qty"}, {.name = "time"},
				   {.name = "isBuyerMaker"}};

	read_named(w, j, f);
}

static void read_aggregate(struct wire *w, struct json *j)
{
	struct wire_member f[N] = {{.name = "a"}, {.name = "p"}, {.name = "q"}, {.name = "T"}, {.name = "m"}};

	read_named(w, j, f);
}

static int decode(const struct venue_input *in, struct venue_output *out, void (*read)(struct wire *, struct json *))
{
	struct wire w = {.out = out, .market = in->market};

	wire_list(&w, (struct json_str){in->text, in->len, false}, read);
	return w.err;
}

int binance_decode_trades(const struct venue_input *in, struct venue_output *out)
{
	return decode(in, out, read_trade);
}

int binance_decode_aggregates(const struct venue_input *in, struct venue_output *out)
{
	return decode(in, out, read_aggregate);
}
