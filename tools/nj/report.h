/* report - what a run came to, folded from its lane-X records. Pure: no file, no clock, no print. */
#ifndef NJ_TOOLS_NJ_REPORT_H
#define NJ_TOOLS_NJ_REPORT_H

#include <stdbool.h>

#include "common/base/hist.h"
#include "proto/event.h"
#include "tools/nj/assumed.h"

#define REPORT_GAPS_MAX 32
#define REPORT_FEEDS_MAX 16
#define REPORT_ACCOUNTS_MAX 8 /* as many as an executor has; what comes beyond is not told */

struct report_gap {
	char stream[EVENT_NAME_MAX];
	uint8_t cause;
	uint64_t count;
	int64_t blind_ns; /* of those whose begin is known */
};

struct report_feed {
	char venue[EVENT_NAME_MAX], source[EVENT_NAME_MAX]; /* two collectors may follow one venue */
	uint32_t connection;
	uint8_t state;
	int64_t since, live_ns, down_ns;
};

struct report_account {
	char name[EVENT_NAME_MAX];
	bool has_equity, funded, was_funded; /* funded: and no worth since that says how much */
	struct ev_equity first, last; /* first: of those that are marked, where any is; with `taken` */
	int64_t worth;		      /* the newest that is marked */
	int64_t taken;		      /* over from the venue, after the first worth */
	struct ev_trading_state trading; /* state 0: none was told */
};

struct report {
	uint64_t records;
	uint64_t by_origin[4]; /* records of the account, by enum origin */
	uint64_t makers, takers, partials, intents, alerts_critical, alerts_warning;
	uint64_t parity, parity_of[16]; /* inputs; of them by enum parity_cause */
	struct assumed assumed;
	int64_t first, last; /* ts_recv, but for the opening of an account in 1970; 0: none yet */
	struct report_account account[REPORT_ACCOUNTS_MAX]; /* in the order in which they were heard of */
	size_t n_accounts;
	uint64_t safe_entered;
	struct report_gap gap[REPORT_GAPS_MAX];
	size_t n_gaps;
	uint64_t gaps_total; /* also those of kinds beyond REPORT_GAPS_MAX */
	struct report_feed feed[REPORT_FEEDS_MAX];
	size_t n_feeds;
	/* Real time from the market event that caused an intent to the intent's publication; not of
	 * replays, whose causes were stamped long ago. */
	struct hist intent_age;
};

void report_init(struct report *r);
/* In the order of publisher, epoch, seq. */
void report_on_event(struct report *r, const struct event *ev);
/* After the last record: what is still going on lasts until `now` (ts_recv). */
void report_end(struct report *r, int64_t now);

#endif
