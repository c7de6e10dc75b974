/* test_sequencer - order of event time: promises, bounds, late arrivals, and that their record repeats the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/service/core.h"
#include "common/service/sequencer.h"

#define MS INT64_C(1000000)

struct step { /* what the core saw */
	char what; /* 'e' event, 't' timer */
	char from[EVENT_SOURCE_MAX];
	int64_t now, at;
};

struct exception {
	char publisher[EVENT_SOURCE_MAX];
	int64_t at, applied_at;
};

struct fixture {
	struct sequencer sq;
	struct step seen[4096];
	size_t n;
	struct exception late[4096];
	size_t n_late;
	struct exception unheard[2048]; /* as a shell puts it on record before each result: one a step */
	size_t n_unheard, unheard_before[4096], late_before[4096];
	bool records;
	struct sequencer_conflation conflation[64];
	size_t n_conflations;
	struct accounts accounts;
	int64_t due;
};

/* The last one of each input is what counts. */
static void note_unheard(struct fixture *f)
{
	for (uint32_t i = 0; i < f->sq.n; i++) {
		const struct sequencer_input *in = &f->sq.in[i];
		int64_t until = sequencer_unheard(&f->sq, in);
		if (until == 0)
			continue;
		struct exception *e = &f->unheard[f->n_unheard++];
		memcpy(e->publisher, in->publisher, sizeof e->publisher);
		e->at = in->last_at;
		e->applied_at = until;
	}
	f->unheard_before[f->n] = f->n_unheard;
	f->late_before[f->n] = f->n_late;
}

static void apply(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct fixture *f = ctx;
	if (f->records)
		note_unheard(f);
	struct step *s = &f->seen[f->n++];
	s->what = 'e';
	memcpy(s->from, in->publisher, sizeof s->from);
	s->now = now;
	s->at = ev->ts_recv;
}

static int64_t next_due(void *ctx)
{
	return ((struct fixture *)ctx)->due;
}

static void fire(void *ctx, int64_t due)
{
	struct fixture *f = ctx;
	f->seen[f->n++] = (struct step){.what = 't', .now = due, .at = due};
	f->due = CORE_NEVER;
}

static void late(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t applied_at)
{
	struct fixture *f = ctx;
	struct exception *e = &f->late[f->n_late++];
	memcpy(e->publisher, in->publisher, sizeof e->publisher);
	e->at = ev->ts_recv;
	e->applied_at = applied_at;
}

static bool ready(void *ctx)
{
	return ctx != NULL;
}

static bool replaceable(void *ctx, uint16_t id)
{
	(void)ctx;
	return id == EVENT_top;
}

static bool conflate(void *ctx, struct sequencer_input *in, const struct sequencer_conflation *c)
{
	struct fixture *f = ctx;
	(void)in;
	f->conflation[f->n_conflations++] = *c;
	return true;
}

static void apply_quietly(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct fixture *f = ctx;
	apply(ctx, in, now, ev);
	f->seen[f->n - 1].what = 'q';
}

static const struct sequencer_ops ops = {
	.apply = apply, .next_due = next_due, .fire = fire, .late = late, .ready = ready,
	.replaceable = replaceable, .conflate = conflate, .apply_quietly = apply_quietly};

static struct fixture *make(void)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->due = CORE_NEVER;
	assert_int_equal(sequencer_init(&f->sq, &ops, f), 0);
	assert_int_equal(accounts_init(&f->accounts, 16), 0);
	return f;
}

static void drop(struct fixture *f)
{
	sequencer_fini(&f->sq);
	accounts_fini(&f->accounts);
	free(f);
}

static struct sequencer_input *add(struct fixture *f, const char *name, enum sequencer_class class, int64_t wait)
{
	struct sequencer_input *in;
	assert_int_equal(sequencer_add(&f->sq, name, class, wait, 1 << 20, &in), 0);
	return in;
}

static int push(struct fixture *f, struct sequencer_input *in, int64_t at, int64_t mono)
{
	struct event ev;
	uint8_t bytes[512];
	event_init(&ev, EVENT_trade);
	memcpy(ev.source, in->publisher, sizeof ev.source);
	symbol_make("BTCUSDT", 7, "BINANCE", &ev.trade.instrument);
	ev.ts_recv = at;
	ev.seq = 1;
	int n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	return sequencer_push(&f->sq, in, &ev, bytes, (size_t)n, mono);
}

static void step(struct fixture *f, int64_t mono)
{
	int64_t wake;
	sequencer_step(&f->sq, mono, 100000, &wake);
}

static void waits_for_every_promise(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "a", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *b = add(f, "b", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	push(f, a, 100, 0);
	push(f, a, 200, 0);
	step(f, 1000 * MS);
	assert_int_equal(f->n, 0);
	sequencer_promise(&f->sq, b, 150);
	step(f, 1000 * MS);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->seen[0].now, 100);
	push(f, b, 160, 0);
	sequencer_promise(&f->sq, b, 1000);
	step(f, 1000 * MS);
	assert_int_equal(f->n, 3);
	assert_string_equal(f->seen[1].from, "b");
	assert_int_equal(f->seen[2].now, 200);
	assert_int_equal(f->n_late, 0);
	drop(f);
}

/* Several collectors may give the same stamp: the order of the inputs, which is that of their names, decides; and what
 * arrives first does not. */
static void equal_times_of_markets_go_by_input(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "collector-1", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *b = add(f, "collector-2", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	push(f, b, 100, 0);
	step(f, 0);
	assert_int_equal(f->n, 0); /* the first may still say something of the same time */
	push(f, a, 100, 0);
	push(f, b, 101, 0);
	push(f, a, 102, 0);
	step(f, 0);
	assert_int_equal(f->n, 4);
	assert_string_equal(f->seen[0].from, "collector-1");
	assert_string_equal(f->seen[1].from, "collector-2");
	assert_int_equal(f->seen[2].now, 101);
	assert_string_equal(f->seen[3].from, "collector-1"); /* the second comes behind it, whatever it says of 102 */
	assert_int_equal(f->n_late, 0);
	drop(f);
}

/* A recording that has ended holds back nobody; when all have, time stands where the last one ended. */
static void an_ended_market_holds_back_nobody(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "a", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *b = add(f, "b", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	f->due = 500;
	push(f, a, 100, 0);
	push(f, b, 300, 0);
	step(f, 0);
	assert_int_equal(f->n, 1);
	sequencer_promise(&f->sq, a, 120);
	sequencer_quiet(a, CORE_NEVER);
	step(f, 0);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->seen[1].now, 300);
	assert_int_equal(sequencer_handled(&f->sq), 300);
	sequencer_promise(&f->sq, b, 400);
	assert_int_equal(sequencer_handled(&f->sq), 400);
	sequencer_quiet(b, CORE_NEVER);
	step(f, 0);
	assert_int_equal(f->n, 2); /* the timer's time never comes */
	assert_int_equal(sequencer_handled(&f->sq), 400);
	/* Started anew, it may say something again. */
	sequencer_quiet(a, 120);
	assert_int_equal(sequencer_handled(&f->sq), 299);
	drop(f);
}

static void equal_times_go_market_intent_timer(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *i = add(f, "intents", SEQUENCE_INTENT, SEQUENCER_FOREVER);
	struct sequencer_input *m = add(f, "market", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	f->due = 100;
	push(f, i, 100, 0);
	push(f, m, 100, 0);
	sequencer_promise(&f->sq, m, 100);
	sequencer_promise(&f->sq, i, 100);
	step(f, 0);
	assert_int_equal(f->n, 3);
	assert_string_equal(f->seen[0].from, "market");
	assert_string_equal(f->seen[1].from, "intents");
	assert_int_equal(f->seen[2].what, 't');
	assert_int_equal(f->n_late, 0);
	drop(f);
}

static void an_equal_time_of_a_later_class_does_not_block(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *m = add(f, "market", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *i = add(f, "intents", SEQUENCE_INTENT, SEQUENCER_FOREVER);
	push(f, m, 100, 0);
	sequencer_promise(&f->sq, i, 98);
	step(f, 0);
	assert_int_equal(f->n, 0);
	sequencer_promise(&f->sq, i, 99);
	step(f, 0);
	assert_int_equal(f->n, 1);
	drop(f);
}

static void a_timer_runs_before_any_later_event(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *m = add(f, "market", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	f->due = 150;
	push(f, m, 100, 0);
	step(f, 0);
	assert_int_equal(f->n, 1); /* nobody knows yet that 150 has come */
	push(f, m, 200, 0);
	step(f, 0);
	assert_int_equal(f->n, 3);
	assert_int_equal(f->seen[1].what, 't');
	assert_int_equal(f->seen[1].now, 150);
	assert_int_equal(f->seen[2].now, 200);
	drop(f);
}

static void waiting_ends_after_the_bound_and_late_is_on_record(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "a", SEQUENCE_MARKET, 1 * MS);
	struct sequencer_input *b = add(f, "b", SEQUENCE_INTENT, 50 * MS);
	int64_t wake;
	push(f, a, 100, 10 * MS);
	assert_int_equal(sequencer_step(&f->sq, 20 * MS, 100, &wake), 0);
	assert_int_equal(wake, 60 * MS);
	assert_int_equal(sequencer_step(&f->sq, 60 * MS, 100, &wake), 1);
	push(f, b, 90, 61 * MS);
	step(f, 61 * MS);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->n_late, 1);
	assert_int_equal(f->late[0].at, 90);
	assert_int_equal(f->late[0].applied_at, 101);
	assert_int_equal(f->seen[1].now, 101);
	drop(f);
}

static void handled_never_promises_too_much(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "a", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *b = add(f, "b", SEQUENCE_INTENT, SEQUENCER_FOREVER);
	sequencer_promise(&f->sq, a, 500);
	sequencer_promise(&f->sq, b, 300);
	assert_int_equal(sequencer_handled(&f->sq), 300);
	push(f, a, 600, 0);
	push(f, b, 400, 0);
	assert_int_equal(sequencer_handled(&f->sq), 399);
	f->due = 350;
	assert_int_equal(sequencer_handled(&f->sq), 349);
	drop(f);
}

/* A full queue refuses: the caller replays later; nothing is dropped behind his back. */
static void a_full_queue_refuses(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *in;
	assert_int_equal(sequencer_add(&f->sq, "small", SEQUENCE_MARKET, 0, 4096, &in), 0);
	int64_t at = 1;
	int rc;
	while ((rc = push(f, in, at, 0)) == 0)
		at++;
	assert_int_equal(rc, ERR_FULL);
	step(f, 0);
	assert_int_equal(f->n, (size_t)(at - 1));
	assert_int_equal(push(f, in, at, 0), 0);
	drop(f);
}

/* Random arrivals with short bounds: many are late. Fed again with the record of what was late, with patience
 * without end and in another order of arrival, the core sees the very same sequence. */
static void the_record_of_late_inputs_repeats_the_run(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct rng r;
		rng_seed(&r, seed);
		struct fixture *live = make(), *again = make();
		struct sequencer_input *in[3], *in2[3];
		static const char *const names[] = {"m", "i", "l"};
		static const enum sequencer_class classes[] = {SEQUENCE_MARKET, SEQUENCE_INTENT, SEQUENCE_LEDGER};
		int64_t stamps[3][200], last[3] = {0, 0, 0};
		for (int k = 0; k < 3; k++) {
			in[k] = add(live, names[k], classes[k], (int64_t)rng_below(&r, 3) * MS);
			in2[k] = add(again, names[k], classes[k], SEQUENCER_FOREVER);
			for (int i = 0; i < 200; i++)
				stamps[k][i] = last[k] += 1 + (int64_t)rng_below(&r, 20);
		}
		int at[3] = {0, 0, 0};
		int64_t mono = 0;
		while (at[0] + at[1] + at[2] < 600) {
			int k = (int)rng_below(&r, 3);
			if (at[k] < 200)
				push(live, in[k], stamps[k][at[k]], mono), at[k]++;
			mono += (int64_t)rng_below(&r, 2) * MS;
			step(live, mono);
		}
		step(live, mono + 1000 * MS);
		assert_int_equal(live->n, 600);
		assert_true(live->n_late > 0);
		for (size_t i = 0; i < live->n_late; i++)
			assert_int_equal(sequencer_except(&again->sq, live->late[i].publisher, live->late[i].at,
							  live->late[i].applied_at), 0);
		for (int k = 2; k >= 0; k--) {
			for (int i = 0; i < 200; i++)
				push(again, in2[k], stamps[k][i], 0);
			step(again, 0);
			sequencer_promise(&again->sq, in2[k], CORE_NEVER);
		}
		step(again, 0);
		assert_int_equal(again->n, 600);
		assert_int_equal(again->n_late, 0);
		for (size_t i = 0; i < 600; i++) {
			assert_string_equal(live->seen[i].from, again->seen[i].from);
			assert_int_equal(live->seen[i].now, again->seen[i].now);
			assert_int_equal(live->seen[i].at, again->seen[i].at);
		}
		drop(live);
		drop(again);
	}
}

/* The conditional promise is for one receiver: that it sends nothing says nothing of what another one sends. */
enum { CUT_INPUTS = 3, CUT_EVENTS = 60 };
static const char *const cut_names[CUT_INPUTS] = {"m", "i", "l"};
static const enum sequencer_class cut_classes[CUT_INPUTS] = {SEQUENCE_MARKET, SEQUENCE_INTENT, SEQUENCE_LEDGER};

static void arrive(struct fixture *f, struct sequencer_input *in[CUT_INPUTS], int64_t stamps[][CUT_EVENTS],
		   struct rng *r)
{
	int at[CUT_INPUTS] = {0};
	int64_t mono = 0;
	for (int left = CUT_INPUTS * CUT_EVENTS; left > 0; mono += (int64_t)rng_below(r, 2) * MS) {
		int k = (int)rng_below(r, CUT_INPUTS);
		if (at[k] == CUT_EVENTS)
			continue;
		push(f, in[k], stamps[k][at[k]++], mono);
		left--;
		step(f, mono);
	}
	step(f, mono + 1000 * MS);
}

/* A life that ended behind its n-th result: the records that were made until then, and all inputs from the start. */
static void repeats_up_to(struct fixture *live, int64_t stamps[][CUT_EVENTS], size_t n)
{
	struct fixture *again = make();
	struct sequencer_input *in[CUT_INPUTS];
	for (int k = 0; k < CUT_INPUTS; k++)
		in[k] = add(again, cut_names[k], cut_classes[k], SEQUENCER_FOREVER);
	for (size_t i = 0; i < live->late_before[n - 1]; i++)
		assert_int_equal(sequencer_except(&again->sq, live->late[i].publisher, live->late[i].at,
						  live->late[i].applied_at), 0);
	for (size_t i = 0; i < live->unheard_before[n - 1]; i++)
		assert_int_equal(sequencer_hold(&again->sq, live->unheard[i].publisher, live->unheard[i].at,
						live->unheard[i].applied_at), 0);
	for (int k = CUT_INPUTS - 1; k >= 0; k--) {
		for (int i = 0; i < CUT_EVENTS; i++)
			push(again, in[k], stamps[k][i], 0);
		sequencer_promise(&again->sq, in[k], CORE_NEVER);
	}
	step(again, 0);
	assert_int_equal(again->n, CUT_INPUTS * CUT_EVENTS);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(live->seen[i].from, again->seen[i].from);
		assert_int_equal(live->seen[i].now, again->seen[i].now);
		assert_int_equal(live->seen[i].at, again->seen[i].at);
	}
	for (size_t i = n; i < again->n; i++)
		assert_true(again->seen[i].now >= again->seen[i - 1].now);
	drop(again);
}

/* Killed behind any result, before what it was made without has come: a restart makes the same results. */
static void a_life_cut_anywhere_is_repeated(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct rng r;
		struct fixture *live = make();
		struct sequencer_input *in[CUT_INPUTS];
		int64_t stamps[CUT_INPUTS][CUT_EVENTS];
		rng_seed(&r, seed);
		for (int k = 0; k < CUT_INPUTS; k++) {
			in[k] = add(live, cut_names[k], cut_classes[k], (int64_t)rng_below(&r, 3) * MS);
			int64_t last = 0;
			for (int i = 0; i < CUT_EVENTS; i++)
				stamps[k][i] = last += 1 + (int64_t)rng_below(&r, 4); /* equal ones of two, too */
		}
		live->records = true;
		arrive(live, in, stamps, &r);
		assert_int_equal(live->n, CUT_INPUTS * CUT_EVENTS);
		assert_true(live->n_late > 0 && live->n_unheard > 0);
		for (size_t n = 1; n <= live->n; n++)
			repeats_up_to(live, stamps, n);
		drop(live);
	}
}

/* Where waiting never ends, nothing is made without anything. */
static void lockstep_hears_everything(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *a = add(f, "a", SEQUENCE_MARKET, SEQUENCER_FOREVER);
	struct sequencer_input *b = add(f, "b", SEQUENCE_INTENT, SEQUENCER_FOREVER);
	f->records = true;
	for (int64_t at = 1; at < 100; at++) {
		push(f, at % 3 ? a : b, at, at * MS);
		step(f, at * MS);
	}
	assert_true(f->n > 50);
	assert_int_equal(f->n_unheard, 0);
	assert_int_equal(sequencer_hold(&f->sq, "c", 1, 2), ERR_NOT_FOUND);
	drop(f);
}

static void quiet_leaves_out_one_receiver_only(void **state)
{
	(void)state;
	for (int receivers = 1; receivers <= 2; receivers++) {
		struct fixture *f = make();
		struct sequencer_input *market = add(f, "m", SEQUENCE_MARKET, SEQUENCER_FOREVER), *one, *other;
		one = add(f, "one", SEQUENCE_INTENT, SEQUENCER_FOREVER);
		sequencer_promise(&f->sq, market, 1000);
		sequencer_promise(&f->sq, one, 500);
		if (receivers == 2) {
			other = add(f, "other", SEQUENCE_INTENT, SEQUENCER_FOREVER);
			sequencer_promise(&f->sq, other, 300);
		}
		/* Told to `one` as 1000, the other's intent for 301 would come in its past. */
		assert_int_equal(sequencer_handled_quiet(&f->sq), receivers == 1 ? 1000 : 300);
		assert_int_equal(sequencer_handled(&f->sq), receivers == 1 ? 500 : 300);
		drop(f);
	}
}

/* ---- conflation ---- */

/* A market event as an inbox delivers it: with the account of its topic. */
static void feed(struct fixture *f, struct sequencer_input *in, uint16_t id, const char *raw, int64_t at)
{
	uint8_t bytes[512];
	char topic[TOPIC_MAX];
	struct event ev;
	event_init(&ev, id);
	memcpy(ev.source, "market", 7);
	ev.ts_recv = at;
	symbol_make(raw, strlen(raw), "BINANCE", id == EVENT_top ? &ev.top.instrument : &ev.trade.instrument);
	int len = topic_of(&ev, topic);
	struct account *a = accounts_get(&f->accounts, topic, (size_t)len);
	ev.epoch = 1;
	ev.seq = a->last + 1;
	int n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	in->accounts = &f->accounts;
	in->account = a;
	assert_int_equal(sequencer_push(&f->sq, in, &ev, bytes, (size_t)n, 0), 0);
	account_take(&f->accounts, a, 1, ev.seq, true);
}

/* Two books' tops and trades between them, 40 of each. */
static void feed_all(struct fixture *f, struct sequencer_input *in)
{
	for (int64_t i = 0; i < 40; i++) {
		feed(f, in, EVENT_top, i % 2 ? "BTCUSDT" : "ETHUSDT", 100 + 3 * i);
		feed(f, in, EVENT_trade, "BTCUSDT", 101 + 3 * i);
	}
}

static size_t quiet_ones(const struct fixture *f)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		n += f->seen[i].what == 'q';
	return n;
}

static void behind_the_newest_of_each_topic_is_acted_upon(void **state)
{
	(void)state;
	struct fixture *f = make();
	struct sequencer_input *in;
	int64_t wake;
	assert_int_equal(sequencer_add(&f->sq, "market", SEQUENCE_MARKET, 1 * MS, 1 << 20, &in), 0);
	f->sq.behind_ns = 10 * MS;
	feed_all(f, in);
	assert_int_equal(sequencer_step(&f->sq, 11 * MS, 1000, &wake), 80);
	assert_int_equal(quiet_ones(f), 38);
	for (size_t i = 0; i < f->n; i++) { /* in order all the same, and none but tops are quiet */
		assert_int_equal(f->seen[i].at, f->seen[i].now);
		assert_true(f->seen[i].what == 'e' || (f->seen[i].at - 100) % 3 == 0);
	}
	assert_int_equal(f->n_conflations, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(f->conflation[i].count, 19);
	assert_string_equal(f->conflation[0].topic, "top.BINANCE.ETHUSDT");
	struct account_sum sum;
	accounts_sum(&f->accounts, &sum);
	assert_int_equal(sum.conflated, 38);
	assert_int_equal(sum.handled, 42);
	assert_int_equal(sum.queued + sum.unbalanced, 0);
	drop(f);
}

static void nobody_conflates_who_is_not_behind(void **state)
{
	(void)state;
	for (int lockstep = 0; lockstep <= 1; lockstep++) {
		struct fixture *f = make();
		struct sequencer_input *in;
		int64_t wake, wait = lockstep ? SEQUENCER_FOREVER : 1 * MS;
		assert_int_equal(sequencer_add(&f->sq, "market", SEQUENCE_MARKET, wait, 1 << 20, &in), 0);
		f->sq.behind_ns = 10 * MS;
		feed_all(f, in);
		assert_int_equal(sequencer_step(&f->sq, lockstep ? 1000 * MS : 9 * MS, 1000, &wake), 80);
		assert_int_equal(quiet_ones(f) + f->n_conflations, 0);
		drop(f);
	}
}

/* The records of one run, and a snapshot between them, make the next one leave out the same: in lockstep. */
static void what_was_conflated_is_repeated(void **state)
{
	(void)state;
	struct fixture *f = make(), *g = make();
	struct sequencer_input *in;
	int64_t wake;
	assert_int_equal(sequencer_add(&f->sq, "market", SEQUENCE_MARKET, 1 * MS, 1 << 20, &in), 0);
	f->sq.behind_ns = 10 * MS;
	feed_all(f, in);
	assert_int_equal(sequencer_step(&f->sq, 11 * MS, 21, &wake), 21);
	struct buf saved;
	buf_init(&saved, 1 << 16);
	struct packer p = {.out = &saved};
	conflate_save(&f->sq.conflate, &p);
	size_t before = f->n;
	sequencer_step(&f->sq, 11 * MS, 1000, &wake);

	assert_int_equal(sequencer_add(&g->sq, "market", SEQUENCE_MARKET, SEQUENCER_FOREVER, 1 << 20, &in), 0);
	struct unpacker u = {.at = saved.at, .end = saved.at + saved.len};
	assert_int_equal(conflate_load(&g->sq.conflate, &u), 0);
	assert_int_equal(u.err, 0);
	feed_all(g, in);
	sequencer_step(&g->sq, 0, 1000, &wake);
	assert_int_equal(g->n, f->n);
	for (size_t i = before; i < f->n; i++)
		assert_memory_equal(&g->seen[i], &f->seen[i], sizeof f->seen[i]);
	assert_int_equal(g->n_conflations, 0);
	buf_fini(&saved);
	drop(g);

	g = make();
	assert_int_equal(sequencer_add(&g->sq, "market", SEQUENCE_MARKET, SEQUENCER_FOREVER, 1 << 20, &in), 0);
	for (size_t i = 0; i < f->n_conflations; i++)
		assert_int_equal(sequencer_repeat_conflated(&g->sq, "market", &f->conflation[i]), 0);
	feed_all(g, in);
	for (uint32_t n = 1; n; n = sequencer_step(&g->sq, 0, 7, &wake))
		;
	assert_int_equal(g->n, f->n);
	assert_memory_equal(g->seen, f->seen, f->n * sizeof f->seen[0]);
	assert_int_equal(g->sq.conflate.active, 0);
	drop(g);
	drop(f);
}

/* An input that speaks, or is being repaired, is waited for beyond its bound: its backlog stays in order. */
static void who_is_behind_but_speaks_is_waited_for(void **state)
{
	(void)state;
	for (int repairing = 0; repairing <= 1; repairing++) {
		struct fixture *f = make();
		struct sequencer_input *market, *ledger;
		int64_t wake;
		assert_int_equal(sequencer_add(&f->sq, "market", SEQUENCE_MARKET, 1 * MS, 1 << 20, &market), 0);
		assert_int_equal(sequencer_add(&f->sq, "ledger", SEQUENCE_LEDGER, 1 * MS, 1 << 20, &ledger), 0);
		f->sq.repair_ns = 100 * MS;
		push(f, ledger, 1000, 0);
		market->repairing = repairing;
		if (!repairing)
			for (int64_t t = 0; t < 50; t++) {
				push(f, market, 500 + t, t * MS);
				assert_int_equal(sequencer_step(&f->sq, t * MS, 10, &wake), 1);
			}
		assert_int_equal(sequencer_step(&f->sq, 50 * MS - 1, 10, &wake), 0);
		assert_int_equal(f->n_late, 0);
		assert_int_equal(sequencer_step(&f->sq, 101 * MS, 10, &wake), 1);
		assert_int_equal(f->seen[f->n - 1].at, 1000);
		drop(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_every_promise),
		cmocka_unit_test(equal_times_of_markets_go_by_input),
		cmocka_unit_test(an_ended_market_holds_back_nobody),
		cmocka_unit_test(equal_times_go_market_intent_timer),
		cmocka_unit_test(an_equal_time_of_a_later_class_does_not_block),
		cmocka_unit_test(a_timer_runs_before_any_later_event),
		cmocka_unit_test(waiting_ends_after_the_bound_and_late_is_on_record),
		cmocka_unit_test(handled_never_promises_too_much),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(the_record_of_late_inputs_repeats_the_run),
		cmocka_unit_test(a_life_cut_anywhere_is_repeated),
		cmocka_unit_test(lockstep_hears_everything),
		cmocka_unit_test(quiet_leaves_out_one_receiver_only),
		cmocka_unit_test(behind_the_newest_of_each_topic_is_acted_upon),
		cmocka_unit_test(nobody_conflates_who_is_not_behind),
		cmocka_unit_test(what_was_conflated_is_repeated),
		cmocka_unit_test(who_is_behind_but_speaks_is_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
