/* book_save - see book_save.h. */
#include "common/venue/book_save.h"

#include <stdlib.h>

#include "common/base/err.h"

#define HEAD 4 /* bid_floor, ask_ceil, last_id, evicted */

static void save_side(const struct book *b, enum side side, struct packer *p)
{
	uint32_t n = book_depth(b, side);
	pack_array(p, 2 * n);
	for (uint32_t i = 0; i < n; i++) {
		const struct level *l = book_level(b, side, i);
		pack_i64(p, l->price);
		pack_i64(p, l->qty);
	}
}

/* Best first, as it was saved: every price is worse than the one before. */
static int load_side(struct level *at, uint32_t cap, enum side side, struct unpacker *u,
		     uint32_t *ret_n)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 2 != 0)
		return u->err ? u->err : ERR_CORRUPT;
	if (n / 2 > cap)
		return ERR_FULL;
	for (uint32_t i = 0; i < n / 2; i++) {
		at[i].price = unpack_i64(u);
		at[i].qty = unpack_i64(u);
		bool worse = i == 0 || (side == side_buy ? at[i].price < at[i - 1].price
							 : at[i].price > at[i - 1].price);
		if (u->err || at[i].price < 0 || at[i].qty <= 0 || !worse)
			return u->err ? u->err : ERR_CORRUPT;
	}
	*ret_n = n / 2;
	return 0;
}

void book_save(const struct book *b, struct packer *p)
{
	pack_array(p, HEAD);
	pack_i64(p, b->bid_floor);
	pack_i64(p, b->ask_ceil);
	pack_u64(p, b->last_id);
	pack_u64(p, b->evicted);
	save_side(b, side_buy, p);
	save_side(b, side_sell, p);
}

static int load_levels(struct book *b, struct level *scratch, struct unpacker *u)
{
	struct ev_book_snapshot s = {0};
	int rc = load_side(scratch, b->cap, side_buy, u, &s.bids.n);
	if (rc == 0)
		rc = load_side(scratch + b->cap, b->cap, side_sell, u, &s.asks.n);
	s.bids.at = scratch;
	s.asks.at = scratch + b->cap;
	return rc != 0 ? rc : book_snapshot(b, &s);
}

int book_load(struct book *b, struct unpacker *u)
{
	book_clear(b);
	if (unpack_array(u) != HEAD)
		return u->err ? u->err : ERR_CORRUPT;
	int64_t bid_floor = unpack_i64(u), ask_ceil = unpack_i64(u);
	uint64_t last_id = unpack_u64(u), evicted = unpack_u64(u);
	struct level *scratch = calloc(2 * (size_t)b->cap, sizeof(*scratch));
	int rc = scratch ? u->err : ERR_NOMEM;
	if (rc == 0)
		rc = load_levels(b, scratch, u);
	free(scratch);
	if (rc != 0)
		return rc;
	b->bid_floor = bid_floor;
	b->ask_ceil = ask_ceil;
	b->last_id = last_id;
	b->evicted = evicted;
	return 0;
}
