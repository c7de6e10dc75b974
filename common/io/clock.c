/* clock - wall and monotonic time, real or simulated; the only file that asks the kernel for the
 * time. */
#include "common/io/clock.h"

#include <stddef.h>
#include <time.h>

#include "common/base/check.h"

#define DAY_S INT64_C(86400)

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	must(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t real_wall(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

static int64_t real_mono(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_boot(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_BOOTTIME);
}

const struct clock *clock_real(void)
{
	static const struct clock real = {.wall = real_wall, .mono = real_mono, .boot = real_boot};
	return &real;
}

/* The monotonic clock is read last: what passes between the readings makes it less, never more. */
int64_t clock_slept(const struct clock *c)
{
	if (c->boot == NULL)
		return 0;
	int64_t boot = c->boot(c);
	int64_t slept = boot - c->mono(c);
	return slept > 0 ? slept : 0;
}

/* The clock is the first member of its simulation, so that the pointers convert. */
static int64_t sim_wall(const struct clock *c)
{
	return ((const struct clock_sim *)(const void *)c)->wall_ns;
}

static int64_t sim_mono(const struct clock *c)
{
	return ((const struct clock_sim *)(const void *)c)->mono_ns;
}

static int64_t sim_boot(const struct clock *c)
{
	const struct clock_sim *sim = (const struct clock_sim *)(const void *)c;
	return sim->mono_ns + sim->slept_ns;
}

void clock_sim_init(struct clock_sim *c, int64_t wall_ns)
{
	*c = (struct clock_sim){
		.clock = {.wall = sim_wall, .mono = sim_mono, .boot = sim_boot},
		.wall_ns = wall_ns,
	};
}

void clock_sim_advance(struct clock_sim *c, int64_t by_ns)
{
	must(by_ns >= 0);
	c->wall_ns += by_ns;
	c->mono_ns += by_ns;
}

void clock_sim_sleep(struct clock_sim *c, int64_t by_ns)
{
	must(by_ns >= 0);
	c->wall_ns += by_ns;
	c->slept_ns += by_ns;
}

int64_t event_clock_now(struct event_clock *e, const struct clock *c)
{
	int64_t wall = clock_wall(c), mono = clock_mono(c);
	int64_t half = e->at ? (mono - e->mono) / 2 : 0;
	if (wall > e->at + half) {
		e->at = wall;
		e->mono = mono;
	} else {
		e->at += half;
		e->mono += 2 * half; /* the odd nanosecond gathers */
	}
	return e->at;
}

void event_clock_resume(struct event_clock *e, const struct clock *c, int64_t at)
{
	if (at <= e->at)
		return;
	e->at = at;
	e->mono = clock_mono(c);
}

int64_t event_clock_ahead(const struct event_clock *e, const struct clock *c)
{
	return e->at - clock_wall(c);
}

/* Days since 1970 to a date of the proleptic Gregorian calendar (Hinnant, civil_from_days). Exact
 * for every int64 of nanoseconds (years 1677 to 2262), without the C library's time zone machinery.
 */
static void date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_mday)
{
	int64_t z = day + 719468; /* days since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* month from March */
	*ret_mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = (int)(yoe + era * 400 + (mp >= 10));
}

/* Writes `width` digits of a number that has no more. */
static char *put_digits(char *at, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + width;
}

char *clock_rfc3339(int64_t wall_ns, char out[32])
{
	int64_t s = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
	if (ns < 0) {
		s--;
		ns += NS_PER_S;
	}
	int64_t day = s / DAY_S, in_day = s % DAY_S;
	if (in_day < 0) {
		day--;
		in_day += DAY_S;
	}
	int year, month, mday;
	date_of_day(day, &year, &month, &mday);
	const struct { int64_t value; int width; char after; } part[] = {
		{year, 4, '-'}, {month, 2, '-'}, {mday, 2, 'T'}, {in_day / 3600, 2, ':'},
		{in_day / 60 % 60, 2, ':'}, {in_day % 60, 2, '.'}, {ns, 9, 'Z'},
	};
	char *at = out;
	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		at = put_digits(at, part[i].value, part[i].width);
		*at++ = part[i].after;
	}
	*at = '\0';
	return out;
}
