/* services - which services the stack has that nj was pointed at, by name: its collectors, then the others.
 *
 * One list for the process, like the options it was given: learnt from run.collectors whenever settings are read.
 */
#ifndef NJ_TOOLS_NJ_SERVICES_H
#define NJ_TOOLS_NJ_SERVICES_H

#include "common/service/collectors.h"
#include "common/service/settings.h"

#define SERVICES_PROGRAMS 5
#define SERVICES_MAX (COLLECTORS_MAX + SERVICES_PROGRAMS - 1)

extern const char *const services_programs[SERVICES_PROGRAMS + 1]; /* nightjar-NAME each; NULL-ended */

extern const char *services_names[SERVICES_MAX + 1]; /* collectors first, the watchdog last; NULL-ended */
extern size_t services_n;

/* ERR_ARG with a reason for people. */
int services_learn(const struct run_settings *run, char *reason, size_t cap);

/* Is this one of the stack's collectors? */
bool services_is_collector(const char *name);
/* The program of a service, its name where it is no collector. */
const char *services_program(const char *name);

#endif
