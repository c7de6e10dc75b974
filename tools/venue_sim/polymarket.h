/* polymarket - the parts of the Polymarket dialect: the market channel, CLOB's books, Gamma's markets.
 *
 * Facts: docs.polymarket.com of 2026 and recorded frames: the first reply is an array of books, the best
 * level is the last on both sides, a price_change carries both tokens of its market, empty texts occur, a
 * text "PING" is answered with "PONG", and a book's hash is the SHA-1 of its text: that
 * was found in recordings, not in documents.
 *
 * Streams are named by token, and those of both tokens by market. Prices are of cents and less, and written
 * without zeros at their end.
 */
#ifndef NJ_SIM_POLYMARKET_H
#define NJ_SIM_POLYMARKET_H

#include "common/base/json.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/fold.h"

/* polymarket_read */
bool polymarket_line(struct feed_line *line, char name[STREAM_NAME_MAX]);
bool polymarket_facts(const struct feed_line *line, struct frame_facts *ret_facts);
bool polymarket_reply(const struct feed_line *line, struct reply_facts *ret_facts);
void polymarket_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx);
void polymarket_scan(struct recording *r, const struct feed_line *line);
int polymarket_fold(struct fold *f, const struct feed_line *line);
/* The book as a frame, its hash computed; `extra` is put behind the hash's own members. */
int polymarket_print_book(const struct fold_symbol *s, const char *extra, struct buf *out);

/* polymarket_ws */
int polymarket_ws_open(struct session *s, const struct request *r);
void polymarket_ws_text(struct session *s, struct text message);
int polymarket_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		     struct buf *out);

/* polymarket_rest */
int polymarket_index(struct sim *sim);
void polymarket_rest(struct sim *sim, const struct request *r, struct reply *ret_reply);
void polymarket_refuse(struct reply *reply, int status, int64_t retry_after_s);

#endif
