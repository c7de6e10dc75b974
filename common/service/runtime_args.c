/* runtime_args - flags, settings and the printed description every service shares. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime_state.h"

#define AT(member) offsetof(struct run_settings, member)
#define TEXT(member) AT(member), sizeof(((struct run_settings *)0)->member)

static const struct config_key bus_keys[] = {
	{"dir", CONFIG_TEXT, "run/bus", 0, 0, "", "Directory of the bus's sockets and locks; made with mode 0700.", NULL,
	 TEXT(bus_dir)},
	{0},
};

static const struct config_key run_keys[] = {
	{"data", CONFIG_TEXT, "run/data", 0, 0, "", "Root of every service's journal, log and database.", NULL, TEXT(data)},
	{"pace", CONFIG_CHOICE, "live", 0, 0, "", "live: waiting for promises ends; lockstep: it never does (replay).",
	 "live|lockstep", TEXT(pace)},
	{"origin", CONFIG_CHOICE, "any", 0, 0, "", "What the market data must be; other data is refused.",
	 "live|replay|simulated|any", TEXT(origin)},
	{"run_id", CONFIG_TEXT, "", 0, 0, "", "Part of every client order id; empty: made once and kept. A replay reuses it.",
	 NULL, TEXT(run_id)},
	{"lockstep_consumers", CONFIG_TEXT, "strategy,executor,persister", 0, 0, "",
	 "Whose promises are the collector's credit in lockstep.", NULL, TEXT(lockstep_consumers)},
	{"wait_market", CONFIG_DUR, "1ms", 0, 0, "ns", "Longest wait for a venue's promise (live).", NULL,
	 AT(wait_market_ns), 0},
	{"wait_strategy", CONFIG_DUR, "50ms", 0, 0, "ns", "Longest wait for a strategy's or executor's promise (live).",
	 NULL, AT(wait_strategy_ns), 0},
	{"order_latency", CONFIG_DUR, "50ms", 1000, 60 * NS_PER_S, "ns",
	 "Modelled time from a decision to its effect at the venue.", NULL, AT(order_latency_ns), 0},
	{"ack_latency", CONFIG_DUR, "10ms", 1000, 60 * NS_PER_S, "ns",
	 "Modelled time from an execution to the strategy's knowing it.", NULL, AT(ack_latency_ns), 0},
	{"heartbeat", CONFIG_DUR, "250ms", 10 * NS_PER_MS, 10 * NS_PER_S, "ns", "Between heartbeats.", NULL,
	 AT(heartbeat_ns), 0},
	{"stall", CONFIG_DUR, "5s", 0, 3600 * NS_PER_S, "ns",
	 "A loop that has not turned for this long is aborted with a backtrace; 0 never.", NULL, AT(stall_ns), 0},
	{"drain", CONFIG_DUR, "8s", NS_PER_MS, 120 * NS_PER_S, "ns", "Longest drain after SIGTERM.", NULL, AT(drain_ns), 0},
	{"snapshot_events", CONFIG_INT, "20000", 100, 1000000000, "events", "Inputs between snapshots of state.", NULL,
	 AT(snapshot_events), 0},
	{"snapshot_every", CONFIG_DUR, "60s", NS_PER_MS, 3600 * NS_PER_S, "ns", "Event time between snapshots of state.",
	 NULL, AT(snapshot_ns), 0},
	{"journal_cap", CONFIG_BYTES, "1GiB", 1 << 20, INT64_MAX, "bytes", "Most a lane-X journal may take.", NULL,
	 AT(journal_cap), 0},
	{"log_cap", CONFIG_BYTES, "256MiB", 1 << 20, INT64_MAX, "bytes", "Most a lane-M log may take.", NULL, AT(mlog_cap), 0},
	{"log_keep", CONFIG_DUR, "15m", NS_PER_S, 86400 * NS_PER_S, "ns", "Event time a lane-M log reaches back.", NULL,
	 AT(mlog_keep_ns), 0},
	{"queue", CONFIG_BYTES, "8MiB", 1 << 18, 1 << 30, "bytes", "Queue of each input that waits for its turn.", NULL,
	 AT(queue_bytes), 0},
	{0},
};

static const struct config_key log_keys[] = {
	{"level", CONFIG_CHOICE, "info", 0, 0, "", "Least severe line that is written.", "debug|info|warn|error",
	 TEXT(log_level)},
	{"format", CONFIG_CHOICE, "logfmt", 0, 0, "", "Form of the lines on stderr.", "logfmt|json", TEXT(log_format)},
	{"file", CONFIG_TEXT, "", 0, 0, "", "Also write here, rotated at 10 MiB, 7 kept; empty: stderr only.", NULL,
	 TEXT(log_file)},
	{0},
};

static const struct config_key redis_keys[] = {
	{"url", CONFIG_TEXT, "", 0, 0, "", "host:port or unix:/path of the cache; empty: no cache.", NULL, TEXT(redis_url)},
	{"password", CONFIG_SECRET, "", 0, 0, "", "Its password, from NIGHTJAR_REDIS__PASSWORD_FILE.", NULL,
	 TEXT(redis_password)},
	{0},
};

static const char *const all_sections[] = {"bus",      "run",      "log",     "redis",   "collector", "strategy",
					   "executor", "persister", "watchdog", "gateway", "nj",        NULL};

uint32_t runtime_sections(struct run_settings *run, const struct service *s, void *settings, struct config_section out[5])
{
	out[0] = (struct config_section){.name = "bus", .doc = "The message bus.", .keys = bus_keys, .self = run};
	out[1] = (struct config_section){.name = "run", .doc = "What all services share.", .keys = run_keys, .self = run};
	out[2] = (struct config_section){.name = "log", .doc = "Logging.", .keys = log_keys, .self = run};
	out[3] = (struct config_section){.name = "redis", .doc = "The cache.", .keys = redis_keys, .self = run};
	if (!s || !s->keys)
		return 4;
	out[4] = (struct config_section){
		.name = s->name, .doc = s->doc, .keys = s->keys, .self = settings, .subsections = s->subsections};
	return 5;
}

/* Processes we start read the same settings: the file's absolute path and the flags become environment. */
static void export_settings(const struct runtime_args *a)
{
	char *path = a->config_path ? realpath(a->config_path, NULL) : NULL;
	if (path)
		setenv("NIGHTJAR_CONFIG", path, 1);
	free(path);
	for (size_t i = 0; i < a->n_flags; i++) {
		char name[200] = "NIGHTJAR_";
		size_t n = strlen(name);
		const char *c = a->flags[i];
		for (; *c && *c != '=' && n + 3 < sizeof name; c++) {
			name[n++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
			if (*c == '.')
				name[n++] = '_';
		}
		name[n] = '\0';
		if (*c == '=')
			setenv(name, c + 1, 1);
	}
}

int runtime_load_settings(struct runtime *rt, const struct runtime_args *a)
{
	struct config_section sections[5];
	struct config_error err = {{0}};
	uint32_t n = runtime_sections(&rt->run, rt->s, rt->settings, sections);
	int rc = config_new(sections, n, all_sections, &rt->config);
	if (!rc)
		rc = config_load(rt->config, a->config_path, a->flags, a->n_flags, NULL, &err);
	if (rc)
		fprintf(stderr, "nightjar-%s: %s\n", rt->s->name, err.text[0] ? err.text : err_text(rc));
	else
		export_settings(a);
	return rc;
}

static void usage(const struct service *s, FILE *to)
{
	fprintf(to,
		"nightjar-%s - %s\n\nUsage: nightjar-%s [--config FILE] [--set section.key=value]...\n\n"
		"  -c, --config FILE     settings file (default: NIGHTJAR_CONFIG, else none)\n"
		"  -s, --set KEY=VALUE   one setting, before file and environment\n"
		"      --check-config    read the settings, say what is wrong, start nothing\n"
		"      --print-config    print the settings in force and where each comes from\n"
		"      --describe        print inputs, outputs and settings\n"
		"  -V, --version         print the version\n  -h, --help            print this\n",
		s->name, s->doc, s->name);
}

static const char *value_of(int argc, char **argv, int *i, const char *flag)
{
	size_t n = strlen(flag);
	if (strncmp(argv[*i], flag, n) == 0 && argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (strcmp(argv[*i], flag) == 0 && *i + 1 < argc)
		return argv[++*i];
	return NULL;
}

static bool switch_flag(struct runtime_args *a, const char *arg)
{
	bool *flag = strcmp(arg, "--describe") == 0	  ? &a->describe
		     : strcmp(arg, "--check-config") == 0 ? &a->check_config
		     : strcmp(arg, "--print-config") == 0 ? &a->print_config
							  : NULL;
	if (flag)
		*flag = true;
	return flag != NULL;
}

int runtime_args_parse(const struct service *s, int argc, char **argv, struct runtime_args *a)
{
	a->config_path = config_env("NIGHTJAR_CONFIG");
	for (int i = 1; i < argc; i++) {
		const char *v;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			usage(s, stdout);
			return 1;
		} else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			printf("nightjar-%s %s\n", s->name, NJ_VERSION);
			return 1;
		} else if ((v = value_of(argc, argv, &i, "--config")) || (v = value_of(argc, argv, &i, "-c"))) {
			a->config_path = v;
		} else if ((v = value_of(argc, argv, &i, "--set")) || (v = value_of(argc, argv, &i, "-s"))) {
			if (a->n_flags == ARRAY_LEN(a->flags))
				return 2;
			a->flags[a->n_flags++] = v;
		} else if (!switch_flag(a, argv[i])) {
			fprintf(stderr, "nightjar-%s: unknown argument '%s'\n\n", s->name, argv[i]);
			usage(s, stderr);
			return 2;
		}
	}
	return 0;
}

static void describe_outputs(const struct service *s)
{
	printf("\npublishes\n");
	for (size_t i = 0; s->pubs && s->pubs[i]; i++) {
		const struct event_row *row = event_row(s->pubs[i]);
		must(row);
		printf("  %-14s lane %c  %-32s %s\n", row->name, row->lane == LANE_M ? 'M' : 'X', row->topic, row->doc);
	}
}

void runtime_describe(const struct service *s)
{
	printf("%s: %s\n\nfollows\n", s->name, s->doc);
	for (size_t i = 0; s->inputs && s->inputs[i].publisher; i++) {
		const struct service_input *in = &s->inputs[i];
		printf("  %-10s lane %c  ", in->publisher, in->lane == LANE_M ? 'M' : 'X');
		for (size_t k = 0; in->prefixes && in->prefixes[k]; k++)
			printf("%s ", in->prefixes[k]);
		printf("%s\n", in->prefixes ? "" : "everything");
	}
	describe_outputs(s);
	printf("\nsettings (section %s)\n", s->name);
	for (size_t i = 0; s->keys && s->keys[i].name; i++)
		printf("  %-22s %-14s %s\n", s->keys[i].name, s->keys[i].fallback, s->keys[i].doc);
}
