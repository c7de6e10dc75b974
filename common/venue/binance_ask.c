/* binance_ask - the texts by which Binance is asked: stream names and paths of REST. */
#include "common/venue/binance_ask.h"

#include <inttypes.h>

#include "common/base/err.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int append_lower(struct buf *out, const char *text)
{
	int rc = 0;

	for (; *text && rc == 0; text++)
		rc = buf_byte(out, (uint8_t)lower(*text));
	return rc;
}

static int append_stream(const struct venue_feed *feed, const struct venue_market *m, const struct binance_stream *s,
			 struct buf *out)
{
	bool kline = s->stream == VENUE_KLINE_STREAM;
	bool lesser = s->lesser != NULL && (s->stream == VENUE_TRADE_STREAM ? feed->aggregate : feed->mini);
	int rc = append_lower(out, m->raw);

	return rc == 0 ? buf_printf(out, "@%s%s", lesser ? s->lesser : s->name, kline ? feed->kline_interval : "") : rc;
}

int binance_streams(const struct venue_feed *feed, const struct binance_stream *streams, uint32_t max, struct buf *out)
{
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < feed->n; i++)
		for (const struct binance_stream *s = streams; rc == 0 && s->name != NULL; s++) {
			if (!(feed->streams & s->stream) ||
			    (s->stream == VENUE_KLINE_STREAM && feed->kline_interval == NULL))
				continue;
			if (n++ > 0)
				rc = buf_byte(out, '/');
			if (rc == 0)
				rc = append_stream(feed, feed->markets[i], s, out);
		}
	if (rc == 0 && n == 0)
		return ERR_ARG;
	return rc == 0 && n > max ? ERR_TOO_LONG : rc;
}

int binance_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	(void)feed;
	(void)nth;
	(void)out;
	return ERR_NOT_FOUND;
}

/* 0: more than there is. */
static uint32_t weight_of(const struct binance_weight *table, uint32_t limit)
{
	while (table->weight != 0 && limit > table->limit)
		table++;
	return table->weight;
}

static int instruments_path(const struct binance_rest *api, const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "%s/exchangeInfo", api->base);

	if (r->n == 0 || r->n > api->symbols_max)
		return rc;
	for (uint32_t i = 0; rc == 0 && i < r->n; i++)
		rc = buf_printf(out, "%s%%22%s%%22", i == 0 ? "?symbols=%5B" : "%2C", r->markets[i]->raw);
	return rc == 0 ? buf_printf(out, "%%5D") : rc;
}

/* Times are in ms there. */
static int klines_path(const struct binance_rest *api, const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "%s/klines?symbol=%s&interval=%s", api->base, r->markets[0]->raw, r->interval);

	if (rc == 0 && r->from > 0)
		rc = buf_printf(out, "&startTime=%lld", (long long)(r->from / 1000000));
	if (rc == 0 && r->to > 0)
		rc = buf_printf(out, "&endTime=%lld", (long long)(r->to / 1000000));
	if (rc == 0 && r->limit > 0)
		rc = buf_printf(out, "&limit=%u", r->limit);
	return rc;
}

static int trades_path(const struct binance_rest *api, const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "%s/%s?symbol=%s&limit=%u", api->base, api->trades, r->markets[0]->raw, r->limit);

	return rc == 0 && r->from_id > 0 ? buf_printf(out, "&fromId=%" PRIu64, r->from_id) : rc;
}

int binance_request(const struct binance_rest *api, const struct venue_request *r, struct buf *out,
		    uint32_t *ret_weight)
{
	switch (r->ask) {
	case VENUE_ASK_INSTRUMENTS:
		*ret_weight = api->instruments_weight;
		return instruments_path(api, r, out);
	case VENUE_ASK_SNAPSHOT:
		*ret_weight = weight_of(api->depth, r->limit);
		if (r->n != 1 || r->limit == 0 || *ret_weight == 0)
			return ERR_ARG;
		return buf_printf(out, "%s/depth?symbol=%s&limit=%u", api->base, r->markets[0]->raw, r->limit);
	case VENUE_ASK_KLINES:
		*ret_weight = weight_of(api->klines, r->limit > 0 ? r->limit : api->klines_default);
		if (r->n != 1 || r->interval == NULL || *ret_weight == 0)
			return ERR_ARG;
		return klines_path(api, r, out);
	case VENUE_ASK_TRADES: /* without an id: the newest */
		*ret_weight = api->trades_weight;
		if (r->n != 1 || r->limit == 0 || r->limit > api->trades_max)
			return ERR_ARG;
		return trades_path(api, r, out);
	default:
		return ERR_ARG;
	}
}
