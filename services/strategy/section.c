/* section - the strategy section of the settings, and the core's settings made from it. */
#include "services/strategy/section.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "services/strategy/registry.h"

#define AT(member) offsetof(struct strategy_section, member)
#define TEXT(member) AT(member), sizeof(((struct strategy_section *)0)->member)

const struct config_key strategy_section_keys[] = {
	{"seats", CONFIG_TEXT, "ema_cross", 0, 0, "",
	 "Strategies to host, comma separated; each has a subsection of its name with its parameters.", NULL,
	 TEXT(seats)},
	{"intent_expiry", CONFIG_DUR, "2s", NS_PER_MS, 3600 * NS_PER_S, "ns",
	 "How long after it takes effect an intent may still be traded.", NULL, AT(intent_expiry_ns), 0},
	{"stale", CONFIG_DUR, "5s", NS_PER_MS, 3600 * NS_PER_S, "ns", "Without news of the book for longer: no orders.",
	 NULL, AT(stale_ns), 0},
	{"external_latency", CONFIG_DUR, "20ms", 1000, 60 * NS_PER_S, "ns",
	 "Modelled time from an event to the wish that an external program makes because of it.", NULL,
	 AT(external_latency_ns), 0},
	{"book_levels", CONFIG_INT, "5000", 10, 20000, "levels", "Levels of a book a strategy may ask for.", NULL,
	 AT(book_levels), 0},
	{0},
};

const char *const strategy_topics[] = {"instrument.", "book.", "trade.", "top.", "candle.", NULL};

struct seat_reader {
	struct strategy_seat *seat;
	char *reason;
	size_t cap;
};

static int on_parameter(void *ctx, const char *key, const char *value, const char *where)
{
	struct seat_reader *r = ctx;
	struct strategy_seat *seat = r->seat;
	if (strcmp(key, "strategy") == 0) {
		seat->strategy = registry_find(value);
		if (!seat->strategy)
			snprintf(r->reason, r->cap, "%s: strategy.%s.strategy: no strategy '%s' was built in", where,
				 seat->name, value);
		return seat->strategy ? 0 : ERR_ARG;
	}
	if (strcmp(key, "account") == 0) {
		event_set_name(seat->account, value);
		return 0;
	}
	if (strcmp(key, "instrument") == 0) {
		if (symbol_parse(value, strlen(value), &seat->instrument) == 0)
			return 0;
		snprintf(r->reason, r->cap, "%s: strategy.%s.instrument: '%s' is not like BTCUSDT.BINANCE%s", where,
			 seat->name, value,
			 strchr(value, '.') != strrchr(value, '.') ? " (a point in a venue's name is '_' there)" : "");
		return ERR_ARG;
	}
	if (seat->n_settings == STRATEGY_SETTINGS_MAX) {
		snprintf(r->reason, r->cap, "%s: strategy.%s: too many parameters", where, seat->name);
		return ERR_ARG;
	}
	event_set_name(seat->setting[seat->n_settings].name, key);
	event_set_name(seat->setting[seat->n_settings++].value, value);
	return 0;
}

static int read_seat(const struct config *config, const char *name, struct strategy_seat *seat, char *reason,
		     size_t cap)
{
	struct seat_reader r = {.seat = seat, .reason = reason, .cap = cap};
	event_set_name(seat->name, name);
	event_set_name(seat->account, "paper");
	int rc = config_each(config, "strategy", name, on_parameter, &r);
	if (rc)
		return rc;
	if (!seat->strategy)
		seat->strategy = registry_find(name);
	if (!seat->strategy) {
		size_t n, used = (size_t)snprintf(reason, cap,
						  "strategy.seats: no strategy '%s' was built in (a name of your own "
						  "for one: strategy.%s.strategy); there are",
						  name, name);
		const struct strategy *const *all = registry_all(&n);
		for (size_t i = 0; i < n && used < cap; i++)
			used += (size_t)snprintf(reason + used, cap - used, "%s %s", i ? "," : "", all[i]->name);
		return ERR_ARG;
	}
	if (seat->instrument.s[0] == '\0') {
		snprintf(reason, cap, "strategy.%s.instrument is missing: which instrument shall it trade?", name);
		return ERR_ARG;
	}
	return 0;
}

static uint8_t origin_of(const char *text)
{
	return strcmp(text, "any") == 0 ? 0 : enum_value(enum_origin(), text, strlen(text));
}

int strategy_section_core(const struct strategy_section *in, const struct strategy_section_context *from,
			  struct strategy_core_settings *s, char *reason, size_t cap)
{
	const struct run_settings *run = from->run;
	strategy_core_defaults(s);
	event_set_name(s->run_id, from->run_id);
	s->order_latency_ns = run->order_latency_ns;
	s->intent_expiry_ns = in->intent_expiry_ns;
	s->stale_ns = in->stale_ns;
	s->book_levels = (uint32_t)in->book_levels;
	s->origin = origin_of(run->origin);
	char list[400], *save = NULL;
	snprintf(list, sizeof list, "%s", in->seats);
	int rc = 0;
	for (char *name = strtok_r(list, ", ", &save); name && !rc; name = strtok_r(NULL, ", ", &save)) {
		if (s->n_seats == STRATEGY_SEATS_MAX) {
			snprintf(reason, cap, "strategy.seats: more than %d", STRATEGY_SEATS_MAX);
			return ERR_ARG;
		}
		rc = read_seat(from->config, name, &s->seat[s->n_seats++], reason, cap);
	}
	return rc;
}
