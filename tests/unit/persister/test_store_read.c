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

static void order(struct kit *k, uint64_t epoch, uint64_t seq, const char *id, enum order_status status)
{
	struct event ev = of_executor(EVENT_order, epoch, seq);
	event_set_name(ev.order.account, "paper");
	event_set_name(ev.order.client_order_id, id);
	ev.order.instrument = btcusdt();
	ev.order.side = side_buy;
	ev.order.type = order_type_limit;
	ev.order.tif = tif_gtc;
	ev.order.status = (uint8_t)status;
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

static void the_newest_of_each(void **state)
{
	struct kit *k = *state;
	order(k, 7, 1, "lost", order_status_open); /* by an executor that has lost its data since */
	position(k, 7, 2, "paper", 9);
	order(k, 8, 1, "a", order_status_open);
	order(k, 8, 2, "b", order_status_waiting);
	order(k, 8, 3, "a", order_status_partial);
	order(k, 8, 4, "c", order_status_filled);
	struct event again = of_executor(EVENT_order, 8, 5);
	event_set_name(again.order.account, "paper");
	event_set_name(again.order.client_order_id, "a");
	again.order.instrument = btcusdt();
	again.order.side = side_buy;
	again.order.type = order_type_limit;
	again.order.tif = tif_gtc;
	again.order.status = order_status_rejected;
	again.order.reject = reject_duplicate;
	kit_write(k, LANE_X, &again);
	position(k, 8, 6, "paper", 5);
	position(k, 8, 7, "hedge", -5);
	position(k, 8, 8, "paper", 0);
	expect_newest(k, store_read_last_orders, false, "b waiting, a partial, ");
	expect_newest(k, store_read_last_orders, true, "b waiting, a partial, c filled, ");
	expect_newest(k, store_read_last_positions, false, "hedge -5, ");
	expect_newest(k, store_read_last_positions, true, "hedge -5, paper 0, ");
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
		cmocka_unit_test_setup_teardown(the_newest_of_each, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(no_database, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
