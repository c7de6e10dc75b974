/* bybit_rest - replies of Bybit's v5 REST API: instruments-info, kline.
 *
 * Each comes inside {"retCode":0,"retMsg":"OK","result":{…,"list":[…]}}; an error has another code,
 * and HTTP 200 all the same.
 */
#include "common/venue/bybit_rest.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/bybit.h"
#include "common/venue/description.h"
#include "common/venue/wire.h"

#define ROWS_MAX 1000
#define TOO_MANY "10006" /* bybit-exchange.github.io/docs/v5/error: over the API rate limit */
#define KLINE_FIELDS 7
#define MINUTE 60000000000LL
#define WHOLE 10000 /* 1 in a description's shares */

/* ---- the envelope ---- */

static void find_list(struct json *j, struct json_str *ret_list)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "list") && json_peek(j) == JSON_ARRAY)
			json_raw(j, ret_list);
		else
			json_skip(j);
}

/* The list of a good reply; ERR_BUSY where it was one request too many, ERR_STATUS where the venue refused else. */
static int open_reply(const struct venue_input *in, struct json_str *ret_list)
{
	struct json_str key, code = {"", 0, false};
	struct json j;

	*ret_list = (struct json_str){NULL, 0, false};
	json_init(&j, in->text, in->len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "retCode"))
			json_scalar_text(&j, &code);
		else if (json_str_is(key, "result") && json_peek(&j) == JSON_OBJECT)
			find_list(&j, ret_list);
		else
			json_skip(&j);
	}
	int rc = json_finish(&j);
	if (rc < 0)
		return rc;
	if (code.len > 0 && !json_str_is(code, "0"))
		return json_str_is(code, TOO_MANY) ? ERR_BUSY : ERR_STATUS;
	return code.len > 0 && ret_list->at != NULL ? 0 : ERR_PROTOCOL;
}

/* ---- GET /v5/market/instruments-info ---- */

/* A member of a description, or of one of its filters. The linear and the spot market name some differently. */
static const struct {
	const char *key;
	size_t offset;
} members[] = {
	{"symbol", offsetof(struct description, symbol)},
	{"baseCoin", offsetof(struct description, base)},
	{"quoteCoin", offsetof(struct description, quote)},
	{"tickSize", offsetof(struct description, tick)},
	{"minPrice", offsetof(struct description, price_min)},
	{"maxPrice", offsetof(struct description, price_max)},
	{"qtyStep", offsetof(struct description, step)},
	{"basePrecision", offsetof(struct description, step)},
	{"minOrderQty", offsetof(struct description, qty_min)},
	{"maxOrderQty", offsetof(struct description, qty_max)},
	{"maxLimitOrderQty", offsetof(struct description, qty_max)}, /* spot, in place of the one above */
	{"maxMktOrderQty", offsetof(struct description, market_qty_max)},
	{"maxMarketOrderQty", offsetof(struct description, market_qty_max)},
	{"minNotionalValue", offsetof(struct description, notional_min)},
	{"minOrderAmt", offsetof(struct description, notional_min)},
	{"maxOrderAmt", offsetof(struct description, notional_max)},
};

static struct json_str *slot_of(struct description *d, struct json_str key)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (json_str_is(key, members[i].key))
			return (struct json_str *)(void *)((char *)d + members[i].offset);
	return NULL;
}

static void read_member(struct json *j, struct description *d, struct json_str key)
{
	struct json_str *slot = slot_of(d, key), status;
	enum json_kind kind = json_peek(j);

	if (json_str_is(key, "status") && kind == JSON_STRING && json_string(j, &status))
		d->trading = json_str_is(status, "Trading");
	else if (slot != NULL && (kind == JSON_STRING || kind == JSON_NUMBER))
		json_scalar_text(j, slot);
	else
		json_skip(j);
}

struct ratios {
	struct json_str x, y; /* priceLimitRatioX and Y */
	bool contract;        /* a future's, not the spot market's */
};

static void read_ratios(struct json *j, struct ratios *r)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "priceLimitRatioX"))
			json_scalar_text(j, &r->x);
		else if (json_str_is(key, "priceLimitRatioY"))
			json_scalar_text(j, &r->y);
		else
			json_skip(j);
}

/* How far from the market orders may be (bybit-exchange.github.io/docs/v5/account/set-price-limit):
 *   futures  buys at most min(mark * (1 + y), max(index, mark * (1 + x) + premium)), the premium being how far the mid
 *            stands above the mark price, over 30 s; sells the other way round. The index, which can only widen this,
 *            is left out, and the mid is that of the moment.
 *   spot     buys at most index * (1 + x) + premium, the premium being that of the market over 2 minutes: together the
 *            mean price of 2 minutes and x of it. At most index * (1 + y), too, and the index is not among the streams.
 * An order beyond is refused here; on futures the venue's default is to bring its price back to the limit instead. */
static void set_band(const struct ratios *r, struct description_band *b)
{
	uint32_t near = description_share(r->x), far = description_share(r->y);

	if (near == 0 || near >= WHOLE || far >= WHOLE)
		return;
	b->buy_above = WHOLE + near;
	b->sell_below = WHOLE - near;
	b->by = r->contract ? band_by_premium : band_by_mean;
	b->minutes = r->contract ? 0 : 2;
	if (r->contract && far > 0) {
		b->buy_most = WHOLE + far;
		b->sell_least = WHOLE - far;
	}
}

static void read_description(struct json *j, struct description *d)
{
	struct ratios ratios = {0};
	struct json_str key, inner;

	*d = (struct description){0};
	json_object(j);
	while (json_key(j, &key)) {
		bool filter = json_str_is(key, "priceFilter") || json_str_is(key, "lotSizeFilter");
		ratios.contract = ratios.contract || json_str_is(key, "contractType");
		if (json_str_is(key, "riskParameters") && json_peek(j) == JSON_OBJECT) {
			read_ratios(j, &ratios);
		} else if (!filter) {
			read_member(j, d, key);
		} else {
			json_object(j);
			while (json_key(j, &inner))
				read_member(j, d, inner);
		}
	}
	set_band(&ratios, &d->band);
}

/* One bad description does not keep the others back; the first error is returned at the end. */
int bybit_decode_instruments(const struct venue_input *in, struct venue_output *out)
{
	struct json_str list;
	struct json j;
	int first = 0, rc = open_reply(in, &list);

	if (rc < 0)
		return rc;
	json_init(&j, list.at, list.len);
	json_array(&j);
	while (json_item(&j)) {
		struct description d;
		read_description(&j, &d);
		rc = j.err != 0 ? j.err : description_deliver(&d, out);
		first = first == 0 ? rc : first;
	}
	return first != 0 ? first : json_finish(&j);
}

/* ---- GET /v5/market/kline: rows [start, open, high, low, close, volume, turnover], newest first ---- */

static int64_t length_of(const char *interval)
{
	static const struct {
		const char *name;
		int64_t ns;
	} known[] = {{"1m", MINUTE},         {"3m", 3 * MINUTE},    {"5m", 5 * MINUTE},     {"15m", 15 * MINUTE},
		     {"30m", 30 * MINUTE},   {"1h", 60 * MINUTE},   {"2h", 120 * MINUTE},   {"4h", 240 * MINUTE},
		     {"6h", 360 * MINUTE},   {"12h", 720 * MINUTE}, {"1d", 1440 * MINUTE},  {"1w", 10080 * MINUTE}};

	for (size_t i = 0; interval != NULL && i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, interval) == 0)
			return known[i].ns;
	return 0;
}

static int read_row(struct json_str row, const struct venue_market *m, struct venue_kline *k)
{
	int64_t *const value[KLINE_FIELDS] = {&k->open_at, &k->open,   &k->high,        &k->low,
					      &k->close,   &k->volume, &k->quote_volume};
	struct json_str text;
	struct json j;
	int n = 0, rc = 0;

	json_init(&j, row.at, row.len);
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		if (n == KLINE_FIELDS || !json_scalar_text(&j, &text)) {
			json_skip(&j);
			continue;
		}
		rc = n == 0   ? wire_time(text, value[n])
		     : n == 6 ? wire_decimal_floor(text, VENUE_CASH_SCALE, value[n])
			      : wire_decimal(text, n == 5 ? m->qty_scale : m->price_scale, value[n]);
		n++;
	}
	if (rc == 0)
		rc = json_finish(&j);
	return rc == 0 && (n < KLINE_FIELDS || k->low > k->high) ? ERR_PROTOCOL : rc;
}

/* Rows are handed out oldest first. */
int bybit_decode_klines(const struct venue_input *in, struct venue_output *out)
{
	struct venue_message m = {.kind = VENUE_KLINE, .market = in->market};
	struct json_str list, row[ROWS_MAX];
	int64_t length = length_of(in->interval);
	uint32_t n = 0;
	struct json j;
	int rc = length > 0 ? open_reply(in, &list) : ERR_ARG;

	if (rc < 0)
		return rc;
	json_init(&j, list.at, list.len);
	json_array(&j);
	while (json_item(&j) && n < ROWS_MAX)
		if (json_raw(&j, &row[n]))
			n++;
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		rc = read_row(row[i], in->market, &m.kline);
	for (uint32_t i = n; rc == 0 && i > 0; i--) {
		rc = read_row(row[i - 1], in->market, &m.kline);
		m.kline.close_at = m.kline.open_at + length;
		out->message(out->ctx, &m);
	}
	return rc;
}

/* ---- asking ---- */

static int instruments_path(const char *category, const struct venue_request *r, struct buf *out)
{
	if (r->n == 1)
		return buf_printf(out, "/v5/market/instruments-info?category=%s&symbol=%s", category,
				  r->markets[0]->raw);
	return buf_printf(out, "/v5/market/instruments-info?category=%s&limit=1000", category);
}

static int klines_path(const char *category, const struct venue_request *r, struct buf *out)
{
	const char *interval = r->interval != NULL ? bybit_their_interval(r->interval) : NULL;

	if (r->n != 1 || interval == NULL || r->limit > ROWS_MAX)
		return ERR_ARG;
	int rc = buf_printf(out, "/v5/market/kline?category=%s&symbol=%s&interval=%s", category, r->markets[0]->raw,
			    interval);
	if (rc == 0 && r->from > 0)
		rc = buf_printf(out, "&start=%lld", (long long)(r->from / 1000000));
	if (rc == 0 && r->to > 0)
		rc = buf_printf(out, "&end=%lld", (long long)(r->to / 1000000));
	if (rc == 0 && r->limit > 0)
		rc = buf_printf(out, "&limit=%u", r->limit);
	return rc;
}

int bybit_request(const char *category, const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	*ret_weight = 1; /* requests are counted, not weighed */
	switch (r->ask) {
	case VENUE_ASK_INSTRUMENTS:
		return instruments_path(category, r, out);
	case VENUE_ASK_KLINES:
		return klines_path(category, r, out);
	default:
		return ERR_ARG; /* snapshots come on the stream */
	}
}
