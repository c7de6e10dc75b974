/* fuzz_import - any bytes as a file that nj backfill reads: CSV, freqtrade's JSON, compressed or not, of klines or of
 * trades. All of it or nothing is in the history, and a second reading of the same brings nothing new. The first byte
 * chooses the interval and whose instrument it is: dumps of another venue are refused.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/archive.h"

#define INPUTS 256 /* of a history */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct history *history;
static char path[64];

static void write_file(const uint8_t *bytes, size_t len)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("import", MFD_CLOEXEC);
		must(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
}

static int count_one(void *ctx, int64_t from, int64_t to)
{
	(void)from;
	must(to == 0);
	(*(uint64_t *)ctx)++;
	return 0;
}

static uint64_t stored(const struct archive_options *o)
{
	const struct history_series s = {origin_replay, o->instrument.s, o->interval};
	uint64_t n = 0;

	if (o->interval != NULL)
		must(history_walk(history, &s, (int64_t[]){INT64_MIN, INT64_MAX}, count_one, &n) == 0);
	else
		must(history_count_trades(history, &s, (uint64_t[]){0, INT64_MAX}, &n) == 0);
	return n;
}

static void import(const struct archive_options *o)
{
	struct archive_result first = {0}, second = {0};
	char reason[200] = "";
	int rc = archive_import(o, history, &first, reason, sizeof(reason));

	must(rc <= 0 && stored(o) == first.fresh && first.fresh <= first.rows);
	must(rc == 0 || (first.rows == 0 && reason[0] != '\0'));
	must(first.rows == 0 || first.from <= first.to);
	must(archive_import(o, history, &second, reason, sizeof(reason)) == rc);
	must(second.fresh == 0 && second.rows == first.rows && stored(o) == first.fresh);
}

/* Making a history takes longer than an import: the next input has another instrument, and seldom another history. */
static void set_instrument(uint8_t choice, struct symbol *ret_instrument)
{
	static const char *const venues[] = {"BINANCE", "BYBIT", "BYBIT", "BINANCE"};
	static uint32_t inputs;
	char name[16], reason[200];

	if (inputs++ % INPUTS == 0) {
		history_close(history);
		must(history_open(":memory:", &history, reason, sizeof(reason)) == 0);
	}
	int n = snprintf(name, sizeof(name), "A%u%s", inputs % INPUTS, choice < 2 ? "" : "-PERP");
	must(symbol_make(name, (size_t)n, venues[choice], ret_instrument) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const intervals[] = {NULL, "1m", "1h", "1M"};
	struct archive_options o = {.path = path};

	if (len == 0)
		return 0;
	o.interval = intervals[bytes[0] % ARRAY_LEN(intervals)];
	set_instrument(bytes[0] / ARRAY_LEN(intervals) % 4, &o.instrument);
	write_file(bytes + 1, len - 1);
	import(&o);
	return 0;
}
