/* bench_codec - goal G2: packing and unpacking against a bare cursor and against msgpack-c,
 * interleaved.
 *
 * The bare cursor writes and reads the same bytes of this one event with no table, no check of
 * room, type, range, name or symbol: the floor. Where it does not reach the factor over msgpack-c
 * itself, nothing that also checks can; the last column shows its own. Prints ns per operation
 * (median of the repeats) and the median of the paired ratios. Exits 1 where a goal is missed.
 * `--quick` runs a tenth. */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "proto/codec.h"
#include "proto/topic.h"

#define EVENTS 256
#define REPEATS_MAX 41
#define SIDE 20

struct corpus {
	const char *name;
	struct event ev[EVENTS];
	struct level levels[EVENTS][2][SIDE];
	uint8_t packed[EVENTS][2048];
	size_t len[EVENTS];
};

static struct corpus trades = {.name = "trade"}, books = {.name = "book_snapshot 20+20"};
static uint8_t out[4096];
static _Alignas(16) uint8_t arena_memory[ARENA_SIZE];
static volatile uint64_t sink;
static int repeats = REPEATS_MAX, rounds = 400;

/* Events as a collector sends them. */

static void envelope(struct event *ev, uint16_t id, uint64_t i, struct rng *r)
{
	event_init(ev, id);
	memcpy(ev->source, "collector", 10);
	ev->epoch = 1700000000000000000u;
	ev->seq = 1000000 + i;
	ev->origin = origin_live;
	ev->ts_event = 1700000000000000000 + (int64_t)(i * 1000003);
	ev->ts_recv = ev->ts_event + 1200000 + (int64_t)rng_below(r, 100000);
	ev->ts_sent = ev->ts_recv + 9000;
}

static void make_trades(struct rng *r)
{
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct event *ev = &trades.ev[i];
		envelope(ev, EVENT_trade, i, r);
		must(symbol_parse("BTCUSDT.BINANCE", 15, &ev->trade.instrument) == 0);
		ev->trade.price_scale = 2;
		ev->trade.qty_scale = 5;
		ev->trade.price = 6183763 + (int64_t)rng_below(r, 1000);
		ev->trade.qty = (int64_t)rng_below(r, 300000);
		ev->trade.aggressor = (uint8_t)(1 + rng_below(r, 2));
		ev->trade.trade_id = 3000000000u + i;
	}
}

static void make_books(struct rng *r)
{
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct event *ev = &books.ev[i];
		struct level *bids = books.levels[i][0], *asks = books.levels[i][1];
		envelope(ev, EVENT_book_snapshot, i, r);
		must(symbol_parse("BTCUSDT.BINANCE", 15, &ev->book_snapshot.instrument) == 0);
		ev->book_snapshot.price_scale = 2;
		ev->book_snapshot.qty_scale = 5;
		ev->book_snapshot.last_id = 40000000000u + i;
		for (int k = 0; k < SIDE; k++) {
			bids[k] = (struct level){6183763 - 100 * k, (int64_t)rng_below(r, 900000)};
			asks[k] = (struct level){6183863 + 100 * k, (int64_t)rng_below(r, 900000)};
		}
		ev->book_snapshot.bids = (struct levels){bids, SIDE};
		ev->book_snapshot.asks = (struct levels){asks, SIDE};
	}
}

/* The bare cursor. */

static inline uint8_t *bare_be(uint8_t *p, uint8_t code, uint64_t v, unsigned bytes)
{
	*p = code;
	v = __builtin_bswap64(v << (64 - 8 * bytes));
	memcpy(p + 1, &v, bytes);
	return p + 1 + bytes;
}

static inline uint8_t *bare_uint(uint8_t *p, uint64_t v)
{
	if (v < 128) {
		*p = (uint8_t)v;
		return p + 1;
	}
	if (v <= UINT8_MAX)
		return bare_be(p, 0xcc, v, 1);
	if (v <= UINT16_MAX)
		return bare_be(p, 0xcd, v, 2);
	if (v <= UINT32_MAX)
		return bare_be(p, 0xce, v, 4);
	return bare_be(p, 0xcf, v, 8);
}

static inline uint8_t *bare_str(uint8_t *p, const char *s)
{
	size_t n = strlen(s);

	*p++ = (uint8_t)(0xa0 | n);
	memcpy(p, s, n);
	return p + n;
}

static inline uint8_t *bare_head(uint8_t *p, const struct event *ev)
{
	p = bare_uint(p, ev->id);
	p = bare_uint(p, ev->version);
	p = bare_str(p, ev->source);
	p = bare_uint(p, ev->epoch);
	p = bare_uint(p, ev->seq);
	p = bare_uint(p, ev->origin);
	p = bare_uint(p, (uint64_t)ev->ts_event);
	p = bare_uint(p, (uint64_t)ev->ts_recv);
	return bare_be(p, 0xd3, (uint64_t)ev->ts_sent, 8);
}

static inline uint8_t *bare_levels(uint8_t *p, const struct levels *l)
{
	p = bare_be(p, 0xdc, 2 * l->n, 2);
	for (uint32_t i = 0; i < l->n; i++) {
		p = bare_uint(p, (uint64_t)l->at[i].price);
		p = bare_uint(p, (uint64_t)l->at[i].qty);
	}
	return p;
}

static __attribute__((noinline)) size_t bare_pack_trade(const struct event *ev, uint8_t *p)
{
	uint8_t *start = p;

	p = bare_be(p, 0xdc, 16, 2);
	p = bare_head(p, ev);
	p = bare_str(p, ev->trade.instrument.s);
	p = bare_uint(p, ev->trade.price_scale);
	p = bare_uint(p, ev->trade.qty_scale);
	p = bare_uint(p, (uint64_t)ev->trade.price);
	p = bare_uint(p, (uint64_t)ev->trade.qty);
	p = bare_uint(p, ev->trade.aggressor);
	p = bare_uint(p, ev->trade.trade_id);
	return (size_t)(p - start);
}

static __attribute__((noinline)) size_t bare_pack_book(const struct event *ev, uint8_t *p)
{
	uint8_t *start = p;

	p = bare_be(p, 0xdc, 17, 2);
	p = bare_head(p, ev);
	p = bare_str(p, ev->book_snapshot.instrument.s);
	p = bare_uint(p, ev->book_snapshot.price_scale);
	p = bare_uint(p, ev->book_snapshot.qty_scale);
	p = bare_uint(p, ev->book_snapshot.last_id);
	p = bare_uint(p, (uint64_t)ev->book_snapshot.bid_floor);
	p = bare_uint(p, (uint64_t)ev->book_snapshot.ask_ceil);
	p = bare_levels(p, &ev->book_snapshot.bids);
	p = bare_levels(p, &ev->book_snapshot.asks);
	return (size_t)(p - start);
}

static inline uint64_t bare_word(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return __builtin_bswap64(v) >> (64 - 8 * bytes);
}

static inline const uint8_t *bare_get(const uint8_t *p, uint64_t *v)
{
	switch (*p) {
	case 0xcc:
		*v = bare_word(p + 1, 1);
		return p + 2;
	case 0xcd:
		*v = bare_word(p + 1, 2);
		return p + 3;
	case 0xce:
		*v = bare_word(p + 1, 4);
		return p + 5;
	case 0xcf:
	case 0xd3:
		*v = bare_word(p + 1, 8);
		return p + 9;
	default:
		*v = *p;
		return p + 1;
	}
}

static inline const uint8_t *bare_get_i64(const uint8_t *p, int64_t *v)
{
	uint64_t u;

	p = bare_get(p, &u);
	*v = (int64_t)u;
	return p;
}

static inline const uint8_t *bare_get_u8(const uint8_t *p, uint8_t *v)
{
	uint64_t u;

	p = bare_get(p, &u);
	*v = (uint8_t)u;
	return p;
}

static inline const uint8_t *bare_get_str(const uint8_t *p, char *s, size_t size)
{
	size_t n = *p & 0x1f;

	memset(s, 0, size);
	memcpy(s, p + 1, n);
	return p + 1 + n;
}

static inline const uint8_t *bare_get_head(const uint8_t *p, struct event *ev)
{
	uint64_t id;

	p = bare_get(p + 3, &id);
	ev->id = (uint16_t)id;
	p = bare_get_u8(p, &ev->version);
	p = bare_get_str(p, ev->source, sizeof ev->source);
	p = bare_get(p, &ev->epoch);
	p = bare_get(p, &ev->seq);
	p = bare_get_u8(p, &ev->origin);
	p = bare_get_i64(p, &ev->ts_event);
	p = bare_get_i64(p, &ev->ts_recv);
	return bare_get_i64(p, &ev->ts_sent);
}

static inline const uint8_t *bare_get_levels(const uint8_t *p, struct level *at, struct levels *l)
{
	uint32_t n = (uint32_t)bare_word(p + 1, 2) / 2;

	p += 3;
	for (uint32_t i = 0; i < n; i++) {
		p = bare_get_i64(p, &at[i].price);
		p = bare_get_i64(p, &at[i].qty);
	}
	*l = (struct levels){at, n};
	return p;
}

static __attribute__((noinline)) size_t bare_unpack_trade(const uint8_t *start, struct event *ev)
{
	const uint8_t *p = bare_get_head(start, ev);

	p = bare_get_str(p, ev->trade.instrument.s, sizeof ev->trade.instrument.s);
	p = bare_get_u8(p, &ev->trade.price_scale);
	p = bare_get_u8(p, &ev->trade.qty_scale);
	p = bare_get_i64(p, &ev->trade.price);
	p = bare_get_i64(p, &ev->trade.qty);
	p = bare_get_u8(p, &ev->trade.aggressor);
	p = bare_get(p, &ev->trade.trade_id);
	return (size_t)(p - start);
}

static __attribute__((noinline)) size_t bare_unpack_book(const uint8_t *start, struct event *ev)
{
	const uint8_t *p = bare_get_head(start, ev);
	struct level *room = (struct level *)(void *)arena_memory;

	p = bare_get_str(p, ev->book_snapshot.instrument.s, sizeof ev->book_snapshot.instrument.s);
	p = bare_get_u8(p, &ev->book_snapshot.price_scale);
	p = bare_get_u8(p, &ev->book_snapshot.qty_scale);
	p = bare_get(p, &ev->book_snapshot.last_id);
	p = bare_get_i64(p, &ev->book_snapshot.bid_floor);
	p = bare_get_i64(p, &ev->book_snapshot.ask_ceil);
	p = bare_get_levels(p, room, &ev->book_snapshot.bids);
	p = bare_get_levels(p, room + SIDE, &ev->book_snapshot.asks);
	return (size_t)(p - start);
}

/* msgpack-c, array form. */

static msgpack_sbuffer library_out;

static void library_str(msgpack_packer *p, const char *s)
{
	size_t n = strlen(s);

	msgpack_pack_str(p, n);
	msgpack_pack_str_body(p, s, n);
}

static void library_head(msgpack_packer *p, const struct event *ev, size_t fields)
{
	msgpack_pack_array(p, 9 + fields);
	msgpack_pack_uint16(p, ev->id);
	msgpack_pack_uint8(p, ev->version);
	library_str(p, ev->source);
	msgpack_pack_uint64(p, ev->epoch);
	msgpack_pack_uint64(p, ev->seq);
	msgpack_pack_uint8(p, ev->origin);
	msgpack_pack_int64(p, ev->ts_event);
	msgpack_pack_int64(p, ev->ts_recv);
	msgpack_pack_fix_int64(p, ev->ts_sent);
}

static void library_levels(msgpack_packer *p, const struct levels *l)
{
	msgpack_pack_array(p, 2 * (size_t)l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		msgpack_pack_int64(p, l->at[i].price);
		msgpack_pack_int64(p, l->at[i].qty);
	}
}

static void library_pack(const struct event *ev)
{
	msgpack_packer p;

	msgpack_sbuffer_clear(&library_out);
	msgpack_packer_init(&p, &library_out, msgpack_sbuffer_write);
	if (ev->id == EVENT_trade) {
		library_head(&p, ev, 7);
		library_str(&p, ev->trade.instrument.s);
		msgpack_pack_uint8(&p, ev->trade.price_scale);
		msgpack_pack_uint8(&p, ev->trade.qty_scale);
		msgpack_pack_int64(&p, ev->trade.price);
		msgpack_pack_int64(&p, ev->trade.qty);
		msgpack_pack_uint8(&p, ev->trade.aggressor);
		msgpack_pack_uint64(&p, ev->trade.trade_id);
		return;
	}
	library_head(&p, ev, 8);
	library_str(&p, ev->book_snapshot.instrument.s);
	msgpack_pack_uint8(&p, ev->book_snapshot.price_scale);
	msgpack_pack_uint8(&p, ev->book_snapshot.qty_scale);
	msgpack_pack_uint64(&p, ev->book_snapshot.last_id);
	msgpack_pack_int64(&p, ev->book_snapshot.bid_floor);
	msgpack_pack_int64(&p, ev->book_snapshot.ask_ceil);
	library_levels(&p, &ev->book_snapshot.bids);
	library_levels(&p, &ev->book_snapshot.asks);
}

static void walk_str(const msgpack_object *o, char *s, size_t size)
{
	size_t n = o->via.str.size < size ? o->via.str.size : size - 1;

	memset(s, 0, size);
	memcpy(s, o->via.str.ptr, n);
}

static void walk_levels(const msgpack_object *o, struct level *at, struct levels *l)
{
	const msgpack_object *item = o->via.array.ptr;
	uint32_t n = o->via.array.size / 2;

	for (uint32_t i = 0; i < n; i++)
		at[i] = (struct level){item[2 * i].via.i64, item[2 * i + 1].via.i64};
	*l = (struct levels){at, n};
}

static void walk(const msgpack_object *root, struct event *ev)
{
	const msgpack_object *o = root->via.array.ptr;
	struct level *room = (struct level *)(void *)arena_memory;

	ev->id = (uint16_t)o[0].via.u64;
	ev->version = (uint8_t)o[1].via.u64;
	walk_str(&o[2], ev->source, sizeof ev->source);
	ev->epoch = o[3].via.u64;
	ev->seq = o[4].via.u64;
	ev->origin = (uint8_t)o[5].via.u64;
	ev->ts_event = o[6].via.i64;
	ev->ts_recv = o[7].via.i64;
	ev->ts_sent = o[8].via.i64;
	walk_str(&o[9], ev->trade.instrument.s, sizeof ev->trade.instrument.s);
	ev->trade.price_scale = (uint8_t)o[10].via.u64;
	ev->trade.qty_scale = (uint8_t)o[11].via.u64;
	if (ev->id == EVENT_trade) {
		ev->trade.price = o[12].via.i64;
		ev->trade.qty = o[13].via.i64;
		ev->trade.aggressor = (uint8_t)o[14].via.u64;
		ev->trade.trade_id = o[15].via.u64;
		return;
	}
	ev->book_snapshot.last_id = o[12].via.u64;
	ev->book_snapshot.bid_floor = o[13].via.i64;
	ev->book_snapshot.ask_ceil = o[14].via.i64;
	walk_levels(&o[15], room, &ev->book_snapshot.bids);
	walk_levels(&o[16], room + SIDE, &ev->book_snapshot.asks);
}

/* Contestants: one pass over the corpus each. */

static void ours_pack(const struct corpus *c)
{
	for (int i = 0; i < EVENTS; i++)
		sink += (uint64_t)codec_pack(&c->ev[i], out, sizeof out);
}

static void bare_pack(const struct corpus *c)
{
	if (c == &trades)
		for (int i = 0; i < EVENTS; i++)
			sink += bare_pack_trade(&c->ev[i], out);
	else
		for (int i = 0; i < EVENTS; i++)
			sink += bare_pack_book(&c->ev[i], out);
}

static void library_pack_all(const struct corpus *c)
{
	for (int i = 0; i < EVENTS; i++) {
		library_pack(&c->ev[i]);
		sink += library_out.size;
	}
}

static void ours_unpack(const struct corpus *c)
{
	struct event ev;
	size_t used;

	for (int i = 0; i < EVENTS; i++) {
		struct arena arena = {arena_memory, sizeof arena_memory, 0};
		must(codec_unpack(c->packed[i], c->len[i], &arena, &ev, &used) == 0);
		sink += used + ev.seq;
	}
}

static void bare_unpack(const struct corpus *c)
{
	struct event ev;

	if (c == &trades)
		for (int i = 0; i < EVENTS; i++)
			sink += bare_unpack_trade(c->packed[i], &ev) + ev.seq;
	else
		for (int i = 0; i < EVENTS; i++)
			sink += bare_unpack_book(c->packed[i], &ev) + ev.seq;
}

static void library_unpack(const struct corpus *c)
{
	msgpack_unpacked result;
	struct event ev;

	msgpack_unpacked_init(&result);
	for (int i = 0; i < EVENTS; i++) {
		const char *bytes = (const char *)c->packed[i];
		size_t off = 0;
		must(msgpack_unpack_next(&result, bytes, c->len[i],
			&off) == MSGPACK_UNPACK_SUCCESS);
		walk(&result.data, &ev);
		sink += off + ev.seq;
	}
	msgpack_unpacked_destroy(&result);
}

static void make_topics(const struct corpus *c)
{
	char topic[TOPIC_MAX];

	for (int i = 0; i < EVENTS; i++)
		sink += (uint64_t)topic_of(&c->ev[i], topic);
}

/* Timing. */

/* Of this thread alone: whoever else works on the machine is not in it. */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_ns(void (*pass)(const struct corpus *), const struct corpus *c)
{
	double start = now_ns();

	for (int i = 0; i < rounds; i++)
		pass(c);
	return (now_ns() - start) / rounds / EVENTS;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	return v[n / 2];
}

struct contest {
	const char *what;
	void (*ours)(const struct corpus *);
	void (*bare)(const struct corpus *);
	void (*library)(const struct corpus *);
	double bare_max, library_min;
};

static bool run(const struct contest *t, const struct corpus *c)
{
	double ours[REPEATS_MAX], bare[REPEATS_MAX], library[REPEATS_MAX];
	double to_bare[REPEATS_MAX], to_library[REPEATS_MAX], floor[REPEATS_MAX];

	for (int i = 0; i < repeats; i++) {
		ours[i] = time_ns(t->ours, c);
		bare[i] = time_ns(t->bare, c);
		library[i] = time_ns(t->library, c);
		to_bare[i] = ours[i] / bare[i];
		to_library[i] = library[i] / ours[i];
		floor[i] = library[i] / bare[i];
	}
	double slower = median(to_bare, repeats), faster = median(to_library, repeats);
	bool good = slower <= t->bare_max && faster >= t->library_min;
	printf("G2 %s %-20s ours %6.1f ns  bare %6.1f ns  msgpack-c %7.1f ns | %.2fx bare "
	       "[%.2f..%.2f] goal <= %.1f | %.1fx msgpack-c goal >= %.0f (bare %.1fx) | %s\n",
	       t->what, c->name, median(ours, repeats), median(bare, repeats),
	       median(library, repeats), slower, to_bare[0], to_bare[repeats - 1], t->bare_max,
	       faster, t->library_min, median(floor, repeats), good ? "ok" : "MISSED");
	return good;
}

/* All three agree on the bytes and on what they say, before anything is timed. */
static void prepare(struct corpus *c)
{
	for (int i = 0; i < EVENTS; i++) {
		struct arena arena = {arena_memory, sizeof arena_memory, 0};
		const struct event *from = &c->ev[i];
		uint8_t *packed = c->packed[i];
		struct event ev;
		size_t used;
		int n = codec_pack(from, packed, sizeof c->packed[i]);

		must(n > 0);
		c->len[i] = (size_t)n;
		must((c == &trades ? bare_pack_trade : bare_pack_book)(from, out) == c->len[i]);
		must(memcmp(out, packed, c->len[i]) == 0);
		library_pack(from);
		must(library_out.size == c->len[i] && memcmp(library_out.data, packed,
			c->len[i]) == 0);
		must(codec_unpack(packed, c->len[i], &arena, &ev, &used) == 0 && used == c->len[i]);
		must(codec_pack(&ev, out, sizeof out) == n && memcmp(out, packed, c->len[i]) == 0);
	}
}

int main(int argc, char **argv)
{
	static const struct contest pack = {"encode", ours_pack, bare_pack, library_pack_all, 1.5,
		5};
	static const struct contest unpack = {"decode", ours_unpack, bare_unpack, library_unpack,
		1.5, 8};
	struct rng r;
	bool good = true;

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		rounds = 100;
		repeats = 15;
	}
	rng_seed(&r, 42);
	msgpack_sbuffer_init(&library_out);
	make_trades(&r);
	make_books(&r);
	prepare(&trades);
	prepare(&books);
	printf("bytes: trade %zu, book_snapshot 20+20 %zu; topic_of trade %.1f ns\n", trades.len[0],
	       books.len[0], time_ns(make_topics, &trades));
	good &= run(&pack, &trades);
	good &= run(&unpack, &trades);
	good &= run(&pack, &books);
	good &= run(&unpack, &books);
	msgpack_sbuffer_destroy(&library_out);
	return good ? 0 : 1;
}
