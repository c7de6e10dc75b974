/* queue - see queue.h. */
#include "services/executor/queue.h"

#include <string.h>

#include "common/base/err.h"

static const char *const names[QUEUE_MODELS] = {"back", "share", "square", "through"};

const char *queue_name(enum queue_model model)
{
	return names[model];
}

enum queue_model queue_find(const char *name)
{
	unsigned i = 0;
	while (i < QUEUE_MODELS && strcmp(names[i], name) != 0)
		i++;
	return (enum queue_model)i;
}

static bool known(const struct order *o)
{
	return book_known(&o->market->book, o->side, o->price);
}

void queue_join(struct order *o)
{
	o->shown = known(o) ? book_qty_at(&o->market->book, o->side, o->price) : 0;
	o->ahead = known(o) ? o->shown : INT64_MAX;
	o->traded = 0;
}

static fixed_wide weight(enum queue_model model, int64_t front, int64_t back, int64_t of)
{
	if (model == QUEUE_SHARE)
		return of;
	/* Squares times a quantity must fit into 128 bits. */
	int shift = 0;
	while ((front | back) >> shift >= INT64_C(1) << 31)
		shift++;
	return (fixed_wide)(of >> shift) * (of >> shift);
}

/* How much of what was cancelled had stood ahead. */
static int64_t ahead_of(enum queue_model model, int64_t front, int64_t back, int64_t cancelled)
{
	fixed_wide f = weight(model, front, back, front), b = weight(model, front, back, back);
	int64_t gone = f + b > 0 ? (int64_t)((fixed_wide)cancelled * f / (f + b)) : 0;
	if (cancelled - gone > back)
		gone = cancelled - back;
	return gone < front ? gone : front;
}

void queue_on_book(struct order *o, enum queue_model model)
{
	if (!known(o))
		return;
	int64_t shown = book_qty_at(&o->market->book, o->side, o->price);
	bool first = o->ahead == INT64_MAX;
	if (!first && shown == o->shown)
		return;
	int64_t left = o->shown > o->traded ? o->shown - o->traded : 0;
	int64_t front = o->ahead < left ? o->ahead : left;
	if (!first && left > shown && (model == QUEUE_SHARE || model == QUEUE_SQUARE))
		o->ahead = front - ahead_of(model, front, left - front, left - shown);
	o->ahead = o->ahead < shown ? o->ahead : shown;
	o->shown = shown;
	o->traded = 0;
}

int64_t queue_on_trade(struct order *o, enum queue_model model, int64_t price, int64_t qty)
{
	if (price != o->price) {
		o->ahead = 0;
		return 0;
	}
	if (model == QUEUE_THROUGH)
		return qty;
	o->traded = o->traded > INT64_MAX - qty ? INT64_MAX : o->traded + qty;
	int64_t used = o->ahead < qty ? o->ahead : qty;
	if (o->ahead != INT64_MAX)
		o->ahead -= used;
	return used;
}

void queue_save(const struct orders *os, struct packer *p)
{
	pack_array(p, 2 * os->n);
	for (uint32_t i = 0; i < os->n; i++) {
		pack_i64(p, os->at[i].shown);
		pack_i64(p, os->at[i].traded);
	}
}

int queue_load(struct orders *os, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n != 2 * os->n)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < os->n; i++) {
		os->at[i].shown = unpack_i64(u);
		os->at[i].traded = unpack_i64(u);
		if (u->err || os->at[i].shown < 0 || os->at[i].traded < 0)
			return u->err ? u->err : ERR_CORRUPT;
	}
	return 0;
}
