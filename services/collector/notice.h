/* notice - when people are told that the feed is lost and that it is back: once each, however often it flaps. */
#ifndef NJ_COLLECTOR_NOTICE_H
#define NJ_COLLECTOR_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All times: ns of one clock that never goes back and counts the machine's sleep. */
struct notice {
	int64_t hold_ns;  /* the feed must stay for so long until it counts as back */
	int64_t first_at; /* of the first loss */
	int64_t since;    /* it is as it is */
	int64_t away_ns;  /* so far, without the loss that lasts */
	uint32_t losses;
	bool open; /* people have been told of a loss, and not of its end */
	bool lost;
};

/* Nothing is known yet: what an earlier life has told may be open, and is over once the feed has stayed. */
void notice_init(struct notice *n, int64_t hold_ns);
/* True: the first one, people are to be told now. A loss of what is lost already changes nothing. */
bool notice_lose(struct notice *n, int64_t now);
void notice_return(struct notice *n, int64_t now);
/* True, once: it has stayed for the hold, people are to be told that it is over. */
bool notice_is_over(struct notice *n, int64_t now);
/* What to tell them then. */
void notice_text(const struct notice *n, char *text, size_t cap);

#endif
