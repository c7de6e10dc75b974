/* conflate - which events of a topic are applied without being acted upon: ranges of stamps, each used up in order. */
#include "common/service/conflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "proto/topic.h"

enum { TOPICS_MAX = 16384, KEY_MAX = EVENT_SOURCE_MAX + TOPIC_MAX };

struct conflate_topic {
	uint32_t first, last; /* index + 1; 0: none */
};

int conflate_init(struct conflate *c)
{
	*c = (struct conflate){0};
	c->ranges = calloc(CONFLATE_RANGES_MAX, sizeof *c->ranges);
	return c->ranges ? strmap_init(&c->topics, TOPICS_MAX, sizeof(struct conflate_topic)) : ERR_NOMEM;
}

void conflate_fini(struct conflate *c)
{
	strmap_fini(&c->topics);
	free(c->ranges);
	*c = (struct conflate){0};
}

void conflate_clear(struct conflate *c)
{
	if (c->active == 0)
		return;
	strmap_clear(&c->topics);
	c->unused = c->free = c->active = 0;
}

static size_t key_of(char out[KEY_MAX], const char *publisher, const char *topic)
{
	return (size_t)snprintf(out, KEY_MAX, "%s|%s", publisher, topic);
}

/* Index + 1 of an unused range; 0 where there is none. */
static uint32_t take_range(struct conflate *c)
{
	uint32_t i = c->free;
	if (i)
		c->free = c->ranges[i - 1].next;
	else if (c->unused < CONFLATE_RANGES_MAX)
		i = ++c->unused;
	return i;
}

int conflate_add(struct conflate *c, const char *publisher, const char *topic, int64_t from, int64_t to)
{
	char key[KEY_MAX];
	struct conflate_topic *t = strmap_put(&c->topics, key, key_of(key, publisher, topic));
	uint32_t i = t ? take_range(c) : 0;
	if (i == 0)
		return ERR_FULL;
	c->ranges[i - 1] = (struct conflate_range){.from = from, .to = to};
	if (t->last)
		c->ranges[t->last - 1].next = i;
	else
		t->first = i;
	t->last = i;
	c->active++;
	return 0;
}

void conflate_forget(struct conflate *c, const char *publisher, const char *topic)
{
	char key[KEY_MAX];
	const struct conflate_topic *t = strmap_get(&c->topics, key, key_of(key, publisher, topic));
	if (t && t->last)
		c->ranges[t->last - 1].to = INT64_MIN; /* ends before anything that comes */
}

static void drop_first(struct conflate *c, struct conflate_topic *t)
{
	uint32_t i = t->first;
	t->first = c->ranges[i - 1].next;
	if (t->first == 0)
		t->last = 0;
	c->ranges[i - 1].next = c->free;
	c->free = i;
	c->active--;
}

bool conflate_covers(struct conflate *c, const char *publisher, const char *topic, int64_t at)
{
	char key[KEY_MAX];
	if (c->active == 0)
		return false;
	struct conflate_topic *t = strmap_get(&c->topics, key, key_of(key, publisher, topic));
	while (t && t->first && c->ranges[t->first - 1].to < at)
		drop_first(c, t);
	if (!t || !t->first || c->ranges[t->first - 1].from > at)
		return false;
	if (c->ranges[t->first - 1].to == at)
		drop_first(c, t);
	return true;
}

void conflate_save(const struct conflate *c, struct packer *p)
{
	pack_array(p, 3 * c->active);
	for (uint32_t i = 0; c->active && i < c->topics.count; i++) {
		const struct conflate_topic *t = strmap_value_at(&c->topics, i);
		for (uint32_t k = t->first; k; k = c->ranges[k - 1].next) {
			pack_str(p, strmap_key_at(&c->topics, i));
			pack_i64(p, c->ranges[k - 1].from);
			pack_i64(p, c->ranges[k - 1].to);
		}
	}
}

int conflate_load(struct conflate *c, struct unpacker *u)
{
	uint32_t n = unpack_array(u) / 3;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < n && !u->err; i++) {
		char key[KEY_MAX] = "";
		unpack_str(u, key, sizeof key);
		int64_t from = unpack_i64(u), to = unpack_i64(u);
		char *bar = strchr(key, '|');
		if (u->err || !bar)
			return u->err ? u->err : ERR_CORRUPT;
		*bar = '\0';
		rc = conflate_add(c, key, bar + 1, from, to);
	}
	return rc;
}
