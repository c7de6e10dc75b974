/* codec_unknown - prints what we have no rows for, through msgpack-c, after our own check. */
#include <inttypes.h>
#include <msgpack.h>

#include "common/base/err.h"
#include "proto/codec.h"
#include "proto/print.h"

#define ZONE_CHUNK 8192

static void print_object(struct printer *p, const msgpack_object *o);

static void print_list(struct printer *p, const msgpack_object_array *list)
{
	print_text(p, "[");
	for (uint32_t i = 0; i < list->size; i++) {
		print_text(p, i > 0 ? ", " : "");
		print_object(p, &list->ptr[i]);
	}
	print_text(p, "]");
}

static void print_map(struct printer *p, const msgpack_object_map *map)
{
	print_text(p, "{");
	for (uint32_t i = 0; i < map->size; i++) {
		print_text(p, i > 0 ? ", " : "");
		print_object(p, &map->ptr[i].key);
		print_text(p, ": ");
		print_object(p, &map->ptr[i].val);
	}
	print_text(p, "}");
}

static void print_bin(struct printer *p, const msgpack_object_bin *bin)
{
	print_text(p, "bin(");
	print_hex(p, (const uint8_t *)bin->ptr, bin->size);
	print_text(p, ")");
}

/* As deep as codec_measure allowed, eight levels. */
static void print_object(struct printer *p, const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		print_text(p, "nil");
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		print_text(p, o->via.boolean ? "true" : "false");
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		print_format(p, "%" PRIu64, o->via.u64);
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		print_format(p, "%" PRId64, o->via.i64);
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		print_format(p, "%.17g", o->via.f64);
		break;
	case MSGPACK_OBJECT_STR:
		print_quoted(p, o->via.str.ptr, o->via.str.size);
		break;
	case MSGPACK_OBJECT_BIN:
		print_bin(p, &o->via.bin);
		break;
	case MSGPACK_OBJECT_ARRAY:
		print_list(p, &o->via.array);
		break;
	case MSGPACK_OBJECT_MAP:
		print_map(p, &o->via.map);
		break;
	default: /* extensions do not pass the check */
		p->err = ERR_TYPE;
	}
}

int codec_print_unknown(const uint8_t *at, size_t len, struct buf *out)
{
	size_t measured, offset = 0;
	msgpack_object object;
	msgpack_zone zone;
	struct printer p;
	int rc = codec_measure(at, len, &measured);

	if (rc < 0)
		return rc;
	if (!msgpack_zone_init(&zone, ZONE_CHUNK))
		return ERR_NOMEM;
	print_begin(&p, out);
	switch (msgpack_unpack((const char *)at, measured, &offset, &zone, &object)) {
	case MSGPACK_UNPACK_SUCCESS:
		print_object(&p, &object);
		break;
	case MSGPACK_UNPACK_NOMEM_ERROR:
		p.err = ERR_NOMEM;
		break;
	default:
		p.err = ERR_TYPE;
	}
	msgpack_zone_destroy(&zone);
	return print_end(&p);
}
