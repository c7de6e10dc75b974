/* test_follow - promises and what they are worth: across restarts of either side, and while records are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/service/runtime_state.h"

/* A strategy that follows an executor, without a process around it. */
static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	(void)core, (void)now, (void)ev, (void)out;
}

static int64_t next_due(const void *core)
{
	(void)core;
	return CORE_NEVER;
}

static void *core_of(void *self)
{
	return self;
}

static const struct core_ops core = {.on_event = on_event, .next_due = next_due};
static const struct service_input ledger = {.publisher = "executor", .lane = LANE_X, .class = SEQUENCE_LEDGER};
static bool safe_for(const void *self, const char *cause)
{
	(void)self, (void)cause;
	return false;
}

static const struct service service = {.name = "strategy", .core = &core, .core_of = core_of};
static const struct service trader = {.name = "strategy", .core = &core, .core_of = core_of, .safe_for = safe_for};

struct fixture {
	struct bus_hub *hub;
	struct runtime *rt;
	struct follow *f;
};

static void setup(struct fixture *fx)
{
	memset(fx, 0, sizeof *fx);
	struct runtime *rt = fx->rt = calloc(1, sizeof *rt);
	assert_non_null(rt);
	rt->s = &service;
	rt->name = rt->s->name;
	rt->self = rt;
	rt->run.queue_bytes = 1 << 20;
	memcpy(rt->run.pace, "lockstep", 9);
	rt->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	assert_non_null(rt->arena.at);
	assert_int_equal(loop_new(clock_real(), &rt->loop), 0);
	assert_int_equal(bus_hub_new(&fx->hub), 0);
	assert_int_equal(bus_mem_open(fx->hub, &follow_bus_handler, rt, &rt->bus), 0);
	assert_int_equal(sequencer_init(&rt->sequencer, &runtime_core_sequencer, rt), 0);
	assert_int_equal(follow_add(rt, &ledger, &fx->f), 0);
	fx->f->x.epoch = 1;
	fx->f->x.next = 1;
	inbox_start(&fx->f->x, INBOX_FROM_CURSOR, 0);
	rt->outbox.x_next = 1;
}

static void teardown(struct fixture *fx)
{
	follow_close(fx->f);
	sequencer_fini(&fx->rt->sequencer);
	bus_close(&fx->rt->bus);
	bus_hub_free(fx->hub);
	loop_free(fx->rt->loop);
	free(fx->rt->arena.at);
	free(fx->rt);
}

/* The executor's journal is taken in up to here. */
static void caught_up(struct fixture *fx, uint64_t last)
{
	fx->f->x.state = INBOX_LIVE;
	fx->f->x.was_live = true;
	fx->f->x.next = last + 1;
}

static void hear_promise(struct fixture *fx, const struct ev_promise *p)
{
	uint8_t frame[1024] = "promise.executor";
	size_t n = strlen((char *)frame) + 1;
	struct event ev;
	event_init(&ev, EVENT_promise);
	memcpy(ev.source, "executor", sizeof "executor");
	ev.promise = *p;
	int len = codec_pack(&ev, frame + n, sizeof frame - n);
	assert_true(len > 0);
	follow_telemetry(fx->f, frame, n + (size_t)len);
}

/* Its latency is 10. It has seen `seen` of our journal of this epoch; 0: of a program that does not say yet. */
static void hear_seen(struct fixture *fx, int64_t quiet, uint64_t seen, uint64_t epoch)
{
	struct pair pair = {.value = (int64_t)seen}, of = {.value = (int64_t)epoch};
	event_set_name(pair.name, "strategy");
	event_set_name(of.name, "strategy");
	hear_promise(fx, &(struct ev_promise){.at = 100,
					      .quiet_at = quiet,
					      .latency = 10,
					      .seen = {.at = &pair, .n = 1},
					      .seen_epochs = {.at = &of, .n = epoch ? 1 : 0}});
}

static void hear(struct fixture *fx, int64_t at, int64_t quiet, uint64_t x_last, uint64_t seen)
{
	struct pair pair = {.value = (int64_t)seen};
	event_set_name(pair.name, "strategy");
	hear_promise(fx, &(struct ev_promise){.at = at,
					      .quiet_at = quiet,
					      .x_last = x_last,
					      .latency = 10,
					      .seen = {.at = &pair, .n = 1}});
}

/* A command of the other's shell, as a record of lane X. */
static void hear_command(struct fixture *fx, uint64_t seq, enum verb verb, const char *reason)
{
	uint8_t body[1024];
	struct event ev;
	event_init(&ev, EVENT_command);
	memcpy(ev.source, "executor", sizeof "executor");
	ev.seq = seq;
	ev.ts_recv = (int64_t)seq * 1000;
	ev.command.verb = (uint8_t)verb;
	event_set_name(ev.command.target, "recovery");
	event_set_text(ev.command.reason, reason);
	int len = codec_pack(&ev, body, sizeof body);
	assert_true(len > 0);
	assert_int_equal(fx->f->x.ops->deliver(fx->f->x.ctx, &fx->f->x, &ev, body, (size_t)len, false), 0);
}

/* How far the executor's silence is believed. */
static int64_t believed(const struct fixture *fx)
{
	const struct sequencer_input *in = fx->f->in_x;
	int64_t quiet = in->limit == INT64_MAX || in->quiet < in->limit ? in->quiet : in->limit - 1;
	return quiet > in->promised ? quiet : in->promised;
}

static void a_promise_waits_for_the_records_it_speaks_of(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	caught_up(&fx, 4);
	hear(&fx, 1000, 1000, 5, 0);
	assert_int_equal(believed(&fx), 0);
	fx.f->x.next = 6;
	follow_promises(fx.rt);
	assert_int_equal(believed(&fx), 1000);
	teardown(&fx);
}

/* SIGKILL between a promise and its records' becoming durable: the next process makes them again, in its own time. */
static void a_promise_dies_with_records_that_never_came(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	caught_up(&fx, 4);
	hear(&fx, 1000, 1000, 6, 0);
	hear(&fx, 300, 300, 2, 0);
	assert_int_equal(believed(&fx), 300);
	teardown(&fx);
}

static void silence_ends_where_an_answer_can_come(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	caught_up(&fx, 0);
	follow_on_sent(fx.rt, 1, 500);
	hear(&fx, 100, 9000, 0, 0);
	assert_int_equal(believed(&fx), 509); /* its latency is 10 */
	hear(&fx, 100, 9000, 0, 1);
	assert_int_equal(believed(&fx), 9000);
	teardown(&fx);
}

/* Our journal was begun anew: the other side still speaks of the one before, whose sequences were high. */
static void what_was_seen_of_another_journal_does_not_count(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	fx.rt->outbox.x_epoch = 20;
	caught_up(&fx, 0);
	follow_on_sent(fx.rt, 1, 500);
	hear_seen(&fx, 9000, 5000, 10);
	assert_int_equal(believed(&fx), 509);
	follow_on_sent(fx.rt, 2, 600);
	hear_seen(&fx, 9000, 1, 20);
	assert_int_equal(believed(&fx), 609);
	hear_seen(&fx, 9000, 2, 0);
	assert_int_equal(believed(&fx), 9000);
	teardown(&fx);
}

/* Restarted from a snapshot: what was published before it may not have arrived yet. */
static void after_a_restart_silence_counts_once_all_was_seen(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	caught_up(&fx, 0);
	fx.rt->outbox.x_next = 50;
	follow_on_resumed(fx.rt);
	hear(&fx, 100, 9000, 0, 40);
	assert_int_equal(believed(&fx), 100);
	follow_on_sent(fx.rt, 50, 700);
	hear(&fx, 100, 9000, 0, 49);
	assert_true(believed(&fx) < 710);
	hear(&fx, 100, 9000, 0, 50);
	assert_int_equal(believed(&fx), 9000);
	teardown(&fx);
}

/* The other side remembers what our former life had seen; before we have that again we promise nothing. */
static void no_promise_before_the_journal_was_read_again(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	assert_false(follow_caught_up(fx.rt));
	caught_up(&fx, 7);
	assert_true(follow_caught_up(fx.rt));
	teardown(&fx);
}

static void acknowledge(struct fixture *fx, uint64_t seq, uint64_t epoch)
{
	uint8_t frame[1024] = "heartbeat.executor";
	size_t n = strlen((char *)frame) + 1;
	struct pair ack = {.value = (int64_t)seq}, of = {.value = (int64_t)epoch};
	event_set_name(ack.name, "strategy");
	event_set_name(of.name, "strategy");
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	memcpy(ev.source, "executor", sizeof "executor");
	ev.heartbeat.acks = (struct pairs){.at = &ack, .n = 1};
	ev.heartbeat.ack_epochs = (struct pairs){.at = &of, .n = epoch ? 1 : 0};
	int len = codec_pack(&ev, frame + n, sizeof frame - n);
	assert_true(len > 0);
	follow_telemetry(fx->f, frame, n + (size_t)len);
}

/* The journal was begun anew: what the database has of the one before says nothing about it. */
static void an_acknowledgement_of_another_epoch_does_not_count(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	fx.rt->outbox.x_epoch = 20;
	acknowledge(&fx, 5000, 10);
	assert_int_equal(fx.rt->acked, 0);
	assert_int_equal(fx.rt->foreign_acks, 1);
	acknowledge(&fx, 3, 20);
	assert_int_equal(fx.rt->acked, 3);
	acknowledge(&fx, 5000, 0); /* of a program that does not say yet */
	assert_int_equal(fx.rt->acked, 3);
	assert_int_equal(fx.rt->foreign_acks, 2);
	acknowledge(&fx, 0, 0);
	assert_int_equal(fx.rt->foreign_acks, 2);
	teardown(&fx);
}

/* Who finds that its restart is not the same run stops the trading of whoever trades, not only its own. */
static void safe_mode_reaches_who_trades(void **state)
{
	(void)state;
	struct fixture fx;
	setup(&fx);
	hear_command(&fx, 1, verb_safe, "it differs"); /* a strategy trades nothing itself */
	assert_int_equal(fx.f->in_x->queue.count, 0);
	fx.rt->s = &trader;
	fx.rt->name = fx.rt->s->name;
	hear_command(&fx, 2, verb_pause, "not ours"); /* the other side's own affair */
	hear_command(&fx, 3, verb_safe, "");          /* nobody else ends it */
	assert_int_equal(fx.f->in_x->queue.count, 0);
	hear_command(&fx, 4, verb_safe, "it differs");
	assert_int_equal(fx.f->in_x->queue.count, 1);
	teardown(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_promise_waits_for_the_records_it_speaks_of),
		cmocka_unit_test(a_promise_dies_with_records_that_never_came),
		cmocka_unit_test(silence_ends_where_an_answer_can_come),
		cmocka_unit_test(what_was_seen_of_another_journal_does_not_count),
		cmocka_unit_test(after_a_restart_silence_counts_once_all_was_seen),
		cmocka_unit_test(no_promise_before_the_journal_was_read_again),
		cmocka_unit_test(an_acknowledgement_of_another_epoch_does_not_count),
		cmocka_unit_test(safe_mode_reaches_who_trades),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
