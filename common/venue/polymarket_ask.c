/* polymarket_ask - what we send to Polymarket: subscriptions by token, requests for books and the catalogue. */
#include "common/venue/polymarket_ask.h"

#include "common/base/err.h"
#include "common/venue/polymarket.h"
#include "common/venue/polymarket_prices.h"

int polymarket_stream_path(const struct venue_feed *feed, struct buf *out)
{
	return feed->n > POLYMARKET_STREAMS_MAX ? ERR_TOO_LONG : buf_printf(out, "/ws/market");
}

static int append_tokens(const struct venue_feed *feed, struct buf *out)
{
	int rc = buf_printf(out, "{\"assets_ids\":[");

	for (uint32_t i = 0; rc == 0 && i < feed->n; i++)
		rc = buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", feed->markets[i]->raw);
	return rc;
}

/* One channel carries everything of a token. */
int polymarket_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	if (nth > 0 || feed->n == 0 || feed->streams == 0)
		return ERR_NOT_FOUND;
	int rc = append_tokens(feed, out);
	return rc == 0 ? buf_printf(out, "],\"type\":\"market\",\"custom_feature_enabled\":true}") : rc;
}

int polymarket_stream_add(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	if (nth > 0 || feed->n == 0)
		return ERR_NOT_FOUND;
	int rc = append_tokens(feed, out);
	return rc == 0 ? buf_printf(out, "],\"operation\":\"subscribe\",\"custom_feature_enabled\":true}") : rc;
}

int polymarket_stream_drop(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	if (nth > 0 || feed->n == 0)
		return ERR_NOT_FOUND;
	int rc = append_tokens(feed, out);
	return rc == 0 ? buf_printf(out, "],\"operation\":\"unsubscribe\"}") : rc;
}

/* A token is one name, whatever is wanted of it. */
uint32_t polymarket_stream_count(const struct venue_feed *feed)
{
	return feed->n;
}

int polymarket_request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	switch (r->ask) {
	case VENUE_ASK_SNAPSHOT:
		*ret_weight = 1;
		return r->n == 1 ? buf_printf(out, "/book?token_id=%s", r->markets[0]->raw) : ERR_ARG;
	case VENUE_ASK_INSTRUMENTS:
	case VENUE_ASK_LISTINGS:
		*ret_weight = 5; /* 300 where /book has 1500 */
		return polymarket_catalog_path(r, out);
	case VENUE_ASK_KLINES:
		*ret_weight = 2; /* 1,000 */
		return polymarket_prices_path(r, out);
	default:
		return ERR_ARG;
	}
}
