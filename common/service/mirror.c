/* mirror - what a service publishes, shown in Redis for dashboards: last values, short lists, its own health. */
#include "common/service/mirror.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "proto/codec.h"

enum { JSON_MAX = 64 << 10, EVERY_NS = 250000000 };
#define QUIET_NS (10 * NS_PER_S) /* without trouble: longer than a refused value waits to be tried again */

/* Which event goes under which key, and what its subject is made of. */
static const struct {
	uint16_t id;
	enum cache_key key;
	const char *fields[2]; /* subject: their texts, joined by a colon */
} rows[] = {
	{EVENT_top, CACHE_TOP, {"instrument", NULL}},
	{EVENT_ticker, CACHE_TICKER, {"instrument", NULL}},
	{EVENT_mark, CACHE_MARK, {"instrument", NULL}},
	{EVENT_trade, CACHE_TRADES, {"instrument", NULL}},
	{EVENT_liquidation, CACHE_LIQUIDATIONS, {"instrument", NULL}},
	{EVENT_candle, CACHE_CANDLES, {"instrument", "interval"}},
	{EVENT_feed_state, CACHE_FEED, {"venue", NULL}},
	{EVENT_position, CACHE_POSITION, {"account", "instrument"}},
	{EVENT_equity, CACHE_EQUITY, {"account", NULL}},
};

struct mirrored {
	struct event ev;
	enum cache_key key;
	char subject[CACHE_SUBJECT_MAX];
	bool changed;
};

int mirror_open(struct mirror *m, const char *address, const char *password, char *reason, size_t cap)
{
	memset(m, 0, sizeof *m);
	buf_init(&m->json, JSON_MAX);
	if (address[0] == '\0')
		return 0;
	struct cache_options o = {.address = address, .password = password[0] ? password : NULL};
	int rc = strmap_init(&m->values, MIRROR_VALUES_MAX, sizeof(struct mirrored));
	return rc ? rc : cache_open(&o, &m->cache, reason, cap);
}

void mirror_close(struct mirror *m)
{
	cache_close(m->cache);
	strmap_fini(&m->values);
	buf_fini(&m->json);
	memset(m, 0, sizeof *m);
}

static int subject_of(const struct event *ev, const char *const fields[2], char out[CACHE_SUBJECT_MAX])
{
	const struct event_row *row = event_row(ev->id);
	size_t n = 0;
	for (size_t i = 0; i < 2 && fields[i]; i++) {
		const struct field_row *f = event_field(row, fields[i], strlen(fields[i]));
		if (!f)
			return ERR_NOT_FOUND;
		const char *text = event_field_at(ev, f); /* symbols, names and texts all begin with their characters */
		int k = snprintf(out + n, CACHE_SUBJECT_MAX - n, "%s%s", i ? ":" : "", text);
		if (k < 0 || (size_t)k >= CACHE_SUBJECT_MAX - n)
			return ERR_TOO_LONG;
		n += (size_t)k;
	}
	return n ? 0 : ERR_NOT_FOUND;
}

static void write_json(struct mirror *m, enum cache_key key, const char *subject, const struct event *ev)
{
	buf_clear(&m->json);
	int rc = codec_json(ev, NULL, &m->json);
	if (!rc && cache_row(key)->kind == CACHE_LIST)
		rc = cache_push(m->cache, key, subject, m->json.at, m->json.len);
	else if (!rc)
		rc = cache_set(m->cache, key, subject, m->json.at, m->json.len);
	m->refused += rc != 0;
}

static void keep(struct mirror *m, enum cache_key key, const char *subject, const struct event *ev)
{
	char name[STRMAP_KEY_MAX];
	int n = snprintf(name, sizeof name, "%d:%s", (int)key, subject);
	struct mirrored *v = n > 0 && (size_t)n < sizeof name ? strmap_put(&m->values, name, (size_t)n) : NULL;
	if (!v) {
		m->refused++;
		return;
	}
	v->ev = *ev;
	v->key = key;
	memcpy(v->subject, subject, strlen(subject) + 1);
	v->changed = true;
}

void mirror_on_event(struct mirror *m, const struct event *ev)
{
	char subject[CACHE_SUBJECT_MAX];
	for (size_t i = 0; m->cache && i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].id != ev->id)
			continue;
		if (subject_of(ev, rows[i].fields, subject))
			m->refused++;
		else if (cache_row(rows[i].key)->kind == CACHE_LIST)
			write_json(m, rows[i].key, subject, ev);
		else
			keep(m, rows[i].key, subject, ev);
		return;
	}
}

void mirror_on_heartbeat(struct mirror *m, const char *service, const struct event *ev)
{
	if (!m->cache)
		return;
	struct event copy = *ev;
	copy.heartbeat.acks = copy.heartbeat.ack_epochs = (struct pairs){0};
	keep(m, CACHE_HEALTH, service, &copy);
}

void mirror_flush(struct mirror *m, int64_t mono_ns)
{
	if (!m->cache || mono_ns - m->written_at < EVERY_NS)
		return;
	m->written_at = mono_ns;
	for (uint32_t i = 0; i < m->values.count; i++) {
		struct mirrored *v = strmap_value_at(&m->values, i);
		if (v->changed)
			write_json(m, v->key, v->subject, &v->ev);
		v->changed = false;
	}
}

/* Away where the connection is or was gone since the last look, else refused where there were error replies. */
static enum mirror_health judge(struct mirror *m, const struct cache_counters *c, int64_t mono_ns)
{
	uint64_t losses = c->disconnects + c->connect_failures;
	enum mirror_health now = MIRROR_WELL;
	if (losses != m->losses || (!c->connected && losses > 0))
		now = MIRROR_AWAY;
	else if (c->errors != m->errors)
		now = MIRROR_REFUSED;
	else if (!c->connected)
		now = m->health; /* not tried yet */
	m->losses = losses;
	m->errors = c->errors;
	if (now != MIRROR_WELL) {
		m->trouble_at = mono_ns;
		return now;
	}
	bool unsure = m->health >= MIRROR_AWAY && mono_ns - m->trouble_at < QUIET_NS;
	return unsure ? m->health : MIRROR_WELL;
}

void mirror_watch(struct mirror *m, int64_t mono_ns)
{
	char why[300];
	if (!m->cache)
		return;
	struct cache_counters c = cache_counters(m->cache);
	enum mirror_health was = m->health, now = judge(m, &c, mono_ns);
	/* One that comes and goes is told of now and then. */
	if (now == was || (was >= MIRROR_AWAY && mono_ns - m->told_at < QUIET_NS))
		return;
	m->health = now;
	m->told_at = mono_ns;
	cache_reason(m->cache, why, sizeof why);
	if (now == MIRROR_AWAY)
		log_warn("the cache is away: dashboards go stale, nothing else does", "reason=%s", why);
	else if (now == MIRROR_REFUSED)
		log_warn("the cache refuses values: dashboards go stale, nothing else does",
			 "reason=%s full=%llu wrong_type=%llu", why, (unsigned long long)c.oom,
			 (unsigned long long)c.wrong_type);
	else if (was != MIRROR_UNTRIED)
		log_info("the cache is well again", "dropped=%llu", (unsigned long long)c.dropped);
}
