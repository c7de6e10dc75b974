/* doctor - nj doctor: numbered checks of a stack and its machine, each with what was measured, what was expected and,
 * where it is not well, why and what to do. */
#ifndef NJ_TOOLS_NJ_DOCTOR_H
#define NJ_TOOLS_NJ_DOCTOR_H

#include "common/service/settings.h"
#include "tools/nj/cli.h"
#include "tools/nj/look.h"
#include "tools/nj/stack.h"

#define DOCTOR_FINDINGS_MAX 40

enum verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct finding {
	const char *name, *threshold; /* what is expected */
	enum verdict verdict;
	char measured[200], cause[300], fix[300];
};

struct doctor_options {
	bool diff;
};

struct doctor {
	struct cli *cli;
	struct run_settings run;
	char **chosen; /* beginnings of names that are asked for; none: all */
	int n_chosen;
	struct finding at[DOCTOR_FINDINGS_MAX];
	size_t n;
	bool looked; /* look is filled: there is a bus */
	struct look look;
	uint64_t cpu[SERVICES_MAX]; /* ticks before the look */
	int64_t cpu_at;              /* monotonic */
};

/* A new finding, OK until blamed. name and threshold are constants. */
struct finding *doctor_check(struct doctor *d, const char *name, const char *threshold);
void finding_measure(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes it worse, or leaves it: the worst verdict and its cause stay. fix is a constant. */
void finding_blame(struct finding *f, enum verdict verdict, const char *fix, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether a check is asked for: one that takes long is left out where it is not. */
bool doctor_wants(const struct doctor *d, const char *name);

/* Each adds its findings. */
void doctor_settings(struct doctor *d); /* doctor_data.c */
void doctor_files(struct doctor *d);    /* journals, database, what it tells of gaps and alerts */
void doctor_cache(struct doctor *d);    /* doctor_cache.c: Redis, if there is one: its keys, who may do what, memory */
void doctor_services(struct doctor *d); /* doctor_stack.c: the services, books, connection, versions */
void doctor_host(struct doctor *d);     /* doctor_host.c: processes, memory, CPU, files, disks, clock */

/* Ticks of CPU a process has used; 0 where it is gone. */
uint64_t doctor_cpu_ticks(pid_t pid);

/* Compares two saved diagnoses (doctor_diff.c): CLI_OK where every verdict is the same, else CLI_DEGRADED. */
int doctor_diff(struct cli *cli, const char *first, const char *second);

int doctor_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
