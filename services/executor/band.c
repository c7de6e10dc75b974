/* band - see band.h. */
#include "services/executor/band.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define MINUTE_NS 60000000000LL
#define MINUTES_MAX 1440
#define WHOLE 10000 /* 1 in the instrument's shares */

/* ---- the mean of some minutes ---- */

void band_define(struct market *m, bool rescaled)
{
	const struct ev_instrument *d = &m->def;
	bool wanted = d->band_by == band_by_mean && d->band_minutes > 0 && d->band_minutes <= MINUTES_MAX;
	int64_t width = wanted ? d->band_minutes * (MINUTE_NS / BAND_SLICES) : 0;
	if (rescaled || width != m->mean.width)
		m->mean = (struct band_mean){.width = width};
}

/* The slices between the newest and this one had no trades. */
static void advance(struct band_mean *b, int64_t slice)
{
	if (slice - b->newest >= BAND_SLICES)
		memset(b->at, 0, sizeof(b->at));
	else
		while (b->newest < slice)
			b->at[++b->newest % BAND_SLICES] = (struct band_slice){0};
	b->newest = slice;
}

void band_on_trade(struct market *m, int64_t now, int64_t price, int64_t qty)
{
	struct band_mean *b = &m->mean;
	if (b->width == 0 || now < 0)
		return;
	int64_t slice = now / b->width;
	if (slice > b->newest)
		advance(b, slice);
	struct band_slice *s = &b->at[b->newest % BAND_SLICES], sum;
	/* What no real market reaches: one trade more does not fit, and is not weighed. */
	if (!__builtin_add_overflow(s->cash, (fixed_wide)price * qty, &sum.cash) &&
	    !__builtin_add_overflow(s->qty, qty, &sum.qty))
		*s = sum;
}

/* Twice the mean; 0: nothing was traded, or more than can be added up. */
static int64_t twice_mean(const struct band_mean *b, int64_t now)
{
	struct band_slice sum = {0};
	if (b->width == 0)
		return 0;
	int64_t oldest = now / b->width - BAND_SLICES + 1, first = b->newest - BAND_SLICES + 1;
	for (int64_t i = oldest > first ? oldest : first; i <= b->newest; i++) {
		const struct band_slice *s = &b->at[(i + BAND_SLICES) % BAND_SLICES];
		if (__builtin_add_overflow(sum.cash, s->cash, &sum.cash) ||
		    __builtin_add_overflow(sum.qty, s->qty, &sum.qty))
			return 0;
	}
	if (sum.qty == 0 || __builtin_add_overflow(sum.cash, sum.cash, &sum.cash))
		return 0;
	fixed_wide twice = fixed_div_round(sum.cash, sum.qty);
	return twice <= INT64_MAX ? (int64_t)twice : 0;
}

/* ---- judging ---- */

static struct mark at_scale_of(const struct market *m, int64_t twice)
{
	return (struct mark){twice, m->def.price_scale};
}

static struct mark last_of(const struct market *m)
{
	return at_scale_of(m, m->last != 0 ? 2 * m->last : m->mark);
}

/* With all its decimals, at least those of the instrument. */
static struct mark venue_mark(const struct market *m, int64_t now)
{
	struct mark mark = {0, m->def.price_scale};
	if (!mark_heard(m, now) || m->marks.price > INT64_MAX / 2)
		return mark;
	if (m->marks.scale >= mark.scale)
		mark = (struct mark){2 * m->marks.price, m->marks.scale};
	else if (fixed_rescale(2 * m->marks.price, m->marks.scale, mark.scale, &mark.twice) != 0)
		mark.twice = 0;
	return mark;
}

/* How a price at the market's scale, doubled, stands to a share of a mark of as many decimals or more. */
static int compare(const struct market *m, int64_t twice, struct mark of, uint32_t share)
{
	fixed_wide mine = (fixed_wide)twice * WHOLE * fixed_pow10(of.scale - m->def.price_scale);
	fixed_wide theirs = (fixed_wide)of.twice * share;
	return (mine > theirs) - (mine < theirs);
}

/* The mid where it stands beyond the mark price, to the side on which this order would trade. */
static struct mark with_premium(const struct market *m, struct mark mark, bool buy)
{
	if (m->mark == 0 || mark.twice == 0 || compare(m, m->mark, mark, WHOLE) != (buy ? 1 : -1))
		return mark;
	return at_scale_of(m, m->mark);
}

/* The price that the shares are of, for this side. */
static struct mark market_price(const struct market *m, int64_t now, bool buy)
{
	struct mark price = {0};
	if (m->def.band_by == band_by_mean)
		price = at_scale_of(m, twice_mean(&m->mean, now));
	else if (m->def.band_by == band_by_mark)
		price = venue_mark(m, now);
	else if (m->def.band_by == band_by_premium)
		price = with_premium(m, venue_mark(m, now), buy);
	return price.twice != 0 ? price : last_of(m);
}

/* Beyond the share, above it or below; no share, or no price, bounds nothing. */
static bool beyond(const struct market *m, int64_t price, struct mark of, uint32_t share, bool above)
{
	return share != 0 && of.twice != 0 && compare(m, 2 * price, of, share) == (above ? 1 : -1);
}

enum reject band_check(const struct market *m, int64_t now, uint8_t side, int64_t price)
{
	const struct ev_instrument *d = &m->def;
	bool buy = side == side_buy;
	struct mark near = market_price(m, now, buy), far = venue_mark(m, now);
	bool out = beyond(m, price, near, buy ? d->buy_above : d->sell_above, true) ||
		   beyond(m, price, near, buy ? d->buy_below : d->sell_below, false) ||
		   beyond(m, price, far, buy ? d->buy_most : d->sell_least, buy);
	return out ? reject_price_band : reject_none;
}

/* ---- keeping it ---- */

static void save_mean(const struct band_mean *b, struct packer *p)
{
	pack_i64(p, b->width);
	pack_i64(p, b->newest);
	for (int i = 0; b->width != 0 && i < BAND_SLICES; i++) {
		pack_u64(p, (uint64_t)(b->at[i].cash >> 64));
		pack_u64(p, (uint64_t)b->at[i].cash);
		pack_i64(p, b->at[i].qty);
	}
}

static int load_mean(struct band_mean *b, struct unpacker *u)
{
	struct band_mean read = {.width = unpack_i64(u)};
	read.newest = unpack_i64(u);
	if (u->err)
		return u->err;
	if (read.width != b->width || read.newest < 0)
		return ERR_CORRUPT; /* the instrument says another */
	for (int i = 0; read.width != 0 && i < BAND_SLICES; i++) {
		uint64_t high = unpack_u64(u), low = unpack_u64(u);
		read.at[i].cash = (fixed_wide)((__extension__(unsigned __int128)high << 64) | low);
		read.at[i].qty = unpack_i64(u);
		if (read.at[i].cash < 0 || read.at[i].qty < 0)
			return ERR_CORRUPT;
	}
	*b = read;
	return u->err;
}

void band_save(const struct executor *x, struct packer *p)
{
	pack_u64(p, markets_count(&x->markets));
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		save_mean(&markets_at(&x->markets, i)->mean, p);
}

/* The markets stand in the order in which they were saved. */
int band_load(struct executor *x, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	int rc = u->err;
	if (rc == 0 && n != markets_count(&x->markets))
		return ERR_CORRUPT;
	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = load_mean(&markets_at(&x->markets, (uint32_t)i)->mean, u);
	return rc;
}
