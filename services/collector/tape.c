/* tape - what passes without being built up: trades with their candles, tops, klines and so on.
 *
 * Trades carry ids that rise by one: a repeated one is left out, a hole is a gap on record.
 */
#include <string.h>

#include "common/base/err.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL
#define CLOCK_BAND_NS (86400 * SECOND) /* venue times farther from our stamps are wrong */
#define PRICE_BAND 10                  /* a price may move so many times … */
#define PRICE_BAND_NS (10 * SECOND)    /* … within so long */
#define ID_RESET_NS (60 * SECOND)
#define TOP_REORDER_MAX 1000000 /* an id lower by more is a new count */

/* ---- candles ---- */

struct close_context {
	struct collector_core *c;
	const struct market *m;
};

static void on_closed(void *ctx, int64_t close_at, struct ev_candle *candle)
{
	const struct close_context *x = ctx;
	struct event *ev = begin(x->c, EVENT_candle, x->m, close_at);

	ev->candle = *candle;
	ev->candle.instrument = x->m->venue.symbol;
	x->c->count.candles++;
	emit(x->c);
}

void tape_on_clock(struct collector_core *c, struct connection *conn, int64_t at)
{
	if (at <= conn->clock)
		return;
	if (at - c->now > CLOCK_BAND_NS) {
		c->count.outliers++;
		return;
	}
	conn->clock = at;
	if (at < conn->candles_due)
		return;
	conn->candles_due = INT64_MAX;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (!is_on(m, VENUE_TRADE_STREAM, c, conn))
			continue;
		struct close_context x = {c, m};
		uint64_t refused = m->candles.refused;
		candles_on_clock(&m->candles, at, &(struct candle_sink){&x, on_closed});
		c->count.candles_refused += m->candles.refused - refused;
		int64_t due = candles_due(&m->candles);
		conn->candles_due = due < conn->candles_due ? due : conn->candles_due;
	}
}

void tape_on_known(struct collector_core *c, struct market *m, int64_t at)
{
	struct close_context x = {c, m};
	uint64_t refused = m->candles.refused;

	candles_on_clock(&m->candles, at, &(struct candle_sink){&x, on_closed});
	c->count.candles_refused += m->candles.refused - refused;
}

/* ---- trades ---- */

/* A time or price that cannot be: one such trade would push every candle out of its place. */
static bool is_outlier(const struct collector_core *c, const struct market *m, const struct venue_trade *t)
{
	int64_t away = t->at > c->now ? t->at - c->now : c->now - t->at;

	if (away > CLOCK_BAND_NS)
		return true;
	if (c->set.venue->prices_bounded || m->trade_price == 0 || c->now - m->trade_at > PRICE_BAND_NS)
		return false;
	return t->price / PRICE_BAND > m->trade_price || m->trade_price / PRICE_BAND > t->price;
}

/* first is 0 where the ids began anew. */
static void trade_gap(struct collector_core *c, struct market *m, const struct venue_trade *t, uint64_t first)
{
	struct gap gap = {
		.market = m,
		.on = connection_of(c, m, VENUE_TRADE_STREAM),
		.stream = "trade",
		.cause = m->trade_broken ? gap_cause_malformed : gap_cause_sequence,
		.repair = repair_nothing,
		.from = m->trade_at,
		.to = c->now,
		.first = first,
		.last = first != 0 ? t->first_id - 1 : 0,
		.missing = first != 0 ? t->first_id - first : 0,
	};

	if (m->trade_blind.open) { /* they were missed while the connection was blind */
		gap.cause = (enum gap_cause)m->trade_blind.cause;
		gap.from = m->trade_blind.from;
		m->trade_blind.open = false;
	}
	c->count.trade_gaps++;
	c->count.trades_missing += gap.missing;
	fill_hole(c, m, &gap);
	candles_on_gap(&m->candles, m->trade_time, t->at);
}

/* False where the trade has been seen before. Lower ids after a while without any good one are a
 * new count. */
static bool check_trade_id(struct collector_core *c, struct market *m, const struct venue_trade *trade)
{
	struct venue_trade counted = *trade, *t = &counted;

	if (t->count_id != 0)
		t->first_id = t->last_id = t->count_id;
	if (t->last_id == 0)
		return true;
	if (m->trade_id != 0 && t->first_id <= m->trade_id) {
		if (c->now - m->trade_at < ID_RESET_NS || t->at <= m->trade_time) {
			c->count.trades_repeated++;
			return false;
		}
		trade_gap(c, m, t, 0);
	} else if (m->trade_id != 0 && c->set.venue->trade_ids_count && t->first_id != m->trade_id + 1) {
		trade_gap(c, m, t, m->trade_id + 1);
	}
	ledger_on_trade(c, m);
	m->trade_id = t->last_id;
	m->trade_broken = false;
	return true;
}

void tape_on_trade(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	const struct venue_trade *t = &msg->trade;
	struct close_context x = {c, m};
	struct candle_trade part = {t->at, t->price, t->qty, t->last_id - t->first_id + 1};
	uint64_t late = m->candles.late, refused = m->candles.refused;

	if (is_outlier(c, m, t)) {
		c->count.outliers++;
		tape_on_fault(c, m);
		return;
	}
	if (!check_trade_id(c, m, t))
		return;
	recall_saw(m, t);
	m->trade_at = c->now;
	m->trade_time = t->at;
	m->trade_price = t->price;
	candles_on_trade(&m->candles, &part, &(struct candle_sink){&x, on_closed});
	c->count.trades_late += m->candles.late > late;
	c->count.candles_refused += m->candles.refused - refused;
	if (c->from != NULL) {
		int64_t due = candles_due(&m->candles);
		c->from->candles_due = due < c->from->candles_due ? due : c->from->candles_due;
	}
	struct event *ev = begin(c, EVENT_trade, m, t->at);
	ev->trade = (struct ev_trade){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.price = t->price,
		.qty = t->qty,
		.aggressor = t->aggressor,
		.trade_id = t->count_id != 0 ? t->count_id : t->last_id, /* by which it can be asked for again */
	};
	c->count.trades++;
	emit(c);
}

/* A trade that could not be read. Where ids count, the next one shows the hole; elsewhere it is
 * told now. */
void tape_on_fault(struct collector_core *c, struct market *m)
{
	m->trade_broken = true;
	if (c->set.venue->trade_ids_count || m->trade_at == 0)
		return;
	emit_gap(c, &(struct gap){.market = m,
				  .stream = "trade",
				  .cause = gap_cause_malformed,
				  .repair = repair_nothing,
				  .from = m->trade_at});
	candles_on_gap(&m->candles, m->trade_time, m->trade_time);
}

/* ---- the rest ---- */

void tape_on_top(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	const struct venue_top *t = &msg->top;

	if (t->last_id < m->top_id && m->top_id - t->last_id < TOP_REORDER_MAX) {
		c->count.tops_reordered++;
		return;
	}
	m->top_id = t->last_id;
	struct event *ev = begin(c, EVENT_top, m, msg->time);
	ev->top = (struct ev_top){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.bid = t->bid,
		.bid_qty = t->bid_qty,
		.ask = t->ask,
		.ask_qty = t->ask_qty,
		.last_id = t->last_id,
	};
	c->count.tops++;
	emit(c);
}

void tape_on_kline(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	const struct venue_kline *k = &msg->kline;

	if (c->from == NULL && (m->kline_oldest == 0 || k->open_at < m->kline_oldest))
		m->kline_oldest = k->open_at;
	/* A reply does not say which of its klines has closed; time does. Both sources may bring the same one. */
	bool closed = k->closed || (c->from == NULL && k->close_at <= c->now);
	if (!closed || k->open_at <= m->kline_open_at)
		return;
	m->kline_open_at = k->open_at;
	struct event *ev = begin(c, EVENT_candle, m, msg->time != 0 ? msg->time : k->close_at);
	ev->candle = (struct ev_candle){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.cash_scale = VENUE_CASH_SCALE,
		.open_at = k->open_at,
		.open = k->open,
		.high = k->high,
		.low = k->low,
		.close = k->close,
		.volume = k->volume,
		.quote_volume = k->quote_volume,
		.trades = k->trades,
		.complete = true,
		.from_venue = true,
	};
	event_set_name(ev->candle.interval, k->interval[0] != '\0' ? k->interval : c->set.kline_interval);
	c->count.klines++;
	emit(c);
}

/* Brings what is known up to date; is all of it known by now? */
static bool learn(int64_t *known, uint32_t *known_bits, const int64_t *told, uint32_t bits, uint32_t all)
{
	for (uint32_t i = 0; bits >> i != 0; i++)
		if (bits & 1u << i)
			known[i] = told[i];
	*known_bits |= bits;
	return (*known_bits & all) == all;
}

#define TICKER_ALL ((1u << VENUE_TICKER_VALUES) - 1)
#define MARK_ALL 1u /* without the price there is nothing to say; the rest may be unknown */

void tape_on_ticker(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	struct venue_ticker *t = &m->ticker;
	uint32_t all = c->set.venue->ticker_values != 0 ? c->set.venue->ticker_values : TICKER_ALL;

	/* Some venues bring tickers and marks in one stream. */
	if (connection_of(c, m, VENUE_TICKER_STREAM) == NULL ||
	    !learn(t->value, &t->said, msg->ticker.value, msg->ticker.said, all)) {
		c->count.ignored++;
		return;
	}
	struct event *ev = begin(c, EVENT_ticker, m, msg->time);
	ev->ticker = (struct ev_ticker){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.cash_scale = VENUE_CASH_SCALE,
		.last = t->last,
		.open = t->open,
		.high = t->high,
		.low = t->low,
		.volume = t->volume,
		.quote_volume = t->quote_volume,
	};
	emit(c);
}

void tape_on_mark(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	struct venue_mark *k = &m->mark;

	if (connection_of(c, m, VENUE_MARK_STREAM) == NULL ||
	    !learn(k->value, &k->said, msg->mark.value, msg->mark.said, MARK_ALL)) {
		c->count.ignored++;
		return;
	}
	struct event *ev = begin(c, EVENT_mark, m, msg->time);
	ev->mark = (struct ev_mark){
		.instrument = m->venue.symbol,
		.price_scale = VENUE_MARK_SCALE,
		.cash_scale = VENUE_RATE_SCALE,
		.mark = k->price,
		.index = k->index,
		.settle = k->settle,
		.funding_rate = k->rate,
		.funding_at = k->funding_at,
	};
	emit(c);
}

void tape_forget(struct collector_core *c, const struct connection *conn)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		if (connection_of(c, m, VENUE_TICKER_STREAM) == conn)
			m->ticker = (struct venue_ticker){0};
		if (connection_of(c, m, VENUE_MARK_STREAM) == conn)
			m->mark = (struct venue_mark){0};
	}
}

void tape_on_liquidation(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	const struct venue_liquidation *l = &msg->liquidation;
	struct event *ev = begin(c, EVENT_liquidation, m, msg->time);

	ev->liquidation = (struct ev_liquidation){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.qty_scale = m->venue.qty_scale,
		.price = l->price,
		.avg_price = l->avg_price,
		.qty = l->qty,
		.side = l->side,
	};
	emit(c);
}

void tape_emit_instrument(struct collector_core *c, const struct market *m)
{
	struct event *ev = begin(c, EVENT_instrument, m, 0);

	ev->instrument = m->instrument;
	emit(c);
}

static bool same_grid(const struct ev_instrument *a, const struct ev_instrument *b)
{
	return a->tick_size == b->tick_size && a->tick_1 == b->tick_1 && a->from_2 == b->from_2 &&
	       a->tick_2 == b->tick_2 && a->from_3 == b->from_3 && a->tick_3 == b->tick_3 && a->from_4 == b->from_4 &&
	       a->tick_4 == b->tick_4 && a->from_5 == b->from_5 && a->tick_5 == b->tick_5;
}

static bool same_band(const struct ev_instrument *a, const struct ev_instrument *b)
{
	return a->buy_above == b->buy_above && a->buy_below == b->buy_below && a->sell_above == b->sell_above &&
	       a->sell_below == b->sell_below && a->band_by == b->band_by && a->band_minutes == b->band_minutes &&
	       a->buy_most == b->buy_most && a->sell_least == b->sell_least;
}

static bool same_room(const struct ev_instrument *a, const struct ev_instrument *b)
{
	return a->orders_max == b->orders_max && a->triggers_max == b->triggers_max &&
	       a->position_max == b->position_max && a->trail_above_min == b->trail_above_min &&
	       a->trail_above_max == b->trail_above_max && a->trail_below_min == b->trail_below_min &&
	       a->trail_below_max == b->trail_below_max;
}

static bool same_instrument(const struct ev_instrument *a, const struct ev_instrument *b)
{
	return strcmp(a->base, b->base) == 0 && strcmp(a->quote, b->quote) == 0 && a->price_scale == b->price_scale &&
	       a->qty_scale == b->qty_scale && same_grid(a, b) && same_band(a, b) && a->price_min == b->price_min &&
	       a->price_max == b->price_max && a->lot_size == b->lot_size && a->qty_min == b->qty_min &&
	       a->qty_max == b->qty_max && a->market_qty_max == b->market_qty_max &&
	       a->market_lot_size == b->market_lot_size && a->market_qty_min == b->market_qty_min && same_room(a, b) &&
	       a->notional_min == b->notional_min && a->notional_max == b->notional_max && a->trading == b->trading &&
	       a->kind == b->kind && symbol_equal(&a->complement, &b->complement) && a->settlement == b->settlement &&
	       a->pays == b->pays;
}

/* What only the venue's adapter knows of its instruments as a whole, and what has been resolved of this one: its
 * descriptions do not repeat it. */
static void complete(const struct collector_core *c, const struct market *m, struct ev_instrument *i)
{
	bool perpetual = c->set.venue->suffix[0] != '\0';
	i->kind = c->set.venue->prices_bounded ? instrument_kind_event
		  : perpetual                  ? instrument_kind_perpetual
					       : instrument_kind_spot;
	if (m->resolved && i->price_scale == m->venue.price_scale) {
		i->settlement = m->pays == VENUE_CALLED_OFF ? settlement_void : settlement_final;
		i->pays = m->pays == VENUE_CALLED_OFF ? 0 : m->pays;
	}
}

/* The outcome goes on record (lane X), and into the description that whoever trades it follows (lane M). A resolution
 * may be told more than once, and be changed. */
void tape_on_resolution(struct collector_core *c, struct market *m, const struct venue_resolution *r)
{
	bool untold = r->price == VENUE_UNTOLD && !m->resolved;
	bool over = r->price != VENUE_UNTOLD && !m->resolved; /* people may have been told by a life before this one */
	if ((untold != m->untold || over) && c->actions.unsettled != NULL)
		c->actions.unsettled(c->actions.ctx, &m->venue, untold);
	m->untold = untold;
	if (r->price == VENUE_UNTOLD)
		return;
	if (m->resolved && m->pays == r->price)
		return;
	m->resolved = true;
	m->pays = r->price;
	c->count.resolutions++;
	if (m->described) {
		complete(c, m, &m->instrument);
		tape_emit_instrument(c, m);
	}
	struct event *ev = begin(c, EVENT_resolution, m, r->at);
	ev->resolution = (struct ev_resolution){
		.instrument = m->venue.symbol,
		.price_scale = m->venue.price_scale,
		.pays = r->price == VENUE_CALLED_OFF ? 0 : r->price,
		.resolved_at = r->at,
	};
	event_set_name(ev->resolution.outcome, r->outcome);
	emit(c);
}

static void on_tick(struct collector_core *c, struct market *m, int64_t tick_size)
{
	if (!m->described || m->instrument.tick_size == tick_size)
		return;
	m->instrument.tick_size = tick_size;
	tape_emit_instrument(c, m);
}

static uint8_t wider(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* An instrument's description; repeated ones are not published again. New scales begin everything
 * anew. */
static void on_instrument(struct collector_core *c, struct market *m, const struct ev_instrument *told)
{
	struct ev_instrument wide = *told;
	const struct ev_instrument *i = &wide;

	c->count.instruments++;
	widen_instrument(&wide, wider(told->price_scale, m->price_scale_min), wider(told->qty_scale, m->qty_scale_min));
	wide.instrument = m->venue.symbol;
	complete(c, m, &wide);
	if (m->described && same_instrument(&m->instrument, i))
		return;
	bool rescaled = i->price_scale != m->venue.price_scale || i->qty_scale != m->venue.qty_scale;
	m->described = true;
	m->instrument = *i;
	m->venue.price_scale = i->price_scale;
	m->venue.qty_scale = i->qty_scale;
	tape_emit_instrument(c, m);
	if (!rescaled)
		return;
	m->ticker = (struct venue_ticker){0};
	candles_rescale(&m->candles, i->price_scale, i->qty_scale);
	depth_restart(c, m);
}

void tape_on_catalog(struct collector_core *c, struct market *m, const struct venue_message *msg)
{
	if (msg->kind == VENUE_INSTRUMENT)
		on_instrument(c, m, msg->instrument);
	if (msg->kind == VENUE_TICK_SIZE)
		on_tick(c, m, msg->tick_size);
	if (msg->kind == VENUE_RESOLUTION)
		tape_on_resolution(c, m, &msg->resolution);
}
