/* making - the collector core made, freed, and asked what it knows. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/collector/state.h"

#define SECOND 1000000000LL

void collector_core_defaults(struct collector_core_settings *s, const struct venue *venue)
{
	*s = (struct collector_core_settings){
		.venue = venue,
		.origin = origin_live,
		.intervals = {SECOND, 60 * SECOND},
		.n_intervals = 2,
		.candle_grace_ns = CANDLE_GRACE_NS,
		.book_levels = 5000,
		.snapshot_limit = 1000,
		.publish_levels = 1000,
		.pending_max = 1000,
		.pending_bytes = 1 << 20,
		.stale_ns = 5 * SECOND,
		.crossed_ns = SECOND,
		.silence_ns = venue->silence_ns,
		.messages_per_s = venue->messages_per_s,
		.weight_share = 80,
		.first_ns = SECOND,
		.reply_ns = 10 * SECOND,
		.ask_pace_ns = SECOND,
		.ask_burst = 5,
		.describe_ns = 3600 * SECOND,
		.fill_max = 10000,
	};
}

static bool settings_make_sense(const struct collector_core_settings *s)
{
	/* 18 bytes are the most that a level can take, so 1,800 a side always fit a packed event.
	 */
	bool levels = s->book_levels > 0 && s->book_levels <= 100000 && s->snapshot_limit > 0 &&
		      s->snapshot_limit <= s->book_levels && s->publish_levels > 0 && s->publish_levels <= 1800;
	bool times = s->stale_ns > 0 && s->crossed_ns > 0 && s->silence_ns > 0 && s->first_ns >= 0 && s->reply_ns > 0 &&
		     s->ask_pace_ns >= 0 && s->describe_ns >= 0 && s->poll_ns >= 0;

	bool polls = s->candles_only_ns >= 0 && s->candles_delay_ns >= 0;
	bool share = s->weight_share >= 1 && s->weight_share <= 100;

	return s->venue != NULL && levels && times && polls && share && s->ask_burst > 0 && s->pending_max > 0 &&
	       s->n_markets <= COLLECTOR_MARKETS_MAX && s->spare <= COLLECTOR_MARKETS_MAX - s->n_markets &&
	       s->n_markets + s->spare > 0;
}

static int add_market(struct collector_core *c, const struct collector_market *row)
{
	uint32_t known_streams = c->set.venue->streams | (c->set.candles_only_ns > 0 ? VENUE_KLINE_STREAM : 0);

	if (row->raw == NULL || row->connection >= COLLECTOR_CONNECTIONS_MAX || row->streams == 0 ||
	    (row->streams & ~known_streams) != 0)
		return ERR_ARG;
	const uint32_t *known = strmap_get(&c->by_name, row->raw, strlen(row->raw));
	uint32_t slot = known != NULL ? *known : c->set.n_markets;
	int rc = known != NULL ? 0 : table_make(c, row->raw, slot);
	if (rc == 0)
		rc = table_put(&c->markets[slot], row);
	if (rc < 0)
		return rc;
	c->markets[slot].carried = c->markets[slot].streams;
	c->connections[row->connection].used = true;
	return 0;
}

static int make_page(struct collector_core *c)
{
	c->page = calloc(1, sizeof(*c->page));
	if (c->page != NULL)
		c->page->row = calloc(c->set.venue->recall_max, sizeof(*c->page->row));
	return c->page != NULL && c->page->row != NULL ? 0 : ERR_NOMEM;
}

static int init(struct collector_core *c, const struct collector_core_settings *s)
{
	c->n_slots = s->n_markets + s->spare;
	c->markets = calloc(c->n_slots, sizeof(*c->markets));
	c->levels_max = s->book_levels + 1; /* one more than fits shows that it does not */
	c->levels = calloc(2 * (size_t)c->levels_max, sizeof(*c->levels));
	c->scratch = calloc(2 * (size_t)s->publish_levels, sizeof(*c->scratch));
	if (c->markets == NULL || c->levels == NULL || c->scratch == NULL)
		return ERR_NOMEM;
	if (s->poll_ns > 0 && s->venue->recall_max > 0 && make_page(c) < 0)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < c->n_slots; i++)
		table_blank(&c->markets[i], i);
	int rc = strmap_init(&c->by_name, c->n_slots, sizeof(uint32_t));
	for (uint32_t i = 0; rc == 0 && i < s->n_markets; i++)
		rc = add_market(c, &s->markets[i]);
	c->n_fixed = c->set.n_markets;
	c->n_slots = c->n_fixed + s->spare;
	return rc;
}

int collector_core_new(const struct collector_core_settings *s, const struct collector_actions *actions,
		       struct collector_core **ret_core)
{
	if (!settings_make_sense(s))
		return ERR_ARG;
	struct collector_core *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_NOMEM;
	c->set = *s;
	c->set.markets = NULL;
	c->set.n_markets = 0; /* counts the markets made */
	c->actions = *actions;
	c->due = CORE_NEVER;
	c->version = 1;
	c->describe_at = c->join_at = c->settle_at = CORE_NEVER;
	c->ask_pace_ns = s->ask_pace_ns;
	c->ask_burst = s->ask_burst;
	c->budget = (struct budget){.limit = s->weight_limit > 0 ? s->weight_limit : s->venue->weight_limit,
				    .window_ns = s->venue->weight_ns,
				    .share = s->weight_share};
	buf_init(&c->path, 1 << 16);
	buf_init(&c->orphans, ORPHANS_MAX * sizeof(struct orphan));
	buf_init(&c->sealed, 1 << 20);
	for (int i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		c->connections[i].origin = s->origin;
		c->connections[i].candles_due = INT64_MAX;
	}
	int rc = init(c, s);
	/* What the venue allows is what there is; it need not tell. */
	if (rc == 0 && (s->poll_ns > 0 || s->weight_limit > 0 || s->candles_only_ns > 0))
		asks_on_limit(c, &(struct venue_limit){.weighted = true,
						       .window_ns = s->venue->weight_ns,
						       .limit = s->venue->weight_limit});
	if (rc < 0)
		collector_core_free(c);
	else
		*ret_core = c;
	return rc;
}

void collector_core_free(struct collector_core *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		book_fini(&c->markets[i].book);
		buf_fini(&c->markets[i].pending);
		free(c->markets[i].seal);
		free(c->markets[i].recall);
		free(c->markets[i].polled);
	}
	strmap_fini(&c->by_name);
	buf_fini(&c->path);
	buf_fini(&c->orphans);
	buf_fini(&c->sealed);
	if (c->page != NULL)
		free(c->page->row);
	free(c->page);
	free(c->markets);
	free(c->levels);
	free(c->scratch);
	free(c);
}

bool collector_core_described(const struct collector_core *c)
{
	for (uint32_t i = 0; i < c->set.n_markets; i++)
		if (c->markets[i].join == JOIN_READY && !c->markets[i].described)
			return false;
	return true;
}

void collector_core_origin(struct collector_core *c, uint32_t connection, enum origin origin)
{
	must(connection < COLLECTOR_CONNECTIONS_MAX);
	c->connections[connection].origin = (uint8_t)origin;
}

void collector_core_dump(struct collector_core *c, const struct sink *out)
{
	c->out = out;
	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		struct market *m = &c->markets[i];
		c->from = connection_of(c, m, VENUE_DEPTH_STREAM);
		if (m->described)
			tape_emit_instrument(c, m);
		if (c->from == NULL || m->state == 0)
			continue;
		if (is_live(m))
			reach_emit_snapshot(c, m);
		depth_repeat_state(c, m);
	}
	c->from = NULL;
	c->out = NULL;
}

uint8_t collector_core_data(const struct collector_core *c, int64_t *ret_at)
{
	uint8_t origin = 0;

	*ret_at = 0;
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		const struct connection *conn = &c->connections[i];
		bool flows = conn->state == feed_live || conn->state == feed_silent;
		if (!flows || conn->frame_at <= *ret_at)
			continue;
		*ret_at = conn->frame_at;
		origin = conn->origin;
	}
	return origin;
}

struct collector_budget collector_core_budget(const struct collector_core *c)
{
	struct collector_budget b = c->told;

	b.limit = c->budget.limit;
	return b;
}

const struct collector_counters *collector_core_counters(const struct collector_core *c)
{
	return &c->count;
}

void collector_core_feed(const struct collector_core *c, uint32_t connection, const struct venue_market **markets,
			 struct venue_feed *ret_feed)
{
	struct venue_feed feed = {.markets = markets};

	for (uint32_t i = 0; i < c->set.n_markets; i++) {
		uint32_t streams = 0;
		for (int bit = 0; bit < STREAM_BITS; bit++)
			if (c->markets[i].connection[bit] == connection && c->markets[i].join == JOIN_READY)
				streams |= 1u << bit;
		if (streams != 0)
			markets[feed.n++] = &c->markets[i].venue;
		feed.streams |= streams;
	}
	if ((feed.streams & VENUE_KLINE_STREAM) && c->set.kline_interval[0] != '\0')
		feed.kline_interval = c->set.kline_interval;
	feed.aggregate = c->set.aggregate;
	feed.mini = c->set.mini;
	*ret_feed = feed;
}

uint32_t collector_core_connections(const struct collector_core *c)
{
	uint32_t n = COLLECTOR_CONNECTIONS_MAX;

	while (n > 0 && !c->connections[n - 1].used)
		n--;
	return n;
}

const struct book *collector_core_book(const struct collector_core *c, const char *raw, enum book_state *ret_state)
{
	const uint32_t *index = strmap_get(&c->by_name, raw, strlen(raw));

	if (index == NULL)
		return NULL;
	*ret_state = (enum book_state)c->markets[*index].state;
	return &c->markets[*index].book;
}
