/* mode - see mode.h. */
#include "services/executor/mode.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum trading mode_state(const struct mode *m)
{
	if (m->killed)
		return trading_killed;
	if (m->halted)
		return trading_halted;
	if (m->n > 0)
		return trading_safe;
	return m->n_leases > 0 ? trading_paused : trading_running;
}

enum reject mode_reject(const struct mode *m)
{
	switch (mode_state(m)) {
	case trading_killed:
		return reject_killed;
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

static void drop_lease(struct mode *m, uint32_t i)
{
	m->n_leases--;
	memmove(&m->lease[i], &m->lease[i + 1], (m->n_leases - i) * sizeof(*m->lease));
	m->lease[m->n_leases] = (struct mode_lease){0};
}

static bool drop_lease_of(struct mode *m, const char *owner)
{
	for (uint32_t i = 0; i < m->n_leases; i++)
		if (strcmp(m->lease[i].by.owner, owner) == 0) {
			drop_lease(m, i);
			return true;
		}
	return false;
}

bool mode_pause(struct mode *m, int64_t now, const struct ev_command *c)
{
	if (c->until != 0 && c->until <= now)
		return false;
	drop_lease_of(m, c->owner);
	/* A lease that could not be remembered would end with the others': stop until a person looks. */
	if (m->n_leases == MODE_LEASES_MAX)
		return mode_halt(m, c->owner, "too many owners pause trading at once");
	m->lease[m->n_leases++] = (struct mode_lease){c->until, cause_of("", c->owner, c->reason)};
	return true;
}

void mode_resume_all(struct mode *m)
{
	memset(m->lease, 0, sizeof(m->lease));
	m->n_leases = 0;
}

/* A command without a role is of a journal from before leases had owners: it ended the one pause there was. */
bool mode_resume(struct mode *m, const struct ev_command *c)
{
	if (!c->all && c->role != role_none)
		return drop_lease_of(m, c->owner);
	bool was = m->n_leases > 0;
	mode_resume_all(m);
	return was;
}

bool mode_expire(struct mode *m, int64_t now)
{
	bool any = false;
	for (uint32_t i = 0; i < m->n_leases;) {
		bool over = m->lease[i].until != 0 && m->lease[i].until <= now;
		any = any || over;
		if (over)
			drop_lease(m, i);
		else
			i++;
	}
	return any;
}

static struct mode_cause *find(struct mode *m, const char *name)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (strcmp(m->cause[i].name, name) == 0)
			return &m->cause[i];
	return NULL;
}

bool mode_has(const struct mode *m, const char *cause)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (strcmp(m->cause[i].name, cause) == 0)
			return true;
	return false;
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

bool mode_kill(struct mode *m, const char *owner, const char *reason)
{
	if (m->killed)
		return false;
	m->killed = true;
	m->kill = cause_of("", owner, reason);
	return true;
}

bool mode_unkill(struct mode *m)
{
	bool was = m->killed;
	m->killed = false;
	m->kill = (struct mode_cause){0};
	return was;
}

int64_t mode_due(const struct mode *m)
{
	int64_t due = INT64_MAX;
	for (uint32_t i = 0; i < m->n_leases; i++)
		if (m->lease[i].until != 0 && m->lease[i].until < due)
			due = m->lease[i].until;
	return due;
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

/* One lease speaks for itself; of several each owner is named, and the state lasts as long as the longest. */
static void describe_leases(const struct mode *m, struct ev_trading_state *s)
{
	const struct mode_lease *last = &m->lease[m->n_leases - 1];
	char all[ALL_MAX] = "";
	s->until = last->until;
	for (uint32_t i = 0; i < m->n_leases; i++) {
		const struct mode_lease *l = &m->lease[i];
		append(all, i > 0 ? "; " : "");
		append(all, m->n_leases > 1 ? l->by.owner : "");
		append(all, m->n_leases > 1 && l->by.reason[0] ? ": " : "");
		append(all, l->by.reason);
		if (s->until != 0 && (l->until == 0 || l->until > s->until))
			s->until = l->until;
	}
	event_set_name(s->owner, last->by.owner);
	event_set_text(s->reason, all);
}

void mode_describe(const struct mode *m, struct ev_trading_state *s)
{
	s->state = (uint8_t)mode_state(m);
	switch (mode_state(m)) {
	case trading_killed:
		event_set_name(s->owner, m->kill.owner);
		event_set_text(s->reason, m->kill.reason);
		break;
	case trading_halted:
		event_set_name(s->owner, m->halt.owner);
		event_set_text(s->reason, m->halt.reason);
		break;
	case trading_safe:
		event_set_name(s->owner, m->cause[m->n - 1].owner);
		list_causes(m, s->reason);
		break;
	case trading_paused:
		describe_leases(m, s);
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

void mode_save_kill(const struct mode *m, struct packer *p)
{
	pack_bool(p, m->killed);
	save_cause(&m->kill, p);
}

int mode_load_kill(struct mode *m, struct unpacker *u)
{
	m->killed = unpack_bool(u);
	load_cause(&m->kill, u);
	return u->err;
}

void mode_save(const struct mode *m, struct packer *p)
{
	pack_bool(p, m->halted);
	save_cause(&m->halt, p);
	pack_array(p, 4 * m->n_leases);
	for (uint32_t i = 0; i < m->n_leases; i++) {
		pack_i64(p, m->lease[i].until);
		save_cause(&m->lease[i].by, p);
	}
	pack_array(p, 3 * m->n);
	for (uint32_t i = 0; i < m->n; i++)
		save_cause(&m->cause[i], p);
}

static int load_causes(struct mode *m, uint32_t n, struct unpacker *u)
{
	m->n = n;
	for (uint32_t i = 0; i < n; i++)
		load_cause(&m->cause[i], u);
	return u->err;
}

/* Length of an array of so many items each, at most max of them; ERR_CORRUPT else. */
static int load_count(struct unpacker *u, uint32_t each, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % each != 0 || n / each > max)
		return u->err ? u->err : ERR_CORRUPT;
	*ret_n = n / each;
	return 0;
}

int mode_load(struct mode *m, struct unpacker *u)
{
	uint32_t n;
	m->halted = unpack_bool(u);
	load_cause(&m->halt, u);
	int rc = load_count(u, 4, MODE_LEASES_MAX, &m->n_leases);
	for (uint32_t i = 0; rc == 0 && i < m->n_leases; i++) {
		m->lease[i].until = unpack_i64(u);
		load_cause(&m->lease[i].by, u);
	}
	if (rc == 0)
		rc = load_count(u, 3, MODE_CAUSES_MAX, &n);
	return rc != 0 ? rc : load_causes(m, n, u);
}

int mode_load_v1(struct mode *m, struct unpacker *u)
{
	uint32_t n;
	struct mode_lease pause = {0};
	int rc = load_count(u, 3, MODE_CAUSES_MAX + 3, &n);
	if (rc != 0 || n < 3)
		return rc != 0 ? rc : ERR_CORRUPT;
	bool paused = unpack_bool(u);
	m->halted = unpack_bool(u);
	pause.until = unpack_i64(u);
	load_cause(&pause.by, u);
	load_cause(&m->halt, u);
	if (paused)
		m->lease[m->n_leases++] = pause;
	return load_causes(m, n - 3, u);
}
