/* test_settlement - recorded event contracts, settled on a paper account as their venues' metadata says.
 *
 * Every market is described to the executor as it was while it traded; both sides are taken at made-up prices; then the
 * outcome that the adapter reads from the recorded object settles it. What the account comes to is worked out from the
 * recorded object's own words: Kalshi's `result`, Gamma's outcome prices as the recorder put them beside the object.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/json.h"
#include "common/venue/venue.h"
#include "services/executor/core.h"
#include "tests/golden/capture.h"

#define UNIT INT64_C(100000000)
#define SECOND INT64_C(1000000000)
#define LEVELS 8

struct market { /* one contract as the venue describes it */
	struct venue_market venue;
	struct ev_instrument def;
	struct ev_resolution resolution;
	bool described, resolved;
};

struct desk {
	struct executor *x;
	struct sink sink;
	int64_t now, cash;
	uint64_t ordinal, fills, settled, rejected;
};

static struct market markets[2];
static uint32_t n_markets;
static const struct venue *venue;

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < n_markets; i++)
		if (strlen(markets[i].venue.raw) == len && memcmp(markets[i].venue.raw, raw, len) == 0)
			return &markets[i].venue;
	return NULL;
}

static void follow(const char *raw, size_t len)
{
	struct market *m = &markets[n_markets++];
	*m = (struct market){0};
	assert_int_equal(venue_market_init(venue, raw, len, &m->venue), 0);
}

static struct market *of(const struct venue_market *m)
{
	return m == &markets[0].venue ? &markets[0] : &markets[1];
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	if (m->kind == VENUE_LISTING)
		for (uint32_t i = 0; i < m->listing->outcomes && n_markets < 2; i++)
			follow(m->listing->outcome[i].raw, strlen(m->listing->outcome[i].raw));
	if (m->kind == VENUE_INSTRUMENT) {
		struct market *k = of(m->market);
		k->def = *m->instrument;
		k->def.instrument = k->venue.symbol;
		k->def.kind = instrument_kind_event;
		k->def.trading = true; /* as it was then */
		k->venue.price_scale = k->def.price_scale;
		k->described = true;
	}
	if (m->kind == VENUE_RESOLUTION) {
		struct market *k = of(m->market);
		k->resolution = (struct ev_resolution){.instrument = k->venue.symbol,
						       .price_scale = k->venue.price_scale,
						       .pays = m->resolution.price};
		event_set_name(k->resolution.outcome, m->resolution.outcome);
		k->resolved = true;
	}
}

static void decode(const char *text, size_t len, enum venue_ask ask)
{
	static struct level levels[2 * LEVELS];
	struct venue_input in = {.text = text, .len = len, .ask = ask, .limit = 1};
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = LEVELS};
	assert_int_equal(venue->decode(&in, &out), 0);
}

static struct json_str member(struct json_str object, const char *name)
{
	struct json_str key, value = {NULL, 0, false};
	struct json j;
	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, name) && value.at == NULL)
			json_raw(&j, &value);
		else
			json_skip(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_non_null(value.at);
	return value;
}

/* ---- the account ---- */

static void hear(void *ctx, struct event *ev)
{
	struct desk *d = ctx;
	if (ev->id == EVENT_balance && ev->balance.asset[0] == 'U' && ev->balance.asset[1] == 'S')
		d->cash = ev->balance.total;
	if (ev->id == EVENT_fill) {
		d->fills++;
		d->settled += ev->fill.liquidity == liquidity_settled;
	}
	if (ev->id == EVENT_order)
		d->rejected += ev->order.status == order_status_rejected;
}

static void tell(struct desk *d, struct event *ev)
{
	d->now += SECOND / 1000;
	ev->origin = origin_replay;
	ev->ts_event = ev->ts_recv = d->now;
	executor_core.on_event(d->x, d->now, ev, &d->sink);
}

static void desk_open(struct desk *d, const char *quote)
{
	struct executor_settings s;
	executor_defaults(&s);
	s.maker_fee = s.taker_fee = 0; /* what is paid out is to be seen alone; test_fees has the curves */
	s.equity_interval_ns = 0;
	event_set_name(s.quote, quote);
	event_set_name(s.balance[0].asset, quote);
	s.balance[0].amount = 1000 * UNIT;
	*d = (struct desk){.now = SECOND, .cash = 1000 * UNIT};
	d->sink = (struct sink){d, hear};
	assert_int_equal(executor_new(&s, &d->x), 0);
}

static void trade(struct desk *d, const struct market *m, enum side side, int64_t contracts, const char *strategy)
{
	struct event ev;
	event_init(&ev, EVENT_intent);
	ev.epoch = 1;
	ev.intent.kind = intent_kind_order;
	event_set_name(ev.intent.account, "paper");
	event_set_name(ev.intent.strategy, strategy);
	ev.intent.ordinal = ++d->ordinal;
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)d->ordinal);
	ev.intent.instrument = m->venue.symbol;
	ev.intent.side = (uint8_t)side;
	ev.intent.type = order_type_market;
	ev.intent.tif = tif_ioc;
	ev.intent.qty = contracts;
	tell(d, &ev);
}

/* Both sides of the book at cents, a thousand each. */
static void show(struct desk *d, const struct market *m, int64_t bid, int64_t ask)
{
	int64_t cent = fixed_pow10(m->def.price_scale - 2), many = 1000 * fixed_pow10(m->def.qty_scale);
	struct level bids[] = {{bid * cent, many}}, asks[] = {{ask * cent, many}};
	struct event ev;
	event_init(&ev, EVENT_instrument);
	ev.instrument = m->def;
	tell(d, &ev);
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = m->venue.symbol;
	ev.book_snapshot.price_scale = m->def.price_scale;
	ev.book_snapshot.qty_scale = m->def.qty_scale;
	ev.book_snapshot.bids = (struct levels){bids, 1};
	ev.book_snapshot.asks = (struct levels){asks, 1};
	tell(d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = m->venue.symbol;
	ev.book_state.state = book_state_trusted;
	tell(d, &ev);
}

static void resolve(struct desk *d, const struct market *m)
{
	struct event ev;
	event_init(&ev, EVENT_resolution);
	ev.resolution = m->resolution;
	tell(d, &ev);
}

/* ---- Kalshi ---- */

/* Fifteen minutes of gold: 10 YES at 0.45, then 25 NO by a sale of 35 at 0.40: those 10, and 25 for 0.60. */
static void kalshi_market(const char *file, uint32_t *ret_settled)
{
	static char text[1 << 16];
	char path[100];
	struct capture c = {0};
	snprintf(path, sizeof(path), "kalshi/%s.json", file);
	if (capture_open(path, &c) != 0)
		skip();
	struct json_str whole = {c.text, strlen(c.text), false};
	struct json_str list = member(member(whole, "response"), "markets");
	venue = venue_find("KALSHI", 6);
	int len = snprintf(text, sizeof(text), "{\"markets\":%.*s}", (int)list.len, list.at);
	struct json_str row = {list.at + 1, list.len - 2, false};
	struct json_str ticker = member(row, "ticker"), result = member(row, "result");
	n_markets = 0;
	follow(ticker.at + 1, ticker.len - 2);
	decode(text, (size_t)len, VENUE_ASK_INSTRUMENTS);
	assert_true(markets[0].described && markets[0].resolved);
	bool yes = json_str_is((struct json_str){result.at + 1, result.len - 2, false}, "yes");
	assert_int_equal(markets[0].resolution.pays, yes ? fixed_pow10(markets[0].def.price_scale) : 0);

	struct desk d;
	desk_open(&d, "USD");
	show(&d, &markets[0], 40, 45);
	trade(&d, &markets[0], side_buy, 10, "a");
	trade(&d, &markets[0], side_sell, 10, "a");
	trade(&d, &markets[0], side_sell, 25, "a");
	assert_int_equal(d.cash, 1000 * UNIT - 10 * 45 * UNIT / 100 + 10 * 40 * UNIT / 100 - 25 * 60 * UNIT / 100);
	trade(&d, &markets[0], side_buy, 4, "b");
	int64_t before = d.cash;
	resolve(&d, &markets[0]);
	/* 21 NO are left (4 were sold again): they pay what YES does not. */
	assert_int_equal(d.cash, before + (yes ? 0 : 21 * UNIT));
	assert_int_equal(d.rejected, 0);
	assert_int_equal(d.settled, 2);
	executor_free(d.x);
	capture_close(&c);
	++*ret_settled;
}

static void kalshi_settles(void **state)
{
	(void)state;
	uint32_t settled = 0;
	kalshi_market("KXGOLD15M-26AUG050800", &settled);
	kalshi_market("KXGOLD15M-26AUG102000", &settled);
	kalshi_market("KXGOLD15M-26AUG102130", &settled);
	assert_int_equal(settled, 3);
	printf("Kalshi: %u markets settled as recorded\n", settled);
}

/* ---- Polymarket ---- */

/* "up" is the first outcome. 30 of it at 0.45 and 12 of the other at 0.50 by one strategy: 12 pairs are worth 12, 18
 * are left; 7 of the other by a second strategy. */
static bool polymarket_market(const char *line)
{
	static char text[1 << 16];
	struct json_str row = {line, strlen(line), false};
	struct json_str raw = member(row, "raw"), prices = member(row, "outcome_prices");
	int len = snprintf(text, sizeof(text), "[%.*s]", (int)raw.len, raw.at);
	bool up = strncmp(prices.at, "[\"1\"", 4) == 0;
	assert_true(up || strncmp(prices.at, "[\"0\"", 4) == 0);
	n_markets = 0;
	decode(text, (size_t)len, VENUE_ASK_LISTINGS);
	decode(text, (size_t)len, VENUE_ASK_INSTRUMENTS);
	assert_int_equal(n_markets, 2);
	assert_true(markets[0].resolved && markets[1].resolved);
	assert_true(symbol_equal(&markets[0].def.complement, &markets[1].venue.symbol));
	assert_true(symbol_equal(&markets[1].def.complement, &markets[0].venue.symbol));

	struct desk d;
	desk_open(&d, "USDC");
	show(&d, &markets[0], 40, 45);
	show(&d, &markets[1], 45, 50);
	trade(&d, &markets[0], side_buy, 30, "a");
	trade(&d, &markets[1], side_buy, 12, "a");
	trade(&d, &markets[1], side_buy, 7, "b");
	int64_t before = d.cash;
	assert_int_equal(before, 1000 * UNIT - 30 * 45 * UNIT / 100 - 19 * 50 * UNIT / 100 + 12 * UNIT);
	resolve(&d, &markets[1]);
	resolve(&d, &markets[0]);
	assert_int_equal(d.cash, before + (up ? 18 : 7) * UNIT);
	assert_int_equal(d.rejected, 0);
	assert_int_equal(d.settled, 4);
	executor_free(d.x);
	return up;
}

static void polymarket_settles(void **state)
{
	(void)state;
	struct capture c = {0};
	uint32_t settled = 0, up = 0;
	char *line;
	if (capture_open("polymarket/BTC-5m-markets-2026-07-24.jsonl.gz", &c) != 0)
		skip();
	venue = venue_find("POLYMARKET", 10);
	while ((line = capture_line(&c)) != NULL) {
		up += polymarket_market(line);
		settled++;
	}
	printf("Polymarket: %u markets settled as recorded, %u of them up\n", settled, up);
	assert_int_equal(settled, 292);
	assert_true(up > 0 && up < settled);
	capture_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kalshi_settles),
		cmocka_unit_test(polymarket_settles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
