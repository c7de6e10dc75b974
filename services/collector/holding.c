/* holding - see holding.h. */
#include "services/collector/holding.h"

#include <stdio.h>
#include <string.h>

struct holding_value holding_value_of(const struct venue_account_row *row)
{
	bool position = row->kind == VENUE_ACCOUNT_POSITION;

	return (struct holding_value){.scale = row->scale,
				      .price_scale = row->price_scale,
				      .a = position ? row->qty : row->total,
				      .b = position ? row->avg_price : row->locked,
				      .time = row->time};
}

bool holding_same(const struct holding *h, const struct holding_value *v)
{
	return h->value.scale == v->scale && h->value.a == v->a && (h->position || h->value.b == v->b);
}

struct holding *holding_find(struct holdings *h, const struct venue_account_row *row)
{
	bool position = row->kind == VENUE_ACCOUNT_POSITION;

	for (uint32_t i = 0; i < h->n; i++)
		if (h->at[i].position == position && strcmp(h->at[i].name, row->name) == 0 &&
		    strcmp(h->at[i].leg, row->leg) == 0)
			return &h->at[i];
	return NULL;
}

struct holding *holding_add(struct holdings *h, const struct venue_account_row *row)
{
	struct holding *to = NULL;

	for (uint32_t i = 0; i < h->n && h->n == HOLDINGS_MAX && to == NULL; i++)
		if (h->at[i].value.a == 0 && h->at[i].value.b == 0 && h->at[i].differs_at == 0)
			to = &h->at[i];
	if (h->n < HOLDINGS_MAX)
		to = &h->at[h->n++];
	if (to == NULL) {
		h->counters.lost++;
		return NULL;
	}
	*to = (struct holding){.position = row->kind == VENUE_ACCOUNT_POSITION};
	memcpy(to->name, row->name, sizeof(to->name));
	memcpy(to->leg, row->leg, sizeof(to->leg));
	return to;
}

bool holding_usable(const struct holdings *h, const struct venue_account_row *row)
{
	struct venue_market m;

	return row->kind != VENUE_ACCOUNT_POSITION ||
	       venue_market_init(h->set.venue, row->name, strlen(row->name), &m) == 0;
}

void holding_venue(const struct holdings *h, char field[EVENT_NAME_MAX])
{
	char name[EVENT_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s", h->set.venue->name, h->set.venue->suffix);
	event_set_name(field, name);
}

static void tell_balance(struct holdings *h, int64_t now, const struct holding *of, uint8_t learned,
			 const struct sink *out)
{
	struct event ev;

	event_init(&ev, EVENT_account_balance);
	ev.origin = h->origin;
	ev.ts_recv = now;
	ev.ts_event = of->value.time > 0 ? of->value.time : now;
	event_set_name(ev.account_balance.account, h->set.account);
	holding_venue(h, ev.account_balance.venue);
	event_set_name(ev.account_balance.asset, of->name);
	ev.account_balance.cash_scale = of->value.scale;
	ev.account_balance.total = of->value.a;
	ev.account_balance.locked = of->value.b;
	ev.account_balance.changed_at = of->value.time;
	ev.account_balance.learned = learned;
	sink_emit(out, &ev);
}

static void tell_position(struct holdings *h, int64_t now, const struct holding *of, uint8_t learned,
			  const struct sink *out)
{
	struct venue_market m;
	struct event ev;

	if (venue_market_init(h->set.venue, of->name, strlen(of->name), &m) != 0)
		return; /* refused when it came */
	event_init(&ev, EVENT_account_position);
	ev.origin = h->origin;
	ev.ts_recv = now;
	ev.ts_event = of->value.time > 0 ? of->value.time : now;
	event_set_name(ev.account_position.account, h->set.account);
	holding_venue(h, ev.account_position.venue);
	ev.account_position.instrument = m.symbol;
	event_set_name(ev.account_position.leg, of->leg);
	ev.account_position.price_scale = of->value.price_scale;
	ev.account_position.qty_scale = of->value.scale;
	ev.account_position.qty = of->value.a;
	ev.account_position.avg_price = of->value.b;
	ev.account_position.changed_at = of->value.time;
	ev.account_position.learned = learned;
	sink_emit(out, &ev);
}

void holding_tell(struct holdings *h, int64_t now, const struct holding *of, uint8_t learned, const struct sink *out)
{
	if (of->position)
		tell_position(h, now, of, learned, out);
	else
		tell_balance(h, now, of, learned, out);
}
