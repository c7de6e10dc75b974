/* test_schema - proto/schema.lock: nothing shipped is lost or changed, what is new is locked. */
#include "tests/unit/proto/printed.h"

#include "proto/docs.h"

#define LOCK "proto/schema.lock"

static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; at != NULL && *at != '\0';) {
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
			return true;
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	return false;
}

/* Prints each line of `old` that `new` lacks; how many. */
static int missing(const char *old, const char *new, const char *what)
{
	int n = 0;

	for (const char *at = old; *at != '\0';) {
		size_t len = strcspn(at, "\n");
		if (len > 0 && !has_line(new, at, len)) {
			printf("%s: %.*s\n", what, (int)len, at);
			n++;
		}
		at += len;
		at += *at == '\n';
	}
	return n;
}

static void current(struct buf *out)
{
	buf_init(out, PRINTED_MAX);
	assert_int_equal(docs_schema_lock(out), 0);
	assert_int_equal(buf_byte(out, '\0'), 0);
}

static void nothing_lost(void **state)
{
	(void)state;
	char path[1024];
	struct buf now, lock;

	if (printed_path(LOCK, path) == NULL)
		skip();
	current(&now);
	buf_init(&lock, PRINTED_MAX);
	if (!printed_read(path, &lock))
		fail_msg("%s is not there", path);
	int lost = missing((char *)lock.at, (char *)now.at, "lost or changed");
	int added = missing((char *)now.at, (char *)lock.at, "not locked yet");
	buf_fini(&now);
	buf_fini(&lock);
	if (lost > 0)
		fail_msg("%d locked lines are lost or changed: old peers would misread events. "
			 "Bring them back; add fields at the end, with a new `since`.", lost);
	if (added > 0)
		fail_msg("%d new lines are not in %s: run this program with --update, commit it.",
			 added, LOCK);
}

/* Each line once: no position, id or value is given twice. */
static void lines_unique(void **state)
{
	(void)state;
	struct buf now;

	current(&now);
	for (const char *at = (char *)now.at; *at != '\0';) {
		size_t len = strcspn(at, "\n");
		assert_false(has_line(at + len + 1, at, len));
		at += len + 1;
	}
	buf_fini(&now);
}

/* Writes the lock; only adds lines. A line that was never shipped is taken out by hand. */
static int update(void)
{
	char path[1024];
	struct buf now, lock;

	if (printed_path(LOCK, path) == NULL) {
		fprintf(stderr, "NJ_SOURCE is not set\n");
		return 1;
	}
	current(&now);
	buf_init(&lock, PRINTED_MAX);
	if (printed_read(path, &lock) && missing((char *)lock.at, (char *)now.at,
		"lost or changed") > 0) {
		fprintf(stderr,
			"refused: the lock never loses a line; delete by hand what was never "
				"shipped\n");
		return 1;
	}
	now.len--; /* the NUL */
	printed_write(path, &now);
	buf_fini(&now);
	buf_fini(&lock);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost),
		cmocka_unit_test(lines_unique),
	};

	if (printed_is_update(argc, argv))
		return update();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
