/* fuzz_paper - packed events of any kind, one behind the other, through the executor's and the
 * strategy's core: no crash, no negative balance, and whatever is said can be packed again. The
 * state at the end must survive being saved and loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "proto/codec.h"
#include "services/executor/core.h"
#include "services/strategy/core.h"
#include "services/strategy/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static _Alignas(16) uint8_t memory[ARENA_SIZE];

static void judge(void *ctx, struct event *ev)
{
	static uint8_t packed[EVENT_PACKED_MAX];
	snprintf(ev->source, sizeof(ev->source), "%s", (const char *)ctx);
	must(codec_pack(ev, packed, sizeof(packed)) > 0);
	if (ev->id == EVENT_balance)
		must(ev->balance.locked >= 0 && ev->balance.total >= ev->balance.locked);
	bool accepted = ev->id == EVENT_order && ev->order.status != order_status_rejected &&
			ev->order.status != order_status_expired && ev->order.status != order_status_pending;
	if (accepted) /* a refusal answers in the intent's own words */
		must(ev->order.price >= 0 && ev->order.filled >= 0 && ev->order.filled <= ev->order.qty);
	if (ev->id == EVENT_fill)
		must((ev->fill.price > 0 || ev->fill.liquidity == liquidity_settled) && ev->fill.price >= 0 &&
		     ev->fill.qty > 0 && ev->fill.fee >= 0);
}

static struct executor *new_executor(void)
{
	struct executor_settings s;
	struct executor *x = NULL;
	executor_defaults(&s);
	s.instruments_max = 8;
	s.book_levels = 64;
	s.blind_max_ns = INT64_C(3000000000);
	s.latency = (struct latency_settings){
		.model = LATENCY_DRAWN,
		.order = {{{500000, INT64_C(100000000)}, {LATENCY_WHOLE, INT64_C(900000000)}}, 2}};
	s.latency.ack = s.latency.order;
	s.queue = 2; /* by squares: the most arithmetic */
	must(executor_new(&s, &x) == 0);
	return x;
}

static struct strategy_core *new_strategy(void)
{
	static struct strategy_core_settings s;
	struct strategy_core *c = NULL;
	strategy_core_defaults(&s);
	struct strategy_seat *seat = &s.seat[s.n_seats++];
	event_set_name(seat->name, "s");
	event_set_name(seat->account, "paper");
	seat->strategy = registry_find("ema_cross");
	must(symbol_parse("ONE.TEST", 8, &seat->instrument) == 0);
	must(strategy_core_new(&s, NULL, &c) == 0);
	return c;
}

/* Time is the sequencer's affair: here it only goes on. */
static void feed(struct executor *x, struct strategy_core *c, struct event *ev, int64_t now)
{
	struct sink to_executor = {(void *)(uintptr_t)"executor", judge};
	struct sink to_strategy = {(void *)(uintptr_t)"strategy", judge};
	ev->ts_recv = ev->ts_event = now;
	for (int i = 0; i < 4 && executor_core.next_due(x) < now; i++)
		executor_core.on_timer(x, executor_core.next_due(x), &to_executor);
	executor_core.on_event(x, now, ev, &to_executor);
	strategy_core.on_event(c, now, ev, &to_strategy);
}

static void save_and_load(struct executor *x, struct strategy_core *c)
{
	struct executor *x2 = new_executor();
	struct strategy_core *c2 = new_strategy();
	struct buf state;
	buf_init(&state, 1u << 24);
	must(executor_core.save(x, &state) == 0);
	must(executor_core.load(x2, state.at, state.len) == 0);
	buf_clear(&state);
	must(strategy_core.save(c, &state) == 0);
	must(strategy_core.load(c2, state.at, state.len) == 0);
	buf_fini(&state);
	executor_free(x2);
	strategy_core_free(c2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct executor *x = new_executor();
	struct strategy_core *c = new_strategy();
	int64_t now = INT64_C(1000000000000);
	struct event ev;
	size_t used;
	while (len > 0) {
		struct arena arena = {memory, sizeof(memory), 0};
		if (codec_unpack(bytes, len, &arena, &ev, &used) != 0)
			break;
		feed(x, c, &ev, now += 100000000);
		bytes += used;
		len -= used;
	}
	save_and_load(x, c);
	executor_free(x);
	strategy_core_free(c);
	return 0;
}
