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
	worth = worth * (1 + (10 << 8)) >> 8;
	worth = (worth & 0x00ff00ff00ff00ffu) * (1 + (100 << 16)) >> 16;
	return (worth & 0x0000ffff0000ffffu) * (1 + ((uint64_t)10000 << 32)) >> 32;
}

static inline uint64_t digits8_value(uint64_t word)
{
	return digits8_sum(word ^ DIGITS8_ZEROS);
}

static const uint64_t digits8_tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* ---- a decimal: its digits before and behind the point ---- */

/* Digits in their places, the first in the lowest byte, each worth 0 .. 9; zeros behind them. */
struct digits8_run {
	uint64_t worth;
	uint32_t n; /* 0 .. 8 */
};

/* The high bit of each byte that is worth more than 9. The lowest mark is exact, and so is that there is none: only a
 * byte that is no digit carries into the next. */
static inline uint64_t digits8_marks(uint64_t worth)
{
	return (worth | (worth + 0x7676767676767676u)) & 0x8080808080808080u;
}

/* The digits that come first. */
static inline struct digits8_run digits8_run(uint64_t word)
{
	uint64_t worth = word ^ DIGITS8_ZEROS, others = digits8_marks(worth) >> 7;
	struct digits8_run run = {worth & ((others & (0 - others)) - 1), 8};

	if (others != 0)
		run.n = (uint32_t)__builtin_ctzll(others) >> 3;
	return run;
}

/* The decimal of 1 .. 7 digits before its point and any behind it, at a scale of 0 .. 8: the zeros behind its digits
 * fill it up. false: it has more decimals than the scale. */
static inline bool digits8_decimal(struct digits8_run whole, struct digits8_run part, int scale, int64_t *ret_value)
{
	uint32_t decimals = (uint32_t)scale, n = whole.n + decimals;

	if (decimals < 8 && part.worth >> 8 * decimals != 0)
		return false;
	if (n <= 8) {
		*ret_value = (int64_t)digits8_sum((whole.worth | part.worth << 8 * whole.n) << (64 - 8 * n));
		return true;
	}
	uint64_t head = whole.n == 1 ? whole.worth : digits8_sum(whole.worth << (64 - 8 * whole.n));
	*ret_value = (int64_t)(head * digits8_tens[decimals] + digits8_sum(part.worth << (64 - 8 * decimals)));
	return true;
}

/* Behind a decimal in quotes of up to seven digits, and eight behind a point, at least one byte before the end; NULL
 * for everything else, good or bad. The scale is 8 at most. Whether there is a point is no branch: rows that remove a
 * level have "0" where others have a decimal. */
static inline __attribute__((always_inline)) const char *digits8_quoted(const char *at, const char *end, int scale,
									int64_t *ret_value)
{
	if (end - at < 9)
		return NULL;
	struct digits8_run whole = digits8_run(digits8_load(at + 1));
	const char *p = at + 1 + whole.n;
	if (*at != '"' || whole.n - 1 > 6 || end - p < 11)
		return NULL;
	uint32_t point = *p == '.';
	struct digits8_run part = digits8_run(digits8_load(p + 1));
	part.worth &= 0 - (uint64_t)point;
	part.n &= 0 - point;
	p += point + part.n;
	if (*p != '"' || part.n < point || !digits8_decimal(whole, part, scale, ret_value))
		return NULL;
	return p + 1;
}

/* The same where eight decimals are expected, whose end need not be looked for: 60 instructions instead of 110. */
static inline const char *digits8_quoted_8(const char *at, const char *end, int scale, int64_t *ret_value)
{
	if (end - at < 20 || *at != '"')
		return NULL;
	struct digits8_run whole = digits8_run(digits8_load(at + 1));
	const char *point = at + 1 + whole.n;
	struct digits8_run part = {digits8_load(point + 1) ^ DIGITS8_ZEROS, 8};
	if (whole.n - 1 > 6 || *point != '.' || point[9] != '"' || digits8_marks(part.worth) != 0 ||
	    !digits8_decimal(whole, part, scale, ret_value))
		return NULL;
	return point + 10;
}

/* Behind an unsigned integer of 8 to 15 digits without a zero in front, at least one byte before the end; else NULL. */
static inline const char *digits8_integer(const char *at, const char *end, uint64_t *ret_value)
{
	if (end - at < 17)
		return NULL;
	uint64_t head = digits8_load(at) ^ DIGITS8_ZEROS, tail = digits8_load(at + 8) ^ DIGITS8_ZEROS;
	uint64_t others = digits8_marks(tail);
	if (digits8_marks(head) != 0 || others == 0 || *at == '0')
		return NULL;
	uint32_t n = (uint32_t)__builtin_ctzll(others) >> 3;
	/* no tail at all: the shift is too far for one step */
	*ret_value = digits8_sum(head) * digits8_tens[n] + digits8_sum(tail << 8 * (7 - n) << 8);
	return at + 8 + n;
}

/* The number that at[0 .. len) is, 8 <= len <= 16; false where there is another character than a
 * digit. */
static inline bool digits8_number(const char *at, size_t len, uint64_t *ret_value)
{
	uint64_t head = digits8_load(at), tail = digits8_load(at + len - 8);
	uint32_t rest = (uint32_t)len - 8;

	if ((digits8_others(head) | digits8_others(tail)) != 0)
		return false;
	*ret_value = digits8_value(head) * digits8_tens[rest];
	if (rest > 0)
		*ret_value += digits8_value(digits8_last(tail, rest));
	return true;
}

#endif
