/* bus_zmq_curve - the bus's keys at work: CURVE on every tcp socket, and who is let in.
 *
 * CURVE by itself authenticates the server only: without a ZAP handler libzmq takes any client (Z15). The handler is a
 * REP socket on our own loop and not czmq's zauth: no thread, a revocation is in force at once, and the name that it
 * hands to libzmq comes back with every message ("User-Id"), so that a request's role is what the key may do now.
 * libzmq asks with seven frames and takes six (rfc.zeromq.org/spec/27).
 *
 *     handshake ─► I/O thread asks ─► on_zap ─► key known, not revoked, not banned? ─► 200 with its name, or 300
 *     each second: has the directory changed? ─► keys anew ─► on_change (a key lost: all connections are made anew)
 */
#include <zmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/bus_zmq_priv.h"
#include "common/io/keys.h"
#include "common/io/log.h"

enum { ZAP_A_TURN = 64, BANS_MAX = 8 };
#define LOOK_NS (1 * NS_PER_S)
#define BAN_NS (60 * NS_PER_S)

struct bus_curve {
	struct loop *loop;
	struct key_secret *secret;
	struct keys keys, fresh;
	void *zap;
	struct loop_source *zap_source, *look;
	bool again; /* the directory had changed at the last look, maybe twice within one tick of its clock */
	void (*on_change)(void *ctx, bool lost);
	void *ctx;
	struct ban {
		char name[KEY_NAME_MAX];
		int64_t until;
	} ban[BANS_MAX];
	size_t next_ban;
};

static int64_t now(const struct bus_curve *c)
{
	return clock_mono(loop_clock(c->loop));
}

static bool is_banned(const struct bus_curve *c, const char *name)
{
	for (size_t i = 0; i < BANS_MAX; i++)
		if (strcmp(c->ban[i].name, name) == 0 && now(c) < c->ban[i].until)
			return true;
	return false;
}

void bus_curve_ban(struct bus_curve *c, const char *name)
{
	if (is_banned(c, name))
		return;
	struct ban *b = &c->ban[c->next_ban++ % BANS_MAX];
	snprintf(b->name, sizeof b->name, "%s", name);
	b->until = now(c) + BAN_NS;
	log_error("a bus peer floods us and is kept out for a minute", "key=%s", name);
}

enum role bus_curve_role(const struct bus_curve *c, const char *name)
{
	const struct key *k = keys_find(&c->keys, name);
	return k && !k->revoked ? k->role : role_none;
}

const char *bus_curve_key(const struct bus_curve *c, const char *publisher)
{
	const struct key *k = keys_find(&c->keys, publisher);
	return k && !k->revoked && k->role == role_service ? k->public_text : NULL;
}

void bus_curve_check_own(const struct bus_curve *c, const char *publisher)
{
	const char *known = bus_curve_key(c, publisher);
	char remedy[120];
	if (known && strcmp(known, c->secret->public_text) == 0)
		return;
	snprintf(remedy, sizeof remedy, "nj keys make %.40s --role service, and that as bus.key", publisher);
	log_error("nobody will hear this publisher: its name has another key, or none of a service",
		  "publisher=%s remedy=%s", publisher, remedy);
}

/* ---- letting in ---- */

static const struct key *who(const struct bus_curve *c, const uint8_t *public_key, size_t len, const char **ret_why)
{
	char text[KEY_TEXT_MAX];
	*ret_why = "unknown key";
	if (len != 32 || !zmq_z85_encode(text, public_key, len))
		return NULL;
	const struct key *k = keys_who(&c->keys, text);
	if (k && k->revoked)
		*ret_why = "revoked key";
	else if (k && is_banned(c, k->name))
		*ret_why = "key kept out";
	else if (k)
		*ret_why = NULL;
	return k;
}

enum { ZAP_VERSION, ZAP_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY, ZAP_FRAMES };

/* One question; -1 where there is none. Frames that are too many are dropped. */
static int read_question(void *zap, zmq_msg_t part[ZAP_FRAMES])
{
	int n = 0, more = 1;
	zmq_msg_t rest;
	zmq_msg_init(&rest);
	while (more) {
		zmq_msg_t *m = n < ZAP_FRAMES ? &part[n] : &rest;
		if (n < ZAP_FRAMES)
			zmq_msg_init(m);
		if (zmq_msg_recv(m, zap, ZMQ_DONTWAIT) < 0)
			break;
		more = zmq_msg_more(m);
		n++;
	}
	zmq_msg_close(&rest);
	return n == 0 ? -1 : n;
}

static void say_frame(void *zap, const void *bytes, size_t len, bool more)
{
	if (zmq_send(zap, bytes, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
		log_warn("a bus handshake could not be answered", "err=%s", zmq_strerror(zmq_errno()));
}

static void say_text(void *zap, const char *text, bool more)
{
	say_frame(zap, text, strlen(text), more);
}

static bool is_text(zmq_msg_t *m, const char *text)
{
	return zmq_msg_size(m) == strlen(text) && memcmp(zmq_msg_data(m), text, strlen(text)) == 0;
}

static void answer(struct bus_curve *c, zmq_msg_t part[ZAP_FRAMES], int n)
{
	const char *why = "not CURVE";
	const struct key *k = NULL;
	if (n == ZAP_FRAMES && is_text(&part[ZAP_VERSION], "1.0") && is_text(&part[ZAP_MECHANISM], "CURVE"))
		k = who(c, zmq_msg_data(&part[ZAP_KEY]), zmq_msg_size(&part[ZAP_KEY]), &why);
	if (why)
		log_warn("bus peer refused", "address=%.*s key=%s why=%s",
			 n > ZAP_ADDRESS ? (int)zmq_msg_size(&part[ZAP_ADDRESS]) : 0,
			 n > ZAP_ADDRESS ? (const char *)zmq_msg_data(&part[ZAP_ADDRESS]) : "", k ? k->name : "", why);
	say_text(c->zap, "1.0", true);
	say_frame(c->zap, n > ZAP_ID ? zmq_msg_data(&part[ZAP_ID]) : "", n > ZAP_ID ? zmq_msg_size(&part[ZAP_ID]) : 0,
		  true);
	/* 300, a temporary error, and not 400: at 400 libzmq's client gives the connection up for good, and somebody
	 * whose key comes a minute later would have to be started again. */
	say_text(c->zap, why ? "300" : "200", true);
	say_text(c->zap, why ? why : "OK", true);
	say_text(c->zap, why || !k ? "" : k->name, true);
	say_frame(c->zap, "", 0, false);
}

/* So many a turn: handshakes must not keep the frames waiting. */
static void on_zap(void *ctx, int events)
{
	struct bus_curve *c = ctx;
	(void)events;
	for (int i = 0; i < ZAP_A_TURN; i++) {
		zmq_msg_t part[ZAP_FRAMES];
		int n = read_question(c->zap, part);
		if (n < 0) {
			zmq_msg_close(&part[0]);
			return;
		}
		answer(c, part, n);
		for (int k = 0; k < n && k < ZAP_FRAMES; k++)
			zmq_msg_close(&part[k]);
	}
}

static int start_zap(struct bus_curve *c)
{
	int zero = 0;
	c->zap = zmq_socket(bus_context(), ZMQ_REP);
	if (!c->zap)
		return ERR_NOMEM;
	must(zmq_setsockopt(c->zap, ZMQ_LINGER, &zero, sizeof zero) == 0);
	if (zmq_bind(c->zap, "inproc://zeromq.zap.01") != 0)
		return zmq_errno() == EADDRINUSE ? ERR_BUSY : err_from_errno(zmq_errno());
	return loop_zmq(c->loop, c->zap, on_zap, c, &c->zap_source);
}

/* ---- sockets ---- */

static void set_text(void *socket, int option, const char *text)
{
	must(zmq_setsockopt(socket, option, text, strlen(text) + 1) == 0);
}

/* The handler stands before the first socket is bound and is closed after the last: without one libzmq would let
 * everybody in. */
int bus_curve_serve(struct bus_curve *c, void *socket)
{
	int one = 1;
	int rc = c->zap ? 0 : start_zap(c);
	if (rc)
		return rc;
	must(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one) == 0);
	set_text(socket, ZMQ_CURVE_SECRETKEY, c->secret->secret_text);
	must(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "nightjar", strlen("nightjar")) == 0);
	return 0;
}

void bus_curve_connect(struct bus_curve *c, void *socket, const char *key)
{
	set_text(socket, ZMQ_CURVE_SERVERKEY, key);
	set_text(socket, ZMQ_CURVE_PUBLICKEY, c->secret->public_text);
	set_text(socket, ZMQ_CURVE_SECRETKEY, c->secret->secret_text);
}

/* ---- changes of the directory ---- */

/* Is somebody who was let in not let in any more, or as somebody else? */
static bool loses(const struct keys *was, const struct keys *is)
{
	for (size_t i = 0; i < was->n; i++) {
		const struct key *old = &was->at[i], *k = keys_who(is, old->public_text);
		bool in = old->public_text[0] && !old->revoked;
		if (in && (!k || k->revoked || k->role != old->role || strcmp(k->name, old->name) != 0))
			return true;
	}
	return false;
}

static void on_look(void *ctx)
{
	struct bus_curve *c = ctx;
	char reason[KEYS_REASON_MAX];
	bool changed = keys_changed(&c->keys);
	if (!changed && !c->again)
		return;
	c->again = changed;
	int rc = keys_load(c->keys.dir, &c->fresh, reason, sizeof reason);
	if (rc) { /* an accident must not put everybody out: what was good stays */
		log_error("keys cannot be read, the last ones stay in force", "err=%s reason=%s", err_name(rc), reason);
		return;
	}
	if (c->fresh.unreadable)
		log_warn("keys left out", "files=%zu last=%s", c->fresh.unreadable, c->fresh.complaint);
	bool lost = loses(&c->keys, &c->fresh);
	c->keys = c->fresh;
	if (changed)
		log_info("keys read anew", "keys=%zu lost=%d", c->keys.n, lost);
	if (c->on_change)
		c->on_change(c->ctx, lost);
}

void bus_curve_on_change(struct bus_curve *c, void (*fn)(void *ctx, bool lost), void *ctx)
{
	c->on_change = fn;
	c->ctx = ctx;
}

int bus_curve_open(struct loop *l, const struct bus_zmq_options *o, struct bus_curve **ret_curve, char *reason,
		   size_t cap)
{
	struct bus_curve *c = calloc(1, sizeof *c);
	if (!c)
		return ERR_NOMEM;
	c->loop = l;
	keys_no_dumps(); /* libzmq copies the secret into each socket: it is in pages that we cannot mark */
	int rc = zmq_has("curve") ? 0 : ERR_UNKNOWN;
	if (rc)
		snprintf(reason, cap, "this libzmq was built without CURVE: bus.transport must be ipc");
	if (!rc)
		rc = keys_load(o->keys ? o->keys : "", &c->keys, reason, cap);
	if (!rc)
		rc = keys_secret(o->keys, o->key ? o->key : "", &c->secret, reason, cap);
	if (!rc && c->keys.unreadable)
		log_warn("keys left out", "files=%zu last=%s", c->keys.unreadable, c->keys.complaint);
	if (!rc)
		rc = loop_timer(l, LOOK_NS, LOOK_NS, on_look, c, &c->look);
	if (rc) {
		bus_curve_close(c);
		return rc;
	}
	*ret_curve = c;
	return 0;
}

void bus_curve_close(struct bus_curve *c)
{
	if (!c)
		return;
	loop_end(&c->look);
	loop_end(&c->zap_source);
	if (c->zap)
		zmq_close(c->zap);
	keys_forget(&c->secret);
	free(c);
}
