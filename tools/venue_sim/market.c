/* market - whoever is next in time acts, and what comes of it is queued and handed out. */
#include "tools/venue_sim/market.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/crc.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/feed.h"

#define SECOND INT64_C(1000000000)
#define DIFF_EVERY (SECOND / 10)
#define LINES_MAX 8192 /* of one action; each change of a diff may be one */
#define TEXT_MAX ((size_t)4 << 20)
#define STAMP_STEP 1000 /* ns between lines of the same instant */
#define RATE_DEFAULT 20

struct crier { /* one symbol and when it speaks next */
	struct market_spec spec;
	struct crowd crowd;
	int64_t next_act, next_diff, next_second;
	struct quote told[2]; /* best bid and ask as last told */
	struct market_kline second, minute;
};

struct queued {
	enum feed_kind kind;
	int64_t stamp;
	size_t at, len, url_len; /* of the text; a reply's url stands before it */
};

struct market {
	struct market_options o;
	struct crier *crier; /* owned */
	uint32_t n;
	int64_t stamp; /* of the newest line */
	struct buf text;
	struct queued queue[LINES_MAX];
	uint32_t queue_at, queue_n;
	char name[STREAM_NAME_MAX]; /* of the stream of the newest line */
};

struct market_spec market_spec(struct text symbol)
{
	static const struct {
		const char *base;
		int64_t price;
		uint8_t price_scale, qty_scale;
		int64_t lots;
		int64_t ceiling;
	} known[] = {
		{"BTC", 6000000, 2, 5, 5000, 0}, {"ETH", 250000, 2, 4, 10000, 0},
		{"BNB", 60000, 2, 3, 3000, 0},   {"SOL", 15000, 2, 3, 10000, 0},
		{"XRP", 60000, 5, 1, 5000, 0},   {"DOGE", 12000, 5, 0, 3000, 0},
		{"KX", 5000, 4, 2, 5000, 10000}, /* an event: between nothing and a dollar */
		{"", 1000000, 4, 2, 1000, 0},
	};
	struct market_spec s = {0};
	size_t i = 0;

	while (!text_starts(symbol, known[i].base))
		i++;
	snprintf(s.symbol, sizeof(s.symbol), "%.*s", (int)symbol.len, symbol.at);
	s.price = known[i].price;
	s.price_scale = known[i].price_scale;
	s.qty_scale = known[i].qty_scale;
	s.lots = known[i].lots;
	s.ceiling = known[i].ceiling;
	return s;
}

static bool good_symbol(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!((t.at[i] >= 'A' && t.at[i] <= 'Z') || (t.at[i] >= '0' && t.at[i] <= '9') ||
		      ((t.at[i] == '-' || t.at[i] == '.') && i > 0)))
			return false;
	return t.len > 0 && t.len < MARKET_SYMBOL_LEN;
}

/* Next item of a comma separated list; false at its end. */
static bool next_item(const char **rest, struct text *ret_item)
{
	if (**rest == '\0')
		return false;
	size_t n = strcspn(*rest, ",");
	*ret_item = (struct text){*rest, n};
	*rest += n + ((*rest)[n] == ',');
	return true;
}

static void kline_begin(struct market_kline *k, int64_t open_at, int64_t span, int64_t price)
{
	*k = (struct market_kline){.open_at = open_at, .span = span};
	k->open = k->high = k->low = k->close = price;
}

static int64_t floor_to(int64_t t, int64_t span)
{
	return t - t % span;
}

static void crier_init(struct crier *c, const struct market_options *o, struct text symbol)
{
	uint64_t seed = o->seed * 0x9e3779b97f4a7c15u + crc32c(0, symbol.at, symbol.len);

	c->spec = market_spec(symbol);
	crowd_init(&c->crowd, &(struct crowd_spec){c->spec.price, c->spec.lots, o->rate, c->spec.ceiling}, seed);
	c->next_act =
		o->start + 1 + (int64_t)rng_below(&c->crowd.rng, (uint64_t)(SECOND / o->rate));
	c->next_diff = o->start + DIFF_EVERY;
	c->next_second = floor_to(o->start, SECOND) + SECOND;
	kline_begin(&c->second, c->next_second - SECOND, SECOND, c->spec.price);
	kline_begin(&c->minute, floor_to(o->start, 60 * SECOND), 60 * SECOND, c->spec.price);
}

static void enqueue(struct market *m, enum feed_kind kind, int64_t now, size_t at, size_t url_len)
{
	must(m->queue_n < LINES_MAX);
	m->stamp = now > m->stamp ? now : m->stamp + STAMP_STEP;
	m->queue[m->queue_n++] = (struct queued){kind, m->stamp, at, m->text.len - at, url_len};
}

static void queue_snapshot(struct market *m, struct crier *c)
{
	const struct dialect *d = m->o.dialect;
	size_t at = m->text.len, url_len;

	if (!d->snapshot_in_stream)
		d->tell_snapshot_url(&m->text, &c->spec);
	url_len = m->text.len - at;
	d->tell_snapshot(&m->text, &c->spec, &c->crowd.quotes, m->o.start);
	enqueue(m, d->snapshot_in_stream ? FEED_FRAME : FEED_REPLY, m->o.start, at, url_len);
}

static int add_criers(struct market *m)
{
	const char *rest = m->o.symbols;
	struct text item;

	while (next_item(&rest, &item)) {
		if (m->n == MARKET_SYMBOLS_MAX)
			return ERR_TOO_LONG;
		if (!good_symbol(item))
			return ERR_ARG;
		crier_init(&m->crier[m->n++], &m->o, item);
	}
	for (uint32_t i = 0; i < m->n; i++)
		queue_snapshot(m, &m->crier[i]);
	return m->n > 0 ? 0 : ERR_ARG;
}

int market_new(const struct market_options *o, struct market **ret_market)
{
	struct market *m = calloc(1, sizeof(*m));
	int rc;

	if (m == NULL)
		return ERR_NOMEM;
	m->o = *o;
	if (m->o.rate == 0)
		m->o.rate = RATE_DEFAULT;
	m->stamp = o->start - STAMP_STEP;
	buf_init(&m->text, TEXT_MAX);
	m->crier = calloc(MARKET_SYMBOLS_MAX, sizeof(*m->crier));
	rc = m->crier == NULL ? ERR_NOMEM : add_criers(m);
	if (rc != 0) {
		market_free(m);
		return rc;
	}
	*ret_market = m;
	return 0;
}

void market_free(struct market *m)
{
	if (m == NULL)
		return;
	buf_fini(&m->text);
	free(m->crier);
	free(m);
}

static void kline_trade(struct market_kline *k, const struct fill *t)
{
	fixed_wide value = (fixed_wide)t->price * t->qty;

	if (k->trades++ == 0) {
		k->first_id = t->id;
		k->open = k->high = k->low = t->price;
	}
	k->last_id = t->id;
	k->high = t->price > k->high ? t->price : k->high;
	k->low = t->price < k->low ? t->price : k->low;
	k->close = t->price;
	k->volume += t->qty;
	k->value += value;
	k->taker_volume += t->taker_sold ? 0 : t->qty;
	k->taker_value += t->taker_sold ? 0 : value;
}

static void tell_fill(struct market *m, struct crier *c, const struct fill *t, int64_t now)
{
	size_t at = m->text.len;

	m->o.dialect->tell_trade(&m->text, &c->spec, t, now);
	enqueue(m, FEED_FRAME, now, at, 0);
	at = m->text.len;
	if (m->o.dialect->tell_agg_trade != NULL) {
		m->o.dialect->tell_agg_trade(&m->text, &c->spec, t, now);
		enqueue(m, FEED_FRAME, now, at, 0);
	}
	kline_trade(&c->second, t);
	kline_trade(&c->minute, t);
}

static void tell_top_if_changed(struct market *m, struct crier *c, int64_t now)
{
	struct quote best[2];
	size_t at = m->text.len;
	bool same = true;

	for (int side = 0; side < 2; side++) {
		best[side] = *quotes_at(&c->crowd.quotes, (enum quotes_side)side, 0);
		same = same && best[side].price == c->told[side].price &&
		       best[side].qty == c->told[side].qty;
		c->told[side] = best[side];
	}
	if (same || m->o.dialect->tell_top == NULL)
		return;
	m->o.dialect->tell_top(&m->text, &c->spec, &c->crowd.quotes);
	enqueue(m, FEED_FRAME, now, at, 0);
}

static void act(struct market *m, struct crier *c)
{
	int64_t now = c->next_act;

	c->next_act += crowd_act(&c->crowd, now);
	for (uint32_t i = 0; i < c->crowd.n_fills; i++)
		tell_fill(m, c, &c->crowd.fill[i], now);
	tell_top_if_changed(m, c, now);
}

/* Frames separated by newlines. */
static void enqueue_lines(struct market *m, int64_t now, size_t at)
{
	const char *end;

	while (at < m->text.len && (end = memchr(m->text.at + at, '\n', m->text.len - at)) != NULL) {
		size_t n = (size_t)(end - (const char *)m->text.at) - at;
		enqueue(m, FEED_FRAME, now, at, 0);
		m->queue[m->queue_n - 1].len = n;
		at += n + 1;
	}
	if (at < m->text.len)
		enqueue(m, FEED_FRAME, now, at, 0);
}

static void tell_diff(struct market *m, struct crier *c)
{
	struct quotes *q = &c->crowd.quotes;
	size_t at = m->text.len;

	if (q->update_id != q->diff_id) {
		m->o.dialect->tell_diff(&m->text, &c->spec, q, c->next_diff);
		enqueue_lines(m, c->next_diff, at);
		quotes_told(q);
	}
	c->next_diff += DIFF_EVERY;
}

static void tell_kline(struct market *m, struct crier *c, const struct market_kline *k, bool closed)
{
	size_t at = m->text.len;

	if (m->o.dialect->tell_kline == NULL)
		return;
	m->o.dialect->tell_kline(&m->text, &c->spec, k, c->next_second, closed);
	if (m->text.len > at) /* not every venue has every length */
		enqueue(m, FEED_FRAME, c->next_second, at, 0);
}

static void turn_second(struct market *m, struct crier *c)
{
	int64_t now = c->next_second;
	bool minute_over = now == c->minute.open_at + c->minute.span;

	tell_kline(m, c, &c->second, true);
	tell_kline(m, c, &c->minute, minute_over);
	kline_begin(&c->second, now, SECOND, c->second.close);
	if (minute_over)
		kline_begin(&c->minute, now, 60 * SECOND, c->minute.close);
	c->next_second += SECOND;
}

static int64_t next_time(const struct crier *c)
{
	int64_t t = c->next_act < c->next_diff ? c->next_act : c->next_diff;

	return c->next_second < t ? c->next_second : t;
}

/* Lets whoever is next act; at one instant an action comes before the diff and the diff before the
 * klines. */
static int advance(struct market *m)
{
	struct crier *next = &m->crier[0];
	int64_t now;

	for (uint32_t i = 1; i < m->n; i++)
		if (next_time(&m->crier[i]) < next_time(next))
			next = &m->crier[i];
	now = next_time(next);
	if (m->o.duration > 0 && now > m->o.start + m->o.duration)
		return ERR_CLOSED;
	if (now == next->next_act)
		act(m, next);
	else if (now == next->next_diff)
		tell_diff(m, next);
	else
		turn_second(m, next);
	return 0;
}

int market_next(struct market *m, struct feed_line *ret_line)
{
	while (m->queue_at == m->queue_n) {
		m->queue_at = m->queue_n = 0;
		buf_clear(&m->text);
		int rc = advance(m);
		if (rc != 0)
			return rc;
	}
	const struct queued *q = &m->queue[m->queue_at++];
	const char *at = (const char *)m->text.at + q->at;
	struct feed_line line = {.kind = q->kind, .stamp = q->stamp};
	line.url = (struct text){at, q->url_len};
	line.raw = (struct text){at + q->url_len, q->len - q->url_len};
	if (q->kind == FEED_FRAME)
		must(m->o.dialect->line(&line, m->name));
	*ret_line = line;
	return 0;
}
