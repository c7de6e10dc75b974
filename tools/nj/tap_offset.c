/* tap_offset - where `nj tap -o` begins and ends, as kcat's users write it. */
#include "tools/nj/tap_offset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/config.h"

enum { TEXT_MAX = 64 };
#define DAY_NS (86400 * NS_PER_S)
#define YEARS_MIN 1970
#define YEARS_MAX 2261 /* the last whole year of int64_t ns */

static const char forms[] = "beginning, end, stored, -N, -5m, @TIME, s@TIME or e@TIME";
static const char times[] = "2026-11-22T12:00:00Z, 2026-11-22, 12:00, seconds since 1970 or -5m";

static int refuse(char *reason, size_t cap, const char *text, const char *expected)
{
	snprintf(reason, cap, "'%.40s' is none of %s", text, expected);
	return ERR_ARG;
}

/* ---- a moment ---- */

/* Exactly n digits; -1 where they are not. */
static int digits(const char **at, int n)
{
	int value = 0;
	for (int i = 0; i < n; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Days from 1970-01-01 of the proleptic Gregorian calendar: years begin in March, so that the day of the leap year is
 * the last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_date(int year, int month, int day)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return year >= YEARS_MIN && year <= YEARS_MAX && month >= 1 && month <= 12 && day >= 1 &&
	       day <= length[month - 1] + (leap && month == 2);
}

/* "12:00", "12:00:00", "12:00:00.5", each perhaps with Z; -1. */
static int64_t parse_clock(const char *at)
{
	int64_t fraction = 0, unit = NS_PER_S;
	int h = digits(&at, 2), m = skip(&at, ':') ? digits(&at, 2) : -1, s = 0;
	if (m >= 0 && skip(&at, ':')) {
		s = digits(&at, 2);
		if (s >= 0 && skip(&at, '.'))
			for (; isdigit((unsigned char)*at) && unit > 1; at++)
				fraction += (*at - '0') * (unit /= 10);
	}
	skip(&at, 'Z');
	if (*at || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59)
		return -1;
	return (h * 3600 + m * 60 + s) * NS_PER_S + fraction;
}

static int64_t parse_date(const char *at)
{
	int year = digits(&at, 4), month = skip(&at, '-') ? digits(&at, 2) : -1;
	int day = month > 0 && skip(&at, '-') ? digits(&at, 2) : -1;
	if (!is_date(year, month, day))
		return -1;
	int64_t of_day = *at == '\0' ? 0 : skip(&at, 'T') || skip(&at, ' ') ? parse_clock(at) : -1;
	return of_day < 0 ? -1 : days_of(year, month, day) * DAY_NS + of_day;
}

/* Seconds, ms, us or ns: by how many digits there are. */
static int64_t parse_number(const char *text, size_t len)
{
	static const struct {
		size_t digits;
		int64_t ns;
	} units[] = {{11, NS_PER_S}, {14, NS_PER_MS}, {17, NS_PER_US}, {19, 1}};
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t value, ns;
		if (len > units[i].digits)
			continue;
		errno = 0;
		value = strtoll(text, NULL, 10);
		return errno || __builtin_mul_overflow(value, units[i].ns, &ns) ? -1 : ns;
	}
	return -1;
}

static bool parse_span(const char *text, int64_t *ret_ns)
{
	char reason[200];
	int64_t ns = 0;
	const struct config_key key = {.name = "time", .kind = CONFIG_DUR, .size = sizeof ns};
	if (config_parse(&key, text, &ns, reason, sizeof reason) != 0)
		return false;
	*ret_ns = ns;
	return true;
}

static int parse_moment(const char *text, int64_t now, struct tap_moment *ret_moment)
{
	size_t len = strlen(text);
	struct tap_moment m = {.at = -1};
	if (text[0] == '-')
		m.back = parse_span(text + 1, &m.at);
	else if (len > 0 && strspn(text, "0123456789") == len)
		m.at = parse_number(text, len);
	else if (len > 4 && text[4] == '-')
		m.at = parse_date(text);
	else if ((m.at = parse_clock(text)) >= 0)
		m.at += now - now % DAY_NS;
	if (m.at < 0)
		return ERR_ARG;
	*ret_moment = m;
	return 0;
}

int64_t tap_moment_at(const struct tap_moment *m, int64_t newest)
{
	return !m->back ? m->at : newest > m->at ? newest - m->at : 0;
}

/* ---- one word of -o ---- */

/* -N or -TIME; a bare number is a count. */
static int parse_back(const char *text, struct tap_offset *o, char *reason, size_t cap)
{
	size_t len = strlen(text);
	if (len > 0 && strspn(text, "0123456789") == len) {
		o->from = TAP_FROM_LAST;
		o->n = len < 8 ? strtoll(text, NULL, 10) : TAP_LAST_MAX + 1;
		if (o->n >= 1 && o->n <= TAP_LAST_MAX)
			return 0;
		snprintf(reason, cap, "-%.20s: from 1 to %d events; for more give a time", text, TAP_LAST_MAX);
		return ERR_ARG;
	}
	o->from = TAP_FROM_TIME;
	o->begin.back = parse_span(text, &o->begin.at);
	return o->begin.back ? 0 : refuse(reason, cap, text - 1, forms);
}

static int parse_word(const char *text, int64_t now, struct tap_offset *o, char *reason, size_t cap)
{
	static const struct {
		const char *name;
		enum tap_from from;
	} names[] = {{"beginning", TAP_FROM_BEGINNING},
		     {"earliest", TAP_FROM_BEGINNING},
		     {"end", TAP_FROM_END},
		     {"latest", TAP_FROM_END},
		     {"stored", TAP_FROM_STORED}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i].name) == 0) {
			o->from = names[i].from;
			return 0;
		}
	if (text[0] == '-')
		return parse_back(text + 1, o, reason, cap);
	if (strncmp(text, "e@", 2) == 0) {
		o->has_end = true;
		return parse_moment(text + 2, now, &o->end) ? refuse(reason, cap, text + 2, times) : 0;
	}
	const char *when = text[0] == '@' ? text + 1 : strncmp(text, "s@", 2) == 0 ? text + 2 : NULL;
	if (!when)
		return refuse(reason, cap, text, forms);
	o->from = TAP_FROM_TIME;
	return parse_moment(when, now, &o->begin) ? refuse(reason, cap, when, times) : 0;
}

static int parse_text(const char *text, int64_t now, struct tap_offset *o, char *reason, size_t cap)
{
	char word[TEXT_MAX];
	while (*text) {
		size_t len = strcspn(text, ",");
		if (len >= sizeof word)
			return refuse(reason, cap, text, forms);
		memcpy(word, text, len);
		word[len] = '\0';
		int rc = parse_word(word, now, o, reason, cap);
		if (rc)
			return rc;
		text += len + (text[len] == ',');
	}
	return 0;
}

int tap_offset_parse(const struct cli_list *texts, int64_t now, struct tap_offset *ret_offset, char *reason, size_t cap)
{
	struct tap_offset o = {.from = TAP_FROM_END};
	for (size_t i = 0; i < texts->n; i++) {
		int rc = parse_text(texts->at[i], now, &o, reason, cap);
		if (rc)
			return rc;
	}
	/* An end alone asks for what was before it. */
	if (o.has_end && o.from == TAP_FROM_LAST) {
		snprintf(reason, cap, "-N and e@TIME exclude each other");
		return ERR_ARG;
	}
	if (o.has_end && o.from == TAP_FROM_END)
		o.from = TAP_FROM_BEGINNING;
	if (o.has_end && o.from == TAP_FROM_TIME && o.begin.back == o.end.back &&
	    (o.end.back ? o.begin.at <= o.end.at : o.begin.at >= o.end.at)) {
		snprintf(reason, cap, "the end is not after the beginning");
		return ERR_ARG;
	}
	*ret_offset = o;
	return 0;
}
