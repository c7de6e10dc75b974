/* desk - see desk.h. */
#include "tools/venue_sim/desk.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"

#define FEE_PARTS 1000 /* one of so many */

static const struct desk_refusal no_balance = {-2010, "Account has insufficient balance for requested action."},
				 would_match = {-2010, "Order would immediately match and take."},
				 would_trigger = {-2010, "Order would trigger immediately."},
				 duplicate = {-2010, "Duplicate order sent."},
				 too_large = {-1013, "Filter failure: LOT_SIZE"},
				 too_many = {-1015, "Too many new orders."};

int desk_open(struct desk *d, struct wallet *w, const struct desk_handler *h, void *ctx)
{
	*d = (struct desk){.wallet = w, .h = h, .ctx = ctx};
	d->order = calloc(DESK_ORDERS_MAX, sizeof(*d->order));
	d->trade = calloc(DESK_TRADES_MAX, sizeof(*d->trade));
	return d->order != NULL && d->trade != NULL ? 0 : ERR_NOMEM;
}

void desk_close(struct desk *d)
{
	free(d->order);
	free(d->trade);
	*d = (struct desk){0};
}

/* ---- money ---- */

/* Price times quantity, at DESK_DIGITS; what does not fit is more than anybody has. */
static int64_t cost_of(const struct desk_order *o, int64_t price, int64_t qty)
{
	int64_t value;

	return fixed_mul(price, o->about->price_scale, qty, o->about->qty_scale, DESK_DIGITS, &value) == 0 ? value
													   : INT64_MAX;
}

static int64_t at_digits(const struct desk_order *o, int64_t qty)
{
	int64_t value;

	return fixed_round(qty, o->about->qty_scale, DESK_DIGITS, &value) == 0 ? value : INT64_MAX;
}

static const char *pays_with(const struct desk_order *o)
{
	return o->sell ? o->base : o->quote;
}

/* What must be set aside while so much of it is open. */
static int64_t hold_of(const struct desk_order *o, int64_t rest)
{
	if (rest == 0 || (o->working && !desk_has_limit(o)))
		return 0;
	return o->sell ? at_digits(o, rest) : cost_of(o, desk_has_limit(o) ? o->price : o->stop, rest);
}

static void move(struct desk *d, const char *asset, int64_t free_by, int64_t locked_by, int64_t now_ms)
{
	const struct wallet_asset *a;

	if ((free_by != 0 || locked_by != 0) && wallet_move(d->wallet, asset, free_by, locked_by, now_ms, &a) == 0)
		d->h->moved(d->ctx, a, now_ms);
}

/* Sets `held` aside instead of what was, and pays. */
static void hold(struct desk *d, struct desk_order *o, int64_t held, int64_t pays, int64_t now_ms)
{
	int64_t released = o->held - held;

	o->held = held;
	move(d, pays_with(o), released - pays, -released, now_ms);
}

/* ---- ends ---- */

static int64_t rest_of(const struct desk_order *o)
{
	return o->qty - o->filled;
}

static void end(struct desk *d, struct desk_order *o, enum desk_status status, int64_t now_ms)
{
	o->status = status;
	o->working = false;
	o->changed_ms = now_ms;
	d->h->report(d->ctx, o, NULL, status == DESK_CANCELED ? DESK_TELL_CANCELED : DESK_TELL_EXPIRED);
	hold(d, o, 0, 0, now_ms);
}

void desk_cancel(struct desk *d, struct desk_order *o, const char *cancel_id, int64_t now_ms)
{
	snprintf(o->cancel_id, sizeof(o->cancel_id), "%s", cancel_id);
	end(d, o, DESK_CANCELED, now_ms);
}

void desk_expire(struct desk *d, struct desk_order *o, const char *why, int64_t now_ms)
{
	o->why = why;
	end(d, o, DESK_EXPIRED, now_ms);
}

/* ---- fills ---- */

struct deal {
	int64_t price, qty;
	bool maker;
};

static struct desk_trade *note_trade(struct desk *d, const struct desk_order *o, const struct deal *deal,
				     int64_t received, int64_t now_ms)
{
	struct desk_trade *t = &d->trade[++d->trades % DESK_TRADES_MAX];

	*t = (struct desk_trade){.order = o->id,
				 .id = d->trades,
				 .about = o->about,
				 .price = deal->price,
				 .qty = deal->qty,
				 .fee = received / FEE_PARTS,
				 .maker = deal->maker,
				 .bought = !o->sell,
				 .at_ms = now_ms};
	memcpy(t->fee_asset, o->sell ? o->quote : o->base, sizeof(t->fee_asset));
	return t;
}

static void fill(struct desk *d, struct desk_order *o, const struct deal *deal, int64_t now_ms)
{
	int64_t cost = cost_of(o, deal->price, deal->qty), qty = at_digits(o, deal->qty);
	int64_t received = o->sell ? cost : qty;
	const struct desk_trade *t = note_trade(d, o, deal, received, now_ms);

	o->filled += deal->qty;
	o->spent += cost;
	o->status = rest_of(o) == 0 ? DESK_FILLED : DESK_PARTIAL;
	o->working = rest_of(o) > 0;
	o->changed_ms = now_ms;
	d->h->report(d->ctx, o, t, DESK_TELL_TRADE);
	hold(d, o, hold_of(o, rest_of(o)), o->sell ? qty : cost, now_ms);
	move(d, t->fee_asset, received - t->fee, 0, now_ms);
}

void desk_fill(struct desk *d, struct desk_order *o, int64_t qty, int64_t now_ms)
{
	int64_t most = rest_of(o) < qty ? rest_of(o) : qty;

	if (desk_is_open(o) && most > 0)
		fill(d, o, &(struct deal){desk_has_limit(o) ? o->price : o->stop, most, true}, now_ms);
}

/* ---- the book ---- */

static bool reaches(const struct desk_order *o, int64_t price)
{
	return !desk_has_limit(o) || (o->sell ? price >= o->price : price <= o->price);
}

static enum fold_side_name against(const struct desk_order *o)
{
	return o->sell ? FOLD_BID : FOLD_ASK;
}

static const struct quote *level_of(const struct desk_order *o, const struct fold_symbol *s, uint32_t i)
{
	if (s == NULL || !s->book.valid || i >= s->book.side[against(o)].n)
		return NULL;
	const struct quote *q = fold_book_at(&s->book, against(o), i);
	return reaches(o, q->price) ? q : NULL;
}

static bool crosses(const struct desk_order *o, const struct fold_symbol *s)
{
	return level_of(o, s, 0) != NULL;
}

/* How much the book offers within its limit, no more than `most`; what that costs. */
static int64_t offered(const struct desk_order *o, const struct fold_symbol *s, int64_t most, int64_t *ret_cost)
{
	const struct quote *q;
	int64_t qty = 0;

	*ret_cost = 0;
	for (uint32_t i = 0; qty < most && (q = level_of(o, s, i)) != NULL; i++) {
		int64_t one = q->qty < most - qty ? q->qty : most - qty, cost = cost_of(o, q->price, one);
		qty += one;
		if (__builtin_add_overflow(*ret_cost, cost, ret_cost))
			*ret_cost = INT64_MAX;
	}
	return qty;
}

/* The quantity that an amount of the quote asset buys, or sells for. */
static int64_t qty_for(const struct desk_order *o, const struct fold_symbol *s)
{
	int64_t left = o->amount, qty = 0, one, cost;
	const struct quote *q;

	for (uint32_t i = 0; (q = level_of(o, s, i)) != NULL; i++) {
		cost = cost_of(o, q->price, q->qty);
		if (cost < left) {
			left -= cost;
			qty += q->qty;
			continue;
		}
		if (fixed_div(left, DESK_DIGITS, q->price, o->about->price_scale, o->about->qty_scale, &one) != 0)
			break;
		while (one > 0 && cost_of(o, q->price, one) > left)
			one--;
		return qty + one;
	}
	return qty;
}

static void take(struct desk *d, struct desk_order *o, const struct fold_symbol *s, int64_t now_ms)
{
	const struct quote *q;
	int64_t cost;

	if (o->tif == DESK_FOK && offered(o, s, rest_of(o), &cost) < rest_of(o)) {
		desk_expire(d, o, "UNFILLED_FOK_ORDER_EXPIRED", now_ms);
		return;
	}
	for (uint32_t i = 0; rest_of(o) > 0 && (q = level_of(o, s, i)) != NULL; i++)
		fill(d, o, &(struct deal){q->price, q->qty < rest_of(o) ? q->qty : rest_of(o), false}, now_ms);
	if (rest_of(o) == 0)
		return;
	if (!desk_has_limit(o))
		desk_expire(d, o, "INSUFFICIENT_LIQUIDITY", now_ms);
	else if (o->tif == DESK_IOC)
		desk_expire(d, o, "UNFILLED_IOC_QUANTITY_EXPIRED", now_ms);
}

/* ---- triggers ---- */

static bool rises_to_stop(const struct desk_order *o)
{
	bool stop = o->type == DESK_STOP || o->type == DESK_STOP_LIMIT;

	return o->sell != stop;
}

static bool at_stop(const struct desk_order *o, int64_t price)
{
	return rises_to_stop(o) ? price >= o->stop : price <= o->stop;
}

/* A trade at this price: does it trigger? */
static bool triggers(struct desk_order *o, int64_t price)
{
	if (o->trail_bp == 0)
		return at_stop(o, price);
	if (o->best == 0) {
		o->best = o->stop == 0 || at_stop(o, price) ? price : 0;
		return false;
	}
	if (o->sell ? price > o->best : price < o->best)
		o->best = price;
	fixed_wide turn = (fixed_wide)o->best * (o->sell ? 10000 - o->trail_bp : 10000 + o->trail_bp);
	return o->sell ? (fixed_wide)price * 10000 <= turn : (fixed_wide)price * 10000 >= turn;
}

/* ---- placing ---- */

static struct desk_order *room(struct desk *d)
{
	struct desk_order *oldest = NULL;

	if (d->n < DESK_ORDERS_MAX)
		return &d->order[d->n++];
	for (uint32_t i = 0; i < d->n; i++)
		if (!desk_is_open(&d->order[i]) && (oldest == NULL || d->order[i].id < oldest->id))
			oldest = &d->order[i];
	return oldest;
}

static int64_t last_price(const struct fold_symbol *s)
{
	return s != NULL && s->trades > 0 ? s->trade[s->trade_at].price : 0;
}

/* Can it be paid at once, or set aside? */
static bool is_covered(const struct desk *d, const struct desk_order *o, const struct fold_symbol *s)
{
	int64_t cost, needs = hold_of(o, o->qty);

	if (o->working && !desk_has_limit(o)) {
		(void)offered(o, s, o->qty, &cost);
		needs = o->sell ? at_digits(o, o->qty) : cost;
	}
	return wallet_free(d->wallet, pays_with(o)) >= needs;
}

static const struct desk_refusal *judge(const struct desk *d, const struct desk_order *o, const struct fold_symbol *s)
{
	const struct desk_order *same = desk_find(d, text_of(o->about->name), 0, o->client_id);
	int64_t last = last_price(s);

	if (same != NULL && desk_is_open(same))
		return &duplicate;
	if (hold_of(o, o->qty) == INT64_MAX)
		return &too_large;
	if (o->type == DESK_LIMIT_MAKER && crosses(o, s))
		return &would_match;
	if (desk_is_conditional(o) && o->trail_bp == 0 && last > 0 && at_stop(o, last))
		return &would_trigger;
	return is_covered(d, o, s) ? NULL : &no_balance;
}

const struct desk_refusal *desk_place(struct desk *d, const struct fold_symbol *s, const struct desk_order *wanted,
				      struct desk_order **ret_order)
{
	struct desk_order o = *wanted, *at;

	if (o.amount > 0)
		o.qty = qty_for(&o, s);
	o.working = !desk_is_conditional(&o);
	const struct desk_refusal *no = judge(d, &o, s);
	if (no != NULL)
		return no;
	at = room(d);
	if (at == NULL)
		return &too_many;
	o.id = ++d->orders;
	o.status = DESK_NEW;
	o.changed_ms = o.at_ms;
	o.working_ms = o.working ? o.at_ms : 0;
	*at = o;
	d->h->report(d->ctx, at, NULL, DESK_TELL_NEW);
	hold(d, at, hold_of(at, at->qty), 0, at->at_ms);
	if (at->amount > 0 && at->qty == 0)
		desk_expire(d, at, "INSUFFICIENT_LIQUIDITY", at->at_ms);
	else if (at->working)
		take(d, at, s, at->at_ms);
	*ret_order = at;
	return NULL;
}

/* ---- what the market does ---- */

static void wake(struct desk *d, struct desk_order *o, const struct fold_symbol *s, int64_t now_ms)
{
	o->working = true;
	o->working_ms = o->changed_ms = now_ms;
	d->h->report(d->ctx, o, NULL, DESK_TELL_NEW);
	if (!desk_has_limit(o))
		hold(d, o, 0, 0, now_ms); /* it pays what the book asks for */
	if (desk_has_limit(o) || is_covered(d, o, s))
		take(d, o, s, now_ms);
	else
		desk_expire(d, o, "REJECTED", now_ms);
}

static void rest_in(struct desk *d, struct desk_order *o, const struct fold_symbol *s, const struct fold_trade *t,
		    int64_t now_ms)
{
	int64_t cost, qty = offered(o, s, rest_of(o), &cost);

	if (t != NULL && t->taker_sold != o->sell && reaches(o, t->price) && t->qty > qty)
		qty = t->qty < rest_of(o) ? t->qty : rest_of(o);
	if (qty > 0)
		fill(d, o, &(struct deal){o->price, qty, true}, now_ms);
}

void desk_market(struct desk *d, const struct fold_symbol *s, const struct fold_trade *t, int64_t now_ms)
{
	for (uint32_t i = 0; i < d->n; i++) {
		struct desk_order *o = &d->order[i];
		if (!desk_is_open(o) || o->about != s->about)
			continue;
		if (o->working)
			rest_in(d, o, s, t, now_ms);
		else if (t != NULL && triggers(o, t->price))
			wake(d, o, s, now_ms);
	}
}

struct desk_order *desk_find(const struct desk *d, struct text symbol, uint64_t id, const char *client_id)
{
	struct desk_order *best = NULL;

	for (uint32_t i = 0; i < d->n; i++) {
		struct desk_order *o = &d->order[i];
		if ((id != 0 && o->id != id) || !text_is(symbol, o->about->name) ||
		    (client_id[0] != '\0' && strcmp(o->client_id, client_id) != 0))
			continue;
		if (best == NULL || desk_is_open(o) || (!desk_is_open(best) && o->id > best->id))
			best = o;
	}
	return best;
}
