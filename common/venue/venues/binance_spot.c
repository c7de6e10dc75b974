/* binance_spot - Binance spot: combined streams, REST snapshots and instruments.
 *
 * Facts: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api/) of July 2026, and recorded
 * frames. Traps that the documents do not shout about: bookTicker has neither "e" nor any time; partial depth
 * has no symbol; serverShutdown comes raw or under the stream name "!serverShutdown"; new keys and events appear
 * without notice; times are in microseconds where the URL asked for it; MIN_NOTIONAL became NOTIONAL in 2023.
 *
 * A frame is one object, perhaps inside {"stream":…,"data":…}. Every key is one letter: one pass collects the
 * raw text of each letter, then the event's kind decides what the letters mean.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/binance_rest.h"
#include "common/venue/wire.h"

extern const struct venue venue_binance_spot;

#define SECOND 1000000000LL
#define SYMBOL_PARAMS_MAX 100 /* more names than that: ask for all instruments */

/* ---- collecting a frame ---- */

/* Scalars by their one-letter key: A-Z, then a-z. */
struct letters {
	uint64_t present, truth; /* bits; truth: the value was `true` */
	struct json_str text[52];
};

struct frame {
	struct venue_output *out;
	const struct venue_market *market; /* of `symbol`, where we follow it */
	struct json_str stream, event, symbol, message, code;
	struct json_str late[2]; /* "b" and "a" of a depth update that came before its symbol */
	struct levels side[2];
	bool has_side[2];
	bool has_result, has_levels_id, inside;
	int err; /* of a value, while the text itself is well formed */
	struct letters own, kline; /* the last members: frame_init does not clear their texts */
};

static void frame_init(struct frame *f, struct venue_output *out)
{
	memset(f, 0, offsetof(struct frame, own));
	f->own.present = f->own.truth = 0;
	f->kline.present = f->kline.truth = 0;
	f->out = out;
}

static int letter_index(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

static uint64_t bit(char letter)
{
	return (uint64_t)1 << letter_index(letter);
}

static bool has(const struct letters *l, const char *all)
{
	for (; *all; all++)
		if (!(l->present & bit(*all)))
			return false;
	return true;
}

static struct json_str get(const struct letters *l, char letter)
{
	static const struct json_str none = {"", 0, false};

	return l->present & bit(letter) ? l->text[letter_index(letter)] : none;
}

/* The text of a letter is set where its bit is, and only there. */
static void collect_letter(struct json *j, struct letters *l, char letter)
{
	int i = letter_index(letter);
	enum json_kind kind = json_peek(j);
	bool truth = false, good;

	if (kind == JSON_STRING || kind == JSON_NUMBER) {
		good = json_scalar_text(j, &l->text[i]);
	} else if (kind == JSON_TRUE || kind == JSON_FALSE) {
		good = json_bool(j, &truth);
		l->text[i] = (struct json_str){"", 0, false};
	} else {
		json_skip(j);
		return;
	}
	if (!good)
		return;
	l->present |= (uint64_t)1 << i;
	l->truth = (l->truth & ~((uint64_t)1 << i)) | (uint64_t)truth << i;
}

static void collect_kline(struct json *j, struct letters *l)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key))
		if (key.len == 1 && letter_index(key.at[0]) >= 0)
			collect_letter(j, l, key.at[0]);
		else
			json_skip(j);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Length of the symbol in a stream's name, "btcusdt@depth@100ms"; 0 where it has none. */
static size_t stream_symbol_len(struct json_str stream)
{
	const char *at = stream.len > 0 ? memchr(stream.at, '@', stream.len) : NULL;

	return at != NULL && stream.at[0] != '!' ? (size_t)(at - stream.at) : 0;
}

static const struct venue_market *stream_market(const struct frame *f)
{
	char raw[SYMBOL_RAW_MAX];
	size_t n = stream_symbol_len(f->stream);

	if (n == 0 || n > sizeof(raw))
		return NULL;
	for (size_t i = 0; i < n; i++)
		raw[i] = upper(f->stream.at[i]);
	return f->out->find(f->out->ctx, raw, n);
}

/* The stream's name and the symbol inside it must agree. */
static bool is_contradiction(const struct frame *f)
{
	size_t n = stream_symbol_len(f->stream);

	if (n == 0 || f->symbol.len == 0)
		return false;
	bool same = n == f->symbol.len;
	for (size_t i = 0; same && i < n; i++)
		same = upper(f->stream.at[i]) == upper(f->symbol.at[i]);
	return !same;
}

static void read_side(struct json *j, struct frame *f, int side)
{
	struct level *at = f->out->levels + (size_t)side * f->out->levels_max;
	int rc = wire_levels(j, f->market, at, f->out->levels_max, &f->side[side]);

	if (rc < 0 && f->err == 0)
		f->err = rc;
	f->has_side[side] = true;
}

/* An array under "b" or "a" (0 or 1): levels where the symbol is known by now, else kept for later. */
static void collect_side(struct json *j, struct frame *f, int side)
{
	if (f->market == NULL || f->err != 0)
		json_raw(j, &f->late[side]);
	else
		read_side(j, f, side);
}

static void collect_key(struct json *j, struct frame *f, char letter)
{
	bool is_array = json_peek(j) == JSON_ARRAY;

	if (is_array && (letter == 'b' || letter == 'a')) {
		collect_side(j, f, letter == 'a');
		return;
	}
	if (letter == 'k' && json_peek(j) == JSON_OBJECT) {
		collect_kline(j, &f->kline);
		return;
	}
	collect_letter(j, &f->own, letter);
	if (letter == 's' && has(&f->own, "s")) {
		f->symbol = get(&f->own, 's');
		f->market = f->out->find(f->out->ctx, f->symbol.at, f->symbol.len);
	}
	if (letter == 'e')
		f->event = get(&f->own, 'e');
}

static void collect(struct json *j, struct frame *f);

static bool is_wrapper_key(struct json_str key)
{
	return json_str_is(key, "data") || json_str_is(key, "error");
}

/* Keys of more than one letter: the wrapper's, and those of replies to our own messages. */
static void collect_word(struct json *j, struct frame *f, struct json_str key)
{
	enum json_kind kind = json_peek(j);

	if (json_str_is(key, "stream") && kind == JSON_STRING) {
		json_string(j, &f->stream);
	} else if (is_wrapper_key(key) && kind == JSON_OBJECT && !f->inside) {
		f->inside = true;
		json_object(j);
		collect(j, f);
	} else if (json_str_is(key, "result")) {
		f->has_result = true;
		json_skip(j);
	} else if (json_str_is(key, "msg") && kind == JSON_STRING) {
		json_string(j, &f->message);
	} else if (json_str_is(key, "code") && kind == JSON_NUMBER) {
		json_number(j, &f->code);
	} else {
		f->has_levels_id |= json_str_is(key, "lastUpdateId");
		json_skip(j);
	}
}

/* Members of the object that the reader is in. */
static void collect(struct json *j, struct frame *f)
{
	struct json_str key;

	while (json_key(j, &key) && f->err == 0)
		if (key.len == 1 && letter_index(key.at[0]) >= 0)
			collect_key(j, f, key.at[0]);
		else
			collect_word(j, f, key);
}

/* ---- values, with the first error kept ---- */

static void note(struct frame *f, int rc)
{
	if (rc < 0 && f->err == 0)
		f->err = rc;
}

static int64_t price_in(struct frame *f, const struct letters *l, char letter)
{
	int64_t value = 0;
	note(f, wire_decimal(get(l, letter), f->market->price_scale, &value));
	return value;
}

static int64_t qty_in(struct frame *f, const struct letters *l, char letter)
{
	int64_t value = 0;
	note(f, wire_decimal(get(l, letter), f->market->qty_scale, &value));
	return value;
}

static int64_t cash_in(struct frame *f, const struct letters *l, char letter)
{
	int64_t value = 0;
	note(f, wire_decimal(get(l, letter), VENUE_CASH_SCALE, &value));
	return value;
}

static uint64_t id_in(struct frame *f, const struct letters *l, char letter)
{
	uint64_t value = 0;
	note(f, wire_u64(get(l, letter), &value));
	return value;
}

static int64_t time_in(struct frame *f, const struct letters *l, char letter)
{
	int64_t value = 0;
	note(f, wire_time(get(l, letter), &value));
	return value;
}

static void demand(struct frame *f, bool condition)
{
	note(f, condition ? 0 : ERR_PROTOCOL);
}

/* ---- kinds of frames ---- */

static void read_late(struct frame *f, int side)
{
	struct json j;

	if (f->late[side].at == NULL || f->err != 0)
		return;
	json_init(&j, f->late[side].at, f->late[side].len);
	read_side(&j, f, side);
}

static void on_depth(struct frame *f, struct venue_message *m)
{
	read_late(f, 0);
	read_late(f, 1);
	demand(f, f->has_side[0] && f->has_side[1]);
	m->depth = (struct venue_depth){
		.first_id = id_in(f, &f->own, 'U'),
		.last_id = id_in(f, &f->own, 'u'),
		.bids = f->side[0],
		.asks = f->side[1],
	};
	demand(f, m->depth.first_id > 0 && m->depth.first_id <= m->depth.last_id);
}

static void on_trade(struct frame *f, struct venue_message *m)
{
	bool aggregate = m->kind == VENUE_TRADE && f->event.len == strlen("aggTrade");

	m->trade = (struct venue_trade){
		.at = time_in(f, &f->own, 'T'),
		.price = price_in(f, &f->own, 'p'),
		.qty = qty_in(f, &f->own, 'q'),
		.first_id = id_in(f, &f->own, aggregate ? 'f' : 't'),
		.last_id = id_in(f, &f->own, aggregate ? 'l' : 't'),
		/* m: the buyer was the maker, so the aggressor sold. */
		.aggressor = f->own.truth & bit('m') ? side_sell : side_buy,
	};
	demand(f, has(&f->own, "m") && m->trade.price > 0 && m->trade.qty > 0);
	demand(f, m->trade.first_id <= m->trade.last_id);
}

static void on_top(struct frame *f, struct venue_message *m)
{
	m->top = (struct venue_top){
		.last_id = id_in(f, &f->own, 'u'),
		.bid = price_in(f, &f->own, 'b'),
		.bid_qty = qty_in(f, &f->own, 'B'),
		.ask = price_in(f, &f->own, 'a'),
		.ask_qty = qty_in(f, &f->own, 'A'),
	};
}

static void on_kline(struct frame *f, struct venue_message *m)
{
	const struct letters *k = &f->kline;
	struct json_str interval = get(k, 'i');

	demand(f, has(k, "tTiohlcvnxq") && interval.len < sizeof(m->kline.interval));
	if (f->err != 0)
		return;
	m->kline = (struct venue_kline){
		.closed = k->truth & bit('x'),
		.open_at = time_in(f, k, 't'),
		.close_at = time_in(f, k, 'T') + 1000000, /* T is the last millisecond within */
		.open = price_in(f, k, 'o'),
		.high = price_in(f, k, 'h'),
		.low = price_in(f, k, 'l'),
		.close = price_in(f, k, 'c'),
		.volume = qty_in(f, k, 'v'),
		.quote_volume = cash_in(f, k, 'q'),
		.trades = (uint32_t)id_in(f, k, 'n'),
	};
	memcpy(m->kline.interval, interval.at, interval.len);
	demand(f, m->kline.low <= m->kline.high && m->kline.open_at < m->kline.close_at);
}

static void on_ticker(struct frame *f, struct venue_message *m)
{
	m->ticker = (struct venue_ticker){
		.last = price_in(f, &f->own, 'c'),
		.open = price_in(f, &f->own, 'o'),
		.high = price_in(f, &f->own, 'h'),
		.low = price_in(f, &f->own, 'l'),
		.volume = qty_in(f, &f->own, 'v'),
		.quote_volume = cash_in(f, &f->own, 'q'),
	};
}

static const struct {
	const char *event;
	enum venue_kind kind;
	void (*read)(struct frame *f, struct venue_message *m);
} events[] = {
	{"depthUpdate", VENUE_DEPTH, on_depth},
	{"trade", VENUE_TRADE, on_trade},
	{"aggTrade", VENUE_TRADE, on_trade},
	{"kline", VENUE_KLINE, on_kline},
	{"24hrTicker", VENUE_TICKER, on_ticker},
	{"24hrMiniTicker", VENUE_TICKER, on_ticker},
	{"", VENUE_TOP, on_top}, /* the only kind without a name */
};

/* Row of `events` for the frame, or -1. */
static int event_of(const struct frame *f)
{
	for (int i = 0; i < (int)ARRAY_LEN(events) - 1; i++)
		if (json_str_is(f->event, events[i].event))
			return i;
	bool is_top = f->event.len == 0 && has(&f->own, "usbBaA");
	return is_top ? (int)ARRAY_LEN(events) - 1 : -1;
}

static bool is_shutdown(const struct frame *f)
{
	return json_str_is(f->event, "serverShutdown") || json_str_is(f->stream, "!serverShutdown");
}

static void deliver_notice(struct frame *f, struct venue_message *m)
{
	char text[EVENT_TEXT_MAX] = "";

	m->kind = VENUE_NOTICE;
	m->notice = (struct venue_notice){.kind = VENUE_NOTICE_ACCEPTED, .text = text};
	if (is_shutdown(f)) {
		m->notice.kind = VENUE_NOTICE_SHUTDOWN;
	} else if (f->message.at != NULL) {
		uint64_t code = 0;
		bool negative = f->code.len > 0 && f->code.at[0] == '-';
		struct json_str digits = {f->code.at + negative, f->code.len - negative, false};
		if (f->code.len > 0 && wire_u64(digits, &code) == 0 && code <= INT32_MAX)
			m->notice.code = negative ? -(int64_t)code : (int64_t)code;
		m->notice.kind = VENUE_NOTICE_REFUSED;
		wire_text(f->message, text, sizeof(text));
	}
	f->out->message(f->out->ctx, m);
}

static bool is_notice(const struct frame *f)
{
	return is_shutdown(f) || (f->event.len == 0 && (f->message.at != NULL || f->has_result));
}

static int deliver(struct frame *f)
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
	if (is_contradiction(f))
		return ERR_PROTOCOL;
	if (i >= 0 && has(&f->own, "E"))
		m.time = time_in(f, &f->own, 'E');
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
static void blame(struct frame *f)
{
	int i = event_of(f);

	f->out->fault = (struct venue_fault){f->market, i >= 0 ? events[i].kind : VENUE_UNKNOWN};
	if (f->stream.len > 0 && f->symbol.len == 0)
		f->out->fault.market = stream_market(f);
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
	struct frame f;
	struct json j;

	json_init(&j, in->text, in->len);
	if (json_peek(&j) == JSON_ARRAY)
		return decode_array(&j, out);
	frame_init(&f, out);
	json_object(&j);
	collect(&j, &f);
	int rc = f.err != 0 ? f.err : json_finish(&j);
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
	{VENUE_DEPTH_STREAM, "depth@100ms"}, {VENUE_TRADE_STREAM, "trade"},
	{VENUE_TOP_STREAM, "bookTicker"},    {VENUE_KLINE_STREAM, "kline_"},
	{VENUE_TICKER_STREAM, "ticker"},
};

static int append_lower(struct buf *out, const char *text)
{
	int rc = 0;

	for (; *text && rc == 0; text++)
		rc = buf_byte(out, (uint8_t)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text));
	return rc;
}

static int append_stream(const struct venue_feed *feed, const struct venue_market *m, size_t row,
			 struct buf *out)
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
			if (!(feed->streams & stream) ||
			    (stream == VENUE_KLINE_STREAM && feed->kline_interval == NULL))
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

/* Managing a local order book, steps 5 to 7: drop u <= id; the next must reach back to id + 1. Recorded frames
 * are contiguous (U == previous u + 1) throughout. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	if (d->last_id <= book_id)
		return VENUE_LINK_OLD;
	return d->first_id <= book_id + 1 ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

static const char *const stream_hosts[] = {
	"wss://stream.binance.com:9443", "wss://stream.binance.com:443",
	"wss://data-stream.binance.vision", NULL,
};
static const char *const rest_hosts[] = {
	"https://api.binance.com",  "https://api-gcp.binance.com", "https://api1.binance.com",
	"https://api2.binance.com", "https://api3.binance.com",    "https://api4.binance.com",
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
	.streams = VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM |
		   VENUE_TICKER_STREAM,
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
