/* zfile - one raw buffer, and zlib, zstd or nothing behind one read function. */
#include "common/io/zfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define RAW_SIZE (128 * 1024)
#define ZSTD_WINDOW_LOG_MAX 27 /* 128 MiB: what a hostile frame may make us reserve */

enum coding { CODING_PLAIN, CODING_GZIP, CODING_ZSTD, CODING_ZIP };

struct zfile {
	int fd;
	enum coding coding;
	z_stream gzip;
	ZSTD_DCtx *zstd; /* owned */
	bool inside;     /* a member or frame has begun and not ended */
	bool eof;        /* of the raw file */
	int err;         /* sticky */
	size_t at, len;  /* of raw */
	uint8_t raw[RAW_SIZE];
};

static int refill(struct zfile *z)
{
	while (z->at == z->len && !z->eof) {
		ssize_t n = read(z->fd, z->raw, sizeof(z->raw));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		z->at = 0;
		z->len = (size_t)n;
		z->eof = n == 0;
	}
	return 0;
}

static bool starts_with(const struct zfile *z, const void *magic, size_t n)
{
	return z->len >= n && memcmp(z->raw, magic, n) == 0;
}

/* The first file of an archive: its local header (APPNOTE.TXT 4.3.7), then a raw deflate stream. What follows it, other
 * files and the directory, is not read. */
static int start_zip(struct zfile *z)
{
	if (z->len < 30 || z->raw[8] != 8 || z->raw[9] != 0) /* deflated */
		return ERR_CORRUPT;
	size_t head = (size_t)30 + z->raw[26] + 256u * z->raw[27] + z->raw[28] + 256u * z->raw[29];
	if (head > z->len)
		return ERR_CORRUPT;
	z->at = head;
	z->inside = true;
	z->coding = CODING_ZIP;
	return inflateInit2(&z->gzip, -MAX_WBITS) == Z_OK ? 0 : ERR_NOMEM;
}

static int start_coding(struct zfile *z)
{
	if (starts_with(z, "PK\x03\x04", 4))
		return start_zip(z);
	if (starts_with(z, "\x1f\x8b", 2)) {
		z->coding = CODING_GZIP;
		return inflateInit2(&z->gzip, 16 + MAX_WBITS) == Z_OK ? 0 : ERR_NOMEM;
	}
	if (!starts_with(z, "\x28\xb5\x2f\xfd", 4))
		return 0;
	z->zstd = ZSTD_createDCtx();
	if (z->zstd == NULL)
		return ERR_NOMEM;
	z->coding = CODING_ZSTD;
	ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	return 0;
}

int zfile_open(const char *path, struct zfile **ret_file)
{
	struct zfile *z = calloc(1, sizeof(*z));
	int rc;

	if (z == NULL)
		return ERR_NOMEM;
	z->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (z->fd < 0) {
		rc = errno == ENOENT ? ERR_NOT_FOUND : err_from_errno(errno);
		free(z);
		return rc;
	}
	rc = refill(z);
	if (rc == 0)
		rc = start_coding(z);
	if (rc != 0) {
		zfile_close(z);
		return rc;
	}
	*ret_file = z;
	return 0;
}

void zfile_close(struct zfile *z)
{
	if (z == NULL)
		return;
	if (z->coding == CODING_GZIP || z->coding == CODING_ZIP)
		inflateEnd(&z->gzip);
	ZSTD_freeDCtx(z->zstd);
	close(z->fd);
	free(z);
}

static int read_plain(struct zfile *z, void *out, size_t cap, size_t *ret_n)
{
	size_t n = z->len - z->at < cap ? z->len - z->at : cap;

	memcpy(out, z->raw + z->at, n);
	z->at += n;
	*ret_n = n;
	return 0;
}

static int read_gzip(struct zfile *z, void *out, size_t cap, size_t *ret_n)
{
	if (!z->inside && inflateReset(&z->gzip) != Z_OK)
		return ERR_CORRUPT;
	z->inside = true;
	z->gzip.next_in = z->raw + z->at;
	z->gzip.avail_in = (uInt)(z->len - z->at);
	z->gzip.next_out = out;
	z->gzip.avail_out = (uInt)cap;
	int rc = inflate(&z->gzip, Z_NO_FLUSH);
	z->at = z->len - z->gzip.avail_in;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return ERR_CORRUPT;
	z->inside = rc != Z_STREAM_END;
	if (!z->inside && z->coding == CODING_ZIP) {
		z->at = z->len;
		z->eof = true;
	}
	*ret_n = cap - z->gzip.avail_out;
	return 0;
}

static int read_zstd(struct zfile *z, void *out, size_t cap, size_t *ret_n)
{
	ZSTD_inBuffer in = {z->raw, z->len, z->at};
	ZSTD_outBuffer to = {out, cap, 0};
	size_t rc = ZSTD_decompressStream(z->zstd, &to, &in);

	if (ZSTD_isError(rc))
		return ERR_CORRUPT;
	z->at = in.pos;
	z->inside = rc != 0;
	*ret_n = to.pos;
	return 0;
}

static int read_some(struct zfile *z, void *out, size_t cap, size_t *ret_n)
{
	int rc = refill(z);

	if (rc != 0)
		return rc;
	if (z->coding == CODING_PLAIN)
		return read_plain(z, out, cap, ret_n);
	if (z->at == z->len && !z->inside) {
		*ret_n = 0;
		return 0;
	}
	return z->coding == CODING_ZSTD ? read_zstd(z, out, cap, ret_n)
					: read_gzip(z, out, cap, ret_n);
}

int zfile_read(struct zfile *z, void *out, size_t cap, size_t *ret_n)
{
	size_t n = 0;

	must(cap > 0 && cap <= UINT32_MAX);
	while (z->err == 0) {
		bool drained = z->eof && z->at == z->len;
		z->err = read_some(z, out, cap, &n);
		if (z->err != 0)
			break;
		if (n > 0 || (z->eof && z->at == z->len && !z->inside)) {
			*ret_n = n;
			return 0;
		}
		if (drained)
			z->err = ERR_TRUNCATED; /* no input left, no output made, and the member is
						   open */
	}
	return z->err;
}

const uint8_t *zfile_magic(const struct zfile *z, size_t *ret_n)
{
	*ret_n = z->len;
	return z->raw;
}
