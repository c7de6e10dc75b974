/* test_unit_life - supervised processes: deaths told and retried, ends with the whole group, adoption by the lock, no
 * zombies. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/watchdog/unit.h"

struct world {
	struct loop *l;
	struct unit u;
	struct loop_source *guard, *poll;
	bool (*until)(struct world *w);
	int died;
	char how[40];
	char dir[64], path[96];
};

static void on_died(void *ctx, struct unit *u, const char *how)
{
	struct world *w = ctx;
	(void)u;
	w->died++;
	snprintf(w->how, sizeof w->how, "%s", how);
}

static void on_changed(void *ctx, struct unit *u)
{
	(void)ctx;
	(void)u;
}

static const struct unit_handler handler = {.died = on_died, .changed = on_changed};

static void give_up(void *ctx)
{
	struct world *w = ctx;
	fail_msg("waited too long in state %s", unit_state_text(w->u.state));
}

static void look(void *ctx)
{
	struct world *w = ctx;
	if (w->until(w))
		loop_stop(w->l);
}

/* Runs the loop until the condition holds; half a minute is the limit on any machine. */
static void run_until(struct world *w, bool (*until)(struct world *))
{
	w->until = until;
	assert_int_equal(loop_timer(w->l, 30 * NS_PER_S, 0, give_up, w, &w->guard), 0);
	assert_int_equal(loop_timer(w->l, 0, 2 * NS_PER_MS, look, w, &w->poll), 0);
	assert_int_equal(loop_run(w->l), 0);
	loop_end(&w->guard);
	loop_end(&w->poll);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-unit-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/file", w->dir);
	assert_int_equal(loop_new(clock_real(), &w->l), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	unit_kill(&w->u);
	unit_fini(&w->u);
	loop_free(w->l);
	unlink(w->path);
	rmdir(w->dir);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	free(w);
	return 0;
}

/* A script, since a command is split at spaces and no shell reads it. */
static void command(struct world *w, const char *script)
{
	char line[200];
	FILE *f = fopen(w->path, "we");
	assert_non_null(f);
	fprintf(f, "%s\n", script);
	fclose(f);
	snprintf(line, sizeof line, "/bin/sh %s", w->path);
	unit_init(&w->u, "test", line, w->l, &handler, w);
}

static bool has_died(struct world *w)
{
	return w->died > 0;
}

static bool is_running(struct world *w)
{
	return w->u.state == UNIT_RUNNING;
}

static bool is_stopped(struct world *w)
{
	return w->u.state == UNIT_STOPPED;
}

static bool started_twice(struct world *w)
{
	return w->u.starts == 2 && w->u.state == UNIT_RUNNING;
}

static bool tried_thrice(struct world *w)
{
	return w->died >= UNIT_FAST_TRIES;
}

static void a_death_says_how_and_is_tried_again(void **state)
{
	struct world *w = *state;
	command(w, "exit 7");
	int64_t began = clock_mono(clock_real());
	assert_int_equal(unit_start(&w->u), 0);
	run_until(w, has_died);
	assert_string_equal(w->how, "exit 7");
	assert_int_equal(w->u.state, UNIT_BACKOFF);
	assert_int_equal(w->u.pid, 0);
	run_until(w, tried_thrice);
	assert_true(clock_mono(clock_real()) - began >= 2 * unit_backoff_ns(1)); /* never a hot loop */
	assert_int_equal(w->u.failures, UNIT_FAST_TRIES);
	unit_stop(&w->u);
	assert_int_equal(w->u.state, UNIT_STOPPED);
}

static void a_program_that_is_not_there_backs_off(void **state)
{
	struct world *w = *state;
	unit_init(&w->u, "test", "/nonexistent/program", w->l, &handler, w);
	assert_true(unit_start(&w->u) < 0);
	assert_int_equal(w->u.state, UNIT_BACKOFF);
	run_until(w, tried_thrice);
	assert_int_equal(w->u.failures, UNIT_FAST_TRIES);
	unit_stop(&w->u);
}

static void a_signal_is_named(void **state)
{
	struct world *w = *state;
	command(w, "kill -9 $$");
	assert_int_equal(unit_start(&w->u), 0);
	run_until(w, has_died);
	assert_string_equal(w->how, "signal 9");
	unit_stop(&w->u);
}

static bool alive(pid_t pid)
{
	char path[64], line[200] = "", *state;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool read_ok = fgets(line, sizeof line, f) != NULL;
	fclose(f);
	state = strrchr(line, ')');
	return read_ok && state && state[2] != 'Z'; /* a zombie waits for its parent, that is not us */
}

static pid_t number_in(const char *path)
{
	int n = 0;
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static bool child_known(struct world *w)
{
	char path[128];
	snprintf(path, sizeof path, "%s.child", w->path);
	return number_in(path) > 1;
}

/* A child that ignores SIGTERM, and its parent: neither remains. */
static void a_stop_reaches_the_whole_group(void **state)
{
	struct world *w = *state;
	char script[600], path[128];
	snprintf(path, sizeof path, "%s.child", w->path);
	snprintf(script, sizeof script,
		 "sh -c 'trap \"\" TERM; echo $$ > %s.new; mv %s.new %s; while :; do sleep 1; done' &\nwait", path,
		 path, path);
	command(w, script);
	assert_int_equal(unit_start(&w->u), 0);
	run_until(w, child_known);
	pid_t leader = w->u.pid, child = number_in(path);
	unlink(path);
	assert_true(alive(leader) && alive(child));
	unit_stop(&w->u);
	run_until(w, is_stopped);
	assert_int_equal(w->died, 0); /* asked for: no death */
	for (int i = 0; i < 5000 && alive(child); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
	assert_false(alive(leader));
	assert_false(alive(child));
}

static void who_ignores_the_request_is_killed_after_the_grace(void **state)
{
	struct world *w = *state;
	command(w, "trap '' TERM; while :; do sleep 1; done");
	w->u.stop_grace_ns = 100 * NS_PER_MS;
	assert_int_equal(unit_start(&w->u), 0);
	run_until(w, is_running);
	int64_t began = clock_mono(clock_real());
	unit_stop(&w->u);
	run_until(w, is_stopped);
	assert_true(clock_mono(clock_real()) - began >= 100 * NS_PER_MS);
}

static void a_stopped_process_can_be_ended(void **state)
{
	struct world *w = *state;
	command(w, "while :; do sleep 1; done");
	w->u.stop_grace_ns = 20 * NS_PER_S;
	assert_int_equal(unit_start(&w->u), 0);
	run_until(w, is_running);
	assert_int_equal(kill(w->u.pid, SIGSTOP), 0);
	unit_stop(&w->u); /* SIGTERM waits for SIGCONT, which unit_stop sends */
	run_until(w, is_stopped);
}

static void a_restart_is_a_stop_and_a_start(void **state)
{
	struct world *w = *state;
	command(w, "while :; do sleep 1; done");
	assert_int_equal(unit_start(&w->u), 0);
	assert_int_equal(unit_start(&w->u), ERR_EXISTS);
	run_until(w, is_running);
	pid_t first = w->u.pid;
	unit_restart(&w->u);
	run_until(w, started_twice);
	assert_int_not_equal(w->u.pid, first);
	assert_int_equal(w->died, 0);
	assert_int_equal(w->u.failures, 0);
}

/* What a new watchdog does: finds who holds the lock, watches it, and sees its death. */
static void the_holder_of_a_lock_is_taken_over(void **state)
{
	struct world *w = *state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char text[32];
		setpgid(0, 0);
		int fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
		if (flock(fd, LOCK_EX) != 0 || write(fd, text, (size_t)n) != n || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	unit_init(&w->u, "test", "/bin/true", w->l, &handler, w);
	assert_int_equal(unit_adopt(&w->u, w->path), 0);
	assert_int_equal(w->u.state, UNIT_RUNNING);
	assert_int_equal(w->u.pid, child);
	assert_int_equal(w->u.starts, 0);
	kill(child, SIGKILL);
	run_until(w, has_died);
	assert_string_equal(w->how, "gone");
	assert_int_equal(waitpid(child, NULL, 0), child);
	unit_stop(&w->u);
	/* A file that nobody holds names nobody, whatever stands in it: the number may belong to a stranger by then. */
	FILE *f = fopen(w->path, "we");
	assert_non_null(f);
	fprintf(f, "%d\n", (int)getppid());
	fclose(f);
	assert_int_equal(unit_adopt(&w->u, w->path), ERR_NOT_FOUND);
	assert_int_equal(unit_adopt(&w->u, "/nonexistent/lock"), ERR_NOT_FOUND);
}

/* Deaths by the hundred leave no zombie behind. */
static void no_zombie_remains(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 200; i++) {
		command(w, "exit 0");
		w->died = 0;
		assert_int_equal(unit_start(&w->u), 0);
		run_until(w, has_died);
		unit_stop(&w->u);
		unit_fini(&w->u);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_death_says_how_and_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_program_that_is_not_there_backs_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stop_reaches_the_whole_group, setup, teardown),
		cmocka_unit_test_setup_teardown(who_ignores_the_request_is_killed_after_the_grace, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stopped_process_can_be_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_is_a_stop_and_a_start, setup, teardown),
		cmocka_unit_test_setup_teardown(the_holder_of_a_lock_is_taken_over, setup, teardown),
		cmocka_unit_test_setup_teardown(no_zombie_remains, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
