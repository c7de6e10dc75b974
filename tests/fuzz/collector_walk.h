/* collector_walk - what the fuzzers of the collector core have alike: a line's way into it, and what it promises. */
#ifndef NJ_TESTS_COLLECTOR_WALK_H
#define NJ_TESTS_COLLECTOR_WALK_H

#include <string.h>

#include "common/base/check.h"
#include "common/venue/book.h"
#include "proto/codec.h"
#include "services/collector/core.h"

#define MS 1000000LL

static struct {
	uint64_t asked; /* the newest request */
	int64_t last_at;
	uint8_t packed[EVENT_PACKED_MAX];
} walk;

static inline void on_request(void *ctx, const struct collector_request *r)
{
	(void)ctx;
	must(r->path != NULL && r->path[0] == '/' && r->weight > 0);
	walk.asked = r->id;
}

static inline void on_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	must(connection == 0 && reason != NULL);
}

static inline void check_levels(const struct levels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		must(l->at[i].price > 0 && l->at[i].qty >= 0);
}

static inline void on_event(void *ctx, struct event *ev)
{
	(void)ctx;
	memcpy(ev->source, "collector", 10);
	must(ev->ts_recv >= walk.last_at);
	walk.last_at = ev->ts_recv;
	must(codec_pack(ev, walk.packed, sizeof(walk.packed)) > 0);
	if (ev->id == EVENT_book_delta) {
		check_levels(&ev->book_delta.bids);
		check_levels(&ev->book_delta.asks);
	}
	if (ev->id == EVENT_trade)
		must(ev->trade.price > 0 && ev->trade.qty > 0);
	if (ev->id == EVENT_mark)
		must(ev->mark.mark >= 0 && ev->mark.index >= 0 && ev->mark.settle >= 0);
	if (ev->id == EVENT_ticker)
		must(ev->ticker.last >= 0 && ev->ticker.volume >= 0);
	if (ev->id == EVENT_liquidation)
		must(ev->liquidation.qty > 0 && ev->liquidation.side != 0);
	if (ev->id == EVENT_resolution)
		must(ev->resolution.pays >= 0);
	if (ev->id == EVENT_candle)
		must(ev->candle.low <= ev->candle.high && ev->candle.volume >= 0);
}

/* The first letter says what a line is: F a frame, R the reply to the newest request, C a change of the connection (a
 * letter follows), T time passes (a letter follows: tenths of a second); anything else is a frame as it is. */
static inline int64_t walk_line(struct collector_core *c, int64_t now, const char *line, size_t len,
				const struct sink *out)
{
	static const enum feed changes[] = {feed_connecting, feed_live, feed_lost, feed_refused, feed_ended};
	struct collector_frame f = {.now = now, .text = line, .len = len};
	struct collector_reply r = {.now = now, .id = walk.asked, .status = 200, .body = line + 1, .len = len - 1};
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
	case 'C':
		if (len > 1)
			change.state = changes[(uint8_t)line[1] % 5];
		collector_core_on_connection(c, &change, out);
		break;
	case 'T':
		return now + (len > 1 ? (int64_t)(uint8_t)line[1] * 100 * MS : MS);
	default:
		collector_core_on_frame(c, &f, out);
	}
	return now + MS;
}

/* Small, so that its limits are met. */
static inline struct collector_core *walk_new(const struct collector_actions *actions, const struct venue *venue,
					      const struct collector_market *markets, uint32_t n,
					      struct collector_core_settings *ret_settings)
{
	struct collector_core *c;

	collector_core_defaults(ret_settings, venue);
	ret_settings->markets = markets;
	ret_settings->n_markets = n;
	ret_settings->book_levels = ret_settings->snapshot_limit = 20;
	ret_settings->pending_max = 4;
	ret_settings->publish_levels = 10;
	walk.asked = 0;
	walk.last_at = 0;
	must(collector_core_new(ret_settings, actions, &c) == 0);
	return c;
}

static inline void check_books(const struct collector_core *c, const struct collector_market *markets, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		enum book_state state;
		const struct book *b = collector_core_book(c, markets[i].raw, &state);
		if (state == book_state_trusted)
			must(!book_crossed(b));
		must(book_depth(b, side_buy) <= b->cap && book_depth(b, side_sell) <= b->cap);
	}
}

static inline void check_saved(const struct collector_core *c, const struct collector_core_settings *s,
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

#endif
