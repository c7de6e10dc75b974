/* fuzz_codec - bytes from anywhere through everything in proto that reads them.
 *
 * What is read as an event must pack, read back and pack to the same bytes; must print as one
 * harmless line and as JSON that our own reader accepts; and must have the length that
 * codec_measure says. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/json.h"
#include "proto/codec.h"
#include "proto/topic.h"

#define TEXT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static _Alignas(16) uint8_t memory[2][ARENA_SIZE];
static uint8_t packed[2][1u << 18];

static void check_text(const struct event *ev)
{
	struct json j;
	struct buf out;
	char topic[TOPIC_MAX];

	buf_init(&out, TEXT_MAX);
	must(codec_print(ev, &out) == 0);
	for (size_t i = 0; i < out.len; i++)
		must(out.at[i] >= 0x20 && out.at[i] != 0x7f);
	buf_clear(&out);
	must(codec_json(ev, NULL, &out) == 0);
	json_init(&j, (const char *)out.at, out.len);
	json_skip(&j);
	must(json_finish(&j) == 0);
	buf_fini(&out);
	int n = topic_of(ev, topic);
	must(n < 0 || (size_t)n == strlen(topic));
	must(n <= 0 || topic_matches(topic, topic));
}

/* Packed twice with a reading in between: the same bytes. */
static void check_again(const struct event *ev)
{
	struct arena arena = {memory[1], sizeof memory[1], 0};
	struct event back;
	size_t used;
	int n = codec_pack(ev, packed[0], sizeof packed[0]);

	must(n > 0);
	must(codec_unpack(packed[0], (size_t)n, &arena, &back, &used) == 0 && used == (size_t)n);
	must(codec_pack(&back, packed[1], sizeof packed[1]) == n);
	must(memcmp(packed[0], packed[1], (size_t)n) == 0);
	must(codec_stamp_sent(packed[1], (size_t)n, -1) == 0);
	must(codec_same_result(packed[0], (size_t)n, packed[1], (size_t)n));
}

static void read_event(const uint8_t *bytes, size_t len)
{
	struct arena arena = {memory[0], sizeof memory[0], 0};
	size_t used = 0, measured = 0;
	struct event ev, head;
	int rc = codec_unpack(bytes, len, &arena, &ev, &used);

	if (rc == 0 || rc == ERR_UNKNOWN) {
		must(codec_measure(bytes, len, &measured) == 0 && measured == used);
		must(codec_peek(bytes, len, &head) == 0);
	}
	if (rc < 0)
		return;
	must(head.id == ev.id && head.seq == ev.seq && strcmp(head.source, ev.source) == 0);
	check_text(&ev);
	check_again(&ev);
}

/* A snapshot, in the order that the first bytes ask for. */
static void read_state(const uint8_t *bytes, size_t len)
{
	struct unpacker u = {bytes, bytes + len, 0};
	struct arena arena = {memory[0], sizeof memory[0], 0};
	struct event ev;
	char text[64];

	for (size_t i = 0; i < len && u.err == 0; i++) {
		switch (bytes[i] % 7) {
		case 0:
			unpack_array(&u);
			break;
		case 1:
			unpack_i64(&u);
			break;
		case 2:
			unpack_u64(&u);
			break;
		case 3:
			unpack_bool(&u);
			break;
		case 4:
			unpack_str(&u, text, sizeof text);
			break;
		case 5:
			unpack_bin(&u);
			break;
		default:
			unpack_event(&u, &arena, &ev);
		}
		must(u.at <= u.end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *body;
	const char *topic;
	size_t topic_len, body_len;
	struct buf out;

	read_event(bytes, len);
	read_state(bytes, len);
	if (codec_split(bytes, len, &topic, &topic_len, &body, &body_len) == 0)
		read_event(body, body_len);
	buf_init(&out, TEXT_MAX);
	codec_print_unknown(bytes, len, &out);
	buf_fini(&out);
	codec_same_result(bytes, len, bytes, len);
	return 0;
}
