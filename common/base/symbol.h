/* symbol - instrument ids, "BTCUSDT.BINANCE": raw venue symbol, dot, venue name in capitals.
 *
 * A symbol that exists has been validated: raw part [A-Za-z0-9_-]{1,80}, venue [A-Z0-9_]{1,16}.
 * Only validated symbols reach a topic, a key, a path or a query.
 */
#ifndef NJ_BASE_SYMBOL_H
#define NJ_BASE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_RAW_MAX 80
#define SYMBOL_VENUE_MAX 16

struct symbol {
	/* NUL-terminated; the bytes after the NUL are zero, too */
	char s[SYMBOL_RAW_MAX + 1 + SYMBOL_VENUE_MAX + 1];
};

/* Joins raw text (need not be NUL-terminated) and venue; ERR_SYNTAX or ERR_TOO_LONG on anything
 * else. */
int symbol_make(const char *raw, size_t raw_len, const char *venue, struct symbol *ret_symbol);

/* Parses "RAW.VENUE"; ERR_SYNTAX, ERR_TOO_LONG. */
int symbol_parse(const char *text, size_t len, struct symbol *ret_symbol);

bool symbol_equal(const struct symbol *a, const struct symbol *b);

/* Length of the raw part; the venue starts one after it. An empty symbol has length 0. */
size_t symbol_raw_len(const struct symbol *s);
const char *symbol_venue(const struct symbol *s);

uint64_t symbol_hash(const struct symbol *s);

#endif
