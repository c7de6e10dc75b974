/* grid - see grid.h. */
#include "proto/grid.h"

#include "common/base/err.h"

static void ranges_of(const struct ev_instrument *d, struct grid_range ret_at[GRID_RANGES_MAX])
{
	ret_at[0] = (struct grid_range){0, d->tick_1};
	ret_at[1] = (struct grid_range){d->from_2, d->tick_2};
	ret_at[2] = (struct grid_range){d->from_3, d->tick_3};
	ret_at[3] = (struct grid_range){d->from_4, d->tick_4};
	ret_at[4] = (struct grid_range){d->from_5, d->tick_5};
}

static int64_t common_step(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

int grid_set(struct ev_instrument *d, const struct grid_range *at, uint32_t n)
{
	struct grid_range all[GRID_RANGES_MAX] = {0};
	int64_t step = 0;

	if (n > GRID_RANGES_MAX)
		return ERR_TOO_LONG;
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].tick <= 0 || (i == 0 ? at[i].from != 0 : at[i].from <= at[i - 1].from))
			return ERR_RANGE;
		all[i] = at[i];
		step = common_step(common_step(at[i].tick, at[i].from), step);
	}
	d->tick_size = step;
	if (n <= 1)
		all[0].tick = 0;
	d->tick_1 = all[0].tick;
	d->from_2 = all[1].from, d->tick_2 = all[1].tick;
	d->from_3 = all[2].from, d->tick_3 = all[2].tick;
	d->from_4 = all[3].from, d->tick_4 = all[3].tick;
	d->from_5 = all[4].from, d->tick_5 = all[4].tick;
	return 0;
}

bool grid_sound(const struct ev_instrument *d)
{
	struct grid_range at[GRID_RANGES_MAX];
	bool more = d->tick_1 > 0;

	ranges_of(d, at);
	if (d->tick_size < 0 || d->tick_1 < 0)
		return false;
	for (uint32_t i = 1; i < GRID_RANGES_MAX; i++) {
		bool none = at[i].from == 0 && at[i].tick == 0;
		if (!none && (!more || at[i].from <= at[i - 1].from || at[i].tick <= 0))
			return false;
		more = more && !none;
	}
	return true;
}

static struct grid_range range_at(const struct ev_instrument *d, int64_t price)
{
	struct grid_range at[GRID_RANGES_MAX], here = {0, d->tick_size};

	if (d->tick_1 == 0)
		return here;
	ranges_of(d, at);
	here = at[0];
	for (uint32_t i = 1; i < GRID_RANGES_MAX && at[i].from != 0 && at[i].from <= price; i++)
		here = at[i];
	return here;
}

int64_t grid_tick(const struct ev_instrument *d, int64_t price)
{
	return range_at(d, price).tick;
}

bool grid_holds(const struct ev_instrument *d, int64_t price)
{
	struct grid_range here = range_at(d, price);

	return here.tick == 0 || (price - here.from) % here.tick == 0;
}

int64_t grid_floor(const struct ev_instrument *d, int64_t price)
{
	struct grid_range here = range_at(d, price);

	return here.tick == 0 ? price : price - (price - here.from) % here.tick;
}
