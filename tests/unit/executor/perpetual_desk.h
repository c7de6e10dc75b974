/* perpetual_desk - a desk whose ONE.TEST is a perpetual: 99.00 x 50 | 100.00 x 50 and one level behind each.
 *
 * Leverage 10, fees 0.001, maintenance 1 % up to 1,000, 2 % (less 10) above.
 */
#ifndef NJ_TESTS_PERPETUAL_DESK_H
#define NJ_TESTS_PERPETUAL_DESK_H

#include "desk.h"
#include "services/executor/margin.h"

#define ROW "PERP %s 10 0.01 1000:0.01:50 *:0.02:20"

static inline struct executor_settings settings(const char *mode)
{
	struct executor_settings s = desk_settings();
	char row[200], reason[EVENT_TEXT_MAX];
	snprintf(row, sizeof(row), ROW, mode);
	assert_int_equal(margin_parse(&s.margins, row, reason, sizeof(reason)), 0);
	return s;
}

static inline struct event definition(void)
{
	struct event ev = desk_definition("ONE.TEST", "ONE");
	ev.instrument.kind = instrument_kind_perpetual;
	return ev;
}

static inline void open_desk(struct desk *d, const struct executor_settings *s)
{
	desk_open(d, s);
	struct event ev = definition();
	desk_feed(d, &ev);
	desk_snapshot(d, (struct levels)LEVELS({9900, 50000}, {9800, 50000}),
		      (struct levels)LEVELS({10000, 50000}, {10100, 50000}));
	desk_state(d, book_state_trusted);
	desk_clear(d);
}

/* Prices of four decimals, rate of 1e-8. */
static inline void mark(struct desk *d, int64_t price, int64_t rate, int64_t funding_at)
{
	struct event ev;
	event_init(&ev, EVENT_mark);
	ev.mark.instrument = desk_symbol("ONE.TEST");
	ev.mark.price_scale = 4;
	ev.mark.cash_scale = 8;
	ev.mark.mark = price;
	ev.mark.funding_rate = rate;
	ev.mark.funding_at = funding_at;
	desk_feed(d, &ev);
}

static inline const struct ev_position *position(const struct desk *d)
{
	const struct event *ev = desk_last(d, EVENT_position);
	assert_non_null(ev);
	return &ev->position;
}

static inline const struct ev_equity *equity(const struct desk *d)
{
	const struct event *ev = desk_last(d, EVENT_equity);
	assert_non_null(ev);
	return &ev->equity;
}

static inline void expect_position(const struct desk *d, int64_t qty, int64_t avg, int64_t realised, int64_t margin)
{
	const struct ev_position *p = position(d);
	assert_int_equal(p->qty, qty);
	assert_int_equal(p->avg_price, avg);
	assert_int_equal(p->realised, realised);
	assert_int_equal(p->margin, margin);
}

static inline const struct ev_liquidated *liquidated(const struct desk *d)
{
	const struct event *ev = desk_last(d, EVENT_liquidated);
	assert_non_null(ev);
	return &ev->liquidated;
}

/* Another one, TWO.TEST, with a book. */
static inline void open_second(struct desk *d)
{
	struct event ev = desk_definition("TWO.TEST", "TWO");
	ev.instrument.kind = instrument_kind_perpetual;
	desk_feed(d, &ev);
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("TWO.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels)LEVELS({9900, 50000});
	ev.book_snapshot.asks = (struct levels)LEVELS({10000, 50000});
	desk_feed(d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol("TWO.TEST");
	ev.book_state.state = book_state_trusted;
	desk_feed(d, &ev);
}

#endif
