/* terms - see terms.h. */
#include "services/executor/terms.h"

#include "common/base/check.h"

enum need { NO, YES, MAY };

static const struct terms {
	uint8_t type;
	enum need price, trigger, trail;
	bool immediate; /* ioc and fok make sense */
} rows[] = {
	{order_type_market, NO, NO, NO, true},
	{order_type_limit, YES, NO, NO, true},
	{order_type_stop_market, NO, YES, NO, false},
	{order_type_stop_limit, YES, YES, NO, true},
	{order_type_take_profit, NO, YES, NO, false},
	{order_type_take_profit_limit, YES, YES, NO, true},
	{order_type_trailing_stop, NO, MAY, YES, false},
};

static const struct terms *find(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

bool terms_conditional(uint8_t type)
{
	const struct terms *t = find(type);
	return t && t->trigger != NO;
}

bool terms_is_stop(uint8_t type)
{
	return type == order_type_stop_market || type == order_type_stop_limit || type == order_type_trailing_stop;
}

static bool fits(enum need need, bool there)
{
	return need == MAY || (need == YES) == there;
}

static bool sound_tif(const struct ev_intent *in, const struct terms *t)
{
	bool immediate = in->tif == tif_ioc || in->tif == tif_fok;
	bool dated = in->tif == tif_gtd && in->type != order_type_market;
	bool rests = in->tif == tif_gtc || in->tif == tif_gtd;
	if (in->good_until < 0 || (in->good_until > 0) != (in->tif == tif_gtd))
		return false;
	if (in->post_only && (t->price != YES || !rests))
		return false;
	return in->tif == tif_gtc || dated || (immediate && t->immediate);
}

/* Either a quantity, or an amount to buy for. */
static bool sound_size(const struct ev_intent *in)
{
	if (in->amount == 0)
		return in->qty > 0;
	return in->amount > 0 && in->qty == 0 && in->type == order_type_market && in->side == side_buy &&
	       in->tif != tif_fok && !in->reduce_only;
}

static bool sound_trail(const struct ev_intent *in, const struct terms *t)
{
	bool there = in->trail > 0 || in->trail_bp > 0;
	return in->trail >= 0 && in->trail_bp < 10000 && fits(t->trail, there) && (in->trail == 0 || in->trail_bp == 0);
}

/* Is a above b, seen by a buyer? By a seller: below. 0 is no price: it is in nobody's way. */
static bool above(const struct ev_intent *in, int64_t a, int64_t b)
{
	return a == 0 || b == 0 || (in->side == side_buy ? a > b : a < b);
}

static bool sound_oco(const struct ev_intent *in)
{
	return in->type == order_type_limit && (in->tif == tif_gtc || in->tif == tif_gtd) && in->stop_price > 0 &&
	       in->target_price == 0 && in->stop_id[0] && !in->target_id[0] && above(in, in->stop_price, in->price);
}

static bool sound_bracket(const struct ev_intent *in)
{
	bool entry = in->type == order_type_market || in->type == order_type_limit;
	bool ids = (in->target_price > 0) == (in->target_id[0] != '\0') &&
		   (in->stop_price > 0) == (in->stop_id[0] != '\0');
	return entry && !in->reduce_only && ids && (in->target_price > 0 || in->stop_price > 0) &&
	       above(in, in->target_price, in->stop_price) && above(in, in->target_price, in->price) &&
	       above(in, in->price, in->stop_price);
}

static bool sound_link(const struct ev_intent *in)
{
	if (in->target_price < 0 || in->stop_price < 0 || in->stop_limit < 0)
		return false;
	if (in->stop_limit > 0 && in->stop_price == 0)
		return false;
	if (in->link == order_link_oco)
		return sound_oco(in);
	if (in->link == order_link_bracket)
		return sound_bracket(in);
	return in->link == order_link_none && in->target_price == 0 && in->stop_price == 0;
}

bool terms_sound(const struct ev_intent *in)
{
	const struct terms *t = find(in->type);
	return t && (in->side == side_buy || in->side == side_sell) && in->price >= 0 && in->trigger_price >= 0 &&
	       fits(t->price, in->price > 0) && fits(t->trigger, in->trigger_price > 0) &&
	       in->trigger_by <= trigger_by_mark && in->price_scale <= FIXED_SCALE_MAX &&
	       in->qty_scale <= FIXED_SCALE_MAX && in->cash_scale <= FIXED_SCALE_MAX && sound_tif(in, t) &&
	       sound_trail(in, t) && sound_size(in) && sound_link(in);
}
