/* params - see params.h. */
#include "services/strategy/params.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/nearest.h"

const struct strategy_param *params_find(const struct strategy *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_params; i++)
		if (strcmp(s->params[i].name, name) == 0)
			return &s->params[i];
	return NULL;
}

/* Index of a word in a list separated by single spaces, or ERR_UNKNOWN. */
static int choice_of(const char *choices, const char *word)
{
	size_t len = strlen(word);
	int i = 0;
	for (const char *at = choices; *at; i++) {
		size_t n = strcspn(at, " ");
		if (n == len && memcmp(at, word, n) == 0)
			return i;
		at += n + (at[n] == ' ');
	}
	return ERR_UNKNOWN;
}

static int set_name(char *field, const char *value)
{
	if (strlen(value) >= EVENT_NAME_MAX)
		return ERR_TOO_LONG;
	event_set_name(field, value);
	return 0;
}

static int set_number(const struct strategy_param *p, int64_t *field, const char *value)
{
	int scale = p->kind == PARAM_QTY ? STRATEGY_QTY_SCALE : 0;
	int64_t number;
	int rc = fixed_parse(value, strlen(value), scale, &number);
	if (rc != 0)
		return rc;
	if (number < p->min || number > p->max)
		return ERR_RANGE;
	*field = number;
	return 0;
}

static int set(const struct strategy_param *p, void *params, const char *value)
{
	void *field = (char *)params + p->offset;
	if (p->kind == PARAM_NAME)
		return set_name(field, value);
	if (p->kind != PARAM_CHOICE)
		return set_number(p, field, value);
	int choice = choice_of(p->choices, value);
	if (choice < 0)
		return choice;
	*(int64_t *)field = choice;
	return 0;
}

void params_defaults(const struct strategy *s, void *params)
{
	memset(params, 0, s->params_size);
	for (uint32_t i = 0; i < s->n_params; i++)
		must(set(&s->params[i], params, s->params[i].value) == 0);
}

int params_set(const struct strategy *s, void *params, const char *name, const char *value)
{
	const struct strategy_param *p = params_find(s, name);
	return p ? set(p, params, value) : ERR_NOT_FOUND;
}

static void explain_name(const struct strategy *s, const char *name, char *out, size_t cap)
{
	struct nearest n;
	size_t used = (size_t)snprintf(out, cap, "there is no parameter %s", name);
	nearest_init(&n, name);
	for (uint32_t i = 0; i < s->n_params; i++)
		nearest_offer(&n, s->params[i].name);
	if (nearest_get(&n)) {
		snprintf(out + used, used < cap ? cap - used : 0, " (did you mean %s?)", nearest_get(&n));
		return;
	}
	for (uint32_t i = 0; i < s->n_params && used < cap; i++)
		used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? ", " : "; there are ",
					 s->params[i].name);
}

void params_explain(const struct strategy *s, const char *name, const char *value, char *out, size_t cap)
{
	const struct strategy_param *p = params_find(s, name);
	char min[FIXED_TEXT_MAX], max[FIXED_TEXT_MAX];
	if (!p) {
		explain_name(s, name, out, cap);
	} else if (p->kind == PARAM_NAME) {
		snprintf(out, cap, "%s: \"%s\" is longer than %d bytes", name, value, EVENT_NAME_MAX - 1);
	} else if (p->kind == PARAM_CHOICE) {
		snprintf(out, cap, "%s: \"%s\" is none of: %s", name, value, p->choices);
	} else {
		int scale = p->kind == PARAM_QTY ? STRATEGY_QTY_SCALE : 0;
		fixed_format(min, sizeof min, p->min, scale);
		fixed_format(max, sizeof max, p->max, scale);
		snprintf(out, cap, "%s: \"%s\" is no %s number from %s to %s", name, value,
			 scale ? "decimal" : "whole", min, max);
	}
}
