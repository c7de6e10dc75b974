/* external - see external.h. */
#include "services/strategy/external.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/strategy/backlog.h"

#define SECOND INT64_C(1000000000)
#define LEASE_MIN SECOND
#define LEASE_MAX (60 * SECOND)
#define FIRST_LEASE (10 * SECOND) /* after a start: so long a program has to come */
#define WAIT_MAX (10 * SECOND)    /* of a feed request */

enum { SEATS_MAX = 8, PAGE_RECORDS = 500 };

struct seat {
	char name[EVENT_NAME_MAX], account[EVENT_NAME_MAX];
	struct symbol instrument;
	struct sequencer_input *in;
	struct backlog backlog;
	int64_t last_wish; /* event time of the last one */
	int64_t considered; /* position: what is up to here causes no more wishes */
	char owner[EVENT_NAME_MAX]; /* empty: nobody holds it */
	uint64_t token;
	int64_t lease_ns, lease_until; /* monotonic; until 0: its end is told */
	struct { /* a feed request that waits for something to say */
		bool on;
		struct bus_peer peer;
		uint64_t id;
		int64_t from, until;
		uint32_t limit;
	} wait;
};

struct external {
	struct runtime *rt;
	struct strategy_core *core;
	int64_t latency_ns;
	struct seat seat[SEATS_MAX];
	uint32_t n;
	bool loaded;
};

int external_new(const struct external_options *o, const struct strategy_core_settings *s,
		 struct external **ret_external)
{
	struct external *x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	*x = (struct external){.rt = o->rt, .core = o->core, .latency_ns = o->latency_ns};
	for (uint32_t i = 0; i < s->n_seats; i++) {
		const struct strategy_seat *from = &s->seat[i];
		if (!from->strategy->external)
			continue;
		if (x->n == SEATS_MAX) {
			external_free(x);
			return ERR_FULL;
		}
		struct seat *seat = &x->seat[x->n++];
		event_set_name(seat->name, from->name);
		event_set_name(seat->account, from->account);
		seat->instrument = from->instrument;
		backlog_init(&seat->backlog);
	}
	*ret_external = x;
	return 0;
}

void external_free(struct external *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < x->n; i++)
		backlog_fini(&x->seat[i].backlog);
	free(x);
}

static struct seat *find(struct external *x, const char *name)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (strcmp(x->seat[i].name, name) == 0)
			return &x->seat[i];
	return NULL;
}

/* ---- order and time ---- */

int external_sides(struct external *x)
{
	int rc = 0;
	for (uint32_t i = 0; i < x->n && rc == 0; i++) {
		char name[EVENT_SOURCE_MAX];
		snprintf(name, sizeof name, "external-%u", (unsigned)i);
		rc = runtime_side(x->rt, name, &x->seat[i].in);
	}
	return rc;
}

struct sequencer_input *external_side_of(struct external *x, const struct event *ev)
{
	struct seat *s = find(x, ev->wish.strategy);
	return s ? s->in : NULL;
}

/* Lockstep: nothing more comes from the program before the answer to the oldest event that it has not handled. While a
 * restart is comparing, all it had said is known. */
static void promise(struct external *x)
{
	bool waits = runtime_lockstep(x->rt) && !runtime_verifying(x->rt);
	for (uint32_t i = 0; i < x->n; i++) {
		int64_t oldest = waits ? backlog_oldest(&x->seat[i].backlog, x->seat[i].considered) : CORE_NEVER;
		x->seat[i].in->promised = oldest == CORE_NEVER ? CORE_NEVER : oldest + x->latency_ns - 1;
	}
}

bool external_ready(const struct external *x)
{
	bool full = false;
	for (uint32_t i = 0; i < x->n && runtime_lockstep(x->rt); i++)
		full = full || backlog_full(&x->seat[i].backlog);
	return !full;
}

static void step(void *ctx)
{
	runtime_step(ctx);
}

/* What is known of the promises has changed: the core may go on, after this turn. */
static void go_on(struct external *x)
{
	promise(x);
	loop_defer(runtime_loop(x->rt), step, x->rt);
}

/* ---- what a seat is told ---- */

static bool is_for(const struct seat *s, const struct event *ev)
{
	switch (ev->id) {
	case EVENT_instrument:
		return symbol_equal(&ev->instrument.instrument, &s->instrument);
	case EVENT_trade:
		return symbol_equal(&ev->trade.instrument, &s->instrument);
	case EVENT_book_snapshot:
		return symbol_equal(&ev->book_snapshot.instrument, &s->instrument);
	case EVENT_book_delta:
		return symbol_equal(&ev->book_delta.instrument, &s->instrument);
	case EVENT_book_state:
		return symbol_equal(&ev->book_state.instrument, &s->instrument);
	case EVENT_top:
		return symbol_equal(&ev->top.instrument, &s->instrument);
	case EVENT_candle:
		return symbol_equal(&ev->candle.instrument, &s->instrument);
	case EVENT_order:
		return strcmp(ev->order.strategy, s->name) == 0 && strcmp(ev->order.account, s->account) == 0;
	case EVENT_fill:
		return strcmp(ev->fill.strategy, s->name) == 0 && strcmp(ev->fill.account, s->account) == 0;
	case EVENT_gap:
		return !ev->gap.instrument.s[0] || symbol_equal(&ev->gap.instrument, &s->instrument);
	default:
		return false;
	}
}

static void reply_page(const struct seat *s, int64_t from, uint32_t limit, struct event *reply, struct buf *page)
{
	struct backlog_page p = {.last = from};
	struct ev_reply *r = &reply->reply;
	r->result = backlog_read(&s->backlog, from, limit, page, &p);
	if (r->result == 0 && from < s->backlog.after) {
		r->result = ERR_GAP;
		event_set_text(r->message, "what came before `first` is gone: start anew from here");
	}
	r->first = (uint64_t)s->backlog.after;
	r->last = (uint64_t)p.last;
	r->records = p.records;
	r->more = p.more;
}

static void answer_waiting(struct external *x, struct seat *s)
{
	struct event reply;
	struct buf page;
	event_init(&reply, EVENT_reply);
	reply.reply.verb = verb_feed;
	reply.reply.id = s->wait.id;
	reply.reply.role = s->wait.peer.role;
	buf_init(&page, BUS_FRAME_X_MAX);
	s->wait.on = false;
	reply_page(s, s->wait.from, s->wait.limit, &reply, &page);
	runtime_reply(x->rt, &s->wait.peer, &reply, &page);
	buf_fini(&page);
}

static void flush(void *ctx)
{
	struct external *x = ctx;
	for (uint32_t i = 0; i < x->n; i++) {
		struct seat *s = &x->seat[i];
		if (s->wait.on && s->backlog.position > s->wait.from)
			answer_waiting(x, s);
	}
}

static void conclude(struct external *x, const struct event *ev)
{
	const struct strategy_outcome *o = strategy_core_outcome(x->core, ev->wish.strategy);
	if (!o || !ev->wish.nonce[0])
		return;
	struct runtime_outcome out = {.nonce = ev->wish.nonce,
				      .result = o->result,
				      .seq = runtime_x_last(x->rt),
				      .ordinal = o->ordinal,
				      .client_order_id = o->client_order_id,
				      .message = o->why ? o->why : "an intent is on record"};
	runtime_answer(x->rt, &out);
}

void external_applied(struct external *x, int64_t now, const struct event *ev)
{
	if (x->n == 0)
		return;
	if (ev->id == EVENT_wish)
		conclude(x, ev);
	bool told = false;
	for (uint32_t i = 0; i < x->n; i++)
		if (is_for(&x->seat[i], ev)) {
			backlog_put(&x->seat[i].backlog, now, ev);
			told = told || x->seat[i].wait.on;
		}
	promise(x);
	if (told)
		loop_defer(runtime_loop(x->rt), flush, x);
}

/* ---- who holds a seat ---- */

static void alert(struct external *x, const struct seat *s, bool raised, const char *what)
{
	char text[EVENT_TEXT_MAX];
	snprintf(text, sizeof text, "Seat %s: %s. It does not trade until a program takes it.", s->name, what);
	runtime_alert(x->rt, severity_critical, raised, "external_gone", s->name, text);
}

static int push(struct external *x, struct seat *s, struct event *wish)
{
	uint8_t packed[1024];
	int64_t at = wish->wish.cause_at + x->latency_ns, open = runtime_open_time(x->rt);
	at = at < open ? open : at;
	at = at < s->last_wish ? s->last_wish : at;
	wish->ts_recv = at;
	snprintf(wish->source, sizeof wish->source, "strategy");
	int n = codec_pack(wish, packed, sizeof packed);
	int rc = n < 0 ? n : 0;
	if (rc == 0)
		rc = runtime_side_push(x->rt, s->in, wish, packed, (size_t)n);
	if (rc == 0)
		s->last_wish = at;
	return rc;
}

static void lose(struct external *x, struct seat *s, const char *what)
{
	alert(x, s, true, what);
	s->owner[0] = '\0';
	s->lease_until = 0;
	s->wait.on = false;
	/* In lockstep everything waits for the program, and so do its orders. */
	if (runtime_lockstep(x->rt))
		return;
	struct event wish;
	event_init(&wish, EVENT_wish);
	wish.wish.kind = wish_kind_vacate;
	event_set_name(wish.wish.strategy, s->name);
	event_set_name(wish.wish.cause_source, "strategy");
	wish.wish.cause_at = runtime_now(x->rt);
	event_set_name(wish.wish.owner, "strategy");
	event_set_text(wish.wish.reason, what);
	if (push(x, s, &wish) != 0)
		alert(x, s, true, "its program is gone and its orders could not be cancelled");
	go_on(x);
}

void external_run(struct external *x)
{
	int64_t mono = runtime_mono(x->rt);
	for (uint32_t i = 0; i < x->n; i++) {
		struct seat *s = &x->seat[i];
		s->lease_until = mono + FIRST_LEASE;
		/* Live, without a snapshot: what was before this start is not said again. */
		if (!x->loaded && !runtime_lockstep(x->rt))
			s->backlog.after = s->backlog.position = runtime_open_time(x->rt) - 1;
	}
	promise(x);
}

void external_tick(struct external *x, int64_t mono_ns)
{
	for (uint32_t i = 0; i < x->n; i++) {
		struct seat *s = &x->seat[i];
		if (s->wait.on && mono_ns >= s->wait.until)
			answer_waiting(x, s);
		if (s->lease_until == 0 || mono_ns < s->lease_until)
			continue;
		lose(x, s, s->owner[0] ? "its program has not been heard of" : "no program has come");
	}
}

uint32_t external_empty(const struct external *x)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < x->n; i++)
		n += x->seat[i].owner[0] == '\0';
	return n;
}

/* ---- requests ---- */

static void refuse(struct event *reply, int err, const char *why)
{
	reply->reply.result = err;
	event_set_text(reply->reply.message, why);
}

static void on_seat(struct external *x, struct seat *s, const struct ev_request *r, struct event *reply)
{
	char why[EVENT_TEXT_MAX];
	int64_t mono = runtime_mono(x->rt), now = clock_wall(runtime_clock(x->rt));
	bool held = s->owner[0] && mono < s->lease_until;
	if (!r->owner[0]) {
		refuse(reply, ERR_ARG, "say who you are: owner");
		return;
	}
	if (held && strcmp(s->owner, r->owner) != 0) {
		snprintf(why, sizeof why, "%s holds the seat", s->owner);
		refuse(reply, ERR_BUSY, why);
		return;
	}
	reply->reply.result = 0;
	if (r->lease <= 0) {
		if (held)
			lose(x, s, "its program has given it back");
		return;
	}
	event_set_name(s->owner, r->owner);
	s->token = (uint64_t)now > s->token ? (uint64_t)now : s->token + 1;
	s->lease_ns = r->lease < LEASE_MIN ? LEASE_MIN : r->lease > LEASE_MAX ? LEASE_MAX : r->lease;
	s->lease_until = mono + s->lease_ns;
	s->wait.on = false;
	alert(x, s, false, "a program has taken it");
	reply->reply.of_epoch = s->token;
	reply->reply.first = (uint64_t)s->backlog.after;
	reply->reply.last = (uint64_t)s->backlog.position;
}

static bool may(struct external *x, struct seat *s, const struct ev_request *r, struct event *reply)
{
	if (runtime_life(x->rt) != life_running) {
		refuse(reply, ERR_BUSY, "recovering: not now, try again");
		return false;
	}
	if (!s->owner[0] || r->of_epoch != s->token) {
		refuse(reply, ERR_EPOCH, "the seat is not yours (any more): take it again");
		return false;
	}
	s->lease_until = runtime_mono(x->rt) + s->lease_ns;
	return true;
}

static void on_feed(struct external *x, struct seat *s, const struct ev_request *r, struct event *reply,
		    struct buf *page)
{
	int64_t from = r->from > INT64_MAX ? INT64_MAX : (int64_t)r->from;
	uint32_t limit = r->limit == 0 || r->limit > PAGE_RECORDS ? PAGE_RECORDS : r->limit;
	backlog_handled(&s->backlog, from);
	s->considered = from > s->considered ? from : s->considered;
	go_on(x);
	s->wait.on = false;
	if (s->backlog.position > from || from < s->backlog.after || r->lease <= 0) {
		reply_page(s, from, limit, reply, page);
		return;
	}
	int64_t wait = r->lease < WAIT_MAX ? r->lease : WAIT_MAX;
	wait = wait < s->lease_ns / 2 ? wait : s->lease_ns / 2;
	s->wait.on = true;
	s->wait.id = r->id;
	s->wait.from = from;
	s->wait.limit = limit;
	s->wait.until = runtime_mono(x->rt) + wait;
	runtime_park(x->rt, &s->wait.peer);
}

static void on_wish(struct external *x, struct seat *s, const struct ev_request *r, struct event *reply)
{
	struct event wish;
	size_t used;
	if (codec_unpack(r->payload.at, r->payload.n, NULL, &wish, &used) != 0 || wish.id != EVENT_wish) {
		refuse(reply, ERR_ARG, "the payload is not one packed wish (nj schema --json)");
		return;
	}
	/* A cause that has not happened yet would hold every later wish back. */
	if (wish.wish.cause_at > runtime_open_time(x->rt) || wish.wish.cause_at < 0) {
		refuse(reply, ERR_RANGE, "cause_at is the ts_recv of an event that you were told");
		return;
	}
	/* Wishes come in the order of their causes: what was before this one causes none any more. */
	int64_t cause = backlog_find(&s->backlog, wish.wish.cause_source, wish.wish.cause_at);
	if (cause != INT64_MIN && cause - 1 > s->considered)
		s->considered = cause - 1;
	wish.ts_event = 0;
	wish.wish.applied_at = 0;
	event_set_name(wish.wish.strategy, s->name);
	event_set_name(wish.wish.owner, s->owner);
	event_set_name(wish.wish.nonce, r->nonce);
	int rc = push(x, s, &wish);
	if (rc != 0) {
		refuse(reply, rc, "too many wishes wait for their time");
		return;
	}
	reply->reply.result = 0;
	runtime_hold(x->rt);
	go_on(x);
}

void external_on_request(struct external *x, const struct event *request, struct event *reply, struct buf *page)
{
	const struct ev_request *r = &request->request;
	if (r->verb != verb_seat && r->verb != verb_feed && r->verb != verb_wish) {
		refuse(reply, ERR_UNKNOWN, "this service does not know that verb");
		return;
	}
	struct seat *s = find(x, r->target);
	if (!s) {
		refuse(reply, ERR_NOT_FOUND, "no external seat has this name (strategy.seats)");
		return;
	}
	if (r->verb == verb_seat)
		on_seat(x, s, r, reply);
	else if (may(x, s, r, reply) && r->verb == verb_feed)
		on_feed(x, s, r, reply, page);
	else if (r->verb == verb_wish && reply->reply.result == ERR_UNKNOWN)
		on_wish(x, s, r, reply);
}

/* ---- across restarts ---- */

int external_save(const struct external *x, struct buf *out)
{
	struct packer p = {.out = out};
	pack_array(&p, x->n);
	for (uint32_t i = 0; i < x->n; i++) {
		pack_str(&p, x->seat[i].name);
		pack_i64(&p, x->seat[i].last_wish);
		backlog_save(&x->seat[i].backlog, &p);
	}
	return p.err;
}

/* Into the seat of its name; one that is not there any more is read to its end. */
static int load_seat(struct external *x, struct unpacker *u)
{
	char name[EVENT_NAME_MAX];
	struct backlog gone;
	unpack_str(u, name, sizeof name);
	int64_t last_wish = unpack_i64(u);
	struct seat *s = u->err ? NULL : find(x, name);
	if (s) {
		s->last_wish = last_wish;
		return backlog_load(&s->backlog, u);
	}
	backlog_init(&gone);
	int rc = backlog_load(&gone, u);
	backlog_fini(&gone);
	return rc;
}

int external_load(struct external *x, const uint8_t *at, size_t len)
{
	struct unpacker u = {.at = at, .end = at + len};
	uint32_t n = unpack_array(&u);
	int rc = 0;
	for (uint32_t i = 0; i < n && rc == 0 && !u.err; i++)
		rc = load_seat(x, &u);
	x->loaded = rc == 0 && !u.err;
	return rc != 0 ? rc : u.err;
}
