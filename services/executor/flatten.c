/* flatten - closes every position of the account by market orders of the executor's own.
 *
 *           flatten_begin (command)
 *     IDLE ------------------------> CLOSING ---+
 *       ^                              |  ^     | flatten_due: a try; the next one RETRY_NS later
 *       |                              |  +-----+
 *       +------------------------------+ nothing left to close, or the time is over
 *
 * The command cancels what rests (core.c). The orders go out one order latency later, as a strategy's would, and take
 * the normal path: filters, book, depth, balance. Each closes one strategy's holding in one instrument and bears that
 * strategy's name, so that its position follows; purchases go first, because what they bring in others may have to
 * sell. What a book that cannot be used now, or is not deep enough, keeps from closing is tried again; what no order
 * can close (dust below the lot or the minimum notional) is left. No more than ORDERS_A_STEP go out at once, and
 * steps are STEP_NS apart: what one step says must fit into the journal's burst. The state of trading does not matter,
 * except that safe mode has no orders at all (they wait for its end), and that the kill switch ends a flatten.
 *
 * Its orders have no intent (ordinal 0); their ids are those of a strategy "executor/flatten", a name that no seat
 * can have.
 */
#include <string.h>

#include "proto/order_id.h"
#include "services/executor/executor.h"

#define SECOND INT64_C(1000000000)
#define RETRY_NS SECOND
#define STEP_NS (SECOND / 1000)
#define LASTS_NS (60 * SECOND) /* where the command names no end */

enum { ORDERS_A_STEP = 8 };

static const char ids_of[] = "executor/flatten", nobody[] = "executor";

void flatten_begin(struct executor *x, int64_t now, const struct ev_command *c)
{
	struct flatten *f = &x->flatten;
	holdings_complete(&x->holdings, &x->markets, nobody);
	f->until = c->until > now ? c->until : now + LASTS_NS;
	f->next = now + x->settings.order_latency_ns;
	for (uint32_t i = 0; i < x->holdings.n; i++) {
		struct holding *h = &x->holdings.at[i];
		uint64_t key = flight_key(x, ids_of, f->ordinal + i + 1);
		h->closing = h->qty;
		h->try_at = now + flight_way(x, &h->market->def.instrument, key);
		f->next = i == 0 || h->try_at < f->next ? h->try_at : f->next;
	}
	x->counters.closing = holdings_closing(&x->holdings);
}

void flatten_stop(struct executor *x)
{
	for (uint32_t i = 0; i < x->holdings.n; i++)
		x->holdings.at[i].closing = x->holdings.at[i].try_at = 0;
	x->counters.closing = 0;
	x->flatten.next = 0;
}

int64_t flatten_due(const struct executor *x)
{
	return x->flatten.next != 0 ? x->flatten.next : CORE_NEVER;
}

/* What one order may close of it, at the instrument's scale; 0 where none can. */
static int64_t order_qty(const struct holding *h)
{
	const struct ev_instrument *d = &h->market->def;
	int64_t amount = h->closing < 0 ? -h->closing : h->closing;
	int64_t qty = amount / fixed_pow10(CASH_SCALE - d->qty_scale);
	if (d->market_qty_max > 0 && qty > d->market_qty_max)
		qty = d->market_qty_max;
	if (d->qty_max > 0 && qty > d->qty_max)
		qty = d->qty_max;
	qty = market_whole_lots(h->market, qty, true);
	return qty >= d->qty_min && qty >= d->market_qty_min ? qty : 0;
}

static struct event intent_of(const struct step *s, const struct holding *h)
{
	struct executor *x = s->x;
	struct order_id_parts id = {x->account.name, ids_of, x->run_id, ++x->flatten.ordinal};
	struct event ev;
	event_init(&ev, EVENT_intent);
	ev.origin = x->origin;
	ev.ts_event = ev.ts_recv = s->now;
	ev.intent.kind = intent_kind_order;
	event_set_name(ev.intent.account, x->account.name);
	event_set_name(ev.intent.strategy, h->strategy);
	order_id(&id, ev.intent.client_order_id);
	ev.intent.instrument = h->market->def.instrument;
	ev.intent.side = h->closing > 0 ? side_sell : side_buy;
	ev.intent.type = order_type_market;
	ev.intent.tif = tif_ioc;
	ev.intent.price_scale = h->market->def.price_scale;
	ev.intent.qty_scale = h->market->def.qty_scale;
	ev.intent.qty = order_qty(h);
	return ev;
}

/* Why no order is sent now that may do later. */
static enum reject obstacle(const struct step *s, const struct market *m)
{
	const struct executor *x = s->x;
	if (mode_state(&x->mode) == trading_safe)
		return reject_safe;
	if (m->foreign)
		return reject_origin;
	return m->def.trading ? market_usable(m, s->now, x->settings.stale_ns) : reject_not_trading;
}

static void give_up(const struct step *s, struct holding *h)
{
	h->closing = h->try_at = 0;
	s->x->counters.flatten_left++;
}

static bool is_for_later(enum reject reject)
{
	return reject == reject_none || reject == reject_depth || reject == reject_balance;
}

/* The row may be gone afterwards; those before it have not moved. Returns whether something was said. */
static bool try_one(const struct step *s, uint32_t i, bool last)
{
	struct executor *x = s->x;
	struct holding *h = &x->holdings.at[i];
	h->try_at = s->now + RETRY_NS;
	if (order_qty(h) == 0) {
		give_up(s, h);
		return false;
	}
	enum reject reject = obstacle(s, h->market);
	if (reject != reject_none && !last)
		return false;
	struct event ev = intent_of(s, h);
	uint32_t n = x->holdings.n;
	if (reject == reject_none)
		reject = intake_own(s, &ev, h->market);
	if (reject != reject_none)
		report_refusal(s, &ev, reject);
	bool there = x->holdings.n == n && h->closing != 0;
	if (there && (last || !is_for_later(reject)))
		give_up(s, h);
	return true;
}

/* At most `most` orders; returns how many are left of that. */
static uint32_t try_side(const struct step *s, enum side side, uint32_t most)
{
	const struct holdings *hs = &s->x->holdings;
	bool last = s->now + RETRY_NS > s->x->flatten.until;
	for (uint32_t i = hs->n; i-- > 0 && most > 0;) {
		const struct holding *h = &hs->at[i];
		if (h->closing != 0 && h->try_at <= s->now && (h->closing > 0) == (side == side_sell))
			most -= try_one(s, i, last);
	}
	return most;
}

/* When the next order may go out; 0: there is nothing to close. */
static int64_t next_try(const struct holdings *hs, int64_t now)
{
	int64_t at = 0;
	for (uint32_t i = 0; i < hs->n; i++)
		if (hs->at[i].closing != 0 && (at == 0 || hs->at[i].try_at < at))
			at = hs->at[i].try_at;
	return at != 0 && at < now + STEP_NS ? now + STEP_NS : at;
}

void flatten_on_timer(const struct step *s)
{
	struct executor *x = s->x;
	try_side(s, side_sell, try_side(s, side_buy, ORDERS_A_STEP));
	x->counters.closing = holdings_closing(&x->holdings);
	x->flatten.next = next_try(&x->holdings, s->now);
}

void flatten_save(const struct executor *x, struct packer *p)
{
	pack_i64(p, x->flatten.next);
	pack_i64(p, x->flatten.until);
	pack_u64(p, x->flatten.ordinal);
}

int flatten_load(struct executor *x, struct unpacker *u)
{
	x->flatten.next = unpack_i64(u);
	x->flatten.until = unpack_i64(u);
	x->flatten.ordinal = unpack_u64(u);
	x->counters.closing = holdings_closing(&x->holdings);
	return u->err;
}
