/* fused - strategy and executor in one process: a plain merge by (event time, class, arrival).
 *
 * Market events come in from outside in order of time; intents and the executor's words wait in a
 * queue until their own time: market first, then intents, then the ledger, then the executor's
 * timers.
 */
#ifndef NJ_TESTS_FUSED_H
#define NJ_TESTS_FUSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/codec.h"
#include "services/executor/core.h"
#include "services/strategy/core.h"

#define FUSED_WAITING 4096
#define FUSED_CLASSES 3

enum fused_class { FUSED_MARKET, FUSED_INTENT, FUSED_LEDGER };

struct fused_item {
	struct event ev;
	enum fused_class class;
};

struct fused {
	struct executor_settings executor_settings;
	struct strategy_core_settings strategy_settings;
	struct executor *executor;
	struct strategy_core *strategy;
	struct fused_item *waiting; /* in order */
	uint32_t n;
	int64_t last_at[FUSED_CLASSES]; /* stamps of a publisher strictly increase */
	uint64_t seq[FUSED_CLASSES];
	struct buf said; /* everything both have said, packed */
	uint32_t count[0x500];
	uint32_t status[8], reject[32], liquidity[3], types[3], partial_fills;
	void (*on_event)(void *ctx, const struct event *ev); /* everything they said, may be NULL */
	void *ctx;
};

static inline void fused_count(struct fused *f, const struct event *ev)
{
	f->count[ev->id]++;
	if (ev->id == EVENT_order) {
		f->status[ev->order.status]++;
		f->reject[ev->order.reject]++;
		f->partial_fills +=
			ev->order.status == order_status_partial ||
			(ev->order.status == order_status_cancelled && ev->order.filled > 0);
	} else if (ev->id == EVENT_fill) {
		f->liquidity[ev->fill.liquidity]++;
	} else if (ev->id == EVENT_intent && ev->intent.kind == intent_kind_order) {
		f->types[ev->intent.type]++;
	}
}

static inline void fused_record(struct fused *f, const struct event *ev)
{
	static uint8_t packed[EVENT_PACKED_MAX];
	int n = codec_pack(ev, packed, sizeof(packed));
	assert_true(n > 0);
	assert_int_equal(buf_append(&f->said, packed, (size_t)n), 0);
	fused_count(f, ev);
	if (f->on_event)
		f->on_event(f->ctx, ev);
}

static inline bool fused_before(const struct fused_item *a, const struct fused_item *b)
{
	if (a->ev.ts_recv != b->ev.ts_recv)
		return a->ev.ts_recv < b->ev.ts_recv;
	return a->class <= b->class;
}

static inline void fused_queue(struct fused *f, enum fused_class class, struct event *ev)
{
	struct fused_item item = {.class = class};
	if (ev->ts_recv <= f->last_at[class])
		ev->ts_recv = f->last_at[class] + 1;
	f->last_at[class] = ev->ts_recv;
	ev->seq = ++f->seq[class];
	ev->epoch = 1;
	snprintf(ev->source, sizeof(ev->source), class == FUSED_INTENT ? "strategy" : "executor");
	fused_record(f, ev);
	item.ev = *ev;
	must(f->n < FUSED_WAITING);
	uint32_t i = f->n++;
	while (i > 0 && !fused_before(&f->waiting[i - 1], &item)) {
		f->waiting[i] = f->waiting[i - 1];
		i--;
	}
	f->waiting[i] = item;
}

static inline void fused_intent(void *ctx, struct event *ev)
{
	fused_queue(ctx, FUSED_INTENT, ev);
}

static inline void fused_ledger(void *ctx, struct event *ev)
{
	fused_queue(ctx, FUSED_LEDGER, ev);
}

static inline void fused_apply(struct fused *f, enum fused_class class, const struct event *ev)
{
	struct sink to_intents = {f, fused_intent}, to_ledger = {f, fused_ledger};
	if (class != FUSED_LEDGER)
		executor_core.on_event(f->executor, ev->ts_recv, ev, &to_ledger);
	if (class != FUSED_INTENT)
		strategy_core.on_event(f->strategy, ev->ts_recv, ev, &to_intents);
}

/* Everything that must happen before an input at this time and class. */
static inline void fused_run(struct fused *f, int64_t at, enum fused_class class)
{
	struct sink to_ledger = {f, fused_ledger};
	for (;;) {
		int64_t due = executor_core.next_due(f->executor);
		int64_t next = f->n > 0 ? f->waiting[0].ev.ts_recv : INT64_MAX;
		if (due < next && due < at) {
			executor_core.on_timer(f->executor, due, &to_ledger);
		} else if (next < at || (next == at && f->n > 0 && f->waiting[0].class < class)) {
			struct fused_item item = f->waiting[0];
			memmove(f->waiting, f->waiting + 1, --f->n * sizeof(*f->waiting));
			fused_apply(f, item.class, &item.ev);
		} else {
			return;
		}
	}
}

static inline void fused_market(struct fused *f, const struct event *ev)
{
	fused_run(f, ev->ts_recv, FUSED_MARKET);
	fused_apply(f, FUSED_MARKET, ev);
}

static inline void fused_make_cores(struct fused *f)
{
	char why[EVENT_TEXT_MAX] = "";
	assert_int_equal(executor_new(&f->executor_settings, &f->executor), 0);
	assert_int_equal(strategy_core_new(&f->strategy_settings, why, &f->strategy), 0);
}

static inline void fused_open(struct fused *f, const struct executor_settings *executor,
			      const struct strategy_core_settings *strategy)
{
	memset(f, 0, sizeof(*f));
	f->executor_settings = *executor;
	f->strategy_settings = *strategy;
	f->waiting = calloc(FUSED_WAITING, sizeof(*f->waiting));
	assert_non_null(f->waiting);
	buf_init(&f->said, (size_t)1 << 28);
	fused_make_cores(f);
}

static inline void fused_close(struct fused *f)
{
	executor_free(f->executor);
	strategy_core_free(f->strategy);
	free(f->waiting);
	buf_fini(&f->said);
}

/* Both cores to bytes and back into new ones. */
static inline void fused_restart(struct fused *f)
{
	struct buf executor, strategy;
	buf_init(&executor, (size_t)1 << 26);
	buf_init(&strategy, (size_t)1 << 26);
	assert_int_equal(executor_core.save(f->executor, &executor), 0);
	assert_int_equal(strategy_core.save(f->strategy, &strategy), 0);
	executor_free(f->executor);
	strategy_core_free(f->strategy);
	fused_make_cores(f);
	assert_int_equal(executor_core.load(f->executor, executor.at, executor.len), 0);
	assert_int_equal(strategy_core.load(f->strategy, strategy.at, strategy.len), 0);
	buf_fini(&executor);
	buf_fini(&strategy);
}

static inline void fused_print(const struct fused *f)
{
	print_message("intents %u (market %u limit %u)\n", f->count[EVENT_intent], f->types[1],
		      f->types[2]);
	print_message("orders: open %u partial %u filled %u cancelled %u rejected %u\n",
		      f->status[1], f->status[2], f->status[3], f->status[4], f->status[5]);
	print_message("fills %u (maker %u taker %u), partly filled %u, equity points %u\n",
		      f->count[EVENT_fill], f->liquidity[1], f->liquidity[2], f->partial_fills,
		      f->count[EVENT_equity]);
	for (uint8_t i = 1; i < 32; i++)
		if (f->reject[i])
			print_message("  %s %u\n", enum_text(enum_reject(), i), f->reject[i]);
}

#endif
