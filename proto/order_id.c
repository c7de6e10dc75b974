/* order_id - see order_id.h. */
#include "proto/order_id.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide_hash;

static const wide_hash BASIS = (wide_hash)0x6c62272e07bb0142u << 64 | 0x62b821756295c58du;
static const wide_hash PRIME = (wide_hash)1 << 88 | 0x13b;

static wide_hash fnv1a(wide_hash h, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * PRIME;
	return h;
}

static wide_hash add_text(wide_hash h, const char *text)
{
	return fnv1a(h, text, strlen(text) + 1);
}

void order_id(const struct order_id_parts *of, char out[EVENT_NAME_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t ordinal[8];
	for (int i = 0; i < 8; i++)
		ordinal[i] = (uint8_t)(of->ordinal >> (8 * i));
	wide_hash h = add_text(BASIS, of->account);
	h = add_text(h, of->strategy);
	h = add_text(h, of->run_id);
	h = fnv1a(h, ordinal, sizeof(ordinal));
	memset(out, 0, EVENT_NAME_MAX);
	for (int i = 0; i < 32; i++)
		out[i] = digits[(unsigned)(h >> (124 - 4 * i)) & 15];
}
