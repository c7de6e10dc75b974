/* account_read - what the account files of the venues share: rows that are read twice, decimals at their own scale. */
#ifndef NJ_VENUE_ACCOUNT_READ_H
#define NJ_VENUE_ACCOUNT_READ_H

#include "common/venue/venue_account.h"
#include "common/venue/wire.h"

/* One text being read. The first pass counts and checks, the second hands out. */
struct account_read {
	venue_account_fn fn; /* NULL in the first pass */
	void *ctx;
	uint32_t rows;
	int err; /* the first */
	int64_t time;
};

void account_read_note(struct account_read *a, int rc);
void account_read_give(struct account_read *a, const struct venue_account_row *row);

/* Runs `read` over the text twice; what it returns first, or the first error noted. */
int account_read_twice(struct json_str text, int (*read)(struct account_read *a, struct json *j), venue_account_fn fn,
		       void *ctx);

/* A row's numbers: the joint smallest scale of `free` and `locked`, both not negative; total is their sum. */
void account_read_balance(struct account_read *a, struct venue_account_row *row, struct json_str free,
			  struct json_str locked);
/* The smallest scale that holds it, which may be negative; ERR_ values are noted. */
void account_read_decimal(struct account_read *a, struct json_str text, uint8_t *ret_scale, int64_t *ret_value);
/* A name of 1 to `cap` - 1 bytes without control characters. */
void account_read_name(struct account_read *a, struct json_str text, char *out, size_t cap);
/* Runs `item` on each element of an array that is due. */
void account_read_items(struct account_read *a, struct json *j, void (*item)(struct account_read *a, struct json *j));

#endif
