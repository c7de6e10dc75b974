/* fuzz_sim - what strangers send to venue_sim, and what a strange recording makes it fold. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/faults.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void request(const char *at, size_t len)
{
	static const char *const names[] = {"symbol", "limit", "nj_stamp", "streams"};
	struct request r;
	char out[64];
	int64_t value;

	if (request_parse(at, len, &r) != 0)
		return;
	must(r.head_len <= len && r.path.at >= at && r.path.at + r.path.len <= at + len);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int n = request_param(&r, names[i], out, sizeof(out));
		must(n < (int)sizeof(out) && (n < 0 || strlen(out) == (size_t)n));
		if (request_param_i64(&r, names[i], 0, &value) == 0)
			must(value >= 0);
	}
	request_has_token(&r, "connection", "upgrade");
}

static void faults(const char *at, size_t len)
{
	static struct faults f;
	static char text[4096];
	char reason[200];

	faults_clear(&f);
	faults_parse_json(&f, (struct text){at, len}, reason, sizeof(reason));
	if (len < sizeof(text)) {
		memcpy(text, at, len);
		text[len] = '\0';
		faults_parse(&f, text, reason, sizeof(reason));
	}
	must(f.n <= FAULTS_MAX);
}

static void number(void *ctx, struct text price, struct text qty)
{
	*(size_t *)ctx += price.len + qty.len;
}

/* One line, by whatever the venue takes it for. */
static void one_line(const struct dialect *d, struct fold *fold, struct text raw)
{
	static char name[STREAM_NAME_MAX];
	struct feed_line line = {.kind = FEED_FRAME, .raw = raw, .url = TEXT("/depth?symbol=A&limit=5&category=spot")};
	struct frame_facts facts;
	struct reply_facts reply;
	size_t sum = 0;

	if (!d->line(&line, name)) {
		line.kind = FEED_REPLY;
		line.stream = (struct text){"", 0};
		line.data = line.raw;
	}
	if (line.kind == FEED_FRAME)
		d->frame(&line, &facts);
	else
		d->reply(&line, &reply);
	d->numbers(&line, number, &sum);
	fold_line(fold, &line);
}

static void hostile(struct text raw)
{
	static const char *const variants[] = {"exponent", "negative", "overflow", "symbol"};
	struct buf out;

	buf_init(&out, HOSTILE_FRAME_MAX);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		buf_clear(&out);
		hostile_frame(variants[i], raw, &out);
	}
	buf_fini(&out);
}

/* Lines of a stream about symbol A, and replies, one each line, of one of the venues. */
static void lines(const struct dialect *d, const char *at, size_t len)
{
	struct recording rec = {0};
	struct fold fold;

	must(strmap_init(&rec.symbols, 4, sizeof(struct rec_symbol)) == 0);
	struct rec_symbol *a = strmap_put(&rec.symbols, "A", 1);
	*a = (struct rec_symbol){.name = "A", .price_scale = 2, .qty_scale = 3, .has_trades = true};
	must(fold_init(&fold, &rec, d) == 0);
	while (len > 0) {
		const char *nl = memchr(at, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - at) : len;
		one_line(d, &fold, (struct text){at, n});
		hostile((struct text){at, n});
		len -= n + (nl != NULL);
		at += n + (nl != NULL);
	}
	fold_fini(&fold);
	strmap_fini(&rec.symbols);
}

/* The first byte says what the rest is; of lines, also whose. */
static const struct dialect *dialect_of(uint8_t first)
{
	size_t n = 0;

	while (dialect_at(n) != NULL)
		n++;
	return dialect_at((first / 3 + 2) % n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return 0;
	const char *at = (const char *)bytes + 1;
	if (bytes[0] % 3 == 0)
		request(at, len - 1);
	else if (bytes[0] % 3 == 1)
		faults(at, len - 1);
	else
		lines(dialect_of(bytes[0]), at, len - 1);
	return 0;
}
