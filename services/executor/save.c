/* save - the executor's whole state to bytes and back, exact. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/band.h"
#include "services/executor/perpetual.h"
#include "services/executor/trigger.h"

#define ADOPT_MAX ((size_t)1 << 30)
#define SAVE_VERSION 3 /* 1: before leases had owners and holdings were told apart; 2: before there were parts */

static void save_orders(const struct executor *x, struct packer *p)
{
	orders_save_open(&x->orders, p);
}

static int load_orders(struct executor *x, struct unpacker *u)
{
	return orders_load_open(&x->orders, &x->markets, u);
}

static void save_kill(const struct executor *x, struct packer *p)
{
	mode_save_kill(&x->mode, p);
}

static int load_kill(struct executor *x, struct unpacker *u)
{
	return mode_load_kill(&x->mode, u);
}

static void outcomes_save(const struct executor *x, struct packer *p)
{
	outcome_save(&x->orders, p);
}

static int outcomes_load(struct executor *x, struct unpacker *u)
{
	return outcome_load(&x->orders, u);
}

static void save_sources(const struct executor *x, struct packer *p)
{
	markets_save_sources(&x->markets, p);
}

static int load_sources(struct executor *x, struct unpacker *u)
{
	return markets_load_sources(&x->markets, u);
}

static int load_queues(struct executor *x, struct unpacker *u)
{
	return queue_load_v1(&x->orders, u);
}

static void save_places(const struct executor *x, struct packer *p)
{
	queue_save(&x->orders, &x->markets, p);
}

static int load_places(struct executor *x, struct unpacker *u)
{
	return queue_load(&x->orders, &x->markets, u);
}

/* What came later, each under its name: a state of before it was there loads without it. A part whose layout changes
 * gets a new name, and keeps the old one for loading. */
static const struct part {
	const char *name;
	void (*save)(const struct executor *x, struct packer *p); /* NULL: only loaded */
	int (*load)(struct executor *x, struct unpacker *u);
} parts[] = {
	{"orders", save_orders, load_orders},
	{"last_prices", trigger_save, trigger_load},
	{"queues", NULL, load_queues},
	{"places", save_places, load_places},
	{"sight", sight_save, sight_load},
	{"risk", risk_save, risk_load},
	{"fees", fills_save, fills_load},
	{"kill", save_kill, load_kill},
	{"guard", guard_save, guard_load},
	{"outcomes", outcomes_save, outcomes_load},
	{"quotes", quotes_save, quotes_load},
	{"marks", mark_save, mark_load},
	{"perpetuals", perpetual_save, perpetual_load},
	{"ledger", NULL, ledger_load_v1},
	{"books", ledger_save, ledger_load},
	{"sources", save_sources, load_sources},
	{"flight", flight_save, flight_load},
	{"assumptions", assume_save, assume_load},
	{"remote", NULL, remote_load_v1},
	{"at_venue", remote_save, remote_load},
	{"allocation", allocation_save, allocation_load},
	{"bands", band_save, band_load},
	{"takeovers", loud_save, loud_load},
};

static void save_parts(const struct executor *x, struct packer *p)
{
	uint32_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		n += parts[i].save != NULL;
	pack_u64(p, n);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (!parts[i].save)
			continue;
		pack_str(p, parts[i].name);
		parts[i].save(x, p);
	}
}

static int load_part(struct executor *x, struct unpacker *u)
{
	char name[EVENT_NAME_MAX];
	unpack_str(u, name, sizeof(name));
	for (size_t i = 0; i < ARRAY_LEN(parts) && !u->err; i++)
		if (strcmp(parts[i].name, name) == 0)
			return parts[i].load(x, u);
	return u->err ? u->err : ERR_UNKNOWN;
}

static int load_parts(struct executor *x, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	int rc = u->err;
	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = load_part(x, u);
	return rc;
}

int executor_save(const void *core, struct buf *out)
{
	const struct executor *x = core;
	struct packer p = {.out = out};
	pack_u64(&p, SAVE_VERSION);
	pack_u64(&p, x->origin);
	pack_u64(&p, x->fills);
	pack_i64(&p, x->equity_due);
	pack_i64(&p, x->start_equity);
	pack_bool(&p, x->opened);
	pack_bool(&p, x->started);
	account_save(&x->account, &p);
	mode_save(&x->mode, &p);
	markets_save(&x->markets, &p);
	orders_save(&x->orders, &p);
	pack_str(&p, x->run_id);
	holdings_save(&x->holdings, &p);
	flatten_save(x, &p);
	live_save(x, &p);
	save_parts(x, &p);
	return p.err;
}

/* An account that was opened under one origin can never go on under another. */
static int load_head(struct executor *x, struct unpacker *u, uint64_t *ret_version)
{
	uint64_t version = unpack_u64(u);
	uint8_t origin = (uint8_t)unpack_u64(u);
	x->fills = unpack_u64(u);
	x->equity_due = unpack_i64(u);
	x->start_equity = unpack_i64(u);
	x->opened = unpack_bool(u);
	x->started = unpack_bool(u);
	if (u->err)
		return u->err;
	if (version == 0 || version > SAVE_VERSION)
		return ERR_UNKNOWN;
	*ret_version = version;
	if (x->origin != origin_none && origin != origin_none && x->origin != origin)
		return ERR_DIFFERS;
	if (origin != origin_none)
		x->origin = origin;
	return 0;
}

/* What version 2 has beside. */
static int load_v2(struct executor *x, struct unpacker *u)
{
	unpack_str(u, x->run_id, sizeof(x->run_id));
	int rc = holdings_load(&x->holdings, &x->markets, u);
	if (rc == 0)
		rc = flatten_load(x, u);
	return rc != 0 ? rc : live_load(x, u);
}

/* What the orders and positions hold must be what the assets say is locked. */
static int check_locks(struct executor *x)
{
	struct account sum = x->account;
	for (uint32_t i = 0; i < x->orders.n; i++) {
		const struct order *o = &x->orders.at[i];
		const struct asset *of = fills_locked_asset(x, o);
		struct asset *a = of ? &sum.asset[of - x->account.asset] : NULL;
		if (!a || o->locked > a->locked)
			return ERR_CORRUPT;
		a->locked -= o->locked;
	}
	for (uint32_t i = 0; i < x->quotes.n; i++) {
		uint32_t place = x->quotes.at[i].place;
		sum.asset[place].locked -= perpetual_margins(x, &x->account.asset[place]);
	}
	for (uint32_t i = 0; i < sum.n; i++)
		if (sum.asset[i].locked != 0)
			return ERR_CORRUPT;
	return 0;
}

int executor_load(void *core, const uint8_t *at, size_t len)
{
	struct executor *x = core;
	struct unpacker u = {.at = at, .end = at + len};
	uint64_t version;
	int rc = load_head(x, &u, &version);
	x->ledger.derive = x->perpetuals.adopt = true; /* where the state has no books yet, and no margin */
	if (rc == 0)
		rc = account_load(&x->account, &u);
	if (rc == 0)
		rc = version == 1 ? mode_load_v1(&x->mode, &u) : mode_load(&x->mode, &u);
	if (rc == 0)
		rc = markets_load(&x->markets, &u);
	if (rc == 0)
		rc = quotes_bind(x);
	if (rc == 0)
		rc = orders_load(&x->orders, &x->markets, &u);
	if (rc == 0 && version > 1)
		rc = load_v2(x, &u);
	if (rc == 0 && version > 2)
		rc = load_parts(x, &u);
	if (rc == 0 && u.at != u.end)
		rc = ERR_TRAILING;
	/* States of before there were live accounts are of paper ones. */
	if (rc == 0 && x->settings.remote && !x->remote.loaded)
		rc = ERR_DIFFERS;
	if (rc == 0 && x->perpetuals.adopt)
		rc = perpetual_adopt_all(x);
	return rc != 0 ? rc : check_locks(x);
}

/* Its book and state are there already. */
static int adopt_market(struct executor *x, struct market *m, const struct market *from)
{
	m->marks = from->marks;
	m->shown_at = from->shown_at;
	m->mean = from->mean;
	m->last = from->last;
	m->position = (struct position){0};
	if (m->taken)
		m->taken[0].n = m->taken[1].n = 0;
	return m->known && !market_margined(m) && !account_asset(&x->account, m->def.base) ? ERR_FULL : 0;
}

int executor_adopt(struct executor *x, const struct executor *from)
{
	struct buf bytes;
	buf_init(&bytes, ADOPT_MAX);
	struct packer p = {.out = &bytes};
	markets_save(&from->markets, &p);
	markets_save_sources(&from->markets, &p);
	struct unpacker u = {.at = bytes.at, .end = bytes.at + bytes.len};
	int rc = p.err;
	if (rc == 0)
		rc = markets_load(&x->markets, &u);
	if (rc == 0)
		rc = markets_load_sources(&x->markets, &u);
	buf_fini(&bytes);
	for (uint32_t i = 0; rc == 0 && i < markets_count(&x->markets); i++) {
		rc = adopt_market(x, markets_at(&x->markets, i), markets_at(&from->markets, i));
	}
	funding_arm(x);
	if (x->origin == origin_none)
		x->origin = from->origin;
	return rc == 0 ? quotes_bind(x) : rc;
}
