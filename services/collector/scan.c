/* scan - which of a venue's markets are followed.
 *
 *     IDLE --every_ns, or a market was announced--> PAGING --last page--> CLOSING --all asked--> IDLE
 *     IDLE --something is to be adopted--> ADOPTING --all asked--> PAGING
 *     ADOPTING, PAGING, CLOSING --no reply, or one that makes no sense--> IDLE, again after retry_ns, doubling
 *
 * ADOPTING asks for the markets of instruments that an earlier life followed: they have the first right to a place.
 *
 * PAGING walks the listings that are open and fit the filter. A market that is followed already stays; of the others
 * the most traded ones get the places that are free. Places are not taken from a market that another has overtaken:
 * what is recorded of a market shall have no holes.
 *
 * CLOSING asks for those that have a place and were not among the open ones any more, or have passed their end. A
 * market leaves its place when its outcome is on record, by the stream (scan_on_recorded) or by this (resolve); or when
 * it has none linger_ns after its end.
 */
#include "services/collector/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"

#define SECOND 1000000000LL
#define NEVER INT64_MAX
#define PATH_MAX_BYTES (64 << 10)

enum phase { IDLE, ADOPTING, PAGING, CLOSING };

struct place {
	bool taken;
	bool seen;         /* among the open ones of this round */
	bool asked;        /* in CLOSING of this round */
	uint32_t recorded; /* bit per outcome */
	struct venue_listing listing;
};

struct orphan {
	char raw[SYMBOL_RAW_MAX + 1];
	uint8_t asked; /* AS_OPEN, then AS_CLOSED */
};

enum { AS_OPEN = 1, AS_CLOSED };

struct scan {
	struct scan_settings set;
	struct scan_actions actions;
	struct scan_counters count;
	enum phase phase;
	struct place *places;             /* owned: markets_max */
	struct venue_listing *candidates; /* owned: markets_max; the best of this round that have no place */
	uint32_t n_candidates, left_out;
	struct orphan *orphans; /* owned: markets_max * VENUE_OUTCOMES_MAX; to be adopted */
	uint32_t n_orphans;
	uint64_t gone[SCAN_GONE]; /* hashes of instruments whose outcomes are on record; 0: none */
	uint32_t n_gone;
	uint8_t adopting; /* AS_OPEN: they are asked for as such now */
	uint32_t offset, rows, pages; /* of the page under way; rows that it brought */
	bool cut;
	int64_t now, round_at, due;
	bool announced;
	uint32_t failures;
	uint64_t id; /* of the request under way; 0 none */
	int64_t asked_at;
	struct buf path;
};

void scan_defaults(struct scan_settings *s, const struct venue *venue)
{
	*s = (struct scan_settings){
		.venue = venue,
		.markets_max = 50,
		.page = 100,
		.pages_max = 50,
		.every_ns = 60 * SECOND,
		.soon_ns = 5 * SECOND,
		.reply_ns = 10 * SECOND,
		.retry_ns = SECOND,
		.linger_ns = 7 * 86400 * SECOND,
	};
}

static int64_t after(int64_t at, int64_t ns)
{
	return at > NEVER - ns ? NEVER : at + ns;
}

/* ---- outcomes on record ---- */

static void remember(struct scan *s, const char *raw)
{
	s->gone[s->n_gone++ % SCAN_GONE] = hash_bytes(raw, strlen(raw));
}

static bool is_gone(const struct scan *s, const struct venue_listing *l)
{
	for (uint32_t k = 0; k < l->outcomes; k++) {
		uint64_t hash = hash_bytes(l->outcome[k].raw, strlen(l->outcome[k].raw));
		for (uint32_t i = 0; i < SCAN_GONE; i++)
			if (s->gone[i] == hash)
				return true;
	}
	return false;
}

/* ---- places ---- */

static struct place *place_of(struct scan *s, const char *group)
{
	for (uint32_t i = 0; i < s->set.markets_max; i++)
		if (s->places[i].taken && strcmp(s->places[i].listing.group, group) == 0)
			return &s->places[i];
	return NULL;
}

static void leave(struct scan *s, struct place *p)
{
	p->taken = false;
	s->count.dropped++;
	s->actions.drop(s->actions.ctx, &p->listing);
}

static bool take(struct scan *s, struct place *p, const struct venue_listing *l)
{
	if (!s->actions.follow(s->actions.ctx, l))
		return false;
	*p = (struct place){.taken = true, .seen = true, .listing = *l};
	s->count.followed++;
	return true;
}

static struct place *free_place(struct scan *s)
{
	for (uint32_t i = 0; i < s->set.markets_max; i++)
		if (!s->places[i].taken)
			return &s->places[i];
	return NULL;
}

/* More traded first; equal ones in a fixed order. */
static bool goes_before(const struct venue_listing *a, const struct venue_listing *b)
{
	return a->volume != b->volume ? a->volume > b->volume : strcmp(a->group, b->group) < 0;
}

static void add_candidate(struct scan *s, const struct venue_listing *l)
{
	uint32_t i = 0, worst = 0;

	for (; i < s->n_candidates; i++) {
		if (strcmp(s->candidates[i].group, l->group) == 0)
			return; /* pages shift while they are walked */
		if (goes_before(&s->candidates[worst], &s->candidates[i]))
			worst = i;
	}
	if (i < s->set.markets_max) {
		s->candidates[s->n_candidates++] = *l;
		return;
	}
	s->left_out++;
	if (goes_before(l, &s->candidates[worst]))
		s->candidates[worst] = *l;
}

static bool fits(const struct scan *s, const struct venue_listing *l)
{
	const struct venue_filter *f = &s->set.filter;

	return l->open && !l->resolved && l->outcomes > 0 && l->volume >= f->volume_min &&
	       (f->ends_from == 0 || l->ends == 0 || l->ends >= f->ends_from) &&
	       (f->ends == 0 || (l->ends != 0 && l->ends <= f->ends));
}

static void fill_places(struct scan *s)
{
	struct place *p = free_place(s);

	while (p != NULL && s->n_candidates > 0) {
		uint32_t best = 0;
		for (uint32_t k = 1; k < s->n_candidates; k++)
			best = goes_before(&s->candidates[k], &s->candidates[best]) ? k : best;
		s->left_out += !take(s, p, &s->candidates[best]);
		s->candidates[best] = s->candidates[--s->n_candidates];
		p = free_place(s);
	}
	s->count.left_out = s->left_out + s->n_candidates;
}

/* ---- reading ---- */

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	(void)raw;
	(void)len;
	return NULL;
}

static void on_open(struct scan *s, const struct venue_listing *l)
{
	struct place *p = place_of(s, l->group);

	if (p != NULL) {
		p->seen = l->open;
		p->listing.volume = l->volume;
		p->listing.ends = l->ends;
	} else if (fits(s, l) && !is_gone(s, l)) {
		add_candidate(s, l);
	}
}

static void on_closed(struct scan *s, const struct venue_listing *l)
{
	struct place *p = place_of(s, l->group);

	if (p == NULL || !l->resolved)
		return;
	p->listing = *l;
	if (!s->actions.resolve(s->actions.ctx, l))
		return;
	for (uint32_t k = 0; k < l->outcomes; k++)
		remember(s, l->outcome[k].raw);
	leave(s, p);
}

static bool is_orphan(struct scan *s, const char *raw)
{
	for (uint32_t i = 0; i < s->n_orphans; i++) {
		if (strcmp(s->orphans[i].raw, raw) != 0)
			continue;
		s->orphans[i] = s->orphans[--s->n_orphans];
		return true;
	}
	return false;
}

/* Of its instruments one may have been followed when that life ended, the other not yet. */
static void on_adopted(struct scan *s, const struct venue_listing *l)
{
	bool ours = false;

	for (uint32_t k = 0; k < l->outcomes; k++)
		ours = is_orphan(s, l->outcome[k].raw) || ours;
	if (!ours || place_of(s, l->group) != NULL)
		return;
	struct place *p = free_place(s);
	if (p == NULL || !take(s, p, l)) {
		s->actions.drop(s->actions.ctx, l);
		return;
	}
	p->seen = l->open;
	if (l->resolved)
		on_closed(s, l);
}

static void on_message(void *ctx, const struct venue_message *m)
{
	struct scan *s = ctx;

	s->rows++;
	s->count.misfits += m->kind != VENUE_LISTING;
	if (m->kind != VENUE_LISTING)
		return;
	s->count.listings++;
	if (s->phase == PAGING)
		on_open(s, m->listing);
	else if (s->phase == ADOPTING)
		on_adopted(s, m->listing);
	else
		on_closed(s, m->listing);
}

/* A row that makes no sense spoils nothing but itself; a text without rows is no page. */
static int read_page(struct scan *s, const char *text, size_t len)
{
	struct venue_input in = {.text = text, .len = len, .ask = VENUE_ASK_LISTINGS, .limit = s->set.page};
	struct venue_output out = {.ctx = s, .find = find, .message = on_message};

	s->rows = 0;
	int rc = s->set.venue->decode(&in, &out);
	return s->rows > 0 ? 0 : rc;
}

/* ---- asking ---- */

static void rest(struct scan *s, int64_t ns)
{
	s->phase = IDLE;
	s->id = 0;
	s->due = after(s->now, ns);
	if (s->announced) {
		int64_t soon = after(s->round_at, s->set.soon_ns);
		s->due = soon < s->due ? soon : s->due;
	}
}

static void fail(struct scan *s)
{
	int64_t wait = s->set.retry_ns;

	for (uint32_t i = 0; i < s->failures && wait < s->set.every_ns; i++)
		wait *= 2;
	s->failures++;
	s->count.failures++;
	rest(s, wait < s->set.every_ns ? wait : s->set.every_ns);
}

static void ask(struct scan *s, const struct venue_request *r)
{
	uint32_t weight = 0;

	buf_clear(&s->path);
	int rc = s->set.venue->request(r, &s->path, &weight);
	if (rc == 0)
		rc = buf_byte(&s->path, 0);
	if (rc < 0) {
		fail(s);
		return;
	}
	s->id = ++s->count.requests;
	s->asked_at = s->now;
	s->due = after(s->now, s->set.reply_ns);
	s->actions.ask(s->actions.ctx, s->id, (const char *)s->path.at, weight);
}

static void ask_page(struct scan *s)
{
	ask(s, &(struct venue_request){
		       .ask = VENUE_ASK_LISTINGS, .limit = s->set.page, .offset = s->offset, .filter = &s->set.filter});
}

/* Not among the open ones, or past its end: perhaps its outcome is known. */
static bool wants_outcome(const struct scan *s, const struct place *p)
{
	bool ended = p->listing.ends != 0 && p->listing.ends <= s->now;

	return p->taken && !p->asked && (ended || (!p->seen && !s->cut));
}

/* Markets by one of their tokens each. */
struct tokens {
	struct venue_market market[64];
	const struct venue_market *list[64];
	uint32_t n, most;
};

static void begin_tokens(const struct scan *s, struct tokens *t)
{
	t->n = 0;
	t->most = ARRAY_LEN(t->market);
	if (s->set.venue->describe_max != 0 && s->set.venue->describe_max < t->most)
		t->most = s->set.venue->describe_max;
}

static void add_token(const struct scan *s, struct tokens *t, const char *raw)
{
	if (venue_market_init(s->set.venue, raw, strlen(raw), &t->market[t->n]) != 0)
		return;
	t->list[t->n] = &t->market[t->n];
	t->n++;
}

static void ask_tokens(struct scan *s, const struct tokens *t, bool closed)
{
	ask(s, &(struct venue_request){
		       .ask = VENUE_ASK_INSTRUMENTS, .markets = t->list, .n = t->n, .closed = closed});
}

static void ask_closed(struct scan *s)
{
	struct tokens t;

	begin_tokens(s, &t);
	for (uint32_t i = 0; i < s->set.markets_max && t.n < t.most; i++) {
		struct place *p = &s->places[i];
		if (!wants_outcome(s, p))
			continue;
		p->asked = true;
		add_token(s, &t, p->listing.outcome[0].raw);
	}
	if (t.n > 0) {
		ask_tokens(s, &t, true);
		return;
	}
	s->count.rounds++;
	s->count.rounds_cut += s->cut;
	s->failures = 0;
	rest(s, s->set.every_ns);
}

/* ---- rounds ---- */

static void give_up_old(struct scan *s)
{
	for (uint32_t i = 0; i < s->set.markets_max; i++) {
		struct place *p = &s->places[i];
		if (!p->taken || p->listing.ends == 0 || s->now < after(p->listing.ends, s->set.linger_ns))
			continue;
		s->count.given_up++;
		leave(s, p);
	}
}

/* The venue knows nothing of them, open or closed. */
static void drop_orphans(struct scan *s)
{
	while (s->n_orphans > 0) {
		struct venue_listing l = {.outcomes = 1};
		memcpy(l.outcome[0].raw, s->orphans[--s->n_orphans].raw, sizeof(l.outcome[0].raw));
		s->actions.drop(s->actions.ctx, &l);
	}
}

static void begin_paging(struct scan *s);

static void ask_orphans(struct scan *s)
{
	struct tokens t;

	begin_tokens(s, &t);
	for (; s->adopting <= AS_CLOSED; s->adopting++) {
		for (uint32_t i = 0; i < s->n_orphans && t.n < t.most; i++) {
			if (s->orphans[i].asked >= s->adopting)
				continue;
			s->orphans[i].asked = s->adopting;
			add_token(s, &t, s->orphans[i].raw);
		}
		if (t.n > 0) {
			ask_tokens(s, &t, s->adopting == AS_CLOSED);
			return;
		}
	}
	drop_orphans(s);
	begin_paging(s);
}

static void begin_round(struct scan *s)
{
	s->round_at = s->now;
	if (s->n_orphans == 0) {
		begin_paging(s);
		return;
	}
	s->phase = ADOPTING;
	s->adopting = AS_OPEN;
	for (uint32_t i = 0; i < s->n_orphans; i++)
		s->orphans[i].asked = 0;
	ask_orphans(s);
}

static void begin_paging(struct scan *s)
{
	give_up_old(s);
	for (uint32_t i = 0; i < s->set.markets_max; i++)
		s->places[i].seen = s->places[i].asked = false;
	s->phase = PAGING;
	s->announced = s->cut = false;
	s->n_candidates = s->left_out = s->offset = s->pages = 0;
	if (s->set.ends_within_ns != 0) {
		s->set.filter.ends_from = s->now;
		s->set.filter.ends = after(s->now, s->set.ends_within_ns);
	}
	ask_page(s);
}

static void end_paging(struct scan *s)
{
	s->phase = CLOSING;
	ask_closed(s);
}

static void next_page(struct scan *s)
{
	s->pages++;
	s->offset += s->rows;
	s->cut = s->rows == s->set.page && s->pages == s->set.pages_max;
	if (s->rows == s->set.page && !s->cut) {
		ask_page(s);
		return;
	}
	fill_places(s);
	end_paging(s);
}

void scan_adopt(struct scan *s, const char *raw)
{
	if (s->n_orphans == s->set.markets_max * VENUE_OUTCOMES_MAX) {
		struct venue_listing l = {.outcomes = 1};
		snprintf(l.outcome[0].raw, sizeof(l.outcome[0].raw), "%s", raw);
		s->actions.drop(s->actions.ctx, &l);
		return;
	}
	struct orphan *o = &s->orphans[s->n_orphans++];
	o->asked = 0;
	snprintf(o->raw, sizeof(o->raw), "%s", raw);
}

void scan_start(struct scan *s, int64_t now)
{
	s->now = now;
	begin_round(s);
}

void scan_on_reply(struct scan *s, int64_t now, uint64_t id, const char *text, size_t len)
{
	s->now = now;
	if (id != s->id || s->id == 0)
		return;
	s->id = 0;
	if (text == NULL || read_page(s, text, len) < 0)
		fail(s);
	else if (s->phase == PAGING)
		next_page(s);
	else if (s->phase == ADOPTING)
		ask_orphans(s);
	else
		ask_closed(s);
}

void scan_on_announced(struct scan *s, int64_t now)
{
	s->now = now;
	s->announced = true;
	if (s->phase == IDLE && s->failures == 0)
		rest(s, s->due > now ? s->due - now : 0);
}

void scan_on_recorded(struct scan *s, int64_t now, const char *raw)
{
	s->now = now;
	remember(s, raw);
	for (uint32_t i = 0; i < s->set.markets_max; i++) {
		struct place *p = &s->places[i];
		for (uint32_t k = 0; p->taken && k < p->listing.outcomes; k++) {
			if (strcmp(p->listing.outcome[k].raw, raw) != 0)
				continue;
			p->recorded |= 1u << k;
			if (p->recorded == (1u << p->listing.outcomes) - 1)
				leave(s, p);
			return;
		}
	}
}

int64_t scan_due(const struct scan *s)
{
	return s->due;
}

void scan_on_timer(struct scan *s, int64_t now)
{
	s->now = now;
	if (now < s->due)
		return;
	if (s->phase == IDLE)
		begin_round(s);
	else
		fail(s);
}

/* ---- making ---- */

static bool makes_sense(const struct scan_settings *s)
{
	bool times = s->every_ns > 0 && s->soon_ns > 0 && s->reply_ns > 0 && s->retry_ns > 0 && s->linger_ns >= 0 &&
		     s->ends_within_ns >= 0;

	return s->venue != NULL && s->venue->has_listings && times && s->markets_max > 0 && s->markets_max <= 4096 &&
	       s->page > 0 && s->page <= 500 && s->pages_max > 0;
}

int scan_new(const struct scan_settings *settings, const struct scan_actions *actions, struct scan **ret_scan)
{
	if (!makes_sense(settings))
		return ERR_ARG;
	struct scan *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NOMEM;
	s->set = *settings;
	s->actions = *actions;
	s->due = NEVER;
	buf_init(&s->path, PATH_MAX_BYTES);
	s->places = calloc(settings->markets_max, sizeof(*s->places));
	s->candidates = calloc(settings->markets_max, sizeof(*s->candidates));
	s->orphans = calloc((size_t)settings->markets_max * VENUE_OUTCOMES_MAX, sizeof(*s->orphans));
	if (s->places == NULL || s->candidates == NULL || s->orphans == NULL) {
		scan_free(s);
		return ERR_NOMEM;
	}
	*ret_scan = s;
	return 0;
}

void scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->path);
	free(s->places);
	free(s->candidates);
	free(s->orphans);
	free(s);
}

void scan_save(const struct scan *s, struct packer *p)
{
	uint32_t n = s->n_gone < SCAN_GONE ? s->n_gone : SCAN_GONE;

	pack_u64(p, n);
	for (uint32_t i = s->n_gone - n; i < s->n_gone; i++)
		pack_u64(p, s->gone[i % SCAN_GONE]);
}

void scan_load(struct scan *s, struct unpacker *u)
{
	uint64_t n = unpack_u64(u);

	for (uint64_t i = 0; i < n && i < SCAN_GONE && u->err == 0; i++)
		s->gone[s->n_gone++ % SCAN_GONE] = unpack_u64(u);
}

uint32_t scan_followed(const struct scan *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->set.markets_max; i++)
		n += s->places[i].taken;
	return n;
}

const struct scan_counters *scan_counters(const struct scan *s)
{
	return &s->count;
}
