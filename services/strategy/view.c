/* view - what the strategy core knows of an instrument: filters, book, trust. */
#include <string.h>

#include "common/base/err.h"
#include "common/venue/book_save.h"
#include "services/strategy/host.h"

int view_init(struct view *v, const struct symbol *symbol, bool wants_book, uint32_t levels)
{
	*v = (struct view){.symbol = *symbol};
	int rc = wants_book ? book_init(&v->book, levels) : 0;
	if (rc == 0)
		v->wants_book = wants_book;
	return rc;
}

void view_fini(struct view *v)
{
	if (v->wants_book)
		book_fini(&v->book);
	*v = (struct view){0};
}

void view_lose_book(struct view *v)
{
	if (v->wants_book)
		book_clear(&v->book);
	v->has_book = false;
}

static bool scales_fit(const struct view *v, uint8_t price_scale, uint8_t qty_scale)
{
	return v->known && price_scale == v->def.price_scale && qty_scale == v->def.qty_scale;
}

static int on_snapshot(struct view *v, const struct ev_book_snapshot *s)
{
	int rc = scales_fit(v, s->price_scale, s->qty_scale) ? 0 : ERR_TYPE;
	if (rc == 0 && v->wants_book)
		rc = book_snapshot(&v->book, s);
	v->has_book = rc == 0;
	return rc;
}

/* A delta without its snapshot says nothing yet: it is no news. */
static int on_delta(struct view *v, const struct ev_book_delta *d)
{
	if (!v->has_book)
		return ERR_AGAIN;
	int rc = scales_fit(v, d->price_scale, d->qty_scale) ? 0 : ERR_TYPE;
	return rc == 0 && v->wants_book ? book_delta(&v->book, d) : rc;
}

static void on_instrument(struct view *v, const struct ev_instrument *d)
{
	if (v->known && !scales_fit(v, d->price_scale, d->qty_scale))
		view_lose_book(v);
	v->def = *d;
	v->known = true;
}

/* syncing and untrusted mean that deltas were missed: what follows must begin with a snapshot. */
static int on_state(struct view *v, const struct ev_book_state *s)
{
	v->state = s->state;
	if (s->state == book_state_syncing || s->state == book_state_untrusted)
		view_lose_book(v);
	return s->state == book_state_trusted ? 0 : ERR_AGAIN;
}

int view_on_event(struct view *v, const struct event *ev)
{
	int rc = ERR_AGAIN;
	memcpy(v->source, ev->source, sizeof(v->source));
	if (ev->id == EVENT_instrument)
		on_instrument(v, &ev->instrument);
	else if (ev->id == EVENT_book_snapshot)
		rc = on_snapshot(v, &ev->book_snapshot);
	else if (ev->id == EVENT_book_delta)
		rc = on_delta(v, &ev->book_delta);
	else if (ev->id == EVENT_book_state)
		rc = on_state(v, &ev->book_state);
	if (rc == 0)
		v->heard_at = ev->ts_recv;
	else if (rc != ERR_AGAIN)
		view_lose_book(v);
	return rc == ERR_AGAIN ? 0 : rc;
}

bool view_trusted(const struct view *v, int64_t now, int64_t stale_ns)
{
	return v->known && v->has_book && v->state == book_state_trusted &&
	       now - v->heard_at <= stale_ns && !(v->wants_book && book_crossed(&v->book));
}

void view_save(const struct view *v, struct packer *p)
{
	struct event ev;
	event_init(&ev, EVENT_instrument);
	ev.instrument = v->def;
	pack_str(p, v->symbol.s);
	pack_bool(p, v->known);
	pack_event(p, &ev);
	pack_i64(p, v->heard_at);
	pack_u64(p, v->state);
	pack_bool(p, v->has_book);
	pack_bool(p, v->wants_book);
	pack_str(p, v->source);
	if (v->wants_book)
		book_save(&v->book, p);
}

struct view *view_find(struct strategy_core *c, const struct symbol *symbol)
{
	for (uint32_t i = 0; i < c->n_views; i++)
		if (symbol_equal(&c->view[i].symbol, symbol))
			return &c->view[i];
	return NULL;
}

/* A book that nobody wants any more: read to its end. */
static int pass_book(const struct strategy_core *c, struct unpacker *u)
{
	struct book book;
	int rc = book_init(&book, c->settings.book_levels);
	if (rc == 0) {
		rc = book_load(&book, u);
		book_fini(&book);
	}
	return rc;
}

/* Into the view of its symbol, where there is one. One that wants a book and was saved without stays unknown. */
int view_load(struct strategy_core *c, uint64_t version, struct unpacker *u)
{
	struct symbol symbol = {0};
	struct event ev = {0};
	struct view saved = {0};
	unpack_str(u, symbol.s, sizeof(symbol.s));
	saved.known = unpack_bool(u);
	unpack_event(u, NULL, &ev);
	saved.heard_at = unpack_i64(u);
	saved.state = (uint8_t)unpack_u64(u);
	saved.has_book = unpack_bool(u);
	bool had_book = unpack_bool(u);
	if (version > 2)
		unpack_str(u, saved.source, sizeof(saved.source));
	if (u->err)
		return u->err;
	if (ev.id != EVENT_instrument)
		return ERR_CORRUPT;
	struct view *v = view_find(c, &symbol);
	if (v && had_book >= v->wants_book) {
		v->known = saved.known;
		v->heard_at = saved.heard_at;
		v->state = saved.state;
		v->has_book = saved.has_book;
		v->def = ev.instrument;
		memcpy(v->source, saved.source, sizeof(v->source));
		v->loaded = true;
	}
	if (!had_book)
		return 0;
	return v && v->wants_book ? book_load(&v->book, u) : pass_book(c, u);
}
