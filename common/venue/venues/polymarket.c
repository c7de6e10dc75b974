/* polymarket - Polymarket: event contracts, an instrument for each outcome's token, books that their hashes prove.
 *
 * Facts: docs.polymarket.com (market channel, asyncapi) of 2026 and recorded frames. Traps: the first reply is an
 * ARRAY of books, later frames are mostly single objects; empty texts come and say nothing, PONG is no JSON; a
 * price_change carries both tokens of its market, several changes in one frame, and totals; best_ask "1" and best_bid
 * "0" mean that there is none; books after the first leave tick and last price out.
 *
 * There are no sequence numbers: time stands in their place, and a lost update shows in the hash. It is the SHA-1 of
 * the book written in one certain way (polymarket_seal.c), behind the LAST frame of its time; the last trade's price in
 * it is the market's, the same text for both tokens.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/polymarket.h"
#include "common/venue/polymarket_ask.h"
#include "common/venue/polymarket_prices.h"

extern const struct venue venue_polymarket;

#define SECOND 1000000000LL
#define MS 1000000
#define NAME(text) text, sizeof(text) - 1
#define CHANGES_MAX 512 /* of one frame */
#define FRAME_MARKETS 8 /* whose books one frame can change: two in all that were recorded */
#define HASH_LEN 40     /* hex digits of a SHA-1 */

/* The members of events that matter; which of them there are tells the type. */
enum member {
	TYPE, MARKET, ASSET, TIME, HASH, TICK, ORDER_LEAST, LAST, PRICE, SIZE, SIDE,
	NEW_TICK, BEST_BID, BEST_ASK, WINNER, OUTCOME, QUESTION,
	BIDS, ASKS, CHANGES, TOKENS, OUTCOMES, NEG_RISK, MEMBERS
};

/* In the order in which they usually come: a search goes on from the last. */
static const struct {
	const char *name;
	size_t len;
	enum member member;
} names[] = {
	{NAME("market"), MARKET}, {NAME("price_changes"), CHANGES}, {NAME("asset_id"), ASSET},
	{NAME("price"), PRICE}, {NAME("size"), SIZE}, {NAME("side"), SIDE},
	{NAME("timestamp"), TIME}, {NAME("hash"), HASH}, {NAME("best_bid"), BEST_BID},
	{NAME("best_ask"), BEST_ASK}, {NAME("bids"), BIDS}, {NAME("asks"), ASKS},
	{NAME("tick_size"), TICK}, {NAME("event_type"), TYPE}, {NAME("last_trade_price"), LAST},
	{NAME("min_order_size"), ORDER_LEAST}, {NAME("neg_risk"), NEG_RISK}, {NAME("new_tick_size"), NEW_TICK},
	{NAME("winning_asset_id"), WINNER}, {NAME("winning_outcome"), OUTCOME}, {NAME("question"), QUESTION},
	{NAME("assets_ids"), TOKENS}, {NAME("outcomes"), OUTCOMES},
	{NAME("changes"), CHANGES}, /* before September 2025, of one token named above them */
};

/* Row of a member, the search beginning at one; ARRAY_LEN(names) where it does not matter. */
static size_t row_of(struct json_str key, size_t from)
{
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		size_t i = from + k < ARRAY_LEN(names) ? from + k : from + k - ARRAY_LEN(names);
		if (names[i].len == key.len && names[i].name[0] == key.at[0] &&
		    memcmp(names[i].name, key.at, key.len) == 0)
			return i;
	}
	return ARRAY_LEN(names);
}

/* One row of a price_change. */
struct change {
	const struct venue_market *market;
	struct level level;
	int64_t bid, ask;
	bool sell, has_top;
	struct json_str hash;
};

/* Those of the markets that we follow; where each market comes first. */
struct changes {
	uint32_t n, firsts, first[FRAME_MARKETS];
	struct change all[CHANGES_MAX];
};

struct frame {
	struct wire w;
	struct json_str m[MEMBERS]; /* texts of scalars; arrays and truths as they stand */
	struct venue_seal seal;
	struct changes *changes;
	bool has_changes; /* they could be read with the event itself */
};

/* An event can tell of several markets. */
static void give(struct frame *f, const struct venue_market *market, struct venue_message *m)
{
	f->w.market = market;
	wire_give(&f->w, m);
}

static void give_kind(struct frame *f, enum venue_kind kind)
{
	give(f, NULL, &(struct venue_message){.kind = kind});
}

/* A member that is not there is an empty text. */
static struct json_str said(const struct frame *f, enum member which)
{
	static const struct json_str nothing = {"", 0, false};

	return f->m[which].at != NULL ? f->m[which] : nothing;
}

static int64_t one_dollar(const struct venue_market *m)
{
	return fixed_pow10(m->price_scale);
}

static int64_t price_of(struct frame *f, const struct venue_market *m, struct json_str text)
{
	int64_t value = 0;

	wire_note(&f->w, polymarket_decimal(text, m->price_scale, &value));
	wire_demand(&f->w, value > 0 && value < one_dollar(m));
	return value;
}

static int64_t qty_of(struct frame *f, const struct venue_market *m, struct json_str text)
{
	int64_t value = 0;

	wire_note(&f->w, polymarket_decimal(text, m->qty_scale, &value));
	return value;
}

static bool is_side(struct frame *f, struct json_str text)
{
	bool sell = json_str_is(text, "SELL");

	wire_demand(&f->w, sell || json_str_is(text, "BUY"));
	return sell;
}

/* Only what can be a hash is one. */
static void copy_hash(struct json_str text, char *out)
{
	out[0] = '\0';
	if (text.len != HASH_LEN)
		return;
	for (size_t i = 0; i < HASH_LEN; i++) {
		char c = text.at[i];
		c = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			out[0] = '\0';
			return;
		}
		out[i] = c;
	}
	out[HASH_LEN] = '\0';
}

/* What there is of it in this event. */
static void read_seal(struct frame *f)
{
	struct venue_seal *s = &f->seal;

	copy_hash(f->m[HASH], s->hash);
	polymarket_copy(f->m[MARKET], s->group, sizeof(s->group));
	polymarket_copy(f->m[TICK].len > 0 ? f->m[TICK] : f->m[NEW_TICK], s->tick, sizeof(s->tick));
	polymarket_copy(f->m[ORDER_LEAST], s->order_min, sizeof(s->order_min));
	s->has_last = f->m[LAST].at != NULL;
	polymarket_copy(f->m[LAST], s->last, sizeof(s->last));
	if (f->m[NEG_RISK].at != NULL)
		s->neg_risk = f->m[NEG_RISK].at[0] == 't' ? 2 : 1;
}

/* ---- books ---- */

static void read_level(struct frame *f, struct json *j, struct level *ret_level)
{
	struct json_str key, price = {"", 0, false}, size = {"", 0, false};

	json_object(j);
	while (json_key(j, &key))
		if (json_str_is(key, "price"))
			json_scalar_text(j, &price);
		else if (json_str_is(key, "size"))
			json_scalar_text(j, &size);
		else
			json_skip(j);
	wire_note(&f->w, j->err);
	*ret_level = (struct level){price_of(f, f->w.market, price), qty_of(f, f->w.market, size)};
}

static void read_side(struct frame *f, struct json_str side, struct level *at, struct levels *ret_levels)
{
	struct json j;
	uint32_t n = 0;

	wire_demand(&f->w, side.len > 0 && side.at[0] == '[');
	json_init(&j, side.at, side.len);
	if (f->w.err == 0)
		json_array(&j);
	while (f->w.err == 0 && json_item(&j)) {
		wire_note(&f->w, n < f->w.out->levels_max ? 0 : ERR_TOO_LONG);
		if (f->w.err == 0)
			read_level(f, &j, &at[n++]);
	}
	*ret_levels = (struct levels){at, n};
}

static void on_book(struct frame *f)
{
	struct venue_message m = {.kind = VENUE_SNAPSHOT, .seal = &f->seal};

	read_seal(f);
	read_side(f, said(f, BIDS), f->w.out->levels, &m.snapshot.bids);
	read_side(f, said(f, ASKS), f->w.out->levels + f->w.out->levels_max, &m.snapshot.asks);
	m.snapshot.last_id = (uint64_t)(f->w.time / MS);
	wire_demand(&f->w, m.snapshot.last_id > 0);
	wire_give(&f->w, &m);
}

/* 0: there is none. */
static int64_t best_of(struct frame *f, const struct venue_market *m, struct json_str text)
{
	int64_t value = 0;

	wire_note(&f->w, polymarket_decimal(text, m->price_scale, &value));
	wire_demand(&f->w, value <= one_dollar(m));
	return value < one_dollar(m) ? value : 0;
}

static const struct venue_market *find(const struct frame *f, struct json_str raw)
{
	return f->w.out->find(f->w.out->ctx, raw.len > 0 ? raw.at : "", raw.len);
}

static void read_changes(struct frame *f, struct json *j);

/* f: changes are read on the way, where all is well with them; NULL: left for later. */
static void read_members(struct json *j, struct json_str m[MEMBERS], struct frame *f)
{
	struct json_str key;
	size_t next = 0;

	json_object(j);
	while (json_key(j, &key)) {
		size_t i = row_of(key, next);
		next = i < ARRAY_LEN(names) ? i + 1 : next;
		enum json_kind kind = json_peek(j);
		if (i == ARRAY_LEN(names) || kind == JSON_NULL || kind == JSON_OBJECT)
			json_skip(j);
		else if (names[i].member < BIDS && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(j, &m[names[i].member]);
		else if (names[i].member < BIDS)
			json_skip(j);
		else if (names[i].member == CHANGES && f != NULL)
			read_changes(f, j);
		else
			json_raw(j, &m[names[i].member]);
	}
}

/* early: before the event's own members are known, which a row must then do without. */
static bool read_change(struct frame *f, struct json *j, bool early, struct change *ret_change)
{
	struct json_str m[MEMBERS] = {{0}};

	read_members(j, m, NULL);
	wire_note(&f->w, j->err);
	wire_demand(&f->w, !early || (m[ASSET].len > 0 && m[HASH].len > 0));
	if (f->w.err != 0)
		return false;
	const struct venue_market *market = m[ASSET].len > 0 ? find(f, m[ASSET]) : f->w.market;
	if (market == NULL)
		return false;
	*ret_change = (struct change){
		.market = market,
		.level = {price_of(f, market, m[PRICE]), qty_of(f, market, m[SIZE])},
		.sell = is_side(f, m[SIDE]),
		.has_top = m[BEST_BID].len > 0 && m[BEST_ASK].len > 0,
		.hash = m[HASH].len > 0 ? m[HASH] : f->m[HASH],
	};
	f->w.out->fault.market = market;
	if (ret_change->has_top) {
		ret_change->bid = best_of(f, market, m[BEST_BID]);
		ret_change->ask = best_of(f, market, m[BEST_ASK]);
	}
	return f->w.err == 0;
}

static bool is_first(const struct change *all, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (all[k].market == all[i].market)
			return false;
	return true;
}

static void read_rows(struct frame *f, struct json *j, bool early)
{
	struct changes *c = f->changes;

	c->n = c->firsts = 0;
	json_array(j);
	while (f->w.err == 0 && json_item(j)) {
		wire_note(&f->w, c->n < CHANGES_MAX && c->n < f->w.out->levels_max ? 0 : ERR_TOO_LONG);
		if (f->w.err != 0 || !read_change(f, j, early, &c->all[c->n]))
			continue;
		if (is_first(c->all, c->n)) {
			wire_note(&f->w, c->firsts < FRAME_MARKETS ? 0 : ERR_TOO_LONG);
			c->first[c->firsts++ % FRAME_MARKETS] = c->n;
		}
		c->n++;
	}
}

/* In the pass that finds their end. Whatever is wrong with them is found again where they are read behind the event,
 * and told then: it is another event's affair, or an error of the event's own comes first. */
static void read_changes(struct frame *f, struct json *j)
{
	const struct venue_fault fault = f->w.out->fault;
	const struct json before = *j;

	read_rows(f, j, true);
	f->has_changes = f->w.err == 0 && j->err == 0;
	f->m[CHANGES] = (struct json_str){before.at, (size_t)(j->at - before.at), false};
	f->w.out->fault = fault;
	if (f->has_changes)
		return;
	f->w.err = 0;
	*j = before;
	json_raw(j, &f->m[CHANGES]);
}

/* The rows of one market as one update, in the order they came in; its last hash and touch are the ones that hold. */
static void give_changes(struct frame *f, const struct change *all, uint32_t n, const struct venue_market *market)
{
	struct level *bids = f->w.out->levels, *asks = f->w.out->levels + f->w.out->levels_max;
	struct venue_message m = {.kind = VENUE_DEPTH, .seal = &f->seal};
	const struct change *last = NULL;
	uint64_t id = (uint64_t)(f->w.time / MS);
	uint32_t n_bids = 0, n_asks = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (all[i].market != market)
			continue;
		last = &all[i];
		if (last->sell)
			asks[n_asks++] = last->level;
		else
			bids[n_bids++] = last->level;
	}
	copy_hash(last->hash, f->seal.hash);
	m.depth = (struct venue_depth){.first_id = id, .last_id = id, .bids = {bids, n_bids}, .asks = {asks, n_asks}};
	give(f, market, &m);
	m = (struct venue_message){.kind = VENUE_TOP, .top = {.last_id = id, .bid = last->bid, .ask = last->ask}};
	if (last->has_top)
		give(f, market, &m);
}

static void on_changes(struct frame *f)
{
	struct changes *c = f->changes;
	struct json j;

	wire_demand(&f->w, f->m[CHANGES].len > 0 && f->m[CHANGES].at[0] == '[' && f->w.time > 0);
	json_init(&j, said(f, CHANGES).at, f->m[CHANGES].len);
	if (f->w.err == 0 && !f->has_changes)
		read_rows(f, &j, false);
	else if (f->w.err == 0 && c->n > 0)
		f->w.out->fault.market = c->all[c->n - 1].market;
	read_seal(f);
	for (uint32_t i = 0; f->w.err == 0 && i < c->firsts; i++)
		give_changes(f, c->all, c->n, c->all[c->first[i]].market);
	if (f->w.err == 0 && c->firsts == 0)
		give_kind(f, VENUE_IGNORED);
}

/* ---- what else a market says ---- */

static void on_trade(struct frame *f)
{
	bool sell = is_side(f, f->m[SIDE]);
	struct venue_message m = {.kind = VENUE_TRADE,
				  .seal = &f->seal,
				  .trade = {.at = f->w.time,
					    .price = price_of(f, f->w.market, f->m[PRICE]),
					    .qty = qty_of(f, f->w.market, f->m[SIZE]),
					    .aggressor = sell ? side_sell : side_buy}};

	wire_demand(&f->w, m.trade.qty > 0 && f->w.time > 0);
	read_seal(f);
	f->seal.has_last = true;
	polymarket_copy(f->m[PRICE], f->seal.last, sizeof(f->seal.last));
	wire_give(&f->w, &m);
}

static void on_tick(struct frame *f)
{
	struct venue_message m = {.kind = VENUE_TICK_SIZE, .seal = &f->seal};

	m.tick_size = price_of(f, f->w.market, f->m[NEW_TICK]);
	read_seal(f);
	wire_give(&f->w, &m);
}

static void on_top(struct frame *f)
{
	struct venue_message m = {.kind = VENUE_TOP,
				  .top = {.last_id = (uint64_t)(f->w.time / MS),
					  .bid = best_of(f, f->w.market, f->m[BEST_BID]),
					  .ask = best_of(f, f->w.market, f->m[BEST_ASK])}};

	wire_give(&f->w, &m);
}

/* The nth text of an array of them. */
static bool nth_text(struct json_str array, uint32_t nth, struct json_str *ret_text)
{
	struct json j;
	uint32_t i = 0;

	json_init(&j, array.at, array.len);
	if (array.len == 0 || array.at[0] != '[' || !json_array(&j))
		return false;
	while (json_item(&j))
		if (i++ == nth)
			return json_peek(&j) == JSON_STRING && json_string(&j, ret_text);
	return false;
}

static void on_resolved(struct frame *f)
{
	char outcome[EVENT_NAME_MAX];
	struct json_str token;
	bool any = false;

	wire_demand(&f->w, f->m[WINNER].len > 0 && f->m[TOKENS].len > 0);
	wire_text(said(f, OUTCOME), outcome, sizeof(outcome));
	for (uint32_t i = 0; i < FRAME_MARKETS && nth_text(said(f, TOKENS), i, &token); i++) {
		const struct venue_market *market = find(f, token);
		struct venue_message m = {.kind = VENUE_RESOLUTION};
		if (market == NULL)
			continue;
		bool wins = token.len == f->m[WINNER].len && memcmp(token.at, f->m[WINNER].at, token.len) == 0;
		m.resolution = (struct venue_resolution){
			.at = f->w.time, .price = wins ? one_dollar(market) : 0, .outcome = outcome};
		any = true;
		give(f, market, &m);
	}
	if (!any)
		give_kind(f, VENUE_IGNORED);
}

static void on_new_market(struct frame *f)
{
	struct venue_listing l = {.open = true, .begins = f->w.time};
	struct json_str token, name = {"", 0, false};

	polymarket_copy(f->m[MARKET], l.group, sizeof(l.group));
	wire_text(said(f, QUESTION), l.title, sizeof(l.title));
	while (l.outcomes < VENUE_OUTCOMES_MAX && nth_text(said(f, TOKENS), l.outcomes, &token)) {
		struct venue_outcome *o = &l.outcome[l.outcomes];
		polymarket_copy(token, o->raw, sizeof(o->raw));
		if (nth_text(said(f, OUTCOMES), l.outcomes, &name))
			wire_text(name, o->name, sizeof(o->name));
		l.outcomes++;
	}
	wire_demand(&f->w, l.group[0] != '\0' && l.outcomes > 0);
	give(f, NULL, &(struct venue_message){.kind = VENUE_LISTING, .listing = &l});
}

/* ---- the envelope ---- */

static const struct {
	const char *type;
	enum venue_kind kind;
	bool one_token; /* asset_id names the market; nothing is read where we do not follow it */
	void (*read)(struct frame *f);
} types[] = {
	{"price_change", VENUE_DEPTH, false, on_changes},     {"book", VENUE_SNAPSHOT, true, on_book},
	{"last_trade_price", VENUE_TRADE, true, on_trade},    {"best_bid_ask", VENUE_TOP, true, on_top},
	{"tick_size_change", VENUE_TICK_SIZE, true, on_tick}, {"market_resolved", VENUE_RESOLUTION, false, on_resolved},
	{"new_market", VENUE_LISTING, false, on_new_market},
};

static size_t type_of(struct json_str type)
{
	size_t i = 0;

	while (i < ARRAY_LEN(types) && !json_str_is(type, types[i].type))
		i++;
	return i;
}

/* An event that has been read to its end. */
static void on_event(struct frame *f)
{
	size_t type = f->m[TYPE].len > 0 ? type_of(f->m[TYPE]) : ARRAY_LEN(types);

	if (type == ARRAY_LEN(types)) {
		give_kind(f, VENUE_UNKNOWN);
		return;
	}
	f->w.market = f->m[ASSET].len > 0 ? find(f, f->m[ASSET]) : NULL;
	f->w.out->fault = (struct venue_fault){f->w.market, types[type].kind};
	if (types[type].one_token && f->w.market == NULL) {
		give_kind(f, VENUE_IGNORED);
		return;
	}
	if (f->m[TIME].len > 0)
		f->w.time = wire_instant(&f->w, f->m[TIME]);
	if (f->w.err == 0)
		types[type].read(f);
}

static void read_event(struct wire *w, struct json *j)
{
	struct changes changes;
	struct frame f = {.w = *w, .changes = &changes};

	read_members(j, f.m, &f);
	wire_note(&f.w, json_finish(j));
	if (f.w.err == 0)
		on_event(&f);
	w->err = f.w.err;
}

/* Texts that are no JSON: nothing at all, an answer to our PING, a refusal. */
static bool is_word(const struct venue_input *in, const char *word)
{
	return in->len == strlen(word) && memcmp(in->text, word, in->len) == 0;
}

static int decode_frame(const struct venue_input *in, struct venue_output *out)
{
	struct json_str text = {in->text, in->len, false};
	struct wire w = {.out = out};
	struct venue_message m = {.kind = VENUE_NOTICE, .notice = {.kind = VENUE_NOTICE_ACCEPTED, .text = ""}};
	struct json j;

	json_init(&j, in->text, in->len);
	enum json_kind kind = json_peek(&j);
	if (kind == JSON_OBJECT)
		read_event(&w, &j);
	else if (kind == JSON_ARRAY)
		wire_list(&w, text, read_event);
	if (kind == JSON_OBJECT || kind == JSON_ARRAY)
		return w.err;
	if (in->len == 0) {
		m = (struct venue_message){.kind = VENUE_IGNORED};
	} else if (is_word(in, "INVALID OPERATION")) {
		m.notice.kind = VENUE_NOTICE_REFUSED;
		m.notice.text = "invalid operation";
	} else if (!is_word(in, "PONG")) {
		json_skip(&j);
		int rc = json_finish(&j);
		return rc < 0 ? rc : ERR_PROTOCOL;
	}
	wire_give(&w, &m);
	return 0;
}

/* GET /book: the event without its type. */
static int decode_book(const struct venue_input *in, struct venue_output *out)
{
	struct frame f = {.w = {.out = out, .market = in->market}};
	struct json j;

	out->fault = (struct venue_fault){in->market, VENUE_SNAPSHOT};
	json_init(&j, in->text, in->len);
	read_members(&j, f.m, NULL);
	int rc = json_finish(&j);
	if (rc < 0 || in->market == NULL)
		return rc < 0 ? rc : ERR_ARG;
	wire_same_market(&f.w, f.m[ASSET]);
	f.w.time = wire_instant(&f.w, f.m[TIME]);
	on_book(&f);
	return f.w.err;
}

static int decode(const struct venue_input *in, struct venue_output *out)
{
	out->fault = (struct venue_fault){in->market, VENUE_UNKNOWN};
	switch (in->ask) {
	case VENUE_ASK_NOTHING:
		return decode_frame(in, out);
	case VENUE_ASK_SNAPSHOT:
		return decode_book(in, out);
	case VENUE_ASK_INSTRUMENTS:
	case VENUE_ASK_LISTINGS:
		return polymarket_decode_catalog(in, out);
	case VENUE_ASK_KLINES:
		out->fault.kind = VENUE_MARK;
		return in->market != NULL ? polymarket_decode_prices(in, out) : ERR_ARG;
	case VENUE_ASK_TRADES:
		break;
	}
	return ERR_ARG;
}

/* Times stand in the place of ids: whether an update is missing shows in the hash. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	return d->last_id < book_id ? VENUE_LINK_OLD : VENUE_LINK_NEXT;
}

static const char *const stream_hosts[] = {"wss://ws-subscriptions-clob.polymarket.com", NULL};
static const char *const rest_hosts[] = {"https://clob.polymarket.com", NULL};
static const char *const catalog_hosts[] = {"https://gamma-api.polymarket.com", NULL};

const struct venue venue_polymarket = {
	.name = "POLYMARKET",
	.doc = "Polymarket: event contracts, each outcome's token an instrument; books proved by their hashes, trades.",
	.suffix = "",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.catalog_hosts = catalog_hosts,
	.streams = VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM,
	.kline_intervals = polymarket_intervals,
	.klines_sparse = true,
	.klines_are_prices = true,
	.klines_span_ns = POLYMARKET_PRICES_SPAN_NS,
	.prices_bounded = true,
	.has_listings = true,
	.describe_max = POLYMARKET_TOKENS_MAX,
	.closed_apart = true,
	.streams_max = POLYMARKET_STREAMS_MAX,
	.messages_per_s = 10,
	.attempts_max = 60,
	.attempts_ns = 60 * SECOND,
	.pong_ns = 30 * SECOND,
	.silence_ns = 120 * SECOND, /* of markets; PONG comes every 10 s */
	.ping_text = "PING",
	.ping_ns = 10 * SECOND,
	.weight_limit = 1500,
	.weight_ns = 10 * SECOND,
	.time_path = "/time",
	.retry_header = "Retry-After",
	.stream_path = polymarket_stream_path,
	.stream_text = polymarket_stream_text,
	.stream_count = polymarket_stream_count,
	.stream_add = polymarket_stream_add,
	.stream_drop = polymarket_stream_drop,
	.request = polymarket_request,
	.decode = decode,
	.link = link_depth,
	.seal_text = polymarket_seal_text,
};
