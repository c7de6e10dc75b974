/* feed - one deterministic sequence of venue lines: streams told apart by the dialect. */
#include "tools/venue_sim/feed.h"

#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/check.h"
#include "common/io/capture.h"
#include "tools/venue_sim/dialect.h"

struct line_feed {
	struct capture *capture; /* one of the two, owned */
	struct market *market;
	const struct dialect *dialect;
	struct feed_counters counters;
	char name[STREAM_NAME_MAX]; /* of the stream of the newest line, where the line does not hold it */
};

int feed_open(const struct feed_source *source, struct line_feed **ret_feed, char *reason, size_t cap)
{
	struct line_feed *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return ERR_NOMEM;
	must(source->dialect != NULL);
	f->dialect = source->dialect;
	rc = source->capture != NULL ? capture_open(source->capture, &f->capture, reason, cap)
				     : market_new(source->market, &f->market);
	if (rc != 0) {
		feed_close(f);
		return rc;
	}
	*ret_feed = f;
	return 0;
}

void feed_close(struct line_feed *f)
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

static bool from_capture(struct line_feed *f, const struct capture_line *in, struct feed_line *out)
{
	*out = (struct feed_line){.kind = FEED_REPLY,
				  .stamp = in->stamp,
				  .raw = {in->data, in->len},
				  .url = text_of(in->url),
				  .addr = text_of(in->addr)};
	if (in->kind == CAPTURE_HTTP && !f->dialect->bare)
		return true;
	out->kind = FEED_FRAME;
	if (f->dialect->line(out, f->name))
		return true;
	out->kind = FEED_REPLY;
	return in->kind == CAPTURE_HTTP;
}

int feed_next(struct line_feed *f, struct feed_line *ret_line)
{
	struct capture_line line;
	struct feed_line found;
	int rc;

	f->counters.lines++;
	if (f->market != NULL)
		return market_next(f->market, ret_line);
	while ((rc = capture_next(f->capture, &line)) == 0) {
		if (from_capture(f, &line, &found)) {
			*ret_line = found;
			return 0;
		}
		f->counters.unusable++;
	}
	return rc;
}

struct feed_counters feed_counters(const struct line_feed *f)
{
	return f->counters;
}
