/* bus_zmq - the bus over ZeroMQ: XPUB for each lane, ROUTER for requests, SUB and DEALER towards each publisher.
 *
 * XPUB instead of PUB so that subscriptions wake the loop: a PUB handles them only inside its own calls, and an
 * idle publisher would keep its subscribers deaf. NODROP is never set: one stopped reader would stop everybody.
 * The endpoints' lock is taken before bind, because libzmq unlinks an ipc path that somebody else still serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <czmq.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/bus.h"
#include "common/io/loop.h"

enum { DRAIN_MAX = 2000, HWM = 10000, LINGER_X_MS = 2000 };

struct zmq_link {
	struct bus_link link;
	struct zmq_link *next;
	struct bus_zmq *owner;
	enum lane lane;
	void *socket;
	struct loop_source *source;
};

struct asker { /* DEALER towards one publisher */
	struct asker *next;
	struct bus_zmq *owner;
	char publisher[EVENT_SOURCE_MAX];
	void *socket;
	struct loop_source *source;
};

struct bus_zmq {
	struct bus bus;
	struct loop *loop;
	char dir[80];
	int lock;
	void *pub[3]; /* by lane; [0] unused */
	void *rep;
	struct loop_source *pub_source[3], *rep_source;
	struct zmq_link *links;
	struct asker *askers;
};

static struct bus_zmq *zmq_of(struct bus *b)
{
	return (struct bus_zmq *)b;
}

static void *context(void)
{
	return zsys_init(); /* czmq's own: shared with its authentication actor */
}

static void set_int(void *socket, int option, int value)
{
	must(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

/* Options every socket gets (bus.md rule 11); 64-bit for MAXMSGSIZE only. */
static void *make_socket(int type, enum lane lane)
{
	void *s = zmq_socket(context(), type);
	if (!s)
		return NULL;
	int64_t frame_max = lane == LANE_M ? EVENT_PACKED_MAX : BUS_FRAME_X_MAX + 4096;
	must(zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
	set_int(s, ZMQ_LINGER, lane == LANE_X && type == ZMQ_XPUB ? LINGER_X_MS : 0);
	set_int(s, ZMQ_SNDHWM, type == ZMQ_SUB ? 0 : HWM);
	set_int(s, ZMQ_RCVHWM, HWM);
	set_int(s, ZMQ_HANDSHAKE_IVL, 2000);
	set_int(s, ZMQ_RECONNECT_IVL, 50);
	set_int(s, ZMQ_RECONNECT_IVL_MAX, 2000);
	return s;
}

static int endpoint(const struct bus_zmq *z, const char *publisher, const char *suffix, char out[160])
{
	int n = snprintf(out, 160, "ipc://%s/%s.%s", z->dir, publisher, suffix);
	return n > 0 && n < 113 ? 0 : ERR_TOO_LONG; /* sun_path holds 107 bytes and a NUL */
}

/* Reads one whole message of at most `cap` parts; frees them all. Returns the number of parts, or -1. */
static int receive(void *socket, zmq_msg_t *part, int cap)
{
	int n = 0, more = 1;
	while (more) {
		zmq_msg_t *m = &part[n < cap ? n : cap - 1];
		if (n >= cap)
			zmq_msg_close(m);
		zmq_msg_init(m);
		if (zmq_msg_recv(m, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(m);
			return n ? n : -1;
		}
		more = zmq_msg_more(m);
		n++;
	}
	return n;
}

static void release(zmq_msg_t *part, int n, int cap)
{
	for (int i = 0; i < n && i < cap; i++)
		zmq_msg_close(&part[i]);
}

static void batch_done(struct bus_zmq *z)
{
	if (z->bus.handler.on_batch)
		z->bus.handler.on_batch(z->bus.ctx);
}

static void on_sub(void *ctx, int events)
{
	struct zmq_link *link = ctx;
	struct bus_zmq *z = link->owner;
	(void)events;
	zmq_msg_t m;
	zmq_msg_init(&m);
	for (int i = 0; i < DRAIN_MAX; i++) {
		int n = zmq_msg_recv(&m, link->socket, ZMQ_DONTWAIT);
		if (n < 0)
			break;
		z->bus.counters.received[link->lane]++;
		z->bus.counters.received_bytes += (uint64_t)n;
		if (zmq_msg_more(&m))
			continue; /* our publishers send one frame; a stray part is skipped */
		z->bus.handler.on_frame(z->bus.ctx, &link->link, zmq_msg_data(&m), (size_t)n);
	}
	zmq_msg_close(&m);
	batch_done(z);
}

/* Subscriptions are not our affair: reading them is what puts them into force. */
static void on_pub(void *ctx, int events)
{
	(void)events;
	zmq_msg_t part[1];
	for (int i = 0; i < DRAIN_MAX; i++) {
		int n = receive(ctx, part, 1);
		if (n < 0)
			return;
		release(part, n, 1);
	}
}

static void on_rep(void *ctx, int events)
{
	struct bus_zmq *z = ctx;
	zmq_msg_t part[2];
	/* Who asks for what it missed has subscribed before: put it into force before the answer says "up to here". */
	on_pub(z->pub[LANE_M], events);
	on_pub(z->pub[LANE_X], events);
	for (int i = 0; i < DRAIN_MAX; i++) {
		int n = receive(z->rep, part, 2);
		if (n < 0)
			break;
		struct bus_peer peer;
		size_t id_len = zmq_msg_size(&part[0]);
		if (n == 2 && id_len <= sizeof peer.id) {
			memcpy(peer.id, zmq_msg_data(&part[0]), id_len);
			peer.len = (uint8_t)id_len;
			z->bus.handler.on_request(z->bus.ctx, &peer, zmq_msg_data(&part[1]),
						  zmq_msg_size(&part[1]));
		} else {
			z->bus.counters.oversized++;
		}
		release(part, n, 2);
	}
	batch_done(z);
}

static void on_asker(void *ctx, int events)
{
	struct asker *a = ctx;
	struct bus_zmq *z = a->owner;
	(void)events;
	zmq_msg_t part[2];
	for (int i = 0; i < DRAIN_MAX; i++) {
		int n = receive(a->socket, part, 2);
		if (n < 0)
			break;
		if (n == 2)
			z->bus.handler.on_reply(z->bus.ctx, a->publisher, zmq_msg_data(&part[0]),
						zmq_msg_size(&part[0]), zmq_msg_data(&part[1]),
						zmq_msg_size(&part[1]));
		release(part, n, 2);
	}
	batch_done(z);
}

static int take_lock(struct bus_zmq *z, const char *publisher)
{
	char path[160];
	int n = snprintf(path, sizeof path, "%s/%s.lock", z->dir, publisher);
	if (n < 0 || n >= (int)sizeof path)
		return ERR_TOO_LONG;
	z->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (z->lock < 0)
		return err_from_errno(errno);
	if (flock(z->lock, LOCK_EX | LOCK_NB) != 0)
		return ERR_BUSY;
	/* For people and for a supervisor that comes back: who holds it. The lock itself is what counts. */
	char text[32];
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(z->lock, 0) != 0 || pwrite(z->lock, text, (size_t)n, 0) != n)
		return err_from_errno(errno);
	return 0;
}

static int bind_one(struct bus_zmq *z, const char *publisher, const char *suffix, int type, enum lane lane,
		    void **ret_socket)
{
	char at[160];
	int rc = endpoint(z, publisher, suffix, at);
	if (rc)
		return rc;
	void *s = make_socket(type, lane);
	if (!s)
		return ERR_NOMEM;
	if (zmq_bind(s, at) != 0) {
		rc = err_from_errno(errno);
		zmq_close(s);
		return rc;
	}
	*ret_socket = s;
	return 0;
}

static int zmq_bus_bind(struct bus *b, const char *publisher)
{
	struct bus_zmq *z = zmq_of(b);
	int rc = take_lock(z, publisher);
	if (!rc)
		rc = bind_one(z, publisher, "m", ZMQ_XPUB, LANE_M, &z->pub[LANE_M]);
	if (!rc)
		rc = bind_one(z, publisher, "x", ZMQ_XPUB, LANE_X, &z->pub[LANE_X]);
	if (!rc)
		rc = bind_one(z, publisher, "rep", ZMQ_ROUTER, LANE_R, &z->rep);
	for (int lane = LANE_M; !rc && lane <= LANE_X; lane++)
		rc = loop_zmq(z->loop, z->pub[lane], on_pub, z->pub[lane], &z->pub_source[lane]);
	if (!rc)
		rc = loop_zmq(z->loop, z->rep, on_rep, z, &z->rep_source);
	return rc;
}

static int zmq_bus_send(struct bus *b, enum lane lane, const void *frame, size_t len)
{
	struct bus_zmq *z = zmq_of(b);
	must(lane == LANE_M || lane == LANE_X);
	if (len > (lane == LANE_M ? (size_t)EVENT_PACKED_MAX : (size_t)BUS_FRAME_X_MAX)) {
		b->counters.oversized++;
		return ERR_TOO_LONG;
	}
	/* May process commands, and a new subscription with them: it is in force then, so no loop_zmq_look. */
	if (zmq_send(z->pub[lane], frame, len, ZMQ_DONTWAIT) < 0) {
		b->counters.send_errors++;
		return err_from_errno(errno);
	}
	b->counters.sent[lane]++;
	b->counters.sent_bytes += len;
	return 0;
}

static int zmq_bus_subscribe(struct bus *b, const char *publisher, enum lane lane, const char *const *prefixes,
			     void *tag, struct bus_link **ret_link)
{
	struct bus_zmq *z = zmq_of(b);
	char at[160];
	int rc = endpoint(z, publisher, lane == LANE_M ? "m" : "x", at);
	if (rc)
		return rc;
	struct zmq_link *link = calloc(1, sizeof *link);
	if (!link)
		return ERR_NOMEM;
	link->link.tag = tag;
	link->owner = z;
	link->lane = lane;
	link->socket = make_socket(ZMQ_SUB, lane);
	if (!link->socket) {
		free(link);
		return ERR_NOMEM;
	}
	size_t n = 0;
	for (; prefixes && prefixes[n]; n++)
		must(zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, prefixes[n], strlen(prefixes[n])) == 0);
	must(n <= BUS_PREFIXES_MAX);
	if (n == 0)
		must(zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, "", 0) == 0);
	link->next = z->links;
	z->links = link;
	if (zmq_connect(link->socket, at) != 0)
		return err_from_errno(errno);
	rc = loop_zmq(z->loop, link->socket, on_sub, link, &link->source);
	if (!rc)
		*ret_link = &link->link;
	return rc;
}

static struct asker *asker_for(struct bus_zmq *z, const char *publisher)
{
	for (struct asker *a = z->askers; a; a = a->next)
		if (strcmp(a->publisher, publisher) == 0)
			return a;
	char at[160];
	struct asker *a = calloc(1, sizeof *a);
	if (!a || strlen(publisher) >= sizeof a->publisher || endpoint(z, publisher, "rep", at)) {
		free(a);
		return NULL;
	}
	memcpy(a->publisher, publisher, strlen(publisher) + 1);
	a->owner = z;
	a->socket = make_socket(ZMQ_DEALER, LANE_R);
	if (!a->socket) {
		free(a);
		return NULL;
	}
	/* Queue only to a live connection: a request for a dead service fails at once instead of waiting. */
	set_int(a->socket, ZMQ_IMMEDIATE, 1);
	if (zmq_connect(a->socket, at) != 0 ||
	    loop_zmq(z->loop, a->socket, on_asker, a, &a->source) != 0) {
		zmq_close(a->socket);
		free(a);
		return NULL;
	}
	a->next = z->askers;
	z->askers = a;
	return a;
}

static int zmq_bus_request(struct bus *b, const char *publisher, const void *request, size_t len)
{
	struct asker *a = asker_for(zmq_of(b), publisher);
	if (!a)
		return ERR_NOMEM;
	int sent = zmq_send(a->socket, request, len, ZMQ_DONTWAIT), error = errno;
	loop_zmq_look(a->source);
	if (sent < 0)
		return error == EAGAIN ? ERR_AGAIN : err_from_errno(errno);
	b->counters.sent[LANE_R]++;
	return 0;
}

static int zmq_bus_reply(struct bus *b, const struct bus_peer *peer, const void *reply, size_t len, const void *page,
			 size_t page_len)
{
	struct bus_zmq *z = zmq_of(b);
	loop_zmq_look(z->rep_source);
	if (zmq_send(z->rep, peer->id, peer->len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
	    zmq_send(z->rep, reply, len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
	    zmq_send(z->rep, page ? page : "", page_len, ZMQ_DONTWAIT) < 0) {
		b->counters.send_errors++;
		return err_from_errno(errno);
	}
	return 0;
}

static void zmq_bus_close(struct bus *b)
{
	struct bus_zmq *z = zmq_of(b);
	while (z->links) {
		struct zmq_link *link = z->links;
		z->links = link->next;
		loop_end(&link->source);
		zmq_close(link->socket);
		free(link);
	}
	while (z->askers) {
		struct asker *a = z->askers;
		z->askers = a->next;
		loop_end(&a->source);
		zmq_close(a->socket);
		free(a);
	}
	for (int lane = LANE_M; lane <= LANE_X; lane++) {
		loop_end(&z->pub_source[lane]);
		if (z->pub[lane])
			zmq_close(z->pub[lane]);
	}
	loop_end(&z->rep_source);
	if (z->rep)
		zmq_close(z->rep);
	if (z->lock >= 0)
		close(z->lock);
	free(z);
}

static const struct bus_ops zmq_ops = {
	.close = zmq_bus_close,
	.bind = zmq_bus_bind,
	.send = zmq_bus_send,
	.subscribe = zmq_bus_subscribe,
	.request = zmq_bus_request,
	.reply = zmq_bus_reply,
};

/* The directory is what protects ipc sockets: it must be a real directory of ours that nobody else can enter. */
static int check_dir(const char *dir, char *reason, size_t cap)
{
	struct stat st;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		snprintf(reason, cap, "bus.dir %s cannot be made: %s", dir, strerror(errno));
		return ERR_IO;
	}
	if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		snprintf(reason, cap, "bus.dir %s is not a directory; remove what is there", dir);
		return ERR_REFUSED;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		snprintf(reason, cap, "bus.dir %s must belong to this user with mode 0700 (chmod 700 it)", dir);
		return ERR_REFUSED;
	}
	return 0;
}

int bus_zmq_open(struct loop *l, const char *dir, const struct bus_handler *h, void *ctx, struct bus **ret_bus,
		 char *reason, size_t cap)
{
	int rc = check_dir(dir, reason, cap);
	if (rc)
		return rc;
	struct bus_zmq *z = calloc(1, sizeof *z);
	if (!z)
		return ERR_NOMEM;
	if (strlen(dir) >= sizeof z->dir) {
		snprintf(reason, cap, "bus.dir is longer than %zu characters: unix sockets cannot live there",
			 sizeof z->dir - 1);
		free(z);
		return ERR_TOO_LONG;
	}
	memcpy(z->dir, dir, strlen(dir) + 1);
	z->bus.ops = &zmq_ops;
	z->bus.handler = *h;
	z->bus.ctx = ctx;
	z->loop = l;
	z->lock = -1;
	*ret_bus = &z->bus;
	return 0;
}
