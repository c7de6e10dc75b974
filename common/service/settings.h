/* settings - the settings every service and nj share: sections bus, run, log, redis. */
#ifndef NJ_SERVICE_SETTINGS_H
#define NJ_SERVICE_SETTINGS_H

#include "common/io/bus.h"
#include "common/io/config.h"

struct service;

struct run_settings {
	char bus_dir[96], bus_transport[8], bus_peers[1024], bus_listen[96];
	char bus_keys[240], bus_key[32];
	char data[256];      /* root of every service's files */
	char pace[16];       /* live or lockstep */
	char origin[16];     /* what the data must be: live, replay, simulated, any */
	char run_id[40];
	char lockstep_consumers[128];
	char collectors[256]; /* collectors.h */
	int64_t wait_market_ns, wait_strategy_ns, wait_repair_ns, behind_ns;
	int64_t heartbeat_ns, stall_ns, drain_ns, recover_wait_ns;
	int64_t snapshot_events, snapshot_ns; /* between snapshots: whichever comes first */
	int64_t journal_cap, mlog_cap, mlog_keep_ns, queue_bytes, replay_rate;
	int64_t order_latency_ns, ack_latency_ns;
	char log_level[8], log_format[8], log_file[200], log_dir[200];
	bool log_stderr, allow_inject;
	char crash_at[48];   /* tests: where to be killed */
	char redis_url[128], redis_password[128];
};

#define SETTINGS_SECTIONS_MAX 5

/* Sections every program of the stack reads (4), and the service's own (5) where s is not NULL. Returns how many. */
uint32_t settings_sections(struct run_settings *run, const struct service *s, void *settings,
			   struct config_section out[SETTINGS_SECTIONS_MAX]);

/* What bus_zmq_open needs; points into run. name: whose key it is where bus.key is empty. */
struct bus_zmq_options settings_bus(const struct run_settings *run, const char *name);

/* Names of all sections there are, NULL-ended: what config_new takes as foreign. */
extern const char *const settings_foreign[];

#endif
