/* section - the strategy section of the settings, and the core's settings made from it: for the service and for nj. */
#ifndef NJ_STRATEGY_SECTION_H
#define NJ_STRATEGY_SECTION_H

#include "common/io/config.h"
#include "common/service/settings.h"
#include "services/strategy/core.h"

struct strategy_section {
	char seats[400];
	int64_t intent_expiry_ns, stale_ns, book_levels, external_latency_ns;
};

extern const struct config_key strategy_section_keys[];
extern const char *const strategy_topics[]; /* of the collector's lane M, what the core takes in; NULL-ended */

struct strategy_section_context {
	const struct config *config; /* whose subsections hold the strategies' parameters */
	const struct run_settings *run;
	const char *run_id;
};

/* Fills in what strategy_core_new wants. ERR_ARG with a reason for people. */
int strategy_section_core(const struct strategy_section *in, const struct strategy_section_context *from,
			  struct strategy_core_settings *s, char *reason, size_t cap);

#endif
