/* tap_offset - where `nj tap -o` begins and ends, as kcat's users write it.
 *
 *     beginning | end | stored | -N (the last N events) | -TIME (-5m) | @WHEN or s@WHEN | e@WHEN
 *     WHEN: 2026-11-22T12:00:00.5Z, 2026-11-22, 12:00 (today), seconds, ms, us or ns since 1970, -TIME
 *
 * Times are event times (ts_recv). Ones that count back do so from the newest event there is, so that they mean the
 * same in a replay of last year. Several are joined: "s@12:00" and "e@12:05", or "s@12:00,e@12:05". Pure.
 */
#ifndef NJ_TOOLS_NJ_TAP_OFFSET_H
#define NJ_TOOLS_NJ_TAP_OFFSET_H

#include "tools/nj/cli.h"

#define TAP_LAST_MAX 100000

enum tap_from { TAP_FROM_END, TAP_FROM_BEGINNING, TAP_FROM_LAST, TAP_FROM_TIME, TAP_FROM_STORED };

struct tap_moment {
	int64_t at; /* ns since 1970; where back: ns before the newest event */
	bool back;
};

struct tap_offset {
	enum tap_from from;
	int64_t n;               /* TAP_FROM_LAST */
	struct tap_moment begin; /* TAP_FROM_TIME: the first event is at or after it */
	struct tap_moment end;   /* events before it only */
	bool has_end;
};

/* now: wall clock, for times without a date. ERR_ARG with a reason for people. */
int tap_offset_parse(const struct cli_list *texts, int64_t now, struct tap_offset *ret_offset, char *reason,
		     size_t cap);

/* The moment's ns since 1970, where the newest event is of `newest`. */
int64_t tap_moment_at(const struct tap_moment *m, int64_t newest);

#endif
