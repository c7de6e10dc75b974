/* test_polymarket_captures - a recorded session through the collector core, and a day's markets held against an oracle.
 *
 * The session's hashes are the witness: each is of the whole book. Frames have no receive time; the venue's stands in.
 */
#include "tests/golden/capture.h"
#include "tests/golden/rig.h"

#include "common/base/check.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "common/io/digest.h"
#include "common/venue/book.h"

#define SESSION "polymarket/polymarket_ws.jsonl"
#define MARKETS "polymarket/BTC-5m-markets-2026-07-24.jsonl.gz"
#define ORACLE "polymarket/BTCUSD-prices-2026-07-24.csv.gz"
#define SECOND 1000000000LL
#define LATENCY 50000000LL
#define FRAMES_MAX 200000
#define LEVELS 5000
#define LASTS_MAX 64

static const struct venue *polymarket(void)
{
	return venue_find("POLYMARKET", 10);
}

/* ---- reading JSON ---- */

static struct json_str member(struct json_str object, const char *name)
{
	struct json_str key, found = {"", 0, false};
	struct json j;

	json_init(&j, object.at, object.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		enum json_kind kind = json_peek(&j);
		if (!json_str_is(key, name))
			json_skip(&j);
		else if (kind == JSON_STRING || kind == JSON_NUMBER)
			json_scalar_text(&j, &found);
		else
			json_raw(&j, &found);
	}
	assert_int_equal(json_finish(&j), 0);
	return found;
}

static void each(struct json_str array, void (*on_item)(void *ctx, struct json_str item), void *ctx)
{
	struct json_str item;
	struct json j;

	json_init(&j, array.at, array.len);
	json_array(&j);
	while (json_item(&j) && json_raw(&j, &item))
		on_item(ctx, item);
	assert_int_equal(json_finish(&j), 0);
}

/* Events of a frame: one, or those of an array, or none. */
static void each_event(const char *line, void (*on_event)(void *ctx, struct json_str event), void *ctx)
{
	struct json_str text = {line, strlen(line), false};

	if (line[0] == '[')
		each(text, on_event, ctx);
	else if (line[0] != '\0')
		on_event(ctx, text);
}

/* ---- the session ---- */

static char *frames[FRAMES_MAX];
static uint32_t n_frames;

static struct session {
	struct rig rig;
	char raw[2][SYMBOL_RAW_MAX + 1];
	struct collector_market markets[2];
	uint32_t n;
	char lasts[LASTS_MAX][24]; /* every last price of the session */
	uint32_t n_lasts;
	struct venue_seal known;
	int64_t now;
	uint32_t books, later_books, later_equal, changes, tops_equal, books_met, changes_met, untrusted;
	bool first_books;
} session;

static void add_last(struct json_str text)
{
	if (text.len > 0 && text.len < sizeof(session.lasts[0]) && session.n_lasts < LASTS_MAX)
		memcpy(session.lasts[session.n_lasts++], text.at, text.len);
}

/* First walk: which tokens there are, and which prices were last. */
static void look(void *ctx, struct json_str event)
{
	struct json_str type = member(event, "event_type"), asset = member(event, "asset_id");
	(void)ctx;
	if (json_str_is(type, "last_trade_price"))
		add_last(member(event, "price"));
	if (!json_str_is(type, "book"))
		return;
	add_last(member(event, "last_trade_price"));
	for (uint32_t i = 0; i < session.n; i++)
		if (json_str_is(asset, session.raw[i]))
			return;
	assert_true(session.n < 2 && asset.len <= SYMBOL_RAW_MAX);
	memcpy(session.raw[session.n++], asset.at, asset.len);
}

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	session.untrusted += ev->id == EVENT_book_state && ev->book_state.state == book_state_untrusted;
}

static bool open_session(struct capture *c)
{
	struct collector_core_settings set;
	char *line = NULL;

	memset(&session, 0, sizeof(session));
	n_frames = 0;
	if (capture_open(SESSION, c) != 0)
		return false;
	for (line = c->text; *line != '\0' && n_frames < FRAMES_MAX; n_frames++) { /* empty lines are empty frames */
		size_t len = strcspn(line, "\n");
		frames[n_frames] = line;
		line += len + (line[len] == '\n');
		frames[n_frames][len] = '\0';
	}
	for (uint32_t i = 0; i < n_frames; i++)
		each_event(frames[i], look, NULL);
	assert_int_equal(session.n, 2);
	for (uint32_t i = 0; i < session.n; i++)
		session.markets[i] = (struct collector_market){session.raw[i], 0, 7};
	collector_core_defaults(&set, polymarket());
	set.markets = session.markets;
	set.n_markets = session.n;
	set.origin = origin_replay;
	set.stale_ns = 3600 * SECOND;
	set.silence_ns = 3600 * SECOND;
	rig_open(&session.rig, &set);
	session.rig.on_event = watch;
	return true;
}

static void set_now(void *ctx, struct json_str event)
{
	int64_t ms = strtoll(member(event, "timestamp").at, NULL, 10), at = ms * 1000000 + LATENCY;
	(void)ctx;
	session.now = at > session.now ? at : session.now;
}

static const struct book *book_of(struct json_str asset)
{
	char raw[SYMBOL_RAW_MAX + 1] = "";
	enum book_state state;

	memcpy(raw, asset.at, asset.len);
	return collector_core_book(session.rig.core, raw, &state);
}

/* Does our book's hash come out, with any of the session's last prices? */
static bool is_met(struct json_str market, struct json_str asset, struct json_str at, struct json_str hash)
{
	struct venue_market m;
	struct venue_seal known = {.tick = "0.01", .has_last = true};
	struct venue_sealed of = {&m, book_of(asset), strtoll(at.at, NULL, 10) * 1000000};
	char sum[DIGEST_SHA1_HEX];
	struct buf text;
	bool met = false;

	assert_int_equal(venue_market_init(polymarket(), asset.at, asset.len, &m), 0);
	memcpy(known.group, market.at, market.len);
	buf_init(&text, 1 << 20);
	for (uint32_t i = 0; i < session.n_lasts && !met; i++) {
		memcpy(known.last, session.lasts[i], sizeof(known.last));
		buf_clear(&text);
		assert_int_equal(polymarket()->seal_text(&known, &of, &text), 0);
		assert_int_equal(digest_sha1(text.at, text.len, sum), 0);
		met = json_str_is(hash, sum);
	}
	buf_fini(&text);
	return met;
}

struct of_event {
	struct json_str market, at;
};

static int64_t decimal(struct json_str text)
{
	int64_t value;

	assert_int_equal(fixed_parse(text.at, text.len, VENUE_SCALE_DEFAULT, &value), 0);
	return value;
}

static void check_change(void *ctx, struct json_str change)
{
	const struct of_event *e = ctx;
	struct json_str asset = member(change, "asset_id");
	const struct book *b = book_of(asset);
	int64_t one = fixed_pow10(VENUE_SCALE_DEFAULT);
	int64_t bid = book_depth(b, side_buy) > 0 ? book_level(b, side_buy, 0)->price : 0;
	int64_t ask = book_depth(b, side_sell) > 0 ? book_level(b, side_sell, 0)->price : one;

	session.changes++;
	session.tops_equal += bid == decimal(member(change, "best_bid")) && ask == decimal(member(change, "best_ask"));
	session.changes_met += is_met(e->market, asset, e->at, member(change, "hash"));
}

static void check_after(void *ctx, struct json_str event)
{
	struct of_event e = {member(event, "market"), member(event, "timestamp")};
	struct json_str type = member(event, "event_type");
	(void)ctx;
	if (json_str_is(type, "price_change"))
		each(member(event, "price_changes"), check_change, &e);
	if (!json_str_is(type, "book"))
		return;
	session.books++;
	session.books_met += is_met(e.market, member(event, "asset_id"), e.at, member(event, "hash"));
}

struct side_of_frame {
	const struct book *book;
	enum side side;
	uint32_t n, equal;
};

static void compare_level(void *ctx, struct json_str level)
{
	struct side_of_frame *s = ctx;

	s->n++;
	s->equal += book_qty_at(s->book, s->side, decimal(member(level, "price"))) == decimal(member(level, "size"));
}

static bool is_same_side(const struct book *b, enum side side, struct json_str levels)
{
	struct side_of_frame s = {b, side, 0, 0};

	each(levels, compare_level, &s);
	return s.n == s.equal && s.n == book_depth(b, side);
}

/* A later book frame, before it is taken in: it must be the book that changes have built. */
static void check_before(void *ctx, struct json_str event)
{
	(void)ctx;
	if (!json_str_is(member(event, "event_type"), "book"))
		return;
	const struct book *b = book_of(member(event, "asset_id"));
	if (book_depth(b, side_buy) + book_depth(b, side_sell) == 0)
		return;
	session.later_books++;
	session.later_equal +=
		is_same_side(b, side_buy, member(event, "bids")) && is_same_side(b, side_sell, member(event, "asks"));
}

static void feed(uint32_t i)
{
	each_event(frames[i], set_now, NULL);
	if (session.now == 0)
		return;
	rig_frame(&session.rig, session.now, frames[i]);
}

static void start_session(void)
{
	each_event(frames[0], set_now, NULL);
	rig_change(&session.rig, session.now - 1, feed_live);
}

static void test_session(void **state)
{
	struct capture c = {0};
	(void)state;
	if (!open_session(&c))
		skip();
	start_session();
	for (uint32_t i = 0; i < n_frames; i++) {
		each_event(frames[i], check_before, NULL);
		feed(i);
		each_event(frames[i], check_after, NULL);
	}
	rig_timers(&session.rig, session.now + SECOND);
	const struct collector_counters *n = rig_counters(&session.rig);
	printf("Polymarket: books met %u of %u, changes met %u of %u, touch equal %u, later books equal %u of %u\n",
	       session.books_met, session.books, session.changes_met, session.changes, session.tops_equal,
	       session.later_equal, session.later_books);
	assert_int_equal(session.books, 6);
	assert_int_equal(session.books_met, 6);
	assert_int_equal(session.changes, 114);
	assert_int_equal(session.changes_met, 112); /* the others are followed by a frame of the same time */
	assert_int_equal(session.tops_equal, 114);
	assert_int_equal(session.later_books, 4);
	assert_int_equal(session.later_equal, 4);
	assert_int_equal(n->frames, n_frames);
	assert_int_equal(n->malformed + n->unknown + n->outliers, 0);
	assert_int_equal(n->ignored, 1); /* the empty one */
	assert_int_equal(n->seals_met, 118);
	assert_int_equal(n->seals_doubted, 2);
	assert_int_equal(n->seals_broken + n->seals_unchecked + n->resyncs, 0);
	assert_int_equal(session.untrusted, 0);
	assert_int_equal(n->trades, 2);
	for (uint32_t i = 0; i < session.n; i++) {
		enum book_state book;
		assert_non_null(collector_core_book(session.rig.core, session.raw[i], &book));
		assert_int_equal(book, book_state_trusted);
	}
	rig_close(&session.rig);
	capture_close(&c);
}

/* ---- one frame is lost ---- */

/* What a market's book holds, as a number. */
static uint64_t print_of(const struct book *b)
{
	uint64_t sum = 14695981039346656037u;

	for (int side = side_buy; side <= side_sell; side++)
		for (uint32_t i = 0; i < book_depth(b, (enum side)side); i++) {
			const struct level *l = book_level(b, (enum side)side, i);
			sum = (sum ^ (uint64_t)l->price) * 1099511628211u;
			sum = (sum ^ (uint64_t)l->qty) * 1099511628211u;
		}
	return sum;
}

static uint64_t truth[2][1000];

static int64_t judged_at[2]; /* of each market: when the first hash behind the loss came; 0: none yet */

static void note_hash(void *ctx, struct json_str part)
{
	struct json_str asset = member(part, "asset_id");
	(void)ctx;
	for (uint32_t m = 0; m < session.n; m++)
		if (judged_at[m] == 0 && json_str_is(asset, session.raw[m]) && member(part, "hash").len > 0)
			judged_at[m] = session.now;
}

static void note_hashes(void *ctx, struct json_str event)
{
	if (json_str_is(member(event, "event_type"), "price_change"))
		each(member(event, "price_changes"), note_hash, ctx);
	else
		note_hash(ctx, event);
}

/* Of how many frames behind the hash that shows the loss a wrong book is still called trusted. */
static uint32_t run_without(uint32_t lost)
{
	struct capture c = {0};
	uint32_t wrong = 0;

	assert_true(open_session(&c));
	start_session();
	memset(judged_at, 0, sizeof(judged_at));
	for (uint32_t i = 0; i < n_frames; i++) {
		if (i != lost)
			feed(i);
		if (i > lost)
			each_event(frames[i], note_hashes, NULL);
		for (uint32_t m = 0; m < session.n; m++) {
			enum book_state state;
			const struct book *b = collector_core_book(session.rig.core, session.raw[m], &state);
			if (lost == UINT32_MAX)
				truth[m][i] = print_of(b);
			else if (judged_at[m] != 0 && session.now > judged_at[m])
				wrong += state == book_state_trusted && print_of(b) != truth[m][i];
		}
	}
	rig_close(&session.rig);
	capture_close(&c);
	return wrong;
}

/* Whichever change is lost: the next hash shows it, and once its time is over the book is not called trusted. */
static void test_losses(void **state)
{
	uint32_t tried = 0, untrusted = 0;
	struct capture c = {0};
	(void)state;
	if (capture_open(SESSION, &c) != 0)
		skip();
	capture_close(&c);
	assert_int_equal(run_without(UINT32_MAX), 0);
	uint32_t n = n_frames;
	assert_true(n <= ARRAY_LEN(truth[0]));
	for (uint32_t lost = 1; lost + 2 < n; lost++) {
		if (truth[0][lost] == truth[0][lost - 1])
			continue; /* no book is changed by it */
		assert_int_equal(run_without(lost), 0);
		tried++;
		untrusted += session.untrusted > 0;
	}
	printf("Polymarket: after %u of %u lost frames a book was untrusted, after the rest whole again at once\n",
	       untrusted, tried);
	assert_true(tried > 20 && untrusted > 10);
}

/* ---- markets and the oracle ---- */

struct tick {
	int64_t ms;
	fixed_wide value; /* at 18 decimals */
};

static fixed_wide wide_of(const char *digits)
{
	fixed_wide value = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		value = value * 10 + (*digits - '0');
	return value;
}

static int by_time(const void *a, const void *b)
{
	const struct tick *p = a, *q = b;
	return p->ms < q->ms ? -1 : p->ms > q->ms;
}

static struct tick *read_oracle(size_t *ret_n)
{
	struct capture c = {0};
	size_t n = 0, cap = 1 << 18;
	char *line;
	struct tick *ticks = calloc(cap, sizeof(*ticks));

	assert_non_null(ticks);
	assert_int_equal(capture_open(ORACLE, &c), 0);
	assert_non_null(capture_line(&c)); /* the heading */
	while (n < cap && (line = capture_line(&c)) != NULL) {
		ticks[n].ms = strtoll(line, NULL, 10);
		ticks[n++].value = wide_of(strchr(strchr(line, ',') + 1, ',') + 1);
	}
	capture_close(&c);
	qsort(ticks, n, sizeof(*ticks), by_time);
	*ret_n = n;
	return ticks;
}

static const struct tick *tick_at(const struct tick *ticks, size_t n, int64_t ns)
{
	struct tick key = {.ms = ns / 1000000};

	return bsearch(&key, ticks, n, sizeof(*ticks), by_time);
}

static struct venue_listing listing;
static struct venue_market tokens[2];
static int64_t pays[2];
static uint32_t n_listings, n_instruments, n_resolutions;

static const struct venue_market *find_token(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < listing.outcomes; i++)
		if (strlen(tokens[i].raw) == len && memcmp(tokens[i].raw, raw, len) == 0)
			return &tokens[i];
	return NULL;
}

static void on_catalog(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	if (m->kind == VENUE_LISTING) {
		listing = *m->listing;
		n_listings++;
	}
	n_instruments += m->kind == VENUE_INSTRUMENT;
	if (m->kind != VENUE_RESOLUTION)
		return;
	pays[m->market - tokens] = m->resolution.price;
	n_resolutions++;
}

/* Gamma's object as a page of one market, and as the description of its two tokens. */
static void decode_market(struct json_str raw)
{
	static char text[1 << 16];
	static struct level levels[2 * LEVELS];
	int len = snprintf(text, sizeof(text), "[%.*s]", (int)raw.len, raw.at);
	struct venue_input in = {.text = text, .len = (size_t)len, .ask = VENUE_ASK_LISTINGS, .limit = 1};
	struct venue_output out = {.find = find_token, .message = on_catalog, .levels = levels, .levels_max = LEVELS};

	listing.outcomes = 0;
	assert_int_equal(polymarket()->decode(&in, &out), 0);
	for (uint32_t i = 0; i < listing.outcomes; i++)
		assert_int_equal(venue_market_init(polymarket(), listing.outcome[i].raw, strlen(listing.outcome[i].raw),
						   &tokens[i]),
				 0);
	in.ask = VENUE_ASK_INSTRUMENTS;
	assert_int_equal(polymarket()->decode(&in, &out), 0);
}

static int by_symbol(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct symbol));
}

static void test_outcomes(void **state)
{
	static struct symbol ids[2 * 4096];
	struct capture c = {0};
	uint32_t markets = 0, n_ids = 0, evaluable = 0, right = 0, strikes = 0;
	size_t n;
	char *line;
	(void)state;
	if (capture_open(MARKETS, &c) != 0)
		skip();
	struct tick *ticks = read_oracle(&n);
	while ((line = capture_line(&c)) != NULL && markets < 4096) {
		struct json_str row = {line, strlen(line), false}, strike = member(row, "strike_value");
		decode_market(member(row, "raw"));
		markets++;
		assert_int_equal(listing.outcomes, 2);
		assert_string_equal(listing.outcome[0].name, "Up");
		assert_int_equal(listing.begins, strtoll(member(row, "start_sec").at, NULL, 10) * SECOND);
		assert_int_equal(listing.ends, strtoll(member(row, "end_sec").at, NULL, 10) * SECOND);
		ids[n_ids++] = tokens[0].symbol;
		ids[n_ids++] = tokens[1].symbol;
		const struct tick *from = tick_at(ticks, n, listing.begins), *to = tick_at(ticks, n, listing.ends);
		if (!listing.resolved || from == NULL || to == NULL)
			continue;
		evaluable++;
		bool up = to->value >= from->value;
		right += listing.outcome[up ? 0 : 1].pays == fixed_pow10(VENUE_CASH_SCALE) &&
			 listing.outcome[up ? 1 : 0].pays == 0 &&
			 pays[up ? 0 : 1] == fixed_pow10(tokens[0].price_scale) && pays[up ? 1 : 0] == 0;
		strikes += strike.len > 0 && wide_of(strike.at) == from->value;
	}
	printf("Polymarket: outcomes right %u of %u, strikes equal to the oracle %u, of %u markets\n", right, evaluable,
	       strikes, markets);
	assert_int_equal(markets, 292);
	assert_int_equal(n_listings, 292);
	assert_int_equal(n_instruments, 2 * 292);
	assert_int_equal(n_resolutions, 2 * 292);
	assert_int_equal(evaluable, 256);
	assert_int_equal(right, 256);
	assert_int_equal(strikes, 256);
	qsort(ids, n_ids, sizeof(ids[0]), by_symbol);
	for (uint32_t i = 1; i < n_ids; i++)
		assert_false(symbol_equal(&ids[i - 1], &ids[i]));
	free(ticks);
	capture_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
