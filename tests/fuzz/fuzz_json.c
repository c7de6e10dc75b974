/* fuzz_json - the JSON reader against any bytes: one verdict by every way, the reference's. */
#include "tests/fuzz/json_reference.h"
#include "tests/fuzz/json_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quoting takes any bytes; what it makes of them is JSON. */
static void quote(const char *text, size_t len)
{
	struct json_str s;
	struct buf out;
	struct json j;

	buf_init(&out, 6 * len + 2);
	must(json_quote(&out, text, len) == 0);
	json_init(&j, (const char *)out.at, out.len);
	must(json_string(&j, &s) && json_finish(&j) == 0);
	must(!utf8_valid(text, len) || s.len >= len);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	int rc = walk(text, size);

	must((rc == 0) == ref_is_json(text, size, JSON_DEPTH_MAX));
	quote(text, size);
	return 0;
}
