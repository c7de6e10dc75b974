/* on_record - the journal of a core at the desk, and another that takes over from that alone. */
#ifndef NJ_TESTS_ON_RECORD_H
#define NJ_TESTS_ON_RECORD_H

#include "scenario.h"

static struct event journal[200];
static uint32_t journalled;

/* What the venue said is on record before what followed from it. */
static inline void write_down(const struct event *said)
{
	if (said)
		journal[journalled++] = *said;
	for (uint32_t i = 0; i < d.n; i++)
		journal[journalled++] = d.out[i];
}

static inline void take_over(void)
{
	struct executor_settings s = d.x->settings;
	struct executor *y = NULL;
	struct event def = desk_definition("ONE.TEST", "ONE");
	assert_int_equal(executor_new(&s, &y), 0);
	def.origin = d.origin;
	def.ts_recv = def.ts_event = d.now;
	executor_core.on_event(y, d.now, &def, &d.sink);
	for (uint32_t i = 0; i < journalled; i++)
		executor_core.on_own(y, &journal[i]);
	journalled = 0;
	executor_free(d.x);
	d.x = y;
}

#endif
