/* gateway - see gateway.h. The orders and what is asked about each. */
#include "services/executor/gateway.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define FILLS_PATIENCE INT64_C(500000000) /* ns that the stream has to bring them itself */

/* In one look all may have come while all of the last one have gone, who leave at its end. */
static uint32_t rows_max(const struct gateway *g)
{
	return 2 * g->set.orders_max;
}

int gateway_init(struct gateway *g, const struct gateway_settings *s, const struct gateway_core *core, int64_t now)
{
	*g = (struct gateway){.set = *s, .core = *core, .started = now, .step = GATEWAY_RIGHTS};
	g->row = calloc(s->orders_max > 0 ? rows_max(g) : 1, sizeof(*g->row));
	gateway_trouble_over(g);
	return g->row ? 0 : ERR_NOMEM;
}

void gateway_fini(struct gateway *g)
{
	free(g->row);
	*g = (struct gateway){0};
}

void gateway_trouble(struct gateway *g, const char *fmt, ...)
{
	va_list args;
	if (g->refused)
		return;
	va_start(args, fmt);
	vsnprintf(g->trouble, sizeof(g->trouble), fmt, args);
	va_end(args);
}

void gateway_trouble_over(struct gateway *g)
{
	if (!g->agreed)
		gateway_trouble(g, "Orders and balances have not been compared with the venue's yet.");
	else if (!g->clock.known)
		gateway_trouble(g, "The venue's time is not known.");
	else if (!g->stream && g->unanswered)
		gateway_trouble(g, "The venue does not answer the subscription to the account's stream.");
	else if (!g->stream)
		gateway_trouble(g, "The account's stream is not connected.");
	else if (!g->refused)
		g->trouble[0] = '\0';
}

void gateway_refuse(struct gateway *g, const char *why)
{
	gateway_trouble(g, "%s", why);
	g->refused = true;
}

bool gateway_ready(const struct gateway *g)
{
	return g->agreed && g->stream && g->clock.known && !g->refused;
}

struct gateway_row *gateway_find(struct gateway *g, const char *id)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (strcmp(g->row[i].id, id) == 0)
			return &g->row[i];
	return NULL;
}

/* ---- what the core has ---- */

void gateway_see_begin(struct gateway *g, uint64_t applied)
{
	g->applied = applied;
	for (uint32_t i = 0; i < g->n; i++)
		g->row[i].seen = false;
}

static struct venue_order order_of(const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	struct venue_order v = {
		.side = o->side,
		.type = o->price != 0 ? order_type_limit : order_type_market, /* what waited for a trigger has had it */
		.tif = o->tif == tif_gtd ? (uint8_t)tif_gtc : o->tif, /* its date is ours to keep */
		.post_only = o->post_only,
		.price_scale = d->price_scale,
		.qty_scale = d->qty_scale,
		.cash_scale = CASH_SCALE,
		.price = o->price,
		.qty = o->qty,
	};
	if (v.type == order_type_market)
		v.tif = tif_ioc;
	snprintf(v.symbol, sizeof(v.symbol), "%.*s", (int)symbol_raw_len(&d->instrument), d->instrument.s);
	snprintf(v.client_id, sizeof(v.client_id), "%s", o->client_order_id);
	return v;
}

static struct gateway_row *add(struct gateway *g, int64_t now, const struct order *o, uint64_t record)
{
	if (g->n >= rows_max(g))
		return NULL;
	struct gateway_row *r = &g->row[g->n++];
	*r = (struct gateway_row){.order = order_of(o), .instrument = o->market->def.instrument, .since = now};
	event_set_name(r->id, o->client_order_id);
	r->record = record;
	r->due = now;
	/* Nobody knows when a life before has sent it: as late as when this one began. */
	r->former = !g->begun;
	r->state = r->former ? GATEWAY_UNSURE : GATEWAY_NEW;
	r->ask_state = r->former;
	r->sure_at = g->started + g->set.window_ns + GATEWAY_CLOCK_MAX + g->set.venue->settle_ns;
	return r;
}

void gateway_see(struct gateway *g, int64_t now, const struct order *o, uint64_t record)
{
	struct gateway_row *r = gateway_find(g, o->client_order_id);
	if (!r)
		r = add(g, now, o, record);
	if (!r)
		return;
	r->seen = true;
	r->passed = risk_pass_covers(&o->remote.pass, o);
	r->cancel = o->remote.cancel;
	r->pending = o->status == order_status_pending;
	r->told_end = o->remote.ended != order_status_none;
	r->booked = o->filled + o->remote.quarantined;
}

void gateway_see_end(struct gateway *g)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->n; i++)
		if (g->row[i].seen)
			g->row[n++] = g->row[i];
	g->n = n;
	g->begun = true;
}

void gateway_on_durable(struct gateway *g, uint64_t seq)
{
	g->durable = seq;
}

/* ---- what to ask ---- */

static void start(struct gateway_row *r, int64_t now)
{
	r->asked = true;
	r->asked_at = now;
	int64_t wait = GATEWAY_WAIT_MIN << (r->tries < 4 ? r->tries : 4);
	r->due = now + (wait < GATEWAY_WAIT_MAX ? wait : GATEWAY_WAIT_MAX);
	r->tries++;
}

static void put_question(struct gateway_request *q, const struct gateway_row *r, enum venue_orders_ask ask, int64_t now)
{
	*q = (struct gateway_request){.ask = GATEWAY_ASK_ORDER, .order = r->order, .at = now};
	event_set_name(q->id, r->id);
	q->question = (struct venue_orders_question){.ask = ask,
						     .order = &q->order,
						     .symbol = q->order.symbol,
						     .client_id = q->order.client_id,
						     .venue_id = ask == VENUE_ORDERS_FILLS ? r->venue_id : 0,
						     .from = r->fills_from};
}

static void tell_unsent(struct gateway *g, struct gateway_row *r, const char *why)
{
	struct ev_venue_report e = gateway_about(g, r, venue_says_unsent);
	event_set_text(e.words, why);
	if (gateway_tell(g, &e) != 0)
		return;
	r->ended_told = true;
	g->counters.unsent++;
}

/* Why this one will never be sent; NULL: it may yet. */
static const char *why_never(const struct gateway *g, const struct gateway_row *r, int64_t now)
{
	const char *why = NULL;
	if (r->cancel)
		return "It was cancelled before it was sent.";
	if (!r->passed)
		return "It has no risk pass.";
	if (strcmp(symbol_venue(&r->instrument), g->set.venue->venue) != 0)
		return "Its instrument is of another venue than the account.";
	if (now - r->since > g->set.place_within_ns)
		return g->trouble[0] ? g->trouble : "It could not be sent in time.";
	return g->set.venue->takes(&r->order, &why) != 0 ? why : NULL;
}

static bool place_next(struct gateway *g, struct gateway_row *r, int64_t now, struct gateway_request *ret)
{
	if (r->ended_told)
		return false;
	const char *never = why_never(g, r, now);
	if (never) {
		tell_unsent(g, r, never);
		return false;
	}
	if (r->record > g->durable || (!gateway_ready(g) && !g->set.dry))
		return false;
	put_question(ret, r, VENUE_ORDERS_PLACE, now);
	r->state = GATEWAY_PLACING;
	r->sure_at = now + g->set.window_ns + GATEWAY_CLOCK_MAX + g->set.venue->settle_ns;
	r->tries = 0;
	start(r, now);
	g->counters.placed++;
	return true;
}

/* The stream has had its time, and everything told has been booked: then what is missing is asked for. */
static bool misses_fills(const struct gateway *g, struct gateway_row *r, int64_t now)
{
	if (r->filled <= r->booked || r->venue_id == 0) {
		r->fills_due = 0;
		return false;
	}
	if (r->fills_due == 0)
		r->fills_due = now + FILLS_PATIENCE;
	return now >= r->fills_due && g->applied >= g->told;
}

static bool known_next(struct gateway *g, struct gateway_row *r, int64_t now, struct gateway_request *ret)
{
	bool ended = r->ended != order_status_none;
	if (now < r->due)
		return false;
	if (misses_fills(g, r, now)) {
		put_question(ret, r, VENUE_ORDERS_FILLS, now);
	} else if (r->ask_state) {
		put_question(ret, r, VENUE_ORDERS_QUERY, now);
		g->counters.queries++;
	} else if (r->cancel && !ended) {
		put_question(ret, r, VENUE_ORDERS_CANCEL, now);
		g->counters.cancels++;
	} else {
		return false;
	}
	start(r, now);
	return true;
}

static bool row_next(struct gateway *g, struct gateway_row *r, int64_t now, struct gateway_request *ret)
{
	if (r->asked)
		return false;
	if (r->state == GATEWAY_NEW)
		return place_next(g, r, now, ret);
	if (g->set.dry) {
		if (!r->ended_told)
			tell_unsent(g, r, "Dry: nothing was ever sent.");
		return false;
	}
	if (r->state == GATEWAY_KNOWN)
		return known_next(g, r, now, ret);
	if (now < r->due || r->ended_told)
		return false;
	put_question(ret, r, VENUE_ORDERS_QUERY, now);
	g->counters.queries++;
	start(r, now);
	return true;
}

/* Cancels before anything else. */
static bool rows_next(struct gateway *g, int64_t now, struct gateway_request *ret)
{
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < g->n; i++)
			if ((pass == 1 || g->row[i].cancel) && row_next(g, &g->row[i], now, ret))
				return true;
	return false;
}

/* What will never be sent is said also while nothing may be asked. */
static void give_up_old(struct gateway *g, int64_t now)
{
	for (uint32_t i = 0; i < g->n; i++) {
		struct gateway_row *r = &g->row[i];
		const char *never = r->state == GATEWAY_NEW && !r->ended_told ? why_never(g, r, now) : NULL;
		if (never)
			tell_unsent(g, r, never);
	}
}

bool gateway_next(struct gateway *g, int64_t now, struct gateway_request *ret)
{
	if (g->refused || now < g->hold_until) {
		give_up_old(g, now);
		return false;
	}
	if (g->set.dry)
		return rows_next(g, now, ret);
	if (gateway_clock_next(g, now, ret))
		return true;
	if (!g->clock.known) {
		give_up_old(g, now);
		return false;
	}
	return rows_next(g, now, ret) || gateway_compare_next(g, now, ret);
}

void gateway_on_dry(struct gateway *g, const struct gateway_request *q, const char *would)
{
	struct gateway_row *r = gateway_find(g, q->id);
	char text[EVENT_TEXT_MAX];
	if (!r)
		return;
	must(g->set.dry);
	r->asked = false;
	r->state = GATEWAY_NEW;
	g->counters.placed--;
	snprintf(text, sizeof(text), "Dry: nothing was sent. It would have been %.150s", would);
	tell_unsent(g, r, text);
}
