/* feed_delay - see feed_delay.h. */
#include "services/executor/feed_delay.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define ADOPT_NS (INT64_C(10) * 1000000000)
#define SAMPLES_MIN 32 /* fewer tell nothing of the tail */

/* What the event holds, in the order of its fields. */
static const uint32_t shares[] = {250000, 500000, 750000, 900000, 990000, LATENCY_WHOLE};
enum { POINTS = sizeof(shares) / sizeof(shares[0]) };

static struct feed_delay *find(const struct feed_delays *f, const char *venue)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (strcmp(f->venue[i].venue, venue) == 0)
			return (struct feed_delay *)&f->venue[i];
	return NULL;
}

static struct feed_delay *put(struct feed_delays *f, const char *venue)
{
	struct feed_delay *v = find(f, venue);
	if (v || f->n == FEED_DELAY_VENUES_MAX)
		return v;
	v = &f->venue[f->n++];
	*v = (struct feed_delay){0};
	event_set_name(v->venue, venue);
	return v;
}

const struct latency_curve *feed_delays_curve(const struct feed_delays *f, const char *venue)
{
	const struct feed_delay *v = find(f, venue);
	return v && v->curve.n > 0 ? &v->curve : NULL;
}

static void note(struct feed_delay *v, int64_t delay)
{
	v->below += delay < 0;
	delay = delay < 0 ? 0 : delay > FEED_DELAY_MAX ? FEED_DELAY_MAX : delay;
	v->sample[v->at] = delay;
	v->at = (v->at + 1) % FEED_DELAY_SAMPLES;
	v->n += v->n < FEED_DELAY_SAMPLES;
}

static int by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The smallest sample that no more than the share exceeds. */
static void measure(struct feed_delay *v)
{
	int64_t sorted[FEED_DELAY_SAMPLES];
	memcpy(sorted, v->sample, v->n * sizeof(*sorted));
	qsort(sorted, v->n, sizeof(*sorted), by_length);
	v->curve.n = POINTS;
	for (uint32_t i = 0; i < POINTS; i++) {
		uint64_t rank = ((uint64_t)shares[i] * v->n + LATENCY_WHOLE - 1) / LATENCY_WHOLE;
		v->curve.at[i] = (struct latency_point){shares[i], sorted[rank - 1]};
	}
}

static void tell(const struct feed_delay *v, struct ev_latency *e)
{
	int64_t *const to[POINTS] = {&e->p25, &e->p50, &e->p75, &e->p90, &e->p99, &e->longest};
	event_set_name(e->venue, v->venue);
	e->samples = v->n;
	e->below_zero = v->below;
	for (uint32_t i = 0; i < POINTS; i++)
		*to[i] = v->curve.at[i].delay;
}

bool feed_delays_on_trade(struct feed_delays *f, const char *venue, const struct event *trade,
			  struct ev_latency *ret_event)
{
	struct feed_delay *v = trade->ts_event > 0 ? put(f, venue) : NULL;
	if (!v)
		return false;
	note(v, trade->ts_recv - trade->ts_event);
	if (v->n < SAMPLES_MIN || trade->ts_recv < v->adopt_at)
		return false;
	measure(v);
	tell(v, ret_event);
	v->below = 0;
	v->adopt_at = trade->ts_recv < INT64_MAX - ADOPT_NS ? trade->ts_recv + ADOPT_NS : INT64_MAX;
	return true;
}

void feed_delays_recall(struct feed_delays *f, const struct ev_latency *e)
{
	const int64_t from[POINTS] = {e->p25, e->p50, e->p75, e->p90, e->p99, e->longest};
	struct feed_delay *v = put(f, e->venue);
	struct latency_curve c = {.n = POINTS};
	for (uint32_t i = 0; i < POINTS; i++)
		c.at[i] = (struct latency_point){shares[i], from[i]};
	if (v && latency_curve_check(&c, 0) == 0)
		v->curve = c;
}

static void save_venue(const struct feed_delay *v, struct packer *p)
{
	pack_str(p, v->venue);
	pack_u64(p, v->below);
	pack_u64(p, v->at);
	pack_i64(p, v->adopt_at);
	pack_array(p, v->n);
	for (uint32_t i = 0; i < v->n; i++)
		pack_i64(p, v->sample[i]);
	pack_array(p, v->curve.n);
	for (uint32_t i = 0; i < v->curve.n; i++)
		pack_i64(p, v->curve.at[i].delay);
}

static bool sound(const struct feed_delay *v)
{
	bool full = v->n == FEED_DELAY_SAMPLES;
	for (uint32_t i = 0; i < v->n; i++)
		if (v->sample[i] < 0 || v->sample[i] > FEED_DELAY_MAX)
			return false;
	return v->venue[0] && (full ? v->at < FEED_DELAY_SAMPLES : v->at == v->n) &&
	       latency_curve_check(&v->curve, 0) == 0;
}

static int load_venue(struct feed_delay *v, struct unpacker *u)
{
	unpack_str(u, v->venue, sizeof(v->venue));
	v->below = (uint32_t)unpack_u64(u);
	v->at = (uint32_t)unpack_u64(u);
	v->adopt_at = unpack_i64(u);
	v->n = unpack_array(u);
	if (u->err || v->n > FEED_DELAY_SAMPLES)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < v->n; i++)
		v->sample[i] = unpack_i64(u);
	v->curve.n = unpack_array(u);
	if (u->err || (v->curve.n != 0 && v->curve.n != POINTS))
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < v->curve.n; i++)
		v->curve.at[i] = (struct latency_point){shares[i], unpack_i64(u)};
	if (u->err)
		return u->err;
	return sound(v) ? 0 : ERR_CORRUPT;
}

void feed_delays_save(const struct feed_delays *f, struct packer *p)
{
	pack_u64(p, f->n);
	for (uint32_t i = 0; i < f->n; i++)
		save_venue(&f->venue[i], p);
}

int feed_delays_load(struct feed_delays *f, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	if (u->err || n > FEED_DELAY_VENUES_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	f->n = (uint32_t)n;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < f->n; i++)
		rc = load_venue(&f->venue[i], u);
	return rc;
}
