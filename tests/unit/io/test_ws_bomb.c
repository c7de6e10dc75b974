/* test_ws_bomb - permessage-deflate over a real connection: a gigabyte in a frame of a megabyte, and one in fragments.
 *
 * A block of deflated zeros refers to zeros before it, so it can be sent again and again: each kilobyte of it becomes
 * a megabyte. The client must stop at its limit, say so (1009), and hold no more than before.
 */
#include <sys/resource.h>

#include "common/io/ws_deflate.h"
#include "tests/unit/io/ws_client.h"

#define BLOCK (1 << 20)
#define EXTENSION "Sec-WebSocket-Extensions: permessage-deflate\r\n"
#define GROWTH_MAX_KIB (64 << 10)

enum { REPEATS = 800 };

struct bomb {
	struct buf first, block; /* with the four bytes that a message's last block leaves out */
	int fragments;           /* to send it in; each REPEATS / fragments blocks */
	int sent_code;           /* of the client's close frame */
};

static void make_blocks(struct bomb *b)
{
	static const struct ws_deflate_params p = {.server_bits = 15, .client_bits = 15};
	struct buf *const out[] = {&b->first, &b->block};
	uint8_t *zeros = calloc(1, BLOCK);
	struct ws_deflate *pack;

	assert_non_null(zeros);
	assert_int_equal(ws_deflate_new(&p, true, &pack), 0);
	for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
		buf_init(out[i], 2 * BLOCK);
		assert_int_equal(ws_deflate_pack(pack, zeros, BLOCK, out[i]), 0);
		assert_int_equal(buf_append(out[i], "\0\0\xff\xff", 4), 0);
	}
	ws_deflate_free(pack);
	free(zeros);
}

static void serve_bomb(struct peer_conn *p, void *ctx)
{
	struct bomb *b = ctx;
	struct buf payload, wire;
	char text[256];

	if (!upgrade(p, EXTENSION))
		return;
	buf_init(&payload, 2 * BLOCK);
	buf_init(&wire, 2 * BLOCK);
	must(buf_append(&payload, b->first.at, b->first.len) == 0);
	for (int i = 0; i < b->fragments; i++) {
		for (int k = 0; k < REPEATS / b->fragments; k++)
			must(buf_append(&payload, b->block.at, b->block.len) == 0);
		uint8_t first = i == 0 ? WS_RSV1 | WS_TEXT : WS_CONT, last = i == b->fragments - 1 ? WS_FIN : 0;
		buf_clear(&wire);
		must(ws_frame_append(&wire, first | last, NULL, payload.at, payload.len) == 0);
		if (!peer_write(p, wire.at, wire.len))
			break; /* the client has closed meanwhile */
		buf_clear(&payload);
	}
	if (client_frame(p, text, sizeof text) == WS_CLOSE)
		b->sent_code = (uint8_t)text[0] << 8 | (uint8_t)text[1];
	buf_fini(&payload);
	buf_fini(&wire);
}

static long most_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

static void explode(struct client *c, int fragments)
{
	struct bomb b = {.fragments = fragments};

	make_blocks(&b);
	assert_true(b.block.len * REPEATS < BLOCK); /* on the wire it is no longer than a message may be */
	c->extra = &b;
	long before = most_kib();
	assert_string_equal(talk(c, serve_bomb, (struct ws_options){.deflate = true}),
			    "open close 1009 ERR_TOO_LONG: a message is longer than its limit after inflating");
	assert_in_range(most_kib() - before, 0, GROWTH_MAX_KIB);
	assert_int_equal(c->messages, 0);
	assert_int_equal(b.sent_code, 1009);
	buf_fini(&b.first);
	buf_fini(&b.block);
}

static void test_a_gigabyte_in_a_frame(void **state)
{
	explode(*state, 1);
}

static void test_a_gigabyte_in_fragments(void **state)
{
	explode(*state, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_gigabyte_in_a_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_gigabyte_in_fragments, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
