/* main - the collector's table: settings, outputs, life; its core decides, connection.c and pump.c feed it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "proto/topic.h"
#include "services/collector/shards.h"
#include "services/collector/shell.h"

#define CLOCK_BACK_NS NS_PER_S          /* alert from here on */
#define CLOCK_EVEN_NS (100 * NS_PER_MS) /* and over below it */

static const uint16_t pubs[] = {
	EVENT_instrument, EVENT_trade,       EVENT_book_snapshot,  EVENT_book_delta, EVENT_book_state,
	EVENT_top,        EVENT_candle,      EVENT_ticker,         EVENT_mark,       EVENT_candle_due,
	EVENT_reference,  EVENT_liquidation, EVENT_feed_state,     EVENT_resolution, EVENT_gap,
	EVENT_blind,      EVENT_following,   EVENT_trade_backfill, EVENT_account_balance,
	EVENT_account_position, EVENT_account_state, EVENT_venue_wait, EVENT_alert, 0};

#define ROW(name, kind, member, doc) {name, kind, doc, offsetof(struct shell_metrics, member)}
#define COUNTER(name, member, doc) ROW(name, METRIC_COUNTER, core.member, doc)
static const struct metric_row metrics[] = {
	COUNTER("collector_frames_total", frames, "Frames from the venue."),
	COUNTER("collector_bytes_total", bytes, "Bytes of them."),
	COUNTER("collector_events_total", events, "Events made of them."),
	COUNTER("collector_unknown_total", unknown, "Frames of kinds we do not know."),
	COUNTER("collector_malformed_total", malformed, "Frames that could not be decoded."),
	COUNTER("collector_depth_applied_total", depth_applied, "Depth updates applied to a book."),
	COUNTER("collector_depth_dropped_total", depth_dropped, "Depth updates older than their book."),
	COUNTER("collector_depth_gaps_total", depth_gaps, "Holes in a depth sequence."),
	COUNTER("collector_snapshots_total", snapshots, "Snapshots a book was built on."),
	COUNTER("collector_resyncs_total", resyncs, "Books that lost their trust."),
	COUNTER("collector_renewals_total", renewals, "New snapshots of live books whose known depth ran out."),
	COUNTER("collector_stale_total", stale, "Books that went stale."),
	COUNTER("collector_crossed_total", crossed, "Books that were crossed."),
	COUNTER("collector_trades_total", trades, "Trades."),
	COUNTER("collector_trade_gaps_total", trade_gaps, "Holes in a trade sequence."),
	COUNTER("collector_trades_missing_total", trades_missing, "Trades missing in them."),
	COUNTER("collector_trades_filled_total", trades_filled, "Missing trades that were fetched afterwards."),
	COUNTER("collector_trades_late_total", trades_late, "Trades too late for their candle."),
	COUNTER("collector_candles_total", candles, "Candles built."),
	COUNTER("collector_requests_total", requests, "REST requests."),
	COUNTER("collector_replies_failed_total", replies_failed, "REST requests without a usable reply."),
	COUNTER("collector_disconnects_total", disconnects, "Connections lost."),
	COUNTER("collector_resubscriptions_total", resubscriptions, "Markets subscribed to anew for their snapshot."),
	COUNTER("collector_feed_gaps_total", feed_gaps, "Holes in sequences that span a subscription."),
	COUNTER("collector_refusals_total", refusals, "Texts by which the venue refused something."),
	COUNTER("collector_unanswered_total", unanswered, "Texts that subscribe and were not answered."),
	COUNTER("collector_silences_total", silences, "Connections that fell silent."),
	COUNTER("collector_seals_met_total", seals_met, "Hashes of books that came out as the venue's."),
	COUNTER("collector_seals_doubted_total", seals_doubted, "Hashes that did not come out at once."),
	COUNTER("collector_seals_broken_total", seals_broken, "Books that lost their trust by their hash."),
	COUNTER("collector_seals_unchecked_total", seals_unchecked, "Hashes with too little known to check them."),
	COUNTER("collector_resolutions_total", resolutions, "Outcomes of event contracts put on record."),
	ROW("collector_weight_used", METRIC_GAUGE, budget.used,
	    "Request weight of the venue's window used by all at this address, as its last reply said."),
	ROW("collector_weight_limit", METRIC_GAUGE, budget.limit, "Request weight that it allows in a window."),
	ROW("collector_weight_holds_total", METRIC_COUNTER, budget.holds,
	    "Times that requests had to wait, as collector.weight_share of it was used."),
	ROW("collector_connects_held_total", METRIC_COUNTER, shell.dials_held,
	    "Tries to connect that had to wait, as the venue allows so many in a window."),
	COUNTER("collector_follows_total", follows, "Instruments that came to be followed while it ran."),
	COUNTER("collector_drops_total", drops, "Instruments that ended, or were let go, while it ran."),
	ROW("collector_scan_followed", METRIC_GAUGE, markets.followed, "Markets of the scan that are followed."),
	ROW("collector_scan_found", METRIC_GAUGE, markets.found, "Markets that fit its filter, followed or not."),
	ROW("collector_scan_left_out", METRIC_GAUGE, markets.left_out, "Of these, those there was no place for."),
	ROW("collector_scan_rounds_total", METRIC_COUNTER, markets.rounds, "Rounds over the venue's listings."),
	ROW("collector_scan_failures_total", METRIC_COUNTER, markets.failures, "Requests for them that failed."),
	ROW("collector_scan_dropped_total", METRIC_COUNTER, markets.dropped, "Markets that left their place."),
	ROW("collector_scan_given_up_total", METRIC_COUNTER, markets.given_up,
	    "Of these, those without an outcome so long after their end."),
	ROW("collector_rotations_total", METRIC_COUNTER, shell.rotations,
	    "Connections replaced before the venue ended them."),
	ROW("collector_rotations_failed_total", METRIC_COUNTER, shell.rotation_failures, "Tries at that which failed."),
	ROW("collector_sleeps_total", METRIC_COUNTER, shell.sleeps, "Times the machine was suspended meanwhile."),
	ROW("collector_data_origin", METRIC_GAUGE, shell.data_origin,
	    "Whose data comes in: 1 live, 2 a replay's, 3 a simulator's; 0 none."),
	ROW("collector_data_age_ns", METRIC_GAUGE, shell.data_age,
	    "Since the last of it; in a replay by its own time."),
	ROW("collector_clock_answers_total", METRIC_COUNTER, shell.clock_answers, "Times the venue has told its time."),
	ROW("collector_clock_offset_ns", METRIC_GAUGE, shell.clock_offset,
	    "How far the clock is ahead of the venue's."),
	ROW("collector_clock_uncertainty_ns", METRIC_GAUGE, shell.clock_known, "Give or take so much."),
	ROW("collector_account_age_ns", METRIC_GAUGE, account_age,
	    "Since our account at the venue was last read in full; 0 never yet."),
	ROW("collector_account_polls_total", METRIC_COUNTER, account.polls, "Answers about our account."),
	ROW("collector_account_failures_total", METRIC_COUNTER, account.failures, "Questions about it that failed."),
	ROW("collector_account_refusals_total", METRIC_COUNTER, account.refusals, "Times its key was refused."),
	ROW("collector_account_streamed_total", METRIC_COUNTER, account.streamed, "Values its stream told."),
	ROW("collector_account_late_total", METRIC_COUNTER, account.late, "Values older than what was known."),
	ROW("collector_account_corrections_total", METRIC_COUNTER, account.corrections,
	    "Values that the stream had missed and a poll corrected."),
	ROW("collector_account_unknown_total", METRIC_COUNTER, account.unknown,
	    "Events of it of kinds we do not know."),
	ROW("collector_account_malformed_total", METRIC_COUNTER, account.malformed, "What could not be read of it."),
	ROW("collector_account_lost_total", METRIC_COUNTER, account.lost, "Assets and positions beyond 1,024."),
	{0},
};

static int make_core(struct shell *s, char *reason, size_t cap)
{
	struct collector_actions actions = {.ctx = s,
					    .request = requests_send,
					    .reconnect = connection_reconnect,
					    .rotate = rotate_asked,
					    .again = subscribe_again,
					    .add = subscribe_add,
					    .remove = subscribe_drop,
					    .trouble = connection_trouble,
					    .unsettled = connection_unsettled,
					    .subscription = connection_subscription};
	s->references.every_ns = s->set.reference_every_ns;
	s->references.stale_ns = s->set.reference_stale_ns;
	int rc = references_parse(s->set.references, &s->references, reason, cap);
	if (rc == 0)
		rc = references_set_key(&s->references, s->set.coingecko_key, reason, cap);
	return rc ? rc : collector_section_core(&s->set, &actions, reason, cap, &s->core);
}

/* What is ours of the settings, once those of all collectors go together. */
static int take_settings(struct shell *s, const void *settings, char *reason, size_t cap)
{
	struct config *c = runtime_config(s->rt);
	const struct collectors *all = runtime_collectors(s->rt);
	s->set = *(const struct collector_section *)settings;
	int rc = shards_check(c, all, reason, cap);
	if (rc == 0)
		shards_take(c, all, runtime_place(s->rt), &s->set);
	return rc;
}

static int check(struct runtime *rt, const void *settings, char *reason, size_t cap)
{
	struct shell *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	s->rt = rt;
	int rc = take_settings(s, settings, reason, cap);
	if (rc == 0)
		rc = make_core(s, reason, cap);
	collector_core_free(s->core);
	free(s);
	return rc;
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct shell *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	s->rt = rt;
	s->sink = (struct sink){.ctx = s, .emit = pump_emit};
	int rc = take_settings(s, settings, reason, cap);
	s->venue = venue_find(s->set.venue, strlen(s->set.venue));
	if (!rc)
		rc = auth_init(&s->auth, &s->set, s->venue, reason, cap);
	if (!rc)
		rc = make_core(s, reason, cap);
	if (!rc)
		rc = markets_new(s, reason, cap);
	if (!rc)
		rc = connection_init(s);
	struct http_options ho = {.ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL,
				  .user_agent = "nightjar/" NJ_VERSION};
	if (!rc)
		rc = http_open(runtime_loop(rt), &ho, &s->http);
	if (!rc)
		rc = holdings_sync_open(s, reason, cap);
	if (rc) {
		holdings_sync_close(s);
		http_close(s->http);
		connection_fini(s);
		markets_free(s);
		auth_fini(&s->auth);
		collector_core_free(s->core);
		free(s);
		return rc;
	}
	runtime_on_credit(rt, pump_on_credit);
	*ret_self = s;
	return 0;
}

static void stop(void *self)
{
	struct shell *s = self;
	s->stopping = true;
	loop_end(&s->start);
	clocks_stop(s);
	holdings_sync_close(s);
	for (uint32_t i = 0; i < s->n_lines; i++) {
		loop_end(&s->line[i].retry);
		connection_close(&s->line[i]);
	}
}

static void shell_free(void *self)
{
	struct shell *s = self;
	clocks_stop(s);
	holdings_sync_close(s);
	connection_fini(s);
	http_close(s->http);
	requests_fini(s);
	markets_free(s);
	auth_fini(&s->auth);
	collector_core_free(s->core);
	free(s);
}

static void on_connect_time(void *ctx)
{
	struct shell *s = ctx;
	s->start = NULL;
	if (!collector_core_described(s->core))
		log_warn("connecting without the instruments' filters: orders will be refused until they are known",
			 NULL);
	connection_open_all(s);
}

/* Stands until the settings are others. */
static void tell_unmarked(struct shell *s)
{
	bool unmarked = collector_section_unmarked(&s->set, s->venue);
	runtime_alert(s->rt, severity_warning, unmarked, "mark_unheard", s->venue->name,
		      unmarked ? "perpetuals are followed without their mark prices: no funding is paid, and the mid "
				 "decides liquidations. Add mark to collector.streams and restart the collector."
			       : "mark prices are followed, or no perpetuals");
}

static void run(void *self)
{
	struct shell *s = self;
	if (s->set.stamped) {
		tell_unmarked(s);
		connection_open_all(s);
		return;
	}
	/* Live: nothing is regenerated. The journal and the log stand; what happened while we were away is a gap. */
	resume_from_past(s); /* before anything is said */
	tell_unmarked(s);
	if (connection_grow(s))
		log_error("no memory for the connections", NULL);
	s->started = true;
	s->told_live = false;
	for (uint32_t i = 0; i < s->n_lines; i++)
		s->line[i].told_live = false;
	clocks_start(s);
	collector_core_start(s->core, pump_now(s), &s->sink);
	references_start(&s->references, pump_now(s));
	holdings_sync_start(s);
	markets_start(s);
	if (s->set.candles_only) /* by requests alone */
		return;
	loop_timer(runtime_loop(s->rt), s->set.describe_wait_ns, 0, on_connect_time, s, &s->start);
}

static void run_timers(struct shell *s)
{
	int64_t now = pump_now(s), due;
	for (int i = 0; i < 1000 && (due = collector_core_next_due(s->core)) <= now; i++)
		collector_core_on_timer(s->core, s->set.candles_only ? now : due, &s->sink);
}

/* Set back, or ahead before a restart: people must know why event time is not the time of day. */
static void watch_time(struct shell *s)
{
	int64_t ahead = event_clock_ahead(&s->time, runtime_clock(s->rt));
	char text[EVENT_TEXT_MAX] = "event time is the time of day again";
	if (ahead < CLOCK_BACK_NS && ahead > CLOCK_EVEN_NS)
		return; /* as it was */
	if (ahead >= CLOCK_BACK_NS)
		snprintf(text, sizeof text,
			 "The clock of the machine went back: event time is %lld s ahead of it, and runs at half speed "
			 "until it is even. Check the time service.",
			 (long long)(ahead / NS_PER_S));
	runtime_alert(s->rt, severity_critical, ahead >= CLOCK_BACK_NS, "clock_back", runtime_name(s->rt), text);
}

static void tick(void *self, int64_t mono_ns)
{
	struct shell *s = self;
	(void)mono_ns;
	if (s->set.stamped) {
		pump(s);
		pump_after(s);
		return;
	}
	if (s->start && collector_core_described(s->core)) {
		loop_end(&s->start);
		connection_open_all(s);
	}
	clocks_look(s);
	run_timers(s);
	connection_look(s);
	reference_ask(s);
	holdings_sync_tick(s);
	markets_tick(s);
	watch_time(s);
	pump_after(s);
}

/* Without a connection work is what was answered, and an interval without any is none the worse. */
static void beat_of_polls(const struct shell *s, struct ev_heartbeat *hb)
{
	const struct collector_counters *n = collector_core_counters(s->core);

	hb->progress = n->replies - n->replies_failed;
	hb->worked_at = s->worked_at;
	hb->silence_max = collector_section_silence(&s->set, s->venue);
	event_set_name(hb->note, s->unheard ? "no answer" : "polling");
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	struct shell *s = self;
	if (s->set.candles_only) {
		beat_of_polls(s, hb);
		return;
	}
	uint32_t up = connection_up(s), wanted = connection_wanted(s);
	char note[EVENT_NAME_MAX];
	snprintf(note, sizeof note, up ? "connected" : wanted || !s->markets ? "no connection" : "scanning");
	if (up && up < wanted)
		snprintf(note, sizeof note, "%u of %u connections", up, wanted);
	else if (s->markets && up == wanted)
		markets_note(s, note);
	hb->progress = collector_core_counters(s->core)->frames;
	hb->worked_at = s->worked_at;
	hb->silence_max = s->ended ? 0 : collector_section_silence(&s->set, s->venue);
	event_set_name(hb->note, s->ended ? "recording ended" : note);
}

/* In a replay the recorded time: a stamp of today would drag every later event behind it. */
static int64_t now_of(const void *self)
{
	return ((const struct shell *)self)->now;
}

static const void *metrics_of(void *self)
{
	struct shell *s = self;
	int64_t at, now = s->set.stamped ? s->now : clock_wall(runtime_clock(s->rt));
	s->counters.data_origin = collector_core_data(s->core, &at);
	s->counters.data_age = at != 0 && now > at ? now - at : 0;
	s->exported = (struct shell_metrics){.core = *collector_core_counters(s->core), .shell = s->counters};
	if (s->account.holdings) {
		s->exported.account = s->account.holdings->counters;
		s->exported.account_age = holdings_sync_age(s);
	}
	s->exported.budget = collector_core_budget(s->core);
	markets_count(s, &s->exported.markets);
	return &s->exported;
}

/* ---- last values for late joiners ---- */

struct dump {
	struct shell *shell;
	struct buf *page;
	int err;
};

static void dump_event(void *ctx, struct event *ev)
{
	struct dump *d = ctx;
	const struct outbox *b = runtime_outbox(d->shell->rt);
	char topic[TOPIC_MAX];
	static uint8_t frame[TOPIC_MAX + EVENT_PACKED_MAX];
	memcpy(ev->source, b->source, sizeof ev->source);
	ev->epoch = b->m_epoch;
	ev->ts_recv = b->last_stamp;
	int topic_len = topic_of(ev, topic);
	if (topic_len < 0) {
		d->err = topic_len;
		return;
	}
	ev->seq = outbox_topic_last(b, topic, (size_t)topic_len); /* the topic goes on from here */
	memcpy(frame, topic, (size_t)topic_len + 1);
	int n = codec_pack(ev, frame + topic_len + 1, EVENT_PACKED_MAX);
	if (n < 0)
		d->err = n;
	else if (outbox_put_record(d->page, frame, (size_t)(n + topic_len + 1)))
		d->err = ERR_FULL;
}

static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	struct shell *s = self;
	struct dump d = {.shell = s, .page = page};
	struct sink out = {.ctx = &d, .emit = dump_event};
	if (request->request.verb != verb_state) {
		event_set_text(reply->reply.message, "the collector does not know that verb");
		return;
	}
	outbox_flush(runtime_outbox(s->rt));
	collector_core_dump(s->core, &out);
	outbox_put_tails(runtime_outbox(s->rt), page);
	reply->reply.result = d.err;
	reply->reply.of_epoch = runtime_outbox(s->rt)->m_epoch;
	reply->reply.last = (uint64_t)outbox_values_stamp(runtime_outbox(s->rt));
}

/* ---- snapshots (stamped mode resumes from them) ---- */

enum { SHELL_FORMAT = 3 };

static int save(void *self, struct buf *out)
{
	struct shell *s = self;
	for (size_t i = 0; i < SHELL_REQUESTS_MAX; i++)
		if (s->asked[i].used && s->set.stamped)
			return ERR_BUSY; /* an answer under way would be missing */
	struct packer p = {.out = out};
	struct buf core;
	buf_init(&core, 64 << 20);
	int rc = collector_core_save(s->core, &core);
	pack_i64(&p, SHELL_FORMAT);
	pack_i64(&p, s->now);
	pack_bool(&p, s->started);
	pack_bool(&p, s->told_live);
	pack_u64(&p, s->n_lines);
	for (uint32_t i = 0; i < s->n_lines; i++) {
		pack_i64(&p, s->line[i].cursor);
		pack_bool(&p, s->line[i].told_live);
	}
	pack_bin(&p, core.at, core.len);
	markets_save(s, &p);
	buf_fini(&core);
	return rc ? rc : p.err;
}

/* Live, other symbols than before are no reason not to start, nor is another version: what is on record says what was
 * open. */
static int start_anew(struct shell *s)
{
	char reason[200];
	log_warn("the snapshot is of other markets, or of another version: starting from the journal", NULL);
	collector_core_free(s->core);
	s->core = NULL;
	s->read_all = true;
	return make_core(s, reason, sizeof reason);
}

static int load(void *self, const uint8_t *at, size_t len)
{
	struct shell *s = self;
	struct unpacker u = {.at = at, .end = at + len};
	bool same = unpack_i64(&u) == SHELL_FORMAT;
	if (u.err != 0 || !same)
		return u.err != 0 ? u.err : s->set.stamped ? ERR_UNKNOWN : start_anew(s);
	s->now = unpack_i64(&u);
	s->started = unpack_bool(&u);
	s->told_live = unpack_bool(&u);
	uint64_t lines = unpack_u64(&u);
	int rc = lines > COLLECTOR_CONNECTIONS_MAX || (s->set.stamped && lines != s->n_lines) ? ERR_DIFFERS : 0;
	for (uint32_t i = 0; rc == 0 && i < lines; i++) {
		s->line[i].cursor = unpack_i64(&u);
		s->line[i].told_live = unpack_bool(&u);
	}
	struct blob core = rc == 0 ? unpack_bin(&u) : (struct blob){0};
	if (rc == 0 && u.err == 0)
		rc = collector_core_load(s->core, core.at, core.n);
	if (rc == 0 && u.err == 0)
		markets_load(s, &u);
	if (u.err != 0)
		return u.err;
	return rc == ERR_DIFFERS && !s->set.stamped ? start_anew(s) : rc;
}

static const char *const standing[] = {CONNECTION_ALERT, COLLECTOR_MISSING_ALERT, "unsettled", "subscription_failed",
				       "clock_offset",	 "clock_far",		   "mark_unheard", NULL};

static const struct service service = {
	.name = "collector",
	.doc = "Turns a venue's frames into market events, with books that can be trusted and gaps on record.",
	.keys = collector_section_keys,
	.settings_size = sizeof(struct collector_section),
	.several = true,
	.pubs = pubs,
	.metrics = metrics,
	.logged = true,
	.standing = standing,
	.check = check,
	.start = start,
	.stop = stop,
	.free = shell_free,
	.metrics_of = metrics_of,
	.now = now_of,
	.run = run,
	.tick = tick,
	.beat = beat,
	.on_request = on_request,
	.save = save,
	.load = load,
};
SERVICE_MAIN(service)
