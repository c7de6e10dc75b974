/* polymarket - what the files of Polymarket's translator share: the stream's, Gamma's catalogue, the hashed text. */
#ifndef NJ_VENUE_POLYMARKET_H
#define NJ_VENUE_POLYMARKET_H

#include "common/venue/wire.h"

#define POLYMARKET_TOKENS_MAX 80 /* of one request: addresses beyond 8 KB are refused */

/* A decimal that must not be negative; the documents also write ".48". Errors of wire_decimal. */
int polymarket_decimal(struct json_str text, int scale, int64_t *ret_value);

/* A text that goes into a seal as it stands: nothing is copied where it is too long or has escapes. */
void polymarket_copy(struct json_str text, char *out, size_t cap);

/* Gamma's GET /markets: VENUE_ASK_INSTRUMENTS and VENUE_ASK_LISTINGS. */
int polymarket_catalog_path(const struct venue_request *r, struct buf *out);
int polymarket_decode_catalog(const struct venue_input *in, struct venue_output *out);

/* The text whose SHA-1 a book's hash is: polymarket_seal.c. */
int polymarket_seal_text(const struct venue_seal *known, const struct venue_sealed *of, struct buf *out);

#endif
