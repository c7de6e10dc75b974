/* candles - closed candles of one instrument, built from its trades, several intervals at once.
 *
 * A trade belongs to the interval of its venue time. A candle [a, b) closes when a trade of a
 * later interval arrives, or when the venue's clock (the largest venue time seen on the
 * connection) reaches b + grace. A trade behind that is late: counted, and left out. There is no
 * candle for an interval without trades. Volumes are summed in 128 bits and are exact; the quote
 * volume is rounded once, to CANDLE_CASH_SCALE, half to even.
 *
 * Pure: no clock and no memory beyond the struct. Times are ns of venue time.
 */
#ifndef NJ_VENUE_CANDLES_H
#define NJ_VENUE_CANDLES_H

#include "common/base/fixed.h"
#include "proto/codec.h"

#define CANDLE_INTERVALS_MAX 16 /* all that Binance has */
#define CANDLE_WEEK_NS (7 * 86400LL * 1000000000)   /* from Monday 00:00 UTC */
#define CANDLE_MONTH_NS (31 * 86400LL * 1000000000) /* stands for a calendar month, of UTC */
#define CANDLE_CASH_SCALE 8
#define CANDLE_GRACE_NS 250000000LL

struct candle {
	int64_t open_at; /* start of the interval; meaningless while trades is 0 */
	int64_t open, high, low, close;
	fixed_wide volume; /* at qty_scale */
	fixed_wide cash;   /* at price_scale + qty_scale */
	uint64_t trades;
	bool complete;
	bool spoilt; /* a sum did not fit */
};

struct candle_series {
	int64_t interval;  /* ns */
	int64_t closed_to; /* end of the last candle that closed: older trades are late */
	struct candle now;
};

struct candles {
	struct candle_series series[CANDLE_INTERVALS_MAX];
	uint32_t n;
	uint8_t price_scale, qty_scale;
	int64_t grace;
	int64_t blind_to; /* intervals that begin at or before it are not complete */
	uint64_t late;    /* trades left out, once for each interval that had closed */
	uint64_t refused; /* candles whose sums do not fit an event */
};

/* Called with each candle that closes; the event is complete but for the instrument and the
 * envelope. */
struct candle_sink {
	void *ctx;
	void (*closed)(void *ctx, int64_t close_at, struct ev_candle *c);
};

/* "1m" to ns: a number and s, m, h or d, at least a second, dividing a day; and 3d, 1w, 1M (a month: m is minutes),
 * as Binance aligns them: three days count from 1970-01-01. ERR_SYNTAX, ERR_RANGE. */
int candle_interval(const char *text, size_t len, int64_t *ret_ns);
/* And back, in the largest unit: 60 s is "1m". */
void candle_interval_text(int64_t ns, char out[EVENT_NAME_MAX]);
/* Is it one that candle_interval makes? */
bool candle_interval_is(int64_t ns);
/* Start of the interval that holds a time, also right before 1970; and the end of one that starts at open_at. */
int64_t candle_open(int64_t at, int64_t interval);
int64_t candle_end(int64_t open_at, int64_t interval);

/* Intervals in ns, rising; ERR_ARG where there are too many or one is no interval. The first
 * candle of each is not complete: what came before it is unknown. */
int candles_init(struct candles *c, const int64_t *intervals, uint32_t n, int64_t grace);

/* Other scales from here on. Open candles go on at wider ones; with a narrower one they are
 * dropped, and the next of each interval is not complete. */
void candles_rescale(struct candles *c, uint8_t price_scale, uint8_t qty_scale);

/* A trade at venue time `at`, counting as `count` trades. */
struct candle_trade {
	int64_t at, price, qty;
	uint64_t count;
};
void candles_on_trade(struct candles *c, const struct candle_trade *t, const struct candle_sink *out);

/* The venue's clock has reached `at`. */
void candles_on_clock(struct candles *c, int64_t at, const struct candle_sink *out);

/* Nothing is known of from .. to: candles it touches are not complete. */
void candles_on_gap(struct candles *c, int64_t from, int64_t to);

/* The venue clock at which the next candle closes by itself, INT64_MAX where none is open. */
int64_t candles_due(const struct candles *c);

void candles_save(const struct candles *c, struct packer *p);
/* Into an initialised set with the same intervals; ERR_DIFFERS. */
int candles_load(struct candles *c, struct unpacker *u);

/* Merges rising candles of a shorter interval into those of a longer: feeds each to a builder.
 * Returns through `out` what closes; an interval is complete where its candles were and none is
 * missing. */
struct candle_merge {
	int64_t from, into;   /* intervals in ns; each of `into` is made of whole ones of `from` */
	int64_t next;         /* expected open_at; 0 at the start */
	struct ev_candle now; /* under way; trades is 0 where none, open_at tells */
	uint32_t parts;
	bool open;
};
int candle_merge_init(struct candle_merge *m, int64_t from, int64_t into); /* ERR_ARG */
/* ERR_RANGE where a sum does not fit, ERR_STALE where c is not later than the one before,
 * ERR_DIFFERS: scales. */
int candle_merge_add(struct candle_merge *m, const struct ev_candle *c, const struct candle_sink *out);
void candle_merge_end(struct candle_merge *m, const struct candle_sink *out);

#endif
