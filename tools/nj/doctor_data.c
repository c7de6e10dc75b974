/* doctor_data - what a stack keeps and is told: settings, journals, the database and what it says. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/strmap.h"
#include "common/io/journal.h"
#include "tools/nj/database.h"
#include "tools/nj/doctor.h"
#include "tools/nj/spawn.h"
#include "tools/nj/table.h"

enum { ARGS_MAX = 2 * CLI_LIST_MAX + 8, RECORDS_READ = 100000, ALERTS_MAX = 512 };
#define HOUR_NS (3600 * NS_PER_S)

/* ---- settings: every program checks them itself ---- */

static void check_program(const struct doctor *d, struct finding *f, const char *bin, const char *service)
{
	char program[STACK_PATH_MAX + 64], *argv[ARGS_MAX];
	struct buf said;
	int code = 0;
	size_t n = 0;
	snprintf(program, sizeof program, "%s/nightjar-%s", bin, services_program(service));
	argv[n++] = program;
	if (services_is_collector(service)) {
		argv[n++] = (char *)"--name";
		argv[n++] = (char *)(uintptr_t)service;
	}
	argv[n++] = (char *)"--check-config";
	if (d->cli->config_path) {
		argv[n++] = (char *)"--config";
		argv[n++] = (char *)d->cli->config_path;
	}
	for (size_t i = 0; i < d->cli->set.n && n + 3 < ARRAY_LEN(argv); i++) {
		argv[n++] = (char *)"--set";
		argv[n++] = (char *)d->cli->set.at[i];
	}
	argv[n] = NULL;
	buf_init(&said, 1 << 16);
	int rc = spawn_read(argv, 2, &said, &code);
	const char *text = (const char *)said.at, *end = said.len ? memchr(text, '\n', said.len) : NULL;
	if (rc)
		finding_blame(f, DOCTOR_FAIL, "install nj and the services into one directory", "%.200s: %s", program,
			      err_text(rc));
	else if (code != 0)
		finding_blame(f, DOCTOR_FAIL,
			      "correct the setting; nightjar-SERVICE --print-config shows where it comes from", "%.*s",
			      end ? (int)(end - text) : (int)said.len, said.len ? text : "");
	buf_fini(&said);
}

void doctor_settings(struct doctor *d)
{
	struct finding *f = doctor_check(d, "settings", "every service accepts them");
	char bin[STACK_PATH_MAX];
	if (stack_bin(bin) != 0) {
		finding_measure(f, "not checked: cannot tell where the programs are");
		return;
	}
	for (size_t i = 0; i < services_n; i++)
		check_program(d, f, bin, services_names[i]);
	finding_measure(f, "%.150s, %zu --set", d->cli->config_path ? d->cli->config_path : "no file", d->cli->set.n);
}

/* ---- journals ---- */

static bool count_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	uint64_t *n = ctx;
	(void)seq;
	(void)bytes;
	(void)len;
	return ++*n < RECORDS_READ;
}

static void check_journal(const struct doctor *d, struct finding *f, const char *service, uint64_t sums[2])
{
	char path[STACK_PATH_MAX], reason[300] = "";
	struct journal *j;
	struct stat st;
	uint64_t next, n = 0;
	snprintf(path, sizeof path, "%s/%s/journal", d->run.data, service);
	if (stat(path, &st) != 0)
		return; /* it has never run here */
	struct journal_options o = {.dir = path, .read_only = true};
	int rc = journal_open(&o, &j, reason, sizeof reason);
	if (rc == ERR_NOT_FOUND)
		return;
	if (rc == 0) {
		struct journal_status s = journal_status(j);
		uint64_t from = s.last > RECORDS_READ ? s.last - RECORDS_READ : s.first;
		from = from < s.first ? s.first : from;
		rc = s.first <= s.last && s.last ? journal_read(j, from, 0, count_record, &n, &next) : 0;
		journal_reason(j, reason, sizeof reason);
		sums[0] += s.last;
		sums[1] += s.bytes;
		journal_close(j);
	}
	if (rc)
		finding_blame(f, DOCTOR_FAIL, "stop the service and keep a copy of its directory before anything else",
			      "%s: %s", service, reason[0] ? reason : err_text(rc));
}

static void check_journals(struct doctor *d)
{
	struct finding *f = doctor_check(d, "journals", "the last 100,000 records of each check");
	uint64_t sums[2] = {0};
	char count[TABLE_SHORT_MAX], size[TABLE_SHORT_MAX];
	for (size_t i = 0; i < services_n; i++)
		check_journal(d, f, services_names[i], sums);
	finding_measure(f, "%s records, %s", table_thousands((int64_t)sums[0], count),
			table_bytes((int64_t)sums[1], size));
}

/* ---- database: whole, and what it says of the last day ---- */

struct lately {
	const struct doctor *d;
	int64_t now, blind;
	uint64_t gaps;
	struct strmap alerts; /* "rule subject" -> severity while raised */
};

/* Alerts of a service's earlier life are over: it raises them anew. */
static bool is_of_this_life(const struct lately *l, const struct event *ev)
{
	for (size_t i = 0; l->d->looked && i < services_n; i++) {
		const struct look_service *s = &l->d->look.at[i];
		if (strcmp(s->name, ev->source) == 0)
			return s->pid && ev->ts_sent > l->now - s->uptime - NS_PER_S;
	}
	return false;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct lately *l = ctx;
	char key[STRMAP_KEY_MAX];
	if (ev->id == EVENT_gap && ev->gap.repair != repair_none_missed && ev->ts_sent > l->now - HOUR_NS) {
		l->gaps++;
		l->blind += ev->gap.from && ev->gap.to > ev->gap.from ? ev->gap.to - ev->gap.from : 0;
	}
	if (ev->id != EVENT_alert || !is_of_this_life(l, ev))
		return;
	int n = snprintf(key, sizeof key, "%.60s %.60s", ev->alert.rule, ev->alert.subject);
	uint8_t *severity = strmap_put(&l->alerts, key, (size_t)n);
	if (severity)
		*severity = ev->alert.state == alert_state_raised ? ev->alert.severity : 0;
}

static void check_gaps(struct doctor *d, const struct lately *l)
{
	struct finding *f = doctor_check(d, "gaps", "none in the last hour");
	char blind[TABLE_SHORT_MAX];
	if (!l) {
		finding_measure(f, "not known without the database");
		return;
	}
	finding_measure(f, "%" PRIu64 " in the last hour, blind for %s", l->gaps, table_span(l->blind, blind));
	if (l->gaps)
		finding_blame(f, DOCTOR_WARN, "gaps_v in the database lists them; nj logs collector tells why",
			      "streams were blind for %s", blind);
}

static void check_alerts(struct doctor *d, const struct lately *l)
{
	struct finding *f = doctor_check(d, "alerts", "none is raised");
	uint32_t raised = 0;
	if (!l) {
		finding_measure(f, "not known without the database");
		return;
	}
	for (uint32_t i = 0; i < l->alerts.count; i++) {
		uint8_t severity = *(uint8_t *)strmap_value_at(&l->alerts, i);
		raised += severity > 0;
		if (severity)
			finding_blame(f, severity == severity_critical ? DOCTOR_FAIL : DOCTOR_WARN,
				      "nj tap alert --lane x; nj logs --level warn", "%s",
				      strmap_key_at(&l->alerts, i));
	}
	finding_measure(f, "%u raised", raised);
}

static void check_database(struct doctor *d)
{
	struct finding *f = doctor_check(d, "database", "opens, and its quick_check passes");
	char path[DATABASE_PATH_MAX], reason[300] = "", size[TABLE_SHORT_MAX];
	struct lately l = {.d = d, .now = clock_wall(clock_real())};
	struct store_read *s = NULL;
	struct stat st = {0};
	database_path(&d->run, path);
	int rc = store_read_open(path, &s, reason, sizeof reason);
	finding_measure(f, "%.150s %s", path,
			stat(path, &st) == 0 ? table_bytes((int64_t)st.st_size, size) : "is not there");
	if (rc == 0)
		rc = store_read_check(s, reason, sizeof reason);
	if (rc == ERR_NOT_FOUND)
		finding_blame(f, DOCTOR_WARN, "start the persister; check run.data", "nothing was ever stored here");
	else if (rc)
		finding_blame(f, DOCTOR_FAIL, "stop the persister, keep a copy, restore a backup", "%s", reason);
	bool ok = rc == 0 && strmap_init(&l.alerts, ALERTS_MAX, 1) == 0 &&
		  store_read_events(s, l.now - 24 * HOUR_NS, on_event, &l) == 0;
	check_gaps(d, ok ? &l : NULL);
	check_alerts(d, ok ? &l : NULL);
	strmap_fini(&l.alerts);
	store_read_close(s);
}

void doctor_files(struct doctor *d)
{
	check_journals(d);
	check_database(d);
}
