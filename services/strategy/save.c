/* save - the strategy core's whole state to bytes and back: run, origin, views, seats.
 *
 * Seats and views find what was theirs by their names: settings may have changed between two lives. A seat with other
 * parameters keeps orders and position and begins its strategy anew.
 */
#include "common/base/err.h"
#include "services/strategy/host.h"

#define SAVE_VERSION 3 /* 1: seats without their instrument; 2: views without their publisher */

int strategy_core_save(const void *core, struct buf *out)
{
	const struct strategy_core *c = core;
	struct packer p = {.out = out};
	pack_u64(&p, SAVE_VERSION);
	pack_str(&p, c->run_id);
	pack_u64(&p, c->origin);
	pack_u64(&p, c->n_views);
	pack_u64(&p, c->n_seats + c->n_retired);
	for (uint32_t i = 0; i < c->n_views; i++)
		view_save(&c->view[i], &p);
	for (uint32_t i = 0; i < c->n_seats; i++)
		seat_save(&c->seat[i], &p);
	for (uint32_t i = 0; i < c->n_retired; i++)
		retired_save(&c->retired[i], &p);
	return p.err;
}

struct head {
	uint64_t version, views, seats;
};

static int load_head(struct strategy_core *c, struct unpacker *u, struct head *ret_head)
{
	ret_head->version = unpack_u64(u);
	unpack_str(u, c->run_id, sizeof(c->run_id));
	uint8_t origin = (uint8_t)unpack_u64(u);
	ret_head->views = unpack_u64(u);
	ret_head->seats = unpack_u64(u);
	if (u->err)
		return u->err;
	if (ret_head->version == 0 || ret_head->version > SAVE_VERSION)
		return ERR_UNKNOWN;
	if (ret_head->views > STRATEGY_SEATS_MAX || ret_head->seats > 2 * STRATEGY_SEATS_MAX)
		return ERR_CORRUPT;
	if (c->origin != origin_none && origin != origin_none && origin != c->origin)
		return ERR_DIFFERS;
	if (origin != origin_none)
		c->origin = origin;
	return 0;
}

int strategy_core_load(void *core, const uint8_t *at, size_t len)
{
	struct strategy_core *c = core;
	struct unpacker u = {.at = at, .end = at + len};
	struct head head;
	int rc = load_head(c, &u, &head);
	for (uint32_t i = 0; rc == 0 && i < head.views; i++)
		rc = view_load(c, head.version, &u);
	for (uint32_t i = 0; rc == 0 && i < head.seats; i++)
		rc = seat_load(c, head.version, &u);
	for (uint32_t i = 0; i < c->n_views; i++)
		c->blind = c->blind || !c->view[i].loaded;
	return rc == 0 && u.at != u.end ? ERR_TRAILING : rc;
}

uint32_t strategy_core_anew(const struct strategy_core *c)
{
	return c->anew;
}

bool strategy_core_blind(const struct strategy_core *c)
{
	return c->blind;
}
