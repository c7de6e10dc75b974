/* archive - klines and trades from files that others wrote, into the history file; compressed or not (zfile.h).
 *
 * Read are the venues' own dumps (data.binance.vision: klines and trades as CSV, with or without a heading, in ms or
 * us, and USD-M's aggregates, which have one), CSV with a heading (date or time or open_time, open, high, low, close,
 * volume), and freqtrade's JSON: candles [ms, o, h, l, c, v], trades [ms, id, type, side, price, amount, …]. Numbers
 * are taken as written; those with more than eight decimals are doubles that somebody printed, and are rounded there,
 * half to even. Their origin is replay.
 */
#ifndef NJ_TOOLS_NJ_ARCHIVE_H
#define NJ_TOOLS_NJ_ARCHIVE_H

#include <stdint.h>

#include "services/persister/store_history.h"

struct archive_options {
	const char *path;
	struct symbol instrument;
	const char *interval; /* of klines; NULL: trades */
};

struct archive_result {
	uint64_t rows, fresh;
	int64_t from, to; /* first and last time */
};

/* All of a file or nothing of it. ERR_NOT_FOUND, ERR_CORRUPT, what a row is wrong with (reason names line or row). */
int archive_import(const struct archive_options *o, struct history *h, struct archive_result *ret_result, char *reason,
		   size_t cap);

#endif
