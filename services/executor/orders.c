/* orders - see orders.h. */
#include "services/executor/orders.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

int orders_init(struct orders *os, uint32_t max)
{
	*os = (struct orders){.max = max};
	os->at = calloc(max > 0 ? max : 1, sizeof(*os->at));
	return os->at ? 0 : ERR_NOMEM;
}

void orders_fini(struct orders *os)
{
	if (!os)
		return;
	free(os->at);
	*os = (struct orders){0};
}

static struct orders_seen *seen_of(struct orders *os, const char *strategy)
{
	for (uint32_t i = 0; i < os->n_seen; i++)
		if (strcmp(os->seen[i].strategy, strategy) == 0)
			return &os->seen[i];
	if (os->n_seen == ORDERS_STRATEGIES_MAX)
		return NULL;
	struct orders_seen *s = &os->seen[os->n_seen++];
	*s = (struct orders_seen){0};
	event_set_name(s->strategy, strategy);
	return s;
}

int orders_note(struct orders *os, const char *strategy, uint64_t epoch, uint64_t ordinal)
{
	struct orders_seen *s = seen_of(os, strategy);
	if (!s)
		return ERR_FULL;
	bool same = epoch == s->epoch || s->any_epoch;
	if (same ? ordinal <= s->ordinal : epoch < s->epoch)
		return ERR_EXISTS;
	s->epoch = epoch;
	s->ordinal = ordinal;
	s->any_epoch = false;
	return 0;
}

/* First answers come in order: a lower ordinal than the last is a strategy that began anew. */
void orders_recall(struct orders *os, const char *strategy, uint64_t ordinal)
{
	struct orders_seen *s = seen_of(os, strategy);
	if (!s)
		return;
	s->any_epoch = s->any_epoch || s->ordinal == 0 || ordinal < s->ordinal;
	s->ordinal = ordinal;
}

struct order *orders_find(struct orders *os, const char *client_order_id)
{
	for (uint32_t i = 0; i < os->n; i++)
		if (strcmp(os->at[i].client_order_id, client_order_id) == 0)
			return &os->at[i];
	return NULL;
}

/* Does a come before b, of which b is the newer? Orders of other books need no order between
 * them. */
static bool before(const struct order *a, const struct order *b)
{
	if (a->market != b->market || a->side != b->side)
		return true;
	return a->side == side_buy ? a->price >= b->price : a->price <= b->price;
}

int orders_insert(struct orders *os, const struct order *o)
{
	uint32_t i = 0;
	if (os->n == os->max)
		return ERR_FULL;
	while (i < os->n && before(&os->at[i], o))
		i++;
	memmove(&os->at[i + 1], &os->at[i], (os->n - i) * sizeof(*os->at));
	os->at[i] = *o;
	os->n++;
	o->market->resting++;
	return 0;
}

void orders_remove(struct orders *os, uint32_t i)
{
	must(i < os->n && os->at[i].market->resting > 0);
	os->at[i].market->resting--;
	os->n--;
	memmove(&os->at[i], &os->at[i + 1], (os->n - i) * sizeof(*os->at));
}

int64_t order_avg_price(const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	int64_t avg = 0;
	if (o->filled > 0)
		fixed_div(o->cost, CASH_SCALE, o->filled, d->qty_scale, d->price_scale, &avg);
	return avg;
}

static void save_order(const struct order *o, struct packer *p)
{
	pack_str(p, o->strategy);
	pack_str(p, o->client_order_id);
	pack_u64(p, o->ordinal);
	pack_str(p, o->market->def.instrument.s);
	pack_u64(p, o->side);
	pack_u64(p, o->type);
	pack_u64(p, o->tif);
	pack_u64(p, o->status);
	pack_i64(p, o->price);
	pack_i64(p, o->qty);
	pack_i64(p, o->filled);
	pack_i64(p, o->cost);
	pack_i64(p, o->locked);
	pack_i64(p, o->ahead);
}

static int load_order(struct orders *os, const struct markets *ms, struct unpacker *u)
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
	o.market = markets_get(ms, &symbol);
	bool sound = o.market && o.market->known && (o.side == side_buy || o.side == side_sell) &&
		     o.price > 0 && o.filled >= 0 && o.filled < o.qty && o.locked >= 0 &&
		     o.ahead >= 0;
	return sound ? orders_insert(os, &o) : ERR_CORRUPT;
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
	pack_u64(p, os->n);
	for (uint32_t i = 0; i < os->n; i++)
		save_order(&os->at[i], p);
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
		rc = load_order(os, ms, u);
	return rc != 0 ? rc : load_seen(os, u);
}
