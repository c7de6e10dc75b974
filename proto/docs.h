/* docs - the vocabulary described by its own tables: a page, a schema, a lock. */
#ifndef NJ_PROTO_DOCS_H
#define NJ_PROTO_DOCS_H

#include "common/base/buf.h"

/* Each appends to out; 0, ERR_FULL or ERR_NOMEM (then nothing has been appended). */

/* Markdown: docs/events.md. */
int docs_events(struct buf *out);

/* One JSON object: {"format":2,"frame":{…},"topics":"…","lanes":[…],"envelope":[…],"kinds":[…],"events":[…],
 * "enums":[…],"errors":[…]}; a decoder can be written from it alone. */
int docs_schema_json(struct buf *out);

/* What must never change, a line each: events, fields by position, items of enumerations. A line
 * that has been shipped stays (proto/schema.lock); new ones are added. */
int docs_schema_lock(struct buf *out);

#endif
