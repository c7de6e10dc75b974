/* dialect_binance_usdm - the table of Binance USD-M futures: routed streams, updates chained by pu.
 *
 * Since 2026-04-23 there are three bases. A stream that is asked for on the wrong one is accepted and
 * silent; the unrouted paths are gone.
 */
#include <stdio.h>

#include "common/base/err.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/session.h"

enum route { ROUTE_NONE, ROUTE_PUBLIC, ROUTE_MARKET, ROUTE_PRIVATE };

static const struct {
	const char *base;
	enum route route;
} bases[] = {{"/public/", ROUTE_PUBLIC}, {"/market/", ROUTE_MARKET}, {"/private/", ROUTE_PRIVATE}};

static int ws_open(struct session *s, const struct request *r)
{
	if (wallet_usdm_open(s, r->path)) {
		s->route = ROUTE_PRIVATE;
		return 0;
	}
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (!text_starts(r->path, bases[i].base))
			continue;
		size_t n = strlen(bases[i].base) - 1; /* the rest begins with its slash */
		s->route = bases[i].route;
		return binance_ws_open_at(s, r, (struct text){r->path.at + n, r->path.len - n});
	}
	return ERR_ARG;
}

/* Depth, bookTicker and single trades are public; everything else is of the market base. */
static enum route route_of(struct text stream)
{
	static const char *const channels[] = {"@depth", "@bookTicker", "@trade", "@rpiDepth", "!bookTicker"};

	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		if (memmem(stream.at, stream.len, channels[i], strlen(channels[i])) != NULL)
			return ROUTE_PUBLIC;
	return ROUTE_MARKET;
}

static bool hears(const struct session *s, struct text stream)
{
	return s->route == route_of(stream);
}

/* Recorders take the depth at speeds of their own; clients are told that it came every 100 ms. */
static bool line_of(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	static const char depth[] = "@depth";

	if (!binance_line(line, name))
		return false;
	const char *at = memmem(line->stream.at, line->stream.len, depth, sizeof(depth) - 1);
	const char *end = line->stream.at + line->stream.len;
	if (at == NULL || (at + sizeof(depth) - 1 < end && at[sizeof(depth) - 1] != '@'))
		return true;
	int n = snprintf(name, STREAM_NAME_MAX, "%.*s@depth@100ms", (int)(at - line->stream.at), line->stream.at);
	if (n >= STREAM_NAME_MAX)
		return false;
	line->stream = (struct text){name, (size_t)n};
	return true;
}

static int render(struct session *s, const struct feed_line *line, struct buf *out)
{
	if (!s->combined)
		return buf_append(out, line->data.at, line->data.len);
	int rc = buf_printf(out, "{\"stream\":\"%.*s\",\"data\":", (int)line->stream.len, line->stream.at);
	if (rc == 0)
		rc = buf_append(out, line->data.at, line->data.len);
	return rc != 0 ? rc : buf_byte(out, '}');
}

const struct dialect dialect_binance_usdm = {
	.name = "BINANCE-PERP",
	.doc = "Binance USD-M futures, streams routed to /public and /market",
	.line = line_of,
	.frame = binance_frame,
	.reply = binance_reply,
	.numbers = binance_numbers,
	.fold = binance_fold,
	.tell_trade = binance_tell_trade,
	.tell_agg_trade = binance_tell_agg_trade,
	.tell_top = binance_tell_timed_top,
	.tell_diff = binance_tell_chained,
	.tell_kline = binance_tell_kline,
	.tell_snapshot = binance_tell_snapshot,
	.tell_snapshot_url = binance_tell_futures_url,
	.tell_shutdown = binance_tell_shutdown,
	.rest = binance_rest,
	.refuse = binance_refuse,
	.rest_base = "/fapi/v1",
	.symbols = "BTCUSDT,ETHUSDT",
	.index_info = binance_index,
	.weight_limit = binance_weight_limit,
	.ws_open = ws_open,
	.ws_text = binance_ws_text,
	.tell_account = wallet_usdm_tell,
	.hears = hears,
	.render = render,
	.futures = true,
	.messages_a_second = 10,
	.streams_max = 200,
	.weight_a_minute = 2400,
};
