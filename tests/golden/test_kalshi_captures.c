/* test_kalshi_captures - Kalshi's recorded frames, folded into a book and held against an independent sampling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/venue/book.h"
#include "common/venue/venue.h"
#include "tests/golden/capture.h"

#define FOLDER "kalshi/events/"
#define DOLLAR 10000 /* prices have four decimals */

struct fold {
	struct venue_market market;
	struct book book;
	bool has_book;
	uint32_t snapshots, deltas, trades, early, negative, crossed;
	uint32_t ignored; /* of other kinds */
};

static struct fold fold;
static struct level levels[2 * 2000];

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	return strlen(fold.market.raw) == len && memcmp(raw, fold.market.raw, len) == 0 ? &fold.market : NULL;
}

static void add(const struct levels *l, enum side side)
{
	for (uint32_t i = 0; i < l->n; i++) {
		struct level total = {l->at[i].price, book_qty_at(&fold.book, side, l->at[i].price) + l->at[i].qty};
		struct ev_book_delta d = {.last_id = 1};
		fold.negative += total.qty < 0;
		*(side == side_buy ? &d.bids : &d.asks) = (struct levels){&total, 1};
		assert_int_equal(book_delta(&fold.book, &d), 0);
	}
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	if (m->kind == VENUE_SNAPSHOT) {
		struct ev_book_snapshot s = {
			.last_id = m->snapshot.last_id, .bids = m->snapshot.bids, .asks = m->snapshot.asks};
		assert_int_equal(book_snapshot(&fold.book, &s), 0);
		fold.has_book = true;
		fold.snapshots++;
	} else if (m->kind == VENUE_DEPTH && !fold.has_book) {
		fold.early++;
	} else if (m->kind == VENUE_DEPTH) {
		assert_true(m->depth.relative);
		add(&m->depth.bids, side_buy);
		add(&m->depth.asks, side_sell);
		fold.deltas++;
		fold.crossed += book_crossed(&fold.book);
	} else if (m->kind == VENUE_TRADE) {
		fold.trades++;
	} else {
		fold.ignored++;
	}
}

/* {"recv_ms":…,"event":{…}}: the frame's text, and when it came. */
static int64_t split(const char *line, struct json_str *ret_event)
{
	struct json_str key;
	struct json j;
	int64_t at = 0;

	*ret_event = (struct json_str){NULL, 0, false};
	json_init(&j, line, strlen(line));
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, "recv_ms"))
			json_i64(&j, &at);
		else if (json_str_is(key, "event"))
			json_raw(&j, ret_event);
		else
			json_skip(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_non_null(ret_event->at);
	return at;
}

static void feed(struct json_str event)
{
	const struct venue *v = venue_find("KALSHI", 6);
	struct venue_input in = {.text = event.at, .len = event.len};
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = 2000};

	assert_int_equal(v->decode(&in, &out), 0);
}

static bool begin(const char *ticker, const char *file, struct capture *ret_capture)
{
	char path[200];

	snprintf(path, sizeof(path), FOLDER "%s/%s", ticker, file);
	if (capture_open(path, ret_capture) != 0)
		return false;
	fold = (struct fold){0};
	assert_int_equal(venue_market_init(venue_find("KALSHI", 6), ticker, strlen(ticker), &fold.market), 0);
	fold.market.price_scale = 4;
	fold.market.qty_scale = 2;
	assert_int_equal(book_init(&fold.book, 2000), 0);
	return true;
}

static void read_whole(const char *ticker, const char *file, bool *ret_there)
{
	struct capture c = {0};
	char *line;

	*ret_there = begin(ticker, file, &c);
	if (!*ret_there)
		return;
	while ((line = capture_line(&c)) != NULL) {
		struct json_str event;
		split(line, &event);
		feed(event);
	}
	capture_close(&c);
	assert_int_equal(fold.negative, 0);
	assert_int_equal(fold.crossed, 0);
	assert_int_equal(fold.ignored, 0);
	book_fini(&fold.book);
}

static void test_sizes(void **state)
{
	(void)state;
	bool there;

	read_whole("KXGOLD15M-26AUG050800-00", "2026-08-05.ndjson.gz", &there);
	if (!there)
		skip();
	assert_int_equal(fold.snapshots, 2);
	assert_int_equal(fold.deltas, 28614);
	assert_int_equal(fold.trades, 399);
	read_whole("KXGOLD15M-26AUG102000-00", "2026-08-10.ndjson.gz", &there);
	assert_int_equal(fold.snapshots, 1);
	assert_int_equal(fold.deltas, 46359);
	assert_int_equal(fold.trades, 1293);
	read_whole("KXGOLD15M-26AUG102000-00", "2026-08-11.ndjson.gz", &there);
	assert_int_equal(fold.early, 4); /* they precede the snapshot, which is empty */
	assert_int_equal(fold.snapshots, 1);
}

/* ---- the sampling: rows ts_ms,ticker,side,price,size; those of one time are one tick, in no order ---- */

struct row {
	int64_t at;
	enum side side;
	int64_t price, qty;
};

static bool next_row(struct capture *c, struct row *ret_row)
{
	char *line = capture_line(c);

	if (line == NULL)
		return false;
	char *rest = NULL;
	ret_row->at = strtoll(line, &rest, 10);
	rest = strchr(rest + 1, ',') + 1;
	bool no = strncmp(rest, "no,", 3) == 0;
	rest = strchr(rest, ',') + 1;
	int64_t price = strtoll(rest, &rest, 10);
	ret_row->side = no ? side_sell : side_buy;
	ret_row->price = no ? DOLLAR - price : price;
	ret_row->qty = strtoll(rest + 1, NULL, 10);
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct row *p = a, *q = b;
	return p->at < q->at ? -1 : p->at > q->at;
}

/* All rows in order of time; free them. */
static struct row *read_rows(uint32_t *ret_n)
{
	struct capture grid = {0};
	uint32_t n = 0, cap = 1 << 20;
	struct row *rows = calloc(cap, sizeof(*rows));

	assert_non_null(rows);
	assert_int_equal(capture_open("kalshi/KXGOLD15M-26AUG102130-30_grid_100ms.csv.gz", &grid), 0);
	assert_non_null(capture_line(&grid)); /* the heading */
	while (n < cap && next_row(&grid, &rows[n]))
		n++;
	assert_true(n < cap);
	capture_close(&grid);
	qsort(rows, n, sizeof(*rows), by_time);
	*ret_n = n;
	return rows;
}

static bool same_book(const struct row *rows, uint32_t n)
{
	if (book_depth(&fold.book, side_buy) + book_depth(&fold.book, side_sell) != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (book_qty_at(&fold.book, rows[i].side, rows[i].price) != rows[i].qty)
			return false;
	return true;
}

static void feed_until(struct capture *c, int64_t at, struct json_str *event, int64_t *event_at)
{
	while (event->at != NULL && *event_at <= at) {
		char *line;
		feed(*event);
		line = capture_line(c);
		*event = (struct json_str){NULL, 0, false};
		if (line != NULL)
			*event_at = split(line, event);
	}
}

static void test_sampling(void **state)
{
	(void)state;
	struct capture events = {0};
	struct json_str event;
	uint32_t ticks = 0, equal = 0, n_rows, n;

	if (!begin("KXGOLD15M-26AUG102130-30", "2026-08-11.ndjson.gz", &events))
		skip();
	struct row *rows = read_rows(&n_rows);
	int64_t event_at = split(capture_line(&events), &event);
	for (uint32_t i = 0; i < n_rows; i += n) {
		for (n = 1; i + n < n_rows && rows[i + n].at == rows[i].at; n++)
			;
		feed_until(&events, rows[i].at, &event, &event_at);
		ticks++;
		equal += same_book(rows + i, n);
	}
	printf("Kalshi: the book equals the sampling at %u of %u ticks\n", equal, ticks);
	assert_int_equal(ticks, 8845);
	assert_true(equal >= 8802); /* the rest are ties within a millisecond */
	assert_int_equal(fold.negative, 0);
	assert_int_equal(fold.crossed, 0);
	capture_close(&events);
	free(rows);
	book_fini(&fold.book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_sampling)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
