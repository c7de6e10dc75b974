/* limits - the risk limits of an order: their names, their values for the account, and for one strategy or instrument.
 *
 * A limit of 0 is none. All amounts, of cash and of a base, are at CASH_SCALE.
 */
#ifndef NJ_EXECUTOR_LIMITS_H
#define NJ_EXECUTOR_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/event.h"

#define LIMITS_SCOPES_MAX 32
#define LIMITS_RATE_MAX 1000000  /* orders a second, a minute */
#define LIMITS_COLLAR_MAX 100000 /* basis points */

enum limit {
	LIMIT_ORDER_QTY,         /* base, of one order */
	LIMIT_ORDER_NOTIONAL,    /* quote, of one order */
	LIMIT_POSITION_QTY,      /* base, of one instrument */
	LIMIT_POSITION_NOTIONAL, /* quote, of one instrument */
	LIMIT_GROSS,             /* quote */
	LIMIT_NET,               /* quote */
	LIMIT_COLLAR,            /* basis points of the mid */
	LIMIT_OPEN_ORDERS,
	LIMIT_SECOND,            /* orders */
	LIMIT_MINUTE,
	LIMITS
};

/* What holds beside the account's own limits for the orders of a strategy, or of an instrument, of this name. */
struct limits_scope {
	char name[EVENT_NAME_MAX];
	int64_t limit[LIMITS];
};

const char *limits_name(enum limit limit); /* as its setting is called */
bool limits_counts(enum limit limit);      /* whole numbers; the others have CASH_SCALE decimals */

/* "LIMIT@NAME=value, …". Returns how many scopes were filled, or ERR_ARG with a reason for people. */
int limits_parse(const char *text, struct limits_scope scope[LIMITS_SCOPES_MAX], char *reason, size_t cap);
bool limits_in_range(const int64_t limit[LIMITS]);

#endif
