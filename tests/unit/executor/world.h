/* world - a seeded market with a seeded crowd of strategies: endless inputs.
 *
 * Two instruments; books drift, jump, cross, go stale, are lost and come back whole or to a limited
 * depth; trades hit everything; intents are good, bad, late, doubled; operators pause and reset.
 * The world keeps its own plain picture of each book (slot by slot), so that a checker needs
 * nothing of the executor's.
 */
#ifndef NJ_TESTS_WORLD_H
#define NJ_TESTS_WORLD_H

#include "common/base/rng.h"
#include "desk.h"

#define SLOTS 64
#define WORLD_MARKETS 2

struct world_market {
	struct ev_instrument def;
	int64_t base;                  /* price of slot 0 */
	int64_t qty[2][SLOTS];         /* [0] bids */
	int64_t taken[2][SLOTS];       /* what the executor took: kept by the checker */
	int32_t touch;                 /* first slot of the asks */
	int32_t known_low, known_high; /* slots that are guaranteed */
	int64_t updated_at;
	uint8_t state;
	bool has_book;
	struct world_news { /* of the last trade that one stream has told and the other has not */
		int32_t slot;
		uint8_t side;  /* of the level; none: there is none */
		int64_t qty;
	} shown, told;
};

struct world {
	struct rng rng;
	int64_t now;
	struct world_market m[WORLD_MARKETS];
	uint64_t ordinal[3]; /* of three strategies */
	struct level bids[SLOTS], asks[SLOTS];
	struct world_market *about; /* of the last event */
	bool coherent; /* most trades are told by the book as well, before them or after them */
};

static inline int64_t world_price(const struct world_market *m, int32_t slot)
{
	return m->base + slot * m->def.tick_size;
}

static inline int64_t world_roll(struct world *w, int64_t n)
{
	return (int64_t)rng_below(&w->rng, (uint64_t)n);
}

static inline void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){.now = 1000 * S};
	rng_seed(&w->rng, seed);
	struct event one = desk_definition("ONE.TEST", "ONE"),
		     two = desk_definition("TWO.TEST", "TWO");
	two.instrument.price_scale = 6;
	two.instrument.qty_scale = 0;
	two.instrument.tick_size = 25;
	two.instrument.lot_size = 5;
	two.instrument.price_max = two.instrument.qty_min = two.instrument.notional_max = 0;
	w->m[0].def = one.instrument;
	w->m[0].base = 9970;
	w->m[1].def = two.instrument;
	w->m[1].base = 13337 * 25;
	for (int i = 0; i < WORLD_MARKETS; i++) {
		w->m[i].touch = SLOTS / 2;
		w->m[i].known_high = SLOTS - 1;
	}
}

static inline int64_t world_qty(struct world *w, const struct world_market *m)
{
	int64_t lot = m->def.lot_size;
	return lot * (1 + world_roll(w, m == &w->m[0] ? 3000 : 400));
}

static inline void world_fill_book(struct world *w, struct world_market *m)
{
	int64_t before[2][SLOTS];
	if (m->has_book && world_roll(w, 2) == 0)
		return; /* the same book, shown anew */
	memcpy(before, m->qty, sizeof(before));
	memset(m->qty, 0, sizeof(m->qty));
	for (int32_t i = 0; i < SLOTS; i++)
		if (world_roll(w, 4) != 0)
			m->qty[i < m->touch ? 0 : 1][i] = world_qty(w, m);
	/* What was taken of a level is back where it shows another quantity, or where the book had been lost. */
	for (int32_t i = 0; i < 2 * SLOTS; i++)
		if (!m->has_book || before[i / SLOTS][i % SLOTS] != m->qty[i / SLOTS][i % SLOTS])
			m->taken[i / SLOTS][i % SLOTS] = 0;
}

/* Does the book tell what stands at a price? */
static inline bool world_shows(const struct world_market *m, uint8_t side, int64_t price, int64_t *ret_qty)
{
	int64_t slot = (price - m->base) / m->def.tick_size;
	bool here = slot >= 0 && slot < SLOTS;
	*ret_qty = here ? m->qty[side - 1][slot] : 0;
	return side == side_buy ? slot >= m->known_low : slot <= m->known_high || !here;
}

static inline void world_instrument(struct world *w, struct world_market *m, struct event *ev)
{
	(void)w;
	event_init(ev, EVENT_instrument);
	ev->instrument = m->def;
}

static inline void world_snapshot(struct world *w, struct world_market *m, struct event *ev)
{
	event_init(ev, EVENT_book_snapshot);
	struct ev_book_snapshot *s = &ev->book_snapshot;
	s->instrument = m->def.instrument;
	s->price_scale = m->def.price_scale;
	s->qty_scale = m->def.qty_scale;
	world_fill_book(w, m);
	m->known_low = 0;
	m->known_high = SLOTS - 1;
	if (world_roll(w, 2) == 0) {
		m->known_low = m->touch - 1 - (int32_t)world_roll(w, 8);
		m->known_high = m->touch + (int32_t)world_roll(w, 8);
		m->known_low = m->known_low < 0 ? 0 : m->known_low;
		m->known_high = m->known_high >= SLOTS ? SLOTS - 1 : m->known_high;
		s->bid_floor = world_price(m, m->known_low);
		s->ask_ceil = world_price(m, m->known_high);
	}
	for (int32_t i = SLOTS - 1; i >= 0; i--)
		if (m->qty[0][i])
			w->bids[s->bids.n++] = (struct level){world_price(m, i), m->qty[0][i]};
	for (int32_t i = 0; i < SLOTS; i++)
		if (m->qty[1][i])
			w->asks[s->asks.n++] = (struct level){world_price(m, i), m->qty[1][i]};
	s->bids.at = w->bids;
	s->asks.at = w->asks;
	m->has_book = true;
	m->updated_at = w->now;
}

static inline void world_set(struct world *w, struct world_market *m, int side, int32_t slot,
			     int64_t qty)
{
	(void)w;
	m->qty[side][slot] = qty;
	m->taken[side][slot] = 0;
}

/* A part of a level near the touch is traded, and the book is the first to show it. */
static inline void world_sold(struct world *w, struct world_market *m, int64_t touched[2][SLOTS])
{
	int32_t slot = m->touch + (int32_t)world_roll(w, 8) - 4;
	int side = slot < m->touch ? 0 : 1;
	int64_t lot = m->def.lot_size, lots = m->qty[side][slot] / lot;
	if (lots == 0)
		return;
	m->shown = (struct world_news){slot, (uint8_t)(side + 1), lot * (1 + world_roll(w, lots))};
	world_set(w, m, side, slot, m->qty[side][slot] - m->shown.qty);
	touched[side][slot] = 1;
}

/* The touch moves and a few levels change; now and then the book is left crossed. */
static inline void world_delta(struct world *w, struct world_market *m, struct event *ev)
{
	int64_t before[2][SLOTS], touched[2][SLOTS] = {{0}};
	memcpy(before, m->qty, sizeof(before));
	int32_t to = m->touch + (int32_t)world_roll(w, 7) - 3;
	m->touch = to < 8 ? 8 : to > SLOTS - 8 ? SLOTS - 8 : to;
	for (int32_t i = 0; i < SLOTS; i++) {
		int wrong = i < m->touch ? 1 : 0;
		if (m->qty[wrong][i]) {
			world_set(w, m, wrong, i, 0);
			touched[wrong][i] = 1;
		}
	}
	for (int64_t k = world_roll(w, 5); k > 0; k--) {
		int32_t i = (int32_t)world_roll(w, SLOTS);
		int side = i < m->touch ? 0 : 1;
		world_set(w, m, side, i, world_roll(w, 3) ? world_qty(w, m) : 0);
		touched[side][i] = 1;
	}
	if (world_roll(w, 25) == 0) {
		world_set(w, m, 0, m->touch, world_qty(w, m));
		touched[0][m->touch] = 1;
	}
	if (m->told.side != side_none && m->qty[m->told.side - 1][m->told.slot] >= m->told.qty) {
		int side = m->told.side - 1;
		world_set(w, m, side, m->told.slot, m->qty[side][m->told.slot] - m->told.qty);
		touched[side][m->told.slot] = 1;
	} else if (w->coherent && m->has_book) {
		world_sold(w, m, touched);
	}
	m->told.side = side_none;
	event_init(ev, EVENT_book_delta);
	struct ev_book_delta *e = &ev->book_delta;
	e->instrument = m->def.instrument;
	e->price_scale = m->def.price_scale;
	e->qty_scale = m->def.qty_scale;
	for (int32_t i = 0; i < SLOTS; i++) {
		if (touched[0][i])
			w->bids[e->bids.n++] = (struct level){world_price(m, i), m->qty[0][i]};
		if (touched[1][i])
			w->asks[e->asks.n++] = (struct level){world_price(m, i), m->qty[1][i]};
	}
	e->bids.at = w->bids;
	e->asks.at = w->asks;
	if (m->has_book)
		m->updated_at = w->now;
	else
		memcpy(m->qty, before, sizeof(before));
}

static inline void world_state(struct world *w, struct world_market *m, struct event *ev)
{
	event_init(ev, EVENT_book_state);
	ev->book_state.instrument = m->def.instrument;
	uint8_t to = world_roll(w, 3) ? book_state_trusted : (uint8_t)(1 + world_roll(w, 5));
	ev->book_state.before = m->state;
	ev->book_state.state = m->state = to;
	if (to == book_state_syncing || to == book_state_untrusted)
		m->has_book = false;
	if (to == book_state_trusted && m->has_book)
		m->updated_at = w->now;
}

static inline void world_trade(struct world *w, struct world_market *m, struct event *ev)
{
	event_init(ev, EVENT_trade);
	ev->trade.instrument = m->def.instrument;
	ev->trade.price_scale = m->def.price_scale;
	ev->trade.qty_scale = m->def.qty_scale;
	int32_t slot = m->touch + (int32_t)world_roll(w, 13) - 6;
	ev->trade.price = world_price(m, slot);
	ev->trade.qty = world_qty(w, m) * (1 + world_roll(w, 3));
	ev->trade.aggressor = (uint8_t)(1 + world_roll(w, 2));
	if (!w->coherent || world_roll(w, 3) == 0)
		return; /* of nothing that the book shows */
	if (m->shown.side != side_none) {
		ev->trade.price = world_price(m, m->shown.slot);
		ev->trade.qty = m->shown.qty;
		ev->trade.aggressor = m->shown.side == side_buy ? side_sell : side_buy;
		m->shown.side = side_none;
	} else if (slot >= 0 && slot < SLOTS) {
		uint8_t side = slot < m->touch ? side_buy : side_sell;
		ev->trade.aggressor = side == side_buy ? side_sell : side_buy;
		m->told = (struct world_news){slot, side, ev->trade.qty};
	}
}

/* A perpetual's mark price: near the touch, now and then far from it; the next funding is never far away. */
static inline void world_mark(struct world *w, struct world_market *m, struct event *ev)
{
	int64_t touch = world_price(m, m->touch), off = m->def.tick_size * 10;
	int64_t most = world_roll(w, 5) ? off : touch / (4 + world_roll(w, 16));
	event_init(ev, EVENT_mark);
	ev->mark.instrument = m->def.instrument;
	ev->mark.price_scale = (uint8_t)(m->def.price_scale + 1);
	ev->mark.cash_scale = 8;
	ev->mark.mark = 10 * (touch + world_roll(w, 2 * most + 1) - most) + world_roll(w, 10);
	ev->mark.funding_rate = world_roll(w, 200001) - 100000;
	ev->mark.funding_at = w->now - w->now % (20 * S) + 20 * S;
}

static inline void world_cancel(struct world *w, struct event *ev)
{
	uint64_t of = 1 + (uint64_t)world_roll(w, (int64_t)ev->intent.ordinal);
	ev->intent.kind = intent_kind_cancel;
	snprintf(ev->intent.client_order_id, EVENT_NAME_MAX, "%.8s%llu", ev->intent.strategy,
		 (unsigned long long)of);
}

static inline void world_spoil(struct world *w, struct event *ev)
{
	switch (world_roll(w, 6)) {
	case 0:
		ev->intent.qty = -ev->intent.qty;
		break;
	case 1:
		ev->intent.expires_at = w->now - 1;
		break;
	case 2:
		ev->intent.ordinal -= ev->intent.ordinal > 1;
		break;
	case 3:
		ev->intent.qty *= 1000;
		break;
	case 4:
		ev->intent.price += 1;
		break;
	default:
		ev->intent.tif = 0;
	}
}

/* An order that waits for a price near the touch, on either side of it. */
static inline void world_condition(struct world *w, struct world_market *m, struct ev_intent *in)
{
	in->type = (uint8_t)(order_type_stop_market + world_roll(w, 5));
	bool limited = in->type == order_type_stop_limit || in->type == order_type_take_profit_limit;
	in->price = limited ? world_price(m, m->touch + (int32_t)world_roll(w, 17) - 8) : 0;
	in->trigger_price = world_price(m, m->touch + (int32_t)world_roll(w, 9) - 4);
	in->trigger_by = (uint8_t)world_roll(w, m->def.kind == instrument_kind_perpetual ? 4 : 3);
	in->tif = limited ? in->tif : (uint8_t)tif_gtc;
	if (in->type != order_type_trailing_stop)
		return;
	in->trigger_price = world_roll(w, 2) ? 0 : in->trigger_price;
	if (world_roll(w, 2))
		in->trail = m->def.tick_size * (1 + world_roll(w, 4));
	else
		in->trail_bp = 1 + (uint32_t)world_roll(w, 30);
}

/* Further orders that come with it, under the next ordinals. */
static inline void world_link(struct world *w, struct world_market *m, struct ev_intent *in, uint64_t *ordinal)
{
	int64_t up = m->def.tick_size * (1 + world_roll(w, 5)), down = m->def.tick_size * (1 + world_roll(w, 5));
	int64_t sign = in->side == side_buy ? 1 : -1, from = in->price ? in->price : world_price(m, m->touch);
	bool oco = in->type == order_type_limit && in->tif == tif_gtc && world_roll(w, 2);
	if (oco) {
		in->link = order_link_oco;
		in->stop_price = from + sign * up;
	} else {
		in->link = order_link_bracket;
		in->target_price = world_roll(w, 4) ? from + sign * up : 0;
		in->stop_price = world_roll(w, 4) || !in->target_price ? from - sign * down : 0;
	}
	if (in->stop_price && world_roll(w, 3) == 0)
		in->stop_limit = in->stop_price + (oco ? sign : -sign) * m->def.tick_size;
	if (in->target_price)
		snprintf(in->target_id, EVENT_NAME_MAX, "%.8s%llu", in->strategy, (unsigned long long)++*ordinal);
	if (in->stop_price)
		snprintf(in->stop_id, EVENT_NAME_MAX, "%.8s%llu", in->strategy, (unsigned long long)++*ordinal);
}

/* Flags, dates, amounts, conditions and links: most of them go together, and some do not. */
static inline void world_dress(struct world *w, struct world_market *m, struct event *ev, uint64_t *ordinal)
{
	struct ev_intent *in = &ev->intent;
	if (world_roll(w, 3) == 0)
		world_condition(w, m, in);
	else if (world_roll(w, 3) == 0)
		world_link(w, m, in, ordinal);
	in->reduce_only = world_roll(w, 5) == 0;
	in->post_only = in->price && world_roll(w, 6) == 0;
	if (in->tif == tif_gtc && in->type != order_type_market && world_roll(w, 4) == 0) {
		in->tif = tif_gtd;
		in->good_until = w->now + world_roll(w, 5 * S);
	}
	if (in->type == order_type_market && in->side == side_buy && world_roll(w, 3) == 0) {
		in->qty = 0;
		in->amount = world_roll(w, 100000);
		in->cash_scale = 2;
	}
	if (world_roll(w, 10) == 0)
		snprintf(in->user_id, EVENT_NAME_MAX, "u%d", (int)world_roll(w, 5));
}

static inline void world_replace(struct world *w, struct world_market *m, struct event *ev)
{
	struct ev_intent *in = &ev->intent;
	world_cancel(w, ev);
	in->kind = intent_kind_replace;
	in->trigger_price = in->qty = in->price = 0;
	if (world_roll(w, 2))
		in->qty = world_qty(w, m);
	if (world_roll(w, 2))
		in->price = world_price(m, m->touch + (int32_t)world_roll(w, 17) - 8);
	if (world_roll(w, 4) == 0)
		in->trigger_price = world_price(m, m->touch + (int32_t)world_roll(w, 17) - 8);
}

static inline void world_intent(struct world *w, struct world_market *m, struct event *ev)
{
	static const char *const names[] = {"a", "b", "c"};
	int64_t who = world_roll(w, 3);
	event_init(ev, EVENT_intent);
	ev->epoch = 1;
	struct ev_intent *in = &ev->intent;
	in->kind = intent_kind_order;
	event_set_name(in->account, "paper");
	event_set_name(in->strategy, names[who]);
	in->ordinal = ++w->ordinal[who];
	snprintf(in->client_order_id, EVENT_NAME_MAX, "%s%llu", names[who],
		 (unsigned long long)in->ordinal);
	in->instrument = m->def.instrument;
	in->side = (uint8_t)(1 + world_roll(w, 2));
	in->type = (uint8_t)(1 + world_roll(w, 2));
	in->tif = (uint8_t)(1 + world_roll(w, 3));
	in->price_scale = m->def.price_scale;
	in->qty_scale = m->def.qty_scale;
	in->qty = world_qty(w, m) * (1 + world_roll(w, 4));
	if (in->type == order_type_limit)
		in->price = world_price(m, m->touch + (int32_t)world_roll(w, 17) - 8);
	in->expires_at = w->now + 2 * S;
	if (world_roll(w, 6) == 0)
		world_cancel(w, ev);
	else if (world_roll(w, 6) == 0)
		world_replace(w, m, ev);
	else if (world_roll(w, 80) == 0) {
		in->kind = intent_kind_cancel_all;
		in->scope = (uint8_t)(1 + world_roll(w, 2));
	} else if (world_roll(w, 2) == 0)
		world_dress(w, m, ev, &w->ordinal[who]);
	else if (world_roll(w, 8) == 0)
		world_spoil(w, ev);
}

static inline void world_command(struct world *w, struct event *ev)
{
	event_init(ev, EVENT_command);
	event_set_name(ev->command.owner, "ann");
	switch (world_roll(w, 6)) {
	case 0:
		ev->command.verb = verb_pause;
		ev->command.until = w->now + world_roll(w, 20 * S);
		break;
	case 1:
		ev->command.verb = verb_safe;
		event_set_name(ev->command.target, "disk");
		event_set_text(ev->command.reason, "full");
		break;
	case 2:
		ev->command.verb = verb_resume;
		break;
	case 3:
		ev->command.verb = verb_flatten;
		ev->command.until = w->now + world_roll(w, 10 * S);
		break;
	default:
		ev->command.verb = verb_safe;
		event_set_name(ev->command.target, "disk");
	}
}

/* Time first: what a core's timers do until then, they do to the world as it was. */
static inline void world_tick(struct world *w)
{
	w->now += 1 + (world_roll(w, 200) ? world_roll(w, 300 * MS) : world_roll(w, 12 * S));
}

static inline void world_happens(struct world *w, struct event *ev)
{
	struct world_market *m = &w->m[world_roll(w, WORLD_MARKETS)];
	int64_t what = world_roll(w, 1000);
	w->about = m;
	if (what < 5)
		world_instrument(w, m, ev);
	else if (what < 25)
		world_snapshot(w, m, ev);
	else if (what < 65)
		world_state(w, m, ev);
	else if (what < 400)
		world_delta(w, m, ev);
	else if (what < 500 && m->def.kind == instrument_kind_perpetual)
		world_mark(w, m, ev);
	else if (what < 600 || (what < 850 && m->shown.side != side_none)) /* soon told */
		world_trade(w, m, ev);
	else if (what < 990)
		world_intent(w, m, ev);
	else
		world_command(w, ev);
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = w->now;
	snprintf(ev->source, sizeof(ev->source), "world");
}

static inline void world_next(struct world *w, struct event *ev)
{
	world_tick(w);
	world_happens(w, ev);
}

#endif
