/* kalshi_read - what Kalshi's frames say about themselves, and books folded from them. */
#include "tools/venue_sim/kalshi.h"

#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/bybit.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/sim.h"

const char *const kalshi_channel_names[KALSHI_CHANNELS] = {"orderbook_delta", "trade", "ticker"};

static struct text slice(struct json_str s)
{
	return (struct text){s.at, s.len};
}

static enum kalshi_channel channel_of(struct json_str type)
{
	if (json_str_is(type, "orderbook_snapshot") || json_str_is(type, "orderbook_delta"))
		return KALSHI_BOOK;
	if (json_str_is(type, "trade"))
		return KALSHI_TRADE;
	return json_str_is(type, "ticker") ? KALSHI_TICKER : KALSHI_CHANNELS;
}

static struct json_str member(struct json_str object, const char *name)
{
	struct json_str key, value = {"", 0, false};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		enum json_kind kind = json_peek(&j);
		if (json_str_is(key, name) && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(&j, &value);
		else
			json_skip(&j);
	}
	return value;
}

bool kalshi_parse(struct text raw, struct kalshi_frame *ret_frame)
{
	struct kalshi_frame f = {{"", 0, false}, {NULL, 0, false}, {"", 0, false}, {"", 0, false}, KALSHI_CHANNELS};
	struct json_str key;
	struct json j;

	json_init(&j, raw.at, raw.len);
	if (json_peek(&j) != JSON_OBJECT)
		return false;
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "type") && json_peek(&j) == JSON_STRING)
			json_string(&j, &f.type);
		else if (json_str_is(key, "seq") && json_peek(&j) == JSON_NUMBER)
			json_number(&j, &f.seq);
		else if (json_str_is(key, "msg") && json_peek(&j) == JSON_OBJECT)
			json_raw(&j, &f.msg);
		else
			json_skip(&j);
	f.channel = channel_of(f.type);
	if (json_finish(&j) != 0 || f.msg.at == NULL || f.channel == KALSHI_CHANNELS)
		return false;
	f.ticker = member(f.msg, "market_ticker");
	*ret_frame = f;
	return f.ticker.len > 0 && !f.ticker.escaped;
}

bool kalshi_line(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	struct kalshi_frame f;

	if (!kalshi_parse(line->raw, &f))
		return false;
	int n = snprintf(name, STREAM_NAME_MAX, "%s/%.*s", kalshi_channel_names[f.channel], (int)f.ticker.len,
			 f.ticker.at);
	if (n >= STREAM_NAME_MAX)
		return false;
	line->stream = (struct text){name, (size_t)n};
	line->data = line->raw;
	return true;
}

bool kalshi_frame_facts(const struct feed_line *line, struct frame_facts *ret_facts)
{
	const char *slash = memchr(line->stream.at, '/', line->stream.len);
	struct frame_facts f = {.kind = FRAME_OTHER};
	struct text at;

	if (slash == NULL)
		return false;
	f.symbol = (struct text){slash + 1, (size_t)(line->stream.at + line->stream.len - slash - 1)};
	if (text_starts(line->stream, kalshi_channel_names[KALSHI_BOOK]))
		f.kind = FRAME_DEPTH;
	else if (text_starts(line->stream, kalshi_channel_names[KALSHI_TRADE]))
		f.kind = FRAME_TRADE;
	f.first_id = f.last_id = bybit_number(line->raw, "\"seq\":", &at); /* of the recorder's subscription */
	*ret_facts = f;
	return true;
}

bool kalshi_reply(const struct feed_line *line, struct reply_facts *ret_facts)
{
	static const char ranges[] = "\"price_ranges\"";

	if (memmem(line->raw.at, line->raw.len, ranges, sizeof(ranges) - 1) == NULL)
		return false;
	*ret_facts = (struct reply_facts){.kind = REPLY_INFO, .symbol = {"", 0}};
	return true;
}

/* ---- levels ---- */

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

static int each_level(struct json_str msg, binance_level_fn fn, void *yes, void *no)
{
	struct json_str key;
	struct json j;

	json_init(&j, msg.at, msg.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		bool is_yes = json_str_is(key, "yes_dollars_fp"), is_no = json_str_is(key, "no_dollars_fp");
		if ((!is_yes && !is_no) || json_peek(&j) != JSON_ARRAY)
			json_skip(&j);
		else if (!binance_levels(&j, fn, is_yes ? yes : no))
			return ERR_SYNTAX;
	}
	return json_finish(&j);
}

static struct text unsigned_of(struct json_str s)
{
	return s.len > 0 && s.at[0] == '-' ? (struct text){s.at + 1, s.len - 1} : slice(s);
}

void kalshi_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx)
{
	struct sink sink = {fn, ctx};
	struct kalshi_frame f;

	if (!kalshi_parse(line->raw, &f))
		return;
	if (json_str_is(f.type, "orderbook_snapshot"))
		each_level(f.msg, hand_on, &sink, &sink);
	else if (f.channel == KALSHI_BOOK)
		fn(ctx, slice(member(f.msg, "price_dollars")), unsigned_of(member(f.msg, "delta_fp")));
	else if (f.channel == KALSHI_TRADE)
		fn(ctx, slice(member(f.msg, "yes_price_dollars")), slice(member(f.msg, "count_fp")));
}

/* ---- folding ---- */

int64_t kalshi_dollar(const struct rec_symbol *about)
{
	int64_t one = 1;

	for (int i = 0; i < about->price_scale; i++)
		one *= 10;
	return one;
}

struct into {
	struct fold_symbol *symbol;
	bool no;
	int err;
};

static int put_level(void *ctx, struct text price_text, struct text qty_text)
{
	struct into *to = ctx;
	const struct rec_symbol *about = to->symbol->about;
	int64_t price = 0, qty = 0;

	to->err = fixed_parse(price_text.at, price_text.len, about->price_scale, &price);
	if (to->err == 0)
		to->err = fixed_parse(qty_text.at, qty_text.len, about->qty_scale, &qty);
	if (to->err == 0)
		to->err = fold_book_put(&to->symbol->book, to->no ? FOLD_ASK : FOLD_BID,
					to->no ? kalshi_dollar(about) - price : price, qty);
	return to->err;
}

static int fold_snapshot(struct fold_symbol *s, const struct kalshi_frame *f)
{
	struct into yes = {s, false, 0}, no = {s, true, 0};

	fold_book_clear(&s->book);
	int rc = each_level(f->msg, put_level, &yes, &no);
	s->book.valid = rc == 0;
	return rc;
}

static int fold_delta(struct fold_symbol *s, const struct kalshi_frame *f)
{
	struct json_str price_text = member(f->msg, "price_dollars"), delta_text = member(f->msg, "delta_fp");
	struct text size = unsigned_of(delta_text);
	bool no = json_str_is(member(f->msg, "side"), "no");
	enum fold_side_name side = no ? FOLD_ASK : FOLD_BID;
	int64_t price = 0, delta = 0;

	if (!s->book.valid)
		return 0;
	int rc = fixed_parse(price_text.at, price_text.len, s->about->price_scale, &price);
	if (rc == 0)
		rc = fixed_parse(size.at, size.len, s->about->qty_scale, &delta);
	if (rc != 0)
		return rc;
	if (no)
		price = kalshi_dollar(s->about) - price;
	int64_t qty = fold_book_qty(&s->book, side, price) + (size.len < delta_text.len ? -delta : delta);
	return qty < 0 ? ERR_RANGE : fold_book_put(&s->book, side, price, qty);
}

static int fold_trade(struct fold_symbol *s, const struct kalshi_frame *f)
{
	struct json_str price = member(f->msg, "yes_price_dollars"), qty = member(f->msg, "count_fp"),
			at = member(f->msg, "ts_ms");
	struct fold_trade t = {.id = s->traded + 1, .taker_sold = json_str_is(member(f->msg, "taker_side"), "no")};
	int rc = fixed_parse(price.at, price.len, s->about->price_scale, &t.price);

	if (rc == 0)
		rc = fixed_parse(qty.at, qty.len, s->about->qty_scale, &t.qty);
	if (rc == 0)
		rc = fixed_parse(at.at, at.len, 0, &t.time_ms);
	if (rc == 0)
		fold_trade_add(s, &t);
	return rc;
}

int kalshi_fold(struct fold *f, const struct feed_line *line)
{
	struct kalshi_frame frame;

	if (line->kind != FEED_FRAME)
		return 0;
	if (!kalshi_parse(line->raw, &frame))
		return ERR_SYNTAX;
	if (frame.channel == KALSHI_TICKER)
		return 0;
	struct fold_symbol *s = fold_symbol(f, slice(frame.ticker));
	if (s == NULL)
		return ERR_NOMEM;
	if (frame.channel == KALSHI_TRADE)
		return fold_trade(s, &frame);
	return json_str_is(frame.type, "orderbook_snapshot") ? fold_snapshot(s, &frame) : fold_delta(s, &frame);
}

bool kalshi_print_side(struct buf *out, const struct fold_symbol *s, bool no, const char *key, const char *lead)
{
	const struct fold_side *side = &s->book.side[no ? FOLD_ASK : FOLD_BID];

	if (side->n == 0)
		return false;
	buf_printf(out, "%s\"%s\":[", lead, key);
	for (uint32_t i = 0; i < side->n; i++) {
		const struct quote *q = &side->at[no ? side->n - 1 - i : i];
		buf_printf(out, "%s[\"", i > 0 ? "," : "");
		binance_tell_number(out, no ? kalshi_dollar(s->about) - q->price : q->price, s->about->price_scale,
				    KALSHI_PRICE_DIGITS);
		buf_printf(out, "\",\"");
		binance_tell_number(out, q->qty, s->about->qty_scale, KALSHI_QTY_DIGITS);
		buf_printf(out, "\"]");
	}
	buf_byte(out, ']');
	return true;
}

/* ---- market objects ---- */

static void list_market(struct sim *sim, struct json_str object)
{
	struct json_str ticker = member(object, "ticker");
	struct text *at = ticker.len > 0 ? strmap_put(&sim->listed, ticker.at, ticker.len) : NULL;

	if (at != NULL)
		*at = slice(object);
}

/* {"markets":[…]} or {"market":{…}}, at the top or within what a recorder has put around it. */
static int list_within(struct sim *sim, struct json_str object, int depth)
{
	struct json_str key, value;
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		enum json_kind kind = json_peek(&j);
		if (json_str_is(key, "markets") && kind == JSON_ARRAY) {
			json_array(&j);
			while (json_item(&j))
				if (json_raw(&j, &value))
					list_market(sim, value);
		} else if (!json_raw(&j, &value)) {
			break;
		} else if (json_str_is(key, "market") && kind == JSON_OBJECT) {
			list_market(sim, value);
		} else if (kind == JSON_OBJECT && depth > 0) {
			list_within(sim, value, depth - 1);
		}
	}
	return json_finish(&j);
}

int kalshi_index(struct sim *sim)
{
	int rc = strmap_init(&sim->listed, 16384, sizeof(struct text));

	if (rc != 0 || sim->info.len == 0)
		return rc;
	return list_within(sim, (struct json_str){(const char *)sim->info.at, sim->info.len, false}, 2);
}
