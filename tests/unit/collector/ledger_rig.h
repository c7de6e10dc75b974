/* ledger_rig - a collector core whose ledger is checked as it speaks: what is opened once is closed once. */
#ifndef NJ_TESTS_LEDGER_RIG_H
#define NJ_TESTS_LEDGER_RIG_H

#include <inttypes.h>
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000040LL * NS)
#define KEYS_MAX 4096

static const struct collector_market one[] = {{"BTCUSDT", 0, 15}};

/* ---- what the ledger says, checked as it is said ---- */

struct key {
	char instrument[sizeof(struct symbol)], stream[EVENT_NAME_MAX];
	int64_t from;
	uint64_t first;
	uint32_t connection;
	bool open;
};

struct book_keeping {
	struct key key[KEYS_MAX];
	uint32_t n;
	uint32_t gaps[8], backfilled; /* gaps by repair */
	uint32_t outages; /* blinds of a whole connection */
	uint64_t missing;
	struct ev_gap gap;
	struct ev_blind blind;
	bool live;
};

static inline struct key *find(struct book_keeping *b, const char *instrument, const char *stream, int64_t from,
			uint64_t first)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct key *k = &b->key[i];
		if (strcmp(k->instrument, instrument) == 0 && strcmp(k->stream, stream) == 0 && k->from == from &&
		    k->first == first)
			return k;
	}
	return NULL;
}

static inline void add(struct book_keeping *b, const char *instrument, const char *stream, int64_t from, uint64_t first)
{
	assert_true(b->n < KEYS_MAX);
	struct key *k = &b->key[b->n++];
	*k = (struct key){.from = from, .first = first, .open = true};
	snprintf(k->instrument, sizeof k->instrument, "%s", instrument);
	snprintf(k->stream, sizeof k->stream, "%s", stream);
}

static inline void on_blind(struct book_keeping *b, const struct ev_blind *e)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->key[i].open && strcmp(b->key[i].stream, "all") == 0 && b->key[i].connection == e->connection)
			assert_string_not_equal(e->stream, "all");
	assert_null(find(b, e->instrument.s, e->stream, e->from, e->first_missing));
	add(b, e->instrument.s, e->stream, e->from, e->first_missing);
	b->key[b->n - 1].connection = e->connection;
	if (strcmp(e->stream, "all") == 0 || e->first_missing != 0 || e->stream[0] == 't')
		b->blind = *e;
	b->outages += strcmp(e->stream, "all") == 0;
}

/* Its own blind record opened it, or that of the whole connection, of the same moment. */
static inline void on_gap(struct book_keeping *b, const struct ev_gap *e)
{
	struct key *k = find(b, e->instrument.s, e->stream, e->from, e->first_missing);

	assert_true(e->from > 0 && e->to >= e->from);
	if (k == NULL) { /* or both ends were known when it was told */
		assert_string_not_equal(e->stream, "all");
		assert_true(find(b, "", "all", e->from, 0) != NULL || e->missing > 0 ||
			    (e->from == b->gap.to && strcmp(b->gap.stream, e->stream) == 0)); /* its second part */
		add(b, e->instrument.s, e->stream, e->from, e->first_missing);
		k = &b->key[b->n - 1];
	}
	if (!k->open)
		printf("closed twice: %s %s from %" PRId64 " first %" PRIu64 "\n", k->instrument, k->stream,
		       (int64_t)(k->from - T0), k->first);
	assert_true(k->open);
	k->open = false;
	b->gaps[e->repair]++;
	b->missing += e->missing;
	b->gap = *e;
}

static inline void keep(void *ctx, const struct event *ev)
{
	struct book_keeping *b = ctx;

	if (ev->id == EVENT_blind)
		on_blind(b, &ev->blind);
	if (ev->id == EVENT_gap)
		on_gap(b, &ev->gap);
	if (ev->id == EVENT_feed_state)
		b->live = ev->feed_state.state == feed_live;
	b->backfilled += ev->id == EVENT_trade_backfill;
}

static inline uint32_t still_open(const struct book_keeping *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		n += b->key[i].open;
	return n;
}

static inline void open_rig(struct rig *r, struct book_keeping *b)
{
	struct collector_core_settings s;

	memset(b, 0, sizeof *b);
	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.klines_limit = 5;
	s.ask_pace_ns = 0;
	snprintf(s.kline_interval, sizeof s.kline_interval, "1m");
	rig_open(r, &s);
	r->on_event = keep;
	r->ctx = b;
	collector_core_start(r->core, T0 - 1, &r->sink);
}

static inline void trade(struct rig *r, int64_t now, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"t\":%" PRIu64
		 ",\"p\":\"100\",\"q\":\"1\",\"T\":%lld,\"m\":true}",
		 (long long)(now / 1000000), id, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

static inline void agg_trade(struct rig *r, int64_t now, uint64_t id)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"aggTrade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"a\":%" PRIu64
		 ",\"p\":\"100\",\"q\":\"1\",\"f\":%" PRIu64 ",\"l\":%" PRIu64 ",\"T\":%lld,\"m\":true}",
		 (long long)(now / 1000000), id, id * 3, id * 3 + 1, (long long)(now / 1000000));
	rig_frame(r, now, text);
}

static inline void depth(struct rig *r, int64_t now, uint64_t first, uint64_t last)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%" PRIu64 ",\"u\":%" PRIu64
		 ",\"b\":[[\"99\",\"1\"]],\"a\":[[\"101\",\"1\"]]}",
		 (long long)(now / 1000000), first, last);
	rig_frame(r, now, text);
}

/* Rows from..to of the venue's trades, but not `without`. */
static inline void reply_trades(struct rig *r, int64_t now, uint64_t id, const uint64_t range[2], uint64_t without)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_byte(&text, '[');
	for (uint64_t t = range[0]; t <= range[1]; t++)
		if (t != without)
			buf_printf(&text,
				   "%s{\"id\":%" PRIu64
				   ",\"price\":\"100.00000000\",\"qty\":\"1.00000000\",\"quoteQty\":\"1\","
				   "\"time\":1700000000000,\"isBuyerMaker\":true,\"isBestMatch\":true}",
				   text.len > 1 ? "," : "", t);
	buf_byte(&text, ']');
	buf_byte(&text, 0);
	rig_reply_to(r, now, id, 200, (const char *)text.at);
	buf_fini(&text);
}

/* The newest request of a kind; its number and path. */
static inline int newest(const struct rig *r, enum venue_ask ask)
{
	for (uint32_t i = r->n_requests; i > 0 && i + RIG_REQUESTS > r->n_requests; i--)
		if (r->request[(i - 1) % RIG_REQUESTS].ask == ask)
			return (int)((i - 1) % RIG_REQUESTS);
	return -1;
}

#endif
