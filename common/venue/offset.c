/* offset - how far the machine's clock is from the venue's, by asking the venue for its time. */
#include "common/venue/offset.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/venue/iso_time.h"

#define TIME_MAX (INT64_MAX / OFFSET_MS)
#define DRIFT 10000 /* clocks part by no more than a ten thousandth: twice what a poor quartz does */

struct offset offset_of(const struct offset_sample *s)
{
	int64_t half = (s->received - s->sent) / 2;

	if (half < 0)
		half = 0;
	/* The venue's time is cut down: by half of what it is cut to, on average. */
	return (struct offset){.ns = s->sent + half - (s->venue + s->cut / 2), .known = half + s->cut / 2};
}

int64_t offset_worn(const struct offset *o, int64_t apart)
{
	return o->known + apart / DRIFT;
}

struct offset offset_join(const struct offset *older, const struct offset *newer, int64_t apart)
{
	int64_t worn = offset_worn(older, apart);
	int64_t low = newer->ns - newer->known, high = newer->ns + newer->known;

	if (older->ns - worn > low)
		low = older->ns - worn;
	if (older->ns + worn < high)
		high = older->ns + worn;
	return low > high ? *newer : (struct offset){.ns = low + (high - low) / 2, .known = (high - low) / 2};
}

enum offset_grade offset_grade(const struct offset *o)
{
	int64_t certain = (o->ns < 0 ? -o->ns : o->ns) - o->known;

	return certain >= OFFSET_FAR_NS ? OFFSET_FAR : certain >= OFFSET_WARN_NS ? OFFSET_WARN : OFFSET_GOOD;
}

int offset_read(const char *text, size_t len, const char *key, int64_t *ret_ns)
{
	struct json_str at;
	struct json j;
	int64_t ms = 0;

	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &at))
		if (json_str_is(at, key) && json_peek(&j) == JSON_NUMBER)
			json_i64(&j, &ms);
		else
			json_skip(&j);
	int rc = json_finish(&j);
	if (rc < 0)
		return rc;
	if (ms <= 0 || ms > TIME_MAX)
		return ERR_PROTOCOL;
	*ret_ns = ms * OFFSET_MS;
	return 0;
}

int offset_date(const char *text, int64_t *ret_ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char day[3], month[4], year[5], time[9], iso[24];
	int end = 0;

	if (sscanf(text, "%*3[A-Za-z], %2[0-9] %3[A-Za-z] %4[0-9] %8[0-9:] GMT%n", day, month, year, time, &end) != 4 ||
	    end == 0 || text[end] != '\0')
		return ERR_SYNTAX;
	const char *at = strstr(months, month);
	if (at == NULL || (at - months) % 3 != 0)
		return ERR_SYNTAX;
	int n = snprintf(iso, sizeof(iso), "%s-%02d-%sT%sZ", year, (int)(at - months) / 3 + 1, day, time);
	return iso_time(iso, (size_t)n, ret_ns);
}
