/* bus_zmq - the bus over ZeroMQ: XPUB for each lane, ROUTER for requests, SUB and DEALER towards each publisher.
 *
 * XPUB instead of PUB so that subscriptions wake the loop: a PUB handles them only inside its own calls, and an
 * idle publisher would keep its subscribers deaf. NODROP is never set: one stopped reader would stop everybody.
 * The endpoints' lock is taken before bind, because libzmq unlinks an ipc path that somebody else still serves. Its
 * file can be removed by who cleans up, and keeps nobody away then: bus_holds looks, and makes it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/bus_address.h"
#include "common/io/bus_zmq_priv.h"
#include "common/io/log.h"

enum { DRAIN_MAX = 2000 };

struct zmq_link {
	struct bus_link link;
	struct zmq_link *next;
	struct bus_zmq *owner;
	enum lane lane;
	struct bus_remote remote;
};

struct asker { /* DEALER towards one publisher */
	struct asker *next;
	struct bus_zmq *owner;
	struct bus_remote remote;
};

struct bus_zmq {
	struct bus bus;
	struct bus_net net;
	int lock;
	char name[EVENT_NAME_MAX]; /* that it is of */
	struct bus_local local[4]; /* by lane; [0] unused */
	struct zmq_link *links;
	struct asker *askers;
};

static struct bus_zmq *zmq_of(struct bus *b)
{
	return (struct bus_zmq *)b;
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
		int n = zmq_msg_recv(&m, link->remote.socket, ZMQ_DONTWAIT);
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

/* Whoever connected without a key (ipc) is this user; with one it may do what the key may do now. */
static struct bus_peer peer_of(const struct bus_zmq *z, zmq_msg_t *request)
{
	struct bus_peer peer = {.role = role_operator};
	if (!z->net.curve)
		return peer;
	const char *name = zmq_msg_gets(request, "User-Id");
	peer.role = name ? (uint8_t)bus_curve_role(z->net.curve, name) : role_none;
	snprintf(peer.name, sizeof peer.name, "%s", name ? name : "");
	return peer;
}

static void on_rep(void *ctx, int events)
{
	struct bus_zmq *z = ctx;
	zmq_msg_t part[2];
	/* Who asks for what it missed has subscribed before: put it into force before the answer says "up to here". */
	bus_local_subscriptions(&z->local[LANE_M], events);
	bus_local_subscriptions(&z->local[LANE_X], events);
	for (int i = 0; i < DRAIN_MAX; i++) {
		int n = receive(z->local[LANE_R].socket, part, 2);
		if (n < 0)
			break;
		struct bus_peer peer;
		size_t id_len = zmq_msg_size(&part[0]);
		if (n == 2)
			peer = peer_of(z, &part[1]);
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

/* A page of several frames, made one again; page->at stays NULL where it is only one. ERR_TOO_LONG, ERR_NOMEM. */
static int join(void *socket, zmq_msg_t *first, struct buf *page)
{
	zmq_msg_t m;
	int rc = zmq_msg_more(first) ? buf_append(page, zmq_msg_data(first), zmq_msg_size(first)) : 0;
	zmq_msg_init(&m);
	for (bool more = zmq_msg_more(first); more; more = zmq_msg_more(&m)) {
		if (zmq_msg_recv(&m, socket, ZMQ_DONTWAIT) < 0)
			break;
		if (!rc)
			rc = buf_append(page, zmq_msg_data(&m), zmq_msg_size(&m));
	}
	zmq_msg_close(&m);
	return rc;
}

/* False where there is no further answer. */
static bool take_answer(struct bus_zmq *z, struct asker *a)
{
	zmq_msg_t reply, first;
	struct buf page;
	zmq_msg_init(&reply);
	zmq_msg_init(&first);
	buf_init(&page, BUS_PAGE_MAX);
	bool any = zmq_msg_recv(&reply, a->remote.socket, ZMQ_DONTWAIT) >= 0;
	bool whole = any && zmq_msg_more(&reply) && zmq_msg_recv(&first, a->remote.socket, ZMQ_DONTWAIT) >= 0;
	int rc = whole ? join(a->remote.socket, &first, &page) : 0;
	if (rc)
		z->bus.counters.oversized++;
	else if (whole)
		z->bus.handler.on_reply(z->bus.ctx, a->remote.publisher, zmq_msg_data(&reply), zmq_msg_size(&reply),
					page.at ? page.at : zmq_msg_data(&first),
					page.at ? page.len : zmq_msg_size(&first));
	buf_fini(&page);
	zmq_msg_close(&first);
	zmq_msg_close(&reply);
	return any;
}

static void on_asker(void *ctx, int events)
{
	struct asker *a = ctx;
	(void)events;
	for (int i = 0; i < DRAIN_MAX && take_answer(a->owner, a); i++)
		;
	batch_done(a->owner);
}

static int take_lock(struct bus_zmq *z, const char *publisher)
{
	char path[160];
	int n = snprintf(path, sizeof path, "%s/%s.lock", z->net.addresses.dir, publisher);
	if (n < 0 || n >= (int)sizeof path)
		return ERR_TOO_LONG;
	z->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (z->lock < 0)
		return err_from_errno(errno);
	if (flock(z->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno);
	/* For people and for a supervisor that comes back: who holds it. The lock itself is what counts. */
	char text[32];
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(z->lock, 0) != 0 || pwrite(z->lock, text, (size_t)n, 0) != n)
		return err_from_errno(errno);
	return 0;
}

static bool is_at(int fd, const char *path)
{
	struct stat ours, there;
	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int zmq_bus_holds(struct bus *b)
{
	struct bus_zmq *z = zmq_of(b);
	char path[160];
	snprintf(path, sizeof path, "%s/%s.lock", z->net.addresses.dir, z->name);
	if (z->lock < 0 || is_at(z->lock, path))
		return 0;
	int before = z->lock, rc = take_lock(z, z->name);
	if (rc && z->lock >= 0)
		close(z->lock);
	if (rc) {
		z->lock = before;
		return rc;
	}
	close(before);
	log_warn("the lock of our name had been removed: made again", "lock=%s", path);
	return 0;
}

static int zmq_bus_bind(struct bus *b, const char *publisher)
{
	struct bus_zmq *z = zmq_of(b);
	int rc = take_lock(z, publisher);
	event_set_name(z->name, publisher);
	for (int lane = LANE_M; !rc && lane <= LANE_R; lane++) {
		struct bus_local *own = &z->local[lane];
		rc = bus_local_open(own, &z->net, publisher, (enum lane)lane);
		if (!rc && lane == LANE_R)
			rc = loop_zmq(z->net.loop, own->socket, on_rep, z, &own->source);
		else if (!rc)
			rc = loop_zmq(z->net.loop, own->socket, bus_local_subscriptions, own, &own->source);
	}
	if (!rc && z->net.curve)
		bus_curve_check_own(z->net.curve, publisher);
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
	if (zmq_send(z->local[lane].socket, frame, len, ZMQ_DONTWAIT) < 0) {
		b->counters.send_errors++;
		return err_from_errno(errno);
	}
	b->counters.sent[lane]++;
	b->counters.sent_bytes += len;
	return 0;
}

static void on_link(void *ctx, bool up)
{
	struct zmq_link *link = ctx;
	struct bus *b = &link->owner->bus;
	if (b->handler.on_peer)
		b->handler.on_peer(b->ctx, link->remote.publisher, link->lane, up);
}

static void subscribe_all(void *socket, const char *const *prefixes)
{
	size_t n = 0;
	for (; prefixes && prefixes[n]; n++)
		must(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefixes[n], strlen(prefixes[n])) == 0);
	must(n <= BUS_PREFIXES_MAX);
	if (n == 0)
		must(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0);
}

static int zmq_bus_subscribe(struct bus *b, const char *publisher, enum lane lane, const char *const *prefixes,
			     void *tag, struct bus_link **ret_link)
{
	struct bus_zmq *z = zmq_of(b);
	struct zmq_link *link = calloc(1, sizeof *link);
	if (!link)
		return ERR_NOMEM;
	struct bus_remote *r = &link->remote;
	link->link.tag = tag;
	link->owner = z;
	link->lane = lane;
	r->guard.on_link = on_link;
	r->guard.ctx = link;
	int rc = bus_remote_open(r, &z->net, publisher, lane == LANE_M ? BUS_SOCKET_SUB_M : BUS_SOCKET_SUB_X);
	if (!rc) {
		subscribe_all(r->socket, prefixes);
		rc = bus_remote_sync(r);
	}
	if (!rc)
		rc = loop_zmq(z->net.loop, r->socket, on_sub, link, &r->source);
	if (rc) {
		bus_remote_close(r);
		free(link);
		return rc;
	}
	link->next = z->links;
	z->links = link;
	*ret_link = &link->link;
	return 0;
}

static int asker_for(struct bus_zmq *z, const char *publisher, struct asker **ret_asker)
{
	struct asker *a = z->askers;
	while (a && strcmp(a->remote.publisher, publisher) != 0)
		a = a->next;
	if (a) {
		*ret_asker = a;
		return 0;
	}
	a = calloc(1, sizeof *a);
	if (!a)
		return ERR_NOMEM;
	a->owner = z;
	int rc = bus_remote_open(&a->remote, &z->net, publisher, BUS_SOCKET_ASK);
	if (!rc)
		rc = bus_remote_sync(&a->remote);
	if (!rc)
		rc = loop_zmq(z->net.loop, a->remote.socket, on_asker, a, &a->remote.source);
	if (rc) {
		bus_remote_close(&a->remote);
		free(a);
		return rc;
	}
	a->next = z->askers;
	z->askers = a;
	*ret_asker = a;
	return 0;
}

static int zmq_bus_request(struct bus *b, const char *publisher, const void *request, size_t len)
{
	struct asker *a;
	int rc = asker_for(zmq_of(b), publisher, &a);
	if (rc)
		return rc;
	int sent = zmq_send(a->remote.socket, request, len, ZMQ_DONTWAIT), error = errno;
	loop_zmq_look(a->remote.source);
	if (sent < 0)
		return error == EAGAIN ? ERR_AGAIN : err_from_errno(error);
	b->counters.sent[LANE_R]++;
	return 0;
}

/* One frame at least, an empty one. */
static int send_page(void *rep, const uint8_t *page, size_t len)
{
	size_t at = 0, n;
	do {
		n = len - at < BUS_FRAME_X_MAX ? len - at : BUS_FRAME_X_MAX;
		int more = at + n < len ? ZMQ_SNDMORE : 0;
		if (zmq_send(rep, n ? page + at : (const uint8_t *)"", n, ZMQ_DONTWAIT | more) < 0)
			return -1;
		at += n;
	} while (at < len);
	return 0;
}

static int zmq_bus_reply(struct bus *b, const struct bus_peer *peer, const void *reply, size_t len, const void *page,
			 size_t page_len)
{
	struct bus_local *own = &zmq_of(b)->local[LANE_R];
	void *rep = own->socket;
	must(page_len <= BUS_PAGE_MAX);
	loop_zmq_look(own->source);
	if (zmq_send(rep, peer->id, peer->len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
	    zmq_send(rep, reply, len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 || send_page(rep, page, page_len) != 0) {
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
		bus_remote_close(&link->remote);
		free(link);
	}
	while (z->askers) {
		struct asker *a = z->askers;
		z->askers = a->next;
		bus_remote_close(&a->remote);
		free(a);
	}
	for (int lane = LANE_M; lane <= LANE_R; lane++)
		bus_local_close(&z->local[lane]);
	bus_curve_close(z->net.curve);
	if (z->lock >= 0)
		close(z->lock);
	free(z);
}

/* Who is not let in any more is put out by ending every connection: those who may come back do so at once, and what
 * they missed meanwhile is replayed to them. */
static void on_keys(void *ctx, bool lost)
{
	struct bus_zmq *z = ctx;
	for (int lane = LANE_M; lost && lane <= LANE_R; lane++)
		bus_local_renew(&z->local[lane]);
	for (struct zmq_link *l = z->links; l; l = l->next)
		if (bus_remote_sync(&l->remote) != 0)
			log_error("cannot connect", "publisher=%s", l->remote.publisher);
	for (struct asker *a = z->askers; a; a = a->next)
		if (bus_remote_sync(&a->remote) != 0)
			log_error("cannot connect", "publisher=%s", a->remote.publisher);
}

static const struct bus_ops zmq_ops = {
	.close = zmq_bus_close,
	.bind = zmq_bus_bind,
	.holds = zmq_bus_holds,
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

int bus_zmq_open(struct loop *l, const struct bus_zmq_options *o, const struct bus_handler *h, void *ctx,
		 struct bus **ret_bus, char *reason, size_t cap)
{
	/* Over tcp only services need it, for their locks, and they have made it. */
	int rc = o->tcp && access(o->dir, F_OK) != 0 ? 0 : check_dir(o->dir, reason, cap);
	if (rc)
		return rc;
	struct bus_zmq *z = calloc(1, sizeof *z);
	if (!z)
		return ERR_NOMEM;
	z->bus.ops = &zmq_ops;
	z->bus.handler = *h;
	z->bus.ctx = ctx;
	z->net.loop = l;
	z->net.counters = &z->bus.counters;
	z->lock = -1;
	rc = bus_addresses_init(&z->net.addresses, o, reason, cap);
	if (!rc && o->tcp)
		rc = bus_curve_open(l, o, &z->net.curve, reason, cap);
	if (rc) {
		free(z);
		return rc;
	}
	if (z->net.curve)
		bus_curve_on_change(z->net.curve, on_keys, z);
	*ret_bus = &z->bus;
	return 0;
}
