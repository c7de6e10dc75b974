/* test_queue_truth - a level whose every lot is known tells of itself in two streams; the queue models against it.
 *
 * Lots come behind, are sold from the front and, in half of the worlds, cancelled anywhere. The book and the trades are
 * told with delays of their own that change, so that now the one is ahead and now the other, and the book leaves steps
 * out. One order joins in the middle of it. The judge knows which lots stood ahead of it and what of each was left
 * before each sale: whatever exceeded them would have been the order's.
 *
 *   nobody cancels   back, share and square fill exactly that, in the moment in which the trade is told; no more than
 *                    that where the book was behind the trades when it joined: what it showed had partly been sold
 *   cancels          back never fills more; share and square no more than what was sold since it joined
 *   always           through fills nothing: no trade goes beyond the price
 */
#include "common/base/rng.h"
#include "desk.h"
#include "services/executor/executor.h"

#define STEPS 400
#define PRICE 9800
#define WANTED 9000 /* more than it can get */
#define LAG_MAX (900 * MS)

struct moment { /* the level after a step */
	int64_t at, shown, sold;
	uint32_t ids; /* lots that there have been */
	int64_t lot[STEPS + 1];
};

struct told {
	int64_t at;
	uint32_t step;
};

static struct moment level[STEPS];
static struct told book[STEPS], trades[STEPS];
static uint32_t n_book, n_trades;
static struct desk d;
static struct rng rng;

static int64_t below(int64_t n)
{
	return (int64_t)rng_below(&rng, (uint64_t)n);
}

static void sell(struct moment *m)
{
	m->sold = 1 + below(m->shown < 60 ? m->shown : 60);
	int64_t left = m->sold;
	for (uint32_t i = 0; i < m->ids && left > 0; i++) {
		int64_t qty = m->lot[i] < left ? m->lot[i] : left;
		m->lot[i] -= qty;
		left -= qty;
	}
	m->shown -= m->sold;
}

static void cancel(struct moment *m)
{
	int64_t *lot = &m->lot[below(m->ids)];
	int64_t qty = *lot > 0 ? 1 + below(*lot) : 0;
	*lot -= qty;
	m->shown -= qty;
}

static void come(struct moment *m)
{
	m->lot[m->ids] = 1 + below(40);
	m->shown += m->lot[m->ids++];
}

static void live(bool cancels)
{
	memset(level, 0, sizeof(level));
	level[0].at = 1000 * S;
	come(&level[0]);
	for (uint32_t k = 1; k < STEPS; k++) {
		struct moment *m = &level[k];
		*m = level[k - 1];
		m->sold = 0;
		m->at += 1 + below(60 * MS);
		int64_t what = below(10);
		if (what < 3 && m->shown > 0)
			sell(m);
		else if (what < 5 && cancels)
			cancel(m);
		else
			come(m);
	}
}

struct lag {
	int64_t now, last;
};

/* When step k is told: in order, with a delay that stays for a while. */
static struct told late(struct lag *l, uint32_t k)
{
	l->now = below(20) == 0 ? below(LAG_MAX) : l->now;
	l->last = level[k].at + l->now > l->last ? level[k].at + l->now : l->last;
	return (struct told){l->last, k};
}

/* The book leaves steps out: it shows what came of them. */
static void tell_all(void)
{
	struct lag of_book = {0, 0}, of_trades = {0, 0};
	n_book = n_trades = 0;
	for (uint32_t k = 0; k < STEPS; k++) {
		struct told b = late(&of_book, k), t = late(&of_trades, k);
		if (k == 0 || below(4) != 0)
			book[n_book++] = b;
		if (level[k].sold > 0)
			trades[n_trades++] = t;
	}
}

static void feed(struct event *ev, const struct told *t)
{
	desk_until(&d, t->at);
	ev->origin = d.origin;
	ev->ts_event = level[t->step].at;
	ev->ts_recv = d.now;
	snprintf(ev->source, sizeof(ev->source), "test");
	executor_core.on_event(d.x, d.now, ev, &d.sink);
}

static void tell_book(const struct told *t)
{
	struct level l = {PRICE, level[t->step].shown};
	struct event ev;
	event_init(&ev, EVENT_book_delta);
	ev.book_delta.instrument = desk_symbol("ONE.TEST");
	ev.book_delta.price_scale = 2;
	ev.book_delta.qty_scale = 3;
	ev.book_delta.bids = (struct levels){&l, 1};
	feed(&ev, t);
}

static void tell_trade(const struct told *t)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.trade.instrument = desk_symbol("ONE.TEST");
	ev.trade.price_scale = 2;
	ev.trade.qty_scale = 3;
	ev.trade.price = PRICE;
	ev.trade.qty = level[t->step].sold;
	ev.trade.aggressor = side_sell;
	feed(&ev, t);
}

/* Of what step k sold, what would have been the order's, had it stood behind all that step `joined` shows. */
static int64_t due(uint32_t joined, uint32_t k)
{
	int64_t ahead = 0;
	for (uint32_t i = 0; i < level[joined].ids; i++)
		ahead += level[k - 1].lot[i];
	return k > joined && level[k].sold > ahead ? level[k].sold - ahead : 0;
}

struct account_of_it {
	int64_t due, sold, filled;
	bool exact; /* when it joined, the book showed all trades that had been told */
};

static void judge(struct account_of_it *a, enum queue_model model, bool cancels)
{
	assert_int_equal(executor_open_orders(d.x), 1);
	a->filled = d.x->orders.at[0].filled;
	if (model == QUEUE_THROUGH)
		assert_int_equal(a->filled, 0);
	else if (!cancels && a->exact)
		assert_int_equal(a->filled, a->due);
	else
		assert_true(a->filled <= (model == QUEUE_BACK || !cancels ? a->due : a->sold));
}

static void open_world(enum queue_model model)
{
	struct executor_settings s = desk_settings();
	s.queue = (uint8_t)model;
	desk_open(&d, &s);
	desk_instrument(&d);
	desk_snapshot(&d, (struct levels)LEVELS({PRICE, level[0].shown}), (struct levels)LEVELS({10000, 1000}));
	desk_state(&d, book_state_trusted);
}

static struct account_of_it run(enum queue_model model, bool cancels)
{
	struct account_of_it a = {0};
	uint32_t b = 1, t = 0, at = 20 + (uint32_t)below(STEPS / 3), joined = 0;
	open_world(model);
	while (b < n_book || t < n_trades) {
		bool shows = b < n_book && (t == n_trades || book[b].at <= trades[t].at);
		desk_clear(&d);
		if (shows)
			tell_book(&book[b++]);
		else
			tell_trade(&trades[t++]);
		if (joined > 0 && !shows) {
			a.due += due(joined, trades[t - 1].step);
			a.sold += trades[t - 1].step > joined ? level[trades[t - 1].step].sold : 0;
		}
		if (joined > 0)
			judge(&a, model, cancels);
		if (joined == 0 && b + t >= at) {
			joined = book[b - 1].step;
			a.exact = t == 0 || trades[t - 1].step <= joined;
			desk_order(&d, side_buy, tif_gtc, PRICE, WANTED);
		}
	}
	desk_close(&d);
	return a;
}

static void whichever_message_is_first(void **state)
{
	struct account_of_it sum[2][QUEUE_MODELS] = {{{0}}};
	uint32_t exact = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		enum queue_model model = (enum queue_model)(seed % QUEUE_MODELS);
		bool cancels = seed / QUEUE_MODELS % 2 == 1;
		rng_seed(&rng, seed);
		live(cancels);
		tell_all();
		struct account_of_it a = run(model, cancels);
		struct account_of_it *to = &sum[cancels][model];
		exact += a.exact;
		*to = (struct account_of_it){to->due + a.due, to->sold + a.sold, to->filled + a.filled, false};
	}
	assert_true(exact > 100 && exact < 300);
	for (int cancels = 0; cancels < 2; cancels++)
		for (int m = 0; m < QUEUE_THROUGH; m++) {
			const struct account_of_it *a = &sum[cancels][m];
			print_message("%s, cancels %d: sold %lld, due %lld, filled %lld\n",
				      queue_name((enum queue_model)m), cancels, (long long)a->sold, (long long)a->due,
				      (long long)a->filled);
			assert_true(a->due > 10000 && a->filled * 4 > a->due * 3);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whichever_message_is_first)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
