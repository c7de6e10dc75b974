/* settings - the settings every service and nj share: sections bus, run, log, redis. */
#include "common/service/settings.h"

#include <stddef.h>
#include <string.h>

#include "common/io/clock.h"
#include "common/service/service.h"

#define AT(member) offsetof(struct run_settings, member)
#define TEXT(member) AT(member), sizeof(((struct run_settings *)0)->member)

static const struct config_key bus_keys[] = {
	{"dir", CONFIG_TEXT, "run/bus", 0, 0, "", "Directory of the bus's sockets and locks; made with mode 0700.",
	 NULL, TEXT(bus_dir)},
	{"transport", CONFIG_CHOICE, "ipc", 0, 0, "",
	 "ipc: sockets in bus.dir, one host, one user; tcp: any hosts, every connection sealed and known by its key.",
	 "ipc|tcp", TEXT(bus_transport)},
	{"peers", CONFIG_TEXT,
	 "collector=127.0.0.1:9410,strategy=127.0.0.1:9420,executor=127.0.0.1:9430,persister=127.0.0.1:9440,"
	 "watchdog=127.0.0.1:9450", 0, 0, "",
	 "tcp: NAME=HOST:PORT of each publisher; lane M has PORT, lane X and its requests the next two.", NULL,
	 TEXT(bus_peers)},
	{"listen", CONFIG_TEXT, "", 0, 0, "",
	 "tcp: address that this host's services bind to; empty: the one that bus.peers has for them.", NULL,
	 TEXT(bus_listen)},
	{"keys", CONFIG_TEXT, "run/keys", 0, 0, "",
	 "tcp: directory of the keys (mode 0700): NAME.pub of all who are let in, NAME.secret of this host's programs.",
	 NULL, TEXT(bus_keys)},
	{"key", CONFIG_TEXT, "", 0, 0, "",
	 "tcp: name of the key this program uses; empty: a service's own name, operator for nj.", NULL, TEXT(bus_key)},
	{0},
};

static const struct config_key run_keys[] = {
	{"data", CONFIG_TEXT, "run/data", 0, 0, "", "Root of every service's journal, log and database.", NULL,
	 TEXT(data)},
	{"pace", CONFIG_CHOICE, "live", 0, 0, "", "live: waiting for promises ends; lockstep: it never does (replay).",
	 "live|lockstep", TEXT(pace)},
	{"origin", CONFIG_CHOICE, "any", 0, 0, "", "What the market data must be; other data is refused.",
	 "live|replay|simulated|any", TEXT(origin)},
	{"run_id", CONFIG_TEXT, "", 0, 0, "",
	 "Part of every client order id; empty: made once and kept. A replay reuses it.", NULL, TEXT(run_id)},
	{"lockstep_consumers", CONFIG_TEXT, "strategy,executor,persister", 0, 0, "",
	 "Whose promises are the collector's credit in lockstep.", NULL, TEXT(lockstep_consumers)},
	{"collectors", CONFIG_TEXT, "collector", 0, 0, "",
	 "The collector processes: collector, collector-WORD by its own subsection WORD of the section collector, or "
	 "either with /N: N processes NAME-1 to NAME-N that share its symbols.", NULL, TEXT(collectors)},
	{"wait_market", CONFIG_DUR, "10ms", 0, 0, "ns", "Longest wait for a venue's promise (live).", NULL,
	 AT(wait_market_ns), 0},
	{"wait_strategy", CONFIG_DUR, "50ms", 0, 0, "ns", "Longest wait for a strategy's or executor's promise (live).",
	 NULL, AT(wait_strategy_ns), 0},
	{"wait_repair", CONFIG_DUR, "5s", 0, 3600 * NS_PER_S, "ns",
	 "Longest wait for an input that is behind: it speaks, or its missing records are being fetched (live).", NULL,
	 AT(wait_repair_ns), 0},
	{"behind", CONFIG_DUR, "250ms", 0, 3600 * NS_PER_S, "ns",
	 "Market data that has waited longer is conflated (live): books take all of it, strategies are called with the "
	 "newest of a topic; 0: never.", NULL, AT(behind_ns), 0},
	{"order_latency", CONFIG_DUR, "50ms", 1000, 60 * NS_PER_S, "ns",
	 "Modelled time from a decision to its effect at the venue.", NULL, AT(order_latency_ns), 0},
	{"ack_latency", CONFIG_DUR, "10ms", 1000, 60 * NS_PER_S, "ns",
	 "Modelled time from an execution to the strategy's knowing it.", NULL, AT(ack_latency_ns), 0},
	{"recover_wait", CONFIG_DUR, "60s", 0, 86400 * NS_PER_S, "ns",
	 "Live: a restart whose inputs have not moved for this long takes its journal over as it is, and trades only "
	 "after a reset; 0 waits for ever.", NULL, AT(recover_wait_ns), 0},
	{"heartbeat", CONFIG_DUR, "250ms", 10 * NS_PER_MS, 10 * NS_PER_S, "ns", "Between heartbeats.", NULL,
	 AT(heartbeat_ns), 0},
	{"stall", CONFIG_DUR, "5s", 0, 3600 * NS_PER_S, "ns",
	 "A loop that has not turned for this long is aborted with a backtrace; 0 never.", NULL, AT(stall_ns), 0},
	{"drain", CONFIG_DUR, "8s", NS_PER_MS, 120 * NS_PER_S, "ns", "Longest drain after SIGTERM.", NULL, AT(drain_ns),
	 0},
	{"snapshot_events", CONFIG_INT, "20000", 100, 1000000000, "events", "Inputs between snapshots of state.", NULL,
	 AT(snapshot_events), 0},
	{"snapshot_every", CONFIG_DUR, "60s", NS_PER_MS, 3600 * NS_PER_S, "ns",
	 "Event time between snapshots of state.", NULL, AT(snapshot_ns), 0},
	{"journal_cap", CONFIG_BYTES, "1GiB", 1 << 16, INT64_MAX, "bytes", "Most a lane-X journal may take.", NULL,
	 AT(journal_cap), 0},
	{"log_cap", CONFIG_BYTES, "256MiB", 1 << 20, INT64_MAX, "bytes", "Most a lane-M log may take.", NULL,
	 AT(mlog_cap), 0},
	{"log_keep", CONFIG_DUR, "15m", NS_PER_S, 86400 * NS_PER_S, "ns", "Event time a lane-M log reaches back.", NULL,
	 AT(mlog_keep_ns), 0},
	{"queue", CONFIG_BYTES, "8MiB", 1 << 18, 1 << 30, "bytes", "Queue of each input that waits for its turn.", NULL,
	 AT(queue_bytes), 0},
	{"replay_rate", CONFIG_BYTES, "64MiB", 1 << 20, INT64_C(1) << 32, "bytes",
	 "Most bytes a second that are read back from journal and log for others, so that what is live goes first.",
	 NULL, AT(replay_rate), 0},
	{"crash_at", CONFIG_TEXT, "", 0, 0, "",
	 "Tests: SIGKILL to itself at a point of common/io/crash_points.def, POINT or POINT:N for its Nth passing. "
	 "Needs run.origin replay or simulated.",
	 NULL, TEXT(crash_at)},
	{"allow_inject", CONFIG_BOOL, "false", 0, 0, "",
	 "Tests: a request may put events into a service's inputs. Never for an account that counts.", NULL,
	 AT(allow_inject), 0},
	{0},
};

static const struct config_key log_keys[] = {
	{"level", CONFIG_CHOICE, "info", 0, 0, "", "Least severe line that is written.", "debug|info|warn|error",
	 TEXT(log_level)},
	{"format", CONFIG_CHOICE, "logfmt", 0, 0, "", "Form of the lines on stderr.", "logfmt|json", TEXT(log_format)},
	{"dir", CONFIG_TEXT, "", 0, 0, "",
	 "Write to NAME.log of each service in this directory, rotated at 10 MiB, 7 kept.", NULL,
	 TEXT(log_dir)},
	{"file", CONFIG_TEXT, "", 0, 0, "", "The same for one service: this file, whatever log.dir says.",
	 NULL, TEXT(log_file)},
	{"stderr", CONFIG_BOOL, "true", 0, 0, "",
	 "Write to stderr, too; false: only lines that no file took, and crashes.", NULL,
	 AT(log_stderr), 0},
	{0},
};

static const struct config_key redis_keys[] = {
	{"url", CONFIG_TEXT, "", 0, 0, "", "host:port or unix:/path of the cache; empty: no cache.", NULL,
	 TEXT(redis_url)},
	{"password", CONFIG_SECRET, "", 0, 0, "", "Its password, from NIGHTJAR_REDIS__PASSWORD_FILE.", NULL,
	 TEXT(redis_password)},
	{0},
};

const char *const settings_foreign[] = {"bus",      "run",      "log",     "redis",   "collector", "strategy",
					   "executor", "persister", "watchdog", "gateway", "nj",        NULL};

uint32_t settings_sections(struct run_settings *run, const struct service *s, void *settings,
			   struct config_section out[SETTINGS_SECTIONS_MAX])
{
	out[0] = (struct config_section){.name = "bus", .doc = "The message bus.", .keys = bus_keys, .self = run};
	out[1] = (struct config_section){
		.name = "run", .doc = "What all services share.", .keys = run_keys, .self = run};
	out[2] = (struct config_section){.name = "log", .doc = "Logging.", .keys = log_keys, .self = run};
	out[3] = (struct config_section){.name = "redis", .doc = "The cache.", .keys = redis_keys, .self = run};
	if (!s || !s->keys)
		return 4;
	out[4] = (struct config_section){
		.name = s->name, .doc = s->doc, .keys = s->keys, .self = settings,
		.subsections = s->subsections, .variants = s->several || s->variants};
	return 5;
}

struct bus_zmq_options settings_bus(const struct run_settings *run, const char *name)
{
	return (struct bus_zmq_options){.dir = run->bus_dir,
					.tcp = strcmp(run->bus_transport, "tcp") == 0,
					.peers = run->bus_peers,
					.listen = run->bus_listen,
					.keys = run->bus_keys,
					.key = run->bus_key[0] ? run->bus_key : name};
}
