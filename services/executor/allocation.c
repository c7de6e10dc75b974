/* allocation - see allocation.h. */
#include "services/executor/allocation.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"
#include "services/executor/share.h"

#define RETURN_MOST (1000 * SHARE_ALL) /* a return beyond that says no more */

/* ---- settings ---- */

static bool parse_share(const char *text, size_t len, int64_t *ret_share)
{
	return fixed_parse(text, len, SHARE_SCALE, ret_share) == 0 && *ret_share >= 0 && *ret_share <= SHARE_ALL;
}

/* NULL, or what is wrong with it. */
static const char *take(char *item, struct allocation_settings *s)
{
	struct allocation_row row = {.most = SHARE_ALL};
	char *eq = strchr(item, '='), *dots = eq ? strstr(eq, "..") : NULL;
	bool sound = true;
	if (dots)
		sound = parse_share(eq + 1, (size_t)(dots - eq - 1), &row.least) &&
			parse_share(dots + 2, strlen(dots + 2), &row.most) && row.least <= row.most;
	else if (eq) {
		sound = parse_share(eq + 1, strlen(eq + 1), &row.least);
		row.most = row.least;
	}
	if (!sound)
		return "has no share, or bounds, from 0 to 1";
	if (eq)
		*eq = '\0';
	if (item[0] == '\0' || strlen(item) >= EVENT_NAME_MAX)
		return "is not STRATEGY=share or STRATEGY=least..most";
	if (s->method == allocation_method_fixed && row.least != row.most)
		return "needs one share (executor.allocation is fixed)";
	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->row[i].strategy, item) == 0)
			return "is there twice";
	if (s->n == ALLOCATION_MAX)
		return "is one strategy too many (32)";
	event_set_name(row.strategy, item);
	s->row[s->n++] = row;
	return NULL;
}

int allocation_parse(struct allocation_settings *s, const char *text, char *reason, size_t cap)
{
	char list[ALLOCATION_TEXT_MAX], shown[80], *save = NULL;
	snprintf(list, sizeof(list), "%s", text);
	s->n = 0;
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		snprintf(shown, sizeof(shown), "%.79s", item);
		const char *wrong = take(item, s);
		if (wrong) {
			snprintf(reason, cap, "executor.allocations: '%s' %s", shown, wrong);
			return ERR_ARG;
		}
	}
	if (s->method == 0 || allocation_in_range(s))
		return 0;
	snprintf(reason, cap, "executor.allocations: %s",
		 s->n == 0 ? "no strategy is named; executor.allocation gives nobody a budget then"
			   : "the least shares add up to more than 1");
	return ERR_ARG;
}

bool allocation_in_range(const struct allocation_settings *s)
{
	int64_t sum = 0;
	bool sound = s->n <= ALLOCATION_MAX && s->method <= allocation_method_performance;
	if (s->method == 0)
		return sound;
	sound = sound && s->n > 0 && s->every_ns > 0 && s->window >= 2 && s->window <= ALLOCATION_WINDOW_MAX &&
		s->leverage >= 1;
	for (uint32_t i = 0; sound && i < s->n; i++) {
		const struct allocation_row *r = &s->row[i];
		sound = r->strategy[0] && r->least >= 0 && r->least <= r->most && r->most <= SHARE_ALL;
		sum += r->least;
	}
	return sound && sum <= SHARE_ALL;
}

static int find(const struct executor *x, const char *strategy)
{
	const struct allocation_settings *s = &x->settings.allocation;
	for (uint32_t i = 0; i < s->n && s->method != 0; i++)
		if (strcmp(s->row[i].strategy, strategy) == 0)
			return (int)i;
	return ERR_NOT_FOUND;
}

/* ---- results ---- */

void allocation_on_cash(struct executor *x, const char *strategy, const struct market *m, int64_t amount)
{
	int i = find(x, strategy);
	if (i < 0 || m->quote == MARKET_NO_QUOTE)
		return;
	int64_t *flow = &x->allocation.of[i].flow[m->quote];
	*flow = exposure_add(*flow, amount);
}

static bool add_value(const struct executor *x, uint8_t slot, int64_t amount, int64_t now, int64_t *sum)
{
	int64_t value;
	bool known = amount == 0 || (quotes_value(x, slot, amount, &value) && quotes_fresh(x, slot, now));
	if (amount != 0 && known)
		*sum = exposure_add(*sum, value);
	return known;
}

/* What the strategy has gained since ever, in the account's asset. False: not all of it can be marked now. */
static bool result_of(const struct executor *x, uint32_t i, int64_t now, int64_t *ret_result)
{
	const char *strategy = x->settings.allocation.row[i].strategy;
	bool known = true;
	*ret_result = 0;
	for (uint8_t slot = 0; slot < x->quotes.n; slot++)
		known = add_value(x, slot, x->allocation.of[i].flow[slot], now, ret_result) && known;
	for (uint32_t k = 0; k < x->holdings.n; k++) {
		const struct holding *h = &x->holdings.at[k];
		const struct market *m = h->market;
		if (strcmp(h->strategy, strategy) != 0)
			continue;
		int64_t value = mark_value(h->qty, CASH_SCALE, mark_stated(x, m, h->qty < 0));
		known = known && mark_stands(x, m, now);
		known = add_value(x, m->quote, value, now, ret_result) && known;
	}
	return known;
}

static void push(struct allocated *a, int64_t value, int64_t window)
{
	while (a->n > 0 && a->n >= (uint32_t)window) {
		a->n--;
		memmove(a->at, a->at + 1, a->n * sizeof(a->at[0]));
	}
	a->at[a->n++] = value;
}

static int64_t return_on(int64_t gained, int64_t budget)
{
	fixed_wide value = (fixed_wide)gained * SHARE_ALL / budget;
	return value > RETURN_MOST ? RETURN_MOST : value < -RETURN_MOST ? -RETURN_MOST : (int64_t)value;
}

/* ---- budgets ---- */

static void report(const struct step *s, uint32_t i, bool sampled)
{
	struct executor *x = s->x;
	const struct allocated *a = &x->allocation.of[i];
	struct event ev = report_begin(s, EVENT_allocation, NULL);
	event_set_name(ev.allocation.account, x->account.name);
	event_set_name(ev.allocation.strategy, x->settings.allocation.row[i].strategy);
	event_set_name(ev.allocation.asset, x->settings.quote);
	ev.allocation.method = x->settings.allocation.method;
	ev.allocation.cash_scale = CASH_SCALE;
	ev.allocation.share = a->share;
	ev.allocation.budget = a->budget;
	ev.allocation.result = a->result;
	ev.allocation.sampled = sampled;
	ev.allocation.gain = sampled ? a->at[a->n - 1] : 0;
	sink_emit(s->out, &ev);
}

static void divide(struct executor *x)
{
	const struct allocation_settings *set = &x->settings.allocation;
	struct share share[ALLOCATION_MAX];
	for (uint32_t i = 0; i < set->n; i++)
		share[i] = (struct share){.least = set->row[i].least, .most = set->row[i].most, .weight = 1};
	if (set->method != allocation_method_fixed)
		share_weigh(share, x->allocation.of, set->n, (enum allocation_method)set->method);
	share_bound(share, set->n);
	for (uint32_t i = 0; i < set->n; i++)
		x->allocation.of[i].share = share[i].share;
}

static int64_t budget_of(int64_t worth, int64_t share, int64_t leverage)
{
	fixed_wide budget = (fixed_wide)worth * share / SHARE_ALL * leverage;
	return budget > INT64_MAX ? INT64_MAX : (int64_t)budget;
}

/* Where the worth cannot be told, returns are noted and the budgets stay. */
static void set_budgets(const struct step *s)
{
	struct executor *x = s->x;
	const struct allocation_settings *set = &x->settings.allocation;
	int64_t worth, result;
	bool sampled[ALLOCATION_MAX] = {false};
	for (uint32_t i = 0; i < set->n; i++) {
		struct allocated *a = &x->allocation.of[i];
		if (!result_of(x, i, s->now, &result))
			continue;
		sampled[i] = x->allocation.set && a->budget > 0;
		if (sampled[i])
			push(a, return_on(exposure_add(result, -a->result), a->budget), set->window);
		a->result = result;
	}
	if (equity_worth(x, s->now, &worth)) {
		divide(x);
		x->allocation.set = true;
		for (uint32_t i = 0; i < set->n; i++) {
			struct allocated *a = &x->allocation.of[i];
			a->budget = budget_of(worth > 0 ? worth : 0, a->share, set->leverage);
		}
	}
	for (uint32_t i = 0; i < set->n && x->allocation.set; i++)
		report(s, i, sampled[i]);
}

void allocation_open(const struct step *s)
{
	int64_t worth;
	if (s->x->settings.allocation.method != 0 && !s->x->allocation.set && equity_worth(s->x, s->now, &worth))
		set_budgets(s);
}

void allocation_arm(struct executor *x, int64_t now)
{
	int64_t every = x->settings.allocation.every_ns;
	if (x->settings.allocation.method != 0 && x->allocation.due == CORE_NEVER && now >= 0)
		x->allocation.due = now - now % every + every;
}

void allocation_on_timer(const struct step *s)
{
	s->x->allocation.due = CORE_NEVER;
	set_budgets(s);
}

bool allocation_of(const struct executor *x, const char *strategy, int64_t *ret_budget, int64_t *ret_share)
{
	int i = find(x, strategy);
	*ret_budget = *ret_share = 0;
	if (i >= 0 && x->allocation.set) {
		*ret_budget = x->allocation.of[i].budget;
		*ret_share = x->allocation.of[i].share;
	}
	return x->settings.allocation.method != 0;
}

/* ---- state ---- */

void allocation_recall(struct executor *x, const struct ev_allocation *e)
{
	int i = find(x, e->strategy);
	if (i < 0)
		return;
	struct allocated *a = &x->allocation.of[i];
	x->allocation.set = true;
	a->share = e->share;
	a->budget = e->budget;
	a->result = e->result;
	if (e->sampled)
		push(a, e->gain, x->settings.allocation.window);
}

/* Flows with the names of what they are of: slots may be others by then. */
static void save_one(const struct executor *x, uint32_t i, struct packer *p)
{
	const struct allocated *a = &x->allocation.of[i];
	pack_str(p, x->settings.allocation.row[i].strategy);
	pack_i64(p, a->result);
	pack_i64(p, a->share);
	pack_i64(p, a->budget);
	pack_array(p, a->n);
	for (uint32_t k = 0; k < a->n; k++)
		pack_i64(p, a->at[k]);
	pack_array(p, 2 * x->quotes.n);
	for (uint32_t k = 0; k < x->quotes.n; k++) {
		pack_str(p, x->quotes.at[k].asset);
		pack_i64(p, a->flow[k]);
	}
}

void allocation_save(const struct executor *x, struct packer *p)
{
	uint32_t n = x->settings.allocation.method != 0 ? x->settings.allocation.n : 0;
	pack_i64(p, x->allocation.due);
	pack_bool(p, x->allocation.set);
	pack_u64(p, n);
	for (uint32_t i = 0; i < n; i++)
		save_one(x, i, p);
}

static int load_returns(struct allocated *a, struct unpacker *u, int64_t window)
{
	uint32_t n = unpack_array(u);
	if (u->err || n > ALLOCATION_WINDOW_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	a->n = 0;
	for (uint32_t k = 0; k < n && !u->err; k++)
		push(a, unpack_i64(u), window);
	return u->err;
}

static int load_flows(const struct executor *x, struct allocated *a, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 2 != 0 || n / 2 > QUOTES_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t k = 0; k < n / 2 && !u->err; k++) {
		char asset[EVENT_NAME_MAX];
		unpack_str(u, asset, sizeof(asset));
		int64_t flow = unpack_i64(u);
		for (uint32_t slot = 0; slot < x->quotes.n; slot++)
			if (strcmp(x->quotes.at[slot].asset, asset) == 0)
				a->flow[slot] = flow;
	}
	return u->err;
}

/* The settings may name other strategies than they did. */
int allocation_load(struct executor *x, struct unpacker *u)
{
	x->allocation.due = unpack_i64(u);
	x->allocation.set = unpack_bool(u);
	uint64_t n = unpack_u64(u);
	int rc = u->err ? u->err : n > ALLOCATION_MAX ? ERR_CORRUPT : 0;
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		struct allocated one = {.n = 0};
		char name[EVENT_NAME_MAX];
		unpack_str(u, name, sizeof(name));
		one.result = unpack_i64(u);
		one.share = unpack_i64(u);
		one.budget = unpack_i64(u);
		rc = load_returns(&one, u, ALLOCATION_WINDOW_MAX);
		if (rc == 0)
			rc = load_flows(x, &one, u);
		int at = rc == 0 ? find(x, name) : ERR_NOT_FOUND;
		while (at >= 0 && one.n > (uint32_t)x->settings.allocation.window)
			memmove(one.at, one.at + 1, --one.n * sizeof(one.at[0]));
		if (at >= 0)
			x->allocation.of[at] = one;
	}
	return rc;
}
