/* bybit - Bybit's v5 streams and REST replies, the same for its spot and linear markets.
 *
 * Facts: bybit-exchange.github.io/docs/v5 of 2026 and recorded frames. Traps: the order of keys
 * differs between markets and channels; "type" is "snapshot" for every trade and kline; u == 1 on a
 * snapshot means that the service restarted, and replaces like any other; u rises by one in every
 * recorded frame, so a jump costs the trust; linear tickers leave out what has not changed;
 * allLiquidation's S is the side of the POSITION, the opposite of Binance's; HTTP 200 is also what
 * errors come with: retCode tells; klines are listed newest first.
 */
#include "common/venue/bybit.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/bybit_rest.h"
#include "common/venue/description.h"
#include "common/venue/wire.h"

#define NAME(text) text, sizeof(text) - 1
#define ARGS_MAX 10 /* topics in one request to subscribe: the spot market takes no more */

/* Their names of klines' intervals beside ours. */
static const struct {
	const char *ours, *theirs;
} intervals[] = {
	{"1m", "1"},   {"3m", "3"},   {"5m", "5"},   {"15m", "15"},  {"30m", "30"}, {"1h", "60"},
	{"2h", "120"}, {"4h", "240"}, {"6h", "360"}, {"12h", "720"}, {"1d", "D"},   {"1w", "W"},
};

const char *const bybit_intervals[] = {"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", NULL};

const char *bybit_their_interval(const char *ours)
{
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
		if (strcmp(intervals[i].ours, ours) == 0)
			return intervals[i].theirs;
	return NULL;
}

static const char *our_interval(struct json_str theirs)
{
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
		if (json_str_is(theirs, intervals[i].theirs))
			return intervals[i].ours;
	return NULL;
}

/* ---- one frame ---- */

struct frame {
	struct venue_output *out;
	const struct venue_market *market;
	struct json_str topic, type, data, op, ret_msg, ts;
	bool has_success, success;
	int64_t time;
	int err;
};

static void note(struct frame *f, int rc)
{
	if (rc < 0 && f->err == 0)
		f->err = rc;
}

static void demand(struct frame *f, bool condition)
{
	note(f, condition ? 0 : ERR_PROTOCOL);
}

static int64_t price(struct frame *f, struct json_str text)
{
	int64_t value = 0;
	note(f, wire_decimal(text, f->market->price_scale, &value));
	return value;
}

static int64_t qty(struct frame *f, struct json_str text)
{
	int64_t value = 0;
	note(f, wire_decimal(text, f->market->qty_scale, &value));
	return value;
}

static int64_t cash(struct frame *f, struct json_str text)
{
	int64_t value = 0;
	note(f, wire_decimal_floor(text, VENUE_CASH_SCALE, &value));
	return value;
}

static int64_t instant(struct frame *f, struct json_str text)
{
	int64_t value = 0;
	note(f, wire_time(text, &value));
	return value;
}

static uint64_t number(struct frame *f, struct json_str text)
{
	uint64_t value = 0;
	note(f, wire_u64(text, &value));
	return value;
}

/* Members of an object by name: texts of strings and numbers; `true` where a flag is. */
struct member {
	const char *name;
	struct json_str text; /* len 0: absent */
	bool truth;
};

static void read_members(struct json *j, struct member *m, size_t n)
{
	struct json_str key;

	for (size_t i = 0; i < n; i++)
		m[i] = (struct member){.name = m[i].name, .text = {"", 0, false}};
	json_object(j);
	while (json_key(j, &key)) {
		size_t i = 0;
		while (i < n && !json_str_is(key, m[i].name))
			i++;
		enum json_kind kind = json_peek(j);
		if (i < n && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(j, &m[i].text);
		else if (i < n && (kind == JSON_TRUE || kind == JSON_FALSE))
			json_bool(j, &m[i].truth);
		else
			json_skip(j);
	}
}

static bool all_there(const struct member *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (m[i].text.len == 0)
			return false;
	return true;
}

static void give(struct frame *f, struct venue_message *m)
{
	if (f->err != 0)
		return;
	m->market = f->market;
	m->time = f->time;
	f->out->message(f->out->ctx, m);
}

/* ---- order books ---- */

struct sides {
	struct levels bids, asks;
	struct json_str u;
	bool has_bids, has_asks;
};

static void read_sides(struct frame *f, struct json *j, struct sides *s)
{
	struct level *asks = f->out->levels + f->out->levels_max;
	struct json_str key;

	*s = (struct sides){.u = {"", 0, false}};
	json_object(j);
	while (f->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "b")) {
			note(f, wire_levels(j, f->market, f->out->levels, f->out->levels_max, &s->bids));
			s->has_bids = true;
		} else if (json_str_is(key, "a")) {
			note(f, wire_levels(j, f->market, asks, f->out->levels_max, &s->asks));
			s->has_asks = true;
		} else if (json_str_is(key, "u")) {
			json_scalar_text(j, &s->u);
		} else {
			json_skip(j);
		}
	}
	if (f->err == 0)
		note(f, json_finish(j));
	demand(f, s->has_bids && s->has_asks);
}

/* "orderbook.200.BTCUSDT": the number of levels. */
static uint32_t depth_of(struct json_str topic)
{
	const char *at = memchr(topic.at, '.', topic.len);
	uint32_t depth = 0;

	for (at = at + 1; at < topic.at + topic.len && *at >= '0' && *at <= '9' && depth < 10000; at++)
		depth = depth * 10 + (uint32_t)(*at - '0');
	return depth;
}

static void give_top(struct frame *f, const struct sides *s, uint64_t id)
{
	struct venue_message m = {.kind = VENUE_TOP, .top = {.last_id = id}};

	if (s->bids.n > 0) {
		m.top.bid = s->bids.at[0].price;
		m.top.bid_qty = s->bids.at[0].qty;
	}
	if (s->asks.n > 0) {
		m.top.ask = s->asks.at[0].price;
		m.top.ask_qty = s->asks.at[0].qty;
	}
	give(f, &m);
}

static void on_book(struct frame *f, struct json *j)
{
	uint32_t depth = depth_of(f->topic);
	bool snapshot = json_str_is(f->type, "snapshot");
	struct sides s;

	f->out->fault.kind = depth == 1 ? VENUE_TOP : VENUE_DEPTH;
	demand(f, depth > 0 && (snapshot || json_str_is(f->type, "delta")));
	read_sides(f, j, &s);
	if (f->err != 0)
		return;
	uint64_t u = number(f, s.u);
	demand(f, u > 0);
	if (depth == 1) {
		give_top(f, &s, u);
	} else if (snapshot) {
		give(f, &(struct venue_message){.kind = VENUE_SNAPSHOT,
						.snapshot = {.last_id = u,
							     .bids_cut = s.bids.n >= depth,
							     .asks_cut = s.asks.n >= depth,
							     .bids = s.bids,
							     .asks = s.asks}});
	} else {
		struct venue_depth d = {.first_id = u, .last_id = u, .prev_id = u - 1, .bids = s.bids, .asks = s.asks};
		give(f, &(struct venue_message){.kind = VENUE_DEPTH, .depth = d});
	}
}

enum venue_link bybit_link(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	if (d->last_id <= book_id)
		return VENUE_LINK_OLD;
	return d->first_id == book_id + 1 ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

/* ---- lists of trades, klines, liquidations; one ticker ---- */

static void on_trade(struct frame *f, struct json *j)
{
	struct member m[] = {{.name = "T"}, {.name = "S"}, {.name = "p"}, {.name = "v"}};

	read_members(j, m, ARRAY_LEN(m));
	bool sell = json_str_is(m[1].text, "Sell");
	demand(f, sell || json_str_is(m[1].text, "Buy"));
	/* Ids are random on the linear market, and do not count on the spot market. */
	struct venue_message msg = {.kind = VENUE_TRADE,
				    .trade = {.at = instant(f, m[0].text),
					      .price = price(f, m[2].text),
					      .qty = qty(f, m[3].text),
					      .aggressor = sell ? side_sell : side_buy}};
	demand(f, msg.trade.price > 0 && msg.trade.qty > 0);
	give(f, &msg);
}

static void on_kline(struct frame *f, struct json *j)
{
	struct member m[] = {{.name = "start"}, {.name = "end"},    {.name = "interval"}, {.name = "open"},
			     {.name = "high"},  {.name = "low"},    {.name = "close"},    {.name = "volume"},
			     {.name = "turnover"}, {.name = "confirm"}};

	read_members(j, m, ARRAY_LEN(m));
	const char *interval = our_interval(m[2].text);
	demand(f, all_there(m, 9));
	if (f->err != 0 || interval == NULL) {
		give(f, &(struct venue_message){.kind = VENUE_IGNORED});
		return;
	}
	struct venue_message msg = {.kind = VENUE_KLINE,
				    .kline = {.closed = m[9].truth,
					      .open_at = instant(f, m[0].text),
					      .close_at = instant(f, m[1].text) + 1000000, /* the last ms within */
					      .open = price(f, m[3].text),
					      .high = price(f, m[4].text),
					      .low = price(f, m[5].text),
					      .close = price(f, m[6].text),
					      .volume = qty(f, m[7].text),
					      .quote_volume = cash(f, m[8].text)}};
	memcpy(msg.kline.interval, interval, strlen(interval));
	demand(f, msg.kline.low <= msg.kline.high && msg.kline.open_at < msg.kline.close_at);
	give(f, &msg);
}

static void on_liquidation(struct frame *f, struct json *j)
{
	struct member m[] = {{.name = "T"}, {.name = "S"}, {.name = "p"}, {.name = "v"}};

	read_members(j, m, ARRAY_LEN(m));
	bool was_long = json_str_is(m[1].text, "Buy");
	demand(f, was_long || json_str_is(m[1].text, "Sell"));
	struct venue_message msg = {.kind = VENUE_LIQUIDATION,
				    .liquidation = {.price = price(f, m[2].text),
						    .qty = qty(f, m[3].text),
						    .side = was_long ? side_sell : side_buy}};
	demand(f, msg.liquidation.qty > 0);
	give(f, &msg);
}

/* Whole ones only: a change without the rest would need a memory, and says nothing that trades do not. */
static void on_ticker(struct frame *f, struct json *j)
{
	struct member m[] = {{.name = "lastPrice"},   {.name = "prevPrice24h"}, {.name = "highPrice24h"},
			     {.name = "lowPrice24h"}, {.name = "volume24h"},    {.name = "turnover24h"}};

	read_members(j, m, ARRAY_LEN(m));
	if (!all_there(m, ARRAY_LEN(m))) {
		give(f, &(struct venue_message){.kind = VENUE_IGNORED});
		return;
	}
	give(f, &(struct venue_message){.kind = VENUE_TICKER,
					.ticker = {.last = price(f, m[0].text),
						   .open = price(f, m[1].text),
						   .high = price(f, m[2].text),
						   .low = price(f, m[3].text),
						   .volume = qty(f, m[4].text),
						   .quote_volume = cash(f, m[5].text)}});
}

/* Channels whose data is a list of things, each on its own; and those where it is one. */
static const struct {
	const char *prefix;
	size_t len;
	enum venue_kind kind;
	bool list;
	void (*read)(struct frame *f, struct json *j);
} channels[] = {
	{NAME("orderbook."), VENUE_DEPTH, false, on_book},
	{NAME("publicTrade."), VENUE_TRADE, true, on_trade},
	{NAME("kline."), VENUE_KLINE, true, on_kline},
	{NAME("tickers."), VENUE_TICKER, false, on_ticker},
	{NAME("allLiquidation."), VENUE_LIQUIDATION, true, on_liquidation},
};

static int channel_of(struct json_str topic)
{
	for (int i = 0; i < (int)ARRAY_LEN(channels); i++)
		if (topic.len > channels[i].len && memcmp(topic.at, channels[i].prefix, channels[i].len) == 0)
			return i;
	return -1;
}

/* Behind the topic's last dot. */
static const struct venue_market *market_of(const struct frame *f)
{
	const char *end = f->topic.at + f->topic.len, *at = end;

	while (at > f->topic.at && at[-1] != '.')
		at--;
	return end > at ? f->out->find(f->out->ctx, at, (size_t)(end - at)) : NULL;
}

/* Lists are read twice: one bad row spoils the frame before anything of it is handed out. */
static void silent(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	(void)m;
}

static void walk_list(struct frame *f, int channel)
{
	struct json j;

	json_init(&j, f->data.at, f->data.len);
	json_array(&j);
	while (f->err == 0 && json_item(&j)) {
		struct json_str row;
		struct json one;
		if (!json_raw(&j, &row))
			break;
		json_init(&one, row.at, row.len);
		channels[channel].read(f, &one);
		if (f->err == 0)
			note(f, json_finish(&one));
	}
	if (f->err == 0)
		note(f, json_finish(&j));
}

static void read_list(struct frame *f, int channel)
{
	struct venue_output *out = f->out, quiet = *out;

	quiet.message = silent;
	f->out = &quiet;
	walk_list(f, channel);
	f->out = out;
	if (f->err == 0)
		walk_list(f, channel);
}

static void read_one(struct frame *f, int channel)
{
	struct json j;

	json_init(&j, f->data.at, f->data.len);
	channels[channel].read(f, &j);
}

static int on_notice(struct frame *f)
{
	char text[EVENT_TEXT_MAX] = "";
	struct venue_message m = {.kind = VENUE_NOTICE, .notice = {.kind = VENUE_NOTICE_ACCEPTED, .text = text}};

	wire_text(f->ret_msg, text, sizeof(text));
	if (f->has_success && !f->success)
		m.notice.kind = VENUE_NOTICE_REFUSED;
	f->out->message(f->out->ctx, &m);
	return 0;
}

static void read_outer(struct frame *f, struct json *j)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "topic") && kind == JSON_STRING)
			json_string(j, &f->topic);
		else if (json_str_is(key, "type") && kind == JSON_STRING)
			json_string(j, &f->type);
		else if (json_str_is(key, "op") && kind == JSON_STRING)
			json_string(j, &f->op);
		else if (json_str_is(key, "ret_msg") && kind == JSON_STRING)
			json_string(j, &f->ret_msg);
		else if (json_str_is(key, "ts") && kind == JSON_NUMBER)
			json_number(j, &f->ts);
		else if (json_str_is(key, "success") && (kind == JSON_TRUE || kind == JSON_FALSE))
			f->has_success = json_bool(j, &f->success);
		else if (json_str_is(key, "data"))
			json_raw(j, &f->data);
		else
			json_skip(j);
	}
}

static int decode_frame(const struct venue_input *in, struct venue_output *out)
{
	struct frame f = {.out = out};
	struct json j;

	json_init(&j, in->text, in->len);
	read_outer(&f, &j);
	int channel = f.topic.len > 0 ? channel_of(f.topic) : -1;
	if (channel >= 0) {
		f.market = market_of(&f);
		out->fault = (struct venue_fault){f.market, channels[channel].kind};
	}
	int rc = json_finish(&j);
	if (rc < 0)
		return rc;
	if (f.op.len > 0 && f.topic.len == 0)
		return on_notice(&f);
	if (channel < 0 || f.market == NULL) {
		enum venue_kind kind = channel < 0 ? VENUE_UNKNOWN : VENUE_IGNORED;
		out->message(out->ctx, &(struct venue_message){.kind = kind});
		return 0;
	}
	if (f.data.len == 0)
		return ERR_PROTOCOL;
	f.time = instant(&f, f.ts);
	if (channels[channel].list)
		read_list(&f, channel);
	else
		read_one(&f, channel);
	return f.err;
}

int bybit_decode(const struct venue_input *in, struct venue_output *out)
{
	out->fault = (struct venue_fault){in->market, VENUE_UNKNOWN};
	switch (in->ask) {
	case VENUE_ASK_NOTHING:
		return decode_frame(in, out);
	case VENUE_ASK_INSTRUMENTS:
		return bybit_decode_instruments(in, out);
	case VENUE_ASK_KLINES:
		out->fault.kind = VENUE_KLINE;
		return in->market != NULL ? bybit_decode_klines(in, out) : ERR_ARG;
	case VENUE_ASK_SNAPSHOT:
		break; /* it comes on the stream */
	}
	return ERR_ARG;
}

/* ---- subscribing ---- */

static const struct {
	enum venue_stream stream;
	const char *topic;
} topics[] = {
	{VENUE_DEPTH_STREAM, "orderbook.200."}, {VENUE_TRADE_STREAM, "publicTrade."},
	{VENUE_TOP_STREAM, "orderbook.1."},     {VENUE_KLINE_STREAM, "kline."},
	{VENUE_TICKER_STREAM, "tickers."},      {VENUE_LIQUIDATION_STREAM, "allLiquidation."},
};

static bool is_wanted(const struct venue_feed *feed, size_t row)
{
	enum venue_stream stream = topics[row].stream;

	return (feed->streams & stream) &&
	       (stream != VENUE_KLINE_STREAM ||
		(feed->kline_interval != NULL && bybit_their_interval(feed->kline_interval) != NULL));
}

static int append_topic(const struct venue_feed *feed, size_t row, const struct venue_market *m, struct buf *out)
{
	if (topics[row].stream == VENUE_KLINE_STREAM)
		return buf_printf(out, "\"kline.%s.%s\"", bybit_their_interval(feed->kline_interval), m->raw);
	return buf_printf(out, "\"%s%s\"", topics[row].topic, m->raw);
}

int bybit_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	uint32_t i = 0, first = nth * ARGS_MAX, said = 0;
	int rc = 0;

	for (uint32_t m = 0; rc == 0 && m < feed->n; m++)
		for (size_t row = 0; rc == 0 && row < ARRAY_LEN(topics); row++) {
			if (!is_wanted(feed, row) || i++ < first || said == ARGS_MAX)
				continue;
			rc = buf_printf(out, "%s", said++ == 0 ? "{\"op\":\"subscribe\",\"args\":[" : ",");
			if (rc == 0)
				rc = append_topic(feed, row, feed->markets[m], out);
		}
	if (rc == 0 && said == 0)
		return ERR_NOT_FOUND;
	return rc == 0 ? buf_printf(out, "]}") : rc;
}
