/* section - the collector section of the settings, and the core made from it: for the service and for nj. */
#ifndef NJ_COLLECTOR_SECTION_H
#define NJ_COLLECTOR_SECTION_H

#include "common/io/config.h"
#include "services/collector/core.h"

struct collector_section {
	char venue[24];
	char references[1600], coingecko_key[100];
	int64_t reference_every_ns, reference_stale_ns;
	char trades[12], tickers[12];
	char symbols[8000], streams[80], kline_interval[8], candles[80];
	char stream_url[200], rest_url[200], own_hosts[800], ca_file[200];
	bool stamped, deflate, plain, candles_only;
	int64_t book_levels, snapshot_limit, publish_levels;
	int64_t stale_ns, crossed_ns, silence_ns, candle_grace_ns, describe_ns, describe_wait_ns;
	int64_t backoff_min_ns, backoff_max_ns, healthy_ns, alert_hold_ns;
	char key_id[100], key_file[200];
	char account[EVENT_NAME_MAX], account_url[200], account_withdrawals[12];
	bool account_sync;
	int64_t account_poll_ns, account_stale_ns, account_window_ns;
	int64_t poll_ns, rotate_ns;
	int64_t klines, trade_fill, candles_delay_ns;
	int64_t connection_streams, connect_limit, connect_window_ns, messages_limit;
	int64_t weight_limit, weight_share, snapshot_weight, klines_weight;
	int64_t credit;
	bool scan;
	char scan_tag[24], catalog_url[200];
	int64_t scan_markets, scan_volume_min, scan_ends_within_ns, scan_every_ns, scan_linger_ns;
};

extern const struct config_key collector_section_keys[];

/* Longest silence of a healthy connection by these settings. */
int64_t collector_section_silence(const struct collector_section *in, const struct venue *v);

/* Are books and trades asked for instead of streamed? Where the venue's own address takes signed connections only and
 * there is no key. */
bool collector_section_polls(const struct collector_section *in, const struct venue *v);

/* enum origin of what comes from `base` while nothing there says that it is a simulator: live only from one of the
 * venue's `own` addresses, over TLS, and not where it bears stamps of a recording or requests go to somebody else. */
uint8_t collector_section_origin(const struct collector_section *in, const char *base, const char *const *own);

/* How its streams go over connections; the venue's, no markets. ERR_ARG with a reason. */
struct plan;
/* Are perpetuals followed without their mark prices: no funding, liquidation by the mid? */
bool collector_section_unmarked(const struct collector_section *in, const struct venue *v);
int collector_section_plan(const struct collector_section *in, struct plan *ret_plan, char *reason, size_t cap);

/* What of a venue's listings is followed (collector.scan_*), into defaults. */
struct scan_settings;
void collector_section_scan(const struct collector_section *in, struct scan_settings *set);

/* Names, addresses and streams that cannot be meant so. ERR_ARG with a reason for people. */
int collector_section_check(const struct collector_section *in, const struct venue *v, uint32_t streams, char *reason,
			    size_t cap);

/* Makes the core. ERR_ARG with a reason for people; what collector_core_new says. */
int collector_section_core(const struct collector_section *in, const struct collector_actions *actions, char *reason,
			   size_t cap, struct collector_core **ret_core);

#endif
