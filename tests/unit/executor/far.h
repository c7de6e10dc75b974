/* far - a model of a venue behind a network that loses, delays and repeats, for the gateway and the executor's core.
 *
 * The executor's own core submits and books; the model matches at random and keeps its own books. Its texts are rows,
 * so that nothing but the gateway's judgement is tested. A crash loses what was in memory: of the core it is made
 * again, the gateway begins anew, and what it had sent goes on without it.
 */
#ifndef NJ_TESTS_FAR_H
#define NJ_TESTS_FAR_H
#include "desk.h"

#include "common/base/rng.h"
#include "services/executor/executor.h"
#include "services/executor/gateway.h"

#define ORDERS_MAX 400
#define TRADES_MAX 4000
#define FLIGHTS_MAX 64
#define FILLS_PAGE 2 /* in a reply */
#define WORDS_MAX 4000
#define TOLD_MAX 256
#define WINDOW (5 * S)
#define SETTLE (2 * S)
#define PATIENCE (8 * S) /* for a reply */

struct model_order {
	struct venue_order o;
	uint64_t venue_id;
	int64_t filled, visible_at;
	uint8_t status;
	uint32_t placed; /* how often */
};

struct model_trade {
	uint32_t order;
	int64_t price, qty, fee;
	bool in_base;
};

struct model_flight { /* one request and its reply */
	struct gateway_request q;
	int64_t arrives, replies; /* INT64_MAX: lost; replies also: has no answer yet */
	bool arrived, orphan;     /* its sender is gone */
	int64_t stamp;            /* that it was signed with */
	char time[40];            /* the reply to ASK_TIME */
	int status;
	struct venue_orders_row row[ORDERS_MAX];
	uint32_t n;
};

struct model_word { /* on the stream */
	struct venue_orders_row row;
	int64_t at;
};

struct world {
	struct desk d;
	struct gateway g;
	struct rng rng;
	struct model_order order[ORDERS_MAX];
	struct model_trade trade[TRADES_MAX];
	struct model_flight flight[FLIGHTS_MAX];
	struct model_word word[WORDS_MAX];
	uint32_t orders, trades, flights, words;
	int64_t quote, base; /* the venue's books */
	struct ev_venue_report told[TOLD_MAX];
	uint32_t told_n;
	uint64_t applied;
	char sent[ORDERS_MAX][EVENT_NAME_MAX];
	uint32_t n_sent, crashes, lost, late;
	bool calm, stream, withdraws;
	int64_t ahead; /* the venue's clock, of ours */
};

static struct world w;

static inline int64_t roll(int64_t n)
{
	return (int64_t)rng_below(&w.rng, (uint64_t)n);
}

static inline bool chance(int64_t percent)
{
	return !w.calm && roll(100) < percent;
}

/* ---- the venue's texts are rows ---- */

static inline int as_rows(struct json_str text, venue_orders_fn fn, void *ctx)
{
	const struct venue_orders_row *r = (const void *)text.at;
	for (size_t i = 0; i < text.len / sizeof(*r); i++)
		fn(ctx, &r[i]);
	return 0;
}

static inline int model_reply(enum venue_orders_ask ask, int status, struct json_str body, venue_orders_fn fn,
			      void *ctx)
{
	struct venue_orders_row none = {.kind = VENUE_ORDERS_UNKNOWN};
	(void)ask;
	if (status != 0)
		return as_rows(body, fn, ctx);
	fn(ctx, &none);
	return 0;
}

static inline int model_takes(const struct venue_order *o, const char **ret_why)
{
	(void)o;
	(void)ret_why;
	return 0;
}

static inline int model_account(enum venue_account_ask ask, int status, struct json_str body, venue_account_fn fn,
				void *ctx)
{
	(void)body;
	if (status == 0)
		return ERR_PROTOCOL;
	if (status != 200) {
		fn(ctx, &(struct venue_account_row){.kind = VENUE_ACCOUNT_ERROR, .error = VENUE_ACCOUNT_CLOCK});
		return 0;
	}
	if (ask == VENUE_ACCOUNT_RIGHTS) {
		fn(ctx, &(struct venue_account_row){.kind = VENUE_ACCOUNT_MAY, .reads = true, .trades = true,
						    .withdraws = w.withdraws});
		return 0;
	}
	struct venue_account_row quote = {.kind = VENUE_ACCOUNT_BALANCE, .name = "USDT", .scale = 8, .total = w.quote};
	struct venue_account_row base = {.kind = VENUE_ACCOUNT_BALANCE, .name = "ONE", .scale = 8, .total = w.base};
	fn(ctx, &quote);
	fn(ctx, &base);
	return 0;
}

static const struct venue_account model_funds = {.reply = model_account};
static const struct venue_orders model_venue = {.venue = "TEST",
						.account = &model_funds,
						.time_key = "t",
						.settle_ns = SETTLE,
						.takes = model_takes,
						.reply = model_reply,
						.event = as_rows};

/* ---- the venue ---- */

static inline struct venue_orders_row row_of(const struct model_order *m)
{
	struct venue_orders_row r = {.kind = VENUE_ORDERS_ORDER,
				     .venue_id = m->venue_id,
				     .side = m->o.side,
				     .status = m->status,
				     .filled_scale = 3,
				     .filled = m->filled};
	snprintf(r.symbol, sizeof(r.symbol), "ONE");
	memcpy(r.client_id, m->o.client_id, sizeof(r.client_id));
	return r;
}

static inline struct venue_orders_row fill_row(uint32_t i, bool named)
{
	const struct model_trade *t = &w.trade[i];
	const struct model_order *m = &w.order[t->order];
	struct venue_orders_row r = row_of(m);
	r.kind = VENUE_ORDERS_FILL;
	if (!named)
		r.client_id[0] = '\0';
	r.trade_id = i + 1;
	r.price_scale = 2;
	r.qty_scale = 3;
	r.fee_scale = 8;
	r.price = t->price;
	r.qty = t->qty;
	r.fee = t->fee;
	r.liquidity = liquidity_maker;
	snprintf(r.fee_asset, sizeof(r.fee_asset), "%s", t->in_base ? "ONE" : "USDT");
	return r;
}

/* Now and then twice, late, or not at all. */
static inline void say(const struct venue_orders_row *r)
{
	for (int i = 0; i < 1 + chance(15); i++) {
		if (!w.stream || chance(5) || w.words == WORDS_MAX)
			continue;
		int64_t late = w.calm ? 0 : roll(chance(10) ? 20 * S : 300 * MS);
		w.word[w.words++] = (struct model_word){*r, w.d.now + late};
	}
}

static inline struct model_order *open_of(const char *id)
{
	for (uint32_t i = 0; i < w.orders; i++)
		if (strcmp(w.order[i].o.client_id, id) == 0)
			return &w.order[i];
	return NULL;
}

static inline bool is_open(const struct model_order *m)
{
	return m->status == order_status_open || m->status == order_status_partial;
}

static inline void fill(struct model_order *m)
{
	int64_t rest = m->o.qty - m->filled, qty = 1 + roll(rest);
	int64_t price = m->o.price != 0 ? m->o.price : 10000;
	bool buys = m->o.side == side_buy;
	if (w.trades == TRADES_MAX)
		return;
	struct model_trade *t = &w.trade[w.trades];
	*t = (struct model_trade){.order = (uint32_t)(m - w.order), .price = price, .qty = qty, .in_base = buys};
	t->fee = buys ? qty * 100 : price * qty; /* a thousandth of either, at 8 decimals */
	w.quote += buys ? -price * qty * 1000 : price * qty * 1000 - t->fee;
	w.base += buys ? qty * 100000 - t->fee : -qty * 100000;
	m->filled += qty;
	m->status = m->filled == m->o.qty ? order_status_filled : order_status_partial;
	struct venue_orders_row r = fill_row(w.trades++, true);
	say(&r);
	r = row_of(m);
	say(&r);
}

static inline struct venue_orders_row refused(enum venue_orders_refusal why)
{
	return (struct venue_orders_row){.kind = VENUE_ORDERS_REFUSED, .refusal = why, .code = -1};
}

static inline void place(struct model_flight *f)
{
	struct model_order *m = open_of(f->q.order.client_id);
	if (chance(3)) {
		f->row[f->n++] = refused(VENUE_ORDERS_REFUSED_CLOCK);
		return;
	}
	if (m) {
		m->placed++;
		return;
	}
	must(w.orders < ORDERS_MAX);
	m = &w.order[w.orders++];
	*m = (struct model_order){.o = f->q.order, .venue_id = w.orders, .placed = 1, .status = order_status_open};
	m->visible_at = w.d.now + (w.calm ? 0 : roll(SETTLE));
	struct venue_orders_row r = row_of(m);
	say(&r);
	if (m->o.price == 0)
		while (is_open(m))
			fill(m);
	f->row[f->n++] = row_of(m);
}

static inline void end(struct model_order *m, enum order_status how)
{
	m->status = (uint8_t)how;
	struct venue_orders_row r = row_of(m);
	say(&r);
}

static inline void cancel(struct model_flight *f, struct model_order *m)
{
	if (!m || !is_open(m)) {
		f->row[f->n++] = (struct venue_orders_row){.kind = VENUE_ORDERS_ABSENT};
		return;
	}
	end(m, order_status_cancelled);
	f->row[f->n++] = row_of(m);
}

static inline void list_fills(struct model_flight *f)
{
	for (uint32_t i = f->q.question.from > 0 ? (uint32_t)f->q.question.from - 1 : 0; i < w.trades; i++) {
		if (w.order[w.trade[i].order].venue_id != f->q.question.venue_id)
			continue;
		if (f->n == FILLS_PAGE) {
			f->row[f->n++] = (struct venue_orders_row){.kind = VENUE_ORDERS_MORE, .trade_id = i + 1};
			return;
		}
		f->row[f->n++] = fill_row(i, false);
	}
	f->row[f->n++] = (struct venue_orders_row){.kind = VENUE_ORDERS_NO_MORE};
}

static inline void list_open(struct model_flight *f)
{
	for (uint32_t i = 0; i < w.orders && f->n + 1 < ORDERS_MAX; i++)
		if (is_open(&w.order[i]))
			f->row[f->n++] = row_of(&w.order[i]);
	f->row[f->n++] = (struct venue_orders_row){.kind = VENUE_ORDERS_NO_MORE};
}

static inline bool in_time(const struct model_flight *f)
{
	int64_t now = w.d.now + w.ahead;
	return f->stamp < now + S && now - f->stamp <= WINDOW;
}

static inline void carry_out(struct model_flight *f)
{
	struct model_order *m = open_of(f->q.order.client_id);
	f->status = 200;
	if (f->q.ask == GATEWAY_ASK_TIME) {
		snprintf(f->time, sizeof(f->time), "{\"t\":%lld}", (long long)((w.d.now + w.ahead) / MS));
		return;
	}
	if (!in_time(f)) {
		w.late++;
		f->status = 400;
		f->row[f->n++] = refused(VENUE_ORDERS_REFUSED_CLOCK);
		return;
	}
	if (f->q.ask == GATEWAY_ASK_OPEN) {
		list_open(f);
		return;
	}
	if (f->q.ask != GATEWAY_ASK_ORDER)
		return;
	switch (f->q.question.ask) {
	case VENUE_ORDERS_PLACE:
		place(f);
		break;
	case VENUE_ORDERS_CANCEL:
		cancel(f, m);
		break;
	case VENUE_ORDERS_QUERY:
		f->row[f->n++] = m && m->visible_at <= w.d.now
					 ? row_of(m)
					 : (struct venue_orders_row){.kind = VENUE_ORDERS_ABSENT};
		break;
	default:
		list_fills(f);
	}
}

/* ---- the network ---- */

static inline int64_t delay(void)
{
	return w.calm ? MS : roll(chance(10) ? 7 * S : 100 * MS);
}

static inline void send(const struct gateway_request *q)
{
	must(w.flights < FLIGHTS_MAX);
	struct model_flight *f = &w.flight[w.flights++];
	memset(f, 0, sizeof(*f));
	f->q = *q;
	f->q.question.order = &f->q.order;
	f->stamp = gateway_venue_time(&w.g, w.d.now);
	f->arrives = chance(8) ? INT64_MAX : w.d.now + delay();
	f->replies = INT64_MAX;
	w.lost += f->arrives == INT64_MAX;
	if (q->ask != GATEWAY_ASK_ORDER || q->question.ask != VENUE_ORDERS_PLACE)
		return;
	for (uint32_t i = 0; i < w.n_sent; i++)
		assert_string_not_equal(w.sent[i], q->id); /* sent once in its life */
	must(w.n_sent < ORDERS_MAX);
	memcpy(w.sent[w.n_sent++], q->id, EVENT_NAME_MAX);
}

static inline void answer(const struct model_flight *f, int status)
{
	struct gateway_reply r = {.status = status,
				  .body = {(const char *)f->row, status ? f->n * sizeof(*f->row) : 0, false}};
	if (f->time[0])
		r.body = (struct json_str){f->time, strlen(f->time), false};
	if (!f->orphan)
		gateway_on_reply(&w.g, w.d.now, &f->q, &r);
}

static inline void move_requests(void)
{
	for (uint32_t i = 0; i < w.flights;) {
		static struct model_flight f;
		struct model_flight *at = &w.flight[i];
		if (!at->arrived && at->arrives <= w.d.now) {
			at->arrived = true;
			carry_out(at);
			at->replies = chance(10) ? INT64_MAX : w.d.now + delay();
			w.lost += at->replies == INT64_MAX;
		}
		bool replies = at->replies <= w.d.now, late = w.d.now - at->q.at >= PATIENCE;
		/* One that nobody waits for any more may still arrive. */
		bool over = replies || (late && (at->arrived || at->arrives == INT64_MAX));
		if (late && !replies && !at->orphan) {
			answer(at, 0);
			at->orphan = true;
		}
		if (!over) {
			i++;
			continue;
		}
		f = *at;
		f.q.question.order = &f.q.order;
		w.flight[i] = w.flight[--w.flights];
		w.flight[i].q.question.order = &w.flight[i].q.order;
		if (replies)
			answer(&f, f.status);
	}
}

static inline void move_words(void)
{
	for (uint32_t i = 0; i < w.words;) {
		if (w.word[i].at > w.d.now) {
			i++;
			continue;
		}
		struct venue_orders_row r = w.word[i].row;
		w.word[i] = w.word[--w.words];
		if (w.stream)
			gateway_on_text(&w.g, (struct json_str){(const char *)&r, sizeof(r), false});
	}
}

/* ---- the core and its shell ---- */

static inline int on_tell(void *ctx, const struct ev_venue_report *r)
{
	(void)ctx;
	if (chance(5) || w.told_n == TOLD_MAX)
		return ERR_FULL;
	w.told[w.told_n++] = *r;
	return 0;
}

static inline bool on_holds(void *ctx, uint32_t i, const char **ret_asset, int64_t *ret_total)
{
	const struct account *a = &w.d.x->account;
	(void)ctx;
	if (i >= a->n)
		return false;
	*ret_asset = a->asset[i].name;
	*ret_total = a->asset[i].total;
	return true;
}

static inline bool on_adopts(void *ctx, uint32_t i)
{
	(void)ctx;
	return remote_adopts(w.d.x, i);
}

static inline void apply_told(void)
{
	for (uint32_t i = 0; i < w.told_n; i++) {
		struct event ev;
		event_init(&ev, EVENT_venue_report);
		ev.venue_report = w.told[i];
		desk_clear(&w.d);
		desk_feed(&w.d, &ev);
		w.applied++;
	}
	w.told_n = 0;
}

static inline void see(void)
{
	const struct orders *os = &w.d.x->orders;
	gateway_see_begin(&w.g, w.applied);
	for (uint32_t i = 0; i < os->n; i++)
		if (os->at[i].stage == stage_remote)
			gateway_see(&w.g, w.d.now, &os->at[i], w.d.ordinal);
	gateway_see_end(&w.g);
}

static inline void begin_life(void)
{
	struct gateway_settings s = {.venue = &model_venue,
				     .account = "paper",
				     .orders_max = 200,
				     .rights = true,
				     .window_ns = WINDOW,
				     .place_within_ns = 2 * S,
				     .compare_ns = 30 * S};
	struct gateway_core core = {NULL, on_tell, on_holds, on_adopts};
	assert_int_equal(gateway_init(&w.g, &s, &core, w.d.now), 0);
	w.applied = 0;
	see();
	gateway_on_stream(&w.g, w.d.now, w.stream = true);
}

/* What was told is in the journal; what the core was is made again from there. */
static inline void crash(void)
{
	struct executor_settings s = w.d.x->settings;
	struct executor *y = NULL;
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	apply_told();
	assert_int_equal(executor_core.save(w.d.x, &bytes), 0);
	assert_int_equal(executor_new(&s, &y), 0);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), 0);
	executor_free(w.d.x);
	w.d.x = y;
	buf_fini(&bytes);
	gateway_fini(&w.g);
	for (uint32_t i = 0; i < w.flights; i++)
		w.flight[i].orphan = true;
	w.words = 0;
	w.crashes++;
	w.d.now += roll(3 * S);
	begin_life();
}

static inline void wish_something(void)
{
	int64_t what = roll(10);
	bool buys = roll(2) == 0;
	if (what < 6)
		desk_order(&w.d, buys ? side_buy : side_sell, tif_gtc, buys ? 9800 + roll(200) : 10001 + roll(200),
			   51 + roll(3000));
	else if (what < 7)
		desk_order(&w.d, buys ? side_buy : side_sell, tif_ioc, 0, 51 + roll(900));
	else
		desk_cancel(&w.d, 1 + (uint64_t)roll((int64_t)w.d.ordinal + 1));
}

static inline void venue_lives(void)
{
	for (uint32_t i = 0; i < w.orders; i++) {
		struct model_order *m = &w.order[i];
		if (is_open(m) && chance(4))
			fill(m);
		else if (is_open(m) && roll(400) == 0 && !w.calm)
			end(m, order_status_expired);
	}
}

static inline void turn(void)
{
	struct gateway_request q;
	desk_until(&w.d, w.d.now + 1 + roll(200 * MS));
	if (chance(12) && w.orders < ORDERS_MAX - 10)
		wish_something();
	move_requests();
	move_words();
	venue_lives();
	if (w.calm || chance(70))
		apply_told();
	see();
	gateway_on_durable(&w.g, w.calm || chance(80) ? w.d.ordinal : 0);
	while (w.flights < 8 && gateway_next(&w.g, w.d.now, &q))
		send(&q);
	if (chance(1))
		gateway_on_stream(&w.g, w.d.now, w.stream = !w.stream);
	if (roll(400) == 0 && !w.calm)
		crash();
	if (roll(600) == 0 && !w.calm)
		w.ahead += roll(20 * S); /* our clock stood: the machine slept */
}

static inline void open_world(uint64_t seed)
{
	struct executor_settings s = desk_settings();
	memset(&w, 0, sizeof(w));
	rng_seed(&w.rng, seed);
	s.remote = true;
	s.stale_ns = 100000 * S;
	s.open_orders_max = 200;
	desk_open(&w.d, &s);
	desk_book(&w.d);
	w.ahead = 1800000000 * S + (roll(21) - 10) * 3600 * S;
	w.quote = CASH(1000000);
	w.base = CASH(100000);
	begin_life();
}

static inline void close_world(void)
{
	gateway_fini(&w.g);
	desk_close(&w.d);
}

/* Until nothing moves, over a network without faults. */
static inline void settle_down(void)
{
	w.calm = true;
	gateway_on_stream(&w.g, w.d.now, w.stream = true);
	desk_command(&w.d, verb_cancel, "", "the end", 0);
	for (int i = 0; i < 3000; i++)
		turn();
}

static inline void expect_one_truth(void)
{
	const struct executor *x = w.d.x;
	uint64_t ours = x->fills;
	assert_int_equal(executor_open_orders(x), 0);
	for (uint32_t i = 0; i < w.orders; i++) {
		assert_int_equal(w.order[i].placed, 1);
		assert_false(is_open(&w.order[i]));
	}
	assert_int_equal(ours, w.trades);
	assert_int_equal(account_find(&x->account, "USDT")->total, w.quote);
	assert_int_equal(account_find(&x->account, "ONE")->total, w.base);
	assert_int_equal(account_find(&x->account, "USDT")->locked, 0);
	assert_int_equal(executor_counters(x)->remote_quarantined, 0);
	assert_true(gateway_ready(&w.g));
	assert_string_equal(w.g.differs, "");
	assert_string_equal(w.g.trouble, "");
}

#endif
