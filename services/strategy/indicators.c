/* indicators - see indicators.h. */
#include "services/strategy/indicators.h"

#include "common/base/check.h"

static fixed_wide widen(int64_t v)
{
	return (fixed_wide)v * fixed_pow10(INDICATOR_GUARD);
}

static int64_t narrow(fixed_wide v)
{
	return (int64_t)fixed_div_round(v, fixed_pow10(INDICATOR_GUARD));
}

static uint32_t checked(uint32_t period)
{
	must(period >= 1 && period <= INDICATOR_PERIOD_MAX);
	return period;
}

void ema_init(struct ema *e, uint32_t period)
{
	*e = (struct ema){.period = checked(period)};
}

bool ema_add(struct ema *e, int64_t input, int64_t *ret_value)
{
	fixed_wide in = widen(input);
	if (e->count == 0)
		e->value = in;
	else
		e->value += fixed_div_round(2 * (in - e->value), (fixed_wide)e->period + 1);
	e->count += e->count < UINT32_MAX;
	*ret_value = narrow(e->value);
	return true;
}

void sma_init(struct sma *s, uint32_t period)
{
	*s = (struct sma){.period = checked(period)};
}

bool sma_add(struct sma *s, int64_t input, int64_t *ret_value)
{
	bool full = s->count == s->period;
	s->sum += input - (full ? (fixed_wide)s->ring[s->at] : 0);
	s->ring[s->at] = input;
	s->at = (s->at + 1) % s->period;
	s->count += !full;
	if (s->count < s->period)
		return false;
	*ret_value = (int64_t)fixed_div_round(s->sum, s->period);
	return true;
}

void wilder_init(struct wilder *w, uint32_t period)
{
	*w = (struct wilder){.period = checked(period)};
}

/* True once *w holds an average. */
static bool wilder_step(struct wilder *w, fixed_wide in)
{
	if (w->count == w->period) {
		w->value += fixed_div_round(in - w->value, w->period);
		return true;
	}
	w->value += in;
	if (++w->count < w->period)
		return false;
	w->value = fixed_div_round(w->value, w->period);
	return true;
}

bool wilder_add(struct wilder *w, int64_t input, int64_t *ret_value)
{
	if (!wilder_step(w, widen(input)))
		return false;
	*ret_value = narrow(w->value);
	return true;
}

void rsi_init(struct rsi *r, uint32_t period)
{
	*r = (struct rsi){0};
	wilder_init(&r->up, period);
	wilder_init(&r->down, period);
}

bool rsi_add(struct rsi *r, int64_t input, int64_t *ret_percent)
{
	fixed_wide move = (fixed_wide)input - r->last;
	bool begun = r->begun;
	r->last = input;
	r->begun = true;
	if (!begun)
		return false;
	fixed_wide step = move * fixed_pow10(INDICATOR_GUARD);
	bool ready = wilder_step(&r->up, step > 0 ? step : 0);
	wilder_step(&r->down, step < 0 ? -step : 0);
	if (!ready)
		return false;
	fixed_wide hundred = 100 * (fixed_wide)fixed_pow10(INDICATOR_PERCENT_SCALE);
	fixed_wide both = r->up.value + r->down.value;
	*ret_percent =
		(int64_t)(both == 0 ? hundred / 2 : fixed_div_round(r->up.value * hundred, both));
	return true;
}

void atr_init(struct atr *a, uint32_t period)
{
	*a = (struct atr){0};
	wilder_init(&a->range, period);
}

bool atr_add(struct atr *a, int64_t high, int64_t low, int64_t close, int64_t *ret_value)
{
	int64_t top = a->begun && a->close > high ? a->close : high;
	int64_t bottom = a->begun && a->close < low ? a->close : low;
	a->close = close;
	a->begun = true;
	return wilder_add(&a->range, top - bottom, ret_value);
}
