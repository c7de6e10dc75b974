/* vigil - is a connection still alive, and was what was asked on it answered? Pure: times and counts are given to it.
 *
 *   CLOSED --vigil_open--> OPEN --vigil_asked--> ASKED --vigil_answered--> OPEN
 *
 * A peer that answers pings and nothing else is alive, and of no use: only an answer ends the wait for one.
 */
#ifndef NJ_IO_VIGIL_H
#define NJ_IO_VIGIL_H

#include <stdbool.h>
#include <stdint.h>

#define VIGIL_SILENT_NS INT64_C(90000000000) /* without a byte; a ping is sent after a third of it */
#define VIGIL_ANSWER_NS INT64_C(5000000000)

struct vigil { /* all zero: CLOSED */
	bool open, asked;
	int64_t heard_at, asked_at; /* ns, monotonic */
	uint64_t bytes;
};

enum vigil_verdict { VIGIL_WELL, VIGIL_PING, VIGIL_SILENT, VIGIL_UNANSWERED };

void vigil_open(struct vigil *v, int64_t now);
void vigil_asked(struct vigil *v, int64_t now);
void vigil_answered(struct vigil *v);
void vigil_close(struct vigil *v);

/* bytes: all that came in on this connection. What is CLOSED is VIGIL_WELL. */
enum vigil_verdict vigil_look(struct vigil *v, int64_t now, uint64_t bytes);

#endif
