/* classes - which characters a publisher's name and a symbol may hold, as tables. */
#ifndef NJ_PROTO_CLASSES_H
#define NJ_PROTO_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLASS_SOURCE = 1, /* [a-z0-9_-] */
	CLASS_RAW = 2,    /* [A-Za-z0-9_-]: raw symbols and tokens of topics */
	CLASS_VENUE = 4,  /* [A-Z0-9_] */
};

extern const uint8_t classes[256];

bool classes_all(const char *text, size_t len, uint8_t wanted);

/* [a-z0-9_-]{1,19} */
bool classes_source(const char *text, size_t len);

/* Empty, or what symbol_parse accepts. */
bool classes_symbol(const char *text, size_t len);

#endif
