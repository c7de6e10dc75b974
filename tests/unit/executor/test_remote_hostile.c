/* test_remote_hostile - whatever a venue says of a live account's orders: the books add up, and nothing is promised
 * twice.
 *
 * Seeded words of every kind about orders that are and are not, with quantities, prices, scales and commissions from
 * the sound to the absurd, in accounts that pay in one asset or in several (the base among them). The core checks its
 * books after every step by itself; here it is also saved and loaded on the way.
 */
#include "scenario.h"

#include "common/base/rng.h"

static struct rng rng;

static int64_t roll(int64_t n)
{
	return (int64_t)rng_below(&rng, (uint64_t)n);
}

/* Mostly what is near the sound value. */
static int64_t amount(int64_t sound)
{
	static const int64_t odd[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX / 2, 1000000000000000000};
	return roll(60) == 0 ? odd[roll(ARRAY_LEN(odd))] : roll(sound + 1);
}

static uint8_t scale(uint8_t sound)
{
	return roll(60) == 0 ? (uint8_t)roll(20) : sound;
}

static void id_of(char out[EVENT_NAME_MAX])
{
	const struct orders *os = &d.x->orders;
	if (os->n > 0 && roll(8) != 0)
		event_set_name(out, os->at[roll(os->n)].client_order_id);
	else
		snprintf(out, EVENT_NAME_MAX, "who%lld", (long long)roll(3));
}

static void venue_says_something(void)
{
	static const char *const assets[] = {"USDT", "ONE", "BNB", "", "NEW"};
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	struct ev_venue_report *r = &ev.venue_report;
	r->says = (uint8_t)(roll(3) == 0 ? roll(14) : roll(5) ? venue_says_trade : venue_says_ended);
	event_set_name(r->account, "paper");
	id_of(r->client_order_id);
	r->instrument = desk_symbol("ONE.TEST");
	const struct order *o = orders_find(&d.x->orders, r->client_order_id);
	r->side = o && roll(20) ? o->side : (uint8_t)(1 + roll(2));
	r->status = (uint8_t)roll(10);
	snprintf(r->trade_id, sizeof(r->trade_id), "%lld", (long long)roll(5000));
	r->price_scale = scale(2);
	r->qty_scale = scale(3);
	r->cash_scale = scale(8);
	r->price = amount(10000);
	r->qty = amount(2000);
	r->fee = amount(CENT);
	event_set_name(r->fee_asset, assets[roll(ARRAY_LEN(assets))]);
	event_set_name(r->asset, assets[roll(ARRAY_LEN(assets))]);
	r->amount = amount(CASH(1000));
	desk_clear(&d);
	desk_feed(&d, &ev);
}

static void expect_sound_assets(void)
{
	const struct account *a = &d.x->account;
	for (uint32_t i = 0; i < a->n; i++)
		assert_true(a->asset[i].locked >= 0 && a->asset[i].locked <= a->asset[i].total);
}

static void happen(void)
{
	bool buys = roll(2) == 0;
	if (roll(4) == 0)
		desk_order(&d, buys ? side_buy : side_sell, roll(3) ? tif_gtc : tif_ioc,
			   buys ? 9000 + roll(900) : 10000 + roll(900), 51 + roll(2000));
	else if (roll(3) == 0 && executor_trading(d.x) != trading_running)
		desk_command(&d, verb_reset, "", "looked", 0);
	else if (roll(40) == 0)
		desk_command(&d, verb_cancel, "", "enough", 0);
	else if (roll(200) == 0)
		reborn();
	else
		venue_says_something();
	expect_sound_assets();
}

static void run(uint64_t seed)
{
	struct executor_settings s = desk_settings();
	s.remote = true;
	s.stale_ns = 100000 * S;
	s.balance[s.n_balances++] = (struct executor_balance){"BNB", 0};
	if (seed % 2 == 0)
		event_set_name(s.quotes[s.n_quotes++].asset, seed % 4 == 0 ? "ONE" : "BNB");
	rng_seed(&rng, seed);
	desk_open(&d, &s);
	desk_book(&d);
	for (int i = 0; i < 4000; i++)
		happen();
	assert_true(d.x->fills > 20); /* it has been what it is meant to be */
	desk_close(&d);
}

static void the_books_add_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_books_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
