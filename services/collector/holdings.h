/* holdings - what we hold at the venue: polled each minute, told by its stream, one checked against the other.
 *
 * Pure: it says what to ask for and takes answers and events; no clock, no I/O, no key.
 *
 *              a round answered in full              none for stale_ns
 *     UNKNOWN ------------------------> KNOWN ---------------------------> STALE
 *        \                               ^  ^--- a round answered in full ---/
 *         \--- the key is refused --> REFUSED <--- the key is refused --- any
 *
 * A round asks for balances and positions, page by page, one question at a time; before the first one and once an
 * hour what the key may do. What the stream tells is taken at once. What a poll finds otherwise than the stream left it
 * waits GRACE for the stream to tell it, too; then it is taken as a correction, on record, and people are told: the
 * stream has missed something. After the stream was away the next round is taken as it comes. A reply older than what
 * the stream has told since, by the venue's time or because the question was asked before, changes nothing.
 */
#ifndef NJ_COLLECTOR_HOLDINGS_H
#define NJ_COLLECTOR_HOLDINGS_H

#include "common/service/core.h"
#include "common/venue/venue.h"
#include "common/venue/venue_account.h"

#define HOLDINGS_MAX 1024
#define HOLDINGS_GRACE_NS 5000000000LL
#define HOLDINGS_WAIT_NS 15000000000LL /* for an answer */

struct holding_value {
	uint8_t scale, price_scale;
	int64_t a, b; /* of a balance total and locked, of a position quantity and average price */
	int64_t time; /* the venue's, of its last change; 0 unknown */
};

struct holding {
	bool position;
	char name[SYMBOL_RAW_MAX + 1], leg[8];
	struct holding_value value;
	int64_t heard_at;   /* event time of the stream's last word on it; 0 none */
	uint32_t round;     /* the last that named it */
	/* What a poll found otherwise: since when, and what; 0: nothing. */
	int64_t differs_at;
	struct holding_value differs;
};

struct holdings_settings {
	char account[EVENT_NAME_MAX];
	const struct venue *venue; /* has an account */
	int64_t every_ns, stale_ns;
	bool withdrawals; /* a key that may take money away is put up with */
};

struct holdings_counters {
	uint64_t polls, failures, streamed, late, malformed, unknown, corrections, refusals, lost;
};

/* People are told; the owner sees to it that a rule is raised and resolved once. */
typedef void (*holdings_alert_fn)(void *ctx, enum severity severity, bool raised, const char *rule, const char *text);

struct holdings {
	struct holdings_settings set;
	holdings_alert_fn alert;
	void *alert_ctx;
	uint8_t origin; /* of what the venue says */
	uint8_t state;  /* enum account_state */
	bool started, asked, streamed, steady; /* steady: a round was answered since the stream is there */
	bool differed; /* this round found something otherwise */
	bool unsafe;   /* our clock is too far off to sign by it */
	enum venue_account_ask ask;
	char cursor[SYMBOL_RAW_MAX + 1];
	int64_t due;         /* of the next question; where asked: when it is given up */
	int64_t asked_at, known_at, rights_at, since;
	int64_t round_time; /* latest time of the venue's that this round has named */
	uint32_t failures, round;
	struct holding at[HOLDINGS_MAX];
	uint32_t n;
	struct holdings_counters counters;
};

struct holdings_question {
	enum venue_account_ask ask;
	const char *cursor;
};

struct holdings_answer {
	int status; /* of HTTP; 0: there was none */
	const char *body;
	size_t len;
	int64_t retry_after_ns; /* where the venue names a time; else 0 */
	uint8_t origin;         /* enum origin of who answered */
};

enum holdings_word { HOLDINGS_GO_ON, HOLDINGS_SUBSCRIBED, HOLDINGS_RECONNECT };

void holdings_init(struct holdings *h, const struct holdings_settings *set, holdings_alert_fn alert, void *ctx);
void holdings_start(struct holdings *h, int64_t now, const struct sink *out);
int64_t holdings_due(const struct holdings *h); /* of holdings_next; CORE_NEVER before the start */
/* Nothing may be asked of the venue until then; what is under way is waited for all the same. */
void holdings_hold(struct holdings *h, int64_t until);
/* What is to be asked now; false: nothing. Gives up what was not answered, takes corrections, tells what became stale.
 * What is returned counts as asked. */
bool holdings_next(struct holdings *h, int64_t now, struct holdings_question *ret_q, const struct sink *out);
void holdings_on_answer(struct holdings *h, int64_t now, const struct holdings_answer *a, const struct sink *out);
/* A text of the stream. */
enum holdings_word holdings_on_event(struct holdings *h, int64_t now, const char *text, size_t len,
				     const struct sink *out);
/* The stream was lost. */
void holdings_on_stream_lost(struct holdings *h, int64_t now, const struct sink *out);
/* How far our clock is from the venue's for certain, ns: at half of the window and beyond nothing is signed. */
void holdings_on_clock(struct holdings *h, int64_t certain_ns, int64_t window_ns);

#endif
