/* coverage - how much of what was followed was seen, by stream and day, folded from lane-X records. */
#include "tools/nj/coverage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/base/fixed.h"

#define DAY INT64_C(86400000000000)
#define MEMORY_MAX ((size_t)256 << 20)

struct coverage_follow {
	uint32_t source; /* index */
	uint8_t origin;
	uint32_t connection;
	struct symbol instrument;
	char stream[EVENT_NAME_MAX];
	int64_t from, to; /* to 0: still */
	int64_t since;
};

struct coverage_span { /* a blind interval */
	uint32_t source, connection;
	struct symbol instrument; /* empty: all of the connection */
	char stream[EVENT_NAME_MAX];
	int64_t from, to; /* to 0: still open */
	uint64_t first, missing;
	uint8_t repair;
};

void coverage_init(struct coverage *c)
{
	memset(c, 0, sizeof *c);
	buf_init(&c->follows, MEMORY_MAX);
	buf_init(&c->spans, MEMORY_MAX);
	buf_init(&c->open, MEMORY_MAX);
}

void coverage_fini(struct coverage *c)
{
	buf_fini(&c->follows);
	buf_fini(&c->spans);
	buf_fini(&c->open);
}

static struct coverage_follow *follow_at(const struct coverage *c, size_t i)
{
	return (struct coverage_follow *)(void *)c->follows.at + i;
}

static size_t n_follows(const struct coverage *c)
{
	return c->follows.len / sizeof(struct coverage_follow);
}

static struct coverage_span *span_at(const struct coverage *c, size_t i)
{
	return (struct coverage_span *)(void *)c->spans.at + i;
}

static size_t n_spans(const struct coverage *c)
{
	return c->spans.len / sizeof(struct coverage_span);
}

static void note(struct coverage *c, int rc)
{
	if (c->err == 0)
		c->err = rc;
}

/* COVERAGE_SOURCES_MAX where there is no room. */
static uint32_t source_of(struct coverage *c, const char *name)
{
	uint32_t i = 0;

	while (i < c->n_sources && strcmp(c->source[i].name, name) != 0)
		i++;
	if (i < c->n_sources)
		return i;
	if (i == COVERAGE_SOURCES_MAX) {
		note(c, ERR_FULL);
		return i;
	}
	c->n_sources++;
	memcpy(c->source[i].name, name, strnlen(name, EVENT_SOURCE_MAX - 1));
	return i;
}

void coverage_alive(struct coverage *c, const char *source, int64_t at)
{
	uint32_t i = source_of(c, source);

	if (i < COVERAGE_SOURCES_MAX && at > c->source[i].last)
		c->source[i].last = at;
}

/* ---- what was followed ---- */

/* Another life: who is not named by it is followed no more; who is goes on. */
static void begin_life(struct coverage *c, uint32_t source, int64_t since, int64_t at)
{
	if (c->source[source].since == since)
		return;
	c->source[source].since = since;
	c->source[source].begun = at;
	for (size_t i = 0; i < n_follows(c); i++) {
		struct coverage_follow *f = follow_at(c, i);
		if (f->source == source && f->to == 0)
			f->to = at;
	}
}

/* Its market has ended, or a scan lets go of it. */
static void on_dropped(struct coverage *c, uint32_t source, const struct event *ev)
{
	for (size_t i = 0; i < n_follows(c); i++) {
		struct coverage_follow *f = follow_at(c, i);
		if (f->source == source && f->to == 0 && symbol_equal(&f->instrument, &ev->following.instrument))
			f->to = ev->ts_recv;
	}
}

static void on_following(struct coverage *c, uint32_t source, const struct event *ev)
{
	const struct ev_following *e = &ev->following;
	struct coverage_follow f = {.source = source,
				    .origin = ev->origin,
				    .connection = e->connection,
				    .instrument = e->instrument,
				    .since = e->since};

	begin_life(c, source, e->since, ev->ts_recv);
	if (e->streams[0] == '\0')
		on_dropped(c, source, ev);
	/* The life began to see all that it names when it named the first: no seam between two lives. But what was
	 * taken up later was not followed before. */
	f.from = c->source[source].begun > e->joined ? c->source[source].begun : e->joined;
	for (const char *at = e->streams; *at != '\0';) {
		size_t len = strcspn(at, ",");
		memset(f.stream, 0, sizeof f.stream);
		memcpy(f.stream, at, len < sizeof f.stream ? len : sizeof f.stream - 1);
		note(c, buf_append(&c->follows, &f, sizeof f));
		at += len + (at[len] == ',');
	}
}

/* ---- what was blind ---- */

static void on_blind(struct coverage *c, uint32_t source, const struct ev_blind *e)
{
	struct coverage_span s = {.source = source,
				  .connection = e->connection,
				  .instrument = e->instrument,
				  .from = e->from,
				  .first = e->first_missing,
				  .repair = repair_nothing};

	uint32_t number = (uint32_t)n_spans(c);

	memcpy(s.stream, e->stream, sizeof s.stream);
	note(c, buf_append(&c->spans, &s, sizeof s));
	if (n_spans(c) > number)
		note(c, buf_append(&c->open, &number, sizeof number));
}

/* Ends the one that it was opened as, or was never told to be open. */
static void on_gap(struct coverage *c, uint32_t source, const struct ev_gap *e)
{
	struct coverage_span closed = {.source = source,
				       .connection = e->connection,
				       .instrument = e->instrument,
				       .from = e->from,
				       .to = e->to,
				       .first = e->first_missing,
				       .missing = e->missing,
				       .repair = e->repair};

	memcpy(closed.stream, e->stream, sizeof closed.stream);
	/* Few are open at a time, however many there were. */
	uint32_t *open = (uint32_t *)(void *)c->open.at;
	for (size_t n = c->open.len / sizeof *open, i = n; i > 0; i--) {
		struct coverage_span *s = span_at(c, open[i - 1]);
		if (s->source == source && s->from == e->from && s->first == e->first_missing &&
		    strcmp(s->stream, e->stream) == 0 && symbol_equal(&s->instrument, &e->instrument)) {
			*s = closed;
			memmove(open + i - 1, open + i, (n - i) * sizeof *open);
			c->open.len -= sizeof *open;
			return;
		}
	}
	note(c, buf_append(&c->spans, &closed, sizeof closed));
}

void coverage_on_event(struct coverage *c, const struct event *ev)
{
	uint32_t source = source_of(c, ev->source);

	if (source == COVERAGE_SOURCES_MAX)
		return;
	if (ev->ts_recv > c->source[source].last)
		c->source[source].last = ev->ts_recv;
	if (ev->id == EVENT_following)
		on_following(c, source, ev);
	else if (ev->id == EVENT_blind)
		on_blind(c, source, &ev->blind);
	else if (ev->id == EVENT_gap)
		on_gap(c, source, &ev->gap);
}

/* ---- rows ---- */

static int by_name(const void *a, const void *b)
{
	const struct coverage_follow *x = a, *y = b;
	int d = (x->source > y->source) - (x->source < y->source);

	if (d == 0)
		d = strcmp(x->instrument.s, y->instrument.s);
	if (d == 0)
		d = strcmp(x->stream, y->stream);
	if (d == 0)
		d = (x->origin > y->origin) - (x->origin < y->origin);
	return d != 0 ? d : (x->from > y->from) - (x->from < y->from);
}

static bool same_stream(const struct coverage_follow *a, const struct coverage_follow *b)
{
	return a->source == b->source && a->origin == b->origin && strcmp(a->stream, b->stream) == 0 &&
	       symbol_equal(&a->instrument, &b->instrument);
}

static bool applies(const struct coverage_span *s, const struct coverage_follow *f)
{
	if (s->source != f->source)
		return false;
	if (s->instrument.s[0] != '\0')
		return symbol_equal(&s->instrument, &f->instrument) && strcmp(s->stream, f->stream) == 0;
	return s->connection == f->connection && strcmp(s->stream, "all") == 0;
}

static bool is_repaired(const struct coverage_span *s)
{
	return s->repair == repair_klines || s->repair == repair_none_missed ||
	       (s->repair == repair_backfill && s->missing == 0);
}

struct piece {
	int64_t from, to;
	bool repaired;
	uint64_t missing;
	int64_t began;
};

static int by_begin(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Total length of the pieces cut to [from, to), those that overlap counted once, and how many there are then. */
static int64_t length_of(const struct piece *p, size_t n, bool repaired, const int64_t cut[2], uint32_t *ret_count)
{
	int64_t sum = 0, end = INT64_MIN;

	*ret_count = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t a = p[i].from > cut[0] ? p[i].from : cut[0], b = p[i].to < cut[1] ? p[i].to : cut[1];
		if ((repaired && !p[i].repaired) || a >= b)
			continue;
		*ret_count += a > end;
		a = a > end ? a : end;
		if (b > a)
			sum += b - a;
		end = b > end ? b : end;
	}
	return sum;
}

struct walk {
	const struct coverage *c;
	struct piece *pieces;
	coverage_fn *fn;
	void *ctx;
};

/* The blind intervals of one followed stretch, in order. */
static size_t pieces_of(const struct walk *w, const struct coverage_follow *f, int64_t end)
{
	size_t n = 0;

	for (size_t i = 0; i < n_spans(w->c); i++) {
		const struct coverage_span *s = span_at(w->c, i);
		int64_t to = s->to != 0 ? s->to : w->c->source[f->source].last;
		if (applies(s, f) && s->from < end && to > f->from)
			w->pieces[n++] = (struct piece){s->from, to, is_repaired(s), s->missing, s->from};
	}
	qsort(w->pieces, n, sizeof *w->pieces, by_begin);
	return n;
}

static int64_t end_of(const struct coverage *c, const struct coverage_follow *f)
{
	return f->to != 0 ? f->to : c->source[f->source].last;
}

/* Adds what a stretch has of the row's day. */
static void add_stretch(const struct walk *w, const struct coverage_follow *f, struct coverage_row *row)
{
	int64_t end = end_of(w->c, f);
	int64_t cut[2] = {f->from > row->day ? f->from : row->day, end < row->day + DAY ? end : row->day + DAY};
	uint32_t gaps, ignored;

	if (cut[0] >= cut[1])
		return;
	size_t n = pieces_of(w, f, end);
	int64_t blind = length_of(w->pieces, n, false, cut, &gaps);
	int64_t repaired = length_of(w->pieces, n, true, cut, &ignored);
	row->followed += cut[1] - cut[0];
	row->blind += blind;
	row->repaired += repaired;
	row->missing += blind - repaired;
	row->gaps += gaps;
	for (size_t i = 0; i < n; i++)
		if (w->pieces[i].began >= cut[0] && w->pieces[i].began < cut[1])
			row->records += w->pieces[i].missing;
}

/* The days of one stream, whose stretches are f[0..n), by time. */
static void walk_stream(const struct walk *w, const struct coverage_follow *f, size_t n)
{
	int64_t last = end_of(w->c, &f[n - 1]);

	for (int64_t day = f[0].from - f[0].from % DAY; day < last; day += DAY) {
		struct coverage_row row = {.source = w->c->source[f->source].name,
					   .instrument = f->instrument.s,
					   .stream = f->stream,
					   .origin = f->origin,
					   .day = day};
		for (size_t i = 0; i < n; i++)
			add_stretch(w, &f[i], &row);
		if (row.followed > 0)
			w->fn(w->ctx, &row);
	}
}

int64_t coverage_thousandths(const struct coverage_row *row)
{
	fixed_wide seen = (fixed_wide)(row->followed - row->missing) * 100000;

	return row->followed > 0 ? (int64_t)(seen / row->followed) : 0;
}

void coverage_day_text(int64_t day, char out[16])
{
	time_t s = (time_t)(day / 1000000000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
}

int coverage_rows(struct coverage *c, coverage_fn *fn, void *ctx)
{
	size_t n = n_follows(c);
	struct walk w = {.c = c, .fn = fn, .ctx = ctx, .pieces = calloc(n_spans(c) + 1, sizeof(struct piece))};

	if (w.pieces == NULL)
		return ERR_NOMEM;
	if (n > 0)
		qsort(c->follows.at, n, sizeof(struct coverage_follow), by_name);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && same_stream(follow_at(c, i), follow_at(c, k));)
			k++;
		walk_stream(&w, follow_at(c, i), k - i);
	}
	free(w.pieces);
	return c->err;
}
