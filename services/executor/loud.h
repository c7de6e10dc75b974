/* loud - what people must hear of perpetuals: a position that the venue took over, or that is held without mark prices.
 *
 *     position_liquidated  critical: raised by the takeover, over an hour of event time after the instrument's last
 *     mark_unheard         warning: a position is held whose mark price was not heard (mark.h)
 *
 * Both are of an account's instrument, "paper/BTCUSDT-PERP.BINANCE". What was taken over is part of the state, so a
 * restart goes on where it was.
 */
#ifndef NJ_EXECUTOR_LOUD_H
#define NJ_EXECUTOR_LOUD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/codec.h"
#include "proto/event.h"

#define LOUD_NS INT64_C(3600000000000)

struct executor;
struct market;

struct loud_takeover { /* of one market */
	int64_t at; /* event time; 0: never */
	struct ev_liquidated said;
};

/* A takeover as it goes on record. */
void loud_note(struct market *m, int64_t at, const struct ev_liquidated *said);

struct loud { /* what one account's people were told; all 0 at the start */
	int64_t told_at; /* of the newest takeover */
	int64_t deaf_at; /* when something was last held without mark prices */
	bool began;
};

/* An alert as it is now: whoever hears it tells news from what was told (runtime_alert). */
typedef void loud_fn(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		     const char *text);
void loud_tell(struct loud *l, const struct executor *x, int64_t now, loud_fn *fn, void *ctx);

/* Was a position taken over within the last hour? */
bool loud_lately(const struct executor *x, int64_t now);

void loud_save(const struct executor *x, struct packer *p);
int loud_load(struct executor *x, struct unpacker *u);

#endif
