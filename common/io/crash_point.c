/* crash_point - named places on the way of a record where a test can have the process killed. */
#include "common/io/crash_point.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

_Atomic int crash_armed;
static _Atomic long passes_left;

static const char *const names[] = {
	"",
#define CRASH_POINT(id, name, doc) name,
#include "common/io/crash_points.def"
#undef CRASH_POINT
};

static int find(const char *name, size_t len)
{
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	return CRASH_NOWHERE;
}

int crash_point_arm(const char *spec)
{
	size_t len = strcspn(spec, ":");
	int point = find(spec, len);
	long nth = 1;
	char *end = NULL;

	if (*spec && point == CRASH_NOWHERE)
		return ERR_NOT_FOUND;
	if (spec[len] == ':') {
		nth = strtol(spec + len + 1, &end, 10);
		if (end == spec + len + 1 || *end || nth < 1 || nth == LONG_MAX)
			return ERR_ARG;
	}
	atomic_store(&passes_left, nth);
	atomic_store(&crash_armed, point);
	return 0;
}

void crash_point_hit(void)
{
	if (atomic_fetch_sub(&passes_left, 1) == 1)
		raise(SIGKILL);
}
