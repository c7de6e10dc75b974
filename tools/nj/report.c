/* report - what a run came to, folded from its lane-X records. */
#include "tools/nj/report.h"

#include <string.h>

#include "common/base/check.h"

/* A fresh account is opened at the beginning of event time, in 1970, before any market: that is no part of the span. */
#define OPENING_END INT64_C(86400000000000)

void report_init(struct report *r)
{
	memset(r, 0, sizeof *r);
	hist_init(&r->intent_age);
}

static void on_fill(struct report *r, const struct event *ev)
{
	if (ev->fill.liquidity == liquidity_maker)
		r->makers++;
	else
		r->takers++;
}

/* NULL: there are too many. */
static struct report_account *account_of(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n_accounts; i++)
		if (strcmp(r->account[i].name, name) == 0)
			return &r->account[i];
	if (r->n_accounts == REPORT_ACCOUNTS_MAX)
		return NULL;
	struct report_account *a = &r->account[r->n_accounts++];
	event_set_name(a->name, name);
	return a;
}

static void on_equity(struct report *r, const struct event *ev)
{
	struct report_account *a = account_of(r, ev->equity.account);
	if (!a)
		return;
	/* An account that is opened with assets has no market for them yet. */
	bool first = !a->has_equity || (!a->first.marked && ev->equity.marked);
	if (first)
		a->first = ev->equity;
	a->has_equity = true;
	a->last = ev->equity;
	if (!ev->equity.marked)
		return;
	if (a->funded && !first) {
		int64_t by = ev->equity.equity - a->worth;
		a->first.equity += by;
		a->taken += by;
		a->was_funded = true;
	}
	a->funded = false;
	a->worth = ev->equity.equity;
}

/* What a live account takes over from its venue is no result (stats.h). */
static void on_venue(struct report *r, const struct event *ev)
{
	struct report_account *a =
		ev->venue_report.says == venue_says_funds ? account_of(r, ev->venue_report.account) : NULL;
	if (a)
		a->funded = true;
}

static void on_gap(struct report *r, const struct event *ev)
{
	const struct ev_gap *g = &ev->gap;
	if (g->repair == repair_none_missed)
		return;
	size_t i = 0;
	r->gaps_total++;
	while (i < r->n_gaps &&
	       (r->gap[i].cause != g->cause || strcmp(r->gap[i].stream, g->stream) != 0))
		i++;
	if (i == REPORT_GAPS_MAX)
		return;
	if (i == r->n_gaps) {
		r->n_gaps++;
		memcpy(r->gap[i].stream, g->stream, sizeof g->stream);
		r->gap[i].cause = g->cause;
	}
	r->gap[i].count++;
	if (g->from > 0 && g->to > g->from)
		r->gap[i].blind_ns += g->to - g->from;
}

static void feed_until(struct report_feed *f, int64_t until)
{
	if (until <= f->since)
		return;
	if (f->state == feed_live)
		f->live_ns += until - f->since;
	else
		f->down_ns += until - f->since;
	f->since = until;
}

static void on_feed(struct report *r, const struct event *ev)
{
	const struct ev_feed_state *s = &ev->feed_state;
	size_t i = 0;
	while (i < r->n_feeds && (r->feed[i].connection != s->connection ||
				  strcmp(r->feed[i].venue, s->venue) != 0 ||
				  strcmp(r->feed[i].source, ev->source) != 0))
		i++;
	if (i == REPORT_FEEDS_MAX)
		return;
	struct report_feed *f = &r->feed[i];
	if (i == r->n_feeds) {
		r->n_feeds++;
		memcpy(f->venue, s->venue, sizeof s->venue);
		event_set_name(f->source, ev->source);
		f->connection = s->connection;
		f->since = ev->ts_recv;
	}
	feed_until(f, ev->ts_recv);
	f->state = s->state;
}

static void on_intent(struct report *r, const struct event *ev)
{
	r->intents++;
	int64_t age = ev->ts_sent - ev->intent.cause_at;
	if (ev->origin != origin_replay && ev->intent.cause_at > 0 && age >= 0)
		hist_record(&r->intent_age, (uint64_t)age);
}

static void on_alert(struct report *r, const struct event *ev)
{
	if (ev->alert.state != alert_state_raised)
		return;
	if (ev->alert.severity == severity_critical)
		r->alerts_critical++;
	else
		r->alerts_warning++;
}

static void on_trading(struct report *r, const struct event *ev)
{
	struct report_account *a = account_of(r, ev->trading_state.account);
	if (a)
		a->trading = ev->trading_state;
	r->safe_entered += ev->trading_state.state == trading_safe;
}

static void on_stamp(struct report *r, const struct event *ev)
{
	if (ev->ts_recv < OPENING_END)
		return;
	if (r->first == 0 || ev->ts_recv < r->first)
		r->first = ev->ts_recv;
	if (ev->ts_recv > r->last)
		r->last = ev->ts_recv;
}

static void on_parity(struct report *r, const struct event *ev)
{
	uint64_t n = ev->parity.count ? ev->parity.count : 1;
	if (ev->parity.cause != parity_cause_unheard) /* that is of no input */
		r->parity += n;
	if (ev->parity.cause < ARRAY_LEN(r->parity_of))
		r->parity_of[ev->parity.cause] += n;
}

/* What the run was about; a feed that never came up says nothing of the data. */
static bool is_of_the_account(uint16_t id)
{
	return id == EVENT_intent || id == EVENT_order || id == EVENT_fill || id == EVENT_equity ||
	       id == EVENT_balance || id == EVENT_position;
}

void report_on_event(struct report *r, const struct event *ev)
{
	r->records++;
	if (is_of_the_account(ev->id) && ev->origin < ARRAY_LEN(r->by_origin))
		r->by_origin[ev->origin]++;
	on_stamp(r, ev);
	switch (ev->id) {
	case EVENT_fill: on_fill(r, ev); break;
	case EVENT_order: r->partials += ev->order.status == order_status_partial; break;
	case EVENT_equity: on_equity(r, ev); break;
	case EVENT_venue_report: on_venue(r, ev); break;
	case EVENT_gap: on_gap(r, ev); break;
	case EVENT_feed_state: on_feed(r, ev); break;
	case EVENT_intent: on_intent(r, ev); break;
	case EVENT_parity: on_parity(r, ev); break;
	case EVENT_assumption: assumed_on_event(&r->assumed, ev); break;
	case EVENT_alert: on_alert(r, ev); break;
	case EVENT_trading_state: on_trading(r, ev); break;
	default: break;
	}
}

void report_end(struct report *r, int64_t now)
{
	for (size_t i = 0; i < r->n_feeds; i++)
		feed_until(&r->feed[i], now);
}
