/* classes - which characters names of publishers, symbols and topics may hold, in blocks of 16. */
#include "proto/classes.h"

#include "common/base/symbol.h"

bool classes_is_token(const char *text, size_t len, size_t max)
{
	classes_block bad = {0};

	for (size_t i = 0; i < len; i += CLASSES_LANES) {
		size_t left = len - i < CLASSES_LANES ? len - i : CLASSES_LANES;
		bad |= ~classes_token(classes_load(text + i, left, max - i)) & classes_below(left);
	}
	return !classes_any(bad) && len > 0;
}

/* Up to the block with the first dot what is in front of it must be raw; all behind it the
 * venue. */
size_t classes_symbol(const char *text, size_t len, size_t max)
{
	classes_block bad = {0};
	size_t dot = SIZE_MAX;

	for (size_t i = 0; i < len; i += CLASSES_LANES) {
		size_t left = len - i < CLASSES_LANES ? len - i : CLASSES_LANES, raw = 0,
			behind = 0;
		classes_block b = classes_load(text + i, left, max - i),
			inside = classes_below(left);
		if (dot == SIZE_MAX) {
			raw = classes_first((b == '.') & inside);
			behind = raw + 1;
			dot = raw < CLASSES_LANES ? i + raw : SIZE_MAX;
		}
		bad |= ~classes_token(b) & inside & classes_below(raw);
		bad |= ~classes_venue(b) & inside & ~classes_below(behind);
	}
	if (classes_any(bad) || dot > SYMBOL_RAW_MAX || len - dot - 1 > SYMBOL_VENUE_MAX)
		return 0;
	return len > dot + 1 ? dot : 0;
}
