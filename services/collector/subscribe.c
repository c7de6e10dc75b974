/* subscribe - what a connection says to the venue of the streams it wants: all of them when it is made, at the pace the
 * venue allows, and what comes and goes while it is open.
 */
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

static void on_say(void *ctx)
{
	struct plug *p = ctx;
	p->saying = NULL;
	subscribe_all(p);
}

/* A second's worth of what the venue lets us send, less one for a ping. */
void subscribe_all(struct plug *p)
{
	struct shell *s = p->line->shell;
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct buf text;
	uint32_t a_second = s->set.messages_limit > 0 ? (uint32_t)s->set.messages_limit : s->venue->messages_per_s;
	uint32_t most = a_second > 1 ? a_second - 1 : 1, n = 0;
	int rc = 0;
	buf_init(&text, 1 << 16);
	collector_core_feed(s->core, p->line->number, markets, &feed);
	if (p->said == 0 && s->venue->stream_add)
		p->version = collector_core_version(s->core);
	while (n < most && (rc = s->venue->stream_text(&feed, p->said, &text)) == 0) {
		rc = ws_send(p->ws, (const char *)text.at, text.len);
		if (rc)
			break;
		buf_clear(&text);
		p->said++;
		n++;
	}
	buf_fini(&text);
	if (rc && rc != ERR_NOT_FOUND)
		log_error("cannot subscribe", "text=%u err=%s", p->said, err_name(rc));
	if (rc != ERR_NOT_FOUND)
		loop_timer(runtime_loop(s->rt), NS_PER_S, 0, on_say, p, &p->saying);
}

/* The first error. */
static int say(struct line *l, int (*text_of)(const struct venue_feed *, uint32_t, struct buf *),
		const struct venue_feed *feed)
{
	struct buf text;
	int first = 0, end = 0;
	if (!plug_of(l)->ws || l->open_at == 0)
		return ERR_CLOSED;
	buf_init(&text, 1 << 20);
	for (uint32_t n = 0; (end = text_of(feed, n, &text)) == 0; n++) {
		int rc = ws_send(plug_of(l)->ws, (const char *)text.at, text.len);
		first = first ? first : rc;
		buf_clear(&text);
	}
	buf_fini(&text);
	if (!first && end != ERR_NOT_FOUND)
		first = end;
	if (first)
		log_warn("cannot subscribe", "connection=%u markets=%u err=%s", l->number, feed->n, err_name(first));
	return first;
}

void subscribe_add(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	struct shell *s = ctx;
	must(connection < s->n_lines);
	log_info("subscribing", "connection=%u markets=%u", connection, feed->n);
	/* The core believes that it comes: if it does not, only a connection subscribed to anew is sure. */
	if (say(&s->line[connection], s->venue->stream_add, feed))
		connection_reconnect(s, connection, "cannot subscribe");
}

void subscribe_drop(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	struct shell *s = ctx;
	must(connection < s->n_lines);
	(void)say(&s->line[connection], s->venue->stream_drop, feed);
}

/* The core paces these. What cannot be sent now is asked for again by its own limit on waiting. */
void subscribe_again(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	struct shell *s = ctx;
	must(connection < s->n_lines);
	if (s->set.stamped)
		return; /* a recording brings what it has */
	log_info("subscribing anew", "connection=%u market=%s", connection, feed->markets[0]->raw);
	(void)say(&s->line[connection], s->venue->stream_again, feed);
}
