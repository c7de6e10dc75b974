/* test_loud - what people hear of perpetuals: which alerts stand, what they say, and that no restart loses or repeats
 * them.
 */
#include "desk.h"

#include "services/executor/executor.h"
#include "services/executor/loud.h"
#include "services/executor/margin.h"

#define SUBJECT "paper/ONE.TEST"
#define HOUR (3600 * S)

/* As the runtime: what is the same as before is no news. */
struct heard {
	bool taken, deaf;  /* stand */
	unsigned raised, resolved;
	char text[400];    /* of the last that was raised */
};

static void hear(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		 const char *text)
{
	struct heard *h = ctx;
	bool taken = strcmp(rule, "position_liquidated") == 0, *stands = taken ? &h->taken : &h->deaf;
	assert_true(taken || strcmp(rule, "mark_unheard") == 0);
	assert_int_equal(severity, taken ? severity_critical : severity_warning);
	assert_string_equal(subject, SUBJECT);
	if (*stands == raised)
		return;
	*stands = raised;
	*(raised ? &h->raised : &h->resolved) += 1;
	if (raised)
		snprintf(h->text, sizeof(h->text), "%s", text);
}

/* Leverage 10, fee of a liquidation 1 %, maintenance 1 %. */
static void open_desk(struct desk *d)
{
	struct executor_settings s = desk_settings();
	char reason[EVENT_TEXT_MAX];
	assert_int_equal(margin_parse(&s.margins, "PERP isolated 10 0.01 *:0.01:50", reason, sizeof(reason)), 0);
	desk_open(d, &s);
	struct event ev = desk_definition("ONE.TEST", "ONE");
	ev.instrument.kind = instrument_kind_perpetual;
	desk_feed(d, &ev);
	desk_snapshot(d, (struct levels)LEVELS({9900, 50000}), (struct levels)LEVELS({10000, 50000}));
	desk_state(d, book_state_trusted);
	desk_clear(d);
}

static void mark(struct desk *d, int64_t price)
{
	struct event ev;
	event_init(&ev, EVENT_mark);
	ev.mark.instrument = desk_symbol("ONE.TEST");
	ev.mark.price_scale = 2;
	ev.mark.cash_scale = 8;
	ev.mark.mark = price;
	desk_feed(d, &ev);
}

/* 5 at 100.00 on 50 of margin: at 90.90 it has lost 45.50, and 4.50 stands where 4.545 must. */
static void lose_it(struct desk *d)
{
	mark(d, 10000);
	desk_order(d, side_buy, tif_ioc, 0, 5000);
	mark(d, 9090);
	assert_int_equal(desk_count(d, EVENT_liquidated), 1);
}

static void reborn(struct desk *d)
{
	struct executor_settings s = d->x->settings;
	struct executor *y = NULL;
	struct buf bytes;
	buf_init(&bytes, 1u << 22);
	assert_int_equal(executor_core.save(d->x, &bytes), 0);
	assert_int_equal(executor_new(&s, &y), 0);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), 0);
	executor_free(d->x);
	d->x = y;
	buf_fini(&bytes);
}

static void a_takeover_is_told(void **state)
{
	(void)state;
	struct desk d;
	struct loud loud = {0};
	struct heard h = {0};
	open_desk(&d);
	loud_tell(&loud, d.x, d.now, hear, &h);
	assert_int_equal(h.raised, 0);
	lose_it(&d);
	assert_true(loud_lately(d.x, d.now));
	loud_tell(&loud, d.x, d.now, hear, &h);
	loud_tell(&loud, d.x, d.now + S, hear, &h);
	assert_true(h.taken && h.raised == 1 && h.resolved == 0);
	assert_string_equal(h.text, "liquidated: 5 taken over at the mark 90.9, where 4.5 stood against a maintenance "
				    "margin of 4.545; result -45.5, fee 4.5. Hold less, or at less leverage "
				    "(executor.margin).");
	assert_true(strlen(h.text) < EVENT_TEXT_MAX);
	loud_tell(&loud, d.x, d.now + HOUR - 1, hear, &h);
	assert_true(h.taken);
	loud_tell(&loud, d.x, d.now + HOUR, hear, &h);
	assert_true(!h.taken && h.resolved == 1);
	assert_false(loud_lately(d.x, d.now + HOUR));
	desk_close(&d);
}

static void each_one_is_told(void **state)
{
	(void)state;
	struct desk d;
	struct loud loud = {0};
	struct heard h = {0};
	open_desk(&d);
	lose_it(&d);
	loud_tell(&loud, d.x, d.now, hear, &h);
	d.now += S;
	lose_it(&d);
	loud_tell(&loud, d.x, d.now, hear, &h);
	assert_true(h.taken && h.raised == 2 && h.resolved == 1);
	desk_close(&d);
}

/* The alert was told before (the runtime knows that from the journal): it stands on, and is not told again. One that
 * was not is told now; and the way back by its own journal alone knows of it, too. */
static void a_restart_loses_and_repeats_nothing(void **state)
{
	(void)state;
	struct desk d, other;
	struct loud loud = {0}, later = {0}, third = {0};
	struct heard h = {0}, late = {0};
	open_desk(&d);
	lose_it(&d);
	open_desk(&other);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(other.x, &d.out[i]);
	assert_true(loud_lately(other.x, d.now));
	loud_tell(&loud, d.x, d.now, hear, &h);
	reborn(&d);
	loud_tell(&later, d.x, d.now + S, hear, &h);
	assert_true(h.taken && h.raised == 1 && h.resolved == 0);
	loud_tell(&third, d.x, d.now + S, hear, &late);
	assert_true(late.taken && late.raised == 1);
	desk_close(&d);
	desk_close(&other);
}

static void a_position_without_marks_is_told(void **state)
{
	(void)state;
	struct desk d;
	struct loud loud = {0};
	struct heard h = {0};
	open_desk(&d);
	loud_tell(&loud, d.x, d.now, hear, &h);
	assert_false(h.deaf); /* nothing is held */
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	loud_tell(&loud, d.x, d.now, hear, &h);
	assert_true(h.deaf);
	mark(&d, 10000);
	loud_tell(&loud, d.x, d.now, hear, &h);
	assert_true(!h.deaf && h.resolved == 1);
	loud_tell(&loud, d.x, d.now + 61 * S, hear, &h);
	assert_true(h.deaf);
	desk_order(&d, side_sell, tif_ioc, 0, 1000);
	loud_tell(&loud, d.x, d.now + 62 * S, hear, &h);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	loud_tell(&loud, d.x, d.now + 63 * S, hear, &h);
	desk_order(&d, side_sell, tif_ioc, 0, 1000);
	loud_tell(&loud, d.x, d.now + 63 * S + MARK_FRESH_NS - 1, hear, &h);
	assert_true(h.deaf && h.raised == 2 && h.resolved == 1); /* in and out, told once */
	loud_tell(&loud, d.x, d.now + 63 * S + MARK_FRESH_NS, hear, &h);
	assert_true(!h.deaf && h.raised == 2);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_takeover_is_told),
		cmocka_unit_test(each_one_is_told),
		cmocka_unit_test(a_restart_loses_and_repeats_nothing),
		cmocka_unit_test(a_position_without_marks_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
