/* fuzz_fixed - decimals from any text, and arithmetic on any numbers against school arithmetic. */
#include "common/base/fixed.h"
#include "tests/fuzz/decimal_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNTOUCHED 424242

/* Parsing, formatting and the text's own scale tell one story. */
static void text(const char *at, size_t len, int scale)
{
	int64_t value = UNTOUCHED, again;
	int own = UNTOUCHED, rc = fixed_parse(at, len, scale, &value);
	int own_rc = fixed_scale_of(at, len, &own);
	char out[FIXED_TEXT_MAX];

	must((rc == ERR_SYNTAX) == (own_rc == ERR_SYNTAX));
	must(own_rc == 0 ? own >= 0 && own <= FIXED_SCALE_MAX : own == UNTOUCHED);
	must(rc != 0 || (own_rc == 0 && own <= scale));
	must(rc != ERR_INEXACT || own_rc == ERR_RANGE || own > scale);
	if (rc < 0) {
		must(value == UNTOUCHED);
		return;
	}
	len = fixed_format(out, sizeof(out), value, scale);
	must(len < sizeof(out) && fixed_parse(out, len, scale, &again) == 0 && again == value);
	len = fixed_format_trim(out, sizeof(out), value, scale);
	must(fixed_parse(out, len, own, &again) == 0);
	must(fixed_rescale(again, own, scale, &again) == 0 && again == value);
}

static void product(int64_t a, int64_t b, const int scale[3])
{
	struct big x = big_of(big_magnitude(a)), y = big_of(big_magnitude(b)), unit = big_of(1);
	int64_t got = UNTOUCHED, want = UNTOUCHED;
	int shift = scale[2] - scale[0] - scale[1], rc;

	x = big_mul(&x, &y);
	unit = big_shift(&unit, shift < 0 ? -shift : 0);
	x = shift < 0 ? big_divide_even(&x, &unit) : big_shift(&x, shift);
	rc = fixed_mul(a, scale[0], b, scale[1], scale[2], &got);
	must(rc == big_to_i64(&x, (a < 0) != (b < 0), &want) && got == want);
}

static void quotient(int64_t a, int64_t b, const int scale[3])
{
	struct big x = big_of(big_magnitude(a)), y = big_of(big_magnitude(b));
	int64_t got = UNTOUCHED, want = UNTOUCHED;
	int shift = scale[2] - scale[0] + scale[1];
	int rc = fixed_div(a, scale[0], b, scale[1], scale[2], &got);

	if (b == 0) {
		must(rc == ERR_ARG);
		return;
	}
	x = big_shift(&x, shift > 0 ? shift : 0);
	y = big_shift(&y, shift < 0 ? -shift : 0);
	x = big_divide_even(&x, &y);
	must(rc == big_to_i64(&x, (a < 0) != (b < 0), &want) && got == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t operand[2];
	int scale[3];

	if (size < 3)
		return 0;
	for (int i = 0; i < 3; i++)
		scale[i] = data[i] % (FIXED_SCALE_MAX + 1);
	text((const char *)data + 3, size - 3, scale[0]);
	if (size < 3 + sizeof(operand))
		return 0;
	memcpy(operand, data + 3, sizeof(operand));
	product(operand[0], operand[1], scale);
	quotient(operand[0], operand[1], scale);
	return 0;
}
