/* fuzz_capture - any bytes as a recording: compressed or not, either format, whole or torn. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_all(struct capture *c)
{
	struct capture_counters n;
	struct capture_line line;
	uint64_t seen = 0;
	int rc;

	while ((rc = capture_next(c, &line)) == 0) {
		must(line.data != NULL && line.url != NULL && line.conn != NULL && line.stamp >= 0);
		for (size_t i = 0; i < line.len; i += 64)
			(void)*(volatile const char *)(line.data + i);
		seen++;
	}
	must(rc == ERR_CLOSED || rc == ERR_CORRUPT || rc == ERR_TRUNCATED);
	must(capture_next(c, &line) == rc);
	n = capture_counters(c);
	must(n.frames + n.http == seen);
	must(n.lines >= seen + n.skipped);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int fd = -1;
	static char path[64];
	struct capture *c;
	char reason[200];

	if (fd < 0) {
		fd = memfd_create("capture", MFD_CLOEXEC);
		must(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
	if (capture_open(path, &c, reason, sizeof(reason)) == 0) {
		read_all(c);
		capture_close(c);
	}
	return 0;
}
