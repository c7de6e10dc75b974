/* tap_file - writes and reads recordings of bus frames; what is read is not trusted. */
#include "tools/nj/tap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "common/io/bus.h"
#include "common/io/le.h"

enum { HEADER = 16, RECORD = 20, SUMMED = 16, VERSION = 1 };

static const uint8_t magic[8] = {'N', 'J', 'T', 'A', 'P', '\r', '\n', 0x1a};

int tap_writer_open(const char *path, struct tap_writer *ret_writer)
{
	uint8_t header[HEADER] = {0};
	memcpy(header, magic, sizeof magic);
	le_put32(header + 8, VERSION);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		int err = errno;
		if (fd >= 0)
			close(fd);
		return err_from_errno(err);
	}
	if (fwrite(header, 1, sizeof header, f) != sizeof header) {
		int err = errno;
		fclose(f);
		return err_from_errno(err);
	}
	*ret_writer = (struct tap_writer){.f = f};
	return 0;
}

int tap_writer_put(struct tap_writer *w, const struct tap_frame *frame)
{
	uint8_t head[RECORD];
	le_put32(head, (uint32_t)frame->len);
	le_put32(head + 4, (uint32_t)frame->lane);
	le_put64(head + 8, (uint64_t)frame->at);
	le_put32(head + SUMMED, crc32c(crc32c(0, head, SUMMED), frame->bytes, frame->len));
	errno = 0;
	if (fwrite(head, 1, sizeof head, w->f) != sizeof head ||
	    fwrite(frame->bytes, 1, frame->len, w->f) != frame->len)
		return err_from_errno(errno ? errno : EIO);
	w->frames++;
	w->bytes += frame->len;
	return 0;
}

int tap_writer_close(struct tap_writer *w)
{
	if (!w->f)
		return 0;
	errno = 0;
	int rc = fclose(w->f) == 0 ? 0 : err_from_errno(errno ? errno : EIO);
	w->f = NULL;
	return rc;
}

int tap_reader_open(const char *path, struct tap_reader *ret_reader)
{
	uint8_t header[HEADER];
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!f)
		return err_from_errno(errno);
	if (fread(header, 1, sizeof header, f) != sizeof header || memcmp(header, magic, sizeof magic) != 0 ||
	    le_get32(header + 8) != VERSION) {
		if (f != stdin)
			fclose(f);
		return ERR_SYNTAX;
	}
	*ret_reader = (struct tap_reader){.f = f};
	buf_init(&ret_reader->frame, BUS_FRAME_X_MAX + 4096);
	return 0;
}

static int read_short(const struct tap_reader *r)
{
	return ferror(r->f) ? ERR_IO : ERR_TRUNCATED;
}

int tap_reader_next(struct tap_reader *r, struct tap_frame *ret_frame)
{
	uint8_t head[RECORD];
	size_t n = fread(head, 1, sizeof head, r->f);
	if (n == 0 && feof(r->f))
		return 0;
	if (n != sizeof head)
		return read_short(r);
	uint32_t len = le_get32(head), lane = le_get32(head + 4);
	if (len == 0 || len > r->frame.max || (lane != LANE_M && lane != LANE_X))
		return ERR_CORRUPT;
	buf_clear(&r->frame);
	int rc = buf_reserve(&r->frame, len);
	if (rc)
		return rc;
	if (fread(r->frame.at, 1, len, r->f) != len)
		return read_short(r);
	if (crc32c(crc32c(0, head, SUMMED), r->frame.at, len) != le_get32(head + SUMMED))
		return ERR_CORRUPT;
	*ret_frame = (struct tap_frame){
		.lane = (enum lane)lane, .at = (int64_t)le_get64(head + 8), .bytes = r->frame.at, .len = len};
	return 1;
}

void tap_reader_close(struct tap_reader *r)
{
	if (r->f && r->f != stdin)
		fclose(r->f);
	buf_fini(&r->frame);
	r->f = NULL;
}
