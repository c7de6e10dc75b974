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

/* The answer to a refused cancel bears the cancel's ordinal, which is no open order: it changes
 * nothing. */
static void on_order(struct strategy_ctx *seat, const struct ev_order *e)
{
	uint32_t i = find(seat, e);
	if (i == seat->n_open)
		return;
	if (e->status != order_status_open && e->status != order_status_partial) {
		drop(seat, i);
		return;
	}
	seat->open[i].status = e->status;
	seat->open[i].filled = e->filled;
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

/* What became of it, the executor's own journal will tell next. */
void seat_on_own(struct strategy_ctx *seat, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	if (in->ordinal <= seat->ordinal)
		return;
	seat->ordinal = in->ordinal;
	if (in->kind != intent_kind_order || seat->n_open == STRATEGY_ORDERS_MAX)
		return;
	seat->open[seat->n_open++] = (struct strategy_open){
		.ordinal = in->ordinal,
		.price = in->price,
		.qty = in->qty,
		.asked_at = ev->ts_event,
		.side = in->side,
		.type = in->type,
		.tif = in->tif,
	};
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
}

static bool same_text(struct unpacker *u, const char *text)
{
	char saved[EVENT_NAME_MAX] = "";
	unpack_str(u, saved, sizeof(saved));
	return strcmp(saved, text) == 0;
}

static bool same_seat(const struct strategy_ctx *seat, struct unpacker *u)
{
	bool same = same_text(u, seat->name);
	same = same_text(u, seat->account) && same;
	same = same_text(u, seat->strategy->name) && same;
	return unpack_u64(u) == seat->strategy->version && same;
}

int seat_load(struct strategy_ctx *seat, struct unpacker *u)
{
	const struct strategy *s = seat->strategy;
	bool same = same_seat(seat, u);
	struct blob params = unpack_bin(u), state = unpack_bin(u);
	seat->ordinal = unpack_u64(u);
	seat->position = unpack_i64(u);
	uint64_t n = unpack_u64(u);
	if (u->err)
		return u->err;
	if (!same || params.n != s->params_size || state.n != s->state_size ||
	    memcmp(params.at, seat->params, params.n) != 0)
		return ERR_DIFFERS;
	if (n > STRATEGY_ORDERS_MAX)
		return ERR_CORRUPT;
	memcpy(seat->state, state.at, state.n);
	seat->n_open = (uint32_t)n;
	for (uint32_t i = 0; i < seat->n_open; i++)
		load_open(&seat->open[i], u);
	return u->err;
}
