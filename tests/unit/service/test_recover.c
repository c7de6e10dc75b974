/* test_recover - the way back after a stop: what is compared, what is taken over, and what must wait until then. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/service/runtime_state.h"

#define S INT64_C(1000000000)

static int own; /* records taken over */

static bool answers; /* a record for each input, of nothing but its time */

static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	(void)core, (void)ev;
	struct event answer;
	event_init(&answer, EVENT_alert);
	answer.ts_event = now;
	answer.ts_recv = now + 50;
	if (answers)
		out->emit(out->ctx, &answer);
}

static void on_own(void *core, const struct event *ev)
{
	(void)core, (void)ev;
	own++;
}

static int64_t next_due(const void *core)
{
	(void)core;
	return CORE_NEVER;
}

static int save(const void *core, struct buf *out)
{
	(void)core;
	return buf_byte(out, 1);
}

static int load(void *core, const uint8_t *at, size_t len)
{
	(void)core, (void)at;
	return len == 1 ? 0 : ERR_CORRUPT;
}

static void *core_of(void *self)
{
	return self;
}

static const struct core_ops core = {
	.on_event = on_event, .next_due = next_due, .on_own = on_own, .save = save, .load = load};
static const uint16_t pubs[] = {EVENT_intent, EVENT_alert, EVENT_gap, EVENT_parity, 0};
static bool is_safe; /* for the journal's sake */

static bool safe_for(const void *self, const char *cause)
{
	(void)self;
	assert_string_equal(cause, "journal");
	return is_safe;
}

static const struct service service = {.name = "strategy", .core = &core, .core_of = core_of, .pubs = pubs};
static const struct service trader = {
	.name = "strategy", .core = &core, .core_of = core_of, .pubs = pubs, .safe_for = safe_for};

struct fixture {
	char dir[64];
	struct bus_hub *hub;
	struct runtime *rt;
	uint64_t cap; /* of the journal; 0: large */
	bool follows; /* an executor, whom nobody has heard of yet */
	bool trades;
};

static const struct service_input ledger = {.publisher = "executor", .lane = LANE_X, .class = SEQUENCE_LEDGER};

static void boot(struct fixture *fx, const char *pace)
{
	char reason[400] = "";
	struct runtime *rt = fx->rt = calloc(1, sizeof *rt);
	assert_non_null(rt);
	rt->s = fx->trades ? &trader : &service;
	rt->name = rt->s->name;
	rt->self = rt;
	rt->run.snapshot_events = 1000;
	rt->run.snapshot_ns = 60 * S;
	rt->run.order_latency_ns = 50;
	snprintf(rt->run.pace, sizeof rt->run.pace, "%s", pace);
	rt->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	assert_non_null(rt->arena.at);
	assert_int_equal(strmap_init(&rt->alerts, RUNTIME_ALERTS_MAX, 1), 0);
	assert_int_equal(loop_new(clock_real(), &rt->loop), 0);
	assert_int_equal(bus_hub_new(&fx->hub), 0);
	assert_int_equal(bus_mem_open(fx->hub, &follow_bus_handler, rt, &rt->bus), 0);
	assert_int_equal(bus_bind(rt->bus, "strategy"), 0);
	struct outbox_options o = {.source = "strategy", .dir = fx->dir, .clock = clock_real(), .journal_cap = fx->cap};
	rt->run.journal_cap = (int64_t)fx->cap;
	assert_int_equal(outbox_open(&rt->outbox, rt->bus, &o, reason, sizeof reason), 0);
	assert_int_equal(sequencer_init(&rt->sequencer, &runtime_core_sequencer, rt), 0);
	assert_int_equal(
		sequencer_add(&rt->sequencer, "strategy", SEQUENCE_COMMAND, 0, 1 << 20, &rt->self_in), 0);
	rt->run.queue_bytes = 1 << 18;
	if (fx->follows)
		assert_int_equal(follow_add(rt, &ledger, NULL), 0);
	assert_int_equal(recover_load(rt, reason, sizeof reason), 0);
	rt->life = life_recover;
	own = 0;
	recover_own_journal(rt);
	follow_start(rt);
	runtime_maybe_run(rt);
}

static void end(struct fixture *fx)
{
	outbox_close(&fx->rt->outbox);
	for (uint32_t i = 0; i < fx->rt->n_follows; i++)
		follow_close(&fx->rt->follow[i]);
	sequencer_fini(&fx->rt->sequencer);
	strmap_fini(&fx->rt->alerts);
	bus_close(&fx->rt->bus);
	bus_hub_free(fx->hub);
	loop_free(fx->rt->loop);
	free(fx->rt->arena.at);
	free(fx->rt);
	fx->rt = NULL;
}

static void setup(struct fixture *fx)
{
	snprintf(fx->dir, sizeof fx->dir, "/tmp/nj-recover-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	boot(fx, "lockstep");
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void teardown(struct fixture *fx)
{
	end(fx);
	assert_int_equal(nftw(fx->dir, discard, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A record of the core (what it is does not matter), made at `at`. */
static void emit(struct fixture *fx, int64_t at)
{
	struct event ev;
	event_init(&ev, EVENT_alert);
	ev.ts_event = ev.ts_recv = at;
	runtime_emit(fx->rt, &ev);
	assert_int_equal(fx->rt->outbox.failed, 0);
}

static void shell_alert(struct fixture *fx, const char *rule)
{
	runtime_alert(fx->rt, severity_warning, true, rule, "test", "a fact of the shell");
}

static void snapshot(struct fixture *fx)
{
	assert_int_equal(fx->rt->life, life_running);
	runtime_snapshot(fx->rt);
	assert_int_equal(fx->rt->snapshots, 1);
}

static void what_the_shell_wrote_last_is_not_waited_for(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	emit(&fx, 200);
	shell_alert(&fx, "one");
	shell_alert(&fx, "two");
	end(&fx);
	boot(&fx, "lockstep");
	assert_true(outbox_verifying(&fx.rt->outbox));
	assert_int_equal(fx.rt->life, life_recover);
	emit(&fx, 100);
	emit(&fx, 200);
	assert_false(outbox_verifying(&fx.rt->outbox));
	runtime_maybe_run(fx.rt);
	assert_int_equal(fx.rt->life, life_running);
	assert_int_equal(fx.rt->outbox.counters.verified, 2);
	assert_int_equal(fx.rt->outbox.x_next, 5);
	assert_int_equal(fx.rt->outbox.last_stamp, 200);
	teardown(&fx);
}

/* An alert comes when a disk is slow, at a time that only our promises know: no result is later for it. */
static void what_the_shell_notes_moves_no_result(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	emit(&fx, 100);
	fx.rt->sequencer.now = 5000;
	shell_alert(&fx, "one");
	shell_alert(&fx, "two");
	assert_true(fx.rt->outbox.last_note > 5001);
	emit(&fx, 200);
	assert_int_equal(fx.rt->outbox.last_stamp, 200);
	end(&fx);
	boot(&fx, "lockstep");
	emit(&fx, 100);
	emit(&fx, 200);
	assert_int_equal(fx.rt->outbox.counters.verified, 2);
	assert_int_equal(fx.rt->outbox.counters.differing, 0);
	assert_int_equal(fx.rt->outbox.last_stamp, 200);
	teardown(&fx);
}

static void a_journal_of_the_shell_alone_is_not_compared(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	emit(&fx, 100);
	snapshot(&fx);
	shell_alert(&fx, "one");
	end(&fx);
	boot(&fx, "lockstep");
	assert_int_equal(fx.rt->life, life_running);
	assert_int_equal(fx.rt->outbox.x_next, 3);
	teardown(&fx);
}

/* "Accepted" means that it will happen. */
static void a_command_is_not_accepted_while_comparing(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	end(&fx);
	boot(&fx, "lockstep");
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_pause;
	assert_int_equal(runtime_decide(fx.rt, &ev), ERR_BUSY);
	assert_int_equal(fx.rt->self_in->queue.count, 0);
	emit(&fx, 100);
	assert_int_equal(runtime_decide(fx.rt, &ev), 0);
	assert_int_equal(fx.rt->self_in->queue.count, 1);
	assert_int_equal(fx.rt->outbox.x_next, 3);
	teardown(&fx);
}

static void an_alert_while_comparing_is_published_afterwards(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	end(&fx);
	boot(&fx, "lockstep");
	shell_alert(&fx, "one");
	emit(&fx, 100);
	assert_int_equal(fx.rt->outbox.x_next, 2);
	shell_alert(&fx, "one");
	shell_alert(&fx, "one");
	assert_int_equal(fx.rt->outbox.x_next, 3);
	teardown(&fx);
}

static void a_difference_is_an_alert_and_safe_mode(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	emit(&fx, 200);
	end(&fx);
	boot(&fx, "lockstep");
	emit(&fx, 101);
	recover_judge(fx.rt);
	assert_int_equal(fx.rt->outbox.x_next, 2);
	emit(&fx, 200);
	recover_judge(fx.rt);
	recover_judge(fx.rt);
	assert_int_equal(fx.rt->outbox.counters.differing, 1);
	assert_int_equal(fx.rt->outbox.x_next, 5); /* the alert, the command */
	assert_int_equal(fx.rt->self_in->queue.count, 1);
	teardown(&fx);
}

/* Killed before its first snapshot. Live, the same inputs do not come again. */
static void without_a_snapshot_live_takes_its_journal_over(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	emit(&fx, 100);
	emit(&fx, 200);
	end(&fx);
	boot(&fx, "lockstep");
	assert_true(outbox_verifying(&fx.rt->outbox));
	assert_int_equal(own, 0);
	end(&fx);
	boot(&fx, "live");
	assert_int_equal(own, 2);
	assert_int_equal(fx.rt->life, life_running);
	assert_int_equal(fx.rt->outbox.x_next, 4); /* and the gap */
	assert_int_equal(fx.rt->self_in->queue.count, 1);
	teardown(&fx);
}

/* A command is journalled before it is applied: a snapshot between the two would lose it. */
static void no_snapshot_overtakes_a_decision(void **state)
{
	(void)state;
	struct fixture fx = {0};
	setup(&fx);
	emit(&fx, 100);
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_pause;
	assert_int_equal(runtime_decide(fx.rt, &ev), 0);
	runtime_snapshot(fx.rt);
	assert_int_equal(fx.rt->snapshots, 0);
	ring_pop(&fx.rt->self_in->queue);
	assert_int_equal(sequencer_except(&fx.rt->sequencer, "collector", 10, 50), 0);
	runtime_snapshot(fx.rt);
	assert_int_equal(fx.rt->snapshots, 0);
	fx.rt->sequencer.now = 50;
	snapshot(&fx);
	teardown(&fx);
}

static void wait_durable(struct fixture *fx)
{
	assert_int_equal(journal_flush(fx->rt->outbox.journal, 5 * S), 0);
	assert_int_equal(outbox_durable(&fx->rt->outbox), 0);
}

/* The cap is reached while nobody stores: all waits, also over a restart, and goes on when it was stored. */
static void a_full_journal_holds_and_goes_on(void **state)
{
	(void)state;
	struct fixture fx = {.cap = 64 << 10};
	setup(&fx);
	int64_t at = 0;
	for (int round = 0; round < 2; round++) {
		while (outbox_ready(&fx.rt->outbox))
			emit(&fx, ++at);
		wait_durable(&fx);
		room_watch(fx.rt);
		assert_true(fx.rt->held);
		assert_true(at > 100);
		uint64_t next = fx.rt->outbox.x_next;
		shell_alert(&fx, "one");
		assert_int_equal(fx.rt->outbox.x_next, next); /* logged, not journalled */
		assert_int_equal(fx.rt->outbox.failed, 0);
		if (round == 0) {
			runtime_snapshot(fx.rt);
			end(&fx);
			boot(&fx, "lockstep");
			assert_int_equal(fx.rt->life, life_running);
			assert_int_equal(fx.rt->outbox.x_next, next);
		}
	}
	uint64_t before = fx.rt->outbox.x_next;
	fx.rt->acked = before - 1;
	for (int i = 0; i < 500 && fx.rt->held; i++) {
		room_watch(fx.rt);
		wait_durable(&fx);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_false(fx.rt->held);
	assert_int_equal(fx.rt->outbox.x_next, before + 2); /* the alert, and that it is over */
	emit(&fx, ++at);
	teardown(&fx);
}

static uint64_t said(struct fixture *fx)
{
	uint64_t before = fx->rt->outbox.x_next;
	room_watch(fx->rt);
	return fx->rt->outbox.x_next - before;
}

/* Live, who trades stops before its journal is full: said once, and nothing where no life has said it. */
static void safe_mode_for_the_journal_is_said_once(void **state)
{
	(void)state;
	struct fixture fx = {.cap = 64 << 10, .trades = true};
	is_safe = false;
	setup(&fx);
	end(&fx);
	boot(&fx, "live");
	assert_int_equal(said(&fx), 0);
	for (int64_t at = 1; journal_status(fx.rt->outbox.journal).bytes < fx.cap / 4 * 3; wait_durable(&fx))
		for (int k = 0; k < 16; k++)
			emit(&fx, at++);
	assert_int_equal(said(&fx), 1);
	assert_int_equal(said(&fx), 0);
	end(&fx);

	is_safe = true; /* what the core has from its snapshot or its journal */
	boot(&fx, "live");
	assert_int_equal(fx.rt->self_in->queue.count, 1); /* the gap: not in the core yet */
	fx.rt->run.journal_cap *= 8;                      /* nearly empty */
	assert_int_equal(said(&fx), 0);
	ring_pop(&fx.rt->self_in->queue);
	assert_int_equal(said(&fx), 1); /* what the life before had raised is over */
	assert_int_equal(said(&fx), 0);
	teardown(&fx);
}

/* Whatever overfills it all the same: a record of the shell is refused, the journal has not failed. */
static void a_refused_decision_has_not_happened(void **state)
{
	(void)state;
	struct fixture fx = {.cap = 64 << 10};
	struct event ev;
	int rc = 0;
	setup(&fx);
	for (int i = 0; i < 10000 && !rc; i++) {
		event_init(&ev, EVENT_command);
		ev.command.verb = verb_pause;
		while (fx.rt->self_in->queue.count)
			ring_pop(&fx.rt->self_in->queue);
		rc = runtime_decide(fx.rt, &ev);
	}
	assert_int_equal(rc, ERR_FULL);
	assert_int_equal(fx.rt->self_in->queue.count, 0);
	assert_int_equal(fx.rt->outbox.failed, 0);
	assert_int_equal(fx.rt->life, life_running);
	teardown(&fx);
}

/* Whom we followed never comes back. The ledger is the journal's, and nothing is traded until people have looked. */
static void recovery_without_its_inputs_ends_in_safe_mode(void **state)
{
	(void)state;
	struct fixture fx = {.follows = true};
	struct event ev;
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_pause;
	assert_int_equal(runtime_decide(fx.rt, &ev), 0);
	emit(&fx, 200);
	end(&fx);
	boot(&fx, "live");
	assert_int_equal(fx.rt->life, life_recover);
	assert_int_equal(fx.rt->self_in->queue.count, 1);
	fx.rt->run.recover_wait_ns = 3600 * S;
	for (int i = 0; i < 3; i++)
		recover_watch(fx.rt);
	assert_int_equal(fx.rt->life, life_recover);
	assert_int_equal(own, 0);
	fx.rt->run.recover_wait_ns = 1;
	emit(&fx, 100); /* it moves: it is not given up */
	recover_watch(fx.rt);
	assert_int_equal(fx.rt->life, life_recover);
	nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
	recover_watch(fx.rt);
	assert_int_equal(own, 2); /* the decision that waited, once; what was not compared */
	assert_int_equal(fx.rt->life, life_running);
	assert_int_equal(fx.rt->outbox.x_next, 7); /* gap, command, alert */
	assert_int_equal(fx.rt->self_in->queue.count, 2);
	assert_true(fx.rt->sequencer.now >= 200); /* nothing of before is applied as if it were of then */
	assert_int_equal(runtime_decide(fx.rt, &ev), 0);
	recover_watch(fx.rt);
	assert_int_equal(fx.rt->outbox.x_next, 8);
	teardown(&fx);
}

static void hear(struct fixture *fx, struct sequencer_input *in, int64_t at)
{
	struct event ev;
	uint8_t bytes[512];
	event_init(&ev, EVENT_trade);
	snprintf(ev.source, sizeof ev.source, "%s", in->publisher);
	symbol_make("BTCUSDT", 7, "BINANCE", &ev.trade.instrument);
	ev.ts_recv = at;
	ev.seq = 1;
	int n = codec_pack(&ev, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_int_equal(sequencer_push(&fx->rt->sequencer, in, &ev, bytes, (size_t)n, 1), 0);
}

static struct sequencer_input *market(struct fixture *fx)
{
	struct sequencer_input *in;
	assert_int_equal(sequencer_add(&fx->rt->sequencer, "collector", SEQUENCE_MARKET, 0, 1 << 16, &in), 0);
	return in;
}

/* Killed when it had answered at 100 without what then came for 90. The restart has both at once. */
static void what_came_too_late_for_a_result_comes_too_late_again(void **state)
{
	(void)state;
	struct fixture fx = {.follows = true};
	setup(&fx);
	end(&fx);
	boot(&fx, "live");
	snapshot(&fx);
	answers = true;
	hear(&fx, market(&fx), 100);
	runtime_step(fx.rt);
	assert_int_equal(fx.rt->outbox.x_next, 3); /* that the executor was not heard, and the answer */
	end(&fx);
	boot(&fx, "live");
	assert_int_equal(fx.rt->life, life_recover);
	struct sequencer_input *in = market(&fx), *executor = fx.rt->follow[0].in_x;
	hear(&fx, executor, 90);
	hear(&fx, in, 100);
	sequencer_promise(&fx.rt->sequencer, executor, 1000);
	sequencer_promise(&fx.rt->sequencer, in, 1000);
	runtime_step(fx.rt);
	answers = false;
	assert_int_equal(fx.rt->outbox.counters.verified, 1);
	assert_int_equal(fx.rt->outbox.counters.differing, 0);
	assert_int_equal(fx.rt->life, life_running);
	assert_int_equal(executor->late, 1);
	assert_int_equal(fx.rt->sequencer.now, 101); /* right behind the answer */
	assert_int_equal(fx.rt->outbox.x_next, 5); /* that it was late, and the answer to it */
	teardown(&fx);
}

/* What can be waited for is: in lockstep nothing else is the same run. */
static void in_lockstep_recovery_waits_for_ever(void **state)
{
	(void)state;
	struct fixture fx = {.follows = true};
	setup(&fx);
	snapshot(&fx);
	emit(&fx, 100);
	end(&fx);
	boot(&fx, "lockstep");
	fx.rt->run.recover_wait_ns = 1;
	for (int i = 0; i < 3; i++)
		recover_watch(fx.rt);
	assert_int_equal(fx.rt->life, life_recover);
	assert_int_equal(own, 0);
	teardown(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_shell_wrote_last_is_not_waited_for),
		cmocka_unit_test(what_the_shell_notes_moves_no_result),
		cmocka_unit_test(a_journal_of_the_shell_alone_is_not_compared),
		cmocka_unit_test(a_command_is_not_accepted_while_comparing),
		cmocka_unit_test(an_alert_while_comparing_is_published_afterwards),
		cmocka_unit_test(a_difference_is_an_alert_and_safe_mode),
		cmocka_unit_test(a_full_journal_holds_and_goes_on),
		cmocka_unit_test(safe_mode_for_the_journal_is_said_once),
		cmocka_unit_test(a_refused_decision_has_not_happened),
		cmocka_unit_test(no_snapshot_overtakes_a_decision),
		cmocka_unit_test(without_a_snapshot_live_takes_its_journal_over),
		cmocka_unit_test(recovery_without_its_inputs_ends_in_safe_mode),
		cmocka_unit_test(in_lockstep_recovery_waits_for_ever),
		cmocka_unit_test(what_came_too_late_for_a_result_comes_too_late_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
