/* main - the watchdog: hears every heartbeat, says what is stale, hung, dead or growing, and in native mode supervises.
 *
 * Native mode (watchdog.supervise): it starts the units in their order, each in a process group of its own, restarts
 * what dies or hangs with backoff and budget, and ends them in reverse order. In containers the engine restarts; the
 * watchdog then only speaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime.h"
#include "services/watchdog/health.h"
#include "services/watchdog/memory.h"
#include "services/watchdog/unit.h"

enum { UNITS_MAX = COLLECTORS_MAX + 8 };

struct settings {
	bool supervise;
	char units[200], bin[300], logs[300], redis_command[500];
	int64_t dead_ns, boot_ns, grace_ns;
	struct memory_limits memory;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(member) AT(member), sizeof(((struct settings *)0)->member)

static const struct config_key keys[] = {
	{"supervise", CONFIG_BOOL, "false", 0, 0, "", "Start, restart and stop the units (native mode).", NULL,
	 AT(supervise), 0},
	{"units", CONFIG_TEXT, "persister,executor,strategy,collector", 0, 0, "",
	 "What to watch, in the order of starting; collector stands for all of run.collectors; a subsection of its "
	 "name can give a unit a command.", NULL, TEXT(units)},
	{"bin", CONFIG_TEXT, "", 0, 0, "", "Directory of the service binaries; empty: found by PATH.", NULL, TEXT(bin)},
	{"logs", CONFIG_TEXT, "", 0, 0, "",
	 "Directory of the units' output; empty: log.dir, and where that is empty they share our stderr.", NULL,
	 TEXT(logs)},
	{"redis_command", CONFIG_TEXT, "", 0, 0, "",
	 "A Redis of the stack's own, started before all; nj up fills this in where redis.url is empty.", NULL,
	 TEXT(redis_command)},
	{"dead_after", CONFIG_DUR, "5s", 100 * NS_PER_MS, 600 * NS_PER_S, "ns",
	 "Without a heartbeat for this long: hung.", NULL, AT(dead_ns), 0},
	{"boot_time", CONFIG_DUR, "30s", NS_PER_S, 3600 * NS_PER_S, "ns", "Until the first heartbeat after a start.",
	 NULL, AT(boot_ns), 0},
	{"stop_grace", CONFIG_DUR, "10s", 100 * NS_PER_MS, 600 * NS_PER_S, "ns", "From SIGTERM to SIGKILL.", NULL,
	 AT(grace_ns), 0},
	{"rss_max", CONFIG_BYTES, "500MiB", 1 << 20, INT64_MAX, "bytes", "Resident memory of one service that alerts.",
	 NULL, AT(memory.rss_max), 0},
	{"stack_max", CONFIG_BYTES, "1536MiB", 1 << 20, INT64_MAX, "bytes",
	 "Resident memory of all services together that alerts.", NULL, AT(memory.stack_max), 0},
	{"growth_max", CONFIG_BYTES, "100MiB", 1 << 10, INT64_MAX, "bytes",
	 "Growth an hour of a service's own memory, over the last hour, that warns.", NULL, AT(memory.growth_max), 0},
	{"runaway_max", CONFIG_BYTES, "200MiB", 1 << 10, INT64_MAX, "bytes", "The same, critical.", NULL,
	 AT(memory.runaway_max), 0},
	{"creep_max", CONFIG_BYTES, "4MiB", 1 << 10, INT64_MAX, "bytes",
	 "Growth an hour over the last six hours that warns: the slow leak.", NULL, AT(memory.creep_max), 0},
	{0},
};

static const uint16_t pubs[] = {EVENT_alert, EVENT_gap, 0};

struct counters {
	uint64_t heartbeats, restarts, deaths, hangs;
};
#define COUNTER(name, member, doc) {name, METRIC_COUNTER, doc, offsetof(struct counters, member)}
static const struct metric_row metrics[] = {
	COUNTER("watchdog_heartbeats_total", heartbeats, "Heartbeats heard."),
	COUNTER("watchdog_restarts_total", restarts, "Units started again."),
	COUNTER("watchdog_deaths_total", deaths, "Units that ended by themselves."),
	COUNTER("watchdog_hangs_total", hangs, "Units killed because they hung."),
	{0},
};

struct watched {
	struct unit unit;
	struct health health;
	struct memory memory;
	bool service; /* ours: has heartbeats and a lock */
};

struct watchdog {
	struct runtime *rt;
	struct settings set;
	struct watched watched[UNITS_MAX];
	uint32_t n;
	struct counters counters;
	bool stopping;
};

static struct watched *find(struct watchdog *w, const char *name)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (strcmp(w->watched[i].unit.name, name) == 0)
			return &w->watched[i];
	return NULL;
}

/* What was known of it was another process. */
static void begin_anew(struct watchdog *w, struct watched *v)
{
	int64_t mono = clock_mono(runtime_clock(w->rt));
	health_restarted(&v->health, mono);
	memory_restarted(&v->memory, mono);
}

static void on_died(void *ctx, struct unit *u, const char *how)
{
	struct watchdog *w = ctx;
	struct watched *v = find(w, u->name);
	char text[EVENT_TEXT_MAX];
	w->counters.deaths++;
	snprintf(text, sizeof text, "%s ended (%s), death %llu; next try in %lld ms", u->name, how,
		 (unsigned long long)u->deaths, (long long)(unit_backoff_ns(u->failures) / NS_PER_MS));
	log_warn("unit died", "unit=%s how=%s failures=%u", u->name, how, u->failures);
	/* Each death is an event of its own: raised and, when it works again, resolved. */
	runtime_alert(w->rt, u->failures >= UNIT_FAST_TRIES ? severity_critical : severity_warning, true,
		      "service_died", u->name, text);
	begin_anew(w, v);
}

static void on_changed(void *ctx, struct unit *u)
{
	struct watchdog *w = ctx;
	log_info("unit", "unit=%s state=%s pid=%d", u->name, unit_state_text(u->state), (int)u->pid);
	if (u->state != UNIT_STARTING)
		return;
	if (u->starts > 1)
		w->counters.restarts++;
	/* The silence between a stop and a start is not the new process's. */
	struct watched *v = find(w, u->name);
	if (v)
		begin_anew(w, v);
}

static const struct unit_handler unit_handler = {.died = on_died, .changed = on_changed};

struct command {
	char *text;
	size_t cap;
};

static int on_unit_key(void *ctx, const char *key, const char *value, const char *where)
{
	struct command *c = ctx;
	(void)where;
	if (strcmp(key, "command") == 0)
		snprintf(c->text, c->cap, "%s", value);
	return 0;
}

static bool is_service(const struct watchdog *w, const char *name)
{
	static const char *const names[] = {"strategy", "executor", "persister"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return collectors_find(runtime_collectors(w->rt), name) != NULL;
}

/* A collector is told which it is where there are several. */
static void command_of_service(const struct watchdog *w, const char *name, char *out, size_t cap)
{
	const char *bin = w->set.bin, *slash = bin[0] ? "/" : "";
	const struct collectors *all = runtime_collectors(w->rt);
	if (!collectors_find(all, name))
		snprintf(out, cap, "\"%s%snightjar-%s\"", bin, slash, name);
	else
		snprintf(out, cap, "\"%s%snightjar-%s\" --name %s", bin, slash, COLLECTORS_SERVICE, name);
}

static int add_unit(struct watchdog *w, const char *name, char *reason, size_t cap)
{
	char command[500] = "";
	struct command c = {.text = command, .cap = sizeof command};
	if (w->n == UNITS_MAX)
		return ERR_FULL;
	struct watched *v = &w->watched[w->n];
	v->service = is_service(w, name);
	int rc = config_each(runtime_config(w->rt), "watchdog", name, on_unit_key, &c);
	if (rc)
		return rc;
	if (command[0] == '\0' && v->service)
		command_of_service(w, name, command, sizeof command);
	if (command[0] == '\0' && strcmp(name, "redis") == 0)
		snprintf(command, sizeof command, "%s", w->set.redis_command);
	if (command[0] == '\0' && w->set.supervise) {
		snprintf(reason, cap, "watchdog.units: '%s' is no service of ours; give it watchdog.%s.command", name,
			 name);
		return ERR_ARG;
	}
	unit_init(&v->unit, name, command, runtime_loop(w->rt), &unit_handler, w);
	v->unit.stop_grace_ns = w->set.grace_ns;
	/* A service that has a log of its own says nothing here unless it dies. */
	const struct run_settings *run = runtime_settings(w->rt);
	if (w->set.logs[0])
		snprintf(v->unit.out_path, sizeof v->unit.out_path, "%s/%s.%s", w->set.logs, name,
			 v->service && run->log_dir[0] ? "err" : "log");
	if (!v->service)
		snprintf(v->unit.lock_path, sizeof v->unit.lock_path, "%s/%s.lock", run->bus_dir, name);
	health_init(&v->health, clock_mono(runtime_clock(w->rt)));
	w->n++;
	if (!v->service)
		return 0;
	rc = memory_init(&v->memory, clock_mono(runtime_clock(w->rt)));
	if (rc)
		return rc;
	struct service_input in = {.publisher = v->unit.name};
	return runtime_follow(w->rt, &in);
}

/* collector stands for all that the stack has. */
static int add_units(struct watchdog *w, const char *name, char *reason, size_t cap)
{
	const struct collectors *all = runtime_collectors(w->rt);
	int rc = 0;
	if (strcmp(name, COLLECTORS_SERVICE) != 0)
		return add_unit(w, name, reason, cap);
	for (uint32_t i = 0; i < all->n && !rc; i++)
		rc = add_unit(w, all->at[i].name, reason, cap);
	return rc;
}

/* Units that log into files of their own leave their stderr to crashes. */
static void share_logs(struct watchdog *w)
{
	const struct run_settings *run = runtime_settings(w->rt);
	if (!w->set.supervise || !run->log_dir[0])
		return;
	if (!w->set.logs[0])
		snprintf(w->set.logs, sizeof w->set.logs, "%s", run->log_dir);
	setenv("NIGHTJAR_LOG__STDERR", "false", 1);
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct watchdog *w = calloc(1, sizeof *w);
	if (!w)
		return ERR_NOMEM;
	w->rt = rt;
	w->set = *(const struct settings *)settings;
	char list[sizeof w->set.units], *save = NULL;
	memcpy(list, w->set.units, sizeof list);
	share_logs(w);
	int rc = w->set.redis_command[0] ? add_unit(w, "redis", reason, cap) : 0;
	for (char *name = strtok_r(list, ", ", &save); name && !rc; name = strtok_r(NULL, ", ", &save))
		rc = add_units(w, name, reason, cap);
	if (rc) {
		for (uint32_t i = 0; i < w->n; i++)
			memory_fini(&w->watched[i].memory);
		free(w);
		return rc;
	}
	*ret_self = w;
	return 0;
}

static void run(void *self)
{
	struct watchdog *w = self;
	for (uint32_t i = 0; i < w->n && w->set.supervise; i++) {
		struct watched *v = &w->watched[i];
		char lock[300];
		snprintf(lock, sizeof lock, "%s/%s.lock", runtime_settings(w->rt)->bus_dir, v->unit.name);
		if (unit_adopt(&v->unit, lock) == 0)
			log_info("adopted", "unit=%s pid=%d", v->unit.name, (int)v->unit.pid);
		else
			unit_start(&v->unit);
	}
}

static void stop(void *self)
{
	struct watchdog *w = self;
	w->stopping = true;
}

/* Ends the units one after another, the last started first: who consumes is there until its publishers are gone. */
static bool drained(void *self)
{
	struct watchdog *w = self;
	for (uint32_t i = w->n; w->set.supervise && i-- > 0;) {
		struct unit *u = &w->watched[i].unit;
		if (u->state == UNIT_STOPPED)
			continue;
		if (u->state != UNIT_STOPPING)
			unit_stop(u);
		if (u->state != UNIT_STOPPED)
			return false;
	}
	return true;
}

/* No time left: what still runs is killed with its group; an orphan would go on trading unwatched. */
static void abandon(void *self)
{
	struct watchdog *w = self;
	for (uint32_t i = 0; w->set.supervise && i < w->n; i++)
		unit_kill(&w->watched[i].unit);
}

static void watched_fini(struct watched *v)
{
	unit_fini(&v->unit);
	memory_fini(&v->memory);
}

static void watchdog_free(void *self)
{
	struct watchdog *w = self;
	for (uint32_t i = 0; i < w->n; i++)
		watched_fini(&w->watched[i]);
	free(w);
}

static void on_telemetry(void *self, const struct event *ev)
{
	struct watchdog *w = self;
	struct watched *v = find(w, ev->source);
	if (v && v->service)
		memory_on_telemetry(&v->memory, ev, clock_mono(runtime_clock(w->rt)));
	if (!v || ev->id != EVENT_heartbeat)
		return;
	w->counters.heartbeats++;
	health_on_beat(&v->health, ev, clock_mono(runtime_clock(w->rt)));
	unit_alive(&v->unit);
}

static void on_alert(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		     const char *text)
{
	runtime_alert(((struct watchdog *)ctx)->rt, severity, raised, rule, subject, text);
}

static void judge(struct watchdog *w, struct watched *v, int64_t mono)
{
	const struct health_limits limits = {.dead_ns = w->set.dead_ns, .boot_ns = w->set.boot_ns};
	char text[EVENT_TEXT_MAX];
	const char *name = v->unit.name;
	if (w->set.supervise && v->unit.state != UNIT_RUNNING && v->unit.state != UNIT_STARTING)
		return;
	enum health_state state = health_state(&v->health, &limits, mono);
	snprintf(text, sizeof text, "%s: no heartbeat for %lld ms", name,
		 (long long)((mono - (v->health.beat_at ? v->health.beat_at : v->health.since)) / NS_PER_MS));
	runtime_alert(w->rt, severity_critical, state == HEALTH_HUNG, "service_hung", name,
		      state == HEALTH_HUNG ? text : "no longer hangs");
	if (state == HEALTH_HUNG) {
		if (w->set.supervise && v->unit.pid) {
			w->counters.hangs++;
			unit_kill(&v->unit);
			begin_anew(w, v);
		}
		return;
	}
	if (state == HEALTH_UNKNOWN)
		return;
	snprintf(text, sizeof text, "%s is alive and has done nothing for %lld s (%s)", name,
		 (long long)((mono - v->health.progress_at) / NS_PER_S), v->health.last.note);
	runtime_alert(w->rt, severity_warning, state == HEALTH_IDLE, "service_idle", name,
		      state == HEALTH_IDLE ? text : "works again");
	runtime_alert(w->rt, severity_warning, false, "service_died", name, "works again");
	memory_judge(&v->memory, &w->set.memory, name, &(struct memory_alerts){w, on_alert});
}

/* Redis and its like have no heartbeat that says they work: they have stayed. */
static void judge_plain(struct watchdog *w, const struct watched *v, int64_t mono)
{
	if (v->unit.state == UNIT_RUNNING && mono - v->unit.started_at >= w->set.dead_ns)
		runtime_alert(w->rt, severity_warning, false, "service_died", v->unit.name, "runs again");
}

static void tick(void *self, int64_t mono_ns)
{
	struct watchdog *w = self;
	uint64_t rss = 0;
	for (uint32_t i = 0; i < w->n && !w->stopping; i++) {
		if (!w->watched[i].service) {
			judge_plain(w, &w->watched[i], mono_ns);
			continue;
		}
		memory_sample(&w->watched[i].memory, mono_ns);
		judge(w, &w->watched[i], mono_ns);
		rss += w->watched[i].memory.rss;
	}
	memory_judge_stack(rss, &w->set.memory, &(struct memory_alerts){w, on_alert});
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	hb->progress = ((struct watchdog *)self)->counters.heartbeats;
}

static const void *metrics_of(void *self)
{
	return &((struct watchdog *)self)->counters;
}

/* --- requests: state (a table of the units), start, stop, restart ----------------------------------------- */

static uint32_t put(struct pair *p, uint32_t n, const char *unit, const char *what, int64_t value)
{
	if (n < EVENT_PAIRS_MAX) {
		snprintf(p[n].name, sizeof p[n].name, "%.20s.%s", unit, what);
		p[n++].value = value;
	}
	return n;
}

static void answer_state(struct watchdog *w, struct ev_reply *r)
{
	static struct pair pairs[EVENT_PAIRS_MAX];
	int64_t mono = clock_mono(runtime_clock(w->rt));
	uint32_t n = put(pairs, 0, "watchdog", "supervises", w->set.supervise);
	for (uint32_t i = 0; i < w->n; i++) {
		const struct watched *v = &w->watched[i];
		const char *name = v->unit.name;
		n = put(pairs, n, name, "state", v->unit.state);
		n = put(pairs, n, name, "pid", v->unit.pid);
		n = put(pairs, n, name, "starts", (int64_t)v->unit.starts);
		n = put(pairs, n, name, "deaths", (int64_t)v->unit.deaths);
		n = put(pairs, n, name, "failures", v->unit.failures);
		if (v->unit.state == UNIT_BACKOFF)
			n = put(pairs, n, name, "retry_ms", (v->unit.retry_at - mono) / NS_PER_MS);
		n = put(pairs, n, name, "uptime_ms", (mono - v->unit.started_at) / NS_PER_MS);
		n = put(pairs, n, name, "beat_age_ms",
			v->health.beat_at ? (mono - v->health.beat_at) / NS_PER_MS : -1);
		n = put(pairs, n, name, "rss", (int64_t)v->health.last.rss);
		n = put(pairs, n, name, "progress", (int64_t)v->health.progress);
		if (v->service)
			n = memory_pairs(&v->memory, name, pairs, n);
	}
	r->result = 0;
	r->values.at = pairs;
	r->values.n = n;
}

static void command_unit(struct watchdog *w, struct unit *u, struct ev_reply *r)
{
	r->result = 0;
	if (!w->set.supervise) {
		r->result = ERR_REFUSED;
		event_set_text(r->message, "this watchdog does not supervise: ask the container engine");
		return;
	}
	if (r->verb == verb_start && !u->pid)
		unit_start(u);
	else if (r->verb == verb_stop)
		unit_stop(u);
	else if (r->verb == verb_restart)
		unit_restart(u);
	event_set_text(r->message, unit_state_text(u->state));
}

static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	struct watchdog *w = self;
	struct ev_reply *r = &reply->reply;
	(void)page;
	if (r->verb == verb_state) {
		answer_state(w, r);
		return;
	}
	struct watched *v = find(w, request->request.target);
	if (r->verb == verb_stop && strcmp(request->request.target, "watchdog") == 0) {
		r->result = 0;
		event_set_text(r->message, "the stack is going down");
		runtime_stop(w->rt, "asked to stop");
		return;
	}
	if (!v) {
		r->result = ERR_NOT_FOUND;
		snprintf(r->message, sizeof r->message, "no unit '%.40s'; there are: %.100s", request->request.target,
			 w->set.units);
		return;
	}
	command_unit(w, &v->unit, r);
}

static const char *const standing[] = {"service_died", "service_hung", "service_idle", "memory_high",
				       "stack_memory_high", NULL};

static const struct service service = {
	.name = "watchdog",
	.doc = "Says what is stale, hung, dead or growing; in native mode it supervises the other services.",
	.keys = keys,
	.subsections = true,
	.settings_size = sizeof(struct settings),
	.pubs = pubs,
	.metrics = metrics,
	.start = start,
	.stop = stop,
	.drained = drained,
	.abandon = abandon,
	.free = watchdog_free,
	.metrics_of = metrics_of,
	.on_telemetry = on_telemetry,
	.run = run,
	.tick = tick,
	.beat = beat,
	.standing = standing,
	.on_request = on_request,
};
SERVICE_MAIN(service)
