/* stall - a thread that watches the loop turn, and aborts with the loop's own backtrace when it has stopped. */
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/service/runtime_state.h"

/* Runs on the stalled thread: what it prints is where that thread hangs. */
static void on_stall(int sig)
{
	static const char text[] = "the event loop has stalled; backtrace of its thread:\n";
	void *frame[64];
	(void)sig;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(70);
	backtrace_symbols_fd(frame, backtrace(frame, 64), STDERR_FILENO);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void *watch(void *arg)
{
	struct runtime *rt = arg;
	uint64_t turns = loop_turns(rt->loop);
	int64_t since = runtime_mono(rt), woke = since;
	int64_t period = rt->run.stall_ns / 10 < 200000000 ? rt->run.stall_ns / 10 : 200000000;
	while (!atomic_load(&rt->stall_stop)) {
		struct timespec ts = {.tv_nsec = period};
		nanosleep(&ts, NULL);
		uint64_t now = loop_turns(rt->loop);
		int64_t mono = runtime_mono(rt);
		/* We overslept: the process was stopped (SIGSTOP, suspend), the loop did not hang. */
		bool suspended = mono - woke > rt->run.stall_ns / 2;
		woke = mono;
		if (now != turns || suspended) {
			turns = now;
			since = mono;
		} else if (mono - since > rt->run.stall_ns) {
			pthread_kill(rt->main_thread, SIGUSR2);
			return NULL;
		}
	}
	return NULL;
}

int stall_start(struct runtime *rt)
{
	struct sigaction sa = {.sa_handler = on_stall};
	void *warm[2];
	backtrace(warm, 2); /* loads libgcc now: not from a signal handler */
	if (rt->run.stall_ns == 0)
		return 0;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGUSR2, &sa, NULL) != 0)
		return ERR_IO;
	rt->main_thread = pthread_self();
	if (pthread_create(&rt->stall_thread, NULL, watch, rt) != 0)
		return ERR_NOMEM;
	rt->stall_started = true;
	return 0;
}

void stall_stop(struct runtime *rt)
{
	if (!rt->stall_started)
		return;
	atomic_store(&rt->stall_stop, true);
	pthread_join(rt->stall_thread, NULL);
	rt->stall_started = false;
}
