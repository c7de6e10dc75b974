/* scenario - one wish in a line and what was said of it, for orders worked out by hand.
 *
 * The desk's book: 99.00 x 1, 98.00 x 2 | 100.00 x 1, 101.00 x 2, 103.00 x 5. Cash 1000, fees a thousandth, prices in
 * cents, quantities in thousandths. Every scenario runs twice: as it is, and with the core saved and loaded after each
 * step, which must not change a word of it.
 */
#ifndef NJ_TESTS_SCENARIO_H
#define NJ_TESTS_SCENARIO_H

#include "desk.h"

#include "services/executor/executor.h"

static struct desk d;
static bool through_disk; /* save and load after every step */

static inline void reborn(void)
{
	struct executor_settings s = d.x->settings;
	struct executor *y = NULL;
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	assert_int_equal(executor_new(&s, &y), 0);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), 0);
	executor_free(d.x);
	d.x = y;
	buf_fini(&bytes);
}

static inline void step(void)
{
	if (through_disk)
		reborn();
}

static inline int open_desk(void **state)
{
	struct executor_settings s = desk_settings();
	through_disk = *state != NULL;
	desk_open(&d, &s);
	desk_book(&d);
	step();
	return 0;
}

static inline int close_desk(void **state)
{
	(void)state;
	desk_close(&d);
	return 0;
}

/* ---- a wish in a line ---- */

static inline struct event wish(enum side side, enum order_type type, int64_t price, int64_t qty)
{
	struct event ev = desk_intent(&d, side, tif_gtc, price, qty);
	ev.intent.type = (uint8_t)type;
	return ev;
}

static inline struct event stop(enum side side, enum order_type type, int64_t trigger, int64_t qty)
{
	struct event ev = wish(side, type, 0, qty);
	ev.intent.trigger_price = trigger;
	return ev;
}

static inline void give(struct event *ev)
{
	desk_clear(&d);
	desk_feed(&d, ev);
	step();
}

static inline void order(enum side side, enum tif tif, int64_t price, int64_t qty)
{
	struct event ev = desk_intent(&d, side, tif, price, qty);
	give(&ev);
}

static inline void trade(enum side aggressor, int64_t price, int64_t qty)
{
	desk_clear(&d);
	desk_trade(&d, aggressor, price, qty);
	step();
}

static inline void delta(enum side side, int64_t price, int64_t qty)
{
	desk_clear(&d);
	desk_delta(&d, side, price, qty);
	step();
}

static inline void until(int64_t now)
{
	desk_clear(&d);
	desk_until(&d, now);
	step();
}

static inline void named(enum intent_kind kind, uint64_t ordinal, int64_t price, int64_t qty)
{
	struct event ev = desk_intent(&d, side_buy, tif_gtc, price, qty);
	ev.intent.kind = (uint8_t)kind;
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)ordinal);
	give(&ev);
}

/* The last word about an order, by its id. */
static inline const struct ev_order *said(const char *id)
{
	const struct ev_order *found = NULL;
	for (uint32_t i = 0; i < d.n; i++)
		if (d.out[i].id == EVENT_order && strcmp(d.out[i].order.client_order_id, id) == 0)
			found = &d.out[i].order;
	return found;
}

static inline void expect(const char *id, enum order_status status, enum reject reject, int64_t filled)
{
	const struct ev_order *o = said(id);
	assert_non_null(o);
	assert_string_equal(enum_text(enum_reject(), o->reject), enum_text(enum_reject(), (uint8_t)reject));
	assert_string_equal(enum_text(enum_order_status(), o->status), enum_text(enum_order_status(), (uint8_t)status));
	assert_int_equal(o->filled, filled);
}

static inline void expect_silence(void)
{
	assert_int_equal(desk_count(&d, EVENT_order), 0);
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
}

static inline void refused(struct event ev, enum reject reject)
{
	give(&ev);
	desk_expect_order(&d, order_status_rejected, reject, 0);
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
}

#define BOTH(test)                                                                                                     \
	cmocka_unit_test_setup_teardown(test, open_desk, close_desk),                                                  \
		cmocka_unit_test_prestate_setup_teardown(test, open_desk, close_desk, &through_disk)

#endif
