/* classes - which characters a publisher's name and a symbol may hold, as tables. */
#include "proto/classes.h"

#include "common/base/symbol.h"

#define LOWER (CLASS_SOURCE | CLASS_RAW)
#define UPPER (CLASS_RAW | CLASS_VENUE)
#define EVERY (CLASS_SOURCE | CLASS_RAW | CLASS_VENUE)

const uint8_t classes[256] = {
	['0'] = EVERY, ['1'] = EVERY, ['2'] = EVERY, ['3'] = EVERY, ['4'] = EVERY,
	['5'] = EVERY, ['6'] = EVERY, ['7'] = EVERY, ['8'] = EVERY, ['9'] = EVERY,
	['_'] = EVERY, ['-'] = CLASS_SOURCE | CLASS_RAW,
	['A'] = UPPER, ['B'] = UPPER, ['C'] = UPPER, ['D'] = UPPER, ['E'] = UPPER, ['F'] = UPPER,
	['G'] = UPPER, ['H'] = UPPER, ['I'] = UPPER, ['J'] = UPPER, ['K'] = UPPER, ['L'] = UPPER,
	['M'] = UPPER, ['N'] = UPPER, ['O'] = UPPER, ['P'] = UPPER, ['Q'] = UPPER, ['R'] = UPPER,
	['S'] = UPPER, ['T'] = UPPER, ['U'] = UPPER, ['V'] = UPPER, ['W'] = UPPER, ['X'] = UPPER,
	['Y'] = UPPER, ['Z'] = UPPER,
	['a'] = LOWER, ['b'] = LOWER, ['c'] = LOWER, ['d'] = LOWER, ['e'] = LOWER, ['f'] = LOWER,
	['g'] = LOWER, ['h'] = LOWER, ['i'] = LOWER, ['j'] = LOWER, ['k'] = LOWER, ['l'] = LOWER,
	['m'] = LOWER, ['n'] = LOWER, ['o'] = LOWER, ['p'] = LOWER, ['q'] = LOWER, ['r'] = LOWER,
	['s'] = LOWER, ['t'] = LOWER, ['u'] = LOWER, ['v'] = LOWER, ['w'] = LOWER, ['x'] = LOWER,
	['y'] = LOWER, ['z'] = LOWER,
};

bool classes_all(const char *text, size_t len, uint8_t wanted)
{
	uint8_t common = wanted;

	for (size_t i = 0; i < len; i++)
		common &= classes[(uint8_t)text[i]];
	return common == wanted;
}

bool classes_source(const char *text, size_t len)
{
	return len > 0 && len < 20 && classes_all(text, len, CLASS_SOURCE);
}

bool classes_symbol(const char *text, size_t len)
{
	size_t raw = 0;

	if (len == 0)
		return true;
	while (raw < len && (classes[(uint8_t)text[raw]] & CLASS_RAW) != 0)
		raw++;
	if (raw == 0 || raw > SYMBOL_RAW_MAX || raw == len || text[raw] != '.')
		return false;
	size_t venue = len - raw - 1;
	return venue > 0 && venue <= SYMBOL_VENUE_MAX && classes_all(text + raw + 1, venue, CLASS_VENUE);
}
