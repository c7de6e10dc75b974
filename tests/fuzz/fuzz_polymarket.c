/* fuzz_polymarket - Polymarket's bytes through the whole collector core, and through the scan of its markets.
 *
 * Input: lines. The first letter says what a line is: F a frame, R the reply to the newest
 * request, G the reply to the newest one of the scan, C a change of the connection (a letter
 * follows), T time passes (a letter follows: tenths of a second); anything else is a frame as it
 * is. Whatever comes, what the core emits keeps its promises, and its state survives being saved.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/venue/book.h"
#include "proto/codec.h"
#include "services/collector/core.h"
#include "services/collector/scan.h"

#define MS 1000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct collector_market markets[] = {{"111", 0, 7}, {"222", 0, 7}};

#define PLACES 3

static struct scan *scan;
static uint64_t asked, scan_asked;
static uint32_t followed;
static int64_t last_at;
static uint8_t packed[EVENT_PACKED_MAX];

static void on_request(void *ctx, const struct collector_request *r)
{
	(void)ctx;
	must(r->path != NULL && r->path[0] == '/' && r->weight > 0);
	asked = r->id;
}

static void on_scan_ask(void *ctx, uint64_t id, const char *path, uint32_t weight)
{
	(void)ctx;
	must(path[0] == '/' && weight > 0);
	scan_asked = id;
}

static bool on_follow(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->open && !l->resolved && l->outcomes > 0 && l->outcomes <= VENUE_OUTCOMES_MAX && l->group[0] != '\0');
	must(++followed <= PLACES);
	return true;
}

static bool on_resolve(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->resolved);
	return l->volume % 2 == 0;
}

static void on_drop(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->group[0] != '\0' && followed-- > 0);
}

static void on_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	must(connection == 0 && reason != NULL);
}

static void check_levels(const struct levels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		must(l->at[i].price > 0 && l->at[i].qty >= 0);
}

static void on_event(void *ctx, struct event *ev)
{
	(void)ctx;
	memcpy(ev->source, "collector", 10);
	must(ev->ts_recv >= last_at);
	last_at = ev->ts_recv;
	must(codec_pack(ev, packed, sizeof(packed)) > 0);
	if (ev->id == EVENT_book_delta) {
		check_levels(&ev->book_delta.bids);
		check_levels(&ev->book_delta.asks);
	}
	if (ev->id == EVENT_trade)
		must(ev->trade.price > 0 && ev->trade.qty > 0);
	if (ev->id == EVENT_resolution)
		must(ev->resolution.pays >= 0);
	if (ev->id == EVENT_candle)
		must(ev->candle.low <= ev->candle.high && ev->candle.volume >= 0);
}

static int64_t step(struct collector_core *c, int64_t now, const char *line, size_t len, const struct sink *out)
{
	static const enum feed changes[] = {feed_connecting, feed_live, feed_lost, feed_refused, feed_ended};
	struct collector_frame f = {.now = now, .text = line, .len = len};
	struct collector_reply r = {.now = now, .id = asked, .status = 200, .body = line + 1, .len = len - 1};
	struct collector_change change = {.now = now, .state = feed_live};

	switch (line[0]) {
	case 'F':
		f.text++;
		f.len--;
		collector_core_on_frame(c, &f, out);
		break;
	case 'R':
		r.status = len > 1 && line[1] == '!' ? 429 : 200;
		collector_core_on_reply(c, &r, out);
		break;
	case 'G':
		scan_on_reply(scan, now, scan_asked, len > 1 ? line + 1 : NULL, len - 1);
		break;
	case 'C':
		if (len > 1)
			change.state = changes[(uint8_t)line[1] % 5];
		collector_core_on_connection(c, &change, out);
		break;
	case 'T':
		scan_on_timer(scan, now);
		scan_on_announced(scan, now);
		return now + (len > 1 ? (int64_t)(uint8_t)line[1] * 100 * MS : MS);
	default:
		collector_core_on_frame(c, &f, out);
	}
	return now + MS;
}

static void check_books(const struct collector_core *c)
{
	for (size_t i = 0; i < ARRAY_LEN(markets); i++) {
		enum book_state state;
		const struct book *b = collector_core_book(c, markets[i].raw, &state);
		if (state == book_state_trusted)
			must(!book_crossed(b));
		must(book_depth(b, side_buy) <= b->cap && book_depth(b, side_sell) <= b->cap);
	}
}

static void check_saved(const struct collector_core *c, const struct collector_core_settings *s,
			const struct collector_actions *actions)
{
	struct collector_core *again;
	struct buf first, second;

	buf_init(&first, 1 << 26);
	buf_init(&second, 1 << 26);
	must(collector_core_new(s, actions, &again) == 0);
	must(collector_core_save(c, &first) == 0);
	must(collector_core_load(again, first.at, first.len) == 0);
	must(collector_core_save(again, &second) == 0);
	must(first.len == second.len && memcmp(first.at, second.at, first.len) == 0);
	collector_core_free(again);
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collector_actions actions = {.ctx = NULL, .request = on_request, .reconnect = on_reconnect};
	struct sink out = {NULL, on_event};
	struct collector_core_settings s;
	struct collector_core *c;
	const char *at = (const char *)data, *end = at + size;
	int64_t now = 1700000000000 * MS;

	const struct scan_actions wishes = {NULL, on_scan_ask, on_follow, on_resolve, on_drop};
	struct scan_settings filter;

	scan_defaults(&filter, venue_find("POLYMARKET", 10));
	filter.markets_max = PLACES;
	filter.page = 2;
	followed = 0;
	must(scan_new(&filter, &wishes, &scan) == 0);
	scan_start(scan, now);
	collector_core_defaults(&s, filter.venue);
	s.markets = markets;
	s.n_markets = ARRAY_LEN(markets);
	s.book_levels = s.snapshot_limit = 20;
	s.pending_max = 4;
	s.publish_levels = 10;
	asked = 0;
	last_at = 0;
	must(collector_core_new(&s, &actions, &c) == 0);
	collector_core_start(c, now, &out);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0)
			now = step(c, now, at, len, &out);
		check_books(c);
		at += len + 1;
	}
	collector_core_dump(c, &out);
	check_saved(c, &s, &actions);
	must(scan_followed(scan) == followed);
	scan_free(scan);
	collector_core_free(c);
	return 0;
}
