/* limits - see limits.h. */
#include "services/executor/limits.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/money.h"

#define LIST_MAX 1000

static const struct row {
	const char *name;
	int64_t max;
	bool counts;
} rows[LIMITS] = {
	[LIMIT_ORDER_QTY] = {"order_qty_max", INT64_MAX, false},
	[LIMIT_ORDER_NOTIONAL] = {"order_notional_max", INT64_MAX, false},
	[LIMIT_POSITION_QTY] = {"position_qty_max", INT64_MAX, false},
	[LIMIT_POSITION_NOTIONAL] = {"position_notional_max", INT64_MAX, false},
	[LIMIT_GROSS] = {"gross_max", INT64_MAX, false},
	[LIMIT_NET] = {"net_max", INT64_MAX, false},
	[LIMIT_COLLAR] = {"collar_bps", LIMITS_COLLAR_MAX, true},
	[LIMIT_OPEN_ORDERS] = {"open_orders_max", LIMITS_RATE_MAX, true},
	[LIMIT_SECOND] = {"orders_second_max", LIMITS_RATE_MAX, true},
	[LIMIT_MINUTE] = {"orders_minute_max", LIMITS_RATE_MAX, true},
};

const char *limits_name(enum limit limit)
{
	return rows[limit].name;
}

bool limits_counts(enum limit limit)
{
	return rows[limit].counts;
}

bool limits_in_range(const int64_t limit[LIMITS])
{
	bool sound = true;
	for (int i = 0; i < LIMITS; i++)
		sound = sound && limit[i] >= 0 && limit[i] <= rows[i].max;
	return sound;
}

static int find(const char *name, size_t len)
{
	for (int i = 0; i < LIMITS; i++)
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0)
			return i;
	return ERR_NOT_FOUND;
}

static struct limits_scope *scope_of(struct limits_scope *scope, int *n, const char *name)
{
	for (int i = 0; i < *n; i++)
		if (strcmp(scope[i].name, name) == 0)
			return &scope[i];
	if (*n == LIMITS_SCOPES_MAX)
		return NULL;
	struct limits_scope *s = &scope[(*n)++];
	*s = (struct limits_scope){0};
	event_set_name(s->name, name);
	return s;
}

/* One item, cut at its '@' and its '='. NULL, or what is wrong with it. */
static const char *take(char *item, struct limits_scope *scope, int *n)
{
	char *at = strchr(item, '@'), *eq = at ? strchr(at, '=') : NULL;
	int64_t value;
	if (!eq || eq == at + 1)
		return "is not LIMIT@NAME=value";
	int limit = find(item, (size_t)(at - item));
	if (limit < 0)
		return "names no limit";
	*eq = '\0';
	if (strlen(at + 1) >= EVENT_NAME_MAX)
		return "has too long a name";
	int scale = rows[limit].counts ? 0 : CASH_SCALE;
	if (fixed_parse(eq + 1, strlen(eq + 1), scale, &value) != 0 || value < 0 || value > rows[limit].max)
		return "has a value that is out of its range";
	struct limits_scope *s = scope_of(scope, n, at + 1);
	if (!s)
		return "is of one strategy or instrument too many (32)";
	s->limit[limit] = value;
	return NULL;
}

int limits_parse(const char *text, struct limits_scope scope[LIMITS_SCOPES_MAX], char *reason, size_t cap)
{
	char list[LIST_MAX], shown[80], *save = NULL;
	int n = 0;
	snprintf(list, sizeof(list), "%s", text);
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		snprintf(shown, sizeof(shown), "%.79s", item);
		const char *wrong = take(item, scope, &n);
		if (wrong) {
			snprintf(reason, cap, "executor.limits: '%s' %s", shown, wrong);
			return ERR_ARG;
		}
	}
	return n;
}
