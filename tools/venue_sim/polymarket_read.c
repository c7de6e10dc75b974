/* polymarket_read - what Polymarket's frames say, and books folded from them with all that their hash covers. */
#include "tools/venue_sim/polymarket.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/recording.h"

#define HASH_TEXT_MAX ((size_t)4 << 20)
#define TRADE_DIGITS 3 /* of last_trade_price, as the venue writes it into a book */

static struct text slice(struct json_str s)
{
	return (struct text){s.at, s.len};
}

/* Members of one object of a frame; what is absent is empty. */
struct object {
	struct json_str type, market, asset, timestamp, hash, tick, last_trade, price, size, side, changes, bids, asks;
};

static const struct {
	const char *name;
	size_t offset;
	bool raw; /* a list */
} members[] = {
	{"event_type", offsetof(struct object, type), false},
	{"market", offsetof(struct object, market), false},
	{"asset_id", offsetof(struct object, asset), false},
	{"timestamp", offsetof(struct object, timestamp), false},
	{"hash", offsetof(struct object, hash), false},
	{"tick_size", offsetof(struct object, tick), false},
	{"new_tick_size", offsetof(struct object, tick), false},
	{"last_trade_price", offsetof(struct object, last_trade), false},
	{"price", offsetof(struct object, price), false},
	{"size", offsetof(struct object, size), false},
	{"side", offsetof(struct object, side), false},
	{"price_changes", offsetof(struct object, changes), true},
	{"bids", offsetof(struct object, bids), true},
	{"asks", offsetof(struct object, asks), true},
};

static void read_object(struct json *j, struct object *o)
{
	struct json_str key, *slot;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*(struct json_str *)(void *)((char *)o + members[i].offset) = (struct json_str){"", 0, false};
	json_object(j);
	while (json_key(j, &key)) {
		size_t i = 0, n = sizeof(members) / sizeof(members[0]);
		enum json_kind kind = json_peek(j);
		while (i < n && !json_str_is(key, members[i].name))
			i++;
		slot = i < n ? (struct json_str *)(void *)((char *)o + members[i].offset) : NULL;
		if (slot != NULL && members[i].raw && kind == JSON_ARRAY)
			json_raw(j, slot);
		else if (slot != NULL && !members[i].raw && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(j, slot);
		else
			json_skip(j);
	}
}

/* Each object of a frame or list; fn's errors end it. */
typedef int (*object_fn)(void *ctx, const struct object *o);

static int each_object(struct text list, object_fn fn, void *ctx)
{
	struct object o;
	struct json j;
	int rc = 0;

	if (list.len == 0)
		return 0;
	json_init(&j, list.at, list.len);
	if (json_peek(&j) == JSON_OBJECT) {
		read_object(&j, &o);
		rc = j.err == 0 ? fn(ctx, &o) : j.err;
		return rc != 0 ? rc : json_finish(&j);
	}
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		if (json_peek(&j) != JSON_OBJECT)
			return ERR_TYPE;
		read_object(&j, &o);
		rc = j.err == 0 ? fn(ctx, &o) : j.err;
	}
	return rc != 0 ? rc : json_finish(&j);
}

/* ---- whose a frame is ---- */

static int keep_first(void *ctx, const struct object *o)
{
	struct object *first = ctx;

	if (first->market.at == NULL)
		*first = *o;
	return 0;
}

/* A list, and changes of both tokens, are of the market; everything else of its token; nothing, of everybody. */
bool polymarket_line(struct feed_line *line, char name[STREAM_NAME_MAX])
{
	struct object first = {.market = {NULL, 0, false}};

	(void)name;
	line->data = line->raw;
	line->stream = TEXT(STREAM_EVERY);
	if (line->raw.len == 0)
		return true;
	if (each_object(line->raw, keep_first, &first) != 0 || first.market.at == NULL || first.market.len == 0)
		return false;
	bool both = line->raw.at[0] == '[' || first.changes.len > 0 || first.asset.len == 0;
	line->stream = slice(both ? first.market : first.asset);
	return line->stream.len < STREAM_NAME_MAX;
}

bool polymarket_facts(const struct feed_line *line, struct frame_facts *ret_facts)
{
	*ret_facts = (struct frame_facts){.kind = FRAME_OTHER, .symbol = {"", 0}};
	return line->raw.len > 0;
}

bool polymarket_reply(const struct feed_line *line, struct reply_facts *ret_facts)
{
	static const char tokens[] = "\"clobTokenIds\"";

	if (memmem(line->raw.at, line->raw.len, tokens, sizeof(tokens) - 1) == NULL)
		return false;
	*ret_facts = (struct reply_facts){.kind = REPLY_INFO, .symbol = {"", 0}};
	return true;
}

void polymarket_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx)
{
	(void)line; /* one frame is of several tokens: polymarket_scan */
	(void)fn;
	(void)ctx;
}

/* ---- scanning ---- */

struct scan {
	struct recording *rec;
	struct rec_symbol *symbol;
	struct json_str market;
};

static int scan_level(void *ctx, const struct object *o)
{
	struct scan *s = ctx;

	recording_widen(s->symbol, slice(o->price), slice(o->size));
	return 0;
}

static int scan_one(struct scan *s, const struct object *o)
{
	s->symbol = o->asset.len > 0 ? recording_add(s->rec, slice(o->asset)) : NULL;
	if (s->symbol == NULL)
		return 0;
	if (s->market.len > 0)
		snprintf(s->symbol->group, sizeof(s->symbol->group), "%.*s", (int)s->market.len, s->market.at);
	each_object(slice(o->bids), scan_level, s);
	each_object(slice(o->asks), scan_level, s);
	if (o->price.len > 0)
		recording_widen(s->symbol, slice(o->price), slice(o->size));
	return 0;
}

static int scan_change(void *ctx, const struct object *o)
{
	return scan_one(ctx, o);
}

static int scan_object(void *ctx, const struct object *o)
{
	struct scan *s = ctx;

	s->market = o->market;
	each_object(slice(o->changes), scan_change, s);
	return scan_one(s, o);
}

void polymarket_scan(struct recording *r, const struct feed_line *line)
{
	struct scan s = {.rec = r};

	each_object(line->raw, scan_object, &s);
}

/* ---- folding ---- */

struct put {
	struct fold_symbol *symbol;
	enum fold_side_name side;
};

static int put_level(void *ctx, const struct object *o)
{
	struct put *to = ctx;
	const struct rec_symbol *about = to->symbol->about;
	int64_t price = 0, size = 0;
	int rc = fixed_parse(o->price.at, o->price.len, about->price_scale, &price);

	if (rc == 0)
		rc = fixed_parse(o->size.at, o->size.len, about->qty_scale, &size);
	return rc != 0 ? rc : fold_book_put(&to->symbol->book, to->side, price, size);
}

static void keep(char *out, size_t cap, struct json_str text)
{
	if (text.len > 0 && text.len < cap)
		snprintf(out, cap, "%.*s", (int)text.len, text.at);
}

/* "0.62" as "0.620". */
static void keep_trade(struct fold_seal *seal, struct json_str price)
{
	int64_t value;

	if (fixed_parse(price.at, price.len, TRADE_DIGITS, &value) == 0)
		snprintf(seal->last_trade, sizeof(seal->last_trade), "%d.%03d", (int)(value / 1000),
				(int)(value % 1000));
}

static int fold_book(struct fold_symbol *s, const struct object *o)
{
	struct put bids = {s, FOLD_BID}, asks = {s, FOLD_ASK};
	int rc;

	fold_book_clear(&s->book);
	rc = each_object(slice(o->bids), put_level, &bids);
	if (rc == 0)
		rc = each_object(slice(o->asks), put_level, &asks);
	s->book.valid = rc == 0;
	keep(s->seal.timestamp, sizeof(s->seal.timestamp), o->timestamp);
	keep(s->seal.tick, sizeof(s->seal.tick), o->tick);
	keep(s->seal.last_trade, sizeof(s->seal.last_trade), o->last_trade);
	return rc;
}

struct folding {
	struct fold *fold;
	struct json_str timestamp;
};

static int fold_change(void *ctx, const struct object *o)
{
	struct folding *f = ctx;
	struct fold_symbol *s = fold_symbol(f->fold, slice(o->asset));

	if (s == NULL)
		return ERR_NOMEM;
	if (!s->book.valid)
		return 0;
	keep(s->seal.timestamp, sizeof(s->seal.timestamp), f->timestamp);
	struct put to = {s, json_str_is(o->side, "BUY") ? FOLD_BID : FOLD_ASK};
	return put_level(&to, o);
}

/* The other token's trade is this one's at 1 - p, but both books show the price as it was traded. */
static int fold_trade(struct folding *f, struct fold_symbol *s, const struct object *o)
{
	struct fold_trade t = {.id = s->traded + 1, .taker_sold = json_str_is(o->side, "SELL")};
	int rc = fixed_parse(o->price.at, o->price.len, s->about->price_scale, &t.price);

	if (rc == 0)
		rc = fixed_parse(o->size.at, o->size.len, s->about->qty_scale, &t.qty);
	if (rc == 0)
		rc = fixed_parse(o->timestamp.at, o->timestamp.len, 0, &t.time_ms);
	if (rc != 0)
		return rc;
	fold_trade_add(s, &t);
	for (uint32_t i = 0; i < f->fold->symbols.count; i++) {
		struct fold_symbol *other = *(struct fold_symbol **)strmap_value_at(&f->fold->symbols, i);
		if (strcmp(other->about->group, s->about->group) == 0)
			keep_trade(&other->seal, o->price);
	}
	return 0;
}

static int fold_object(void *ctx, const struct object *o)
{
	struct folding *f = ctx;

	f->timestamp = o->timestamp;
	if (o->changes.len > 0)
		return each_object(slice(o->changes), fold_change, f);
	struct fold_symbol *s = o->asset.len > 0 ? fold_symbol(f->fold, slice(o->asset)) : NULL;
	if (s == NULL)
		return 0;
	if (json_str_is(o->type, "book"))
		return fold_book(s, o);
	if (json_str_is(o->type, "last_trade_price"))
		return fold_trade(f, s, o);
	if (json_str_is(o->type, "tick_size_change"))
		keep(s->seal.tick, sizeof(s->seal.tick), o->tick);
	return 0;
}

int polymarket_fold(struct fold *f, const struct feed_line *line)
{
	struct folding to = {.fold = f};

	return line->kind == FEED_FRAME ? each_object(line->raw, fold_object, &to) : 0;
}

/* ---- a book, and its hash ---- */

static void print_side(struct buf *out, const struct fold_symbol *s, enum fold_side_name side, const char *key)
{
	const struct fold_side *levels = &s->book.side[side];
	char price[FIXED_TEXT_MAX], size[FIXED_TEXT_MAX];

	buf_printf(out, ",\"%s\":[", key);
	for (uint32_t i = levels->n; i > 0; i--) { /* the best last: worst bid first, worst ask first */
		const struct quote *q = fold_book_at(&s->book, side, i - 1);
		fixed_format_trim(price, sizeof(price), q->price, s->about->price_scale);
		fixed_format_trim(size, sizeof(size), q->qty, s->about->qty_scale);
		buf_printf(out, "%s{\"price\":\"%s\",\"size\":\"%s\"}", i < levels->n ? "," : "", price, size);
	}
	buf_byte(out, ']');
}

static void print_text(const struct fold_symbol *s, const char *hash, struct buf *out)
{
	buf_printf(out, "{\"market\":\"%s\",\"asset_id\":\"%s\",\"timestamp\":\"%s\",\"hash\":\"%s\"", s->about->group,
		   s->about->name, s->seal.timestamp, hash);
	print_side(out, s, FOLD_BID, "bids");
	print_side(out, s, FOLD_ASK, "asks");
	buf_printf(out, ",\"min_order_size\":\"5\",\"tick_size\":\"%s\",\"neg_risk\":false,\"last_trade_price\":\"%s\"",
		   s->seal.tick[0] != '\0' ? s->seal.tick : "0.01", s->seal.last_trade);
}

static void sha1_hex(const struct buf *text, char out[41])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (EVP_Digest(text->at, text->len, digest, &n, EVP_sha1(), NULL) != 1)
		return;
	for (unsigned i = 0; i < n && i < 20; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
}

int polymarket_print_book(const struct fold_symbol *s, const char *extra, struct buf *out)
{
	struct buf text;
	char hash[41];

	buf_init(&text, HASH_TEXT_MAX);
	print_text(s, "", &text);
	int rc = buf_byte(&text, '}');
	sha1_hex(&text, hash);
	buf_fini(&text);
	print_text(s, hash, out);
	return rc != 0 ? rc : buf_printf(out, "%s}", extra);
}
