/* candles - building closed candles from trades, and longer candles from shorter ones.
 *
 * One interval:
 *     EMPTY --trade--> OPEN --trade of a later interval, clock >= end + grace (finish)--> EMPTY
 *     OPEN --trade of the same interval (extend)--> OPEN
 */
#include "common/venue/candles.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define SECOND 1000000000LL
#define DAY (86400 * SECOND)
#define TEXT_INTERVAL_MAX 5 /* digits */

static const struct {
	char letter;
	int64_t ns;
} units[] = {{'d', DAY}, {'h', 3600 * SECOND}, {'m', 60 * SECOND}, {'s', SECOND}};

/* Longer than a day: they divide nothing, and have their own beginnings. */
static const struct {
	const char *text;
	int64_t ns;
} long_intervals[] = {{"3d", 3 * DAY}, {"1w", CANDLE_WEEK_NS}, {"1M", CANDLE_MONTH_NS}};

static int long_interval(const char *text, size_t len, int64_t *ret_ns)
{
	for (size_t i = 0; i < ARRAY_LEN(long_intervals); i++)
		if (len == 2 && memcmp(text, long_intervals[i].text, 2) == 0) {
			*ret_ns = long_intervals[i].ns;
			return 0;
		}
	return ERR_NOT_FOUND;
}

int candle_interval(const char *text, size_t len, int64_t *ret_ns)
{
	int64_t n = 0;

	if (len < 2 || len > TEXT_INTERVAL_MAX + 1)
		return ERR_SYNTAX;
	if (long_interval(text, len, ret_ns) == 0)
		return 0;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return ERR_SYNTAX;
		n = n * 10 + (text[i] - '0');
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].letter != text[len - 1])
			continue;
		if (n == 0 || n > DAY / units[i].ns || DAY % (n * units[i].ns) != 0)
			return ERR_RANGE;
		*ret_ns = n * units[i].ns;
		return 0;
	}
	return ERR_SYNTAX;
}

void candle_interval_text(int64_t ns, char out[EVENT_NAME_MAX])
{
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_LEN(long_intervals); k++)
		if (long_intervals[k].ns == ns) {
			event_set_name(out, long_intervals[k].text);
			return;
		}
	while (i + 1 < ARRAY_LEN(units) && ns % units[i].ns != 0)
		i++;
	snprintf(out, EVENT_NAME_MAX, "%lld%c", (long long)(ns / units[i].ns), units[i].letter);
}

bool candle_interval_is(int64_t ns)
{
	for (size_t i = 0; i < ARRAY_LEN(long_intervals); i++)
		if (long_intervals[i].ns == ns)
			return true;
	return ns >= SECOND && ns % SECOND == 0 && DAY % ns == 0;
}

/* ---- where intervals begin ---- */

static int64_t floor_to(int64_t at, int64_t step)
{
	int64_t into = at % step;

	return at - (into < 0 ? into + step : into);
}

/* Days from 1970-01-01 to the first of a month, of the proleptic Gregorian calendar; months count from 1970-01. The
 * year begins in March, so that a leap day is its last. */
static int64_t days_to_month(int64_t month)
{
	int64_t y = floor_to(month, 12) / 12 + 1970, m = month - floor_to(month, 12); /* 0: January */

	y -= m < 2;
	int64_t era = floor_to(y, 400) / 400, of_era = y - era * 400, of_year = (153 * ((m + 10) % 12) + 2) / 5;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t month_of(int64_t at)
{
	int64_t day = floor_to(at, DAY) / DAY;
	int64_t month = floor_to(day * 400, 146097) / 146097 * 12 - 24; /* two years too early at most */

	while (days_to_month(month + 1) <= day)
		month++;
	return month;
}

int64_t candle_open(int64_t at, int64_t interval)
{
	if (interval == CANDLE_MONTH_NS)
		return days_to_month(month_of(at)) * DAY;
	if (interval == CANDLE_WEEK_NS) /* 1970-01-01 was a Thursday */
		return floor_to(at - 4 * DAY, CANDLE_WEEK_NS) + 4 * DAY;
	return floor_to(at, interval);
}

int64_t candle_end(int64_t open_at, int64_t interval)
{
	return interval == CANDLE_MONTH_NS ? days_to_month(month_of(open_at) + 1) * DAY : open_at + interval;
}

int candles_init(struct candles *c, const int64_t *intervals, uint32_t n, int64_t grace)
{
	struct candles fresh = {.n = n, .grace = grace, .blind_to = INT64_MAX};

	if (n > CANDLE_INTERVALS_MAX || grace < 0)
		return ERR_ARG;
	for (uint32_t i = 0; i < n; i++) {
		if (!candle_interval_is(intervals[i]) || (i > 0 && intervals[i] <= intervals[i - 1]))
			return ERR_ARG;
		fresh.series[i].interval = intervals[i];
		fresh.series[i].closed_to = INT64_MIN;
	}
	*c = fresh;
	return 0;
}

/* An open candle at wider scales; false where a price does not fit. */
static bool candle_grow(struct candle *now, int64_t price, int64_t qty)
{
	now->spoilt |= __builtin_mul_overflow(now->volume, qty, &now->volume);
	now->spoilt |= __builtin_mul_overflow(now->cash, (fixed_wide)price * qty, &now->cash);
	return !__builtin_mul_overflow(now->open, price, &now->open) &&
	       !__builtin_mul_overflow(now->high, price, &now->high) &&
	       !__builtin_mul_overflow(now->low, price, &now->low) &&
	       !__builtin_mul_overflow(now->close, price, &now->close);
}

void candles_rescale(struct candles *c, uint8_t price_scale, uint8_t qty_scale)
{
	bool wider = price_scale >= c->price_scale && qty_scale >= c->qty_scale;

	if (c->price_scale == price_scale && c->qty_scale == qty_scale)
		return;
	for (uint32_t i = 0; i < c->n && wider; i++)
		wider = candle_grow(&c->series[i].now, fixed_pow10(price_scale - c->price_scale),
				    fixed_pow10(qty_scale - c->qty_scale));
	c->price_scale = price_scale;
	c->qty_scale = qty_scale;
	if (wider)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		c->series[i].now = (struct candle){0};
	c->blind_to = INT64_MAX;
}

static bool fits(fixed_wide value)
{
	return value >= 0 && value <= INT64_MAX;
}

/* The sums as an event carries them; false where they do not fit. */
static bool fill_event(const struct candles *c, const struct candle *now, struct ev_candle *ev)
{
	int scale = c->price_scale + c->qty_scale;
	fixed_wide cash = now->cash;

	for (; scale < CANDLE_CASH_SCALE && fits(cash); scale++)
		cash *= 10;
	if (scale > CANDLE_CASH_SCALE) {
		fixed_wide divisor = 1;
		for (; scale > CANDLE_CASH_SCALE; scale--)
			divisor *= 10;
		cash = fixed_div_round(cash, divisor);
	}
	if (now->spoilt || !fits(now->volume) || !fits(cash) || now->trades > UINT32_MAX)
		return false;
	ev->volume = (int64_t)now->volume;
	ev->quote_volume = (int64_t)cash;
	ev->trades = (uint32_t)now->trades;
	return true;
}

static void finish(struct candles *c, struct candle_series *s, const struct candle_sink *out)
{
	struct ev_candle ev = {
		.price_scale = c->price_scale,
		.qty_scale = c->qty_scale,
		.cash_scale = CANDLE_CASH_SCALE,
		.open_at = s->now.open_at,
		.open = s->now.open,
		.high = s->now.high,
		.low = s->now.low,
		.close = s->now.close,
		.complete = s->now.complete,
	};

	s->closed_to = candle_end(s->now.open_at, s->interval);
	candle_interval_text(s->interval, ev.interval);
	if (fill_event(c, &s->now, &ev))
		out->closed(out->ctx, s->closed_to, &ev);
	else
		c->refused++;
	s->now = (struct candle){0};
}

static void extend(struct candle *now, const struct candle_trade *t)
{
	now->high = t->price > now->high ? t->price : now->high;
	now->low = t->price < now->low ? t->price : now->low;
	now->close = t->price;
	now->spoilt |= __builtin_add_overflow(now->volume, (fixed_wide)t->qty, &now->volume);
	now->spoilt |= __builtin_add_overflow(now->cash, (fixed_wide)t->price * t->qty, &now->cash);
	now->trades += t->count;
}

static void series_on_trade(struct candles *c, struct candle_series *s, const struct candle_trade *t,
			    const struct candle_sink *out)
{
	int64_t open_at = candle_open(t->at, s->interval);

	if (s->now.trades > 0 && open_at > s->now.open_at)
		finish(c, s, out);
	if (open_at < s->closed_to || (s->now.trades > 0 && open_at < s->now.open_at)) {
		c->late++;
		return;
	}
	if (s->now.trades == 0)
		s->now = (struct candle){
			.open_at = open_at,
			.open = t->price,
			.high = t->price,
			.low = t->price,
			.complete = open_at > c->blind_to,
		};
	extend(&s->now, t);
}

void candles_on_trade(struct candles *c, const struct candle_trade *t, const struct candle_sink *out)
{
	must(t->count > 0);
	if (c->blind_to == INT64_MAX)
		c->blind_to = t->at; /* the first trade ever, or since the scales changed */
	for (uint32_t i = 0; i < c->n; i++)
		series_on_trade(c, &c->series[i], t, out);
}

int64_t candles_due(const struct candles *c)
{
	int64_t due = INT64_MAX;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct candle_series *s = &c->series[i];
		if (s->now.trades == 0)
			continue;
		int64_t end = candle_end(s->now.open_at, s->interval) + c->grace;
		due = end < due ? end : due;
	}
	return due;
}

void candles_on_clock(struct candles *c, int64_t at, const struct candle_sink *out)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct candle_series *s = &c->series[i];
		if (s->now.trades > 0 && at >= candle_end(s->now.open_at, s->interval) + c->grace)
			finish(c, s, out);
	}
}

void candles_on_gap(struct candles *c, int64_t from, int64_t to)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct candle_series *s = &c->series[i];
		if (s->now.open_at <= to && candle_end(s->now.open_at, s->interval) > from)
			s->now.complete = false;
	}
	if (to > c->blind_to)
		c->blind_to = to;
}

/* ---- snapshots ---- */

static void save_wide(struct packer *p, fixed_wide value)
{
	pack_i64(p, (int64_t)(value >> 64));
	pack_u64(p, (uint64_t)value);
}

static fixed_wide load_wide(struct unpacker *u)
{
	fixed_wide high = unpack_i64(u);
	return high * ((fixed_wide)1 << 64) + (fixed_wide)unpack_u64(u);
}

void candles_save(const struct candles *c, struct packer *p)
{
	pack_array(p, 6 + c->n);
	pack_u64(p, c->n);
	pack_u64(p, c->price_scale);
	pack_u64(p, c->qty_scale);
	pack_i64(p, c->blind_to);
	pack_u64(p, c->late);
	pack_u64(p, c->refused);
	for (uint32_t i = 0; i < c->n; i++) {
		const struct candle_series *s = &c->series[i];
		pack_array(p, 14);
		pack_i64(p, s->interval);
		pack_i64(p, s->closed_to);
		pack_i64(p, s->now.open_at);
		pack_i64(p, s->now.open);
		pack_i64(p, s->now.high);
		pack_i64(p, s->now.low);
		pack_i64(p, s->now.close);
		save_wide(p, s->now.volume);
		save_wide(p, s->now.cash);
		pack_u64(p, s->now.trades);
		pack_bool(p, s->now.complete);
		pack_bool(p, s->now.spoilt);
	}
}

static int series_load(struct candle_series *s, struct unpacker *u)
{
	if (unpack_array(u) != 14 || unpack_i64(u) != s->interval)
		return u->err != 0 ? u->err : ERR_DIFFERS;
	s->closed_to = unpack_i64(u);
	s->now.open_at = unpack_i64(u);
	s->now.open = unpack_i64(u);
	s->now.high = unpack_i64(u);
	s->now.low = unpack_i64(u);
	s->now.close = unpack_i64(u);
	s->now.volume = load_wide(u);
	s->now.cash = load_wide(u);
	s->now.trades = unpack_u64(u);
	s->now.complete = unpack_bool(u);
	s->now.spoilt = unpack_bool(u);
	return u->err;
}

int candles_load(struct candles *c, struct unpacker *u)
{
	struct candles loaded = *c;
	int rc = 0;

	if (unpack_array(u) != 6 + c->n || unpack_u64(u) != c->n)
		return u->err != 0 ? u->err : ERR_DIFFERS;
	loaded.price_scale = (uint8_t)unpack_u64(u);
	loaded.qty_scale = (uint8_t)unpack_u64(u);
	loaded.blind_to = unpack_i64(u);
	loaded.late = unpack_u64(u);
	loaded.refused = unpack_u64(u);
	for (uint32_t i = 0; rc == 0 && i < c->n; i++)
		rc = series_load(&loaded.series[i], u);
	if (rc == 0 && (loaded.price_scale > FIXED_SCALE_MAX || loaded.qty_scale > FIXED_SCALE_MAX))
		rc = ERR_RANGE;
	if (rc == 0)
		*c = loaded;
	return rc;
}

/* ---- longer candles from shorter ones ---- */

int candle_merge_init(struct candle_merge *m, int64_t from, int64_t into)
{
	/* A month is of days, and no week or three days fit into one. */
	bool whole = into == CANDLE_MONTH_NS ? DAY % from == 0 : into > from && into % from == 0;

	if (!candle_interval_is(from) || !candle_interval_is(into) || !whole)
		return ERR_ARG;
	*m = (struct candle_merge){.from = from, .into = into};
	return 0;
}

void candle_merge_end(struct candle_merge *m, const struct candle_sink *out)
{
	if (!m->open)
		return;
	int64_t end = candle_end(m->now.open_at, m->into);
	m->now.complete = m->now.complete && m->parts == (end - m->now.open_at) / m->from;
	m->open = false;
	out->closed(out->ctx, end, &m->now);
}

static int merge_sums(struct candle_merge *m, const struct ev_candle *c)
{
	struct ev_candle *now = &m->now;
	int64_t volume, cash;
	uint32_t trades;

	if (now->price_scale != c->price_scale || now->qty_scale != c->qty_scale || now->cash_scale != c->cash_scale)
		return ERR_DIFFERS;
	if (__builtin_add_overflow(now->volume, c->volume, &volume) ||
	    __builtin_add_overflow(now->quote_volume, c->quote_volume, &cash) ||
	    __builtin_add_overflow(now->trades, c->trades, &trades))
		return ERR_RANGE;
	now->volume = volume;
	now->quote_volume = cash;
	now->trades = trades;
	now->high = c->high > now->high ? c->high : now->high;
	now->low = c->low < now->low ? c->low : now->low;
	now->close = c->close;
	now->complete = now->complete && c->complete;
	return 0;
}

int candle_merge_add(struct candle_merge *m, const struct ev_candle *c, const struct candle_sink *out)
{
	int64_t open_at = candle_open(c->open_at, m->into);
	int rc = 0;

	if (m->next != 0 && c->open_at < m->next)
		return ERR_STALE;
	if (m->open && open_at != m->now.open_at)
		candle_merge_end(m, out);
	if (m->open) {
		rc = merge_sums(m, c);
	} else {
		m->now = *c;
		m->now.open_at = open_at;
		m->parts = 0;
		m->open = true;
		candle_interval_text(m->into, m->now.interval);
	}
	if (rc < 0)
		return rc;
	m->parts++;
	m->next = c->open_at + m->from;
	if (m->next == candle_end(m->now.open_at, m->into))
		candle_merge_end(m, out);
	return 0;
}
