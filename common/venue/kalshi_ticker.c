/* kalshi_ticker - what Kalshi's channel "ticker" says of a market.
 *
 * Facts: docs.kalshi.com (asyncapi) of 2026 and frames that others have published; none is among our recordings. Prices
 * are of YES, whatever use_yes_price says: price_dollars is the last trade's, empty before the first. volume_fp is what
 * was traded since the market opened, not within a day; there is no open, high or low. The integer fields in cents are
 * gone, as in all frames. dollar_volume is left alone: what it counts is not documented (the one frame we know of has
 * half a dollar for each contract). Best prices come with the book, of which this is an older view.
 */
#include "common/venue/kalshi_ticker.h"

#include "common/venue/iso_time.h"

void kalshi_on_ticker(struct wire *w, struct json *j)
{
	enum { PRICE, VOLUME, TIME_MS, TIME, N };
	struct wire_member f[N] = {
		{.name = "price_dollars"}, {.name = "volume_fp"}, {.name = "ts_ms"}, {.name = "time"}};
	struct venue_message m = {.kind = VENUE_TICKER, .ticker.said = KALSHI_TICKER_VALUES};

	wire_members(j, f, N);
	wire_note(w, j->err);
	if (f[PRICE].text.len > 0)
		m.ticker.last = wire_price(w, f[PRICE].text);
	m.ticker.volume = wire_qty(w, f[VOLUME].text);
	if (f[TIME_MS].text.len > 0)
		w->time = wire_instant(w, f[TIME_MS].text);
	else if (f[TIME].text.len > 0) /* frames of early 2026 */
		wire_note(w, iso_time(f[TIME].text.at, f[TIME].text.len, &w->time));
	wire_give(w, &m);
}
