/* flight - see flight.h. */
#include "services/executor/flight.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

int flight_init(struct flight *f)
{
	f->at = calloc(FLIGHT_MAX, sizeof(*f->at));
	return f->at ? 0 : ERR_NOMEM;
}

void flight_fini(struct flight *f)
{
	free(f->at);
	*f = (struct flight){0};
}

/* ---- how long ---- */

/* The venue's own curve where it is measured; until there is one, the minimum holds. */
static const struct latency_curve *curve_of(const struct executor *x, const struct latency_curve *set,
					    const char *venue)
{
	static const struct latency_curve none = {.n = 0};
	if (x->settings.latency.model == LATENCY_FIXED)
		return &none;
	if (x->settings.latency.model == LATENCY_DRAWN)
		return set;
	const struct latency_curve *measured = feed_delays_curve(&x->flight.feed, venue);
	return measured ? measured : &none;
}

uint64_t flight_key(const struct executor *x, const char *strategy, uint64_t ordinal)
{
	uint64_t key = latency_key((uint64_t)x->settings.latency.seed, 0);
	key = latency_key_text(key, x->settings.account);
	return latency_key(latency_key_text(key, strategy), ordinal);
}

int64_t flight_way(const struct executor *x, const struct symbol *instrument, uint64_t key)
{
	const char *venue = instrument->s[0] ? symbol_venue(instrument) : "";
	const struct latency_curve *c = curve_of(x, &x->settings.latency.order, venue);
	return latency_draw(c, x->settings.order_latency_ns, key);
}

/* ---- to the exchange ---- */

static int64_t later(int64_t at, int64_t ns)
{
	int64_t sum;
	return __builtin_add_overflow(at, ns, &sum) ? INT64_MAX - 1 : sum;
}

/* It is here already as long after its decision as the shortest way takes; an intent that came late has spent more. */
static int64_t arrival(const struct executor *x, int64_t now, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	int64_t way = flight_way(x, &in->instrument, flight_key(x, in->strategy, in->ordinal));
	int64_t due = later(ev->ts_recv, way - x->settings.order_latency_ns);
	for (uint32_t i = x->flight.n; i-- > 0;) {
		const struct flight_item *before = &x->flight.at[i];
		if (strcmp(before->intent.intent.strategy, in->strategy) == 0)
			return due > before->due ? due : before->due;
	}
	return due > now ? due : now;
}

static bool under_way(const struct flight *f, const char *strategy)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (strcmp(f->at[i].intent.intent.strategy, strategy) == 0)
			return true;
	return false;
}

static void insert(struct flight *f, const struct event *ev, int64_t due)
{
	uint32_t i = f->n++;
	for (; i > 0 && f->at[i - 1].due > due; i--)
		f->at[i] = f->at[i - 1];
	f->at[i] = (struct flight_item){.intent = *ev, .due = due};
}

bool flight_put(const struct step *s, const struct event *intent)
{
	struct executor *x = s->x;
	struct flight *f = &x->flight;
	bool ends = intent->intent.kind == intent_kind_cancel || intent->intent.kind == intent_kind_cancel_all;
	int64_t due = arrival(x, s->now, intent);
	if (due <= s->now && !under_way(f, intent->intent.strategy))
		return false;
	if (f->n >= (ends ? FLIGHT_MAX : FLIGHT_ORDERS)) {
		report_refusal(s, intent, reject_limit_orders);
		return true;
	}
	insert(f, intent, due);
	x->counters.delayed++;
	x->counters.in_flight = f->n;
	if (intent->intent.kind == intent_kind_order)
		report_pending(s, intent);
	return true;
}

int64_t flight_due(const struct executor *x)
{
	return x->flight.n > 0 ? x->flight.at[0].due : CORE_NEVER;
}

static void drop_first(struct flight *f, uint32_t n)
{
	f->n -= n;
	memmove(f->at, f->at + n, f->n * sizeof(*f->at));
}

void flight_on_timer(const struct step *s)
{
	struct flight *f = &s->x->flight;
	struct event intent = f->at[0].intent;
	drop_first(f, 1);
	s->x->counters.in_flight = f->n;
	intake_arrive(s, &intent);
}

/* ---- and back ---- */

/* All of a step that happens at one venue is known at once, and nothing before what was said earlier. */
int64_t flight_known_at(const struct step *s, const struct market *m)
{
	static const struct latency_curve none = {.n = 0};
	struct executor *x = s->x;
	const struct latency_settings *l = &x->settings.latency;
	int64_t min = x->settings.ack_latency_ns;
	if (l->model == LATENCY_FIXED && x->flight.said_at == 0)
		return s->now + min;
	const char *venue = m ? symbol_venue(&m->def.instrument) : "";
	const struct latency_curve *c = m ? curve_of(x, &l->ack, venue) : &none;
	uint64_t key = latency_key_text(flight_key(x, "", (uint64_t)s->now), venue);
	int64_t at = later(s->now, latency_draw(c, min, key));
	x->flight.said_at = at > x->flight.said_at ? at : x->flight.said_at;
	return x->flight.said_at;
}

void flight_on_trade(const struct step *s, const struct market *m, const struct event *trade)
{
	struct executor *x = s->x;
	struct ev_latency e = {0};
	const char *venue = symbol_venue(&m->def.instrument);
	if (x->settings.latency.model == LATENCY_MEASURED && feed_delays_on_trade(&x->flight.feed, venue, trade, &e))
		report_latency(s, &e);
}

/* ---- the way back ---- */

void flight_recall(struct flight *f, int64_t at, int64_t known_at)
{
	uint32_t n = 0;
	while (n < f->n && f->at[n].due <= at)
		n++;
	drop_first(f, n);
	if (f->said_at != 0 && known_at > f->said_at)
		f->said_at = known_at;
}

void flight_save(const struct executor *x, struct packer *p)
{
	const struct flight *f = &x->flight;
	pack_i64(p, f->said_at);
	pack_array(p, 2 * f->n);
	for (uint32_t i = 0; i < f->n; i++) {
		pack_i64(p, f->at[i].due);
		pack_event(p, &f->at[i].intent);
	}
	feed_delays_save(&f->feed, p);
}

static int load_item(struct flight *f, struct unpacker *u)
{
	struct flight_item *item = &f->at[f->n];
	item->due = unpack_i64(u);
	unpack_event(u, NULL, &item->intent);
	if (u->err)
		return u->err;
	bool after = f->n == 0 || item->due >= item[-1].due;
	if (!after || item->intent.id != EVENT_intent)
		return ERR_CORRUPT;
	f->n++;
	return 0;
}

int flight_load(struct executor *x, struct unpacker *u)
{
	struct flight *f = &x->flight;
	f->said_at = unpack_i64(u);
	uint32_t n = unpack_array(u);
	if (u->err || n % 2 != 0 || n / 2 > FLIGHT_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < n / 2; i++)
		rc = load_item(f, u);
	x->counters.in_flight = f->n;
	return rc == 0 ? feed_delays_load(&f->feed, u) : rc;
}
