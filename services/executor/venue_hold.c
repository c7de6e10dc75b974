/* venue_hold - see venue_hold.h. */
#include "services/executor/venue_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/fs.h"

#define LONGEST ((7 * 86400 + 60) * NS_PER_S)
#define TEXT_MAX 32

int64_t venue_hold_find(const char *data, int64_t wall)
{
	char path[PATH_MAX], text[TEXT_MAX + 1] = "", *end;
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/" VENUE_HOLD_NAME, data);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	int rc = fs_read_at(fd, text, TEXT_MAX, 0, &n);
	close(fd);
	errno = 0;
	int64_t until = strtoll(text, &end, 10);
	if (rc != 0 || errno != 0 || end == text || *end != '\n')
		return 0;
	return until > wall && until - wall <= LONGEST ? until : 0;
}

int venue_hold_write(const char *data, int64_t until)
{
	char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%" PRId64 "\n", until);
	return fs_put(data, VENUE_HOLD_NAME, text, (size_t)n);
}
