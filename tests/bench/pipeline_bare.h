/* pipeline_bare - the line of bench_pipeline that does the least: read by hand, packed by hand, raw libzmq sockets. */
#ifndef NJ_TESTS_PIPELINE_BARE_H
#define NJ_TESTS_PIPELINE_BARE_H

#include "tests/bench/cursor.h"
#include "tests/bench/pipeline.h"
#include "tests/bench/raw_socket.h"

enum { BARE_MESSAGE_MAX = 60000, PRICE_SCALE = 2, QTY_SCALE = 8 };

/* ---- bare: what both its readers know ---- */

struct trade {
	uint64_t seq, id;
	int64_t at, price, qty;
	uint8_t side;
};

struct order {
	uint64_t ordinal;
	int64_t at, price, qty;
};

static inline uint8_t *put_u64(uint8_t *p, uint64_t v)
{
	*p = 0xcf;
	v = __builtin_bswap64(v);
	memcpy(p + 1, &v, 8);
	return p + 9;
}

static const uint8_t *get_u64(const uint8_t *p, uint64_t *v)
{
	memcpy(v, p + 1, 8);
	*v = __builtin_bswap64(*v);
	return p + 9;
}

static inline uint8_t *put_text(uint8_t *p, const char *text, size_t len)
{
	*p = (uint8_t)(0xa0 | len);
	memcpy(p + 1, text, len);
	return p + 1 + len;
}

static inline uint8_t *put_trade(uint8_t *p, const struct trade *t)
{
	*p++ = 0x97;
	p = put_u64(p, t->seq);
	p = put_text(p, topic + 6, sizeof topic - 7);
	p = put_u64(p, (uint64_t)t->at);
	p = put_u64(p, (uint64_t)t->price);
	p = put_u64(p, (uint64_t)t->qty);
	*p++ = t->side;
	return put_u64(p, t->id);
}

static const uint8_t *get_trade(const uint8_t *p, struct trade *t)
{
	uint64_t at, price, qty;
	p = get_u64(p + 1, &t->seq);
	p += 1 + (*p & 0x1f);
	p = get_u64(p, &at);
	p = get_u64(p, &price);
	p = get_u64(p, &qty);
	t->side = *p++;
	t->at = (int64_t)at;
	t->price = (int64_t)price;
	t->qty = (int64_t)qty;
	return get_u64(p, &t->id);
}

/* p is behind the opening quote; returns behind the closing one. */
static const char *read_fixed(const char *p, int scale, int64_t *v)
{
	int64_t n = 0;
	for (; (unsigned)(*p - '0') <= 9; p++)
		n = n * 10 + (*p - '0');
	for (p++; scale > 0; scale--)
		n = n * 10 + (*p++ - '0');
	while (*p != '"')
		p++;
	*v = n;
	return p + 1;
}

/* The members of the inner object, each by its one letter: the cursor of bench_decode. */
static inline void read_trade(const char *p, struct trade *t)
{
	uint64_t ms = 0;
	for (p = strchr(p + 1, '{') + 1; *p == '"' || *p == ',';) {
		p += *p == ',';
		char key = p[1];
		p += 4;
		if (key == 't')
			p = cursor_u64(p, &t->id);
		else if (key == 'T')
			p = cursor_u64(p, &ms);
		else if (key == 'p')
			p = read_fixed(p + 1, PRICE_SCALE, &t->price);
		else if (key == 'q')
			p = read_fixed(p + 1, QTY_SCALE, &t->qty);
		else
			p = cursor_skip(p);
		if (key == 'm')
			t->side = p[-2] == 'u' ? side_sell : side_buy; /* true, not false */
	}
	t->at = (int64_t)ms * NS_PER_MS;
}

static inline void *bare_socket(const struct line *l, int type, const char *name)
{
	return raw_socket(type, &(struct raw_place){l->dir, name, type != ZMQ_SUB}, "");
}

/* ---- bare: the stages ---- */

static inline size_t bare_message(uint8_t *out, const char *at, size_t *len, uint64_t *seq)
{
	size_t used = 0;
	uint8_t *p = out + sizeof topic;
	memcpy(out, topic, sizeof topic);
	while (*len - used >= 4) {
		const uint8_t *head = (const uint8_t *)at + used;
		size_t n = 4 + ((size_t)head[2] << 8 | head[3]);
		struct trade t = {.seq = *seq + 1};
		if (*len - used < n)
			break;
		read_trade(at + used + 4, &t);
		p = put_trade(p, &t);
		*seq = t.seq;
		used += n;
	}
	*len = used;
	return (size_t)(p - out);
}

static inline void bare_collector(const struct line *l)
{
	static char in[STAGE_READ_BYTES + 1];
	static uint8_t out[BARE_MESSAGE_MAX];
	void *pub = bare_socket(l, ZMQ_XPUB, "market");
	uint64_t seq = 0;
	size_t held = 0;
	wait_for_subscriber(pub);
	tell_ready(l, READY_STRATEGY);
	int fd = answer(l);
	for (;;) {
		ssize_t n = recv(fd, in + held, STAGE_READ_BYTES - held, 0);
		if (n <= 0)
			pause();
		first_tick(0);
		size_t len = held += (size_t)n;
		size_t frame = bare_message(out, in, &len, &seq);
		if (len > 0)
			must(zmq_send(pub, out, frame, 0) == (int)frame);
		memmove(in, in + len, held - len);
		held -= len;
	}
}

static inline void bare_strategy(const struct line *l)
{
	void *sub = bare_socket(l, ZMQ_SUB, "market"), *pub = bare_socket(l, ZMQ_XPUB, "orders");
	uint64_t last = 0;
	zmq_msg_t m;
	zmq_msg_init(&m);
	wait_for_subscriber(pub);
	tell_ready(l, READY_EXECUTOR);
	for (;;) {
		int n = zmq_msg_recv(&m, sub, 0);
		must(n > 0);
		first_tick(1);
		const uint8_t *p = (const uint8_t *)zmq_msg_data(&m) + sizeof topic;
		const uint8_t *end = (const uint8_t *)zmq_msg_data(&m) + n;
		while (p < end) {
			struct trade t;
			uint8_t out[64], *o = out;
			p = get_trade(p, &t);
			must(t.seq == ++last);
			if (last % (uint64_t)l->every != 0)
				continue;
			o = put_u64(o, last / (uint64_t)l->every);
			o = put_u64(o, (uint64_t)t.at);
			o = put_u64(o, (uint64_t)t.price);
			o = put_u64(o, (uint64_t)t.qty);
			must(zmq_send(pub, out, (size_t)(o - out), 0) == (int)(o - out));
		}
	}
}

static inline void bare_executor(const struct line *l)
{
	void *sub = bare_socket(l, ZMQ_SUB, "orders");
	struct order o = {0};
	uint8_t in[64];
	do {
		uint64_t at, price, qty;
		must(zmq_recv(sub, in, sizeof in, 0) > 0);
		first_tick(2);
		const uint8_t *p = get_u64(in, &o.ordinal);
		p = get_u64(p, &at);
		p = get_u64(p, &price);
		get_u64(p, &qty);
		must(at > 0 && price > 0 && qty > 0);
	} while (!on_order(l, 0, (int64_t)o.ordinal));
}

#endif
