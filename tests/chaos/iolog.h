/* iolog - the record that iolog.c writes for each file operation, to be replayed by a test. */
#ifndef NJ_TESTS_IOLOG_H
#define NJ_TESTS_IOLOG_H

#include <stdint.h>

enum iolog_op {
	IOLOG_CREATE,   /* path, file */
	IOLOG_WRITE,    /* file, offset, bytes */
	IOLOG_SIZE,     /* file, offset: its size from now on */
	IOLOG_SYNC,     /* file: what was written before is on the disk */
	IOLOG_SYNC_DIR, /* names, too */
	IOLOG_RENAME,   /* path, and the new one as bytes */
	IOLOG_UNLINK,   /* path */
	IOLOG_NOTE      /* bytes: written by the program to a file whose name ends in .note */
};

/* Followed by the path and the bytes. Paths are without their folder. */
struct iolog_record {
	uint32_t op, path_len;
	uint64_t file; /* inode */
	uint64_t offset, len;
};

#endif
