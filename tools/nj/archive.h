/* archive - klines and trades from files that others wrote, into the history file; compressed or not (zfile.h).
 *
 * Read are the venues' own dumps, CSV with a heading (date or time or open_time, open, high, low, close, volume), and
 * freqtrade's JSON: candles [ms, o, h, l, c, v], trades [ms, id, type, side, price, amount, …]. Dumps are:
 *
 *   data.binance.vision  klines, trades, aggTrades; with a heading or without, in ms or us (spot since 2025)
 *   public.bybit.com     trading (BYBIT-PERP): seconds with a fraction, ids of 128 bits in hex
 *                        spot: ms, ids that number the rows of a file
 *
 * A heading says what a file is; without one its columns have to. What is not told apart is refused, and so is a dump
 * of another venue than the instrument's. A trade's id is the venue's, as a fetch has it: of an aggregate its own
 * (USD-M) or its last trade's (spot). Bybit's are 63 bits of the 128 (which are of SHA-1); a spot file's are the time
 * in ms and which one of that ms it is: the same in a month's file and in a day's.
 *
 * Numbers are taken as written; those with more than eight decimals are doubles that somebody printed, and are rounded
 * there, half to even. Their origin is replay.
 */
#ifndef NJ_TOOLS_NJ_ARCHIVE_H
#define NJ_TOOLS_NJ_ARCHIVE_H

#include <stdint.h>

#include "services/persister/store_history.h"

struct archive_options {
	const char *path;
	struct symbol instrument;
	const char *raw;      /* its name at the venue, for files that say whose they are; NULL: not looked at */
	const char *interval; /* of klines; NULL: trades */
};

struct archive_result {
	uint64_t rows, fresh;
	int64_t from, to; /* first and last time */
};

/* All of a file or nothing of it. ERR_NOT_FOUND, ERR_CORRUPT, what a row is wrong with (reason names line or row, and
 * the remedy where there is one). */
int archive_import(const struct archive_options *o, struct history *h, struct archive_result *ret_result, char *reason,
		   size_t cap);

#endif
