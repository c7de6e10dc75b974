/* test_codec - every event there and back, cut short, made longer, by older and newer senders. */
#include "tests/unit/proto/samples.h"

#define ROUNDS 200

static uint8_t packed[EVENT_PACKED_MAX];

static size_t pack(const struct event *ev)
{
	int n = codec_pack(ev, packed, sizeof packed);

	assert_true(n > 0);
	return (size_t)n;
}

static void round_trip(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 1);
	for (size_t i = 0; i < n_rows; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			struct arena arena = sample_arena();
			struct event back;
			size_t used, len, measured;

			sample_make(&r, &rows[i], &s);
			len = pack(&s.ev);
			assert_int_equal(codec_unpack(packed, len, &arena, &back, &used), 0);
			assert_int_equal(used, len);
			assert_true(sample_same(&s.ev, &back));
			assert_int_equal(codec_measure(packed, len, &measured), 0);
			assert_int_equal(measured, len);
		}
	}
}

/* Every cap below the length is ERR_FULL, and nothing is written behind it; the exact length is
 * enough. */
static void every_cap(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 2);
	for (size_t i = 0; i < n_rows; i++) {
		sample_make(&r, &rows[i], &s);
		size_t len = pack(&s.ev);
		for (size_t cap = 0; cap <= len; cap++) {
			uint8_t *out = malloc(cap + 1);
			out[cap] = 0x5a;
			assert_int_equal(codec_pack(&s.ev, out, cap),
				cap < len ? ERR_FULL : (int)len);
			assert_int_equal(out[cap], 0x5a);
			if (cap == len)
				assert_memory_equal(out, packed, len);
			free(out);
		}
	}
}

/* Every prefix of every event is refused and leaves no event behind. */
static void every_truncation(void **state)
{
	(void)state;
	size_t n_rows;
	const struct event_row *rows = event_rows(&n_rows);
	struct sample s;
	struct rng r;

	rng_seed(&r, 3);
	for (size_t i = 0; i < n_rows; i++) {
		sample_make(&r, &rows[i], &s);
		size_t len = pack(&s.ev);
		for (size_t cut = 0; cut < len; cut++) {
			struct arena arena = sample_arena();
			struct event back;
			size_t used = 77;
			uint8_t *exact = malloc(cut > 0 ? cut : 1);

			memcpy(exact, packed, cut);
			memset(&back, 0xa5, sizeof back);
			assert_int_equal(codec_unpack(exact, cut, &arena, &back, &used),
				ERR_TRUNCATED);
			assert_int_equal(back.id, 0);
			assert_int_equal(used, 77);
			assert_int_equal(arena.used, 0);
			assert_int_equal(codec_measure(exact, cut, &used), ERR_TRUNCATED);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_cap),
		cmocka_unit_test(every_truncation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
