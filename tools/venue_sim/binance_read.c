/* binance_read - what Binance frames and replies say about themselves: kind, symbol, ids, numbers.
 */
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"

/* "btcusdt@depth@100ms": what stands behind the first '@'. */
static struct text channel_of(struct text stream)
{
	const char *at = stream.len > 0 ? memchr(stream.at, '@', stream.len) : NULL;

	if (at == NULL)
		return (struct text){"", 0};
	return (struct text){at + 1, (size_t)(stream.at + stream.len - at - 1)};
}

static enum frame_kind kind_of(struct text channel)
{
	if (text_is(channel, "depth") || text_starts(channel, "depth@"))
		return FRAME_DEPTH;
	if (text_is(channel, "bookTicker"))
		return FRAME_TOP;
	if (text_is(channel, "trade"))
		return FRAME_TRADE;
	if (text_is(channel, "aggTrade"))
		return FRAME_AGG_TRADE;
	return text_starts(channel, "kline_") ? FRAME_KLINE : FRAME_OTHER;
}

static bool split_any(struct text raw, struct text *ret_stream, struct text *ret_data)
{
	struct json_str key, stream = {0}, data = {0};
	struct json j;

	json_init(&j, raw.at, raw.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "stream") && json_peek(&j) == JSON_STRING)
			json_string(&j, &stream);
		else if (json_str_is(key, "data"))
			json_raw(&j, &data);
		else
			json_skip(&j);
	}
	if (json_finish(&j) != 0 || stream.at == NULL || data.at == NULL || stream.escaped)
		return false;
	*ret_stream = (struct text){stream.at, stream.len};
	*ret_data = (struct text){data.at, data.len};
	return true;
}

bool binance_line(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	(void)name;
	return feed_split(line->raw, &line->stream, &line->data) || split_any(line->raw, &line->stream, &line->data);
}

struct id_keys {
	const char *first, *last;
};

static struct id_keys ids_of(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_DEPTH: return (struct id_keys){"U", "u"};
	case FRAME_TOP: return (struct id_keys){"u", "u"};
	case FRAME_TRADE: return (struct id_keys){"t", "t"};
	case FRAME_AGG_TRADE: return (struct id_keys){"a", "a"};
	default: return (struct id_keys){"", ""};
	}
}

static bool has_all(const struct frame_facts *f)
{
	bool ids = ids_of(f->kind).last[0] != '\0';

	return f->symbol.len > 0 && (!ids || (f->first_id != 0 && f->last_id != 0));
}

bool binance_frame(const struct feed_line *line, struct frame_facts *ret_facts)
{
	struct frame_facts f = {.kind = kind_of(channel_of(line->stream))};
	struct id_keys ids = ids_of(f.kind);
	struct json_str key, text;
	struct json j;

	json_init(&j, line->data.at, line->data.len);
	json_object(&j);
	while (!has_all(&f) && json_key(&j, &key)) {
		uint64_t id = 0;
		bool first = json_str_is(key, ids.first), last = json_str_is(key, ids.last);
		if (json_str_is(key, "s") && json_string(&j, &text)) {
			f.symbol = (struct text){text.at, text.len};
		} else if (first || last) {
			json_u64(&j, &id);
			f.first_id = first ? id : f.first_id;
			f.last_id = last ? id : f.last_id;
		} else {
			json_skip(&j);
		}
	}
	if (!has_all(&f))
		return false;
	*ret_facts = f;
	return true;
}

static bool url_has(struct text url, const char *part)
{
	return url.len > 0 && memmem(url.at, url.len, part, strlen(part)) != NULL;
}

/* The outermost members tell what it is where the recording has no url. */
bool binance_reply(const struct feed_line *line, struct reply_facts *ret_facts)
{
	struct reply_facts f = {.kind = REPLY_OTHER};
	bool symbols = false;
	struct json_str key;
	struct json j;

	json_init(&j, line->raw.at, line->raw.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "lastUpdateId") && json_u64(&j, &f.last_id))
			f.kind = REPLY_DEPTH;
		else if (json_str_is(key, "symbols"))
			symbols = json_skip(&j);
		else
			json_skip(&j);
	}
	if (json_finish(&j) != 0)
		return false;
	if (symbols && (line->url.len == 0 || url_has(line->url, "exchangeInfo")))
		f.kind = REPLY_INFO;
	f.symbol = dialect_url_param(line->url, "symbol");
	struct text limit = dialect_url_param(line->url, "limit");
	if (limit.len > 0 && fixed_parse(limit.at, limit.len, 0, &f.limit) != 0)
		f.limit = 0;
	*ret_facts = f;
	return true;
}

struct number_sink {
	dialect_number_fn fn;
	void *ctx;
};

static int hand_on(void *ctx, struct text price, struct text qty)
{
	const struct number_sink *sink = ctx;

	sink->fn(sink->ctx, price, qty);
	return 0;
}

static void pair_of(struct json *j, const char *price_key, const char *qty_key,
		    struct number_sink *sink)
{
	struct json_str key, price = {.at = "", .len = 0}, qty = {.at = "", .len = 0};

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, price_key))
			json_string(j, &price);
		else if (json_str_is(key, qty_key))
			json_string(j, &qty);
		else
			json_skip(j);
	}
	if (json_finish(j) == 0)
		sink->fn(sink->ctx, (struct text){price.at, price.len},
			 (struct text){qty.at, qty.len});
}

static void all_levels(struct json *j, struct number_sink *sink)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		bool side = json_str_is(key, "b") || json_str_is(key, "a") ||
			    json_str_is(key, "bids") || json_str_is(key, "asks");
		if (!side || json_peek(j) != JSON_ARRAY || !binance_levels(j, hand_on, sink))
			json_skip(j);
	}
}

void binance_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx)
{
	struct text body = line->stream.len > 0 ? line->data : line->raw;
	enum frame_kind kind = kind_of(channel_of(line->stream));
	struct number_sink sink = {fn, ctx};
	struct json j;

	json_init(&j, body.at, body.len);
	if (line->stream.len == 0 || kind == FRAME_DEPTH)
		all_levels(&j, &sink);
	else if (kind == FRAME_TRADE || kind == FRAME_AGG_TRADE)
		pair_of(&j, "p", "q", &sink);
	else if (kind == FRAME_TOP)
		pair_of(&j, "b", "B", &sink);
}
