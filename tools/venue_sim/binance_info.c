/* binance_info - exchangeInfo: as recorded and filtered, or derived and said so. */
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define LISTED_MAX 16384

static struct text info_of(const struct sim *sim)
{
	return (struct text){(const char *)sim->info.at, sim->info.len};
}

/* Name of one element of "symbols"; ERR_SYNTAX where it has none. */
static int symbol_name(struct json_str object, struct text *ret_name)
{
	struct json_str key, name = {0};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (name.at == NULL && json_key(&j, &key)) {
		if (json_str_is(key, "symbol"))
			json_string(&j, &name);
		else
			json_skip(&j);
	}
	if (name.at == NULL)
		return ERR_SYNTAX;
	*ret_name = (struct text){name.at, name.len};
	return 0;
}

int binance_index(struct sim *sim)
{
	struct text info = info_of(sim), name;
	struct json_str key, object = {0};
	struct json j;
	int rc = strmap_init(&sim->listed, LISTED_MAX, sizeof(struct text));

	if (rc != 0 || info.len == 0)
		return rc;
	json_init(&j, info.at, info.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (!json_str_is(key, "symbols")) {
			json_skip(&j);
			continue;
		}
		json_array(&j);
		while (json_item(&j)) {
			if (!json_raw(&j, &object) || symbol_name(object, &name) != 0)
				continue;
			struct text *at = strmap_put(&sim->listed, name.at, name.len);
			if (at != NULL)
				*at = (struct text){object.at, object.len};
		}
	}
	return json_finish(&j);
}

bool binance_lists(const struct sim *sim, struct text symbol)
{
	if (sim->info.len > 0)
		return strmap_get(&sim->listed, symbol.at, symbol.len) != NULL;
	return recording_symbol(&sim->rec, symbol) != NULL;
}

/* ---- as recorded ---- */

static void recorded(const struct sim *sim, const struct text *symbols, unsigned n, struct buf *out)
{
	struct text info = info_of(sim);
	struct json_str key, value;
	struct json j;
	bool first = true;

	if (n == 0) {
		buf_append(out, info.at, info.len);
		return;
	}
	json_init(&j, info.at, info.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		bool list = json_str_is(key, "symbols");
		if (!json_raw(&j, &value))
			break;
		buf_printf(out, "%s\"%.*s\":", first ? "{" : ",", (int)key.len, key.at);
		first = false;
		if (!list) {
			buf_append(out, value.at, value.len);
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			const struct text *at = strmap_get(&sim->listed, symbols[i].at, symbols[i].len);
			buf_byte(out, i == 0 ? '[' : ',');
			buf_append(out, at->at, at->len);
		}
		buf_byte(out, ']');
	}
	buf_byte(out, '}');
}

/* ---- derived ---- */

static struct text quote_of(struct text symbol)
{
	static const char *const quotes[] = {"FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD1", "BTC", "ETH",
					     "BNB",   "EUR",  "TRY",  "BRL",  "JPY",  "GBP",  "DAI", NULL};

	for (const char *const *q = quotes; *q != NULL; q++) {
		size_t len = strlen(*q);
		if (symbol.len > len && memcmp(symbol.at + symbol.len - len, *q, len) == 0)
			return (struct text){symbol.at + symbol.len - len, len};
	}
	size_t len = symbol.len > 6 ? 4 : symbol.len / 2;
	return (struct text){symbol.at + symbol.len - len, len};
}

static void read_assets(struct text object, struct text *ret_base, struct text *ret_quote)
{
	struct json_str key, value = {0};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		bool base = json_str_is(key, "baseAsset"), quote = json_str_is(key, "quoteAsset");
		if ((base || quote) && json_string(&j, &value))
			*(base ? ret_base : ret_quote) = (struct text){value.at, value.len};
		else
			json_skip(&j);
	}
}

void binance_assets(const struct sim *sim, struct text symbol, char base[16], char quote[16])
{
	const struct text *listed = strmap_get(&sim->listed, symbol.at, symbol.len);
	struct text to = quote_of(symbol), from = {symbol.at, symbol.len - to.len};

	if (listed != NULL)
		read_assets(*listed, &from, &to);
	snprintf(base, 16, "%.*s", (int)from.len, from.at);
	snprintf(quote, 16, "%.*s", (int)to.len, to.at);
}

/* "0.01000000" for 2. */
static void unit(struct buf *out, const char *key, int scale)
{
	buf_printf(out, "\"%s\":\"", key);
	binance_tell_number(out, 1, scale, BINANCE_DIGITS);
	buf_byte(out, '"');
}

static void derive_symbol(const struct rec_symbol *s, bool generated, struct buf *out)
{
	struct text name = text_of(s->name), quote = quote_of(name);

	buf_printf(out,
		   "{\"symbol\":\"%s\",\"status\":\"TRADING\",\"baseAsset\":\"%.*s\","
		   "\"baseAssetPrecision\":8,"
		   "\"quoteAsset\":\"%.*s\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,"
		   "\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"],"
		   "\"isSpotTradingAllowed\":true,"
		   "\"isMarginTradingAllowed\":false,\"filters\":[{\"filterType\":\"PRICE_FILTER\",",
		   s->name, (int)(name.len - quote.len), name.at, (int)quote.len, quote.at);
	unit(out, "minPrice", s->price_scale);
	buf_printf(out, ",\"maxPrice\":\"0.00000000\",");
	unit(out, "tickSize", s->price_scale);
	buf_printf(out, "},{\"filterType\":\"LOT_SIZE\",");
	unit(out, "minQty", s->qty_scale);
	buf_printf(out, ",\"maxQty\":\"9000000.00000000\",");
	unit(out, "stepSize", s->qty_scale);
	buf_byte(out, '}');
	if (generated)
		buf_printf(out, ",{\"filterType\":\"NOTIONAL\",\"minNotional\":\"5.00000000\","
				"\"applyMinToMarket\":true,\"maxNotional\":\"9000000.00000000\","
				"\"applyMaxToMarket\":false,\"avgPriceMins\":5}");
	buf_printf(out, "]}");
}

static void derived(const struct sim *sim, const struct text *symbols, unsigned n, struct buf *out)
{
	bool generated = sim->source.capture == NULL;
	unsigned count = n > 0 ? n : sim->rec.symbols.count;

	buf_printf(out,
		   "{\"timezone\":\"UTC\",\"serverTime\":%lld,"
		   "\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\","
		   "\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":%lld}],"
		   "\"exchangeFilters\":[],\"symbols\":[",
		   (long long)(sim_now(sim) / NS_PER_MS), (long long)sim->limits.a_minute);
	for (unsigned i = 0; i < count; i++) {
		const struct rec_symbol *s =
			n > 0 ? recording_symbol(&sim->rec, symbols[i]) : strmap_value_at(&sim->rec.symbols, i);
		if (i > 0)
			buf_byte(out, ',');
		derive_symbol(s, generated, out);
	}
	buf_printf(out, "]}");
}

int binance_info(struct sim *sim, const struct text *symbols, unsigned n, struct reply *r)
{
	for (unsigned i = 0; i < n; i++)
		if (!binance_lists(sim, symbols[i]))
			return ERR_NOT_FOUND;
	if (sim->info.len > 0) {
		recorded(sim, symbols, n, &r->body);
		return 0;
	}
	if (sim->source.capture != NULL)
		reply_header(r, "X-Nightjar-Derived", "filters");
	derived(sim, symbols, n, &r->body);
	return 0;
}

static void one_limit(struct json *j, int64_t *ret_limit)
{
	struct json_str key, type = {.at = ""}, interval = {.at = ""};
	int64_t number = 0, limit = 0;

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "rateLimitType"))
			json_string(j, &type);
		else if (json_str_is(key, "interval"))
			json_string(j, &interval);
		else if (json_str_is(key, "intervalNum"))
			json_i64(j, &number);
		else if (json_str_is(key, "limit"))
			json_i64(j, &limit);
		else
			json_skip(j);
	}
	if (json_str_is(type, "REQUEST_WEIGHT") && json_str_is(interval, "MINUTE") && number == 1 && limit > 0)
		*ret_limit = limit;
}

void binance_weight_limit(struct text info, int64_t *ret_limit)
{
	struct json_str key;
	struct json j;

	json_init(&j, info.at, info.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (!json_str_is(key, "rateLimits")) {
			json_skip(&j);
			continue;
		}
		json_array(&j);
		while (json_item(&j))
			one_limit(&j, ret_limit);
	}
}
