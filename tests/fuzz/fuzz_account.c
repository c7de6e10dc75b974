/* fuzz_account - a venue's words about our account through the translators and the core that follows it.
 *
 * Input: lines. The first letter says what a line is: V the venue (s spot, f futures, k Kalshi), A the answer to the
 * question that is under way, E the same as an error, U a text of the stream, L the stream is lost, T time passes (a
 * letter follows). Whatever comes, a text has its effect whole or not at all, what is told can be packed and is of the
 * account in question, a question is never asked beside another, and nothing grows without bound.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "proto/codec.h"
#include "services/collector/holdings.h"

#define S 1000000000LL
#define LISTEN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct holdings h;
static uint8_t packed[EVENT_PACKED_MAX];
static uint32_t rows;
static int64_t now;

static void on_emit(void *ctx, struct event *ev)
{
	(void)ctx;
	memcpy(ev->source, "collector", 10);
	must(ev->id == EVENT_account_balance || ev->id == EVENT_account_position || ev->id == EVENT_account_state);
	must(ev->ts_recv == now);
	must(codec_pack(ev, packed, sizeof(packed)) > 0);
	if (ev->id == EVENT_account_balance)
		must(ev->account_balance.asset[0] != '\0' && ev->account_balance.locked >= 0 &&
		     ev->account_balance.learned != 0);
	if (ev->id == EVENT_account_position)
		must(ev->account_position.instrument.s[0] != '\0' && ev->account_position.learned != 0);
}

static void on_alert(void *ctx, enum severity severity, bool raised, const char *rule, const char *text)
{
	(void)ctx;
	(void)raised;
	must(severity != 0 && strncmp(rule, "account_", 8) == 0 && text[0] != '\0');
}

static void on_row(void *ctx, const struct venue_account_row *row)
{
	(void)ctx;
	rows++;
	must(row->kind <= VENUE_ACCOUNT_ERROR && row->scale <= 18 && row->price_scale <= 18);
	must(row->kind != VENUE_ACCOUNT_BALANCE || (row->name[0] != '\0' && row->locked >= 0));
	must(row->kind != VENUE_ACCOUNT_LISTEN_KEY || strspn(row->name, LISTEN) == strlen(row->name));
	must(memchr(row->name, 0, sizeof(row->name)) != NULL && memchr(row->leg, 0, sizeof(row->leg)) != NULL);
}

/* A copy that ends where its memory ends; twice, as it remembers nothing. */
static void check_text(const char *text, size_t len, int status)
{
	const struct venue_account *v = h.set.venue->account;
	char *copy = malloc(len > 0 ? len : 1);
	struct json_str body = {copy, len, false};

	must(copy != NULL);
	memcpy(copy, text, len);
	for (int ask = -1; ask < VENUE_ACCOUNT_ASKS; ask++) {
		if (ask >= 0 && !(v->asks & 1U << ask))
			continue;
		uint32_t first = 0;
		for (int i = 0; i < 2; i++) {
			rows = 0;
			int rc = ask < 0 ? v->event(body, on_row, NULL)
					 : v->reply((enum venue_account_ask)ask, status, body, on_row, NULL);
			must(rc == 0 || rows == 0);
			must(i == 0 || rows == first);
			first = rows;
		}
	}
	free(copy);
}

static void begin(const char *name, const struct sink *out)
{
	struct holdings_settings set = {.account = "mine",
					.venue = venue_find(name, strlen(name)),
					.every_ns = 60 * S,
					.stale_ns = 180 * S};

	holdings_init(&h, &set, on_alert, NULL);
	holdings_start(&h, now, out);
}

static void answer(const char *text, size_t len, int status, const struct sink *out)
{
	struct holdings_answer a = {.status = status, .body = text, .len = len, .origin = origin_simulated};

	check_text(text, len, status);
	holdings_on_answer(&h, now, &a, out);
	must(!h.asked);
}

static void step(const char *line, size_t len, const struct sink *out)
{
	char second = len > 1 ? line[1] : 'a';

	switch (line[0]) {
	case 'V': begin(second == 'k' ? "KALSHI" : second == 'f' ? "BINANCE-PERP" : "BINANCE", out); break;
	case 'A': answer(line + 1, len - 1, 200, out); break;
	case 'E': answer(line + 1, len - 1, second == '!' ? 429 : 400, out); break;
	case 'L': holdings_on_stream_lost(&h, now, out); break;
	case 'T': now += (int64_t)(uint8_t)second * S / 4; break;
	default:
		check_text(line + (line[0] == 'U'), len - (line[0] == 'U'), 200);
		holdings_on_event(&h, now, line + (line[0] == 'U'), len - (line[0] == 'U'), out);
	}
}

static void ask(const struct sink *out)
{
	struct holdings_question q;
	bool asked = h.asked;

	if (!holdings_next(&h, now, &q, out))
		return;
	must(!asked || h.counters.failures > 0);
	must(q.ask < VENUE_ACCOUNT_LISTEN && h.set.venue->account->asks & 1U << q.ask);
	must(!holdings_next(&h, now, &q, out)); /* one at a time */
	must(holdings_due(&h) == now + HOLDINGS_WAIT_NS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sink out = {.emit = on_emit};
	const char *at = (const char *)data, *end = at + size;

	now = 1700000000 * S;
	begin("BINANCE", &out);
	ask(&out);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);
		if (len > 0)
			step(at, len, &out);
		ask(&out);
		must(h.n <= HOLDINGS_MAX && h.due <= now + 4 * 3600 * S);
		now += S / 1000;
		at += len + 1;
	}
	return 0;
}
