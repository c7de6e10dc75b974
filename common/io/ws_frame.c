/* ws_frame - frame headers, masking and the accept key of RFC 6455, as pure functions over bytes.
 *
 * Section 5.2:  FIN RSV1-3 opcode | MASK len7 | len16 or len64 | mask | payload
 */
#include "common/io/ws_frame.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define CONTROL_MAX 125
#define RSV23 0x30
#define OPCODE 0x0f
#define MASK 0x80
#define LEN 0x7f

static bool is_control(uint8_t opcode)
{
	return opcode & 0x8;
}

/* What the first two bytes alone can break. */
static bool first_bytes_good(uint8_t a, uint8_t b, bool allow_rsv1)
{
	uint8_t opcode = a & OPCODE;

	if (a & RSV23)
		return false;
	if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
		return false;
	/* RFC 7692 6: the bit belongs to the first frame of a data message only. */
	if ((a & WS_RSV1) && !(allow_rsv1 && (opcode == WS_TEXT || opcode == WS_BINARY)))
		return false;
	return !is_control(opcode) || ((a & WS_FIN) && (b & LEN) <= CONTROL_MAX);
}

static uint64_t big_endian(const uint8_t *at, uint32_t n)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < n; i++)
		v = v << 8 | at[i];
	return v;
}

/* Payload length in its shortest form; the bytes of the extended length are there. */
static int length_of(const uint8_t *at, uint32_t extended, uint64_t *ret_len)
{
	uint64_t len = extended ? big_endian(at + 2, extended) : at[1] & LEN;

	if (extended == 2 && len < 126)
		return ERR_PROTOCOL;
	if (extended == 8 && (len <= UINT16_MAX || len >> 63))
		return ERR_PROTOCOL;
	*ret_len = len;
	return 0;
}

int ws_frame_parse(const uint8_t *at, size_t len, bool allow_rsv1, struct ws_frame *ret_frame)
{
	struct ws_frame f = {0};
	uint32_t extended;

	if (len < 1)
		return ERR_AGAIN;
	if (!first_bytes_good(at[0], len > 1 ? at[1] : 0, allow_rsv1))
		return ERR_PROTOCOL;
	if (len < 2)
		return ERR_AGAIN;
	f.opcode = at[0] & OPCODE;
	f.fin = at[0] & WS_FIN;
	f.rsv1 = at[0] & WS_RSV1;
	f.masked = at[1] & MASK;
	extended = (at[1] & LEN) < 126 ? 0 : (at[1] & LEN) == 126 ? 2 : 8;
	f.header_len = 2 + extended + (f.masked ? 4 : 0);
	if (len >= 2 + extended && length_of(at, extended, &f.len) < 0)
		return ERR_PROTOCOL;
	if (len < f.header_len)
		return ERR_AGAIN;
	if (f.masked)
		memcpy(f.mask, at + 2 + extended, sizeof f.mask);
	*ret_frame = f;
	return 0;
}

static size_t put_length(uint8_t *at, size_t len, uint8_t masked)
{
	size_t extended = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;

	at[0] = (uint8_t)(masked | (extended == 0 ? len : extended == 2 ? 126 : 127));
	for (size_t i = 0; i < extended; i++)
		at[1 + i] = (uint8_t)((uint64_t)len >> 8 * (extended - 1 - i));
	return 1 + extended;
}

int ws_frame_append(struct buf *out, uint8_t first, const uint8_t mask[4], const void *payload,
		    size_t len)
{
	uint8_t *at;
	int rc;

	must(first_bytes_good(first, len > CONTROL_MAX ? LEN : (uint8_t)len, true));
	rc = buf_reserve(out, WS_FRAME_HEADER_MAX + len);
	if (rc < 0)
		return rc;
	at = out->at + out->len;
	*at++ = first;
	at += put_length(at, len, mask ? MASK : 0);
	if (mask) {
		memcpy(at, mask, 4);
		at += 4;
	}
	if (len > 0)
		memcpy(at, payload, len);
	if (mask)
		ws_frame_mask(at, len, mask, 0);
	out->len = (size_t)(at + len - out->at);
	return 0;
}

void ws_frame_mask(uint8_t *at, size_t len, const uint8_t mask[4], size_t offset)
{
	uint8_t turned[8];
	uint64_t word, pattern;
	size_t i = 0;

	for (size_t k = 0; k < sizeof turned; k++)
		turned[k] = mask[(offset + k) & 3];
	memcpy(&pattern, turned, sizeof pattern);
	for (; i + sizeof word <= len; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		word ^= pattern;
		memcpy(at + i, &word, sizeof word);
	}
	for (; i < len; i++)
		at[i] ^= turned[i & 7];
}

/* RFC 6455 4.2.2: the GUID is fixed by the protocol. */
void ws_accept_key(const char *key, char out[29])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[64 + sizeof guid];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	size_t len = strlen(key);

	must(len <= 64);
	memcpy(text, key, len);
	memcpy(text + len, guid, sizeof guid);
	must(EVP_Digest(text, len + sizeof guid - 1, digest, &n, EVP_sha1(), NULL) == 1 && n == 20);
	must(EVP_EncodeBlock((unsigned char *)out, digest, (int)n) == 28);
}
