/* latency - see latency.h. */
#include "services/executor/latency.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/hash.h"
#include "common/io/config.h"

#define PER_CENT_SCALE 4 /* decimals of a percentage: LATENCY_WHOLE is 100 of them */

static const char *const names[] = {"fixed", "drawn", "measured"};

const char *latency_name(enum latency_model model)
{
	return model < LATENCY_MODELS ? names[model] : "";
}

enum latency_model latency_find(const char *name)
{
	unsigned i = 0;
	while (i < LATENCY_MODELS && strcmp(names[i], name) != 0)
		i++;
	return (enum latency_model)i;
}

/* "99.9%=200ms" */
static int parse_point(char *text, struct latency_point *ret_point)
{
	static const struct config_key duration = {
		.name = "delay", .kind = CONFIG_DUR, .min = 0, .max = LATENCY_MAX};
	char why[80], *eq = strstr(text, "%=");
	int64_t share;
	if (!eq || fixed_parse(text, (size_t)(eq - text), PER_CENT_SCALE, &share) != 0 || share <= 0 ||
	    share > LATENCY_WHOLE)
		return ERR_ARG;
	ret_point->share = (uint32_t)share;
	return config_parse(&duration, eq + 2, &ret_point->delay, why, sizeof(why)) == 0 ? 0 : ERR_ARG;
}

int latency_curve_check(const struct latency_curve *c, int64_t min)
{
	struct latency_point last = {0, min};
	if (c->n > LATENCY_POINTS_MAX)
		return ERR_RANGE;
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->at[i].share <= last.share || c->at[i].delay < last.delay || c->at[i].delay > LATENCY_MAX)
			return ERR_RANGE;
		last = c->at[i];
	}
	return c->n == 0 || last.share == LATENCY_WHOLE ? 0 : ERR_RANGE;
}

int latency_parse(const char *text, struct latency_curve *ret_curve, char *reason, size_t cap)
{
	struct latency_curve c = {.n = 0};
	char list[LATENCY_TEXT_MAX], shown[40], *save = NULL;
	snprintf(list, sizeof(list), "%s", text);
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		snprintf(shown, sizeof(shown), "%s", item);
		if (c.n == LATENCY_POINTS_MAX || parse_point(item, &c.at[c.n]) != 0) {
			snprintf(reason, cap, "'%s' is not SHARE%%=TIME (90%%=80ms), at most %d of them", shown,
				 LATENCY_POINTS_MAX);
			return ERR_ARG;
		}
		c.n++;
	}
	if (latency_curve_check(&c, 0) != 0) {
		snprintf(reason, cap, "'%s' must ascend, in shares and times, and end with 100%%", text);
		return ERR_ARG;
	}
	*ret_curve = c;
	return 0;
}

size_t latency_time(int64_t ns, char *out, size_t cap)
{
	bool seconds = ns >= 1000000000;
	char text[FIXED_TEXT_MAX];
	fixed_format_trim(text, sizeof(text), ns, seconds ? 9 : 6);
	return (size_t)snprintf(out, cap, "%s%s", text, seconds ? "s" : "ms");
}

size_t latency_format(const struct latency_curve *c, char *out, size_t cap)
{
	char share[FIXED_TEXT_MAX], time[FIXED_TEXT_MAX + 2];
	size_t n = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < c->n && n < cap; i++) {
		fixed_format_trim(share, sizeof(share), c->at[i].share, PER_CENT_SCALE);
		latency_time(c->at[i].delay, time, sizeof(time));
		n += (size_t)snprintf(out + n, cap - n, "%s%s%%=%s", i ? " " : "", share, time);
	}
	return n < cap ? n : cap - 1;
}

/* hash_mix is a bijection that keeps 0: the golden ratio's bits come first (splitmix64's own increment). */
uint64_t latency_key(uint64_t key, uint64_t more)
{
	return hash_mix((key ^ hash_mix(more + 0x9e3779b97f4a7c15u)) + 0x9e3779b97f4a7c15u);
}

uint64_t latency_key_text(uint64_t key, const char *text)
{
	for (; *text; text++)
		key = latency_key(key, (uint8_t)*text);
	return latency_key(key, 0);
}

int64_t latency_draw(const struct latency_curve *c, int64_t min, uint64_t key)
{
	struct latency_point lo = {0, min};
	uint64_t at = (key >> 32) * LATENCY_WHOLE; /* share, with 32 bits behind the point */
	uint32_t i = 0;
	if (c->n == 0)
		return min;
	while (i + 1 < c->n && at >= (uint64_t)c->at[i].share << 32)
		lo = c->at[i++];
	const struct latency_point *hi = &c->at[i];
	int64_t from = lo.delay > min ? lo.delay : min, to = hi->delay > min ? hi->delay : min;
	fixed_wide above = (fixed_wide)(at - ((uint64_t)lo.share << 32));
	fixed_wide width = (fixed_wide)(hi->share - lo.share) << 32;
	return from + (int64_t)((to - from) * above / width);
}
