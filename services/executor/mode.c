/* mode - see mode.h. */
#include "services/executor/mode.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum trading mode_state(const struct mode *m)
{
	if (m->halted)
		return trading_halted;
	if (m->n > 0)
		return trading_safe;
	return m->paused ? trading_paused : trading_running;
}

enum reject mode_reject(const struct mode *m)
{
	switch (mode_state(m)) {
	case trading_halted:
		return reject_halted;
	case trading_safe:
		return reject_safe;
	case trading_paused:
		return reject_paused;
	default:
		return reject_none;
	}
}

static struct mode_cause cause_of(const char *name, const char *owner, const char *reason)
{
	struct mode_cause c = {0};
	event_set_name(c.name, name);
	event_set_name(c.owner, owner);
	event_set_text(c.reason, reason);
	return c;
}

bool mode_pause(struct mode *m, int64_t now, const struct ev_command *c)
{
	if (c->until != 0 && c->until <= now)
		return false;
	m->paused = true;
	m->until = c->until;
	m->pause = cause_of("", c->owner, c->reason);
	return true;
}

bool mode_resume(struct mode *m)
{
	bool was = m->paused;
	m->paused = false;
	m->until = 0;
	m->pause = (struct mode_cause){0};
	return was;
}

bool mode_expire(struct mode *m, int64_t now)
{
	return mode_due(m) <= now && mode_resume(m);
}

static struct mode_cause *find(struct mode *m, const char *name)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (strcmp(m->cause[i].name, name) == 0)
			return &m->cause[i];
	return NULL;
}

bool mode_raise(struct mode *m, const struct ev_command *c)
{
	struct mode_cause *known = find(m, c->target);
	struct mode_cause cause = cause_of(c->target, c->owner, c->reason);
	if (known) {
		bool same = memcmp(known, &cause, sizeof(cause)) == 0;
		*known = cause;
		return !same;
	}
	/* A cause that could not be remembered could not be cleared either: stop until a person
	 * looks. */
	if (m->n == MODE_CAUSES_MAX)
		return mode_halt(m, c->owner, "too many causes of safe mode at once");
	m->cause[m->n++] = cause;
	return true;
}

bool mode_clear(struct mode *m, const char *name)
{
	struct mode_cause *c = find(m, name);
	if (!c)
		return false;
	m->n--;
	memmove(c, c + 1, (size_t)(&m->cause[m->n] - c) * sizeof(*c));
	return true;
}

bool mode_halt(struct mode *m, const char *owner, const char *reason)
{
	if (m->halted)
		return false;
	m->halted = true;
	m->halt = cause_of("", owner, reason);
	return true;
}

bool mode_reset(struct mode *m)
{
	bool was = m->halted;
	m->halted = false;
	m->halt = (struct mode_cause){0};
	return was;
}

int64_t mode_due(const struct mode *m)
{
	return m->paused && m->until != 0 ? m->until : INT64_MAX;
}

/* Longer than the field, so that event_set_text makes the cut, between characters. */
#define ALL_MAX (2 * EVENT_TEXT_MAX)

static void append(char text[ALL_MAX], const char *more)
{
	size_t used = strlen(text), n = strlen(more);
	if (n > ALL_MAX - 1 - used)
		n = ALL_MAX - 1 - used;
	memcpy(text + used, more, n);
	text[used + n] = '\0';
}

static void list_causes(const struct mode *m, char text[EVENT_TEXT_MAX])
{
	char all[ALL_MAX] = "";
	for (uint32_t i = 0; i < m->n; i++) {
		append(all, i > 0 ? "; " : "");
		append(all, m->cause[i].name);
		append(all, m->cause[i].reason[0] ? ": " : "");
		append(all, m->cause[i].reason);
	}
	event_set_text(text, all);
}

void mode_describe(const struct mode *m, struct ev_trading_state *s)
{
	s->state = (uint8_t)mode_state(m);
	switch (mode_state(m)) {
	case trading_halted:
		event_set_name(s->owner, m->halt.owner);
		event_set_text(s->reason, m->halt.reason);
		break;
	case trading_safe:
		event_set_name(s->owner, m->cause[m->n - 1].owner);
		list_causes(m, s->reason);
		break;
	case trading_paused:
		event_set_name(s->owner, m->pause.owner);
		event_set_text(s->reason, m->pause.reason);
		s->until = m->until;
		break;
	default:
		break;
	}
}

static void save_cause(const struct mode_cause *c, struct packer *p)
{
	pack_str(p, c->name);
	pack_str(p, c->owner);
	pack_str(p, c->reason);
}

static void load_cause(struct mode_cause *c, struct unpacker *u)
{
	unpack_str(u, c->name, sizeof(c->name));
	unpack_str(u, c->owner, sizeof(c->owner));
	unpack_str(u, c->reason, sizeof(c->reason));
}

void mode_save(const struct mode *m, struct packer *p)
{
	pack_array(p, 9 + 3 * m->n);
	pack_bool(p, m->paused);
	pack_bool(p, m->halted);
	pack_i64(p, m->until);
	save_cause(&m->pause, p);
	save_cause(&m->halt, p);
	for (uint32_t i = 0; i < m->n; i++)
		save_cause(&m->cause[i], p);
}

int mode_load(struct mode *m, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n < 9 || (n - 9) % 3 != 0 || (n - 9) / 3 > MODE_CAUSES_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	m->paused = unpack_bool(u);
	m->halted = unpack_bool(u);
	m->until = unpack_i64(u);
	load_cause(&m->pause, u);
	load_cause(&m->halt, u);
	m->n = (n - 9) / 3;
	for (uint32_t i = 0; i < m->n; i++)
		load_cause(&m->cause[i], u);
	return u->err;
}
