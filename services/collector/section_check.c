/* section_check - what of the collector's settings cannot be meant so: names, addresses, streams. */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/collector/section.h"

enum { WHY_MAX = 240 };

static bool is_twice(const char *list, const char *word, size_t len)
{
	for (const char *at = list + strspn(list, ", "); at < word; at += strspn(at, ", ")) {
		size_t n = strcspn(at, ", ");
		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

/* Two instruments with one id would be one to everybody else. */
static bool is_wrong(const char *list, const struct venue *v, const char *at, size_t len, char why[WHY_MAX])
{
	struct venue_market m;
	int rc = venue_market_init(v, at, len, &m);

	if (rc == ERR_EXISTS)
		(void)venue_claimed(v, at, len, why, WHY_MAX);
	else if (rc != 0)
		snprintf(why, WHY_MAX,
			 "'%.*s' is no name of an instrument: it takes %s's own, of at most %d letters, digits and "
			 "%s, like %s",
			 (int)(len < 60 ? len : 60), at, v->name, SYMBOL_RAW_MAX - (int)strlen(v->suffix),
			 v->points ? "'-', with points inside" : "'-', '_'",
			 v->points ? "KXBTCD-26NOV2217-T85999.99" : "BTCUSDT");
	else if (is_twice(list, at, len))
		snprintf(why, WHY_MAX, "'%.*s' is there twice", (int)len, at);
	return rc != 0 || is_twice(list, at, len);
}

static int check_names(const struct collector_section *in, const struct venue *v, char *reason, size_t cap)
{
	char why[WHY_MAX];

	for (const char *at = in->symbols + strspn(in->symbols, ", "); *at != '\0'; at += strspn(at, ", ")) {
		size_t len = strcspn(at, ", ");
		if (is_wrong(in->symbols, v, at, len, why)) {
			snprintf(reason, cap, "collector.symbols: %s", why);
			return ERR_ARG;
		}
		at += len;
	}
	return 0;
}

/* Without this it would be tried for ever. */
static int check_address(const char *key, const char *url, const char *scheme, char *reason, size_t cap)
{
	size_t n = strlen(scheme);
	const char *host = strncmp(url, scheme, n) != 0 ? NULL : url[n] == 's' ? url + n + 1 : url + n;

	if (url[0] == '\0' || (host && strncmp(host, "://", 3) == 0 && host[3] != '\0' && host[3] != '/'))
		return 0;
	snprintf(reason, cap, "collector.%s: '%.200s' is no address; it is like %s://127.0.0.1:9300 or %ss://HOST", key,
		 url, scheme, scheme);
	return ERR_ARG;
}

int collector_section_check(const struct collector_section *in, const struct venue *v, uint32_t streams, char *reason,
			    size_t cap)
{
	int rc = check_names(in, v, reason, cap);

	if (!rc)
		rc = check_address("stream_url", in->stream_url, "ws", reason, cap);
	if (!rc)
		rc = check_address("rest_url", in->rest_url, "http", reason, cap);
	if (!rc)
		rc = check_address("catalog_url", in->catalog_url, "http", reason, cap);
	if (!rc && !in->candles_only && !collector_section_polls(in, v) && (streams & v->streams) == 0) {
		snprintf(reason, cap, "collector.streams: %s%s has none of '%.80s'", v->name, v->suffix, in->streams);
		rc = ERR_ARG;
	}
	return rc;
}
