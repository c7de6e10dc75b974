/* fuzz_desk - what anybody asks of the simulated venue's order endpoints, and what he makes of its manners.
 *
 * Input: lines. The first letter says what a line is: P, D, C, Q, O, T a query (to place, cancel, cancel all, ask for
 * one, for the open ones, for trades), M a wish about its manners, B and A a level of the book and X a trade (two
 * characters: price, quantity); anything else places. Whatever comes: the answer is whole JSON that the translator can
 * read, no report is other than it can read, and the customer's money is what trades have made of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/fixed.h"
#include "common/venue/venue_orders.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SYMBOL "BTCUSDT"
#define ACCOUNT "key\nsecret-of-sixteen\nBTC 10.0 0\nUSDT 100000.00 0\n"
#define HAD_BTC INT64_C(1000000000)
#define HAD_USDT INT64_C(10000000000000)

static struct sim sim;
static struct wallet_state had;

static void begin_once(void)
{
	static struct options o;
	static struct loop *loop;
	char path[] = "/tmp/nj_desk_XXXXXX", reason[300];
	char *argv[] = {(char *)"venue_sim",
			(char *)"--trading",
			(char *)"--symbols",
			(char *)SYMBOL,
			(char *)"--account",
			path,
			NULL};
	int fd;

	if (loop != NULL)
		return;
	fd = mkstemp(path);
	must(fd >= 0 && write(fd, ACCOUNT, sizeof(ACCOUNT) - 1) == (ssize_t)sizeof(ACCOUNT) - 1 && close(fd) == 0);
	must(options_parse(&o, 6, argv, reason, sizeof(reason)) == 0 && loop_new(clock_real(), &loop) == 0);
	must(sim_init(&sim, &o, loop, reason, sizeof(reason)) == 0);
	had = sim.wallet.now;
	unlink(path);
}

static struct fold_symbol *market(void)
{
	return fold_symbol(&sim.live, text_of(SYMBOL));
}

static void begin(void)
{
	begin_once();
	desk_close(&sim.desk);
	manners_close(&sim.manners);
	sim.manners = (struct manners){0};
	sim.wallet.now = had;
	fold_book_clear(&market()->book);
	market()->book.valid = true;
	market()->trades = 0;
	must(desk_binance_open(&sim) == 0);
	sim.manners.late_ms = 3600000; /* reports wait where they are looked at */
}

/* ---- what is said ---- */

static void on_row(void *ctx, const struct venue_orders_row *r)
{
	++*(uint32_t *)ctx;
	must(r->kind != VENUE_ORDERS_UNKNOWN);
	must(r->kind != VENUE_ORDERS_ORDER || (r->filled <= r->qty || r->qty_scale != r->filled_scale));
}

static void ask(const char *method, const char *path, enum venue_orders_ask as, struct text query)
{
	const struct venue_orders *v = &venue_orders_binance_spot;
	struct request r = {.method = text_of(method), .path = text_of(path), .query = query};
	struct reply reply;
	uint32_t rows = 0;

	reply_init(&reply);
	desk_binance_do(&sim, &r, &reply);
	struct json_str body = {(const char *)reply.body.at, reply.body.len, false};
	must(v->reply(as, reply.status, body, on_row, &rows) == 0 && rows > 0);
	reply_fini(&reply);
}

static void manners(struct text wish)
{
	struct request r = {.method = TEXT("POST"), .path = TEXT("/nightjar/orders")};
	struct reply reply;

	reply_init(&reply);
	must(manners_control(&sim, &r, wish, &reply));
	reply_fini(&reply);
}

static void hear_reports(void)
{
	uint32_t rows = 0;
	const uint8_t *at;
	size_t len;

	while ((at = ring_front(&sim.manners.reports, &len)) != NULL) {
		struct json_str text = {(const char *)at + sizeof(int64_t), len - sizeof(int64_t), false};
		must(venue_orders_binance_spot.event(text, on_row, &rows) == 0);
		ring_pop(&sim.manners.reports);
	}
	must(sim.manners.late_ms > 0 || rows == 0);
}

/* ---- what must hold ---- */

static int64_t all_of(const char *asset)
{
	int64_t free = 0, locked = 0;

	for (uint32_t i = 0; i < sim.wallet.now.n; i++) {
		const struct wallet_asset *a = &sim.wallet.now.at[i];
		if (strcmp(a->name, asset) != 0)
			continue;
		must(fixed_parse(a->free, strlen(a->free), WALLET_DIGITS, &free) == 0);
		must(fixed_parse(a->locked, strlen(a->locked), WALLET_DIGITS, &locked) == 0);
	}
	must(free >= 0 && locked >= 0);
	return free + locked;
}

static void check_money(void)
{
	int64_t btc = HAD_BTC, usdt = HAD_USDT, qty, cost;

	for (uint64_t id = 1; id <= sim.desk.trades && sim.desk.trades < DESK_TRADES_MAX; id++) {
		const struct desk_trade *t = &sim.desk.trade[id % DESK_TRADES_MAX];
		must(fixed_mul(t->price, t->about->price_scale, t->qty, t->about->qty_scale, WALLET_DIGITS, &cost) ==
		     0);
		must(fixed_rescale(t->qty, t->about->qty_scale, WALLET_DIGITS, &qty) == 0);
		must(t->price > 0 && t->qty > 0 && t->fee >= 0);
		btc += t->bought ? qty - t->fee : -qty;
		usdt += t->bought ? -cost : cost - t->fee;
	}
	must(sim.desk.trades >= DESK_TRADES_MAX || (all_of("BTC") == btc && all_of("USDT") == usdt));
	for (uint32_t i = 0; i < sim.desk.n; i++) {
		const struct desk_order *o = &sim.desk.order[i];
		must(o->filled >= 0 && o->filled <= o->qty && o->held >= 0);
		must(desk_is_open(o) ? o->filled < o->qty : o->held == 0 && !o->working);
	}
}

static int64_t units(char c, int scale)
{
	return (1 + (int64_t)(uint8_t)c) * fixed_pow10(scale) / 4;
}

static void move_market(char what, const char *at, size_t len)
{
	struct fold_symbol *s = market();
	int64_t price = len > 0 ? units(at[0], s->about->price_scale) : 1;
	int64_t qty = len > 1 ? units(at[1], s->about->qty_scale) : 0;
	struct fold_trade t = {.id = 1, .price = price, .qty = qty + 1, .time_ms = 1, .taker_sold = len > 2};

	if (what == 'X')
		fold_trade_add(s, &t);
	else
		(void)fold_book_put(&s->book, what == 'B' ? FOLD_BID : FOLD_ASK, price, qty);
	desk_market(&sim.desk, s, what == 'X' ? &t : NULL, 1);
}

static void step(const char *line, size_t len)
{
	struct text rest = {line + 1, len - 1};

	switch (line[0]) {
	case 'D':
		ask("DELETE", "/api/v3/order", VENUE_ORDERS_CANCEL, rest);
		break;
	case 'C':
		ask("DELETE", "/api/v3/openOrders", VENUE_ORDERS_CANCEL_ALL, rest);
		break;
	case 'Q':
		ask("GET", "/api/v3/order", VENUE_ORDERS_QUERY, rest);
		break;
	case 'O':
		ask("GET", "/api/v3/openOrders", VENUE_ORDERS_OPEN, rest);
		break;
	case 'T':
		ask("GET", "/api/v3/myTrades", VENUE_ORDERS_FILLS, rest);
		break;
	case 'M':
		manners(rest);
		break;
	case 'B':
	case 'A':
	case 'X':
		move_market(line[0], rest.at, rest.len);
		break;
	default:
		ask("POST", "/api/v3/order", VENUE_ORDERS_PLACE, rest);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	begin();
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0)
			step(at, len);
		hear_reports();
		check_money();
		at += len + 1;
	}
	return 0;
}
