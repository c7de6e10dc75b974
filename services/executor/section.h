/* section - the executor section of the settings, and the core's settings made from it: for the service and for nj. */
#ifndef NJ_EXECUTOR_SECTION_H
#define NJ_EXECUTOR_SECTION_H

#include "common/io/config.h"
#include "common/service/settings.h"
#include "services/executor/house.h"

struct executor_section {
	char accounts[200];
	char account[EVENT_NAME_MAX], quote[EVENT_NAME_MAX], quotes[QUOTES_TEXT_MAX];
	char balances[400];
	char fees[FEES_TEXT_MAX];
	char margin[MARGIN_TEXT_MAX];
	char mark[EVENT_NAME_MAX];
	int64_t maker_fee, taker_fee, loss_max;
	char queue[EVENT_NAME_MAX];
	char latency[EVENT_NAME_MAX], order_delays[LATENCY_TEXT_MAX], ack_delays[LATENCY_TEXT_MAX];
	int64_t latency_seed;
	int64_t stale_ns, equity_every_ns, intent_expiry_ns, blind_max_ns;
	int64_t open_orders_max, instruments_max, book_levels;
	int64_t limit[LIMITS];
	char limits[1000];
	struct guard_settings guard;
	char allocation[EVENT_NAME_MAX], allocations[ALLOCATION_TEXT_MAX];
	int64_t allocation_every_ns, allocation_window, allocation_leverage;
	char mode[EVENT_NAME_MAX], send[EVENT_NAME_MAX];
	char key_id[200], key_file[300], venue_url[200], venue_stream_url[200];
	int64_t recv_window_ns, place_within_ns, compare_every_ns;
};

extern const struct config_key executor_section_keys[];
extern const char *const executor_topics[]; /* of the collector's lane M, what the core takes in; NULL-ended */

/* Fills in what executor_new wants. ERR_ARG with a reason for people. */
int executor_section_core(const struct executor_section *in, const struct run_settings *run,
			  struct executor_settings *s, char *reason, size_t cap);

struct executor_accounts { /* the settings of every account, in order; the section's own is the first */
	struct executor_settings at[HOUSE_MAX];
	uint32_t n;
};

struct executor_section_context {
	const struct config *config; /* its section executor has variants */
	const struct run_settings *run;
	const char *run_id;
};

/* As above, for each account. */
int executor_section_accounts(const struct executor_section *in, const struct executor_section_context *from,
			      struct executor_accounts *ret_accounts, char *reason, size_t cap);

#endif
