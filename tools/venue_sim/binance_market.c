/* binance_market - depth and trades of REST, from the recording or from what was folded.
 *
 * With nj_stamp in the query the answer is a function of the request alone: the first recorded
 * snapshot at or after that stamp where one comes within SNAPSHOT_WAIT_NS; else the book folded up
 * to nj_stamp + 1 ms; else, where no book can be folded, the first later snapshot whenever it
 * comes. X-Nightjar-Stamp tells which event time it has. A folded book tells in X-Nightjar-Whole
 * (lowest-highest price, 0 none) where it is known to be whole. Without nj_stamp the answer is the
 * book at the position of the shared player; before a book can be known the request is held.
 */
#include <inttypes.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/log.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/sim.h"

#define SNAPSHOT_WAIT_NS (30 * NS_PER_S)
#define ASK_DELAY_NS (1 * NS_PER_MS)
#define DEPTH_LIMIT 100
#define DEPTH_LIMIT_MAX 5000
#define FUTURES_LIMIT_MAX 1000
#define ROWS_LIMIT 500
#define ROWS_LIMIT_MAX 1000

/* ---- depth ---- */

static void print_side(struct buf *out, const struct fold_symbol *s, enum fold_side_name side,
		       int64_t limit)
{
	const struct rec_symbol *about = s->about;
	uint32_t all = s->book.side[side].n;
	uint32_t n = (int64_t)all < limit ? all : (uint32_t)limit;

	for (uint32_t i = 0; i < n; i++) {
		const struct quote *q = fold_book_at(&s->book, side, i);
		buf_printf(out, "%s[\"", i > 0 ? "," : "");
		binance_tell_number(out, q->price, about->price_scale, BINANCE_DIGITS);
		buf_printf(out, "\",\"");
		binance_tell_number(out, q->qty, about->qty_scale, BINANCE_DIGITS);
		buf_printf(out, "\"]");
	}
}

static bool has_book(const struct fold_symbol *s)
{
	return s != NULL && s->book.valid && s->book.side[FOLD_BID].n > 0 &&
	       s->book.side[FOLD_ASK].n > 0;
}

/* Every level is true, but beyond the range of the recorded snapshot only those are there that have
 * changed since: the header says from which price to which the book is whole. */
static void tell_range(const struct fold_symbol *s, struct reply *reply)
{
	const struct fold_book *b = &s->book;
	char floor[FIXED_TEXT_MAX], ceil[FIXED_TEXT_MAX];

	if (b->floor == 0 && b->ceil == INT64_MAX)
		return;
	fixed_format_trim(floor, sizeof(floor), b->floor, s->about->price_scale);
	fixed_format_trim(ceil, sizeof(ceil), b->ceil == INT64_MAX ? 0 : b->ceil,
			  s->about->price_scale);
	reply_header(reply, "X-Nightjar-Whole", "%s-%s", floor, ceil);
}

/* Futures tell the time, too. */
static void print_times(struct buf *out, const struct sim *sim)
{
	long long ms = (long long)(sim_now(sim) / NS_PER_MS);

	if (sim->dialect->futures)
		buf_printf(out, "\"E\":%lld,\"T\":%lld,", ms, ms);
}

static void print_book(struct sim *sim, struct reply *reply, const struct fold_symbol *s, int64_t limit)
{
	struct buf *out = &reply->body;

	tell_range(s, reply);
	buf_printf(out, "{\"lastUpdateId\":%" PRIu64 ",", s->book.last_id);
	print_times(out, sim);
	buf_printf(out, "\"bids\":[");
	print_side(out, s, FOLD_BID, limit);
	buf_printf(out, "],\"asks\":[");
	print_side(out, s, FOLD_ASK, limit);
	buf_printf(out, "]}");
}

/* How many levels a side was recorded with, and the last one's price. */
struct recorded_side {
	int64_t n;
	struct json_str end;
};

static struct json_str price_of(struct json_str level)
{
	struct json_str price = {.at = "0", .len = 1}, more;
	struct json j;

	json_init(&j, level.at, level.len);
	json_array(&j);
	if (json_item(&j))
		json_string(&j, &price);
	while (json_item(&j))
		json_raw(&j, &more);
	return price;
}

static struct recorded_side print_levels(struct json *j, int64_t limit, struct buf *out)
{
	struct recorded_side side = {.end = {.at = "0", .len = 1}};
	struct json_str level = {.at = "[]", .len = 2};

	buf_byte(out, '[');
	json_array(j);
	while (json_item(j)) {
		if (!json_raw(j, &level) || side.n++ >= limit)
			continue;
		if (side.n > 1)
			buf_byte(out, ',');
		buf_append(out, level.at, level.len);
	}
	buf_byte(out, ']');
	if (side.n > 0)
		side.end = price_of(level);
	return side;
}

/* A recorded reply, cut to the levels that were asked for; ret_side: bids, asks. */
static void print_recorded(struct buf *out, struct text body, int64_t limit, struct recorded_side ret_side[2])
{
	struct json_str key, value;
	struct json j;
	bool first = true;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		buf_printf(out, "%s\"%.*s\":", first ? "{" : ",", (int)key.len, key.at);
		first = false;
		if (json_peek(&j) == JSON_ARRAY)
			ret_side[json_str_is(key, "asks")] = print_levels(&j, limit, out);
		else if (json_raw(&j, &value))
			buf_append(out, value.at, value.len);
	}
	buf_byte(out, '}');
}

static void no_snapshot(struct reply *reply, const char *why)
{
	binance_error(reply, 404, -1000, why);
	reply_header(reply, "X-Nightjar-No-Snapshot", "%s", "1");
}

/* As many levels as the recorder had asked for: there was more behind the last one, which whoever asks
 * for more today could not tell. */
static void tell_recorded_range(const struct rec_reply *recorded, const struct recorded_side side[2],
				struct reply *reply)
{
	struct json_str end[2] = {{.at = "0", .len = 1}, {.at = "0", .len = 1}};

	for (int i = 0; i < 2; i++)
		if (side[i].n >= recorded->limit)
			end[i] = side[i].end;
	reply_header(reply, "X-Nightjar-Whole", "%.*s-%.*s", (int)end[0].len, end[0].at, (int)end[1].len, end[1].at);
}

static void print_reply(struct sim *sim, const struct rec_reply *recorded, int64_t limit, struct reply *reply)
{
	struct recorded_side side[2] = {{.end = {.at = "0", .len = 1}}, {.end = {.at = "0", .len = 1}}};

	print_recorded(&reply->body, recording_body(&sim->rec, recorded), limit, side);
	tell_recorded_range(recorded, side, reply);
}

static void answer_recorded(struct sim *sim, const struct rec_reply *recorded, int64_t limit,
			    struct reply *reply)
{
	print_reply(sim, recorded, limit, reply);
	reply_header(reply, "X-Nightjar-Stamp", "%" PRId64, recorded->stamp);
}

static void depth_at(struct sim *sim, int64_t stamp, struct text symbol, int64_t limit,
		     struct reply *reply)
{
	const struct rec_reply *next = recording_depth(&sim->rec, symbol, stamp);
	const struct fold *fold;

	if (next != NULL && next->stamp - stamp <= SNAPSHOT_WAIT_NS) {
		answer_recorded(sim, next, limit, reply);
		return;
	}
	if (asked_until(&sim->asked, stamp + ASK_DELAY_NS, &fold) != 0) {
		binance_error(reply, 500, -1000, "the recording cannot be read");
		return;
	}
	const struct fold_symbol *s = fold_find(fold, symbol);
	if (has_book(s)) {
		print_book(sim, reply, s, limit);
		reply_header(reply, "X-Nightjar-Stamp", "%" PRId64, stamp + ASK_DELAY_NS);
	} else if (next != NULL) {
		answer_recorded(sim, next, limit, reply);
	} else {
		no_snapshot(reply, "No snapshot in the recording at or before this time.");
	}
}

static void depth_now(struct sim *sim, struct text symbol, int64_t limit, struct reply *reply)
{
	const struct fold_symbol *s = fold_find(&sim->live, symbol);
	const struct rec_reply *next = recording_depth(&sim->rec, symbol, sim_now(sim));

	if (has_book(s)) {
		print_book(sim, reply, s, limit);
	} else if (next == NULL) {
		no_snapshot(reply, "No snapshot in the recording.");
	} else if (sim->player.state == PLAYER_IDLE) {
		print_reply(sim, next, limit, reply);
	} else if (reply->final) {
		binance_error(reply, 503, -1001,
			      "Internal error; the recorded snapshot comes later.");
	} else {
		reply->status = 0;
	}
}

static void make_old(struct buf *body)
{
	static const char key[] = "\"lastUpdateId\":";
	char *at = memmem(body->at, body->len, key, sizeof(key) - 1);

	/* an id with one digit less is older than any that is buffered */
	if (at == NULL)
		return;
	at += sizeof(key) - 1;
	size_t rest = (size_t)((char *)body->at + body->len - at);
	if (rest > 2 && at[1] >= '0' && at[1] <= '9') {
		memmove(at + 1, at + 2, rest - 2);
		body->len--;
	}
}

static void make_crossed(struct buf *body)
{
	char *bids = memmem(body->at, body->len, "\"bids\"", 6);
	char *asks = memmem(body->at, body->len, "\"asks\"", 6);

	if (bids == NULL || asks == NULL)
		return;
	memcpy(bids, "\"asks\"", 6);
	memcpy(asks, "\"bids\"", 6);
}

void binance_depth(struct sim *sim, const struct request *r, struct text symbol,
		   struct reply *reply)
{
	int64_t limit = DEPTH_LIMIT, stamp = -1;

	if (request_param_i64(r, "limit", DEPTH_LIMIT, &limit) != 0 || limit == 0 ||
	    request_param_i64(r, "nj_stamp", -1, &stamp) != 0) {
		binance_error(reply, 400, -1100, "Illegal characters found in a parameter.");
		return;
	}
	int64_t most = sim->dialect->futures ? FUTURES_LIMIT_MAX : DEPTH_LIMIT_MAX;
	if (limit > most)
		limit = most;
	if (stamp >= 0)
		depth_at(sim, stamp, symbol, limit, reply);
	else
		depth_now(sim, symbol, limit, reply);
	if (reply->status != 200)
		return;
	const struct fault *f = faults_strike(&sim->faults, FAULT_OF_SNAPSHOTS, symbol);
	if (f == NULL)
		return;
	log_info("fault", "kind=%s variant=%s symbol=%.*s", fault_name(f->kind), f->variant,
		 (int)symbol.len, symbol.at);
	if (strcmp(f->variant, "crossed") == 0)
		make_crossed(&reply->body);
	else
		make_old(&reply->body);
}

/* What has been folded for this request: up to its stamp, or up to now. NULL and an error in the
 * reply. */
static const struct fold *fold_of(struct sim *sim, const struct request *r, struct reply *reply)
{
	const struct fold *fold = &sim->live;
	int64_t stamp = -1;

	if (request_param_i64(r, "nj_stamp", -1, &stamp) != 0) {
		binance_error(reply, 400, -1100, "Illegal characters found in a parameter.");
		return NULL;
	}
	if (stamp < 0)
		return fold;
	if (asked_until(&sim->asked, stamp + ASK_DELAY_NS, &fold) != 0) {
		binance_error(reply, 500, -1000, "the recording cannot be read");
		return NULL;
	}
	reply_header(reply, "X-Nightjar-Stamp", "%" PRId64, stamp + ASK_DELAY_NS);
	return fold;
}

static int limit_of(const struct request *r, struct reply *reply, int64_t *ret_limit)
{
	if (request_param_i64(r, "limit", ROWS_LIMIT, ret_limit) != 0 || *ret_limit == 0) {
		binance_error(reply, 400, -1100, "Illegal characters found in parameter 'limit'.");
		return ERR_ARG;
	}
	if (*ret_limit > ROWS_LIMIT_MAX)
		*ret_limit = ROWS_LIMIT_MAX;
	return 0;
}

/* ---- trades ---- */

static void quoted(struct buf *out, const char *before, fixed_wide value, int scale)
{
	buf_printf(out, "%s\"", before);
	binance_tell_number(out, value, scale, BINANCE_DIGITS);
	buf_byte(out, '"');
}

static const struct fold_trade *trade_back(const struct fold_symbol *s, uint32_t i)
{
	return &s->trade[(s->trade_at + FOLD_TRADES_KEPT - i) % FOLD_TRADES_KEPT];
}

/* Each trade takes one price only, so each is an aggregate of itself. */
static void print_aggregates(struct buf *out, const struct fold_symbol *s, uint32_t n, uint32_t limit)
{
	buf_byte(out, '[');
	for (uint32_t i = n; i > 0 && n - i < limit; i--) {
		const struct fold_trade *t = trade_back(s, i - 1);
		buf_printf(out, "%s{\"a\":%" PRIu64, i < n ? "," : "", t->id);
		quoted(out, ",\"p\":", t->price, s->about->price_scale);
		quoted(out, ",\"q\":", t->qty, s->about->qty_scale);
		buf_printf(out, ",\"f\":%" PRIu64 ",\"l\":%" PRIu64 ",\"T\":%" PRId64 ",\"m\":%s,\"M\":true}", t->id,
			   t->id, t->time_ms, t->taker_sold ? "true" : "false");
	}
	buf_byte(out, ']');
}

/* The trades from the `n`-th newest on, `limit` of them at most, oldest first. */
static void print_trades(struct buf *out, const struct fold_symbol *s, uint32_t n, uint32_t limit)
{
	buf_byte(out, '[');
	for (uint32_t i = n; i > 0 && n - i < limit; i--) {
		const struct fold_trade *t = trade_back(s, i - 1);
		int p = s->about->price_scale, q = s->about->qty_scale;
		buf_printf(out, "%s{\"id\":%" PRIu64, i < n ? "," : "", t->id);
		quoted(out, ",\"price\":", t->price, p);
		quoted(out, ",\"qty\":", t->qty, q);
		quoted(out, ",\"quoteQty\":", (fixed_wide)t->price * t->qty, p + q);
		buf_printf(out, ",\"time\":%" PRId64 ",\"isBuyerMaker\":%s,\"isBestMatch\":true}",
			   t->time_ms, t->taker_sold ? "true" : "false");
	}
	buf_byte(out, ']');
}

/* Of /api/v3/trades, the newest; of historicalTrades and aggTrades with fromId, from there on. */
void binance_trades(struct sim *sim, const struct request *r, struct text symbol,
		    struct reply *ret_reply)
{
	const struct fold *fold = fold_of(sim, r, ret_reply);
	int64_t limit = 0, from = -1;

	if (fold == NULL || limit_of(r, ret_reply, &limit) != 0)
		return;
	if (request_param_i64(r, "fromId", -1, &from) != 0) {
		binance_error(ret_reply, 400, -1100, "Illegal characters found in parameter 'fromId'.");
		return;
	}
	const struct fold_symbol *s = fold_find(fold, symbol);
	uint32_t n = s == NULL ? 0 : s->trades;
	while (from >= 0 && n > 0 && trade_back(s, n - 1)->id < (uint64_t)from)
		n--;
	if (from < 0 && (int64_t)n > limit)
		n = (uint32_t)limit;
	bool aggregates = r->path.len > 9 && memcmp(r->path.at + r->path.len - 9, "aggTrades", 9) == 0;
	(aggregates ? print_aggregates : print_trades)(&ret_reply->body, s, n, (uint32_t)limit);
}
