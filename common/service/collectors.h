/* collectors - which collector processes a stack has, by the one setting run.collectors, and which symbols are whose.
 *
 *     run.collectors = "collector"                   one process, named so: the default
 *     run.collectors = "collector/3"                 collector-1 to -3 share the symbols of the section collector
 *     run.collectors = "collector, collector-bybit"  a second one, by its own subsection bybit over that section
 *     run.collectors = "collector-bybit/2"           collector-bybit-1 and -2 share the symbols of that
 *
 * A name is also that of the publisher on the bus, its lock, its journal's folder and its log. Everybody who follows
 * the market reads this list, in the order of the names whatever order it is written in: so equal stamps of two
 * collectors have one order ((ts_recv, publisher)), and to write the list anew changes no run.
 */
#ifndef NJ_SERVICE_COLLECTORS_H
#define NJ_SERVICE_COLLECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

#define COLLECTORS_SERVICE "collector" /* the program, its section, and the first word of each name */
#define COLLECTORS_MAX 8               /* processes */

struct collector_place {
	char name[EVENT_SOURCE_MAX];
	char section[EVENT_SOURCE_MAX]; /* subsection of its own settings; "" none */
	uint32_t shard, shards;         /* which share of its section's symbols it follows, from 1; 1 of 1: all */
};

struct collectors {
	struct collector_place at[COLLECTORS_MAX]; /* by name */
	uint32_t n;
};

/* Reads run.collectors. ERR_ARG with a reason for people; *ret is untouched then. */
int collectors_parse(const char *text, struct collectors *ret, char *reason, size_t cap);
/* NULL where no such process is listed. */
const struct collector_place *collectors_find(const struct collectors *c, const char *name);
/* "collector-1, collector-2", cut to cap. */
const char *collectors_text(const struct collectors *c, char *out, size_t cap);

/* Which of `shards` follows a symbol (as the venue writes it), from 1: the one with the highest mark. The mark of shard
 * k is the kth number of a splitmix64 generator whose seed is FNV-1a(symbol), 64 bits. It depends on nothing else, so a
 * symbol stays where it is when others come or go; one shard more takes its part of each of the others, and nothing
 * moves between those (rendezvous hashing). */
uint32_t collectors_shard(const char *symbol, size_t len, uint32_t shards);

#endif
