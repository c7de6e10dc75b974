/* test_store_read - raw records read back by range: which ones, in which order, until enough, while others write. */
#include "store_kit.h"

#include "services/persister/store_read.h"

struct seen {
	uint64_t epoch[64], seq[64];
	size_t n, enough;
};

static bool take(void *ctx, const struct store_record *r)
{
	struct seen *s = ctx;
	struct event head;
	assert_int_equal(codec_peek(r->body, r->len, &head), 0);
	assert_int_equal(head.seq, r->seq);
	assert_int_equal(head.epoch, r->epoch);
	assert_int_equal(head.ts_recv, r->ts_recv);
	assert_string_equal(r->topic, "fill.BINANCE.BTCUSDT");
	s->epoch[s->n] = r->epoch;
	s->seq[s->n++] = r->seq;
	return s->n != s->enough;
}

static struct seen records(struct kit *k, const struct store_range *range, size_t enough)
{
	struct store_read *s = NULL;
	struct seen seen = {.enough = enough};
	assert_int_equal(store_read_open(k->path, &s, k->reason, sizeof k->reason), 0);
	assert_int_equal(store_read_records(s, range, take, &seen), 0);
	store_read_close(s);
	return seen;
}

static void expect(const struct seen *s, uint64_t first, uint64_t last)
{
	size_t n = (size_t)(first < last ? last - first : first - last) + 1;
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->seq[i], first < last ? first + i : first - i);
}

/* Twenty of epoch 7, three of epoch 8, and somebody else's. */
static void fill(struct kit *k)
{
	struct event ev;
	for (uint64_t seq = 1; seq <= 20; seq++) {
		kit_fill(&ev, "executor", seq);
		kit_write(k, LANE_X, &ev);
		kit_fill(&ev, "strategy", seq);
		kit_write(k, LANE_X, &ev);
	}
	for (uint64_t seq = 1; seq <= 3; seq++) {
		kit_fill(&ev, "executor", seq);
		ev.epoch = 8;
		ev.ts_recv += 1000;
		kit_write(k, LANE_X, &ev);
	}
}

static void ranges(void **state)
{
	struct kit *k = *state;
	fill(k);
	struct store_range r = {.publisher = "executor", .since = INT64_MIN};
	struct seen s = records(k, &r, 0);
	assert_int_equal(s.n, 23); /* epoch by epoch */
	assert_int_equal(s.epoch[19], 7);
	assert_int_equal(s.epoch[20], 8);
	r = (struct store_range){.publisher = "executor", .epoch = 7, .seq = 5, .stop_epoch = 7, .stop_seq = 9};
	s = records(k, &r, 0);
	expect(&s, 5, 8);
	r.stop_epoch = 8;
	r.stop_seq = 1; /* up to where the next epoch begins */
	s = records(k, &r, 0);
	expect(&s, 5, 20);
	r.limit = 4;
	s = records(k, &r, 0);
	expect(&s, 5, 8);
	r.limit = 0;
	s = records(k, &r, 2); /* enough */
	expect(&s, 5, 6);
	r.publisher = "nobody";
	s = records(k, &r, 0);
	assert_int_equal(s.n, 0);
}

static void by_time_and_backwards(void **state)
{
	struct kit *k = *state;
	struct event ev;
	fill(k);
	kit_fill(&ev, "executor", 18);
	struct store_range r = {.publisher = "executor", .stop_epoch = 8, .stop_seq = 1, .since = ev.ts_recv};
	struct seen s = records(k, &r, 0);
	expect(&s, 18, 20);
	r.since = INT64_MIN;
	r.backwards = true;
	s = records(k, &r, 0);
	expect(&s, 20, 1);
	s = records(k, &r, 5);
	expect(&s, 20, 16);
}

/* ---- the newest of each ---- */

static struct symbol btcusdt(void)
{
	struct symbol s;
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &s), 0);
	return s;
}

static struct event of_executor(uint16_t id, uint64_t epoch, uint64_t seq)
{
	struct event ev;
	event_init(&ev, id);
	snprintf(ev.source, sizeof ev.source, "executor");
	ev.origin = origin_simulated;
	ev.epoch = epoch;
	ev.seq = seq;
	ev.ts_recv = ev.ts_event = (int64_t)(epoch * 1000 + seq);
	return ev;
}

struct said { /* of an order */
	const char *id;
	uint64_t ordinal;
	enum order_status status;
	enum reject reject;
};

static void order(struct kit *k, uint64_t epoch, uint64_t seq, struct said said)
{
	struct event ev = of_executor(EVENT_order, epoch, seq);
	event_set_name(ev.order.account, "paper");
	event_set_name(ev.order.client_order_id, said.id);
	ev.order.instrument = btcusdt();
	ev.order.side = side_buy;
	ev.order.type = order_type_limit;
	ev.order.tif = tif_gtc;
	ev.order.status = (uint8_t)said.status;
	ev.order.reject = (uint8_t)said.reject;
	ev.order.intent_ordinal = said.ordinal;
	kit_write(k, LANE_X, &ev);
}

static void position(struct kit *k, uint64_t epoch, uint64_t seq, const char *account, int64_t qty)
{
	struct event ev = of_executor(EVENT_position, epoch, seq);
	event_set_name(ev.position.account, account);
	ev.position.instrument = btcusdt();
	ev.position.qty = qty;
	kit_write(k, LANE_X, &ev);
}

static char found[200];

static void note(void *ctx, const struct event *ev)
{
	size_t n = strlen(found);
	(void)ctx;
	if (ev->id == EVENT_order)
		snprintf(found + n, sizeof found - n, "%s %s, ", ev->order.client_order_id,
			 enum_text(enum_order_status(), ev->order.status));
	else
		snprintf(found + n, sizeof found - n, "%s %lld, ", ev->position.account, (long long)ev->position.qty);
}

typedef int read_fn(struct store_read *s, bool all, store_read_event_fn *fn, void *ctx);

static void expect_newest(struct kit *k, read_fn *read, bool all, const char *text)
{
	struct store_read *s = NULL;
	found[0] = '\0';
	assert_int_equal(store_read_open(k->path, &s, k->reason, sizeof k->reason), 0);
	assert_int_equal(read(s, all, note, NULL), 0);
	store_read_close(s);
	assert_string_equal(found, text);
}

static void the_newest_of_each_position(void **state)
{
	struct kit *k = *state;
	position(k, 7, 1, "paper", 9); /* of an executor that has lost its data since */
	position(k, 8, 1, "paper", 5);
	position(k, 8, 2, "hedge", -5);
	position(k, 8, 3, "paper", 0);
	expect_newest(k, store_read_last_positions, false, "hedge -5, ");
	expect_newest(k, store_read_last_positions, true, "hedge -5, paper 0, ");
}

static void count(void *ctx, const struct store_orders *o)
{
	size_t n = strlen(found);
	(void)ctx;
	snprintf(found + n, sizeof found - n, "%s/%s %lld, ", o->status, o->reject, (long long)o->count);
}

/* Refusals of cancels and replacements bear the id of the order that they were about. */
static void the_newest_of_each_order(void **state)
{
	static const struct said said[] = {
		{"a", 1, order_status_open, reject_none},
		{"b", 2, order_status_waiting, reject_none},
		{"a", 1, order_status_partial, reject_none},
		{"c", 3, order_status_filled, reject_none},
		{"a", 4, order_status_rejected, reject_duplicate},   /* another order of its id */
		{"a", 5, order_status_rejected, reject_tick_size},	       /* a replacement */
		{"c", 6, order_status_rejected, reject_unknown_order}, /* a cancel that came too late */
		{"e", 7, order_status_pending, reject_none},
		{"e", 7, order_status_rejected, reject_balance},	     /* when it arrived */
		{"", 8, order_status_rejected, reject_unknown_order}, /* a cancel of nothing */
		{"f", 9, order_status_open, reject_none},
		{"f", 10, order_status_rejected, reject_venue},	     /* an order, by the venue, whichever ordinal */
	};
	struct kit *k = *state;
	struct store_read *s = NULL;
	/* By an executor that has lost its data since. */
	order(k, 7, 1, (struct said){"lost", 1, order_status_open, reject_none});
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		order(k, 8, i + 1, said[i]);
	expect_newest(k, store_read_last_orders, false, "b waiting, a partial, ");
	expect_newest(k, store_read_last_orders, true, "b waiting, a partial, c filled, e rejected, f rejected, ");
	found[0] = '\0';
	assert_int_equal(store_read_open(k->path, &s, k->reason, sizeof k->reason), 0);
	assert_int_equal(store_read_orders(s, count, NULL), 0);
	store_read_close(s);
	assert_string_equal(found, "filled/none 1, open/none 1, partial/none 1, rejected/balance 1, "
				   "rejected/unknown_order 1, rejected/venue 1, waiting/none 1, ");
}

static void no_database(void **state)
{
	struct kit *k = *state;
	struct store_read *s = NULL;
	assert_int_equal(store_read_open("/nonexistent/nightjar.db", &s, k->reason, sizeof k->reason), ERR_NOT_FOUND);
	assert_null(s);
	assert_non_null(strstr(k->reason, "/nonexistent/nightjar.db"));
	store_read_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ranges, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(by_time_and_backwards, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(the_newest_of_each_position, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(the_newest_of_each_order, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(no_database, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
