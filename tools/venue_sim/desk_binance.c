/* desk_binance - the order endpoints of Binance spot.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md "Trading endpoints", "Account Endpoints"; errors.md). A
 * parameter that an order's type does not take is refused, as is one that it lacks: what the venue would refuse must
 * not pass here. Steps are the last decimal that the symbol uses.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-"
#define NOTIONAL_MIN (5 * INT64_C(100000000)) /* of the generated market, as its exchangeInfo says */
#define FILLS_DEFAULT 500
#define FILLS_MAX 1000

/* ---- parameters ---- */

struct asked_for {
	struct sim *sim;
	const struct request *r;
	struct reply *reply;
	bool bad; /* the reply says why */
};

static void refuse(struct asked_for *a, int code, const char *msg)
{
	if (!a->bad)
		binance_error(a->reply, code == -1015 ? 429 : 400, code, msg);
	a->sim->manners.refused += !a->bad;
	a->bad = true;
}

static void refuse_parameter(struct asked_for *a, int code, const char *name, const char *what)
{
	char msg[160];

	snprintf(msg, sizeof(msg), "%s '%s' %s", code == -1102 ? "Mandatory parameter" : "Parameter", name, what);
	refuse(a, code, msg);
}

/* Its length; 0: it is not there. */
static int param(struct asked_for *a, const char *name, char *out, size_t cap)
{
	int n = request_param(a->r, name, out, cap);

	if (n < 0)
		out[0] = '\0';
	if (n == 0 || (n < 0 && n != ERR_NOT_FOUND))
		refuse_parameter(a, -1105, name, "was empty.");
	return n < 0 ? 0 : n;
}

/* Is it there, as it must be or must not? */
static bool wanted(struct asked_for *a, const char *name, bool there, bool needed)
{
	if (needed && !there)
		refuse_parameter(a, -1102, name, "was not sent, was empty/null, or malformed.");
	if (!needed && there)
		refuse_parameter(a, -1106, name, "sent when not required.");
	return there && needed;
}

static int64_t decimal(struct asked_for *a, const char *name, bool needed, int scale, const char *filter)
{
	char text[64];
	bool there = param(a, name, text, sizeof(text)) > 0;
	int64_t value = 0;

	if (!wanted(a, name, there, needed))
		return 0;
	int rc = fixed_parse(text, strlen(text), scale, &value);
	if (rc == ERR_INEXACT)
		refuse(a, -1013, filter);
	else if (rc != 0)
		refuse_parameter(a, -1100, name, "has illegal characters.");
	else if (value <= 0)
		refuse(a, -1013, filter);
	return value;
}

static int word(struct asked_for *a, const char *name, const char *const *of, int n, int code)
{
	char text[32];

	if (!wanted(a, name, param(a, name, text, sizeof(text)) > 0, true))
		return 0;
	for (int i = 0; i < n; i++)
		if (strcmp(text, of[i]) == 0)
			return i;
	refuse(a, code, code == -1115 ? "Invalid timeInForce." : "Invalid side.");
	return 0;
}

static bool is_there(const struct asked_for *a, const char *name)
{
	char text[64];

	return request_param(a->r, name, text, sizeof(text)) != ERR_NOT_FOUND;
}

static enum desk_type type_of(struct asked_for *a)
{
	char text[32];

	if (wanted(a, "type", param(a, "type", text, sizeof(text)) > 0, true))
		for (size_t i = 0; i < DESK_TYPES; i++)
			if (strcmp(desk_binance_types[i].name, text) == 0)
				return (enum desk_type)i;
	refuse(a, -1116, "Invalid orderType.");
	return DESK_MARKET;
}

static void client_id(struct asked_for *a, const char *name, char out[DESK_ID_MAX])
{
	char text[128];
	size_t n = (size_t)param(a, name, text, sizeof(text));

	if (n == 0)
		snprintf(out, DESK_ID_MAX, "sim%" PRIu64, a->sim->desk.orders + 1);
	else if (n < DESK_ID_MAX && strspn(text, ID_CHARS) == n)
		memcpy(out, text, n + 1);
	else
		refuse_parameter(a, -1100, name, "has illegal characters; legal range is '^[a-zA-Z0-9-_.:/]{1,36}$'.");
}

static const struct rec_symbol *symbol_of(struct asked_for *a)
{
	char text[MARKET_SYMBOL_LEN];
	int n = param(a, "symbol", text, sizeof(text));

	if (!wanted(a, "symbol", n > 0, true))
		return NULL;
	struct text symbol = {text, (size_t)n};
	const struct rec_symbol *about = binance_lists(a->sim, symbol) ? recording_symbol(&a->sim->rec, symbol) : NULL;
	if (about == NULL)
		refuse(a, -1121, "Invalid symbol.");
	return about;
}

/* ---- placing ---- */

static void read_terms(struct asked_for *a, struct desk_order *o)
{
	bool trails = is_there(a, "trailingDelta"), conditional = desk_is_conditional(o);
	bool by_amount = o->type == DESK_MARKET && is_there(a, "quoteOrderQty");
	uint8_t ps = o->about->price_scale;

	o->sell = word(a, "side", desk_binance_sides, 2, -1117) == 1;
	if (desk_binance_types[o->type].timed)
		o->tif = (enum desk_tif)word(a, "timeInForce", desk_binance_tifs, 3, -1115);
	else
		wanted(a, "timeInForce", is_there(a, "timeInForce"), false);
	o->qty = decimal(a, "quantity", !by_amount, o->about->qty_scale, "Filter failure: LOT_SIZE");
	o->amount = decimal(a, "quoteOrderQty", by_amount, DESK_DIGITS, "Filter failure: NOTIONAL");
	o->price = decimal(a, "price", desk_has_limit(o), ps, "Filter failure: PRICE_FILTER");
	if (!trails || is_there(a, "stopPrice"))
		o->stop = decimal(a, "stopPrice", conditional, ps, "Filter failure: PRICE_FILTER");
	if (trails)
		o->trail_bp = decimal(a, "trailingDelta", conditional, 0, "Filter failure: TRAILING_DELTA");
	if (o->trail_bp > 9999)
		refuse(a, -1013, "Filter failure: TRAILING_DELTA");
}

static bool is_worth(const struct sim *sim, const struct desk_order *o)
{
	int64_t value;

	if (sim->source.capture != NULL || !desk_has_limit(o))
		return true;
	return fixed_mul(o->price, o->about->price_scale, o->qty, o->about->qty_scale, DESK_DIGITS, &value) == 0 &&
	       value >= NOTIONAL_MIN;
}

static enum desk_form form_of(struct asked_for *a, const struct desk_order *o)
{
	char text[16];

	if (param(a, "newOrderRespType", text, sizeof(text)) == 0)
		return desk_is_conditional(o) || o->type == DESK_LIMIT_MAKER ? DESK_ACKNOWLEDGED : DESK_PLACED;
	return strcmp(text, "ACK") == 0 ? DESK_ACKNOWLEDGED : DESK_PLACED;
}

static void place(struct asked_for *a)
{
	struct desk_order o = {.about = symbol_of(a), .at_ms = desk_binance_now(a->sim)}, *placed = NULL;

	if (a->bad)
		return;
	binance_assets(a->sim, text_of(o.about->name), o.base, o.quote);
	o.type = type_of(a);
	read_terms(a, &o);
	client_id(a, "newClientOrderId", o.client_id);
	enum desk_form form = form_of(a, &o);
	if (!a->bad && !is_worth(a->sim, &o))
		refuse(a, -1013, "Filter failure: NOTIONAL");
	if (a->bad)
		return;
	const struct desk_refusal *no =
		desk_place(&a->sim->desk, fold_find(&a->sim->live, text_of(o.about->name)), &o, &placed);
	if (no != NULL) {
		refuse(a, no->code, no->msg);
		return;
	}
	a->sim->manners.placed++;
	desk_binance_tell(placed, form, &a->reply->body);
	if (form == DESK_PLACED) {
		a->reply->body.len--; /* its brace */
		desk_binance_tell_fills(&a->sim->desk, placed, &a->reply->body);
		buf_byte(&a->reply->body, '}');
	}
}

/* ---- cancelling, asking ---- */

static struct desk_order *named(struct asked_for *a)
{
	const struct rec_symbol *about = symbol_of(a);
	char id[128] = "";
	int64_t number = 0;

	param(a, "origClientOrderId", id, sizeof(id));
	if (request_param_i64(a->r, "orderId", 0, &number) != 0)
		refuse_parameter(a, -1100, "orderId", "has illegal characters.");
	if (!a->bad && id[0] == '\0' && number == 0)
		refuse(a, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!");
	return a->bad ? NULL : desk_find(&a->sim->desk, text_of(about->name), (uint64_t)number, id);
}

/* Orders that are very young cannot be seen yet. */
static bool is_hidden(const struct asked_for *a, const struct desk_order *o)
{
	return desk_binance_now(a->sim) - o->at_ms < a->sim->manners.hidden_ms;
}

static void cancel(struct asked_for *a)
{
	struct desk_order *o = named(a);
	char id[DESK_ID_MAX] = "";

	client_id(a, "newClientOrderId", id);
	if (!a->bad && (o == NULL || !desk_is_open(o)))
		refuse(a, -2011, "Unknown order sent.");
	if (a->bad)
		return;
	desk_cancel(&a->sim->desk, o, id, desk_binance_now(a->sim));
	a->sim->manners.cancelled++;
	desk_binance_tell(o, DESK_CANCELLED, &a->reply->body);
}

static void query(struct asked_for *a)
{
	const struct desk_order *o = named(a);

	a->sim->manners.queried++;
	if (!a->bad && (o == NULL || is_hidden(a, o)))
		refuse(a, -2013, "Order does not exist.");
	if (!a->bad)
		desk_binance_tell(o, DESK_QUERIED, &a->reply->body);
}

static void open_orders(struct asked_for *a, bool cancels)
{
	const struct rec_symbol *about = cancels || is_there(a, "symbol") ? symbol_of(a) : NULL;
	struct desk *d = &a->sim->desk;
	const char *comma = "";

	for (uint32_t i = 0; !a->bad && i < d->n; i++) {
		struct desk_order *o = &d->order[i];
		if (!desk_is_open(o) || (about != NULL && o->about != about) || (!cancels && is_hidden(a, o)))
			continue;
		buf_byte(&a->reply->body, comma[0] == '\0' ? '[' : ',');
		comma = ",";
		if (cancels)
			desk_cancel(d, o, "all", desk_binance_now(a->sim));
		a->sim->manners.cancelled += cancels;
		desk_binance_tell(o, cancels ? DESK_CANCELLED : DESK_QUERIED, &a->reply->body);
	}
	if (comma[0] == '\0' && cancels)
		refuse(a, -2011, "Unknown order sent.");
	else if (!a->bad)
		buf_printf(&a->reply->body, "%s]", comma[0] == '\0' ? "[" : "");
}

static void trades(struct asked_for *a)
{
	const struct desk *d = &a->sim->desk;
	const struct rec_symbol *about = symbol_of(a);
	uint64_t oldest = d->trades >= DESK_TRADES_MAX ? d->trades - DESK_TRADES_MAX + 1 : 1, id;
	int64_t order = 0, from = 0, limit = FILLS_DEFAULT, n = 0;
	bool newest = !is_there(a, "fromId");

	if (request_param_i64(a->r, "orderId", 0, &order) != 0 || request_param_i64(a->r, "fromId", 0, &from) != 0 ||
	    request_param_i64(a->r, "limit", FILLS_DEFAULT, &limit) != 0 || limit < 1 || limit > FILLS_MAX)
		refuse(a, -1100, "Illegal characters found in a parameter.");
	if (a->bad)
		return;
	oldest = (uint64_t)from > oldest ? (uint64_t)from : oldest;
	for (id = newest ? d->trades : oldest; n < limit && id >= oldest && id <= d->trades; id += newest ? -1ULL : 1) {
		const struct desk_trade *t = &d->trade[id % DESK_TRADES_MAX];
		n += t->about == about && (order == 0 || t->order == (uint64_t)order);
	}
	uint64_t first = newest ? id + 1 : oldest;
	for (const char *comma = "["; n > 0 && first <= d->trades; first++) {
		const struct desk_trade *t = &d->trade[first % DESK_TRADES_MAX];
		if (t->about != about || (order != 0 && t->order != (uint64_t)order))
			continue;
		buf_printf(&a->reply->body, "%s", comma);
		desk_binance_tell_trade(t, &a->reply->body);
		comma = ",";
		n--;
	}
	buf_printf(&a->reply->body, "%s]", a->reply->body.len == 0 ? "[" : "");
}

/* ---- endpoints ---- */

static const struct endpoint {
	const char *method, *path;
	enum { PLACE, CANCEL, CANCEL_OPEN, QUERY, OPEN, TRADES } what;
	int64_t weight;
	const char *with; /* by a parameter it is */
	int64_t weight_with;
} endpoints[] = {
	{"POST", "/api/v3/order", PLACE, 1, "symbol", 1},
	{"DELETE", "/api/v3/order", CANCEL, 1, "symbol", 1},
	{"DELETE", "/api/v3/openOrders", CANCEL_OPEN, 1, "symbol", 1},
	{"GET", "/api/v3/order", QUERY, 4, "symbol", 4},
	{"GET", "/api/v3/openOrders", OPEN, 80, "symbol", 6},
	{"GET", "/api/v3/myTrades", TRADES, 20, "orderId", 5},
};

static const struct endpoint *endpoint_of(const struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (text_is(r->method, endpoints[i].method) && text_is(r->path, endpoints[i].path))
			return &endpoints[i];
	return NULL;
}

void desk_binance_do(struct sim *sim, const struct request *r, struct reply *reply)
{
	struct asked_for a = {sim, r, reply, false};

	switch (endpoint_of(r)->what) {
	case PLACE:
		place(&a);
		break;
	case CANCEL:
		cancel(&a);
		break;
	case CANCEL_OPEN:
		open_orders(&a, true);
		break;
	case QUERY:
		query(&a);
		break;
	case OPEN:
		open_orders(&a, false);
		break;
	case TRADES:
		trades(&a);
		break;
	}
}

/* Carried out, or not, or later; and an answer that does not tell. */
static void misbehave(struct sim *sim, const struct request *r, const struct manner_fault *f, struct reply *reply)
{
	struct reply unsent;

	reply_init(&unsent);
	if (f->kind == MANNER_REFUSED)
		binance_error(reply, 400, -2010, "Account has insufficient balance for requested action.");
	else if (f->done && f->after_ms == 0)
		desk_binance_do(sim, r, &unsent);
	else if (f->done)
		(void)manners_later(sim, r, f->after_ms); /* no room: it never arrives */
	reply_fini(&unsent);
	if (f->kind == MANNER_LOST)
		reply->lost = true;
	if (f->kind == MANNER_UNAVAILABLE) {
		reply_status(reply, 503);
		reply->type = "text/html";
		buf_printf(&reply->body, "<html><body>Service Unavailable</body></html>");
	}
	if (f->kind == MANNER_UNKNOWN)
		binance_error(reply, 504, -1007,
			      "Timeout waiting for response from backend server. Send status unknown; execution "
			      "status unknown.");
}

bool desk_binance_rest(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct endpoint *e = sim->desk.order != NULL ? endpoint_of(r) : NULL;
	const struct manner_fault *f = NULL;
	char text[64];

	if (e == NULL)
		return false;
	bool with = request_param(r, e->with, text, sizeof(text)) != ERR_NOT_FOUND;
	if (!binance_pay(sim, r, with ? e->weight_with : e->weight, reply) || !wallet_binance_check(sim, r, reply))
		return true;
	if (!sim->wallet.trades) {
		binance_error(reply, 401, -2015, "Invalid API-key, IP, or permissions for action.");
		return true;
	}
	if (e->what <= CANCEL_OPEN)
		f = manners_strike(&sim->manners, e->what == PLACE);
	if (f != NULL)
		misbehave(sim, r, f, reply);
	else
		desk_binance_do(sim, r, reply);
	return true;
}

/* ---- the market ---- */

void desk_binance_line(struct sim *sim, const struct feed_line *line)
{
	struct frame_facts facts = {0};

	if (sim->desk.n == 0 || line->kind != FEED_FRAME || !binance_frame(line, &facts))
		return;
	const struct fold_symbol *s = fold_find(&sim->live, facts.symbol);
	bool trade = facts.kind == FRAME_TRADE || (facts.kind == FRAME_AGG_TRADE && s != NULL && !s->about->has_trades);
	if (s != NULL && (trade || facts.kind == FRAME_DEPTH))
		desk_market(&sim->desk, s, trade && s->trades > 0 ? &s->trade[s->trade_at] : NULL,
			    desk_binance_now(sim));
}
