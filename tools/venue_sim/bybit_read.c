/* bybit_read - what Bybit's frames and replies say about themselves, and books folded from them.
 *
 * A book: snapshot replaces; a delta whose u is not the last + 1 ends it until the next snapshot.
 */
#include "tools/venue_sim/bybit.h"

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/sim.h"

struct outer {
	struct json_str topic, type, data;
};

static bool read_outer(struct text raw, struct outer *ret)
{
	struct outer o = {{NULL, 0, false}, {"", 0, false}, {NULL, 0, false}};
	struct json_str key;
	struct json j;

	json_init(&j, raw.at, raw.len);
	if (json_peek(&j) != JSON_OBJECT)
		return false;
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "topic") && json_peek(&j) == JSON_STRING)
			json_string(&j, &o.topic);
		else if (json_str_is(key, "type") && json_peek(&j) == JSON_STRING)
			json_string(&j, &o.type);
		else if (json_str_is(key, "data"))
			json_raw(&j, &o.data);
		else
			json_skip(&j);
	*ret = o;
	return json_finish(&j) == 0 && o.topic.at != NULL && o.data.at != NULL && !o.topic.escaped;
}

/* The stream is the topic; what Bybit sends has no wrapper. */
static bool line_of(struct feed_line *line, const char *category)
{
	struct outer o;

	if (line->addr.len > 0 && memmem(line->addr.at, line->addr.len, category, strlen(category)) == NULL)
		return false;
	if (!read_outer(line->raw, &o))
		return false;
	line->stream = (struct text){o.topic.at, o.topic.len};
	line->data = line->raw;
	return true;
}

bool bybit_line_spot(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	(void)name;
	return line_of(line, "/spot");
}

bool bybit_line_linear(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	(void)name;
	return line_of(line, "/linear");
}

struct text bybit_symbol(struct text topic)
{
	size_t i = topic.len;

	while (i > 0 && topic.at[i - 1] != '.')
		i--;
	return (struct text){topic.at + i, topic.len - i};
}

uint64_t bybit_number(struct text data, const char *name, struct text *ret_at)
{
	const char *end = data.at + data.len, *at = memmem(data.at, data.len, name, strlen(name));
	uint64_t value = 0;

	*ret_at = (struct text){end, 0};
	if (at == NULL)
		return 0;
	for (at += strlen(name); at < end && *at == ' '; at++)
		;
	ret_at->at = at;
	for (; at < end && *at >= '0' && *at <= '9' && ret_at->len < 18; at++, ret_at->len++)
		value = value * 10 + (uint64_t)(*at - '0');
	return value;
}

static enum frame_kind kind_of(struct text topic)
{
	if (text_starts(topic, "orderbook."))
		return text_starts(topic, "orderbook.1.") ? FRAME_TOP : FRAME_DEPTH;
	if (text_starts(topic, "publicTrade."))
		return FRAME_TRADE;
	return text_starts(topic, "kline.") ? FRAME_KLINE : FRAME_OTHER;
}

bool bybit_frame(const struct feed_line *line, struct frame_facts *ret_facts)
{
	struct frame_facts f = {.kind = kind_of(line->stream), .symbol = bybit_symbol(line->stream)};
	struct text at;

	if (f.kind == FRAME_DEPTH || f.kind == FRAME_TOP)
		f.first_id = f.last_id = bybit_number(line->raw, "\"u\":", &at);
	if (f.symbol.len == 0)
		return false;
	*ret_facts = f;
	return true;
}

/* instruments-info of the category only: the snapshots come on the stream. */
static bool reply_of(const struct feed_line *line, const char *category, struct reply_facts *ret)
{
	static const char path[] = "instruments-info";
	bool known = line->url.len > 0;

	if (known && (memmem(line->url.at, line->url.len, path, sizeof(path) - 1) == NULL ||
		      !text_is(dialect_url_param(line->url, "category"), category)))
		return false;
	if (memmem(line->raw.at, line->raw.len, "\"retCode\"", 9) == NULL ||
	    memmem(line->raw.at, line->raw.len, "\"lotSizeFilter\"", 15) == NULL)
		return false;
	*ret = (struct reply_facts){.kind = REPLY_INFO, .symbol = {"", 0}};
	return true;
}

bool bybit_reply_spot(const struct feed_line *line, struct reply_facts *ret_facts)
{
	return reply_of(line, "spot", ret_facts);
}

bool bybit_reply_linear(const struct feed_line *line, struct reply_facts *ret_facts)
{
	return reply_of(line, "linear", ret_facts);
}

/* ---- levels and trades ---- */

static void each_level(struct json *j, const char *bids, const char *asks, binance_level_fn fn, void *ctx[2])
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		bool bid = json_str_is(key, bids), ask = json_str_is(key, asks);
		if ((!bid && !ask) || json_peek(j) != JSON_ARRAY)
			json_skip(j);
		else if (!binance_levels(j, fn, ctx[ask]))
			return;
	}
}

struct trade {
	struct json_str price, qty, side, time;
};

static void read_trade(struct json *j, struct trade *t)
{
	struct json_str key;

	*t = (struct trade){{"", 0, false}, {"", 0, false}, {"", 0, false}, {"", 0, false}};
	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "p"))
			json_scalar_text(j, &t->price);
		else if (json_str_is(key, "v"))
			json_scalar_text(j, &t->qty);
		else if (json_str_is(key, "S"))
			json_scalar_text(j, &t->side);
		else if (json_str_is(key, "T"))
			json_scalar_text(j, &t->time);
		else
			json_skip(j);
}

struct sink {
	dialect_number_fn fn;
	void *ctx;
};

static int hand_on(void *ctx, struct text price, struct text qty)
{
	const struct sink *sink = ctx;

	sink->fn(sink->ctx, price, qty);
	return 0;
}

static struct text slice(struct json_str s)
{
	return (struct text){s.at, s.len};
}

void bybit_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx)
{
	struct sink sink = {fn, ctx};
	void *both[2] = {&sink, &sink};
	struct outer o;
	struct json j;

	if (!read_outer(line->raw, &o))
		return;
	json_init(&j, o.data.at, o.data.len);
	switch (kind_of(line->stream)) {
	case FRAME_DEPTH:
	case FRAME_TOP: each_level(&j, "b", "a", hand_on, both); return;
	case FRAME_TRADE: break;
	default: return;
	}
	json_array(&j);
	while (json_item(&j)) {
		struct trade t;
		read_trade(&j, &t);
		if (j.err == 0)
			fn(ctx, slice(t.price), slice(t.qty));
	}
}

struct into {
	struct fold_symbol *symbol;
	enum fold_side_name side;
	int err;
};

static int put_level(void *ctx, struct text price_text, struct text qty_text)
{
	struct into *to = ctx;
	int64_t price = 0, qty = 0;

	to->err = fixed_parse(price_text.at, price_text.len, to->symbol->about->price_scale, &price);
	if (to->err == 0)
		to->err = fixed_parse(qty_text.at, qty_text.len, to->symbol->about->qty_scale, &qty);
	if (to->err == 0)
		to->err = fold_book_put(&to->symbol->book, to->side, price, qty);
	return to->err;
}

static int fold_levels(struct fold_symbol *s, struct json_str data)
{
	struct into bids = {s, FOLD_BID, 0}, asks = {s, FOLD_ASK, 0};
	void *both[2] = {&bids, &asks};
	struct json j;

	json_init(&j, data.at, data.len);
	each_level(&j, "b", "a", put_level, both);
	return bids.err != 0 ? bids.err : asks.err != 0 ? asks.err : json_finish(&j);
}

static int fold_book_frame(struct fold_symbol *s, const struct outer *o)
{
	bool snapshot = json_str_is(o->type, "snapshot");
	struct text at;
	uint64_t u = bybit_number(slice(o->data), "\"u\":", &at);

	if (snapshot)
		fold_book_clear(&s->book);
	else if (!s->book.valid)
		return 0;
	else if (u != s->book.last_id + 1) {
		s->book.valid = false;
		return ERR_GAP;
	}
	int rc = fold_levels(s, o->data);
	s->book.valid = rc == 0;
	s->book.last_id = u;
	s->seq = bybit_number(slice(o->data), "\"seq\":", &at);
	return rc;
}

static int fold_trades(struct fold_symbol *s, struct json_str data)
{
	struct json j;
	int rc = 0;

	json_init(&j, data.at, data.len);
	json_array(&j);
	while (json_item(&j)) {
		struct fold_trade t = {.id = s->traded + 1};
		struct trade text;
		read_trade(&j, &text);
		if (j.err != 0)
			break;
		t.taker_sold = json_str_is(text.side, "Sell");
		rc = fixed_parse(text.price.at, text.price.len, s->about->price_scale, &t.price);
		if (rc == 0)
			rc = fixed_parse(text.qty.at, text.qty.len, s->about->qty_scale, &t.qty);
		if (rc == 0)
			rc = fixed_parse(text.time.at, text.time.len, 0, &t.time_ms);
		if (rc == 0)
			fold_trade_add(s, &t);
	}
	return rc != 0 ? rc : json_finish(&j);
}

int bybit_fold(struct fold *f, const struct feed_line *line)
{
	enum frame_kind kind = kind_of(line->stream);
	struct outer o;

	if (line->kind != FEED_FRAME || (kind != FRAME_DEPTH && kind != FRAME_TRADE))
		return 0;
	if (!read_outer(line->raw, &o))
		return ERR_SYNTAX;
	struct fold_symbol *s = fold_symbol(f, bybit_symbol(line->stream));
	if (s == NULL)
		return ERR_NOMEM;
	return kind == FRAME_DEPTH ? fold_book_frame(s, &o) : fold_trades(s, o.data);
}

/* ---- instruments ---- */

static void list_one(struct sim *sim, struct json_str object)
{
	struct json_str key, name = {NULL, 0, false};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (name.at == NULL && json_key(&j, &key))
		if (json_str_is(key, "symbol"))
			json_scalar_text(&j, &name);
		else
			json_skip(&j);
	struct text *at = name.at != NULL ? strmap_put(&sim->listed, name.at, name.len) : NULL;
	if (at != NULL)
		*at = slice(object);
}

static void list_result(struct sim *sim, struct json *j)
{
	struct json_str key, object;

	json_object(j);
	while (json_key(j, &key)) {
		if (!json_str_is(key, "list") || json_peek(j) != JSON_ARRAY) {
			json_skip(j);
			continue;
		}
		json_array(j);
		while (json_item(j))
			if (json_raw(j, &object))
				list_one(sim, object);
	}
}

int bybit_index(struct sim *sim)
{
	struct json_str key;
	struct json j;
	int rc = strmap_init(&sim->listed, 16384, sizeof(struct text));

	if (rc != 0 || sim->info.len == 0)
		return rc;
	json_init(&j, (const char *)sim->info.at, sim->info.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "result") && json_peek(&j) == JSON_OBJECT)
			list_result(sim, &j);
		else
			json_skip(&j);
	return json_finish(&j);
}
