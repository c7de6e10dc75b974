/* check - what happens when a promise of ours is broken: say which, show the stack, abort. */
#include "common/base/check.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FRAMES_MAX 64

void check_failed(const char *expr, const char *file, int line, const char *func)
{
	void *frame[FRAMES_MAX];
	int n;

	/* Not stdio: its locks may be held, or its buffers be what broke. */
	dprintf(STDERR_FILENO, "%s:%d: %s: broken promise: %s\n", file, line, func, expr);
	n = backtrace(frame, FRAMES_MAX);
	backtrace_symbols_fd(frame, n, STDERR_FILENO);
	abort();
}
