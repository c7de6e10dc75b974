/* test_docs - docs/events.md is what the program prints; the schema is JSON and complete. */
#include "tests/unit/proto/printed.h"

#include "common/base/err.h"
#include "common/base/json.h"
#include "proto/docs.h"
#include "proto/event.h"

#define PAGE "docs/events.md"

static void page_is_fresh(void **state)
{
	(void)state;
	char path[1024];
	struct buf now, page;

	if (printed_path(PAGE, path) == NULL)
		skip();
	buf_init(&now, PRINTED_MAX);
	buf_init(&page, PRINTED_MAX);
	assert_int_equal(docs_events(&now), 0);
	if (!printed_read(path, &page))
		fail_msg("%s is not there: run this program with --update", PAGE);
	bool fresh = now.len == page.len - 1 && memcmp(now.at, page.at, now.len) == 0;
	buf_fini(&now);
	buf_fini(&page);
	if (!fresh)
		fail_msg("%s is stale: run this program with --update and commit it", PAGE);
}

static size_t count_events(struct json *j)
{
	struct json_str key, name;
	size_t n = 0;

	json_array(j);
	while (json_item(j)) {
		json_object(j);
		while (json_key(j, &key)) {
			if (!json_str_is(key, "name")) {
				json_skip(j);
				continue;
			}
			assert_true(json_string(j, &name));
			assert_non_null(event_row_by_name(name.at, name.len));
			n++;
		}
	}
	return n;
}

static void schema_is_json(void **state)
{
	(void)state;
	struct json j;
	struct json_str key;
	struct buf out;
	size_t rows, seen = 0;

	event_rows(&rows);
	buf_init(&out, PRINTED_MAX);
	assert_int_equal(docs_schema_json(&out), 0);
	json_init(&j, (char *)out.at, out.len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (json_str_is(key, "events"))
			seen = count_events(&j);
		else
			json_skip(&j);
	}
	assert_int_equal(json_finish(&j), 0);
	assert_int_equal(seen, rows);
	buf_fini(&out);
}

/* What does not fit leaves nothing behind. */
static void full_is_whole(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 100);
	assert_int_equal(buf_append(&out, "ab", 2), 0);
	assert_int_equal(docs_events(&out), ERR_FULL);
	assert_int_equal(out.len, 2);
	buf_fini(&out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_fresh),
		cmocka_unit_test(schema_is_json),
		cmocka_unit_test(full_is_whole),
	};

	if (printed_is_update(argc, argv)) {
		char path[1024];
		struct buf page;
		if (printed_path(PAGE, path) == NULL) {
			fprintf(stderr, "NJ_SOURCE is not set\n");
			return 1;
		}
		buf_init(&page, PRINTED_MAX);
		assert_int_equal(docs_events(&page), 0);
		printed_write(path, &page);
		buf_fini(&page);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
