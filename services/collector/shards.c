/* shards - see shards.h. */
#include "services/collector/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/strmap.h"
#include "common/venue/venue.h"

struct looking {
	const struct config *config;
	struct strmap owners;          /* the id of an instrument to the place that has it first */
	struct collector_section *set; /* scratch */
	char *reason;
	size_t cap;
};

/* Each symbol of the text once, in its order; ends early with what fn returns where that is not 0. */
static int each_symbol(const char *symbols, int (*fn)(void *ctx, const char *symbol, size_t len), void *ctx)
{
	int rc = 0;
	for (const char *at = symbols; !rc && *at;) {
		size_t len = strcspn(at, ", ");
		if (len)
			rc = fn(ctx, at, len);
		at += len;
		at += strspn(at, ", ");
	}
	return rc;
}

struct share {
	const struct collector_place *place;
	uint32_t all, own;
	char *to;
	size_t used;
};

static int take_symbol(void *ctx, const char *symbol, size_t len)
{
	struct share *s = ctx;
	s->all++;
	if (collectors_shard(symbol, len, s->place->shards) != s->place->shard)
		return 0;
	s->own++;
	if (!s->to)
		return 0;
	if (s->used)
		s->to[s->used++] = ',';
	memmove(s->to + s->used, symbol, len); /* never beyond where it stood */
	s->used += len;
	return 0;
}

static struct share take_share(const struct collector_place *place, const char *symbols, char *to)
{
	struct share s = {.place = place, .to = to};
	each_symbol(symbols, take_symbol, &s);
	return s;
}

struct owning {
	struct looking *look;
	const struct venue *venue;
	const struct collector_place *place;
};

static int own_symbol(void *ctx, const char *symbol, size_t len)
{
	struct owning *o = ctx;
	struct looking *l = o->look;
	struct venue_market m;
	char why[240];
	if (venue_claimed(o->venue, symbol, len, why, sizeof why)) {
		snprintf(l->reason, l->cap, "collector.symbols: %s", why);
		return ERR_ARG;
	}
	if (venue_market_init(o->venue, symbol, len, &m))
		return 0; /* no venue has such a symbol: the section tells */
	const struct collector_place **owner = strmap_put(&l->owners, m.symbol.s, strlen(m.symbol.s));
	if (!owner)
		return ERR_NOMEM;
	if (*owner && *owner != o->place) {
		snprintf(l->reason, l->cap,
			 "%.*s of %s would be followed by %s and by %s: name it in the symbols of one of them alone",
			 (int)len, symbol, o->venue->name, (*owner)->name, o->place->name);
		return ERR_ARG;
	}
	*owner = o->place;
	return 0;
}

/* What a scan will find is one process's. */
static int own_scan(struct looking *l, const struct collector_place *place)
{
	char key[STRMAP_KEY_MAX];
	int n = snprintf(key, sizeof key, "scan %s", l->set->venue);
	const struct collector_place **owner = strmap_put(&l->owners, key, (size_t)n);
	if (!owner)
		return ERR_NOMEM;
	if (*owner || place->shards > 1) {
		snprintf(l->reason, l->cap,
			 "collector.scan: the markets of %s are followed by one process alone: set it in one section, "
			 "and share that one among no processes",
			 l->set->venue);
		return ERR_ARG;
	}
	*owner = place;
	return 0;
}

static int check_place(struct looking *l, const struct collector_place *place)
{
	config_variant(l->config, COLLECTORS_SERVICE, place->section, l->set);
	int rc = l->set->scan ? own_scan(l, place) : 0;
	if (rc)
		return rc;
	struct owning o = {.look = l, .place = place, .venue = venue_find(l->set->venue, strlen(l->set->venue))};
	struct share s = take_share(place, l->set->symbols, NULL);
	if (place->shards > 1 && s.own == 0) {
		snprintf(l->reason, l->cap,
			 "run.collectors: none of the %u symbols of %s%s%s falls to %s: share them among fewer "
			 "processes, or name more",
			 s.all, COLLECTORS_SERVICE, place->section[0] ? "." : "", place->section, place->name);
		return ERR_ARG;
	}
	/* The shares of one list do not overlap: it is looked at once. An unknown venue its own process tells of. */
	return place->shard == 1 && o.venue ? each_symbol(l->set->symbols, own_symbol, &o) : 0;
}

int shards_check(const struct config *c, const struct collectors *all, char *reason, size_t cap)
{
	struct looking l = {.config = c, .reason = reason, .cap = cap, .set = calloc(1, sizeof *l.set)};
	const uint32_t most = COLLECTORS_MAX * (COLLECTOR_MARKETS_MAX + 1);
	int rc = l.set ? strmap_init(&l.owners, most, sizeof(void *)) : ERR_NOMEM;
	for (uint32_t i = 0; i < all->n && !rc; i++)
		rc = check_place(&l, &all->at[i]);
	strmap_fini(&l.owners);
	free(l.set);
	return rc;
}

/* Has a process before us the same references? */
static bool asked_before(const struct config *c, const struct collectors *all, const struct collector_place *own,
			 const char *references)
{
	struct collector_section *other = calloc(1, sizeof *other);
	bool before = false;
	for (uint32_t i = 0; other && i < all->n && &all->at[i] != own && !before; i++) {
		if (strcmp(all->at[i].name, own->name) >= 0)
			break;
		config_variant(c, COLLECTORS_SERVICE, all->at[i].section, other);
		before = strcmp(other->references, references) == 0;
	}
	free(other);
	return before;
}

void shards_take(const struct config *c, const struct collectors *all, const struct collector_place *own,
		 struct collector_section *set)
{
	if (asked_before(c, all, own, set->references))
		set->references[0] = '\0';
	if (own->shards == 1)
		return;
	struct share s = take_share(own, set->symbols, set->symbols);
	set->symbols[s.used] = '\0';
}
