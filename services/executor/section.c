/* section - the executor section of the settings, and the core's settings made from it. */
#include "services/executor/section.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/clock.h"
#include "services/executor/gateway_rule.h"
#include "services/executor/queue.h"

#define AT(member) offsetof(struct executor_section, member)
#define TEXT(member) AT(member), sizeof(((struct executor_section *)0)->member)

const struct config_key executor_section_keys[] = {
	{"account", CONFIG_TEXT, "paper", 0, 0, "", "Name of the paper account.", NULL, TEXT(account)},
	{"accounts", CONFIG_TEXT, "", 0, 0, "",
	 "Further accounts beside that one, comma separated; each may have a subsection of its name, and what is not "
	 "there is as it is here.",
	 NULL, TEXT(accounts)},
	{"quote", CONFIG_TEXT, "USDT", 0, 0, "asset",
	 "Asset it is counted in; instruments are paid in it, or in one of quotes.", NULL, TEXT(quote)},
	{"quotes", CONFIG_TEXT, "", 0, 0, "asset",
	 "Further assets that instruments may be paid in, comma separated; with =RATE where one counts as so much of "
	 "quote (USD=1), else they count at the market's price.",
	 NULL, TEXT(quotes)},
	{"balances", CONFIG_TEXT, "USDT=10000", 0, 0, "", "What a new account holds: ASSET=amount, comma separated.",
	 NULL, TEXT(balances)},
	{"maker_fee", CONFIG_DECIMAL, "0.001", 0, 10000000, "", "Fee of fills that rested in the book.", NULL,
	 AT(maker_fee), 0},
	{"taker_fee", CONFIG_DECIMAL, "0.001", 0, 10000000, "", "Fee of fills that took from the book.", NULL,
	 AT(taker_fee), 0},
	{"fees", CONFIG_TEXT,
	 "KALSHI 0 0.07 kalshi, POLYMARKET 0 0.07 polymarket, "
	 "BINANCE-PERP 0.0002 0.0005, BYBIT-PERP 0.0002 0.00055",
	 0, 0, "",
	 "What other markets charge, comma separated: an instrument, a venue's perpetuals or a venue, maker, taker, "
	 "and kalshi or polymarket where it is that venue's curve.",
	 NULL, TEXT(fees)},
	{"margin", CONFIG_TEXT, MARGIN_DEFAULT, 0, 0, "",
	 "What positions in perpetuals need, comma separated: an instrument, a venue's perpetuals (BINANCE-PERP) or "
	 "PERP, cross or isolated, leverage, fee of a liquidation, then tiers NOTIONAL:MAINTENANCE RATE:LARGEST "
	 "LEVERAGE, the last one of *.",
	 NULL, TEXT(margin)},
	{"mark", CONFIG_CHOICE, "mid", 0, 0, "",
	 "What positions are valued at: mid of the book, side (where they could be closed), last trade, mark (the "
	 "venue's, of perpetuals; else the mid).",
	 "mid|side|last|mark", TEXT(mark)},
	{"loss_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Loss since the account's start that halts trading, also after nj reset: raise it first. 0 none.",
	 NULL, AT(loss_max), 0},
	{"stale", CONFIG_DUR, "5s", NS_PER_MS, 3600 * NS_PER_S, "ns", "A book without news for longer is not traded.",
	 NULL, AT(stale_ns), 0},
	{"equity_every", CONFIG_DUR, "10s", NS_PER_MS, 86400 * NS_PER_S, "ns", "Event time between equity records.",
	 NULL, AT(equity_every_ns), 0},
	{"intent_expiry", CONFIG_DUR, "2s", NS_PER_MS, 3600 * NS_PER_S, "ns", "For intents that name no expiry.", NULL,
	 AT(intent_expiry_ns), 0},
	{"blind_max", CONFIG_DUR, "0s", 0, 86400 * NS_PER_S, "ns",
	 "Orders of a market whose book was not usable for longer are cancelled (data_loss); 0 never.", NULL,
	 AT(blind_max_ns), 0},
	{"queue", CONFIG_CHOICE, "back", 0, 0, "",
	 "Who is served before a resting order: back (everybody), share and square (cancellations are partly ahead), "
	 "through (only trades beyond its price fill).",
	 "back|share|square|through", TEXT(queue)},
	{"latency", CONFIG_CHOICE, "fixed", 0, 0, "",
	 "How long orders and answers take: fixed (run.order_latency, run.ack_latency), drawn (order_delays, "
	 "ack_delays), measured (as long as what the venue says takes to reach us); never less than fixed.",
	 "fixed|drawn|measured", TEXT(latency)},
	{"order_delays", CONFIG_TEXT, "", 0, 0, "",
	 "latency drawn: which share of orders takes at most how long, 50%=70ms 99%=200ms 100%=400ms; "
	 "run.order_latency is the least.",
	 NULL, TEXT(order_delays)},
	{"ack_delays", CONFIG_TEXT, "", 0, 0, "", "latency drawn: the same of answers; run.ack_latency is the least.",
	 NULL, TEXT(ack_delays)},
	{"latency_seed", CONFIG_INT, "1", 0, INT64_MAX, "",
	 "latency drawn, measured: the same seed delays the same order by the same.", NULL, AT(latency_seed), 0},
	{"mode", CONFIG_CHOICE, "paper", 0, 0, "",
	 "Who fills its orders: paper, our model against the venue's book; live, the venue itself (docs/live.md).",
	 "paper|live", TEXT(mode)},
	{"send", CONFIG_CHOICE, "dry", 0, 0, "",
	 "mode live: dry sends nothing and says what it would have; testnet and live send to those hosts of the venue; "
	 "simulator sends to venue_url.",
	 "dry|testnet|live|simulator", TEXT(send)},
	{"key_id", CONFIG_SECRET, "", 0, 0, "",
	 "send: id of the key, one that may trade and read, nothing else, from NIGHTJAR_EXECUTOR__KEY_ID_FILE.", NULL,
	 TEXT(key_id)},
	{"key_file", CONFIG_TEXT, "", 0, 0, "", "send: file of its private part, closed to others.", NULL,
	 TEXT(key_file)},
	{"venue_url", CONFIG_TEXT, "", 0, 0, "", "send simulator: http://127.0.0.1:PORT of a venue_sim --trading.",
	 NULL, TEXT(venue_url)},
	{"venue_stream_url", CONFIG_TEXT, "", 0, 0, "", "send simulator: ws://127.0.0.1:PORT of the same.", NULL,
	 TEXT(venue_stream_url)},
	{"recv_window", CONFIG_DUR, "5s", NS_PER_MS, 60 * NS_PER_S, "ns",
	 "send: a request that reaches the venue later is refused there.", NULL, AT(recv_window_ns), 0},
	{"place_within", CONFIG_DUR, "2s", NS_PER_MS, 60 * NS_PER_S, "ns",
	 "send: an order that could not be sent for longer never is.", NULL, AT(place_within_ns), 0},
	{"compare_every", CONFIG_DUR, "60s", NS_PER_S, 3600 * NS_PER_S, "ns",
	 "send: how often orders and balances are compared with the venue's.", NULL, AT(compare_every_ns), 0},
	{"open_orders_max", CONFIG_INT, "200", 1, 100000, "orders", "Most open orders.", NULL, AT(open_orders_max), 0},
	{"order_qty_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "base", "Risk: largest quantity of one order; 0 none.",
	 NULL, AT(limit[LIMIT_ORDER_QTY]), 0},
	{"order_notional_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: most that one order may be worth at its worst price; 0 none.", NULL, AT(limit[LIMIT_ORDER_NOTIONAL]),
	 0},
	{"position_qty_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "base",
	 "Risk: largest position of one instrument, open orders counted as filled; 0 none.", NULL,
	 AT(limit[LIMIT_POSITION_QTY]), 0},
	{"position_notional_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: most that it may be worth; 0 none.", NULL, AT(limit[LIMIT_POSITION_NOTIONAL]), 0},
	{"gross_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: most that all positions may be worth together, longs and shorts added; 0 none.", NULL,
	 AT(limit[LIMIT_GROSS]), 0},
	{"net_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: the same, shorts against longs, either way; 0 none.", NULL, AT(limit[LIMIT_NET]), 0},
	{"collar_bps", CONFIG_INT, "0", 0, LIMITS_COLLAR_MAX, "bps",
	 "Risk: how much worse than the mid an order's worst price may be; 0 any.", NULL, AT(limit[LIMIT_COLLAR]), 0},
	{"orders_second_max", CONFIG_INT, "0", 0, LIMITS_RATE_MAX, "orders",
	 "Risk: most orders at once, and a second of event time; 0 any.", NULL, AT(limit[LIMIT_SECOND]), 0},
	{"orders_minute_max", CONFIG_INT, "0", 0, LIMITS_RATE_MAX, "orders",
	 "Risk: most orders at once, and a minute of event time; 0 any.", NULL, AT(limit[LIMIT_MINUTE]), 0},
	{"limits", CONFIG_TEXT, "", 0, 0, "",
	 "Risk: limits of one strategy or instrument beside the account's, LIMIT@NAME=value, comma separated: "
	 "order_notional_max@ema_cross=500, open_orders_max@BTC-USDT.BINANCE=4.",
	 NULL, TEXT(limits)},
	{"day_loss_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: loss since the day (UTC) began that halts trading until nj reset; 0 none.", NULL,
	 AT(guard.day_loss_max), 0},
	{"drawdown_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote",
	 "Risk: loss from the highest worth that halts trading until nj reset; 0 none.", NULL, AT(guard.drawdown_max),
	 0},
	{"cooldown", CONFIG_DUR, "0s", 0, 86400 * NS_PER_S, "ns",
	 "Risk: event time for which an instrument takes no growing orders after a loss; 0 none.", NULL,
	 AT(guard.cooldown_ns), 0},
	{"stops_max", CONFIG_INT, "0", 0, GUARD_STOPS_MAX, "orders",
	 "Risk: orders closed at a loss within stops_within that make an instrument stand still; 0 none.", NULL,
	 AT(guard.stops_max), 0},
	{"stops_all_max", CONFIG_INT, "0", 0, GUARD_STOPS_ALL_MAX, "orders",
	 "Risk: the same for all instruments together, which then all stand still; 0 none.", NULL,
	 AT(guard.stops_all_max), 0},
	{"stops_within", CONFIG_DUR, "10m", NS_PER_S, 86400 * NS_PER_S, "ns", "Risk: span that stops are counted in.",
	 NULL, AT(guard.stops_within_ns), 0},
	{"stops_pause", CONFIG_DUR, "10m", NS_PER_S, 86400 * NS_PER_S, "ns",
	 "Risk: how long they stand still, in event time.", NULL, AT(guard.stops_pause_ns), 0},
	{"allocation", CONFIG_CHOICE, "none", 0, 0, "",
	 "How the account's worth is divided among strategies, which may have no more at stake: none (no budgets), "
	 "fixed shares, equal_risk, or by performance.",
	 "none|fixed|equal_risk|performance", TEXT(allocation)},
	{"allocations", CONFIG_TEXT, "", 0, 0, "",
	 "Strategies that get a budget, comma separated: STRATEGY=share (fixed), STRATEGY=least..most (the others).",
	 NULL, TEXT(allocations)},
	{"allocation_every", CONFIG_DUR, "1h", NS_PER_S, 30 * 86400 * NS_PER_S, "ns",
	 "Event time between two settings of the budgets.", NULL, AT(allocation_every_ns), 0},
	{"allocation_window", CONFIG_INT, "24", 2, ALLOCATION_WINDOW_MAX, "returns",
	 "Newest returns that equal_risk and performance look at, one each allocation_every.", NULL,
	 AT(allocation_window), 0},
	{"allocation_leverage", CONFIG_INT, "1", 1, 100, "",
	 "How many times its share of the worth a strategy may have at stake.", NULL, AT(allocation_leverage), 0},
	{"instruments_max", CONFIG_INT, "256", 1, 10000, "", "Most instruments it keeps books of.", NULL,
	 AT(instruments_max), 0},
	{"book_levels", CONFIG_INT, "5000", 10, 20000, "levels", "Levels it keeps of each side.", NULL, AT(book_levels),
	 0},
	{0},
};

const char *const executor_topics[] = {"instrument.", "book.", "trade.", "mark.", NULL};

/* "USDT=10000,BTC=0.5" */
static int parse_balances(const char *text, struct executor_settings *s, char *reason, size_t cap)
{
	char list[400], *save = NULL;
	snprintf(list, sizeof list, "%s", text);
	s->n_balances = 0;
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		char *eq = strchr(item, '=');
		if (s->n_balances == EXECUTOR_BALANCES_MAX || !eq || eq == item ||
		    fixed_parse(eq + 1, strlen(eq + 1), 8, &s->balance[s->n_balances].amount) != 0 ||
		    s->balance[s->n_balances].amount < 0) {
			snprintf(reason, cap, "executor.balances: '%s' is not ASSET=amount with at most 8 decimals",
				 item);
			return ERR_ARG;
		}
		*eq = '\0';
		event_set_name(s->balance[s->n_balances++].asset, item);
	}
	return 0;
}

static int parse_fees(const char *text, struct executor_settings *s, char *reason, size_t cap)
{
	char what[EVENT_TEXT_MAX];
	int rc = fees_parse(&s->fees, text, what, sizeof(what));
	if (rc != 0)
		snprintf(reason, cap, "executor.fees: %s", what);
	return rc;
}

static int parse_curve(const char *key, const char *text, int64_t min, struct latency_curve *curve, char *reason)
{
	char what[EVENT_TEXT_MAX - 40];
	int rc = latency_parse(text, curve, what, sizeof(what));
	if (rc != 0)
		snprintf(reason, EVENT_TEXT_MAX, "executor.%s: %s", key, what);
	else if (latency_curve_check(curve, min) != 0)
		snprintf(reason, EVENT_TEXT_MAX,
			 "executor.%s: '%.64s' begins below run.%s_latency, the least that anything takes: "
			 "lower that one",
			 key, text, strncmp(key, "ack", 3) == 0 ? "ack" : "order");
	else
		return 0;
	return ERR_ARG;
}

static int take_latency(const struct executor_section *in, struct executor_settings *s, char *reason, size_t cap)
{
	struct latency_settings *l = &s->latency;
	char what[EVENT_TEXT_MAX] = "executor.latency is drawn, but executor.order_delays and ack_delays are "
				    "empty: say how long, as in order_delays = 50%=70ms 100%=200ms";
	l->model = (uint8_t)latency_find(in->latency);
	l->seed = in->latency_seed;
	int rc = parse_curve("order_delays", in->order_delays, s->order_latency_ns, &l->order, what);
	if (rc == 0)
		rc = parse_curve("ack_delays", in->ack_delays, s->ack_latency_ns, &l->ack, what);
	if (rc == 0 && l->model == LATENCY_DRAWN && l->order.n == 0 && l->ack.n == 0)
		rc = ERR_ARG;
	if (rc != 0)
		snprintf(reason, cap, "%s", what);
	return rc;
}

static int parse_margin(const char *text, struct executor_settings *s, char *reason, size_t cap)
{
	char what[EVENT_TEXT_MAX];
	int rc = margin_parse(&s->margins, text, what, sizeof(what));
	if (rc != 0)
		snprintf(reason, cap, "executor.margin: %s", what);
	return rc;
}

static int parse_allocation(const struct executor_section *in, struct allocation_settings *a, char *reason, size_t cap)
{
	*a = (struct allocation_settings){.every_ns = in->allocation_every_ns,
					  .window = in->allocation_window,
					  .leverage = in->allocation_leverage};
	if (strcmp(in->allocation, "none") == 0 || !in->allocation[0])
		return 0;
	a->method = enum_value(enum_allocation_method(), in->allocation, strlen(in->allocation));
	return allocation_parse(a, in->allocations, reason, cap);
}

static uint8_t origin_of(const char *text)
{
	return strcmp(text, "any") == 0 ? 0 : enum_value(enum_origin(), text, strlen(text));
}

int executor_section_core(const struct executor_section *in, const struct run_settings *run,
			  struct executor_settings *s, char *reason, size_t cap)
{
	executor_defaults(s);
	event_set_name(s->account, in->account);
	event_set_name(s->quote, in->quote);
	s->maker_fee = in->maker_fee;
	s->taker_fee = in->taker_fee;
	s->loss_max = in->loss_max;
	s->stale_ns = in->stale_ns;
	s->equity_interval_ns = in->equity_every_ns;
	s->intent_expiry_ns = in->intent_expiry_ns;
	s->blind_max_ns = in->blind_max_ns;
	s->mark = (uint8_t)mark_find(in->mark);
	s->queue = (uint8_t)queue_find(in->queue);
	s->remote = strcmp(in->mode, "live") == 0;
	if (s->remote)
		event_set_name(s->venue, GATEWAY_VENUE);
	s->dry = s->remote && strcmp(in->send, "dry") == 0;
	s->open_orders_max = (uint32_t)in->open_orders_max;
	s->instruments_max = (uint32_t)in->instruments_max;
	s->book_levels = (uint32_t)in->book_levels;
	s->ack_latency_ns = run->ack_latency_ns;
	s->order_latency_ns = run->order_latency_ns;
	s->origin = origin_of(run->origin);
	memcpy(s->limit, in->limit, sizeof(s->limit));
	s->guard = in->guard;
	int rc = quotes_parse(s->quotes, &s->n_quotes, in->quotes, reason, cap);
	if (rc != 0)
		return rc;
	int scopes = limits_parse(in->limits, s->scope, reason, cap);
	if (scopes < 0)
		return scopes;
	s->n_scopes = (uint32_t)scopes;
	rc = take_latency(in, s, reason, cap);
	if (rc == 0)
		rc = parse_allocation(in, &s->allocation, reason, cap);
	if (rc == 0)
		rc = parse_balances(in->balances, s, reason, cap);
	if (rc == 0)
		rc = parse_fees(in->fees, s, reason, cap);
	return rc != 0 ? rc : parse_margin(in->margin, s, reason, cap);
}

/* ---- several accounts ---- */

static int pin(void *ctx, const char *key, const char *value, const char *where)
{
	struct executor_settings *s = ctx;
	int at = executor_live_place(key);
	(void)value;
	(void)where;
	if (at >= 0)
		s->pinned |= UINT64_C(1) << at;
	return 0;
}

static int add_account(const struct executor_section_context *from, const char *name, struct executor_accounts *out,
		       char *reason, size_t cap)
{
	struct executor_section own = {0};
	if (out->n == HOUSE_MAX) {
		snprintf(reason, cap, "executor.accounts: more than %d accounts, with executor.account", HOUSE_MAX);
		return ERR_ARG;
	}
	for (uint32_t i = 0; i < out->n; i++)
		if (strcmp(out->at[i].account, name) == 0) {
			snprintf(reason, cap, "executor.accounts: '%s' is there twice", name);
			return ERR_ARG;
		}
	struct executor_settings *s = &out->at[out->n++];
	config_variant(from->config, "executor", name, &own);
	int rc = executor_section_core(&own, from->run, s, reason, cap);
	event_set_name(s->account, name);
	event_set_name(s->run_id, from->run_id);
	return rc != 0 ? rc : config_each(from->config, "executor", name, pin, s);
}

int executor_section_accounts(const struct executor_section *in, const struct executor_section_context *from,
			      struct executor_accounts *ret_accounts, char *reason, size_t cap)
{
	char list[sizeof(in->accounts)], *save = NULL;
	snprintf(list, sizeof(list), "%s", in->accounts);
	ret_accounts->n = 1;
	int rc = executor_section_core(in, from->run, &ret_accounts->at[0], reason, cap);
	event_set_name(ret_accounts->at[0].run_id, from->run_id);
	for (char *name = strtok_r(list, ", ", &save); name && rc == 0; name = strtok_r(NULL, ", ", &save))
		rc = add_account(from, name, ret_accounts, reason, cap);
	return rc;
}
