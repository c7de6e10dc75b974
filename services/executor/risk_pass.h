/* risk_pass - the proof that an order has passed the risk checks as it stands; nothing is sent to a venue without.
 *
 * Only risk.c makes one. It is of exactly these terms: another price or quantity is another order. It is never saved:
 * what comes out of a snapshot was sent before, or never will be.
 */
#ifndef NJ_EXECUTOR_RISK_PASS_H
#define NJ_EXECUTOR_RISK_PASS_H

#include <stdbool.h>
#include <stdint.h>

struct order;

struct risk_pass {
	uint64_t risk_seal; /* 0: none */
};

/* Was it made for this order, with these terms? */
bool risk_pass_covers(const struct risk_pass *p, const struct order *o);

#endif
