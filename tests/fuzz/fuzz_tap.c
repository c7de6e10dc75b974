/* fuzz_tap - nj tap over any recording: whatever the bytes are, nothing is read beyond them, and no control character
 * but the line feed is written. The first byte chooses the form. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "tools/nj/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		must(text[i] == '\n' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
}

/* Frames: a byte of lane, two of length, then the frame; the rest is one frame more. */
static void feed(struct tap *t, const uint8_t *at, size_t len)
{
	while (len >= 3) {
		size_t n = (size_t)at[1] | (size_t)at[2] << 8;
		n = n < len - 3 ? n : len - 3;
		struct tap_frame f = {
			.lane = at[0] & 1 ? LANE_X : LANE_M, .at = 1, .bytes = at + 3, .len = n, .past = at[0] & 2};
		tap_on_frame(t, &f);
		at += 3 + n;
		len -= 3 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum tap_form forms[] = {TAP_PEOPLE,  TAP_JSON,    TAP_PRETTY, TAP_FORMAT,
					      TAP_HEXDUMP, TAP_NOTHING, TAP_HEADERS};
	char *text = NULL, reason[100];
	size_t size = 0;
	struct tap t;
	if (len < 1)
		return 0;
	FILE *out = open_memstream(&text, &size);
	struct cli cli = {.out = out, .err = out, .quiet = true};
	must(out != NULL && tap_init(&t, &cli, true, 1) == 0);
	t.form = forms[data[0] % ARRAY_LEN(forms)];
	t.sample = UINT64_C(10000000000);
	t.filters.telemetry = true;
	t.headers_json = data[0] & 0x80;
	must(tap_format_parse("%t %e %k %p %O %L %o %g %T %E %S %l %s %j", &t.format, reason, sizeof reason) == 0);
	feed(&t, data + 1, len - 1);
	must(tap_stats_report(&t.stats, &cli, 2, 0, true) == CLI_OK);
	tap_fini(&t);
	fclose(out);
	check_harmless(text, size);
	free(text);
	return 0;
}
