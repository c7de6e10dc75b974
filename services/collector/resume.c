/* resume - a live restart: the core is told what its last life had said behind the snapshot, and goes on from there. */
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

struct own {
	struct shell *shell;
	struct arena arena;
	uint64_t unreadable;
};

static void on_own(struct shell *s, const struct event *ev)
{
	collector_core_on_own(s->core, ev);
	markets_on_own(s, ev);
}

static void give(struct own *own, const uint8_t *body, size_t len)
{
	struct event ev;
	size_t used;
	own->arena.used = 0;
	if (codec_unpack(body, len, &own->arena, &ev, &used) == 0)
		on_own(own->shell, &ev);
	else
		own->unreadable++;
}

static bool on_record(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct own *own = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	(void)seq;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) == 0)
		give(own, body, body_len);
	return true;
}

static bool on_logged(void *ctx, int64_t at, const uint8_t *frame, size_t len)
{
	struct own *own = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	(void)at;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) != 0 || topic_len < 7)
		return true;
	bool missed = topic_len > 9 && memcmp(topic, "backfill.", 9) == 0;
	if (missed || memcmp(topic, "trade.", 6) == 0 || memcmp(topic, "candle.", 7) == 0)
		give(own, body, body_len);
	return true;
}

/* The log first: which trades and klines were published decides whether one is missing. Only where they can be asked
 * for again, and behind the snapshot, which has the newest ones of its time. Without one that fits all of it is
 * read, once, as far as its cap lets it reach (run.mlog_cap): the last trade of a quiet market may be anywhere. */
static void read_past(struct shell *s, struct own *own)
{
	struct outbox *b = runtime_outbox(s->rt);
	struct journal_status st = journal_status(b->journal);
	uint64_t next, from = s->read_all ? 1 : b->x_next;
	int64_t behind = s->read_all ? 0 : s->now - 1;
	bool klines = s->venue->kline_intervals && (s->set.candles_only || (s->venue->streams & VENUE_KLINE_STREAM));
	bool asked = s->venue->trades_max > 0 || klines || collector_section_polls(&s->set, s->venue);
	int rc = b->mlog && asked ? mlog_read(b->mlog, behind, 0, on_logged, own) : 0;
	from = from < st.first ? st.first : from;
	if (rc == 0 && from <= st.last)
		rc = journal_read(b->journal, from, 0, on_record, own, &next);
	if (rc || own->unreadable)
		log_warn("not everything that was said before the restart can be read", "err=%s unreadable=%llu",
			 rc ? err_name(rc) : "none", (unsigned long long)own->unreadable);
}

void resume_from_past(struct shell *s)
{
	struct outbox *b = runtime_outbox(s->rt);
	struct own own = {.shell = s, .arena = {.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)}};
	if (own.arena.at && b->journal)
		read_past(s, &own);
	free(own.arena.at);
	outbox_resume_log(b);
	if (b->last_stamp > s->now)
		s->now = b->last_stamp;
	collector_core_resume(s->core, s->now, &s->sink);
}
