/* doctor_host - the machine under a stack: processes, memory, CPU, descriptors, disks. */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tools/nj/doctor.h"
#include "tools/nj/table.h"

#define MIB (INT64_C(1) << 20)
#define RSS_MAX (500 * MIB) /* as watchdog.rss_max has it by default */
#define DISK_WARN (2048 * MIB)
#define DISK_FAIL (256 * MIB)
#define LOGS_MAX (2048 * MIB)

/* ---- /proc ---- */

static size_t read_proc(pid_t pid, const char *name, char *out, size_t cap)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, cap - 1, f) : 0;
	if (f)
		fclose(f);
	out[n] = '\0';
	return n;
}

uint64_t doctor_cpu_ticks(pid_t pid)
{
	char line[1024];
	unsigned long long user = 0, sys = 0;
	read_proc(pid, "stat", line, sizeof line);
	const char *at = strrchr(line, ')');
	for (int field = 2; at && field < 14; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu %llu", &user, &sys) == 2 ? user + sys : 0;
}

static size_t count_files(pid_t pid)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static uint64_t file_limit(pid_t pid)
{
	char text[4096];
	read_proc(pid, "limits", text, sizeof text);
	const char *at = strstr(text, "Max open files");
	return at ? strtoull(at + strlen("Max open files"), NULL, 10) : 0;
}

/* ---- processes ---- */

struct census {
	size_t ours, others, zombies;
	pid_t stray; /* has our settings and holds none of our locks */
	char stray_name[32];
};

static bool mentions(pid_t pid, const char *file, const char *path)
{
	static char text[65536];
	size_t n = read_proc(pid, file, text, sizeof text);
	return path && memmem(text, n, path, strlen(path)) != NULL;
}

static bool is_member(const struct stack *s, pid_t pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].pid == pid)
			return true;
	return false;
}

/* That of another stack, or of a test that has just ended one, is their affair; what init leaves is everybody's.
 * stat: from behind the name on, " Z PPID …". */
static bool is_our_zombie(const struct stack *s, const char *stat)
{
	int parent = 0;
	return stat && sscanf(stat, " Z %d", &parent) == 1 && (parent == 1 || is_member(s, parent));
}

static void count_process(const struct doctor *d, const struct stack *s, pid_t pid, struct census *c)
{
	char name[32], stat[256], *config;
	read_proc(pid, "comm", name, sizeof name);
	name[strcspn(name, "\n")] = '\0';
	if (strncmp(name, "nightjar-", 9) != 0)
		return;
	read_proc(pid, "stat", stat, sizeof stat);
	const char *state = strrchr(stat, ')');
	if (state && state[1] && state[2] == 'Z') {
		c->zombies += is_our_zombie(s, state + 1);
		return;
	}
	if (is_member(s, pid)) {
		c->ours++;
		return;
	}
	config = d->cli->config_path ? realpath(d->cli->config_path, NULL) : NULL;
	if (mentions(pid, "cmdline", config) || mentions(pid, "environ", config)) {
		c->stray = pid;
		snprintf(c->stray_name, sizeof c->stray_name, "%s", name);
	} else {
		c->others++;
	}
	free(config);
}

static void check_processes(struct doctor *d)
{
	struct finding *f = doctor_check(d, "processes", "one of each service, none besides, no zombies");
	struct stack s;
	struct census c = {0};
	stack_scan(d->run.bus_dir, &s);
	DIR *dir = opendir("/proc");
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
		if (isdigit((unsigned char)e->d_name[0]))
			count_process(d, &s, (pid_t)strtol(e->d_name, NULL, 10), &c);
	if (dir)
		closedir(dir);
	finding_measure(f, "%zu of this stack, %zu of others, %zu zombie%s", c.ours, c.others, c.zombies,
			c.zombies == 1 ? "" : "s");
	if (c.stray)
		finding_blame(f, DOCTOR_WARN, "end it, if nobody knows it",
			      "%s (pid %d) has this stack's settings and none of its locks", c.stray_name,
			      (int)c.stray);
	if (c.zombies)
		finding_blame(f, DOCTOR_WARN, "see who their parent is: ps -o ppid= -p PID",
			      "nobody collects processes that have ended");
}

static void check_memory(struct doctor *d)
{
	struct finding *f = doctor_check(d, "memory", "each service below 500 MiB");
	char size[TABLE_SHORT_MAX];
	const struct look_service *most = NULL;
	for (size_t i = 0; d->looked && i < services_n; i++)
		if (d->look.at[i].beats && (!most || d->look.at[i].beat.rss > most->beat.rss))
			most = &d->look.at[i];
	if (!most) {
		finding_measure(f, "nothing runs");
		return;
	}
	finding_measure(f, "most: %s with %s", most->name, table_bytes((int64_t)most->beat.rss, size));
	if ((int64_t)most->beat.rss > RSS_MAX)
		finding_blame(f, DOCTOR_WARN, "nj status SERVICE; nj tap alert --lane x tells whether it grows",
			      "%s holds %s", most->name, size);
}

static void check_cpu(struct doctor *d)
{
	struct finding *f = doctor_check(d, "cpu", "each service below 90 % of one core");
	double most = 0, s = (double)(clock_mono(clock_real()) - d->cpu_at) / 1e9;
	const char *name = "nothing runs";
	for (size_t i = 0; d->looked && i < services_n; i++) {
		pid_t pid = d->look.at[i].pid;
		uint64_t now = pid ? doctor_cpu_ticks(pid) : 0;
		double used = now > d->cpu[i] && d->cpu[i] ? (double)(now - d->cpu[i]) : 0;
		used = 100 * used / (double)sysconf(_SC_CLK_TCK) / (s > 0 ? s : 1);
		if (pid && used >= most) {
			most = used;
			name = d->look.at[i].name;
		}
	}
	finding_measure(f, "most: %s, %.0f %%", name, most);
	if (most > 90)
		finding_blame(f, DOCTOR_WARN, "fewer symbols, or a machine with more speed a core",
			      "%s is busy all the time: it will fall behind", name);
}

static void check_open_files(struct doctor *d)
{
	struct finding *f = doctor_check(d, "open.files", "below 70 % of each process's limit");
	size_t most = 0, most_limit = 0, share = 0;
	for (size_t i = 0; d->looked && i < services_n; i++) {
		pid_t pid = d->look.at[i].pid;
		size_t n = pid ? count_files(pid) : 0, limit = pid ? (size_t)file_limit(pid) : 0;
		size_t part = limit ? 100 * n / limit : 0;
		if (n > most) {
			most = n;
			most_limit = limit;
		}
		share = part > share ? part : share;
		if (part >= 70)
			finding_blame(f, DOCTOR_WARN, "ulimit -n 4096, or LimitNOFILE= of the unit",
				      "%s has %zu files open of %zu", d->look.at[i].name, n, limit);
	}
	finding_measure(f, "most: %zu of %zu", most, most_limit);
}

/* ---- disks ---- */

static void check_disk(struct doctor *d, const char *name, const char *path)
{
	struct finding *f = doctor_check(d, name, "2 GiB and 5 % of the inodes free");
	struct statvfs fs;
	char size[TABLE_SHORT_MAX];
	if (statvfs(path, &fs) != 0) {
		finding_measure(f, "%.150s is not there", path);
		return;
	}
	int64_t left = (int64_t)(fs.f_bavail * fs.f_frsize);
	uint64_t inodes = fs.f_files ? 100 * (uint64_t)fs.f_favail / (uint64_t)fs.f_files : 100;
	finding_measure(f, "%s and %" PRIu64 " %% of the inodes free at %.120s", table_bytes(left, size), inodes, path);
	if (left < DISK_FAIL || inodes < 1)
		finding_blame(f, DOCTOR_FAIL, "make room now: services stop taking what they cannot keep",
			      "the disk is full, or nearly");
	else if (left < DISK_WARN || inodes < 5)
		finding_blame(f, DOCTOR_WARN, "make room, or lower run.journal_cap and run.log_cap",
			      "the disk will be full soon");
}

static void check_logs(struct doctor *d)
{
	struct finding *f = doctor_check(d, "logs", "below 2 GiB, writable");
	char dir[STACK_PATH_MAX], path[STACK_PATH_MAX + 300], size[TABLE_SHORT_MAX];
	int64_t sum = 0;
	size_t n = 0;
	stack_logs(&d->run, dir);
	DIR *all = opendir(dir);
	for (struct dirent *e = all ? readdir(all) : NULL; e; e = readdir(all)) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		FILE *file = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (file && fseeko(file, 0, SEEK_END) == 0) {
			sum += (int64_t)ftello(file);
			n++;
		}
		if (file)
			fclose(file);
	}
	if (!all) {
		finding_measure(f, "no directory of logs: they go to stderr");
		return;
	}
	closedir(all);
	finding_measure(f, "%zu files, %s at %.120s", n, table_bytes(sum, size), dir);
	if (access(dir, W_OK) != 0)
		finding_blame(f, DOCTOR_FAIL, "chown it to the user of the stack", "%.150s cannot be written", dir);
	if (sum > LOGS_MAX)
		finding_blame(f, DOCTOR_WARN, "raise log.level; nj logs --since 1h shows who says so much",
			      "the logs have grown to %s", size);
}

void doctor_host(struct doctor *d)
{
	check_processes(d);
	check_memory(d);
	check_cpu(d);
	check_open_files(d);
	check_disk(d, "disk.data", d->run.data);
	check_disk(d, "disk.bus", d->run.bus_dir);
	check_logs(d);
}
