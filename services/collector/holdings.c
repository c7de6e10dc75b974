/* holdings - what we hold at the venue: polled each minute, told by its stream, one checked against the other. */
#include "services/collector/holding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"

#define SECOND 1000000000LL
#define RETRY_MAX (300 * SECOND)
#define REFUSED_WAIT (300 * SECOND)
#define LIMITED_WAIT (60 * SECOND)
#define RIGHTS_EVERY (3600 * SECOND)
#define SOON SECOND /* between something that only asking tells and the question */
#define FAILURES_TOLD 3

/* ---- telling ---- */

static const char unread[] = "account_unread", differs[] = "account_differs", no_clock[] = "account_clock",
		  no_key[] = "account_refused", withdraws[] = "account_withdraws";

__attribute__((format(printf, 4, 5))) static void tell_people(struct holdings *h, bool raised, const char *rule,
							      const char *format, ...)
{
	enum severity severity = rule == unread || rule == differs ? severity_warning : severity_critical;
	char text[EVENT_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	h->alert(h->alert_ctx, severity, raised, rule, text);
}

static void tell_state(struct holdings *h, int64_t now, uint8_t state, const char *reason, const struct sink *out)
{
	struct event ev;

	event_init(&ev, EVENT_account_state);
	ev.origin = h->origin;
	ev.ts_recv = ev.ts_event = now;
	event_set_name(ev.account_state.account, h->set.account);
	holding_venue(h, ev.account_state.venue);
	ev.account_state.state = state;
	ev.account_state.before = h->state;
	ev.account_state.streamed = h->streamed;
	ev.account_state.known_at = h->known_at;
	ev.account_state.corrections = h->counters.corrections;
	for (uint32_t i = 0; i < h->n; i++) {
		ev.account_state.balances += !h->at[i].position && h->at[i].value.a != 0;
		ev.account_state.positions += h->at[i].position && h->at[i].value.a != 0;
	}
	event_set_text(ev.account_state.reason, reason);
	h->state = state;
	sink_emit(out, &ev);
}

/* ---- what a poll says ---- */

static bool is_older(const struct holdings *h, const struct holding *of, int64_t time)
{
	if (time > 0 && of->value.time > 0 && time != of->value.time)
		return time < of->value.time;
	return of->heard_at >= h->asked_at && of->heard_at > 0;
}

static void polled(struct holdings *h, struct holding *of, const struct holding_value *v, int64_t now,
		   const struct sink *out)
{
	if (is_older(h, of, v->time)) {
		h->counters.late += !holding_same(of, v);
		return;
	}
	if (holding_same(of, v)) {
		of->differs_at = 0;
		of->value.time = v->time > 0 ? v->time : of->value.time;
		return;
	}
	if (!h->steady || (!of->position && h->set.venue->account->cash_is_asked)) {
		of->value = *v;
		of->differs_at = 0;
		holding_tell(h, now, of, learned_polled, out);
		return;
	}
	h->differed = true;
	of->differs = *v;
	if (of->differs_at == 0)
		of->differs_at = now;
}

static void on_polled(struct holdings *h, const struct venue_account_row *row, int64_t now, const struct sink *out)
{
	struct holding_value v = holding_value_of(row);
	struct holding *of = holding_find(h, row);

	if (!holding_usable(h, row)) {
		h->counters.malformed++;
		return;
	}
	if (of == NULL && v.a == 0 && v.b == 0)
		return;
	if (of == NULL && (of = holding_add(h, row)) == NULL)
		return;
	of->round = h->round;
	h->round_time = row->time > h->round_time ? row->time : h->round_time;
	polled(h, of, &v, now, out);
}

static void correct(struct holdings *h, struct holding *of, int64_t now, const struct sink *out)
{
	of->value = of->differs;
	of->differs_at = 0;
	h->counters.corrections++;
	holding_tell(h, now, of, learned_corrected, out);
	tell_people(h, true, differs,
		    "The stream of account %s missed a change of %s; a poll has corrected it. See nj accounts.",
		    h->set.account, of->name);
}

/* ---- the order of questions ---- */

static bool has(const struct holdings *h, enum venue_account_ask ask)
{
	return h->set.venue->account->asks & 1U << ask;
}

static void next_ask(struct holdings *h)
{
	h->cursor[0] = '\0';
	h->ask = h->ask == VENUE_ACCOUNT_RIGHTS                                          ? VENUE_ACCOUNT_BALANCES
		 : h->ask == VENUE_ACCOUNT_BALANCES && has(h, VENUE_ACCOUNT_POSITIONS) ? VENUE_ACCOUNT_POSITIONS
											 : VENUE_ACCOUNT_ASKS;
}

static void begin_round(struct holdings *h, int64_t now)
{
	bool rights = has(h, VENUE_ACCOUNT_RIGHTS) && (h->rights_at == 0 || now - h->rights_at >= RIGHTS_EVERY);

	h->round++;
	h->differed = false;
	h->round_time = 0;
	h->cursor[0] = '\0';
	h->ask = rights ? VENUE_ACCOUNT_RIGHTS : VENUE_ACCOUNT_BALANCES;
}

static void end_round(struct holdings *h, int64_t now, const struct sink *out)
{
	const struct venue_account *v = h->set.venue->account;
	const struct holding_value nothing = {.time = v->one_time ? h->round_time : 0};

	for (uint32_t i = 0; v->replies_omit_zeros && i < h->n; i++)
		if (h->at[i].round != h->round)
			polled(h, &h->at[i], &nothing, now, out);
	h->ask = VENUE_ACCOUNT_ASKS;
	h->failures = 0;
	h->known_at = now;
	h->due = now + h->set.every_ns;
	tell_people(h, false, unread, "Account %s is read again.", h->set.account);
	tell_people(h, false, no_key, "The key of account %s is taken again.",
		    h->set.account);
	tell_people(h, false, no_clock, "The clock is good enough to sign by again.");
	if (h->steady && !h->differed)
		tell_people(h, false, differs,
			    "The stream of account %s agrees with a poll again.", h->set.account);
	h->steady = h->streamed;
	if (h->state != account_state_known)
		tell_state(h, now, account_state_known, "answered in full", out);
}

/* ---- what goes wrong ---- */

static void failed(struct holdings *h, int64_t now, const char *why, int64_t wait_ns, const struct sink *out)
{
	int64_t longest = h->set.every_ns < RETRY_MAX ? h->set.every_ns : RETRY_MAX, delay = SECOND;

	for (uint32_t i = 0; i < h->failures && delay < longest; i++)
		delay *= 2;
	h->counters.failures++;
	h->failures++;
	h->asked = false;
	h->ask = VENUE_ACCOUNT_ASKS;
	h->due = now + (wait_ns > 0 ? wait_ns : delay < longest ? delay : longest);
	if (h->failures >= FAILURES_TOLD)
		tell_people(h, true, unread,
			    "Account %s cannot be read: %s. It is asked again, ever more seldom.", h->set.account, why);
	(void)out;
}

/* The wait doubles up to an hour: a key that is refused is not tried in a storm. */
static void refused(struct holdings *h, int64_t now, const char *why, const struct sink *out)
{
	int64_t wait = REFUSED_WAIT;

	for (uint32_t i = 0; i < h->failures && wait < RIGHTS_EVERY; i++)
		wait *= 2;
	h->counters.refusals++;
	h->failures++;
	h->asked = false;
	h->ask = VENUE_ACCOUNT_ASKS;
	h->rights_at = 0;
	h->due = now + (wait < RIGHTS_EVERY ? wait : RIGHTS_EVERY);
	tell_people(h, true, no_key, "%s", why);
	if (h->state != account_state_refused)
		tell_state(h, now, account_state_refused, why, out);
}

static void on_error(struct holdings *h, const struct venue_account_row *row, int64_t now, int64_t wait_ns,
		     const struct sink *out)
{
	char why[EVENT_TEXT_MAX];

	switch (row->error) {
	case VENUE_ACCOUNT_KEY:
		snprintf(why, sizeof(why),
			 "The venue refuses the key of account %s (%lld): check collector.key_id, that reading is "
			 "enabled "
			 "for it and this address allowed.",
			 h->set.account, (long long)row->code);
		refused(h, now, why, out);
		return;
	case VENUE_ACCOUNT_SIGNATURE:
		snprintf(why, sizeof(why),
			 "The venue finds the signatures of account %s wrong: collector.key_file is not the key of "
			 "collector.key_id.",
			 h->set.account);
		refused(h, now, why, out);
		return;
	case VENUE_ACCOUNT_CLOCK:
		tell_people(h, true, no_clock,
			    "The venue finds our requests for account %s out of time: check the time service.",
			    h->set.account);
		failed(h, now, "the clock is off", LIMITED_WAIT, out);
		return;
	case VENUE_ACCOUNT_OTHER: break;
	}
	/* Where the venue has no such endpoint (a test network), what the key may do stays unknown. */
	if (h->ask == VENUE_ACCOUNT_RIGHTS && row->code == 404) {
		h->rights_at = now;
		return;
	}
	snprintf(why, sizeof(why), "the venue says %lld %.60s", (long long)row->code, row->name);
	failed(h, now, why, wait_ns, out);
}

static void on_rights(struct holdings *h, const struct venue_account_row *row, int64_t now, const struct sink *out)
{
	char why[EVENT_TEXT_MAX];

	h->rights_at = now;
	tell_people(h, row->withdraws, withdraws,
		    row->withdraws ? "The key of account %s may withdraw or transfer: reading needs no such right, "
				     "take "
				     "it from the key."
				   : "The key of account %s may not withdraw.",
		    h->set.account);
	if (!row->withdraws || h->set.withdrawals)
		return;
	snprintf(why, sizeof(why),
		 "The key of account %s may withdraw, which collector.account_withdrawals refuses: take the right from "
		 "the key.",
		 h->set.account);
	refused(h, now, why, out);
}

/* ---- answers ---- */

struct reading {
	struct holdings *h;
	const struct sink *out;
	int64_t now, wait_ns;
	bool more, ended;
	enum holdings_word word;
};

static void on_reply_row(void *ctx, const struct venue_account_row *row)
{
	struct reading *r = ctx;
	struct holdings *h = r->h;

	if (row->kind == VENUE_ACCOUNT_BALANCE || row->kind == VENUE_ACCOUNT_POSITION)
		on_polled(h, row, r->now, r->out);
	else if (row->kind == VENUE_ACCOUNT_MAY)
		on_rights(h, row, r->now, r->out);
	else if (row->kind == VENUE_ACCOUNT_ERROR)
		on_error(h, row, r->now, r->wait_ns, r->out);
	if (row->kind == VENUE_ACCOUNT_MORE) {
		r->more = strcmp(h->cursor, row->name) != 0;
		memcpy(h->cursor, row->name, sizeof(h->cursor));
	}
}

void holdings_on_answer(struct holdings *h, int64_t now, const struct holdings_answer *a, const struct sink *out)
{
	int64_t limit = a->status == 429 || a->status == 418 ? LIMITED_WAIT : 0;
	struct reading r = {.h = h, .out = out, .now = now,
			    .wait_ns = a->retry_after_ns > limit ? a->retry_after_ns : limit};

	if (!h->asked)
		return; /* too late: it was given up */
	h->asked = false;
	h->origin = a->origin;
	h->counters.polls++;
	if (a->status == 0) {
		failed(h, now, "no answer", 0, out);
		return;
	}
	int rc = h->set.venue->account->reply(h->ask, a->status, (struct json_str){a->body, a->len, false},
					      on_reply_row, &r);
	if (rc < 0) {
		h->counters.malformed++;
		failed(h, now, err_text(rc), 0, out);
	}
	if (rc < 0 || h->ask == VENUE_ACCOUNT_ASKS)
		return;
	if (!r.more)
		next_ask(h);
	if (h->ask == VENUE_ACCOUNT_ASKS)
		end_round(h, now, out);
	else
		h->due = now;
}

bool holdings_next(struct holdings *h, int64_t now, struct holdings_question *ret_q, const struct sink *out)
{
	int64_t from = h->known_at > 0 ? h->known_at : h->since;

	if (!h->started)
		return false;
	if (h->asked && h->due <= now)
		failed(h, now, "no answer", 0, out);
	for (uint32_t i = 0; i < h->n; i++)
		if (h->at[i].differs_at != 0 && now - h->at[i].differs_at >= HOLDINGS_GRACE_NS)
			correct(h, &h->at[i], now, out);
	if (h->state == account_state_known && now - from >= h->set.stale_ns) {
		tell_state(h, now, account_state_stale, "not answered for too long", out);
		tell_people(h, true, unread,
			    "Account %s has not been read for %lld s; what is shown of it may be old.", h->set.account,
			    (long long)((now - from) / SECOND));
	}
	if (h->asked || h->unsafe || h->due > now)
		return false;
	if (h->ask == VENUE_ACCOUNT_ASKS)
		begin_round(h, now);
	h->asked = true;
	h->asked_at = now;
	h->due = now + HOLDINGS_WAIT_NS;
	*ret_q = (struct holdings_question){h->ask, h->cursor};
	return true;
}

void holdings_hold(struct holdings *h, int64_t until)
{
	if (!h->asked && h->due < until)
		h->due = until;
}

int64_t holdings_due(const struct holdings *h)
{
	return h->started ? h->due : CORE_NEVER;
}

/* ---- the stream ---- */

static void on_streamed(struct holdings *h, const struct venue_account_row *row, int64_t now, const struct sink *out)
{
	struct holding_value v = holding_value_of(row);
	struct holding *of = holding_find(h, row);

	if (!holding_usable(h, row)) {
		h->counters.malformed++;
		return;
	}
	if (of != NULL && row->time > 0 && row->time < of->value.time) {
		h->counters.late++;
		return;
	}
	if (of == NULL && v.a == 0 && v.b == 0)
		return;
	if (of == NULL && (of = holding_add(h, row)) == NULL)
		return;
	bool news = !holding_same(of, &v);
	of->value = v;
	of->heard_at = now;
	of->differs_at = 0;
	h->counters.streamed++;
	if (news)
		holding_tell(h, now, of, learned_streamed, out);
}

static void on_event_row(void *ctx, const struct venue_account_row *row)
{
	struct reading *r = ctx;
	struct holdings *h = r->h;

	h->counters.unknown += row->unknown;
	if (row->kind == VENUE_ACCOUNT_BALANCE || row->kind == VENUE_ACCOUNT_POSITION)
		on_streamed(h, row, r->now, r->out);
	if (row->kind == VENUE_ACCOUNT_CHANGED && !h->asked && h->due > r->now + SOON && h->failures == 0)
		h->due = r->now + SOON;
	if (row->kind == VENUE_ACCOUNT_SUBSCRIBED)
		r->word = HOLDINGS_SUBSCRIBED;
	if (row->kind == VENUE_ACCOUNT_ENDED || row->kind == VENUE_ACCOUNT_ERROR)
		r->word = HOLDINGS_RECONNECT;
	if (row->kind == VENUE_ACCOUNT_ERROR && row->error == VENUE_ACCOUNT_CLOCK)
		tell_people(h, true, no_clock,
			    "The venue finds our requests for account %s out of time: check the time service.",
			    h->set.account);
}

static void on_subscribed(struct holdings *h, int64_t now, const struct sink *out)
{
	h->streamed = true;
	h->steady = false;
	if (!h->asked && h->failures == 0)
		h->due = now; /* what changed meanwhile */
	tell_state(h, now, h->state, "the stream is there", out);
}

enum holdings_word holdings_on_event(struct holdings *h, int64_t now, const char *text, size_t len,
				     const struct sink *out)
{
	struct reading r = {.h = h, .out = out, .now = now};
	int rc = h->set.venue->account->event((struct json_str){text, len, false}, on_event_row, &r);

	if (rc < 0) {
		h->counters.malformed++;
		h->steady = false; /* whatever it said is not known: the next round is taken as it comes */
		if (!h->asked && h->due > now + SOON && h->failures == 0)
			h->due = now + SOON;
	}
	if (r.word == HOLDINGS_SUBSCRIBED)
		on_subscribed(h, now, out);
	return r.word;
}

void holdings_on_stream_lost(struct holdings *h, int64_t now, const struct sink *out)
{
	if (!h->streamed)
		return;
	h->streamed = h->steady = false;
	for (uint32_t i = 0; i < h->n; i++) /* a difference is no fault of a stream that is gone */
		h->at[i].differs_at = 0;
	tell_state(h, now, h->state, "the stream is gone, polls go on", out);
}

void holdings_on_clock(struct holdings *h, int64_t certain_ns, int64_t window_ns)
{
	bool unsafe = certain_ns >= window_ns / 2;

	if (unsafe)
		tell_people(h, true, no_clock,
			    "The clock is %lld ms off, half of collector.account_window or more: nothing is signed "
			    "until it "
			    "is not. Check the time service.",
			    (long long)(certain_ns / 1000000));
	else if (h->unsafe)
		tell_people(h, false, no_clock, "The clock is good enough to sign by again.");
	h->unsafe = unsafe;
}

/* ---- life ---- */

void holdings_init(struct holdings *h, const struct holdings_settings *set, holdings_alert_fn alert, void *ctx)
{
	*h = (struct holdings){.set = *set, .alert = alert, .alert_ctx = ctx, .origin = origin_simulated};
	h->state = account_state_unknown;
	h->ask = VENUE_ACCOUNT_ASKS;
}

void holdings_start(struct holdings *h, int64_t now, const struct sink *out)
{
	h->started = true;
	h->due = h->since = now;
	(void)out;
}
