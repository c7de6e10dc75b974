/* gateway_compare - what the key may do; whether the venue's open orders and balances are ours. */
#include <stdio.h>
#include <string.h>

#include "common/base/fixed.h"
#include "services/executor/gateway.h"

#define AGAIN_NS INT64_C(2000000000)
#define MISMATCHES_MAX 3

/* ---- questions ---- */

static bool settled(const struct gateway *g)
{
	bool all = g->applied >= g->told;
	for (uint32_t i = 0; all && i < g->n; i++) {
		const struct gateway_row *r = &g->row[i];
		all = !r->asked && r->state != GATEWAY_UNSURE && !r->ask_state && r->filled <= r->booked &&
		      r->ended == order_status_none;
	}
	return all;
}

static bool adopts_any(const struct gateway *g)
{
	const char *asset;
	int64_t total;
	for (uint32_t i = 0; i < GATEWAY_ASSETS_MAX && g->core.holds(g->core.ctx, i, &asset, &total); i++)
		if (g->core.adopts(g->core.ctx, i))
			return true;
	return false;
}

static void ask(struct gateway *g, int64_t now, enum gateway_ask what, struct gateway_request *ret)
{
	*ret = (struct gateway_request){.ask = what, .at = now};
	ret->question = (struct venue_orders_question){.ask = VENUE_ORDERS_OPEN, .symbol = "", .client_id = ""};
	g->step_asked = true;
	g->step_due = now + AGAIN_NS;
}

bool gateway_compare_next(struct gateway *g, int64_t now, struct gateway_request *ret)
{
	/* An asset that was not known when the balances were told: its instrument came later. */
	bool early = g->step == GATEWAY_REST && now < g->step_due && settled(g) && adopts_any(g);
	if (g->step_asked || (now < g->step_due && !early))
		return false;
	if (g->step == GATEWAY_REST)
		g->step = GATEWAY_OPEN;
	if (g->step == GATEWAY_RIGHTS && !g->set.rights)
		g->step = GATEWAY_OPEN;
	if (g->step == GATEWAY_SETTLE && settled(g))
		g->step = GATEWAY_BALANCES;
	switch (g->step) {
	case GATEWAY_RIGHTS:
		ask(g, now, GATEWAY_ASK_RIGHTS, ret);
		return true;
	case GATEWAY_OPEN:
		ask(g, now, GATEWAY_ASK_OPEN, ret);
		return true;
	case GATEWAY_BALANCES:
		if (!settled(g))
			return false;
		g->told_asked = g->told;
		ask(g, now, GATEWAY_ASK_BALANCES, ret);
		return true;
	default:
		return false;
	}
}

/* ---- rights ---- */

struct rights {
	bool told, withdraws, trades, unknown, late;
	int64_t code;
	char words[100];
};

static void on_right(void *ctx, const struct venue_account_row *row)
{
	struct rights *r = ctx;
	if (row->kind == VENUE_ACCOUNT_MAY) {
		r->told = true;
		r->withdraws = r->withdraws || row->withdraws;
		r->trades = r->trades || row->trades;
		r->unknown = r->unknown || row->unknown;
	} else if (row->kind == VENUE_ACCOUNT_ERROR) {
		r->code = row->code;
		r->late = row->error == VENUE_ACCOUNT_CLOCK;
		snprintf(r->words, sizeof(r->words), "%.99s", row->name);
	}
}

static void hear_rights(struct gateway *g, const struct gateway_reply *a)
{
	struct rights r = {0};
	int rc = g->set.venue->account->reply(VENUE_ACCOUNT_RIGHTS, a->status, a->body, on_right, &r);
	if (r.late) {
		gateway_clock_off(g);
		return;
	}
	if (rc != 0 || !r.told) {
		gateway_trouble(g, "The venue does not say what the key may do: %s (status %d).",
				r.words[0] ? r.words : "no answer that can be read", a->status);
		return;
	}
	if (r.withdraws)
		gateway_refuse(g, "The key may withdraw. Make one that may trade and read, nothing else, and restart.");
	else if (r.unknown)
		gateway_refuse(g, "The key has rights not known here. Make one that may trade and read, and restart.");
	else if (!r.trades)
		gateway_refuse(g, "The key may not trade. Allow it to trade (not to withdraw) and restart.");
	else
		g->step = GATEWAY_OPEN;
	g->step_due = 0;
}

/* ---- open orders ---- */

struct list {
	struct gateway *g;
	bool complete, late; /* all of it came; our time was refused */
	bool again;          /* the one of last time is there again */
	uint32_t strangers;
	char stranger[VENUE_ORDERS_ID_MAX];
};

static void on_open_row(void *ctx, const struct venue_orders_row *v)
{
	struct list *l = ctx;
	l->complete = l->complete || v->kind == VENUE_ORDERS_NO_MORE;
	l->late = l->late || (v->kind == VENUE_ORDERS_REFUSED && v->refusal == VENUE_ORDERS_REFUSED_CLOCK);
	if (v->kind != VENUE_ORDERS_ORDER)
		return;
	struct gateway_row *r = gateway_find(l->g, v->client_id);
	if (r) {
		r->seen = true;
		gateway_hear(l->g, NULL, v);
		return;
	}
	l->again = l->again || strcmp(l->g->stranger, v->client_id) == 0;
	if (l->strangers++ == 0)
		snprintf(l->stranger, sizeof(l->stranger), "%s", v->client_id);
}

/* The list may be older than the end of one of ours: who is on it twice was there when it was asked for again. */
static bool judge_strangers(struct gateway *g, int64_t now, const struct list *l)
{
	bool again = l->strangers > 0 && l->again && g->suspects;
	g->suspects = l->strangers > 0;
	memcpy(g->stranger, l->stranger, sizeof(g->stranger));
	g->counters.strangers = again ? l->strangers : 0;
	if (again)
		snprintf(g->differs, sizeof(g->differs), "%u open orders at the venue are not ours, one of them %.40s.",
			 (unsigned)l->strangers, l->stranger);
	if (again || !g->suspects)
		return true;
	g->step_due = now + AGAIN_NS;
	return false;
}

/* What is open by our books, and not in the venue's list, is asked for one by one. */
static void hear_open(struct gateway *g, int64_t now, const struct gateway_reply *a)
{
	struct list l = {.g = g};
	for (uint32_t i = 0; i < g->n; i++)
		g->row[i].seen = false;
	(void)g->set.venue->reply(VENUE_ORDERS_OPEN, a->status, a->body, on_open_row, &l);
	if (l.late)
		gateway_clock_off(g);
	else if (!l.complete)
		gateway_trouble(g, "The venue does not list our open orders (status %d).", a->status);
	if (l.late || !l.complete)
		return;
	for (uint32_t i = 0; i < g->n; i++) {
		struct gateway_row *r = &g->row[i];
		bool open = r->state == GATEWAY_KNOWN && r->ended == order_status_none && !r->asked;
		r->ask_state = r->ask_state || (open && !r->seen);
	}
	if (!judge_strangers(g, now, &l))
		return;
	g->step = GATEWAY_SETTLE;
	g->step_due = now;
}

/* ---- balances ---- */

static void on_balance(void *ctx, const struct venue_account_row *row)
{
	struct gateway *g = ctx;
	const char *asset;
	int64_t total;
	g->late = g->late || (row->kind == VENUE_ACCOUNT_ERROR && row->error == VENUE_ACCOUNT_CLOCK);
	if (row->kind != VENUE_ACCOUNT_BALANCE)
		return;
	g->complete = true;
	for (uint32_t i = 0; i < GATEWAY_ASSETS_MAX && g->core.holds(g->core.ctx, i, &asset, &total); i++)
		if (strcmp(asset, row->name) == 0 &&
		    fixed_rescale(row->total, row->scale, CASH_SCALE, &g->amount[i]) != 0)
			g->amount[i] = -1; /* finer than anything we can have */
}

static int tell_funds(struct gateway *g, const char *asset, int64_t amount)
{
	struct ev_venue_report e = {.says = venue_says_funds, .cash_scale = CASH_SCALE, .amount = amount};
	event_set_name(e.account, g->set.account);
	event_set_name(e.asset, asset);
	return gateway_tell(g, &e);
}

static void agree(struct gateway *g, int64_t now)
{
	struct ev_venue_report e = {.says = venue_says_agreed};
	event_set_name(e.account, g->set.account);
	g->mismatches = 0;
	g->counters.compared++;
	if ((!g->agreed || adopts_any(g)) && gateway_tell(g, &e) != 0)
		return;
	g->agreed = true;
	gateway_trouble_over(g);
	g->step = GATEWAY_REST;
	g->step_due = now + g->set.compare_ns;
}

/* A fill may be on its way to us: three times in a row, with nothing said in between, is a difference. */
static void mismatch(struct gateway *g, int64_t now, const char *asset, int64_t ours, int64_t theirs)
{
	char a[FIXED_TEXT_MAX], b[FIXED_TEXT_MAX];
	g->mismatches = g->told == g->told_then ? g->mismatches + 1 : 1;
	g->told_then = g->told;
	g->step = GATEWAY_OPEN;
	g->step_due = now + AGAIN_NS;
	if (g->mismatches < MISMATCHES_MAX)
		return;
	fixed_format_trim(a, sizeof(a), ours, CASH_SCALE);
	fixed_format_trim(b, sizeof(b), theirs, CASH_SCALE);
	snprintf(g->differs, sizeof(g->differs),
		 "The venue has %.40s of %.20s, our books %.40s. Find out why; nj reset takes over the venue's.", b,
		 asset, a);
	g->counters.differed++;
	g->mismatches = 0;
	g->step_due = now + g->set.compare_ns;
}

static void hear_balances(struct gateway *g, int64_t now, const struct gateway_reply *a)
{
	const char *asset, *other = NULL;
	int64_t total, ours = 0, theirs = 0;
	bool adopted = false;
	uint64_t told = 0;
	memset(g->amount, 0, sizeof(g->amount));
	g->complete = g->late = false;
	int rc = g->set.venue->account->reply(VENUE_ACCOUNT_BALANCES, a->status, a->body, on_balance, g);
	if (g->late) {
		gateway_clock_off(g);
		return;
	}
	if (rc != 0 || a->status != 200 || (!g->complete && !g->set.venue->account->replies_omit_zeros)) {
		gateway_trouble(g, "The venue does not tell our balances (status %d).", a->status);
		return;
	}
	for (uint32_t i = 0; i < GATEWAY_ASSETS_MAX && g->core.holds(g->core.ctx, i, &asset, &total); i++) {
		if (total == g->amount[i])
			continue;
		if (g->core.adopts(g->core.ctx, i) && g->amount[i] >= 0) {
			/* What was said meanwhile may be in it, or not. */
			if (g->told == g->told_asked + told)
				told += tell_funds(g, asset, g->amount[i]) == 0;
			adopted = true;
		} else if (!other) {
			other = asset;
			ours = total;
			theirs = g->amount[i];
		}
	}
	g->step = GATEWAY_SETTLE; /* what was taken over is compared, too */
	if (adopted)
		g->step_due = now;
	else if (other)
		mismatch(g, now, other, ours, theirs);
	else
		agree(g, now);
}

void gateway_compare_reply(struct gateway *g, int64_t now, const struct gateway_request *q,
			   const struct gateway_reply *r)
{
	g->step_asked = false;
	switch (q->ask) {
	case GATEWAY_ASK_RIGHTS:
		hear_rights(g, r);
		break;
	case GATEWAY_ASK_OPEN:
		hear_open(g, now, r);
		break;
	default:
		hear_balances(g, now, r);
	}
}
