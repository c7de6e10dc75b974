/* test_command - requests that change something: once, in time, answered when it is true; settings; snapshots. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"

#define S INT64_C(1000000000)

/* The disk hangs while this is set: stands in front of the C library's. */
static atomic_bool disk_hangs;

int fdatasync(int fd)
{
	while (atomic_load(&disk_hangs))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return fsync(fd);
}

/* ---- a core that remembers what it was told ---- */

static struct seen {
	uint32_t commands, others;
	struct ev_command last;
	uint16_t other;
	int64_t at;
	int64_t limit; /* a setting of the core */
} seen;

static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	(void)core, (void)out;
	seen.at = now;
	if (ev->id != EVENT_command) {
		seen.others++;
		seen.other = ev->id;
		return;
	}
	seen.commands++;
	seen.last = ev->command;
	if (ev->command.verb == verb_reload && strcmp(ev->command.target, "strategy.limit") == 0)
		seen.limit = strtoll(ev->command.value, NULL, 10);
}

static int64_t next_due(const void *core)
{
	(void)core;
	return CORE_NEVER;
}

static int save(const void *core, struct buf *out)
{
	(void)core;
	return buf_append(out, &seen.limit, sizeof seen.limit);
}

static int load(void *core, const uint8_t *at, size_t len)
{
	(void)core;
	if (len != sizeof seen.limit)
		return ERR_CORRUPT;
	memcpy(&seen.limit, at, len);
	return 0;
}

static void *core_of(void *self)
{
	return self;
}

static int live_value(void *self, const char *key, int64_t *ret_value)
{
	(void)self;
	assert_string_equal(key, "limit");
	*ret_value = seen.limit;
	return 0;
}

static int judge(const void *self, const struct event *request, char *why)
{
	(void)self;
	event_set_text(why, "there is no account 'nobody'");
	return strcmp(request->request.target, "nobody") == 0 ? ERR_ARG : 0;
}

static void obeyed(void *self, const struct event *command, char *message)
{
	(void)self;
	event_set_text(message, command->command.verb == verb_pause ? "paused" : "obeyed");
}

enum { VALUES = 3 << 20 }; /* more than a frame */

/* Last values, as many as there are. */
static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	static uint8_t values[VALUES];
	(void)self;
	if (request->request.verb == verb_state)
		reply->reply.result = buf_append(page, values, sizeof values);
}

struct section {
	int64_t limit, fixed;
};

static const struct config_key keys[] = {
	{"limit", CONFIG_INT, "5", 0, 100, "", "May change.", NULL, offsetof(struct section, limit), 0},
	{"fixed", CONFIG_INT, "1", 0, 100, "", "May not.", NULL, offsetof(struct section, fixed), 0},
	{0},
};
static const char *const live[] = {"limit", NULL};
static const struct core_ops core = {.on_event = on_event, .next_due = next_due, .save = save, .load = load};
static const uint16_t pubs[] = {EVENT_intent, EVENT_alert, EVENT_gap, EVENT_parity, 0};
static const struct service service = {.name = "strategy",
				       .keys = keys,
				       .settings_size = sizeof(struct section),
				       .core = &core,
				       .core_of = core_of,
				       .pubs = pubs,
				       .judge = judge,
				       .obeyed = obeyed,
				       .on_request = on_request,
				       .live = live,
				       .live_value = live_value};

/* ---- a process around it, and somebody who asks ---- */

struct fixture {
	char dir[64], conf[96];
	struct bus_hub *hub;
	struct runtime *rt;
	struct runtime_args args;
	struct section section;
	struct bus *asker;
	int replies;
	struct ev_reply reply; /* the last one */
	size_t page_len;
	struct arena arena;
	uint8_t memory[EVENT_PAIRS_MAX * sizeof(struct pair)];
};

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	struct fixture *fx = ctx;
	struct event ev;
	size_t used;
	fx->arena.used = 0;
	(void)publisher, (void)page;
	fx->page_len = n;
	assert_int_equal(codec_unpack(reply, len, &fx->arena, &ev, &used), 0);
	fx->replies++;
	fx->reply = ev.reply;
}

static void write_settings(struct fixture *fx, const char *text)
{
	FILE *f = fopen(fx->conf, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void boot(struct fixture *fx)
{
	static const struct bus_handler handler = {.on_reply = on_reply};
	char reason[400] = "";
	struct runtime *rt = fx->rt = calloc(1, sizeof *rt);
	assert_non_null(rt);
	memset(&seen, 0, sizeof seen);
	rt->s = &service;
	rt->name = rt->s->name;
	rt->self = rt;
	rt->settings = &fx->section;
	rt->args = &fx->args;
	rt->promise.at = rt->promise.quiet_at = INT64_MIN;
	fx->args = (struct runtime_args){.config_path = fx->conf};
	assert_int_equal(runtime_load_settings(rt, &fx->args), 0);
	seen.limit = fx->section.limit;
	rt->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	assert_non_null(rt->arena.at);
	assert_int_equal(strmap_init(&rt->alerts, RUNTIME_ALERTS_MAX, 1), 0);
	assert_int_equal(loop_new(clock_real(), &rt->loop), 0);
	assert_int_equal(bus_hub_new(&fx->hub), 0);
	assert_int_equal(bus_mem_open(fx->hub, &follow_bus_handler, rt, &rt->bus), 0);
	assert_int_equal(bus_bind(rt->bus, "strategy"), 0);
	assert_int_equal(bus_mem_open(fx->hub, &handler, fx, &fx->asker), 0);
	struct outbox_options o = {.source = "strategy", .dir = fx->dir, .clock = clock_real()};
	assert_int_equal(outbox_open(&rt->outbox, rt->bus, &o, reason, sizeof reason), 0);
	assert_int_equal(sequencer_init(&rt->sequencer, &runtime_core_sequencer, rt), 0);
	assert_int_equal(sequencer_add(&rt->sequencer, "strategy", SEQUENCE_COMMAND, 0, 1 << 20, &rt->self_in), 0);
	sequencer_promise(&rt->sequencer, rt->self_in, CORE_NEVER);
	assert_int_equal(recover_load(rt, reason, sizeof reason), 0);
	rt->life = life_recover;
	recover_own_journal(rt);
	later_recall(rt);
	follow_start(rt);
	runtime_maybe_run(rt);
	runtime_step(rt);
}

static void end(struct fixture *fx)
{
	bus_close(&fx->asker);
	outbox_close(&fx->rt->outbox);
	sequencer_fini(&fx->rt->sequencer);
	strmap_fini(&fx->rt->alerts);
	bus_close(&fx->rt->bus);
	bus_hub_free(fx->hub);
	loop_free(fx->rt->loop);
	config_free(fx->rt->config);
	free(fx->rt->arena.at);
	free(fx->rt);
	fx->rt = NULL;
}

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);
	assert_non_null(fx);
	fx->arena = (struct arena){.at = fx->memory, .cap = sizeof fx->memory};
	snprintf(fx->dir, sizeof fx->dir, "/tmp/nj-command-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	snprintf(fx->conf, sizeof fx->conf, "%s/nightjar.conf", fx->dir);
	write_settings(fx, "strategy\n    limit = 5\n");
	boot(fx);
	assert_int_equal(fx->rt->life, life_running);
	*state = fx;
	return 0;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *fx = *state;
	end(fx);
	assert_int_equal(nftw(fx->dir, discard, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(fx);
	return 0;
}

static struct event request_of(enum verb verb, const char *nonce)
{
	struct event ev;
	event_init(&ev, EVENT_request);
	memcpy(ev.source, "test", 5);
	ev.request.id = 7;
	ev.request.verb = (uint8_t)verb;
	event_set_name(ev.request.owner, "ann");
	event_set_text(ev.request.reason, "lunch");
	event_set_name(ev.request.nonce, nonce);
	ev.request.expires_at = clock_wall(clock_real()) + 60 * S;
	return ev;
}

static void send(struct fixture *fx, const struct event *ev)
{
	uint8_t out[2048];
	int n = codec_pack(ev, out, sizeof out);
	assert_true(n > 0);
	assert_int_equal(bus_request(fx->asker, "strategy", out, (size_t)n), 0);
	bus_mem_pump(fx->hub);
}

static void wait_durable(struct fixture *fx)
{
	for (int i = 0; i < 20000 && journal_durable(fx->rt->outbox.journal) + 1 < fx->rt->outbox.x_next; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(outbox_durable(&fx->rt->outbox), 0);
	later_send(fx->rt, 0);
	bus_mem_pump(fx->hub);
}

/* Sends, waits for the disk, and returns the result of the one answer that came. */
static int64_t ask(struct fixture *fx, const struct event *ev)
{
	int before = fx->replies;
	send(fx, ev);
	for (int i = 0; i < 20000 && fx->replies == before; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		wait_durable(fx);
	}
	assert_int_equal(fx->replies, before + 1);
	return fx->reply.result;
}

/* ---- when the answer comes ---- */

/* "Journalled" is not said of what a power cut would still take. */
static void a_command_is_answered_when_it_is_on_disk(void **state)
{
	struct fixture *fx = *state;
	char nonce[EVENT_NAME_MAX];
	atomic_store(&disk_hangs, true);
	for (int i = 0; i < RUNTIME_LATER_MAX; i++) {
		snprintf(nonce, sizeof nonce, "n%d", i);
		struct event ev = request_of(verb_pause, nonce);
		send(fx, &ev);
	}
	assert_int_equal(fx->replies, 0);
	struct event ev = request_of(verb_pause, "one too many");
	send(fx, &ev); /* refused, and not journalled */
	assert_int_equal(fx->replies, 1);
	assert_int_equal(fx->reply.result, ERR_FULL);
	assert_int_equal(fx->rt->outbox.x_next, 1 + RUNTIME_LATER_MAX);
	atomic_store(&disk_hangs, false);
	wait_durable(fx);
	assert_int_equal(fx->replies, 1 + RUNTIME_LATER_MAX);
	assert_int_equal(fx->reply.result, 0);
	assert_int_equal(fx->reply.x_seq, RUNTIME_LATER_MAX);
	assert_string_equal(fx->reply.message, "paused"); /* what became of it */
}

/* The journal died under it: whoever asked hears that nobody knows. */
static void a_command_the_disk_did_not_take_is_not_called_journalled(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	atomic_store(&disk_hangs, true);
	send(fx, &ev);
	later_send(fx->rt, ERR_IO);
	bus_mem_pump(fx->hub);
	assert_int_equal(fx->replies, 1);
	assert_int_equal(fx->reply.result, ERR_IO);
	atomic_store(&disk_hangs, false);
}

/* ---- once, and in time ---- */

static void the_record_says_who_when_and_why(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	ev.request.lease = 60 * S;
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(seen.commands, 1);
	assert_string_equal(seen.last.owner, "ann");
	assert_string_equal(seen.last.reason, "lunch");
	assert_string_equal(seen.last.nonce, "a");
	assert_int_equal(seen.last.role, role_operator);
	assert_int_equal(seen.last.expires_at, ev.request.expires_at);
	assert_int_equal(seen.last.until, seen.at + 60 * S);
	assert_int_equal(fx->reply.role, role_operator);
	assert_string_equal(fx->reply.nonce, "a");
}

static void a_repeated_nonce_gets_the_first_answer(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	assert_int_equal(ask(fx, &ev), 0);
	uint64_t seq = fx->reply.x_seq;
	ev.request.id = 8;
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(fx->reply.id, 8);
	assert_int_equal(fx->reply.x_seq, seq);
	assert_string_equal(fx->reply.message, "paused");
	assert_int_equal(seen.commands, 1);
	assert_int_equal(fx->rt->outbox.x_next, 2);
	ev.request.verb = verb_resume;
	assert_int_equal(ask(fx, &ev), ERR_EXISTS);
	assert_int_equal(seen.commands, 1);
}

/* The asker gave up and asks again while the first is still on its way to the disk: one execution, one answer. */
static void a_repetition_while_it_waits_is_the_same_request(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	atomic_store(&disk_hangs, true);
	send(fx, &ev);
	ev.request.id = 8;
	send(fx, &ev);
	assert_int_equal(fx->replies, 0);
	atomic_store(&disk_hangs, false);
	wait_durable(fx);
	assert_int_equal(fx->replies, 1);
	assert_int_equal(fx->reply.id, 8);
	assert_int_equal(seen.commands, 1);
}

static void a_restart_remembers_what_it_accepted(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a"), short_one = request_of(verb_pause, "b");
	assert_int_equal(ask(fx, &ev), 0);
	uint64_t seq = fx->reply.x_seq;
	short_one.request.expires_at = clock_wall(clock_real()) + S / 5;
	assert_int_equal(ask(fx, &short_one), 0);
	nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
	end(fx);
	boot(fx);
	uint64_t next = fx->rt->outbox.x_next;
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(fx->reply.x_seq, seq);
	assert_int_equal(ask(fx, &short_one), ERR_STALE);
	assert_int_equal(fx->rt->outbox.x_next, next);
}

/* What a life that was killed left open the next one ends, once. */
static void an_open_alert_is_ended_by_the_next_life(void **state)
{
	struct fixture *fx = *state;
	runtime_alert(fx->rt, severity_warning, true, "snapshot_failed", "strategy", "no room");
	runtime_alert(fx->rt, severity_warning, true, "of no standing", "strategy", "once");
	assert_int_equal(fx->rt->outbox.x_next, 3);
	wait_durable(fx);
	end(fx);
	boot(fx);
	uint64_t next = fx->rt->outbox.x_next;
	runtime_alert(fx->rt, severity_warning, true, "snapshot_failed", "strategy", "still none"); /* was told */
	assert_int_equal(fx->rt->outbox.x_next, next);
	for (int i = 0; i < 2; i++) {
		runtime_alert(fx->rt, severity_warning, false, "snapshot_failed", "strategy", "written again");
		runtime_alert(fx->rt, severity_warning, false, "of no standing", "strategy", "over");
	}
	assert_int_equal(fx->rt->outbox.x_next, next + 1);
}

static void without_nonce_or_expiry_nothing_is_changed(void **state)
{
	struct fixture *fx = *state;
	int64_t now = clock_wall(clock_real());
	struct event ev = request_of(verb_pause, "");
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	ev = request_of(verb_stop, "a");
	ev.request.expires_at = 0;
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	ev.request.expires_at = now - 1;
	assert_int_equal(ask(fx, &ev), ERR_STALE);
	ev.request.expires_at = now + 2000 * S;
	assert_int_equal(ask(fx, &ev), ERR_RANGE);
	assert_int_equal(fx->rt->outbox.x_next, 1);
	assert_int_equal(fx->rt->life, life_running);
	event_init(&ev, EVENT_request); /* looking needs neither */
	memcpy(ev.source, "test", 5);
	ev.request.verb = verb_status;
	assert_int_equal(ask(fx, &ev), 0);
	ev.request.verb = verb_start;
	event_set_name(ev.request.nonce, "b");
	ev.request.expires_at = now + 60 * S;
	assert_int_equal(ask(fx, &ev), ERR_UNKNOWN);
}

/* What the service knows to be of no use is refused, and not on record. */
static void what_the_service_refuses_is_not_on_record(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	event_set_name(ev.request.target, "nobody");
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	assert_string_equal(fx->reply.message, "there is no account 'nobody'");
	assert_int_equal(fx->rt->outbox.x_next, 1);
	event_set_name(ev.request.target, "paper");
	event_set_name(ev.request.nonce, "b");
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(fx->rt->outbox.x_next, 2);
}

/* ---- what the shell does itself ---- */

static void the_log_level_is_changed_and_on_record(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_log_level, "a");
	event_set_name(ev.request.target, "loud");
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	event_set_name(ev.request.target, "error");
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(seen.last.verb, verb_log_level);
	assert_string_equal(seen.last.target, "error");
}

static void a_snapshot_is_answered_when_it_is_on_disk(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_pause, "a");
	assert_int_equal(ask(fx, &ev), 0);
	ev = request_of(verb_snapshot, "b");
	assert_int_equal(ask(fx, &ev), 0);
	struct journal_status st = journal_status(fx->rt->outbox.journal);
	assert_int_equal(st.snapshots, 1);
	assert_string_equal(fx->reply.message, "snapshot behind sequence 1 is on disk");
	end(fx);
	boot(fx);
	assert_false(fx->rt->no_snapshot);
	assert_int_equal(fx->rt->snapshot_seq, 1);
}

static void inject_is_for_tests(void **state)
{
	struct fixture *fx = *state;
	uint8_t packed[512];
	struct event inner, ev = request_of(verb_inject, "a");
	event_init(&inner, EVENT_trade);
	memcpy(inner.source, "test", 5);
	assert_int_equal(symbol_parse("ONE.TEST", 8, &inner.trade.instrument), 0);
	int n = codec_pack(&inner, packed, sizeof packed);
	assert_true(n > 0);
	ev.request.payload = (struct blob){packed, (uint32_t)n};
	assert_int_equal(ask(fx, &ev), ERR_REFUSED);
	assert_int_equal(seen.others, 0);
	fx->rt->run.allow_inject = true;
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(seen.others, 1);
	assert_int_equal(seen.other, EVENT_trade);
	ev = request_of(verb_inject, "b");
	ev.request.payload = (struct blob){packed, (uint32_t)n - 1};
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	assert_int_equal(seen.others, 1);
}

/* ---- settings ---- */

static void a_good_reload_is_a_command_for_each_setting(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_reload, "a");
	write_settings(fx, "strategy\n    limit = 50\nlog\n    level = \"error\"\nrun\n    wait_market = 9ms\n");
	assert_int_equal(ask(fx, &ev), 0);
	assert_string_equal(fx->reply.message, "changed: run.wait_market, log.level, strategy.limit");
	assert_int_equal(seen.commands, 3);
	assert_int_equal(seen.limit, 50);
	assert_int_equal(fx->section.limit, 50);
	assert_int_equal(fx->rt->run.wait_market_ns, 9000000);
	ev = request_of(verb_reload, "b");
	assert_int_equal(ask(fx, &ev), 0);
	assert_string_equal(fx->reply.message, "nothing has changed");
	assert_int_equal(seen.commands, 3);
}

static void a_bad_reload_changes_nothing(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_reload, "a");
	write_settings(fx, "strategy\n    limit = 50\n    fixed = 1000\n");
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	assert_non_null(strstr(fx->reply.message, "nightjar.conf:3"));
	assert_non_null(strstr(fx->reply.message, "fixed"));
	write_settings(fx, "strategy\n    limit = 50\n    fixed = 2\n");
	assert_int_equal(ask(fx, &ev), ERR_REFUSED);
	assert_non_null(strstr(fx->reply.message, "nightjar.conf:3: strategy.fixed cannot change while it runs"));
	write_settings(fx, "strategy\n    limt = 50\n");
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	assert_int_equal(unlink(fx->conf), 0);
	assert_int_equal(ask(fx, &ev), ERR_ARG);
	assert_int_equal(seen.commands, 0);
	assert_int_equal(fx->section.limit, 5);
	assert_int_equal(seen.limit, 5);
}

/* What a core was told lives in its snapshot; the file of the next start is compared with it. */
static void a_file_changed_between_runs_becomes_a_command(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_snapshot, "a");
	assert_int_equal(ask(fx, &ev), 0);
	write_settings(fx, "strategy\n    limit = 70\n");
	end(fx);
	boot(fx);
	assert_int_equal(fx->rt->life, life_running);
	assert_int_equal(seen.commands > 0 ? seen.last.verb : 0, verb_reload);
	assert_string_equal(seen.last.target, "strategy.limit");
	assert_string_equal(seen.last.value, "70");
	assert_int_equal(seen.last.role, role_service);
	assert_int_equal(seen.limit, 70);
}

/* ---- what it answers and tells beside commands ---- */

static void last_values_come_whole_and_at_a_rate(void **state)
{
	struct fixture *fx = *state;
	struct event ev = request_of(verb_state, "");
	fx->rt->outbox.o.replay_rate = 1 << 20;
	assert_int_equal(ask(fx, &ev), 0);
	assert_int_equal(fx->page_len, VALUES);
	assert_int_equal(ask(fx, &ev), ERR_BUSY); /* it took three seconds' worth */
	assert_int_equal(fx->page_len, 0);
	assert_int_equal(fx->rt->outbox.counters.replay_deferred, 1);
	fx->rt->outbox.replay_at -= 10 * S;
	fx->rt->outbox.replay_credit = 0;
	assert_int_equal(ask(fx, &ev), 0);
}

/* What is no request is not answered, but it is counted. */
static void what_is_no_request_is_counted(void **state)
{
	struct fixture *fx = *state;
	struct event hello;
	event_init(&hello, EVENT_hello);
	memcpy(hello.source, "test", 5);
	assert_int_equal(bus_request(fx->asker, "strategy", "\xdd\xff\xff\xff\xff", 5), 0);
	assert_int_equal(bus_request(fx->asker, "strategy", "", 0), 0);
	send(fx, &hello); /* an event, and none that asks */
	assert_int_equal(fx->replies, 0);
	assert_int_equal(fx->rt->refused, 3);
}

static bool is_raised(struct fixture *fx, const char *rule)
{
	char key[64];
	int n = snprintf(key, sizeof key, "%s|strategy", rule);
	const uint8_t *is = strmap_get(&fx->rt->alerts, key, (size_t)n);
	return is && *is;
}

static void after_a_minute(struct fixture *fx)
{
	for (size_t k = 0; k < PEERS_TROUBLES; k++)
		fx->rt->troubles[k].at -= fx->rt->troubles[k].at ? 61 * S : 0;
	peers_watch(fx->rt);
}

/* What the bus only counts is told, and is over when nothing of it has come for a minute. */
static void what_the_bus_suffers_is_an_alert(void **state)
{
	struct fixture *fx = *state;
	struct bus_counters *c = &fx->rt->bus->counters;
	const struct {
		const char *rule;
		uint64_t *counter, least;
	} rows[] = {{"bus_refused", &c->auth_failures, 1},
		    {"bus_flooded", &c->cut_off, 1},
		    {"bus_descriptors", &c->accept_failures, 1},
		    {"bus_garbage", &c->handshake_failures, 20}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t next = fx->rt->outbox.x_next;
		for (uint64_t k = 1; k <= rows[i].least + 3; k++) {
			(*rows[i].counter)++;
			peers_watch(fx->rt);
			assert_int_equal(is_raised(fx, rows[i].rule), k >= rows[i].least);
		}
		assert_int_equal(fx->rt->outbox.x_next, next + 1); /* once */
		after_a_minute(fx);
		assert_false(is_raised(fx, rows[i].rule));
		assert_int_equal(fx->rt->outbox.x_next, next + 2);
		(*rows[i].counter)++;
		peers_watch(fx->rt);
		assert_int_equal(is_raised(fx, rows[i].rule), rows[i].least == 1); /* it counts from there */
		after_a_minute(fx);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_command_is_answered_when_it_is_on_disk),
		TEST(a_command_the_disk_did_not_take_is_not_called_journalled),
		TEST(the_record_says_who_when_and_why),
		TEST(a_repeated_nonce_gets_the_first_answer),
		TEST(a_repetition_while_it_waits_is_the_same_request),
		TEST(a_restart_remembers_what_it_accepted),
		TEST(an_open_alert_is_ended_by_the_next_life),
		TEST(without_nonce_or_expiry_nothing_is_changed),
		TEST(what_the_service_refuses_is_not_on_record),
		TEST(the_log_level_is_changed_and_on_record),
		TEST(a_snapshot_is_answered_when_it_is_on_disk),
		TEST(inject_is_for_tests),
		TEST(a_good_reload_is_a_command_for_each_setting),
		TEST(a_bad_reload_changes_nothing),
		TEST(a_file_changed_between_runs_becomes_a_command),
		TEST(last_values_come_whole_and_at_a_rate),
		TEST(what_is_no_request_is_counted),
		TEST(what_the_bus_suffers_is_an_alert),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
