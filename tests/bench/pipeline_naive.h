/* pipeline_naive - the line of bench_pipeline that one writes first: a tree of JSON, doubles, maps by name, zmsg. */
#ifndef NJ_TESTS_PIPELINE_NAIVE_H
#define NJ_TESTS_PIPELINE_NAIVE_H

#include <msgpack.h>

#include "tests/bench/pipeline.h"

/* ---- naive: a tree of JSON ---- */

struct node {
	struct node *first, *next;
	char *key, *text; /* text: of a string, or the number as it stands */
	double number;
};

static inline void free_node(struct node *n)
{
	while (n) {
		struct node *next = n->next;
		free_node(n->first);
		free(n->key);
		free(n->text);
		free(n);
		n = next;
	}
}

static inline char *copy_string(const char **p)
{
	const char *begin = ++*p;
	while (**p != '"')
		++*p;
	return strndup(begin, (size_t)((*p)++ - begin));
}

static inline struct node *read_node(const char **p)
{
	struct node *n = calloc(1, sizeof *n), **tail = &n->first;
	if (**p == '{') {
		while (**p != '}') {
			++*p;
			char *key = copy_string(p);
			++*p;
			*tail = read_node(p);
			(*tail)->key = key;
			tail = &(*tail)->next;
		}
		++*p;
	} else if (**p == '"') {
		n->text = copy_string(p);
	} else {
		size_t len = strcspn(*p, ",}");
		n->text = strndup(*p, len);
		n->number = strtod(n->text, NULL);
		*p += len;
	}
	return n;
}

static const struct node *child(const struct node *n, const char *key)
{
	for (const struct node *c = n->first; c; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	check_failed("a key is missing", __FILE__, __LINE__, __func__);
}

/* ---- naive: maps by name, in a message of topic and body ---- */

static inline void put_key(msgpack_packer *p, const char *key)
{
	msgpack_pack_str(p, strlen(key));
	msgpack_pack_str_body(p, key, strlen(key));
}

static inline void put_double(msgpack_packer *p, const char *key, double value)
{
	put_key(p, key);
	msgpack_pack_double(p, value);
}

static inline void put_number(msgpack_packer *p, const char *key, uint64_t value)
{
	put_key(p, key);
	msgpack_pack_uint64(p, value);
}

static const msgpack_object *map_value(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_str *k = &map->via.map.ptr[i].key.via.str;
		if (k->size == strlen(key) && memcmp(k->ptr, key, k->size) == 0)
			return &map->via.map.ptr[i].val;
	}
	check_failed("a key is missing", __FILE__, __LINE__, __func__);
}

static inline void send_map(zsock_t *socket, const char *name, const msgpack_sbuffer *body)
{
	zmsg_t *m = zmsg_new();
	zmsg_addstr(m, name);
	zmsg_addmem(m, body->data, body->size);
	must(zmsg_send(&m, socket) == 0);
}

/* The map's texts lie in the frame that is returned. */
static inline zframe_t *receive_map(zsock_t *socket, msgpack_unpacked *ret)
{
	zmsg_t *m = zmsg_recv(socket);
	must(m);
	char *name = zmsg_popstr(m);
	zframe_t *body = zmsg_pop(m);
	size_t off = 0;
	must(name && body);
	const char *bytes = (const char *)zframe_data(body);
	must(msgpack_unpack_next(ret, bytes, zframe_size(body), &off) == MSGPACK_UNPACK_SUCCESS);
	zstr_free(&name);
	zmsg_destroy(&m);
	return body;
}

static inline zsock_t *naive_socket(const struct line *l, int type, const char *name)
{
	zsock_t *s = zsock_new(type);
	zsock_set_sndhwm(s, 0);
	zsock_set_rcvhwm(s, 0);
	if (type == ZMQ_SUB)
		zsock_set_subscribe(s, "");
	must((type == ZMQ_SUB ? zsock_connect(s, "ipc://%s/%s", l->dir, name)
			      : zsock_bind(s, "ipc://%s/%s", l->dir, name)) >= 0);
	return s;
}

/* ---- naive: the stages ---- */

static inline void naive_tick(zsock_t *pub, const char *text, uint64_t seq)
{
	struct node *root = read_node(&text);
	const struct node *data = child(root, "data");
	msgpack_sbuffer out;
	msgpack_packer p;
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&p, &out, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 7);
	put_number(&p, "seq", seq);
	put_key(&p, "symbol");
	put_key(&p, child(data, "s")->text);
	put_double(&p, "time", child(data, "T")->number);
	put_double(&p, "price", strtod(child(data, "p")->text, NULL));
	put_double(&p, "qty", strtod(child(data, "q")->text, NULL));
	put_key(&p, "side");
	put_key(&p, strcmp(child(data, "m")->text, "true") == 0 ? "sell" : "buy");
	put_double(&p, "id", child(data, "t")->number);
	send_map(pub, topic, &out);
	msgpack_sbuffer_destroy(&out);
	free_node(root);
}

static inline void naive_collector(const struct line *l)
{
	static char in[STAGE_READ_BYTES];
	zsock_t *pub = naive_socket(l, ZMQ_XPUB, "market");
	uint64_t seq = 0;
	size_t held = 0, at = 0;
	wait_for_subscriber(zsock_resolve(pub));
	tell_ready(l, READY_STRATEGY);
	int fd = answer(l);
	for (;; at = 0) {
		ssize_t n = recv(fd, in + held, sizeof in - held, 0);
		if (n <= 0)
			pause();
		first_tick(0);
		held += (size_t)n;
		while (held - at >= 4) {
			const uint8_t *head = (const uint8_t *)in + at;
			size_t len = (size_t)head[2] << 8 | head[3];
			if (held - at < 4 + len)
				break;
			char *text = strndup(in + at + 4, len);
			naive_tick(pub, text, ++seq);
			free(text);
			at += 4 + len;
		}
		memmove(in, in + at, held - at);
		held -= at;
	}
}

static inline void naive_order(zsock_t *pub, const msgpack_object *tick, uint64_t ordinal)
{
	msgpack_sbuffer out;
	msgpack_packer p;
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&p, &out, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 4);
	put_number(&p, "ordinal", ordinal);
	put_double(&p, "time", map_value(tick, "time")->via.f64);
	put_double(&p, "price", map_value(tick, "price")->via.f64);
	put_double(&p, "qty", map_value(tick, "qty")->via.f64);
	send_map(pub, "order", &out);
	msgpack_sbuffer_destroy(&out);
}

static inline void naive_strategy(const struct line *l)
{
	zsock_t *sub = naive_socket(l, ZMQ_SUB, "market"), *pub = naive_socket(l, ZMQ_XPUB, "orders");
	uint64_t last = 0;
	wait_for_subscriber(zsock_resolve(pub));
	tell_ready(l, READY_EXECUTOR);
	for (;;) {
		msgpack_unpacked tick;
		msgpack_unpacked_init(&tick);
		zframe_t *body = receive_map(sub, &tick);
		first_tick(1);
		must(map_value(&tick.data, "seq")->via.u64 == ++last);
		must(map_value(&tick.data, "price")->via.f64 > 0 && map_value(&tick.data, "qty")->via.f64 > 0);
		if (last % (uint64_t)l->every == 0)
			naive_order(pub, &tick.data, last / (uint64_t)l->every);
		msgpack_unpacked_destroy(&tick);
		zframe_destroy(&body);
	}
}

static inline void naive_executor(const struct line *l)
{
	zsock_t *sub = naive_socket(l, ZMQ_SUB, "orders");
	bool last = false;
	while (!last) {
		msgpack_unpacked order;
		msgpack_unpacked_init(&order);
		zframe_t *body = receive_map(sub, &order);
		first_tick(2);
		must(map_value(&order.data, "price")->via.f64 > 0);
		last = on_order(l, 0, (int64_t)map_value(&order.data, "ordinal")->via.u64);
		msgpack_unpacked_destroy(&order);
		zframe_destroy(&body);
	}
}

#endif
