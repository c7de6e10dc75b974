/* risk - what an order may at most do to the account: asked once for each order, before any money is set aside. */
#ifndef NJ_EXECUTOR_RISK_H
#define NJ_EXECUTOR_RISK_H

#include "proto/codec.h"
#include "proto/event.h"

struct executor;
struct order;
struct step;

/* May this order be accepted? `price` is the worst at which any of it can fill, at the instrument's scale: its limit,
 * or the last level of a market order's walk. Has no effect: what was accepted is told by risk_on_order. */
enum reject risk_check(const struct step *s, const struct order *o, int64_t price);

/* An order was accepted. */
void risk_on_order(const struct step *s, const struct order *o);

void risk_save(const struct executor *x, struct packer *p);
int risk_load(struct executor *x, struct unpacker *u); /* ERR_CORRUPT, the codec's errors */

#endif
