/* binance_fold - Binance lines into folded books, by the documented procedures.
 *
 *     INVALID --snapshot whose id the kept diffs reach--> VALID --diff that does not follow--> INVALID
 *     VALID --later snapshot--> VALID again, from it (its known range is fresh)
 *
 * Spot: a diff follows where U <= last id + 1. Futures: where its pu is the last id; the first one
 * behind a snapshot where U <= snapshot's id <= u.
 */
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"

bool binance_levels(struct json *j, binance_level_fn fn, void *ctx)
{
	struct json_str price, qty;

	json_array(j);
	while (json_item(j)) {
		json_array(j);
		bool ok = json_item(j) && json_scalar_text(j, &price) && json_item(j) &&
			  json_scalar_text(j, &qty);
		while (ok && json_item(j))
			json_skip(j);
		if (!ok || j->err != 0)
			return false;
		if (fn(ctx, (struct text){price.at, price.len}, (struct text){qty.at, qty.len}) !=
		    0)
			return false;
	}
	return j->err == 0;
}

struct into_side {
	struct fold_symbol *symbol;
	enum fold_side_name side;
	int err;
};

static int put_level(void *ctx, struct text price_text, struct text qty_text)
{
	struct into_side *to = ctx;
	const struct rec_symbol *about = to->symbol->about;
	int64_t price = 0, qty = 0;

	to->err = fixed_parse(price_text.at, price_text.len, about->price_scale, &price);
	if (to->err == 0)
		to->err = fixed_parse(qty_text.at, qty_text.len, about->qty_scale, &qty);
	if (to->err == 0)
		to->err = fold_book_put(&to->symbol->book, to->side, price, qty);
	return to->err;
}

/* Ids are read before the levels: they decide about them. */
struct diff {
	uint64_t first, last, previous; /* previous: futures only */
};

static int read_ids(struct text data, struct diff *ret_diff)
{
	struct diff d = {0};
	struct json_str key;
	struct json j;

	json_init(&j, data.at, data.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "U"))
			json_u64(&j, &d.first);
		else if (json_str_is(key, "u"))
			json_u64(&j, &d.last);
		else if (json_str_is(key, "pu"))
			json_u64(&j, &d.previous);
		else
			json_skip(&j);
	}
	if (json_finish(&j) != 0 || d.first == 0 || d.last < d.first)
		return ERR_SYNTAX;
	*ret_diff = d;
	return 0;
}

static int read_levels(struct fold_symbol *s, struct text body, const char *bids, const char *asks)
{
	struct json_str key;
	struct json j;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		struct into_side to = {.symbol = s, .side = FOLD_ASK};
		if (json_str_is(key, bids))
			to.side = FOLD_BID;
		else if (!json_str_is(key, asks)) {
			json_skip(&j);
			continue;
		}
		if (!binance_levels(&j, put_level, &to))
			return to.err != 0 ? to.err : ERR_SYNTAX;
	}
	return json_finish(&j);
}

static bool is_old(const struct fold_book *b, const struct diff *d)
{
	if (b->futures && b->fresh)
		return d->last < b->last_id;
	return d->last <= b->last_id;
}

static bool follows(const struct fold_book *b, const struct diff *d)
{
	if (!b->futures)
		return d->first <= b->last_id + 1;
	return d->previous == b->last_id || (b->fresh && d->first <= b->last_id);
}

static int apply_diff(struct fold_symbol *s, struct text data)
{
	struct diff d;
	int rc = read_ids(data, &d);

	if (rc != 0 || is_old(&s->book, &d))
		return rc;
	rc = follows(&s->book, &d) ? read_levels(s, data, "b", "a") : ERR_GAP;
	s->book.valid = rc == 0;
	s->book.fresh = false;
	s->book.last_id = d.last;
	return rc;
}

static int fold_diff(struct fold_symbol *s, struct text data)
{
	int rc = s->book.valid ? apply_diff(s, data) : 0;

	if (rc == ERR_GAP)
		ring_clear(&s->recent); /* what came before cannot be joined to what follows */
	fold_recent_add(s, data);
	return rc;
}

/* Do the diffs kept reach back to this id, so that a book can start from it? */
static bool reaches(const struct fold_symbol *s, uint64_t id)
{
	size_t len;
	const char *at = (const char *)ring_front(&s->recent, &len);
	struct diff d;

	if (at == NULL)
		return !s->book.valid || id >= s->book.last_id;
	if (read_ids((struct text){at, len}, &d) != 0)
		return false;
	return s->book.futures ? d.first <= id || d.previous <= id : d.first <= id + 1;
}

/* A side with fewer levels than were asked for is all there is. */
static void limit_book(struct fold_book *b, int64_t asked)
{
	fold_book_limit(b);
	if ((int64_t)b->side[FOLD_BID].n < asked)
		b->floor = 0;
	if ((int64_t)b->side[FOLD_ASK].n < asked)
		b->ceil = INT64_MAX;
}

static int fold_snapshot(struct fold_symbol *s, const struct feed_line *line,
			 const struct reply_facts *facts)
{
	int rc;

	if (!reaches(s, facts->last_id))
		return s->book.valid ? 0 : ERR_GAP;
	fold_book_clear(&s->book);
	rc = read_levels(s, line->raw, "bids", "asks");
	limit_book(&s->book, facts->limit);
	s->book.last_id = facts->last_id;
	s->book.valid = s->book.fresh = rc == 0;
	while (s->recent.count > 0) {
		size_t len;
		const char *at = (const char *)ring_front(&s->recent, &len);
		if (rc == 0)
			rc = apply_diff(s, (struct text){at, len});
		ring_pop(&s->recent);
	}
	return rc;
}

static void read_trade(struct json *j, const struct rec_symbol *about, struct fold_trade *t)
{
	struct json_str key, price = {.at = ""}, qty = {.at = ""};

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "t") || json_str_is(key, "a"))
			json_u64(j, &t->id);
		else if (json_str_is(key, "p"))
			json_string(j, &price);
		else if (json_str_is(key, "q"))
			json_string(j, &qty);
		else if (json_str_is(key, "T"))
			json_i64(j, &t->time_ms);
		else if (json_str_is(key, "m"))
			json_bool(j, &t->taker_sold);
		else
			json_skip(j);
	}
	if (fixed_parse(price.at, price.len, about->price_scale, &t->price) != 0 ||
	    fixed_parse(qty.at, qty.len, about->qty_scale, &t->qty) != 0)
		t->price = 0;
}

static int fold_trade(struct fold_symbol *s, struct text data)
{
	struct fold_trade t = {0};
	struct json j;

	json_init(&j, data.at, data.len);
	read_trade(&j, s->about, &t);
	if (json_finish(&j) != 0 || t.price <= 0 || t.time_ms <= 0)
		return ERR_SYNTAX;
	fold_trade_add(s, &t);
	return 0;
}

static int fold_reply(struct fold *f, const struct feed_line *line)
{
	const struct rec_reply *known = recording_reply(f->rec, line);
	struct reply_facts facts;

	if (known == NULL || known->kind != REPLY_DEPTH || !binance_reply(line, &facts))
		return 0;
	struct fold_symbol *s = fold_symbol(f, text_of(known->symbol));
	return s != NULL ? fold_snapshot(s, line, &facts) : ERR_NOMEM;
}

int binance_fold(struct fold *f, const struct feed_line *line)
{
	struct frame_facts facts;

	if (line->kind == FEED_REPLY)
		return fold_reply(f, line);
	if (!binance_frame(line, &facts))
		return ERR_SYNTAX;
	if (facts.kind != FRAME_DEPTH && facts.kind != FRAME_TRADE && facts.kind != FRAME_AGG_TRADE)
		return 0;
	struct fold_symbol *s = fold_symbol(f, facts.symbol);
	if (s == NULL)
		return ERR_NOMEM;
	if (facts.kind == FRAME_DEPTH)
		return fold_diff(s, line->data);
	if (facts.kind == FRAME_AGG_TRADE && s->about->has_trades)
		return 0;
	return fold_trade(s, line->data);
}
