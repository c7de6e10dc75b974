/* topic - the only place where topics are made: dotted tokens of [A-Za-z0-9_-], as in NATS. */
#ifndef NJ_PROTO_TOPIC_H
#define NJ_PROTO_TOPIC_H

#include "proto/event.h"

#define TOPIC_MAX 200 /* with its NUL */

/* Topic of an event from its row's pattern: "trade.BINANCE.BTCUSDT". Returns its length; ERR_SYNTAX
 * where a field holds characters a topic cannot, ERR_TOO_LONG, ERR_UNKNOWN. */
int topic_of(const struct event *ev, char out[TOPIC_MAX]);

/* Filters as people type them: tokens, `*` for one token, `>` or a missing rest for everything
 * below, a plain prefix ("trade", "trade.BINANCE"). */
bool topic_matches(const char *filter, const char *topic);

/* The longest literal prefix of a filter, what ZeroMQ can subscribe to ("" means everything). */
size_t topic_prefix(const char *filter, char out[TOPIC_MAX]);

#endif
