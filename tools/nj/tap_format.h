/* tap_format - how `nj tap` writes an event: by tokens (kcat's, as far as they fit), as JSON, as a
 * hex dump.
 *
 *     %t topic  %e event  %k instrument  %p publisher  %O origin  %L lane  %o sequence  %g missing
 * before it %T ts_recv  %E ts_event  %S bytes  %l latency in us, -1 of the past  %s the event for people  %j as
 * JSON  %% a percent
 *     \n \t \r \0 \\ \xNN
 *
 * Nothing from outside is written as it is: control characters become escapes, whatever the format.
 */
#ifndef NJ_TOOLS_NJ_TAP_FORMAT_H
#define NJ_TOOLS_NJ_TAP_FORMAT_H

#include "common/base/buf.h"
#include "tools/nj/tap_item.h"

#define TAP_FORMAT_MAX 512 /* bytes of a format */

struct tap_format {
	char text[TAP_FORMAT_MAX]; /* escapes resolved; a token is 0xff and its letter */
	size_t len;
};

/* ERR_ARG with a reason for people. */
int tap_format_parse(const char *text, struct tap_format *ret_format, char *reason, size_t cap);
/* Resolves the escapes of a delimiter; same errors. */
int tap_delimiter_parse(const char *text, struct tap_format *ret_delimiter, char *reason, size_t cap);
bool tap_format_ends_line(const struct tap_format *f);

/* Each appends to out: 0, ERR_FULL or ERR_NOMEM. */
int tap_format_put(const struct tap_format *f, const struct tap_item *it, struct buf *out);
int tap_put_people(const struct tap_item *it, bool color, struct buf *out);
int tap_put_json(const struct tap_item *it, struct buf *out);
int tap_put_pretty(const struct tap_item *it, struct buf *out);             /* JSON over several lines */
int tap_put_headers(const struct tap_item *it, bool json, struct buf *out); /* the envelope alone */
int tap_put_hexdump(const struct tap_item *it, struct buf *out);

#endif
