/* past_cursor - how far a tap came, for `-o stored`: a small file, replaced as a whole.
 *
 *     nightjar cursor 1
 *     PUBLISHER m|x EPOCH POSITION        next sequence (x), stamp of the last event (m)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tools/nj/past.h"

#define TITLE "nightjar cursor 1\n"

static bool take_line(struct past *p, const char *line, uint64_t found[PAST_STREAMS_MAX])
{
	char publisher[EVENT_SOURCE_MAX], lane;
	uint64_t epoch, position;
	if (sscanf(line, "%19s %c %" SCNu64 " %" SCNu64, publisher, &lane, &epoch, &position) != 4 ||
	    (lane != 'm' && lane != 'x') || position == 0 || position > INT64_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		struct past_stream *s = &p->stream[i];
		if (strcmp(s->publisher, publisher) != 0 || s->lane != (lane == 'x' ? LANE_X : LANE_M))
			continue;
		s->epoch = epoch;
		s->next = position;
		s->after = (int64_t)position;
		found[i] = position;
	}
	return true;
}

int past_cursor_read(struct past *p, uint64_t found[PAST_STREAMS_MAX])
{
	char line[128];
	FILE *f = fopen(p->cursor, "re");
	if (!f)
		return err_from_errno(errno);
	int rc = fgets(line, sizeof line, f) && strcmp(line, TITLE) == 0 ? 0 : ERR_SYNTAX;
	while (!rc && fgets(line, sizeof line, f))
		rc = take_line(p, line, found) ? 0 : ERR_SYNTAX;
	fclose(f);
	return rc;
}

/* Where it would begin if nothing of it was given. */
static void put_stream(FILE *f, const struct past_stream *s)
{
	bool given = s->given_at != 0;
	uint64_t epoch = given ? s->given_epoch : s->lane == LANE_X ? s->in.epoch : 0;
	uint64_t position = s->lane == LANE_X ? (given ? s->given_seq + 1 : s->in.next)
					      : (uint64_t)(given ? s->given_at : s->in.last);
	if (position > 0)
		fprintf(f, "%s %c %" PRIu64 " %" PRIu64 "\n", s->publisher, s->lane == LANE_X ? 'x' : 'm', epoch,
			position);
}

int past_cursor_write(const struct past *p)
{
	char temporary[4096];
	int n = snprintf(temporary, sizeof temporary, "%s.new", p->cursor);
	if (n < 0 || n >= (int)sizeof temporary)
		return ERR_TOO_LONG;
	FILE *f = fopen(temporary, "we");
	if (!f)
		return err_from_errno(errno);
	fputs(TITLE, f);
	for (size_t i = 0; i < p->n; i++)
		put_stream(f, &p->stream[i]);
	bool failed = fflush(f) != 0 || fsync(fileno(f)) != 0;
	failed = fclose(f) != 0 || failed;
	if (failed || rename(temporary, p->cursor) != 0) {
		int err = errno;
		unlink(temporary);
		return err_from_errno(err ? err : EIO);
	}
	return 0;
}
