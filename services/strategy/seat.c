/* seat - one hosted strategy: parameters, state, position and open orders as it was told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/strategy/host.h"
#include "proto/order_id.h"
#include "services/strategy/params.h"

static int refuse(int err, char *why, const struct strategy_seat *as, const char *what)
{
	if (why)
		snprintf(why, EVENT_TEXT_MAX, "strategy.%s: %.140s", as->name, what);
	return err;
}

static int set_params(struct strategy_ctx *seat, const struct strategy_seat *as, char *why)
{
	const struct strategy *s = as->strategy;
	params_defaults(s, seat->params);
	for (uint32_t i = 0; i < as->n_settings; i++) {
		const struct strategy_setting *set = &as->setting[i];
		int rc = params_set(s, seat->params, set->name, set->value);
		if (rc != 0) {
			char what[EVENT_TEXT_MAX];
			params_explain(s, set->name, set->value, what, sizeof what);
			return refuse(rc, why, as, what);
		}
	}
	const char *wrong = s->check ? s->check(seat->params) : NULL;
	return wrong ? refuse(ERR_ARG, why, as, wrong) : 0;
}

int seat_init(struct strategy_ctx *seat, const struct strategy_seat *as, char *why)
{
	const struct strategy *s = as->strategy;
	*seat = (struct strategy_ctx){.strategy = s};
	event_set_name(seat->name, as->name);
	event_set_name(seat->account, as->account);
	seat->params = calloc(1, s->params_size > 0 ? s->params_size : 1);
	seat->state = calloc(1, s->state_size > 0 ? s->state_size : 1);
	if (!seat->params || !seat->state)
		return refuse(ERR_NOMEM, why, as, err_text(ERR_NOMEM));
	return set_params(seat, as, why);
}

void seat_fini(struct strategy_ctx *seat)
{
	free(seat->params);
	free(seat->state);
	*seat = (struct strategy_ctx){0};
}

void seat_client_id(const struct strategy_ctx *seat, uint64_t ordinal, char out[EVENT_NAME_MAX])
{
	struct order_id_parts parts = {seat->account, seat->name, seat->core->run_id, ordinal};
	order_id(&parts, out);
}

static void drop(struct strategy_ctx *seat, uint32_t i)
{
	seat->n_open--;
	memmove(&seat->open[i], &seat->open[i + 1], (seat->n_open - i) * sizeof(*seat->open));
}

/* An earlier run's order may carry the same ordinal: the id tells them apart. */
static uint32_t find(const struct strategy_ctx *seat, const struct ev_order *e)
{
	char id[EVENT_NAME_MAX];
	for (uint32_t i = 0; i < seat->n_open; i++) {
		if (seat->open[i].ordinal != e->intent_ordinal)
			continue;
		seat_client_id(seat, e->intent_ordinal, id);
		return strcmp(id, e->client_order_id) == 0 ? i : seat->n_open;
	}
	return seat->n_open;
}

static bool lives(uint8_t status)
{
	return status == order_status_open || status == order_status_partial || status == order_status_pending ||
	       status == order_status_waiting || status == order_status_triggered;
}

/* The answer to a refused cancel bears the cancel's ordinal, which is no open order: it changes
 * nothing. */
static void on_order(struct strategy_ctx *seat, const struct ev_order *e)
{
	uint32_t i = find(seat, e);
	if (i == seat->n_open)
		return;
	/* A refused replacement has an ordinal of its own, which is no open order. */
	if (!lives(e->status)) {
		drop(seat, i);
		return;
	}
	struct strategy_open *o = &seat->open[i];
	const struct ev_instrument *d = &seat->view->def;
	o->status = e->status;
	o->filled = e->filled;
	/* It may have been replaced, follow its entry, or have found its quantity only at the market. */
	if (e->price_scale == d->price_scale && e->qty_scale == d->qty_scale) {
		o->price = e->price;
		o->qty = e->qty;
	}
}

static void on_fill(struct strategy_ctx *seat, const struct ev_fill *e)
{
	int64_t qty, sum;
	int rc = fixed_rescale(e->qty, e->qty_scale, STRATEGY_QTY_SCALE, &qty);
	if (rc == 0 && e->side == side_sell)
		qty = -qty;
	if (rc != 0 || __builtin_add_overflow(seat->position, qty, &sum))
		seat->core->counters.bad_feedback++;
	else
		seat->position = sum;
}

bool seat_on_feedback(struct strategy_ctx *seat, const struct event *ev)
{
	bool order = ev->id == EVENT_order;
	const char *account = order ? ev->order.account : ev->fill.account;
	const char *strategy = order ? ev->order.strategy : ev->fill.strategy;
	if (strcmp(strategy, seat->name) != 0 || strcmp(account, seat->account) != 0)
		return false;
	if (order)
		on_order(seat, &ev->order);
	else
		on_fill(seat, &ev->fill);
	return true;
}

static void open_one(struct strategy_ctx *seat, const struct event *ev, struct strategy_open o)
{
	if (seat->n_open == STRATEGY_ORDERS_MAX)
		return;
	o.asked_at = ev->ts_event;
	seat->open[seat->n_open++] = o;
	seat->ordinal = o.ordinal > seat->ordinal ? o.ordinal : seat->ordinal;
}

static uint8_t exit_side(const struct ev_intent *in)
{
	if (in->link != order_link_bracket)
		return in->side;
	return in->side == side_buy ? side_sell : side_buy;
}

void seat_open(struct strategy_ctx *seat, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	struct strategy_open first = {.ordinal = in->ordinal, .price = in->price, .qty = in->qty, .side = in->side,
				      .type = in->type, .tif = in->tif};
	struct strategy_open leg = {.ordinal = in->ordinal, .qty = in->qty, .side = exit_side(in), .tif = tif_gtc};
	open_one(seat, ev, first);
	leg.type = order_type_limit;
	leg.price = in->target_price;
	if (in->target_price > 0) {
		leg.ordinal++;
		open_one(seat, ev, leg);
	}
	leg.type = in->stop_limit > 0 ? order_type_stop_limit : order_type_stop_market;
	leg.price = in->stop_limit;
	if (in->stop_price > 0) {
		leg.ordinal++;
		open_one(seat, ev, leg);
	}
}

/* What became of it, the executor's own journal will tell next. */
void seat_on_own(struct strategy_ctx *seat, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	if (in->ordinal <= seat->ordinal)
		return;
	seat->ordinal = in->ordinal;
	if (in->kind == intent_kind_order)
		seat_open(seat, ev);
}

static void save_open(const struct strategy_open *o, struct packer *p)
{
	pack_u64(p, o->ordinal);
	pack_i64(p, o->price);
	pack_i64(p, o->qty);
	pack_i64(p, o->filled);
	pack_i64(p, o->asked_at);
	pack_u64(p, o->side);
	pack_u64(p, o->type);
	pack_u64(p, o->tif);
	pack_u64(p, o->status);
	pack_bool(p, o->cancelling);
}

static void load_open(struct strategy_open *o, struct unpacker *u)
{
	o->ordinal = unpack_u64(u);
	o->price = unpack_i64(u);
	o->qty = unpack_i64(u);
	o->filled = unpack_i64(u);
	o->asked_at = unpack_i64(u);
	o->side = (uint8_t)unpack_u64(u);
	o->type = (uint8_t)unpack_u64(u);
	o->tif = (uint8_t)unpack_u64(u);
	o->status = (uint8_t)unpack_u64(u);
	o->cancelling = unpack_bool(u);
}

void seat_save(const struct strategy_ctx *seat, struct packer *p)
{
	pack_str(p, seat->name);
	pack_str(p, seat->account);
	pack_str(p, seat->strategy->name);
	pack_u64(p, seat->strategy->version);
	pack_bin(p, seat->params, seat->strategy->params_size);
	pack_bin(p, seat->state, seat->strategy->state_size);
	pack_u64(p, seat->ordinal);
	pack_i64(p, seat->position);
	pack_u64(p, seat->n_open);
	for (uint32_t i = 0; i < seat->n_open; i++)
		save_open(&seat->open[i], p);
	pack_str(p, seat->view->symbol.s);
}

/* A saved seat, as it stands in the bytes: name, account, strategy … */
struct saved {
	char name[EVENT_NAME_MAX], account[EVENT_NAME_MAX], strategy[EVENT_NAME_MAX];
	struct symbol instrument; /* empty: of version 1, which had none */
	struct blob params, state;
	uint64_t version, ordinal, n_open;
	int64_t position;
	struct strategy_open open[STRATEGY_ORDERS_MAX];
};

static int read_seat(struct saved *s, uint64_t format, struct unpacker *u)
{
	unpack_str(u, s->name, sizeof(s->name));
	unpack_str(u, s->account, sizeof(s->account));
	unpack_str(u, s->strategy, sizeof(s->strategy));
	s->version = unpack_u64(u);
	s->params = unpack_bin(u);
	s->state = unpack_bin(u);
	s->ordinal = unpack_u64(u);
	s->position = unpack_i64(u);
	s->n_open = unpack_u64(u);
	if (!u->err && s->n_open > STRATEGY_ORDERS_MAX)
		return ERR_CORRUPT;
	for (uint32_t i = 0; !u->err && i < s->n_open; i++)
		load_open(&s->open[i], u);
	if (format > 1)
		unpack_str(u, s->instrument.s, sizeof(s->instrument.s));
	return u->err;
}

/* What it holds and has asked for stays its own; what it has computed does only where nothing was changed. */
static int take_seat(struct strategy_ctx *seat, const struct saved *s)
{
	const struct strategy *as = seat->strategy;
	bool same_market = !s->instrument.s[0] || symbol_equal(&s->instrument, &seat->view->symbol);
	bool same = same_market && strcmp(s->strategy, as->name) == 0 && s->version == as->version;
	bool idle = s->position == 0 && s->n_open == 0;
	if (strcmp(s->account, seat->account) != 0 || (!same_market && !idle))
		return ERR_DIFFERS;
	same = same && s->params.n == as->params_size && s->state.n == as->state_size &&
	       memcmp(s->params.at, seat->params, s->params.n) == 0;
	if (same)
		memcpy(seat->state, s->state.at, s->state.n);
	seat->core->anew += !same;
	seat->ordinal = s->ordinal;
	seat->position = s->position;
	seat->n_open = (uint32_t)s->n_open;
	memcpy(seat->open, s->open, s->n_open * sizeof(*s->open));
	return 0;
}

/* No longer in the settings: its last ordinal is kept, should it come back. What it held would be nobody's. */
static int retire(struct strategy_core *c, const struct saved *s)
{
	if (s->position != 0 || s->n_open != 0)
		return ERR_DIFFERS;
	if (c->n_retired == STRATEGY_SEATS_MAX)
		return ERR_FULL;
	struct retired *r = &c->retired[c->n_retired++];
	memcpy(r->name, s->name, sizeof(r->name));
	memcpy(r->account, s->account, sizeof(r->account));
	r->ordinal = s->ordinal;
	return 0;
}

void retired_save(const struct retired *r, struct packer *p)
{
	pack_str(p, r->name);
	pack_str(p, r->account);
	pack_str(p, ""); /* no strategy: whatever comes back begins anew */
	pack_u64(p, 0);
	pack_bin(p, NULL, 0);
	pack_bin(p, NULL, 0);
	pack_u64(p, r->ordinal);
	pack_i64(p, 0);
	pack_u64(p, 0);
	pack_str(p, "");
}

int seat_load(struct strategy_core *c, uint64_t format, struct unpacker *u)
{
	struct saved s = {0};
	int rc = read_seat(&s, format, u);
	for (uint32_t i = 0; rc == 0 && i < c->n_seats; i++)
		if (strcmp(c->seat[i].name, s.name) == 0)
			return take_seat(&c->seat[i], &s);
	return rc != 0 ? rc : retire(c, &s);
}
