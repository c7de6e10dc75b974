/* test_unit - commands are split as written, helpers are found again by the lock they inherit. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/watchdog/unit.h"

static void words(void **state)
{
	(void)state;
	char *argv[UNIT_ARGS_MAX + 1];
	char plain[] = "  a  bc d ";
	assert_int_equal(unit_split(plain, argv), 3);
	assert_string_equal(argv[1], "bc");
	assert_null(argv[3]);
	char quoted[] = "\"/a b/c\" --save \"\" x\"y z\"w";
	assert_int_equal(unit_split(quoted, argv), 4);
	assert_string_equal(argv[0], "/a b/c");
	assert_string_equal(argv[2], "");
	assert_string_equal(argv[3], "xy zw");
	char nothing[] = "   ";
	assert_int_equal(unit_split(nothing, argv), 0);
	char open_end[] = "\"a b";
	assert_int_equal(unit_split(open_end, argv), 1);
	assert_string_equal(argv[0], "a b");
}

static void no_more_words_than_fit(void **state)
{
	(void)state;
	char *argv[UNIT_ARGS_MAX + 1], line[200];
	memset(line, 0, sizeof line);
	for (size_t i = 0; i + 2 < sizeof line; i += 2)
		memcpy(line + i, "x ", 2);
	assert_int_equal(unit_split(line, argv), UNIT_ARGS_MAX);
	assert_null(argv[UNIT_ARGS_MAX]);
}

static void backs_off(void **state)
{
	(void)state;
	assert_int_equal(unit_backoff_ns(1), 200 * NS_PER_MS);
	assert_int_equal(unit_backoff_ns(3), 200 * NS_PER_MS);
	assert_int_equal(unit_backoff_ns(4), NS_PER_S);
	assert_int_equal(unit_backoff_ns(6), 4 * NS_PER_S);
	assert_int_equal(unit_backoff_ns(10), 60 * NS_PER_S);
	assert_int_equal(unit_backoff_ns(UINT32_MAX), 60 * NS_PER_S);
}

static struct loop *loop;

static void on_died(void *ctx, struct unit *u, const char *how)
{
	(void)u;
	snprintf(ctx, 40, "%s", how);
	loop_stop(loop);
}

static void on_changed(void *ctx, struct unit *u)
{
	(void)ctx;
	if (u->state == UNIT_STOPPED)
		loop_stop(loop);
}

static const struct unit_handler handler = {.died = on_died, .changed = on_changed};

/* A watchdog that comes back knows a program without locks of its own by the one it inherited. */
static void helper_is_found_by_its_inherited_lock(void **state)
{
	(void)state;
	char dir[] = "/tmp/nj-test-unit.XXXXXX", how[40] = "";
	struct unit first, second;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(loop_new(clock_real(), &loop), 0);
	unit_init(&first, "helper", "tail -f /dev/null", loop, &handler, how);
	unit_init(&second, "helper", "tail -f /dev/null", loop, &handler, how);
	snprintf(first.lock_path, sizeof first.lock_path, "%s/helper.lock", dir);
	assert_int_equal(unit_adopt(&second, first.lock_path), ERR_NOT_FOUND);
	assert_int_equal(unit_start(&first), 0);
	pid_t pid = first.pid;
	assert_int_equal(getpgid(pid), pid);
	assert_int_equal(unit_adopt(&second, first.lock_path), 0);
	assert_int_equal(second.pid, pid);
	unit_fini(&first);
	unit_stop(&second);
	loop_run(loop);
	assert_int_equal(second.state, UNIT_STOPPED);
	waitpid(pid, NULL, 0);
	assert_int_equal(unit_adopt(&second, first.lock_path), ERR_NOT_FOUND);
	unit_fini(&second);
	loop_free(loop);
	unlink(first.lock_path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(no_more_words_than_fit),
		cmocka_unit_test(backs_off),
		cmocka_unit_test(helper_is_found_by_its_inherited_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
