/* gateway_rule - what a live account may send where: the only rule there is, and the settings that go with it.
 *
 *   executor.mode  send       to                         from which market data
 *   paper          any        nowhere                    any
 *   live           dry        nowhere                    any
 *   live           testnet    the venue's testnet        live, and not in lockstep
 *   live           live       the venue itself           live, and not in lockstep
 *   live           simulator  venue_url, on this machine any; and it must say that it is a simulator
 */
#ifndef NJ_EXECUTOR_GATEWAY_RULE_H
#define NJ_EXECUTOR_GATEWAY_RULE_H

#include "services/executor/section.h"

#define GATEWAY_VENUE "BINANCE" /* that there are orders at: whose instruments a live account trades */

enum gateway_send { GATEWAY_SEND_DRY, GATEWAY_SEND_TESTNET, GATEWAY_SEND_LIVE, GATEWAY_SEND_SIMULATOR };

struct gateway_way { /* what the rule is about */
	bool live_mode;
	enum gateway_send send;
	const char *url;  /* of send simulator */
	uint8_t origin;   /* of the account's market data */
	bool lockstep;
};

/* NULL: it may be sent; else why not, for people. */
const char *gateway_rule_may(const struct gateway_way *w);

/* Only http://127.0.0.1, http://[::1] and http://localhost, and the same of ws://, with a port. */
bool gateway_rule_is_loopback(const char *url);

/* By the setting executor.send. */
enum gateway_send gateway_rule_send(const struct executor_section *set);

/* Whether the settings are sound. ERR_ARG with a reason. */
int gateway_rule_check(const struct executor_section *set, char *reason, size_t cap);

#endif
