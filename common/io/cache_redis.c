/* cache_redis - hiredis 0.14 and 1.x, their common subset, with our own eyes on the replies.
 *
 * hiredis has no limit on a reply's size (and before 1.0 none on an array's): redis_reply feeds
 * the reader itself and stops at REDIS_REPLY_MAX, and the reader's object functions, which would
 * allocate, are replaced by ours.
 */
#include "common/io/cache_redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"

#define CONNECT_NS (250 * NS_PER_MS)
#define COMMAND_NS (500 * NS_PER_MS)
#define HOST_MAX 256

#if HIREDIS_MAJOR >= 1
typedef size_t redis_count;
#else
typedef int redis_count;
#endif

struct redis_link {
	redisContext *c;
	int64_t due; /* mono ns */
	struct redis_reply *sink;
	bool too_much; /* the sink refused a reply */
	bool unsent;   /* commands are queued */
	char reason[REDIS_TEXT_MAX];
};

/* ---- What the reader finds, told to the sink. */

static struct redis_link *link_of(const redisReadTask *task)
{
	return task->privdata;
}

static void copy_text(char out[REDIS_TEXT_MAX], const char *text, size_t len)
{
	size_t n = len < REDIS_TEXT_MAX - 1 ? len : REDIS_TEXT_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
	out[n] = '\0';
}

static void *refuse(struct redis_link *l)
{
	l->too_much = true;
	return NULL; /* hiredis takes it for a lack of memory and gives the connection up */
}

static void *keep(struct redis_link *l, const char *text, size_t len)
{
	uint32_t n = (uint32_t)len;
	struct buf *to = l->sink->strings;

	if (to && (buf_append(to, &n, sizeof(n)) != 0 || buf_append(to, text, len) != 0))
		return refuse(l);
	return l;
}

static void note_error(struct redis_reply *r, const char *text, size_t len)
{
	if (r->errors++ == 0)
		copy_text(r->error, text, len);
}

static void *on_string(const redisReadTask *task, char *text, size_t len)
{
	struct redis_link *l = link_of(task);
	struct redis_reply *r = l->sink;
	enum redis_kind kind = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
			       : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
								  : REDIS_STRING;

	if (kind == REDIS_ERROR)
		note_error(r, text, len);
	if (!task->parent) {
		r->kind = kind;
		copy_text(r->text, text, len);
	}
	return kind == REDIS_STRING ? keep(l, text, len) : l;
}

static void *on_array(const redisReadTask *task, redis_count n)
{
	struct redis_link *l = link_of(task);

	if ((uint64_t)n > REDIS_ELEMENTS_MAX)
		return refuse(l);
	if (!task->parent)
		l->sink->kind = REDIS_LIST;
	return l;
}

static void *on_integer(const redisReadTask *task, long long value)
{
	struct redis_link *l = link_of(task);
	struct redis_reply *r = l->sink;

	if (!task->parent)
		r->kind = REDIS_INTEGER;
	if (!task->parent || (task->idx == 0 && task->parent->parent == NULL))
		r->integer = value;
	return l;
}

static void *on_nil(const redisReadTask *task)
{
	struct redis_link *l = link_of(task);

	if (!task->parent)
		l->sink->kind = REDIS_NIL;
	return l;
}

static void on_free(void *object)
{
	(void)object; /* nothing was made */
}

static redisReplyObjectFunctions functions = {
	.createString = on_string,
	.createArray = on_array,
	.createInteger = on_integer,
	.createNil = on_nil,
	.freeObject = on_free,
};

/* ---- Connecting. */

static int say(struct redis_link *l, int err, const char *what, const char *more)
{
	snprintf(l->reason, sizeof(l->reason), "%s: %.100s", what, more);
	return err;
}

static struct timeval to_timeval(int64_t ns, int64_t fallback)
{
	int64_t us = (ns > 0 ? ns : fallback) / NS_PER_US;
	return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

/* "host:port"; the last colon counts, so that [::1]:6379 works too. */
static bool split_address(const char *address, char host[HOST_MAX], int *ret_port)
{
	const char *colon = strrchr(address, ':');
	char *end;

	if (!colon || colon == address || (size_t)(colon - address) >= HOST_MAX)
		return false;
	long port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || port < 1 || port > 65535)
		return false;
	size_t n = (size_t)(colon - address);
	if (address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	memcpy(host, address, n);
	host[n] = '\0';
	*ret_port = (int)port;
	return true;
}

static const char *unix_path(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

bool redis_address_ok(const char *address)
{
	char host[HOST_MAX];
	int port;

	if (!address)
		return false;
	if (unix_path(address))
		return unix_path(address)[0] != '\0'; /* relative: a stack keeps its own short */
	return split_address(address, host, &port);
}

static redisContext *dial(const struct cache_options *o)
{
	struct timeval tv = to_timeval(o->connect_ns, CONNECT_NS);
	const char *path = unix_path(o->address);
	char host[HOST_MAX];
	int port;

	if (path)
		return redisConnectUnixWithTimeout(path, tv);
	must(split_address(o->address, host, &port));
	return redisConnectWithTimeout(host, port, tv);
}

static int ask(struct redis_link *l, int argc, const char **argv)
{
	struct redis_reply r = {0};
	int rc = redis_command(l, argc, argv, NULL);

	if (!rc)
		rc = redis_reply(l, &r);
	if (!rc && r.errors > 0)
		return say(l, ERR_REFUSED, argv[0], r.error);
	return rc;
}

static int greet(struct redis_link *l, const struct cache_options *o)
{
	char database[16];
	int rc = 0;

	snprintf(database, sizeof(database), "%d", o->database);
	redis_deadline(l, 4 * (o->command_ns > 0 ? o->command_ns : COMMAND_NS));
	if (o->password && o->password[0] && o->user && o->user[0])
		rc = ask(l, 3, (const char *[]){"AUTH", o->user, o->password});
	else if (o->password && o->password[0])
		rc = ask(l, 2, (const char *[]){"AUTH", o->password});
	if (!rc && o->database != 0)
		rc = ask(l, 2, (const char *[]){"SELECT", database});
	/* Tells a server that wants a password from one that answers, before anything is written.
	 */
	return rc ? rc : ask(l, 1, (const char *[]){"PING"});
}

static int set_up(struct redis_link *l, const struct cache_options *o)
{
	l->c = dial(o);
	if (!l->c)
		return say(l, ERR_NOMEM, o->address, "no memory for a connection");
	if (l->c->err)
		return say(l, errno == ETIMEDOUT || errno == EAGAIN ? ERR_TIMEOUT : ERR_CONNECT,
			   o->address,
			   l->c->errstr);
	if (redisSetTimeout(l->c, to_timeval(o->command_ns, COMMAND_NS)) != REDIS_OK)
		return say(l, ERR_IO, o->address, l->c->errstr);
	if (!unix_path(o->address))
		(void)redisEnableKeepAlive(l->c);
	l->c->reader->fn = &functions;
	l->c->reader->privdata = l;
	return greet(l, o);
}

int redis_open(const struct cache_options *o, struct redis_link **ret_link, char *reason,
	       size_t cap)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (!l)
		return ERR_NOMEM;
	int rc = set_up(l, o);
	if (rc) {
		snprintf(reason, cap, "redis %s", l->reason);
		redis_close(l);
		return rc;
	}
	*ret_link = l;
	return 0;
}

void redis_close(struct redis_link *l)
{
	if (!l)
		return;
	if (l->c)
		redisFree(l->c);
	free(l);
}

const char *redis_reason(const struct redis_link *l)
{
	return l->reason;
}

/* ---- Commands and replies. */

int redis_command(struct redis_link *l, int argc, const char **argv, const size_t *lens)
{
	l->unsent = true;
	return redisAppendCommandArgv(l->c, argc, argv, lens) == REDIS_OK ? 0 : ERR_NOMEM;
}

void redis_deadline(struct redis_link *l, int64_t ns)
{
	l->due = clock_mono(clock_real()) + ns;
}

static int give_up(struct redis_link *l)
{
	int errnum = errno;

	if (l->too_much)
		return say(l, ERR_TOO_LONG, "reply", "larger than we take");
	switch (l->c->err) {
	case REDIS_ERR_EOF:
		return say(l, ERR_CLOSED, "connection", l->c->errstr);
	case REDIS_ERR_PROTOCOL:
		return say(l, ERR_PROTOCOL, "reply", l->c->errstr);
	case REDIS_ERR_IO:
		if (errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == ETIMEDOUT)
			return say(l, ERR_TIMEOUT, "connection", "no answer in time");
		return say(l, errnum == EPIPE || errnum == ECONNRESET ? ERR_CLOSED : ERR_IO,
			   "connection",
			   l->c->errstr);
	default:
		return say(l, ERR_IO, "connection", l->c->errstr);
	}
}

static bool is_late(const struct redis_link *l)
{
	return clock_mono(clock_real()) > l->due;
}

static int send_all(struct redis_link *l)
{
	int done = 0;

	while (!done) {
		if (is_late(l))
			return say(l, ERR_TIMEOUT, "connection", "commands are not taken in time");
		if (redisBufferWrite(l->c, &done) != REDIS_OK)
			return give_up(l);
	}
	l->unsent = false;
	return 0;
}

/* All but the caller's buffer, and no more of the texts than must be: done for each reply. */
static void clear(struct redis_reply *r)
{
	r->kind = REDIS_NOTHING;
	r->integer = 0;
	r->errors = 0;
	r->text[0] = '\0';
	r->error[0] = '\0';
}

int redis_reply(struct redis_link *l, struct redis_reply *reply)
{
	void *object = NULL;

	clear(reply);
	l->sink = reply;
	int rc = l->unsent ? send_all(l) : 0;
	while (!rc) {
		if (redisGetReplyFromReader(l->c, &object) != REDIS_OK)
			return give_up(l);
		if (object)
			break;
		if (l->c->reader->len - l->c->reader->pos > REDIS_REPLY_MAX)
			return say(l, ERR_TOO_LONG, "reply", "larger than we take");
		if (is_late(l))
			return say(l, ERR_TIMEOUT, "connection", "replies come too slowly");
		if (redisBufferRead(l->c) != REDIS_OK)
			return give_up(l);
	}
	return rc;
}
