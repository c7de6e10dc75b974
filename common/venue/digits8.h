/* digits8 - the decimals and names that venues write, eight characters in one register.
 *
 * A word holds eight characters as they lie in memory, the first in its lowest byte. Every
 * function reads only what it is told to, and checks that digits are digits. The sum in pairs is
 * the well-known one (Lemire 2018).
 */
#ifndef NJ_VENUE_DIGITS8_H
#define NJ_VENUE_DIGITS8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS8_ZEROS 0x3030303030303030u

static inline uint64_t digits8_load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

/* The word of one to seven characters, NULs behind them. */
static inline uint64_t digits8_load_short(const char *at, size_t len)
{
	uint32_t head, tail;

	if (len < 4) {
		const unsigned char *c = (const unsigned char *)at;
		return c[0] | (uint64_t)c[len >> 1] << 8 * (len >> 1) | (uint64_t)c[len - 1] << 8 * (len - 1);
	}
	memcpy(&head, at, sizeof(head));
	memcpy(&tail, at + len - sizeof(tail), sizeof(tail));
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		head = __builtin_bswap32(head);
		tail = __builtin_bswap32(tail);
	}
	return head | (uint64_t)tail << 8 * (len - sizeof(tail));
}

/* The high bit of each byte that is no digit. */
static inline uint64_t digits8_others(uint64_t word)
{
	uint64_t low = word & 0x7f7f7f7f7f7f7f7fu; /* carries stay within their byte */
	uint64_t above = low + 0x4646464646464646u, below = ~(low + 0x5050505050505050u);

	return (above | below | word) & 0x8080808080808080u;
}

/* The last n characters, 1 .. 8, in their places behind zeros. */
static inline uint64_t digits8_last(uint64_t word, uint32_t n)
{
	uint64_t mask = UINT64_MAX << (64 - 8 * n);

	return (word & mask) | (DIGITS8_ZEROS & ~mask);
}

/* The eight with a to z as A to Z. */
static inline uint64_t digits8_upper(uint64_t word)
{
	uint64_t low = word & 0x7f7f7f7f7f7f7f7fu;
	uint64_t from_a = low + 0x1f1f1f1f1f1f1f1fu, behind_z = low + 0x0505050505050505u;

	return word - ((from_a & ~behind_z & ~word & 0x8080808080808080u) >> 2);
}

/* The number that eight digits are, each worth 0 .. 9; garbage where one is worth more. */
static inline uint64_t digits8_sum(uint64_t worth)
{
	worth = worth * 10 + (worth >> 8);
	return ((worth & 0x000000ff000000ffu) * 0x000f424000000064u +
		(worth >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >>
	       32;
}

static inline uint64_t digits8_value(uint64_t word)
{
	return digits8_sum(word ^ DIGITS8_ZEROS);
}

/* ---- a decimal: its digits before and behind the point ---- */

/* Digits in their places, the first in the lowest byte, each worth 0 .. 9; zeros behind them. */
struct digits8_run {
	uint64_t worth;
	uint32_t n; /* 0 .. 8 */
};

/* The digits that come first. */
static inline struct digits8_run digits8_run(uint64_t word)
{
	uint64_t worth = word ^ DIGITS8_ZEROS;
	/* the lowest bit is exact: only a byte that is no digit carries into the next */
	uint64_t others = ((worth | (worth + 0x7676767676767676u)) & 0x8080808080808080u) >> 7;
	struct digits8_run run = {worth & ((others & (0 - others)) - 1), 8};

	if (others != 0)
		run.n = (uint32_t)__builtin_ctzll(others) >> 3;
	return run;
}

/* The decimal of 1 .. 7 digits before its point and any behind it, at a scale of 0 .. 8: the zeros behind its digits
 * fill it up. false: it has more decimals than the scale. */
static inline bool digits8_decimal(struct digits8_run whole, struct digits8_run part, int scale, int64_t *ret_value)
{
	static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	uint32_t decimals = (uint32_t)scale, n = whole.n + decimals;

	if (decimals < 8 && part.worth >> 8 * decimals != 0)
		return false;
	if (n <= 8) {
		*ret_value = (int64_t)digits8_sum((whole.worth | part.worth << 8 * whole.n) << (64 - 8 * n));
		return true;
	}
	uint64_t head = whole.n == 1 ? whole.worth : digits8_sum(whole.worth << (64 - 8 * whole.n));
	*ret_value = (int64_t)(head * tens[decimals] + digits8_sum(part.worth << (64 - 8 * decimals)));
	return true;
}

/* The number that at[0 .. len) is, 8 <= len <= 16; false where there is another character than a
 * digit. */
static inline bool digits8_number(const char *at, size_t len, uint64_t *ret_value)
{
	static const uint64_t tens[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	};
	uint64_t head = digits8_load(at), tail = digits8_load(at + len - 8);
	uint32_t rest = (uint32_t)len - 8;

	if ((digits8_others(head) | digits8_others(tail)) != 0)
		return false;
	*ret_value = digits8_value(head) * tens[rest];
	if (rest > 0)
		*ret_value += digits8_value(digits8_last(tail, rest));
	return true;
}

#endif
