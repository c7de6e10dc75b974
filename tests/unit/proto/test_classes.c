/* test_classes - the checks in blocks agree with plain ones, at every length and every byte. */
#include "proto/classes.h"
#include "tests/unit/proto/samples.h"

static bool plain(char c, const char *more)
{
	return (c >= '0' && c <= '9') || (c != '\0' && strchr(more, c) != NULL);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz_-"
#define TOKEN LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool plain_all(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++)
		if (!plain(text[i], more))
			return false;
	return len > 0;
}

/* Every byte at every place of every length. The text lies at the very end of its memory. */
static void every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 40; len++) {
		char *text = malloc(len + 1);
		for (size_t at = 0; at < len; at++) {
			memset(text, 'a', len);
			for (int byte = 0; byte < 256; byte++) {
				text[at] = (char)byte;
				assert_int_equal(classes_source(text, len, len), plain_all(text,
					len, LOWER));
				assert_int_equal(classes_is_token(text, len, len), plain_all(text,
					len, TOKEN));
			}
		}
		free(text);
	}
}

static bool parses(const char *text, size_t len)
{
	struct symbol s;

	return symbol_parse(text, len, &s) == 0;
}

static void symbols(void **state)
{
	(void)state;
	static const size_t places[] = {0, 1, 7, 8, 14, 15, 16, 17, 31, 32, 33, 79, 80, 81};

	for (size_t len = 0; len <= 100; len++) {
		char *text = malloc(len + 1);
		for (size_t d = 0; d < sizeof places / sizeof *places && places[d] < len; d++) {
			memset(text, 'A', len);
			text[places[d]] = '.';
			for (size_t at = 0; at < len; at++) {
				char was = text[at];
				for (int byte = 0; byte < 256; byte++) {
					text[at] = (char)byte;
					assert_int_equal(classes_symbol(text, len, len) > 0,
							 parses(text, len));
				}
				text[at] = was;
			}
		}
		free(text);
	}
}

/* What lies behind the text does not count. */
static void behind(void **state)
{
	(void)state;
	char text[64];

	memset(text, '\xff', sizeof text);
	memcpy(text, "collector", 9);
	assert_true(classes_source(text, 9, sizeof text));
	assert_false(classes_source(text, 10, sizeof text));
	memcpy(text, "BTCUSDT.BINANCE", 15);
	assert_int_equal(classes_symbol(text, 15, sizeof text), 7);
	memset(text + 15, '.', 10);
	assert_int_equal(classes_symbol(text, 15, sizeof text), 7);
	assert_int_equal(classes_symbol(text, 16, sizeof text), 0);
}

/* A terminated text in a field of every size, and one that fills it. */
static void lengths(void **state)
{
	(void)state;
	for (size_t max = CLASSES_LANES; max < 100; max++) {
		char *field = malloc(max);
		for (size_t len = 0; len <= max; len++) {
			bool ascii;
			memset(field, 'a', max);
			if (len < max)
				field[len] = '\0';
			size_t expected = len < max ? len : max - 1;
			assert_int_equal(classes_len(field, max, &ascii), expected);
			assert_true(ascii);
			for (size_t at = 0; at < max; at++) {
				char was = field[at];
				if (at == len || (len == max && at == max - 1))
					continue;
				field[at] = (char)0x80;
				assert_int_equal(classes_len(field, max, &ascii), expected);
				assert_int_equal(ascii, at >= expected);
				field[at] = was;
			}
		}
		free(field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte),
		cmocka_unit_test(symbols),
		cmocka_unit_test(behind),
		cmocka_unit_test(lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
