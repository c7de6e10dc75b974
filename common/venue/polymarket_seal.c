/* polymarket_seal - the one way to write a book of Polymarket's whose SHA-1 is its hash.
 *
 * Found by recomputing recorded hashes: compact JSON, keys in this order, an empty hash, bids rising, asks falling, so
 * that the best is last on both sides; prices and sizes as the venue writes them, which is without trailing zeros. (The
 * client libraries' own test vectors have another order.) The last trade's price is the market's, the same for both
 * tokens, with three decimals or more; tick, smallest order and the rest as the venue has said them.
 */
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/book.h"
#include "common/venue/polymarket.h"

#define MS 1000000
#define ORDER_MIN "5"   /* where neither Gamma nor a book has said another */
#define LAST_DECIMALS 3 /* of the last price, at least */

static char *put_text(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

#define PUT(at, text) put_text(at, text, sizeof(text) - 1)

static int append_level(const struct venue_market *m, const struct level *l, bool first, struct buf *out)
{
	char text[96], *at = text;

	at = first ? at : PUT(at, ",");
	at = PUT(at, "{\"price\":\"");
	at += fixed_format_trim(at, FIXED_TEXT_MAX, l->price, m->price_scale);
	at = PUT(at, "\",\"size\":\"");
	at += fixed_format_trim(at, FIXED_TEXT_MAX, l->qty, m->qty_scale);
	at = PUT(at, "\"}");
	return buf_append(out, text, (size_t)(at - text));
}

/* The best comes last. */
static int append_side(const struct venue_sealed *of, enum side side, struct buf *out)
{
	uint32_t n = book_depth(of->book, side);
	int rc = 0;

	for (uint32_t i = n; rc == 0 && i > 0; i--)
		rc = append_level(of->market, book_level(of->book, side, i - 1), i == n, out);
	return rc;
}

/* "0.62" as "0.620". */
static int append_last(const char *text, struct buf *out)
{
	const char *point = strchr(text, '.');
	size_t decimals = point != NULL ? strlen(point + 1) : 0;
	int rc = buf_printf(out, "%s", text);

	if (text[0] == '\0' || decimals >= LAST_DECIMALS)
		return rc;
	int missing = (int)(LAST_DECIMALS - decimals);
	return rc == 0 ? buf_printf(out, "%s%.*s", point == NULL ? "." : "", missing, "000") : rc;
}

int polymarket_seal_text(const struct venue_seal *known, const struct venue_sealed *of, struct buf *out)
{
	if (known->group[0] == '\0' || known->tick[0] == '\0' || !known->has_last)
		return ERR_NOT_FOUND;
	int rc = buf_printf(out,
			    "{\"market\":\"%s\",\"asset_id\":\"%s\",\"timestamp\":\"%lld\",\"hash\":\"\","
			    "\"bids\":[",
			    known->group, of->market->raw, (long long)(of->time / MS));
	if (rc == 0)
		rc = append_side(of, side_buy, out);
	if (rc == 0)
		rc = buf_printf(out, "],\"asks\":[");
	if (rc == 0)
		rc = append_side(of, side_sell, out);
	if (rc == 0)
		rc = buf_printf(out,
				"],\"min_order_size\":\"%s\",\"tick_size\":\"%s\",\"neg_risk\":%s,"
				"\"last_trade_price\":\"",
				known->order_min[0] != '\0' ? known->order_min : ORDER_MIN, known->tick,
				known->neg_risk == 2 ? "true" : "false");
	if (rc == 0)
		rc = append_last(known->last, out);
	return rc == 0 ? buf_printf(out, "\"}") : rc;
}
