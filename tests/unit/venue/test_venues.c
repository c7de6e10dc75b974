/* test_venues - what every venue file must keep: its meaning, its contract, its calm.
 *
 * Walks the registry. Each venue brings tests/unit/venue/samples/NAME.txt; from it come golden
 * checks, every truncation, mutations of every kind and hostile sizes, all at once.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/venue/venue.h"
#include "proto/grid.h"
#include "tests/unit/venue/spread.h"

#define MARKETS 6
#define LEVELS 5001
#define MUTATIONS 300

#define VENUE(name) extern const struct venue venue_##name;
#include "venue_registry.def"
#undef VENUE

static const struct {
	const char *file;
	const struct venue *venue;
} files[] = {
#define VENUE(name) {#name, &venue_##name},
#include "venue_registry.def"
#undef VENUE
};

/* ---- a venue under test ---- */

static struct venue_market market[MARKETS];
static uint32_t n_markets;
static struct level levels[2 * LEVELS];
static char said[1 << 16]; /* messages as text */
static uint32_t messages;
static char bases[MARKETS][EVENT_NAME_MAX]; /* of the last description of each */

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < n_markets; i++)
		if (strlen(market[i].raw) == len && memcmp(market[i].raw, raw, len) == 0)
			return &market[i];
	return NULL;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t len = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + len, sizeof(said) - len, format, args);
	va_end(args);
}

static void check_levels(const struct levels *l, bool relative)
{
	assert_true(l->n <= LEVELS);
	for (uint32_t i = 0; i < l->n; i++) {
		assert_true(l->at[i].price > 0);
		assert_true(relative || l->at[i].qty >= 0);
	}
}

static void say_levels(const char *name, const struct levels *l, bool relative)
{
	check_levels(l, relative);
	say(" %s", name);
	for (uint32_t i = 0; i < l->n; i++)
		say(" %" PRId64 "x%" PRId64, l->at[i].price, l->at[i].qty);
}

static void say_kline(const struct venue_kline *k)
{
	assert_true(k->low <= k->high && k->open_at < k->close_at);
	say(" %s %s %" PRId64 "..%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v %" PRId64 " q %" PRId64
	    " n %u",
	    k->interval[0] != 0 ? k->interval : "-", k->closed ? "closed" : "open", k->open_at, k->close_at, k->open,
	    k->high, k->low, k->close, k->volume, k->quote_volume, k->trades);
}

static void say_instrument(const struct ev_instrument *i)
{
	assert_true(i->price_scale <= 18 && i->qty_scale <= 18);
	say(" %s/%s scales %u %u %u tick %" PRId64 " %" PRId64 "..%" PRId64 " lot %" PRId64 " %" PRId64 "..%" PRId64
	    " market %" PRId64 " notional %" PRId64 "..%" PRId64 " %s",
	    i->base, i->quote, i->price_scale, i->qty_scale, i->cash_scale, i->tick_size, i->price_min, i->price_max,
	    i->lot_size, i->qty_min, i->qty_max, i->market_qty_max, i->notional_min, i->notional_max,
	    i->trading ? "trading" : "halted");
	if (i->tick_1 != 0)
		say(" steps %" PRId64, i->tick_1);
	const int64_t more[][2] = {{i->from_2, i->tick_2}, {i->from_3, i->tick_3}, {i->from_4, i->tick_4},
				   {i->from_5, i->tick_5}};
	for (size_t n = 0; n < ARRAY_LEN(more) && more[n][0] != 0; n++)
		say(" from %" PRId64 " %" PRId64, more[n][0], more[n][1]);
	if (i->band_by != 0)
		say(" buys %u..%u sells %u..%u of %u in %u min, %u %u", i->buy_below, i->buy_above, i->sell_below,
		    i->sell_above, i->band_by, i->band_minutes, i->buy_most, i->sell_least);
	if (i->market_lot_size != 0 || i->market_qty_min != 0)
		say(" at market lot %" PRId64 " %" PRId64 "..", i->market_lot_size, i->market_qty_min);
	if (i->orders_max != 0 || i->triggers_max != 0 || i->position_max != 0)
		say(" room %u %u %" PRId64, i->orders_max, i->triggers_max, i->position_max);
	if (i->trail_above_max != 0 || i->trail_below_max != 0)
		say(" trails %u..%u %u..%u", i->trail_above_min, i->trail_above_max, i->trail_below_min,
		    i->trail_below_max);
	assert_true(grid_sound(i));
}

static void say_listing(const struct venue_listing *l)
{
	assert_true(l->outcomes > 0 && l->outcomes <= VENUE_OUTCOMES_MAX);
	say("> listing %s %" PRId64 "..%" PRId64 " volume %" PRId64 " %s%s", l->group, l->begins, l->ends, l->volume,
	    l->open ? "open" : "closed", l->resolved ? " resolved" : "");
	for (uint32_t i = 0; i < l->outcomes; i++)
		say(" %s=%s:%" PRId64, l->outcome[i].raw, l->outcome[i].name, l->outcome[i].pays);
}

static void say_seal(const struct venue_seal *s)
{
	if (s->hash[0] != '\0')
		say(" hash %s", s->hash);
	if (s->group[0] != '\0')
		say(" of %s", s->group);
	if (s->tick[0] != '\0')
		say(" tick %s", s->tick);
	if (s->order_min[0] != '\0')
		say(" min %s", s->order_min);
	if (s->has_last)
		say(" last \"%s\"", s->last);
	if (s->neg_risk != 0)
		say(" %s", s->neg_risk == 2 ? "negative risk" : "plain");
}

static void on_message(void *ctx, const struct venue_message *m)
{
	static const char *const notice[] = {"accepted", "refused", "shutdown"};
	const char *raw = m->market != NULL ? m->market->raw : "-";
	(void)ctx;
	messages++;
	switch (m->kind) {
	case VENUE_DEPTH:
		say("> depth %s %" PRId64 " %" PRIu64 "..%" PRIu64, raw, m->time, m->depth.first_id, m->depth.last_id);
		if (m->depth.prev_id != 0)
			say(" after %" PRIu64, m->depth.prev_id);
		say_levels(m->depth.relative ? "bids by" : "bids", &m->depth.bids, m->depth.relative);
		say_levels(m->depth.relative ? "asks by" : "asks", &m->depth.asks, m->depth.relative);
		break;
	case VENUE_SNAPSHOT:
		say("> snapshot %s %" PRIu64, raw, m->snapshot.last_id);
		say_levels(m->snapshot.bids_cut ? "bids cut" : "bids", &m->snapshot.bids, false);
		say_levels(m->snapshot.asks_cut ? "asks cut" : "asks", &m->snapshot.asks, false);
		break;
	case VENUE_TRADE:
		assert_true(m->trade.price > 0 && m->trade.qty > 0 && m->trade.first_id <= m->trade.last_id);
		say("> trade %s %" PRId64 " at %" PRId64 " %" PRId64 "x%" PRId64 " %s %" PRIu64 "..%" PRIu64, raw,
		    m->time, m->trade.at, m->trade.price, m->trade.qty, m->trade.aggressor == side_buy ? "buy" : "sell",
		    m->trade.first_id, m->trade.last_id);
		if (m->trade.count_id != 0)
			say(" count %" PRIu64, m->trade.count_id);
		break;
	case VENUE_TOP:
		assert_true(m->top.bid >= 0 && m->top.bid_qty >= 0 && m->top.ask >= 0 && m->top.ask_qty >= 0);
		say("> top %s %" PRId64 " %" PRIu64 " bid %" PRId64 "x%" PRId64 " ask %" PRId64 "x%" PRId64, raw,
		    m->time, m->top.last_id, m->top.bid, m->top.bid_qty, m->top.ask, m->top.ask_qty);
		break;
	case VENUE_KLINE:
		say("> kline %s %" PRId64, raw, m->time);
		say_kline(&m->kline);
		break;
	case VENUE_TICKER:
		say("> ticker %s %" PRId64 " last %" PRId64 " open %" PRId64 " high %" PRId64 " low %" PRId64
		    " v %" PRId64 " q %" PRId64,
		    raw, m->time, m->ticker.last, m->ticker.open, m->ticker.high, m->ticker.low, m->ticker.volume,
		    m->ticker.quote_volume);
		if (m->ticker.said != (1u << VENUE_TICKER_VALUES) - 1)
			say(" said %#x", m->ticker.said);
		break;
	case VENUE_MARK:
		assert_true(m->mark.price >= 0 && m->mark.index >= 0 && m->mark.settle >= 0);
		say("> mark %s %" PRId64 " %" PRId64 " index %" PRId64 " settle %" PRId64 " funding %" PRId64
		    " at %" PRId64,
		    raw, m->time, m->mark.price, m->mark.index, m->mark.settle, m->mark.rate, m->mark.funding_at);
		if (m->mark.said != (1u << VENUE_MARK_VALUES) - 1)
			say(" said %#x", m->mark.said);
		break;
	case VENUE_LIQUIDATION:
		say("> liquidation %s %" PRId64 " %" PRId64 "x%" PRId64 " average %" PRId64 " %s", raw, m->time,
		    m->liquidation.price, m->liquidation.qty, m->liquidation.avg_price,
		    m->liquidation.side == side_buy ? "buy" : "sell");
		break;
	case VENUE_INSTRUMENT:
		say("> instrument %s", raw);
		say_instrument(m->instrument);
		event_set_name(bases[m->market - market], m->instrument->base);
		break;
	case VENUE_TICK_SIZE:
		assert_true(m->tick_size > 0);
		say("> tick %s %" PRId64 " %" PRId64, raw, m->time, m->tick_size);
		break;
	case VENUE_RESOLUTION:
		assert_true(m->resolution.price >= VENUE_UNTOLD && m->resolution.outcome != NULL);
		say("> resolution %s %" PRId64 " pays %" PRId64 " \"%s\"", raw, m->resolution.at, m->resolution.price,
		    m->resolution.outcome);
		break;
	case VENUE_LISTING:
		say_listing(m->listing);
		break;
	case VENUE_LIMIT:
		say("> limit %s %" PRIu64 " in %" PRId64, m->limit.weighted ? "weight" : "requests", m->limit.limit,
		    m->limit.window_ns);
		break;
	case VENUE_NOTICE:
		assert_non_null(m->notice.text);
		say("> notice %s %" PRId64 " \"%s\"%s", notice[m->notice.kind], m->notice.code, m->notice.text,
		    m->notice.answers ? " answers" : "");
		break;
	case VENUE_IGNORED:
		say("> ignored %s %" PRId64, raw, m->time);
		break;
	case VENUE_UNKNOWN:
		say("> unknown %s %" PRId64, raw, m->time);
		break;
	}
	if (m->seal != NULL)
		say_seal(m->seal);
	say("\n");
}

/* Decodes a copy that ends where its memory ends, so that a sanitizer sees a step too far. */
static int decode(const struct venue *v, struct venue_input in)
{
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = LEVELS};
	char *copy = malloc(in.len > 0 ? in.len : 1);

	assert_non_null(copy);
	memcpy(copy, in.text, in.len);
	in.text = copy;
	said[0] = 0;
	messages = 0;
	int rc = v->decode(&in, &out);
	free(copy);
	return rc;
}

/* ---- samples ---- */

struct sample {
	struct venue_input in;
	char *expected; /* lines; owned, as is in.text */
};

static struct sample sample[400];
static uint32_t n_samples;

static void add_line(char **text, const char *line)
{
	size_t had = *text != NULL ? strlen(*text) : 0, more = strlen(line);
	char *grown = realloc(*text, had + more + 2);

	assert_non_null(grown);
	memcpy(grown + had, line, more);
	memcpy(grown + had + more, "\n", 2);
	*text = grown;
}

static const struct venue_market *named(char **rest)
{
	char *name = *rest;
	size_t len = strcspn(name, " ");

	*rest = name + len + (name[len] == ' ');
	return find(NULL, name, len);
}

static void add_sample(const struct venue *v, char *line)
{
	char *rest = strchr(line, ' ');
	struct venue_input in = {0};
	(void)v;
	rest = rest != NULL ? rest + 1 : line + strlen(line);
	if (strncmp(line, "instruments", 11) == 0) {
		in.ask = VENUE_ASK_INSTRUMENTS;
	} else if (strncmp(line, "snapshot", 8) == 0) {
		in.ask = VENUE_ASK_SNAPSHOT;
		in.market = named(&rest);
		in.limit = (uint32_t)strtoul(rest, &rest, 10);
		rest++;
	} else if (strncmp(line, "listings", 8) == 0) {
		in.ask = VENUE_ASK_LISTINGS;
		in.limit = (uint32_t)strtoul(rest, &rest, 10);
		rest++;
	} else if (strncmp(line, "trades", 6) == 0) {
		in.ask = VENUE_ASK_TRADES;
		in.market = named(&rest);
	} else if (strncmp(line, "klines", 6) == 0) {
		in.ask = VENUE_ASK_KLINES;
		in.market = named(&rest);
		in.interval = "1m";
	} else {
		assert_int_equal(strncmp(line, "frame", 5), 0);
	}
	in.len = strlen(rest);
	in.text = strdup(rest);
	assert_true(n_samples < sizeof(sample) / sizeof(sample[0]));
	sample[n_samples++] = (struct sample){in, strdup("")};
}

static void add_market(const struct venue *v, char *line)
{
	char *rest = strchr(line, ' ') + 1;
	size_t len = strcspn(rest, " ");

	assert_true(n_markets < MARKETS);
	struct venue_market *m = &market[n_markets++];
	assert_int_equal(venue_market_init(v, rest, len, m), 0);
	m->price_scale = (uint8_t)strtoul(rest + len, &rest, 10);
	m->qty_scale = (uint8_t)strtoul(rest, NULL, 10);
}

static void load_samples(const struct venue *v, const char *file)
{
	static char line[1 << 16];
	char path[1024];
	const char *source = getenv("NJ_SOURCE");

	snprintf(path, sizeof(path), "%s/tests/unit/venue/samples/%s.txt", source != NULL ? source : ".", file);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		fail_msg("every venue has samples: %s is missing", path);
	n_markets = n_samples = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == 0 || line[0] == '#')
			continue;
		if (line[0] == '>' || line[0] == '!')
			add_line(&sample[n_samples - 1].expected, line);
		else if (strncmp(line, "market ", 7) == 0)
			add_market(v, line);
		else
			add_sample(v, line);
	}
	fclose(f);
	assert_true(n_markets > 0 && n_samples > 0);
}

static void free_samples(void)
{
	for (uint32_t i = 0; i < n_samples; i++) {
		free((void *)(uintptr_t)sample[i].in.text);
		free(sample[i].expected);
	}
	n_samples = 0;
}

/* The quick ways of reading what is written as usual say what the reader proper says. */
static void same_when_spread(const struct venue *v, struct venue_input in, int rc)
{
	static char wide[3 << 17], before[sizeof(said)];

	memcpy(before, said, sizeof(said));
	const char *text = in.text;
	size_t len = in.len;
	in.len = spread(text, len, wide);
	in.text = wide;
	int again = decode(v, in);
	if (again != rc || (rc == 0 && strcmp(before, said) != 0))
		fail_msg("%.*s\n%s: %s\nspread %s: %s", (int)len, text, err_name(rc), before, err_name(again), said);
}

/* ---- tests, each over all venues ---- */

static void test_samples(const struct venue *v)
{
	for (uint32_t i = 0; i < n_samples; i++) {
		int rc = decode(v, sample[i].in);
		if (rc < 0) {
			assert_int_equal(messages, 0); /* no partial effect */
			say("! %s\n", err_name(rc));
		}
		if (strcmp(said, sample[i].expected) != 0)
			print_message("%s\n", sample[i].in.text);
		assert_string_equal(said, sample[i].expected);
		same_when_spread(v, sample[i].in, rc);
	}
}

static void test_truncations(const struct venue *v)
{
	for (uint32_t i = 0; i < n_samples; i++) {
		if (strncmp(sample[i].expected, "!", 1) == 0)
			continue;
		struct venue_input in = sample[i].in;
		for (in.len = 1; in.len < sample[i].in.len; in.len++) {
			assert_true(decode(v, in) < 0);
			assert_int_equal(messages, 0);
		}
		in.len = 0; /* some venues send empty texts, that say nothing */
		bool is_fine = decode(v, in) == 0 && in.ask == VENUE_ASK_NOTHING;
		assert_int_equal(messages, is_fine);
		assert_int_equal(strncmp(said, "> ignored -", is_fine ? 11 : 0), 0);
	}
}

static void mutate(struct rng *r, char *text, size_t *len, size_t cap)
{
	static const char *const bits[] = {
		"-",    "e400", "[",       "]",  "{", "\"",   ",",  "0",   "99999999999999999999",
		"null", "\xff", "\\u0000", "\\", ".", "1e-9", ":{", "\x01"};
	size_t at = rng_below(r, *len);

	switch (rng_below(r, 4)) {
	case 0:
		text[at] = (char)rng_below(r, 256);
		break;
	case 1:
		memmove(text + at, text + at + 1, --*len - at);
		break;
	case 2: {
		size_t n = 1 + rng_below(r, 20), from = rng_below(r, *len);
		for (size_t i = 0; i < n && at + i < *len && from + i < *len; i++)
			text[at + i] = text[from + i];
		break;
	}
	default: {
		const char *bit = bits[rng_below(r, sizeof(bits) / sizeof(bits[0]))];
		size_t n = strlen(bit);
		if (*len + n > cap)
			return;
		memmove(text + at + n, text + at, *len - at);
		memcpy(text + at, bit, n);
		*len += n;
	}
	}
}

static void test_mutations(const struct venue *v)
{
	static char text[1 << 17];
	struct rng r;

	rng_seed(&r, 7);
	for (uint32_t i = 0; i < n_samples; i++) {
		for (int k = 0; k < MUTATIONS && sample[i].in.len > 4; k++) {
			struct venue_input in = sample[i].in;
			memcpy(text, in.text, in.len);
			for (uint64_t n = 1 + rng_below(&r, 3); n > 0 && in.len > 1; n--)
				mutate(&r, text, &in.len, sizeof(text));
			in.text = text;
			int rc = decode(v, in);
			if (rc < 0 && in.ask != VENUE_ASK_INSTRUMENTS && in.ask != VENUE_ASK_LISTINGS)
				assert_int_equal(messages, 0);
			same_when_spread(v, in, rc);
		}
	}
}

/* Replaces the text of `ask` kinds by monsters: none may be read as anything. */
static void test_monsters(const struct venue *v)
{
	size_t size = (size_t)8 << 20;
	char *text = malloc(size);

	assert_non_null(text);
	const char *const rows[] = {"[", "{\"b\":", "[\"1\",\"1\"],", "{\"a\":[[", "\"", "9"};
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		size_t step = strlen(rows[k]);
		for (size_t at = 0; at + step <= size; at += step)
			memcpy(text + at, rows[k], step);
		for (int ask = VENUE_ASK_NOTHING; ask <= VENUE_ASK_LISTINGS; ask++) {
			struct venue_input in = {text, size / step * step, (enum venue_ask)ask, &market[0], 5000, "1m"};
			assert_true(decode(v, in) < 0);
			assert_int_equal(messages, 0);
		}
	}
	free(text);
}

static bool is_url_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->at[i] <= ' ' || b->at[i] >= 127 || strchr("\"<>\\^`{|}", b->at[i]) != NULL)
			return false;
	return b->len > 0 && b->at[0] == '/';
}

static void check_hosts(const char *const *hosts, const char *scheme)
{
	assert_non_null(hosts[0]);
	for (; *hosts != NULL; hosts++) {
		assert_int_equal(strncmp(*hosts, scheme, strlen(scheme)), 0);
		assert_null(strchr(*hosts + strlen(scheme), '/'));
	}
}

static void test_contract(const struct venue *v)
{
	struct symbol s;
	assert_int_equal(symbol_make("X", 1, v->name, &s), 0);
	char key[64];
	snprintf(key, sizeof(key), "%s%s", v->name, v->suffix);
	assert_ptr_equal(venue_find(key, strlen(key)), v);
	assert_true(strlen(v->doc) > 10 && v->suffix != NULL);
	check_hosts(v->stream_hosts, "wss://");
	check_hosts(v->rest_hosts, "https://");
	if (v->catalog_hosts != NULL)
		check_hosts(v->catalog_hosts, "https://");
	assert_true(v->streams != 0 && v->streams_max > 0 && v->messages_per_s > 0);
	assert_true(v->silence_ns > 0 && v->pong_ns > 0);
	assert_true(v->life_ns > 0 ? v->mergeable : v->life_ns == 0);
	assert_true(v->attempts_max > 0 && v->attempts_ns > 0);
	assert_true((v->ping_text == NULL) == (v->ping_ns == 0));
	assert_true(v->decode != NULL && v->link != NULL && v->request != NULL);
}

static void test_texts(const struct venue *v)
{
	const struct venue_market *all[] = {&market[0], &market[0]};
	const uint32_t whole[] = {v->streams, 0};
	const uint32_t *group = v->groups != NULL ? v->groups : whole;
	uint32_t sum = 0;
	struct buf out;
	int rc = 0;

	buf_init(&out, 1 << 20);
	for (; *group != 0; group++) {
		struct venue_feed feed = {.markets = all, .n = 1, .streams = *group & ~(uint32_t)VENUE_KLINE_STREAM};
		assert_int_equal(sum & *group, 0);
		sum |= *group;
		buf_clear(&out);
		assert_int_equal(v->stream_path(&feed, &out), 0);
		assert_true(is_url_text(&out));
		rc = 0;
		for (uint32_t nth = 0; rc == 0 && nth < 1000; nth++) {
			buf_clear(&out);
			rc = v->stream_text(&feed, nth, &out);
		}
		assert_int_equal(rc, ERR_NOT_FOUND);
	}
	assert_int_equal(sum, v->streams);
	struct venue_filter filter = {.tag = "21", .volume_min = 1500000000, .ends_from = 1, .ends = INT64_MAX};
	for (int ask = VENUE_ASK_INSTRUMENTS; ask <= VENUE_ASK_LISTINGS; ask++) {
		if ((ask == VENUE_ASK_KLINES && v->kline_intervals == NULL) ||
		    (ask == VENUE_ASK_TRADES && v->trades_max == 0 && v->recall_max == 0) ||
		    (ask == VENUE_ASK_LISTINGS && !v->has_listings))
			continue;
		const char *interval = v->kline_intervals != NULL ? v->kline_intervals[0] : NULL;
		struct venue_request r = {.ask = (enum venue_ask)ask,
					  .markets = all,
					  .n = 1,
					  .limit = 100,
					  .from = v->klines_sparse ? 1784851200000000000 : 0,
					  .to = v->klines_sparse ? 1784854799999999999 : 0,
					  .interval = interval,
					  .filter = &filter};
		uint32_t weight = 0;
		buf_clear(&out);
		rc = v->request(&r, &out, &weight);
		if (ask == VENUE_ASK_SNAPSHOT && v->snapshot_in_stream)
			continue;
		assert_int_equal(rc, 0);
		assert_true(is_url_text(&out) && weight > 0);
	}
	buf_fini(&out);
}

/* A book at 100: what is below it is old, what follows is next, what leaves a hole is a gap. */
static void test_link(const struct venue *v)
{
	struct venue_depth next = {.first_id = 101, .last_id = 105, .prev_id = 100};
	struct venue_depth old = {.first_id = 90, .last_id = 95, .prev_id = 89};
	struct venue_depth far = {.first_id = 200, .last_id = 210, .prev_id = 199};

	assert_int_equal(v->link(100, false, &next), VENUE_LINK_NEXT);
	assert_int_equal(v->link(100, false, &old), VENUE_LINK_OLD);
	bool elsewhere = v->gaps_by_feed || v->seal_text != NULL; /* is where a lost update shows */
	enum venue_link leap = elsewhere ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
	assert_int_equal(v->link(100, false, &far), leap);
	assert_int_equal(v->link(100, true, &old), VENUE_LINK_OLD);
	assert_int_equal(v->link(100, true, &far), leap);
}

/* What is held is pooled by its base: two contracts of one name would be sold as one another. */
static void test_bases(const struct venue *v)
{
	uint32_t known = 0;

	if (!v->prices_bounded)
		return;
	memset(bases, 0, sizeof(bases));
	for (uint32_t i = 0; i < n_samples; i++)
		if (sample[i].in.ask == VENUE_ASK_INSTRUMENTS)
			(void)decode(v, sample[i].in);
	for (uint32_t i = 0; i < n_markets; i++) {
		known += bases[i][0] != '\0';
		for (uint32_t k = 0; k < i; k++)
			if (bases[i][0] != '\0' && strcmp(bases[i], bases[k]) == 0)
				fail_msg("%s: %s and %s are both %s", v->name, market[i].raw, market[k].raw, bases[i]);
	}
	assert_true(known >= 2); /* the samples describe what there is to compare */
}

static void each(void (*test)(const struct venue *))
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		load_samples(files[i].venue, files[i].file);
		test(files[i].venue);
		free_samples();
	}
}

#define EACH(name)                                                                                                     \
	static void each_##name(void **state)                                                                          \
	{                                                                                                              \
		(void)state;                                                                                           \
		each(test_##name);                                                                                     \
	}
EACH(samples)
EACH(bases)
EACH(truncations)
EACH(mutations)
EACH(monsters)
EACH(contract)
EACH(texts)
EACH(link)

/* Over all venues, no two instruments share an id: neither a market at two venues, nor two outcomes of one. */
static void test_ids(void **state)
{
	static struct symbol ids[ARRAY_LEN(files) * MARKETS];
	uint32_t n = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		load_samples(files[i].venue, files[i].file);
		for (uint32_t m = 0; m < n_markets; m++)
			ids[n++] = market[m].symbol;
		free_samples();
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = i + 1; k < n; k++)
			assert_false(symbol_equal(&ids[i], &ids[k]));
}

static void test_registry(void **state)
{
	(void)state;
	uint32_t n = 0;

	while (venue_at(n) != NULL)
		n++;
	assert_int_equal(n, sizeof(files) / sizeof(files[0]));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = i + 1; k < n; k++) /* no two markets can share an id */
			if (strcmp(venue_at(i)->name, venue_at(k)->name) == 0 &&
			    strcmp(venue_at(i)->suffix, venue_at(k)->suffix) == 0)
				fail_msg("two venues are called %s%s", venue_at(i)->name, venue_at(i)->suffix);
	assert_null(venue_find("NOWHERE", 7));
	assert_null(venue_find("", 0));
	struct venue_market m;
	const struct venue *v = venue_at(0);
	assert_int_equal(venue_market_init(v, "../x", 4, &m), ERR_SYNTAX);
	assert_int_equal(venue_market_init(v, "", 0, &m), ERR_SYNTAX);
	char longest[SYMBOL_RAW_MAX + 2];
	memset(longest, 'A', sizeof(longest));
	assert_int_equal(venue_market_init(v, longest, SYMBOL_RAW_MAX + 1, &m), ERR_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),    cmocka_unit_test(test_ids),       cmocka_unit_test(each_samples),
		cmocka_unit_test(each_truncations), cmocka_unit_test(each_mutations), cmocka_unit_test(each_monsters),
		cmocka_unit_test(each_contract),    cmocka_unit_test(each_texts),     cmocka_unit_test(each_link),
		cmocka_unit_test(each_bases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
