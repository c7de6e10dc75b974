/* terms - which fields an order of each kind must have, and which it must not. */
#ifndef NJ_EXECUTOR_TERMS_H
#define NJ_EXECUTOR_TERMS_H

#include "services/executor/orders.h"

/*                     price  trigger  trail  tif                 post_only  amount       link
 * market                0       0       0    gtc ioc fok (1)        no      buy, not fok  bracket
 * limit                yes      0       0    gtc gtd ioc fok       gtc gtd     no         oco (gtc gtd), bracket
 * stop_market           0      yes      0    gtc gtd                no         no         no
 * take_profit           0      yes      0    gtc gtd                no         no         no
 * stop_limit           yes     yes      0    gtc gtd ioc fok       gtc gtd     no         no
 * take_profit_limit    yes     yes      0    gtc gtd ioc fok       gtc gtd     no         no
 * trailing_stop         0     may be   yes   gtc gtd                no         no         no
 *
 * (1) gtc means ioc. What waits for a trigger waits until it is cancelled, or until good_until with gtd; ioc and fok
 * speak of what happens once it is triggered. reduce_only goes with everything but a bracket, whose exits have it by
 * themselves. good_until is for gtd alone. */
bool terms_sound(const struct ev_intent *in);

/* Does it wait for a trigger first? */
bool terms_conditional(uint8_t type);
/* Does it trigger when the price runs against it (a stop), not its way (a profit)? */
bool terms_is_stop(uint8_t type);

#endif
