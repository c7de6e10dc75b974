/* services - see services.h. */
#include "tools/nj/services.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"

static const char *const others[] = {"strategy", "executor", "persister", "watchdog"};

const char *const services_programs[SERVICES_PROGRAMS + 1] = {
	COLLECTORS_SERVICE, "strategy", "executor", "persister", "watchdog", NULL};
const char *services_names[SERVICES_MAX + 1] = {
	COLLECTORS_SERVICE, "strategy", "executor", "persister", "watchdog", NULL};
size_t services_n = SERVICES_PROGRAMS;

static struct collectors collectors; /* the names are in it */

int services_learn(const struct run_settings *run, char *reason, size_t cap)
{
	char why[300];
	int rc = collectors_parse(run->collectors, &collectors, why, sizeof why);
	if (rc) {
		snprintf(reason, cap, "run.collectors: %s", why);
		return rc;
	}
	services_n = 0;
	for (uint32_t i = 0; i < collectors.n; i++)
		services_names[services_n++] = collectors.at[i].name;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		services_names[services_n++] = others[i];
	services_names[services_n] = NULL;
	return 0;
}

bool services_is_collector(const char *name)
{
	for (size_t i = 0; i + ARRAY_LEN(others) < services_n; i++)
		if (strcmp(services_names[i], name) == 0)
			return true;
	return false;
}

const char *services_program(const char *name)
{
	return services_is_collector(name) ? COLLECTORS_SERVICE : name;
}
