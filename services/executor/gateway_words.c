/* gateway_words - what the venue's words about an order mean, and what the core is told of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/venue/budget.h"
#include "services/executor/gateway.h"

int gateway_tell(struct gateway *g, const struct ev_venue_report *r)
{
	int rc = g->core.tell(g->core.ctx, r);
	if (rc == 0)
		g->told++;
	g->counters.told += rc == 0;
	g->counters.untold += rc != 0;
	return rc;
}

struct ev_venue_report gateway_about(const struct gateway *g, const struct gateway_row *r, enum venue_says says)
{
	struct ev_venue_report e = {.says = (uint8_t)says, .instrument = r->instrument, .side = r->order.side};
	event_set_name(e.account, g->set.account);
	event_set_name(e.client_order_id, r->id);
	if (r->venue_id != 0)
		snprintf(e.venue_order_id, sizeof(e.venue_order_id), "%" PRIu64, r->venue_id);
	e.price_scale = r->order.price_scale;
	e.qty_scale = r->order.qty_scale;
	return e;
}

/* What could not be told now is asked for again. */
static void doubt(struct gateway_row *r)
{
	r->ask_state = true;
}

static void tell_accepted(struct gateway *g, struct gateway_row *r, const struct venue_orders_row *v)
{
	struct ev_venue_report e = gateway_about(g, r, venue_says_accepted);
	e.venue_at = v->time;
	if (r->accepted_told || !r->pending)
		return;
	if (gateway_tell(g, &e) == 0)
		r->accepted_told = true;
	else
		doubt(r);
}

/* Of an order that has gone meanwhile, too: the core remembers its trades. */
static void tell_trade(struct gateway *g, const struct gateway_request *q, const struct gateway_row *r,
		       const struct venue_orders_row *v)
{
	struct ev_venue_report e = {.says = venue_says_trade, .side = v->side};
	event_set_name(e.account, g->set.account);
	event_set_name(e.client_order_id, v->client_id[0] || !q ? v->client_id : q->id);
	if (r) {
		e = gateway_about(g, r, venue_says_trade);
		e.side = v->side != side_none ? v->side : r->order.side;
	}
	snprintf(e.venue_order_id, sizeof(e.venue_order_id), "%" PRIu64, v->venue_id);
	snprintf(e.trade_id, sizeof(e.trade_id), "%" PRIu64, v->trade_id);
	e.liquidity = v->liquidity;
	e.price_scale = v->price_scale;
	e.qty_scale = v->qty_scale;
	e.cash_scale = v->fee_scale;
	e.price = v->price;
	e.qty = v->qty;
	e.fee = v->fee;
	event_set_name(e.fee_asset, v->fee_asset);
	e.venue_at = v->time;
	gateway_tell(g, &e); /* untold, it is missing, and asked for */
}

/* odd: what the venue says, where the filled quantity does not fit our scale: it is told as it is; else NULL. */
static void tell_end(struct gateway *g, struct gateway_row *r, const struct venue_orders_row *odd)
{
	struct ev_venue_report e = gateway_about(g, r, venue_says_ended);
	e.status = r->ended;
	e.qty = odd ? odd->filled : r->filled;
	e.qty_scale = odd ? odd->filled_scale : e.qty_scale;
	event_set_text(e.words, r->words);
	if (r->ended_told || r->told_end)
		return;
	if (gateway_tell(g, &e) == 0)
		r->ended_told = true;
	else
		doubt(r);
}

static bool is_end(uint8_t status)
{
	return status == order_status_filled || status == order_status_cancelled || status == order_status_rejected ||
	       status == order_status_expired;
}

/* At the instrument's scale; -1: not told, or it does not fit: that is for the core to quarantine, when it sees the
 * trades, or at the order's end. */
static int64_t filled_of(const struct gateway_row *r, const struct venue_orders_row *v)
{
	int64_t filled;
	if (v->filled < 0 || fixed_rescale(v->filled, v->filled_scale, r->order.qty_scale, &filled) != 0)
		return -1;
	return filled;
}

static void hear_order(struct gateway *g, struct gateway_row *r, const struct venue_orders_row *v)
{
	int64_t filled = filled_of(r, v);
	const struct venue_orders_row *odd = v->filled >= 0 && filled < 0 ? v : NULL;
	r->state = GATEWAY_KNOWN;
	r->venue_id = v->venue_id != 0 ? v->venue_id : r->venue_id;
	r->filled = filled > r->filled ? filled : r->filled;
	if (v->status == order_status_none || v->unknown || (is_end(v->status) && v->filled < 0)) {
		tell_accepted(g, r, v);
		r->ask_state = true;
		return;
	}
	r->ask_state = false;
	if (v->status != order_status_rejected)
		tell_accepted(g, r, v);
	if (!is_end(v->status))
		return;
	if (r->ended == order_status_none) {
		r->ended = v->status;
		event_set_text(r->words, v->words);
		r->tries = 0;
		r->due = 0;
	}
	tell_end(g, r, odd);
}

static void hear_fill(struct gateway *g, const struct gateway_request *q, struct gateway_row *r,
		      const struct venue_orders_row *v)
{
	if (r) {
		r->venue_id = v->venue_id != 0 ? v->venue_id : r->venue_id;
		if (r->state != GATEWAY_KNOWN) {
			r->state = GATEWAY_KNOWN;
			r->ask_state = true;
		}
	}
	tell_trade(g, q, r, v);
}

/* ---- answers ---- */

static void tell_rejected(struct gateway *g, struct gateway_row *r, const struct venue_orders_row *v)
{
	struct ev_venue_report e = gateway_about(g, r, venue_says_rejected);
	e.code = v->code;
	event_set_text(e.words, v->words);
	if (gateway_tell(g, &e) == 0)
		r->ended_told = true;
	else
		doubt(r);
}

/* It is asked again when it is due; an order that cannot be cancelled is for people to see. */
static void note_refusal(struct gateway *g, const struct gateway_request *q, const struct venue_orders_row *v)
{
	enum venue_orders_ask ask = q->question.ask;
	const char *what = ask == VENUE_ORDERS_CANCEL ? "cancel" : ask == VENUE_ORDERS_FILLS ? "ask for the fills of"
											     : "ask for";
	g->counters.asks_refused++;
	snprintf(g->refusal, sizeof(g->refusal), "to %s %.39s: %.100s (%" PRId64 ")", what, q->id, v->words, v->code);
}

static void hear_refusal(struct gateway *g, const struct gateway_request *q, struct gateway_row *r,
			 const struct venue_orders_row *v)
{
	if (v->refusal == VENUE_ORDERS_REFUSED_CLOCK)
		gateway_clock_off(g);
	if (v->refusal == VENUE_ORDERS_REFUSED_KEY || v->refusal == VENUE_ORDERS_REFUSED_SIGNATURE) {
		gateway_trouble(g, "The venue refuses the key: %.120s", v->words);
		g->agreed = false;
		g->step = GATEWAY_RIGHTS;
	}
	if (q->question.ask != VENUE_ORDERS_PLACE) {
		note_refusal(g, q, v);
		return;
	}
	if (r->state != GATEWAY_PLACING)
		return;
	g->counters.refused++;
	if (v->refusal == VENUE_ORDERS_REFUSED_DUPLICATE) {
		r->state = GATEWAY_UNSURE;
		r->due = 0;
		return;
	}
	/* It was certainly not carried out; where that cannot be told now, asking will say that it is absent. */
	r->state = GATEWAY_UNSURE;
	r->sure_at = 0;
	tell_rejected(g, r, v);
}

static void hear_unknown(struct gateway *g, const struct gateway_request *q, struct gateway_row *r)
{
	g->counters.unknown++;
	if (q->question.ask == VENUE_ORDERS_PLACE && r->state == GATEWAY_PLACING) {
		r->state = GATEWAY_UNSURE;
		r->due = 0;
		r->tries = 0;
	}
	if (q->question.ask == VENUE_ORDERS_CANCEL)
		r->ask_state = true;
}

/* The venue has had it, and does not know it any more. */
static void lose(struct gateway *g, struct gateway_row *r)
{
	snprintf(g->differs, sizeof(g->differs), "The venue no longer knows our order %.39s.", r->id);
	r->ended = order_status_cancelled;
	r->filled = r->booked;
	snprintf(r->words, sizeof(r->words), "The venue no longer knows it.");
	tell_end(g, r, NULL);
}

static void hear_absent(struct gateway *g, const struct gateway_request *q, struct gateway_row *r)
{
	if (q->question.ask == VENUE_ORDERS_CANCEL) {
		r->ask_state = true; /* what has become of it? */
		r->due = 0;
		return;
	}
	if (q->question.ask != VENUE_ORDERS_QUERY || q->at < r->sure_at)
		return;
	if (r->state == GATEWAY_KNOWN || !r->pending) {
		lose(g, r);
		return;
	}
	struct ev_venue_report e = gateway_about(g, r, venue_says_unknown);
	event_set_text(e.words, "The venue does not have it.");
	if (gateway_tell(g, &e) == 0)
		r->ended_told = true;
}

static struct gateway_row *row_of(struct gateway *g, const struct gateway_request *q, const struct venue_orders_row *v)
{
	if (v->client_id[0])
		return gateway_find(g, v->client_id);
	return q && q->ask == GATEWAY_ASK_ORDER ? gateway_find(g, q->id) : NULL;
}

void gateway_hear(struct gateway *g, const struct gateway_request *q, const struct venue_orders_row *v)
{
	struct gateway_row *r = row_of(g, q, v);
	switch (v->kind) {
	case VENUE_ORDERS_ORDER:
		if (r)
			hear_order(g, r, v);
		break;
	case VENUE_ORDERS_FILL:
		hear_fill(g, q, r, v);
		break;
	case VENUE_ORDERS_REFUSED:
		if (r)
			hear_refusal(g, q, r, v);
		break;
	case VENUE_ORDERS_UNKNOWN:
		if (r)
			hear_unknown(g, q, r);
		break;
	case VENUE_ORDERS_ABSENT:
		if (r)
			hear_absent(g, q, r);
		break;
	case VENUE_ORDERS_MORE:
		if (r)
			r->fills_from = v->trade_id;
		break;
	case VENUE_ORDERS_NO_MORE:
		if (r)
			r->fills_from = 0;
		break;
	default:
		break;
	}
}

struct hearing {
	struct gateway *g;
	const struct gateway_request *q;
};

static void on_row(void *ctx, const struct venue_orders_row *v)
{
	struct hearing *h = ctx;
	gateway_hear(h->g, h->q, v);
}

/* Not even a connection: it is certain, and can be said at once. */
static void never_sent(struct gateway *g, struct gateway_row *r)
{
	struct ev_venue_report e = gateway_about(g, r, venue_says_unsent);
	event_set_text(e.words, "No connection to the venue could be made.");
	r->state = GATEWAY_UNSURE;
	r->sure_at = 0;
	if (gateway_tell(g, &e) != 0)
		return;
	r->ended_told = true;
	g->counters.unsent++;
}

void gateway_hold(struct gateway *g, int64_t now, int status, int64_t retry_after_ns)
{
	int64_t wait = budget_refused(status, retry_after_ns, 0);
	wait = wait > retry_after_ns ? wait : retry_after_ns;
	if (wait > 0 && now + wait > g->hold_until)
		g->hold_until = now + wait;
}

void gateway_on_reply(struct gateway *g, int64_t now, const struct gateway_request *q, const struct gateway_reply *a)
{
	gateway_hold(g, now, a->status, a->retry_after_ns);
	if (q->ask == GATEWAY_ASK_TIME) {
		gateway_clock_reply(g, now, q, a);
		return;
	}
	if (q->ask != GATEWAY_ASK_ORDER) {
		gateway_compare_reply(g, now, q, a);
		return;
	}
	struct gateway_row *r = gateway_find(g, q->id);
	if (r)
		r->asked = false;
	if (r && a->never_sent && q->question.ask == VENUE_ORDERS_PLACE && r->state == GATEWAY_PLACING) {
		never_sent(g, r);
		return;
	}
	struct hearing h = {g, q};
	(void)g->set.venue->reply(q->question.ask, a->status, a->body, on_row, &h); /* its rows say what is wrong */
}

void gateway_on_stream(struct gateway *g, int64_t now, bool up)
{
	if (up == g->stream)
		return;
	g->stream = up;
	g->unanswered = false;
	/* What it said before, or meanwhile, is asked for. */
	for (uint32_t i = 0; i < g->n; i++)
		g->row[i].ask_state = g->row[i].ask_state || g->row[i].state == GATEWAY_KNOWN;
	if (up && g->step == GATEWAY_REST)
		g->step_due = now;
	if (!up)
		gateway_trouble(g, "The account's stream is not connected.");
	else if (g->agreed)
		gateway_trouble_over(g);
}

void gateway_unanswered(struct gateway *g)
{
	g->unanswered = true;
	if (g->agreed && g->clock.known)
		gateway_trouble_over(g);
}

int gateway_on_text(struct gateway *g, struct json_str text)
{
	struct hearing h = {g, NULL};
	int rc = g->set.venue->event(text, on_row, &h);
	for (uint32_t i = 0; rc != 0 && i < g->n; i++)
		g->row[i].ask_state = g->row[i].ask_state || g->row[i].state == GATEWAY_KNOWN;
	return rc;
}
