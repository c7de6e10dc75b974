/* order_id - client order ids: one for each account, strategy, run and ordinal, always the same.
 *
 * 128-bit FNV-1a (Fowler, Noll, Vo: offset basis 0x6c62272e07bb014262b821756295c58d, prime 2^88 +
 * 0x13b) over account NUL strategy NUL run_id NUL and the ordinal as 8 bytes, lowest first; written
 * as 32 hexadecimal digits, which is within every venue's limit (Binance: 36 characters of
 * [.A-Z:/a-z0-9_-]).
 */
#ifndef NJ_PROTO_ORDER_ID_H
#define NJ_PROTO_ORDER_ID_H

#include "proto/event.h"

struct order_id_parts {
	const char *account, *strategy, *run_id;
	uint64_t ordinal;
};

void order_id(const struct order_id_parts *of, char out[EVENT_NAME_MAX]);

#endif
