/* kalshi - Kalshi: event contracts, order books of YES as snapshots and signed changes, trades,
 * tickers.
 *
 * Facts: docs.kalshi.com (asyncapi, trade-api v2) of 2026 and recorded frames. Traps: a change is a
 * quantity to ADD, with its sign; a side without levels is absent from the snapshot; sequences
 * count per subscription over all of its markets, so a hole puts every book of it in doubt; a
 * trade's "ts" is in seconds where a change's is a text: ts_ms is what both have; the integer
 * fields in cents are gone.
 *
 * There are bids only: a bid for NO at p is an offer of YES at 1 - p, and books here are of YES.
 * use_yes_price would turn NO prices round at the venue, and is to become the default: it is
 * pinned to false in what we send, and prices are turned here, once.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/hash.h"
#include "common/venue/kalshi_markets.h"
#include "common/venue/kalshi_candles.h"
#include "common/venue/kalshi_ticker.h"
#include "common/venue/kalshi_trades.h"
#include "common/venue/venue_account.h"
#include "common/venue/wire.h"

extern const struct venue venue_kalshi;

#define SECOND 1000000000LL
#define STREAMS (VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TICKER_STREAM)
#define BUFFER_OVERFLOW 25 /* error codes after which a subscription is dead */
#define CHANNEL_ERROR 10

/* Members of "msg" that are texts: whose it is, and those of changes and trades. */
enum { TICKER, PRICE, DELTA, SIDE, TIME, YES_PRICE, COUNT, TAKER, TRADE_ID, TEXTS };

struct frame {
	struct wire w;
	struct json_str type, msg, sid, seq; /* msg: as it stands */
	struct wire_member t[TEXTS];         /* empty where msg is no object */
};

static int64_t one_dollar(const struct wire *w)
{
	return fixed_pow10(w->market->price_scale);
}

/* A price of NO as one of YES. */
static int64_t turned(struct wire *w, int64_t price)
{
	wire_demand(w, price > 0 && price < one_dollar(w));
	return one_dollar(w) - price;
}

/* ---- books ---- */

static void read_side(struct wire *w, struct json *j, bool no, struct levels *ret_levels)
{
	struct level *asks = w->out->levels + w->out->levels_max;

	wire_side(w, j, no ? side_sell : side_buy, ret_levels);
	for (uint32_t i = 0; no && w->err == 0 && i < ret_levels->n; i++)
		asks[i].price = turned(w, asks[i].price);
}

static void on_snapshot(struct frame *f)
{
	struct wire *w = &f->w;
	struct venue_message m = {.kind = VENUE_SNAPSHOT, .snapshot = {.last_id = w->feed_seq}};
	struct json_str key;
	struct json j;

	json_init(&j, f->msg.at, f->msg.len);
	json_object(&j);
	while (w->err == 0 && json_key(&j, &key)) {
		if (json_str_is(key, "yes_dollars_fp"))
			read_side(w, &j, false, &m.snapshot.bids);
		else if (json_str_is(key, "no_dollars_fp"))
			read_side(w, &j, true, &m.snapshot.asks);
		else
			json_skip(&j);
	}
	if (w->err == 0)
		wire_note(w, json_finish(&j));
	wire_demand(w, w->feed_seq > 0);
	wire_give(w, &m);
}

static void on_delta(struct frame *f)
{
	struct wire *w = &f->w;
	struct venue_message m = {.kind = VENUE_DEPTH,
				  .depth = {.first_id = w->feed_seq, .last_id = w->feed_seq, .relative = true}};
	const struct wire_member *t = f->t;
	struct level *level = w->out->levels;

	bool no = json_str_is(t[SIDE].text, "no");
	wire_demand(w, (no || json_str_is(t[SIDE].text, "yes")) && w->feed_seq > 0);
	level->price = wire_price(w, t[PRICE].text);
	level->qty = wire_signed(w, t[DELTA].text, w->market->qty_scale); /* what is added */
	w->time = wire_instant(w, t[TIME].text);
	if (w->err != 0)
		return;
	wire_demand(w, level->price > 0);
	if (no)
		level->price = turned(w, level->price);
	*(no ? &m.depth.asks : &m.depth.bids) = (struct levels){level, 1};
	wire_give(w, &m);
}

/* The taker of NO sells YES. */
static void on_trade(struct frame *f)
{
	const struct wire_member *t = f->t;
	struct wire *w = &f->w;
	struct venue_message m = {.kind = VENUE_TRADE};

	bool no = json_str_is(t[TAKER].text, "no");
	wire_demand(w, no || json_str_is(t[TAKER].text, "yes"));
	m.trade.aggressor = no ? side_sell : side_buy;
	m.trade.price = wire_price(w, t[YES_PRICE].text);
	m.trade.qty = wire_qty(w, t[COUNT].text);
	m.trade.at = w->time = wire_instant(w, t[TIME].text);
	if (t[TRADE_ID].text.len > 0)
		m.trade.key = hash_bytes(t[TRADE_ID].text.at, t[TRADE_ID].text.len);
	wire_demand(w, m.trade.price > 0 && m.trade.qty > 0);
	wire_give(w, &m);
}

static void on_ticker(struct frame *f)
{
	struct json j;

	json_init(&j, f->msg.at, f->msg.len);
	kalshi_on_ticker(&f->w, &j);
}

/* ---- the envelope ---- */

#define NAME(text) text, sizeof(text) - 1

static const struct {
	const char *type;
	size_t len;
	enum venue_kind kind;
	void (*read)(struct frame *f);
} types[] = {
	{NAME("orderbook_snapshot"), VENUE_SNAPSHOT, on_snapshot},
	{NAME("orderbook_delta"), VENUE_DEPTH, on_delta},
	{NAME("trade"), VENUE_TRADE, on_trade},
	{NAME("ticker"), VENUE_TICKER, on_ticker},
};

static int type_of(struct json_str type)
{
	for (int i = 0; i < (int)ARRAY_LEN(types); i++)
		if (type.len == types[i].len && memcmp(type.at, types[i].type, type.len) == 0)
			return i;
	return -1;
}

/* A number is no name. */
static const struct venue_market *market_of(const struct frame *f)
{
	struct json_str ticker = f->t[TICKER].text;

	if (ticker.len == 0 || ticker.at[-1] != '"')
		return NULL;
	return f->w.out->find(f->w.out->ctx, ticker.at, ticker.len);
}

/* Its texts in the one pass that finds its end; who needs more of it reads it again. */
static void read_msg(struct frame *f, struct json *j)
{
	bool is_object = json_peek(j) == JSON_OBJECT;
	const char *from = j->at;

	for (int i = 0; i < TEXTS; i++)
		f->t[i].text = (struct json_str){"", 0, false};
	if (is_object)
		wire_members(j, f->t, TEXTS);
	else
		json_skip(j);
	if (j->err != 0)
		return;
	f->msg = (struct json_str){from, (size_t)(j->at - from), false};
	f->w.market = market_of(f);
}

static void read_outer(struct frame *f, struct json *j)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key)) {
		enum json_kind kind = json_peek(j);
		if (json_str_is(key, "type") && kind == JSON_STRING)
			json_string(j, &f->type);
		else if (json_str_is(key, "sid") && kind == JSON_NUMBER)
			json_number(j, &f->sid);
		else if (json_str_is(key, "seq") && kind == JSON_NUMBER)
			json_number(j, &f->seq);
		else if (json_str_is(key, "msg"))
			read_msg(f, j);
		else
			json_skip(j);
	}
}

static void read_sequence(struct frame *f)
{
	uint64_t sid = 0;

	if (f->sid.len > 0)
		wire_note(&f->w, wire_u64(f->sid, &sid));
	if (f->seq.len > 0)
		wire_note(&f->w, wire_u64(f->seq, &f->w.feed_seq));
	wire_demand(&f->w, sid <= UINT32_MAX);
	f->w.feed = (uint32_t)sid;
}

static void on_error(struct frame *f, struct venue_notice *n, char *text, size_t cap)
{
	struct json_str key, words = {"", 0, false};
	struct json j;

	n->kind = VENUE_NOTICE_REFUSED;
	json_init(&j, f->msg.at, f->msg.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		enum json_kind kind = json_peek(&j);
		if (json_str_is(key, "code") && kind == JSON_NUMBER)
			json_i64(&j, &n->code);
		else if (json_str_is(key, "msg") && kind == JSON_STRING)
			json_string(&j, &words);
		else
			json_skip(&j);
	}
	wire_text(words, text, cap);
	if (n->code == CHANNEL_ERROR || n->code == BUFFER_OVERFLOW)
		n->kind = VENUE_NOTICE_SHUTDOWN; /* nothing more comes of it: connect anew */
}

/* Answers count in their subscription's sequence, too. */
static void give_notice(struct frame *f)
{
	char text[EVENT_TEXT_MAX] = "";
	struct venue_message m = {.kind = VENUE_NOTICE, .notice = {.kind = VENUE_NOTICE_ACCEPTED, .text = text}};

	if (json_str_is(f->type, "error") && f->msg.len > 0 && f->msg.at[0] == '{')
		on_error(f, &m.notice, text, sizeof(text));
	m.notice.answers = json_str_is(f->type, "subscribed") || m.notice.kind == VENUE_NOTICE_REFUSED;
	wire_give(&f->w, &m);
}

static bool is_answer(struct json_str type)
{
	return json_str_is(type, "subscribed") || json_str_is(type, "unsubscribed") || json_str_is(type, "ok") ||
	       json_str_is(type, "error");
}

static int decode_frame(const struct venue_input *in, struct venue_output *out)
{
	struct frame f = {.w.out = out,
			  .t = {{.name = "market_ticker"},
				{.name = "price_dollars"},
				{.name = "delta_fp"},
				{.name = "side"},
				{.name = "ts_ms"},
				{.name = "yes_price_dollars"},
				{.name = "count_fp"},
				{.name = "taker_side"},
				{.name = "trade_id"}}};
	struct json j;

	json_init(&j, in->text, in->len);
	read_outer(&f, &j);
	int i = type_of(f.type);
	if (i < 0)
		f.w.market = NULL;
	out->fault = (struct venue_fault){f.w.market, i >= 0 ? types[i].kind : VENUE_UNKNOWN};
	int rc = json_finish(&j);
	if (rc < 0)
		return rc;
	read_sequence(&f);
	if (out->fault.kind == VENUE_TICKER)
		f.w.feed_seq = 0; /* each says everything: one that was missed leaves no hole in anything */
	if (is_answer(f.type)) {
		give_notice(&f);
	} else if (i < 0 || f.w.market == NULL) {
		wire_give(&f.w, &(struct venue_message){.kind = i < 0 ? VENUE_UNKNOWN : VENUE_IGNORED});
	} else if (f.w.err == 0) {
		types[i].read(&f);
	}
	return f.w.err;
}

/* ---- GET /markets/TICKER/orderbook ---- */

/* As a snapshot of the stream, without its place in a sequence. */
static int decode_orderbook(const struct venue_input *in, struct venue_output *out)
{
	struct wire w = {.out = out, .market = in->market};
	struct venue_message m = {.kind = VENUE_SNAPSHOT};
	struct json_str key, book;
	struct json j;
	int rc = wire_part(in, "orderbook_fp", JSON_OBJECT, &book);

	if (rc < 0)
		return rc;
	json_init(&j, book.at, book.len);
	json_object(&j);
	while (w.err == 0 && json_key(&j, &key)) {
		bool list = json_peek(&j) == JSON_ARRAY; /* null: no levels */
		if (list && json_str_is(key, "yes_dollars"))
			read_side(&w, &j, false, &m.snapshot.bids);
		else if (list && json_str_is(key, "no_dollars"))
			read_side(&w, &j, true, &m.snapshot.asks);
		else
			json_skip(&j);
	}
	if (w.err == 0)
		wire_note(&w, json_finish(&j));
	wire_give(&w, &m);
	return w.err;
}

static int decode(const struct venue_input *in, struct venue_output *out)
{
	out->fault = (struct venue_fault){in->market, VENUE_UNKNOWN};
	switch (in->ask) {
	case VENUE_ASK_NOTHING:
		return decode_frame(in, out);
	case VENUE_ASK_INSTRUMENTS:
		return kalshi_decode_markets(in, out);
	case VENUE_ASK_SNAPSHOT:
		out->fault.kind = VENUE_SNAPSHOT;
		return in->market != NULL ? decode_orderbook(in, out) : ERR_ARG;
	case VENUE_ASK_TRADES:
		out->fault.kind = VENUE_TRADE;
		return in->market != NULL ? kalshi_decode_trades(in, out) : ERR_ARG;
	case VENUE_ASK_KLINES:
		out->fault.kind = VENUE_KLINE;
		return in->market != NULL ? kalshi_decode_candles(in, out) : ERR_ARG;
	case VENUE_ASK_LISTINGS:
		break;
	}
	return ERR_ARG;
}

/* ---- what we send ---- */

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	(void)feed;
	return buf_printf(out, "/trade-api/ws/v2");
}

static const struct {
	uint32_t stream;
	const char *name;
} channels[] = {
	{VENUE_DEPTH_STREAM, "orderbook_delta"},
	{VENUE_TRADE_STREAM, "trade"},
	{VENUE_TICKER_STREAM, "ticker"},
};

static int stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	const char *comma = "";

	if (nth > 0 || feed->n == 0 || (feed->streams & STREAMS) == 0)
		return ERR_NOT_FOUND;
	int rc = buf_printf(out, "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(channels); i++)
		if (feed->streams & channels[i].stream) {
			rc = buf_printf(out, "%s\"%s\"", comma, channels[i].name);
			comma = ",";
		}
	rc = rc == 0 ? buf_printf(out, "],\"market_tickers\":[") : rc;
	for (uint32_t i = 0; rc == 0 && i < feed->n; i++)
		rc = buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", feed->markets[i]->raw);
	return rc == 0 ? buf_printf(out, "],\"use_yes_price\":false}}") : rc;
}

/* Each channel is answered with a subscription of its own. */
static uint32_t stream_answers(const struct venue_feed *feed)
{
	return feed->n > 0 ? (uint32_t)__builtin_popcount(feed->streams & STREAMS) : 0;
}

/* The book as it is, in its place in the subscription's sequence. */
static int stream_again(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	if (nth > 0 || feed->n == 0)
		return ERR_NOT_FOUND;
	if (feed->sid == 0) /* nothing has come of it yet */
		return stream_text(feed, nth, out);
	int rc = buf_printf(out,
			    "{\"id\":2,\"cmd\":\"update_subscription\",\"params\":{\"sids\":[%u],"
			    "\"action\":\"get_snapshot\",\"market_tickers\":[",
			    feed->sid);
	for (uint32_t i = 0; rc == 0 && i < feed->n; i++)
		rc = buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", feed->markets[i]->raw);
	return rc == 0 ? buf_printf(out, "]}}") : rc;
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	*ret_weight = 10;
	if (r->ask == VENUE_ASK_TRADES)
		return kalshi_trades_path(r, out);
	if (r->ask == VENUE_ASK_KLINES)
		return kalshi_candles_path(r, out);
	if (r->ask == VENUE_ASK_SNAPSHOT && r->n == 1)
		return buf_printf(out, "/trade-api/v2/markets/%s/orderbook", r->markets[0]->raw);
	if (r->ask != VENUE_ASK_INSTRUMENTS || r->n == 0)
		return ERR_ARG;
	int rc = buf_printf(out, "/trade-api/v2/markets?limit=1000&tickers=");
	for (uint32_t i = 0; rc == 0 && i < r->n; i++)
		rc = buf_printf(out, "%s%s", i > 0 ? "," : "", r->markets[i]->raw);
	return rc;
}

/* Ids count over all markets of a subscription: whether one is missing shows in feed_seq. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	return d->last_id <= book_id ? VENUE_LINK_OLD : VENUE_LINK_NEXT;
}

/* The query is left out. */
static int auth_text(int64_t at_ms, const char *method, const char *path, struct buf *out)
{
	return buf_printf(out, "%lld%s%.*s", (long long)at_ms, method, (int)strcspn(path, "?"), path);
}

static const struct venue_auth auth = {
	.key = "KALSHI-ACCESS-KEY",
	.time = "KALSHI-ACCESS-TIMESTAMP",
	.signature = "KALSHI-ACCESS-SIGNATURE",
	.text = auth_text,
};

static const char *const stream_hosts[] = {
	"wss://external-api-ws.kalshi.com",
	"wss://api.elections.kalshi.com",
	NULL,
};
static const char *const rest_hosts[] = {
	"https://external-api.kalshi.com",
	"https://api.elections.kalshi.com",
	NULL,
};

const struct venue venue_kalshi = {
	.name = "KALSHI",
	.doc = "Kalshi: event contracts; books of YES from snapshots and signed changes, trades, tickers.",
	.suffix = "",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams = STREAMS,
	.ticker_values = KALSHI_TICKER_VALUES,
	.kline_intervals = kalshi_intervals,
	.klines_sparse = true,
	.snapshot_in_stream = true,
	.gaps_by_feed = true,
	.prices_bounded = true,
	.points = true,
	.recall_max = KALSHI_TRADES_MAX,
	.streams_max = 1000,
	.messages_per_s = 10,
	.attempts_max = 60,
	.attempts_ns = 60 * SECOND,
	.pong_ns = 30 * SECOND,
	.silence_ns = 30 * SECOND, /* the server pings every 10 s */
	.weight_limit = 200,
	.weight_ns = SECOND,
	.auth = &auth,
	.time_path = "/trade-api/v2/exchange/status",
	.account = &venue_account_kalshi,
	.stream_path = stream_path,
	.stream_text = stream_text,
	.stream_answers = stream_answers,
	.stream_again = stream_again,
	.request = request,
	.decode = decode,
	.link = link_depth,
};
