/* binance_spot - Binance spot: combined streams, REST snapshots and instruments.
 *
 * Facts: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api/) of July 2026, and
 * recorded frames. Traps that the documents do not shout about: bookTicker has neither "e" nor any
 * time; partial depth has no symbol; serverShutdown comes raw or under the stream name
 * "!serverShutdown"; new keys and events appear without notice; times are in microseconds where
 * the URL asked for it; MIN_NOTIONAL became NOTIONAL in 2023.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/binance_frame.h"
#include "common/venue/binance_rest.h"

extern const struct venue venue_binance_spot;

#define SECOND 1000000000LL
#define SYMBOL_PARAMS_MAX 100 /* more names than that: ask for all instruments */

/* ---- kinds of frames ---- */

static void on_depth(struct binance_frame *f, struct venue_message *m)
{
	binance_sides(f);
	m->depth = (struct venue_depth){
		.first_id = binance_id(f, &f->own, 'U'),
		.last_id = binance_id(f, &f->own, 'u'),
		.bids = f->side[0],
		.asks = f->side[1],
	};
	binance_demand(f, m->depth.first_id > 0 && m->depth.first_id <= m->depth.last_id);
}

static void on_trade(struct binance_frame *f, struct venue_message *m)
{
	bool aggregate = m->kind == VENUE_TRADE && f->event.len == strlen("aggTrade");

	m->trade = (struct venue_trade){
		.at = binance_time(f, &f->own, 'T'),
		.price = binance_price(f, &f->own, 'p'),
		.qty = binance_qty(f, &f->own, 'q'),
		.first_id = binance_id(f, &f->own, aggregate ? 'f' : 't'),
		.last_id = binance_id(f, &f->own, aggregate ? 'l' : 't'),
		/* m: the buyer was the maker, so the aggressor sold. */
		.aggressor = binance_true(&f->own, 'm') ? side_sell : side_buy,
	};
	binance_demand(f, binance_is_flag(&f->own, 'm') && m->trade.price > 0 && m->trade.qty > 0);
	binance_demand(f, m->trade.first_id <= m->trade.last_id);
}

static void on_top(struct binance_frame *f, struct venue_message *m)
{
	m->top = (struct venue_top){
		.last_id = binance_id(f, &f->own, 'u'),
		.bid = binance_price(f, &f->own, 'b'),
		.bid_qty = binance_qty(f, &f->own, 'B'),
		.ask = binance_price(f, &f->own, 'a'),
		.ask_qty = binance_qty(f, &f->own, 'A'),
	};
}

static void on_kline(struct binance_frame *f, struct venue_message *m)
{
	const struct binance_letters *k = &f->kline;
	struct json_str interval = binance_text(k, 'i');

	binance_demand(f, binance_has(k, "tTiohlcvnq") && binance_is_flag(k, 'x') &&
				  interval.len < sizeof(m->kline.interval));
	if (f->err != 0)
		return;
	m->kline = (struct venue_kline){
		.closed = binance_true(k, 'x'),
		.open_at = binance_time(f, k, 't'),
		/* T is the last millisecond within */
		.close_at = binance_time(f, k, 'T') + 1000000,
		.open = binance_price(f, k, 'o'),
		.high = binance_price(f, k, 'h'),
		.low = binance_price(f, k, 'l'),
		.close = binance_price(f, k, 'c'),
		.volume = binance_qty(f, k, 'v'),
		.quote_volume = binance_cash(f, k, 'q'),
		.trades = (uint32_t)binance_id(f, k, 'n'),
	};
	memcpy(m->kline.interval, interval.at, interval.len);
	binance_demand(f, m->kline.low <= m->kline.high && m->kline.open_at < m->kline.close_at);
}

static void on_ticker(struct binance_frame *f, struct venue_message *m)
{
	m->ticker = (struct venue_ticker){
		.last = binance_price(f, &f->own, 'c'),
		.open = binance_price(f, &f->own, 'o'),
		.high = binance_price(f, &f->own, 'h'),
		.low = binance_price(f, &f->own, 'l'),
		.volume = binance_qty(f, &f->own, 'v'),
		.quote_volume = binance_cash(f, &f->own, 'q'),
	};
}

#define NAME(text) text, sizeof(text) - 1
static const struct {
	const char *event;
	size_t len;
	enum venue_kind kind;
	void (*read)(struct binance_frame *f, struct venue_message *m);
} events[] = {
	{NAME("depthUpdate"), VENUE_DEPTH, on_depth},
	{NAME("trade"), VENUE_TRADE, on_trade},
	{NAME("aggTrade"), VENUE_TRADE, on_trade},
	{NAME("kline"), VENUE_KLINE, on_kline},
	{NAME("24hrTicker"), VENUE_TICKER, on_ticker},
	{NAME("24hrMiniTicker"), VENUE_TICKER, on_ticker},
	{NAME(""), VENUE_TOP, on_top}, /* the only kind without a name */
};
#undef NAME

/* Row of `events` for the frame, or -1. */
static int event_of(const struct binance_frame *f)
{
	for (int i = 0; f->event.len > 0 && i < (int)ARRAY_LEN(events); i++)
		if (events[i].len == f->event.len && memcmp(events[i].event, f->event.at, f->event.len) == 0)
			return i;
	bool is_top = f->event.len == 0 && binance_has(&f->own, "usbBaA");
	return is_top ? (int)ARRAY_LEN(events) - 1 : -1;
}

/* An error's number; 0 where it has none that makes sense. */
static int64_t code_of(struct json_str text)
{
	uint64_t code;
	bool negative = text.len > 0 && text.at[0] == '-';

	if (text.len == 0)
		return 0;
	text.at += negative;
	text.len -= negative;
	if (wire_u64(text, &code) < 0 || code > INT32_MAX)
		return 0;
	return negative ? -(int64_t)code : (int64_t)code;
}

static bool is_shutdown(const struct binance_frame *f)
{
	return json_str_is(f->event, "serverShutdown") || json_str_is(f->stream, "!serverShutdown");
}

static void deliver_notice(struct binance_frame *f, struct venue_message *m)
{
	char text[EVENT_TEXT_MAX] = "";

	m->kind = VENUE_NOTICE;
	m->notice = (struct venue_notice){.kind = VENUE_NOTICE_ACCEPTED, .text = text};
	if (is_shutdown(f)) {
		m->notice.kind = VENUE_NOTICE_SHUTDOWN;
	} else if (f->message.at != NULL) {
		m->notice.code = code_of(f->code);
		m->notice.kind = VENUE_NOTICE_REFUSED;
		wire_text(f->message, text, sizeof(text));
	}
	f->out->message(f->out->ctx, m);
}

static bool is_notice(const struct binance_frame *f)
{
	return is_shutdown(f) || (f->event.len == 0 && (f->message.at != NULL || f->has_result));
}

static int deliver(struct binance_frame *f)
{
	struct venue_message m = {.kind = VENUE_UNKNOWN, .market = f->market};
	int i = event_of(f);

	if (is_notice(f)) {
		m.market = NULL;
		deliver_notice(f, &m);
		return 0;
	}
	if (i >= 0)
		m.kind = events[i].kind;
	f->out->fault.kind = m.kind;
	if (binance_contradicts(f))
		return ERR_PROTOCOL;
	if (i >= 0 && binance_has(&f->own, "E"))
		m.time = binance_time(f, &f->own, 'E');
	if (i < 0)
		m.kind = f->has_levels_id ? VENUE_IGNORED : VENUE_UNKNOWN;
	else if (f->market == NULL)
		m.kind = VENUE_IGNORED;
	else
		events[i].read(f, &m);
	if (f->err == 0)
		f->out->message(f->out->ctx, &m);
	return f->err;
}

/* What a broken frame was about, as far as one can tell. */
static void blame(struct binance_frame *f)
{
	int i = event_of(f);

	f->out->fault = (struct venue_fault){f->market, i >= 0 ? events[i].kind : VENUE_UNKNOWN};
	if (f->stream.len > 0 && f->symbol.len == 0)
		f->out->fault.market = binance_stream_market(f);
	if (i < 0 && memmem(f->stream.at ? f->stream.at : "", f->stream.len, "@depth", 6) != NULL)
		f->out->fault.kind = VENUE_DEPTH;
}

/* Arrays are about all markets; we subscribe to none of them. */
static int decode_array(struct json *j, struct venue_output *out)
{
	json_skip(j);
	int rc = json_finish(j);

	if (rc == 0)
		out->message(out->ctx, &(struct venue_message){.kind = VENUE_IGNORED});
	return rc;
}

static int decode_frame(const struct venue_input *in, struct venue_output *out)
{
	struct binance_frame f;
	struct json j;

	json_init(&j, in->text, in->len);
	if (json_peek(&j) == JSON_ARRAY)
		return decode_array(&j, out);
	int rc = binance_read(&f, &j, out);
	if (rc == 0)
		rc = deliver(&f);
	if (rc < 0)
		blame(&f);
	return rc;
}

static int decode(const struct venue_input *in, struct venue_output *out)
{
	out->fault = (struct venue_fault){in->market, VENUE_UNKNOWN};
	switch (in->ask) {
	case VENUE_ASK_NOTHING:
		return decode_frame(in, out);
	case VENUE_ASK_INSTRUMENTS:
		return binance_decode_instruments(in, out);
	case VENUE_ASK_SNAPSHOT:
		out->fault.kind = VENUE_SNAPSHOT;
		return in->market != NULL ? binance_decode_snapshot(in, out) : ERR_ARG;
	case VENUE_ASK_KLINES:
		out->fault.kind = VENUE_KLINE;
		return in->market != NULL ? binance_decode_klines(in, out) : ERR_ARG;
	}
	return ERR_ARG;
}

/* ---- what we send ---- */

static const struct {
	enum venue_stream stream;
	const char *name;
} stream_names[] = {
	{VENUE_DEPTH_STREAM, "depth@100ms"}, {VENUE_TRADE_STREAM, "trade"},   {VENUE_TOP_STREAM, "bookTicker"},
	{VENUE_KLINE_STREAM, "kline_"},      {VENUE_TICKER_STREAM, "ticker"},
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int append_lower(struct buf *out, const char *text)
{
	int rc = 0;

	for (; *text && rc == 0; text++)
		rc = buf_byte(out, (uint8_t)lower(*text));
	return rc;
}

static int append_stream(const struct venue_feed *feed, const struct venue_market *m, size_t row, struct buf *out)
{
	bool kline = stream_names[row].stream == VENUE_KLINE_STREAM;
	int rc = append_lower(out, m->raw);

	if (rc == 0)
		rc = buf_printf(out, "@%s%s", stream_names[row].name, kline ? feed->kline_interval : "");
	return rc;
}

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	uint32_t n = 0;
	int rc = buf_printf(out, "/stream?streams=");

	for (uint32_t i = 0; rc == 0 && i < feed->n; i++)
		for (size_t row = 0; rc == 0 && row < ARRAY_LEN(stream_names); row++) {
			enum venue_stream stream = stream_names[row].stream;
			if (!(feed->streams & stream) || (stream == VENUE_KLINE_STREAM && feed->kline_interval == NULL))
				continue;
			if (n++ > 0)
				rc = buf_byte(out, '/');
			if (rc == 0)
				rc = append_stream(feed, feed->markets[i], row, out);
		}
	if (rc == 0 && n == 0)
		return ERR_ARG;
	return rc == 0 && n > venue_binance_spot.streams_max ? ERR_TOO_LONG : rc;
}

/* The path subscribes: nothing is left to say. */
static int stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	(void)feed;
	(void)nth;
	(void)out;
	return ERR_NOT_FOUND;
}

static int instruments_path(const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "/api/v3/exchangeInfo");

	if (r->n == 0 || r->n > SYMBOL_PARAMS_MAX)
		return rc;
	for (uint32_t i = 0; rc == 0 && i < r->n; i++)
		rc = buf_printf(out, "%s%%22%s%%22", i == 0 ? "?symbols=%5B" : "%2C", r->markets[i]->raw);
	return rc == 0 ? buf_printf(out, "%%5D") : rc;
}

static int klines_path(const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "/api/v3/klines?symbol=%s&interval=%s", r->markets[0]->raw, r->interval);

	if (rc == 0 && r->from > 0)
		rc = buf_printf(out, "&startTime=%lld", (long long)(r->from / 1000000));
	if (rc == 0 && r->to > 0)
		rc = buf_printf(out, "&endTime=%lld", (long long)(r->to / 1000000));
	if (rc == 0 && r->limit > 0)
		rc = buf_printf(out, "&limit=%u", r->limit);
	return rc;
}

static uint32_t depth_weight(uint32_t limit)
{
	return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	int rc;

	switch (r->ask) {
	case VENUE_ASK_INSTRUMENTS:
		rc = instruments_path(r, out);
		*ret_weight = 20;
		return rc;
	case VENUE_ASK_SNAPSHOT:
		if (r->n != 1 || r->limit == 0 || r->limit > 5000)
			return ERR_ARG;
		*ret_weight = depth_weight(r->limit);
		return buf_printf(out, "/api/v3/depth?symbol=%s&limit=%u", r->markets[0]->raw, r->limit);
	case VENUE_ASK_KLINES:
		if (r->n != 1 || r->interval == NULL || r->limit > 1000)
			return ERR_ARG;
		*ret_weight = 2;
		return klines_path(r, out);
	default:
		return ERR_ARG;
	}
}

/* Managing a local order book, steps 5 to 7: drop u <= id; the next must reach back to id + 1.
 * Recorded frames are contiguous (U == previous u + 1) throughout. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	if (d->last_id <= book_id)
		return VENUE_LINK_OLD;
	return d->first_id <= book_id + 1 ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

static const char *const stream_hosts[] = {
	"wss://stream.binance.com:9443",
	"wss://stream.binance.com:443",
	"wss://data-stream.binance.vision",
	NULL,
};
static const char *const rest_hosts[] = {
	"https://api.binance.com",         "https://api-gcp.binance.com",
	"https://api1.binance.com",        "https://api2.binance.com",
	"https://api3.binance.com",        "https://api4.binance.com",
	"https://data-api.binance.vision", NULL,
};
static const char *const intervals[] = {
	"1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M", NULL,
};

const struct venue venue_binance_spot = {
	.name = "BINANCE",
	.doc = "Binance spot: 100 ms depth, trades, bookTicker, klines, tickers.",
	.suffix = "",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams =
		VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM,
	.kline_intervals = intervals,
	.trade_ids_count = true,
	.streams_max = 1024,
	.messages_per_s = 5,
	.attempts_max = 300,
	.attempts_ns = 300 * SECOND,
	.life_ns = 24 * 3600 * SECOND,
	.pong_ns = 60 * SECOND,
	.silence_ns = 30 * SECOND, /* the server pings every 20 s */
	.weight_limit = 6000,
	.weight_ns = 60 * SECOND,
	.weight_header = "X-MBX-USED-WEIGHT-1M",
	.retry_header = "Retry-After",
	.stream_path = stream_path,
	.stream_text = stream_text,
	.request = request,
	.decode = decode,
	.link = link_depth,
};
