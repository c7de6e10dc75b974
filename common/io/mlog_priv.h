/* mlog_priv - the inside of the lane-M log, shared by the mlog*.c files only.
 *
 *   File     0  magic "NJMLOG01"   8  format u32   12  zeros   16  size u64   24  first stamp i64
 *           32  zeros   60  CRC32C of bytes 0..59 u32   64  records
 *   Record   0  commit word u32: length + 1; 0: nothing here yet; MLOG_SEAL: no more in this file
 *            4  CRC32C of the commit word, the stamp and the frame u32   8  stamp i64
 *           16  frame, zeros up to a multiple of 8
 *
 * A file is sealed before the next one is made, so an old file that is not sealed has lost pages.
 */
#ifndef NJ_IO_MLOG_PRIV_H
#define NJ_IO_MLOG_PRIV_H

#include "common/io/fs.h"
#include "common/io/mlog.h"
#include "common/io/pager.h"
#include "common/io/sparse.h"

#define MLOG_PREFIX "m-"
#define MLOG_SUFFIX ".njm"
#define MLOG_TEMP "segment.tmp"
#define MLOG_HEADER 64u
#define MLOG_RECORD 16u
#define MLOG_SEAL UINT32_MAX
#define MLOG_REASON_MAX 400

struct mlog_file {
	int64_t first;       /* stamp of its first record */
	uint64_t size;       /* of the whole file */
	uint64_t end;        /* behind the last record; read-only: nothing known, the size */
	uint64_t id;
	struct sparse index; /* stamp to offset */
};

struct mlog {
	char *dir;
	int dir_fd, lock_fd;
	uint64_t segment_bytes, cap_bytes;
	int64_t keep_ns;
	bool read_only;

	struct mlog_file *files; /* owned, ascending; the last one is written */
	uint32_t n, cap;
	uint64_t next_id, bytes;
	int64_t last;

	int fd;            /* of the newest file; -1: it is sealed or there is none */
	uint8_t *window;   /* mapped part of it */
	uint64_t window_at;
	size_t window_len;
	int64_t retry_at;  /* stamp from which a segment is tried again after a failure */

	struct pager pager;
	char reason[MLOG_REASON_MAX];
};

static inline size_t mlog_record_bytes(size_t len)
{
	return (MLOG_RECORD + len + 7) & ~(size_t)7;
}

struct mlog_record {
	int64_t stamp;
	uint32_t len;
	const uint8_t *frame;
};

/* mlog_format.c: pure. */
void mlog_header_pack(uint8_t out[MLOG_HEADER], uint64_t size, int64_t first);
int mlog_header_check(const uint8_t in[MLOG_HEADER], uint64_t size, int64_t first);
uint32_t mlog_crc(uint32_t commit, int64_t stamp, const void *frame, size_t len);
uint32_t mlog_commit(const uint8_t *at); /* the commit word */
/* A whole record of mlog_record_bytes(commit - 1) bytes; ERR_CORRUPT. */
int mlog_record_check(const uint8_t *at, struct mlog_record *ret_record);

/* mlog_file.c */
int mlog_blame(struct mlog *m, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int mlog_enter(struct mlog *m, int64_t first, uint64_t size);
void mlog_drop_first(struct mlog *m); /* removes the oldest file unless read-only */
int mlog_recover(struct mlog *m);
int mlog_refresh(struct mlog *m); /* read-only: looks for new and vanished files */
int mlog_file_make(struct mlog *m, int64_t first); /* the next file, open and entered */
/* mapped for writing */
int mlog_window(struct mlog *m, uint64_t offset, size_t len, uint8_t **ret_at);
void mlog_window_close(struct mlog *m);

/* mlog_read.c: the next record of a file, or ERR_NOT_FOUND at its end (then *ret_sealed). */
struct mlog_place {
	const struct mlog_file *file;
	uint64_t at;
	bool sealed;
};
int mlog_open_place(struct mlog *m, const struct mlog_file *f);
int mlog_next(struct mlog *m, struct mlog_place *p, struct mlog_record *ret_record);

#endif
