/* mark - see mark.h. */
#include "services/executor/mark.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/executor.h"

static const char *const names[MARK_KINDS] = {"mid", "side", "last", "mark"};

const char *mark_name(enum mark_kind kind)
{
	return kind < MARK_KINDS ? names[kind] : "";
}

enum mark_kind mark_find(const char *name)
{
	for (int i = 0; i < MARK_KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum mark_kind)i;
	return MARK_KINDS;
}

static struct mark doubled(int64_t price, uint8_t scale)
{
	return (struct mark){price <= INT64_MAX / 2 ? 2 * price : INT64_MAX, scale};
}

static struct mark mid_of(const struct market *m)
{
	return (struct mark){m->mark, m->def.price_scale};
}

struct mark mark_stated(const struct executor *x, const struct market *m, bool owed)
{
	const struct marks *k = &m->marks;
	int64_t side = owed ? k->ask : k->bid;
	if (x->settings.mark == MARK_SIDE && side != 0)
		return doubled(side, m->def.price_scale);
	if (x->settings.mark == MARK_LAST && k->traded != 0)
		return doubled(k->traded, m->def.price_scale);
	if (x->settings.mark == MARK_VENUE && k->price != 0)
		return doubled(k->price, k->scale);
	return mid_of(m);
}

bool mark_heard(const struct market *m, int64_t now)
{
	return m->marks.price != 0 && now - m->marks.at <= MARK_FRESH_NS;
}

bool mark_stands(const struct executor *x, const struct market *m, int64_t now)
{
	if (x->settings.mark == MARK_VENUE && m->marks.price != 0)
		return mark_heard(m, now);
	bool known = x->settings.mark == MARK_LAST ? m->marks.traded != 0 : m->mark != 0;
	return known && market_usable(m, now, x->settings.stale_ns) == reject_none;
}

struct mark mark_judged(const struct market *m, int64_t now)
{
	bool venue = mark_heard(m, now) || (m->marks.price != 0 && (m->mark == 0 || mark_heard(m, m->updated_at)));
	return venue ? doubled(m->marks.price, m->marks.scale) : mid_of(m);
}

int64_t mark_value(int64_t qty, int qty_scale, struct mark mark)
{
	fixed_wide twice = (fixed_wide)qty * mark.twice, value;
	int drop = qty_scale + mark.scale - CASH_SCALE;
	if (drop <= 0 && __builtin_mul_overflow(twice, fixed_pow10(-drop), &value))
		value = twice < 0 ? -INT64_MAX : INT64_MAX;
	else if (drop <= 0)
		value = fixed_div_round(value, 2);
	else
		value = fixed_div_round(twice, (fixed_wide)2 * fixed_pow10(drop));
	if (value > INT64_MAX)
		return INT64_MAX;
	return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

void mark_price(struct mark mark, int64_t *ret_price, uint8_t *ret_scale)
{
	bool half = mark.twice % 2 != 0 && mark.scale < FIXED_SCALE_MAX && mark.twice <= INT64_MAX / 5;
	*ret_price = half ? 5 * mark.twice : mark.twice / 2;
	*ret_scale = (uint8_t)(mark.scale + half);
}

int64_t mark_rounded(struct mark mark, uint8_t scale, bool up)
{
	fixed_wide price = mark.twice, unit = 2;
	if (scale >= mark.scale)
		price *= fixed_pow10(scale - mark.scale);
	else
		unit *= fixed_pow10(mark.scale - scale);
	price = price / unit + (up && price % unit != 0);
	return price < 1 ? 1 : price > ORDERS_PRICE_MAX ? ORDERS_PRICE_MAX : (int64_t)price;
}

int64_t mark_twice(const struct market *m)
{
	int64_t twice = 0;
	if (m->marks.price != 0 && fixed_round(2 * m->marks.price, m->marks.scale, m->def.price_scale, &twice) != 0)
		twice = 0;
	return twice;
}

int mark_on_event(struct market *m, int64_t now, const struct ev_mark *e)
{
	int64_t rate;
	if (e->price_scale > CASH_SCALE || e->mark <= 0 || e->mark > ORDERS_PRICE_MAX || e->funding_at < 0 ||
	    fixed_round(e->funding_rate, e->cash_scale, MARK_RATE_SCALE, &rate) != 0)
		return ERR_RANGE;
	if (rate > fixed_pow10(MARK_RATE_SCALE) || rate < -fixed_pow10(MARK_RATE_SCALE))
		return ERR_RANGE;
	m->marks.price = e->mark;
	m->marks.scale = e->price_scale;
	m->marks.at = now;
	/* What was due before it was heard of is nobody's: who held then is not known any more. What is due in this
	 * instant is paid when all of the instant has come; the next mark price says again what comes then. */
	if ((e->funding_at > now || e->funding_at == 0) && m->marks.funding_at != now) {
		m->marks.rate = rate;
		m->marks.funding_at = e->funding_at;
	}
	return 0;
}

#define FIELDS 8

void mark_save(const struct executor *x, struct packer *p)
{
	pack_array(p, FIELDS * markets_count(&x->markets));
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct marks *k = &markets_at(&x->markets, i)->marks;
		pack_i64(p, k->bid);
		pack_i64(p, k->ask);
		pack_i64(p, k->traded);
		pack_i64(p, k->price);
		pack_i64(p, k->at);
		pack_i64(p, k->rate);
		pack_i64(p, k->funding_at);
		pack_u64(p, k->scale);
	}
}

static bool sound(const struct marks *k, uint64_t scale)
{
	const int64_t price[] = {k->bid, k->ask, k->traded, k->price};
	for (size_t i = 0; i < ARRAY_LEN(price); i++)
		if (price[i] < 0 || price[i] > ORDERS_PRICE_MAX)
			return false;
	int64_t one = fixed_pow10(MARK_RATE_SCALE);
	return scale <= CASH_SCALE && k->rate >= -one && k->rate <= one && k->funding_at >= 0;
}

/* The markets stand in the order in which they were saved. */
int mark_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n != FIELDS * markets_count(&x->markets))
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct marks k = {0};
		k.bid = unpack_i64(u);
		k.ask = unpack_i64(u);
		k.traded = unpack_i64(u);
		k.price = unpack_i64(u);
		k.at = unpack_i64(u);
		k.rate = unpack_i64(u);
		k.funding_at = unpack_i64(u);
		uint64_t scale = unpack_u64(u);
		if (u->err || !sound(&k, scale))
			return u->err ? u->err : ERR_CORRUPT;
		k.scale = (uint8_t)scale;
		markets_at(&x->markets, i)->marks = k;
	}
	return 0;
}
