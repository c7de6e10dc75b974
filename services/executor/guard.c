/* guard - see guard.h. */
#include "services/executor/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

bool guard_in_range(const struct guard_settings *g)
{
	return g->cooldown_ns >= 0 && g->stops_max >= 0 && g->stops_max <= GUARD_STOPS_MAX && g->stops_all_max >= 0 &&
	       g->stops_all_max <= GUARD_STOPS_ALL_MAX && g->stops_within_ns >= 0 && g->stops_pause_ns >= 0 &&
	       g->day_loss_max >= 0 && g->drawdown_max >= 0;
}

/* Notes a stop-out. Returns whether that makes `most` within the span; they are forgotten then. */
static bool note_stop(int64_t *stop, uint32_t *n, int64_t now, int64_t most, int64_t span_ns)
{
	uint32_t old = 0;
	if (most == 0) {
		*n = 0;
		return false;
	}
	while (old < *n && now - stop[old] > span_ns)
		old++;
	/* Fewer may be asked for than there were when they were noted. */
	while (*n - old >= (uint32_t)most)
		old++;
	*n -= old;
	memmove(stop, stop + old, *n * sizeof(*stop));
	stop[(*n)++] = now;
	if (*n < (uint32_t)most)
		return false;
	*n = 0;
	return true;
}

static void on_stop_out(struct executor *x, int64_t now, struct guard_market *m)
{
	const struct guard_settings *s = &x->settings.guard;
	struct guard *g = &x->guard;
	if (note_stop(m->stop, &m->n, now, s->stops_max, s->stops_within_ns)) {
		m->still_until = now + s->stops_pause_ns;
		x->counters.stands++;
	}
	if (note_stop(g->stop, &g->n, now, s->stops_all_max, s->stops_within_ns)) {
		g->still_until = now + s->stops_pause_ns;
		x->counters.stands++;
	}
}

void guard_on_fill(struct executor *x, int64_t now, struct order *o, int64_t realised)
{
	struct guard_market *m = &o->market->guard;
	if (realised >= 0 || o->ordinal == 0)
		return;
	if (x->settings.guard.cooldown_ns > 0)
		m->cool_until = now + x->settings.guard.cooldown_ns;
	if (o->lost)
		return;
	o->lost = true;
	event_set_name(x->guard.last_id, o->client_order_id);
	x->counters.stop_outs++;
	on_stop_out(x, now, m);
}

enum reject guard_check(const struct executor *x, const struct market *m, int64_t now, int64_t *ret_until)
{
	const struct guard_market *g = &m->guard;
	int64_t still = g->still_until > x->guard.still_until ? g->still_until : x->guard.still_until;
	*ret_until = still > now ? still : g->cool_until;
	if (still > now)
		return reject_risk_stops;
	return g->cool_until > now ? reject_risk_cooldown : reject_none;
}

bool executor_stands(const struct executor *x, int64_t now, char *text)
{
	const char *first = x->guard.still_until > now ? "Every instrument" : NULL;
	int64_t until = x->guard.still_until;
	for (uint32_t i = 0; i < markets_count(&x->markets) && !first; i++) {
		const struct market *m = markets_at(&x->markets, i);
		first = m->guard.still_until > now ? m->def.instrument.s : NULL;
		until = m->guard.still_until;
	}
	if (first)
		snprintf(text, EVENT_TEXT_MAX,
			 "%.40s takes no order that adds to its exposure for %" PRId64
			 " s: too many orders closed at a loss (executor.stops_max).",
			 first, (until - now) / 1000000000);
	else
		snprintf(text, EVENT_TEXT_MAX, "no instrument stands still any more");
	return first != NULL;
}

static void base_on(struct guard *g, int64_t worth, int64_t day)
{
	g->based = true;
	g->day = day;
	g->day_start = g->peak = worth;
}

static int64_t day_of(int64_t now)
{
	return now / DAY_NS - (now % DAY_NS < 0);
}

static bool is_lost(int64_t from, int64_t worth, int64_t most)
{
	int64_t lost;
	if (__builtin_sub_overflow(from, worth, &lost))
		lost = from > 0 ? INT64_MAX : 0;
	return most > 0 && lost >= most;
}

static void say(char why[EVENT_TEXT_MAX], const char *what, int64_t lost, const char *key, int64_t most)
{
	char a[FIXED_TEXT_MAX], b[FIXED_TEXT_MAX];
	fixed_format_trim(a, sizeof(a), lost, CASH_SCALE);
	fixed_format_trim(b, sizeof(b), most, CASH_SCALE);
	snprintf(why, EVENT_TEXT_MAX, "%s is %s; executor.%s = %s allows less. nj reset ends the halt.", what, a, key,
		 b);
}

bool guard_on_worth(struct executor *x, int64_t now, int64_t worth, char why[EVENT_TEXT_MAX])
{
	const struct guard_settings *s = &x->settings.guard;
	struct guard *g = &x->guard;
	int64_t day = day_of(now);
	if (!g->based)
		base_on(g, worth, day);
	if (day != g->day) {
		g->day = day;
		g->day_start = g->last;
	}
	g->last = worth;
	g->peak = worth > g->peak ? worth : g->peak;
	bool of_day = is_lost(g->day_start, worth, s->day_loss_max);
	bool of_peak = is_lost(g->peak, worth, s->drawdown_max);
	if (of_day)
		say(why, "The loss of the day", g->day_start - worth, "day_loss_max", s->day_loss_max);
	else if (of_peak)
		say(why, "The drawdown from the highest worth", g->peak - worth, "drawdown_max", s->drawdown_max);
	return of_day || of_peak;
}

void guard_reset(struct executor *x)
{
	x->guard.based = false;
}

void guard_shift(struct executor *x, int64_t by)
{
	struct guard *g = &x->guard;
	g->day_start = exposure_add(g->day_start, by);
	g->peak = exposure_add(g->peak, by);
	g->last = exposure_add(g->last, by);
}

static void save_stops(const int64_t *stop, uint32_t n, struct packer *p)
{
	pack_array(p, n);
	for (uint32_t i = 0; i < n; i++)
		pack_i64(p, stop[i]);
}

static int load_stops(int64_t *stop, uint32_t *ret_n, uint32_t max, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n > max)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n; i++)
		stop[i] = unpack_i64(u);
	*ret_n = n;
	return u->err;
}

static bool has_any(const struct guard_market *g)
{
	return g->n > 0 || g->cool_until != 0 || g->still_until != 0;
}

static void save_markets(const struct executor *x, struct packer *p)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		n += has_any(&markets_at(&x->markets, i)->guard);
	pack_u64(p, n);
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (!has_any(&m->guard))
			continue;
		pack_str(p, m->def.instrument.s);
		pack_i64(p, m->guard.cool_until);
		pack_i64(p, m->guard.still_until);
		save_stops(m->guard.stop, m->guard.n, p);
	}
}

static int load_market(struct executor *x, struct unpacker *u)
{
	struct symbol symbol = {0};
	unpack_str(u, symbol.s, sizeof(symbol.s));
	struct market *m = u->err ? NULL : markets_get(&x->markets, &symbol);
	if (!m)
		return u->err ? u->err : ERR_CORRUPT;
	m->guard.cool_until = unpack_i64(u);
	m->guard.still_until = unpack_i64(u);
	return load_stops(m->guard.stop, &m->guard.n, GUARD_STOPS_MAX, u);
}

void guard_save(const struct executor *x, struct packer *p)
{
	const struct guard *g = &x->guard;
	pack_i64(p, g->still_until);
	save_stops(g->stop, g->n, p);
	pack_str(p, g->last_id);
	pack_bool(p, g->based);
	pack_i64(p, g->day);
	pack_i64(p, g->day_start);
	pack_i64(p, g->peak);
	pack_i64(p, g->last);
	save_markets(x, p);
	pack_array(p, x->orders.n);
	for (uint32_t i = 0; i < x->orders.n; i++)
		pack_bool(p, x->orders.at[i].lost);
}

static int load_lost(struct executor *x, struct unpacker *u)
{
	if (unpack_array(u) != x->orders.n)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < x->orders.n; i++)
		x->orders.at[i].lost = unpack_bool(u);
	return u->err;
}

int guard_load(struct executor *x, struct unpacker *u)
{
	struct guard *g = &x->guard;
	g->still_until = unpack_i64(u);
	int rc = load_stops(g->stop, &g->n, GUARD_STOPS_ALL_MAX, u);
	if (rc != 0)
		return rc;
	unpack_str(u, g->last_id, sizeof(g->last_id));
	g->based = unpack_bool(u);
	g->day = unpack_i64(u);
	g->day_start = unpack_i64(u);
	g->peak = unpack_i64(u);
	g->last = unpack_i64(u);
	uint64_t n = unpack_u64(u);
	for (uint64_t i = 0; rc == 0 && u->err == 0 && i < n; i++)
		rc = load_market(x, u);
	if (rc == 0)
		rc = u->err;
	return rc != 0 ? rc : load_lost(x, u);
}
