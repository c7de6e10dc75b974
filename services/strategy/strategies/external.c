/* external - a seat for a program of its own, in any language: this side of it decides nothing.
 *
 * The program is told what a hosted strategy would be told, and wishes for orders over the service's request socket
 * (services/strategy/external.h; examples/python/strategy.py). Wishes are the core's business (wish.c).
 */
#include "services/strategy/strategy.h"

static void on_event(void *state, struct strategy_ctx *ctx, const struct event *ev)
{
	(void)state;
	(void)ctx;
	(void)ev;
}

const struct strategy strategy_external = {
	.name = "external",
	.doc = "A program outside of the stack sits here: it is told market data and its orders, and wishes.",
	.version = 1,
	.external = true,
	.on_event = on_event,
};
