/* fixed - scaled integers: exact decimal prices, quantities and money without a double anywhere.
 *
 * A value v at scale s stands for v * 10^-s, 0 <= s <= FIXED_SCALE_MAX. The scale travels beside
 * the value (two scale bytes in every event with prices). What does not fit is refused, never
 * rounded, unless a function says that it rounds; rounding is half to even.
 */
#ifndef NJ_BASE_FIXED_H
#define NJ_BASE_FIXED_H

#include <stddef.h>
#include <stdint.h>

#define FIXED_SCALE_MAX 18
#define FIXED_TEXT_MAX 24 /* sign, 20 digits, point, leading zero, NUL */

__extension__ typedef __int128 fixed_wide;

/* A scale outside 0..18 is ERR_ARG for all that return errors, a broken promise for the rest. */

extern const int64_t fixed_powers[FIXED_SCALE_MAX + 1];

/* 10^n for 0 <= n <= 18. */
int64_t fixed_pow10(int n);

/* Parses decimal text ("-12.3400", also "1e-7") exactly. Digits beyond the scale must be zeros.
 * JSON's number grammar, but leading zeros are fine: digits on both sides of a point, no plus, no
 * space. Fails: ERR_SYNTAX, ERR_RANGE (does not fit int64), ERR_INEXACT (needs a larger scale). */
int fixed_parse(const char *text, size_t len, int scale, int64_t *ret_value);

/* The smallest scale that holds the text exactly ("0.0100" is 2, "5" is 0); ERR_SYNTAX, ERR_RANGE
 * above 18. */
int fixed_scale_of(const char *text, size_t len, int *ret_scale);

/* Writes shortest-exact text with all `scale` decimals ("12.30" for 1230 at 2). Returns its length
 * without the NUL; cap must be at least FIXED_TEXT_MAX. */
size_t fixed_format(char *out, size_t cap, int64_t value, int scale);

/* Like fixed_format, without trailing zeros after the point ("12.3"). */
size_t fixed_format_trim(char *out, size_t cap, int64_t value, int scale);

/* The same number at another scale; ERR_RANGE or ERR_INEXACT. */
int fixed_rescale(int64_t value, int from, int to, int64_t *ret_value);

/* Same, rounding half to even where digits are lost; ERR_RANGE. */
int fixed_round(int64_t value, int from, int to, int64_t *ret_value);

/* a(at a_scale) * b(at b_scale) at out_scale, in 128 bits, rounded half to even; ERR_RANGE. */
int fixed_mul(int64_t a, int a_scale, int64_t b, int b_scale, int out_scale, int64_t *ret_value);

/* a / b at out_scale, rounded half to even; ERR_RANGE; ERR_ARG where b is 0. */
int fixed_div(int64_t a, int a_scale, int64_t b, int b_scale, int out_scale, int64_t *ret_value);

/* value / divisor rounded half to even, divisor > 0. */
fixed_wide fixed_div_round(fixed_wide value, fixed_wide divisor);

#endif
