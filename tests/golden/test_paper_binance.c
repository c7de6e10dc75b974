/* test_paper_binance - recorded Binance data through collector, strategy and executor in one
 * process.
 *
 * 10.8 minutes of BTCUSDT (spot, 8 and 9 August 2024): the paper account must trade often, by
 * market and limit orders, with partial fills and typed refusals; the same again must give the same
 * bytes; and a restart of strategy and executor anywhere must change nothing.
 */
#include "tests/golden/fused.h"

#include "common/io/capture.h"
#include "services/collector/core.h"
#include "services/strategy/registry.h"

#define SECOND INT64_C(1000000000)

extern const struct venue venue_binance_spot;

struct run {
	struct fused fused;
	struct collector_core *collector;
	struct sink sink;
	uint64_t asked;   /* the request that waits for its reply */
	enum venue_ask ask;
	uint64_t events;
	uint64_t restart_every;
	uint32_t candles, deltas;
};

static void on_market(void *ctx, struct event *ev)
{
	struct run *r = ctx;
	int64_t *last = &r->fused.last_at[FUSED_MARKET];
	snprintf(ev->source, sizeof(ev->source), "collector");
	if (ev->ts_recv <= *last)
		ev->ts_recv = *last + 1;
	*last = ev->ts_recv;
	r->candles += ev->id == EVENT_candle;
	r->deltas += ev->id == EVENT_book_delta;
	r->events++;
	if (r->restart_every && r->events % r->restart_every == 0)
		fused_restart(&r->fused);
	fused_market(&r->fused, ev);
}

static void on_request(void *ctx, const struct collector_request *request)
{
	struct run *r = ctx;
	r->asked = request->id;
	r->ask = request->ask;
}

static void on_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	(void)connection;
	fail_msg("reconnect: %s", reason);
}

/* The filters BTCUSDT had: tick 0.01, lot 0.00001, at least 5 USDT. The recordings have none. */
static const char exchange_info[] =
	"{\"timezone\":\"UTC\",\"serverTime\":1723161255817,\"rateLimits\":[],"
	"\"exchangeFilters\":[],"
	"\"symbols\":[{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\","
	"\"baseAssetPrecision\":8,\"quoteAsset\":\"USDT\",\"quotePrecision\":8,"
	"\"quoteAssetPrecision\":8,\"orderTypes\":[\"LIMIT\",\"MARKET\"],"
	"\"isSpotTradingAllowed\":true,\"filters\":["
	"{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01000000\","
	"\"maxPrice\":\"1000000.00000000\",\"tickSize\":\"0.01000000\"},"
	"{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001000\","
	"\"maxQty\":\"9000.00000000\",\"stepSize\":\"0.00001000\"},"
	"{\"filterType\":\"MARKET_LOT_SIZE\",\"minQty\":\"0.00000000\","
	"\"maxQty\":\"114.71830145\",\"stepSize\":\"0.00000000\"},"
	"{\"filterType\":\"NOTIONAL\",\"minNotional\":\"5.00000000\",\"applyMinToMarket\":true,"
	"\"maxNotional\":\"9000000.00000000\",\"applyMaxToMarket\":false,\"avgPriceMins\":5}]}]}";

static void answer(struct run *r, int64_t now, const char *body, size_t len)
{
	struct collector_reply reply = {
		.now = now, .id = r->asked, .status = 200, .body = body, .len = len};
	r->ask = VENUE_ASK_NOTHING;
	collector_core_on_reply(r->collector, &reply, &r->sink);
}

static void collector_timers(struct run *r, int64_t before)
{
	int64_t due;
	while ((due = collector_core_next_due(r->collector)) < before)
		collector_core_on_timer(r->collector, due, &r->sink);
}

static void open_collector(struct run *r)
{
	static const struct collector_market market = {
		"BTCUSDT", 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM};
	struct collector_core_settings s;
	struct collector_actions actions = {.ctx = r, .request = on_request, .reconnect = on_reconnect};
	collector_core_defaults(&s, &venue_binance_spot);
	s.origin = origin_replay;
	s.markets = &market;
	s.n_markets = 1;
	s.intervals[0] = SECOND;
	s.n_intervals = 1;
	s.reply_ns = 600 * SECOND; /* the recorded reply comes when it came */
	r->sink = (struct sink){r, on_market};
	assert_int_equal(collector_core_new(&s, &actions, &r->collector), 0);
}

static enum latency_model latency; /* of the next play */

static struct executor_settings executor_settings(void)
{
	struct executor_settings s;
	char why[EVENT_TEXT_MAX];
	executor_defaults(&s);
	s.latency.model = (uint8_t)latency;
	assert_int_equal(latency_parse("50%=70ms 90%=120ms 100%=900ms", &s.latency.order, why, sizeof(why)), 0);
	s.latency.ack = s.latency.order;
	s.origin = origin_replay;
	s.balance[0].amount = INT64_C(100000) * 100000000;
	return s;
}

static void seat(struct strategy_core_settings *s, const char *name, const char *const *settings)
{
	struct strategy_seat *as = &s->seat[s->n_seats++];
	event_set_name(as->name, name);
	event_set_name(as->account, "paper");
	as->strategy = registry_find("ema_cross");
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &as->instrument), 0);
	for (; settings[0]; settings += 2) {
		event_set_name(as->setting[as->n_settings].name, settings[0]);
		event_set_name(as->setting[as->n_settings++].value, settings[1]);
	}
}

static struct strategy_core_settings strategy_settings(void)
{
	/* Nearly all of the account in each entry: in time its losses no longer cover one. */
	static const char *const demo[] = {
		"interval", "1s", "fast", "3", "slow", "8", "qty", "1.57", "entry", "alternate",
		"tif", "gtc", "offset", "0", "cancel_after", "4", NULL,
	};
	static struct strategy_core_settings s;
	strategy_core_defaults(&s);
	s.origin = origin_replay;
	seat(&s, "ema_cross", demo);
	return s;
}

static bool open_recording(struct capture **ret)
{
	const char *root = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");
	char folder[400], paths[1000], why[200] = "";
	snprintf(folder, sizeof(folder), "%s%s/binance/spot", root ? root : source ? source : ".",
		 root ? "" : "/../shared/captures");
	snprintf(paths, sizeof(paths), "%s/btcusdt_20240808.gz,%s/btcusdt_20240809.gz", folder,
		 folder);
	if (capture_open(paths, ret, why, sizeof(why)) == 0)
		return true;
	print_message("skipped: %s\n", why);
	return false;
}

static void feed_line(struct run *r, const struct capture_line *line)
{
	collector_timers(r, line->stamp);
	if (line->kind == CAPTURE_HTTP) {
		if (r->ask == VENUE_ASK_SNAPSHOT)
			answer(r, line->stamp, line->data, line->len);
		return;
	}
	struct collector_frame frame = {.now = line->stamp, .text = line->data, .len = line->len};
	collector_core_on_frame(r->collector, &frame, &r->sink);
}

/* Plays the recording. False where it is absent. */
static bool play(struct run *r, uint64_t restart_every)
{
	struct executor_settings executor = executor_settings();
	struct strategy_core_settings strategy = strategy_settings();
	struct capture *c;
	struct capture_line line;
	memset(r, 0, sizeof(*r));
	if (!open_recording(&c))
		return false;
	r->restart_every = restart_every;
	fused_open(&r->fused, &executor, &strategy);
	open_collector(r);
	int rc = capture_next(c, &line);
	assert_int_equal(rc, 0);
	collector_core_start(r->collector, line.stamp, &r->sink);
	assert_int_equal(r->ask, VENUE_ASK_INSTRUMENTS);
	answer(r, line.stamp, exchange_info, sizeof(exchange_info) - 1);
	struct collector_change live = {
		.now = line.stamp, .state = feed_live, .reason = "recording"};
	collector_core_on_connection(r->collector, &live, &r->sink);
	for (; rc == 0; rc = capture_next(c, &line))
		feed_line(r, &line);
	assert_int_equal(rc, ERR_CLOSED);
	fused_run(&r->fused, r->fused.last_at[FUSED_MARKET] + SECOND, FUSED_MARKET);
	capture_close(c);
	return true;
}

static void end(struct run *r)
{
	if (r->collector)
		fused_close(&r->fused);
	collector_core_free(r->collector);
}

static struct run first;

static int play_once(void **state)
{
	(void)state;
	play(&first, 0);
	return 0;
}

static int end_once(void **state)
{
	(void)state;
	end(&first);
	return 0;
}

static void it_trades_in_every_way(void **state)
{
	(void)state;
	if (!first.collector)
		skip();
	const struct fused *f = &first.fused;
	print_message("market events %llu, candles %u, deltas %u\n",
		      (unsigned long long)first.events, first.candles, first.deltas);
	fused_print(f);
	assert_true(f->count[EVENT_fill] >= 50);
	assert_true(f->partial_fills > 0);
	assert_true(f->liquidity[liquidity_maker] > 0 && f->liquidity[liquidity_taker] > 0);
	assert_true(f->types[order_type_market] > 0 && f->types[order_type_limit] > 0);
	assert_true(f->status[order_status_rejected] > 0 && f->reject[reject_balance] > 0);
	assert_true(f->count[EVENT_equity] >= 60);
	const struct executor_counters *x = executor_counters(f->executor);
	assert_int_equal(x->bad_books + x->bad_instruments + x->foreign_origin, 0);
	assert_int_equal(strategy_core_counters(f->strategy)->bad_books, 0);
}

static void expect_same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->at, b->at, a->len);
}

static void the_same_again_gives_the_same_bytes(void **state)
{
	(void)state;
	static struct run again;
	if (!first.collector)
		skip();
	assert_true(play(&again, 0));
	expect_same(&again.fused.said, &first.fused.said);
	end(&again);
}

static void restarts_change_nothing(void **state)
{
	(void)state;
	static struct run broken;
	if (!first.collector)
		skip();
	assert_true(play(&broken, 997));
	expect_same(&broken.fused.said, &first.fused.said);
	end(&broken);
}

static int64_t longest_way(const struct run *r)
{
	struct event ev;
	int64_t longest = 0;
	size_t used;
	for (size_t at = 0; at < r->fused.said.len; at += used) {
		assert_int_equal(codec_unpack(r->fused.said.at + at, r->fused.said.len - at, NULL, &ev, &used), 0);
		if (ev.id == EVENT_order && ev.ts_recv - ev.ts_event > longest)
			longest = ev.ts_recv - ev.ts_event;
	}
	return longest;
}

/* Another run than with the least latency, and always the same one. */
static void drawn_latencies_change_the_run_once(void **state)
{
	(void)state;
	static struct run once, broken;
	if (!first.collector)
		skip();
	latency = LATENCY_DRAWN;
	assert_true(play(&once, 0));
	assert_true(play(&broken, 997));
	latency = LATENCY_FIXED;
	expect_same(&broken.fused.said, &once.fused.said);
	const struct executor_counters *x = executor_counters(once.fused.executor);
	int64_t longest = longest_way(&once);
	print_message("fills %u, intents %llu, delayed %llu, longest way back %lld us\n",
		      once.fused.count[EVENT_fill], (unsigned long long)x->intents, (unsigned long long)x->delayed,
		      (long long)longest / 1000);
	assert_true(once.fused.count[EVENT_fill] >= 50);
	assert_true(x->delayed == x->intents && x->in_flight == 0);
	assert_true(longest > INT64_C(100000000) && longest <= INT64_C(1000000000));
	assert_true(once.fused.said.len != first.fused.said.len);
	end(&once);
	end(&broken);
}

/* This recorder's clock was more than a second behind the venue's: less than nothing is nothing, so the least holds. */
static void a_recorders_slow_clock_delays_nothing(void **state)
{
	(void)state;
	static struct run once, broken;
	if (!first.collector)
		skip();
	latency = LATENCY_MEASURED;
	assert_true(play(&once, 0));
	assert_true(play(&broken, 997));
	latency = LATENCY_FIXED;
	expect_same(&broken.fused.said, &once.fused.said);
	assert_true(once.fused.count[EVENT_latency] > 50);
	assert_int_equal(executor_counters(once.fused.executor)->delayed, 0);
	assert_int_equal(once.fused.count[EVENT_fill], first.fused.count[EVENT_fill]);
	end(&once);
	end(&broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_trades_in_every_way),
		cmocka_unit_test(the_same_again_gives_the_same_bytes),
		cmocka_unit_test(restarts_change_nothing),
		cmocka_unit_test(drawn_latencies_change_the_run_once),
		cmocka_unit_test(a_recorders_slow_clock_delays_nothing),
	};
	return cmocka_run_group_tests(tests, play_once, end_once);
}
