/* remote - see remote.h. */
#include "services/executor/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/executor.h"

_Static_assert(REMOTE_ASSETS_MAX == ACCOUNT_ASSETS_MAX, "a flag for each asset of the account");

int remote_init(struct executor *x)
{
	if (!x->settings.remote)
		return 0;
	x->remote.trade = calloc(REMOTE_TRADES_MAX, sizeof(*x->remote.trade));
	return x->remote.trade ? 0 : ERR_NOMEM;
}

void remote_fini(struct executor *x)
{
	free(x->remote.trade);
	x->remote = (struct remote){0};
}

/* ---- which trades were booked ---- */

static bool booked(const struct remote *r, const char *order, const char *id)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (strcmp(r->trade[i].id, id) == 0 && strcmp(r->trade[i].order, order) == 0)
			return true;
	return false;
}

/* The next place whose order has ended; NULL where all are of open orders. */
static struct remote_trade *place_for(struct remote *r)
{
	if (r->n < REMOTE_TRADES_MAX)
		return &r->trade[r->n++];
	for (uint32_t k = 0; k < REMOTE_TRADES_MAX; k++) {
		struct remote_trade *t = &r->trade[r->next];
		r->next = (r->next + 1) % REMOTE_TRADES_MAX;
		if (!t->open)
			return t;
	}
	return NULL;
}

static bool remember(struct remote *r, const char *order, const char *id, bool open)
{
	struct remote_trade *t = place_for(r);
	if (!t)
		return false;
	event_set_name(t->order, order);
	event_set_name(t->id, id);
	t->open = open;
	return true;
}

static void forget_later(struct remote *r, const char *order)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->trade[i].open && strcmp(r->trade[i].order, order) == 0)
			r->trade[i].open = false;
}

/* ---- what cannot be ---- */

static void raise(const struct step *s, const char *cause, const char *why)
{
	struct mode *m = &s->x->mode;
	struct ev_command c = {.verb = verb_safe};
	enum trading before = mode_state(m);
	event_set_name(c.target, cause);
	event_set_name(c.owner, "executor");
	event_set_text(c.reason, why);
	if (mode_raise(m, &c))
		report_trading(s, before);
}

/* What the account is worth is not guessed at: people look first. */
static void quarantine(const struct step *s, const struct ev_venue_report *r, const char *why)
{
	char text[EVENT_TEXT_MAX];
	s->x->counters.remote_quarantined++;
	snprintf(text, sizeof(text), "Trade %.20s of order %.36s (%.30s) was not booked: %.70s.", r->trade_id,
		 r->client_order_id[0] ? r->client_order_id : r->venue_order_id, r->instrument.s, why);
	raise(s, REMOTE_CAUSE, text);
}

static void quarantine_end(const struct step *s, const struct ev_venue_report *r, const char *why)
{
	char text[EVENT_TEXT_MAX];
	s->x->counters.remote_quarantined++;
	snprintf(text, sizeof(text), "Order %.36s (%.30s) ended with %" PRId64 " filled (%u decimals): %.70s.",
		 r->client_order_id, r->instrument.s, r->qty, (unsigned)r->qty_scale, why);
	raise(s, REMOTE_CAUSE, text);
}

static void quarantine_funds(const struct step *s, const struct ev_venue_report *r, const char *why)
{
	char text[EVENT_TEXT_MAX];
	s->x->counters.remote_quarantined++;
	snprintf(text, sizeof(text),
		 "The venue's balance of %.20s (%" PRId64 " at %u decimals) was not taken over: %.70s.",
		 r->asset, r->amount, (unsigned)r->cash_scale, why);
	raise(s, REMOTE_CAUSE, text);
}

/* ---- to the venue ---- */

enum reject remote_check(const struct executor *x, const struct order *o)
{
	uint8_t kind = o->market->def.kind;
	bool spot = kind == instrument_kind_spot || kind == instrument_kind_none;
	const char *venue = x->settings.venue;
	bool there = !venue[0] || strcmp(symbol_venue(&o->market->def.instrument), venue) == 0;
	return !x->settings.remote || (spot && there && o->link == order_link_none) ? reject_none : reject_not_live;
}

void remote_submit(const struct step *s, struct order *o)
{
	struct executor *x = s->x;
	o->stage = stage_remote;
	o->status = order_status_pending;
	x->remote.changes++;
	o->remote = (struct order_remote){.pass = risk_take_pass(x, o)};
	report_order(s, o, reject_none, "");
	report_balance(s, fills_locked_asset(x, o));
	must(orders_insert(&x->orders, o) == 0);
}

void remote_cancel(const struct step *s, struct order *o, enum reject why, bool expires)
{
	if (o->remote.cancel || o->remote.ended != order_status_none)
		return;
	s->x->remote.changes++;
	o->remote.cancel = true;
	o->remote.why = (uint8_t)why;
	o->remote.expires = expires;
	report_order(s, o, reject_none, "The venue is asked to cancel it.");
}

/* ---- from the venue ---- */

/* It leaves the table. */
static void leave(const struct step *s, struct order *o, enum order_status status, enum reject reject,
		  const char *words)
{
	struct executor *x = s->x;
	struct order gone = *o;
	orders_remove(&x->orders, (uint32_t)(o - x->orders.at));
	forget_later(&x->remote, gone.client_order_id);
	gone.status = (uint8_t)status;
	x->counters.cancelled += status == order_status_cancelled;
	x->counters.expired += status == order_status_expired;
	x->counters.rejected += status == order_status_rejected;
	fills_unlock(x, &gone);
	report_order(s, &gone, reject, words);
	report_balance(s, fills_locked_asset(x, &gone));
}

/* As it ended, in our words where the end was our wish. */
static void finish(const struct step *s, struct order *o, const char *words)
{
	bool ours = o->remote.cancel && o->remote.ended == order_status_cancelled;
	if (o->filled >= o->qty)
		leave(s, o, order_status_filled, reject_none, "");
	else if (ours && o->remote.expires)
		leave(s, o, order_status_expired, reject_none, "Its time ran out.");
	else if (ours)
		leave(s, o, order_status_cancelled, o->remote.why, report_reject_text(o->remote.why));
	else if (o->remote.ended == order_status_rejected && o->filled == 0)
		leave(s, o, order_status_rejected, reject_venue, words);
	else if (o->remote.ended == order_status_expired)
		leave(s, o, order_status_expired, reject_none, words);
	else
		leave(s, o, order_status_cancelled, reject_none, words);
}

/* What is quarantined does not come any more. */
static void finish_if_complete(const struct step *s, struct order *o, const char *words)
{
	bool all = o->filled + o->remote.quarantined >= o->remote.total;
	if (o->filled >= o->qty || (o->remote.ended != order_status_none && all))
		finish(s, o, o->remote.quarantined > 0 ? "What else it traded was not booked." : words);
}

static void on_accepted(const struct step *s, struct order *o, const struct ev_venue_report *r)
{
	if (r->venue_order_id[0])
		event_set_name(o->remote.venue_id, r->venue_order_id);
	if (o->status != order_status_pending)
		return;
	s->x->counters.orders++;
	o->status = order_status_open;
	report_order(s, o, reject_none, "");
}

/* A limit order keeps what its rest may cost; one at market what is left of the whole. */
static void release(struct executor *x, struct order *o)
{
	int64_t keep = 0;
	if (order_limited(o) && fills_reserve(o, order_rest(o), &keep) == 0)
		fills_release(x, o, keep);
}

static const char *why_not(const struct order *o, const struct ev_venue_report *r)
{
	int64_t qty = 0, price = 0;
	const struct ev_instrument *d = &o->market->def;
	if (fixed_rescale(r->qty, r->qty_scale, d->qty_scale, &qty) != 0 ||
	    fixed_rescale(r->price, r->price_scale, d->price_scale, &price) != 0 || qty <= 0 || price <= 0 ||
	    price > ORDERS_PRICE_MAX)
		return "price or quantity do not fit the instrument";
	if (r->side != o->side || !symbol_equal(&r->instrument, &d->instrument))
		return "it is of another side or instrument than its order";
	if (qty > order_rest(o))
		return "it is more than the order has left";
	return NULL;
}

/* The order goes on without this trade, which counts once as well: it is remembered. */
static void leave_out(const struct step *s, struct order *o, const struct ev_venue_report *r, const char *why)
{
	int64_t qty = 0, rest = order_rest(o) - o->remote.quarantined;
	quarantine(s, r, why);
	if (fixed_rescale(r->qty, r->qty_scale, o->market->def.qty_scale, &qty) != 0 || qty > rest)
		qty = rest;
	o->remote.quarantined += qty > 0 ? qty : 0;
	finish_if_complete(s, o, r->words);
}

static void on_trade(const struct step *s, struct order *o, const struct ev_venue_report *r)
{
	struct executor *x = s->x;
	const char *wrong = why_not(o, r);
	if (!remember(&x->remote, o->client_order_id, r->trade_id, true)) {
		/* asked for again, when there is room */
		quarantine(s, r, "more trades are open than can be told apart");
		return;
	}
	if (!wrong && remote_book(s, o, r) != 0)
		wrong = "the account does not have what it cost";
	if (wrong) {
		leave_out(s, o, r, wrong);
		return;
	}
	if (o->status == order_status_pending)
		x->counters.orders++;
	o->status = order_rest(o) == 0 ? order_status_filled : order_status_partial;
	if (order_rest(o) > 0) {
		release(x, o);
		report_order(s, o, reject_none, "");
	}
	report_holdings(s, o->market);
	finish_if_complete(s, o, r->words);
}

static void on_ended(const struct step *s, struct order *o, const struct ev_venue_report *r)
{
	int64_t total;
	int rc = fixed_rescale(r->qty, r->qty_scale, o->market->def.qty_scale, &total);
	if (rc != 0 || total < 0 || total > o->qty) {
		quarantine_end(s, r, "that does not fit the order");
		total = o->filled; /* no trade of it can tell more */
	} else if (o->filled > total) {
		quarantine_end(s, r, "more of it is booked than the venue has filled");
	}
	o->remote.total = total;
	o->remote.ended = r->status != order_status_none ? r->status : (uint8_t)order_status_cancelled;
	finish_if_complete(s, o, r->words);
}

static void on_order(const struct step *s, struct order *o, const struct ev_venue_report *r)
{
	switch (r->says) {
	case venue_says_accepted:
		on_accepted(s, o, r);
		break;
	case venue_says_trade:
		on_trade(s, o, r);
		break;
	case venue_says_ended:
		on_ended(s, o, r);
		break;
	case venue_says_rejected:
		leave(s, o, order_status_rejected, reject_venue, r->words);
		break;
	default:
		leave(s, o, order_status_cancelled, o->remote.cancel ? o->remote.why : reject_not_sent, r->words);
	}
}

static void on_unknown_order(const struct step *s, const struct ev_venue_report *r)
{
	if (r->says == venue_says_trade)
		quarantine(s, r, "its order is unknown, or has ended");
}

static void on_funds(const struct step *s, const struct ev_venue_report *r)
{
	int64_t amount;
	const struct asset *a = account_find(&s->x->account, r->asset);
	if (!a || s->x->remote.adopted[a - s->x->account.asset])
		return;
	if (fixed_rescale(r->amount, r->cash_scale, CASH_SCALE, &amount) != 0)
		quarantine_funds(s, r, "it does not fit 8 decimals");
	else if (remote_fund(s, r->asset, amount) != 0)
		quarantine_funds(s, r, "it is less than orders lock of it");
}

/* From here on they are ours. */
static void know_balances(struct executor *x)
{
	for (uint32_t i = 0; i < x->account.n; i++)
		x->remote.adopted[i] = true;
}

static void on_ready(const struct step *s)
{
	enum trading before = mode_state(&s->x->mode);
	if (mode_clear(&s->x->mode, REMOTE_UNREADY))
		report_trading(s, before);
}

/* What is about the account; false: it is about an order. */
static bool on_account(const struct step *s, const struct ev_venue_report *r)
{
	switch (r->says) {
	case venue_says_funds:
		on_funds(s, r);
		return true;
	case venue_says_agreed:
		know_balances(s->x);
		return true;
	case venue_says_unready:
		raise(s, REMOTE_UNREADY, r->words);
		return true;
	case venue_says_ready:
		on_ready(s);
		return true;
	case venue_says_differs:
		raise(s, REMOTE_CAUSE, r->words);
		return true;
	default:
		return false;
	}
}

static bool is_about_order(const struct ev_venue_report *r)
{
	return r->says >= venue_says_accepted && r->says <= venue_says_unsent;
}

void remote_on_report(const struct step *s, const struct ev_venue_report *r)
{
	struct executor *x = s->x;
	if (!x->remote.trade || strcmp(r->account, x->account.name) != 0)
		return;
	x->counters.remote_reports++;
	x->remote.changes++;
	if (on_account(s, r))
		return;
	struct order *o = orders_find(&x->orders, r->client_order_id);
	if (r->says == venue_says_trade && booked(&x->remote, r->client_order_id, r->trade_id))
		x->counters.remote_duplicates++;
	else if (is_about_order(r) && o && o->stage == stage_remote)
		on_order(s, o, r);
	else
		on_unknown_order(s, r);
}

bool remote_reset(struct executor *x)
{
	if (!x->remote.trade)
		return false;
	memset(x->remote.adopted, 0, sizeof(x->remote.adopted));
	return mode_clear(&x->mode, REMOTE_CAUSE);
}

bool remote_in_base(const struct market *m, const struct ev_fill *f)
{
	return f->trade_id[0] && strcmp(f->commission_asset, m->def.base) == 0;
}

/* What was taken of the base, as remote_book has it. */
static void recall_taken(struct executor *x, struct market *m, const struct ev_fill *f)
{
	int64_t unit = fixed_pow10(CASH_SCALE - m->def.qty_scale), taken, gain;
	if (!remote_in_base(m, f) ||
	    fixed_rescale(f->commission, f->cash_scale, CASH_SCALE, &taken) != 0)
		return;
	holdings_add(&x->holdings, f->strategy, m, -taken);
	m->dust += taken;
	int64_t sold = m->dust > 0 ? m->dust / unit : 0;
	m->dust -= sold * unit;
	if (sold > 0)
		position_apply(&m->position, side_sell, sold, f->fee, &gain);
}

/* What was taken in another money of the account, likewise. */
static void recall_other(struct executor *x, const struct market *m, const struct ev_fill *f)
{
	int64_t taken, fees;
	struct asset *a = f->commission_asset[0] ? account_asset(&x->account, f->commission_asset) : NULL;
	if (!a || a == quotes_asset(x, m) || strcmp(a->name, m->def.base) == 0 ||
	    !quotes_is_money(x, (size_t)(a - x->account.asset)))
		return;
	if (fixed_rescale(f->commission, f->cash_scale, CASH_SCALE, &taken) == 0 &&
	    !__builtin_add_overflow(a->fees, taken, &fees))
		a->fees = fees;
}

void remote_recall(struct executor *x, struct market *m, const struct ev_fill *f)
{
	if (!x->remote.trade || !f->trade_id[0])
		return;
	remember(&x->remote, f->client_order_id, f->trade_id, orders_find(&x->orders, f->client_order_id) != NULL);
	recall_taken(x, m, f);
	recall_other(x, m, f);
}

void remote_recall_end(struct executor *x, const char *order)
{
	forget_later(&x->remote, order);
}

void remote_recall_report(struct executor *x, const struct ev_venue_report *r)
{
	if (r->says == venue_says_funds) { /* by the next worth on record, and the next budgets, it is in them */
		equity_rebase(x, 0, NULL);
		x->allocation.set = false;
	}
	if (r->says == venue_says_agreed)
		know_balances(x);
}

/* ---- for the shell ---- */

const struct order *remote_order(const struct executor *x, uint32_t *i)
{
	while (*i < x->orders.n) {
		const struct order *o = &x->orders.at[(*i)++];
		if (o->stage == stage_remote)
			return o;
	}
	return NULL;
}

uint64_t remote_changes(const struct executor *x)
{
	return x->remote.changes;
}

bool remote_adopts(const struct executor *x, uint32_t i)
{
	return !x->remote.adopted[i];
}

bool remote_holds(const struct executor *x, uint32_t i, const char **ret_asset, int64_t *ret_total)
{
	if (i >= x->account.n)
		return false;
	*ret_asset = x->account.asset[i].name;
	*ret_total = x->account.asset[i].total;
	return true;
}

uint8_t remote_origin(const struct executor *x)
{
	return x->origin;
}

/* ---- saved ---- */

enum { TRADE_FIELDS = 3, ORDER_FIELDS = 8, ORDER_FIELDS_V1 = 7, DUST_FIELDS = 2 };

static void save_order(const struct order *o, struct packer *p)
{
	const struct order_remote *r = &o->remote;
	pack_str(p, o->client_order_id);
	pack_str(p, r->venue_id);
	pack_i64(p, r->total);
	pack_u64(p, r->ended);
	pack_u64(p, r->why);
	pack_bool(p, r->cancel);
	pack_bool(p, r->expires);
	pack_i64(p, r->quarantined);
}

static int load_order(struct executor *x, uint32_t fields, struct unpacker *u)
{
	char id[EVENT_NAME_MAX];
	struct order_remote r = {0};
	unpack_str(u, id, sizeof(id));
	unpack_str(u, r.venue_id, sizeof(r.venue_id));
	r.total = unpack_i64(u);
	r.ended = (uint8_t)unpack_u64(u);
	r.why = (uint8_t)unpack_u64(u);
	r.cancel = unpack_bool(u);
	r.expires = unpack_bool(u);
	r.quarantined = fields > ORDER_FIELDS_V1 ? unpack_i64(u) : 0;
	struct order *o = u->err ? NULL : orders_find(&x->orders, id);
	bool sound = o && o->stage == stage_remote && r.total >= 0 && r.total <= o->qty && r.quarantined >= 0 &&
		     r.quarantined <= o->qty;
	if (!sound)
		return u->err ? u->err : ERR_CORRUPT;
	o->remote = r;
	return 0;
}

static uint32_t count_remote(const struct orders *os)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < os->n; i++)
		n += os->at[i].stage == stage_remote;
	return n;
}

static void save_dust(const struct markets *ms, struct packer *p)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < markets_count(ms); i++)
		n += markets_at(ms, i)->dust != 0;
	pack_array(p, DUST_FIELDS * n);
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		if (markets_at(ms, i)->dust == 0)
			continue;
		pack_str(p, strmap_key_at(&ms->map, i));
		pack_i64(p, markets_at(ms, i)->dust);
	}
}

static int load_dust(struct markets *ms, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	for (uint32_t i = 0; !u->err && i < n / DUST_FIELDS; i++) {
		struct symbol symbol = {0};
		unpack_str(u, symbol.s, sizeof(symbol.s));
		int64_t dust = unpack_i64(u);
		struct market *m = u->err ? NULL : markets_get(ms, &symbol);
		if (!m)
			return u->err ? u->err : ERR_CORRUPT;
		m->dust = dust;
	}
	return u->err;
}

void remote_save(const struct executor *x, struct packer *p)
{
	const struct remote *r = &x->remote;
	pack_bool(p, x->settings.remote);
	pack_array(p, x->account.n);
	for (uint32_t i = 0; i < x->account.n; i++)
		pack_bool(p, r->adopted[i]);
	pack_u64(p, r->next);
	pack_array(p, TRADE_FIELDS * r->n);
	for (uint32_t i = 0; i < r->n; i++) {
		pack_str(p, r->trade[i].order);
		pack_str(p, r->trade[i].id);
		pack_bool(p, r->trade[i].open);
	}
	pack_array(p, ORDER_FIELDS * count_remote(&x->orders));
	for (uint32_t i = 0; i < x->orders.n; i++)
		if (x->orders.at[i].stage == stage_remote)
			save_order(&x->orders.at[i], p);
	save_dust(&x->markets, p);
}

static int load_trades(struct remote *r, struct unpacker *u)
{
	bool live = unpack_bool(u);
	r->loaded = true;
	uint32_t assets = unpack_array(u);
	if (!u->err && assets > REMOTE_ASSETS_MAX)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < assets && !u->err; i++)
		r->adopted[i] = unpack_bool(u);
	uint64_t next = unpack_u64(u);
	uint32_t n = unpack_array(u);
	if (u->err)
		return u->err;
	/* An account is live or on paper from its first day. */
	if (live != (r->trade != NULL))
		return ERR_DIFFERS;
	bool fits = n % TRADE_FIELDS == 0 && n / TRADE_FIELDS <= REMOTE_TRADES_MAX && next < REMOTE_TRADES_MAX;
	if (!fits || (n > 0 && !live))
		return ERR_CORRUPT;
	r->n = n / TRADE_FIELDS;
	r->next = (uint32_t)next;
	for (uint32_t i = 0; i < r->n && !u->err; i++) {
		unpack_str(u, r->trade[i].order, sizeof(r->trade[i].order));
		unpack_str(u, r->trade[i].id, sizeof(r->trade[i].id));
		r->trade[i].open = unpack_bool(u);
	}
	return u->err;
}

static int load(struct executor *x, uint32_t fields, struct unpacker *u)
{
	int rc = load_trades(&x->remote, u);
	uint32_t n = rc == 0 ? unpack_array(u) : 0;
	if (rc == 0 && !u->err && (n % fields != 0 || n / fields != count_remote(&x->orders)))
		return ERR_CORRUPT;
	for (uint32_t i = 0; rc == 0 && !u->err && i < n / fields; i++)
		rc = load_order(x, fields, u);
	return rc != 0 ? rc : load_dust(&x->markets, u);
}

int remote_load(struct executor *x, struct unpacker *u)
{
	return load(x, ORDER_FIELDS, u);
}

int remote_load_v1(struct executor *x, struct unpacker *u)
{
	return load(x, ORDER_FIELDS_V1, u);
}
