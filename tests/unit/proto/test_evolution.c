/* test_evolution - old senders, new senders and other encoders: tails, forms. */
#include <msgpack.h>

#include "tests/unit/proto/samples.h"

#define ENVELOPE 9
#define ELEMENTS_MAX 64

/* A packed event taken apart into its elements. */
struct parts {
	uint8_t bytes[EVENT_PACKED_MAX];
	size_t n, at[ELEMENTS_MAX], len[ELEMENTS_MAX];
};

static struct parts parts;
static uint8_t packed[EVENT_PACKED_MAX];

static void take_apart(const struct event *ev)
{
	int total = codec_pack(ev, parts.bytes, sizeof parts.bytes);

	assert_true(total > 0);
	size_t at = parts.bytes[0] == 0xdc ? 3 : 1;
	for (parts.n = 0; at < (size_t)total; parts.n++) {
		parts.at[parts.n] = at;
		assert_int_equal(codec_measure(parts.bytes + at, (size_t)total - at,
			&parts.len[parts.n]), 0);
		at += parts.len[parts.n];
	}
}

/* An array of the first n elements and some extra bytes that are `extras` elements. */
static size_t assemble(size_t n, const void *extra, size_t extra_len, size_t extras)
{
	size_t len = 3;

	packed[0] = 0xdc;
	packed[1] = (uint8_t)((n + extras) >> 8);
	packed[2] = (uint8_t)(n + extras);
	for (size_t i = 0; i < n; i++) {
		memcpy(packed + len, parts.bytes + parts.at[i], parts.len[i]);
		len += parts.len[i];
	}
	memcpy(packed + len, extra, extra_len);
	return len + extra_len;
}

static bool is_zero_field(const struct event *ev, const struct field_row *f)
{
	static struct event zero;

	zero.id = ev->id;
	return sample_same_field(ev, &zero, f);
}

static void old_senders(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 4);
	for (size_t i = 0; i < n_rows; i++) {
		sample_make(&r, &rows[i], &s);
		take_apart(&s.ev);
		assert_int_equal(parts.n, ENVELOPE + rows[i].n_fields);
		for (size_t known = 0; known <= rows[i].n_fields; known++) {
			struct arena arena = sample_arena();
			struct event back;
			size_t used, len = assemble(ENVELOPE + known, "", 0, 0);

			memset(&back, 0xa5, sizeof back);
			assert_int_equal(codec_unpack(packed, len, &arena, &back, &used), 0);
			assert_int_equal(used, len);
			for (size_t k = 0; k < rows[i].n_fields; k++) {
				const struct field_row *f = &rows[i].fields[k];
				assert_true(k < known ? sample_same_field(&s.ev, &back, f)
						      : is_zero_field(&back, f));
			}
		}
	}
}

/* Fewer elements than the envelope are no event. */
static void short_envelopes(void **state)
{
	(void)state;
	struct sample s;
	struct rng r;

	rng_seed(&r, 5);
	sample_make(&r, event_row(EVENT_trade), &s);
	take_apart(&s.ev);
	for (size_t n = 0; n < ENVELOPE; n++) {
		struct event back;
		size_t used, len = assemble(n, "", 0, 0);
		assert_int_equal(codec_unpack(packed, len, NULL, &back, &used), ERR_TYPE);
		assert_int_equal(codec_peek(packed, len, &back), ERR_TYPE);
	}
}

static void unpack_with(const void *extra, size_t extra_len, size_t extras, int expected)
{
	struct arena arena = sample_arena();
	struct event back;
	size_t used, len = assemble(parts.n, extra, extra_len, extras);

	assert_int_equal(codec_unpack(packed, len, &arena, &back, &used), expected);
	if (expected == 0)
		assert_int_equal(used, len);
}

static void new_senders(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 6);
	for (size_t i = 0; i < n_rows; i++) {
		sample_make(&r, &rows[i], &s);
		take_apart(&s.ev);
		unpack_with("\x07", 1, 1, 0);
		unpack_with("\xc0\xc3\xa3new", 6, 3, 0);
		/* A map with the same key twice: nobody asks for its values. */
		unpack_with("\x82\xa1k\x01\xa1k\x02\x92\x01\x92\x02\xc4\x01z", 14, 2, 0);
		unpack_with("\xcb\x3f\xf0\0\0\0\0\0\0", 9, 1, 0); /* 1.0 */
		/* Seven lists within the event's own. */
		unpack_with("\x91\x91\x91\x91\x91\x91\x91\x01", 8, 1, 0);
		unpack_with("\x91\x91\x91\x91\x91\x91\x91\x91\x01", 9, 1, ERR_DEPTH);
		unpack_with("\xcb\x7f\xf8\0\0\0\0\0\0", 9, 1, ERR_TYPE); /* not a number */
		unpack_with("\xca\x7f\x80\0\0", 5, 1, ERR_TYPE);	  /* infinity */
		unpack_with("\xd4\x01\x01", 3, 1, ERR_TYPE);		  /* an extension */
		unpack_with("\xc1", 1, 1, ERR_TYPE);
		unpack_with("\x01", 1, 2, ERR_TRUNCATED);
		unpack_with("\xdd\xff\xff\xff\xff", 5, 1, ERR_TRUNCATED);
	}
}

/* What follows an event is the next one. */
static void several_in_a_row(void **state)
{
	(void)state;
	struct sample s;
	struct rng r;
	size_t len = 0, ends[8], at = 0;

	rng_seed(&r, 7);
	for (int i = 0; i < 8; i++) {
		sample_make(&r, event_row(EVENT_trade), &s);
		s.ev.seq = (uint64_t)i + 1;
		int n = codec_pack(&s.ev, packed + len, sizeof packed - len);
		assert_true(n > 0);
		len += (size_t)n;
		ends[i] = len;
	}
	for (uint64_t i = 0; i < 8; i++) {
		struct event ev;
		size_t used;
		assert_int_equal(codec_unpack(packed + at, len - at, NULL, &ev, &used), 0);
		assert_int_equal(ev.seq, i + 1);
		at += used;
		assert_int_equal(at, ends[i]);
	}
}

/* An encoder that knows only the widest forms says the same. */
static void other_forms(void **state)
{
	(void)state;
	struct event ev;
	msgpack_sbuffer out;
	msgpack_packer p;
	size_t used;

	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&p, &out, msgpack_sbuffer_write);
	msgpack_pack_array(&p, ENVELOPE + 7);
	msgpack_pack_fix_uint64(&p, EVENT_trade);
	msgpack_pack_fix_int64(&p, 1);
	msgpack_pack_str(&p, 3);
	msgpack_pack_str_body(&p, "abc", 3);
	msgpack_pack_fix_uint32(&p, 5);
	msgpack_pack_fix_int16(&p, 6);
	msgpack_pack_fix_int8(&p, 1);
	msgpack_pack_fix_uint8(&p, 7);
	msgpack_pack_fix_int32(&p, -8);
	msgpack_pack_int8(&p, 9);
	msgpack_sbuffer_write(&out, "\xd9\x0f" "BTCUSDT.BINANCE", 17);
	msgpack_pack_fix_int64(&p, 2);
	msgpack_pack_fix_uint16(&p, 5);
	msgpack_pack_fix_int16(&p, -300);
	msgpack_pack_fix_uint64(&p, 400);
	msgpack_pack_fix_int64(&p, side_sell);
	msgpack_pack_fix_int64(&p, 12345);
	assert_int_equal(codec_unpack((uint8_t *)out.data, out.size, NULL, &ev, &used), 0);
	assert_int_equal(used, out.size);
	assert_string_equal(ev.source, "abc");
	assert_int_equal(ev.epoch, 5);
	assert_int_equal(ev.seq, 6);
	assert_int_equal(ev.ts_event, 7);
	assert_int_equal(ev.ts_recv, -8);
	assert_int_equal(ev.ts_sent, 9);
	assert_string_equal(ev.trade.instrument.s, "BTCUSDT.BINANCE");
	assert_int_equal(ev.trade.price, -300);
	assert_int_equal(ev.trade.qty, 400);
	assert_int_equal(ev.trade.aggressor, side_sell);
	assert_int_equal(ev.trade.trade_id, 12345);
	msgpack_sbuffer_destroy(&out);
}

/* msgpack-c reads every one of our events and sees what the tables say. */

static void check_chars(const msgpack_object *o, const char *text)
{
	assert_int_equal(o->type, MSGPACK_OBJECT_STR);
	assert_int_equal(o->via.str.size, strlen(text));
	assert_memory_equal(o->via.str.ptr, text, o->via.str.size);
}

static void check_i64(const msgpack_object *o, int64_t v)
{
	assert_int_equal(o->type,
		v < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER);
	assert_true(o->via.i64 == v);
}

static void check_u64(const msgpack_object *o, uint64_t v)
{
	assert_int_equal(o->type, MSGPACK_OBJECT_POSITIVE_INTEGER);
	assert_true(o->via.u64 == v);
}

static void check_levels(const msgpack_object *o, const struct levels *l)
{
	assert_int_equal(o->type, MSGPACK_OBJECT_ARRAY);
	assert_int_equal(o->via.array.size, 2 * l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		check_i64(&o->via.array.ptr[2 * i], l->at[i].price);
		check_i64(&o->via.array.ptr[2 * i + 1], l->at[i].qty);
	}
}

static void check_pairs(const msgpack_object *o, const struct pairs *l)
{
	assert_int_equal(o->type, MSGPACK_OBJECT_ARRAY);
	assert_int_equal(o->via.array.size, 2 * l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		check_chars(&o->via.array.ptr[2 * i], l->at[i].name);
		check_i64(&o->via.array.ptr[2 * i + 1], l->at[i].value);
	}
}

static void check_field(const msgpack_object *o, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);

	switch (f->kind) {
	case KIND_flag:
		assert_int_equal(o->type, MSGPACK_OBJECT_BOOLEAN);
		assert_int_equal(o->via.boolean, *(const bool *)at);
		break;
	case KIND_u8:
	case KIND_enumeration:
		check_u64(o, *(const uint8_t *)at);
		break;
	case KIND_u16:
		check_u64(o, *(const uint16_t *)at);
		break;
	case KIND_u32:
		check_u64(o, *(const uint32_t *)at);
		break;
	case KIND_u64:
		check_u64(o, *(const uint64_t *)at);
		break;
	case KIND_symbol:
	case KIND_name:
	case KIND_text:
		check_chars(o, at);
		break;
	case KIND_levels:
		check_levels(o, at);
		break;
	case KIND_pairs:
		check_pairs(o, at);
		break;
	case KIND_blob:
		assert_int_equal(o->type, MSGPACK_OBJECT_BIN);
		break;
	default:
		check_i64(o, *(const int64_t *)at);
	}
}

static void read_by_msgpack(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	msgpack_unpacked result;
	struct sample s;
	struct rng r;

	rng_seed(&r, 8);
	msgpack_unpacked_init(&result);
	for (size_t i = 0; i < n_rows * 50; i++) {
		const struct event_row *row = &rows[i % n_rows];
		size_t off = 0;
		sample_make(&r, row, &s);
		int len = codec_pack(&s.ev, packed, sizeof packed);
		assert_true(len > 0);
		assert_int_equal(msgpack_unpack_next(&result, (char *)packed, (size_t)len, &off),
				 MSGPACK_UNPACK_SUCCESS);
		assert_int_equal(off, len);
		assert_int_equal(result.data.via.array.size, ENVELOPE + row->n_fields);
		const msgpack_object *o = result.data.via.array.ptr;
		check_u64(&o[0], s.ev.id);
		check_u64(&o[1], s.ev.version);
		check_chars(&o[2], s.ev.source);
		check_u64(&o[3], s.ev.epoch);
		check_u64(&o[4], s.ev.seq);
		check_u64(&o[5], s.ev.origin);
		check_i64(&o[6], s.ev.ts_event);
		check_i64(&o[7], s.ev.ts_recv);
		check_i64(&o[8], s.ev.ts_sent);
		for (size_t k = 0; k < row->n_fields; k++)
			check_field(&o[ENVELOPE + k], &s.ev, &row->fields[k]);
	}
	msgpack_unpacked_destroy(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_senders),	 cmocka_unit_test(short_envelopes),
		cmocka_unit_test(new_senders),	 cmocka_unit_test(several_in_a_row),
		cmocka_unit_test(other_forms),	 cmocka_unit_test(read_by_msgpack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
