/* save - the strategy core's whole state to bytes and back: run, origin, views, seats. */
#include "common/base/err.h"
#include "services/strategy/host.h"

#define SAVE_VERSION 1

int strategy_core_save(const void *core, struct buf *out)
{
	const struct strategy_core *c = core;
	struct packer p = {.out = out};
	pack_u64(&p, SAVE_VERSION);
	pack_str(&p, c->run_id);
	pack_u64(&p, c->origin);
	pack_u64(&p, c->n_views);
	pack_u64(&p, c->n_seats);
	for (uint32_t i = 0; i < c->n_views; i++)
		view_save(&c->view[i], &p);
	for (uint32_t i = 0; i < c->n_seats; i++)
		seat_save(&c->seat[i], &p);
	return p.err;
}

static int load_head(struct strategy_core *c, struct unpacker *u)
{
	uint64_t version = unpack_u64(u);
	unpack_str(u, c->run_id, sizeof(c->run_id));
	uint8_t origin = (uint8_t)unpack_u64(u);
	uint64_t views = unpack_u64(u), seats = unpack_u64(u);
	if (u->err)
		return u->err;
	if (version != SAVE_VERSION)
		return ERR_UNKNOWN;
	bool other = c->origin != origin_none && origin != origin_none && origin != c->origin;
	if (other || views != c->n_views || seats != c->n_seats)
		return ERR_DIFFERS;
	if (origin != origin_none)
		c->origin = origin;
	return 0;
}

int strategy_core_load(void *core, const uint8_t *at, size_t len)
{
	struct strategy_core *c = core;
	struct unpacker u = {.at = at, .end = at + len};
	int rc = load_head(c, &u);
	for (uint32_t i = 0; rc == 0 && i < c->n_views; i++)
		rc = view_load(&c->view[i], &u);
	for (uint32_t i = 0; rc == 0 && i < c->n_seats; i++)
		rc = seat_load(&c->seat[i], &u);
	return rc == 0 && u.at != u.end ? ERR_TRAILING : rc;
}
