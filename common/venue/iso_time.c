/* iso_time - dates and times in ISO 8601's writing; the calendar is counted by Howard Hinnant's days_from_civil. */
#include "common/venue/iso_time.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define SECOND 1000000000LL
#define DAY 86400

struct reader {
	const char *at, *end;
	bool bad;
};

static bool next_is(struct reader *r, const char *any)
{
	for (; r->at < r->end && *any != '\0'; any++)
		if (*r->at == *any) {
			r->at++;
			return true;
		}
	return false;
}

/* Exactly n digits. */
static int number(struct reader *r, int n)
{
	int value = 0;

	for (; n > 0; n--) {
		if (r->at == r->end || *r->at < '0' || *r->at > '9') {
			r->bad = true;
			return 0;
		}
		value = value * 10 + (*r->at++ - '0');
	}
	return value;
}

static void demand(struct reader *r, bool condition)
{
	r->bad = r->bad || !condition;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01; years begin in March, so that a leap day is the last of its year. */
static int64_t days_from_civil(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1, era = y / 400, of_era = y - era * 400;
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t read_date(struct reader *r)
{
	int year = number(r, 4);
	demand(r, next_is(r, "-"));
	int month = number(r, 2);
	demand(r, next_is(r, "-"));
	int day = number(r, 2);

	demand(r, month >= 1 && month <= 12);
	demand(r, !r->bad && day >= 1 && day <= days_in(year, month));
	return r->bad ? 0 : days_from_civil(year, month, day);
}

/* Behind "HH:MM:SS": nanoseconds. */
static int64_t read_fraction(struct reader *r)
{
	int64_t unit = SECOND, value = 0;

	if (!next_is(r, "."))
		return 0;
	demand(r, r->at < r->end && *r->at >= '0' && *r->at <= '9');
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		unit /= 10;
		value += unit * (*r->at - '0');
	}
	return value;
}

/* "Z", "+02", "+0230", "-02:30" or nothing: seconds east of UTC. */
static int64_t read_zone(struct reader *r)
{
	if (r->at == r->end || next_is(r, "Zz"))
		return 0;
	int sign = *r->at == '-' ? -1 : 1;
	demand(r, next_is(r, "+-"));
	int hours = number(r, 2), minutes = 0;
	if (r->at < r->end) {
		(void)next_is(r, ":");
		minutes = number(r, 2);
	}
	demand(r, hours <= 23 && minutes <= 59);
	return sign * (hours * 3600 + minutes * 60);
}

int iso_time(const char *text, size_t len, int64_t *ret_ns)
{
	struct reader r = {text, text + len, false};
	int64_t seconds = read_date(&r) * DAY, fraction = 0;

	if (!r.bad && r.at < r.end) {
		demand(&r, next_is(&r, "Tt "));
		int hour = number(&r, 2);
		demand(&r, next_is(&r, ":"));
		int minute = number(&r, 2);
		demand(&r, next_is(&r, ":"));
		int second = number(&r, 2);
		demand(&r, hour <= 23 && minute <= 59 && second <= 60); /* a leap second is the next day's first */
		fraction = read_fraction(&r);
		seconds += hour * 3600 + minute * 60 + second - read_zone(&r);
	}
	if (r.bad || r.at != r.end)
		return ERR_SYNTAX;
	if (seconds < 0 || seconds > INT64_MAX / SECOND - 1)
		return ERR_RANGE;
	*ret_ns = seconds * SECOND + fraction;
	return 0;
}

void iso_time_text(int64_t ns, char out[21])
{
	must(ns >= 0);
	int64_t days = ns / SECOND / DAY, left = ns / SECOND % DAY;
	int year = 1970, month = 1;

	for (; days >= 365 + is_leap(year); year++)
		days -= 365 + is_leap(year);
	for (; days >= days_in(year, month); month++)
		days -= days_in(year, month);
	char whole[64];
	snprintf(whole, sizeof(whole), "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, (int)days + 1, (int)(left / 3600),
		 (int)(left / 60 % 60), (int)(left % 60));
	for (int i = 0; i < 21; i++)
		out[i] = i < 20 ? whole[i] : '\0';
}
