/* house - see house.h. */
#include "services/executor/house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

#define SAVE_SEVERAL 1000 /* in place of an account's SAVE_VERSION, which stays far below */
#define STATE_MAX ((size_t)1 << 30)

struct house {
	struct executor *at[HOUSE_MAX]; /* owned */
	uint32_t n;
	uint64_t strangers; /* records of our journal of accounts that are not here */
	struct executor_counters sum; /* house_counters */
};

static bool is_twice(const struct executor_settings *s, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(s[k].account, s[i].account) == 0)
			return true;
	return false;
}

int house_new(const struct executor_settings *s, uint32_t n, struct house **ret_house)
{
	if (n == 0 || n > HOUSE_MAX)
		return ERR_RANGE;
	struct house *h = calloc(1, sizeof(*h));
	int rc = h ? 0 : ERR_NOMEM;
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		rc = is_twice(s, i) ? ERR_RANGE : executor_new(&s[i], &h->at[i]);
		h->n += rc == 0;
	}
	if (rc != 0)
		house_free(h);
	else
		*ret_house = h;
	return rc;
}

void house_free(struct house *h)
{
	for (uint32_t i = 0; h && i < h->n; i++)
		executor_free(h->at[i]);
	free(h);
}

uint32_t house_count(const struct house *h)
{
	return h->n;
}

struct executor *house_at(struct house *h, uint32_t i)
{
	return h->at[i];
}

static struct executor *find(const struct house *h, const char *account)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (strcmp(h->at[i]->settings.account, account) == 0)
			return h->at[i];
	return NULL;
}

/* ---- inputs ---- */

/* One who lost the kill switch's record would be killed whole by a restart: so it is whole from the beginning. */
static bool is_of_the_kill_switch(const struct house *h, const struct event *ev)
{
	bool verb = ev->id == EVENT_command && (ev->command.verb == verb_kill || ev->command.verb == verb_unkill);
	return verb && find(h, ev->command.target);
}

/* The event as the accounts are to see it. */
static const struct event *as_meant(const struct house *h, const struct event *ev, struct event *scratch)
{
	if (h->n == 1 || !is_of_the_kill_switch(h, ev))
		return ev;
	*scratch = *ev;
	scratch->command.target[0] = '\0';
	return scratch;
}

static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	struct house *h = core;
	struct event scratch;
	ev = as_meant(h, ev, &scratch);
	for (uint32_t i = 0; i < h->n; i++)
		executor_core.on_event(h->at[i], now, ev, out);
}

static int64_t next_due(const void *core)
{
	const struct house *h = core;
	int64_t first = CORE_NEVER;
	for (uint32_t i = 0; i < h->n; i++) {
		int64_t due = executor_core.next_due(h->at[i]);
		first = due < first ? due : first;
	}
	return first;
}

static void on_timer(void *core, int64_t due, const struct sink *out)
{
	struct house *h = core;
	for (uint32_t i = 0; i < h->n; i++)
		if (executor_core.next_due(h->at[i]) <= due)
			executor_core.on_timer(h->at[i], due, out);
}

/* ---- its own journal ---- */

/* Whose words these are; NULL: everybody's. */
static const char *account_of(const struct event *ev)
{
	static const char name[] = "account";
	const struct event_row *row = event_row(ev->id);
	const struct field_row *f = row ? event_field(row, name, sizeof(name) - 1) : NULL;
	return f ? event_field_at(ev, f) : NULL;
}

static void on_own(void *core, const struct event *ev)
{
	struct house *h = core;
	struct event scratch;
	const char *account = account_of(ev);
	struct executor *one = h->n == 1 ? h->at[0] : account ? find(h, account) : NULL;
	if (one) {
		executor_core.on_own(one, ev);
		return;
	}
	h->strangers += account != NULL;
	ev = as_meant(h, ev, &scratch);
	for (uint32_t i = 0; i < h->n && !account; i++)
		executor_core.on_own(h->at[i], ev);
}

/* ---- state ---- */

static int save_one(const struct executor *x, struct packer *p)
{
	struct buf bytes;
	buf_init(&bytes, STATE_MAX);
	int rc = executor_core.save(x, &bytes);
	if (rc == 0) {
		pack_str(p, x->settings.account);
		pack_bin(p, bytes.at, bytes.len);
		rc = p->err;
	}
	buf_fini(&bytes);
	return rc;
}

static int save(const void *core, struct buf *out)
{
	const struct house *h = core;
	struct packer p = {.out = out};
	if (h->n == 1)
		return executor_core.save(h->at[0], out);
	pack_u64(&p, SAVE_SEVERAL);
	pack_u64(&p, h->n);
	int rc = p.err;
	for (uint32_t i = 0; rc == 0 && i < h->n; i++)
		rc = save_one(h->at[i], &p);
	return rc;
}

static int load_one(struct house *h, struct unpacker *u, bool loaded[HOUSE_MAX])
{
	char name[EVENT_NAME_MAX];
	unpack_str(u, name, sizeof(name));
	struct blob bytes = unpack_bin(u);
	if (u->err)
		return u->err;
	for (uint32_t i = 0; i < h->n; i++)
		if (strcmp(h->at[i]->settings.account, name) == 0 && !loaded[i]) {
			loaded[i] = true;
			return executor_core.load(h->at[i], bytes.at, bytes.n);
		}
	return ERR_DIFFERS;
}

static int load_several(struct house *h, struct unpacker *u, bool loaded[HOUSE_MAX])
{
	uint64_t n = unpack_u64(u);
	int rc = u->err;
	if (rc == 0 && (n == 0 || n > HOUSE_MAX))
		rc = ERR_CORRUPT;
	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = load_one(h, u, loaded);
	return rc == 0 && u->at != u->end ? ERR_TRAILING : rc;
}

static int load(void *core, const uint8_t *at, size_t len)
{
	struct house *h = core;
	struct unpacker u = {.at = at, .end = at + len};
	bool loaded[HOUSE_MAX] = {false};
	bool several = unpack_u64(&u) == SAVE_SEVERAL;
	int rc = u.err;
	if (rc == 0 && several)
		rc = load_several(h, &u, loaded);
	else if (rc == 0)
		rc = executor_core.load(h->at[0], at, len);
	loaded[0] = loaded[0] || !several;
	uint32_t from = 0;
	while (from < h->n && !loaded[from])
		from++;
	for (uint32_t i = 0; rc == 0 && i < h->n; i++)
		if (!loaded[i])
			rc = executor_adopt(h->at[i], h->at[from]);
	return rc;
}

const struct core_ops house_core = {
	.on_event = on_event,
	.next_due = next_due,
	.on_timer = on_timer,
	.save = save,
	.load = load,
	.on_own = on_own,
};

/* ---- what is told of all ---- */

const struct executor_counters *house_counters(struct house *h)
{
	uint64_t *sum = (uint64_t *)(void *)&h->sum;
	if (h->n == 1)
		return executor_counters(h->at[0]);
	_Static_assert(sizeof(h->sum) % sizeof(*sum) == 0, "counters are 64 bits wide, each");
	memset(&h->sum, 0, sizeof(h->sum));
	for (uint32_t i = 0; i < h->n; i++) {
		const uint64_t *one = (const uint64_t *)(const void *)executor_counters(h->at[i]);
		for (size_t k = 0; k < sizeof(h->sum) / sizeof(*sum); k++)
			sum[k] += one[k];
	}
	h->sum.events = executor_counters(h->at[0])->events; /* each sees all of them */
	h->sum.quarantined += h->strangers;
	return &h->sum;
}

static const struct executor *strongest(const struct house *h)
{
	const struct executor *x = h->at[0];
	for (uint32_t i = 1; i < h->n; i++)
		if (executor_trading(h->at[i]) > executor_trading(x))
			x = h->at[i];
	return x;
}

enum trading house_trading(const struct house *h)
{
	return executor_trading(strongest(h));
}

void house_describe(const struct house *h, struct ev_trading_state *ret_state)
{
	executor_describe(strongest(h), ret_state);
}

bool house_all_killed(const struct house *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (executor_trading(h->at[i]) != trading_killed)
			return false;
	return true;
}

bool house_stands(const struct house *h, int64_t now, char *text)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (executor_stands(h->at[i], now, text))
			return true;
	return false;
}

bool house_liquidated(const struct house *h, int64_t now)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (loud_lately(h->at[i], now))
			return true;
	return false;
}

bool house_assumes_anew(const struct house *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (executor_assumes_anew(h->at[i]))
			return true;
	return false;
}

bool house_safe_for(const struct house *h, const char *cause)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (executor_safe_for(h->at[i], cause))
			return true;
	return false;
}

uint64_t house_open_orders(const struct house *h)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < h->n; i++)
		n += executor_open_orders(h->at[i]);
	return n;
}

uint32_t house_cancelled_by_hand(const struct house *h)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < h->n; i++)
		n += executor_cancelled_by_hand(h->at[i]);
	return n;
}

bool house_has(const struct house *h, const char *account)
{
	return find(h, account) != NULL;
}

void house_names(const struct house *h, char *text, size_t cap)
{
	size_t used = 0;
	for (uint32_t i = 0; i < h->n && used < cap; i++)
		used += (size_t)snprintf(text + used, cap - used, "%s%s", i ? ", " : "", h->at[i]->settings.account);
}

static const char *state_of(const struct executor *x)
{
	return enum_text(enum_trading(), (uint8_t)executor_trading(x));
}

void house_say(const struct house *h, const char *account, char *text, size_t cap)
{
	const struct executor *one = h->n == 1 ? h->at[0] : find(h, account);
	size_t used = 0;
	if (one) {
		snprintf(text, cap, "%s", state_of(one));
		return;
	}
	for (uint32_t i = 0; i < h->n && used < cap; i++)
		used += (size_t)snprintf(text + used, cap - used, "%s%s %s", i ? ", " : "",
					 h->at[i]->settings.account, state_of(h->at[i]));
}
