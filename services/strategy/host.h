/* host - the inside of the strategy core: views of instruments and seats of strategies. */
#ifndef NJ_STRATEGY_HOST_H
#define NJ_STRATEGY_HOST_H

#include "common/venue/book.h"
#include "proto/codec.h"
#include "services/strategy/core.h"

struct view { /* what is known of an instrument that some seat trades */
	struct symbol symbol;
	struct ev_instrument def;
	struct book book;   /* where wants_book */
	int64_t heard_at;   /* ts_recv of the last word about the book */
	uint8_t state;      /* enum book_state */
	char source[EVENT_SOURCE_MAX]; /* the publisher that speaks of it; "" not heard yet */
	bool known, wants_book, has_book;
	bool loaded; /* the state that was loaded knew it */
};

struct strategy_ctx { /* a seat, as its strategy sees it */
	struct strategy_core *core;
	const struct strategy *strategy;
	char name[EVENT_NAME_MAX], account[EVENT_NAME_MAX];
	struct view *view;
	void *params, *state; /* owned */
	uint64_t ordinal;     /* of its last intent */
	int64_t position;     /* at STRATEGY_QTY_SCALE */
	struct strategy_open open[STRATEGY_ORDERS_MAX]; /* oldest first */
	uint32_t n_open;
	/* during a call */
	const struct sink *out;
	const struct event *cause;
	const char *wish; /* nonce of the wish that is being obeyed; NULL none */
	int64_t now;
	struct strategy_outcome outcome; /* of its last wish */
};

struct retired { /* a seat of former settings */
	char name[EVENT_NAME_MAX], account[EVENT_NAME_MAX];
	uint64_t ordinal;
};

struct strategy_core {
	struct strategy_core_settings settings;
	struct strategy_core_counters counters;
	char run_id[EVENT_NAME_MAX];
	struct view view[STRATEGY_SEATS_MAX];
	uint32_t n_views;
	struct strategy_ctx seat[STRATEGY_SEATS_MAX];
	uint32_t n_seats;
	struct retired retired[STRATEGY_SEATS_MAX];
	uint32_t n_retired;
	uint32_t anew; /* seats whose strategy was begun anew when the state was loaded */
	bool blind;    /* a view that the loaded state knows nothing of */
	uint8_t origin;
};

/* view.c */
int view_init(struct view *v, const struct symbol *symbol, bool wants_book, uint32_t levels);
void view_fini(struct view *v);
/* ERR_TYPE, ERR_RANGE: a book event that does not fit; the book is given up then. */
int view_on_event(struct view *v, const struct event *ev);
void view_lose_book(struct view *v);
bool view_trusted(const struct view *v, int64_t now, int64_t stale_ns);
void view_save(const struct view *v, struct packer *p);
int view_load(struct strategy_core *c, uint64_t version, struct unpacker *u);

struct view *view_find(struct strategy_core *c, const struct symbol *symbol); /* or NULL */

/* seat.c */
int seat_init(struct strategy_ctx *seat, const struct strategy_seat *as, char *why);
void seat_fini(struct strategy_ctx *seat);
bool seat_on_feedback(struct strategy_ctx *seat, const struct event *ev); /* false: not its own */
void seat_on_own(struct strategy_ctx *seat, const struct event *intent); /* from our own journal */
/* The orders of an intent, its first and those of its link, are open from here on; its last ordinal is theirs. */
void seat_open(struct strategy_ctx *seat, const struct event *intent);
void seat_client_id(const struct strategy_ctx *seat, uint64_t ordinal, char out[EVENT_NAME_MAX]);
void seat_save(const struct strategy_ctx *seat, struct packer *p);
/* The next saved seat, into the one of its name. ERR_DIFFERS: its account is another one; or it has another instrument,
 * or is not there any more, and still has orders or a position. */
int seat_load(struct strategy_core *c, uint64_t format, struct unpacker *u);
void retired_save(const struct retired *r, struct packer *p);

/* ctx.c: what is wrong with it whatever the market is, in words; NULL: nothing. */
const char *seat_nonsense(const struct strategy_wish *w);

/* wish.c: what an external program asks of its seat; the refusal is also the seat's outcome. */
int wish_on_event(struct strategy_ctx *seat, int64_t now, const struct ev_wish *w, const struct sink *out);

/* save.c */
int strategy_core_save(const void *core, struct buf *out);
int strategy_core_load(void *core, const uint8_t *at, size_t len);

#endif
