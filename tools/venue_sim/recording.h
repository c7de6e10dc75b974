/* recording - what one pass over a source tells before anything is played. */
#ifndef NJ_SIM_RECORDING_H
#define NJ_SIM_RECORDING_H

#include "common/base/strmap.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/feed.h"

#define RECORDING_SYMBOLS_MAX 2048
#define RECORDING_STREAMS_MAX 8192
#define RECORDING_REPLIES_MAX 4096
#define RECORDING_BODIES_MAX ((size_t)512 << 20)

struct rec_symbol {
	char name[MARKET_SYMBOL_LEN];
	uint8_t price_scale,
		qty_scale; /* decimals that are used: what the tick and the step are derived from */
	uint8_t price_digits, qty_digits; /* decimals as written, with their zeros */
	bool has_trades;                  /* single trades, not only aggregated ones */
	uint64_t last_id;                 /* of the newest depth frame; used while scanning */
	char group[STREAM_NAME_MAX];      /* Polymarket: the token's market */
};

struct rec_stream {
	uint64_t frames, first_id, last_id;
	int64_t first_stamp, last_stamp;
};

struct rec_reply {
	enum reply_kind kind;
	int64_t stamp;
	char symbol[MARKET_SYMBOL_LEN];
	int64_t limit;  /* levels that were asked for; 0 unknown */
	size_t at, len; /* of bodies */
};

struct recording {
	struct strmap symbols; /* struct rec_symbol, by name */
	struct strmap streams; /* struct rec_stream, by name; empty for the generated market */
	struct buf replies;    /* struct rec_reply, as recorded */
	struct buf bodies;
	int64_t first_stamp, last_stamp; /* of frames; last 0: without an end */
	uint64_t frames, unusable;
	uint64_t replies_left; /* that found no room */
	int end;               /* ERR_CLOSED, or the error that cuts the recording short */
};

/* Reads the whole source; the generated market up to its first frame. Errors of feed_open; reason
 * filled. */
int recording_scan(struct recording *r, const struct feed_source *source, const struct dialect *d,
		   char *reason, size_t cap);
void recording_fini(struct recording *r);

/* For dialects that scan: existing or new, NULL where there is no room; its scales hold these numbers. */
struct rec_symbol *recording_add(struct recording *r, struct text name);
void recording_widen(struct rec_symbol *s, struct text price, struct text qty);

const struct rec_symbol *recording_symbol(const struct recording *r,
					  struct text name); /* NULL: unknown */

/* First depth reply of the symbol with stamp >= from, or NULL. */
const struct rec_reply *recording_depth(const struct recording *r, struct text symbol,
					int64_t from);
/* First exchangeInfo, or NULL. */
const struct rec_reply *recording_info(const struct recording *r);
/* The reply that was recorded with this stamp and length, or NULL: tells whose it is where it has
 * no url. */
const struct rec_reply *recording_reply(const struct recording *r, const struct feed_line *line);
struct text recording_body(const struct recording *r, const struct rec_reply *reply);

#endif
