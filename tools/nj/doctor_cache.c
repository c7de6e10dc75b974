/* doctor_cache - the Redis of a stack: does it answer, are its keys ours, who else could write there, can it grow.
 *
 * Nothing decides by what is in Redis. What is checked here protects those who look at it, and the machine it runs on:
 * whoever may use CONFIG or MODULE makes a Redis write files and load code.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/cache.h"
#include "tools/nj/doctor.h"
#include "tools/nj/table.h"

#define KEYS_LOOKED_AT 20000 /* of more there need be no second opinion */

struct keys {
	uint64_t n, endless, foreign, mistyped;
	char first_endless[100], first_foreign[100], first_mistyped[160];
};

static void note(uint64_t *count, char *first, size_t cap, const char *what)
{
	if ((*count)++ == 0)
		snprintf(first, cap, "%.*s", (int)cap - 1, what);
}

static bool count_key(void *ctx, const struct cache_found *found)
{
	struct keys *k = ctx;
	const struct cache_row *row = cache_row_of(found->key, NULL);
	char text[160];
	k->n++;
	if (found->ttl_ms < 0)
		note(&k->endless, k->first_endless, sizeof k->first_endless, found->key);
	if (!row) {
		note(&k->foreign, k->first_foreign, sizeof k->first_foreign, found->key);
	} else if (strcmp(found->type, cache_type(row)) != 0) {
		snprintf(text, sizeof text, "%.90s is a %.20s where a %s belongs", found->key, found->type,
			 cache_type(row));
		note(&k->mistyped, k->first_mistyped, sizeof k->first_mistyped, text);
	}
	return k->n < KEYS_LOOKED_AT;
}

/* True where it answers. */
static bool check_keys(struct doctor *d, const struct cache_options *o)
{
	struct finding *f = doctor_check(d, "cache", "reachable, every key is ours and has a TTL");
	char reason[300] = "";
	struct keys keys = {0};
	if (!o->address[0]) {
		finding_measure(f, "none is set (redis.url): nothing to check");
		return false;
	}
	int rc = cache_scan(o, count_key, &keys, reason, sizeof reason);
	finding_measure(f, "%.80s, %" PRIu64 " keys, %" PRIu64 " without a TTL", o->address, keys.n, keys.endless);
	if (rc == ERR_REFUSED)
		finding_blame(f, DOCTOR_WARN, "set redis.password (NIGHTJAR_REDIS__PASSWORD_FILE) to the one Redis has",
			      "it lets us do nothing: %s", reason);
	else if (rc == ERR_TIMEOUT)
		finding_blame(f, DOCTOR_WARN, "see what keeps it: redis-cli slowlog get; is its process stopped?",
			      "it is there and does not answer: %s", reason);
	else if (rc)
		finding_blame(f, DOCTOR_WARN, "start Redis, or set redis.url; trading does not need it", "%s",
			      reason[0] ? reason : err_text(rc));
	if (keys.endless)
		finding_blame(f, DOCTOR_FAIL, "find who made it: no key of ours is without one", "%s never expires",
			      keys.first_endless);
	if (keys.mistyped)
		finding_blame(f, DOCTOR_WARN, "find who writes there; ours comes back by itself", "%s",
			      keys.first_mistyped);
	if (keys.foreign)
		finding_blame(f, DOCTOR_WARN, "find who writes under our prefix", "%s is none of our keys",
			      keys.first_foreign);
	return rc == 0;
}

/* A socket is as private as the tightest of its own mode and its directory's. */
static bool is_private(const char *address)
{
	char path[STACK_PATH_MAX];
	struct stat st;
	if (strncmp(address, "unix:", 5) != 0)
		return false;
	snprintf(path, sizeof path, "%s", address + 5);
	if (stat(path, &st) == 0 && (st.st_mode & 077) == 0)
		return true;
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return stat(slash ? path : ".", &st) == 0 && (st.st_mode & 077) == 0;
}

static void check_guard(struct doctor *d, const struct cache_options *o, const struct cache_server *s)
{
	struct finding *f = doctor_check(d, "cache.guard", "a password or a private socket; no CONFIG, MODULE, EVAL");
	if (!s) {
		finding_measure(f, "not known: it was not asked");
		return;
	}
	bool open = !o->password[0] && !is_private(o->address), mighty = s->config || s->modules || s->scripts;
	finding_measure(f, "%s; CONFIG %s, MODULE %s, EVAL %s",
			o->password[0] ? "password" : open ? "no password" : "private socket", s->config ? "yes" : "no",
			s->modules ? "yes" : "no", s->scripts ? "yes" : "no");
	if (open && (s->config || s->modules))
		finding_blame(f, DOCTOR_FAIL, "requirepass, and an ACL user without @dangerous; or a private socket",
			      "whoever reaches %.80s may make it write files and load code", o->address);
	if (open)
		finding_blame(f, DOCTOR_WARN, "requirepass and redis.password, or a socket in a private directory",
			      "whoever reaches %.80s may write what dashboards show", o->address);
	if (mighty && !is_private(o->address))
		finding_blame(f, DOCTOR_WARN, "an ACL user with ~nj:* +@all -@dangerous -@scripting +info",
			      "our user may do more than it needs: CONFIG, MODULE or EVAL");
}

static void check_memory(struct doctor *d, const struct cache_server *s)
{
	struct finding *f = doctor_check(d, "cache.memory", "maxmemory is set, and at it old keys give way");
	char size[TABLE_SHORT_MAX];
	if (!s || s->memory_max < 0) {
		finding_measure(f, "not known: %s", s ? "it does not say (INFO)" : "it was not asked");
		return;
	}
	finding_measure(f, "%s, %s, Redis %s", s->memory_max ? table_bytes(s->memory_max, size) : "no limit",
			s->policy, s->version);
	if (s->memory_max == 0)
		finding_blame(f, DOCTOR_WARN, "maxmemory 64mb", "it may take all of the machine's memory");
	else if (strcmp(s->policy, "noeviction") == 0)
		finding_blame(f, DOCTOR_WARN, "maxmemory-policy volatile-ttl", "when it is full it refuses our values");
}

void doctor_cache(struct doctor *d)
{
	char address[200], path[STACK_PATH_MAX], reason[300] = "";
	struct cache_server server;
	snprintf(address, sizeof address, "%s", d->run.redis_url);
	snprintf(path, sizeof path, "%s/redis.sock", d->run.bus_dir);
	if (!address[0] && access(path, F_OK) == 0)
		snprintf(address, sizeof address, "unix:%.180s", path); /* the one of nj up */
	struct cache_options o = {.address = address, .password = d->run.redis_password};
	bool known = check_keys(d, &o) && cache_server(&o, &server, reason, sizeof reason) == 0;
	check_guard(d, &o, known ? &server : NULL);
	check_memory(d, known ? &server : NULL);
}
