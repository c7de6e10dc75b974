/* kalshi_trades - Kalshi's trades of a span of time: GET /markets/trades.
 *
 * Facts: docs.kalshi.com (trade-api v2) of 2026: newest first, 1000 rows at most, min_ts and max_ts in whole seconds,
 * created_time to the microsecond where the stream's ts_ms has milliseconds. The cursor is left alone: a span that ends
 * where the last page did asks for the same rows. Trades have no numbers: trade_id is a UUID, here as on the stream.
 */
#include "common/venue/kalshi_trades.h"

#include "common/base/hash.h"
#include "common/venue/iso_time.h"
#include "common/venue/wire.h"

#define SECOND 1000000000LL
#define MS 1000000LL

int kalshi_trades_path(const struct venue_request *r, struct buf *out)
{
	if (r->n != 1 || r->limit == 0 || r->limit > KALSHI_TRADES_MAX)
		return ERR_ARG;
	int rc = buf_printf(out, "/trade-api/v2/markets/trades?ticker=%s&limit=%u", r->markets[0]->raw, r->limit);
	if (rc == 0 && r->from > 0)
		rc = buf_printf(out, "&min_ts=%lld", (long long)(r->from / SECOND));
	if (rc == 0 && r->to > 0)
		rc = buf_printf(out, "&max_ts=%lld", (long long)(r->to / SECOND + 1));
	return rc;
}

/* The taker of NO sells YES. */
static void read_row(struct wire *w, struct json *j)
{
	enum { ID, PRICE, QTY, TAKER, TIME, N };
	struct wire_member f[N] = {{.name = "trade_id"},
				   {.name = "yes_price_dollars"},
				   {.name = "count_fp"},
				   {.name = "taker_side"},
				   {.name = "created_time"}};
	struct venue_message m = {.kind = VENUE_TRADE};

	wire_members(j, f, N);
	wire_note(w, j->err);
	wire_demand(w, wire_all_there(f, N));
	if (w->err != 0)
		return;
	bool no = json_str_is(f[TAKER].text, "no");
	wire_demand(w, no || json_str_is(f[TAKER].text, "yes"));
	wire_note(w, iso_time(f[TIME].text.at, f[TIME].text.len, &m.trade.at));
	m.trade.at -= m.trade.at % MS; /* as the stream has it */
	m.trade.price = wire_price(w, f[PRICE].text);
	m.trade.qty = wire_qty(w, f[QTY].text);
	m.trade.aggressor = no ? side_sell : side_buy;
	m.trade.key = hash_bytes(f[ID].text.at, f[ID].text.len);
	wire_demand(w, m.trade.price > 0 && m.trade.qty > 0);
	w->time = m.trade.at;
	wire_give(w, &m);
}

int kalshi_decode_trades(const struct venue_input *in, struct venue_output *out)
{
	struct wire w = {.out = out, .market = in->market};
	struct json_str list;
	int rc = wire_part(in, "trades", JSON_ARRAY, &list);

	if (rc < 0)
		return rc;
	wire_list(&w, list, read_row);
	return w.err;
}
