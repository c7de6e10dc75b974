/* gateway_io - the shell of a live account's gateway: its key, and the only network of the executor.
 *
 * Life: CLOSED (a paper account) | WAITS for the end of recovery and the first market event --> BEGUN. While nothing
 * can be sent the account is in safe mode (venue_unready); no input is applied before that is decided. The account's
 * stream is made again after a backoff for as long as it takes.
 */
#ifndef NJ_EXECUTOR_GATEWAY_IO_H
#define NJ_EXECUTOR_GATEWAY_IO_H

#include "common/service/runtime.h"
#include "services/executor/gateway_rule.h"

struct gateway_io;

/* *ret_io is NULL where no account is live. ERR_ARG and what sign_key_open says, with a reason. */
int gateway_io_open(struct runtime *rt, struct house *house, const struct executor_section *set,
		    struct gateway_io **ret_io, char *reason, size_t cap);
void gateway_io_close(struct gateway_io *io); /* NULL is fine */

/* All of them do nothing with NULL. */
bool gateway_io_ready(const struct gateway_io *io); /* may inputs be applied? */
void gateway_io_applied(struct gateway_io *io);     /* an event was */
void gateway_io_tick(struct gateway_io *io);        /* each 100 ms */

struct gateway_io_counters {
	uint64_t placed, cancels, queries, unknown, refused, asks_refused, unsent;
	uint64_t told, untold, compared, differed, strangers;
	uint64_t answers, unanswered, stream_connects, stream_texts, clock_refused;
	int64_t clock_offset; /* ns that the machine's clock is ahead of the venue's; 0: not known */
};
struct gateway_io_counters gateway_io_counters(const struct gateway_io *io);

#endif
