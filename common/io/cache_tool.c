/* cache_tool - what tools ask of Redis themselves: which keys there are, and what one holds. These
 * wait. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/io/cache_redis.h"
#include "common/io/cache_slots.h"
#include "common/io/clock.h"

#define COMMAND_NS (500 * NS_PER_MS)
#define SCAN_ROUNDS_MAX 100000
#define STRINGS_MAX (4u << 20)

/* SIGPIPE is kept from the process for the time of a call, without touching what it does
 * otherwise. */
struct quiet {
	sigset_t pipe, before;
};

static void quiet_begin(struct quiet *q)
{
	sigemptyset(&q->pipe);
	sigaddset(&q->pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &q->pipe, &q->before);
}

static void quiet_end(struct quiet *q)
{
	struct timespec now = {0};

	while (sigtimedwait(&q->pipe, NULL, &now) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

struct tool {
	struct quiet quiet;
	struct redis_link *link;
	struct redis_reply reply;
	struct buf strings;
	int64_t command_ns;
};

static int tool_init(struct tool *t, const struct cache_options *o, char *reason, size_t cap)
{
	*t = (struct tool){.command_ns = o->command_ns > 0 ? o->command_ns : COMMAND_NS};
	if (cap > 0)
		reason[0] = '\0';
	if (!redis_address_ok(o->address)) {
		snprintf(reason, cap, "redis: the address must be host:port or unix:/path");
		return ERR_ARG;
	}
	buf_init(&t->strings, STRINGS_MAX);
	t->reply.strings = &t->strings;
	quiet_begin(&t->quiet);
	int rc = redis_open(o, &t->link, reason, cap);
	if (rc)
		quiet_end(&t->quiet);
	return rc;
}

static int tool_fini(struct tool *t, int rc, char *reason, size_t cap)
{
	if (rc && reason[0] == '\0')
		snprintf(reason, cap, "redis %s",
			 t->reply.errors ? t->reply.error : redis_reason(t->link));
	redis_close(t->link);
	buf_fini(&t->strings);
	quiet_end(&t->quiet);
	return rc;
}

/* One command, one reply; its strings are in t->strings. */
static int ask(struct tool *t, int argc, const char **argv)
{
	int rc = redis_command(t->link, argc, argv, NULL);

	buf_clear(&t->strings);
	redis_deadline(t->link, 4 * t->command_ns);
	if (!rc)
		rc = redis_reply(t->link, &t->reply);
	return rc ? rc : t->reply.errors ? ERR_REFUSED : 0;
}

/* The string at *at of what was captured, copied and cut to cap; false at the end. */
static bool next_string(const struct buf *b, size_t *at, char *out, size_t cap)
{
	uint32_t n;

	if (*at + sizeof(n) > b->len)
		return false;
	memcpy(&n, b->at + *at, sizeof(n));
	size_t kept = n < cap - 1 ? n : cap - 1;
	memcpy(out, b->at + *at + sizeof(n), kept);
	out[kept] = '\0';
	*at += sizeof(n) + n;
	return true;
}

static int describe(struct tool *t, const char *key, struct cache_found *ret_found,
		    char type[REDIS_TEXT_MAX])
{
	int rc = ask(t, 2, (const char *[]){"TYPE", key});

	if (rc)
		return rc;
	memcpy(type, t->reply.text, REDIS_TEXT_MAX);
	rc = ask(t, 2, (const char *[]){"PTTL", key});
	*ret_found = (struct cache_found){.key = key, .type = type, .ttl_ms = t->reply.integer};
	return rc;
}

/* One page of SCAN; the keys are copied, as describing them asks again. */
static int scan_page(struct tool *t, char cursor[32], const char *match, struct buf *keys)
{
	int rc = ask(t, 6, (const char *[]){"SCAN", cursor, "MATCH", match, "COUNT", "200"});
	size_t at = 0;

	buf_clear(keys);
	if (rc)
		return rc;
	if (!next_string(&t->strings, &at, cursor, 32))
		return ERR_PROTOCOL;
	return t->strings.len > at ? buf_append(keys, t->strings.at + at, t->strings.len - at) : 0;
}

static int each_key(struct tool *t, const struct buf *keys,
		    bool (*fn)(void *ctx, const struct cache_found *f),
		    void *ctx, bool *ret_go_on)
{
	char key[CACHE_NAME_MAX], type[REDIS_TEXT_MAX];
	struct cache_found found;

	for (size_t at = 0; next_string(keys, &at, key, sizeof(key));) {
		int rc = describe(t, key, &found, type);
		if (rc)
			return rc;
		if (found.ttl_ms == -2) /* expired between the two questions */
			continue;
		*ret_go_on = fn(ctx, &found);
		if (!*ret_go_on)
			break;
	}
	return 0;
}

int cache_scan(const struct cache_options *o, bool (*fn)(void *ctx, const struct cache_found *f),
	       void *ctx,
	       char *reason, size_t cap)
{
	char match[CACHE_PREFIX_MAX + 8], cursor[32] = "0";
	bool go_on = true;
	struct buf keys;
	struct tool t;
	int rc = tool_init(&t, o, reason, cap);

	if (rc)
		return rc;
	buf_init(&keys, STRINGS_MAX);
	snprintf(match, sizeof(match), "%.*s:*", CACHE_PREFIX_MAX, o->prefix ? o->prefix : "nj");
	for (int i = 0; !rc && go_on && i < SCAN_ROUNDS_MAX; i++) {
		rc = scan_page(&t, cursor, match, &keys);
		if (!rc)
			rc = each_key(&t, &keys, fn, ctx, &go_on);
		go_on &= strcmp(cursor, "0") != 0;
	}
	buf_fini(&keys);
	return tool_fini(&t, rc, reason, cap);
}

/* The value of "name:value" among the lines of INFO; "" where it is not there. */
static void info_value(const struct buf *info, const char *name, char *out, size_t cap)
{
	const char *at = (const char *)info->at, *end = at + info->len;
	size_t n = strlen(name);

	out[0] = '\0';
	while (at && at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at);
		if (len > n + 1 && memcmp(at, name, n) == 0 && at[n] == ':') {
			snprintf(out, cap, "%.*s", (int)strcspn(at + n + 1, "\r\n"), at + n + 1);
			return;
		}
		at = line_end ? line_end + 1 : end;
	}
}

/* Refused is an answer; any other error is not. */
static int may(struct tool *t, int argc, const char **argv, bool *ret_may)
{
	int rc = ask(t, argc, argv);

	*ret_may = rc == 0;
	return rc == ERR_REFUSED ? 0 : rc;
}

static int look(struct tool *t, struct cache_server *s)
{
	char number[24];
	bool told;
	int rc = may(t, 1, (const char *[]){"INFO"}, &told);

	if (rc)
		return rc;
	if (told && t->strings.len > sizeof(uint32_t)) {
		if (buf_byte(&t->strings, '\0') != 0)
			return ERR_NOMEM;
		struct buf text = {.at = t->strings.at + sizeof(uint32_t),
				   .len = t->strings.len - sizeof(uint32_t) - 1};
		info_value(&text, "redis_version", s->version, sizeof(s->version));
		info_value(&text, "maxmemory_policy", s->policy, sizeof(s->policy));
		info_value(&text, "maxmemory", number, sizeof(number));
		s->memory_max = number[0] ? strtoll(number, NULL, 10) : -1;
	}
	rc = may(t, 3, (const char *[]){"CONFIG", "GET", "dir"}, &s->config);
	if (!rc)
		rc = may(t, 3, (const char *[]){"EVAL", "return 1", "0"}, &s->scripts);
	return rc ? rc : may(t, 2, (const char *[]){"MODULE", "LIST"}, &s->modules);
}

int cache_server(const struct cache_options *o, struct cache_server *ret_server, char *reason,
		 size_t cap)
{
	struct cache_server s = {.memory_max = -1};
	struct tool t;
	int rc = tool_init(&t, o, reason, cap);

	if (rc)
		return rc;
	rc = look(&t, &s);
	if (!rc)
		*ret_server = s;
	return tool_fini(&t, rc, reason, cap);
}

static int print_strings(const struct buf *strings, struct buf *out)
{
	int rc = 0;

	for (size_t at = 0; !rc && at + sizeof(uint32_t) <= strings->len;) {
		uint32_t n;
		memcpy(&n, strings->at + at, sizeof(n));
		at += sizeof(n);
		rc = buf_append(out, strings->at + at, n);
		if (!rc)
			rc = buf_byte(out, '\n');
		at += n;
	}
	return rc;
}

int cache_get(const struct cache_options *o, const char *key, struct buf *out, char *reason,
	      size_t cap)
{
	struct tool t;
	int rc = tool_init(&t, o, reason, cap);

	if (rc)
		return rc;
	rc = ask(&t, 2, (const char *[]){"TYPE", key});
	if (!rc && strcmp(t.reply.text, "list") == 0)
		rc = ask(&t, 4, (const char *[]){"LRANGE", key, "0", "-1"});
	else if (!rc && strcmp(t.reply.text, "none") == 0)
		rc = ERR_NOT_FOUND;
	else if (!rc)
		rc = ask(&t, 2, (const char *[]){"GET", key});
	if (!rc)
		rc = t.reply.kind == REDIS_NIL ? ERR_NOT_FOUND : print_strings(&t.strings, out);
	if (rc == ERR_NOT_FOUND)
		snprintf(reason, cap, "redis: there is no key %.150s", key);
	return tool_fini(&t, rc, reason, cap);
}
