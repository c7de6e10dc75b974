/* test_check - a broken promise says where and what, shows the stack and ends by SIGABRT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"

static int evaluations;

static int count_and_hold(void)
{
	return ++evaluations;
}

static void test_a_kept_promise_is_silent(void **state)
{
	(void)state;
	must(count_and_hold());
	assert_int_equal(evaluations, 1);
}

/* In a child: what it prints to stderr, and how it ends. */
static int run_broken(char *text, size_t cap)
{
	struct rlimit no_core = {0, 0};
	size_t len = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		must(1 + 1 == 3);
		_exit(0);
	}
	close(ends[1]);
	while (len + 1 < cap && (n = read(ends[0], text + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_a_broken_promise_aborts(void **state)
{
	char text[16384];
	int status = run_broken(text, sizeof(text));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "test_check.c:"));
	assert_non_null(strstr(text, "run_broken: broken promise: 1 + 1 == 3\n"));
	assert_non_null(strchr(strchr(text, '\n') + 1, '\n')); /* at least one frame */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_kept_promise_is_silent),
		cmocka_unit_test(test_a_broken_promise_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
