/* binance_events - what the kinds of Binance's frames mean; spot and futures share them.
 *
 * Facts: github binance/binance-spot-api-docs (web-socket-streams.md) of July 2026, the USD-M futures
 * documents of the same time, and recorded frames of both.
 */
#include "common/venue/binance_events.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/binance_rest.h"

void binance_on_depth(struct binance_frame *f, struct venue_message *m)
{
	binance_sides(f);
	m->depth = (struct venue_depth){
		.first_id = binance_id(f, &f->own, 'U'),
		.last_id = binance_id(f, &f->own, 'u'),
		.bids = f->side[0],
		.asks = f->side[1],
	};
	if (f->previous.len > 0 && wire_u64(f->previous, &m->depth.prev_id) < 0)
		wire_demand(&f->w, false);
	wire_demand(&f->w, m->depth.first_id > 0 && m->depth.first_id <= m->depth.last_id);
}

void binance_on_trade(struct binance_frame *f, struct venue_message *m)
{
	bool aggregate = m->kind == VENUE_TRADE && f->event.len == strlen("aggTrade");
	uint64_t first_id = binance_id(f, &f->own, aggregate ? 'f' : 't');

	m->trade = (struct venue_trade){
		.at = binance_time(f, &f->own, 'T'),
		.price = binance_price(f, &f->own, 'p'),
		.qty = binance_qty(f, &f->own, 'q'),
		.first_id = first_id,
		.last_id = aggregate ? binance_id(f, &f->own, 'l') : first_id,
		/* m: the buyer was the maker, so the aggressor sold. */
		.aggressor = binance_true(&f->own, 'm') ? side_sell : side_buy,
	};
	wire_demand(&f->w, binance_is_flag(&f->own, 'm') && m->trade.price > 0 && m->trade.qty > 0);
	wire_demand(&f->w, m->trade.first_id <= m->trade.last_id);
}

void binance_on_top(struct binance_frame *f, struct venue_message *m)
{
	m->top = (struct venue_top){
		.last_id = binance_id(f, &f->own, 'u'),
		.bid = binance_price(f, &f->own, 'b'),
		.bid_qty = binance_qty(f, &f->own, 'B'),
		.ask = binance_price(f, &f->own, 'a'),
		.ask_qty = binance_qty(f, &f->own, 'A'),
	};
}

void binance_on_kline(struct binance_frame *f, struct venue_message *m)
{
	const struct binance_letters *k = &f->kline;
	struct json_str interval = binance_text(k, 'i');

	wire_demand(&f->w, binance_has(k, "tTiohlcvnq") && binance_is_flag(k, 'x') &&
				   interval.len < sizeof(m->kline.interval));
	wire_same_market(&f->w, binance_text(k, 's'));
	if (f->w.err != 0)
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
	wire_demand(&f->w, m->kline.low <= m->kline.high && m->kline.open_at < m->kline.close_at);
}

void binance_on_ticker(struct binance_frame *f, struct venue_message *m)
{
	m->ticker = (struct venue_ticker){
		.said = (1u << VENUE_TICKER_VALUES) - 1,
		.last = binance_price(f, &f->own, 'c'),
		.open = binance_price(f, &f->own, 'o'),
		.high = binance_price(f, &f->own, 'h'),
		.low = binance_price(f, &f->own, 'l'),
		.volume = binance_qty(f, &f->own, 'v'),
		.quote_volume = binance_cash(f, &f->own, 'q'),
	};
}

/* A contract that is delivered has no funding: its rate is an empty text and its time 0. */
void binance_on_mark(struct binance_frame *f, struct venue_message *m)
{
	struct json_str rate = binance_text(&f->own, 'r');

	wire_demand(&f->w, binance_has(&f->own, "piPT"));
	m->mark = (struct venue_mark){
		.said = (1u << VENUE_MARK_VALUES) - 1,
		.price = wire_floor(&f->w, binance_text(&f->own, 'p'), VENUE_MARK_SCALE),
		.index = wire_floor(&f->w, binance_text(&f->own, 'i'), VENUE_MARK_SCALE),
		.settle = wire_floor(&f->w, binance_text(&f->own, 'P'), VENUE_MARK_SCALE),
		.rate = rate.len > 0 ? wire_rate(&f->w, rate) : 0,
		.funding_at = binance_time(f, &f->own, 'T'),
	};
	wire_demand(&f->w, m->mark.price > 0);
}

void binance_on_liquidation(struct binance_frame *f, struct venue_message *m)
{
	const struct binance_letters *o = &f->kline;
	struct json_str side = binance_text(o, 'S');
	bool sell = json_str_is(side, "SELL");

	wire_demand(&f->w, binance_has(o, "spqST") && (sell || json_str_is(side, "BUY")));
	if (f->w.err != 0)
		return;
	m->liquidation = (struct venue_liquidation){
		.price = binance_price(f, o, 'p'), .qty = binance_qty(f, o, 'q'), .side = sell ? side_sell : side_buy};
	/* An average has more decimals than a price: those are cut off. */
	if (f->average.len > 0)
		m->liquidation.avg_price = wire_floor(&f->w, f->average, f->w.market->price_scale);
	wire_demand(&f->w, m->liquidation.qty > 0);
}

/* Row of a frame's kind, or NULL. A row without a name is that of the frames which name no kind: best bid and ask. */
static const struct binance_kind *kind_of(const struct binance_frame *f, const struct binance_kind *kinds)
{
	const uint64_t top = binance_bit('u') | binance_bit('s') | binance_bit('b') | binance_bit('B') |
			     binance_bit('a') | binance_bit('A');

	for (const struct binance_kind *k = kinds; k->read != NULL; k++) {
		if (f->event.len != k->len)
			continue;
		if (k->len == 0)
			return (f->own.present & top) == top ? k : NULL;
		if (memcmp(k->event, f->event.at, k->len) == 0)
			return k;
	}
	return NULL;
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
	f->w.out->message(f->w.out->ctx, m);
}

static bool is_notice(const struct binance_frame *f)
{
	return is_shutdown(f) || (f->event.len == 0 && (f->message.at != NULL || f->has_result));
}

/* A liquidation names its symbol inside its order only. */
static const struct venue_market *find_inner(struct binance_frame *f)
{
	f->symbol = binance_text(&f->kline, 's');
	return f->w.out->find(f->w.out->ctx, f->symbol.at, f->symbol.len);
}

static int deliver(struct binance_frame *f, const struct binance_kind *kinds)
{
	const struct binance_kind *k = kind_of(f, kinds);
	struct venue_message m; /* not cleared as a whole, which takes long: a kind's reader fills all of its part */

	m.kind = VENUE_UNKNOWN;
	m.market = f->w.market;
	m.time = 0;
	m.feed = 0;
	m.feed_seq = 0;
	m.seal = NULL;
	if (f->w.market == NULL && f->symbol.len == 0 && binance_has(&f->kline, "s"))
		m.market = f->w.market = find_inner(f);
	if (is_notice(f)) {
		m.market = NULL;
		deliver_notice(f, &m);
		return 0;
	}
	if (k != NULL)
		m.kind = k->kind;
	f->w.out->fault.kind = m.kind;
	if (binance_contradicts(f))
		return ERR_PROTOCOL;
	if (k != NULL && binance_has_one(&f->own, 'E'))
		m.time = binance_time(f, &f->own, 'E');
	if (k == NULL)
		m.kind = f->has_levels_id ? VENUE_IGNORED : VENUE_UNKNOWN;
	else if (f->w.market == NULL)
		m.kind = VENUE_IGNORED;
	else
		k->read(f, &m);
	if (f->w.err == 0)
		f->w.out->message(f->w.out->ctx, &m);
	return f->w.err;
}

/* What a broken frame was about, as far as one can tell. */
static void blame(struct binance_frame *f, const struct binance_kind *kinds)
{
	const struct binance_kind *k = kind_of(f, kinds);

	f->w.out->fault = (struct venue_fault){f->w.market, k != NULL ? k->kind : VENUE_UNKNOWN};
	if (f->stream.len > 0 && f->symbol.len == 0)
		f->w.out->fault.market = binance_stream_market(f);
	if (k == NULL && memmem(f->stream.at ? f->stream.at : "", f->stream.len, "@depth", 6) != NULL)
		f->w.out->fault.kind = VENUE_DEPTH;
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

static int decode_frame(const struct binance_kind *kinds, const struct venue_input *in, struct venue_output *out)
{
	struct binance_frame f;
	struct json j;

	json_init(&j, in->text, in->len);
	if (in->len > 0 && in->text[0] != '{' && json_peek(&j) == JSON_ARRAY)
		return decode_array(&j, out);
	int rc = binance_read(&f, &j, out);
	if (rc == 0)
		rc = deliver(&f, kinds);
	if (rc < 0)
		blame(&f, kinds);
	return rc;
}

int binance_decode(const struct binance_kind *kinds, const struct venue_input *in, struct venue_output *out)
{
	out->fault = (struct venue_fault){in->market, VENUE_UNKNOWN};
	switch (in->ask) {
	case VENUE_ASK_NOTHING:
		return decode_frame(kinds, in, out);
	case VENUE_ASK_INSTRUMENTS:
		return binance_decode_instruments(in, out);
	case VENUE_ASK_SNAPSHOT:
		out->fault.kind = VENUE_SNAPSHOT;
		return in->market != NULL ? binance_decode_snapshot(in, out) : ERR_ARG;
	case VENUE_ASK_KLINES:
		out->fault.kind = VENUE_KLINE;
		return in->market != NULL ? binance_decode_klines(in, out) : ERR_ARG;
	case VENUE_ASK_TRADES:
		out->fault.kind = VENUE_TRADE;
		return in->market != NULL ? binance_decode_trades(in, out) : ERR_ARG;
	case VENUE_ASK_LISTINGS:
		break;
	}
	return ERR_ARG;
}
