/* fuzz_venues - any venue's bytes through its decoder and the whole collector core.
 *
 * Input: lines. Those that begin with V (a venue's file, "Vbinance_usdm") and M (a market of it) come first; without
 * them it is Binance spot with two markets. Then the first letter says what a line is: F a frame, R the reply to the
 * newest request, C a change of the connection (a letter follows), T time passes (a letter follows); anything else is
 * a frame as it is. Whatever comes, a text has its effect whole or not at all, what the core emits keeps its promises,
 * and its state survives being saved. tests/fuzz/venue_seeds makes such input of every venue's samples.
 */
#include <stdlib.h>

#include "tests/fuzz/collector_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VENUE(name) extern const struct venue venue_##name;
#include "venue_registry.def"
#undef VENUE

static const struct {
	const char *file;
	const struct venue *venue;
} files[] = {
#define VENUE(name) {#name, &venue_##name},
#include "venue_registry.def"
#undef VENUE
};

#define MARKETS_MAX 4

/* What the first lines say. */
static struct {
	const struct venue *venue;
	struct collector_market market[MARKETS_MAX];
	char raw[MARKETS_MAX][SYMBOL_RAW_MAX + 1];
	uint32_t n;
} world;

static void on_again(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	struct buf out;
	(void)ctx;

	must(connection == 0 && feed->n == 1 && feed->streams != 0);
	buf_init(&out, 1 << 20);
	must(world.venue->stream_again(feed, 0, &out) == 0 && out.len > 0);
	buf_fini(&out);
}

/* ---- the decoder by itself ---- */

#define LEVELS 64

static struct venue_market known[MARKETS_MAX];
static struct level levels[2 * LEVELS];
static uint32_t messages;

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < world.n; i++)
		if (strlen(known[i].raw) == len && memcmp(known[i].raw, raw, len) == 0)
			return &known[i];
	return NULL;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	messages++;
	must(m->kind <= VENUE_UNKNOWN && m->time >= 0);
	must(m->kind != VENUE_NOTICE || m->notice.text != NULL);
	must(m->kind != VENUE_TRADE || (m->trade.price > 0 && m->trade.qty > 0));
	must(m->kind != VENUE_KLINE || m->kline.low <= m->kline.high);
	if (m->kind == VENUE_SNAPSHOT) {
		check_levels(&m->snapshot.bids);
		check_levels(&m->snapshot.asks);
	}
}

/* A copy that ends where its memory ends: the sanitizer sees a step too far. */
static void check_decoder(const char *text, size_t len, enum venue_ask ask)
{
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = LEVELS};
	char *copy = malloc(len > 0 ? len : 1);

	must(copy != NULL);
	memcpy(copy, text, len);
	struct venue_input in = {.text = copy, .len = len, .ask = ask, .limit = 20, .interval = "1m"};
	in.market = ask == VENUE_ASK_NOTHING ? NULL : &known[0];
	messages = 0;
	int rc = world.venue->decode(&in, &out);
	uint32_t first = messages;
	must(rc == 0 || messages == 0 || ask == VENUE_ASK_INSTRUMENTS || ask == VENUE_ASK_LISTINGS);
	messages = 0;
	must(world.venue->decode(&in, &out) == rc && messages == first); /* it remembers nothing */
	free(copy);
}

static void check_line(const char *line, size_t len)
{
	if (line[0] == 'C' || line[0] == 'T')
		return;
	bool marked = line[0] == 'F' || line[0] == 'R';
	check_decoder(line + marked, len - marked, VENUE_ASK_NOTHING);
	for (int ask = VENUE_ASK_INSTRUMENTS; line[0] == 'R' && ask <= VENUE_ASK_LISTINGS; ask++)
		check_decoder(line + 1, len - 1, (enum venue_ask)ask);
}

/* ---- the core ---- */

static void add_market(const char *raw, size_t len)
{
	struct venue_market m;

	if (world.n == MARKETS_MAX || len > SYMBOL_RAW_MAX || find(NULL, raw, len) != NULL ||
	    venue_market_init(world.venue, raw, len, &m) != 0)
		return;
	known[world.n] = m;
	memcpy(world.raw[world.n], m.raw, sizeof(m.raw));
	world.market[world.n] = (struct collector_market){world.raw[world.n], 0, world.venue->streams};
	world.n++;
}

static void pick_venue(const char *file, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strlen(files[i].file) == len && memcmp(files[i].file, file, len) == 0)
			world.venue = files[i].venue;
}

/* The first lines; returns where the others begin. */
static const char *read_head(const char *at, const char *end)
{
	world.n = 0;
	world.venue = venue_find("BINANCE", 7);
	while (at < end && (*at == 'V' || *at == 'M')) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (*at == 'V' && world.n == 0)
			pick_venue(at + 1, len - 1);
		else if (*at == 'M')
			add_market(at + 1, len - 1);
		at += len + 1;
	}
	if (world.n == 0) {
		add_market("BTCUSDT", 7);
		add_market("ETHBTC", 6);
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collector_actions actions = {.request = on_request, .reconnect = on_reconnect, .again = on_again};
	struct sink out = {NULL, on_event};
	struct collector_core_settings s;
	const char *end = (const char *)data + size, *at = read_head((const char *)data, end);
	struct collector_core *c = walk_new(&actions, world.venue, world.market, world.n, &s);
	int64_t now = 1700000000000 * MS;

	collector_core_start(c, now, &out);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0) {
			check_line(at, len);
			now = walk_line(c, now, at, len, &out);
		}
		check_books(c, world.market, world.n);
		at += len + 1;
	}
	collector_core_dump(c, &out);
	check_saved(c, &s, &actions);
	collector_core_free(c);
	return 0;
}
