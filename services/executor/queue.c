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

/* ---- what a trade that is still to be told may explain: known for one to two of these, by event time ---- */

#define QUEUE_TOLD_NS INT64_C(1000000000)

static void fade(struct fading *f, int64_t periods)
{
	if (periods == 0)
		return;
	*f = (struct fading){.old = periods == 1 ? f->recent : 0};
}

static void forget(struct order *o, int64_t now)
{
	int64_t period = now / QUEUE_TOLD_NS, passed = period - o->period;
	fade(&o->vanished, passed);
	fade(&o->let_by, passed);
	o->period = period;
}

static void add(int64_t *sum, int64_t qty)
{
	*sum = *sum > INT64_MAX - qty ? INT64_MAX : *sum + qty;
}

/* At most so much of it, the oldest first. */
static int64_t take(struct fading *f, int64_t qty)
{
	int64_t old = f->old < qty ? f->old : qty;
	int64_t recent = f->recent < qty - old ? f->recent : qty - old;
	f->old -= old;
	f->recent -= recent;
	return old + recent;
}

/* ---- */

/* Its place begins behind all that the book shows now. */
static void stand_behind(struct order *o, int64_t shown)
{
	o->ahead = o->shown = shown;
	o->traded = 0;
	o->vanished = o->let_by = (struct fading){0, 0};
	o->since = o->market->shown_at;
}

void queue_join(struct order *o)
{
	stand_behind(o, known(o) ? book_qty_at(&o->market->book, o->side, o->price) : 0);
	if (!known(o))
		o->ahead = INT64_MAX;
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

void queue_on_book(struct order *o, enum queue_model model, int64_t now)
{
	if (!known(o))
		return;
	int64_t shown = book_qty_at(&o->market->book, o->side, o->price);
	if (o->ahead == INT64_MAX) {
		stand_behind(o, shown);
		return;
	}
	if (shown == o->shown)
		return;
	int64_t left = o->shown > o->traded ? o->shown - o->traded : 0;
	int64_t front = o->ahead < left ? o->ahead : left, ahead = o->ahead;
	if (left > shown && (model == QUEUE_SHARE || model == QUEUE_SQUARE))
		ahead = front - ahead_of(model, front, left - front, left - shown);
	ahead = ahead < shown ? ahead : shown;
	forget(o, now);
	add(&o->vanished.recent, left > shown ? left - shown : 0);
	add(&o->let_by.recent, o->ahead - ahead);
	o->ahead = ahead;
	o->shown = shown;
	o->traded = 0;
}

int64_t queue_on_trade(struct order *o, enum queue_model model, int64_t now, const struct ev_trade *t)
{
	if (t->price != o->price) {
		o->ahead = 0;
		o->vanished = o->let_by = (struct fading){0, 0};
		return 0;
	}
	if (model == QUEUE_THROUGH)
		return t->qty;
	forget(o, now);
	add(&o->traded, t->qty - take(&o->vanished, t->qty));
	int64_t shown = take(&o->let_by, t->qty), used = t->qty - shown;
	used = o->ahead < used ? o->ahead : used;
	if (o->ahead != INT64_MAX)
		o->ahead -= used;
	return shown + used;
}

/* ---- saved ---- */

#define PLACE_FIELDS 8

static void save_place(const struct order *o, struct packer *p)
{
	pack_i64(p, o->shown);
	pack_i64(p, o->traded);
	pack_i64(p, o->vanished.old);
	pack_i64(p, o->vanished.recent);
	pack_i64(p, o->let_by.old);
	pack_i64(p, o->let_by.recent);
	pack_i64(p, o->period);
	pack_i64(p, o->since);
}

static int load_place(struct order *o, struct unpacker *u)
{
	o->shown = unpack_i64(u);
	o->traded = unpack_i64(u);
	o->vanished.old = unpack_i64(u);
	o->vanished.recent = unpack_i64(u);
	o->let_by.old = unpack_i64(u);
	o->let_by.recent = unpack_i64(u);
	o->period = unpack_i64(u);
	o->since = unpack_i64(u);
	bool sound = o->shown >= 0 && o->traded >= 0 && o->vanished.old >= 0 && o->vanished.recent >= 0 &&
		     o->let_by.old >= 0 && o->let_by.recent >= 0 && o->period >= 0;
	return u->err ? u->err : sound ? 0 : ERR_CORRUPT;
}

void queue_save(const struct orders *os, const struct markets *ms, struct packer *p)
{
	pack_array(p, markets_count(ms));
	for (uint32_t i = 0; i < markets_count(ms); i++)
		pack_i64(p, markets_at(ms, i)->shown_at);
	pack_array(p, PLACE_FIELDS * os->n);
	for (uint32_t i = 0; i < os->n; i++)
		save_place(&os->at[i], p);
}

int queue_load(struct orders *os, const struct markets *ms, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n != markets_count(ms))
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n; i++)
		markets_at(ms, i)->shown_at = unpack_i64(u);
	n = unpack_array(u);
	int rc = u->err ? u->err : n == PLACE_FIELDS * os->n ? 0 : ERR_CORRUPT;
	for (uint32_t i = 0; rc == 0 && i < os->n; i++)
		rc = load_place(&os->at[i], u);
	return rc;
}

int queue_load_v1(struct orders *os, struct unpacker *u)
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
