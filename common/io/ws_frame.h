/* ws_frame - RFC 6455 framing without any I/O, both directions, for clients and for test servers.
 */
#ifndef NJ_IO_WS_FRAME_H
#define NJ_IO_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* Bits of a frame's first byte beside the opcode. */
enum ws_bits { WS_FIN = 0x80, WS_RSV1 = 0x40 };

#define WS_FRAME_HEADER_MAX 14 /* bytes before the payload at most */

enum ws_opcode { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
	uint8_t opcode;
	bool fin, rsv1, masked;
	uint8_t mask[4];
	uint64_t len;        /* payload */
	uint32_t header_len; /* bytes before the payload */
};

/* Parses a frame header. 0, ERR_AGAIN (needs more bytes), ERR_PROTOCOL (reserved bits or opcodes,
 * RSV1 on a control or continuation frame, a control frame that is fragmented or above 125 bytes, a
 * length not in its shortest form, the top bit of 64 set). A broken rule is reported by the first
 * byte that breaks it. */
int ws_frame_parse(const uint8_t *at, size_t len, bool allow_rsv1, struct ws_frame *ret_frame);

/* Appends a whole frame. first: an opcode, with WS_FIN and WS_RSV1 where they are wanted; mask
 * NULL: unmasked (servers). Control frames are final and hold at most 125 bytes (our promise).
 * ERR_FULL, ERR_NOMEM. */
int ws_frame_append(struct buf *out, uint8_t first, const uint8_t mask[4], const void *payload,
		    size_t len);
/* Masks or unmasks in place; offset is the position of at[0] within the payload. */
void ws_frame_mask(uint8_t *at, size_t len, const uint8_t mask[4], size_t offset);

/* Sec-WebSocket-Accept for a key: base64(SHA-1(key + GUID)); out holds 29 bytes. A key is at most
 * 64 bytes (our promise: our own has 24, a server checks before). */
void ws_accept_key(const char *key, char out[29]);

#endif
