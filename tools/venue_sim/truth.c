/* truth - what the simulator really did with each stream. */
#include "tools/venue_sim/truth.h"

#include <stdio.h>

#include "common/base/json.h"

int truth_init(struct truth *t)
{
	*t = (struct truth){0};
	buf_init(&t->blinds, TRUTH_BLINDS_MAX * sizeof(struct truth_blind));
	return strmap_init(&t->streams, TRUTH_STREAMS_MAX, sizeof(struct truth_stream));
}

void truth_fini(struct truth *t)
{
	strmap_fini(&t->streams);
	buf_fini(&t->blinds);
}

static struct truth_stream *stream_of(struct truth *t, struct text name)
{
	struct truth_stream *s = strmap_put(&t->streams, name.at, name.len);

	if (s != NULL && s->name[0] == '\0') {
		snprintf(s->name, sizeof(s->name), "%.*s", (int)name.len, name.at);
		s->blind = -1;
	}
	return s;
}

void truth_wanted(struct truth *t, struct text stream)
{
	struct truth_stream *s = stream_of(t, stream);

	if (s != NULL)
		s->wanted = true;
}

bool truth_is_wanted(const struct truth *t, struct text stream)
{
	const struct truth_stream *s = strmap_get(&t->streams, stream.at, stream.len);

	return s != NULL && s->wanted;
}

static struct truth_blind *blind_at(const struct truth *t, size_t i)
{
	return (struct truth_blind *)(void *)t->blinds.at + i;
}

static void blind(struct truth *t, struct truth_stream *s, const struct feed_line *line,
		  const struct frame_facts *facts, enum truth_what why)
{
	struct truth_blind *b = s->blind >= 0 ? blind_at(t, (size_t)s->blind) : NULL;

	if (b == NULL || b->why != why) {
		struct truth_blind fresh = {
			.why = why, .first_id = facts->first_id, .from = line->stamp, .from_wall = t->wall};
		snprintf(fresh.stream, sizeof(fresh.stream), "%s", s->name);
		if (buf_append(&t->blinds, &fresh, sizeof(fresh)) != 0) {
			t->blinds_left++;
			return;
		}
		s->blind = (int64_t)(t->blinds.len / sizeof(fresh)) - 1;
		b = blind_at(t, (size_t)s->blind);
	}
	b->frames++;
	b->last_id = facts->last_id;
	b->to = line->stamp;
	b->to_wall = t->wall;
}

static void sent(struct truth_stream *s, const struct feed_line *line,
		 const struct frame_facts *facts)
{
	if (s->sent++ == 0) {
		s->first_id = facts->first_id;
		s->first_stamp = line->stamp;
	}
	s->last_id = facts->last_id;
	s->last_stamp = line->stamp;
	s->blind = -1;
}

void truth_frame(struct truth *t, const struct feed_line *line, const struct frame_facts *facts,
		 enum truth_what what)
{
	struct truth_stream *s = stream_of(t, line->stream);

	if (s == NULL)
		return;
	s->frames++;
	s->skipped += what == TRUTH_SKIPPED;
	s->corrupted += what == TRUTH_CORRUPTED;
	s->unheard += what == TRUTH_UNHEARD;
	if (what == TRUTH_SENT)
		sent(s, line, facts);
	else
		blind(t, s, line, facts, what);
}

void truth_duplicated(struct truth *t, struct text stream)
{
	struct truth_stream *s = stream_of(t, stream);

	if (s != NULL)
		s->duplicated++;
}

void truth_reordered(struct truth *t, struct text stream)
{
	struct truth_stream *s = stream_of(t, stream);

	if (s != NULL)
		s->reordered++;
}

#define ULL(n) (unsigned long long)(n)

static void print_stream(const struct truth_stream *s, struct buf *out)
{
	json_quote(out, s->name, strlen(s->name));
	buf_printf(out,
		   ":{\"frames\":%llu,\"sent\":%llu,\"skipped\":%llu,"
		   "\"duplicated\":%llu,\"reordered\":%llu,\"corrupted\":%llu,"
		   "\"unheard\":%llu,\"first_id\":%llu,\"last_id\":%llu,"
		   "\"first_stamp\":%lld,\"last_stamp\":%lld}",
		   ULL(s->frames), ULL(s->sent), ULL(s->skipped), ULL(s->duplicated),
		   ULL(s->reordered), ULL(s->corrupted), ULL(s->unheard), ULL(s->first_id), ULL(s->last_id),
		   (long long)s->first_stamp, (long long)s->last_stamp);
}

static void print_blind(const struct truth_blind *b, struct buf *out)
{
	static const char *const why[] = {"sent", "skipped", "corrupted", "unheard"};

	buf_printf(out, "{\"stream\":");
	json_quote(out, b->stream, strlen(b->stream));
	buf_printf(out,
		   ",\"why\":\"%s\",\"frames\":%llu,\"first_id\":%llu,\"last_id\":%llu,"
		   "\"from\":%lld,\"to\":%lld,\"from_wall\":%lld,\"to_wall\":%lld}",
		   why[b->why], ULL(b->frames), ULL(b->first_id), ULL(b->last_id),
		   (long long)b->from, (long long)b->to, (long long)b->from_wall, (long long)b->to_wall);
}

void truth_print(const struct truth *t, struct buf *out)
{
	buf_printf(out, "\"connections\":%llu,\"drops\":%llu,\"subscriptions_refused\":%llu,\"streams\":{",
		   ULL(t->connections), ULL(t->drops), ULL(t->subscriptions_refused));
	for (uint32_t i = 0; i < t->streams.count; i++) {
		if (i > 0)
			buf_byte(out, ',');
		print_stream(strmap_value_at(&t->streams, i), out);
	}
	buf_printf(out, "},\"blind\":[");
	for (size_t i = 0; i < t->blinds.len / sizeof(struct truth_blind); i++) {
		if (i > 0)
			buf_byte(out, ',');
		print_blind(blind_at(t, i), out);
	}
	buf_printf(out, "],\"blind_left\":%llu", ULL(t->blinds_left));
}
