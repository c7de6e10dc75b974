/* fields - what packing and unpacking both know of the rows: counts and greatest values. */
#ifndef NJ_PROTO_FIELDS_H
#define NJ_PROTO_FIELDS_H

#include "common/base/fixed.h"
#include "proto/event.h"
#include "proto/wire.h"

#define ENVELOPE 9 /* elements in front of the fields */

/* Number of fields of each event. */
enum field_count {
#define EVENT(name, id, lane, topic, doc) FIELDS_##name = 0
#define FIELD(event, kind, name, since, unit, doc) +1
#define ENUMF(event, enumeration, name, since, doc) +1
#define END(event) ,
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
};

/* The greatest value of a u8 field, from its name: the arithmetic of base knows scales up to 18. */
WIRE_HOT uint64_t u8_max(const char *name)
{
	if (strcmp(name, "price_scale") == 0 || strcmp(name, "qty_scale") == 0 ||
	    strcmp(name, "cash_scale") == 0)
		return FIXED_SCALE_MAX;
	return UINT8_MAX;
}

#endif
