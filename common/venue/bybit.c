/* bybit - Bybit's v5 streams and REST replies, the same for its spot and linear markets.
 *
 * Facts: bybit-exchange.github.io/docs/v5 of 2026 and recorded frames. Traps: the order of keys
 * differs between markets and channels; "type" is "snapshot" for every trade and kline; u == 1 on a
 * snapshot means that the service restarted, and replaces like any other; u rises by one in every
 * recorded frame, so a jump costs the trust; linear tickers leave out what has not changed, and bring mark price and
 * funding; allLiquidation's S is the side of the POSITION, the opposite of Binance's; HTTP 200 is also what errors come
 * with: retCode tells; klines are listed newest first.
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

const char *const bybit_stream_hosts[] = {"wss://stream.bybit.com", NULL};
const char *const bybit_rest_hosts[] = {"https://api.bybit.com", "https://api.bytick.com", NULL};

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

/* What a book says. */
struct sides {
	struct levels bids, asks;
	struct json_str u, symbol;
	bool has_bids, has_asks;
};

struct frame {
	struct wire w; /* its market: the topic's, where we follow it */
	struct json_str topic, type, data, op, ret_msg, ts;
	bool has_success, success, has_sides;
	int channel;        /* the topic's, or -1 */
	struct sides sides; /* of data, where they could be read with the frame itself */
};

/* ---- order books ---- */

static void read_sides(struct wire *w, struct json *j, struct sides *s)
{
	struct json_str key;

	*s = (struct sides){.u = {"", 0, false}};
	json_object(j);
	while (w->err == 0 && json_key(j, &key)) {
		if (json_str_is(key, "b")) {
			wire_side(w, j, side_buy, &s->bids);
			s->has_bids = true;
		} else if (json_str_is(key, "a")) {
			wire_side(w, j, side_sell, &s->asks);
			s->has_asks = true;
		} else if (json_str_is(key, "u")) {
			json_scalar_text(j, &s->u);
		} else if (json_str_is(key, "s") && json_peek(j) == JSON_STRING && json_string(j, &s->symbol)) {
			wire_same_market(w, s->symbol);
		} else {
			json_skip(j);
		}
	}
	wire_note(w, j->err);
	wire_demand(w, s->has_bids && s->has_asks);
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

static void give_top(struct wire *w, const struct sides *s, uint64_t id)
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
	wire_give(w, &m);
}

static void on_book(struct frame *f, struct json *j)
{
	uint32_t depth = depth_of(f->topic);
	bool snapshot = json_str_is(f->type, "snapshot");
	struct wire *w = &f->w;
	struct sides s = f->sides;

	w->out->fault.kind = depth == 1 ? VENUE_TOP : VENUE_DEPTH;
	wire_demand(w, depth > 0 && (snapshot || json_str_is(f->type, "delta")));
	if (!f->has_sides)
		read_sides(w, j, &s);
	if (w->err != 0)
		return;
	uint64_t u = wire_id(w, s.u);
	wire_demand(w, u > 0);
	if (depth == 1) {
		give_top(w, &s, u);
	} else if (snapshot) {
		wire_give(w, &(struct venue_message){.kind = VENUE_SNAPSHOT,
						     .snapshot = {.last_id = u,
								  .bids_cut = s.bids.n >= depth,
								  .asks_cut = s.asks.n >= depth,
								  .bids = s.bids,
								  .asks = s.asks}});
	} else {
		struct venue_depth d = {.first_id = u, .last_id = u, .prev_id = u - 1, .bids = s.bids, .asks = s.asks};
		wire_give(w, &(struct venue_message){.kind = VENUE_DEPTH, .depth = d});
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

static void on_trade(struct wire *w, struct json *j)
{
	struct wire_member m[] = {{.name = "T"}, {.name = "S"}, {.name = "p"}, {.name = "v"}, {.name = "s"}};

	wire_members(j, m, ARRAY_LEN(m));
	wire_same_market(w, m[4].text);
	bool sell = json_str_is(m[1].text, "Sell");
	wire_demand(w, sell || json_str_is(m[1].text, "Buy"));
	/* Ids are random on the linear market, and do not count on the spot market. */
	struct venue_message msg = {.kind = VENUE_TRADE,
				    .trade = {.at = wire_instant(w, m[0].text),
					      .price = wire_price(w, m[2].text),
					      .qty = wire_qty(w, m[3].text),
					      .aggressor = sell ? side_sell : side_buy}};
	wire_demand(w, msg.trade.price > 0 && msg.trade.qty > 0);
	wire_give(w, &msg);
}

static void on_kline(struct wire *w, struct json *j)
{
	struct wire_member m[] = {{.name = "start"},    {.name = "end"},    {.name = "interval"}, {.name = "open"},
				  {.name = "high"},     {.name = "low"},    {.name = "close"},    {.name = "volume"},
				  {.name = "turnover"}, {.name = "confirm"}};

	wire_members(j, m, ARRAY_LEN(m));
	const char *interval = our_interval(m[2].text);
	wire_demand(w, wire_all_there(m, 9));
	if (w->err != 0 || interval == NULL) {
		wire_give(w, &(struct venue_message){.kind = VENUE_IGNORED});
		return;
	}
	struct venue_message msg = {.kind = VENUE_KLINE,
				    .kline = {.closed = m[9].truth,
					      .open_at = wire_instant(w, m[0].text),
					      .close_at = wire_instant(w, m[1].text) + 1000000, /* the last ms within */
					      .open = wire_price(w, m[3].text),
					      .high = wire_price(w, m[4].text),
					      .low = wire_price(w, m[5].text),
					      .close = wire_price(w, m[6].text),
					      .volume = wire_qty(w, m[7].text),
					      .quote_volume = wire_floor(w, m[8].text, VENUE_CASH_SCALE)}};
	memcpy(msg.kline.interval, interval, strlen(interval));
	wire_demand(w, msg.kline.low <= msg.kline.high && msg.kline.open_at < msg.kline.close_at);
	wire_give(w, &msg);
}

static void on_liquidation(struct wire *w, struct json *j)
{
	struct wire_member m[] = {{.name = "T"}, {.name = "S"}, {.name = "p"}, {.name = "v"}, {.name = "s"}};

	wire_members(j, m, ARRAY_LEN(m));
	wire_same_market(w, m[4].text);
	bool was_long = json_str_is(m[1].text, "Buy");
	wire_demand(w, was_long || json_str_is(m[1].text, "Sell"));
	struct venue_message msg = {.kind = VENUE_LIQUIDATION,
				    .liquidation = {.price = wire_price(w, m[2].text),
						    .qty = wire_qty(w, m[3].text),
						    .side = was_long ? side_sell : side_buy}};
	wire_demand(w, msg.liquidation.qty > 0);
	wire_give(w, &msg);
}

/* The linear market sends a whole ticker first and then what has changed of it; the spot market whole ones only. Mark
 * price and funding are the linear market's. */
enum { LAST, OPEN, HIGH, LOW, VOLUME, TURNOVER, MARK, INDEX, RATE, FUNDING_AT, SYMBOL, TICKER_TEXTS };

static void give_ticker(struct wire *w, const struct wire_member m[TICKER_TEXTS])
{
	struct venue_message msg = {.kind = VENUE_TICKER};

	for (int i = LAST; i <= TURNOVER; i++) {
		struct json_str text = m[i].text;
		if (text.len == 0)
			continue;
		msg.ticker.said |= 1u << i;
		msg.ticker.value[i] = i == TURNOVER ? wire_floor(w, text, VENUE_CASH_SCALE)
				      : i == VOLUME ? wire_qty(w, text)
						    : wire_price(w, text);
	}
	if (msg.ticker.said != 0)
		wire_give(w, &msg);
}

static bool set_mark(struct venue_mark *mark, const int64_t *field, struct json_str text)
{
	if (text.len > 0)
		mark->said |= 1u << (field - mark->value);
	return text.len > 0;
}

static void give_mark(struct wire *w, const struct wire_member m[TICKER_TEXTS])
{
	struct venue_message msg = {.kind = VENUE_MARK};
	struct venue_mark *mark = &msg.mark;

	if (set_mark(mark, &mark->price, m[MARK].text))
		mark->price = wire_floor(w, m[MARK].text, VENUE_MARK_SCALE);
	if (set_mark(mark, &mark->index, m[INDEX].text))
		mark->index = wire_floor(w, m[INDEX].text, VENUE_MARK_SCALE);
	if (set_mark(mark, &mark->rate, m[RATE].text))
		mark->rate = wire_rate(w, m[RATE].text);
	if (set_mark(mark, &mark->funding_at, m[FUNDING_AT].text))
		mark->funding_at = wire_instant(w, m[FUNDING_AT].text);
	if (mark->said != 0)
		wire_give(w, &msg);
}

static void read_ticker(struct wire *w, const struct wire_member m[TICKER_TEXTS])
{
	give_ticker(w, m);
	give_mark(w, m);
}

static void on_ticker(struct frame *f, struct json *j)
{
	static const char *const names[TICKER_TEXTS] = {
		"lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h",     "volume24h", "turnover24h",
		"markPrice", "indexPrice",   "fundingRate",  "nextFundingTime", "symbol",
	};
	struct wire *w = &f->w;
	struct wire_member m[TICKER_TEXTS];
	bool nothing = true;

	for (int i = 0; i < TICKER_TEXTS; i++)
		m[i].name = names[i];
	wire_members(j, m, TICKER_TEXTS);
	wire_same_market(w, m[SYMBOL].text);
	for (int i = 0; i < SYMBOL; i++)
		nothing = nothing && m[i].text.len == 0;
	w->silent = true; /* first see that all of it can be read */
	read_ticker(w, m);
	w->silent = false;
	if (nothing)
		wire_give(w, &(struct venue_message){.kind = VENUE_IGNORED});
	else
		read_ticker(w, m);
}

/* Channels whose data is a list of things, each on its own; and those where it is one. */
static const struct {
	const char *prefix;
	size_t len;
	enum venue_kind kind;
	void (*each)(struct wire *w, struct json *j);
	void (*whole)(struct frame *f, struct json *j);
} channels[] = {
	{NAME("orderbook."), VENUE_DEPTH, NULL, on_book},
	{NAME("publicTrade."), VENUE_TRADE, on_trade, NULL},
	{NAME("kline."), VENUE_KLINE, on_kline, NULL},
	{NAME("tickers."), VENUE_TICKER, NULL, on_ticker},
	{NAME("allLiquidation."), VENUE_LIQUIDATION, on_liquidation, NULL},
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
	return end > at ? f->w.out->find(f->w.out->ctx, at, (size_t)(end - at)) : NULL;
}

static bool is_of_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* "error:handler not found,topic:publicTrade.XUSDT": the market behind a dot, where it is one of ours. */
static const struct venue_market *market_in(const struct venue_output *out, const char *text)
{
	const struct venue_market *m = NULL;

	for (const char *at = strchr(text, '.'); at != NULL && m == NULL; at = strchr(at, '.')) {
		size_t n = 0;
		at++;
		while (is_of_name(at[n]))
			n++;
		m = n > 0 ? out->find(out->ctx, at, n) : NULL;
	}
	return m;
}

static int on_notice(struct frame *f)
{
	char text[EVENT_TEXT_MAX] = "";
	struct venue_message m = {.kind = VENUE_NOTICE, .notice = {.kind = VENUE_NOTICE_ACCEPTED, .text = text}};

	wire_text(f->ret_msg, text, sizeof(text));
	if (f->has_success && !f->success) {
		m.notice.kind = VENUE_NOTICE_REFUSED;
		m.market = market_in(f->w.out, text);
	}
	m.notice.answers = json_str_is(f->op, "subscribe");
	f->w.out->message(f->w.out->ctx, &m);
	return 0;
}

static void on_topic(struct frame *f)
{
	f->channel = f->topic.len > 0 ? channel_of(f->topic) : -1;
	f->w.market = f->channel >= 0 ? market_of(f) : NULL;
	f->has_sides = false;
}

/* The levels of a book whose topic came before it, as it usually does, are read in the pass that finds the end of the
 * data. Whatever is wrong with them is found again where data are read after the frame, and told then: an error of the
 * frame's own comes first. */
static void read_data(struct frame *f, struct json *j)
{
	bool is_object = json_peek(j) == JSON_OBJECT;
	const struct json before = *j;

	f->has_sides = false;
	if (is_object && f->w.market != NULL && channels[f->channel].kind == VENUE_DEPTH) {
		read_sides(&f->w, j, &f->sides);
		f->has_sides = f->w.err == 0;
		f->data = (struct json_str){before.at, (size_t)(j->at - before.at), false};
	}
	if (f->has_sides)
		return;
	f->w.err = 0;
	*j = before;
	json_raw(j, &f->data);
}

static void read_outer(struct frame *f, struct json *j)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "topic") && kind == JSON_STRING && json_string(j, &f->topic))
			on_topic(f);
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
			read_data(f, j);
		else
			json_skip(j);
	}
}

static int decode_frame(const struct venue_input *in, struct venue_output *out)
{
	struct frame f = {.w.out = out, .channel = -1};
	struct json j;

	json_init(&j, in->text, in->len);
	read_outer(&f, &j);
	const int channel = f.channel;
	if (channel >= 0)
		out->fault = (struct venue_fault){f.w.market, channels[channel].kind};
	int rc = json_finish(&j);
	if (rc < 0)
		return rc;
	if (f.op.len > 0 && f.topic.len == 0)
		return on_notice(&f);
	if (channel < 0 || f.w.market == NULL) {
		enum venue_kind kind = channel < 0 ? VENUE_UNKNOWN : VENUE_IGNORED;
		out->message(out->ctx, &(struct venue_message){.kind = kind});
		return 0;
	}
	if (f.data.len == 0)
		return ERR_PROTOCOL;
	f.w.time = wire_instant(&f.w, f.ts);
	json_init(&j, f.data.at, f.data.len);
	if (channels[channel].each != NULL)
		wire_list(&f.w, f.data, channels[channel].each);
	else
		channels[channel].whole(&f, &j);
	return f.w.err;
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
	case VENUE_ASK_SNAPSHOT: /* it comes on the stream */
	case VENUE_ASK_TRADES:
	case VENUE_ASK_LISTINGS:
		break;
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
	{VENUE_MARK_STREAM, "tickers."},
};

static bool is_wanted(const struct venue_feed *feed, size_t row)
{
	enum venue_stream stream = topics[row].stream;

	if (stream == VENUE_MARK_STREAM && (feed->streams & VENUE_TICKER_STREAM))
		return false; /* the ticker brings it */
	return (feed->streams & stream) &&
	       (stream != VENUE_KLINE_STREAM ||
		(feed->kline_interval != NULL && bybit_their_interval(feed->kline_interval) != NULL));
}

uint32_t bybit_stream_count(const struct venue_feed *feed)
{
	uint32_t n = 0;

	for (size_t row = 0; row < ARRAY_LEN(topics); row++)
		n += is_wanted(feed, row) ? feed->n : 0;
	return n;
}

uint32_t bybit_stream_answers(const struct venue_feed *feed)
{
	return (bybit_stream_count(feed) + ARGS_MAX - 1) / ARGS_MAX;
}

static int append_topic(const struct venue_feed *feed, size_t row, const struct venue_market *m, struct buf *out)
{
	if (topics[row].stream == VENUE_KLINE_STREAM)
		return buf_printf(out, "\"kline.%s.%s\"", bybit_their_interval(feed->kline_interval), m->raw);
	return buf_printf(out, "\"%s%s\"", topics[row].topic, m->raw);
}

static int subscription(const char *op, const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	uint32_t i = 0, first = nth * ARGS_MAX, said = 0;
	int rc = 0;

	for (uint32_t m = 0; rc == 0 && m < feed->n; m++)
		for (size_t row = 0; rc == 0 && row < ARRAY_LEN(topics); row++) {
			if (!is_wanted(feed, row) || i++ < first || said == ARGS_MAX)
				continue;
			rc = said++ == 0 ? buf_printf(out, "{\"op\":\"%s\",\"args\":[", op) : buf_byte(out, ',');
			if (rc == 0)
				rc = append_topic(feed, row, feed->markets[m], out);
		}
	if (rc == 0 && said == 0)
		return ERR_NOT_FOUND;
	return rc == 0 ? buf_printf(out, "]}") : rc;
}

int bybit_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	return subscription("subscribe", feed, nth, out);
}

/* A topic that is subscribed to already is refused: it is left first. One market has fewer topics than fit. */
int bybit_stream_again(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	static const char *const ops[] = {"unsubscribe", "subscribe"};

	return nth < ARRAY_LEN(ops) ? subscription(ops[nth], feed, 0, out) : ERR_NOT_FOUND;
}
