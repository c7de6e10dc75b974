/* desk_tell - the customer's orders in Binance spot's words: replies, and the reports on the user's stream.
 *
 * Facts: binance-spot-api-docs of 2026-07 (rest-api.md "New order", "Query order", "Account trade list";
 * user-data-stream.md "Order Update").
 */
#include <inttypes.h>

#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

const struct desk_binance_type desk_binance_types[DESK_TYPES] = {
	[DESK_MARKET] = {"MARKET", false},
	[DESK_LIMIT] = {"LIMIT", true},
	[DESK_LIMIT_MAKER] = {"LIMIT_MAKER", false},
	[DESK_STOP] = {"STOP_LOSS", false},
	[DESK_STOP_LIMIT] = {"STOP_LOSS_LIMIT", true},
	[DESK_PROFIT] = {"TAKE_PROFIT", false},
	[DESK_PROFIT_LIMIT] = {"TAKE_PROFIT_LIMIT", true},
};
const char *const desk_binance_tifs[] = {"GTC", "IOC", "FOK"};
const char *const desk_binance_sides[] = {"BUY", "SELL"};
static const char *const statuses[] = {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"};

int64_t desk_binance_now(const struct sim *sim)
{
	return clock_wall(loop_clock(sim->loop)) / NS_PER_MS + sim->wallet.clock_ms;
}

static void number(struct buf *out, const char *key, int64_t value, int scale)
{
	buf_printf(out, ",\"%s\":\"", key);
	binance_tell_number(out, value, scale, BINANCE_DIGITS);
	buf_byte(out, '"');
}

void desk_binance_tell_fills(const struct desk *d, const struct desk_order *o, struct buf *out)
{
	uint64_t first = d->trades > DESK_TRADES_MAX ? d->trades - DESK_TRADES_MAX : 0;
	const char *comma = "";

	buf_printf(out, ",\"fills\":[");
	for (uint64_t id = first + 1; id <= d->trades; id++) {
		const struct desk_trade *t = &d->trade[id % DESK_TRADES_MAX];
		if (t->order != o->id)
			continue;
		buf_printf(out, "%s{\"tradeId\":%" PRIu64 ",\"commissionAsset\":\"%s\"", comma, t->id, t->fee_asset);
		number(out, "price", t->price, t->about->price_scale);
		number(out, "qty", t->qty, t->about->qty_scale);
		number(out, "commission", t->fee, DESK_DIGITS);
		buf_byte(out, '}');
		comma = ",";
	}
	buf_byte(out, ']');
}

static void tell_ids(const struct desk_order *o, enum desk_form form, struct buf *out)
{
	bool cancelled = form == DESK_CANCELLED;

	buf_printf(out, "{\"symbol\":\"%s\",\"orderId\":%" PRIu64 ",\"orderListId\":-1,\"clientOrderId\":\"%s\"",
		   o->about->name, o->id, cancelled ? o->cancel_id : o->client_id);
	if (cancelled)
		buf_printf(out, ",\"origClientOrderId\":\"%s\"", o->client_id);
	if (form == DESK_QUERIED)
		buf_printf(out, ",\"time\":%" PRId64 ",\"updateTime\":%" PRId64 ",\"isWorking\":%s", o->at_ms,
			   o->changed_ms, o->working_ms != 0 ? "true" : "false");
	else
		buf_printf(out, ",\"transactTime\":%" PRId64, o->changed_ms);
}

void desk_binance_tell(const struct desk_order *o, enum desk_form form, struct buf *out)
{
	tell_ids(o, form, out);
	if (form == DESK_ACKNOWLEDGED) {
		buf_byte(out, '}');
		return;
	}
	number(out, "price", o->price, o->about->price_scale);
	number(out, "origQty", o->qty, o->about->qty_scale);
	number(out, "executedQty", o->filled, o->about->qty_scale);
	number(out, "origQuoteOrderQty", o->amount, DESK_DIGITS);
	number(out, "cummulativeQuoteQty", o->spent, DESK_DIGITS);
	if (desk_is_conditional(o) || form == DESK_QUERIED)
		number(out, "stopPrice", o->stop, o->about->price_scale);
	if (o->trail_bp > 0)
		buf_printf(out, ",\"trailingDelta\":%" PRId64, o->trail_bp);
	if (form != DESK_CANCELLED)
		buf_printf(out, ",\"workingTime\":%" PRId64, o->working_ms != 0 ? o->working_ms : -1);
	if (o->status == DESK_EXPIRED)
		buf_printf(out, ",\"expiryReason\":\"%s\"", o->why);
	buf_printf(out,
		   ",\"status\":\"%s\",\"timeInForce\":\"%s\",\"type\":\"%s\",\"side\":\"%s\","
		   "\"selfTradePreventionMode\":\"NONE\"}",
		   statuses[o->status], desk_binance_tifs[o->tif], desk_binance_types[o->type].name,
		   desk_binance_sides[o->sell]);
}

/* user-data-stream.md, "Order Update". */
static void report_trade(const struct desk_order *o, const struct desk_trade *t, struct buf *out)
{
	number(out, "l", t != NULL ? t->qty : 0, o->about->qty_scale);
	number(out, "L", t != NULL ? t->price : 0, o->about->price_scale);
	number(out, "n", t != NULL ? t->fee : 0, DESK_DIGITS);
	if (t != NULL)
		buf_printf(out, ",\"N\":\"%s\",\"t\":%" PRIu64 ",\"m\":%s", t->fee_asset, t->id,
			   t->maker ? "true" : "false");
	else
		buf_printf(out, ",\"N\":null,\"t\":-1,\"m\":false");
}

static void report(void *ctx, const struct desk_order *o, const struct desk_trade *t, enum desk_report what)
{
	static const char *const words[] = {"NEW", "TRADE", "CANCELED", "EXPIRED"};
	struct sim *sim = ctx;
	bool cancelled = what == DESK_TELL_CANCELED;
	struct buf out;

	buf_init(&out, 4096);
	buf_printf(&out,
		   "{\"subscriptionId\":0,\"event\":{\"e\":\"executionReport\",\"E\":%" PRId64
		   ",\"s\":\"%s\",\"c\":\"%s\",\"C\":\"%s\",\"S\":\"%s\",\"o\":\"%s\",\"f\":\"%s\",\"x\":\"%s\","
		   "\"X\":\"%s\",\"r\":\"NONE\",\"i\":%" PRIu64 ",\"g\":-1,\"T\":%" PRId64 ",\"O\":%" PRId64
		   ",\"w\":%s,\"M\":false,\"V\":\"NONE\"",
		   desk_binance_now(sim), o->about->name, cancelled ? o->cancel_id : o->client_id,
		   cancelled ? o->client_id : "", desk_binance_sides[o->sell], desk_binance_types[o->type].name,
		   desk_binance_tifs[o->tif], words[what], statuses[o->status], o->id, o->changed_ms, o->at_ms,
		   o->working ? "true" : "false");
	number(&out, "q", o->qty, o->about->qty_scale);
	number(&out, "p", o->price, o->about->price_scale);
	number(&out, "P", o->stop, o->about->price_scale);
	number(&out, "z", o->filled, o->about->qty_scale);
	number(&out, "Z", o->spent, DESK_DIGITS);
	number(&out, "Q", o->amount, DESK_DIGITS);
	report_trade(o, t, &out);
	if (o->trail_bp > 0)
		buf_printf(&out, ",\"d\":%" PRId64, o->trail_bp);
	if (o->working_ms != 0)
		buf_printf(&out, ",\"W\":%" PRId64, o->working_ms);
	if (o->status == DESK_EXPIRED)
		buf_printf(&out, ",\"eR\":\"%s\"", o->why);
	if (buf_printf(&out, "}}") == 0)
		manners_report(sim, (struct text){(const char *)out.at, out.len});
	buf_fini(&out);
}

static void moved(void *ctx, const struct wallet_asset *a, int64_t at_ms)
{
	wallet_tell(ctx, a, at_ms);
}

int desk_binance_open(struct sim *sim)
{
	static const struct desk_handler handler = {report, moved};
	int rc = desk_open(&sim->desk, &sim->wallet, &handler, sim);

	sim->wallet.trades = true;
	return rc != 0 ? rc : manners_open(&sim->manners);
}

void desk_binance_tell_trade(const struct desk_trade *t, struct buf *out)
{
	buf_printf(out,
		   "{\"symbol\":\"%s\",\"id\":%" PRIu64 ",\"orderId\":%" PRIu64
		   ",\"orderListId\":-1,\"commissionAsset\":\"%s\",\"time\":%" PRId64
		   ",\"isBuyer\":%s,\"isMaker\":%s,\"isBestMatch\":true",
		   t->about->name, t->id, t->order, t->fee_asset, t->at_ms, t->bought ? "true" : "false",
		   t->maker ? "true" : "false");
	number(out, "price", t->price, t->about->price_scale);
	number(out, "qty", t->qty, t->about->qty_scale);
	number(out, "commission", t->fee, DESK_DIGITS);
	buf_byte(out, '}');
}
