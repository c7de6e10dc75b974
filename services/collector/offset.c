/* offset - how far the machine's clock is from the venue's, by asking the venue for its time. */
#include "services/collector/offset.h"

#include "common/base/err.h"
#include "common/base/json.h"

#define MS INT64_C(1000000)
#define TIME_MAX (INT64_MAX / MS)

struct offset offset_of(const struct offset_sample *s)
{
	int64_t half = (s->received - s->sent) / 2;

	if (half < 0)
		half = 0;
	/* The venue's time is cut to ms: half of one on average. */
	return (struct offset){.ns = s->sent + half - (s->venue + MS / 2), .known = half + MS / 2};
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
	*ret_ns = ms * MS;
	return 0;
}
