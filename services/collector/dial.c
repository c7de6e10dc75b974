/* dial - the way to a venue's stream: its address, who we are to it, and how often it may be tried. */
#include <string.h>

#include "common/base/err.h"
#include "services/collector/shell.h"

const char *dial_base(const struct shell *s)
{
	return s->set.stream_url[0] ? s->set.stream_url : s->venue->stream_hosts[0];
}

/* Half of what the venue allows an address: another stack, or a person with a browser, has the rest. The collectors of
 * one stack share that half. */
void dial_init(struct shell *s)
{
	uint32_t all = runtime_collectors(s->rt)->n, share = s->venue->attempts_max / 2;
	share = all > 1 ? share / all : share;
	uint32_t limit = s->set.connect_limit > 0 ? (uint32_t)s->set.connect_limit : share > 0 ? share : 1;
	int64_t window = s->set.connect_window_ns > 0 ? s->set.connect_window_ns : s->venue->attempts_ns;
	attempts_init(&s->attempts, limit, window);
}

int64_t dial_wait(struct shell *s)
{
	/* A recording's server is our own. */
	int64_t wait = s->set.stamped ? 0 : attempts_wait(&s->attempts, clock_mono(runtime_clock(s->rt)));
	s->counters.dials_held += wait > 0;
	return wait;
}

/* How many streams the simulator is to wait for before it begins: what comes by texts comes late. */
static int append_stamped(const struct line *l, const struct venue_feed *feed, struct buf *url)
{
	const struct venue *v = l->shell->venue;
	uint32_t streams = feed->n * (uint32_t)__builtin_popcount(feed->streams);
	struct buf text;
	buf_init(&text, 1 << 16);
	if (v->stream_count)
		streams = v->stream_count(feed);
	bool by_text = v->stream_text(feed, 0, &text) == 0;
	buf_fini(&text);
	int rc = buf_printf(url, "%sfrom=%lld", memchr(url->at, '?', url->len) ? "&" : "?", (long long)l->cursor);
	if (!rc && by_text)
		rc = buf_printf(url, "&nj_streams=%u", streams);
	return rc;
}

static int make_url(struct line *l, struct buf *url)
{
	struct shell *s = l->shell;
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	collector_core_feed(s->core, l->number, markets, &feed);
	int rc = buf_printf(url, "%s", dial_base(s));
	if (!rc)
		rc = s->venue->stream_path(&feed, url);
	if (!rc && s->set.stamped)
		rc = append_stamped(l, &feed, url);
	return rc ? rc : buf_byte(url, 0);
}

int dial_open(struct plug *p, const struct ws_handler *handler)
{
	struct line *l = p->line;
	struct shell *s = l->shell;
	struct auth_headers headers = {.at = {NULL}};
	if (dial_wait(s) > 0)
		return ERR_BUSY;
	if (!s->set.stamped)
		attempts_note(&s->attempts, clock_mono(runtime_clock(s->rt)));
	struct buf url;
	buf_init(&url, 1 << 16);
	p->version = collector_core_version(s->core);
	int rc = make_url(l, &url);
	if (!rc && auth_signs(&s->auth))
		rc = auth_sign(&s->auth, clock_wall(runtime_clock(s->rt)), "GET",
			       (const char *)url.at + strlen(dial_base(s)), &headers);
	struct ws_options o = {.url = (const char *)url.at,
			       .headers = headers.at,
			       .protocol = s->set.stamped ? DIAL_PROTOCOL : NULL,
			       .ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL,
			       .user_agent = "nightjar/" NJ_VERSION,
			       .deflate = s->set.deflate,
			       .plain = s->set.plain};
	if (!rc)
		rc = ws_open(runtime_loop(s->rt), &o, handler, p, &p->ws);
	buf_fini(&url);
	return rc;
}
