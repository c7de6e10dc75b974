/* tap_dump - one file for each event, in a directory that holds none of them yet. */
#include "tools/nj/tap_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"

int tap_dump_open(const char *dir, const char *suffix, struct tap_dump *ret_dump)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_from_errno(errno);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	*ret_dump = (struct tap_dump){.dir = dir, .suffix = suffix, .fd = fd};
	return 0;
}

int tap_dump_put(struct tap_dump *d, const void *bytes, size_t len)
{
	char name[40];
	if (d->files == TAP_DUMP_MAX)
		return ERR_FULL;
	snprintf(name, sizeof name, "%08" PRIu64 ".%s", d->files + 1, d->suffix);
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	int rc = fs_write(fd, bytes, len);
	if (close(fd) != 0 && !rc)
		rc = err_from_errno(errno);
	d->files += rc == 0;
	return rc;
}

void tap_dump_close(struct tap_dump *d)
{
	if (d->dir)
		close(d->fd);
	d->dir = NULL;
}
