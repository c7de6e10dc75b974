/* markets - the scan driven: its requests made, what it finds followed, what has ended put on record and dropped.
 *
 * A listing has an instrument for each outcome; all of them are followed, or none. The core's table is the one truth
 * about what is followed: after a restart the scan is told of what came before, and finds out what that is.
 *
 * What the stream says of an outcome is told to the scan with the next tick, not from inside the frame: a market that
 * is dropped may be the last one of the very connection whose frame is being read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/plan.h"
#include "services/collector/shell.h"

#define CALLS_MAX 4

struct call { /* a request under way */
	struct markets *markets;
	uint64_t id; /* 0: free */
};

struct markets {
	struct shell *shell;
	struct scan *scan;
	struct plan plan;
	struct call call[CALLS_MAX]; /* one, and those that were given up */
	int64_t held_until; /* the venue said so */
	uint64_t listings;  /* that the stream told of, as last looked at */
	uint64_t resolved;  /* outcomes that the stream told of, likewise */
	uint64_t version;   /* of the core's table, likewise */
	bool started;
};

/* ---- what the scan wants ---- */

static void on_response(void *ctx, const struct http_response *r)
{
	struct call *call = ctx;
	struct markets *m = call->markets;
	struct shell *s = m->shell;
	uint64_t id = call->id;
	bool good = !r->err && r->status == 200;
	call->id = 0;
	if (s->stopping)
		return;
	requests_budget(s, r);
	int64_t now = pump_now(s);
	if (good)
		s->worked_at = clock_wall(runtime_clock(s->rt));
	else
		log_warn("the listings cannot be had", "err=%s status=%d", r->err ? err_name(r->err) : "none",
			 r->err ? 0 : r->status);
	if (!r->err && r->retry_after_s > 0)
		m->held_until = now + r->retry_after_s * NS_PER_S;
	scan_on_reply(m->scan, now, id, good ? (const char *)r->body : NULL, good ? r->body_len : 0);
	connection_tend(s);
	pump_after(s);
}

static void ask(void *ctx, uint64_t id, const char *path, uint32_t weight)
{
	struct markets *m = ctx;
	uint32_t i = 0;
	while (i < CALLS_MAX && m->call[i].id)
		i++;
	/* One at a time, and a round each scan_every: far below any budget. What may not or cannot be sent, or is
	 * not answered, the scan asks for again by its own limit on waiting. */
	if (i == CALLS_MAX || requests_wait(m->shell))
		return;
	log_debug("request", "path=%s weight=%u", path, weight);
	m->call[i] = (struct call){m, id};
	if (requests_get(m->shell, VENUE_ASK_LISTINGS, path, on_response, &m->call[i]))
		m->call[i].id = 0;
}

static int follow_outcome(struct markets *m, const char *raw)
{
	struct shell *s = m->shell;
	struct collector_load load[COLLECTOR_CONNECTIONS_MAX];
	struct collector_market rows[COLLECTOR_GROUPS_MAX];
	uint32_t n;
	collector_core_loads(s->core, load);
	int rc = plan_place(&m->plan, load, raw, rows, &n);
	return rc ? rc : collector_core_follow(s->core, pump_now(s), rows, n, &s->sink);
}

static void drop(void *ctx, const struct venue_listing *l)
{
	struct markets *m = ctx;
	struct shell *s = m->shell;
	log_info("dropping", "market=%s title=%s", l->group, l->title);
	for (uint32_t i = 0; i < l->outcomes; i++)
		collector_core_drop(s->core, pump_now(s), l->outcome[i].raw, &s->sink);
	connection_tend(s);
}

static bool follow(void *ctx, const struct venue_listing *l)
{
	struct markets *m = ctx;
	int rc = 0;
	for (uint32_t i = 0; i < l->outcomes && !rc; i++)
		rc = follow_outcome(m, l->outcome[i].raw);
	if (!rc) {
		log_info("following", "market=%s title=%s", l->group, l->title);
		return true;
	}
	log_warn("cannot follow", "market=%s title=%s err=%s", l->group, l->title, err_name(rc));
	drop(ctx, l);
	return false;
}

static bool resolve(void *ctx, const struct venue_listing *l)
{
	struct markets *m = ctx;
	struct shell *s = m->shell;
	const struct venue_outcome *won = &l->outcome[0];
	bool all = true;
	for (uint32_t i = 1; i < l->outcomes; i++)
		won = l->outcome[i].pays > won->pays ? &l->outcome[i] : won;
	for (uint32_t i = 0; i < l->outcomes; i++) {
		struct collector_outcome o = {.raw = l->outcome[i].raw,
					      .outcome = won->name,
					      .pays = l->outcome[i].pays,
					      .at = l->resolved_at};
		all = collector_core_resolve(s->core, pump_now(s), &o, &s->sink) && all;
	}
	if (!all)
		log_warn("an outcome cannot be put on record", "market=%s title=%s", l->group, l->title);
	return all;
}

/* ---- life ---- */

int markets_new(struct shell *s, char *reason, size_t cap)
{
	if (!s->set.scan)
		return 0;
	struct scan_settings set;
	struct scan_actions actions = {.ask = ask, .follow = follow, .resolve = resolve, .drop = drop};
	struct markets *m = calloc(1, sizeof *m);
	int rc = m ? collector_section_plan(&s->set, &m->plan, reason, cap) : ERR_NOMEM;
	if (rc) {
		free(m);
		return rc;
	}
	scan_defaults(&set, s->venue);
	collector_section_scan(&s->set, &set);
	actions.ctx = m;
	m->shell = s;
	s->markets = m;
	rc = scan_new(&set, &actions, &m->scan);
	if (rc)
		snprintf(reason, cap, "collector.scan: %s", err_text(rc));
	return rc;
}

void markets_free(struct shell *s)
{
	if (s->markets)
		scan_free(s->markets->scan);
	free(s->markets);
	s->markets = NULL;
}

void markets_start(struct shell *s)
{
	struct markets *m = s->markets;
	if (!m)
		return;
	for (uint32_t i = 0; collector_core_came(s->core, i); i++)
		scan_adopt(m->scan, collector_core_came(s->core, i));
	m->started = true;
	m->listings = collector_core_counters(s->core)->listings;
	m->resolved = s->n_resolved;
	scan_start(m->scan, pump_now(s));
}

/* What the stream has told since the last tick. */
static void listen(struct markets *m)
{
	struct shell *s = m->shell;
	uint64_t listings = collector_core_counters(s->core)->listings, from = m->resolved;
	if (listings != m->listings)
		scan_on_announced(m->scan, pump_now(s));
	m->listings = listings;
	/* Of more than there is room for the next round learns. */
	if (s->n_resolved - from > SHELL_RESOLVED)
		from = s->n_resolved - SHELL_RESOLVED;
	for (; from < s->n_resolved; from++) {
		const char *raw = s->resolved[from % SHELL_RESOLVED];
		scan_on_recorded(m->scan, pump_now(s), raw);
	}
	m->resolved = from;
}

void markets_tick(struct shell *s)
{
	struct markets *m = s->markets;
	if (!m || !m->started)
		return;
	listen(m);
	int64_t now = pump_now(s);
	if (now >= scan_due(m->scan) && now >= m->held_until && !requests_wait(s))
		scan_on_timer(m->scan, now);
	if (m->version == collector_core_version(s->core))
		return;
	m->version = collector_core_version(s->core);
	connection_tend(s);
}

static void raw_of(const struct shell *s, const struct symbol *instrument, char raw[SYMBOL_RAW_MAX + 1])
{
	size_t len = symbol_raw_len(instrument), suffix = strlen(s->venue->suffix);
	len = len > suffix ? len - suffix : 0;
	memcpy(raw, instrument->s, len);
	raw[len] = '\0';
}

void markets_resolved(struct shell *s, const struct symbol *instrument)
{
	raw_of(s, instrument, s->resolved[s->n_resolved++ % SHELL_RESOLVED]);
}

void markets_on_own(struct shell *s, const struct event *ev)
{
	char raw[SYMBOL_RAW_MAX + 1];
	if (!s->markets || ev->id != EVENT_resolution)
		return;
	raw_of(s, &ev->resolution.instrument, raw);
	scan_on_recorded(s->markets->scan, s->now, raw);
}

void markets_save(const struct shell *s, struct packer *p)
{
	pack_bool(p, s->markets != NULL);
	if (s->markets)
		scan_save(s->markets->scan, p);
}

/* Of a life that scanned, into one that does; the rest of the bytes is nobody's. */
void markets_load(struct shell *s, struct unpacker *u)
{
	if (unpack_bool(u) && s->markets)
		scan_load(s->markets->scan, u);
}

void markets_count(const struct shell *s, struct markets_counters *ret)
{
	const struct markets *m = s->markets;
	if (!m)
		return;
	const struct scan_counters *n = scan_counters(m->scan);
	*ret = (struct markets_counters){.followed = scan_followed(m->scan),
					 .found = scan_followed(m->scan) + n->left_out,
					 .left_out = n->left_out,
					 .rounds = n->rounds,
					 .failures = n->failures,
					 .dropped = n->dropped,
					 .given_up = n->given_up};
}

void markets_note(const struct shell *s, char note[EVENT_NAME_MAX])
{
	struct markets_counters n = {0};
	size_t used = strlen(note);
	markets_count(s, &n);
	snprintf(note + used, EVENT_NAME_MAX - used, ", %llu of %llu markets", (unsigned long long)n.followed,
		 (unsigned long long)n.found);
}
