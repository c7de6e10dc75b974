/* assumed - see assumed.h. */
#include "tools/nj/assumed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct assumed_row *put(struct assumed *a, const struct ev_assumption *e)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->row[i].is.account, e->account) == 0 && strcmp(a->row[i].is.about, e->about) == 0)
			return &a->row[i];
	if (a->n == ASSUMED_MAX) {
		a->left_out++;
		return NULL;
	}
	a->several = a->several || (a->n > 0 && strcmp(a->row[0].is.account, e->account) != 0);
	a->row[a->n] = (struct assumed_row){.is = *e};
	return &a->row[a->n++];
}

void assumed_on_event(struct assumed *a, const struct event *ev)
{
	const struct ev_assumption *e = &ev->assumption;
	struct assumed_row *r = ev->id == EVENT_assumption ? put(a, e) : NULL;
	if (!r)
		return;
	r->changes += strcmp(r->is.value, e->value) != 0 || strcmp(r->is.text, e->text) != 0;
	r->is = *e;
}

/* Every account has a row about it, and all say the same. */
static bool is_everybodys(const struct assumed *a, const struct assumed_row *r)
{
	uint32_t about = 0, accounts = 0;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct assumed_row *o = &a->row[i];
		accounts += strcmp(o->is.about, a->row[0].is.about) == 0; /* each account says the first once */
		if (strcmp(o->is.about, r->is.about) != 0)
			continue;
		about++;
		if (strcmp(o->is.value, r->is.value) != 0 || strcmp(o->is.text, r->is.text) != 0 ||
		    o->changes != r->changes)
			return false;
	}
	return about == accounts;
}

bool assumed_repeats(const struct assumed *a, uint32_t i)
{
	const struct assumed_row *r = &a->row[i];
	uint32_t k = 0;
	while (k < i && strcmp(a->row[k].is.about, r->is.about) != 0)
		k++;
	return k < i && is_everybodys(a, r);
}

void assumed_name(const struct assumed *a, uint32_t i, char out[ASSUMED_NAME_MAX])
{
	const struct ev_assumption *e = &a->row[i].is;
	if (a->several && !is_everybodys(a, &a->row[i]))
		snprintf(out, ASSUMED_NAME_MAX, "%s (%s)", e->about, e->account);
	else
		snprintf(out, ASSUMED_NAME_MAX, "%s", e->about);
}

void assumed_value(const struct assumed *a, uint32_t i, char out[ASSUMED_VALUE_MAX])
{
	const struct assumed_row *r = &a->row[i];
	int n = snprintf(out, ASSUMED_VALUE_MAX, "%s", r->is.value);
	if (r->changes > 0)
		snprintf(out + n, ASSUMED_VALUE_MAX - (size_t)n, " (changed %" PRIu64 " time%s)", r->changes,
			 r->changes == 1 ? "" : "s");
}
