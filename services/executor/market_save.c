/* market_save - the markets of a snapshot: definitions, books, what was taken, positions. */
#include "services/executor/market.h"

#include "common/base/err.h"
#include "common/venue/book_save.h"

static void save_taken(const struct taken *t, struct packer *p)
{
	pack_array(p, 2 * t->n);
	for (uint32_t i = 0; i < t->n; i++) {
		pack_i64(p, t->at[i].price);
		pack_i64(p, t->at[i].qty);
	}
}

static int load_taken(struct taken *t, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 2 != 0 || n / 2 > MARKET_TAKEN_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	t->n = n / 2;
	for (uint32_t i = 0; i < t->n; i++) {
		t->at[i].price = unpack_i64(u);
		t->at[i].qty = unpack_i64(u);
	}
	return u->err;
}

static void save_position(const struct position *q, struct packer *p)
{
	pack_i64(p, q->qty);
	pack_i64(p, q->cost);
	pack_i64(p, q->realised);
	pack_i64(p, q->fees);
}

static void save_market(const struct market *m, const char *symbol, struct packer *p)
{
	pack_str(p, symbol);
	pack_bool(p, m->known);
	pack_bool(p, m->foreign);
	if (!m->known)
		return;
	struct event ev;
	event_init(&ev, EVENT_instrument);
	ev.instrument = m->def;
	pack_event(p, &ev);
	pack_u64(p, m->state);
	pack_bool(p, m->has_book);
	pack_i64(p, m->updated_at);
	pack_i64(p, m->mark);
	save_position(&m->position, p);
	book_save(&m->book, p);
	save_taken(&m->taken[0], p);
	save_taken(&m->taken[1], p);
}

static int load_known(struct markets *ms, struct market *m, struct unpacker *u)
{
	struct event ev = {0};
	unpack_event(u, NULL, &ev);
	if (u->err)
		return u->err;
	int rc = ev.id == EVENT_instrument ? markets_define(ms, m, &ev.instrument) : ERR_CORRUPT;
	if (rc != 0)
		return rc;
	m->state = (uint8_t)unpack_u64(u);
	m->has_book = unpack_bool(u);
	m->updated_at = unpack_i64(u);
	m->mark = unpack_i64(u);
	m->position.qty = unpack_i64(u);
	m->position.cost = unpack_i64(u);
	m->position.realised = unpack_i64(u);
	m->position.fees = unpack_i64(u);
	rc = book_load(&m->book, u);
	if (rc == 0)
		rc = load_taken(&m->taken[0], u);
	if (rc == 0)
		rc = load_taken(&m->taken[1], u);
	return rc;
}

static int load_market(struct markets *ms, struct unpacker *u)
{
	struct symbol symbol = {0};
	unpack_str(u, symbol.s, sizeof(symbol.s));
	if (u->err)
		return u->err;
	struct market *m = markets_put(ms, &symbol);
	if (!m)
		return ERR_FULL;
	bool known = unpack_bool(u);
	m->foreign = unpack_bool(u);
	if (u->err || !known)
		return u->err;
	return load_known(ms, m, u);
}

void markets_save(const struct markets *ms, struct packer *p)
{
	pack_u64(p, markets_count(ms));
	for (uint32_t i = 0; i < markets_count(ms); i++)
		save_market(markets_at(ms, i), strmap_key_at(&ms->map, i), p);
}

int markets_load(struct markets *ms, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	int rc = u->err;
	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = load_market(ms, u);
	return rc;
}

void markets_save_sources(const struct markets *ms, struct packer *p)
{
	pack_u64(p, markets_count(ms));
	for (uint32_t i = 0; i < markets_count(ms); i++)
		pack_str(p, markets_at(ms, i)->source);
}

int markets_load_sources(struct markets *ms, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);
	if (!u->err && n != markets_count(ms))
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++)
		unpack_str(u, markets_at(ms, i)->source, sizeof(markets_at(ms, i)->source));
	return u->err;
}
