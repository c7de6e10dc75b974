/* fuzz_polymarket - Polymarket's bytes through the whole collector core, and through the scan of its markets.
 *
 * Input: lines as walk_line has them, and G, the reply to the newest request of the scan. Whatever comes, what the core
 * emits keeps its promises, and its state survives being saved.
 */
#include <stdlib.h>

#include "services/collector/scan.h"
#include "tests/fuzz/collector_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct collector_market markets[] = {{"111", 0, 7}, {"222", 0, 7}};

#define PLACES 3

static struct scan *scan;
static uint64_t scan_asked;
static uint32_t followed;

static void on_scan_ask(void *ctx, uint64_t id, const char *path, uint32_t weight)
{
	(void)ctx;
	must(path[0] == '/' && weight > 0);
	scan_asked = id;
}

static bool on_follow(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->open && !l->resolved && l->outcomes > 0 && l->outcomes <= VENUE_OUTCOMES_MAX && l->group[0] != '\0');
	must(++followed <= PLACES);
	return true;
}

static bool on_resolve(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->resolved);
	return l->volume % 2 == 0;
}

static void on_drop(void *ctx, const struct venue_listing *l)
{
	(void)ctx;
	must(l->group[0] != '\0' && followed-- > 0);
}

static int64_t step(struct collector_core *c, int64_t now, const char *line, size_t len, const struct sink *out)
{
	if (line[0] == 'G') {
		scan_on_reply(scan, now, scan_asked, len > 1 ? line + 1 : NULL, len - 1);
		return now + MS;
	}
	if (line[0] == 'T') {
		scan_on_timer(scan, now);
		scan_on_announced(scan, now);
	}
	return walk_line(c, now, line, len, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collector_actions actions = {.ctx = NULL, .request = on_request, .reconnect = on_reconnect};
	struct sink out = {NULL, on_event};
	struct collector_core_settings s;
	struct collector_core *c;
	const char *at = (const char *)data, *end = at + size;
	int64_t now = 1700000000000 * MS;

	const struct scan_actions wishes = {NULL, on_scan_ask, on_follow, on_resolve, on_drop};
	struct scan_settings filter;

	scan_defaults(&filter, venue_find("POLYMARKET", 10));
	filter.markets_max = PLACES;
	filter.page = 2;
	followed = 0;
	must(scan_new(&filter, &wishes, &scan) == 0);
	scan_start(scan, now);
	c = walk_new(&actions, filter.venue, markets, ARRAY_LEN(markets), &s);
	collector_core_start(c, now, &out);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0)
			now = step(c, now, at, len, &out);
		check_books(c, markets, ARRAY_LEN(markets));
		at += len + 1;
	}
	collector_core_dump(c, &out);
	check_saved(c, &s, &actions);
	must(scan_followed(scan) == followed);
	scan_free(scan);
	collector_core_free(c);
	return 0;
}
