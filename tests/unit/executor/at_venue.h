/* at_venue - a live account at the desk: what the venue says, what is on record of it, a takeover from that alone. */
#ifndef NJ_TESTS_AT_VENUE_H
#define NJ_TESTS_AT_VENUE_H

#include "on_record.h"

static struct charge { /* what the venue takes of each trade */
	const char *asset;
	int64_t amount;
} charge = {"USDT", 0};

static inline void tell(enum venue_says says, const char *asset, int64_t amount)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	ev.venue_report = (struct ev_venue_report){.says = (uint8_t)says, .cash_scale = 8, .amount = amount};
	event_set_name(ev.venue_report.account, "paper");
	event_set_name(ev.venue_report.asset, asset);
	give(&ev);
	write_down(&ev);
}

static inline void trades(const char *id, const char *trade_id, enum side side, int64_t price, int64_t qty)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	struct ev_venue_report *r = &ev.venue_report;
	*r = (struct ev_venue_report){.says = venue_says_trade, .price_scale = 2, .qty_scale = 3, .cash_scale = 8};
	event_set_name(r->account, "paper");
	event_set_name(r->client_order_id, id);
	event_set_name(r->trade_id, trade_id);
	event_set_name(r->fee_asset, charge.asset);
	r->fee = charge.amount;
	r->instrument = desk_symbol("ONE.TEST");
	r->side = (uint8_t)side;
	r->price = price;
	r->qty = qty;
	give(&ev);
	write_down(&ev);
}

/* What is there at first is the venue's to say: the settings say nothing. */
static inline void open_funded(struct executor_settings s, int64_t amount)
{
	s.remote = true;
	s.n_balances = 0;
	journalled = 0;
	charge = (struct charge){"USDT", 0};
	desk_open(&d, &s);
	desk_instrument(&d);
	write_down(NULL);
	desk_book(&d);
	step();
	tell(venue_says_funds, "USDT", amount);
	tell(venue_says_agreed, "", 0);
}

#endif
