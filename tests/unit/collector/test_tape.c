/* test_tape - trades, candles, tops, instruments, hostile values; venues of another kind. */
#include <stdio.h>

#include "common/venue/book.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000040LL * NS) /* a whole minute */

static const struct collector_market one[] = {{"BTCUSDT", 0, 31}};

static struct ev_trade last_trade;
static struct ev_gap last_gap;
static struct ev_candle last_candle;
static struct ev_instrument last_instrument;
static struct event last_event;

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	last_event = *ev;
	if (ev->id == EVENT_trade)
		last_trade = ev->trade;
	if (ev->id == EVENT_gap)
		last_gap = ev->gap;
	if (ev->id == EVENT_candle)
		last_candle = ev->candle;
	if (ev->id == EVENT_instrument)
		last_instrument = ev->instrument;
}

static void open_rig(struct rig *r)
{
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.fill_max = 0; /* test_ledger has those that are fetched */
	rig_open(r, &s);
	r->on_event = watch;
	rig_change(r, T0, feed_live);
}

static void trade(struct rig *r, int64_t now, uint64_t id, const char *price, const char *qty)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"t\":%llu,\"p\":\"%s\","
		 "\"q\":\"%s\",\"T\":%lld,"
		 "\"m\":true,\"M\":true}",
		 (long long)(now / 1000000), (unsigned long long)id, price, qty, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

static void test_trade_ids(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	trade(&r, T0 + NS, 10, "100.5", "0.25");
	assert_int_equal(last_trade.trade_id, 10);
	assert_int_equal(last_trade.price, 10050000000);
	assert_int_equal(last_trade.qty, 25000000);
	assert_int_equal(last_trade.aggressor, side_sell);
	assert_string_equal(last_trade.instrument.s, "BTCUSDT.BINANCE");
	assert_int_equal(last_event.ts_event, T0 + NS);
	assert_int_equal(last_event.ts_recv, T0 + NS);
	trade(&r, T0 + 2 * NS, 11, "100", "1");
	trade(&r, T0 + 2 * NS, 11, "100", "1");
	trade(&r, T0 + 2 * NS, 9, "100", "1");
	const struct collector_counters *n = rig_counters(&r);
	assert_int_equal(n->trades, 2);
	assert_int_equal(n->trades_repeated, 2);
	assert_int_equal(r.count[EVENT_gap], 0);
	trade(&r, T0 + 3 * NS, 15, "100", "1");
	assert_int_equal(r.count[EVENT_gap], 1);
	assert_string_equal(last_gap.stream, "trade");
	assert_int_equal(last_gap.cause, gap_cause_sequence);
	assert_int_equal(last_gap.repair, repair_nothing);
	assert_int_equal(last_gap.first_missing, 12);
	assert_int_equal(last_gap.last_missing, 14);
	assert_int_equal(last_gap.from, T0 + 2 * NS);
	assert_int_equal(last_gap.to, T0 + 3 * NS);
	assert_int_equal(n->trades_missing, 3);
	/* a trade that cannot be read shows in the next one's id */
	rig_frame(&r, T0 + 4 * NS,
		  "{\"e\":\"trade\",\"E\":1,\"s\":\"BTCUSDT\",\"t\":16,\"p\":\"-5\",\"q\":\"1\","
		  "\"T\":1,\"m\":true}");
	trade(&r, T0 + 5 * NS, 17, "100", "1");
	assert_int_equal(r.count[EVENT_gap], 2);
	assert_int_equal(last_gap.cause, gap_cause_malformed);
	assert_int_equal(last_gap.first_missing, 16);
	rig_close(&r);
}

static void test_hostile_trades(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	trade(&r, T0 + NS, 10, "100", "1");
	trade(&r, T0 + 2 * NS, 11, "100000", "1"); /* a thousand times the price within a second */
	trade(&r, T0 + 3 * NS, 12, "0.1", "1");
	assert_int_equal(rig_counters(&r)->outliers, 2);
	rig_frame(&r, T0 + 4 * NS, /* a trade of the year 2100 would close every candle */
		  "{\"e\":\"trade\",\"E\":4102444800000,\"s\":\"BTCUSDT\",\"t\":13,\"p\":\"100\","
		  "\"q\":\"1\","
		  "\"T\":4102444800000,\"m\":true}");
	assert_int_equal(rig_counters(&r)->trades, 1);
	/* of second 1 alone, by the clock of the frames before */
	assert_int_equal(r.count[EVENT_candle], 1);
	trade(&r, T0 + 5 * NS, 14, "101", "1");
	assert_int_equal(rig_counters(&r)->trades, 2);
	assert_int_equal(last_gap.first_missing, 11);
	/* an id far ahead does not stop the stream for ever */
	trade(&r, T0 + 6 * NS, UINT64_MAX, "101", "1");
	trade(&r, T0 + 7 * NS, 15, "101", "1");
	assert_int_equal(rig_counters(&r)->trades_repeated, 1);
	trade(&r, T0 + 80 * NS, 16, "101", "1");
	assert_int_equal(last_trade.trade_id, 16);
	trade(&r, T0 + 81 * NS, 17, "101", "1");
	assert_int_equal(last_trade.trade_id, 17);
	rig_close(&r);
}

/* Bybit's linear market says once what there is and then what has changed: every event is whole, none is made of a
 * life before this connection, and who asked for one of both gets no other. */
static void test_changed_tickers(void **state)
{
	(void)state;
	static const char whole[] =
		"{\"topic\":\"tickers.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1700000041000,\"data\":{"
		"\"lastPrice\":\"100\",\"prevPrice24h\":\"90\",\"highPrice24h\":\"110\",\"lowPrice24h\":"
		"\"80\",\"volume24h\":\"7\",\"turnover24h\":\"700\",\"markPrice\":\"100.5\","
		"\"indexPrice\":\"100.4\",\"fundingRate\":\"-0.0001\",\"nextFundingTime\":"
		"\"1700006400000\"}}";
	static const char change[] = "{\"topic\":\"tickers.BTCUSDT\",\"type\":\"delta\",\"ts\":1700000042000,\"data\":{"
				     "\"lastPrice\":\"101\",\"markPrice\":\"100.6\"}}";
	struct collector_market market = {"BTCUSDT", 0, VENUE_TICKER_STREAM | VENUE_MARK_STREAM};
	struct collector_core_settings s;
	struct rig r;

	collector_core_defaults(&s, venue_find("BYBIT-PERP", 10));
	s.markets = &market;
	s.n_markets = 1;
	rig_open(&r, &s);
	r.on_event = watch;
	rig_change(&r, T0, feed_live);
	rig_frame(&r, T0 + NS, change); /* of a whole that we have not heard */
	assert_int_equal(r.count[EVENT_ticker], 0);
	assert_int_equal(r.count[EVENT_mark], 1);
	rig_frame(&r, T0 + NS, whole);
	rig_frame(&r, T0 + 2 * NS, change);
	assert_int_equal(r.count[EVENT_ticker], 2);
	assert_int_equal(r.count[EVENT_mark], 3);
	assert_int_equal(last_event.id, EVENT_mark);
	assert_int_equal(last_event.mark.mark, 10060000000);
	assert_int_equal(last_event.mark.index, 10040000000);
	assert_int_equal(last_event.mark.funding_rate, -1000000);
	assert_int_equal(last_event.mark.funding_at, 1700006400 * NS);
	rig_change(&r, T0 + 3 * NS, feed_lost);
	rig_change(&r, T0 + 4 * NS, feed_live);
	rig_frame(&r, T0 + 5 * NS, change);
	assert_int_equal(r.count[EVENT_ticker], 2);
	assert_int_equal(last_event.mark.index, 0);
	rig_close(&r);
	market.streams = VENUE_TICKER_STREAM;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	rig_frame(&r, T0 + NS, whole);
	assert_int_equal(r.count[EVENT_ticker], 1);
	assert_int_equal(r.count[EVENT_mark], 0);
	rig_close(&r);
}

/* Kalshi's tickers have a price and a volume, and are published without the rest; they count in no sequence, so that
 * one that was missed puts nothing in doubt. */
static void test_kalshi_tickers(void **state)
{
	(void)state;
	static const char text[] = "{\"type\":\"ticker\",\"sid\":3,\"seq\":%d,\"msg\":{\"market_ticker\":\"KX-A\","
				   "\"price_dollars\":\"0.5%d00\",\"volume_fp\":\"10000.25\",\"ts_ms\":1700000041000}}";
	struct collector_market market = {"KX-A", 0, VENUE_TICKER_STREAM | VENUE_TRADE_STREAM};
	struct collector_core_settings s;
	char frame[256];
	struct rig r;

	collector_core_defaults(&s, venue_find("KALSHI", 6));
	s.markets = &market;
	s.n_markets = 1;
	rig_open(&r, &s);
	r.on_event = watch;
	rig_change(&r, T0, feed_live);
	uint32_t gaps = r.count[EVENT_gap];
	for (int seq = 1; seq < 9; seq += 3) {
		snprintf(frame, sizeof(frame), text, seq, seq);
		rig_frame(&r, T0 + seq * NS, frame);
	}
	assert_int_equal(r.count[EVENT_ticker], 3);
	assert_int_equal(last_event.id, EVENT_ticker);
	assert_int_equal(last_event.ticker.last, 57 * fixed_pow10(last_event.ticker.price_scale) / 100);
	assert_int_equal(last_event.ticker.volume, 1000025 * fixed_pow10(last_event.ticker.qty_scale) / 100);
	assert_int_equal(last_event.ticker.open, 0);
	assert_int_equal(last_event.ticker.quote_volume, 0);
	assert_int_equal(rig_counters(&r)->feed_gaps, 0);
	assert_int_equal(r.count[EVENT_gap], gaps);
	rig_close(&r);
	market.streams = VENUE_TRADE_STREAM;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	rig_frame(&r, T0 + NS, frame);
	assert_int_equal(r.count[EVENT_ticker], 0);
	rig_close(&r);
}

static void test_candles(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	trade(&r, T0 + NS, 1, "100", "1");
	trade(&r, T0 + 2 * NS, 2, "102", "1");
	assert_int_equal(r.count[EVENT_candle], 1);
	assert_string_equal(last_candle.interval, "1s");
	assert_int_equal(last_candle.open_at, T0 + NS);
	assert_int_equal(last_candle.quote_volume, 10000000000);
	/* the clock of the connection closes the next one: any message with a venue time will do */
	rig_frame(&r, T0 + 4 * NS,
		  "{\"e\":\"24hrTicker\",\"E\":1700000043249,\"s\":\"BTCUSDT\",\"c\":\"1\","
		  "\"o\":\"1\","
		  "\"h\":\"1\",\"l\":\"1\",\"v\":\"1\",\"q\":\"1\"}");
	assert_int_equal(r.count[EVENT_candle], 1);
	assert_int_equal(r.count[EVENT_ticker], 1);
	rig_frame(&r, T0 + 4 * NS,
		  "{\"e\":\"24hrTicker\",\"E\":1700000043250,\"s\":\"BTCUSDT\",\"c\":\"1\","
		  "\"o\":\"1\","
		  "\"h\":\"1\",\"l\":\"1\",\"v\":\"1\",\"q\":\"1\"}");
	assert_int_equal(r.count[EVENT_candle], 2);
	assert_int_equal(last_candle.open, 10200000000);
	assert_true(last_candle.complete);
	trade(&r, T0 + 4 * NS, 3, "100", "1");
	trade(&r, T0 + 5 * NS, 5, "100", "1"); /* 4 is missing */
	assert_false(last_candle.complete);
	trade(&r, T0 + 6 * NS, 6, "100", "1");
	trade(&r, T0 + 7 * NS, 7, "100", "1");
	assert_true(last_candle.complete);
	rig_close(&r);
}

static void test_blind_candles(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	trade(&r, T0 + NS, 1, "100", "1");
	trade(&r, T0 + 2 * NS, 2, "100", "1");
	trade(&r, T0 + 3 * NS, 3, "100", "1");
	assert_true(last_candle.complete);
	rig_change(&r, T0 + 3 * NS + 1, feed_lost);
	rig_change(&r, T0 + 3 * NS + 2, feed_live);
	trade(&r, T0 + 5 * NS, 4, "100", "1"); /* no trade is missing, but we were blind */
	assert_false(last_candle.complete);
	assert_int_equal(r.count[EVENT_gap], 2); /* the connection's, and: none missed */
	assert_int_equal(last_gap.repair, repair_none_missed);
	trade(&r, T0 + 6 * NS, 5, "100", "1");
	assert_false(last_candle.complete); /* second 5 began while we were blind */
	trade(&r, T0 + 7 * NS, 6, "100", "1");
	assert_true(last_candle.complete);
	rig_close(&r);
}

static void test_klines(void **state)
{
	(void)state;
	struct rig r;
	char text[500];

	open_rig(&r);
	for (int closed = 0; closed < 2; closed++) {
		snprintf(text, sizeof(text),
			 "{\"e\":\"kline\",\"E\":1700000100001,\"s\":\"BTCUSDT\","
			 "\"k\":{\"t\":1700000040000,"
			 "\"T\":1700000099999,\"i\":\"1m\",\"o\":\"1\",\"c\":\"2\",\"h\":\"3\","
			 "\"l\":\"0.5\","
			 "\"v\":\"10\",\"n\":4,\"x\":%s,\"q\":\"20\"}}",
			 closed ? "true" : "false");
		rig_frame(&r, T0 + 60 * NS, text);
		assert_int_equal(r.count[EVENT_candle], closed);
	}
	assert_true(last_candle.from_venue);
	assert_int_equal(last_candle.open_at, T0);
	assert_string_equal(last_candle.interval, "1m");
	rig_close(&r);
}

static void top(struct rig *r, int64_t now, uint64_t id)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"u\":%llu,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
		 (unsigned long long)id);
	rig_frame(r, now, text);
}

static void test_tops(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	top(&r, T0 + 1, 100);
	assert_int_equal(last_event.ts_event, T0 + 1); /* it has no time of its own */
	top(&r, T0 + 2, 99);
	assert_int_equal(r.count[EVENT_top], 1);
	assert_int_equal(rig_counters(&r)->tops_reordered, 1);
	top(&r, T0 + 3, UINT64_MAX); /* a wild id does not silence what follows */
	top(&r, T0 + 4, 101);
	assert_int_equal(r.count[EVENT_top], 3);
	rig_close(&r);
}

#define INFO(tick, step)                                                                                               \
	"{\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","                          \
	"\"quoteAsset\":\"USDT\",\"filters\":[{\"filterType\":\"PRICE_FILTER\","                                       \
	"\"minPrice\":\"" tick "\","                                                                                   \
	"\"maxPrice\":\"1000000\",\"tickSize\":\"" tick "\"},{\"filterType\":\"LOT_SIZE\","                            \
	"\"minQty\":\"" step "\",\"maxQty\":\"9000\",\"stepSize\":\"" step "\"}]}]}"

static void test_instruments(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	collector_core_start(r.core, T0 + 1, &r.sink);
	assert_string_equal(rig_last_path(&r), "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D");
	assert_false(collector_core_described(r.core));
	rig_reply(&r, T0 + 2, 500, "");
	assert_int_equal(rig_counters(&r)->instruments_bad, 1);
	rig_timers(&r, T0 + NS);
	assert_int_equal(r.n_requests, 2);
	rig_reply(&r, T0 + NS, 200, INFO("0.01", "0.00001"));
	assert_true(collector_core_described(r.core));
	assert_int_equal(last_instrument.price_scale, 2);
	assert_int_equal(last_instrument.qty_scale, 8); /* old orders are finer than today's lot */
	assert_int_equal(last_instrument.lot_size, 1000);
	assert_int_equal(r.count[EVENT_instrument], 1);
	trade(&r, T0 + 2 * NS, 1, "100.25", "1");
	assert_int_equal(last_trade.price, 10025);
	/* asked for again each hour; what has not changed is not said again */
	rig_timers(&r, T0 + 3602 * NS);
	assert_int_equal(rig_last(&r)->ask, VENUE_ASK_INSTRUMENTS);
	rig_reply(&r, T0 + 3602 * NS, 200, INFO("0.01", "0.00001"));
	assert_int_equal(r.count[EVENT_instrument], 1);
	rig_timers(&r, T0 + 7203 * NS);
	rig_reply(&r, T0 + 7203 * NS, 200, INFO("0.001", "0.00001"));
	assert_int_equal(r.count[EVENT_instrument], 2);
	assert_int_equal(last_instrument.price_scale, 3);
	trade(&r, T0 + 7301 * NS, 2, "100.255", "1");
	assert_int_equal(last_trade.price, 100255);
	rig_close(&r);
}

/* Real books hold orders from before the tick became coarser. */
static void test_widened(void **state)
{
	(void)state;
	struct rig r;
	enum book_state book_state;

	open_rig(&r);
	collector_core_start(r.core, T0 + 1, &r.sink);
	rig_reply(&r, T0 + 2, 200, INFO("0.01", "0.00001"));
	trade(&r, T0 + 3, 1, "100.25", "1");
	rig_frame(&r, T0 + 4,
		  "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":5,\"u\":7,"
		  "\"b\":[[\"99\",\"1\"]],\"a\":[]}");
	rig_reply(&r, T0 + 5, 200,
		  "{\"lastUpdateId\":6,\"bids\":[[\"98\",\"1\"],[\"1.23456\",\"5\"]],"
		  "\"asks\":[[\"101\",\"1\"]]}");
	const struct book *b = collector_core_book(r.core, "BTCUSDT", &book_state);
	assert_int_equal(book_state, book_state_trusted);
	assert_int_equal(rig_counters(&r)->widened, 1);
	assert_int_equal(rig_counters(&r)->malformed, 0);
	assert_int_equal(last_instrument.price_scale, 8);
	assert_int_equal(last_instrument.tick_size, 1000000);
	/* kept at the narrow scale, brought along */
	assert_int_equal(book_level(b, side_buy, 0)->price, 9900000000);
	assert_int_equal(book_qty_at(b, side_buy, 123456000), 500000000);
	trade(&r, T0 + 6, 2, "100.26", "1");
	assert_int_equal(last_trade.price, 10026000000);
	/* the venue's own tick does not narrow it again */
	rig_timers(&r, T0 + 3602 * NS);
	rig_reply(&r, T0 + 3602 * NS, 200, INFO("0.01", "0.00001"));
	assert_int_equal(r.count[EVENT_instrument], 2);
	/* nothing is wider than eight decimals */
	rig_frame(&r, T0 + 3603 * NS,
		  "{\"e\":\"trade\",\"E\":1,\"s\":\"BTCUSDT\",\"t\":3,\"p\":\"0.000000001\","
		  "\"q\":\"1\",\"T\":1,\"m\":true}");
	assert_int_equal(rig_counters(&r)->misfits, 1);
	rig_close(&r);
}

static void test_widened_live(void **state)
{
	(void)state;
	struct rig r;
	enum book_state book_state;

	open_rig(&r);
	collector_core_start(r.core, T0 + 1, &r.sink);
	rig_reply(&r, T0 + 2, 200, INFO("0.01", "0.00001"));
	rig_frame(&r, T0 + 4,
		  "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":5,\"u\":7,"
		  "\"b\":[[\"99\",\"1\"]],\"a\":[]}");
	rig_reply(&r, T0 + 5, 200, "{\"lastUpdateId\":6,\"bids\":[[\"98\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}");
	rig_frame(&r, T0 + 6,
		  "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":8,\"u\":8,"
		  "\"b\":[[\"97.125\",\"1\"]],\"a\":[]}");
	const struct book *b = collector_core_book(r.core, "BTCUSDT", &book_state);
	assert_int_equal(book_state, book_state_trusted);
	assert_int_equal(r.count[EVENT_book_snapshot], 2); /* published again at the wider scale */
	assert_int_equal(book_depth(b, side_buy), 3);
	assert_int_equal(book_level(b, side_buy, 2)->price, 9712500000);
	assert_int_equal(rig_counters(&r)->resyncs, 0);
	rig_close(&r);
}

static void test_strangers(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r);
	rig_frame(&r, T0 + 1, "{\"u\":1,\"s\":\"DOGEUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}");
	rig_frame(&r, T0 + 2, "{\"e\":\"brandNew\",\"s\":\"BTCUSDT\"}");
	rig_frame(&r, T0 + 3, "{\"result\":null,\"id\":1}");
	rig_frame(&r, T0 + 4, "nonsense");
	rig_frame(&r, T0 + 5, "");
	rig_frame(&r, T0 + 6, "\xff\xfe");
	const struct collector_counters *n = rig_counters(&r);
	assert_int_equal(n->ignored, 1);
	assert_int_equal(n->unknown, 1);
	assert_int_equal(n->malformed, 3);
	assert_int_equal(n->frames, 6);
	assert_int_equal(r.count[EVENT_top], 0);
	rig_frame(&r, T0 + 7, "{\"e\":\"serverShutdown\",\"E\":1}");
	assert_int_equal(r.n_reconnects, 1);
	rig_frame(&r, T0 + 8, "{\"code\":2,\"msg\":\"Invalid request\",\"id\":1}");
	assert_int_equal(n->refusals, 1);
	assert_int_equal(last_event.id, EVENT_feed_state);
	assert_int_equal(last_event.feed_state.state, feed_refused);
	assert_string_equal(last_event.feed_state.reason, "Invalid request");
	rig_close(&r);
}

/* ---- a venue of another kind: snapshots on the stream, changes instead of totals, a sequence
 * over all ---- */

/* Frames: "S id bid ask", "D id dbid dask seq". */
static int odd_decode(const struct venue_input *in, struct venue_output *out)
{
	struct venue_message m = {.market = out->find(out->ctx, "X", 1), .feed = 7};
	unsigned long long id, bid, seq = 0;
	long long ask;
	char kind, text[100];

	snprintf(text, sizeof(text), "%.*s", (int)in->len, in->text);
	out->fault = (struct venue_fault){m.market, VENUE_DEPTH};
	if (sscanf(text, "%c %llu %llu %lld %llu", &kind, &id, &bid, &ask, &seq) < 4)
		return ERR_SYNTAX;
	m.feed_seq = seq;
	out->levels[0] = (struct level){100, (int64_t)bid};
	out->levels[out->levels_max] = (struct level){200, ask};
	struct levels bids = {out->levels, 1}, asks = {out->levels + out->levels_max, 1};
	if (kind == 'S') {
		m.kind = VENUE_SNAPSHOT;
		m.snapshot = (struct venue_snapshot){.last_id = id, .bids = bids, .asks = asks};
	} else {
		m.kind = VENUE_DEPTH;
		m.depth = (struct venue_depth){
			.first_id = id, .last_id = id, .relative = true, .bids = bids, .asks = asks};
	}
	out->message(out->ctx, &m);
	return 0;
}

static int odd_request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	(void)r;
	(void)out;
	(void)ret_weight;
	return ERR_ARG;
}

static enum venue_link odd_link(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	return d->last_id <= book_id ? VENUE_LINK_OLD : d->first_id == book_id + 1 ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

static void test_other_kind(void **state)
{
	(void)state;
	static const struct venue odd = {.name = "ODD",
					 .doc = "odd",
					 .suffix = "-PERP",
					 .streams = VENUE_DEPTH_STREAM,
					 .snapshot_in_stream = true,
					 .silence_ns = NS * 10,
					 .request = odd_request,
					 .decode = odd_decode,
					 .link = odd_link};
	static const struct collector_market x[] = {{"X", 0, VENUE_DEPTH_STREAM}};
	struct collector_core_settings s;
	struct rig r;
	enum book_state book_state;

	collector_core_defaults(&s, &odd);
	s.markets = x;
	s.n_markets = 1;
	rig_open(&r, &s);
	r.on_event = watch;
	rig_change(&r, T0, feed_live);
	rig_frame(&r, T0 + 1, "D 5 1 1 1"); /* before any snapshot */
	rig_frame(&r, T0 + 2, "S 9 10 20 2");
	const struct book *b = collector_core_book(r.core, "X", &book_state);
	assert_int_equal(book_state, book_state_trusted);
	rig_frame(&r, T0 + 3, "D 10 5 -20 3");
	assert_string_equal(last_event.book_delta.instrument.s, "X-PERP.ODD");
	assert_int_equal(book_qty_at(b, side_buy, 100), 15);
	assert_int_equal(book_depth(b, side_sell), 0);
	assert_int_equal(last_event.id, EVENT_book_delta);
	rig_frame(&r, T0 + 4, "D 11 0 -1 4"); /* less than nothing */
	collector_core_book(r.core, "X", &book_state);
	assert_int_equal(book_state, book_state_untrusted);
	assert_int_equal(rig_counters(&r)->resyncs, 1);
	rig_frame(&r, T0 + 5, "S 20 10 20 5");
	collector_core_book(r.core, "X", &book_state);
	assert_int_equal(book_state, book_state_trusted);
	/* the feed's sequence has a hole, though the book's has not */
	rig_frame(&r, T0 + 6, "D 21 1 1 7");
	collector_core_book(r.core, "X", &book_state);
	assert_int_equal(book_state, book_state_untrusted);
	rig_frame(&r, T0 + 7, "S 30 10 20 8");
	collector_core_book(r.core, "X", &book_state);
	assert_int_equal(book_state, book_state_trusted);
	assert_int_equal(r.n_requests, 0);
	assert_int_equal(r.count[EVENT_gap], 2);
	rig_close(&r);
}

/* What closed before the stream began is asked for once a connection, published oldest first, and never twice. */
static void test_klines_asked(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;
	char body[900];

	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.klines_limit = 3;
	snprintf(s.kline_interval, sizeof(s.kline_interval), "1m");
	rig_open(&r, &s);
	r.on_event = watch;
	rig_change(&r, T0, feed_live);
	rig_timers(&r, T0 + NS);
	assert_non_null(strstr(rig_last_path(&r), "/api/v3/klines?symbol=BTCUSDT&interval=1m"));
	snprintf(body, sizeof(body),
		 "[[%lld,\"1\",\"4\",\"1\",\"2\",\"10\",%lld,\"20\",5,\"0\",\"0\",\"0\"],"
		 "[%lld,\"2\",\"3\",\"2\",\"3\",\"10\",%lld,\"20\",6,\"0\",\"0\",\"0\"],"
		 "[%lld,\"3\",\"3\",\"3\",\"3\",\"10\",%lld,\"20\",7,\"0\",\"0\",\"0\"]]",
		 T0 / 1000000 - 120000, T0 / 1000000 - 60001, T0 / 1000000 - 60000, T0 / 1000000 - 1, T0 / 1000000,
		 T0 / 1000000 + 59999);
	uint64_t id = rig_last(&r)->id;
	rig_reply_to(&r, T0 + NS, id, 200, body);
	assert_int_equal(r.count[EVENT_candle], 2); /* the third one is still open */
	assert_int_equal(last_candle.open_at, T0 - 60 * NS);
	assert_string_equal(last_candle.interval, "1m");
	assert_true(last_candle.from_venue);
	rig_reply_to(&r, T0 + NS, id, 200, body);
	assert_int_equal(r.count[EVENT_candle], 2);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	rig_change(&r, T0 + 3 * NS, feed_live);
	rig_timers(&r, T0 + 4 * NS);
	assert_int_not_equal(rig_last(&r)->id, id);
	rig_reply(&r, T0 + 4 * NS, 200, body);
	assert_int_equal(r.count[EVENT_candle], 2);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trade_ids),       cmocka_unit_test(test_hostile_trades),
		cmocka_unit_test(test_changed_tickers), cmocka_unit_test(test_kalshi_tickers),
		cmocka_unit_test(test_candles),         cmocka_unit_test(test_blind_candles),
		cmocka_unit_test(test_klines),          cmocka_unit_test(test_tops),
		cmocka_unit_test(test_instruments),     cmocka_unit_test(test_widened),
		cmocka_unit_test(test_widened_live),    cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_other_kind),      cmocka_unit_test(test_klines_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
