/* test_sdnotify - datagrams at a path and at an abstract name, and everything that can be amiss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/sdnotify.h"

/* A manager's socket; text as in NOTIFY_SOCKET. */
static int manager(const char *text)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(a.sun_path, text, strlen(text));
	if (text[0] == '@')
		a.sun_path[0] = '\0';
	else
		len++;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", text, 1), 0);
	return fd;
}

static void check_delivery(const char *address)
{
	int fd = manager(address);
	char text[100] = "";

	assert_int_equal(sdnotify("READY=1\nSTATUS=running"), 0);
	assert_int_equal(recv(fd, text, sizeof text - 1, 0), 22);
	assert_string_equal(text, "READY=1\nSTATUS=running");
	assert_int_equal(sdnotify("WATCHDOG=1"), 0);
	assert_int_equal(recv(fd, text, sizeof text - 1, 0), 10);
	close(fd);
	assert_int_equal(sdnotify("WATCHDOG=1"), ERR_IO); /* nobody there any more */
}

static void test_delivery(void **state)
{
	char dir[] = "/tmp/nj-notify-XXXXXX", path[64], name[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(name, sizeof name, "@nightjar-test-%d", (int)getpid());
	check_delivery(path);
	check_delivery(name);
	unlink(path);
	rmdir(dir);
}

static void test_full_queue_does_not_block(void **state)
{
	char name[64];
	int fd, rc, n = 0;

	(void)state;
	snprintf(name, sizeof name, "@nightjar-full-%d", (int)getpid());
	fd = manager(name);
	while ((rc = sdnotify("WATCHDOG=1")) == 0)
		assert_true(++n < 100000);
	assert_int_equal(rc, ERR_AGAIN);
	close(fd);
}

static void test_addresses(void **state)
{
	char longest[200];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(sdnotify("READY=1"), ERR_NOT_FOUND);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(sdnotify("READY=1"), ERR_NOT_FOUND);
	setenv("NOTIFY_SOCKET", "relative/path", 1);
	assert_int_equal(sdnotify("READY=1"), ERR_ARG);
	setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(sdnotify("READY=1"), ERR_ARG);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	longest[0] = '/';
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(sdnotify("READY=1"), ERR_ARG);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(sdnotify("READY=1"), ERR_IO);
	unsetenv("NOTIFY_SOCKET");
}

static void test_watchdog(void **state)
{
	static const struct {
		const char *usec;
		int64_t ns;
	} rows[] = {
		{"30000000", 30000000000}, {"1", 1000}, {"0", 0}, {"", 0}, {"-5", 0}, {" 5", 0},
		{"5s", 0}, {"9223372036854775807", 0}, {"99999999999999999999", 0},
	};
	char pid[24];

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(sdnotify_watchdog_ns(), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("WATCHDOG_USEC", rows[i].usec, 1);
		assert_int_equal(sdnotify_watchdog_ns(), rows[i].ns);
	}
	setenv("WATCHDOG_USEC", "1000", 1);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sdnotify_watchdog_ns(), 1000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(sdnotify_watchdog_ns(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_full_queue_does_not_block),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests_name("sdnotify", tests, NULL, NULL);
}
