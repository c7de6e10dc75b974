/* instructions - how many a function takes: the processor's counter where the kernel grants it, else callgrind.
 *
 * They move by a few in a thousand where times move by half: what is to be judged on a shared machine.
 */
#ifndef NJ_TESTS_INSTRUCTIONS_H
#define NJ_TESTS_INSTRUCTIONS_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of one call, by the processor; 0 where it or the kernel has no counter for us. */
static inline uint64_t instructions_counted(uint64_t (*run)(void))
{
	struct perf_event_attr what = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof(what),
				       .config = PERF_COUNT_HW_INSTRUCTIONS,
				       .disabled = 1,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	int fd = (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
	uint64_t n = 0;

	if (fd < 0)
		return 0;
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	run();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		n = 0;
	close(fd);
	return n;
}

/* Of all calls of the function in this program, run again with `option`, by callgrind; 0 where that is not installed.
 * The function must not be inlined. */
static inline uint64_t instructions_by_callgrind(const char *function, const char *option)
{
	char command[512], line[256], self[256];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned long long n = 0;

	if (len < 0)
		return 0;
	self[len] = 0;
	snprintf(command, sizeof(command),
		 "valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='%s' '%s' %s 2>&1",
		 function, self, option);
	FILE *out = popen(command, "r");
	if (out == NULL)
		return 0;
	while (fgets(line, sizeof(line), out) != NULL) {
		const char *found = strstr(line, "Collected : ");
		if (found != NULL)
			sscanf(found, "Collected : %llu", &n);
	}
	return pclose(out) == 0 ? n : 0;
}

#endif
