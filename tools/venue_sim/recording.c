/* recording - one pass over a source before anything is played. */
#include "tools/venue_sim/recording.h"

#include <stdio.h>

#include "common/base/err.h"
#include "common/base/fixed.h"

struct scan { /* whose numbers are being looked at */
	struct rec_symbol *symbol;
};

static void widen(uint8_t *scale, uint8_t *digits, struct text number)
{
	const char *point = memchr(number.at, '.', number.len);
	size_t written = point != NULL ? (size_t)(number.at + number.len - point - 1) : 0;
	int used;

	if (fixed_scale_of(number.at, number.len, &used) != 0 || written > FIXED_SCALE_MAX)
		return;
	if (used > *scale)
		*scale = (uint8_t)used;
	if (written > *digits)
		*digits = (uint8_t)written;
}

void recording_widen(struct rec_symbol *s, struct text price, struct text qty)
{
	widen(&s->price_scale, &s->price_digits, price);
	widen(&s->qty_scale, &s->qty_digits, qty);
}

static void on_number(void *ctx, struct text price, struct text qty)
{
	recording_widen(((struct scan *)ctx)->symbol, price, qty);
}

struct rec_symbol *recording_add(struct recording *r, struct text name)
{
	struct rec_symbol *s;

	if (name.len == 0 || name.len >= MARKET_SYMBOL_LEN)
		return NULL;
	s = strmap_put(&r->symbols, name.at, name.len);
	if (s != NULL && s->name[0] == '\0')
		snprintf(s->name, sizeof(s->name), "%.*s", (int)name.len, name.at);
	return s;
}

static void scan_stream(struct recording *r, const struct feed_line *line,
			const struct frame_facts *facts)
{
	struct rec_stream *s = strmap_put(&r->streams, line->stream.at, line->stream.len);

	if (s == NULL)
		return;
	if (s->frames++ == 0) {
		s->first_stamp = line->stamp;
		s->first_id = facts->first_id;
	}
	s->last_stamp = line->stamp;
	s->last_id = facts->last_id;
}

static void scan_frame(struct recording *r, const struct dialect *d, const struct feed_line *line)
{
	struct frame_facts facts = {0};
	struct rec_symbol *symbol = NULL;

	if (d->frame(line, &facts))
		symbol = recording_add(r, facts.symbol);
	if (d->scan != NULL)
		d->scan(r, line);
	if (r->frames++ == 0)
		r->first_stamp = line->stamp;
	if (line->stamp > r->last_stamp)
		r->last_stamp = line->stamp;
	scan_stream(r, line, &facts);
	if (symbol == NULL)
		return;
	symbol->has_trades = symbol->has_trades || facts.kind == FRAME_TRADE;
	if (facts.kind == FRAME_DEPTH)
		symbol->last_id = facts.last_id;
	d->numbers(line, on_number, &(struct scan){symbol});
}

/* A reply without a url belongs to the symbol whose depth ids are nearest to its own. */
static struct rec_symbol *owner_by_id(const struct recording *r, uint64_t id)
{
	struct rec_symbol *best = NULL;
	uint64_t best_distance = UINT64_MAX;

	for (uint32_t i = 0; i < r->symbols.count; i++) {
		struct rec_symbol *s = strmap_value_at(&r->symbols, i);
		uint64_t distance = s->last_id > id ? s->last_id - id : id - s->last_id;
		if (s->last_id != 0 && distance < best_distance) {
			best = s;
			best_distance = distance;
		}
	}
	return best;
}

static void keep_reply(struct recording *r, const struct feed_line *line, struct rec_reply *reply)
{
	reply->at = r->bodies.len;
	reply->len = line->raw.len;
	reply->stamp = line->stamp;
	if (r->replies.len / sizeof(*reply) == RECORDING_REPLIES_MAX ||
	    buf_append(&r->bodies, line->raw.at, line->raw.len) != 0 ||
	    buf_append(&r->replies, reply, sizeof(*reply)) != 0)
		r->replies_left++;
}

static void scan_reply(struct recording *r, const struct dialect *d, const struct feed_line *line)
{
	struct reply_facts facts = {0};
	struct rec_reply reply = {0};
	struct rec_symbol *symbol = NULL;

	if (!d->reply(line, &facts) || facts.kind == REPLY_OTHER)
		return;
	reply.kind = facts.kind;
	reply.limit = facts.limit;
	if (facts.kind == REPLY_DEPTH) {
		symbol = facts.symbol.len > 0 ? recording_add(r, facts.symbol)
					      : owner_by_id(r, facts.last_id);
		if (symbol == NULL) {
			r->unusable++;
			return;
		}
		snprintf(reply.symbol, sizeof(reply.symbol), "%s", symbol->name);
		d->numbers(line, on_number, &(struct scan){symbol});
	}
	keep_reply(r, line, &reply);
}

/* The generated market knows its own scales; what a venue writes has eight decimals. */
static void scales_of_market(struct recording *r)
{
	for (uint32_t i = 0; i < r->symbols.count; i++) {
		struct rec_symbol *s = strmap_value_at(&r->symbols, i);
		struct market_spec spec = market_spec(text_of(s->name));
		s->price_scale = spec.price_scale;
		s->qty_scale = spec.qty_scale;
		s->has_trades = true;
	}
}

/* The generated market begins with a book for each symbol; where those come on the stream, they are what
 * there is to know of it. */
static bool is_beginning(const struct recording *r, const struct feed_source *source, const struct dialect *d)
{
	uint64_t symbols = 1;

	for (const char *c = source->market->symbols; *c != '\0'; c++)
		symbols += *c == ',';
	return d->snapshot_in_stream && r->frames < symbols;
}

static int scan_all(struct recording *r, struct line_feed *f, const struct feed_source *source,
		    const struct dialect *d)
{
	struct feed_line line;
	int rc;

	while ((rc = feed_next(f, &line)) == 0) {
		if (line.kind == FEED_REPLY) {
			scan_reply(r, d, &line);
		} else if (source->capture != NULL || is_beginning(r, source, d)) {
			scan_frame(r, d, &line);
		} else {
			if (r->frames == 0)
				r->first_stamp = line.stamp;
			break;
		}
	}
	r->unusable += feed_counters(f).unusable;
	return rc;
}

int recording_scan(struct recording *r, const struct feed_source *source, const struct dialect *d,
		   char *reason, size_t cap)
{
	struct line_feed *f = NULL;
	int rc;

	*r = (struct recording){0};
	buf_init(&r->replies, RECORDING_REPLIES_MAX * sizeof(struct rec_reply));
	buf_init(&r->bodies, RECORDING_BODIES_MAX);
	rc = strmap_init(&r->symbols, RECORDING_SYMBOLS_MAX, sizeof(struct rec_symbol));
	if (rc == 0)
		rc = strmap_init(&r->streams, RECORDING_STREAMS_MAX, sizeof(struct rec_stream));
	if (rc == 0)
		rc = feed_open(source, &f, reason, cap);
	if (rc != 0) {
		recording_fini(r);
		return rc;
	}
	r->end = scan_all(r, f, source, d);
	feed_close(f);
	if (source->capture == NULL) {
		strmap_clear(&r->streams); /* there are more than begin it */
		scales_of_market(r);
		r->last_stamp = source->market->duration > 0
					? source->market->start + source->market->duration
					: 0;
	}
	return 0;
}

void recording_fini(struct recording *r)
{
	strmap_fini(&r->symbols);
	strmap_fini(&r->streams);
	buf_fini(&r->replies);
	buf_fini(&r->bodies);
}

const struct rec_symbol *recording_symbol(const struct recording *r, struct text name)
{
	return strmap_get(&r->symbols, name.at, name.len);
}

static const struct rec_reply *reply_at(const struct recording *r, size_t i)
{
	return (const struct rec_reply *)(const void *)r->replies.at + i;
}

const struct rec_reply *recording_depth(const struct recording *r, struct text symbol, int64_t from)
{
	for (size_t i = 0; i < r->replies.len / sizeof(struct rec_reply); i++) {
		const struct rec_reply *reply = reply_at(r, i);
		if (reply->kind == REPLY_DEPTH && reply->stamp >= from &&
		    text_is(symbol, reply->symbol))
			return reply;
	}
	return NULL;
}

const struct rec_reply *recording_info(const struct recording *r)
{
	for (size_t i = 0; i < r->replies.len / sizeof(struct rec_reply); i++)
		if (reply_at(r, i)->kind == REPLY_INFO)
			return reply_at(r, i);
	return NULL;
}

const struct rec_reply *recording_reply(const struct recording *r, const struct feed_line *line)
{
	for (size_t i = 0; i < r->replies.len / sizeof(struct rec_reply); i++)
		if (reply_at(r, i)->stamp == line->stamp && reply_at(r, i)->len == line->raw.len)
			return reply_at(r, i);
	return NULL;
}

struct text recording_body(const struct recording *r, const struct rec_reply *reply)
{
	return (struct text){(const char *)r->bodies.at + reply->at, reply->len};
}
