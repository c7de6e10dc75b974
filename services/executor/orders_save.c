/* orders_save - the open orders of a snapshot, and which intents were seen. */
#include "common/base/err.h"
#include "services/executor/orders.h"

#define ORDER_FIELDS 31

static void save_order(const struct order *o, struct packer *p)
{
	pack_str(p, o->strategy);
	pack_str(p, o->client_order_id);
	pack_str(p, o->user_id);
	pack_str(p, o->link_id);
	pack_str(p, o->market->def.instrument.s);
	pack_u64(p, o->ordinal);
	pack_u64(p, o->side);
	pack_u64(p, o->type);
	pack_u64(p, o->tif);
	pack_u64(p, o->status);
	pack_u64(p, o->stage);
	pack_u64(p, o->trigger_by);
	pack_u64(p, o->link);
	pack_u64(p, o->leg);
	pack_bool(p, o->post_only);
	pack_bool(p, o->reduce_only);
	pack_u64(p, o->revision);
	pack_u64(p, o->trail_bp);
	pack_i64(p, o->price);
	pack_i64(p, o->qty);
	pack_i64(p, o->trigger);
	pack_i64(p, o->trail);
	pack_i64(p, o->best);
	pack_i64(p, o->amount);
	pack_i64(p, o->good_until);
	pack_i64(p, o->filled);
	pack_i64(p, o->told);
	pack_i64(p, o->cost);
	pack_i64(p, o->locked);
	pack_i64(p, o->fee_carry);
	pack_i64(p, o->ahead);
}

static void read_order(struct order *o, struct symbol *symbol, struct unpacker *u)
{
	unpack_str(u, o->strategy, sizeof(o->strategy));
	unpack_str(u, o->client_order_id, sizeof(o->client_order_id));
	unpack_str(u, o->user_id, sizeof(o->user_id));
	unpack_str(u, o->link_id, sizeof(o->link_id));
	unpack_str(u, symbol->s, sizeof(symbol->s));
	o->ordinal = unpack_u64(u);
	o->side = (uint8_t)unpack_u64(u);
	o->type = (uint8_t)unpack_u64(u);
	o->tif = (uint8_t)unpack_u64(u);
	o->status = (uint8_t)unpack_u64(u);
	o->stage = (uint8_t)unpack_u64(u);
	o->trigger_by = (uint8_t)unpack_u64(u);
	o->link = (uint8_t)unpack_u64(u);
	o->leg = (uint8_t)unpack_u64(u);
	o->post_only = unpack_bool(u);
	o->reduce_only = unpack_bool(u);
	o->revision = (uint32_t)unpack_u64(u);
	o->trail_bp = (uint32_t)unpack_u64(u);
	o->price = unpack_i64(u);
	o->qty = unpack_i64(u);
	o->trigger = unpack_i64(u);
	o->trail = unpack_i64(u);
	o->best = unpack_i64(u);
	o->amount = unpack_i64(u);
	o->good_until = unpack_i64(u);
	o->filled = unpack_i64(u);
	o->told = unpack_i64(u);
	o->cost = unpack_i64(u);
	o->locked = unpack_i64(u);
	o->fee_carry = unpack_i64(u);
	o->ahead = unpack_i64(u);
}

bool orders_sound(const struct order *o)
{
	bool held = o->stage == stage_held;
	bool side = o->side == side_buy || o->side == side_sell;
	bool rests = o->stage != stage_resting || o->price > 0;
	bool reach = o->price >= 0 && o->price <= ORDERS_PRICE_MAX && o->trigger >= 0 &&
		     o->trigger <= ORDERS_PRICE_MAX && o->trail >= 0 && o->trail <= ORDERS_PRICE_MAX &&
		     o->best >= 0 && o->trail_bp < 10000;
	bool counts = o->filled >= 0 && o->qty >= 0 && o->filled <= o->qty - !held && o->told >= 0 &&
		      o->told <= o->filled;
	return side && rests && reach && counts && o->stage <= stage_remote && o->locked >= 0 && o->ahead >= 0 &&
	       o->amount >= 0 && o->good_until >= 0;
}

static int put(struct orders *os, const struct markets *ms, struct order *o, const struct symbol *symbol)
{
	o->market = markets_get(ms, symbol);
	return o->market && o->market->known && orders_sound(o) ? orders_insert(os, o) : ERR_CORRUPT;
}

static int load_order(struct orders *os, const struct markets *ms, struct unpacker *u)
{
	struct order o = {0};
	struct symbol symbol = {0};
	read_order(&o, &symbol, u);
	return u->err ? u->err : put(os, ms, &o, &symbol);
}

/* The layout of before there were parts: limit orders only. */
static int load_v2_order(struct orders *os, const struct markets *ms, struct unpacker *u)
{
	struct order o = {0};
	struct symbol symbol = {0};
	unpack_str(u, o.strategy, sizeof(o.strategy));
	unpack_str(u, o.client_order_id, sizeof(o.client_order_id));
	o.ordinal = unpack_u64(u);
	unpack_str(u, symbol.s, sizeof(symbol.s));
	o.side = (uint8_t)unpack_u64(u);
	o.type = (uint8_t)unpack_u64(u);
	o.tif = (uint8_t)unpack_u64(u);
	o.status = (uint8_t)unpack_u64(u);
	o.price = unpack_i64(u);
	o.qty = unpack_i64(u);
	o.filled = unpack_i64(u);
	o.cost = unpack_i64(u);
	o.locked = unpack_i64(u);
	o.ahead = unpack_i64(u);
	if (u->err)
		return u->err;
	return put(os, ms, &o, &symbol);
}

static int load_seen(struct orders *os, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 4 != 0 || n / 4 > ORDERS_STRATEGIES_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	os->n_seen = n / 4;
	for (uint32_t i = 0; i < os->n_seen; i++) {
		unpack_str(u, os->seen[i].strategy, sizeof(os->seen[i].strategy));
		os->seen[i].epoch = unpack_u64(u);
		os->seen[i].ordinal = unpack_u64(u);
		os->seen[i].any_epoch = unpack_bool(u);
	}
	return u->err;
}

void orders_save(const struct orders *os, struct packer *p)
{
	pack_u64(p, 0); /* where the orders were before they became a part of their own */
	pack_array(p, 4 * os->n_seen);
	for (uint32_t i = 0; i < os->n_seen; i++) {
		pack_str(p, os->seen[i].strategy);
		pack_u64(p, os->seen[i].epoch);
		pack_u64(p, os->seen[i].ordinal);
		pack_bool(p, os->seen[i].any_epoch);
	}
}

int orders_load(struct orders *os, const struct markets *ms, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	int rc = u->err;
	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = load_v2_order(os, ms, u);
	return rc != 0 ? rc : load_seen(os, u);
}

void orders_save_open(const struct orders *os, struct packer *p)
{
	pack_array(p, ORDER_FIELDS * os->n);
	for (uint32_t i = 0; i < os->n; i++)
		save_order(&os->at[i], p);
}

int orders_load_open(struct orders *os, const struct markets *ms, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % ORDER_FIELDS != 0)
		return u->err ? u->err : ERR_CORRUPT;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < n / ORDER_FIELDS; i++)
		rc = load_order(os, ms, u);
	return rc;
}
