/* test_perpetual_hostile - whatever prices, rates and times a venue gives its perpetuals: the books add up.
 *
 * Seeded marks and books from the sound to the absurd, with orders, fundings and liquidations between them. The core
 * checks its books after every step by itself; here it is also saved and loaded on the way.
 */
#include "scenario.h"

#include "common/base/rng.h"

static struct rng rng;
static uint64_t fundings, liquidations;

static int64_t roll(int64_t n)
{
	return (int64_t)rng_below(&rng, (uint64_t)n);
}

/* Mostly what is near the sound value. */
static int64_t near(int64_t sound)
{
	static const int64_t odd[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX / 2, 4000000000000000000, 100000000000};
	return roll(40) == 0 ? odd[roll(ARRAY_LEN(odd))] : sound - sound / 50 + roll(sound / 25 + 1);
}

static struct symbol symbol_of(int64_t i)
{
	return desk_symbol(i ? "TWO.TEST" : "ONE.TEST");
}

static void define(int64_t i)
{
	struct event ev = desk_definition(i ? "TWO.TEST" : "ONE.TEST", i ? "TWO" : "ONE");
	ev.instrument.kind = instrument_kind_perpetual;
	desk_feed(&d, &ev);
}

static void mark(int64_t i)
{
	struct event ev;
	event_init(&ev, EVENT_mark);
	ev.mark.instrument = symbol_of(i);
	ev.mark.price_scale = (uint8_t)(roll(40) ? 4 : roll(20));
	ev.mark.cash_scale = (uint8_t)(roll(40) ? 8 : roll(20));
	ev.mark.mark = near(1000000);
	ev.mark.funding_rate = roll(20) ? roll(100001) - 50000 : near(100000000);
	ev.mark.funding_at = roll(3) ? d.now + roll(20 * S) : near(d.now);
	desk_feed(&d, &ev);
}

static void book(int64_t i)
{
	int64_t mid = near(10000), qty = roll(20) ? 50000 : near(50000);
	struct event ev;
	if (mid < 11 || mid > INT64_MAX - 11 || qty <= 0)
		return; /* a book that the collector does not make */
	struct level bid = {mid - 10, qty}, ask = {mid + 10, qty};
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = symbol_of(i);
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){&bid, 1};
	ev.book_snapshot.asks = (struct levels){&ask, 1};
	desk_feed(&d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = symbol_of(i);
	ev.book_state.state = book_state_trusted;
	desk_feed(&d, &ev);
}

static void wish_something(int64_t i)
{
	bool buys = roll(2) == 0;
	struct event ev = desk_intent(&d, buys ? side_buy : side_sell, roll(2) ? tif_gtc : tif_ioc,
				      roll(3) ? near(10000) : 0, 1 + roll(roll(10) ? 5000 : 5000000));
	if (ev.intent.price == 0)
		ev.intent.tif = tif_ioc;
	ev.intent.instrument = symbol_of(i);
	desk_feed(&d, &ev);
}

/* Counters are of a life. */
static void count(void)
{
	fundings += executor_counters(d.x)->fundings;
	liquidations += executor_counters(d.x)->liquidations;
}

static void begin_anew(void)
{
	count();
	reborn();
}

static void happen(void)
{
	int64_t i = roll(2), what = roll(20);
	desk_clear(&d);
	if (what < 7)
		book(i);
	else if (what < 12)
		mark(i);
	else if (what < 18)
		wish_something(i);
	else if (what < 19 && roll(20) == 0)
		begin_anew();
	else
		desk_until(&d, d.now + roll(10 * S));
	const struct asset *a = account_find(&d.x->account, "USDT");
	assert_true(a->locked >= 0 && a->locked <= a->total);
}

static void the_books_add_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct executor_settings s = desk_settings();
		char reason[EVENT_TEXT_MAX];
		assert_int_equal(margin_parse(&s.margins,
					      seed % 2 ? "PERP cross 10 0.01 1000:0.01:50 *:0.02:20"
						       : "PERP isolated 10 0.01 1000:0.01:50 *:0.02:20",
					      reason, sizeof(reason)),
				 0);
		s.balance[0].amount = seed % 5 ? CASH(1000) : INT64_MAX / 4;
		rng_seed(&rng, seed);
		desk_open(&d, &s);
		define(0);
		define(1);
		book(0);
		book(1);
		for (int k = 0; k < 3000; k++)
			happen();
		count();
		desk_close(&d);
	}
	/* The runs have been what they are meant to be. */
	assert_true(fundings > 1000 && liquidations > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_books_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
