/* pager - looks at a file of records through one buffer: reads ahead, keeps the file open between
 * two calls. */
#ifndef NJ_IO_PAGER_H
#define NJ_IO_PAGER_H

#include <stddef.h>
#include <stdint.h>

#define PAGER_AHEAD (128u << 10)

struct pager {
	int fd;          /* -1: none */
	uint64_t id;     /* which file, as its user numbers them */
	uint8_t *bytes;  /* owned */
	size_t cap, len;
	uint64_t offset; /* of bytes in the file */
};

void pager_init(struct pager *p);
void pager_fini(struct pager *p);

/* Opens the file unless it is the one that is open; errno tells more. */
int pager_open(struct pager *p, int dir_fd, const char *name, uint64_t id);

/* Forgets what was read: the file may have changed. */
void pager_forget(struct pager *p);

/* `need` bytes at offset, good until the next call; nothing at or behind `end` is read.
 * ERR_TRUNCATED where they do not lie before `end` or the file ends; ERR_IO, ERR_NOMEM. */
int pager_get(struct pager *p, uint64_t offset, size_t need, uint64_t end, const uint8_t **ret_at);

#endif
