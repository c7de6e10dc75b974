/* reload - settings that change while a service runs: all that is good and may change, or nothing.
 *
 * The settings are read again as at the start: same file, environment and flags. A value that is wrong, or one that
 * changed and needs a restart, refuses the whole of it with its place and the remedy. Each change is a command of
 * lane X that names the setting and its new value. What belongs to a core reaches it in event time and is part of its
 * snapshots; so after a restart what is in force there may differ from the file, which then becomes commands, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

enum { CHANGES_MAX = 32 };

/* Of the sections that all services share. */
static const char *const shared_live[] = {"log.level",           "run.wait_market",    "run.wait_strategy",
					  "run.snapshot_events", "run.snapshot_every", "run.drain", NULL};

struct change {
	const char *section;
	const struct config_key *key;
	void *to;         /* the place in force */
	const void *from; /* the new value */
	size_t size;
};

struct reload {
	struct runtime *rt;
	struct run_settings run;
	void *settings; /* owned: the service's section, as it would be */
	struct config *config; /* owned */
	struct change change[CHANGES_MAX];
	uint32_t n;
	char *why; /* EVENT_TEXT_MAX */
};

const char *const *reload_shared(void)
{
	return shared_live;
}

static bool is_listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool is_live(const struct runtime *rt, const char *section, const char *key)
{
	char name[EVENT_NAME_MAX];
	snprintf(name, sizeof name, "%.15s.%.23s", section, key);
	return is_listed(shared_live, name) || (strcmp(section, rt->s->name) == 0 && is_listed(rt->s->live, key));
}

static size_t size_of(const struct config_key *k)
{
	return k->kind == CONFIG_BOOL ? sizeof(bool) : k->size ? k->size : sizeof(int64_t);
}

static bool is_equal(const struct config_key *k, const void *a, const void *b)
{
	return k->size ? strncmp(a, b, k->size) == 0 : memcmp(a, b, size_of(k)) == 0;
}

static int compare_key(struct reload *r, const struct config_section *was, const struct config_section *now,
		       const struct config_key *k)
{
	void *to = (char *)was->self + k->offset;
	const void *from = (const char *)now->self + k->offset;
	if (is_equal(k, to, from))
		return 0;
	if (!is_live(r->rt, was->name, k->name)) {
		snprintf(r->why, EVENT_TEXT_MAX,
			 "%.80s: %s.%s cannot change while it runs: restart %s; nothing was changed",
			 config_where(r->config, was->name, k->name), was->name, k->name, r->rt->name);
		return ERR_REFUSED;
	}
	if (r->n == CHANGES_MAX)
		return ERR_FULL;
	r->change[r->n++] = (struct change){was->name, k, to, from, size_of(k)};
	return 0;
}

static int compare(struct reload *r)
{
	struct runtime *rt = r->rt;
	struct config_section was[SETTINGS_SECTIONS_MAX], now[SETTINGS_SECTIONS_MAX];
	char key[160];
	uint32_t n = settings_sections(&rt->run, rt->s, rt->settings, was);
	settings_sections(&r->run, rt->s, r->settings, now);
	for (uint32_t i = 0; i < n; i++)
		for (const struct config_key *k = was[i].keys; k && k->name; k++) {
			int rc = compare_key(r, &was[i], &now[i], k);
			if (rc)
				return rc;
		}
	if (!config_sub_differs(rt->config, r->config, rt->s->name, key, sizeof key))
		return 0;
	snprintf(r->why, EVENT_TEXT_MAX, "%.120s cannot change while it runs: restart %s; nothing was changed", key,
		 rt->name);
	return ERR_REFUSED;
}

static int load(struct reload *r)
{
	struct runtime *rt = r->rt;
	struct config_section sections[SETTINGS_SECTIONS_MAX];
	struct config_error err = {{0}};
	const struct runtime_args *a = rt->args;
	r->settings = calloc(1, rt->s->settings_size ? rt->s->settings_size : 1);
	if (!r->settings)
		return ERR_NOMEM;
	uint32_t n = settings_sections(&r->run, rt->s, r->settings, sections);
	int rc = config_new(sections, n, settings_foreign, &r->config);
	if (!rc)
		rc = config_load(r->config, a->config_path, a->flags, a->n_flags, NULL, &err);
	if (!rc && rt->s->several)
		config_variant(r->config, rt->s->name, rt->place.section, r->settings);
	if (rc) {
		event_set_text(r->why, err.text[0] ? err.text : err_text(rc));
		log_warn("reload refused", "reason=%s", err.text[0] ? err.text : err_text(rc));
	}
	return rc;
}

static void value_text(const struct config_key *k, const void *at, char out[EVENT_TEXT_MAX])
{
	int64_t value;
	char human[CONFIG_HUMAN_MAX];
	if (k->kind == CONFIG_BOOL) {
		event_set_text(out, *(const bool *)at ? "true" : "false");
	} else if (k->size) {
		event_set_text(out, k->kind == CONFIG_SECRET ? "***" : at);
	} else {
		memcpy(&value, at, sizeof value);
		event_set_text(out, config_human(k->kind, value, human));
	}
}

/* A reload as a command, for this one setting. */
static int decide(struct runtime *rt, struct event *command, const char *section, const struct config_key *k,
		  const void *value)
{
	char name[EVENT_NAME_MAX];
	snprintf(name, sizeof name, "%.15s.%.23s", section, k->name);
	event_set_name(command->command.target, name);
	value_text(k, value, command->command.value);
	command->ts_recv = 0;
	return runtime_decide(rt, command);
}

static void take_over(struct runtime *rt)
{
	enum log_level level;
	if (log_level_parse(rt->run.log_level, &level) == 0)
		log_set_level(level);
	for (uint32_t i = 0; i < rt->n_follows && !runtime_lockstep(rt) && rt->life == life_running; i++) {
		struct follow *f = &rt->follow[i];
		if (f->in_m)
			f->in_m->wait_ns = rt->run.wait_market_ns;
		if (f->in_x)
			f->in_x->wait_ns = rt->run.wait_strategy_ns;
	}
}

static int carry_out(struct reload *r, struct event *command, struct later *l)
{
	char names[EVENT_TEXT_MAX] = "changed:";
	if (!outbox_has_room(&r->rt->outbox))
		return ERR_FULL;
	for (uint32_t i = 0; i < r->n; i++) {
		const struct change *c = &r->change[i];
		int rc = decide(r->rt, command, c->section, c->key, c->from);
		if (rc)
			return rc;
		memcpy(c->to, c->from, c->size);
		l->seq = command->seq;
		size_t used = strlen(names);
		snprintf(names + used, sizeof names - used, "%s %s.%s", i ? "," : "", c->section, c->key->name);
	}
	take_over(r->rt);
	event_set_text(l->message, r->n ? names : "nothing has changed");
	return 0;
}

int reload_on_request(struct runtime *rt, const struct event *request, struct later *l)
{
	struct reload *r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NOMEM;
	r->rt = rt;
	r->why = l->message;
	int rc = rt->life == life_running ? load(r) : ERR_BUSY;
	if (!rc)
		rc = compare(r);
	struct event command;
	command_of(rt, request, &command);
	if (!rc)
		rc = carry_out(r, &command, l);
	if (rc && !l->message[0])
		event_set_text(l->message, rc == ERR_BUSY ? "not running: not accepted, try again" : err_text(rc));
	config_free(r->config);
	free(r->settings);
	free(r);
	return rc;
}

void reload_after_restart(struct runtime *rt)
{
	for (const struct config_key *k = rt->s->keys; k && k->name && rt->s->live_value; k++) {
		int64_t now, configured;
		if (!is_listed(rt->s->live, k->name) || rt->s->live_value(rt->self, k->name, &now) != 0)
			continue;
		memcpy(&configured, (const char *)rt->settings + k->offset, sizeof configured);
		if (now == configured)
			continue;
		struct event command;
		event_init(&command, EVENT_command);
		command.command.verb = verb_reload;
		command.command.role = role_service;
		event_set_name(command.command.owner, rt->name);
		event_set_text(command.command.reason, "The settings file has changed since the last run.");
		int rc = decide(rt, &command, rt->s->name, k, (const char *)rt->settings + k->offset);
		if (rc)
			log_error("a setting could not be taken over", "key=%s.%s err=%s", rt->s->name, k->name,
				  err_name(rc));
	}
}
