/* polymarket_rest - CLOB's books and prices, Gamma's markets: one address serves both. */
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/venue_sim/polymarket.h"
#include "tools/venue_sim/sim.h"

#define MARKETS_MAX 16384
#define LIMIT_MAX 500
#define TOKEN_MAX 96
#define SPAN_MAX_S (15 * 86400)

static void fail(struct reply *reply, int status, const char *why)
{
	reply_status(reply, status);
	buf_printf(&reply->body, "{\"error\":\"%s\"}", why);
}

/* Cloudflare delays rather than rejects; where it does reject, it is this. */
void polymarket_refuse(struct reply *reply, int status, int64_t retry_after_s)
{
	fail(reply, status, "error code: 1015");
	reply_header(reply, "Retry-After", "%lld", (long long)retry_after_s);
}

/* ---- Gamma's objects ---- */

static struct json_str member(struct json_str object, const char *name)
{
	struct json_str key, value = {"", 0, false};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, name))
			json_raw(&j, &value);
		else
			json_skip(&j);
	return value;
}

/* The object itself, or what a recorder keeps under "raw". */
static void list_one(struct sim *sim, struct json_str object)
{
	struct json_str raw = member(object, "raw");
	struct json_str market = raw.len > 0 && raw.at[0] == '{' ? raw : object;
	struct json_str id = member(market, "conditionId");
	struct text *at = id.len > 0 ? strmap_put(&sim->listed, id.at, id.len) : NULL;

	if (at != NULL)
		*at = (struct text){market.at, market.len};
}

static int list_all(struct sim *sim, struct text list)
{
	struct json_str object;
	struct json j;

	json_init(&j, list.at, list.len);
	if (json_peek(&j) != JSON_ARRAY) {
		list_one(sim, (struct json_str){list.at, list.len, false});
		return 0;
	}
	json_array(&j);
	while (json_item(&j))
		if (json_raw(&j, &object))
			list_one(sim, object);
	return json_finish(&j);
}

/* A JSON list, or an object a line. */
int polymarket_index(struct sim *sim)
{
	const char *at = (const char *)sim->info.at, *end = at + sim->info.len;
	int rc = strmap_init(&sim->listed, MARKETS_MAX, sizeof(struct text));

	while (rc == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = newline != NULL && at[0] == '{' ? (size_t)(newline - at) : (size_t)(end - at);
		if (n > 0)
			rc = list_all(sim, (struct text){at, n});
		at += n + 1;
	}
	return rc;
}

static bool holds(struct text object, const char *part, size_t len)
{
	return memmem(object.at, object.len, part, len) != NULL;
}

static bool is_closed(struct text object)
{
	return json_str_is(member((struct json_str){object.at, object.len, false}, "closed"), "true");
}

/* Does the market pass the filters of the query? Named tokens and conditions pass if one of them is its own. */
static bool passes(const struct request *r, struct text object)
{
	static const char *const ids[] = {"clob_token_ids=", "condition_ids="};
	const char *at = r->query.at, *end = at + r->query.len;
	bool named = false, found = false;
	char closed[8];

	while (at < end) {
		const char *and = memchr(at, '&', (size_t)(end - at));
		size_t n = (size_t)((and != NULL ? and : end) - at);
		for (int i = 0; i < 2; i++) {
			size_t k = strlen(ids[i]);
			if (n <= k || memcmp(at, ids[i], k) != 0)
				continue;
			named = true;
			found = found || holds(object, at + k, n - k);
		}
		at += n + 1;
	}
	if (named && !found)
		return false;
	if (request_param(r, "closed", closed, sizeof(closed)) < 0)
		return named || !is_closed(object);
	return is_closed(object) == (strcmp(closed, "true") == 0);
}

/* A market whose object was not recorded, from the tokens that were seen of it. */
static bool derive(const struct sim *sim, const struct rec_symbol *first, uint32_t from, struct buf *out)
{
	const struct rec_symbol *second = NULL;

	for (uint32_t i = 0; i < sim->rec.symbols.count; i++) {
		const struct rec_symbol *s = strmap_value_at(&sim->rec.symbols, i);
		if (s == first || strcmp(s->group, first->group) != 0)
			continue;
		if (i < from)
			return false; /* told with its other token */
		second = s;
	}
	buf_printf(out,
		   "{\"id\":\"%u\",\"conditionId\":\"%s\",\"question\":\"%s\",\"active\":true,\"closed\":false,"
		   "\"acceptingOrders\":true,\"enableOrderBook\":true,\"negRisk\":false,\"orderMinSize\":5,"
		   "\"orderPriceMinTickSize\":0.01,\"outcomes\":\"[\\\"Yes\\\", \\\"No\\\"]\","
		   "\"outcomePrices\":\"[\\\"0.5\\\", \\\"0.5\\\"]\",\"clobTokenIds\":\"[\\\"%s\\\", \\\"%s\\\"]\"}",
		   from + 1, first->group, first->group, first->name, second != NULL ? second->name : "0");
	return true;
}

struct page {
	int64_t offset, limit, seen, told;
};

static void tell(struct page *p, struct text object, struct buf *out)
{
	if (p->seen++ < p->offset || p->told == p->limit)
		return;
	if (p->told++ > 0)
		buf_byte(out, ',');
	buf_append(out, object.at, object.len);
}

static void markets(struct sim *sim, const struct request *r, struct reply *reply)
{
	struct page p = {0};
	struct buf one;

	if (request_param_i64(r, "limit", 20, &p.limit) != 0 || request_param_i64(r, "offset", 0, &p.offset) != 0) {
		fail(reply, 422, "limit or offset");
		return;
	}
	p.limit = p.limit > LIMIT_MAX ? LIMIT_MAX : p.limit;
	buf_byte(&reply->body, '[');
	for (uint32_t i = 0; i < sim->listed.count; i++) {
		const struct text *object = strmap_value_at(&sim->listed, i);
		if (passes(r, *object))
			tell(&p, *object, &reply->body);
	}
	buf_init(&one, 65536);
	for (uint32_t i = 0; !sim->catalogued && i < sim->rec.symbols.count; i++) {
		const struct rec_symbol *s = strmap_value_at(&sim->rec.symbols, i);
		size_t n = strlen(s->group);
		char quoted[STREAM_NAME_MAX + 2];
		int len = snprintf(quoted, sizeof(quoted), "\"%s\"", s->group);
		buf_clear(&one);
		if (n == 0 || strmap_get(&sim->listed, quoted, (size_t)len) != NULL || !derive(sim, s, i, &one))
			continue;
		struct text object = {(const char *)one.at, one.len};
		if (passes(r, object))
			tell(&p, object, &reply->body);
	}
	buf_fini(&one);
	buf_byte(&reply->body, ']');
}

/* ---- CLOB ---- */

static const struct fold_symbol *token_of(struct sim *sim, const struct request *r, struct reply *reply)
{
	char token[TOKEN_MAX];
	int n = request_param(r, "token_id", token, sizeof(token));
	const struct fold_symbol *s = n > 0 ? fold_find(&sim->live, (struct text){token, (size_t)n}) : NULL;

	if (s != NULL && s->book.valid)
		return s;
	fail(reply, n > 0 ? 404 : 400, "No orderbook exists for the requested token id");
	return NULL;
}

static void book(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = token_of(sim, r, reply);

	if (s != NULL)
		polymarket_print_book(s, "", &reply->body);
}

static bool best(const struct fold_symbol *s, enum fold_side_name side, int64_t *ret_price)
{
	if (s->book.side[side].n == 0)
		return false;
	*ret_price = fold_book_at(&s->book, side, 0)->price;
	return true;
}

static void midpoint(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = token_of(sim, r, reply);
	char text[FIXED_TEXT_MAX];
	int64_t bid, ask;

	if (s == NULL)
		return;
	if (!best(s, FOLD_BID, &bid) || !best(s, FOLD_ASK, &ask)) {
		fail(reply, 404, "No orderbook exists for the requested token id");
		return;
	}
	fixed_format_trim(text, sizeof(text), (bid + ask) * 5, s->about->price_scale + 1);
	buf_printf(&reply->body, "{\"mid\":\"%s\"}", text);
}

/* What a BUY would rest at is the best bid. */
static void price(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = token_of(sim, r, reply);
	char side[8], text[FIXED_TEXT_MAX];
	int64_t value = 0;

	if (s == NULL)
		return;
	bool buy = request_param(r, "side", side, sizeof(side)) > 0 && (side[0] == 'B' || side[0] == 'b');
	if (!best(s, buy ? FOLD_BID : FOLD_ASK, &value))
		value = 0;
	fixed_format_trim(text, sizeof(text), value, s->about->price_scale);
	buf_printf(&reply->body, "{\"price\":\"%s\"}", text);
}

static void tick_size(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold_symbol *s = token_of(sim, r, reply);

	if (s != NULL)
		buf_printf(&reply->body, "{\"minimum_tick_size\":%s}", s->seal.tick[0] != '\0' ? s->seal.tick : "0.01");
}

static void neg_risk(struct sim *sim, const struct request *r, struct reply *reply)
{
	if (token_of(sim, r, reply) != NULL)
		buf_printf(&reply->body, "{\"neg_risk\":false}");
}

/* Prices at the ends of intervals, as the last trade had them. */
static void prices_history(struct sim *sim, const struct request *r, struct reply *reply)
{
	char token[TOKEN_MAX];
	int64_t from = 0, to = 0, minutes = 1;
	int n = request_param(r, "market", token, sizeof(token));

	if (n <= 0 || request_param_i64(r, "startTs", -1, &from) != 0 || request_param_i64(r, "endTs", -1, &to) != 0 ||
	    request_param_i64(r, "fidelity", 1, &minutes) != 0 || from < 0 || to < from || minutes < 1 ||
	    minutes > 1440 || to > INT64_MAX / 1000) {
		fail(reply, 400, "invalid filters: market, startTs, endTs and fidelity");
		return;
	}
	if (to - from > SPAN_MAX_S) {
		fail(reply, 400, "invalid filters: 'startTs' and 'endTs' interval is too long");
		return;
	}
	const struct fold_symbol *s = fold_find(&sim->live, (struct text){token, (size_t)n});
	struct candle_query q = {.span = minutes * 60000, .from = (from - minutes * 60) * 1000, .to = to * 1000};
	struct buf bars;
	char text[FIXED_TEXT_MAX];
	bool any = false;
	buf_init(&bars, CANDLES_KEPT * sizeof(struct candle_bar));
	buf_printf(&reply->body, "{\"history\":[");
	int rc = s != NULL ? candles_collect(&s->minute, &q, &bars) : 0;
	for (size_t i = 0; rc == 0 && i < bars.len / sizeof(struct candle_bar); i++) {
		const struct candle_bar *b = (const struct candle_bar *)(const void *)bars.at + i;
		int64_t at = b->open_ms / 1000 + minutes * 60;
		if (at < from || at > to || at > sim_now(sim) / NS_PER_S)
			continue;
		fixed_format_trim(text, sizeof(text), b->close, s->about->price_scale);
		buf_printf(&reply->body, "%s{\"t\":%lld,\"p\":%s}", any ? "," : "", (long long)at, text);
		any = true;
	}
	buf_fini(&bars);
	buf_printf(&reply->body, "]}");
}

static const struct {
	const char *path;
	void (*fn)(struct sim *, const struct request *, struct reply *);
} endpoints[] = {
	{"/markets", markets}, {"/book", book},           {"/midpoint", midpoint},
	{"/price", price},     {"/tick-size", tick_size}, {"/neg-risk", neg_risk}, {"/prices-history", prices_history},
};

void polymarket_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (!text_is(r->path, endpoints[i].path))
			continue;
		endpoints[i].fn(sim, r, reply);
		return;
	}
	fail(reply, 404, "not found");
}
