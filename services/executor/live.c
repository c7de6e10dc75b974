/* live - the settings that may change while the executor runs: by journalled commands, so that a restart repeats them.
 *
 * A snapshot holds what was in force; what the settings file says is compared with it once a restart has caught up,
 * and becomes commands of its own (common/service/reload.c).
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/executor.h"
#include "services/executor/section.h"

#define LIMIT_AT(which) offsetof(struct executor_settings, limit[which])

static const struct live {
	const char *key; /* as in executor_section_keys */
	size_t at;       /* int64_t in struct executor_settings */
} lives[] = {
	{"loss_max", offsetof(struct executor_settings, loss_max)},
	{"stale", offsetof(struct executor_settings, stale_ns)},
	{"equity_every", offsetof(struct executor_settings, equity_interval_ns)},
	{"intent_expiry", offsetof(struct executor_settings, intent_expiry_ns)},
	{"order_qty_max", LIMIT_AT(LIMIT_ORDER_QTY)},
	{"order_notional_max", LIMIT_AT(LIMIT_ORDER_NOTIONAL)},
	{"position_qty_max", LIMIT_AT(LIMIT_POSITION_QTY)},
	{"position_notional_max", LIMIT_AT(LIMIT_POSITION_NOTIONAL)},
	{"gross_max", LIMIT_AT(LIMIT_GROSS)},
	{"net_max", LIMIT_AT(LIMIT_NET)},
	{"collar_bps", LIMIT_AT(LIMIT_COLLAR)},
	{"orders_second_max", LIMIT_AT(LIMIT_SECOND)},
	{"orders_minute_max", LIMIT_AT(LIMIT_MINUTE)},
	{"day_loss_max", offsetof(struct executor_settings, guard.day_loss_max)},
	{"drawdown_max", offsetof(struct executor_settings, guard.drawdown_max)},
	{"cooldown", offsetof(struct executor_settings, guard.cooldown_ns)},
	{"stops_max", offsetof(struct executor_settings, guard.stops_max)},
	{"stops_all_max", offsetof(struct executor_settings, guard.stops_all_max)},
	{"stops_within", offsetof(struct executor_settings, guard.stops_within_ns)},
	{"stops_pause", offsetof(struct executor_settings, guard.stops_pause_ns)},
};

const char *const executor_live[] = {
	"loss_max",		 "stale",	 "equity_every", "intent_expiry",     "order_qty_max",
	"order_notional_max",	 "position_qty_max", "position_notional_max", "gross_max", "net_max",
	"collar_bps",		 "orders_second_max", "orders_minute_max", "day_loss_max", "drawdown_max",
	"cooldown",		 "stops_max",	 "stops_all_max", "stops_within",     "stops_pause",
	NULL};

int executor_live_place(const char *key)
{
	for (int i = 0; executor_live[i]; i++)
		if (strcmp(executor_live[i], key) == 0)
			return i;
	return ERR_NOT_FOUND;
}

static int64_t *place_of(struct executor *x, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(lives); i++)
		if (strcmp(lives[i].key, key) == 0)
			return (int64_t *)(void *)((char *)&x->settings + lives[i].at);
	return NULL;
}

int executor_live_value(const struct executor *x, const char *key, int64_t *ret_value)
{
	int64_t value;
	for (size_t i = 0; i < ARRAY_LEN(lives); i++)
		if (strcmp(lives[i].key, key) == 0) {
			memcpy(&value, (const char *)&x->settings + lives[i].at, sizeof(value));
			*ret_value = value;
			return 0;
		}
	return ERR_NOT_FOUND;
}

static bool is_pinned(const struct executor *x, const char *key)
{
	int at = executor_live_place(key);
	return at >= 0 && (x->settings.pinned >> at & 1) != 0;
}

static int parse(const char *key, const char *text, int64_t *ret_value)
{
	struct executor_section scratch;
	char reason[EVENT_TEXT_MAX];
	for (const struct config_key *k = executor_section_keys; k->name; k++) {
		if (strcmp(k->name, key) != 0)
			continue;
		int rc = config_parse(k, text, &scratch, reason, sizeof(reason));
		if (rc == 0)
			memcpy(ret_value, (const char *)&scratch + k->offset, sizeof(*ret_value));
		return rc;
	}
	return ERR_NOT_FOUND;
}

void live_set(struct executor *x, const struct ev_command *c)
{
	static const char section[] = "executor.";
	const char *key = c->target + sizeof(section) - 1;
	bool ours = strncmp(c->target, section, sizeof(section) - 1) == 0;
	int64_t *place = ours ? place_of(x, key) : NULL;
	if (!ours || (place && is_pinned(x, key)) || strcmp(key, "assumptions") == 0)
		return; /* of the shell: levels, waits; of other accounts; or only to say what is assumed (core.c) */
	if (place && parse(key, c->value, place) == 0)
		x->counters.reloads++;
	else
		x->counters.reloads_refused++;
}

void live_save(const struct executor *x, struct packer *p)
{
	pack_array(p, 2 * ARRAY_LEN(lives));
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		int64_t value;
		must(executor_live_value(x, lives[i].key, &value) == 0);
		pack_str(p, lives[i].key);
		pack_i64(p, value);
	}
}

int live_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u) / 2;
	for (uint32_t i = 0; i < n && !u->err; i++) {
		char key[EVENT_NAME_MAX];
		unpack_str(u, key, sizeof(key));
		int64_t value = unpack_i64(u), *place = u->err ? NULL : place_of(x, key);
		if (place)
			*place = value;
	}
	if (u->err)
		return u->err;
	return core_in_range(&x->settings) ? 0 : ERR_CORRUPT;
}
