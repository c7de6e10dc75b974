/* strikes - what a fault makes of one frame that is due to a client. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/ws_frame.h"
#include "tools/venue_sim/hostile.h"
#include "tools/venue_sim/session.h"

static int64_t now_of(const struct session *s)
{
	return clock_mono(loop_clock(s->sim->loop));
}

/* A frame that no parser may accept as what it was. */
static int send_corrupt(struct session *s, const struct feed_line *line, struct text whole, const char *variant)
{
	char copy[4096];
	size_t n = whole.len < sizeof(copy) ? whole.len : sizeof(copy);

	if (strcmp(variant, "type") == 0) {
		int len = s->combined ? snprintf(copy, sizeof(copy),
						 "{\"stream\":\"%.*s\",\"data\":[]}",
						 (int)line->stream.len, line->stream.at)
				      : snprintf(copy, sizeof(copy), "[]");
		return session_text(s, line->stamp, (struct text){copy, (size_t)len});
	}
	if (strcmp(variant, "truncate") == 0)
		return session_text(s, line->stamp, (struct text){whole.at, whole.len / 2});
	memcpy(copy, whole.at, n);
	if (n > 0)
		copy[n / 2] = '\xff';
	return session_text(s, line->stamp, (struct text){copy, n});
}

static int send_huge(struct session *s, int64_t mib)
{
	size_t n = (size_t)mib << 20;
	char *bytes = malloc(n);
	int rc;

	if (bytes == NULL)
		return ERR_NOMEM;
	memset(bytes, 'x', n);
	rc = session_text(s, -1, (struct text){bytes, n});
	free(bytes);
	return rc;
}

static void end_connection(struct session *s, const struct fault *f)
{
	s->sim->truth.drops++;
	if (f->kind == FAULT_close) {
		session_end(s, 1001, "going away");
		return;
	}
	if (f->kind == FAULT_slow_close) {
		uint8_t code[2] = {1001 >> 8, 1001 & 0xff};
		session_frame(s, WS_CLOSE, code, sizeof(code));
		s->close_at = now_of(s) + f->value * NS_PER_MS;
		s->mode = SESSION_CLOSING;
		return;
	}
	s->mode = SESSION_CLOSING;
	if (f->kind == FAULT_reset)
		conn_reset(&s->conn);
	else
		conn_close(&s->conn);
}

static void send_shutdown(struct session *s, const struct feed_line *line)
{
	struct buf event;

	if (s->sim->dialect->tell_shutdown == NULL) {
		log_warn("this venue announces no shutdown", "venue=%s", s->sim->dialect->name);
		return;
	}
	buf_init(&event, 1024);
	if (s->sim->dialect->tell_shutdown(&event, s->combined, line->stamp) == 0)
		session_text(s, line->stamp, (struct text){(const char *)event.at, event.len});
	buf_fini(&event);
}

/* A fault of the venue's own; the frame itself where it cannot be applied to it. */
static int send_spoiled(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
			enum truth_what *ret_what)
{
	struct buf out;
	int rc = ERR_NOT_FOUND;

	buf_init(&out, HOSTILE_FRAME_MAX);
	if (f->kind == FAULT_hostile)
		rc = hostile_frame(f->variant, frame, &out);
	else if (s->sim->dialect->spoil != NULL)
		rc = s->sim->dialect->spoil(s, line, f, frame, &out);
	if (rc != 0) {
		log_warn("fault does not apply to this frame, which is sent as it is", "kind=%s reason=%s",
			 fault_name(f->kind), err_text(rc));
		rc = session_text(s, line->stamp, frame);
	} else {
		*ret_what = f->kind == FAULT_restart ? TRUTH_SENT : TRUTH_CORRUPTED;
		rc = session_text(s, line->stamp, (struct text){(const char *)out.at, out.len});
	}
	buf_fini(&out);
	return rc;
}

/* Kept until the next frame of its stream has been sent. One at a time: a second one goes at once. */
static int keep_back(struct session *s, const struct feed_line *line, struct text frame)
{
	if (s->kept.len > 0 || buf_append(&s->kept, frame.at, frame.len) != 0)
		return session_text(s, line->stamp, frame);
	snprintf(s->kept_stream, sizeof(s->kept_stream), "%.*s", (int)line->stream.len, line->stream.at);
	s->kept_stamp = line->stamp;
	truth_reordered(&s->sim->truth, line->stream);
	return 0;
}

void strikes_release(struct session *s, const struct feed_line *line)
{
	if (s->kept.len == 0 || !text_is(line->stream, s->kept_stream))
		return;
	session_text(s, s->kept_stamp, (struct text){(const char *)s->kept.at, s->kept.len});
	buf_clear(&s->kept);
}

static const uint8_t reserved[] = {0x83, 2, 'x', 'x'}; /* a whole frame of opcode 3 */

/* What a fault makes of this frame; for most the frame itself follows. */
int strikes_send(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		 enum truth_what *ret_what)
{
	log_info("fault", "kind=%s slot=%u stream=%.*s stamp=%lld", fault_name(f->kind), s->slot,
		 (int)line->stream.len, line->stream.at, (long long)line->stamp);
	*ret_what = TRUTH_SENT;
	switch (f->kind) {
	case FAULT_skip: *ret_what = TRUTH_SKIPPED; return 0;
	case FAULT_silent:
		s->silent_until = now_of(s) + f->value * NS_PER_MS;
		*ret_what = TRUTH_SKIPPED;
		return 0;
	case FAULT_corrupt: *ret_what = TRUTH_CORRUPTED; return send_corrupt(s, line, frame, f->variant);
	case FAULT_duplicate:
		truth_duplicated(&s->sim->truth, line->stream);
		session_text(s, line->stamp, frame);
		return session_text(s, line->stamp, frame);
	case FAULT_reorder: return keep_back(s, line, frame);
	case FAULT_delay:
		s->delayed_until = now_of(s) + f->value * NS_PER_MS;
		return session_text(s, line->stamp, frame);
	case FAULT_shutdown: send_shutdown(s, line); return session_text(s, line->stamp, frame);
	case FAULT_bad_frame:
		session_bytes(s, reserved, sizeof(reserved));
		return session_text(s, line->stamp, frame);
	case FAULT_huge: send_huge(s, f->value); return session_text(s, line->stamp, frame);
	case FAULT_hostile:
	case FAULT_no_seq:
	case FAULT_overflow:
	case FAULT_wrong_hash:
	case FAULT_restart: return send_spoiled(s, line, f, frame, ret_what);
	default:
		end_connection(s, f);
		*ret_what = TRUTH_UNHEARD;
		return 0;
	}
}
