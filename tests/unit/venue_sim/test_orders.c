/* test_orders - the simulated venue's order endpoints against the translator that is to speak to the real one: what one
 * asks the other understands, refuses in the venue's words, fills against a book made by hand, and tells; its money
 * adds up after each step; and it misbehaves as it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/rng.h"
#include "common/io/sign.h"
#include "common/venue/venue_orders.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define V (&venue_orders_binance_spot)
#define KEY "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
#define SECRET "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
#define COIN INT64_C(100000000)
#define SYMBOL "BTCUSDT"

static struct sim sim;
static struct loop *loop;
static struct sign_key *key;
static char folder[] = "/tmp/nj_orders_XXXXXX", secret_path[100], account_path[100];

/* ---- the world: bids 99.00 x 1, 98.00 x 2; asks 101.00 x 1, 102.00 x 2; the last trade at 100.00 ---- */

static void write_file(char path[100], const char *name, const char *text)
{
	snprintf(path, 100, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct fold_symbol *market(void)
{
	return fold_symbol(&sim.live, text_of(SYMBOL));
}

static int64_t qty_units(int64_t hundredths)
{
	return hundredths * fixed_pow10(market()->about->qty_scale) / 100;
}

static int64_t price_units(int64_t hundredths)
{
	return hundredths * fixed_pow10(market()->about->price_scale) / 100;
}

static void level(enum fold_side_name side, int64_t price, int64_t qty)
{
	assert_int_equal(fold_book_put(&market()->book, side, price_units(price), qty_units(qty)), 0);
}

static int setup(void **state)
{
	static struct options o;
	char *argv[] = {(char *)"venue_sim",
			(char *)"--trading",
			(char *)"--symbols",
			(char *)SYMBOL,
			(char *)"--account",
			account_path,
			NULL};
	char reason[300] = "";
	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(secret_path, "secret", SECRET "\n");
	write_file(account_path, "account", KEY "\n" SECRET "\nBTC 10.0 0\nUSDT 1000.00 0\n");
	assert_int_equal(sign_key_open(secret_path, &key, reason, sizeof reason), 0);
	assert_int_equal(options_parse(&o, 6, argv, reason, sizeof reason), 0);
	assert_int_equal(loop_new(clock_real(), &loop), 0);
	assert_int_equal(sim_init(&sim, &o, loop, reason, sizeof reason), 0);
	market()->book.valid = true;
	market()->book.ceil = INT64_MAX;
	level(FOLD_BID, 9900, 100);
	level(FOLD_BID, 9800, 200);
	level(FOLD_ASK, 10100, 100);
	level(FOLD_ASK, 10200, 200);
	fold_trade_add(market(), &(struct fold_trade){.id = 1, .price = price_units(10000), .qty = 1, .time_ms = 1});
	sim.limits.a_minute = INT64_MAX / 2;
	sim.manners.late_ms = 3600000; /* reports wait where we find them */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sim_fini(&sim);
	loop_free(loop);
	sign_key_close(key);
	return unlink(secret_path) | unlink(account_path) | rmdir(folder);
}

/* ---- asking it, as the gateway would ---- */

static struct venue_orders_row rows[64];
static uint32_t n_rows;
static bool lost;

static void on_row(void *ctx, const struct venue_orders_row *r)
{
	(void)ctx;
	assert_true(n_rows < 64);
	rows[n_rows++] = *r;
}

static void sign_query(struct buf *head, const char *path, int64_t at_ms)
{
	char signature[SIGN_TEXT_MAX];
	size_t from = head->len;
	assert_int_equal(venue_account_stamp(path, at_ms, 5000, head), 0);
	const char *query = memchr(head->at + from, '?', head->len - from);
	assert_non_null(query);
	size_t len = (size_t)((const char *)head->at + head->len - (query + 1));
	assert_int_equal(sign_by_key(key, query + 1, len, signature), 0);
	assert_int_equal(buf_printf(head, "&signature=%s", signature), 0);
}

static int64_t now_ms(void)
{
	return clock_wall(clock_real()) / NS_PER_MS;
}

/* The rows of its answer. */
static void send(const struct venue_orders_question *q, int64_t at_ms)
{
	struct venue_orders_call call;
	struct request r;
	struct reply reply;
	struct buf path, head;
	buf_init(&path, 2000);
	buf_init(&head, 8000);
	assert_int_equal(V->request(q, &path, &call), 0);
	assert_int_equal(buf_byte(&path, 0), 0);
	assert_int_equal(buf_printf(&head, "%s ", call.method), 0);
	sign_query(&head, (const char *)path.at, at_ms);
	buf_printf(&head, " HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: %s\r\n\r\n", KEY);
	assert_int_equal(request_parse((const char *)head.at, head.len, &r), 0);
	reply_init(&reply);
	int64_t used = sim.limits.minute == now_ms() / 60000 ? sim.limits.used : 0;
	binance_rest(&sim, &r, &reply);
	assert_true(sim.limits.used - used == call.weight || sim.limits.used == call.weight); /* a minute begins */
	n_rows = 0;
	lost = reply.lost;
	struct json_str body = {(const char *)reply.body.at, reply.body.len, false};
	assert_int_equal(V->reply(q->ask, lost ? 0 : reply.status, body, on_row, NULL), 0);
	assert_true(n_rows > 0);
	reply_fini(&reply);
	buf_fini(&path);
	buf_fini(&head);
}

static const struct venue_orders_row *ask(struct venue_orders_question q)
{
	q.symbol = q.symbol ? q.symbol : SYMBOL;
	q.client_id = q.client_id ? q.client_id : "";
	send(&q, now_ms());
	return &rows[n_rows - 1];
}

static const struct venue_orders_row *place(const char *id, struct venue_order o)
{
	snprintf(o.symbol, sizeof o.symbol, "%s", SYMBOL);
	snprintf(o.client_id, sizeof o.client_id, "%s", id);
	o.tif = o.tif ? o.tif : tif_gtc;
	o.side = o.side ? o.side : side_buy;
	o.type = o.type ? o.type : order_type_limit;
	o.price_scale = o.qty_scale = o.cash_scale = 2;
	return ask((struct venue_orders_question){.ask = VENUE_ORDERS_PLACE, .order = &o});
}

static const struct venue_orders_row *by_id(enum venue_orders_ask what, const char *id)
{
	return ask((struct venue_orders_question){.ask = what, .client_id = id});
}

static void control(const char *json)
{
	struct request r = {.method = TEXT("POST"), .path = TEXT("/nightjar/orders")};
	struct reply reply;
	reply_init(&reply);
	assert_true(manners_control(&sim, &r, text_of(json), &reply));
	assert_int_equal(reply.status, 200);
	reply_fini(&reply);
}

/* The oldest report that waits, as rows. */
static uint32_t next_report(void)
{
	size_t len;
	const uint8_t *at = ring_front(&sim.manners.reports, &len);
	n_rows = 0;
	if (at == NULL)
		return 0;
	assert_int_equal(V->event((struct json_str){(const char *)at + 8, len - 8, false}, on_row, NULL), 0);
	ring_pop(&sim.manners.reports);
	return n_rows;
}

/* ---- what must hold ---- */

static int64_t field(const char *asset, bool locked)
{
	int64_t value = 0;
	for (uint32_t i = 0; i < sim.wallet.now.n; i++) {
		const struct wallet_asset *a = &sim.wallet.now.at[i];
		const char *text = locked ? a->locked : a->free;
		if (strcmp(a->name, asset) == 0)
			assert_int_equal(fixed_parse(text, strlen(text), 8, &value), 0);
	}
	return value;
}

static int64_t at8(int64_t value, int scale)
{
	int64_t out;
	assert_int_equal(fixed_rescale(value, scale, 8, &out), 0);
	return out;
}

/* What was had at first, and all trades: that is what there is; and what is locked is what open orders need. */
static void adds_up(void)
{
	int64_t btc = 10 * COIN, usdt = 1000 * COIN, held_btc = 0, held_usdt = 0, cost;
	for (uint64_t id = 1; id <= sim.desk.trades; id++) {
		const struct desk_trade *t = &sim.desk.trade[id % DESK_TRADES_MAX];
		assert_int_equal(fixed_mul(t->price, t->about->price_scale, t->qty, t->about->qty_scale, 8, &cost), 0);
		btc += (t->bought ? 1 : -1) * at8(t->qty, t->about->qty_scale) - (t->bought ? t->fee : 0);
		usdt -= (t->bought ? 1 : -1) * cost + (t->bought ? 0 : t->fee);
	}
	for (uint32_t i = 0; i < sim.desk.n; i++) {
		const struct desk_order *o = &sim.desk.order[i];
		assert_true(o->filled <= o->qty && (desk_is_open(o) || o->held == 0));
		held_btc += o->sell ? o->held : 0;
		held_usdt += o->sell ? 0 : o->held;
	}
	assert_int_equal(field("BTC", true), held_btc);
	assert_int_equal(field("USDT", true), held_usdt);
	assert_int_equal(field("BTC", false) + held_btc, btc);
	assert_int_equal(field("USDT", false) + held_usdt, usdt);
}

static void is_order(const struct venue_orders_row *r, enum order_status status, int64_t filled_hundredths)
{
	assert_int_equal(r->kind, VENUE_ORDERS_ORDER);
	assert_int_equal(r->status, status);
	assert_int_equal(at8(r->filled, r->filled_scale), filled_hundredths * COIN / 100);
	adds_up();
}

static void is_refused(const struct venue_orders_row *r, enum reject reject)
{
	assert_int_equal(r->kind, VENUE_ORDERS_REFUSED);
	assert_int_equal(r->reject, reject);
	adds_up();
}

#define LIMIT(p, q, ...)                                                                                               \
	(struct venue_order)                                                                                           \
	{                                                                                                              \
		.price = (p), .qty = (q), __VA_ARGS__                                                                  \
	}

/* ---- each kind of order ---- */

static void rests_and_is_cancelled(void **state)
{
	(void)state;
	is_order(place("a", LIMIT(9950, 200, .post_only = false)), order_status_open, 0);
	assert_int_equal(field("USDT", true), 199 * COIN);
	is_refused(place("a", LIMIT(9000, 10, .post_only = false)), reject_duplicate);
	assert_int_equal(rows[0].refusal, VENUE_ORDERS_REFUSED_DUPLICATE);
	is_order(by_id(VENUE_ORDERS_QUERY, "a"), order_status_open, 0);
	assert_int_equal(ask((struct venue_orders_question){.ask = VENUE_ORDERS_OPEN, .symbol = ""})->kind,
			 VENUE_ORDERS_NO_MORE);
	assert_int_equal(n_rows, 2);
	control("{\"fill\":\"a\",\"qty\":\"0.5\"}");
	is_order(by_id(VENUE_ORDERS_QUERY, "a"), order_status_partial, 50);
	is_order(by_id(VENUE_ORDERS_CANCEL, "a"), order_status_cancelled, 50);
	assert_string_equal(rows[0].client_id, "a");
	assert_int_equal(by_id(VENUE_ORDERS_CANCEL, "a")->kind, VENUE_ORDERS_ABSENT);
	assert_int_equal(by_id(VENUE_ORDERS_QUERY, "zzz")->kind, VENUE_ORDERS_ABSENT);
	/* the id of an order that has ended is free again */
	is_order(place("a", LIMIT(9000, 100, .post_only = true)), order_status_open, 0);
	control("{\"expire\":\"a\"}");
	is_order(by_id(VENUE_ORDERS_QUERY, "a"), order_status_expired, 0);
	assert_string_equal(rows[0].words, "EXCHANGE_CANCELED");
}

static void takes_the_book(void **state)
{
	(void)state;
	is_order(place("m", (struct venue_order){.type = order_type_market, .qty = 200}), order_status_filled, 200);
	assert_int_equal(n_rows, 3);
	assert_true(rows[0].kind == VENUE_ORDERS_FILL && rows[1].kind == VENUE_ORDERS_FILL);
	assert_int_equal(at8(rows[0].price, rows[0].price_scale), 101 * COIN);
	assert_int_equal(at8(rows[1].price, rows[1].price_scale), 102 * COIN);
	assert_int_equal(at8(rows[1].fee, rows[1].fee_scale), COIN / 1000);
	assert_string_equal(rows[1].fee_asset, "BTC");
	is_order(place("i", LIMIT(9900, 150, .side = side_sell, .tif = tif_ioc)), order_status_expired, 100);
	assert_string_equal(rows[0].fee_asset, "USDT");
	is_order(place("f", LIMIT(9900, 150, .side = side_sell, .tif = tif_fok)), order_status_expired, 0);
	assert_int_equal(rows[0].reject, reject_not_fillable);
	is_order(place("f2", LIMIT(9800, 150, .side = side_sell, .tif = tif_fok)), order_status_filled, 150);
	is_order(place("p", (struct venue_order){.type = order_type_market, .amount = 20300}), order_status_filled,
		 200);
	is_order(place("g", LIMIT(9900, 150, .side = side_sell)), order_status_partial, 100);
	assert_int_equal(by_id(VENUE_ORDERS_CANCEL_ALL, "")->kind, VENUE_ORDERS_NO_MORE);
	is_order(&rows[0], order_status_cancelled, 100);
	assert_int_equal(by_id(VENUE_ORDERS_CANCEL_ALL, "")->kind, VENUE_ORDERS_ABSENT);
}

static void refuses_in_the_venues_words(void **state)
{
	(void)state;
	is_refused(place("x", LIMIT(10100, 100, .post_only = true)), reject_post_only);
	is_refused(place("x", LIMIT(9000, 10000, .post_only = false)), reject_balance);
	is_refused(place("x", (struct venue_order){.type = order_type_market, .side = side_sell, .qty = 99900}),
		   reject_balance); /* the book has three only, but all that is to be sold must be there */
}

static void fills_of_an_order(void **state)
{
	(void)state;
	place("m", (struct venue_order){.type = order_type_market, .qty = 200});
	uint64_t id = rows[2].venue_id, first = rows[0].trade_id;
	const struct venue_orders_row *end =
		ask((struct venue_orders_question){.ask = VENUE_ORDERS_FILLS, .venue_id = id});
	assert_int_equal(end->kind, VENUE_ORDERS_NO_MORE);
	assert_int_equal(n_rows, 3);
	assert_true(rows[0].trade_id == first && rows[1].trade_id == first + 1 && rows[0].venue_id == id);
	ask((struct venue_orders_question){.ask = VENUE_ORDERS_FILLS, .venue_id = id, .from = first + 1});
	assert_int_equal(n_rows, 2);
	ask((struct venue_orders_question){.ask = VENUE_ORDERS_FILLS});
	assert_int_equal(rows[n_rows - 2].trade_id, first + 1);
	ask((struct venue_orders_question){.ask = VENUE_ORDERS_FILLS, .venue_id = 999});
	assert_int_equal(n_rows, 1);
}

static void trade(int64_t price, int64_t qty, bool taker_sold)
{
	struct fold_trade t = {.id = 2, .price = price_units(price), .qty = qty_units(qty), .taker_sold = taker_sold};
	t.time_ms = 2;
	fold_trade_add(market(), &t);
	desk_market(&sim.desk, market(), &t, now_ms());
}

static void the_market_fills_what_rests(void **state)
{
	(void)state;
	place("b", LIMIT(9950, 100, .post_only = true));
	trade(10000, 500, true);
	trade(9950, 500, false); /* somebody bought: it was not ours that he bought from */
	is_order(by_id(VENUE_ORDERS_QUERY, "b"), order_status_open, 0);
	trade(9950, 30, true);
	is_order(by_id(VENUE_ORDERS_QUERY, "b"), order_status_partial, 30);
	level(FOLD_ASK, 9940, 50); /* the book crosses it */
	desk_market(&sim.desk, market(), NULL, now_ms());
	is_order(by_id(VENUE_ORDERS_QUERY, "b"), order_status_partial, 80);
	level(FOLD_ASK, 9940, 0);
	trade(9000, 500, true);
	is_order(by_id(VENUE_ORDERS_QUERY, "b"), order_status_filled, 100);
	ask((struct venue_orders_question){.ask = VENUE_ORDERS_FILLS, .venue_id = rows[0].venue_id});
	assert_int_equal(n_rows, 4);
	for (int i = 0; i < 3; i++)
		assert_true(rows[i].liquidity == liquidity_maker &&
			    at8(rows[i].price, rows[i].price_scale) == 9950 * COIN / 100);
}

static void triggers(void **state)
{
	(void)state;
	trade(10000, 1, true);
	is_refused(place("s", (struct venue_order){.type = order_type_stop_market, .qty = 100, .trigger = 9900}),
		   reject_would_trigger);
	is_order(place("s", (struct venue_order){.type = order_type_stop_market, .qty = 100, .trigger = 10050}),
		 order_status_waiting, 0);
	is_order(place("l", (struct venue_order){.type = order_type_stop_limit,
						 .side = side_sell,
						 .qty = 100,
						 .trigger = 9950,
						 .price = 9940}),
		 order_status_waiting, 0);
	is_order(place("t",
		       (struct venue_order){
			       .type = order_type_trailing_stop, .side = side_sell, .qty = 100, .trail_bp = 100}),
		 order_status_waiting, 0);
	is_order(by_id(VENUE_ORDERS_QUERY, "t"), order_status_waiting, 0);
	assert_int_equal(rows[0].type, order_type_trailing_stop);
	trade(10050, 1, false);
	is_order(by_id(VENUE_ORDERS_QUERY, "s"), order_status_filled, 100);
	trade(9951, 1, true); /* less than a hundredth back */
	is_order(by_id(VENUE_ORDERS_QUERY, "t"), order_status_waiting, 0);
	trade(9949, 1, true);
	is_order(by_id(VENUE_ORDERS_QUERY, "t"), order_status_filled, 100);
	is_order(by_id(VENUE_ORDERS_QUERY, "l"), order_status_open, 0);
	by_id(VENUE_ORDERS_CANCEL_ALL, "");
	adds_up();
}

/* ---- reports ---- */

static void drain(void)
{
	while (next_report() > 0)
		;
}

static void reports(void **state)
{
	(void)state;
	drain();
	place("r", LIMIT(10100, 150, .post_only = false));
	uint64_t trade_id = rows[0].trade_id;
	assert_int_equal(next_report(), 1);
	is_order(&rows[0], order_status_open, 0);
	assert_int_equal(next_report(), 2);
	assert_true(rows[0].kind == VENUE_ORDERS_FILL && rows[0].trade_id == trade_id);
	assert_int_equal(rows[0].liquidity, liquidity_taker);
	is_order(&rows[1], order_status_partial, 100);
	by_id(VENUE_ORDERS_CANCEL, "r");
	assert_int_equal(next_report(), 1);
	is_order(&rows[0], order_status_cancelled, 100);
	assert_string_equal(rows[0].client_id, "r");
	assert_int_equal(next_report(), 0);
}

static void reports_go_wrong(void **state)
{
	(void)state;
	drain();
	control("{\"muted\":1,\"twice\":1}");
	place("u", LIMIT(9000, 100, .post_only = true));
	assert_int_equal(next_report(), 0);
	by_id(VENUE_ORDERS_CANCEL, "u");
	assert_true(next_report() == 1 && next_report() == 1 && next_report() == 0);
	control("{\"swapped\":1}");
	place("v", LIMIT(9000, 100, .post_only = true));
	assert_int_equal(next_report(), 0);
	by_id(VENUE_ORDERS_CANCEL, "v");
	assert_int_equal(next_report(), 1);
	is_order(&rows[0], order_status_cancelled, 0);
	assert_int_equal(next_report(), 1);
	is_order(&rows[0], order_status_open, 0);
}

/* ---- answers ---- */

static void answers_go_wrong(void **state)
{
	(void)state;
	control("{\"fault\":\"lost\",\"of\":\"place\"}");
	assert_int_equal(place("l1", LIMIT(9000, 100, .post_only = true))->kind, VENUE_ORDERS_UNKNOWN);
	assert_true(lost);
	is_order(by_id(VENUE_ORDERS_QUERY, "l1"), order_status_open, 0);
	control("{\"fault\":\"unknown\",\"done\":false}");
	assert_int_equal(by_id(VENUE_ORDERS_CANCEL, "l1")->kind, VENUE_ORDERS_UNKNOWN);
	assert_int_equal(rows[0].code, -1007);
	is_order(by_id(VENUE_ORDERS_QUERY, "l1"), order_status_open, 0);
	control("{\"fault\":\"unavailable\"}");
	assert_int_equal(by_id(VENUE_ORDERS_CANCEL, "l1")->kind, VENUE_ORDERS_UNKNOWN);
	is_order(by_id(VENUE_ORDERS_QUERY, "l1"), order_status_cancelled, 0);
	control("{\"fault\":\"refused\",\"count\":2}");
	is_refused(place("l2", LIMIT(9000, 100, .post_only = true)), reject_balance);
	is_refused(place("l2", LIMIT(9000, 100, .post_only = true)), reject_balance);
	is_order(place("l2", LIMIT(9000, 100, .post_only = true)), order_status_open, 0);
	/* not yet to be seen, and not yet there */
	control("{\"hidden_ms\":3600000}");
	assert_int_equal(by_id(VENUE_ORDERS_QUERY, "l2")->kind, VENUE_ORDERS_ABSENT);
	control("{\"hidden_ms\":0,\"fault\":\"lost\",\"after_ms\":1000}");
	assert_int_equal(place("l3", LIMIT(9000, 100, .post_only = true))->kind, VENUE_ORDERS_UNKNOWN);
	int64_t now = clock_mono(clock_real());
	manners_tick(&sim, now);
	assert_int_equal(by_id(VENUE_ORDERS_QUERY, "l3")->kind, VENUE_ORDERS_ABSENT);
	sim.manners.late_ms = 3600000;
	manners_tick(&sim, now + 2000 * NS_PER_MS);
	is_order(by_id(VENUE_ORDERS_QUERY, "l3"), order_status_open, 0);
	by_id(VENUE_ORDERS_CANCEL_ALL, "");
	adds_up();
}

static void who_may_not(void **state)
{
	struct venue_orders_question q = {.ask = VENUE_ORDERS_OPEN, .symbol = "", .client_id = ""};
	(void)state;
	send(&q, now_ms() - 6000);
	assert_true(rows[0].kind == VENUE_ORDERS_REFUSED && rows[0].refusal == VENUE_ORDERS_REFUSED_CLOCK);
	send(&q, now_ms() + 2000);
	assert_int_equal(rows[0].refusal, VENUE_ORDERS_REFUSED_CLOCK);
	sim.wallet.secret[0] ^= 1;
	send(&q, now_ms());
	assert_int_equal(rows[0].refusal, VENUE_ORDERS_REFUSED_SIGNATURE);
	sim.wallet.secret[0] ^= 1;
	sim.wallet.trades = false;
	send(&q, now_ms());
	assert_int_equal(rows[0].refusal, VENUE_ORDERS_REFUSED_KEY);
	sim.wallet.trades = true;
	send(&q, now_ms());
	assert_int_equal(rows[0].kind, VENUE_ORDERS_NO_MORE);
}

static void manners_that_it_does_not_have(void **state)
{
	static const char *const bad[] = {"{\"rude\":1}",
					  "{\"fault\":\"loud\"}",
					  "{\"muted\":-1}",
					  "{\"fill\":\"nobody's\"}",
					  "{\"expire\":\"nobody's\"}",
					  "{\"muted\":1",
					  ""};
	struct request r = {.method = TEXT("POST"), .path = TEXT("/nightjar/orders")};
	struct reply reply;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		reply_init(&reply);
		assert_true(manners_control(&sim, &r, text_of(bad[i]), &reply));
		assert_int_equal(reply.status, 400);
		reply_fini(&reply);
	}
	is_order(place("w", LIMIT(9000, 100, .post_only = true)), order_status_open, 0);
	by_id(VENUE_ORDERS_CANCEL, "w");
}

/* ---- any orders, any market ---- */

static void step(struct rng *r, int i)
{
	static const uint8_t types[] = {order_type_market, order_type_limit, order_type_stop_limit};
	static const uint8_t tifs[] = {tif_gtc, tif_ioc, tif_fok};
	char id[20];
	int64_t price = 9500 + (int64_t)rng_below(r, 1000);
	struct venue_order o = {.type = types[rng_below(r, 3)],
				.side = 1 + (uint8_t)rng_below(r, 2),
				.qty = 1 + (int64_t)rng_below(r, 120)};
	snprintf(id, sizeof id, "z%d", i - (int)rng_below(r, 3));
	o.tif = o.type == order_type_market ? tif_gtc : tifs[rng_below(r, 3)];
	o.price = o.type == order_type_market ? 0 : price;
	o.trigger = o.type == order_type_stop_limit ? 9500 + (int64_t)rng_below(r, 1000) : 0;
	switch (rng_below(r, 5)) {
	case 0:
		by_id(VENUE_ORDERS_CANCEL, id);
		break;
	case 1:
		trade(price, 1 + (int64_t)rng_below(r, 90), rng_below(r, 2) == 0);
		break;
	case 2:
		level(rng_below(r, 2) == 0 ? FOLD_BID : FOLD_ASK, price, (int64_t)rng_below(r, 150));
		break;
	default:
		place(id, o);
	}
	if (rng_below(r, 40) == 0)
		desk_market(&sim.desk, market(), NULL, now_ms());
	adds_up();
}

static void money_adds_up(void **state)
{
	struct rng r;
	(void)state;
	rng_seed(&r, 7);
	for (int i = 0; i < 1500; i++) {
		step(&r, i);
		ring_clear(&sim.manners.reports);
	}
	assert_true(sim.desk.trades > 200 && sim.desk.trades < DESK_TRADES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rests_and_is_cancelled),
		cmocka_unit_test(takes_the_book),
		cmocka_unit_test(refuses_in_the_venues_words),
		cmocka_unit_test(fills_of_an_order),
		cmocka_unit_test(the_market_fills_what_rests),
		cmocka_unit_test(triggers),
		cmocka_unit_test(reports),
		cmocka_unit_test(reports_go_wrong),
		cmocka_unit_test(answers_go_wrong),
		cmocka_unit_test(who_may_not),
		cmocka_unit_test(manners_that_it_does_not_have),
		cmocka_unit_test(money_adds_up),
	};
	return cmocka_run_group_tests_name("orders", tests, setup, teardown);
}
