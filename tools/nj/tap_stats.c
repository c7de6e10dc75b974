/* tap_stats - sequences and rates by stream and topic. */
#include "tools/nj/tap_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/io/clock.h"
#include "tools/nj/table.h"

int tap_stats_init(struct tap_stats *s, bool by_topic, int64_t now)
{
	memset(s, 0, sizeof *s);
	s->by_topic = by_topic;
	s->since = s->shown_at = now;
	int rc = strmap_init(&s->streams, TAP_STREAMS_MAX, sizeof(struct tap_stream));
	if (!rc && by_topic)
		rc = strmap_init(&s->topics, TAP_TOPICS_MAX, sizeof(struct tap_topic *));
	return rc;
}

static struct tap_topic *topic_at(const struct tap_stats *s, uint32_t i)
{
	return *(struct tap_topic **)strmap_value_at(&s->topics, i);
}

void tap_stats_fini(struct tap_stats *s)
{
	for (uint32_t i = 0; s->by_topic && i < s->topics.count; i++)
		free(topic_at(s, i));
	strmap_fini(&s->streams);
	strmap_fini(&s->topics);
	memset(s, 0, sizeof *s);
}

/* A key within the map's limit: a longer topic ends in its hash. */
static size_t make_key(char key[STRMAP_KEY_MAX], const char *source, const char *topic)
{
	int n = snprintf(key, STRMAP_KEY_MAX, "%s %s", source, topic);
	if (n >= STRMAP_KEY_MAX)
		n = snprintf(key, STRMAP_KEY_MAX, "%s %.80s~%016llx", source, topic,
			     (unsigned long long)hash_bytes(topic, strlen(topic)));
	return (size_t)n;
}

uint64_t tap_stats_follow(struct tap_stats *s, const struct tap_item *it)
{
	char key[STRMAP_KEY_MAX];
	size_t len = make_key(key, it->ev->source, it->lane == LANE_X ? "" : it->topic);
	struct tap_stream *t = strmap_put(&s->streams, key, len);
	uint64_t missing = 0;
	if (!t) {
		s->uncounted++;
		return 0;
	}
	if (t->last && t->epoch != it->ev->epoch)
		s->restarts++;
	else if (t->last && it->ev->seq <= t->last)
		s->duplicates++;
	else if (t->last)
		missing = it->ev->seq - t->last - 1;
	if (t->epoch != it->ev->epoch || it->ev->seq > t->last)
		t->last = it->ev->seq;
	t->epoch = it->ev->epoch;
	t->missing += missing;
	t->gaps += missing > 0;
	s->missing += missing;
	s->gaps += missing > 0;
	return missing;
}

static struct tap_topic *topic_of_item(struct tap_stats *s, const struct tap_item *it)
{
	char key[STRMAP_KEY_MAX];
	size_t len = make_key(key, it->ev->source, it->topic);
	struct tap_topic **slot = strmap_put(&s->topics, key, len);
	if (!slot)
		return NULL;
	if (!*slot && (*slot = calloc(1, sizeof **slot)) != NULL) {
		snprintf((*slot)->source, sizeof(*slot)->source, "%s", it->ev->source);
		(*slot)->lane = it->lane;
		hist_init(&(*slot)->latency);
	}
	return *slot;
}

void tap_stats_count(struct tap_stats *s, const struct tap_item *it)
{
	s->events++;
	s->bytes += it->len;
	if (!s->by_topic)
		return;
	struct tap_topic *t = topic_of_item(s, it);
	if (!t) {
		s->uncounted++;
		return;
	}
	t->count++;
	t->bytes += it->len;
	t->last = it->ev->seq;
	t->missing += it->gap;
	t->last_at = it->now ? it->now : t->last_at;
	int64_t latency = it->now - it->ev->ts_sent;
	if (it->ev->ts_sent && it->now)
		hist_record(&t->latency, latency > 0 ? (uint64_t)latency : 0);
}

void tap_stats_forget(struct tap_stats *s)
{
	for (uint32_t i = 0; s->by_topic && i < s->topics.count; i++)
		if (topic_at(s, i))
			hist_init(&topic_at(s, i)->latency);
}

/* ---- the report ---- */

static const struct table_column columns[] = {
	{"topic", TABLE_TEXT, "Topic."},
	{"publisher", TABLE_TEXT, "Who publishes it."},
	{"lane", TABLE_TEXT, "M market data, X facts."},
	{"events", TABLE_INT, "Events since the start."},
	{"rate", TABLE_NUMBER, "Events a second."},
	{"bytes_rate", TABLE_BYTES, "Bytes a second."},
	{"last_seq", TABLE_ID, "Last sequence."},
	{"missing", TABLE_INT, "Events that never came."},
	{"p50", TABLE_SPAN, "Half came within this time after sending."},
	{"p99", TABLE_SPAN, "99 of 100 did."},
	{"age", TABLE_SPAN, "Since the last one."},
	{0},
};

struct rank {
	uint32_t index;
	uint64_t count;
};

static int busier(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
				    : (x->index > y->index) - (x->index < y->index);
}

/* What a report is about: until now, for ns; whole: since the start. */
struct span {
	int64_t now, ns;
	bool whole;
};

static void put_rate(struct table *t, uint64_t count, int64_t ns)
{
	char text[32];
	uint64_t tenths = ns > 0 ? (uint64_t)((double)count * 10e9 / (double)ns + 0.5) : 0;
	snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10));
	table_text(t, text);
}

static void put_topic(struct table *t, const char *name, struct tap_topic *at, const struct span *span)
{
	bool whole = span->whole;
	int64_t ns = span->ns;
	uint64_t count = at->count - (whole ? 0 : at->shown_count), bytes = at->bytes - (whole ? 0 : at->shown_bytes);
	table_text(t, name);
	table_text(t, at->source);
	table_text(t, at->lane == LANE_X ? "X" : "M");
	table_int(t, (int64_t)at->count);
	put_rate(t, count, ns);
	table_int(t, ns > 0 ? (int64_t)((double)bytes * 1e9 / (double)ns) : 0);
	table_int(t, (int64_t)at->last);
	table_int(t, (int64_t)at->missing);
	table_int(t, (int64_t)hist_quantile(&at->latency, 0.5));
	table_int(t, (int64_t)hist_quantile(&at->latency, 0.99));
	at->last_at ? table_int(t, span->now > at->last_at ? span->now - at->last_at : 0) : table_null(t);
}

static size_t rank_topics(const struct tap_stats *s, bool whole, struct rank *rank)
{
	size_t n = 0;
	for (uint32_t i = 0; i < s->topics.count; i++) {
		const struct tap_topic *t = topic_at(s, i);
		if (t)
			rank[n++] = (struct rank){i, t->count - (whole ? 0 : t->shown_count)};
	}
	qsort(rank, n, sizeof rank[0], busier);
	return n;
}

int tap_stats_report(struct tap_stats *s, struct cli *cli, int64_t now, size_t top, bool whole)
{
	struct table *t;
	struct rank *rank = calloc(TAP_TOPICS_MAX, sizeof *rank);
	const struct span span = {.now = now, .ns = now - (whole ? s->since : s->shown_at), .whole = whole};
	if (!rank)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	int rc = table_open(cli, columns, &t);
	size_t n = rc ? 0 : rank_topics(s, whole, rank);
	for (size_t i = 0; i < n; i++) {
		struct tap_topic *at = topic_at(s, rank[i].index);
		const char *key = strmap_key_at(&s->topics, rank[i].index), *name = strchr(key, ' ');
		if (top == 0 || i < top)
			put_topic(t, name ? name + 1 : key, at, &span);
		at->shown_count = at->count;
		at->shown_bytes = at->bytes;
	}
	free(rank);
	s->shown_at = now;
	return rc ? rc : table_close(t);
}
