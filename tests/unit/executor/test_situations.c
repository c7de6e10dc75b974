/* test_situations - every type of order by every time in force by what the book is like, worked out by hand.
 *
 * A buyer wants 3 pieces. The book offers 100.00 x 1, 101.00 x 2, 103.00 x 5; limits are at 101.00. A trade fires what
 * waits: stops (at 100.00) and the trailing stop (1.00 back from 99.50) one at 100.50, profits (at 99.00) one at 98.50.
 * Neither changes the book. A seller of 3 pieces meets the same in a mirror: every price is 200.00 less the buyer's.
 */
#include "scenario.h"

enum situation {
	full,
	empty,     /* nobody sells */
	thin,      /* asks are known completely up to 100.00 only: 1 piece */
	consumed,  /* we have taken 100.00 x 1 and 101.00 x 2 ourselves, and no update has come since */
	crossed,   /* somebody bids 100.50 */
	stale,     /* its feed is late */
	untrusted, /* its feed had a hole */
	BOOKS,
};

static bool sells; /* whose turn it is */

/* A buyer's price and side, for the one whose turn it is. */
static int64_t at(int64_t price)
{
	return sells ? 20000 - price : price;
}

static enum side with(enum side side)
{
	return !sells ? side : side == side_buy ? side_sell : side_buy;
}

static const char *const book_names[] = {"full", "empty", "thin", "consumed", "crossed", "stale", "untrusted"};

struct cell {
	enum order_status status;
	enum reject reject;
	int64_t filled, cents; /* thousandths; cost of the fills in cents of quote times 1000 */
};

/* 1 at 100 and 2 at 101; 3 at 103; 1 at 100. */
#define BEST_THREE (10000 * 1000 + 10100 * 2000)
#define NEXT_THREE (10300 * 3000)
#define BEST_ONE (10000 * 1000)

#define ALL {order_status_filled, reject_none, 3000, BEST_THREE}
#define DEARER {order_status_filled, reject_none, 3000, NEXT_THREE}
#define REFUSED(why) {order_status_rejected, reject_##why, 0, 0}
#define CANCELLED(why) {order_status_cancelled, reject_##why, 0, 0}
#define ONE_THEN(why) {order_status_cancelled, reject_##why, 1000, BEST_ONE}
#define ONE_AND_RESTS {order_status_partial, reject_none, 1000, BEST_ONE}
#define RESTS {order_status_open, reject_none, 0, 0}
#define FIRED_AND_RESTS {order_status_triggered, reject_none, 0, 0}

/* A book that says nothing certain takes no order at all, whatever it is. */
#define UNSEEN [crossed] = REFUSED(book_untrusted), [stale] = REFUSED(book_stale), [untrusted] = REFUSED(book_untrusted)

/* What makes no sense makes none on any book. */
#define SENSELESS                                                                                                      \
	{[full] = REFUSED(invalid),    [empty] = REFUSED(invalid),   [thin] = REFUSED(invalid),                        \
	 [consumed] = REFUSED(invalid), [crossed] = REFUSED(invalid), [stale] = REFUSED(invalid),                      \
	 [untrusted] = REFUSED(invalid)}

/* At market once it has fired: as far as the book is known, then cut off. What was accepted is cancelled. */
#define FIRED_AT_MARKET                                                                                                \
	{[full] = ALL, [empty] = CANCELLED(depth), [thin] = ONE_THEN(depth), [consumed] = DEARER, UNSEEN}

/* With a limit once it has fired. 103.00 is above it. */
#define FIRED_AND_MAY_REST                                                                                             \
	{[full] = ALL, [empty] = FIRED_AND_RESTS, [thin] = ONE_AND_RESTS, [consumed] = FIRED_AND_RESTS, UNSEEN}
#define FIRED_IOC                                                                                                      \
	{[full] = ALL, [empty] = CANCELLED(none), [thin] = ONE_THEN(none), [consumed] = CANCELLED(none), UNSEEN}
#define FIRED_FOK                                                                                                      \
	{[full] = ALL, [empty] = CANCELLED(not_fillable), [thin] = CANCELLED(not_fillable),                            \
	 [consumed] = CANCELLED(not_fillable), UNSEEN}

static const struct row {
	enum order_type type;
	enum tif tif;
	struct cell on[BOOKS];
} rows[] = {
	{order_type_market, tif_gtc,
	 {[full] = ALL, [empty] = REFUSED(depth), [thin] = ONE_THEN(depth), [consumed] = DEARER, UNSEEN}},
	{order_type_market, tif_gtd, SENSELESS},
	{order_type_market, tif_ioc,
	 {[full] = ALL, [empty] = REFUSED(depth), [thin] = ONE_THEN(depth), [consumed] = DEARER, UNSEEN}},
	{order_type_market, tif_fok,
	 {[full] = ALL, [empty] = REFUSED(depth), [thin] = REFUSED(not_fillable), [consumed] = DEARER, UNSEEN}},
	{order_type_limit, tif_gtc,
	 {[full] = ALL, [empty] = RESTS, [thin] = ONE_AND_RESTS, [consumed] = RESTS, UNSEEN}},
	{order_type_limit, tif_gtd,
	 {[full] = ALL, [empty] = RESTS, [thin] = ONE_AND_RESTS, [consumed] = RESTS, UNSEEN}},
	{order_type_limit, tif_ioc,
	 {[full] = ALL, [empty] = CANCELLED(none), [thin] = ONE_THEN(none), [consumed] = CANCELLED(none), UNSEEN}},
	{order_type_limit, tif_fok,
	 {[full] = ALL, [empty] = REFUSED(not_fillable), [thin] = REFUSED(not_fillable),
	  [consumed] = REFUSED(not_fillable), UNSEEN}},
	{order_type_stop_market, tif_gtc, FIRED_AT_MARKET},
	{order_type_stop_market, tif_gtd, FIRED_AT_MARKET},
	{order_type_stop_market, tif_ioc, SENSELESS},
	{order_type_stop_market, tif_fok, SENSELESS},
	{order_type_stop_limit, tif_gtc, FIRED_AND_MAY_REST},
	{order_type_stop_limit, tif_gtd, FIRED_AND_MAY_REST},
	{order_type_stop_limit, tif_ioc, FIRED_IOC},
	{order_type_stop_limit, tif_fok, FIRED_FOK},
	{order_type_take_profit, tif_gtc, FIRED_AT_MARKET},
	{order_type_take_profit, tif_gtd, FIRED_AT_MARKET},
	{order_type_take_profit, tif_ioc, SENSELESS},
	{order_type_take_profit, tif_fok, SENSELESS},
	{order_type_take_profit_limit, tif_gtc, FIRED_AND_MAY_REST},
	{order_type_take_profit_limit, tif_gtd, FIRED_AND_MAY_REST},
	{order_type_take_profit_limit, tif_ioc, FIRED_IOC},
	{order_type_take_profit_limit, tif_fok, FIRED_FOK},
	{order_type_trailing_stop, tif_gtc, FIRED_AT_MARKET},
	{order_type_trailing_stop, tif_gtd, FIRED_AT_MARKET},
	{order_type_trailing_stop, tif_ioc, SENSELESS},
	{order_type_trailing_stop, tif_fok, SENSELESS},
};

/* The price that each type waits for; 0: none, it is there at once. */
static int64_t fires_at(enum order_type type)
{
	if (type == order_type_market || type == order_type_limit)
		return 0;
	return type == order_type_take_profit || type == order_type_take_profit_limit ? 9850 : 10050;
}

static void fire(enum order_type type)
{
	trade(with(fires_at(type) == 9850 ? side_sell : side_buy), at(fires_at(type)), 10);
}

static struct event wanted(const struct row *r)
{
	bool limited = r->type == order_type_limit || r->type == order_type_stop_limit ||
		       r->type == order_type_take_profit_limit;
	struct event ev = desk_intent(&d, with(side_buy), r->tif, limited ? at(10100) : 0, 3000);
	ev.intent.type = (uint8_t)r->type;
	ev.intent.good_until = r->tif == tif_gtd ? d.now + 5 * S : 0;
	if (r->type == order_type_trailing_stop)
		ev.intent.trail = 100;
	else if (fires_at(r->type))
		ev.intent.trigger_price = fires_at(r->type) == 9850 ? at(9900) : at(10000);
	event_set_name(ev.intent.client_order_id, "wanted");
	return ev;
}

/* What he is offered, completely or up to 100.00 only. */
static void show(bool all)
{
	struct levels offers = LEVELS({10000, 1000}, {10100, 2000}, {10300, 5000});
	struct levels mirrored = LEVELS({10000, 1000}, {9900, 2000}, {9700, 5000});
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = sells ? mirrored : (struct levels)LEVELS({9900, 1000}, {9800, 2000});
	ev.book_snapshot.asks = sells ? (struct levels)LEVELS({10100, 1000}, {10200, 2000}) : offers;
	*(sells ? &ev.book_snapshot.bid_floor : &ev.book_snapshot.ask_ceil) = all ? 0 : 10000;
	desk_feed(&d, &ev);
}

static void make(enum situation book)
{
	desk_clear(&d);
	switch (book) {
	case empty:
		desk_delta(&d, with(side_sell), at(10000), 0);
		desk_delta(&d, with(side_sell), at(10100), 0);
		desk_delta(&d, with(side_sell), at(10300), 0);
		break;
	case thin:
		show(false);
		break;
	case consumed:
		order(with(side_buy), tif_ioc, at(10100), 3000);
		break;
	case crossed:
		desk_delta(&d, with(side_buy), at(10050), 1000);
		break;
	case stale:
		desk_state(&d, book_state_stale);
		break;
	case untrusted:
		desk_state(&d, book_state_untrusted);
		break;
	default:
		break;
	}
	step();
}

/* Where the last word about it was said in an earlier step, the table of open orders has it. */
static void expect_cell(const struct cell *c, int64_t cents)
{
	if (said("wanted")) {
		expect("wanted", c->status, c->reject, c->filled);
	} else {
		assert_int_equal(executor_open_orders(d.x), 1);
		assert_int_equal(d.x->orders.at[0].status, c->status);
		assert_int_equal(d.x->orders.at[0].filled, c->filled);
	}
	assert_int_equal(cents, sells ? 20000 * c->filled - c->cents : c->cents);
}

static int64_t cents_said(void)
{
	int64_t cents = 0;
	for (uint32_t i = 0; i < d.n; i++)
		if (d.out[i].id == EVENT_fill && strcmp(d.out[i].fill.client_order_id, "wanted") == 0)
			cents += d.out[i].fill.price * d.out[i].fill.qty;
	return cents;
}

static void begin(const char *when, const struct row *r, enum situation book)
{
	struct executor_settings s = desk_settings();
	event_set_name(s.balance[1].asset, "ONE");
	s.balance[1].amount = CASH(10);
	s.n_balances = 2;
	desk_close(&d);
	desk_open(&d, &s);
	desk_instrument(&d);
	show(true);
	desk_state(&d, book_state_trusted);
	desk_clear(&d);
	trade(with(side_sell), at(9950), 10);
	print_message("%s %s, %s, %s %s\n", sells ? "sells" : "buys", enum_text(enum_order_type(), (uint8_t)r->type),
		      enum_text(enum_tif(), (uint8_t)r->tif), book_names[book], when);
}

/* Whatever became of it: ended by hand, nothing stays locked. */
static void end(void)
{
	struct event ev = desk_intent(&d, side_buy, tif_gtc, 0, 1);
	ev.intent.kind = intent_kind_cancel;
	event_set_name(ev.intent.client_order_id, "wanted");
	give(&ev);
	assert_int_equal(executor_open_orders(d.x), 0);
	for (uint32_t i = 0; i < d.x->account.n; i++)
		assert_int_equal(d.x->account.asset[i].locked, 0);
}

static bool refused_at_once(const struct cell *c)
{
	return c->status == order_status_rejected;
}

/* The book is so when the order comes, and still when its price does. */
static void before_the_order(const struct row *r, enum situation book)
{
	struct event ev;
	begin("before", r, book);
	make(book);
	ev = wanted(r);
	give(&ev);
	if (fires_at(r->type) && !refused_at_once(&r->on[book])) {
		expect_cell(&(struct cell){order_status_waiting, reject_none, 0, 0}, cents_said());
		fire(r->type);
	}
	expect_cell(&r->on[book], cents_said());
	end();
}

/* The book becomes so while the order waits: nothing fires on one that says nothing certain. */
static void while_it_waits(const struct row *r, enum situation book)
{
	struct event ev;
	begin("while it waits", r, book);
	ev = wanted(r);
	give(&ev);
	make(book);
	fire(r->type);
	if (refused_at_once(&r->on[book]))
		expect_cell(&(struct cell){order_status_waiting, reject_none, 0, 0}, cents_said());
	else
		expect_cell(&r->on[book], cents_said());
	end();
}

static void every_one(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (enum situation book = full; book < BOOKS; book++)
			before_the_order(&rows[i], book);
}

static void what_waits(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (enum situation book = full; book < BOOKS; book++)
			if (fires_at(rows[i].type) && !refused_at_once(&rows[i].on[full]))
				while_it_waits(&rows[i], book);
}

static void every_type_by_time_in_force_by_book(void **state)
{
	(void)state;
	sells = false;
	every_one();
	sells = true;
	every_one();
}

static void a_book_that_changes_under_what_waits(void **state)
{
	(void)state;
	sells = false;
	what_waits();
	sells = true;
	what_waits();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(every_type_by_time_in_force_by_book),
		BOTH(a_book_that_changes_under_what_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
