/* level_rows - rows of two decimals: any that are short, and faster, those that are written like the one before.
 *
 * Where both numbers have eight decimals, which is how Binance writes them on its spot market, a row mostly has its
 * points where the last one had them. Such a row is compared with that form, eight characters at a time: nothing is
 * looked for, so nothing waits for the end of what comes before it.
 */
#include "common/venue/level_rows.h"

#include "common/venue/digits8.h"

/* Behind a decimal in quotes of up to seven digits, and eight behind a point, at least one byte before the end; NULL
 * for everything else, good or bad. The scale is 8 at most. Whether there is a point is no branch: rows that remove a
 * level have "0" where others have a decimal. */
static inline __attribute__((always_inline)) const char *read_decimal(const char *at, const char *end, int scale,
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

/* ---- a form of rows ---- */

#define HIGH_BITS 0x8080808080808080u
#define DIGITS_LIMIT 0x7676767676767676u /* 9 stays below 0x80, 10 does not */

/* Up to eight characters: what must be there, a zero standing for any digit. */
struct pattern {
	uint64_t text, mask, limit; /* limit: what takes a byte to 0x80 that is too far from the text's */
};

/* ["…" + whole digits + .12345678","…" + whole digits + .12345678"] */
struct form {
	uint32_t price_n, qty_n; /* digits before the points; 0: there is no form yet */
	struct pattern price, qty; /* `123.`; `","1.` */
};

#define FORM_QTY_MAX 4 /* with three characters before its digits and one behind them: a word */
#define FORM_REST 25   /* characters of a row beside the digits before the points */

/* The first n bytes of a word, 1 .. 8. */
static inline uint64_t first_bytes(uint64_t word, uint32_t n)
{
	return word & UINT64_MAX >> (64 - 8 * n);
}

/* The three characters before a quantity or nothing, digits, a point. */
static inline struct pattern make_pattern(bool is_qty, uint32_t digits)
{
	uint32_t before = is_qty ? 3 : 0, n = before + digits;

	return (struct pattern){
		.text = (is_qty ? 0x222c22u : 0) | first_bytes(DIGITS8_ZEROS, digits) << 8 * before |
			(uint64_t)'.' << 8 * n,
		.mask = first_bytes(UINT64_MAX, n + 1),
		.limit = (is_qty ? 0x7f7f7fu : 0) | first_bytes(DIGITS_LIMIT, digits) << 8 * before |
			 (uint64_t)0x7f << 8 * n,
	};
}

/* What the digits are worth, in their places; false where anything is not as the pattern has it. */
static inline bool matches(const struct pattern *p, uint64_t word, uint64_t *ret_worth)
{
	uint64_t worth = (word ^ p->text) & p->mask;

	*ret_worth = worth;
	return ((worth | (worth + p->limit)) & HIGH_BITS) == 0;
}

/* The form of a row at[0 .. behind) that has been read, if it has one. */
static void take_form(struct form *f, const char *at, const char *between, const char *behind)
{
	ptrdiff_t price_n = between - at - 12, qty_n = behind - between - 12;

	f->price_n = 0;
	if (price_n < 1 || price_n > 7 || between[-10] != '.')
		return;
	if (qty_n < 1 || qty_n > FORM_QTY_MAX || behind[-10] != '.')
		return;
	f->price_n = (uint32_t)price_n;
	f->qty_n = (uint32_t)qty_n;
	f->price = make_pattern(false, f->price_n);
	f->qty = make_pattern(true, f->qty_n);
}

/* Reads a row of that form; returns its closing bracket, or NULL. */
static inline const char *read_alike(const struct form *f, const char *at, const char *end,
				     const struct level_room *room, struct level *ret_level)
{
	static const struct pattern decimals = {DIGITS8_ZEROS, UINT64_MAX, DIGITS_LIMIT};
	struct digits8_run price = {0, f->price_n}, price_part = {0, 8}, qty = {0, f->qty_n}, qty_part = {0, 8};
	const char *second = at + 11 + f->price_n, *close = second + 13 + f->qty_n;

	if (end - at < FORM_REST + f->price_n + f->qty_n || at[1] != '"' || close[-1] != '"' || *close != ']')
		return NULL;
	bool good = matches(&f->price, digits8_load(at + 2), &price.worth);
	good &= matches(&decimals, digits8_load(second - 8), &price_part.worth);
	good &= matches(&f->qty, digits8_load(second), &qty.worth);
	good &= matches(&decimals, digits8_load(close - 9), &qty_part.worth);
	qty.worth >>= 24;
	if (!good || !digits8_decimal(price, price_part, room->price_scale, &ret_level->price) ||
	    !digits8_decimal(qty, qty_part, room->qty_scale, &ret_level->qty))
		return NULL;
	return close;
}

/* ---- rows ---- */

/* A row in any usual writing; returns its closing bracket, or NULL. */
static inline const char *read_any(struct form *f, const char *at, const char *end, const struct level_room *room,
				   struct level *ret_level)
{
	const char *between = read_decimal(at + 1, end, room->price_scale, &ret_level->price);

	if (between == NULL || *between != ',')
		return NULL;
	const char *close = read_decimal(between + 1, end, room->qty_scale, &ret_level->qty);
	if (close != NULL)
		take_form(f, at, between, close);
	return close != NULL && *close == ']' ? close : NULL;
}

const char *level_rows(const char *at, const char *end, struct level_room *room, bool *ret_last)
{
	struct form form = {.price_n = 0};
	uint32_t n = room->n;

	*ret_last = false;
	if ((unsigned)room->price_scale > 8 || (unsigned)room->qty_scale > 8)
		return at;
	while (n < room->max && end - at > 2 && *at == '[') {
		struct level *l = &room->at[n];
		const char *p = form.price_n > 0 ? read_alike(&form, at, end, room, l) : NULL;
		if (p == NULL)
			p = read_any(&form, at, end, room, l);
		if (p == NULL || end - p < 3 || l->price == 0)
			break;
		*ret_last = p[1] == ']';
		if (!*ret_last && (p[1] != ',' || p[2] != '['))
			break;
		n++;
		at = p + 2 - *ret_last;
		if (*ret_last)
			break;
	}
	room->n = n;
	return at;
}
