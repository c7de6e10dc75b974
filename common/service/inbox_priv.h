/* inbox_priv - the inside of the inbox, shared by its files only. */
#ifndef NJ_SERVICE_INBOX_PRIV_H
#define NJ_SERVICE_INBOX_PRIV_H

#include "common/service/inbox.h"

/* inbox.c */
void inbox_report_gap_m(struct inbox *in, int64_t to, uint64_t missing);
/* The last values instead of what is missing. */
void inbox_want_state(struct inbox *in);
/* Asks for what is missing, from where we are. */
void inbox_page(struct inbox *in, int64_t mono_ns);
/* Is a frame, or a topic, one that we follow? */
bool inbox_wants(const struct inbox *in, const uint8_t *frame, size_t len);

/* inbox_told.c */
/* Something of this life of the publisher came by the link of lane M. */
void inbox_heard(struct inbox *in, uint64_t epoch, int64_t mono_ns);

/* inbox_refusal.c */
/* What a page request was refused with. True where asking on makes sense at once. */
bool inbox_on_refusal(struct inbox *in, const struct ev_reply *r);
/* Can the publisher not read what we need (err), or can it again (0)? Told once each. */
void inbox_set_unserved(struct inbox *in, int err);
/* Last values were asked for and not taken: the publisher's error, or ERR_FULL here. */
void inbox_lacks_state(struct inbox *in, int err);
/* Its journal is older than what we have consumed of it; refusing that is critical. */
bool inbox_is_older(const struct inbox *in, const struct ev_reply *r);
void inbox_refuse(struct inbox *in, const struct event *reply);
/* The copy has nothing more for us: the publisher goes on, behind what neither has. */
void inbox_leave_copy(struct inbox *in);

#endif
