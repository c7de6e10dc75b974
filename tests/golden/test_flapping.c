/* test_flapping - two hours of a network that comes and goes, on the market's clock: nothing invented, every gap told.
 *
 * A generated market is a venue; between it and the collector's core stands a network that is up for a while, then
 * loses everything for a while (which is noticed late), refuses connections, and loses requests. What got through and
 * what did not is known here. Twenty seeds, without a socket or a clock.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/rng.h"
#include "common/venue/book.h"
#include "tests/golden/rig.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"

#define MS 1000000LL
#define SECOND (1000 * MS)
#define START (1700000000 * SECOND)
#define CALM (60 * SECOND) /* before */
#define HOURS (7200 * SECOND)
#define AFTER (600 * SECOND) /* the last outage may reach into it */
#define SEEDS 20
#define TRADES_MAX 40000
#define GAPS_MAX 4000
#define LEVELS 100 /* of a snapshot, a side */
#define COMPARED 20 /* levels in the end */

struct told { /* one trade of the venue's */
	int64_t price, qty; /* at the symbol's scales */
	bool sent;          /* through the network */
	uint32_t emitted;   /* by the core */
};

struct outage {
	int64_t last_good, next_good; /* stamps of the last frame before and the first one behind */
};

struct world {
	struct rng rng;
	struct rig rig;
	/* the venue */
	struct recording rec;
	struct fold fold;
	struct line_feed *feed;
	struct told trade[TRADES_MAX];
	uint64_t first_trade, n_trades;
	/* the network */
	bool carries;    /* frames get through */
	bool connected;  /* as far as the core knows */
	int64_t change_at; /* of carries, or the moment at which the core learns of it */
	bool unnoticed;  /* it has failed, and the core does not know */
	bool blind;      /* no frame has got through since it failed */
	int64_t good_at; /* stamp of the newest frame that got through */
	uint32_t seen;   /* requests of the rig looked at */
	uint64_t asked;  /* a snapshot that is on its way; 0 none */
	int64_t answer_at;
	struct outage outage[GAPS_MAX];
	uint32_t n_outages;
	/* what the core said */
	struct ev_gap gap[GAPS_MAX];
	uint32_t n_gaps;
	uint32_t while_away; /* market events without a connection */
	uint32_t unknown;    /* trades that never were */
};

static int64_t between(struct world *w, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(&w->rng, (uint64_t)(high - low));
}

/* ---- what the core says ---- */

static void on_trade(struct world *w, const struct ev_trade *t)
{
	uint64_t i = t->trade_id - w->first_trade;

	if (t->trade_id < w->first_trade || i >= w->n_trades) {
		w->unknown++;
		return;
	}
	const struct rec_symbol *about = recording_symbol(&w->rec, TEXT("BTCUSDT"));
	struct told *told = &w->trade[i];
	told->emitted++;
	/* nobody has described the market to the core: its scales are wider */
	w->unknown += t->price != told->price * fixed_pow10(t->price_scale - about->price_scale) ||
		      t->qty != told->qty * fixed_pow10(t->qty_scale - about->qty_scale) || !told->sent;
}

static bool is_market(uint16_t id)
{
	return id == EVENT_trade || id == EVENT_book_snapshot || id == EVENT_book_delta || id == EVENT_top;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct world *w = ctx;

	w->while_away += is_market(ev->id) && !w->connected;
	if (ev->id == EVENT_trade)
		on_trade(w, &ev->trade);
	assert_int_not_equal(ev->id, EVENT_trade_backfill);
	if (ev->id == EVENT_gap) {
		assert_true(w->n_gaps < GAPS_MAX);
		w->gap[w->n_gaps++] = ev->gap;
	}
}

/* ---- the network ---- */

static void comes_back(struct world *w)
{
	if (rng_below(&w->rng, 3) == 0) { /* a connection that is refused */
		rig_change(&w->rig, w->change_at, feed_connecting);
		rig_change(&w->rig, w->change_at, feed_refused);
		w->change_at += between(w, SECOND, 20 * SECOND);
		return;
	}
	rig_change(&w->rig, w->change_at, feed_connecting);
	w->connected = true;
	rig_change(&w->rig, w->change_at, feed_live);
	w->carries = true;
	w->change_at += between(w, SECOND / 2, 90 * SECOND);
}

static void fails(struct world *w)
{
	if (!w->blind) { /* else not one frame has come since the last time */
		assert_true(w->n_outages < GAPS_MAX);
		w->outage[w->n_outages++] = (struct outage){.last_good = w->good_at};
	}
	w->blind = true;
	w->carries = false;
	w->unnoticed = true;
	w->asked = 0; /* lost with it */
	w->change_at += between(w, MS, 12 * SECOND);
}

static void is_noticed(struct world *w)
{
	w->unnoticed = false;
	rig_change(&w->rig, w->change_at, feed_lost);
	w->connected = false;
	w->change_at += between(w, 50 * MS, 120 * SECOND);
}

static void print_side(struct buf *out, const struct fold_symbol *s, enum fold_side_name side)
{
	for (uint32_t i = 0; i < s->book.side[side].n && i < LEVELS; i++) {
		const struct quote *q = fold_book_at(&s->book, side, i);
		buf_printf(out, "%s[\"", i > 0 ? "," : "");
		binance_tell_number(out, q->price, s->about->price_scale, BINANCE_DIGITS);
		buf_printf(out, "\",\"");
		binance_tell_number(out, q->qty, s->about->qty_scale, BINANCE_DIGITS);
		buf_printf(out, "\"]");
	}
}

/* The venue's book as it is at this moment. */
static void answer(struct world *w, int64_t now)
{
	const struct fold_symbol *s = fold_find(&w->fold, TEXT("BTCUSDT"));
	struct buf body;

	buf_init(&body, 1 << 20);
	buf_printf(&body, "{\"lastUpdateId\":%" PRIu64 ",\"bids\":[", s->book.last_id);
	print_side(&body, s, FOLD_BID);
	buf_printf(&body, "],\"asks\":[");
	print_side(&body, s, FOLD_ASK);
	buf_printf(&body, "]}");
	buf_byte(&body, 0);
	rig_reply_to(&w->rig, now, w->asked, 200, (const char *)body.at);
	w->asked = 0;
	buf_fini(&body);
}

/* Requests that find the network up are answered a little later, if it is still up; the others never are. */
static void take_requests(struct world *w, int64_t now)
{
	for (; w->seen < w->rig.n_requests; w->seen++) {
		const struct collector_request *r = &w->rig.request[w->seen % RIG_REQUESTS];
		if (r->ask != VENUE_ASK_SNAPSHOT || !w->carries || rng_below(&w->rng, 5) == 0)
			continue;
		w->asked = r->id;
		w->answer_at = now + between(w, 20 * MS, 400 * MS);
	}
	if (w->asked != 0 && now >= w->answer_at)
		answer(w, now);
}

/* Everything that is due before a line of the market. */
static void pass_time(struct world *w, int64_t now, int64_t end)
{
	while (w->change_at <= now) {
		int64_t at = w->change_at;
		take_requests(w, at);
		if (w->carries && at > end) { /* it has become reliable */
			w->change_at = INT64_MAX;
			return;
		}
		if (w->carries)
			fails(w);
		else if (w->unnoticed)
			is_noticed(w);
		else
			comes_back(w);
	}
	take_requests(w, now);
}

/* ---- the venue ---- */

static bool is_followed(struct text stream)
{
	return text_is(stream, "btcusdt@depth@100ms") || text_is(stream, "btcusdt@trade") ||
	       text_is(stream, "btcusdt@bookTicker");
}

static void keep_trade(struct world *w, bool sent)
{
	const struct fold_symbol *s = fold_find(&w->fold, TEXT("BTCUSDT"));
	const struct fold_trade *t = &s->trade[s->trade_at];

	if (w->n_trades == 0)
		w->first_trade = t->id;
	assert_int_equal(t->id, w->first_trade + w->n_trades);
	assert_true(w->n_trades < TRADES_MAX);
	w->trade[w->n_trades++] = (struct told){.price = t->price, .qty = t->qty, .sent = sent};
}

static void deliver(struct world *w, const struct feed_line *line)
{
	static char text[65536];

	if (!w->carries)
		return;
	assert_true(line->raw.len < sizeof(text));
	memcpy(text, line->raw.at, line->raw.len);
	text[line->raw.len] = '\0';
	w->good_at = line->stamp;
	if (w->blind)
		w->outage[w->n_outages - 1].next_good = line->stamp;
	w->blind = false;
	rig_frame(&w->rig, line->stamp, text);
}

static void on_line(struct world *w, const struct feed_line *line)
{
	fold_line(&w->fold, line);
	if (line->kind != FEED_FRAME || !is_followed(line->stream))
		return;
	pass_time(w, line->stamp, START + CALM + HOURS);
	if (text_is(line->stream, "btcusdt@trade"))
		keep_trade(w, w->carries);
	deliver(w, line);
}

/* ---- what must be true in the end ---- */

static void check_trades(const struct world *w)
{
	uint64_t sent = 0;

	assert_int_equal(w->unknown, 0);
	assert_int_equal(w->while_away, 0);
	for (uint64_t i = 0; i < w->n_trades; i++) {
		assert_int_equal(w->trade[i].emitted, w->trade[i].sent);
		sent += w->trade[i].sent;
	}
	assert_true(sent > 100 && sent < w->n_trades);
}

/* Holes of trades, one after another, are exactly the runs that were not sent. */
static void check_trade_gaps(const struct world *w)
{
	uint64_t i = 0, missing = 0;
	uint32_t at = 0;

	while (i < w->n_trades && !w->trade[i].sent)
		i++;
	for (; i < w->n_trades; i++) {
		uint64_t first = i;
		while (i < w->n_trades && !w->trade[i].sent)
			i++;
		if (i == first)
			continue;
		assert_true(i < w->n_trades); /* the end is calm */
		while (at < w->n_gaps && (strcmp(w->gap[at].stream, "trade") != 0 || w->gap[at].first_missing == 0))
			at++;
		assert_true(at < w->n_gaps);
		const struct ev_gap *g = &w->gap[at++];
		assert_int_equal(g->first_missing, w->first_trade + first);
		assert_int_equal(g->last_missing, w->first_trade + i - 1);
		assert_int_equal(g->missing, i - first);
		missing += g->missing;
	}
	for (; at < w->n_gaps; at++)
		assert_true(strcmp(w->gap[at].stream, "trade") != 0 || w->gap[at].first_missing == 0);
	assert_int_equal(rig_counters(&w->rig)->trades_missing, missing);
}

/* One for each outage of the connection, from the last frame before to the first one behind. */
static void check_outages(const struct world *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n_gaps; i++) {
		const struct ev_gap *g = &w->gap[i];
		if (strcmp(g->stream, "all") != 0)
			continue;
		assert_true(n < w->n_outages);
		assert_int_equal(g->from, w->outage[n].last_good);
		assert_int_equal(g->to, w->outage[n].next_good);
		assert_int_equal(g->cause, gap_cause_disconnect);
		n++;
	}
	assert_int_equal(n, w->n_outages);
	assert_true(n > 30);
}

static void check_book(const struct world *w)
{
	const struct fold_symbol *s = fold_find(&w->fold, TEXT("BTCUSDT"));
	enum book_state state;
	const struct book *b = collector_core_book(w->rig.core, "BTCUSDT", &state);

	assert_int_equal(state, book_state_trusted);
	assert_int_equal(b->last_id, s->book.last_id);
	for (int side = 0; side < 2; side++) {
		enum side of = side == 0 ? side_buy : side_sell;
		assert_true(book_depth(b, of) >= COMPARED);
		for (uint32_t i = 0; i < COMPARED; i++) {
			const struct quote *q = fold_book_at(&s->book, (enum fold_side_name)side, i);
			const struct level *l = book_level(b, of, i);
			assert_int_equal(l->price, q->price * fixed_pow10(VENUE_SCALE_DEFAULT - s->about->price_scale));
			assert_int_equal(l->qty, q->qty * fixed_pow10(VENUE_SCALE_DEFAULT - s->about->qty_scale));
		}
	}
}

/* ---- twenty times ---- */

static void begin(struct world *w, uint64_t seed, const struct feed_source *source)
{
	static const struct collector_market one[] = {{"BTCUSDT", 0, 7}};
	struct collector_core_settings s;
	char reason[200];

	memset(w, 0, sizeof(*w));
	rng_seed(&w->rng, seed);
	assert_int_equal(recording_scan(&w->rec, source, source->dialect, reason, sizeof(reason)), 0);
	assert_int_equal(fold_init(&w->fold, &w->rec, source->dialect), 0);
	assert_int_equal(feed_open(source, &w->feed, reason, sizeof(reason)), 0);
	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.klines_limit = 0;
	s.fill_max = 0;
	rig_open(&w->rig, &s);
	w->rig.on_event = on_event;
	w->rig.ctx = w;
	collector_core_start(w->rig.core, START - 1, &w->rig.sink);
	w->connected = w->carries = true;
	rig_change(&w->rig, START, feed_live);
	w->good_at = START;
	w->change_at = START + CALM;
}

static void end(struct world *w)
{
	rig_close(&w->rig);
	feed_close(w->feed);
	fold_fini(&w->fold);
	recording_fini(&w->rec);
}

static void test_flapping(void **state)
{
	static struct world w;
	struct feed_line line;
	uint64_t trades = 0, outages = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct market_options market = {.dialect = &dialect_binance_spot,
						.symbols = "BTCUSDT",
						.seed = seed,
						.start = START,
						.duration = CALM + HOURS + AFTER,
						.rate = 2};
		struct feed_source source = {.dialect = &dialect_binance_spot, .market = &market};
		begin(&w, seed, &source);
		while (feed_next(w.feed, &line) == 0)
			on_line(&w, &line);
		check_trades(&w);
		check_trade_gaps(&w);
		check_outages(&w);
		check_book(&w);
		trades += w.n_trades;
		outages += w.n_outages;
		end(&w);
	}
	printf("%d seeds, %" PRIu64 " trades, %" PRIu64 " outages: nothing invented, every gap as it was\n", SEEDS,
	       trades, outages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flapping)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
