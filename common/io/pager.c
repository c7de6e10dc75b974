/* pager - one descriptor, one buffer. */
#include "common/io/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"

void pager_init(struct pager *p)
{
	*p = (struct pager){.fd = -1};
}

static void shut(struct pager *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->len = 0;
}

void pager_fini(struct pager *p)
{
	shut(p);
	free(p->bytes);
	pager_init(p);
}

int pager_open(struct pager *p, int dir_fd, const char *name, uint64_t id)
{
	if (p->fd >= 0 && p->id == id)
		return 0;
	shut(p);
	p->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	p->id = id;
	return p->fd >= 0 ? 0 : err_from_errno(errno);
}

void pager_forget(struct pager *p)
{
	p->len = 0;
}

static int grow(struct pager *p, size_t need)
{
	size_t cap = need > PAGER_AHEAD ? need : PAGER_AHEAD;

	if (p->cap >= cap)
		return 0;
	uint8_t *bytes = realloc(p->bytes, cap);
	if (!bytes)
		return ERR_NOMEM;
	p->bytes = bytes;
	p->cap = cap;
	return 0;
}

static int fill(struct pager *p, uint64_t offset, size_t need, uint64_t end)
{
	int rc = grow(p, need);

	p->len = 0;
	if (rc)
		return rc;
	uint64_t left = end - offset;
	p->offset = offset;
	return fs_read_at(p->fd, p->bytes, left < p->cap ? (size_t)left : p->cap, offset, &p->len);
}

int pager_get(struct pager *p, uint64_t offset, size_t need, uint64_t end, const uint8_t **ret_at)
{
	if (offset > end || need > end - offset)
		return ERR_TRUNCATED;
	if (offset < p->offset || offset - p->offset > p->len ||
	    need > p->len - (offset - p->offset)) {
		int rc = fill(p, offset, need, end);
		if (rc)
			return rc;
		if (p->len < need)
			return ERR_TRUNCATED;
	}
	*ret_at = p->bytes + (offset - p->offset);
	return 0;
}
