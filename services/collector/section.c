/* section - the collector section of the settings, and the core made from it. */
#include "services/collector/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "services/collector/attempts.h"
#include "services/collector/plan.h"
#include "services/collector/scan.h"

#define POLL_SLACK_NS (1200 * NS_PER_S)
#define CASH_UNIT 100000000LL /* one, at VENUE_CASH_SCALE */
#define ANSWER_NS (10 * NS_PER_S)
#define AT(member) offsetof(struct collector_section, member)
#define TEXT(member) AT(member), sizeof(((struct collector_section *)0)->member)

const struct config_key collector_section_keys[] = {
	{"venue", CONFIG_TEXT, "BINANCE", 0, 0, "", "Which venue's file in common/venue/venues to use.", NULL,
	 TEXT(venue)},
	{"symbols", CONFIG_TEXT, "BTCUSDT", 0, 0, "", "Instruments, as the venue writes them, comma separated.", NULL,
	 TEXT(symbols)},
	{"streams", CONFIG_TEXT, "depth,trade,top,kline,mark", 0, 0, "",
	 "What to subscribe to, where the venue has it: depth trade top kline ticker liquidation mark. Perpetuals are "
	 "paid funding and liquidated by mark.", NULL,
	 TEXT(streams)},
	{"trades", CONFIG_TEXT, "each", 0, 0, "",
	 "each, or aggregate: those of one taker order at one price as one, where the venue offers both.", NULL,
	 TEXT(trades)},
	{"tickers", CONFIG_TEXT, "full", 0, 0, "", "full, or mini: less traffic, where the venue offers both.", NULL,
	 TEXT(tickers)},
	{"kline_interval", CONFIG_TEXT, "1m", 0, 0, "", "Interval of the venue's own klines.", NULL,
	 TEXT(kline_interval)},
	{"klines", CONFIG_INT, "200", 0, 1000, "klines",
	 "Closed klines to fetch when a connection opens, so that strategies are warm at once; 0 none.", NULL,
	 AT(klines), 0},
	{"trade_fill", CONFIG_INT, "10000", 0, 1000000, "trades",
	 "Missed trades to fetch afterwards, of one hole at most, where the venue gives them by id; 0 none.", NULL,
	 AT(trade_fill), 0},
	{"candles_only", CONFIG_BOOL, "false", 0, 0, "",
	 "No stream at all: klines of kline_interval by requests alone, asked for as each closes (Binance, Bybit; "
	 "Kalshi: 1m, 1h; Polymarket: prices, as events mark).", NULL,
	 AT(candles_only), 0},
	{"candles_delay", CONFIG_DUR, "2s", 0, 600 * NS_PER_S, "ns",
	 "After the end of an interval until it is asked for.", NULL, AT(candles_delay_ns), 0},
	{"candles", CONFIG_TEXT, "1s,1m", 0, 0, "",
	 "Intervals of the candles built from trades, rising: 1s to 1d, 3d, 1w, 1M (a month).", NULL, TEXT(candles)},
	{"candle_grace", CONFIG_DUR, "250ms", 0, 60 * NS_PER_S, "ns",
	 "Venue time after its end until a candle closes without a later trade.", NULL, AT(candle_grace_ns), 0},
	{"connection_streams", CONFIG_INT, "0", 0, 1024, "streams",
	 "On one connection, where that is less than the venue allows; 0: as many as it allows.", NULL,
	 AT(connection_streams), 0},
	{"connect_limit", CONFIG_INT, "0", 0, ATTEMPTS_MAX, "tries",
	 "To connect within collector.connect_window, of all connections together; 0: half of what the venue allows "
	 "an address (Binance 300, Bybit 500; Kalshi and Polymarket state none, 60 are taken for it), shared by the "
	 "stack's collectors.",
	 NULL, AT(connect_limit), 0},
	{"connect_window", CONFIG_DUR, "0", 0, 3600 * NS_PER_S, "ns",
	 "Time in which so many tries are counted; 0: the venue's, five minutes at Binance and Bybit, a minute at "
	 "Kalshi and Polymarket.",
	 NULL, AT(connect_window_ns), 0},
	{"messages_limit", CONFIG_INT, "0", 0, 1000, "texts a second",
	 "That may be sent on a connection, pings included; 0: what the venue is known to allow.", NULL,
	 AT(messages_limit), 0},
	{"references", CONFIG_TEXT, "", 0, 0, "",
	 "Numbers from elsewhere to ask for, apart by spaces: NAME=coingecko:bitcoin/usd, or "
	 "NAME=https://HOST/PATH#/POINTER into the JSON that comes (RFC 6901).",
	 NULL, TEXT(references)},
	{"coingecko_key", CONFIG_SECRET, "", 0, 0, "",
	 "Our key for coingecko: references, sent to https://api.coingecko.com alone; from "
	 "NIGHTJAR_COLLECTOR__COINGECKO_KEY_FILE; empty: asked without one.",
	 NULL, TEXT(coingecko_key)},
	{"reference_every", CONFIG_DUR, "60s", 5 * NS_PER_S, 86400 * NS_PER_S, "ns",
	 "Between two requests for one.", NULL, AT(reference_every_ns), 0},
	{"reference_stale", CONFIG_DUR, "5m", 10 * NS_PER_S, 7 * 86400 * NS_PER_S, "ns",
	 "Without a good answer for so long one is told as stale.", NULL, AT(reference_stale_ns), 0},
	{"weight_limit", CONFIG_INT, "0", 0, 1000000, "",
	 "Request weight of a window (a minute at Binance), of which half is used for books; 0: what the venue says.",
	 NULL, AT(weight_limit), 0},
	{"snapshot_weight", CONFIG_INT, "0", 0, 100000, "",
	 "Request weight of one snapshot of a book; 0: as known. Not verified, so perhaps to be set: BINANCE-PERP's (2 "
	 "to 50 levels, 5 to 100, 10 to 500, 20 to 1000) and KALSHI's (10 tokens each request).",
	 NULL, AT(snapshot_weight), 0},
	{"klines_weight", CONFIG_INT, "0", 0, 100000, "",
	 "Likewise of one request for klines; not verified: BINANCE-PERP's (1 to 99 rows, 2 to 499, 5 to 1000, 10 to "
	 "1500) and KALSHI's (10).",
	 NULL, AT(klines_weight), 0},
	{"weight_share", CONFIG_INT, "80", 10, 100, "percent",
	 "Of the venue's request budget: once so much of a window is used, as its replies say, by whoever shares the "
	 "address (other collectors, a backfill, a person with a browser), nothing is asked for until the window is "
	 "over.",
	 NULL, AT(weight_share), 0},
	{"scan", CONFIG_BOOL, "false", 0, 0, "",
	 "Follow the markets that the venue lists and collector.scan_* lets pass, beside collector.symbols (which may "
	 "be empty then), as they come and until their outcome is on record: Polymarket.",
	 NULL, AT(scan), 0},
	{"scan_tag", CONFIG_TEXT, "", 0, 0, "", "Only markets of this subject: the venue's id of a tag; empty: any.",
	 NULL, TEXT(scan_tag)},
	{"scan_volume_min", CONFIG_INT, "0", 0, 1000000000, "USDC", "Only those traded so much, so far; 0: any.",
	 NULL, AT(scan_volume_min), 0},
	{"scan_ends_within", CONFIG_DUR, "0", 0, 3650 * 86400 * NS_PER_S, "ns", "Only those that end so soon; 0: any.",
	 NULL, AT(scan_ends_within_ns), 0},
	{"scan_markets", CONFIG_INT, "50", 1, 500, "markets",
	 "Followed at once; the most traded ones first. Each has an instrument for each of its outcomes.", NULL,
	 AT(scan_markets), 0},
	{"scan_every", CONFIG_DUR, "60s", NS_PER_S, 86400 * NS_PER_S, "ns",
	 "Between two rounds; one that the stream announces is looked for sooner.", NULL, AT(scan_every_ns), 0},
	{"scan_linger", CONFIG_DUR, "168h", 60 * NS_PER_S, 3650 * 86400 * NS_PER_S, "ns",
	 "A market without an outcome so long after its end is let go.", NULL, AT(scan_linger_ns), 0},
	{"catalog_url", CONFIG_TEXT, "", 0, 0, "",
	 "Base address of descriptions and listings, where the venue has another for them (Polymarket's Gamma); empty: "
	 "collector.rest_url, else the venue's own.",
	 NULL, TEXT(catalog_url)},
	{"stream_url", CONFIG_TEXT, "", 0, 0, "", "WebSocket base address; empty: the venue's own.", NULL,
	 TEXT(stream_url)},
	{"rest_url", CONFIG_TEXT, "", 0, 0, "", "REST base address; empty: the venue's own.", NULL, TEXT(rest_url)},
	{"own_hosts", CONFIG_TEXT, "", 0, 0, "",
	 "Further base addresses that are the venue's own, apart by spaces, as those of a region or new ones: what "
	 "comes from them over TLS is live, too.",
	 NULL, TEXT(own_hosts)},
	{"ca_file", CONFIG_TEXT, "", 0, 0, "", "CA certificates; empty: the system's.", NULL, TEXT(ca_file)},
	{"key_id", CONFIG_SECRET, "", 0, 0, "",
	 "Id of our key, from NIGHTJAR_COLLECTOR__KEY_ID_FILE: for our account at the venue, and where its "
	 "connections are "
	 "signed (Kalshi).",
	 NULL, TEXT(key_id)},
	{"key_file", CONFIG_TEXT, "", 0, 0, "",
	 "File with the key, mode 0600: a private key in PEM (RSA; at Binance Ed25519, too) or the secret of an HMAC "
	 "in "
	 "one line (Binance). Empty: books and trades of Kalshi are polled without a key.",
	 NULL, TEXT(key_file)},
	{"account_sync", CONFIG_BOOL, "true", 0, 0, "",
	 "Where there is a key, follow our account at the venue: balances and positions. It only reads.", NULL,
	 AT(account_sync), 0},
	{"account", CONFIG_TEXT, "", 0, 0, "",
	 "What the account is called in events and alerts; empty: as the venue in small letters.", NULL, TEXT(account)},
	{"account_poll", CONFIG_DUR, "60s", NS_PER_S, 3600 * NS_PER_S, "ns", "Between two polls of it.", NULL,
	 AT(account_poll_ns), 0},
	{"account_stale", CONFIG_DUR, "3m", 2 * NS_PER_S, 86400 * NS_PER_S, "ns",
	 "Without a poll answered in full for so long it is told as stale.", NULL, AT(account_stale_ns), 0},
	{"account_window", CONFIG_DUR, "5s", 100 * NS_PER_MS, 60 * NS_PER_S, "ns",
	 "How old a signed request may be when the venue has it (recvWindow). With the clock half of it off nothing is "
	 "signed.",
	 NULL, AT(account_window_ns), 0},
	{"account_withdrawals", CONFIG_TEXT, "refuse", 0, 0, "",
	 "A key that may withdraw or transfer, where the venue says so (Binance spot): refuse it, or alert and use it.",
	 NULL, TEXT(account_withdrawals)},
	{"account_url", CONFIG_TEXT, "", 0, 0, "",
	 "WebSocket base address of the account's stream; empty: the venue's own, or where rest_url is set none.", NULL,
	 TEXT(account_url)},
	{"poll", CONFIG_DUR, "5s", NS_PER_S, 3600 * NS_PER_S, "ns",
	 "Between requests for each book, and for each market's trades, where there is no key to connect with; the "
	 "venue's budget may slow it.",
	 NULL, AT(poll_ns), 0},
	{"stamped", CONFIG_BOOL, "false", 0, 0, "",
	 "Take the recorded stamps of venue_sim instead of the clock (replay); refused by real venues.", NULL,
	 AT(stamped), 0},
	{"deflate", CONFIG_BOOL, "false", 0, 0, "", "Offer permessage-deflate.", NULL, AT(deflate), 0},
	{"plain", CONFIG_BOOL, "false", 0, 0, "",
	 "Allow ws:// and http:// beyond loopback (a compose network's simulator).", NULL, AT(plain), 0},
	{"book_levels", CONFIG_INT, "5000", 10, 20000, "levels", "Kept of each side of a book.", NULL, AT(book_levels),
	 0},
	{"snapshot_limit", CONFIG_INT, "1000", 5, 5000, "levels", "Asked for in a snapshot.", NULL, AT(snapshot_limit),
	 0},
	{"publish_levels", CONFIG_INT, "1000", 1, 1000, "levels",
	 "Of each side in a published snapshot; more would not fit a lane-M message.", NULL, AT(publish_levels), 0},
	{"stale", CONFIG_DUR, "5s", NS_PER_MS, 3600 * NS_PER_S, "ns", "A book without updates for longer is stale.",
	 NULL, AT(stale_ns), 0},
	{"crossed", CONFIG_DUR, "1s", NS_PER_MS, 3600 * NS_PER_S, "ns", "A book crossed for longer is built anew.",
	 NULL, AT(crossed_ns), 0},
	{"silence", CONFIG_DUR, "0", 0, 3600 * NS_PER_S, "ns",
	 "A connection without data for longer is made anew, answered pings or not; 0: as long as the venue's data may "
	 "pause, 30s for Binance.",
	 NULL, AT(silence_ns), 0},
	{"describe_every", CONFIG_DUR, "1h", 0, 86400 * NS_PER_S, "ns",
	 "Between requests for the instruments' filters.", NULL, AT(describe_ns), 0},
	{"describe_wait", CONFIG_DUR, "10s", 0, 600 * NS_PER_S, "ns",
	 "Wait for the instruments before connecting without them.", NULL, AT(describe_wait_ns), 0},
	{"backoff_min", CONFIG_DUR, "1s", NS_PER_MS, 300 * NS_PER_S, "ns", "Base of the backoff between connections.",
	 NULL, AT(backoff_min_ns), 0},
	{"backoff_max", CONFIG_DUR, "300s", NS_PER_MS, 3600 * NS_PER_S, "ns", "Its cap.", NULL, AT(backoff_max_ns), 0},
	{"healthy", CONFIG_DUR, "60s", NS_PER_MS, 3600 * NS_PER_S, "ns", "A connection this old resets the backoff.",
	 NULL, AT(healthy_ns), 0},
	{"alert_hold", CONFIG_DUR, "2m", 0, 3600 * NS_PER_S, "ns",
	 "The feed must have been back for so long until the alert feed_lost is over: a network that flaps is one.",
	 NULL, AT(alert_hold_ns), 0},
	{"rotate", CONFIG_DUR, "0", 0, 7 * 86400 * NS_PER_S, "ns",
	 "Age at which a connection to Binance (spot and futures) is replaced by a new one, without a gap; 0: ten "
	 "minutes before it is cut, after a day. The other venues state no age, and are not replaced.",
	 NULL, AT(rotate_ns), 0},
	{"credit", CONFIG_INT, "4000", 100, 8000, "events", "Lockstep: events ahead of the slowest consumer.", NULL,
	 AT(credit), 0},
	{0},
};

struct word {
	const char *name;
	uint32_t bit;
};
static const struct word stream_words[] = {{"depth", VENUE_DEPTH_STREAM},   {"trade", VENUE_TRADE_STREAM},
					   {"top", VENUE_TOP_STREAM},       {"kline", VENUE_KLINE_STREAM},
					   {"ticker", VENUE_TICKER_STREAM}, {"liquidation", VENUE_LIQUIDATION_STREAM},
					   {"mark", VENUE_MARK_STREAM}};

static int parse_streams(const char *text, uint32_t *ret_bits, char *reason, size_t cap)
{
	char list[80], *save = NULL;
	snprintf(list, sizeof list, "%s", text);
	*ret_bits = 0;
	for (char *w = strtok_r(list, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		uint32_t bit = 0;
		for (size_t i = 0; i < ARRAY_LEN(stream_words); i++)
			if (strcmp(w, stream_words[i].name) == 0)
				bit = stream_words[i].bit;
		if (!bit) {
			snprintf(reason, cap,
				 "collector.streams: '%s' is none of depth, trade, top, kline, ticker, liquidation, "
				 "mark",
				 w);
			return ERR_ARG;
		}
		*ret_bits |= bit;
	}
	return 0;
}

static int parse_candles(const char *text, struct collector_core_settings *set, char *reason, size_t cap)
{
	char list[80], *save = NULL;
	snprintf(list, sizeof list, "%s", text);
	set->n_intervals = 0;
	for (char *w = strtok_r(list, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		int64_t ns;
		if (set->n_intervals == CANDLE_INTERVALS_MAX || candle_interval(w, strlen(w), &ns) ||
		    (set->n_intervals && ns <= set->intervals[set->n_intervals - 1])) {
			snprintf(reason, cap, "collector.candles: '%s' is not a rising list of 1s to 1d, 3d, 1w, 1M",
				 text);
			return ERR_ARG;
		}
		set->intervals[set->n_intervals++] = ns;
	}
	return 0;
}

int64_t collector_section_silence(const struct collector_section *in, const struct venue *v)
{
	int64_t ns = 0;

	/* An interval, and time for the answer to fail for a while before it comes. */
	if (in->candles_only && candle_interval(in->kline_interval, strlen(in->kline_interval), &ns) == 0)
		return ns + POLL_SLACK_NS;
	return in->silence_ns > 0 ? in->silence_ns : v->silence_ns;
}

bool collector_section_polls(const struct collector_section *in, const struct venue *v)
{
	return v->auth && !in->key_file[0] && !in->stream_url[0] && !in->stamped && !in->candles_only;
}

static bool is_listed(const char *base, const char *list)
{
	size_t len = strlen(base), n;
	for (const char *at = list; *at; at += n + strspn(at + n, " ")) {
		n = strcspn(at, " ");
		if (n == len && strncmp(at, base, n) == 0)
			return true;
	}
	return false;
}

/* The venue's by our list, or by the settings'. */
static bool is_own(const struct collector_section *in, const char *base, const char *const *own)
{
	bool tls = strncmp(base, "wss://", 6) == 0 || strncmp(base, "https://", 8) == 0;
	for (size_t i = 0; own && own[i] && tls; i++)
		if (strcmp(base, own[i]) == 0)
			return true;
	return tls && is_listed(base, in->own_hosts);
}

/* Books and candles are made of what both addresses say. */
static bool asks_elsewhere(const struct collector_section *in)
{
	const struct venue *v = venue_find(in->venue, strlen(in->venue));
	if (!v)
		return in->rest_url[0] || in->catalog_url[0];
	if (in->catalog_url[0] && !is_own(in, in->catalog_url, v->catalog_hosts ? v->catalog_hosts : v->rest_hosts))
		return true;
	if (!in->rest_url[0])
		return false;
	return !is_own(in, in->rest_url, v->rest_hosts) && !is_own(in, in->rest_url, v->catalog_hosts);
}

uint8_t collector_section_origin(const struct collector_section *in, const char *base, const char *const *own)
{
	return !in->stamped && is_own(in, base, own) && !asks_elsewhere(in) ? origin_live : origin_simulated;
}

/* A book is stale where three polls brought nothing; the venue's budget sets the pace. */
static void copy_polling(const struct collector_section *in, struct collector_core_settings *set)
{
	set->poll_ns = in->poll_ns;
	set->ask_pace_ns = NS_PER_MS;
	if (set->stale_ns < 3 * in->poll_ns)
		set->stale_ns = 3 * in->poll_ns;
	if (set->silence_ns < 3 * in->poll_ns)
		set->silence_ns = 3 * in->poll_ns;
}

/* What can be asked for without a stream. */
static uint32_t polled_streams(const struct venue *venue)
{
	return VENUE_DEPTH_STREAM | (venue->recall_max > 0 ? VENUE_TRADE_STREAM : 0);
}

/* One of two words; *ret_second: the second. */
static int parse_word(const char *key, const char *word, const char *const words[2], bool *ret_second, char *reason,
		      size_t cap)
{
	*ret_second = strcmp(word, words[1]) == 0;
	if (*ret_second || strcmp(word, words[0]) == 0)
		return 0;
	snprintf(reason, cap, "collector.%s: '%s' is neither %s nor %s", key, word, words[0], words[1]);
	return ERR_ARG;
}

static int parse_kinds(const struct collector_section *in, struct collector_core_settings *set, char *reason,
		       size_t cap)
{
	static const char *const trades[] = {"each", "aggregate"}, *const tickers[] = {"full", "mini"};
	static const char *const withdrawals[] = {"refuse", "alert"};
	bool puts_up = false; /* for the account, which is none of the core's affairs */
	int rc = parse_word("trades", in->trades, trades, &set->aggregate, reason, cap);

	if (!rc && in->account_withdrawals[0])
		rc = parse_word("account_withdrawals", in->account_withdrawals, withdrawals, &puts_up, reason, cap);
	return rc ? rc : parse_word("tickers", in->tickers, tickers, &set->mini, reason, cap);
}

static void copy_settings(const struct collector_section *in, struct collector_core_settings *set)
{
	set->candle_grace_ns = in->candle_grace_ns;
	set->book_levels = (uint32_t)in->book_levels;
	set->snapshot_limit = (uint32_t)in->snapshot_limit;
	set->publish_levels = (uint32_t)in->publish_levels;
	set->stale_ns = in->stale_ns;
	set->crossed_ns = in->crossed_ns;
	set->silence_ns = collector_section_silence(in, set->venue);
	/* A recording has its instruments once; asking again would not be in it. */
	set->describe_ns = in->stamped ? 0 : in->describe_ns;
	set->answer_ns = in->stamped || collector_section_polls(in, set->venue) ? 0 : ANSWER_NS;
	/* Nor are klines from before it. */
	set->klines_limit = in->stamped ? 0 : (uint32_t)in->klines;
	set->fill_max = in->stamped ? 0 : (uint64_t)in->trade_fill;
	set->weight_limit = (uint32_t)in->weight_limit;
	set->snapshot_weight = (uint32_t)in->snapshot_weight;
	set->klines_weight = (uint32_t)in->klines_weight;
	set->weight_share = (uint32_t)in->weight_share;
	set->messages_per_s = in->messages_limit > 0 ? (uint32_t)in->messages_limit : set->venue->messages_per_s;
	snprintf(set->kline_interval, sizeof set->kline_interval, "%s", in->kline_interval);
	if (collector_section_polls(in, set->venue))
		copy_polling(in, set);
}

static int new_core(const struct collector_section *in, const struct collector_actions *actions,
		    struct collector_core_settings *set, uint32_t streams, struct collector_core **ret_core)
{
	const char *raws[COLLECTOR_MARKETS_MAX];
	struct plan plan = {.venue = set->venue,
			    .streams = streams,
			    .streams_max = (uint32_t)in->connection_streams,
			    .asked = in->candles_only ? VENUE_KLINE_STREAM : 0,
			    .together = in->candles_only,
			    .raws = raws};
	struct collector_market *markets = calloc(COLLECTOR_MARKETS_MAX, sizeof *markets);
	if (!markets)
		return ERR_NOMEM;
	char list[sizeof in->symbols], *save = NULL;
	memcpy(list, in->symbols, sizeof list);
	char *w = strtok_r(list, ", ", &save);
	for (; w && plan.n < COLLECTOR_MARKETS_MAX; w = strtok_r(NULL, ", ", &save))
		raws[plan.n++] = w;
	if (in->scan)
		set->spare = (uint32_t)in->scan_markets * VENUE_OUTCOMES_MAX;
	int rc = w ? ERR_FULL : 0;
	if (!rc && (plan.n > 0 || !in->scan)) /* a scan finds the first market itself */
		rc = plan_make(&plan, markets, COLLECTOR_MARKETS_MAX, &set->n_markets);
	if (!rc && set->n_markets + set->spare > COLLECTOR_MARKETS_MAX)
		rc = ERR_FULL;
	set->markets = markets;
	if (!rc)
		rc = collector_core_new(set, actions, ret_core);
	free(markets);
	return rc;
}

static int refuse(const struct collector_section *in, int rc, char *reason, size_t cap)
{
	if (rc == ERR_FULL)
		snprintf(reason, cap,
			 "collector.symbols: so many are more than %d markets, or need more than %d connections to %s; "
			 "name fewer, or fewer collector.streams, or share them among several processes "
			 "(run.collectors=\"collector/2\")",
			 COLLECTOR_MARKETS_MAX, COLLECTOR_CONNECTIONS_MAX, in->venue);
	else
		snprintf(reason, cap, "collector.symbols: '%.200s' cannot be followed (%s)", in->symbols,
			 in->symbols[0] ? err_text(rc) : "name at least one, comma separated, or see collector.scan");
	return rc == ERR_SYNTAX || rc == ERR_FULL ? ERR_ARG : rc;
}

/* venue.h: venues are found by name and suffix. */
static void no_venue(const char *name, char *reason, size_t cap)
{
	size_t used = (size_t)snprintf(reason, cap, "collector.venue: there is no venue '%s'; there are", name);
	for (uint32_t i = 0; venue_at(i) && used < cap; i++)
		used += (size_t)snprintf(reason + used, cap - used, "%s %s%s", i ? "," : "", venue_at(i)->name,
					 venue_at(i)->suffix);
}

/* Polling: one kind of stream in the plan's words, and no connection is ever made. */
static int parse_candles_only(const struct collector_section *in, struct collector_core_settings *set,
			      uint32_t *streams, char *reason, size_t cap)
{
	const char *const *have = set->venue->kline_intervals;

	if (!in->candles_only)
		return 0;
	while (have && *have && strcmp(*have, in->kline_interval) != 0)
		have++;
	if (!have || !*have || candle_interval(in->kline_interval, strlen(in->kline_interval), &set->candles_only_ns)) {
		snprintf(reason, cap,
			 "collector.candles_only: %s has no klines of %s to ask for; choose another "
			 "collector.kline_interval, or streams (collector.candles_only=false)",
			 in->venue, in->kline_interval);
		return ERR_ARG;
	}
	if (in->stamped) {
		snprintf(reason, cap,
			 "collector.candles_only: a recording (collector.stamped) is streamed, not polled");
		return ERR_ARG;
	}
	set->candles_delay_ns = in->candles_delay_ns;
	if (set->venue->weight_limit > 0)
		set->ask_pace_ns = NS_PER_MS; /* the budget sets the pace */
	*streams = VENUE_KLINE_STREAM;
	return 0;
}

/* Marks told by polls, Polymarket's, are no perpetuals'. */
bool collector_section_unmarked(const struct collector_section *in, const struct venue *v)
{
	uint32_t streams = 0;
	bool perpetual = v->suffix[0] != '\0', known = parse_streams(in->streams, &streams, NULL, 0) == 0;
	return perpetual && known && !in->candles_only && (v->streams & ~streams & VENUE_MARK_STREAM) != 0;
}

int collector_section_plan(const struct collector_section *in, struct plan *ret_plan, char *reason, size_t cap)
{
	const struct venue *venue = venue_find(in->venue, strlen(in->venue));
	uint32_t streams = 0;
	int rc = parse_streams(in->streams, &streams, reason, cap);
	if (!rc)
		*ret_plan = (struct plan){
			.venue = venue, .streams = streams, .streams_max = (uint32_t)in->connection_streams};
	return rc;
}

void collector_section_scan(const struct collector_section *in, struct scan_settings *set)
{
	snprintf(set->filter.tag, sizeof set->filter.tag, "%s", in->scan_tag);
	set->filter.volume_min = in->scan_volume_min * CASH_UNIT;
	set->ends_within_ns = in->scan_ends_within_ns;
	set->markets_max = (uint32_t)in->scan_markets;
	set->every_ns = in->scan_every_ns;
	set->linger_ns = in->scan_linger_ns;
	if (set->soon_ns > set->every_ns)
		set->soon_ns = set->every_ns;
}

static int check_scan(const struct collector_section *in, const struct venue *v, char *reason, size_t cap)
{
	if (!in->scan)
		return 0;
	if (!v->has_listings)
		snprintf(reason, cap, "collector.scan: %s lists no markets; name them in collector.symbols", in->venue);
	else if (in->stamped)
		snprintf(reason, cap, "collector.scan: a recording (collector.stamped) has the markets it has");
	else if (in->candles_only)
		snprintf(reason, cap, "collector.scan: what it finds is streamed; set collector.candles_only=false");
	else
		return 0;
	return ERR_ARG;
}

int collector_section_core(const struct collector_section *in, const struct collector_actions *actions, char *reason,
			   size_t cap, struct collector_core **ret_core)
{
	struct collector_core_settings set;
	const struct venue *venue = venue_find(in->venue, strlen(in->venue));
	uint32_t streams = 0;
	if (!venue) {
		no_venue(in->venue, reason, cap);
		return ERR_ARG;
	}
	collector_core_defaults(&set, venue);
	copy_settings(in, &set);
	/* Until somebody has answered. */
	set.origin = collector_section_origin(in, in->stream_url[0] ? in->stream_url : venue->stream_hosts[0],
					      venue->stream_hosts);
	int rc = parse_streams(in->streams, &streams, reason, cap);
	if (!rc)
		rc = parse_candles(in->candles, &set, reason, cap);
	if (!rc)
		rc = parse_kinds(in, &set, reason, cap);
	if (rc)
		return rc;
	if (collector_section_polls(in, venue))
		streams &= polled_streams(venue);
	rc = parse_candles_only(in, &set, &streams, reason, cap);
	if (!rc)
		rc = check_scan(in, venue, reason, cap);
	if (!rc)
		rc = collector_section_check(in, venue, streams, reason, cap);
	if (rc)
		return rc;
	rc = new_core(in, actions, &set, streams, ret_core);
	return rc ? refuse(in, rc, reason, cap) : 0;
}
