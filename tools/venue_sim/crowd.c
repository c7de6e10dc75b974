/* crowd - the seeded traders of one generated symbol. */
#include "tools/venue_sim/crowd.h"

#include "common/base/check.h"

#define FRACTION INT64_C(1024)
#define SECOND INT64_C(1000000000)
#define LEVELS_START 60
#define LEVELS_LEAST 24
#define LEVELS_MOST 160
#define FAIR_LEAST (1000 * FRACTION) /* ticks: it never reaches zero */

static int64_t between(struct crowd *c, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(&c->rng, (uint64_t)(high - low + 1));
}

/* Small numbers are the most likely: two draws multiplied. */
static int64_t some_lots(struct crowd *c)
{
	int64_t n = c->spec.lots * between(c, 1, 24) * between(c, 1, 24) / 100;

	return n > 0 ? n : 1;
}

/* About normal with deviation 1024: the sum of twelve uniform draws. */
static int64_t noise(struct crowd *c)
{
	int64_t sum = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t r = rng_u64(&c->rng);
		for (int k = 0; k < 4; k++, r >>= 16)
			sum += (int64_t)(r & 0xffff) - 0x8000;
	}
	return sum / 64;
}

static int64_t square_root(int64_t n)
{
	int64_t r = 1;

	while (r * r < n)
		r++;
	return r;
}

static int64_t away(enum quotes_side side, int64_t price, int64_t distance)
{
	return side == QUOTES_BID ? price - distance : price + distance;
}

/* A limit order; never at or through the other side's best. */
static void quote_at(struct crowd *c, enum quotes_side side, int64_t price, int64_t qty)
{
	enum quotes_side other = side == QUOTES_BID ? QUOTES_ASK : QUOTES_BID;

	if (price <= 0 || (c->spec.ceiling > 0 && price >= c->spec.ceiling))
		return;
	if (c->quotes.n[other] > 0) {
		int64_t touch = quotes_at(&c->quotes, other, 0)->price;
		if (side == QUOTES_BID ? price >= touch : price <= touch)
			price = away(side, touch, 1);
	}
	quotes_set(&c->quotes, side, price, quotes_qty(&c->quotes, side, price) + qty);
}

static void quote_near(struct crowd *c, enum quotes_side side)
{
	int64_t steps = between(c, 0, 5) * between(c, 0, 5);

	quote_at(c, side,
		 away(side, c->fair / FRACTION, 1 + between(c, 0, c->gap) + steps * c->gap),
		 some_lots(c));
}

static void quote_behind(struct crowd *c, enum quotes_side side)
{
	int64_t worst = c->quotes.n[side] > 0 ? c->quotes.side[side][0].price : c->fair / FRACTION;

	quote_at(c, side, away(side, worst, 1 + between(c, 0, 2 * c->gap)), some_lots(c));
}

void crowd_init(struct crowd *c, const struct crowd_spec *spec, uint64_t seed)
{
	must(spec->price > 0 && spec->lots > 0 && spec->rate > 0);
	c->spec = *spec;
	rng_seed(&c->rng, seed);
	c->fair = spec->price * FRACTION;
	/* 0.6 basis points a second; n steps of s walk s * sqrt(n) */
	c->sigma = spec->price * FRACTION * 6 / 100000 / square_root(spec->rate) + 1;
	c->gap = spec->price / 50000 + 1;
	c->drift = c->drift_until = c->burst_until = 0;
	c->n_fills = 0;
	c->trade_id = 1000000 + rng_below(&c->rng, 1000000);
	quotes_init(&c->quotes, 1000000000 + rng_below(&c->rng, 1000000000));
	for (int i = 0; i < LEVELS_START; i++) {
		quote_behind(c, QUOTES_BID);
		quote_behind(c, QUOTES_ASK);
	}
	quotes_told(&c->quotes);
}

/* Takes up to qty from the best level of `side`; false where a limit of ours is reached. */
static bool trade(struct crowd *c, enum quotes_side side, int64_t qty)
{
	if (c->quotes.n[side] == 0 || c->n_fills == CROWD_FILLS_MAX)
		return false;
	const struct quote best = *quotes_at(&c->quotes, side, 0);
	int64_t n = qty < best.qty ? qty : best.qty;
	if (!quotes_set(&c->quotes, side, best.price, best.qty - n))
		return false;
	c->fill[c->n_fills++] = (struct fill){++c->trade_id, best.price, n, side == QUOTES_BID};
	return true;
}

/* Everything that rests on the wrong side of the fair value is taken; the last levels stay. */
static bool sweep(struct crowd *c, enum quotes_side side)
{
	int64_t fair = c->fair / FRACTION;
	bool any = false;

	while (c->quotes.n[side] > 2 && c->n_fills < CROWD_FILLS_MAX) {
		const struct quote *best = quotes_at(&c->quotes, side, 0);
		if (side == QUOTES_ASK ? best->price > fair : best->price < fair)
			break;
		if (!trade(c, side, best->qty))
			break;
		any = true;
	}
	return any;
}

static void cancel(struct crowd *c, enum quotes_side side)
{
	uint32_t n = c->quotes.n[side];

	if (n <= LEVELS_LEAST)
		return;
	struct quote q = *quotes_at(&c->quotes, side, (uint32_t)rng_below(&c->rng, n));
	int64_t left = rng_below(&c->rng, 3) == 0 ? q.qty / 2 : 0;
	quotes_set(&c->quotes, side, q.price, left);
}

static void move_fair(struct crowd *c, int64_t now)
{
	int64_t step = c->sigma * noise(c) / FRACTION;

	if (now >= c->drift_until) {
		c->drift_until = now + between(c, 15, 60) * SECOND;
		c->drift = c->sigma * between(c, -10, 10) / 100;
	}
	if (now >= c->burst_until && rng_below(&c->rng, (uint64_t)c->spec.rate * 60) == 0) {
		c->burst_until = now + between(c, 2, 8) * SECOND;
		c->drift_until = c->burst_until;
		c->drift = c->sigma * (rng_below(&c->rng, 2) == 0 ? 1 : -1) / 2;
	}
	c->fair += now < c->burst_until ? 2 * step + c->drift : step + c->drift;
	if (c->fair < FAIR_LEAST)
		c->fair = FAIR_LEAST;
	if (c->spec.ceiling > 0 && c->fair > c->spec.ceiling * FRACTION - FAIR_LEAST)
		c->fair = c->spec.ceiling * FRACTION - FAIR_LEAST;
}

static void one_order(struct crowd *c)
{
	enum quotes_side side = rng_below(&c->rng, 2) == 0 ? QUOTES_BID : QUOTES_ASK;
	uint64_t what = rng_below(&c->rng, 100);

	if (what < 25)
		trade(c, side, 1 + some_lots(c) / 8);
	else if (what < 65)
		quote_near(c, side);
	else
		cancel(c, side);
}

/* Keeps each side between its least and most levels, and the spread from staying open. */
static void tend(struct crowd *c, enum quotes_side side)
{
	struct quotes *q = &c->quotes;

	for (int i = 0; i < LEVELS_LEAST && q->n[side] < LEVELS_LEAST; i++)
		quote_behind(c, side);
	if (q->n[side] == 0)
		return;
	if (q->n[side] > LEVELS_MOST)
		quotes_set(q, side, q->side[side][0].price, 0);
	int64_t distance = quotes_at(q, side, 0)->price - c->fair / FRACTION;
	if (distance > 2 * c->gap || distance < -2 * c->gap)
		quote_near(c, side);
}

int64_t crowd_act(struct crowd *c, int64_t now)
{
	int64_t mean = SECOND / c->spec.rate;

	c->n_fills = 0;
	c->quotes.at = now;
	move_fair(c, now);
	if (!sweep(c, QUOTES_ASK) && !sweep(c, QUOTES_BID))
		one_order(c);
	tend(c, QUOTES_BID);
	tend(c, QUOTES_ASK);
	if (now < c->burst_until)
		mean = mean / 3 + 1;
	return between(c, 1, 2 * mean);
}
