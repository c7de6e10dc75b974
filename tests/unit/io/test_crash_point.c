/* test_crash_point - a process is killed at the point and passing that was asked for, and nowhere else. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"

static const char *const names[] = {
#define CRASH_POINT(id, name, doc) name,
#include "common/io/crash_points.def"
#undef CRASH_POINT
};

static void what_cannot_be_armed(void **state)
{
	(void)state;
	assert_int_equal(crash_point_arm("no.such_point"), ERR_NOT_FOUND);
	assert_int_equal(crash_point_arm("journal"), ERR_NOT_FOUND);
	assert_int_equal(crash_point_arm(":3"), ERR_NOT_FOUND);
	assert_int_equal(crash_point_arm("journal.append:"), ERR_ARG);
	assert_int_equal(crash_point_arm("journal.append:0"), ERR_ARG);
	assert_int_equal(crash_point_arm("journal.append:-1"), ERR_ARG);
	assert_int_equal(crash_point_arm("journal.append:2x"), ERR_ARG);
	assert_int_equal(crash_point_arm("journal.append:99999999999999999999"), ERR_ARG);
	assert_int_equal(crash_point_arm(""), 0);
	crash_point(CRASH_journal_append); /* and we live */
}

static void names_are_alike_in_form_and_all_different(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_non_null(strchr(names[i], '.'));
		assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_."), strlen(names[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

/* How often a child armed like that passes the point, until it is killed or has passed five times. */
static int passes(const char *spec, bool *ret_killed)
{
	int fds[2], status;
	char byte;
	int n = 0;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (crash_point_arm(spec) != 0)
			_exit(1);
		for (int i = 0; i < 5; i++) {
			crash_point(CRASH_publish_after);
			crash_point(CRASH_publish_before);
			if (write(fds[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		n++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*ret_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	assert_true(*ret_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	return n;
}

static void killed_at_the_nth_passing(void **state)
{
	(void)state;
	bool killed;
	assert_int_equal(passes("publish.before", &killed), 0);
	assert_true(killed);
	assert_int_equal(passes("publish.before:1", &killed), 0);
	assert_true(killed);
	assert_int_equal(passes("publish.before:4", &killed), 3);
	assert_true(killed);
	assert_int_equal(passes("publish.before:6", &killed), 5);
	assert_false(killed);
	assert_int_equal(passes("journal.append", &killed), 5);
	assert_false(killed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_armed),
		cmocka_unit_test(names_are_alike_in_form_and_all_different),
		cmocka_unit_test(killed_at_the_nth_passing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
