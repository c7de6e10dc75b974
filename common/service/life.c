/* life - a service process from its start to its end; the states are drawn in runtime.h.
 *
 * BOOT: boot. RECOVER: recover_load, recover_own_journal, follow_start. READY, RUNNING: runtime_maybe_run.
 * DRAINING: runtime_stop. DONE, FAILED: shut_down.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/io/keys.h"
#include "common/io/log.h"
#include "common/io/sdnotify.h"
#include "common/service/runtime_state.h"

enum { EXIT_CONFIG = 78, EXIT_RUNNING = 3, EXIT_USAGE = 2, DIFFERENCES_LOGGED = 100, UNREADABLE_LOGGED = 20 };
#define CLOCK_STEP_NS (250 * NS_PER_MS)

static void send_heartbeat(void *ctx)
{
	struct runtime *rt = ctx;
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	ev.heartbeat.state = (uint8_t)rt->life;
	ev.heartbeat.x_epoch = rt->outbox.x_epoch;
	ev.heartbeat.x_last = rt->outbox.x_sent;
	ev.heartbeat.m_last = rt->outbox.mlog ? mlog_last(rt->outbox.mlog) : 0;
	if (rt->outbox.journal)
		ev.heartbeat.x_offset = journal_status(rt->outbox.journal).bytes;
	ev.heartbeat.rss = process_usage(rt)->rss;
	ev.heartbeat.anon = process_usage(rt)->anon;
	ev.heartbeat.errors = log_counters().errors;
	ev.heartbeat.progress = rt->applied;
	if (rt->s->beat && rt->self)
		rt->s->beat(rt->self, &ev.heartbeat);
	if (rt->life == life_recover)
		event_set_name(ev.heartbeat.note, "recovering");
	if (rt->held)
		event_set_name(ev.heartbeat.note, "journal full");
	if (ev.heartbeat.progress != rt->beat_progress)
		rt->beat_worked_at = ev.ts_recv;
	rt->beat_progress = ev.heartbeat.progress;
	if (!ev.heartbeat.worked_at)
		ev.heartbeat.worked_at = rt->beat_worked_at;
	runtime_emit(rt, &ev);
	outbox_flush(&rt->outbox);
	mirror_on_heartbeat(&rt->mirror, rt->name, &ev);
}

static void send_metrics(struct runtime *rt)
{
	static struct pair pairs[EVENT_PAIRS_MAX];
	struct event ev;
	event_init(&ev, EVENT_metrics);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	ev.metrics.values.at = pairs;
	ev.metrics.values.n = runtime_status_pairs(rt, pairs);
	runtime_emit(rt, &ev);
}

/* Somebody set the clock, or the machine slept: the monotonic clock knows nothing of either. */
static void watch_clock(struct runtime *rt)
{
	int64_t before = runtime_mono(rt), wall = clock_wall(runtime_clock(rt)), mono = runtime_mono(rt);
	if (mono - before > CLOCK_STEP_NS / 10)
		return; /* interrupted between the two: the next heartbeat can tell */
	int64_t offset = wall - mono, by = offset - rt->clock_offset;
	bool first = rt->clock_offset == 0;
	rt->clock_offset = offset;
	if (first || (by < CLOCK_STEP_NS && by > -CLOCK_STEP_NS))
		return;
	rt->clock_steps++;
	log_warn("the wall clock jumped", "by_ms=%lld", (long long)(by / NS_PER_MS));
}

/* What the journal has mended by itself is said all the same: the disk will not stop there. */
static void watch_journal(struct runtime *rt)
{
	char reason[400];
	struct journal_status st = journal_status(rt->outbox.journal);
	uint64_t errors = st.write_errors + st.snapshot_errors;
	if (errors > rt->journal_errors) {
		journal_reason(rt->outbox.journal, reason, sizeof reason);
		log_error("the journal could not be written", "errors=%llu reason=%s", (unsigned long long)errors,
			  reason);
	}
	rt->journal_errors = errors;
}

static bool say_who_holds(struct runtime *rt);

/* Two of one name would be heard in turns, and both would decide: who has lost the name stops. */
static void watch_name(struct runtime *rt)
{
	int rc = bus_holds(rt->bus);
	if (rc && rc != ERR_BUSY)
		log_warn("the lock of our name is gone and cannot be made again", "dir=%s err=%s", rt->run.bus_dir,
			 err_name(rc));
	if (rc != ERR_BUSY)
		return;
	(void)say_who_holds(rt);
	runtime_fail(rt, "another process has taken our name while our lock was gone", rc);
	rt->exit_code = EXIT_RUNNING;
}

static void on_beat(void *ctx)
{
	struct runtime *rt = ctx;
	send_heartbeat(rt);
	if (sdnotify_watchdog_ns() > 0)
		(void)sdnotify("WATCHDOG=1"); /* where it does not arrive, the manager acts */
	bool now_and_then = (runtime_mono(rt) / rt->run.heartbeat_ns) % 20 == 0;
	if (now_and_then)
		send_metrics(rt);
	outbox_send_tails(&rt->outbox, now_and_then);
	if (rt->outbox.journal) {
		watch_journal(rt);
		room_watch(rt);
	}
	mirror_watch(&rt->mirror, runtime_mono(rt));
	watch_clock(rt);
	watch_name(rt);
	outbox_flush(&rt->outbox);
}

static void on_pulse(void *ctx)
{
	struct runtime *rt = ctx;
	follow_poll(rt);
	follow_promises(rt);
	peers_watch(rt);
	mirror_flush(&rt->mirror, runtime_mono(rt));
	recover_judge(rt);
	later_send(rt, 0);
	recover_watch(rt);
	if (rt->s->tick && (rt->life == life_running || rt->life == life_draining))
		rt->s->tick(rt->self, runtime_mono(rt));
	if (rt->life == life_draining && rt->s->drained && rt->s->drained(rt->self))
		loop_stop(rt->loop);
	/* The newest promise may have been held back by the rate: repeat it so that idle inputs still advance. */
	runtime_step(rt);
}

static void on_journal(void *ctx, int events)
{
	struct runtime *rt = ctx;
	(void)events;
	int rc = outbox_durable(&rt->outbox);
	later_send(rt, rc);
	if (rc)
		runtime_fail(rt, "journal", rc);
	else
		runtime_step(rt);
}

static void drained(void *ctx)
{
	struct runtime *rt = ctx;
	log_error("drain took too long", "limit_ms=%lld", (long long)(rt->run.drain_ns / NS_PER_MS));
	rt->drain = NULL;
	if (rt->s->abandon)
		rt->s->abandon(rt->self);
	loop_stop(rt->loop);
}

void runtime_stop(struct runtime *rt, const char *why)
{
	if (rt->life >= life_draining)
		return;
	log_info("stopping", "why=%s", why);
	runtime_snapshot(rt);
	runtime_set_life(rt, life_draining);
	if (rt->s->stop)
		rt->s->stop(rt->self);
	if (!rt->s->drained || rt->s->drained(rt->self)) {
		loop_stop(rt->loop);
		return;
	}
	loop_timer(rt->loop, rt->run.drain_ns * (rt->s->drained ? 8 : 1), 0, drained, rt, &rt->drain);
}

static void on_signal(void *ctx, int events)
{
	struct runtime *rt = ctx;
	struct signalfd_siginfo si;
	(void)events;
	if (read(rt->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	if (si.ssi_signo == SIGHUP) {
		log_reopen();
	} else if (rt->life >= life_draining) {
		if (rt->s->abandon)
			rt->s->abandon(rt->self);
		_exit(130); /* a second signal: at once */
	} else {
		runtime_stop(rt, si.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

/* Before any thread exists: every thread inherits the mask, and czmq installs no handlers of its own. */
static int block_signals(struct runtime *rt)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_IO;
	rt->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return rt->signals < 0 ? ERR_IO : 0;
}

/* A folder that the setting `key` names, and those above it. */
static int make_dirs(const char *key, const char *path, char *reason, size_t cap)
{
	char part[512];
	size_t n = strlen(path);
	if (n >= sizeof part) {
		snprintf(reason, cap, "%s is longer than a path may be", key);
		return ERR_TOO_LONG;
	}
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		char was = part[i];
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST) {
			int rc = err_from_errno(errno);
			snprintf(reason, cap, "%s: the folder %.300s cannot be made: %s", key, path, strerror(errno));
			return rc;
		}
		part[i] = was;
	}
	return 0;
}

/* The run id of a data directory is made once: client order ids must not repeat after a restart. */
static int load_run_id(struct runtime *rt)
{
	char path[sizeof rt->dir + 16], hex[17] = "";
	if (rt->run.run_id[0]) {
		event_set_name(rt->run_id, rt->run.run_id);
		return 0;
	}
	snprintf(path, sizeof path, "%s/run_id", rt->dir);
	FILE *f = fopen(path, "re");
	if (f) {
		bool ok = fscanf(f, "%16s", hex) == 1;
		fclose(f);
		if (ok) {
			event_set_name(rt->run_id, hex);
			return 0;
		}
	}
	uint64_t id;
	if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
		return ERR_IO;
	snprintf(hex, sizeof hex, "%016llx", (unsigned long long)id);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%s\n", hex) < 0 || fflush(f) || fsync(fileno(f)))
		return ERR_IO;
	fclose(f);
	event_set_name(rt->run_id, hex);
	return 0;
}

static pid_t read_holder(const char *path)
{
	char text[32] = "";
	FILE *f = fopen(path, "re");
	if (f && !fgets(text, sizeof text, f))
		text[0] = '\0';
	if (f)
		fclose(f);
	long pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) == 0 ? (pid_t)pid : 0;
}

/* The holder may have the lock and not have written its number yet. False where it is we ourselves. */
static bool say_who_holds(struct runtime *rt)
{
	char path[200];
	pid_t pid = 0;
	snprintf(path, sizeof path, "%s/%s.lock", rt->run.bus_dir, rt->name);
	for (int i = 0; i < 100 && pid == 0; i++) {
		pid = read_holder(path);
		if (pid == 0)
			nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
	}
	if (pid == getpid())
		return false;
	log_error("already running", "service=%s holder=%d lock=%s", rt->name, (int)pid, path);
	return true;
}

static int open_bus(struct runtime *rt, char *reason, size_t cap)
{
	struct bus_zmq_options o = settings_bus(&rt->run, rt->name);
	int rc = make_dirs("bus.dir", rt->run.bus_dir, reason, cap);
	if (!rc)
		rc = bus_zmq_open(rt->loop, &o, &follow_bus_handler, rt, &rt->bus, reason, cap);
	if (rc)
		return rc;
	rc = bus_bind(rt->bus, rt->name);
	if (rc == ERR_BUSY && say_who_holds(rt)) {
		rt->exit_code = EXIT_RUNNING;
		snprintf(reason, cap, "another %s is running", rt->name);
	} else if (rc == ERR_BUSY) {
		snprintf(reason, cap, "another program has one of our three ports: see bus.peers and bus.listen");
	} else if (rc) {
		snprintf(reason, cap, "no place on the bus at %s: %s", rt->run.bus_dir, err_text(rc));
	}
	return rc;
}

static void on_difference(void *ctx, uint64_t seq, const char *was, const char *now)
{
	struct runtime *rt = ctx;
	/* One tells where it began; recover_judge tells how many they were. */
	if (rt->outbox.counters.differing <= DIFFERENCES_LOGGED)
		log_error("regenerated event differs from the journal", "seq=%llu was=%s now=%s",
			  (unsigned long long)seq, was, now);
}

static void on_unreadable(void *ctx, enum lane lane, uint64_t at, int err)
{
	struct runtime *rt = ctx;
	char text[EVENT_TEXT_MAX], why[300] = "";
	if (lane == LANE_X)
		journal_reason(rt->outbox.journal, why, sizeof why);
	else
		snprintf(why, sizeof why, "%s", mlog_reason(rt->outbox.mlog));
	if (rt->outbox.counters.unreadable <= UNREADABLE_LOGGED)
		log_error("records were asked for and cannot be read", "lane=%s from=%llu err=%s why=%s",
			  lane == LANE_X ? "X" : "M", (unsigned long long)at, err_name(err), why);
	if (lane == LANE_X) {
		snprintf(text, sizeof text,
			 "lane X cannot be read from %llu on: followers wait there. Restore the file: %.100s",
			 (unsigned long long)at, why);
		runtime_alert(rt, severity_critical, true, "journal_unreadable", rt->name, text);
	} else {
		snprintf(text, sizeof text, "lane M cannot be read from %llu on: who needs it gets a gap. %.100s",
			 (unsigned long long)at, why);
		runtime_alert(rt, severity_warning, true, "log_unreadable", rt->name, text);
	}
}

static int open_outbox(struct runtime *rt, char *reason, size_t cap)
{
	snprintf(rt->dir, sizeof rt->dir, "%s/%s", rt->run.data, rt->name);
	int rc = make_dirs("run.data", rt->dir, reason, cap);
	if (rc)
		return rc;
	struct outbox_options o = {.source = rt->name, .dir = rt->dir, .logged = rt->s->logged,
				   .journal_cap = (uint64_t)rt->run.journal_cap, .mlog_cap = (uint64_t)rt->run.mlog_cap,
				   .mlog_keep_ns = rt->run.mlog_keep_ns,
				   .replay_rate = (uint64_t)rt->run.replay_rate, .clock = loop_clock(rt->loop),
				   .differs = on_difference, .unreadable = on_unreadable, .ctx = rt};
	rc = outbox_open(&rt->outbox, rt->bus, &o, reason, cap);
	if (!rc)
		rc = load_run_id(rt);
	if (!rc)
		rc = loop_fd(rt->loop, journal_fd(rt->outbox.journal), LOOP_IN, on_journal, rt, &rt->journal_source);
	return rc;
}

/* One that names the collector stands for each of the stack's, in the order of their names. */
static int add_input(struct runtime *rt, const struct service_input *input)
{
	int rc = 0;
	if (strcmp(input->publisher, COLLECTORS_SERVICE) != 0)
		return follow_add(rt, input, NULL);
	for (uint32_t i = 0; i < rt->collectors.n && !rc; i++) {
		struct service_input one = *input;
		one.publisher = rt->collectors.at[i].name;
		rc = follow_add(rt, &one, NULL);
	}
	return rc;
}

static int add_inputs(struct runtime *rt)
{
	int rc = 0;
	if (rt->s->core) {
		rc = sequencer_init(&rt->sequencer, &runtime_core_sequencer, rt);
		rt->sequencer.repair_ns = rt->run.wait_repair_ns;
		rt->sequencer.behind_ns = runtime_lockstep(rt) ? 0 : rt->run.behind_ns;
		if (!rc)
			rc = sequencer_add(&rt->sequencer, rt->name, SEQUENCE_COMMAND, 0, 1 << 20, &rt->self_in);
		if (!rc)
			sequencer_promise(&rt->sequencer, rt->self_in, CORE_NEVER);
	}
	for (size_t i = 0; !rc && rt->s->inputs && rt->s->inputs[i].publisher; i++)
		rc = add_input(rt, &rt->s->inputs[i]);
	/* Its heartbeats acknowledge what is stored. */
	static const struct service_input persister = {.publisher = "persister"};
	if (!rc)
		rc = follow_add(rt, &persister, NULL);
	return rc || !rt->s->sides ? rc : rt->s->sides(rt->self);
}

/* Lockstep: the publisher of market data never runs further ahead than its consumers allow. */
static int add_credit(struct runtime *rt)
{
	if (!runtime_lockstep(rt) || !rt->s->logged)
		return 0;
	char list[sizeof rt->run.lockstep_consumers], *save = NULL;
	memcpy(list, rt->run.lockstep_consumers, sizeof list);
	for (char *name = strtok_r(list, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		struct service_input in = {.publisher = name};
		struct follow *f;
		int rc = follow_add(rt, &in, &f);
		if (rc)
			return rc;
		f->credit = true;
	}
	return 0;
}

static int make_service(struct runtime *rt, char *reason, size_t cap)
{
	int rc = rt->s->start(rt, rt->settings, &rt->self, reason, cap);
	if (rc == ERR_ARG)
		rt->exit_code = EXIT_CONFIG;
	if (!rc)
		rc = add_inputs(rt);
	if (!rc)
		rc = add_credit(rt);
	if (!rc)
		rc = recover_load(rt, reason, cap);
	if (rc == ERR_DIFFERS)
		rt->exit_code = EXIT_CONFIG;
	return rc;
}

static int start_timers(struct runtime *rt)
{
	int rc = loop_fd(rt->loop, rt->signals, LOOP_IN, on_signal, rt, &rt->signal_source);
	if (!rc)
		rc = loop_timer(rt->loop, 0, rt->run.heartbeat_ns, on_beat, rt, &rt->beat);
	if (!rc)
		rc = loop_timer(rt->loop, 0, 50 * NS_PER_MS, on_pulse, rt, &rt->pulse);
	return rc ? rc : stall_start(rt);
}

static void say_hello(struct runtime *rt)
{
	struct event ev;
	const char *loaded = rt->s->run_id ? rt->s->run_id(rt->self) : rt->run_id;
	if (strcmp(loaded, rt->run_id) != 0) {
		log_warn("the run goes on under the id it began with: a new one needs a new run.data",
			 "run_id=%s settings=%s", loaded, rt->run_id);
		event_set_name(rt->run_id, loaded);
	}
	event_init(&ev, EVENT_hello);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	event_set_name(ev.hello.version, NJ_VERSION);
	event_set_name(ev.hello.run_id, rt->run_id);
	ev.hello.x_epoch = rt->outbox.x_epoch;
	ev.hello.x_last = rt->outbox.x_sent;
	ev.hello.m_last = rt->outbox.mlog ? mlog_last(rt->outbox.mlog) : 0;
	ev.hello.pid = (uint32_t)getpid();
	runtime_emit(rt, &ev);
}

static int start_log(struct runtime *rt)
{
	char path[sizeof rt->run.log_dir + 64], reason[500] = "";
	struct log_options o = {.service = rt->name,
				.json = strcmp(rt->run.log_format, "json") == 0,
				.file_only = !rt->run.log_stderr};
	log_level_parse(rt->run.log_level, &o.level);
	if (rt->run.log_file[0]) {
		o.file = rt->run.log_file;
	} else if (rt->run.log_dir[0]) {
		(void)make_dirs("log.dir", rt->run.log_dir, reason, sizeof reason); /* the file cannot be opened then */
		snprintf(path, sizeof path, "%s/%s.log", rt->run.log_dir, rt->name);
		o.file = path;
	}
	int rc = log_open(&o);
	if (rc)
		log_error("no log file", "path=%s err=%s reason=%s", o.file, err_name(rc), reason);
	return rc;
}

/* A process that deals with live data is not to be killed by a setting somebody forgot. */
static int arm_crash_point(struct runtime *rt, char *reason, size_t cap)
{
	const char *at = rt->run.crash_at, *origin = rt->run.origin;
	if (!at[0])
		return 0;
	bool safe = strcmp(origin, "replay") == 0 || strcmp(origin, "simulated") == 0;
	int rc = safe ? crash_point_arm(at) : ERR_REFUSED;
	if (rc) {
		rt->exit_code = EXIT_CONFIG;
		snprintf(reason, cap, "run.crash_at=%s: %s", at,
			 safe ? "no such point, or its number is none from 1; the points are in "
				"common/io/crash_points.def"
			      : "for tests only: needs run.origin=replay or simulated");
	}
	return rc;
}

static int boot(struct runtime *rt, char *reason, size_t cap)
{
	if (rt->run.redis_password[0])
		keys_no_dumps();
	rt->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	int rc = rt->arena.at ? strmap_init(&rt->alerts, RUNTIME_ALERTS_MAX, 1) : ERR_NOMEM;
	if (!rc)
		rc = arm_crash_point(rt, reason, cap);
	if (!rc)
		rc = block_signals(rt);
	if (!rc)
		rc = loop_new(clock_real(), &rt->loop);
	if (!rc)
		rc = open_bus(rt, reason, cap);
	if (!rc)
		rc = open_outbox(rt, reason, cap);
	if (!rc)
		rc = mirror_open(&rt->mirror, rt->run.redis_url, rt->run.redis_password, reason, cap);
	if (!rc)
		rc = make_service(rt, reason, cap);
	if (!rc)
		rc = start_timers(rt);
	return rc;
}

static void shut_down(struct runtime *rt)
{
	stall_stop(rt);
	if (rt->loop && rt->outbox.bus && rt->life != life_failed) {
		runtime_set_life(rt, life_done);
		send_heartbeat(rt);
	}
	if (rt->outbox.journal)
		later_send(rt, journal_flush(rt->outbox.journal, rt->run.drain_ns));
	if (rt->outbox.bus)
		outbox_close(&rt->outbox);
	if (rt->self && rt->s->free)
		rt->s->free(rt->self);
	for (uint32_t i = 0; i < rt->n_follows; i++)
		follow_close(&rt->follow[i]);
	if (rt->s->core)
		sequencer_fini(&rt->sequencer);
	mirror_close(&rt->mirror);
	bus_close(&rt->bus);
	loop_free(rt->loop);
	strmap_fini(&rt->alerts);
	free(rt->arena.at);
}

static int run(struct runtime *rt)
{
	char reason[400] = "";
	usage_tame_malloc();
	uint64_t descriptors = usage_raise_descriptors();
	start_log(rt);
	log_info("start", "version=%s pid=%d pace=%s descriptors=%llu", NJ_VERSION, (int)getpid(), rt->run.pace,
		 (unsigned long long)descriptors);
	int rc = boot(rt, reason, sizeof reason);
	if (rc) {
		log_error("cannot start", "err=%s reason=%s", err_name(rc), reason[0] ? reason : err_text(rc));
		rt->life = life_failed;
		rt->exit_code = rt->exit_code ? rt->exit_code : 1;
	} else {
		runtime_set_life(rt, life_recover);
		recover_own_journal(rt);
		later_recall(rt);
		say_hello(rt);
		follow_start(rt);
		runtime_maybe_run(rt);
		rc = loop_run(rt->loop);
		if (rc)
			runtime_fail(rt, "loop", rc);
	}
	shut_down(rt);
	log_info("exit", "code=%d", rt->exit_code);
	log_close();
	return rt->exit_code;
}

int runtime_main(const struct service *s, int argc, char **argv)
{
	struct runtime_args args = {0};
	int rc = runtime_args_parse(s, argc, argv, &args);
	if (rc)
		return rc == 1 ? 0 : EXIT_USAGE;
	if (args.describe) {
		runtime_describe(s);
		return 0;
	}
	if (args.docs)
		return runtime_docs(s, args.docs) == 0 ? 0 : EXIT_USAGE;
	struct runtime *rt = calloc(1, sizeof *rt);
	if (!rt)
		return 1;
	rt->s = s;
	rt->name = s->name;
	rt->args = &args;
	rt->life = life_boot;
	rt->promise.at = rt->promise.handled = rt->promise.quiet_at = INT64_MIN;
	rt->settings = calloc(1, s->settings_size ? s->settings_size : 1);
	int code = EXIT_CONFIG;
	if (rt->settings && runtime_load_settings(rt, &args) == 0) {
		struct buf out;
		buf_init(&out, 1 << 20);
		if (args.print_config && config_print(rt->config, &out) == 0)
			fwrite(out.at, 1, out.len, stdout);
		buf_fini(&out);
		if (args.check_config)
			code = runtime_check_settings(rt) == 0 ? 0 : EXIT_CONFIG;
		else
			code = args.print_config ? 0 : run(rt);
	}
	config_free(rt->config);
	free(rt->settings);
	free(rt);
	return code;
}
