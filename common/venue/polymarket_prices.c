/* polymarket_prices - what Polymarket tells of a token's past: GET /prices-history.
 *
 * Facts: docs.polymarket.com ("Get prices history") of 2026: market is the token, startTs and endTs in seconds,
 * fidelity is the distance of the points in minutes, and each of "history" is a time t in seconds and a price p. As
 * others have measured: more than 15 days between the two are refused, at any fidelity, and points stand some seconds
 * behind the full minute.
 *
 * That is all there is: whether p is of trades or of quotes is not said, and neither highs nor lows nor quantities are.
 * So no candles are made of it. Each point is a mark: what the token was worth at that time, by the venue's word.
 */
#include "common/venue/polymarket_prices.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/wire.h"

#define SECOND INT64_C(1000000000)

const char *const polymarket_intervals[] = {"1m", "5m", "15m", "1h", NULL};

static int minutes_of(const char *interval)
{
	static const int minutes[] = {1, 5, 15, 60};

	for (size_t i = 0; interval != NULL && polymarket_intervals[i] != NULL; i++)
		if (strcmp(polymarket_intervals[i], interval) == 0)
			return minutes[i];
	return 0;
}

int polymarket_prices_path(const struct venue_request *r, struct buf *out)
{
	int minutes = minutes_of(r->interval);

	if (r->n != 1 || minutes == 0 || r->from <= 0 || r->to < r->from || r->to - r->from > POLYMARKET_PRICES_SPAN_NS)
		return ERR_ARG;
	return buf_printf(out, "/prices-history?market=%s&startTs=%" PRId64 "&endTs=%" PRId64 "&fidelity=%d",
			  r->markets[0]->raw, (r->from + SECOND - 1) / SECOND, r->to / SECOND, minutes);
}

struct reading { /* what wire_list hands on is the first of it */
	struct wire w;
	int64_t last;
};

static void read_point(struct wire *w, struct json *j)
{
	enum { TIME, PRICE, N };
	struct wire_member f[N] = {{.name = "t"}, {.name = "p"}};
	struct reading *r = (struct reading *)(void *)w;
	struct venue_message m = {.kind = VENUE_MARK, .mark.said = 1};

	wire_members(j, f, N);
	wire_note(w, j->err);
	wire_demand(w, wire_all_there(f, N));
	uint64_t at = w->err == 0 ? wire_id(w, f[TIME].text) : 0;
	wire_demand(w, at > 0 && at < INT64_MAX / SECOND);
	if (w->err != 0)
		return;
	w->time = (int64_t)at * SECOND;
	wire_demand(w, !w->silent || w->time >= r->last); /* the first, silent walk looks at the order */
	r->last = w->time;
	m.mark.price = wire_floor(w, f[PRICE].text, VENUE_MARK_SCALE);
	wire_demand(w, m.mark.price >= 0 && m.mark.price <= fixed_pow10(VENUE_MARK_SCALE));
	wire_give(w, &m);
}

int polymarket_decode_prices(const struct venue_input *in, struct venue_output *out)
{
	struct reading r = {.w = {.out = out, .market = in->market}};
	struct json_str list;
	int rc = minutes_of(in->interval) > 0 ? wire_part(in, "history", JSON_ARRAY, &list) : ERR_ARG;

	if (rc < 0)
		return rc;
	wire_list(&r.w, list, read_point);
	return r.w.err;
}
