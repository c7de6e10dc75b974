/* fold - what the lines so far add up to. */
#include "tools/venue_sim/fold.h"

#include <stdlib.h>

#include "common/base/err.h"

int fold_init(struct fold *f, const struct recording *rec, const struct dialect *d)
{
	*f = (struct fold){.rec = rec, .dialect = d, .stamp = INT64_MIN};
	return strmap_init(&f->symbols, RECORDING_SYMBOLS_MAX, sizeof(struct fold_symbol *));
}

void fold_fini(struct fold *f)
{
	for (uint32_t i = 0; i < f->symbols.count; i++) {
		struct fold_symbol *s = *(struct fold_symbol **)strmap_value_at(&f->symbols, i);
		if (s == NULL)
			continue;
		free(s->book.side[FOLD_BID].at);
		free(s->book.side[FOLD_ASK].at);
		ring_fini(&s->recent);
		free(s);
	}
	strmap_fini(&f->symbols);
}

void fold_line(struct fold *f, const struct feed_line *line)
{
	int rc = f->dialect->fold(f, line);

	f->lines++;
	f->stamp = line->stamp;
	if (rc == ERR_GAP)
		f->gaps++;
	else if (rc != 0)
		f->bad++;
}

const struct fold_symbol *fold_find(const struct fold *f, struct text symbol)
{
	struct fold_symbol **at = strmap_get(&f->symbols, symbol.at, symbol.len);

	return at != NULL ? *at : NULL;
}

struct fold_symbol *fold_symbol(struct fold *f, struct text symbol)
{
	const struct rec_symbol *about = recording_symbol(f->rec, symbol);
	struct fold_symbol **at;

	if (about == NULL)
		return NULL;
	at = strmap_put(&f->symbols, symbol.at, symbol.len);
	if (at == NULL || *at != NULL)
		return at != NULL ? *at : NULL;
	*at = calloc(1, sizeof(**at));
	if (*at == NULL)
		return NULL;
	if (ring_init(&(*at)->recent, FOLD_RECENT_BYTES) != 0) {
		free(*at);
		*at = NULL;
		return NULL;
	}
	(*at)->about = about;
	(*at)->book.futures = f->dialect->futures;
	(*at)->second.span_ms = 1000;
	(*at)->minute.span_ms = 60000;
	return *at;
}

void fold_book_clear(struct fold_book *b)
{
	b->side[FOLD_BID].n = b->side[FOLD_ASK].n = 0;
	b->last_id = 0;
	b->valid = b->fresh = false;
	b->floor = 0;
	b->ceil = INT64_MAX;
}

static uint32_t find(const struct fold_side *s, int64_t price)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (s->at[mid].price < price)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int make_room(struct fold_side *s)
{
	uint32_t cap = s->cap > 0 ? s->cap * 2 : 1024;

	if (s->n < s->cap)
		return 0;
	if (cap > FOLD_LEVELS_MAX)
		return ERR_FULL;
	struct quote *at = realloc(s->at, cap * sizeof(*at));
	if (at == NULL)
		return ERR_NOMEM;
	s->at = at;
	s->cap = cap;
	return 0;
}

int fold_book_put(struct fold_book *b, enum fold_side_name side, int64_t price, int64_t qty)
{
	struct fold_side *s = &b->side[side];
	uint32_t i = find(s, price);
	bool there = i < s->n && s->at[i].price == price;

	if (qty == 0) {
		if (there) {
			memmove(s->at + i, s->at + i + 1, (s->n - i - 1) * sizeof(*s->at));
			s->n--;
		}
		return 0;
	}
	if (!there) {
		int rc = make_room(s);
		if (rc != 0)
			return rc;
		memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(*s->at));
		s->n++;
	}
	s->at[i] = (struct quote){price, qty};
	return 0;
}

int64_t fold_book_qty(const struct fold_book *b, enum fold_side_name side, int64_t price)
{
	const struct fold_side *s = &b->side[side];
	uint32_t i = find(s, price);

	return i < s->n && s->at[i].price == price ? s->at[i].qty : 0;
}

void fold_book_limit(struct fold_book *b)
{
	const struct fold_side *bids = &b->side[FOLD_BID], *asks = &b->side[FOLD_ASK];

	b->floor = bids->n > 0 ? bids->at[0].price : 0;
	b->ceil = asks->n > 0 ? asks->at[asks->n - 1].price : INT64_MAX;
}

const struct quote *fold_book_at(const struct fold_book *b, enum fold_side_name side, uint32_t i)
{
	const struct fold_side *s = &b->side[side];

	return side == FOLD_BID ? &s->at[s->n - 1 - i] : &s->at[i];
}

void fold_recent_add(struct fold_symbol *s, struct text diff)
{
	while (ring_push(&s->recent, diff.at, diff.len) != 0 && s->recent.count > 0)
		ring_pop(&s->recent);
}

void fold_trade_add(struct fold_symbol *s, const struct fold_trade *t)
{
	struct candle_fill c = {t->time_ms, t->price, t->qty, t->taker_sold};

	s->trade_at = (s->trade_at + 1) % FOLD_TRADES_KEPT;
	if (s->trades < FOLD_TRADES_KEPT)
		s->trades++;
	s->trade[s->trade_at] = *t;
	s->traded++;
	candles_add(&s->second, &c);
	candles_add(&s->minute, &c);
}
