/* table_text - single values: short for people, exact for programs, harmless for both. */
#include "tools/nj/table_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/json.h"
#include "common/base/utf8.h"
#include "common/io/clock.h"
#include "tools/nj/table.h"

/* ---- for people ---- */

static bool is_control(const unsigned char *at, size_t n)
{
	return (n == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
	       (n == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

void table_show_text(const char *text, struct table_shown *out)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text), len = 0;
	out->width = 0;
	while (left > 0 && len + 8 < sizeof out->text) {
		size_t n = utf8_sequence(at, left), step = n ? n : 1;
		if (n > 0 && !is_control(at, n)) {
			memcpy(out->text + len, at, n);
			len += n;
			out->width++;
		} else {
			for (size_t i = 0; i < step && len + 8 < sizeof out->text;
			     i++, out->width += 4)
				len += (size_t)snprintf(out->text + len, 5, "\\x%02x", at[i]);
		}
		at += step;
		left -= step;
	}
	if (left > 0) {
		memcpy(out->text + len, "...", 3);
		len += 3;
		out->width += 3;
	}
	out->text[len] = '\0';
}

void table_show_head(const char *name, struct table_shown *out)
{
	table_show_text(name, out);
	for (char *c = out->text; *c; c++)
		*c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
}

const char *table_thousands(int64_t value, char out[TABLE_SHORT_MAX])
{
	char digits[24], *to = out;
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	int n = snprintf(digits, sizeof digits, "%" PRIu64, size);
	if (value < 0)
		*to++ = '-';
	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

/* size / unit with one decimal, cut, so that 999.99 never reads as the next unit. */
static void put_tenths(char out[TABLE_SHORT_MAX], bool negative, uint64_t size, uint64_t unit,
		       const char *name)
{
	uint64_t whole = size / unit, tenth = size % unit / (unit / 10 ? unit / 10 : 1);
	snprintf(out, TABLE_SHORT_MAX, "%s%" PRIu64 ".%" PRIu64 "%s", negative ? "-" : "", whole,
		 tenth > 9 ? 9 : tenth, name);
}

static void put_two(char out[TABLE_SHORT_MAX], bool negative, uint64_t size, const uint64_t unit[2],
		    const char *const name[2])
{
	snprintf(out, TABLE_SHORT_MAX, "%s%" PRIu64 "%s%" PRIu64 "%s", negative ? "-" : "",
		 size / unit[0], name[0], size % unit[0] / unit[1], name[1]);
}

const char *table_span(int64_t ns, char out[TABLE_SHORT_MAX])
{
	static const uint64_t us = 1000, ms = 1000000, s = 1000000000;
	bool negative = ns < 0;
	uint64_t size = negative ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (size < us)
		snprintf(out, TABLE_SHORT_MAX, "%" PRId64 "ns", ns);
	else if (size < ms)
		put_tenths(out, negative, size, us, "us");
	else if (size < s)
		put_tenths(out, negative, size, ms, "ms");
	else if (size < 60 * s)
		put_tenths(out, negative, size, s, "s");
	else if (size < 3600 * s)
		put_two(out, negative, size, (const uint64_t[]){60 * s, s},
			(const char *const[]){"m", "s"});
	else if (size < 86400 * s)
		put_two(out, negative, size, (const uint64_t[]){3600 * s, 60 * s},
			(const char *const[]){"h", "m"});
	else
		put_two(out, negative, size, (const uint64_t[]){86400 * s, 3600 * s},
			(const char *const[]){"d", "h"});
	return out;
}

const char *table_bytes(int64_t bytes, char out[TABLE_SHORT_MAX])
{
	static const char *const name[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	bool negative = bytes < 0;
	uint64_t size = negative ? 0 - (uint64_t)bytes : (uint64_t)bytes, unit = 1024;
	size_t i = 0;
	if (size < unit) {
		snprintf(out, TABLE_SHORT_MAX, "%" PRId64 " B", bytes);
		return out;
	}
	while (i + 1 < ARRAY_LEN(name) && size / 1024 >= unit) {
		unit *= 1024;
		i++;
	}
	put_tenths(out, negative, size, unit, name[i]);
	return out;
}

const char *table_time(int64_t wall_ns, int64_t now, char out[32])
{
	char at[32], today[32];
	clock_rfc3339(wall_ns, at);
	clock_rfc3339(now, today);
	bool same_day = memcmp(at, today, 10) == 0;
	if (same_day)
		snprintf(out, 32, "%.12s", at + 11);
	else
		snprintf(out, 32, "%.10s %.8s", at, at + 11);
	return out;
}

/* ---- order of decimal texts ---- */

struct digits {
	bool negative;
	const char *whole, *part; /* without leading zeros; after the point */
	size_t n_whole, n_part;
};

static struct digits digits_of(const char *text)
{
	struct digits d = {.negative = *text == '-'};
	text += d.negative;
	while (*text == '0')
		text++;
	d.whole = text;
	d.n_whole = strspn(text, "0123456789");
	d.part = text + d.n_whole + (text[d.n_whole] == '.');
	d.n_part = strspn(d.part, "0123456789");
	while (d.n_part > 0 && d.part[d.n_part - 1] == '0')
		d.n_part--;
	d.negative = d.negative && d.n_whole + d.n_part > 0;
	return d;
}

static int compare_sizes(const struct digits *a, const struct digits *b)
{
	if (a->n_whole != b->n_whole)
		return a->n_whole < b->n_whole ? -1 : 1;
	int order = memcmp(a->whole, b->whole, a->n_whole);
	size_t n = a->n_part < b->n_part ? a->n_part : b->n_part;
	if (order == 0)
		order = memcmp(a->part, b->part, n);
	return order != 0 ? order : (a->n_part > b->n_part) - (a->n_part < b->n_part);
}

int table_compare_numbers(const char *a, const char *b)
{
	struct digits x = digits_of(a), y = digits_of(b);
	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	return x.negative ? compare_sizes(&y, &x) : compare_sizes(&x, &y);
}

/* ---- for programs ---- */

void table_put_json(FILE *to, const char *text)
{
	struct buf b;
	size_t len = strlen(text);
	buf_init(&b, 6 * len + 16);
	if (json_quote(&b, text, len) == 0)
		fwrite(b.at, 1, b.len, to);
	else
		fputs("null", to);
	buf_fini(&b);
}

/* One character; control characters but the line feed are written as \xNN. */
static void put_csv_char(FILE *to, char c)
{
	if (c == '"')
		fputs("\"\"", to);
	else if (((unsigned char)c < 0x20 && c != '\n') || c == 0x7f)
		fprintf(to, "\\x%02x", (unsigned char)c);
	else
		fputc(c, to);
}

void table_put_csv(FILE *to, const char *text)
{
	bool quoted = text[strcspn(text, "\",\r\n")] != '\0' || text[0] == ' ';
	if (quoted)
		fputc('"', to);
	for (; *text; text++)
		put_csv_char(to, *text);
	if (quoted)
		fputc('"', to);
}

void table_put_tsv(FILE *to, const char *text)
{
	static const char names[] = "\tt\nn\rr\\\\";
	for (; *text; text++) {
		const char *n = names;
		while (*n && *n != *text)
			n += 2;
		if (*n)
			fprintf(to, "\\%c", n[1]);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(to, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, to);
	}
}
