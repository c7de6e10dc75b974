/* test_state - the writer and reader for snapshots: there and back, cut short, wrong kinds. */
#include "tests/unit/proto/samples.h"

static struct event ev;
static struct level levels[EVENT_LEVELS_MAX];

static void write_all(struct packer *p)
{
	pack_array(p, 3);
	pack_i64(p, INT64_MIN);
	pack_i64(p, -33);
	pack_u64(p, UINT64_MAX);
	pack_bool(p, true);
	pack_str(p, "gr\xc3\xb6\xc3\x9f" "er");
	pack_bin(p, "\0\1\2", 3);
	pack_event(p, &ev);
	pack_array(p, 70000);
}

static void read_all(struct unpacker *u)
{
	struct arena arena = sample_arena();
	struct event back;
	struct blob blob;
	char text[9];

	assert_int_equal(unpack_array(u), 3);
	assert_true(unpack_i64(u) == INT64_MIN);
	assert_true(unpack_i64(u) == -33);
	assert_true(unpack_u64(u) == UINT64_MAX);
	assert_true(unpack_bool(u));
	unpack_str(u, text, sizeof text);
	assert_string_equal(text, "gr\xc3\xb6\xc3\x9f" "er");
	blob = unpack_bin(u);
	assert_int_equal(blob.n, 3);
	assert_memory_equal(blob.at, "\0\1\2", 3);
	unpack_event(u, &arena, &back);
	assert_int_equal(u->err, 0);
	assert_true(sample_same(&ev, &back));
}

static void make_event(void)
{
	event_init(&ev, EVENT_book_snapshot); /* nobody has published it: no source */
	for (size_t i = 0; i < EVENT_LEVELS_MAX; i++)
		levels[i] = (struct level){INT64_MAX, INT64_MIN};
	ev.book_snapshot.bids = (struct levels){levels, EVENT_LEVELS_MAX};
	ev.book_snapshot.asks = (struct levels){levels, EVENT_LEVELS_MAX};
}

static void there_and_back(void **state)
{
	(void)state;
	struct buf out;

	make_event();
	buf_init(&out, 4 << 20);
	struct packer p = {&out, 0};
	write_all(&p);
	assert_int_equal(p.err, 0);
	struct unpacker u = {out.at, out.at + out.len, 0};
	read_all(&u);
	assert_int_equal(unpack_array(&u), 0); /* claims 70000 elements that are not there */
	assert_int_equal(u.err, ERR_TRUNCATED);
	assert_int_equal(unpack_i64(&u), 0);
	assert_int_equal(u.err, ERR_TRUNCATED);
	buf_fini(&out);
}

static void cut_short(void **state)
{
	(void)state;
	struct buf out;

	event_init(&ev, EVENT_trade);
	buf_init(&out, 4 << 20);
	struct packer p = {&out, 0};
	write_all(&p);
	assert_int_equal(p.err, 0);
	for (size_t cut = 0; cut < out.len - 5; cut++) {
		struct unpacker u = {out.at, out.at + cut, 0};
		struct event back;
		char text[9];
		unpack_array(&u);
		unpack_i64(&u);
		unpack_i64(&u);
		unpack_u64(&u);
		unpack_bool(&u);
		unpack_str(&u, text, sizeof text);
		unpack_bin(&u);
		unpack_event(&u, NULL, &back);
		assert_int_equal(u.err, ERR_TRUNCATED);
	}
	buf_fini(&out);
}

static void wrong_kinds(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0xc0, 0xc0, 0xc0, 0xc0};
	char text[4] = "abc";
	struct event back;
	struct unpacker u;

#define FAILS(call, error)                                                \
	do {                                                              \
		u = (struct unpacker){bytes, bytes + sizeof bytes, 0};    \
		call;                                                     \
		assert_int_equal(u.err, error);                           \
		assert_ptr_equal(u.at, bytes);                            \
	} while (0)
	FAILS(assert_int_equal(unpack_array(&u), 0), ERR_TYPE);
	FAILS(assert_int_equal(unpack_i64(&u), 0), ERR_TYPE);
	FAILS(assert_int_equal(unpack_u64(&u), 0), ERR_TYPE);
	FAILS(assert_false(unpack_bool(&u)), ERR_TYPE);
	FAILS(unpack_str(&u, text, sizeof text), ERR_TYPE);
	assert_string_equal(text, "");
	FAILS(assert_null(unpack_bin(&u).at), ERR_TYPE);
	FAILS(unpack_event(&u, NULL, &back), ERR_TYPE);
#undef FAILS
}

static void texts(void **state)
{
	(void)state;
	struct buf out;
	char text[4];

	buf_init(&out, 1000);
	struct packer p = {&out, 0};
	pack_str(&p, "abcd");
	struct unpacker u = {out.at, out.at + out.len, 0};
	unpack_str(&u, text, sizeof text);
	assert_int_equal(u.err, ERR_TOO_LONG);
	buf_clear(&out);
	pack_str(&p, "a\xff");
	assert_int_equal(p.err, 0);
	u = (struct unpacker){out.at, out.at + out.len, 0};
	unpack_str(&u, text, sizeof text);
	assert_int_equal(u.err, 0);
	assert_string_equal(text, "a?");
	buf_fini(&out);
}

static void full(void **state)
{
	(void)state;
	struct buf out;

	make_event();
	buf_init(&out, 100);
	struct packer p = {&out, 0};
	pack_event(&p, &ev);
	assert_int_equal(p.err, ERR_FULL);
	pack_i64(&p, 1);
	assert_int_equal(p.err, ERR_FULL);
	assert_int_equal(out.len, 0);
	p.err = 0;
	ev.source[0] = '!';
	buf_fini(&out);
	buf_init(&out, 1 << 20);
	pack_event(&p, &ev);
	assert_int_equal(p.err, ERR_ARG);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(cut_short),
			cmocka_unit_test(wrong_kinds),
		cmocka_unit_test(texts),	  cmocka_unit_test(full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
