/* print - text for people and JSON that no foreign byte can escape from, into a buf. */
#include "proto/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/utf8.h"

#define NS_PER_S 1000000000
#define S_PER_DAY 86400

void print_begin(struct printer *p, struct buf *out)
{
	*p = (struct printer){out, out->len, 0};
}

int print_end(struct printer *p)
{
	if (p->err < 0)
		p->out->len = p->start;
	return p->err;
}

void print_bytes(struct printer *p, const char *text, size_t len)
{
	if (p->err == 0)
		p->err = buf_append(p->out, text, len);
}

void print_text(struct printer *p, const char *text)
{
	print_bytes(p, text, strlen(text));
}

void print_format(struct printer *p, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (p->err == 0 && (n < 0 || (size_t)n >= sizeof line))
		p->err = ERR_TOO_LONG;
	if (p->err == 0)
		print_bytes(p, line, (size_t)n);
}

/* The code point of a sequence that utf8_sequence has accepted. */
static uint32_t code_of(const uint8_t *at, size_t n)
{
	static const uint8_t lead[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = at[0] & lead[n];

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (at[i] & 0x3f);
	return code;
}

static bool is_harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '"' || code == '\\')
		return false;
	if (code == 0x061c || code == 0x200e || code == 0x200f || code == 0xfeff)
		return false;
	return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

/* Everything to be escaped lies in the basic plane: one \u is enough. */
static void escaped(struct printer *p, uint32_t code)
{
	switch (code) {
	case '"':
		print_text(p, "\\\"");
		break;
	case '\\':
		print_text(p, "\\\\");
		break;
	case '\n':
		print_text(p, "\\n");
		break;
	case '\t':
		print_text(p, "\\t");
		break;
	default:
		print_format(p, "\\u%04x", (unsigned)code);
	}
}

/* Bytes from `at` on that need no escape. */
static size_t harmless_run(const uint8_t *at, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_sequence(at + i, len - i);
		if (n == 0 || !is_harmless(code_of(at + i, n)))
			break;
		i += n;
	}
	return i;
}

void print_quoted(struct printer *p, const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;

	print_text(p, "\"");
	for (size_t i = 0; i < len;) {
		size_t n = harmless_run(at + i, len - i);
		print_bytes(p, text + i, n);
		i += n;
		if (i == len)
			break;
		n = utf8_sequence(at + i, len - i);
		escaped(p, n > 0 ? code_of(at + i, n) : 0xfffd);
		i += n > 0 ? n : 1;
	}
	print_text(p, "\"");
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("_-.:/+#@%", c) != NULL;
}

void print_word(struct printer *p, const char *text, size_t len)
{
	size_t plain = 0;

	while (plain < len && text[plain] != '\0' && is_plain(text[plain]))
		plain++;
	if (len > 0 && plain == len)
		print_bytes(p, text, len);
	else
		print_quoted(p, text, len);
}

/* Days since 1970-01-01 to year, month, day: Howard Hinnant's civil_from_days, shifted to years
 * that begin in March, so that the leap day is a year's last. */
static void civil(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	*ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

void print_time(struct printer *p, int64_t ns)
{
	int64_t s = ns / NS_PER_S, rest = ns % NS_PER_S;
	int year, month, day;

	if (rest < 0) {
		rest += NS_PER_S;
		s--;
	}
	int64_t days = s / S_PER_DAY, of_day = s % S_PER_DAY;
	if (of_day < 0) {
		of_day += S_PER_DAY;
		days--;
	}
	civil(days, &year, &month, &day);
	print_format(p, "%04d-%02d-%02dT%02d:%02d:%02d.%09" PRId64 "Z", year, month, day,
		     (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60), rest);
}

void print_fixed(struct printer *p, int64_t value, int scale)
{
	char text[FIXED_TEXT_MAX];

	if (scale > FIXED_SCALE_MAX)
		print_format(p, "%" PRId64 "e-%d", value, scale);
	else
		print_bytes(p, text, fixed_format(text, sizeof text, value, scale));
}

void print_hex(struct printer *p, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		print_format(p, "%02x", at[i]);
}
