/* bus_mem - the bus inside one process: same calls, same order per publisher, loss on command. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/bus.h"

struct mem_link {
	struct bus_link link;
	struct mem_link *next;
	char publisher[EVENT_SOURCE_MAX];
	enum lane lane;
	char prefixes[BUS_PREFIXES_MAX][64];
	size_t n_prefixes;
};

struct bus_mem {
	struct bus bus;
	struct bus_mem *next;
	struct bus_hub *hub;
	char name[EVENT_SOURCE_MAX]; /* "" while not bound */
	struct mem_link *links;
	bool batch;
};

enum parcel_kind { PARCEL_FRAME, PARCEL_REQUEST, PARCEL_REPLY };

struct parcel {
	struct parcel *next;
	enum parcel_kind kind;
	struct bus_mem *from, *to; /* to: replies and requests; NULL for frames */
	enum lane lane;
	size_t len, page_len;
	uint8_t bytes[];
};

struct bus_hub {
	struct bus_mem *members;
	struct parcel *first, **last;
	uint64_t lose_nth, sent;
};

int bus_hub_new(struct bus_hub **ret_hub)
{
	struct bus_hub *hub = calloc(1, sizeof *hub);
	if (!hub)
		return ERR_NOMEM;
	hub->last = &hub->first;
	*ret_hub = hub;
	return 0;
}

void bus_hub_free(struct bus_hub *hub)
{
	if (!hub)
		return;
	must(!hub->members);
	while (hub->first) {
		struct parcel *p = hub->first;
		hub->first = p->next;
		free(p);
	}
	free(hub);
}

void bus_hub_lose(struct bus_hub *hub, uint64_t every_nth)
{
	hub->lose_nth = every_nth;
}

static struct bus_mem *mem_of(struct bus *b)
{
	return (struct bus_mem *)b;
}

static struct bus_mem *find_member(const struct bus_hub *hub, const char *name)
{
	for (struct bus_mem *m = hub->members; m; m = m->next)
		if (m->name[0] && strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static int post(struct bus_mem *from, struct bus_mem *to, enum parcel_kind kind, enum lane lane, const void *a,
		size_t a_len, const void *b, size_t b_len)
{
	struct parcel *p = malloc(sizeof *p + a_len + b_len);
	if (!p)
		return ERR_NOMEM;
	*p = (struct parcel){.kind = kind, .from = from, .to = to, .lane = lane, .len = a_len, .page_len = b_len};
	memcpy(p->bytes, a, a_len);
	if (b_len)
		memcpy(p->bytes + a_len, b, b_len);
	*from->hub->last = p;
	from->hub->last = &p->next;
	return 0;
}

static int mem_bind(struct bus *b, const char *publisher)
{
	struct bus_mem *m = mem_of(b);
	if (find_member(m->hub, publisher))
		return ERR_BUSY;
	if (strlen(publisher) >= sizeof m->name)
		return ERR_TOO_LONG;
	memcpy(m->name, publisher, strlen(publisher) + 1);
	return 0;
}

static int mem_send(struct bus *b, enum lane lane, const void *frame, size_t len)
{
	struct bus_mem *m = mem_of(b);
	b->counters.sent[lane]++;
	b->counters.sent_bytes += len;
	if (m->hub->lose_nth && ++m->hub->sent % m->hub->lose_nth == 0)
		return 0;
	return post(m, NULL, PARCEL_FRAME, lane, frame, len, NULL, 0);
}

static int mem_subscribe(struct bus *b, const char *publisher, enum lane lane, const char *const *prefixes, void *tag,
			 struct bus_link **ret_link)
{
	struct bus_mem *m = mem_of(b);
	struct mem_link *link = calloc(1, sizeof *link);
	if (!link)
		return ERR_NOMEM;
	for (size_t i = 0; prefixes && prefixes[i]; i++) {
		must(i < BUS_PREFIXES_MAX && strlen(prefixes[i]) < sizeof link->prefixes[0]);
		memcpy(link->prefixes[i], prefixes[i], strlen(prefixes[i]) + 1);
		link->n_prefixes++;
	}
	must(strlen(publisher) < sizeof link->publisher);
	memcpy(link->publisher, publisher, strlen(publisher) + 1);
	link->lane = lane;
	link->link.tag = tag;
	link->next = m->links;
	m->links = link;
	*ret_link = &link->link;
	return 0;
}

static int mem_request(struct bus *b, const char *publisher, const void *request, size_t len)
{
	struct bus_mem *m = mem_of(b);
	struct bus_mem *to = find_member(m->hub, publisher);
	return to ? post(m, to, PARCEL_REQUEST, LANE_R, request, len, NULL, 0) : ERR_AGAIN;
}

static int mem_reply(struct bus *b, const struct bus_peer *peer, const void *reply, size_t len, const void *page,
		     size_t page_len)
{
	struct bus_mem *to;
	must(peer->len == sizeof to);
	memcpy(&to, peer->id, sizeof to);
	return post(mem_of(b), to, PARCEL_REPLY, LANE_R, reply, len, page, page_len);
}

/* Parcels from and to a closed member are dropped, as a dead process's are. */
static void mem_close(struct bus *b)
{
	struct bus_mem *m = mem_of(b);
	struct bus_mem **at = &m->hub->members;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	struct parcel **p = &m->hub->first;
	while (*p) {
		struct parcel *parcel = *p;
		if (parcel->from == m || parcel->to == m) {
			*p = parcel->next;
			free(parcel);
		} else {
			p = &parcel->next;
		}
	}
	m->hub->last = p;
	while (m->links) {
		struct mem_link *link = m->links;
		m->links = link->next;
		free(link);
	}
	free(m);
}

static const struct bus_ops mem_ops = {
	.close = mem_close,
	.bind = mem_bind,
	.send = mem_send,
	.subscribe = mem_subscribe,
	.request = mem_request,
	.reply = mem_reply,
};

int bus_mem_open(struct bus_hub *hub, const struct bus_handler *h, void *ctx, struct bus **ret_bus)
{
	struct bus_mem *m = calloc(1, sizeof *m);
	if (!m)
		return ERR_NOMEM;
	m->bus.ops = &mem_ops;
	m->bus.handler = *h;
	m->bus.ctx = ctx;
	m->hub = hub;
	m->next = hub->members;
	hub->members = m;
	*ret_bus = &m->bus;
	return 0;
}

static bool wants(const struct mem_link *link, const struct parcel *p)
{
	if (link->lane != p->lane || strcmp(link->publisher, p->from->name) != 0)
		return false;
	for (size_t i = 0; i < link->n_prefixes; i++) {
		size_t n = strlen(link->prefixes[i]);
		if (p->len >= n && memcmp(p->bytes, link->prefixes[i], n) == 0)
			return true;
	}
	return link->n_prefixes == 0;
}

static void deliver_frame(struct bus_hub *hub, const struct parcel *p)
{
	for (struct bus_mem *m = hub->members; m; m = m->next)
		for (struct mem_link *link = m->links; link; link = link->next) {
			if (!wants(link, p))
				continue;
			m->bus.counters.received[p->lane]++;
			m->bus.counters.received_bytes += p->len;
			m->bus.handler.on_frame(m->bus.ctx, &link->link, p->bytes, p->len);
			m->batch = true;
		}
}

static void deliver(struct bus_hub *hub, const struct parcel *p)
{
	if (p->kind == PARCEL_FRAME) {
		deliver_frame(hub, p);
		return;
	}
	struct bus *to = &p->to->bus;
	p->to->batch = true;
	if (p->kind == PARCEL_REQUEST) {
		struct bus_peer peer = {.len = sizeof p->from, .role = role_operator};
		memcpy(peer.id, &p->from, sizeof p->from);
		to->handler.on_request(to->ctx, &peer, p->bytes, p->len);
	} else {
		to->handler.on_reply(to->ctx, p->from->name, p->bytes, p->len, p->bytes + p->len, p->page_len);
	}
}

size_t bus_mem_pump(struct bus_hub *hub)
{
	size_t n = 0;
	while (hub->first) {
		struct parcel *p = hub->first;
		hub->first = p->next;
		if (!hub->first)
			hub->last = &hub->first;
		deliver(hub, p);
		free(p);
		n++;
		for (struct bus_mem *m = hub->members; m; m = m->next)
			if (m->batch && (!hub->first || n % 64 == 0)) {
				m->batch = false;
				if (m->bus.handler.on_batch)
					m->bus.handler.on_batch(m->bus.ctx);
			}
	}
	return n;
}
