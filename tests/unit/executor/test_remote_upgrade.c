/* test_remote_upgrade - a live account's state of before: with an order at the venue, it loads as it was. */
#include "scenario.h"

static int open_live(void **state)
{
	struct executor_settings s = desk_settings();
	struct event ev;
	s.remote = true;
	through_disk = *state != NULL;
	desk_open(&d, &s);
	desk_book(&d);
	step();
	event_init(&ev, EVENT_venue_report);
	ev.venue_report = (struct ev_venue_report){.says = venue_says_funds, .cash_scale = 8, .amount = CASH(1000)};
	event_set_name(ev.venue_report.account, "paper");
	event_set_name(ev.venue_report.asset, "USDT");
	give(&ev);
	order(side_buy, tif_gtc, 9900, 1000);
	return executor_open_orders(d.x) == 1 ? 0 : -1;
}

/* As it was written before quarantined trades were counted: seven fields of an order. */
static void write_v1(struct packer *p)
{
	pack_bool(p, true);
	pack_array(p, d.x->account.n);
	for (uint32_t i = 0; i < d.x->account.n; i++)
		pack_bool(p, i == 0);
	pack_u64(p, 1);
	pack_array(p, 3);
	pack_str(p, "o1");
	pack_str(p, "77");
	pack_bool(p, true);
	pack_array(p, 7);
	pack_str(p, "o1");
	pack_str(p, "4711");
	pack_i64(p, 600);
	pack_u64(p, order_status_cancelled);
	pack_u64(p, reject_flatten);
	pack_bool(p, true);
	pack_bool(p, true);
	pack_array(p, 0);
}

static void an_order_at_the_venue_is_what_it_was(void **state)
{
	struct buf bytes;
	struct packer p = {.out = &bytes};
	(void)state;
	buf_init(&bytes, 1 << 16);
	write_v1(&p);
	struct unpacker u = {.at = bytes.at, .end = bytes.at + bytes.len};
	d.x->orders.at[0].remote.quarantined = 5;
	assert_int_equal(remote_load_v1(d.x, &u), 0);
	assert_ptr_equal(u.at, u.end);
	const struct order_remote *r = &d.x->orders.at[0].remote;
	assert_string_equal(r->venue_id, "4711");
	assert_int_equal(r->total, 600);
	assert_int_equal(r->ended, order_status_cancelled);
	assert_int_equal(r->why, reject_flatten);
	assert_true(r->cancel && r->expires);
	assert_int_equal(r->quarantined, 0);
	assert_string_equal(d.x->remote.trade[0].id, "77");
	u = (struct unpacker){.at = bytes.at, .end = bytes.at + bytes.len};
	assert_int_equal(remote_load(d.x, &u), ERR_CORRUPT); /* a part that has changed has another name */
	buf_fini(&bytes);
}

/* Every word of it, and what is quarantined beside. */
static void what_is_saved_is_loaded(void **state)
{
	(void)state;
	struct order_remote *r = &d.x->orders.at[0].remote;
	*r = (struct order_remote){.venue_id = "4711", .total = 700, .quarantined = 300, .cancel = true,
				   .expires = true, .ended = order_status_expired, .why = reject_flatten};
	struct order_remote was = *r;
	reborn();
	r = &d.x->orders.at[0].remote;
	assert_string_equal(r->venue_id, was.venue_id);
	assert_int_equal(r->total, was.total);
	assert_int_equal(r->quarantined, was.quarantined);
	assert_int_equal(r->ended, was.ended);
	assert_int_equal(r->why, was.why);
	assert_true(r->cancel && r->expires);
	assert_int_equal(r->pass.risk_seal, 0); /* never saved */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_order_at_the_venue_is_what_it_was, open_live, close_desk),
		cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, open_live, close_desk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
