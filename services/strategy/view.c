/* view - what the strategy core knows of an instrument: filters, book, trust. */
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
	if (v->wants_book)
		book_save(&v->book, p);
}

int view_load(struct view *v, struct unpacker *u)
{
	struct symbol symbol = {0};
	struct event ev = {0};
	unpack_str(u, symbol.s, sizeof(symbol.s));
	v->known = unpack_bool(u);
	unpack_event(u, NULL, &ev);
	v->heard_at = unpack_i64(u);
	v->state = (uint8_t)unpack_u64(u);
	v->has_book = unpack_bool(u);
	bool wants_book = unpack_bool(u);
	if (u->err)
		return u->err;
	if (ev.id != EVENT_instrument)
		return ERR_CORRUPT;
	if (!symbol_equal(&symbol, &v->symbol) || wants_book != v->wants_book)
		return ERR_DIFFERS;
	v->def = ev.instrument;
	return wants_book ? book_load(&v->book, u) : 0;
}
