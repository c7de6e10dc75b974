/* reply - one HTTP reply in the making: status, headers of its own, body. */
#ifndef NJ_SIM_REPLY_H
#define NJ_SIM_REPLY_H

#include <stdbool.h>

#include "common/base/buf.h"

struct reply {
	int status;         /* 0: held, the answer comes later */
	bool again;         /* a held request is looked at once more: its weight is paid */
	bool final;         /* it may not be held any longer */
	bool lost;          /* nobody gets it: the connection is reset instead */
	struct buf headers; /* "Name: value\r\n" each */
	struct buf body;
	const char *type; /* content type; NULL: application/json;charset=UTF-8 */
};

void reply_init(struct reply *r);
void reply_fini(struct reply *r);
/* Starts over with another status and an empty body; headers stay. */
void reply_status(struct reply *r, int status);
/* Value without control characters; ours, never a client's text. */
void reply_header(struct reply *r, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends head and body to out. `simulator` is the text of X-Nightjar-Simulator. ERR_FULL,
 * ERR_NOMEM. */
int reply_write(const struct reply *r, const char *simulator, bool keep_alive, struct buf *out);

#endif
