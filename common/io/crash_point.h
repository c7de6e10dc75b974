/* crash_point - named places on the way of a record where a test can have the process killed.
 *
 * They are in every build, because what is tested must be what is shipped. Unarmed, one costs a relaxed load and a
 * compare that is never true. Armed by the setting run.crash_at, which is refused where live data is possible; not by
 * the environment alone, so that `--print-config` shows it.
 */
#ifndef NJ_IO_CRASH_POINT_H
#define NJ_IO_CRASH_POINT_H

#include <stdatomic.h>

enum crash_point {
	CRASH_NOWHERE,
#define CRASH_POINT(id, name, doc) CRASH_##id,
#include "common/io/crash_points.def"
#undef CRASH_POINT
};

extern _Atomic int crash_armed; /* crash_point.c only, and the line below */

/* SIGKILL to ourselves at the Nth passing of the point: `spec` is NAME or NAME:N, or "" for never. ERR_NOT_FOUND: there
 * is no such point; ERR_ARG: N is no number from 1. */
int crash_point_arm(const char *spec);

void crash_point_hit(void);

static inline void crash_point(enum crash_point at)
{
	if (atomic_load_explicit(&crash_armed, memory_order_relaxed) == (int)at)
		crash_point_hit();
}

#endif
