/* test_hostile - bytes that mean harm (F64 to F66, Z19): refused, no crash, no memory. */
#include <sys/resource.h>

#include "tests/unit/proto/samples.h"

#define MEMORY_KB_MAX 65536

/* There where the address sanitizer is, which keeps freed memory for a while. */
extern void __asan_init(void) __attribute__((weak));

static uint8_t packed[EVENT_PACKED_MAX];

static int unpack(const void *bytes, size_t len)
{
	struct arena arena = sample_arena();
	struct event ev;
	size_t used;
	uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a read behind the end is seen */

	memcpy(exact, bytes, len);
	memset(&ev, 0xa5, sizeof ev);
	int rc = codec_unpack(exact, len, &arena, &ev, &used);
	if (rc == 0)
		assert_true(used <= len);
	else
		assert_int_equal(ev.id, 0);
	free(exact);
	return rc;
}

/* Everything that reads foreign bytes. */
static int all_readers(const void *bytes, size_t len)
{
	struct event head;
	struct buf out;
	size_t measured;
	int rc = unpack(bytes, len);

	codec_measure(bytes, len, &measured);
	codec_peek(bytes, len, &head);
	codec_same_result(bytes, len, bytes, len);
	buf_init(&out, 1 << 20);
	codec_print_unknown(bytes, len, &out);
	buf_fini(&out);
	return rc;
}

static void huge_counts(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		int error;
	} cases[] = {
		{"\xdd\xff\xff\xff\xff", 5, ERR_TRUNCATED}, {"\xdd\x04\x00\x00\x00", 5,
			ERR_TRUNCATED},
		{"\xdf\xff\xff\xff\xff", 5, ERR_TRUNCATED}, {"\xdf\x80\x00\x00\x00", 5,
			ERR_TRUNCATED},
		{"\xdb\xff\xff\xff\xff", 5, ERR_TRUNCATED}, {"\xc6\xff\xff\xff\xff", 5,
			ERR_TRUNCATED},
		{"\xdc\xff\xff", 3, ERR_TRUNCATED},	    {"\xde\xff\xff", 3, ERR_TRUNCATED},
		{"\xc9\xff\xff\xff\xff\x01", 6, ERR_TYPE},  {"\xc7\x01\x01\x00", 4, ERR_TYPE},
		{"\xd8\x01", 2, ERR_TYPE},		    {"\xc1", 1, ERR_TYPE},
		{"", 0, ERR_TRUNCATED},			    {"\xca\x7f\xc0\x00\x00", 5, ERR_TYPE},
		{"\xcb\xff\xf0\0\0\0\0\0\0", 9, ERR_TYPE},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t measured = 77;
		assert_int_equal(codec_measure((const uint8_t *)cases[i].bytes, cases[i].len,
			&measured),
				 cases[i].error);
		assert_int_equal(measured, 77);
		assert_true(all_readers(cases[i].bytes, cases[i].len) < 0);
	}
}

static void deep_nesting(void **state)
{
	(void)state;
	const size_t n = 1000000;
	uint8_t *bytes = malloc(n);
	size_t measured;

	for (int code = 0x91; code <= 0x9f; code += 0x0e) {
		memset(bytes, code, n);
		assert_int_equal(codec_measure(bytes, n, &measured), ERR_DEPTH);
		assert_true(all_readers(bytes, n) < 0);
	}
	memset(bytes, 0x81, n); /* maps in maps */
	assert_int_equal(codec_measure(bytes, n, &measured), ERR_DEPTH);
	memset(bytes, 0xdc, n); /* lists that claim 56,540 elements each */
	assert_true(codec_measure(bytes, n, &measured) < 0);
	/* Eight levels are good. */
	assert_int_equal(codec_measure((const uint8_t *)"\x91\x91\x91\x91\x91\x91\x91\x91\x05", 9,
		&measured), 0);
	assert_int_equal(measured, 9);
	free(bytes);
}

/* More elements than anybody sends, each of them harmless. */
static void many_elements(void **state)
{
	(void)state;
	const uint32_t n = 200001;
	uint8_t *bytes = calloc(1, 5 + n);
	size_t measured;

	bytes[0] = 0xdd;
	bytes[2] = (uint8_t)(n >> 16);
	bytes[3] = (uint8_t)(n >> 8);
	bytes[4] = (uint8_t)n;
	assert_int_equal(codec_measure(bytes, 5 + n, &measured), ERR_TOO_LONG);
	bytes[4]--;
	assert_int_equal(codec_measure(bytes, 5 + n, &measured), 0);
	assert_int_equal(measured, 5 + n - 1);
	free(bytes);
}

/* A trade whose element i is replaced by other bytes. */
static int trade_with(size_t i, const void *bytes, size_t len)
{
	struct sample s;
	struct rng r;
	uint8_t *out = malloc(4096);
	size_t at = 3, to = 3;

	rng_seed(&r, 9);
	sample_make(&r, event_row(EVENT_trade), &s);
	int n = codec_pack(&s.ev, packed, sizeof packed);
	assert_true(n > 0 && packed[0] == 0xdc);
	memcpy(out, packed, 3);
	for (size_t k = 0; at < (size_t)n; k++) {
		size_t size;
		assert_int_equal(codec_measure(packed + at, (size_t)n - at, &size), 0);
		memcpy(out + to, k == i ? bytes : packed + at, k == i ? len : size);
		to += k == i ? len : size;
		at += size;
	}
	int rc = all_readers(out, to);
	free(out);
	return rc;
}

static void wrong_types(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} never[] = {{"\xc0", 1},	      {"\xc3", 1},
		     {"\xca\x3f\x80\0\0", 5}, {"\xcb\x7f\xf8\0\0\0\0\0\0", 9},
		     {"\x91\x01", 2},	      {"\x80", 1},
		     {"\xc4\x01z", 3},	      {"\xd4\x01\x01", 3}};

	for (size_t element = 0; element < 16; element++)
		for (size_t i = 0; i < sizeof never / sizeof *never; i++)
			assert_int_equal(trade_with(element, never[i].bytes, never[i].len),
				ERR_TYPE);
	/* Texts where numbers stand, numbers where texts stand. */
	for (size_t element = 0; element < 16; element++)
		if (element == 2 || element == 9)
			assert_int_equal(trade_with(element, "\x05", 1), ERR_TYPE);
		else
			assert_int_equal(trade_with(element, "\xa1z", 2), ERR_TYPE);
}

static void out_of_range(void **state)
{
	(void)state;
	assert_int_equal(trade_with(0, "\xce\x00\x01\x00\x00", 5), ERR_RANGE);	  /* id 65536 */
	assert_int_equal(trade_with(0, "\xff", 1), ERR_RANGE);			  /* id -1 */
	assert_int_equal(trade_with(1, "\xcd\x01\x00", 3), ERR_RANGE);		  /* version 256 */
	assert_int_equal(trade_with(1, "\xcc\xff", 2), 0);			  /* a far future */
	assert_int_equal(trade_with(3, "\xd3\xff\xff\xff\xff\xff\xff\xff\xff", 9), ERR_RANGE);
	assert_int_equal(trade_with(3, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9), 0);
	assert_int_equal(trade_with(7, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9), ERR_RANGE);
	assert_int_equal(trade_with(10, "\x12", 1), 0);				  /* scale 18 */
	assert_int_equal(trade_with(10, "\x13", 1), ERR_RANGE);			  /* scale 19 */
	assert_int_equal(trade_with(11, "\xcc\xff", 2), ERR_RANGE);
	/* an unknown side */
	assert_int_equal(trade_with(14, "\xcc\xff", 2), 0);
	assert_int_equal(trade_with(14, "\xcd\x01\x00", 3), ERR_RANGE);
	assert_int_equal(trade_with(0, "\xcd\xff\xfe", 3), ERR_UNKNOWN);
}

static void bad_names(void **state)
{
	(void)state;
	static const char *const sources[] = {"", "A", "a b", "a.b", "a/b", "\xc3\xa4",
		"abcdefghijklmnopqrs\n"};
	static const char *const symbols[] = {
		"BTCUSDT", ".BINANCE", "BTCUSDT.", "A.B.C", "../../etc.BINANCE",
		"BTC USDT.BINANCE", "BTCUSDT.binance", "BTC\nUSDT.BINANCE", "B\xc3\x84.BINANCE",
		"A.BCDEFGHIJKLMNOPQR"};
	char element[128];

	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		int n = snprintf(element, sizeof element, "%c%s", (int)(0xa0 + strlen(sources[i])),
			sources[i]);
		assert_true(trade_with(2, element, (size_t)n) < 0);
	}
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		int n = snprintf(element, sizeof element, "%c%s", (int)(0xa0 + strlen(symbols[i])),
			symbols[i]);
		assert_int_equal(trade_with(9, element, (size_t)n), ERR_SYNTAX);
	}
	assert_int_equal(trade_with(9, "\xa0", 1), 0); /* none */
	assert_int_equal(trade_with(9, "\xa3" "A\0B", 4), ERR_SYNTAX);
	memset(element, 'A', sizeof element);
	memcpy(element, "\xd9\x62", 2);
	memcpy(element + 98, ".B", 2); /* 98 bytes: 96, a dot, a venue */
	assert_int_equal(trade_with(9, element, 100), ERR_TOO_LONG);
	memcpy(element, "\xd9\x53", 2);
	memcpy(element + 83, ".B", 2); /* a raw part of 81 */
	assert_int_equal(trade_with(9, element, 85), ERR_SYNTAX);
}

/* Names and texts: UTF-8 without a NUL; control characters pass here and are escaped where they are
 * printed. */
static int alert_with(const char *message, size_t len)
{
	static const char head[] = "\x9e\x05\x01\xa1" "a"
				   "\x01\x01\x01\x01\x01\x01" "\x01\x01\xa0\xa0";
	uint8_t bytes[300];

	memcpy(bytes, head, sizeof head - 1);
	bytes[sizeof head - 1] = 0xd9;
	bytes[sizeof head] = (uint8_t)len;
	memcpy(bytes + sizeof head + 1, message, len);
	return all_readers(bytes, sizeof head + 1 + len);
}

static void bad_texts(void **state)
{
	(void)state;
	char text[256];

	assert_int_equal(alert_with("plain \x1b[31m\n", 12), 0);
	assert_int_equal(alert_with("gr\xc3\xb6\xc3\x9f" "er", 8), 0);
	assert_int_equal(alert_with("\xff", 1), ERR_UTF8);
	assert_int_equal(alert_with("\xc3", 1), ERR_UTF8);
	assert_int_equal(alert_with("\xc0\x80", 2), ERR_UTF8);
	assert_int_equal(alert_with("\xed\xa0\x80", 3), ERR_UTF8);
	assert_int_equal(alert_with("\xf4\x90\x80\x80", 4), ERR_UTF8);
	assert_int_equal(alert_with("a\0b", 3), ERR_RANGE);
	memset(text, 'x', sizeof text);
	assert_int_equal(alert_with(text, 199), 0);
	assert_int_equal(alert_with(text, 200), ERR_TOO_LONG);
}

/* A book that claims lists it does not have, or lists longer than the limit. */
static void bad_lists(void **state)
{
	(void)state;
	static const uint8_t head[] = {0x9f, 0xcd, 0x01, 0x03, 1, /* … up to the bids */ 0xa1, 'a',
		1, 1, 1, 1, 1, 1,
				       0xa3, 'A',  '.',	 'B',  0, 0,    1,   1};
	const size_t n = 2 * (EVENT_LEVELS_MAX + 1);
	uint8_t *bytes = calloc(1, sizeof head + 3 + n);
	struct event ev;
	size_t used;

	memcpy(bytes, head, sizeof head);
	bytes[sizeof head] = 0xdc;
	bytes[sizeof head + 1] = (uint8_t)(n >> 8);
	bytes[sizeof head + 2] = (uint8_t)n;
	assert_int_equal(all_readers(bytes, sizeof head + 3 + n), ERR_TOO_LONG);
	bytes[sizeof head + 2] = (uint8_t)(n - 1); /* not in twos */
	assert_int_equal(all_readers(bytes, sizeof head + 3 + n), ERR_TYPE);
	bytes[sizeof head + 2] = (uint8_t)(n - 2);
	assert_int_equal(all_readers(bytes, sizeof head + 3 + n), 0);
	/* The memory for it is the caller's. */
	assert_int_equal(codec_unpack(bytes, sizeof head + 3 + n, NULL, &ev, &used), ERR_FULL);
	struct arena small = {packed, 1000, 16};
	assert_int_equal(codec_unpack(bytes, sizeof head + 3 + n, &small, &ev, &used), ERR_FULL);
	assert_int_equal(small.used, 16);
	assert_int_equal(all_readers(bytes, sizeof head + 3 + n - 3), ERR_TRUNCATED);
	free(bytes);
}

/* Any byte of any event changed to anything: read or refused; what is read is written and read the
 * same. */
static void every_byte(void **state)
{
	(void)state;
	static const uint8_t values[] = {0x00, 0x7f, 0x80, 0x91, 0xa1, 0xc0, 0xc1, 0xc6, 0xcb, 0xcf,
		0xd3,
					 0xd9, 0xdb, 0xdc, 0xdd, 0xdf, 0xe0, 0xff};
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 10);
	for (size_t i = 0; i < n_rows; i++) {
		sample_make(&r, &rows[i], &s);
		int len = codec_pack(&s.ev, packed, sizeof packed);
		assert_true(len > 0);
		for (int at = 0; at < len; at++) {
			uint8_t was = packed[at];
			for (size_t k = 0; k < sizeof values; k++) {
				struct arena arena = sample_arena();
				struct event ev;
				size_t used;
				packed[at] = values[k];
				if (codec_unpack(packed, (size_t)len, &arena, &ev, &used) == 0) {
					uint8_t again[EVENT_PACKED_MAX];
					struct event back;
					int n = codec_pack(&ev, again, sizeof again);
					assert_true(n > 0);
					assert_int_equal(codec_unpack(again, (size_t)n, &arena,
						&back, &used), 0);
					assert_true(sample_same(&ev, &back));
				} else {
					all_readers(packed, (size_t)len);
				}
			}
			packed[at] = was;
		}
	}
}

static void noise(void **state)
{
	(void)state;
	uint8_t bytes[256];
	struct rng r;

	rng_seed(&r, 11);
	for (int i = 0; i < 100000; i++) {
		size_t len = rng_below(&r, sizeof bytes);
		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)rng_u64(&r);
		if (len > 4 && i % 2 == 0)
			memcpy(bytes, "\x9f\x05\x01\xa1", 4);
		all_readers(bytes, len);
	}
}

static void memory_is_bounded(void **state)
{
	(void)state;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	printf("most resident memory: %ld kB\n", use.ru_maxrss);
	if (__asan_init == NULL)
		assert_true(use.ru_maxrss < MEMORY_KB_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(huge_counts),
		cmocka_unit_test(deep_nesting),
		cmocka_unit_test(many_elements),
		cmocka_unit_test(wrong_types),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(noise),
		cmocka_unit_test(memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
