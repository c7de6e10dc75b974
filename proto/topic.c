/* topic - the only place where topics are made: dotted tokens of [A-Za-z0-9_-], as in NATS. */
#include "proto/topic.h"

#include <string.h>

#include "common/base/err.h"
#include "proto/classes.h"

struct topic {
	char *out;
	size_t len;
	int err;
};

static void add(struct topic *t, const char *text, size_t len)
{
	if (t->err < 0)
		return;
	if (len >= TOPIC_MAX - t->len) {
		t->err = ERR_TOO_LONG;
		return;
	}
	if (len < 32)
		wire_copy_short(t->out + t->len, (const uint8_t *)text, len);
	else
		memcpy(t->out + t->len, text, len);
	t->len += len;
}

/* The text of len in a field of max bytes. */
static void add_token(struct topic *t, const char *text, size_t len, size_t max)
{
	if (classes_is_token(text, len, max))
		add(t, text, len);
	else
		t->err = ERR_SYNTAX;
}

/* VENUE.RAW; an empty symbol takes the dot in front of it back: the topic ends at its prefix. */
static void add_symbol(struct topic *t, const struct symbol *s)
{
	bool ascii;
	size_t len = classes_len(s->s, sizeof s->s, &ascii);
	size_t raw = classes_symbol(s->s, len, sizeof s->s);

	if (len == 0) {
		t->len -= t->len > 0 && t->out[t->len - 1] == '.';
	} else if (raw == 0) {
		t->err = ERR_SYNTAX;
	} else {
		add(t, s->s + raw + 1, len - raw - 1);
		add(t, ".", 1);
		add(t, s->s, raw);
	}
}

static void add_field(struct topic *t, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);

	switch (f->kind) {
	case KIND_symbol:
		add_symbol(t, at);
		break;
	case KIND_name:
		add_token(t, at, strnlen(at, EVENT_NAME_MAX), EVENT_NAME_MAX);
		break;
	case KIND_enumeration: {
		const char *text = enum_text(f->enumeration, *(const uint8_t *)at);
		add_token(t, text, strlen(text), strlen(text));
		break;
	}
	default:
		t->err = ERR_SYNTAX;
	}
}

/* {source}, or {field}; name is what stands between the braces. */
static void add_named(struct topic *t, const struct event *ev, const char *name, size_t len)
{
	if (len == 6 && memcmp(name, "source", 6) == 0) {
		add_token(t, ev->source, strnlen(ev->source, EVENT_SOURCE_MAX), EVENT_SOURCE_MAX);
		return;
	}
	const struct field_row *f = event_field(event_row(ev->id), name, len);
	if (f == NULL)
		t->err = ERR_SYNTAX;
	else
		add_field(t, ev, f);
}

/* Patterns are so short that walking them costs less than looking up something prepared. */
int topic_of(const struct event *ev, char out[TOPIC_MAX])
{
	const struct event_row *row = event_row(ev->id);
	struct topic t = {out, 0, 0};

	if (row == NULL)
		return ERR_UNKNOWN;
	for (const char *p = row->topic; *p != '\0';) {
		const char *name = strchrnul(p, '{');
		add(&t, p, (size_t)(name - p));
		if (*name == '\0')
			break;
		p = strchr(name, '}');
		add_named(&t, ev, name + 1, (size_t)(p - name - 1));
		p++;
	}
	if (t.err < 0)
		return t.err;
	out[t.len] = '\0';
	return (int)t.len;
}

static size_t token_len(const char *at)
{
	return strcspn(at, ".");
}

bool topic_matches(const char *filter, const char *topic)
{
	for (;;) {
		size_t want = token_len(filter), have = token_len(topic);
		if (*filter == '\0')
			return true;
		if (want == 1 && *filter == '>')
			return have > 0;
		if (!(want == 1 && *filter == '*' && have > 0) &&
		    !(want == have && memcmp(filter, topic, want) == 0))
			return false;
		filter += want;
		topic += have;
		if (*filter == '\0')
			return true;
		if (*topic == '\0')
			return filter[1] == '\0';
		filter++;
		topic++;
	}
}

size_t topic_prefix(const char *filter, char out[TOPIC_MAX])
{
	size_t len = strcspn(filter, "*>");

	if (len > 0 && filter[len] == '\0' && filter[len - 1] == '.')
		len--; /* "trade." is "trade" */
	if (len >= TOPIC_MAX)
		len = TOPIC_MAX - 1;
	memcpy(out, filter, len);
	out[len] = '\0';
	return len;
}
