/* feed - one deterministic sequence of venue lines: the wrapper of combined streams taken apart. */
#include "tools/venue_sim/feed.h"

#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/io/capture.h"

struct feed {
	struct capture *capture; /* one of the two, owned */
	struct market *market;
	struct feed_counters counters;
};

int feed_open(const struct feed_source *source, struct feed **ret_feed, char *reason, size_t cap)
{
	struct feed *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return ERR_NOMEM;
	rc = source->capture != NULL ? capture_open(source->capture, &f->capture, reason, cap)
				     : market_new(source->market, &f->market);
	if (rc != 0) {
		feed_close(f);
		return rc;
	}
	*ret_feed = f;
	return 0;
}

void feed_close(struct feed *f)
{
	if (f == NULL)
		return;
	capture_close(f->capture);
	market_free(f->market);
	free(f);
}

/* {"stream":"name","data":…}, as every recorder and venue writes it. */
bool feed_split(struct text raw, struct text *ret_stream, struct text *ret_data)
{
	static const char head[] = "{\"stream\":\"", middle[] = "\",\"data\":";
	const size_t head_len = sizeof(head) - 1, middle_len = sizeof(middle) - 1;

	if (raw.len < head_len || memcmp(raw.at, head, head_len) != 0)
		return false;
	const char *name = raw.at + head_len, *end = raw.at + raw.len;
	const char *quote = memchr(name, '"', (size_t)(end - name));
	if (quote == NULL || (size_t)(end - quote) < middle_len + 1)
		return false;
	if (memcmp(quote, middle, middle_len) != 0 || end[-1] != '}')
		return false;
	if (memchr(name, '\\', (size_t)(quote - name)) != NULL)
		return false;
	*ret_stream = (struct text){name, (size_t)(quote - name)};
	const char *data = quote + middle_len;
	*ret_data = (struct text){data, (size_t)(end - 1 - data)};
	return true;
}

static bool split_any(struct text raw, struct text *ret_stream, struct text *ret_data)
{
	struct json_str key, stream = {0}, data = {0};
	struct json j;

	json_init(&j, raw.at, raw.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "stream") && json_peek(&j) == JSON_STRING)
			json_string(&j, &stream);
		else if (json_str_is(key, "data"))
			json_raw(&j, &data);
		else
			json_skip(&j);
	}
	if (json_finish(&j) != 0 || stream.at == NULL || data.at == NULL || stream.escaped)
		return false;
	*ret_stream = (struct text){stream.at, stream.len};
	*ret_data = (struct text){data.at, data.len};
	return true;
}

static bool from_capture(const struct capture_line *in, struct feed_line *out)
{
	struct text raw = {in->data, in->len};

	*out = (struct feed_line){.stamp = in->stamp, .raw = raw, .url = text_of(in->url)};
	if (in->kind == CAPTURE_HTTP) {
		out->kind = FEED_REPLY;
		return true;
	}
	out->kind = FEED_FRAME;
	return feed_split(raw, &out->stream, &out->data) ||
	       split_any(raw, &out->stream, &out->data);
}

int feed_next(struct feed *f, struct feed_line *ret_line)
{
	struct capture_line line;
	struct feed_line found;
	int rc;

	f->counters.lines++;
	if (f->market != NULL)
		return market_next(f->market, ret_line);
	while ((rc = capture_next(f->capture, &line)) == 0) {
		if (from_capture(&line, &found)) {
			*ret_line = found;
			return 0;
		}
		f->counters.unusable++;
	}
	return rc;
}

struct feed_counters feed_counters(const struct feed *f)
{
	return f->counters;
}
