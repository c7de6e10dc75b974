/* codec - events to bytes and back: one msgpack array per event, walked by the field tables.
 *
 * Wire: [id, version, source, epoch, seq, origin, ts_event, ts_recv, ts_sent, field…]. Several
 * events of one topic may follow each other in one message. Prices, quantities, cash, times and
 * counters are msgpack integers in their shortest form; symbols, names and texts are str; levels
 * are one array [price, qty, price, qty …]; pairs one array [name, value …]; blobs bin. A missing
 * tail reads as zero, a surplus tail is skipped and checked, an unknown id is ERR_UNKNOWN (its
 * length is still known). Bytes are never trusted: nothing is allocated, depth is at most 8, every
 * count is checked against the bytes left.
 *
 * The hot path is hand-written; msgpack-c serves the cold one (printing events of unknown ids). */
#ifndef NJ_PROTO_CODEC_H
#define NJ_PROTO_CODEC_H

#include "common/base/buf.h"
#include "proto/event.h"

/* Memory for the levels, pairs and blobs of unpacked events; owned by the caller, reset by him. */
struct arena {
	uint8_t *at;
	size_t cap, used;
};
#define ARENA_SIZE                                      \
	(2 * EVENT_LEVELS_MAX * sizeof(struct level) +  \
	 EVENT_PAIRS_MAX * sizeof(struct pair))

/* Packs into out. Returns the bytes written, or ERR_FULL (cap too small), ERR_ARG: what no reader
 * would accept (unknown id, a source that is not [a-z0-9_-]{1,19}, a scale above FIXED_SCALE_MAX, a
 * list too long). Bytes in names and texts that are not UTF-8 go out as '?'. Bytes of out behind
 * the result, up to cap, may be touched. */
int codec_pack(const struct event *ev, uint8_t *out, size_t cap);

/* Unpacks the first event of the bytes. *ret_used is its length, also for ERR_UNKNOWN. Errors:
 * ERR_TRUNCATED, ERR_TYPE, ERR_RANGE, ERR_TOO_LONG, ERR_DEPTH, ERR_UTF8, ERR_SYNTAX (source,
 * symbol), ERR_UNKNOWN, ERR_FULL (arena). On error ev->id is 0 and the rest of *ev means nothing
 * (it is read in place: a copy to spare it would cost a third of the reading). arena may be NULL
 * where the event has no variable parts; it keeps what it held before an event that failed.
 * Symbols, names and texts are zeroed to their ends, padding is not. */
int codec_unpack(const uint8_t *at, size_t len, struct arena *arena, struct event *ev,
	size_t *ret_used);

/* The same for events that nobody has published yet (snapshots of cores): the source may be
 * empty. */
int codec_pack_unsent(const struct event *ev, uint8_t *out, size_t cap);
int codec_unpack_unsent(const uint8_t *at, size_t len, struct arena *arena, struct event *ev,
	size_t *ret_used);

/* Envelope only, fields untouched: for routing and sequence counting, so an unknown id is no error
 * here. Same errors otherwise; does not check the fields. */
int codec_peek(const uint8_t *at, size_t len, struct event *ret_head);

/* Length in bytes of the first msgpack value, fully checked (depth, counts); ERR_TRUNCATED,
 * ERR_DEPTH, ERR_TYPE. */
int codec_measure(const uint8_t *at, size_t len, size_t *ret_len);

/* Rewrites ts_sent in packed bytes in place (it is packed as a fixed 9-byte integer). ERR_TYPE. */
int codec_stamp_sent(uint8_t *at, size_t len, int64_t ts_sent);

/* Two packed events agree in everything but epoch and ts_sent (the definition of
 * byte-identical). */
bool codec_same_result(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* A frame of the bus: topic, NUL, packed events. Splits it; ERR_SYNTAX where there is no NUL in the
 * first 200 bytes. */
int codec_split(const uint8_t *frame, size_t len, const char **ret_topic, size_t *ret_topic_len,
		const uint8_t **ret_body, size_t *ret_body_len);

/* Appends the event for people (one line, no newline) or as one JSON object. */
int codec_print(const struct event *ev, struct buf *out);
int codec_json(const struct event *ev, const char *topic, struct buf *out);

/* Appends an event of an unknown id, or any checked msgpack value, as text through msgpack-c. */
int codec_print_unknown(const uint8_t *at, size_t len, struct buf *out);

/* State snapshots of cores use the same format through this little writer and reader; errors are
 * sticky. */
struct packer {
	struct buf *out;
	int err;
};
void pack_array(struct packer *p, uint32_t n);
void pack_i64(struct packer *p, int64_t v);
void pack_u64(struct packer *p, uint64_t v);
void pack_bool(struct packer *p, bool v);
void pack_str(struct packer *p, const char *text);
void pack_bin(struct packer *p, const void *at, size_t n);
/* a whole event as bin; its source may be empty */
void pack_event(struct packer *p, const struct event *ev);

struct unpacker {
	const uint8_t *at, *end;
	int err;
};
uint32_t unpack_array(struct unpacker *u);
int64_t unpack_i64(struct unpacker *u);
uint64_t unpack_u64(struct unpacker *u);
bool unpack_bool(struct unpacker *u);
void unpack_str(struct unpacker *u, char *out, size_t cap); /* too long is an error */
struct blob unpack_bin(struct unpacker *u);
void unpack_event(struct unpacker *u, struct arena *arena, struct event *ev);

#endif
