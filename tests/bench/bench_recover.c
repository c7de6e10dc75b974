/* bench_recover - goal G18: how long an executor takes to regenerate a million inputs after a restart, and to take over
 * a million records of its own journal where the inputs are gone.
 *
 * Inputs are packed, as the logs have them: seven book deltas, two trades and an intent of ten. They are made in
 * pieces between the measurements.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "proto/codec.h"
#include "services/executor/core.h"

#define MS INT64_C(1000000)
#define CASH INT64_C(100000000)
enum { PIECE = 20000, ALL = 1000000, PACKED = 400, OWN = 4 * PIECE };

struct packed {
	uint16_t len;
	uint8_t at[PACKED];
};

static struct packed inputs[PIECE], own[OWN];
static uint32_t n_own;
static struct rng rng;
static int64_t at = 1000 * 1000 * MS;
static uint64_t ordinal;
static struct symbol one;

static void pack(struct event *ev, struct packed *to)
{
	snprintf(ev->source, sizeof(ev->source), "bench");
	ev->epoch = 1;
	int n = codec_pack(ev, to->at, sizeof(to->at));
	must(n > 0);
	to->len = (uint16_t)n;
}

static void keep(void *ctx, struct event *ev)
{
	(void)ctx;
	if (n_own < OWN)
		pack(ev, &own[n_own++]);
}

static void ignore(void *ctx, struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static int64_t roll(int64_t n)
{
	return (int64_t)rng_below(&rng, (uint64_t)n);
}

static void make_instrument(struct event *ev)
{
	event_init(ev, EVENT_instrument);
	struct ev_instrument *d = &ev->instrument;
	d->instrument = one;
	event_set_name(d->base, "ONE");
	event_set_name(d->quote, "USDT");
	d->price_scale = 2;
	d->qty_scale = 3;
	d->cash_scale = 2;
	d->tick_size = d->lot_size = 1;
	d->trading = true;
}

static void make_book(struct event *ev, struct level bids[100], struct level asks[100])
{
	event_init(ev, EVENT_book_snapshot);
	for (int i = 0; i < 100; i++) {
		bids[i] = (struct level){9999 - i, 1000 + roll(1000)};
		asks[i] = (struct level){10000 + i, 1000 + roll(1000)};
	}
	ev->book_snapshot.instrument = one;
	ev->book_snapshot.price_scale = 2;
	ev->book_snapshot.qty_scale = 3;
	ev->book_snapshot.bids = (struct levels){bids, 100};
	ev->book_snapshot.asks = (struct levels){asks, 100};
}

static void make_delta(struct event *ev, struct level *l)
{
	bool bid = roll(2);
	event_init(ev, EVENT_book_delta);
	*l = (struct level){bid ? 9999 - roll(100) : 10000 + roll(100), 1000 + roll(1000)};
	ev->book_delta.instrument = one;
	ev->book_delta.price_scale = 2;
	ev->book_delta.qty_scale = 3;
	*(bid ? &ev->book_delta.bids : &ev->book_delta.asks) = (struct levels){l, 1};
}

static void make_trade(struct event *ev)
{
	event_init(ev, EVENT_trade);
	ev->trade.instrument = one;
	ev->trade.price_scale = 2;
	ev->trade.qty_scale = 3;
	ev->trade.aggressor = (uint8_t)(1 + roll(2));
	ev->trade.price = ev->trade.aggressor == side_sell ? 9999 - roll(3) : 10000 + roll(3);
	ev->trade.qty = 1 + roll(3000);
}

static void make_intent(struct event *ev)
{
	event_init(ev, EVENT_intent);
	struct ev_intent *in = &ev->intent;
	ordinal++;
	bool cancel = ordinal % 2 == 0;
	in->kind = cancel ? intent_kind_cancel : intent_kind_order;
	event_set_name(in->account, "paper");
	event_set_name(in->strategy, "s");
	in->ordinal = ordinal;
	snprintf(in->client_order_id, sizeof(in->client_order_id), "o%llu",
		 (unsigned long long)(cancel ? ordinal - 1 : ordinal));
	in->instrument = one;
	in->side = (uint8_t)(1 + roll(2));
	in->type = order_type_limit;
	in->tif = tif_gtc;
	in->price_scale = 2;
	in->qty_scale = 3;
	in->price = in->side == side_buy ? 9999 - roll(20) + 5 : 10000 + roll(20) - 5;
	in->qty = 100 + roll(500);
	in->expires_at = at + 1000 * MS;
}

static void make_inputs(void)
{
	for (int i = 0; i < PIECE; i++) {
		struct event ev;
		struct level l;
		at += MS;
		if (i % 10 < 7)
			make_delta(&ev, &l);
		else if (i % 10 < 9)
			make_trade(&ev);
		else
			make_intent(&ev);
		ev.origin = origin_simulated;
		ev.ts_event = ev.ts_recv = at;
		pack(&ev, &inputs[i]);
	}
}

static void feed(struct executor *x, struct event *ev, const struct sink *out)
{
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = at;
	executor_core.on_event(x, at, ev, out);
}

static struct executor *begin(void)
{
	struct executor *x = NULL;
	struct executor_settings s;
	struct sink out = {NULL, ignore};
	struct level bids[100], asks[100];
	struct event ev;
	executor_defaults(&s);
	s.balance[0].amount = 1000000000 * CASH;
	event_set_name(s.balance[1].asset, "ONE");
	s.balance[1].amount = 1000000 * CASH;
	s.n_balances = 2;
	s.limit[LIMIT_GROSS] = 100000000 * CASH; /* limits have their price, too */
	s.limit[LIMIT_SECOND] = LIMITS_RATE_MAX;
	must(executor_new(&s, &x) == 0);
	make_instrument(&ev);
	feed(x, &ev, &out);
	make_book(&ev, bids, asks);
	feed(x, &ev, &out);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = one;
	ev.book_state.state = book_state_trusted;
	feed(x, &ev, &out);
	return x;
}

static void apply(struct executor *x, const struct event *ev, const struct sink *out)
{
	for (int64_t due; (due = executor_core.next_due(x)) < ev->ts_recv;)
		executor_core.on_timer(x, due, out);
	executor_core.on_event(x, ev->ts_recv, ev, out);
}

/* Nanoseconds for one piece. */
static int64_t regenerate(struct executor *x, const struct sink *out)
{
	static uint8_t memory[ARENA_SIZE];
	int64_t began = bench_now();
	for (int i = 0; i < PIECE; i++) {
		struct arena arena = {.at = memory, .cap = sizeof(memory)};
		struct event ev;
		size_t used;
		must(codec_unpack(inputs[i].at, inputs[i].len, &arena, &ev, &used) == 0);
		apply(x, &ev, out);
	}
	return bench_now() - began;
}

static int64_t take_over(struct executor *x)
{
	int64_t began = bench_now();
	for (uint32_t i = 0; i < n_own; i++) {
		struct event ev;
		size_t used;
		must(codec_unpack(own[i].at, own[i].len, NULL, &ev, &used) == 0);
		executor_core.on_own(x, &ev);
	}
	return bench_now() - began;
}

static void print(const char *name, double value, const char *unit)
{
	printf("%-34s %12.2f %-10s %8.3f\n", name, value, unit, value / 5);
}

int main(void)
{
	struct sink out = {NULL, keep};
	int64_t spent = 0, spent_own = 0;
	uint64_t records = 0;
	rng_seed(&rng, 1);
	must(symbol_parse("ONE.TEST", 8, &one) == 0);
	struct executor *x = begin(), *y = begin();
	for (int done = 0; done < ALL; done += PIECE) {
		make_inputs();
		n_own = 0;
		spent += regenerate(x, &out);
		spent_own += take_over(y);
		records += n_own;
	}
	must(executor_counters(x)->fills > 1000 && executor_counters(y)->quarantined == 0);
	print("regenerate 1M inputs", (double)spent / 1e9, "s");
	print("take over 1M own records", (double)spent_own / 1e9 * ALL / (double)records, "s");
	executor_free(x);
	executor_free(y);
	return 0;
}
